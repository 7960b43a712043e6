"""A Debian 12 of its own to install on: a fresh tree, no network but its own loopback, and the units started as they say.

systemd itself does not run in it: `start` reads a unit and does what it says of user, groups, environment, folder, umask
and command. What else a unit says is tried under the real systemd in test_separation.py, and rated by systemd-analyze. It needs
root, debootstrap and a mirror of Debian; GONGSHI_TEST_TREE is a tree that was made before, GONGSHI_TEST_BUNDLE the folder of a bundle.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_PACKAGES = "python3,nginx-light,systemd"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ENTER = """
set -e
mount --make-rprivate /
mount -t proc proc {root}/proc
mount -t tmpfs tmpfs {root}/run
mount -t tmpfs tmpfs {root}/tmp
mount --bind /dev {root}/dev
mount -t tmpfs -o mode=1777 tmpfs {root}/dev/shm
ip link set lo up
exec chroot {root} sleep infinity
"""
_ASK = """
import http.client, json, socket, ssl, sys
told = []
for name, path, ca in json.load(sys.stdin):
    context = ssl.create_default_context(cafile=ca) if ca else None
    asking = (http.client.HTTPSConnection(name, 443, context=context, timeout=20) if ca
              else http.client.HTTPConnection(name, 80, timeout=20))
    asking._create_connection = lambda _address, *rest: socket.create_connection(("127.0.0.1", 443 if ca else 80), *rest)
    try:
        asking.request("GET", path)
        answer = asking.getresponse()
        told.append([answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()])
    except OSError as error:
        told.append([0, {}, type(error).__name__])
print(json.dumps(told))
"""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str


@dataclass(slots=True)
class Machine:
    """A running machine. `typed` are the commands that an administrator gave."""

    root: Path
    pid: int
    started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)

    def run(self, command: str, typed: str = "", *, fails: bool = False) -> str:
        """What a shell of root's there prints; it must end as expected."""
        done = subprocess.run(
            [*self._enter(), "/bin/sh", "-c", command], input=typed, capture_output=True, text=True, timeout=300
        )
        assert (done.returncode != 0) == fails, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout + (done.stderr if fails else "")

    def administer(self, command: str, *, ends: Sequence[int] = (0,)) -> str:
        """The same, counted as what an administrator types."""
        self.typed.append(command)
        done = subprocess.run(
            [*self._enter(), "/bin/sh", "-c", f"cd /root\n{command}"], capture_output=True, text=True, timeout=300
        )
        assert done.returncode in ends, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def gongshi(self, *words: object, user: str = "", typed: str = "") -> dict[str, object]:
        """The JSON object of a command given by hand, or by the user of a process."""
        program = "gongshi"
        if user:
            unit = read_unit(self.root, f"{user.removeprefix('gongshi-')}.service")
            program = f"{unit.preamble} {unit.command.split()[0]}"
        command = f"cd /; {program} {' '.join(shlex.quote(str(word)) for word in words)} --json"
        found: dict[str, object] = json.loads(self.run(command, typed).splitlines()[-1])
        return found

    def start(self, *units: str) -> None:
        """Start units as they say; each must say that it is ready."""
        for unit in units:
            self._launch(unit)
        for unit in units:
            said = self.started[unit].stdout
            assert said is not None
            line = said.readline().decode()
            assert "已就绪" in line, line + (self.root / f"{unit}.log").read_text()[-3000:]

    def _launch(self, unit: str) -> None:
        told = read_unit(self.root, unit)
        for folder in told.folders:
            self.run(f"install -d -o {told.user} -g {told.user} -m {told.folder_mode} /run/{folder}")
        with (self.root / f"{unit}.log").open("wb") as log:
            process = subprocess.Popen(
                [*self._enter(), "/bin/sh", "-c", f"cd /; exec {told.preamble} {told.command}"],
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self.started[unit] = process

    def run_unit(self, unit: str) -> str:
        """Run a unit that a timer starts to its end; what it printed."""
        told = read_unit(self.root, unit)
        return self.run(f"cd /; exec {told.preamble} {told.command}")

    def ask(self, *wanted: tuple[str, str, str]) -> list[Answer]:
        """What the web server answers under a name for a path, given the certificate that is trusted there; without one it
        is asked unencrypted."""
        python = "/opt/gongshi/current/venv/bin/python"
        found = json.loads(self.run(f"{python} -c {shlex.quote(_ASK)}", json.dumps(wanted)))
        return [Answer(*one) for one in found]

    def stop(self) -> None:
        for process in self.started.values():
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def _enter(self) -> list[str]:
        return ["nsenter", f"--target={self.pid}", "--mount", "--net", "--pid", "--root", "--wd=/", "env", "-i", _PATH,
                "HOME=/root"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """What a unit says of the process that it starts."""

    user: str
    preamble: str
    command: str
    folders: tuple[str, ...]
    folder_mode: str


def read_unit(root: Path, unit: str) -> Unit:
    """A unit of a machine with what is set beside it."""
    name = unit if unit.startswith("gongshi-") else f"gongshi-{unit}"
    place = root / "etc/systemd/system" / name
    texts = [place.read_text(), *(path.read_text() for path in sorted(place.with_name(f"{name}.d").glob("*.conf")))]
    lines = [found for text in texts for found in re.findall(r"^(\w+)=(.*)$", text, re.M)]
    one = dict(lines)
    environ = [value for key, value in lines if key == "Environment"]
    for path in (value.lstrip("-") for key, value in lines if key == "EnvironmentFile"):
        text = (root / path.lstrip("/")).read_text()
        environ += [f"{key}={value}" for key, value in re.findall(r"^(\w+)='(.*)'$", text, re.M)]
    groups = ",".join([one["Group"], *one.get("SupplementaryGroups", "").split()])
    become = f"setpriv --reuid {one['User']} --regid {one['Group']} --groups {groups} --inh-caps=-all --no-new-privs"
    told = " ".join(shlex.quote(value) for value in environ)
    return Unit(
        user=one["User"],
        preamble=f"env -i PATH=/usr/bin:/bin {told} {become} sh -c 'umask {one['UMask']}; exec \"$@\"' sh",
        command=one["ExecStart"],
        folders=tuple(one.get("RuntimeDirectory", "").split()),
        folder_mode=one.get("RuntimeDirectoryMode", "0755"),
    )


def make_tree(root: Path) -> None:
    """A fresh Debian 12 with what the documentation has an administrator install."""
    if ready := os.environ.get("GONGSHI_TEST_TREE"):
        subprocess.run(["cp", "-a", ready, str(root)], check=True)
        return
    command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    root.chmod(0o755)


@contextmanager
def boot(root: Path) -> Iterator[Machine]:
    """Enter a tree with namespaces of its own; with them all its processes end."""
    script = _ENTER.format(root=shlex.quote(str(root)))
    keeper = subprocess.Popen(
        # Killed with this process, however that ends.
        [
            "setpriv",
            "--pdeathsig",
            "KILL",
            "unshare",
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--uts",
            "--ipc",
            "sh",
            "-c",
            script,
        ]
    )
    machine = None
    try:
        machine = Machine(root, _find_first(keeper))
        yield machine
    finally:
        keeper.kill()
        keeper.wait()
        if machine is not None:
            machine.stop()


def _find_first(keeper: subprocess.Popen[bytes]) -> int:
    from service_manager import wait_until

    found: list[int] = []

    def is_up() -> bool:
        assert keeper.poll() is None
        children = Path(f"/proc/{keeper.pid}/task/{keeper.pid}/children").read_text().split()
        if children and Path(f"/proc/{children[0]}/cmdline").read_bytes().startswith(b"sleep"):
            found[:] = [int(children[0])]
        return bool(found)

    wait_until(is_up)
    return found[0]

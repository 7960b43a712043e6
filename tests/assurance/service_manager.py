"""A service manager of its own: systemd as the first process of new namespaces, with the unit files that it is given.

So a unit is tried as an administrator installs it, under the real systemd, also where the machine was started by
something else. In it a release is /opt/gongshi/current with the checkout in it, the home /var/lib/gongshi, and /tmp is empty. It needs root.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "gongshi-portal.service"
SOCKET = "run/gongshi-portal/portal.sock"
PORTAL_USER = 64_002
_TARGETS = ("sysinit", "basic", "network", "shutdown", "sockets", "timers", "paths", "slices", "multi-user")
# Where the unit lets programs be, and nothing is: for a Python that lies in somebody's home.
_SPARE = Path("/usr/local/src")
_BOOT = """
set -e
mount --make-rprivate /
mount --rbind {checkout} {base}/opt/gongshi/releases/tested/checkout
mount --rbind {libraries} {base}/venv/libraries
mount --rbind {base}/venv {base}/opt/gongshi/releases/tested/venv
mount --rbind {base}/opt /opt
mount --rbind {home} {base}/lib/gongshi
mount --rbind {base}/lib /var/lib
mount --bind {base}/passwd /etc/passwd
mount --bind {base}/group /etc/group
{python}
{sockets}
mount --rbind {base}/run /run
mount --bind {base}/targets /usr/lib/systemd/system
mount --bind {base}/units /etc/systemd/system
mount --bind {base}/nothing /usr/lib/systemd/system-generators
umount -R -l /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
cd /
mount -t tmpfs none /tmp
exec env -i PATH=/usr/bin:/bin container=gongshi {systemd} --system --unit=basic.target --log-target=console --show-status=0
"""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("list.example", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self._path)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Manager:
    """A running service manager. `base` is the folder its namespaces are built from."""

    pid: int
    base: Path

    def control(self, *arguments: str) -> str:
        """`systemctl ARGUMENTS`, which must succeed; what it printed."""
        command = ["nsenter", "-t", str(self.pid), "-m", "-p", "systemctl", "--no-pager", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr + (self.base / "log").read_text()[-2000:]
        return done.stdout

    def get(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        """What the portal answers to somebody who comes through its socket file."""
        connection = _Connection(f"/proc/{self.pid}/root/{SOCKET}")
        try:
            told = {name.replace("_", "-"): text for name, text in headers.items()}
            connection.request(method, path, body, told)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def start_portal(self, action: str = "start") -> None:
        self.control(action, "gongshi-portal.service")
        try:
            wait_until(self.answers)
        except AssertionError:
            raise AssertionError((self.base / "run/said").read_text()[-3000:]) from None

    def answers(self) -> bool:
        try:
            return self.get("/healthz").status == 200
        except OSError:
            return False

    def restarts(self) -> int:
        """How often systemd has started the portal again by itself."""
        return int(self.control("show", "-P", "NRestarts", "gongshi-portal.service"))

    def main_pid(self) -> int:
        """The portal's first process, as this process numbers it."""
        inner = self.control("show", "-P", "MainPID", "gongshi-portal.service").strip()
        for path in Path("/proc").glob("[0-9]*/status"):
            try:
                numbers = re.search(r"^NSpid:\s+(.*)$", path.read_text(), re.M)
            except (FileNotFoundError, ProcessLookupError):
                continue
            same = _namespace(path.parent) == _namespace(Path(f"/proc/{self.pid}"))
            if numbers and numbers[1].split()[-1] == inner and same:
                return int(path.parent.name)
        raise AssertionError(f"no process {inner}")


def _namespace(process: Path) -> str:
    try:
        return str((process / "ns" / "pid").readlink())
    except OSError:
        return ""


def read_unit(**changes: str) -> str:
    """The unit as it is shipped; `changes` give directives another value, or take them away with an empty one."""
    text = UNIT.read_text(encoding="utf-8")
    for name, value in changes.items():
        text, count = re.subn(rf"^{name}=.*$", f"{name}={value}" if value else "", text, flags=re.M)
        assert count, name
    return text


@contextmanager
def service_manager(
    home: Path, units: dict[str, str], environ: dict[str, str] | None = None, sockets: Path | None = None
) -> Iterator[Manager]:
    """Start one over a home. `environ` is the portal's beside what its unit says; `sockets` becomes /run/postgresql."""
    assert os.geteuid() == 0, "only root can make a service manager"
    with TemporaryDirectory(prefix="gongshi-") as name, ExitStack() as stack:
        base = Path(name)
        base.chmod(0o755)
        _build(base, units, environ or {})
        script = _BOOT.format(
            checkout=ROOT,
            base=base,
            libraries=Path(sys.prefix) / "lib",
            home=home,
            python=_lend_python(base),
            sockets=f"mount --rbind {sockets} {base}/run/postgresql" if sockets else "",
            systemd=shutil.which("systemd", path="/lib/systemd:/usr/lib/systemd") or "/lib/systemd/systemd",
        )
        (base / "boot").write_text(script)
        group = _find_groups() / f"gongshi-{os.getpid()}-{base.name}"
        group.mkdir()
        stack.callback(_remove_groups, group)
        log = stack.enter_context((base / "log").open("wb"))
        launcher = subprocess.Popen(
            ["sh", "-c", 'echo $$ >"$1" && exec unshare -C -m -p -i -u -f --mount-proc sh "$2"', "sh",
             str(group / "cgroup.procs"), str(base / "boot")],
            stdout=log, stderr=log,
        )  # fmt: skip
        stack.callback(launcher.wait)
        stack.callback(_kill_children, launcher.pid)
        wait_until(lambda: (base / "run/systemd/private").exists() or launcher.poll() is not None)
        assert launcher.poll() is None, (base / "log").read_text()
        yield Manager(_children(launcher.pid)[0], base)


def _build(base: Path, units: dict[str, str], environ: dict[str, str]) -> None:
    for folder in (
        "opt/gongshi/releases/tested/checkout",
        "opt/gongshi/releases/tested/venv",
        "lib",
        "run/postgresql",
        "targets",
        "units",
        "nothing",
        "venv/bin",
        "venv/libraries",
    ):
        (base / folder).mkdir(parents=True)
    (base / "opt/gongshi/current").symlink_to("releases/tested")
    (base / "lib/gongshi").mkdir()
    for target in _TARGETS:
        (base / f"targets/{target}.target").write_text("[Unit]\n")
    for unit, text in units.items():
        (base / "units" / unit).write_text(text, encoding="utf-8")
        drop_in = base / "units" / f"{unit}.d"
        drop_in.mkdir()
        lines = (f'Environment="{key}={value}"\n'.replace("%", "%%") for key, value in environ.items())
        (drop_in / "test.conf").write_text("[Service]\nStandardError=append:/run/said\n" + "".join(lines))
    for file in ("passwd", "group"):
        known = Path("/etc", file).read_text()
        tail = ":64002:/nonexistent:/usr/sbin/nologin" if file == "passwd" else ":"
        (base / file).write_text(f"{known}gongshi-portal:x:{PORTAL_USER}{tail}\n")
    _build_venv(base / "venv")


def _build_venv(venv: Path) -> None:
    """The environment as the bundle makes it in /opt/gongshi/current: same packages, same command."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = venv / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    for path in (Path(sys.prefix) / "lib" / version / "site-packages").iterdir():
        if not path.name.startswith("__editable__"):
            (packages / path.name).symlink_to(
                f"/opt/gongshi/current/venv/libraries/{version}/site-packages/{path.name}"
            )
    (packages / "gongshi.pth").write_text("/opt/gongshi/current/checkout\n")
    python = _SPARE / "bin" / version if _is_private(Path(sys.base_prefix)) else Path(sys.base_prefix) / "bin" / version
    (venv / "pyvenv.cfg").write_text(f"home = {python.parent}\ninclude-system-site-packages = false\n")
    (venv / "bin/python").symlink_to(python)
    command = (Path(sys.prefix) / "bin/gongshi").read_text().partition("\n")[2]
    (venv / "bin/gongshi").write_text(f"#!/opt/gongshi/current/venv/bin/python\n{command}")
    (venv / "bin/gongshi").chmod(0o755)


def _is_private(path: Path) -> bool:
    return path.is_relative_to("/root") or path.is_relative_to("/home")


def _lend_python(base: Path) -> str:
    """Commands that put a Python which lies in somebody's home where all may use it."""
    if not _is_private(Path(sys.base_prefix)):
        return ""
    (base / "ld.conf").write_text(f"{_SPARE}/lib\ninclude /etc/ld.so.conf\n")
    return (
        f"mount --rbind {sys.base_prefix} {_SPARE}\n"
        f"ldconfig -X -f {base}/ld.conf -C {base}/ld.cache\n"
        f"chmod 644 {base}/ld.cache\n"
        f"mount --bind {base}/ld.cache /etc/ld.so.cache"
    )


def _find_groups() -> Path:
    """Where the second version of control groups is mounted."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, rest = line.partition(" - ")
        if rest.startswith("cgroup2 "):
            return Path(mount.split()[4])
    raise AssertionError("systemd needs a cgroup2 file system")


def _remove_groups(group: Path) -> None:
    def is_removed() -> bool:
        try:
            for folder, _, _ in os.walk(group, topdown=False):
                Path(folder).rmdir()
        except OSError:
            return False
        return True

    wait_until(is_removed)


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _kill_children(pid: int) -> None:
    # With its first process a namespace of processes ends whole.
    for child in _children(pid):
        os.kill(child, signal.SIGKILL)


def wait_until(is_so: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)

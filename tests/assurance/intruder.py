"""What somebody would try who had taken over the portal's process. Prints, as JSON, how each attempt ended.

Every attempt undoes what it did, and is run once without any sandbox too, to see that it can succeed.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

HOME = Path("/var/lib/gongshi")
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
DONE = "done"
NUMBERS = count()


def main(port: int, abstract: str, places: list[str]) -> None:
    attempts: dict[str, Callable[[], object]] = {
        "list the registry": lambda: list_folder(HOME / "registry"),
        "read the registry": lambda: (HOME / "registry/registry.db").read_bytes(),
        "read the key": lambda: (HOME / "registry/keys/master.key").read_bytes(),
        "list the notifier": lambda: list_folder(HOME / "notifier"),
        "look into a home": lambda: list_folder("/root"),
        "write the store": lambda: os.close(os.open(HOME / "public/disclosed.db", os.O_RDWR)),
        **{f"make a file in {folder}": lambda folder=folder: make(Path(folder)) for folder in FOLDERS},
        "make another's file in the drop folder go": lambda: (HOME / "public/drop/theirs").rename(
            HOME / "public/drop/x"
        ),
        "look into the drop folder": lambda: list_folder(HOME / "public/drop"),
        "connect by TCP": lambda: socket.create_connection(("127.0.0.1", port), 2).close(),
        "make an IPv4 socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close(),
        "make an IPv6 socket": lambda: socket.socket(socket.AF_INET6).close(),
        "make a raw socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
        "make a netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
        "connect to an abstract socket": lambda: connect(f"\0{abstract}"),
        "become root": lambda: os.setuid(0) or os.setgid(0),
        "make a user namespace": lambda: call("unshare", CLONE_NEWUSER, fork=True),
        "make a network namespace": lambda: call("unshare", CLONE_NEWNET, fork=True),
        "mount": lambda: mount(),
        "change the root": lambda: os.chroot("/"),
        "trace a process": lambda: call("ptrace", 0, 0, 0, 0, fork=True),
        "signal the first process": lambda: os.kill(1, 0),
        "see other users' processes": see_processes,
        "rename the machine": lambda: socket.sethostname(socket.gethostname()),
        "run what it wrote": run_own,
        "make a program that runs as its owner": lambda: with_file(lambda path: path.chmod(0o4755)),
        "map memory to write and run": lambda: mmap.mmap(
            -1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
        ).close(),
        "make a device": make_device,
        "read the kernel's log": lambda: os.close(os.open("/dev/kmsg", os.O_RDONLY)),
        "read the kernel's symbols": lambda: Path("/proc/kallsyms").read_bytes()[:1],
        "read the kernel's settings": lambda: Path("/proc/sys/kernel/hostname").read_bytes(),
        "take a higher priority": lambda: os.setpriority(os.PRIO_PROCESS, 0, -5),
        "write to a group of processes": lambda: write_group(),
    }
    told = {name: attempt(work) for name, work in attempts.items()}
    told["drop a file"] = attempt(lambda: make(HOME / "public/drop", keep=True))
    told["make a file in its own /tmp"] = attempt(lambda: make(Path("/tmp")))
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    known = {
        key: status[key] for key in ("Uid", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
    }
    sys.stdout.write(
        json.dumps({"attempts": told, "status": known, "writable": find_writable(places or list_mounts())})
    )


FOLDERS = (
    "/", "/etc", "/usr/bin", "/var", "/run", "/opt/gongshi", "/opt/gongshi/current/checkout/portal", "/var/lib/gongshi",
    "/var/lib/gongshi/public", "/var/lib/gongshi/public/index", "/dev", "/proc/sys/kernel", "/sys/fs/cgroup",
)  # fmt: skip


def attempt(work: Callable[[], object]) -> str:
    try:
        work()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return DONE


def list_folder(folder: Path | str) -> list[Path]:
    return list(Path(folder).iterdir())


def make(folder: Path, keep: bool = False) -> None:
    if str(folder).startswith(("/proc", "/sys")):
        # Nothing can be made there by anybody: what counts is whether what is there could be written.
        file = folder / ("cgroup.procs" if "cgroup" in str(folder) else "hostname")
        os.close(os.open(file, os.O_WRONLY))
        return
    path = folder / f"intruder-{os.getpid()}-{next(NUMBERS)}"
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600))
    if not keep:
        path.unlink()


def with_file(work: Callable[[Path], object]) -> None:
    path = Path("/tmp/intruder")
    path.write_bytes(b"#!/bin/sh\nexit 0\n")
    try:
        work(path)
    finally:
        path.unlink()


def run_own() -> None:
    def run(path: Path) -> None:
        path.chmod(0o700)
        subprocess.run([path], check=True)

    with_file(run)


def connect(name: str) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(name)


def call(name: str, *arguments: int, fork: bool = False) -> None:
    """A system call, in a process of its own where it changes the one that makes it."""
    if fork:
        child = os.fork()
        if child == 0:
            os._exit(0 if getattr(LIBC, name)(*arguments) == 0 else ctypes.get_errno())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    else:
        code = 0 if getattr(LIBC, name)(*arguments) == 0 else ctypes.get_errno()
    if code:
        raise OSError(code, name)


def mount() -> None:
    if LIBC.mount(b"none", b"/mnt", b"tmpfs", 0, None):
        raise OSError(ctypes.get_errno(), "mount")
    LIBC.umount(b"/mnt")


def make_device() -> None:
    path = "/tmp/intruder-device"
    os.mknod(path, 0o600 | 0o020000, os.makedev(1, 3))
    Path(path).unlink()


def see_processes() -> None:
    own = os.getuid()
    # Without a sandbox the first process is somebody's too.
    if not any(path.name == "1" or path.stat().st_uid != own for path in Path("/proc").glob("[0-9]*")):
        raise OSError(errno.ENOENT, "none")


def write_group() -> None:
    os.close(os.open("/sys/fs/cgroup/cgroup.procs", os.O_WRONLY))


def list_mounts() -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    places = (line.split()[4].encode().decode("unicode_escape") for line in lines)
    return [place for place in places if not place.startswith(("/proc", "/sys"))]


def find_writable(places: list[str]) -> list[str]:
    """The folders, down to two below the places, in which a file can be made."""
    folders = set(places)
    for place in places:
        for folder, below, _ in os.walk(place):
            folders.add(folder)
            if len(Path(folder).relative_to(place).parts) >= 2:
                below.clear()
    return sorted(one for one in folders if attempt(lambda one=one: make(Path(one))) == DONE)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])

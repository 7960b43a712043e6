"""Running the servers that benchmarks compare, and what they use of the machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path


@contextmanager
def running(command: Sequence[str], home: Path) -> Iterator[int]:
    """A server, until the block is left. Its log is thrown away: so it is written, and costs what it costs."""
    environment = {**os.environ, "GONGSHI_HOME": str(home), "GONGSHI_RATE_LIMIT": "off", "PYTHONPATH": str(_root())}
    environment.pop("GONGSHI_DISCLOSED_URL", None)
    process = subprocess.Popen(
        command, env=environment, cwd=_root(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def find_free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def read_processor_seconds(process: int) -> float:
    """What a process and its children have used of the processors; not a number where the system does not say."""
    try:
        return sum(_read_times(path) for path in Path("/proc").glob("[0-9]*/stat") if _is_of(path, process))
    except OSError:
        return float("nan")


def _read_times(path: Path) -> float:
    user, system = path.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _is_of(path: Path, process: int) -> bool:
    try:
        parent = path.read_text().rpartition(")")[2].split()[1]
    except OSError:
        return False
    return process in (int(path.parent.name), int(parent))


def read_peak(process: int) -> float:
    """The most memory that a process or one of its children ever held, in MB; not a number where the system does not say."""
    try:
        return max(
            _read_peak(path.with_name("status")) for path in Path("/proc").glob("[0-9]*/stat") if _is_of(path, process)
        )
    except (OSError, ValueError):
        return float("nan")


def _read_peak(path: Path) -> float:
    line = next(line for line in path.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _root() -> Path:
    return Path(__file__).resolve().parent.parent

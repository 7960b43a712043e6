"""What the machine tells of itself: room on its disks, whether its clock is kept, its certificates, its services and logs.

Only reads; what cannot be found out here is None, and no fault.
"""

from __future__ import annotations

import ctypes
import os
import re
import ssl
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

_TIMEOUT = 5.0
_TIME_ERROR = 5
_SERVICES = tuple(f"gongshi-{name}.service" for name in ("portal", "desk", "gateway", "units", "worker"))
_LARGEST = 1_000_000
_SPAN = re.compile(r"(\d+)\s*([A-Za-z]*)")
_SECOND = timedelta(seconds=1)
_UNITS: Mapping[str, timedelta] = {
    "": _SECOND, "s": _SECOND, "sec": _SECOND, "second": _SECOND,
    "m": timedelta(minutes=1), "min": timedelta(minutes=1), "minute": timedelta(minutes=1),
    "h": timedelta(hours=1), "hr": timedelta(hours=1), "hour": timedelta(hours=1),
    "d": timedelta(days=1), "day": timedelta(days=1), "w": timedelta(days=7), "week": timedelta(days=7),
    "M": timedelta(days=30.44), "month": timedelta(days=30.44), "y": timedelta(days=365.25), "year": timedelta(days=365.25),
}  # fmt: skip


class Unreadable(Exception):
    """A certificate cannot be had. The message says why, in Chinese."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is free of a file system, in bytes and as shares of the whole."""

    free: int
    share: float
    files: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service of ours that systemd knows."""

    name: str
    active: str


def measure_room(path: Path) -> tuple[int, Room]:
    """The file system of `path` (its device) and the room on it. Raises OSError."""
    found = os.statvfs(path)
    usable = found.f_blocks - found.f_bfree + found.f_bavail
    files = found.f_files - found.f_ffree + found.f_favail
    room = Room(
        free=found.f_bavail * found.f_frsize,
        share=found.f_bavail / usable if usable else 0.0,
        # Some file systems count none.
        files=found.f_favail / files if files else 1.0,
    )
    return path.stat().st_dev, room


def is_clock_kept() -> bool | None:
    """Whether the kernel says that something keeps its clock right; None where it does not tell."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


def read_certificate(place: str) -> x509.Certificate:
    """The certificate of a file, or that a server at host:port shows. Raises Unreadable."""
    try:
        if place.startswith("/"):
            with Path(place).open("rb") as file:
                pem = file.read(_LARGEST)
        else:
            host, _, port = place.rpartition(":")
            pem = ssl.get_server_certificate((host.strip("[]"), int(port)), timeout=_TIMEOUT).encode()
        return x509.load_pem_x509_certificate(pem)
    except FileNotFoundError:
        raise Unreadable("没有这个文件") from None
    except PermissionError:
        raise Unreadable("没有权限读取；可改为写“主机:端口”") from None
    except (OSError, OverflowError):
        raise Unreadable("连接不上") from None
    except ValueError:
        raise Unreadable("不是 PEM 格式的证书") from None


def list_services() -> Sequence[Service]:
    """Our services that are to run here; none where there is no systemd."""
    asked = ["systemctl", "show", "--property=Id,ActiveState,UnitFileState", *_SERVICES]
    try:
        done = subprocess.run(  # noqa: S603  # nothing of it was typed by anybody
            asked, capture_output=True, text=True, timeout=_TIMEOUT, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return []
    found = [
        dict(line.split("=", 1) for line in part.splitlines() if "=" in line) for part in done.stdout.split("\n\n")
    ]
    return [
        Service(name=one["Id"], active=one.get("ActiveState", ""))
        for one in found
        if one.get("UnitFileState") == "enabled" and "Id" in one
    ]


def read_journald(root: Path = Path("/")) -> Mapping[str, str] | None:
    """What journald is told; None where there is none on this machine."""
    files = [root / "etc/systemd/journald.conf"]
    for folder in ("usr/lib", "etc"):
        files += sorted((root / folder / "systemd/journald.conf.d").glob("*.conf"))
    texts = [text for file in files if (text := _read(file)) is not None]
    return read_options(texts) if texts else None


def read_options(texts: Iterable[str]) -> Mapping[str, str]:
    """The options of systemd's files, the later before the earlier; what is commented out does not count."""
    options: dict[str, str] = {}
    for text in texts:
        for line in text.splitlines():
            name, sign, value = line.partition("=")
            if sign and not line.lstrip().startswith(("#", ";")):
                options[name.strip()] = value.strip()
    return options


def read_span(text: str) -> timedelta | None:
    """A span as systemd writes it (`6month`, `26w 1d`); None where there is none or no limit."""
    spans = [(int(count), unit) for count, unit in _SPAN.findall(text)]
    known = [count * _UNITS[_singular(unit)] for count, unit in spans if _singular(unit) in _UNITS]
    return sum(known, timedelta()) or None


def days_left(certificate: x509.Certificate, now: datetime) -> float:
    """How many days a certificate still holds; negative once it is over."""
    return (certificate.not_valid_after_utc - now) / timedelta(days=1)


def _singular(unit: str) -> str:
    return unit[:-1] if len(unit) > 1 and unit.endswith("s") else unit


def _read(file: Path) -> str | None:
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return None

"""What lies in a package's folder, as its manifest tells it; and its files, checked while they are read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from notifier.calendar import Period
from notifier.channels import Parcel
from notifier.package.names import CHECKSUMS, MANIFEST, SIGNATURE

_CHUNK = 1 << 20
_PROOF = (MANIFEST, SIGNATURE, CHECKSUMS)


class BrokenPackage(Exception):
    """A package whose files are not what its manifest says: it must not go out. One Chinese line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of a package. `sha256` (hex) is None for the three that the manifest cannot name."""

    name: str
    path: Path
    size: int
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A package that lies ready: what its manifest says of it, and its files in the order of their names."""

    name: str
    manifest_sha256: str
    period: Period
    revision: int
    last_day_of_use: date
    entries: int
    court: str
    commission_number: str | None
    newest_at: str | None
    training: bool
    files: tuple[File, ...]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def open_contents(parcel: Parcel) -> Contents:
    """What is in a parcel. Raises BrokenPackage for a folder that is not whole."""
    try:
        content = (parcel.folder / MANIFEST).read_bytes()
        manifest = json.loads(content)
        listed = {entry["name"]: entry["sha256"] for entry in manifest["files"]}
        names = [*listed, *(name for name in _PROOF if (parcel.folder / name).is_file())]
        return Contents(
            name=parcel.name,
            manifest_sha256=sha256(content).hexdigest(),
            files=tuple(_describe(parcel.folder, name, listed.get(name)) for name in sorted(names)),
            **_read(manifest),
        )
    except (OSError, KeyError, TypeError, ValueError):
        raise BrokenPackage("名单包的文件不全或者清单不能读取，没有发送，请联系管理员") from None


def read_chunks(file: File) -> Iterator[bytes]:
    """The bytes of a file, a part at a time. Raises BrokenPackage, at the end, where they are not those of the manifest:
    what was written of it by then must not be used."""
    digest, size = sha256(), 0
    try:
        with file.path.open("rb") as opened:
            while chunk := opened.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                yield chunk
    except OSError:
        raise BrokenPackage("名单包的文件不能读取，没有发送，请联系管理员") from None
    if size != file.size or (file.sha256 is not None and digest.hexdigest() != file.sha256):
        raise BrokenPackage("名单包的文件与清单的校验值不符，没有发送，请联系管理员")


def _describe(folder: Path, name: str, digest: str | None) -> File:
    if not name or name.startswith(".") or Path(name).name != name:
        raise ValueError
    return File(name=name, path=folder / name, size=(folder / name).stat().st_size, sha256=digest)


def _read(manifest: dict[str, Any]) -> dict[str, Any]:
    return {
        "period": Period.parse(manifest["period"]),
        "revision": int(manifest["revision"]),
        "last_day_of_use": date.fromisoformat(manifest["not_to_be_used_after"]),
        "entries": int(manifest["counts"]["total"]),
        "court": str(manifest["court"]["court"]),
        "commission_number": manifest["commission_number"],
        "newest_at": manifest["newest_at"],
        "training": bool(manifest["training"]),
    }

"""Putting the files of an installation in place. A file that somebody has changed by hand stays; the new one lies beside it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from pathlib import Path

from gongshi.installing.composing import PlannedFile

# What was written the last time, by its digest.
MANIFEST = "/etc/gongshi/.installed.json"
_TEMPLATE_FILES = ("gongshi", "logrotate", "*.conf", "*.service", "*.timer", "nginx/*.conf", "nginx/*.inc")


class Fate(Enum):
    """What becomes of a file."""

    NEW = "新建"
    SAME = "不变"
    CHANGED = "更新"
    # Changed by hand: the new one is written beside it.
    KEPT = "手工改过，保留；新的另存为"


@dataclass(frozen=True, slots=True)
class Step:
    """A planned file and what becomes of it; `target` is where its text goes, below no prefix."""

    file: PlannedFile
    fate: Fate
    target: str


class TemplatesMissing(Exception):
    """The folder deploy/ of this release is not there. The message is for the administrator."""


def read_templates(folder: Path) -> dict[str, str]:
    """The files of deploy/ by their path in it. Raises TemplatesMissing."""
    paths = [path for pattern in _TEMPLATE_FILES for path in folder.glob(pattern)]
    if not paths:
        raise TemplatesMissing(f"没有 {folder}：请用离线安装包里的 install.sh 安装，再运行 gongshi setup")
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in paths}


def judge(file: PlannedFile, found: bytes | None, written: str | None) -> Step:
    """What becomes of `file`, where `found` lies in its place and `written` is the digest of what we wrote there last."""
    wanted = file.content.encode()
    if found is None:
        return Step(file, Fate.NEW, file.path)
    if found == wanted:
        return Step(file, Fate.SAME, file.path)
    if written == sha256(found).hexdigest():
        return Step(file, Fate.CHANGED, file.path)
    return Step(file, Fate.KEPT, _beside(file.path))


def _beside(path: str) -> str:
    # Everything in the folder of logrotate is read, but for some endings.
    return f"{path}.dpkg-new" if path.startswith("/etc/logrotate.d/") else f"{path}.new"


def plan(files: Sequence[PlannedFile], root: Path) -> list[Step]:
    """What becomes of each file below the prefix `root`. Raises OSError."""
    written = _read_manifest(root)
    return [judge(file, _read(_below(root, file.path)), written.get(file.path)) for file in files]


def write(steps: Sequence[Step], root: Path) -> None:
    """Carry out a plan: each file whole or not at all. Raises OSError."""
    written = dict(_read_manifest(root))
    for step in steps:
        if step.fate is not Fate.SAME:
            _write(_below(root, step.target), step.file.content.encode(), step.file.mode, step.file.group)
        if step.fate is not Fate.KEPT:
            written[step.file.path] = sha256(step.file.content.encode()).hexdigest()
    # Last: a file that was written and is not known here is kept the next time, and never lost.
    content = json.dumps(written, ensure_ascii=False, indent=1, sort_keys=True)
    _write(_below(root, MANIFEST), f"{content}\n".encode(), 0o600, "root")


def write_file(path: Path, content: bytes, mode: int) -> None:
    """A file of root's, whole or not at all. Raises OSError."""
    _write(path, content, mode, "root")


def _below(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _read_manifest(root: Path) -> Mapping[str, str]:
    content = _read(_below(root, MANIFEST))
    try:
        found = json.loads(content) if content else {}
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, content: bytes, mode: int, group: str) -> None:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        if os.geteuid() == 0 and group != "root":
            shutil.chown(new, "root", group)
        os.fchmod(descriptor, mode)
        file.flush()
        os.fsync(descriptor)
    new.replace(path)

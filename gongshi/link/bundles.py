"""The way back from an isolated public side: what people sent in, sealed, in numbered bundles.

A bundle is text, one JSON object a line: a header with its number, a line for each file, and a last line with the digest of all
before it. It is not signed, for the public side holds no key: it carries only what anybody could have put into the drop folder,
and what is in a file is believed only after the court has opened its seal. Bundles may come twice, in any order, or never: what
was put into one is kept for some weeks, sealed as it is, and put into another where the court asks for it.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from gongshi.link.folder import LinkRefused, alone, clear_unfinished, put_whole, read_bounded, require_folder
from gongshi.link.public_side import PublicSide
from search_index.emergency import LARGEST_MARK
from search_index.emergency import SUFFIX as MARK
from search_index.marks import FOLDER as MARKS
from search_index.submission import SIZES
from search_index.submission import SUFFIX as SEALED

KEPT = timedelta(days=30)
LARGEST_BUNDLE = 96 * 1024 * 1024
_FULL = 32 * 1024 * 1024
_LARGEST_FILE = SIZES[-1] + 1024
_MOST_FILES = 10_000
_FORMAT = "gongshi-submissions"
_NAME = re.compile(r"submissions-([0-9]{8})\.gsb", re.ASCII)
_SEALED = re.compile(rf"[0-9a-f]{{32}}{re.escape(SEALED)}", re.ASCII)
_MARK = re.compile(rf"[0-9]{{14}}-[0-9a-f]{{16}}{re.escape(MARK)}", re.ASCII)
_SENT = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A file that a bundle carries, under the name and with the time that it had."""

    name: str
    at: datetime
    content: bytes

    @property
    def is_mark(self) -> bool:
        return bool(_MARK.fullmatch(self.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What is carried at once. `again`: it brings what bundles before it have brought already."""

    number: int
    made_at: datetime
    files: Sequence[Carried]
    again: bool = False


class BundleRefused(Exception):
    """It is no whole bundle. The message (Chinese) says why."""


def find_number(name: str) -> int | None:
    """The number of a bundle by its name."""
    found = _NAME.fullmatch(name)
    return int(found[1]) if found else None


def write_bundle(bundle: Bundle) -> bytes:
    head: dict[str, Any] = {"format": _FORMAT, "version": 1, "number": bundle.number, "again": bundle.again}
    head["made_at"] = bundle.made_at.isoformat()
    lines = [
        head,
        *(
            {"name": one.name, "at": one.at.isoformat(), "content": base64.b64encode(one.content).decode()}
            for one in bundle.files
        ),
    ]
    content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    return content + json.dumps({"files": len(bundle.files), "sha256": sha256(content).hexdigest()}).encode() + b"\n"


def read_bundle(content: bytes) -> Bundle:
    """Raises BundleRefused."""
    cut = content.rfind(b"\n", 0, max(0, len(content) - 1)) + 1
    try:
        end = json.loads(content[cut:])
        if not content.endswith(b"\n") or sha256(content[:cut]).hexdigest() != end["sha256"]:
            raise BundleRefused("不完整（可能没有复制完）或者已损坏：没有收取，请重新复制")
        head, *lines = [json.loads(line) for line in content[:cut].splitlines()]
        if head["format"] != _FORMAT or head["version"] != 1 or len(lines) != end["files"] or len(lines) > _MOST_FILES:
            raise ValueError("another format")
        if type(head["number"]) is not int or head["number"] < 1:
            raise ValueError("the number is none")
        files = tuple(_read_carried(line["name"], line["at"], line["content"]) for line in lines)
        made_at, again = _instant(head["made_at"]), head["again"] is True
        return Bundle(number=head["number"], made_at=made_at, files=files, again=again)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise BundleRefused("不是本版本能读的来件包：没有收取，请核对两侧的软件版本") from None


def send(side: PublicSide, folder: Path) -> list[int]:
    """Put what lies in the drop folder, and marks that were not sent yet, into bundles. Returns their numbers; none where there
    is nothing to send. Killed at any moment it is repeated: what is sent twice is taken in once. Raises LinkRefused."""
    side.require()
    require_folder(folder)
    if not (side.folder / "drop").is_dir():
        raise LinkRefused("这里是单向传送（journal init --one-way）：没有来件箱，公众只能用书面方式提出")
    with alone(side.lock, wait=True):
        clear_unfinished(folder)
        _clear_sent(side)
        numbers = []
        while files := list(_take_some(side)):
            numbers.append(_put(side, folder, files))
            _remember(side, files)
        return numbers


def send_again(side: PublicSide, folder: Path) -> list[int]:
    """Put everything that was sent in the last weeks into new bundles, for what was lost under way. Raises LinkRefused."""
    side.require()
    require_folder(folder)
    with alone(side.lock, wait=True):
        kept = sorted((side.folder / _SENT).glob(f"*{SEALED}")) if (side.folder / _SENT).is_dir() else []
        numbers, waiting = [], [one for path in kept if (one := _read_file(path)) is not None]
        waiting += [one for path in _marks(side) if (one := _read_file(path)) is not None]
        while waiting:
            some, size = [], 0
            while waiting and size < _FULL:
                size += len(waiting[0].content)
                some.append(waiting.pop(0))
            numbers.append(_put(side, folder, some, again=True))
        return numbers


def _put(side: PublicSide, folder: Path, files: Sequence[Carried], *, again: bool = False) -> int:
    number = side.state().bundle + 1
    bundle = Bundle(number=number, made_at=side.now, files=files, again=again)
    put_whole(folder, f"submissions-{number:08d}.gsb", write_bundle(bundle))
    # Killed before this, the next one has the same number, and brings the same files and perhaps more.
    side.remember(bundle=number)
    return number


def _take_some(side: PublicSide) -> Iterator[Carried]:
    """What is to be sent next, no more than a bundle takes."""
    size, count, sent = 0, 0, set(side.state().marks)
    paths = [path for path in _marks(side) if path.name not in sent]
    with os.scandir(side.folder / "drop") as entries:
        paths += [
            side.folder / "drop" / name for name in sorted(one.name for one in entries) if _SEALED.fullmatch(name)
        ]
    for path in paths:
        one = _read_file(path)
        if one is not None:
            size, count = size + len(one.content), count + 1
            yield one
        if size >= _FULL or count >= _MOST_FILES:
            return


def _remember(side: PublicSide, files: Sequence[Carried]) -> None:
    """What was put into a bundle leaves the drop folder, and is kept beside it, sealed, for as long as it may be asked for."""
    sent = side.folder / _SENT
    sent.mkdir(mode=0o700, exist_ok=True)
    marks = [one.name for one in files if one.is_mark]
    if marks:
        side.remember(marks=(*side.state().marks, *marks))
    for one in files:
        if not one.is_mark:
            (side.folder / "drop" / one.name).replace(sent / one.name)


def _clear_sent(side: PublicSide) -> None:
    before = (side.now - KEPT).timestamp()
    for path in (side.folder / _SENT).glob(f"*{SEALED}"):
        if path.lstat().st_mtime < before:
            path.unlink(missing_ok=True)


def _marks(side: PublicSide) -> list[Path]:
    folder = side.folder / MARKS
    return sorted(path for path in folder.iterdir() if _MARK.fullmatch(path.name)) if folder.is_dir() else []


def _read_file(path: Path) -> Carried | None:
    """A file as it is to be carried; None for what is none of ours."""
    with suppress(OSError):
        content = read_bounded(path, LARGEST_MARK if path.name.endswith(MARK) else _LARGEST_FILE)
        if content is not None:
            at = datetime.fromtimestamp(min(max(path.lstat().st_mtime, 0), 4_102_444_800), UTC)
            return Carried(name=path.name, at=at, content=content)
    return None


def _read_carried(name: str, at: str, content: str) -> Carried:
    if not (_SEALED.fullmatch(name) or _MARK.fullmatch(name)):
        raise ValueError("a name is none of ours")
    one = Carried(name=name, at=_instant(at), content=base64.b64decode(content, validate=True))
    if len(one.content) > (LARGEST_MARK if one.is_mark else _LARGEST_FILE):
        raise ValueError("a file is too large")
    return one


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return moment

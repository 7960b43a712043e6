"""The private side of an isolated network: bundles of what people sent in, put where the worker collects."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gongshi.court import Court
from gongshi.link.bundles import LARGEST_BUNDLE, Bundle, BundleRefused, Carried, find_number, read_bundle
from gongshi.link.folder import alone, put_whole, read_bounded, require_folder
from registry.collecting import knows_submission
from search_index.marks import FOLDER as MARKS
from search_index.marks import prepare_folder
from search_index.modes import private_mode

_STATE = "bundles-received.json"
_MOST_MISSING = 1_000


@dataclass(kw_only=True)
class Received:
    """What came in: the numbers of the bundles, how many files of them were new and how many known, what was refused (file,
    reason), and the numbers that have not come."""

    numbers: list[int] = field(default_factory=list)
    new: int = 0
    known: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    missing: Sequence[int] = ()


def receive(court: Court, folder: Path, *, keep: bool = False) -> Received:
    """Put what the bundles of a folder carry into the drop folder; bundles that were taken are removed, unless they are to be
    kept. Repeated, nothing is taken in twice. Raises LinkRefused or OSError."""
    require_folder(folder)
    with alone(court.private / "journal-receive.lock"):
        done, replaced = Received(), 0
        for path in sorted(folder.iterdir()):
            if find_number(path.name) is None:
                continue
            try:
                bundle = _read(path)
            except BundleRefused as error:
                done.refused.append((path.name, str(error)))
                continue
            _take(court, bundle, done)
            replaced = max(replaced, bundle.number if bundle.again else 0)
            if not keep:
                path.unlink(missing_ok=True)
        done.missing = _note(court, done.numbers, replaced)
        return done


def _read(path: Path) -> Bundle:
    content = read_bounded(path, LARGEST_BUNDLE)
    if content is None:
        raise BundleRefused("不是普通文件或者过大：没有收取")
    bundle = read_bundle(content)
    if bundle.number != find_number(path.name):
        raise BundleRefused("文件名与其中的编号不符，被改过名：没有收取")
    return bundle


def _take(court: Court, bundle: Bundle, done: Received) -> None:
    for one in bundle.files:
        if _put(court, one):
            done.new += 1
        else:
            done.known += 1
    done.numbers.append(bundle.number)


def _put(court: Court, one: Carried) -> bool:
    """Whether it is new. The name alone says nothing: what has it may be another."""
    folder = court.settings.public / MARKS if one.is_mark else court.drop
    path = folder / one.name
    if path.exists():
        return False
    if not one.is_mark:
        with court.reading() as session:
            if knows_submission(session, one.content):
                return False
    if one.is_mark:
        prepare_folder(folder)
    put_whole(folder, one.name, one.content)
    os.utime(path, (one.at.timestamp(), one.at.timestamp()))
    return True


def _note(court: Court, numbers: Sequence[int], replaced: int) -> list[int]:
    """Remember which numbers have come; returns those up to the last that have not. Nothing before `replaced` is waited for: the
    bundle of this number, and those beside it, brought everything again."""
    try:
        said = json.loads((court.private / _STATE).read_text("utf-8"))
        last, missing = int(said["last"]), set(map(int, said["missing"]))
    except (FileNotFoundError, ValueError, LookupError, TypeError):
        last, missing = 0, set()
    newest = max([last, *numbers])
    missing |= set(range(max(last, newest - _MOST_MISSING) + 1, newest + 1))
    missing = {one for one in missing if one not in numbers and one > replaced}
    if numbers:
        content = json.dumps({"last": newest, "missing": sorted(missing)[-_MOST_MISSING:]})
        put_whole(court.private, _STATE, content.encode(), mode=private_mode(court.private))
    return sorted(missing)

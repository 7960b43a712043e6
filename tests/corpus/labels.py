"""Labelled obligation texts: how a label is written, and how a file of them is read."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).parent
IDENTIFIERS = frozenset({"id_number", "phone", "card", "account", "plate", "title_number", "email", "social"})
NAMES = frozenset({"person", "organisation"})
# Must go as well, without a bar of their own.
OTHERS = frozenset({"other_id", "vehicle", "birth_date", "age", "health"})
GONE = IDENTIFIERS | {"address"} | NAMES | OTHERS
KEPT = frozenset({"amount", "date", "article", "case_number", "court"})
STAYS = KEPT | {"debtor", "region"}
# May go or stay: nobody is wrong about it.
EITHER = frozenset({"either"})
CLASSES = GONE | STAYS | EITHER
BASIS_KINDS = ("divorce", "custody", "minor")

_LABEL = re.compile(r"⟦([a-z_]+)(?:#(\d+))?\|([^⟦⟧]+)⟧")


@dataclass(frozen=True, slots=True)
class Label:
    """`text[start:end]` is of the class `name`; labels with one `bearer` name the same person or organisation."""

    name: str
    start: int
    end: int
    bearer: int | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text with everything in it that matters. `basis` is the kind of a document that may not be published."""

    id: str
    debtor: str
    text: str
    labels: tuple[Label, ...]
    basis: str | None
    tags: tuple[str, ...]


def parse(marked: str) -> tuple[str, tuple[Label, ...]]:
    """The bare text and its labels. Raises ValueError, naming the place, for a label that is not one."""
    parts: list[str] = []
    labels = []
    position = length = 0
    for match in _LABEL.finditer(marked):
        name, bearer, words = match.groups()
        if name not in CLASSES:
            raise ValueError(f"no such class: {name} in {match[0]}")
        before = marked[position : match.start()]
        length += len(before)
        labels.append(Label(name, length, length + len(words), int(bearer) if bearer else None))
        length += len(words)
        parts += (before, words)
        position = match.end()
    text = "".join((*parts, marked[position:]))
    if "⟦" in text or "⟧" in text:
        raise ValueError(f"a label that is not closed or has no class: {marked}")
    return text, tuple(labels)


def read(part: Literal["open", "unseen"], source: str = "*") -> Iterator[Labelled]:
    """The texts of one part of the corpus, of the files whose name fits `source`."""
    for path in sorted((FOLDER / part).glob(f"{source}.jsonl")):
        yield from read_file(path)


def read_file(path: Path) -> Iterator[Labelled]:
    """The texts of one file. Raises ValueError, naming the line, for what is not in the form."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            yield _build(json.loads(line))
        except (ValueError, KeyError) as error:
            raise ValueError(f"{path.name} line {number}: {error}") from error


def _build(found: Mapping[str, Any]) -> Labelled:
    if found["basis"] not in (None, *BASIS_KINDS):
        raise ValueError(f"no such kind: {found['basis']}")
    text, labels = parse(found["text"])
    return Labelled(found["id"], found["debtor"], text, labels, found["basis"], tuple(found["tags"]))


def main() -> None:
    """Check every file of the corpus, and count."""
    for part in ("open", "unseen"):
        for path in sorted((FOLDER / part).glob("*.jsonl")):
            texts = list(read_file(path))
            counts = Counter(label.name for one in texts for label in one.labels)
            assert len({one.id for one in texts}) == len(texts), "an id twice"
            sys.stdout.write(f"{path.relative_to(FOLDER)}: {len(texts)} texts, {dict(counts.most_common())}\n")


if __name__ == "__main__":
    main()

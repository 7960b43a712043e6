"""What every engine is given and asked, and what the rivals share: the same folding, the same pairs, the same order."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from search_index.casenumber import CaseNumber
from search_index.document import Document
from search_index.folding import fold_name, fold_text
from search_index.number import ALPHABET, draw_number
from search_index.organisation import is_close

PAGE = 20


class Kind(StrEnum):
    """The kinds of questions."""

    PERSON = "Q1"
    MIDDLE = "Q2"
    COMPANY = "Q3"
    CASE = "Q4"
    TWO_WORDS = "Q5"
    NEWEST = "Q6"
    TYPO = "Q7"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question as it is typed, and the region chosen beside the box (Q6 only)."""

    kind: Kind
    text: str
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """An answer: how many entries are exact, how many are near (asked of Q7 only), and the records of the first page."""

    total: int
    near: int
    records: Sequence[str]


class Engine(ABC):
    """One engine. Built in one process, opened and asked in another."""

    @abstractmethod
    def build(self, folder: Path, documents: Iterable[Document]) -> None:
        """Make the index in the folder; all of it is on the disk, and nothing is left to be done, on return."""

    @abstractmethod
    def open(self, folder: Path) -> None:
        """Make ready to be asked."""

    @abstractmethod
    def ask(self, asked: Asked) -> Found:
        """The answer, from the typed text on. Nothing of an earlier answer may be used."""

    def audit(self, asked: Asked) -> Found:
        """The answer that is compared with the truth, where `ask` finds more than the question of the comparison."""
        return self.ask(asked)

    @abstractmethod
    def update(self, document: Document) -> None:
        """Put a new version in place of an old one; durable on return, and seen by the next `ask`."""

    @abstractmethod
    def remove(self, document: Document) -> None:
        """Take an entry out; durable on return, and not seen by the next `ask`."""

    def measure_bytes(self, folder: Path) -> int:
        """The bytes that the index takes on the disk."""
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    def discard(self, folder: Path) -> None:
        """Remove the index."""
        shutil.rmtree(folder)

    def close(self) -> None:
        """Release what `open` took."""
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """A document as the rivals index it: folded as ours is, so that all mean the same by the same writing.

    `order` is one number that sorts as newest first and then by record, and from which the record can be told.
    """

    order: int
    kind: str
    name: str
    text: str
    representative: str
    case_key: str
    region: str


def to_plain(document: Document) -> Plain:
    parts = (document.obligation, document.performed_part, document.unperformed_part)
    return Plain(
        order=find_order(document),
        kind=document.kind,
        name=fold_name(document.name),
        text="\n".join(fold_text(part) for part in parts if part),
        representative=fold_name(document.legal_representative or ""),
        case_key=CaseNumber.parse(document.case_number).key if document.case_number else "",
        region=document.region or "",
    )


_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_RECORD_BITS = 35
# After the day of any document.
_LAST_DAY = 1_000_000


def find_order(document: Document) -> int:
    """A number that is smaller for a newer document, and on one day for a smaller record number."""
    payload = 0
    for character in document.record[3:10]:
        payload = payload << 5 | _VALUE[character]
    return (_LAST_DAY - document.published_on.toordinal()) << _RECORD_BITS | payload


class _Digits:
    """Gives `draw_number` the digits of a number, one after the other."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._left = 7

    def choice(self, characters: str) -> str:
        self._left -= 1
        return characters[self._number >> 5 * self._left & 31]


def find_record(order: int) -> str:
    """The record number in an order."""
    return draw_number(_Digits(order & (1 << _RECORD_BITS) - 1))  # type: ignore[arg-type]  # all that it calls is choice


def find_records(orders: Iterable[int]) -> list[str]:
    return [find_record(order) for order in orders]


def list_pairs(text: str) -> list[str]:
    """The overlapping pairs of neighbouring characters, in order."""
    return list(map("".join, pairwise(text)))


def cover(word: str) -> list[tuple[int, str]]:
    """As few pairs as hold every character of the word, each with its place."""
    places = [*range(0, len(word) - 1, 2)]
    if places[-1] != len(word) - 2:
        places.append(len(word) - 2)
    return [(place, word[place : place + 2]) for place in places]


def pick_probes(typed: str, count: Callable[[str], int]) -> list[str]:
    """Three rare pairs without a common character: one wrong, missing or superfluous character leaves two of them."""
    pairs = list_pairs(typed)
    chosen: list[int] = []
    for place in sorted(range(len(pairs)), key=lambda place: count(pairs[place])):
        if all(abs(place - other) > 1 for other in chosen):
            chosen.append(place)
        if len(chosen) == 3:
            return [pairs[place] for place in chosen]
    return [pairs[0], pairs[2], pairs[4]]


def combine_probes(probes: Sequence[str]) -> list[tuple[str, str]]:
    first, second, third = probes
    return [(first, second), (first, third), (second, third)]


def keep_close(typed: str, candidates: Iterable[tuple[int, str]]) -> list[int]:
    """The orders of the candidates (organisations: order and folded name) that are off by one character."""
    return sorted(order for order, name in candidates if is_close(typed, name))


def finish_typo(exact: Sequence[int], close: Sequence[int]) -> Found:
    """The answer to Q7: exact ones first, and what is exact is not near."""
    near = sorted(set(close).difference(exact))
    return Found(len(exact), len(near), find_records([*exact, *near][:PAGE]))

"""The questions of benchmarks/search.py, drawn from the list itself, and what is true of it, found by reading all of it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from itertools import accumulate, islice, product
from random import Random

from engines.base import PAGE, Asked, Kind, Plain, find_records, to_plain

from search_index.casenumber import CaseNumber
from search_index.document import Document
from search_index.folding import fold_name, fold_text
from search_index.organisation import is_close

Progress = Callable[[str], None]

_FREQUENT_SHARE = 0.05
_SAMPLE = 4_000
_CHUNK = 20_000
_HAN_RUN = re.compile("[一-龥]{2,}")
_NEWEST_WORDS = (
    "有限公司", "有限责任公司", "股份有限公司", "公司", "责任公司", "专业合作社", "合作社", "商贸有限公司", "科技有限公司",
    "工程有限公司", "建筑工程", "贸易", "物流", "个体工商户", "分公司",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Truth:
    """What an answer must say. `first` is the first page where its order is compared (Q6)."""

    total: int
    near: int = 0
    first: tuple[str, ...] | None = None


# --- drawing -----------------------------------------------------------------------------------------------------


def draw_questions(documents: Iterable[Document], count: int, seed: int, size: int) -> list[Asked]:
    """`count` distinct questions of each kind, in order of kind; the same for the same arguments.

    `documents` is the whole list, of `size`.
    """
    random = Random(f"questions {seed}")
    chosen = set(random.sample(range(size), min(size, _SAMPLE * 2)))
    sample = [document for place, document in enumerate(documents) if place in chosen]
    random.shuffle(sample)
    drawing = {
        Kind.PERSON: _draw_persons(sample),
        Kind.MIDDLE: _draw_middles(sample, random),
        Kind.COMPANY: (document.name for document in sample if document.kind == "organisation"),
        Kind.CASE: (document.case_number for document in sample if document.case_number),
        Kind.TWO_WORDS: _draw_two_words(sample, random, count),
        Kind.TYPO: _draw_typos(sample, random),
    }
    asked = [Asked(kind=kind, text=text) for kind, texts in drawing.items() for text in _take(kind, texts, count)]
    return sorted([*asked, *_draw_newest(sample, random, count)], key=lambda one: one.kind)


def _take(kind: Kind, texts: Iterable[str], count: int) -> list[str]:
    distinct: dict[str, None] = {}
    for text in texts:
        distinct[text] = None
        if len(distinct) == count:
            break
    if len(distinct) < count:
        raise SystemExit(f"{kind}: only {len(distinct)} distinct questions can be drawn from this list")
    return list(distinct)


def _draw_persons(sample: Sequence[Document]) -> Iterator[str]:
    return (document.name for document in sample if document.kind == "person")


def _draw_middles(sample: Sequence[Document], random: Random) -> Iterator[str]:
    for document in sample:
        name = fold_name(document.name)
        if document.kind == "organisation" and len(name) >= 8:
            start = random.randrange(1, len(name) - 4)
            yield name[start : start + 4]


def _draw_two_words(sample: Sequence[Document], random: Random, count: int) -> Iterator[str]:
    """Two words of one text; in a third of the questions both stand in one entry of twenty or more."""
    texts = [document.obligation or "" for document in sample]
    shares = _count_words(texts[:1_000])
    frequent = _draw_pairs(texts, random, lambda word: shares[word] >= _FREQUENT_SHARE)
    any_ = _draw_pairs(texts, random, lambda word: True)
    while True:
        yield from islice(frequent, 1)
        yield from islice(any_, 2)


class _Shares(dict[str, float]):
    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__()
        self._texts = texts

    def __missing__(self, word: str) -> float:
        self[word] = share = sum(word in text for text in self._texts) / len(self._texts)
        return share


def _count_words(texts: Sequence[str]) -> _Shares:
    return _Shares(texts)


def _draw_pairs(texts: Sequence[str], random: Random, accept: Callable[[str], bool]) -> Iterator[str]:
    while True:
        text = random.choice(texts)
        words = {_draw_word(text, random) for _ in range(6)}
        accepted = sorted(word for word in words if accept(word))
        for first, second in zip(accepted[::2], accepted[1::2], strict=False):
            if first not in second and second not in first:
                yield f"{first} {second}"


def _draw_word(text: str, random: Random) -> str:
    runs: list[str] = _HAN_RUN.findall(text)
    run = random.choice(runs)
    length = min(random.randint(2, 6), len(run))
    start = random.randint(0, len(run) - length)
    return run[start : start + length]


def _draw_typos(sample: Sequence[Document], random: Random) -> Iterator[str]:
    """Names with one character that is wrong, too much, or missing."""
    characters = sorted({character for document in sample for character in fold_name(document.name)})
    for document in sample:
        name = fold_name(document.name)
        if document.kind != "organisation" or len(name) < 7:
            continue
        place = random.randrange(len(name))
        other = random.choice(characters)
        typed = random.choice(
            (
                name[:place] + other + name[place + 1 :],
                name[:place] + other + name[place:],
                name[:place] + name[place + 1 :],
            )
        )
        if is_close(typed, name):
            yield typed


def _draw_newest(sample: Sequence[Document], random: Random, count: int) -> list[Asked]:
    regions = sorted({document.region for document in sample if document.region})
    every = [Asked(kind=Kind.NEWEST, text=word, region=region) for region, word in product(regions, _NEWEST_WORDS)]
    random.shuffle(every)
    if len(every) < count:
        raise SystemExit(f"Q6: only {len(every)} distinct questions can be made")
    return every[:count]


# --- what is true ------------------------------------------------------------------------------------------------


def find_truth(documents: Iterable[Document], asked: Sequence[Asked], progress: Progress) -> list[Truth]:
    """What is true of each question, found by reading the whole list with no index at all."""
    tally = _Tally(asked)
    done = 0
    remaining = map(to_plain, documents)
    while chunk := list(islice(remaining, _CHUNK)):
        tally.add(_Chunk(chunk))
        done += len(chunk)
        progress(f"read {done:,} entries for the truth")
    return tally.finish()


@dataclass(slots=True)
class _Tally:
    asked: Sequence[Asked]
    totals: Counter[int] = field(default_factory=Counter)
    near: Counter[int] = field(default_factory=Counter)
    first: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, chunk: _Chunk) -> None:
        for place, asked in enumerate(self.asked):
            exact = chunk.find(asked)
            self.totals[place] += len(exact)
            if asked.kind is Kind.TYPO:
                self.near[place] += len(chunk.find_close(fold_name(asked.text)) - exact)
            if asked.kind is Kind.NEWEST:
                orders = (chunk.entries[number].order for number in exact)
                self.first[place] = nsmallest(PAGE, [*self.first[place], *orders])

    def finish(self) -> list[Truth]:
        return [self._finish(place, asked) for place, asked in enumerate(self.asked)]

    def _finish(self, place: int, asked: Asked) -> Truth:
        first = tuple(find_records(self.first[place])) if asked.kind is Kind.NEWEST else None
        return Truth(self.totals[place], self.near[place], first)


class _Chunk:
    """Some entries, with all names in one text and all texts in another, so that a word is looked for in one go."""

    def __init__(self, entries: list[Plain]) -> None:
        self.entries = entries
        self._names = _Column([entry.name for entry in entries])
        self._texts = _Column([entry.text for entry in entries])
        self._cases: dict[str, set[int]] = defaultdict(set)
        self._representatives: dict[str, set[int]] = defaultdict(set)
        self._regions: dict[str, set[int]] = defaultdict(set)
        for number, entry in enumerate(entries):
            self._cases[entry.case_key].add(number)
            self._regions[entry.region].add(number)
            self._representatives[entry.representative].add(number)
        self._known: dict[str, set[int]] = {}

    def find(self, asked: Asked) -> set[int]:
        if asked.kind is Kind.CASE:
            return self._cases.get(CaseNumber.parse(asked.text).key, set())
        words = [self._find_word(word) for word in asked.text.split()]
        found = set.intersection(*words) | self._representatives.get(fold_name(asked.text), set())
        return found & self._regions.get(asked.region, set()) if asked.region else found

    def _find_word(self, word: str) -> set[int]:
        if word not in self._known:
            self._known[word] = self._names.find(fold_name(word)) | self._texts.find(fold_text(word))
        return self._known[word]

    def find_close(self, typed: str) -> set[int]:
        # Off by one character, one half or the other is as it was typed.
        half = len(typed) // 2
        candidates = self._names.find(typed[:half]) | self._names.find(typed[half:])
        return {number for number in candidates if self._is_close(typed, self.entries[number])}

    @staticmethod
    def _is_close(typed: str, entry: Plain) -> bool:
        return entry.kind == "organisation" and is_close(typed, entry.name)


class _Column:
    _BETWEEN = "\0"

    def __init__(self, values: list[str]) -> None:
        self._joined = self._BETWEEN.join(values)
        self._starts = [0, *accumulate(len(value) + 1 for value in values)]

    def find(self, word: str) -> set[int]:
        """The numbers of the values that hold the word."""
        found: set[int] = set()
        at = self._joined.find(word)
        while at >= 0:
            number = bisect_right(self._starts, at) - 1
            found.add(number)
            at = self._joined.find(word, self._starts[number + 1])
        return found

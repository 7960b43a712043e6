"""Where in the published words of an entry what was typed was found. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from search_index.condition import All, AnyOf, Condition, Field, Holds, InName, InText, Sounds, WholeName
from search_index.folding import fold_name, fold_text
from search_index.page import Span
from search_index.pinyin import is_run
from search_index.question import Question

Fold = Callable[[str], str]


class Marker:
    """Finds what a question's words and syllables name, in the published words of one answer after another.

    A span is in the published text. Characters that folding drops belong to a match that goes on after them. No span
    cuts a character from its combining marks. Of near answers only what agrees is found.
    """

    def __init__(self, question: Question) -> None:
        self._sought = _list_sought(way.condition for way in question.ways)

    def find_in_name(self, name: str) -> tuple[Span, ...]:
        """The spans of a name; where the question names none of it, those of what organisations' names share."""
        sought = self._sought
        marks = _mark(name, fold_name, lambda folded: _find_in_name(sought, folded))
        return marks or (
            _mark(name, fold_name, lambda folded: _find_words(sought.cores, folded)) if sought.cores else ()
        )

    def find_in_text(self, text: str) -> tuple[Span, ...]:
        """The spans of an obligation."""
        words = self._sought.in_text
        return _mark(text, fold_text, lambda folded: _find_words(words, folded)) if words else ()


@dataclass(frozen=True, slots=True)
class _Sought:
    """What the ways of answering look for: words in the name and in the text, what else a name is compared with, and
    what an organisation's name shares with a typed one of another place or legal form."""

    in_name: set[str] = field(default_factory=set)
    in_text: set[str] = field(default_factory=set)
    named: list[InName | WholeName | Sounds] = field(default_factory=list)
    cores: set[str] = field(default_factory=set)


def _list_sought(conditions: Iterable[Condition]) -> _Sought:
    sought = _Sought()
    waiting = list(conditions)
    # The list grows while it is read.
    for condition in waiting:
        match condition:
            case Holds(of, key):
                if of is Field.CORE:
                    sought.cores.add(key)
            case InName(word, None):
                sought.in_name.add(word)
            case InText(word):
                sought.in_text.add(word)
            case All(inner) | AnyOf(inner):
                waiting += inner
            case InName() | WholeName() | Sounds():
                sought.named.append(condition)
    return sought


def _find_in_name(sought: _Sought, name: str) -> Iterator[Span]:
    yield from _find_words(sought.in_name, name)
    for part in sought.named:
        match part:
            case InName(_, pattern):
                yield from (match.span() for match in pattern.finditer(name)) if pattern else ()
            case WholeName(_, pattern):
                yield from [(0, len(name))] if pattern.fullmatch(name) else ()
            case Sounds(syllables, whole):
                yield from _find_run(syllables, name, whole)


def _find_words(words: Iterable[str], text: str) -> Iterator[Span]:
    for word in words:
        start = text.find(word)
        while start >= 0:
            yield start, start + len(word)
            start = text.find(word, start + 1)


def _find_run(syllables: tuple[str, ...], name: str, whole: bool) -> list[Span]:
    size = len(syllables)
    if not is_run(syllables, name, whole=whole):
        return []
    if whole:
        return [(0, len(name))]
    # A name cut short at the end reads as the whole one does; at its start it would get a surname's readings.
    known = [end for end in range(size, len(name) + 1) if is_run(syllables, name[:end])]
    first = known[0]
    later = (end for end in known[1:] if is_run(syllables, name[end - size : end], whole=True))
    return [(end - size, end) for end in (first, *later)]


def _mark(published: str, fold: Fold, find: Callable[[str], Iterable[Span]]) -> tuple[Span, ...]:
    folded = fold(published)
    spans = sorted(find(folded))
    if not spans or _STEADY[fold].fullmatch(published):
        return _merge(spans)
    starts, ends = _map(published, fold)
    # Where characters fold together otherwise than one by one, nothing is marked rather than something wrong.
    if len(starts) != len(folded):
        return ()
    return _merge(sorted({(starts[start], ends[end - 1]) for start, end in spans}))


def _map(published: str, fold: Fold) -> tuple[list[int], list[int]]:
    """For each character of the folded text, where what it was made of begins and ends in the published one."""
    starts: list[int] = []
    ends: list[int] = []
    for match in _PIECES[fold].finditer(published):
        start, end = match.span()
        if match["steady"]:
            starts += range(start, end)
            ends += range(start + 1, end + 1)
        else:
            size = _measure(match[0], fold)
            starts += [start] * size
            ends += [end] * size
    return starts, ends


@lru_cache(maxsize=8192)
def _measure(cluster: str, fold: Fold) -> int:
    return len(fold(cluster))


def _list_steady(fold: Fold) -> str:
    """The everyday characters that fold to one character each, whatever stands beside them; for a pattern."""
    everyday = "".join(map(chr, (*range(0x20, 0x7F), *range(0xFF01, 0xFF5F)))) + "、。《》〈〉“”‘’…—‰·"
    return "㐀-䶿一-鿿" + "".join(re.escape(c) for c in everyday if len(fold(c)) == 1)


# What may follow a character and belongs to it: marks, selectors and joiners.
_MARKS = (
    "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef"
)
_STEADY: dict[Fold, re.Pattern[str]] = {fold: re.compile(f"[{_list_steady(fold)}]*") for fold in (fold_name, fold_text)}
_PIECES: dict[Fold, re.Pattern[str]] = {
    fold: re.compile(f"(?P<steady>[{_list_steady(fold)}]+)(?![{_MARKS}])|(?s:.)[{_MARKS}]*")
    for fold in (fold_name, fold_text)
}


def _merge(spans: Iterable[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return tuple(merged)

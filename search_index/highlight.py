"""Where in the published words of an entry what was typed was found. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from search_index.condition import All, AnyOf, Condition, Field, Holds, InName, InText, Sounds, WholeName
from search_index.folding import fold_name, fold_text
from search_index.page import Span
from search_index.pinyin import is_run
from search_index.query import Question


def find_marks(question: Question, name: str, obligation: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """The spans of the name and of the obligation, as published, that the question's words and syllables name.

    Characters that folding drops belong to a match that goes on after them. No span cuts a character from its
    combining marks. Of near answers only what agrees is marked.
    """
    sought = [part for way in question.ways for part in _list_parts(way.condition)]
    in_name = _mark(name, fold_name, lambda folded: (span for part in sought for span in _find_in_name(part, folded)))
    in_text = _mark(obligation, fold_text, lambda folded: (s for part in sought for s in _find_in_text(part, folded)))
    return in_name or _mark(name, fold_name, lambda folded: _find_core(question, folded)), in_text


# A character with the marks, selectors and joiners after it.
_CLUSTER = re.compile(
    "(?s:.)[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef]*"
)


def _list_parts(condition: Condition) -> Iterator[InName | WholeName | InText | Sounds]:
    match condition:
        case All(conditions) | AnyOf(conditions):
            for one in conditions:
                yield from _list_parts(one)
        case InName() | WholeName() | InText() | Sounds():
            yield condition


def _find_in_name(part: InName | WholeName | InText | Sounds, name: str) -> Iterable[Span]:
    match part:
        case InName(word, None):
            return _find_all(word, name)
        case InName(_, pattern):
            return [match.span() for match in pattern.finditer(name)] if pattern else []
        case WholeName(_, pattern):
            return [(0, len(name))] if pattern.fullmatch(name) else []
        case Sounds(syllables, whole):
            return _find_run(syllables, name, whole)
        case InText():
            return []


def _find_in_text(part: InName | WholeName | InText | Sounds, text: str) -> Iterable[Span]:
    return _find_all(part.word, text) if isinstance(part, InText) else []


def _find_core(question: Question, name: str) -> Iterator[Span]:
    """What an organisation's name shares with a typed one of another place or legal form."""
    for way in question.ways:
        match way.condition:
            case Holds(Field.CORE, core):
                yield from _find_all(core, name)


def _find_all(word: str, text: str) -> Iterator[Span]:
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


def _mark(published: str, fold: Callable[[str], str], find: Callable[[str], Iterable[Span]]) -> tuple[Span, ...]:
    folded = fold(published)
    spans = sorted(set(find(folded)))
    if not spans:
        return ()
    if folded == published and not _has_marks(published):
        return _merge(spans)
    starts, ends = _map(published, fold)
    # Where characters fold together otherwise than one by one, nothing is marked rather than something wrong.
    if len(starts) != len(folded):
        return ()
    return _merge((starts[start], ends[end - 1]) for start, end in spans)


def _map(published: str, fold: Callable[[str], str]) -> tuple[list[int], list[int]]:
    """For each character of the folded text, where what it was made of begins and ends in the published one."""
    starts, ends = [], []
    for match in _CLUSTER.finditer(published):
        size = _measure(match[0], fold)
        starts += [match.start()] * size
        ends += [match.end()] * size
    return starts, ends


@lru_cache(maxsize=8192)
def _measure(cluster: str, fold: Callable[[str], str]) -> int:
    return len(fold(cluster))


def _has_marks(published: str) -> bool:
    return not published.isascii() and any(map(unicodedata.combining, published))


def _merge(spans: Iterable[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return tuple(merged)

"""Where a text names somebody who is on file, whatever stands around the name. Pure.

A name tells who is meant with or without 被执行人 before it, so every name on file is looked for, however it is written
(个人信息保护法 art. 25; 法释〔2017〕7号 art. 6).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from registry.masks import mask_name, mask_organisation
from registry.redaction.finding import Finding
from registry.redaction.lexicon import Dictionary, Lexicon
from search_index.folding import fold_name

SHORT = 4
"""Names of up to so many characters are looked for whole, longer ones by so many of their first."""
_SHORTEST = 2
_DICTIONARY = Dictionary()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelled:
    """A folded text, and where in the text as it is written each of its characters begins and ends."""

    text: str
    folded: str
    starts: Sequence[int]
    ends: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A name on file, at `start` to `end` of a text as written. `sure`: it is no part of ordinary words there."""

    key: str
    start: int
    end: int
    sure: bool


def spell(text: str, *, bare: bool = False) -> Spelled:
    """Fold `text` as names are folded (search_index.folding), keeping the places; `bare`: without any sign."""
    folded: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _letters(text):
        key = fold_name(text[start:end])
        if bare:
            key = "".join(c for c in key if c.isalnum())
        folded.append(key)
        starts += [start] * len(key)
        ends += [end] * len(key)
    return Spelled(text=text, folded="".join(folded), starts=starts, ends=ends)


def _letters(text: str) -> Iterator[tuple[int, int]]:
    """The characters of `text`, each with the accents that follow it."""
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or not unicodedata.combining(text[end]):
            yield start, end
            start = end


def list_runs(texts: Collection[str]) -> tuple[frozenset[str], frozenset[str]]:
    """What may be the name of somebody in `texts`: every short name, and how every longer one may begin."""
    folded = {spell(text, bare=bare).folded for text in texts for bare in (False, True)}
    short = {
        one[at : at + length]
        for one in folded
        for length in range(_SHORTEST, SHORT + 1)
        for at in range(len(one) - length + 1)
    }
    return frozenset(short), frozenset(run for run in short if len(run) == SHORT)


def find_named(text: str, keys: Collection[str], kept: Collection[str], lexicon: Lexicon = _DICTIONARY) -> list[Hit]:
    """Where the names `keys` (folded) stand in `text`, in order and without overlap, the longest first where several
    begin together. What stands within one of `kept`, names and words that may be shown, is none."""
    page, bare = spell(text), spell(text, bare=True)
    free = [
        (page.starts[start], page.ends[end - 1]) for start, end in _stand(page.folded, {fold_name(k) for k in kept})
    ]
    edges = _list_edges(page.folded, lexicon)
    hits: list[Hit] = []
    for start, end in _stand(page.folded, keys):
        key = page.folded[start:end]
        sure = end - start > _SHORTEST or (start in edges and end in edges and not lexicon.has(key))
        if not _is_in_latin_word(page, start, end):
            hits.append(_build_hit(page, start, end, sure=sure))
    # 王-测-试, 王、测、试: sure where each character is parted from the next, else it may be the end of a clause.
    longer = [key for key in keys if len(key) > _SHORTEST]
    for start, end in _stand(bare.folded, longer):
        if not _is_in_latin_word(bare, start, end):
            hits.append(_build_hit(bare, start, end, sure=_is_spaced(bare, start, end)))
    taken: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end, not hit.sure)):
        within = any(first <= hit.start and hit.end <= last for first, last in free)
        if not within and not (taken and hit.start < taken[-1].end):
            taken.append(hit)
    return taken


def _build_hit(page: Spelled, start: int, end: int, *, sure: bool) -> Hit:
    return Hit(key=page.folded[start:end], start=page.starts[start], end=page.ends[end - 1], sure=sure)


def _is_spaced(page: Spelled, start: int, end: int) -> bool:
    return all(page.ends[at] < page.starts[at + 1] for at in range(start, end - 1))


def _stand(folded: str, names: Collection[str]) -> Iterator[tuple[int, int]]:
    for name in names:
        at = folded.find(name) if len(name) >= _SHORTEST else -1
        while at >= 0:
            yield at, at + len(name)
            at = folded.find(name, at + 1)


def _list_edges(folded: str, lexicon: Lexicon) -> frozenset[int]:
    """Where words begin and end: 于明 in 关于明确 is nobody."""
    edges = [0]
    for word in lexicon.cut(folded):
        edges.append(edges[-1] + len(word))
    return frozenset(edges)


def _is_in_latin_word(page: Spelled, start: int, end: int) -> bool:
    """Whether letters go on before or behind a name in Latin letters: LI in public."""
    before, after = page.starts[start] - 1, page.ends[end - 1]
    return (_is_latin(page.text, before) and page.folded[start].isascii()) or (
        _is_latin(page.text, after) and page.folded[end - 1].isascii()
    )


def _is_latin(text: str, at: int) -> bool:
    return 0 <= at < len(text) and text[at].isascii() and text[at].isalnum()


def mask_hit(hit: Hit, organisations: Mapping[str, bool]) -> Finding:
    """The finding for a name: its mask in its place. `organisations` says of each key whether it is an organisation's."""
    body = organisations.get(hit.key, False)
    return Finding(
        rule="organisation_name" if body else "person_name",
        start=hit.start,
        end=hit.end,
        confidence="high" if hit.sure else "low",
        replacement=mask_organisation(hit.key) if body else mask_name(hit.key, hidden="某"),
    )

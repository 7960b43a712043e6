"""What the tagger is told of each character of a text: how it is written, its word, what the rules made of it. Pure.

Training and use read this one description, so that what was learned means the same later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from registry.redaction.lexicon import Lexicon
from registry.redaction.sheet import KEPT, Sheet, fold
from registry.surnames import SURNAMES

_NUMERALS = frozenset("零〇一二三四五六七八九十百千万亿两壹贰叁肆伍陆柒捌玖拾佰仟萬幺")
_OTHER, _DIGIT, _NUMERAL, _LATIN, _BLANK, _SIGN = range(6)
_RUN = frozenset({_DIGIT, _NUMERAL, _LATIN})
_LONGEST_WORD = 5
_FARTHEST = 15
RULES = (
    "person_name", "organisation_name", "school", "address", "health", "age", "birth_date", "id_number", "other_id",
    "credit_code", "card", "number", "spelled_number", "mobile", "landline", "plate", "vehicle_number", "title_number",
    "social_account", "email", "url", "private_value",
)  # fmt: skip
UNKNOWN = 1
"""What the rules say is not told; used in training alone, so that the tagger does not lean on them."""
_KEPT_BY_RULES = 2
_FIRST_RULE = 3
SIZES = (6, 4 * _LONGEST_WORD, 2, 2, _FARTHEST + 1, _FARTHEST + 1, _FIRST_RULE + 2 * len(RULES))
"""How many values each column of a description has; the last column is what the rules say."""


def describe(sheet: Sheet, debtor: str, lexicon: Lexicon) -> list[list[int]]:
    """For each of `SIZES` a column of values, one for each character of `sheet.folded`."""
    text = sheet.folded
    kinds = [_kind_of(c) for c in text]
    runs = list(_measure_runs(kinds))
    return [
        kinds,
        [place for word in lexicon.cut(text) for place in _places_in_word(len(word))],
        list(_mark(text, debtor)),
        [int(c in SURNAMES) for c in text],
        [length for length, _ in runs],
        [place for _, place in runs],
        _read_rules(sheet),
    ]


def _kind_of(c: str) -> int:
    if c.isdigit():
        return _DIGIT
    if c in _NUMERALS:
        return _NUMERAL
    if c.isascii() and c.isalpha():
        return _LATIN
    if c.isspace():
        return _BLANK
    return _OTHER if c.isalnum() else _SIGN


def _places_in_word(length: int) -> Iterator[int]:
    """Where in a word of this length each of its characters stands: alone, first, in the middle, last."""
    row = 4 * (min(length, _LONGEST_WORD) - 1)
    for index in range(length):
        yield row if length == 1 else row + (1 if index == 0 else 3 if index == length - 1 else 2)


def _mark(text: str, debtor: str) -> Iterator[int]:
    """Where `debtor` is named; blanks inside a Chinese name count for nothing."""
    whole = fold(debtor.strip())
    names = {whole, "".join(whole.split())} - {""}
    end = 0
    for place in range(len(text)):
        for name in names:
            if text.startswith(name, place):
                end = max(end, place + len(name))
        yield int(place < end)


def _measure_runs(kinds: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Of each character the length of the run of figures and letters it is in, and its place there; 0 outside."""
    for inside, group in groupby(kinds, _RUN.__contains__):
        length = sum(1 for _ in group)
        for place in range(length):
            yield (_class_of(length), min(place, _FARTHEST)) if inside else (0, 0)


def _class_of(length: int) -> int:
    """Lengths that tell something keep a class of their own: 11 of a mobile number, 18 of an ID number."""
    if length <= 11:
        return length
    return 12 if length < 15 else 13 if length < 18 else 14 if length == 18 else _FARTHEST


def _read_rules(sheet: Sheet) -> list[int]:
    """What the rules made of each character."""
    column = [_KEPT_BY_RULES if mark == KEPT else 0 for mark in sheet.text]
    for span in sheet.taken:
        value = _FIRST_RULE + 2 * RULES.index(span.rule)
        column[span.start : span.end] = [value, *[value + 1] * (span.end - span.start - 1)]
    return column

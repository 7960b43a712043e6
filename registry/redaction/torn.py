"""Numbers torn by brackets and signs, and the letters and words at the edges of a number that are part of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from registry.redaction.figures import PROVINCE
from registry.redaction.numbers import IDENTIFIER_RULES
from registry.redaction.regions import DIVISIONS
from registry.redaction.sheet import Sheet
from registry.redaction.vocabulary import Named

_SIGNS = r"[^0-9A-Za-z一-龥。；;\0\1]{0,3}"
_TORN_ID = re.compile(
    rf"""(?<![\dA-Za-z.])[1-9]\d{{5}}{_SIGNS}(?:
        (?:19|20)\d{{2}}{_SIGNS}(?:0[1-9]|1[0-2]){_SIGNS}(?:0[1-9]|[12]\d|3[01])
        |(?:19|20)\d{{2}}年\s?(?:0?[1-9]|1[0-2])月\s?(?:[012]?[1-9]|[123]0|31)日
    ){_SIGNS}\d{{3}}{_SIGNS}[\dXx叉Ⅹ](?![\dA-Za-z])""",
    re.VERBOSE,
)
_MASKED_BY_WORD = re.compile(r"(?<![\dA-Za-z])\d{3,10}(?:某{2,14}|(?:某年)?某月某日)\d{2,5}[Xx]?(?![\dA-Za-z])")
# The check character of an ID number that was written apart or told: (X), 叉, Ⅹ.
_LAST_OF_ID = re.compile(r"[\s\-,，、]{0,2}(?:[(\[]\s?[Xx×叉Ⅹ]\s?[)\]]|[Xx叉Ⅹ])(?![A-Za-z\d])")
_FIGURE = re.compile(r"[\d〇零一二三四五六七八九幺]")
# An old number has fifteen, of which some may be masked or misread.
_FEWEST_OF_ID = 14
_SUFFIX = r"(?:挂车?|学|警|港|澳|领|使|试|超|拖|黄|应急|出租|临)"
_BEHIND_PLATE = re.compile(
    rf"\s?[(]?{_SUFFIX}[)]?(?![一-龥])|[\-·.\s]{{1,2}}[A-Z\d](?![A-Za-z\d])|\s?[(]{_SUFFIX}[)]\s?\d{{4,6}}"
)
_BEFORE_PLATE = re.compile(
    rf"(?:厂内|内蒙古|[兵使领甬滇]|[{PROVINCE}]\s?[(][A-Z][)]|[{PROVINCE}]\s?[A-Z]?|厂内[{PROVINCE}])[\s·.\-]{{0,2}}$"
)
_TORN_PLATE = re.compile(
    rf"[{PROVINCE}]\s?[(][A-Z][)]\s?[A-Z\d]{{5,6}}(?![A-Za-z\d])|[{PROVINCE}][A-Z]\s?[(]{_SUFFIX}[)]\s?[A-Z\d]{{4,6}}(?![A-Za-z\d])"
)
_SERIAL = re.compile(rf"[{PROVINCE}A-Z\d]{{0,2}}[\s·.\-]?[A-Z\d]{{4,7}}")
_GAP = re.compile(r"[\s·.\-]{0,2}$")
_LONGEST_CITY = 4


def find_torn(text: str) -> Iterator[Named]:
    """ID numbers whose day of birth stands in brackets, between signs or in words, numbers masked by 某, plates in brackets."""
    for pattern in (_TORN_ID, _MASKED_BY_WORD):
        for match in pattern.finditer(text):
            yield Named("id_number", *match.span(), "high")
    for match in _TORN_PLATE.finditer(text):
        yield Named("plate", *match.span(), "high")


def finish_numbers(sheet: Sheet) -> None:
    """Widen what was taken as a number by what is part of it and was left beside it."""
    for span in [s for s in sheet.taken if s.rule in IDENTIFIER_RULES]:
        wider = _finish(sheet.text, sheet.folded, span)
        if wider != span:
            sheet.widen(span, wider)


def _finish(text: str, folded: str, span: Named) -> Named:
    words = folded[span.start : span.end]
    if span.rule in ("plate", "number"):
        behind = _BEHIND_PLATE.match(text, span.end) if span.rule == "plate" else None
        return replace(span, start=_begin_plate(text, span.start, words), end=behind.end() if behind else span.end)
    if len(_FIGURE.findall(words)) >= _FEWEST_OF_ID and (last := _LAST_OF_ID.match(text, span.end)):
        return replace(span, end=last.end())
    return span


def _begin_plate(text: str, start: int, words: str) -> int:
    """Where a plate begins that is written with the name of a city, a corps or a yard."""
    if not _SERIAL.fullmatch(words):
        return start
    before = _BEFORE_PLATE.search(text, max(0, start - 8), start)
    if before:
        return before.start()
    # 南宁A·7526Z2: 宁 alone is a province, and was taken for one.
    end = start + 1 if words[0] in PROVINCE else 0
    for length in range(_LONGEST_CITY, 1, -1):
        if end >= length and text[end - length : start] + words[:1] in DIVISIONS:
            return end - length
    gap = _GAP.search(text, max(0, start - 2), start)
    end = gap.start() if gap else start
    for length in range(_LONGEST_CITY, 1, -1):
        if end >= length and text[end - length : end] in DIVISIONS:
            return end - length
    return start

"""A text as it is read: one kind of digit, dash and character, without breaks inside words, what is decided blanked out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from registry.redaction.misread import read_misread, read_set_apart
from registry.redaction.name_parts import FIRSTS
from registry.redaction.vocabulary import HAN, Named
from registry.surnames import COMPOUND_SURNAMES
from search_index.tables import read_table

KEPT = "\0"
TAKEN = "\1"
_DECIDED = re.compile(r"[\0\1]")
_FOLD = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code) not in "（），：；！？"},
    **dict.fromkeys(map(ord, "‐‑‒–—―−－"), "-"),
    **dict.fromkeys(map(ord, "\u3000\u00a0\u2002\u2003\u2009\u200b\u200c\u200d\u2060\ufeff\t\v\f"), " "),
    **dict.fromkeys(map(ord, "（"), "("),
    **dict.fromkeys(map(ord, "）"), ")"),
    **dict.fromkeys(map(ord, "\0\1"), " "),
}
_STANDARD = {ord(form): standard for standard, forms in read_table("variants.txt") for form in forms}
# 於 is a name's character as well and no other form of 于 in a key, but nothing else is read in a sentence.
_FOLD_ALL = {**_STANDARD, ord("於"): "于", **_FOLD}
_ODD_DIGIT = re.compile(r"[^\D0-9]")
_GAP = re.compile(r"[ \r\n]+")
_ONE = re.compile(rf"[{HAN}]")
_SHORT_LINE = re.compile(rf"[{HAN}]{{2,4}}")
_ALONE = frozenset("男女")
_ACCOUNT_ENDS = re.compile(r"[A-Za-z0-9@._\-]{2,24}$")
_ACCOUNT_BEGINS = re.compile(r"[A-Za-z0-9@._\-]{2,24}")
_LETTERS_AND_FIGURES = re.compile(r"[a-z]\d|\d[a-z]")


def fold(text: str) -> str:
    """The same number of characters: half width, simplified, with one kind of dash, blank and digit."""
    folded = text.translate(_FOLD_ALL)
    if not folded.isascii():
        folded = read_set_apart(_ODD_DIGIT.sub(lambda m: str(unicodedata.decimal(m[0])), folded))
    return read_misread(folded)


def fold_width(text: str) -> str:
    """`text` in half width, in the characters it is written in."""
    return text.translate(_FOLD)


class Sheet:
    """The folded text, on which what was decided is blanked out so that nothing is decided twice."""

    def __init__(self, text: str) -> None:
        folded = fold(text)
        self.origins = _close_gaps(folded)
        self.folded = folded if self.origins is None else "".join(folded[i] for i in self.origins)
        self.text = self.folded
        self.taken: list[Named] = []
        self.known: frozenset[Named] = frozenset()
        """What was taken because the record says so."""

    def keep(self, spans: Iterable[tuple[int, int]]) -> None:
        """These stay."""
        for start, end in spans:
            self._blank(start, end, KEPT)

    def take(self, spans: Iterable[Named]) -> None:
        """These go, where nothing of them is decided yet."""
        for span in spans:
            if span.start < span.end and not _DECIDED.search(self.text, span.start, span.end):
                self.taken.append(span)
                self._blank(span.start, span.end, TAKEN)

    def release(self, span: Named) -> None:
        """`span` was taken and does not go."""
        self.taken.remove(span)
        self.text = f"{self.text[: span.start]}{self.folded[span.start : span.end]}{self.text[span.end :]}"

    def widen(self, span: Named, wider: Named) -> None:
        """`span` was taken, and goes with what stands beside it."""
        self.taken[self.taken.index(span)] = wider
        self._blank(wider.start, wider.end, TAKEN)

    def place(self, span: Named) -> tuple[int, int]:
        """Where `span` stands in the text as it was given."""
        if self.origins is None:
            return span.start, span.end
        return self.origins[span.start], self.origins[span.end - 1] + 1

    def _blank(self, start: int, end: int, mark: str) -> None:
        self.text = f"{self.text[:start]}{mark * (end - start)}{self.text[end:]}"


def _close_gaps(text: str) -> list[int] | None:
    """The places of the characters that remain when blanks and breaks inside words are left out."""
    left_out: set[int] = set()
    closed = -1
    for gap in _GAP.finditer(text) if " " in text or "\n" in text else ():
        start, end = gap.span()
        if not start or end == len(text):
            continue
        if _is_inside(text, start, end, chained=closed == start - 1):
            left_out.update(range(start, end))
            closed = end
    return [i for i in range(len(text)) if i not in left_out] if left_out else None


def _is_inside(text: str, start: int, end: int, *, chained: bool) -> bool:
    broken = "\n" in text[start:end]
    before, after = text[start - 1], text[end]
    if not (_ONE.match(before) and _ONE.match(after)):
        return broken and (
            (before in "0123456789,.-" and after in "0123456789.") or _is_broken_account(text, start, end)
        )
    return _is_break(text, start, end) if broken else _is_blank(text, start, end, chained=chained)


def _is_broken_account(text: str, start: int, end: int) -> bool:
    """Whether an address for mail or an account of letters and figures was broken: yhp / 0540abc."""
    above, below = _ACCOUNT_ENDS.search(text[max(0, start - 24) : start]), _ACCOUNT_BEGINS.match(text, end)
    if above is None or below is None:
        return False
    return any("@" in part or "_" in part or _LETTERS_AND_FIGURES.search(part) for part in (above[0], below[0]))


def _is_break(text: str, start: int, end: int) -> bool:
    """Whether a line was broken here in the middle of a sentence; not a list with a name a line."""
    above = text[max(text.rfind("\n", 0, start) + 1, start - 8) : start].strip()
    below = text[end : end + 8].split("\n")[0].strip()
    return not (_SHORT_LINE.fullmatch(above) and _SHORT_LINE.fullmatch(below))


def _is_blank(text: str, start: int, end: int, *, chained: bool) -> bool:
    """Whether single characters were set apart: 牛 得 草, 原告吕 不 凡借款; not the columns of a table."""
    if text[end] in _ALONE and not chained:
        return False
    if chained or (text[start - 1] in FIRSTS and (start < 2 or text[start - 2] in _BEFORE_NAMES)):
        return True
    left_alone = start < 2 or not _ONE.match(text, start - 2)
    return left_alone and (end + 1 >= len(text) or not _ONE.match(text, end + 1))


# What stands before a surname that is set apart from the given name.
_BEFORE_NAMES = frozenset("告人付给向还欠偿赔退予证被｜|由与对归将及和子女夫妻父母，、：；。:,(（“\n某方东主户员者")
MASKED = re.compile(
    rf"(?:{'|'.join(sorted(COMPOUND_SURNAMES))}|[{HAN}])?某+(?:公司|银行|信用社|合作社|合伙企业|事务所|委员会|医院|学校|厂|店|单位)?"
    r"(?:\d{1,2}(?!\d)|[甲乙丙丁戊])?"
)

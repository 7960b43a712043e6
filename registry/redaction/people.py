"""Whom a text names. Pure.

`find_people` reads every clause (`reading.py`) and then once more with whom it found: who is called by an ordinary word
is known by the same word in another place. `weigh_left` and `weigh_right` say for a single place how well a name may
begin or end there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from registry.redaction.court_words import ORDINARY
from registry.redaction.lexicon import Lexicon
from registry.redaction.name_parts import ENDS, FIRSTS, SOFT_ENDS
from registry.redaction.reading import Clause, Read, read_clause
from registry.redaction.vocabulary import FOLLOWING_BEGINNINGS, HAN, ROLE, Named
from registry.redaction.word_costs import (
    JOIN,
    LISTED,
    MARK,
    NUMERALS,
    PEOPLE_ENDS,
    START,
    SURE,
    TAKERS,
    Place,
)
from registry.redaction.word_costs import ROLE as BEHIND_ROLE

_RUN = re.compile(rf"[{HAN}]{{2,}}")
_AND_OTHERS = re.compile(r"等\s?[\d\0一二三四五六七八九十百两几]{0,5}\s?(?:名|位)?[人户]")
_JOINED_BY = frozenset("和与及向对由给欠诉将以暨")
# What stands in Unicode before the Chinese characters; signs of full width stand behind them.
_LAST_SIGN = "㏿"
_MARKS = frozenset("\0\1")
_CROSSED = frozenset(word for word in ORDINARY if len(word) == 2)
_TWO = frozenset(word[:2] for word in ORDINARY | FOLLOWING_BEGINNINGS if len(word) > 1)
# From here on a name is so much likelier than ordinary words that a reviewer need not look at each one.
_CLEAR = 4.0
_BLANK = "\1"


@dataclass(slots=True)
class Page:
    """A text cut into words: `text` has blanks where something is decided, `folded` has none."""

    text: str
    folded: str
    lexicon: Lexicon
    starts: dict[int, str] = field(default_factory=dict)
    ends: dict[int, str] = field(default_factory=dict)
    roles: set[int] = field(default_factory=set)
    rights: dict[int, float] = field(default_factory=dict)
    last: int = 0


def is_han(c: str) -> bool:
    """Whether `c` is a Chinese character."""
    return "一" <= c <= "鿿" or "㐀" <= c < "一" or c == "〇" or "豈" <= c <= "\ufaff" or c >= "\U00020000"


def open_page(text: str, folded: str, lexicon: Lexicon) -> Page:
    """`text` cut into words, ready to be read."""
    page = Page(text, folded, lexicon)
    position = 0
    starts, ends = page.starts, page.ends
    for word in lexicon.cut(text):
        end = position + len(word)
        if word[0] > _LAST_SIGN:
            starts[position] = word
            ends[end] = word
        position = end
    page.roles.update(m.end() for m in ROLE.finditer(text))
    return page


def find_people(page: Page) -> Iterator[Named]:
    """People named with a surname, or by any word where somebody must be named."""
    clauses: dict[Clause, tuple[Read, ...]] = {}
    found = list(_read(page, frozenset(), clauses))
    known = _find_again(page, found)
    for named, _ in _read(page, known, clauses) if known else found:
        yield named


def _read(page: Page, known: frozenset[str], clauses: dict[Clause, tuple[Read, ...]]) -> Iterator[tuple[Named, Place]]:
    """The names in every clause, each with what it stands behind; `clauses` are those read with nobody known."""
    last = -1
    for run in _RUN.finditer(page.text):
        start, end = run.span()
        roles = frozenset(at - start for at in range(start + 1, end) if at in page.roles)
        clause = Clause(run[0], _place_before(page, start, last), roles, _goes_on(page.text, end))
        here = [name for name in known if name in clause.run]
        names = None if here else clauses.get(clause)
        if names is None:
            names = read_clause(clause, page.lexicon, here)
        if not here:
            clauses[clause] = names
        for name in names:
            last = start + name.end
            if "某" not in page.text[start + name.start : last] and not _is_code(
                page.text, start + name.start, last, end
            ):
                sure = name.place in SURE or name.margin > _CLEAR
                yield Named("person_name", start + name.start, last, "high" if sure else "low"), name.place


# 某国用（2001）字第3号, 某房权证字第3号: letters of a title to land or a house.
_CODE = re.compile(
    rf"(?:[国集][有体]?用|土用|林证|[房海他项权]证|房地|[{HAN}]?[字用](?=\s?[(\[〔\0\1第]))[{HAN}]{{0,6}}(?=\s?[(\[〔]?\s?(?:(?:19|20)\d\d|第|[\0\1A-Z\d]))"
)


def _is_code(text: str, start: int, name_end: int, end: int) -> bool:
    """Whether the name is but the first letters of a title's number, in a clause that ends at `end`."""
    if text[end : end + 1] not in _AFTER_CODE:
        return "字第" in text[start : name_end + 4] or "权证" in text[name_end : name_end + 3]
    code = _CODE.search(text, start, min(len(text), end + 8))
    return code is not None and code.start() <= name_end and not text[name_end : code.start()]


_AFTER_CODE = frozenset("([〔 \0\1") | frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def _goes_on(text: str, end: int) -> bool:
    after = text[end : end + 1]
    return after in _MARKS or after.isalnum()


def _place_before(page: Page, start: int, last: int) -> Place:
    """What stands before a clause, `last` being where the last name ended."""
    if start in page.roles:
        return BEHIND_ROLE
    before = page.text[start - 1 : start]
    if before == "、":
        return JOIN if start - 1 == last or page.text[start - 2 : start - 1] in _MARKS else LISTED
    return MARK if before and (before in _MARKS or before.isdigit()) else START


def _find_again(page: Page, found: list[tuple[Named, Place]]) -> frozenset[str]:
    """Who was surely named, and is named in another place as well, in full or by the given name."""
    parts, end, names = [], 0, set()
    for named, place in found:
        name = page.text[named.start : named.end]
        parts.append(page.text[end : named.start])
        end = named.end
        if place in SURE:
            names.add(name)
            if len(name) == 3 and name[0] in FIRSTS:
                names.add(name[1:])
    rest = _BLANK.join((*parts, page.text[end:]))
    return frozenset(name for name in names if len(name) > 1 and name in rest)


def is_longer_name(text: str, start: int, end: int, lexicon: Lexicon) -> bool:
    """Whether what stands at `start` reads as a longer name than `text[start:end]`: 张三丰, not 张三."""
    if end >= len(text) or not is_han(text[end]) or text[start] not in FIRSTS or text[end : end + 2] in _TWO:
        return False
    page = open_page(text, "", lexicon)
    run = next(run for run in _RUN.finditer(text) if run.start() <= start < run.end())
    first = run.start()
    roles = frozenset(at - first for at in range(first + 1, run.end()) if at in page.roles)
    clause = Clause(run[0], _place_before(page, first, -1), roles, _goes_on(text, run.end()))
    names = read_clause(clause, lexicon, frozenset({text[start:end]}))
    return any(first + name.start == start and first + name.end > end for name in names)


def weigh_left(page: Page, start: int) -> float:
    """How well a name may begin at `start`: 1.5 after a role, 1 after what takes a person or at the head of a clause."""
    if start in page.roles:
        return 1.5
    if not start:
        return 1.0
    before = page.text[start - 1]
    return _weigh_word_before(page, start, before) if is_han(before) else _weigh_sign_before(page, start, before)


def _weigh_sign_before(page: Page, start: int, before: str) -> float:
    if before == "、":
        return 1.5 if start - 1 == page.last or page.text[start - 2 : start - 1] in _MARKS else 0.9
    return 0.5 if before in _MARKS or before.isdigit() else 1.0


def _weigh_word_before(page: Page, start: int, before: str) -> float:
    if start - 1 == page.last and before in _JOINED_BY:
        return 1.5
    word = page.ends.get(start)
    crossed = page.text[start - 1 : start + 1] in _CROSSED
    if before in TAKERS:
        return 1.0 if word else (0.0 if crossed else 0.8)
    if word is None or crossed:
        return -0.6
    if before in PEOPLE_ENDS and len(word) > 1:
        return 0.9
    return 0.7 if word in ORDINARY else 0.4


def weigh_right(page: Page, end: int) -> float:
    """How surely a name ends at `end`."""
    known = page.rights.get(end)
    if known is None:
        known = page.rights[end] = _judge_right(page, end)
    return known


def _judge_right(page: Page, end: int) -> float:
    text = page.text
    after = text[end : end + 1]
    if not is_han(after):
        return 2.0 if after and (after in _MARKS or after.isalnum()) else 2.3
    if after == "等" and _AND_OTHERS.match(text, end):
        return 3.0
    if after in _JOINED_BY and text[end : end + 2] not in ORDINARY and _is_next(page, end + 1):
        return 1.9
    if text[end : end + 2] in _TWO:
        return 2.0
    return _weigh_character_after(page, end, after)


def _weigh_character_after(page: Page, end: int, after: str) -> float:
    if after in "省市县区旗州盟镇乡村屯寨" or (after in "万千百亿元" and page.text[end - 1] in NUMERALS):
        return -0.5
    if len(page.starts.get(end, "")) > 1 or (after in ENDS and after not in SOFT_ENDS):
        return 1.4
    if after in SOFT_ENDS:
        return 1.0
    return 0.6 if page.lexicon.has(page.text[end : end + 2]) else 0.0


def _is_next(page: Page, start: int) -> bool:
    """Whether somebody else, or what is done, comes at `start`."""
    text = page.text
    after = text[start : start + 1]
    return after in FIRSTS or after in _MARKS or text[start : start + 2] in _TWO or len(page.starts.get(start, "")) > 1

"""How improbable a name is, in the natural logarithm of one in how many: a surname, a given name, a nickname. Pure.

The figures are round: what matters is which of two readings of a clause is the likelier one.
"""

from __future__ import annotations

from collections.abc import Iterator

from registry.redaction.court_words import DIVISIONS, ORDINARY
from registry.redaction.name_parts import (
    FOREIGN_SURNAMES,
    GIVEN,
    HARD_ENDS,
    MINORITY_PARTS,
    NEVER_GIVEN,
    OFTEN_GIVEN,
    RAREST_SURNAMES,
    SELDOM_SURNAMES,
    SOFT_ENDS,
    SOUNDS,
    TITLES,
)
from registry.surnames import COMMON_SURNAMES, COMPOUND_SURNAMES, MOST_COMMON_SURNAMES, SURNAMES

_UNKNOWN_SURNAME = 13.0
_SURNAME_COSTS = {
    **dict.fromkeys(RAREST_SURNAMES, 11.5),
    **dict.fromkeys(SELDOM_SURNAMES, 10.0),
    **dict.fromkeys(SURNAMES, 8.5),
    **dict.fromkeys(COMMON_SURNAMES, 7.0),
    **dict.fromkeys(MOST_COMMON_SURNAMES, 4.5),
    **dict.fromkeys("于付方向时应和从连经费", 8.0),
    **dict.fromkeys("都还种回达", 11.5),
    **dict.fromkeys("由将以因为同对给与被归但凭至其可共款元另出", 13.5),
    **dict.fromkeys("候解", 9.0),
}
_COMPOUND = 8.5
_UNKNOWN_GIVEN = 10.0
_GIVEN_COSTS = {
    "〇": 14.0,
    **dict.fromkeys("一二三四五六七八九十老小大", 7.5),
    **dict.fromkeys(GIVEN, 6.6),
    **dict.fromkeys(OFTEN_GIVEN, 5.0),
    **dict.fromkeys(NEVER_GIVEN, 14.0),
    **dict.fromkeys("元之", 7.0),
    **dict.fromkeys("内外里边下上前后间时", 11.5),
    **dict.fromkeys("费款税险证票卡棚厂院店站所局库房屋楼率额数权案账号码罪网", 13.0),
}
_GIVEN_WORD = 10.5
_GIVEN_FAMILIAR = 9.0
# For a last character with which words begin that stand behind names.
_HARD_END, _SOFT_END, _DIVISION_END = 1.5, 0.4, 20.0
_ONE_GIVEN = 1.8
_TWO_GIVEN = 0.2
_TWO_SURNAMES = 3.0
_IS_WORD = 6.0
_FOREIGN = 6.5
_FOREIGN_PIECE = 6.5
_FOREIGN_GIVEN = 6.0
_FOREIGN_SOUND = 6.0
_LONGEST_FOREIGN = 10
_LONGEST_HAN = 3
_TITLED = 4.0

_HEADS = frozenset("老小大阿")
_ENDINGS = frozenset("子娃哥姐叔妹婶姨嫂爷伯舅姑")
_BORN = frozenset("二三四五六七八九大小老")
_CALLED = frozenset("胖瘦黑毛狗蛋娃丫妞妮牛虎猴嘎楞愣哥姐叔爷婶姑姨舅伯嫂弟妹歪")
_PART_FIRSTS = frozenset(word[0] for word in MINORITY_PARTS)
_FOREIGN_FIRSTS = _PART_FIRSTS | SOUNDS
_PART_SIZES = (4, 3, 2)
_PAIRS = COMPOUND_SURNAMES | FOREIGN_SURNAMES
_PAIR_FIRSTS = frozenset(pair[0] for pair in _PAIRS)
_TITLE_FIRSTS = frozenset(title[0] for title in TITLES)
_FAMILIAR_FIRSTS, _FAMILIAR_ENDS = frozenset("阿亚幺老小大二三四五六七八九"), frozenset("妹弟娃嫂")
_TAKEN = ORDINARY | DIVISIONS
_LAST_COSTS = {
    **dict.fromkeys(SOFT_ENDS, _SOFT_END),
    **dict.fromkeys(HARD_ENDS, _HARD_END),
    **dict.fromkeys("省市县区旗镇乡", _DIVISION_END),
}
_DOUBLED = SURNAMES - frozenset("由于应向付时和从将以因为都连同经对给与被还归但凭至其可共费款元回另种达出解")


def end_names(run: str, start: int, *, strong: bool) -> list[tuple[int, float]]:
    """Where a name that begins at `start` of the Chinese characters `run` may end, and what each costs.

    `strong` says that somebody must be named here, whatever the first character is.
    """
    first = run[start]
    surname = _SURNAME_COSTS.get(first)
    found: list[tuple[int, float]] = []
    if start + 1 < len(run):
        second = run[start + 1]
        if first in _PAIR_FIRSTS and first + second in _PAIRS:
            found += _end_given(run, start + 2, _COMPOUND)
            if first + second in FOREIGN_SURNAMES and start + 5 <= len(run):
                found.append((start + 5, _COMPOUND + 3 * _FOREIGN_GIVEN))
        if surname is not None or strong:
            found += _end_han(run, start, surname or _UNKNOWN_SURNAME)
        if second in _ENDINGS or first in _HEADS or (first in _BORN and second in _CALLED):
            found += _end_nickname(run, start)
        if surname is not None:
            if second in _TITLE_FIRSTS:
                found += _end_titled(run, start, surname)
            if second in _PART_FIRSTS:
                # A Chinese surname before a name of the minorities: 包巴特尔.
                mixed = _end_foreign(run, start + 1, surname + 1.0)
                found += [(end, cost) for end, cost in mixed if end - start > _LONGEST_HAN]
    if first in _FOREIGN_FIRSTS:
        found += _end_foreign(run, start, _FOREIGN)
    return found


def is_taken(word: str) -> bool:
    """Whether `word` is a word of courts or a place, and hardly a name."""
    return word in _TAKEN


def _end_han(run: str, start: int, surname: float) -> Iterator[tuple[int, float]]:
    """A surname and one or two characters; two surnames and two."""
    for end, cost in _end_given(run, start + 1, surname):
        yield end, cost + (_IS_WORD if run[start:end] in _TAKEN else 0.0)
    first, second = run[start], run[start + 1]
    if first in _DOUBLED and second in _DOUBLED and start + 4 <= len(run):
        given = _cost_two(run[start + 2], run[start + 3])
        yield start + 4, _TWO_SURNAMES + _SURNAME_COSTS[first] + _SURNAME_COSTS[second] + given


def _end_given(run: str, start: int, surname: float) -> Iterator[tuple[int, float]]:
    if start < len(run):
        yield start + 1, surname + _cost_one(run[start])
    if start + 1 < len(run):
        yield start + 2, surname + _cost_two(run[start], run[start + 1])


def _cost_one(c: str) -> float:
    cost = _ONE_GIVEN + _LAST_COSTS.get(c, 0.0)
    given = _GIVEN_COSTS.get(c, _UNKNOWN_GIVEN)
    return cost + (min(given, _GIVEN_WORD) if c in _TAKEN else given)


def _cost_two(first: str, second: str) -> float:
    base = _TWO_GIVEN + _LAST_COSTS.get(second, 0.0)
    cost = _GIVEN_COSTS.get(first, _UNKNOWN_GIVEN) + _GIVEN_COSTS.get(second, _UNKNOWN_GIVEN)
    if (first in _FAMILIAR_FIRSTS or second in _FAMILIAR_ENDS) and _is_familiar(first, second):
        return base + min(cost, _GIVEN_FAMILIAR)
    # 刁建设: a word is given sooner than its characters are by chance.
    return base + (min(cost, _GIVEN_WORD) if cost < 25 and first + second in _TAKEN else cost)


def _is_familiar(first: str, second: str) -> bool:
    """老三, 阿妹, 七斤: what stands for a given name in the country."""
    return (
        first in "阿亚幺"
        or (first in "老小" and second in "大二三四五六七八九幺")
        or (first in "大二三四五六七八九小幺" and second in "斤娃妹弟狗毛牛嫂姐哥爷婶妞丫胖")
        or second in _FAMILIAR_ENDS
    )


def _end_titled(run: str, start: int, surname: float) -> Iterator[tuple[int, float]]:
    """王会计, 李总, 龙工."""
    for size in range(1, min(3, len(run) - start - 1) + 1):
        if run[start + 1 : start + 1 + size] in TITLES:
            yield start + 1 + size, surname + _TITLED + (1.5 if size == 1 else 0.0)


def _end_nickname(run: str, start: int) -> Iterator[tuple[int, float]]:
    """老张, 阿强, 刚子, 二胖."""
    first, second = run[start], run[start + 1]
    taken = _IS_WORD if first + second in _TAKEN else 0.0
    if first in _HEADS:
        own = min(_SURNAME_COSTS.get(second, 12.0), _GIVEN_COSTS.get(second, 12.0))
        called = own + taken + (3.0 if first == "阿" else 4.5)
        yield start + 2, called
        if run[start + 2 : start + 3] in ("头", "子"):
            yield start + 3, called + 2.0
    if first in _BORN and second in _CALLED:
        child = run[start + 2 : start + 3] in ("儿", "子")
        yield start + 2 + child, 11.0 + taken
    if second in _ENDINGS and first in GIVEN:
        yield start + 2, _GIVEN_COSTS[first] + 6.0 + taken


def _end_foreign(run: str, start: int, base: float) -> Iterator[tuple[int, float]]:
    """Names of the minorities and of abroad, as their sounds are written."""
    at, cost, parts, strange = start, base, 0, 2
    limit = min(len(run), start + _LONGEST_FOREIGN)
    while at < limit:
        piece = next((n for n in _PART_SIZES if at + n <= limit and run[at : at + n] in MINORITY_PARTS), 0)
        if piece:
            cost += _FOREIGN_PIECE
            at += piece
            parts += 1
        elif run[at] in SOUNDS:
            cost += _FOREIGN_SOUND
            at += 1
        elif parts and strange:
            cost += _UNKNOWN_GIVEN
            at += 1
            strange -= 1
        else:
            return
        if at - start > 2 or (at - start == 2 and parts):
            yield at, cost

"""Whom a text names. Pure.

Chinese writes no spaces: where a name begins and ends is told by the ordinary words around it. Everything that may be
a name is weighed by what it is made of and by what stands on its left and on its right. In a place where somebody
must be named, what is no ordinary word of that place is a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from registry.redaction.court_words import DIVISIONS, ORDINARY
from registry.redaction.lexicon import Lexicon
from registry.redaction.name_parts import FIRSTS, GIVEN, MINORITY_PARTS, SOUNDS
from registry.redaction.vocabulary import HAN, ROLE, Named
from registry.surnames import COMPOUND_SURNAMES, SURNAMES

_HAN_RUN = re.compile(rf"[{HAN}]+")
_LONGEST = 4
_SURE = 2.3
# From here on a reviewer need not look at each one: on the open texts 99 of 100 are somebody.
_CLEAR = 2.5

# What takes a person after it, by its last character: 支付 and 付给, 归, 与, 汇至.
_TAKERS = frozenset("系向对与由和及同跟被将把给为替欠付还诉归交叫让请限令从找送至接退赔暨随偿予定除致伤助犯回止入到转")
# How words end that say what somebody is: 材料商, 摊主, 业务员.
_PEOPLE_ENDS = frozenset("商主员长师工户手")
# What ends a name though it is one character; the second are given names' characters as well.
_ENDS = frozenset(
    "犯虽仅只撞打砍占卖买帮劝投写立留遗亡死伤骂承接确向经愿拒反的是系诉称住等欠还须需退返偿赔垫代领缴付及与向对由将被给在各均已未不之所从至到按再仍尚曾出借取收持两二三四五六七八九十名个则亦又并就凭享归处此其另让交间若逾共自于於驾所签作生患因以获时也把位提分要找替随应去没没来"
)
_SOFT_ENDS = frozenset("应为有可如家同用方先本后现分因以自生名东时来获交共作归之若出再和")
_NEVER_GIVEN = frozenset(
    "犯的了在及与等该此被将由向对给欠付还各须需未已且但则系称诉让每按因所至款费元账号户份额权责任债务即其"
)
_SINGLES = frozenset(
    "的了是在及与或等之其该此至自从被将由向对给欠付还各均应须需未已不且但则而并又再仍尚系称诉让请每按以为因所有可就即到于起止内外前后上下中元款费息账号个名人户份日月年时分次期项条第本同把叫随和也都另如若"
    "归交共计约需处间台辆套枚只条张份箱吨头株棵袋亩米度级层楼室栋幢座组村镇乡县市省区州路街巷院门屋房地田土山水车船牛羊猪鸡鱼粮油酒烟茶米面布衣物品货钱金银铜铁煤沙石砖瓦木树草花果药书表证卡机器具件材料"
    "去来说要会能够做到得着过吗呢吧啊呀哦嗯嘛啥咋没行好坏多少大小长短高低新旧男女父母子孙夫妻儿兄弟姐妹左右东西南北头尾侧边面底顶两二三四五六七八九十百千万亿零一几半双单甲乙丙丁戊"
)
# How the names of fees, papers, goods and places end, and hardly any given name.
_NOUN_ENDS = frozenset("费款税险证票单卡棚厂院店站所局部处室库房屋楼机器具件料粮率额数权案项期账号码罪网站")
_AND_OTHERS = re.compile(r"等\s?[\d\0一二三四五六七八九十百两几]{0,5}\s?(?:名|位)?[人户]")
_JOINED_BY = frozenset("和与及向对由给欠诉将以暨")
# Surnames that are function words far more often.
_JOINS = frozenset("由于应向付时和从将以因为都连同经对给与被还归但凭至其可共费款元回另种达出解")
_NUMERALS = frozenset("零〇一二三四五六七八九十百千万亿两壹贰叁肆伍陆柒捌玖拾佰仟元角分整第")
_FIGURES = re.compile("[{0}]{{2}}|.[{0}]{{2}}|[{0}].[{0}]".format("".join(sorted(_NUMERALS))))
# What stands in Unicode before the Chinese characters; signs of full width stand behind them.
_LAST_SIGN = "㏿"
_DOUBLED = SURNAMES - _JOINS
_MARKS = frozenset("\0\1")
_CROSSED = frozenset(word for word in ORDINARY if len(word) == 2)
_TWO = frozenset(word[:2] for word in ORDINARY if len(word) > 1)


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
    known: set[str] = field(default_factory=set)
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
    """People named with a surname, or by what no ordinary word explains."""
    text, starts, roles = page.text, page.starts, page.roles
    for start in starts if roles <= starts.keys() else sorted({*starts, *roles}):
        if start < page.last or start == len(text):
            continue
        if start not in roles and text[start] not in FIRSTS and _is_plain(starts[start], text, start):
            continue
        # 给付佘国强: 付 ends the word 给付, and whoever is paid comes behind it.
        ends_word = text[start] in _TAKERS and text[start - 1 : start + 1] in _CROSSED
        found = None if ends_word else _read_at(page, start)
        if text[start] in _TAKERS:
            found = max(found, _read_behind(page, start), key=_weight_of)
        if found:
            page.last = found[0].end
            page.known.add(text[found[0].start : page.last])
            yield found[0]


def _is_plain(word: str, text: str, start: int) -> bool:
    """Whether nothing that is named begins with `word`."""
    if word[0] in _PART_FIRSTS:
        two = text[start : start + 2]
        if two in COMPOUND_SURNAMES or two in MINORITY_PARTS or text[start : start + 3] in MINORITY_PARTS:
            return False
    if len(word) > 1:
        return word[0] not in _TAKERS
    return word in _SINGLES and word not in _TAKERS


_PART_FIRSTS = frozenset(word[0] for word in MINORITY_PARTS | COMPOUND_SURNAMES)


def _weight_of(found: tuple[Named, float] | None) -> float:
    return found[1] if found else -1.0


def is_longer_name(text: str, start: int, end: int, lexicon: Lexicon) -> bool:
    """Whether what stands at `start` reads as a longer name than `text[start:end]`: 张三丰, not 张三."""
    if end >= len(text) or not is_han(text[end]) or text[start] not in FIRSTS or text[end : end + 2] in _TWO:
        return False
    page = open_page(text[start : end + 12], "", lexicon)
    page.starts.setdefault(0, "")
    weights = dict(_weigh_ends(page, 0, 1.5, weigh_words=False))
    longer = max((weight for place, weight in weights.items() if place > end - start), default=-9.0)
    return longer - 0.5 > weights.get(end - start, -9.0) and longer > 2


def _read_behind(page: Page, start: int) -> tuple[Named, float] | None:
    """A name behind what takes a person, though a word seems to begin with that: 给付强, 停止向方娟花."""
    if start in page.roles or len(page.starts.get(start, "")) > 2:
        return None
    following = page.text[start + 1 : start + 3]
    if following in MINORITY_PARTS or following in COMPOUND_SURNAMES:
        return _read_at(page, start + 1)
    if following[:1] in FIRSTS:
        return _read_at(page, start + 1)
    return None


def _read_at(page: Page, start: int) -> tuple[Named, float] | None:
    text = page.text
    first = text[start : start + 1]
    if not is_han(first) or first == "某" or (start not in page.roles and _FIGURES.match(text, start)):
        return None
    left = weigh_left(page, start)
    best: tuple[Named, float] | None = None
    if first in FIRSTS or text[start : start + 2] in COMPOUND_SURNAMES:
        end, weight = max(_weigh_ends(page, start, left), key=lambda pair: pair[1], default=(0, -9.0))
        if weight + left >= _SURE:
            weight += left - (0.6 if first in _TAKERS and start not in page.roles else 0.0)
            best = Named("person_name", start, end, "high" if left >= 1.2 or weight > _CLEAR else "low"), weight
    other = _read_unsurnamed(page, start, left)
    return max(best, other, key=_weight_of)


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
    if before in _TAKERS:
        return 1.0 if word else (0.0 if crossed else 0.8)
    if word is None or crossed:
        return -0.6
    if before in _PEOPLE_ENDS and len(word) > 1:
        return 0.9
    return 0.7 if word in ORDINARY else 0.4


def _may_hide_name(page: Page, start: int, left: float) -> bool:
    """Whether a name may stand here though an ordinary word does: 联系人:马上来, 汇入高中全账户."""
    taken = left >= 1 and start > 0 and (start in page.roles or is_han(page.text[start - 1]))
    return taken or page.starts[start] in COMPOUND_SURNAMES


def _weigh_ends(page: Page, start: int, left: float, *, weigh_words: bool = True) -> Iterator[tuple[int, float]]:
    """Where the name may end, each with its weight."""
    text = page.text
    surname = 2 if text[start : start + 2] in COMPOUND_SURNAMES else 1
    word = page.starts.get(start, "")
    if weigh_words and len(word) > 1 and word in ORDINARY and not _may_hide_name(page, start, left):
        return
    double = surname == 1 and {*text[start : start + 2]} <= _DOUBLED
    for length in (1, 2, 3) if double else (1, 2):
        end = start + surname + length
        given = text[start + surname : end]
        if len(given) < length or not _HAN_RUN.fullmatch(given) or "某" in given:
            return
        if text[start:end] in DIVISIONS:
            continue
        right = weigh_right(page, end)
        weight = right + _weigh_given(page, given) + (0.5 if length == 2 else 0)
        if weigh_words:
            weight += _weigh_words(page, start, end, word, left)
        if length == 3:
            weight -= 0.3
        if text[end - 1 : end + 1] in _CROSSED:
            weight -= 0.3 if text[end : end + 2] in _TWO else 1.0
        if text[start:end] in page.known:
            weight += 0.8
        if length > 1 and given[0] in _ENDS and text[start + surname : start + surname + 2] in _TWO:
            weight -= 0.7
        yield end, weight


def _weigh_given(page: Page, given: str) -> float:
    weight = -1.5 if given[-1] in _NOUN_ENDS else 0.0
    for c in given:
        if c in GIVEN:
            weight += 0.25
        elif c in _NEVER_GIVEN:
            weight -= 1.4
        elif c in _ENDS:
            weight -= 0.4
    if len(given) > 1 and given[-2:] in ORDINARY:
        weight -= 1.5
    if len(given) > 1 and (given[-1] in _ENDS or given[-1] in _SOFT_ENDS):
        weight -= 0.6
    return weight / len(given) if len(given) > 2 else weight


def _weigh_word(page: Page, word: str, left: float) -> float:
    """What it says against a name that it is a word: 白雪 names somebody sooner than 费用, and that sooner than 查封."""
    sort = page.lexicon.sort_of(word)
    if sort.startswith("nr"):
        return -0.2
    if left < 1:
        return -1.3
    count = page.lexicon.count_of(word)
    weight = -0.3 if count < _SELDOM else -0.7 if count < _OFTEN else -1.3
    return weight - 0.3 if sort.startswith("v") else weight


# Behind these somebody is named far more often than something.
_PAYING = frozenset(
    (
        "向",
        "由",
        "与",
        "欠",
        "给",
        "付",
        "付给",
        "支付",
        "退还",
        "返还",
        "偿还",
        "归还",
        "给付",
        "借给",
        "拖欠",
        "尚欠",
        "下欠",
        "所欠",
        "对",
        "归",
    )
)
# How often a word stands in the dictionary's texts.
_SELDOM = 100
_OFTEN = 1000


def _weigh_words(page: Page, start: int, end: int, word: str, left: float) -> float:
    """What the ordinary words that a name would be made of say against it."""
    text = page.text
    if text[start:end] in ORDINARY:
        return -3.0
    if end - start > 2 and len(word) > 1 and text[start : start + 2] in ORDINARY:
        return -1.5
    given = page.starts.get(start + 1, "")
    if text[start] in _JOINS and len(given) > 1:
        return -0.3 if page.lexicon.sort_of(given).startswith("nr") else -2.5
    if len(word) < 2 or word in COMPOUND_SURNAMES:
        return 0.0
    return _weigh_first_word(page, start, word, end - start, text[end - 1], left)


def _weigh_first_word(page: Page, start: int, word: str, size: int, last: str, left: float) -> float:
    if len(word) == size:
        weight = _weigh_word(page, word, left)
        return max(weight, -0.4) if left >= 1 and page.ends.get(start) in _PAYING and weight > -1.3 else weight
    if len(word) > size:
        return -2.5
    if page.lexicon.sort_of(word).startswith("nr"):
        return -0.3
    return (-0.6 if left >= 1 else -1.0) if last in GIVEN else -1.8


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
    if after in "省市县区旗州盟镇乡村屯寨" or (after in "万千百亿元" and page.text[end - 1] in _NUMERALS):
        return -0.5
    if len(page.starts.get(end, "")) > 1 or (after in _ENDS and after not in _SOFT_ENDS):
        return 1.4
    if after in _SOFT_ENDS:
        return 1.0
    return 0.6 if page.lexicon.has(page.text[end : end + 2]) else 0.0


def _is_next(page: Page, start: int) -> bool:
    """Whether somebody else, or what is done, comes at `start`."""
    text = page.text
    after = text[start : start + 1]
    return after in FIRSTS or after in _MARKS or text[start : start + 2] in _TWO or len(page.starts.get(start, "")) > 1


def _read_unsurnamed(page: Page, start: int, left: float) -> tuple[Named, float] | None:
    """A name of the minorities or of abroad, or what no ordinary word explains where somebody must be named."""
    end, parts, strange = _walk_strange(page, start)
    if end - start < 2:
        return _read_in_role(page, start) if left >= 1.5 else None
    right = weigh_right(page, end)
    weight = left + right + parts * 0.9 + min(strange, 3) * 0.3
    behind = left >= 1 and start > 0 and is_han(page.text[start - 1])
    if page.text[start:end] in ORDINARY or weight < 3.4 or (not parts and strange < (2 if behind else 3)):
        return _read_in_role(page, start) if left >= 1.5 else None
    return Named("person_name", start, end, "high" if weight > 4 else "low"), weight


def _walk_strange(page: Page, start: int) -> tuple[int, int, int]:
    """How far what no ordinary word explains goes on, of how many parts of names and how many characters besides."""
    text = page.text
    end, parts, strange = start, 0, 0
    while end - start < 8:
        piece = next((text[end : end + n] for n in (4, 3, 2) if text[end : end + n] in MINORITY_PARTS), "")
        if piece and text[end : end + 3] not in ORDINARY:
            parts += 1
            end += len(piece)
            continue
        word = page.starts.get(end) or (text[end : end + 1] if parts else "")
        if len(word) != 1 or not is_han(word) or (word in _SINGLES and word not in SOUNDS):
            break
        strange += 1
        end += 1
    return end, parts, strange


def _read_in_role(page: Page, start: int) -> tuple[Named, float] | None:
    """After a role, what is no word of courts and ends where a name may end: 原告样例乙借款."""
    text = page.text
    for end in range(start + 2, start + 5):
        word = text[start:end]
        if len(word) < end - start or not _HAN_RUN.fullmatch(word) or "某" in word or text[end - 2 : end] in ORDINARY:
            return None
        if word[0] in _SINGLES:
            return None
        if weigh_right(page, end) >= 1.9 and page.starts.get(start) != word and sum(c in _SINGLES for c in word) < 2:
            return Named("person_name", start, end, "low"), 2.0
    return None

"""Whom a text names by the frame the name stands in: dotted names, aliases, nicknames, lists with amounts. Pure.

In these places the frame says that somebody is named, whatever word the name is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.court_words import AGENT_ENDS, AGENTS, FEES, ORDINARY
from registry.redaction.foreign_names import find_foreign
from registry.redaction.name_parts import ALIAS, FIRSTS, MINORITY_PARTS, NICKNAME, SOUNDS
from registry.redaction.people import Page, is_han, weigh_left, weigh_right
from registry.redaction.vocabulary import DOT, HAN, Named

_DOT_INSIDE = re.compile(rf"(?<=[{HAN}])\s?[{DOT}]\s?(?=[{HAN}A-Z])|(?<=[A-Za-z])[·•・‧∙⋅●](?=[{HAN}])")
_LONGEST_PART = 8

_AMOUNT = (
    r"(?=\s?(?:[¥￥$]|人民币|RMB|USD|各?\s?计?(?<![\d.])\d[\d,.]*+(?:元|万|千|百|块|余|多|整|$|[，,、;；。)\]|“”])"
    r"|\d[\d,.]*+(?=[ \n|](?![年月日]))|[一二两三四五六七八九十百千万零〇壹贰叁肆伍陆柒捌玖拾佰仟]{1,12}(?:元|万|块|千|余)))"
)
_BETWEEN = r"[ \t|:：]{0,3}"
_ROW = re.compile(
    rf"[①-⑳㈠-㈩)）、，,;；:：\s|。“\"(](?:[和及与]|另?[付还欠给向]|支付|偿还|退还|返还|给付|赔偿|退赔)?(?P<x>[{HAN}]{{2,4}}){_BETWEEN}{_AMOUNT}"
)
# 赔偿夜雨300元: what is paid is told by its ending, who is paid is not.
_PAID = re.compile(
    rf"(?:支付|给付|偿还|付给|赔偿|退还|返还|补偿|退赔|归还|还给|借给|拖欠|尚欠|支付给|[付还欠给赔退向](?![付还款给清]))(?P<x>[{HAN}]{{2,3}}){_AMOUNT}"
)
_BRACKETED = re.compile(
    r"[(\[【](?=(?:系|即|又|以下|下称|简称)?(?:男|女|汉族|身份证|公民身份|居民身份|证件|护照|\x01|曾用名|又名|别名|绰号|外号|小名|乳名|原名|化名|现年|时年|出生|生于|住|户籍|电话|手机|联系|微信|QQ|支付宝|抖音|账号|帐号|卡号|账户|户名|开户|存折|\d{1,3}岁|\d{1,2}周岁|艺名|笔名|网名|军官证|通行证|居留证|伤者|死者|受害人|被害人|未成年人?|车主|经营者|法定代表人|负责人|授权代表))"
)
_RUN_BACK = re.compile(rf"\s?(?P<x>[{HAN}]{{2,6}})")
_IN_BRACKETS = re.compile(rf"\s?[(\[【][“\"]?(?P<x>[{HAN}]{{2,5}})[”\"]?[)\]】]")
_QUOTED = re.compile(rf"[“\"‘「](?P<x>[{HAN}A-Za-z]{{2,6}})[”\"’」]")
_ALIAS_END = re.compile(rf"[{HAN}A-Za-z·•. ]{{1,12}}?(?=$|[^{HAN}A-Za-z·•. ]|(?:系|是|的|为|与|向|对|以|已|应|在))")


# 审判长 李样: who decided is published with what was decided.
_OFFICER = re.compile(
    rf"(?:审判长|代理审判员|助理审判员|审判员|人民陪审员|陪审员|代书记员|书记员|法官助理|执行员|执行法官|首席仲裁员|仲裁员)[\s:：]{{0,4}}(?P<x>[{HAN}]{{2,4}}?|[{HAN}]{{1,6}}[{DOT}][{HAN}]{{1,8}})"
    r"(?=\s|$|[。，,；;、]|审判|人民陪审|书记|代书记|法官助理|仲裁员|二〇|\d)"
)


def find_officers(text: str) -> list[tuple[int, int]]:
    """Where judges, lay judges, clerks and arbitrators sign: their names stay."""
    return [match.span("x") for match in _OFFICER.finditer(text)]


def find_framed(page: Page) -> Iterator[Named]:
    """People named where only somebody's name can stand."""
    yield from _find_dotted(page)
    yield from find_foreign(page)
    yield from _find_aliases(page)


def find_listed(page: Page) -> Iterator[Named]:
    """People named in lists with amounts and before brackets with what is known of them, though an ordinary word names them."""
    yield from _find_nicknames(page)
    rows = [
        (m.start("x") - 1, m.end("x") - 1)
        for m in _ROW.finditer(f"\n{page.folded}")
        if page.text[m.end() - 1 : m.end()] != "\1"
    ]
    plain = [
        span for span in rows if not FEES.search(page.folded[slice(*span)]) and "某" not in page.folded[slice(*span)]
    ]
    many = len(plain) > 3
    for start, end in plain:
        if _may_be_person(page, start, end, strict=not many):
            yield Named("person_name", start, end, "high" if many else "low")
    for match in _PAID.finditer(page.folded):
        start, end = match.span("x")
        if not FEES.search(match["x"]) and _may_be_person(page, start, end, strict=True):
            yield Named("person_name", start, end, "low")
    for match in _BRACKETED.finditer(page.text):
        run = _RUN_BACK.match(page.text[max(0, match.start() - 7) : match.start()][::-1])
        if run:
            yield from _before_bracket(page, match.start() - run.end(), match.start() - run.start("x"))


def find_called(page: Page, people: list[Named]) -> Iterator[Named]:
    """What else somebody is called, in brackets behind the name: 小婷(吴婷婷)."""
    for person in people:
        match = _IN_BRACKETS.match(page.text, person.end) if person.rule.endswith("_name") else None
        if match and match["x"] not in ORDINARY and not _OF_PERSON.search(match["x"]):
            yield Named("person_name", *match.span("x"), "high")


def find_joined(page: Page, people: list[Named]) -> Iterator[Named]:
    """Who is named in one list with somebody: 王甲、海棠、李乙, 海棠与王甲."""
    found = {(p.start, p.end) for p in people if p.rule == "person_name"}
    starts, ends = {start for start, _ in found}, {end for _, end in found}
    for match in _BETWEEN_SIGNS.finditer(page.folded):
        start, end = match.span("x")
        after = page.folded[end : end + 1]
        joined = (page.folded[start - 1] == "、" and start - 1 in ends) or (after == "、" and end + 1 in starts)
        if joined and (start, end) not in found and _may_be_listed(page, match["x"]):
            yield Named("person_name", start, end, "low")


_BETWEEN_SIGNS = re.compile(rf"(?<![{HAN}])(?P<x>[{HAN}]{{2,4}})(?=[、，。；;,()]|$)")


def _may_be_listed(page: Page, word: str) -> bool:
    if word in AGENTS or word[-1] in AGENT_ENDS or FEES.search(word) or "某" in word or _NUMERAL.search(word):
        return False
    return word not in ORDINARY and not any(word[at : at + 2] in ORDINARY for at in range(len(word) - 1))


_OF_PERSON = re.compile(
    r"(?:族|人|男|女|方|死|亡|伤|者|某|岁|代|签|章|字|妻|夫|子|父|母|兄|弟|姐|妹|收|付|地|处|同|省|市|县|区|员|性|任|长)$"
)


_NUMERAL = re.compile(r"[百千万亿壹贰叁肆伍陆柒捌玖拾佰仟]$|[一二三四五六七八九十][百千万]|[以自并至系]$|^[并均再暂]")


def _may_be_person(page: Page, start: int, end: int, *, strict: bool) -> bool:
    word = page.folded[start:end]
    if "某" in word:
        return False
    if _NUMERAL.search(word):
        return False
    if not strict:
        return True
    if word in ORDINARY or word[:2] in ORDINARY or word[-2:] in ORDINARY:
        return False
    inside = page.starts.get(start, "")
    return len(inside) in (0, 1, end - start) or word[0] in FIRSTS


def _before_bracket(page: Page, start: int, end: int) -> Iterator[Named]:
    """The name that ends before a bracket which tells who somebody is."""
    best = max(
        (
            (weigh_left(page, at) + (0.5 if page.text[at] in FIRSTS else 0) - (0.2 if end - at > 3 else 0), at)
            for at in range(max(start, end - 4), end - 1)
            if not _is_ordinary(page, at, end)
        ),
        default=(0.0, 0),
    )
    if best[0] >= 1:
        yield Named("person_name", best[1], end, "high" if best[0] > 1.2 else "low")


def _is_ordinary(page: Page, start: int, end: int) -> bool:
    text = page.text
    return (
        any(text[at:to] in ORDINARY for at in range(start, end - 1) for to in range(at + 2, end + 1))
        or "某" in text[start:end]
    )


def _find_dotted(page: Page) -> Iterator[Named]:
    last = -1
    for dot in _DOT_INSIDE.finditer(page.text):
        if dot.start() < last:
            continue
        start = _walk_left(page, dot.start())
        end = _walk_right(page, dot.end())
        while (further := _DOT_INSIDE.match(page.text, end)) is not None:
            end = _walk_right(page, further.end())
        last = end
        if start < dot.start() and end > dot.end():
            yield Named("person_name", start, end, "high")


def _walk_left(page: Page, position: int) -> int:
    """Where the part before a dot begins: an ordinary word, or what takes a person, ends before it."""
    text = page.text
    first = position
    while first > max(0, position - _LONGEST_PART) and first not in page.roles:
        c = text[first - 1]
        if not (is_han(c) or (c.isascii() and c.isalpha())) or text[first - 2 : first] in ORDINARY:
            break
        word = page.ends.get(first, "")
        if len(word) > 1 and (word in ORDINARY or not any(c in _DOT_SOUNDS for c in word)):
            break
        if word in _NOT_SOUNDS or (len(word) == 1 and word not in _DOT_SOUNDS and first < position - 1):
            break
        first -= 1
    return first


_DOT_SOUNDS = SOUNDS | frozenset("不都买提江汗逊吾孜荪约丹娜")
_NOT_SOUNDS = frozenset("向对与由和及被将给付还欠归的是诉以同跟替")


def _walk_right(page: Page, position: int) -> int:
    """Where the part after a dot ends: as far as it sounds foreign, to where a word begins that follows names."""
    text = page.text
    latin = re.compile(r"[A-Za-z'\-]+").match(text, position)
    if latin:
        return latin.end()
    best, best_weight = position, -9.0
    sound = 0.0
    for end in range(position + 1, min(len(text), position + _LONGEST_PART) + 1):
        c = text[end - 1]
        if not is_han(c):
            break
        sound += 0.35 if c in _DOT_SOUNDS else -0.5
        if text[end - 2 : end] in MINORITY_PARTS and end - position > 1:
            sound += 0.3
        right = weigh_right(page, end)
        if end < len(text) and text[end] in SOUNDS and page.starts.get(end, "x") not in ORDINARY and right < 1.9:
            right -= 0.8
        weight = sound + right
        if weight > best_weight:
            best, best_weight = end, weight
        if c not in SOUNDS and end > position + 1 and right >= 1.9:
            break
    return best


def _find_aliases(page: Page) -> Iterator[Named]:
    for match in ALIAS.finditer(page.text):
        alias = _ALIAS_END.match(page.text, match.end())
        if (
            alias
            and alias[0][0] not in _NO_ALIAS
            and alias[0].strip()
            and alias[0] not in ORDINARY
            and len(alias[0].strip()) > 1
        ):
            yield Named("person_name", alias.start(), alias.start() + len(alias[0].rstrip()), "high")


# 以“福到”为昵称在群内收取: what was done under it.
_NO_ALIAS = frozenset("在于向对将被已未不的与由")


def _find_nicknames(page: Page) -> Iterator[Named]:
    for match in NICKNAME.finditer(page.text):
        start, end = match.span()
        if match[0] in ORDINARY or (page.lexicon.has(match[0]) and weigh_left(page, start) < 1):
            continue
        if weigh_left(page, start) + weigh_right(page, end) >= 1.8:
            yield Named("person_name", start, end, "low")
    for match in _QUOTED.finditer(page.text):
        start, end = match.span("x")
        taker = page.text[match.start() - 1 : match.start()] if match.start() else ""
        if (
            taker
            and taker in "向对与由给欠还付及和归称叫"
            and not FEES.search(match["x"])
            and match["x"] not in ORDINARY
        ):
            yield Named("person_name", start, end, "low")

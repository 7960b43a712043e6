"""What an organisation is called for short once its full name is known: 宏虚商贸, 样例村委会, 二小. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from registry.redaction.organisation_words import GENERAL, SURE_KINDS, TRADES
from registry.redaction.regions import find_first_region, skip_county, skip_regions
from registry.redaction.vocabulary import HAN, words

Place = tuple[int, int]

_GENERAL = re.compile(rf"(?:{words(GENERAL)}|\d+|[()])*")
_TAIL = re.compile(rf"(?:{words(' '.join(TRADES | SURE_KINDS))}){{1,6}}")
# 林果社, 种苗站: after most of a name one letter is enough for its kind.
_LAST = re.compile(r"[社站厂店行部所场院馆庄坊队铺会局中园](?![有在得欠借述需里内上下地面长员区子])")
_NUMBER_OF = re.compile(r"第?([一二三四五六七八九十]{1,3})(小|中|幼|高级中学|高中|医院|人民医院|附属医院)")
_SHORT_NUMBERED = {"高级中学": "高", "高中": "高", "医院": "院", "人民医院": "院", "附属医院": "附院"}
_TOWN = re.compile(rf"[{HAN}]{{1,5}}?(?:镇|乡|街道|苏木)(?=[{HAN}]{{2}})")
_DECLARED = re.compile(
    rf"\((?:以下|下)?(?:均|统|合)?简?称(?:为|:)?[“\"‘]?(?P<x>[{HAN}]{{2,12}}|[A-Z][A-Za-z]{{2,15}})[”\"’]?\)"
)
_CALLED = re.compile(r"(?:简称|以下称|下称|又称|合称)(?:为|:|：)?[“\"‘]?$")
_BRACKETS = re.compile(r"\([^()]*\)")
_LONGEST_TOWN = 2


def find_short(text: str, names: Sequence[str]) -> Iterator[Place]:
    """Where the first letters of the own word of one of `names` stand again, with a trade or a kind behind them."""
    long = [name for name in names if len(name) > 5]
    for core, before in sorted({core for name in long for core in _cores(name)}):
        head = core[:2]
        position = text.find(head)
        while position >= 0:
            end = _read_short(text, position, core)
            if end and not (before and text.endswith(before, 0, position)):
                yield position, end
            position = text.find(head, max(end, position + 2))
    for match in (match for name in long for match in _NUMBER_OF.finditer(name)):
        short = match[1] + _SHORT_NUMBERED.get(match[2], match[2])
        yield from (m.span() for m in re.finditer(rf"(?<![{HAN}]){short}(?![学级心间])", text))


def find_declared(text: str, spans: Sequence[Place]) -> Iterator[Place]:
    """What a name in full, at one of `spans`, is called from then on: 宏虚有限公司（以下简称宏虚）."""
    for match in (_DECLARED.match(text, end) for _, end in spans):
        if match and not _is_common(match["x"]):
            yield from (m.span() for m in re.finditer(re.escape(match["x"]), text))


def is_short_for(short: str, full: str) -> bool:
    """Whether `short` is the organisation `full` with letters left out, its own word not among them."""
    bare = re.sub(r"[()]", "", short)
    region = skip_regions(bare)
    names = (_BRACKETS.sub("", full), re.sub(r"[()]", "", full))
    return any(
        not _is_common(own) and any(own[:2] in name and _is_subsequence(bare, name) for name in names)
        for own in {bare, bare[region:] if len(bare) - region > 1 else bare}
    )


def _is_subsequence(short: str, long: str) -> bool:
    rest = iter(long)
    return all(c in rest for c in short)


def _cores(name: str) -> Iterator[tuple[str, str]]:
    """The own words of a name: its first, that behind each region and its town, and that of its branch.

    With each the letters that a part of a longer word would have before it.
    """
    bare = _BRACKETS.sub("", name)
    core = _behind_regions(bare)
    yield core, ""
    town = _TOWN.match(core)
    if town and len(core) - town.end() > 2 and not _TAIL.match(core, town.end()):
        yield core[town.end() :], ""
    # 安顺 is a city and may be a company's word: 上海市安顺贸易有限公司.
    city = re.match(rf"[{HAN}]{{1,4}}?[省市](?=[{HAN}]{{4}})", bare)
    if city and find_first_region(bare[city.end() :]) != 0:
        yield bare[city.end() :], ""
    if len(core) > _LONGEST_TOWN + 5 and _begins_name(core, _LONGEST_TOWN):
        yield core[_LONGEST_TOWN:], core[:_LONGEST_TOWN]
    _, company, branch = core.rpartition("公司") if not core.endswith("公司") else core[:-2].rpartition("公司")
    if company and core.endswith("分公司") and not skip_regions(branch) and len(branch) > 5:
        yield branch, ""


def _begins_name(core: str, start: int) -> bool:
    """Whether a town's or county's short name may end here: 桥西 before 恒虚口腔门诊部."""
    return (
        not _TAIL.match(core, start)
        and not _GENERAL.fullmatch(core[start : start + 2])
        and skip_county(core, start) == start
    )


def _behind_regions(name: str) -> str:
    end = skip_regions(name)
    if len(name) - end < 3:
        return name
    county = skip_county(name, end) if end else end
    return name[county:] if len(name) - county >= 5 and not _TAIL.match(name, county) else name[end:]


def _is_common(word: str) -> bool:
    return word[-1] in "村镇乡区组" or bool(
        _TAIL.fullmatch(word) or _GENERAL.fullmatch(word) or skip_regions(word) == len(word)
    )


def _read_short(text: str, start: int, core: str) -> int:
    """Where the short name at `start` ends, 0 if it is none."""
    same = 0
    while same < min(len(core), 20) and start + same < len(text) and text[start + same] == core[same]:
        same += 1
    if same == len(core):
        return start + same
    # 富阳支行 is in 富阳, and no short name of 富阳恒虚纸业有限公司.
    shortest = max(2, skip_county(core, 0)) + bool(skip_county(core, 0))
    tails = (_TAIL.match(text, start + length) for length in range(same, shortest - 1, -1))
    tail = next((match.end() for match in tails if match), 0)
    if tail:
        return tail
    if same >= 4 and same < len(core) and _LAST.match(text, start + same):
        return start + same + 1
    # Three letters or more of a name and then only its trade and kind: nobody else is called so.
    bare = same >= 3 and bool(_TAIL.fullmatch(core, same)) and not _is_common(core[:same])
    return start + same if bare or (same >= 2 and _CALLED.search(text, max(0, start - 8), start)) else 0

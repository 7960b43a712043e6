"""What decides in the name of an organisation. Pure.

A name is 地名 + 字号 + 行业 + 组织形式, and the branch after it: 云南恒某商贸有限公司昆明分公司. Place, form and branch are often
typed wrong or left out; the trade name (字号) and the business (行业) tell one organisation from another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from search_index.places import find_end


def find_core(name: str) -> str:
    """The folded name of an organisation without place, legal form and branch; empty where nothing would be left
    but words that say what many do."""
    body = _strip_form(_strip_branch(name))
    start = _skip_places(body)
    # 安康贸易 is called after a good wish or after a town: without it there would be no trade name.
    for rest in (body[start:], body):
        for core in (_strip_second_place(rest), rest):
            if not _BUSINESS_ONLY.fullmatch(core):
                return core
    return ""


def has_trade_name(text: str) -> bool:
    """Whether a folded text says more than business and legal form: 股份有限公司 is in every other name. A place counts,
    because what looks like one may hold the trade name: 恒泰（测试市）商贸 has lost its brackets."""
    return len(_GENERIC.sub("", text)) > 1


def is_close(typed: str, name: str) -> bool:
    """Whether the folded name of an organisation holds `typed` (6 characters or more) but for one character that
    is wrong, missing or too much, in a place where that does not make it another organisation."""
    return find_difference(typed, name) is not None


def find_difference(typed: str, name: str) -> tuple[str, str] | None:
    """The one character in which the folded name, or a part of it, differs from `typed`: the typed one, and the one in
    its place; either is empty where it is missing. None where the names are not close as `is_close` says."""
    if len(typed) < _SHORTEST or typed in name:
        return None
    for at, in_name in _find_edits(typed, name):
        one, other = typed[at[0] : at[1]], name[in_name[0] : in_name[1]]
        if not _decides(typed, at, name, in_name):
            return one, other
    return None


_SHORTEST = 6
_Place = tuple[int, int]

# Most names end otherwise, and an ending is cheaper to tell than a pattern to search for.
_BRANCH_ENDINGS = (
    "分公司", "子公司", "分行", "支行", "分理处", "营业部", "营业所", "办事处", "项目部", "分店", "分厂", "分社",
)  # fmt: skip
_BRANCH = re.compile(rf"(公司|银行|合作社|信用社).*(?:{'|'.join(_BRANCH_ENDINGS)})$")
_SHOP_BRANCH = re.compile(r"(?:第?[一二三四五六七八九十\d]+分?|分)店$")
_COMPANY = re.compile(r"(?:集团)?(?:股份)?(?:有限责任|有限)?总?公司$")
_FORM_ENDINGS = tuple("社业户团部店站点行铺厂心室场")
_FORM = re.compile(
    r"(?:农民)?专业合作社(?:联合社)?$|(?:股份)?(?:经济)?合作(?:联)?社$|(?:合伙)?企业$|个体工商户$|集团$"
    r"|(?:经营|经销|销售|营销|供应|营业|门市|服务|批发|零售|加工|维修|修理|配送|代理|代办|制作|收购)(?:部|店|站|点)$"
    r"|商行$|商店$|商铺$|门店$|店铺$|(?<![酒饭药书旅门商分])店$|总?厂$|(?<!商)中心$|工作室$|(?:家庭)?农场$"
)
_LAST_ENDINGS = ("合伙", "独资", "个体", "工商户")
_LAST = re.compile(r"(?:特殊)?(?:普通|有限)合伙$|个人独资$|个体工商户$|个体$")

# What companies do; with these words alone no company is told from another.
_BUSINESS = (
    "商贸|贸易|经贸|工贸|商务|商业|实业|产业|企业|投资|控股|置业|建设|建筑|建材|建工|工程|安装|装饰|装潢|装修|市政|路桥|园林|绿化|"
    "房地产|地产|开发|物业|管理|服务|咨询|信息|科技|技术|网络|软件|电子|电子商务|电器|电气|电力|能源|新能源|矿业|煤业|煤炭|冶金|"
    "钢铁|钢材|金属|材料|石材|石化|化工|塑料|橡胶|机械|设备|机电|五金|汽车|汽贸|汽配|运输|物流|快递|货运|客运|旅游|旅行社|酒店|"
    "宾馆|饭店|餐饮|食品|饮食|酒业|茶业|茶叶|粮油|农业|农牧|牧业|林业|养殖|种植|水产|饲料|肥料|生物|医药|药业|医疗|医疗器械|"
    "保健|健身|美容|美发|服装|服饰|纺织|鞋业|家具|家居|家电|家政|文化|传媒|传播|广告|印刷|包装|教育|培训|体育|娱乐|典当|担保|"
    "小额贷款|租赁|保险|证券|基金|银行|超市|百货|日用品|环保|环境|水务|制造|加工|销售|进出口|国际|农产品|制品|用品|器材|劳务|劳务派遣|"
    "面馆|餐馆|饭馆|小吃|火锅|烧烤|酒楼|茶楼|药房|诊所|医院|砂石|面粉|副食"
)
_BUSINESS_ONLY = re.compile(f"(?:{_BUSINESS}|和|与|及)*")
# A trade name of one character: 甲商贸, 甲有限公司; 甲记, 甲氏 and 甲家 are the houses of a family.
_GENERIC = re.compile(
    f"{_BUSINESS}|集团|股份|有限|责任|总公司|公司|企业|专业|合作社|合伙|普通|个体|工商户|个人|独资|经营|服务|中心|[厂店馆社铺场部和与及]"
)
_ONE = re.compile(f".(?:{_BUSINESS}|集团|股份|有限|公司|厂|店$|记|氏|家)")
# What a trade name is followed by.
_AFTER_TRADE_NAME = re.compile(f"{_BUSINESS}|集团|股份|有限|公司|企业|合作社|经营|服务|中心|[厂店馆社铺场部]$|$")
_NONE = re.compile(f"(?:{_BUSINESS}|集团|股份|有限|公司)")

# 昆明市政工程, 西城区块链, 好运超市, 阳光小区 are not places.
_NOT_BEFORE = {"市": "政场民容值销售面集井", "区": "块域间", "县": "域", "州": "", "省": "", "旗": "袍舰", "盟": ""}
_SHAPE = re.compile(
    r"[一-鿿]{2,5}?(?:自治[州县区旗]|开发区|(?<=[^超都门城上夜股集花菜早闹])市|县|(?<=[^小社园景校矿牧战灾林山禁片厂库])区)"
)
_SMALL = re.compile(r"[一-鿿]{1,4}?(?:街道|镇|乡|村)(?!村)")


def _strip_branch(name: str) -> str:
    if name.endswith(_BRANCH_ENDINGS):
        name = _BRANCH.sub(r"\1", name)
    return _SHOP_BRANCH.sub("店", name) if name.endswith("店") else name


def _strip_form(name: str) -> str:
    if name.endswith(_LAST_ENDINGS):
        name = _LAST.sub("", name)
    if name.endswith("公司"):
        return _COMPANY.sub("", name)
    return _FORM.sub("", name) if name.endswith(_FORM_ENDINGS) else name


def _skip_places(name: str) -> int:
    """Where the places end with which the name begins."""
    start = 0
    while end := _find_place(name, start):
        start = end
    return start


def _find_place(name: str, start: int) -> int:
    """Where the place ends that begins at `start`; 0 where none does or nothing would follow."""
    if end := find_end(name, start):
        if _is_whole(name, end):
            return end
        # 昆明 of 昆明市政工程, whose 市 belongs to what follows.
        if _is_whole(name, find_end(name[: end - 1], start)):
            return end - 1
    match = _SHAPE.match(name, start) or (_SMALL.match(name, start) if start else None)
    return match.end() if match is not None and _is_whole(name, match.end()) else 0


def _is_whole(name: str, end: int) -> bool:
    """Whether a place can end there: something follows, and it does not take the last character with it."""
    return 0 < end < len(name) and name[end] not in _NOT_BEFORE.get(name[end - 1], "")


def _strip_second_place(name: str) -> str:
    """恒某（云南）商贸: the place in brackets, which folding took away, after a trade name of two to five."""
    for start in range(2, min(6, len(name) - 1)):
        end = find_end(name, start, stems=True)
        if end and (end == len(name) or _is_whole(name, end)):
            return name[:start] + name[end:]
    return name


def _find_edits(typed: str, name: str) -> Iterator[tuple[_Place, _Place]]:
    """Each way in which one edit makes `typed` a part of the name: the places of what differs in both."""
    # One edit leaves one half whole.
    half = len(typed) // 2
    left, right = typed[:half], typed[half:]
    for start in _find_all(left, name):
        for (a, b), (c, d) in _extend(right, name[start + half : start + len(typed) + 1]):
            yield (half + a, half + b), (start + half + c, start + half + d)
    for start in _find_all(right, name):
        before = name[max(0, start - half - 1) : start]
        for (a, b), (c, d) in _extend(left[::-1], before[::-1]):
            yield (half - b, half - a), (start - d, start - c)


def _find_all(part: str, name: str) -> Iterator[int]:
    start = name.find(part)
    while start >= 0:
        yield start
        start = name.find(part, start + 1)


def _extend(typed: str, rest: str) -> Iterator[tuple[_Place, _Place]]:
    """The single edits that make `typed` the beginning of `rest`."""
    same = 0
    for one, other in zip(typed, rest, strict=False):
        if one != other:
            break
        same += 1
    at_end = same == len(typed) - 1
    if same < len(rest) and rest.startswith(typed[same + 1 :], same + 1):
        yield (same, same + 1), (same, same + 1)
    elif at_end or rest.startswith(typed[same + 1 :], same):
        yield (same, same + 1), (same, same)
    if not at_end and rest.startswith(typed[same:], same + 1):
        yield (same, same), (same, same + 1)
    if not at_end and rest.startswith(typed[same + 1 :], same):
        yield (same, same + 1), (same, same)


# What tells one organisation from its sister: ordinals, numbers, directions.
_DECIDING = frozenset(
    "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥〇零一二三四五六七八九十百千万亿两壹贰叁肆伍陆柒捌玖拾0123456789第"
    "东南西北中上下左右前后内外"
)


def _decides(typed: str, at: _Place, name: str, in_name: _Place) -> bool:
    """Whether what differs makes it another organisation."""
    is_substituted = at[0] < at[1] and in_name[0] < in_name[1]
    differing = [(text, place[0]) for text, place in ((typed, at), (name, in_name)) if place[0] < place[1]]
    return any(
        _is_deciding(text, place) or (not is_substituted and _is_in_short_trade_name(text, place))
        for text, place in differing
    )


def _is_deciding(text: str, place: int) -> bool:
    start = _skip_places(text)
    if place < start:
        return False
    return text[place] in _DECIDING or _is_single_letter(text, place) or _is_trade_name(text, place, start)


def _is_in_short_trade_name(text: str, place: int) -> bool:
    """Whether a trade name holds the place and has two characters or fewer without it: 秦泰 is not 秦, 恒泰兴 not 恒泰.

    A character typed twice (恒泰泰 for 恒泰) is a slip.
    """
    start = _skip_places(text)
    after = _AFTER_TRADE_NAME.search(text, start + 1)
    if after is None or not start <= place < after.start():
        return False
    size = after.start() - start - 1
    is_double = text[place] in (text[place - 1 : place], text[place + 1 : place + 2])
    return size < _SHORT or (size == _SHORT and not is_double)


_SHORT = 2


def _is_single_letter(text: str, place: int) -> bool:
    # A letter by itself is an ordinal, in a word it is a letter.
    around = text[max(0, place - 1) : place] + text[place + 1 : place + 2]
    return _is_letter(text[place]) and not any(map(_is_letter, around))


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalpha()


def _is_trade_name(text: str, place: int, start: int) -> bool:
    # All of it: 金 in 云南金商贸有限公司.
    return place == start and _ONE.match(text, start) is not None and _NONE.match(text, start) is None

"""Whom a text names: people in their roles, and what reads like a name though nothing says so. Pure.

Chinese writes no spaces, so a name ends where a word begins that commonly follows names in a judgment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.organisations import find_start
from registry.redaction.vocabulary import (
    BOUNDARY,
    DOT,
    FOLLOWING,
    HAN,
    ROLE,
    ROLES,
    SURNAME,
    SURNAME_OR_COMPOUND,
    Named,
    Vocabulary,
    words,
)
from registry.surnames import COMMON_SURNAMES, COMPOUND_SURNAMES, SURNAMES

_JOIN = re.compile(rf"(?:\s?[、,，;；/]\s?|\s?(?:以及|和|与|及|暨)\s?|\s+)(?:(?:{ROLES})(?![民数身们])[\s:：]{{0,2}})?")

_IN_NAME = re.compile(rf"[{HAN}{DOT}]")
_AT_FOLLOWING = Vocabulary(FOLLOWING)
# One character that ends a name as surely as a word does: nobody is named with it.
_HARD = frozenset("的是系诉称住等欠还须需退返偿赔垫代领缴付")
# Characters of given names that also begin a word which follows names.
_GIVEN = frozenset("清满和立承安享继平修保一可如若应金财自本归因双利运定")
# A conjunction ends a name only when another party comes after it.
_FOLLOW_JOIN = re.compile(rf"(?:和|与|及|向|对|由|给|欠|诉|将|以)(?=[{SURNAME}])(?!和[平谐])")
_NO_NAME = Vocabulary(
    words("""
迟延 应支 应履 尚欠 尚未 国民 国务 花生 花木 花园 权属 满足 关闭 解决 计人 全国 能够 那么 都不 万余 钱物 常住 常用 和谐 共计 金共 金及 金等 金为 金额 金项 金戒 金手 金耳 金条 钻戒 金银 应收 应缴 应予 应按 应以 应为 方可以 那部 于次 于当 于前 于年 于月 于三 于十 于本 于六 于七 于八 于九 于四 于两 于同 于签 于到 向相 向有 向银 向社 向征 向上 向下 国库 国税 通过 通知 相对 游戏 盛装 班车 严格 充分 汽车 终止 终结 强令 连本 平方 平米 单方 单次 满期 满月 满年 满足 权限 计入 计息 和其 和利 和本 和违 和滞 和逾 和诉 和案 和费 全款 全数 都由 时须 解约 解付 能力 常规 都要 乐器 巴士 鲜货 鲜花 双倍 家电 家具 居住 居民 暴力 费用 折价 折旧 经营 续租
方式 方法 方案 方面 方可 金额 金钱 安置 安装 安全 房租 房款 房屋 房产 全部 全额 全体 车辆 车款 石材 水费 水泥 水电 毛利 高额 高于 时间 时效 时止 万元 严重 文书 文件 明细
项目 项下 项内 单位 单价 单独 钱款 成本 成员 成立 余款 余额 和解 解除 包括 包工 常年 平均 管理 管辖 路费 计算 计付 计息 应付 应当 应于 应在 应向 段 左右 相关 党费 养老 于本 于判 于收 于每 于生 于20
于一 于二 于三 于五 于十 于调 于上 于该 连带 连同 经济 经营 经审 经法 经本 经过 利息 利率 利益 公司 公告 公证 公开 公积 双方 双倍 各项 各自 各 本金 本案 本判 本人 别墅 强制 强行 索要 付款 付清 付给 付 时 时起
权利 权益 家庭 家属 国家 国有 万 千 百 都 相互 相应 所有 所欠 所借 所得 支付 支取 银行 都应 都未 查封 查明 查询 温室 白酒 钢材 水产 花费 花卉 苗木 苗款 牛羊 马匹 羊款 牛款 鱼塘 谷物 米款 粟米 麦款 油款 农业 农村 农田 农药
商铺 商品 商业 门面 门窗 空调 厂房 景观 关于 关系 关联 向原 向被 向本 向其 向法 向申 向第 向人 向上 向 对 由 从 以 因 为 将 的 在 被 与 及 至 其 该 此 上述 一 二 三 四 五 六 七 八 九 十 两 下 后 前 内 不 未 无 已 均 须 需 如 若 就 系 是 有 可
申请 第三 原告 被告 诉讼 诉请 起诉 请求 承担 偿还 归还 返还 清偿 给付 赔偿 损失 损害 借款 货款 欠款 工资 劳动 劳务 工程 合同 协议 债务 债权 违约 逾期 名下 名称 姓名 身份 住址 住所 信息 资料 证据 代理 委托 法定 户口 抚养 抚育 探望 生活 教育
医疗 死亡 受伤 伤残 残疾 住院 精神 财产 遗产 共有 共同 分割 继承 立即 依法 按照 按 同意 自愿 自行 自 履行 办理 协助 配合 交付 停止 腾 拆 搬 恢复 继续 另 又 即 仍 尚 再 且 但 则 并 或 等 之 们 本 每 年 月 日 元 款 费 息 人民币 人民 现金 现在 现有 现
""")
)
_FALLBACK_HAN = r"[^\W\d_于的在应向与和及或以对为由从自至等不未已将所其该各本此每后前内外上下一二三四五六七八九十两万元款金费息债权利责任人法院诉讼合同协议案]"
_FALLBACK = re.compile(rf"{_FALLBACK_HAN}{{2,5}}?(?={BOUNDARY}|{FOLLOWING})")
_SPACED = re.compile(rf"[{SURNAME}][ \u3000]{{1,3}}[{HAN}](?:[ \u3000]{{1,3}}[{HAN}])?(?={BOUNDARY}|{FOLLOWING})")
_DOTTED = re.compile(rf"[{HAN}]{{1,7}}(?:\s?[{DOT}]\s?[{HAN}]{{1,7}}?)+(?={BOUNDARY}|{FOLLOWING})")
_DOT_INSIDE = re.compile(rf"[{HAN}]\s?[{DOT}]\s?[{HAN}]")
_LATIN = re.compile(r"[A-Z][A-Za-z'\-]+(?:[ .·]{1,2}[A-Z][A-Za-z'\-]*)*(?![A-Za-z0-9])")

# 支付, 偿还, 赔偿, 拖欠, 借到, 汇入 and other words that a name may follow, by their last character.
_LOOSE = re.compile(
    rf"(?:(?<![{HAN}])(?:(?<=\0[、和与及])|(?![向于应尚和时由付对]))|(?<=[付还给赔偿回欠到转汇入向由与和及对为被将诉从替同叫找跟以])"
    rf"(?!(?<=[支交偿给应未已])付|(?<=偿)金)){SURNAME_OR_COMPOUND}"
)


_AND_OTHERS = re.compile(r"等\s?[\d\0一二三四五六七八九十百两几]{0,5}\s?(?:名|位)?[人户]")


def find_people(text: str) -> Iterator[Named]:
    """Names of people in `text` (folded, with blanks where something is decided), by their role or by a dot inside."""
    for role in ROLE.finditer(text):
        yield from _listed_after(text, role.end())
    for match in _DOTTED.finditer(text) if _DOT_INSIDE.search(text) else ():
        start = match.start() + find_start(match[0].split(match[0][_first_dot(match[0])])[0])
        yield Named("person_name", start, match.end(), "high")


def suspect_people(text: str) -> Iterator[Named]:
    """What reads like a name though nothing says that it is one: a surname after a verb, and a word after the name."""
    for match in _LOOSE.finditer(text):
        listed = list(_listed_from(text, match.start()))
        if listed and _is_followed(text, listed[-1].end):
            yield from listed


def _listed_from(text: str, position: int) -> Iterator[Named]:
    found = _surnamed(text, position)
    while found and found.confidence == "high":
        yield Named("person_name", found.start, found.end, "low")
        join = _JOIN.match(text, found.end)
        found = _surnamed(text, join.end()) if join else None


def _is_followed(text: str, position: int) -> bool:
    """Whether a figure, the debtor, 等N人, or a word of two characters or more comes next."""
    if text.startswith(("\0", "\1"), position) or _AND_OTHERS.match(text, position):
        return True
    return len(_AT_FOLLOWING.find_at(text, position)) > 1


def _first_dot(name: str) -> int:
    return min(index for index, c in enumerate(name) if c in DOT)


def _listed_after(text: str, position: int) -> Iterator[Named]:
    """The name at `position`, and those joined to it by 、 or 和."""
    found = _named_at(text, position)
    while found:
        yield found
        join = _JOIN.match(text, found.end)
        if join is None:
            return
        found = _surnamed(text, join.end()) or _written_apart(text, join.end())
        if found is None and "、" in join[0]:
            found = _unsurnamed(text, join.end())


def _named_at(text: str, position: int) -> Named | None:
    return _written_apart(text, position) or _surnamed(text, position) or _unsurnamed(text, position)


def _written_apart(text: str, position: int) -> Named | None:
    for pattern in (_DOTTED, _LATIN, _SPACED):
        match = pattern.match(text, position)
        if match and not _begins_word(text, position):
            return Named("person_name", match.start(), match.end(), "high")
    return None


def _surnamed(text: str, position: int) -> Named | None:
    """A surname and one or two characters: as many as leave a word that follows names."""
    surname = 2 if text[position : position + 2] in COMPOUND_SURNAMES else 1
    if (surname == 1 and text[position : position + 1] not in SURNAMES) or _begins_word(text, position):
        return None
    if len(_AT_FOLLOWING.find_at(text, position + surname)) > 1:
        return None
    ends = [e for e in (position + surname + 1, position + surname + 2) if _is_han(text[position:e], e - position)]
    if not ends:
        return None
    end = _likelier_end(text, ends)
    if _strength(text, end):
        return Named("person_name", position, end, "high")
    if surname == 1 and text[position] not in COMMON_SURNAMES:
        return None
    repeated = next((e for e in reversed(ends) if text.count(text[position:e]) > 1), ends[-1])
    return Named("person_name", position, repeated, "low")


def _begins_word(text: str, position: int) -> bool:
    word = _NO_NAME.find_at(text, position)
    return len(word) > 1 or (len(word) == 1 and word not in SURNAMES)


def _likelier_end(text: str, ends: list[int]) -> int:
    if len(ends) == 1:
        return ends[0]
    short, long = (_strength(text, end) for end in ends)
    if short == long and short < 3:
        return ends[1] if short == 0 or text[ends[0]] in _GIVEN else ends[0]
    return ends[0] if short > long else ends[1]


def _strength(text: str, position: int) -> int:
    """How surely a name ends at `position`: 4 等N人, 3 punctuation or the like, 2 a word, 1 a doubtful character, 0 not."""
    if _AND_OTHERS.match(text, position):
        return 4
    if position >= len(text) or not _IN_NAME.match(text, position):
        return 3
    if _FOLLOW_JOIN.match(text, position):
        return 2
    word = _AT_FOLLOWING.find_at(text, position)
    if not word:
        return 0
    return 2 if len(word) > 1 or word in _HARD else 1


def _unsurnamed(text: str, position: int) -> Named | None:
    if _NO_NAME.find_at(text, position) or _strength(text, position):
        return None
    match = _FALLBACK.match(text, position)
    return Named("person_name", position, match.end(), "low") if match else None


_HAN_RUN = re.compile(rf"[{HAN}]+")


def _is_han(text: str, length: int) -> bool:
    return len(text) == length and bool(_HAN_RUN.fullmatch(text)) and "某" not in text

"""How improbable an ordinary word is in a text of a court, what may be named behind it, and what ends a name. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from registry.redaction.court_words import AGENT_ENDS, AGENTS, FEES, ORDINARY
from registry.redaction.lexicon import Lexicon
from registry.redaction.name_costs import is_taken
from registry.redaction.name_parts import ENDS, FIRSTS, HARD_ENDS, MINORITY_PARTS, SOFT_ENDS
from registry.redaction.occupations import OCCUPATIONS
from registry.redaction.surname_words import NAME_LIKE_WORDS
from registry.redaction.vocabulary import FOLLOWING_BEGINNINGS, split_words

Place = int
"""What stands before a word or a name, in the order of the tables in `reading.py`."""
ROLE, AGENTIVE, PAYING, TAKER, JOIN, PEOPLE, START, LISTED, MARK, OTHER, NAME = range(11)
SURE = frozenset({ROLE, AGENTIVE, PAYING, TAKER, JOIN})
"""Places where somebody stands more often than not."""

_AGENTIVE = split_words("""
向 由 归 替 让 叫 请 找 跟 驳回 协助 通知 责令 判令 委托 指定 授权 雇请 雇佣 雇用 聘请 聘用 起诉 求偿 追偿 要求 请求 催促 判归 归还给 偿还给 支付给 交付给 返还给 退还给 赔偿给 转让给 出售给 移交给 过户给 变更至 变更为 过户至 登记至 转至
托 使 据 会同 陪同 准予 允许 送给 留给 分给 打给 付予 退还给 起诉 雇佣 聘 汇给 转给 付给 还给 交给 退给 赔给 发给 借给 卖给 租给 补给 介绍 雇 娶 嫁 经由
""")
_PAYING_ENDS = frozenset("欠付还赔退偿给补")
_PAYING = split_words(
    "支付 给付 偿还 返还 退还 归还 赔偿 偿付 赔付 拖欠 尚欠 下欠 所欠 结欠 欠付 代付 垫付 付 还 欠 赔 退 补 补偿 退赔 付还 清偿 付清 还清 发放"
)
# What takes a person after it, by its last character: 支付 and 付给, 归, 与, 汇至.
TAKERS = frozenset("系向对与由和及同跟被将把给为替欠付还诉归交叫让请限令从找送至接退赔暨随偿予定除致伤助犯回止入到转")
# Somebody or something is done with them: 驳回, and what stands alone before a cause or a measure: 因.
_ASKING = split_words("驳回 准予 请求 要求 允许 协助 反诉请求 因 凭 经 就 按 使 据 把")
_JOINERS = frozenset("和与及暨同跟")
# How words end that say what somebody is: 材料商, 摊主, 业务员.
PEOPLE_ENDS = frozenset("商主员长师工户手人贩娘婆媳女友邻医警兵客")
_NOT_PEOPLE = split_words(
    "本人 他人 个人 任何人 每人 多人 等人 家人 子女 儿女 妇女 男女 手工 施工 开工 完工 复工 停工 加工 误工 人工 年长 增长 延长 转手 分手 入手 业主 为主 自主 落户 账户 帐户 门户 开户 律师 法人 双手 专户 用户 客户 商户 户主 车主"
)
_PEOPLE = (
    split_words(
        "同村 同组 同社 同屯 本村 本组 邻村 住户 邻里 居民 寨民 牧民 渔民 农民 船员 雇工 小工 帮工 帮厨 保洁 门卫 老丈人 丈人 遗孀 堂叔 堂伯 中介 绣娘 先生 女士"
    )
    | OCCUPATIONS
)
_FUNCTION = frozenset(
    "的了是在及与或等之其该此至自从被将由向对给欠付还各均应须需未已且不但则而并又再仍尚系称诉让请每按以为因所有可就即到于起止同本把叫随和也都另如若归共约需处"
)
_PLAIN = frozenset(
    "内外前后上下中元款费息账号个名人户份日月年时分次期项条第交间台辆套枚只张箱吨头株棵袋亩米度级层楼室栋幢座组村镇乡县市省区州路街巷院门屋房地田土山水车船牛羊猪鸡鱼粮油酒烟茶米面布衣物品货钱金银铜铁煤沙石砖瓦木树草花果药书表证卡机器具件材料"
    "去来说要会能够做得着过吗呢吧啊呀哦嗯嘛啥咋没行好坏多少大小长短高低新旧男女父母子孙夫妻儿兄弟姐妹左右东西南北尾侧边底顶两二三四五六七八九十百千万亿零一几半双单甲乙丙丁戊"
    "余差完清偿退补交领取收扣抵减加除止算记写签住坐驾撞伤亡死患治修建拆搬迁腾停拖借贷租卖买送运拉打砸毁占挖填堵排砍种养放再仅亦均经未"
)
# What makes a sum of what stands before it: 生猪款, 拖车费.
_SUFFIXES = frozenset("款费")
NUMERALS = frozenset("零〇一二三四五六七八九十百千万亿两壹贰叁肆伍陆柒捌玖拾佰仟元角分整")
# Behind a name: a character that ends names, one that may, any other; a word that is none of courts.
_END, _SOFT_END, _NO_END, _STRANGE_END = 0.7, 1.5, 3.0, 0.5
# 样例区: what stands before these is a place.
_DIVISION_ENDS, _DIVISION_END = frozenset("省市县区旗州盟镇乡村屯寨"), 15.0
_BEGINNINGS = frozenset(word[:2] for word in ORDINARY | FOLLOWING_BEGINNINGS if len(word) > 1)

_LOCAL_ENDS = frozenset("边里内下上前后间外时处")
NO_NAMES = frozenset("sfmqrcpubyoxewhk")
"""Sorts of words that name nobody: pronouns, numbers, conjunctions and the like."""
# The words of the dictionary's texts, as a logarithm.
_ALL = math.log(6e7)
_PLACE, _LEAST_WORD, _LEAST_CHARACTER = 6.0, 6.0, 4.0
# How much sooner a court writes a word of courts than others do, and within what bounds.
_COURT, _LEAST_COURT, _MOST_COURT = 3.0, 4.0, 6.5
_STRANGE_WORD = 2.8
_NAME_LIKE = 8.5
_FUNCTION_CHARACTER, _SUFFIX, _PEOPLE_CHARACTER = 6.5, 5.0, 7.0
# Characters that are words of their own often, now and then, hardly ever.
_STRANGE_CHARACTERS = ((8000, 2.0), (2000, 3.0), (0, 4.0))
_PERSON_WORD, _PERSON_IN_FULL, PERSON_AS_NAME = 3.0, 24.0, 14.0
_WORD_NAME, _NO_SURNAME = 9.5, 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """An ordinary word: what it costs to read it, whether it is none of courts, and what place comes after it.

    `as_name` is what it costs more to read it as somebody's name where somebody must be named; none where it cannot be;
    `behind_name` what it costs more that it stands right behind a name, `last_behind_name` that nothing follows it there.
    """

    text: str
    cost: float
    strange: bool
    place: Place
    sort: str
    as_name: float | None
    behind_name: float
    last_behind_name: float = 0.0


@lru_cache(maxsize=50_000)
def weigh_word(text: str, lexicon: Lexicon) -> Word:
    """What is known of the word `text`."""
    if len(text) == 1:
        return _weigh_character(text, lexicon.count_of(text))
    place, sort = _place_behind(text), lexicon.sort_of(text)
    cost = _ALL - math.log(lexicon.count_of(text) + 1)
    if text in ORDINARY:
        cost = min(max(cost - _COURT, _LEAST_COURT), _MOST_COURT)
        return Word(text, cost, False, place, sort, _as_name(text, cost, sort, strange=False), 0.0)
    if is_taken(text):
        return Word(text, _PLACE, False, OTHER, sort, None, 0.0)
    if text in NAME_LIKE_WORDS:
        return Word(text, _NAME_LIKE, True, place, sort, _as_name(text, _WORD_NAME, sort, strange=True), _STRANGE_END)
    cost = max(cost, _LEAST_WORD) + _STRANGE_WORD
    if sort.startswith("nr"):
        if text[:2] in MINORITY_PARTS or text[:3] in MINORITY_PARTS:
            return Word(text, _PERSON_IN_FULL, True, place, sort, PERSON_AS_NAME, _STRANGE_END)
        cost += _PERSON_WORD
    return Word(text, cost, True, place, sort, _as_name(text, _WORD_NAME, sort, strange=True), _STRANGE_END)


def _weigh_character(c: str, count: int) -> Word:
    cost = max(_ALL - math.log(count + 1), _LEAST_CHARACTER)
    strange, place = False, _place_behind(c)
    if c in _FUNCTION:
        cost = cost if c in FIRSTS else min(cost, _FUNCTION_CHARACTER)
    elif (c in NUMERALS and c not in FIRSTS) or c in _SUFFIXES:
        cost, strange = _SUFFIX, c in NUMERALS
    elif c in PEOPLE_ENDS:
        cost, place = _PEOPLE_CHARACTER, PEOPLE
    else:
        strange = True
        cost += 0.0 if c in _PLAIN else next(more for least, more in _STRANGE_CHARACTERS if count >= least)
    return Word(c, cost, strange, place, "", None, _weigh_end(c), 0.0 if c in _CLOSERS else _CUT_OFF)


# What is said of somebody in one character, with which a sentence ends: 由张三付.
_CLOSERS = frozenset(
    "付还收领交清证签死称述诉亡伤偿赔退欠缴垫借出给用有管住办拿取养占得负担供送运修拆建买卖租种家氏户处等款费人方者名"
)
_CUT_OFF = 5.0


def _weigh_end(c: str) -> float:
    if c in _DIVISION_ENDS:
        return _DIVISION_END
    # Amounts are kept before: a number that is left belongs to the name sooner.
    if c in NUMERALS:
        return _NO_END
    return _END if c in HARD_ENDS else _SOFT_END if c in SOFT_ENDS else _NO_END


def _as_name(text: str, cost: float, sort: str, *, strange: bool) -> float | None:
    if text in AGENTS or text[0] in NUMERALS or FEES.search(text) or len(text) > 3:
        return None
    if text[-1] in AGENT_ENDS or text[-1] in _LOCAL_ENDS or (sort[:1] in NO_NAMES and text[0] not in FIRSTS):
        return None
    if not strange and text[0] not in FIRSTS:
        return None
    return cost if text[0] in FIRSTS else cost + _NO_SURNAME


def _place_behind(word: str) -> Place:
    last = word[-1]
    if word in _AGENTIVE and word not in _ASKING:
        return AGENTIVE
    if word in _PAYING or (last in _PAYING_ENDS and len(word) > 1):
        return PAYING
    if len(word) == 1 and last in _JOINERS:
        return JOIN
    if last in TAKERS or word in _ASKING:
        return TAKER
    if len(word) > 1 and ((last in PEOPLE_ENDS and word not in _NOT_PEOPLE) or word in _PEOPLE):
        return PEOPLE
    return OTHER


def is_end(run: str, end: int) -> bool:
    """Whether a name may end at `end` of `run`, by what comes behind."""
    return end >= len(run) or run[end : end + 2] in _BEGINNINGS or run[end] in ENDS

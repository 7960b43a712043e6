"""Whether an ordinary word is what somebody is called: 向解放支付, 当归领取的, 海棠名下. Pure.

Where only a person or a body can stand every word is a name that is no word for people or bodies. What is no word of
courts is one as well before what only people do, have and are.
"""

from __future__ import annotations

import re

from registry.redaction.court_words import AGENTS
from registry.redaction.name_parts import FIRSTS
from registry.redaction.trie import any_of, listed
from registry.redaction.word_costs import (
    AGENTIVE,
    JOIN,
    LISTED,
    NO_NAMES,
    PAYING,
    PEOPLE,
    PERSON_AS_NAME,
    ROLE,
    START,
    TAKER,
    Place,
    Word,
    is_end,
)

# Only what people do, have and are: behind a word that is no word for people it says that the word is a name.
_ACTS = re.compile(
    any_of(
        listed(
            "陈述 陈称 述称 自认 签字 签名 签收 签署 代签 保管 代管 垫付 代付 代领 持有 驾驶 驾车 居住 收回 领走 领取 到场 转交 诉请 主张 同意 拒绝 承诺 自愿 放弃 认可 否认 出面 出庭 到庭 作证 "
            "介绍 催要 催讨 索要 打的 写的 所写 出具 经手 借走 借给 借得 拿走 取走 搬走 拉走 拆走 交回 退席 受伤 摔伤 死亡 去世 病故 身故 昏迷 骨折 住院 治疗 就医 患有 中风 左 右 头部 面部 眼睛 颅脑 腰椎 "
            "颈椎 胸部 腹部 脾脏 肋骨 手指 出生 离婚 结婚 再婚 生前 抚养 赡养 扶养 探望 辞职 离职 入职 上班 务工 干活 打工 退伙 入伙 退股 欠 供 打伤 撞伤 应于 应向 应将 应在 "
            "捺印 按印 按手印 丈量 清点 清算 签订 签的 索赔 追讨 多次 证明 证实 目击 指认 张贴 看管 看守 照看 照料 照顾 喂养 饲养 雇请 雇佣 聘请 骑行 乘坐 耕种 种植 承租 租住 租用 承包 转包 分包 供货 送货 送来 拉货 拉来 装卸 施工 帮工 收取 "
            "收走 收讫 收下 付讫 付清 已付 已收 已领 未付 未收 退出 加入 在场 怀孕 生育 分娩 享年 现年 年满 年仅 时年 系其 为其 是其 系原告 系案外 系被执行人 身份证 公民身份 身份号码 电话 手机 微信 邮箱 支付宝 抖音 银行卡 存单 存折 账户 账号 "
            "卡号 现住 户籍 诉请 诉求 借款 借的 欠的 付的 收的 交的 拿的 买的 卖的 种的 养的 租的 住的 有权 无权 不得 仍欠 尚欠 还欠 另欠 又欠 所欠 所借 所付 所收 所交 所垫 所签 所持 所有 享有 各得 各付 各领 负责 代办 代收 代还 代缴 "
            "的名字 的名义 的个人 的收款 的联系 的股权 的股份 的份额 的遗产 的抚慰金 的伤残 的押金 的借条 的欠条 的签名 的签字 的指印 的手印 的借款 的欠款 的户口 的户籍 的存款 的公积金 的社保 的抚养费 的赡养费 的赔偿款 的误工费 的护理费 的劳务费 的工钱 的报酬 的债务 的责任 的保证责任 的担保责任 的损失 的行为 的伤情 的电动车 的摩托车 的父母 的子女 的孩子 的妻子 的丈夫 的家属 的代理人 "
            "愿 不服 不付 不还 知情 不知情 逾期 另行 向 的微信 的手机 的电话 的账户 的账号 的银行卡 的身份证 的诉讼请求 的起诉 的货款 的工资 的妻 的丈夫 的儿子 的女儿 的母亲 的父亲 的弟 的哥 的姐 的妹 的医药费 的医疗费"
        )
    )
)
_WORDS_OF_PEOPLE = listed(
    "名下 夫妇 夫妻 两口子 等人 等二人 等三人 等四人 等五人 等六人 等两人 等两户 等三户 等两家 等三家 本人 一家 之妻 之夫 之父 之母 之子 之女 之兄 之弟 之姐 之妹 家属 老汉 老人 先生 女士 住所 户口"
)
_OF_PEOPLE = re.compile(any_of(_WORDS_OF_PEOPLE))
_OF_PEOPLE_FIRSTS = frozenset(word[0] for word in _WORDS_OF_PEOPLE)
# What only people are paid for: 欠山菊护工费.
_DUES = re.compile(
    any_of(
        listed(
            "医疗费 医药费 误工费 护理费 营养费 住院 伙食补助 残疾 伤残 死亡赔偿 丧葬费 精神损害 精神抚慰 抚慰金 工资 工钱 劳务费 劳务报酬 劳动报酬 人工费 人工 工时费 薪酬 加班费 奖金 提成 绩效 保姆费 护工费 月嫂费 家教 课时费 "
            "稿酬 稿费 演出费 劳务 抚养费 赡养费 扶养费 生活费 教育费 彩礼 借款 欠款 本金 垫款 垫付 代偿 投资款 入股款 股金 退股 退伙 合伙 分红 押金 定金 保证金 各项 经济补偿 双倍工资 二倍工资 赔偿金 慰问金 看护费 照看费 代理费"
        )
    )
)
# What is owed to a body or for its work: nothing else is paid it, 支付方向工资 but 返还房屋押金.
_OWN_DUES = re.compile(
    any_of(
        listed(
            "医疗费 医药费 误工费 护理费 营养费 残疾 死亡赔偿 丧葬费 精神损害 精神抚慰 抚慰金 工资 工钱 劳动报酬 加班费 保姆费 护工费 家教 课时费 稿酬 稿费 演出费 "
            "抚养费 赡养费 扶养费 经济补偿 双倍工资 二倍工资 赔偿款 赔偿金 各项"
        )
    )
)
# 全部工资, 各项医疗费: how much of it.
_PARTS_OF_ALL = frozenset("全各双余")
_LOSSES = ("损失", "费用", "责任", "义务")
_OWNER, _ACTOR, _VERB, _THING, _LOSS, _DUE, _NO_FIRST = -5.0, -1.0, 1.0, 1.0, 4.0, -1.5, 1.0
# What it costs more behind each place where a name may end: no more, little, never.
_MORE = {ROLE: 0.0, AGENTIVE: 0.0, PAYING: 0.0, JOIN: 1.0, PEOPLE: 1.0, TAKER: 1.5}
_NAMEABLE = frozenset({*_MORE, START, LISTED})


def cost_as_name(word: Word, place: Place, run: str, end: int) -> float | None:
    """What it costs that `word`, which ends at `end` of `run`, is somebody's name behind `place`; None: it is none."""
    cost = word.as_name
    if cost is None or cost == PERSON_AS_NAME:
        return cost
    if run[end : end + 1] in _OF_PEOPLE_FIRSTS and _OF_PEOPLE.match(run, end):
        return cost + _OWNER
    if place not in _NAMEABLE:
        return None
    if any(run[end : end + size] in AGENTS for size in (2, 3, 4)) and not _DUES.match(run, end):
        return None
    more = _weigh_actor(word, place, run, end)
    if more is None and word.sort[:1] not in NO_NAMES and (word.text[0] in FIRSTS or not _is_verb(word)):
        more = _weigh_place(word, place, run, end)
    return None if more is None else cost + more


def _weigh_actor(word: Word, place: Place, run: str, end: int) -> float | None:
    """Before what only people do, have and are."""
    if not _ACTS.match(run, end):
        return None
    if not word.strange:
        return 0.0 if place in (ROLE, AGENTIVE) else None
    if place in (START, LISTED, TAKER):
        plain = not _is_verb(word) and word.sort[:1] not in NO_NAMES
        return _ACTOR if plain else _VERB if word.text[0] in FIRSTS else None
    return 0.0 if place in _MORE else None


def _weigh_place(word: Word, place: Place, run: str, end: int) -> float | None:
    closed = end == len(run)
    named = word.text[0] in FIRSTS
    if place not in _MORE or not is_end(run, end) or (closed and not named):
        return None
    if not word.strange:
        return _weigh_ordinary(word, place, run, end)
    if place == PAYING:
        return _weigh_paid(word, run, end) if named or not _is_verb(word) else None
    if _is_verb(word) and place != AGENTIVE:
        return _MORE[place] if closed else None
    return None if place == TAKER and not named else _MORE[place] + (_VERB if _is_verb(word) else 0.0)


def _weigh_ordinary(word: Word, place: Place, run: str, end: int) -> float | None:
    if place == PAYING:
        return _DUE if word.text[0] not in _PARTS_OF_ALL and _OWN_DUES.match(run, end) else None
    return 0.0 if place == AGENTIVE and end < len(run) else None


def _weigh_paid(word: Word, run: str, end: int) -> float:
    if _DUES.match(run, end):
        return _DUE
    return (
        (0.0 if word.text[0] in FIRSTS else _NO_FIRST)
        + (_THING if word.sort.startswith("n") else 0.0)
        + (_LOSS if run.startswith(_LOSSES, end) else 0.0)
    )


def _is_verb(word: Word) -> bool:
    return word.sort[:1] in ("v", "d")

"""The kinds of letters (法律文书和函件): what each is for, on what article, what is filled in, and who must agree. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class LetterRefused(Exception):
    """This letter may not be written, agreed to or noted so. The message is for the person who tried."""


class LetterKind(StrEnum):
    SEALED_NOTICE = "sealed_notice"
    DISCIPLINE_NOTICE = "discipline_notice"
    NOTICE_RECALL = "notice_recall"
    OBJECTION_NOTICE = "objection_notice"
    OBJECTION_DECISION = "objection_decision"
    CERTIFICATE = "certificate"


class LetterState(StrEnum):
    """DRAFTED waits for a second person; CONFIRMED may be printed; VOID keeps its number and is used no more."""

    DRAFTED = "drafted"
    CONFIRMED = "confirmed"
    DELIVERED = "delivered"
    ANSWERED = "answered"
    VOID = "void"


STATE_LABEL: Mapping[LetterState, str] = {
    LetterState.DRAFTED: "待核发",
    LetterState.CONFIRMED: "已核发、待送达",
    LetterState.DELIVERED: "已送达",
    LetterState.ANSWERED: "已回复",
    LetterState.VOID: "已作废",
}


class Outcome(StrEnum):
    """What a unit answered to a notice (通报). What it wrote in words is sealed."""

    HANDLED = "handled"
    IN_HAND = "in_hand"
    NOT_OURS = "not_ours"
    RETURNED = "returned"
    RELEASED = "released"


OUTCOME_LABEL: Mapping[Outcome, str] = {
    Outcome.HANDLED: "已依纪依法处理",
    Outcome.IN_HAND: "正在处理",
    Outcome.NOT_OURS: "不是该单位管理的人员或者单位",
    Outcome.RETURNED: "退回，未处理",
    Outcome.RELEASED: "已停止使用并解除",
}


class Relation(StrEnum):
    """Why the addressee is told of somebody's listing, each with its article."""

    RESTRICTED = "restricted"
    OFFICIAL = "official"
    PUBLIC_BODY = "public_body"


RELATION_LABEL: Mapping[Relation, str] = {
    Relation.RESTRICTED: "依法不宜公开的，通报其所在单位或者上级单位",
    Relation.OFFICIAL: "国家工作人员、人大代表、政协委员等，通报其所在单位和相关部门",
    Relation.PUBLIC_BODY: "国家机关、事业单位、国有企业等，通报其上级单位、主管部门或者履行出资人职责的机构",
}
_JOINT_OPINION = "《关于加快推进失信被执行人信用监督、警示和惩戒机制建设的意见》"
_PROVISIONS = "《最高人民法院关于公布失信被执行人名单信息的若干规定》"
RELATION_ARTICLE: Mapping[Relation, str] = {
    Relation.RESTRICTED: f"{_JOINT_OPINION}关于依法不宜公开失信信息的被执行人通报其所在单位的规定",
    Relation.OFFICIAL: f"{_PROVISIONS}第八条第三款",
    Relation.PUBLIC_BODY: f"{_PROVISIONS}第八条第四款",
}


class Result(StrEnum):
    """What follows from an application that was found right (法释〔2017〕7号 art. 9–12)."""

    WITHDRAWN = "withdrawn"
    CORRECTED = "corrected"
    REMOVED = "removed"


RESULT_LABEL: Mapping[Result, str] = {
    Result.WITHDRAWN: "撤销失信信息",
    Result.CORRECTED: "更正失信信息",
    Result.REMOVED: "删除失信信息",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that is filled in: its name, what it is called on the page, and how long it may be.

    `choices` are the values it may have, with their words. `needed` False: it may stay empty. `is_date`: ISO 8601.
    """

    name: str
    label: str
    most: int = 60
    choices: Mapping[str, str] | None = None
    needed: bool = True
    is_date: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRule:
    """What holds for every letter of a kind.

    `series` is the word of its numbers (字号), `two` whether a second person confirms it before it can be printed,
    `answered` whether an acknowledgement (回执) is waited for, `about` what it is written about.
    """

    label: str
    title: str
    series: str
    article: str
    two: bool
    answered: bool
    about_record: bool
    gaps: tuple[Gap, ...]


_ADDRESSEE = Gap(name="addressee", label="收文单位全称", most=80)
_RECEIVED_ON = Gap(name="received_on", label="收到申请的日期", is_date=True)


def _words(choices: Mapping[Any, str]) -> Mapping[str, str]:
    return MappingProxyType({key.value: label for key, label in choices.items()})


KINDS: Mapping[LetterKind, KindRule] = {
    LetterKind.SEALED_NOTICE: KindRule(
        label="通报所在单位",
        title="关于失信被执行人有关情况的通报函",
        series="失信通",
        article="法释〔2017〕7号第八条第三款、第四款；依法不宜公开的，联合惩戒实施意见三（一）",
        two=True,
        answered=True,
        about_record=True,
        gaps=(_ADDRESSEE, Gap(name="relation", label="通报的理由", choices=_words(RELATION_LABEL))),
    ),
    LetterKind.DISCIPLINE_NOTICE: KindRule(
        label="信息通报（纪检监察）",
        title="关于失信被执行人信息的通报函",
        series="失信纪通",
        article="与纪检监察机关的信息通报机制（联合惩戒实施意见）；法释〔2017〕7号第八条第三款",
        two=True,
        answered=True,
        about_record=True,
        gaps=(_ADDRESSEE,),
    ),
    LetterKind.NOTICE_RECALL: KindRule(
        label="撤回通报",
        title="关于撤回通报的函",
        series="失信撤",
        article="法释〔2017〕7号第九条、第十条；个人信息保护法第四十六条、第四十七条",
        two=False,
        answered=True,
        about_record=True,
        gaps=(_ADDRESSEE, Gap(name="notice", label="所撤回的通报文号", most=40)),
    ),
    LetterKind.OBJECTION_NOTICE: KindRule(
        label="纠正申请通知书",
        title="纠正申请通知书",
        series="失信通知",
        article="法释〔2017〕7号第十一条、第十二条",
        two=False,
        answered=False,
        about_record=False,
        gaps=(
            Gap(name="addressee", label="申请人", most=80),
            _RECEIVED_ON,
            Gap(
                name="notice",
                label="通知的事项",
                choices=MappingProxyType(
                    {"accepted": "收到申请，开始审查", "supplement": "请补充材料", "late": "申请较晚提出，仍予受理"}
                ),
            ),
            Gap(name="words", label="需要补充的材料", most=600, needed=False),
        ),
    ),
    LetterKind.OBJECTION_DECISION: KindRule(
        label="纠正（驳回）决定书",
        title="决定书",
        series="失信决",
        article="法释〔2017〕7号第十二条",
        two=True,
        answered=False,
        about_record=False,
        gaps=(
            Gap(name="addressee", label="申请人", most=80),
            _RECEIVED_ON,
            Gap(name="claim", label="申请人的请求", most=600),
            Gap(
                name="outcome",
                label="决定",
                choices=MappingProxyType({"upheld": "理由成立，予以纠正", "rejected": "理由不成立，驳回申请"}),
            ),
            Gap(name="result", label="纠正的方式", choices=_words(RESULT_LABEL), needed=False),
            Gap(name="fields", label="应当更正的项目", most=300, needed=False),
            Gap(name="reasons", label="本院认为（理由）", most=3000),
        ),
    ),
    LetterKind.CERTIFICATE: KindRule(
        label="退出证明",
        title="失信被执行人名单退出证明",
        series="失信证",
        article="法释〔2017〕7号第九条、第十条",
        two=False,
        answered=False,
        about_record=True,
        gaps=(),
    ),
}

NOTICES = (LetterKind.SEALED_NOTICE, LetterKind.DISCIPLINE_NOTICE)
"""What tells somebody else of a listing, and so has to be taken back when the listing ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter as it stands, opened. `content` is what was filled in, `facts` what was taken from the record when it
    was drafted, by the name of the gap in the text."""

    id: int
    kind: LetterKind
    state: LetterState
    number: str
    content: Mapping[str, str]
    facts: Mapping[str, str]
    verify: str | None
    drafted_at: datetime
    drafted_by: str
    confirmed_at: datetime | None
    confirmed_by: str | None
    delivered_on: date | None
    answered_on: date | None
    outcome: Outcome | None
    answer: str | None

    @property
    def rule(self) -> KindRule:
        return KINDS[self.kind]

    @property
    def may_be_printed(self) -> bool:
        """Whether it goes out: not before a second person has agreed, and never once it is void."""
        return self.state not in (LetterState.DRAFTED, LetterState.VOID)


def letter_number(year: int, series: str, serial: int) -> str:
    """（2026）失信通字第1号"""
    return f"（{year}）{series}字第{serial}号"


def check_content(kind: LetterKind, content: Mapping[str, str]) -> dict[str, str]:
    """What was filled in, trimmed; what is empty is left out. Raises LetterRefused, naming the gap."""
    gaps = {gap.name: gap for gap in KINDS[kind].gaps}
    if unknown := sorted(content.keys() - gaps.keys()):
        raise LetterRefused(f"{KINDS[kind].label}没有这些栏目：{'、'.join(unknown)}")
    filled = {name: value for name, gap in gaps.items() if (value := _check_gap(gap, content.get(name, "")))}
    if kind is LetterKind.OBJECTION_DECISION and filled["outcome"] == "upheld" and "result" not in filled:
        raise LetterRefused("理由成立的，请选择纠正的方式：撤销、更正或者删除（法释〔2017〕7号第九条、第十条）")
    if kind is LetterKind.OBJECTION_DECISION and filled["outcome"] == "rejected" and "result" in filled:
        raise LetterRefused("驳回申请的，不选择纠正的方式")
    if "fields" in filled and filled.get("result") != Result.CORRECTED:
        raise LetterRefused("只有更正的决定书写明应当更正的项目")
    if kind is LetterKind.OBJECTION_NOTICE and (filled["notice"] == "supplement") != ("words" in filled):
        raise LetterRefused("请补充材料的，须写明需要补充的材料；其他通知不填这一栏")
    return filled


def _check_gap(gap: Gap, value: str) -> str:
    value = value.strip()
    if not value:
        if gap.needed:
            raise LetterRefused(f"请填写{gap.label}")
        return ""
    if len(value) > gap.most:
        raise LetterRefused(f"{gap.label}不能超过{gap.most}个字")
    if not value.replace("\n", "").isprintable():
        raise LetterRefused(f"{gap.label}含有不能识别的字符")
    if gap.choices is not None and value not in gap.choices:
        raise LetterRefused(f"请选择{gap.label}")
    if gap.is_date:
        _check_date(gap, value)
    return value


def _check_date(gap: Gap, value: str) -> None:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise LetterRefused(f"{gap.label}应为日期，例如 2026-10-08") from None

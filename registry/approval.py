"""What a second person's approval asks of a record (law.md §1.1): every guard by name, each refusal with its article."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from registry.findings import find_all, needs_opening
from registry.gate import Adulthood, add_years, find_adulthood, find_leaks
from registry.policy import Policy
from registry.record import Conduct, Disclosure, Facts, Kind, Performance, Record
from registry.values import CitizenNumber, MaskedNumber

SAME_PERSON = "same_person"
REASONS = {
    SAME_PERSON: "审核人与导入、补充或者更正该记录的是同一人；应由没有参与的另一人审核（法释〔2017〕7号第十三条，双人审核）",
    "minor": "被执行人未满十八周岁，任何情况下不得纳入名单（法释〔2017〕7号第四条、民法典第十七条）",
    "age_unknown": "不能确定被执行人已满十八周岁；请补充完整的身份证号码或者出生日期（法释〔2017〕7号第四条）",
    "id_mismatch": "性别或者出生日期与身份证号码不一致；请核对证件后改正（法释〔2017〕7号第六条第（二）项、第九条）",
    "source_ended": "所转载的名单已停止转载，不得公布；恢复转载后请重新导入（法释〔2017〕7号第七条第一款）",
    "decision_missing": "缺少决定书文号或者决定日期；请按院长签发的决定书补充（法释〔2017〕7号第五条第三款）",
    "not_served": "决定书没有送达日期，或者送达日期晚于今天、早于决定日期；送达后才能公布（法释〔2017〕7号第五条第三款）",
    "decided_in_future": "决定日期晚于今天；请按决定书改正（法释〔2017〕7号第五条第三款）",
    "term_missing": "第一条第（二）至（六）项的情形应有纳入期限；请按决定书填写期限届满日（法释〔2017〕7号第二条第一款、第五条第三款）",
    "term_not_allowed": "仅有“有履行能力而拒不履行”的，没有纳入期限；请删去期限届满日（法释〔2017〕7号第二条第一款）",
    "term_too_long": (
        "纳入期限超过法定上限：一般为二年；以暴力、威胁方法妨碍、抗拒执行情节严重或者有多项失信行为的，"
        "可以延长一至三年（法释〔2017〕7号第二条第一款）"
    ),
    "term_over": "期限届满日早于今天，期限已经届满，不得公布（法释〔2017〕7号第十条第二款）",
    "unit_people": (
        "该人是同一案件中单位被执行人的法定代表人；单位失信的，不得因此将其法定代表人、主要负责人、影响债务履行的直接责任人员、"
        "实际控制人列入；执行依据确定其本人负有义务的，核对后加 --confirm own_liability 再审核（法发〔2019〕35号）"
    ),
    "within_six_months": (
        "同一执行依据的该被执行人因申请执行人申请而从名单中删除未满六个月，不得依其申请再次列入；"
        "请以满六个月后作出的决定重新列入（法释〔2017〕7号第十条第四款）"
    ),
    "art3_unconfirmed": "尚未确认不属于第三条的情形；逐项核对后加 --confirm art3 再审核（法释〔2017〕7号第三条）",
    "redactions_unconfirmed": (
        "有建议遮盖的内容尚未确认；用 gongshi findings 逐条查看后加 --confirm redactions 再审核"
        "（法释〔2016〕19号第八条至第十一条）"
    ),
    "redactions_unopened": (
        "有把握不高的遮盖建议，审核人尚未逐条查看；用 gongshi findings 批次 --as 本人 查看后再审核"
        "（法释〔2016〕19号第八条至第十一条）"
    ),
    "fully_performed": "义务已全部履行，没有纳入名单的前提（法释〔2017〕7号第一条、第十条第一款第（一）项）",
    "national_reference_missing": "缺少全国法院失信被执行人名单库的编号；录入名单库后补充（法释〔2017〕7号第七条第一款）",
    "leak": "公布内容含有不得公布的个人信息，请改正（个人信息保护法第六条、民法典第一千零三十九条）",
}
"""Why each rule refuses, for the person who reads it. The order is the order in which refusals are reported."""


# What the court that made the list answers for: its decision, the service, the term, art. 3, the national list.
_OF_THE_SOURCE = frozenset(
    {"decision_missing", "not_served", "decided_in_future", "term_missing", "term_not_allowed", "term_too_long"}
    | {"within_six_months", "art3_unconfirmed", "national_reference_missing"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A guard that was not passed: its name, and the Chinese reason with the article and what to do."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """What other records say of one: that an organisation listed in the same case names this person as its legal
    representative, and that this debtor was removed at the applicant's request not six months before."""

    leads_unit: bool = False
    too_soon: bool = False


ALONE = Others()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    record: Record
    approver: str
    today: date
    policy: Policy
    confirmed: frozenset[str]
    opened: bool
    others: Others

    @property
    def facts(self) -> Facts:
        return self.record.facts


def check(
    record: Record,
    *,
    approver: str,
    today: date,
    policy: Policy,
    confirmed: frozenset[str],
    opened: bool,
    others: Others = ALONE,
) -> tuple[Refusal, ...]:
    """Every guard that `record` does not pass, the first to be named first; empty when it may be approved.

    `today` is a day in Asia/Shanghai; `confirmed` may hold "art3", "redactions" and "own_liability"; `opened` says that the
    approver has looked at each redaction proposed for this very version; `others` is what other
    records say of this one. What is missing is refused, never guessed. Of what was taken over from another court is not
    asked what that court answers for.
    """
    case = _Case(
        record=record,
        approver=approver,
        today=today,
        policy=policy,
        confirmed=confirmed,
        opened=opened,
        others=others,
    )
    asked = [rule for rule in REASONS if rule != "leak" and not (record.origin and rule in _OF_THE_SOURCE)]
    refusals = [Refusal(rule=rule, reason=REASONS[rule]) for rule in asked if _GUARDS[rule](case)]
    return (*refusals, *_refuse_leak(case))


def _refuse_leak(case: _Case) -> tuple[Refusal, ...]:
    if case.facts.disclosure is Disclosure.RESTRICTED:
        return ()
    fields = find_leaks(case.record, case.policy, case.today)
    return (Refusal(rule="leak", reason=f"{'、'.join(fields)}：{REASONS['leak']}"),) if fields else ()


def _is_same_person(case: _Case) -> bool:
    return case.approver == case.record.imported_by or case.approver in case.record.prepared_by


def _is_minor(case: _Case) -> bool:
    return find_adulthood(case.facts, case.today) is Adulthood.MINOR


def _is_age_unknown(case: _Case) -> bool:
    return find_adulthood(case.facts, case.today) is Adulthood.UNKNOWN


def _has_id_mismatch(case: _Case) -> bool:
    facts = case.facts
    if facts.kind is not Kind.PERSON:
        return False
    match facts.id_number:
        case CitizenNumber() as number:
            return _differs(facts.gender, number.gender) or _differs(facts.birth_date, number.birth_date)
        case MaskedNumber() as number:
            year = facts.birth_date.year if facts.birth_date else None
            return _differs(facts.gender, number.visible_gender) or _differs(year, number.visible_year)
    return False


def _differs(typed: object, numbered: object) -> bool:
    return typed is not None and numbered is not None and typed != numbered


def _is_source_ended(case: _Case) -> bool:
    return case.record.origin is not None and not case.record.origin.active


def _lacks_decision(case: _Case) -> bool:
    return not (case.facts.decision_number or "").strip() or case.facts.decided_on is None


def _is_unserved(case: _Case) -> bool:
    served, decided = case.facts.served_on, case.facts.decided_on
    return served is None or served > case.today or (decided is not None and served < decided)


def _is_decided_in_future(case: _Case) -> bool:
    return case.facts.decided_on is not None and case.facts.decided_on > case.today


def _lacks_term(case: _Case) -> bool:
    return _has_term(case.facts) and case.facts.term_ends_on is None


def _has_needless_term(case: _Case) -> bool:
    return not _has_term(case.facts) and case.facts.term_ends_on is not None


def _has_term(facts: Facts) -> bool:
    return any(kind.has_term for kind in facts.conduct)


def _is_term_too_long(case: _Case) -> bool:
    facts, term = case.facts, case.policy.term
    if facts.term_ends_on is None or facts.decided_on is None:
        return False
    extensible = Conduct.OBSTRUCTS_ENFORCEMENT in facts.conduct or len(set(facts.conduct)) > 1
    years = term.years + (term.extension_years if extensible else 0)
    return facts.term_ends_on > add_years(facts.decided_on, years)


def _is_term_over(case: _Case) -> bool:
    return case.facts.term_ends_on is not None and case.facts.term_ends_on < case.today


def _is_listed_for_unit(case: _Case) -> bool:
    return case.others.leads_unit and "own_liability" not in case.confirmed


def _is_too_soon(case: _Case) -> bool:
    return case.others.too_soon


def _is_art3_open(case: _Case) -> bool:
    return Conduct.REFUSES_THOUGH_ABLE in case.facts.conduct and "art3" not in case.confirmed


def _are_redactions_open(case: _Case) -> bool:
    return bool(find_all(case.facts)) and "redactions" not in case.confirmed


def _are_doubtful_unopened(case: _Case) -> bool:
    return not case.opened and needs_opening(find_all(case.facts))


def _is_performed(case: _Case) -> bool:
    return case.facts.performance is Performance.FULL


def _lacks_national_reference(case: _Case) -> bool:
    return case.policy.require_national_reference and not (case.facts.national_reference or "").strip()


_GUARDS: dict[str, Callable[[_Case], bool]] = {
    SAME_PERSON: _is_same_person,
    "minor": _is_minor,
    "age_unknown": _is_age_unknown,
    "id_mismatch": _has_id_mismatch,
    "source_ended": _is_source_ended,
    "decision_missing": _lacks_decision,
    "not_served": _is_unserved,
    "decided_in_future": _is_decided_in_future,
    "term_missing": _lacks_term,
    "term_not_allowed": _has_needless_term,
    "term_too_long": _is_term_too_long,
    "term_over": _is_term_over,
    "unit_people": _is_listed_for_unit,
    "within_six_months": _is_too_soon,
    "art3_unconfirmed": _is_art3_open,
    "redactions_unconfirmed": _are_redactions_open,
    "redactions_unopened": _are_doubtful_unopened,
    "fully_performed": _is_performed,
    "national_reference_missing": _lacks_national_reference,
}

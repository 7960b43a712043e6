"""The gate: what the public may see of a record, or why it may see nothing. Pure, and closed by default.

Whatever leaves the registry for the public passes here. A field that no rule of the policy names stays inside, and
what would still give away something private at the end stops the whole record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from registry.findings import find_unresolved, settle
from registry.lastlook import find_leaking
from registry.masks import mask_id, mask_name, mask_organisation
from registry.policy import Policy, RestrictedTreatment, Treatment
from registry.record import Conduct, Disclosure, Facts, Kind, Record, State
from registry.redaction import Finding, redact
from registry.values import CitizenNumber, MaskedNumber
from search_index.day import SHANGHAI
from search_index.document import DisclosedConduct, Document

_ADULT = 18
VERSION = "2"
"""Raised with every change that may withhold what was let through before: what is public then passes the gate again."""


class WithholdReason(StrEnum):
    """Why a record may not be seen. Codes are stable; `Withheld.basis` says it in Chinese."""

    NOT_APPROVED = "not_approved"
    MINOR = "minor"
    AGE_UNKNOWN = "age_unknown"
    RESTRICTED = "restricted"
    UNSERVED = "unserved"
    SOURCE_ENDED = "source_ended"
    IN_GRACE = "in_grace"
    UNRESOLVED = "unresolved"
    TERM_ENDED = "term_ended"
    NO_RULE = "no_rule"
    LEAK_GUARD = "leak_guard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A record that stays inside. `basis` is Chinese, names the article, and holds no value of the record."""

    record_id: int
    reason: WithholdReason
    basis: str


_BASIS = {
    WithholdReason.NOT_APPROVED: "未经审核、已屏蔽或者已退出名单的信息不得公布（法释〔2017〕7号第五条第三款、第十三条）",
    WithholdReason.MINOR: "被执行人为未成年人，不得纳入名单（法释〔2017〕7号第四条）",
    WithholdReason.AGE_UNKNOWN: "不能确定被执行人已满十八周岁，不得公布（法释〔2017〕7号第四条）",
    WithholdReason.UNSERVED: "决定书尚未送达，不得公布（法释〔2017〕7号第五条第三款）",
    WithholdReason.SOURCE_ENDED: "所转载的名单已停止转载，不得公布（法释〔2017〕7号第七条第一款）",
    WithholdReason.IN_GRACE: "宽限期尚未届满，期内暂不发布（法发〔2019〕35号）",
    WithholdReason.UNRESOLVED: "有建议遮盖的内容尚未经审核人确认，不得公布（法释〔2016〕19号第八条至第十一条）",
    WithholdReason.TERM_ENDED: "纳入期限已经届满，不得公布（法释〔2017〕7号第十条第二款）",
}


def article_of(reason: WithholdReason) -> str | None:
    """The article a reason rests on, as its text names it; None where only the policy knows."""
    text = _BASIS.get(reason, "")
    return text[text.rindex("（") + 1 : -1] if text else None


class Adulthood(StrEnum):
    """What is known of a debtor's majority on a given day (民法典 art. 17)."""

    ADULT = "adult"
    MINOR = "minor"
    UNKNOWN = "unknown"


def disclose(record: Record, policy: Policy, today: date) -> Document | Withheld:
    """What the public may see of `record` on `today` (Asia/Shanghai) under `policy`, or why nothing.

    Withheld: not approved; a minor or of unknown age (art. 4, checked at every call); not served (what another court listed:
    that court has served it, and its list must still be taken over); in its time of grace
    (法发〔2019〕35号); past its term;
    restricted, unless the policy gives its ground the masked form; a proposed redaction of high confidence that no
    reviewer has accepted (before first publication; later whatever is sure is redacted as well); a required field without a rule; or a shown text
    that would give away an identity number, a telephone number or another private value.
    """
    reason = _find_reason(record, today)
    if reason:
        return _withhold(record, reason)
    masked = False
    if _is_restricted(record):
        rule = policy.restricted_rule(record.facts.restricted_ground)
        if rule.treatment is RestrictedTreatment.WITHHOLD:
            return _withhold(record, WithholdReason.RESTRICTED, rule.basis)
        masked = True
    until = find_end(record.facts.term_ends_on, record.published_on or today, policy)
    if until is not None and until <= _midnight(today):
        return _withhold(record, WithholdReason.TERM_ENDED, _end_basis(record, policy, today))
    if record.number is None and not masked and find_unresolved(record):
        return _withhold(record, WithholdReason.UNRESOLVED)
    return _build(record, policy, today, masked=masked)


def find_leaks(record: Record, policy: Policy, today: date) -> tuple[str, ...]:
    """The fields (in Chinese) for which the leak guard would withhold `record`, were it approved and due."""
    shown = _shown(record, policy, today, masked=False)
    return tuple(_LABELS[name] for name in find_leaking(record.facts, shown))


def find_adulthood(facts: Facts, today: date) -> Adulthood:
    """Whether a debtor is of age on `today`, and was when the listing was decided: a decision about a child does not become
    lawful by its birthday (art. 4). Every birth date there is must say so, or the visible year must prove it.

    An organisation has no age and is never a minor.
    """
    if facts.kind is Kind.ORGANISATION:
        return Adulthood.ADULT
    today = min(today, facts.decided_on or today)
    latest = max(_latest_births(facts), default=None)
    if latest is None:
        return Adulthood.UNKNOWN
    if age_on(latest, today) >= _ADULT:
        return Adulthood.ADULT
    # A year alone may be adult or not until its last day has come of age.
    earliest = latest if facts.birth_date or facts.born_on else date(latest.year, 1, 1)
    return Adulthood.MINOR if age_on(earliest, today) < _ADULT else Adulthood.UNKNOWN


def age_on(born: date, day: date) -> int:
    """Full years (周岁) on `day`; who was born on 29 February turns a year older on 1 March of a common year."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


# Whether anything may be seen ------------------------------------------------------------------------------------


def _find_reason(record: Record, today: date) -> WithholdReason | None:
    if record.state not in (State.APPROVED, State.PUBLISHED, State.RESTRICTED):
        return WithholdReason.NOT_APPROVED
    match find_adulthood(record.facts, today):
        case Adulthood.MINOR:
            return WithholdReason.MINOR
        case Adulthood.UNKNOWN:
            return WithholdReason.AGE_UNKNOWN
    if reason := _find_reason_at_origin(record, today):
        return reason
    # The last day belongs to it (民法典 203), whatever the state of the record.
    if record.grace_until is not None and today <= record.grace_until:
        return WithholdReason.IN_GRACE
    return None


def _find_reason_at_origin(record: Record, today: date) -> WithholdReason | None:
    """Whether the court here has served it, or the list of the other court is still taken over."""
    if record.origin is not None:
        return None if record.origin.active else WithholdReason.SOURCE_ENDED
    served = record.facts.served_on
    return WithholdReason.UNSERVED if served is None or served > today else None


def _withhold(record: Record, reason: WithholdReason, basis: str = "") -> Withheld:
    return Withheld(record_id=record.id, reason=reason, basis=basis or _BASIS[reason])


def _is_restricted(record: Record) -> bool:
    facts = record.facts
    return (
        record.state is State.RESTRICTED
        or facts.disclosure is Disclosure.RESTRICTED
        or facts.restricted_ground is not None
    )


def _latest_births(facts: Facts) -> Iterator[date]:
    """The last day on which the debtor can have been born, by each source there is."""
    number = facts.id_number
    if isinstance(number, CitizenNumber):
        yield number.birth_date
    if facts.birth_date:
        yield facts.birth_date
    year = number.visible_year if isinstance(number, MaskedNumber) else None
    if year and (facts.birth_date is None or facts.birth_date.year != year):
        yield date(year, 12, 31)


def find_end(term_ends_on: date | None, published_on: date, policy: Policy) -> datetime | None:
    """The first instant at which an entry is over that was, or would be, published on `published_on`; None for one
    without a term (art. 2 ¶1, art. 10 ¶2)."""
    if term_ends_on is None:
        return None
    over = term_ends_on + timedelta(days=1)
    if policy.display:
        over = min(over, add_years(published_on, policy.display.max_years))
    return _midnight(over)


def _end_basis(record: Record, policy: Policy, today: date) -> str:
    ends = record.facts.term_ends_on
    if policy.display and ends is not None and ends >= today:
        return f"公布时间已满{policy.display.max_years}年，不得继续公布（{policy.display.basis}）"
    return _BASIS[WithholdReason.TERM_ENDED]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=SHANGHAI)


def add_years(day: date, years: int) -> date:
    """The corresponding day, or the last of its month where there is none (民法典 art. 202)."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def find_last_start(years: int, today: date) -> date:
    """The last day from which `years` are over on `today`: of it, and of those before, `add_years` makes no later day."""
    same = add_years(today, -years)
    following = same + timedelta(days=1)
    # From 29 February they lead to the 28th of a year without one.
    return following if add_years(following, years) <= today else same


# What is seen ----------------------------------------------------------------------------------------------------

_REQUIRED = ("record", "kind", "name", "court", "performance", "conduct", "published_on", "updated_at")
# What is left of a restricted record in the masked form; every other field is empty.
_MASKED_FORM = frozenset(
    {"record", "kind", "name", "gender", "age", "court", "performance", "conduct", "published_on", "term_ends_on"}
    | {"visible_until", "updated_at", "origin"}
)


def _build(record: Record, policy: Policy, today: date, *, masked: bool) -> Document | Withheld:
    shown = _shown(record, policy, today, masked=masked)
    missing = [name for name in _REQUIRED if shown[name] is None]
    # Without its end an entry would be seen for ever.
    if shown["visible_until"] is None and record.facts.term_ends_on is not None:
        missing.append("visible_until")
    # What another court listed is not shown as if this one had.
    if shown["origin"] is None and record.origin is not None:
        missing.append("origin")
    if missing:
        labels = "、".join(_LABELS[name] for name in missing)
        return _withhold(record, WithholdReason.NO_RULE, f"政策“{policy.name}”没有规定公布：{labels}")
    leaking = find_leaking(record.facts, shown)
    if leaking:
        labels = "、".join(_LABELS[name] for name in leaking)
        basis = (
            f"公布内容含有不得公布的个人信息，请改正这些字段：{labels}（个人信息保护法第六条、民法典第一千零三十九条）"
        )
        return _withhold(record, WithholdReason.LEAK_GUARD, basis)
    return Document(**shown)


def _shown(record: Record, policy: Policy, today: date, *, masked: bool) -> dict[str, Any]:
    """Every field of the document, treated as the policy says; None where it withholds."""
    values = _values(record, policy, today)
    redactions: Mapping[str, tuple[Finding, ...]] = {} if masked else settle(record)
    shown = {}
    for name, value in values.items():
        treatment = policy.treatment_of(name)
        if masked and name not in _MASKED_FORM:
            treatment = Treatment.WITHHOLD
        shown[name] = _treat(value, treatment, policy, redactions.get(name, ()))
    if masked:
        shown |= _mask_names(record.facts, shown)
    if shown["age"] is not None:
        shown["age"] = age_on(shown["age"], values["published_on"])
    return shown


def _values(record: Record, policy: Policy, today: date) -> dict[str, Any]:
    facts = record.facts
    person = facts.kind is Kind.PERSON
    return {
        "record": record.number or "",
        "kind": facts.kind.value,
        "name": facts.name,
        "latin_name": facts.latin_name if person else None,
        "gender": facts.gender.value if person and facts.gender else None,
        "age": facts.born_on if person else None,
        "id_number": facts.id_number if person else None,
        "uscc": facts.uscc.text if facts.uscc and not person else None,
        "legal_representative": None if person else facts.legal_representative,
        "court": facts.court,
        "origin": record.origin.court if record.origin else None,
        "region": facts.region,
        "basis_number": facts.basis_number,
        "basis_issuer": facts.basis_issuer,
        "case_number": facts.case_number.canonical,
        "filed_on": facts.filed_on,
        "obligation": facts.obligation,
        "performance": facts.performance.value,
        "performed_part": facts.performed_part,
        "unperformed_part": facts.unperformed_part,
        "conduct": facts.conduct,
        "published_on": record.published_on or today,
        "term_ends_on": facts.term_ends_on,
        "visible_until": find_end(facts.term_ends_on, record.published_on or today, policy),
        "updated_at": record.changed_at,
    }


def _treat(value: Any, treatment: Treatment, policy: Policy, findings: tuple[Finding, ...]) -> Any:
    if value is None:
        return None
    match treatment:
        case Treatment.SHOW | Treatment.AGE_AT_PUBLICATION:
            return value
        case Treatment.MASK_ID:
            return mask_id(value, policy.id_mask)
        case Treatment.REDACT:
            return redact(value, findings)
        case Treatment.CONDUCT_TEXT:
            return tuple(DisclosedConduct(code=c.value, text=c.text) for c in _in_order(value))
        case Treatment.WITHHOLD:
            return None


def _in_order(conduct: tuple[Conduct, ...]) -> list[Conduct]:
    return [kind for kind in Conduct if kind in conduct]


def _mask_names(facts: Facts, shown: Mapping[str, Any]) -> dict[str, str | None]:
    masked = mask_name(facts.name) if facts.kind is Kind.PERSON else mask_organisation(facts.name)
    return {
        "name": masked if shown["name"] is not None else None,
        "court": _city_court(facts.court) if shown["court"] is not None else None,
        "origin": _city_court(shown["origin"]) if shown["origin"] is not None else None,
    }


_HIGHER_COURT = re.compile(r"(?:中级|高级|最高)人民法院$|^最高人民法院$|知识产权法院$|海事法院$|金融法院$")
_PREFECTURE = re.compile(r"^(?:.{2,7}?(?:省|自治区))?(?:.{2,12}?(?:自治州|地区|盟|市)(?=.+(?:区|县|旗|市)))?")


def _city_court(court: str) -> str:
    """The court as far as the city: a basic court is named only by the city it belongs to, as far as its name says."""
    if _HIGHER_COURT.search(court):
        return court
    prefix = _PREFECTURE.match(court)
    return f"{prefix[0] if prefix else ''}某基层人民法院"


_LABELS = {
    "record": "公示编号",
    "kind": "类别",
    "name": "姓名或名称",
    "latin_name": "拉丁字母写法",
    "gender": "性别",
    "age": "年龄",
    "id_number": "身份证号码",
    "uscc": "统一社会信用代码",
    "legal_representative": "法定代表人",
    "court": "执行法院",
    "origin": "来源",
    "region": "地域",
    "basis_number": "执行依据文号",
    "basis_issuer": "作出执行依据单位",
    "case_number": "案号",
    "filed_on": "立案时间",
    "obligation": "生效法律文书确定的义务",
    "performance": "履行情况",
    "performed_part": "已履行部分",
    "unperformed_part": "未履行部分",
    "conduct": "失信行为情形",
    "published_on": "发布时间",
    "term_ends_on": "期限届满日",
    "visible_until": "公布截止时间",
    "updated_at": "更新时间",
}

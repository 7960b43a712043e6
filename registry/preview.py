"""Side by side: what a record says inside, what the gate would show of it, and why each field comes out as it does. Pure.

What is shown here as public is what `gate.disclose` gives, and nothing this module makes up: where the gate gives nothing, the
reason stands instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from enum import Enum, StrEnum
from typing import Any

from registry.gate import Withheld, WithholdReason, disclose
from registry.intake import LABELS
from registry.policy import Policy, RestrictedTreatment, Treatment
from registry.record import Accepted, Applicant, Disclosure, Facts, Kind, Record, State
from search_index.document import Document


class How(StrEnum):
    """What became of a field on its way out."""

    SHOWN = "shown"
    MASKED = "masked"
    REDACTED = "redacted"
    MADE = "made"
    WITHHELD = "withheld"
    ABSENT = "absent"


HOW_LABEL = {
    How.SHOWN: "公布",
    How.MASKED: "部分隐去",
    How.REDACTED: "遮盖后公布",
    How.MADE: "换算后公布",
    How.WITHHELD: "不公布",
    How.ABSENT: "没有内容",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldLine:
    """A field: its Chinese name, what stands inside, what the public would see (None: nothing), how, and the article."""

    key: str
    label: str
    inside: str
    outside: str | None
    how: How
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A record as the public would see it. `withheld` says why it sees nothing now; `document` is what it would see once
    nothing but that stands in the way, None where that cannot be said."""

    withheld: Withheld | None
    document: Document | None
    lines: tuple[FieldLine, ...]


# Of these the law lets nothing out, whatever a policy says: no policy has a rule for them.
_NEVER = {
    "birth_date": "只公布年龄（法释〔2017〕7号第六条第（二）项；个人信息保护法第六条）",
    "employer": "不在公布的范围内；依法不宜公开的，通报所在单位（法释〔2017〕7号第六条、第八条）",
    "phone": "不在公布的范围内（个人信息保护法第六条、民法典第一千零三十四条）",
    "address": "不在公布的范围内（法释〔2016〕19号第十条；民法典第一千零三十四条）",
    "applicant": "申请执行人不在公布的范围内（个人信息保护法第六条）",
    "note": "内部备注，不在公布的范围内（法释〔2017〕7号第六条）",
    "decision_number": "不在公布的范围内（法释〔2017〕7号第六条）",
    "decided_on": "不在公布的范围内（法释〔2017〕7号第六条）",
    "served_on": "不在公布的范围内（法释〔2017〕7号第六条）",
    "national_reference": "不在公布的范围内（法释〔2017〕7号第七条第一款）",
    "disclosure": "决定是否公布，本身不公布（法释〔2017〕7号第六条第（六）项）",
    "restricted_ground": "决定是否公布，本身不公布（法释〔2017〕7号第六条第（六）项）",
}
_DISCLOSURE = {Disclosure.PUBLIC.value: "公开", Disclosure.RESTRICTED.value: "依法不宜公开"}
_KIND = {Kind.PERSON.value: "自然人", Kind.ORGANISATION.value: "法人或者其他组织"}
_GROUND = {"state_secret": "国家秘密", "trade_secret": "商业秘密", "privacy": "个人隐私", "other": "其他"}
# In the way only for now: nothing is said about the person by leaving it aside in a preview.
_FOR_NOW = (WithholdReason.NOT_APPROVED, WithholdReason.UNSERVED, WithholdReason.UNRESOLVED)
_RESTRICTED_KEYS = ("restricted_ground",)


def preview(record: Record, accepted: Accepted, policy: Policy, today: date, *, shows_ground: bool) -> Preview:
    """Both sides of `record` on `today`, with `accepted` as what would be redacted.

    `shows_ground` says whether the reader may see on what ground a record is restricted.
    """
    now = disclose(record, policy, today)
    withheld = now if isinstance(now, Withheld) else None
    document = now if isinstance(now, Document) else _foresee(record, accepted, policy, today, withheld)
    return Preview(
        withheld=withheld,
        document=document,
        lines=_lines(record.facts, document, policy, shows_ground=shows_ground),
    )


def _foresee(
    record: Record, accepted: Accepted, policy: Policy, today: date, withheld: Withheld | None
) -> Document | None:
    """What it would be, approved and served; None where something else stands in the way."""
    if withheld is None or withheld.reason not in _FOR_NOW or record.state.has_departed:
        return None
    facts = replace(record.facts, served_on=min(record.facts.served_on or today, today))
    ready = replace(record, state=State.APPROVED, facts=facts, redactions=record.redactions or accepted)
    found = disclose(ready, policy, today)
    return found if isinstance(found, Document) else None


def _lines(facts: Facts, document: Document | None, policy: Policy, *, shows_ground: bool) -> tuple[FieldLine, ...]:
    shown: Mapping[str, Any] = {f.name: getattr(document, f.name) for f in fields(document)} if document else {}
    lines = []
    for key, label in LABELS.items():
        value = getattr(facts, key)
        inside = write(value, key)
        if key in _RESTRICTED_KEYS and value is not None and not shows_ground:
            inside = "只有办理人和审核人可以查看"
        outside = write(shown[key], key) if shown.get(key) is not None else None
        how, why = _explain(key, inside, outside, policy, has_document=document is not None)
        lines.append(FieldLine(key=key, label=label, inside=inside, outside=outside, how=how, why=why))
    if facts.kind is Kind.PERSON:
        age = shown.get("age")
        rule = policy.fields.get("age")
        lines.append(
            FieldLine(
                key="age",
                label="年龄",
                inside="由出生日期或者身份证号码换算",
                outside=f"{age}岁" if age is not None else None,
                how=How.MADE if age is not None else How.WITHHELD,
                why=rule.basis if rule else "政策没有规定公布",
            )
        )
    return tuple(lines)


def _explain(key: str, inside: str, outside: str | None, policy: Policy, *, has_document: bool) -> tuple[How, str]:
    if key in _NEVER:
        return (How.WITHHELD if inside else How.ABSENT), _NEVER[key]
    rule = policy.fields.get(key)
    why = rule.basis if rule else f"政策“{policy.title}”没有规定公布"
    if not inside:
        return How.ABSENT, why
    if outside is None:
        return How.WITHHELD, why if has_document and rule is None else "该记录现在不公布" if not has_document else why
    if outside == inside:
        return How.SHOWN, why
    treatment = policy.treatment_of(key)
    return _CHANGED.get(treatment, How.MASKED), why


_CHANGED = {Treatment.REDACT: How.REDACTED, Treatment.CONDUCT_TEXT: How.SHOWN, Treatment.MASK_ID: How.MASKED}


def write(value: Any, key: str = "") -> str:
    """A value as the page writes it: a private one or the one of the document, in the same words for both."""
    return "" if value is None else _word(key, _text(value))


def _text(value: Any) -> str:
    match value:
        case tuple():
            text = "；".join(item.text for item in value)
        case Applicant(name=name, phone=phone):
            text = "，".join(part for part in (name, phone) if part)
        case datetime():
            text = value.isoformat(timespec="minutes")
        case date():
            text = value.isoformat()
        case Enum():
            text = str(value.value)
        case str() | int():
            text = str(value)
        case _:
            text = str(getattr(value, "canonical", None) or value.text)
    return text


def _word(key: str, text: str) -> str:
    words = {"kind": _KIND, "disclosure": _DISCLOSURE, "restricted_ground": _GROUND}.get(key)
    return words.get(text, text) if words else text


def is_restricted(facts: Facts) -> bool:
    """Whether a record is not fit to be made public (依法不宜公开)."""
    return facts.disclosure is Disclosure.RESTRICTED or facts.restricted_ground is not None


def why_restricted(facts: Facts, policy: Policy) -> str:
    """The article under which a restricted record stays inside, or is shown masked."""
    rule = policy.restricted_rule(facts.restricted_ground)
    how = "只公布隐去身份的内容" if rule.treatment is RestrictedTreatment.MASKED else "不公布"
    return f"{how}：{rule.basis}"

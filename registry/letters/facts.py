"""What a letter says of a record, and whether it may be written at all: the facts its purpose needs and no more. Pure."""

from __future__ import annotations

from datetime import date

from registry.gate import Adulthood, find_adulthood
from registry.letters.kinds import NOTICES, LetterKind, LetterRefused, Relation
from registry.masks import MaskProfile, mask_id
from registry.record import Disclosure, Facts, Kind, Record, State

_GONE_WORD = {State.WITHDRAWN: "撤销", State.REMOVED: "删除", State.EXPIRED: "期满删除"}


def take_facts(kind: LetterKind, record: Record, departed_on: date | None, ground: str | None) -> dict[str, str]:
    """What a letter of `kind` takes from the record, by the name of the gap in its text.

    Who writes to somebody about a person says who it is, in which case, and what was decided (个人信息保护法 art. 6):
    never the obligation with the third parties it names, the applicant, a telephone, an address, a birth date, the
    ground for which a record is restricted, or a number in full.
    """
    facts = record.facts
    if kind in (LetterKind.OBJECTION_DECISION, LetterKind.OBJECTION_NOTICE):
        return {"case_number": facts.case_number.canonical}
    if kind is LetterKind.NOTICE_RECALL:
        return {"case_number": facts.case_number.canonical, **_departure(record, departed_on)}
    own = {**_identity(facts), "case_number": facts.case_number.canonical}
    if kind is LetterKind.CERTIFICATE:
        wrongly = {"wrongly": "yes"} if ground == "wrongly_listed" else {}
        return {**own, **_departure(record, departed_on), **wrongly}
    return {**own, **_listing(facts)}


def _identity(facts: Facts) -> dict[str, str]:
    if facts.kind is Kind.ORGANISATION:
        values = {"kind": "organisation", "uscc": facts.uscc.text if facts.uscc else None}
    else:
        masked = mask_id(facts.id_number, MaskProfile.STRICT) if facts.id_number else None
        values = {"kind": "person", "gender": facts.gender.value if facts.gender else None, "id_number": masked}
    return _filled({"name": facts.name, **values})


def _listing(facts: Facts) -> dict[str, str]:
    return _filled(
        {
            "basis_number": facts.basis_number,
            "conduct": "；".join(item.text for item in facts.conduct),
            "performance": facts.performance.value,
            "decision_number": facts.decision_number,
            "decided_on": _write_day(facts.decided_on),
            "term_ends_on": _write_day(facts.term_ends_on),
            "restricted": "yes" if facts.disclosure is Disclosure.RESTRICTED else None,
        }
    )


def _departure(record: Record, departed_on: date | None) -> dict[str, str]:
    if record.state not in _GONE_WORD or departed_on is None:
        return {}
    return {"departed_on": departed_on.isoformat(), "departed": _GONE_WORD[record.state]}


def _write_day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _filled(values: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def refuse_unfit_record(kind: LetterKind, record: Record, relation: str | None, today: date) -> None:
    """Raises LetterRefused where a letter of `kind` may not be written of the record as it stands."""
    if kind in NOTICES:
        _refuse_unfit_notice(record, relation, today)
    elif kind is LetterKind.CERTIFICATE and not record.state.has_departed:
        raise LetterRefused("该记录还没有退出名单，不能出具退出证明（法释〔2017〕7号第九条、第十条）")


def _refuse_unfit_notice(record: Record, relation: str | None, today: date) -> None:
    facts, state = record.facts, record.state
    if find_adulthood(facts, today) is not Adulthood.ADULT:
        raise LetterRefused(
            "不能确定被执行人已满十八周岁，不得通报（法释〔2017〕7号第四条、未成年人保护法第一百零三条）"
        )
    if state not in (State.RESTRICTED, State.PUBLISHED):
        raise LetterRefused("只有纳入决定已经送达并且生效的记录才能通报：该记录还没有办到这一步，或者已经屏蔽、退出")
    if facts.served_on is None or facts.served_on > today:
        raise LetterRefused("决定书还没有送达，不得通报（法释〔2017〕7号第五条第三款）")
    if facts.term_ends_on is not None and facts.term_ends_on < today:
        raise LetterRefused("纳入期限已经届满，不得通报（法释〔2017〕7号第十条第二款）")
    if relation == Relation.RESTRICTED and state is not State.RESTRICTED:
        raise LetterRefused("该记录是公开的，不能以“依法不宜公开”为由通报，请选择其他理由")
    if relation == Relation.PUBLIC_BODY and facts.kind is not Kind.ORGANISATION:
        raise LetterRefused("被执行人是自然人，请选择“国家工作人员……”或者“依法不宜公开的”（第八条第三款）")
    if relation == Relation.OFFICIAL and facts.kind is not Kind.PERSON:
        raise LetterRefused("被执行人是单位，请选择“国家机关、事业单位、国有企业等”（第八条第四款）")

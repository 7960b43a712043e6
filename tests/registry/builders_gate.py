"""Synthetic records for the tests of the gate. Area 990101 belongs to nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from registry.findings import accept
from registry.record import Conduct, Facts, Gender, Kind, Performance, Record, State
from registry.values import CaseNumber, CitizenNumber, Uscc

TODAY = date(2026, 8, 3)
NOW = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)
DEBTOR = "测试甲"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def citizen(born: date = date(1980, 5, 6), sequence: int = 1) -> CitizenNumber:
    body = f"990101{born:%Y%m%d}{sequence:03}"
    total = sum(int(c) * w for c, w in zip(body, _WEIGHTS, strict=True))
    return CitizenNumber(body + "10X98765432"[total % 11])


def uscc(body: str = "91990100MA00TEST0".replace("S", "5")) -> Uscc:
    total = sum(_USCC_ALPHABET.index(c) * pow(3, index, 31) for index, c in enumerate(body))
    return Uscc(body + _USCC_ALPHABET[-total % 31])


def person(**changes: Any) -> Facts:
    facts = Facts(
        kind=Kind.PERSON,
        name=DEBTOR,
        id_number=citizen(),
        gender=Gender.MALE,
        court="测试市样例区人民法院",
        region="测试省",
        case_number=CaseNumber.parse("（2026）云9901执12号"),
        filed_on=date(2026, 1, 5),
        basis_number="（2025）云9901民初34号",
        basis_issuer="测试市样例区人民法院",
        obligation="偿还借款本金50000元及利息。",
        performance=Performance.NONE,
        conduct=(Conduct.BREAKS_PROPERTY_REPORTING,),
        decision_number="（2026）云9901执12号决定书",
        decided_on=date(2026, 7, 1),
        served_on=date(2026, 7, 8),
        term_ends_on=date(2028, 6, 30),
    )
    return replace(facts, **changes)


def organisation(**changes: Any) -> Facts:
    own = {
        "kind": Kind.ORGANISATION,
        "name": "测试市虚构商贸有限公司",
        "id_number": None,
        "gender": None,
        "uscc": uscc(),
        "legal_representative": "钱样例",
    }
    return person(**{**own, **changes})


def record(facts: Facts | None = None, **changes: Any) -> Record:
    facts = facts or person()
    own = Record(
        id=7,
        state=State.APPROVED,
        facts=facts,
        batch=1,
        line=2,
        imported_by="经办甲",
        changed_at=NOW,
        redactions=accept(facts),
    )
    return replace(own, **changes)

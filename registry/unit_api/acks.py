"""A unit says up to which public change it has followed the list, and which departures it has carried out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.tables import LedgerRow
from registry.unit_api.base import Api, Caller
from registry.unit_api.changes import LARGEST_SEQUENCE
from registry.unit_api.reading import GIVEN_FIELDS, Faults, read_body, read_given, read_whole, refuse_parameters
from registry.unit_api.schema import RECORD
from registry.units.keys import Scope
from registry.units.ledger import LedgerKind, Line, append
from registry.units.releases import carry_out

MOST_RELEASED = 1000
_RECORD = re.compile(RECORD["pattern"])
_AT_ONCE = 500
_UNKNOWN = "没有向本单位发出过这一条目的退出通知"


def add_endpoints(api: Api) -> None:
    """`/acks`."""

    @api.post("/acks", Scope.ACKS)
    def acks(caller: Caller) -> Mapping[str, Any]:
        faults = Faults()
        refuse_parameters((), faults)
        body = read_body({"sequence", "released", *GIVEN_FIELDS}, faults)
        given = read_given(faults, body)
        sequence = read_whole(body, "sequence", faults, most=LARGEST_SEQUENCE)
        released = _read_released(body.get("released", []), faults)
        site = caller.site
        with site.store.snapshot(site.now) as snapshot:
            if sequence > snapshot.sequence:
                faults.clash("sequence", "名单还没有这个序号")
        with site.court.session() as session:
            told = _find_releases(session, caller.unit, list(released))
            for record, number in released.items():
                if record not in told:
                    faults.clash(f"released[{number}]", _UNKNOWN)
            faults.refuse()
            is_new = append(session, [_to_line(caller, sequence)]) > 0
            done = [record for record in released if _carry_out(session, caller, told[record])]
            caller.write_use(session, "acks", given, rows=len(released))
        return {
            "sequence": sequence,
            "new": is_new,
            "released": done,
            "before": [record for record in released if record not in done],
        }


def _read_released(value: Any, faults: Faults) -> dict[str, int]:
    """The numbers of entries whose measures are lifted, each once, with its place in what was sent."""
    if not isinstance(value, list) or len(value) > MOST_RELEASED:
        faults.add("released", f"应为公开编号的数组，一次最多 {MOST_RELEASED} 个")
        return {}
    found: dict[str, int] = {}
    for number, one in enumerate(value):
        if isinstance(one, str) and _RECORD.fullmatch(one):
            found.setdefault(one, number)
        else:
            faults.add(f"released[{number}]", "应为公开编号，例如 SX-7F3K2M9A")
    return found


def _find_releases(session: Session, unit_id: int, records: Sequence[str]) -> Mapping[str, list[int]]:
    """The departures of these entries that this unit was told of; of another unit's nothing is known."""
    found: dict[str, list[int]] = {}
    for start in range(0, len(records), _AT_ONCE):
        query = select(LedgerRow.record, LedgerRow.id).where(
            LedgerRow.unit_id == unit_id,
            LedgerRow.kind == LedgerKind.RELEASE.value,
            LedgerRow.record.in_(records[start : start + _AT_ONCE]),
        )
        for record, number in session.execute(query.order_by(LedgerRow.id)):
            found.setdefault(str(record), []).append(number)
    return found


def _carry_out(session: Session, caller: Caller, releases: Sequence[int]) -> bool:
    unit, acting = caller.own_unit(session), caller.acting
    # Every one of them, also where an earlier departure of the same entry was never answered.
    done = [carry_out(session, unit, number, acting) for number in releases]
    return any(done)


def _to_line(caller: Caller, sequence: int) -> Line:
    return Line(
        unit_id=caller.unit,
        kind=LedgerKind.ACK,
        at=caller.site.now,
        by=caller.actor,
        key=f"ack/api/{caller.unit}/{sequence}",
        detail={"sequence": sequence, "words": f"接口确认，公开序号{sequence}"},
    )

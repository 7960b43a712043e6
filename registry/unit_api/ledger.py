"""A unit's own ledger (一单位、一台账, policy B2) by machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from registry.unit_api.base import Api, Caller
from registry.unit_api.reading import Faults, read_count, read_given, refuse_parameters
from registry.units.keys import Scope
from registry.units.ledger import LedgerKind, LedgerLine, list_ledger

PER_PAGE = 50
_LAST_PAGE = 100_000


def add_endpoints(api: Api) -> None:
    """`/ledger`."""

    @api.get("/ledger", Scope.LEDGER)
    def ledger(caller: Caller) -> Mapping[str, Any]:
        faults = Faults()
        refuse_parameters(("page", "kind"), faults)
        page = read_count("page", 1, faults, least=1, most=_LAST_PAGE)
        kind = _read_kind(faults)
        given = read_given(faults)
        faults.refuse()
        with caller.site.court.session() as session:
            lines, total = list_ledger(session, caller.unit, kind=kind, page=page, limit=PER_PAGE)
            caller.write_use(session, "ledger", given, rows=len(lines))
        meta = {"total": total, "page": page, "pages": max(1, -(-total // PER_PAGE))}
        return {"meta": meta, "lines": [show_line(line) for line in lines]}


def show_line(line: LedgerLine) -> dict[str, Any]:
    """A line as it is told."""
    return {
        "id": line.id,
        "kind": line.kind.value,
        "text": line.kind.label,
        "at": line.at.isoformat(),
        "by": line.who_outside,
        "record": line.record,
        "period": line.period,
        "count": line.count,
        "measure": line.measure,
        "basis": line.basis,
        "ends_on": line.ends_on.isoformat() if line.ends_on else None,
        "words": line.words,
    }


def _read_kind(faults: Faults) -> LedgerKind | None:
    values = request.args.getlist("kind")
    if not values:
        return None
    if len(values) != 1 or values[0] not in set(LedgerKind):
        faults.add("kind", f"应为下列之一，写一次：{'、'.join(LedgerKind)}")
        return None
    return LedgerKind(values[0])

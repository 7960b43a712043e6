"""Quarterly feedback by machine, by the same rules as on the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from registry.unit_api.base import Api, Caller
from registry.unit_api.reading import GIVEN_FIELDS, Faults, read_body, read_given, read_whole, refuse_parameters
from registry.units.feedback import Counts, Entered, Feedback, read_feedback, save_draft, submit_feedback
from registry.units.keys import Scope
from registry.units.measures import list_measures
from registry.units.quarters import Quarter
from registry.units.words import check_text

_MOST = 1_000_000
_FIELDS = ("checked", "applied", "lifted")
_LONGEST_REMARKS = 2000
# Stands for one that could not be read, until that is refused.
_NO_QUARTER = Quarter(1, 1)


def add_endpoints(api: Api) -> None:
    """`/feedback`."""

    @api.post("/feedback", Scope.FEEDBACK)
    def feedback(caller: Caller) -> Mapping[str, Any]:
        faults = Faults()
        refuse_parameters((), faults)
        body = read_body({"quarter", "measures", "remarks", "submit", *GIVEN_FIELDS}, faults)
        given = read_given(faults, body, required=True)
        quarter = _read_quarter(body.get("quarter"), faults)
        remarks = _read_remarks(body.get("remarks"), faults)
        submits = body.get("submit", False)
        if not isinstance(submits, bool):
            faults.add("submit", "应为 true（提交）或者 false（保存草稿）")
        with caller.site.court.session() as session:
            known = {one.code for one in list_measures(session, unit_id=caller.unit)}
            counts = _read_measures(body.get("measures"), known, faults)
            faults.refuse()
            unit, acting = caller.own_unit(session), caller.acting
            entered = Entered(measures=counts, remarks=remarks)
            before = read_feedback(session, unit, quarter, acting)
            if not submits:
                save_draft(session, unit, quarter, entered, acting)
            elif before.submitted_at is None or before.entered != entered:
                submit_feedback(session, unit, quarter, entered, acting)
            caller.write_use(session, "feedback", given, rows=len(counts))
            session.flush()
            return show_feedback(read_feedback(session, unit, quarter, acting))


def show_feedback(found: Feedback) -> dict[str, Any]:
    """The feedback of a quarter as it stands."""
    return {
        "quarter": str(found.quarter),
        "state": found.state.value,
        "due": found.due.isoformat(),
        "provisional": found.due_provisional,
        "submitted_at": found.submitted_at.isoformat() if found.submitted_at else None,
        "corrected_at": found.corrected_at.isoformat() if found.corrected_at else None,
        "corrections": found.corrections,
        "measures": {code: asdict(counts) for code, counts in found.entered.measures.items()},
        "remarks": found.entered.remarks,
    }


def _read_quarter(value: Any, faults: Faults) -> Quarter:
    if not isinstance(value, str):
        faults.add("quarter", "请写明季度，例如 2026Q3")
        return _NO_QUARTER
    return faults.check("quarter", lambda: Quarter.parse(value), _NO_QUARTER)


def _read_remarks(value: Any, faults: Faults) -> str:
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        faults.add("remarks", "应为文字")
        return ""
    return (
        faults.check("remarks", lambda: check_text(value, "说明", most=_LONGEST_REMARKS), "") if value.strip() else ""
    )


def _read_measures(value: Any, known: set[str], faults: Faults) -> dict[str, Counts]:
    """The counts by the code of the measure, as the rules keep them: without those that are all 0."""
    if not isinstance(value, dict):
        faults.add("measures", "应为对象：措施代码，以及 checked、applied、lifted 三个数")
        return {}
    found: dict[str, Counts] = {}
    for number, (code, counts) in enumerate(sorted(value.items())):
        # A code that is not in the list may be anything, and is not repeated.
        place = f"measures.{code}" if code in known else f"measures[{number}]"
        if code not in known:
            faults.clash(place, "措施清单中没有本单位的这一代码，清单可能刚刚更新")
        elif not isinstance(counts, dict) or set(counts) - set(_FIELDS):
            faults.add(place, "应为对象，只写 checked、applied、lifted")
        else:
            filled = {**dict.fromkeys(_FIELDS, 0), **counts}
            read = {name: read_whole(filled, name, faults, most=_MOST, label=f"{place}.{name}") for name in _FIELDS}
            if any(read.values()):
                found[code] = Counts(**read)
    return found

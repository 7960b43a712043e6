"""What a unit signs in or asks with is shown once: on the page that answers the form, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

from flask import abort, url_for
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry.desk.base import Desk, act, show
from registry.tables import UnitRow
from registry.units.units import get_unit
from registry.units.words import UnitError

UNIT_ID = "<int(max=2147483647):unit_id>"
ShowUnit = Callable[[Desk, int, str | None], str]


def show_secret(
    desk: Desk, unit_id: int, template: str, make: Callable[[Session, UnitRow], str], show_unit: ShowUnit
) -> ResponseValue | str:
    """Make a secret of a unit and show it on the page `template`; on the unit's page why it was refused."""
    made: list[str] = []

    def carry() -> str:
        with desk.court.session() as session:
            made.append(make(session, find_unit(session, unit_id)))
        return url_for("desk.unit", unit_id=unit_id)

    answer = act(lambda problem: show_unit(desk, unit_id, problem), carry)
    if not made or answer.status_code != 303:
        return answer
    # Not by way of another address: it would have to be kept for that, or stand in it.
    return show(template, secret=made[0], unit_id=unit_id)


def find_unit(session: Session, unit_id: int) -> UnitRow:
    """The unit, locked for the transaction; 404 where there is none."""
    try:
        return get_unit(session, unit_id, lock=True)
    except UnitError:
        abort(404, "没有这个单位")

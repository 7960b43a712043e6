"""What the rules' tests ask of a home."""

from __future__ import annotations

from datetime import date
from typing import Any

from entries import a_person
from flask.testing import FlaskClient
from homes import Home
from sqlalchemy import select

from gongshi.court import Court
from registry.matters import (
    Arrival,
    Channel,
    Claim,
    Content,
    Given,
    MatterKind,
    Step,
    get_matter,
    register_matter,
    take_step,
)
from registry.records import get_row
from registry.tables import ClockRow, LedgerRow, MatterRow, RecordRow, UnitRow

BASIS = "联合惩戒实施意见第三条"
CASE = str(a_person(1)["case_number"])


def entries(public: FlaskClient) -> list[dict[str, Any]]:
    answer = public.get("/api/v1/entries")
    assert answer.status_code == 200
    assert answer.json is not None
    found: list[dict[str, Any]] = answer.json["entries"]
    return found


def number_of(court: Court, case: str = CASE) -> str:
    with court.session() as session:
        return get_row(session, case).number or ""


def row_of(court: Court, case: str = CASE) -> RecordRow:
    with court.session() as session:
        row = get_row(session, case)
        session.expunge(row)
        return row


def add_unit(home: Home, slug: str, *options: str) -> None:
    home.ask("unit", "add", slug, "--name", f"{slug}单位", *options, "--basis", BASIS, "--as", "reviewer")


def unit_of(court: Court, slug: str) -> int:
    with court.reading() as session:
        found = session.scalar(select(UnitRow.id).where(UnitRow.slug == slug))
        assert found is not None
        return found


def ledger(court: Court, slug: str) -> list[tuple[str, str | None]]:
    """The lines of a unit's ledger: kind and record."""
    with court.reading() as session:
        query = select(LedgerRow.kind, LedgerRow.record).join(UnitRow).where(UnitRow.slug == slug)
        return [(kind, record) for kind, record in session.execute(query.order_by(LedgerRow.id))]


def register(court: Court, kind: MatterKind, *, received_on: date | None = None, **changes: Any) -> int:
    """Something that came on paper about the first entry; the matter."""
    with court.session() as session:
        values: dict[str, Any] = {
            "kind": kind,
            "channel": Channel.PAPER,
            "received_on": received_on or court.today,
            "content": Content(words="来件内容", who="丁来件", phone="00000000"),
            "record": get_row(session, CASE) if kind is not MatterKind.COMPLAINT else None,
            "ground": Claim.PERFORMED if kind is MatterKind.OBJECTION else None,
        }
        arrival = Arrival(**{**values, **changes})
        return register_matter(session, court.vault, arrival, court.acting("clerk")).id


def step(court: Court, matter: int, what: Step, actor: str = "second", **given: Any) -> None:
    with court.session() as session:
        row = get_matter(session, matter)
        assert row is not None
        take_step(session, court.vault, row, what, court.acting(actor), Given(**given))


def matter_of(court: Court, matter: int) -> MatterRow:
    with court.session() as session:
        row = session.get_one(MatterRow, matter)
        session.expunge(row)
        return row


def clocks(court: Court, *, running: bool = True) -> dict[str, date]:
    """The clocks by rule, with the day each is due; only those that run, or all."""
    with court.reading() as session:
        query = select(ClockRow.rule, ClockRow.due).order_by(ClockRow.id)
        found = session.execute(query.where(ClockRow.ended.is_(None)) if running else query)
        return {row.rule: row.due for row in found}

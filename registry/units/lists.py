"""The lists that a unit was sent, as its ledger knows them, and acknowledging them on the unit's own page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from registry.acting import Acting
from registry.tables import UnitRow
from registry.units.ledger import LedgerKind, Line, append, find_keys, find_line, find_newest
from registry.units.words import UnitError


@dataclass(frozen=True, slots=True, kw_only=True)
class SentList:
    """A list that a unit was sent: which quarter's, how many entries, and whether the unit said that it has it."""

    id: int
    period: str | None
    revision: int | None
    count: int | None
    at: datetime
    acknowledged: bool


def find_newest_list(session: Session, unit_id: int) -> SentList | None:
    """The newest list that a unit was sent; None where it was sent none."""
    line = find_newest(session, unit_id, LedgerKind.PUSH)
    if line is None:
        return None
    return SentList(
        id=line.id,
        period=line.period,
        revision=line.detail.get("revision"),
        count=line.count,
        at=line.at,
        acknowledged=bool(find_keys(session, _ack_keys(line.id, line.detail.get("dispatch")))),
    )


def acknowledge_list(session: Session, unit: UnitRow, line_id: int, acting: Acting) -> None:
    """A unit says that it has a list; once more adds nothing. Raises UnitError."""
    line = find_line(session, unit.id, line_id, LedgerKind.PUSH)
    if line is None:
        raise UnitError("没有向本单位推送过这份名单")
    ack = Line(
        unit_id=unit.id,
        kind=LedgerKind.ACK,
        at=acting.now,
        by=acting.actor,
        key=_page_key(line_id),
        period=line.period,
        detail={"words": "网页确认"},
    )
    append(session, [ack])


def ack_key(dispatch: str, kind: str) -> str:
    """The key of the line of an answer that came to the notifier."""
    return f"ack/{dispatch}/{kind}"


def _page_key(line_id: int) -> str:
    return f"ack/page/{line_id}"


def _ack_keys(line_id: int, dispatch: str | None) -> list[str]:
    answers = [ack_key(dispatch, kind) for kind in ("received", "aired")] if dispatch else []
    return [_page_key(line_id), *answers]

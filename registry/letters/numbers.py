"""Numbers of letters (文号): one series a kind and year, without a gap, whoever else is drafting."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.tables import JournalHeadRow, LetterRow


def draw_serial(session: Session, year: int, series: str) -> int:
    """The next serial of `series` in `year`. It is the caller's once the transaction is committed, and drawn again
    where it is not; a letter that is void keeps its own."""
    # The one row that everything numbered without a gap is drawn under: another drafter waits until this one is done.
    session.scalars(select(JournalHeadRow.id).where(JournalHeadRow.id == 1).with_for_update()).one()
    last = session.scalar(select(func.max(LetterRow.serial)).where(LetterRow.year == year, LetterRow.series == series))
    return (last or 0) + 1

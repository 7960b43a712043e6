"""Where an entry was taken over from: the lists of other courts (香格里拉市 二（一）) are shown here as those courts keep
them, and nothing of them is decided here."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from registry.record import Origin
from registry.tables import RecordRow, SourceRow

_KEPT = "origins"


class SourceRefused(Exception):
    """A list of another court cannot be taken over so. The message is for the person who tried."""


def find_origin(row: RecordRow) -> Origin | None:
    """The source of a record that is attached to a session; None for the court's own."""
    if row.source is None:
        return None
    session = object_session(row)
    if session is None:
        raise LookupError("a record that was taken over is read in a session")
    # Asked once in a transaction, however many records of the list are read in it.
    known: dict[str, Origin] = session.info.setdefault(_KEPT, {})
    if row.source not in known:
        known[row.source] = read_origin(session, row.source)
    return known[row.source]


def read_origin(session: Session, slug: str) -> Origin:
    """The source with this slug. What names a source that is not there is shown by nobody: it counts as ended."""
    with session.no_autoflush:
        found = session.execute(select(SourceRow.court, SourceRow.active).where(SourceRow.slug == slug)).first()
    return Origin(court=found.court, active=found.active) if found else Origin(court=slug, active=False)


def say_read_only(row: RecordRow) -> str | None:
    """Why nothing of a record is decided here, in Chinese; None for the court's own."""
    origin = find_origin(row)
    if origin is None:
        return None
    return (
        f"该条目转载自{origin.court}公布的名单，本院不办理更正、撤销、删除：应向该院申请（法释〔2017〕7号第十一条、第十二条）；"
        "认为不应继续显示的，可以先行屏蔽"
    )

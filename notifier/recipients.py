"""Who receives the list, and what hangs where. Until recipients are registered there are two, in the sandbox."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Engine, insert, select
from sqlalchemy.orm import Session

from notifier.recall import keep_cases
from notifier.tables import PrintingEntryRow, PrintingRow, RecipientRow
from search_index.document import Document

SANDBOX = "sandbox"
# What is to be taken down is a task on the desk; nothing leaves the house.
TASKS = "tasks"


class RecipientKind(StrEnum):
    TELEVISION = "television"
    E_GOVERNMENT = "e_government"
    # A notice board or a screen of the court itself.
    PRINTING = "printing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    id: int
    slug: str
    name: str
    kind: RecipientKind
    channel: str
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Printing:
    """What was put up: how many entries of the list, where, and when; `taken_down_at` is None while it hangs."""

    id: int
    recipient: str
    place: str
    entries: int
    sequence: int
    put_up_at: datetime
    put_up_by: str
    taken_down_at: datetime | None


_SANDBOX_RECIPIENTS = (
    ("tv", "测试市广播电视台", RecipientKind.TELEVISION),
    ("egov", "测试市电子政务中心", RecipientKind.E_GOVERNMENT),
)


def ensure_sandbox_recipients(engine: Engine, now: datetime) -> None:
    """Register the two sandbox recipients of policy B4 (television station, e-government centre); safe to repeat."""
    with Session(engine) as session, session.begin():
        known = set(session.scalars(select(RecipientRow.slug)))
        session.add_all(
            RecipientRow(slug=slug, name=name, kind=kind, channel=SANDBOX, address=None, active=True, created_at=now)
            for slug, name, kind in _SANDBOX_RECIPIENTS
            if slug not in known
        )


def list_recipients(engine: Engine) -> list[Recipient]:
    """Those who receive runs now, in the order they were registered."""
    query = select(RecipientRow).where(RecipientRow.active, RecipientRow.kind != RecipientKind.PRINTING)
    with Session(engine) as session:
        return [to_recipient(row) for row in session.scalars(query.order_by(RecipientRow.id))]


def to_recipient(row: RecipientRow) -> Recipient:
    return Recipient(
        id=row.id,
        slug=row.slug,
        name=row.name,
        kind=RecipientKind(row.kind),
        channel=row.channel,
        address=row.address,
    )


def add_board(engine: Engine, slug: str, name: str, *, now: datetime) -> int:
    """Register a notice board or a screen; its number. It gets no packages, only tasks."""
    row = RecipientRow(
        slug=slug,
        name=name,
        kind=RecipientKind.PRINTING,
        channel=TASKS,
        address=None,
        active=True,
        created_at=now,
    )
    with Session(engine) as session, session.begin():
        session.add(row)
        session.flush()
        return row.id


def note_printing(
    engine: Engine, slug: str, documents: Collection[Document], *, place: str, sequence: int, by: str, now: datetime
) -> int:
    """Put on record what hangs where; its number. `sequence` is that of the list which `documents` were taken from.
    Raises LookupError when no board has the name."""
    with Session(engine) as session, session.begin():
        board = select(RecipientRow.id).where(RecipientRow.slug == slug, RecipientRow.kind == RecipientKind.PRINTING)
        recipient_id = session.scalar(board)
        if recipient_id is None:
            raise LookupError(f"没有登记名为“{slug[:20]}”的张贴位置")
        row = PrintingRow(
            recipient_id=recipient_id, place=place, sequence=sequence, put_up_at=now, put_up_by=by, taken_down_at=None
        )
        session.add(row)
        session.flush()
        keep_cases(session, {document.record: document.case_number for document in documents})
        if documents:
            rows = [{"printing_id": row.id, "record": document.record} for document in documents]
            session.execute(insert(PrintingEntryRow), rows)
        return row.id


def take_down(engine: Engine, printing_id: int, *, now: datetime) -> bool:
    """A printing no longer hangs; False when it was taken down before. Its tasks are closed by an acknowledgement."""
    with Session(engine) as session, session.begin():
        row = session.get(PrintingRow, printing_id)
        if row is None or row.taken_down_at is not None:
            return False
        row.taken_down_at = now
        return True


def list_printings(engine: Engine) -> list[Printing]:
    """What hangs where, and what hung, the latest first."""
    query = select(PrintingRow, RecipientRow.name).join(RecipientRow, RecipientRow.id == PrintingRow.recipient_id)
    with Session(engine) as session:
        return [
            _to_printing(session, row, name) for row, name in session.execute(query.order_by(PrintingRow.id.desc()))
        ]


def _to_printing(session: Session, row: PrintingRow, recipient: str) -> Printing:
    entries = session.scalars(select(PrintingEntryRow.record).where(PrintingEntryRow.printing_id == row.id)).all()
    return Printing(
        id=row.id,
        recipient=recipient,
        place=row.place,
        entries=len(entries),
        sequence=row.sequence,
        put_up_at=row.put_up_at,
        put_up_by=row.put_up_by,
        taken_down_at=row.taken_down_at,
    )

"""Credit repairs that a unit has agreed to (信用修复, 香格里拉市 四（二）6), as the public credit platform is told of them: by the
number of the entry, which names nobody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from registry.matters.content import Note, read_notes
from registry.matters.states import MatterKind, MatterState, Step
from registry.tables import MatterRow, RecordRow
from registry.vault import Vault
from search_index.day import day_of
from search_index.folding import fold_name

_ALLOWED = "allowed"
# 召信修〔2026〕3号, （2026）测0101信修3号: the short name of who issued it, the year, the serial.
_DOCUMENT_NUMBER = re.compile(r"[\u4e00-\u9fa5]{0,6}[〔（(\[【]\d{4}[〕）)\]】][\u4e00-\u9fa5\d]{0,16}?\d{1,6}号")
# A title that stands before it without a mark between them ends with one of these.
_TITLE = re.compile(r".*(?:决定书|通知书|决定|通知|意见|函|书)")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedRepair:
    """The public number of an entry, the day of the unit's decision, and the number of its document, empty where the
    basis that was noted has none that can be told by its form."""

    record: str
    decided_on: date
    document_number: str


def list_agreed_repairs(session: Session, vault: Vault, since: datetime | None) -> list[AgreedRepair]:
    """The repairs agreed to since a time (all where it is None), and those that still wait to be told of; by number.
    Raises VaultError."""
    query = (
        select(MatterRow, RecordRow)
        .join(RecordRow, RecordRow.id == MatterRow.record_id)
        .where(MatterRow.kind == MatterKind.REPAIR.value, MatterRow.outcome == _ALLOWED, RecordRow.number.is_not(None))
        .order_by(RecordRow.number, MatterRow.id)
    )
    if since is not None:
        query = query.where(or_(MatterRow.decided_at >= since, MatterRow.state == MatterState.ALLOWED.value))
    return [_read(row, record, vault) for row, record in session.execute(query)]


def find_document_number(basis: str, name: str) -> str:
    """The number of the document in a basis; empty where there is none, or where it would hold the name."""
    found = _DOCUMENT_NUMBER.search(basis)
    if found is None:
        return ""
    number = _TITLE.sub("", found[0])
    return "" if fold_name(name) and fold_name(name) in fold_name(number) else number


def _read(row: MatterRow, record: RecordRow, vault: Vault) -> AgreedRepair:
    notes = [note for note in read_notes(row, vault) if note.step == Step.ALLOW.value]
    note: Note | None = notes[-1] if notes else None
    decided_on = note.on if note is not None else None
    if decided_on is None:
        decided_on = day_of(row.decided_at or row.registered_at)
    basis = note.basis if note is not None else row.basis or ""
    number = find_document_number(basis, str(record.facts.get("name") or ""))
    return AgreedRepair(record=record.number or "", decided_on=decided_on, document_number=number)

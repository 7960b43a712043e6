"""What of a restricted record only those see who have to do with it: its ground, and the papers and notices that state it."""

from __future__ import annotations

from flask import abort
from sqlalchemy.orm import Session

from registry.desk.access import Access
from registry.desk.base import current
from registry.preview import is_restricted
from registry.record import Facts
from registry.records import read_record
from registry.tables import RecordRow
from registry.vault import Vault

_HIDDEN = "依法不宜公开的记录，其理由、文件和通报只有经办人、审核人和审计员可以查看（法释〔2017〕7号第六条第（六）项）"


def may_see_ground(row: RecordRow, facts: Facts) -> bool:
    """Whether who is signed in may see on what ground a record is restricted: who prepared or approved it, a reviewer, and
    the auditor (法释〔2017〕7号 art. 8 ¶3, art. 13)."""
    signed_in = current()
    involved = signed_in.name in (row.imported_by, row.approved_by)
    return not is_restricted(facts) or involved or signed_in.may(Access.DECIDE) or signed_in.may(Access.AUDIT)


def may_see_papers(session: Session, vault: Vault, record_id: int | None) -> bool:
    """The same of what belongs to a record by its id; what belongs to none is for everybody who reads."""
    row = session.get(RecordRow, record_id) if record_id is not None else None
    return row is None or may_see_ground(row, read_record(row, vault).facts)


def refuse_outsiders(session: Session, vault: Vault, record_id: int | None) -> None:
    """End the request with 403 where who is signed in may not see the papers of a record."""
    if not may_see_papers(session, vault, record_id):
        abort(403, _HIDDEN)

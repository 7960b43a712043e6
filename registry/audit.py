"""The audit trail: who did what to which record, when, and on what ground (法释〔2017〕7号 art. 13)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from registry.tables import AuditRow


def note(
    session: Session,
    at: datetime,
    actor: str,
    action: str,
    *,
    record: int | None = None,
    batch: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add one audit line, in the transaction of what it tells of. `detail` holds no personal data."""
    session.add(
        AuditRow(at=at, actor=actor, action=action, record_id=record, batch_id=batch, detail=dict(detail or {}))
    )

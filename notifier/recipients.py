"""Who receives the list. Until recipients can be registered there are two, in the sandbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from notifier.tables import RecipientRow

SANDBOX = "sandbox"


class RecipientKind(StrEnum):
    TELEVISION = "television"
    E_GOVERNMENT = "e_government"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    id: int
    slug: str
    name: str
    kind: RecipientKind
    channel: str
    address: str | None


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
    query = select(RecipientRow).where(RecipientRow.active).order_by(RecipientRow.id)
    with Session(engine) as session:
        return [to_recipient(row) for row in session.scalars(query)]


def to_recipient(row: RecipientRow) -> Recipient:
    return Recipient(
        id=row.id,
        slug=row.slug,
        name=row.name,
        kind=RecipientKind(row.kind),
        channel=row.channel,
        address=row.address,
    )

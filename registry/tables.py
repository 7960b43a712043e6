"""The private tables. What identifies a person is sealed (vault.py) or a keyed digest; nothing else names a number."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, Date, ForeignKey, Index, LargeBinary, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from search_index.database import UtcDateTime


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        date: Date,
        dict[str, Any]: JSON,
        str: Text,
        bytes: LargeBinary,
    }


class StaffRow(Base):
    __tablename__ = "staff"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str]
    created_at: Mapped[datetime]


class BatchRow(Base):
    """One import. `ready` turns true in the small commit that makes the whole batch visible at once."""

    __tablename__ = "batch"

    id: Mapped[int] = mapped_column(primary_key=True)
    ready: Mapped[bool]
    format: Mapped[str] = mapped_column(String(32))
    imported_by: Mapped[str] = mapped_column(String(64))
    imported_at: Mapped[datetime]
    accepted: Mapped[int]
    unchanged: Mapped[int]
    quarantined: Mapped[int]
    quarantine_file: Mapped[str | None]


class RecordRow(Base):
    """A debtor in a case. `facts` holds what may be read inside; `sealed` the identifying rest, encrypted.

    `identity` digests the full number, `likeness` only what every mask shows of it, so that a masked and a full
    version of the same entry find each other. `listing` counts the times this debtor was listed in this case.
    `policy` names the rules, and the mask, under which it was last disclosed.
    """

    __tablename__ = "record"
    __table_args__ = (
        UniqueConstraint("case_key", "identity", "listing"),
        Index("ix_record_likeness", "case_key", "likeness"),
        Index("ix_record_due", "state", "id"),
        # What was disclosed under other rules is looked for at every publication.
        Index("ix_record_policy", "state", "policy"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id"), index=True)
    line: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    number: Mapped[str | None] = mapped_column(String(11), unique=True)
    case_key: Mapped[str]
    identity: Mapped[str] = mapped_column(String(64))
    likeness: Mapped[str] = mapped_column(String(64))
    masked: Mapped[bool]
    listing: Mapped[int]
    facts: Mapped[dict[str, Any]]
    sealed: Mapped[bytes]
    source_digest: Mapped[str] = mapped_column(String(64))
    imported_by: Mapped[str] = mapped_column(String(64))
    approved_by: Mapped[str | None] = mapped_column(String(64))
    approved_at: Mapped[datetime | None]
    published_on: Mapped[date | None]
    departed_on: Mapped[date | None]
    departed_ground: Mapped[str | None] = mapped_column(String(32))
    visible_until: Mapped[datetime | None] = mapped_column(index=True)
    policy: Mapped[str | None] = mapped_column(String(64))
    changed_at: Mapped[datetime]


class ProposalRow(Base):
    """A second version of an entry that is already here, waiting for a second person."""

    __tablename__ = "proposal"

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id"), index=True)
    line: Mapped[int]
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"), index=True)
    facts: Mapped[dict[str, Any]]
    sealed: Mapped[bytes]
    source_digest: Mapped[str] = mapped_column(String(64))
    decided: Mapped[bool]


class OpeningRow(Base):
    """That a reviewer was shown each redaction proposed for one version of a record, known by its keyed digest."""

    __tablename__ = "opening"
    __table_args__ = (UniqueConstraint("version", "reader"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(String(64))
    reader: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class DecisionRow(Base):
    """Why an entry was held, shown again, withdrawn, removed or ended, by whom, and since when the ground was known."""

    __tablename__ = "decision"

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"), index=True)
    action: Mapped[str] = mapped_column(String(16))
    ground: Mapped[str | None] = mapped_column(String(32))
    basis: Mapped[str]
    arose_on: Mapped[date]
    known_on: Mapped[date]
    decided_at: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(String(64))
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None] = mapped_column(String(64))


class NoticeRow(Base):
    """That somebody is to be told something in private. Whom, and at which number, is read from the record when the
    notice is handed to the notifier, and kept nowhere else.

    `day` is the day that the notice tells of. `seen` is the last audit line of the record that was known when it was
    judged: whatever is written down after it may have changed what the notice says, or to whom.
    """

    __tablename__ = "notice"
    __table_args__ = (Index("ix_notice_open", "outcome", "expires_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"), index=True)
    day: Mapped[date | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    pumped_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None]
    seen: Mapped[int]


class JournalRow(Base):
    __tablename__ = "journal"

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    subject: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]
    sequence: Mapped[int | None] = mapped_column(unique=True)
    type: Mapped[str | None] = mapped_column(String(16))
    record: Mapped[str | None] = mapped_column(String(11), index=True)
    body: Mapped[str | None]


class JournalHeadRow(Base):
    """The one row that hands out positions and sequences. Locking it is what keeps them without a gap."""

    __tablename__ = "journal_head"

    id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int]
    sequence: Mapped[int]


class AuditRow(Base):
    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(128))
    action: Mapped[str] = mapped_column(String(32))
    record_id: Mapped[int | None] = mapped_column(index=True)
    batch_id: Mapped[int | None]
    detail: Mapped[dict[str, Any]]

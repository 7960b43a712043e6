"""What the notifier keeps: runs, the packages made for them, and every message with every attempt to deliver it.

No row names a debtor: a package's entries are kept by record number, which is all that a later recall needs.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import Date, ForeignKey, Index, MetaData, String, Text, UniqueConstraint
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
    type_annotation_map: ClassVar = {datetime: UtcDateTime, date: Date, str: Text}


class SettingRow(Base):
    """What the notifier has to remember of itself, such as the day it was first started."""

    __tablename__ = "notifier_setting"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str]


class RecipientRow(Base):
    """Who receives runs. `slug` names it in addresses and folders."""

    __tablename__ = "recipient"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(String(32))
    channel: Mapped[str] = mapped_column(String(32))
    address: Mapped[str | None]
    active: Mapped[bool]
    created_at: Mapped[datetime]


class RunRow(Base):
    """A push of one list for one period. The uniqueness is what makes two pushes at once one run."""

    __tablename__ = "push_run"
    __table_args__ = (UniqueConstraint("period", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(String(8))
    kind: Mapped[str] = mapped_column(String(32))
    due_on: Mapped[date]
    days_late: Mapped[int]
    made_by: Mapped[str]
    made_at: Mapped[datetime]


class PackageRow(Base):
    """A numbered revision of a run's files. `content` digests the list and all that is said with it, but not the
    revision and the time: the same content needs no new revision."""

    __tablename__ = "package"
    __table_args__ = (UniqueConstraint("run_id", "revision"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("push_run.id"))
    revision: Mapped[int]
    sequence: Mapped[int]
    content: Mapped[str] = mapped_column(String(64))
    manifest_sha256: Mapped[str] = mapped_column(String(64))
    entries: Mapped[int]
    last_day_of_use: Mapped[date]
    made_at: Mapped[datetime]


class PackageEntryRow(Base):
    """Which records a package held."""

    __tablename__ = "package_entry"

    package_id: Mapped[int] = mapped_column(ForeignKey("package.id"), primary_key=True)
    record: Mapped[str] = mapped_column(String(11), primary_key=True, index=True)


class MessageRow(Base):
    """One package for one recipient. `revision` is 0 until an attempt has fixed which one it carries.

    `attempts` counts the attempts begun and fences them: only the last may close the message.
    """

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("run_id", "recipient_id", "channel", "revision"),
        Index("ix_message_due", "state", "next_attempt_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("push_run.id"))
    recipient_id: Mapped[int] = mapped_column(ForeignKey("recipient.id"))
    channel: Mapped[str] = mapped_column(String(32))
    revision: Mapped[int]
    state: Mapped[str] = mapped_column(String(32))
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    queued_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class AttemptRow(Base):
    """One try to deliver a message, written before the call and closed after it."""

    __tablename__ = "attempt"
    __table_args__ = (UniqueConstraint("message_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    package_id: Mapped[int] = mapped_column(ForeignKey("package.id"))
    number: Mapped[int]
    worker: Mapped[str]
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(32))
    detail: Mapped[str | None]

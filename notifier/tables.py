"""What the notifier keeps: runs, the packages made for them, and every message with every attempt to deliver it.

No row of a run or a recall names a debtor: a package's entries are kept by record number, and by the case number that
a later recall names them with.
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
    """Who receives runs. `slug` names it in addresses and folders. `options` is a JSON object of what the channel needs to
    know and may be shown, `secret` what may not (a signing secret, a password). `token_hash` is the digest of the token
    with which it fetches packages itself. The liaison is told when an answer is overdue."""

    __tablename__ = "recipient"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(String(32))
    channel: Mapped[str] = mapped_column(String(32))
    address: Mapped[str | None]
    options: Mapped[str] = mapped_column(default="{}", server_default="{}")
    secret: Mapped[str | None]
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True, index=True)
    liaison_name: Mapped[str | None]
    liaison_phone: Mapped[str | None]
    liaison_mail: Mapped[str | None]
    active: Mapped[bool]
    created_at: Mapped[datetime]


class RunRow(Base):
    """A push of one list for one period. The uniqueness is what makes two pushes at once one run. `commission_number` is
    fixed by the first package that has one: processes may be set up differently."""

    __tablename__ = "push_run"
    __table_args__ = (UniqueConstraint("period", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(String(8))
    kind: Mapped[str] = mapped_column(String(32))
    due_on: Mapped[date]
    days_late: Mapped[int]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    commission_number: Mapped[str | None]


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


class RecallRow(Base):
    """A departure or correction of an entry that some package held, or a clarification of it. `sequence` is that of the
    public change (0 for a clarification, which is none), `due_on` the last day for what a recipient has to do."""

    __tablename__ = "recall"
    # After a list was restored from a backup, sequences come a second time.
    __table_args__ = (UniqueConstraint("sequence", "record", "at"), Index("ix_recall_record", "record", "sequence"))

    id: Mapped[int] = mapped_column(primary_key=True)
    sequence: Mapped[int]
    record: Mapped[str] = mapped_column(String(11))
    case_number: Mapped[str | None]
    type: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime]
    due_on: Mapped[date]
    made_at: Mapped[datetime]


class MessageRow(Base):
    """One message to one address. `key` is what makes it once, `dispatch` what providers are given of it.

    A package has no content of its own: `revision` is 0 until an attempt has fixed which one it carries. `record` is the
    entry that must still be public when the message goes out. `attempts` counts the attempts begun and fences them: only
    the last may close the message. `next_attempt_at` is when the provider is asked again where the end is not known.
    `called_on` is the last day on which it left the house.
    """

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("run_id", "recipient_id", "channel", "revision"),
        Index("ix_message_due", "state", "channel", "priority", "next_attempt_at", "id"),
        Index("ix_message_address_hash", "address_hash", "called_on"),
        Index("ix_message_recipient_id", "recipient_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    dispatch: Mapped[str] = mapped_column(String(32), unique=True)
    purpose: Mapped[str] = mapped_column(String(16))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("push_run.id"))
    recipient_id: Mapped[int | None] = mapped_column(ForeignKey("recipient.id"))
    recall_id: Mapped[int | None] = mapped_column(ForeignKey("recall.id"), index=True)
    channel: Mapped[str] = mapped_column(String(32))
    address: Mapped[str | None]
    address_hash: Mapped[str | None] = mapped_column(String(64))
    content: Mapped[str | None]
    record: Mapped[str | None] = mapped_column(String(11))
    citizen: Mapped[bool]
    priority: Mapped[int]
    revision: Mapped[int]
    state: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str | None]
    attempts: Mapped[int]
    failures: Mapped[int]
    lookups: Mapped[int]
    next_attempt_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    called_on: Mapped[date | None]
    queued_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class AttemptRow(Base):
    """One try to deliver a message, written before the call and closed after it. `called_at` is written, and safe on
    the disk, before the channel is called: without it nothing has left the house. `reference` is the provider's."""

    __tablename__ = "attempt"
    __table_args__ = (UniqueConstraint("message_id", "number"), Index("ix_attempt_reference", "reference"))

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    package_id: Mapped[int | None] = mapped_column(ForeignKey("package.id"), index=True)
    number: Mapped[int]
    worker: Mapped[str]
    begun_at: Mapped[datetime]
    called_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(32))
    detail: Mapped[str | None]
    reference: Mapped[str | None] = mapped_column(String(128))


class ReceiptRow(Base):
    """What a provider reported of a message, once however often it says so (`token`). Without a message until the call
    that it belongs to has returned with its reference."""

    __tablename__ = "receipt"
    __table_args__ = (Index("ix_receipt_reference", "reference"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    channel: Mapped[str] = mapped_column(String(32))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), index=True)
    reference: Mapped[str | None] = mapped_column(String(128))
    state: Mapped[str] = mapped_column(String(32))
    detail: Mapped[str]
    received_at: Mapped[datetime]
    applied: Mapped[bool]


class GatewayEventRow(Base):
    """That an event which is not a receipt (an opt-out, a signed answer) has been applied, by a digest that names nobody."""

    __tablename__ = "gateway_event"

    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(index=True)


class SuppressionRow(Base):
    """An address that gets nothing more, by its digest."""

    __tablename__ = "suppression"

    address_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[str]
    opted_out: Mapped[bool]
    since: Mapped[datetime]


class ChannelRow(Base):
    """A channel that pauses until a person resumes it (`paused_at`), or that wants to be left alone for a while."""

    __tablename__ = "channel"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    paused_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    held_until: Mapped[datetime | None]


class ChannelDayRow(Base):
    """How many calls a channel with a daily limit was given on a day."""

    __tablename__ = "channel_day"

    channel: Mapped[str] = mapped_column(String(32), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    calls: Mapped[int]


class RunApprovalRow(Base):
    """A person's yes to the run of a period, given before the run is made."""

    __tablename__ = "run_approval"

    period: Mapped[str] = mapped_column(String(8), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    approved_by: Mapped[str]
    approved_at: Mapped[datetime]


class EntryCaseRow(Base):
    """The case number by which a recall names a record, whose words are gone by then."""

    __tablename__ = "entry_case"

    record: Mapped[str] = mapped_column(String(11), primary_key=True)
    case_number: Mapped[str | None]


class PrintingRow(Base):
    """What hangs where: a notice or a screen that shows entries of one moment, until it is taken down."""

    __tablename__ = "printing"

    id: Mapped[int] = mapped_column(primary_key=True)
    recipient_id: Mapped[int] = mapped_column(ForeignKey("recipient.id"))
    place: Mapped[str]
    sequence: Mapped[int]
    put_up_at: Mapped[datetime]
    put_up_by: Mapped[str]
    taken_down_at: Mapped[datetime | None]


class PrintingEntryRow(Base):
    """Which records a printing shows."""

    __tablename__ = "printing_entry"

    printing_id: Mapped[int] = mapped_column(ForeignKey("printing.id"), primary_key=True)
    record: Mapped[str] = mapped_column(String(11), primary_key=True, index=True)


class MessageRecallRow(Base):
    """The recalls that a letter is about beside its first one, `message.recall_id`."""

    __tablename__ = "message_recall"

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), primary_key=True)
    recall_id: Mapped[int] = mapped_column(ForeignKey("recall.id"), primary_key=True, index=True)


class DeskActionRow(Base):
    """Who did what on the desk, where the row that it changed has no place for a name."""

    __tablename__ = "desk_action"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str]
    done_by: Mapped[str]


class ExportRow(Base):
    """An export of the list for a platform: up to which sequence it has been told. `since` is null for a whole list."""

    __tablename__ = "export"
    __table_args__ = (Index("ix_export_profile", "profile", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    profile: Mapped[str] = mapped_column(String(32))
    title: Mapped[str]
    version: Mapped[int]
    file_format: Mapped[str] = mapped_column(String(8))
    since: Mapped[int | None]
    sequence: Mapped[int]
    entries: Mapped[int]
    departures: Mapped[int]
    repairs: Mapped[int]
    manifest_sha256: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]


class AcknowledgementRow(Base):
    """What a recipient confirmed of a message: received, aired, or taken down; by whom, when and where."""

    __tablename__ = "acknowledgement"
    __table_args__ = (UniqueConstraint("message_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    kind: Mapped[str] = mapped_column(String(16))
    given_by: Mapped[str]
    given_at: Mapped[datetime]
    place: Mapped[str | None]
    noted_by: Mapped[str]
    noted_at: Mapped[datetime]


class SentBeforeRow(Base):
    """Something that this home sent before it was lost and that the backup it came back from does not know. What is queued
    again with the same `meaning` (fencing.py) is not sent: it is taken for this. `message_id` is what it turned out to be.
    """

    __tablename__ = "sent_before"
    __table_args__ = (Index("ix_sent_before_open", "meaning", "message_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    meaning: Mapped[str] = mapped_column(String(64))
    dispatch: Mapped[str] = mapped_column(String(32), unique=True)
    purpose: Mapped[str] = mapped_column(String(16))
    channel: Mapped[str] = mapped_column(String(32))
    recipient: Mapped[str] = mapped_column(String(64))
    called_at: Mapped[datetime]
    # How its last attempt ended; null where nobody can tell.
    outcome: Mapped[str | None] = mapped_column(String(32))
    reference: Mapped[str | None] = mapped_column(String(128))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))

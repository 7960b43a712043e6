"""The private tables. What identifies a person is sealed (vault.py) or a keyed digest; nothing else names a number."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    true,
)
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
    active: Mapped[bool] = mapped_column(default=True, server_default=true())
    # Who does this person's work, and is alarmed, while the person is away.
    deputy: Mapped[str | None] = mapped_column(String(64))
    away_until: Mapped[date | None]
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    locked_until: Mapped[datetime | None]
    # The sealed secret of the second factor, and the last time step that was taken.
    totp: Mapped[bytes | None]
    totp_step: Mapped[int] = mapped_column(default=0, server_default="0")
    password_changed_at: Mapped[datetime | None]


class SessionRow(Base):
    """Somebody who is signed in. The cookie is known by its digest only; `realm` is desk or units."""

    __tablename__ = "session"

    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    realm: Mapped[str] = mapped_column(String(8))
    account: Mapped[str] = mapped_column(String(64), index=True)
    # What forms of this session are authenticated with.
    form_key: Mapped[str] = mapped_column(String(64))
    second_factor: Mapped[bool]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class FormRow(Base):
    """That a form was sent once: a double touch of a button is one action."""

    __tablename__ = "form"

    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)


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
    `policy` names the rules, and the mask, under which it was last disclosed. `stage` is the work list that the record
    is on (lifecycle.Stage), `name_key` the folded name by which the desk finds it; both follow from the rest.
    """

    __tablename__ = "record"
    __table_args__ = (
        UniqueConstraint("case_key", "identity", "listing"),
        Index("ix_record_likeness", "case_key", "likeness"),
        Index("ix_record_due", "state", "id"),
        # What was disclosed under other rules is looked for at every publication.
        Index("ix_record_policy", "state", "policy"),
        Index("ix_record_stage", "stage", "id"),
        Index("ix_record_batch_stage", "batch_id", "stage"),
        # By these an applicant of a unit is compared with the whole list.
        Index("ix_record_identity", "identity"),
        Index("ix_record_alike", "likeness"),
        Index("ix_record_hidden", "name_key", "masked", "passport"),
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
    # Empty in rows older than these columns, until `init` fills them in.
    stage: Mapped[str] = mapped_column(String(16), server_default="")
    name_key: Mapped[str] = mapped_column(index=True, server_default="")
    # The last day of the time of grace (宽限期): nothing is published before it is over.
    grace_until: Mapped[date | None] = mapped_column(index=True)
    # Whether the number is that of a passport or a permit; null in rows older than the column, until `init` fills it in.
    passport: Mapped[bool | None] = mapped_column(index=True)
    # The slug of the list of another court that it was taken over from; null for the court's own.
    source: Mapped[str | None] = mapped_column(String(40), index=True)


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
    # The matter in which it was decided.
    matter_id: Mapped[int | None]


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
    # By this the departures that a reader in bulk has not confirmed are found among all the lines that are none.
    __table_args__ = (Index("ix_journal_type", "type", "sequence"),)

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    subject: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]
    sequence: Mapped[int | None] = mapped_column(unique=True)
    type: Mapped[str | None] = mapped_column(String(16))
    record: Mapped[str | None] = mapped_column(String(11), index=True)
    # Of the subjects that are not entries: which of them the line is about.
    key: Mapped[str | None] = mapped_column(String(64), index=True)
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
    # The digest of this line and of the link before it; null in lines older than the chain.
    link: Mapped[str | None] = mapped_column(String(64))


class AuditHeadRow(Base):
    """The one row that holds the end of the chain. Locking it, last of all rows, is what keeps the chain one."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True)
    line: Mapped[int]
    link: Mapped[str] = mapped_column(String(64))


class ClockRow(Base):
    """A deadline that runs (deadlines.Rule): since when, on what evidence, until when, and how it ended.

    `ended` is met, missed (the act came too late) or void (nothing was to be done any more); null while it runs.
    `alarmed_at` is when those concerned were told that it is near, `acted_at` when the product did by itself what the
    rule says must not wait.
    """

    __tablename__ = "clock"
    __table_args__ = (Index("ix_clock_due", "ended", "due"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(String(32))
    record_id: Mapped[int | None] = mapped_column(ForeignKey("record.id"), index=True)
    matter_id: Mapped[int | None] = mapped_column(ForeignKey("matter.id"), index=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    started_on: Mapped[date]
    evidence: Mapped[str]
    profile: Mapped[str] = mapped_column(String(16))
    due: Mapped[date]
    provisional: Mapped[bool]
    article: Mapped[str]
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(String(64))
    ended: Mapped[str | None] = mapped_column(String(8))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(64))
    alarmed_at: Mapped[datetime | None]
    acted_at: Mapped[datetime | None]


class AlarmRow(Base):
    """That somebody was told of a clock: that it is near, that it is over, or what the product did by itself."""

    __tablename__ = "alarm"
    __table_args__ = (UniqueConstraint("clock_id", "staff", "kind"), Index("ix_alarm_open", "staff", "seen_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    clock_id: Mapped[int] = mapped_column(ForeignKey("clock.id"))
    staff: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(8))
    at: Mapped[datetime]
    seen_at: Mapped[datetime | None]


class MatterRow(Base):
    """A matter (办件) that somebody brought or that became known: a ground to take a name down, an objection, a complaint,
    a credit repair. `sealed` holds who brought it and in which words; `summary` names nobody.

    `received_on` is the day it truly arrived, `registered_at` when it was put in. `token` is the digest by which the
    portal shows where it stands, and `told` the state that was told there last.
    """

    __tablename__ = "matter"
    __table_args__ = (Index("ix_matter_open", "kind", "closed_at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(24))
    receipt: Mapped[str | None] = mapped_column(String(24), unique=True)
    token: Mapped[str | None] = mapped_column(String(64), unique=True)
    channel: Mapped[str] = mapped_column(String(16))
    record_id: Mapped[int | None] = mapped_column(ForeignKey("record.id"), index=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    ground: Mapped[str | None] = mapped_column(String(32))
    received_on: Mapped[date]
    arose_on: Mapped[date | None]
    known_on: Mapped[date | None]
    registered_at: Mapped[datetime]
    registered_by: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[bytes]
    summary: Mapped[str | None]
    outcome: Mapped[str | None] = mapped_column(String(24))
    basis: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(64))
    served_on: Mapped[date | None]
    closed_at: Mapped[datetime | None]
    told: Mapped[str | None] = mapped_column(String(24))


class SubmissionRow(Base):
    """A sealed file of the drop folder that was collected, known by its digest, so that it is taken once."""

    __tablename__ = "submission"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    collected_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(16))
    matter_id: Mapped[int | None]


class PaperRow(Base):
    """A document attached to a record or a matter. The bytes lie sealed in a file of their own; `sealed` holds its name."""

    __tablename__ = "paper"

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int | None] = mapped_column(ForeignKey("record.id"), index=True)
    matter_id: Mapped[int | None] = mapped_column(ForeignKey("matter.id"), index=True)
    kind: Mapped[str] = mapped_column(String(24))
    media: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    file: Mapped[str] = mapped_column(String(64), unique=True)
    sealed: Mapped[bytes]
    added_at: Mapped[datetime]
    added_by: Mapped[str] = mapped_column(String(64))


class LetterRow(Base):
    """A numbered letter of the court: a sealed notice (通报), a decision on an objection, a certificate of departure.

    `sealed` holds to whom and what beyond the template. `verify` is the number by which a certificate is checked.
    """

    __tablename__ = "letter"
    __table_args__ = (UniqueConstraint("year", "series", "serial"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    year: Mapped[int]
    series: Mapped[str] = mapped_column(String(16))
    serial: Mapped[int]
    record_id: Mapped[int | None] = mapped_column(ForeignKey("record.id"), index=True)
    matter_id: Mapped[int | None] = mapped_column(ForeignKey("matter.id"), index=True)
    state: Mapped[str] = mapped_column(String(16))
    sealed: Mapped[bytes]
    verify: Mapped[str | None] = mapped_column(String(32), unique=True)
    drafted_at: Mapped[datetime]
    drafted_by: Mapped[str] = mapped_column(String(64))
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None] = mapped_column(String(64))
    delivered_on: Mapped[date | None]
    answered_on: Mapped[date | None]
    outcome: Mapped[str | None]


class ChecklistRow(Base):
    """The answers to the checklist of art. 3 for one version of a record (its keyed digest), by one reader."""

    __tablename__ = "checklist"
    __table_args__ = (UniqueConstraint("version", "reader"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(String(64))
    reader: Mapped[str] = mapped_column(String(64))
    answers: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class ResolutionRow(Base):
    """What a reviewer decided of one proposed redaction of one version of a record: to redact it, or to show it and why."""

    __tablename__ = "resolution"
    __table_args__ = (UniqueConstraint("version", "reader", "field", "start", "end", "rule"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(String(64))
    reader: Mapped[str] = mapped_column(String(64))
    field: Mapped[str] = mapped_column(String(24))
    start: Mapped[int]
    end: Mapped[int]
    rule: Mapped[str] = mapped_column(String(32))
    verdict: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str | None]
    at: Mapped[datetime]


class SampleRow(Base):
    """A record drawn for the sample check of a batch, for one reviewer, and what the reviewer found."""

    __tablename__ = "sample"
    __table_args__ = (UniqueConstraint("batch_id", "reader", "record_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id"))
    reader: Mapped[str] = mapped_column(String(64))
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"))
    drawn_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    verdict: Mapped[str | None] = mapped_column(String(8))


class ArticleRow(Base):
    """A short text for the portal: a typical case, a reward notice, figures, an exit notice, a clarification.

    Written by one person and agreed to by another; its key in the journal is the id.
    """

    __tablename__ = "article"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), index=True)
    title: Mapped[str]
    body: Mapped[str]
    record_id: Mapped[int | None] = mapped_column(ForeignKey("record.id"), index=True)
    written_at: Mapped[datetime]
    written_by: Mapped[str] = mapped_column(String(64))
    agreed_at: Mapped[datetime | None]
    agreed_by: Mapped[str | None] = mapped_column(String(64))
    published_at: Mapped[datetime | None]
    visible_until: Mapped[datetime | None]


class UnitRow(Base):
    """A joint-punishment unit (联合惩戒单位), or a member of the leading group (领导小组): what it receives, on what basis.

    `recipient` is the slug under which the notifier sends to it.
    """

    __tablename__ = "unit"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str]
    department: Mapped[str | None]
    leading: Mapped[bool]
    basis: Mapped[str]
    receives: Mapped[dict[str, Any]]
    recipient: Mapped[str | None] = mapped_column(String(40))
    active: Mapped[bool]
    created_at: Mapped[datetime]


class LiaisonRow(Base):
    """A liaison (联络员) of a unit; name, telephone and mail are sealed."""

    __tablename__ = "liaison"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    sealed: Mapped[bytes]
    since: Mapped[date]
    until: Mapped[date | None]


class UnitAccountRow(Base):
    """How a unit's people or machines sign in: an account with a password, or a token."""

    __tablename__ = "unit_account"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(8))
    secret: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    active: Mapped[bool]
    failures: Mapped[int]
    locked_until: Mapped[datetime | None]


class UnitKeyRow(Base):
    """A key with which a machine of a unit asks. `secret` is its digest; `scopes` (a JSON object, name: true) is what it may
    ask, `addresses` (`networks`: a list of CIDR) from where. `ends_at` is when it stops: with the year, or after a successor
    was made, so that a machine can change over without a gap."""

    __tablename__ = "unit_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    secret: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[dict[str, Any]]
    addresses: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(64))
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class UnitUseRow(Base):
    """That a unit used the list: by which key or account, for what purpose, who (网络数据安全管理条例 art. 12: kept three
    years). It names no applicant: `reference` is the unit's own number of the application."""

    __tablename__ = "unit_use"
    __table_args__ = (Index("ix_unit_use_unit", "unit_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    key_id: Mapped[int | None] = mapped_column(ForeignKey("unit_key.id"))
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(String(16))
    purpose: Mapped[str | None]
    operator: Mapped[str | None]
    reference: Mapped[str | None]
    rows: Mapped[int]
    hits: Mapped[int]


class UnitEventRow(Base):
    """Something that a unit's own system is to be told (unit webhooks): pumped into the notifier once, by `key`. `body` names
    a record by its public number and holds nothing else of it."""

    __tablename__ = "unit_event"
    __table_args__ = (Index("ix_unit_event_open", "pumped_at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    key: Mapped[str] = mapped_column(String(96), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    body: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    pumped_at: Mapped[datetime | None]


class ReaderRow(Base):
    """A reader of the list in bulk. `sealed` holds who it is and how to reach them; `purpose` names nobody. `digest` is that
    of its key; the one before stays good until `former_until`. `acked` is the last sequence whose departures it confirmed,
    `since` the sequence at which it got its key."""

    __tablename__ = "reader"

    id: Mapped[int] = mapped_column(primary_key=True)
    watermark: Mapped[str] = mapped_column(String(16), unique=True)
    sealed: Mapped[bytes]
    purpose: Mapped[str]
    terms: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    former: Mapped[str | None] = mapped_column(String(64), unique=True)
    former_until: Mapped[datetime | None]
    issued_at: Mapped[datetime]
    issued_by: Mapped[str] = mapped_column(String(64))
    ends_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    since: Mapped[int]
    acked: Mapped[int]
    acked_at: Mapped[datetime | None]
    suspended_at: Mapped[datetime | None]


class SourceRow(Base):
    """A list of another court (the higher courts' lists of policy B1) whose entries are taken over, read-only. `digest` is
    that of its newest whole list, of `rows` rows."""

    __tablename__ = "source"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    court: Mapped[str] = mapped_column(unique=True)
    basis: Mapped[str]
    active: Mapped[bool]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(64))
    listed_at: Mapped[datetime | None]
    digest: Mapped[str | None] = mapped_column(String(64))
    rows: Mapped[int | None]


class MeasureRow(Base):
    """A measure of joint punishment (惩戒措施) and the unit that is responsible: a list the court keeps."""

    __tablename__ = "measure"

    code: Mapped[str] = mapped_column(String(32), primary_key=True)
    text: Mapped[str]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    basis: Mapped[str]
    active: Mapped[bool]


class LedgerRow(Base):
    """A line of a unit's ledger (台账): a push, an acknowledgement, a comparison, a hit, feedback, a release, a measure that
    is retained. `key` makes what is brought over from elsewhere come once. `record` is a public number."""

    __tablename__ = "ledger"
    __table_args__ = (Index("ix_ledger_unit", "unit_id", "kind", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    key: Mapped[str | None] = mapped_column(String(96), unique=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(16))
    record: Mapped[str | None] = mapped_column(String(11), index=True)
    period: Mapped[str | None] = mapped_column(String(6))
    count: Mapped[int | None]
    measure: Mapped[str | None] = mapped_column(String(32))
    basis: Mapped[str | None]
    ends_on: Mapped[date | None]
    by: Mapped[str] = mapped_column(String(64))
    detail: Mapped[dict[str, Any]]


class FeedbackRow(Base):
    """A unit's feedback (反馈) for a quarter."""

    __tablename__ = "feedback"
    __table_args__ = (UniqueConstraint("unit_id", "period"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    period: Mapped[str] = mapped_column(String(6))
    figures: Mapped[dict[str, Any]]
    remarks: Mapped[str | None]
    submitted_at: Mapped[datetime | None]
    submitted_by: Mapped[str | None] = mapped_column(String(64))


class ConsentRow(Base):
    """One application that a unit refused because of the list, or agreed to in spite of it (仍予以同意) and why."""

    __tablename__ = "consent"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    period: Mapped[str] = mapped_column(String(6))
    record: Mapped[str] = mapped_column(String(11))
    kind: Mapped[str] = mapped_column(String(16))
    measure: Mapped[str | None] = mapped_column(String(32))
    reason: Mapped[str | None]
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(64))
    # When the leading group was told; null for what is only told with the quarter.
    reported_at: Mapped[datetime | None]


class FindingRow(Base):
    """A matter of `doctor` that is not as it should be: since when, when it was last seen so, who was told by mail, and who
    has read it on the desk. The row goes when the matter is in order again; the audit trail keeps both."""

    __tablename__ = "finding"
    __table_args__ = (UniqueConstraint("matter", "text_digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    matter: Mapped[str] = mapped_column(String(64))
    grade: Mapped[str] = mapped_column(String(8))
    text: Mapped[str]
    text_digest: Mapped[str] = mapped_column(String(64))
    since: Mapped[datetime]
    seen_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    read_by: Mapped[str | None] = mapped_column(String(64))


class EmergencyRow(Base):
    """That somebody hid an entry, or the whole list (`record` is null), on the portal itself with a sealed code. `mark` names
    the mark that the portal made. It holds until two people lift it, or the entry has left the list."""

    __tablename__ = "emergency"

    id: Mapped[int] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(String(64), unique=True)
    record: Mapped[str | None] = mapped_column(String(11), index=True)
    code: Mapped[int]
    hidden_at: Mapped[datetime]
    collected_at: Mapped[datetime]
    lift_asked_at: Mapped[datetime | None]
    lift_asked_by: Mapped[str | None] = mapped_column(String(64))
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None] = mapped_column(String(64))


class JournalFileRow(Base):
    """A numbered file of the journal for a portal on an isolated network: the positions after `first` up to `last`, where the
    journal ended then, and the chain that the next file names (search_index/journal_file.py). `written_at` is null until the
    file has been written whole."""

    __tablename__ = "journal_file"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[str] = mapped_column(String(32))
    first: Mapped[int]
    last: Mapped[int]
    end: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    written_at: Mapped[datetime | None]


class BackupRow(Base):
    """A backup that was made: where, how large, its digest, the end of the journal in it, when it was read again whole, and
    when it was last restored on trial."""

    __tablename__ = "backup"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(String(64))
    position: Mapped[int]
    made_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]

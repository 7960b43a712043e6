"""Who receives the list, and what hangs where. Until recipients are registered there are two, in the sandbox."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from random import Random

from sqlalchemy import Engine, Select, insert, select
from sqlalchemy.orm import Session

from notifier.channels import Outcome
from notifier.enrolling import SANDBOX as SANDBOX
from notifier.enrolling import BadRecipient, Enrolment, Liaison
from notifier.institutions import WEBHOOK, Endpoint, FindEndpoint
from notifier.outbox import SYSTEM_RANDOM
from notifier.recall import keep_cases, lock_watermark
from notifier.states import MessageState
from notifier.tables import AttemptRow, MessageRow, PrintingEntryRow, PrintingRow, RecipientRow, SettingRow
from search_index.database import for_reading
from search_index.document import Document

# What is to be taken down is a task on the desk; nothing leaves the house.
TASKS = "tasks"


PULL_TOKEN = "gsp_"  # noqa: S105  # what the token of a recipient that pulls begins with
# Under which name what came of the last trial of a recipient is kept.
_TRIAL = "trial/"
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_TOKEN_LENGTH = 32


class RecipientKind(StrEnum):
    TELEVISION = "television"
    E_GOVERNMENT = "e_government"
    NEWSPAPER = "newspaper"
    NEW_MEDIA = "new_media"
    OTHER = "other"
    # A notice board or a screen of the court itself.
    PRINTING = "printing"

    @property
    def label(self) -> str:
        return _KIND_LABEL[self]


_KIND_LABEL = {
    RecipientKind.TELEVISION: "广播电视台",
    RecipientKind.E_GOVERNMENT: "电子政务中心",
    RecipientKind.NEWSPAPER: "报社",
    RecipientKind.NEW_MEDIA: "网站和新媒体",
    RecipientKind.OTHER: "其他单位",
    RecipientKind.PRINTING: "张贴和电子屏",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    id: int
    slug: str
    name: str
    kind: RecipientKind
    channel: str
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """When a recipient was last tried out, and what came of it."""

    at: datetime
    state: MessageState
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A recipient with what staff may see of it: no secret, and no token."""

    recipient: Recipient
    active: bool
    options: Mapping[str, str]
    has_secret: bool
    has_token: bool
    liaison: Liaison
    created_at: datetime
    tried: Tried | None


class ListMoved(ValueError):
    """The list has changed since it was read. The message is for the person at the desk."""

    def __init__(self) -> None:
        super().__init__("名单刚刚有变动，请核对后重新登记")


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxReplaced:
    """How many of a new home's recipients in the sandbox were retired, and how many are left as they were used."""

    retired: int = 0
    left: int = 0


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
            if known.isdisjoint((slug, _aside(slug)))
        )


def add_recipient(
    engine: Engine, checked: Enrolment, *, now: datetime, replace_sandbox: bool = False
) -> SandboxReplaced:
    """Register a recipient that `notifier.enrolling.check_enrolment` has passed. Raises BadRecipient.

    With `replace_sandbox` those of a new home's recipients in the sandbox that nothing was ever sent to are retired, and
    give their slugs back. What was sent to the others may be in somebody's hands: they stay until a person retires them.
    """
    row = RecipientRow(
        slug=checked.slug,
        name=checked.name,
        kind=RecipientKind(checked.kind),
        channel=checked.channel,
        address=checked.address,
        options=json.dumps(dict(checked.options), ensure_ascii=False, sort_keys=True),
        secret=checked.secret,
        liaison_name=checked.liaison.name,
        liaison_phone=checked.liaison.phone,
        liaison_mail=checked.liaison.mail,
        active=True,
        created_at=now,
    )
    with Session(engine) as session, session.begin():
        replaced = _retire_sandbox(session) if replace_sandbox else SandboxReplaced()
        _add(session, row)
        return replaced


def retire_recipient(engine: Engine, slug: str) -> bool:
    """It gets no more packages, but is still told of what leaves from those it was sent; False when it was retired
    before. Raises LookupError."""
    with Session(engine) as session, session.begin():
        row = _get_row(session, slug)
        was_active, row.active = row.active, False
        return was_active


def issue_token(engine: Engine, slug: str, *, rotate: bool = False, random: Random = SYSTEM_RANDOM) -> str:
    """A new token with which a recipient fetches packages and recalls itself; only its digest is kept. `rotate` replaces
    the one there is, which ends at once. Raises LookupError and BadRecipient."""
    token = PULL_TOKEN + "".join(random.choices(_LETTERS, k=_TOKEN_LENGTH))
    with Session(engine) as session, session.begin():
        row = _get_row(session, slug)
        if row.token_hash is not None and not rotate:
            raise BadRecipient("已有令牌，令牌只在发放时显示一次；更换请加 --rotate，旧令牌随即失效")
        row.token_hash = _hash_token(token)
    return token


def rotate_secret(engine: Engine, slug: str, secret: str | None) -> None:
    """Sign with `secret` as well as with the one there is, until the recipient has changed over; None: from now on
    with the newest alone. Raises LookupError and BadRecipient."""
    with Session(engine) as session, session.begin():
        row = _get_row(session, slug)
        if row.channel != WEBHOOK or not row.secret:
            raise BadRecipient("只有 HTTPS 推送有签名密钥")
        known = row.secret.split()
        # The oldest is what the recipient uses, also where a second one was never handed over.
        row.secret = known[0] if secret is None else f"{secret} {known[-1]}"


def find_by_token(engine: Engine, token: str) -> Recipient | None:
    """Whose token this is; who is retired has it still, to fetch its recalls. None for any other text."""
    if not token.startswith(PULL_TOKEN):
        return None
    query = select(RecipientRow).where(RecipientRow.token_hash == _hash_token(token))
    with Session(for_reading(engine)) as session:
        row = session.scalars(query).first()
        return to_recipient(row) if row is not None else None


def open_endpoints(engine: Engine) -> FindEndpoint:
    """Where each recipient is reached, as it is registered at the moment of asking."""

    def find(slug: str) -> Endpoint | None:
        with Session(for_reading(engine)) as session:
            row = session.scalars(select(RecipientRow).where(RecipientRow.slug == slug)).first()
            return _to_endpoint(row) if row is not None else None

    return find


def list_endpoints(engine: Engine, channel: str) -> list[Endpoint]:
    """Everyone ever reached by a channel, in the order they were registered: who is retired still answers."""
    query = select(RecipientRow).where(RecipientRow.channel == channel).order_by(RecipientRow.id)
    with Session(for_reading(engine)) as session:
        return [_to_endpoint(row) for row in session.scalars(query)]


def note_trial(engine: Engine, slug: str, outcome: Outcome, *, now: datetime) -> None:
    """Keep what came of trying a recipient out, for the desk."""
    value = json.dumps({"at": now.isoformat(), "state": outcome.state, "detail": outcome.detail}, ensure_ascii=False)
    with Session(engine) as session, session.begin():
        session.merge(SettingRow(name=f"{_TRIAL}{slug}", value=value))


def list_all_recipients(engine: Engine) -> list[Registered]:
    """Everyone ever registered but places of printings, in the order they were."""
    query = select(RecipientRow, SettingRow.value).outerjoin(SettingRow, SettingRow.name == _TRIAL + RecipientRow.slug)
    query = query.where(RecipientRow.kind != RecipientKind.PRINTING).order_by(RecipientRow.id)
    with Session(for_reading(engine)) as session:
        return [_to_registered(row, tried) for row, tried in session.execute(query)]


def list_boards(engine: Engine) -> list[Recipient]:
    """The places where printings hang, in the order they were registered."""
    query = select(RecipientRow).where(RecipientRow.active, RecipientRow.kind == RecipientKind.PRINTING)
    with Session(for_reading(engine)) as session:
        return [to_recipient(row) for row in session.scalars(query.order_by(RecipientRow.id))]


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
    """Register a notice board or a screen; its number. It gets no packages, only tasks. Raises BadRecipient."""
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
        _add(session, row)
        session.flush()
        return row.id


def note_printing(
    engine: Engine, slug: str, documents: Collection[Document], *, place: str, sequence: int, by: str, now: datetime
) -> int:
    """Put on record what hangs where; its number. `sequence` is that of the list which `documents` were taken from.
    Raises LookupError when no board has the name, and ListMoved when changes of the list were followed since: nobody
    would be told to take down what left by them."""
    with Session(engine) as session, session.begin():
        followed = lock_watermark(session)
        board = select(RecipientRow.id).where(RecipientRow.slug == slug, RecipientRow.kind == RecipientKind.PRINTING)
        recipient_id = session.scalar(board)
        if recipient_id is None:
            raise LookupError(f"没有登记名为“{slug[:20]}”的张贴位置")
        if followed > sequence:
            raise ListMoved
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


def _add(session: Session, row: RecipientRow) -> None:
    if session.scalar(select(RecipientRow.id).where(RecipientRow.slug == row.slug)) is not None:
        raise BadRecipient(f"代号“{row.slug}”已有单位使用，请另取一个")
    session.add(row)


def _retire_sandbox(session: Session) -> SandboxReplaced:
    sent = select(MessageRow.recipient_id).join(AttemptRow, AttemptRow.message_id == MessageRow.id)
    query = select(RecipientRow).where(
        RecipientRow.slug.in_([slug for slug, *_ in _SANDBOX_RECIPIENTS]),
        RecipientRow.channel == SANDBOX,
        RecipientRow.active,
    )
    used = set(session.scalars(sent.where(AttemptRow.called_at.is_not(None)).distinct()))
    rows = session.scalars(query).all()
    unused = [row for row in rows if row.id not in used]
    for row in unused:
        row.active, row.slug = False, _aside(row.slug)
    session.flush()
    return SandboxReplaced(retired=len(unused), left=len(rows) - len(unused))


def _aside(slug: str) -> str:
    return f"sandbox-{slug}"


def _get_row(session: Session, slug: str) -> RecipientRow:
    query: Select[RecipientRow] = select(RecipientRow).where(RecipientRow.slug == slug).with_for_update()
    row = session.scalars(query).first()
    if row is None:
        raise LookupError(f"没有代号为“{slug[:20]}”的接收单位")
    return row


def _hash_token(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def _to_endpoint(row: RecipientRow) -> Endpoint:
    options = json.loads(row.options)
    return Endpoint(slug=row.slug, name=row.name, address=row.address, options=options, secret=row.secret)


def _to_registered(row: RecipientRow, tried: str | None) -> Registered:
    return Registered(
        recipient=to_recipient(row),
        active=row.active,
        options=json.loads(row.options),
        has_secret=bool(row.secret),
        has_token=row.token_hash is not None,
        liaison=Liaison(name=row.liaison_name, phone=row.liaison_phone, mail=row.liaison_mail),
        created_at=row.created_at,
        tried=_to_tried(tried) if tried is not None else None,
    )


def _to_tried(value: str) -> Tried:
    kept = json.loads(value)
    return Tried(at=datetime.fromisoformat(kept["at"]), state=MessageState(kept["state"]), detail=kept["detail"])

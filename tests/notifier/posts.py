"""Channels of the tests that keep what they were given, and short ways to send."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from notifier.channels import Channel, Content, Dispatch, Letter, Outcome, Parcel, ShortMessage
from notifier.channels.sandbox import SandboxChannel, TaskChannel
from notifier.claiming import Terms
from notifier.context import Notifier
from notifier.outbox import Draft, enqueue
from notifier.policy import Rules
from notifier.recipients import SANDBOX, TASKS
from notifier.sending import Given, send_due
from notifier.states import MessageState, Purpose
from notifier.stops import open_digest
from notifier.tables import AttemptRow, MessageRow, RecallRow, RecipientRow

Town = Any
DELIVERED = Outcome(state=MessageState.DELIVERED, detail="好")
ACCEPTED = Outcome(state=MessageState.ACCEPTED, detail="已接收", reference="ref-1")
UNKNOWN = Outcome(state=MessageState.UNKNOWN, detail="超时")
BUSY = Outcome(state=MessageState.FAILED_TEMPORARY, detail="线路忙")
WORDS = ShortMessage(text="测试", template="test", version=1, fields={"court": "测试市人民法院"})


@dataclass
class Post:
    """A channel of the test: it keeps every dispatch it was given, and answers as it is told."""

    answers: list[Outcome] = field(default_factory=list)
    repeatable: bool = False
    dispatches: list[Dispatch] = field(default_factory=list)
    known: Outcome | None = None
    asked: list[str | None] = field(default_factory=list)

    def deliver(self, dispatch: Dispatch) -> Outcome:
        self.dispatches.append(dispatch)
        return self.answers.pop(0) if self.answers else DELIVERED

    def look_up(self, dispatch: Dispatch, reference: str | None) -> Outcome | None:
        self.asked.append(reference)
        return self.known

    @property
    def contents(self) -> list[Content]:
        return [dispatch.content for dispatch in self.dispatches]

    @property
    def parcels(self) -> list[Parcel]:
        return [content for content in self.contents if isinstance(content, Parcel)]

    @property
    def letters(self) -> list[Letter]:
        return [content for content in self.contents if isinstance(content, Letter)]


def terms(town: Town, rules: Rules | None = None) -> Terms:
    return Terms(
        rules=rules or Rules(),
        workdays=town.notifier.workdays,
        digest=open_digest(town.notifier.engine),
        random=Random(1),
        worker="甲",
    )


def send(town: Town, channels: dict[str, Channel], rules: Rules | None = None) -> int:
    given = Given(rules=rules or Rules(), random=Random(2), store=town.store)
    return send_due(town.notifier, channels, clock=town.clock, worker="测试", given=given)


def queue(town: Town, *keys: str, **changes: Any) -> None:
    """Notices with these keys, by default to addresses of the same names on the channel `post`."""
    digest = open_digest(town.notifier.engine)
    values = {"purpose": Purpose.NOTICE, "channel": "post", "content": WORDS, **changes}
    drafts = [Draft(**{"key": key, "address": key, **values}) for key in keys]
    with Session(town.notifier.engine) as session, session.begin():
        enqueue(session, drafts, now=town.clock(), digest=digest, random=Random(str(keys)))


def message(town: Town, key: str) -> MessageRow:
    with Session(town.notifier.engine, expire_on_commit=False) as session:
        return session.scalars(select(MessageRow).where(MessageRow.key == key)).one()


def attempts(town: Town, key: str) -> list[AttemptRow]:
    query = select(AttemptRow).join(MessageRow, MessageRow.id == AttemptRow.message_id).where(MessageRow.key == key)
    with Session(town.notifier.engine, expire_on_commit=False) as session:
        return list(session.scalars(query.order_by(AttemptRow.number)))


def add_recipient(town: Town, slug: str, channel: str, kind: str = "television") -> int:
    row = RecipientRow(
        slug=slug, name=f"测试单位{slug}", kind=kind, channel=channel, address=slug, active=True,
        created_at=town.clock(),
    )  # fmt: skip
    with Session(town.notifier.engine) as session, session.begin():
        session.add(row)
        session.flush()
        return row.id


def open_channels(notifier: Notifier) -> dict[str, Channel]:
    """The ways out that need no provider."""
    return {SANDBOX: SandboxChannel(notifier.folder / "sandbox"), TASKS: TaskChannel()}


def list_recalls(engine: Engine) -> list[RecallRow]:
    with Session(engine, expire_on_commit=False) as session:
        return list(session.scalars(select(RecallRow).order_by(RecallRow.id)))

"""Handing over: what a recipient fetches itself. It gets the newest list, made when it asks, or none; who has left since
is not in it. That it was handed over is on record before the first byte goes, so that it will be told of what leaves.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

import structlog
from sqlalchemy import Engine, Select, case, exists, select
from sqlalchemy.orm import Session

from notifier.acknowledging import CLOSES, answers_to
from notifier.calendar import Period
from notifier.channels import Letter
from notifier.context import Notifier
from notifier.followups import LETTERS
from notifier.outbox import decode_content
from notifier.package import media_type
from notifier.package.archive import build_archive
from notifier.packages import (
    FileRefused,
    Revision,
    ensure_package,
    list_package_files,
    package_folder,
    read_package_file,
)
from notifier.recall import RecallKind, keep_cases_of_package, note_handover, read_watermark
from notifier.recipients import Recipient, to_recipient
from notifier.sending import NOTHING_ELSE, make_terms
from notifier.settling import Receipt, apply_receipt
from notifier.states import MessageState, Purpose
from notifier.tables import AcknowledgementRow, MessageRow, RecallRow, RecipientRow, RunRow
from search_index.database import for_reading
from search_index.register import RegisterUnavailable

_log = structlog.get_logger("notifier")

# By whom it is, in the attempts: a recipient that came to fetch it.
FETCHED = "取件"
# How often a package is made again because the list changed under it, before the recipient is asked to come back.
_MOST_MAKINGS = 5
# How long one waits while another's package is being made. The gateway's few threads have more to do.
_PATIENCE = 2.0  # seconds
_OUT = (MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNKNOWN)
_DROPPED = (MessageState.CANCELLED, MessageState.SUPERSEDED, MessageState.EXPIRED)
_LETTERS = (*LETTERS, Purpose.REMINDER)
_MOST_LETTERS = 500
# How long a reminder that was fetched is still there, should its answer have been lost on the way.
_KEPT_FOR = timedelta(days=3)


class NotServed(Exception):
    """What was asked for is not handed over: the HTTP status, and a Chinese sentence. `newest` is the revision that is
    to be fetched instead, `retry_after` how many seconds to wait before asking again."""

    def __init__(
        self, status: int, reason: str, *, newest: Revision | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.newest = newest
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A package message of a recipient: what it may fetch."""

    dispatch: str
    run_id: int
    period: Period
    recipient: Recipient
    active: bool
    state: MessageState
    has_left: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    name: str
    bytes: int
    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The newest revision of what is offered, with its files in order."""

    offer: Offer
    revision: Revision
    files: tuple[FileEntry, ...]

    @property
    def name(self) -> str:
        return f"{self.offer.period}-r{self.revision.revision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLetter:
    """A letter that a recipient has not dealt with."""

    dispatch: str
    channel: str
    state: MessageState
    purpose: Purpose
    letter: Letter
    queued_at: datetime


def judge_offer(offer: Offer, newest: Period) -> NotServed | None:
    """Why a package may not be fetched; None: it may. `newest` is the latest period that its recipient was offered."""
    if not offer.active:
        return NotServed(410, "贵单位已不再接收名单包。此前收到的名单不得再使用，如有疑问请致电法院")
    if offer.state in _DROPPED:
        return NotServed(410, f"{offer.period.label}的推送已取消")
    if not offer.has_left:
        return NotServed(404, f"{offer.period.label}的名单尚未发出")
    if newest > offer.period:
        return NotServed(410, f"已有{newest.label}的名单，{offer.period.label}的不得再使用，请用新一期通知中的地址")
    return None


def judge_revision(asked: int, newest: Revision) -> NotServed | None:
    """Why a revision is not handed over; None: it is the newest."""
    if asked == newest.revision:
        return None
    if asked < newest.revision:
        reason = f"第{asked}次修订已被第{newest.revision}次修订取代，不得再使用，请改用新的"
        return NotServed(410, reason, newest=newest)
    return NotServed(404, "没有这一次修订")


def find_offer(engine: Engine, dispatch: str) -> Offer | None:
    """What the package with this dispatch offers."""
    with Session(for_reading(engine)) as session:
        found = session.execute(_offered().where(MessageRow.dispatch == dispatch)).first()
        return _to_offer(*found) if found is not None else None


def find_newest_offer(engine: Engine, recipient_id: int) -> Offer | None:
    """The package of the latest period that a recipient was offered."""
    query = _offered().where(
        MessageRow.recipient_id == recipient_id,
        MessageRow.state.not_in(_DROPPED),
        (MessageRow.attempts > 0) | (MessageRow.state == MessageState.DELIVERED),
    )
    with Session(for_reading(engine)) as session:
        found = session.execute(query.order_by(RunRow.period.desc(), MessageRow.id.desc()).limit(1)).first()
        return _to_offer(*found) if found is not None else None


class Counter:
    """Where packages are handed over. `clock` says when they are made; one is made at a time in a process."""

    def __init__(self, notifier: Notifier, clock: Callable[[], datetime]) -> None:
        self._notifier, self._clock = notifier, clock
        self._making = Lock()

    def prepare(self, offer: Offer) -> Ready:
        """The newest revision of what is offered, as the list is now. No byte of it goes out. Raises NotServed."""
        revision = self._make(self._check(offer))
        folder = package_folder(self._notifier.folder, offer.period, revision)
        return Ready(offer=offer, revision=revision, files=_list_files(folder))

    def fetch(self, offer: Offer, asked: int, name: str, *, hand_over: bool = True) -> bytes:
        """A file of revision `asked`, or of all of them the archive `<period>-r<n>.zip`, put on record as handed over.
        Without `hand_over` the bytes are only to be described. Raises NotServed."""
        engine = self._notifier.engine
        for _ in range(_MOST_MAKINGS):
            followed = read_watermark(engine)
            revision = self._make(self._check(offer))
            if (refused := judge_revision(asked, revision)) is not None:
                raise refused
            content = _read(package_folder(self._notifier.folder, offer.period, revision), name, offer, revision)
            if not hand_over or note_handover(
                self._notifier,
                offer.run_id,
                offer.recipient.id,
                revision.id,
                by=FETCHED,
                now=self._clock(),
                followed=followed,
            ):
                return content
        raise NotServed(503, "名单正在变动，请稍后再取", retry_after=10)

    def _check(self, offer: Offer) -> Offer:
        newest = find_newest_offer(self._notifier.engine, offer.recipient.id)
        if (refused := judge_offer(offer, newest.period if newest else offer.period)) is not None:
            raise refused
        return offer

    def _make(self, offer: Offer) -> Revision:
        if not self._making.acquire(timeout=_PATIENCE):
            raise NotServed(503, "名单包正在制作，请稍后再取", retry_after=10)
        try:
            revision = ensure_package(self._notifier, offer.run_id, offer.period, self._clock())
            folder = package_folder(self._notifier.folder, offer.period, revision)
            # By which an entry is named in a recall, when its words are gone.
            keep_cases_of_package(self._notifier.engine, revision.id, folder)
            return revision
        except RegisterUnavailable as error:
            raise NotServed(503, str(error), retry_after=60) from None
        except Exception as error:
            # A lost key, a full disk, a damaged file: whatever keeps the list back must not keep back the recalls.
            _log.error("package_not_made", error=type(error).__name__)
            raise NotServed(503, "名单包暂时不能制作，请稍后再取", retry_after=300) from None
        finally:
            self._making.release()


def list_letters(engine: Engine, recipient_id: int, now: datetime) -> tuple[list[OpenLetter], bool]:
    """The letters to a recipient that left the queue and wait for an answer, and its latest reminders; and whether there
    are more of them than are read at once: then what was not fetched yet goes first, and of it what is to be taken
    back."""
    answered = exists().where(
        AcknowledgementRow.message_id == MessageRow.id, AcknowledgementRow.kind.in_(sorted(set(CLOSES.values())))
    )
    taken_back = exists().where(RecallRow.id == MessageRow.recall_id, RecallRow.type == RecallKind.RETRACTED)
    fetched = MessageRow.state == MessageState.DELIVERED
    still_new = ~fetched | (MessageRow.changed_at > now - _KEPT_FOR)
    query = (
        select(MessageRow)
        .where(MessageRow.recipient_id == recipient_id, MessageRow.address.is_(None), MessageRow.state.in_(_OUT))
        .where(MessageRow.purpose.in_(_LETTERS), MessageRow.content.is_not(None), ~answered, ~taken_back)
        .where((MessageRow.purpose != Purpose.REMINDER) | still_new)
        .order_by(case((fetched, 1), else_=0), case((MessageRow.purpose == Purpose.RECALL, 0), else_=1), MessageRow.id)
        .limit(_MOST_LETTERS + 1)
    )
    with Session(for_reading(engine)) as session:
        rows = session.scalars(query).all()
    # In order of time, so that fetching changes nothing of what is read the next time.
    taken = sorted(rows[:_MOST_LETTERS], key=lambda row: row.id)
    found = [(row, decode_content(row.content or "")) for row in taken]
    letters = [
        OpenLetter(
            dispatch=row.dispatch,
            channel=row.channel,
            state=MessageState(row.state),
            purpose=Purpose(row.purpose),
            letter=letter,
            queued_at=row.queued_at,
        )
        for row, letter in found
        if isinstance(letter, Letter)
    ]
    return letters, len(rows) > _MOST_LETTERS


def note_fetched(notifier: Notifier, letters: Sequence[OpenLetter], now: datetime) -> None:
    """The recipient has been given these letters."""
    new = [one for one in letters if one.state is not MessageState.DELIVERED]
    terms = make_terms(notifier, NOTHING_ELSE, FETCHED) if new else None
    for one in new:
        if terms is not None:
            receipt = Receipt(
                channel=one.channel, state=MessageState.DELIVERED, detail="对方已领取", dispatch=one.dispatch
            )
            apply_receipt(notifier.engine, receipt, terms, now)


# What is said of it, to machines ----------------------------------------------------------------------------------


def describe_ready(ready: Ready, address: str, acknowledge: str | None) -> dict[str, Any]:
    """A revision as JSON. `address` is that of the package, with a slash behind it, `acknowledge` where its receipt is
    confirmed."""
    revision, base = ready.revision, f"{address}r{ready.revision.revision}/"
    return {
        "dispatch": ready.offer.dispatch,
        "period": str(ready.offer.period),
        "label": ready.offer.period.label,
        "revision": revision.revision,
        "entries": revision.entries,
        "made_at": revision.made_at.isoformat(),
        "last_day_of_use": revision.last_day_of_use.isoformat(),
        "manifest_sha256": revision.manifest_sha256,
        "archive": f"{base}{ready.name}.zip",
        "acknowledge": acknowledge,
        "answers": [kind.value for kind in answers_to(Purpose.PACKAGE)],
        "files": [
            {
                "name": file.name,
                "bytes": file.bytes,
                "sha256": file.sha256,
                "media_type": file.media_type,
                "address": base + quote(file.name),
            }
            for file in ready.files
        ],
    }


def describe_letter(one: OpenLetter, acknowledge: str | None) -> dict[str, Any]:
    """A letter as JSON: its words, and the same for a machine in `facts`."""
    return {
        "dispatch": one.dispatch,
        "purpose": one.purpose.value,
        "subject": one.letter.subject,
        "text": one.letter.text,
        "facts": dict(one.letter.facts),
        "queued_at": one.queued_at.isoformat(),
        "acknowledge": acknowledge,
        "answers": [kind.value for kind in answers_to(_find_answered(one))],
    }


def _find_answered(one: OpenLetter) -> Purpose:
    """What an answer to a letter counts for: that to a reminder, for what was reminded of."""
    if one.purpose is not Purpose.REMINDER:
        return one.purpose
    if "period" in one.letter.facts:
        return Purpose.PACKAGE
    return Purpose(one.letter.facts.get("asked", Purpose.RECALL))


def to_body(found: Mapping[str, Any]) -> bytes:
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def describe_bytes(content: bytes) -> dict[str, str]:
    """The headers that prove a body: a strong ETag, and its digest (RFC 9530)."""
    digest = sha256(content)
    return {
        "ETag": f'"{digest.hexdigest()}"',
        "Content-Digest": f"sha-256=:{b64encode(digest.digest()).decode('ascii')}:",
    }


def attachment(name: str, fallback: str) -> str:
    """Content-Disposition of a file (RFC 6266); `fallback` is its name in ASCII, for who reads no other."""
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(name, safe='')}"


def _offered() -> Select[MessageRow, RecipientRow, str]:
    return (
        select(MessageRow, RecipientRow, RunRow.period)
        .join(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
        .join(RunRow, RunRow.id == MessageRow.run_id)
        .where(MessageRow.purpose == Purpose.PACKAGE)
    )


def _to_offer(row: MessageRow, recipient: RecipientRow, period: str) -> Offer:
    state = MessageState(row.state)
    return Offer(
        dispatch=row.dispatch,
        run_id=row.run_id or 0,
        period=Period.parse(period),
        recipient=to_recipient(recipient),
        active=recipient.active,
        state=state,
        has_left=bool(row.attempts) or state is MessageState.DELIVERED,
    )


def _read(folder: Path, name: str, offer: Offer, revision: Revision) -> bytes:
    stem = f"{offer.period}-r{revision.revision}"
    try:
        if name == f"{stem}.zip":
            return build_archive(stem, {file: read_package_file(folder, file) for file in list_package_files(folder)})
        return read_package_file(folder, name)
    except FileRefused as error:
        raise NotServed(404, str(error)) from None


def _list_files(folder: Path) -> tuple[FileEntry, ...]:
    try:
        listed = {file["name"]: file for file in json.loads(read_package_file(folder, "manifest.json"))["files"]}
        return tuple(_to_entry(folder, name, listed.get(name)) for name in list_package_files(folder))
    except FileRefused as error:
        raise NotServed(503, str(error), retry_after=60) from None


def _to_entry(folder: Path, name: str, listed: Mapping[str, Any] | None) -> FileEntry:
    if listed is not None:
        size, digest = int(listed["bytes"]), str(listed["sha256"])
    else:
        content = read_package_file(folder, name)
        size, digest = len(content), sha256(content).hexdigest()
    return FileEntry(name=name, bytes=size, sha256=digest, media_type=media_type(name))

"""Clarifications (澄清公告): on request of one who should never have been listed, whoever was sent the entry is told so, once,
in the way in which the entry came (法释〔2017〕7号 art. 9).

A clarification is an article of the disclosed store that names its record in `about`. It follows the recall of the
departure and never goes ahead of it. What the court takes back before it was sent is not sent; that the article's own
days on the portal are over takes nothing back: whoever had the name is to learn that it was wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from random import Random
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from notifier.calendar import Workdays
from notifier.channels import Letter
from notifier.holding import find_ever_held
from notifier.outbox import SYSTEM_RANDOM, Draft, decode_content, enqueue
from notifier.policy import recall_due
from notifier.recall import PublicMoment, PublicStore, RecallKind, to_recall
from notifier.recall_letters import NO_CHANGE, compose_clarification
from notifier.states import SENDABLE, MessageState, Purpose, move
from notifier.stops import AddressDigest, open_digest
from notifier.tables import EntryCaseRow, MessageRow, RecallRow, RecipientRow
from notifier.watermark import ensure_watermark, lock_followed, read_followed
from search_index.database import for_reading
from search_index.day import day_of
from search_index.number import is_number
from search_index.profile import Profile
from search_index.subjects import LastTold, read_end

TAKEN_BACK = "本院已撤下该澄清公告"
_SUBJECT, _KIND = "article", "clarification"
_PAGE, _RECORDS_AT_ONCE = 100, 500
# Longer than an article is shown or a letter is asked after, so that the court's word that it takes one back is heard.
_WATCHED_FOR = timedelta(days=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """Which article of the store a clarification is: its key, when it was published, and when its days there end."""

    key: str
    at: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clarification:
    """A clarification that is public: of which record, and in which words."""

    article: Article
    record: str
    title: str
    text: str


class Validity(Enum):
    """Whether a clarification may still be said."""

    STANDS = "stands"
    TAKEN_BACK = "taken back"
    # The store does not know it now: it may be about to be filled again.
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class _Telling:
    """What every letter is made with."""

    profile: Profile
    workdays: Workdays
    now: datetime
    digest: AddressDigest
    random: Random


def judge_article(article: Article, last: LastTold | None) -> Validity:
    """What the store's last word on an article says. Pure."""
    if last is None:
        return Validity.UNSURE
    if last.is_there:
        # After a registry was restored from a backup, another article may have the number of this one.
        return Validity.STANDS if last.at == article.at else Validity.TAKEN_BACK
    is_over = article.until is not None and last.at >= article.until
    return Validity.STANDS if is_over else Validity.TAKEN_BACK


def read_clarification(key: str, at: datetime, body: Mapping[str, Any]) -> Clarification | None:
    """What the journal says of a clarification; None for one that tells of no record. Pure."""
    record, title, text = body.get("about"), body.get("title"), body.get("text")
    if not (isinstance(record, str) and is_number(record) and isinstance(title, str) and isinstance(text, str)):
        return None
    try:
        article = Article(key=key, at=at, until=read_end(body))
    except ValueError:
        return None
    return Clarification(article=article, record=record, title=title, text=text)


def follow_clarifications(
    engine: Engine, store: PublicStore, workdays: Workdays, *, now: datetime, random: Random = SYSTEM_RANDOM
) -> int:
    """Queue a letter of each clarification for everyone who was sent its entry, and take back what the court has taken
    back; how many letters. Safe to repeat, and to do in several processes at once. To be called when the changes of the
    list were followed: one that is not followed yet keeps it from doing anything."""
    ensure_watermark(engine)
    since = read_followed(engine)
    with store.snapshot(now) as moment:
        if moment.changes(since.sequence, 1):
            return 0
        standing = list(_find_standing(moment))
        taken_back = _find_taken_back(engine, moment, standing, now)
        profile = moment.profile()
    with Session(for_reading(engine)) as session:
        if not taken_back and not _find_untold(session, standing):
            return 0
    telling = _Telling(profile, workdays, now, open_digest(engine), random)
    with Session(engine) as session, session.begin():
        if lock_followed(session, to_write=True) != since:
            return 0
        _take_back(session, taken_back, now)
        return _queue(session, standing, telling)


def judge_letters(moment: PublicMoment, contents: Mapping[int, str]) -> dict[int, Validity]:
    """Whether letters that are about to go may still be said: their contents as the outbox keeps them, by any number."""
    return {number: _judge(moment, content) for number, content in contents.items()}


def count_told(engine: Engine, record: str) -> int:
    """To how many recipients a clarification about a record goes, or would go."""
    with Session(for_reading(engine)) as session:
        return len(find_ever_held(session, [record]))


def _find_standing(moment: PublicMoment) -> Iterator[Clarification]:
    """The clarifications that are public, one a record. What is listed again is not clarified away."""
    found: dict[str, Clarification] = {}
    offset = 0
    while page := moment.subjects(_SUBJECT, _PAGE, offset=offset, kinds=(_KIND,)):
        for one in (read_clarification(*line) for line in page):
            if one is not None:
                found.setdefault(one.record, one)
        offset += _PAGE
    listed = moment.documents(list(found))
    return (one for record, one in found.items() if record not in listed)


def _find_taken_back(
    engine: Engine, moment: PublicMoment, standing: Sequence[Clarification], now: datetime
) -> list[int]:
    """The recall rows whose clarification the court has taken back since, or put another in its place."""
    # Of the letters of a clarification one is as good as another.
    first = (
        select(func.min(MessageRow.id))
        .where(MessageRow.purpose == Purpose.CLARIFICATION)
        .group_by(MessageRow.recall_id)
    )
    query = (
        select(RecallRow.id, RecallRow.record, RecallRow.at, MessageRow.content)
        .join(MessageRow, MessageRow.recall_id == RecallRow.id)
        .where(RecallRow.type == RecallKind.CLARIFIED, RecallRow.made_at > now - _WATCHED_FOR)
        .where(MessageRow.id.in_(first))
    )
    newest = {one.record: one.article.at for one in standing}
    with Session(for_reading(engine)) as session:
        rows = session.execute(query).all()
    judged = judge_letters(moment, {number: content or "" for number, _, _, content in rows})
    replaced = {number for number, record, at, _ in rows if newest.get(record, at) != at}
    return sorted(replaced | {number for number, one in judged.items() if one is Validity.TAKEN_BACK})


def _judge(moment: PublicMoment, content: str) -> Validity:
    article = _read_article(content)
    return judge_article(article, moment.last_told(_SUBJECT, article.key)) if article else Validity.TAKEN_BACK


def _read_article(content: str) -> Article | None:
    """Which article a letter brings."""
    letter = decode_content(content)
    if not isinstance(letter, Letter):
        return None
    facts = letter.facts
    until = facts.get("shown_until")
    return Article(
        key=facts["article"],
        at=datetime.fromisoformat(facts["published_at"]),
        until=datetime.fromisoformat(until) if until else None,
    )


def _take_back(session: Session, recalls: Sequence[int], now: datetime) -> None:
    """Note that the court has taken clarifications back: what was not sent is not, and nobody is asked after the rest."""
    if not recalls:
        return
    for row in session.scalars(select(RecallRow).where(RecallRow.id.in_(recalls)).with_for_update()):
        row.type = RecallKind.RETRACTED.value
    waiting = select(MessageRow).where(MessageRow.recall_id.in_(recalls), MessageRow.state.in_(sorted(SENDABLE)))
    for message in session.scalars(waiting.order_by(MessageRow.id).with_for_update()):
        message.state = move(MessageState(message.state), MessageState.CANCELLED)
        message.reason, message.changed_at = TAKEN_BACK, now


def _queue(session: Session, standing: Sequence[Clarification], telling: _Telling) -> int:
    untold = _find_untold(session, standing)
    numbers = {recipient for _, recipient in untold}
    recipients = {row.id: row for row in session.scalars(select(RecipientRow).where(RecipientRow.id.in_(numbers)))}
    by_record = {one.record: one for one in standing}
    drafts = []
    for (record, recipient_id), dropped in sorted(untold.items()):
        one = by_record[record]
        row = _put_on_record(session, one, telling)
        drafts.append(_draft(one, row, recipients[recipient_id], telling.profile, dropped))
    enqueue(session, drafts, now=telling.now, digest=telling.digest, random=telling.random)
    return len(drafts)


def _find_untold(session: Session, standing: Iterable[Clarification]) -> dict[tuple[str, int], int]:
    """Who was sent an entry and no clarification of it: by record and recipient, how many letters were dropped before."""
    since = {one.record: one.article.at for one in standing}
    records = sorted(since)
    untold: dict[tuple[str, int], int] = {}
    for start in range(0, len(records), _RECORDS_AT_ONCE):
        some = records[start : start + _RECORDS_AT_ONCE]
        # What was put together later is not what is clarified.
        held = [pair for pair, at in find_ever_held(session, some).items() if at <= since[pair[0]]]
        told, retracted = _count_dropped(session, some), _find_retracted(session, some)
        untold |= {
            pair: told.get(pair) or 0
            for pair in held
            # A list that was restored from a backup may show what the court has taken back since.
            if told.get(pair, 0) is not None and (pair[0], since[pair[0]]) not in retracted
        }
    return untold


def _find_retracted(session: Session, records: Sequence[str]) -> set[tuple[str, datetime]]:
    query = select(RecallRow.record, RecallRow.at).where(RecallRow.record.in_(records))
    found = session.execute(query.where(RecallRow.type == RecallKind.RETRACTED))
    return {(record, at) for record, at in found}


def _count_dropped(session: Session, records: Sequence[str]) -> dict[tuple[str, int], int | None]:
    """By record and recipient, how many letters were dropped or taken back; None where one stands."""
    query = (
        select(RecallRow.record, MessageRow.recipient_id, RecallRow.type, MessageRow.state, MessageRow.attempts)
        .join(MessageRow, MessageRow.recall_id == RecallRow.id)
        .where(RecallRow.record.in_(records), MessageRow.purpose == Purpose.CLARIFICATION)
    )
    found: dict[tuple[str, int], int | None] = {}
    for record, recipient_id, kind, state, attempts in session.execute(query):
        if recipient_id is None:
            continue
        # What the court took back, it may say anew. A person who gave up what was tried tells the recipient otherwise.
        was_dropped = kind == RecallKind.RETRACTED or (state == MessageState.CANCELLED and not attempts)
        before = found.get((record, recipient_id), 0)
        found[record, recipient_id] = before + 1 if was_dropped and before is not None else None
    return found


def _put_on_record(session: Session, one: Clarification, telling: _Telling) -> RecallRow:
    """The row of a clarification; the same however often it is met."""
    same = select(RecallRow).where(
        RecallRow.record == one.record, RecallRow.at == one.article.at, RecallRow.type == RecallKind.CLARIFIED
    )
    row = session.scalars(same).first()
    if row is None:
        case = select(EntryCaseRow.case_number).where(EntryCaseRow.record == one.record)
        row = RecallRow(
            sequence=NO_CHANGE,
            record=one.record,
            case_number=session.scalar(case),
            type=RecallKind.CLARIFIED,
            at=one.article.at,
            due_on=recall_due(day_of(telling.now), telling.workdays),
            made_at=telling.now,
        )
        session.add(row)
        session.flush()
    return row


def _draft(one: Clarification, row: RecallRow, recipient: RecipientRow, profile: Profile, dropped: int) -> Draft:
    again = f"/{dropped + 1}" if dropped else ""
    return Draft(
        # A record is clarified once to each, whichever article does it.
        key=f"clarification/{one.record}/{recipient.id}{again}",
        purpose=Purpose.CLARIFICATION,
        channel=recipient.channel,
        content=_compose(one, row, profile),
        recipient_id=recipient.id,
        recall_id=row.id,
        urgent=True,
    )


def _compose(one: Clarification, row: RecallRow, profile: Profile) -> Letter:
    article = one.article
    facts = {"article": article.key, "published_at": article.at.isoformat()}
    if article.until is not None:
        facts["shown_until"] = article.until.isoformat()
    return compose_clarification(to_recall(row), (one.title, one.text), profile, facts)

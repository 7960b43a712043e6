"""The digest of a quarter: once to every follower who asked for it, and a word to the liaisons of those who were sent the
list. Neither names anybody: what went out cannot be taken back from a telephone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from random import Random
from typing import Protocol

import structlog
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from notifier.calendar import Period
from notifier.channels import ChatMessage, MassMessage
from notifier.context import Notifier
from notifier.notices import NotSendable, Ready, Unset, compose
from notifier.outbox import SYSTEM_RANDOM, Draft, enqueue
from notifier.runs import QUARTERLY
from notifier.states import SENDABLE, MessageState, Purpose
from notifier.stops import AddressDigest, insert_new, open_digest
from notifier.tables import MessageRow, RecipientRow, RunRow, SettingRow
from notifier.wechat import CHANNEL as WECHAT
from notifier.wechat.channel import EVERYONE
from notifier.wechat.conversation import DIGEST, district_topic
from notifier.wechat.tables import WeChatFollowerRow
from notifier.wechat.wording import Site, shorten, tell_digest
from search_index.database import for_reading
from search_index.page import Page, Query
from search_index.profile import Profile

TEMPLATE, VERSION = "digest", 1
# Our names of WeChat templates, and the fields of each: what the account has to register with the platform.
CHAT_TEMPLATES: Mapping[str, tuple[str, ...]] = {TEMPLATE: ("court", "list", "period", "total", "added")}
NEW_LIST = "liaison_new_list"
CHUNK = 500
# Later it would not be news any more.
LATEST = timedelta(days=7)
_WHOLE_LIST = "全部名单"
_GONE_OUT = (MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNKNOWN)
_TO_GO = SENDABLE | {MessageState.SENDING}
_DISTRICT = district_topic("")

_log = structlog.get_logger("notifier")


class Counting(Protocol):
    """The public list, as search_index.register.Register counts it."""

    def search(self, query: Query, now: datetime) -> Page:
        """One page of the answer, with its totals. Raises RegisterUnavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """The digest of one period: what it says is counted in `listing`, as it is at `now`. `site` is the public pages'."""

    period: Period
    profile: Profile
    listing: Counting
    site: Site
    now: datetime

    def compose(self, topics: Sequence[str]) -> ChatMessage:
        """What one who follows these topics is told: of the whole list, or of districts. Raises RegisterUnavailable."""
        districts = [] if DIGEST in topics else [topic.removeprefix(_DISTRICT) for topic in topics]
        where: Sequence[str | None] = districts or [None]
        fields = {
            "court": self.profile.court,
            "list": "、".join(map(shorten, districts)) or _WHOLE_LIST,
            "period": self.period.label,
            "total": f"{sum(self._count(name) for name in where)}条",
            "added": f"{sum(self._count_added(name) for name in where)}条",
        }
        link = self.site.search(region=districts[0], sort="newest") if len(districts) == 1 else None
        return ChatMessage(template=TEMPLATE, version=VERSION, fields=fields, url=link or self.site.address or None)

    def compose_for_everyone(self) -> MassMessage:
        """What all followers of the account are told. Raises RegisterUnavailable."""
        page = self.listing.search(Query(facets=True), self.now)
        return MassMessage(text=tell_digest(self.period.label, page, self.site))

    def _count_added(self, region: str | None) -> int:
        query = Query(region=region, published_from=self.period.start, published_to=self.period.end)
        return self.listing.search(query, self.now).total

    def _count(self, region: str | None) -> int:
        return self.listing.search(Query(region=region), self.now).total


def queue_due_digests(
    notifier: Notifier,
    listing: Counting,
    profile: Profile,
    *,
    now: datetime,
    public_url: str = "",
    to_everyone: bool = False,
    random: Random = SYSTEM_RANDOM,
) -> int:
    """Queue what is owed for the newest run, where it is of these days; how many messages were drafted. Safe to repeat,
    and to be killed, at any moment. Raises RegisterUnavailable."""
    engine, period = notifier.engine, _find_newest(notifier.engine, now)
    if period is None:
        return 0
    to_liaisons, to_followers = (not _is_noted(engine, name) for name in (_liaisons_of(period), _followers_of(period)))
    if not to_liaisons and not to_followers:
        return 0
    issue = Issue(period=period, profile=profile, listing=listing, site=Site(address=public_url), now=now)
    digest, drafted = open_digest(engine), 0
    if to_liaisons:
        drafted += _queue_for_liaisons(engine, issue, digest, random)
    if to_followers:
        queue = _queue_for_everyone if to_everyone else _queue_for_followers
        drafted += queue(engine, issue, digest, random)
        _note(engine, _followers_of(period), now)
    return drafted


def _queue_for_liaisons(engine: Engine, issue: Issue, digest: AddressDigest, random: Random) -> int:
    """Tells those whose list has gone out. Whoever is not reached because the court's profile is not complete, or whose
    list still waits, is tried again at the next beat."""
    with Session(for_reading(engine)) as session:
        found = session.execute(
            select(RecipientRow.id, RecipientRow.slug, RecipientRow.liaison_phone, MessageRow.state)
            .join(MessageRow, MessageRow.recipient_id == RecipientRow.id)
            .join(RunRow, RunRow.id == MessageRow.run_id)
            .where(RunRow.period == str(issue.period), MessageRow.purpose == Purpose.PACKAGE)
            .where(RecipientRow.active, RecipientRow.liaison_phone.is_not(None))
            .order_by(RecipientRow.id)
        ).all()
    liaisons = [row for row in found if row.state in _GONE_OUT]
    composed = {
        row.id: (row.slug, compose(NEW_LIST, row.liaison_phone, {"period": issue.period}, issue.profile))
        for row in liaisons
    }
    drafts = [_to_liaison(issue, number, ready) for number, (_, ready) in composed.items() if isinstance(ready, Ready)]
    with Session(engine) as session, session.begin():
        enqueue(session, drafts, now=issue.now, digest=digest, random=random)
    if any(isinstance(one, Unset) for _, one in composed.values()) or any(row.state in _TO_GO for row in found):
        return len(drafts)
    for slug, one in composed.values():
        if isinstance(one, NotSendable):
            _log.warning("liaison_not_told", recipient=slug, reason=one.reason)
    _note(engine, _liaisons_of(issue.period), issue.now)
    return len(drafts)


def _to_liaison(issue: Issue, recipient_id: int, ready: Ready) -> Draft:
    return Draft(
        key=f"digest/{issue.period}/liaison/{recipient_id}",
        purpose=Purpose.NOTICE,
        channel=ready.channel,
        content=ready.content,
        address=ready.address,
        citizen=True,
        expires_at=issue.now + LATEST,
    )


def _queue_for_everyone(engine: Engine, issue: Issue, digest: AddressDigest, random: Random) -> int:
    draft = Draft(
        key=f"digest/{issue.period}/everyone",
        purpose=Purpose.DIGEST,
        channel=WECHAT,
        content=issue.compose_for_everyone(),
        address=EVERYONE,
        citizen=True,
        expires_at=issue.now + LATEST,
    )
    with Session(engine) as session, session.begin():
        enqueue(session, [draft], now=issue.now, digest=digest, random=random)
    return 1


def _queue_for_followers(engine: Engine, issue: Issue, digest: AddressDigest, random: Random) -> int:
    """In short transactions, one a chunk. Who has unfollowed by then is not in it, and who unfollows during it waits for
    its end: so no message is left for one who is gone."""
    write, drafted, after = _remembering(issue.compose), 0, ""
    while True:
        # First what is said: the list is not read while the outbox is locked.
        with Session(for_reading(engine)) as session:
            for topics in {topics for _, topics in _find_followers(session, after, lock=False)}:
                write(topics)
        with Session(engine) as session, session.begin():
            followers = _find_followers(session, after, lock=True)
            drafts = [_to_follower(issue, openid, write(one), digest) for openid, one in followers]
            enqueue(session, drafts, now=issue.now, digest=digest, random=random)
        if not followers:
            return drafted
        drafted, after = drafted + len(drafts), followers[-1][0]


def _to_follower(issue: Issue, openid: str, content: ChatMessage, digest: AddressDigest) -> Draft:
    return Draft(
        # Not the digest of the address: a key stays when the address is forgotten.
        key=f"digest/{issue.period}/{digest(f'digest of {issue.period} for {openid}')}",
        purpose=Purpose.DIGEST,
        channel=WECHAT,
        content=content,
        address=openid,
        citizen=True,
        expires_at=issue.now + LATEST,
    )


def _remembering(write: Callable[[Sequence[str]], ChatMessage]) -> Callable[[tuple[str, ...]], ChatMessage]:
    known: dict[tuple[str, ...], ChatMessage] = {}

    def remember(topics: tuple[str, ...]) -> ChatMessage:
        if topics not in known:
            known[topics] = write(topics)
        return known[topics]

    return remember


def _find_followers(session: Session, after: str, *, lock: bool) -> list[tuple[str, tuple[str, ...]]]:
    """The next followers behind `after`, and what each follows; with `lock` they stay until the transaction ends."""
    row = WeChatFollowerRow
    chunk = select(row.openid).where(row.openid > after).distinct().order_by(row.openid).limit(CHUNK)
    query = select(row.openid, row.topic).where(row.openid.in_(chunk)).order_by(row.openid, row.topic)
    found = session.execute(query.with_for_update(read=True) if lock else query)
    grouped = groupby(found, key=lambda one: one.openid)
    return [(openid, tuple(one.topic for one in rows)) for openid, rows in grouped]


def _find_newest(engine: Engine, now: datetime) -> Period | None:
    """The period of the newest run, where it was made lately."""
    query = (
        select(RunRow.period, RunRow.made_at).where(RunRow.kind == QUARTERLY).order_by(RunRow.period.desc()).limit(1)
    )
    with Session(for_reading(engine)) as session:
        newest = session.execute(query).first()
    return Period.parse(newest.period) if newest is not None and newest.made_at > now - LATEST else None


def _followers_of(period: Period) -> str:
    return f"digest/{period}/followers"


def _liaisons_of(period: Period) -> str:
    return f"digest/{period}/liaisons"


def _is_noted(engine: Engine, name: str) -> bool:
    with Session(for_reading(engine)) as session:
        return session.get(SettingRow, name) is not None


def _note(engine: Engine, name: str, now: datetime) -> None:
    with Session(engine) as session, session.begin():
        session.execute(insert_new(session, SettingRow, "name"), [{"name": name, "value": now.isoformat()}])

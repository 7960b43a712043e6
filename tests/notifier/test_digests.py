"""The digest of a quarter: each follower and each liaison once, and nobody's name."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from posts import add_recipient
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from notifier import digests
from notifier.calendar import Period
from notifier.digests import CHAT_TEMPLATES, LATEST, queue_due_digests
from notifier.outbox import Draft, enqueue
from notifier.recipients import add_board
from notifier.runs import QUARTERLY
from notifier.states import MessageState, Purpose
from notifier.stops import open_digest
from notifier.tables import MessageRow, RecipientRow, RunRow, SettingRow
from notifier.wechat.conversation import DIGEST, Follow, Unfollow, district_topic
from notifier.wechat.followers import FollowerBook
from notifier.wechat.tables import WeChatFollowerRow
from search_index.document import Document
from search_index.index import IndexWriter
from search_index.page import Page, Query
from search_index.profile import Profile
from search_index.sync import sync

Town = Any
SITE = "https://list.example.invalid"
PROFILE = Profile(
    court="测试市人民法院",
    telephone="0000-0000000",
    website="https://court.example.invalid",
    signature="测试法院",
)


def index(town: Town) -> None:
    """Bring the index of the town to its store."""
    public = Path(str(town.notifier.folder)).parent / "public"
    sync(town.writer, town.store, IndexWriter(public / "index"), town.clock())


def follow(town: Town, openid: str, *topics: str) -> None:
    for topic in topics:
        FollowerBook(town.notifier.engine).apply(Follow(follower=openid, topic=topic, at=town.clock()))


def queue(town: Town, profile: Profile = PROFILE, **changes: Any) -> int:
    given: dict[str, Any] = {"now": town.clock(), "public_url": SITE, **changes}
    return queue_due_digests(town.notifier, town.notifier.register, profile, **given)


def messages(town: Town, purpose: Purpose = Purpose.DIGEST) -> list[MessageRow]:
    query = select(MessageRow).where(MessageRow.purpose == purpose).order_by(MessageRow.id)
    with Session(town.notifier.engine, expire_on_commit=False) as session:
        return list(session.scalars(query))


def fields(row: MessageRow) -> dict[str, str]:
    return dict(json.loads(row.content or "")["fields"])


@pytest.fixture
def listed(town: Town, person: Document, company: Document, period: Period) -> Town:
    """A list of three entries in two districts, and its run."""
    town.publish(person)
    town.publish(person, published_on=datetime(2026, 5, 4).date(), region="甲县")
    town.publish(company, region="甲县")
    index(town)
    at = town.clock()
    run = RunRow(period=str(period), kind=QUARTERLY, due_on=at.date(), days_late=0, made_by="审核员甲", made_at=at)
    with Session(town.notifier.engine) as session, session.begin():
        session.add(run)
    return town


def test_each_follower_is_told_once_of_what_it_follows(listed: Town) -> None:
    follow(listed, "oA", DIGEST)
    follow(listed, "oB", district_topic("甲县"))
    follow(listed, "oC", district_topic("甲县"), district_topic("测试市"))
    follow(listed, "oD", district_topic("甲县"), DIGEST)
    assert queue(listed) == 4
    told = {row.address: row for row in messages(listed)}
    whole = {"court": "测试市人民法院", "list": "全部名单", "period": "2026年第三季度", "total": "3条", "added": "2条"}
    assert fields(told["oA"]) == fields(told["oD"]) == whole
    assert fields(told["oB"]) == {**whole, "list": "甲县", "total": "2条", "added": "1条"}
    assert fields(told["oC"]) == {**whole, "list": "测试市、甲县", "total": "3条", "added": "2条"}
    assert set(CHAT_TEMPLATES["digest"]) == whole.keys()
    urls = {address: json.loads(row.content or "")["url"] for address, row in told.items()}
    assert urls["oA"] == urls["oC"] == SITE
    assert urls["oB"].startswith(f"{SITE}/search?region=")
    assert {(row.channel, row.state, row.citizen) for row in told.values()} == {("wechat", "queued", True)}
    assert {row.expires_at for row in told.values()} == {listed.clock() + LATEST}
    assert queue(listed) == 0
    assert len(messages(listed)) == 4


def test_no_key_and_no_word_tells_who_follows_or_who_is_listed(listed: Town, person: Document) -> None:
    openid = "oTESTfollower0000000000000001"
    follow(listed, openid, DIGEST)
    queue(listed)
    (row,) = messages(listed)
    assert openid not in row.key
    # When a follower has left, the digest of the address goes with the address; the key stays.
    assert open_digest(listed.notifier.engine)(openid) not in row.key
    secrets = (person.name, person.record, person.case_number, person.id_number, "李𠮷", "云杉", "120000")
    assert not [secret for secret in secrets if secret and secret in f"{row.key} {row.content}"]


def test_killed_in_the_middle_it_goes_on_and_doubles_nothing(listed: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "CHUNK", 2)
    for number in range(5):
        follow(listed, f"o{number}", DIGEST)
    whole = digests.enqueue
    calls = iter(range(10))

    def struck(*arguments: Any, **given: Any) -> None:
        # First the liaisons, then a chunk of followers, and in the next one the end.
        if next(calls) == 2:
            raise KeyboardInterrupt
        whole(*arguments, **given)

    monkeypatch.setattr(digests, "enqueue", struck)
    with pytest.raises(KeyboardInterrupt):
        queue(listed)
    assert [row.address for row in messages(listed)] == ["o0", "o1"]
    monkeypatch.setattr(digests, "enqueue", whole)
    queue(listed)
    assert sorted(row.address or "" for row in messages(listed)) == ["o0", "o1", "o2", "o3", "o4"]


@pytest.mark.parametrize("followers", [1_203, pytest.param(100_000, marks=pytest.mark.soak)])
def test_many_followers_go_over_in_chunks_and_the_list_is_counted_once(listed: Town, followers: int) -> None:
    rows = [{"openid": f"o{number:06d}", "topic": DIGEST} for number in range(followers)]
    with Session(listed.notifier.engine) as session, session.begin():
        session.execute(insert(WeChatFollowerRow), rows)
    del rows
    asked: list[Query] = []
    register = listed.notifier.register

    class Counted:
        def search(self, query: Query, now: datetime) -> Page:
            asked.append(query)
            page: Page = register.search(query, now)
            return page

    tracemalloc.start()
    try:
        drafted = queue_due_digests(listed.notifier, Counted(), PROFILE, now=listed.clock(), public_url=SITE)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert drafted == followers
    with Session(listed.notifier.engine) as session:
        assert session.scalar(select(func.count(MessageRow.address.distinct()))) == followers
    assert len(asked) == 2
    # As much as two chunks take, however many there are.
    assert most < 16 * 2**20


def test_who_unfollows_while_it_is_being_queued_gets_nothing(listed: Town) -> None:
    for openid in ("oA", "oB", "oC"):
        follow(listed, openid, DIGEST)
    register = listed.notifier.register

    class Leaving:
        """The list; while it is counted, a follower goes."""

        def search(self, query: Query, now: datetime) -> Page:
            FollowerBook(listed.notifier.engine).apply(Unfollow(follower="oB", at=now))
            page: Page = register.search(query, now)
            return page

    queue_due_digests(listed.notifier, Leaving(), PROFILE, now=listed.clock())
    assert [row.address for row in messages(listed)] == ["oA", "oC"]


def test_who_follows_after_the_digest_waits_for_the_next(listed: Town) -> None:
    follow(listed, "oA", DIGEST)
    queue(listed)
    follow(listed, "oB", DIGEST)
    assert queue(listed) == 0
    assert [row.address for row in messages(listed)] == ["oA"]


def test_a_run_that_is_a_week_old_is_no_news(listed: Town) -> None:
    follow(listed, "oA", DIGEST)
    listed.clock.now += LATEST
    assert queue(listed) == 0
    assert messages(listed) == []


def test_without_a_run_nothing_is_owed(town: Town) -> None:
    follow(town, "oA", DIGEST)
    assert queue(town) == 0


def test_everyone_is_told_by_one_message_without_a_name(listed: Town, person: Document) -> None:
    follow(listed, "oA", DIGEST)
    assert queue(listed, to_everyone=True) == 1
    (row,) = messages(listed)
    assert (row.address, row.channel, row.key) == ("all", "wechat", "digest/2026Q3/everyone")
    said = json.loads(row.content or "")["text"]
    assert said.startswith("2026年第三季度失信被执行人名单已公布。")
    assert "名单共 3 条" in said
    assert person.name not in said
    assert queue(listed, to_everyone=True) == 0


# Liaisons ---------------------------------------------------------------------------------------------------------------


def liaise(town: Town, recipient: int, phone: str | None, **changes: Any) -> None:
    with Session(town.notifier.engine) as session, session.begin():
        values = {"liaison_phone": phone, "liaison_name": "丁联络", **changes}
        session.execute(update(RecipientRow).where(RecipientRow.id == recipient).values(**values))


def have_sent(town: Town, recipient: int, state: MessageState = MessageState.DELIVERED) -> int:
    """The list of the quarter is on its way to a recipient that was registered later; the recipient again."""
    with Session(town.notifier.engine) as session, session.begin():
        run = session.scalars(select(RunRow.id)).one()
        draft = Draft(
            key=f"package/{run}/{recipient}", purpose=Purpose.PACKAGE, channel="mail", content=None, run_id=run,
            recipient_id=recipient,
        )  # fmt: skip
        enqueue(session, [draft], now=town.clock(), digest=str, random=Random(recipient))
        session.execute(update(MessageRow).where(MessageRow.key == draft.key).values(state=state.value))
    return recipient


def test_a_liaison_is_told_of_a_list_only_when_it_has_gone_out(listed: Town) -> None:
    late = have_sent(listed, add_recipient(listed, "a", "mail"), MessageState.FAILED_TEMPORARY)
    lost = have_sent(listed, add_recipient(listed, "b", "mail"), MessageState.FAILED_PERMANENT)
    later = add_recipient(listed, "c", "mail")
    for number, recipient in enumerate((late, lost, later)):
        liaise(listed, recipient, f"1390000000{number}")
    assert queue(listed) == 0
    assert messages(listed, Purpose.NOTICE) == []
    with Session(listed.notifier.engine) as session, session.begin():
        sent = update(MessageRow).where(MessageRow.recipient_id == late, MessageRow.purpose == Purpose.PACKAGE)
        session.execute(sent.values(state=MessageState.DELIVERED.value))
    assert queue(listed) == 1
    assert [row.address for row in messages(listed, Purpose.NOTICE)] == ["+8613900000000"]
    assert queue(listed) == 0


def test_each_liaison_is_told_once_that_there_is_a_list(listed: Town) -> None:
    liaise(listed, have_sent(listed, add_recipient(listed, "a", "mail")), "13900000001")
    liaise(listed, have_sent(listed, add_recipient(listed, "b", "mail")), "+1 201-555-0123")
    liaise(listed, have_sent(listed, add_recipient(listed, "c", "mail")), None)
    liaise(listed, have_sent(listed, add_recipient(listed, "d", "mail")), "13900000004", active=False)
    liaise(listed, have_sent(listed, add_recipient(listed, "e", "mail")), "010-88888888")
    liaise(listed, add_board(listed.notifier.engine, "f", "公告栏", now=listed.clock()), "13900000006")
    assert queue(listed) == 2
    rows = messages(listed, Purpose.NOTICE)
    assert {(row.address, row.channel) for row in rows} == {("+8613900000001", "sms_cn"), ("+12015550123", "sms")}
    for row in rows:
        text = json.loads(row.content or "")["text"]
        assert text.startswith("【测试法院】测试市人民法院：2026年第三季度失信被执行人名单")
        assert "丁联络" not in (row.content or "")
        assert "1390000" not in row.key
    assert queue(listed) == 0


def test_until_the_court_has_set_its_telephone_liaisons_wait(listed: Town) -> None:
    liaise(listed, have_sent(listed, add_recipient(listed, "a", "mail")), "13900000001")
    follow(listed, "oA", DIGEST)
    assert queue(listed, profile=replace(PROFILE, telephone="")) == 1
    assert messages(listed, Purpose.NOTICE) == []
    assert queue(listed) == 1
    assert len(messages(listed, Purpose.NOTICE)) == 1
    assert len(messages(listed)) == 1


def test_what_was_queued_is_known_by_its_key_even_when_the_note_is_lost(listed: Town) -> None:
    liaise(listed, have_sent(listed, add_recipient(listed, "a", "mail")), "13900000001")
    follow(listed, "oA", DIGEST)
    queue(listed)
    with Session(listed.notifier.engine) as session, session.begin():
        session.execute(delete(SettingRow).where(SettingRow.name.startswith("digest/")))
        session.execute(update(MessageRow).values(state=MessageState.DELIVERED.value))
    queue(listed)
    assert {row.state for purpose in (Purpose.DIGEST, Purpose.NOTICE) for row in messages(listed, purpose)} == {
        "delivered"
    }
    assert len(messages(listed)) == len(messages(listed, Purpose.NOTICE)) == 1

"""Who follows what, on each database; and that nothing else is kept of anybody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import Engine, inspect, select
from sqlalchemy.orm import Session
from wechat_world import NOW, OPENID

from notifier.wechat.conversation import DIGEST, Follow, Unfollow, district_topic
from notifier.wechat.followers import REMEMBERED, FollowerBook
from notifier.wechat.tables import WeChatFollowerRow, WeChatSeenRow


@pytest.fixture
def book(engine: Engine) -> FollowerBook:
    return FollowerBook(engine)


def follow(openid: str = OPENID, topic: str = DIGEST, **later: float) -> Follow:
    return Follow(follower=openid, topic=topic, at=NOW + timedelta(**later))


def leave(openid: str = OPENID, **later: float) -> Unfollow:
    return Unfollow(follower=openid, at=NOW + timedelta(**later), has_left=True)


def test_following_is_kept_once_and_by_topic(book: FollowerBook) -> None:
    for change in (follow(), follow(), follow(topic=district_topic("测试市")), follow("oT2")):
        book.apply(change)
    assert book.list_followers(DIGEST) == ["oT2", OPENID]
    assert book.list_followers(district_topic("测试市")) == [OPENID]
    assert book.count_followers() == {DIGEST: 2, district_topic("测试市"): 1}


def test_unsubscribing_erases(book: FollowerBook, engine: Engine) -> None:
    for change in (follow(), follow(topic=district_topic("测试市")), follow("oT2")):
        book.apply(change)
    for _ in range(2):
        book.apply(leave(minutes=1))
    assert book.list_followers(DIGEST) == ["oT2"]
    with Session(engine) as session:
        kept = [*session.scalars(select(WeChatFollowerRow.openid)), *session.scalars(select(WeChatSeenRow.key))]
    assert OPENID not in "".join(kept)


def test_a_wish_from_before_they_left_does_not_bring_them_back(book: FollowerBook) -> None:
    book.apply(leave(seconds=5))
    book.apply(follow(seconds=4))
    assert book.list_followers(DIGEST) == []
    book.apply(follow(seconds=60))
    assert book.list_followers(DIGEST) == [OPENID]


def test_who_says_no_more_but_stays_can_say_yes_again(book: FollowerBook) -> None:
    book.apply(follow())
    book.apply(Unfollow(follower=OPENID, at=NOW))
    assert book.list_followers(DIGEST) == []
    book.apply(follow())
    assert book.list_followers(DIGEST) == [OPENID]


def test_of_many_at_once_one_is_first(book: FollowerBook) -> None:
    ready = Barrier(8)

    def ask(_: int) -> bool:
        ready.wait()
        return book.seen_before("k" * 64, NOW)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ask, range(8))) == [False, *[True] * 7]
    assert not book.seen_before("l" * 64, NOW)


def test_what_was_seen_is_forgotten_when_it_cannot_come_again(book: FollowerBook) -> None:
    book.seen_before("k" * 64, NOW)
    assert book.sweep(NOW + REMEMBERED - timedelta(seconds=1)) == 0
    assert book.sweep(NOW + REMEMBERED) == 1
    assert not book.seen_before("k" * 64, NOW)


def test_a_follower_has_an_openid_and_topics_and_nothing_else(engine: Engine) -> None:
    columns = {column["name"] for column in inspect(engine).get_columns("wechat_follower")}
    assert columns == {"openid", "topic"}

"""What the gateways heard, written down: once, in any order, and against what the provider said before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count, permutations
from typing import Any

import pytest
from posts import Post, attempts, message, queue, send
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from notifier.channels import ChatMessage, MassMessage, Outcome, Stop
from notifier.gateway_events import REMEMBERED, EventBook
from notifier.outbox import decode_content
from notifier.sending import Given
from notifier.sms.receipts import OptIn, OptOut
from notifier.sms.receipts import ReceiptArrived as SmsReport
from notifier.states import MessageState, Purpose
from notifier.stops import find_suppressed, open_digest
from notifier.tables import GatewayEventRow, MessageRow, ReceiptRow
from notifier.wechat.conversation import DIGEST, Follow, Unfollow
from notifier.wechat.followers import FollowerBook
from notifier.wechat.messages import SubscriptionAnswered
from notifier.wechat.receipts import ReceiptArrived

Town = Any
S = MessageState
NUMBER, OPENID = "+12025550123", "oTESTfollower0000000000000001"
CHAT = ChatMessage(template="digest", version=1, fields={"court": "测试市人民法院"}, url="https://list.example.invalid")
NUMBERS = count(1)


@pytest.fixture
def book(town: Town) -> EventBook:
    return EventBook(town.notifier, Given(store=town.store), town.clock)


def accepted(reference: str | None) -> Outcome:
    return Outcome(state=S.ACCEPTED, detail="已接收", reference=reference)


def sms(town: Town, key: str, status: S, reference: str, **outcome: Any) -> SmsReport:
    return SmsReport(
        key=f"twilio:{reference}:{status}", channel="sms", dispatch_id=message(town, key).dispatch, attempt=1,
        reference=reference, outcome=Outcome(state=status, detail="回执", reference=reference, **outcome),
    )  # fmt: skip


def chat(town: Town, *keys: str, reference: str | None = None, to: str = OPENID, **changes: Any) -> None:
    """Send messages to a follower, each of which WeChat accepts."""
    queue(town, *keys, **{"channel": "wechat", "content": CHAT, "address": to, "purpose": Purpose.DIGEST, **changes})
    references = iter(keys) if reference is None else iter([reference] * len(keys))
    send(town, {"wechat": Post(answers=[accepted(one or None) for one in references])})


def report(town: Town, reference: str | None, state: S = S.DELIVERED, **changes: Any) -> ReceiptArrived:
    stop = changes.pop("stop", Stop.NOTHING)
    known = {"key": f"k{next(NUMBERS)}", "address": OPENID, "at": town.clock()}
    outcome = Outcome(state=state, detail="微信回执", stop=stop)
    return ReceiptArrived(**{**known, "reference": reference, "outcome": outcome, **changes})


def state(town: Town, key: str) -> S:
    return S(message(town, key).state)


def suppressed(town: Town, address: str) -> bool:
    hashed = open_digest(town.notifier.engine)(address)
    with Session(town.notifier.engine) as session:
        return bool(find_suppressed(session, [hashed]))


# SMS ----------------------------------------------------------------------------------------------------------------


def test_a_receipt_of_sms_settles_its_message_once(town: Town, book: EventBook) -> None:
    queue(town, "a", channel="sms", address=NUMBER)
    send(town, {"sms": Post(answers=[accepted("SM1")])})
    for status in (S.ACCEPTED, S.DELIVERED, S.ACCEPTED, S.DELIVERED):
        book.apply_sms(sms(town, "a", status, "SM1"))
    assert state(town, "a") is S.DELIVERED
    with Session(town.notifier.engine) as session:
        assert session.scalar(select(func.count()).select_from(ReceiptRow)) == 2


def test_a_provider_that_wants_to_be_left_alone_for_hours_is(town: Town, book: EventBook) -> None:
    queue(town, "a", channel="sms", address=NUMBER)
    send(town, {"sms": Post(answers=[accepted("SM1")])})
    book.apply_sms(sms(town, "a", S.FAILED_TEMPORARY, "SM1", retry_after=timedelta(hours=6)))
    assert message(town, "a").next_attempt_at >= town.clock() + timedelta(hours=6)


@pytest.mark.parametrize("order", list(permutations([S.ACCEPTED, S.FAILED_TEMPORARY])))
def test_sent_does_not_undo_that_it_did_not_arrive(town: Town, book: EventBook, order: tuple[S, ...]) -> None:
    """Twilio tells "undelivered" and "sent" in any order. Taken for a new state, the older one would keep the message from
    being sent again."""
    queue(town, "a", channel="sms", address=NUMBER)
    send(town, {"sms": Post(answers=[accepted("SM1")])})
    for status in order:
        book.apply_sms(sms(town, "a", status, "SM1"))
    assert state(town, "a") is S.FAILED_TEMPORARY


def test_sent_does_not_end_the_next_attempt(town: Town, book: EventBook) -> None:
    queue(town, "a", channel="sms", address=NUMBER)
    send(town, {"sms": Post(answers=[accepted("SM1")])})
    book.apply_sms(sms(town, "a", S.FAILED_TEMPORARY, "SM1"))
    town.clock.pass_time(minutes=10)

    class Overtaken(Post):
        def deliver(self, dispatch: Any) -> Outcome:
            book.apply_sms(sms(town, "a", S.ACCEPTED, "SM1"))
            return Outcome(state=S.FAILED_PERMANENT, detail="号码不存在", stop=Stop.ADDRESS)

    send(town, {"sms": Overtaken()})
    assert state(town, "a") is S.FAILED_PERMANENT


def test_sent_undoes_what_only_we_took_for_lost(town: Town, book: EventBook) -> None:
    queue(town, "a", channel="sms", address=NUMBER)
    send(town, {"sms": Post(answers=[Outcome(state=S.FAILED_TEMPORARY, detail="连接不上")])})
    book.apply_sms(sms(town, "a", S.ACCEPTED, "SM9"))
    assert state(town, "a") is S.ACCEPTED


def test_an_address_that_a_quick_receipt_refuses_gets_nothing_more(town: Town, book: EventBook) -> None:
    queue(town, "a", channel="sms", address=NUMBER)

    class Slow(Post):
        def deliver(self, dispatch: Any) -> Outcome:
            book.apply_sms(sms(town, "a", S.FAILED_PERMANENT, "SM1", stop=Stop.ADDRESS))
            return accepted("SM1")

    send(town, {"sms": Slow()})
    assert state(town, "a") is S.FAILED_PERMANENT
    assert suppressed(town, NUMBER)


def test_out_and_in_again_each_once(town: Town, book: EventBook) -> None:
    book.apply_sms(OptOut(key="1", number=NUMBER))
    assert suppressed(town, NUMBER)
    queue(town, "a", channel="sms", address=NUMBER)
    assert send(town, {"sms": Post()}) == 0
    assert state(town, "a") is S.CANCELLED
    book.apply_sms(OptIn(key="2", number=NUMBER))
    assert not suppressed(town, NUMBER)
    # Whoever has seen the first request can repeat it, signature and all.
    book.apply_sms(OptOut(key="1", number=NUMBER))
    assert not suppressed(town, NUMBER)


def test_a_wish_that_could_not_be_written_down_is_not_remembered(
    town: Town, book: EventBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError("disk")

    with monkeypatch.context() as broken:
        broken.setattr("notifier.gateway_events.suppress", fail)
        with pytest.raises(OSError, match="disk"):
            book.apply_sms(OptOut(key="1", number=NUMBER))
    book.apply_sms(OptOut(key="1", number=NUMBER))
    assert suppressed(town, NUMBER)


def test_what_is_remembered_names_nobody_and_is_forgotten(town: Town, book: EventBook) -> None:
    book.apply_sms(OptOut(key=f"twilio:{NUMBER}", number=NUMBER))
    with Session(town.notifier.engine) as session:
        assert not any(NUMBER in token for token in session.scalars(select(GatewayEventRow.token)))
    town.clock.now += REMEMBERED + timedelta(days=1)
    assert book.sweep() == 1
    assert suppressed(town, NUMBER)


# What nobody has signed ---------------------------------------------------------------------------------------------


def hint(town: Town, key: str, reference: str, state: S = S.DELIVERED) -> SmsReport:
    return replace(sms(town, key, state, reference), channel="sms_cn", attempt=None)


def test_an_unsigned_report_is_believed_where_it_knows_both_numbers(town: Town, book: EventBook) -> None:
    queue(town, "a", "b", channel="sms_cn", address=NUMBER)
    send(town, {"sms_cn": Post(answers=[accepted("BIZ1"), accepted("BIZ2")])})
    wrong = hint(town, "a", "BIZ2" if attempts(town, "a")[0].reference == "BIZ1" else "BIZ1")
    book.apply_hint(wrong)
    book.apply_hint(replace(wrong, dispatch_id="d-guessed"))
    book.apply_hint(replace(wrong, dispatch_id=None))
    assert state(town, "a") is S.ACCEPTED
    book.apply_hint(hint(town, "a", str(attempts(town, "a")[0].reference)))
    assert (state(town, "a"), state(town, "b")) == (S.DELIVERED, S.ACCEPTED)


def test_an_unsigned_report_with_our_number_alone_makes_us_ask(town: Town, book: EventBook) -> None:
    queue(town, "a", channel="sms_cn", address=NUMBER)
    post = Post(answers=[Outcome(state=S.UNKNOWN, detail="超时")])
    send(town, {"sms_cn": post})
    book.apply_hint(hint(town, "a", "BIZ7"))
    assert state(town, "a") is S.UNKNOWN
    post.known = Outcome(state=S.DELIVERED, detail="已送达")
    send(town, {"sms_cn": post})
    assert state(town, "a") is S.DELIVERED


# WeChat -------------------------------------------------------------------------------------------------------------


def test_following_and_unfollowing(town: Town, book: EventBook) -> None:
    followers, now = FollowerBook(town.notifier.engine), town.clock()
    book.apply_wechat([Follow(follower=OPENID, topic=DIGEST, at=now)])
    assert followers.list_followers(DIGEST) == [OPENID]
    queue(town, "a", channel="wechat", content=CHAT, address=OPENID, purpose=Purpose.DIGEST)
    queue(town, "b", channel="wechat", content=CHAT, address="oSomebodyElse", purpose=Purpose.DIGEST)
    book.apply_wechat([Unfollow(follower=OPENID, at=now)])
    assert followers.list_followers(DIGEST) == []
    assert (state(town, "a"), state(town, "b")) == (S.CANCELLED, S.QUEUED)


def rows_of(town: Town) -> str:
    with Session(town.notifier.engine) as session:
        columns = list(MessageRow.__table__.columns)
        return repr(session.execute(select(*columns)).all())


@pytest.mark.parametrize("end", [S.ACCEPTED, S.DELIVERED, S.UNKNOWN, S.FAILED_TEMPORARY, S.FAILED_PERMANENT])
def test_leaving_erases_the_openid_and_what_was_said(town: Town, book: EventBook, end: S) -> None:
    queue(town, "sent", "other", channel="wechat", content=CHAT, address=OPENID, purpose=Purpose.DIGEST)
    queue(town, "theirs", channel="wechat", content=CHAT, address="oSomebodyElse", purpose=Purpose.DIGEST)
    post = Post(answers=[Outcome(state=end, detail="测试")] * 3)
    send(town, {"wechat": post})
    queue(town, "waits", channel="wechat", content=CHAT, address=OPENID, purpose=Purpose.NOTICE)
    hashed = open_digest(town.notifier.engine)(OPENID)
    town.clock.pass_time(minutes=1)
    for _ in range(2):
        book.apply_wechat([Unfollow(follower=OPENID, at=town.clock(), has_left=True)])
    kept = rows_of(town)
    assert OPENID not in kept
    assert hashed not in kept
    assert "oSomebodyElse" in kept
    for key in ("sent", "other", "waits"):
        assert decode_content(message(town, key).content or "") == replace(CHAT, fields={}, url=None)
    assert state(town, "waits") is S.CANCELLED
    assert state(town, "sent") is (S.CANCELLED if end in (S.UNKNOWN, S.FAILED_TEMPORARY) else end)
    # Nothing goes to nobody, and asking what became of it breaks nothing.
    town.clock.pass_time(days=5)
    post.dispatches.clear()
    send(town, {"wechat": post})
    assert {dispatch.address for dispatch in post.dispatches} <= {"oSomebodyElse"}


def test_a_call_that_is_under_way_when_they_leave_ends_and_leaves_nothing(town: Town, book: EventBook) -> None:
    class Leaving(Post):
        def deliver(self, dispatch: Any) -> Outcome:
            book.apply_wechat([Unfollow(follower=OPENID, at=town.clock(), has_left=True)])
            return accepted("77")

    queue(town, "a", channel="wechat", content=CHAT, address=OPENID)
    send(town, {"wechat": Leaving()})
    assert state(town, "a") is S.ACCEPTED
    assert OPENID not in rows_of(town)
    book.apply_wechat([report(town, "77")])
    assert state(town, "a") is S.DELIVERED


def test_a_departure_that_is_told_again_cancels_nothing_of_one_who_came_back(town: Town, book: EventBook) -> None:
    left = Unfollow(follower=OPENID, at=town.clock(), has_left=True)
    book.apply_wechat([left])
    town.clock.pass_time(minutes=1)
    book.apply_wechat([Follow(follower=OPENID, topic=DIGEST, at=town.clock())])
    queue(town, "a", channel="wechat", content=CHAT, address=OPENID, purpose=Purpose.DIGEST)
    book.apply_wechat([left])
    assert state(town, "a") is S.QUEUED
    assert FollowerBook(town.notifier.engine).list_followers(DIGEST) == [OPENID]


def test_whoever_comes_back_can_be_written_to_again(town: Town, book: EventBook) -> None:
    queue(town, "a", channel="wechat", content=CHAT, address=OPENID)
    send(town, {"wechat": Post(answers=[Outcome(state=S.FAILED_PERMANENT, detail="没有关注", stop=Stop.ADDRESS)])})
    assert suppressed(town, OPENID)
    book.apply_wechat([Follow(follower=OPENID, topic=DIGEST, at=town.clock())])
    assert not suppressed(town, OPENID)


@pytest.mark.parametrize("wanted", [True, False])
def test_only_a_yes_to_subscription_messages_lifts_what_a_no_has_stopped(
    town: Town, book: EventBook, wanted: bool
) -> None:
    book.apply_wechat([report(town, "5", S.FAILED_PERMANENT, stop=Stop.ADDRESS)])
    assert suppressed(town, OPENID)
    answer = SubscriptionAnswered(
        follower=OPENID, account="gh_0", key="k", at=town.clock(), template="T", is_wanted=wanted
    )
    book.apply_wechat([answer])
    assert suppressed(town, OPENID) is not wanted


def test_a_report_finds_its_message_by_its_number(town: Town, book: EventBook) -> None:
    chat(town, "101", "102")
    book.apply_wechat([report(town, "102")] * 2)
    assert {state(town, "101"), state(town, "102")} == {S.ACCEPTED, S.DELIVERED}


def test_a_report_without_a_number_belongs_to_the_only_message_to_its_reader(town: Town, book: EventBook) -> None:
    chat(town, "mine")
    chat(town, "theirs", to="oSomebodyElse")
    town.clock.pass_time(minutes=1)
    book.apply_wechat([report(town, None)])
    assert (state(town, "mine"), state(town, "theirs")) == (S.DELIVERED, S.ACCEPTED)


def test_a_report_without_a_number_that_is_told_again_is_not_one_on_the_next_message(
    town: Town, book: EventBook
) -> None:
    chat(town, "first")
    said = report(town, None)
    book.apply_wechat([said])
    chat(town, "second")
    book.apply_wechat([said])
    assert (state(town, "first"), state(town, "second")) == (S.DELIVERED, S.ACCEPTED)


def test_a_report_without_a_number_that_could_mean_two_means_none(town: Town, book: EventBook) -> None:
    chat(town, "first", "second")
    book.apply_wechat([report(town, None)])
    assert {state(town, "first"), state(town, "second")} == {S.ACCEPTED}


def test_a_report_on_a_message_whose_answer_was_lost_finds_it(town: Town, book: EventBook) -> None:
    queue(town, "a", channel="wechat", content=CHAT, address=OPENID)
    send(town, {"wechat": Post(answers=[Outcome(state=S.UNKNOWN, detail="没有得到答复")])})
    book.apply_wechat([report(town, "900")])
    assert state(town, "a") is S.DELIVERED


def test_an_old_report_means_nothing_new(town: Town, book: EventBook) -> None:
    chat(town, "a")
    book.apply_wechat([report(town, None, at=town.clock() - timedelta(hours=1))])
    book.apply_wechat([report(town, "900")])
    assert state(town, "a") is S.ACCEPTED


def test_a_report_that_overtakes_the_answer_is_applied_when_it_comes(town: Town, book: EventBook) -> None:
    class Overtaken(Post):
        def deliver(self, dispatch: Any) -> Outcome:
            book.apply_wechat([report(town, "31", S.FAILED_PERMANENT, stop=Stop.ADDRESS)])
            return accepted("31")

    queue(town, "a", channel="wechat", content=CHAT, address=OPENID)
    send(town, {"wechat": Overtaken()})
    assert state(town, "a") is S.FAILED_PERMANENT
    assert suppressed(town, OPENID)


def test_a_report_on_a_mass_message_is_of_no_other(town: Town, book: EventBook) -> None:
    chat(town, "to one")
    queue(town, "to all", channel="wechat", content=MassMessage(text="名单已公布"), address="all")
    send(town, {"wechat": Post(answers=[accepted(None)])})
    book.apply_wechat([report(town, "5000", address=None)])
    assert (state(town, "to one"), state(town, "to all")) == (S.ACCEPTED, S.DELIVERED)

"""What became of a message: by its call, by receipts in any order, by asking the provider, or by a person."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from posts import ACCEPTED, BUSY, DELIVERED, UNKNOWN, Post, attempts, message, queue, send, terms
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from notifier.channels import Dispatch, Outcome, Stop
from notifier.claiming import LEASE, begin_calls, claim_due
from notifier.policy import ChannelLimits, Rules
from notifier.settling import (
    Applied,
    Receipt,
    Verdict,
    answer_questions,
    apply_receipt,
    close_calls,
    recover_lost,
    settle_by_person,
    take_questions,
)
from notifier.states import MessageState
from notifier.stops import allow, find_suppressed, list_pauses, open_digest, opt_out, resume_channel
from notifier.tables import ReceiptRow

Town = Any
REFUSED = Outcome(state=MessageState.FAILED_PERMANENT, detail="号码不存在", stop=Stop.ADDRESS)


def report(town: Town, state: MessageState, **who: str) -> Applied:
    receipt = Receipt(channel="post", state=state, detail="回执", **who)  # type: ignore[arg-type]
    return apply_receipt(town.notifier.engine, receipt, terms(town), town.clock())


def state_of(town: Town, key: str) -> MessageState:
    return MessageState(message(town, key).state)


def test_a_receipt_settles_what_was_accepted_and_its_repetition_changes_nothing(town: Town) -> None:
    queue(town, "a")
    send(town, {"post": Post(answers=[ACCEPTED])})
    assert state_of(town, "a") is MessageState.ACCEPTED
    assert report(town, MessageState.DELIVERED, reference="ref-1") is Applied.NEW
    assert report(town, MessageState.DELIVERED, reference="ref-1") is Applied.NOTHING_NEW
    assert state_of(town, "a") is MessageState.DELIVERED
    assert [(a.outcome, a.detail) for a in attempts(town, "a")] == [("delivered", "已接收；回执")]
    with Session(town.notifier.engine) as session:
        assert session.scalar(select(func.count()).select_from(ReceiptRow)) == 1


@pytest.mark.parametrize("by", ["reference", "dispatch"])
@pytest.mark.parametrize("order", sorted(set(permutations(["accepted", "delivered", "delivered"]))))
def test_receipts_in_any_order_end_in_what_is_furthest(town: Town, by: str, order: tuple[str, ...]) -> None:
    queue(town, "a")
    send(town, {"post": Post(answers=[ACCEPTED])})
    who = {"reference": "ref-1"} if by == "reference" else {"dispatch": message(town, "a").dispatch}
    for state in order:
        report(town, MessageState(state), **who)
    assert state_of(town, "a") is MessageState.DELIVERED


def test_what_was_delivered_stays_so_and_what_failed_stays_so(town: Town) -> None:
    queue(town, "a", "b")
    first, second = (Outcome(state=MessageState.ACCEPTED, detail="好", reference=f"ref-{n}") for n in (1, 2))
    send(town, {"post": Post(answers=[first, second])})
    report(town, MessageState.DELIVERED, reference="ref-1")
    assert report(town, MessageState.FAILED_PERMANENT, reference="ref-1") is Applied.NOTHING_NEW
    report(town, MessageState.FAILED_PERMANENT, reference="ref-2")
    assert report(town, MessageState.DELIVERED, reference="ref-2") is Applied.NOTHING_NEW
    assert (state_of(town, "a"), state_of(town, "b")) == (MessageState.DELIVERED, MessageState.FAILED_PERMANENT)


class Hasty(Post):
    """A provider whose receipt is there before its answer."""

    town: Town
    said: MessageState
    who: str

    def deliver(self, dispatch: Dispatch) -> Outcome:
        self.dispatches.append(dispatch)
        who = {"reference": "ref-9"} if self.who == "reference" else {"dispatch": dispatch.id, "reference": "ref-9"}
        report(self.town, self.said, **who)
        return Outcome(state=MessageState.ACCEPTED, detail="已接收", reference="ref-9")


@pytest.mark.parametrize("who", ["reference", "both"])
@pytest.mark.parametrize("said", [MessageState.DELIVERED, MessageState.FAILED_PERMANENT])
def test_a_receipt_that_is_there_before_the_call_has_returned_is_not_lost(
    town: Town, said: MessageState, who: str
) -> None:
    queue(town, "a")
    hasty = Hasty()
    hasty.town, hasty.said, hasty.who = town, said, who
    send(town, {"post": hasty})
    assert state_of(town, "a") is said
    assert [a.reference for a in attempts(town, "a")] == ["ref-9"]


def test_a_late_failure_of_an_earlier_attempt_does_not_spoil_the_next_one(town: Town) -> None:
    queue(town, "a")
    post = Post(answers=[Outcome(state=MessageState.ACCEPTED, detail="好", reference=f"ref-{n}") for n in (1, 2)])
    send(town, {"post": post})
    report(town, MessageState.FAILED_TEMPORARY, reference="ref-1")
    assert state_of(town, "a") is MessageState.FAILED_TEMPORARY
    town.clock.pass_time(minutes=2)
    send(town, {"post": post})
    assert len(post.dispatches) == 2
    assert report(town, MessageState.FAILED_PERMANENT, reference="ref-1") is Applied.NOTHING_NEW
    assert state_of(town, "a") is MessageState.ACCEPTED
    report(town, MessageState.DELIVERED, reference="ref-2")
    assert state_of(town, "a") is MessageState.DELIVERED


def test_a_late_failure_of_a_lost_attempt_does_not_spoil_the_call_that_goes_on(town: Town) -> None:
    """The first attempt never learnt its reference, so only the answer to the second tells the two apart."""

    class Late(Post):
        def deliver(self, dispatch: Dispatch) -> Outcome:
            if dispatch.attempt == 2:
                report(town, MessageState.FAILED_PERMANENT, dispatch=dispatch.id, reference="ref-1")
            return super().deliver(dispatch)

    queue(town, "a")
    second = Outcome(state=MessageState.ACCEPTED, detail="好", reference="ref-2")
    late = Late(answers=[UNKNOWN, second], known=Outcome(state=MessageState.FAILED_TEMPORARY, detail="查无此件"))
    for _ in range(3):
        send(town, {"post": late})
        town.clock.pass_time(minutes=2)
    assert len(late.dispatches) == 2
    assert state_of(town, "a") is MessageState.ACCEPTED


def test_an_answer_about_an_earlier_attempt_says_nothing_of_the_next(town: Town) -> None:
    queue(town, "a")
    post = Post(answers=[UNKNOWN, UNKNOWN])
    send(town, {"post": post})
    town.clock.pass_time(minutes=2)
    engine = town.notifier.engine
    with Session(engine) as session, session.begin():
        (question,) = take_questions(session, ["post"], 5, town.clock())
    settle_by_person(engine, message(town, "a").id, Verdict.SEND_AGAIN, by="审核员甲", now=town.clock())
    send(town, {"post": post})
    nothing_there = Outcome(state=MessageState.FAILED_TEMPORARY, detail="查无此件")
    with Session(engine) as session, session.begin():
        answer_questions(session, [(question, nothing_there)], terms(town), town.clock())
    assert (state_of(town, "a"), len(post.dispatches)) == (MessageState.UNKNOWN, 2)


def test_a_call_that_comes_back_after_another_was_begun_changes_nothing(town: Town) -> None:
    queue(town, "a")
    engine, claims = town.notifier.engine, []
    for _ in range(2):
        with Session(engine) as session, session.begin():
            (claim,), _ = claim_due(session, "post", 1, terms(town), town.clock())
            claims.append(claim)
        with Session(engine) as session, session.begin():
            begin_calls(session, [claim], Rules(), town.clock())
        if len(claims) == 1:
            town.clock.pass_time(seconds=LEASE.total_seconds() + 1)
            recover_lost(engine, {"post": Post(repeatable=True)}, terms(town), town.clock())
    with Session(engine) as session, session.begin():
        refused = Outcome(state=MessageState.FAILED_PERMANENT, detail="号码错误")
        assert close_calls(session, [(claims[0], refused)], terms(town), town.clock()) == []
    assert state_of(town, "a") is MessageState.SENDING
    with Session(engine) as session, session.begin():
        assert close_calls(session, [(claims[1], DELIVERED)], terms(town), town.clock()) == [claims[1]]
    assert state_of(town, "a") is MessageState.DELIVERED


def test_a_late_receipt_of_a_message_that_waits_to_be_sent_again_keeps_it_from_going_twice(town: Town) -> None:
    queue(town, "a")
    post = Post(answers=[Outcome(state=MessageState.FAILED_TEMPORARY, detail="503", reference="ref-1")])
    send(town, {"post": post})
    report(town, MessageState.DELIVERED, reference="ref-1")
    town.clock.pass_time(hours=2)
    assert send(town, {"post": post}) == 0
    assert state_of(town, "a") is MessageState.DELIVERED


def test_a_receipt_of_what_never_left_is_of_something_else(town: Town) -> None:
    queue(town, "a")
    assert report(town, MessageState.DELIVERED, dispatch=message(town, "a").dispatch) is Applied.NOTHING_NEW
    assert report(town, MessageState.DELIVERED, dispatch="unheard-of") is Applied.KEPT
    assert state_of(town, "a") is MessageState.QUEUED
    with pytest.raises(ValueError, match="no receipt says"):
        report(town, MessageState.QUEUED, reference="x")


def test_a_receipt_of_another_channel_is_not_ours(town: Town) -> None:
    queue(town, "a")
    send(town, {"post": Post(answers=[ACCEPTED])})
    other = Receipt(channel="other", state=MessageState.DELIVERED, detail="回执", reference="ref-1")
    assert apply_receipt(town.notifier.engine, other, terms(town), town.clock()) is Applied.KEPT
    assert state_of(town, "a") is MessageState.ACCEPTED


# What is unknown ---------------------------------------------------------------------------------------------------


def test_what_is_unknown_is_asked_for_and_never_sent_again_by_itself(town: Town) -> None:
    queue(town, "a")
    post = Post(answers=[UNKNOWN])
    for _ in range(60):
        send(town, {"post": post})
        town.clock.pass_time(hours=1)
    assert len(post.dispatches) == 1
    assert len(post.asked) == 6
    assert state_of(town, "a") is MessageState.UNKNOWN


@pytest.mark.parametrize(
    ("known", "state", "sent"),
    [
        (DELIVERED, MessageState.DELIVERED, 1),
        (Outcome(state=MessageState.FAILED_PERMANENT, detail="已拒收"), MessageState.FAILED_PERMANENT, 1),
        (Outcome(state=MessageState.FAILED_TEMPORARY, detail="查无此件"), MessageState.DELIVERED, 2),
    ],
)
def test_the_providers_answer_settles_it(town: Town, known: Outcome, state: MessageState, sent: int) -> None:
    queue(town, "a")
    post = Post(answers=[UNKNOWN], known=known)
    send(town, {"post": post})
    for _ in range(3):
        town.clock.pass_time(minutes=2)
        send(town, {"post": post})
    assert (state_of(town, "a"), len(post.dispatches)) == (state, sent)
    assert (attempts(town, "a")[0].detail or "").startswith("超时；")


def test_what_was_accepted_is_asked_for_when_its_receipt_does_not_come(town: Town) -> None:
    queue(town, "a")
    post = Post(answers=[ACCEPTED], known=DELIVERED)
    send(town, {"post": post})
    town.clock.pass_time(minutes=59)
    send(town, {"post": post})
    assert post.asked == []
    town.clock.pass_time(minutes=2)
    send(town, {"post": post})
    assert post.asked == ["ref-1"]
    assert state_of(town, "a") is MessageState.DELIVERED


@pytest.mark.parametrize(
    ("verdict", "state", "sent"),
    [
        (Verdict.ARRIVED, MessageState.DELIVERED, 1),
        (Verdict.SEND_AGAIN, MessageState.DELIVERED, 2),
        (Verdict.GIVE_UP, MessageState.CANCELLED, 1),
    ],
)
def test_a_person_settles_it(town: Town, verdict: Verdict, state: MessageState, sent: int) -> None:
    queue(town, "a")
    post = Post(answers=[UNKNOWN])
    send(town, {"post": post})
    asked = message(town, "a").id
    assert settle_by_person(town.notifier.engine, asked, verdict, by="审核员甲", now=town.clock())
    assert not settle_by_person(town.notifier.engine, asked, verdict, by="审核员甲", now=town.clock())
    assert "审核员甲" in (attempts(town, "a")[0].detail or "")
    send(town, {"post": post})
    assert (state_of(town, "a"), len(post.dispatches)) == (state, sent)
    assert not settle_by_person(town.notifier.engine, 10**6, verdict, by="审核员甲", now=town.clock())


def test_a_channel_that_breaks_leaves_an_unknown_without_its_words(town: Town) -> None:
    class Broken(Post):
        def deliver(self, dispatch: Dispatch) -> Outcome:
            raise RuntimeError("https://example.invalid/?secret=abc")

    queue(town, "a", "b")
    assert send(town, {"post": Broken()}) == 2
    assert state_of(town, "a") is MessageState.UNKNOWN
    assert attempts(town, "a")[0].detail == "发送通道出错（RuntimeError），结果不明"


# What stops --------------------------------------------------------------------------------------------------------


def test_an_address_that_does_not_exist_gets_nothing_more_until_it_is_allowed_again(town: Town) -> None:
    queue(town, "a")
    send(town, {"post": Post(answers=[REFUSED])})
    queue(town, "b", address="a")
    queue(town, "c")
    post = Post()
    assert send(town, {"post": post}) == 1
    assert (state_of(town, "b"), message(town, "b").reason) == (
        MessageState.CANCELLED,
        "该地址已停止发送：号码不存在",
    )
    assert allow(town.notifier.engine, "a")
    assert not allow(town.notifier.engine, "a")
    queue(town, "d", address="a")
    assert send(town, {"post": post}) == 1


def test_the_list_of_stopped_addresses_holds_no_address(town: Town) -> None:
    opt_out(town.notifier.engine, "+8613800000000", reason="短信回复退订", now=town.clock())
    digest = open_digest(town.notifier.engine)
    with Session(town.notifier.engine) as session:
        assert find_suppressed(session, [digest("+8613800000000"), digest("x")]) == {
            digest("+8613800000000"): "短信回复退订"
        }
    assert "138" not in digest("+8613800000000")[:6]
    assert len(digest("x")) == 64


def test_an_opt_out_is_not_replaced_by_a_failure(town: Town) -> None:
    queue(town, "a")
    post = Post(answers=[ACCEPTED])
    send(town, {"post": post})
    opt_out(town.notifier.engine, "a", reason="短信回复退订", now=town.clock())
    receipt = Receipt(
        channel="post", state=MessageState.FAILED_PERMANENT, detail="空号", reference="ref-1", stop=Stop.ADDRESS
    )
    apply_receipt(town.notifier.engine, receipt, terms(town), town.clock())
    queue(town, "b", address="a")
    send(town, {"post": post})
    assert message(town, "b").reason == "该地址已停止发送：短信回复退订"


@pytest.mark.parametrize("state", [MessageState.FAILED_PERMANENT, MessageState.FAILED_TEMPORARY])
def test_a_channel_that_is_refused_pauses_until_a_person_resumes_it_and_loses_nothing(
    town: Town, state: MessageState
) -> None:
    queue(town, *"abcdef")
    post = Post(answers=[Outcome(state=state, detail="账户余额不足", stop=Stop.CHANNEL)])
    assert send(town, {"post": post}) == 1
    assert [(p.channel, p.reason) for p in list_pauses(town.notifier.engine)] == [("post", "账户余额不足")]
    town.clock.pass_time(days=3)
    assert send(town, {"post": post}) == 0
    assert resume_channel(town.notifier.engine, "post")
    assert not resume_channel(town.notifier.engine, "post")
    assert send(town, {"post": post}) == 6
    assert {state_of(town, key) for key in "abcdef"} == {MessageState.DELIVERED}
    assert message(town, "a").failures == 0


def test_a_provider_that_wants_to_be_left_alone_is(town: Town) -> None:
    queue(town, *"abcd")
    quota = Outcome(state=MessageState.FAILED_TEMPORARY, detail="当日额度用完", retry_after=timedelta(hours=5))
    post = Post(answers=[quota])
    assert send(town, {"post": post}) == 1
    town.clock.pass_time(hours=4)
    assert send(town, {"post": post}) == 0
    town.clock.pass_time(hours=3)
    assert send(town, {"post": post}) == 4


def test_one_call_too_many_a_second_does_not_stop_the_others(town: Town) -> None:
    queue(town, *"abcd")
    busy = Outcome(state=MessageState.FAILED_TEMPORARY, detail="稍后再试", retry_after=timedelta(seconds=1))
    post = Post(answers=[busy, DELIVERED, busy, DELIVERED])
    assert send(town, {"post": post}) == 4
    queue(town, *"efghi")
    post.answers = [busy] * 5
    assert send(town, {"post": post}) == 3, "three in a row: the channel rests"


def test_failures_end_when_the_channels_limits_say_so(town: Town) -> None:
    rules = Rules(channels={"post": ChannelLimits(most_failures=2)})
    queue(town, "a")
    post = Post(answers=[BUSY, BUSY, BUSY])
    for _ in range(4):
        send(town, {"post": post}, rules)
        town.clock.pass_time(hours=1)
    assert (state_of(town, "a"), len(post.dispatches)) == (MessageState.FAILED_PERMANENT, 2)

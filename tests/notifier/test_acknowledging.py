"""Answers count for the right message, once, by whichever way they come."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from posts import BUSY, UNKNOWN, Post, add_recipient, message, send
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from notifier.acknowledging import (
    BY_FILE,
    UnknownDispatch,
    WrongAcknowledgement,
    apply_answer,
    apply_file_acks,
    find_matter,
)
from notifier.answers import (
    AckKind,
    Answer,
    BadAnswer,
    check_signature,
    find_dispatch,
    read_form,
    read_json,
    read_kept,
)
from notifier.calendar import Period
from notifier.channels import Channel, Outcome
from notifier.followups import list_follow_ups
from notifier.institutions.acks import FileAck
from notifier.recall import follow_changes
from notifier.runs import push
from notifier.states import MessageState, Purpose
from notifier.tables import AcknowledgementRow, MessageRow, RecipientRow
from search_index.document import Document

Town = Any
NOW = datetime(2026, 10, 8, 2, 0, tzinfo=UTC)


@dataclass
class Sent:
    """Two recipients that were sent a list, and one entry of it that has left."""

    town: Town
    channels: dict[str, Channel]
    leaves: Document

    def dispatch(self, slug: str, purpose: Purpose) -> str:
        query = select(MessageRow.dispatch).join(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
        with Session(self.town.notifier.engine) as session:
            found: str = session.scalars(query.where(RecipientRow.slug == slug, MessageRow.purpose == purpose)).one()
            return found

    def notes(self) -> list[tuple[str, str, str, str | None]]:
        query = select(AcknowledgementRow).order_by(AcknowledgementRow.id)
        with Session(self.town.notifier.engine) as session:
            return [(row.kind, row.given_by, row.noted_by, row.place) for row in session.scalars(query)]


@pytest.fixture
def sent(town: Town, period: Period, person: Document) -> Sent:
    with Session(town.notifier.engine) as session, session.begin():
        session.execute(update(RecipientRow).values(active=False))
    add_recipient(town, "one", "sftp")
    add_recipient(town, "two", "sftp")
    leaves = town.publish(person)
    channels: dict[str, Channel] = {"sftp": Post()}
    push(town.notifier, period, now=town.clock(), made_by="甲")
    send(town, channels)
    town.depart(leaves)
    follow_changes(town.notifier.engine, town.store, town.notifier.workdays, now=town.clock())
    send(town, channels)
    return Sent(town, channels, leaves)


def answer(kind: AckKind, place: str | None = None) -> Answer:
    return Answer(kind=kind, given_by="编辑", given_at=NOW, place=place)


# What arrives ----------------------------------------------------------------------------------------------------------


def test_the_published_vector_of_the_standard_is_right() -> None:
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    headers = {
        "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    at = datetime.fromtimestamp(1614265330, UTC)
    assert check_signature(secret, headers, body, at)
    assert check_signature(
        secret, {**headers, "webhook-signature": f"v1,AAAA {headers['webhook-signature']}"}, body, at
    )
    assert not check_signature(secret, headers, body + b" ", at)
    assert not check_signature(None, headers, body, at)
    # The same key as a password of another channel signs nothing.
    assert not check_signature(secret.removeprefix("whsec_"), headers, body, at)
    assert not check_signature(secret, headers, body, at + timedelta(seconds=301))
    assert check_signature(secret, headers, body, at - timedelta(seconds=299))


@settings(max_examples=40)
@given(
    body=st.binary(max_size=200).filter(lambda body: _is_text(body)),
    number=st.from_regex(r"[a-z0-9_]{1,30}", fullmatch=True),
)
def test_what_the_published_library_signs_is_taken(body: bytes, number: str) -> None:
    secret = "whsec_" + base64.b64encode(b"s" * 32).decode()
    headers = {
        "webhook-id": number,
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": Webhook(secret).sign(number, NOW, body.decode()),
    }
    assert check_signature(secret, headers, body, NOW)
    assert not check_signature("whsec_" + base64.b64encode(b"t" * 32).decode(), headers, body, NOW)


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


headers = st.dictionaries(
    st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "x"]),
    st.one_of(st.text(max_size=40), st.sampled_from(["v1", "v1,", "v1,a,b", "1760000000", "١٢٣"])),
)


@settings(max_examples=40)
@given(headers=headers, body=st.binary(max_size=60), secret=st.one_of(st.none(), st.text(max_size=30)))
@example(
    headers={"webhook-id": "a", "webhook-timestamp": str(int(NOW.timestamp())), "webhook-signature": "v1"},
    body=b"",
    secret="whsec_",
)
def test_no_header_is_anything_but_right_or_wrong(headers: Mapping[str, str], body: bytes, secret: str | None) -> None:
    assert not check_signature(secret, headers, body, NOW)


@settings(max_examples=40)
@given(body=st.one_of(st.binary(max_size=80), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["dispatch", "kind", "by", "at", "place"]), inner),
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_a_body_is_an_answer_or_is_refused(body: bytes) -> None:
    try:
        dispatch, found = read_json(body, NOW)
    except BadAnswer as refused:
        reasons = refused.reasons
    else:
        assert dispatch == find_dispatch(body)
        assert found.given_at.tzinfo is not None
        return
    assert reasons
    assert all(reasons.values())


@settings(max_examples=40)
@given(form=st.dictionaries(st.sampled_from(["kind", "by", "day", "time", "place"]), st.text(max_size=20)))
@example(form={"kind": "aired", "by": "x", "day": "9999-12-31", "time": "23:59", "place": "x"})
@example(form={"kind": "aired", "by": "x", "day": "0001-01-01", "time": "00:00", "place": "x"})
@example(form={"kind": "aired", "by": "x", "day": "2026-10-08", "time": "10:00+14:00", "place": "x"})
def test_a_form_is_an_answer_or_is_refused(form: Mapping[str, str]) -> None:
    try:
        found = read_form(form, NOW)
    except BadAnswer as refused:
        reasons = refused.reasons
    else:
        assert found.given_at <= NOW + timedelta(minutes=5)
        return
    assert reasons


def test_a_day_alone_is_one_of_beijing() -> None:
    body = b'{"dispatch": "a", "kind": "aired", "by": "x", "at": "2026-10-08", "place": "y"}'
    assert read_json(body, NOW)[1].given_at == datetime(2026, 10, 7, 16, tzinfo=UTC)


def test_a_file_that_says_nothing_says_received() -> None:
    assert read_kept(None, "测试台", None, None, now=NOW) == Answer(
        kind=AckKind.RECEIVED, given_by="测试台", given_at=NOW, place=None
    )
    for kind, by, place in (("burnt", "x", None), (None, "x\n", None), (None, None, None), (None, "x", "\x00")):
        with pytest.raises(BadAnswer):
            read_kept(kind, by, NOW, place, now=NOW)


# What it counts for --------------------------------------------------------------------------------------------------


def test_an_answer_counts_for_its_own_recipient_and_once(sent: Sent) -> None:
    engine, dispatch = sent.town.notifier.engine, sent.dispatch("one", Purpose.RECALL)
    done = answer(AckKind.TAKEN_DOWN, "各频道")
    with pytest.raises(UnknownDispatch):
        apply_answer(engine, dispatch, done, noted_by="甲", now=NOW, slug="two")
    with pytest.raises(UnknownDispatch):
        apply_answer(engine, "nothing", done, noted_by="甲", now=NOW)
    with pytest.raises(WrongAcknowledgement):
        apply_answer(engine, dispatch, answer(AckKind.AIRED), noted_by="甲", now=NOW)
    assert sent.notes() == []
    assert apply_answer(engine, dispatch, done, noted_by="甲", now=NOW, slug="one", once="key")
    assert not apply_answer(engine, dispatch, done, noted_by="甲", now=NOW, slug="one", once="key")
    assert not apply_answer(engine, dispatch, done, noted_by="甲", now=NOW, slug="one", once="other")
    assert sent.notes() == [("taken_down", "编辑", "甲", "各频道")]
    assert {one.recipient.slug: one.is_closed for one in list_follow_ups(engine)} == {"one": True, "two": False}


def test_an_answer_that_is_refused_uses_up_no_key(sent: Sent) -> None:
    engine, dispatch = sent.town.notifier.engine, sent.dispatch("one", Purpose.RECALL)
    with pytest.raises(WrongAcknowledgement):
        apply_answer(engine, dispatch, answer(AckKind.AIRED), noted_by="甲", now=NOW, once="key")
    assert apply_answer(engine, dispatch, answer(AckKind.TAKEN_DOWN), noted_by="甲", now=NOW, once="key")


def test_a_matter_says_what_was_answered_and_nothing_of_the_person(sent: Sent) -> None:
    matter = find_matter(sent.town.notifier.engine, sent.dispatch("one", Purpose.RECALL))
    assert matter is not None
    assert [recall.record for recall in matter.asked[0].recalls] == [sent.leaves.record]
    assert matter.kinds == (AckKind.RECEIVED, AckKind.TAKEN_DOWN)
    assert sent.leaves.name not in repr(matter)


def test_nothing_is_answered_before_it_has_left_the_house(town: Town, period: Period, person: Document) -> None:
    town.publish(person)
    push(town.notifier, period, now=town.clock(), made_by="甲")
    waiting = message(town, "package/1/1/sandbox")
    assert find_matter(town.notifier.engine, waiting.dispatch) is None
    with pytest.raises(UnknownDispatch):
        apply_answer(town.notifier.engine, waiting.dispatch, answer(AckKind.RECEIVED), noted_by="甲", now=NOW)


@pytest.mark.parametrize(
    "outcome",
    [
        BUSY,
        UNKNOWN,
        Outcome(state=MessageState.FAILED_PERMANENT, detail="拒收"),
        Outcome(state=MessageState.ACCEPTED, detail="好"),
    ],
)
def test_who_answers_has_it_and_is_told_of_what_leaves(
    town: Town, period: Period, person: Document, outcome: Outcome
) -> None:
    leaves = town.publish(person)
    push(town.notifier, period, now=town.clock(), made_by="甲")
    post = Post(answers=[outcome, outcome])
    send(town, {"sandbox": post})
    kept = message(town, "package/1/1/sandbox")
    assert apply_answer(town.notifier.engine, kept.dispatch, answer(AckKind.RECEIVED), noted_by="甲", now=NOW)
    if outcome.state is not MessageState.FAILED_PERMANENT:
        assert message(town, "package/1/1/sandbox").state == MessageState.DELIVERED
    town.depart(leaves)
    follow_changes(town.notifier.engine, town.store, town.notifier.workdays, now=town.clock())
    told = [one.recipient.slug for one in list_follow_ups(town.notifier.engine)]
    assert "tv" in told


def test_who_answers_late_is_told_of_what_left_before_the_answer(town: Town, period: Period, person: Document) -> None:
    leaves = town.publish(person)
    town.publish(person)
    push(town.notifier, period, now=town.clock(), made_by="甲")
    post = Post(answers=[BUSY, BUSY])
    send(town, {"sandbox": post})
    town.depart(leaves)
    follow_changes(town.notifier.engine, town.store, town.notifier.workdays, now=town.clock())
    kept = message(town, "package/1/1/sandbox")
    assert apply_answer(town.notifier.engine, kept.dispatch, answer(AckKind.AIRED, "九点档"), noted_by="甲", now=NOW)
    follow_changes(town.notifier.engine, town.store, town.notifier.workdays, now=town.clock())
    told = [(one.recipient.slug, one.recalls[0].record) for one in list_follow_ups(town.notifier.engine)]
    assert told == [("tv", leaves.record)]


# Files ---------------------------------------------------------------------------------------------------------------


def test_files_named_after_a_parcel_or_a_dispatch_count(sent: Sent) -> None:
    engine, recall = sent.town.notifier.engine, sent.dispatch("two", Purpose.RECALL)
    given_at = datetime(2026, 10, 8, 1, tzinfo=UTC)
    found = [
        FileAck(slug="one", name="2026Q3-r1", given_at=given_at),
        FileAck(slug="one", name="2026Q3-r1", kind="aired", given_by="编辑", given_at=given_at, place="九点档"),
        FileAck(slug="two", name=recall, kind="taken_down", given_by="编辑", given_at=given_at, place="首页"),
        # Another's, nobody's, and what cannot be.
        FileAck(slug="one", name=recall, kind="taken_down", given_by="编辑", place="首页"),
        FileAck(slug="one", name="2026Q2-r1"),
        FileAck(slug="nobody", name="2026Q3-r1"),
        FileAck(slug="one", name="2026Q3-r1", kind="taken_down"),
        FileAck(slug="one", name="2026Q3-r1", kind="burnt"),
    ]
    assert apply_file_acks(engine, found, NOW) == 3
    assert apply_file_acks(engine, found, NOW) == 0
    assert sent.notes() == [
        ("received", "测试单位one", BY_FILE, None),
        ("aired", "编辑", BY_FILE, "九点档"),
        ("taken_down", "编辑", BY_FILE, "首页"),
    ]


def test_a_clock_that_is_ahead_does_not_lose_an_answer(sent: Sent) -> None:
    late = FileAck(slug="one", name="2026Q3-r1", given_at=NOW + timedelta(days=3))
    assert apply_file_acks(sent.town.notifier.engine, [late], NOW) == 1


def test_a_refusal_is_shown_and_answers_nothing(sent: Sent) -> None:
    refused = FileAck(slug="one", name="2026Q3-r1", refused="校验值不符")
    assert apply_file_acks(sent.town.notifier.engine, [refused, refused], NOW) == 1
    number = list_follow_ups(sent.town.notifier.engine, [Purpose.PACKAGE])[-1].recipient.id
    assert message(sent.town, f"package/1/{number}/sftp").reason == "对方拒收：校验值不符"
    assert sent.notes() == []


def test_a_day_of_the_calendar_of_the_court(sent: Sent) -> None:
    body = {
        "dispatch": sent.dispatch("one", Purpose.RECALL),
        "kind": "taken_down",
        "by": "x",
        "at": "2026-10-09",
        "place": "y",
    }
    evening = datetime(2026, 10, 8, 16, 30, tzinfo=UTC)
    assert read_json(json.dumps(body).encode(), evening)[1].given_at.date() == date(2026, 10, 9)

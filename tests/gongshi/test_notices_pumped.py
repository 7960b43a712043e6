"""Private notices on their way from the registry to the notifier: each once, to the number that the record has, and
nothing of a person but that number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from entries import a_person, an_organisation
from homes import START, Home
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gongshi.court import Court
from gongshi.notices import TEMPLATES, compose_notice, list_notices, list_stuck, pump_notices
from gongshi.office import open_office
from gongshi.synthetic import generate
from notifier.context import Notifier
from notifier.notices import Ready
from notifier.sms.texts import get_newest
from notifier.states import MessageState, Purpose
from notifier.tables import MessageRow
from registry.facts_json import PRIVATE_KEYS
from registry.intake import build_facts
from registry.notices import NoticeKind, NoticeOutcome
from registry.record import Facts, Record, State
from registry.records import get_row
from registry.tables import NoticeRow
from search_index.profile import Profile

PROFILE = Profile(
    court="测试市人民法院",
    telephone="0000-0000000",
    website="https://court.example.invalid",
    signature="测试法院",
)


class Post:
    """What a home's notices come to: the registry on one side, the outbox on the other."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.court: Court = home.court
        self.office: Notifier = open_office(self.court)

    def pump(self) -> int:
        return pump_notices(self.court, self.office, self.court.now)

    def messages(self) -> list[MessageRow]:
        with Session(self.office.engine, expire_on_commit=False) as session:
            return list(session.scalars(select(MessageRow).order_by(MessageRow.id)))

    def message(self) -> MessageRow:
        (message,) = self.messages()
        return message

    def mark(self, state: MessageState) -> None:
        """As if every message had come to this by now."""
        with Session(self.office.engine) as session, session.begin():
            session.execute(update(MessageRow).values(state=state.value))

    def outcomes(self) -> list[tuple[str, str, str | None]]:
        with self.court.reading() as session:
            rows = session.scalars(select(NoticeRow).order_by(NoticeRow.id)).all()
            return [(row.kind, row.outcome, row.reason) for row in rows]

    def depart(self, serial: int, ground: str = "closed") -> None:
        self.home.ask("remove", case_of(serial), "--ground", ground, "--basis", "裁定书", "--as", "reviewer")

    def served(self, serial: int) -> Any:
        return self.home.ask("notice", "send", case_of(serial), "--kind", "served", "--as", "clerk")

    def correct(self, serial: int, *settings: str) -> None:
        sets = [part for setting in settings for part in ("--set", setting)]
        self.home.ask(
            "correct", case_of(serial), *sets, "--confirm", "art3", "--confirm", "redactions", "--as", "reviewer"
        )


def case_of(serial: int) -> str:
    return f"（2025）测0101执{serial}号"


@contextmanager
def struck(post: Post) -> Iterator[None]:
    """The process is killed once the notifier has the messages, and before the registry knows."""

    class Struck:
        def step_aside(self) -> None:
            raise KeyboardInterrupt

    turns = post.court.turns
    post.court.turns = Struck()  # type: ignore[assignment]
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        post.court.turns = turns


@pytest.fixture
def post(home: Home) -> Iterator[Post]:
    made = Post(home)
    made.court.set_profile(PROFILE, "reviewer")
    yield made
    made.court.close()


# On the way -----------------------------------------------------------------------------------------------------------


def test_a_departure_is_told_the_debtor_and_the_applicant_once_without_a_name(post: Post) -> None:
    post.home.publish(a_person(1), a_person(2, phone=None, applicant=None))
    post.depart(1, "performed")
    assert post.pump() == 2
    assert post.pump() == 0
    told = {message.key: message for message in post.messages()}
    assert {key: row.address for key, row in told.items()} == {
        "notice/1": "+8613900000001",
        "notice/2": "+8613800000001",
    }
    for row, template in zip(told.values(), ("debtor_departure_confirmed", "applicant_done"), strict=True):
        content = json.loads(row.content or "")
        assert content["template"] == template
        assert content["text"].startswith("【测试法院】测试市人民法院")
        assert "（2025）测0101执1号" in content["text"]
        assert "2026年11月18日" in content["text"]
        assert (row.purpose, row.channel, row.state) == (Purpose.NOTICE, "sms_cn", MessageState.QUEUED)
        assert row.citizen
        assert row.expires_at is not None
        # The whole row, but for the address: neither who it is, nor which record.
        kept = " ".join(str(value) for key, value in vars(row).items() if key != "address")
        assert not any(word in kept for word in ("甲测试", "乙申请", "1390000", "1380000", "990101", "100000", "SX-"))
    assert post.outcomes() == [("departed", "queued", None), ("done", "queued", None)]


def test_who_has_no_number_or_none_that_takes_an_sms_is_on_the_list_of_the_desk(post: Post) -> None:
    post.home.publish(a_person(1, phone=None), a_person(2, phone="010-88888888"), an_organisation(3))
    for serial in (1, 2, 3):
        post.depart(serial)
    assert post.pump() == 1
    assert post.message().address == "+8613900000003"
    stuck = {line.record: line.reason for line in list_stuck(post.court)}
    assert len(stuck) == 2
    assert set(stuck.values()) == {"没有登记电话号码", "登记的号码不能接收短信：是固定电话，不能接收短信"}
    listed = post.home.ask("notice", "list")["stuck"]
    assert [line["outcome"] for line in listed] == ["not_sent", "not_sent"]
    assert "88888888" not in str(listed)
    assert post.pump() == 0


def test_until_the_court_has_set_its_telephone_notices_wait_and_say_so(post: Post) -> None:
    post.home.publish(a_person(1))
    post.home.ask("profile", "--set", "telephone=", "--as", "reviewer")
    post.depart(1)
    assert post.pump() == 0
    assert post.messages() == []
    (line,) = list_stuck(post.court)
    assert line.outcome is NoticeOutcome.WAITING
    assert "gongshi profile --set telephone=" in (line.reason or "")
    post.home.ask("profile", "--set", "telephone=0000-1111111", "--as", "reviewer")
    assert post.pump() == 1
    assert "0000-1111111" in (post.message().content or "")
    assert list_stuck(post.court) == []


def test_killed_between_the_two_databases_it_loses_nothing_and_doubles_nothing(post: Post) -> None:
    post.home.publish(a_person(1))
    post.depart(1, "performed")
    with struck(post):
        post.pump()
    assert [outcome for _, outcome, _ in post.outcomes()] == ["waiting"] * 2
    assert post.pump() == 2
    assert [message.key for message in post.messages()] == ["notice/1", "notice/2"]
    assert [outcome for _, outcome, _ in post.outcomes()] == ["queued"] * 2


def test_more_than_one_chunk_goes_over_whole(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gongshi.notices.CHUNK", 2)
    post.home.publish(*(a_person(serial) for serial in range(1, 4)))
    for serial in range(1, 4):
        post.depart(serial)
    assert post.pump() == 3
    assert len(post.messages()) == 3


def test_the_worker_hands_it_over_and_sends_it_when_people_are_awake(post: Post) -> None:
    post.court.set_profile(replace(PROFILE, training=True), "reviewer")
    post.home.publish(a_person(1, phone="15400000001", applicant=None))
    post.home.clock.moment = START.replace(hour=22)
    post.depart(1)
    assert post.home.run("worker", "--once").code == 0
    assert post.message().state == MessageState.QUEUED
    post.home.clock.advance(hours=10)
    assert post.home.run("worker", "--once").code == 0
    row = post.message()
    assert (row.address, row.state) == ("+8615400000001", MessageState.DELIVERED)


# What changes while it waits --------------------------------------------------------------------------------------------


def test_a_number_that_was_corrected_gets_nothing_more(post: Post) -> None:
    post.home.publish(a_person(1))
    post.served(1)
    assert post.message().state == MessageState.QUEUED
    post.correct(1, "phone=13700000009")
    assert post.pump() == 0
    row = post.message()
    assert (row.address, row.state) == ("+8613900000001", MessageState.CANCELLED)
    assert "号码已经更改" in (row.reason or "")
    assert "1370000" not in (row.reason or "")
    assert [outcome for _, outcome, _ in post.outcomes()] == ["stopped"]
    # Sent again it goes to the number that is right.
    assert post.served(1)["known"] is False
    assert [message.address for message in post.messages()] == ["+8613900000001", "+8613700000009"]


def test_a_number_that_was_taken_out_gets_nothing_more(post: Post) -> None:
    post.home.publish(a_person(1))
    post.served(1)
    post.correct(1, "phone=")
    post.pump()
    assert post.message().state == MessageState.CANCELLED
    assert post.outcomes() == [("served", "stopped", "没有登记电话号码")]


def test_a_number_corrected_after_a_kill_gets_nothing(post: Post) -> None:
    post.home.publish(a_person(1))
    with post.court.session() as session:
        row = get_row(session, case_of(1))
        session.add(a_notice(row.id, NoticeKind.SERVED))
    with struck(post):
        post.pump()
    post.correct(1, "phone=13700000009")
    post.pump()
    assert post.message().state == MessageState.CANCELLED
    assert [outcome for _, outcome, _ in post.outcomes()] == ["stopped"]


def test_what_has_gone_stays_as_it_is(post: Post) -> None:
    post.home.publish(a_person(1))
    post.served(1)
    for place, state in enumerate((MessageState.SENDING, MessageState.ACCEPTED, MessageState.DELIVERED)):
        post.mark(state)
        post.correct(1, f"phone=1370000000{place}")
        post.pump()
        assert post.message().state == state
        assert [outcome for _, outcome, _ in post.outcomes()] == ["queued"]


def test_what_nobody_changed_is_not_looked_at_again(post: Post) -> None:
    post.home.publish(a_person(1))
    post.served(1)
    at = START
    post.home.clock.advance(minutes=10)
    post.pump()
    with post.court.reading() as session:
        assert session.scalars(select(NoticeRow.pumped_at)).one() == at


def test_what_is_withdrawn_or_turns_out_restricted_is_not_told_any_more(post: Post) -> None:
    post.home.publish(a_person(1), a_person(2))
    for serial in (1, 2):
        post.served(serial)
    basis = ("--ground", "wrongly_listed", "--basis", "决定书", "--as", "reviewer")
    post.home.ask("withdraw", case_of(1), *basis)
    post.correct(2, "disclosure=restricted", "restricted_ground=privacy")
    assert post.pump() == 1
    # What is left is that the first one was taken off the list.
    assert post.outcomes() == [
        ("served", "stopped", "该记录已经屏蔽或者退出，不发送送达告知"),
        ("served", "stopped", "依法不宜公开的，任何内容都不以短信告知：请以书面方式办理"),
        ("departed", "queued", None),
    ]
    assert [message.state for message in post.messages()] == ["cancelled", "cancelled", "queued"]


def a_notice(record_id: int, kind: NoticeKind) -> NoticeRow:
    return NoticeRow(
        kind=kind.value, record_id=record_id, day=date(2025, 6, 10), created_at=START, expires_at=START.replace(year=2027),
        pumped_at=None, outcome="waiting", reason=None, seen=0,
    )  # fmt: skip


# By hand ----------------------------------------------------------------------------------------------------------------


def test_a_preview_shows_what_would_go_and_queues_nothing(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    post.home.publish(a_person(1))
    due = ("notice", "send", case_of(1), "--kind", "confirm", "--due", "2026-12-01", "--as", "clerk")
    shown = post.home.ask(*due, "--preview", "--price", "0.05")
    assert shown["text"].startswith("【测试法院】测试市人民法院：请您于2026年12月1日前确认")
    assert (shown["segments"], shown["cost"]) == (2, "0.10")
    assert shown["characters"] == len(shown["text"])
    assert "13800000001" not in str(shown)
    assert post.messages() == []
    assert post.outcomes() == []
    monkeypatch.setenv("GONGSHI_SMS_PRICE", "0.04")
    assert post.home.ask(*due, "--preview")["cost"] == "0.08"
    monkeypatch.setenv("GONGSHI_SMS_PRICE", "五分")
    said = post.home.run(*due, "--preview")
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert "GONGSHI_SMS_PRICE" in said.err


def test_the_same_is_sent_once_however_often_it_is_asked_for(post: Post) -> None:
    post.home.publish(a_person(1))
    first, second = post.served(1), post.served(1)
    assert (first["known"], second["known"]) == (False, True)
    assert first["notice"] == second["notice"]
    assert len(post.messages()) == 1
    again = post.home.ask("notice", "send", case_of(1), "--kind", "served", "--again", "--as", "clerk")
    assert again["notice"] != first["notice"]
    listed = post.home.ask("notice", "list", case_of(1))["notices"]
    assert [(one["kind"], one["day"], one["state"]) for one in listed] == [("served", "2025-06-10", "queued")] * 2
    with post.court.reading() as session:
        row_id = session.scalars(select(NoticeRow.record_id)).first() or 0
    post.mark(MessageState.DELIVERED)
    assert [one.words for one in list_notices(post.court, post.office, row_id)] == ["已送达"] * 2


REFUSED: list[tuple[dict[str, Any], tuple[str, ...], str]] = [
    ({"disclosure": "restricted", "restricted_ground": "privacy"}, ("--kind", "served"), "不以短信告知"),
    ({"phone": None}, ("--kind", "served"), "没有登记电话号码"),
    ({"phone": "010-88888888"}, ("--kind", "served"), "固定电话"),
    ({}, ("--kind", "risk"), "风险提示"),
    ({}, ("--kind", "confirm"), "--due"),
    ({}, ("--kind", "confirm", "--due", "2026-11-18"), "--due"),
]


def test_what_may_not_go_is_one_line_and_nothing_is_written(post: Post) -> None:
    post.home.publish(*(a_person(serial, **changes) for serial, (changes, _, _) in enumerate(REFUSED, start=1)))
    for serial, (_, asked, reason) in enumerate(REFUSED, start=1):
        for extra in ((), ("--preview",)):
            said = post.home.run("notice", "send", case_of(serial), *asked, *extra, "--as", "clerk")
            assert (said.code, len(said.err.splitlines())) == (2, 1)
            assert reason in said.err
            assert "88888888" not in said.err
    assert (post.outcomes(), post.messages()) == ([], [])


def test_the_warning_goes_to_one_who_is_not_listed_yet(post: Post) -> None:
    undecided = a_person(1, decided_on=None, served_on=None, decision_number=None)
    post.home.ask("import", post.home.write("drafts.jsonl", [undecided]), "--as", "clerk")
    sent = post.home.ask("notice", "send", case_of(1), "--kind", "risk", "--as", "clerk")
    assert sent["state"] == "queued"
    assert "失信风险" not in (post.message().content or "")
    assert "将依法纳入失信被执行人名单" in (post.message().content or "")


# Nothing of a person ----------------------------------------------------------------------------------------------------

ENTRIES = [build_facts(entry)[0] for entry in generate(60, 5, date(2026, 11, 18))]


def secrets_of(facts: Facts) -> set[str]:
    """What no notice may say of a record."""
    private = {str(getattr(facts, key)) for key in PRIVATE_KEYS - {"applicant"} if getattr(facts, key)}
    applicant = {facts.applicant.name, facts.applicant.phone} if facts.applicant else set()
    texts = {facts.obligation, facts.performed_part, facts.unperformed_part, facts.latin_name, facts.employer}
    names = {facts.name, facts.legal_representative, facts.basis_number, str(facts.uscc) if facts.uscc else None}
    return {secret for secret in private | applicant | texts | names if secret}


@examples(max_examples=200)
@given(
    st.sampled_from(ENTRIES),
    st.sampled_from(NoticeKind),
    st.sampled_from(State),
    st.sampled_from([None, "SX-00000000"]),
    st.booleans(),
    st.booleans(),
)
def test_no_notice_says_who_it_is_what_is_owed_or_any_number(
    facts: Facts, kind: NoticeKind, state: State, number: str | None, decided: bool, training: bool
) -> None:
    if not decided:
        facts = replace(facts, decided_on=None, served_on=None)
    record = Record(
        id=1, state=state, facts=facts, batch=1, line=1, imported_by="clerk", number=number, changed_at=START
    )
    profile = replace(PROFILE, training=training)
    composed = compose_notice(kind, record, date(2026, 11, 18), profile, date(2026, 11, 18))
    said = repr(composed.content) if isinstance(composed, Ready) else composed.reason
    assert not [secret for secret in secrets_of(facts) if secret in said]
    assert isinstance(composed, Ready) <= (state is not State.RESTRICTED)


def test_every_kind_has_its_template() -> None:
    assert TEMPLATES.keys() == set(NoticeKind)
    assert all(get_newest(name).audience.value in ("debtor", "applicant") for name in TEMPLATES.values())

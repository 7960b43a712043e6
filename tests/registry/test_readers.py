"""Readers in bulk: keys that are shown once and end, what they confirm, and that who lets a day go by is suspended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from entries import a_person, with_term
from homes import Home
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from submissions import a_submission, drop, seal, send

from gongshi.court import Court
from gongshi.duty import Duty
from gongshi.readers import suspend_readers
from portal.app import create_app
from registry import journal
from registry.acting import SYSTEM, Acting
from registry.clockwork import Clockwork
from registry.collecting import REFUSED_FOLDER, Collected, collect_submissions
from registry.deadlines import Profile
from registry.papers import open_scanner
from registry.reader_acks import AckRefused, find_cut_off, find_end, list_owed, suspend_late, take_ack
from registry.readers import Given, ReaderError, Who, add_reader, read_who, renew_reader, revoke_reader
from registry.tables import AuditRow, JournalRow, MatterRow, ReaderRow, SubmissionRow
from search_index.day import SHANGHAI
from search_index.journal import ChangeType
from search_index.number import draw_number
from search_index.readers import READER, Standing, digest_key
from search_index.submission import ACK

WHO = Who(name="甲·测试数据社𠮷", contact="13900000001 乙联系")
PURPOSE = "核对本平台商户"


@pytest.fixture
def court(home: Home) -> Iterator[Court]:
    made = home.court
    yield made
    made.close()


def give(home: Home, **options: str) -> dict[str, Any]:
    """A key, as the command gives it."""
    said = {"name": WHO.name, "contact": WHO.contact, "purpose": PURPOSE, "as": "reviewer"} | options
    found: dict[str, Any] = home.ask("reader", "add", *(f"--{name}={value}" for name, value in said.items()))
    return found


def standing(court: Court, key: str) -> Standing | None:
    """What the portal finds of a key."""
    digest = digest_key(key)
    assert digest is not None
    with court.store.snapshot(court.now) as snapshot:
        body = snapshot.subject(READER, digest)
    return None if body is None else Standing.from_json(body)


def ack(court: Court, key: str, sequence: object, serial: int = 1) -> None:
    """What the portal drops of a confirmation."""
    submission = a_submission(court.now, serial, kind=ACK, reader=digest_key(key) or "", sequence=str(sequence))
    send(court, submission, serial)


def collect(court: Court) -> Collected:
    return collect_submissions(court, court.acting(SYSTEM), scan=open_scanner(""))


def depart(home: Home, serial: int) -> int:
    """Take down an entry; the sequence of its departure."""
    case = f"（2025）测0101执{serial}号"
    done = home.ask("remove", case, "--ground", "performed", "--basis", "结案通知书", "--as", "reviewer")
    return int(done["sequence"])


def test_a_key_is_good_at_once_is_kept_nowhere_and_names_nobody(home: Home, court: Court) -> None:
    home.publish(a_person(1))
    given = give(home)
    assert given["ends_at"] == "2027-11-18T10:00:00+08:00"
    assert standing(court, given["key"]) == Standing(watermark=given["watermark"], acked=1)
    assert standing(court, "gsr_" + "a" * 40) is None
    home.clock.advance(days=365)
    assert standing(court, given["key"]) is None
    with court.reading() as session:
        names = ("reader", "audit", "journal", "matter")
        inside = repr([session.execute(text(f"select * from {name}")).all() for name in names])
        assert read_who(session, court.vault, given["watermark"].lower()) == WHO
        details = [row.detail for row in session.scalars(select(AuditRow).where(AuditRow.action == "reader_add"))]
    assert not any(word in inside for word in ("测试数据社", "乙联系", "13900000001", given["key"]))
    assert details == [{"watermark": given["watermark"], "terms": "2026.1"}]
    assert home.run("audit", "verify").code == 0


def test_what_a_purpose_and_a_name_may_not_hold_is_said_in_one_line(home: Home) -> None:
    for wrong, said in (
        ({"name": " "}, "请填写名称"),
        ({"name": "990101198001020015"}, "身份证号码"),
        ({"contact": ""}, "请填写联系方式"),
        ({"purpose": ""}, "请填写用途"),
        ({"purpose": "核对 13900000001"}, "用途中有"),
        ({"as": "clerk"}, "需要审核人"),
    ):
        options = {"name": "甲", "contact": "乙", "purpose": "丙", "as": "reviewer"} | wrong
        answer = home.run("reader", "add", *(f"--{name}={value}" for name, value in options.items()))
        assert (answer.code, said in answer.err, answer.err.count("\n")) == (2, True, 1), answer.err
    assert home.ask("reader", "list") == {"readers": []}
    assert home.run("reader", "renew", "R-00000000", "--as", "reviewer").code == 2
    assert "条款" in home.run("reader", "terms").out


def test_a_renewed_key_leaves_a_week_to_change_over(home: Home, court: Court) -> None:
    first = give(home)
    mark = first["watermark"]
    second = home.ask("reader", "renew", mark, "--as", "reviewer")
    assert second["former_until"] == "2026-11-25T10:00:00+08:00"
    assert standing(court, first["key"]) == standing(court, second["key"]) == Standing(watermark=mark, acked=0)
    third = home.ask("reader", "renew", mark, "--as", "reviewer")
    assert [standing(court, one["key"]) is None for one in (first, second, third)] == [True, False, False]
    home.clock.advance(days=7)
    assert [standing(court, one["key"]) is None for one in (second, third)] == [True, False]
    # Lost, or in other hands: there is nothing to change over from.
    fourth = home.ask("reader", "renew", mark.lower(), "--as", "reviewer", "--at-once")
    assert fourth["former_until"] is None
    assert [standing(court, one["key"]) is None for one in (third, fourth)] == [True, False]
    assert home.ask("reader", "revoke", mark, "--as", "reviewer") == {"watermark": mark, "revoked": True}
    assert standing(court, fourth["key"]) is None
    for again in ("renew", "revoke"):
        assert "已经停用" in home.run("reader", again, mark, "--as", "reviewer").err
    (line,) = home.ask("reader", "list")["readers"]
    assert (line["state"], "name" in line) == ("revoked", False)
    (line,) = home.ask("reader", "list", "--as", "auditor")["readers"]
    assert line["name"] == WHO.name


def test_a_day_without_a_confirmation_suspends_and_a_confirmation_lifts_it(home: Home, court: Court) -> None:
    home.publish(a_person(1), a_person(2), a_person(3))
    given, other = give(home), give(home)
    first, second = depart(home, 1), depart(home, 2)
    assert (first, second) == (4, 5)
    # Wednesday; the whole of Thursday is in time.
    duty = Duty(court)
    home.clock.moment = datetime(2026, 11, 19, 23, 59, 59, tzinfo=SHANGHAI)
    ack(court, other["key"], second)
    duty.collect()
    assert not _suspended(court, given["key"])
    home.clock.advance(seconds=1)
    duty.collect()
    court.pump.feed()
    assert _suspended(court, given["key"])
    assert standing(court, other["key"]) == Standing(watermark=other["watermark"], acked=second)
    (late, good) = home.ask("reader", "list")["readers"][::-1]
    assert (late["state"], late["unconfirmed"], late["overdue_since"]) == ("suspended", 2, "2026-11-20T00:00:00+08:00")
    assert (good["state"], good["unconfirmed"], good["overdue_since"]) == ("active", 0, None)
    assert "1 个读取者逾期" in home.run("doctor").out
    # A new key launders nothing.
    renewed = home.ask("reader", "renew", given["watermark"], "--as", "reviewer")
    assert _suspended(court, renewed["key"])
    third = depart(home, 3)
    ack(court, renewed["key"], first)
    duty.collect()
    court.pump.feed()
    # Half of what is overdue is not enough; what is not overdue yet need not be confirmed for it.
    assert standing(court, given["key"]) == Standing(watermark=given["watermark"], acked=first, suspended=True)
    ack(court, renewed["key"], second, 2)
    duty.collect()
    court.pump.feed()
    assert third > second
    assert standing(court, given["key"]) == Standing(watermark=given["watermark"], acked=second)
    with court.reading() as session:
        itself = AuditRow.action.in_(("reader_suspend", "reader_resume"))
        lines = session.execute(select(AuditRow.action, AuditRow.actor).where(itself).order_by(AuditRow.id))
        assert [tuple(line) for line in lines] == [("reader_suspend", SYSTEM), ("reader_resume", SYSTEM)]
        assert session.scalars(select(MatterRow)).all() == []
    assert home.run("audit", "verify").code == 0


def _suspended(court: Court, key: str) -> bool:
    found = standing(court, key)
    assert found is not None
    return found.suspended


def test_what_confirms_nothing_is_put_aside_and_a_repeated_one_changes_nothing(home: Home, court: Court) -> None:
    home.publish(a_person(1), a_person(2))
    given = give(home)
    sequence = depart(home, 1)
    position = _position(court)
    # Before any departure, and one that was confirmed already.
    ack(court, given["key"], 2)
    assert collect(court) == Collected(repeated=1)
    assert _position(court) == position
    ack(court, given["key"], sequence, 2)
    ack(court, given["key"], sequence, 3)
    ack(court, given["key"], 1, 4)
    assert collect(court) == Collected(confirmed=1, repeated=2)
    assert _position(court) == position + 1
    wrong = [
        (given["key"], sequence + 1),
        (given["key"], 0),
        (given["key"], -3),
        (given["key"], "9" * 5000),
        (given["key"], "三"),
        (given["key"], ""),
        ("gsr_" + "a" * 40, 1),
    ]
    for serial, (key, number) in enumerate(wrong, start=10):
        ack(court, key, number, serial)
    send(court, a_submission(court.now, 30, kind=ACK), 30)
    assert collect(court) == Collected(refused=len(wrong) + 1)
    revoked = give(home)
    home.ask("reader", "revoke", revoked["watermark"], "--as", "reviewer")
    ack(court, revoked["key"], 1, 31)
    assert collect(court) == Collected(refused=1)
    home.clock.advance(days=366)
    ack(court, given["key"], sequence, 32)
    assert collect(court) == Collected(refused=1)
    with court.reading() as session:
        assert session.scalars(select(ReaderRow.acked).order_by(ReaderRow.id)).all() == [sequence, sequence]
        assert session.scalars(select(MatterRow)).all() == []
    assert len(list((court.private / REFUSED_FOLDER).iterdir())) == len(wrong) + 3


def _position(court: Court) -> int:
    with court.reading() as session:
        return journal.head(session)[0]


def test_killed_before_its_file_is_gone_a_confirmation_counts_once(home: Home, court: Court) -> None:
    home.publish(a_person(1))
    given = give(home)
    sequence = depart(home, 1)
    submission = a_submission(court.now, 1, kind=ACK, reader=digest_key(given["key"]) or "", sequence=str(sequence))
    content = seal(court, submission)
    for expected in (Collected(confirmed=1), Collected(repeated=1)):
        drop(court, content, court.now)
        assert collect(court) == expected
    with court.reading() as session:
        assert session.scalars(select(SubmissionRow.outcome)).all() == ["confirmed"]
        assert session.scalars(select(ReaderRow.acked)).all() == [sequence]
    assert list(court.drop.iterdir()) == []


def test_an_end_that_comes_by_itself_is_confirmed_like_any_departure(home: Home, court: Court) -> None:
    home.publish(with_term(a_person(1), "2026-11-19"))
    given = give(home)
    home.clock.advance(days=2)
    Duty(court).tick()
    home.clock.moment = datetime(2026, 11, 24, 0, 1, tzinfo=SHANGHAI)
    suspend_readers(court, court.acting(SYSTEM))
    # It left on Friday: Monday is the working day.
    assert _suspended(court, given["key"])


@pytest.mark.parametrize(
    ("departed", "over"),
    [
        # A Thursday before the New Year of a year whose holidays are not announced: no day that may be one is held
        # against a reader.
        ("2026-12-31T10:00", "2027-01-05T00:00"),
        ("2026-11-20T23:59", "2026-11-24T00:00"),
        ("2026-11-21T00:00", "2026-11-24T00:00"),
        ("2026-09-30T17:00", "2026-10-09T00:00"),
    ],
)
def test_a_working_day_is_whole_and_sure(court: Court, departed: str, over: str) -> None:
    first, end = (datetime.fromisoformat(one).replace(tzinfo=SHANGHAI) for one in (departed, over))
    acting = court.acting(SYSTEM)
    assert find_end(first, acting) == end
    for moment, is_over in ((end - timedelta(seconds=1), False), (end, True), (end + timedelta(days=30), True)):
        later = Acting(actor=SYSTEM, now=moment, clockwork=acting.clockwork)
        assert (first < find_cut_off(later)) is is_over


def test_from_the_key_to_the_lifted_suspension_by_the_portals_own_interface(home: Home, court: Court) -> None:
    home.publish(a_person(1))
    given = give(home)
    sequence = depart(home, 1)
    app = create_app(home.public_settings, home.clock)
    client, headers = app.test_client(), {"Authorization": f"Bearer {given['key']}"}
    assert client.get("/api/v1/changes?since=0", headers=headers).status_code == 200
    home.clock.advance(days=2)
    assert suspend_readers(court, court.acting(SYSTEM)) == 1
    refused = client.get("/api/v1/changes?since=0", headers=headers)
    assert refused.status_code == 403
    assert [one["sequence"] for one in refused.json["departures"]] == [sequence]
    assert client.post("/api/v1/acks", json={"sequence": sequence}, headers=headers).status_code == 202
    assert collect(court) == Collected(confirmed=1)
    court.pump.feed()
    assert client.get("/api/v1/changes?since=0", headers=headers).status_code == 200
    home.ask("reader", "revoke", given["watermark"], "--as", "reviewer")
    assert client.get("/api/v1/changes?since=0", headers=headers).status_code == 401
    app.close()


# Any order of everything ---------------------------------------------------------------------------------------------


@dataclass
class Wanted:
    """A reader as the terms would have it."""

    keys: list[str]
    watermark: str
    acked: int
    ends_at: datetime
    suspended: bool = False
    revoked: bool = False
    former_until: datetime | None = None
    owed: list[tuple[int, datetime]] = field(default_factory=list)


class Readers(RuleBasedStateMachine):
    """Keys, departures, confirmations and time in any order, against a model that knows only the terms."""

    home: Home
    engine: Any

    def __init__(self) -> None:
        super().__init__()
        self.random = Random(3)
        self.now = datetime(2026, 12, 28, 9, 0, tzinfo=SHANGHAI)
        self.readers: list[Wanted] = []
        self.connection = self.engine.connect()
        self.outer = self.connection.begin()
        self.session = Session(self.connection, join_transaction_mode="create_savepoint")
        self.head = journal.head(self.session)[1]

    def teardown(self) -> None:
        self.session.close()
        self.outer.rollback()
        self.connection.close()

    @property
    def acting(self) -> Acting:
        court = self.home.opened[0]
        return Acting(
            actor="reviewer", now=self.now, clockwork=Clockwork(calendar=court.calendar, profile=Profile.NATIONAL)
        )

    def is_good(self, one: Wanted, key: str) -> bool:
        end = one.ends_at if key == one.keys[-1] else one.former_until if key == one.keys[-2] else None
        return not one.revoked and end is not None and self.now < end

    def is_over(self, one: Wanted) -> bool:
        return any(find_end(at, self.acting) <= self.now for _, at in one.owed)

    @initialize()
    def begin(self) -> None:
        """Somebody has a key, and owes two departures."""
        self.add()
        self.change(gone=True)
        self.change(gone=True)

    @precondition(lambda self: len(self.readers) < 3)
    @rule()
    def add(self) -> None:
        vault = self.home.opened[0].vault
        given = add_reader(self.session, vault, WHO, PURPOSE, random=self.random, acting=self.acting)
        self.readers.append(Wanted(["", given.key], given.watermark, self.head, given.ends_at))

    @precondition(lambda self: self.readers)
    @rule(data=st.data(), at_once=st.booleans())
    def renew(self, data: st.DataObject, at_once: bool) -> None:
        one = data.draw(st.sampled_from(self.readers))
        try:
            given: Given = renew_reader(
                self.session, one.watermark, random=self.random, acting=self.acting, at_once=at_once
            )
        except ReaderError:
            assert one.revoked
            return
        one.former_until = None
        if one.ends_at > self.now and not at_once:
            one.former_until = min(one.ends_at, self.now + timedelta(days=7))
        one.keys.append(given.key)
        one.ends_at = given.ends_at

    @precondition(lambda self: any(not one.revoked for one in self.readers))
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from([one for one in self.readers if not one.revoked]))
        revoke_reader(self.session, one.watermark, self.acting)
        one.revoked = True

    @rule(gone=st.booleans())
    def change(self, gone: bool) -> None:
        if gone:
            change = journal.Change(type=ChangeType.GONE, record=draw_number(self.random))
            (entry,) = journal.append_changes(self.session, self.now, [change])
            self.head = entry.sequence
            for one in self.readers:
                one.owed.append((entry.sequence, self.now))
        else:
            journal.append_subject(self.session, self.now, "figures", "pushes", {"at": self.now.isoformat()})

    @precondition(lambda self: self.readers)
    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.readers))
        key = data.draw(st.sampled_from(one.keys[1:]))
        owed = [number for number, _ in one.owed]
        sequence = data.draw(st.sampled_from([*owed, self.head, one.acked, self.head + 1, 0]))
        is_fit = self.is_good(one, key) and 1 <= sequence <= self.head
        try:
            news = take_ack(self.session, {"reader": digest_key(key) or "", "sequence": str(sequence)}, self.acting)
        except AckRefused:
            assert not is_fit
            return
        assert is_fit
        assert news is (sequence > one.acked)
        one.acked = max(one.acked, sequence)
        one.owed = [(number, at) for number, at in one.owed if number > one.acked]
        # Repeating an old one lifts nothing.
        one.suspended = one.suspended and (not news or self.is_over(one))

    @rule(hours=st.sampled_from((1, 15, 40, 90)))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(days=st.sampled_from((200, 362)))
    def wait_long(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule()
    def serve(self) -> None:
        suspend_late(self.session, self.acting)
        for one in self.readers:
            one.suspended = one.suspended or (self.is_good(one, one.keys[-1]) and self.is_over(one))

    @rule()
    def sweep(self) -> None:
        journal.end_subjects(self.session, self.now)

    @invariant()
    def the_portal_knows_it_so(self) -> None:
        for one in self.readers:
            for key in one.keys[1:]:
                assert self.told(one, key) is (one.suspended if self.is_good(one, key) else None)
        owed = list_owed(self.session, self.acting)
        for one in self.readers:
            found = owed.get(one.watermark)
            due = len(one.owed) if self.is_good(one, one.keys[-1]) else 0
            assert (found.departures if found else 0) == due
            assert (found is not None and found.since is not None) == (due > 0 and self.is_over(one))

    def told(self, one: Wanted, key: str) -> bool | None:
        """Whether a key is suspended, by the newest line of the journal; None where it is none."""
        which = (JournalRow.subject == READER, JournalRow.key == digest_key(key))
        body = self.session.scalar(select(JournalRow.body).where(*which).order_by(JournalRow.position.desc()).limit(1))
        if body is None:
            return None
        if self.now >= datetime.fromisoformat(json.loads(body)["visible_until"]):
            # No reader of the store sees it any more.
            return None
        found = Standing.from_json(json.loads(body))
        assert found.watermark == one.watermark
        # What lies between what was told and what was confirmed is no departure.
        between = (JournalRow.type == "gone", JournalRow.sequence > found.acked, JournalRow.sequence <= one.acked)
        assert found.acked <= one.acked
        assert self.session.scalar(select(JournalRow.sequence).where(*between).limit(1)) is None
        return found.suspended


@pytest.mark.long
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_in_any_order_who_owes_a_day_is_suspended_and_nobody_else(home: Home) -> None:
    court = home.court
    _ = court.vault

    class Here(Readers):
        pass

    Here.home, Here.engine = home, court.engine
    run_state_machine_as_test(Here, settings=settings(max_examples=30, stateful_step_count=25, deadline=None))

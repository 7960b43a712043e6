"""Collecting what the public sent in: once each, whatever is killed, and whatever somebody puts into the folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from entries import a_person
from homes import Home
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from submissions import PDF, PNG, a_submission, drop, seal, send

from gongshi.court import Court
from registry.collecting import REFUSED_FOLDER, Collected, CollectingStopped, collect_submissions
from registry.drop_folder import BEFORE_ALL, alone, find_arrival, list_oldest
from registry.matters import read_content, read_notes
from registry.papers import FOLDER, Scanner, Verdict, list_papers, open_scanner
from registry.sealbox import LARGEST_ENVELOPE
from registry.tables import AuditRow, ClockRow, JournalRow, MatterRow, RecordRow, SubmissionRow
from search_index.submission import MAGIC, Attachment

CLEAN = open_scanner("")


@pytest.fixture
def court(home: Home) -> Iterator[Court]:
    made = home.court
    yield made
    made.close()


def collect(court: Court, *, scan: Scanner = CLEAN, most: int = 200) -> Collected:
    return collect_submissions(court, court.acting("clerk"), scan=scan, most=most)


def matters(court: Court) -> list[MatterRow]:
    with court.reading() as session:
        rows = list(session.scalars(select(MatterRow).order_by(MatterRow.id)))
        session.expunge_all()
        return rows


def dropped(court: Court) -> set[str]:
    return {path.name for path in court.drop.iterdir()}


def put_aside(court: Court) -> set[str]:
    folder = court.private / REFUSED_FOLDER
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def count_audit(court: Court, action: str) -> int:
    with court.reading() as session:
        return session.scalar(select(func.count()).where(AuditRow.action == action)) or 0


def test_a_submission_becomes_a_matter_with_its_true_day_and_its_papers(home: Home, court: Court) -> None:
    home.publish(a_person(1))
    sent_at = court.now - timedelta(days=2)
    pdf = Attachment(name="判决书.pdf", media="application/pdf", content=PDF)
    submission = a_submission(sent_at, 1, pdf, reference="（2025）测0101执1号", claim="not_me")
    send(court, submission)
    assert collect(court) == Collected(taken=1)
    assert dropped(court) == set()
    (row,) = matters(court)
    assert (row.kind, row.ground, row.channel, row.received_on) == ("objection", "not_me", "online", date(2026, 11, 16))
    assert (row.receipt, row.token, row.record_id) == (submission.receipt, submission.token, 1)
    assert read_content(row, court.vault).words == "已经履行完毕1"
    with court.reading() as session:
        assert [paper.name for paper in list_papers(session, court.vault, matter=row.id)] == ["判决书.pdf"]
        assert session.scalars(select(ClockRow.due)).all() == [date(2026, 12, 1)]
        told = session.scalar(select(JournalRow.body).where(JournalRow.key == submission.token))
        assert told == '{"state":"received","on":"2026-11-18","until":"2026-12-01"}'
        everything = repr(
            [session.execute(text(f"select * from {name}")).all() for name in ("matter", "audit", "paper")]
        )
        assert not any(word in everything for word in ("甲测试", "13900000001", "已经履行完毕", "判决书"))


@pytest.mark.parametrize("committed", [False, True])
def test_what_was_killed_half_way_is_neither_lost_nor_doubled(court: Court, committed: bool) -> None:
    """The disk is full, or the process gone, before the transaction or between it and the removal of the file."""
    submission = a_submission(court.now, 1, Attachment(name="一.pdf", media="application/pdf", content=PDF))
    content = seal(court, submission)
    drop(court, content, court.now)
    if committed:
        assert collect(court).taken == 1
        drop(court, content, court.now)
        assert collect(court) == Collected(repeated=1)
    else:
        # A file of papers that the transaction never came to know is written to the same place again.
        with pytest.raises(KeyboardInterrupt):
            collect(court, scan=_interrupt)
        assert collect(court) == Collected(taken=1)
    assert len(matters(court)) == 1
    assert len(list((court.private / FOLDER).iterdir())) == 1
    assert dropped(court) == set()


def _interrupt(_content: bytes) -> Verdict:
    raise KeyboardInterrupt


def test_a_form_sent_twice_is_one_matter_and_brings_what_it_had_more(court: Court) -> None:
    send(court, a_submission(court.now, 1), 1)
    assert collect(court).taken == 1
    more = a_submission(court.now, 1, Attachment(name="补.png", media="image/png", content=PNG))
    send(court, more, 2)
    send(court, more, 3)
    assert collect(court) == Collected(repeated=2)
    (row,) = matters(court)
    with court.reading() as session:
        assert [paper.name for paper in list_papers(session, court.vault, matter=row.id)] == ["补.png"]


def test_other_words_under_a_number_that_was_given_are_a_matter_without_it(court: Court) -> None:
    send(court, a_submission(court.now, 1), 1)
    send(court, a_submission(court.now, 1, words="完全不同的内容"), 2)
    assert collect(court) == Collected(taken=2)
    first, second = matters(court)
    assert first.receipt is not None
    assert (second.receipt, second.token) == (None, None)


def test_garbage_is_put_aside_once_and_keeps_nothing_waiting(court: Court) -> None:
    sealed = seal(court, a_submission(court.now, 9))
    moment = court.now - timedelta(hours=1)
    for serial, content in enumerate(
        (
            b"",
            b"garbage",
            MAGIC,
            MAGIC + b"\0" * 500,
            sealed[:-1],
            sealed[:100] + bytes([sealed[100] ^ 1]) + sealed[101:],
        ),
        start=1,
    ):
        drop(court, content, moment, serial)
    with drop(court, b"", moment, 7).open("wb") as huge:
        huge.truncate(LARGEST_ENVELOPE + 1)
    os.mkfifo(court.drop / f"{8:032x}.sealed")
    (court.drop / f"{9:032x}.sealed").mkdir()
    (court.drop / f"{10:032x}.sealed").symlink_to(court.settings.key_file)
    (court.drop / "../drop/not-ours").write_bytes(b"left alone")
    send(court, a_submission(court.now, 11), 11)
    done = collect(court)
    assert (done.taken, done.refused, done.waiting) == (1, 10, 0)
    assert dropped(court) == {"not-ours"}
    assert put_aside(court) == {f"{serial:032x}.sealed" for serial in range(1, 11)}
    assert court.settings.key_file.exists()
    assert collect(court) == Collected()
    assert count_audit(court, "submission_refused") == 10
    # Put back once more it is known: no second line, and out of the way again.
    drop(court, b"garbage", moment, 2)
    assert collect(court) == Collected(repeated=1)
    assert count_audit(court, "submission_refused") == 10
    assert dropped(court) == {"not-ours"}


def test_folders_of_the_same_names_again_keep_nothing_waiting(court: Court) -> None:
    """Put back under the names of those that were put aside before, and older than what people send in."""
    names = {f"{serial:032x}.sealed" for serial in range(6)}
    for _ in range(3):
        for name in names:
            (court.drop / name).mkdir()
            (court.drop / name / "x").write_text("x")
            os.utime(court.drop / name, (0, 0))
        while collect(court, most=2).left:
            pass
        assert dropped(court) == set()
    assert put_aside(court) == names | {f"{name}.{number}" for name in names for number in (2, 3)}


def test_what_may_turn_out_immovable_is_met_behind_every_file(court: Court) -> None:
    for serial in range(1, 4):
        (court.drop / f"{serial:032x}.sealed").mkdir()
        os.utime(court.drop / f"{serial:032x}.sealed", (0, 0))
    send(court, a_submission(court.now, 9), 9)
    oldest, left = list_oldest(court.drop, 2, BEFORE_ALL)
    assert [name for _, name in oldest] == [f"{9:032x}.sealed", f"{1:032x}.sealed"]
    assert left == 2
    rest, left = list_oldest(court.drop, 2, oldest[-1])
    assert ([name for _, name in rest], left) == ([f"{serial:032x}.sealed" for serial in (2, 3)], 0)


def test_a_case_of_two_debtors_names_neither_also_when_one_has_left(home: Home, court: Court) -> None:
    case = a_person(1)["case_number"]
    other = a_person(2, name="乙测试", case_number=case, basis_number="（2024）测0101民初2号")
    home.publish(a_person(1), other)
    with court.reading() as session:
        left, stays = session.scalars(select(RecordRow.number).order_by(RecordRow.id))
    home.ask("remove", left, "--ground", "performed", "--basis", "结案通知书", "--as", "reviewer")
    send(court, a_submission(court.now, 1, reference=case), 1)
    send(court, a_submission(court.now, 2, reference=stays or ""), 2)
    assert collect(court).taken == 2
    assert {row.record_id for row in matters(court)} == {None, 2}


def test_what_is_sealed_to_another_court_is_put_aside(court: Court) -> None:
    from nacl.public import PrivateKey, SealedBox

    from search_index.submission import pack

    drop(court, MAGIC + SealedBox(PrivateKey.generate().public_key).encrypt(pack(a_submission(court.now))), court.now)
    assert collect(court).refused == 1
    assert matters(court) == []


def test_a_lost_key_stops_the_collecting_and_puts_nothing_aside(court: Court) -> None:
    send(court, a_submission(court.now))
    key = court.private / "keys" / "submissions.key"
    kept = key.read_bytes()
    key.unlink()
    with pytest.raises(CollectingStopped, match="备份"):
        collect(court)
    assert put_aside(court) == set()
    key.write_bytes(kept)
    assert collect(court).taken == 1


@given(said=st.integers(-800 * 24, 800 * 24), written=st.integers(-800 * 24, 800 * 24))
def test_it_arrived_no_later_than_its_file_nor_in_the_future(said: int, written: int) -> None:
    now = datetime(2026, 11, 18, 2, tzinfo=UTC)
    moments = [now + timedelta(hours=hours) for hours in (said, written)]
    arrival = find_arrival(moments[0], moments[1], now)
    assert arrival <= now
    assert arrival >= now - timedelta(days=400)
    believed = [moment for moment in moments if now - timedelta(days=400) <= moment <= now]
    assert arrival == min([*believed, now])


@pytest.mark.parametrize(
    ("said", "written", "received_on"),
    [
        (timedelta(days=5), timedelta(days=5), "2026-11-18"),
        (timedelta(days=-1), timedelta(days=-3), "2026-11-15"),
        (timedelta(days=-20), timedelta(0), "2026-10-29"),
        (timedelta(days=-9000), timedelta(days=-1), "2026-11-17"),
        (timedelta(days=-9000), timedelta(days=-9000), "2026-11-18"),
    ],
)
def test_times_that_cannot_be_are_not_believed(
    court: Court, said: timedelta, written: timedelta, received_on: str
) -> None:
    drop(court, seal(court, a_submission(court.now + said)), court.now + written)
    assert collect(court).taken == 1
    assert matters(court)[0].received_on.isoformat() == received_on


def test_a_file_time_that_no_calendar_has_is_only_a_strange_time(court: Court) -> None:
    path = send(court, a_submission(court.now))
    os.utime(path, (2**33, 2**33))
    assert collect(court).taken == 1


def test_a_bad_attachment_does_not_cost_the_words(court: Court) -> None:
    bad = Attachment(name="../../../etc/cron.d/x.pdf", media="application/pdf", content=b"<script>alert(1)</script>")
    good = Attachment(name="../../../etc/cron.d/x.pdf", media="application/pdf", content=PDF)
    send(court, a_submission(court.now, 1, bad, good))
    assert collect(court).taken == 1
    (row,) = matters(court)
    with court.reading() as session:
        assert [paper.name for paper in list_papers(session, court.vault, matter=row.id)] == ["x.pdf"]
    assert [note.words[:10] for note in read_notes(row, court.vault)] == ["第1个附件没有收下："]


def test_an_infected_attachment_is_dropped_and_a_broken_scanner_keeps_only_what_it_concerns(court: Court) -> None:
    pdf = Attachment(name="一.pdf", media="application/pdf", content=PDF)
    send(court, a_submission(court.now, 1, pdf), 1)
    assert collect(court, scan=lambda _content: Verdict.INFECTED).taken == 1
    # Older than the others, and there are more of them than a pass takes: behind them the rest is taken all the same.
    for serial in range(2, 5):
        send(court, a_submission(court.now - timedelta(days=1), serial, pdf), serial)
    send(court, a_submission(court.now, 5), 5)
    done = collect(court, scan=lambda _content: Verdict.UNKNOWN, most=2)
    assert (done.taken, done.waiting) == (1, 3)
    assert collect(court) == Collected(taken=3)
    with court.reading() as session:
        assert list_papers(session, court.vault, matter=1) == []


def test_a_flood_is_taken_pass_by_pass_the_oldest_first(court: Court) -> None:
    for serial in range(1, 8):
        send(court, a_submission(court.now - timedelta(minutes=serial), serial), serial)
    assert collect(court, most=3) == Collected(taken=3, left=4)
    assert [read_content(row, court.vault).words[-1] for row in matters(court)] == ["7", "6", "5"]
    assert collect(court, most=3) == Collected(taken=3, left=1)
    assert collect(court, most=3) == Collected(taken=1)


def test_one_process_collects_at_a_time(court: Court) -> None:
    send(court, a_submission(court.now))
    with alone(court.private / "collect.lock") as mine:
        assert mine
        assert collect(court) == Collected(busy=True)
    assert collect(court).taken == 1


def test_fields_that_no_form_has_are_left_and_odd_ones_are_cut(court: Court) -> None:
    odd = "名\0字\ud7ff\r\n第二行" + "长" * 5000
    send(court, a_submission(court.now, 1, who=odd, words=odd, unknown="x", claim="nonsense", reference="SX-不存在"))
    assert collect(court).taken == 1
    (row,) = matters(court)
    content = read_content(row, court.vault)
    assert row.ground == "other"
    assert "\0" not in content.words
    assert len(content.who) == 200
    assert len(content.words) == 4000
    assert row.record_id is None


def test_over_the_net_nobody_hides_an_entry_by_a_word(home: Home, court: Court) -> None:
    """That somebody is a minor hides an entry at once; here a person of the court looks at it first."""
    home.publish(a_person(1))
    send(court, a_submission(court.now, 1, claim="minor", reference="（2025）测0101执1号"))
    assert collect(court).taken == 1
    (row,) = matters(court)
    assert (row.ground, read_content(row, court.vault).about) == ("says_minor", "minor")


def test_every_collected_file_is_remembered_by_its_digest(court: Court) -> None:
    send(court, a_submission(court.now))
    drop(court, b"garbage", court.now, 2)
    collect(court)
    with court.reading() as session:
        outcomes = sorted(session.scalars(select(SubmissionRow.outcome)))
    assert outcomes == ["refused", "taken"]

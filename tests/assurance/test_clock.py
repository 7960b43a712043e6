"""A clock that jumps: what has left stays away, the journal has no gap, and whoever looks is told.

The order of the journal is its sequence. Its times are what the clock said, and go back where the clock does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from entries import a_person, with_term
from homes import Home
from invariants import find_faults_at_rest
from life import Life
from sqlalchemy import select

from registry.tables import JournalRow
from search_index.day import SHANGHAI

NEW_YEAR = datetime(2027, 1, 1, tzinfo=SHANGHAI)
JUMPS = {
    "an hour back": timedelta(hours=-1),
    "a day back": timedelta(days=-1),
    "a year back": timedelta(days=-365),
    "a year forward": timedelta(days=365),
}


@pytest.fixture
def life(home: Home) -> Iterator[Life]:
    made = Life(home)
    yield made
    made.close()


def list_with_term(life: Life, ends_on: str, serial: int = 500) -> str:
    """The number of an entry that is public until the end of a day."""
    person = with_term(a_person(serial, name=f"甲测试{serial}"), ends_on)
    life.home.publish(person, name=f"term-{serial}.jsonl")
    (record,) = life.numbers_of([person])
    return record


def is_shown(life: Life, record: str) -> bool:
    """Whether any reader finds it: by its number, in a search, or in the whole list."""
    by_number = life.status(record)
    assert by_number in (200, 410)
    found = life.public.get("/api/v1/entries", query_string={"q": record}).json or {}
    everything = life.public.get("/api/v1/entries").json or {}
    listed = record in {entry["record"] for entry in everything["entries"]}
    assert (by_number == 200) == (found["meta"]["total"] == 1) == listed
    return listed


def times_of(life: Life) -> list[datetime]:
    court = life.home.court
    with court.reading() as session:
        times = [at.astimezone(SHANGHAI) for at in session.scalars(select(JournalRow.at).order_by(JournalRow.position))]
    court.close()
    return times


def test_a_departure_during_a_jump_is_a_departure_before_and_after_it(life: Life) -> None:
    clock, true = life.home.clock, life.home.clock.moment
    gone = set()
    for jump in JUMPS.values():
        record = life.take_listed()
        clock.moment = true + jump
        life.home.ask("withdraw", record, "--ground", "wrongly_listed", "--basis", "执异1号", "--as", "reviewer")
        gone.add(record)
        for moment in (clock.moment, true, true - timedelta(days=400), true + timedelta(days=400)):
            clock.moment = moment
            assert not is_shown(life, record)
        clock.moment = true
    life.home.ask("publish")
    life.home.ask("index", "rebuild", "--replay")
    assert [is_shown(life, record) for record in sorted(gone)] == [False] * len(JUMPS)
    assert is_shown(life, life.take_listed())
    assert find_faults_at_rest(life.home, gone) == []


def test_what_ended_with_the_year_does_not_come_back_with_the_clock(life: Life) -> None:
    clock = life.home.clock
    clock.moment = NEW_YEAR - timedelta(days=1)
    record = list_with_term(life, "2026-12-31")
    clock.moment = NEW_YEAR - timedelta(microseconds=1)
    assert is_shown(life, record)
    clock.moment = NEW_YEAR
    assert not is_shown(life, record)
    clock.moment = NEW_YEAR + timedelta(minutes=1)
    assert life.home.ask("publish")["expired"] == 1  # what the worker does each minute
    for jump in JUMPS.values():
        clock.moment = NEW_YEAR + timedelta(minutes=1) + jump
        assert not is_shown(life, record)
        again = life.home.ask("import", life.home.folder.parent / "term-500.jsonl", "--as", "clerk")
        assert (again["accepted"], again["unchanged"]) == (0, 1)
        assert life.home.ask("publish")["published"] == 0
        assert not is_shown(life, record)
    assert find_faults_at_rest(life.home, {record}) == []


def test_a_year_forward_ends_what_it_ends_for_good_and_takes_nothing_else(life: Life) -> None:
    true = life.home.clock.moment
    ending, standing = list_with_term(life, "2027-03-31"), life.take_listed()
    life.home.clock.moment = true + timedelta(days=365)
    assert not is_shown(life, ending)
    assert life.home.ask("publish")["expired"] == 1
    life.home.clock.moment = true
    done = life.home.ask("publish")
    assert (done["published"], done["expired"]) == (0, 0)
    assert not is_shown(life, ending)
    assert is_shown(life, standing)
    life.listed.clear()
    assert is_shown(life, life.take_listed()), "work goes on at the true time"
    assert find_faults_at_rest(life.home, {ending}) == []


@pytest.mark.long
def test_the_journal_is_ordered_by_sequence_and_its_times_are_what_the_clock_said(life: Life) -> None:
    true = life.home.clock.moment
    moments = [true + step for step in (timedelta(days=365), timedelta(), timedelta(days=-1), timedelta(hours=1))]
    for turn, moment in enumerate(moments):
        life.home.clock.moment = moment
        life.home.publish(a_person(700 + turn, name=f"甲测试{turn}"), name=f"turn-{turn}.jsonl")
    assert times_of(life)[-4:] == moments
    feed = [(change["type"], change["at"]) for change in changes_of(life)][-4:]
    assert feed == [("published", moment.isoformat()) for moment in moments]
    assert find_faults_at_rest(life.home) == []


def changes_of(life: Life) -> list[dict[str, str]]:
    """The public list of changes, as every reader of the store is given it."""
    court = life.home.court
    with court.store.snapshot(court.now) as snapshot:
        found = [
            {"type": change.type.value, "at": change.at.isoformat()} for change in snapshot.changes(0, limit=1_000)
        ]
    court.close()
    return found


def test_doctor_says_that_the_clock_has_gone_back(life: Life) -> None:
    life.take_listed()
    assert "[正常] 时钟" in life.home.run("doctor").out
    life.home.clock.advance(hours=-1)
    said = life.home.run("doctor")
    assert said.code == 1
    assert "[故障] 时钟：系统时间早于最近一次公布" in said.out


def test_a_hold_under_a_wrong_clock_is_down_and_is_shown_again_by_two_at_the_true_time(life: Life) -> None:
    record, true = life.take_listed(), life.home.clock.moment
    life.home.clock.moment = true + timedelta(hours=1)
    life.home.ask("hold", record, "--basis", "来信反映非本人", "--as", "clerk")
    life.home.clock.moment = true
    assert not is_shown(life, record)
    life.home.ask("hold", record, "--lift", "--basis", "核实无误", "--as", "reviewer")
    life.home.run("hold", record, "--lift", "--as", "second")
    life.home.clock.moment = true + timedelta(hours=2)
    if not is_shown(life, record):
        life.home.ask("hold", record, "--lift", "--basis", "核实无误", "--as", "reviewer")
        life.home.ask("hold", record, "--lift", "--as", "second")
    assert is_shown(life, record)


def test_a_consent_given_under_a_fast_clock_is_not_for_words_written_since(life: Life) -> None:
    record, true = life.take_listed(), life.home.clock.moment
    both = ("--confirm", "art3", "--confirm", "redactions")
    life.home.ask("hold", record, "--basis", "来信反映非本人", "--as", "clerk")
    life.home.clock.moment = true + timedelta(days=365)
    life.home.ask("hold", record, "--lift", "--basis", "核实无误", "--as", "reviewer")
    life.home.clock.moment = true + timedelta(minutes=1)
    life.home.ask("correct", record, "--set", "obligation=支付五万元。", *both, "--as", "second")
    life.home.run("hold", record, "--lift", "--basis", "核实无误", "--as", "second")
    assert not is_shown(life, record), "one person wrote the words and the same one let them be shown"


def test_a_quarter_is_pushed_once_however_the_clock_jumps(life: Life) -> None:
    life.take_listed()
    true = life.home.clock.moment
    runs = set()
    for step in (timedelta(), timedelta(days=365), timedelta(), timedelta(days=-1)):
        life.home.clock.moment = true + step
        runs.add(life.home.ask("push", "--period", "2026Q3")["run"])
    assert len(runs) == 1


def test_a_due_date_does_not_depend_on_the_clock(life: Life) -> None:
    expected = {("exit", "2026-12-30"): "2027-01-04", ("grace", "2024-02-29"): "2024-05-29"}
    for moment in (datetime(2024, 2, 29, tzinfo=SHANGHAI), NEW_YEAR - timedelta(microseconds=1), NEW_YEAR):
        life.home.clock.moment = moment
        found = {key: life.home.ask("deadline", key[0], "--from", key[1])["due"] for key in expected}
        assert found == expected


def test_the_day_begins_at_midnight_in_shanghai_with_no_hour_twice(life: Life) -> None:
    life.home.clock.moment = NEW_YEAR - timedelta(days=1)
    record = list_with_term(life, "2026-12-31")
    for hours in range(24):  # hour by hour: nowhere does a reader's hour come twice or not at all
        life.home.clock.moment = NEW_YEAR - timedelta(hours=24 - hours)
        assert life.status(record) == 200
    life.home.clock.moment = NEW_YEAR.astimezone(tz=None)
    assert life.status(record) == 410

"""The ledger: once however often, never changed, and everybody who was sent an entry is told that it left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from entries import a_person
from homes import START, Home
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session
from unit_world import BASIS, add_unit, import_measures, published

from gongshi.court import Court
from registry.tables import Base, LedgerRow, UnitRow
from registry.units.ledger import (
    UNDER_VERIFICATION,
    VERIFIED,
    LedgerKind,
    Line,
    append,
    catch_up_releases,
    list_ledger,
    list_under_verification,
    note_release,
    note_verification,
)
from registry.units.releases import carry_out, count_overdue, lift, list_releases, list_retained, list_to_lift, retain
from registry.units.units import get_unit
from registry.units.words import UnitError
from search_index.day import SHANGHAI


@pytest.fixture
def court(home: Home) -> Iterator[Court]:
    """A court with two entries on the list and three units: housing hears of departures, tax was sent the list, idle
    neither."""
    add_unit(home, "housing", "--releases")
    add_unit(home, "tax", "--push")
    add_unit(home, "idle")
    import_measures(home, "M-1,限制甲,housing", "M-2,限制乙,tax")
    home.publish(a_person(1), a_person(2))
    made = home.court
    yield made
    made.close()


def unit(session: Session, slug: str) -> UnitRow:
    return get_unit(session, slug)


def push(court: Court, slug: str, sequence: int) -> None:
    """A list that a unit was sent."""
    with court.session() as session:
        line = Line(
            unit_id=unit(session, slug).id,
            kind=LedgerKind.PUSH,
            at=court.now,
            by="gongshi",
            key=f"push/{slug}/{sequence}",
            period="2026Q3",
            count=2,
            detail={"sequence": sequence},
        )
        append(session, [line])


def leave(home: Home, record: str) -> None:
    home.ask("withdraw", record, "--ground", "wrongly_listed", "--basis", "（2026）测0101执监1号", "--as", "reviewer")


def told(court: Court) -> dict[str, list[str]]:
    """Which departures each unit was told of."""
    with court.reading() as session:
        rows = session.execute(
            select(UnitRow.slug, LedgerRow.record)
            .join(LedgerRow, LedgerRow.unit_id == UnitRow.id)
            .where(LedgerRow.kind == LedgerKind.RELEASE.value)
            .order_by(LedgerRow.id)
        )
        found: dict[str, list[str]] = {}
        for slug, record in rows:
            found.setdefault(slug, []).append(record)
        return found


def test_who_was_sent_an_entry_and_who_hears_of_departures_is_told_once(home: Home, court: Court) -> None:
    first, _ = published(court)
    push(court, "tax", court.sequence())
    leave(home, first)
    acting = court.acting("reviewer")
    with court.session() as session:
        note_release(session, first, acting)
    assert told(court) == {"housing": [first], "tax": [first]}
    with court.session() as session:
        assert note_release(session, first, acting) == 0
        assert catch_up_releases(session, acting) == 0
    assert told(court) == {"housing": [first], "tax": [first]}


def test_who_was_sent_a_list_without_the_entry_is_not_told(home: Home, court: Court) -> None:
    push(court, "tax", court.sequence())
    before = set(published(court))
    home.publish(a_person(3), name="later.jsonl")
    (newest,) = set(published(court)) - before
    leave(home, newest)
    with court.session() as session:
        note_release(session, newest, court.acting("reviewer"))
    assert told(court) == {"housing": [newest]}


def test_a_retired_unit_that_was_sent_the_entry_is_told(home: Home, court: Court) -> None:
    first, _ = published(court)
    push(court, "tax", court.sequence())
    home.ask("unit", "retire", "tax", "--basis", "机构改革方案", "--as", "reviewer")
    leave(home, first)
    with court.session() as session:
        note_release(session, first, court.acting("reviewer"))
    assert "tax" in told(court)


def test_nothing_is_said_of_what_is_still_on_the_list_or_never_was(court: Court) -> None:
    first, _ = published(court)
    with court.session() as session:
        acting = court.acting("reviewer")
        assert note_release(session, first, acting) == 0
        assert note_release(session, None, acting) == 0
        assert note_release(session, "SX-00000000", acting) == 0


def test_a_departure_that_nobody_was_told_of_is_caught_up(home: Home, court: Court) -> None:
    first, second = published(court)
    leave(home, first)
    leave(home, second)
    with court.session() as session:
        catch_up_releases(session, court.acting("gongshi"))
    assert sorted(told(court)["housing"]) == [first, second]


def test_who_is_known_to_hold_a_list_only_afterwards_is_told_though_others_were(home: Home, court: Court) -> None:
    first, second = published(court)
    sent = court.sequence()
    leave(home, first)
    home.clock.advance(hours=1)
    assert told(court) == {"housing": [first]}
    # The sending was before the departure; that it was is written down now.
    push(court, "tax", sent)
    # Of a list that was made after it left, nobody is told.
    push(court, "idle", court.sequence())
    for expected in (1, 0):
        with court.session() as session:
            assert catch_up_releases(session, court.acting("gongshi")) == expected
    assert told(court) == {"housing": [first], "tax": [first]}
    # What was long ago is looked for where a sending of then comes to be known.
    home.clock.advance(days=60)
    leave(home, second)
    home.clock.advance(days=40)
    push(court, "idle", sent)
    with court.session() as session:
        acting = court.acting("gongshi")
        assert catch_up_releases(session, acting) == 0
        assert catch_up_releases(session, acting, since=START) == 1
    assert told(court)["idle"] == [second, first]


def test_measures_are_lifted_or_kept_with_a_basis_and_an_end(home: Home, court: Court) -> None:
    first, _ = published(court)
    leave(home, first)
    acting = court.acting("unit:housing1")
    with court.session() as session:
        note_release(session, first, acting)
        housing = unit(session, "housing")
        (release,), _ = list_releases(session, housing.id, open_only=True)
        for problem, values in (
            ("期限应晚于今天", {"measure": "M-1", "basis": BASIS, "ends_on": acting.today}),
            ("法律依据", {"measure": "M-1", "basis": " ", "ends_on": date(2027, 6, 1)}),
            ("本单位负责", {"measure": "M-2", "basis": BASIS, "ends_on": date(2027, 6, 1)}),
            ("核对年份", {"measure": "M-1", "basis": BASIS, "ends_on": date(2077, 6, 1)}),
        ):
            with pytest.raises(UnitError, match=problem):
                retain(session, housing, release.id, acting=acting, **values)  # type: ignore[arg-type]
        retain(session, housing, release.id, measure="M-1", basis=BASIS, ends_on=date(2027, 6, 1), acting=acting)
        with pytest.raises(UnitError, match="已经登记过"):
            retain(session, housing, release.id, measure="M-1", basis=BASIS, ends_on=date(2029, 6, 1), acting=acting)
        assert carry_out(session, housing, release.id, acting)
        assert not carry_out(session, housing, release.id, acting)
        assert list_releases(session, housing.id, open_only=True) == ([], 0)
        (kept,) = list_retained(session, housing.id, acting.today)
        assert (kept.measure, kept.basis, kept.ends_on) == ("M-1", BASIS, date(2027, 6, 1))
        assert list_retained(session, housing.id, date(2027, 6, 2)) == []


def keep(court: Court, record: str, ends_on: date) -> None:
    """What housing keeps of an entry that has left, with the rest of it lifted."""
    acting = court.acting("unit:housing1")
    with court.session() as session:
        housing = unit(session, "housing")
        (release,), _ = list_releases(session, housing.id, open_only=True)
        retain(session, housing, release.id, measure="M-1", basis=BASIS, ends_on=ends_on, acting=acting)
        carry_out(session, housing, release.id, acting)


def test_what_is_kept_is_asked_for_when_its_end_has_come_until_it_is_lifted(home: Home, court: Court) -> None:
    first, _ = published(court)
    leave(home, first)
    keep(court, first, date(2026, 12, 1))
    with court.session() as session:
        housing, tax, acting = unit(session, "housing"), unit(session, "tax"), court.acting("unit:housing1")
        # The last day is still its own.
        assert list_to_lift(session, housing.id, date(2026, 12, 1)) == []
        assert count_overdue(session, housing.id, date(2026, 12, 1)) == 0
        (ended,) = list_to_lift(session, housing.id, date(2026, 12, 2))
        assert (ended.record, ended.measure, ended.ends_on) == (first, "M-1", date(2026, 12, 1))
        assert count_overdue(session, housing.id, date(2027, 6, 1)) == 1
        with pytest.raises(UnitError, match="没有这一继续保留的措施"):
            lift(session, tax, ended.id, acting)
        assert lift(session, housing, ended.id, acting)
        assert not lift(session, housing, ended.id, acting)
        for listed in (list_to_lift, list_retained):
            assert listed(session, housing.id, date(2026, 12, 2)) == []
        (line,), _ = list_ledger(session, housing.id, kind=LedgerKind.LIFTED)
        assert (line.record, line.measure, line.by) == (first, "M-1", "unit:housing1")


def test_what_is_kept_is_to_be_lifted_when_the_listing_proves_wrong_from_the_start(home: Home, court: Court) -> None:
    first, second = published(court)
    for record in (first, second):
        home.ask("remove", record, "--ground", "performed", "--basis", "结案通知书", "--as", "reviewer")
    with court.session() as session:
        housing, acting = unit(session, "housing"), court.acting("unit:housing1")
        releases, _ = list_releases(session, housing.id, open_only=True)
        for release in releases:
            if release.record == first:
                retain(
                    session, housing, release.id, measure="M-1", basis=BASIS, ends_on=date(2027, 6, 1), acting=acting
                )
            carry_out(session, housing, release.id, acting)
    home.clock.advance(days=1)
    leave(home, first)
    leave(home, second)
    with court.session() as session:
        housing = unit(session, "housing")
        # Whoever keeps nothing has nothing to lift.
        (again,), _ = list_releases(session, housing.id, open_only=True)
        assert (again.record, again.wrongly, again.due) == (first, True, date(2026, 11, 20))
        assert list_retained(session, housing.id, court.today) == []
        assert carry_out(session, housing, again.id, acting)
        assert list_retained(session, housing.id, court.today) == []
        assert list_to_lift(session, housing.id, date(2027, 6, 2)) == []


def test_what_is_shown_again_is_not_to_be_lifted(home: Home, court: Court) -> None:
    first, _ = published(court)
    home.ask("hold", first, "--basis", "核对", "--as", "clerk")
    with court.reading() as session:
        housing = unit(session, "housing").id
        assert list_releases(session, housing, open_only=True)[1] == 1
    home.ask("hold", first, "--lift", "--basis", "核对无误", "--as", "clerk")
    home.ask("hold", first, "--lift", "--as", "second")
    with court.reading() as session:
        assert list_releases(session, housing, open_only=True) == ([], 0)
        assert count_overdue(session, housing, date(2027, 6, 1)) == 0
    # When it goes for good, it is to be lifted once.
    leave(home, first)
    with court.reading() as session:
        (release,), _ = list_releases(session, housing, open_only=True)
        assert release.record == first


def test_a_unit_cannot_carry_out_what_another_was_told(home: Home, court: Court) -> None:
    first, _ = published(court)
    leave(home, first)
    acting = court.acting("unit:tax1")
    with court.session() as session:
        note_release(session, first, acting)
        (release,), _ = list_releases(session, unit(session, "housing").id)
        tax = unit(session, "tax")
        with pytest.raises(UnitError, match="没有这一退出通知"):
            carry_out(session, tax, release.id, acting)
        with pytest.raises(UnitError, match="没有这一退出通知"):
            retain(session, tax, release.id, measure="M-2", basis=BASIS, ends_on=date(2027, 1, 1), acting=acting)


def test_what_is_due_and_the_article_stand_in_the_release(home: Home, court: Court) -> None:
    first, _ = published(court)
    leave(home, first)
    with court.session() as session:
        note_release(session, first, court.acting("reviewer"))
        (release,), _ = list_releases(session, unit(session, "housing").id)
    # Told on a Wednesday.
    assert release.due == date(2026, 11, 19)
    assert release.article
    assert not release.is_overdue(date(2026, 11, 19))
    assert release.is_overdue(date(2026, 11, 20))


def test_units_are_told_of_a_verification_and_of_its_end(court: Court) -> None:
    first, second = published(court)
    acting = court.acting("reviewer")
    push(court, "tax", court.sequence())
    with court.session() as session:
        housing = unit(session, "housing").id
        assert note_verification(session, first, VERIFIED, acting) == 0
        assert note_verification(session, first, UNDER_VERIFICATION, acting) == 2
        assert note_verification(session, first, UNDER_VERIFICATION, acting) == 0
        assert note_verification(session, second, UNDER_VERIFICATION, acting) == 2
        assert [line.record for line in list_under_verification(session, housing)] == [second, first]
        assert note_verification(session, first, VERIFIED, acting) == 2
        assert [line.record for line in list_under_verification(session, housing)] == [second]
        assert list_under_verification(session, unit(session, "idle").id) == []


@pytest.mark.parametrize("change", ["update", "delete"])
def test_a_line_is_never_changed_and_never_taken_away(court: Court, change: str) -> None:
    push(court, "tax", 1)
    with court.reading() as session:
        row = session.scalars(select(LedgerRow)).one()
        if change == "update":
            row.count = 3
        else:
            session.delete(row)
        with pytest.raises(RuntimeError, match="only ever added"):
            session.flush()
        session.rollback()
    with court.reading() as session:
        assert session.scalars(select(LedgerRow.count)).all() == [2]


def test_no_code_changes_or_deletes_lines() -> None:
    """Neither by a statement past the session."""
    tree = Path(__file__).resolve().parents[3]
    sources = [path for part in ("registry", "gongshi") for path in (tree / part).rglob("*.py")]
    assert sources
    found = [path.name for path in sources if re.search(r"(?:update|delete)\(\s*LedgerRow", path.read_text("utf-8"))]
    assert found == []


KEYS = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 9)), max_size=30)


@settings(max_examples=25)
@given(KEYS, st.lists(st.integers(0, 40), max_size=4))
def test_lines_with_keys_come_once_however_they_are_repeated_and_cut_off(
    wanted: list[tuple[int, int]], cuts: list[int]
) -> None:
    """Work that was killed after any number of lines and begun anew leaves each line once."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    at = START
    with Session(engine) as session, session.begin():
        session.add_all(a_unit(number, at) for number in (1, 2, 3))
    lines = [
        Line(unit_id=number, kind=LedgerKind.PUSH, at=at, by="gongshi", key=f"{number}/{key}") for number, key in wanted
    ]
    for cut in (*cuts, len(lines), len(lines)):
        with Session(engine) as session, session.begin():
            for line in lines[:cut]:
                append(session, [line])
        with Session(engine) as session:
            append(session, lines)
            # Killed before the end: nothing of it stays.
            session.rollback()
    with Session(engine) as session:
        kept = session.scalars(select(LedgerRow.key)).all()
        assert sorted(key for key in kept if key) == sorted({line.key for line in lines if line.key})
        pages = [list_ledger(session, number, page=page, limit=3) for number in (1, 2, 3) for page in (1, 2, 3, 4)]
        assert sum(len(found) for found, _ in pages) == session.scalar(select(func.count()).select_from(LedgerRow))
    engine.dispose()


def a_unit(number: int, at: datetime) -> UnitRow:
    return UnitRow(
        id=number,
        slug=f"u{number}",
        name=f"单位{number}",
        leading=False,
        basis="",
        receives={},
        active=True,
        created_at=at,
    )


def test_a_due_day_in_a_year_not_announced_is_marked(home: Home, court: Court) -> None:
    home.clock.moment = datetime(2059, 12, 31, 9, tzinfo=SHANGHAI)
    first, _ = published(court)
    leave(home, first)
    with court.session() as session:
        note_release(session, first, court.acting("reviewer"))
        (release,), _ = list_releases(session, unit(session, "housing").id)
        (line,), _ = list_ledger(session, unit(session, "housing").id, kind=LedgerKind.RELEASE)
    assert release.provisional
    assert "暂定" in line.words

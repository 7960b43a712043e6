"""What the notifier sent to units and heard of them comes into their ledgers, once, whatever is repeated or cut off."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from entries import a_person
from homes import Home
from sqlalchemy import event, select

from gongshi.court import Court
from gongshi.office import open_office
from gongshi.units import bring_over
from notifier.acknowledging import Acknowledgement, acknowledge
from notifier.answers import AckKind
from notifier.context import Notifier
from notifier.followups import list_follow_ups
from notifier.states import Purpose
from registry.tables import LedgerRow, UnitRow
from registry.units.ledger import LedgerKind
from registry.units.releases import list_releases
from registry.units.units import get_unit

BASIS = "联合惩戒实施意见第三条"


@pytest.fixture
def court(home: Home) -> Iterator[Court]:
    """A court that pushed a list of three to two units, one of which said that it has it."""
    for slug, recipient in (("television", "tv"), ("centre", "egov")):
        home.ask(
            "unit", "add", slug, "--name", f"{slug}单位", "--recipient", recipient, "--push", "--releases",
            "--basis", BASIS, "--as", "reviewer",
        )  # fmt: skip
    home.publish(*(a_person(serial) for serial in (1, 2, 3)))
    home.ask("push", "--period", "2026Q3")
    work(home)
    made = home.court
    answer(made, open_office(made), Purpose.PACKAGE, AckKind.RECEIVED, "tv")
    yield made
    made.close()


def work(home: Home) -> None:
    """Rounds of the worker, two minutes apart."""
    for _ in range(2):
        home.clock.advance(minutes=2)
        said = home.run("worker", "--once")
        assert said.code == 0, said.out + said.err


def answer(court: Court, office: Notifier, purpose: Purpose, kind: AckKind, slug: str) -> None:
    found = [one for one in list_follow_ups(office.engine, (purpose,)) if one.recipient.slug == slug]
    assert found
    given = Acknowledgement(kind=kind, given_by="戊编辑", given_at=court.now, noted_by="clerk")
    for one in found:
        acknowledge(office.engine, one.message_id, given, now=court.now)


def kept(court: Court) -> list[tuple[str, str, str | None]]:
    """Whose lines of which kind about what there are."""
    with court.reading() as session:
        query = select(UnitRow.slug, LedgerRow.kind, LedgerRow.record).join(UnitRow, UnitRow.id == LedgerRow.unit_id)
        return sorted((slug, kind, record) for slug, kind, record in session.execute(query))


def test_pushes_and_answers_come_once(home: Home, court: Court) -> None:
    office = open_office(court)
    bring_over(court, office)
    wanted = [("centre", "push", None), ("television", "ack", None), ("television", "push", None)]
    assert kept(court) == wanted
    again = bring_over(court, office)
    assert (again.pushes, again.answers, again.releases) == (0, 0, 0)
    work(home)
    assert kept(court) == wanted
    with court.reading() as session:
        lines = session.scalars(select(LedgerRow)).all()
        push = next(line for line in lines if line.kind == LedgerKind.PUSH.value)
        assert (push.period, push.count, push.detail["sequence"]) == ("2026Q3", 3, court.sequence())
        # Who answered there is a person, and stays with the notifier.
        assert all("戊编辑" not in f"{line.by}{line.detail}" for line in lines)


def test_who_took_an_entry_down_has_carried_out_the_release(home: Home, court: Court) -> None:
    office = open_office(court)
    bring_over(court, office)
    with court.store.snapshot(court.now) as snapshot:
        record = snapshot.newest(1)[0].record
    home.ask("withdraw", record, "--ground", "wrongly_listed", "--basis", "（2026）测0101执监1号", "--as", "reviewer")
    bring_over(court, office)
    work(home)
    answer(court, office, Purpose.RECALL, AckKind.TAKEN_DOWN, "tv")
    bring_over(court, office)
    bring_over(court, office)
    assert [line for line in kept(court) if line[2] is not None] == [
        ("centre", "release", record),
        ("television", "release", record),
        ("television", "released", record),
    ]
    with court.reading() as session:
        (release,), _ = list_releases(session, get_unit(session, "television").id)
        assert release.done_at == court.now
        assert list_releases(session, get_unit(session, "centre").id, open_only=True)[1] == 1


class Cut(Exception):
    """The process ends here."""


def test_cut_off_before_any_of_its_commits_it_goes_on_and_nothing_comes_twice(home: Home, court: Court) -> None:
    office = open_office(court)
    with court.store.snapshot(court.now) as snapshot:
        record = snapshot.newest(1)[0].record
    home.ask("withdraw", record, "--ground", "wrongly_listed", "--basis", "（2026）测0101执监1号", "--as", "reviewer")
    for instant in count(1):
        passed = count(1)

        def cut(_connection: object, passed: Iterator[int] = passed, instant: int = instant) -> None:
            if next(passed) == instant:
                raise Cut

        event.listen(court.engine, "commit", cut)
        try:
            bring_over(court, office)
        except Cut:
            continue
        else:
            break
        finally:
            event.remove(court.engine, "commit", cut)
    assert instant > 1
    once = kept(court)
    assert ("television", "ack", None) in once
    assert ("centre", "release", record) in once
    assert len(once) == len(set(once))
    bring_over(court, office)
    assert kept(court) == once

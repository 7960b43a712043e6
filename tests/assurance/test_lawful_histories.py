"""Random histories of a whole court, by several people and a worker that comes and goes, over the turn of a year whose
holidays are announced late. At every moment nothing may be seen that the law has ended or not yet begun, and in the end
the books must tell how each record came to be where it is.

The law is read here a second time, in a few lines and without the product's own clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random, SystemRandom
from typing import Any

import chinese_calendar
import pytest
from entries import a_person, an_organisation, citizen_number, with_term
from homes import Home
from sqlalchemy import select, update

from gongshi.calendar import build_statutory_holidays
from gongshi.commands import common
from gongshi.court import Court
from gongshi.legal_clock import LegalClock
from registry.acting import SYSTEM
from registry.matters import Arrival, Channel, Claim, Content, MatterKind, register_matter
from registry.records import get_row
from registry.tables import AuditRow, ClockRow, DecisionRow, MatterRow, RecordRow
from search_index.day import SHANGHAI
from search_index.document import Document
from search_index.snapshot import Snapshot

START = datetime(2026, 12, 21, 10, 0, tzinfo=SHANGHAI)
STAFF = ("clerk", "reviewer", "second")
OUTSIDE = ("performed", "settled", "wrongly_listed", "minor", "deceased")
BY_COURT = ("applicant_request", "no_property_found", "stayed", "not_enforceable", "closed", "early")
AT_ONCE = ("minor", "deceased")
# The notice for 2027, as it may come: two days more off at New Year, a week in February, and a Saturday worked for it.
OFF_2027 = {
    *build_statutory_holidays(2027),
    *(date(2027, 1, day) for day in (4, 5)),
    *(date(2027, 2, day) for day in range(5, 13)),
}
WORKED_2027 = {date(2027, 2, 20)}


@dataclass
class Ground:
    """A recorded ground that nobody has decided."""

    ground: str
    start: date


@dataclass
class Listing:
    """What was said of one debtor in one case, and what has become of it, as the people who did it know."""

    case: str
    born: date | None
    served_on: date
    term_ends_on: date | None
    restricted: bool
    batch: int = 0
    grace_until: date | None = None
    open: list[Ground] = field(default_factory=list)
    # After how many looks of the product an objection said that the person listed is a child, or dead.
    said_after: int | None = None
    departed: bool = False


@dataclass
class History:
    """A court that is worked in at random. `alive`: whether the worker beats."""

    home: Home
    court: Court
    random: Random
    local: bool
    announced: bool = False
    alive: bool = True
    listings: dict[str, Listing] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)
    hidden_at: datetime = START
    looks: int = 0
    done: list[str] = field(default_factory=list)
    # What the store showed at a public sequence.
    shown: tuple[int, list[Document]] = (-1, [])

    def __post_init__(self) -> None:
        self.home.clock.moment = START
        self.clock = LegalClock(self.court)

    # What people do ---------------------------------------------------------------------------------------------

    def live(self, records: int, steps: int) -> None:
        batch = max(10, records // 10)
        for _ in range(records // batch):
            self.take_in(batch)
            if self.random.random() < 0.8:
                self.approve(self.batches[-1])
                self.publish()
            for _ in range(steps * batch // records):
                self.step()
                self.check()
        self.wake()
        self.check()

    def step(self) -> None:
        acts: list[tuple[int, Callable[[], None]]] = [
            (5, self.wait),
            (2, self.approve),
            (2, self.publish),
            (1, self.sleep_or_wake),
            (5, self.record),
            (2, self.dismiss),
            (3, self.take_down),
            (2, self.hold),
            (3, self.lift),
            (1, self.object),
            (1, self.give_grace),
            (1, self.announce),
        ]
        weights = [weight for weight, _ in acts]
        act = self.random.choices([act for _, act in acts], weights)[0]
        self.done.append(f"{self.now:%m-%d %H:%M} {act.__name__}")
        act()

    def take_in(self, number: int) -> None:
        fresh = [self.make_listing(len(self.listings) + 1 + n) for n in range(number)]
        file = self.home.write("batch.jsonl", [entry for entry, _ in fresh])
        batch = self.home.ask("import", file, "--as", "clerk")["batch"]
        for _, listing in fresh:
            listing.batch = batch
            self.listings[listing.case] = listing
        self.batches.append(batch)

    def make_listing(self, serial: int) -> tuple[dict[str, Any], Listing]:
        random, case = self.random, f"（2025）测0101执{serial}号"
        served = self.now.date() + timedelta(days=random.choice([-30, -30, -30, -1, 0, 2, 9]))
        born = random.choice([date(1980, 1, 2)] * 8 + [date(2009, 1, 5), date(2015, 6, 1)])
        restricted = random.random() < 0.1
        has_term = random.random() < (0.6 if restricted else 0.2)
        term = self.now.date() + timedelta(days=random.randint(1, 40)) if has_term else None
        changes: dict[str, Any] = {
            "case_number": case,
            "decided_on": str(served - timedelta(days=3)) if served <= self.now.date() else str(self.now.date()),
            "served_on": str(served),
        }
        if restricted:
            changes |= {"disclosure": "restricted", "restricted_ground": "privacy"}
        if serial % 7 == 0:
            entry, born_on = an_organisation(serial, **changes), None
        else:
            number = citizen_number(serial, born.isoformat())
            entry, born_on = a_person(serial, **changes, id_number=number), born
        if term is not None:
            entry = with_term(entry, term.isoformat())
        return entry, Listing(case, born_on, served, term, restricted)

    def approve(self, batch: int | None = None) -> None:
        batch = batch or self.random.choice(self.batches)
        who = self.random.choice(("reviewer", "second"))
        self.home.run("approve", batch, "--as", who, "--confirm", "art3", "--confirm", "redactions")

    def publish(self) -> None:
        self.home.ask("publish")
        self.note_look()

    def record(self) -> None:
        """Record a ground that arose and was known within the last days, or whose time is over already."""
        listing, who = self.pick(), self.random.choice(STAFF)
        ground = self.random.choice(OUTSIDE + BY_COURT)
        known = self.now.date() - timedelta(days=self.random.choice([0, 0, 0, 1, 2, 6]))
        arose = known - timedelta(days=self.random.choice([0, 0, 1, 3, 30]))
        said = self.home.run(
            *("ground", "add", listing.case, "--ground", ground, "--basis", "通知书"),
            *("--arose", arose, "--known", known, "--as", who),
        )
        if said.code == 0:
            listing.open.append(Ground(ground, known if ground in OUTSIDE else arose))

    def dismiss(self) -> None:
        listing, who = self.pick(self.undecided()), self.random.choice(STAFF)
        if not listing.open:
            return
        ground = self.random.choice(listing.open).ground
        said = self.home.run("ground", "dismiss", listing.case, "--ground", ground, "--reason", "笔录", "--as", who)
        if said.code == 0:
            listing.open.remove(next(one for one in listing.open if one.ground == ground))

    def take_down(self) -> None:
        listing, who = self.pick(self.random.choice([self.undecided(), []])), self.random.choice(STAFF)
        action, ground = self.random.choice([("withdraw", "wrongly_listed"), ("remove", "performed")])
        said = self.home.run(action, listing.case, "--ground", ground, "--basis", "裁定书", "--as", who)
        if said.code == 0:
            listing.departed, listing.open = True, []

    def hold(self) -> None:
        case, who = self.pick().case, self.random.choice(STAFF)
        self.home.run("hold", case, *self.random.choice([("--basis", "笔录"), ("--confirm",)]), "--as", who)

    def lift(self) -> None:
        who = self.random.choice(STAFF)
        self.home.run("hold", self.pick().case, "--lift", "--basis", "笔录", "--as", who)

    def object(self) -> None:
        """Somebody objects. Nothing is stopped by it, unless it is about a child or the dead (arts. 4 and 12 ¶3)."""
        listing = self.pick()
        claim = self.random.choice([Claim.MINOR, Claim.DECEASED, Claim.PERFORMED, Claim.INACCURATE])
        with self.court.session() as session:
            arrival = Arrival(
                kind=MatterKind.OBJECTION,
                channel=Channel.PAPER,
                received_on=self.now.date(),
                content=Content(words="请核对。"),
                record=get_row(session, listing.case),
                ground=claim,
            )
            register_matter(session, self.court.vault, arrival, self.court.acting("clerk"))
        if claim.value in AT_ONCE:
            listing.said_after = self.looks if listing.said_after is None else listing.said_after

    def give_grace(self) -> None:
        listing = self.pick()
        until = self.now.date() + timedelta(days=self.random.choice([1, 5, 20]))
        said = self.home.run("grace", listing.case, "--until", until, "--basis", "决定书", "--as", "reviewer")
        if said.code == 0:
            listing.grace_until = until

    def announce(self) -> None:
        """The notice for the new year comes, and is put in by command or by hand."""
        if self.announced or self.random.random() < 0.7:
            return
        lines = [f"{day},休\n" for day in sorted(OFF_2027)] + [f"{day},班\n" for day in sorted(WORKED_2027)]
        text = "date,type\n" + "".join(lines)
        if self.random.random() < 0.5:
            (self.home.folder / "registry" / "calendar.csv").write_text(text)
            self.announced = True
            self.wake()
            return
        file = self.home.folder.parent / "notice.csv"
        file.write_text(text)
        self.home.ask("calendar", "import", file, "--as", "reviewer")
        self.announced = True
        self.note_look()

    # What time does ---------------------------------------------------------------------------------------------

    def wait(self) -> None:
        """Let a random time pass. A worker that is alive beats every ten seconds: here, when it matters."""
        step = self.random.choice([timedelta(minutes=7), timedelta(hours=3), timedelta(hours=15), timedelta(days=2)])
        until = self.now + step * self.random.random()
        while self.alive and (closing := self.next_closing()) <= until:
            self.home.clock.moment = closing + timedelta(seconds=self.random.randint(0, 10))
            self.beat()
            self.check()
        self.home.clock.moment = max(until, self.now)

    def next_closing(self) -> datetime:
        today = datetime.combine(self.now.date(), time(18), SHANGHAI)
        return today if self.now < today else today + timedelta(days=1)

    def sleep_or_wake(self) -> None:
        if self.alive:
            self.alive = False
        else:
            self.wake()

    def wake(self) -> None:
        self.alive = True
        self.beat()

    def beat(self) -> None:
        """What the worker does of the clock."""
        self.clock.recount()
        self.clock.hold()
        self.note_look()
        self.court.publish()
        self.clock.tell()

    def note_look(self) -> None:
        """The product has looked for what must be hidden."""
        self.hidden_at, self.looks = self.now, self.looks + 1

    # What must be true ------------------------------------------------------------------------------------------

    def check(self) -> None:
        today, closed = self.now.date(), datetime.combine(self.now.date(), time(18), SHANGHAI)
        for listing in self.seen():
            story = f"{listing} at {self.now}, hidden at {self.hidden_at}"
            assert not listing.departed, story
            assert not listing.restricted, story
            assert listing.born is None or age(listing.born, today) >= 18, story
            assert listing.served_on <= today, story
            assert listing.term_ends_on is None or today <= listing.term_ends_on, story
            assert listing.grace_until is None or listing.grace_until < today, story
            assert not any(one.ground in AT_ONCE for one in listing.open), story
            assert listing.said_after is None or listing.said_after == self.looks, story
            for one in listing.open:
                due = self.find_due(one.start)
                assert datetime.combine(due, time(18), SHANGHAI) > self.hidden_at, story
                # Where the worker lives, what was due today is gone when the court closes, and not only at midnight.
                assert not self.alive or due >= today + timedelta(days=self.now > closed + timedelta(seconds=10)), story

    def check_books(self) -> None:
        """In the end each record is where its audit lines lead, and each clock ended with what it was for."""
        with self.court.reading() as session:
            records = {row.id: row for row in session.scalars(select(RecordRow))}
            lines = session.scalars(select(AuditRow).order_by(AuditRow.id)).all()
            states = dict.fromkeys(records, "draft")
            for line in lines:
                if line.record_id is not None:
                    states[line.record_id] = lead(states[line.record_id], line)
            assert states == {row.id: row.state for row in records.values()}
            clocks = session.scalars(select(ClockRow)).all()
            matters = {row.id: row for row in session.scalars(select(MatterRow))}
            for clock in clocks:
                self.check_clock(clock, records, matters)
            held = {row.record_id for row in session.scalars(select(DecisionRow)) if row.decided_by == SYSTEM}
            by_case = {str(row.facts["case_number"]): row for row in records.values()}
            for listing in self.listings.values():
                row = by_case[listing.case]
                # The worker has beaten last, and has not long to wait for: whoever's term is over has left, seen or not.
                ended = listing.term_ends_on is not None and listing.term_ends_on < self.now.date()
                assert not ended or over(row) or row.state == "draft", (listing, row.state)
                if not over(row) and any(map(self.is_due, listing.open)):
                    # Left undecided, and no longer to be seen; nobody but the product, or a person before it, hid it.
                    assert row.state in ("held", "draft"), (listing, row.state)
            assert held or not any(clock.acted_at for clock in clocks)

    def check_clock(self, clock: ClockRow, records: dict[int, RecordRow], matters: dict[int, MatterRow]) -> None:
        if clock.rule == "exit":
            # What ended before the notice came was counted by what was known then.
            assert clock.ended is not None or clock.due == self.find_due(clock.started_on)
            assert (clock.ended is None) == (matters[clock.matter_id or 0].closed_at is None)
        if clock.rule == "hold_confirm" and records[clock.record_id or 0].state != "held":
            assert clock.ended is not None
        if clock.ended_at is not None and clock.ended != "void":
            due_at = datetime.combine(clock.due, time(18), SHANGHAI)
            assert clock.rule == "grace" or clock.ended == ("met" if clock.ended_at <= due_at else "missed")

    def seen(self) -> list[Listing]:
        """Who can be seen now. All documents are read again when the store has moved, or does not show as many as it should:
        to read a thousand of them after each step is what would take the time."""
        with self.court.store.snapshot(self.now) as snapshot:
            sequence, documents = self.shown
            visible = [one for one in documents if one.visible_until is None or one.visible_until > self.now]
            if sequence != snapshot.sequence or snapshot.count() != len(visible):
                visible = list(read_all(snapshot))
                self.shown = snapshot.sequence, visible
        return [self.listings[str(document.case_number)] for document in visible]

    # The law, read a second time --------------------------------------------------------------------------------

    def is_due(self, ground: Ground) -> bool:
        return datetime.combine(self.find_due(ground.start), time(18), SHANGHAI) <= self.hidden_at

    def find_due(self, start: date) -> date:
        """Three working days; where the local text says three days, those, moved out of the holidays, if earlier."""
        day, left = start, 3
        while left:
            day += timedelta(days=1)
            left -= self.is_worked(day)
        if not self.local:
            return day
        near = start + timedelta(days=3)
        while not self.is_worked(near):
            near += timedelta(days=1)
        return min(day, near)

    def is_worked(self, day: date) -> bool:
        if day.year < 2027:
            return bool(chinese_calendar.is_workday(day))
        if not self.announced:
            return day.weekday() < 5
        return day in WORKED_2027 or (day.weekday() < 5 and day not in OFF_2027)

    @property
    def now(self) -> datetime:
        return self.home.clock()

    def undecided(self) -> list[Listing]:
        return [one for one in self.listings.values() if one.open]

    def pick(self, among: list[Listing] | None = None) -> Listing:
        return self.random.choice(among or list(self.listings.values()))


def read_all(snapshot: Snapshot) -> Iterator[Document]:
    after = ""
    while documents := snapshot.all(after):
        after = documents[-1].record
        yield from documents


MOVES = {
    "approve": {"draft": "approved"},
    "publish": {"approved": "published"},
    "hold": dict.fromkeys(("approved", "restricted", "published"), "held"),
    "lift": {"held": "approved"},
    "withdraw": dict.fromkeys(
        ("draft", "approved", "restricted", "published", "held", "removed", "expired"), "withdrawn"
    ),
    "remove": dict.fromkeys(("approved", "restricted", "published", "held"), "removed"),
    "expire": dict.fromkeys(("approved", "restricted", "published", "held"), "expired"),
    "restricted": {"approved": "restricted"},
    "term_ended": dict.fromkeys(("approved", "published"), "expired"),
}


def lead(state: str, line: AuditRow) -> str:
    """Where a record stands after an audit line that was written while it stood in `state`."""
    moves = MOVES.get(line.detail.get("reason", "") if line.action == "withhold" else line.action)
    return state if moves is None else moves[state]


def over(row: RecordRow) -> bool:
    return row.state in ("withdrawn", "removed", "expired")


def age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def check_tampering(court: Court, random: Random) -> None:
    """The chain is whole; a line that is altered is found, wherever it is, and whole again when it is put back."""
    assert court.verify_audit().faults == ()
    with court.reading() as session:
        line = random.choice(session.execute(select(AuditRow.id, AuditRow.actor, AuditRow.action)).all())
        known = {"actor": line.actor, "action": line.action}
    column = random.choice(list(known))
    for value, whole in ((f"{known[column]}.", False), (known[column], True)):
        with court.engine.begin() as connection:
            connection.execute(update(AuditRow).where(AuditRow.id == line.id).values({column: value}))
        faults = court.verify_audit().faults
        assert (faults == ()) is whole
        assert whole or faults[0].line == line.id


@pytest.fixture
def one_court(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands work on one court that stays open, as the pages of the desk do, and do not each open their own: over a
    thousand commands that is most of what they do."""
    court = home.court
    monkeypatch.setattr(common, "make_court", lambda: court)


def live_a_history(home: Home, *, records: int, steps: int) -> None:
    start = SystemRandom().randrange(2**32)
    random = Random(start)
    local = random.random() < 0.5
    if local:
        home.ask("profile", "--set", "policy=yunnan", "--as", "reviewer")
    court = home.court
    history = History(home, court, random, local)
    try:
        history.live(records, steps)
        history.check_books()
        check_tampering(court, random)
    except AssertionError as error:
        error.add_note(f"history {start}: {' | '.join(history.done[-200:])}")
        raise
    finally:
        court.close()


@pytest.mark.long
def test_nothing_unlawful_is_ever_seen_in_a_short_history(home: Home) -> None:
    live_a_history(home, records=40, steps=60)


@pytest.mark.soak
def test_nothing_unlawful_is_ever_seen_in_a_longer_history(home: Home) -> None:
    live_a_history(home, records=100, steps=400)


@pytest.mark.long
@pytest.mark.usefixtures("one_court")
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_nothing_unlawful_is_ever_seen_of_a_thousand_records(home: Home) -> None:
    live_a_history(home, records=1000, steps=1500)

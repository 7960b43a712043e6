"""A court whose clock is driven through two years: what its people do because the law asks them, what its debtors, its
recipients and its machine do, and what must be true whenever somebody looks.

The worker, the hourly round of `doctor --alarm` and the daily backup are called at the moments at which something may
change, and every few hours between where `every` says so. Nobody else touches the machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

import chinese_calendar
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.x509.oid import NameOID
from entries import a_person, an_organisation, with_term
from homes import Home
from sqlalchemy import select
from standins.mail_server import MailServer

from gongshi.calendar import build_statutory_holidays
from gongshi.duty import Duty
from gongshi.office import open_office
from notifier.acknowledging import CLOSES, Acknowledgement, acknowledge
from notifier.followups import list_open
from portal.app import create_app
from registry.clocks import find_alarm_day
from registry.deadlines import Rule
from registry.matters import Arrival, Channel, Claim, Content, MatterKind, register_matter
from registry.records import get_row
from registry.tables import AlarmRow, ClockRow
from search_index.day import SHANGHAI

START, END = datetime(2026, 12, 28, 10, 0, tzinfo=SHANGHAI), datetime(2028, 12, 28, 10, 0, tzinfo=SHANGHAI)
# The notices for 2027 and 2028, as they may come: what they give off besides the feasts, and the weekends worked for it.
OFF = {
    2027: {*build_statutory_holidays(2027), *(date(2027, 2, day) for day in range(5, 13))},
    2028: {*build_statutory_holidays(2028), *(date(2028, 1, day) for day in range(25, 32)), date(2028, 5, 29)},
}
WORKED = {2027: {date(2027, 2, 20)}, 2028: {date(2028, 1, 22)}}
ADMIN = "admin@court.example.invalid"
RECIPIENTS = {"tv": ("television", "news@tv.example"), "egov": ("e_government", "list@egov.example")}
# The first working day of each quarter.
PUSHES = [
    datetime(year, month, day, 10, 0, tzinfo=SHANGHAI)
    for year, days in ((2027, (4, 1, 1, 4)), (2028, (3, 3, 3, 4)))
    for month, day in zip((1, 4, 7, 10), days, strict=True)
]
CLOSING = time(18, 0, 10)
LAST, FIRST = time(23, 59, 30), time(0, 0, 5)
# What the law wants a person to do; whatever else was done in these two years the product did.
ASKED_OF_PEOPLE = {"import", "approve", "ground", "remove", "calendar"}


@dataclass
class Listing:
    """What the people of the court know of one debtor in one case. `start` is the day from which an undecided ground runs."""

    case: str
    served_on: date
    term_ends_on: date | None
    start: date | None = None
    hidden: bool = False
    departed: bool = False


@dataclass
class Years:
    """The court and the world around it. `size` is how many debtors a batch brings; `every` how often its machine works
    when nothing is to be expected (None: not at all), `pause` what lies between two batches."""

    home: Home
    post: MailServer
    folder: Path
    size: int
    every: timedelta | None
    set_room: Callable[[float], None]
    pause: timedelta = timedelta(days=30)
    random: Random = field(default_factory=lambda: Random(2027))
    alive: bool = True
    announced: set[int] = field(default_factory=set)
    listings: dict[str, Listing] = field(default_factory=dict)
    events: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    people: Counter[str] = field(default_factory=Counter)
    alarms: list[tuple[datetime, str]] = field(default_factory=list)
    sent: list[tuple[datetime, str, str, str]] = field(default_factory=list)
    dead: list[tuple[datetime, datetime]] = field(default_factory=list)
    rounded_on: date | None = None
    # When what is over was last hidden, by the worker or by a round of doctor.
    held_at: datetime = START
    told: dict[tuple[int, str], datetime] = field(default_factory=dict)
    looks: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.home.clock.moment = START
        # Nobody but the worker checks the list.
        self.home.clock.beats.clear()
        self.court = self.home.court
        self.duty = Duty(self.court)
        self.office = open_office(self.court)
        self.portal = create_app(self.home.public_settings, self.home.clock)
        self.public = self.portal.test_client()
        self.certify(datetime(2027, 9, 20, tzinfo=SHANGHAI))
        self._plan()

    @property
    def now(self) -> datetime:
        return self.home.clock()

    # What is to happen --------------------------------------------------------------------------------------------

    def at(self, moment: datetime, act: Callable[[], None]) -> None:
        self.events.append((moment, len(self.events), act))
        self.events.sort()

    def _plan(self) -> None:
        day = START + timedelta(hours=1)
        for number in range(int((END - START) / self.pause)):
            self._plan_month(day + number * self.pause, objects=number % 3 == 0)
        self.at(_at(2027, 1, 20), lambda: self.announce(2027))
        self.at(_at(2027, 11, 16), lambda: self.announce(2028))
        # The programme that renews the certificate has stopped; it is mended three days before the end.
        self.at(_at(2027, 9, 17), lambda: self.certify(datetime(2028, 12, 31, tzinfo=SHANGHAI)))
        self.at(_at(2027, 7, 5), lambda: self.set_room(0.03))
        self.at(_at(2027, 7, 8), lambda: self.set_room(0.6))
        # A day and a night; and a weekend, from the Friday on which a ground is due.
        self._plan_death(_at(2027, 5, 18, 9), 30)
        self.at(_at(2028, 3, 7), lambda: self.record(decided=False))
        self._plan_death(_at(2028, 3, 10, 9), 80)
        # Twice: what is found is mailed once the next round finds it, too.
        rounds = (_at(2027, 7, 5, 11), _at(2027, 8, 25), _at(2027, 9, 10), _at(2028, 12, 5), _at(2028, 12, 6))
        for moment in (*PUSHES, *rounds):
            self.at(moment, lambda: None)

    def _plan_month(self, day: datetime, *, objects: bool) -> None:
        self.at(day, lambda: self.take_in(self.size))
        self.at(day + timedelta(days=4), lambda: self.record(decided=True))
        self.at(day + timedelta(days=4), lambda: self.record(decided=False))
        if objects:
            self.at(day + timedelta(days=9), self.object)
        self.at(day + timedelta(days=20), self.answer)

    def _plan_death(self, start: datetime, hours: int) -> None:
        def die() -> None:
            self.alive = False
            self.dead.append((start, start + timedelta(hours=hours)))

        def wake() -> None:
            self.alive = True

        self.at(start, die)
        # The rounds of doctor, and a reader who looks.
        for hour in (1, 2, 9.5, 23, 25, 49, 71, 73, 79):
            if hour < hours:
                self.at(start + timedelta(hours=hour), lambda: None)
        self.at(start + timedelta(hours=hours), wake)

    # What people do, because the law asks them ----------------------------------------------------------------------

    def ask(self, *arguments: object) -> Any:
        self.people[str(arguments[0])] += 1
        return self.home.ask(*arguments)

    def take_in(self, number: int) -> None:
        entries = [self._make_listing(len(self.listings) + 1) for _ in range(number)]
        batch = self.ask("import", self.home.write("batch.jsonl", entries), "--as", "clerk")["batch"]
        said = self.ask("approve", batch, "--as", "reviewer", "--confirm", "art3", "--confirm", "redactions")
        assert said["refused"] == []

    def _make_listing(self, serial: int) -> dict[str, Any]:
        served = self.now.date() + timedelta(days=self.random.choice([-9, -1, 0]))
        term = self.now.date() + timedelta(days=self.random.randint(20, 500)) if serial % 3 == 0 else None
        case = f"（2025）测0101执{serial}号"
        changes = {"decided_on": str(min(served, self.now.date())), "served_on": str(served), "case_number": case}
        entry = an_organisation(serial, **changes) if serial % 5 == 0 else a_person(serial, **changes)
        self.listings[case] = Listing(case, served, term)
        return with_term(entry, term.isoformat()) if term else entry

    def record(self, *, decided: bool) -> None:
        """Record that somebody has paid; decided the next morning, or forgotten until the product has hidden the entry."""
        listing = self.random.choice([one for one in self.listings.values() if self.is_shown(one) and not one.start])
        today = self.now.date()
        self.ask(
            *("ground", "add", listing.case, "--ground", "performed", "--basis", "缴款通知书"),
            *("--arose", today, "--known", today, "--as", "second"),
        )
        listing.start = today
        later = timedelta(days=1) if decided else timedelta(days=16)
        self.at(self.now + later, lambda: self.remove(listing))

    def remove(self, listing: Listing) -> None:
        if not listing.departed and not self.is_over(listing):
            self.ask("remove", listing.case, "--ground", "performed", "--basis", "结案通知书", "--as", "reviewer")
            listing.departed = True

    def announce(self, year: int) -> None:
        self.announced.add(year)
        off, worked = (sorted(day for one in self.announced for day in days[one]) for days in (OFF, WORKED))
        lines = [f"{day},休\n" for day in off] + [f"{day},班\n" for day in worked]
        file = self.folder / "notices.csv"
        file.write_text("date,type\n" + "".join(lines))
        self.ask("calendar", "import", file, "--as", "reviewer")

    # What others do -------------------------------------------------------------------------------------------------

    def object(self) -> None:
        """Somebody objects, and nobody answers: told, but nothing is stopped by it (art. 12 ¶3)."""
        listing = next(one for one in self.listings.values() if self.is_shown(one))
        with self.court.session() as session:
            arrival = Arrival(
                kind=MatterKind.OBJECTION,
                channel=Channel.PAPER,
                received_on=self.now.date(),
                content=Content(words="请核对。"),
                record=get_row(session, listing.case),
                ground=Claim.INACCURATE,
            )
            register_matter(session, self.court.vault, arrival, self.court.acting("clerk"))

    def answer(self) -> None:
        """The recipients answer, weeks late."""
        for one in list_open(self.office.engine, CLOSES):
            given = Acknowledgement(
                kind=CLOSES[one.purpose], given_by="值班编辑", given_at=self.now, noted_by="书记员甲", place="首页"
            )
            acknowledge(self.office.engine, one.message_id, given, now=self.now)

    def certify(self, ends: datetime) -> None:
        key, name = generate_private_key(SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "court")])
        made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), START, ends)
        (self.folder / "site.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    # What time does -------------------------------------------------------------------------------------------------

    def live(self) -> None:
        while (moment := self._find_next()) < END:
            self.step(moment)
        self.home.clock.moment = END
        self.work(told=True)

    def step(self, moment: datetime) -> None:
        if self.alive:
            # Nothing was to be done since, but the worker has published that nothing was.
            self.home.clock.moment = moment - timedelta(seconds=10)
            self.court.publish()
            self.held_at = self.now
        self.home.clock.moment = moment
        self.look(exact=False)
        if moment.time() in (LAST, FIRST):
            # Gone by itself; the books follow with the worker's next beat.
            if self.alive:
                self.court.publish()
            return
        acts = [act for at, _, act in self.events if at <= moment]
        del self.events[: len(acts)]
        for act in acts:
            act()
        self.work(told=bool(acts) or not self.alive)
        self.look(exact=self.alive)

    def _find_next(self) -> datetime:
        """When something may happen next: an event, an alarm day, a last day, a midnight after a term."""
        moments = [self.events[0][0] if self.events else END]
        calendar = self.court.acting("second").clockwork.calendar
        with self.court.reading() as session:
            clocks = session.execute(select(ClockRow.rule, ClockRow.due).where(ClockRow.ended.is_(None))).all()
        for rule, due in set(clocks):
            moments.append(_on(find_alarm_day(due, calendar), time(9)))
            if rule == Rule.EXIT:
                moments.append(_on(due, CLOSING))
        for one in self.listings.values():
            if one.term_ends_on and not one.departed:
                moments += [_on(one.term_ends_on, LAST), _on(one.term_ends_on + timedelta(days=1), FIRST)]
        if self.every:
            moments.append(self.now + self.every)
        return min((one for one in moments if one > self.now), default=END)

    def work(self, *, told: bool) -> None:
        """What the machine does: the worker's beat, once a day the backup, and the round of doctor (`told`: now)."""
        if self.alive:
            for part in (self.duty.collect, self.duty.beat, self.duty.send, self.duty.alarm):
                part()
        told = told or bool(self.every and self.rounded_on != self.now.date())
        if told and self.rounded_on != self.now.date():
            self.home.ask("backup")
            self.rounded_on = self.now.date()
        if told:
            assert self.home.run("doctor", "--alarm").code in (0, 1)
        if told or self.alive:
            self.held_at = self.now
        # A clock that moves is told of anew: what was told of its day before is kept here.
        with self.court.reading() as session:
            for clock, kind, at in session.execute(select(AlarmRow.clock_id, AlarmRow.kind, AlarmRow.at)):
                self.told.setdefault((clock, kind), at)
        self.looks["worked"] += 1
        for mail in self.post.mails:
            to = mail.recipients[0]
            subject = str(mail.message["Subject"])
            if to == ADMIN:
                self.alarms.append((self.now, f"{subject}\n{mail.message.get_content()}"))
            else:
                self.sent.append((self.now, to, str(mail.message["Message-ID"]), subject))
        self.post.mails.clear()

    # What must be true ----------------------------------------------------------------------------------------------

    def look(self, *, exact: bool) -> None:
        """What a reader sees now. `exact`: the worker has beaten, so that it is neither more nor less than the law says."""
        silent = self.now - self.beaten_at
        page = self.public.get("/api/v1/entries")
        story = f"{self.now}, silent for {silent}"
        if silent > timedelta(hours=72):
            assert page.status_code == 503, story
            assert not any(one.case in page.text for one in self.listings.values()), story
            self.looks["hidden"] += 1
            return
        assert page.status_code == 200, story
        assert page.json is not None
        assert page.json["meta"].get("stale", False) == (silent > timedelta(hours=24)), story
        seen = set(self._read(page.json))
        shown = {one.case for one in self.listings.values() if self.is_shown(one)}
        assert seen <= shown, (story, seen - shown)
        assert not exact or seen == shown, (story, shown - seen)
        self.looks["stale" if silent > timedelta(hours=24) else "fresh"] += 1

    @property
    def beaten_at(self) -> datetime:
        with self.court.store.snapshot(self.now) as snapshot:
            assert snapshot.pulse is not None
            return snapshot.pulse

    def _read(self, body: dict[str, Any]) -> Iterator[str]:
        for page in range(1, body["meta"]["pages"] + 1):
            answer = body if page == 1 else self.public.get(f"/api/v1/entries?page={page}").json
            assert answer is not None
            yield from (entry["case_number"] for entry in answer["entries"])

    def is_shown(self, one: Listing) -> bool:
        """What the law says, read a second time. A ground that is over hides at the first beat after its last day closed,
        or with no worker at the next round of the hour."""
        if one.start and not one.hidden and self.held_at >= _on(self.find_due(one.start), CLOSING):
            one.hidden = True
            self.looks["hidden without a worker"] += not self.alive
        return not (one.departed or one.hidden or self.is_over(one)) and one.served_on <= self.now.date()

    def is_over(self, one: Listing) -> bool:
        return one.term_ends_on is not None and one.term_ends_on < self.now.date()

    def was_told(self, matter: str, since: datetime, until: datetime) -> bool:
        """Whether a mail told of a matter in time."""
        return any(since <= at <= until and matter in text for at, text in self.alarms)

    def find_due(self, start: date) -> date:
        day, left = start, 3
        while left:
            day += timedelta(days=1)
            left -= self.is_worked(day)
        return day

    def is_worked(self, day: date) -> bool:
        if day.year < 2027:
            return bool(chinese_calendar.is_workday(day))
        if day.year not in self.announced:
            return day.weekday() < 5
        return day in WORKED[day.year] or (day.weekday() < 5 and day not in OFF[day.year])


def _at(year: int, month: int, day: int, hour: int = 10) -> datetime:
    return datetime(year, month, day, hour, 0, tzinfo=SHANGHAI)


def _on(day: date, at: time) -> datetime:
    return datetime.combine(day, at, SHANGHAI)

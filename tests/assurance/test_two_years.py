"""Two years of a court at which nobody looks after the machine: no name stays past its time, every deadline is met or told
of before it is over, and what cannot wait for anybody the product does by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest
from homes import Home
from invariants import find_faults_at_rest
from sqlalchemy import select
from sqlalchemy.orm import Session
from standins.mail_server import MailServer
from two_years import ADMIN, ASKED_OF_PEOPLE, PUSHES, RECIPIENTS, Years

from gongshi.watching import machine_checks
from gongshi.watching.machine import Room, measure_room
from notifier.states import MessageState
from notifier.tables import MessageRow, RecipientRow
from registry.clocks import AlarmKind, find_alarm_day
from registry.tables import ClockRow
from search_index.day import SHANGHAI

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with MailServer() as server:
        monkeypatch.setenv("GONGSHI_SMTP_URL", server.url)
        monkeypatch.setenv("GONGSHI_ALARM_MAIL", ADMIN)
        yield server


@pytest.fixture
def found(home: Home, post: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home as it is handed over: with its recipients, recovery key, emergency codes, and a second place for its logs."""
    for name in ("backups", "witness"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("GONGSHI_BACKUP_FOLDER", str(tmp_path / "backups"))
    monkeypatch.setenv("GONGSHI_WITNESS_FOLDER", str(tmp_path / "witness"))
    monkeypatch.setenv("GONGSHI_CERTIFICATES", str(tmp_path / "site.pem"))
    home.clock.moment = datetime(2026, 12, 28, 9, tzinfo=SHANGHAI)
    assert home.run("user", "add", "admin", "--role", "admin", typed="a-long-password\n").code == 0
    home.ask("recovery", "make", "--as", "admin")
    for slug, (kind, address) in RECIPIENTS.items():
        facts = ("--name", f"测试单位{slug}", "--kind", kind, "--channel", "mail", "--address", address)
        home.ask("recipient", "add", slug, *facts, "--as", "reviewer")
    home.ask("unit", "add", "bureau", "--name", "测试局", "--feedback", "--basis", "实施办法第九条", "--as", "reviewer")
    return home


def live(
    home: Home,
    post: MailServer,
    folder: Path,
    patch: pytest.MonkeyPatch,
    *,
    size: int,
    every: timedelta | None,
    pause: int,
) -> Years:
    """Live through the two years. What is free on the disks is the machine's to say: here the world says it."""
    share = [0.6]
    patch.setattr(
        machine_checks,
        "measure_room",
        lambda path: (measure_room(path)[0], Room(free=share[0] * 1e12, share=share[0], files=1.0)),
    )
    years = Years(home, post, folder, size, every, lambda left: share.__setitem__(0, left), timedelta(days=pause))
    try:
        years.live()
        check_years(years)
    finally:
        years.portal.close()
        years.court.close()
    return years


def check_years(years: Years) -> None:
    assert set(years.people) == ASKED_OF_PEOPLE
    assert min(years.looks[kind] for kind in ("fresh", "stale", "hidden")) >= 2
    assert years.looks["hidden without a worker"] >= 1
    check_deadlines(years)
    check_alarms(years)
    check_messages(years)
    assert years.court.verify_audit().faults == ()
    assert find_faults_at_rest(years.home) == []


def check_deadlines(years: Years) -> None:
    """Each was met, or those concerned were told before it was over; what hides an entry was never left to itself."""
    calendar = years.court.acting("second").clockwork.calendar
    with years.court.reading() as session:
        clocks = session.scalars(select(ClockRow)).all()
        session.expunge_all()
    ends = Counter(clock.ended or "runs" for clock in clocks)
    assert min(ends[end] for end in ("met", "missed", "runs")) >= 2, ends
    for clock in clocks:
        over = datetime.combine(clock.due, time(18), SHANGHAI)
        if clock.ended in ("met", "void") or over > years.now:
            continue
        near = years.told.get((clock.id, AlarmKind.NEAR))
        silent = [
            since for since, until in years.dead if since.date() <= find_alarm_day(clock.due, calendar) <= until.date()
        ]
        assert (near is not None and near < over) or any(
            years.was_told("后台工作进程", since, over) for since in silent
        ), (clock.rule, clock.started_on, clock.due, near)
        assert clock.rule != "exit" or clock.acted_at is not None, (clock.started_on, clock.due)


def check_alarms(years: Years) -> None:
    """What the machine suffered was told by mail in time."""
    for matter, since, until in (
        ("site.pem", datetime(2027, 8, 20), datetime(2027, 9, 13)),
        ("[故障] 磁盘", datetime(2027, 7, 5), datetime(2027, 7, 7)),
        ("没有 2027 年的节假日安排", datetime(2026, 12, 28), datetime(2027, 1, 10)),
        ("没有 2029 年的节假日安排", datetime(2028, 12, 1), datetime(2028, 12, 28)),
    ):
        assert years.was_told(matter, since.replace(tzinfo=SHANGHAI), until.replace(tzinfo=SHANGHAI)), matter
    for since, _ in years.dead:
        assert years.was_told("[故障] 后台工作进程", since, since + timedelta(hours=2)), since
    assert not any(one.case in text for _, text in years.alarms for one in years.listings.values())


def check_messages(years: Years) -> None:
    """What was queued went once; each recipient got each quarter, and was told of each departure."""
    engine = years.office.engine
    with Session(engine) as session:
        rows = session.execute(
            select(
                MessageRow.purpose, MessageRow.state, MessageRow.dispatch, RecipientRow.slug, MessageRow.run_id
            ).join(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
        ).all()
    mails = [number for _, _, number, _ in years.sent]
    assert len(mails) == len(set(mails))
    gone = [row for row in rows if row.state in (MessageState.ACCEPTED, MessageState.DELIVERED)]
    assert len(mails) == len(gone), (len(mails), Counter((row.purpose, row.state) for row in rows))
    assert {row.state for row in rows} <= {
        MessageState.ACCEPTED,
        MessageState.DELIVERED,
        MessageState.CANCELLED,
        MessageState.SUPERSEDED,
    }
    packages = Counter(row.slug for row in gone if row.purpose == "package")
    assert packages == dict.fromkeys(RECIPIENTS, len(PUSHES)), packages


@pytest.mark.long
def test_two_years_pass_with_nobody_at_the_machine(
    found: Home, post: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(found, post, tmp_path, monkeypatch, size=8, every=None, pause=146)


@pytest.mark.soak
def test_two_years_pass_every_six_hours(
    found: Home, post: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(found, post, tmp_path, monkeypatch, size=20, every=timedelta(hours=6), pause=30)

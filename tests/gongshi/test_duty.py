"""The worker's work: no part of it keeps another from being done, and a recall waits for nothing."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import structlog
from entries import a_person
from homes import Clock, Home
from sqlalchemy import select
from sqlalchemy.orm import Session

from gongshi.channels import open_channels
from gongshi.court import Court
from gongshi.duty import Duty
from gongshi.office import open_office
from notifier.calendar import Period
from notifier.channels import Dispatch, Outcome, ShortMessage
from notifier.channels.sandbox import list_letters
from notifier.context import Notifier
from notifier.outbox import Draft, enqueue
from notifier.runs import find_run
from notifier.signing import SigningKeyError
from notifier.states import MessageState, Purpose
from notifier.stops import open_digest
from notifier.tables import MessageRow, SettingRow
from notifier.watchdogs import read_beat
from search_index.page import Query

PERIOD = Period(2026, 3)
pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture(scope="session")
def pushed(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose quarter has been pushed to the two recipients of the sandbox, to be copied."""
    folder = tmp_path_factory.mktemp("pushed") / "home"
    shutil.copytree(founded, folder)
    out = io.StringIO()

    def capture() -> tuple[str, str]:
        said = out.getvalue()
        out.seek(0)
        out.truncate()
        return said, ""

    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
        patch.setenv("GONGSHI_HOME", str(folder))
        home = Home(folder, Clock(), capture)
        home.publish(a_person(1), a_person(2))
        home.ask("push", "--period", str(PERIOD))
        assert home.run("worker", "--once").code == 0
    structlog.reset_defaults()
    return folder


@pytest.fixture
def court(home: Home, pushed: Path) -> Iterator[Court]:
    """A court whose quarter has been pushed to the two recipients of the sandbox."""
    shutil.rmtree(home.folder)
    shutil.copytree(pushed, home.folder)
    court = home.court
    yield court
    court.close()


@pytest.fixture
def office(court: Court) -> Notifier:
    return open_office(court)


def withdraw(home: Home, court: Court) -> str:
    """Take the newest entry down; its number."""
    from gongshi.office import open_register

    record: str = open_register(court).search(Query(), court.now).hits[0].document.record
    home.ask("withdraw", record, "--ground", "wrongly_listed", "--basis", "（2026）测0101执异1号", "--as", "reviewer")
    return record


def told(office: Notifier, record: str) -> list[str]:
    """The recipients that have a letter on a record."""
    sandbox = office.folder / "sandbox"
    return [slug for slug in ("egov", "tv") if any(record in one["text"] for one in list_letters(sandbox, slug))]


def test_a_tick_sends_what_is_due_once(home: Home, court: Court, office: Notifier) -> None:
    run = find_run(office.engine, PERIOD)
    assert run is not None
    assert {one.state for one in run.messages} == {MessageState.DELIVERED}
    record = withdraw(home, court)
    for _ in range(3):
        Duty(court).tick()
    assert told(office, record) == ["egov", "tv"]
    with Session(office.engine) as session:
        recalls = session.scalars(select(MessageRow.attempts).where(MessageRow.purpose == Purpose.RECALL)).all()
    assert recalls == [1, 1]


def test_what_cannot_be_made_keeps_no_recall(home: Home, court: Court, office: Notifier) -> None:
    """The key is lost: no package goes out unsigned, and who has left is recalled all the same."""
    record = withdraw(home, court)
    home.clock.advance(days=50)
    assert isinstance(office.signing_key, type(office.folder))
    office.signing_key.unlink()
    with pytest.raises(SigningKeyError):
        Duty(court).tick()
    assert told(office, record) == ["egov", "tv"]
    late = find_run(office.engine, PERIOD.next)
    assert late is not None
    assert {one.state for one in late.messages} == {MessageState.QUEUED}


@pytest.mark.parametrize("broken", ["publish", "compact"])
def test_a_part_that_fails_is_told_by_its_kind_and_the_rest_is_done(
    home: Home, court: Court, office: Notifier, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    record = withdraw(home, court)

    def fail(*args: object) -> None:
        raise OSError("canary 13800000000")

    monkeypatch.setattr(court if broken == "publish" else court.pump, broken, fail)
    monkeypatch.setattr("gongshi.duty.pump_notices", fail)
    duty = Duty(court)
    with structlog.testing.capture_logs() as logged, pytest.raises(OSError, match="canary"):
        duty.tick()
    assert told(office, record) == ["egov", "tv"]
    # The first is raised, to be told by whoever called; the others are written down.
    assert [line["type"] for line in logged if "type" in line] == ["OSError", "OSError"]
    assert "canary" not in repr(logged)


def test_a_recall_waits_for_no_publication(
    home: Home, court: Court, office: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = withdraw(home, court)
    begun, let_go = Event(), Event()

    def publish_for_hours(*args: object) -> None:
        begun.set()
        assert let_go.wait(60)

    monkeypatch.setattr(court, "publish", publish_for_hours)
    duty = Duty(court)
    busy = Thread(target=duty.beat)
    busy.start()
    try:
        assert begun.wait(60)
        duty.follow()
        duty.send()
        assert told(office, record) == ["egov", "tv"]
        assert busy.is_alive()
    finally:
        let_go.set()
        busy.join()


def test_a_new_worker_sends_nothing_before_it_knows_who_has_left(home: Home, court: Court, office: Notifier) -> None:
    record = withdraw(home, court)
    Duty(court).prepare()
    duty = Duty(court)
    duty.send()
    assert told(office, record) == []
    duty.follow()
    duty.send()
    assert told(office, record) == ["egov", "tv"]


def test_while_it_is_not_known_which_notices_hold_no_sms_goes_and_every_recall_does(
    home: Home, court: Court, office: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = withdraw(home, court)
    digest, words = open_digest(office.engine), "【测试市人民法院】测试"
    content = ShortMessage(text=words, template="debtor_risk_notice", version=1, fields={})
    draft = Draft(key="n", purpose=Purpose.NOTICE, channel="sms_cn", content=content, address="+8613800000000")
    with Session(office.engine) as session, session.begin():
        enqueue(session, [draft], now=court.now, digest=digest)

    def state() -> str:
        with Session(office.engine) as session:
            return session.scalars(select(MessageRow.state).where(MessageRow.key == "n")).one()

    def fail(*args: object) -> None:
        raise OSError("the registry cannot be read")

    monkeypatch.setattr("gongshi.duty.open_channels", lambda *_: {**open_channels(*_), "sms_cn": Posted()})
    duty = Duty(court)
    with monkeypatch.context() as broken:
        broken.setattr("gongshi.duty.pump_notices", fail)
        for part in (duty.follow, duty.send):
            with pytest.raises(OSError, match="registry"):
                part()
    assert told(office, record) == ["egov", "tv"]
    assert state() == MessageState.QUEUED
    duty.send()
    assert state() == MessageState.DELIVERED


class Posted:
    """A provider that takes everything."""

    repeatable = False

    def deliver(self, dispatch: Dispatch) -> Outcome:
        return Outcome(state=MessageState.DELIVERED, detail="好")

    def look_up(self, dispatch: Dispatch, reference: str | None) -> None:
        return None


def test_notices_are_looked_at_again_whatever_is_being_published(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has moved, or has become one who may not be written to, must not wait for an import."""
    looked = []
    monkeypatch.setattr("gongshi.duty.pump_notices", lambda *_: looked.append(1))
    duty = Duty(court)
    duty.follow()
    duty.send()
    assert looked == [1, 1]


def test_who_is_told_to_stop_makes_no_more_calls(home: Home, court: Court, office: Notifier) -> None:
    record = withdraw(home, court)
    Duty(court, lambda: True).tick()
    assert told(office, record) == []
    Duty(court).tick()
    assert told(office, record) == ["egov", "tv"]


def test_only_who_beats_leaves_a_sign_of_life(court: Court, office: Notifier, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_beat(office.engine) is None
    duty = Duty(court)
    duty.beat()
    beat = read_beat(office.engine)
    assert beat is not None
    assert (beat.at, beat.failed) == (court.now, ())

    def fail(*args: object) -> Any:
        raise OSError

    monkeypatch.setattr("gongshi.duty.pump_notices", fail)
    with pytest.raises(OSError):  # noqa: PT011  # it says nothing
        duty.beat()
    beat = read_beat(office.engine)
    assert beat is not None
    assert beat.failed == ("notices",)


def test_a_publication_that_takes_long_is_no_silence(
    home: Home, court: Court, office: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def publish(progress: Callable[[int, int | None], None]) -> None:
        for done in range(4):
            home.clock.advance(seconds=40)
            progress(done, None)
            beat = read_beat(office.engine)
            assert beat is not None
            seen.append((home.clock() - beat.at).total_seconds())

    monkeypatch.setattr(court, "publish", publish)
    Duty(court).beat()
    assert seen == [0, 40, 0, 40]


def test_what_looks_does_not_decide_which_runs_are_owed(home: Home) -> None:
    home.run("doctor")
    court = home.court
    with Session(open_office(court).engine) as session:
        assert session.get(SettingRow, "started_on") is None
    court.close()

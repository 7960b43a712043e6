"""Retention: what is over is erased with everything that hangs on it, and nothing else is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from entries import a_person
from homes import Home
from sqlalchemy import Table, func, select, text
from sqlalchemy.orm import Session

from gongshi.court import Court
from gongshi.legal_clock import note_alarms
from gongshi.office import open_office
from gongshi.retention import erase_daily
from notifier.channels import ShortMessage
from notifier.outbox import Draft, enqueue
from notifier.states import MessageState, Purpose
from notifier.stops import open_digest
from notifier.tables import AttemptRow, MessageRow, ReceiptRow
from registry.acting import SYSTEM
from registry.retention.schedule import OVERRIDES, RetentionError, read_schedule
from registry.tables import Base, MatterRow, RecordRow, UnitUseRow
from search_index.database import for_reading

on_each = pytest.mark.parametrize(
    "databases", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
on_sqlite = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
FIRST, SECOND, THIRD = (f"（2025）测0101执{serial}号" for serial in (1, 2, 3))
FIVE_YEARS = 1828
SECRETS = ("甲测试", "秘密单位1厂", "内部备注1")


def depart(home: Home, case: str, basis: str) -> str:
    """The record number of what has left."""
    found: str = home.ask("remove", case, "--ground", "performed", "--basis", basis, "--as", "reviewer")["record"]
    return found


def rows_about(court: Court, record: int) -> dict[str, int]:
    """How many rows of each table name the record, itself included."""
    with court.reading() as session:
        return {
            table.name: count
            for table in Base.metadata.sorted_tables
            for column in _columns_about_records(table)
            if (count := session.execute(select(func.count()).select_from(table).where(column == record)).scalar_one())
        }


def _columns_about_records(table: Table) -> list[Any]:
    if table.name == "record":
        return [table.c.id]
    # The audit trail names nobody and stays.
    return [column for column in table.columns if column.name == "record_id" and table.name != "audit"]


@on_each
def test_a_record_goes_with_everything_that_hangs_on_it_when_its_time_is_over(home: Home) -> None:
    home.publish(a_person(1), a_person(2, name="乙测试"), a_person(3, name="丙测试"))
    home.ask("ground", "add", FIRST, "--ground", "performed", "--basis", "履行凭证", "--as", "clerk")
    number = depart(home, FIRST, "结案通知书一")
    depart(home, SECOND, "结案通知书二")
    # Whoever has to be told of the departure is told: until then there is something to do about it.
    court = home.court
    note_alarms(court, court.acting(SYSTEM))
    with court.reading() as session:
        first, second = (
            session.scalars(select(RecordRow.id).where(RecordRow.case_key.contains(key))).one()
            for key in ("执1", "执2")
        )
    assert {"record", "decision", "clock", "matter"} <= rows_about(court, first).keys()
    # On the day before the last nothing is over.
    home.clock.advance(days=FIVE_YEARS - 2)
    assert home.ask("retention", "--run", "--today", home.court.today)["erased"] == {}
    # Somebody complains about the second now: it stays while that is open.
    home.clock.advance(days=2)
    with court.session() as session:
        about = {"kind": "complaint", "state": "received", "channel": "paper", "record_id": second, "sealed": b""}
        session.add(MatterRow(**about, received_on=court.today, registered_at=court.now, registered_by="clerk"))
    over = {one["class"]: one["over"] for one in home.ask("retention")["classes"]}
    assert over["records"] == 1
    erased = home.ask("retention", "--run", "--today", home.court.today)["erased"]
    assert erased["records"] == 1
    assert rows_about(court, first) == {}
    assert rows_about(court, second)["record"] == 1
    assert home.ask("retention", "--run", "--today", home.court.today)["erased"] == {}
    # What remains says that there was something, and nothing of whom it was about.
    with court.store.snapshot(court.now) as snapshot:
        assert snapshot.departed(number) is not None
    assert home.run("audit", "verify").code == 0
    assert not _is_kept(court, SECRETS)
    # On what basis it was done stays with who did it: the chain of the trail has no gap.
    assert set(_is_kept(court, ("结案通知书一", "履行凭证"))) == {"audit"}


def _is_kept(court: Court, words: tuple[str, ...]) -> list[str]:
    """In which tables words still are."""
    found = []
    with court.reading() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)):
                found += [table.name for value in row if any(word in str(value) for word in words)]
    return found


@on_sqlite
def test_the_newest_record_is_never_erased(home: Home) -> None:
    """SQLite would give its number to another, and the audit trail tells of records by their numbers."""
    home.publish(a_person(1))
    depart(home, FIRST, "结案通知书")
    home.clock.advance(days=2 * FIVE_YEARS)
    assert home.ask("retention", "--run", "--today", home.court.today)["erased"] == {}


def test_every_table_about_records_is_known() -> None:
    """A table that names a record and is not erased with it would keep it for ever, or keep it from being erased."""
    named = {table.name for table in Base.metadata.sorted_tables if _columns_about_records(table)}
    erased = {"clock", "decision", "letter", "matter", "notice", "paper", "proposal", "record", "sample"}
    assert named == erased | {"article"}


@on_each
def test_uses_of_the_list_are_kept_three_years(home: Home) -> None:
    court = home.court
    home.ask("unit", "add", "bank", "--name", "测试银行", "--basis", "测试依据", "--as", "reviewer")
    with court.session() as session:
        values = {"unit_id": 1, "key_id": None, "by": "柜员", "action": "compare", "rows": 1, "hits": 0}
        for days in (1095, 1096):
            at = court.now - timedelta(days=days)
            session.add(UnitUseRow(at=at, purpose=None, operator=None, reference=None, **values))
    home.run("retention", "--run", "--today", home.court.today)
    with court.reading() as session:
        (left,) = session.scalars(select(UnitUseRow.at))
    assert left == court.now - timedelta(days=1095)


@on_each
def test_messages_keep_that_they_went_and_lose_to_whom_and_what(home: Home) -> None:
    court = home.court
    office = open_office(court)
    digest = open_digest(office.engine)

    def draft(key: str) -> Draft:
        content = ShortMessage(text=f"秘密{key}", template="t", version=1, fields={})
        return Draft(key=key, purpose=Purpose.NOTICE, channel="sms", content=content, address="+8613900000000")

    with Session(office.engine) as session, session.begin():
        enqueue(
            session, [draft("ended"), draft("waiting"), draft("unknown"), draft("young")], now=court.now, digest=digest
        )
        for row in session.scalars(select(MessageRow)):
            row.state = {"waiting": MessageState.QUEUED, "unknown": MessageState.UNKNOWN}.get(
                row.key, MessageState.DELIVERED
            )
            row.changed_at = court.now - timedelta(days=10 if row.key == "young" else 184)
            if row.key == "ended":
                row.attempts = 1
                session.flush()
                about = {"message_id": row.id, "number": 1, "worker": "w", "begun_at": court.now}
                session.add(AttemptRow(**about, detail="对方 +8613900000000", reference="SM1"))
                told = {"token": "t", "channel": "sms", "message_id": row.id, "state": "delivered"}
                session.add(
                    ReceiptRow(**told, reference="SM1", detail="+8613900000000", received_at=court.now, applied=True)
                )
    assert home.ask("retention", "--run", "--today", home.court.today)["erased"] == {"notices": 1}
    with Session(for_reading(office.engine)) as session:
        kept = {row.key: row for row in session.scalars(select(MessageRow))}
        assert (kept["ended"].address, kept["ended"].content) == (None, None)
        assert kept["ended"].state == MessageState.DELIVERED
        assert all(kept[key].content for key in ("waiting", "unknown", "young"))
        dump = str(
            session.execute(text("SELECT * FROM attempt")).all() + session.execute(text("SELECT * FROM receipt")).all()
        )
    assert "139" not in dump
    assert "SM1" not in dump


@on_sqlite
def test_files_of_lines_that_could_not_be_imported_are_removed(home: Home) -> None:
    (home.folder.parent / "bad.jsonl").write_text('{"kind": "person", "name": "丁测试"}\n', encoding="utf-8")
    assert home.run("import", home.folder.parent / "bad.jsonl", "--as", "clerk").code == 1
    assert list((home.folder / "registry" / "quarantine").iterdir())
    assert home.ask("retention", "--run", "--today", home.court.today)["erased"] == {}
    # Files tell their age by the machine's clock.
    home.clock.advance(days=3650)
    assert home.ask("retention", "--run", "--today", home.court.today)["erased"] == {"quarantine": 1}
    assert not list((home.folder / "registry" / "quarantine").iterdir())


@on_sqlite
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("[terms]\nnotices = 29\n", "30"),
        ("[terms]\nuses = 1000\n", "1096"),
        ("[terms]\nnobody = 100\n", "nobody"),
        ("[terms]\nnotices = true\n", "notices"),
        ("notices = 100\n", "[terms]"),
        ("[terms\n", "TOML"),
    ],
)
def test_a_courts_own_terms_are_checked_and_a_bad_file_erases_nothing(home: Home, body: str, said: str) -> None:
    (home.folder / "registry" / OVERRIDES).write_text(body, encoding="utf-8")
    refused = home.run("retention", "--run", "--today", home.court.today)
    assert refused.code == 2
    assert said in refused.err


@on_sqlite
def test_a_court_may_keep_a_class_for_another_time(home: Home) -> None:
    (home.folder / "registry" / OVERRIDES).write_text("[terms]\nnotices = 40\n", encoding="utf-8")
    assert read_schedule(home.folder / "registry")["notices"].days == 40
    (home.folder / "registry" / OVERRIDES).write_bytes(b"\xff")
    with pytest.raises(RetentionError):
        read_schedule(home.folder / "registry")


@on_sqlite
def test_a_clock_that_jumps_ahead_erases_nothing_until_days_have_passed_under_it(home: Home) -> None:
    home.publish(a_person(1), a_person(2, name="乙测试"))
    depart(home, FIRST, "结案通知书")
    court = home.court
    office = open_office(court)
    note_alarms(court, court.acting(SYSTEM))
    for day in range(8):
        home.clock.advance(days=2 * FIVE_YEARS if day == 0 else 1)
        if day == 0:
            refused = home.run("retention", "--run")
            assert refused.code == 2
            assert "可能设错了" in refused.err
            assert home.run("retention", "--run", "--today", "2026-11-23").code == 2
        court.record_audit_head()
        assert erase_daily(court, office) == ({"records": 1} if day == 7 else {}), f"after {day} days"

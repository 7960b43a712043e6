"""One period, one run; its package made from the store as it is; everything kept for its owner alone."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from notifier.calendar import Period
from notifier.context import open_notifier
from notifier.database import migrate
from notifier.packages import FileRefused, ensure_package, find_latest, read_package_file
from notifier.recipients import ensure_sandbox_recipients, list_recipients
from notifier.runs import PeriodNotBegun, find_run, list_runs, push
from notifier.states import MessageState
from notifier.tables import Base, MessageRow, PackageEntryRow, RecipientRow, RunRow
from search_index.document import Document

Town = Any


def records_in(folder: Path) -> set[str]:
    return {entry["record"] for entry in json.loads((folder / "list.json").read_bytes())["entries"]}


def test_a_push_makes_the_run_its_messages_and_its_package(
    town: Town, period: Period, person: Document, company: Document
) -> None:
    listed = {town.publish(person).record, town.publish(company).record}
    made = push(town.notifier, period, now=town.clock(), made_by="审核员甲")
    assert made.created
    assert (made.entries, made.revision) == (2, 1)
    assert made.recipients == ("测试市广播电视台", "测试市电子政务中心")
    assert made.package == town.settings.folder / "packages" / "2026Q3" / "r1"
    assert records_in(made.package) == listed
    run = find_run(town.notifier.engine, period)
    assert run is not None
    assert (run.id, run.made_by, run.days_late, str(run.due_on)) == (made.run, "审核员甲", 0, "2026-10-08")
    assert [(m.state, m.revision, m.attempts) for m in run.messages] == [(MessageState.QUEUED, None, ())] * 2
    with Session(town.notifier.engine) as session:
        assert set(session.scalars(select(PackageEntryRow.record))) == listed


def test_repeating_a_push_shows_the_run_and_changes_nothing(town: Town, period: Period, person: Document) -> None:
    town.publish(person)
    first = push(town.notifier, period, now=town.clock(), made_by="甲")
    town.publish(person)
    town.clock.pass_time(days=3)
    again = push(town.notifier, period, now=town.clock(), made_by="乙")
    assert not again.created
    assert again.as_json() == {**first.as_json(), "created": False}
    assert len(list_runs(town.notifier.engine)) == 1


def test_two_pushes_at_once_make_one_run(town: Town, period: Period, person: Document) -> None:
    for _ in range(20):
        town.publish(person)

    def push_apart(name: str) -> tuple[int | None, bool, int | None]:
        apart = open_notifier(town.settings, town.notifier.register, town.notifier.workdays)
        made = push(apart, period, now=town.clock(), made_by=name)
        apart.engine.dispose()
        return made.run, made.created, made.revision

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(push_apart, "甲乙丙丁戊己"))
    assert len({run for run, _, _ in made}) == 1
    assert sum(created for _, created, _ in made) == 1
    assert {revision for _, _, revision in made} == {1}
    with Session(town.notifier.engine) as session:
        assert session.scalar(select(func.count()).select_from(RunRow)) == 1
        assert session.scalar(select(func.count()).select_from(MessageRow)) == 2
    assert [path.name for path in (town.settings.folder / "packages" / "2026Q3").iterdir()] == ["r1"]


def test_a_dry_run_says_what_would_be_and_writes_nothing(town: Town, period: Period, person: Document) -> None:
    town.publish(person)
    rehearsed = push(town.notifier, period, now=town.clock(), made_by="甲", dry_run=True)
    assert (rehearsed.run, rehearsed.package, rehearsed.entries) == (None, None, 1)
    assert rehearsed.recipients == ("测试市广播电视台", "测试市电子政务中心")
    assert find_run(town.notifier.engine, period) is None
    assert not (town.settings.folder / "packages").exists()
    made = push(town.notifier, period, now=town.clock(), made_by="甲")
    shown = push(town.notifier, period, now=town.clock(), made_by="甲", dry_run=True)
    assert (shown.run, shown.package, shown.created) == (made.run, made.package, False)


def test_a_run_without_entries_or_recipients_is_still_made(town: Town, period: Period) -> None:
    with Session(town.notifier.engine) as session, session.begin():
        session.execute(update(RecipientRow).values(active=False))
    made = push(town.notifier, period, now=town.clock(), made_by="甲")
    assert (made.created, made.entries, made.recipients) == (True, 0, ())
    assert made.package is not None
    assert records_in(made.package) == set()


def test_a_quarter_that_lies_ahead_is_refused(town: Town) -> None:
    with pytest.raises(PeriodNotBegun, match="2027年第一季度尚未开始"):
        push(town.notifier, Period(2027, 1), now=town.clock(), made_by="甲")
    early = push(town.notifier, Period(2026, 4), now=town.clock(), made_by="甲")
    run = find_run(town.notifier.engine, Period(2026, 4))
    assert run is not None
    assert (early.created, run.days_late) == (True, 0)


def test_a_quarter_begins_at_midnight_in_beijing(town: Town) -> None:
    town.clock.now = datetime(2026, 12, 31, 15, 59, tzinfo=UTC)
    with pytest.raises(PeriodNotBegun):
        push(town.notifier, Period(2027, 1), now=town.clock(), made_by="甲")
    town.clock.pass_time(minutes=1)
    assert push(town.notifier, Period(2027, 1), now=town.clock(), made_by="甲").created


def test_a_late_run_says_how_late(town: Town, period: Period) -> None:
    town.clock.pass_time(days=5)
    push(town.notifier, period, now=town.clock(), made_by="甲")
    run = find_run(town.notifier.engine, period)
    assert run is not None
    assert run.days_late == 5


def test_a_revision_is_made_only_when_the_list_has_changed(town: Town, period: Period, person: Document) -> None:
    stays, leaves = town.publish(person), town.publish(person)
    made = push(town.notifier, period, now=town.clock(), made_by="甲")
    assert made.run is not None
    town.clock.pass_time(hours=2)
    assert ensure_package(town.notifier, made.run, period, town.clock()).revision == 1
    town.depart(leaves)
    second = ensure_package(town.notifier, made.run, period, town.clock())
    assert (second.revision, second.entries) == (2, 1)
    packages = town.settings.folder / "packages" / "2026Q3"
    assert records_in(packages / "r2") == {stays.record}
    assert records_in(packages / "r1") == {stays.record, leaves.record}


def test_an_entry_whose_end_has_come_is_in_no_new_package(town: Town, period: Period, person: Document) -> None:
    ending = town.publish(person, visible_until=datetime(2026, 10, 9, 16, 0, tzinfo=UTC))
    made = push(town.notifier, period, now=town.clock(), made_by="甲")
    assert made.package is not None
    assert records_in(made.package) == {ending.record}
    town.clock.pass_time(days=2)
    assert made.run is not None
    assert ensure_package(town.notifier, made.run, period, town.clock()).entries == 0


def test_a_package_folder_whose_row_was_never_committed_is_replaced(
    town: Town, period: Period, person: Document
) -> None:
    town.publish(person)
    orphan = town.settings.folder / "packages" / "2026Q3" / "r1"
    orphan.mkdir(parents=True)
    (orphan / "list.json").write_text("half")
    made = push(town.notifier, period, now=town.clock(), made_by="甲")
    assert made.package == orphan
    assert len(records_in(orphan)) == 1
    assert [path.name for path in orphan.parent.iterdir()] == ["r1"]


def test_a_package_that_was_lost_is_made_again_under_a_new_number(town: Town, period: Period) -> None:
    made = push(town.notifier, period, now=town.clock(), made_by="甲")
    assert made.package is not None
    assert made.run is not None
    made.package.rename(made.package.with_name("lost"))
    assert ensure_package(town.notifier, made.run, period, town.clock()).revision == 2


def test_only_whole_files_of_the_manifest_are_read(town: Town, period: Period, person: Document) -> None:
    town.publish(person)
    folder = push(town.notifier, period, now=town.clock(), made_by="甲").package
    assert folder is not None
    (folder / "secret.txt").write_text("x")
    assert read_package_file(folder, "list.csv") == (folder / "list.csv").read_bytes()
    for name in ("secret.txt", "../r1/list.csv", "", ".", "/etc/passwd", "list.csv\x00"):
        with pytest.raises(FileRefused, match="没有这个文件"):
            read_package_file(folder, name)
    (folder / "list.csv").write_bytes(b"changed")
    with pytest.raises(FileRefused, match="校验值不符"):
        read_package_file(folder, "list.csv")


def test_what_is_kept_can_be_read_by_its_owner_alone(town: Town, period: Period, person: Document) -> None:
    town.publish(person)
    push(town.notifier, period, now=town.clock(), made_by="甲")
    paths = [town.settings.folder, *town.settings.folder.rglob("*")]
    assert len(paths) > 6
    for path in paths:
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_migrating_again_is_safe_and_gives_the_tables_of_the_code(town: Town) -> None:
    migrate(town.settings)
    ensure_sandbox_recipients(town.notifier.engine, town.clock())
    assert [recipient.slug for recipient in list_recipients(town.notifier.engine)] == ["tv", "egov"]
    with town.notifier.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "notifier_version"})
        assert compare_metadata(context, Base.metadata) == []


def test_a_run_without_a_package_gets_one_when_it_is_asked_for_again(town: Town, period: Period) -> None:
    # A worker killed between the run and its package leaves this.
    with Session(town.notifier.engine) as session, session.begin():
        session.add(
            RunRow(
                period="2026Q3",
                kind="quarterly",
                due_on=period.due_on(town.notifier.workdays),
                days_late=0,
                made_by="日历",
                made_at=town.clock(),
            )
        )
    shown = push(town.notifier, period, now=town.clock(), made_by="甲")
    assert not shown.created
    assert shown.run is not None
    latest = find_latest(town.notifier.engine, shown.run)
    assert latest is not None
    assert latest.revision == 1

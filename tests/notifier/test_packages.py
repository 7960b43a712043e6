"""The revisions of a run's package: what they say beside the entries, and when a new one is made."""

from __future__ import annotations

import io
import os
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from posts import Post, add_recipient, list_recalls, send
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from notifier.calendar import Period
from notifier.context import Notifier
from notifier.files import write_aside
from notifier.package.checking import Verdict, check_package
from notifier.packages import (
    FileRefused,
    Revision,
    ensure_package,
    list_package_files,
    package_folder,
    read_package_file,
)
from notifier.recall import follow_changes
from notifier.runs import push
from notifier.signing import SigningKey, SigningKeyError, create_signing_key, make_signing_key, open_signing_key
from notifier.tables import PackageRow, RecallRow, RecipientRow
from search_index.day import day_of
from search_index.document import Document
from search_index.journal import ChangeType, EntryChange
from search_index.profile import Profile

Town = Any
NEXT = Period(2026, 4)
# The first working day of 2027, ten in the morning in Beijing.
NEW_YEAR = datetime(2027, 1, 4, 2, 0, tzinfo=UTC)


def revise(notifier: Notifier, period: Period, now: datetime) -> Revision:
    """The revision of the period's run at `now`; the run is made where there is none."""
    run = push(notifier, period, now=now, made_by="甲").run
    assert run is not None
    return ensure_package(notifier, run, period, now)


def folder_of(notifier: Notifier, period: Period, revision: Revision) -> Path:
    return package_folder(notifier.folder, period, revision)


def check(folder: Path, key: SigningKey, now: datetime) -> Verdict:
    names = [path.name for path in folder.iterdir()]
    return check_package(names, lambda name: (folder / name).read_bytes(), key=key.public, today=day_of(now))


def changes_in(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Record and what stands after it, in each sheet of 变动.xlsx."""
    book = openpyxl.load_workbook(io.BytesIO((folder / "变动.xlsx").read_bytes()))
    return {
        sheet.title: [(str(row[1].value), str(row[2].value)) for row in sheet.iter_rows(min_row=5)] for sheet in book
    }


# --- who signs, and by which letter ------------------------------------------------------------------------------


def test_a_package_is_signed_with_the_key_of_the_home_and_carries_its_number(
    town: Town, period: Period, person: Document
) -> None:
    town.publish(person)
    path = town.settings.folder / "signing.pem"
    create_signing_key(path)
    office = replace(town.notifier, signing_key=path, commission_number="（{year}）测法推{quarter}号")
    folder = folder_of(office, period, revise(office, period, town.clock()))
    verdict = check(folder, open_signing_key(path), town.clock())
    assert (verdict.problems, verdict.trusted) == ((), True)
    assert "（2026）测法推3号" in read_package_file(folder, "list.json").decode()


def test_without_its_key_a_home_makes_no_package(town: Town, period: Period, person: Document) -> None:
    town.publish(person)
    office = replace(town.notifier, signing_key=town.settings.folder / "signing.pem")
    with pytest.raises(SigningKeyError, match=r"signing\.pem.*gongshi init"):
        push(office, period, now=town.clock(), made_by="甲")
    with Session(office.engine) as session:
        assert session.scalar(select(func.count()).select_from(PackageRow)) == 0
    create_signing_key(town.settings.folder / "signing.pem")
    assert revise(office, period, town.clock()).revision == 1


def test_another_key_or_number_makes_a_new_revision_and_the_same_does_not(
    town: Town, period: Period, person: Document
) -> None:
    town.publish(person)
    made = [
        revise(replace(town.notifier, **changed), period, town.clock()).revision
        for changed in (
            {},
            {"signing_key": make_signing_key(b"a" * 32)},
            {"signing_key": make_signing_key(b"a" * 32)},
            {"signing_key": make_signing_key(b"b" * 32)},
            {"signing_key": make_signing_key(b"b" * 32), "commission_number": "（2026）测法推3号"},
            {"signing_key": make_signing_key(b"b" * 32), "commission_number": "（2026）测法推{quarter}号"},
        )
    ]
    assert made == [1, 2, 2, 3, 4, 4]


def test_all_that_proves_a_package_is_served_and_only_as_it_was_made(
    town: Town, period: Period, person: Document
) -> None:
    town.publish(person)
    office = replace(town.notifier, signing_key=make_signing_key(b"a" * 32))
    folder = folder_of(office, period, revise(office, period, town.clock()))
    names = list_package_files(folder)
    assert set(names) == {path.name for path in folder.iterdir()}
    assert {"manifest.json", "manifest.json.sig", "SHA256SUMS", "public-key.pem", "推送函.docx"} <= set(names)
    for name in names:
        assert read_package_file(folder, name) == (folder / name).read_bytes()
    for name in ("manifest.json.sig", "SHA256SUMS"):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:-2] + bytes([content[-2] ^ 1, content[-1]]))
        with pytest.raises(FileRefused, match="校验值不符"):
            read_package_file(folder, name)
        (folder / name).unlink()
        with pytest.raises(FileRefused, match="不在原处"):
            read_package_file(folder, name)
        (folder / name).write_bytes(content)


def test_a_package_without_a_signature_has_none_to_serve(town: Town, period: Period) -> None:
    folder = folder_of(town.notifier, period, revise(town.notifier, period, town.clock()))
    assert "manifest.json.sig" not in list_package_files(folder)
    for name in ("manifest.json.sig", "public-key.pem"):
        with pytest.raises(FileRefused):
            read_package_file(folder, name)
    (folder / "manifest.json.sig").write_bytes(bytes(64))
    with pytest.raises(FileRefused):
        read_package_file(folder, "manifest.json.sig")


@pytest.mark.parametrize("broken", [b"", b"{}", b"[]", b"\xff", b'{"files": [{}]}', b'{"files": 3}', b"null"])
def test_a_manifest_that_is_damaged_is_a_clear_line(tmp_path: Path, broken: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(broken)
    for ask in (lambda: read_package_file(tmp_path, "list.csv"), lambda: list_package_files(tmp_path)):
        with pytest.raises(FileRefused, match="清单已损坏"):
            ask()
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(FileRefused, match="读不到"):
        read_package_file(tmp_path, "manifest.json")


# --- what has changed --------------------------------------------------------------------------------------------


def test_the_next_quarter_tells_the_changes_from_the_newest_list_of_the_last(
    town: Town, period: Period, person: Document
) -> None:
    stays, mended, leaves, left = (town.publish(person, case_number=f"（2026）测0101执{n}号") for n in range(4))
    revise(town.notifier, period, town.clock())
    town.depart(left)
    assert revise(town.notifier, period, town.clock()).revision == 2
    town.clock.now = NEW_YEAR
    town.correct(mended, performance="全部未履行")
    town.depart(leaves)
    new = town.publish(person)
    folder = folder_of(town.notifier, NEXT, revise(town.notifier, NEXT, town.clock()))
    # Who left before the last revision, and was sent to nobody, is not told of again.
    assert changes_in(folder) == {
        "新增": [(new.record, new.name)],
        "更正": [(mended.record, mended.name)],
        "退出": [(leaves.record, "（2026）测0101执2号")],
    }
    assert stays.record in (folder / "list.json").read_text("utf-8")


def test_the_next_package_repeats_every_recall_since_the_first_list_of_the_last_quarter(
    town: Town, period: Period, person: Document
) -> None:
    with Session(town.notifier.engine) as session, session.begin():
        session.execute(update(RecipientRow).values(active=False))
    add_recipient(town, "station", "mail")
    early, left, mended, back = (town.publish(person, case_number=f"（2026）测0101执{n}号") for n in range(4))
    push(town.notifier, period, now=town.clock(), made_by="甲")
    town.clock.pass_time(minutes=1)
    town.depart(early)
    follow(town)
    send(town, {"mail": Post()})
    town.depart(left)
    town.depart(back)
    town.correct(mended, performed_part="已履行8000元")
    follow(town)
    # In the same quarter: the next revision of the list repeats it already.
    second = revise(town.notifier, period, town.clock())
    told = {"新增": [], "更正": [(mended.record, mended.name)], "退出": sorted(by_case([left, back]))}
    assert changes_in(folder_of(town.notifier, period, second)) == told
    town.clock.now = NEW_YEAR
    town.publish_again(back)
    follow(town)
    third = revise(town.notifier, NEXT, town.clock())
    recalled = {recall.record for recall in list_recalls(town.notifier.engine)}
    assert recalled == {left.record, back.record, mended.record}
    assert changes_in(folder_of(town.notifier, NEXT, third)) == {
        "新增": [(back.record, back.name)],
        "更正": [(mended.record, mended.name)],
        "退出": by_case([left]),
    }


def test_a_recall_is_repeated_though_a_restored_list_counts_from_a_lower_number_on(
    town: Town, period: Period, person: Document
) -> None:
    left = town.publish(person)
    revise(town.notifier, period, town.clock())
    town.clock.pass_time(hours=1)
    town.depart(left)
    revise(town.notifier, period, town.clock())
    row = RecallRow(sequence=0, record=left.record, case_number=left.case_number, type=ChangeType.GONE)
    row.at = row.made_at = town.clock()
    row.due_on = day_of(row.at)
    with Session(town.notifier.engine) as session, session.begin():
        session.add(row)
    town.clock.now = NEW_YEAR
    made = revise(town.notifier, NEXT, town.clock())
    assert changes_in(folder_of(town.notifier, NEXT, made))["退出"] == by_case([left])


def follow(town: Town) -> None:
    follow_changes(town.notifier.engine, town.store, town.notifier.workdays, now=town.clock())


def by_case(documents: list[Document]) -> list[tuple[str, str]]:
    return [(document.record, str(document.case_number)) for document in documents]


def test_a_list_that_is_damaged_is_not_compared_with(town: Town, period: Period, person: Document) -> None:
    leaves = town.publish(person)
    first = folder_of(town.notifier, period, revise(town.notifier, period, town.clock()))
    town.publish(person)
    second = folder_of(town.notifier, period, revise(town.notifier, period, town.clock()))
    (second / "list.json").write_bytes(b'{"entries": []}')
    town.clock.now = NEW_YEAR
    town.depart(leaves)
    made = revise(town.notifier, NEXT, town.clock())
    assert changes_in(folder_of(town.notifier, NEXT, made))["退出"] == by_case([leaves])
    (first / "list.json").unlink()
    made = revise(replace(town.notifier, commission_number="（2027）测法推1号"), NEXT, town.clock())
    assert changes_in(folder_of(town.notifier, NEXT, made)) == {"新增": [], "更正": [], "退出": []}


# --- when it is made ---------------------------------------------------------------------------------------------


@dataclass
class CountedList:
    """The town's list, which counts how often the whole of it was read; `meanwhile` happens before it is."""

    town: Town
    readings: int = 0
    meanwhile: list[Any] = field(default_factory=list)

    def everything(self, now: datetime) -> tuple[int, list[Document]]:
        self.readings += 1
        answer: tuple[int, list[Document]] = self.town.notifier.register.everything(now)
        if self.meanwhile:
            self.meanwhile.pop()()
        return answer

    def mark(self, now: datetime) -> Hashable:
        mark: Hashable = self.town.notifier.register.mark(now)
        return mark

    def profile(self, now: datetime) -> Profile:
        profile: Profile = self.town.notifier.register.profile(now)
        return profile


def test_a_list_that_cannot_have_changed_is_not_read_again(town: Town, period: Period, person: Document) -> None:
    for _ in range(3):
        town.publish(person)
    counted = CountedList(town)
    office = replace(town.notifier, register=counted, marks={})
    assert [revise(office, period, town.clock() + timedelta(minutes=n)).revision for n in range(5)] == [1] * 5
    assert counted.readings == 1
    apart = replace(office, marks={})
    assert revise(apart, period, town.clock()).revision == 1
    assert counted.readings == 2, "another process knows nothing of it"


def ahead(town: Town, sequence: int, kind: ChangeType, record: str, document: Document | None = None) -> None:
    """A change that reaches the store out of its turn, before the journal's lines in front of it."""
    change = EntryChange(
        position=sequence, at=town.clock(), sequence=sequence, type=kind, record=record, body=document and document.as_json()
    )  # fmt: skip
    town.writer.apply_ahead([change])


def test_every_change_of_the_list_is_seen(town: Town, period: Period, person: Document) -> None:
    """Also those that the store's own sequence does not tell: what is applied ahead of its turn, even behind another such
    change, and an end that comes by itself."""
    listed = [town.publish(person) for _ in range(4)]
    town.publish(person, visible_until=town.clock() + timedelta(hours=3))
    counted = CountedList(town)
    office = replace(town.notifier, register=counted, marks={})

    def look() -> tuple[int, int]:
        revision = revise(office, period, town.clock())
        return revision.revision, revision.entries

    assert look() == (1, 5)
    ahead(town, 20, ChangeType.GONE, listed[0].record)
    assert look() == (2, 4)
    ahead(town, 19, ChangeType.CORRECTED, listed[1].record, replace(listed[1], performance="全部未履行"))
    assert look() == (3, 4)
    ahead(town, 18, ChangeType.GONE, listed[2].record)
    assert look() == (4, 3)
    town.clock.pass_time(hours=3)
    assert look() == (5, 2)
    town.set_profile(replace(town.notifier.register.profile(town.clock()), telephone="0000-1111111"))
    assert look() == (6, 2)
    assert (look(), counted.readings) == ((6, 2), 6)
    town.clock.now = NEW_YEAR
    assert look() == (7, 2), "it may be used longer"


def test_what_changes_while_the_list_is_read_is_not_passed_over(town: Town, period: Period, person: Document) -> None:
    leaves, _ = town.publish(person), town.publish(person)
    office = replace(town.notifier, register=CountedList(town, meanwhile=[lambda: town.depart(leaves)]), marks={})
    assert push(office, period, now=town.clock(), made_by="甲").entries == 2
    assert revise(office, period, town.clock()).entries == 1


def test_a_package_folder_that_is_gone_is_made_again_though_nothing_changed(town: Town, period: Period) -> None:
    made = revise(town.notifier, period, town.clock())
    folder_of(town.notifier, period, made).rename(town.settings.folder / "lost")
    assert revise(town.notifier, period, town.clock()).revision == 2


def test_another_process_revision_is_the_one_that_counts(town: Town, period: Period, person: Document) -> None:
    leaves = town.publish(person)
    here, there = replace(town.notifier, marks={}), replace(town.notifier, marks={})
    assert revise(here, period, town.clock()).revision == 1
    town.depart(leaves)
    assert revise(there, period, town.clock()).revision == 2
    town.publish_again(leaves)
    assert revise(there, period, town.clock()).revision == 3
    assert revise(here, period, town.clock()).revision == 3
    numbered = replace(there, commission_number="（2026）测法推3号")
    assert revise(numbered, period, town.clock()).revision == 4
    assert revise(here, period, town.clock()).revision == 4, "the number is the run's, whoever is told of it"
    renumbered = replace(there, commission_number="（2026）测法推9号")
    assert revise(renumbered, period, town.clock()).revision == 4, "and stays what it was given first"


def test_hundreds_of_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    files = {f"画面-{number:03}.png": bytes([number % 251]) * number for number in range(400)}
    aside = write_aside(tmp_path / "packages" / "2026Q3", files)
    assert {path.name: path.read_bytes() for path in aside.iterdir()} == files
    assert {path.stat().st_mode & 0o777 for path in aside.iterdir()} == {0o600}
    assert aside.name.startswith(".making-")
    assert list(write_aside(tmp_path / "packages" / "2026Q4", {}).iterdir()) == []


def test_files_are_safe_on_the_disk_before_the_folder_that_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, int]] = []
    really = os.fsync

    def watch(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append((path.name, os.fstat(descriptor).st_size))
        really(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    files = {f"{number}.png": bytes(number) for number in range(40)}
    aside = write_aside(tmp_path, files)
    *before, (last, _) = synced
    assert sorted(before) == sorted((name, len(content)) for name, content in files.items())
    assert last == aside.name

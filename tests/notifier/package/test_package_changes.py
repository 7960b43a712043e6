"""What changed since the last quarter: everything that did, nothing that did not, and nobody who left."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import openpyxl
from documents import a_document
from hypothesis import given
from hypothesis import strategies as st

from notifier.calendar import Period
from notifier.package import NO_CHANGES, Changes, Edition, Package, build_package, compare, read_entries
from notifier.package.changes import build_changes_xlsx
from search_index.document import Document

LISTS = st.dictionaries(st.integers(0, 12), st.sampled_from(["全部未履行", "部分未履行", "全部已履行"]))


@given(before=LISTS, now=LISTS)
def test_whoever_makes_the_changes_has_the_new_list(before: dict[int, str], now: dict[int, str]) -> None:
    old = [a_document(serial, performance=words) for serial, words in before.items()]
    new = [a_document(serial, performance=words) for serial, words in now.items()]
    changes = compare(Period(2026, 2), old, new)
    kept = {document.record: document for document in old}
    for departure in changes.gone:
        assert kept.pop(departure.record).case_number == departure.case_number
    for document in changes.corrected:
        assert kept[document.record] != document
        kept[document.record] = document
    for document in changes.added:
        assert document.record not in kept
        kept[document.record] = document
    assert sorted(kept.values(), key=lambda d: d.record) == sorted(new, key=lambda d: d.record)


def test_an_entry_that_was_only_touched_is_not_corrected() -> None:
    old = a_document(1)
    touched = replace(old, updated_at=old.updated_at + timedelta(days=1))
    assert compare(Period(2026, 2), [old], [touched]) == Changes(since=Period(2026, 2))


def test_the_list_before_can_be_read_from_its_own_package(package: Package, entries: list[Document]) -> None:
    assert read_entries(package.files["list.json"]) == entries
    assert compare(Period(2026, 3), read_entries(package.files["list.json"]), entries) == Changes(since=Period(2026, 3))


def test_the_workbook_has_a_sheet_for_each_kind_and_names_nobody_who_left(package: Package) -> None:
    content = package.files["变动.xlsx"]
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["新增", "更正", "退出"]
    rows = {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows(min_row=5)] for sheet in book}
    assert [row[1] for row in rows["新增"]] == ["SX-00000005", "SX-00000004"]
    assert [row[1] for row in rows["更正"]] == ["SX-00000001"]
    assert [row[1:3] for row in rows["退出"]] == [["SX-0000000G", "（2025）测0101执7号"]]
    assert [cell.value for cell in book["退出"][4]] == ["序号", "公开编号", "执行案号", "请立即"]
    assert "与2026年第二季度名单相比" in str(book["退出"]["A3"].value)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert all("离去人".encode() not in archive.read(name) for name in archive.namelist())


def test_no_file_of_a_package_names_whoever_left(package: Package, read_words: Callable[[str, bytes], str]) -> None:
    for name, content in package.files.items():
        if not name.endswith((".png", ".sig")):
            assert "离去人" not in read_words(name, content), name


def test_the_first_list_has_nothing_to_be_compared_with(edition: Edition, entries: list[Document]) -> None:
    book = openpyxl.load_workbook(io.BytesIO(build_changes_xlsx(edition, NO_CHANGES)))
    for sheet in book:
        assert "此前没有推送过其他季度的名单" in str(sheet["A3"].value)
        assert sheet.max_row == 4
    assert build_package(edition, entries).files["变动.xlsx"] == build_changes_xlsx(edition, NO_CHANGES)

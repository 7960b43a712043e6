"""The files of a package: what a desk, a broadcaster and a machine make of them."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from notifier.calendar import Period
from notifier.package import Edition, build_package, digest_content
from notifier.package.lists import build_csv
from notifier.package.sheet import build_xlsx
from search_index.document import Document
from search_index.profile import Profile
from search_index.sheets import guard_formula


def open_sheet(content: bytes) -> Worksheet:
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert isinstance(sheet, Worksheet)
    return sheet


def read_csv(content: bytes) -> list[dict[str, str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.fixture
def documents(person: Document, company: Document) -> list[Document]:
    return [
        replace(person, record="SX-00000001", published_on=date(2026, 9, 1)),
        replace(company, record="SX-00000002", published_on=date(2026, 9, 20)),
        replace(person, record="SX-00000003", name="王𠮷䶮", published_on=date(2026, 9, 20)),
    ]


def test_the_same_inputs_give_the_same_bytes_in_whatever_order(edition: Edition, documents: list[Document]) -> None:
    one = build_package(edition, documents)
    other = build_package(replace(edition), documents[::-1])
    assert one.files == other.files
    assert one.records == ("SX-00000002", "SX-00000003", "SX-00000001")


def test_the_manifest_is_of_these_files(edition: Edition, documents: list[Document]) -> None:
    package = build_package(edition, documents)
    manifest = json.loads(package.files["manifest.json"])
    assert {file["name"] for file in manifest["files"]} == set(package.files) - {"manifest.json", "SHA256SUMS"}
    for file in manifest["files"]:
        content = package.files[file["name"]]
        assert (file["bytes"], file["sha256"]) == (len(content), sha256(content).hexdigest())
    assert manifest["counts"] == {"total": 3, "person": 2, "organisation": 1}
    assert (manifest["period"], manifest["revision"], manifest["sequence"]) == ("2026Q3", 1, 7)
    assert manifest["made_at"] == "2026-10-08T10:00:00+08:00"
    assert manifest["not_to_be_used_after"] == "2027-01-04"
    assert manifest["court"]["court"] == "测试市人民法院"
    assert manifest["court"]["telephone"] == "0000-0000000"
    assert package.manifest_sha256 == sha256(package.files["manifest.json"]).hexdigest()


def test_the_sheet_opens_with_text_a_frozen_heading_a_filter_and_a4_across(
    edition: Edition, documents: list[Document]
) -> None:
    sheet = open_sheet(build_package(edition, documents).files["list.xlsx"])
    assert sheet["A1"].value == "测试市人民法院失信被执行人名单（2026年第三季度）"
    assert "本名单于2027年1月4日后不得使用" in sheet["A2"].value
    assert "https://court.example.invalid" in sheet["A2"].value
    assert "第1次修订，共3条" in sheet["A3"].value
    assert sheet.freeze_panes == "A5"
    assert sheet.auto_filter.ref == "A4:Q7"
    assert (sheet.page_setup.orientation, int(sheet.page_setup.paperSize)) == ("landscape", 9)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
    assert sheet.print_title_rows == "$1:$4"
    heading = [cell.value for cell in sheet[4]]
    rows = [dict(zip(heading, (cell.value for cell in row), strict=True)) for row in sheet.iter_rows(min_row=5)]
    assert [row["姓名或者名称"] for row in rows] == ["云杉（测试市）商贸有限公司", "王𠮷䶮", "扎西·测试"]
    numbers = [row["身份证号码（部分遮盖）或者统一社会信用代码"] for row in rows]
    assert numbers == ["919901011234567880", "9901011980****0017", "9901011980****0017"]
    assert rows[2]["停止使用时间"] == "2028-09-01 00:00"
    assert rows[2]["履行情况"] == "部分未履行\n已履行5000元\n未履行115000元"
    for row in sheet.iter_rows(min_row=4):
        for cell in row:
            assert cell.value is None or cell.data_type == "s"
            assert cell.number_format == "@"


def test_the_table_has_headings_first_and_says_its_edition_in_every_row(
    edition: Edition, documents: list[Document]
) -> None:
    rows = read_csv(build_package(edition, documents).files["list.csv"])
    assert [row["公开编号"] for row in rows] == ["SX-00000002", "SX-00000003", "SX-00000001"]
    assert {(row["期次"], row["修订号"], row["本名单最后使用日"]) for row in rows} == {("2026Q3", "1", "2027-01-04")}
    assert rows[2]["失信行为具体情形"] == "违反财产报告制度"
    assert {(row["最新名单"], row["性质"]) for row in rows} == {("最新名单见https://court.example.invalid", "正式")}


def test_a_name_in_latin_letters_has_a_column_of_its_own(edition: Edition, person: Document) -> None:
    files = build_package(edition, [replace(person, record="SX-00000001", latin_name="ZHAXI CESHI")]).files
    assert [row["姓名的拉丁字母写法"] for row in read_csv(files["list.csv"])] == ["ZHAXI CESHI"]
    sheet = open_sheet(files["list.xlsx"])
    assert (sheet["E4"].value, sheet["E5"].value) == ("姓名的拉丁字母写法", "ZHAXI CESHI")


def test_what_another_court_listed_says_so(edition: Edition, person: Document) -> None:
    taken = replace(person, record="SX-00000001", origin="云南省高级人民法院")
    files = build_package(edition, [taken, replace(person, record="SX-00000002")]).files
    assert sorted(row["来源（转载自）"] for row in read_csv(files["list.csv"])) == ["", "云南省高级人民法院"]
    cells = {cell.value for row in open_sheet(files["list.xlsx"]).iter_rows(min_row=5) for cell in row}
    assert sum("转载自云南省高级人民法院" in str(cell) for cell in cells) == 1


def test_the_json_gives_back_the_documents(edition: Edition, documents: list[Document]) -> None:
    body = json.loads(build_package(edition, documents).files["list.json"])
    assert {Document.from_json(entry) for entry in body["entries"]} == set(documents)
    assert (body["period"], body["revision"]) == ("2026Q3", 1)


def test_an_empty_list_is_still_made_and_says_so(edition: Edition) -> None:
    package = build_package(edition, [])
    assert json.loads(package.files["manifest.json"])["counts"]["total"] == 0
    assert "本期没有可以公布的条目" in open_sheet(package.files["list.xlsx"])["A3"].value
    assert read_csv(package.files["list.csv"]) == []


def test_the_sheet_says_which_rows_it_cannot_show_whole_and_holds_all_their_words(
    edition: Edition, person: Document
) -> None:
    long = "支付货款及逾期付款损失；" * 100
    listed = [replace(person, record="SX-00000001"), replace(person, record="SX-00000002", obligation=long)]
    sheet = open_sheet(build_package(edition, listed).files["list.xlsx"])
    assert "序号2的文字过长" in sheet["A3"].value
    assert sheet["L6"].value == long
    assert "过长" not in open_sheet(build_package(edition, listed[:1]).files["list.xlsx"])["A3"].value


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " =", "＝"])
def test_no_cell_of_the_table_can_run(edition: Edition, person: Document, start: str) -> None:
    attack = f'{start}HYPERLINK("http://example.invalid","点")'
    files = build_package(edition, [replace(person, record="SX-00000001", name=attack, obligation=attack)]).files
    (row,) = read_csv(files["list.csv"])
    assert row["姓名或者名称"] == f"'{attack}"
    assert row["生效法律文书确定的义务"] == f"'{attack}"
    name = open_sheet(files["list.xlsx"])["D5"]
    assert name.data_type == "s"
    assert name.hyperlink is None


@given(st.text(max_size=20))
def test_a_guarded_cell_never_starts_as_a_formula_and_keeps_its_words(cell: str) -> None:
    guarded = guard_formula(cell)
    assert guarded.endswith(cell)
    assert not guarded.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert guarded in (cell, f"'{cell}")


# The characters that XML can carry; what a name may hold is a good deal less.
WORDS = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs", "Cn", "Co"]), min_size=1, max_size=30)


@given(name=WORDS, obligation=WORDS)
def test_words_arrive_as_they_were_published(name: str, obligation: str) -> None:
    document = Document.from_json({**EXAMPLE, "name": name, "obligation": obligation})
    sheet = open_sheet(build_xlsx(PLAIN, [document]))
    assert (sheet["D5"].value, sheet["L5"].value) == (name, obligation)
    (row,) = read_csv(build_csv(PLAIN, [document]))
    assert row["姓名或者名称"].endswith(name)
    assert row["生效法律文书确定的义务"].endswith(obligation)


@settings(max_examples=10)
@given(name=WORDS, obligation=WORDS)
def test_whatever_the_words_a_package_can_be_made(name: str, obligation: str) -> None:
    document = Document.from_json({**EXAMPLE, "name": name, "obligation": obligation, "latin_name": name})
    assert build_package(PLAIN, [document]).records == ("SX-00000001",)


ABSENT = {
    *("gender", "age", "id_number", "uscc", "legal_representative", "region", "basis_number", "basis_issuer"),
    *("case_number", "filed_on", "performed_part", "unperformed_part", "term_ends_on", "visible_until"),
}
EXAMPLE: dict[str, Any] = {
    **dict.fromkeys(ABSENT),
    "record": "SX-00000001",
    "kind": "organisation",
    "court": "测试市人民法院",
    "performance": "全部未履行",
    "conduct": [],
    "published_on": "2026-09-01",
    "updated_at": "2026-09-01T09:00:00+08:00",
}
PLAIN = Edition(
    period=Period(2026, 3),
    revision=1,
    sequence=1,
    made_at=datetime(2026, 10, 8, 10, 0, tzinfo=timezone(timedelta(hours=8))),
    last_day_of_use=date(2027, 1, 4),
    profile=Profile(),
)


@pytest.fixture
def training(edition: Edition) -> Edition:
    return replace(edition, profile=replace(edition.profile, training=True))


def test_training_data_says_that_it_is(training: Edition, documents: list[Document]) -> None:
    files = build_package(training, documents).files
    assert "【演练数据，不得使用】" in open_sheet(files["list.xlsx"])["A1"].value
    assert json.loads(files["manifest.json"])["training"] is True


def test_content_is_new_when_what_is_told_is_new(edition: Edition, documents: list[Document]) -> None:
    content = digest_content(edition, documents)
    assert digest_content(replace(edition, revision=2, sequence=9), documents[::-1]) == content
    later = replace(edition, made_at=edition.made_at + timedelta(days=1))
    assert digest_content(later, documents) == content
    assert digest_content(edition, documents[1:]) != content
    assert digest_content(edition, [replace(documents[0], name="改名"), *documents[1:]]) != content
    assert digest_content(replace(edition, last_day_of_use=date(2027, 4, 1)), documents) != content
    assert digest_content(replace(edition, profile=Profile(court="另一法院")), documents) != content


def test_many_entries_make_a_package(
    edition: Edition, person: Document, numbered: Callable[[Document, int], list[Document]]
) -> None:
    documents = numbered(person, 150)
    files = build_package(edition, documents).files
    assert open_sheet(files["list.xlsx"]).max_row == 154
    assert len(read_csv(files["list.csv"])) == 150

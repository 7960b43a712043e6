"""The files of a package as they open on an editor's desk: through LibreOffice."""

from __future__ import annotations

import csv
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from documents import AT, a_document

from notifier.calendar import Period
from notifier.package import Edition, build_package, compare
from notifier.signing import make_signing_key
from search_index.profile import Profile

pytestmark = pytest.mark.office

NAMES = ("扎西·次仁", "曾𠮷", "=1+1公司", "测试市甲商贸（集团）有限公司", "乐䶮喆")
EDITION = Edition(
    period=Period.parse("2026Q3"),
    revision=1,
    sequence=4,
    made_at=AT,
    last_day_of_use=date(2027, 1, 4),
    profile=Profile(court="测试市人民法院"),
    commission_number="（2026）测法推1号",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package of some entries, one of which was corrected while one has left."""
    made = tmp_path_factory.mktemp("package")
    documents = [a_document(serial, name=name) for serial, name in enumerate(NAMES, start=1)]
    before = [a_document(1, name=NAMES[0], performance="部分未履行"), a_document(9, name="离去人")]
    changes = compare(Period.parse("2026Q2"), before, documents)
    package = build_package(EDITION, documents, changes=changes, key=make_signing_key(b"k" * 32))
    for name, content in package.files.items():
        (made / name).write_bytes(content)
    return made


def convert(folder: Path, file: str, target: str) -> None:
    """Let LibreOffice open a file and write it in another format; it must be installed."""
    profile = f"-env:UserInstallation=file://{folder / 'profile'}"
    command = ["soffice", profile, "--headless", "--convert-to", target, "--outdir", str(folder), str(folder / file)]
    subprocess.run(command, check=True, capture_output=True, timeout=240)


def print_out(folder: Path, file: str) -> str:
    """The words of the file as it prints; it prints on A4."""
    convert(folder, file, "pdf")
    printed = str(folder / Path(file).with_suffix(".pdf").name)
    told = subprocess.run(["pdfinfo", printed], check=True, capture_output=True, text=True).stdout
    assert "(A4)" in told
    return subprocess.run(["pdftotext", "-layout", printed, "-"], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", ["list.xlsx", "变动.xlsx", "播报稿.docx", "推送函.docx"])
def test_every_printed_page_says_its_revision_until_when_it_may_be_used_and_where_the_newest_is(
    tmp_path: Path, name: str
) -> None:
    documents = [a_document(serial, obligation="支付货款及逾期付款损失；" * 20) for serial in range(45)]
    edition = replace(
        EDITION, revision=37, profile=Profile(court="测试市人民法院", website="https://court.example.invalid")
    )
    changes = compare(Period.parse("2026Q2"), documents[40:], documents[:41])
    files = build_package(edition, documents, changes=changes, key=make_signing_key(b"k" * 32)).files
    (tmp_path / name).write_bytes(files[name])
    pages = [squeeze(page) for page in print_out(tmp_path, name).split("\f") if page.strip()]
    assert len(pages) > 1
    for page in pages:
        assert "第37次修订，2027年1月4日后不得使用" in page
        assert "https://court.example.invalid" in page


def squeeze(words: str) -> str:
    return "".join(words.split())


def test_the_sheet_opens_with_every_entry_as_text_and_prints_on_a4(folder: Path) -> None:
    assert "不得使用" in print_out(folder, "list.xlsx")
    convert(folder, "list.xlsx", "csv:Text - txt - csv (StarCalc):44,34,76,1")
    with (folder / "list.csv").open(encoding="utf-8", newline="") as file:
        cells = {cell for row in csv.reader(file) for cell in row}
    assert cells >= set(NAMES)
    assert {a_document().id_number} <= cells


def test_the_script_prints_with_readings_and_page_numbers(folder: Path) -> None:
    words = squeeze(print_out(folder, "播报稿.docx"))
    assert "曾（zēng）𠮷（jí）" in words
    assert "第1页，共" in words
    assert "第1次修订，2027年1月4日后不得使用" in words
    assert words.count("失信行为：违反限制消费令。") == len(NAMES)


def test_the_letter_prints_with_its_number_and_its_table(folder: Path) -> None:
    words = squeeze(print_out(folder, "推送函.docx"))
    assert "委托函号：（2026）测法推1号" in words
    assert "滚动字幕-GB18030.txt" in words
    assert "测试市人民法院（印章）" in words


def test_the_changes_print_and_name_nobody_who_left(folder: Path) -> None:
    words = squeeze(print_out(folder, "变动.xlsx"))
    assert a_document(9).record in words
    assert "离去人" not in words


def test_old_machines_read_the_captions(folder: Path) -> None:
    told = subprocess.run(
        ["iconv", "-f", "GB18030", "-t", "UTF-8", str(folder / "滚动字幕-GB18030.txt")], check=True, capture_output=True
    )
    assert told.stdout == (folder / "滚动字幕.txt").read_bytes()


def test_an_empty_list_prints_and_says_so(tmp_path: Path) -> None:
    for name, content in build_package(EDITION, [], key=make_signing_key(b"k" * 32)).files.items():
        (tmp_path / name).write_bytes(content)
    for name in ("list.xlsx", "播报稿.docx"):
        assert "本期没有可以公布的条目" in squeeze(print_out(tmp_path, name))

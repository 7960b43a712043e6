"""The list as it opens on an editor's desk: through LibreOffice."""

from __future__ import annotations

import csv
import subprocess
from datetime import date
from pathlib import Path

import pytest
from documents import AT, a_document

from notifier.calendar import Period
from notifier.package import Edition, build_package
from search_index.profile import Profile

pytestmark = pytest.mark.office

NAMES = ("扎西·次仁", "王𠮷", "=1+1公司", "测试市甲商贸（集团）有限公司")


def convert(folder: Path, file: str, target: str) -> None:
    """Let LibreOffice open a file and write it in another format; it must be installed."""
    profile = f"-env:UserInstallation=file://{folder / 'profile'}"
    command = ["soffice", profile, "--headless", "--convert-to", target, "--outdir", str(folder), str(folder / file)]
    subprocess.run(command, check=True, capture_output=True, timeout=240)


def test_the_sheet_opens_with_every_entry_as_text_and_prints_on_a4(tmp_path: Path) -> None:
    documents = [a_document(serial, name=name) for serial, name in enumerate(NAMES, start=1)]
    edition = Edition(
        period=Period.parse("2026Q3"),
        revision=1,
        sequence=4,
        made_at=AT,
        last_day_of_use=date(2027, 1, 4),
        profile=Profile(court="测试市人民法院"),
    )
    (tmp_path / "list.xlsx").write_bytes(build_package(edition, documents).files["list.xlsx"])
    convert(tmp_path, "list.xlsx", "csv:Text - txt - csv (StarCalc):44,34,76,1")
    convert(tmp_path, "list.xlsx", "pdf")
    with (tmp_path / "list.csv").open(encoding="utf-8", newline="") as file:
        cells = {cell for row in csv.reader(file) for cell in row}
    assert cells >= set(NAMES)
    assert {document.id_number for document in documents} <= cells
    told = subprocess.run(["pdfinfo", str(tmp_path / "list.pdf")], check=True, capture_output=True, text=True).stdout
    assert "(A4)" in told
    printed = subprocess.run(
        ["pdftotext", "-layout", str(tmp_path / "list.pdf"), "-"], check=True, capture_output=True, text=True
    )
    assert "不得使用" in printed.stdout

"""The four formats, through the command line: good lines go in, spoiled ones come back in a file that can be mended."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from entries import a_person, citizen_number
from homes import Home

HEADERS = {
    "被执行人姓名": "name",
    "拉丁字母写法": "latin_name",
    "身份证号码": "id_number",
    "性别": "gender",
    "执行法院": "court",
    "执行案号": "case_number",
    "执行依据文号": "basis_number",
    "作出执行依据单位": "basis_issuer",
    "生效法律文书确定的义务": "obligation",
    "被执行人的履行情况": "performance",
    "失信被执行人具体情形": "conduct",
    "决定书文号": "decision_number",
    "决定日期": "decided_on",
    "送达日期": "served_on",
}
CONDUCT = "有履行能力而拒不履行生效法律文书确定义务"
NAMES = ("扎西·次仁", "王𠮷", "李䶮", "甲测试")


def entries() -> list[dict[str, Any]]:
    people = [a_person(serial, name=name) for serial, name in enumerate(NAMES, start=1)]
    people[0]["latin_name"] = "Tashi Tsering"
    people[2]["id_number"] = people[2]["id_number"][:-1] + ("0" if people[2]["id_number"][-1] != "0" else "1")
    return people


def rows() -> list[list[str]]:
    cells = [[CONDUCT if key == "conduct" else person.get(key, "") for key in HEADERS.values()] for person in entries()]
    return [list(HEADERS), *cells]


def as_json_lines(path: Path) -> Path:
    path.write_text("".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries()), encoding="utf-8")
    return path


def as_csv(encoding: str) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        with path.open("w", encoding=encoding, newline="") as file:
            csv.writer(file).writerows(rows())
        return path

    return write


def as_workbook(path: Path) -> Path:
    book = openpyxl.Workbook()
    for row in rows():
        book.worksheets[0].append(row)
    path = path.with_suffix(".xlsx")
    book.save(path)
    book.close()
    return path


@pytest.mark.parametrize(
    ("write", "line"),
    [(as_json_lines, 3), (as_csv("utf-8"), 4), (as_csv("utf-8-sig"), 4), (as_csv("gb18030"), 4), (as_workbook, 4)],
    ids=["jsonl", "utf-8", "bom", "gb18030", "xlsx"],
)
def test_a_spoiled_line_comes_back_and_can_be_mended(home: Home, write: Callable[[Path], Path], line: int) -> None:
    file = write(home.folder.parent / "list.data")
    said = home.run("import", file, "--as", "clerk", "--json")
    assert said.code == 1
    (refused,) = said.json["quarantined"]
    assert (said.json["accepted"], refused["line"], refused["field"]) == (3, line, "id_number")
    spoiled = entries()[2]["id_number"]
    assert spoiled not in said.out + said.err + home.run("import", file, "--as", "clerk").out
    quarantine = Path(said.json["quarantine_file"])
    assert quarantine.stat().st_mode & 0o077 == 0
    text = quarantine.read_text(encoding="utf-8-sig")
    assert spoiled in text
    mended = home.folder.parent / f"mended{quarantine.suffix}"
    mended.write_text(text.replace(spoiled, citizen_number(3)), encoding="utf-8")
    again = home.ask("import", mended, "--as", "clerk")
    assert (again["accepted"], again["quarantined"]) == (1, [])


def test_a_list_of_the_national_platform_enters_as_drafts(home: Home) -> None:
    listed = Path(__file__).parent / "fixtures" / "intake" / "national-list.json"
    said = home.run("import", listed, "--as", "clerk", "--json")
    assert said.json["accepted"] >= 2
    approved = home.run("approve", said.json["batch"], "--as", "reviewer", "--confirm", "art3", "--json")
    assert approved.code == 1
    assert approved.json["approved"] == 0
    assert {refusal["rule"] for refusal in approved.json["refused"]} >= {"decision_missing"}


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\x01\x02" * 100, "随便写的字".encode(), b"PK\x03\x04broken"])
def test_a_file_that_is_nothing_known_exits_2_and_leaves_nothing(home: Home, content: bytes) -> None:
    file = home.folder.parent / "nothing.bin"
    file.write_bytes(content)
    said = home.run("import", file, "--as", "clerk")
    assert (said.code, said.out) == (2, "")
    assert len(said.err.strip().splitlines()) == 1
    assert home.run("approve", "1", "--as", "reviewer").code == 2

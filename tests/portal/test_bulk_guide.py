"""The guide for those who read in bulk (docs/open-data.md) says what is so, and its commands work as they stand."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from portal_world import PERSON, World
from test_bulk import Checker, grant

from portal.bulk import LAST_SEQUENCE, LONGEST_WAIT, MOST_CHANGES, USUAL_CHANGES
from portal.bulk_files import BULK_KEYS
from portal.limits import BULK_RULES, KEY_RULES
from portal.problems import PROBLEMS
from search_index.changes import KEPT

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "open-data.md").read_text("utf-8")
UNITS = {"minute": "每分钟", "hour": "每小时", "day": "每天"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def description(world: World) -> dict[str, Any]:
    return world.client().get("/api/v1/openapi.json").json


def test_the_limits_it_tells_are_those_that_are_kept() -> None:
    told = {
        "bulk.snapshot": "`entries.csv` 合计每小时 12 次",
        "bulk.changes": "每分钟 60 次",
        "bulk.acks": "每天 200 次",
    }
    for endpoint, words in told.items():
        (rule,) = KEY_RULES[endpoint]
        assert words in GUIDE
        assert f"{UNITS[rule.limit.GRANULARITY.name]} {rule.limit.amount} 次" in words
    assert KEY_RULES["bulk.snapshot"] == KEY_RULES["bulk.entries_csv"]
    assert f"合计每分钟 {BULK_RULES[0].limit.amount} 次" in GUIDE
    for said in (f"1 到 {MOST_CHANGES}，默认 {USUAL_CHANGES}", f"0 到 {LONGEST_WAIT}", f"0 到 {LAST_SEQUENCE}"):
        assert said in GUIDE
    assert f"{KEPT.days} 天" in GUIDE


def test_every_member_of_an_entry_is_named() -> None:
    (paragraph,) = re.findall(r"^\*\*一条信息（`entry`）\*\* 的成员：(.*?)\n\n", GUIDE, re.MULTILINE | re.DOTALL)
    named = re.findall(r"`([a-z_]+)`", paragraph.partition("除了没有")[0])
    assert tuple(name for name in named if name not in ("person", "organisation")) == BULK_KEYS


def test_every_problem_is_told(description: dict[str, Any]) -> None:
    told = dict(re.findall(r"^\| `(\d{3})` `([a-z-]+)` \|", GUIDE, re.MULTILINE))
    for status in ("401", "403", "409", "429"):
        assert told[status] == PROBLEMS[int(status)][0]
    statuses = {
        status
        for path in ("/changes", "/snapshot", "/entries.csv", "/acks")
        for operation in description["paths"][f"/api/v1{path}"].values()
        for status in operation["responses"]
    }
    assert all(f"`{status}`" in GUIDE for status in statuses - {"413"})


def test_its_examples_are_as_they_are_described(description: dict[str, Any]) -> None:
    check = Checker(description)
    changes, acknowledged, suspended = (json.loads(text) for text in blocks("json"))
    assert changes["changes"][0].pop("entry")
    changes["changes"][0]["entry"] = None
    check("ChangeList", changes)
    check("Acknowledged", acknowledged)
    check("Suspended", suspended)


@pytest.mark.office
def test_the_csv_opens_in_libreoffice(world: World, tmp_path: Path) -> None:
    """Converted with formulas evaluated where there are any: every cell is the text that was sent."""
    world.is_indexed = False
    texts = ("=1+1", "＝1+1", "@SUM(1)", "两行\n=1+1", '引号"逗号,', "𠮷·样例")
    world.publish(*(replace(PERSON, obligation=text) for text in texts))
    content = world.client().get("/api/v1/entries.csv", headers=grant(world)).data
    (tmp_path / "list.csv").write_bytes(content)
    profile = f"-env:UserInstallation=file://{tmp_path / 'profile'}"
    command = ["soffice", profile, "--headless", "--infilter=CSV:44,34,76,1", "--convert-to", "xlsx"]
    subprocess.run(
        [*command, "--outdir", str(tmp_path), str(tmp_path / "list.csv")], check=True, capture_output=True, timeout=240
    )
    sheet = openpyxl.load_workbook(tmp_path / "list.xlsx").active
    rows = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    heading = rows[0]
    assert heading[0] == "序号"
    assert rows[-1][0] == "#END"
    assert rows[-1][1] == str(len(texts))
    column = heading.index("生效法律文书确定的义务")
    found = {row[column].removeprefix("'") for row in rows[1:-1]}
    assert found == set(texts)

"""Units, what they receive, their liaisons and the measures, by the command line."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from homes import Home
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from unit_world import BASIS, add_unit, import_measures

from registry.tables import LiaisonRow
from registry.units.liaisons import list_liaisons
from registry.units.measures import read_measures
from registry.units.units import get_unit
from registry.units.words import UnitError, check_text
from search_index.sheets import guard_formula


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what is asked here is not asked of the database."""
    return {}


def find(home: Home, slug: str) -> Any:
    return next(one for one in home.ask("unit", "list")["units"] if one["slug"] == slug)


def test_a_reviewer_decides_at_once_and_a_clerks_proposal_waits(home: Home) -> None:
    add_unit(home, "housing", "--push", "--releases")
    home.ask("unit", "add", "tax", "--name", "税务", "--feedback", "--basis", BASIS, "--as", "clerk")
    assert find(home, "housing")["receives"] == {
        "push": True,
        "releases": True,
        "restricted": False,
        "feedback": False,
    }
    assert find(home, "tax")["waiting"]
    assert not find(home, "tax")["receives"]["feedback"]
    assert home.run("unit", "decide", "tax", "--agree", "--as", "clerk").code == 2
    home.ask("unit", "decide", "tax", "--agree", "--as", "reviewer")
    assert find(home, "tax")["receives"]["feedback"]


def test_what_is_not_public_goes_to_a_unit_only_with_a_second_person(home: Home) -> None:
    add_unit(home, "discipline", "--restricted")
    assert not find(home, "discipline")["receives"]["restricted"]
    said = home.run("unit", "decide", "discipline", "--agree", "--as", "reviewer")
    assert said.code == 2
    assert "另一名审核人" in said.err
    assert not find(home, "discipline")["receives"]["restricted"]
    home.ask("unit", "decide", "discipline", "--agree", "--as", "second")
    assert find(home, "discipline")["receives"]["restricted"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "other", "--name", "乙", "--leading"), "领导小组成员"),
        (("add", "other", "--name", "乙", "--recipient", "tv"), "接收代号"),
        (("change", "discipline", "--recipient", "tv"), "接收代号"),
        (("change", "discipline", "--name", "另一单位"), "更名须由审核人登记"),
    ],
)
def test_what_decides_what_a_unit_sees_is_set_by_a_reviewer(home: Home, arguments: tuple[str, ...], said: str) -> None:
    home.ask("unit", "add", "discipline", "--name", "纪检", "--restricted", "--basis", BASIS, "--as", "reviewer")
    home.ask("unit", "decide", "discipline", "--agree", "--as", "second")
    before = home.ask("unit", "list")
    refused = home.run("unit", *arguments, "--as", "clerk")
    assert refused.code == 2
    assert said in refused.err
    assert "由审核人登记" in refused.err.replace("须", "")
    assert home.ask("unit", "list") == before
    home.ask("unit", *arguments, "--as", "reviewer")


def test_one_recipient_belongs_to_one_unit(home: Home) -> None:
    home.ask("unit", "add", "one", "--name", "甲", "--recipient", "tv", "--as", "reviewer")
    for arguments in (("add", "two", "--name", "乙"), ("change", "three")):
        if arguments[0] == "change":
            home.ask("unit", "add", "three", "--name", "丙", "--as", "clerk")
        refused = home.run("unit", *arguments, "--recipient", "tv", "--as", "reviewer")
        assert refused.code == 2
        assert "已经是“甲”的" in refused.err
    home.ask("unit", "change", "one", "--recipient", "", "--as", "reviewer")
    home.ask("unit", "change", "three", "--recipient", "tv", "--as", "reviewer")


def test_no_two_accounts_differ_in_capitals_only(home: Home) -> None:
    add_unit(home, "housing")
    home.ask("unit", "account", "housing", "anna", "--as", "reviewer")
    refused = home.run("unit", "account", "housing", "Anna", "--as", "reviewer")
    assert refused.code == 2
    assert "账户“anna”已经存在" in refused.err


def test_a_declined_proposal_changes_nothing_and_is_gone(home: Home) -> None:
    home.ask("unit", "add", "tax", "--name", "税务", "--push", "--basis", BASIS, "--as", "clerk")
    home.ask("unit", "decide", "tax", "--decline", "--as", "reviewer")
    assert not find(home, "tax")["waiting"]
    assert not find(home, "tax")["receives"]["push"]
    assert home.run("unit", "decide", "tax", "--agree", "--as", "reviewer").code == 2


@pytest.mark.long
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("Bad Slug", "--name", "甲"), "代号"),
        (("housing", "--name", " "), "单位名称"),
        (("housing", "--name", "甲", "--push"), "依据"),
        (("housing", "--name", "甲", "--push", "--basis", "联系人13900000000"), "号码"),
        (("990101198801248055", "--name", "甲"), "代号"),
        (("housing", "--name", "990101198801248055"), "身份证号码"),
        (("taken", "--name", "乙"), "已经有单位使用"),
        (("other", "--name", "已有单位"), "已经有名称"),
    ],
)
def test_what_is_wrong_with_a_unit_is_said_and_nothing_is_done(
    home: Home, arguments: tuple[str, ...], said: str
) -> None:
    add_unit(home, "taken", name="已有单位")
    result = home.run("unit", "add", *arguments, "--as", "reviewer")
    assert result.code == 2
    assert said in result.err
    assert [one["slug"] for one in home.ask("unit", "list")["units"]] == ["taken"]


def test_liaisons_are_sealed_and_those_before_are_kept(home: Home) -> None:
    add_unit(home, "housing")
    for name, phone in (("甲联络", "13900000001"), ("乙联络", "13900000002")):
        home.ask("unit", "liaison", "housing", "--name", name, "--phone", phone, "--as", "clerk")
        home.clock.advance(days=1)
    court = home.court
    with court.reading() as session:
        unit_id = get_unit(session, "housing").id
        found = list_liaisons(session, court.vault, unit_id)
        sealed = session.scalars(select(LiaisonRow.sealed)).all()
        lines = session.execute(text("SELECT detail FROM audit")).scalars().all()
    court.close()
    assert [(one.name, one.phone, one.until is None) for one in found] == [
        ("乙联络", "13900000002", True),
        ("甲联络", "13900000001", False),
    ]
    kept = b"".join(sealed) + "".join(map(str, lines)).encode()
    assert b"1390000" not in kept
    assert "联络".encode() not in kept


@pytest.mark.long
@pytest.mark.parametrize(
    ("values", "said"),
    [
        (("--phone", "9901011988012480559"), "电话"),
        (("--phone", "990101198801248055"), "身份证号码"),
        (("--phone", "无"), "电话"),
        (("--mail", "liaison"), "电子邮箱"),
    ],
)
def test_a_liaison_has_a_telephone_number_and_a_mail_address(home: Home, values: tuple[str, str], said: str) -> None:
    add_unit(home, "housing")
    result = home.run("unit", "liaison", "housing", "--name", "甲联络", *values, "--as", "clerk")
    assert result.code == 2
    assert said in result.err
    good = ("--phone", "0395-1234567 转 802", "--mail", "liaison@example.gov.cn")
    home.ask("unit", "liaison", "housing", "--name", "甲联络", *good, "--as", "clerk")


def test_measures_are_imported_all_or_nothing(home: Home, tmp_path: Path) -> None:
    add_unit(home, "housing")
    import_measures(home, "B-1,限制甲,housing", "B-2,限制乙,")
    bad = tmp_path / "bad.csv"
    bad.write_text("代码,措施,责任单位,依据\nB-1,改过,housing,某条\nB-3,限制丙,nobody,某条\n", encoding="utf-8")
    said = home.run("unit", "measure", "import", bad, "--as", "reviewer")
    assert said.code == 2
    assert "nobody" in said.err
    found = home.ask("unit", "measure", "list")["measures"]
    assert [(one["code"], one["text"], one["unit"]) for one in found] == [
        ("B-1", "限制甲", "housing"),
        ("B-2", "限制乙", None),
    ]


def test_the_example_of_measures_can_be_imported_and_repeated(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "example.toml"
    path.write_text(home.run("unit", "measure", "example").out, encoding="utf-8")
    assert home.ask("unit", "measure", "import", path, "--as", "reviewer")["added"] == 2
    assert home.ask("unit", "measure", "import", path, "--as", "reviewer") == {"added": 0, "changed": 0, "unchanged": 2}


@pytest.mark.parametrize(
    ("content", "is_toml", "said"),
    [
        ("代码,措施\nA,b\n".encode(), False, "表头"),
        ("代码,措施,依据\nA,b\n".encode(), False, "第 2 行有 2 列"),
        ("代码,措施,依据\nA,b,c\nA,d,e\n".encode(), False, "重复"),
        ("代码,措施,依据\n,b,c\n".encode(), False, "第 2 行：措施代码"),
        (b'"', False, "引号"),
        (b"\xff\xfe\x00\x81", False, "编码"),
        (b"measure = 3", True, "[[measure]]"),
        (b"[[measure]]\ncode = 3\n", True, "应为文字"),
        (b'[[measure]]\ncode = "A"\nnote = "x"\n', True, "note"),
        (b"[[", True, "TOML"),
        (b"", False, "表头"),
    ],
)
def test_a_bad_list_of_measures_is_refused_with_its_place(content: bytes, is_toml: bool, said: str) -> None:
    with pytest.raises(UnitError, match=said.replace("[", r"\[")):
        read_measures(content, is_toml=is_toml)


@given(st.binary(max_size=300), st.booleans())
def test_whatever_is_given_as_a_list_of_measures_is_read_or_refused(content: bytes, is_toml: bool) -> None:
    with suppress(UnitError):
        assert read_measures(content, is_toml=is_toml)


@pytest.mark.parametrize(
    "words",
    [
        "99010119800102001X",
        "139 0000 0001",
        "139-0000-0001",
        "0395-1234567",
        "账号6222 0000 1111 2222",
        "１３９００００００００１",
    ],
)
def test_what_is_kept_in_the_clear_has_nobodys_numbers(words: str) -> None:
    with pytest.raises(UnitError, match="号码"):
        check_text(f"联系{words}", "说明")


@pytest.mark.parametrize(
    "words", ["（2025）测0101执123号，2026-10-08 至 2027-01-01", "公开编号 SX-00000000", "共 120,000 元"]
)
def test_dates_amounts_and_case_numbers_are_no_bodys_numbers(words: str) -> None:
    assert check_text(words, "说明") == words


@given(st.text(max_size=20))
def test_no_cell_is_a_formula(cell: str) -> None:
    guarded = guard_formula(cell)
    assert guarded in (cell, f"'{cell}")
    assert guarded.lstrip(" ")[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")

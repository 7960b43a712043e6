"""Export profiles: what is wrong with one is a Chinese line that names the file and the key."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.exports.fields import NAMES
from notifier.exports.profile import ProfileError, list_profiles, open_profile, read_profile
from notifier.exports.sheets import _to_text

WHOLE = """
name = "own"
title = "某平台"
[[entry]]
heading = "编号"
field = "record"
[[entry]]
heading = "类别"
element = "kind"
field = "kind"
map = { person = "580", organisation = "581" }
[[departure]]
heading = "编号"
field = "record"
"""


def test_a_profile_of_ones_own_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    # As an editor on Windows saves it.
    path.write_bytes(b"\xef\xbb\xbf" + WHOLE.encode())
    profile = open_profile(str(path))
    assert (profile.name, profile.formats, profile.encoding) == ("own", ("xlsx", "csv", "xml"), "utf-8-sig")
    assert [column.element for column in profile.columns["entry"]] == ["编号", "kind"]
    assert not profile.has_repairs


def test_the_shipped_ones_are_found_by_name() -> None:
    assert list_profiles() == ["credit_bureau", "credit_platform", "social_file"]
    for name in list_profiles():
        assert open_profile(name).name == name
    with pytest.raises(ProfileError, match="没有导出方案“nothing”：可以用credit_bureau、credit_platform、social_file"):
        open_profile("nothing")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name = "own"', "", "name"),
        ('name = "own"', 'name = "Own Platform"', "name"),
        ('title = "某平台"', 'title = " "', "title"),
        ('title = "某平台"', "title = 3", "title：应为文字"),
        ('title = "某平台"', 'title = "x"\nversion = true', "version：应为整数"),
        ('title = "某平台"', 'title = "x"\nuse_days = 400', "use_days"),
        ('title = "某平台"', 'title = "x"\nencoding = "gbk"', "encoding：“gbk”不能用"),
        ('title = "某平台"', 'title = "x"\nformats = ["pdf"]', "formats"),
        ('title = "某平台"', 'title = "x"\nmodes = []', "modes"),
        ('title = "某平台"', 'title = "x"\nroot = "1x"', "root：“1x”不能作"),
        ('title = "某平台"', 'title = "x"\ntable = 1', "table：没有这一项"),
        ('field = "kind"', 'field = "phone"', "entry 第 2 栏的 field：没有字段“phone”"),
        ('field = "kind"', 'field = "kind"\nwidth = 3', "entry 第 2 栏的width：没有这一项"),
        ('field = "kind"', 'constant = "x"\nfield = "kind"', "entry 第 2 栏：field 和 constant"),
        ('field = "kind"', 'field = "kind"\ndate = "%Y"', "entry 第 2 栏的 date"),
        ('heading = "类别"', 'heading = "编号"', "entry：heading “编号”有两栏"),
        ('element = "kind"', 'element = "编号"', "entry：element “编号”有两栏"),
        ('heading = "类别"', 'heading = "=1+1"', "不能以 = + - @ 开头"),
        (', organisation = "581"', "", "map：要写明且只写明organisation、person的代码"),
        ('field = "record"\n[[entry]]', 'field = "name"\n[[entry]]', "entry：要有一栏的 field 是 record"),
        ('[[departure]]\nheading = "编号"\nfield = "record"', "", "departure：至少要有一栏"),
        ('title = "某平台"', 'title = "x"\nid_numbers = false', None),
        ('field = "kind"\nmap = { person = "580", organisation = "581" }', 'field = "id_number"', None),
        ('title = "某平台"', "title = ", "第 3 行不合 TOML"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_key(old: str, new: str, told: str | None) -> None:
    assert old in WHOLE
    content = WHOLE.replace(old, new, 1).encode()
    if told is None:
        read_profile(content, "own.toml")
        return
    with pytest.raises(ProfileError) as caught:
        read_profile(content, "own.toml")
    message = str(caught.value)
    assert message.startswith("own.toml：")
    assert told in message
    assert "\n" not in message


def test_a_profile_without_identity_numbers_has_none() -> None:
    text = WHOLE.replace('title = "某平台"', 'title = "x"\nid_numbers = false').replace(
        'field = "kind"\nmap = { person = "580", organisation = "581" }', 'field = "id_number_or_uscc"'
    )
    with pytest.raises(ProfileError, match="不带证件号码"):
        read_profile(text.encode(), "own.toml")


def test_no_field_is_of_what_is_not_public() -> None:
    from dataclasses import fields

    from search_index.document import Document

    public = {field.name for field in fields(Document)} | {
        "operation", "status", "publisher", "id_number_or_uscc", "conduct_codes"
    }  # fmt: skip
    assert NAMES["entry"] == public
    assert NAMES["departure"] == {"record", "departed_at", "operation", "status", "publisher"}
    assert NAMES["repair"] == {"record", "decided_on", "document_number", "publisher"}


@given(st.binary(max_size=200))
@settings(max_examples=100)
def test_whatever_is_in_the_file_there_is_one_line(content: bytes) -> None:
    with pytest.raises(ProfileError, match=r"\Aown\.toml：[^\n]+\Z"):
        read_profile(content, "own.toml")


def test_days_and_moments_are_written_as_the_profile_says() -> None:
    moment = datetime(2026, 12, 31, 16, 30, tzinfo=UTC)
    assert _to_text(moment, "%Y年%m月%d日 %H时%M分%S秒") == "2027年01月01日 00时30分00秒"
    assert _to_text(moment, "") == "2027-01-01T00:30:00+08:00"
    assert _to_text(date(2026, 1, 2), "%Y%m%d") == "20260102"


def test_the_profile_in_the_documentation_can_be_used_as_it_stands() -> None:
    page = Path(__file__).parents[2] / "docs" / "exports.md"
    (block,) = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    profile = read_profile(block.encode(), "exports.md")
    assert (profile.name, profile.formats, len(profile.columns["entry"])) == ("city_platform", ("xml", "csv"), 4)

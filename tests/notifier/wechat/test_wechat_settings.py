"""The settings of the account: all or none, one clear line, and no value repeated."""

from __future__ import annotations

from pathlib import Path

import pytest
from wechat_world import AES_KEY, PREVIOUS_AES_KEY

from notifier.wechat.settings import PREFIX, PROVIDER, BadWeChatSetting, read_wechat_settings
from notifier.wechat.templates import BadTemplates, MissingField, fill_in, load_templates, read_templates

WHOLE = {
    "GONGSHI_WECHAT_APPID": "wx00000000000000aa",
    "GONGSHI_WECHAT_SECRET": "0123456789abcdef0123456789abcdef",
    "GONGSHI_WECHAT_TOKEN": "CurrentToken01",
    "GONGSHI_WECHAT_AES_KEY": AES_KEY,
}


def test_none_is_off() -> None:
    assert read_wechat_settings({"GONGSHI_HOME": "/x", "GONGSHI_WECHAT_TOKEN": ""}) is None


def test_all_is_on() -> None:
    settings = read_wechat_settings(
        WHOLE
        | {"GONGSHI_WECHAT_PREVIOUS_TOKEN": "Older1", "GONGSHI_WECHAT_PREVIOUS_AES_KEY": PREVIOUS_AES_KEY}
        | {"GONGSHI_WECHAT_BASE_URL": "http://127.0.0.1:9551/", "GONGSHI_WECHAT_PLAIN": "off"}
    )
    assert settings is not None
    assert settings.tokens == ("CurrentToken01", "Older1")
    assert settings.aes_keys == (AES_KEY, PREVIOUS_AES_KEY)
    assert (settings.base_url, settings.plain) == ("http://127.0.0.1:9551", False)
    plain = read_wechat_settings(WHOLE)
    assert plain is not None
    assert (plain.base_url, plain.plain, plain.tokens) == (PROVIDER, True, ("CurrentToken01",))


@pytest.mark.parametrize("missing", WHOLE)
def test_some_is_one_line_that_names_what_is_missing(missing: str) -> None:
    given = {name: value for name, value in WHOLE.items() if name != missing}
    with pytest.raises(BadWeChatSetting) as raised:
        read_wechat_settings(given)
    assert str(raised.value) == f"微信的设置不全，还缺 {missing}；要么全部写上，要么全部不写"


def test_an_optional_setting_alone_is_not_enough() -> None:
    with pytest.raises(BadWeChatSetting, match="GONGSHI_WECHAT_APPID、GONGSHI_WECHAT_SECRET"):
        read_wechat_settings({"GONGSHI_WECHAT_BASE_URL": PROVIDER})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("APPID", "wx 1"),
        ("SECRET", "geheim"),
        ("TOKEN", "a-token-with-marks"),
        ("TOKEN", "ab"),
        ("AES_KEY", "geheim" * 7),
        ("AES_KEY", "é" * 43),
        ("PREVIOUS_AES_KEY", "geheim"),
        ("PREVIOUS_TOKEN", "x" * 33),
        ("BASE_URL", "http://api.geheim.invalid"),
        ("BASE_URL", "https://geheim@api.invalid"),
        ("BASE_URL", "ftp://127.0.0.1"),
        ("BASE_URL", "https://[geheim"),
        ("PLAIN", "geheim"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_setting_and_not_the_value(name: str, value: str) -> None:
    with pytest.raises(BadWeChatSetting) as raised:
        read_wechat_settings(WHOLE | {PREFIX + name: value})
    line = str(raised.value)
    assert line.startswith(f"设置 GONGSHI_WECHAT_{name} 无效：")
    assert "\n" not in line
    assert value not in line
    assert raised.value.__context__ is None
    for secret in WHOLE.values():
        assert secret not in line


TOML = """
[departure_confirmed]
id = "T1"
kind = "template"
[departure_confirmed.fields]
court = "thing1"
case_number = "character_string2"
day = "time3"
"""


def test_templates_are_read_and_filled_in() -> None:
    template = read_templates(TOML)["departure_confirmed"]
    data = fill_in(
        template, {"court": "测试市" * 8, "case_number": "（2026）测9901执1号", "day": "2026年9月1日\n10:00"}
    )
    assert data == {
        "thing1": {"value": ("测试市" * 8)[:19] + "…"},
        "character_string2": {"value": "（2026）测9901执1号"},
        "time3": {"value": "2026年9月1日 10:00"},
    }


def test_templates_are_loaded_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "templates.toml").write_text(TOML, encoding="utf-8-sig")
    (tmp_path / "broken.toml").write_bytes(b"\xff")
    assert load_templates(None) == {}
    assert load_templates(tmp_path / "templates.toml") == read_templates(TOML)
    for name in ("broken.toml", "absent.toml"):
        with pytest.raises(BadTemplates, match="微信模板文件不能读取"):
            load_templates(tmp_path / name)


def test_a_missing_or_unknown_field_is_named() -> None:
    template = read_templates(TOML)["departure_confirmed"]
    with pytest.raises(MissingField, match="模板缺少：case_number、day"):
        fill_in(template, {"court": "x"})
    with pytest.raises(MissingField, match="模板没有登记：name"):
        fill_in(template, {"court": "x", "case_number": "x", "day": "x", "name": "x"})


@pytest.mark.parametrize("text", ["[", "[a]\nid = 1", '[a]\nid = "x"\nkind = "letter"\n[a.fields]', "a = 1"])
def test_a_bad_template_file_is_one_line(text: str) -> None:
    with pytest.raises(BadTemplates, match="微信模板文件"):
        read_templates(text)

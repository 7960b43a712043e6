"""Settings of SMS: a provider's are all or none, and a bad one is a line that does not show it."""

import os
from typing import Any

import pytest

from notifier.sms.routing import Routes
from notifier.sms.settings import ALIYUN_URL, TWILIO_URL, BadSmsSetting, read_sms_settings, remarks

ACCOUNT = "AC" + "0" * 32
TOKEN = "a-token-that-nobody-may-see"
TWILIO = {
    "GONGSHI_TWILIO_ACCOUNT_SID": ACCOUNT,
    "GONGSHI_TWILIO_AUTH_TOKEN": TOKEN,
    "GONGSHI_TWILIO_FROM": "+15005550006",
    "GONGSHI_GATEWAY_URL": "https://gateway.example.invalid/",
}
ALIYUN = {
    "GONGSHI_ALIYUN_ACCESS_KEY_ID": "LTAI0000",
    "GONGSHI_ALIYUN_ACCESS_KEY_SECRET": TOKEN,
    "GONGSHI_ALIYUN_SIGN_NAME": "测试市人民法院",
    "GONGSHI_ALIYUN_TEMPLATES": "debtor_risk_notice:1=SMS_1, liaison_new_list:2=SMS_2",
}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Any:
    def read(environment: dict[str, str]) -> Any:
        for name in list(os.environ):
            if name.startswith("GONGSHI_"):
                monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return read_sms_settings()

    return read


def test_without_settings_sms_is_off_and_says_so(read: Any) -> None:
    settings = read({})
    assert (settings.twilio, settings.aliyun, settings.routes) == (None, None, Routes())
    assert remarks(settings) == ["短信未设置：不发送短信"]


def test_the_gateways_address_alone_sets_up_no_provider(read: Any) -> None:
    assert read({"GONGSHI_GATEWAY_URL": "https://gateway.example.invalid"}).twilio is None


def test_twilio(read: Any) -> None:
    settings = read(TWILIO)
    assert settings.twilio.base_url == TWILIO_URL
    assert settings.gateway_url == "https://gateway.example.invalid"
    assert settings.routes == Routes(abroad=("twilio",))
    assert "GONGSHI_SMS_ROUTE_CN" in remarks(settings)[0]


def test_aliyun_and_what_is_registered_there(read: Any) -> None:
    settings = read({**ALIYUN, "GONGSHI_SMS_ROUTE_CN": "aliyun"})
    assert settings.aliyun.base_url == ALIYUN_URL
    assert settings.aliyun.registered == {("debtor_risk_notice", 1): "SMS_1", ("liaison_new_list", 2): "SMS_2"}
    assert settings.routes == Routes(mainland=("aliyun",))
    assert remarks(settings) == []


def test_twilio_for_the_mainland_is_possible_and_warned_of(read: Any) -> None:
    settings = read({**TWILIO, **ALIYUN, "GONGSHI_SMS_ROUTE_CN": "aliyun,twilio"})
    assert settings.routes == Routes(mainland=("aliyun", "twilio"), abroad=("twilio",))
    assert "数据存放在境外" in remarks(settings)[0]


@pytest.mark.parametrize("name", sorted(TWILIO))
def test_twilio_is_all_or_none(read: Any, name: str) -> None:
    with pytest.raises(BadSmsSetting, match=f"Twilio 的设置不全，缺少 .*{name}") as error:
        read({key: value for key, value in TWILIO.items() if key != name})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", sorted(ALIYUN))
def test_aliyun_is_all_or_none(read: Any, name: str) -> None:
    with pytest.raises(BadSmsSetting, match=f"阿里云短信 的设置不全，缺少 {name}"):
        read({key: value for key, value in ALIYUN.items() if key != name})


def test_an_address_alone_is_not_a_provider(read: Any) -> None:
    with pytest.raises(BadSmsSetting, match="GONGSHI_TWILIO_ACCOUNT_SID"):
        read({"GONGSHI_TWILIO_BASE_URL": "http://127.0.0.1:1"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GONGSHI_TWILIO_ACCOUNT_SID", TOKEN),
        ("GONGSHI_TWILIO_FROM", "13800000000 转 9"),
        ("GONGSHI_TWILIO_MESSAGING_SERVICE_SID", "MGxyz"),
        ("GONGSHI_TWILIO_BASE_URL", "http://api.example.invalid"),
        ("GONGSHI_TWILIO_BASE_URL", "https://api.example.invalid/?key=1"),
        ("GONGSHI_GATEWAY_URL", "gateway.example.invalid"),
        ("GONGSHI_GATEWAY_URL", "https://user:pass@gateway.example.invalid"),
        ("GONGSHI_GATEWAY_URL", "https://[::1"),
        ("GONGSHI_ALIYUN_TEMPLATES", "debtor_risk_notice=SMS_1"),
        ("GONGSHI_SMS_ROUTE_CN", "tencent"),
        ("GONGSHI_SMS_ROUTE_CN", "twilio,twilio"),
    ],
)
def test_a_bad_value_is_one_line_that_names_it_and_does_not_show_it(read: Any, name: str, value: str) -> None:
    with pytest.raises(BadSmsSetting, match=f"设置 {name} 无效") as error:
        read({**TWILIO, **ALIYUN, name: value})
    assert value not in str(error.value).replace(f"设置 {name} 无效", "")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("route", "given"), [("aliyun", TWILIO), ("twilio", ALIYUN)])
def test_a_route_needs_its_provider(read: Any, route: str, given: dict[str, str]) -> None:
    with pytest.raises(BadSmsSetting, match=f"选择了 {route}"):
        read({**given, "GONGSHI_SMS_ROUTE_CN": route})


def test_no_secret_is_shown_with_the_settings(read: Any) -> None:
    settings = read({**TWILIO, **ALIYUN})
    assert TOKEN not in repr(settings)
    assert TOKEN not in str(settings.model_dump())


def test_the_address_for_reports_is_a_secret_and_belongs_to_an_account(read: Any) -> None:
    path = "report-path-0123456789abcdef"
    settings = read({**ALIYUN, "GONGSHI_ALIYUN_REPORT_PATH": path})
    assert settings.aliyun_report_path is not None
    assert settings.aliyun_report_path.get_secret_value() == path
    assert path not in repr(settings)
    assert read(ALIYUN).aliyun_report_path is None
    with pytest.raises(BadSmsSetting, match="阿里云短信 的设置不全"):
        read({"GONGSHI_ALIYUN_REPORT_PATH": path})
    for wrong in ("too-short", "with/slash/0123456789abcdef", "带有中文的地址0123456789abcdef"):
        with pytest.raises(BadSmsSetting, match="设置 GONGSHI_ALIYUN_REPORT_PATH 无效") as error:
            read({**ALIYUN, "GONGSHI_ALIYUN_REPORT_PATH": wrong})
        assert wrong not in str(error.value)

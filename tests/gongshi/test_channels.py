"""The ways out of a home: which there are, how fast they may be used, and why a setting is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import time, timedelta
from typing import Any

import pytest
from homes import Home
from sqlalchemy.orm import Session
from standins.twilio_server import ACCOUNT, SENDER, TOKEN, TwilioServer
from standins.wechat_phone import APPID
from standins.wechat_server import SECRET, WeChatServer

from gongshi.channels import LIMITS, open_channels, read_providers, read_rules, resume_what_is_set
from gongshi.court import Court
from gongshi.office import open_office
from gongshi.settings import BadSetting, Settings, read_settings
from notifier.channels import ChatMessage, ShortMessage
from notifier.context import Notifier
from notifier.outbox import Draft, enqueue
from notifier.policy import Rules
from notifier.sending import Given, send_due
from notifier.sms.routing import NO_MAINLAND_ROUTE
from notifier.states import Purpose
from notifier.stops import list_pauses, open_digest

GATEWAY = "https://gateway.example.invalid"
TWILIO = {
    "GONGSHI_TWILIO_ACCOUNT_SID": ACCOUNT,
    "GONGSHI_TWILIO_AUTH_TOKEN": TOKEN,
    "GONGSHI_TWILIO_FROM": SENDER,
    "GONGSHI_GATEWAY_URL": GATEWAY,
}
WECHAT = {
    "GONGSHI_WECHAT_APPID": APPID,
    "GONGSHI_WECHAT_SECRET": SECRET,
    "GONGSHI_WECHAT_TOKEN": "CurrentToken01",
    "GONGSHI_WECHAT_AES_KEY": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
}
ALWAYS = {"sandbox", "tasks", "sftp", "webhook", "pull"}
OPENID = "oTESTfollower0000000000000001"
WORDS = ShortMessage(text="【测试市人民法院】测试", template="debtor_risk_notice", version=1, fields={})
CHAT = ChatMessage(template="digest", version=1, fields={"court": "测试市人民法院"})
# The database makes no difference here.
on_sqlite = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture
def given(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Court, Notifier]]]:
    """The court of the home with these settings, and its notifier."""
    opened: list[Court] = []

    def build(**settings: str) -> tuple[Court, Notifier]:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        opened.append(home.court)
        return opened[-1], open_office(opened[-1])

    yield build
    for court in opened:
        court.close()


Build = Callable[..., tuple[Court, Notifier]]


def queue(office: Notifier, court: Court, channel: str, content: Any, address: str) -> None:
    digest = open_digest(office.engine)
    draft = Draft(key=f"{channel}/{address}", purpose=Purpose.NOTICE, channel=channel, content=content, address=address)
    with Session(office.engine) as session, session.begin():
        enqueue(session, [draft], now=court.now, digest=digest)


def send(office: Notifier, court: Court) -> int:
    given = Given(rules=read_rules(court.settings, training=False), store=court.store)
    channels = open_channels(court, office)
    try:
        return send_due(office, channels, clock=court.world.now, worker="测试", given=given)
    finally:
        for channel in channels.values():
            getattr(channel, "close", lambda: None)()


@on_sqlite
def test_without_settings_there_is_what_needs_none(given: Build) -> None:
    court, office = given()
    assert open_channels(court, office).keys() == ALWAYS


@on_sqlite
def test_each_provider_brings_its_channels(given: Build) -> None:
    court, office = given(**TWILIO, **WECHAT, GONGSHI_SMTP_URL="smtp://127.0.0.1:2525?from=court@example.com")
    channels = open_channels(court, office)
    assert channels.keys() == ALWAYS | {"sms", "sms_cn", "wechat", "mail"}
    channels["sms"].close()  # type: ignore[attr-defined]


@on_sqlite
def test_what_is_queued_goes_to_the_providers_of_the_settings(home: Home, given: Build) -> None:
    with TwilioServer(home.clock) as twilio, WeChatServer(clock=home.clock).running() as wechat:
        wechat.followers.add(OPENID)
        templates = home.folder / "templates.toml"
        templates.write_text('[digest]\nid = "T1"\nkind = "template"\n[digest.fields]\ncourt = "thing1"\n')
        wechat.templates["T1"] = {"thing1"}
        court, office = given(
            **TWILIO, **WECHAT,
            GONGSHI_TWILIO_BASE_URL=twilio.url,
            GONGSHI_WECHAT_BASE_URL=wechat.address,
            GONGSHI_WECHAT_TEMPLATES=str(templates),
        )  # fmt: skip
        queue(office, court, "sms", WORDS, "+12025550123")
        queue(office, court, "wechat", CHAT, OPENID)
        assert send(office, court) == 2
        (sms,) = twilio.messages
        assert sms.to == "+12025550123"
        assert sms.callback.startswith(f"{GATEWAY}/twilio/status?dispatch=")
        assert [sent.openid for sent in wechat.of_kind("template")] == [OPENID]


@on_sqlite
def test_a_message_for_the_mainland_waits_with_its_reason_until_a_route_is_chosen(home: Home, given: Build) -> None:
    with TwilioServer(home.clock) as twilio:
        court, office = given(**TWILIO, GONGSHI_TWILIO_BASE_URL=twilio.url)
        queue(office, court, "sms_cn", WORDS, "+8613800000000")
        queue(office, court, "sms", WORDS, "+12025550123")
        send(office, court)
        assert [(pause.channel, pause.reason) for pause in list_pauses(office.engine)] == [
            ("sms_cn", NO_MAINLAND_ROUTE.reason)
        ]
        resume_what_is_set(office, read_providers(court, office))
        assert list_pauses(office.engine)
        court, office = given(GONGSHI_SMS_ROUTE_CN="twilio")
        resume_what_is_set(office, read_providers(court, office))
        assert not list_pauses(office.engine)
        home.clock.advance(hours=1)
        send(office, court)
        assert {message.to for message in twilio.messages} == {"+8613800000000", "+12025550123"}


@on_sqlite
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GONGSHI_WECHAT_TOKEN", "secret canary"),
        ("GONGSHI_TWILIO_ACCOUNT_SID", "secret-canary"),
        ("GONGSHI_SMTP_URL", "ftp://secret-canary"),
        ("GONGSHI_WECHAT_TEMPLATES", "/nowhere/templates.toml"),
    ],
)
def test_a_bad_setting_of_a_provider_is_one_line_without_its_value(given: Build, name: str, value: str) -> None:
    court, office = given(**{**TWILIO, **WECHAT, name: value})
    with pytest.raises(BadSetting, match=rf"^设置 {name} 无效：[^\n]*[\u4e00-\u9fff]+") as error:
        open_channels(court, office)
    assert "canary" not in str(error.value)


# How it is sent -----------------------------------------------------------------------------------------------------


def test_the_rules_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_rules(read_settings(), training=False) == Rules(channels=LIMITS)
    for name, value in {
        "PUSH_APPROVAL": "required", "SENDING": "dry_run", "TRIAL": "tv， +8613800000000,",
        "QUIET_OPENS": "9:30", "QUIET_CLOSES": "18：00", "CITIZEN_DAILY": "5",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"GONGSHI_{name}", value)
    assert read_rules(read_settings(), training=False) == Rules(
        channels=LIMITS, opens=time(9, 30), closes=time(18), citizen_cap=5, dry_run=True, approval_required=True,
        trial=frozenset({"tv", "+8613800000000"}),
    )  # fmt: skip


def test_a_trial_with_nobody_in_it_reaches_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGSHI_TRIAL", ",")
    assert read_rules(read_settings(), training=False).trial == frozenset()


def test_citizens_are_woken_in_training_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGSHI_QUIET_HOURS", "off")
    assert not read_rules(read_settings(), training=True).quiet
    with pytest.raises(BadSetting, match="GONGSHI_QUIET_HOURS"):
        read_rules(read_settings(), training=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEWAY_URL", "http://gateway.example.invalid"),
        ("GATEWAY_URL", "https://gateway.example.invalid/?key=secret"),
        ("GATEWAY_URL", "https://gateway.example.invalid/notify"),
        ("GATEWAY_URL", "https://user:secret@gateway.example.invalid"),
        ("GATEWAY_URL", "https://[::1"),
        ("GATEWAY_URL", "gateway.example.invalid"),
        ("COMMISSION_NUMBER", "{name}号"),
        ("PUSH_APPROVAL", "yes"),
        ("SENDING", "secret"),
        ("QUIET_HOURS", "0"),
        ("WECHAT_DIGEST", "all"),
        ("QUIET_OPENS", "8"),
        ("QUIET_CLOSES", "24:00"),
        ("CITIZEN_DAILY", "0"),
        ("CITIZEN_DAILY", "many"),
    ],
)
def test_a_bad_setting_of_sending_is_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"GONGSHI_{name}", value)
    with pytest.raises(BadSetting, match=rf"^设置 GONGSHI_{name} 无效：[^\n]*[\u4e00-\u9fff]+") as error:
        read_settings()
    assert "secret" not in str(error.value)


def test_hours_that_end_before_they_begin_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGSHI_QUIET_OPENS", "20:00")
    with pytest.raises(BadSetting, match=r"GONGSHI_QUIET_OPENS.*GONGSHI_QUIET_CLOSES"):
        read_settings()


def test_a_gateway_on_this_machine_may_do_without_encryption() -> None:
    assert Settings(gateway_url="http://127.0.0.1:8002/").gateway_url == "http://127.0.0.1:8002"


def test_one_recipients_dead_server_holds_up_no_other() -> None:
    assert all(LIMITS[name].concurrency >= 4 for name in ("sftp", "webhook", "pull"))
    assert LIMITS["wechat"].per_day == 100_000
    assert all(limits.first_wait <= timedelta(minutes=1) for limits in LIMITS.values())

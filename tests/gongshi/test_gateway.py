"""The gateway as one application: what it offers, with which accounts, and what it keeps to itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import structlog
from entries import a_person
from flask.testing import FlaskClient
from homes import Home
from sqlalchemy import select
from sqlalchemy.orm import Session
from standins.twilio_server import ACCOUNT, SENDER, TwilioServer
from standins.twilio_server import TOKEN as TWILIO_TOKEN
from standins.wechat_phone import APPID, Phone
from standins.wechat_server import SECRET

from gongshi.channels import Providers, open_channels, read_providers
from gongshi.court import Court
from gongshi.gateway import create_gateway, tell_what_is_off
from gongshi.office import open_office
from gongshi.settings import BadSetting
from notifier.context import Notifier
from notifier.outbox import Draft, enqueue
from notifier.sms.channel import SmsChannel
from notifier.states import MessageState, Purpose
from notifier.stops import find_suppressed, open_digest
from notifier.tables import MessageRow
from notifier.wechat.conversation import DIGEST
from notifier.wechat.followers import FollowerBook
from search_index.keypad import keys_of

TOKEN, AES_KEY = "CurrentToken01", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
GATEWAY, SITE = "https://gateway.example.invalid", "https://list.example.invalid"
REPORTS = "report-path-0123456789abcdef"
NUMBER = "+12025550123"
WECHAT = {
    "GONGSHI_WECHAT_APPID": APPID,
    "GONGSHI_WECHAT_SECRET": SECRET,
    "GONGSHI_WECHAT_TOKEN": TOKEN,
    "GONGSHI_WECHAT_AES_KEY": AES_KEY,
}
TWILIO = {
    "GONGSHI_TWILIO_ACCOUNT_SID": ACCOUNT,
    "GONGSHI_TWILIO_AUTH_TOKEN": TWILIO_TOKEN,
    "GONGSHI_TWILIO_FROM": SENDER,
    "GONGSHI_GATEWAY_URL": GATEWAY,
}
ALIYUN = {
    "GONGSHI_ALIYUN_ACCESS_KEY_ID": "id-of-the-stand-in",
    "GONGSHI_ALIYUN_ACCESS_KEY_SECRET": "secret-of-the-stand-in",
    "GONGSHI_ALIYUN_SIGN_NAME": "测试市人民法院",
    "GONGSHI_ALIYUN_TEMPLATES": "debtor_risk_notice:1=SMS_100000001",
    "GONGSHI_ALIYUN_REPORT_PATH": REPORTS,
}
Open = Callable[..., FlaskClient]
# The database makes no difference here.
on_sqlite = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture
def open_court(home: Home) -> Iterator[Callable[[], Court]]:
    """Opens the court of the home, with the settings of the moment."""
    opened: list[Court] = []

    def build() -> Court:
        opened.append(home.court)
        return opened[-1]

    yield build
    for court in opened:
        court.close()


@pytest.fixture
def open_gateway(open_court: Callable[[], Court], monkeypatch: pytest.MonkeyPatch) -> Open:
    """The gateway of the home with these settings, as its callers meet it."""

    def build(**settings: str) -> FlaskClient:
        for name, value in {"GONGSHI_PUBLIC_URL": SITE, **settings}.items():
            monkeypatch.setenv(name, value)
        return create_gateway(open_court()).test_client()

    return build


@pytest.fixture
def office(open_court: Callable[[], Court]) -> Notifier:
    return open_office(open_court())


@pytest.fixture
def read_again(open_court: Callable[[], Court]) -> Callable[[], Providers]:
    """Reads the providers as another process of the home would."""

    def read() -> Providers:
        court = open_court()
        return read_providers(court, open_office(court))

    return read


def phone(client: FlaskClient, home: Home, **how: Any) -> Phone:
    def post(query: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        answer = client.post("/wechat", query_string=dict(query), data=body, content_type="text/xml")
        return answer.status_code, answer.data

    return Phone(**{"post": post, "clock": home.clock, "token": TOKEN, "aes_key": AES_KEY, **how})


def call_twilio(client: FlaskClient, path: str, form: Mapping[str, str], token: str = TWILIO_TOKEN) -> int:
    signer = TwilioServer.__new__(TwilioServer)
    signer.token = token
    signature = signer.sign(f"{GATEWAY}{path}", dict(form))
    answer = client.post(path, data=dict(form), headers={"X-Twilio-Signature": signature})
    return answer.status_code


def queue(home: Home, office: Notifier, channel: str) -> str:
    """A message that has been called and answered with the reference SM…1; its dispatch id."""
    from notifier.channels import ShortMessage
    from notifier.tables import AttemptRow

    words = ShortMessage(text="【测试市人民法院】测试", template="debtor_risk_notice", version=1, fields={})
    digest, now = open_digest(office.engine), home.clock()
    with Session(office.engine) as session, session.begin():
        draft = Draft(key="a", purpose=Purpose.NOTICE, channel=channel, content=words, address=NUMBER)
        enqueue(session, [draft], now=now, digest=digest)
        row = session.scalars(select(MessageRow)).one()
        row.state, row.attempts = MessageState.ACCEPTED, 1
        session.add(
            AttemptRow(
                message_id=row.id, number=1, worker="t", begun_at=now, called_at=now, ended_at=now,
                outcome=MessageState.ACCEPTED, reference="SM" + "1" * 32 if channel == "sms" else "900^0",
            )
        )  # fmt: skip
        return row.dispatch


def state(office: Notifier) -> str:
    with Session(office.engine) as session:
        return session.scalars(select(MessageRow.state)).one()


def test_a_follower_asks_follows_and_leaves(home: Home, open_gateway: Open, office: Notifier) -> None:
    home.publish(a_person(name="王䶮"))
    asking = phone(open_gateway(**WECHAT), home)
    text = asking.say("王䶮").text
    assert text is not None
    assert "共 1 条" in text
    assert f"{SITE}/entries/SX-" in text
    asking.say("订阅")
    book = FollowerBook(office.engine)
    assert book.list_followers(DIGEST) == [asking.openid]
    asking.leave()
    assert book.count_followers() == {}


def test_receipts_and_words_by_sms_reach_the_outbox(home: Home, open_gateway: Open, office: Notifier) -> None:
    client = open_gateway(**TWILIO)
    path = f"/twilio/status?dispatch={queue(home, office, 'sms')}&attempt=1"
    form = {"MessageSid": "SM" + "1" * 32, "MessageStatus": "delivered", "To": NUMBER}
    assert call_twilio(client, path, form, token="another") == 403
    assert state(office) == MessageState.ACCEPTED
    assert call_twilio(client, path, form) == 200
    assert state(office) == MessageState.DELIVERED
    stop = {"MessageSid": "SM" + "2" * 32, "From": NUMBER, "Body": "退订"}
    assert call_twilio(client, "/twilio/inbound", stop) == 200
    hashed = open_digest(office.engine)(NUMBER)
    with Session(office.engine) as session:
        assert hashed in find_suppressed(session, [hashed])


def test_reports_of_aliyun_come_to_a_secret_address(home: Home, open_gateway: Open, office: Notifier) -> None:
    client = open_gateway(**ALIYUN)
    report = {"biz_id": "900^0", "out_id": queue(home, office, "sms_cn"), "success": True, "err_code": "DELIVERED"}
    for path in ("/aliyun/", f"/aliyun/{REPORTS}x", "/aliyun/wrong", f"/aliyun/{REPORTS}/more"):
        assert client.post(path, json=[report]).status_code == 404
    assert state(office) == MessageState.ACCEPTED
    answer = client.post(f"/aliyun/{REPORTS}", json=[report])
    assert (answer.status_code, json.loads(answer.data)["code"]) == (200, 0)
    assert state(office) == MessageState.DELIVERED
    for body in (b"", b"{", b"[1]", b"\xff", b"[" * 5000):
        assert client.post(f"/aliyun/{REPORTS}", data=body).status_code == 400
    assert client.post(f"/aliyun/{REPORTS}", data=b"[" * 100_000).status_code == 413


@on_sqlite
@pytest.mark.parametrize("path", ["/wechat", "/twilio/status", "/twilio/inbound", f"/aliyun/{REPORTS}"])
def test_what_is_not_set_up_is_not_there(open_gateway: Open, read_again: Callable[[], Providers], path: str) -> None:
    client = open_gateway()
    assert client.post(path).status_code == 404
    told = "\n".join(tell_what_is_off(read_again()))
    assert path.rpartition("/")[0] in told
    assert REPORTS not in told


@on_sqlite
def test_what_is_set_up_is_not_told_to_be_off(open_gateway: Open, read_again: Callable[[], Providers]) -> None:
    open_gateway(**WECHAT, **TWILIO, **ALIYUN)
    assert tell_what_is_off(read_again()) == []


@on_sqlite
def test_health_and_errors_are_plain_and_every_answer_is_closed(open_gateway: Open) -> None:
    client = open_gateway(**TWILIO)
    assert (client.get("/healthz").status_code, client.get("/healthz").text) == (200, "ok\n")
    for answer in (client.get("/healthz"), client.get("/nowhere"), client.post("/healthz")):
        assert answer.mimetype == "text/plain"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert client.post("/healthz").headers["Allow"]


@on_sqlite
def test_no_log_repeats_a_path_a_query_or_a_body(home: Home, open_gateway: Open) -> None:
    client = open_gateway(**WECHAT, **TWILIO, **ALIYUN)
    secrets = ("王某某", REPORTS, "gsp_canary", "canarytoken", NUMBER)
    with structlog.testing.capture_logs() as logged:
        phone(client, home).say("王某某")
        client.get("/wechat?signature=canarytoken")
        client.post(f"/aliyun/{REPORTS}", data=b"{")
        client.get("/acks/abcdefghijklmnopqrst-canarytoken")
        client.get("/packages/abcdefghijklmnopqrst-canarytoken/")
        client.get("/pull", headers={"Authorization": "Bearer gsp_canary"})
        call_twilio(client, "/twilio/inbound", {"From": NUMBER, "Body": "STOP", "MessageSid": "SM" + "2" * 32})
    assert len(logged) >= 7
    assert not [secret for secret in secrets if secret in repr(logged)]


@on_sqlite
def test_an_error_that_nobody_foresaw_tells_its_kind_and_place(
    open_gateway: Open, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = open_gateway()

    def fail(*args: object) -> None:
        raise LookupError("canarytoken")

    client.application.view_functions["health"] = fail
    with structlog.testing.capture_logs() as logged:
        answer = client.get("/healthz?canarytoken")
    assert answer.status_code == 500
    assert "canarytoken" not in answer.text + repr(logged) + "".join(capsys.readouterr())
    assert any(line.get("type") == "LookupError" for line in logged)


@on_sqlite
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GONGSHI_WECHAT_APPID", "wx"),
        ("GONGSHI_TWILIO_AUTH_TOKEN", "secret-canary"),
        ("GONGSHI_ALIYUN_REPORT_PATH", "short"),
        ("GONGSHI_SMTP_URL", "secret-canary"),
        ("GONGSHI_QUIET_HOURS", "off"),
    ],
)
def test_a_bad_setting_is_one_line_before_anything_listens(
    home: Home, open_court: Callable[[], Court], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSetting, match=r"[\u4e00-\u9fff]"):
        create_gateway(open_court())
    said = home.run("serve", "gateway", "--bind", "127.0.0.1:0")
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert "canary" not in said.err


def open_databases(home: Home) -> list[str]:
    """The databases of the home that this process holds open."""
    held = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing itself has one
            held.append(str(descriptor.readlink()))
    return [name for name in held if name.startswith(str(home.folder)) and ".db" in name]


@on_sqlite
def test_what_is_made_before_the_server_forks_holds_no_database_open(
    home: Home, open_court: Callable[[], Court], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that two processes have inherited belongs to neither: who closes it drops the other's locks."""
    home.run("profile", "--set", "training=是", "--as", "reviewer")
    court = open_court()
    assert court.profile().training
    assert open_databases(home), "this is what the look would find"
    court.engine.dispose()
    app = create_gateway(court)
    assert open_databases(home) == []
    assert app.test_client().get("/pull", headers={"Authorization": "Bearer gsp_wrong"}).status_code == 401


# Training -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def training(home: Home, read_again: Callable[[], Providers]) -> Providers:
    """The home's accounts once it is one for training."""
    home.run("profile", "--set", "training=是", "--as", "reviewer")
    return read_again()


def test_in_training_the_accounts_are_made_up_and_the_same_in_every_process(
    home: Home, training: Providers, open_gateway: Open, read_again: Callable[[], Providers]
) -> None:
    again = read_again()
    assert again.wechat is not None
    assert training.wechat is not None
    assert again.wechat.tokens == training.wechat.tokens != (TOKEN,)
    assert again.wechat.aes_keys == training.wechat.aes_keys != (AES_KEY,)
    client = open_gateway()
    assert phone(client, home).say("帮助").status == 403
    own = {"token": again.wechat.tokens[0], "aes_key": again.wechat.aes_keys[0], "appid": again.wechat.appid}
    text = phone(client, home, **own).say("帮助").text
    assert text is not None
    assert "订阅" in text
    (line,) = tell_what_is_off(again)
    assert "沙盒" in line


@on_sqlite
def test_in_training_real_accounts_are_refused_and_no_value_of_them_is_told(
    training: Providers, monkeypatch: pytest.MonkeyPatch, read_again: Callable[[], Providers]
) -> None:
    for name, value in {**WECHAT, **TWILIO}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadSetting) as refused:
        read_again()
    told = str(refused.value)
    assert "演练" in told
    accounts = {name: value for name, value in {**WECHAT, **TWILIO}.items() if name != "GONGSHI_GATEWAY_URL"}
    assert all(name in told for name in accounts)
    assert not [value for value in accounts.values() if value in told]


@on_sqlite
def test_in_training_no_client_of_a_provider_is_ever_built(
    training: Providers, monkeypatch: pytest.MonkeyPatch, open_court: Callable[[], Court]
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise AssertionError("a provider's client")

    for place in ("gongshi.channels.open_sms", "gongshi.channels.open_wechat_channel"):
        monkeypatch.setattr(place, fail)
    monkeypatch.setattr("gongshi.gateway.open_wechat_channel", fail)
    court = open_court()
    channels = open_channels(court, open_office(court))
    assert channels["sms"] is channels["sms_cn"] is channels["wechat"] is channels["sandbox"]
    assert not isinstance(channels["sms"], SmsChannel)
    create_gateway(open_court())


@on_sqlite
def test_the_voice_line_says_whether_a_number_is_public_and_no_name(home: Home, open_gateway: Open) -> None:
    home.publish(a_person(1, name="甲测试"))
    with home.court.store.snapshot(home.clock()) as snapshot:
        (document,) = snapshot.newest(1)
    client, path = open_gateway(**TWILIO), "/twilio/voice?try=1"
    signer = TwilioServer.__new__(TwilioServer)
    signer.token = TWILIO_TOKEN

    def ask() -> str:
        form = {"CallSid": "CA" + "0" * 32, "From": NUMBER, "Digits": keys_of(document.record)}
        headers = {"X-Twilio-Signature": signer.sign(f"{GATEWAY}{path}", form)}
        return client.post(path, data=form, headers=headers).text

    assert "正在公示" in ask()
    home.ask("withdraw", document.record, "--ground", "wrongly_listed", "--basis", "执异裁定", "--as", "reviewer")
    said = ask()
    assert "已经不再公示" in said
    assert "甲测试" not in said
    assert call_twilio(client, "/twilio/voice", {"CallSid": "CA" + "0" * 32}) == 200
    assert call_twilio(client, "/twilio/voice", {"CallSid": "CA" + "0" * 32}, token="another") == 403

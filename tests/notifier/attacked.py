"""The whole gateway over a home that has sent its list, for tests that attack it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from fresh import PARTS, fresh_databases
from homes import Clock, Home
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from standins.hook_server import SECRET
from standins.twilio_server import ACCOUNT, SENDER, TOKEN, TwilioServer
from standins.wechat_phone import APPID, Phone

from gongshi.gateway import create_gateway
from gongshi.office import open_office
from notifier.links import open_links
from notifier.states import Purpose
from notifier.tables import (
    AcknowledgementRow,
    GatewayEventRow,
    MessageRow,
    ReceiptRow,
    RecipientRow,
    SuppressionRow,
)
from notifier.wechat.tables import WeChatFollowerRow

GATEWAY = "https://gateway.example.invalid"
OTHER_SECRET = "whsec_" + base64.b64encode(b"the-secret-of-another-recipient").decode()
REPORT_PATH = "R" * 24
WECHAT_TOKEN = "CurrentToken01"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
_WRITTEN = (AcknowledgementRow, GatewayEventRow, ReceiptRow, SuppressionRow, WeChatFollowerRow)
NUMBERS = count(1)
# No two messages of an account have the same number, whoever says them.
MESSAGES = count(23_000_000_000_000_001)


@dataclass
class Gateway:
    """The gateway of a home that has sent its list to six recipients, as its callers see it."""

    home: Home
    client: FlaskClient
    engine: Engine
    twilio: TwilioServer
    tokens: Mapping[str, str]

    def dispatch(self, slug: str) -> str:
        """The number of the package that went to a recipient."""
        query = (
            select(MessageRow.dispatch)
            .join(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
            .where(RecipientRow.slug == slug, MessageRow.purpose == Purpose.PACKAGE)
        )
        with Session(self.engine) as session:
            return session.scalars(query).one()

    def links(self, slug: str) -> tuple[str, str]:
        """The paths of its package and of its acknowledgement."""
        links = open_links(self.engine, GATEWAY)
        package, acknowledge = links.package(self.dispatch(slug)), links.acknowledge(self.dispatch(slug))
        assert package is not None
        assert acknowledge is not None
        return package.removeprefix(GATEWAY), acknowledge.removeprefix(GATEWAY)

    def written(self) -> list[int]:
        """How much there is of all that callers may write."""
        with Session(self.engine) as session:
            return [session.scalar(select(func.count()).select_from(row)) or 0 for row in _WRITTEN]

    def acknowledged(self, slug: str) -> list[str]:
        query = (
            select(AcknowledgementRow.kind)
            .join(MessageRow, MessageRow.id == AcknowledgementRow.message_id)
            .where(MessageRow.dispatch == self.dispatch(slug))
        )
        with Session(self.engine) as session:
            return list(session.scalars(query.order_by(AcknowledgementRow.id)))

    def sign(self, body: bytes, *, secret: str = SECRET, number: str | None = None, age: int = 0) -> dict[str, str]:
        """Headers of a signed answer, made from the specification."""
        number = number or f"msg-{next(NUMBERS)}"
        at = str(int(self.home.clock().timestamp()) - age)
        key = base64.b64decode(secret.removeprefix("whsec_"))
        digest = hmac.digest(key, f"{number}.{at}.".encode() + body, hashlib.sha256)
        signature = f"v1,{base64.b64encode(digest).decode()}"
        return {"webhook-id": number, "webhook-timestamp": at, "webhook-signature": signature}

    def phone(self, aes_key: str | None = None) -> Phone:
        def post(query: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
            answer = self.client.post("/wechat", query_string=dict(query), data=body)
            return answer.status_code, answer.data

        openid = f"oTESTfollower{next(NUMBERS):016d}"
        clock = self.home.clock
        return Phone(post=post, clock=clock, token=WECHAT_TOKEN, openid=openid, aes_key=aes_key, numbers=MESSAGES)

    def call_twilio(self, path: str, form: Mapping[str, str], query: str = "") -> int:
        """A request as Twilio signs it."""
        address = f"{GATEWAY}{path}" + (f"?{query}" if query else "")
        headers = {"X-Twilio-Signature": self.twilio.sign(address, dict(form))}
        url = f"{path}?{query}" if query else path
        return self.client.post(url, data=urlencode(form).encode(), headers=headers, content_type=FORM).status_code


FORM = "application/x-www-form-urlencoded"


class _Ear:
    """What commands print, one after the other."""

    def __init__(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()

    def __call__(self) -> tuple[str, str]:
        said = self.out.getvalue(), self.err.getvalue()
        for stream in (self.out, self.err):
            stream.seek(0)
            stream.truncate()
        return said


@contextmanager
def open_gateway(founded: Path, folder: Path, kind: str) -> Iterator[Gateway]:
    """A gateway over a copy of the home `founded` in `folder`, on databases of this kind."""
    ear, clock = _Ear(), Clock()
    shutil.copytree(founded, folder)
    with (
        fresh_databases(kind) as databases,
        TwilioServer(clock) as twilio,
        pytest.MonkeyPatch.context() as env,
    ):
        for part in PARTS:
            env.delenv(f"GONGSHI_{part.upper()}_URL", raising=False)
        for name, value in {"GONGSHI_HOME": str(folder), **databases, **_settings(twilio)}.items():
            env.setenv(name, value)
        home = Home(folder, clock, ear, dict(databases))
        with redirect_stdout(ear.out), redirect_stderr(ear.err):
            if databases:
                assert home.run("init").code == 0
                assert home.run("user", "add", "reviewer", "--role", "reviewer", typed="a-long-password\n").code == 0
            tokens = _found(home)
        court = home.court
        client = create_gateway(court).test_client()
        yield Gateway(home, client, open_office(court).engine, twilio, tokens)
        court.close()


def _settings(twilio: TwilioServer) -> dict[str, str]:
    return {
        "GONGSHI_GATEWAY_URL": GATEWAY,
        "GONGSHI_WEBHOOK_LOOPBACK": "yes",
        "GONGSHI_TWILIO_ACCOUNT_SID": ACCOUNT,
        "GONGSHI_TWILIO_AUTH_TOKEN": TOKEN,
        "GONGSHI_TWILIO_FROM": SENDER,
        "GONGSHI_TWILIO_BASE_URL": twilio.url,
        "GONGSHI_WECHAT_APPID": APPID,
        "GONGSHI_WECHAT_SECRET": "0" * 32,
        "GONGSHI_WECHAT_TOKEN": WECHAT_TOKEN,
        "GONGSHI_WECHAT_AES_KEY": AES_KEY,
        "GONGSHI_ALIYUN_ACCESS_KEY_ID": "LTAI0000000000000000",
        "GONGSHI_ALIYUN_ACCESS_KEY_SECRET": "0" * 30,
        "GONGSHI_ALIYUN_SIGN_NAME": "测试市法院",
        "GONGSHI_ALIYUN_TEMPLATES": "debtor_risk_notice:1=SMS_100000001",
        "GONGSHI_ALIYUN_REPORT_PATH": REPORT_PATH,
    }


def _found(home: Home) -> dict[str, str]:
    """Six recipients, the list of a quarter on its way to them; the tokens of those who fetch it."""
    tokens = {}
    for slug, channel, secret in (
        ("hook-a", "webhook", SECRET),
        ("hook-b", "webhook", OTHER_SECRET),
        ("hook-c", "webhook", SECRET),
        ("pull-a", "pull", ""),
        ("pull-b", "pull", ""),
        ("pull-c", "pull", ""),
    ):
        more = ("--address", "http://127.0.0.1:9/in", "--ask-secret") if secret else ()
        said = home.run(
            "recipient", "add", slug, "--name", slug, "--kind", "television", "--channel", channel, *more,
            "--as", "reviewer", "--json", typed=f"{secret}\n",
        )  # fmt: skip
        assert said.code == 0, said.out + said.err
        tokens[slug] = said.json["token"] or ""
    home.ask("push", "--period", "2026Q3")
    assert home.run("worker", "--once").code == 0
    return tokens

"""Providers of SMS on loopback, channels that speak to them, and the gateway they call."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
import trustme
from flask import Flask
from pydantic import SecretStr
from standins import aliyun_server, twilio_server
from standins.aliyun_server import AliyunServer
from standins.twilio_server import Loopback, TwilioServer
from werkzeug.serving import make_server

from notifier.channels import Dispatch
from notifier.gateway_twilio import twilio_gateway
from notifier.sms.aliyun_channel import AliyunChannel
from notifier.sms.receipts import Event
from notifier.sms.settings import AliyunSettings, SmsSettings, TwilioSettings
from notifier.sms.templates import fill
from notifier.sms.texts import TEMPLATES, get_newest
from notifier.sms.twilio_channel import TwilioChannel

ABROAD = "+12025550123"
MAINLAND = "+8613800000000"
TEMPLATE_CODE = "SMS_100000001"


@dataclass
class Applied:
    """What the gateway was given to apply; `before` runs first, and may raise or wait."""

    events: list[Event] = field(default_factory=list)
    before: Callable[[], object] = lambda: None

    def __call__(self, event: Event) -> None:
        self.before()
        self.events.append(event)


@dataclass
class Gateway:
    url: str
    applied: Applied


@pytest.fixture
def twilio(clock: Any) -> Iterator[TwilioServer]:
    with TwilioServer(clock) as server:
        yield server


@pytest.fixture
def aliyun(clock: Any) -> Iterator[AliyunServer]:
    template = get_newest("debtor_departure_confirmed")
    with AliyunServer(clock, {TEMPLATE_CODE: set(template.fields) - {"website"}}) as server:
        yield server


@pytest.fixture
def twilio_settings(twilio: TwilioServer) -> TwilioSettings:
    return TwilioSettings(
        account_sid=twilio_server.ACCOUNT,
        auth_token=SecretStr(twilio_server.TOKEN),
        sender=twilio_server.SENDER,
        base_url=twilio.url,
    )


@pytest.fixture
def aliyun_settings(aliyun: AliyunServer) -> AliyunSettings:
    return AliyunSettings(
        access_key_id=aliyun_server.KEY_ID,
        access_key_secret=SecretStr(aliyun_server.KEY_SECRET),
        sign_name=aliyun_server.SIGN_NAME,
        registered={("debtor_departure_confirmed", 1): TEMPLATE_CODE},
        base_url=aliyun.url,
    )


@pytest.fixture
def gateway(twilio_settings: TwilioSettings) -> Iterator[Gateway]:
    """The gateway behind a real HTTP server; it answers within a second."""
    applied = Applied()
    app = Flask("gateway")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    app.register_blueprint(twilio_gateway(SmsSettings(twilio=twilio_settings, gateway_url=url), applied, within=1.0))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield Gateway(url, applied)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def by_twilio(twilio_settings: TwilioSettings, gateway: Gateway, clock: Any) -> Iterator[TwilioChannel]:
    channel = TwilioChannel(twilio_settings, f"{gateway.url}/twilio/status", clock=clock, timeout=2.0)
    with closing(channel):
        yield channel


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port whose queue of connections is full: nobody there answers, nor refuses."""
    with contextlib.ExitStack() as held:
        server = held.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(3):
            client = held.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield server.getsockname()[1]


@pytest.fixture
def impostor() -> Iterator[str]:
    """An address with a certificate that nobody vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with Loopback(context) as server:
        yield server.url


@pytest.fixture
def nonces() -> Callable[[], str]:
    numbers = count()
    return lambda: f"nonce-{next(numbers)}"


@pytest.fixture
def by_aliyun(aliyun_settings: AliyunSettings, clock: Any, nonces: Callable[[], str]) -> Iterator[AliyunChannel]:
    with closing(AliyunChannel(aliyun_settings, clock=clock, nonce=nonces, timeout=2.0)) as channel:
        yield channel


@pytest.fixture
def dispatch(clock: Any) -> Callable[..., Dispatch]:
    """A message to a debtor, one after the other with ids of their own; `court` varies the text."""
    numbers = count(1)

    def build(address: str = ABROAD, *, court: str = "测试市人民法院", links: bool = False, **changes: Any) -> Dispatch:
        template = TEMPLATES["debtor_departure_confirmed", 1]
        values = {name: kind.example for name, kind in template.fields.items()} | {"court": court}
        content = fill(template, values, signature="测试市人民法院", links=links)
        known = {"id": f"d-{next(numbers)}", "attempt": 1, "recipient": "当事人", "begun_at": clock()}
        return Dispatch(address=address, **{"content": content, **known, **changes})

    return build

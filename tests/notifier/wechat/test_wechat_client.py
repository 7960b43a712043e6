"""The hardened client against a server that speaks as WeChat does: tokens, errors, and no secret in anything said."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Event
from time import monotonic

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from standins.wechat_server import SECRET, Fault, WeChatServer
from wechat_world import OPENID, SETTINGS, Build, Clock
from wechatpy import WeChatClient

from notifier.wechat.client import NoToken, Refused
from notifier.wechat.tables import WeChatTokenRow
from notifier.wechat.tokens import LEASE, DatabaseTokenStore, FetchedToken, TokenBusy

# Tokens -------------------------------------------------------------------------------------------------------------


def test_all_threads_of_all_clients_share_one_token(server: WeChatServer, build: Build) -> None:
    clients = [build() for _ in range(4)]
    ready = Barrier(16)

    def send(number: int) -> None:
        ready.wait()
        for _ in range(3):
            clients[number % 4].post_text(OPENID, "好")

    for _ in range(2):
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(send, range(16)))
        server.end_tokens()
    assert server.calls["stable_token"] == 2
    assert server.calls["token"] == 0, "fetching there would make all other tokens worthless"
    assert len(server.of_kind("custom")) == 96


def test_wechatpy_alone_fetches_a_token_for_each_thread(server: WeChatServer) -> None:
    """The trap: no lock around its token."""

    class Bare(WeChatClient):
        API_BASE_URL = f"{server.address}/cgi-bin/"

        def fetch_access_token(self) -> object:
            params = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
            return self._fetch_access_token(url=f"{self.API_BASE_URL}token", params=params)

    server.followers.add(OPENID)
    release = Event()
    server.fail("token", *[Fault(until=release)] * 4)
    client = Bare(server.appid, SECRET)
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(lambda: client.access_token) for _ in range(4)]
        while server.calls["token"] < 4:
            Event().wait(0.01)
        release.set()
        assert all(call.result() for call in calls)


_PROCESS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pydantic import SecretStr
from notifier.database import open_engine
from notifier.wechat.client import HardenedClient
from notifier.wechat.settings import WeChatSettings
from notifier.wechat.tokens import DatabaseTokenStore

base_url, database, openid, appid, secret, key = sys.argv[1:]
settings = WeChatSettings(appid=appid, secret=SecretStr(secret), token=SecretStr("abc"), aes_key=SecretStr(key), base_url=base_url)
client = HardenedClient(settings, DatabaseTokenStore(open_engine(database), lambda: datetime(2026, 10, 8, 2, tzinfo=UTC)))
print("ready", flush=True)
for line in sys.stdin:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: client.post_text(openid, "好"), range(20)))
    print("done", flush=True)
"""


def run_processes(number: int, server: WeChatServer, address: str) -> None:
    """`number` processes of four threads send twenty messages each, cold and after the token was ended."""
    given = [server.address, address, OPENID, server.appid, SECRET, SETTINGS.aes_keys[0]]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, *given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        for _ in range(number)
    ]
    try:
        assert [one.stdout and one.stdout.readline() for one in running] == ["ready\n"] * number
        for turn in (1, 2):
            for one in running:
                assert one.stdin is not None
                one.stdin.write("go\n")
                one.stdin.flush()
            assert [one.stdout and one.stdout.readline() for one in running] == ["done\n"] * number
            assert server.calls["stable_token"] == turn
            server.end_tokens()
    finally:
        for one in running:
            one.communicate()
    assert len(server.of_kind("custom")) == 2 * 20 * number


def test_processes_share_one_token(server: WeChatServer, address: str) -> None:
    server.followers.add(OPENID)
    run_processes(2, server, address)


@pytest.mark.soak
def test_many_processes_share_one_token(server: WeChatServer, address: str) -> None:
    server.followers.add(OPENID)
    run_processes(6, server, address)


def test_a_token_that_is_always_refused_costs_two_calls_and_one_new_token(server: WeChatServer, build: Build) -> None:
    client = build()
    client.post_text(OPENID, "好")
    server.calls.clear()
    server.fail("message/custom/send", *[Fault(code=40001)] * 10)
    with pytest.raises(Refused) as raised:
        client.post_text(OPENID, "好")
    assert raised.value.code == 40001
    assert server.calls == {"message/custom/send": 2, "stable_token": 1}


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_refused_token_is_replaced_once(server: WeChatServer, build: Build, code: int) -> None:
    client = build()
    server.fail("message/custom/send", Fault(code=code))
    client.post_text(OPENID, "好")
    assert len(server.sent) == 1


def test_a_late_answer_is_composed_anew_for_every_call(server: WeChatServer, build: Build) -> None:
    client, said = build(), iter(("王䶮在名单上", "没有查到"))
    client.post_text(OPENID, "好")
    server.sent.clear()
    server.fail("message/custom/send", Fault(code=42001))
    client.post_answer(OPENID, lambda: next(said))
    assert [one.body["text"]["content"] for one in server.sent] == ["没有查到"]


def test_a_token_is_renewed_while_the_old_one_is_still_good(server: WeChatServer, build: Build, clock: Clock) -> None:
    build().post_text(OPENID, "好")
    clock.pass_time(minutes=114)
    build().post_text(OPENID, "好")
    assert server.calls["stable_token"] == 1
    # The last five minutes of it: another process gets the new one.
    clock.pass_time(minutes=2)
    build().post_text(OPENID, "好")
    assert server.calls["stable_token"] == 2
    assert server.calls["message/custom/send"] == 3, "no call was refused"


def test_an_ended_token_costs_one_refused_call(server: WeChatServer, build: Build, clock: Clock) -> None:
    client = build()
    client.post_text(OPENID, "好")
    clock.pass_time(hours=3)
    client.post_text(OPENID, "好")
    assert server.calls["message/custom/send"] == 3
    assert len(server.sent) == 2


@pytest.mark.parametrize(
    ("changes", "code"), [({"appid": "wx00000000000000bb"}, 40013), ({"secret": SETTINGS.token}, 40125)]
)
def test_a_wrong_account_gets_no_token(
    server: WeChatServer, build: Build, changes: dict[str, object], code: int
) -> None:
    with pytest.raises(NoToken) as raised:
        build(**changes).post_text(OPENID, "好")
    assert raised.value.code == code
    assert server.calls["message/custom/send"] == 0


def test_an_address_that_is_not_allowed_gets_no_token(server: WeChatServer, build: Build) -> None:
    server.allowed_addresses = {"192.0.2.1"}
    with pytest.raises(NoToken) as raised:
        build().post_text(OPENID, "好")
    assert raised.value.code == 40164


def test_the_next_one_may_fetch_when_fetching_failed(server: WeChatServer, build: Build) -> None:
    for fault in (Fault(status=502), Fault(drops=True), Fault(body="<html>"), Fault(body="[]"), Fault(body="{}")):
        server.fail("stable_token", fault)
        with pytest.raises(NoToken):
            build().post_text(OPENID, "好")
    build().post_text(OPENID, "好")


def test_fetching_a_token_has_a_timeout(server: WeChatServer, build: Build) -> None:
    release = Event()
    server.fail("stable_token", Fault(until=release))
    began = monotonic()
    with pytest.raises(NoToken):
        build(timeout=0.3).post_text(OPENID, "好")
    assert monotonic() - began < 3
    release.set()


def test_no_transaction_is_open_while_wechat_is_asked(engine: Engine, clock: Clock) -> None:
    store = DatabaseTokenStore(engine, clock)

    def fetch() -> FetchedToken:
        with Session(engine) as session, session.begin():
            row = session.scalars(select(WeChatTokenRow).with_for_update()).one()
            assert row.renewal is not None
        return FetchedToken(token="t", lasts=timedelta(hours=2))

    assert store.get("wx", stale=None, fetch=fetch) == "t"


def test_who_died_while_fetching_is_succeeded(engine: Engine, clock: Clock) -> None:
    def die() -> FetchedToken:
        # As kill -9 leaves it: the lease is taken, and nobody gives it back.
        with Session(engine) as session:
            raise KilledHere(session.scalars(select(WeChatTokenRow.renewal)).one())

    store = DatabaseTokenStore(engine, clock)
    with pytest.raises(KilledHere) as killed:
        store.get("wx", stale=None, fetch=die)
    with Session(engine) as session, session.begin():
        row = session.scalars(select(WeChatTokenRow)).one()
        row.renewal, row.renewal_until = str(killed.value), clock() + LEASE
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        clock.pass_time(seconds=seconds)

    patient = DatabaseTokenStore(engine, clock, wait)
    assert patient.get("wx", stale=None, fetch=lambda: FetchedToken(token="t", lasts=timedelta(hours=2))) == "t"
    assert LEASE.total_seconds() - 0.2 <= sum(waits) <= LEASE.total_seconds() + 0.2


class KilledHere(BaseException):
    pass


def test_a_holder_that_comes_back_late_changes_nothing(engine: Engine, clock: Clock) -> None:
    store = DatabaseTokenStore(engine, clock)

    def fetch_slowly() -> FetchedToken:
        clock.pass_time(seconds=LEASE.total_seconds() + 1)
        store.get("wx", stale=None, fetch=lambda: FetchedToken(token="newer", lasts=timedelta(hours=2)))
        return FetchedToken(token="older", lasts=timedelta(hours=2))

    store.get("wx", stale=None, fetch=fetch_slowly)
    assert store.get("wx", stale=None, fetch=fetch_slowly) == "newer"


def test_waiting_for_another_ends(engine: Engine, clock: Clock) -> None:
    waits: list[float] = []
    store = DatabaseTokenStore(engine, clock, waits.append)

    def fetch() -> FetchedToken:
        with pytest.raises(TokenBusy):
            store.get("wx", stale=None, fetch=fetch)
        return FetchedToken(token="t", lasts=timedelta(hours=2))

    store.get("wx", stale=None, fetch=fetch)
    assert waits

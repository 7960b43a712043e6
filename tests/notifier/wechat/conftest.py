"""Fixtures of the tests of WeChat."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fresh import fresh_databases
from sqlalchemy import Engine
from standins.wechat_server import WeChatServer
from wechat_world import OPENID, SETTINGS, SITE, Build, Clock, Office, PublishedList, a_list, create_tables

from notifier.database import open_engine
from notifier.wechat.client import HardenedClient
from notifier.wechat.conversation import Conversation
from notifier.wechat.followers import FollowerBook
from notifier.wechat.tokens import DatabaseTokenStore


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with the tables of WeChat, on each kind."""
    with fresh_databases(request.param, parts=["notifier"]) as urls:
        url = urls.get("GONGSHI_NOTIFIER_URL", f"sqlite:///{tmp_path}/notifier.db")
        yield create_tables(url)


@pytest.fixture
def engine(address: str) -> Iterator[Engine]:
    engine = open_engine(address)
    yield engine
    engine.dispose()


@pytest.fixture
def server(clock: Clock) -> Iterator[WeChatServer]:
    with WeChatServer(clock=clock).running() as server:
        yield server


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> PublishedList:
    """A list that no test changes."""
    return PublishedList(tmp_path_factory.mktemp("public"), a_list())


@pytest.fixture(scope="session")
def conversation(published: PublishedList) -> Conversation:
    return Conversation(listing=published.register, public_url=SITE)


@pytest.fixture
def office(conversation: Conversation, clock: Clock, tmp_path: Path) -> Iterator[Office]:
    engine = open_engine(create_tables(f"sqlite:///{tmp_path}/office.db"))
    yield Office(conversation=conversation, book=FollowerBook(engine), clock=clock)
    engine.dispose()


@pytest.fixture
def build(server: WeChatServer, engine: Engine, clock: Clock) -> Build:
    """Makes a client of the stand-in, as another process would have one."""
    server.followers.add(OPENID)

    def build(timeout: float = 5.0, **changes: object) -> HardenedClient:
        settings = SETTINGS.model_copy(update={"base_url": server.address, **changes})
        return HardenedClient(settings, DatabaseTokenStore(engine, clock), timeout=timeout)

    return build

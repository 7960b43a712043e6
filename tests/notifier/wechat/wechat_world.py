"""What the tests of WeChat start from: an account, a small published list, and a gateway with a phone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from flask import Flask
from pydantic import SecretStr
from standins.wechat_phone import APPID, Phone
from standins.wechat_server import SECRET

from notifier.database import open_engine
from notifier.gateway_wechat import GatewayHooks, WeChatEvent, wechat_gateway
from notifier.tables import Base
from notifier.wechat.client import HardenedClient
from notifier.wechat.conversation import Conversation, Follow, Unfollow
from notifier.wechat.followers import FollowerBook
from notifier.wechat.settings import WeChatSettings
from notifier.wechat.tables import WeChatFollowerRow, WeChatSeenRow, WeChatTokenRow
from search_index.document import DisclosedConduct, Document
from search_index.index import IndexWriter
from search_index.journal import ChangeType, EntryChange, ProfileChange
from search_index.number import draw_number
from search_index.profile import Profile
from search_index.register import Register
from search_index.store import Store, StoreWriter
from search_index.sync import sync

NOW = datetime(2026, 10, 8, 2, 0, tzinfo=UTC)
TOKEN, PREVIOUS_TOKEN = "CurrentToken01", "PreviousToken01"
AES_KEY, PREVIOUS_AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "GFEDCBA9876543210zyxwvutsrqponmlkjihgfedcba"
SITE = "https://list.example.invalid"
OPENID = "oTESTfollower0000000000000001"
Build = Callable[..., HardenedClient]

SETTINGS = WeChatSettings(
    appid=APPID,
    secret=SecretStr(SECRET),
    token=SecretStr(TOKEN),
    aes_key=SecretStr(AES_KEY),
    previous_token=SecretStr(PREVIOUS_TOKEN),
    previous_aes_key=SecretStr(PREVIOUS_AES_KEY),
)
_PERSON = Document(
    record="",
    kind="person",
    name="张测",
    gender="男",
    age=45,
    id_number="9999991980****0017",
    uscc=None,
    legal_representative=None,
    court="测试市人民法院",
    region="测试市",
    basis_number="（2025）测9901民初34号",
    basis_issuer="测试市人民法院",
    case_number="（2026）测9901执1号",
    filed_on=date(2026, 3, 5),
    obligation="自判决生效之日起十日内偿还借款本金120000元及利息。",
    performance="部分未履行",
    performed_part="已履行5000元",
    unperformed_part="未履行115000元",
    conduct=(DisclosedConduct(code="breaks_property_reporting", text="违反财产报告制度"),),
    published_on=date(2026, 9, 1),
    term_ends_on=date(2028, 8, 31),
    visible_until=datetime(2028, 8, 31, 16, 0, tzinfo=UTC),
    updated_at=datetime(2026, 9, 1, 1, 0, tzinfo=UTC),
)


def a_document(number: int, **changes: Any) -> Document:
    """The entry with this number; the same number gives the same entry."""
    case = f"（2026）测9901执{number}号"
    published = date(2026, 1, 1) + timedelta(days=number)
    numbered = replace(_PERSON, record=draw_number(Random(number)), case_number=case, published_on=published)
    return replace(numbered, **changes)


def a_company(number: int, **changes: Any) -> Document:
    about: dict[str, Any] = {"kind": "organisation", "name": f"云杉{number}（测试市）商贸有限公司", "gender": None}
    about |= {"age": None, "id_number": None, "uscc": "919901011234567880", "legal_representative": "李𠮷"}
    return a_document(number, **{**about, **changes})


def a_list() -> list[Document]:
    """Seven people of one name, three companies, and one person elsewhere."""
    people = [a_document(number) for number in range(1, 8)]
    companies = [a_company(number) for number in range(11, 14)]
    return [*people, *companies, a_document(21, name="王䶮", region="香格里拉市")]


class PublishedList:
    """A store and an index in a folder, fed as the journal feeds them."""

    def __init__(self, folder: Path, documents: list[Document]) -> None:
        address = f"sqlite:///{folder / 'disclosed.db'}"
        self._writer, self._store, self._index = StoreWriter(address), Store(address), IndexWriter(folder / "index")
        self._writer_ready()
        self.register = Register(self._store, folder / "index")
        for number, document in enumerate(documents, 1):
            self._apply(number, ChangeType.PUBLISHED, document.record, document.as_json())
        self._count = len(documents)
        self.sync()

    def _writer_ready(self) -> None:
        self._writer.create()
        self._writer.apply([ProfileChange(position=1, at=NOW, body=Profile(court="测试市人民法院").as_json())])

    def depart(self, document: Document) -> None:
        self._count += 1
        self._apply(self._count, ChangeType.GONE, document.record, None)

    def sync(self) -> None:
        sync(self._writer, self._store, self._index, NOW)

    def _apply(self, number: int, kind: ChangeType, record: str, body: Mapping[str, Any] | None) -> None:
        at = datetime(2026, 9, 30, 1, 5, tzinfo=UTC)
        change = EntryChange(position=number + 1, at=at, sequence=number, type=kind, record=record, body=body)
        self._writer.apply([change])


def create_tables(address: str) -> str:
    """Make the tables of WeChat in an empty database; its address."""
    engine = open_engine(address)
    tables: Any = [row.__table__ for row in (WeChatFollowerRow, WeChatSeenRow, WeChatTokenRow)]
    Base.metadata.create_all(engine, tables=tables)
    engine.dispose()
    return address


@dataclass
class Clock:
    """A clock that a test moves."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Office:
    """A gateway over a list and a database, what it was told to write down, and the phones that call it."""

    conversation: Conversation
    book: FollowerBook
    clock: Clock
    settings: WeChatSettings = SETTINGS
    events: list[WeChatEvent] = field(default_factory=list)
    late: list[tuple[str, str]] = field(default_factory=list)

    def hooks(self, **changes: Any) -> GatewayHooks:
        hooks = GatewayHooks(
            seen_before=self.book.seen_before,
            apply_events=self.apply,
            clock=self.clock,
            answer_later=lambda openid, compose: self.late.append((openid, compose())),
        )
        return replace(hooks, **changes)

    def apply(self, events: Any) -> None:
        for event in events:
            self.events.append(event)
            if isinstance(event, Follow | Unfollow):
                self.book.apply(event)

    def phone(self, hooks: GatewayHooks | None = None, **how: Any) -> Phone:
        """A phone whose messages reach a gateway of its own; `how` is for the gateway or the phone."""
        theirs = {name: how.pop(name) for name in ("pace", "within") if name in how}
        app = Flask(__name__)
        app.register_blueprint(wechat_gateway(self.settings, self.conversation, hooks or self.hooks(), **theirs))
        client = app.test_client()

        def post(query: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
            answer = client.post("/wechat", query_string=dict(query), data=body, content_type="text/xml")
            return answer.status_code, answer.data

        return Phone(**{"post": post, "clock": self.clock, "token": TOKEN, **how})

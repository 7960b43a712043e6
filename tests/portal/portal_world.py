"""A small published list, all invented, and the portal over it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.app import Portal, create_app
from portal.settings import PortalSettings
from registry.sealbox import open_envelope, prepare_box
from search_index.document import DisclosedConduct, Document
from search_index.index import IndexWriter
from search_index.journal import ChangeType, EntryChange, JournalEntry, ProfileChange, SubjectChange
from search_index.marks import prepare_folder
from search_index.number import draw_number
from search_index.profile import Profile
from search_index.store import Store, StoreWriter
from search_index.submission import Submission
from search_index.sync import sync

_BEAT = timedelta(hours=12)
START = datetime(2026, 8, 3, 2, 0, tzinfo=UTC)
EMBLEM = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4.5" cy="4.5" r="4"/></svg>'

PROFILE = Profile(
    court="测试市人民法院",
    region="测试市",
    address="测试市样例路 1 号",
    postcode="000000",
    telephone="0000-0000000",
    email="court@example.invalid",
    higher_court="样例自治州中级人民法院",
    icp_number="测ICP备00000000号-1",
    police_number="测公网安备 00000000000000号",
    privacy_contact="立案庭 0000-0000001",
)

PERSON = Document(
    record="",
    kind="person",
    name="扎西·测试",
    gender="男",
    age=45,
    id_number="9901011980****0017",
    uscc=None,
    legal_representative=None,
    court="测试市人民法院",
    region="测试市",
    basis_number="（2025）测9901民初34号",
    basis_issuer="测试市人民法院",
    case_number="（2026）测9901执12号",
    filed_on=date(2026, 3, 5),
    obligation="一、自判决生效之日起十日内偿还借款本金 120000 元；二、支付利息；三、承担案件受理费 1350 元。",
    performance="部分未履行",
    performed_part="已履行 5000 元",
    unperformed_part="未履行 115000 元",
    conduct=(DisclosedConduct(code="breaks_property_reporting", text="违反财产报告制度"),),
    published_on=date(2026, 7, 1),
    term_ends_on=date(2028, 6, 30),
    visible_until=None,
    updated_at=START,
)
COMPANY = replace(
    PERSON,
    kind="organisation",
    name="测试雪峰商贸有限公司",
    gender=None,
    age=None,
    id_number=None,
    uscc="91990101MA0000001C",
    legal_representative="李样例",
    case_number="（2026）测9901执13号",
    performance="全部未履行",
    performed_part=None,
    unperformed_part=None,
    conduct=(DisclosedConduct(code="refuses_though_able", text="有履行能力而拒不履行生效法律文书确定义务"),),
    term_ends_on=None,
)


class Reader(FlaskClient):
    """A client that reads each answer to its end and closes it, as a browser does."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return super().open(*args, **{"buffered": True, **kwargs})


@dataclass(repr=False, eq=False)
class World:
    """The public side of a court: its store and index, the moment it is, and the portal over them."""

    folder: Path
    now: datetime = START
    journal: list[JournalEntry] = field(default_factory=list)
    sequence: int = 0
    is_indexed: bool = True  # only a search needs the index
    beats: bool = True  # somebody brings the list up to date, whenever it is
    random: Random = field(default_factory=lambda: Random(7))

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.heard_at = self.now
        self.url = f"sqlite:///{self.folder / 'disclosed.db'}"
        self.index = IndexWriter(self.folder / "index")
        self.writer = StoreWriter(self.url)
        self.writer.create()
        self.drop = self.folder / "drop"
        self.marks = self.folder / "emergency"
        prepare_folder(self.marks)
        self.key = self.folder.parent / f"{self.folder.name}-court" / "submissions.key"
        self.profile = replace(PROFILE, sealing_key=prepare_box(self.key, self.drop))
        self.set_profile(self.profile)

    def set_profile(self, profile: Profile) -> None:
        self._apply([ProfileChange(position=len(self.journal) + 1, at=self.now, body=profile.as_json())])

    def publish(self, *documents: Document) -> list[Document]:
        """Publish each document under a new number, and return them as published."""
        numbered = [replace(one, record=one.record or draw_number(self.random)) for one in documents]
        changes = []
        for one in numbered:
            changes.append(self._change(ChangeType.PUBLISHED, one.record, one, offset=len(changes)))
        self._apply(changes)
        return numbered

    def correct(self, document: Document) -> None:
        self._apply([self._change(ChangeType.CORRECTED, document.record, document)])

    def withdraw(self, record: str) -> None:
        self._apply([self._change(ChangeType.GONE, record, None)])

    def tell(self, subject: str, key: str, body: dict[str, Any] | None) -> None:
        """Journal what is no entry."""
        self._apply([SubjectChange(position=len(self.journal) + 1, at=self.now, subject=subject, key=key, body=body)])

    def collect(self) -> list[Submission]:
        """What the court finds in the drop folder, opened."""
        return [open_envelope(path.read_bytes(), self.key) for path in self.list_sealed()]

    def list_sealed(self) -> list[Path]:
        """What lies in the drop folder, finished or not."""
        return sorted(self.drop.iterdir())

    def build_app(self, **settings: object) -> Portal:
        given = {
            "disclosed_url": self.url,
            "index_folder": self.folder / "index",
            "drop_folder": self.drop,
            "emergency_folder": self.marks,
            "public_url": "https://example.invalid",
            "rate_limit": False,
            **settings,
        }
        return create_app(PortalSettings(**given), self._tell_time)  # type: ignore[arg-type]

    def _tell_time(self) -> datetime:
        if self.beats and not timedelta() <= self.now - self.heard_at < _BEAT:
            self.heard_at = self.now
            self.writer.note_pulse(self.now)
        return self.now

    def client(self, **settings: object) -> FlaskClient:
        app = self.build_app(**settings)
        app.test_client_class = Reader
        return app.test_client()

    def _change(self, kind: ChangeType, record: str, document: Document | None, offset: int = 0) -> EntryChange:
        self.sequence += 1
        return EntryChange(
            position=len(self.journal) + 1 + offset,
            at=self.now,
            sequence=self.sequence,
            type=kind,
            record=record,
            body=document and document.as_json(),
        )

    def _apply(self, entries: list[JournalEntry]) -> None:
        self.journal += entries
        self.writer.apply(entries)
        if self.is_indexed:
            sync(self.writer, Store(self.url), self.index, self.now)

"""A real disclosed store with invented entries, and a notifier over it, on each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from shutil import copy

import pytest
from fresh import fresh_databases

from gongshi.calendar import StateCouncilCalendar
from notifier.calendar import Period
from notifier.context import Notifier, open_notifier
from notifier.database import migrate
from notifier.package import Edition
from notifier.recipients import ensure_sandbox_recipients
from notifier.settings import NotifierSettings
from search_index.database import sqlite_file
from search_index.document import DisclosedConduct, Document
from search_index.journal import ChangeType, EntryChange, JournalEntry, ProfileChange
from search_index.number import draw_number
from search_index.profile import Profile
from search_index.register import Register
from search_index.store import Store, StoreWriter

# The first working day after the third quarter of 2026, ten in the morning in Beijing.
START = datetime(2026, 10, 8, 2, 0, tzinfo=UTC)
PERIOD = Period(2026, 3)

PROFILE = Profile(
    court="测试市人民法院",
    telephone="0000-0000000",
    email="court@example.invalid",
    website="https://court.example.invalid",
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
    basis_number="（2025）测0101民初34号",
    basis_issuer="测试市人民法院",
    case_number="（2026）测0101执12号",
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
COMPANY = replace(
    PERSON,
    kind="organisation",
    name="云杉（测试市）商贸有限公司",
    gender=None,
    age=None,
    id_number=None,
    uscc="919901011234567880",
    legal_representative="李𠮷",
    conduct=(DisclosedConduct(code="refuses_though_able", text="有履行能力而拒不履行生效法律文书确定义务"),),
    term_ends_on=None,
    visible_until=None,
)


@dataclass
class Clock:
    """A clock that a test moves."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Town:
    """A published list that entries join and leave, the clock, and the notifier that pushes it."""

    notifier: Notifier
    settings: NotifierSettings
    writer: StoreWriter
    store: Store
    clock: Clock
    random: Random = field(default_factory=lambda: Random(11))
    position: int = 0
    sequence: int = 0

    def publish(self, document: Document = PERSON, **changes: object) -> Document:
        number = draw_number(self.random)
        published: Document = replace(document, **{"record": number, **changes})  # type: ignore[arg-type]
        self._append(ChangeType.PUBLISHED, published.record, published)
        return published

    def publish_again(self, document: Document) -> None:
        """What had departed is listed once more, under its number: a hold that was lifted."""
        self._append(ChangeType.PUBLISHED, document.record, document)

    def correct(self, document: Document, **changes: object) -> Document:
        corrected: Document = replace(document, **changes)  # type: ignore[arg-type]
        self._append(ChangeType.CORRECTED, corrected.record, corrected)
        return corrected

    def depart(self, document: Document) -> None:
        self._append(ChangeType.GONE, document.record, None)

    def set_profile(self, profile: Profile) -> None:
        self.position += 1
        self._apply(ProfileChange(position=self.position, at=self.clock(), body=profile.as_json()))

    def _append(self, kind: ChangeType, record: str, document: Document | None) -> None:
        self.position += 1
        self.sequence += 1
        self._apply(
            EntryChange(
                position=self.position,
                at=self.clock(),
                sequence=self.sequence,
                type=kind,
                record=record,
                body=document and document.as_json(),
            )
        )

    def _apply(self, entry: JournalEntry) -> None:
        self.writer.apply([entry])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database for the notifier: no file yet, or on PostgreSQL one with its tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/home/notifier/notifier.db"
        return
    migrated = request.getfixturevalue("migrated_on_postgres")
    with fresh_databases(request.param, parts=["notifier"], like=migrated) as urls:
        yield urls["GONGSHI_NOTIFIER_URL"]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The notifier's tables in a file to be copied: making them takes longer than most tests."""
    folder = tmp_path_factory.mktemp("migrated")
    migrate(NotifierSettings(url=f"sqlite:///{folder}/notifier.db", folder=folder))
    return folder / "notifier.db"


@pytest.fixture(scope="session")
def migrated_on_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The same on PostgreSQL."""
    with fresh_databases("postgres", parts=["notifier"]) as urls:
        migrate(NotifierSettings(url=urls["GONGSHI_NOTIFIER_URL"], folder=tmp_path_factory.mktemp("migrated")))
        yield urls


@pytest.fixture
def town(tmp_path: Path, database: str, clock: Clock, migrated: Path) -> Iterator[Town]:
    public = tmp_path / "home" / "public"
    public.mkdir(parents=True)
    store = f"sqlite:///{public}/disclosed.db"
    writer = StoreWriter(store)
    writer.create()
    settings = NotifierSettings(url=database, folder=tmp_path / "home" / "notifier")
    settings.folder.mkdir(mode=0o700)
    if (path := sqlite_file(database)) is not None:
        copy(migrated, path)
    reading = Store(store)
    register = Register(reading, public / "index")
    notifier = open_notifier(settings, register, StateCouncilCalendar())
    ensure_sandbox_recipients(notifier.engine, clock())
    built = Town(notifier=notifier, settings=settings, writer=writer, store=reading, clock=clock)
    built.set_profile(PROFILE)
    yield built
    notifier.engine.dispose()


@pytest.fixture
def person() -> Document:
    return PERSON


@pytest.fixture
def company() -> Document:
    return COMPANY


@pytest.fixture
def period() -> Period:
    return PERIOD


@pytest.fixture
def edition() -> Edition:
    return Edition(
        period=PERIOD,
        revision=1,
        sequence=7,
        made_at=START,
        last_day_of_use=date(2027, 1, 4),
        profile=PROFILE,
    )


@pytest.fixture
def numbered() -> Callable[[Document, int], list[Document]]:
    """So many documents like the one given, each with a record number of its own."""

    def build(document: Document, count: int) -> list[Document]:
        random = Random(5)
        return [replace(document, record=draw_number(random)) for _ in range(count)]

    return build

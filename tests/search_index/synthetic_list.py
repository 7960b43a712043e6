"""A small invented list, and a place to publish it. Nobody lives in area 999999."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from search_index.document import DisclosedConduct, Document
from search_index.index import Index, IndexWriter
from search_index.journal import ChangeType, EntryChange
from search_index.number import draw_number
from search_index.page import Hit, Query
from search_index.register import Register
from search_index.store import Store, StoreWriter
from search_index.sync import Difference, sync, verify

NOW = datetime(2026, 6, 1, 4, tzinfo=UTC)

CONDUCT = DisclosedConduct(code="breaks_property_reporting", text="违反财产报告制度")

NAMES = [
    "扎西·次仁",
    "迪丽测试·阿不都测试",
    "李𠮷",
    "𠮷田测试商贸有限公司",
    "王䶮",
    "张测",
    "张测试",
    "云南测试（集团）有限公司",
    "云南测试集团股份有限公司",
    "ＡＢＣ测试（香格里拉）有限公司",
    "SMITH-测试 JOHN",
    "测试市甲商贸有限公司",
    "测试市乙商贸有限公司",
    "“虚构”餐饮管理有限公司",
    "次仁扎西",
    "欧阳测试",
]


def build_document(number: int, **changes: Any) -> Document:
    """The entry with this number; the same number gives the same entry."""
    base = Document(
        record=draw_number(Random(number)),
        kind="person",
        name=NAMES[number % len(NAMES)],
        gender="男",
        age=40,
        id_number="9999991990****0017",
        uscc=None,
        legal_representative=None,
        court="测试市人民法院",
        region="云南",
        basis_number=f"（2016）云9901民初{number}号",
        basis_issuer="测试市人民法院",
        case_number=f"（2017）云9901执{number}号",
        filed_on=date(2017, 3, 24),
        obligation="支付货款12,000元，并承担案件受理费。",
        performance="全部未履行",
        performed_part=None,
        unperformed_part=None,
        conduct=(CONDUCT,),
        published_on=date(2020, 1, 1) + timedelta(days=number),
        term_ends_on=None,
        visible_until=None,
        updated_at=NOW,
    )
    return replace(base, **changes)


class PublishedList:
    """A store and an index in a folder, fed as the journal feeds them."""

    def __init__(self, folder: Path, documents: Iterable[Document] = ()) -> None:
        self.folder = folder / "index"
        self.writer = StoreWriter(f"sqlite:///{folder / 'disclosed.sqlite'}")
        self.writer.create()
        self.store = Store(f"sqlite:///{folder / 'disclosed.sqlite'}")
        self.index = IndexWriter(self.folder)
        self.register = Register(self.store, self.folder)
        self._sequence = 0
        self.publish(documents)
        self.sync()

    def publish(self, documents: Iterable[Document]) -> None:
        self._apply((ChangeType.PUBLISHED, d.record, d.as_json()) for d in documents)

    def correct(self, document: Document) -> None:
        self._apply([(ChangeType.CORRECTED, document.record, document.as_json())])

    def depart(self, *documents: Document) -> None:
        self._apply((ChangeType.GONE, d.record, None) for d in documents)

    def sync(self, now: datetime = NOW) -> int:
        return sync(self.writer, self.store, self.index, now)

    def verify(self, now: datetime = NOW) -> list[Difference]:
        return verify(self.store, Index(self.folder), now)

    def _apply(self, changes: Iterable[tuple[ChangeType, str, dict[str, Any] | None]]) -> None:
        entries = []
        for type_, record, body in changes:
            self._sequence += 1
            entry = EntryChange(
                position=self._sequence, at=NOW, sequence=self._sequence, type=type_, record=record, body=body
            )
            entries.append(entry)
        self.writer.apply(entries)


def read_pages(register: Register, query: Query, now: datetime = NOW) -> Iterator[Hit]:
    """The hits of all pages, exact ones first; checks that the pages and the totals agree."""
    page = register.search(query, now)
    hits: list[Hit] = []
    for number in range(1, page.pages + 1):
        one = register.search(replace(query, page=number), now)
        assert (one.total, one.near) == (page.total, page.near)
        hits.extend(one.hits)
    assert [hit.match for hit in hits] == ["exact"] * page.total + ["near"] * page.near
    assert all((hit.reason is None) == (hit.match == "exact") for hit in hits)
    yield from hits


def find_records(register: Register, text: str, now: datetime = NOW, **filters: Any) -> list[str]:
    """The records of the exact hits, in order."""
    hits = read_pages(register, Query(text=text, **filters), now)
    return [hit.document.record for hit in hits if hit.match == "exact"]

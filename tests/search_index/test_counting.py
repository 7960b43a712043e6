"""The list in numbers is the list, at every moment, whatever it is read between; and is not counted twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from documents import AT, a_document, gone, shown
from fresh import fresh_databases
from hypothesis import given, settings
from hypothesis import strategies as st

from search_index.counting import MONTHS, Tally, list_months
from search_index.day import SHANGHAI
from search_index.document import DisclosedConduct, Document
from search_index.journal import ChangeType, EntryChange
from search_index.newest import BLOCK, block_of
from search_index.register import Register
from search_index.store import Store, StoreWriter

CONDUCT = tuple(DisclosedConduct(code=code, text=code) for code in ("breaks_settlement", "evades_enforcement"))


class List:
    """A store that is written to, and the register over it."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.url = url or f"sqlite:///{folder / 'list.db'}"
        self.writer = StoreWriter(self.url)
        self.writer.create()
        self.register = Register(Store(self.url), folder / "index")

    def close(self) -> None:
        self.register.close()
        self.writer.close()


@pytest.fixture
def listed(tmp_path: Path) -> Iterator[List]:
    made = List(tmp_path)
    yield made
    made.close()


def count_again(register: Register, now: datetime) -> dict[str, Counter[str]]:
    """The same, counted one by one."""
    found: dict[str, Counter[str]] = {
        name: Counter() for name in ("kind", "court", "region", "performance", "year", "conduct")
    }
    for document in register.everything(now)[1]:
        found["kind"][document.kind] += 1
        found["court"][document.court] += 1
        found["region"][document.region or ""] += 1
        found["performance"][document.performance] += 1
        found["year"][str(document.published_on.year)] += 1
        for code in {item.code for item in document.conduct}:
            found["conduct"][code] += 1
    return found


DOCUMENTS = st.builds(
    a_document,
    st.integers(1, 6),
    kind=st.sampled_from(["person", "organisation"]),
    court=st.sampled_from(["甲法院", '乙"法院·𠮷']),
    region=st.sampled_from([None, "丙市"]),
    performance=st.sampled_from(["全部未履行", "部分未履行"]),
    conduct=st.sampled_from([CONDUCT, CONDUCT[:1], (CONDUCT[0], CONDUCT[0]), ()]),
    published_on=st.sampled_from([date(2025, 12, 31), date(2026, 1, 1)]),
    visible_until=st.sampled_from([None, AT, AT + timedelta(hours=1)]),
)
STEPS = st.lists(st.tuples(st.sampled_from(["shown", "corrected", "gone"]), DOCUMENTS), max_size=12)


@settings(max_examples=10, deadline=None)
@given(steps=STEPS, cut=st.integers(0, 12))
def test_counts_are_those_of_the_list_at_every_moment(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Document]], cut: int
) -> None:
    listed = List(tmp_path_factory.mktemp("list"))
    lines = [make_line(number, *step) for number, step in enumerate(steps, start=1)]
    for some in (lines[:cut], lines[cut:]):
        listed.writer.apply(some)
        for now in (AT - timedelta(seconds=1), AT, AT + timedelta(hours=2)):
            counts = listed.register.count(now)
            assert {name: Counter(dict(values)) for name, values in counts.values.items()} == count_again(
                listed.register, now
            )
            assert counts.entries == listed.register.head(now).entries
    listed.close()


def make_line(number: int, what: str, document: Document) -> EntryChange:
    return gone(number, document.record) if what == "gone" else shown(number, document, corrected=what == "corrected")


def test_months_are_those_of_the_court_also_at_the_years_end(listed: List) -> None:
    last_second = datetime(2025, 12, 31, 15, 59, 59, tzinfo=UTC)  # 23:59:59 in Shanghai
    moments = [datetime(2025, 10, 1, tzinfo=SHANGHAI), last_second, last_second + timedelta(seconds=1)]
    documents = [a_document(number) for number in (1, 2, 3)]
    lines = [
        replace(shown(n, document), at=at) for n, (document, at) in enumerate(zip(documents, moments, strict=True), 1)
    ]
    listed.writer.apply([*lines, replace(gone(4, documents[0].record), at=moments[2])])
    months = listed.register.count(datetime(2026, 2, 1, tzinfo=SHANGHAI)).months
    assert [(f"{month.first:%Y-%m}", month.published, month.departed) for month in months] == [
        ("2025-10", 1, 0),
        ("2025-11", 0, 0),
        ("2025-12", 1, 0),
        ("2026-01", 1, 1),
        ("2026-02", 0, 0),
    ]
    later = listed.register.count(datetime(2027, 12, 31, 23, tzinfo=SHANGHAI)).months
    assert len(later) == MONTHS
    assert (later[0].first, later[0].published, later[-1].first) == (date(2026, 1, 1), 1, date(2027, 12, 1))


def test_an_empty_list_has_no_months_and_nothing_to_count(listed: List) -> None:
    counts = listed.register.count(AT)
    assert (counts.entries, counts.months, set(counts.values.values())) == (0, (), {()})
    assert list_months(date(2026, 12, 31), date(2026, 12, 1)) == [date(2026, 12, 1)]


def test_nothing_is_counted_again_until_something_has_changed(listed: List) -> None:
    reads = 0

    def opening(now: datetime) -> Any:
        nonlocal reads
        reads += 1
        return Store(listed.url).snapshot(now)

    end = AT + timedelta(hours=1)
    first, second = a_document(1, visible_until=end), a_document(2)
    listed.writer.apply([shown(1, first), shown(2, second)])
    tally = Tally(opening)
    counts = tally.count(AT)
    counted = reads
    assert tally.count(end - timedelta(seconds=1)) is counts
    assert reads == counted + 1, "a look at whether anything has changed, and no more"
    assert tally.count(end).entries == 1, "an end needs nobody to be awake"
    # Ahead of its turn: the sequence that the list tells has not moved.
    listed.writer.apply_ahead([gone(9, second.record)])
    assert tally.count(end).entries == 0
    assert tally.count(AT + timedelta(days=40)).months[-1].first == date(2026, 12, 1), "another month is another page"


def test_what_changes_while_it_is_being_counted_is_counted_as_it_is_then(listed: List) -> None:
    documents = sorted((a_document(number) for number in range(1, 1203)), key=lambda one: one.record)
    listed.writer.apply([shown(number, document) for number, document in enumerate(documents[:-1], start=1)])
    store, opened = Store(listed.url), 0

    def opening(now: datetime) -> Any:
        nonlocal opened
        opened += 1
        if opened == 4:  # after the first thousand
            moved = replace(documents[1], court="新法院")
            listed.writer.apply([gone(1202, documents[0].record), shown(1203, moved, corrected=True)])
            listed.writer.apply([shown(1204, documents[-1])])
        return store.snapshot(now)

    counts = Tally(opening).count(AT)
    assert counts.entries == 1201
    assert dict(counts.values["court"]) == {"测试市人民法院": 1200, "新法院": 1}
    assert counts.sequence == 1204
    store.close()


def test_news_tell_each_record_once_and_of_what_left_no_word(listed: List) -> None:
    end = AT + timedelta(hours=1)
    one, two, three, four = (a_document(n, visible_until=end if n == 3 else None) for n in (1, 2, 3, 4))
    lines = [
        shown(1, one),
        shown(2, two),
        shown(3, three),
        shown(4, one, corrected=True),
        shown(5, one, corrected=True),
    ]
    listed.writer.apply([*lines, shown(6, four)])
    listed.writer.apply_ahead([gone(8, four.record)])
    news, last = listed.register.news(10, AT)
    assert [(each.record, each.type, each.entry is not None) for each in news] == [
        (four.record, ChangeType.GONE, False),
        (one.record, ChangeType.CORRECTED, True),
        (three.record, ChangeType.PUBLISHED, True),
        (two.record, ChangeType.PUBLISHED, True),
    ]
    assert last == 1
    later, _ = listed.register.news(3, end)
    assert [(each.record, each.type, each.entry, each.at == end) for each in later][2] == (
        three.record,
        ChangeType.GONE,
        None,
        True,
    )
    assert [each.record for each in listed.register.block(1, end).entries] == [one.record, two.record]


def test_blocks_together_are_the_list(listed: List) -> None:
    documents = [a_document(number) for number in range(1, 4 * BLOCK)]
    listed.writer.apply([shown(number, document) for number, document in enumerate(documents, start=1)])
    leaving = documents[BLOCK : 2 * BLOCK]
    listed.writer.apply([gone(len(documents) + n, document.record) for n, document in enumerate(leaving, start=1)])
    news, number = listed.register.news(50, AT)
    assert all(one.entry is None for one in news)
    found, visited = set(), []
    while number is not None:
        block = listed.register.block(number, AT)
        visited.append(number)
        found |= {one.record for one in block.entries}
        assert all(one.entry is not None for one in block.entries)
        number = block.before
    assert found == {document.record for document in documents} - {document.record for document in leaving}
    assert visited == [4, 3, 1], "what holds nothing is passed over"
    assert listed.register.block(3, AT).after == 4
    assert [block_of(sequence) for sequence in (1, BLOCK, BLOCK + 1)] == [1, 1, 2]


@pytest.mark.postgres
def test_postgresql_counts_the_same(tmp_path: Path) -> None:
    with fresh_databases("postgres", parts=["disclosed"]) as urls:
        listed = List(tmp_path, *urls.values())
        first = a_document(1, region=None, court='甲"法院·𠮷', conduct=CONDUCT)
        listed.writer.apply([shown(1, first), shown(2, a_document(2)), gone(3, a_document(2).record)])
        counts = listed.register.count(AT)
        assert {name: Counter(dict(values)) for name, values in counts.values.items()} == count_again(
            listed.register, AT
        )
        assert (counts.entries, counts.months[-1].published, counts.months[-1].departed) == (1, 2, 1)
        assert [one.type for one in listed.register.news(9, AT)[0]] == [ChangeType.GONE, ChangeType.PUBLISHED]
        listed.close()

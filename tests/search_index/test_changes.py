"""Following the list: in order, without a gap, words only at the newest change of what may be seen, and an end to old ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from documents import AT, a_document, a_number, gone, shown
from fresh import fresh_databases
from hypothesis import given, settings
from hypothesis import strategies as st

from search_index.changes import KEPT, SinceTooOld, SinceUnknown
from search_index.journal import ChangeType, EntryChange
from search_index.register import Register
from search_index.store import Store, StoreWriter

RECORDS = 5


@pytest.fixture
def open_list(tmp_path: Path) -> Iterator[Callable[[list[EntryChange]], Register]]:
    opened: list[Register] = []

    def make(journal: list[EntryChange]) -> Register:
        url = f"sqlite:///{tmp_path / f'list{len(opened)}.db'}"
        writer = StoreWriter(url)
        writer.create()
        writer.apply(journal)
        writer.close()
        opened.append(Register(Store(url), tmp_path / "index"))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_words_come_once_with_the_newest_change(open_list: Callable[[list[EntryChange]], Register]) -> None:
    first, second = a_document(1, name="扎西·𠮷"), a_document(2)
    corrected = replace(first, performance="部分未履行")
    journal = [shown(1, first), shown(2, second), shown(3, corrected, corrected=True), gone(4, second.record)]
    found = open_list(journal).follow(0, 100, AT)
    assert [(one.sequence, one.type, one.entry and one.entry["performance"]) for one in found.changes] == [
        (1, "published", None),
        (2, "published", None),
        (3, "corrected", "部分未履行"),
        (4, "gone", None),
    ]
    assert (found.head, found.next, found.has_more) == (4, 4, False)


def test_pages_follow_on_and_nothing_new_stays_where_it_is(
    open_list: Callable[[list[EntryChange]], Register],
) -> None:
    register = open_list([shown(number, a_document(number)) for number in range(1, 8)])
    page = register.follow(0, 3, AT)
    assert ([one.sequence for one in page.changes], page.next, page.has_more) == ([1, 2, 3], 3, True)
    assert [one.sequence for one in register.follow(page.next, 10, AT).changes] == [4, 5, 6, 7]
    assert register.follow(7, 10, AT).next == 7


def test_an_end_that_came_takes_the_words_at_once(open_list: Callable[[list[EntryChange]], Register]) -> None:
    end = AT + timedelta(hours=1)
    register = open_list([shown(1, a_document(1, visible_until=end))])
    assert register.follow(0, 1, end - timedelta(seconds=1)).changes[0].entry is not None
    assert register.follow(0, 1, end).changes[0].entry is None


def test_what_is_too_old_or_not_told_yet_is_refused(open_list: Callable[[list[EntryChange]], Register]) -> None:
    register = open_list([shown(1, a_document(1)), shown(2, a_document(2))])
    with pytest.raises(SinceUnknown):
        register.follow(3, 10, AT)
    later = AT + KEPT + timedelta(seconds=1)
    with pytest.raises(SinceTooOld):
        register.follow(0, 10, later)
    assert register.follow(2, 10, later).changes == (), "who has everything need not take it anew"


DEPARTED = [
    shown(1, a_document(1)),
    gone(2, a_number(1)),
    shown(3, a_document(2)),
    shown(4, a_document(1)),
    gone(5, a_number(2)),
]


def check_departures(register: Register) -> None:
    """In order, without those before, and also where they are too long ago to be followed."""
    later = AT + KEPT + timedelta(days=1)
    for now in (AT, later):
        assert [(one.sequence, one.record) for one in register.departures(0, 10, now)] == [
            (2, a_number(1)),
            (5, a_number(2)),
        ]
        assert [one.sequence for one in register.departures(0, 1, now)] == [2]
        assert [one.sequence for one in register.departures(2, 10, now)] == [5]
        assert register.departures(5, 10, now) == []
    assert [bool(one.entry) for one in register.follow(0, 10, AT).changes] == [False, False, False, True, False]


def test_departures_are_told_for_themselves(open_list: Callable[[list[EntryChange]], Register]) -> None:
    check_departures(open_list(DEPARTED))


@pytest.mark.postgres
def test_postgresql_tells_the_same_departures(tmp_path: Path) -> None:
    with fresh_databases("postgres", parts=["disclosed"]) as urls:
        (url,) = urls.values()
        writer = StoreWriter(url)
        writer.create()
        writer.apply(DEPARTED)
        register = Register(Store(url), tmp_path / "index")
        check_departures(register)
        with pytest.raises(SinceUnknown):
            register.follow(10**15 - 1, 1000, AT)
        sequence, chunks = register.stream(lambda: AT)
        assert (sequence, [record for chunk in chunks for record, _ in chunk]) == (5, [a_number(1)])
        register.close()
        writer.close()


def test_what_departs_while_the_list_is_streamed_is_not_in_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'list.db'}"
    writer = StoreWriter(url)
    writer.create()
    documents = sorted((a_document(number) for number in range(1, 1202)), key=lambda one: one.record)
    writer.apply([shown(number, document) for number, document in enumerate(documents, start=1)])
    register = Register(Store(url), tmp_path / "index")
    sequence, chunks = register.stream(lambda: AT)
    first = next(chunks)
    assert (sequence, len(first)) == (1201, 1000)
    last = documents[-1].record
    writer.apply([gone(1202, last)])
    rest = [record for chunk in chunks for record, _ in chunk]
    assert last not in rest
    assert len(rest) == 200
    register.close()
    writer.close()


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_snapshot_and_changes_make_the_list(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    """Whenever the whole list was taken, wherever the reading of it met changes, and in whatever pages these come."""
    folder = tmp_path_factory.mktemp("list")
    url = f"sqlite:///{folder / 'list.db'}"
    writer = StoreWriter(url)
    writer.create()
    journal = _draw_journal(data)
    cut = data.draw(st.integers(0, len(journal)))
    writer.apply(journal[:cut])
    register = Register(Store(url), folder / "index")
    sequence, chunks = register.stream(lambda: AT)
    # What is decided between the naming of the sequence and the reading.
    more = data.draw(st.integers(cut, len(journal)))
    writer.apply(journal[cut:more])
    held = {record: body for chunk in chunks for record, body in chunk}
    have: dict[str, Any] = {record: json.loads(body) for record, body in held.items()}
    writer.apply(journal[more:])
    while True:
        page = register.follow(sequence, data.draw(st.integers(1, 4)), AT)
        for change in page.changes:
            if change.type == "gone":
                have.pop(change.record, None)
            elif change.entry is not None:
                have[change.record] = change.entry
        # A follower that was killed asks again for what it had.
        sequence = page.next if data.draw(st.booleans()) or page.has_more else sequence
        if not page.has_more:
            break
    assert have == {document.record: document.as_json() for document in register.everything(AT)[1]}
    register.close()
    writer.close()


def _draw_journal(data: Any) -> list[EntryChange]:
    journal: list[EntryChange] = []
    listed: set[int] = set()
    for sequence in range(1, data.draw(st.integers(1, 20)) + 1):
        serial = data.draw(st.integers(1, RECORDS))
        if serial in listed and data.draw(st.booleans()):
            listed.discard(serial)
            journal.append(gone(sequence, a_number(serial)))
        else:
            document = a_document(serial, updated_at=AT + timedelta(minutes=sequence))
            journal.append(
                EntryChange(
                    position=sequence,
                    at=_at(sequence),
                    sequence=sequence,
                    type=ChangeType.CORRECTED if serial in listed else ChangeType.PUBLISHED,
                    record=document.record,
                    body=document.as_json(),
                )
            )
            listed.add(serial)
    return journal


def _at(sequence: int) -> datetime:
    return AT + timedelta(seconds=sequence)

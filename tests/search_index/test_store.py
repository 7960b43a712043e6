"""The disclosed store: applying, forgetting ahead of turn, replaying, and what a reader sees."""

from __future__ import annotations

import os
import sqlite3
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path

import pytest
from documents import AT, a_document, a_number, gone, shown
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_list import NOW, PublishedList, build_document

from search_index.folding import fold_name
from search_index.journal import ChangeType, EntryChange, ProfileChange
from search_index.page import Departed
from search_index.profile import Profile
from search_index.store import FOLDING, JournalGap, Store, StoreUnavailable, StoreWriter


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'disclosed.db'}"


@pytest.fixture
def writer(url: str) -> Iterator[StoreWriter]:
    writer = StoreWriter(url)
    writer.create()
    yield writer
    writer.close()


def test_a_published_document_is_read_back_as_it_was(url: str, writer: StoreWriter) -> None:
    document = a_document(name="扎西·𠮷", visible_until=AT + timedelta(days=1))
    writer.apply([shown(1, document)])
    with Store(url).snapshot(AT) as snapshot:
        assert snapshot.document(document.record) == document
        assert snapshot.sequence == 1
        assert snapshot.count() == 1


def test_at_its_end_a_document_is_gone_though_nobody_removed_it(url: str, writer: StoreWriter) -> None:
    end = AT + timedelta(days=1)
    document = a_document(visible_until=end)
    writer.apply([shown(1, document)])
    with Store(url).snapshot(end - timedelta(microseconds=1)) as snapshot:
        assert snapshot.document(document.record) is not None
        assert snapshot.ended() == set()
        assert snapshot.count_name_keys([fold_name(document.name)]) == {fold_name(document.name): 1}
    with Store(url).snapshot(end) as snapshot:
        assert snapshot.document(document.record) is None
        assert snapshot.count() == 0
        assert snapshot.newest(10) == []
        assert snapshot.count_name_keys([fold_name(document.name)]) == {}
        assert snapshot.ended() == {document.record}
        assert snapshot.departed(document.record) == Departed(record=document.record, at=end)


def test_a_departure_ahead_of_its_turn_is_not_undone_by_what_comes_before_it(url: str, writer: StoreWriter) -> None:
    document = a_document()
    writer.apply_ahead([gone(2, document.record)])
    writer.apply([shown(1, document)])
    with Store(url).snapshot(AT) as snapshot:
        assert snapshot.document(document.record) is None
        assert snapshot.departed(document.record) is not None
    writer.apply([gone(2, document.record), shown(3, document)])
    with Store(url).snapshot(AT) as snapshot:
        assert snapshot.document(document.record) == document
        assert snapshot.departed(document.record) is None


def test_a_correction_ahead_of_its_turn_is_not_undone_by_what_comes_before_it(url: str, writer: StoreWriter) -> None:
    wrong, right = a_document(obligation="错的内容"), a_document(obligation="对的内容")
    writer.apply_ahead([shown(2, right, corrected=True)])
    writer.apply([shown(1, wrong)])
    with Store(url).snapshot(AT) as snapshot:
        assert snapshot.document(right.record) == right
        assert snapshot.changed_since(1) == {right.record}
    writer.apply([shown(2, right, corrected=True), gone(3, right.record)])
    writer.apply_ahead([shown(2, right, corrected=True)])
    with Store(url).snapshot(AT) as snapshot:
        assert snapshot.document(right.record) is None


def test_a_departure_told_again_does_not_take_down_what_was_shown_again_since(url: str, writer: StoreWriter) -> None:
    document = a_document()
    departure = gone(2, document.record)
    writer.apply([shown(1, document), departure, shown(3, document)])
    writer.apply_ahead([departure])
    with Store(url).snapshot(AT) as snapshot:
        assert snapshot.document(document.record) == document


def test_the_changes_are_told_only_as_far_as_they_are_whole(url: str, writer: StoreWriter) -> None:
    writer.apply([shown(1, a_document(1))])
    writer.apply_ahead([gone(5, a_number(9))])
    with Store(url).snapshot(AT) as snapshot:
        assert [change.sequence for change in snapshot.changes(0, 100)] == [1]
        assert snapshot.changed_since(1) == {a_number(9)}


def test_a_gap_in_the_journal_is_refused_and_changes_nothing(url: str, writer: StoreWriter) -> None:
    with pytest.raises(JournalGap):
        writer.apply([shown(2, a_document(2))])
    assert writer.position() == 0


def test_the_profile_comes_with_the_journal(url: str, writer: StoreWriter) -> None:
    profile = Profile(court="测试市人民法院", emblem=b"\x00\xff", emblem_type="image/png")
    writer.apply([ProfileChange(position=1, at=AT, body=profile.as_json())])
    with Store(url).snapshot(AT) as snapshot:
        assert snapshot.profile() == profile


def test_a_store_that_is_not_there_is_unavailable_and_is_not_made_by_reading(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    with pytest.raises(StoreUnavailable), Store(f"sqlite:///{path}").snapshot(AT):
        pass
    assert not path.exists()


def test_the_words_of_a_departed_entry_leave_the_file(url: str, writer: StoreWriter, tmp_path: Path) -> None:
    token = "独一无二的姓名𠮷𠮷"
    for position in range(1, 40):
        writer.apply([shown(position, a_document(position, name=token if position == 20 else "甲测试"))])
    writer.apply_ahead([gone(40, a_number(20))])
    assert all(token.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


# A history is a list of (record, what happens to it) over few records, so that they depart and come back.
histories = st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["show", "correct", "leave"])), max_size=30)


def _journal(history: list[tuple[int, str]]) -> list[EntryChange]:
    """The lines a registry would write: nothing leaves that is not shown, and what left has lost its words."""
    lines: list[EntryChange] = []
    showing: set[int] = set()
    for serial, event in history:
        position, document = len(lines) + 1, a_document(serial, obligation=f"第{len(lines)}版")
        if event == "leave" and serial in showing:
            lines = [replace(line, body=None) if line.record == document.record else line for line in lines]
            lines.append(gone(position, document.record))
            showing.remove(serial)
        elif event != "leave":
            lines.append(shown(position, document, corrected=serial in showing))
            showing.add(serial)
    return lines


@settings(max_examples=60, deadline=None)
@given(history=histories, cuts=st.lists(st.integers(0, 30), max_size=4), early=st.booleans())
def test_however_the_journal_is_applied_the_store_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[int, str]], cuts: list[int], early: bool
) -> None:
    lines = _journal(history)
    folder = tmp_path_factory.mktemp("stores")
    whole, parts = (StoreWriter(f"sqlite:///{folder / name}.db") for name in ("whole", "parts"))
    for writer in (whole, parts):
        writer.create()
    whole.apply(lines)
    if early:
        parts.apply_ahead([line for line in lines if line.type is not ChangeType.PUBLISHED])
    for cut in sorted(cuts):
        parts.apply(lines[: min(cut, len(lines))])  # from the start each time: what was applied is passed over
    parts.apply(lines)
    parts.replay([lines[:7], lines[7:]] if early else [lines])
    assert _contents(f"sqlite:///{folder / 'whole'}.db") == _contents(f"sqlite:///{folder / 'parts'}.db")


def _contents(url: str) -> object:
    with Store(url).snapshot(AT) as snapshot:
        records = [a_number(serial) for serial in range(1, 5)]
        departed = [snapshot.departed(record) for record in records]
        return snapshot.all(), departed, snapshot.changes(0, 1000), snapshot.sequence, snapshot.updated_at


def test_names_folded_by_an_older_release_are_folded_again(tmp_path: Path) -> None:
    own = PublishedList(tmp_path, [build_document(number, name="陳龍") for number in range(3)])
    with sqlite3.connect(tmp_path / "disclosed.sqlite") as old:
        old.execute("UPDATE document SET name_key = name_key || '旧'")
        old.execute("DELETE FROM folding")
    old.close()
    assert own.register.count_named("陈龙", NOW) == 0
    StoreWriter(own.writer.url).create()
    assert own.register.count_named("陈龙", NOW) == own.register.count_named("陳龍", NOW) == 3


def test_the_version_of_the_folding_changes_with_the_folding() -> None:
    # The characters of Unicode 3.2, whatever Python runs: how they are normalised is fixed for ever.
    known = (
        chr(code) for code in range(0x20, 0x30000) if unicodedata.ucd_3_2_0.category(chr(code)) not in ("Cn", "Cs")
    )
    digest = blake2b("\n".join(map(fold_name, known)).encode(), digest_size=8).hexdigest()
    # When this fails, raise FOLDING: stores have to fold their names again.
    assert (FOLDING, digest) == ("2", "434a52ce6e25df44")


def test_a_kept_connection_follows_the_file(tmp_path: Path) -> None:
    own = PublishedList(tmp_path, [build_document(1)])
    assert own.register.head(NOW).entries == 1
    own.writer.replay([])
    assert own.register.head(NOW).entries == 0


def test_a_child_opens_the_store_itself(tmp_path: Path) -> None:
    own = PublishedList(tmp_path, [build_document(1)])
    assert own.register.head(NOW).entries == 1
    own.publish([build_document(2)])
    child = os.fork()
    if child == 0:
        os._exit(own.register.head(NOW).entries)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    own.publish([build_document(3)])
    assert own.register.head(NOW).entries == 3

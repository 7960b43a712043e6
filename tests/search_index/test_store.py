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
from search_index.journal import ChangeType, EntryChange, ProfileChange, SubjectChange
from search_index.page import Departed
from search_index.profile import Profile
from search_index.snapshot import StoreUnavailable
from search_index.store import Store, StoreWriter
from search_index.store_applying import JournalGap
from search_index.store_tables import FOLDING
from search_index.subjects import LastTold


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
@pytest.mark.long
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


def told(position: int, key: str, body: dict[str, object] | None, subject: str = "article") -> SubjectChange:
    return SubjectChange(position=position, at=AT + timedelta(minutes=position), subject=subject, key=key, body=body)


def test_the_newest_of_what_is_no_entry_is_read_back_newest_first(url: str, writer: StoreWriter) -> None:
    writer.apply([told(1, "one", {"title": "旧"}), told(2, "two", {"title": "乙"}), told(3, "one", {"title": "新"})])
    writer.apply([told(4, "three", {"n": 1}, "figures"), told(5, "two", {"title": "乙"}), told(6, "four", {"n": 1})])
    writer.apply([told(7, "four", None)])
    with Store(url).snapshot(AT) as snapshot:
        found = snapshot.subjects("article")
        assert [(key, body) for key, _, body in found] == [("two", {"title": "乙"}), ("one", {"title": "新"})]
        assert [key for key, _, _ in snapshot.subjects("article", limit=1)] == ["two"]
        assert [key for key, _, _ in snapshot.subjects("article", limit=1, offset=1)] == ["one"]
        assert found[0][1] == AT + timedelta(minutes=5)
        assert snapshot.subject("article", "one") == {"title": "新"}
        assert snapshot.subject("article", "four") is None
        assert (snapshot.knew("article", "four"), snapshot.knew("article", "five")) == (True, False)
        assert snapshot.subject("figures", "one") is None


def test_those_of_a_kind_are_found_behind_any_number_of_others(url: str, writer: StoreWriter) -> None:
    kinds = ["case", "exit", "clarification", 'k"', "other"]
    writer.apply([told(n, str(n), {"text": '"kind": "case"', "kind": kinds[n % 5]}) for n in range(1, 41)])
    with Store(url).snapshot(AT) as snapshot:
        assert [key for key, _, _ in snapshot.subjects("article", 3, kinds=("case",))] == ["40", "35", "30"]
        two = snapshot.subjects("article", 3, offset=1, kinds=("exit", "clarification"))
        assert [key for key, _, _ in two] == ["36", "32", "31"]
        assert len(snapshot.subjects("article", kinds=('k"',))) == 8
        assert snapshot.subjects("article", kinds=("none",)) == []


def test_what_is_no_entry_changes_neither_the_sequence_nor_the_time_of_the_list(url: str, writer: StoreWriter) -> None:
    writer.apply([shown(1, a_document())])
    with Store(url).snapshot(AT) as snapshot:
        before = snapshot.sequence, snapshot.updated_at, snapshot.count_changes()
    writer.apply([told(2, "0" * 64, {"state": "received"}, "submission"), told(3, "one", None)])
    with Store(url).snapshot(AT) as snapshot:
        assert (snapshot.sequence, snapshot.updated_at, snapshot.count_changes()) == before
    assert writer.position() == 3


def test_at_its_end_it_is_gone_though_nobody_took_it_away(url: str, writer: StoreWriter) -> None:
    end = AT + timedelta(days=30)
    writer.apply([told(1, "one", {"title": "甲", "visible_until": end.isoformat()})])
    writer.apply([told(2, "two", {"title": "乙", "visible_until": "when the moon is full"})])
    with Store(url).snapshot(end - timedelta(microseconds=1)) as snapshot:
        assert snapshot.subject("article", "one") is not None
        assert snapshot.subject("article", "two") is None
    with Store(url).snapshot(end) as snapshot:
        assert snapshot.subject("article", "one") is None
        assert snapshot.subjects("article") == []
        assert snapshot.knew("article", "one")


def test_an_end_of_its_own_is_told_from_being_taken_away(url: str, writer: StoreWriter) -> None:
    writer.apply([told(1, "one", {"visible_until": AT.isoformat()}), told(2, "two", {"n": 1}), told(3, "two", None)])
    with Store(url).snapshot(AT + timedelta(days=1)) as snapshot:
        assert snapshot.subjects("article") == []
        assert snapshot.last_told("article", "one") == LastTold(AT + timedelta(minutes=1), is_there=True)
        assert snapshot.last_told("article", "two") == LastTold(AT + timedelta(minutes=3), is_there=False)
        assert snapshot.last_told("article", "three") is None


def test_what_names_entries_goes_with_the_first_of_them(url: str, writer: StoreWriter) -> None:
    first, second = a_document(1), a_document(2)
    body = {"title": "甲", "records": [first.record, second.record]}
    writer.apply([shown(1, first), shown(2, second), told(3, "one", body)])
    with Store(url).snapshot(AT) as snapshot:
        assert snapshot.subject("article", "one") == body
        assert len(snapshot.subjects("article")) == 1
    writer.apply_ahead([gone(4, second.record)])
    with Store(url).snapshot(AT) as snapshot:
        assert snapshot.subject("article", "one") is None
        assert snapshot.subjects("article") == []


def test_a_subject_of_a_version_to_come_is_no_error(url: str, writer: StoreWriter) -> None:
    writer.apply([told(1, "", {"x": 1}, "tomorrow"), told(2, "one", {"x": 1}, "tomorrow"), shown(3, a_document())])
    assert writer.position() == 3
    with Store(url).snapshot(AT) as snapshot:
        assert snapshot.count() == 1
        assert snapshot.subject("article", "one") is None


def test_a_store_from_before_them_is_brought_up_to_date(url: str, writer: StoreWriter, tmp_path: Path) -> None:
    writer.apply([shown(1, a_document())])
    with sqlite3.connect(tmp_path / "disclosed.db") as old:
        old.execute("DROP TABLE subject")
    old.close()
    StoreWriter(url).create()
    writer.apply([told(2, "one", {"title": "甲"})])
    with Store(url).snapshot(AT) as snapshot:
        assert snapshot.subject("article", "one") == {"title": "甲"}
        assert snapshot.count() == 1


def test_their_words_leave_the_file(url: str, writer: StoreWriter, tmp_path: Path) -> None:
    words = "独一无二的标题𠮷𠮷"
    for position in range(1, 40):
        writer.apply([told(position, f"key-{position}", {"title": words if position == 20 else "甲" * 10})])
    writer.apply([told(40, "key-20", None)])
    assert all(words.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


told_histories = st.lists(
    st.tuples(st.sampled_from(["a", "b", ""]), st.sampled_from(["article", "figures"]), st.booleans()), max_size=20
)


@settings(max_examples=40, deadline=None)
@given(history=told_histories, cuts=st.lists(st.integers(0, 20), max_size=3))
@pytest.mark.long
def test_however_they_are_applied_and_replayed_it_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[str, str, bool]], cuts: list[int]
) -> None:
    lines = [
        told(position, key, {"n": position} if shown_now else None, subject)
        for position, (key, subject, shown_now) in enumerate(history, start=1)
    ]
    # What the journal keeps: of each the newest body alone.
    newest = {(line.subject, line.key): line.position for line in lines}
    kept = [line if newest[line.subject, line.key] == line.position else replace(line, body=None) for line in lines]
    folder = tmp_path_factory.mktemp("subjects")
    whole, parts, anew = (StoreWriter(f"sqlite:///{folder / name}.db") for name in ("whole", "parts", "anew"))
    for one in (whole, parts, anew):
        one.create()
    whole.apply(lines)
    for cut in sorted(cuts):
        parts.apply(lines[: min(cut, len(lines))])
    parts.apply(lines)
    anew.apply(lines)
    anew.replay([kept[:5], kept[5:]])
    found = [_told_in(f"sqlite:///{folder / name}.db") for name in ("whole", "parts", "anew")]
    assert found[0] == found[1] == found[2]


def _told_in(url: str) -> object:
    with Store(url).snapshot(AT) as snapshot:
        return [
            (snapshot.subjects(subject), [snapshot.knew(subject, key) for key in "ab"])
            for subject in ("article", "figures")
        ]

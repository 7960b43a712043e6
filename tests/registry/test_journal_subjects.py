"""What is no entry in the journal: it reaches the store as it was told, and its words leave both when they must."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from entries import a_person
from homes import START, Home
from sqlalchemy import select

from registry import journal
from registry.tables import JournalRow

WORDS = "独一无二的案例𠮷𠮷"


def tell(home: Home, key: str, body: dict[str, object] | None, subject: str = "article") -> None:
    court = home.court
    with court.session() as session:
        journal.append_subject(session, court.now, subject, key, body)
    court.pump.feed()
    court.close()


def bodies(home: Home) -> list[str | None]:
    court = home.court
    with court.reading() as session:
        found = list(session.scalars(select(JournalRow.body).where(JournalRow.key.is_not(None)).order_by("position")))
    court.close()
    return found


def read(home: Home, key: str, subject: str = "article") -> object:
    court = home.court
    with court.store.snapshot(court.now) as snapshot:
        found = snapshot.subject(subject, key)
    court.close()
    return found


def test_it_is_told_and_taken_back_and_a_replay_gives_the_same(home: Home) -> None:
    home.publish(a_person(1))
    sequence = home.ask("publish")["sequence"]
    tell(home, "one", {"title": "旧"})
    tell(home, "one", {"title": "新"})
    tell(home, "two", {"title": "乙"})
    tell(home, "two", None)
    assert [body and json.loads(body)["title"] for body in bodies(home)] == [None, "新", None, None]
    for _ in range(2):
        assert (read(home, "one"), read(home, "two")) == ({"title": "新"}, None)
        home.ask("index", "rebuild", "--replay")
    assert home.ask("publish")["sequence"] == sequence


def test_the_words_leave_the_journal_and_the_store(home: Home) -> None:
    tell(home, "one", {"title": WORDS})
    tell(home, "two", {"title": WORDS, "visible_until": (START + timedelta(days=30)).isoformat()})
    tell(home, "one", None)
    home.clock.advance(days=31)
    court = home.court
    with court.session() as session:
        assert journal.end_subjects(session, court.now) == 1
    with court.session() as session:
        assert journal.end_subjects(session, court.now) == 0
    court.pump.feed()
    court.pump.compact()
    court.close()
    assert bodies(home) == [None] * 4
    for path in home.folder.rglob("*"):
        assert not path.is_file() or WORDS.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("subject", "key", "body"),
    [
        ("entry", "one", {}),
        ("profile", "one", {}),
        ("Article", "one", {}),
        ("article", "", {}),
        ("article", "甲", {}),
        ("article", "a" * 65, {}),
        ("article", "../x", {}),
        ("article", "one", {"visible_until": "2026-11-18"}),
        ("article", "one", {"visible_until": 1}),
        ("article", "one", {"n": float("nan")}),
    ],
)
def test_what_could_not_be_read_again_is_not_written(
    home: Home, subject: str, key: str, body: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match=r"."):
        tell(home, key, body, subject)
    assert bodies(home) == []

"""The Latin spelling of a person's name: filled in by hand, public beside the name, and unknown to older versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from documents import a_document
from entries import a_person, an_organisation
from homes import Home
from sqlalchemy import text
from sqlalchemy.orm import Session

from registry.intake import Accepted, Refused, read_file
from search_index.document import Document

BOTH = ("--confirm", "art3", "--confirm", "redactions", "--as", "reviewer")
CASE = "（2025）测0101执1号"
TASHI = a_person(1, name="扎西次仁", latin_name="Tashi Tsering")


def shown(home: Home) -> list[Document]:
    """The list as the public has it."""
    court = home.court
    try:
        with court.store.snapshot(home.clock()) as snapshot:
            return snapshot.all()
    finally:
        court.close()


@contextmanager
def registry_of(home: Home) -> Iterator[Session]:
    court = home.court
    try:
        with court.session() as session:
            yield session
    finally:
        court.close()


# Coming in


def test_a_spelling_that_cannot_be_is_refused_for_its_line(home: Home) -> None:
    spoiled = [
        a_person(1, latin_name="Tashi 2"),
        an_organisation(2, latin_name="Tashi"),
        a_person(3, latin_name=7),
        TASHI,
    ]
    said = home.run("import", home.write("list.jsonl", spoiled), "--as", "clerk", "--json")
    assert (said.code, said.json["accepted"]) == (1, 1)
    refused = said.json["quarantined"]
    assert [(line["line"], line["field"]) for line in refused] == [(n, "latin_name") for n in (1, 2, 3)]
    assert "只能有拉丁字母" in refused[0]["reason"]
    assert "只有自然人" in refused[1]["reason"]
    assert "Tashi" not in said.out


def test_the_national_format_has_no_such_field(tmp_path: Path) -> None:
    listed = json.loads(
        (Path(__file__).parent.parent / "fixtures/intake/national-lines.jsonl").read_text().splitlines()[0]
    )
    path = tmp_path / "national.jsonl"
    path.write_text(json.dumps({**listed, "latin_name": "Tashi"}, ensure_ascii=False), encoding="utf-8")
    (line,) = read_file(path).lines
    assert isinstance(line, Accepted), isinstance(line, Refused) and line.reason
    assert line.facts.latin_name is None
    assert any("latin_name" in warning for warning in line.warnings)


# On the list


def test_a_spelling_is_published_right_after_the_name(home: Home) -> None:
    home.publish(TASHI, a_person(2))
    spelled = {document.name: document.latin_name for document in shown(home)}
    assert spelled == {"扎西次仁": "Tashi Tsering", "甲测试": None}
    assert list(shown(home)[0].as_json())[:4] == ["record", "kind", "name", "latin_name"]


def test_a_spelling_may_be_added_changed_and_removed(home: Home) -> None:
    home.publish(a_person(1, name="扎西次仁"))
    for typed, spelling in (("Tashi Tsering", "Tashi Tsering"), ("Zhaxi　Ciren", "Zhaxi Ciren"), ("", None)):
        said = home.ask("correct", CASE, "--set", f"latin_name={typed}", *BOTH)
        assert said["sequence"] is not None
        assert [document.latin_name for document in shown(home)] == [spelling]
    assert home.run("correct", CASE, "--set", "latin_name=Tashi 2", *BOTH).code == 2
    assert home.run("correct", CASE, "--set", "name=扎西·次仁", *BOTH).code == 2


@pytest.mark.parametrize(
    ("entry", "setting"),
    [
        (an_organisation(1), "latin_name=Tashi"),
        (an_organisation(1), "gender=男"),
        (a_person(1), "legal_representative=丙代表"),
    ],
)
def test_what_the_debtor_cannot_have_is_not_set_by_a_correction(
    home: Home, entry: dict[str, Any], setting: str
) -> None:
    home.publish(entry)
    said = home.run("correct", CASE, "--set", setting, *BOTH, "--json")
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert setting.partition("=")[0] in said.json["error"]


def test_a_version_without_it_does_not_take_it_away(home: Home) -> None:
    home.publish(a_person(1, name="扎西次仁"))
    home.ask("correct", CASE, "--set", "latin_name=Tashi Tsering", *BOTH)
    newer = a_person(1, name="扎西次仁", obligation="支付货款人民币50000元。")
    assert home.publish(newer)
    (document,) = shown(home)
    assert (document.obligation, document.latin_name) == ("支付货款人民币50000元。", "Tashi Tsering")


def test_a_version_that_only_adds_it_is_a_correction(home: Home) -> None:
    home.publish(a_person(1, name="扎西次仁"))
    said = home.ask("import", home.write("newer.jsonl", [TASHI]), "--as", "clerk")
    assert said["proposed_corrections"] == 1
    assert [document.latin_name for document in shown(home)] == [None]
    home.ask("approve", said["batch"], *BOTH)
    assert [document.latin_name for document in shown(home)] == ["Tashi Tsering"]


# From before there was the field


@pytest.mark.parametrize("spelling", ["Tashi Tsering", None])
def test_a_document_comes_back_as_it_was(spelling: str | None) -> None:
    document = a_document(name="扎西次仁", latin_name=spelling)
    assert Document.from_json(json.loads(json.dumps(document.as_json()))) == document


def test_a_document_written_before_has_none() -> None:
    document = a_document()
    body = {key: value for key, value in document.as_json().items() if key != "latin_name"}
    assert Document.from_json(body) == document


def test_an_upgrade_issues_nothing_anew_and_knows_what_it_imported(home: Home) -> None:
    entries = [a_person(serial) for serial in (1, 2, 3)]
    home.publish(*entries)
    before = shown(home)
    sequence = home.ask("publish")["sequence"]
    _forget_the_field(home)
    assert older(home) == len(entries)
    assert home.ask("publish") == {"published": 0, "expired": 0, "sequence": sequence}
    assert shown(home) == before
    assert older(home) == 0
    with registry_of(home) as session:
        assert session.scalar(text("SELECT count(*) FROM journal WHERE subject = 'entry'")) == len(entries)
    again = home.ask("import", home.write("again.jsonl", entries), "--as", "clerk")
    assert (again["batch"], again["unchanged"]) == (None, len(entries))
    home.ask("index", "rebuild", "--replay")
    assert shown(home) == before
    home.ask("correct", CASE, "--set", "latin_name=Jia Ceshi", *BOTH)
    assert sorted(filter(None, (document.latin_name for document in shown(home)))) == ["Jia Ceshi"]


def older(home: Home) -> int:
    """How many records were disclosed by a version without the field."""
    with registry_of(home) as session:
        query = "SELECT count(*) FROM record WHERE policy = 'national older' AND CAST(facts AS text) NOT LIKE '%latin%'"
        return int(session.execute(text(query)).scalar_one())


def _forget_the_field(home: Home) -> None:
    """Make the registry what a version without the field left: no such key, and other rules of disclosure."""
    with registry_of(home) as session:
        for table, key, column in (("record", "id", "facts"), ("journal", "position", "body")):
            for row in session.execute(text(f"SELECT {key} AS key, {column} AS body FROM {table}")).all():
                body = json.loads(row.body) if isinstance(row.body, str) else row.body
                if body is None or "latin_name" not in body:
                    continue
                del body["latin_name"]
                statement = text(f"UPDATE {table} SET {column} = :body WHERE {key} = :key")
                session.execute(statement, {"body": json.dumps(body, ensure_ascii=False), "key": row.key})
        session.execute(text("UPDATE record SET policy = 'national older'"))

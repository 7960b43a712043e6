"""The page that describes the interface says what the description says, and its examples are what is answered."""

from __future__ import annotations

import html
import json
from typing import Any

import jsonschema_rs
import pytest
from examples_world import EXAMPLE_URL, ask, build_examples
from flask.testing import FlaskClient
from portal_world import World

from portal.openapi import build_openapi
from portal.openapi_examples import EXAMPLES
from portal.promises import PROMISES
from search_index.reader_terms import TERMS

DESCRIPTION = build_openapi(EXAMPLE_URL)


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> str:
    answer = World(tmp_path_factory.mktemp("describing") / "public").client().get("/api")
    assert answer.status_code == 200
    assert "<script" not in answer.text
    return html.unescape(answer.text)


def test_the_page_tells_of_every_operation_parameter_answer_and_member(words: str) -> None:
    for path, operations in DESCRIPTION["paths"].items():
        for method, operation in operations.items():
            assert f"{method.upper()} {path}" in words
            told = [operation["summary"], operation.get("description", "")]
            told += [one[key] for one in operation.get("parameters", []) for key in ("name", "description")]
            told += [answer["description"] for answer in operation["responses"].values()]
            assert [text for text in told if text not in words] == []
    for name, schema in DESCRIPTION["components"]["schemas"].items():
        assert f'id="schema-{name}"' in words
        for member, inner in schema["properties"].items():
            assert f"<code>{member}</code>" in words
            assert inner.get("description", "") in words
    assert [text for text in (*PROMISES, *TERMS) if text not in words] == []
    for limit in ("每个密钥每小时 12 次", "同一网络每分钟 120 次（批量读取的各个地址合计）", "同一网络每分钟 60 次"):
        assert limit in words


def test_every_link_of_the_page_leads_to_a_part_of_it(words: str) -> None:
    parts = {line.split('"')[0] for line in words.split(' id="')[1:]}
    assert {line.split('"')[0] for line in words.split('href="#')[1:]} <= parts


def test_the_examples_are_answered_as_they_are_shown(world: World, words: str) -> None:
    client, keys = build_examples(world)
    for example in EXAMPLES:
        shown = example.as_json()
        answer = ask(client, keys, shown["x-request"])
        assert (answer.status_code, answer.mimetype) == (example.status, example.media), example.title
        assert (answer.text if isinstance(example.answer, str) else answer.json) == example.answer, example.title
        text = (
            example.answer
            if isinstance(example.answer, str)
            else json.dumps(example.answer, ensure_ascii=False, indent=2)
        )
        assert text.strip() in words


def test_the_examples_are_as_they_are_described() -> None:
    operations = {one["operationId"]: one for methods in DESCRIPTION["paths"].values() for one in methods.values()}
    for example in EXAMPLES:
        operation = operations[example.operation]
        check(operation["responses"][str(example.status)]["content"][example.media]["schema"], example.answer)
        if example.body is not None:
            check(operation["requestBody"]["content"]["application/json"]["schema"], example.body)
    without = set(operations) - {example.operation for example in EXAMPLES}
    # Long, or no JSON: their parts are described.
    assert without == {
        "getStatistics", "getDescription", "getCsv", "getAtom", "getArchive", "getOpenSearch", "getMark"
    }  # fmt: skip


def test_the_page_is_asked_as_other_pages_are(client: FlaskClient) -> None:
    answer = client.get("/api")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "Set-Cookie" not in answer.headers
    assert client.get("/api", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert client.get("/api?q=1").status_code == 400
    for page in ("/", "/about"):
        assert 'href="/api"' in client.get(page).text


def check(schema: dict[str, Any], value: Any) -> None:
    whole = {**schema, "components": DESCRIPTION["components"]}
    jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(value)

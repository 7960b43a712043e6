"""The open API: its answers, its errors, and whether its description is true."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from portal_world import COMPANY, PERSON, World

from portal.parameters import API_PARAMETERS, CONDUCT
from search_index.document import Document
from search_index.page import FoundIn

ENTRIES = "/api/v1/entries"
KEYS = [f.name for f in fields(Document)]


@pytest.fixture
def listed(world: World) -> list[Document]:
    person, company, departed = world.publish(PERSON, COMPANY, replace(PERSON, name="已撤样"))
    world.withdraw(departed.record)
    return [person, company, departed]


@pytest.fixture
def description(client: FlaskClient) -> dict[str, Any]:
    return client.get("/api/v1/openapi.json").json


def test_a_list_answers_with_meta_and_entries(client: FlaskClient, listed: list[Document]) -> None:
    body = client.get(f"{ENTRIES}?q=扎西&kind=person").json
    assert list(body) == ["meta", "entries"]
    assert list(body["meta"]) == [
        "total",
        "near",
        "page",
        "pages",
        "sequence",
        "updated_at",
        "checked_at",
        "reading",
        "license",
    ]
    assert (body["meta"]["total"], body["meta"]["page"], body["meta"]["pages"]) == (1, 1, 1)
    (entry,) = body["entries"]
    assert list(entry) == [*KEYS, "match", "found_in"]
    assert {key: entry[key] for key in KEYS} == listed[0].as_json()
    assert (entry["match"], entry["found_in"]) == ("exact", "name")


def test_facets_count_the_exact_hits_where_they_are_asked_for(client: FlaskClient, listed: list[Document]) -> None:
    facets = client.get(f"{ENTRIES}?q=测试&facets=1").json["meta"]["facets"]
    assert list(facets) == ["kind", "court", "region", "conduct", "performance"]
    assert facets["court"] == [{"value": "测试市人民法院", "count": 2}]
    assert {one["value"]: one["count"] for one in facets["kind"]} == {"person": 1, "organisation": 1}
    assert {one["value"] for one in facets["conduct"]} == {"breaks_property_reporting", "refuses_though_able"}
    assert "facets" not in client.get(f"{ENTRIES}?q=测试").json["meta"]


def test_only_an_answer_without_an_exact_hit_suggests(client: FlaskClient, listed: list[Document]) -> None:
    meta = client.get(f"{ENTRIES}?q=扎西·测试&kind=organisation").json["meta"]
    assert meta["total"] == 0
    assert {"text": "扎西·测试", "keeps_filters": False, "total": 1} in meta["suggestions"]
    assert "suggestions" not in client.get(f"{ENTRIES}?q=扎西").json["meta"]


def test_a_suggestion_never_counts_what_has_departed(client: FlaskClient, listed: list[Document]) -> None:
    body = client.get(f"{ENTRIES}?q=已撤样&kind=organisation&facets=1").json
    assert (body["meta"]["total"], body["meta"]["near"], body["meta"]["suggestions"]) == (0, 0, [])
    assert all(counts == [] for counts in body["meta"]["facets"].values())


def test_a_latin_spelling_is_part_of_an_entry(world: World, client: FlaskClient) -> None:
    (document,) = world.publish(replace(PERSON, latin_name="Zhaxi Ceshi"))
    assert client.get(f"{ENTRIES}/{document.record}").json["latin_name"] == "Zhaxi Ceshi"
    assert "拉丁字母写法" in client.get(f"/entries/{document.record}").text
    (plain,) = world.publish(PERSON)
    assert "拉丁字母写法" not in client.get(f"/entries/{plain.record}").text


def test_one_entry_is_the_document_and_nothing_else(client: FlaskClient, listed: list[Document]) -> None:
    body = client.get(f"{ENTRIES}/{listed[1].record}").json
    assert list(body) == KEYS
    assert Document.from_json(body) == listed[1]


def test_page_and_api_give_the_same_answer(client: FlaskClient, listed: list[Document]) -> None:
    for query in ("q=扎西", "q=李样例", "q=测试雪峰", "kind=organisation", "q=(2026)测9901执12号"):
        records = [entry["record"] for entry in client.get(f"{ENTRIES}?{query}").json["entries"]]
        page = client.get(f"/search?{query}").text
        assert records
        assert all(f"/entries/{record}" in page for record in records)


def test_a_departed_entry_is_gone(client: FlaskClient, listed: list[Document]) -> None:
    answer = client.get(f"{ENTRIES}/{listed[2].record}")
    assert (answer.status_code, answer.content_type) == (410, "application/problem+json")
    assert set(answer.json) == {"type", "title", "status", "detail", "record", "at"}
    assert answer.json["record"] == listed[2].record
    assert "已撤样" not in answer.text


@pytest.mark.parametrize("path", [f"{ENTRIES}/SX-00000000", f"{ENTRIES}/nobody", "/api/v1/", "/api/nothing"])
def test_what_is_unknown_is_a_problem_document(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert answer.json["status"] == 404
    assert answer.json["title"]


def test_a_wrong_method_says_which_are_right(client: FlaskClient) -> None:
    answer = client.post(ENTRIES)
    assert (answer.status_code, answer.content_type) == (405, "application/problem+json")
    assert "GET" in answer.headers["Allow"]


def test_every_wrong_parameter_is_named(client: FlaskClient) -> None:
    answer = client.get(f"{ENTRIES}?kind=x&page=y&colour=z")
    assert [error["parameter"] for error in answer.json["errors"]] == ["colour", "kind", "page"]
    assert all(error["reason"] for error in answer.json["errors"])


@pytest.mark.parametrize("path", ["/api/v1/openapi.json", "/healthz", "/readyz", f"{ENTRIES}/SX-00000000"])
def test_other_routes_take_no_parameter(client: FlaskClient, path: str) -> None:
    assert client.get(f"{path}?q=1").status_code == 400


def test_the_types_of_problems_lead_to_where_they_are_explained(client: FlaskClient, listed: list[Document]) -> None:
    about = client.get("/about").text
    for path in (f"{ENTRIES}/{listed[2].record}", f"{ENTRIES}?x=1", f"{ENTRIES}/none"):
        kind = client.get(path).json["type"]
        address, anchor = kind.split("#")
        assert address == "https://example.invalid/about"
        assert f'id="{anchor}"' in about


def test_a_number_in_another_form_leads_to_the_published_one(client: FlaskClient, listed: list[Document]) -> None:
    answer = client.get(f"{ENTRIES}/{listed[0].record.lower()}")
    assert answer.status_code == 308
    assert answer.location == f"{ENTRIES}/{listed[0].record}"


def test_the_site_can_be_asked_whether_it_is_ready(client: FlaskClient, listed: list[Document]) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ok", "sequence": 4}


def test_the_description_lists_every_route_of_the_api(world: World, description: dict[str, Any]) -> None:
    rules = {rule.rule for rule in world.build_app().url_map.iter_rules() if rule.rule.startswith("/api/v1")}
    described = {path.replace("{", "<").replace("}", ">") for path in description["paths"]}
    assert {path for path in described if path.startswith("/api/v1")} == rules
    assert description["openapi"] == "3.1.0"


def test_the_description_lists_every_parameter(description: dict[str, Any]) -> None:
    named = [parameter["name"] for parameter in description["paths"][ENTRIES]["get"]["parameters"]]
    assert named == [*API_PARAMETERS, "mode"]


def test_the_choices_it_lists_are_accepted_and_others_are_not(client: FlaskClient, description: dict[str, Any]) -> None:
    for parameter in description["paths"][ENTRIES]["get"]["parameters"]:
        for choice in parameter["schema"].get("enum", []):
            assert client.get(ENTRIES, query_string={parameter["name"]: choice}).status_code == 200
        if "enum" in parameter["schema"]:
            assert client.get(ENTRIES, query_string={parameter["name"]: "other"}).status_code == 400


def test_answers_are_as_the_description_says(
    client: FlaskClient, listed: list[Document], description: dict[str, Any]
) -> None:
    schemas = description["components"]["schemas"]
    assert list(schemas["Document"]["properties"]) == KEYS
    for asked in ("", "?facets=1", "?q=查无此名", "?q=扎西测试&kind=organisation&facets=1"):
        conforms(client.get(f"{ENTRIES}{asked}").json, schemas["EntryList"], schemas)
    conforms(client.get(f"{ENTRIES}/{listed[0].record}").json, schemas["Document"], schemas)
    conforms(client.get(f"{ENTRIES}/{listed[2].record}").json, schemas["Gone"], schemas)
    conforms(client.get(f"{ENTRIES}?x=1").json, schemas["Problem"], schemas)
    assert schemas["Conduct"]["properties"]["code"]["enum"] == list(CONDUCT)
    assert set(schemas["Entry"]["properties"]["found_in"]["enum"]) == set(FoundIn.__args__)


TYPES = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list, "null": type(None)}


def conforms(value: Any, schema: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Check a value against the part of JSON Schema that the description uses."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    assert isinstance(value, tuple(TYPES[name] for name in names)), (value, schema)
    if isinstance(value, dict):
        assert set(schema["required"]) <= set(value) <= set(schema["properties"])
        for name, part in value.items():
            conforms(part, schema["properties"][name], schemas)
    if isinstance(value, list):
        for part in value:
            conforms(part, schema["items"], schemas)
    if "enum" in schema:
        assert value in schema["enum"]

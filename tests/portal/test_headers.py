"""What goes with every answer: headers, versions, limits, and what is written of a request."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from portal_world import PERSON, World
from structlog.testing import capture_logs

from portal.app import STATIC
from search_index.document import Document

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
INDEXED = {"/", "/about", "/rights", "/privacy", "/robots.txt"}


@pytest.fixture
def listed(world: World) -> list[Document]:
    person, departed = world.publish(PERSON, replace(PERSON, name="已撤样"))
    world.withdraw(departed.record)
    return [person, departed]


@pytest.fixture
def paths(listed: list[Document]) -> list[str]:
    records = [document.record for document in listed]
    return [
        *INDEXED,
        "/search?q=扎西",
        "/search?kind=x",
        "/check",
        *(f"/entries/{record}" for record in records),
        f"/entries/{records[0].lower()}",
        *(f"/api/v1/entries/{record}" for record in records),
        "/api/v1/entries",
        "/api/v1/openapi.json",
        "/healthz",
        "/readyz",
        "/nothing",
        "/emblem",
        "/display/notice",
        "/display/led.json",
        "/display/mark.json",
        "/offline",
        "/manifest.webmanifest",
        "/sw.js",
        "/static/site.css",
        "/static/nothing.css",
        "/entries/../../etc/passwd",
    ]


def test_every_answer_carries_the_headers_of_safety(client: FlaskClient, paths: list[str]) -> None:
    for path in paths:
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            headers = client.open(path, method=method).headers
            assert {name: headers.get(name) for name in ALWAYS} == ALWAYS, path
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert len(headers.getlist("Content-Security-Policy")) == 1
            # The start page registers the service worker; nothing that is listed, asked or typed is on it.
            assert ("script-src 'self';" in policy) is ("script-src" in policy) is (path == "/" and method != "POST"), (
                path
            )
            assert "Set-Cookie" not in headers
            assert headers["Permissions-Policy"]


def test_only_pages_without_names_may_be_indexed(client: FlaskClient, paths: list[str]) -> None:
    for path in paths:
        robots = client.get(path).headers.get("X-Robots-Tag", "")
        if path in INDEXED or path == "/static/site.css":
            assert not robots, path
        else:
            assert {"noindex", "noarchive"} <= set(robots.split(", ")), path


def test_a_site_reached_by_https_stays_there(world: World) -> None:
    assert "Strict-Transport-Security" in world.client().get("/").headers
    assert "Strict-Transport-Security" not in world.client(public_url="http://example.invalid").get("/").headers


@pytest.mark.parametrize("address", ["/entries/{}", "/search?q=扎西", "/api/v1/entries", "/api/v1/entries/{}", "/"])
def test_an_answer_that_has_not_changed_is_304(world: World, client: FlaskClient, address: str) -> None:
    (document,) = world.publish(PERSON)
    path = address.format(document.record)
    first = client.get(path)
    tag = first.headers["ETag"]
    assert not tag.startswith("W/")
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    head = client.head(path)
    assert (head.headers["ETag"], head.data) == (tag, b"")


def test_a_correction_changes_the_version(world: World, client: FlaskClient) -> None:
    (document,) = world.publish(PERSON)
    path = f"/api/v1/entries/{document.record}"
    tag = client.get(path).headers["ETag"]
    world.correct(replace(document, performance="全部已履行"))
    answer = client.get(path, headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert answer.json["performance"] == "全部已履行"


def test_static_files_of_a_version_are_kept_for_a_year(client: FlaskClient) -> None:
    links = re.findall(r'(?:href|src)="(/static/[^"]+)"', client.get("/").text)
    assert len(links) >= 3
    for link in links:
        answer = client.get(link)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        plain = client.get(link.split("?")[0])
        assert plain.headers["Cache-Control"] == "no-cache"


def test_style_sheets_ask_for_nothing_from_elsewhere() -> None:
    for path in STATIC.rglob("*.css"):
        assert not re.findall(r"@import|url\((?!data:)", path.read_text(encoding="utf-8")), path


def test_the_vendored_framework_names_its_licence_and_its_version() -> None:
    folder = Path(STATIC) / "govuk"
    assert "MIT License" in (folder / "LICENSE.txt").read_text(encoding="utf-8")
    version = re.search(r"--govuk-frontend-version: ?\"([\d.]+)\"", (folder / "govuk.css").read_text(encoding="utf-8"))
    assert version is not None
    assert f"govuk-frontend@{version[1]}" in (folder / "README.md").read_text(encoding="utf-8")


def test_limits_are_told_and_kept(world: World, later: Callable[[float], None]) -> None:
    client = world.client(rate_limit=True)
    seen = [client.get("/search?q=x") for _ in range(60)]
    assert {answer.status_code for answer in seen} == {200}
    assert [int(answer.headers["RateLimit-Remaining"]) for answer in seen] == list(range(59, -1, -1))
    refused = client.get("/search?q=x")
    assert refused.status_code == 429
    assert "操作过于频繁" in refused.text
    assert refused.headers["RateLimit-Limit"] == "60"
    wait = int(refused.headers["Retry-After"])
    assert 0 < wait <= 60
    later(wait)
    assert client.get("/search?q=x").status_code == 200


def test_the_api_is_limited_with_a_problem_document(world: World) -> None:
    client = world.client(rate_limit=True)
    answers = [client.get("/api/v1/entries") for _ in range(61)]
    assert [answer.status_code for answer in answers] == [200] * 60 + [429]
    assert answers[-1].content_type == "application/problem+json"
    assert answers[-1].json["status"] == 429


def test_checking_is_limited_by_the_minute_and_by_the_day(world: World, later: Callable[[float], None]) -> None:
    client = world.client(rate_limit=True)
    form = {"name": "测试", "head": "9901011980", "tail": "0017"}
    answers: list[int] = []
    for _ in range(7):
        answers += [client.post("/check", data=form).status_code for _ in range(11)]
        later(60)
    assert answers.count(200) == 60
    assert answers[:11] == [200] * 10 + [429]
    assert client.get("/check").status_code == 200
    later(86_400)
    assert client.post("/check", data=form).status_code == 200


def test_one_address_does_not_use_up_the_limit_of_another(world: World) -> None:
    client = world.client(rate_limit=True)
    for _ in range(61):
        client.get("/search", environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert client.get("/search", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 429
    assert client.get("/search", environ_base={"REMOTE_ADDR": "192.0.2.2"}).status_code == 200


def test_a_forwarded_address_counts_only_behind_a_trusted_proxy(world: World) -> None:
    for proxies, status in ((0, 429), (1, 200)):
        client = world.client(rate_limit=True, trusted_proxies=proxies)
        for _ in range(61):
            client.get("/search", headers={"X-Forwarded-For": "192.0.2.1"})
        assert client.get("/search", headers={"X-Forwarded-For": "192.0.2.2"}).status_code == status


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/static/site.css", "/about"])
def test_what_costs_little_is_not_limited(world: World, path: str) -> None:
    client = world.client(rate_limit=True)
    answers = [client.get(path) for _ in range(130)]
    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit-Limit" not in answers[0].headers


def test_limits_can_be_switched_off(world: World) -> None:
    client = world.client(rate_limit=False)
    assert {client.get("/search").status_code for _ in range(70)} == {200}


def test_the_log_holds_the_rule_and_not_what_was_asked(client: FlaskClient, listed: list[Document]) -> None:
    secrets = ("扎西", "secretword", listed[0].record, "192.0.2.77")
    with capture_logs() as lines:
        for path in (
            "/search?q=扎西",
            "/search?q=secretword&kind=secretword",
            f"/entries/{listed[0].record}",
            "/entries/secretword",
            "/secretword",
            "/api/v1/entries?q=secretword",
        ):
            client.get(path, environ_base={"REMOTE_ADDR": "192.0.2.77"})
        client.open("/", method="SECRETWORD")
    assert [line["rule"] for line in lines] == [
        "/search",
        "/search",
        "/entries/<record>",
        "/entries/<record>",
        "-",
        "/api/v1/entries",
        "-",
    ]
    assert [line["status"] for line in lines][:5] == [200, 400, 200, 404, 404]
    assert all(set(line) == {"event", "log_level", "method", "rule", "status", "ms"} for line in lines)
    assert not [secret for secret in secrets if secret.lower() in str(lines).lower()]


def test_an_unforeseen_error_is_told_and_logged_without_what_was_asked(world: World) -> None:
    app = world.build_app()

    @app.get("/breaks/<word>")
    def breaks(word: str) -> str:
        raise RuntimeError(f"cannot {word}")

    with capture_logs() as lines:
        answer = app.test_client().get("/breaks/secretword?q=secretword")
    assert answer.status_code == 500
    assert "系统出现故障" in answer.text
    assert answer.headers["Content-Security-Policy"]
    error, request = lines
    assert (error["event"], error["type"], error["rule"]) == ("error", "RuntimeError", "/breaks/<word>")
    assert any(place.startswith("test_headers.py:") for place in error["where"])
    assert request["status"] == 500
    assert "secretword" not in str(lines) + answer.text

"""What the portal of the court of the canaries is asked: every route, every method, every parameter, with every key."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from urllib.parse import quote

from canary import Watch
from canary_court import CanaryCourt, find_canaries
from canary_opened import READERS, bearer
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.app import Portal

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "SPY")


@dataclass(frozen=True)
class Asked:
    """What a request brought with it: where to, and the values that the answer may repeat."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    @property
    def typed(self) -> tuple[str, ...]:
        echoed = self.form.values() if self.path in FORMS else ()
        # A key comes back from nowhere.
        told = (value for name, value in self.headers.items() if name != "Authorization")
        return (self.path, *self.query, *self.query.values(), *told, *echoed)


# Where something is sent in, a form that is not complete comes back with what was typed.
FORMS = ("/objections/new", "/complaints/new", "/objections/state")


def ask(client: FlaskClient, asked: Asked) -> TestResponse:
    kind = {"content_type": "application/json"} if asked.body else {}
    return client.open(
        asked.path, method=asked.method, query_string=asked.query, data=asked.body or asked.form or None,
        headers=asked.headers, buffered=True, **kind,
    )  # fmt: skip


def wire(answer: TestResponse) -> bytes:
    content = f"{answer.status}\n{answer.headers}".encode() + answer.data
    answer.close()
    return content


def every_request(court: CanaryCourt, app: Portal) -> Iterator[Asked]:
    """Every rule with every method, and each of its parameters filled with what there is, what is not, and canaries."""
    numbers = [some[0] for some in court.records.values() if some]
    inside = sample_of(court)
    arguments = {
        "record": [*numbers, numbers[0].lower(), "SX-00000000", "x", *inside],
        "key": ["1", "none", "../disclosed.db", inside[0]],
        "filename": ["site.css", "nothing.css", "../disclosed.db", inside[0]],
        "block": ["1", "2", "999", "0", "x", inside[0]],
        "name": ["court", "kind", "months", "departures", "pushes", "none", inside[0]],
    }
    for rule in app.url_map.iter_rules():
        named = sorted(rule.arguments)
        assert len(named) <= 1, rule
        for value in arguments[named[0]] if named else [""]:
            path = re.sub("<.*>", lambda _, value=value: quote(value), rule.rule)  # type: ignore[misc]
            for method in METHODS if value in ("", *(some[0] for some in arguments.values()), inside[0]) else ("GET",):
                yield Asked(method, path, {}, {}, {})
    yield from every_keyed(court, inside)
    yield from every_list(court, inside)
    for path in ("/search", "/api/v1/entries"):
        for query in every_query(court, inside):
            yield Asked("GET", path, query, {}, {})
    for value in inside:
        yield Asked("GET", "/" + quote(value), {}, {}, {})
        yield Asked("GET", "/", {value: value}, {}, {})
        yield Asked(
            "GET", "/", {}, {}, {"Host": "list.invalid", "X-Forwarded-For": "x", "If-None-Match": f'"{value[:4]}"'}
        )
    for entry in (one for some in court.entries.values() for one in some[:1]):
        number = entry["id_number"] or "990101198001020015"
        for head, tail in ((number[:10], number[-4:]), ("9901011980", "0015"), (number, ""), ("", "")):
            yield Asked("POST", "/check", {}, {"name": entry["name"], "head": head, "tail": tail}, {})
    yield Asked("POST", "/check", {}, {"name": "甲" * 20_000}, {})
    yield Asked("POST", "/check", {}, {inside[0]: inside[0]}, {})
    for value in inside[:5]:
        for path in FORMS:
            yield Asked(
                "POST",
                path,
                {},
                {"who": value, "words": value} if "new" in path else {"receipt": value, "code": value},
                {},
            )
            yield Asked("POST", path, {}, {value: value}, {})
            yield Asked("GET", path, {"record": value}, {}, {})
        yield Asked("POST", "/certificates", {}, {"number": value}, {})


def every_query(court: CanaryCourt, inside: list[str]) -> Iterator[dict[str, str]]:
    shown = court.entries["published"][0]
    for word in (
        *inside,
        shown["name"],
        shown["name"][:2],
        "测试市",
        "仲裁委员会",
        "机械厂",
        "路9号",
        "",
        "x" * 101,
        "\x00",
        "%",
    ):
        yield {"q": word}
        for name in ("court", "region"):
            yield {name: word}
    yield from (
        {"kind": "person"}, {"kind": "x"}, {"conduct": "breaks_settlement"}, {"performance": "部分未履行"}, {"sort": "newest"},
        {"page": "2"}, {"page": "x"}, {"from": "2020-01-01", "to": "2019-01-01"}, {"from": "x"}, {"facets": "1"},
        {"q": "测试", "facets": "1", "kind": "organisation"}, {"mode": "elder"}, {"mode": "x"}, {"nothing": "x"},
    )  # fmt: skip


def sample_of(court: CanaryCourt) -> list[str]:
    """One value of every private field of every fate."""
    some: dict[str, str] = {}
    for fate, entries in court.entries.items():
        for key, value in find_canaries(entries[0]):
            if court.outside.find(value) and key != "obligation":
                some.setdefault(f"{fate}: {key}", value)
    kept = list(some.values())
    return kept if court.each > 2 else Random(3).sample(kept, 14)


def left_of(watch: Watch, asked: Asked, content: bytes) -> set[str]:
    """What is found in an answer beside what its request brought in."""
    return watch.without(*asked.typed).find(content)


KEYED = ("/api/v1/changes", "/api/v1/snapshot", "/api/v1/entries.csv", "/api/v1/acks", "/feed/archive/1.atom")


def every_keyed(court: CanaryCourt, inside: list[str]) -> Iterator[Asked]:
    """What takes a reader's key, with every key there is, and with what is none."""
    keys = [*(court.keys[name] for name in READERS), court.keys["pushed"], f"gsr_{'x' * 40}", *inside[:3]]
    headers = [bearer(key) for key in keys if key.isascii()]
    for key in keys:
        word = base64.b64encode(f"a:{key}".encode()).decode()
        headers.append({"Authorization": f"Basic {word}"})
    for given in headers:
        for path in KEYED:
            for method in ("GET", "HEAD"):
                yield Asked(method, path, {"since": "0"} if path.endswith("changes") else {}, {}, given)
        for body in ({"sequence": 1}, {"sequence": 10**12}, {"sequence": inside[0]}, {inside[0]: 1}):
            yield Asked("POST", "/api/v1/acks", {}, {}, given, json.dumps(body, ensure_ascii=False))
    good = bearer(court.keys["good"])
    for query in ({"since": "99999"}, {"since": "3", "limit": "2"}, {"since": inside[0]}, {inside[0]: "1"}):
        yield Asked("GET", "/api/v1/changes", query, {}, good)
    yield Asked("POST", "/api/v1/acks", {}, {}, good, inside[0])
    yield Asked("GET", "/api/v1/snapshot", {inside[0]: inside[0]}, {}, good)
    for block in ("2", "3", inside[0]):
        yield Asked("GET", f"/feed/archive/{quote(block)}.atom", {}, {}, good)


def every_list(court: CanaryCourt, inside: list[str]) -> Iterator[Asked]:
    """What may be narrowed, with filters that fit, and with what is nobody's business."""
    shown = court.entries["published"][0]
    for path in ("/display/led", "/display/led/still", "/display/led.json", "/display/notice", "/display/mark.json"):
        for value in (shown["court"], *inside[:6]):
            for name in ("court", "region"):
                yield Asked("GET", path, {name: value}, {}, {})
        for query in ({"kind": "person"}, {"kind": inside[0]}, {"page": "2"}, {"rows": "4"}, {inside[0]: "1"}):
            yield Asked("GET", path, query, {}, {})
    yield Asked("GET", "/stats/post", {"format": "text"}, {}, {})
    for path in ("/stats", "/stats/post", "/api/v1/stats", "/feed.atom", "/feed.json", "/opensearch.xml", "/sw.js"):
        yield Asked("GET", path, {inside[0]: inside[0]}, {}, {})

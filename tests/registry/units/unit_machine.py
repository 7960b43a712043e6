"""A machine of a unit at the interface."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from flask import Flask
from homes import Home
from werkzeug.test import TestResponse

PREFIX = "/units/v1"
PROBLEM = "application/problem+json"


def add_key(home: Home, slug: str, name: str, *options: str) -> str:
    """A key of a unit."""
    secret: str = home.ask("unit", "key", "add", slug, name, *options, "--as", "reviewer")["secret"]
    return secret


@dataclass
class Machine:
    """Something that asks with a key."""

    app: Flask
    key: str
    address: str = "203.0.113.7"
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any) -> TestResponse:
        given = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return self.app.test_client(use_cookies=False).open(
            f"{PREFIX}{path}",
            method=method,
            headers={**given, **self.headers, **(headers or {})},
            environ_base={"REMOTE_ADDR": self.address},
            **more,
        )

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.ask("GET", path, {name.replace("_", "-"): quote(value) for name, value in headers.items()})

    def post(self, path: str, body: Any) -> TestResponse:
        return self.ask("POST", path, json=body)

    def good(self, answer: TestResponse) -> Any:
        assert answer.status_code == 200, answer.text
        assert answer.content_type == "application/json"
        return answer.json


def problem(answer: TestResponse, status: int, slug: str) -> dict[str, Any]:
    """The problem document of an answer that must be one."""
    assert (answer.status_code, answer.content_type) == (status, PROBLEM), answer.text
    assert "Set-Cookie" not in answer.headers
    body: dict[str, Any] = json.loads(answer.data)
    assert body["type"] == f"urn:gongshi:units:problem:{slug}", body
    assert body["status"] == status
    return body


def faults(answer: TestResponse) -> dict[str, str]:
    """The fields that were refused, and why."""
    return {one["field"]: one["reason"] for one in problem(answer, 400, "bad-parameter")["errors"]}


def clashes(answer: TestResponse) -> dict[str, str]:
    """The fields that do not fit what the court has, and why."""
    return {one["field"]: one["reason"] for one in problem(answer, 409, "conflict")["errors"]}

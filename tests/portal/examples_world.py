"""The list of which the examples of the description tell: a person and a company are on it, and one left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask.testing import FlaskClient
from portal_world import COMPANY, PERSON, World
from test_bulk import grant
from werkzeug.test import TestResponse

EXAMPLE_URL = "https://list.example.invalid"


def build_examples(world: World) -> tuple[FlaskClient, Mapping[str, str]]:
    """A client of that list, and what stands behind the keys of the examples."""
    *_, departed = world.publish(PERSON, COMPANY, replace(PERSON, name="央金样例", id_number="9901011990****0025"))
    world.withdraw(departed.record)
    keys = {
        "Bearer 密钥": grant(world, 1, watermark="R-7K2M9QXA", acked=2)["Authorization"],
        "Bearer 暂停的密钥": grant(world, 2, watermark="R-4T8W3ZBC", acked=2, suspended=True)["Authorization"],
    }
    return world.client(public_url=EXAMPLE_URL), keys


def ask(client: FlaskClient, keys: Mapping[str, str], request: Mapping[str, Any]) -> TestResponse:
    """Send the request of an example."""
    headers = {name: keys.get(told, told) for name, told in request.get("headers", {}).items()}
    more = {"json": request["body"]} if "body" in request else {}
    return client.open(request["path"], method=request["method"], headers=headers, **more)

"""An example of the open API, and how the description shows it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from portal.schema import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A request of an operation, and its answer: JSON, or the text of another media type."""

    operation: str
    title: str
    method: str = "GET"
    path: str
    headers: Json = field(default_factory=dict)
    body: Json | None = None
    status: int = 200
    media: str = "application/json"
    answer: Any

    def as_json(self) -> Json:
        request: Json = {"method": self.method, "path": self.path}
        request |= {"headers": self.headers} if self.headers else {}
        request |= {"body": self.body} if self.body is not None else {}
        return {"summary": self.title, "x-request": request, "value": self.answer}


def add_examples(paths: Json, examples: Iterable[Example]) -> Json:
    """The operations with their examples."""
    found = deepcopy(paths)
    operations = {one["operationId"]: one for methods in found.values() for one in methods.values()}
    for number, example in enumerate(examples, start=1):
        operation = operations[example.operation]
        content = operation["responses"][str(example.status)]["content"][example.media]
        content.setdefault("examples", {})[f"example{number}"] = example.as_json()
        if example.body is not None:
            (asked,) = operation["requestBody"]["content"].values()
            asked.setdefault("examples", {})[f"example{number}"] = {"summary": example.title, "value": example.body}
    return found

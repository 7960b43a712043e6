"""What the description of the open API says in a home for training. Pure."""

from __future__ import annotations

from typing import Any

from portal.schema import Json

_FIELD: Json = {"type": "boolean", "const": True, "description": "演练数据，均为虚构，不得使用"}
# What every answer about the list has, or every entry of it.
_TELLING = ("license", "record")


def describe_training(description: Json) -> Json:
    """`description` of answers that say in `training` that they are an exercise."""
    found: Json = _mark(description)
    return {**found, "info": {**found["info"], "title": f"【演练】{found['info']['title']}"}}


def _mark(part: Any) -> Any:
    if isinstance(part, list):
        return [_mark(one) for one in part]
    if not isinstance(part, dict):
        return part
    made = {key: _mark(value) for key, value in part.items()}
    properties = made.get("properties")
    if isinstance(properties, dict) and any(name in properties for name in _TELLING):
        made["properties"] = {**properties, "training": _FIELD}
    return made

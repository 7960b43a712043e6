"""The words of which descriptions of an interface are made (JSON Schema, OpenAPI 3.1): shared by all parts of it. Pure."""

from __future__ import annotations

from typing import Any

from portal.problems import build_problem

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
# No control characters, unless they are white space, and no mark of a character that could not be read.
WORDS: Json = {
    **TEXT,
    "maxLength": 100,
    "pattern": r"^[^\u0000-\u0008\u000e-\u001b\u007f-\u0084\u0086-\u009f\ufffd]*$",
}
MAYBE: Json = {"type": ["string", "null"]}
DAY: Json = {"type": "string", "format": "date"}
MAYBE_DAY: Json = {"type": ["string", "null"], "format": "date"}
TIME: Json = {"type": "string", "format": "date-time"}
MAYBE_TIME: Json = {"type": ["string", "null"], "format": "date-time"}
COUNT: Json = {"type": "integer", "minimum": 0}
RECORD: Json = {**TEXT, "pattern": "^SX-[0-9A-HJKMNP-TV-Z]{8}$"}
CHECKED: Json = {**MAYBE_TIME, "description": "名单最近一次与法院核对的时间：到那时为止的变动都已显示"}
STALE: Json = {"const": True, "description": "仅在很久没有与法院核对时有：此后的变动可能尚未显示"}
LICENSE: Json = {**TEXT, "format": "uri", "description": "使用条款的地址"}
LIMIT_HEADERS = {
    "RateLimit-Limit": "一个时段内允许的次数",
    "RateLimit-Remaining": "本时段剩余的次数",
    "RateLimit-Reset": "距本时段结束的秒数",
}
MODE: Json = {
    "name": "mode",
    "in": "query",
    "description": "与网页相同的长者模式参数；对接口没有作用",
    "allowEmptyValue": True,
    "schema": {**TEXT, "enum": ["elder"]},
}


def build_parameter(name: str, text: str, schema: Json, *, required: bool = False) -> Json:
    """A parameter of the query. Where it is not required, an empty one is the same as none."""
    found = {"name": name, "in": "query", "description": text, "schema": schema}
    return {**found, "required": True} if required else {**found, "allowEmptyValue": True}


def build_object(properties: Json) -> Json:
    """An object that has these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def build_checked(properties: Json, **more: Json) -> Json:
    """An object of these properties that also tells when the list was checked; `more` are there now and then."""
    found = build_object({**properties, "checked_at": CHECKED})
    return {**found, "properties": {**found["properties"], "stale": STALE, **more}}


def build_ok(text: str, schema: Json, *, counted: bool = False, media: str = "application/json") -> Json:
    """A good answer. `counted`: it tells what is left of a limit."""
    names = ["ETag", *(LIMIT_HEADERS if counted else ())]
    return {
        "description": text,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": {media: {"schema": schema}},
    }


def build_refusals(*statuses: int) -> Json:
    """The answers that tell what went wrong."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(status): {"description": build_problem(status).title, "content": content} for status in statuses}

"""The description of the open API as rows of a page, for people. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]

_TYPES = {
    "string": "文字",
    "integer": "整数",
    "number": "数",
    "boolean": "true 或者 false",
    "object": "对象",
    "array": "数组",
    "null": "null",
}
_FORMATS = {"date": "日期", "date-time": "时刻", "uri": "网址"}
_PLACES = {"query": "网址参数", "path": "地址的一部分", "header": "请求头"}
_REF = "#/components/schemas/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A member or a parameter: its name, what it may be, what it means, and the schema that it follows, if it has a name."""

    name: str
    kind: str
    text: str
    schema: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer: its status, what it says, the media types, and the names of their schemas."""

    status: str
    text: str
    media: str
    schema: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An example: what is asked, and what is answered."""

    title: str
    request: str
    status: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation as the page tells of it. `key`: what it is read with; empty where nothing is needed."""

    name: str
    method: str
    path: str
    summary: str
    text: str
    key: str
    parameters: tuple[Row, ...]
    body: str
    answers: tuple[Answer, ...]
    examples: tuple[Shown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """A schema and its members."""

    name: str
    text: str
    rows: tuple[Row, ...]


def list_operations(description: Json) -> list[Operation]:
    """Every operation, in the order of the description."""
    return [
        _build_operation(description, path, method, operation)
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
    ]


def list_schemas(description: Json) -> list[Schema]:
    """Every schema that has a name."""
    return [
        Schema(name=name, text=schema.get("description", ""), rows=tuple(_list_members(schema, "")))
        for name, schema in description["components"]["schemas"].items()
    ]


def tell_kind(schema: Json) -> str:
    """What a value may be, in words."""
    if name := _name_of(schema):
        return name
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " 或者 ".join(tell_kind(one) for one in schema[word])
    if "const" in schema:
        return _quote(schema["const"])
    given = schema.get("type", "object")
    types = [given] if isinstance(given, str) else given
    kinds = [_tell_type(kind, schema) for kind in types]
    return "，".join([" 或者 ".join(kinds), *_tell_limits(schema)])


def _build_operation(description: Json, path: str, method: str, operation: Json) -> Operation:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return Operation(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        text=operation.get("description", ""),
        key=_tell_key(description, operation),
        parameters=tuple(_build_parameter(one) for one in operation.get("parameters", [])),
        body=_name_of(body.get("schema", {})),
        answers=tuple(_build_answer(status, answer) for status, answer in operation["responses"].items()),
        examples=tuple(_list_examples(operation)),
    )


def _tell_key(description: Json, operation: Json) -> str:
    schemes = description["components"]["securitySchemes"]
    return "；或者".join(schemes[name]["description"] for one in operation.get("security", []) for name in one)


def _build_parameter(parameter: Json) -> Row:
    must = "必填" if parameter.get("required") else "可以不填"
    kind = f"{_PLACES[parameter['in']]}，{must}，{tell_kind(parameter['schema'])}"
    return Row(name=parameter["name"], kind=kind, text=parameter["description"])


def _build_answer(status: str, answer: Json) -> Answer:
    content: Json = answer.get("content", {})
    names = [_name_of(media["schema"]) for media in content.values()]
    return Answer(
        status=status,
        text=answer["description"],
        media="、".join(content),
        schema=next((name for name in names if name), ""),
    )


def _list_examples(operation: Json) -> Iterator[Shown]:
    for status, answer in operation["responses"].items():
        for media in answer.get("content", {}).values():
            for example in media.get("examples", {}).values():
                value = example["value"]
                text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
                request = example["x-request"]
                lines = [f"{request['method']} {request['path']}"]
                lines += [f"{name}: {told}" for name, told in request.get("headers", {}).items()]
                if "body" in request:
                    lines += ["", json.dumps(request["body"], ensure_ascii=False)]
                yield Shown(title=example["summary"], request="\n".join(lines), status=status, answer=text)


def _list_members(schema: Json, before: str) -> Iterator[Row]:
    """The members of an object and of the objects in it, each under its whole name."""
    required = schema.get("required", [])
    for name, member in schema.get("properties", {}).items():
        kind = tell_kind(member)
        whole = f"{before}{name}"
        inner = member.get("items", {}) if member.get("type") == "array" else member
        yield Row(
            name=whole,
            kind=kind if name in required else f"{kind}（不一定有）",
            text=member.get("description") or inner.get("description", ""),
            schema=_name_of(inner) or next(filter(None, map(_name_of, member.get("oneOf", []))), ""),
        )
        yield from _list_members(inner, f"{whole}[]." if inner is not member else f"{whole}.")


def _tell_type(kind: str, schema: Json) -> str:
    if kind == "array":
        return f"数组，各项是{tell_kind(schema['items'])}"
    if kind == "string" and schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    return _TYPES[kind]


def _tell_limits(schema: Json) -> Iterator[str]:
    if "enum" in schema:
        yield f"{'、'.join(_quote(one) for one in schema['enum'])} 之一"
    least, most = schema.get("minimum"), schema.get("maximum")
    if most is not None:
        yield f"不大于 {most}" if least is None else f"{least} 到 {most}"
    elif least:
        yield f"不小于 {least}"
    if "maxLength" in schema:
        yield f"最多 {schema['maxLength']} 个字"
    if "default" in schema:
        yield f"默认 {schema['default']}"


def _quote(value: object) -> str:
    return str(value) if isinstance(value, str) else json.dumps(value)


def _name_of(schema: Json) -> str:
    return str(schema.get("$ref", "")).removeprefix(_REF)

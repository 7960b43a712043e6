"""The description of the open API (OpenAPI 3.1), made from the same tables that the requests are checked against."""

from __future__ import annotations

from portal import openapi_bulk, openapi_feeds, openapi_statistics
from portal.example import add_examples
from portal.openapi_document import CONDUCT_SCHEMA, DOCUMENT
from portal.openapi_examples import EXAMPLES
from portal.parameters import CONDUCT, KINDS, PERFORMANCE, SORTS
from portal.problems import build_problem
from portal.promises import PROMISES
from portal.schema import (
    CHECKED,
    COUNT,
    DAY,
    LICENSE,
    LIMIT_HEADERS,
    MAYBE_TIME,
    MODE,
    STALE,
    TEXT,
    TIME,
    WORDS,
    Json,
    build_object,
    build_ok,
    build_parameter,
    build_refusals,
)

_PARAMETERS: tuple[tuple[str, str, Json], ...] = (
    ("q", "姓名、单位名称或其一部分、执行案号、统一社会信用代码、SX- 编号，或者义务中的文字", WORDS),
    ("kind", "自然人（person）或者单位（organisation）", {**TEXT, "enum": list(KINDS)}),
    ("court", "执行法院全称", WORDS),
    ("region", "地区", WORDS),
    ("conduct", "失信行为的代码", {**TEXT, "enum": list(CONDUCT)}),
    ("performance", "履行情况", {**TEXT, "enum": list(PERFORMANCE)}),
    ("from", "公布时间不早于", DAY),
    ("to", "公布时间不晚于", DAY),
    ("sort", "排列次序", {**TEXT, "enum": list(SORTS), "default": "relevance"}),
    ("page", "页码，每页 20 条", {"type": "integer", "minimum": 1, "maximum": 999999, "default": 1}),
    ("facets", "是否按各筛选项的值计数", {**TEXT, "enum": ["1"]}),
)

_PARTS = (openapi_statistics, openapi_bulk)
_PREFIX = "/api/v1"
_SECURITY: Json = {
    "readerKey": {"type": "http", "scheme": "bearer", "description": "批量读取的密钥，向法院免费申请"},
    "feedReader": {"type": "http", "scheme": "basic", "description": "密码是同一密钥，用户名不限；只用于存档"},
}
_FOUND_IN = ["record", "name", "latin_name", "legal_representative", "case_number", "uscc", "obligation", "filters"]


def build_openapi(public_url: str) -> Json:
    """The whole description. `public_url` is the address of the site."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "失信被执行人名单公示接口",
            "version": "1",
            "description": "免费；逐条查询不用登录，批量读取凭密钥，密钥免费。不得用于营利活动；信息不再公示的，应当在一个工作日内停止使用并删除。"
            "姓名相同不等于同一个人。给人看的说明见 /api。",
            "x-promises": list(PROMISES),
            "termsOfService": f"{public_url}/about#terms",
        },
        "servers": [{"url": public_url}],
        "paths": add_examples(
            {**{f"{_PREFIX}{path}": found for path, found in _paths().items()}, **openapi_feeds.PATHS}, EXAMPLES
        ),
        "components": {"schemas": _schemas(), "headers": _headers(), "securitySchemes": _SECURITY},
    }


def _paths() -> Json:
    """The operations of the API itself; what else machines read is at addresses of its own."""
    return {
        "/entries": {"get": _search()},
        "/entries/{record}": {"get": _entry()},
        **{path: operations for part in _PARTS for path, operations in part.PATHS.items()},
        "/openapi.json": {"get": _self()},
    }


def _search() -> Json:
    return {
        "operationId": "searchEntries",
        "summary": "查询公示信息",
        "description": "参数名不在下列之中、重复或者不合规则的，一律答以 400，不会被忽略。空值等于没有填写。",
        "parameters": [
            *(build_parameter(name, text, schema) for name, text, schema in _PARAMETERS),
            MODE,
        ],
        "responses": {
            "200": build_ok("查询结果", {"$ref": "#/components/schemas/EntryList"}, counted=True),
            "304": {"description": "与 If-None-Match 所指的相同"},
            **build_refusals(400, 429, 500, 503),
        },
    }


def _entry() -> Json:
    record = {
        "name": "record",
        "in": "path",
        "required": True,
        "description": "公开编号。大小写、连字符写法不同的，答以 308 转到规范写法",
        "schema": TEXT,
    }
    return {
        "operationId": "getEntry",
        "summary": "读取一条公示信息",
        "parameters": [record, MODE],
        "responses": {
            "200": build_ok("公示信息", {"$ref": "#/components/schemas/Document"}, counted=True),
            "304": {"description": "与 If-None-Match 所指的相同"},
            "308": {"description": "编号的规范写法在 Location 中"},
            "410": _gone(),
            **build_refusals(400, 404, 429, 500, 503),
        },
    }


def _self() -> Json:
    return {
        "operationId": "getDescription",
        "summary": "本说明",
        "parameters": [MODE],
        "responses": {"200": build_ok("OpenAPI 3.1 说明", {"type": "object"}), **build_refusals(400, 429, 500)},
    }


def _gone() -> Json:
    schema = {"$ref": "#/components/schemas/Gone"}
    return {"description": build_problem(410).title, "content": {"application/problem+json": {"schema": schema}}}


def _headers() -> Json:
    limits = {name: {"description": text, "schema": COUNT} for name, text in LIMIT_HEADERS.items()}
    return {"ETag": {"description": "内容的版本，可用于 If-None-Match", "schema": TEXT}, **limits}


def _schemas() -> Json:
    document = build_object({name: {**schema, "description": text} for name, (schema, text) in DOCUMENT.items()})
    problem = {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT}
    return {
        "Document": document,
        "Conduct": CONDUCT_SCHEMA,
        "Entry": _entry_schema(document),
        "EntryList": build_object({"meta": _META, "entries": {"type": "array", "items": _ENTRY}}),
        "Problem": {**build_object(problem), "properties": {**problem, "errors": _ERRORS}},
        "Gone": build_object({**problem, "record": DOCUMENT["record"][0], "at": TIME}),
        **{name: schema for part in (*_PARTS, openapi_feeds) for name, schema in part.SCHEMAS.items()},
    }


def _entry_schema(document: Json) -> Json:
    found: Json = {
        "match": {**TEXT, "enum": ["exact", "near"]},
        "found_in": {**TEXT, "enum": _FOUND_IN},
    }
    reason: Json = {**TEXT, "description": "相近而非相同的理由，仅 near 有"}
    return {
        **document,
        "properties": {**document["properties"], **found, "reason": reason},
        "required": [*document["required"], *found],
    }


_ENTRY: Json = {"$ref": "#/components/schemas/Entry"}
_FACETS: Json = {
    "type": "object",
    "description": "相符的条数，按各筛选项的值分列，多的在前；仅在 facets=1 时有。一条信息可以有几项失信行为",
    "properties": {
        name: {"type": "array", "items": build_object({"value": TEXT, "count": COUNT})}
        for name in ("kind", "court", "region", "conduct", "performance")
    },
    "required": [],
    "additionalProperties": False,
}
_SUGGESTION = build_object(
    {
        "text": {**TEXT, "description": "可以改为查询的内容"},
        "keeps_filters": {"type": "boolean", "description": "条数是否按同样的筛选条件计"},
        "total": {**COUNT, "description": "相符的条数"},
    }
)
_ALWAYS_META: Json = {
    "total": {**COUNT, "description": "相符的条数"},
    "near": {**COUNT, "description": "相近的条数"},
    "page": {"type": "integer", "minimum": 1},
    "pages": COUNT,
    "sequence": {**COUNT, "description": "作答时名单的序号"},
    "updated_at": MAYBE_TIME,
    "checked_at": CHECKED,
    "reading": {**TEXT, "description": "对查询内容的理解"},
    "license": LICENSE,
}
_META: Json = {
    **build_object(_ALWAYS_META),
    "properties": {
        **_ALWAYS_META,
        "stale": STALE,
        "facets": _FACETS,
        "suggestions": {
            "type": "array",
            "description": "有相符信息的其他查询；仅在没有相符信息时有",
            "items": _SUGGESTION,
        },
    },
}
_ERRORS: Json = {"type": "array", "items": build_object({"parameter": TEXT, "reason": TEXT})}

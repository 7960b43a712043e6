"""The description of the open API (OpenAPI 3.1), made from the same tables that the requests are checked against."""

from __future__ import annotations

from typing import Any

from portal.parameters import CONDUCT, KINDS, PERFORMANCE, SORTS
from portal.problems import build_problem

_Json = dict[str, Any]

_TEXT: _Json = {"type": "string"}
_WORDS: _Json = {**_TEXT, "maxLength": 100}
_MAYBE: _Json = {"type": ["string", "null"]}
_DAY: _Json = {"type": "string", "format": "date"}
_MAYBE_DAY: _Json = {"type": ["string", "null"], "format": "date"}
_TIME: _Json = {"type": "string", "format": "date-time"}
_MAYBE_TIME: _Json = {"type": ["string", "null"], "format": "date-time"}
_COUNT: _Json = {"type": "integer", "minimum": 0}

_PARAMETERS: tuple[tuple[str, str, _Json], ...] = (
    ("q", "姓名、单位名称或其一部分、执行案号、统一社会信用代码、SX- 编号，或者义务中的文字", _WORDS),
    ("kind", "自然人（person）或者单位（organisation）", {**_TEXT, "enum": list(KINDS)}),
    ("court", "执行法院全称", _WORDS),
    ("region", "地区", _WORDS),
    ("conduct", "失信行为的代码", {**_TEXT, "enum": list(CONDUCT)}),
    ("performance", "履行情况", {**_TEXT, "enum": list(PERFORMANCE)}),
    ("from", "公布时间不早于", _DAY),
    ("to", "公布时间不晚于", _DAY),
    ("sort", "排列次序", {**_TEXT, "enum": list(SORTS), "default": "relevance"}),
    ("page", "页码，每页 20 条", {"type": "integer", "minimum": 1, "maximum": 999999, "default": 1}),
    ("facets", "是否按各筛选项的值计数", {**_TEXT, "enum": ["1"]}),
)

_DOCUMENT: dict[str, tuple[_Json, str]] = {
    "record": ({**_TEXT, "pattern": "^SX-[0-9A-HJKMNP-TV-Z]{8}$"}, "公开编号，与个人信息无关"),
    "kind": ({**_TEXT, "enum": list(KINDS)}, "自然人或者单位"),
    "name": (_TEXT, "姓名或者名称"),
    "latin_name": (_MAYBE, "姓名的拉丁字母写法"),
    "gender": (_MAYBE, "性别"),
    "age": ({"type": ["integer", "null"]}, "首次公布时的年龄"),
    "id_number": (_MAYBE, "遮盖后的公民身份号码"),
    "uscc": (_MAYBE, "统一社会信用代码或者组织机构代码"),
    "legal_representative": (_MAYBE, "法定代表人或者负责人；本人未被列入"),
    "court": (_TEXT, "执行法院"),
    "region": (_MAYBE, "地区"),
    "basis_number": (_MAYBE, "执行依据文号"),
    "basis_issuer": (_MAYBE, "作出执行依据的单位"),
    "case_number": (_MAYBE, "执行案号"),
    "filed_on": (_MAYBE_DAY, "立案时间"),
    "obligation": (_MAYBE, "生效法律文书确定的义务（隐去第三人信息）"),
    "performance": (_TEXT, "履行情况"),
    "performed_part": (_MAYBE, "已履行部分"),
    "unperformed_part": (_MAYBE, "未履行部分"),
    "conduct": ({"type": "array", "items": {"$ref": "#/components/schemas/Conduct"}}, "失信行为的具体情形"),
    "published_on": (_DAY, "公布时间"),
    "term_ends_on": (_MAYBE_DAY, "纳入期限届满日"),
    "visible_until": (_MAYBE_TIME, "从这一时刻起不再公示；不知道何时结束的为 null"),
    "updated_at": (_TIME, "本条信息更新时间"),
}
_FOUND_IN = ["record", "name", "latin_name", "legal_representative", "case_number", "uscc", "obligation", "filters"]


def build_openapi(public_url: str) -> _Json:
    """The whole description. `public_url` is the address of the site."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "失信被执行人名单公示接口",
            "version": "1",
            "description": "免费、匿名。不得用于营利活动；信息不再公示的，应当在一个工作日内停止使用并删除。"
            "姓名相同不等于同一个人。",
            "termsOfService": f"{public_url}/about#terms",
        },
        "servers": [{"url": f"{public_url}/api/v1"}],
        "paths": {
            "/entries": {"get": _search()},
            "/entries/{record}": {"get": _entry()},
            "/openapi.json": {"get": _self()},
        },
        "components": {"schemas": _schemas(), "headers": _headers()},
    }


def _search() -> _Json:
    return {
        "operationId": "searchEntries",
        "summary": "查询公示信息",
        "description": "参数名不在下列之中、重复或者不合规则的，一律答以 400，不会被忽略。空值等于没有填写。",
        "parameters": [
            *(_parameter(name, text, schema) for name, text, schema in _PARAMETERS),
            _MODE,
        ],
        "responses": {
            "200": _ok("查询结果", {"$ref": "#/components/schemas/EntryList"}, counted=True),
            "304": {"description": "与 If-None-Match 所指的相同"},
            **_refusals(400, 429, 500, 503),
        },
    }


def _entry() -> _Json:
    record = {
        "name": "record",
        "in": "path",
        "required": True,
        "description": "公开编号。大小写、连字符写法不同的，答以 308 转到规范写法",
        "schema": _TEXT,
    }
    return {
        "operationId": "getEntry",
        "summary": "读取一条公示信息",
        "parameters": [record, _MODE],
        "responses": {
            "200": _ok("公示信息", {"$ref": "#/components/schemas/Document"}, counted=True),
            "304": {"description": "与 If-None-Match 所指的相同"},
            "308": {"description": "编号的规范写法在 Location 中"},
            "410": _gone(),
            **_refusals(400, 404, 429, 500, 503),
        },
    }


def _self() -> _Json:
    return {
        "operationId": "getDescription",
        "summary": "本说明",
        "parameters": [_MODE],
        "responses": {"200": _ok("OpenAPI 3.1 说明", {"type": "object"}), **_refusals(400, 500)},
    }


_MODE: _Json = {
    "name": "mode",
    "in": "query",
    "description": "与网页相同的长者模式参数；对接口没有作用",
    "schema": {**_TEXT, "enum": ["elder"]},
}


def _parameter(name: str, text: str, schema: _Json) -> _Json:
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _ok(text: str, schema: _Json, *, counted: bool = False) -> _Json:
    names = ["ETag", *(_LIMIT_HEADERS if counted else ())]
    return {
        "description": text,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": {"application/json": {"schema": schema}},
    }


def _refusals(*statuses: int) -> _Json:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(status): {"description": build_problem(status).title, "content": content} for status in statuses}


def _gone() -> _Json:
    schema = {"$ref": "#/components/schemas/Gone"}
    return {"description": build_problem(410).title, "content": {"application/problem+json": {"schema": schema}}}


_LIMIT_HEADERS = {
    "RateLimit-Limit": "一个时段内允许的次数",
    "RateLimit-Remaining": "本时段剩余的次数",
    "RateLimit-Reset": "距本时段结束的秒数",
}


def _headers() -> _Json:
    limits = {name: {"description": text, "schema": _COUNT} for name, text in _LIMIT_HEADERS.items()}
    return {"ETag": {"description": "内容的版本，可用于 If-None-Match", "schema": _TEXT}, **limits}


def _schemas() -> _Json:
    document = _object({name: {**schema, "description": text} for name, (schema, text) in _DOCUMENT.items()})
    problem = {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT}
    return {
        "Document": document,
        "Conduct": _object({"code": {**_TEXT, "enum": list(CONDUCT)}, "text": _TEXT}),
        "Entry": _entry_schema(document),
        "EntryList": _object({"meta": _META, "entries": {"type": "array", "items": _ENTRY}}),
        "Problem": {**_object(problem), "properties": {**problem, "errors": _ERRORS}},
        "Gone": _object({**problem, "record": _DOCUMENT["record"][0], "at": _TIME}),
    }


def _entry_schema(document: _Json) -> _Json:
    found: _Json = {
        "match": {**_TEXT, "enum": ["exact", "near"]},
        "found_in": {**_TEXT, "enum": _FOUND_IN},
    }
    reason: _Json = {**_TEXT, "description": "相近而非相同的理由，仅 near 有"}
    return {
        **document,
        "properties": {**document["properties"], **found, "reason": reason},
        "required": [*document["required"], *found],
    }


def _object(properties: _Json) -> _Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_ENTRY: _Json = {"$ref": "#/components/schemas/Entry"}
_FACETS: _Json = {
    "type": "object",
    "description": "相符的条数，按各筛选项的值分列，多的在前；仅在 facets=1 时有。一条信息可以有几项失信行为",
    "properties": {
        name: {"type": "array", "items": _object({"value": _TEXT, "count": _COUNT})}
        for name in ("kind", "court", "region", "conduct", "performance")
    },
    "required": [],
    "additionalProperties": False,
}
_SUGGESTION = _object(
    {
        "text": {**_TEXT, "description": "可以改为查询的内容"},
        "keeps_filters": {"type": "boolean", "description": "条数是否按同样的筛选条件计"},
        "total": {**_COUNT, "description": "相符的条数"},
    }
)
_ALWAYS_META: _Json = {
    "total": {**_COUNT, "description": "相符的条数"},
    "near": {**_COUNT, "description": "相近的条数"},
    "page": {"type": "integer", "minimum": 1},
    "pages": _COUNT,
    "sequence": {**_COUNT, "description": "作答时名单的序号"},
    "updated_at": _MAYBE_TIME,
    "reading": {**_TEXT, "description": "对查询内容的理解"},
}
_META: _Json = {
    **_object(_ALWAYS_META),
    "properties": {
        **_ALWAYS_META,
        "facets": _FACETS,
        "suggestions": {
            "type": "array",
            "description": "有相符信息的其他查询；仅在没有相符信息时有",
            "items": _SUGGESTION,
        },
    },
}
_ERRORS: _Json = {"type": "array", "items": _object({"parameter": _TEXT, "reason": _TEXT})}

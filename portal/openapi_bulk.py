"""The part of the description of the open API that tells of reading the list in bulk, with a key."""

from __future__ import annotations

from typing import Any

from portal.bulk_files import BULK_KEYS, WITHHELD
from portal.openapi_document import DOCUMENT
from portal.problems import build_problem
from portal.schema import (
    COUNT,
    LICENSE,
    LIMIT_HEADERS,
    MAYBE_TIME,
    RECORD,
    TEXT,
    TIME,
    Json,
    build_checked,
    build_object,
    build_parameter,
    build_refusals,
)

_SECURITY: list[Json] = [{"readerKey": []}]
_LAST = 10**15 - 1
_COUNTED = {name: {"$ref": f"#/components/headers/{name}"} for name in LIMIT_HEADERS}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _number(least: int, most: int, **more: Any) -> Json:
    return {"type": "integer", "minimum": least, "maximum": most, **more}


def _problem(status: int, schema: str, text: str) -> Json:
    return {str(status): {"description": text, "content": {"application/problem+json": {"schema": _ref(schema)}}}}


_SUSPENDED = _problem(403, "Suspended", build_problem(403).title)
_DESCRIBED: Json = {
    "license": LICENSE,
    "terms": {**TEXT, "description": "使用条款的要点"},
    "watermark": {**TEXT, "description": "水印：本次读取者的代号"},
    "acked": {**COUNT, "description": "到这一序号为止的不再公示，您都已确认"},
}
_SEQUENCE: Json = {"type": "integer", "minimum": 1, "description": "变更的序号，从 1 起；一次答复中不跳号"}
_BULK_ENTRY: Json = {
    **build_object({name: {**DOCUMENT[name][0], "description": DOCUMENT[name][1]} for name in BULK_KEYS}),
    "description": f"与 Document 相同，但没有 {WITHHELD}：批量读取不含任何公民身份号码，遮盖后的也不含",
}
_CHANGE = build_object(
    {
        "sequence": _SEQUENCE,
        "type": {
            **TEXT,
            "enum": ["published", "corrected", "gone"],
            "description": "公布、更正、不再公示",
        },
        "record": RECORD,
        "at": TIME,
        "entry": {
            "oneOf": [_ref("BulkEntry"), {"type": "null"}],
            "description": "仅在该条最后一次变更并且现在可以公示时有；为 null 的，一律删除已有的该条",
        },
    }
)
_WITHHELD: Json = {
    "type": "array",
    "items": build_object({"record": RECORD, "at": TIME}),
    "description": "仅在有紧急停止显示、等候法院决定的条目时有：请立即停止使用这些条目",
}
_CHANGES_META = build_checked(
    {
        "head": {**COUNT, "description": "名单最后一次变更的序号"},
        "next": {**COUNT, "description": "下一次请求的 since"},
        "updated_at": {**MAYBE_TIME, "description": "名单最后一次更新的时间"},
        **_DESCRIBED,
    },
    withheld=_WITHHELD,
)
_HEAD_LINE = build_checked(
    {
        "type": {"const": "head"},
        "sequence": {**COUNT, "description": "从这一序号起用 changes 跟进"},
        "at": TIME,
        "entries_without": {"const": WITHHELD},
        **_DESCRIBED,
    }
)
_ENTRY_LINE = build_object({"type": {"const": "entry"}, "entry": _ref("BulkEntry")})
_END_LINE = build_object(
    {
        "type": {"const": "end"},
        "entries": {**COUNT, "description": "entry 行的行数"},
        "sha256": {**TEXT, "pattern": "^[0-9a-f]{64}$", "description": "本行以前全部字节的 SHA-256"},
    }
)
_PROBLEM: Json = {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT}
_DEPARTURE = build_object({"sequence": _SEQUENCE, "record": RECORD, "at": TIME})

SCHEMAS: Json = {
    "BulkEntry": _BULK_ENTRY,
    "Change": _CHANGE,
    "ChangeList": build_object({"meta": _CHANGES_META, "changes": {"type": "array", "items": _ref("Change")}}),
    "SnapshotHead": _HEAD_LINE,
    "SnapshotEntry": _ENTRY_LINE,
    "SnapshotEnd": _END_LINE,
    "Ack": build_object({"sequence": {**_number(1, _LAST), "description": "到这一序号为止的不再公示都已办完"}}),
    "Acknowledged": build_object(
        {
            "meta": build_object({"head": COUNT, **_DESCRIBED}),
            "acknowledged": {"type": "integer", "minimum": 1},
            "counted": {
                **TEXT,
                "enum": ["already", "within minutes"],
                "description": "没有待确认的了；或者已经收下，几分钟内由法院计入",
            },
        }
    ),
    "Suspended": build_object(
        {
            **_PROBLEM,
            "acked": COUNT,
            "departures": {
                "type": "array",
                "maxItems": 1000,
                "items": _DEPARTURE,
                "description": "acked 以后不再公示的各条，早的在前，最多 1000 条",
            },
            "acks": {**TEXT, "format": "uri", "description": "确认的地址"},
        }
    ),
    "StartAgain": build_object({**_PROBLEM, "snapshot": {**TEXT, "format": "uri", "description": "全部名单的地址"}}),
}


def _changes() -> Json:
    return {
        "operationId": "listChanges",
        "summary": "since 以后的变更，按序号，中间不缺",
        "description": "把 meta.next 作为下一次的 since。visible_until 到了的，由读取者自行删除，没有另外的变更。",
        "security": _SECURITY,
        "parameters": [
            build_parameter("since", "已经办到的序号；0 是从头", _number(0, _LAST), required=True),
            build_parameter("limit", "最多多少条", _number(1, 1000, default=100)),
            build_parameter("wait", "没有变更时最多等多少秒（长轮询）；可能提前空答", _number(0, 30, default=0)),
        ],
        "responses": {
            "200": {
                "description": "变更",
                "headers": _COUNTED,
                "content": {"application/json": {"schema": _ref("ChangeList")}},
            },
            **_SUSPENDED,
            **_problem(410, "StartAgain", "since 太早或者不是本名单的：重新取得全部名单"),
            **build_refusals(400, 401, 429, 500, 503),
        },
    }


def _whole(operation: str, summary: str, text: str, content: Json) -> Json:
    return {
        "operationId": operation,
        "summary": summary,
        "description": text,
        "security": _SECURITY,
        "responses": {
            "200": {"description": summary, "headers": _COUNTED, "content": content},
            **_SUSPENDED,
            **build_refusals(400, 401, 429, 500, 503),
        },
    }


def _snapshot() -> Json:
    text = (
        "每行一个 JSON 对象：第一行 SnapshotHead，其后每条一行 SnapshotEntry，最后一行 SnapshotEnd。"
        "没有最后一行、行数或者摘要不符的，是不完整的，应当丢弃。"
    )
    schema = {**TEXT, "description": "JSON Lines（UTF-8，LF）"}
    return _whole("getSnapshot", "全部名单（JSON Lines）", text, {"application/x-ndjson": {"schema": schema}})


def _csv() -> Json:
    text = "UTF-8（带 BOM），CRLF，首行是栏目。末行是 #END、行数和末行以前全部字节的 SHA-256；没有末行的是不完整的。"
    return _whole("getCsv", "全部名单（CSV）", text, {"text/csv": {"schema": TEXT}})


def _acks() -> Json:
    return {
        "operationId": "acknowledge",
        "summary": "确认到某一序号为止的不再公示都已停止使用并删除",
        "description": "可以重复。暂停期间也可以。",
        "security": _SECURITY,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref("Ack")}},
        },
        "responses": {
            "202": {
                "description": "已经收下",
                "headers": _COUNTED,
                "content": {
                    "application/json": {
                        "schema": _ref("Acknowledged"),
                    }
                },
            },
            **build_refusals(400, 401, 409, 413, 415, 429, 500, 503),
        },
    }


PATHS: Json = {
    "/changes": {"get": _changes()},
    "/snapshot": {"get": _snapshot()},
    "/entries.csv": {"get": _csv()},
    "/acks": {"post": _acks()},
}

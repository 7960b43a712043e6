"""The description of the units' interface (OpenAPI 3.1), served without a key: it says nothing of anybody."""

from __future__ import annotations

from copy import deepcopy

from flask import Blueprint, Response

from registry.unit_api.acks import MOST_RELEASED
from registry.unit_api.base import Site, tell_training, to_json
from registry.unit_api.changes import LARGEST_SEQUENCE, LONGEST_WAIT, MOST_CHANGES
from registry.unit_api.openapi_compare import PATHS as COMPARE_PATHS
from registry.unit_api.openapi_compare import SCHEMAS as COMPARE_SCHEMAS
from registry.unit_api.problems import MEDIA, PREFIX
from registry.unit_api.schema import (
    CHECKED,
    COUNT,
    DAY,
    FLAG,
    GIVEN,
    LIMIT_HEADERS,
    MAYBE,
    MAYBE_DAY,
    MAYBE_TIME,
    RECORD,
    REFUSED,
    TEXT,
    TIME,
    TOLD,
    Json,
    build_list,
    build_object,
    build_operation,
    build_parameter,
    explain,
    refer,
)
from registry.units.feedback import FeedbackState
from registry.units.ledger import LedgerKind

_SEQUENCE: Json = {"type": "integer", "minimum": 0, "maximum": LARGEST_SEQUENCE}
_DOCUMENT: Json = {
    "record": RECORD,
    "kind": {**TEXT, "enum": ["person", "organisation"]},
    "name": TEXT,
    "latin_name": MAYBE,
    "gender": MAYBE,
    "age": {"type": ["integer", "null"]},
    "id_number": {**MAYBE, "description": "遮盖后的公民身份号码"},
    "uscc": MAYBE,
    "legal_representative": {**MAYBE, "description": "法定代表人或者负责人；本人未被列入"},
    "court": TEXT,
    "origin": {**MAYBE, "description": "转载自哪个法院的名单；本法院公布的为 null"},
    "region": MAYBE,
    "basis_number": MAYBE,
    "basis_issuer": MAYBE,
    "case_number": MAYBE,
    "filed_on": MAYBE_DAY,
    "obligation": MAYBE,
    "performance": TEXT,
    "performed_part": MAYBE,
    "unperformed_part": MAYBE,
    "conduct": build_list(build_object({"code": TEXT, "text": TEXT})),
    "published_on": DAY,
    "term_ends_on": MAYBE_DAY,
    "visible_until": {**MAYBE_TIME, "description": "从这一时刻起不再公布"},
    "updated_at": TIME,
}
_CHANGE = build_object(
    {
        "sequence": _SEQUENCE,
        "type": {**TEXT, "enum": ["published", "corrected", "gone"]},
        "record": RECORD,
        "at": TIME,
        "entry": {
            "oneOf": [refer("Document"), {"type": "null"}],
            "description": "条目在其最后一次变更处给出；已经退出的、此后又有变更的，以及不接收名单的单位，为 null",
        },
    }
)
_CHANGES = build_object(
    {
        "meta": build_object(
            {
                "head": {**_SEQUENCE, "description": "名单现在的序号"},
                "next": {**_SEQUENCE, "description": "下一次请求的 since"},
                **CHECKED,
                "under_verification": build_list(
                    RECORD, description="已告知本单位正在核实异议的条目：核实期间暂不执行联合惩戒措施"
                ),
                "open_releases": {**COUNT, "description": "已告知本单位、还没有确认解除的退出通知"},
            },
            optional=("stale",),
        ),
        "changes": build_list(refer("Change")),
    }
)
_COUNTS = build_object({name: {**COUNT, "maximum": 1_000_000} for name in ("checked", "applied", "lifted")})
_FEEDBACK = build_object(
    {
        "quarter": TEXT,
        "state": {**TEXT, "enum": [state.value for state in FeedbackState]},
        "due": DAY,
        "provisional": FLAG,
        "submitted_at": MAYBE_TIME,
        "corrected_at": MAYBE_TIME,
        "corrections": COUNT,
        "measures": {"type": "object", "additionalProperties": refer("Counts")},
        "remarks": TEXT,
    }
)
_LINE = build_object(
    {
        "id": COUNT,
        "kind": {**TEXT, "enum": [kind.value for kind in LedgerKind]},
        "text": TEXT,
        "at": TIME,
        "by": TEXT,
        "record": MAYBE,
        "period": MAYBE,
        "count": {"type": ["integer", "null"]},
        "measure": MAYBE,
        "basis": MAYBE,
        "ends_on": MAYBE_DAY,
        "words": TEXT,
    }
)
_PROBLEM: Json = {
    **build_object(
        {
            "type": TEXT,
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": TEXT,
            "errors": build_list(build_object({"field": TEXT, "reason": TEXT})),
            "scope": TEXT,
            "record": RECORD,
            "at": TIME,
            "snapshot": TEXT,
        },
        optional=("errors", "scope", "record", "at", "snapshot"),
    ),
}
_ACK_BODY = build_object(
    {
        "sequence": {**_SEQUENCE, "description": "已经跟踪到的序号"},
        "released": build_list(RECORD, maxItems=MOST_RELEASED, description="已经解除措施的条目"),
        **GIVEN,
    },
    optional=("released", *GIVEN),
)
_ACKED = build_object(
    {
        "sequence": _SEQUENCE,
        "new": {**FLAG, "description": "同一序号以前没有确认过"},
        "released": build_list(RECORD, description="这一次登记为已经解除的"),
        "before": build_list(RECORD, description="以前已经登记过的"),
    }
)
_FEEDBACK_BODY = build_object(
    {
        "quarter": {**TEXT, "pattern": "^20[0-9]{2}Q[1-4]$"},
        "measures": {
            "type": "object",
            "additionalProperties": {**_COUNTS, "required": []},
            "description": "按措施代码；没有写的数为 0",
        },
        "remarks": {**MAYBE, "maxLength": 2000},
        "submit": {**FLAG, "default": False, "description": "true 提交，提交后再次提交为更正；false 保存草稿"},
        **TOLD,
    },
    optional=("remarks", "submit", "reference"),
)
_PATHS: Json = {
    **COMPARE_PATHS,
    "/changes": {
        "get": explain(
            build_operation(
                "getChanges",
                "序号之后的变更",
                _CHANGES,
                scope="changes",
                parameters=(
                    build_parameter("since", "已经有的最后一个序号；从头开始为 0", _SEQUENCE, required=True),
                    build_parameter(
                        "limit", "最多几条", {"type": "integer", "minimum": 1, "maximum": MOST_CHANGES, "default": 500}
                    ),
                    build_parameter(
                        "wait", "等待的秒数", {"type": "integer", "minimum": 0, "maximum": LONGEST_WAIT, "default": 0}
                    ),
                ),
                refusals=(410,),
            ),
            "有序、没有遗漏。没有新的变更时最多等待 wait 秒。"
            "同一密钥一小时内多次请求而没有新变更的，使用记录只记一次。",
        )
    },
    "/entries/{record}": {
        "get": build_operation(
            "getEntry",
            "一个条目和它的状态",
            build_object(
                {
                    "record": RECORD,
                    "status": {**TEXT, "enum": ["LISTED", "UNDER_VERIFICATION"]},
                    "entry": refer("Document"),
                }
            ),
            scope="changes",
            parameters=({"name": "record", "in": "path", "required": True, "schema": TEXT},),
            refusals=(404, 410),
        )
    },
    "/snapshot": {
        "get": explain(
            build_operation(
                "getSnapshot",
                "整份名单",
                TEXT,
                scope="changes",
            ),
            "JSON Lines：首行是序号，其后每行一个条目，末行是行数和各条目行的 SHA-256；没有末行的，是中途断开的。"
            "只向接收名单的单位提供。与该序号之后的变更合起来，就是名单。",
            media="application/x-ndjson",
        )
    },
    "/acks": {
        "post": explain(
            build_operation(
                "postAcks",
                "确认已经跟踪到的序号，登记已经解除的措施",
                _ACKED,
                scope="acks",
                body=_ACK_BODY,
                refusals=(409,),
            ),
            "可以重复。继续保留措施的，请先在单位页面登记依据和期限。",
        )
    },
    "/feedback": {
        "post": explain(
            build_operation(
                "postFeedback",
                "季度反馈",
                _FEEDBACK,
                scope="feedback",
                body=_FEEDBACK_BODY,
                refusals=(409,),
            ),
            "须写明用途和经办人。可以重复：内容相同的不算更正。",
        )
    },
    "/ledger": {
        "get": build_operation(
            "getLedger",
            "本单位的台账，新的在前，每页 50 条",
            build_object(
                {
                    "meta": build_object({"total": COUNT, "page": {**COUNT, "minimum": 1}, "pages": COUNT}),
                    "lines": build_list(refer("Line")),
                }
            ),
            scope="ledger",
            parameters=(
                build_parameter("page", "页码", {"type": "integer", "minimum": 1, "maximum": 100_000, "default": 1}),
                build_parameter("kind", "只要这一种", {**TEXT, "enum": [kind.value for kind in LedgerKind]}),
            ),
        )
    },
    "/openapi.json": {
        "get": {
            "operationId": "getDescription",
            "summary": "本说明，不需要密钥",
            "security": [],
            "responses": {
                "200": {
                    "description": "OpenAPI 3.1 说明",
                    "content": {"application/json": {"schema": {"type": "object"}}},
                },
                "500": {"$ref": "#/components/responses/500"},
            },
        }
    },
}
_SCHEMAS: Json = {
    "Document": build_object(_DOCUMENT, optional=("latin_name", "origin")),
    "Change": _CHANGE,
    "Counts": _COUNTS,
    "Line": _LINE,
    "Problem": _PROBLEM,
    **COMPARE_SCHEMAS,
}
_PROBLEM_CONTENT: Json = {MEDIA: {"schema": refer("Problem")}}


def build_openapi() -> Json:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "联合惩戒单位接口",
            "version": "1",
            "description": "凭法院发放的密钥使用，每次使用都记录用途和经办人。错误一律为 RFC 9457 problem 文档。"
            "文字中有控制字符等不能显示的字符，或者身份证、电话、账户一类号码的，不予办理（400）。",
        },
        "servers": [{"url": PREFIX}],
        "paths": _PATHS,
        "components": {
            "schemas": _SCHEMAS,
            "headers": {name: {"description": text, "schema": COUNT} for name, text in LIMIT_HEADERS.items()},
            "responses": {
                status: {"description": text, "content": _PROBLEM_CONTENT} for status, text in REFUSED.items()
            },
            "securitySchemes": {"unitKey": {"type": "http", "scheme": "bearer", "description": "gsk_ 开头的密钥"}},
        },
    }


def describe_training(description: Json) -> Json:
    """`description` of answers that say in `training` that they are an exercise."""
    made: Json = deepcopy(description)
    schemas = made["components"]["schemas"]
    for operation in (one for path in made["paths"].values() for one in path.values()):
        for content in (
            part for answer in operation["responses"].values() for part in answer.get("content", {}).values()
        ):
            schema = content.get("schema", {})
            schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
            if "properties" in schema:
                schema["properties"]["training"] = {
                    "type": "boolean",
                    "const": True,
                    "description": "演练数据，不得使用",
                }
    made["info"]["title"] = f"【演练】{made['info']['title']}"
    return made


def add_endpoint(blueprint: Blueprint, site: Site) -> None:
    """`/openapi.json`."""
    body = build_openapi()

    def describe() -> Response:
        return to_json(describe_training(body) if tell_training(site) else body)

    blueprint.add_url_rule("/openapi.json", "describe", describe, methods=["GET"])

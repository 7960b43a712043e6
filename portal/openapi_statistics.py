"""The part of the description of the open API that tells of statistics."""

from __future__ import annotations

from portal.schema import (
    COUNT,
    DAY,
    MAYBE,
    MAYBE_TIME,
    MODE,
    TEXT,
    Json,
    build_checked,
    build_object,
    build_ok,
    build_refusals,
)

_MAYBE_DAYS: Json = {"type": ["number", "null"], "minimum": 0}
_VALUE = build_object({"value": {**MAYBE, "description": "没有载明的为 null"}, "count": COUNT})
_COUNTS = build_object(
    {name: {"type": "array", "items": _VALUE} for name in ("court", "region", "kind", "conduct", "performance", "year")}
)
_MONTH = build_object(
    {
        "month": {**TEXT, "pattern": "^[0-9]{4}-[0-9]{2}$", "description": "北京时间的月份；最后一个到现在为止"},
        "published": COUNT,
        "corrected": COUNT,
        "departed": COUNT,
    }
)
_DEPARTURES = build_object(
    {
        "from": DAY,
        "to": DAY,
        "departures": COUNT,
        "on_time": COUNT,
        "late": COUNT,
        "median_days": _MAYBE_DAYS,
        "worst_days": {"type": ["integer", "null"], "minimum": 0},
    }
)
_QUARTER: Json = {**TEXT, "pattern": "^[0-9]{4}Q[1-4]$", "description": "季度，例如 2026Q3"}
_ANSWERED = build_object(
    {"from": _QUARTER, "to": _QUARTER, "told": COUNT, "confirmed": COUNT, "median_days": _MAYBE_DAYS}
)

PATHS: Json = {
    "/stats": {
        "get": {
            "operationId": "getStatistics",
            "summary": "名单统计",
            "description": "只统计作答时公示的信息；推送和撤下的数字每天更新一次。",
            "parameters": [MODE],
            "responses": {
                "200": build_ok("统计", {"$ref": "#/components/schemas/Statistics"}, counted=True),
                "304": {"description": "与 If-None-Match 所指的相同"},
                **build_refusals(400, 429, 500, 503),
            },
        }
    }
}
SCHEMAS: Json = {
    "Statistics": build_object(
        {
            "meta": build_checked(
                {
                    "sequence": {**COUNT, "description": "作答时名单的序号"},
                    "updated_at": MAYBE_TIME,
                    "license": {**TEXT, "format": "uri", "description": "使用条款的地址"},
                }
            ),
            "entries": {**COUNT, "description": "现公示的条数"},
            "counts": {**_COUNTS, "description": "按各项的值计数，多的在前；一条信息可以有几项失信行为，各计一次"},
            "months": {"type": "array", "items": _MONTH, "description": "最近 24 个月每月的变动，早的在前"},
            "departures": {
                "type": "array",
                "items": _DEPARTURES,
                "description": "撤下有多快：第一项是全部期间，其后是各段期间；不足三件的不列",
            },
            "packages": {
                "type": "array",
                "items": _ANSWERED,
                "description": "名单每季度推送到的单位和已回执的单位，新的在前；不足三个的季度与后面的合并",
            },
            "recalls": {
                "type": "array",
                "items": _ANSWERED,
                "description": "撤下后通知各单位的件数和已确认撤下的件数，新的在前；不足三件的季度与后面的合并",
            },
        }
    )
}

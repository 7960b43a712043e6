"""The description of `POST /compare` (OpenAPI 3.1)."""

from __future__ import annotations

from registry.unit_api.schema import (
    CHECKED,
    COUNT,
    DAY,
    FLAG,
    MAYBE,
    RECORD,
    TEXT,
    TIME,
    TOLD,
    Json,
    build_list,
    build_object,
    build_operation,
    explain,
    refer,
)
from registry.units.compare_rows import LONGEST_WORD, MOST_ROWS
from registry.units.compare_words import Status
from registry.units.comparing import Verdict

_WORD: Json = {**MAYBE, "maxLength": LONGEST_WORD}
_STATUS: Json = {**TEXT, "enum": [status.value for status in Status]}
_VERDICT: Json = {**TEXT, "enum": [verdict.value for verdict in Verdict]}
_OBJECTION = {"court": TEXT, "telephone": MAYBE}
_ROW: Json = {"type": "integer", "minimum": 1, "maximum": MOST_ROWS}


def _maybe(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


_PERSON = build_object(
    {
        "name": {**TEXT, "description": "姓名或者名称，全称"},
        "id_number": {
            **MAYBE,
            "description": "自然人的证件号码：18 位或者 15 位身份证号码、护照和通行证号码，可以有遮盖",
        },
        "uscc": {**MAYBE, "description": "单位的统一社会信用代码，或者 9 位组织机构代码"},
        "ref": {**_WORD, "description": "本单位的行号，原样返回，不保存"},
        "role": {**_WORD, "description": "与业务的关系，例如申请人、法定代表人、实际控制人、董事；原样返回，不保存"},
        "application": {**_WORD, "description": "业务编号：同一业务的关联人写同一个；原样返回，不保存"},
    },
    optional=("id_number", "uscc", "ref", "role", "application"),
)
_HIT = build_object(
    {
        "record": {**RECORD, "type": ["string", "null"], "description": "公开编号；依法不宜公开的为 null"},
        "verdict": {**TEXT, "enum": [verdict.value for verdict in Verdict if verdict.is_hit]},
        "status": _STATUS,
        "restricted": {**FLAG, "description": "依法不宜公开，只供本单位依职责处理"},
        "document": _maybe(refer("Document")),
        "entry": _maybe(
            build_object(
                {"court": TEXT, "case_number": TEXT, "conduct": build_list(build_object({"code": TEXT, "text": TEXT}))}
            )
        ),
        "released": _maybe(
            build_object(
                {
                    "told_on": {**DAY, "description": "法院通知本单位条目退出的日期"},
                    "due": {**DAY, "description": "应当解除措施的最后一日"},
                    "done": {**FLAG, "description": "本单位已经登记解除其余措施"},
                    "retained": build_list(build_object({"measure": TEXT, "basis": TEXT, "ends_on": DAY})),
                }
            )
        ),
        "objection": {**build_object(_OBJECTION), "description": "申请纠正的法院和电话"},
    }
)
_RESULT = build_object(
    {
        "row": _ROW,
        "ref": MAYBE,
        "role": MAYBE,
        "application": MAYBE,
        "verdict": _VERDICT,
        "status": {**_STATUS, "type": ["string", "null"], "enum": [*_STATUS["enum"], None]},
        "reason": {**TEXT, "description": "中文说明，可以直接给经办人看"},
        "namesakes": {"type": ["integer", "null"], "minimum": 1, "description": "仅同名时，不能相互比对的条目数"},
        "hits": build_list(_HIT),
        "error": _maybe(build_object({"field": TEXT, "reason": TEXT})),
        "valid_until": {**TIME, "description": "从这一时刻起须重新比对；期间有变更的，以变更为准"},
    }
)
_ANSWER = build_object(
    {
        "meta": build_object(
            {
                "sequence": {**COUNT, "description": "比对时名单的序号：此后的变更见 /changes"},
                "made_at": TIME,
                **CHECKED,
                "valid_until": TIME,
                "rows": COUNT,
                "hits": {**COUNT, "description": "命中名单的行数"},
                "advisory": TEXT,
                "objection": build_object({"text": TEXT, **_OBJECTION}),
            },
            optional=("stale",),
        ),
        "results": build_list(refer("CompareResult")),
        "applications": build_list(
            build_object({"application": TEXT, "rows": build_list(_ROW), "hits": build_list(_ROW), "verdict": _VERDICT})
        ),
    }
)
_BODY = build_object(
    {
        # A row that cannot be read is a result of its own, so nothing is refused for it.
        "persons": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_ROWS,
            "items": {"anyOf": [refer("Person"), {}]},
            "description": "要比对的人和单位。读不出的行在结果中说明，其他行照常比对",
        },
        **TOLD,
    },
    optional=("reference",),
)
PATHS: Json = {
    "/compare": {
        "post": explain(
            build_operation("postCompare", "与最新名单比对", _ANSWER, scope="compare", body=_BODY, refusals=(409,)),
            "一次最多 1000 行。须写明用途和经办人。"
            "被比对的姓名和号码不保存。结果仅供参考，不得仅凭自动比对作出对个人权益有重大影响的决定。",
        )
    }
}
SCHEMAS: Json = {"Person": _PERSON, "CompareResult": _RESULT}

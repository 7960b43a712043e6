"""The words of which the description of the units' interface is made (JSON Schema, OpenAPI 3.1). Pure."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
MAYBE: Json = {"type": ["string", "null"]}
DAY: Json = {"type": "string", "format": "date"}
MAYBE_DAY: Json = {"type": ["string", "null"], "format": "date"}
TIME: Json = {"type": "string", "format": "date-time"}
MAYBE_TIME: Json = {"type": ["string", "null"], "format": "date-time"}
COUNT: Json = {"type": "integer", "minimum": 0}
FLAG: Json = {"type": "boolean"}
RECORD: Json = {**TEXT, "pattern": "^SX-[0-9A-HJKMNP-TV-Z]{8}$", "description": "公开编号"}
# What is shown once for each key of the answer's `components.responses`.
REFUSED: Json = {
    "400": "内容有误：errors 中逐个字段说明；什么也没有办理",
    "401": "没有密钥，或者密钥不正确、到期、停用，或者单位已经停用",
    "403": "不能从这个地址使用，或者密钥没有这一权限",
    "404": "没有这个编号",
    "409": "与现在的情况不符，errors 中逐个字段说明；什么也没有办理",
    "410": "已经退出名单，或者序号过早：应当怎么办，见 detail",
    "413": "内容过大",
    "415": "不是 JSON",
    "429": "请求过于频繁，Retry-After 之后再试",
    "500": "系统出现故障",
    "503": "磁盘或者数据库暂时不能使用",
}
LIMIT_HEADERS = {
    "RateLimit-Limit": "一个时段内允许的次数",
    "RateLimit-Remaining": "本时段剩余的次数",
    "RateLimit-Reset": "距本时段结束的秒数",
}


def build_object(properties: Json, *, optional: tuple[str, ...] = ()) -> Json:
    """An object that has these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


CHECKED: Json = {
    "checked_at": {
        "type": ["string", "null"],
        "format": "date-time",
        "description": "名单最近一次与登记库核对的时间：到那时为止的变动都已显示",
    },
    "stale": {"const": True, "description": "仅在很久没有核对时有：此后的变动可能尚未显示，请以法院答复为准"},
}


def build_list(items: Json, **more: Any) -> Json:
    return {"type": "array", "items": items, **more}


def refer(name: str) -> Json:
    """A schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def build_operation(
    name: str,
    summary: str,
    answer: Json,
    *,
    scope: str,
    parameters: tuple[Json, ...] = (),
    body: Json | None = None,
    refusals: tuple[int, ...] = (),
) -> Json:
    """An operation that takes a key with `scope`; `refusals` are those beside the usual ones."""
    statuses = sorted({400, 401, 403, 429, 500, 503, *refusals, *((413, 415) if body else ())})
    found: Json = {
        "operationId": name,
        "summary": summary,
        "description": f"密钥须有 {scope} 权限。",
        "security": [{"unitKey": []}],
        "parameters": list(parameters) if body else [*parameters, *GIVEN_HEADERS],
        "responses": {
            "200": {
                "description": "已经办理",
                "headers": {one: {"$ref": f"#/components/headers/{one}"} for one in LIMIT_HEADERS},
                "content": {"application/json": {"schema": answer}},
            },
            **{str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses},
        },
    }
    if body:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return found


def explain(operation: Json, text: str, *, media: str | None = None) -> Json:
    """An operation with more words, and with an answer of another media type."""
    told = {**operation, "description": f"{text}{operation['description']}"}
    if media:
        (schema,) = operation["responses"]["200"]["content"].values()
        good = {**operation["responses"]["200"], "content": {media: schema}}
        told["responses"] = {**operation["responses"], "200": good}
    return told


def build_parameter(name: str, text: str, schema: Json, *, required: bool = False) -> Json:
    """A parameter of the query."""
    return {"name": name, "in": "query", "required": required, "description": text, "schema": schema}


GIVEN_HEADERS: tuple[Json, ...] = tuple(
    {"name": name, "in": "header", "required": False, "description": text, "schema": {**TEXT, "pattern": "^[ -~]*$"}}
    for name, text in (
        ("X-Purpose", "用途，UTF-8 百分号编码"),
        ("X-Operator", "经办人，UTF-8 百分号编码"),
        ("X-Reference", "本单位的业务编号，UTF-8 百分号编码"),
    )
)
GIVEN: Json = {
    "purpose": {**MAYBE, "maxLength": 80, "description": "用途"},
    "operator": {**MAYBE, "maxLength": 40, "description": "经办人"},
    "reference": {**MAYBE, "maxLength": 64, "description": "本单位的业务编号，不写个人的号码"},
}
# The same where a purpose and an operator must be told.
TOLD: Json = {
    **GIVEN,
    "purpose": {**TEXT, "minLength": 1, "maxLength": 80, "pattern": r"\S", "description": "用途"},
    "operator": {**TEXT, "minLength": 1, "maxLength": 40, "pattern": r"\S", "description": "经办人"},
}

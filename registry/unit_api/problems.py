"""What goes wrong at the interface of the units, as RFC 9457 problem documents: never a page, and never a value that was
sent in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request
from werkzeug.exceptions import HTTPException

PREFIX = "/units/v1"
MEDIA = "application/problem+json"
_TYPE = "urn:gongshi:units:problem:"
RETRY_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Fault:
    """A field that was refused, as `persons[3].id_number`, and why, in Chinese."""

    field: str
    reason: str


@dataclass(slots=True)
class ApiProblem(Exception):
    """Something that is not done. `more` has further members of the document."""

    status: int
    slug: str
    title: str
    detail: str
    errors: Sequence[Fault] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


def bad_request(errors: Sequence[Fault], detail: str = "请按 errors 中的说明改正后重试，本次没有办理。") -> ApiProblem:
    """What was sent cannot be carried out, field by field."""
    return ApiProblem(400, "bad-parameter", "内容有误", detail, errors)


def conflict(errors: Sequence[Fault]) -> ApiProblem:
    """What was sent is well formed, and does not fit what the court has at this moment, field by field."""
    detail = "与现在的情况不符：请按 errors 中的说明核对后重试，本次没有办理。"
    return ApiProblem(409, "conflict", "与现在的情况不符", detail, errors)


_KNOWN: Mapping[int, tuple[str, str, str]] = {
    400: ("bad-request", "请求有误", "服务器看不懂这个请求，请检查后重试。"),
    404: ("not-found", "没有找到", "没有这个地址或者编号。接口说明见 /units/v1/openapi.json。"),
    405: ("method-not-allowed", "不支持这种操作", "这个地址不支持这种请求方式。"),
    413: ("too-large", "内容过大", "发来的内容超过了允许的大小，没有办理，请分次发送。"),
    415: ("not-json", "不是 JSON", "请以 Content-Type: application/json 发送 UTF-8 编码的 JSON 对象。"),
    500: ("internal", "系统出现故障", "系统出现故障，可能没有办完：请核对后再试，或者联系法院。"),
    503: (
        "unavailable",
        "暂时不能使用",
        "磁盘或者数据库暂时不能使用，可能没有办完，请稍后核对后再试；这不表示名单中没有。",
    ),
}


# Nothing of the list may be shown now (search_index.snapshot.StoreHidden).
HIDDEN: Mapping[str, Any] = {
    "slug": "hidden",
    "title": "名单暂停显示",
    "detail": "现在不能确认名单中的信息是否仍应公示，名单暂停显示，本次没有比对；这不表示名单中没有。请向法院询问。",
    "headers": {"Retry-After": "600"},
}


def problem_of(status: int, **changes: Any) -> ApiProblem:
    """The usual problem of a status."""
    known = status if status in _KNOWN else 500 if status >= 500 else 400
    slug, title, detail = _KNOWN[known]
    return ApiProblem(**{"status": status, "slug": slug, "title": title, "detail": detail, **changes})


def is_api() -> bool:
    """Whether the present request is one of a machine's."""
    return request.path == PREFIX or request.path.startswith(f"{PREFIX}/")


def respond(problem: ApiProblem) -> Response:
    """The document of a problem."""
    body: dict[str, Any] = {
        "type": f"{_TYPE}{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        **problem.more,
    }
    if problem.errors:
        body["errors"] = [{"field": one.field, "reason": one.reason} for one in problem.errors]
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    response = Response(text, problem.status, content_type=MEDIA)
    response.headers.update(problem.headers)
    return response


def respond_http(error: HTTPException) -> Response:
    """The document of an error of HTTP."""
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return respond(problem_of(error.code or 500, headers=kept))


def respond_broken() -> Response:
    """The document where a disk or a database cannot be used at this moment."""
    return respond(problem_of(503, headers={"Retry-After": str(RETRY_SECONDS)}))

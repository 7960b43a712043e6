"""Errors as RFC 9457 problems: one shape for the API, the same words on a page for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, g, json, render_template, request
from werkzeug.exceptions import HTTPException

from portal.accesslog import log_error
from portal.limits import Allowance
from portal.parameters import BadParameters, Refusal
from portal.site import get_site
from search_index.page import Departed
from search_index.register import ListHidden, RegisterUnavailable

_RETRY_SECONDS = 30
_HIDDEN_SECONDS = 600


class EntryGone(Exception):
    """The record was public and is not any more."""

    def __init__(self, departed: Departed) -> None:
        super().__init__()
        self.departed = departed


class TooManyRequests(Exception):
    """A limit is used up."""

    def __init__(self, allowance: Allowance) -> None:
        super().__init__()
        self.allowance = allowance


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong, for a person (Chinese) and for a machine (`slug`, part of the problem's type). `more`: members that
    only this problem has, told to machines."""

    slug: str
    status: int
    title: str
    detail: str
    errors: tuple[Refusal, ...] = ()
    departed: Departed | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    template: str = "error.html"

    def as_json(self, public_url: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": f"{public_url}/about#problem-{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.departed:
            body |= {"record": self.departed.record, "at": self.departed.at.isoformat()}
        if self.errors:
            body["errors"] = [{"parameter": e.parameter, "reason": e.reason} for e in self.errors]
        return {**body, **self.more}


class ProblemRaised(Exception):
    """The request is answered with a problem that says all there is to say."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem


PROBLEMS: Mapping[int, tuple[str, str, str]] = {
    400: ("bad-request", "请求有误", "服务器看不懂这个请求，请检查后重试。"),
    401: ("unauthorized", "需要密钥", "批量读取需要密钥。密钥免费，向公布名单的法院申请。逐条查询不需要密钥。"),
    403: (
        "suspended",
        "批量读取已暂停",
        "有信息已不再公示，而您没有在一个工作日内确认已经停止使用并删除。请删除 departures 所列各条，"
        "再向 acks 所指的地址确认；确认后几分钟内恢复。",
    ),
    404: ("not-found", "没有找到", "没有这个页面或者编号。请核对：编号的形式是 SX- 加 8 位字母或数字。"),
    405: ("method-not-allowed", "不支持这种操作", "这个地址不支持这种请求方式。"),
    409: ("ahead", "序号超前", "名单还没有这个序号。"),
    410: ("gone", "该信息已不再公示", "这个编号的信息已依法不再公示。转载、保存过该信息的，应当停止传播并删除。"),
    413: ("too-large", "提交的内容过大", "提交的内容超过了允许的大小，请缩短后重试。"),
    415: ("unsupported-media", "内容类型不对", "请以 application/json 提交，正文是一个 JSON 对象。"),
    429: ("too-many-requests", "操作过于频繁", "您所在网络的查询次数暂时已达上限，请稍后再试。"),
    500: ("internal", "系统出现故障", "抱歉，系统出现故障，我们会尽快处理。请稍后再试。"),
    503: ("unavailable", "暂时无法查询", "名单暂时无法读取。请稍候半分钟再试；这不表示名单中没有相关信息。"),
}


def build_problem(status: int, **changes: Any) -> Problem:
    """The problem of a status, with its usual words; a status that has none of its own is told as 400 or 500."""
    known = status if status in PROBLEMS else 500 if status >= 500 else 400
    slug, title, detail = PROBLEMS[known]
    return Problem(**{"slug": slug, "status": status, "title": title, "detail": detail, **changes})


def is_api() -> bool:
    """Whether the present request is one of a machine's."""
    return request.path.startswith("/api/")


def respond(problem: Problem) -> Response:
    """The answer that tells of `problem`, in the form that the asker reads."""
    if is_api():
        body = json.dumps(problem.as_json(get_site().settings.public_url), ensure_ascii=False, sort_keys=False)
        response = Response(body, problem.status, content_type="application/problem+json")
    else:
        g.failed = True
        page = render_template(problem.template, problem=problem)
        response = Response(page, problem.status, content_type="text/html; charset=utf-8")
    response.headers.update(problem.headers)
    return response


def register_problems(app: Flask) -> None:
    """Tell every error that a view may raise in the one shape."""
    app.register_error_handler(BadParameters, _bad_parameters)
    app.register_error_handler(EntryGone, _gone)
    app.register_error_handler(ProblemRaised, lambda error: respond(error.problem))
    app.register_error_handler(TooManyRequests, _too_many)
    app.register_error_handler(RegisterUnavailable, _unavailable)
    app.register_error_handler(ListHidden, lambda _error: respond(build_hidden()))
    app.register_error_handler(HTTPException, _http)


def _bad_parameters(error: BadParameters) -> Response:
    problem = build_problem(
        400, slug="bad-parameter", title="填写的内容有误", detail="请按下面的说明改正后重试。", errors=error.refusals
    )
    return respond(problem)


def _gone(error: EntryGone) -> Response:
    return respond(build_problem(410, departed=error.departed, template="gone.html"))


def _too_many(error: TooManyRequests) -> Response:
    if request.blueprint == "submissions" and request.endpoint != "submissions.tell_state":
        detail = "从您所在网络提交的次数，或者本网站现在收到的提交，暂时已达上限，请稍后再试；急需提出的，请按下面的方式联系法院。"
        return respond(
            build_problem(429, detail=detail, headers=error.allowance.headers(), template="sending_closed.html")
        )
    who = "这个密钥或者您所在网络" if request.blueprint == "bulk" else "您所在网络"
    detail = f"{who}的查询次数暂时已达上限，请在 {error.allowance.reset} 秒后再试。"
    return respond(build_problem(429, detail=detail, headers=error.allowance.headers()))


def _unavailable(error: RegisterUnavailable) -> Response:
    if cause := error.__cause__:
        log_error((type(cause), cause, cause.__traceback__))
    return respond(build_problem(503, headers={"Retry-After": str(_RETRY_SECONDS)}))


def build_hidden() -> Problem:
    """Nothing of the list is shown now: why is the same for whatever reason it is."""
    return build_problem(
        503,
        slug="hidden",
        title="名单暂停显示",
        detail="现在不能确认名单中的信息是否仍应公示，为避免误伤，名单暂停显示。这不表示名单中没有相关信息；确认后即恢复显示。",
        headers={"Retry-After": str(_HIDDEN_SECONDS)},
        template="hidden.html",
    )


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    names = ("Allow", "Retry-After")
    kept = {name: value for name, value in error.get_headers() if name in names}
    return respond(build_problem(status, headers=kept))

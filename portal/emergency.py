"""Hiding an entry, or the whole list, on the portal itself: for the court's own people, with a code out of a sealed envelope,
when everything else is down.

The page is linked from nowhere. A wrong code is told nothing: neither whether a number exists, nor which part was wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from portal.accesslog import log_marked
from portal.pages import check_parameters
from portal.parameters import BadParameters, Refusal
from portal.problems import build_problem, respond
from portal.site import get_now, get_site
from search_index.emergency import CODES, SUBJECT, Mark, find_code, name_mark, open_code, read_codes, write_mark
from search_index.number import find_number
from search_index.register import ListHidden, RegisterUnavailable

emergency = Blueprint("emergency", __name__, url_prefix="/emergency")

_FIELDS = {"code", "record", "whole"}
_WRONG = "代码不对。请核对信封上的代码，连同最前面的序号一起输入。"
_NO_NUMBER = "编号不对。编号的形式是 SX- 加 8 位字母或数字；要停止显示全部名单的，不要填写编号，只勾选“全部名单”。"
_UNKNOWN = "名单中没有这个编号，请核对。"


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be hidden: an entry, or the whole list (None)."""

    record: str | None


@emergency.before_request
def refuse_unknown_parameters() -> AnyResponse | None:
    return check_parameters(set())


@emergency.get("")
def ask() -> str:
    return render_template("emergency.html", problem=None)


@emergency.post("")
def hide() -> AnyResponse:
    form = dict(request.form.lists())
    if set(form) - _FIELDS or any(len(values) > 1 for values in form.values()):
        raise BadParameters([Refusal(parameter="表单", reason="表单中有多余的内容，请从本页重新填写")])
    site, now = get_site(), get_now()
    typed = request.form.get("code", "")
    key = open_code(typed, read_codes(site.register.subject(SUBJECT, CODES, now)))
    if key is None:
        return _refuse(_WRONG, 403)
    wish = _read_wish(request.form.get("record", ""), is_whole=request.form.get("whole") == "yes")
    if wish is None:
        return _refuse(_NO_NUMBER, 400)
    if wish.record is not None and not _is_known(wish.record):
        return _refuse(_UNKNOWN, 404)
    number = int((find_code(typed) or "0")[0])
    mark = Mark(name=name_mark(now, site.random), record=wish.record, code=number, at=now)
    try:
        if site.marks is None:
            raise FileNotFoundError
        site.marks.put(mark, write_mark(mark, key))
    except OSError:
        return respond(build_problem(503, title="没有停止显示", detail=_NOT_WRITTEN, template="error.html"))
    log_marked(is_whole=wish.record is None)
    return make_response(render_template("emergency_done.html", mark=mark))


_NOT_WRITTEN = (
    "代码是对的，但是标记没有写成，信息仍在显示。请立即改用其他办法：在服务器上停止网站（例如 systemctl stop gongshi-portal），"
    "或者断开网站的网络。"
)


def _refuse(problem: str, status: int) -> AnyResponse:
    return make_response(render_template("emergency.html", problem=problem), status)


def _read_wish(typed: str, *, is_whole: bool) -> _Wish | None:
    if is_whole:
        return None if typed.strip() else _Wish(None)
    record = find_number(typed)
    return None if record is None else _Wish(record)


def _is_known(record: str) -> bool:
    """Whether the number is in the list, or may be: where that cannot be read, the mark is made all the same."""
    try:
        return get_site().register.find(record, get_now()) is not None
    except ListHidden:
        return True
    except RegisterUnavailable:
        return True

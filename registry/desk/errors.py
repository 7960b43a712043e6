"""The pages of addresses that have nothing to show, and of what does not work at this moment."""

from __future__ import annotations

from flask import make_response
from werkzeug import Response as ResponseValue
from werkzeug.exceptions import HTTPException, SecurityError

from registry.desk.base import tell_broken
from registry.desk.guard import refuse_page

_SAID = {
    400: "请求不完整，没有办理",
    403: "您的角色不能使用这个页面",
    404: "没有这个页面",
    405: "这个页面不能这样打开",
    413: "提交的内容或者文件过大，没有办理",
    500: "程序出错，没有办完：请把时间和正在办理的事项告诉系统管理员",
}


def show_error(error: HTTPException) -> ResponseValue:
    """The page of an error of HTTP. Redirects pass."""
    if error.code is None or error.code < 400:
        return error.get_response()
    if isinstance(error, SecurityError):
        # Nothing is known of an address under another name.
        return make_response("不接受这个主机名。\n", 400, {"Content-Type": "text/plain; charset=utf-8"})
    own = error.description if error.description and not error.description.isascii() else None
    return refuse_page(own or _SAID.get(error.code, "不能办理这一请求"), error.code)


def show_broken(error: Exception) -> ResponseValue:
    """The page where a disk or a database cannot be used at this moment."""
    return refuse_page(tell_broken(error) or _SAID[500], 503)

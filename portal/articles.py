"""Short texts of the court: typical cases, reward notices, notices of exit; and the check of a certificate."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask import Blueprint, Response, abort, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from portal.pages import check_parameters
from portal.parameters import BadParameters, Refusal, read_page
from portal.problems import build_problem, respond
from portal.public_words import ARTICLE_KINDS, NOTICE_KINDS, Article, read_article, read_articles
from portal.site import get_now, get_site, link
from search_index.submission import certificate_key, find_verify

articles = Blueprint("articles", __name__)

_PAGE = 50
_LISTS = ("articles.list_articles", "articles.list_notices")
_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


@articles.before_request
def refuse_unknown_parameters() -> AnyResponse | None:
    return check_parameters({"page"} if request.endpoint in _LISTS else set())


@articles.get("/articles")
def list_articles() -> str:
    found, pages = _read_page(ARTICLE_KINDS)
    groups = [(label, [one for one in found if one.kind == kind]) for kind, label in ARTICLE_KINDS.items()]
    return render_template("articles.html", groups=[(label, some) for label, some in groups if some], pages=pages)


def _read_page(kinds: Mapping[str, str]) -> tuple[list[Article], tuple[str, str]]:
    """The articles of `kinds` on the page that is asked for, the newest first, and the addresses of the pages before and
    after it, empty where there is none. Raises BadParameters."""
    number, register, now = read_page(dict(request.args.lists())), get_site().register, get_now()
    found = register.subjects("article", now, _PAGE, offset=(number - 1) * _PAGE, kinds=tuple(kinds))
    more = register.subjects("article", now, 1, offset=number * _PAGE, kinds=tuple(kinds))
    before = link(request.endpoint or "", page=number - 1) if number > 1 else ""
    after = link(request.endpoint or "", page=number + 1) if more else ""
    return read_articles(found, kinds), (before, after)


@articles.get("/articles/<key>")
def article(key: str) -> str | Response:
    register, now = get_site().register, get_now()
    if not _KEY.fullmatch(key):
        abort(404)
    body = register.subject("article", key, now)
    if body is None and register.knew("article", key, now):
        detail = "这篇文章已经撤下或者期满，不再公示。转载、保存过的，应当停止传播并删除。"
        return respond(build_problem(410, title="已不再公示", detail=detail))
    found = None if body is None else read_article(key, body, ARTICLE_KINDS)
    if found is None:
        abort(404)
    return render_template("article.html", article=found)


@articles.get("/notices")
def list_notices() -> str:
    found, pages = _read_page(NOTICE_KINDS)
    return render_template("notices.html", notices=found, pages=pages)


@articles.get("/certificates")
def ask_certificate() -> str:
    return render_template("certificates.html", reason="", asked=False, issued_on=None)


@articles.post("/certificates")
def tell_certificate() -> str | tuple[str, int]:
    form = dict(request.form.lists())
    if set(form) - {"number"} or any(len(values) > 1 for values in form.values()):
        raise BadParameters([Refusal(parameter="表单", reason="表单中有多余的内容，请从本网站的页面重新填写")])
    number = find_verify(request.form.get("number", ""))
    if number is None:
        reason = "验证号有误：ZM- 加 12 位字母或数字，请对照证明"
        return render_template("certificates.html", reason=reason, asked=False, issued_on=None), 400
    body = get_site().register.subject("certificate", certificate_key(number), get_now())
    issued_on = str(body.get("issued_on", "")) if body is not None else None
    return render_template("certificates.html", reason="", asked=True, issued_on=issued_on)

"""The page that describes the interfaces to people, made from their description."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, current_app, render_template
from werkzeug.wrappers import Response as AnyResponse

from portal.describing_words import Operation, list_operations, list_schemas
from portal.limits import BULK_RULES, KEY_RULES, RULES, Rule
from portal.openapi import build_openapi
from portal.pages import check_parameters
from portal.promises import PROMISES
from portal.site import get_site
from search_index.reader_terms import TERMS

describing = Blueprint("describing", __name__)

_PER = {"second": "每秒", "minute": "每分钟", "hour": "每小时", "day": "每天"}


@describing.before_request
def refuse_unknown_parameters() -> AnyResponse | None:
    """The page takes no parameter but the mode."""
    return check_parameters(set())


@describing.get("/api")
def describe() -> str:
    site = get_site()
    description = build_openapi(site.settings.public_url)
    operations = list_operations(description)
    return render_template(
        "describing.html",
        info=description["info"],
        operations=operations,
        schemas=list_schemas(description),
        limits=_list_limits(operations),
        promises=PROMISES,
        terms=TERMS,
    )


def _list_limits(operations: list[Operation]) -> list[tuple[Operation, str]]:
    """Each operation that is counted, and how often it may be asked."""
    endpoints = {
        (method, rule.rule.replace("<", "{").replace(">", "}")): rule.endpoint
        for rule in current_app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    found = []
    for one in operations:
        endpoint = endpoints[(one.method, one.path)]
        rules = (*KEY_RULES.get(endpoint, ()), *RULES.get((endpoint, one.method), ()))
        if rules:
            found.append((one, "；".join(_tell(rules))))
    return found


def _tell(rules: tuple[Rule, ...]) -> Iterator[str]:
    for rule in rules:
        who = "每个密钥" if rule.scope == "key" else "同一网络"
        shared = "（批量读取的各个地址合计）" if rule in BULK_RULES else ""
        yield f"{who}{_PER[rule.limit.GRANULARITY.name]} {rule.limit.amount} 次{shared}"

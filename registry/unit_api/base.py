"""What every endpoint of the interface for machines works with: the court, the key that asks, the limit, the answer.

An endpoint is registered with the scope that it takes; what is registered in no other way does not exist. It is told the
unit of the key and asks for nothing by another unit's id. There are no cookies and no pages here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Protocol

from flask import Blueprint, Response, g, request
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry.acting import Acting
from registry.desk.base import Court
from registry.tables import UnitRow
from registry.unit_api.problems import PREFIX, ApiProblem, respond
from registry.units.keys import KEY_START, Found, Scope, find_key
from registry.units.ledger import UNIT_KEY
from registry.units.units import Receives, to_unit
from registry.units.uses import Given, User, note_use
from registry.units.words import UnitError
from search_index.store import Store

LARGEST = 256 * 1024  # bytes
_BEARER = "Bearer "


class Allowance(Protocol):
    """What is left of a limit."""

    @property
    def refused(self) -> bool: ...
    @property
    def reset(self) -> int: ...
    def headers(self) -> dict[str, str]: ...


# Counts one request of a key; None where nothing is counted.
Count = Callable[[int], "Allowance | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The court behind the interface, what the public sees, the limit, and how a moment is waited."""

    court: Court
    store: Store
    random: Random
    count: Count
    pause: Callable[[float], object]

    @property
    def now(self) -> datetime:
        return self.court.now


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The key that asks, and its unit."""

    site: Site
    unit: int
    unit_name: str
    receives: Receives
    key: Found

    @property
    def actor(self) -> str:
        """How what is done with the key is named in the ledger and the audit trail."""
        return f"{UNIT_KEY}{self.key.name}"

    @property
    def acting(self) -> Acting:
        return self.site.court.acting(self.actor)

    @property
    def user(self) -> User:
        return User(unit=self.unit, by=self.actor, key=self.key.id)

    def own_unit(self, session: Session) -> UnitRow:
        return session.get_one(UnitRow, self.unit)

    def write_use(self, session: Session, action: str, given: Given, *, rows: int = 0, hits: int = 0) -> None:
        """Write the use down, in the transaction of what it tells of."""
        note_use(session, self.user, action, given, self.site.now, rows=rows, hits=hits)


View = Callable[..., Mapping[str, Any] | ResponseValue]


class Api:
    """Where the endpoints are registered: `api.get("/changes", Scope.CHANGES)(view)`. A view is called with the caller and
    the parts of the address; it returns a JSON object, or a response of its own, and raises ApiProblem or UnitError."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.blueprint = Blueprint("unit_api", __name__, url_prefix=PREFIX)
        self.blueprint.register_error_handler(ApiProblem, respond)
        self.blueprint.register_error_handler(UnitError, _refuse_words)

    def get(self, rule: str, scope: Scope) -> Callable[[View], View]:
        return self._register(rule, "GET", scope, LARGEST)

    def post(self, rule: str, scope: Scope, *, largest: int = LARGEST) -> Callable[[View], View]:
        """`largest`: how many bytes a body may have."""
        return self._register(rule, "POST", scope, largest)

    def _register(self, rule: str, method: str, scope: Scope, largest: int) -> Callable[[View], View]:
        def add(view: View) -> View:
            def answer(**parts: Any) -> ResponseValue:
                request.max_content_length = largest
                found = view(find_caller(self.site, scope), **parts)
                response = found if isinstance(found, ResponseValue) else to_json({**found, **tell_training(self.site)})
                response.headers.update(g.get("unit_allowance", {}))
                return response

            self.blueprint.add_url_rule(rule, f"{method.lower()}_{view.__name__}", answer, methods=[method])
            return view

        return add


def tell_training(site: Site) -> dict[str, bool]:
    """What every answer holds in a home for training, and no real one ever does."""
    return {"training": True} if site.court.profile().training else {}


def find_caller(site: Site, scope: Scope) -> Caller:
    """The key that asks, if it may ask this from there now. Raises ApiProblem."""
    _refuse_key_in_address()
    header = request.headers.get("Authorization", "")
    typed = header[len(_BEARER) :].strip() if header[: len(_BEARER)].lower() == _BEARER.lower() else ""
    with site.court.reading() as session:
        key = find_key(session, typed, site.now)
        unit = to_unit(session.get_one(UnitRow, key.unit)) if key is not None else None
    if key is None or unit is None:
        raise ApiProblem(
            401,
            "unknown-key",
            "密钥不能使用",
            "没有密钥，或者密钥不正确、已经到期或者停用。请以请求头 Authorization: Bearer 发送密钥；需要密钥的，请联系法院。",
            headers={"WWW-Authenticate": 'Bearer realm="units"'},
        )
    if not key.admits(request.remote_addr):
        raise ApiProblem(
            403, "wrong-address", "不能从这个地址使用", "该密钥不能从发出请求的地址使用，请核对网络出口，或者联系法院。"
        )
    if scope not in key.scopes:
        raise ApiProblem(
            403,
            "missing-scope",
            "密钥没有这一权限",
            f"该密钥没有 {scope.value}（{scope.label}）权限。需要的，请联系法院另发密钥。",
            more={"scope": scope.value},
        )
    _count(site, key)
    return Caller(site=site, unit=unit.id, unit_name=unit.name, receives=unit.receives, key=key)


def _refuse_words(error: UnitError) -> Response:
    return respond(ApiProblem(409, "refused", "没有办理", str(error)))


def to_json(body: Mapping[str, Any], status: int = 200) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, content_type="application/json")


def _count(site: Site, key: Found) -> None:
    left = site.count(key.id)
    if left is None:
        return
    g.unit_allowance = left.headers()
    if left.refused:
        detail = f"该密钥的请求次数暂时已达上限，请在 {left.reset} 秒后再试。"
        raise ApiProblem(429, "too-many-requests", "请求过于频繁", detail, headers=left.headers())


def _refuse_key_in_address() -> None:
    """A key in an address ends up in logs of whatever lies between: it is never taken from there, also where it is right."""
    if any(KEY_START in part for pair in request.args.items(multi=True) for part in pair):
        raise ApiProblem(
            400,
            "key-in-address",
            "密钥不能写在网址中",
            "网址会留在沿途的日志中：请改用请求头 Authorization: Bearer，并请法院更换该密钥。",
        )

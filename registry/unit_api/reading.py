"""What a machine sent, read strictly: a JSON object in UTF-8 with known fields of known types, or a problem that names each
field and repeats no value."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar
from urllib.parse import unquote

from flask import request

from registry.unit_api.problems import ApiProblem, Fault, bad_request, conflict, problem_of
from registry.units.uses import Given, check_operator, check_purpose, check_reference
from registry.units.words import UnitError

JSON = "application/json"
# Fields of every body that say for what it is, who asks, and the unit's own number of the application.
GIVEN_FIELDS = ("purpose", "operator", "reference")
_HEADERS = {"purpose": "X-Purpose", "operator": "X-Operator", "reference": "X-Reference"}
_CHECKS: Mapping[str, Callable[[str], str]] = {
    "purpose": check_purpose,
    "operator": check_operator,
    "reference": check_reference,
}
_LABELS = {"purpose": "用途", "operator": "经办人", "reference": "业务编号"}
_LONGEST_NUMBER = 10
Value = TypeVar("Value")


class Faults:
    """Gathers what is wrong, so that all of it is told at once."""

    def __init__(self) -> None:
        self._found: list[Fault] = []
        self._clashes: list[Fault] = []

    def add(self, name: str, reason: str) -> None:
        self._found.append(Fault(name, reason))

    def clash(self, name: str, reason: str) -> None:
        """Note what is well formed, and does not fit what the court has at this moment."""
        self._clashes.append(Fault(name, reason))

    def check(self, name: str, read: Callable[[], Value], instead: Value) -> Value:
        """What `read` gives; where it raises UnitError, that is noted and `instead` given."""
        try:
            return read()
        except UnitError as error:
            self.add(name, str(error))
            return instead

    def refuse(self) -> None:
        """Raises ApiProblem where anything was wrong."""
        if self._found:
            raise bad_request([*self._found, *self._clashes])
        if self._clashes:
            raise conflict(self._clashes)


def read_body(fields: Collection[str], faults: Faults) -> Mapping[str, Any]:
    """The JSON object that was sent; fields that are not among `fields` are noted. Raises ApiProblem."""
    if request.mimetype != JSON or request.mimetype_params.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise problem_of(415)
    try:
        body = json.loads(request.get_data(cache=False).decode(), object_pairs_hook=_to_object, parse_constant=_refuse)
        json.dumps(body, ensure_ascii=False).encode()  # half of a surrogate pair can be kept nowhere
    except (ValueError, RecursionError):
        raise ApiProblem(400, "bad-json", "不是 JSON", "发来的内容不是完整的 UTF-8 JSON，或者有重复的字段。") from None
    if not isinstance(body, dict):
        raise ApiProblem(400, "bad-json", "不是 JSON 对象", "应发送一个 JSON 对象，例如 {…}。")
    for name in sorted(set(body) - set(fields)):
        faults.add(_show(name), "没有这个字段")
    return body


def read_given(faults: Faults, body: Mapping[str, Any] | None = None, *, required: bool = False) -> Given:
    """For what it is and who asks: from the body where there is one, else from the headers X-Purpose, X-Operator,
    X-Reference (UTF-8, percent-encoded). `required`: purpose and operator must be told."""
    found: dict[str, str | None] = {}
    for name, check in _CHECKS.items():
        text = _read_header(faults, name) if body is None else _read_field(faults, body, name)
        if text is None or not text.strip():
            found[name] = None
            if required and text is not None and name != "reference":
                faults.add(name, f"请写明{_LABELS[name]}")
        else:
            found[name] = faults.check(name, partial(check, text), None)
    return Given(**found)


def read_count(name: str, default: int | None, faults: Faults, *, least: int = 0, most: int) -> int:
    """A whole number of the query string; `default` None: it must be there."""
    values = request.args.getlist(name)
    if not values and default is not None:
        return default
    text = values[0] if len(values) == 1 else ""
    fits = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER and least <= int(text) <= most
    if not fits:
        faults.add(name, f"应为 {least} 到 {most} 的整数，写一次")
        return least
    return int(text)


def read_whole(body: Mapping[str, Any], name: str, faults: Faults, *, most: int, label: str | None = None) -> int:
    """A whole number of the body, from 0 on."""
    value = body.get(name)
    if isinstance(value, float) and value.is_integer():
        # To JSON, 3.0 is a whole number.
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        faults.add(label or name, f"应为 0 到 {most} 的整数")
        return 0
    return value


def refuse_parameters(known: Collection[str], faults: Faults) -> None:
    """Note the parameters of the query string that are not known."""
    for name in sorted(set(request.args) - set(known)):
        faults.add(_show(name), "没有这个参数")


def _read_field(faults: Faults, body: Mapping[str, Any], name: str) -> str | None:
    """What the body tells of one of GIVEN_FIELDS; empty where nothing, None where it cannot be read."""
    value = body.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    faults.add(name, "应为文字")
    return None


def _read_header(faults: Faults, name: str) -> str | None:
    """What a header tells of one of GIVEN_FIELDS; empty where nothing, None where it cannot be read."""
    value = request.headers.get(_HEADERS[name], "")
    if value.isascii() and value.isprintable():
        with suppress(UnicodeDecodeError):
            return unquote(value, errors="strict")
    faults.add(name, f"请求头 {_HEADERS[name]} 应为 UTF-8 的百分号编码")
    return None


def _show(name: str) -> str:
    """The name of a field that is not known: it was sent in, and may be anything."""
    return name if name.isascii() and name.isidentifier() and len(name) <= 40 else "（未知字段）"


def _to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field comes twice")
    return found


def _refuse(_constant: str) -> Any:
    raise ValueError("not a number of JSON")

"""JSON as strict as the import needs it: a key that is written twice and NaN are seen, not swallowed."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from registry.intake.model import FieldError


class RepeatedKeys(dict[str, Any]):
    """An object in which a key is written twice. `repeated` is the first such key."""

    repeated: str = ""


class NotANumber:
    """NaN or Infinity: Python reads it, JSON does not have it."""


_NOT_A_NUMBER = NotANumber()


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) == len(pairs):
        return built
    marked = RepeatedKeys(built)
    seen: set[str] = set()
    marked.repeated = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return marked


def _refuse_constant(_: str) -> NotANumber:
    return _NOT_A_NUMBER


DECODER = json.JSONDecoder(object_pairs_hook=_build_object, parse_constant=_refuse_constant)
_SURROGATE = re.compile("[\ud800-\udfff]")


def decode(text: str) -> Any:
    """The JSON value that `text` is. Raises FieldError for the line as a whole."""
    try:
        return DECODER.decode(text)
    except RecursionError:
        raise FieldError("", "括号嵌套太深，不是一条记录") from None
    except json.JSONDecodeError as error:
        raise FieldError("", f"不是正确的JSON（第{error.pos + 1}个字附近），请检查引号、逗号和括号") from None
    except ValueError:
        raise FieldError("", "有位数过多的数字，号码应写成加引号的文字") from None


def check_object(body: dict[str, Any]) -> None:
    """Refuse repeated keys and NaN, however deep. Raises FieldError."""
    if type(body) is RepeatedKeys:
        raise FieldError(body.repeated, "同一个键写了两次，请只保留正确的一个")
    for key, value in body.items():
        if type(value) is not str and value is not None:
            _check_within(key, value)


def _check_within(key: str, value: Any) -> None:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if type(one) is NotANumber:
            raise FieldError(key, "NaN和Infinity不是正确的JSON值")
        if type(one) is RepeatedKeys:
            raise FieldError(key, "其中同一个键写了两次，请只保留正确的一个")
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def encode(value: Any) -> str:
    """One line of JSON that can always be written as UTF-8; NaN as it came."""
    text = json.dumps(value, ensure_ascii=False, default=_write_constant)
    return json.dumps(value, default=_write_constant) if _SURROGATE.search(text) else text


def _write_constant(value: object) -> float:
    if isinstance(value, NotANumber):
        return math.nan
    raise TypeError(type(value).__name__)

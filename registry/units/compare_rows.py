"""The rows that a unit gives to be compared, read one by one: what cannot be read is a result of its own, and the others go
through. Pure. A reason never repeats what was given."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry.units.comparing import Applicant, Number
from registry.values import InvalidValue, parse_id_number, parse_name, parse_uscc
from search_index.folding import fold_name

MOST_ROWS = 1000
LONGEST_WORD = 64
_LONGEST_NUMBER = 64
# The unit's own words, given back as they came and kept nowhere.
WORDS = ("ref", "role", "application")
FIELDS = ("name", "id_number", "uscc", *WORDS)
_SEVERAL = "只能填写身份证件号码和统一社会信用代码中的一项"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row that could not be read: which field, and why, in Chinese; `words` are what could be read of the unit's own."""

    field: str
    reason: str
    words: Mapping[str, str]


# How names of organisations end. Nobody is listed by it: it tells which number a row holds that can be either.
_ORGANISATION = re.compile(
    r".{2}(?:公司|集团|厂|店|社|部|行|所|院|校|学校|会|中心|站|场|矿|馆|园|局|处|办公室|政府|企业|合伙|大队|分行)[)）]?\s*$"
)


class _Unreadable(Exception):
    """Field and reason."""


def read_rows(rows: Sequence[Any]) -> list[Applicant | Fault]:
    """What each row says: objects with `name`, `id_number` or `uscc`, `ref`, `role`, `application`."""
    return [read_row(row) for row in rows]


def read_row(row: Any) -> Applicant | Fault:
    """What a row says, or why it cannot be read."""
    if not isinstance(row, Mapping):
        return Fault(field="", reason="应为一个对象，例如 {“name”: …}", words={})
    words: dict[str, str] = {}
    try:
        for name in WORDS:
            if (word := _read_word(row, name)) is not None:
                words[name] = word
        if row.keys() - set(FIELDS):
            raise _Unreadable("", f"有不认识的项；一行只有这些项：{'、'.join(FIELDS)}")
        name = _parse(row, "name", parse_name)
        if name is None:
            raise _Unreadable("name", "为空，请填写姓名或者名称")
        return Applicant(name=name, key=fold_name(name), number=_read_number(row), **words)
    except _Unreadable as error:
        field, reason = error.args
        return Fault(field=field, reason=reason, words=words)


def read_either(text: str, name: str) -> Mapping[str, str]:
    """The number of a column for both kinds, as the field of a row that it is; what is neither as a person's, to be refused
    with its reason. One citizen number in thirty-one is a right credit code, too: there the name tells."""
    is_person, is_organisation = _can_be(parse_id_number, text), _can_be(parse_uscc, text)
    if is_person and is_organisation:
        is_organisation = _ORGANISATION.search(name) is not None
    return {"uscc": text} if is_organisation else {"id_number": text}


def _read_number(row: Mapping[str, Any]) -> Number | None:
    person: Number | None = _parse(row, "id_number", parse_id_number)
    organisation: Number | None = _parse(row, "uscc", parse_uscc)
    if person is not None and organisation is not None:
        raise _Unreadable("uscc", _SEVERAL)
    return person or organisation


def _parse(row: Mapping[str, Any], name: str, parse: Callable[[str], Any]) -> Any:
    """The value of a field; None where there is none."""
    text = _read_text(row, name)
    if text is None:
        return None
    if len(text) > _LONGEST_NUMBER * 4:
        raise _Unreadable(name, "过长，请核对")
    try:
        return parse(text)
    except InvalidValue as error:
        raise _Unreadable(name, str(error)) from None


def _read_word(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and name == "ref":
        value = str(value) if abs(value) < 10**LONGEST_WORD else "x" * (LONGEST_WORD + 1)
    word = _read_text({name: value}, name)
    if word is not None and (len(word) > LONGEST_WORD or not word.isprintable()):
        raise _Unreadable(name, f"应为不超过{LONGEST_WORD}个字的一行文字")
    return word


def _read_text(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise _Unreadable(name, "应为文字（字符串）")
    return value if value.strip() else None


def _can_be(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except InvalidValue:
        return False
    return True

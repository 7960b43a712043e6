"""Records as the national platform and its mirrors write them, in both spellings of their keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from registry.intake.build import QUARANTINE_KEY, build_facts, show_key
from registry.intake.jsontext import check_object
from registry.intake.loose import loosen, split_number
from registry.intake.model import FieldError
from registry.record import Facts, Kind

# Keys in lower case: mirrors write caseCode as casecode. `number` is an identity number or a USCC.
_KEYS = {
    "id": "national_reference",
    "iname": "name",
    "casecode": "case_number",
    "sexy": "gender",
    "cardnum": "number",
    "businessentity": "legal_representative",
    "courtname": "court",
    "areaname": "region",
    "partytypename": "kind",
    "gistid": "basis_number",
    "regdate": "filed_on",
    "gistunit": "basis_issuer",
    "duty": "obligation",
    "performance": "performance",
    "performedpart": "performed_part",
    "unperformpart": "unperformed_part",
    "unperformedpart": "unperformed_part",
    "disrupttypename": "conduct",
}
# `age` is the age at filing, `publishdate` the platform's own publication; neither is a fact of the record here.
_UNUSED = frozenset(
    {
        "age", "publishdate", "publishdatestamp", "focusnumber", "areanamenew", "lastmod", "loc", "type", "staff",
        "qysler", "sitelink", "siteid", "stdstg", "stdstl", "_update_time", "_version", "changefreq", "priority",
        "cambrian_appid", "sid", "hidden", "url", "areaid", "courtid", "version", "createtime", "updatetime",
    }
)  # fmt: skip
_MARKS = frozenset({"iname", "casecode", "cardnum", "disrupttypename", "gistid"})
_DATE_FIELDS = frozenset({"filed_on"})
_GARBLED = "有乱码字符，可能是文件编码有误，请核对原件后重新填写"
_REPRESENTATIVE = ("法定代表人", "负责人")


def is_national(body: Mapping[str, Any]) -> bool:
    """Whether an object is a record of the national platform, going by its keys."""
    return any(key.lower() in _MARKS for key in body)


def build_from_national(body: dict[str, Any]) -> tuple[Facts, tuple[str, ...]]:
    """The facts that a national record says, and warnings. Raises FieldError."""
    check_object(body)
    values: dict[str, Any] = {}
    warnings = []
    for key, value in body.items():
        if key == QUARANTINE_KEY:
            continue
        field = _KEYS.get(key.lower())
        _refuse_garbled(field or show_key(key), key, value)
        if field is not None:
            _put(values, field, _plain(field, value))
        elif key.lower() not in _UNUSED:
            warnings.append(f"不认识的键“{show_key(key)}”未使用")
    prepared = split_number(loosen(values))
    warnings += _fit_kind(prepared, body)
    facts, found = build_facts(prepared)
    return facts, (*warnings, *found)


def iterate_records(value: Any) -> Iterator[dict[str, Any]]:
    """The records in a list or in a page with `result` or `data` around its list, however deep."""
    if isinstance(value, dict) and is_national(value):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from iterate_records(item)


def _refuse_garbled(field: str, key: str, value: Any) -> None:
    # Also of what is passed over: it may be something that is used, with a byte lost on the way.
    if "\ufffd" in key or "\ufffd" in str(value):
        raise FieldError("id_number" if field == "number" else field, _GARBLED)


def _put(values: dict[str, Any], field: str, value: Any) -> None:
    if value is None or value == "":
        return
    if field in values and values[field] != value:
        raise FieldError(
            "id_number" if field == "number" else field, "同一个键以两种写法出现，内容不同，请只保留正确的一个"
        )
    values[field] = value


def _plain(field: str, value: Any) -> Any:
    if field in _DATE_FIELDS or value is None:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    return value


def _fit_kind(values: dict[str, Any], body: Mapping[str, Any]) -> list[str]:
    """Leave out what the platform fills in for the wrong kind, and take the representative from the persons' list."""
    if values.get("kind") == Kind.PERSON:
        return _drop(values, "legal_representative", "自然人的“法定代表人”未使用")
    if values.get("kind") == Kind.ORGANISATION:
        if values.get("legal_representative") is None:
            values["legal_representative"] = _find_representative(body)
        return _drop(values, "gender", "单位的“性别”未使用")
    return []


def _drop(values: dict[str, Any], field: str, warning: str) -> list[str]:
    return [warning] if values.pop(field, None) is not None else []


def _find_representative(body: Mapping[str, Any]) -> str | None:
    people = body.get("qysler")
    for person in people if isinstance(people, list) else ():
        if isinstance(person, dict) and person.get("corporationtypename") in _REPRESENTATIVE:
            name = person.get("iname")
            return name if isinstance(name, str) else None
    return None

"""From the values of one line to the facts of a record, or to the first field that cannot be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from registry.intake.model import FieldError
from registry.record import Applicant, Conduct, Disclosure, Facts, Gender, Kind, Performance, RestrictedGround
from registry.values import (
    CaseNumber,
    CitizenNumber,
    InvalidValue,
    MaskedNumber,
    has_private_use,
    parse_date,
    parse_id_number,
    parse_latin_name,
    parse_name,
    parse_phone,
    parse_text,
    parse_uscc,
)

Parser = Callable[[Any], Any]
Choice = TypeVar("Choice", bound=StrEnum)

QUARANTINE_KEY = "_quarantine"

# The Chinese name of every key, as reasons and quarantine files use it.
LABELS = {
    "kind": "主体类型",
    "name": "姓名或名称",
    "latin_name": "拉丁字母写法",
    "id_number": "身份证号码",
    "uscc": "统一社会信用代码",
    "gender": "性别",
    "birth_date": "出生日期",
    "legal_representative": "法定代表人",
    "court": "执行法院",
    "region": "地域",
    "case_number": "执行案号",
    "filed_on": "立案时间",
    "basis_number": "执行依据文号",
    "basis_issuer": "执行依据作出单位",
    "obligation": "生效法律文书确定的义务",
    "performance": "履行情况",
    "performed_part": "已履行部分",
    "unperformed_part": "未履行部分",
    "conduct": "失信行为具体情形",
    "decision_number": "决定书文号",
    "decided_on": "决定日期",
    "served_on": "送达日期",
    "term_ends_on": "期限届满日",
    "national_reference": "全国名单库编号",
    "disclosure": "是否公开",
    "restricted_ground": "不宜公开的理由",
    "employer": "所在单位",
    "phone": "联系电话",
    "address": "住址",
    "applicant": "申请执行人",
    "note": "备注",
}
_REQUIRED = ("kind", "name", "court", "case_number", "basis_number", "obligation", "performance", "conduct")


def build_facts(values: Mapping[str, Any]) -> tuple[Facts, tuple[str, ...]]:
    """The facts that a line's values (keys of the import format, None or blank for absent) say, and Chinese warnings.

    Raises FieldError for the first field that fails, in the order of the import format.
    """
    parsed: dict[str, Any] = {}
    for key, parse in _PARSERS.items():
        value = values.get(key)
        if value is None or value == "":
            continue
        try:
            parsed[key] = parse(value)
        except InvalidValue as error:
            raise FieldError(key, str(error)) from None
    if len(values) > len(parsed):
        _refuse_unknown(values)
    _check_present(parsed)
    for rule in _RULES:
        rule(parsed)
    return Facts(**parsed), _find_warnings(parsed)


def parse_value(key: str, value: Any) -> Any:
    """One value of the import format, parsed. Raises InvalidValue, and KeyError when there is no such field."""
    return _PARSERS[key](value)


def show_key(key: str) -> str:
    """A key or title from a file, fit for a message: short, and without runs of digits that could be a number."""
    shown = "".join("*" if character.isdigit() else character for character in key[:20] if character.isprintable())
    return f"{shown}…" if len(key) > 20 else shown


def _refuse_unknown(values: Mapping[str, Any]) -> None:
    for key in values:
        if key not in _PARSERS and key != QUARANTINE_KEY:
            raise FieldError(show_key(key), "不认识的字段，请核对拼写或删去")


def _check_present(parsed: Mapping[str, Any]) -> None:
    for key in _REQUIRED:
        if key not in parsed:
            raise FieldError(key, f"缺少必填的{LABELS[key]}，请补充")
        if key == "name":
            _check_number(parsed)


def _check_number(parsed: Mapping[str, Any]) -> None:
    is_person = parsed["kind"] is Kind.PERSON
    wanted, other = ("id_number", "uscc") if is_person else ("uscc", "id_number")
    who = "自然人" if is_person else "单位"
    if other in parsed:
        raise FieldError(other, f"主体类型是{who}，不应有{LABELS[other]}，请核对类型和号码")
    if wanted not in parsed:
        raise FieldError(wanted, f"缺少必填的{LABELS[wanted]}，请补充")


# Rules between fields ---------------------------------------------------------------------------------------------


# What only one kind of debtor has, and what the other is told.
_OF_ONE_KIND = {
    "latin_name": (Kind.PERSON, "只有自然人才填写拉丁字母写法，请核对主体类型或删去"),
    "gender": (Kind.PERSON, "单位没有性别，请核对主体类型或删去"),
    "birth_date": (Kind.PERSON, "单位没有出生日期，请核对主体类型或删去"),
    "legal_representative": (Kind.ORGANISATION, "自然人没有法定代表人，请核对主体类型或删去"),
}


def check_kind(values: Mapping[str, Any]) -> None:
    """Refuse what a debtor of this kind does not have. `values` has keys of the import format, `kind` among them;
    None is absent. Raises FieldError."""
    for key, (kind, reason) in _OF_ONE_KIND.items():
        if values.get(key) is not None and values["kind"] != kind:
            raise FieldError(key, reason)


def _check_identity(parsed: Mapping[str, Any]) -> None:
    number = parsed.get("id_number")
    if not isinstance(number, CitizenNumber):
        return
    if parsed.get("gender", number.gender) != number.gender:
        raise FieldError("gender", "性别与身份证号码不一致，请对照证件核对")
    if parsed.get("birth_date", number.birth_date) != number.birth_date:
        raise FieldError("birth_date", "出生日期与身份证号码不一致，请对照证件核对")


def _check_restriction(parsed: Mapping[str, Any]) -> None:
    is_restricted = parsed.get("disclosure") is Disclosure.RESTRICTED
    if is_restricted and "restricted_ground" not in parsed:
        raise FieldError("restricted_ground", "依法不宜公开的，应写明理由")
    if not is_restricted and "restricted_ground" in parsed:
        raise FieldError("disclosure", "写了不宜公开的理由，但没有标为不宜公开（restricted），请核对")


def _check_parts(parsed: Mapping[str, Any]) -> None:
    if parsed["performance"] is Performance.NONE and "performed_part" in parsed:
        raise FieldError("performed_part", "履行情况是全部未履行，却有已履行部分，请核对")
    if parsed["performance"] is Performance.FULL and "unperformed_part" in parsed:
        raise FieldError("unperformed_part", "履行情况是全部已履行，却有未履行部分，请核对")


def _check_dates(parsed: Mapping[str, Any]) -> None:
    decided = parsed.get("decided_on")
    if decided is None:
        return
    if parsed.get("served_on", decided) < decided:
        raise FieldError("served_on", "送达日期早于决定日期，请核对")
    if "term_ends_on" in parsed and parsed["term_ends_on"] <= decided:
        raise FieldError("term_ends_on", "期限届满日不晚于决定日期，请核对")


_RULES = (check_kind, _check_identity, _check_restriction, _check_parts, _check_dates)


def _find_warnings(parsed: Mapping[str, Any]) -> tuple[str, ...]:
    found = [
        f"{LABELS[key]}含有自造字（私用区字符），其他电脑可能显示不出，请核对"
        for key in ("name", "legal_representative", "court", "obligation")
        if key in parsed and not parsed[key].isprintable() and has_private_use(parsed[key])
    ]
    number = parsed.get("id_number")
    if isinstance(number, MaskedNumber):
        found += _find_mask_conflicts(number, parsed)
    return tuple(found)


def _find_mask_conflicts(number: MaskedNumber, parsed: Mapping[str, Any]) -> list[str]:
    found = []
    gender, born = parsed.get("gender"), parsed.get("birth_date")
    if gender and number.visible_gender and gender != number.visible_gender:
        found.append("性别与遮盖后的身份证号码中可见的部分不一致，请核对")
    if born and number.visible_year and born.year != number.visible_year:
        found.append("出生日期与遮盖后的身份证号码中可见的年份不一致，请核对")
    return found


# One field --------------------------------------------------------------------------------------------------------


def _require_text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidValue("应为文字（加引号的字符串）")
    return value


def _text_of(parse: Callable[[str], Any]) -> Parser:
    return lambda value: parse(_require_text(value))


def _free_text(limit: int) -> Parser:
    return lambda value: parse_text(_require_text(value), limit)


def _one_line(limit: int) -> Parser:
    def parse(value: object) -> str:
        text = parse_text(_require_text(value), limit)
        if "\n" in text:
            raise InvalidValue("不能换行，请写成一行")
        return text

    return parse


def _repeated(parse: Parser) -> Parser:
    """Remember the last answers: for public values that most lines of a file share."""
    remembered = lru_cache(maxsize=512)(parse)
    return lambda value: remembered(_require_text(value))


def _choice(choices: type[Choice]) -> Callable[[Any], Choice]:
    table: dict[str, Choice] = {choice.value: choice for choice in choices}
    fault = f"只能是{'、'.join(table)}之一"

    def parse(value: object) -> Choice:
        found = table.get(value) if isinstance(value, str) else None
        if found is None:
            raise InvalidValue(fault)
        return found

    return parse


_parse_conduct_code = _choice(Conduct)


def _parse_conduct(value: object) -> tuple[Conduct, ...]:
    if not isinstance(value, list) or not value:
        raise InvalidValue("应为至少一个失信情形代码的列表")
    if not all(isinstance(code, str) for code in value):
        raise InvalidValue("列表中每一项都应为文字")
    return _read_codes(tuple(value))


@lru_cache(maxsize=512)
def _read_codes(codes: tuple[str, ...]) -> tuple[Conduct, ...]:
    found = set()
    for number, code in enumerate(codes, 1):
        try:
            found.add(_parse_conduct_code(code))
        except InvalidValue as error:
            raise InvalidValue(f"第{number}项不是六种失信情形之一，{error}") from None
    return tuple(conduct for conduct in Conduct if conduct in found)


def _parse_applicant(value: object) -> Applicant | None:
    if not isinstance(value, dict):
        raise InvalidValue("应为含name和phone的对象")
    if value.keys() - {"name", "phone"}:
        raise InvalidValue("只能有name和phone两项，请删去其他项")
    name, phone = (_require_text(value[key]) if value.get(key) else None for key in ("name", "phone"))
    if not name and not phone:
        return None
    return Applicant(name=_prefix("姓名", parse_name, name), phone=_prefix("电话", parse_phone, phone))


def _prefix(label: str, parse: Callable[[str], str], text: str | None) -> str | None:
    try:
        return parse(text) if text else None
    except InvalidValue as error:
        raise InvalidValue(f"{label}：{error}") from None


_PARSERS: dict[str, Parser] = {
    "kind": _choice(Kind),
    "name": _text_of(parse_name),
    "latin_name": _text_of(parse_latin_name),
    "id_number": _text_of(parse_id_number),
    "uscc": _text_of(parse_uscc),
    "gender": _choice(Gender),
    "birth_date": parse_date,
    "legal_representative": _text_of(parse_name),
    "court": _repeated(_one_line(100)),
    "region": _repeated(_one_line(100)),
    "case_number": _text_of(CaseNumber.parse),
    "filed_on": parse_date,
    "basis_number": _one_line(200),
    "basis_issuer": _repeated(_one_line(200)),
    "obligation": _free_text(20_000),
    "performance": _choice(Performance),
    "performed_part": _free_text(5_000),
    "unperformed_part": _free_text(5_000),
    "conduct": _parse_conduct,
    "decision_number": _one_line(200),
    "decided_on": parse_date,
    "served_on": parse_date,
    "term_ends_on": parse_date,
    "national_reference": _one_line(100),
    "disclosure": _choice(Disclosure),
    "restricted_ground": _choice(RestrictedGround),
    "employer": _one_line(200),
    "phone": _text_of(parse_phone),
    "address": _one_line(300),
    "applicant": _parse_applicant,
    "note": _free_text(5_000),
}
IMPORT_KEYS = frozenset(_PARSERS)

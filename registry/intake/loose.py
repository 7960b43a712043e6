"""The words that people and other systems use, turned into those of the import format.

Only what is certain is turned; everything else is left as it is, for the strict reading to refuse with its reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from registry.intake.build import parse_value
from registry.intake.model import FieldError
from registry.record import Applicant, Conduct, Disclosure, Gender, Kind, Performance, RestrictedGround
from registry.values import (
    CitizenNumber,
    InvalidValue,
    MaskedNumber,
    OrganisationCode,
    Uscc,
    parse_id_number,
    parse_uscc,
)

# Written where there is nothing to write.
_NOTHING = frozenset(
    {"", "暂无", "无", "空", "不详", "-", "--", "—", "——", "/", "\\", "null", "NULL", "None", "N/A", "n/a"}
)

_KINDS = {
    **dict.fromkeys(("580", "0", "自然人", "个人", "公民", "人", "person"), Kind.PERSON.value),
    **dict.fromkeys(
        ("581", "1", "法人", "其他组织", "法人或其他组织", "法人或者其他组织", "法人及其他组织", "非法人组织", "单位", "企业", "组织",
         "法人和其他组织", "公司", "机构", "organisation", "organization"),
        Kind.ORGANISATION.value,
    ),
}  # fmt: skip
_GENDERS = {"男性": Gender.MALE.value, "女性": Gender.FEMALE.value}
_PERFORMANCES = {
    **dict.fromkeys(("未履行", "完全未履行", "均未履行", "全未履行"), Performance.NONE.value),
    **dict.fromkeys(("部分履行", "已部分履行", "部分已履行", "履行部分"), Performance.PART.value),
    **dict.fromkeys(
        ("已履行", "全部履行", "履行完毕", "已全部履行", "已履行完毕", "全部履行完毕"), Performance.FULL.value
    ),
}
_DISCLOSURES = {
    **dict.fromkeys(("是", "公开", "可公开", "予以公开"), Disclosure.PUBLIC.value),
    **dict.fromkeys(("否", "不公开", "不宜公开", "依法不宜公开"), Disclosure.RESTRICTED.value),
}
_GROUNDS = {
    **dict.fromkeys(("国家秘密", "涉及国家秘密"), RestrictedGround.STATE_SECRET.value),
    **dict.fromkeys(("商业秘密", "涉及商业秘密"), RestrictedGround.TRADE_SECRET.value),
    **dict.fromkeys(("个人隐私", "隐私", "涉及个人隐私"), RestrictedGround.PRIVACY.value),
    **dict.fromkeys(("其他", "其它"), RestrictedGround.OTHER.value),
}

# Both texts of the Provisions, 2013 and 2017, with the variations of the national list (brackets and 的 already gone).
_CONDUCTS = (
    (r"(其[他它])?有履行能力而拒不履行(生效法律文书确定义务)?", Conduct.REFUSES_THOUGH_ABLE),
    (r"以?伪造证据、?暴力、?威胁(等方法)?(妨碍、?抗拒|妨碍|抗拒)执行?", Conduct.OBSTRUCTS_ENFORCEMENT),
    (r"以?虚假诉讼、?虚假仲裁(或者?)?以?隐匿、?转移财产(等方法)?规避执行", Conduct.EVADES_ENFORCEMENT),
    (r"其[他它]规避执行|规避执行", Conduct.EVADES_ENFORCEMENT),
    (r"(被执行人)?违反财产报告制度", Conduct.BREAKS_PROPERTY_REPORTING),
    (r"(被执行人)?违反限制高?消费令", Conduct.BREAKS_CONSUMPTION_LIMIT),
    (r"(被执行人)?(无正当理由)?拒不履行执行和解协议", Conduct.BREAKS_SETTLEMENT),
)
_CONDUCT_SHAPES = tuple((re.compile(shape), conduct.value) for shape, conduct in _CONDUCTS)
_CONDUCT_JOINT = re.compile(r"[,，;；|\n]+")
_CONDUCT_NUMBERING = re.compile(r"^(?:[(（]?[一二三四五六\d][)）]|[一二三四五六\d][、.．])")

Loosener = Callable[[str], Any]


def loosen(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` in the words of the import format. A text that says "nothing" becomes None."""
    return {key: _loosen_one(key, value) for key, value in values.items()}


def split_number(values: dict[str, Any], pseudo: str = "number") -> dict[str, Any]:
    """Put the number of a column that holds both kinds of number where it belongs, and name the kind when it is certain.

    Raises FieldError when the kind cannot be told.
    """
    rest = {key: value for key, value in values.items() if key != pseudo}
    number = values.get(pseudo)
    kind = rest.get("kind") or _find_kind(rest, number)
    if kind is None and number is not None:
        raise FieldError("id_number", "证件号码既不是正确的身份证号码，也不是正确的统一社会信用代码，请对照证件核对")
    if kind is not None:
        rest["kind"] = kind
    if number is None:
        return rest
    key = "uscc" if kind == Kind.ORGANISATION else "id_number"
    if rest.get(key) is not None and rest[key] != number:
        raise FieldError(key, "同一行有两个不同的号码，请只保留正确的一个")
    return {**rest, key: number}


def parse_field(key: str, text: str) -> Any:
    """What a person typed for one field, as `facts_to_json` writes it; None when nothing was typed.

    Takes the words of spreadsheets as well as those of the import format; `applicant` is a name and a telephone number
    with a comma between them. Raises InvalidValue, and KeyError when there is no such field.
    """
    value = _loosen_one(key, text)
    if value is None:
        return None
    if key == "applicant" and isinstance(value, str):
        value = _split_applicant(value)
    parsed = parse_value(key, value)
    return _AS_JSON.get(type(parsed), _write_plain)(parsed)


def _write_plain(parsed: Any) -> Any:
    if isinstance(parsed, str):
        return str(parsed)
    return parsed.isoformat() if hasattr(parsed, "isoformat") else getattr(parsed, "original", None) or parsed.text


_AS_JSON: dict[type, Callable[[Any], Any]] = {
    tuple: lambda conduct: [item.value for item in conduct],
    Applicant: lambda applicant: {"name": applicant.name, "phone": applicant.phone},
}


def _split_applicant(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        name, _, phone = text.replace("，", ",").partition(",")
        return {"name": name.strip() or None, "phone": phone.strip() or None}


def _loosen_one(key: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text in _NOTHING:
        return None
    loosener = _LOOSENERS.get(key)
    return loosener(text) if loosener else text


def _words(table: Mapping[str, str]) -> Loosener:
    return lambda text: table.get("".join(text.split()), text)


def _read_conduct(text: str) -> Any:
    return [_find_conduct(piece) for piece in _CONDUCT_JOINT.split(text) if piece.strip()]


def _find_conduct(piece: str) -> str:
    plain = _CONDUCT_NUMBERING.sub("", "".join(piece.split())).replace("的", "").rstrip("。.")
    found = next((code for shape, code in _CONDUCT_SHAPES if shape.fullmatch(plain)), None)
    return found or plain


_LOOSENERS: dict[str, Loosener] = {
    "kind": _words(_KINDS),
    "gender": _words(_GENDERS),
    "performance": _words(_PERFORMANCES),
    "disclosure": _words(_DISCLOSURES),
    "restricted_ground": _words(_GROUNDS),
    "conduct": _read_conduct,
}


def _find_kind(values: Mapping[str, Any], number: Any) -> str | None:
    """The kind that follows from which number there is: a column of its own first, then what the number can be."""
    if number is None:
        has_person, has_organisation = values.get("id_number") is not None, values.get("uscc") is not None
        if has_person == has_organisation:
            return None
        return Kind.PERSON.value if has_person else Kind.ORGANISATION.value
    if not isinstance(number, str):
        return None
    is_person = _can_be(parse_id_number, number, CitizenNumber | MaskedNumber)
    is_organisation = _can_be(parse_uscc, number, Uscc | OrganisationCode)
    if is_person == is_organisation:
        return None
    return Kind.PERSON.value if is_person else Kind.ORGANISATION.value


def _can_be(parse: Callable[[str], object], number: str, kinds: Any) -> bool:
    try:
        return isinstance(parse(number), kinds)
    except InvalidValue:
        return False

"""Telephone numbers: from what a person wrote to E.164, or a reason why no SMS can go there."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType, ValidationResult

MAINLAND = 86
_HOME = "CN"
_WRITTEN = re.compile(r"[+\d\s().\-/]+")
_DASHES = str.maketrans("‐‑‒–—―−", "-" * 7)
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
_LANDLINE = {PhoneNumberType.FIXED_LINE, PhoneNumberType.VOIP, PhoneNumberType.UAN}
# Nobody has it, so invented people may.
_INVENTED = re.compile(r"(?:\+86|0086)?(154[0-9]{8})")
_UNPARSED = {
    NumberParseException.INVALID_COUNTRY_CODE: "国家或地区代码不存在",
    NumberParseException.NOT_A_NUMBER: "不是电话号码",
    NumberParseException.TOO_SHORT_AFTER_IDD: "国际冠码之后的位数太少",
    NumberParseException.TOO_SHORT_NSN: "位数太少",
    NumberParseException.TOO_LONG: "位数太多",
}
_IMPOSSIBLE = {
    ValidationResult.TOO_SHORT: "位数太少",
    ValidationResult.TOO_LONG: "位数太多",
    ValidationResult.INVALID_COUNTRY_CODE: "国家或地区代码不存在",
    ValidationResult.INVALID_LENGTH: "位数不对",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "位数太少，或缺少区号",
}


class InvalidNumber(ValueError):
    """No SMS can go to what was written. `str()` is a Chinese reason that never repeats it."""


def to_e164(text: str, *, training: bool = False) -> str:
    """The number that `text` writes, in E.164; without a country code it is one of mainland China. In `training` also the
    numbers of invented people (154…), which nobody has.

    Raises InvalidNumber for what is no number, has an extension, does not exist, or cannot receive an SMS.
    """
    written = unicodedata.normalize("NFKC", text).translate(_DASHES).strip()
    if not written:
        raise InvalidNumber("没有填写手机号码")
    if not _WRITTEN.fullmatch(written):
        raise InvalidNumber("手机号码只能由数字、加号和分隔符组成，不能带分机号")
    if training and (invented := _INVENTED.fullmatch(re.sub(r"[\s().\-/]", "", written))):
        return f"+{MAINLAND}{invented[1]}"
    number = _parse(written)
    _check(number)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_e164(text: str) -> bool:
    """Whether `text` is written as E.164; says nothing on whether the number exists."""
    return _E164.fullmatch(text) is not None


def is_mainland(number: str) -> bool:
    """Whether an E.164 number is one of mainland China. Hong Kong, Macao and Taiwan have codes of their own."""
    return number.startswith(f"+{MAINLAND}")


def national(number: str) -> str:
    """The digits of an E.164 number of mainland China behind its country code."""
    return number.removeprefix(f"+{MAINLAND}")


def mask_number(number: str) -> str:
    """An E.164 number for display: the country code, at most three digits, and the last two; what is between is hidden.

    What is no E.164 number is hidden altogether.
    """
    if not is_e164(number):
        return "****"
    if is_mainland(number):
        digits = national(number)
        return f"+{MAINLAND} {digits[:3]}{'*' * max(4, len(digits) - 5)}{digits[-2:]}"
    return f"{number[:3]}{'*' * max(4, len(number) - 5)}{number[-2:]}"


def _parse(written: str) -> phonenumbers.PhoneNumber:
    try:
        return phonenumbers.parse(written, _HOME)
    except NumberParseException as error:
        raise InvalidNumber(_UNPARSED.get(error.error_type, "不是电话号码")) from None


def _check(number: phonenumbers.PhoneNumber) -> None:
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible in _IMPOSSIBLE:
        raise InvalidNumber(_IMPOSSIBLE[possible])
    if not phonenumbers.is_valid_number(number):
        raise InvalidNumber("号段或位数不对")
    kind = phonenumbers.number_type(number)
    if kind in _LANDLINE:
        raise InvalidNumber("是固定电话，不能接收短信")
    if kind not in _MOBILE:
        raise InvalidNumber("不是可以接收短信的手机号码")

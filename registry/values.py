"""Values that cannot be wrong: each parses what people and systems write, and refuses the rest with a reason.

Every reason is Chinese, says what to do, and never repeats the value: it goes to screens and logs.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from operator import mul
from typing import Literal

from search_index.casenumber import CaseNumber, InvalidValue
from search_index.day import SHANGHAI

__all__ = [
    "MAX_NAME",
    "CaseNumber",
    "CitizenNumber",
    "InvalidValue",
    "MaskedNumber",
    "OrganisationCode",
    "OtherNumber",
    "Uscc",
    "parse_date",
    "parse_id_number",
    "parse_latin_name",
    "parse_name",
    "parse_phone",
    "parse_text",
    "parse_uscc",
]

MAX_NAME = 64

# Identity numbers -------------------------------------------------------------------------------------------------

_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")
_BLANK = re.compile(r"[\s\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?E\+?\d+")
_CITIZEN = re.compile(r"[0-9]{17}[0-9X]")
_CITIZEN_15 = re.compile(r"[0-9]{15}")
_CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_CHECKS = "10X98765432"
_EARLIEST_YEAR = 1850
_LATEST_YEAR = 2199


@dataclass(frozen=True, slots=True)
class CitizenNumber:
    """公民身份号码 of GB 11643-1999: 18 characters, upper-case X. An unknown area code is not an error."""

    text: str

    @classmethod
    def parse(cls, text: str) -> CitizenNumber:
        """Accepts 18 or 15 digits in any width or case; a 15-digit number is converted. Raises InvalidValue."""
        number = _fold_number(text)
        if _CITIZEN_15.fullmatch(number):
            number = f"{number[:6]}19{number[6:]}"
            number += _citizen_check(number)
        if not _CITIZEN.fullmatch(number):
            raise InvalidValue(_find_citizen_fault(number))
        if _find_date(number[6:10], number[10:12], number[12:14]) is None:
            raise InvalidValue("身份证号码中的出生日期不存在或不合理，请对照证件核对")
        if _citizen_check(number) != number[17]:
            raise InvalidValue("身份证号码的校验码不符，至少有一位写错，请对照证件核对")
        return cls(number)

    @property
    def birth_date(self) -> date:
        return date(int(self.text[6:10]), int(self.text[10:12]), int(self.text[12:14]))

    @property
    def gender(self) -> Literal["男", "女"]:
        return "男" if int(self.text[16]) % 2 else "女"


def _citizen_check(number: str) -> str:
    total = sum(map(mul, _CITIZEN_WEIGHTS, map(int, number[:17])))
    return _CITIZEN_CHECKS[total % 11]


def _find_citizen_fault(number: str) -> str:
    if not number:
        return "身份证号码为空，请填写"
    if _SCIENTIFIC.fullmatch(number):
        return _SCIENTIFIC_FAULT
    if not re.fullmatch(r"[0-9X]+", number):
        return "身份证号码只能由数字和末位的X组成，请对照证件核对"
    if len(number) != 18:
        return f"身份证号码应为18位（或旧式15位），这里是{len(number)}位，请对照证件核对"
    return "身份证号码只有末位可以是X，请对照证件核对"


_SCIENTIFIC_FAULT = "号码被表格软件改成了科学计数法，末几位已经丢失，请把这一列设为文本格式后重新填写"


def _find_date(year: str, month: str, day: str) -> date | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found if _EARLIEST_YEAR <= found.year <= _LATEST_YEAR else None


def _fold_number(text: str) -> str:
    """Half width, upper case, no blanks, and without the apostrophe that spreadsheets put before text."""
    if text.isascii() and text.isalnum():
        return text.upper()
    return _BLANK.sub("", text.translate(_WIDTH)).upper().removeprefix("'")


_MASKS = "*＊﹡∗×✕✖●"
# Three X in a row hide digits, as no mask hides fewer; one or two may be a slip of the pen.
_MASK = re.compile(rf"[{_MASKS}]|^[0-9].*XXX")
_TO_STAR = dict.fromkeys(map(ord, _MASKS), "*")
_MASKED_18 = re.compile(r"[0-9*]{10}(?:0[1-9*]|1[0-2*]|\*[0-9*])(?:0[1-9*]|[12][0-9*]|3[01*]|\*[0-9*])[0-9*]{3}[0-9X*]")
_MASKED_15 = re.compile(r"[0-9*]{8}(?:0[1-9*]|1[0-2*]|\*[0-9*])(?:0[1-9*]|[12][0-9*]|3[01*]|\*[0-9*])[0-9*]{3}")
_NATIONAL_19 = re.compile(r"([0-9]{11})\*{4}([0-9]{3}[0-9X])")
_LEAST_VISIBLE = 4


@dataclass(frozen=True, slots=True)
class MaskedNumber:
    """A citizen number of which some digits are hidden; what is hidden is never guessed.

    One character a position (18, or 15 for the old number), `*` for each that is hidden.
    """

    text: str

    @classmethod
    def parse(cls, text: str) -> MaskedNumber:
        """Accepts the masks of the national list and of provincial sites, also with ＊, × or X. Raises InvalidValue.

        First 10 + `****` + last 4; first 11 + `****` + last 4 (19 characters that hide three digits); first 6 + eight
        stars + last 4 with or without a blank; first 6 + ten stars + last 2; first 8 + `****` + last 3 of an old one.
        """
        number = _fold_mask(_fold_number(text.translate(_TO_STAR)))
        longer = _NATIONAL_19.fullmatch(number)
        if longer is not None:
            number = f"{longer[1]}***{longer[2]}"
        _check_masked(number)
        return cls(number)

    @property
    def visible_year(self) -> int | None:
        """The year of birth when all its digits can be seen, else None."""
        if len(self.text) == 15:
            return int(f"19{self.text[6:8]}") if self.text[6:8].isdigit() else None
        return int(self.text[6:10]) if self.text[6:10].isdigit() else None

    @property
    def visible_gender(self) -> Literal["男", "女"] | None:
        """The gender when the digit that carries it can be seen, else None."""
        digit = self.text[14] if len(self.text) == 15 else self.text[16]
        if not digit.isdigit():
            return None
        return "男" if int(digit) % 2 else "女"


def _fold_mask(number: str) -> str:
    # X hides a digit, except alone at the end, behind a digit or another mask: there it is the check character.
    if number.endswith("XX") or not number.endswith("X"):
        return number.replace("X", "*")
    return f"{number[:-1].replace('X', '*')}X"


def _check_masked(number: str) -> None:
    if "*" not in number:
        raise InvalidValue("号码没有被遮盖的部分，请按完整的身份证号码填写")
    if re.search(r"[^0-9X*]", number):
        raise InvalidValue("遮盖后的身份证号码只能由数字、星号和末位的X组成，请核对")
    if len(number) not in (15, 18):
        raise InvalidValue(f"遮盖后的身份证号码应为18位（旧式15位），这里是{len(number)}位，无法确定遮盖了哪几位")
    if not (_MASKED_18 if len(number) == 18 else _MASKED_15).fullmatch(number):
        raise InvalidValue("遮盖后的身份证号码中可见的出生日期不合理，请核对")
    if len(number) - number.count("*") < _LEAST_VISIBLE:
        raise InvalidValue("遮盖后的身份证号码可见的位数太少，无法使用")
    year = number[6:10]
    if len(number) == 18 and year.isdigit() and not _EARLIEST_YEAR <= int(year) <= _LATEST_YEAR:
        raise InvalidValue("遮盖后的身份证号码中可见的出生年份不合理，请核对")


_OTHER = re.compile(r"[A-Z][A-Z0-9]{5,11}")


@dataclass(frozen=True, slots=True)
class OtherNumber:
    """A passport, or a permit of Hong Kong, Macao or Taiwan residents: a letter first, 6–12 letters and digits."""

    text: str

    @classmethod
    def parse(cls, text: str) -> OtherNumber:
        """Accepts any width or case, blanks and hyphens. Raises InvalidValue."""
        number = _strip_joints(_fold_number(text))
        if not _OTHER.fullmatch(number) or sum(c.isdigit() for c in number) < 4:
            raise InvalidValue("证件号码应以字母开头，共6至12位字母和数字，请对照证件核对")
        return cls(number)


def parse_id_number(text: str) -> CitizenNumber | MaskedNumber | OtherNumber:
    """A person's number: masked when something is hidden, a passport when a letter is first, else a citizen number.

    Raises InvalidValue, with the reason that fits what was most likely meant.
    """
    number = _fold_number(text)
    if _CITIZEN.fullmatch(number):
        return CitizenNumber.parse(number)
    if _MASK.search(number):
        return MaskedNumber.parse(text)
    if number[:1].isascii() and number[:1].isalpha():
        return OtherNumber.parse(text)
    return CitizenNumber.parse(text)


# Organisations ----------------------------------------------------------------------------------------------------

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUE = {character: value for value, character in enumerate(_USCC_ALPHABET)}
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORGANISATION = re.compile(r"[0-9A-Z]{8}[0-9X]")
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True, slots=True)
class Uscc:
    """统一社会信用代码 of GB 32100-2015: 18 characters. The first two may be letters (N2… is a rural collective)."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Uscc:
        """Accepts any width or case, blanks and hyphens. Raises InvalidValue."""
        code = _strip_joints(_fold_number(text))
        if len(code) != 18:
            raise InvalidValue(f"统一社会信用代码应为18位，这里是{len(code)}位，请对照证照核对")
        if not _USCC_VALUE.keys() >= set(code):
            raise InvalidValue("统一社会信用代码中有不会出现的字符（不用字母I、O、S、V、Z），请对照证照核对")
        if not code[2:8].isdigit():
            raise InvalidValue("统一社会信用代码的第3至8位应为数字，请对照证照核对")
        total = sum(map(mul, _USCC_WEIGHTS, map(_USCC_VALUE.__getitem__, code)))
        if _USCC_ALPHABET[-total % 31] != code[17]:
            raise InvalidValue("统一社会信用代码的校验码不符，至少有一位写错，请对照证照核对")
        return cls(code)


@dataclass(frozen=True, slots=True)
class OrganisationCode:
    """组织机构代码 of GB 11714-1997, the only number on records before 2015; written xxxxxxxx-X."""

    text: str

    @classmethod
    def parse(cls, text: str) -> OrganisationCode:
        """Accepts the nine characters with or without the hyphen. Raises InvalidValue."""
        code = _strip_joints(_fold_number(text))
        if not _ORGANISATION.fullmatch(code):
            raise InvalidValue("组织机构代码应为8位数字或字母加1位校验码，请对照证照核对")
        total = sum(weight * int(c, 36) for weight, c in zip(_ORGANISATION_WEIGHTS, code, strict=False))
        if "0X987654321"[total % 11] != code[8]:
            raise InvalidValue("组织机构代码的校验码不符，至少有一位写错，请对照证照核对")
        return cls(f"{code[:8]}-{code[8]}")


def parse_uscc(text: str) -> Uscc | OrganisationCode:
    """An organisation's number: nine characters are an organisation code, anything else must be a USCC.

    Raises InvalidValue.
    """
    code = _strip_joints(_fold_number(text))
    if not code:
        raise InvalidValue("统一社会信用代码为空，请填写")
    if _SCIENTIFIC.fullmatch(code):
        raise InvalidValue(_SCIENTIFIC_FAULT)
    if any(mask in code for mask in _MASKS):
        raise InvalidValue("单位的代码依法全部公开，不应遮盖，请填写完整的代码")
    return OrganisationCode.parse(text) if len(code) == 9 else Uscc.parse(text)


def _strip_joints(number: str) -> str:
    if number.isalnum():
        return number
    return number.translate(_DASHES).replace("-", "")


# Names and free text ----------------------------------------------------------------------------------------------

_HAN = (
    "\u3007\u2580\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ue000-\uf8ff"
    "\U00020000-\U000323af\U000f0000-\U000ffffd\U00100000-\U0010fffd"
)
# By range, because Python's tables do not yet know the newest characters that GB 18030 holds.
_HAS_HAN = re.compile(f"[{_HAN}]")
# • ・ ･ ． . ‧ ∙ ⋅ ● and the Greek and other points that look the same; GB 18030 A1A4 is U+00B7.
_DOTS = "·•・･．.‧∙⋅●\u0387\u2022\u22c5\u2e31\uff65"
# Already what it should be: most names, and much faster to tell than to prove step by step.
_PLAIN_NAME = re.compile(rf"[\u4e00-\u9fff0-9A-Za-z]{{1,{MAX_NAME}}}")
_DOT_IN_NAME = re.compile(rf"(?<=[{_HAN}])[ \u3000]*[{_DOTS}][ \u3000]*(?=[{_HAN}])")
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
_BROKEN = re.compile("[\ud800-\udfff\ufffd\ufdd0-\ufdef\ufffe\uffff]")
_NOT_IN_NAME = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029{_INVISIBLE}]")
_NOT_IN_TEXT = re.compile(f"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029{_INVISIBLE}]")
_PRIVATE_USE = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]")
_BROKEN_FAULT = "有乱码字符，可能是文件编码有误，请核对原件后重新填写"


def parse_name(text: str) -> str:
    """A name exactly as it is published: NFC, and U+00B7 for the dot between two Han characters.

    At most MAX_NAME code points, counted as code points; ▀ (GA/Z 02, a character without a code) is kept. Brackets, the
    full stop of Latin names and inner blanks stay as they are. Raises InvalidValue.
    """
    if _PLAIN_NAME.fullmatch(text):
        return text
    name = _nfc(text.strip().replace("\xa0", " "))
    if not name:
        raise InvalidValue("为空，请填写")
    if _BROKEN.search(name):
        raise InvalidValue(_BROKEN_FAULT)
    if _NOT_IN_NAME.search(name):
        raise InvalidValue("有看不见的控制字符或换行，请删去后重新填写")
    name = _DOT_IN_NAME.sub("·", name)
    if len(name) > MAX_NAME:
        raise InvalidValue(f"超过{MAX_NAME}个字，请核对")
    if _HAS_HAN.search(name) is None and not any(map(str.isalnum, name)):
        raise InvalidValue("没有文字，请填写")
    return name


_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u02af\u1e00-\u1eff\u2c60-\u2c7f"
_LATIN_NAME = re.compile(rf"[{_LATIN}](?:[{_LATIN} '.\-]|(?<=[{_LATIN}])[\u0300-\u036f]{{1,2}})*")
# Where Han writing has a dot between the parts of a name, Latin writing has a blank.
_LATIN_WRITING = (
    _WIDTH | _DASHES | dict.fromkeys(map(ord, "’‘ʼʻ`´′"), "'") | {ord(dot): " " for dot in _DOTS if dot not in ".．"}
)
_BLANKS = re.compile("[ \u3000\xa0]+")
MIN_LATIN_NAME = 2
MAX_LATIN_NAME = 100


def parse_latin_name(text: str) -> str:
    """A person's name in Latin letters, as their documents spell it: NFC, half width, one blank between words.

    Letters may carry marks; beside them only blanks, hyphens, apostrophes and full stops. Raises InvalidValue.
    """
    name = _BLANKS.sub(" ", _nfc(text.translate(_LATIN_WRITING))).strip()
    if not name:
        raise InvalidValue("为空，请填写")
    if not MIN_LATIN_NAME <= len(name) <= MAX_LATIN_NAME:
        raise InvalidValue(f"应为{MIN_LATIN_NAME}至{MAX_LATIN_NAME}个字符，请对照证件核对")
    if _LATIN_NAME.fullmatch(name) is None:
        raise InvalidValue("应以拉丁字母开头，只能有拉丁字母（可带附加符号）、空格、连字符、撇号和点，请对照证件核对")
    return name


def has_private_use(text: str) -> bool:
    """Whether `text` has characters of the private use areas: other machines show something else, or nothing."""
    return _PRIVATE_USE.search(text) is not None


_BREAKING_TAG = re.compile(r"<(?:br\s*/?|/p|/div|/tr|/li)\s*>", re.IGNORECASE)
# Only what can be a tag: “3<x && y>2” is none. Bounded, so that text made to be slow is not.
_ATTRIBUTE = (
    r"""\s{1,20}[a-zA-Z_:][\w:.-]{0,50}(?:\s{0,5}=\s{0,5}(?:"[^"<>]{0,500}"|'[^'<>]{0,500}'|[^\s"'<>]{1,500}))?"""
)
_TAG = re.compile(rf"</?[a-zA-Z][a-zA-Z0-9:-]{{0,20}}(?:{_ATTRIBUTE}){{0,30}}\s{{0,20}}/?>|<!--[^<>]{{0,500}}-->")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
_SUSPECT = re.compile(f"[<&\x00-\x09\x0b-\x1f\x7f-\xa0\u2028\u2029{_INVISIBLE}]|[ \u3000]\n")
_LINE_END = re.compile(r"[ \u3000]*(?:\r\n|\r|\n|\x0b|\x0c|\x85|\u2028|\u2029)")


def parse_text(text: str, limit: int) -> str:
    """Free text of at most `limit` code points: NFC, `\\n` at line ends, no HTML, controls or invisible characters.

    Raises InvalidValue when nothing is left, when it is too long, or when it holds broken characters.
    """
    plain = text.replace("\r\n", "\n")
    plain = _nfc(plain if _SUSPECT.search(plain) is None else _clean(plain)).strip()
    if not plain:
        raise InvalidValue("为空，请填写")
    if len(plain) > limit:
        raise InvalidValue(f"超过{limit}个字，请缩短")
    if _BROKEN.search(plain):
        raise InvalidValue(_BROKEN_FAULT)
    return plain


def _clean(text: str) -> str:
    # Systems that scrape one another escape twice and more; four rounds reach all that were seen.
    for _ in range(4):
        plain = _LINE_END.sub("\n", text).replace("\t", " ").replace("\xa0", " ")
        plain = _NOT_IN_TEXT.sub("", plain)
        if "<" in plain or "&" in plain:
            plain = _TAG.sub("", _BREAKING_TAG.sub("\n", plain))
            plain = _ENTITY.sub(lambda match: html.unescape(match[0]), plain)
        if plain == text:
            return text
        text = plain
    return text


def _nfc(text: str) -> str:
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


# Dates ------------------------------------------------------------------------------------------------------------

# Fixed, because China has kept one offset without summer time since 1992 and dates of courts are later or whole days.
_EXCEL_EPOCH = date(1899, 12, 30)
_TIME = r"(?:[T ]+(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(?P<zone>Z|[+-]\d{2}:?\d{2})?)?"
_NUMERIC = re.compile(rf"(?P<year>\d{{4}})([-/.])(?P<month>\d{{1,2}})\2(?P<day>\d{{1,2}}){_TIME}")
_CHINESE = re.compile(rf"(?P<year>\d{{4}})年(?P<month>\d{{1,2}})月(?P<day>\d{{1,2}})[日号]?{_TIME}")
_PLAIN = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?:000000)?")
_ENGLISH = re.compile(r"(?P<name>[A-Z][A-Za-z]{2})[a-z]*\.? (?P<day>\d{1,2}), ?(?P<year>\d{4})(?: \d.*)?")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HAN_DIGITS = str.maketrans("〇○零Ｏ一二三四五六七八九", "0000123456789")
_HAN_DIGIT = "一二三四五六七八九"
_HAN_DATE = re.compile(rf"([〇○零{_HAN_DIGIT}]{{4}})年([元十{_HAN_DIGIT}]{{1,3}})月([十{_HAN_DIGIT}]{{1,3}})日")
_DATE_FAULT = "日期不能识别，应类似“2024-03-15”"
_NO_SUCH_DATE = "日期不存在或不合理，请核对年月日"


def parse_date(value: object) -> date:
    """The calendar day in Asia/Shanghai that `value` means. Raises InvalidValue.

    Text in ISO 8601, 2013年10月15日, 20131015, `2013-10-15 00:00:00`, `Aug 15, 2011`, or Chinese numerals; a number
    that is milliseconds (or seconds) since 1970, a day of Excel's calendar, or yyyymmdd; a Java Date object (`year`
    counted from 1900, `month` from 0); a date or datetime (aware ones are moved to Shanghai).
    """
    if isinstance(value, str):
        return _parse_date_text(value)
    if isinstance(value, datetime):
        found = (value.astimezone(SHANGHAI) if value.tzinfo else value).date()
        return _plausible(found)
    if isinstance(value, date):
        return _plausible(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Mapping):
        raise InvalidValue(_DATE_FAULT)
    return _parse_java_date(value) if isinstance(value, Mapping) else _parse_date_number(value)


@lru_cache(maxsize=16384)
def _parse_date_text(text: str) -> date:
    plain = " ".join(text.translate(_WIDTH).split())
    if plain.isdigit() and len(plain) not in (8, 14):
        return _parse_date_number(int(plain)) if len(plain) <= 14 else _refuse_date()
    for shape in (_NUMERIC, _CHINESE, _PLAIN):
        match = shape.fullmatch(plain)
        if match is not None:
            return _build_date(match)
    english = _ENGLISH.fullmatch(plain)
    if english is not None and english["name"].title() in _MONTHS:
        month = _MONTHS.index(english["name"].title()) + 1
        return _require_date(english["year"], str(month), english["day"])
    return _parse_han_date(plain.replace(" ", ""))


def _build_date(match: re.Match[str]) -> date:
    found = _require_date(match["year"], match["month"], match["day"])
    zone = match.groupdict().get("zone")
    if not zone:
        return found
    try:
        moment = datetime.fromisoformat(f"{found.isoformat()}T{match['time']:0>5}{zone}")
    except ValueError:
        raise InvalidValue(_NO_SUCH_DATE) from None
    return moment.astimezone(SHANGHAI).date()


def _parse_han_date(text: str) -> date:
    match = _HAN_DATE.fullmatch(text)
    if match is None:
        raise InvalidValue(_DATE_FAULT)
    year = match[1].translate(_HAN_DIGITS)
    return _require_date(year, _read_han(match[2].replace("元", "一")), _read_han(match[3]))


def _read_han(written: str) -> str:
    tens, ten, units = written.rpartition("十")
    digits = (tens or "1") if ten else ""
    return (digits + (units or ("0" if ten else ""))).translate(_HAN_DIGITS)


def _parse_date_number(number: int | float) -> date:
    if number != number or abs(number) > 10**14:
        raise InvalidValue(_DATE_FAULT)
    if 1 <= number < 10**5:
        return _plausible(_EXCEL_EPOCH + timedelta(days=int(number)))
    if 10**7 <= number < 10**8:
        return _require_date(str(int(number))[:4], str(int(number))[4:6], str(int(number))[6:])
    if abs(number) < 10**8:
        raise InvalidValue(_DATE_FAULT)
    seconds = number / 1000 if abs(number) >= 10**10 else number
    return _plausible((datetime(1970, 1, 1, tzinfo=SHANGHAI) + timedelta(hours=8, seconds=seconds)).date())


def _parse_java_date(value: Mapping[object, object]) -> date:
    moment = value.get("time")
    if isinstance(moment, int) and not isinstance(moment, bool):
        return _parse_date_number(moment)
    year, month, day = value.get("year"), value.get("month"), value.get("date", value.get("day"))
    if not (isinstance(year, int) and isinstance(month, int) and isinstance(day, int)):
        raise InvalidValue(_DATE_FAULT)
    return _require_date(str(year + 1900), str(month + 1), str(day))


def _require_date(year: str, month: str, day: str) -> date:
    found = _find_date(year, month, day)
    if found is None:
        raise InvalidValue(_NO_SUCH_DATE)
    return found


def _plausible(found: date) -> date:
    if not _EARLIEST_YEAR <= found.year <= _LATEST_YEAR:
        raise InvalidValue(_NO_SUCH_DATE)
    return found


def _refuse_date() -> date:
    raise InvalidValue(_DATE_FAULT)


# Telephone --------------------------------------------------------------------------------------------------------

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_LANDLINE = re.compile(r"(010|02[0-9]|0[3-9][0-9]{2})([1-9][0-9]{6,7})")
_EXTENSION = re.compile(r"(.+?)(?:转|EXT\.?|X|#)([0-9]{1,6})")
_COUNTRY = re.compile(r"^(?:(?:\+|00)86|86(?=1[3-9][0-9]{9}$))")
_DIALLED = re.compile(r"\+?[0-9]{5,15}")
_SERVICE = re.compile(r"[48]00[0-9]{7}|[2-9][0-9]{6,7}|1[0-9]{4,5}|9[0-9]{4,5}")
_PHONE_NOISE = re.compile(r"[\s\-()（）.]+")


def parse_phone(text: str) -> str:
    """A telephone number in one writing. Raises InvalidValue.

    Eleven digits of a mobile, `0395-2612345` of a landline with `转12` for an extension, 400 and service numbers, or
    `+` and digits abroad.
    """
    if _MOBILE.fullmatch(text):
        return text
    folded = text.translate(_WIDTH).translate(_DASHES).upper().strip().removeprefix("'")
    extension = _EXTENSION.fullmatch(folded)
    digits = _PHONE_NOISE.sub("", extension[1] if extension else folded)
    number = _find_phone(_COUNTRY.sub("", digits))
    if number is None:
        raise InvalidValue("电话号码不能识别，请填写一个手机号码（11位）或带区号的固定电话")
    return f"{number}转{extension[2]}" if extension else number


def _find_phone(digits: str) -> str | None:
    if not _DIALLED.fullmatch(digits):
        return None
    if _MOBILE.fullmatch(digits):
        return digits
    if digits.startswith("+") or _SERVICE.fullmatch(digits):
        return digits
    landline = _LANDLINE.fullmatch(digits) or _LANDLINE.fullmatch(f"0{digits}")
    return f"{landline[1]}-{landline[2]}" if landline else None

"""Templates: named gaps of a closed set of kinds, none of which can hold a person's name, an amount or a number of one.

An SMS may reach whoever has the telephone number by now. So a gap holds a court, a case number, a court's telephone, a
site's address, a day, a quarter or a count, and nothing else: there is no kind for free words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from string import Formatter
from typing import assert_never

from notifier.calendar import Period
from notifier.channels import ShortMessage
from notifier.sms.segments import Length, measure
from search_index.casenumber import CaseNumber, CaseStyle, InvalidValue

FieldValue = str | int | date | Period

MOST_ENTRIES = 99_999
_COURT = re.compile(
    r"[\u4e00-\u9fff]{2,30}(?:人民|中级|基层|铁路运输|海事|互联网|金融|知识产权|军事)法院(?:[\u4e00-\u9fff]{1,12}(?:人民)?法庭)?"
)
# What courts outside the tables of codes use looks like the others: one character, the code, a type of case, a serial.
_CASE_OF_CODE = re.compile(
    r"（[0-9]{4}）(?:最高法|[\u4e00-\u9fff](?:[0-9]{2}|[0-9]{4})?)[执民刑行知商经赔破监认协保财调司清强恢][\u4e00-\u9fff]{0,3}"
    r"[0-9]{1,7}号(?:之[一二三四五六七八九十]{1,3})?"
)
# A landline with its area code, 12368 or a 400 number. A mobile number is a person's: it is refused.
_PHONE = re.compile(r"(?:0[0-9]{2,3}-[0-9]{7,8}(?:-[0-9]{1,5})?|(?:0[0-9]{2,3}-)?12368|400-?[0-9]{3}-?[0-9]{4})")
_WEBSITE = re.compile(r"https?://(?=[a-z0-9.-]{4,80}/?$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]*[a-z0-9])+/?")
_LONG_NUMBER = re.compile(r"[0-9]{7}")
_SIGNATURE = re.compile(r"[\u4e00-\u9fffA-Za-z0-9]{2,20}")


class Audience(StrEnum):
    """Whom a template is for."""

    DEBTOR = "debtor"
    APPLICANT = "applicant"
    LIAISON = "liaison"
    SUBSCRIBER = "subscriber"


class FieldKind(StrEnum):
    """What a gap may hold."""

    COURT = "court"
    CASE_NUMBER = "case_number"
    PHONE = "phone"
    WEBSITE = "website"
    DATE = "date"
    PERIOD = "period"
    COUNT = "count"

    @property
    def label(self) -> str:
        return _LABEL[self]

    @property
    def example(self) -> FieldValue:
        """What a preview shows in such a gap."""
        return _EXAMPLE[self]


_LABEL = {
    FieldKind.COURT: "法院名称",
    FieldKind.CASE_NUMBER: "案号",
    FieldKind.PHONE: "法院电话（固定电话、12368 或 400 号码）",
    FieldKind.WEBSITE: "网站首页地址",
    FieldKind.DATE: "日期",
    FieldKind.PERIOD: "季度",
    FieldKind.COUNT: f"条数（0 到 {MOST_ENTRIES}）",
}
_EXAMPLE: dict[FieldKind, FieldValue] = {
    FieldKind.COURT: "测试市人民法院",
    FieldKind.CASE_NUMBER: "（2026）测0101执12号",
    FieldKind.PHONE: "0000-0000000",
    FieldKind.WEBSITE: "https://court.example.invalid",
    FieldKind.DATE: date(2026, 10, 8),
    FieldKind.PERIOD: Period(2026, 3),
    FieldKind.COUNT: 12,
}


class FieldError(ValueError):
    """A template cannot be filled with what was given. `field` names the gap; `str()` is Chinese and names it too."""

    def __init__(self, template: str, field: str, reason: str) -> None:
        super().__init__(f"短信模板“{template}”的字段“{field}”{reason}")
        self.template = template
        self.field = field


class MissingField(FieldError):
    """A gap has nothing to fill it."""


class UnknownField(FieldError):
    """The template has no such gap."""


class RefusedField(FieldError):
    """The gap cannot hold what was given; the reason never repeats it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A text with gaps written {so}. `fields` says what each gap holds; `linked` may show addresses, `plain` shows none."""

    name: str
    version: int
    audience: Audience
    purpose: str
    linked: str
    plain: str
    fields: Mapping[str, FieldKind]

    def wording(self, *, links: bool) -> str:
        return self.linked if links else self.plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would go out, how long it is, and what it costs in the currency of the price."""

    text: str
    length: Length
    cost: Decimal


def gaps(wording: str) -> tuple[str, ...]:
    """The names of the gaps of a text, each once, in order."""
    return tuple(dict.fromkeys(name for _, name, _, _ in Formatter().parse(wording) if name is not None))


def fill(template: Template, values: Mapping[str, FieldValue], *, signature: str, links: bool) -> ShortMessage:
    """The message: `【signature】` and the wording for routes with or without addresses, every gap filled.

    Raises MissingField, UnknownField or RefusedField, naming the gap, and ValueError for a signature that is none.
    """
    if not _SIGNATURE.fullmatch(signature):
        raise ValueError("短信签名应为 2 到 20 个汉字、字母或数字，不含【】")
    unknown = next((name for name in values if name not in template.fields), None)
    if unknown is not None:
        raise UnknownField(template.name, unknown, "不存在")
    wording = template.wording(links=links)
    filled = {name: _fill_gap(template, name, values) for name in gaps(wording)}
    return ShortMessage(
        text=f"【{signature}】" + wording.format_map(filled),
        template=template.name,
        version=template.version,
        fields=filled,
    )


def preview(
    template: Template,
    values: Mapping[str, FieldValue] | None = None,
    *,
    signature: str,
    links: bool,
    price: Decimal = Decimal(0),
) -> Preview:
    """What goes out with `values`, or with examples where none are given; `price` is that of a segment."""
    examples = {name: kind.example for name, kind in template.fields.items()}
    text = fill(template, examples if values is None else values, signature=signature, links=links).text
    length = measure(text)
    return Preview(text=text, length=length, cost=length.cost(price))


def write_field(kind: FieldKind, value: FieldValue) -> str | None:
    """`value` as a gap of that kind shows it; None where the gap cannot hold it."""
    match kind:
        case FieldKind.DATE:
            # A time is a date to Python; its day is not told without the place, so it is no value here.
            return _write_day(value) if isinstance(value, date) and not isinstance(value, datetime) else None
        case FieldKind.PERIOD:
            return value.label if isinstance(value, Period) else None
        case FieldKind.COUNT:
            # A truth value is a number to Python.
            whole = isinstance(value, int) and not isinstance(value, bool)
            return str(value) if whole and value in range(MOST_ENTRIES + 1) else None
        case FieldKind.COURT | FieldKind.CASE_NUMBER | FieldKind.PHONE | FieldKind.WEBSITE:
            return _WRITERS[kind](value) if isinstance(value, str) else None
        case _:
            assert_never(kind)


def _fill_gap(template: Template, name: str, values: Mapping[str, FieldValue]) -> str:
    if name not in values:
        raise MissingField(template.name, name, "没有给出")
    kind = template.fields[name]
    written = write_field(kind, values[name])
    if written is None:
        raise RefusedField(template.name, name, f"应为{kind.label}")
    return written


def _write_day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _write_court(text: str) -> str | None:
    return text if _COURT.fullmatch(text) else None


def _write_case_number(text: str) -> str | None:
    try:
        number = CaseNumber.parse(text)
    except InvalidValue:
        return None
    # An old number has its court's short word; one that cannot be taken apart may have any words.
    known = number.style is CaseStyle.OLD or _CASE_OF_CODE.fullmatch(number.text)
    return number.text if known and not _LONG_NUMBER.search(number.serial) else None


def _write_phone(text: str) -> str | None:
    return text if _PHONE.fullmatch(text) else None


def _write_website(text: str) -> str | None:
    return text if _WEBSITE.fullmatch(text) and not _LONG_NUMBER.search(text) else None


_WRITERS: dict[FieldKind, Callable[[str], str | None]] = {
    FieldKind.COURT: _write_court,
    FieldKind.CASE_NUMBER: _write_case_number,
    FieldKind.PHONE: _write_phone,
    FieldKind.WEBSITE: _write_website,
}

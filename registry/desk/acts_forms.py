"""The fields of the acts on a record, and what is read of them. Pure but for the form it is given."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from registry.departing import Grounds
from registry.desk.forms import Refused, read_date, read_line, read_optional, read_optional_date

MOST_BASIS = 200
# Of telephones, accounts and identity cards, however they are parted; case and document numbers are shorter.
_LONG_NUMBER = re.compile(r"\d(?:[ \-－—]?\d){6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """An input of an act: what it is called, its label, and its kind (line, date, choice, file, tick)."""

    name: str
    label: str
    kind: str = "line"
    hint: str = ""
    needed: bool = True
    options: Sequence[tuple[str, str]] = ()
    most: int = MOST_BASIS
    latest: date | None = None
    value: str | None = None


def basis_field(hint: str = "写明文书名称和文号，或者来源；不要写姓名和号码") -> Field:
    return Field(name="basis", label="依据", hint=hint)


def day_fields(today: date) -> tuple[Field, Field]:
    """Since when the ground is there, and since when it is known: the periods run from there, not from this page."""
    return (
        Field(name="arose_on", label="事由发生日", kind="date", latest=today, value=today.isoformat()),
        Field(name="known_on", label="法院知悉日", kind="date", latest=today, value=today.isoformat()),
    )


def ground_field(grounds: Mapping[str, str], label: str = "事由") -> Field:
    return Field(name="ground", label=label, kind="choice", options=tuple(grounds.items()))


def read_ground(form: Mapping[str, str], grounds: Mapping[str, str]) -> str:
    """One of `grounds`. Raises Refused."""
    ground = form.get("ground", "")
    if ground not in grounds:
        raise Refused("请选择事由")
    return ground


def read_reason(form: Mapping[str, str], label: str) -> str:
    """Why, in words that are kept in the clear and read by many. Raises Refused where they hold somebody's number."""
    reason = read_line(form, "reason", label, most=MOST_BASIS)
    if _LONG_NUMBER.search(reason):
        raise Refused(f"{label}中有身份证、电话或者账户一类的号码：请删去（个人信息保护法第六条）")
    return reason


def read_grounds(form: Mapping[str, str], ground: str | None, today: date) -> Grounds:
    """Why, on what document, since when. Raises Refused."""
    return Grounds(
        ground=ground,
        basis=read_line(form, "basis", "依据", most=MOST_BASIS),
        arose_on=read_date(form, "arose_on", "事由发生日", latest=today),
        known_on=read_date(form, "known_on", "法院知悉日", latest=today),
        confirmation=read_optional(form, "confirmation", "申请执行人的确认或者申请", most=MOST_BASIS),
        queries=read_queries(form, today),
    )


def read_queries(form: Mapping[str, str], today: date) -> tuple[date, ...]:
    """The days of the two queries without property, those that were filled in. Raises Refused."""
    days = (read_optional_date(form, f"query{number}", f"第{number}次查控日期", latest=today) for number in (1, 2))
    return tuple(day for day in days if day is not None)


# What the registry says to somebody at a command line, and what the same is on a page.
_OPTIONS = (
    ("--due 只用于请申请执行人确认（--kind confirm）", "最后日期只用于请申请执行人确认"),
    ("须用 --due 写明", "须写明"),
    ("--due 应在", "最后日期应在"),
    ("：请用 --basis 写明", "：请写明"),
    ("请核对 --arose 和 --known", "请核对两个日期"),
    ("请核对 --until 或者 --months", "请核对宽限期的最后一日"),
    ("（--confirmation）", ""),
    ("--confirmation 中", "申请执行人的确认一栏中"),
    ("（--query）", ""),
    ("请核对 --query", "请核对"),
    ("--query 只用于事由 no_property_found", "查控日期只用于“终结本次执行程序后未发现财产”这一事由"),
    ("请用 --query 写明", "请写明"),
    ("，请用 --ground 指明", "，请选择其中一项"),
    ("逐项核对后加 --confirm art3 再审核", "请先在记录页面逐项回答第三条的四个问题"),
    ("用 gongshi findings 逐条查看后加 --confirm redactions 再审核", "请先逐条决定遮盖还是显示"),
    ("审核人尚未逐条查看；用 gongshi findings 批次 --as 本人 查看后再审核", "审核人尚未逐条查看，请先查看"),
    ("逐条核对无误后，加 --confirm redactions 重复本命令", "请逐条核对后勾选确认，再提交一次"),
)
_ANY_OPTION = re.compile(r"\s?--[a-z0-9-]+\s?")


def desk_words(text: str) -> str:
    """A refusal of the registry in the words of a page."""
    for typed, said in _OPTIONS:
        text = text.replace(typed, said)
    return _ANY_OPTION.sub("", text).rstrip("。")

"""The forms by which a person sends something in: what each asks, and what of it cannot be used. Pure; keeps nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from search_index.number import find_number

FILES = "papers"
TOKEN = "token"  # noqa: S105  # the name of a field
TRAP = "homepage"  # a field that people do not see and machines fill in

_LINE = 100
_TEXT = 4_000
_PHONE = re.compile(r"[0-9+()（）\- 转;,/、]{5,60}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_RECORD = re.compile(r"[SＳ][XＸ]", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of several answers; `hint` says when it is meant and what to send along."""

    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One field of a form. `choices` makes it one of several, `rows` a text of several lines; `missing` is what is said
    where it must be filled in and is not, empty where it may be left out."""

    name: str
    label: str
    hint: str = ""
    missing: str = ""
    choices: tuple[Choice, ...] = ()
    rows: int = 0
    longest: int = _LINE
    autocomplete: str = "off"
    inputmode: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form: `kind` is the kind of submission (search_index.submission), `parts` its questions under their headings."""

    kind: str
    title: str
    parts: tuple[tuple[str, tuple[Question, ...]], ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        return tuple(question for _, questions in self.parts for question in questions)


_REACH = (
    Question(
        name="phone",
        label="联系电话",
        hint="法院核实情况、通知结果用",
        missing="请填写联系电话，以便法院核实情况、通知结果",
        longest=60,
        autocomplete="tel",
        inputmode="tel",
    ),
    Question(
        name="address",
        label="送达地址（选填）",
        hint="决定书寄到哪里",
        longest=200,
        autocomplete="street-address",
    ),
    Question(name="email", label="电子邮箱（选填）", autocomplete="email", inputmode="email"),
)

OBJECTION = Form(
    kind="objection",
    title="提出异议（申请纠正）",
    parts=(
        (
            "为什么提出",
            (
                Question(
                    name="claim",
                    label="属于哪一种情形",
                    missing="请选择属于哪一种情形",
                    choices=(
                        Choice(
                            value="performed",
                            label="已经履行",
                            hint="请附履行凭证，例如付款凭证、收条、和解协议、结案通知",
                        ),
                        Choice(value="not_me", label="不是本人", hint="同名，或者身份信息被他人使用。请附身份证明"),
                        Choice(
                            value="inaccurate",
                            label="信息有误",
                            hint="记载和公布的信息不准确。请写明哪一项、应当是什么",
                        ),
                        Choice(
                            value="should_delete",
                            label="应当删除",
                            hint="期限届满、和解协议已经履行完毕、裁定不予执行或者终结执行等。请附有关文书",
                        ),
                        Choice(value="minor", label="是未成年人", hint="未成年人不得纳入。请附出生日期的证明"),
                        Choice(value="deceased", label="已经死亡", hint="近亲属可以提出。请附死亡证明和亲属关系证明"),
                        Choice(value="other", label="其他", hint="不应当纳入名单的其他情形，或者其他异议"),
                    ),
                ),
                Question(
                    name="reference",
                    label="信息的编号，或者执行案号",
                    hint="编号以 SX- 开头，写在该条信息的页面上；执行案号例如（2026）测9901执12号",
                    missing="请填写信息的编号或者执行案号，法院才知道是哪一条",
                ),
                Question(
                    name="words",
                    label="事实和理由",
                    hint="写明发生了什么、什么时候、请求怎样处理",
                    missing="请写明事实和理由",
                    rows=8,
                    longest=_TEXT,
                ),
            ),
        ),
        (
            "谁提出，怎样联系",
            (
                Question(
                    name="role",
                    label="您是",
                    missing="请选择您是谁",
                    choices=(
                        Choice(value="self", label="本人"),
                        Choice(value="representative", label="单位的法定代表人、负责人，或者本人的法定代理人"),
                        Choice(value="agent", label="受委托的人", hint="请附授权委托书"),
                        Choice(value="relative", label="近亲属或者其他有关的人"),
                    ),
                ),
                Question(
                    name="who",
                    label="您的姓名（单位写名称）",
                    missing="请填写您的姓名或者单位名称",
                    autocomplete="name",
                ),
                *_REACH,
            ),
        ),
    ),
)

COMPLAINT = Form(
    kind="complaint",
    title="投诉举报",
    parts=(
        (
            "投诉什么",
            (
                Question(
                    name="about",
                    label="属于哪一种情形",
                    missing="请选择属于哪一种情形",
                    choices=(
                        Choice(
                            value="misuse",
                            label="没有依据的限制",
                            hint="对不在名单上的人、同名的人，或者超出规定范围实施惩戒",
                        ),
                        Choice(value="still_punished", label="信息不再公示，仍被限制"),
                        Choice(value="leak", label="泄露、传播不应公开的信息，骚扰"),
                        Choice(value="other", label="其他"),
                    ),
                ),
                Question(
                    name="unit",
                    label="哪个单位",
                    hint="写单位的全称，例如某某市某某局",
                    missing="请填写被投诉的单位",
                ),
                Question(name="reference", label="有关信息的编号，或者执行案号（选填）", hint="编号以 SX- 开头"),
                Question(
                    name="words",
                    label="事实和请求",
                    hint="写明什么时候、在哪里、发生了什么，请求怎样处理",
                    missing="请写明事实和请求",
                    rows=8,
                    longest=_TEXT,
                ),
            ),
        ),
        (
            "怎样联系您",
            (
                Question(name="who", label="您的姓名（选填）", hint="可以不留姓名", autocomplete="name"),
                Question(
                    name="phone",
                    label="联系电话（选填）",
                    hint="不留联系方式的，只能凭受理号查询结果",
                    longest=60,
                    autocomplete="tel",
                    inputmode="tel",
                ),
                *_REACH[1:],
            ),
        ),
    ),
)
FORMS: Mapping[str, Form] = {form.kind: form for form in (OBJECTION, COMPLAINT)}


class BadForm(Exception):
    """The form cannot be used. `reasons` says why, by field (Chinese), without anything that was typed."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__()
        self.reasons = dict(reasons)


def read_form(form: Form, given: Mapping[str, str]) -> dict[str, str]:
    """What was filled in, by field, as it is to be sent; what was left empty is left out.

    Raises BadForm with a reason for each field that cannot be used.
    """
    found: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for question in form.questions:
        try:
            value = read_answer(question, given.get(question.name, ""))
        except ValueError as error:
            reasons[question.name] = str(error)
            continue
        if value:
            found[question.name] = value
        elif question.missing:
            reasons[question.name] = question.missing
    if reasons:
        raise BadForm(reasons)
    return found


def keep_typed(form: Form, given: Mapping[str, str]) -> dict[str, str]:
    """What was typed, to be shown again in the form; no longer than the form would send."""
    return {question.name: given.get(question.name, "")[: question.longest * 2] for question in form.questions}


def read_answer(question: Question, typed: str) -> str:
    """One answer as it is to be sent. Raises ValueError (Chinese) for one that cannot be used."""
    if question.choices:
        if typed and typed not in {choice.value for choice in question.choices}:
            raise ValueError("只能选择列出的一项")
        return typed
    text = unicodedata.normalize("NFC", typed.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not question.rows:
        text = " ".join(text.split())
    if len(text) > question.longest:
        raise ValueError(f"最多 {question.longest} 个字，现有 {len(text)} 个，请缩短；写不下的可以作为附件")
    if "\ufffd" in text or any(unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\t" for one in text):
        raise ValueError("含有无法识别的字符，请删去后重新输入")
    return _EXTRA.get(question.name, _as_it_is)(text) if text else text


def _as_it_is(text: str) -> str:
    return text


def _read_reference(text: str) -> str:
    if not _RECORD.match(text):
        return text
    number = find_number(text)
    if number is None:
        raise ValueError("编号有误：SX- 加 8 位字母或数字，请对照该条信息的页面")
    return number


def _read_phone(text: str) -> str:
    if not _PHONE.fullmatch(unicodedata.normalize("NFKC", text)):
        raise ValueError("电话号码有误：只填数字、加号、横线、“转”，至少 5 位")
    return text


def _read_email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise ValueError("电子邮箱有误，请按 name@example.com 的形式填写")
    return text


_EXTRA = {"reference": _read_reference, "phone": _read_phone, "email": _read_email}

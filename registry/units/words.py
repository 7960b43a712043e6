"""What is typed about units, checked: lines and texts that name documents and nobody's numbers. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from registry.staff import StaffError
from search_index.codes import has_citizen_number, has_long_number

LONGEST_LINE = 80
LONGEST_TEXT = 1000
TRAINING_MARK = "【演练数据，不得使用】"
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,31})", re.ASCII)
_PHONE = re.compile(r"\+?[0-9][0-9 ()（）\-－]*(?:(?:转|分机|,)[ ]?[0-9]{1,6})?", re.ASCII)
_FEWEST_DIGITS, _MOST_DIGITS = 5, 17
_MAIL = re.compile(r"[^\s@<>,;]+@[^\s@<>,;.]+(?:\.[^\s@<>,;.]+)+")


class UnitError(StaffError):
    """What was asked of a unit, an account, a measure or a ledger cannot be done. The message is for whoever asked."""


def check_line(text: str, label: str, *, most: int = LONGEST_LINE) -> str:
    """One line that must be filled in, without blanks at its ends. Raises UnitError that names the field by `label`."""
    line = " ".join(text.split())
    if not line:
        raise UnitError(f"请填写{label}")
    if len(line) > most:
        raise UnitError(f"{label}不能超过{most}个字")
    if not line.isprintable():
        raise UnitError(f"{label}含有不能识别的字符，请重新输入")
    if has_citizen_number(line):
        raise UnitError(f"{label}中有身份证号码：请删去（个人信息保护法第六条）")
    return line


def check_phone(text: str) -> str:
    """A telephone number as it is written, with an extension where it has one; empty is none. Raises UnitError."""
    if not text.strip():
        return ""
    line = check_line(text, "联络电话", most=30)
    if _PHONE.fullmatch(line) is None or not _FEWEST_DIGITS <= sum(c.isdigit() for c in line) <= _MOST_DIGITS:
        raise UnitError("联络电话不是电话号码：应为手机号码，或者带区号的固定电话，可以写分机号")
    return line


def check_mail(text: str) -> str:
    """A mail address; empty is none. Raises UnitError."""
    if not text.strip():
        return ""
    line = check_line(text, "电子邮箱")
    if _MAIL.fullmatch(line) is None:
        raise UnitError("电子邮箱的写法不正确，例如 liaison@example.gov.cn")
    return line


def check_text(text: str, label: str, *, most: int = LONGEST_TEXT) -> str:
    """A text that is kept in the clear and read by others: it holds nobody's numbers (个人信息保护法 art. 6). Raises UnitError."""
    kept = "\n".join(" ".join(line.split()) for line in text.strip().splitlines())
    if not kept:
        raise UnitError(f"请填写{label}")
    if len(kept) > most:
        raise UnitError(f"{label}不能超过{most}个字")
    if not kept.replace("\n", "").isprintable():
        raise UnitError(f"{label}含有不能识别的字符，请重新输入")
    if has_long_number(kept):
        raise UnitError(
            f"{label}中有身份证、电话或者账户一类的号码：请删去，只写公开编号、文书名称和文号（个人信息保护法第六条）"
        )
    return kept


def check_basis(text: str, label: str = "依据") -> str:
    """The name and number of a document that something rests on. Raises UnitError."""
    return check_text(text, label, most=200)


def check_slug(text: str) -> str:
    """A short name for addresses and commands: small letters, digits and hyphens. Raises UnitError."""
    slug = text.strip()
    if _SLUG.fullmatch(slug) is None or has_citizen_number(slug):
        raise UnitError("代号应为 1 至 40 个小写字母、数字或者连字符，例如 housing")
    return slug


def check_code(text: str) -> str:
    """The code of a measure. Raises UnitError."""
    code = text.strip()
    if _CODE.fullmatch(code) is None or has_citizen_number(code):
        raise UnitError("措施代码应为 1 至 32 个字母、数字、点、横线或者下划线，以字母或者数字开头，例如 B10")
    return code


def check_day(text: str, label: str) -> date:
    """A day as `<input type="date">` writes it. Raises UnitError."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise UnitError(f"请填写{label}，例如 2026-10-08") from None


def check_count(text: str, label: str, *, most: int = 1_000_000) -> int:
    """A number of cases or people; nothing typed is none. Raises UnitError."""
    typed = text.strip()
    if not typed:
        return 0
    if not (typed.isascii() and typed.isdigit()) or len(typed) > len(str(most)) or int(typed) > most:
        raise UnitError(f"{label}应为 0 到 {most} 的整数")
    return int(typed)


def join_labels(labels: Iterable[str]) -> str:
    return "、".join(labels) or "无"

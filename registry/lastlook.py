"""The last look before anything is shown: does it still hold a number, a telephone or another private value? Pure.

It knows nothing of how the text was made, so that a mistake in a mask or in a redaction is caught here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from registry import redaction
from registry.record import Facts
from registry.values import CitizenNumber, MaskedNumber, OtherNumber

# Made by the product itself, or checked by their own rule: a USCC may well be eighteen digits.
_NOT_TYPED = {"record", "kind", "gender", "id_number", "performance"}
_PUBLIC_BODIES = {"court", "region", "basis_issuer"}
_IDENTITY_RUN = re.compile(r"(?<!\d)(?:\d{15}|\d{17}[\dXx])(?!\d)")
_MOBILE_RUN = re.compile(r"(?<![\d.])1[3-9]\d{9}(?!\d|\s*(?:\.\d+)?\s*(?:余|多)?[元万亿])")
_DIGIT = re.compile(r"\d")
_JOINTS = re.compile(r"[\s\-·]")
_SAYS_NOTHING = frozenset(
    [
        "无",
        "暂无",
        "没有",
        "不详",
        "未知",
        "空",
        "无业",
        "待业",
        "务农",
        "农民",
        "个体",
        "个体户",
        "自由职业",
        "退休",
        "学生",
        "其他",
        "无固定职业",
        "无工作单位",
    ]
)
_SHORTEST = {"phone": 7, "address": 6, "note": 6}


def find_leaking(facts: Facts, shown: Mapping[str, Any]) -> list[str]:
    """The fields of what is about to be shown that hold what may not be."""
    return [name for name, text in shown.items() if isinstance(text, str) and _leaks(name, text, facts)]


def _leaks(field: str, text: str, facts: Facts) -> bool:
    if field == "id_number":
        return isinstance(facts.id_number, CitizenNumber) and facts.id_number.text in text
    if field in _NOT_TYPED:
        return False
    plain = redaction.fold(text)
    if field != "uscc" and (_IDENTITY_RUN.search(plain) or _MOBILE_RUN.search(plain)):
        return True
    # A spelling has no digits: whatever has is something else.
    if field == "latin_name" and _DIGIT.search(plain):
        return True
    compact = _compact(plain)
    return any(_holds(field, compact, key, value, facts) for key, value in _private_values(facts))


def _holds(field: str, compact: str, key: str, value: str, facts: Facts) -> bool:
    """Whether the private `value` stands in the field, other than as the debtor's own name or the very body shown."""
    wanted = _compact(redaction.fold(value))
    if wanted not in compact:
        return False
    # A body, or a county as somebody's whole address, is public in its own right; a house number is not.
    if field in _PUBLIC_BODIES and (wanted == compact or (key == "address" and not _DIGIT.search(wanted))):
        return False
    if key not in ("name", "employer"):
        return True
    # Whoever represents the debtor is named by art. 6, also where the applicant's name is theirs or a part of it.
    if field == "legal_representative" and key == "name":
        return False
    own = _compact(redaction.fold(facts.name))
    return wanted not in own or wanted in compact.replace(own, "\0")


def _private_values(facts: Facts) -> Iterator[tuple[str, str]]:
    """What is private in a record, with the kind of thing it is; placeholders and bare fragments left out."""
    applicant = facts.applicant
    yield from _worth_hiding("name", applicant.name if applicant else None)
    yield from _worth_hiding("phone", applicant.phone if applicant else None)
    yield from _worth_hiding("employer", facts.employer)
    yield from _worth_hiding("phone", facts.phone)
    yield from _worth_hiding("address", facts.address)
    yield from _worth_hiding("note", facts.note)
    match facts.id_number:
        case CitizenNumber(text=text):
            yield "id_number", text
            yield "id_number", text[:6] + text[8:17]
        case OtherNumber(text=text) | MaskedNumber(text=text):
            yield "id_number", text


def _worth_hiding(key: str, value: str | None) -> Iterator[tuple[str, str]]:
    text = (value or "").strip()
    if len(_compact(text)) >= _SHORTEST.get(key, 2) and text not in _SAYS_NOTHING:
        yield key, text


def list_private_words(facts: Facts) -> tuple[str, ...]:
    """The words of a record that must go from every text: the applicant, the employer, the address."""
    return tuple(value for key, value in _private_values(facts) if key in ("name", "employer", "address"))


def _compact(text: str) -> str:
    return _JOINTS.sub("", text)

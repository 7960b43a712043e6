"""What is to be corrected of an entry because an objection is right (法释〔2017〕7号 art. 9 ¶2, 12 ¶1): which fields may be named,
and which of them still say what they said. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from registry.facts_json import facts_to_json
from registry.intake import LABELS, FieldError, check_kind
from registry.matching import FIXED_FIELDS
from registry.matters.states import MatterRefused
from registry.record import Disclosure, Facts, Kind

# Set together with `disclosure`, and never by itself.
_FOLLOWS = frozenset({"restricted_ground"})


def list_correctable(kind: Kind, disclosure: Disclosure) -> tuple[str, ...]:
    """The fields that an objection may be found right about, in the order of the import format. Whether an entry is public
    is one as long as it is: what is not fit to be public is never corrected into being so by an objection."""
    hidden = {"disclosure"} if disclosure is Disclosure.RESTRICTED else set()
    return tuple(key for key in LABELS if key not in FIXED_FIELDS | _FOLLOWS | hidden and _has(kind, key))


def refuse_unfit_fields(fields: Sequence[str], kind: Kind, disclosure: Disclosure) -> None:
    """Raises MatterRefused where these fields cannot be named as those to be corrected."""
    if not fields:
        raise MatterRefused(
            "请选择应当更正的项目：决定更正的，须写明更正哪些（法释〔2017〕7号第九条第二款）。"
            "姓名、名称、证件号码和案号不得更正，列错人的请选择撤销（第九条第一款）"
        )
    if any(field in FIXED_FIELDS for field in fields):
        raise MatterRefused("姓名、名称、证件号码和案号不得更正：列错人的请选择撤销（法释〔2017〕7号第九条第一款）")
    if any(field not in list_correctable(kind, disclosure) for field in fields):
        raise MatterRefused("所选的项目中有不能更正的：请重新打开页面选择")


def choose_faults(fields: Sequence[str], facts: Facts, known: Mapping[str, Any]) -> dict[str, Any]:
    """Each field with what it says; one that was `known` before keeps what it said then."""
    now = facts_to_json(facts)
    return {field: known[field] if field in known else now[field] for field in sorted(set(fields))}


def find_uncorrected(faults: Mapping[str, Any], facts: Facts) -> tuple[str, ...]:
    """Those of the fields that say, but for blanks and order, what they said when they were found wrong: not corrected yet,
    or set back."""
    now = facts_to_json(facts)
    return tuple(field for field, then in faults.items() if _fold(now.get(field)) == _fold(then))


def _has(kind: Kind, field: str) -> bool:
    """Whether a debtor of this kind has such a field."""
    try:
        check_kind({"kind": kind, field: ""})
    except FieldError:
        return False
    return True


def _fold(value: Any) -> Any:
    """A value without what makes no difference: blanks in a text, and the order of a list."""
    if isinstance(value, str):
        return "".join(value.split())
    if isinstance(value, Mapping):
        return {key: _fold(one) for key, one in value.items() if one}
    return sorted(value) if isinstance(value, list) else value

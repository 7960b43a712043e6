"""Facts as JSON and back, for storage: lossless and canonical, so that equal facts give equal JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date
from enum import Enum
from typing import Any

from registry.record import Applicant, Conduct, Disclosure, Facts, Gender, Kind, Performance, RestrictedGround
from registry.values import CaseNumber, parse_id_number, parse_uscc

# Encrypted at rest; the rest of the facts are stored in the clear, inside the registry.
PRIVATE_KEYS = frozenset(
    {"id_number", "birth_date", "phone", "address", "employer", "applicant", "note", "restricted_ground"}
)


def facts_to_json(facts: Facts) -> dict[str, Any]:
    """Every key of the import format in its order; None for what is absent, dates ISO 8601, the case number as typed."""
    return {key: _WRITERS.get(key, _write)(getattr(facts, key)) for key in _KEYS}


def facts_from_json(body: Mapping[str, Any]) -> Facts:
    """Read back what `facts_to_json` wrote; a key that is missing is absent. Raises KeyError, TypeError or ValueError."""
    unknown = body.keys() - _KEYS.keys()
    if unknown:
        raise ValueError(f"not fields of a record: {sorted(unknown)}")
    present = {key: value for key, value in body.items() if value is not None}
    return Facts(**{key: _READERS[key](value) if key in _READERS else value for key, value in present.items()})


def _write(value: Any) -> Any:
    if value is None or type(value) is str:
        return value
    if isinstance(value, date):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value.text


def _write_applicant(applicant: Applicant | None) -> dict[str, str | None] | None:
    return {"name": applicant.name, "phone": applicant.phone} if applicant else None


_KEYS = {f.name: None for f in fields(Facts)}
_WRITERS: dict[str, Callable[[Any], Any]] = {
    "case_number": lambda number: number.original,
    "conduct": lambda conduct: [item.value for item in conduct],
    "applicant": _write_applicant,
}
_READERS: dict[str, Callable[[Any], Any]] = {
    "kind": Kind,
    "id_number": parse_id_number,
    "uscc": parse_uscc,
    "gender": Gender,
    "birth_date": date.fromisoformat,
    "case_number": CaseNumber.parse,
    "filed_on": date.fromisoformat,
    "performance": Performance,
    "conduct": lambda codes: tuple(Conduct(code) for code in codes),
    "decided_on": date.fromisoformat,
    "served_on": date.fromisoformat,
    "term_ends_on": date.fromisoformat,
    "disclosure": Disclosure,
    "restricted_ground": RestrictedGround,
    "applicant": lambda body: Applicant(**body),
}

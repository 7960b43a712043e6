"""What a column of an export may show: of an entry, of a departure, of a credit repair. Made from documents, so it can be
nothing that was never disclosed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from search_index.document import Document

Value = str | int | date | datetime | None
Part = Literal["entry", "departure", "repair"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of an export: its document, and whether the platform gets it for the first time or anew."""

    document: Document
    operation: Literal["published", "corrected"]
    publisher: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """What is told of an entry that left: its number and when. Nothing of the person."""

    record: str
    at: datetime
    publisher: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A credit repair that a unit agreed to (信用修复, 香格里拉市 四（二）6): the number of the entry that left, the day of the
    decision, and the number of its document, empty where none is known."""

    record: str
    decided_on: date
    document_number: str
    publisher: str = ""


ENTRY_FIELDS: Mapping[str, Callable[[Entry], Value]] = {
    "record": lambda e: e.document.record,
    "operation": lambda e: e.operation,
    "status": lambda e: "listed",
    "publisher": lambda e: e.publisher,
    "kind": lambda e: e.document.kind,
    "name": lambda e: e.document.name,
    "latin_name": lambda e: e.document.latin_name,
    "gender": lambda e: e.document.gender,
    "age": lambda e: e.document.age,
    "id_number": lambda e: e.document.id_number,
    "uscc": lambda e: e.document.uscc,
    "id_number_or_uscc": lambda e: e.document.id_number or e.document.uscc,
    "legal_representative": lambda e: e.document.legal_representative,
    "court": lambda e: e.document.court,
    "origin": lambda e: e.document.origin,
    "region": lambda e: e.document.region,
    "basis_number": lambda e: e.document.basis_number,
    "basis_issuer": lambda e: e.document.basis_issuer,
    "case_number": lambda e: e.document.case_number,
    "filed_on": lambda e: e.document.filed_on,
    "obligation": lambda e: e.document.obligation,
    "performance": lambda e: e.document.performance,
    "performed_part": lambda e: e.document.performed_part,
    "unperformed_part": lambda e: e.document.unperformed_part,
    "conduct": lambda e: "；".join(one.text for one in e.document.conduct),
    "conduct_codes": lambda e: ";".join(one.code for one in e.document.conduct),
    "published_on": lambda e: e.document.published_on,
    "term_ends_on": lambda e: e.document.term_ends_on,
    "visible_until": lambda e: e.document.visible_until,
    "updated_at": lambda e: e.document.updated_at,
}
DEPARTURE_FIELDS: Mapping[str, Callable[[Departure], Value]] = {
    "record": lambda d: d.record,
    "departed_at": lambda d: d.at,
    "operation": lambda d: "gone",
    "status": lambda d: "gone",
    "publisher": lambda d: d.publisher,
}
REPAIR_FIELDS: Mapping[str, Callable[[Repair], Value]] = {
    "record": lambda r: r.record,
    "decided_on": lambda r: r.decided_on,
    "document_number": lambda r: r.document_number,
    "publisher": lambda r: r.publisher,
}
NAMES: Mapping[Part, frozenset[str]] = {
    "entry": frozenset(ENTRY_FIELDS),
    "departure": frozenset(DEPARTURE_FIELDS),
    "repair": frozenset(REPAIR_FIELDS),
}
# Fields that show something of an identity number.
ID_FIELDS = frozenset({"id_number", "id_number_or_uscc"})
# Fields with a day or a moment, which a format may be given for.
DAYS = frozenset({"filed_on", "published_on", "term_ends_on", "decided_on"})
MOMENTS = frozenset({"visible_until", "updated_at", "departed_at"})
# Fields with a closed set of values: a map must have a word for each.
CLOSED: Mapping[tuple[Part, str], frozenset[str]] = {
    ("entry", "kind"): frozenset({"person", "organisation"}),
    ("entry", "operation"): frozenset({"published", "corrected"}),
    ("entry", "status"): frozenset({"listed"}),
    ("entry", "performance"): frozenset({"全部未履行", "部分未履行", "全部已履行"}),
    ("entry", "gender"): frozenset({"男", "女"}),
    ("departure", "operation"): frozenset({"gone"}),
    ("departure", "status"): frozenset({"gone"}),
}

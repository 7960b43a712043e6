"""What the public may see of one listed debtor, and nothing else.

`Document` is the only shape in which an entry crosses from the private to the public side. It has no
field that could hold a raw identity number, an address or a telephone number: what is not here cannot leak.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Literal

Kind = Literal["person", "organisation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosedConduct:
    """One of the six kinds of conduct of 法释〔2017〕7号 art. 1, with the words of the article."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An entry as published (art. 6 fields, after masking and redaction).

    `visible_until` is the first instant at which the entry must no longer be seen; None where no end is known.
    `age` is the age at first publication. `record` is empty until a number is drawn at first publication.
    `latin_name` is a person's name in Latin letters, as their documents spell it. `origin` names the court whose list an
    entry was taken over from; None for the publishing court's own.
    """

    record: str
    kind: Kind
    name: str
    # Absent in journals and stores written before there was the field.
    latin_name: str | None = None
    gender: str | None
    age: int | None
    id_number: str | None
    uscc: str | None
    legal_representative: str | None
    court: str
    # Absent in journals and stores written before there was the field.
    origin: str | None = None
    region: str | None
    basis_number: str | None
    basis_issuer: str | None
    case_number: str | None
    filed_on: date | None
    obligation: str | None
    performance: str
    performed_part: str | None
    unperformed_part: str | None
    conduct: tuple[DisclosedConduct, ...]
    published_on: date
    term_ends_on: date | None
    visible_until: datetime | None
    updated_at: datetime

    def is_visible(self, now: datetime) -> bool:
        """Whether a reader may be shown this entry at `now` (aware)."""
        return self.visible_until is None or now < self.visible_until

    def as_json(self) -> dict[str, Any]:
        """The API's object: keys in the order of the contract, dates ISO 8601, times with offset."""
        body = {name: getattr(self, name) for name in _NAMES}
        for name in (*_DATES, *_TIMES):
            if body[name] is not None:
                body[name] = body[name].isoformat()
        body["conduct"] = [{"code": item.code, "text": item.text} for item in self.conduct]
        return body

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Document:
        """Read back what `as_json` wrote, also before there were `latin_name` and `origin`. Raises KeyError, TypeError or ValueError on
        anything else."""
        values = dict(body)
        if not values.keys() <= _FIELDS:
            raise ValueError(f"not fields of a document: {sorted(values.keys() - _FIELDS)}")
        for name in _DATES:
            if values[name]:
                values[name] = date.fromisoformat(values[name])
        for name in _TIMES:
            if values[name]:
                values[name] = datetime.fromisoformat(values[name])
        values["conduct"] = tuple(DisclosedConduct(**item) for item in values["conduct"])
        return cls(**values)


_NAMES = tuple(f.name for f in fields(Document))
_FIELDS = frozenset(_NAMES)
_DATES = ("filed_on", "published_on", "term_ends_on")
_TIMES = ("visible_until", "updated_at")

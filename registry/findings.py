"""What the detectors propose to redact in a record's free texts, for approval and for the reviewer's list."""

from __future__ import annotations

from dataclasses import dataclass, replace

from registry.record import Facts
from registry.redaction import Finding, find, redact

_AROUND = 8

FREE_TEXTS = ("obligation", "performed_part", "unperformed_part")


@dataclass(frozen=True, slots=True)
class FieldFinding:
    field: str
    finding: Finding


def find_in(facts: Facts) -> tuple[FieldFinding, ...]:
    known = known_names(facts)
    return tuple(
        FieldFinding(name, finding)
        for name in FREE_TEXTS
        if (text := getattr(facts, name))
        for finding in find(text, facts.name, known)
    )


def known_names(facts: Facts) -> tuple[str, ...]:
    """Names that the private fields give away and free text must not."""
    applicant = facts.applicant.name if facts.applicant else None
    return tuple(name for name in (applicant, facts.employer) if name)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A finding as a reviewer may see it listed: its place, and what would stand around it after redaction."""

    field: str
    finding: Finding
    text: str


def excerpts(facts: Facts) -> tuple[Excerpt, ...]:
    """The findings in a record with a few characters around each. Whatever else was found nearby is redacted in them,
    so the list does not spread what it proposes to hide."""
    found = find_in(facts)
    return tuple(Excerpt(item.field, item.finding, _around(facts, item, found)) for item in found)


def _around(facts: Facts, item: FieldFinding, found: tuple[FieldFinding, ...]) -> str:
    text: str = getattr(facts, item.field)
    others = [other.finding for other in found if other.field == item.field]
    start, end = item.finding.start, item.finding.end
    before = redact(text[:start], tuple(f for f in others if f.end <= start))
    after = redact(
        text[end:], tuple(replace(f, start=f.start - end, end=f.end - end) for f in others if f.start >= end)
    )
    return f"{before[-_AROUND:]}【{item.finding.replacement}】{after[:_AROUND]}".replace("\n", " ")

"""What the gate will redact in a record's free texts, counted for approval and listed for the reviewer."""

from __future__ import annotations

from dataclasses import dataclass, replace

from registry.gate import find_redactions
from registry.record import Facts
from registry.redaction import Finding, redact

# Characters shown on each side of a finding.
_AROUND = 8


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A finding as a reviewer may see it listed: its place, and what would stand around it after redaction."""

    field: str
    finding: Finding
    text: str


def find_all(facts: Facts) -> tuple[Finding, ...]:
    """Every finding in a record, in the order of its fields."""
    return tuple(finding for findings in find_redactions(facts).values() for finding in findings)


def build_excerpts(facts: Facts) -> tuple[Excerpt, ...]:
    """The findings in a record with a few characters around each. Whatever else was found nearby is redacted in them,
    so the list does not spread what it proposes to hide."""
    return tuple(
        Excerpt(name, finding, _around(getattr(facts, name), finding, findings))
        for name, findings in find_redactions(facts).items()
        for finding in findings
    )


def _around(text: str, finding: Finding, others: tuple[Finding, ...]) -> str:
    start, end = finding.start, finding.end
    before = redact(text[:start], tuple(f for f in others if f.end <= start))
    after = redact(
        text[end:], tuple(replace(f, start=f.start - end, end=f.end - end) for f in others if f.start >= end)
    )
    return f"{before[-_AROUND:]}【{finding.replacement}】{after[:_AROUND]}".replace("\n", " ")

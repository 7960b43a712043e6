"""Proposed redactions as people deal with them: found, shown to the reviewer, accepted, and kept with the record. Pure.

What a reviewer accepted stays with the record and is what the gate applies, so that a detector that has changed since
cannot show what a person had agreed to hide. What it finds beyond that is hidden too; before first publication a
finding of high confidence that nobody has accepted keeps the record inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from registry import redaction
from registry.basis import find_basis_kind
from registry.lastlook import list_private_words
from registry.record import FREE_TEXTS, Accepted, Facts, Record
from registry.redaction import VERSION, Finding, redact

# Of the whole text, where it rests on a document that itself may not be published.
UNPUBLISHABLE = "unpublishable_basis"

# Characters shown on each side of a finding.
_AROUND = 8


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A finding as a reviewer may see it listed: its place, and what would stand around it after redaction."""

    field: str
    finding: Finding
    text: str


# Approval asks for it, and the gate right after it for the same record.
@lru_cache(maxsize=1)
def find_redactions(facts: Facts) -> dict[str, tuple[Finding, ...]]:
    """What is proposed to be redacted in the free texts of a record, by field.

    Where the document they rest on is of a kind that may not be published (法释〔2016〕19号 art. 4), each text is
    proposed whole, to be replaced by a reference to the document.
    """
    texts = {name: text for name in FREE_TEXTS if (text := getattr(facts, name))}
    if find_basis_kind(texts.values()):
        reference = f"详见生效法律文书{facts.basis_number}"
        return {name: (_whole(text, reference),) for name, text in texts.items()}
    return redaction.find_in_fields(texts, facts.name, list_private_words(facts))


def _whole(text: str, reference: str) -> Finding:
    return Finding(rule=UNPUBLISHABLE, start=0, end=len(text), confidence="high", replacement=reference)


def find_all(facts: Facts) -> tuple[Finding, ...]:
    """Every finding in a record, in the order of its fields."""
    return tuple(finding for findings in find_redactions(facts).values() for finding in findings)


def accept(facts: Facts) -> Accepted:
    """All that is proposed for `facts`, accepted."""
    return Accepted(VERSION, find_redactions(facts))


def settle(record: Record) -> Mapping[str, tuple[Finding, ...]]:
    """What is redacted in the free texts of `record`: what a reviewer accepted, and whatever else is sure by now."""
    accepted = record.redactions
    if accepted is None:
        return find_redactions(record.facts)
    if accepted.detector == VERSION:
        return accepted.fields
    return {name: _join(accepted.fields.get(name, ()), found) for name, found in find_redactions(record.facts).items()}


def find_unresolved(record: Record) -> tuple[Finding, ...]:
    """The findings of high confidence that no reviewer has accepted for `record`."""
    if record.redactions and record.redactions.detector == VERSION:
        return ()
    accepted = record.redactions.fields if record.redactions else {}
    return tuple(
        finding
        for name, findings in find_redactions(record.facts).items()
        for finding in findings
        if finding.confidence == "high" and not _is_covered(finding, accepted.get(name, ()))
    )


def _join(accepted: Sequence[Finding], proposed: Iterable[Finding]) -> tuple[Finding, ...]:
    joined = list(accepted)
    for finding in proposed:
        if finding.confidence == "high" and not _is_covered(finding, joined):
            touching = [f for f in joined if f.start < finding.end and finding.start < f.end]
            start, end = (
                min([finding, *touching], key=lambda f: f.start).start,
                max(f.end for f in [finding, *touching]),
            )
            joined = [*(f for f in joined if f not in touching), replace(finding, start=start, end=end)]
    return tuple(sorted(joined, key=lambda f: f.start))


def _is_covered(finding: Finding, accepted: Iterable[Finding]) -> bool:
    return any(f.start <= finding.start and finding.end <= f.end for f in accepted)


def needs_opening(findings: Iterable[Finding]) -> bool:
    """Whether the reviewer must have looked at them one by one: a doubtful one may hide what belongs to the public."""
    return any(finding.confidence == "low" for finding in findings)


def describe_version(facts: Facts) -> str:
    """What a reviewer has opened when the findings of `facts` were shown: the texts and the findings, for a digest."""
    texts = [getattr(facts, name) for name in FREE_TEXTS]
    return repr((facts.name, texts, find_redactions(facts)))


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

"""Findings decided one by one: to redact what is proposed, or to show it and why.

The detector proposes, one reviewer decides of one version of the texts; what is decided becomes what the gate applies
(`Accepted`). Nothing undecided is shown: where the law is silent, the person named in the text is protected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.findings import UNPUBLISHABLE, Excerpt, build_excerpts, describe_version, find_redactions
from registry.record import Accepted, Facts
from registry.redaction import IDENTIFIER_RULES, VERSION, Finding
from registry.tables import RecordRow, ResolutionRow
from registry.vault import Vault

ARTICLE = "法释〔2016〕19号第八条至第十一条"
_MOST_REASON = 100
# Case and document numbers do not have that many digits in a row.
_LONG_NUMBER = re.compile(r"\d{7}")


class Verdict(StrEnum):
    REDACT = "redact"
    SHOW = "show"


VERDICT_LABEL = {Verdict.REDACT: "遮盖", Verdict.SHOW: "显示"}

Place = tuple[str, int, int, str]
"""A finding's field, start, end and rule: what tells one from the next within a version."""


class ResolutionRefused(ValueError):
    """A finding cannot be resolved so. The message is for the reviewer."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a reviewer decided of one finding. `reason` is given where it is shown."""

    verdict: Verdict
    reason: str | None = None


def place_of(field: str, finding: Finding) -> Place:
    return field, finding.start, finding.end, finding.rule


def may_show(finding: Finding) -> bool:
    """Whether a reviewer may decide to show it at all: not what identifies a person, nor what may not be published."""
    if finding.rule == UNPUBLISHABLE:
        return False
    return finding.rule not in IDENTIFIER_RULES or _may_be_a_word(finding)


def _may_be_a_word(finding: Finding) -> bool:
    """Whether what is taken for a nickname may be but an ordinary word: nothing else of what identifies is told by words."""
    return finding.rule == "social_account" and finding.confidence == "low"


def refuse_unfit(text: str, finding: Finding, resolution: Resolution) -> None:
    """Raises ResolutionRefused unless `finding` in `text` may be resolved so.

    A number that identifies is never shown, nor a text that may not be published at all. What the detector is sure of is
    shown only for a reason; a reason is kept in the clear and so repeats nothing that it speaks of.
    """
    if resolution.verdict is Verdict.REDACT:
        return
    if finding.rule == UNPUBLISHABLE:
        raise ResolutionRefused("所依据的文书依法不得公布，全文只能遮盖（法释〔2016〕19号第四条）")
    if not may_show(finding):
        raise ResolutionRefused("身份证、电话、账户一类的号码只能遮盖（个人信息保护法第六条、法释〔2016〕19号第十条）")
    reason = (resolution.reason or "").strip()
    if not reason and (finding.confidence == "high" or _may_be_a_word(finding)):
        raise ResolutionRefused(f"显示这一处须写明理由（{ARTICLE}）")
    if len(reason) > _MOST_REASON:
        raise ResolutionRefused(f"理由不超过{_MOST_REASON}个字")
    if _LONG_NUMBER.search(reason) or (reason and text[finding.start : finding.end] in reason):
        raise ResolutionRefused(
            "理由中不要写出所涉及的姓名、名称或者号码，请写明为什么可以公布（个人信息保护法第六条）"
        )


def find_open(facts: Facts, decided: Mapping[Place, Resolution]) -> tuple[Excerpt, ...]:
    """The findings of a version that nobody has decided yet, in the order of the texts."""
    return tuple(item for item in build_excerpts(facts) if place_of(item.field, item.finding) not in decided)


def has_open_high(facts: Facts, decided: Mapping[Place, Resolution]) -> bool:
    """Whether a finding that the detector is sure of is still undecided."""
    return any(item.finding.confidence == "high" for item in find_open(facts, decided))


def build_accepted(facts: Facts, decided: Mapping[Place, Resolution]) -> Accepted:
    """What is redacted in `facts` after these decisions. What is undecided is redacted as proposed."""
    return Accepted(
        VERSION,
        {
            name: tuple(finding for finding in found if not _is_shown(decided.get(place_of(name, finding))))
            for name, found in find_redactions(facts).items()
        },
    )


def _is_shown(resolution: Resolution | None) -> bool:
    return resolution is not None and resolution.verdict is Verdict.SHOW


def read_resolutions(session: Session, vault: Vault, facts: Facts, reader: str) -> dict[Place, Resolution]:
    """What `reader` has decided of this version."""
    query = select(ResolutionRow).where(
        ResolutionRow.version == version_of(facts, vault), ResolutionRow.reader == reader
    )
    return {
        (row.field, row.start, row.end, row.rule): Resolution(Verdict(row.verdict), row.reason)
        for row in session.scalars(query)
    }


def resolve(
    session: Session,
    vault: Vault,
    row: RecordRow,
    facts: Facts,
    place: Place,
    resolution: Resolution,
    acting: Acting,
) -> None:
    """Keep what `acting.actor` decided of one finding; a second decision takes the place of the first, both are in the
    audit trail. Raises ResolutionRefused."""
    field, start, end, rule = place
    found = [item for item in find_redactions(facts).get(field, ()) if place_of(field, item) == place]
    if not found:
        raise ResolutionRefused("这一处建议已经变了（文字有改动），请在新的页面上重新查看")
    refuse_unfit(getattr(facts, field), found[0], resolution)
    reason = (resolution.reason or "").strip() or None if resolution.verdict is Verdict.SHOW else None
    version = version_of(facts, vault)
    same = select(ResolutionRow).where(
        ResolutionRow.version == version,
        ResolutionRow.reader == acting.actor,
        ResolutionRow.field == field,
        ResolutionRow.start == start,
        ResolutionRow.end == end,
        ResolutionRow.rule == rule,
    )
    kept = session.scalar(same)
    if kept is None:
        kept = ResolutionRow(
            version=version, reader=acting.actor, field=field, start=start, end=end, rule=rule,
            verdict="", reason=None, at=acting.now,
        )  # fmt: skip
        session.add(kept)
    kept.verdict, kept.reason, kept.at = resolution.verdict.value, reason, acting.now
    session.flush()
    detail = {"field": field, "rule": rule, "verdict": resolution.verdict.value, "reason": reason, "article": ARTICLE}
    audit.note(session, acting.now, acting.actor, "resolve", record=row.id, detail=detail)


def version_of(facts: Facts, vault: Vault) -> str:
    """The keyed digest of the texts with what is proposed for them."""
    return vault.digest(describe_version(facts))

"""Correcting what is inaccurate (法释〔2017〕7号 art. 9, 11): any field but the name and the number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from registry.acting import Acting
from registry.approval import REASONS
from registry.approving import Review, correct_row
from registry.ending import is_over
from registry.facts_json import facts_from_json, facts_to_json
from registry.gate import Withheld, WithholdReason, disclose, find_end
from registry.intake import FieldError, check_kind, parse_field
from registry.lifecycle import Action, transition
from registry.matching import FIXED_FIELDS
from registry.policy import Policy
from registry.publishing import redisclose
from registry.record import Accepted, Facts, Record, State
from registry.records import read_record
from registry.sources.origin import say_read_only
from registry.tables import RecordRow
from registry.vault import Vault
from search_index.journal import EntryChange


class CorrectionRefused(Exception):
    """What was asked for cannot be set. The message names the field and why.

    `proposed` is the corrected version where all that stands in the way is that its redactions were not looked at.
    """

    def __init__(self, reason: str, rule: str = "correction", proposed: Facts | None = None) -> None:
        super().__init__(reason)
        self.rule = rule
        self.proposed = proposed


_TERM_BY_TWO = (
    "term_ends_on：延长或者取消纳入期限须经两人：请先屏蔽，更正后由另一名审核人同意重新显示"
    "（法释〔2017〕7号第二条、第五条第三款）"
)
_HIDES = ("minor", "age_unknown", "not_served")
_UNSEEN = {"redactions_unconfirmed", "redactions_unopened"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrector:
    """Corrects a record on one reviewer's word. `accepted` as of a review (registry/approving.py)."""

    vault: Vault
    policy: Policy
    confirmed: frozenset[str]
    accepted: Accepted | None = None

    def correct(
        self, session: Session, row: RecordRow, settings: Sequence[tuple[str, str]], acting: Acting
    ) -> Sequence[EntryChange]:
        """Set fields of a record; what the public is told of it. Raises CorrectionRefused or NotAllowed."""
        if told := say_read_only(row):
            raise CorrectionRefused(told, "read_only")
        record = read_record(row, self.vault)
        becomes = transition(record.state, Action.CORRECT).state
        if is_over(row, self.policy, acting.now):
            raise CorrectionRefused(REASONS["term_over"], "term_over")
        review = Review(vault=self.vault, policy=self.policy, confirmed=self.confirmed, accepted=self.accepted)
        facts = _set_fields(record.facts, settings)
        if facts == record.facts:
            raise CorrectionRefused("没有任何字段改变：所填内容与现有记录相同", "unchanged")
        corrected = record.with_facts(facts, acting.now)
        # A draft is completed field by field, and checked when it is approved.
        if becomes is not State.DRAFT:
            self._check(session, corrected, acting, review)
        if record.state is State.PUBLISHED and self._is_longer(record, facts):
            raise CorrectionRefused(_TERM_BY_TWO, "term_by_two")
        # What is not public yet starts again from a draft, and this person has become the one who prepared it.
        if becomes is State.DRAFT:
            row.imported_by = acting.actor
        corrected = correct_row(session, row, corrected, acting, review)
        return redisclose(session, row, corrected, self.policy, acting, before=record)

    def _is_hidden(self, record: Record, acting: Acting) -> bool:
        """Whether the gate would hide the entry at once for what is now known of it: then that is kept, and not refused, for
        the name to go (arts. 4, 5)."""
        match disclose(replace(record, state=State.PUBLISHED), self.policy, acting.today):
            case Withheld(reason=reason):
                return reason in (WithholdReason.MINOR, WithholdReason.AGE_UNKNOWN, WithholdReason.UNSERVED)
        return False

    def _is_longer(self, record: Record, facts: Facts) -> bool:
        """Whether the public would see the entry for longer than it does now."""
        if record.published_on is None:
            return False
        before, after = (
            find_end(version.term_ends_on, record.published_on, self.policy) for version in (record.facts, facts)
        )
        return before is not None and (after is None or after > before)

    def _check(self, session: Session, record: Record, acting: Acting, review: Review) -> None:
        refusals = review.check(session, record, acting)
        # Who prepared the entry may correct it: art. 9 gives three working days, and one reviewer answers for it.
        passed = {"same_person", *(_HIDES if self._is_hidden(record, acting) else ())}
        standing = [refusal for refusal in refusals if refusal.rule not in passed]
        if standing:
            unseen = all(refusal.rule in _UNSEEN for refusal in standing)
            reasons = "；".join(refusal.reason for refusal in standing)
            if record.state is State.PUBLISHED and any(refusal.rule == "fully_performed" for refusal in standing):
                reasons = f"{reasons}；该记录仍在公布，请办理删除（gongshi remove --ground performed）"
            raise CorrectionRefused(reasons, standing[0].rule, record.facts if unseen else None)


def _set_fields(facts: Facts, settings: Sequence[tuple[str, str]]) -> Facts:
    values = facts_to_json(facts)
    for name, text in settings:
        if name in FIXED_FIELDS:
            raise CorrectionRefused(
                f"{name}：姓名、名称、证件号码和案号不得更正；列错人的，应撤销后重新列入", "fixed_field"
            )
        if name not in values:
            raise CorrectionRefused(f"{name}：没有这个字段", "unknown_field")
        try:
            values[name] = parse_field(name, text)
        except ValueError as error:
            raise CorrectionRefused(f"{name}：{error}", "invalid_value") from None
    try:
        check_kind(values)
    except FieldError as error:
        raise CorrectionRefused(f"{error.field}：{error.reason}", "invalid_value") from None
    return facts_from_json(values)

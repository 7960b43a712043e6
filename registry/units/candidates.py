"""The records that applicants of a unit are to be compared with, found in bulk: by the digest of a whole number, and by the
folded name where numbers are hidden.

What the unit may not know of is not even read: the question leaves out drafts, what is held, what is not public by law
(unless the unit is entitled to it), and what left the list (unless the unit was told so).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, or_, select
from sqlalchemy.orm import Session

from registry.matching import likeness_of_number
from registry.matters.states import Channel, MatterKind, MatterState, is_under_verification
from registry.record import Conduct, Kind, State
from registry.records import name_key_of
from registry.tables import LedgerRow, MatterRow, RecordRow
from registry.units.comparing import Applicant, Listed
from registry.units.ledger import LedgerKind
from registry.values import CitizenNumber, MaskedNumber, parse_id_number, parse_uscc
from registry.vault import Vault

CHUNK = 500
_WHOLE = 18  # characters of a citizen number
# Rows older than the column, until `init` fills it in.
_UNKNOWN = RecordRow.passport.is_(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A record that an applicant may be on. `number` is the public one, None where it never had any."""

    id: int
    number: str | None
    state: State
    listed: Listed
    court: str
    case_number: str
    conduct: tuple[Conduct, ...]
    term_ends_on: date | None
    published_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Those of one call, by the digest of a whole number and by the folded name."""

    by_identity: Mapping[str, Sequence[Candidate]]
    by_name: Mapping[str, Sequence[Candidate]]
    digests: Mapping[str, str]
    # Of the same name as an applicant, with a number that begins and ends as the applicant's.
    alike: Mapping[str, Sequence[Candidate]]

    def of(self, applicant: Applicant) -> Sequence[Candidate]:
        """Every candidate of an applicant once."""
        digest = self.digests.get(applicant.identity or "", "")
        namesakes = self.by_name.get(applicant.key, ()) if _asks_by_name(applicant) else ()
        return list({one.id: one for one in (*self.by_identity.get(digest, ()), *namesakes)}.values())

    def tried_by(self, applicant: Applicant) -> Sequence[Candidate]:
        """The candidates whose numbers an applicant's may be an attempt to find out (comparing.is_guess)."""
        digest = self.digests.get(applicant.identity or "", "")
        return (*self.by_identity.get(digest, ()), *self.alike.get(applicant.key, ()))

    def all(self) -> Sequence[Candidate]:
        """Every candidate of the call once."""
        found = (*self.by_identity.values(), *self.by_name.values())
        return list({one.id: one for some in found for one in some}.values())


def find_candidates(
    session: Session, vault: Vault, applicants: Sequence[Applicant], unit: int, *, restricted: bool
) -> Candidates:
    """The candidates of these applicants, as far as the unit may know of them. `restricted`: it is entitled to what is not
    public by law."""
    digests = {text: vault.digest(text) for text in {one.identity for one in applicants} if text is not None}
    allowed = _may_be_told(unit, restricted)
    same = _select(session, RecordRow.identity, digests.values(), allowed)
    # A whole citizen number that is not the same is another person: only what cannot be compared is read by name.
    whole = {one.key for one in applicants if isinstance(one.number, CitizenNumber)}
    masked = {one.key for one in applicants if isinstance(one.number, MaskedNumber)}
    named: list[Row[Any]] = []
    # One question each, so that an index answers it: namesakes may be many.
    for hidden in ((RecordRow.masked,), (~RecordRow.masked, RecordRow.passport), (~RecordRow.masked, _UNKNOWN)):
        named += _select(session, RecordRow.name_key, whole - masked, allowed, *hidden)
    likely = _Likely(vault, applicants)
    named += [row for row in _select(session, RecordRow.name_key, masked, allowed) if likely.may_agree(row)]
    alike = _find_alike(session, vault, applicants, allowed)
    opened = {row.id: _open(row, vault) for row in {row.id: row for row in (*same, *named, *alike)}.values()}
    by_identity: dict[str, list[Candidate]] = {}
    by_name: dict[str, list[Candidate]] = {}
    for row in same:
        by_identity.setdefault(row.identity, []).append(opened[row.id])
    for row in named:
        by_name.setdefault(row.name_key, []).append(opened[row.id])
    tried: dict[str, list[Candidate]] = {}
    for row in alike:
        tried.setdefault(row.name_key, []).append(opened[row.id])
    return Candidates(by_identity=by_identity, by_name=by_name, digests=digests, alike=tried)


def _find_alike(
    session: Session, vault: Vault, applicants: Sequence[Applicant], allowed: ColumnElement[bool]
) -> list[Row[Any]]:
    """Whole numbers under the name of an applicant that agree with the applicant's in what every mask shows."""
    whole = {(one.name, one.number.text) for one in applicants if isinstance(one.number, CitizenNumber)}
    likely = {vault.digest(likeness_of_number(name, number)) for name, number in whole}
    return _select(session, RecordRow.likeness, likely, allowed, ~RecordRow.masked)


class _Likely:
    """Which namesakes a masked number may agree with, as far as can be told without opening them: of a whole citizen number
    the digest of what every mask shows is kept beside it (matching.likeness_of)."""

    def __init__(self, vault: Vault, applicants: Sequence[Applicant]) -> None:
        # By the folded name, by the name as it is written; None: too little can be seen of the number.
        self._by_key: dict[str, dict[str, set[str] | None]] = {}
        for one in applicants:
            if isinstance(one.number, MaskedNumber):
                self._add(vault, one.key, one.name, one.number.text)

    def may_agree(self, row: Row[Any]) -> bool:
        """Whether the record has to be opened."""
        written = self._by_key.get(row.name_key, {})
        name = row.facts.get("name")
        # The digest is that of one writing of the name.
        if row.masked or row.passport is not False or any(other != name for other in written):
            return True
        digests = written.get(name)
        return digests is None or row.likeness in digests

    def _add(self, vault: Vault, key: str, name: str, number: str) -> None:
        written = self._by_key.setdefault(key, {})
        known = written.setdefault(name, set())
        if len(number) != _WHOLE or "*" in number[:6] + number[-2:]:
            written[name] = None
        elif known is not None:
            known.add(vault.digest(likeness_of_number(name, number)))


def find_verifying(session: Session, records: Collection[int]) -> set[int]:
    """Which of these records have an objection that keeps measures from being carried out (香格里拉市 四（二）3)."""
    wanted, found = sorted(records), set[int]()
    for start in range(0, len(wanted), CHUNK):
        query = select(MatterRow.record_id, MatterRow.state, MatterRow.channel).where(
            MatterRow.record_id.in_(wanted[start : start + CHUNK]),
            MatterRow.kind == MatterKind.OBJECTION.value,
            MatterRow.closed_at.is_(None),
        )
        for record, state, channel in session.execute(query):
            if record is not None and is_under_verification(MatterKind.OBJECTION, MatterState(state), Channel(channel)):
                found.add(record)
    return found


def _asks_by_name(applicant: Applicant) -> bool:
    return isinstance(applicant.number, CitizenNumber | MaskedNumber)


def _may_be_told(unit: int, restricted: bool) -> ColumnElement[bool]:
    told = select(LedgerRow.id).where(
        LedgerRow.record == RecordRow.number,
        LedgerRow.unit_id == unit,
        LedgerRow.kind == LedgerKind.RELEASE.value,
    )
    shown = [State.PUBLISHED.value, *([State.RESTRICTED.value] if restricted else [])]
    return or_(RecordRow.state.in_(shown), told.exists())


def _select(session: Session, column: Any, values: Collection[str], *which: ColumnElement[bool]) -> list[Row[Any]]:
    wanted, found = sorted(values), list[Row[Any]]()
    for start in range(0, len(wanted), CHUNK):
        query = select(
            RecordRow.id,
            RecordRow.number,
            RecordRow.state,
            RecordRow.identity,
            RecordRow.likeness,
            RecordRow.masked,
            RecordRow.passport,
            RecordRow.name_key,
            RecordRow.published_on,
            RecordRow.facts,
            RecordRow.sealed,
        ).where(column.in_(wanted[start : start + CHUNK]), *which)
        found += session.execute(query.order_by(RecordRow.id))
    return found


def _open(row: Row[Any], vault: Vault) -> Candidate:
    """What is compared of a record. The digest finds it, its own words prove it."""
    facts = {**row.facts, **vault.open(row.sealed, row.identity)}
    number, code, latin, term = (facts.get(key) for key in ("id_number", "uscc", "latin_name", "term_ends_on"))
    listed = Listed(
        kind=Kind(facts["kind"]),
        key=row.name_key,
        number=parse_uscc(code) if code else parse_id_number(number) if number else None,
        latin_key=name_key_of(latin) if latin else None,
        name=facts["name"],
    )
    return Candidate(
        id=row.id,
        number=row.number,
        state=State(row.state),
        listed=listed,
        court=str(facts["court"]),
        case_number=str(facts["case_number"]),
        conduct=tuple(Conduct(code) for code in facts.get("conduct") or ()),
        term_ends_on=date.fromisoformat(term) if term else None,
        published_on=row.published_on,
    )

"""Comparing applicants of a unit with the list (自动比对, policies A6, A7, A9, B10): the registry says whose entry it may be,
the disclosed store has the last word on whether it is on the list, and the use is written down before it is answered.

Whoever is asked about is kept nowhere: not in the ledger, the log of uses or the audit trail (个人信息保护法 arts. 6, 19).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, time
from typing import Protocol

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.gate import find_end
from registry.policy import Policy
from registry.record import State
from registry.tables import UnitRow, UnitUseRow
from registry.turns import Turns
from registry.units.candidates import Candidate, Candidates, find_candidates, find_verifying
from registry.units.compare_rows import MOST_ROWS, Fault
from registry.units.compare_words import Answer, Hit, Released, Restricted, Result, Status, end_of_day
from registry.units.comparing import Applicant, Verdict, compare, is_guess, list_name_keys
from registry.units.ledger import LedgerKind, Line, append
from registry.units.releases import Release, Retained, list_kept, list_told
from registry.units.units import to_unit
from registry.units.uses import Given, User, note_use
from registry.units.words import UnitError
from registry.values import OtherNumber
from registry.vault import Vault
from search_index.day import SHANGHAI, day_of
from search_index.document import Document
from search_index.snapshot import Snapshot
from search_index.store import Store

ACTION = "compare"
_RETIRED = "该单位已经停用，没有比对：请联系法院"


# The public sees of a number all but some digits, and its check character leaves few that they can be: an answer to each of
# those would tell the whole number. Honest applicants make none.
MOST_GUESSES = 5
GUESS = "guess"
_GUESSED = (
    "本次没有作答：多行的姓名、号码与名单上的人大部分相同而又不是同一号码，或者号码相同而姓名不同，疑似逐个试探号码，已经记录。"
    "请逐一核对申请人的证件；确属正当业务的，请联系法院"
)


class Court(Protocol):
    """What comparing asks of the court."""

    @property
    def vault(self) -> Vault: ...
    @property
    def turns(self) -> Turns: ...
    def session(self) -> AbstractContextManager[Session]: ...
    def reading(self) -> AbstractContextManager[Session]: ...
    def policy(self) -> Policy: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the registry says of the candidates of one call."""

    candidates: Candidates
    verifying: frozenset[int]
    released: Mapping[str, Released]
    policy: Policy
    restricted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the public sees, of one moment."""

    documents: Mapping[str, Document]
    counts: Mapping[str, int]


Pair = tuple[Candidate, Verdict]


def compare_rows(
    court: Court, store: Store, rows: Sequence[Applicant | Fault], user: User, given: Given, acting: Acting
) -> Answer:
    """Compare rows with the list, write the use down, and answer. Raises UnitError where the unit is retired, or where the
    rows look as if hidden digits of numbers were being tried (more than MOST_GUESSES a day)."""
    results: list[Result] = []
    # Before the registry is asked: what is published meanwhile comes after the sequence that is told.
    with store.snapshot(acting.now) as snapshot:
        snapshot.refuse_hidden()
        sequence, profile, freshness = snapshot.sequence, snapshot.profile(), snapshot.freshness
    guesses = 0
    # No transaction is held for long: on SQLite an open read of the store keeps a departure from being committed.
    for start in range(0, max(len(rows), 1), MOST_ROWS):
        some = rows[start : start + MOST_ROWS]
        known = _ask_registry(court, [row for row in some if isinstance(row, Applicant)], user.unit)
        guesses += _count_guesses(known, some)
        results += _compare_some(store, some, start, known, acting)
    if guesses and not _write_guesses(court, guesses, user, given, acting):
        raise UnitError(_GUESSED)
    _write(court, results, user, given, acting)
    return Answer(
        sequence=sequence,
        made_at=acting.now,
        valid_until=min([end_of_day(acting.now), *(one.valid_until for one in results)]),
        results=tuple(results),
        profile=profile,
        freshness=freshness,
    )


def _compare_some(
    store: Store, rows: Sequence[Applicant | Fault], before: int, known: _Known, acting: Acting
) -> list[Result]:
    pairs = [_pair(known, row) if isinstance(row, Applicant) else [] for row in rows]
    # After the registry: whoever left the list meanwhile is not on it.
    with store.snapshot(acting.now) as snapshot:
        seen = _look(snapshot, [row for row in rows if isinstance(row, Applicant)], pairs)
    numbered = enumerate(zip(rows, pairs, strict=True), start=before + 1)
    return [_judge(number, row, found, known, seen, acting) for number, (row, found) in numbered]


def _ask_registry(court: Court, applicants: Sequence[Applicant], unit: int) -> _Known:
    with court.reading() as session:
        row = session.get_one(UnitRow, unit)
        if not row.active:
            raise UnitError(_RETIRED)
        restricted = to_unit(row).receives.restricted
        candidates = find_candidates(session, court.vault, applicants, unit, restricted=restricted)
        every = candidates.all()
        verifying = find_verifying(session, [one.id for one in every])
        released = _find_released(session, unit, sorted({one.number for one in every if one.number is not None}))
    return _Known(
        candidates=candidates,
        verifying=frozenset(verifying),
        released=released,
        policy=court.policy(),
        restricted=restricted,
    )


def _find_released(session: Session, unit: int, records: Sequence[str]) -> Mapping[str, Released]:
    """The departures that the unit was told of and has measures left to lift, or keeps some: of the others it is told no
    more than of whoever was never listed."""
    if not records:
        return {}
    kept: dict[str, list[Retained]] = {}
    for one in list_kept(session, unit, records):
        kept.setdefault(one.record or "", []).append(one)
    told: dict[str, list[Release]] = {}
    for release in list_told(session, unit, records):
        told.setdefault(release.record, []).append(release)
    return {
        record: Released(
            told_on=day_of(releases[0].told_at),
            due=releases[0].due,
            done=all(one.done_at is not None for one in releases),
            retained=tuple(kept.get(record, ())),
        )
        for record, releases in told.items()
        if record in kept or any(one.done_at is None for one in releases)
    }


def _pair(known: _Known, applicant: Applicant) -> list[Pair]:
    candidates, mask = known.candidates.of(applicant), known.policy.id_mask
    found = [(one, compare(applicant, one.listed, mask)) for one in candidates]
    return [(one, verdict) for one, verdict in found if verdict is not Verdict.NONE]


def _count_guesses(known: _Known, rows: Sequence[Applicant | Fault]) -> int:
    mask = known.policy.id_mask
    asked = [row for row in rows if isinstance(row, Applicant)]
    return sum(is_guess(row, [one.listed for one in known.candidates.tried_by(row)], mask) for row in asked)


def _write_guesses(court: Court, guesses: int, user: User, given: Given, acting: Acting) -> bool:
    """Write down attempts to find out numbers; False where the unit has made too many today, and is given no answer."""
    court.turns.step_aside()
    with court.session() as session:
        # Locked: of two calls at once the second counts the first one's.
        unit = session.get_one(UnitRow, user.unit, with_for_update=True)
        start = datetime.combine(acting.today, time(), SHANGHAI)
        made = select(func.coalesce(func.sum(UnitUseRow.hits), 0)).where(
            UnitUseRow.unit_id == unit.id, UnitUseRow.action == GUESS, UnitUseRow.at >= start
        )
        total = (session.scalar(made) or 0) + guesses
        note_use(session, user, GUESS, given, acting.now, hits=guesses)
        detail = {"unit": unit.slug, "count": total, "purpose": given.purpose}
        audit.note(session, acting.now, acting.actor, "unit_guess", detail=detail)
    return total <= MOST_GUESSES


def _look(snapshot: Snapshot, applicants: Sequence[Applicant], pairs: Iterable[Sequence[Pair]]) -> _Seen:
    shown = {one.number for some in pairs for one, _ in some if one.state is State.PUBLISHED and one.number}
    keys = {key for one in applicants for key in list_name_keys(one)}
    return _Seen(documents=snapshot.documents(shown), counts=snapshot.count_name_keys(keys))


def _judge(
    number: int, given: Applicant | Fault, pairs: Sequence[Pair], known: _Known, seen: _Seen, acting: Acting
) -> Result:
    ends = end_of_day(acting.now)
    if isinstance(given, Fault):
        return Result(row=number, given=given, valid_until=ends)
    found = [_find_hit(given, pair, known, seen, acting) for pair in pairs if pair[1].is_hit]
    hits = tuple(sorted((hit for hit, _ in filter(None, found)), key=_order))
    until = [end for _, end in filter(None, found) if end is not None]
    return Result(
        row=number,
        given=given,
        valid_until=min([ends, *until]),
        hits=hits,
        namesakes=0 if hits else _count_namesakes(given, pairs, seen),
        has_namesakes=seen.counts.get(given.key, 0) > 0,
    )


def _find_hit(
    given: Applicant, pair: Pair, known: _Known, seen: _Seen, acting: Acting
) -> tuple[Hit, datetime | None] | None:
    """The entry as this unit may see it, and when that ends; None where it may not see it at all."""
    one, verdict = pair
    record = one.number or ""
    renamed = given.key not in (one.listed.key, one.listed.latin_key)
    status = Status.UNDER_VERIFICATION if one.id in known.verifying else Status.LISTED
    document = seen.documents.get(record) if one.state is State.PUBLISHED else None
    if document is not None:
        hit = Hit(entry=one.id, verdict=verdict, status=status, record=record, document=document, renamed=renamed)
        return hit, document.visible_until
    if one.state is State.RESTRICTED and known.restricted:
        over = find_end(one.term_ends_on, one.published_on or acting.today, known.policy)
        if over is None or acting.now < over:
            shown = Restricted(court=one.court, case_number=one.case_number, conduct=one.conduct)
            hit = Hit(entry=one.id, verdict=verdict, status=status, record=None, restricted=shown, renamed=renamed)
            return hit, over
    released = known.released.get(record)
    if released is None:
        return None
    return Hit(
        entry=one.id, verdict=verdict, status=Status.RELEASED, record=record, released=released, renamed=renamed
    ), None


def _count_namesakes(given: Applicant, pairs: Sequence[Pair], seen: _Seen) -> int:
    """How many entries on the list may be the applicant's for all that the numbers say."""
    alike = sum((one.number or "") in seen.documents for one, verdict in pairs if verdict is Verdict.NAME_ONLY)
    if given.number is None:
        return sum(seen.counts.get(key, 0) for key in list_name_keys(given))
    if isinstance(given.number, OtherNumber):
        return alike + seen.counts.get(given.key, 0)
    return alike


def _order(hit: Hit) -> tuple[int, int, str]:
    return list(Verdict).index(hit.verdict), list(Status).index(hit.status), hit.record or ""


def _write(court: Court, results: Sequence[Result], user: User, given: Given, acting: Acting) -> None:
    rows, hits = len(results), sum(one.is_hit for one in results)
    entries = {hit.entry: hit for one in results for hit in one.hits if hit.status.counts}
    # A departure goes ahead of what is written here.
    court.turns.step_aside()
    with court.session() as session:
        unit = session.get_one(UnitRow, user.unit)
        if not unit.active:
            raise UnitError(_RETIRED)
        line = Line(unit_id=unit.id, kind=LedgerKind.COMPARE, at=acting.now, by=user.by, count=rows)
        append(session, [line, *(_hit_line(hit, unit.id, user, acting) for hit in entries.values())])
        note_use(session, user, ACTION, given, acting.now, rows=rows, hits=hits)
        detail = {"unit": unit.slug, "rows": rows, "hits": hits, "purpose": given.purpose}
        audit.note(session, acting.now, acting.actor, "unit_compare", detail=detail)


def _hit_line(hit: Hit, unit: int, user: User, acting: Acting) -> Line:
    words = [hit.verdict.label]
    if hit.restricted is not None:
        words.append("依法不宜公开")
    if hit.status is Status.UNDER_VERIFICATION:
        words.append("异议核实中，暂不执行措施")
    return Line(
        unit_id=unit,
        kind=LedgerKind.HIT,
        at=acting.now,
        by=user.by,
        record=hit.record,
        detail={"words": "；".join(words)},
    )

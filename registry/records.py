"""Rows to records and back: the only place that seals and opens the identifying part."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import date
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from registry.facts_json import PRIVATE_KEYS, facts_from_json, facts_to_json
from registry.lifecycle import find_stage
from registry.matching import identity_of, is_masked, likeness_of
from registry.policy import Policy
from registry.record import FREE_TEXTS, Accepted, Facts, Record, State
from registry.redaction import Finding
from registry.sources.origin import find_origin
from registry.tables import BatchRow, ProposalRow, RecordRow
from registry.values import OtherNumber
from registry.vault import Vault
from search_index.casenumber import CaseNumber, find_case_number
from search_index.folding import fold_name
from search_index.number import find_number

# Free texts name third parties, with their numbers, until the gate has redacted them.
_SEALED_KEYS = PRIVATE_KEYS | frozenset(FREE_TEXTS)
# Beside the facts in what is sealed: a mask tells the surname.
_REDACTIONS = "redactions"
CHUNK = 500


class RecordNotFound(Exception):
    """No record, or more than one, answers to what was typed. The message is for the person who typed it."""


def identity_columns(facts: Facts, vault: Vault) -> dict[str, Any]:
    """The columns by which a record is found. Only the folded name, which stands in the clear beside it, can be read."""
    return {
        "name_key": name_key_of(facts.name),
        "case_key": facts.case_number.key,
        "identity": vault.digest(identity_of(facts)),
        "likeness": vault.digest(likeness_of(facts)),
        "masked": is_masked(facts),
        "passport": isinstance(facts.id_number, OtherNumber),
    }


def name_key_of(name: str) -> str:
    """The name by which the desk finds a record, however it is typed."""
    return fold_name(name)


def facts_columns(
    whole: Mapping[str, Any], vault: Vault, context: str, redactions: Accepted | None = None
) -> dict[str, Any]:
    """The columns that hold the facts (facts_to_json), what may identify a person sealed. `context` is a record's
    identity digest, or `proposal_context` of the record that a proposal is for. `redactions` are those accepted."""
    private = {key: value for key, value in whole.items() if key in _SEALED_KEYS and value is not None}
    if redactions is not None:
        private[_REDACTIONS] = _write_accepted(redactions)
    return {
        "facts": {key: value for key, value in whole.items() if key not in _SEALED_KEYS},
        "sealed": vault.seal(private, context),
    }


def proposal_context(record_id: int) -> str:
    """What a proposal is sealed to. A record's identity digest changes when its masked number is completed."""
    return f"proposal for {record_id}"


def source_digest(whole: Mapping[str, Any], vault: Vault) -> str:
    """A digest of a version (facts_to_json) as it came in, to tell whether a later file says anything new."""
    same_case = {**whole, "case_number": CaseNumber.parse(whole["case_number"]).key}
    # Digests written before there was this key are of versions without it.
    if same_case.get("latin_name") is None:
        same_case.pop("latin_name", None)
    return vault.digest(json.dumps(same_case, ensure_ascii=False, sort_keys=True))


def read_facts(row: RecordRow | ProposalRow, vault: Vault, context: str) -> Facts:
    return _read(row, vault, context)[0]


def _read(row: RecordRow | ProposalRow, vault: Vault, context: str) -> tuple[Facts, Accepted | None]:
    sealed = vault.open(row.sealed, context)
    redactions = sealed.pop(_REDACTIONS, None)
    facts = facts_from_json({**row.facts, **sealed})
    return facts, redactions and _read_accepted(redactions)


def _write_accepted(accepted: Accepted) -> dict[str, Any]:
    fields = {name: [astuple(finding) for finding in found] for name, found in accepted.fields.items()}
    return {"detector": accepted.detector, "fields": fields}


def _read_accepted(body: Mapping[str, Any]) -> Accepted:
    fields = {name: tuple(map(_read_finding, found)) for name, found in body["fields"].items()}
    return Accepted(body["detector"], fields)


def _read_finding(values: Sequence[Any]) -> Finding:
    rule, start, end, confidence, replacement = values
    return Finding(rule=rule, start=start, end=end, confidence=confidence, replacement=replacement)


def read_record(row: RecordRow, vault: Vault) -> Record:
    facts, redactions = _read(row, vault, row.identity)
    return Record(
        id=row.id,
        state=State(row.state),
        facts=facts,
        batch=row.batch_id,
        line=row.line,
        imported_by=row.imported_by,
        approved_by=row.approved_by,
        number=row.number,
        published_on=row.published_on,
        changed_at=row.changed_at,
        redactions=redactions,
        grace_until=row.grace_until,
        origin=find_origin(row),
    )


def refresh_derived(session: Session, vault: Vault, policy: Policy, today: date) -> int:
    """Fill in the work list, the folded name and the kind of number of rows that are older than these columns, one chunk;
    how many there were. Safe to repeat: none when all have them."""
    lacking = or_(RecordRow.name_key == "", RecordRow.passport.is_(None))
    query = select(RecordRow).where(lacking).order_by(RecordRow.id).limit(CHUNK).with_for_update()
    rows = list(session.scalars(query))
    for row in rows:
        record = read_record(row, vault)
        row.name_key = name_key_of(record.facts.name)
        row.passport = isinstance(record.facts.id_number, OtherNumber)
        is_own = record.origin is None
        row.stage = find_stage(record.state, record.facts, row.grace_until, policy, today, is_own=is_own).value
    return len(rows)


def keep_accepted(row: RecordRow, facts: Facts, redactions: Accepted, vault: Vault) -> None:
    """Keep with a record the redactions that a reviewer accepted for its texts."""
    row.sealed = facts_columns(facts_to_json(facts), vault, row.identity, redactions)["sealed"]


def get_row(session: Session, reference: str, *, lock: bool = True) -> RecordRow:
    """The row that an `SX-` number or a case number names, locked for the transaction unless it is only read.
    Raises RecordNotFound."""
    ready = _ready().with_for_update() if lock else _ready()
    if number := find_number(reference):
        rows = list(session.scalars(ready.where(RecordRow.number == number)))
    elif case := find_case_number(reference):
        rows = _current(list(session.scalars(ready.where(RecordRow.case_key == case.key))))
    else:
        raise RecordNotFound(f"“{reference}”不是记录编号（SX-开头）或案号，请核对")
    if not rows:
        raise RecordNotFound(f"没有编号或案号为“{reference}”的记录")
    if len(rows) > 1:
        numbers = "、".join(row.number or f"第{row.batch_id}批第{row.line}行（未公布）" for row in rows)
        raise RecordNotFound(f"案号“{reference}”下有 {len(rows)} 条记录，请用记录编号指明其中一条：{numbers}")
    return rows[0]


def _ready() -> Select[RecordRow]:
    """Rows of whole batches only: what an unfinished import has staged is not there yet."""
    ready = select(BatchRow.id).where(BatchRow.ready)
    return select(RecordRow).where(RecordRow.batch_id.in_(ready)).order_by(RecordRow.id)


def _current(rows: list[RecordRow]) -> list[RecordRow]:
    """Of each debtor the newest listing; a debtor who has left stands back behind those who are listed."""
    newest = {row.identity: row for row in sorted(rows, key=lambda row: row.listing)}
    live = [row for row in newest.values() if not State(row.state).has_departed]
    return live or list(newest.values())

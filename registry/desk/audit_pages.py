"""The audit trail: for auditors whole, for administrators what is about accounts. Looking at it is written down, too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import sha256

from flask import Blueprint, request
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry import audit
from registry.acting import SYSTEM
from registry.audit_values import say_value
from registry.audit_words import (
    ACCOUNT_ACTIONS,
    ACCOUNT_STARTS,
    ACTIONS,
    describe,
    is_about_accounts,
    name_action,
    name_value,
)
from registry.clockbook import name_record
from registry.desk.access import Access
from registry.desk.base import Desk, acts, current, note_read, reads, show
from registry.desk.forms import Refused, read_optional_date
from registry.staff import NOBODY
from registry.tables import AuditRow, RecordRow, StaffRow
from search_index.day import SHANGHAI
from search_index.number import find_number

PAGE = 50
_LARGEST = 2**63 - 1
_ACTION = re.compile(r"[a-z_]{1,32}")
# What administrators see of the trail, as the database knows it.
_ACCOUNTS = or_(
    AuditRow.action.in_(ACCOUNT_ACTIONS),
    *(AuditRow.action.startswith(start, autoescape=True) for start in ACCOUNT_STARTS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for. `person` is the mark of a name (`mark_name`), for a name must not stand in an address; `before` is
    the line to go on from."""

    record: str
    person: str
    action: str
    first: date | None
    last: date | None
    before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailLine:
    """A line as it is shown."""

    id: int
    at: datetime
    actor: str
    action: str
    record_id: int | None
    about: str | None
    batch_id: int | None
    details: list[tuple[str, str]]


def mark_name(name: str) -> str:
    """What stands for a name in an address of the trail."""
    return sha256(f"trail {name}".encode()).hexdigest()[:12]


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """`/audit`."""

    @reads(pages, "/audit", Access.TRAIL)
    def trail() -> str | tuple[str, int]:
        try:
            return _show(desk, _read_wanted(request.args))
        except Refused as error:
            return _show(desk, _NOTHING, str(error)), 400

    @acts(pages, "/audit/verify", Access.TRAIL)
    def verify_trail() -> ResponseValue | str:
        verdict = desk.court.verify_audit()
        with desk.court.session() as session:
            detail = {"lines": verdict.lines, "faults": [fault.reason for fault in verdict.faults]}
            audit.note(session, desk.now, current().name, "audit_verify", detail=detail)
        return show("audit_verdict", verdict=verdict)


_NOTHING = Wanted(record="", person="", action="", first=None, last=None, before=None)


def _read_wanted(typed: Mapping[str, str]) -> Wanted:
    """Raises Refused."""
    action, before = typed.get("action", ""), typed.get("before", "")
    if action and not _ACTION.fullmatch(action):
        raise Refused("没有这种办理事项")
    if before and not (before.isascii() and before.isdigit() and len(before) < 20 and int(before) <= _LARGEST):
        raise Refused("没有这一页")
    if not typed.get("record", "").isprintable():
        raise Refused("记录编号含有不能识别的字符")
    return Wanted(
        record=typed.get("record", "").strip()[:40],
        person=typed.get("person", "")[:12],
        action=action,
        first=read_optional_date(typed, "first", "起始日"),
        last=read_optional_date(typed, "last", "截止日"),
        before=int(before) if before else None,
    )


def _show(desk: Desk, wanted: Wanted, problem: str | None = None) -> str:
    whole = current().may(Access.AUDIT)
    with desk.court.reading() as session:
        # Not asked of the trail itself: it grows for years.
        people = [*session.scalars(select(StaffRow.name).order_by(StaffRow.name)), SYSTEM, NOBODY]
    with desk.court.session() as session:
        try:
            rows = list(session.scalars(_query(session, wanted, people, whole=whole).limit(PAGE + 1)))
        except Refused as error:
            rows, problem = [], problem or str(error)
        about = _name_records(session, rows) if whole else {}
        lines = [_line(row, about, whole=whole) for row in rows[:PAGE]]
        older = rows[PAGE - 1].id if len(rows) > PAGE else None
        note_read(session, "audit")
    return show(
        "audit",
        problem,
        wanted=wanted,
        whole=whole,
        lines=lines,
        older=older,
        people=[(mark_name(name), name) for name in people],
        actions=[(one, name_action(one)) for one in ACTIONS if whole or is_about_accounts(one)],
    )


def _query(session: Session, wanted: Wanted, people: list[str], *, whole: bool) -> Select[AuditRow]:
    """Raises Refused where no such record or person is known."""
    query = select(AuditRow).order_by(AuditRow.id.desc())
    if not whole:
        query = query.where(_ACCOUNTS)
    if wanted.record and whole:
        query = query.where(AuditRow.record_id == _find_record(session, wanted.record))
    if wanted.person:
        names = [name for name in people if mark_name(name) == wanted.person]
        query = query.where(AuditRow.actor.in_(names))
    if wanted.action:
        query = query.where(AuditRow.action == wanted.action)
    if wanted.first is not None:
        query = query.where(AuditRow.at >= _begin(wanted.first))
    if wanted.last is not None:
        query = query.where(AuditRow.at < _begin(wanted.last + timedelta(days=1)))
    return query if wanted.before is None else query.where(AuditRow.id < wanted.before)


def _find_record(session: Session, typed: str) -> int:
    """A record by its public number or the number it has inside. Raises Refused."""
    if typed.isascii() and typed.isdigit() and len(typed) < 10:
        return int(typed)
    number = find_number(typed)
    found = session.scalar(select(RecordRow.id).where(RecordRow.number == number)) if number else None
    if found is None:
        raise Refused("没有这条记录：请填写记录编号，例如 SX- 开头的公开编号或者内部编号")
    return found


def _name_records(session: Session, rows: list[AuditRow]) -> dict[int, str]:
    ids = {row.record_id for row in rows if row.record_id is not None}
    return {row.id: name_record(row) for row in session.scalars(select(RecordRow).where(RecordRow.id.in_(ids)))}


def _line(row: AuditRow, about: Mapping[int, str], *, whole: bool) -> TrailLine:
    # Of anything but accounts an administrator is shown nothing.
    return TrailLine(
        id=row.id,
        at=row.at,
        actor=row.actor,
        action=name_action(row.action),
        record_id=row.record_id if whole else None,
        about=about.get(row.record_id) if row.record_id is not None else None,
        batch_id=row.batch_id if whole else None,
        details=describe({key: name_value(key, value) or say_value(value) for key, value in row.detail.items()}),
    )


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)

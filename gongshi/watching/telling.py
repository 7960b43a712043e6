"""Telling people: what a round found is written down for the desk, and mailed.

The mail goes first and the database second: where neither works it is said so, and tried again with the next round.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from random import Random

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gongshi.court import Court
from gongshi.settings import Settings
from gongshi.watching.alarm_words import write_mail
from gongshi.watching.alarms import (
    Comparison,
    Deadlines,
    Memory,
    Sheet,
    Trouble,
    choose,
    compare,
    may_send,
)
from gongshi.watching.finding import Finding
from gongshi.watching.mailing import NotMailed, send_mail
from gongshi.watching.memory import alone, read_memory, write_memory
from gongshi.watching.rounds import Seen
from registry import audit
from registry.acting import SYSTEM
from registry.alarm_sheet import count_alarmed
from registry.clocks import AlarmKind
from registry.tables import FindingRow
from search_index.day import day_of

_NO_MAIL = Finding("告警邮件", "warn", "没有设置 GONGSHI_ALARM_MAIL：发现的问题只显示在内部页面，没有人会收到邮件")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of telling. `mailed`: a mail went out; `is_told`: what is open stands on the desk, or was mailed now or before;
    `problem`: why no mail went though one had to."""

    open: tuple[Trouble, ...]
    mailed: bool = False
    is_told: bool = True
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What mails are written and sent with."""

    settings: Settings
    clock: Callable[[], datetime]
    random: Random
    court: str = "法院"
    training: bool = False
    environ: Mapping[str, str] | None = None

    def send(self, sheet: Sheet, sent: Sequence[datetime], now: datetime) -> int:
        """Mail `sheet`; how many addresses it did not reach. Raises NotMailed."""
        today = sum(day_of(at) == day_of(now) for at in sent)
        letter = write_mail(
            sheet,
            court=self.court,
            desk=f"https://{hosts[0]}" if (hosts := self.settings.desk_host_list) else None,
            now=now,
            is_last=today + 1 >= self.settings.alarm_daily,
        )
        environ = os.environ if self.environ is None else self.environ
        return send_mail(self.settings.alarm_addresses, letter, environ=environ, clock=self.clock, random=self.random)


def tell(court: Court, seen: Seen | None, *, daily: bool = False) -> Told:
    """Tell what was seen, and what the legal clocks say; without `seen` the latter and what is still to be told. Raises
    DBAPIError where the registry cannot be read. `daily`: it was looked closely."""
    now = court.now
    profile = court.profile()
    post = Post(
        settings=court.settings,
        clock=court.world.now,
        random=court.world.random,
        court=profile.court,
        training=profile.training,
    )
    with alone(court.private):
        before = memory = read_memory(court.private)
        with court.reading() as session:
            known, deadlines = _read_known(session), _read_deadlines(session)
        found = _add_own(seen, post)
        comparison = _compare(found, known, seen, now)
        memory, told, short = _mail(post, comparison, deadlines, memory, now)
        if short is not None and found is not None:
            comparison = _compare((*found, short), known, seen, now)
        if told or seen is not None:
            _note(court, comparison, told, now)
        if daily:
            memory = replace(memory, daily_at=now)
        if memory != before:
            write_memory(court.private, memory, now)
    return Told(open=comparison.open, mailed=bool(told), problem=short.text if short else None)


def tell_blind(post: Post, folder: Path, findings: Sequence[Finding]) -> Told:
    """Tell by mail alone what keeps the registry from being read, at once and then once a day."""
    now = post.clock()
    with alone(folder):
        memory = read_memory(folder)
        troubles = [
            Trouble(finding=one, since=now, told_at=memory.blind.get(one.digest))
            for one in findings
            if one.grade != "ok"
        ]
        sheet = choose(Comparison(open=tuple(troubles)), Deadlines(), replace(memory, mended=()), now)
        problem, sent = None, False
        if not post.settings.alarm_addresses:
            problem = _NO_MAIL.text
        elif sheet and may_send(memory.sent, now, post.settings.alarm_daily):
            try:
                post.send(sheet, memory.sent, now)
                sent = True
            except NotMailed as error:
                problem = str(error)
        if sent:
            blind = {**memory.blind, **{one.finding.digest: now for one in (*sheet.fresh, *sheet.still)}}
            try:
                write_memory(folder, replace(memory, sent=(*memory.sent, now), blind=blind), now)
            except OSError:
                # The disk may be what is broken; then it is told once more in an hour.
                problem = None
    return Told(open=tuple(troubles), mailed=sent, is_told=sent or not sheet, problem=problem)


def _add_own(seen: Seen | None, post: Post) -> tuple[Finding, ...] | None:
    if seen is None:
        return None
    return seen.findings if post.settings.alarm_addresses or post.training else (*seen.findings, _NO_MAIL)


def _compare(found: Sequence[Finding] | None, known: Sequence[Trouble], seen: Seen | None, now: datetime) -> Comparison:
    if found is None or seen is None:
        return Comparison(open=tuple(known))
    unknown = {one.finding.matter for one in known if seen.is_unknown(one.finding.matter)}
    return compare(found, known, unknown, now)


def _mail(
    post: Post, comparison: Comparison, deadlines: Deadlines, memory: Memory, now: datetime
) -> tuple[Memory, frozenset[tuple[str, str]], Finding | None]:
    """Mail what is to be told. Returns what to remember, the keys of what was told, and what is wrong with the mail."""
    sheet = choose(comparison, deadlines, memory, now)
    if not post.settings.alarm_addresses or post.training:
        return replace(memory, alarm=max(memory.alarm, deadlines.newest)), frozenset(), None
    memory = replace(memory, mended=sheet.mended, blind={})
    if not sheet or not may_send(memory.sent, now, post.settings.alarm_daily):
        return memory, frozenset(), None
    try:
        missed = post.send(sheet, memory.sent, now)
    except NotMailed as error:
        return memory, frozenset(), Finding("告警邮件", "fail", f"发不出去：{error}")
    memory = replace(
        memory,
        sent=(*memory.sent, now),
        mended=(),
        sheet_at=now if sheet.deadlines else memory.sheet_at,
        alarm=max(memory.alarm, deadlines.newest) if sheet.deadlines else memory.alarm,
    )
    told = frozenset(one.key for one in (*sheet.fresh, *sheet.still))
    short = Finding("告警邮件", "warn", f"{missed} 个地址没有收到：请检查 GONGSHI_ALARM_MAIL") if missed else None
    return memory, told, short


def _read_known(session: Session) -> list[Trouble]:
    return [
        Trouble(
            finding=_Kept(row.matter, "fail" if row.grade == "fail" else "warn", row.text, row.text_digest),
            since=row.since,
            told_at=row.told_at,
            is_read=row.read_at is not None,
            id=row.id,
        )
        for row in session.scalars(select(FindingRow))
    ]


@dataclass(frozen=True, slots=True)
class _Kept(Finding):
    """A finding as it was written down, under the digest that it had then."""

    kept: str = ""

    @property
    def digest(self) -> str:
        return self.kept


def _read_deadlines(session: Session) -> Deadlines:
    counts, newest = count_alarmed(session)
    return Deadlines(
        over=counts[AlarmKind.OVER], hidden=counts[AlarmKind.ACTED], near=counts[AlarmKind.NEAR], newest=newest
    )


def _note(court: Court, comparison: Comparison, told: frozenset[tuple[str, str]], now: datetime) -> None:
    """Write down what is open for the desk, and what came and went in the audit trail."""
    with court.session() as session:
        ids = [one.id for one in comparison.gone]
        if ids:
            session.execute(delete(FindingRow).where(FindingRow.id.in_(ids)))
        for one in comparison.gone:
            _audit(session, now, "finding_over", one)
        for one in comparison.open:
            row = session.get(FindingRow, one.id) if one.id is not None else None
            if row is None:
                row = FindingRow(
                    matter=one.key[0], text_digest=one.finding.digest, since=one.since, told_at=one.told_at
                )
                session.add(row)
                _audit(session, now, "finding", one)
            row.grade, row.text, row.seen_at = one.finding.grade, one.finding.text, now
            if one.key in told:
                row.told_at = now


def _audit(session: Session, now: datetime, action: str, one: Trouble) -> None:
    detail = {"finding": one.key[0], "grade": one.finding.grade}
    audit.note(session, now, SYSTEM, action, detail=detail)

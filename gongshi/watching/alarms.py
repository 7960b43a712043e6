"""What of the findings is new, what is still so, and what is in order again; and when somebody is to be told of it. Pure.

New trouble is told at once, what is still there once a day, what is mended with one line. Reminders that somebody has marked
as read are not repeated; faults are, until they are mended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta

from gongshi.watching.finding import Finding, find_worst, is_graver
from search_index.day import SHANGHAI, day_of

# No two mails follow one another faster: what happens meanwhile goes together.
BETWEEN = timedelta(minutes=10)
# What is still there is told in the morning.
MORNING = time(8)
LONGEST_MATTER = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A finding that is not as it should be, and what is known of it: since when, when it was told by mail, and whether
    somebody has marked it as read. `id` is None as long as it is not written down."""

    finding: Finding
    since: datetime
    told_at: datetime | None = None
    is_read: bool = False
    id: int | None = None

    @property
    def key(self) -> tuple[str, str]:
        return (self.finding.matter[:LONGEST_MATTER], self.finding.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`open`: all that is not in order, the gravest first; `gone`: what was written down and is so no longer; `mended`: the
    matters of which nothing is left."""

    open: tuple[Trouble, ...]
    gone: tuple[Trouble, ...] = ()
    mended: tuple[str, ...] = ()

    @property
    def new(self) -> tuple[Trouble, ...]:
        return tuple(one for one in self.open if one.id is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """What the legal clocks of the court tell: how many duties are over, how many entries the product hid by itself, how
    many are near. `newest` is the number of the newest alarm of something that is over or was hidden."""

    over: int = 0
    hidden: int = 0
    near: int = 0
    newest: int = 0

    @property
    def total(self) -> int:
        return self.over + self.hidden + self.near


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What was mailed: the times of the mails of the last day, when deadlines were last told, and up to which alarm; the
    mended matters that nobody was told of yet; when it was last looked closely; and, of a home whose database cannot be
    read, what was told when."""

    sent: tuple[datetime, ...] = ()
    sheet_at: datetime | None = None
    alarm: int = 0
    mended: tuple[str, ...] = ()
    daily_at: datetime | None = None
    blind: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What one mail tells. Empty where nobody has to be told anything."""

    fresh: tuple[Trouble, ...] = ()
    still: tuple[Trouble, ...] = ()
    mended: tuple[str, ...] = ()
    deadlines: Deadlines | None = None

    def __bool__(self) -> bool:
        return bool(self.fresh or self.still or self.mended or self.deadlines)


def compare(
    findings: Iterable[Finding], known: Sequence[Trouble], unknown: Collection[str], now: datetime
) -> Comparison:
    """Hold what was found against what was written down. Of the matters `unknown` nothing is known this time: what was
    written down of them stands."""
    before = {one.key: one for one in known}
    found: dict[tuple[str, str], Trouble] = {}
    for finding in findings:
        if finding.grade != "ok":
            fresh = Trouble(finding=finding, since=now)
            old = before.get(fresh.key)
            found[fresh.key] = fresh if old is None else _carry_on(old, finding)
    for one in known:
        if one.finding.matter in unknown:
            found.setdefault(one.key, one)
    gone = tuple(one for one in known if one.key not in found)
    still = {one.finding.matter[:LONGEST_MATTER] for one in found.values()}
    mended = sorted({one.finding.matter for one in gone} - still)
    order = sorted(
        (_calm(one, gone) for one in found.values()), key=lambda one: (one.finding.grade != "fail", one.since)
    )
    return Comparison(open=tuple(order), gone=gone, mended=tuple(mended))


def choose(comparison: Comparison, deadlines: Deadlines, memory: Memory, now: datetime) -> Sheet:
    """What is to be told now."""
    fresh = tuple(one for one in comparison.open if one.told_at is None)
    morning = tuple(one for one in comparison.open if one.told_at is not None and _is_due_again(one, now))
    urgent = deadlines.newest > memory.alarm
    is_sheet_due = deadlines.total > 0 and _is_next_morning(memory.sheet_at, now)
    mended = tuple(sorted({*memory.mended, *comparison.mended} - {one.finding.matter for one in comparison.open}))
    return Sheet(fresh=fresh, still=morning, mended=mended, deadlines=deadlines if urgent or is_sheet_due else None)


def may_send(sent: Sequence[datetime], now: datetime, daily: int) -> bool:
    """Whether another mail may go: ten minutes after the last one, and at most `daily` a day. A clock that was set back
    keeps nothing in."""
    if any(timedelta() <= now - at < BETWEEN for at in sent):
        return False
    return sum(day_of(at) == day_of(now) for at in sent) < daily


def worst(comparison: Comparison) -> str:
    """How grave the worst of it is."""
    return find_worst(one.finding.grade for one in comparison.open)


def _carry_on(old: Trouble, finding: Finding) -> Trouble:
    return Trouble(finding=finding, since=old.since, told_at=old.told_at, is_read=old.is_read, id=old.id)


def _calm(one: Trouble, gone: Sequence[Trouble]) -> Trouble:
    """What was a fault and is a reminder now is no news: it counts as told with the fault."""
    graver = [
        old.told_at
        for old in gone
        if old.finding.matter == one.finding.matter and old.told_at and is_graver(old.finding.grade, one.finding.grade)
    ]
    return replace(one, told_at=max(graver)) if one.id is None and graver else one


def _is_due_again(one: Trouble, now: datetime) -> bool:
    if one.is_read and one.finding.grade != "fail":
        return False
    return _is_next_morning(one.told_at, now)


def _is_next_morning(last: datetime | None, now: datetime) -> bool:
    if now.astimezone(SHANGHAI).time() < MORNING:
        return False
    return last is None or day_of(last) != day_of(now)

"""What left the list after the backup was made, put into the registry that came back, before any public store exists.

A line of the witness log is carried out as it was decided then: same ground, same day, same person. What cannot be (its
details cannot be read, it was a correction whose words may have been wrong) is held: nobody sees the entry until a person
has looked. Nothing here shows anything that the backup did not show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gongshi.safety.witness_lines import BEGIN, Contents, Line, split_undone
from registry import audit, journal
from registry.acting import SYSTEM, Acting
from registry.clockwork import Clockwork
from registry.departing import Grounds, NotPermitted, take_down
from registry.emergency import take_again
from registry.ending import end_record, is_over
from registry.lifecycle import Action, NotAllowed
from registry.moving import follow_departures, keep_stage
from registry.policy import Policy
from registry.record import State
from registry.tables import AuditRow, JournalRow, MatterRow, RecordRow
from registry.witnessing import Kind
from search_index.emergency import SUBJECT
from search_index.journal import ChangeType
from search_index.profile import Profile

EPOCH = 1_000_000
_JUST_BEFORE = timedelta(minutes=10)
_ABOUT_RECORDS = frozenset({Kind.GONE, Kind.CORRECTED, Kind.INSIDE})
_ACTIONS = {State.HELD: Action.HOLD, State.WITHDRAWN: Action.WITHDRAW, State.REMOVED: Action.REMOVE}
UNREADABLE = "从备份恢复：备份之后已退出公布，详情无法读出，先行屏蔽，待核对"
CORRECTED = "从备份恢复：备份之后作过更正，更正的内容须重新办理，先行屏蔽"
UNCONFIRMED = "从备份恢复：备份之后可能已退出公布，日志未能证实，先行屏蔽，待核对"
OLD_STORE = "从备份恢复：原公示库中已经退出，先行屏蔽，待核对"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One line that is to be carried out: `line` itself, or, with `hold`, a hold for this reason in its place."""

    line: Line
    hold: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done, in order; the newest profile; subjects that were taken away; what was hidden on the portal in need
    and not shown again, by its key."""

    tasks: tuple[Task, ...] = ()
    profile: Mapping[str, Any] | None = None
    subjects: tuple[tuple[str, str], ...] = ()
    emergencies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    highest: int = 0


@dataclass(slots=True)
class Replayed:
    """What was done: public numbers of entries that departed as then, that are held for a person, and that this registry
    does not know."""

    departed: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    already: int = 0
    inside: int = 0


def plan_replay(contents: Contents, position: int, made_at: datetime) -> Plan:
    """What the lines of a witness log ask of a registry whose journal ends at `position` and that was copied at `made_at`.
    Pure: lines in, tasks out."""
    stand, undone = split_undone(contents.lines)
    after = [line for line in stand if _is_after(line, position, made_at)]
    doubtful = [line for line in undone if _is_after(line, position, made_at)]
    ends = {key: line for line in after if line.type in (Kind.GONE, Kind.INSIDE) and (key := _key(line))}
    tasks = [Task(line=line, hold=_why_held(line)) for line in after if line.type in _ABOUT_RECORDS]
    # Of what departed later nobody has to enter a correction anew.
    tasks = [
        task
        for task in tasks
        if task.line.type != Kind.CORRECTED or (key := _key(task.line)) not in ends or ends[key].at < task.line.at
    ]
    known = {_key(task.line) for task in tasks}
    tasks += [
        Task(line=line, hold=UNCONFIRMED)
        for line in doubtful
        if line.type in _ABOUT_RECORDS and _key(line) not in known
    ]
    # A full disk cuts a line short and keeps no departure back.
    tasks += [
        Task(line=Line(number=0, type=Kind.GONE, at=made_at, position=place, record=record, rest={}), hold=UNCONFIRMED)
        for place, record in sorted(contents.cut)
        if place > position and record not in known
    ]
    profiles = [line.rest.get("profile") for line in after if line.type == Kind.PROFILE]
    subjects = {
        (str(line.rest.get("subject")), str(line.rest.get("key"))): None
        for line in after
        if line.type == Kind.SUBJECT and line.rest.get("subject") and line.rest.get("key")
    }
    highest = max((line.sequence or 0 for line in contents.lines), default=0)
    return Plan(
        tasks=tuple(tasks),
        profile=profiles[-1] if profiles else None,
        subjects=tuple(subjects),
        emergencies=_find_emergencies(after),
        highest=highest,
    )


Place = tuple[int, str | None]
"""Where in the journal something left, and which entry."""


def is_complete(copies: Sequence[Contents], position: int, gone: Iterable[Place]) -> bool:
    """Whether one copy of the log, by itself, tells of everything after `position`. `gone` are the departures that the backup
    knows: what lacks one of them, or what another copy tells, was not written all the time."""
    known = list_known(copies, gone)
    return any(
        copy.begins is not None and copy.begins <= position and not copy.faults and not is_lacking(copy, known)
        for copy in copies
    )


def list_known(copies: Iterable[Contents], gone: Iterable[Place]) -> frozenset[Place]:
    """All that the backup and the copies together know of."""
    told = {
        (line.position, line.record)
        for copy in copies
        for line in copy.lines
        if line.position is not None and line.type != BEGIN
    }
    return frozenset({*gone, *told})


def is_lacking(copy: Contents, known: Iterable[Place]) -> bool:
    """Whether a copy lacks what it should tell of."""
    told = {(line.position, line.record) for line in copy.lines}
    begins = copy.begins or 0
    return any(place[0] > begins and place not in told for place in known)


def tells_all(copy: Contents, known: Iterable[Contents], made_at: datetime) -> bool:
    """Whether a copy of the log of what was sent tells, by itself, of everything since `made_at`: it begins before, nothing
    of it is missing, and it has what the backup's own log and the other copies (`known`) have."""
    begun = min((line.at for line in copy.lines if line.type == BEGIN), default=None)
    if begun is None or begun > made_at or copy.faults:
        return False
    told = {line.identity for line in copy.lines}
    return all(
        line.identity in told for other in known for line in other.lines if line.type != BEGIN and line.at >= begun
    )


def list_gone(session: Session, position: int) -> list[Place]:
    """The departures of the journal until `position`: where in it, and which entry."""
    query = select(JournalRow.position, JournalRow.record).where(
        JournalRow.type == ChangeType.GONE.value, JournalRow.position <= position
    )
    return [(place, record) for place, record in session.execute(query)]


def next_epoch(*told: int) -> int:
    """The last sequence before a new epoch: beyond everything that anybody can have seen. What was published after the
    backup took numbers that no log keeps, so it is a round number far above those that are known."""
    return (max(told) // EPOCH + 1) * EPOCH


def carry_out(session: Session, plan: Plan, policy: Policy, clockwork: Clockwork, now: datetime) -> Replayed:
    """Carry out a plan in one transaction of the registry; each is written down in the audit trail as replayed."""
    done = Replayed()
    for task in plan.tasks:
        _carry_out(session, task, policy, clockwork, now, done)
    if plan.profile is not None:
        _keep_profile(session, plan.profile, now)
    for subject, key in plan.subjects:
        journal.append_subject(session, now, subject, key, None)
    for key, body in plan.emergencies.items():
        take_again(session, key, body, Acting(actor=SYSTEM, now=now, clockwork=clockwork))
    return done


def hold_record(session: Session, row: RecordRow, basis: str, clockwork: Clockwork, at: datetime) -> bool:
    """Hold a record for a reason of the restoration; False where it is not to be seen anyway."""
    acting = Acting(actor=SYSTEM, now=at, clockwork=clockwork)
    grounds = Grounds(ground=None, basis=basis, arose_on=acting.today, known_on=acting.today)
    try:
        take_down(session, row, Action.HOLD, grounds, acting)
    except NotAllowed:
        return False
    return True


def hold_departed(
    session: Session, tombstones: Mapping[str, datetime], shown: Iterable[str], clockwork: Clockwork, now: datetime
) -> list[str]:
    """Hold what an old store of the public side knows to have gone, or does not know at all, and this registry would show.
    `shown` are the entries that the old store shows. Returns their numbers."""
    visible = frozenset(shown)
    query = select(RecordRow).where(RecordRow.state == State.PUBLISHED.value).order_by(RecordRow.id)
    held = []
    for row in session.scalars(query).all():
        if row.number is None or row.number in visible:
            continue
        if hold_record(session, row, OLD_STORE, clockwork, tombstones.get(row.number, now)):
            held.append(row.number)
    return held


def _find_emergencies(lines: Iterable[Line]) -> Mapping[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for line in lines:
        key, body = str(line.rest.get("key")), line.rest.get("body")
        if line.type == Kind.EMERGENCY and isinstance(body, Mapping):
            found[key] = body
        elif line.type == Kind.SUBJECT and line.rest.get("subject") == SUBJECT:
            found.pop(key, None)
    return found


def _is_after(line: Line, position: int, made_at: datetime) -> bool:
    if line.type == BEGIN:
        return False
    # What was decided a moment before the copy and committed behind it is not in it.
    return line.position > position if line.position is not None else line.at >= made_at - _JUST_BEFORE


def _key(line: Line) -> str:
    """The record that a line is about."""
    return line.record or f"{line.rest.get('identity')} {line.rest.get('case_key')}"


def _why_held(line: Line) -> str | None:
    return CORRECTED if line.type == Kind.CORRECTED else None


def _carry_out(
    session: Session, task: Task, policy: Policy, clockwork: Clockwork, now: datetime, done: Replayed
) -> None:
    line = task.line
    row = _find(session, line)
    if row is None:
        done.unknown.append(line.record or "")
        return
    if _is_known(session, row, line):
        done.already += 1
        return
    was_public = row.state == State.PUBLISHED.value
    before = row.state
    if task.hold is not None or not _repeat(session, row, line, policy, clockwork):
        hold_record(session, row, task.hold or UNREADABLE, clockwork, line.at)
    if row.state == before:
        done.already += 1
        return
    detail = {"position": line.position, "at": line.at.isoformat(), "state": row.state}
    audit.note(session, now, SYSTEM, "replayed", record=row.id, detail=detail)
    if not was_public:
        done.inside += 1
    elif task.hold is not None or (row.state == State.HELD.value and line.rest.get("state") != State.HELD.value):
        done.held.append(row.number or "")
    else:
        done.departed.append(row.number or "")


def _find(session: Session, line: Line) -> RecordRow | None:
    number = line.record or line.rest.get("number")
    if number:
        row = session.scalars(select(RecordRow).where(RecordRow.number == number).with_for_update()).first()
        if row is not None:
            return row
    # Published after the backup, it has no number in it, and would be published once more.
    identity, case = line.rest.get("identity"), line.rest.get("case_key")
    if not identity or not case:
        return None
    query = select(RecordRow).where(RecordRow.identity == identity, RecordRow.case_key == case)
    return session.scalars(query.order_by(RecordRow.listing.desc()).with_for_update()).first()


def _is_known(session: Session, row: RecordRow, line: Line) -> bool:
    """Whether the backup holds what a line without a place in the journal tells: each step of it is in its audit trail."""
    steps = {(str(move.get("action")), datetime.fromisoformat(move["at"])) for move in line.rest.get("moves", ())}
    if line.position is not None or not steps:
        return False
    query = select(AuditRow.action, AuditRow.at).where(
        AuditRow.record_id == row.id, AuditRow.at.in_([at for _, at in steps])
    )
    return steps <= {(action, at) for action, at in session.execute(query)}


def _repeat(session: Session, row: RecordRow, line: Line, policy: Policy, clockwork: Clockwork) -> bool:
    """Do to a record what was done then; False where that cannot be done again."""
    try:
        state = State(line.rest["state"])
        acting = Acting(actor=str(line.rest.get("actor") or SYSTEM), now=line.at, clockwork=clockwork)
        if state is State.EXPIRED:
            return _expire(session, row, policy, acting)
        if (until := line.rest.get("grace_until")) and not state.has_departed:
            row.grace_until = max(row.grace_until or date.min, date.fromisoformat(until))
            if State(row.state) is State.APPROVED and state is State.APPROVED:
                keep_stage(row, acting.today)
                return True
        action = _ACTIONS.get(state)
        if action is None:
            return False
        with session.begin_nested():
            take_down(
                session, row, action, _grounds(session, line, action, acting), acting, matter=_matter(session, line)
            )
    except (NotAllowed, NotPermitted, KeyError, ValueError, TypeError):
        return State(row.state).has_departed
    return True


def _expire(session: Session, row: RecordRow, policy: Policy, acting: Acting) -> bool:
    if not is_over(row, policy, acting.now):
        return False
    was_public, number = row.state == State.PUBLISHED.value, row.number
    end_record(session, row, policy, acting)
    if was_public and number:
        entries = journal.append_changes(session, acting.now, [journal.Change(type=ChangeType.GONE, record=number)])
        follow_departures(session, entries, acting)
    return True


def _grounds(session: Session, line: Line, action: Action, acting: Acting) -> Grounds:
    """Why, as the decision of then says. Raises KeyError or ValueError where it does not."""
    decided = [one for one in line.rest.get("decisions", ()) if one.get("action") == action.value]
    found = decided[-1] if decided else None
    if found is None:
        raise KeyError(action)
    moves = [move for move in line.rest.get("moves", ()) if move.get("action") == action.value]
    detail = moves[-1].get("detail", {}) if moves else {}
    return Grounds(
        ground=found.get("ground"),
        basis=str(found["basis"]),
        arose_on=date.fromisoformat(found["arose_on"]),
        known_on=date.fromisoformat(found["known_on"]),
        confirmation=detail.get("confirmation"),
        queries=tuple(date.fromisoformat(day) for day in detail.get("queries", ())),
    )


def _matter(session: Session, line: Line) -> int | None:
    """The matter in which it was decided, where the backup has it."""
    numbers = [one.get("matter_id") for one in line.rest.get("decisions", ())]
    number = numbers[-1] if numbers else None
    return number if number is not None and session.get(MatterRow, number) is not None else None


def _keep_profile(session: Session, body: Mapping[str, Any], now: datetime) -> None:
    """The newest profile holds again, but for the key that submissions are sealed to: that one is the backup's."""
    known = journal.newest_profile(session)
    found = Profile.from_json({**body, "sealing_key": known.sealing_key, "training": known.training})
    if found != known:
        journal.append_profile(session, now, found)
        audit.note(session, now, SYSTEM, "replayed", detail={"profile": True})


def list_numbers(values: Sequence[str]) -> list[str]:
    """Public numbers once each, in order, for the page."""
    return sorted({value for value in values if value})

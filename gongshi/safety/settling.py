"""What a home that came back from a backup goes through before people look at it: the tables of this version, the departures
that the backup does not know, the messages that have gone since. Each step is one transaction and is told apart when it is
met again, so that a restoration that is killed goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gongshi.court import Court
from gongshi.founding import refresh_rows
from gongshi.office import init_office, open_office
from gongshi.safety import replaying
from gongshi.safety.old_store import OldStore, read_old_store
from gongshi.safety.restored import Restored, Step, read_state, write_state
from gongshi.safety.sent_log import CALLING, ENDED, HANDED, read_copy
from gongshi.safety.witness import read_departures
from gongshi.safety.witness_lines import BEGIN, Contents, Line, Log, unite
from notifier.context import Notifier
from notifier.reconciling import Listed, Sent, free_notice_keys, hold_unsure, is_marked, mark, read_mark, reconcile
from notifier.states import Purpose
from notifier.stops import open_digest
from registry import audit, journal
from registry.acting import SYSTEM
from registry.database import migrate
from registry.record import State
from registry.tables import AuditRow, JournalRow, NoticeRow, RecordRow
from search_index.database import sqlite_file
from search_index.durable import write_private
from search_index.store import StoreWriter

WITNESSES = "restored"
"""The folder of the registry in which a restoration keeps what it was told by."""
RESTORED = "restored"
_RESULT = "replayed.json"
_SENT_LACKING = "sent.log 不完整，或者不是备份以后的：不能说明备份以后发出了什么，等待发送的一律列为结果不明"
_LACKING = "有一份 departures.log 缺少备份或者另一份中已有的退出：它中途停过，不能单凭它说明谁已退出"
Tell = Callable[[str], None]


def witness_folder(private: Path, state: Restored) -> Path:
    """Where the logs lie that a restoration goes by."""
    return private / WITNESSES / state.id


def newest_witnesses(private: Path) -> Path | None:
    """Where the newest restoration keeps what it was told by. Their names begin with the time."""
    found = sorted(path for path in (private / WITNESSES).glob("*") if path.is_dir())
    return found[-1] if found else None


def settle(court: Court, tell: Tell) -> Restored:
    """Take a placed home to where it waits for two people. Raises StateUnreadable, VaultError, NewerDatabase."""
    state = read_state(court.private)
    if state is None:
        raise LookupError("no restoration is under way")
    court.reopening = True
    if state.step is Step.PLACED:
        tell("升级数据库到本版本")
        bring_to_version(court)
        tell("补办备份以后的退出")
        state = _replay(court, state)
        write_state(court.private, state)
    if state.step is Step.REPLAYED:
        tell("核对备份以后发出的消息")
        state = _reconcile(court, state)
        write_state(court.private, state)
    if state.step is Step.RECONCILED:
        state = state.at(Step.WAITING, **_find_open_questions(court, state))
        write_state(court.private, state)
    return state


def bring_to_version(court: Court) -> None:
    """Bring the databases that came with a backup to this version. Raises NewerDatabase."""
    _shut_store(court)
    migrate(court.settings.registry_database)
    init_office(court)
    refresh_rows(court)


def _shut_store(court: Court) -> None:
    """A store of the public side that outlived its registry shows nothing until the home is opened."""
    if sqlite_file(court.settings.disclosed_database) is None:
        writer = StoreWriter(court.settings.disclosed_database)
        writer.create()
        writer.set_shut(shut=True)
        writer.close()


# --- departures ---------------------------------------------------------------------------------------------------


def _replay(court: Court, state: Restored) -> Restored:
    folder = witness_folder(court.private, state)
    copies = _read_copies(folder, "departures", lambda path: read_departures(path, court.settings.key_file))
    contents = unite(copies)
    made_at = datetime.fromisoformat(state.made_at)
    plan = replaying.plan_replay(contents, state.position, made_at)
    with court.reading() as session:
        gone = replaying.list_gone(session, state.position)
    complete = replaying.is_complete(copies, state.position, gone)
    known = replaying.list_known(copies, gone)
    is_lacking = any(replaying.is_lacking(copy, known) for copy in copies if copy.lines)
    old = read_old_store(folder / "disclosed.db")
    # A store that is older than the backup knows less than it.
    old = old if old is not None and old.is_newer_than(state.sequence, made_at) else None
    sent = _read_sent(court, state)
    result = folder / _RESULT
    with court.turns.go_ahead(), court.session() as session:
        if not _is_replayed(session, state):
            told = replaying.next_epoch(*_known_sequences(session, plan, old, sent, state))
            journal.leap(session, told)
            audit.note(session, court.now, SYSTEM, "journal_leap", detail={"sequence": told + 1})
            done = replaying.carry_out(session, plan, court.policy(), court.clockwork, court.now)
            held = _hold_by_store(session, court, old)
            found = {**asdict(done), "held": [*done.held, *held], **_find_lost(session, old)}
            write_private(result, json.dumps(found, ensure_ascii=False))
            detail = {
                "id": state.id,
                "backup": state.backup,
                "position": state.position,
                "departed": len(done.departed),
            }
            audit.note(session, court.now, SYSTEM, RESTORED, detail={**detail, "held": len(found["held"])})
    found = json.loads(result.read_text("utf-8"))
    for name in ("departed", "held", "unknown"):
        found[name] = replaying.list_numbers(found[name])
    last = max((line.at for line in contents.lines if line.type != BEGIN), default=None)
    return replace(state, departures=complete, public=old is not None).at(
        Step.REPLAYED,
        **found,
        faults=[
            *contents.faults,
            *([_LACKING] if is_lacking else []),
            *(["日志最后一行不完整（断电所致），没有采用"] if contents.torn else []),
        ],
        log_until=last.isoformat() if last else None,
        log_complete=complete,
        store_until=old.known_until.isoformat() if old and old.known_until else None,
    )


def _is_replayed(session: Session, state: Restored) -> bool:
    lines = session.scalars(select(AuditRow).where(AuditRow.action == RESTORED))
    return any(line.detail.get("id") == state.id for line in lines)


def _known_sequences(
    session: Session, plan: replaying.Plan, old: OldStore | None, sent: Iterable[Sent], state: Restored
) -> list[int]:
    known = [journal.head(session)[1], state.sequence, plan.highest, *(one.sequence for one in sent)]
    return [*known, old.highest] if old else known


def _hold_by_store(session: Session, court: Court, old: OldStore | None) -> list[str]:
    return (
        [] if old is None else replaying.hold_departed(session, old.tombstones, old.shown, court.clockwork, court.now)
    )


def _find_lost(session: Session, old: OldStore | None) -> dict[str, Any]:
    """Entries that were published after the backup: the registry does not know them, and they have to be imported anew."""
    if old is None:
        return {"lost": []}
    numbers = select(RecordRow.number).where(RecordRow.number.is_not(None))
    return {"lost": sorted(old.shown - set(session.scalars(numbers)))}


def _read_copies(folder: Path, name: str, read: Callable[[Path], Contents]) -> list[Contents]:
    return [read(path) for path in sorted(folder.glob(f"{name}*.log"))]


# --- messages -----------------------------------------------------------------------------------------------------


def _read_sent(court: Court, state: Restored) -> list[Sent]:
    since = datetime.fromisoformat(state.made_at)
    lines = unite(_read_sent_copies(court, state)).lines
    return gather(line for line in lines if line.type != BEGIN and line.at >= since - _MARGIN)


def _read_sent_copies(court: Court, state: Restored) -> list[Contents]:
    key = court.settings.notifier / "witness.key"
    folder = witness_folder(court.private, state)
    return _read_copies(folder, "sent", lambda path: read_copy(path, key)) if key.exists() else []


def _has_all_sent(court: Court, state: Restored, copies: Sequence[Contents]) -> bool:
    """Whether one copy of the log, by itself, tells of everything that was sent after the backup."""
    own = (
        read_copy(court.settings.notifier / Log.SENT, court.settings.notifier / "witness.key") if copies else Contents()
    )
    made_at = datetime.fromisoformat(state.made_at)
    return any(replaying.tells_all(copy, [own, *copies], made_at) for copy in copies)


_MARGIN = datetime.resolution * 60_000_000  # a minute: the notifier is copied after the registry


def gather(lines: Iterable[Line]) -> list[Sent]:
    """What the lines of a log of what was sent say of each message: its last call, and how that ended. Pure."""
    found: dict[tuple[str, bool], Sent] = {}
    ends: dict[tuple[str, int], tuple[str | None, str | None]] = {}
    for line in lines:
        rest = line.rest
        if line.type == ENDED:
            key = str(rest["dispatch"]), int(rest["attempt"])
            ends[key] = rest.get("outcome"), rest.get("reference") or ends.get(key, (None, None))[1]
        elif line.type == CALLING:
            known = found.get((rest["dispatch"], False))
            if known is None or int(rest["attempt"]) >= known.attempt:
                found[rest["dispatch"], False] = _to_sent(line)
        elif line.type == HANDED:
            found[f"{rest['dispatch']} {rest['revision']}", True] = _to_handed(line)
    done = []
    for one in found.values():
        outcome, reference = ends.get((one.dispatch, one.attempt), (one.outcome, one.reference))
        done.append(one if one.is_fetched else replace(one, outcome=outcome, reference=reference))
    return sorted(done, key=lambda one: (one.called_at, one.dispatch))


def _to_sent(line: Line) -> Sent:
    rest = line.rest
    return Sent(
        dispatch=str(rest["dispatch"]),
        attempt=int(rest["attempt"]),
        purpose=str(rest["purpose"]),
        channel=str(rest["channel"]),
        recipient=str(rest.get("recipient") or ""),
        called_at=line.at,
        meanings=tuple(rest.get("meanings") or ()),
        period=rest.get("period") if rest["purpose"] == Purpose.PACKAGE else None,
        kind=rest.get("kind"),
        revision=int(rest.get("revision") or 0),
        sequence=int(rest.get("sequence") or 0),
    )


def _to_handed(line: Line) -> Sent:
    rest = line.rest
    return Sent(
        dispatch=str(rest["dispatch"]),
        attempt=0,
        purpose=Purpose.PACKAGE,
        channel="",
        recipient=str(rest["recipient"]),
        called_at=line.at,
        period=str(rest["period"]),
        kind=str(rest["kind"]),
        revision=int(rest["revision"]),
        sequence=int(rest["sequence"]),
        outcome="delivered",
        is_fetched=True,
    )


def _reconcile(court: Court, state: Restored) -> Restored:
    office, sent = open_office(court), _read_sent(court, state)
    copies = _read_sent_copies(court, state)
    has_log = _has_all_sent(court, state, copies)
    faults = [*unite(copies).faults, *([_SENT_LACKING] if copies and not has_log else [])]
    listed = _find_listed(court, state)
    with court.reading() as session:
        last_notice = session.scalar(select(func.max(NoticeRow.id))) or 0
    digest = open_digest(office.engine)
    with Session(office.engine) as session, session.begin():
        if not is_marked(session, state.id):
            free_notice_keys(session, last_notice, state.id, court.now)
            done = reconcile(session, sent, listed, workdays=office.workdays, digest=digest, now=court.now)
            unsure = 0 if has_log else hold_unsure(session, court.now)
            body = {**asdict(done), "unknown": done.unknown + unsure}
            mark(session, state.id, json.dumps(body, ensure_ascii=False))
    told = [*state.found.get("faults", ()), *faults]
    return replace(state, sent=has_log).at(Step.RECONCILED, messages=_read_mark(office, state), faults=told)


def _read_mark(office: Notifier, state: Restored) -> dict[str, Any]:
    with Session(office.engine) as session:
        found: dict[str, Any] = json.loads(read_mark(session, state.id) or "{}")
    return found


def _find_listed(court: Court, state: Restored) -> Listed:
    """What a list that is lost may have held: what was public at the end of the backup's journal."""
    with court.reading() as session:
        shown = _shown_at(session, state.position)
    copies = _read_copies(
        witness_folder(court.private, state), "departures", lambda path: read_departures(path, court.settings.key_file)
    )
    left = {
        line.record: line.sequence
        for line in unite(copies).lines
        if line.type == "gone" and line.record and line.sequence and (line.position or 0) > state.position
    }
    return Listed(entries=shown, left=left, sequence=state.sequence)


def _shown_at(session: Session, position: int) -> Mapping[str, str | None]:
    """The entries that were public at a position of the journal, each with its case number."""
    newest = (
        select(JournalRow.record, func.max(JournalRow.position).label("last"))
        .where(JournalRow.record.is_not(None), JournalRow.position <= position)
        .group_by(JournalRow.record)
        .subquery()
    )
    query = (
        select(JournalRow.record, RecordRow.facts)
        .join(newest, (newest.c.record == JournalRow.record) & (newest.c.last == JournalRow.position))
        .outerjoin(RecordRow, RecordRow.number == JournalRow.record)
        .where(JournalRow.type != "gone")
    )
    return {record: (facts or {}).get("case_number") for record, facts in session.execute(query)}


# --- what people have to answer -----------------------------------------------------------------------------------


def _find_open_questions(court: Court, state: Restored) -> dict[str, Any]:
    """Where nothing tells what left since the backup: the batches whose entries would be shown, each with how many."""
    with court.reading() as session:
        shown = session.scalar(select(func.count()).where(RecordRow.state == State.PUBLISHED.value)) or 0
        batches = []
        if state.is_blind:
            query = (
                select(RecordRow.batch_id, func.count())
                .where(RecordRow.state == State.PUBLISHED.value)
                .group_by(RecordRow.batch_id)
                .order_by(RecordRow.batch_id)
            )
            batches = [[batch, count] for batch, count in session.execute(query)]
        return {"shown": shown, "batches": batches}

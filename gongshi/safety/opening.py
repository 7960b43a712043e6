"""Opening a home that came back from a backup: two people say so, and only then does the public see the list again.

Where nothing tells what left the list after the backup, their word also says what becomes of the entries that were public
then: shown as a whole, by batch, or held until a person has looked at each.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gongshi.court import Court
from gongshi.errorlog import log_error
from gongshi.office import open_office
from gongshi.pump import Progress, quiet
from gongshi.safety.closed import RestoringRefused
from gongshi.safety.replaying import hold_record
from gongshi.safety.restored import Agreement, Restored, Step, read_state, remove_marks, write_state
from notifier.fencing import count_open, fence_blindly
from notifier.reconciling import count_maybe_sent
from registry import audit, sealbox
from registry.acting import SYSTEM
from registry.ending import expire_some
from registry.journal_files import forget_files
from registry.publishing import reissue_some
from registry.record import State
from registry.staff import Role, require
from registry.tables import RecordRow
from registry.watch import act_on_due, list_due

ALL, NONE = "all", "none"
AGREED, OPENED = "restore_agree", "restore_open"
NOT_SHOWN = "从备份恢复：没有备份之后的退出记录，未经两人确认可以显示，先行屏蔽"
_CHOICE = re.compile(r"all|none|\d{1,9}(,\d{1,9})*", re.ASCII)
_CHUNK = 500
# How long messages that are made from what was restored may still come to be queued.
_ECHO = timedelta(hours=1)


class NotOpened(RestoringRefused):
    """The home cannot be opened so. The message is for who asked."""


def read_choice(state: Restored, typed: str | None) -> str:
    """What is to become of the entries, in one spelling. Raises NotOpened."""
    if not state.is_blind:
        if typed:
            raise NotOpened("备份以后的退出已经补办，不需要 --show")
        return ALL
    if not typed:
        raise NotOpened(
            "没有备份之后的退出记录（departures.log 或者原公示库）：请用 --show all（全部核对过、可以显示）、"
            "--show none（全部先行屏蔽，逐条核对）或者 --show 批次号,批次号（其余屏蔽）写明"
        )
    choice = typed.strip().lower().replace("，", ",").replace(" ", "")
    if not _CHOICE.fullmatch(choice):
        raise NotOpened("--show 应为 all、none，或者以逗号分隔的批次号")
    if choice in (ALL, NONE):
        return choice
    numbers = sorted({int(number) for number in choice.split(",")})
    known = {batch for batch, _ in state.found.get("batches", ())}
    if unknown := [number for number in numbers if number not in known]:
        raise NotOpened(f"没有公布过条目的批次：{'、'.join(map(str, unknown))}；请用 gongshi restore show 查看")
    return ",".join(map(str, numbers))


def agree(court: Court, actor: str, typed: str | None, progress: Progress = quiet) -> Restored | None:
    """One person's word. With the second one the home is opened, and nothing is returned. Raises NotOpened or StaffError."""
    state = read_state(court.private)
    if state is None:
        raise NotOpened("没有正在进行的恢复")
    if state.step not in (Step.WAITING, Step.OPENING):
        raise NotOpened("恢复还没有做完：请再次运行 gongshi restore，它会从中断处继续")
    court.reopening = True
    if state.step is Step.OPENING:
        with court.session() as session:
            require(session, actor, Role.REVIEWER, Role.ADMIN)
        _open(court, state, progress)
        return None
    choice = read_choice(state, typed)
    first = state.agreed
    with court.turns.go_ahead(), court.session() as session:
        require(session, actor, Role.REVIEWER, Role.ADMIN)
        if first is not None and first.by == actor:
            raise NotOpened(f"须由另一人同意：“{actor}”已经同意过")
        if first is not None and first.choice != choice:
            raise NotOpened(
                f"“{first.by}”同意的是 --show {first.choice}，两人所写须一致；要改的，请先由该人撤回重新同意"
            )
        audit.note(session, court.now, actor, AGREED, detail={"id": state.id, "show": choice})
    if first is None:
        state = replace(state, agreed=Agreement(by=actor, at=court.now.isoformat(), choice=choice))
        write_state(court.private, state)
        return state
    state = state.at(Step.OPENING, opened_by=[first.by, actor], choice=choice)
    write_state(court.private, state)
    _open(court, state, progress)
    return None


def take_back(court: Court, actor: str) -> None:
    """The first person takes the word back. Raises NotOpened or StaffError."""
    state = read_state(court.private)
    if state is None or state.step is not Step.WAITING or state.agreed is None or state.agreed.by != actor:
        raise NotOpened("没有可以撤回的同意")
    with court.turns.go_ahead(), court.session() as session:
        require(session, actor, Role.REVIEWER, Role.ADMIN)
        audit.note(session, court.now, actor, AGREED, detail={"id": state.id, "taken_back": True})
    write_state(court.private, replace(state, agreed=None))


def describe(court: Court, state: Restored) -> dict[str, Any]:
    """Everything that is known of a restoration, for the command and the page: public numbers and figures."""
    with Session(open_office(court).engine) as session:
        fenced, maybe = count_open(session), count_maybe_sent(session)
    return {
        "id": state.id,
        "step": state.step.value,
        "backup": state.backup,
        "made_at": state.made_at,
        "begun_at": state.begun_at,
        "blind": state.is_blind,
        "sent_log": state.sent,
        **state.found,
        "fenced": fenced,
        "maybe_sent": maybe,
        "agreed": None if state.agreed is None else {"by": state.agreed.by, "show": state.agreed.choice},
    }


def _open(court: Court, state: Restored, progress: Progress) -> None:
    """Each step may be repeated: what was killed goes on from its beginning."""
    if state.is_blind:
        _hold_unconfirmed(court, str(state.found.get("choice", NONE)))
    _end_what_is_due(court)
    _keep_box(court)
    if not state.sent:
        with Session(open_office(court).engine) as session, session.begin():
            fence_blindly(session, datetime.fromisoformat(state.begun_at), court.now + _ECHO)
    with court.session() as session:
        forget_files(session)
    court.pump.rebuild(replay=True, progress=progress)
    court.store_writer.note_pulse(court.now)
    court.store_writer.set_shut(shut=False)
    with court.turns.go_ahead(), court.session() as session:
        detail = {"id": state.id, "by": list(state.found.get("opened_by", ())), "show": state.found.get("choice")}
        audit.note(session, court.now, SYSTEM, OPENED, detail=detail)
    remove_marks(court.private, court.settings.notifier)
    court.reopening = False


def _hold_unconfirmed(court: Court, choice: str) -> None:
    shown = _batches(choice)
    while shown is not None:
        with court.turns.go_ahead(), court.session() as session:
            query = select(RecordRow).where(RecordRow.state == State.PUBLISHED.value, RecordRow.batch_id.not_in(shown))
            rows = session.scalars(query.order_by(RecordRow.id).limit(_CHUNK).with_for_update()).all()
            for row in rows:
                hold_record(session, row, NOT_SHOWN, court.clockwork, court.now)
        if not rows:
            return


def _end_what_is_due(court: Court) -> None:
    """Hide, end and issue anew in the registry what the days since the backup ask for, before there is a store to see it."""
    acting = court.acting(SYSTEM)
    failed: set[int] = set()
    while True:
        with court.reading() as session:
            due = list_due(session, acting, failed)
        if not due:
            break
        for record in due:
            try:
                with court.session() as session:
                    act_on_due(session, acting, record=record)
            except Exception as error:
                # It is not shown for want of a decision: the worker will say so again.
                log_error(error)
                failed.add(record)
                _hold_one(court, record)
    policy, looked_at = court.policy(), 1
    while looked_at:
        with court.session() as session:
            looked_at, _ = expire_some(session, policy, acting)
    looked_at = 1
    while looked_at:
        with court.session() as session:
            looked_at, _ = reissue_some(session, court.vault, policy, acting)


def _hold_one(court: Court, record: int) -> None:
    with court.session() as session:
        row = session.get(RecordRow, record)
        if row is not None:
            hold_record(session, row, NOT_SHOWN, court.clockwork, court.now)


def _batches(choice: str) -> Collection[int] | None:
    """The batches whose entries are shown; None: all of them."""
    if choice == ALL:
        return None
    return [] if choice == NONE else [int(number) for number in choice.split(",")]


def _keep_box(court: Court) -> None:
    """The drop folder, where the portal leaves what the public sends in."""
    sealbox.prepare_box(court.private / "keys" / "submissions.key", court.drop)

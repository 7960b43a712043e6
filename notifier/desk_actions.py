"""What a person can do on the desk. Each is a form that names who does it; what cannot be done is a sentence on the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime

from flask import Blueprint, request
from werkzeug import Response as ResponseValue

from notifier.desk_base import Desk, act, after
from notifier.desk_forms import FormRefused, read_choice, read_line, read_moment, read_optional
from notifier.desk_log import DeskAction, note_action
from notifier.desk_messages import find_changed, hide_address
from notifier.desk_pages import (
    read_period,
    show_message,
    show_messages,
    show_printings,
    show_recalls,
    show_run,
    show_runs,
)
from notifier.followups import (
    LETTERS,
    AckKind,
    Acknowledgement,
    WrongAcknowledgement,
    acknowledge,
    end_printing,
    list_follow_ups,
)
from notifier.recall import PublicMoment
from notifier.recipients import ListMoved, list_boards, note_printing
from notifier.runs import PeriodNotBegun, approve_run, push
from notifier.settling import Verdict, settle_by_person
from notifier.signing import SigningKeyError
from notifier.sms.numbers import InvalidNumber, to_e164
from notifier.states import Purpose
from notifier.stops import allow, resume_channel
from notifier.worker import find_announced_periods, find_due_periods, find_waiting
from search_index.document import Document
from search_index.journal import EntryChange

ANSWERED = (Purpose.PACKAGE, *LETTERS)
_RECORDS = re.compile(r"[\s,，;；、]+")
_MOST_RECORDS = 20_000
_MOST_READINGS = 5
_AT_ONCE = 5_000
_NAMED = 5


def add_actions(pages: Blueprint, desk: Desk) -> None:
    """The addresses that forms are sent to."""
    _add_message_actions(pages, desk)
    _add_run_actions(pages, desk)
    _add_answers(pages, desk)
    _add_printings(pages, desk)


def _add_message_actions(pages: Blueprint, desk: Desk) -> None:
    engine, note = desk.notifier.engine, _noting(desk)

    @pages.post("/messages/<int(max=999999999999):message_id>/settle")
    def settle(message_id: int) -> ResponseValue:
        def carry_out() -> str:
            by = desk.read_by()
            verdict = read_choice(request.form, "verdict", Verdict, "核实的结果")
            if not settle_by_person(engine, message_id, verdict, by=by, now=desk.now):
                raise FormRefused("这条消息的结果已经明确，不需要再核实", 409)
            note(DeskAction.SETTLE, f"消息{message_id}", by)
            return after(".message", "settled", message_id=message_id)

        return act(desk, lambda problem: show_message(desk, message_id, problem), carry_out)

    @pages.post("/channels/<name>/resume")
    def resume(name: str) -> ResponseValue:
        def carry_out() -> str:
            by = desk.read_by()
            if not resume_channel(engine, name):
                raise FormRefused("这个通道没有暂停", 409)
            note(DeskAction.RESUME, name, by)
            return after(".messages", "resumed")

        return act(desk, lambda problem: show_messages(desk, problem), carry_out)

    @pages.post("/addresses/allow")
    def allow_address() -> ResponseValue:
        def carry_out() -> str:
            by = desk.read_by()
            address = _read_address(read_line(request.form, "address", "地址", most=200))
            reason = read_line(request.form, "reason", "恢复的原因", most=100)
            if not allow(engine, address):
                raise FormRefused("这个地址没有停止发送，请核对号码或者地址", 404)
            note(DeskAction.ALLOW, f"{hide_address(address)}：{reason}", by)
            return after(".messages", "allowed")

        return act(desk, lambda problem: show_messages(desk, problem), carry_out)


def _add_run_actions(pages: Blueprint, desk: Desk) -> None:
    notifier, note = desk.notifier, _noting(desk)

    @pages.post("/runs/<period>/approve")
    def approve(period: str) -> ResponseValue:
        def carry_out() -> str:
            by = desk.read_by()
            asked = read_period(period)
            announced = find_announced_periods(notifier, desk.now)
            if asked not in {one.period for one in (*announced, *find_due_periods(notifier, desk.now))}:
                raise FormRefused("这一期现在没有等待批准的推送", 409)
            if not approve_run(notifier.engine, asked, by=by, now=desk.now):
                raise FormRefused("这一期已经批准过", 409)
            note(DeskAction.APPROVE, asked.label, by)
            return after(".runs", "approved")

        return act(desk, lambda problem: show_runs(desk, problem), carry_out)

    @pages.post("/runs/<period>/push")
    def push_now(period: str) -> ResponseValue:
        def carry_out() -> str:
            by = desk.read_by()
            asked = read_period(period)
            due = find_due_periods(notifier, desk.now)
            if asked not in {one.period for one in find_waiting(notifier.engine, due, desk.rules)}:
                raise FormRefused("这一期没有等待人工推送的名单", 409)
            try:
                push(notifier, asked, now=desk.now, made_by=by, random=desk.random)
            except (PeriodNotBegun, SigningKeyError) as error:
                raise FormRefused(str(error), 409) from None
            note(DeskAction.PUSH, asked.label, by)
            return after(".run", "pushed", period=str(asked))

        return act(desk, lambda problem: show_runs(desk, problem), carry_out)


def _add_answers(pages: Blueprint, desk: Desk) -> None:
    engine, note = desk.notifier.engine, _noting(desk)

    @pages.post("/messages/<int(max=999999999999):message_id>/acknowledge")
    def take_answer(message_id: int) -> ResponseValue:
        one = next((f for f in list_follow_ups(engine, ANSWERED) if f.message_id == message_id), None)
        period = str(one.period) if one is not None and one.period is not None else None

        def carry_out() -> str:
            given = _read_answer(desk)
            try:
                new = acknowledge(engine, message_id, given, now=desk.now)
            except WrongAcknowledgement as error:
                raise FormRefused(str(error), 409) from None
            if not new:
                raise FormRefused(f"“{given.kind.label}”的回执先前已经登记", 409)
            note(DeskAction.ACKNOWLEDGE, f"消息{message_id}：{given.kind.label}", given.noted_by)
            if period is not None:
                return after(".run", "acknowledged", period=period)
            return after(".recalls", "acknowledged")

        def show_page(problem: str | None) -> str:
            return show_run(desk, period, problem) if period is not None else show_recalls(desk, problem)

        return act(desk, show_page, carry_out)


def _add_printings(pages: Blueprint, desk: Desk) -> None:
    engine, note = desk.notifier.engine, _noting(desk)

    @pages.post("/printings")
    def put_up() -> ResponseValue:
        def carry_out() -> str:
            by = desk.read_by()
            board = request.form.get("board", "")
            if board not in {one.slug for one in list_boards(engine)}:
                raise FormRefused("请选择张贴栏或者电子屏")
            place = read_line(request.form, "place", "位置和内容", most=60)
            printed_at = read_moment(request.form, "printed_at", "打印或者制作的时间", desk.now)
            number, entries = _put_up(desk, board, place, printed_at, by)
            note(DeskAction.PRINT, f"张贴{number}：{place}，{entries}条", by)
            return after(".printings", "printed")

        return act(desk, lambda problem: show_printings(desk, problem), carry_out)

    @pages.post("/printings/<int(max=999999999999):printing_id>/down")
    def put_down(printing_id: int) -> ResponseValue:
        def carry_out() -> str:
            by = desk.read_by()
            if not end_printing(engine, printing_id, by=by, now=desk.now):
                raise FormRefused("这一件已经登记撤下", 409)
            note(DeskAction.TAKE_DOWN, f"张贴{printing_id}", by)
            return after(".printings", "taken-down")

        return act(desk, lambda problem: show_printings(desk, problem), carry_out)


def _noting(desk: Desk) -> Callable[[DeskAction, str, str], None]:
    """What puts on record what was done, to what, and by whom."""
    return lambda action, subject, by: note_action(desk.notifier.engine, action, subject, by=by, now=desk.now)


def _read_answer(desk: Desk) -> Acknowledgement:
    kind = read_choice(request.form, "kind", AckKind, "回执的内容")
    place = read_optional(request.form, "place", "位置或者时段", most=200)
    if place is None and kind is not AckKind.RECEIVED:
        raise FormRefused(f"登记“{kind.label}”时，请填写位置、时段或者网址")
    return Acknowledgement(
        kind=kind,
        given_by=read_line(request.form, "given_by", "对方的姓名或者岗位", most=30),
        given_at=read_moment(request.form, "given_at", "答复的时间", desk.now),
        place=place,
        noted_by=desk.read_by(),
    )


def _read_address(typed: str) -> str:
    """An address as it was sent to: a number in E.164, anything else as it is."""
    if "@" in typed or not re.fullmatch(r"[+\d\s().\-/]+", typed):
        return typed
    try:
        return to_e164(typed)
    except InvalidNumber as error:
        # Numbers of a training list exist nowhere else.
        if re.fullmatch(r"\+[1-9]\d{6,14}", typed):
            return typed
        raise FormRefused(f"地址不能识别：{error}") from None


def _put_up(desk: Desk, board: str, place: str, printed_at: datetime, by: str) -> tuple[int, int]:
    """Put on record what hangs: its number, and how many entries it shows."""
    moved: ListMoved | None = None
    for _ in range(_MOST_READINGS):
        sequence, documents = desk.notifier.register.everything(desk.now)
        shown = _choose(documents)
        _refuse_outdated(desk, printed_at, {document.record for document in shown})
        try:
            number = note_printing(
                desk.notifier.engine, board, shown, place=place, sequence=sequence, by=by, now=desk.now
            )
            return number, len(shown)
        except ListMoved as error:
            moved = error
    raise FormRefused(str(moved), 409)


def _refuse_outdated(desk: Desk, printed_at: datetime, shown: Collection[str]) -> None:
    """Raises FormRefused where the paper still says what has left the list, or was corrected, since it was printed:
    nobody would be told to take it down. Of the whole list anything may be on it, of chosen entries only those."""
    if desk.settings.store is None:
        return
    with desk.settings.store.snapshot(desk.now) as moment:
        changed = find_changed(_read_changes(moment), printed_at)
    if request.form.get("scope") == "some":
        changed = [record for record in changed if record in shown]
    if changed:
        more = f"等{len(changed)}条" if len(changed) > _NAMED else ""
        raise FormRefused(
            f"打印以后，{'、'.join(changed[:_NAMED])}{more}已退出公布或者更正：请重新打印张贴，再填写新的打印时间", 409
        )


def _read_changes(moment: PublicMoment) -> Iterator[EntryChange]:
    since = 0
    while changes := moment.changes(since, _AT_ONCE):
        yield from changes
        since = changes[-1].sequence


def _choose(documents: Sequence[Document]) -> Sequence[Document]:
    """What hangs: the whole list of now, or the records that were typed."""
    if request.form.get("scope") != "some":
        if request.form.get("scope") != "all":
            raise FormRefused("请选择张贴的是全部名单还是其中几条")
        return documents
    typed = [part.upper() for part in _RECORDS.split(request.form.get("records", "")) if part]
    if not typed:
        raise FormRefused("请填写张贴的公开编号，每行一个")
    if len(typed) > _MOST_RECORDS:
        raise FormRefused(f"一次最多登记{_MOST_RECORDS}条")
    known = {document.record: document for document in documents}
    unknown = [record for record in dict.fromkeys(typed) if record not in known]
    if unknown:
        more = f"等{len(unknown)}个编号" if len(unknown) > 3 else ""
        raise FormRefused(f"{'、'.join(record[:20] for record in unknown[:3])}{more}不在现在的名单中")
    return [known[record] for record in dict.fromkeys(typed)]

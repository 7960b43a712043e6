"""Matters on the desk: lists by kind, one matter with all that belongs to it, its papers, and collecting what came in."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, abort, request
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry.collecting import Collected, CollectingStopped, collect_submissions
from registry.desk import matter_acts, matter_new
from registry.desk.access import Access
from registry.desk.base import BROKEN, DONE, Desk, act, acts, after, note_read, reads, show
from registry.desk.matter_view import show_matter
from registry.desk.seeing import refuse_outsiders
from registry.desk.worklists import read_after
from registry.grounds import GROUND_LABEL
from registry.matters.lists import PAGE, MatterLine, count_open, list_closed, list_open
from registry.matters.states import (
    CHANNEL_LABEL,
    CLAIM_LABEL,
    KIND_LABEL,
    OUTCOME_LABEL,
    STATE_LABEL,
    TABLES,
    Channel,
    Claim,
    MatterKind,
    MatterState,
)
from registry.papers import FOLDER, PaperLost, Scanner, open_paper, open_scanner

DONE.update(
    {
        "collected": "线上提交已经收取，新收到的在下面的清单中。",
        "collected-none": "没有新的线上提交。",
        "collected-busy": "另一个程序正在收取，请稍后刷新。",
        "collected-waiting": "线上提交已经收取；有的文件现在不能读取或者扫描，留待下次收取，请告知系统管理员。",
        "registered": "已经登记。",
        "stepped": "已经办理，期限和进度见下面。",
        "linked": "已经关联失信信息。",
        "attached": "材料已经收下。",
        "ground-recorded": "退出事由已经登记，逾期没有决定的，系统将自动屏蔽。",
        "carried-out": "已经办理完毕，公众已看不到该失信信息。",
    }
)
_CLOSED = "closed"


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """GET /matters, /matters/<id>, /papers/<id>; POST /matters/collect; and those of matter_new and matter_acts."""

    @reads(pages, "/matters", Access.READ)
    def matters() -> str:
        return show_list(desk)

    @acts(pages, "/matters/collect", Access.WORK)
    def collect() -> ResponseValue:
        def carry_out() -> str:
            court: Any = desk.court
            collected = collect_submissions(court, desk.acting, scan=scanner_of(desk))
            with suppress(*BROKEN):
                desk.court.pump.feed_if_idle()
            return after("desk.matters", _word_of(collected))

        return act(lambda problem: show_list(desk, problem), carry_out, also=(CollectingStopped,))

    @reads(pages, "/matters/<int(max=2147483647):matter_id>", Access.READ)
    def matter(matter_id: int) -> str:
        return show_matter(desk, matter_id)

    @reads(pages, "/papers/<int(max=2147483647):paper_id>", Access.READ)
    def paper(paper_id: int) -> Response:
        return _send_paper(desk, paper_id)

    matter_new.add_pages(pages, desk)
    matter_acts.add_pages(pages, desk)


def show_list(desk: Desk, problem: str | None = None) -> str:
    """The matters of a kind: those that are open, oldest first, or those that are closed, newest first."""
    kind = _read_kind(request.args.get("kind", ""))
    state = request.args.get("state", "")
    position = read_after()
    with desk.court.session() as session:
        lines = _list(session, kind, state, position)
        counts = count_open(session)
        note_read(session, f"matters/{kind.value}")
    return show(
        "matters",
        problem,
        kind=kind,
        kinds=KIND_LABEL,
        state=state,
        states=_states_of(kind),
        is_closed=state == _CLOSED,
        lines=lines,
        counts=counts,
        more=lines[-1].id if len(lines) == PAGE else None,
        position=position,
        claim_label=claim_label,
        channel_label=channel_label,
        outcome_label=outcome_label,
    )


def scanner_of(desk: Desk) -> Scanner:
    """What looks at a file that comes from outside."""
    scan: Scanner | None = desk.scan
    return scan if scan is not None else open_scanner("")


def claim_label(line: MatterLine) -> str:
    """What an objection claims, or which ground is recorded, in words."""
    if line.kind is MatterKind.GROUND:
        return GROUND_LABEL.get(line.claim or "", "—")
    return CLAIM_LABEL[Claim(line.claim)] if line.claim in set(Claim) else "—"


def channel_label(channel: str) -> str:
    """How a matter came in, in words."""
    return CHANNEL_LABEL[Channel(channel)] if channel in set(Channel) else "本院登记"


def outcome_label(outcome: str | None) -> str:
    """How a matter ended, in words."""
    return OUTCOME_LABEL.get(outcome or "", "—")


def _list(session: Session, kind: MatterKind, state: str, position: int | None) -> list[MatterLine]:
    if state == _CLOSED:
        return list_closed(session, kind, before=position)
    wanted = MatterState(state) if state in set(MatterState) else None
    return list_open(session, kind, state=wanted, after=position or 0)


def _read_kind(typed: str) -> MatterKind:
    return MatterKind(typed) if typed in set(MatterKind) else MatterKind.OBJECTION


def _states_of(kind: MatterKind) -> list[tuple[str, str]]:
    states = dict.fromkeys(state for state, _ in TABLES.get(kind, {}))
    return [(state.value, STATE_LABEL[state]) for state in states if not state.is_closed] + [
        (_CLOSED, "已办结和已撤回")
    ]


def _word_of(collected: Collected) -> str:
    if collected.busy:
        return "collected-busy"
    if collected.waiting:
        return "collected-waiting"
    return "collected" if collected.taken or collected.repeated or collected.refused else "collected-none"


def _send_paper(desk: Desk, paper_id: int) -> Response:
    """A document, only ever to be saved: nothing that somebody sent in is shown by the browser as a page of ours."""
    with desk.court.session() as session:
        try:
            paper = open_paper(session, desk.court.vault, desk.court.private / FOLDER, paper_id)
        except PaperLost as error:
            abort(404, str(error))
        if paper is None:
            abort(404)
        refuse_outsiders(session, desk.court.vault, paper.record_id)
        note_read(session, "paper", record=paper.record_id, matter=paper.matter_id)
    response = Response(paper.content, mimetype=paper.media)
    response.headers.set("Content-Disposition", "attachment", filename=paper.name)
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response

"""Registering what comes by paper, by telephone, in person or from a unit, with the day on which it truly arrived."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Blueprint, make_response, request
from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry import watch
from registry.desk.access import Access
from registry.desk.base import BROKEN, Desk, act, acts, after, reads, show
from registry.desk.forms import Refused, read_choice, read_date, read_optional, read_text
from registry.matters.book import register_matter
from registry.matters.checking import LONGEST_WORDS, Arrival
from registry.matters.content import Content
from registry.matters.states import CHANNEL_LABEL, CLAIM_LABEL, KIND_LABEL, Channel, Claim, MatterKind, MatterRefused
from registry.records import get_row
from registry.tables import RecordRow, UnitRow
from search_index.journal import EntryChange
from search_index.submission import draw_code, draw_receipt, token_of

_ONLINE_ONLY = frozenset({Claim.SAYS_MINOR, Claim.SAYS_DECEASED})
_KINDS = (MatterKind.OBJECTION, MatterKind.COMPLAINT, MatterKind.REPAIR)
_CHANNELS = (Channel.PAPER, Channel.TELEPHONE, Channel.VISIT, Channel.UNIT)


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """GET and POST /matters/new."""

    @reads(pages, "/matters/new", Access.WORK)
    def matter_new() -> str:
        return show_form(desk)

    @acts(pages, "/matters/new", Access.WORK)
    def register() -> ResponseValue:
        slip: dict[str, Any] = {}

        def carry_out() -> str:
            matter_id, receipt, code = _register(desk)
            if receipt is not None:
                slip.update(matter_id=matter_id, receipt=receipt, code=code)
            return after("desk.matter", "registered", matter_id=matter_id)

        answer = act(lambda problem: show_form(desk, problem), carry_out, also=(MatterRefused,))
        # The code is shown this once and kept nowhere, so it cannot stand behind an address.
        return make_response(show("matter_slip", **slip)) if slip else answer


def show_form(desk: Desk, problem: str | None = None) -> str:
    """The form, with what is known of the entry when it was opened from there."""
    with desk.court.reading() as session:
        units = [(str(unit.id), unit.name) for unit in session.scalars(_units())]
        reference = _reference_of(session, request.args.get("record", ""))
    return show(
        "matter_new",
        problem,
        kinds=[(kind.value, KIND_LABEL[kind]) for kind in _KINDS],
        kind=request.args.get("kind", ""),
        channels=[(channel.value, CHANNEL_LABEL[channel]) for channel in _CHANNELS],
        claims=[(claim.value, CLAIM_LABEL[claim]) for claim in Claim if claim not in _ONLINE_ONLY],
        units=units,
        reference=reference,
        longest=LONGEST_WORDS,
    )


def _register(desk: Desk) -> tuple[int, str | None, str | None]:
    form = request.form
    kind = read_choice(form, "kind", MatterKind, "办件的种类")
    channel = read_choice(form, "channel", Channel, "来件的方式")
    if kind not in _KINDS or channel not in _CHANNELS:
        raise Refused("请选择办件的种类和来件的方式")
    received_on = read_date(form, "received_on", "收到的日期", latest=desk.today)
    content = _read_content()
    claim = read_choice(form, "claim", Claim, "异议的理由") if kind is MatterKind.OBJECTION else None
    if claim in _ONLINE_ONLY:
        raise Refused("请选择异议的理由")
    receipt, code = (draw_receipt(desk.random), draw_code(desk.random)) if form.get("slip") == "yes" else (None, None)
    ids: list[int] = []

    def decide(session: Session) -> list[EntryChange]:
        arrival = Arrival(
            kind=kind,
            channel=channel,
            received_on=received_on,
            content=content,
            record=get_row(session, content.reference) if content.reference else None,
            unit=_find_unit(session) if kind is not MatterKind.OBJECTION else None,
            ground=claim,
            receipt=receipt,
            token=token_of(receipt, code) if receipt is not None and code is not None else None,
        )
        ids.append(register_matter(session, desk.court.vault, arrival, desk.acting).id)
        if claim not in (Claim.MINOR, Claim.DECEASED) or arrival.record is None:
            return []
        # That somebody is a child, or has died, is not left to be seen until it is decided (art. 4).
        return watch.act_on_due(session, desk.acting, record=arrival.record.id)

    desk.court.amend(decide)
    with suppress(*BROKEN):
        desk.court.pump.feed_if_idle()
    return ids[-1], receipt, code


def _read_content() -> Content:
    form = request.form
    return Content(
        words=read_text(form, "words", "内容", most=LONGEST_WORDS),
        who=read_optional(form, "who", "姓名或者名称", most=100) or "",
        role=read_optional(form, "role", "身份", most=50) or "",
        phone=read_optional(form, "phone", "电话", most=50) or "",
        email=read_optional(form, "email", "电子邮箱", most=100) or "",
        address=read_optional(form, "address", "送达地址", most=200) or "",
        reference=read_optional(form, "reference", "记录编号或者案号", most=100) or "",
    )


def _find_unit(session: Session) -> UnitRow | None:
    typed = request.form.get("unit", "")
    return next((unit for unit in session.scalars(_units()) if str(unit.id) == typed), None)


def _units() -> Select[UnitRow]:
    return select(UnitRow).where(UnitRow.active).order_by(UnitRow.name)


def _reference_of(session: Session, typed: str) -> str:
    """What names the record that the form was opened from."""
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 9):
        return ""
    row = session.get(RecordRow, int(typed))
    return (row.number or str(row.facts.get("case_number", ""))) if row is not None else ""

"""What may be done to a record from its page: each act a small form with its ground, basis and days.

Only what the state allows and the role may is offered; what is sent all the same is asked again by the registry. Taking a
name down needs one person; whatever puts one up, or shows it again, needs two (法释〔2017〕7号 art. 5 ¶3, art. 13).
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, request, url_for
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry.attachments import PaperRefused
from registry.desk import acts_carry, acts_correct
from registry.desk.access import Access
from registry.desk.acts_carry import Chosen
from registry.desk.acts_forms import Field, desk_words
from registry.desk.acts_table import ACTS, Act, is_offered
from registry.desk.base import DONE, REFUSALS, Desk, SignedIn, act, after, current, note_read, reads, show
from registry.desk.base import acts as acts_on
from registry.desk.forms import Refused
from registry.desk.seeing import may_see_ground
from registry.record import Record
from registry.records import read_record
from registry.tables import RecordRow

DONE.update(
    {
        "record-served": "送达已经登记。",
        "record-attached": "文件已经附上。",
        "record-approved": "已经审核。",
        "record-graced": "宽限期已经登记，届满以前不会公布。",
        "record-published": "已经公布。",
        "record-kept": "已经办理，但现在不能公布，原因见下面。",
        "record-held": "已经屏蔽，公众已查不到。须由另一人在一个工作日内确认。",
        "record-confirmed": "屏蔽已经确认。",
        "record-asked": "已经提出解除屏蔽，待另一名审核人同意。",
        "record-gone": "已经办理，公众已查不到。",
        "record-gone-note": "已经办理，公众已查不到。案卷中请补附：有纳入期限的，提前删除的决定；申请执行人的确认或者申请；两次查控的记录。",
        "record-corrected": "已经更正，公众看到的已是更正后的内容。",
        "record-ground": "退出事由已经登记，期限见下面；到期未决定的，自动屏蔽。",
        "record-dismissed": "该事由已经驳回。",
        "record-told": "告知已经列入发送。",
        "record-restricted": "已经转为依法不宜公开。",
    }
)


@dataclass(frozen=True, slots=True)
class ActLink:
    """An act that is offered on the page of a record."""

    label: str
    address: str


def list_acts(session: Session, row: RecordRow, record: Record, signed_in: SignedIn) -> list[ActLink]:
    """What whoever is signed in may do to this record now, in the order of the work."""
    return [
        ActLink(one.label, url_for(f"desk.act_{one.name}", record_id=row.id))
        for one in ACTS
        if signed_in.may(access_of(one, record)) and is_offered(one, session, row, record)
    ]


def access_of(one: Act, record: Record) -> Access:
    """Who may do it to this record: some acts are a clerk's while it is a draft, and a reviewer's afterwards."""
    return one.access if one.access_later is None or record.state.value == "draft" else one.access_later


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """GET and POST /records/<id>/<act> for every act of the table."""
    for one in ACTS:
        if one.name != "correct":
            _add_act(pages, desk, one)
    acts_correct.add_pages(pages, desk)


def _add_act(pages: Blueprint, desk: Desk, one: Act) -> None:
    def show_form(record_id: int) -> str:
        return _show_form(desk, one, record_id)

    def carry_out(record_id: int) -> ResponseValue:
        def work() -> str:
            refuse_other(desk, one, record_id)
            try:
                done = acts_carry.CARRY[one.name](desk, record_id, request.form)
            except REFUSALS as error:
                raise Refused(desk_words(str(error))) from None
            return after("desk.record", f"record-{done}", record_id=record_id)

        return act(lambda problem: _show_form(desk, one, record_id, problem), work, also=(PaperRefused,))

    address = f"/records/<int:record_id>/{one.name}"
    reads(pages, address, one.access, endpoint=f"act_{one.name}")(show_form)
    largest = desk.upload_limit if one.takes_file else None
    acts_on(pages, address, one.access, endpoint=f"do_{one.name}", largest=largest)(carry_out)


def refuse_other(desk: Desk, one: Act, record_id: int) -> None:
    """Raises Refused where this act is not offered to whoever is signed in, or not any more."""
    from registry.desk.record import load_row

    with desk.court.reading() as session:
        row = load_row(session, record_id)
        record = read_record(row, desk.court.vault)
        if not current().may(access_of(one, record)):
            raise Refused("您的角色不能办理这一事项", 403)
        if not is_offered(one, session, row, record):
            raise Refused(f"该记录现在不能办理“{one.label}”：可能刚刚由他人办理，请看记录页面", 409)


def _show_form(desk: Desk, one: Act, record_id: int, problem: str | None = None) -> str:
    from registry.desk.record import load_row

    court = desk.court
    with court.session() as session:
        row = load_row(session, record_id)
        record = read_record(row, court.vault)
        chosen = Chosen(desk=desk, session=session, row=row, record=record)
        is_open = current().may(access_of(one, record)) and is_offered(one, session, row, record)
        fields: tuple[Field, ...] = one.fields(chosen) if is_open else ()
        more = one.more(chosen) if is_open and one.more is not None else ()
        note_read(session, f"act/{one.name}", record=row.id)
        return show(
            "record_act",
            problem=problem,
            act=one,
            record=record,
            row=row,
            fields=fields,
            more=more,
            is_open=is_open,
            may_see=may_see_ground(row, record.facts),
        )

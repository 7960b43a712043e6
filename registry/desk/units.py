"""The desk's pages of the units: who they are, what they receive, their people, ledgers, feedback and measures.

A clerk prepares, a reviewer decides; the liaison is sealed, and each look at the page is written down.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, make_response, request, url_for
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry.desk.access import Access
from registry.desk.base import DONE, Desk, act, acts, after, current, note_read, reads, show
from registry.desk.units_accounts import add_account_pages
from registry.desk.units_keys import add_key_pages
from registry.desk.units_lists import add_list_pages
from registry.tables import UnitRow
from registry.units.accounts import list_accounts
from registry.units.consents import count_unreported
from registry.units.feedback import list_feedback, list_owed
from registry.units.keys import Scope, list_keys
from registry.units.ledger import LedgerKind, list_ledger
from registry.units.liaisons import list_liaisons, set_liaison
from registry.units.quarters import Quarter
from registry.units.releases import count_overdue, list_releases, list_retained, list_to_lift
from registry.units.sheets import MEDIA, build_assessment, build_ledger, quarters_of
from registry.units.units import (
    RECEIVES_LABEL,
    Receives,
    UnitFacts,
    add_unit,
    ask_receives,
    change_unit,
    decide_receives,
    get_unit,
    list_units,
    needs_second,
    set_active,
    to_unit,
)
from registry.units.words import UnitError

_PER_PAGE = 50
_MOST_OWED = 20
_ID = "<int(max=2147483647):unit_id>"

DONE.update(
    {
        "unit-added": "单位已经登记。接收什么，由审核人决定。",
        "unit-saved": "单位的资料已经保存。",
        "unit-asked": "接收事项已经提出，等待审核人决定。",
        "unit-agreed": "接收事项已经同意，现在起生效。",
        "unit-declined": "没有同意提出的接收事项。",
        "unit-retired": "单位已经停用。它收到过的条目退出时，仍然通知它。",
        "unit-restored": "单位已经恢复。",
        "liaison-set": "联络员已经登记。",
    }
)


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """`/units`, `/units/<id>` and `/measures`."""
    _add_reading(pages, desk)
    _add_editing(pages, desk)
    _add_deciding(pages, desk)
    add_account_pages(pages, desk, show_unit)
    add_key_pages(pages, desk, show_unit)
    add_list_pages(pages, desk, show_units)


def _add_reading(pages: Blueprint, desk: Desk) -> None:
    @reads(pages, "/units", Access.READ)
    def units() -> str:
        return show_units(desk, None)

    @reads(pages, "/units/new", Access.WORK)
    def unit_new() -> str:
        return _show_edit(None, None)

    @reads(pages, f"/units/{_ID}", Access.READ)
    def unit(unit_id: int) -> str:
        return show_unit(desk, unit_id, None)

    @reads(pages, f"/units/{_ID}/edit", Access.WORK)
    def unit_edit(unit_id: int) -> str:
        with desk.court.reading() as session:
            found = to_unit(find_unit(session, unit_id))
        return _show_edit(found, None)

    @reads(pages, f"/units/{_ID}/ledger.xlsx", Access.READ)
    def unit_ledger_sheet(unit_id: int) -> ResponseValue:
        try:
            with desk.court.reading() as session:
                row = find_unit(session, unit_id)
                return _send(build_ledger(session, row, desk.acting), f"ledger-{row.slug}.xlsx")
        except UnitError as error:
            abort(404, str(error))

    @reads(pages, f"/units/{_ID}/sheet.xlsx", Access.READ)
    def unit_sheet(unit_id: int) -> ResponseValue:
        with desk.court.reading() as session:
            row = find_unit(session, unit_id)
            return _send(_assess(session, desk, [row]), f"assessment-{row.slug}.xlsx")


def _add_editing(pages: Blueprint, desk: Desk) -> None:
    @acts(pages, "/units/new", Access.WORK)
    def unit_add() -> ResponseValue:
        return act(lambda problem: _show_edit(None, problem), lambda: _add(desk))

    @acts(pages, f"/units/{_ID}/edit", Access.WORK)
    def unit_save(unit_id: int) -> ResponseValue:
        def carry() -> str:
            with desk.court.session() as session:
                row = find_unit(session, unit_id, lock=True)
                facts = _read_facts(to_unit(row).facts)
                change_unit(session, row, facts, desk.acting, reviews=current().may(Access.DECIDE))
            return after("desk.unit", "unit-saved", unit_id=unit_id)

        return act(lambda problem: _show_edit_of(desk, unit_id, problem), carry)

    @acts(pages, f"/units/{_ID}/liaison", Access.WORK)
    def unit_liaison(unit_id: int) -> ResponseValue:
        def carry() -> str:
            form = request.form
            values = {name: form.get(name, "") for name in ("name", "phone", "mail")}
            with desk.court.session() as session:
                row = find_unit(session, unit_id, lock=True)
                set_liaison(session, desk.court.vault, row, acting=desk.acting, **values)
            return after("desk.unit", "liaison-set", unit_id=unit_id)

        return act(lambda problem: show_unit(desk, unit_id, problem), carry)


def _add_deciding(pages: Blueprint, desk: Desk) -> None:
    @acts(pages, f"/units/{_ID}/receives", Access.WORK)
    def unit_ask(unit_id: int) -> ResponseValue:
        def carry() -> str:
            wanted = Receives(**{name: request.form.get(name) == "yes" for name in RECEIVES_LABEL})
            with desk.court.session() as session:
                row = find_unit(session, unit_id, lock=True)
                ask_receives(session, row, wanted, request.form.get("basis", ""), desk.acting)
            return after("desk.unit", "unit-asked", unit_id=unit_id)

        return act(lambda problem: show_unit(desk, unit_id, problem), carry)

    @acts(pages, f"/units/{_ID}/decide", Access.DECIDE)
    def unit_decide(unit_id: int) -> ResponseValue:
        agreed = request.form.get("verdict") == "agree"

        def carry() -> str:
            with desk.court.session() as session:
                decide_receives(session, find_unit(session, unit_id, lock=True), agreed, desk.acting)
            return after("desk.unit", "unit-agreed" if agreed else "unit-declined", unit_id=unit_id)

        return act(lambda problem: show_unit(desk, unit_id, problem), carry)

    @acts(pages, f"/units/{_ID}/active", Access.DECIDE)
    def unit_active(unit_id: int) -> ResponseValue:
        active = request.form.get("active") == "yes"

        def carry() -> str:
            with desk.court.session() as session:
                row = find_unit(session, unit_id, lock=True)
                set_active(session, row, active, request.form.get("basis", ""), desk.acting)
            return after("desk.unit", "unit-restored" if active else "unit-retired", unit_id=unit_id)

        return act(lambda problem: show_unit(desk, unit_id, problem), carry)


def show_units(desk: Desk, problem: str | None) -> str:
    """A page of the units, of all or of those whose name contains what is looked for, with what is overdue."""
    acting, page, wanted = desk.acting, _read_page(), request.args.get("name", "").strip()[:60]
    with desk.court.reading() as session:
        known = list_units(session)
        found = [one for one in known if wanted.casefold() in one.name.casefold()]
        shown = found[(page - 1) * _PER_PAGE : page * _PER_PAGE]
        owed = list_owed(session, acting)
        late = {one.id: count_overdue(session, one.id, acting.today) for one in shown}
        unreported = count_unreported(session)
    return show(
        "units",
        problem,
        units=shown,
        total=len(known),
        found=len(found),
        wanted=wanted,
        page=page,
        pages=-(-len(found) // _PER_PAGE),
        owed=owed,
        most_owed=_MOST_OWED,
        late=late,
        unreported=unreported,
        quarter=Quarter.before(acting.today),
        year=acting.today.year,
    )


def show_unit(desk: Desk, unit_id: int, problem: str | None) -> str:
    """One unit with everything of it; that somebody looked is written down, as the liaison is a person."""
    page = _read_page()
    with desk.court.session() as session:
        row = find_unit(session, unit_id)
        lines, total = list_ledger(session, unit_id, page=page, limit=_PER_PAGE)
        values: dict[str, Any] = {
            "unit": to_unit(row),
            "second": needs_second(row),
            "liaisons": list_liaisons(session, desk.court.vault, unit_id),
            "accounts": list_accounts(session, unit_id),
            "keys": (keys := list_keys(session, unit_id)),
            # The newest of each name, with which the others go.
            "keys_newest": {one.name: number for number, one in reversed(list(enumerate(keys)))},
            "scopes": list(Scope),
            "now": desk.now,
            "feedback": list_feedback(session, row, desk.acting),
            "waiting": list_releases(session, unit_id, open_only=True, limit=_PER_PAGE),
            "retained": list_retained(session, unit_id, desk.today),
            "to_lift": list_to_lift(session, unit_id, desk.today),
        }
        note_read(session, "unit")
    return show(
        "unit",
        problem,
        lines=lines,
        total=total,
        page=page,
        pages=-(-total // _PER_PAGE),
        kinds=list(LedgerKind),
        labels=RECEIVES_LABEL,
        **values,
    )


def find_unit(session: Session, unit_id: int, *, lock: bool = False) -> UnitRow:
    """The unit of an address, or the page that says that there is none."""
    try:
        return get_unit(session, unit_id, lock=lock)
    except UnitError:
        abort(404, "没有这个单位")


def _add(desk: Desk) -> str:
    with desk.court.session() as session:
        reviews = current().may(Access.DECIDE)
        row = add_unit(session, request.form.get("slug", ""), _read_facts(None), desk.acting, reviews=reviews)
        number = row.id
    return after("desk.unit", "unit-added", unit_id=number)


def _read_facts(old: UnitFacts | None) -> UnitFacts:
    """What was typed. Whoever does not decide is not shown what decides what a unit sees; it stays, unless it is sent."""
    form, kept = request.form, None if current().may(Access.DECIDE) else old
    leading, recipient = form.get("leading") == "yes", form.get("recipient") or None
    return UnitFacts(
        name=form.get("name", ""),
        department=form.get("department") or None,
        leading=leading or (kept.leading if kept else False),
        recipient=recipient or (kept.recipient if kept else None),
    )


def _show_edit(unit: Any, problem: str | None) -> str:
    action = url_for("desk.unit_add") if unit is None else url_for("desk.unit_save", unit_id=unit.id)
    return show("unit_edit", problem, unit=unit, action=action, may_decide=current().may(Access.DECIDE))


def _show_edit_of(desk: Desk, unit_id: int, problem: str | None) -> str:
    with desk.court.reading() as session:
        found = to_unit(find_unit(session, unit_id))
    return _show_edit(found, problem)


def _assess(session: Session, desk: Desk, rows: list[UnitRow]) -> bytes:
    typed = request.args.get("year", "")
    year = int(typed) if typed.isascii() and typed.isdigit() and len(typed) == 4 else desk.today.year
    try:
        return build_assessment(session, rows, quarters_of(year, desk.today), desk.acting)
    except UnitError as error:
        abort(404, str(error))


def _read_page() -> int:
    typed = request.args.get("page", "1")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 6 and int(typed) > 0 else 1


def _send(content: bytes, name: str) -> ResponseValue:
    response = make_response(content)
    response.content_type = MEDIA
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response

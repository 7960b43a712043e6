"""The desk's pages of the readers in bulk: who has a key and for what, and who has not confirmed what left the list.

A reviewer gives keys and ends them. Who a reader is, is sealed, so each look is written down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, request, url_for
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry.desk.access import Access
from registry.desk.base import DONE, Desk, act, acts, after, note_read, reads, show
from registry.desk.forms import Refused
from registry.reader_acks import list_owed
from registry.readers import (
    CHANGE_OVER,
    LONGEST_PURPOSE,
    Given,
    ReaderState,
    Who,
    add_reader,
    list_readers,
    read_who,
    renew_reader,
    revoke_reader,
)
from search_index.journal import EntryChange
from search_index.reader_terms import TERMS, VERSION

_WATERMARK = "<string(maxlength=16):watermark>"
DONE["reader-revoked"] = "密钥已经停用。"


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """`/readers`, `/readers/new`, and what is done of one reader."""

    @reads(pages, "/readers", Access.READ)
    def readers() -> str:
        return _show_readers(desk, None)

    _add_giving(pages, desk)
    _add_ending(pages, desk)


def _add_giving(pages: Blueprint, desk: Desk) -> None:
    @reads(pages, "/readers/new", Access.DECIDE)
    def reader_new() -> str:
        return _show_form(None)

    @acts(pages, "/readers/new", Access.DECIDE)
    def reader_add() -> ResponseValue | str:
        def make(session: Session) -> Given:
            if request.form.get("terms") != VERSION:
                raise Refused("请先交对方阅读并接受批量读取条款")
            form = request.form
            who = Who(name=form.get("name", ""), contact=form.get("contact", ""))
            purpose = form.get("purpose", "")
            return add_reader(session, desk.court.vault, who, purpose, random=desk.random, acting=desk.acting)

        return _give(desk, make, _show_form)

    @acts(pages, f"/readers/{_WATERMARK}/renew", Access.DECIDE)
    def reader_renew(watermark: str) -> ResponseValue | str:
        def make(session: Session) -> Given:
            at_once = request.form.get("at_once") == "yes"
            return renew_reader(session, watermark, random=desk.random, acting=desk.acting, at_once=at_once)

        return _give(desk, make, lambda problem: _show_readers(desk, problem))


def _add_ending(pages: Blueprint, desk: Desk) -> None:
    @acts(pages, f"/readers/{_WATERMARK}/revoke", Access.DECIDE)
    def reader_revoke(watermark: str) -> ResponseValue:
        def carry() -> str:
            def decide(session: Session) -> Sequence[EntryChange]:
                revoke_reader(session, watermark, desk.acting)
                return ()

            desk.court.amend(decide)
            return after("desk.readers", "reader-revoked")

        return act(lambda problem: _show_readers(desk, problem), carry)


def _give(desk: Desk, make: Callable[[Session], Given], show_page: Callable[[str | None], str]) -> ResponseValue | str:
    """Give a key and show it, once."""
    made: list[Given] = []

    def decide(session: Session) -> Sequence[EntryChange]:
        made.append(make(session))
        return ()

    def carry() -> str:
        # Nothing that fails once it is committed is raised: the key would be lost.
        desk.court.amend(decide)
        return url_for("desk.readers")

    answer = act(show_page, carry)
    if not made or answer.status_code != 303:
        return answer
    # Not by way of another address: it would have to be kept for that, or stand in it.
    return show("reader_key", given=made[0])


def _show_readers(desk: Desk, problem: str | None) -> str:
    acting = desk.acting
    with desk.court.session() as session:
        found = list_readers(session, acting.now)
        values: dict[str, Any] = {
            "readers": found,
            "who": {one.watermark: read_who(session, desk.court.vault, one.watermark) for one in found},
            "owed": list_owed(session, acting),
        }
        note_read(session, "readers")
    return show("readers", problem, days=CHANGE_OVER.days, State=ReaderState, **values)


def _show_form(problem: str | None) -> str:
    return show("reader_new", problem, terms=TERMS, version=VERSION, longest=LONGEST_PURPOSE)

"""What is done with a letter on the desk, once it is drafted: agreed to, made void, delivered, answered, taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry.desk.access import Access
from registry.desk.base import Desk, act, acts, after
from registry.desk.forms import read_choice, read_date, read_line, read_text
from registry.letters import (
    LetterNotFound,
    LetterRefused,
    Outcome,
    confirm_letter,
    get_letter,
    note_answer,
    note_delivery,
    recall_notice,
    void_letter,
)
from registry.letters.typeface import TypefaceMissing
from registry.tables import LetterRow, RecordRow

REFUSALS = (LetterRefused, LetterNotFound, TypefaceMissing)
ID = f"<int(max={2**31 - 1}):letter_id>"

# The page of a letter, with what could not be done.
ShowLetter = Callable[[Desk, int, str | None], str]


def add_pages(pages: Blueprint, desk: Desk, show_letter: ShowLetter) -> None:
    """POST /letters/<id>/confirm, void, delivery, answer, recall."""

    def carry(letter_id: int, do: Callable[[Desk, Session, LetterRow], Any]) -> ResponseValue:
        shown = [letter_id]

        def decide(session: Session) -> tuple[()]:
            shown.append(do(desk, session, _lock(session, letter_id)) or letter_id)
            return ()

        def carry_out() -> str:
            desk.court.amend(decide)
            return after("desk.letter", "done", letter_id=shown[-1])

        return act(lambda problem: show_letter(desk, letter_id, problem), carry_out, also=REFUSALS)

    @acts(pages, f"/letters/{ID}/confirm", Access.DECIDE)
    def letter_confirm(letter_id: int) -> ResponseValue:
        return carry(letter_id, _confirm)

    @acts(pages, f"/letters/{ID}/void", Access.WORK)
    def letter_void(letter_id: int) -> ResponseValue:
        return carry(letter_id, _void)

    @acts(pages, f"/letters/{ID}/delivery", Access.WORK)
    def letter_deliver(letter_id: int) -> ResponseValue:
        return carry(letter_id, _deliver)

    @acts(pages, f"/letters/{ID}/answer", Access.WORK)
    def letter_answer(letter_id: int) -> ResponseValue:
        return carry(letter_id, _answer)

    @acts(pages, f"/letters/{ID}/recall", Access.WORK)
    def letter_recall(letter_id: int) -> ResponseValue:
        return carry(letter_id, _recall)


def _confirm(desk: Desk, session: Session, row: LetterRow) -> None:
    confirm_letter(session, desk.court.vault, row, desk.acting)


def _void(desk: Desk, session: Session, row: LetterRow) -> None:
    void_letter(session, row, read_line(request.form, "reason", "作废的理由"), desk.acting)


def _deliver(desk: Desk, session: Session, row: LetterRow) -> None:
    day = read_date(request.form, "delivered_on", "送达日期", latest=desk.today)
    note_delivery(session, row, delivered_on=day, acting=desk.acting)


def _answer(desk: Desk, session: Session, row: LetterRow) -> None:
    note_answer(
        session,
        desk.court.vault,
        row,
        answered_on=read_date(request.form, "answered_on", "回复日期", latest=desk.today),
        outcome=read_choice(request.form, "outcome", Outcome, "处理情况"),
        words=read_text(request.form, "words", "回复的内容", optional=True),
        acting=desk.acting,
    )


def _recall(desk: Desk, session: Session, row: LetterRow) -> int:
    """The letter that takes the notice back."""
    return recall_notice(session, desk.court.vault, row, desk.acting).id


def _lock(session: Session, letter_id: int) -> LetterRow:
    """The letter, held. Its record is held before it, as whoever takes the record down does."""
    record = get_letter(session, letter_id).record_id
    if record is not None:
        session.get(RecordRow, record, with_for_update=True)
    return get_letter(session, letter_id, lock=True)

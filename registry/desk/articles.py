"""Articles for the portal on the desk: written by one person, agreed to by another, with what the gate finds in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry.article_review import FIELD_LABEL, KIND_LABEL, MOST_TEXT, MOST_TITLE, WRITTEN, ArticleKind, Review
from registry.articles import (
    STATE_LABEL,
    ArticleNotFound,
    ArticleRefused,
    ArticleState,
    Text,
    agree_article,
    edit_article,
    find_writers,
    get_article,
    list_articles,
    review_text,
    withdraw_article,
    write_article,
)
from registry.clockbook import name_record
from registry.desk.access import Access
from registry.desk.base import Desk, act, acts, after, current, note_read, reads, show
from registry.desk.forms import Refused, read_line, read_optional_date, read_text
from registry.exit_notices import clarify
from registry.tables import ArticleRow, RecordRow
from search_index.day import day_of

_REFUSALS = (ArticleRefused, ArticleNotFound)
_LARGEST_ID = 2**31 - 1
_ID = f"<int(max={_LARGEST_ID}):article_id>"
_PAGE = 50
# Does something with an article, held, and may return the row to show.
Do = Callable[[Session, ArticleRow], Any]


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """GET /articles, /articles/new, /articles/<id>, /articles/<id>/edit, /articles/clarification; POST what is done."""
    _add_list(pages, desk)
    _add_writing(pages, desk)
    _add_editing(pages, desk)
    _add_deciding(pages, desk)
    _add_clarifying(pages, desk)


def _add_list(pages: Blueprint, desk: Desk) -> None:
    @reads(pages, "/articles", Access.READ)
    def articles() -> str:
        typed = request.args.get("state", "")
        state = ArticleState(typed) if typed in set(ArticleState) else None
        before = _to_id(request.args.get("before"))
        which = [] if state is None else [ArticleRow.state == state.value]
        with desk.court.reading() as session:
            rows = list_articles(session, state=state, before=before, limit=_PAGE)
            total = session.scalar(select(func.count()).select_from(ArticleRow).where(*which)) or 0
            session.expunge_all()
        more = rows[-1].id if len(rows) == _PAGE else None
        return show(
            "articles", rows=rows, state=state, before=before, more=more, total=total, now=desk.now, **_labels()
        )

    @reads(pages, f"/articles/{_ID}", Access.READ)
    def article(article_id: int) -> str:
        return show_article(desk, article_id)


def show_article(desk: Desk, article_id: int, problem: str | None = None) -> str:
    """The page of an article, with what the gate finds in a draft and what may be done with it now."""
    with desk.court.reading() as session:
        row = _get(session, article_id)
        found = None
        if row.state == ArticleState.DRAFT.value:
            text = Text(kind=ArticleKind(row.kind), title=row.title, body=row.body)
            found = review_text(session, desk.court.vault, text, desk.now)
        told = _count_told(session, desk, row)
        may = _list_acts(session, row)
        session.expunge_all()
    shown = {"row": row, "review": found, "may": may, "last": _last_day(row), "told": told}
    return show("article", problem, **shown, **_labels())


def _count_told(session: Session, desk: Desk, row: ArticleRow) -> int | None:
    """To how many recipients of the entry a clarification goes; None for what is none, or is taken down."""
    if row.kind != ArticleKind.CLARIFICATION.value or row.state != ArticleState.PUBLISHED.value:
        return None
    record = session.get(RecordRow, row.record_id) if row.record_id is not None else None
    return desk.rules.count_told(record.number) if record is not None and record.number else None


def _list_acts(session: Session, row: ArticleRow) -> set[str]:
    who, draft = current(), row.state == ArticleState.DRAFT.value
    found = set()
    if draft and who.may(Access.WORK):
        found |= {"edit", "withdraw"}
    if draft and who.may(Access.DECIDE) and who.name not in find_writers(session, row):
        found.add("agree")
    if row.state == ArticleState.PUBLISHED.value and who.may(Access.DECIDE):
        found.add("withdraw")
    return found


def _add_writing(pages: Blueprint, desk: Desk) -> None:
    def show_form(problem: str | None = None) -> str:
        kind = _read_kind(request.values)
        return _show_form(desk, problem, address="/articles/new", kind=kind, given={})

    @reads(pages, "/articles/new", Access.WORK)
    def article_new() -> str:
        return show_form()

    @acts(pages, "/articles/new", Access.WORK)
    def article_write() -> ResponseValue:
        def carry_out() -> str:
            text = _read_text(desk, _read_kind(request.form))
            with desk.court.session() as session:
                text = _redact(session, desk, text)
                article_id = write_article(session, desk.court.vault, text, desk.acting).id
            return after("desk.article", "saved", article_id=article_id)

        return act(show_form, carry_out, also=_REFUSALS)


def _add_editing(pages: Blueprint, desk: Desk) -> None:
    def show_form(article_id: int, problem: str | None = None) -> str:
        with desk.court.reading() as session:
            row = _get(session, article_id)
            last = _last_day(row)
            given = {"title": row.title, "body": row.body, "visible_until": last.isoformat() if last else ""}
            kind = ArticleKind(row.kind)
        return _show_form(desk, problem, address=f"/articles/{article_id}/edit", kind=kind, given=given)

    @reads(pages, f"/articles/{_ID}/edit", Access.WORK)
    def article_edit(article_id: int) -> str:
        return show_form(article_id)

    @acts(pages, f"/articles/{_ID}/edit", Access.WORK)
    def article_save(article_id: int) -> ResponseValue:
        def carry_out() -> str:
            with desk.court.session() as session:
                row = get_article(session, article_id, lock=True)
                text = _redact(session, desk, _read_text(desk, ArticleKind(row.kind)))
                edit_article(session, desk.court.vault, row, text, desk.acting)
            return after("desk.article", "saved", article_id=article_id)

        return act(lambda problem: show_form(article_id, problem), carry_out, also=_REFUSALS)


def _add_deciding(pages: Blueprint, desk: Desk) -> None:
    def carry(article_id: int, do: Do) -> ResponseValue:
        def carry_out() -> str:
            def decide(session: Session) -> tuple[()]:
                do(session, get_article(session, article_id, lock=True))
                return ()

            # Told to the portal before the page is shown again.
            desk.court.amend(decide)
            return after("desk.article", "done", article_id=article_id)

        return act(lambda problem: show_article(desk, article_id, problem), carry_out, also=_REFUSALS)

    @acts(pages, f"/articles/{_ID}/agree", Access.DECIDE)
    def article_agree(article_id: int) -> ResponseValue:
        read = request.form.get("read") == "yes"
        return carry(article_id, lambda s, row: agree_article(s, desk.court.vault, row, desk.acting, read=read))

    @acts(pages, f"/articles/{_ID}/withdraw", Access.WORK)
    def article_withdraw(article_id: int) -> ResponseValue:
        def do(session: Session, row: ArticleRow) -> None:
            if row.state == ArticleState.PUBLISHED.value and not current().may(Access.DECIDE):
                raise Refused("撤下已经公布的文章须由审核人办理", 403)
            withdraw_article(session, row, read_line(request.form, "reason", "撤下的理由"), desk.acting)

        return carry(article_id, do)


def _add_clarifying(pages: Blueprint, desk: Desk) -> None:
    def show_form(problem: str | None = None) -> str:
        with desk.court.session() as session:
            row = session.get(RecordRow, _to_id(request.values.get("record")) or 0) or abort(404, "没有这条记录")
            note_read(session, "articles/clarification", record=row.id)
            record, number = (row.id, name_record(row)), row.number
        told = desk.rules.count_told(number) if number else 0
        return show("clarification", problem, record=record, told=told)

    @reads(pages, "/articles/clarification", Access.DECIDE)
    def clarification() -> str:
        return show_form()

    @acts(pages, "/articles/clarification", Access.DECIDE)
    def clarification_publish() -> ResponseValue:
        made: list[int] = []

        def decide(session: Session) -> tuple[()]:
            record_id = _to_id(request.form.get("record")) or 0
            row = session.get(RecordRow, record_id, with_for_update=True) or abort(404, "没有这条记录")
            basis = read_line(request.form, "basis", "本人申请的文书名称和日期", most=80)
            made.append(clarify(session, row, basis, desk.acting).id)
            return ()

        def carry_out() -> str:
            desk.court.amend(decide)
            return after("desk.article", "done", article_id=made[0])

        return act(show_form, carry_out, also=_REFUSALS)


# What the rest is made of ----------------------------------------------------------------------------------------


def _show_form(desk: Desk, problem: str | None, *, address: str, kind: ArticleKind, given: Mapping[str, str]) -> str:
    """The form; with what was typed, what the gate finds in it."""
    found = _review_typed(desk, kind) if request.method == "POST" else None
    return show("article_form", problem, address=address, kind=kind, given=given, review=found, **_labels())


def _review_typed(desk: Desk, kind: ArticleKind) -> Review | None:
    title, body = request.form.get("title", ""), request.form.get("body", "")
    if len(title) > MOST_TITLE or len(body) > MOST_TEXT:
        return None
    with desk.court.reading() as session:
        return review_text(session, desk.court.vault, Text(kind=kind, title=title, body=body), desk.now)


def _read_text(desk: Desk, kind: ArticleKind) -> Text:
    form = request.form
    return Text(
        kind=kind,
        title=read_line(form, "title", "标题", most=MOST_TITLE),
        body=read_text(form, "body", "正文", most=MOST_TEXT),
        visible_until=read_optional_date(form, "visible_until", "公布截止日", earliest=desk.today),
    )


def _redact(session: Session, desk: Desk, text: Text) -> Text:
    """With what is sure left out, where whoever wrote it asks for that."""
    if request.form.get("redact") != "yes":
        return text
    redacted = review_text(session, desk.court.vault, text, desk.now).redacted
    return Text(kind=text.kind, title=redacted["title"], body=redacted["text"], visible_until=text.visible_until)


def _read_kind(values: Mapping[str, str]) -> ArticleKind:
    typed = values.get("kind", "")
    if typed not in WRITTEN:
        abort(404)
    return ArticleKind(typed)


def _get(session: Session, article_id: int) -> ArticleRow:
    try:
        return get_article(session, article_id)
    except ArticleNotFound:
        abort(404, "没有这篇文章")


def _last_day(row: ArticleRow) -> Any:
    return day_of(row.visible_until - timedelta(seconds=1)) if row.visible_until else None


def _to_id(typed: str | None) -> int | None:
    if not typed or not typed.isascii() or not typed.isdigit() or len(typed) > 10:
        return None
    return int(typed) if int(typed) <= _LARGEST_ID else None


def _labels() -> dict[str, Any]:
    return {
        "kind_labels": {key.value: label for key, label in KIND_LABEL.items()},
        "state_labels": {key.value: label for key, label in STATE_LABEL.items()},
        "field_labels": FIELD_LABEL,
        "day_of": day_of,
        "written": [key.value for key in WRITTEN],
        "most": {"title": MOST_TITLE, "text": MOST_TEXT},
    }

"""Articles for the portal (典型案例、悬赏公告、受惩戒情况): written by one person, published when another agrees, and taken down
by anyone who reviews, at once, or by themselves when an entry that they name goes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from registry import audit, journal
from registry.acting import Acting
from registry.article_names import SHORT, list_runs
from registry.article_review import (
    KIND_LABEL,
    MOST_TEXT,
    MOST_TITLE,
    WRITTEN,
    ArticleKind,
    Named,
    Review,
    list_cases,
    list_numbers,
    review,
)
from registry.record import Kind, State
from registry.records import CHUNK, read_record
from registry.tables import ArticleRow, BatchRow, JournalRow, RecordRow
from registry.vault import Vault
from search_index.day import SHANGHAI, day_of
from search_index.profile import Profile

_SUBJECT = "article"
_NOTHING: Mapping[str, Any] = {}
_WROTE = ("article_write", "article_edit")
LONGEST = timedelta(days=5 * 366)


class ArticleState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


# What people wrote and everybody may read.
_IN_PUBLIC = (ArticleRow.kind.in_(WRITTEN), ArticleRow.state == ArticleState.PUBLISHED.value)
STATE_LABEL: Mapping[ArticleState, str] = {
    ArticleState.DRAFT: "待审核",
    ArticleState.PUBLISHED: "已公布",
    ArticleState.WITHDRAWN: "已撤下",
}


class ArticleRefused(Exception):
    """This article may not be written or published so. The message is for the person who tried; `review` says what the
    gate found, where it was asked."""

    def __init__(self, message: str, review: Review | None = None) -> None:
        super().__init__(message)
        self.review = review


class ArticleNotFound(Exception):
    """There is no such article. The message is for the person who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What somebody wrote. `visible_until` is the last day on which it is shown; None: until it is withdrawn."""

    kind: ArticleKind
    title: str
    body: str
    visible_until: date | None = None

    @property
    def fields(self) -> dict[str, str]:
        return {"title": self.title, "text": self.body}


# Judging ---------------------------------------------------------------------------------------------------------


def review_text(session: Session, vault: Vault, text: Text, now: datetime) -> Review:
    """What the gate says of a text, with the records it names as they are at `now`."""
    words = f"{text.title}\n{text.body}"
    by_number = {number: _find_number(session, vault, number, now) for number in list_numbers(words)}
    by_case = {case.canonical: _find_case(session, vault, case.key, now) for case in list_cases(words)}
    own = _own_words(journal.newest_profile(session))
    on_file = _find_on_file(session, text)
    return review(text.kind, text.fields, by_number=by_number, by_case=by_case, own_words=own, on_file=on_file)


def _find_on_file(session: Session, text: Text) -> dict[str, bool]:
    """The folded names of records, in whatever state, that stand in a text; whether each is an organisation's."""
    short, beginnings = list_runs(text.fields.values())
    found: dict[str, bool] = {}
    name, kind = RecordRow.name_key, RecordRow.facts["kind"].as_string()
    # The first by the index of names; the second by one walk along it.
    longer = (func.length(name) > SHORT, func.substr(name, 1, SHORT).in_(beginnings))
    for which in (*((name.in_(some),) for some in _chunks(sorted(short))), longer):
        rows = session.execute(select(name, kind).where(*which).distinct())
        found.update((key, kind == Kind.ORGANISATION.value) for key, kind in rows)
    return found


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    return (keys[at : at + CHUNK] for at in range(0, len(keys), CHUNK))


def _find_number(session: Session, vault: Vault, number: str, now: datetime) -> Named | None:
    row = session.scalar(select(RecordRow).where(RecordRow.number == number))
    return _to_named(row, vault, now) if row else None


def _find_case(session: Session, vault: Vault, key: str, now: datetime) -> list[Named]:
    ready = select(BatchRow.id).where(BatchRow.ready)
    rows = session.scalars(select(RecordRow).where(RecordRow.case_key == key, RecordRow.batch_id.in_(ready)))
    return [_to_named(row, vault, now) for row in rows]


def _to_named(row: RecordRow, vault: Vault, now: datetime) -> Named:
    over = row.visible_until is not None and row.visible_until <= now
    return Named(
        facts=read_record(row, vault).facts,
        number=row.number,
        is_public=row.state == State.PUBLISHED.value and not over,
        visible_until=row.visible_until,
    )


def _own_words(profile: Profile) -> tuple[str, ...]:
    words = (profile.court, profile.higher_court, profile.telephone, profile.address, profile.email, profile.website)
    return tuple(word for word in words if word)


# Writing ---------------------------------------------------------------------------------------------------------


def write_article(session: Session, vault: Vault, text: Text, acting: Acting) -> ArticleRow:
    """Keep a draft. Nothing is kept that the gate is sure must not be shown. Raises ArticleRefused."""
    _check(session, vault, text, acting)
    row = ArticleRow(
        kind=text.kind.value,
        state=ArticleState.DRAFT.value,
        title=text.title,
        body=text.body,
        written_at=acting.now,
        written_by=acting.actor,
        visible_until=_end_of(text.visible_until),
    )
    session.add(row)
    session.flush()
    _note(session, row, acting, "article_write")
    return row


def edit_article(session: Session, vault: Vault, row: ArticleRow, text: Text, acting: Acting) -> None:
    """Change a draft; whoever changed it last is named as its writer. Raises ArticleRefused."""
    _refuse_state(row, "修改", ArticleState.DRAFT)
    if text.kind != row.kind:
        raise ArticleRefused("文章的种类不能改，请另写一篇")
    _check(session, vault, text, acting)
    row.title, row.body, row.visible_until = text.title, text.body, _end_of(text.visible_until)
    row.written_at, row.written_by = acting.now, acting.actor
    _note(session, row, acting, "article_edit")


def _check(session: Session, vault: Vault, text: Text, acting: Acting) -> Review:
    if text.kind not in WRITTEN:
        raise ArticleRefused(f"{KIND_LABEL[text.kind]}由系统按退出的记录制作，不由人撰写")
    for label, words, most in (("标题", text.title, MOST_TITLE), ("正文", text.body, MOST_TEXT)):
        if not words.strip() or len(words) > most:
            raise ArticleRefused(f"请填写{label}，不超过{most}个字")
        if not words.replace("\n", "").replace("\t", "").isprintable():
            raise ArticleRefused(f"{label}含有不能识别的字符")
    if text.visible_until is not None and not acting.today <= text.visible_until <= acting.today + LONGEST:
        raise ArticleRefused("公布截止日应在今天以后、五年以内")
    found = review_text(session, vault, text, acting.now)
    if found.refusals:
        raise ArticleRefused("；".join(found.refusals), found)
    return found


def agree_article(session: Session, vault: Vault, row: ArticleRow, acting: Acting, *, read: bool) -> None:
    """A second person agrees, and the article is public. `read` says that this person looked at what the gate doubts.
    The gate judges it anew: an entry it names may have gone since. Raises ArticleRefused."""
    _refuse_state(row, "公布", ArticleState.DRAFT)
    if acting.actor in find_writers(session, row):
        raise ArticleRefused(f"须由另一人审核：“{acting.actor}”撰写或者修改过本文（法释〔2017〕7号第十三条，双人审核）")
    until = None if row.visible_until is None else day_of(row.visible_until - timedelta(seconds=1))
    text = Text(kind=ArticleKind(row.kind), title=row.title, body=row.body, visible_until=until)
    found = _check(session, vault, text, acting)
    if found.doubtful and not read:
        raise ArticleRefused("文中有把握不高的提示，请逐条看过，确认不涉及他人信息后勾选再公布", found)
    row.state, row.agreed_by, row.agreed_at = ArticleState.PUBLISHED.value, acting.actor, acting.now
    # No longer than the first of the entries it names.
    row.visible_until = min((end for end in (row.visible_until, found.ends) if end), default=None)
    _publish(session, row, acting, found.records)
    _note(session, row, acting, "article_agree")


def find_writers(session: Session, row: ArticleRow) -> frozenset[str]:
    """Everybody who wrote any of an article since it was begun: none of them is the second person that agrees to it."""
    return audit.find_actors(session, _WROTE, "article", row.id) | {row.written_by}


def withdraw_article(session: Session, row: ArticleRow, reason: str, acting: Acting) -> None:
    """Take an article down, or give a draft up; one person is enough. Raises ArticleRefused."""
    _refuse_state(row, "撤下", ArticleState.DRAFT, ArticleState.PUBLISHED)
    reason = reason.strip()
    if not reason or len(reason) > 60 or any(c.isdigit() for c in reason):
        raise ArticleRefused("请用六十字以内写明撤下的理由，不写姓名和号码")
    _take_down(session, row, acting, "article_withdraw", reason)


def publish_made(
    session: Session,
    kind: ArticleKind,
    record: RecordRow,
    words: tuple[str, str],
    days: int,
    acting: Acting,
    **detail: Any,
) -> ArticleRow:
    """Publish what is made from a departure, for `days` from today. `words` are title and text, `detail` is for the
    audit line."""
    row = ArticleRow(
        kind=kind.value,
        state=ArticleState.PUBLISHED.value,
        title=words[0],
        body=words[1],
        record_id=record.id,
        written_at=acting.now,
        written_by=acting.actor,
        visible_until=_end_of(acting.today + timedelta(days=days)),
    )
    session.add(row)
    session.flush()
    # Who was sent the entry is sent the clarification: by this they are found. It is no condition for being shown.
    about = {"about": record.number} if kind is ArticleKind.CLARIFICATION else {}
    _publish(session, row, acting, (), about)
    _note(session, row, acting, f"article_{kind.value}", **detail)
    return row


def take_down_naming(session: Session, number: str, acting: Acting) -> int:
    """Take down, at once, every article that names the entry `number`, its case or its debtor: the entry is going. Returns
    how many. Until it has been carried to the portal, the portal leaves out those tied to it: the entry is not there."""
    ids = list(session.scalars(select(ArticleRow.id).where(*_IN_PUBLIC)))
    if not ids:
        return 0
    keys = [str(one) for one in ids]
    # The journal holds, of each article, the entries it was tied to when it was published.
    lines = (JournalRow.key.in_(keys), JournalRow.subject == _SUBJECT, JournalRow.body.contains(f'"{number}"'))
    tied = {int(key) for key in session.scalars(select(JournalRow.key).where(*lines)) if key is not None}
    which = (*_IN_PUBLIC, ArticleRow.id.in_(tied | _find_naming(session, number)))
    naming = list(session.scalars(select(ArticleRow).where(*which).order_by(ArticleRow.id)))
    for row in naming:
        _take_down(session, row, acting, "article_down", "所载记录退出公布")
    return len(naming)


def _find_naming(session: Session, number: str) -> set[int]:
    """The articles in public that name the debtor of `number` and are tied to no other public entry of that name: the
    debtor may have been listed after they were published. Names of two characters are too often part of other words."""
    going = session.execute(select(RecordRow.facts, RecordRow.name_key).where(RecordRow.number == number)).first()
    if going is None or len(going[1]) <= 2:
        return set()
    columns = (ArticleRow.title, ArticleRow.body)
    standing = [column.contains(name, autoescape=True) for name in {going[0]["name"], going[1]} for column in columns]
    ids = session.scalars(select(ArticleRow.id).where(*_IN_PUBLIC, or_(*standing)))
    return {one for one in ids.all() if not _names_another(session, one, number, going[1])}


def _names_another(session: Session, article_id: int, number: str, name_key: str) -> bool:
    """Whether the article is tied to another public entry of this name."""
    tied = select(JournalRow.body).where(JournalRow.subject == _SUBJECT, JournalRow.key == str(article_id))
    records = {one for body in session.scalars(tied) if body for one in json.loads(body)["records"]} - {number}
    another = (RecordRow.number.in_(records), RecordRow.name_key == name_key, RecordRow.state == State.PUBLISHED.value)
    return session.scalar(select(RecordRow.id).where(*another).limit(1)) is not None


def _take_down(session: Session, row: ArticleRow, acting: Acting, action: str, reason: str) -> None:
    was_public = row.state == ArticleState.PUBLISHED.value
    row.state = ArticleState.WITHDRAWN.value
    if was_public:
        journal.append_subject(session, acting.now, _SUBJECT, str(row.id), None)
    _note(session, row, acting, action, reason=reason)


def _publish(
    session: Session, row: ArticleRow, acting: Acting, records: Sequence[str], more: Mapping[str, Any] = _NOTHING
) -> None:
    row.published_at = acting.now
    body = {
        "kind": row.kind,
        "title": row.title,
        "text": row.body,
        "published_on": acting.today.isoformat(),
        "visible_until": row.visible_until.astimezone(SHANGHAI).isoformat() if row.visible_until else None,
        # Shown only while each of these entries is.
        "records": list(records),
        **more,
    }
    journal.append_subject(session, acting.now, _SUBJECT, str(row.id), body)


# Reading ---------------------------------------------------------------------------------------------------------


def get_article(session: Session, article_id: int, *, lock: bool = False) -> ArticleRow:
    """Raises ArticleNotFound."""
    row = session.get(ArticleRow, article_id, with_for_update=lock or None)
    if row is None:
        raise ArticleNotFound("没有这篇文章")
    return row


def list_articles(
    session: Session, *, state: ArticleState | None = None, before: int | None = None, limit: int = 50
) -> list[ArticleRow]:
    """Articles, the newest first; `before`: only those older than this one."""
    which: list[ColumnElement[bool]] = []
    if state is not None:
        which.append(ArticleRow.state == state.value)
    if before is not None:
        which.append(ArticleRow.id < before)
    return list(session.scalars(select(ArticleRow).where(*which).order_by(ArticleRow.id.desc()).limit(limit)))


def _refuse_state(row: ArticleRow, what: str, *states: ArticleState) -> None:
    state = ArticleState(row.state)
    if state not in states:
        raise ArticleRefused(f"这篇文章{STATE_LABEL[state]}，不能{what}")


def _end_of(day: date | None) -> datetime | None:
    """The first instant after `day`."""
    return None if day is None else datetime.combine(day + timedelta(days=1), time(), SHANGHAI)


def _note(session: Session, row: ArticleRow, acting: Acting, action: str, **detail: Any) -> None:
    detail = {"article": row.id, "kind": row.kind, **detail}
    audit.note(session, acting.now, acting.actor, action, record=row.record_id, detail=detail)

"""The lists of other courts that are taken over: put in by name, known by a slug, ended, and how old each is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.record import State
from registry.sources.origin import SourceRefused
from registry.tables import BatchRow, RecordRow, SourceRow
from search_index.codes import has_long_number
from search_index.day import day_of

# The higher courts publish every quarter; a list that is older than three months and some is not their newest.
OLDEST = timedelta(days=100)
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_COURT = re.compile(r"[\u3400-\u9fff（）·]{2,40}法院")
_MOST_BASIS = 200
_ARTICLE = "香格里拉市失信被执行人联合惩戒文件二（一）"
_DEPARTED = [state.value for state in State if state.has_departed]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """A list of another court as pages show it. `listed_on` is the day of its newest whole list, of `rows` rows; `shown` are
    its entries that the public sees, `waiting` those that are neither seen nor gone."""

    slug: str
    court: str
    basis: str
    active: bool
    created_on: date
    listed_on: date | None
    rows: int | None
    shown: int
    waiting: int

    def is_stale(self, today: date) -> bool:
        """Whether the newest whole list is too old to go by."""
        return self.active and today - (self.listed_on or self.created_on) > OLDEST


def add_source(session: Session, slug: str, court: str, basis: str, own_court: str, acting: Acting) -> SourceRow:
    """Put in a list of another court, or take one that was ended up again. Raises SourceRefused."""
    _refuse_unfit(slug, court, basis, own_court)
    row = session.scalar(select(SourceRow).where(SourceRow.slug == slug).with_for_update())
    if row is None:
        if session.scalar(select(SourceRow.slug).where(SourceRow.court == court)):
            raise SourceRefused(f"{court}的名单已用别的代号登记：请用 gongshi source list 查看")
        row = SourceRow(
            slug=slug, court=court, basis=basis, active=True, created_at=acting.now, created_by=acting.actor
        )
        session.add(row)
    elif row.active or row.court != court:
        raise SourceRefused(f"代号“{slug}”已登记为{row.court}的名单：请用 gongshi source list 查看")
    elif find_listed(session, slug):
        raise SourceRefused("该名单停止转载时还有条目没有撤下：请先再运行一次 gongshi source end，再恢复转载")
    else:
        # What was known of the list is of the time before: it starts with its next whole list.
        row.active, row.basis, row.created_at, row.created_by = True, basis, acting.now, acting.actor
        row.listed_at = row.digest = row.rows = None
    audit.note(session, acting.now, acting.actor, "source_add", detail=_detail(row))
    return row


def end_source(session: Session, slug: str, basis: str, acting: Acting) -> SourceRow:
    """Say that a list is not taken over any more; from then on the gate lets none of its entries through. Whoever ends it
    takes them down (leaving.py). Repeated, it changes nothing. Raises SourceRefused."""
    row = get_source(session, slug)
    _refuse_unfit_basis(basis)
    if row.active:
        row.active = False
        audit.note(session, acting.now, acting.actor, "source_end", detail={**_detail(row), "basis": basis})
    return row


def note_whole(
    session: Session, slug: str, *, digest: str, rows: int, dated: datetime, actor: str, now: datetime
) -> None:
    """Keep which whole list of a court was the last to be taken over. Raises SourceRefused where it was ended meanwhile."""
    row = lock_active(session, slug)
    row.digest, row.rows, row.listed_at = digest, rows, dated
    detail = {**_detail(row), "rows": rows, "dated": day_of(dated).isoformat()}
    audit.note(session, now, actor, "source_list", detail=detail)


def refuse_older(row: SourceRow, listed_on: date, today: date) -> None:
    """A list that is older than what was taken over last says nothing of today. Raises SourceRefused."""
    if listed_on > today:
        raise SourceRefused("名单的日期不能晚于今天：请核对 --dated")
    last = day_of(row.listed_at) if row.listed_at else None
    if last is not None and listed_on < last:
        raise SourceRefused(f"该名单已有{last.isoformat()}的完整名单，不能再导入更早的：请取得最新的名单")


def lock_active(session: Session, slug: str) -> SourceRow:
    """The list, locked for the transaction, where it is still taken over. Raises SourceRefused."""
    row = get_source(session, slug)
    if not row.active:
        raise SourceRefused(f"{row.court}的名单已停止转载：没有导入；需要恢复的，请用 gongshi source add")
    return row


def get_source(session: Session, slug: str) -> SourceRow:
    """The list with this slug, locked for the transaction. Raises SourceRefused."""
    query = select(SourceRow).where(SourceRow.slug == slug).with_for_update()
    row = session.scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise SourceRefused(f"没有代号为“{slug[:40]}”的名单：请用 gongshi source list 查看")
    return row


def find_listed(session: Session, slug: str, after: int = 0, limit: int = 1) -> list[RecordRow]:
    """The next entries of a list that have not departed, seen or not."""
    ready = select(BatchRow.id).where(BatchRow.ready)
    query = select(RecordRow).where(
        RecordRow.source == slug,
        RecordRow.state.not_in(_DEPARTED),
        RecordRow.batch_id.in_(ready),
        RecordRow.id > after,
    )
    return list(session.scalars(query.order_by(RecordRow.id).limit(limit)))


def list_sources(session: Session) -> list[SourceLine]:
    """Every list that was ever taken over, by slug."""
    ready = select(BatchRow.id).where(BatchRow.ready)
    counted = select(RecordRow.source, RecordRow.state, func.count()).where(
        RecordRow.source.is_not(None), RecordRow.state.not_in(_DEPARTED), RecordRow.batch_id.in_(ready)
    )
    counts = {
        (slug, state): n for slug, state, n in session.execute(counted.group_by(RecordRow.source, RecordRow.state))
    }
    return [_line(row, counts) for row in session.scalars(select(SourceRow).order_by(SourceRow.slug))]


def _line(row: SourceRow, counts: dict[tuple[str | None, str], int]) -> SourceLine:
    of_it = {state: n for (slug, state), n in counts.items() if slug == row.slug}
    shown = of_it.pop(State.PUBLISHED.value, 0)
    return SourceLine(
        slug=row.slug,
        court=row.court,
        basis=row.basis,
        active=row.active,
        created_on=day_of(row.created_at),
        listed_on=day_of(row.listed_at) if row.listed_at else None,
        rows=row.rows,
        shown=shown,
        waiting=sum(of_it.values()),
    )


def _refuse_unfit(slug: str, court: str, basis: str, own_court: str) -> None:
    if not _SLUG.fullmatch(slug):
        raise SourceRefused("代号只能由小写英文字母、数字和连字符组成，不超过四十个字符，例如 yunnan-gaoyuan")
    if not _COURT.fullmatch(court):
        raise SourceRefused("请写法院的全称，例如 云南省高级人民法院")
    if court == own_court:
        raise SourceRefused("这是本院：本院的名单请用 gongshi import 导入")
    _refuse_unfit_basis(basis)


def _refuse_unfit_basis(basis: str) -> None:
    """A basis is public inside the court, and names a document and nobody. Raises SourceRefused."""
    if not basis.strip() or len(basis) > _MOST_BASIS:
        raise SourceRefused(f"请用 --basis 写明依据的文书名称和文号，不超过{_MOST_BASIS}个字")
    if has_long_number(basis):
        raise SourceRefused("依据中有身份证、电话或者账户一类的号码：请改写为文书名称和文号（个人信息保护法第六条）")


def _detail(row: SourceRow) -> dict[str, object]:
    return {"source": row.slug, "court": row.court, "article": _ARTICLE}

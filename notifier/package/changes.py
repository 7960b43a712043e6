"""变动.xlsx: what is new, corrected and gone since the list of the last quarter. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from notifier.calendar import Period
from notifier.package.edition import Edition, in_order, title, to_text
from notifier.package.workbook import Sheet, build_workbook
from search_index.document import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """An entry that left the list: its record and case number, and nothing of the person."""

    record: str
    case_number: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a reader of the list of the period `since` has to change. `since` is None where no list went before."""

    since: Period | None = None
    added: tuple[Document, ...] = ()
    corrected: tuple[Document, ...] = ()
    gone: tuple[Departure, ...] = ()


NO_CHANGES = Changes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """A recall that went out since the list of the last quarter: of an entry that left, or of one that was corrected."""

    record: str
    case_number: str | None
    gone: bool


def compare(since: Period, before: Sequence[Document], now: Sequence[Document]) -> Changes:
    """The changes from the list `before` to the list `now`. An entry that was only touched is not corrected."""
    old = {document.record: document for document in before}
    new = {document.record: document for document in now}
    return Changes(
        since=since,
        added=tuple(in_order([new[record] for record in new.keys() - old.keys()])),
        corrected=tuple(in_order([new[r] for r in new.keys() & old.keys() if _words(new[r]) != _words(old[r])])),
        gone=tuple(
            Departure(record=record, case_number=old[record].case_number) for record in sorted(old.keys() - new.keys())
        ),
    )


def repeat(changes: Changes, now: Sequence[Document], recalls: Sequence[Recalled]) -> Changes:
    """`changes` with what recalls said since the last quarter's list, which may have had more than one revision: what was
    recalled has left, is corrected, or, where it is on the list `now` again, is new. Recalls in order, the last one counts.
    """
    new = {document.record: document for document in now}
    last = {recall.record: recall for recall in recalls}
    gone = {departure.record: departure for departure in changes.gone}
    added = {document.record for document in changes.added}
    corrected = {document.record for document in changes.corrected}
    for record, recall in last.items():
        if record not in new:
            gone.setdefault(record, Departure(record=record, case_number=recall.case_number))
        elif recall.gone:
            added.add(record)
        else:
            corrected.add(record)
    return Changes(
        since=changes.since,
        added=tuple(in_order([new[record] for record in added])),
        corrected=tuple(in_order([new[record] for record in corrected - added])),
        gone=tuple(gone[record] for record in sorted(gone)),
    )


def build_changes_xlsx(edition: Edition, changes: Changes) -> bytes:
    """Three sheets: 新增, 更正, 退出. The last names nobody."""
    sheets = [
        _sheet(edition, changes, "新增", _FULL, [_full(document) for document in changes.added]),
        _sheet(edition, changes, "更正", _FULL, [_full(document) for document in changes.corrected]),
        _sheet(edition, changes, "退出", _BARE, [_bare(departure) for departure in changes.gone]),
    ]
    return build_workbook(edition, f"{title(edition)}变动", sheets)


_FULL = {"公开编号": 14, "姓名或者名称": 30, "执行案号": 28, "履行情况": 16, "公布时间": 14, "最后更新": 18}
_BARE = {"公开编号": 14, "执行案号": 32, "请立即": 60}
_STOP = "停止播放、重播和张贴，删除网站、账号和字幕、画面中的该条"
_MEANING = {
    "新增": "上一期名单之后公布的条目",
    "更正": "内容有更正的条目：请以本期内容替换，不得再用旧内容",
    "退出": "此前推送过、现已退出名单的条目：只列公开编号和执行案号",
}


def _sheet(
    edition: Edition, changes: Changes, name: str, columns: dict[str, int], rows: Sequence[Sequence[str]]
) -> Sheet:
    compared = f"与{changes.since.label}名单相比" if changes.since else "此前没有推送过其他季度的名单"
    return Sheet(
        name=name,
        title=f"{title(edition)}：{name}",
        line=f"{compared}，{_MEANING[name]}，共{len(rows)}条。第{edition.revision}次修订",
        columns={"序号": 6, **columns},
        rows=[[str(number), *cells] for number, cells in enumerate(rows, start=1)],
    )


def _full(document: Document) -> list[str]:
    return [
        document.record,
        document.name,
        document.case_number or "",
        document.performance,
        to_text(document.published_on),
        to_text(document.updated_at),
    ]


def _bare(departure: Departure) -> list[str]:
    return [departure.record, departure.case_number or "", _STOP]


_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def _words(document: Document) -> Document:
    return replace(document, updated_at=_NO_TIME)

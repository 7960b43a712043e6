"""Making an export: selected, written to a folder that is there whole or not at all, and put on record."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from notifier.context import Notifier
from notifier.exports.fields import Repair
from notifier.exports.making import Export, Selection, TooManyRows, make_export
from notifier.exports.profile import Format, Profile
from notifier.exports.selecting import FollowedList, Owed, find_owed, select_all, select_since
from notifier.exports.sheets import RowRefused
from notifier.files import discard, put_new, sweep_here, write_aside
from notifier.signing import SigningKey, SigningKeyError, open_signing_key
from notifier.tables import ExportRow
from search_index.changes import SinceTooOld, SinceUnknown
from search_index.database import for_reading

LAST: Literal["last"] = "last"
# A departure reaches the platform within three days (香格里拉市 四（二）4, 5): from here on it is said that one waits.
WARN_AFTER = timedelta(days=2)
LATE_AFTER = timedelta(days=3)
_TRIES = 5
_LEFT_FOR = timedelta(hours=1)
_SKEW = timedelta(minutes=1)
_ANEW = "请不加 --since 重新全量导出一次"


class ExportRefused(Exception):
    """An export that cannot be made. The message (Chinese) says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for: `since` is a sequence, LAST, or None for the whole list; `folder` must not be there yet."""

    profile: Profile
    form: Format | None
    since: int | Literal["last"] | None
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An export that was made."""

    folder: Path
    profile: str
    form: Format
    since: int | None
    sequence: int
    counts: Mapping[str, int]
    refused: tuple[RowRefused, ...]
    manifest_sha256: str

    def as_json(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "profile": self.profile,
            "format": self.form,
            "mode": "full" if self.since is None else "increment",
            "since": self.since,
            "sequence": self.sequence,
            **self.counts,
            "refused_rows": [{"record": one.record, "heading": one.heading, "reason": one.why} for one in self.refused],
            "manifest_sha256": self.manifest_sha256,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The last export of a profile that is on record."""

    profile: str
    title: str
    sequence: int
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """A platform that has to be told of what left; `owed` is None where only a whole list can tell it."""

    profile: str
    title: str
    owed: Owed | None


def export_list(
    notifier: Notifier,
    register: FollowedList,
    wish: Wish,
    list_repairs: Callable[[datetime | None], Sequence[Repair]],
    clock: Callable[[], datetime],
) -> Done:
    """Make one export. `list_repairs` gives the credit repairs agreed to since a time, all where it is None. Raises
    ExportRefused, SigningKeyError or RegisterUnavailable; then there is no folder."""
    form = _choose_format(wish)
    key = _open_key(notifier)
    last = find_last(notifier.engine, wish.profile.name)
    since = _resolve(wish, last)
    if since is not None and last is not None and _is_of_another_history(register, last, clock()):
        raise ExportRefused(f"名单在上一次导出之后从备份恢复过，公开序号已经不是原来的：{_ANEW}")
    if wish.folder.exists() or wish.folder.is_symlink():
        raise ExportRefused(f"{wish.folder} 已经存在：请给出一个还没有的目录，以前的导出不会被覆盖")
    goes_on = last is not None and since == last.sequence
    repairs = list_repairs(last.made_at if last is not None and goes_on else None) if wish.profile.has_repairs else ()
    sweep_here(wish.folder.parent, clock() - _LEFT_FOR)
    for _ in range(_TRIES):
        now = clock()
        mark = register.mark(now)
        selection = _select(register, wish.profile, since, repairs, now)
        try:
            export = make_export(wish.profile, form, selection, key)
        except TooManyRows as error:
            raise ExportRefused(str(error)) from None
        aside = write_aside(wish.folder.parent, export.files)
        # Who left while the files were made must not be in them.
        if register.mark(clock()) == mark:
            _keep(notifier.engine, wish, form, selection, export, aside)
            return Done(
                folder=wish.folder,
                profile=wish.profile.name,
                form=form,
                since=since,
                sequence=selection.sequence,
                counts=export.counts,
                refused=export.refused,
                manifest_sha256=export.manifest_sha256,
            )
        discard(aside)
    raise ExportRefused("名单正在变动，没有导出：请稍后再试")


def find_last(engine: Engine, profile: str) -> Made | None:
    """The last export of a profile; None where there was none."""
    query = select(ExportRow).where(ExportRow.profile == profile).order_by(ExportRow.id.desc()).limit(1)
    with Session(for_reading(engine)) as session:
        row = session.scalars(query).first()
        return _to_made(row) if row is not None else None


def list_last(engine: Engine) -> list[Made]:
    """The last export of every profile that was ever exported, by name."""
    newest = select(func.max(ExportRow.id)).group_by(ExportRow.profile)
    query = select(ExportRow).where(ExportRow.id.in_(newest)).order_by(ExportRow.profile)
    with Session(for_reading(engine)) as session:
        return [_to_made(row) for row in session.scalars(query)]


def list_behind(engine: Engine, register: FollowedList, now: datetime) -> list[Behind]:
    """The platforms that were not told for more than WARN_AFTER of what left or was corrected. Raises
    RegisterUnavailable."""
    found = []
    for made in list_last(engine):
        try:
            is_lost = _is_of_another_history(register, made, now)
            owed = find_owed(register, made.sequence, now)
        except (SinceTooOld, SinceUnknown):
            is_lost, owed = True, None
        if is_lost:
            found.append(Behind(profile=made.profile, title=made.title, owed=None))
            continue
        if owed is not None and now - owed.first_at > WARN_AFTER:
            found.append(Behind(profile=made.profile, title=made.title, owed=owed))
    return found


def _is_of_another_history(register: FollowedList, made: Made, now: datetime) -> bool:
    """Whether the list was restored since, and has come to the same sequence by other changes: what it says of the
    sequence of the export happened after the export."""
    if not made.sequence:
        return False
    try:
        changes = register.follow(made.sequence - 1, 1, now).changes
    except (SinceTooOld, SinceUnknown):
        return False  # which the sequence itself will be refused for, if it is asked after
    return bool(changes) and changes[0].at > made.made_at + _SKEW


def _choose_format(wish: Wish) -> Format:
    profile, form = wish.profile, wish.form or wish.profile.formats[0]
    if form not in profile.formats:
        raise ExportRefused(f"{profile.title}不收 {form}：方案写明的格式是{'、'.join(profile.formats)}")
    mode = "full" if wish.since is None else "increment"
    if mode not in profile.modes:
        other = "请不加 --since 全量导出" if mode == "increment" else "请加 --since last 增量导出"
        raise ExportRefused(f"{profile.title}不收这种导出（方案的 modes）：{other}")
    return form


def _open_key(notifier: Notifier) -> SigningKey:
    key = notifier.signing_key
    if key is None:
        raise SigningKeyError("没有签名密钥：请运行 gongshi init")
    return open_signing_key(key) if isinstance(key, Path) else key


def _resolve(wish: Wish, last: Made | None) -> int | None:
    """The sequence that an increment begins after; never one that leaves out what the platform was not told."""
    if wish.since is None:
        return None
    if last is None:
        raise ExportRefused(f"还没有给{wish.profile.title}导出过，不能只导出变动：{_ANEW}")
    if wish.since == LAST:
        return last.sequence
    if wish.since > last.sequence:
        raise ExportRefused(
            f"上一次导出到公开序号 {last.sequence}：从 {wish.since} 起会漏掉其间的变动，请用 --since last 或者更小的序号"
        )
    return wish.since


def _select(
    register: FollowedList, profile: Profile, since: int | None, repairs: Sequence[Repair], now: datetime
) -> Selection:
    if since is None:
        return select_all(register, profile, repairs, now)
    try:
        return select_since(register, profile, since, repairs, now)
    except SinceTooOld:
        raise ExportRefused(f"公开序号 {since} 之后的变动已经超过一年，不能只导出变动：{_ANEW}") from None
    except SinceUnknown:
        raise ExportRefused(f"名单里还没有公开序号 {since}（登记库可能是从备份恢复的）：{_ANEW}") from None


def _keep(engine: Engine, wish: Wish, form: Format, selection: Selection, export: Export, aside: Path) -> None:
    """Row and folder together. Killed between the two, there is a folder that is not on record: the next export tells the
    same once more, which changes nothing."""
    row = ExportRow(
        profile=wish.profile.name,
        title=wish.profile.title,
        version=wish.profile.version,
        file_format=form,
        since=selection.since,
        sequence=selection.sequence,
        entries=export.counts["entries"],
        departures=export.counts["departures"],
        repairs=export.counts["repairs"],
        manifest_sha256=export.manifest_sha256,
        made_at=selection.made_at,
    )
    standing = aside
    try:
        with Session(engine) as session, session.begin():
            session.add(row)
            session.flush()
            put_new(aside, wish.folder)
            standing = wish.folder
    except BaseException as error:
        with contextlib.suppress(OSError):
            discard(standing)
        if isinstance(error, FileExistsError):
            raise ExportRefused(f"{wish.folder} 已经存在：请给出一个还没有的目录") from None
        raise


def _to_made(row: ExportRow) -> Made:
    return Made(profile=row.profile, title=row.title, sequence=row.sequence, made_at=row.made_at)

"""The working days of the State Council: published years, what a court imports, and a reading for the rest."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from itertools import count
from pathlib import Path

import chinese_calendar
from chinese_calendar import constants

from registry.deadlines import Reading
from search_index.durable import write_private

PUBLISHED_YEARS = frozenset(day.year for day in constants.holidays)

# Spring Festival, Dragon Boat and Mid-Autumn by the lunar calendar, and Tomb-Sweeping by the sun, as (month, day).
# They are needed only until the State Council's notice for the year comes; after the last year nothing is guessed.
_MOVING_FEASTS: Mapping[int, tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]] = {
    2027: ((2, 6), (6, 9), (9, 15), (4, 5)),
    2028: ((1, 26), (5, 28), (10, 3), (4, 4)),
    2029: ((2, 13), (6, 16), (9, 22), (4, 4)),
    2030: ((2, 3), (6, 5), (9, 12), (4, 5)),
    2031: ((1, 23), (6, 24), (10, 1), (4, 5)),
    2032: ((2, 11), (6, 12), (9, 19), (4, 4)),
    2033: ((1, 31), (6, 1), (9, 8), (4, 4)),
    2034: ((2, 19), (6, 20), (9, 27), (4, 5)),
    2035: ((2, 8), (6, 10), (9, 16), (4, 5)),
    2036: ((1, 28), (5, 30), (10, 4), (4, 4)),
    2037: ((2, 15), (6, 18), (9, 24), (4, 4)),
    2038: ((2, 4), (6, 7), (9, 13), (4, 5)),
    2039: ((1, 24), (5, 27), (10, 2), (4, 5)),
    2040: ((2, 12), (6, 14), (9, 20), (4, 4)),
}
_FIXED_FEASTS = ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3))
_SATURDAY = 5
_LARGEST = 1024 * 1024
# A holiday given or prolonged by a notice of its own: 3 September 2015; the Spring Festival of 2020.
_MOST_CHANGED = 5
# The yearly notices gave 16 to 19 days off from Monday to Friday.
_MOST_OFF = 30
_HEADER = ["date", "type"]
_TYPES = {"holiday": False, "休": False, "workday": True, "班": True}


class CalendarFileError(ValueError):
    """The file of holidays cannot be used. The message (Chinese) names the line or the year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCouncilCalendar:
    """Working days. What was imported (`overrides`: day → is a workday) comes before the published years.

    Outside both, `Reading.EARLIEST` takes Monday to Friday as worked, and `Reading.LATEST` leaves out the
    statutory holidays as well (全国年节及纪念日放假办法 art. 2); days moved by the yearly notice are not guessed.
    """

    overrides: Mapping[date, bool] = field(default_factory=dict)
    imported_years: frozenset[int] = frozenset()

    def is_known(self, year: int) -> bool:
        return year in PUBLISHED_YEARS or year in self.imported_years

    def is_workday(self, day: date, reading: Reading = Reading.LATEST) -> bool:
        if day in self.overrides:
            return self.overrides[day]
        if day.year in PUBLISHED_YEARS:
            return bool(chinese_calendar.is_workday(day))
        if day.weekday() >= _SATURDAY:
            return False
        if day.year in self.imported_years or reading is Reading.EARLIEST:
            return True
        return day not in build_statutory_holidays(day.year)

    def first_workday_after(self, day: date) -> date:
        """The first working day later than `day`; in an unannounced year, the late reading."""
        later = (day + timedelta(days=n) for n in count(1))
        return next(d for d in later if self.is_workday(d))


def load_calendar(path: Path | None) -> StateCouncilCalendar:
    """The calendar with the overrides in `path` (UTF-8 CSV `date,type`), or without any. Raises CalendarFileError."""
    if path is None:
        return StateCouncilCalendar()
    try:
        state = path.stat()
    except OSError as error:
        raise CalendarFileError(f"节假日文件无法读取：{error.strerror}") from error
    # Asked for every act and by the worker every few seconds; the file changes once a year.
    return _load(path, state.st_mtime_ns, state.st_size, state.st_ino)


@lru_cache(maxsize=4)
def _load(path: Path, _changed: int, _size: int, _inode: int) -> StateCouncilCalendar:
    return build_calendar(read_calendar_file(path))


def read_calendar_file(path: Path) -> str:
    """The text of a file of holidays. Raises CalendarFileError."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise CalendarFileError(f"节假日文件无法读取：{error.strerror}") from error
    if len(content) > _LARGEST:
        raise CalendarFileError("节假日文件超过1MB，不是一份放假安排，请核对")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CalendarFileError("节假日文件不是UTF-8编码，请另存为“CSV UTF-8”后重试") from error


def replace_calendar(path: Path, text: str, old: StateCouncilCalendar) -> StateCouncilCalendar:
    """Put `text`, when it is a calendar that knows every year `old` was told of, in the place of the file at `path`: whole,
    or not at all. Raises CalendarFileError, or OSError."""
    new = build_calendar(text)
    if lost := sorted(old.imported_years - new.imported_years):
        years = "、".join(map(str, lost))
        raise CalendarFileError(f"节假日文件里没有已经导入的{years}年：请把各年的安排放在同一个文件里再导入")
    write_private(path, text)
    return new


def build_calendar(text: str) -> StateCouncilCalendar:
    """The calendar with the overrides in `text`: a header `date,type`, then ISO dates with `holiday` (or 休) or
    `workday` (or 班). A year that is not published must have all its statutory holidays, so that a file cut
    short is not taken for a whole year; and no year may have so many days off that no notice can have said so: they would
    put off what the court owes. Raises CalendarFileError."""
    overrides = dict(_read_rows(text))
    imported = frozenset(day.year for day in overrides) - PUBLISHED_YEARS
    for year in sorted({day.year for day in overrides}):
        if year in PUBLISHED_YEARS:
            _refuse_another_year(year, overrides)
        else:
            _require_whole_year(year, overrides)
            _refuse_idle_year(year, overrides)
    return StateCouncilCalendar(overrides=overrides, imported_years=imported)


def build_statutory_holidays(year: int) -> frozenset[date]:
    """The statutory days off of `year` under the 2024 text (13 days); the moving feasts only for 2027–2040."""
    days = {date(year, month, day) for month, day in _FIXED_FEASTS}
    if feasts := _MOVING_FEASTS.get(year):
        spring, *others = (date(year, month, day) for month, day in feasts)
        # New Year's Eve and the first three days of the lunar year.
        days |= {spring + timedelta(days=n) for n in range(-1, 3)}
        days |= set(others)
    return frozenset(days)


def _read_rows(text: str) -> Iterator[tuple[date, bool]]:
    rows = csv.reader(io.StringIO(text))
    header = [cell.strip().lower() for cell in next(rows, [])]
    if header != _HEADER:
        raise CalendarFileError("节假日文件第1行应为表头 date,type")
    seen: set[date] = set()
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        day, is_workday = _read_row(row, rows.line_num)
        if day in seen:
            raise CalendarFileError(f"节假日文件第{rows.line_num}行：{day.isoformat()}重复出现，请只保留一行")
        seen.add(day)
        yield day, is_workday


def _read_row(row: list[str], line: int) -> tuple[date, bool]:
    cells = [cell.strip() for cell in row]
    if len(cells) != len(_HEADER):
        raise CalendarFileError(f"节假日文件第{line}行：应有2列（日期、类型），实有{len(cells)}列")
    try:
        day = date.fromisoformat(cells[0])
    except ValueError as error:
        raise CalendarFileError(f"节假日文件第{line}行：日期“{cells[0]}”应写成2027-01-01的形式") from error
    if cells[1] not in _TYPES:
        raise CalendarFileError(f"节假日文件第{line}行：类型“{cells[1]}”应为holiday（休）或workday（班）")
    return day, _TYPES[cells[1]]


def _refuse_another_year(year: int, overrides: Mapping[date, bool]) -> None:
    changed = [
        day for day, worked in overrides.items() if day.year == year and worked != chinese_calendar.is_workday(day)
    ]
    if len(changed) > _MOST_CHANGED:
        raise CalendarFileError(
            f"节假日文件把{year}年已经公布的安排改了{len(changed)}天：国务院办公厅另行通知的变动至多{_MOST_CHANGED}天，请核对"
        )


def _refuse_idle_year(year: int, overrides: Mapping[date, bool]) -> None:
    off = [day for day, worked in overrides.items() if day.year == year and not worked and day.weekday() < _SATURDAY]
    if len(off) > _MOST_OFF:
        raise CalendarFileError(
            f"节假日文件在{year}年的星期一至星期五中有{len(off)}天放假，多于任何一年的安排（至多{_MOST_OFF}天），请核对"
        )


def _require_whole_year(year: int, overrides: Mapping[date, bool]) -> None:
    missing = sorted(day for day in build_statutory_holidays(year) if overrides.get(day) is not False)
    if missing:
        days = "、".join(day.isoformat() for day in missing)
        raise CalendarFileError(
            f"节假日文件不完整：{year}年的法定节假日{days}没有标为holiday（休），请按国务院办公厅通知补全该年的全部安排"
        )

"""Working days: the published years, an imported notice, and the readings of a year nobody knows."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongshi.calendar import (
    CalendarFileError,
    StateCouncilCalendar,
    build_calendar,
    build_statutory_holidays,
    load_calendar,
)
from gongshi.commands.calendar import list_exceptions
from registry.deadlines import Reading

CALENDAR = StateCouncilCalendar()


def notice_for(year: int) -> str:
    return "date,type\n" + "".join(f"{day},holiday\n" for day in sorted(build_statutory_holidays(year)))


def test_adjusted_days_of_published_years_are_known() -> None:
    assert CALENDAR.is_workday(date(2026, 10, 10))
    assert not CALENDAR.is_workday(date(2026, 10, 7))
    assert CALENDAR.is_known(2004)
    assert CALENDAR.is_known(2026)
    assert not CALENDAR.is_known(2003)


@given(st.dates(date(2027, 1, 1), date(2199, 12, 31)))
def test_the_early_reading_works_whenever_the_late_one_does(day: date) -> None:
    early = CALENDAR.is_workday(day, Reading.EARLIEST)
    assert early == (day.weekday() < 5)
    assert early or not CALENDAR.is_workday(day, Reading.LATEST)


def test_the_late_reading_keeps_the_moving_feasts_free() -> None:
    for day in (date(2027, 2, 5), date(2027, 2, 8), date(2027, 4, 5), date(2027, 6, 9), date(2027, 9, 15)):
        assert not CALENDAR.is_workday(day, Reading.LATEST)
        assert CALENDAR.is_workday(day, Reading.EARLIEST)


@given(st.dates(date(2004, 1, 1), date(2199, 12, 31)))
def test_the_first_workday_after_has_none_between(day: date) -> None:
    first = CALENDAR.first_workday_after(day)
    assert CALENDAR.is_workday(first)
    between = (day + timedelta(days=n) for n in range(1, (first - day).days))
    assert not any(CALENDAR.is_workday(d) for d in between)


def test_the_first_working_day_of_a_quarter() -> None:
    assert CALENDAR.first_workday_after(date(2026, 9, 30)) == date(2026, 10, 8)
    assert CALENDAR.first_workday_after(date(2026, 12, 31)) == date(2027, 1, 4)


def test_a_whole_notice_makes_its_year_known(tmp_path: Path) -> None:
    path = tmp_path / "2027.csv"
    path.write_text("\ufeff" + notice_for(2027) + "2027-02-20,班\n2027-02-09,休\n\n", encoding="utf-8")
    calendar = load_calendar(path)
    assert calendar.is_known(2027)
    assert not calendar.is_known(2028)
    assert calendar.is_workday(date(2027, 2, 20))
    assert not calendar.is_workday(date(2027, 2, 9), Reading.EARLIEST)
    assert not calendar.is_workday(date(2027, 1, 1), Reading.EARLIEST)
    assert calendar.is_workday(date(2027, 3, 1), Reading.LATEST)


def test_a_single_day_of_a_published_year_can_be_corrected() -> None:
    calendar = build_calendar("date,type\n2026-03-02,holiday\n")
    assert not calendar.is_workday(date(2026, 3, 2))
    assert calendar.is_workday(date(2026, 3, 3))


@pytest.mark.parametrize(
    ("year", "words"), [(2026, "已经公布的安排改了20天"), (2027, "星期一至星期五中有3[0-9]天放假")]
)
def test_no_file_puts_off_what_the_court_owes_by_weeks(year: int, words: str) -> None:
    idle = [date(year, 12, 1) + timedelta(days=n) for n in range(28)]
    days = [day for day in idle if day.weekday() < 5]
    text = notice_for(year) if year == 2027 else "date,type\n"
    if year == 2027:
        idle = [date(year, 3, 1) + timedelta(days=n) for n in range(28)]
        days += [day for day in idle if day.weekday() < 5][:10]
    with pytest.raises(CalendarFileError, match=words):
        build_calendar(text + "".join(f"{day},休\n" for day in days))


def test_a_notice_cut_short_is_refused_and_says_what_is_missing() -> None:
    short = "".join(notice_for(2027).splitlines(keepends=True)[:-1])
    with pytest.raises(CalendarFileError, match=r"2027年的法定节假日2027-10-03没有"):
        build_calendar(short)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "第1行应为表头"),
        ("日期,类型\n", "第1行应为表头"),
        ("date,type\n2026-02-30,休\n", "第2行：日期“2026-02-30”"),
        ("date,type\n2026-03-02,放假\n", "第2行：类型“放假”"),
        ("date,type\n2026-03-02\n", "第2行：应有2列"),
        ("date,type\n2026-03-02,休\n2026-03-02,班\n", "第3行：2026-03-02重复出现"),
    ],
)
def test_a_bad_file_is_refused_by_line(text: str, words: str) -> None:
    with pytest.raises(CalendarFileError, match=words):
        build_calendar(text)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(CalendarFileError, match="无法读取"):
        load_calendar(tmp_path / "missing.csv")
    gb = tmp_path / "gb.csv"
    gb.write_bytes("date,type\n2026-03-02,休\n".encode("gb18030"))
    with pytest.raises(CalendarFileError, match="不是UTF-8"):
        load_calendar(gb)
    assert load_calendar(None) == StateCouncilCalendar()


@pytest.mark.parametrize("year", [2025, 2026, 2027])
def test_what_is_shown_of_a_year_is_the_calendar(year: int) -> None:
    off, on = list_exceptions(CALENDAR, year)
    for n in range(365):
        day = date(year, 1, 1) + timedelta(days=n)
        worked = (day.weekday() < 5 and day not in off) or day in on
        assert CALENDAR.is_workday(day) == worked

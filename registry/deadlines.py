"""The legal clock: which day something is due, by which article, and whether that is certain.

Days are calendar days in Asia/Shanghai; the day a period starts is not counted (民诉法 85). Where the national rule
and the court's local policy both set a period, a duty of the court, or of a unit, takes the earlier day and a right of
a party the later. In a year whose holidays have not been announced a duty is read as early, and a right as late, as
the calendar allows, and the answer is marked provisional.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from itertools import count
from typing import Protocol, assert_never

EARLIEST_START = date(1950, 1, 1)
LATEST_START = date(2199, 12, 31)


class Rule(StrEnum):
    """What is due. The period runs from the day after:

    `exit` the ground to withdraw or delete arose or was known; `correction_review` a written application arrived;
    `correction_fix` it was found right; `reconsideration_request` the refusal was served;
    `reconsideration_decision` the higher court received the request; `term_end` the last day of the term;
    `grace` the decision that grants it; `hold_confirm` one person alone held an entry; `units_told` an entry left the
    list; `release` a unit was told so; `feedback` the quarter ended; `complaint` the complaint arrived;
    `objection_mark` the objection arrived; `take_down` an entry left the list that a reader holds in bulk.
    """

    EXIT = "exit"
    CORRECTION_REVIEW = "correction_review"
    CORRECTION_FIX = "correction_fix"
    RECONSIDERATION_REQUEST = "reconsideration_request"
    RECONSIDERATION_DECISION = "reconsideration_decision"
    TERM_END = "term_end"
    GRACE = "grace"
    HOLD_CONFIRM = "hold_confirm"
    UNITS_TOLD = "units_told"
    RELEASE = "release"
    FEEDBACK = "feedback"
    COMPLAINT = "complaint"
    OBJECTION_MARK = "objection_mark"
    TAKE_DOWN = "take_down"


RULE_LABEL: Mapping[Rule, str] = {
    Rule.EXIT: "决定退出事由（撤销、删除）",
    Rule.CORRECTION_REVIEW: "审查异议",
    Rule.CORRECTION_FIX: "异议成立后更正、撤销或者删除",
    Rule.RECONSIDERATION_REQUEST: "申请复议",
    Rule.RECONSIDERATION_DECISION: "上一级人民法院复议",
    Rule.TERM_END: "纳入期限届满后删除",
    Rule.GRACE: "宽限期",
    Rule.HOLD_CONFIRM: "由另一人确认屏蔽",
    Rule.UNITS_TOLD: "通知联合惩戒单位",
    Rule.RELEASE: "单位解除惩戒措施",
    Rule.FEEDBACK: "单位季度反馈",
    Rule.COMPLAINT: "办理投诉举报",
    Rule.OBJECTION_MARK: "标注异议并告知单位",
    Rule.TAKE_DOWN: "批量读取者删去退出的条目并确认",
}


class Profile(StrEnum):
    """Whose rules apply beside the national ones."""

    NATIONAL = "national"
    HENAN = "henan"
    YUNNAN = "yunnan"


class Reading(StrEnum):
    """How a calendar answers for a day that nobody can know yet."""

    EARLIEST = "earliest"
    LATEST = "latest"


class Calendar(Protocol):
    """The working days of the State Council."""

    def is_known(self, year: int) -> bool:
        """Whether the holidays of `year` have been announced."""

    def is_workday(self, day: date, reading: Reading) -> bool:
        """Whether courts work on `day`; in a year that is not known, by `reading`."""


class Unit(StrEnum):
    DAYS = "days"
    WORKDAYS = "workdays"
    MONTHS = "months"


class Bearer(StrEnum):
    """Whose time it is: the court's or a unit's, to do its duty in, or the party's, to use a right in."""

    COURT = "court"
    UNIT = "unit"
    PARTY = "party"

    @property
    def reading(self) -> Reading:
        """A duty is read as early, and a right as late, as can be."""
        return Reading.LATEST if self is Bearer.PARTY else Reading.EARLIEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """So many days, working days or months, and the article that says so."""

    length: int
    unit: Unit
    article: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleText:
    bearer: Bearer
    national: Period
    local: Mapping[Profile, Period] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The last day on which the act is in time. `provisional` (暂定): a day that decided it was not yet announced."""

    due: date
    article: str
    provisional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Between which days a period ends, whatever the notice for a year that is not known yet will say."""

    earliest: date
    latest: date


class StartOutOfRange(ValueError):
    """The period starts on a day that no case can have. The message is for the person who typed it."""

    def __init__(self, start: date) -> None:
        super().__init__(
            f"起算日期{start.isoformat()}不合理：应在{EARLIEST_START.isoformat()}至{LATEST_START.isoformat()}之间，请核对年份"
        )


_SPC = "《最高人民法院关于公布失信被执行人名单信息的若干规定》"
_YUNNAN = "香格里拉市失信被执行人联合惩戒文件四（二）"
_HENAN = "《河南省社会信用条例》"
# Where no article sets a period the court sets one, and says that it is its own.
_OWN = "本院规定"

RULES: Mapping[Rule, RuleText] = {
    Rule.EXIT: RuleText(
        bearer=Bearer.COURT,
        national=Period(length=3, unit=Unit.WORKDAYS, article=f"{_SPC}第九条、第十条第一款"),
        local={Profile.YUNNAN: Period(length=3, unit=Unit.DAYS, article=f"{_YUNNAN}4")},
    ),
    Rule.CORRECTION_REVIEW: RuleText(
        bearer=Bearer.COURT,
        national=Period(length=15, unit=Unit.DAYS, article=f"{_SPC}第十二条第一款"),
        local={Profile.YUNNAN: Period(length=15, unit=Unit.DAYS, article=f"{_YUNNAN}3")},
    ),
    Rule.CORRECTION_FIX: RuleText(
        bearer=Bearer.COURT,
        national=Period(length=3, unit=Unit.WORKDAYS, article=f"{_SPC}第九条、第十二条第一款"),
        local={Profile.YUNNAN: Period(length=3, unit=Unit.DAYS, article=f"{_YUNNAN}3")},
    ),
    Rule.RECONSIDERATION_REQUEST: RuleText(
        bearer=Bearer.PARTY,
        national=Period(length=10, unit=Unit.DAYS, article=f"{_SPC}第十二条第二款"),
        local={Profile.YUNNAN: Period(length=10, unit=Unit.DAYS, article=f"{_YUNNAN}3")},
    ),
    Rule.RECONSIDERATION_DECISION: RuleText(
        bearer=Bearer.COURT,
        national=Period(length=15, unit=Unit.DAYS, article=f"{_SPC}第十二条第二款"),
    ),
    # 香格里拉市 四（二）4 leaves entries with a term to the national rule.
    Rule.TERM_END: RuleText(
        bearer=Bearer.COURT,
        national=Period(length=3, unit=Unit.WORKDAYS, article=f"{_SPC}第十条第二款"),
    ),
    # One to three months, during which nothing is published. It is the debtor's time: unless the decision
    # names a shorter one, it is read as the longest, so that nobody is published too early.
    Rule.GRACE: RuleText(
        bearer=Bearer.PARTY,
        national=Period(
            length=3,
            unit=Unit.MONTHS,
            article="《关于在执行工作中进一步强化善意文明执行理念的意见》（法发〔2019〕35号）宽限期一至三个月",
        ),
    ),
    # One person alone took a name down: quickly looked at by a second, it is lifted soon if it was an error.
    Rule.HOLD_CONFIRM: RuleText(
        bearer=Bearer.COURT,
        national=Period(length=1, unit=Unit.WORKDAYS, article=f"{_OWN}（先行屏蔽须由另一人确认）"),
    ),
    # 法释〔2017〕7号 art. 8 says whom to tell of a listing, and no period for telling them of its end.
    Rule.UNITS_TOLD: RuleText(
        bearer=Bearer.COURT,
        national=Period(length=3, unit=Unit.WORKDAYS, article=f"{_OWN}（参照{_SPC}第十条第一款）"),
        local={Profile.YUNNAN: Period(length=3, unit=Unit.DAYS, article=f"{_YUNNAN}5")},
    ),
    # 香格里拉市 says "at once" (立即), which is read as one working day.
    Rule.RELEASE: RuleText(
        bearer=Bearer.UNIT,
        national=Period(length=1, unit=Unit.WORKDAYS, article=f"{_OWN}（立即解除，按一个工作日计）"),
        local={
            Profile.HENAN: Period(length=1, unit=Unit.WORKDAYS, article=f"{_HENAN}第四十二条"),
            Profile.YUNNAN: Period(length=1, unit=Unit.WORKDAYS, article=f"{_YUNNAN}5（立即解除）"),
        },
    ),
    # The policies ask for feedback each quarter (香格里拉市 三（一）, 五1) and give no day.
    Rule.FEEDBACK: RuleText(
        bearer=Bearer.UNIT,
        national=Period(length=10, unit=Unit.WORKDAYS, article=f"{_OWN}（季度终了后十个工作日）"),
    ),
    # 香格里拉市 四（二）8 asks that complaints be looked into and answered, and gives no day.
    Rule.COMPLAINT: RuleText(
        bearer=Bearer.COURT,
        national=Period(length=30, unit=Unit.DAYS, article=f"{_OWN}（三十日内答复投诉举报）"),
    ),
    Rule.OBJECTION_MARK: RuleText(
        bearer=Bearer.COURT,
        national=Period(length=3, unit=Unit.WORKDAYS, article=f"{_OWN}（核实期间告知单位，三个工作日）"),
        local={Profile.HENAN: Period(length=3, unit=Unit.WORKDAYS, article=f"{_HENAN}第四十一条")},
    ),
    # Who takes the list in bulk promised it with the terms. It is no authority: nothing is held against it before its
    # time is surely over, which is the reading that a party has.
    Rule.TAKE_DOWN: RuleText(
        bearer=Bearer.PARTY,
        national=Period(length=1, unit=Unit.WORKDAYS, article=f"{_OWN}（批量读取条款：一个工作日内删去并确认）"),
        local={Profile.HENAN: Period(length=1, unit=Unit.WORKDAYS, article=f"{_HENAN}第四十二条")},
    ),
}


def due(rule: Rule, start: date, profile: Profile, calendar: Calendar) -> Deadline:
    """When `rule` is due for a period that starts on `start`, under `profile`.

    Raises StartOutOfRange. Of two periods that end on the same day the article of each is named.
    """
    return _due(rule, start, profile, calendar, RULES[rule].bearer.reading)


def find_span(rule: Rule, start: date, profile: Profile, calendar: Calendar) -> Span:
    """The earliest and the latest day on which the period may turn out to end: one day where every year is known.
    Raises StartOutOfRange."""
    ends = [_due(rule, start, profile, calendar, reading).due for reading in Reading]
    return Span(earliest=min(ends), latest=max(ends))


def add_months(day: date, months: int) -> date:
    """The corresponding day `months` later, or that month's last day where it has none (民法典 202)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    month += 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _due(rule: Rule, start: date, profile: Profile, calendar: Calendar, reading: Reading) -> Deadline:
    if not EARLIEST_START <= start <= LATEST_START:
        raise StartOutOfRange(start)
    text = RULES[rule]
    periods = [text.national]
    if local := text.local.get(profile):
        periods.append(local)
    return _choose([_end(period, start, reading, calendar) for period in periods], text.bearer)


def _choose(ends: list[Deadline], bearer: Bearer) -> Deadline:
    days = [end.due for end in ends]
    chosen = max(days) if bearer is Bearer.PARTY else min(days)
    articles = [end.article for end in ends if end.due == chosen]
    return Deadline(
        due=chosen,
        # The court's own rule stands in for an article only where there is none.
        article="；".join([article for article in articles if not article.startswith(_OWN)] or articles),
        # What the other period really comes to could still make it the one that counts.
        provisional=any(end.provisional for end in ends),
    )


def _end(period: Period, start: date, reading: Reading, calendar: Calendar) -> Deadline:
    match period.unit:
        case Unit.WORKDAYS:
            last = _count_workdays(start, period.length, reading, calendar)
            first_unsure = start + timedelta(days=1)
        case Unit.DAYS:
            first_unsure = start + timedelta(days=period.length)
            last = _extend(first_unsure, reading, calendar)
        case Unit.MONTHS:
            first_unsure = add_months(start, period.length)
            last = _extend(first_unsure, reading, calendar)
        case _:
            assert_never(period.unit)
    return Deadline(
        due=last,
        article=period.article,
        provisional=not all(calendar.is_known(year) for year in range(first_unsure.year, last.year + 1)),
    )


def _count_workdays(start: date, length: int, reading: Reading, calendar: Calendar) -> date:
    later = (start + timedelta(days=n) for n in count(1))
    workdays = (day for day in later if calendar.is_workday(day, reading))
    return next(day for number, day in enumerate(workdays, start=1) if number == length)


def _extend(last: date, reading: Reading, calendar: Calendar) -> date:
    # 民诉法 85: a period that would end on a day off ends on the first day after it.
    days = (last + timedelta(days=n) for n in count())
    return next(day for day in days if calendar.is_workday(day, reading))

"""What each clock runs for: from which day, what happens when it is over, when it is told of, and to whom. Pure.

Which step of a record sets and ends which clock is said where the step is: for records in lifecycle.py, for matters in
matters/states.py. A recorded ground sets EXIT, and its dismissal or a departure ends it (undecided.py, grounds.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import count

from registry.deadlines import Calendar, Reading, Rule


class RunsFrom(StrEnum):
    """From which of its two days a ground makes the court's period run."""

    ARISING = "arose"
    KNOWING = "known"


@dataclass(frozen=True, slots=True)
class Run:
    """From which day, and why from that one."""

    of: RunsFrom
    reason: str


# What the court itself establishes or orders runs from when it arose; what happens outside, and the court has to learn
# of, from when it was known.
_OUTSIDE = Run(RunsFrom.KNOWING, "事由在法院以外发生，自法院知悉之日起算")
_BY_COURT = Run(RunsFrom.ARISING, "事由由法院自己作出或者查明，自发生之日起算")
_GROUND_RUNS: Mapping[str, Run] = {
    # Paid to the applicant, art. 10 ¶1 (1) is known from the applicant; paid to the court it arises and is known on one day.
    "performed": _OUTSIDE,
    "settled": _OUTSIDE,
    # Not the request but the court's consent to it is the ground (art. 10 ¶1 (3)).
    "applicant_request": _BY_COURT,
    # The second query without a result is the court's own (art. 10 ¶1 (4)).
    "no_property_found": _BY_COURT,
    "stayed": _BY_COURT,
    "not_enforceable": _BY_COURT,
    "closed": _BY_COURT,
    "early": _BY_COURT,
    "guaranteed": _BY_COURT,
    # Art. 9 asks for three working days from when it was found that the entry should not be there.
    "wrongly_listed": _OUTSIDE,
    "minor": _OUTSIDE,
    "deceased": _OUTSIDE,
}

# A child, and the dead, are not looked into first: hidden at once, decided afterwards (法释〔2017〕7号 art. 4; 民诉法 268 (3)).
AT_ONCE = frozenset({"minor", "deceased"})

# While one of these runs the entry ought not to be there, or not as it is: when it is over, the product hides the entry
# by itself. An objection that nobody has reviewed is no such clock: neither the review nor the reconsideration stops what
# was decided (art. 12 ¶3), and to hide whoever objects would undo every listing.
HIDES = frozenset({Rule.EXIT, Rule.CORRECTION_FIX})


class AlarmKind(StrEnum):
    """What somebody is told of a clock: that it is near, that it is over, or that the product hid the entry by itself."""

    NEAR = "near"
    OVER = "over"
    ACTED = "acted"


ALARM_LABEL: Mapping[AlarmKind, str] = {
    AlarmKind.NEAR: "即将到期",
    AlarmKind.OVER: "已经逾期",
    AlarmKind.ACTED: "系统已自行屏蔽",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """A staff account, as far as telling it of a clock goes. `decides`: may act on records, and not only read them."""

    name: str
    active: bool
    away: bool
    decides: bool
    reviews: bool
    deputy: str | None

    @property
    def is_there(self) -> bool:
        return self.active and self.decides and not self.away


def find_run(ground: str) -> Run:
    """From which day the period of a recorded ground runs. One that is not in the table runs from the earlier day."""
    return _GROUND_RUNS.get(ground, _BY_COURT)


def find_start(ground: str, arose_on: date, known_on: date) -> date:
    """The day after which the period of a recorded ground begins."""
    return known_on if find_run(ground).of is RunsFrom.KNOWING else arose_on


def find_alarm_day(due: date, calendar: Calendar) -> date:
    """From which day on those concerned are told that `due` is near: the last working day before it. In a year that is
    not announced holidays are left out, so that nobody is told too late. What is set later than that is told at once."""
    earlier = (due - timedelta(days=n) for n in count(1))
    return next(day for day in earlier if calendar.is_workday(day, Reading.LATEST))


def find_concerned(involved: Collection[str], staff: Mapping[str, Colleague]) -> frozenset[str]:
    """Who is told of a clock: those `involved` in what it runs for, and the deputy of each. Where none of them is there,
    every reviewer who is; where no reviewer is there, every reviewer and clerk with an account, who find it when back.
    """
    told = {name for one in involved for name in _with_deputies(one, staff) if _may_be_told(name, staff)}
    if any(staff[name].is_there for name in told):
        return frozenset(told)
    reviewers = {one.name for one in staff.values() if one.reviews and one.is_there}
    if reviewers:
        return frozenset(told | reviewers)
    return frozenset(told | {name for name in staff if _may_be_told(name, staff)})


def _with_deputies(name: str, staff: Mapping[str, Colleague]) -> Iterator[str]:
    """A person and the deputy; while the deputy is not there, the deputy's deputy, and so on."""
    seen: set[str] = set()
    following: str | None = name
    while following is not None and following in staff and following not in seen:
        yield following
        if len(seen) and staff[following].is_there:
            return
        seen.add(following)
        following = staff[following].deputy


def _may_be_told(name: str, staff: Mapping[str, Colleague]) -> bool:
    # An auditor changes nothing and an administrator sees no record: neither can act on it.
    one = staff.get(name)
    return one is not None and one.active and one.decides


def choose_kinds(*, near: bool, over: bool, acted: bool) -> Iterable[AlarmKind]:
    """What there is to tell of a running clock. What is over is not told as near, and what was acted on not as over."""
    if acted:
        return (AlarmKind.ACTED,)
    if over:
        return (AlarmKind.OVER,)
    return (AlarmKind.NEAR,) if near else ()

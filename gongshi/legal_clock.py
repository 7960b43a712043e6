"""The legal clock at work: what the worker, `publish` and the commands do with the clocks of one court."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from gongshi.calendar import CalendarFileError, StateCouncilCalendar, load_calendar
from notifier.context import Notifier
from notifier.figures import count_pushes
from registry.acting import SYSTEM, Acting
from registry.alarms import raise_alarms
from registry.clockbook import Moved, recompute
from registry.clockwork import Clockwork
from registry.deadlines import Profile
from registry.figures import append_figures, append_pushes
from registry.units.feedback import open_due_quarter
from registry.watch import act_on_due, end_lapsed, end_told, list_due

if TYPE_CHECKING:
    from gongshi.court import Court


def hold_what_is_due(court: Court, acting: Acting | None = None) -> int:
    """Hide every entry of which a ground was left undecided at its due moment, and tell the public; how many the public
    saw until now. A departure is not kept waiting when there is nothing to do.

    Where one cannot be hidden the others are, each by itself; what went wrong is raised in the end.
    """
    acting = acting or court.acting(SYSTEM)
    hidden, failed, errors = 0, set[int](), list[Exception]()
    while due := _list_due(court, acting, failed):
        try:
            hidden += len(court.amend(lambda session: act_on_due(session, acting, among=due)))
        except Exception as error:
            if len(due) == 1:
                failed.update(due)
                errors.append(error)
                continue
            for record in due:
                hidden += _hold_one(court, acting, record, failed, errors)
    if errors:
        raise errors[0] if len(errors) == 1 else ExceptionGroup("several entries could not be hidden", errors)
    return hidden


def _hold_one(court: Court, acting: Acting, record: int, failed: set[int], errors: list[Exception]) -> int:
    try:
        return len(court.amend(lambda session: act_on_due(session, acting, record=record)))
    except Exception as error:
        failed.add(record)
        errors.append(error)
        return 0


def recount(court: Court, acting: Acting) -> Sequence[Moved]:
    """Count every running clock anew with the calendar of `acting`; what moved, or became certain."""
    moved: list[Moved] = []
    after: int | None = 0
    while after is not None:
        court.turns.step_aside()
        with court.session() as session:
            after, some = recompute(session, acting, after=after)
        moved += some
    return moved


def note_alarms(court: Court, acting: Acting) -> int:
    """End what has lapsed, and what is done, and tell those concerned of what is near or over; how many alarms were new."""
    for end in (end_lapsed, end_told):
        ended = True
        while ended:
            court.turns.step_aside()
            with court.session() as session:
                ended = bool(end(session, acting))
    court.turns.step_aside()
    with court.session() as session:
        return raise_alarms(session, acting)


def journal_figures(court: Court, acting: Acting) -> bool:
    """Have the public told how fast departures were carried out, where that has changed."""
    court.turns.step_aside()
    with court.session() as session:
        return append_figures(session, acting)


def journal_pushes(court: Court, office: Notifier, acting: Acting) -> bool:
    """Have the public told of pushes and acknowledgements, where that has changed."""
    body = count_pushes(office.engine, acting.today)
    court.turns.step_aside()
    with court.session() as session:
        return append_pushes(session, acting, body)


class LegalClock:
    """What the worker has to keep in mind of the clocks of one court between two beats."""

    def __init__(self, court: Court) -> None:
        self._court = court
        self._calendar: StateCouncilCalendar | None = None
        # The calendar that the running clocks were last counted by.
        self._counted_by: StateCouncilCalendar | None = None

    def acting(self) -> Acting:
        """The product itself at this moment. A file of holidays that somebody has spoiled keeps nothing from being hidden
        in time: until it is put right, the last good one counts."""
        court = self._court
        try:
            self._calendar = load_calendar(court.settings.calendar_file)
        except CalendarFileError:
            self._calendar = self._calendar or StateCouncilCalendar()
        clockwork = Clockwork(calendar=self._calendar, profile=Profile(court.policy().deadlines))
        return Acting(actor=SYSTEM, now=court.now, clockwork=clockwork)

    def hold(self) -> int:
        """Hide what is due to be hidden: first of all when the worker starts, and every few seconds."""
        return hold_what_is_due(self._court, self.acting())

    def recount(self) -> int:
        """Count the running clocks anew where the calendar is another than it was, by whatever hand. Returns how many
        moved. Raises CalendarFileError, and then counts nothing."""
        court = self._court
        calendar = load_calendar(court.settings.calendar_file)
        if calendar == self._counted_by:
            return 0
        moved = recount(court, self.acting())
        self._counted_by = calendar
        return len(moved)

    def tell(self) -> int:
        """Raise the alarms that are due."""
        return note_alarms(self._court, self.acting())

    def count_departures(self) -> bool:
        """Have the public told how fast departures were carried out, where that is news."""
        return journal_figures(self._court, self.acting())

    def count_pushes(self, office: Notifier) -> bool:
        """Have the public told of the pushes of past quarters and what was acknowledged of them, where that is news."""
        return journal_pushes(self._court, office, self.acting())

    def open_quarter(self) -> int:
        """Ask the units for their feedback on the quarter that is over; how many were not asked before."""
        self._court.turns.step_aside()
        with self._court.session() as session:
            return open_due_quarter(session, self.acting())


def _list_due(court: Court, acting: Acting, but: Collection[int]) -> Sequence[int]:
    with court.reading() as session:
        return list_due(session, acting, but)

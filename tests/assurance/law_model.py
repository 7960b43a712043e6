"""The law of a public list, read a second time and as short as it can be read: what must be public, and what never may.

Written from the Provisions (法释〔2017〕7号) and the design, not from the code it is held against. It follows a history
of commands and says of each what must become of it, and after each what the public must see.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import chinese_calendar

from search_index.day import SHANGHAI, day_of

Version = Mapping[str, Any]

DRAFT, WAITING, SHOWN, HELD, SEALED = "draft", "approved", "published", "held", "restricted"
WITHDRAWN, REMOVED, ENDED = "withdrawn", "removed", "expired"
GONE = frozenset({WITHDRAWN, REMOVED, ENDED})
ORDINARY = "refuses_though_able"
# What stands in a free text until a reviewer agrees to hide it.
TO_BE_HIDDEN = "身份证号"


@dataclass(frozen=True, slots=True)
class Rules:
    """Under which rules the court publishes."""

    policy: str = "national"
    mask: str = "national"


@dataclass(slots=True)
class Proposal:
    batch: int
    line: int
    version: Version
    by: str
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Ground:
    """A ground to take a name down that somebody recorded, and nobody has decided yet. `due` is the moment by which it
    must be."""

    name: str
    since: date
    due: datetime
    by: str

    @property
    def hides_at_once(self) -> bool:
        return self.name in ("minor", "deceased")


@dataclass(slots=True)
class Listing:
    """One listing of one debtor in one case. `writer` wrote its newest words, `agreed` are the people who have put it up
    together; `number` is there once it was public."""

    batch: int
    line: int
    words: Version
    source: Version
    writer: str
    state: str = DRAFT
    agreed: tuple[str, str] | None = None
    number: str | None = None
    published_on: date | None = None
    until: datetime | None = None
    rules: Rules | None = None
    left_on: date | None = None
    left_for: str = ""
    proposals: list[Proposal] = field(default_factory=list)
    held_by: str | None = None
    lift_asked_by: str | None = None
    mended_by: set[str] = field(default_factory=set)
    grace_began: date | None = None
    grace_until: date | None = None
    grounds: list[Ground] = field(default_factory=list)

    @property
    def debtor(self) -> tuple[str, str]:
        return self.words["case_number"], self.words["name"]

    def leave(self, state: str, day: date, ground: str) -> None:
        self.state, self.left_on, self.left_for = state, day, ground
        self.grounds.clear()

    def must_be_hidden(self, now: datetime) -> bool:
        """Arts. 4, 9, 10: a ground that is left undecided until its time is over hides by itself."""
        return any(ground.hides_at_once or now >= ground.due for ground in self.grounds)

    def is_seen(self, now: datetime) -> bool:
        return self.state == SHOWN and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True)
class Brought:
    """What an import must say."""

    accepted: int
    proposed: int
    unchanged: int
    refused: tuple[int, ...]


# The articles --------------------------------------------------------------------------------------------------------


def has_come_of_age(version: Version, today: date) -> bool:
    """Art. 4: nobody who is not, or may not be, eighteen, or was not when it was decided. What a masked number hides is
    taken for the youngest."""
    if version["kind"] == "organisation":
        return True
    today = min(today, _day(version, "decided_on") or today)
    shown = version["id_number"][6:14]
    typed = version.get("birth_date")
    latest = typed or (shown if shown.isdigit() else shown[:4] + "1231")
    digits = latest.replace("-", "")
    return digits.isdigit() and int(digits) <= int(f"{today.year - 18}{today.month:02d}{today.day:02d}")


def must_be_hidden(version: Version, today: date) -> bool:
    """Arts. 4, 5: a child, or who was not served."""
    served = _day(version, "served_on")
    return not has_come_of_age(version, today) or served is None or served > today


def may_be_listed(version: Version, today: date, confirmed: Collection[str], *, hidden: bool = False) -> bool:
    """Whether all that the Provisions ask for is there (arts. 1 to 5), whoever asks; what is hidden at once for its age or its
    service is not asked for these."""
    decided, served, ends = (_day(version, key) for key in ("decided_on", "served_on", "term_ends_on"))
    conduct = version["conduct"]
    if not version.get("decision_number") or decided is None:
        return False
    if not hidden and not (served is not None and has_come_of_age(version, today) and decided <= served <= today):
        return False
    years = 5 if "obstructs_enforcement" in conduct or len(conduct) > 1 else 2
    for_a_term = any(kind != ORDINARY for kind in conduct)
    return (
        for_a_term == (ends is not None)
        and (ends is None or today <= ends <= years_after(decided, years))
        and (ORDINARY not in conduct or "art3" in confirmed)
        and (TO_BE_HIDDEN not in version["obligation"] or "redactions" in confirmed)
        and version["performance"] != "全部已履行"
    )


def end_of(version: Version, published_on: date, rules: Rules) -> datetime | None:
    """Art. 2, art. 10 ¶2: the first instant after the term; in Henan nothing with a term stays longer than five years."""
    ends = _day(version, "term_ends_on")
    if ends is None:
        return None
    over = ends + timedelta(days=1)
    if rules.policy == "henan":
        over = min(over, years_after(published_on, 5))
    return datetime(over.year, over.month, over.day, tzinfo=SHANGHAI)


def due_of(start: date, rules: Rules) -> datetime:
    """Art. 9, art. 10: three working days, and in Yunnan three days if that is earlier; by the end of business."""
    days = [start + timedelta(days=n) for n in range(1, 40)]
    last = [day for day in days if is_worked(day)][2]
    if rules.policy == "yunnan":
        last = min(last, next(day for day in days[2:] if is_worked(day)))
    return datetime(last.year, last.month, last.day, 18, tzinfo=SHANGHAI)


def is_worked(day: date) -> bool:
    """Where the holidays are not announced yet, a duty is read as early as it can be."""
    return bool(chinese_calendar.is_workday(day)) if day.year <= 2026 else day.weekday() < 5


def years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def months_after(day: date, months: int) -> date:
    month = day.year * 12 + day.month - 1 + months
    for last in (day.day, 30, 29, 28):
        try:
            return date(month // 12, month % 12 + 1, last)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def hide(number: str, mask: str) -> str:
    shown = 10 if mask == "national" else 6
    return "".join(c if place < shown or place >= 14 else "*" for place, c in enumerate(number))


# What of a version nobody outside ever sees.
PRIVATE = frozenset(
    {"served_on", "decided_on", "decision_number", "national_reference", "employer", "phone", "address"}
)


def look_of(version: Version, rules: Rules) -> Version:
    """All that a version could show, under these rules."""
    look = {key: value for key, value in version.items() if key not in {*PRIVATE, "applicant", "note"}}
    number = look.pop("id_number", "")
    born = look.pop("birth_date", "").replace("-", "") or number[6:14]
    return {**look, "number": hide(number, rules.mask), "born": born if born.isdigit() else ""}


def _day(version: Version, key: str) -> date | None:
    return date.fromisoformat(version[key]) if version.get(key) else None


# The register ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Law:
    """Every listing there ever was, in the order in which they came, and the rules in force."""

    listings: list[Listing] = field(default_factory=list)
    rules: Rules = Rules()

    def seen(self, now: datetime) -> list[Listing]:
        return [listing for listing in self.listings if listing.is_seen(now)]

    def find(self, case: str) -> Listing | None:
        """The one listing that a case number names; None where it names none, or more than one."""
        live = [one for one in self.listings if one.words["case_number"] == case and one.state not in GONE]
        return live[0] if len(live) == 1 else None

    # Intake

    def bring_in(self, batch: int, by: str, lines: Sequence[Version | None]) -> Brought:
        """What becomes of the lines of a file; None stands for one that cannot be read."""
        new: list[Listing] = []
        proposed: dict[int, Proposal] = {}
        unchanged, refused = 0, []
        for line, version in enumerate(lines, 1):
            known = None if version is None else self._newest(version, new)
            if version is None:
                refused.append(line)
            elif known is None:
                new.append(Listing(batch=batch, line=line, words=version, source=version, writer=by))
            elif version == known.source or any(p.is_open and p.version == version for p in known.proposals):
                unchanged += 1
            elif known in new or any(p.batch == batch and id(p) in proposed for p in known.proposals):
                refused.append(line)
            elif known.state not in GONE:
                proposal = Proposal(batch, line, version, by)
                proposed[id(proposal)] = proposal
                known.proposals.append(proposal)
            elif _may_come_back(known, version):
                new.append(Listing(batch=batch, line=line, words=version, source=version, writer=by))
            else:
                refused.append(line)
        self.listings += new
        return Brought(len(new) + len(proposed), len(proposed), unchanged, tuple(refused))

    def _newest(self, version: Version, new: Iterable[Listing]) -> Listing | None:
        debtor = version["case_number"], version["name"]
        return next((one for one in reversed([*self.listings, *new]) if one.debtor == debtor), None)

    # Two people

    def approve(self, batch: int, by: str, now: datetime, confirmed: Collection[str]) -> tuple[int, list[int]]:
        """How many versions of a batch are approved, and the lines that are refused."""
        approved, refused = 0, []
        for listing in [one for one in self.listings if one.batch == batch and one.state == DRAFT]:
            if self._approve(listing, by, now, confirmed):
                approved += 1
            else:
                refused.append(listing.line)
        for listing, proposal in [(one, p) for one in self.listings for p in one.proposals if p.batch == batch]:
            if not proposal.is_open:
                continue
            if self._adopt(listing, proposal, by, now, confirmed):
                approved += 1
            else:
                refused.append(proposal.line)
        return approved, sorted(refused)

    def _approve(self, listing: Listing, by: str, now: datetime, confirmed: Collection[str]) -> bool:
        if listing.writer == by or not may_be_listed(listing.words, day_of(now), confirmed):
            return False
        listing.state, listing.agreed = WAITING, (listing.writer, by)
        return True

    def _adopt(self, listing: Listing, proposal: Proposal, by: str, now: datetime, confirmed: Collection[str]) -> bool:
        version = _with_full_number(proposal.version, listing.words)
        fits = listing.state not in GONE and not self.is_over(listing, now) and proposal.by != by
        if not fits or not may_be_listed(version, day_of(now), confirmed):
            return False
        proposal.is_open = False
        listing.source = proposal.version
        self._rewrite(listing, version, proposal.by, now)
        listing.agreed = proposal.by, by
        if listing.state == DRAFT:
            listing.state = WAITING
        return True

    def correct(self, listing: Listing, changes: Version, by: str, now: datetime, confirmed: Collection[str]) -> bool:
        """Art. 9: one reviewer mends what is public; what is not public goes back to the start. Whether it was done."""
        version = {**listing.words, **changes}
        version = {key: value for key, value in version.items() if value is not None}
        if listing.state in GONE or self.is_over(listing, now) or version == listing.words:
            return False
        today = day_of(now)
        hides = must_be_hidden(version, today)
        if listing.state in (SHOWN, HELD) and not may_be_listed(version, today, confirmed, hidden=hides):
            return False
        if listing.state == SHOWN and self._is_longer(listing, version):
            return False
        self._rewrite(listing, version, by, now)
        return True

    def _is_longer(self, listing: Listing, version: Version) -> bool:
        """A longer time of showing takes two people."""
        assert listing.published_on is not None
        was, would_be = (end_of(words, listing.published_on, self.rules) for words in (listing.words, version))
        return was is not None and (would_be is None or would_be > was)

    def _rewrite(self, listing: Listing, version: Version, by: str, now: datetime) -> None:
        was = look_of(listing.words, self.rules)
        listing.words, listing.writer, listing.lift_asked_by = version, by, None
        if listing.state == HELD:
            listing.mended_by.add(by)
        if listing.state in (WAITING, SEALED):
            listing.state = DRAFT
        elif listing.state == SHOWN and (
            must_be_hidden(version, day_of(now))
            or not (listing.rules != self.rules and was == look_of(version, self.rules))
        ):
            # Other rules are told of everybody together; who is told of alone has changed in public.
            self._pass_gate(listing, now)

    # Up and down

    def publish(self, now: datetime) -> tuple[int, int]:
        """How many are published, and how many that were public end."""
        for listing in self.listings:
            self._hide_if_due(listing, now)
        over = [one for one in self.listings if self.is_over(one, now)]
        were_public = sum(one.state == SHOWN for one in over)
        for listing in over:
            self._end(listing, now)
        for listing in self.listings:
            if listing.state == SHOWN and listing.rules != self.rules:
                self._pass_gate(listing, now)
        waiting = [one for one in self.listings if one.state == WAITING and not one.grounds]
        for listing in waiting:
            self._pass_gate(listing, now)
        return sum(one.state == SHOWN for one in waiting), were_public

    def _pass_gate(self, listing: Listing, now: datetime) -> None:
        today, words = day_of(now), listing.words
        until = end_of(words, listing.published_on or today, self.rules)
        served = _day(words, "served_on")
        if not has_come_of_age(words, today) or served is None or served > today:
            if listing.state == SHOWN:
                listing.state, listing.held_by = HELD, None
        elif listing.grace_until is not None and today <= listing.grace_until:
            pass
        elif words.get("disclosure") == "restricted":
            listing.state = SEALED
        elif until is not None and day_of(until) <= today:
            self._end(listing, now)
        else:
            listing.state, listing.until, listing.rules = SHOWN, until, self.rules
            listing.published_on = listing.published_on or today

    def is_over(self, listing: Listing, now: datetime) -> bool:
        """Art. 10 ¶2: whoever's term is over leaves, seen or not."""
        over = self._end_of(listing, now)
        return over is not None and over <= now

    def _end_of(self, listing: Listing, now: datetime) -> datetime | None:
        """What is shown ends when it was said that it would; what is not, by what is written in it now. A draft lists
        nobody."""
        if listing.state in (WAITING, SEALED, HELD):
            return end_of(listing.words, listing.published_on or day_of(now), self.rules)
        return listing.until if listing.state == SHOWN else None

    def _end(self, listing: Listing, now: datetime) -> None:
        ends, over = _day(listing.words, "term_ends_on"), self._end_of(listing, now)
        days = [day_of(now), *([ends + timedelta(days=1)] if ends else []), *([day_of(over)] if over else [])]
        listing.leave(ENDED, min(days), "expired")

    def hold(self, listing: Listing, by: str) -> bool:
        if listing.state not in (WAITING, SEALED, SHOWN):
            return False
        listing.state, listing.held_by, listing.lift_asked_by = HELD, by, None
        return True

    def grant_grace(self, listing: Listing, until: date, today: date) -> bool:
        """法发〔2019〕35号: one month at least and three at most, before the list has shown anybody; none is taken back."""
        began = listing.grace_began or today
        fits = today < until <= months_after(began, 3) and until >= max(
            months_after(began, 1), listing.grace_until or until
        )
        if listing.state not in (DRAFT, WAITING) or listing.number is not None or not fits:
            return False
        listing.grace_began, listing.grace_until = began, until
        return True

    def record_ground(self, listing: Listing, name: str, since: date, by: str, now: datetime) -> bool:
        same = any(ground.name == name and ground.since <= since for ground in listing.grounds)
        if listing.state in GONE or since > day_of(now) or same:
            return False
        listing.grounds.append(Ground(name, since, due_of(since, self.rules), by))
        listing.lift_asked_by = None
        self._hide_if_due(listing, now)
        return True

    def dismiss_ground(self, listing: Listing, name: str, by: str) -> bool:
        """Whoever recorded it does not say alone that there was nothing."""
        named = [ground for ground in listing.grounds if ground.name == name]
        if len(named) != 1 or named[0].by == by:
            return False
        listing.grounds.remove(named[0])
        return True

    def _hide_if_due(self, listing: Listing, now: datetime) -> None:
        if listing.must_be_hidden(now):
            self.hold(listing, "gongshi")

    def confirm_hold(self, listing: Listing, by: str) -> bool:
        if listing.state != HELD or listing.held_by in (None, by):
            return False
        listing.held_by = None
        return True

    def lift(self, listing: Listing, by: str, now: datetime, *, is_reviewer: bool) -> bool:
        """One asks, another, who is a reviewer, agrees."""
        if listing.state != HELD:
            return False
        if listing.lift_asked_by is None:
            listing.lift_asked_by = by
            return True
        if listing.lift_asked_by == by or not is_reviewer or listing.grounds or by in listing.mended_by:
            return False
        listing.mended_by.clear()
        listing.agreed = listing.lift_asked_by, by
        listing.state, listing.lift_asked_by, listing.held_by = WAITING, None, None
        self._pass_gate(listing, now)
        return True

    def withdraw(self, listing: Listing, ground: str, now: datetime) -> bool:
        was_wrong = ground in ("wrongly_listed", "minor")
        if listing.state == WITHDRAWN or (listing.state in GONE and not was_wrong):
            return False
        listing.leave(WITHDRAWN, day_of(now), ground)
        return True

    def remove(self, listing: Listing, ground: str, now: datetime) -> bool:
        if listing.state in GONE or (listing.state == DRAFT and listing.agreed is None):
            return False
        listing.leave(REMOVED, day_of(now), ground)
        return True

    def compare(self, whole: Collection[tuple[str, str]], by: str, *, force: bool) -> list[Listing] | None:
        """Art. 7: what the full list does not have is held; None where the list is too short to be believed."""
        local = [one for one in self.listings if one.state in (WAITING, SHOWN, SEALED)]
        missing = [one for one in local if one.debtor not in whole]
        if not force and len(missing) * 5 > len(local):
            return None
        for listing in missing:
            self.hold(listing, by)
        return missing


def _may_come_back(known: Listing, version: Version) -> bool:
    """Art. 10 ¶3, ¶4: only by a later decision; after a removal at the applicant's wish not for six months."""
    if known.state == WITHDRAWN and known.number is None:
        return True
    decided = _day(version, "decided_on")
    if decided is None or known.left_on is None or decided <= known.left_on:
        return False
    return known.left_for != "applicant_request" or decided > months_after(known.left_on, 6)


def _with_full_number(version: Version, known: Version) -> Version:
    if "*" in version.get("id_number", "") and "*" not in known["id_number"]:
        return {**version, "id_number": known["id_number"]}
    return version

"""Random histories of a whole registry, lived by several people through the command line while the clock runs, leaps and
now and then steps back, beside a small second reading of the law (law_model.py). After every step the two must agree
on everything the public sees, and the books must tell how it came about."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, ClassVar

import pytest
import structlog
from entries import a_person, an_organisation, citizen_number
from flask.testing import FlaskClient
from homes import START, Clock, Home, Said
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from law_model import (
    ENDED,
    GONE,
    HELD,
    SEALED,
    TO_BE_HIDDEN,
    Law,
    Listing,
    Rules,
    Version,
    has_come_of_age,
    hide,
    months_after,
)
from sqlalchemy import create_engine, make_url, select, text
from sqlalchemy.orm import Session

from portal.app import Portal, create_app
from registry.departing import REMOVAL_GROUNDS, WITHDRAWAL_GROUNDS
from registry.tables import AuditRow, JournalHeadRow, JournalRow, RecordRow
from search_index.day import day_of
from search_index.document import Document
from search_index.page import Query
from search_index.register import Register

pytestmark = pytest.mark.long

# Who works here. The clerks prepare, the reviewers answer for it, the auditor reads.
CLERKS, REVIEWERS = ("clerk", "clerk2"), ("reviewer", "second")
ANYBODY = st.sampled_from([*CLERKS, *REVIEWERS, "auditor", "nobody"])
STAFF = st.sampled_from([*CLERKS, *REVIEWERS])
REVIEWER = st.sampled_from([*REVIEWERS * 5, "clerk", "auditor"])
BY_CASE = st.sampled_from([False] * 4 + [True])
CONFIRMED = st.sampled_from([("art3", "redactions")] * 4 + [("art3",), ("redactions",), ()])
ANY = st.integers(0, 199)

# Born, name, case: adults, who come of age within the history, a child, two in one case, one in two cases, companies.
ADULT = "1980-01-02"
DEBTORS: tuple[tuple[int, str, str, int], ...] = (
    (1, "甲测试", ADULT, 1),
    (1, "甲测试", ADULT, 2),
    (2, "乙测试", "2008-11-19", 1),
    (3, "丙测试", "2008-12-31", 3),
    (4, "丁测试", "1990-05-06", 4),
    (6, "戊测试", "2012-02-29", 6),
    (5, "测试市甲商贸有限公司", "", 5),
    (7, "测试市乙商贸有限公司", "", 7),
)
SHAPES = st.sampled_from(
    ["plain"] * 5
    + ["short term"] * 2
    + ["short term", "term", "longest term", "restricted", "someone's number", "other words"] * 2
    + ["restricted, short term"] * 2
    + ["unserved", "served later", "decided later", "undecided", "term missing", "needless term", "too long", "over"]
    + ["performed", "unreadable"]
)
FORMS = st.sampled_from(["full"] * 4 + ["masked", "hidden", "hidden, born"])
LINE = st.tuples(st.sampled_from(DEBTORS), SHAPES, FORMS, st.sampled_from([0, 5, 40, 400]))

# What the audit trail says, and where it leads a record.
MOVES = {
    ("draft", "approve"): "approved",
    ("approved", "publish"): "published",
    ("approved", "withhold restricted"): "restricted",
    ("approved", "withhold term_ended"): "expired",
    ("published", "withhold restricted"): "restricted",
    ("published", "withhold term_ended"): "expired",
    ("published", "withhold"): "held",
    ("approved", "correct"): "draft",
    ("restricted", "correct"): "draft",
    ("held", "lift"): "approved",
    **{(state, "hold"): "held" for state in ("approved", "restricted", "published")},
    **{(state, "expire"): "expired" for state in ("approved", "restricted", "published", "held")},
    **{(state, "remove"): "removed" for state in ("approved", "restricted", "published", "held")},
    **{
        (state, "withdraw"): "withdrawn"
        for state in ("draft", "approved", "restricted", "published", "held", "removed", "expired")
    },
    **{(state, "correct"): state for state in ("draft", "published", "held")},
    **{("held", action): "held" for action in ("lift_request", "hold_confirm")},
    **{(state, "grace"): state for state in ("draft", "approved")},
}
# What is written down of a record and leaves it where it stands.
STANDS = frozenset({"ground_record", "ground_dismiss", "ground_closed", "article_exit"})


def a_version(debtor: tuple[int, str, str, int], shape: str, form: str, days: int, today: date) -> Version | None:
    """What a file says of a debtor who was decided on so many `days` ago; None for a line that cannot be read."""
    serial, name, born, case = debtor
    decided = today - timedelta(days=days)
    served = min(decided + timedelta(days=2), today)
    changes: dict[str, Any] = {
        "name": name,
        "case_number": f"（2025）测0101执{case}号",
        "decided_on": str(decided),
        "served_on": str(served),
        **_SHAPES.get(shape, lambda *_: {})(today, decided),
    }
    if not born:
        made = an_organisation(serial, **changes)
    else:
        number = citizen_number(serial, born)
        made = a_person(serial, **{**changes, "id_number": _show(number, form)})
        if form == "hidden, born":
            made["birth_date"] = born
    made.setdefault("disclosure", "public")
    if shape == "unreadable":
        return None
    return {key: value for key, value in made.items() if value is not None}


def _show(number: str, form: str) -> str:
    return {"full": number, "masked": hide(number, "national")}.get(form, hide(number, "strict"))


def _with_term(*conduct: str, days: int, from_today: bool = False) -> Callable[[date, date], dict[str, Any]]:
    def shape(today: date, decided: date) -> dict[str, Any]:
        ends = (today if from_today else decided) + timedelta(days=days)
        # A line whose term ends before it begins is not read at all.
        return {"conduct": list(conduct), "term_ends_on": str(max(ends, decided + timedelta(days=1)))}

    return shape


_SHAPES: dict[str, Callable[[date, date], dict[str, Any]]] = {
    "short term": _with_term("breaks_settlement", days=3, from_today=True),
    "term": _with_term("breaks_property_reporting", days=600),
    "longest term": _with_term("obstructs_enforcement", days=1800),
    "too long": _with_term("breaks_settlement", days=800),
    "over": _with_term("breaks_settlement", days=-1, from_today=True),
    "needless term": _with_term("refuses_though_able", days=600),
    "term missing": lambda *_: {"conduct": ["breaks_settlement"]},
    "restricted": lambda *_: {"disclosure": "restricted", "restricted_ground": "privacy"},
    "restricted, short term": lambda today, decided: {
        "disclosure": "restricted",
        "restricted_ground": "privacy",
        **_SHAPES["short term"](today, decided),
    },
    "someone's number": lambda *_: {"obligation": f"支付100000元（{TO_BE_HIDDEN}{citizen_number(77)}）。"},
    "other words": lambda *_: {"obligation": "支付货款人民币50000元。"},
    "unserved": lambda *_: {"served_on": None},
    "served later": lambda today, _: {"served_on": str(today + timedelta(days=3))},
    "decided later": lambda today, _: {
        "decided_on": str(today + timedelta(days=2)),
        "served_on": str(today + timedelta(days=4)),
    },
    "undecided": lambda *_: {"decision_number": None},
    "performed": lambda *_: {"performance": "全部已履行"},
}
CHANGES: dict[str, Callable[[date], dict[str, Any]]] = {
    "words": lambda today: {"obligation": f"支付货款人民币{today.day}0000元。"},
    "part": lambda today: {"performance": "部分未履行", "performed_part": f"已履行{today.month}000元"},
    "performed": lambda _: {"performance": "全部已履行"},
    "number": lambda _: {"obligation": f"支付1000元（{TO_BE_HIDDEN}{citizen_number(78)}）。"},
    "restrict": lambda _: {"disclosure": "restricted", "restricted_ground": "trade_secret"},
    "open": lambda _: {"disclosure": "public", "restricted_ground": None},
    "served now": lambda today: {"served_on": str(today)},
    "served later": lambda today: {"served_on": str(today + timedelta(days=2))},
    "unserved": lambda _: {"served_on": None},
    "ends soon": lambda today: {"term_ends_on": str(today + timedelta(days=1))},
    "ends later": lambda today: {"term_ends_on": str(today + timedelta(days=900))},
    "no end": lambda _: {"term_ends_on": None},
}


# Homes, one a history -------------------------------------------------------------------------------------------------


@dataclass
class Homes:
    """Fresh homes, each a copy of one that was made ready, so that a history begins in no time."""

    ready: Home
    monkeypatch: pytest.MonkeyPatch
    made: Iterator[int] = field(default_factory=lambda: count(1))

    def open(self) -> Home:
        name = f"history{next(self.made)}"
        folder = self.ready.folder.parent / name / "home"
        shutil.copytree(self.ready.folder, folder)
        databases = {key: self._copy(url, name) for key, url in self.ready.databases.items()}
        for key, value in {"GONGSHI_HOME": str(folder), **databases}.items():
            self.monkeypatch.setenv(key, value)
        return Home(folder, Clock(), self.ready.capture, databases, Random(7))

    def _copy(self, url: str, name: str) -> str:
        original = make_url(url)
        copy = f"{original.database}_{name}"
        self._tell_server(url, f"CREATE DATABASE {copy} TEMPLATE {original.database}")
        return original.set(database=copy).render_as_string(hide_password=False)

    def close(self, home: Home) -> None:
        for url in home.databases.values():
            self._tell_server(url, f"DROP DATABASE {make_url(url).database} WITH (FORCE)")
        shutil.rmtree(home.folder.parent)

    def _tell_server(self, url: str, command: str) -> None:
        server = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text(command))
        server.dispose()


# What must hold -------------------------------------------------------------------------------------------------------


def check_journal(session: Session) -> None:
    """Positions and public sequences without a gap, the head at their end; nothing left of the words of who left."""
    lines = list(session.scalars(select(JournalRow).order_by(JournalRow.position)))
    sequences = [line.sequence for line in lines if line.sequence is not None]
    head = session.get_one(JournalHeadRow, 1)
    assert [line.position for line in lines] == list(range(1, len(lines) + 1))
    assert sequences == list(range(1, len(sequences) + 1))
    assert (head.position, head.sequence) == (len(lines), len(sequences))
    last = {line.record: line for line in lines if line.record}
    for line in lines:
        if line.record and last[line.record].type == "gone":
            assert line.body is None, f"journal line {line.position} still has words"
    open_records = set(session.scalars(select(RecordRow.number).where(RecordRow.state == "published")))
    assert {record for record, line in last.items() if line.type != "gone"} == open_records


def check_audit(session: Session) -> None:
    """The trail alone tells where every record stands, and every time it was shown or taken away."""
    lines: dict[int, list[AuditRow]] = {}
    for line in session.scalars(select(AuditRow).where(AuditRow.record_id.is_not(None)).order_by(AuditRow.id)):
        lines.setdefault(line.record_id or 0, []).append(line)
    told = Counter(
        (line.record, line.type) for line in session.scalars(select(JournalRow).where(JournalRow.record.is_not(None)))
    )
    for row in session.scalars(select(RecordRow)):
        state, shown, taken = "draft", 0, 0
        for line in lines.pop(row.id, []):
            assert line.actor, f"audit line {line.id} does not say who"
            if line.action in ("hold", "withdraw", "remove"):
                assert {"ground", "basis", "arose_on", "known_on"} <= line.detail.keys(), f"audit line {line.id}"
                assert line.detail["basis"], f"audit line {line.id} does not say why"
            new = _follow(state, line)
            assert new is not None, f"audit line {line.id}: {line.action} of a record that was {state}"
            shown += new == "published" != state
            taken += state == "published" != new
            state = new
        assert state == row.state, f"record {row.id} is {row.state}; the audit trail leaves it {state}"
        journalled = told[row.number, "published"], told[row.number, "gone"]
        assert journalled == (shown, taken), f"record {row.id}: journalled {journalled}, audited {(shown, taken)}"
    assert not lines, f"audit lines of records that are not there: {sorted(lines)}"


def _follow(state: str, line: AuditRow) -> str | None:
    if line.action == "withhold":
        found = MOVES.get((state, f"withhold {line.detail['reason']}"))
        return found or MOVES.get((state, "withhold"))
    return state if line.action in STANDS else MOVES.get((state, line.action))


def check_lawful(seen: Sequence[Listing], born: Callable[[Listing], str], today: date, now: datetime) -> None:
    """What holds of everybody who is seen, by their true birth dates and on the latest day there has been."""
    for listing in seen:
        words = listing.words
        if born(listing):
            assert has_come_of_age({"kind": "person", "id_number": "", "birth_date": born(listing)}, today), "a minor"
        assert words["served_on"] <= str(today), "before service"
        assert listing.until is None or now < listing.until, "after the end"
        assert listing.agreed is not None
        first, second = listing.agreed
        assert first != second, "four eyes"
        assert second in REVIEWERS
        assert words.get("disclosure") != "restricted"
        assert listing.grace_until is None or listing.grace_until < listing.published_on, "in its time of grace"


# The machine ----------------------------------------------------------------------------------------------------------


class Histories(RuleBasedStateMachine):
    """One history. `homes` gives it a home, `reached` counts what histories came to."""

    homes: ClassVar[Homes]
    reached: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.home = self.homes.open()
        self.law = Law()
        self.files: list[tuple[Path, list[Version | None]]] = []
        self.batches: list[int] = []
        self.accounts = count(1)
        self.latest = START
        self.reader = self.home.court
        with self.reader.reading() as session:
            self.audited = session.scalars(select(AuditRow.id).order_by(AuditRow.id.desc())).first() or 0
        self.portal: Portal = create_app(self.home.public_settings, self.home.clock)
        self.public: FlaskClient = self.portal.test_client()

    @property
    def now(self) -> datetime:
        return self.home.clock()

    @property
    def soon(self) -> datetime:
        """When the next command is run."""
        return self.now + timedelta(seconds=1)

    @property
    def today(self) -> date:
        return day_of(self.now)

    def tell(self, *arguments: object, by: str | None = None, typed: str = "") -> Said:
        """Run a command a second after the last one, and look at what it wrote into the audit trail."""
        self.pass_time(timedelta(seconds=1))
        said = self.home.run(*arguments, *(("--as", by) if by else ()), "--json", typed=typed)
        assert "Traceback" not in said.err, said.err
        with self.reader.reading() as session:
            for line in session.scalars(select(AuditRow).where(AuditRow.id > self.audited).order_by(AuditRow.id)):
                assert line.at == self.now, f"{line.action} is dated {line.at}"
                assert line.actor in (by, "gongshi") or line.action == "user_add", f"{line.action} by {line.actor}"
                self.audited = line.id
        return said

    def expect(self, done: bool, *arguments: object, by: str) -> Said:
        """A command that must be done, or must be refused with one line."""
        said = self.tell(*arguments, by=by)
        assert said.code == (0 if done else 2), f"{arguments} by {by}: {said.code}, {said.out}{said.err}"
        assert done or said.json["error"]
        return said

    def pass_time(self, step: timedelta) -> None:
        self.home.clock.moment += step
        self.latest = max(self.latest, self.now)

    def note(self, what: str, happened: object = True) -> None:
        if happened:
            self.reached[what] += 1

    def pick(self, place: int) -> Listing | None:
        """A listing: mostly one that is public, at times one that is restricted, seldom one that has left."""
        live = [one for one in self.law.listings if one.state not in GONE]
        public = [one for one in live if one.state == "published"]
        sealed = [one for one in live if one.state == SEALED] or public
        some = (
            {0: self.law.listings, 5: live, 7: sealed, 8: sealed}.get(place % 10, public) or live or self.law.listings
        )
        return some[place // 10 % len(some)] if some else None

    def name(self, listing: Listing, *, by_case: bool) -> tuple[str, Listing | None]:
        """How a person names a listing, and which one that names: by its case it may be another, or none alone."""
        if listing.number and not by_case:
            return listing.number, listing
        case = listing.words["case_number"]
        return case, self.law.find(case)

    # Bringing in

    @initialize(lines=st.lists(LINE, min_size=2, max_size=4))
    def begin(self, lines: list[Any]) -> None:
        self.list_some([(debtor, "plain", "full", 40) for debtor, *_ in lines], "clerk", "reviewer")

    @rule(
        lines=st.lists(LINE, min_size=1, max_size=3), clerk=st.sampled_from(CLERKS), reviewer=st.sampled_from(REVIEWERS)
    )
    def list_some(self, lines: list[Any], clerk: str, reviewer: str) -> None:
        """The ordinary way: prepared, approved, published."""
        before = len(self.batches)
        self.bring_in(lines, clerk)
        if len(self.batches) > before:
            self.approve(-1, reviewer, ("art3", "redactions"))
        self.publish()

    @rule(lines=st.lists(LINE, min_size=1, max_size=4), by=STAFF)
    def bring_in(self, lines: list[Any], by: str) -> None:
        versions = [a_version(*line, self.today) for line in lines]
        rows = [version or {**a_person(9), "id_number": "990101198001020000"} for version in versions]
        path = self.home.write(f"{len(self.files)}.jsonl", [dict(row) for row in rows])
        self.files.append((path, versions))
        self._import(path, versions, by)

    @precondition(lambda self: self.files)
    @rule(place=ANY, by=STAFF)
    def bring_in_again(self, place: int, by: str) -> None:
        self._import(*self.files[place % len(self.files)], by)
        self.note("imported again")

    def _import(self, path: Path, versions: list[Version | None], by: str) -> None:
        said = self.tell("import", path, by=by)
        answer = said.json
        batch = answer["batch"] or -1 - len(self.files)
        expected = self.law.bring_in(batch, by, versions)
        refused = tuple(line["line"] for line in answer["quarantined"])
        found = answer["accepted"], answer["proposed_corrections"], answer["unchanged"], refused
        wanted = expected.accepted, expected.proposed, expected.unchanged, expected.refused
        assert found == wanted, f"import: {found}, by the law {wanted}: {answer['quarantined']}"
        assert said.code == (1 if refused else 0)
        assert (answer["batch"] is None) == (not expected.accepted)
        if answer["batch"]:
            self.batches.append(batch)
        self.note("proposed", expected.proposed)
        self.note("refused line", refused)
        self.note("unchanged", expected.unchanged)
        comes_back = [one for one in self.law.listings if one.batch == batch and self._has_left_before(one)]
        self.note("listed anew", comes_back)

    def _has_left_before(self, listing: Listing) -> bool:
        return any(one.debtor == listing.debtor and one.number and one is not listing for one in self.law.listings)

    @rule(by=ANYBODY)
    def act_without_right(self, by: str) -> None:
        """Who may not, changes nothing and leaves no line."""
        if by in REVIEWERS:
            return
        before = self.audited
        arguments: list[tuple[object, ...]] = [("approve", 1), ("profile", "--set", "policy=henan")]
        listing = self.pick(1)
        if listing and listing.number:
            grounds = ("--ground", "wrongly_listed", "--basis", "执异1号")
            arguments += [("withdraw", listing.number, *grounds), ("correct", listing.number, "--set", "region=乙市")]
        for one in arguments:
            self.expect(False, *one, by=by)
        assert self.audited == before

    @rule(name=st.sampled_from(["clerk", "third", "reviewer"]), role=st.sampled_from(["clerk", "auditor"]))
    @precondition(lambda self: next(self.accounts) % 4 == 0)
    def add_account(self, name: str, role: str) -> None:
        name = f"{name}{next(self.accounts)}" if name == "third" else name
        said = self.tell("user", "add", name, "--role", role, typed="a-long-password\n")
        assert said.code == (0 if name.startswith("third") else 2)

    # Two people

    @precondition(lambda self: self.batches)
    @rule(place=ANY, by=st.sampled_from([*REVIEWERS, *REVIEWERS, "clerk"]), confirmed=CONFIRMED)
    def approve(self, place: int, by: str, confirmed: tuple[str, ...]) -> None:
        batch = self.batches[place % len(self.batches) if place >= 0 else -1]
        given = [word for one in confirmed for word in ("--confirm", one)]
        if by not in REVIEWERS:
            self.expect(False, "approve", batch, *given, by=by)
            return
        alone = any(
            one.batch == batch and one.state == "draft" and one.writer == by and one.writer in REVIEWERS
            for one in self.law.listings
        )
        said = self.tell("approve", batch, *given, by=by)
        approved, refused = self.law.approve(batch, by, self.now, confirmed)
        found = said.json["approved"], [one["line"] for one in said.json["refused"]]
        assert found == (approved, refused), f"approve: {found}, by the law {(approved, refused)}: {said.json}"
        assert said.code == (1 if refused else 0)
        for one in said.json["refused"]:
            self.note(one["rule"])
        self.note("refused alone", alone)
        self.note("approved", approved)

    @rule()
    def publish(self) -> None:
        said = self.tell("publish")
        overdue = [one for one in self.law.seen(self.now) if one.must_be_hidden(self.now)]
        over = [(one, one.state) for one in self.law.listings if self.law.is_over(one, self.now)]
        published, ended = self.law.publish(self.now)
        assert said.code == 0, said.err
        found = said.json["published"], said.json["expired"]
        assert found == (published, ended), f"publish: {found}, by the law {(published, ended)}: {self._states()}"
        self.note("published", published)
        self.note("ended", ended)
        self.note("hidden when it was due", overdue)
        for one, was in over:
            assert one.state == ENDED, f"{one.debtor} was {was} and is {one.state} beyond the term"
            self.note(f"{was} ended")

    @rule(
        place=ANY,
        change=st.sampled_from([*sorted(CHANGES), "words", "words", "part", "restrict", "ends soon"]),
        by=REVIEWER,
        confirmed=CONFIRMED,
        by_case=BY_CASE,
    )
    def correct(self, place: int, change: str, by: str, confirmed: tuple[str, ...], by_case: bool) -> None:
        listing = self.pick(place)
        if listing is None:
            return
        name, named = self.name(listing, by_case=by_case)
        listing = named or listing
        changes = CHANGES[change](self.today)
        given = [word for one in confirmed for word in ("--confirm", one)]
        given += [word for key, value in changes.items() for word in ("--set", f"{key}={value or ''}")]
        before, was = listing.is_seen(self.now), listing.state
        done = by in REVIEWERS and named is not None and self.law.correct(named, changes, by, self.soon, confirmed)
        self.expect(done, "correct", name, *given, by=by)
        self.note("corrected while public", done and before and listing.is_seen(self.now))
        self.note("restricted while public", done and before and not listing.is_seen(self.now))
        self.note("corrected while held", done and listing.state == HELD)
        self.note("corrected while restricted", done and was == SEALED)

    @precondition(lambda self: self._held(0))
    @rule(change=st.sampled_from(["words", "part", "restrict"]), by=st.sampled_from(REVIEWERS), confirmed=CONFIRMED)
    def correct_held(self, change: str, by: str, confirmed: tuple[str, ...]) -> None:
        listing = self._held(0)
        assert listing is not None
        name, named = self.name(listing, by_case=False)
        changes = CHANGES[change](self.today)
        given = [word for one in confirmed for word in ("--confirm", one)]
        given += [word for key, value in changes.items() for word in ("--set", f"{key}={value or ''}")]
        done = named is not None and self.law.correct(named, changes, by, self.soon, confirmed)
        self.expect(done, "correct", name, *given, by=by)
        self.note("corrected while held", done and named is not None and named.state == HELD)

    # Up and down

    @rule(place=ANY, by=STAFF, by_case=BY_CASE)
    def hold(self, place: int, by: str, by_case: bool) -> None:
        if (listing := self.pick(place)) is None:
            return
        name, named = self.name(listing, by_case=by_case)
        listing = named or listing
        was = listing.state
        done = named is not None and self.law.hold(named, by)
        self.expect(done, "hold", name, "--basis", "来信反映非本人", by=by)
        self.note("held", done)
        self.note("held while restricted", done and was == SEALED)

    def _held(self, place: int) -> Listing | None:
        held = [one for one in self.law.listings if one.state == HELD]
        return held[place % len(held)] if held else None

    @precondition(lambda self: self._held(0))
    @rule(place=ANY, by=REVIEWER)
    def confirm_hold(self, place: int, by: str) -> None:
        listing = self._held(place)
        assert listing is not None
        name, named = self.name(listing, by_case=False)
        done = by in REVIEWERS and named is not None and self.law.confirm_hold(named, by)
        self.expect(done, "hold", name, "--confirm", by=by)
        self.note("hold confirmed", done)

    @precondition(lambda self: self._held(0))
    @rule(place=ANY, by=STAFF, other=STAFF)
    def lift(self, place: int, by: str, other: str) -> None:
        listing = self._held(place)
        assert listing is not None
        for person in (by, other):
            name, named = self.name(listing, by_case=False)
            done = named is not None and self.law.lift(named, person, self.soon, is_reviewer=person in REVIEWERS)
            self.expect(done, "hold", name, "--lift", "--basis", "核实无误", by=person)
        self.note("shown again", listing.is_seen(self.now))
        self.note("restricted again", listing.state == SEALED)
        self.note("lifted in vain", listing.state == "approved")
        self.note("not shown again before a ground is decided", listing.grounds)

    @precondition(lambda self: self._held(0))
    @rule(place=ANY, by=STAFF)
    def ask_to_lift(self, place: int, by: str) -> None:
        """One person's word, after which much may happen before another agrees."""
        listing = self._held(place)
        assert listing is not None
        name, named = self.name(listing, by_case=False)
        done = named is not None and self.law.lift(named, by, self.soon, is_reviewer=by in REVIEWERS)
        self.expect(done, "hold", name, "--lift", "--basis", "核实无误", by=by)

    # Grace, and grounds that nobody has decided yet

    def _hidden(self, place: int) -> Listing | None:
        """A listing that the public has never seen."""
        some = [one for one in self.law.listings if one.state in ("draft", "approved")]
        return some[place % len(some)] if some else None

    @rule(place=ANY, days=st.sampled_from([0, 3, 31, 31, 60, 80, 120]), by=REVIEWER, of_anybody=BY_CASE)
    def grant_grace(self, place: int, days: int, by: str, of_anybody: bool) -> None:
        listing = self.pick(place) if of_anybody else self._hidden(place)
        if listing is None:
            return
        name, named = self.name(listing, by_case=False)
        listing = named or listing
        until = self.today + timedelta(days=days)
        if listing.grace_began and until > months_after(listing.grace_began, 3):
            # Its end may be put off by days on which nobody works; that is not counted a second time here.
            until += timedelta(days=20)
        done = by in REVIEWERS and named is not None and self.law.grant_grace(listing, until, self.today)
        self.expect(done, "grace", name, "--until", until, "--basis", "宽限决定书1号", by=by)
        self.note("grace", done)
        self.note("grace refused", by in REVIEWERS and not done)

    @rule(
        place=ANY,
        ground=st.sampled_from(["performed", "performed", "settled", "wrongly_listed", "minor", "deceased"]),
        days=st.sampled_from([-1, 0, 0, 1, 2, 10]),
        by=STAFF,
    )
    def record_ground(self, place: int, ground: str, days: int, by: str) -> None:
        if (listing := self.pick(place)) is None:
            return
        name, named = self.name(listing, by_case=False)
        listing = named or listing
        since = self.today - timedelta(days=days)
        was_seen = listing.is_seen(self.now)
        done = named is not None and self.law.record_ground(listing, ground, since, by, self.soon)
        dates = ("--arose", since, "--known", since)
        self.expect(done, "ground", "add", name, "--ground", ground, "--basis", "谈话笔录", *dates, by=by)
        self.note("ground recorded", done)
        self.note("hidden at once", done and was_seen and listing.state == HELD)

    @precondition(lambda self: any(one.grounds for one in self.law.listings))
    @rule(place=ANY, by=REVIEWER)
    def dismiss_ground(self, place: int, by: str) -> None:
        some = [(one, ground) for one in self.law.listings for ground in one.grounds]
        listing, ground = some[place % len(some)]
        name, named = self.name(listing, by_case=False)
        done = by in REVIEWERS and named is not None and self.law.dismiss_ground(named, ground.name, by)
        options = ("--ground", ground.name, "--reason", "核查报告1号")
        self.expect(done, "ground", "dismiss", name, *options, by=by)
        self.note("ground dismissed", done)

    @rule(
        place=ANY,
        ground=st.sampled_from([*WITHDRAWAL_GROUNDS, *REMOVAL_GROUNDS]),
        by=REVIEWER,
        since=st.sampled_from([(0, 0)] * 5 + [(1, 0), (10, 5), (0, 1), (-1, -1)]),
        by_case=BY_CASE,
    )
    def take_down(self, place: int, ground: str, by: str, since: tuple[int, int], by_case: bool) -> None:
        if (listing := self.pick(place)) is None:
            return
        name, named = self.name(listing, by_case=by_case)
        listing = named or listing
        arose, known = since
        removes = ground in REMOVAL_GROUNDS
        dates = ("--arose", self.today - timedelta(days=arose), "--known", self.today - timedelta(days=known))
        fits = by in REVIEWERS and named is not None and 0 <= known <= arose
        was_seen = listing.is_seen(self.now)
        act = self.law.remove if removes else self.law.withdraw
        done = fits and act(listing, ground, self.soon)
        command = "remove" if removes else "withdraw"
        self.expect(done, command, name, "--ground", ground, "--basis", "执异1号", *dates, by=by)
        self.note(f"{command} {ground}", done)
        self.note(f"{command} while public", done and was_seen)

    @precondition(lambda self: any(one.state == "published" for one in self.law.listings))
    @rule(missing=ANY, force=st.booleans(), by=STAFF)
    def reconcile(self, missing: int, force: bool, by: str) -> None:
        local = [one for one in self.law.listings if one.state in ("approved", "published", "restricted")]
        whole = [one for place, one in enumerate(local) if place != missing % (len(local) + 1)]
        if not whole:
            return
        path = self.home.write("whole.jsonl", [dict(one.words) for one in whole])
        held = self.law.compare({one.debtor for one in whole}, by, force=force)
        said = self.tell("reconcile", path, *(("--force",) if force else ()), by=by)
        assert said.code == (2 if held is None else 0), said.out + said.err
        assert held is None or len(said.json["held"]) == len(held)
        self.note("reconciled", held)
        self.note("list too short", held is None)

    # The court and its machine

    @rule(
        policy=st.sampled_from(["national", "henan", "yunnan"]),
        mask=st.sampled_from(["national", "strict"]),
        by=REVIEWER,
    )
    def change_rules(self, policy: str, mask: str, by: str) -> None:
        done = by in REVIEWERS
        self.expect(done, "profile", "--set", f"policy={policy}", "--set", f"id_mask={mask}", by=by)
        if done:
            self.note("other rules", self.law.rules != Rules(policy, mask))
            self.law.rules = Rules(policy, mask)

    @rule(replay=st.booleans())
    def rebuild(self, replay: bool) -> None:
        assert self.tell("index", "rebuild", *(("--replay",) if replay else ())).code == 0

    @rule(step=st.timedeltas(timedelta(minutes=1), timedelta(hours=30)))
    def wait(self, step: timedelta) -> None:
        self.pass_time(step)

    @rule(days=st.sampled_from([1, 2, 4, 4, 30, 200, 400]), publishes=st.booleans())
    def wait_days(self, days: int, publishes: bool) -> None:
        if self.now < START + timedelta(days=365 * 7):
            self.pass_time(timedelta(days=days))
        if publishes:
            self.publish()

    @rule(minutes=st.integers(1, 90))
    def step_back(self, minutes: int) -> None:
        """Somebody sets the clock of the machine."""
        self.pass_time(timedelta(minutes=-minutes))
        self.note("clock stepped back")

    # What must hold after each

    @invariant()
    def the_public_sees_what_the_law_says(self) -> None:
        answer = self.public.get("/api/v1/entries").json
        assert answer is not None
        entries = {(entry["case_number"], entry["name"]): entry for entry in answer["entries"]}
        seen = self.law.seen(self.now)
        assert len(answer["entries"]) == len(entries) == answer["meta"]["total"]
        assert entries.keys() == {one.debtor for one in seen}, f"public {sorted(entries)}, {self._states()}"
        for listing in seen:
            self._compare(listing, entries[listing.debtor])
        assert self.register.search(Query(), self.now).total == len(seen)
        for listing in self.law.listings:
            if listing.number:
                status = self.public.get(f"/api/v1/entries/{listing.number}").status_code
                assert status == (200 if listing in seen else 410), f"{listing.number}: {status}, {self._states()}"
        if seen and any(one.until and one.until > self.now for one in seen):
            self.note("has an end to come")
        self.note(
            "over and nobody noted it", any(one.state == "published" and one not in seen for one in self.law.listings)
        )

    @property
    def register(self) -> Register:
        return Register(self.reader.store, self.reader.settings.index_folder)

    def _compare(self, listing: Listing, entry: dict[str, Any]) -> None:
        listing.number = listing.number or entry["record"]
        words, rules = listing.words, listing.rules
        assert rules is not None
        shown = {
            "record": listing.number,
            "performance": words["performance"],
            "published_on": str(listing.published_on),
        }
        shown["term_ends_on"] = words.get("term_ends_on")
        if "id_number" in words:
            shown["id_number"] = hide(words["id_number"], rules.mask)
        if TO_BE_HIDDEN not in words["obligation"]:
            shown["obligation"] = words["obligation"]
        assert {key: entry[key] for key in shown} == shown
        assert citizen_number(77) not in entry["obligation"]
        assert citizen_number(78) not in entry["obligation"]

    def _states(self) -> list[tuple[str, str, str, str]]:
        return [(*one.debtor, one.state, str(one.until)) for one in self.law.listings]

    @invariant()
    def everybody_on_the_list_may_be_there(self) -> None:
        born = {(f"（2025）测0101执{case}号", name): day for _, name, day, case in DEBTORS}
        check_lawful(self.law.seen(self.now), lambda one: born[one.debtor], day_of(self.latest), self.now)

    @invariant()
    def the_books_tell_how_it_came_about(self) -> None:
        with self.reader.reading() as session:
            check_journal(session)
            check_audit(session)

    def teardown(self) -> None:
        try:
            self._end_well()
        finally:
            self.portal.close()
            self.reader.close()
            self.homes.close(self.home)

    def _end_well(self) -> None:
        """The store is what the journal makes of it, and the index what the store makes of it."""
        self.publish()
        assert self.tell("index", "verify").json == {"equal": True, "differences": []}
        before = self._documents()
        assert self.tell("index", "rebuild", "--replay").code == 0
        assert self._documents() == before
        assert self.tell("index", "verify").json["equal"]
        assert self.tell("audit", "verify").json["whole"]
        self.the_public_sees_what_the_law_says()

    def _documents(self) -> dict[str, Document]:
        with self.reader.store.snapshot(self.now) as snapshot:
            return {document.record: document for document in snapshot.all("")}


# What no set of histories may have missed: without it, they would have proven nothing of it.
REACHED_BY_HAND = frozenset(
    {"published", "approved", "corrected while public", "restricted while public", "corrected while held", "held"}
    | {"hold confirmed", "shown again", "ended", "over and nobody noted it", "proposed", "unchanged", "imported again"}
    | {"listed anew", "refused line", "reconciled", "list too short", "other rules", "clock stepped back"}
    | {"minor", "age_unknown", "not_served", "same_person", "art3_unconfirmed", "redactions_unconfirmed"}
    | {"term_missing", "term_not_allowed", "term_too_long", "term_over", "decision_missing", "fully_performed"}
    | {"grace", "grace refused", "ground recorded", "ground dismissed", "hidden at once", "hidden when it was due"}
    | {"not shown again before a ground is decided"}
    | {"held while restricted", "restricted again", "corrected while restricted", "restricted ended", "held ended"}
    | {f"withdraw {ground}" for ground in WITHDRAWAL_GROUNDS}
    | {f"remove {ground}" for ground in REMOVAL_GROUNDS}
)
REACHED_BY_CHANCE = frozenset({"published", "approved", "held", "proposed", "minor", "clock stepped back"})
SMALL = settings(
    max_examples=8,
    stateful_step_count=25,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    # A history that fails is told as it was lived; to shorten it takes minutes, which only a long run has.
    phases=[Phase.generate],
)
LONG = settings(
    SMALL, max_examples=500, stateful_step_count=60, derandomize=False, phases=[Phase.generate, Phase.shrink]
)


def live(homes: Homes, how: settings, start: int | None = None) -> Counter[str]:
    """Live random histories; how often they came to what is worth coming to."""
    machine = type("Histories", (Histories,), {"homes": homes, "reached": Counter()})
    if start is not None:
        machine = seed(start)(machine)
    run_state_machine_as_test(machine, settings=how)
    return machine.reached


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """Nobody reads what the portal logs of the many questions it is asked here."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def homes(home: Home, monkeypatch: pytest.MonkeyPatch) -> Homes:
    said = home.run("user", "add", "clerk2", "--role", "clerk", typed="a-long-password\n")
    assert said.code == 0
    return Homes(home, monkeypatch)


def test_whatever_several_people_do_in_whatever_order_the_public_sees_what_the_law_says(homes: Homes) -> None:
    how = settings(SMALL, max_examples=3) if homes.ready.databases else SMALL
    reached = live(homes, how)
    if not homes.ready.databases:
        assert reached.keys() >= REACHED_BY_CHANCE, f"never reached: {sorted(REACHED_BY_CHANCE - reached.keys())}"


def test_a_history_told_by_hand_comes_to_every_end_there_is(homes: Homes) -> None:
    machine = type("Histories", (Histories,), {"homes": homes, "reached": Counter()})()
    for step in _told_by_hand(machine):
        step()
        machine.everybody_on_the_list_may_be_there()
        machine.the_books_tell_how_it_came_about()
        machine.the_public_sees_what_the_law_says()
    machine.teardown()
    missed = REACHED_BY_HAND - machine.reached.keys()
    assert not missed, f"never reached: {sorted(missed)}"


def _told_by_hand(m: Any) -> Iterator[Callable[[], None]]:
    """Steps that together come to everything that REACHED_BY_HAND asks for."""
    one, other_case, youth, nearly, four, child, company, second_company = DEBTORS
    both = ("art3", "redactions")

    def place(debtor: tuple[int, str, str, int]) -> int:
        """What makes `pick` find the listing of a debtor."""
        wanted = (f"（2025）测0101执{debtor[3]}号", debtor[1])
        return next(n for n in range(1, 200, 10) if m.pick(n).debtor == wanted)

    def place_of_restricted(debtor: tuple[int, str, str, int]) -> int:
        return next(n for n in range(7, 200, 10) if m.pick(n).debtor[1] == debtor[1])

    def place_of_held(debtor: tuple[int, str, str, int]) -> int:
        return next(n for n in range(50) if m._held(n).debtor[1] == debtor[1])

    def hidden(debtor: tuple[int, str, str, int]) -> int:
        """What makes `grant_grace` find it while the public has never seen it."""
        return next(n for n in range(50) if m._hidden(n).debtor[1] == debtor[1])

    def lists(*lines: tuple[Any, str], days: int = 40) -> Callable[[], None]:
        return lambda: m.list_some([(debtor, shape, "full", days) for debtor, shape in lines], "clerk", "reviewer")

    yield lists((one, "plain"), (company, "term"), (four, "short term"), (child, "plain"))
    yield lambda: m.bring_in_again(0, "clerk2")
    yield lambda: m.bring_in([(youth, "plain", "masked", 0), (nearly, "plain", "hidden", 0)], "reviewer")
    yield lambda: m.approve(-1, "reviewer", both)
    yield lambda: m.approve(-1, "second", both)
    yield lambda: m.bring_in([(second_company, "plain", "full", 5)], "reviewer")
    yield lambda: m.approve(-1, "reviewer", both)
    for shape in ("unserved", "undecided", "term missing", "needless term", "too long", "over", "performed"):
        yield lambda shape=shape: m.bring_in([(second_company, shape, "full", 5)], "clerk")
        yield lambda: m.approve(-1, "second", both)
    yield lambda: m.bring_in([(second_company, "someone's number", "full", 5), (one, "unreadable", "full", 5)], "clerk")
    yield lambda: m.approve(-1, "second", ("redactions",))
    yield lambda: m.approve(-1, "second", ("art3",))
    yield lambda: m.approve(-1, "second", both)
    yield m.publish
    yield lambda: m.correct(place(one), "words", "second", both, False)
    yield lambda: m.change_rules("henan", "strict", "reviewer")
    yield m.publish
    yield lambda: m.hold(place(one), "clerk", False)
    yield lambda: m.confirm_hold(0, "second")
    yield lambda: m.ask_to_lift(0, "clerk")
    yield lambda: m.step_back(45)
    yield lambda: m.correct_held("part", "reviewer", both)
    yield lambda: m.lift(0, "reviewer", "second")
    yield lambda: m.record_ground(place(one), "performed", 0, "clerk")
    yield lambda: m.wait_days(7, publishes=False)
    yield m.publish
    yield lambda: m.lift(0, "clerk", "second")
    yield lambda: m.dismiss_ground(0, "second")
    yield lambda: m.lift(0, "clerk", "second")
    for days in (0, 31):
        yield lambda days=days: m.grant_grace(hidden(child), days, "reviewer", False)
    yield lambda: m.record_ground(place(one), "deceased", 0, "clerk")
    yield lambda: m.dismiss_ground(0, "second")
    yield lambda: m.lift(0, "clerk", "second")
    yield lambda: m.correct(place(company), "restrict", "reviewer", both, False)
    yield lambda: m.wait_days(4, publishes=False)
    yield m.publish
    yield lambda: m.reconcile(0, False, "clerk")
    yield lambda: m.reconcile(0, True, "clerk")
    yield lambda: m.lift(0, "clerk", "second")
    grounds = [("withdraw", ground) for ground in WITHDRAWAL_GROUNDS] + [
        ("remove", ground) for ground in REMOVAL_GROUNDS
    ]
    for _, ground in grounds:
        yield lambda: m.wait_days(200, publishes=False)
        yield lists((other_case, "plain"), days=5)
        yield lambda ground=ground: m.take_down(place(other_case), ground, "reviewer", (0, 0), False)
    ends = [(four, "restricted, short term", "full", 5), (nearly, "short term", "full", 5)]
    yield lambda: m.bring_in(ends, "clerk")
    yield lambda: m.approve(-1, "second", both)
    yield m.publish
    yield lambda: m.hold(place_of_restricted(four), "clerk", False)
    yield lambda: m.lift(place_of_held(four), "clerk", "second")
    yield lambda: m.correct(place_of_restricted(four), "words", "reviewer", both, False)
    yield lambda: m.approve(-1, "second", both)
    yield m.publish
    yield lambda: m.hold(place(nearly), "clerk", False)
    yield lambda: m.wait_days(4, publishes=False)
    yield m.publish


@pytest.mark.soak
def test_long_histories_of_several_people(homes: Homes) -> None:
    """GONGSHI_HISTORIES says how many, GONGSHI_SEED which: the seed of a run is printed when it fails."""
    start = int(os.environ.get("GONGSHI_SEED") or SystemRandom().randrange(2**32))
    wanted = int(os.environ.get("GONGSHI_HISTORIES") or (50 if homes.ready.databases else 500))
    sys.stdout.write(f"GONGSHI_SEED={start}\n")
    reached = live(homes, settings(LONG, max_examples=wanted), start)
    sys.stdout.write(f"{wanted} histories: {dict(sorted(reached.items()))}\n")
    if wanted >= 300:
        missed = REACHED_BY_HAND - reached.keys()
        assert not missed, f"never reached: {sorted(missed)}"


# What histories brought to light, each told once more by itself ------------------------------------------------------

CASE = "（2025）测0101执1号"
BOTH = ("--confirm", "art3", "--confirm", "redactions")


def test_a_consent_to_show_again_ends_with_a_correction_though_the_clock_was_set_back(home: Home) -> None:
    home.publish(a_person(1))
    home.ask("hold", CASE, "--basis", "来信", "--as", "clerk")
    home.clock.advance(minutes=10)
    home.ask("hold", CASE, "--lift", "--basis", "核实", "--as", "reviewer")
    home.clock.advance(minutes=-5)
    home.ask("correct", CASE, "--set", "obligation=支付五万元。", *BOTH, "--as", "second")
    assert home.run("hold", CASE, "--lift", "--as", "second").code == 2
    assert home.ask("hold", CASE, "--lift", "--basis", "核实", "--as", "second")["state"] == "held"


def test_a_hold_that_was_lifted_is_not_there_to_be_confirmed(home: Home) -> None:
    home.publish(a_person(1))
    home.ask("hold", CASE, "--basis", "来信", "--as", "clerk")
    home.ask("hold", CASE, "--lift", "--basis", "核实", "--as", "clerk")
    home.ask("hold", CASE, "--lift", "--as", "reviewer")
    home.ask("hold", CASE, "--basis", "再次来信", "--as", "clerk")
    home.ask("hold", CASE, "--confirm", "--as", "reviewer")
    assert home.run("hold", CASE, "--confirm", "--as", "second").code == 2


def test_who_was_listed_anew_under_a_masked_number_is_the_same_debtor_under_the_full_one(home: Home) -> None:
    full = citizen_number(1)
    home.publish(a_person(1))
    home.ask("remove", CASE, "--ground", "performed", "--basis", "结案", "--as", "reviewer")
    home.clock.advance(days=10)
    later = {"decided_on": "2026-11-20", "served_on": "2026-11-22", "decision_number": "新1号"}
    home.publish(a_person(1, id_number=hide(full, "national"), **later), name="masked.jsonl")
    again = home.ask("import", home.write("full.jsonl", [a_person(1, **later)]), "--as", "clerk")
    assert (again["accepted"], again["proposed_corrections"]) == (1, 1)
    other_mask = a_person(1, id_number=hide(full, "strict"), **later)
    third = home.ask("import", home.write("strict.jsonl", [other_mask]), "--as", "clerk")
    assert (third["accepted"], third["proposed_corrections"]) == (1, 1)


def test_new_words_are_not_judged_by_what_was_hidden_in_the_old_ones(home: Home) -> None:
    home.publish(a_person(1), a_person(2))
    named = f"支付1000元（{TO_BE_HIDDEN}{citizen_number(77)}）。"
    home.ask("correct", CASE, "--set", f"obligation={named}", *BOTH, "--as", "reviewer")
    batch = home.ask("import", home.write("b.jsonl", [a_person(2, obligation=named)]), "--as", "clerk")["batch"]
    assert home.ask("approve", batch, "--as", "reviewer", *BOTH)["refused"] == []


# The checks themselves ------------------------------------------------------------------------------------------------

FORGED = "INSERT INTO audit (at, actor, action, record_id, detail) VALUES ('2026-11-18', 'second', '{}', 1, '{{}}')"
FAULTS = {
    "a state that nobody changed": "UPDATE record SET state = 'held'",
    "a change that nobody wrote down": "DELETE FROM audit WHERE action = 'publish'",
    "a line without its change": FORGED.format("hold_confirm"),
    "a departure without a reason": FORGED.format("hold"),
    "a line without a name": "UPDATE audit SET actor = ''",
    "a record that is not there": "UPDATE audit SET record_id = 99 WHERE action = 'approve'",
    "a gap in the journal": "UPDATE journal SET position = 99 WHERE position = 2",
    "a sequence given twice over": "UPDATE journal_head SET sequence = sequence + 1",
    "a publication that is not journalled": "DELETE FROM journal WHERE type = 'published'",
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_checks_notice(home: Home, fault: str) -> None:
    home.publish(a_person(1))
    court = home.court
    with court.session() as session:
        check_journal(session)
        check_audit(session)
        session.execute(text(FAULTS[fault]))
        session.expire_all()
        with pytest.raises(AssertionError):
            check_both(session)
    court.close()


def check_both(session: Session) -> None:
    check_journal(session)
    check_audit(session)


@pytest.mark.parametrize(
    "changes",
    [
        {"agreed": ("reviewer", "reviewer")},
        {"agreed": ("reviewer", "clerk")},
        {"until": START},
        {"words": {"served_on": "2026-11-19"}},
        {"words": {"served_on": "2026-11-18", "disclosure": "restricted"}},
    ],
)
def test_the_law_notices(changes: dict[str, Any]) -> None:
    listing = Listing(batch=1, line=1, words=a_person(1), source={}, writer="clerk", agreed=("clerk", "reviewer"))
    check_lawful([listing], lambda _: "2008-11-18", START.date(), START)
    with pytest.raises(AssertionError):
        check_lawful([listing], lambda _: "2008-11-19", START.date(), START)
    for key, value in changes.items():
        setattr(listing, key, value)
    with pytest.raises(AssertionError):
        check_lawful([listing], lambda _: "1980-01-02", START.date(), START)

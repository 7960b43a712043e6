"""The everyday work of a court, task by task: how each is got ready, and what must be true once it was acknowledged.

A task is given to whoever wants to disturb it: to kill it, to take the disk away, to cut off the database. However it
ended, `settle` does it again where it has to be done again, and asserts that nothing acknowledged was lost and that
nothing was done by half.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from entries import a_person, an_organisation, with_term
from homes import Home
from instants import Blow, Order, Outcome, run_apart
from invariants import find_faults, find_faults_at_rest

from portal.app import Portal, create_app
from search_index.page import Departed, Query
from search_index.register import Register, RegisterUnavailable
from search_index.store import Store

BOTH = ("--confirm", "art3", "--confirm", "redactions")
LISTED_AT_ONCE = 12

Settle = Callable[[Outcome], None]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A command that is about to be run, and what settles it."""

    arguments: tuple[str, ...]
    settle: Settle


@dataclass
class Life:
    """A home at work, the public that watches it, and what it was told is gone."""

    home: Home
    random: Random = field(default_factory=lambda: Random(23))
    gone: set[str] = field(default_factory=set)
    serial: Iterator[int] = field(default_factory=lambda: count(1))
    listed: deque[str] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.portal: Portal = create_app(self.home.public_settings, self.home.clock)
        self.public = self.portal.test_client()

    @property
    def environ(self) -> dict[str, str]:
        return {"GONGSHI_HOME": str(self.home.folder), **self.home.databases}

    @property
    def database(self) -> str:
        return "postgresql" if self.home.databases else "sqlite"

    def run(self, attempt: Attempt, blow: Blow = "none", phase: str = "", time: int = 1, **limits: Any) -> Outcome:
        """Run the command of an attempt in a process of its own, struck or not."""
        order = Order(
            arguments=attempt.arguments,
            environ=self.environ,
            moment=self.home.clock(),
            seed=self.random.getrandbits(32),
            blow=blow,
            phase=phase,
            time=time,
            **limits,
        )
        return run_apart(order, self.home.folder.parent)

    def look(self) -> None:
        """What holds at every moment, in the books and as the public sees it."""
        faults = find_faults(self.home, self.gone)
        assert faults == [], faults
        for record in self.random.sample(sorted(self.gone), min(3, len(self.gone))):
            assert self.status(record) == 410, record

    def rest(self) -> None:
        """What holds once everything has been published; and making it all anew from the journal changes nothing."""
        self.home.ask("publish")
        assert (faults := find_faults_at_rest(self.home, self.gone)) == [], faults
        self.home.ask("index", "rebuild", "--replay")
        assert (faults := find_faults_at_rest(self.home, self.gone)) == [], faults

    def status(self, record: str) -> int:
        return self.public.get(f"/api/v1/entries/{record}").status_code

    def entry(self, record: str) -> Mapping[str, Any]:
        answer = self.public.get(f"/api/v1/entries/{record}")
        assert answer.status_code == 200, (record, answer.status_code, answer.text)
        found: Mapping[str, Any] = answer.json or {}
        return found

    def again(self, arguments: tuple[str, ...], *codes: int) -> None:
        """The same command once more, undisturbed."""
        said = self.home.run(*arguments)
        assert said.code in (codes or (0,)), (arguments, said.out + said.err)

    def new_people(self, number: int, **changes: Any) -> list[dict[str, Any]]:
        return [a_person(serial, name=f"甲测试{serial}", **changes) for serial in self._next(number)]

    def _next(self, number: int) -> list[int]:
        return [next(self.serial) for _ in range(number)]

    def bring_in(self, entries: Sequence[dict[str, Any]]) -> int:
        said = self.home.run("import", self.write(entries), "--as", "clerk", "--json")
        assert said.code in (0, 1), said.err
        batch: int = said.json["batch"]
        return batch

    def write(self, entries: Sequence[dict[str, Any]]) -> Path:
        return self.home.write(f"more-{next(self.serial)}.jsonl", entries)

    def approve(self, batch: int) -> None:
        said = self.home.run("approve", batch, "--as", "reviewer", *BOTH)
        assert said.code == 0, said.out + said.err

    def take_listed(self) -> str:
        """The number of an entry that is public and that no other task uses."""
        if not self.listed:
            before = self.records()
            people = self.new_people(LISTED_AT_ONCE)
            self.approve(self.bring_in(people))
            self.home.ask("publish")
            cases = {person["case_number"] for person in people}
            self.listed.extend(sorted(self._in_cases(cases) - before))
        return self.listed.popleft()

    def records(self) -> set[str]:
        return set(self._documents())

    def _in_cases(self, cases: Collection[str]) -> set[str]:
        return {record for record, case in self._documents().items() if case in cases}

    def numbers_of(self, entries: Sequence[dict[str, Any]]) -> list[str]:
        return sorted(self._in_cases({entry["case_number"] for entry in entries}))

    def _documents(self) -> dict[str, str]:
        court, found = self.home.court, {}
        with court.store.snapshot(self.home.clock()) as snapshot:
            after = ""
            while some := snapshot.all(after):
                found.update((document.record, document.case_number) for document in some)
                after = some[-1].record
        court.close()
        return found

    def close(self) -> None:
        self.portal.close()


def importing(life: Life) -> Attempt:
    """Three new entries, a second version of a public one, and a line that is refused."""
    known = life.take_listed()
    case = life.entry(known)["case_number"]
    serial = int(case.rpartition("执")[2].removesuffix("号"))
    second = a_person(
        serial, name=f"甲测试{serial}", performance="部分未履行", performed_part=f"已履行{next(life.serial)}元"
    )
    second["unperformed_part"] = "其余"
    fresh = [*life.new_people(2), an_organisation(life._next(1)[0])]
    arguments = ("import", str(life.write([*fresh, second, {"kind": "person"}])), "--as", "clerk", "--json")

    def settle(outcome: Outcome) -> None:
        said = life.home.run(*arguments).json
        if outcome.code in (0, 1):
            assert (said["accepted"], said["unchanged"]) == (0, 4), said
        # All of it or nothing: never some of the lines.
        assert (said["accepted"], said["unchanged"]) in ((0, 4), (4, 0)), said
        assert len(said["quarantined"]) == 1
        life.listed.append(known)
        assert life.entry(known)["performance"] == "全部未履行"
        assert life.numbers_of(fresh) == []

    return Attempt(arguments, settle)


def approving(life: Life) -> Attempt:
    """Two new entries and a second version of a public one, to be approved by another person."""
    known = life.take_listed()
    serial = int(life.entry(known)["case_number"].rpartition("执")[2].removesuffix("号"))
    words = f"支付货款人民币{next(life.serial)}元。"
    fresh = life.new_people(2)
    batch = life.bring_in([*fresh, a_person(serial, name=f"甲测试{serial}", obligation=words)])
    arguments = ("approve", str(batch), "--as", "reviewer", *BOTH, "--json")

    def settle(outcome: Outcome) -> None:
        said = life.home.run(*arguments)
        assert said.code == 0, said.out + said.err
        if outcome.code == 0:
            assert said.json["approved"] == 0, "an approval that was acknowledged has to be given again"
        assert life.home.run(*arguments).json["approved"] == 0
        life.home.ask("publish")
        assert len(life.numbers_of(fresh)) == 2
        assert life.entry(known)["obligation"] == words
        life.listed.extend(life.numbers_of(fresh))

    return Attempt(arguments, settle)


def publishing(life: Life) -> Attempt:
    """Two approved entries that are due."""
    fresh = life.new_people(2)
    life.approve(life.bring_in(fresh))
    arguments = ("publish", "--json")

    def settle(outcome: Outcome) -> None:
        if outcome.code != 0:
            life.again(arguments)
        assert len(life.numbers_of(fresh)) == 2
        for record in life.numbers_of(fresh):
            assert life.status(record) == 200
        life.listed.extend(life.numbers_of(fresh))

    return Attempt(arguments, settle)


def correcting(life: Life) -> Attempt:
    """Another obligation of a public entry."""
    record = life.take_listed()
    before, words = life.entry(record)["obligation"], f"支付货款人民币{next(life.serial)}元。"
    arguments = ("correct", record, "--set", f"obligation={words}", *BOTH, "--as", "reviewer")

    def settle(outcome: Outcome) -> None:
        if outcome.code == 0:
            assert life.entry(record)["obligation"] == words
        assert life.entry(record)["obligation"] in (before, words)
        life.again(arguments, 0, 2)  # 2: it was done before the blow
        assert life.entry(record)["obligation"] == words
        life.listed.append(record)

    return Attempt(arguments, settle)


def withdrawing(life: Life) -> Attempt:
    record = life.take_listed()
    return _departing(life, record, ("withdraw", record, "--ground", "wrongly_listed", "--basis", "执异1号"))


def removing(life: Life) -> Attempt:
    record = life.take_listed()
    return _departing(life, record, ("remove", record, "--ground", "performed", "--basis", "结案通知书"))


def _departing(life: Life, record: str, command: tuple[str, ...]) -> Attempt:
    arguments = (*command, "--as", "reviewer")

    def settle(outcome: Outcome) -> None:
        if outcome.code == 0:
            assert life.status(record) == 410
        if life.status(record) == 410:
            life.gone.add(record)  # whoever saw it gone never sees it again, whatever was acknowledged
            life.look()
        life.again(arguments, 0, 2)
        assert life.status(record) == 410
        life.gone.add(record)

    return Attempt(arguments, settle)


def holding(life: Life) -> Attempt:
    record = life.take_listed()
    arguments = ("hold", record, "--basis", "来信反映非本人", "--as", "clerk")

    def settle(outcome: Outcome) -> None:
        if outcome.code == 0:
            assert life.status(record) == 410
        life.again(arguments, 0, 2)
        assert life.status(record) == 410
        _show_again(life, record)

    return Attempt(arguments, settle)


def lifting(life: Life) -> Attempt:
    """The second person's word that shows a held entry again."""
    record = life.take_listed()
    life.home.ask("hold", record, "--basis", "来信反映非本人", "--as", "clerk")
    life.home.ask("hold", record, "--lift", "--basis", "核实无误", "--as", "reviewer")
    assert life.status(record) == 410
    arguments = ("hold", record, "--lift", "--as", "second")

    def settle(outcome: Outcome) -> None:
        if outcome.code == 0:
            assert life.status(record) == 200
        life.again(arguments, 0, 2)
        life.home.ask("publish")
        assert life.status(record) == 200
        life.listed.append(record)

    return Attempt(arguments, settle)


def _show_again(life: Life, record: str) -> None:
    life.home.ask("hold", record, "--lift", "--basis", "核实无误", "--as", "reviewer")
    life.home.ask("hold", record, "--lift", "--as", "second")
    assert life.status(record) == 200
    life.listed.append(record)


def expiring(life: Life) -> Attempt:
    """Two entries whose last day has passed overnight."""
    today = life.home.clock().date()
    fresh = [with_term(person, today.isoformat()) for person in life.new_people(2)]
    life.approve(life.bring_in(fresh))
    life.home.ask("publish")
    records = life.numbers_of(fresh)
    assert [life.status(record) for record in records] == [200, 200]
    life.home.clock.moment += timedelta(days=1)
    arguments = ("publish", "--json")

    def settle(outcome: Outcome) -> None:
        assert [life.status(record) for record in records] == [410, 410]
        life.again(arguments)
        assert [life.status(record) for record in records] == [410, 410]
        life.gone.update(records)

    return Attempt(arguments, settle)


def compacting(life: Life) -> Attempt:
    """The worker's daily clearing, after something has left."""
    record = life.take_listed()
    life.home.ask("withdraw", record, "--ground", "wrongly_listed", "--basis", "执异1号", "--as", "reviewer")
    life.gone.add(record)
    arguments = ("worker", "--once")

    def settle(outcome: Outcome) -> None:
        # Never in this process: the worker decides where the logs of its process go.
        again = life.run(Attempt(arguments, settle))
        assert again.code == 0, again.err
        assert life.status(record) == 410

    return Attempt(arguments, settle)


def rebuilding(life: Life) -> Attempt:
    return _rebuilding(life, "index", "rebuild")


def replaying(life: Life) -> Attempt:
    return _rebuilding(life, "index", "rebuild", "--replay")


def _rebuilding(life: Life, *arguments: str) -> Attempt:
    life.listed.appendleft(life.take_listed())
    before = life.records()

    def settle(outcome: Outcome) -> None:
        assert life.records() == before
        life.again(arguments)
        assert life.records() == before

    return Attempt(arguments, settle)


TASKS: Mapping[str, Callable[[Life], Attempt]] = {
    "import": importing,
    "approve": approving,
    "publish": publishing,
    "correct": correcting,
    "withdraw": withdrawing,
    "remove": removing,
    "hold": holding,
    "lift": lifting,
    "expire": expiring,
    "compaction": compacting,
    "rebuild": rebuilding,
    "replay": replaying,
}


@contextmanager
def watching(life: Life) -> Iterator[Counter[str]]:
    """A reader who asks for departed entries all the while; what it was answered. Fails if one was ever shown."""
    answered: Counter[str] = Counter()
    settings = life.home.public_settings
    register = Register(Store(settings.disclosed_url), settings.index_folder)
    stop = threading.Event()

    def read() -> None:
        random = Random(5)
        while not stop.wait(0.05):
            if known := sorted(life.gone):
                answered[_ask(register, random.choice(known), life.home.clock())] += 1

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield answered
    finally:
        stop.set()
        reader.join()
        register.close()
    assert answered["shown"] == 0, answered


def _ask(register: Register, record: str, now: datetime) -> str:
    try:
        found = register.find(record, now)
        hits = register.search(Query(text=record), now).total
    except RegisterUnavailable:
        return "unavailable"
    return "gone" if isinstance(found, Departed) and hits == 0 else "shown"


def report(line: Mapping[str, Any]) -> None:
    """Add a line of JSON to the file that GONGSHI_SOAK_REPORT names, if it does."""
    path = os.environ.get("GONGSHI_SOAK_REPORT")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

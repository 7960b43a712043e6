"""Whoever follows the list by the guide alone has the list: whatever changes, however often it is restarted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from bulk_follower import Incomplete, Saved, step, take_whole, visible
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from portal_world import COMPANY, PERSON, World
from test_bulk import grant

from search_index.changes import KEPT
from search_index.document import Document
from search_index.journal import ChangeType
from search_index.number import draw_number
from search_index.store import Store
from search_index.sync import sync

STEPS = (
    "publish", "publish", "several", "correct", "correct", "withdraw", "republish", "ending", "time", "ahead",
    "follow", "follow", "lose", "restart", "half", "away",
)  # fmt: skip


class Life:
    """A list that changes at random, and two who follow it at their own pace."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.world = World(folder)
        self.world.is_indexed = False
        self.random = Random(seed)
        self.key = grant(self.world)
        self.client: FlaskClient = self.world.client()
        self.listed: dict[str, Document] = {}
        self.left: list[Document] = []
        self.saved = [Saved(), Saved()]
        self.before = [Saved(), Saved()]

    def ask(self, path: str) -> tuple[int, bytes]:
        answer = self.client.get(path, headers=self.key)
        return answer.status_code, answer.data

    def run(self, name: str) -> None:
        getattr(self, name)()
        self.listed = {record: one for record, one in self.listed.items() if one.is_visible(self.world.now)}

    def draw(self) -> Document:
        model = self.random.choice((PERSON, COMPANY))
        return replace(model, obligation=f"支付 {self.random.randrange(10**6)} 元。", updated_at=self.world.now)

    def pick(self) -> Document | None:
        return self.random.choice(list(self.listed.values())) if self.listed else None

    def publish(self) -> None:
        self.put(*self.world.publish(self.draw()))

    def several(self) -> None:
        self.put(*self.world.publish(*(self.draw() for _ in range(self.random.randrange(2, 7)))))

    def put(self, *documents: Document) -> None:
        self.listed |= {one.record: one for one in documents}

    def correct(self) -> None:
        if one := self.pick():
            self.put(other := replace(self.draw(), record=one.record, name="更正·样例𠮷"))
            self.world.correct(other)

    def ending(self) -> None:
        if one := self.pick():
            self.put(
                other := replace(one, visible_until=self.world.now + timedelta(minutes=self.random.randrange(1, 9)))
            )
            self.world.correct(other)

    def withdraw(self) -> None:
        if one := self.pick():
            self.left.append(self.listed.pop(one.record))
            self.world.withdraw(one.record)

    def republish(self) -> None:
        if self.left:
            self.put(*self.world.publish(replace(self.left.pop(), visible_until=None)))

    def ahead(self) -> None:
        """A departure overtakes a publication that is still to be applied."""
        one = self.pick()
        if one is None:
            return
        new = replace(self.draw(), record=draw_number(self.world.random))
        lines = [
            self.world._change(ChangeType.PUBLISHED, new.record, new),
            self.world._change(ChangeType.GONE, one.record, None, offset=1),
        ]
        self.world.writer.apply_ahead(lines[1:])
        self.left.append(self.listed.pop(one.record))
        self.follow()
        self.check_nothing_departed()
        self.world._apply(lines)
        self.put(new)

    def burst(self) -> None:
        """Many changes at once, as after a large import."""
        lines = []
        for _ in range(400):
            one = self.pick() if self.random.random() < 0.7 else None
            if one is None:
                one = replace(self.draw(), record=draw_number(self.world.random))
                lines.append(self.world._change(ChangeType.PUBLISHED, one.record, one, offset=len(lines)))
            elif self.random.random() < 0.5:
                one = replace(self.draw(), record=one.record)
                lines.append(self.world._change(ChangeType.CORRECTED, one.record, one, offset=len(lines)))
            else:
                lines.append(self.world._change(ChangeType.GONE, one.record, None, offset=len(lines)))
                self.left.append(self.listed.pop(one.record))
                continue
            self.put(one)
        self.world._apply(lines)

    def time(self) -> None:
        self.world.now += timedelta(minutes=self.random.randrange(1, 6))

    def away(self) -> None:
        if self.random.random() < 0.2:
            self.world.now += KEPT + timedelta(days=1)

    def follow(self) -> None:
        at = self.random.randrange(2)
        self.before[at] = self.saved[at]
        self.saved[at], _ = step(self.ask, self.saved[at], self.random.choice((1, 3, 1000)))

    def lose(self) -> None:
        """Killed before it saved: what it did, it does again."""
        at = self.random.randrange(2)
        self.saved[at] = self.before[at]

    def restart(self) -> None:
        at = self.random.randrange(2)
        self.saved[at] = self.before[at] = Saved()

    def half(self) -> None:
        """A snapshot breaks off: it is thrown away."""

        def ask(path: str) -> tuple[int, bytes]:
            status, content = self.ask(path)
            return status, content[: self.random.randrange(len(content) - 1)]

        with pytest.raises((Incomplete, ValueError)):
            take_whole(ask)

    def check_nothing_departed(self) -> None:
        """Who is at the head holds nothing of what left, but for what overtook its turn."""
        status, content = self.ask("/api/v1/snapshot")
        assert status == 200
        assert not any(one.record.encode() in content for one in self.left if one.record not in self.listed)

    def catch_up(self) -> list[dict[str, Any]]:
        found = []
        for at in range(2):
            done = False
            while not done:
                self.saved[at], done = step(self.ask, self.saved[at])
            found.append(visible(self.saved[at], self.world.now))
        return found

    def check(self) -> None:
        sync(self.world.writer, Store(self.world.url), self.world.index, self.world.now)
        wanted = dict(self.read_list())
        assert set(wanted) == set(self.listed)
        for found in self.catch_up():
            assert found == wanted
        assert take_whole(self.ask).copy == wanted

    def read_list(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What anybody can look up, entry by entry."""
        page, pages = 1, 1
        while page <= pages:
            body = self.client.get(f"/api/v1/entries?page={page}").json
            pages = body["meta"]["pages"]
            for entry in body["entries"]:
                yield entry["record"], {k: v for k, v in entry.items() if k not in ("id_number", "match", "found_in")}
            page += 1


def test_two_followers_end_equal_to_the_list(tmp_path: Path) -> None:
    life = Life(tmp_path / "public", 5)
    for number in range(70):
        life.run(life.random.choice(STEPS))
        if number % 35 == 34:
            life.check()


@pytest.mark.long
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(names=st.lists(st.sampled_from(STEPS), max_size=40), seed=st.integers(0, 10**6))
def test_whatever_happens_they_end_equal_to_the_list(names: list[str], seed: int) -> None:
    with TemporaryDirectory() as folder:
        life = Life(Path(folder) / "public", seed)
        for name in names:
            life.run(name)
        life.check()


@pytest.mark.long
def test_ten_thousand_changes_with_restarts_and_duplicates(tmp_path: Path) -> None:
    life = Life(tmp_path / "public", 11)
    while life.world.sequence < 10_000:
        life.run("burst")
        for _ in range(6):
            life.run(life.random.choice(STEPS))
    life.check()

"""The open data under attack: who reads slowly, who asks often, who would keep a name that left."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from portal_world import PERSON, World
from test_bulk import BULK, change_standing, grant

from portal.bulk import SlowReader
from portal.site import KEY
from search_index.counting import Tally
from search_index.database import ReadingSide
from search_index.readers import READER, digest_key
from search_index.register import Register
from search_index.snapshot import Snapshot
from search_index.store import Store


@pytest.fixture(autouse=True)
def unindexed(world: World) -> None:
    world.is_indexed = False


@pytest.mark.parametrize("path", BULK[1:])
def test_who_reads_slowly_is_not_given_what_left_long_ago(world: World, path: str) -> None:
    key = grant(world)
    listed = world.publish(*(replace(PERSON, name=f"样例{n}", obligation="偿还借款。" * 200) for n in range(40)))
    last = max(one.record for one in listed)
    app = world.build_app()
    answer = app.test_client().get(path, headers=key, buffered=False)
    parts = iter(answer.response)
    sent = next(parts) + next(parts)
    assert last.encode() not in sent
    # It lies, encoded, in what is yet to be taken in.
    world.withdraw(last)
    world.now += timedelta(seconds=31)
    rest: list[bytes] = []
    with pytest.raises(SlowReader):
        rest.extend(parts)
    answer.close()
    sent += b"".join(rest)
    assert last.encode() not in sent
    assert b'"type":"end"' not in sent
    assert b"#END" not in sent
    assert app.test_client().get(path, headers=key).status_code == 200, "the turn was given back"


def test_a_look_at_the_mark_costs_the_same_however_long_the_history_is(world: World) -> None:
    (one,) = world.publish(PERSON)
    world.correct(replace(one, age=46))

    def cost() -> int:
        side, steps = ReadingSide(world.url), 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        with side.reading() as reading:
            reading._cursor.connection.set_progress_handler(step, 1)
            snapshot = Snapshot(reading, world.now)
            snapshot.count_changes(), snapshot.count()
            reading._cursor.connection.set_progress_handler(None, 1)
        side.close()
        return steps

    before = cost()
    for n in range(60):
        world.correct(replace(one, age=n % 60 + 18))
    assert cost() <= before + 10


def test_figures_of_a_list_that_keeps_changing_are_not_counted_from_the_start(world: World) -> None:
    turns = 0

    def opening(now: datetime) -> Any:
        nonlocal turns
        turns += 1
        return Store(world.url).snapshot(now)

    end = world.now + timedelta(minutes=5)
    listed = world.publish(*(replace(PERSON, visible_until=None if n else end) for n in range(1_500)))
    tally = Tally(opening)
    assert tally.count(world.now).entries == 1_500
    for one in listed[1:20]:
        world.withdraw(one.record)
        turns = 0
        counts = tally.count(world.now)
        assert turns == 1, "nobody waits for a whole list to be read"
        assert counts.entries == dict(counts.values["court"])[PERSON.court]
    assert counts.entries == 1_481
    # An end comes and, as a clock is put right, goes again.
    assert tally.count(end).entries == 1_480
    assert tally.count(world.now).entries == 1_481


def test_figures_of_a_store_that_was_restored_are_its_own(tmp_path: Path) -> None:
    lived, restored = (
        World(tmp_path / name / "public", is_indexed=False, random=Random(seed)) for seed, name in enumerate("ab")
    )
    register = Register(Store(lived.url), tmp_path / "index")
    (one, *_) = lived.publish(PERSON, replace(PERSON, court="甲法院"))
    assert register.count(lived.now).entries == 2
    restored.now += timedelta(minutes=1)
    restored.publish(replace(PERSON, record=one.record, court="乙法院"), replace(PERSON, court="乙法院"), PERSON)
    (restored.folder / "disclosed.db").replace(lived.folder / "disclosed.db")
    counts = register.count(lived.now)
    assert dict(counts.values["court"]) == {"乙法院": 2, PERSON.court: 1}
    register.close()


@pytest.mark.parametrize("path", ["/api", "/api/v1/openapi.json"])
def test_the_largest_pages_may_not_be_asked_for_without_end(world: World, path: str) -> None:
    client = world.client(rate_limit=True)
    statuses = [client.get(path).status_code for _ in range(61)]
    assert statuses == [200] * 60 + [429]


@pytest.mark.parametrize(("standing", "status"), [({"suspended": True}, 403), (None, 401)])
def test_a_key_that_stops_while_its_holder_waits_is_given_nothing(
    world: World, standing: dict[str, Any] | None, status: int
) -> None:
    header = grant(world)
    key = header["Authorization"].removeprefix("Bearer ")
    app = world.build_app()

    def pause(_seconds: float) -> None:
        if standing is None:
            world.tell(READER, digest_key(key) or "", None)
        else:
            change_standing(world, key, **standing)
        world.publish(PERSON)

    app.extensions[KEY] = replace(app.extensions[KEY], pause=pause)
    answer = app.test_client().get("/api/v1/changes?since=0&wait=30", headers=header)
    assert answer.status_code == status
    assert PERSON.name not in answer.text


def test_nobody_writes_on_the_walls_of_the_court_by_an_address(world: World) -> None:
    world.is_indexed = True
    world.publish(PERSON)
    client = world.client()
    for path in ("/display/led", "/display/led/still", "/display/notice"):
        for name in ("court", "region"):
            text = client.get(path, query_string={name: "某某欠债不还"}).text
            assert "<p>某某欠债不还" not in text
            assert 'class="court">某某' not in text
            assert "范围：某某" not in text
            assert "<h2>某某" not in text
        assert PERSON.court in client.get(path, query_string={"court": f" {PERSON.court}"}).text
        assert PERSON.region is not None
        assert PERSON.region in client.get(path, query_string={"region": PERSON.region}).text
    store = world.folder / "disclosed.db"
    store.rename(store.with_suffix(".away"))
    # A screen that is switched on while the list cannot be read goes on asking.
    assert "led.js" in client.get("/display/led", query_string={"court": PERSON.court}).text

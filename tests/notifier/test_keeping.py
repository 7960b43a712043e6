"""What is left of packages that nobody may use any more: proofs, and no names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from posts import UNKNOWN, Post, add_recipient, send

from notifier.calendar import Period
from notifier.keeping import clear_old_packages
from notifier.package.checking import check_package
from notifier.packages import PROOFS, FileRefused, ensure_package, package_folder, read_package_file
from notifier.runs import push
from notifier.signing import make_signing_key
from search_index.document import Document

Town = Any


def run_of(town: Town, period: Period) -> int:
    run = push(town.notifier, period, now=town.clock(), made_by="甲").run
    assert run is not None
    return run


def names_in(town: Town, period: Period, revision: int) -> set[str]:
    folder = town.notifier.folder / "packages" / str(period) / f"r{revision}"
    return {path.name for path in folder.iterdir()}


def test_what_was_overtaken_keeps_its_proofs_and_no_name(town: Town, period: Period, person: Document) -> None:
    office = replace(town.notifier, signing_key=make_signing_key(b"a" * 32))
    town = replace(town, notifier=office)
    leaves = town.publish(replace(person, name="欧阳·离开"))
    town.publish(person)
    run = run_of(town, period)
    first = ensure_package(office, run, period, town.clock())
    town.depart(leaves)
    second = ensure_package(office, run, period, town.clock())
    assert (first.revision, second.revision) == (1, 2)
    town.clock.pass_time(hours=23)
    assert clear_old_packages(office, town.clock()) == 0, "somebody may be fetching it"
    town.clock.pass_time(hours=2)
    assert clear_old_packages(office, town.clock()) == 1
    assert names_in(town, period, 1) == PROOFS
    folder = package_folder(office.folder, period, first)
    assert "欧阳".encode() not in b"".join(path.read_bytes() for path in folder.iterdir())
    assert read_package_file(folder, "manifest.json")
    with pytest.raises(FileRefused, match="已清除"):
        read_package_file(folder, "list.csv")
    problems = check_package(
        frozenset(names_in(town, period, 1)),
        lambda name: (folder / name).read_bytes(),
        key=None,
        today=first.last_day_of_use,
    ).problems
    assert problems
    assert not [one for one in problems if one.file in PROOFS], "what is left is still proven"
    assert "list.csv" in names_in(town, period, 2), "the newest stays whole"
    assert clear_old_packages(office, town.clock()) == 0


def test_what_was_sent_stays_for_a_week_and_while_its_end_is_not_known(
    town: Town, period: Period, person: Document
) -> None:
    leaves = town.publish(person)
    add_recipient(town, "post", "post")
    run = run_of(town, period)
    post = Post(answers=[UNKNOWN])
    send(town, {"post": post})
    town.depart(leaves)
    ensure_package(town.notifier, run, period, town.clock())
    town.clock.pass_time(days=8)
    assert clear_old_packages(town.notifier, town.clock()) == 0, "the provider may still be asked of it"
    post.known = replace(UNKNOWN, state=type(UNKNOWN.state).DELIVERED)
    send(town, {"post": post})
    assert clear_old_packages(town.notifier, town.clock()) == 1
    assert names_in(town, period, 1) <= PROOFS


def test_the_newest_list_of_the_last_two_quarters_stays_whole(town: Town, period: Period, person: Document) -> None:
    town.publish(person)
    quarters = (Period(2026, 1), Period(2026, 2), period)
    for one in quarters:
        ensure_package(town.notifier, run_of(town, one), one, town.clock())
    town.clock.pass_time(days=2)
    assert clear_old_packages(town.notifier, town.clock()) == 1
    kept = ["list.json" in names_in(town, one, 1) for one in quarters]
    assert kept == [False, True, True]

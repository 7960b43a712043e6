"""Whoever may hold an entry is told when it leaves: also after a delivery that seemed to fail, an answer that came late, a
trial, and a list that was restored from a copy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from posts import BUSY, Post, add_recipient, send
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from standins.sftp_server import PASSWORD, SftpServer

from notifier.acknowledging import acknowledge
from notifier.answers import AckKind
from notifier.calendar import Period
from notifier.followups import Acknowledgement, queue_reminders
from notifier.institutions import Links
from notifier.institutions.sftp import SftpChannel
from notifier.policy import Rules
from notifier.recall import follow_changes
from notifier.recipients import open_endpoints, retire_recipient
from notifier.runs import push
from notifier.states import Purpose
from notifier.tables import MessageRow, RecipientRow
from search_index.document import Document
from search_index.journal import ChangeType, EntryChange, ProfileChange

Town = Any


@pytest.fixture
def post(town: Town) -> Post:
    """The one recipient, by a channel of the test."""
    leave_alone(town)
    add_recipient(town, "news", "post")
    return Post()


def leave_alone(town: Town) -> None:
    """Nobody else receives anything."""
    with Session(town.notifier.engine) as session, session.begin():
        session.execute(update(RecipientRow).values(active=False))


def make_run(town: Town, period: Period) -> None:
    push(town.notifier, period, now=town.clock(), made_by="甲")


def follow(town: Town) -> int:
    return follow_changes(town.notifier.engine, town.store, town.notifier.workdays, now=town.clock())


def pass_a_day(town: Town, channels: dict[str, Any], rules: Rules | None = None) -> None:
    for _ in range(4):
        town.clock.pass_time(hours=6)
        follow(town)
        send(town, channels, rules)


def package(town: Town) -> MessageRow:
    with Session(town.notifier.engine, expire_on_commit=False) as session:
        return session.scalars(select(MessageRow).where(MessageRow.purpose == Purpose.PACKAGE)).one()


@pytest.mark.parametrize(
    "lost_after", ["a file was written", "the folder had its name", "the mark had its name", "everything"]
)
def test_a_folder_that_may_lie_there_is_recalled_though_its_connection_was_lost(
    town: Town, period: Period, person: Document, tmp_path: Path, lost_after: str
) -> None:
    """The next revision is another folder: what was uploaded before lies there still, with who has left in it."""
    leave_alone(town)
    root = tmp_path / "inbox"
    root.mkdir()
    leaves = town.publish(person, name="扎西·离开")
    town.publish(person, case_number="（2026）测0101执99号")
    with SftpServer(root) as server:
        add_recipient(town, "station", "sftp")
        host_key = " ".join(server.host_key.split()[:2])
        reached = {"address": server.url, "secret": PASSWORD, "options": json.dumps({"host_key": host_key})}
        with Session(town.notifier.engine) as session, session.begin():
            session.execute(update(RecipientRow).where(RecipientRow.slug == "station").values(**reached))
        channels = {"sftp": SftpChannel(open_endpoints(town.notifier.engine), Links())}
        make_run(town, period)

        def lose(name: str, path: str) -> None:
            ends = {
                "a file was written": path.endswith("list.json"),
                "the folder had its name": path.endswith("2026Q3-r1"),
                "the mark had its name": path.endswith("2026Q3-r1.done"),
                "everything": False,
            }
            if name == "rename" and ends[lost_after]:
                server.happenings.lose_at = 1

        server.happenings.on_step = lose
        send(town, channels)
        server.happenings.on_step, server.happenings.lose_at = lambda _name, _path: None, None
        town.depart(leaves)
        pass_a_day(town, channels)
        held = [file for file in root.rglob("list.json") if leaves.record in file.read_text(encoding="utf-8")]
        told = [file for file in (root / "notices").glob("*.txt") if leaves.record in file.read_text(encoding="utf-8")]
    assert len(told) == 1 or not held
    assert lost_after == "a file was written" or held, "the folder was there"


@pytest.mark.parametrize("kind", [AckKind.RECEIVED, AckKind.AIRED])
def test_who_answers_a_list_that_seemed_lost_is_told_of_what_left_meanwhile(
    town: Town, period: Period, person: Document, post: Post, kind: AckKind
) -> None:
    post.answers = [BUSY]
    leaves, corrected = town.publish(person), town.publish(person, case_number="（2026）测0101执13号")
    make_run(town, period)
    send(town, {"post": post})
    town.depart(leaves)
    town.correct(corrected, performed_part="已履行6000元")
    follow(town)
    given = Acknowledgement(kind=kind, given_by="编辑", given_at=town.clock(), noted_by="书记员甲", place="新闻频道")
    assert acknowledge(town.notifier.engine, package(town).id, given, now=town.clock())
    pass_a_day(town, {"post": post})
    told = "".join(letter.subject + letter.text for letter in post.letters)
    assert leaves.record in told
    assert corrected.record in told
    before = len(post.letters)
    pass_a_day(town, {"post": post})
    assert len(post.letters) == before


def test_a_trial_keeps_no_recall_from_who_was_sent_the_entry(
    town: Town, period: Period, person: Document, post: Post
) -> None:
    leaves = town.publish(person)
    make_run(town, period)
    send(town, {"post": post})
    town.depart(leaves)
    pass_a_day(town, {"post": post}, Rules(trial=frozenset({"somebody"})))
    pass_a_day(town, {"post": post})
    assert [leaves.record in letter.subject for letter in post.letters] == [True]


def test_one_who_was_retired_is_not_asked_to_air_a_list_that_may_not_be_used(
    town: Town, period: Period, person: Document, post: Post
) -> None:
    leaves = town.publish(person)
    make_run(town, period)
    send(town, {"post": post})
    retire_recipient(town.notifier.engine, "news")
    town.clock.pass_time(days=20)
    profile = town.notifier.register.profile(town.clock())
    queue_reminders(town.notifier.engine, town.notifier.workdays, profile, now=town.clock())
    send(town, {"post": post})
    assert post.letters == []
    town.depart(leaves)
    pass_a_day(town, {"post": post})
    assert leaves.record in post.letters[0].subject, "what left is told all the same"


def test_a_list_restored_from_a_copy_recalls_what_leaves_from_then_on(
    town: Town, period: Period, person: Document, post: Post
) -> None:
    """Its sequence begins again below what was followed: nothing seems to be new until it has caught up."""
    listed = [town.publish(person, case_number=f"（2026）测0101执{n}号") for n in range(3)]
    make_run(town, period)
    send(town, {"post": post})
    for _ in range(4):
        town.publish(person)
    follow(town)
    lines: list[Any] = [
        ProfileChange(position=1, at=town.clock(), body=town.notifier.register.profile(town.clock()).as_json())
    ]
    for number, document in enumerate(listed, 1):
        lines.append(
            EntryChange(
                position=number + 1, at=town.clock(), sequence=number, type=ChangeType.PUBLISHED,
                record=document.record, body=document.as_json(),
            )
        )  # fmt: skip
    town.writer.replay([lines])
    town.position, town.sequence = 4, 3
    town.clock.pass_time(minutes=5)
    town.depart(listed[0])
    pass_a_day(town, {"post": post})
    assert [listed[0].record in letter.subject for letter in post.letters] == [True]

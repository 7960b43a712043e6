"""Whoever was sent an entry is told when it leaves or is corrected; nobody else, never before the package, never twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from posts import (
    ACCEPTED,
    BUSY,
    DELIVERED,
    UNKNOWN,
    Post,
    add_recipient,
    attempts,
    list_recalls,
    message,
    open_channels,
    send,
    terms,
)
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from notifier.calendar import Period
from notifier.channels import Channel, Dispatch, Letter, Outcome
from notifier.claiming import LEASE, claim_due
from notifier.context import open_notifier
from notifier.followups import (
    AckKind,
    Acknowledgement,
    FollowUp,
    WrongAcknowledgement,
    acknowledge,
    list_follow_ups,
    list_overdue,
    queue_reminders,
)
from notifier.packages import ensure_package
from notifier.policy import Rules
from notifier.recall import (
    follow_changes,
    keep_cases_of_package,
    note_handover,
    read_watermark,
)
from notifier.recipients import add_board, list_printings, note_printing, take_down
from notifier.runs import push
from notifier.sending import Given
from notifier.settling import Receipt, apply_receipt
from notifier.states import MessageState, Purpose
from notifier.stops import opt_out
from notifier.tables import MessageRow, RecipientRow
from notifier.worker import notifier_tick
from search_index.document import Document
from search_index.journal import ChangeType, EntryChange, JournalEntry, ProfileChange

pytestmark = pytest.mark.long

Town = Any


@pytest.fixture
def media(town: Town) -> dict[str, Post]:
    """Four recipients on four channels, and nobody else."""
    with Session(town.notifier.engine) as session, session.begin():
        session.execute(update(RecipientRow).values(active=False))
    for name in ("mail", "sftp", "hook", "press"):
        add_recipient(town, name, name)
    return {name: Post() for name in ("mail", "sftp", "hook", "press")}


def make_run(town: Town, period: Period) -> None:
    push(town.notifier, period, now=town.clock(), made_by="甲")


def hand_over(town: Town, recipient: int, package: int, *, followed: int) -> bool:
    return note_handover(town.notifier, 1, recipient, package, by="取件", now=town.clock(), followed=followed)


def follow(town: Town) -> int:
    return follow_changes(town.notifier.engine, town.store, town.notifier.workdays, now=town.clock())


def told(post: Post) -> list[str]:
    """The subjects of what one recipient was told, in order; its packages by their names."""
    return [getattr(content, "subject", None) or getattr(content, "name", "") for content in post.contents]


def confirm(town: Town, message_id: int, kind: AckKind = AckKind.TAKEN_DOWN) -> bool:
    given = Acknowledgement(
        kind=kind, given_by="值班编辑", given_at=town.clock(), noted_by="书记员甲", place="新闻频道18:00档"
    )
    return acknowledge(town.notifier.engine, message_id, given, now=town.clock())


def count_messages(town: Town, *conditions: Any) -> int:
    with Session(town.notifier.engine) as session:
        return session.scalar(select(func.count()).select_from(MessageRow).where(*conditions)) or 0


def test_everyone_who_was_sent_it_is_told_what_left_and_what_was_corrected(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    listed = [town.publish(person, case_number=f"（2026）测0101执{n}号") for n in range(50)]
    make_run(town, period)
    # One leaves before its package has gone anywhere, and one recipient is down for a day.
    town.depart(listed[0])
    follow(town)
    media["hook"].answers = [BUSY] * 3
    send(town, dict(media))
    town.depart(listed[1])
    town.depart(listed[2])
    for document in listed[3:5]:
        town.correct(document, performed_part="已履行8000元")
    follow(town)
    send(town, dict(media))
    for _ in range(5):
        town.clock.pass_time(hours=6)
        follow(town)
        send(town, dict(media))
    for name in ("mail", "sftp", "press"):
        package, *rest = told(media[name])
        assert package == "2026Q3-r2"
        assert sorted(rest) == sorted(
            [f"【立即办理】撤回失信被执行人信息：公开编号{d.record}，案号{d.case_number}" for d in listed[1:3]]
            + [f"【请办理】更正失信被执行人信息：公开编号{d.record}，案号{d.case_number}" for d in listed[3:5]]
        )
    # It got a package at last, in which nothing was left to be recalled.
    assert set(told(media["hook"])[:-1]) == {"2026Q3-r2", "2026Q3-r3"}
    assert told(media["hook"])[-1] == "2026Q3-r3"
    assert media["hook"].letters == []
    assert count_messages(town, MessageRow.state != MessageState.DELIVERED) == 0


def test_a_recall_says_record_case_number_what_to_do_and_by_when_and_nothing_of_the_person(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    leaves = town.publish(person)
    make_run(town, period)
    send(town, dict(media))
    town.depart(leaves)
    follow(town)
    send(town, dict(media))
    (letter,) = media["mail"].letters
    whole = letter.subject + letter.text
    for words in (
        leaves.record,
        "（2026）测0101执12号",
        "停止播出、重播",
        "2026年10月12日（含当日）前",
        "测试市人民法院",
        "0000-0000000",
    ):
        assert words in whole
    for words in (leaves.name, leaves.id_number, "120000", "1980"):
        assert words is not None
        assert words not in whole
    (recall,) = list_recalls(town.notifier.engine)
    assert recall.due_on == date(2026, 10, 12)
    with Session(town.notifier.engine) as session:
        assert leaves.name not in "".join(filter(None, session.scalars(select(MessageRow.content))))


def test_following_again_or_in_several_processes_tells_nobody_twice(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    listed = [town.publish(person) for _ in range(12)]
    make_run(town, period)
    send(town, dict(media))
    for document in listed:
        town.depart(document)

    def follow_apart(_: int) -> None:
        apart = open_notifier(town.settings, town.notifier.register, town.notifier.workdays)
        follow_changes(apart.engine, town.store, apart.workdays, now=town.clock())
        apart.engine.dispose()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(follow_apart, range(4)))
    assert follow(town) == 0
    assert read_watermark(town.notifier.engine) == 24
    assert count_messages(town, MessageRow.purpose == Purpose.RECALL) == 48


class Leaving(Post):
    """A recipient during whose call an entry leaves, and the departure is followed."""

    town: Town
    leaves: Document

    def deliver(self, dispatch: Dispatch) -> Outcome:
        if not self.dispatches:
            self.town.depart(self.leaves)
            follow(self.town)
            # In the middle of the call: the recall has to wait for what becomes of the package.
            with Session(self.town.notifier.engine) as session, session.begin():
                claims, looked = claim_due(session, "mail", 5, terms(self.town), self.town.clock())
                assert (claims, looked) == ([], 1)
        return super().deliver(dispatch)


@pytest.mark.parametrize(
    ("answer", "letters"),
    [
        (DELIVERED, 1),
        (ACCEPTED, 1),
        (UNKNOWN, 1),
        (Outcome(state=MessageState.FAILED_PERMANENT, detail="拒收"), 0),
        (BUSY, 0),
    ],
)
def test_a_departure_during_the_call_is_recalled_after_it_from_those_who_may_have_it(
    town: Town, period: Period, person: Document, media: dict[str, Post], answer: Outcome, letters: int
) -> None:
    leaving = Leaving(answers=[answer])
    leaving.town, leaving.leaves = town, town.publish(person)
    make_run(town, period)
    channels: dict[str, Channel] = {"mail": leaving}
    send(town, channels)
    for _ in range(3):
        town.clock.pass_time(seconds=70)
        send(town, channels)
    assert len(leaving.letters) == letters
    assert isinstance(leaving.contents[-1], Letter) == bool(letters)
    if answer is BUSY:
        assert [parcel.name for parcel in leaving.parcels] == ["2026Q3-r1", "2026Q3-r2"]
    dropped = count_messages(town, MessageRow.reason == "该单位没有收到过这一条目")
    assert dropped == (0 if letters else 1)


def test_a_package_that_bounced_after_it_was_accepted_is_not_recalled(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    leaves = town.publish(person)
    make_run(town, period)
    media["mail"].answers = [ACCEPTED]
    send(town, dict(media))
    bounce = Receipt(channel="mail", state=MessageState.FAILED_PERMANENT, detail="退信", reference="ref-1")
    apply_receipt(town.notifier.engine, bounce, terms(town), town.clock())
    town.depart(leaves)
    follow(town)
    send(town, dict(media))
    assert [len(media[name].letters) for name in ("mail", "sftp", "hook", "press")] == [0, 1, 1, 1]


def test_a_package_made_before_a_departure_was_followed_is_made_again(
    town: Town, period: Period, person: Document, media: dict[str, Post], monkeypatch: pytest.MonkeyPatch
) -> None:
    import notifier.calling

    leaves = town.publish(person)
    make_run(town, period)
    begin, once = notifier.calling.begin_package, []

    def depart_first(*arguments: Any, **named: Any) -> Any:
        if not once:
            once.append(True)
            town.depart(leaves)
            follow(town)
        return begin(*arguments, **named)

    monkeypatch.setattr(notifier.calling, "begin_package", depart_first)
    send(town, {"mail": media["mail"]})
    assert told(media["mail"]) == ["2026Q3-r2"]


def test_a_correction_that_is_overtaken_is_not_sent(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    leaves, changes = town.publish(person), town.publish(person)
    make_run(town, period)
    send(town, dict(media))
    changes = town.correct(changes, performed_part="已履行6000元")
    town.correct(leaves, performed_part="已履行6000元")
    follow(town)
    town.depart(leaves)
    town.correct(changes, performed_part="已履行7000元")
    follow(town)
    send(town, dict(media))
    assert sorted(letter.subject[:6] for letter in media["mail"].letters) == ["【立即办理】", "【请办理】更"]
    assert message(town, "recall/1/3").state == MessageState.SUPERSEDED
    assert message(town, "recall/2/3").state == MessageState.SUPERSEDED


def test_a_correction_of_what_has_left_meanwhile_waits_for_nobody_to_follow(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    leaves = town.publish(person)
    make_run(town, period)
    send(town, dict(media))
    town.correct(leaves, performed_part="已履行6000元")
    follow(town)
    town.depart(leaves)
    send(town, dict(media))
    assert media["mail"].letters == []
    assert message(town, "recall/1/3").reason == "所涉条目已退出公布"


def correct_all(town: Town, documents: list[Document], words: str) -> list[Document]:
    return [town.correct(document, performed_part=words) for document in documents]


def named_in(letter: Letter) -> set[str]:
    return {line.partition("，")[0].removeprefix("公开编号") for line in letter.text.splitlines() if "公开编号" in line}


def test_many_corrections_at_once_are_one_letter_that_is_answered_once(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    listed = [town.publish(person, case_number=f"（2026）测0101执{n}号") for n in range(7)]
    make_run(town, period)
    send(town, dict(media))
    correct_all(town, listed, "已履行6000元")
    follow(town)
    send(town, dict(media))
    for post in media.values():
        (letter,) = post.letters
        assert letter.subject == "【请办理】更正失信被执行人信息，共7条"
        assert named_in(letter) == {document.record for document in listed} == set(letter.facts["records"].split(","))
        assert all(f"，案号{document.case_number}\n" in letter.text for document in listed)
        assert "2026年10月12日（含当日）前" in letter.text
    waiting = list_follow_ups(town.notifier.engine)
    assert [len(one.recalls) for one in waiting] == [7] * 4
    for one in waiting:
        assert confirm(town, one.message_id)
    assert list_overdue(town.notifier.engine, town.clock().date() + timedelta(days=30)) == []


def test_a_letter_of_many_corrections_leaves_out_what_has_changed_again(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    listed = [town.publish(person) for _ in range(8)]
    make_run(town, period)
    send(town, dict(media))
    corrected = correct_all(town, listed, "已履行6000元")
    follow(town)
    town.depart(corrected[0])
    correct_all(town, corrected[1:3], "已履行7000元")
    follow(town)
    send(town, dict(media))
    letters = {letter.subject: letter for letter in media["mail"].letters}
    several = letters.pop("【请办理】更正失信被执行人信息，共5条")
    assert named_in(several) == {document.record for document in listed[3:]}
    assert sorted(subject[:6] for subject in letters) == ["【立即办理】", "【请办理】更", "【请办理】更"]
    by_slug = [one for one in list_follow_ups(town.notifier.engine) if one.recipient.slug == "mail"]
    assert sorted(len(one.recalls) for one in by_slug) == [1, 1, 1, 5]


def test_a_letter_of_many_corrections_that_are_all_overtaken_is_not_sent(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    listed = [town.publish(person) for _ in range(6)]
    make_run(town, period)
    send(town, dict(media))
    for words in ("已履行6000元", "已履行7000元"):
        listed = correct_all(town, listed, words)
        follow(town)
    send(town, dict(media))
    (letter,) = media["mail"].letters
    assert letter.subject == "【请办理】更正失信被执行人信息，共6条"
    assert count_messages(town, MessageRow.state == MessageState.SUPERSEDED) == 4
    # Both in one go: only the last of each record is told.
    for words in ("已履行8000元", "已履行9000元"):
        listed = correct_all(town, listed, words)
    follow(town)
    send(town, dict(media))
    assert [one.subject for one in media["mail"].letters] == [letter.subject] * 2


def test_one_who_was_sent_it_only_after_it_was_listed_again_is_not_told_of_the_departure_before(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    held = town.publish(person)
    make_run(town, period)
    send(town, {"mail": media["mail"]})
    town.depart(held)
    town.publish_again(held)
    town.publish(person)
    send(town, {"sftp": media["sftp"]})
    assert told(media["sftp"]) == ["2026Q3-r2"]
    follow(town)
    send(town, {"mail": media["mail"], "sftp": media["sftp"]})
    assert [len(media[name].letters) for name in ("mail", "sftp")] == [1, 0]


def test_one_who_fetched_it_itself_is_told(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    media["pull"] = Post()
    fetching = add_recipient(town, "fetching", "pull")
    stays = town.publish(person)
    make_run(town, period)
    send(town, dict(media))
    leaves = town.publish(person)
    revision = ensure_package(town.notifier, 1, period, town.clock())
    keep_cases_of_package(town.notifier.engine, revision.id, town.settings.folder / "packages" / "2026Q3" / "r2")
    follow(town)
    assert hand_over(town, fetching, revision.id, followed=2)
    assert hand_over(town, fetching, revision.id, followed=2)
    assert not hand_over(town, 99, revision.id, followed=2)
    numbers = [attempt.number for attempt in attempts(town, f"package/1/{fetching}/pull")]
    assert numbers == [-1, 1], "once, and below those that fence a sender"
    town.depart(leaves)
    follow(town)
    send(town, dict(media))
    assert {name: len(post.letters) for name, post in media.items()} == dict.fromkeys(media, 0) | {"pull": 1}
    town.depart(stays)
    follow(town)
    send(town, dict(media))
    assert {name: len(post.letters) for name, post in media.items()} == dict.fromkeys(media, 1) | {"pull": 2}


def test_one_whose_address_is_dead_is_on_the_list_of_those_to_be_called(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    leaves = town.publish(person)
    make_run(town, period)
    send(town, dict(media))
    opt_out(town.notifier.engine, "mail", reason="邮箱已停用", now=town.clock())
    town.depart(leaves)
    follow(town)
    send(town, dict(media))
    assert media["mail"].letters == []
    (failed,) = [one for one in list_follow_ups(town.notifier.engine) if one.recipient.slug == "mail"]
    assert failed.state is MessageState.FAILED_PERMANENT
    assert failed in list_overdue(town.notifier.engine, town.clock().date() + timedelta(days=9))


def test_one_who_no_longer_receives_packages_is_still_told(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    leaves = town.publish(person)
    make_run(town, period)
    send(town, dict(media))
    with Session(town.notifier.engine) as session, session.begin():
        session.execute(update(RecipientRow).values(active=False))
    town.depart(leaves)
    follow(town)
    send(town, dict(media))
    assert [len(post.letters) for post in media.values()] == [1, 1, 1, 1]


def test_a_recall_goes_ahead_of_everything_and_knows_no_quiet_hours(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    from posts import queue

    leaves = town.publish(person)
    make_run(town, period)
    send(town, dict(media))
    town.clock.pass_time(hours=13)  # eleven at night
    queue(town, *(f"notice{n}" for n in range(5)), channel="mail")
    town.clock.pass_time(minutes=1)
    town.depart(leaves)
    follow(town)
    send(town, dict(media))
    assert isinstance(media["mail"].contents[1], Letter)
    assert len(media["mail"].contents) == 7


@pytest.mark.parametrize(("entries", "times", "letters"), [(101, 1, 2), (1, 7, 1), (7, 7, 1)])
def test_however_many_corrections_there_are_each_recipient_is_told_of_each_entry_once(
    town: Town, period: Period, person: Document, media: dict[str, Post], entries: int, times: int, letters: int
) -> None:
    listed = [town.publish(person) for _ in range(entries)]
    make_run(town, period)
    send(town, dict(media))
    for serial in range(times):
        listed = correct_all(town, listed, f"已履行{serial + 6}000元")
    assert follow(town) == entries * (times + 1)
    send(town, dict(media))
    for post in media.values():
        assert len(post.letters) == letters
        named = [line for letter in post.letters for line in letter.text.splitlines() if line.startswith("公开编号")]
        assert len(named) == len(set(named)) == entries
    follow_ups = list_follow_ups(town.notifier.engine)
    assert sum(len(one.recalls) for one in follow_ups) == entries * 4


# What is known too late -------------------------------------------------------------------------------------------


def count_letters(media: dict[str, Post]) -> dict[str, int]:
    return {name: len(post.letters) for name, post in media.items()}


LOST_ON_THE_WAY = Outcome(state=MessageState.FAILED_TEMPORARY, detail="传输中断", may_have_arrived=True)


def test_what_failed_and_may_have_arrived_all_the_same_is_recalled(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    leaves = town.publish(person)
    make_run(town, period)
    media["sftp"].answers, media["mail"].answers = [LOST_ON_THE_WAY], [BUSY]
    send(town, dict(media))
    assert message(town, "package/1/4/sftp").state == MessageState.FAILED_TEMPORARY
    town.depart(leaves)
    follow(town)
    for _ in range(2):
        town.clock.pass_time(hours=1)
        send(town, dict(media))
    assert count_letters(media) == {"mail": 0, "sftp": 1, "hook": 1, "press": 1}
    assert [len(media[name].parcels) for name in media] == [2, 2, 1, 1]


@pytest.mark.parametrize("known_by", ["receipt", "answer"])
def test_one_whose_package_arrived_after_all_is_told_what_has_left_it_since(
    town: Town, period: Period, person: Document, media: dict[str, Post], known_by: str
) -> None:
    stays, leaves, changes = (town.publish(person) for _ in range(3))
    make_run(town, period)
    failed = Outcome(state=MessageState.FAILED_TEMPORARY, detail="对方报错", reference="ref-1")
    media["mail"].answers = [failed]
    for name in ("sftp", "hook", "press"):
        media[name].answers = [BUSY]
    send(town, dict(media))
    town.depart(leaves)
    town.correct(changes, performed_part="已履行6000元")
    follow(town)
    assert count_messages(town, MessageRow.purpose != Purpose.PACKAGE) == 0, "nobody has it, for all that is known"
    if known_by == "receipt":
        arrived = Receipt(channel="mail", state=MessageState.DELIVERED, detail="回执", reference="ref-1")
        apply_receipt(town.notifier.engine, arrived, terms(town), town.clock())
    else:
        confirm(town, message(town, "package/1/3/mail").id, AckKind.RECEIVED)
    for _ in range(2):
        follow(town)
    town.clock.pass_time(hours=1)
    send(town, dict(media))
    assert [letter.subject[:6] for letter in media["mail"].letters] == ["【立即办理】", "【请办理】更"]
    assert leaves.record in media["mail"].letters[0].subject
    assert changes.record in media["mail"].letters[1].subject
    assert [len(media[name].letters) for name in ("sftp", "hook", "press")] == [0, 0, 0]
    town.depart(stays)
    follow(town)
    assert count_messages(town, MessageRow.purpose == Purpose.RECALL) == 1 + 4


def test_what_was_dropped_because_the_package_had_failed_is_told_when_it_arrived_after_all(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    class Departing(Post):
        def deliver(self, dispatch: Dispatch) -> Outcome:
            if not self.dispatches:
                town.depart(leaves)
                follow(town)
            return super().deliver(dispatch)

    leaves = town.publish(person)
    make_run(town, period)
    failed = Outcome(state=MessageState.FAILED_PERMANENT, detail="拒收", reference="ref-1")
    post = Departing(answers=[failed])
    for _ in range(2):
        send(town, {"mail": post})
        town.clock.pass_time(minutes=1)
    assert count_messages(town, MessageRow.reason == "该单位没有收到过这一条目") == 1
    confirm(town, message(town, "package/1/3/mail").id, AckKind.RECEIVED)
    for _ in range(2):
        follow(town)
        send(town, {"mail": post})
    (letter,) = post.letters
    assert leaves.record in letter.subject


START = datetime(2026, 10, 8, 2, 0, tzinfo=UTC)
PUBLISHED_AT = START - timedelta(days=2)


def restore(town: Town, documents: list[Document]) -> None:
    """The store is made anew from a backup in which these were published, one after the other, and nothing else was."""
    at = town.clock()
    profile = town.notifier.register.profile(at).as_json()
    lines: list[JournalEntry] = [ProfileChange(position=1, at=at, body=profile)]
    for sequence, document in enumerate(documents, 1):
        lines.append(
            EntryChange(
                position=sequence + 1,
                at=PUBLISHED_AT + timedelta(minutes=sequence),
                sequence=sequence,
                type=ChangeType.PUBLISHED,
                record=document.record,
                body=document.as_json(),
            )
        )
    town.writer.replay([lines])
    town.position, town.sequence = len(lines), len(documents)


def test_after_a_backup_was_restored_every_departure_is_recalled_and_none_twice(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    first = []
    for serial in range(4):
        town.clock.now = PUBLISHED_AT + timedelta(minutes=serial + 1)
        first.append(town.publish(person))
    town.clock.now = START
    later = town.publish(person)
    make_run(town, period)
    send(town, dict(media))
    town.clock.pass_time(minutes=5)
    town.depart(first[0])
    town.depart(later)
    assert follow(town) == 7
    send(town, dict(media))
    assert count_letters(media) == dict.fromkeys(media, 2)
    # The backup knows neither the last publication nor the departures: the court decides the one once more, and another.
    town.clock.pass_time(hours=5)
    restore(town, first)
    assert (follow(town), read_watermark(town.notifier.engine)) == (0, 7), "it may be about to be filled again"
    town.clock.pass_time(minutes=5)
    town.depart(first[0])
    town.depart(first[1])
    for _ in range(2):
        follow(town)
        send(town, dict(media))
    assert read_watermark(town.notifier.engine) == 6
    subjects = [letter.subject for letter in media["mail"].letters]
    assert [subject[subject.index("SX-") :][:11] for subject in subjects] == [
        first[0].record, later.record, first[0].record, first[1].record,
    ]  # fmt: skip
    town.correct(first[2], performed_part="已履行6000元")
    assert follow(town) == 1
    send(town, dict(media))
    assert count_letters(media) == dict.fromkeys(media, 5)


def test_what_was_sent_ahead_of_what_was_followed_is_recalled_after_a_restoration_too(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    first = []
    for serial in range(3):
        town.clock.now = PUBLISHED_AT + timedelta(minutes=serial + 1)
        first.append(town.publish(person))
    follow(town)
    town.clock.now = START
    for _ in range(4):
        town.publish(person)
    make_run(town, period)
    send(town, dict(media))
    town.clock.pass_time(hours=5)
    # The change at which following stands is in the backup; the package is of a list that is not.
    restore(town, first)
    town.depart(first[0])
    assert follow(town) == 1
    send(town, dict(media))
    assert count_letters(media) == dict.fromkeys(media, 1)


def test_a_trial_keeps_no_recall_from_those_who_have_the_entry(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    leaves = town.publish(person)
    make_run(town, period)
    send(town, dict(media))
    town.depart(leaves)
    follow(town)
    send(town, dict(media), Rules(trial=frozenset({"somebody else"})))
    assert count_letters(media) == dict.fromkeys(media, 1)


# Answers -----------------------------------------------------------------------------------------------------------


def test_acknowledgements_close_it_and_silence_is_reminded_of_and_overdue(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    leaves = town.publish(person)
    make_run(town, period)
    send(town, dict(media))
    town.depart(leaves)
    follow(town)
    send(town, dict(media))
    engine, workdays = town.notifier.engine, town.notifier.workdays
    by_slug = {one.recipient.slug: one for one in list_follow_ups(engine)}
    assert confirm(town, by_slug["mail"].message_id)
    assert not confirm(town, by_slug["mail"].message_id)
    assert confirm(town, by_slug["sftp"].message_id, AckKind.RECEIVED)
    profile = town.notifier.register.profile(town.clock())
    sent: list[int] = []
    for _ in range(8):
        town.clock.pass_time(days=1)
        queue_reminders(engine, workdays, profile, now=town.clock())
        queue_reminders(engine, workdays, profile, now=town.clock())
        before = len(media["hook"].letters)
        send(town, dict(media))
        sent.append(len(media["hook"].letters) - before)
    # 9, 10 (worked that Saturday), 12, 13, 14, 15 and 16 October are the working days after the 8th.
    assert sum(sent) >= 4
    assert sent[0] == 1
    assert [letter.subject[:4] for letter in media["hook"].letters[1:2]] == ["【催办】"]
    assert "已超过办理期限" in media["hook"].letters[-1].text
    assert len([letter for letter in media["mail"].letters if "催办" in letter.subject]) == 0
    overdue = list_overdue(engine, town.clock().date())
    assert [one.recipient.slug for one in overdue] == ["sftp", "hook", "press"]
    for one in overdue:
        confirm(town, one.message_id)
    assert list_overdue(engine, town.clock().date()) == []


def test_after_a_time_without_power_only_the_latest_reminder_goes(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    town.publish(person)
    make_run(town, period)
    send(town, dict(media))
    town.clock.pass_time(days=20)
    profile = town.notifier.register.profile(town.clock())
    queue_reminders(town.notifier.engine, town.notifier.workdays, profile, now=town.clock())
    send(town, dict(media))
    assert [letter.subject for letter in media["mail"].letters] == ["【请回执】2026年第三季度失信被执行人名单"]


def test_a_reminder_that_waits_is_dropped_when_the_answer_comes(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    town.publish(person)
    make_run(town, period)
    send(town, dict(media))
    town.clock.pass_time(days=8)
    profile = town.notifier.register.profile(town.clock())
    queue_reminders(town.notifier.engine, town.notifier.workdays, profile, now=town.clock())
    for one in list_follow_ups(town.notifier.engine, [Purpose.PACKAGE]):
        assert confirm(town, one.message_id, AckKind.AIRED)
    assert send(town, dict(media)) == 0


def test_an_answer_proves_that_it_arrived(town: Town, period: Period, media: dict[str, Post]) -> None:
    media["mail"].answers = [UNKNOWN]
    make_run(town, period)
    send(town, dict(media))
    package = message(town, "package/1/3/mail")
    assert package.state == MessageState.UNKNOWN
    assert confirm(town, package.id, AckKind.RECEIVED)
    assert message(town, "package/1/3/mail").state == MessageState.DELIVERED


def test_what_cannot_be_confirmed_is_refused_with_the_reason(
    town: Town, period: Period, media: dict[str, Post]
) -> None:
    make_run(town, period)
    package = message(town, "package/1/3/mail").id
    with pytest.raises(WrongAcknowledgement, match="尚未发出"):
        confirm(town, package, AckKind.RECEIVED)
    send(town, dict(media))
    with pytest.raises(WrongAcknowledgement, match="名单包不能回执“已撤下或者更正”"):
        confirm(town, package, AckKind.TAKEN_DOWN)
    with pytest.raises(WrongAcknowledgement, match="没有这一条消息"):
        confirm(town, 10**6, AckKind.RECEIVED)


def test_the_next_package_repeats_what_was_not_answered(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    leaves = town.publish(person)
    make_run(town, period)
    send(town, dict(media))
    town.depart(leaves)
    follow(town)
    send(town, dict(media))
    by_slug = {one.recipient.slug: one for one in list_follow_ups(town.notifier.engine)}
    confirm(town, by_slug["mail"].message_id)
    town.clock.pass_time(days=90)
    make_run(town, period.next)
    send(town, dict(media))
    assert [letter.subject for letter in media["mail"].letters][1:] == []
    (repeated,) = media["sftp"].letters[1:]
    assert repeated.subject == "【重申】尚未回执的撤回和更正，共1件"
    assert leaves.record in repeated.text


# What hangs on a board ---------------------------------------------------------------------------------------------


def list_tasks(town: Town) -> list[FollowUp]:
    return [one for one in list_follow_ups(town.notifier.engine) if one.recipient.slug == "lobby"]


def test_a_departure_opens_a_task_for_what_hangs_on_a_board(town: Town, person: Document) -> None:
    stays, leaves = town.publish(person), town.publish(person)
    engine = town.notifier.engine
    add_board(engine, "lobby", "一楼大厅公告栏", now=town.clock())
    printing = note_printing(
        engine, "lobby", [stays, leaves], place="一楼东侧", sequence=2, by="书记员甲", now=town.clock()
    )
    town.depart(leaves)
    given = Given(store=town.store)
    notifier_tick(town.notifier, open_channels(town.notifier), clock=town.clock, given=given)
    (task,) = list_tasks(town)
    assert (task.recipient.name, task.state, task.is_closed) == ("一楼大厅公告栏", MessageState.DELIVERED, False)
    assert task.recall is not None
    assert task.recall.record == leaves.record
    assert task.recall.case_number == leaves.case_number
    assert list_overdue(engine, town.clock().date() + timedelta(days=30)) == [task]
    confirm(town, task.message_id)
    assert list_tasks(town)[0].is_closed
    assert take_down(engine, printing, now=town.clock())
    assert not take_down(engine, printing, now=town.clock())
    town.depart(stays)
    follow(town)
    assert len(list_tasks(town)) == 1, "it no longer hangs"
    (shown,) = list_printings(engine)
    assert (shown.place, shown.entries, shown.taken_down_at) == ("一楼东侧", 2, town.clock())


def test_a_board_gets_no_packages_and_must_be_known(town: Town, period: Period, tmp_path: Path) -> None:
    add_board(town.notifier.engine, "lobby", "一楼大厅公告栏", now=town.clock())
    made = push(town.notifier, period, now=town.clock(), made_by="甲")
    assert "一楼大厅公告栏" not in made.recipients
    with pytest.raises(LookupError, match="没有登记名为“gate”的张贴位置"):
        note_printing(town.notifier.engine, "gate", [], place="门口", sequence=0, by="甲", now=town.clock())


def test_a_lost_sender_does_not_hold_a_recall_back_for_ever(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    class Vanishing(Post):
        def deliver(self, dispatch: Dispatch) -> Outcome:
            raise SystemExit

    leaves = town.publish(person)
    make_run(town, period)
    send(town, {"mail": Vanishing()})
    town.depart(leaves)
    follow(town)
    post = Post()
    send(town, {"mail": post})
    assert post.letters == []
    town.clock.pass_time(seconds=LEASE.total_seconds() + 20)
    send(town, {"mail": post})
    assert len(post.letters) == 1

"""A clarification goes to whoever was sent the entry, once, by the same way, behind the recall; and to nobody else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from posts import ACCEPTED, BUSY, DELIVERED, UNKNOWN, Post, add_recipient, list_recalls, message, send, terms
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from notifier.calendar import Period
from notifier.channels import Channel, Outcome
from notifier.channels.sandbox import TaskChannel
from notifier.clarifying import Article, Validity, count_told, follow_clarifications, judge_article, read_clarification
from notifier.context import open_notifier
from notifier.followups import (
    AckKind,
    Acknowledgement,
    acknowledge,
    end_printing,
    list_follow_ups,
    list_overdue,
    queue_reminders,
)
from notifier.handing_over import list_letters
from notifier.recipients import TASKS, add_board, note_printing, retire_recipient
from notifier.reporting import recall_report
from notifier.runs import push
from notifier.sending import Given
from notifier.settling import Receipt, apply_receipt
from notifier.states import MessageState, Purpose
from notifier.tables import MessageRow, RecipientRow
from notifier.worker import follow
from search_index.document import Document
from search_index.journal import SubjectChange
from search_index.subjects import LastTold

pytestmark = pytest.mark.long

Town = Any
TEXT = "本院在（2026）测0101执12号案件中曾经公布的失信被执行人信息，系不应纳入而纳入。\n\n本院已依法撤销。"
REFUSED = Outcome(state=MessageState.FAILED_PERMANENT, detail="拒收")


@pytest.fixture
def media(town: Town) -> dict[str, Post]:
    """Three recipients on three channels, and nobody else."""
    with Session(town.notifier.engine) as session, session.begin():
        session.execute(update(RecipientRow).values(active=False))
    for name in ("mail", "sftp", "hook"):
        add_recipient(town, name, name)
    return {name: Post() for name in ("mail", "sftp", "hook")}


def tell(town: Town, key: str, body: dict[str, Any] | None) -> None:
    """A line of the journal about an article."""
    town.position += 1
    change = SubjectChange(position=town.position, at=town.clock(), subject="article", key=key, body=body)
    town.writer.apply([change])


def clarify(town: Town, document: Document, key: str = "7", days: int = 30) -> None:
    """The court publishes the clarification of an entry that was withdrawn."""
    until = (town.clock() + timedelta(days=days)).isoformat()
    body = {"kind": "clarification", "title": "澄清公告", "text": TEXT, "published_on": "2026-10-08"}
    tell(town, key, {**body, "visible_until": until, "records": [], "about": document.record})


def look(town: Town) -> None:
    """What the worker does every ten seconds before it sends."""
    follow(town.notifier, now=town.clock(), given=Given(store=town.store))


def work(town: Town, channels: dict[str, Any], rounds: int = 3) -> None:
    """Some minutes of the worker's work."""
    for _ in range(rounds):
        look(town)
        send(town, dict(channels))
        town.clock.pass_time(minutes=2)


def put_out(town: Town, period: Period, channels: dict[str, Any], person: Document) -> Document:
    """An entry that every recipient was sent."""
    listed: Document = town.publish(person)
    push(town.notifier, period, now=town.clock(), made_by="甲")
    work(town, channels, 1)
    return listed


def kinds_of(post: Post) -> list[str]:
    """What one recipient was told, in order: the types of its letters."""
    return [letter.facts["type"] for letter in post.letters]


def count(town: Town, *conditions: Any) -> int:
    with Session(town.notifier.engine) as session:
        return session.scalar(select(func.count()).select_from(MessageRow).where(*conditions)) or 0


def answer(town: Town, message_id: int, kind: AckKind = AckKind.AIRED) -> bool:
    confirmed = Acknowledgement(
        kind=kind, given_by="编辑", given_at=town.clock(), noted_by="书记员甲", place="新闻频道"
    )
    return acknowledge(town.notifier.engine, message_id, confirmed, now=town.clock())


# Who is told, and what ------------------------------------------------------------------------------------------


def test_everyone_who_was_sent_the_entry_is_told_once_and_nobody_else(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    media["sftp"].answers = [REFUSED]
    wrong = put_out(town, period, media, person)
    add_recipient(town, "late", "late")
    media["late"] = Post()
    retire_recipient(town.notifier.engine, "hook")
    town.depart(wrong)
    town.clock.pass_time(hours=1)
    clarify(town, wrong)
    work(town, media, 5)
    assert {name: kinds_of(post) for name, post in media.items()} == {
        "mail": ["gone", "clarified"],
        "hook": ["gone", "clarified"],
        "sftp": [],
        "late": [],
    }
    assert count_told(town.notifier.engine, wrong.record) == 2
    assert count(town, MessageRow.purpose == Purpose.CLARIFICATION) == 2


def test_what_nobody_was_sent_is_clarified_to_nobody(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    put_out(town, period, media, person)
    wrong, other = town.publish(person), town.publish(person)
    town.depart(wrong)
    clarify(town, wrong)
    # One that says of no record what it is about, and one of what is listed.
    tell(town, "8", {"kind": "clarification", "title": "澄清公告", "text": TEXT, "records": []})
    clarify(town, other, "9")
    work(town, media)
    assert count(town, MessageRow.purpose == Purpose.CLARIFICATION) == 0
    assert list_recalls(town.notifier.engine) == []


def test_it_says_what_the_court_says_and_nothing_of_the_person(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    wrong = put_out(town, period, media, person)
    town.depart(wrong)
    clarify(town, wrong)
    work(town, media)
    letter = media["mail"].letters[-1]
    whole = letter.subject + letter.text + str(letter.facts)
    assert "\n    澄清公告\n    本院在（2026）测0101执12号案件" in letter.text
    assert "系不应纳入而纳入。\n    本院已依法撤销。\n\n" in letter.text
    assert f"编号为{wrong.record}的条目已经在各处停止使用并删除；同一案件其他编号的条目不受影响。" in letter.text
    for words in (wrong.record, "法释〔2017〕7号第九条", "2026年10月12日（含当日）前", "0000-0000000"):
        assert words in whole
    for secret in (wrong.name, wrong.id_number, "扎西", "120000", "1980"):
        assert secret not in whole
    assert (letter.facts["type"], letter.facts["record"]) == ("clarified", wrong.record)
    with Session(town.notifier.engine) as session:
        assert wrong.name not in "".join(filter(None, session.scalars(select(MessageRow.content))))


# Once, and in order ---------------------------------------------------------------------------------------------


def test_it_waits_until_the_recall_has_gone(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    wrong = put_out(town, period, media, person)
    media["mail"].answers = [BUSY, BUSY]
    town.depart(wrong)
    clarify(town, wrong)
    look(town)
    send(town, dict(media))
    assert kinds_of(media["mail"]) == ["gone"]
    assert kinds_of(media["hook"])[:1] == ["gone"]
    assert message(town, f"clarification/{wrong.record}/3").reason == "等待撤回通知先行发出"
    work(town, media, 6)
    assert kinds_of(media["mail"]) == ["gone", "gone", "gone", "clarified"]
    assert kinds_of(media["hook"]) == ["gone", "clarified"]


def test_nothing_is_said_while_a_change_of_the_list_is_not_followed(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    wrong = put_out(town, period, media, person)
    town.depart(wrong)
    clarify(town, wrong)
    engine, workdays = town.notifier.engine, town.notifier.workdays
    assert follow_clarifications(engine, town.store, workdays, now=town.clock()) == 0
    look(town)
    assert count(town, MessageRow.purpose == Purpose.CLARIFICATION) == 3


def test_several_processes_tell_nobody_twice(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    wrong = put_out(town, period, media, person)
    town.depart(wrong)
    look(town)
    clarify(town, wrong)

    def follow_apart(_: int) -> None:
        apart = open_notifier(town.settings, town.notifier.register, town.notifier.workdays)
        follow_clarifications(apart.engine, town.store, apart.workdays, now=town.clock())
        apart.engine.dispose()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(follow_apart, range(4)))
    assert count(town, MessageRow.purpose == Purpose.CLARIFICATION) == 3
    work(town, media)
    assert [kinds_of(post).count("clarified") for post in media.values()] == [1, 1, 1]


@pytest.mark.parametrize("outcome", [UNKNOWN, ACCEPTED, REFUSED])
def test_what_was_called_once_is_not_called_again(
    town: Town, period: Period, person: Document, media: dict[str, Post], outcome: Outcome
) -> None:
    wrong = put_out(town, period, media, person)
    town.depart(wrong)
    media["mail"].answers = [DELIVERED, outcome]
    clarify(town, wrong)
    work(town, media, 5)
    assert kinds_of(media["mail"]) == ["gone", "clarified"]
    assert message(town, f"clarification/{wrong.record}/3").state == outcome.state


def test_one_whose_package_arrived_after_all_is_told_both(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    media["mail"].answers = [Outcome(state=MessageState.FAILED_TEMPORARY, detail="对方报错", reference="ref-1")]
    wrong = put_out(town, period, media, person)
    town.depart(wrong)
    clarify(town, wrong)
    look(town)
    assert count(town, MessageRow.purpose == Purpose.CLARIFICATION) == 2
    arrived = Receipt(channel="mail", state=MessageState.DELIVERED, detail="回执", reference="ref-1")
    apply_receipt(town.notifier.engine, arrived, terms(town), town.clock())
    work(town, media)
    assert kinds_of(media["mail"]) == ["gone", "clarified"]


# What the court takes back ---------------------------------------------------------------------------------------


def test_what_the_court_took_back_before_it_went_is_not_sent(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    wrong = put_out(town, period, media, person)
    town.depart(wrong)
    clarify(town, wrong)
    media["mail"].answers = [BUSY] * 2
    look(town)
    send(town, dict(media))
    tell(town, "7", None)
    # Between two looks at the list: the moment of the call decides.
    town.clock.pass_time(minutes=2)
    send(town, dict(media))
    work(town, media, 6)
    assert "clarified" not in [kind for post in media.values() for kind in kinds_of(post)]
    assert count(town, MessageRow.state == MessageState.CANCELLED, MessageRow.reason == "本院已撤下该澄清公告") == 3
    # And where it has been asked anew, it goes.
    clarify(town, wrong, "8")
    work(town, media, 6)
    assert [kinds_of(post).count("clarified") for post in media.values()] == [1, 1, 1]


def test_nobody_is_asked_after_what_was_taken_back(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    wrong = put_out(town, period, media, person)
    town.depart(wrong)
    published_at = town.clock()
    clarify(town, wrong)
    work(town, media)
    tell(town, "7", None)
    look(town)
    engine = town.notifier.engine
    open_ones = [one for one in list_follow_ups(engine) if not one.is_closed]
    assert {one.purpose for one in open_ones} == {Purpose.RECALL}
    town.clock.pass_time(days=30)
    assert {one.purpose for one in list_overdue(engine, town.clock().date())} == {Purpose.RECALL}
    letters, _ = list_letters(engine, 3, town.clock())
    assert [one.purpose for one in letters] == [Purpose.RECALL]
    # Neither does a list that was restored from the day before make it said again.
    later, town.clock.now = town.clock.now, published_at
    clarify(town, wrong)
    town.clock.now = later
    work(town, media)
    assert [kinds_of(post).count("clarified") for post in media.values()] == [1, 1, 1]


@pytest.mark.parametrize("noticed", [False, True])
def test_that_its_days_on_the_portal_are_over_takes_nothing_back(
    town: Town, period: Period, person: Document, media: dict[str, Post], noticed: bool
) -> None:
    wrong = put_out(town, period, media, person)
    town.depart(wrong)
    clarify(town, wrong, days=2)
    look(town)
    town.clock.pass_time(days=3)
    if noticed:
        # The court's own machine takes it out of the journal.
        tell(town, "7", None)
    work(town, media)
    assert [kinds_of(post) for post in media.values()] == [["gone", "clarified"]] * 3


def test_after_a_registry_was_restored_the_new_clarification_takes_the_place_of_the_lost_one(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    """Its number may be that of another article by then, or unknown."""
    wrong = put_out(town, period, media, person)
    town.depart(wrong)
    clarify(town, wrong)
    look(town)
    town.clock.pass_time(hours=1)
    tell(town, "7", {"kind": "case", "title": "典型案例", "text": "被处以罚款。", "records": []})
    town.clock.pass_time(hours=1)
    clarify(town, wrong, "8")
    work(town, media, 5)
    assert [kinds_of(post) for post in media.values()] == [["gone", "clarified"]] * 3


# Where it hung ---------------------------------------------------------------------------------------------------


def test_where_the_entry_hung_the_clarification_is_to_be_hung(town: Town, person: Document) -> None:
    wrong, engine = town.publish(person), town.notifier.engine
    add_board(engine, "lobby", "一楼大厅公告栏", now=town.clock())
    add_board(engine, "gate", "门口电子屏", now=town.clock())
    look(town)
    printing = note_printing(
        engine, "lobby", [wrong], place="东侧", sequence=town.sequence, by="书记员甲", now=town.clock()
    )
    # Taken down long before it was found to be wrong.
    end_printing(engine, printing, by="书记员甲", now=town.clock())
    town.clock.pass_time(days=1)
    town.depart(wrong)
    clarify(town, wrong)
    channels: dict[str, Channel] = {TASKS: TaskChannel()}
    work(town, channels)
    (task,) = list_follow_ups(engine)
    assert (task.recipient.slug, task.purpose, task.is_closed) == ("lobby", Purpose.CLARIFICATION, False)
    with pytest.raises(ValueError, match="不能回执"):
        answer(town, task.message_id, AckKind.TAKEN_DOWN)
    assert answer(town, task.message_id)
    (line,) = recall_report(engine, today=town.clock().date())
    assert line.done is not None
    assert line.done.place == "新闻频道"
    assert (line.recall.type.label, line.overdue) == ("澄清", 0)


# Answers ---------------------------------------------------------------------------------------------------------


def test_whoever_does_not_answer_is_reminded_of_it_until_the_answer_comes(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    wrong = put_out(town, period, media, person)
    town.depart(wrong)
    clarify(town, wrong)
    work(town, media)
    engine = town.notifier.engine
    for one in list_follow_ups(engine):
        if one.purpose is Purpose.RECALL:
            assert answer(town, one.message_id, AckKind.TAKEN_DOWN)
    profile = town.notifier.register.profile(town.clock())
    town.clock.pass_time(days=1)
    queue_reminders(engine, town.notifier.workdays, profile, now=town.clock())
    work(town, media)
    reminder = media["mail"].letters[-1]
    assert reminder.subject.startswith("【催办】澄清公告")
    assert "公布澄清公告" in reminder.text
    assert wrong.name not in reminder.text
    assert reminder.facts["asked"] == "clarification"
    town.clock.pass_time(days=10)
    overdue = list_overdue(engine, town.clock().date())
    assert [one.purpose for one in overdue] == [Purpose.CLARIFICATION] * 3
    assert [one.due_on for one in overdue] == [date(2026, 10, 12)] * 3
    for one in overdue:
        assert answer(town, one.message_id)
        assert not answer(town, one.message_id)
    assert list_overdue(engine, town.clock().date()) == []
    before = len(media["mail"].letters)
    queue_reminders(engine, town.notifier.workdays, profile, now=town.clock())
    work(town, media)
    # The package alone is asked after still.
    assert [letter.facts.get("period") for letter in media["mail"].letters[before:]] == ["2026Q3"]


# The rule itself -------------------------------------------------------------------------------------------------

MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, st.none() | MOMENTS, st.none() | st.builds(LastTold, MOMENTS, st.booleans()), st.booleans())
def test_only_what_the_court_ended_before_its_time_is_taken_back(
    at: datetime, until: datetime | None, last: LastTold | None, same: bool
) -> None:
    if last is not None and last.is_there and same:
        last = LastTold(at, is_there=True)
    found = judge_article(Article(key="7", at=at, until=until), last)
    if last is None:
        assert found is Validity.UNSURE
    elif last.is_there:
        assert (found is Validity.STANDS) == (last.at == at)
    else:
        assert (found is Validity.STANDS) == (until is not None and last.at >= until)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "about": st.text() | st.integers() | st.just("SX-00000000"),
            "title": st.text() | st.none(),
            "text": st.text() | st.lists(st.text()),
            "visible_until": st.text() | st.integers() | st.just("2026-10-08T00:00:00"),
        },
    )
)
def test_a_body_of_another_shape_is_passed_over(body: dict[str, Any]) -> None:
    found = read_clarification("7", datetime(2026, 10, 8, tzinfo=UTC), body)
    assert found is None or (found.record == body["about"] and "visible_until" not in body)

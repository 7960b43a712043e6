"""Whose answer is overdue is told at the recipient's own liaison, once a step; and the court has a report of it all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from posts import ACCEPTED, BUSY, Post, add_recipient, open_channels, queue, send
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from notifier.calendar import Period
from notifier.channels import Channel, Letter, Outcome, ShortMessage
from notifier.followups import (
    AckKind,
    Acknowledgement,
    acknowledge,
    end_printing,
    list_follow_ups,
    queue_reminders,
)
from notifier.policy import Rules
from notifier.recall import follow_changes
from notifier.recipients import ListMoved, add_board, list_printings, note_printing, retire_recipient
from notifier.reporting import recall_report, report_csv, report_json
from notifier.runs import push
from notifier.states import MessageState
from notifier.tables import MessageRow, RecipientRow
from search_index.document import Document
from search_index.profile import Profile

Town = Any
PHONE = "+8613800138000"
PROFILE = Profile(court="测试市人民法院", telephone="010-12345678", signature="测试法院")


@pytest.fixture
def media(town: Town) -> dict[str, Channel]:
    """A recipient whose liaison has a telephone, one whose liaison has a mailbox, and one without a liaison."""
    with Session(town.notifier.engine) as session, session.begin():
        session.execute(update(RecipientRow).values(active=False))
    for slug in ("phone", "mail", "none"):
        add_recipient(town, slug, slug)
    with Session(town.notifier.engine) as session, session.begin():
        rows = {row.slug: row for row in session.scalars(select(RecipientRow))}
        rows["phone"].liaison_phone, rows["phone"].liaison_mail = PHONE, "w@tv.example"
        rows["mail"].liaison_mail = "w@egov.example"
    return {"phone": Post(), "mail": Post(), "none": Post()}


def recall(
    town: Town, period: Period, person: Document, media: Mapping[str, Channel], count: int = 1
) -> list[Document]:
    leaves = [town.publish(person) for _ in range(count)]
    push(town.notifier, period, now=town.clock(), made_by="甲")
    send(town, dict(media))
    for document in leaves:
        town.depart(document)
    follow(town)
    send(town, dict(media))
    return leaves


def follow(town: Town) -> None:
    follow_changes(town.notifier.engine, town.store, town.notifier.workdays, now=town.clock())


def remind(town: Town, profile: Profile = PROFILE) -> None:
    for _ in range(2):
        queue_reminders(town.notifier.engine, town.notifier.workdays, profile, now=town.clock())


def alerts(town: Town) -> list[MessageRow]:
    query = select(MessageRow).where(MessageRow.key.startswith("alert/")).order_by(MessageRow.id)
    with Session(town.notifier.engine, expire_on_commit=False) as session:
        return list(session.scalars(query))


def close(town: Town, slug: str, kind: AckKind = AckKind.TAKEN_DOWN) -> None:
    given = Acknowledgement(kind=kind, given_by="编辑", given_at=town.clock(), noted_by="甲", place="首页")
    for one in list_follow_ups(town.notifier.engine):
        if one.recipient.slug == slug:
            acknowledge(town.notifier.engine, one.message_id, given, now=town.clock())


def test_a_liaison_is_told_once_a_step_from_the_day_after_the_last_one(
    town: Town, period: Period, person: Document, media: dict[str, Channel]
) -> None:
    recall(town, period, person, media, count=5)
    told: dict[date, int] = {}
    # Due on Monday 12 October; the package's own last step is fifteen working days after it went.
    for _ in range(18):
        remind(town)
        told[town.clock().date()] = len([row for row in alerts(town) if row.channel == "sms_cn"])
        town.clock.pass_time(days=1)
    # The first day late (13 October), then the ladder's fifth, eighth and thirteenth working day.
    steps = [day for day in told if told[day] > told.get(date.fromordinal(day.toordinal() - 1), 0)]
    assert steps == [date(2026, 10, 13), date(2026, 10, 14), date(2026, 10, 19)]
    close(town, "phone")
    before = len(alerts(town))
    town.clock.pass_time(days=1)
    remind(town)
    assert len([row for row in alerts(town) if row.channel == "sms_cn"]) == 3
    assert len(alerts(town)) >= before


def test_what_a_liaison_is_told_holds_no_entry_and_waits_for_the_morning(
    town: Town, period: Period, person: Document, media: dict[str, Channel]
) -> None:
    (leaves,) = recall(town, period, person, media)
    town.clock.pass_time(days=6)
    remind(town)
    by_channel = {row.channel: row for row in alerts(town)}
    assert set(by_channel) == {"sms_cn", "mail"}
    assert (by_channel["sms_cn"].address, by_channel["mail"].address) == (PHONE, "w@egov.example")
    sms = Post()
    town.clock.pass_time(hours=12)
    send(town, {**media, "sms_cn": sms})
    assert sms.dispatches == []
    town.clock.pass_time(hours=12)
    send(town, {**media, "sms_cn": sms})
    (dispatch,) = sms.dispatches
    assert isinstance(dispatch.content, ShortMessage)
    assert dispatch.content.text.startswith("【测试法院】测试市人民法院：")
    mailed = [d for d in media["mail"].dispatches if d.address == "w@egov.example"]  # type: ignore[attr-defined]
    assert len(mailed) == 1
    for text in (dispatch.content.text, mailed[0].content.text):
        for words in (leaves.record, leaves.name, leaves.case_number):
            assert words not in text


def test_one_that_was_never_reached_is_told_by_its_liaison(
    town: Town, period: Period, person: Document, media: dict[str, Channel]
) -> None:
    leaves = town.publish(person)
    push(town.notifier, period, now=town.clock(), made_by="甲")
    send(town, media)
    town.depart(leaves)
    follow(town)
    media["phone"] = Post(answers=[Outcome(state=MessageState.FAILED_PERMANENT, detail="拒收")])
    send(town, media)
    town.clock.pass_time(days=5)
    remind(town)
    assert [row.address for row in alerts(town) if row.channel == "sms_cn"] == [PHONE]


def test_a_package_whose_ladder_has_ended_is_told_once(
    town: Town, period: Period, person: Document, media: dict[str, Channel]
) -> None:
    town.publish(person)
    push(town.notifier, period, now=town.clock(), made_by="甲")
    send(town, media)
    town.clock.pass_time(days=15)
    remind(town)
    assert alerts(town) == []
    for _ in range(5):
        town.clock.pass_time(days=10)
        remind(town)
    assert len([row for row in alerts(town) if row.channel == "sms_cn"]) == 1


def test_a_court_without_telephone_or_signature_is_told_by_mail_instead(
    town: Town, period: Period, person: Document, media: dict[str, Channel]
) -> None:
    recall(town, period, person, media)
    town.clock.pass_time(days=6)
    remind(town, Profile(court="测试市人民法院"))
    assert [(row.channel, row.address) for row in alerts(town)] == [
        ("mail", "w@tv.example"),
        ("mail", "w@egov.example"),
    ]


def test_a_reminder_says_to_a_machine_what_it_says_to_people(
    town: Town, period: Period, person: Document, media: dict[str, Channel]
) -> None:
    (leaves,) = recall(town, period, person, media)
    town.clock.pass_time(days=1)
    remind(town)
    send(town, media)
    letter = media["none"].letters[-1]  # type: ignore[attr-defined]
    assert isinstance(letter, Letter)
    assert letter.facts == {
        "type": "reminder",
        "record": leaves.record,
        "case_number": leaves.case_number,
        "due_on": "2026-10-12",
    }
    assert "回执网址" in letter.text


def test_who_is_retired_owes_nothing_for_the_list_and_all_for_what_left_it(
    town: Town, period: Period, person: Document, media: dict[str, Channel]
) -> None:
    (leaves,) = recall(town, period, person, media)
    retire_recipient(town.notifier.engine, "phone")
    town.clock.pass_time(days=40)
    remind(town)
    send(town, media)
    told = [letter.subject for letter in media["phone"].letters]  # type: ignore[attr-defined]
    assert [subject[:4] for subject in told] == ["【立即办", "【催办】"]
    assert all(leaves.record in subject for subject in told)
    assert [row.address for row in alerts(town) if row.channel == "sms_cn"] == [PHONE]


# The report ------------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_the_report_says_who_was_told_when_who_answered_and_who_is_late(
    town: Town, period: Period, person: Document, media: dict[str, Channel]
) -> None:
    stays, leaves, changes = (town.publish(person, case_number=f"（2026）测0101执{n}号") for n in (1, 2, 3))
    push(town.notifier, period, now=town.clock(), made_by="甲")
    send(town, media)
    media["none"] = Post(answers=[BUSY] * 99)
    town.clock.pass_time(hours=1)
    town.depart(leaves)
    town.correct(changes, performed_part="已履行8000元")
    follow(town)
    media["mail"] = Post(answers=[ACCEPTED] * 9)
    send(town, media)
    told_at = town.clock()
    town.clock.pass_time(hours=2)
    close(town, "mail", AckKind.RECEIVED)
    town.clock.pass_time(days=6)
    close(town, "phone")
    engine, today = town.notifier.engine, town.clock().date()
    lines = recall_report(engine, today=today, record=leaves.record)
    assert {line.recall.record for line in lines} == {leaves.record}
    by_slug = {line.recipient.slug: line for line in lines}
    assert by_slug["phone"].done is not None
    assert (by_slug["phone"].told_at, by_slug["phone"].overdue, by_slug["phone"].done.place) == (told_at, 0, "首页")
    assert by_slug["mail"].received is not None
    assert (by_slug["mail"].done, by_slug["mail"].overdue) == (None, 2)
    assert (by_slug["none"].told_at, by_slug["none"].received, by_slug["none"].overdue) == (None, None, 2)
    everything = recall_report(engine, today=today)
    assert len(everything) == 6
    assert [line.recall.sequence for line in everything] == [4, 4, 4, 5, 5, 5]
    assert recall_report(engine, today=today, sequence=5) == everything[3:]
    assert stays.record not in report_json(everything).decode()
    for words in (person.name, person.id_number or "", person.obligation):
        assert words not in report_json(everything).decode() + report_csv(everything).decode()


def test_one_answer_to_a_letter_about_many_corrections_closes_them_all(
    town: Town, period: Period, person: Document, media: dict[str, Channel]
) -> None:
    listed = [town.publish(person, case_number=f"（2026）测0101执{n}号") for n in range(8)]
    push(town.notifier, period, now=town.clock(), made_by="甲")
    send(town, media)
    for document in listed:
        town.correct(document, performed_part="已履行8000元")
    follow(town)
    send(town, media)
    (one,) = [one for one in list_follow_ups(town.notifier.engine) if one.recipient.slug == "phone"]
    assert [recall.record for recall in one.recalls] == [document.record for document in listed]
    town.clock.pass_time(days=1)
    remind(town)
    send(town, media)
    reminder = media["phone"].letters[-1]  # type: ignore[attr-defined]
    assert all(document.record in reminder.text for document in listed)
    assert reminder.facts["records"].split(",") == [document.record for document in listed]
    close(town, "phone")
    lines = recall_report(town.notifier.engine, today=town.clock().date())
    done = [line.recall.record for line in lines if line.done]
    assert done == [document.record for document in listed]
    assert {line.recipient.slug for line in lines if line.done} == {"phone"}
    assert len(lines) == 24


def test_the_report_opens_in_a_spreadsheet_and_runs_nothing(
    town: Town, period: Period, person: Document, media: dict[str, Channel]
) -> None:
    (leaves,) = recall(town, period, person, media)
    given = Acknowledgement(
        kind=AckKind.TAKEN_DOWN, given_by="=cmd()", given_at=town.clock(), noted_by="甲", place="+1,\n@x"
    )
    one = next(one for one in list_follow_ups(town.notifier.engine) if one.recipient.slug == "phone")
    acknowledge(town.notifier.engine, one.message_id, given, now=town.clock())
    lines = recall_report(town.notifier.engine, today=town.clock().date())
    table = report_csv(lines)
    assert table.startswith(b"\xef\xbb\xbf")
    header, *rows = csv.reader(io.StringIO(table.decode("utf-8-sig")))
    assert len(rows) == len(lines) == 3
    assert all(len(row) == len(header) for row in rows)
    assert rows[0][:3] == [leaves.record, leaves.case_number, "退出公布"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    body = json.loads(report_json(lines))["recalls"][0]
    assert body["done"]["by"] == "=cmd()"
    assert (body["type"], body["overdue_days"]) == ("gone", 0)


# Printings -------------------------------------------------------------------------------------------------------------


def test_taking_a_printing_down_ends_its_tasks_unless_it_hangs_there_still(
    town: Town, period: Period, person: Document
) -> None:
    first, second = (town.publish(person, case_number=f"（2026）测0101执{n}号") for n in (1, 2))
    engine, now = town.notifier.engine, town.clock()
    add_board(engine, "lobby", "一楼大厅", now=now)
    both = note_printing(engine, "lobby", [first, second], place="左栏", sequence=2, by="甲", now=now)
    again = note_printing(engine, "lobby", [second], place="右栏", sequence=2, by="甲", now=now)
    town.depart(first)
    town.depart(second)
    follow(town)
    send(town, dict(open_channels(town.notifier)))
    assert end_printing(engine, both, by="书记员乙", now=now)
    assert not end_printing(engine, both, by="书记员乙", now=now)
    closed = {one.recall.record: one.is_closed for one in list_follow_ups(engine) if one.recall}
    assert closed == {first.record: True, second.record: False}
    assert end_printing(engine, again, by="书记员乙", now=now)
    done = [one.find(AckKind.TAKEN_DOWN) for one in list_follow_ups(engine)]
    assert [(one.given_by, one.place) for one in done if one] == [("书记员乙", "右栏"), ("书记员乙", "左栏")]
    assert all(one.taken_down_at for one in list_printings(engine))


def test_what_was_printed_from_a_list_that_has_moved_is_not_put_on_record(
    town: Town, period: Period, person: Document
) -> None:
    leaves = town.publish(person)
    engine, now = town.notifier.engine, town.clock()
    add_board(engine, "lobby", "一楼大厅", now=now)
    # Read, and before it is put on record a departure is decided and followed.
    town.depart(leaves)
    follow(town)
    with pytest.raises(ListMoved):
        note_printing(engine, "lobby", [leaves], place="左栏", sequence=1, by="甲", now=now)
    assert list_printings(engine) == []
    assert note_printing(engine, "lobby", [], place="左栏", sequence=2, by="甲", now=now)


def test_alerts_go_by_the_rules_of_sending(
    town: Town, period: Period, person: Document, media: dict[str, Channel]
) -> None:
    recall(town, period, person, media)
    town.clock.pass_time(days=6)
    remind(town)
    queue(town, "x", channel="sms_cn")
    sms = Post()
    send(town, {"sms_cn": sms}, Rules(trial=frozenset({"phone"})))
    assert [dispatch.address for dispatch in sms.dispatches] == [PHONE]

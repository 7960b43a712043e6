"""Sending through the real client to a server that answers as WeChat does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from standins.wechat_phone import Phone
from standins.wechat_server import Fault, WeChatServer
from wechat_world import AES_KEY, NOW, OPENID, SETTINGS, TOKEN, Build, Clock, create_tables

from notifier.channels import ChatMessage, Dispatch, Letter, MassMessage, Outcome, Stop
from notifier.states import MessageState
from notifier.wechat.channel import WeChatChannel, open_wechat_channel
from notifier.wechat.inbound import Received, read_request
from notifier.wechat.messages import MassReported, SubscriptionReported, TemplateReported
from notifier.wechat.outcomes import judge_code, next_midnight
from notifier.wechat.receipts import ReceiptArrived, SentMessage, match_receipt, read_receipt
from notifier.wechat.templates import RegisteredTemplate
from search_index.day import SHANGHAI

S = MessageState
TEMPLATES = {
    "departure_confirmed": RegisteredTemplate(id="T1", kind="template", fields={"court": "thing1", "day": "time2"}),
    "digest": RegisteredTemplate(id="S1", kind="subscription", fields={"court": "thing1", "day": "time2"}),
}
FIELDS = {"court": "测试市人民法院", "day": "2026年10月8日"}


@pytest.fixture
def address(tmp_path: Path) -> str:
    """The database makes no difference here."""
    return create_tables(f"sqlite:///{tmp_path}/notifier.db")


@pytest.fixture
def channel(server: WeChatServer, build: Build, clock: Clock) -> WeChatChannel:
    server.followers |= {OPENID, "oT2"}
    server.templates = {"T1": {"thing1", "time2"}, "S1": {"thing1", "time2"}}
    return WeChatChannel(client=build(timeout=2), templates=TEMPLATES, clock=clock)


def chat(
    template: str = "departure_confirmed", id: str = "d-1", address: str | None = OPENID, **fields: str
) -> Dispatch:
    content = ChatMessage(template=template, version=1, fields=FIELDS | fields, url="https://list.example.invalid/")
    return Dispatch(id=id, attempt=1, recipient="follower", address=address, content=content)


def mass(id: str = "digest-2026Q3", address: str | None = None, text: str = "本季名单共 11 条。") -> Dispatch:
    return Dispatch(id=id, attempt=1, recipient="all", address=address, content=MassMessage(text=text))


def brief(outcome: Outcome) -> tuple[MessageState, Stop]:
    return outcome.state, outcome.stop


# What is sent -------------------------------------------------------------------------------------------------------


def test_a_template_message(server: WeChatServer, channel: WeChatChannel) -> None:
    outcome = channel.deliver(chat())
    (sent,) = server.sent
    assert outcome.state is S.ACCEPTED
    assert outcome.reference == str(sent.number)
    assert sent.body == {
        "touser": OPENID,
        "template_id": "T1",
        "url": "https://list.example.invalid/",
        "client_msg_id": "d-1",
        "data": {"thing1": {"value": "测试市人民法院"}, "time2": {"value": "2026年10月8日"}},
    }


def test_the_same_dispatch_twice_is_one_message(server: WeChatServer, channel: WeChatChannel, clock: Clock) -> None:
    first = channel.deliver(chat())
    clock.pass_time(minutes=9)
    assert channel.deliver(chat()) == first
    assert len(server.sent) == 1
    clock.pass_time(minutes=2)
    channel.deliver(chat())
    assert len(server.sent) == 2, "after ten minutes it would be another: so the channel is not repeatable"
    assert not channel.repeatable


def test_a_subscription_message(server: WeChatServer, channel: WeChatChannel) -> None:
    outcome = channel.deliver(chat("digest"))
    assert (outcome.state, outcome.reference) == (S.ACCEPTED, None)
    assert server.of_kind("subscription")[0].body["template_id"] == "S1"


def test_a_mass_message_to_all_and_to_a_tag(server: WeChatServer, channel: WeChatChannel) -> None:
    assert channel.deliver(mass()).state is S.ACCEPTED
    assert channel.deliver(mass("d2", "tag:101")).state is S.ACCEPTED
    first, second = server.of_kind("mass")
    assert first.body["filter"] == {"is_to_all": True}
    assert second.body["filter"] == {"is_to_all": False, "tag_id": 101}
    assert first.body["clientmsgid"] == "digest-2026Q3"


def test_a_mass_message_that_was_sent_before_is_a_success(
    server: WeChatServer, channel: WeChatChannel, clock: Clock
) -> None:
    server.fail("message/mass/sendall", Fault(loses=True))
    assert channel.deliver(mass()).state is S.UNKNOWN
    again = channel.deliver(mass())
    assert (again.state, again.retry_after) == (S.FAILED_TEMPORARY, timedelta(minutes=1))
    clock.pass_time(minutes=2)
    outcome = channel.deliver(mass())
    assert (outcome.state, outcome.reference) == (S.ACCEPTED, str(server.of_kind("mass")[0].number))
    assert len(server.of_kind("mass")) == 1


def test_the_number_of_a_mass_message_is_never_too_long(server: WeChatServer, channel: WeChatChannel) -> None:
    assert channel.deliver(mass("a" * 36)).state is S.ACCEPTED
    assert server.of_kind("mass")[0].body["clientmsgid"] == "a" * 32


@pytest.mark.parametrize(
    "dispatch",
    [
        Dispatch(id="d", attempt=1, recipient="r", address=OPENID, content=Letter(subject="s", text="t")),
        chat(address=None),
        chat(extra="x"),
        mass(address="everybody"),
    ],
)
def test_what_cannot_be_sent_is_not_called(server: WeChatServer, channel: WeChatChannel, dispatch: Dispatch) -> None:
    assert brief(channel.deliver(dispatch)) == (S.FAILED_PERMANENT, Stop.NOTHING)
    assert not server.calls


def test_an_unregistered_template_waits_for_the_administrator(server: WeChatServer, channel: WeChatChannel) -> None:
    outcome = channel.deliver(chat("list_published"))
    assert outcome.state is S.FAILED_TEMPORARY
    assert "list_published" in outcome.detail
    assert not server.calls


def test_a_channel_is_opened_from_the_settings(
    server: WeChatServer, engine: Engine, clock: Clock, tmp_path: Path
) -> None:
    file = tmp_path / "templates.toml"
    file.write_text('[departure_confirmed]\nid = "T1"\nkind = "template"\nfields = {court = "thing1", day = "time2"}')
    server.followers.add(OPENID)
    server.templates = {"T1": {"thing1", "time2"}}
    settings = SETTINGS.model_copy(update={"base_url": server.address, "templates": file})
    assert open_wechat_channel(settings, engine, clock).deliver(chat()).state is S.ACCEPTED


# What goes wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [40003, 43004, 43019, 43101, 48002])
def test_an_address_that_takes_nothing_is_stopped(server: WeChatServer, channel: WeChatChannel, code: int) -> None:
    server.refusals[OPENID] = code
    assert brief(channel.deliver(chat())) == (S.FAILED_PERMANENT, Stop.ADDRESS)


@pytest.mark.parametrize("code", [40033, 40037, 41030, 44002, 45002, 45015, 45047, 47001, 47003, 50002, 99999])
def test_a_message_that_is_refused_fails_alone(server: WeChatServer, channel: WeChatChannel, code: int) -> None:
    server.fail("message/template/send", Fault(code=code))
    assert brief(channel.deliver(chat())) == (S.FAILED_PERMANENT, Stop.NOTHING)


@pytest.mark.parametrize("code", [40013, 40125, 40164, 48001, 48004, 50001])
def test_an_account_that_is_refused_stops_the_channel_and_loses_nothing(
    server: WeChatServer, channel: WeChatChannel, code: int
) -> None:
    server.fail("message/template/send", Fault(code=code))
    assert brief(channel.deliver(chat())) == (S.FAILED_TEMPORARY, Stop.CHANNEL)


@pytest.mark.parametrize("code", [-1, 45011])
def test_what_passes_is_tried_again(server: WeChatServer, channel: WeChatChannel, code: int) -> None:
    server.fail("message/template/send", Fault(code=code))
    assert brief(channel.deliver(chat())) == (S.FAILED_TEMPORARY, Stop.NOTHING)
    assert channel.deliver(chat()).state is S.ACCEPTED


def test_real_refusals_of_the_server_are_understood(server: WeChatServer, channel: WeChatChannel) -> None:
    assert brief(channel.deliver(chat(address="oGone"))) == (S.FAILED_PERMANENT, Stop.ADDRESS)
    assert brief(channel.deliver(chat(address="not an openid"))) == (S.FAILED_PERMANENT, Stop.ADDRESS)
    server.minute_quota["message/template/send"] = 2
    outcome = channel.deliver(chat())
    assert (outcome.state, outcome.retry_after) == (S.FAILED_TEMPORARY, timedelta(minutes=1))
    server.templates.clear()
    server.minute_quota.clear()
    assert brief(channel.deliver(chat())) == (S.FAILED_PERMANENT, Stop.NOTHING)


def test_the_quota_of_the_day_waits_for_midnight_in_shanghai(
    server: WeChatServer, channel: WeChatChannel, clock: Clock
) -> None:
    server.daily_quota["message/template/send"] = 1
    channel.deliver(chat())
    outcome = channel.deliver(chat(id="d-2"))
    assert outcome.state is S.FAILED_TEMPORARY
    assert outcome.retry_after == timedelta(hours=14), "it is ten in the morning"


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)))
def test_the_next_midnight_is_midnight_in_shanghai_within_a_day(now: datetime) -> None:
    midnight = next_midnight(now)
    assert timedelta(0) < midnight - now <= timedelta(days=1)
    assert midnight.astimezone(SHANGHAI).strftime("%H:%M:%S") == "00:00:00"


def test_a_lost_answer_of_a_template_message_is_asked_for_with_its_number(
    server: WeChatServer, channel: WeChatChannel
) -> None:
    server.fail("message/template/send", Fault(loses=True))
    outcome = channel.deliver(chat())
    assert (outcome.state, outcome.reference) == (S.ACCEPTED, str(server.sent[0].number))
    assert len(server.sent) == 1


@pytest.mark.parametrize("second", [Fault(loses=True), Fault(status=502), Fault(code=45009), Fault(code=43004)])
def test_what_stays_unknown_is_unknown(server: WeChatServer, channel: WeChatChannel, second: Fault) -> None:
    """The first call was carried out; what the second came to says nothing of that."""
    server.fail("message/template/send", Fault(loses=True), second)
    assert brief(channel.deliver(chat())) == (S.UNKNOWN, Stop.NOTHING)
    assert len(server.sent) == 1


def test_a_subscription_message_is_never_repeated(server: WeChatServer, channel: WeChatChannel) -> None:
    server.fail("message/subscribe/bizsend", Fault(loses=True))
    assert channel.deliver(chat("digest")).state is S.UNKNOWN
    assert len(server.sent) == server.calls["message/subscribe/bizsend"] == 1


def test_a_slow_answer_is_unknown(server: WeChatServer, channel: WeChatChannel) -> None:
    release = Event()
    channel.client.timeout = 0.3
    server.fail("message/subscribe/bizsend", Fault(until=release))
    assert channel.deliver(chat("digest")).state is S.UNKNOWN
    release.set()


def test_an_html_page_is_no_success(server: WeChatServer, channel: WeChatChannel) -> None:
    server.fail("message/subscribe/bizsend", Fault(body="<html>请登录</html>"))
    assert channel.deliver(chat("digest")).state is S.UNKNOWN


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(code=40001), (S.FAILED_TEMPORARY, Stop.CHANNEL)),
        (Fault(code=40125), (S.FAILED_TEMPORARY, Stop.CHANNEL)),
        (Fault(code=40164), (S.FAILED_TEMPORARY, Stop.CHANNEL)),
        (Fault(code=-1), (S.FAILED_TEMPORARY, Stop.NOTHING)),
        (Fault(code=45009), (S.FAILED_TEMPORARY, Stop.NOTHING)),
        (Fault(code=47001), (S.FAILED_TEMPORARY, Stop.NOTHING)),
        (Fault(status=502), (S.FAILED_TEMPORARY, Stop.NOTHING)),
        (Fault(loses=True), (S.FAILED_TEMPORARY, Stop.NOTHING)),
    ],
)
def test_without_a_token_no_message_is_lost(
    server: WeChatServer, channel: WeChatChannel, fault: Fault, expected: tuple[MessageState, Stop]
) -> None:
    server.fail("stable_token", fault)
    assert brief(channel.deliver(chat())) == expected
    assert not server.sent


@given(st.integers(-2, 99_999).filter(bool))
def test_every_code_has_an_outcome_that_a_message_may_have(code: int) -> None:
    outcome = judge_code(code, NOW)
    assert outcome.state in (S.FAILED_TEMPORARY, S.FAILED_PERMANENT)
    assert str(code) in outcome.detail
    assert outcome.retry_after is None or outcome.retry_after > timedelta(0)


def test_no_outcome_names_anybody(server: WeChatServer, channel: WeChatChannel) -> None:
    outcomes = [channel.deliver(chat(court="𠮷某某"))]
    for fault in (Fault(code=43004), Fault(code=47003), Fault(status=500), Fault(drops=True)):
        server.fail("message/template/send", fault)
        outcomes.append(channel.deliver(chat(court="𠮷某某")))
    said = " ".join(outcome.detail for outcome in outcomes)
    for word in (OPENID, "𠮷某某", "hints", "access_token", server.secret):
        assert word not in said


# Asking, and being told ---------------------------------------------------------------------------------------------


def test_a_mass_message_can_be_asked_about(server: WeChatServer, channel: WeChatChannel) -> None:
    outcome = channel.deliver(mass())
    found = channel.look_up(mass(), outcome.reference)
    assert found is not None
    assert found.state is S.DELIVERED
    assert channel.look_up(mass(), None) is None
    assert channel.look_up(chat(), "12") is None
    server.fail("message/mass/get", Fault(status=500))
    assert channel.look_up(mass(), outcome.reference) is None


def test_a_template_message_whose_answers_were_lost_is_settled_while_wechat_knows_its_number(
    server: WeChatServer, channel: WeChatChannel, clock: Clock
) -> None:
    dispatch = replace(chat(), begun_at=clock())
    server.fail("message/template/send", Fault(loses=True), Fault(status=502), Fault(code=-1))
    assert channel.deliver(dispatch).state is S.UNKNOWN
    assert channel.look_up(dispatch, None) is None, "busy says nothing of the first call"
    clock.pass_time(minutes=8)
    found = channel.look_up(dispatch, None)
    assert found is not None
    assert (found.state, found.reference) == (S.ACCEPTED, str(server.sent[0].number))
    assert len(server.sent) == 1


@pytest.mark.parametrize("age", [timedelta(minutes=8, seconds=1), timedelta(days=1), timedelta(seconds=-1), None])
def test_later_it_is_not_asked_for_because_asking_would_send_it_again(
    server: WeChatServer, channel: WeChatChannel, clock: Clock, age: timedelta | None
) -> None:
    dispatch = replace(chat(), begun_at=None if age is None else clock() - age)
    assert channel.look_up(dispatch, None) is None
    assert not server.calls


def test_a_message_with_a_number_or_without_a_key_is_not_asked_for(
    server: WeChatServer, channel: WeChatChannel, clock: Clock
) -> None:
    assert channel.look_up(replace(chat(), begun_at=clock()), "12") is None
    assert channel.look_up(replace(chat("digest"), begun_at=clock()), None) is None
    assert not server.calls


def read_reports(server: WeChatServer) -> list[ReceiptArrived]:
    """What the gateway makes of what WeChat reports."""
    phone = Phone(post=lambda _q, _b: (0, b""), clock=Clock(), token=TOKEN, aes_key=AES_KEY)
    reports = []
    for xml in server.reports:
        received = read_request(*phone.close(xml), SETTINGS, NOW)
        assert isinstance(received, Received)
        for message in received.messages:
            assert isinstance(message, TemplateReported | MassReported | SubscriptionReported)
            reports.append(read_receipt(message))
    return reports


def sent_message(dispatch: Dispatch, outcome: Outcome, **changes: object) -> SentMessage:
    known: Mapping[str, object] = {"reference": outcome.reference, "address": dispatch.address, "begun_at": NOW}
    return SentMessage(id=dispatch.id, **{**known, **changes})  # type: ignore[arg-type]


def test_reports_are_matched_by_their_number(server: WeChatServer, channel: WeChatChannel) -> None:
    dispatches = [chat(id="d-1"), chat(id="d-2"), mass("d-3")]
    sent = [sent_message(one, channel.deliver(one)) for one in dispatches]
    reports = read_reports(server)
    found = [match_receipt(report, sent) for report in reversed(reports)]
    assert [one and one.id for one in found] == ["d-3", "d-2", "d-1"]
    assert {report.outcome.state for report in reports} == {S.DELIVERED}
    assert len({report.key for report in reports}) == 3


def test_a_report_without_a_number_belongs_to_the_only_message_it_can(
    server: WeChatServer, channel: WeChatChannel
) -> None:
    server.forgets_number = True
    sent = [sent_message(one, channel.deliver(one)) for one in (chat(id="d-1"), chat(id="d-2", address="oT2"))]
    first, second = read_reports(server)
    assert first.reference is None
    assert match_receipt(first, sent) == sent[0]
    assert match_receipt(second, sent) == sent[1]


def test_a_report_of_a_subscription_message_finds_it_without_a_number(
    server: WeChatServer, channel: WeChatChannel
) -> None:
    sent = [sent_message(chat("digest"), channel.deliver(chat("digest")))]
    (report,) = read_reports(server)
    assert report.outcome.state is S.DELIVERED
    assert match_receipt(report, sent) == sent[0]


def a_report(**changes: object) -> ReceiptArrived:
    known = {
        "key": "k",
        "reference": None,
        "address": OPENID,
        "outcome": Outcome(state=S.DELIVERED, detail=""),
        "at": NOW,
    }
    return ReceiptArrived(**(known | changes))  # type: ignore[arg-type]


def a_message(id: str = "a", **changes: object) -> SentMessage:
    return SentMessage(**({"id": id, "reference": None, "address": OPENID, "begun_at": NOW} | changes))  # type: ignore[arg-type]


def test_what_is_not_certain_is_not_matched() -> None:
    assert match_receipt(a_report(), [a_message("a"), a_message("b")]) is None
    assert match_receipt(a_report(), [a_message(address="oT2")]) is None
    assert match_receipt(a_report(), [a_message(begun_at=NOW - timedelta(hours=2))]) is None
    assert match_receipt(a_report(), [a_message(begun_at=NOW + timedelta(hours=1))]) is None
    # Another number is another message, one of another system perhaps.
    assert match_receipt(a_report(reference="7"), [a_message(reference="8")]) is None
    # One whose answer never came may have any number.
    assert match_receipt(a_report(reference="7"), [a_message("a", reference="8"), a_message("b")]) == a_message("b")


@pytest.mark.parametrize(
    ("status", "state", "stop"),
    [
        ("success", S.DELIVERED, Stop.NOTHING),
        ("failed:user block", S.FAILED_PERMANENT, Stop.ADDRESS),
        ("failed: system failed", S.FAILED_PERMANENT, Stop.NOTHING),
        ("something new", S.FAILED_PERMANENT, Stop.NOTHING),
    ],
)
def test_what_a_template_report_says(status: str, state: MessageState, stop: Stop) -> None:
    head = {"follower": OPENID, "account": "g", "key": "k", "at": NOW}
    assert brief(read_receipt(TemplateReported(**head, number="1", status=status)).outcome) == (state, stop)


@pytest.mark.parametrize(("status", "state"), [("send success", S.DELIVERED), ("err(10001)", S.FAILED_PERMANENT)])
def test_what_a_mass_report_says(status: str, state: MessageState) -> None:
    head = {"follower": "o", "account": "g", "key": "k", "at": NOW}
    receipt = read_receipt(MassReported(**head, number="1", status=status, total=9, sent=8, failed=1))
    assert receipt.outcome.state is state
    assert "应发 9 人，成功 8 人，失败 1 人" in receipt.outcome.detail
    assert receipt.address is None


def test_a_failed_subscription_report_is_final() -> None:
    head = {"follower": OPENID, "account": "g", "key": "k", "at": NOW}
    for code, stop in ((43101, Stop.ADDRESS), (47003, Stop.NOTHING), (48001, Stop.NOTHING), (-1, Stop.NOTHING)):
        receipt = read_receipt(SubscriptionReported(**head, number="1", template="S1", code=code))
        assert brief(receipt.outcome) == (S.FAILED_PERMANENT, stop)

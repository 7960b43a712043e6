"""Twilio by its official client, against a stand-in that refuses what Twilio refuses and loses what a network loses."""

import logging
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr
from standins import twilio_server
from standins.twilio_server import ACCOUNT, SENDER, SERVICE, TOKEN, Fault, TwilioServer

from notifier.channels import Letter, Stop
from notifier.sms.settings import TwilioSettings
from notifier.sms.twilio_channel import TwilioChannel
from notifier.states import MessageState

ABROAD = "+12025550123"
S = MessageState


def channel_like(settings: TwilioSettings, clock: Any, *, timeout: float = 2.0, **changes: Any) -> Any:
    given = {name: changes.pop(name) for name in list(changes) if name in TwilioSettings.model_fields}
    return closing(
        TwilioChannel(
            settings.model_copy(update=given),
            "https://gateway.example.invalid/twilio/status",
            clock=clock,
            timeout=timeout,
            **changes,
        )
    )


def test_a_message_is_accepted_with_its_number(by_twilio: TwilioChannel, twilio: TwilioServer, dispatch: Any) -> None:
    sent = dispatch()
    outcome = by_twilio.deliver(sent)
    (message,) = twilio.messages
    assert (outcome.state, outcome.reference) == (S.ACCEPTED, message.sid)
    assert (message.to, message.body, message.sender) == (ABROAD, sent.content.text, SENDER)
    assert by_twilio.owns(message.sid)


def test_the_callback_carries_our_own_id_and_asks_for_another_try(
    by_twilio: TwilioChannel, twilio: TwilioServer, dispatch: Any
) -> None:
    by_twilio.deliver(dispatch(id="d-77", attempt=3))
    callback = urlsplit(twilio.messages[0].callback)
    assert callback.path == "/twilio/status"
    assert parse_qs(callback.query) == {"dispatch": ["d-77"], "attempt": ["3"]}
    assert parse_qs(callback.fragment) == {"rc": ["3"], "rp": ["ct,rt,5xx"]}


def test_a_messaging_service_goes_before_a_number(
    twilio_settings: TwilioSettings, twilio: TwilioServer, clock: Any, dispatch: Any
) -> None:
    with channel_like(twilio_settings, clock, messaging_service_sid=SERVICE) as channel:
        assert channel.deliver(dispatch()).state is S.ACCEPTED
    assert twilio.requests[0]["MessagingServiceSid"] == SERVICE
    assert "From" not in twilio.requests[0]


@pytest.mark.parametrize("number", sorted(twilio_server.MAGIC_TO))
def test_a_number_that_twilio_refuses_gets_nothing_more(
    by_twilio: TwilioChannel, twilio: TwilioServer, dispatch: Any, number: str
) -> None:
    outcome = by_twilio.deliver(dispatch(number))
    assert (outcome.state, outcome.stop) == (S.FAILED_PERMANENT, Stop.ADDRESS)
    assert number not in outcome.detail


def test_a_number_that_replied_stop_gets_nothing_more(
    by_twilio: TwilioChannel, twilio: TwilioServer, dispatch: Any
) -> None:
    twilio.blocked.add(ABROAD)
    outcome = by_twilio.deliver(dispatch())
    assert (outcome.state, outcome.stop) == (S.FAILED_PERMANENT, Stop.ADDRESS)


@pytest.mark.parametrize(
    ("changes", "stop"),
    [
        ({"auth_token": SecretStr("wrong")}, Stop.CHANNEL),
        ({"account_sid": "AC" + "9" * 32}, Stop.CHANNEL),
        ({"sender": "+15005550007"}, Stop.CHANNEL),
        ({"sender": "+15005550001"}, Stop.CHANNEL),
        ({"sender": "+15005550008"}, Stop.NOTHING),
    ],
)
def test_what_is_wrong_with_the_account_loses_no_message(
    twilio_settings: TwilioSettings, clock: Any, dispatch: Any, changes: dict[str, Any], stop: Stop
) -> None:
    with channel_like(twilio_settings, clock, **changes) as channel:
        outcome = channel.deliver(dispatch())
    assert (outcome.state, outcome.stop) == (S.FAILED_TEMPORARY, stop)


def test_too_many_requests_wait_as_long_as_twilio_says(
    by_twilio: TwilioChannel, twilio: TwilioServer, dispatch: Any
) -> None:
    twilio.faults = [Fault.TOO_MANY]
    outcome = by_twilio.deliver(dispatch())
    assert (outcome.state, outcome.retry_after) == (S.FAILED_TEMPORARY, timedelta(seconds=7))
    assert by_twilio.deliver(dispatch()).retry_after is None
    assert len(twilio.messages) == 1


@pytest.mark.parametrize(
    "fault",
    [Fault.LOST_ANSWER, Fault.LOST_REQUEST, Fault.ERROR_AFTER, Fault.ERROR_BEFORE, Fault.HTML, Fault.EMPTY_OBJECT],
)
def test_what_may_have_been_carried_out_is_unknown(
    by_twilio: TwilioChannel, twilio: TwilioServer, dispatch: Any, fault: Fault
) -> None:
    twilio.faults = [fault]
    outcome = by_twilio.deliver(dispatch())
    assert (outcome.state, outcome.reference) == (S.UNKNOWN, None)
    assert len(twilio.requests) == 1


def test_an_error_with_odd_types_is_no_crash(by_twilio: TwilioChannel, twilio: TwilioServer, dispatch: Any) -> None:
    twilio.faults = [Fault.ODD_ERROR]
    assert by_twilio.deliver(dispatch()).state is S.FAILED_PERMANENT


def test_a_problem_document_is_read_by_the_status_of_the_answer(
    by_twilio: TwilioChannel, twilio: TwilioServer, dispatch: Any
) -> None:
    # The client has an exception of another family for these, and takes the status from the body, which says 500.
    twilio.faults = [Fault.PROBLEM]
    outcome = by_twilio.deliver(dispatch())
    assert (outcome.state, outcome.stop) == (S.FAILED_PERMANENT, Stop.ADDRESS)


def test_a_late_answer_is_not_waited_for_for_ever(
    twilio_settings: TwilioSettings, twilio: TwilioServer, clock: Any, dispatch: Any
) -> None:
    twilio.faults = [Fault.LATE_ANSWER]
    with channel_like(twilio_settings, clock, timeout=0.3) as channel, ThreadPoolExecutor() as pool:
        calling = pool.submit(channel.deliver, dispatch())
        try:
            assert calling.result(5).state is S.UNKNOWN
        finally:
            twilio.let_go.set()
    assert len(twilio.messages) == 1


def test_without_a_connection_nothing_was_sent(twilio_settings: TwilioSettings, clock: Any, dispatch: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with channel_like(twilio_settings, clock, base_url=f"http://127.0.0.1:{port}") as channel:
        verdict = channel.attempt(dispatch())
    assert verdict.outcome.state is S.FAILED_TEMPORARY
    assert verdict.elsewhere


def test_a_connection_that_never_comes_about_sent_nothing(
    twilio_settings: TwilioSettings, clock: Any, dispatch: Any, silent_port: int
) -> None:
    base_url = f"http://127.0.0.1:{silent_port}"
    with channel_like(twilio_settings, clock, base_url=base_url, timeout=0.3) as channel:
        assert channel.deliver(dispatch()).state is S.FAILED_TEMPORARY


def test_nothing_is_sent_to_who_cannot_prove_to_be_twilio(
    twilio_settings: TwilioSettings, twilio: TwilioServer, clock: Any, dispatch: Any, impostor: str
) -> None:
    with channel_like(twilio_settings, clock, base_url=impostor) as channel:
        verdict = channel.attempt(dispatch())
    assert verdict.outcome.state is S.FAILED_TEMPORARY
    assert verdict.elsewhere
    assert twilio.requests == []


def test_a_proxy_that_is_not_there_sent_nothing(
    twilio_settings: TwilioSettings, clock: Any, dispatch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    with channel_like(twilio_settings, clock, base_url="https://api.example.invalid") as channel:
        assert channel.deliver(dispatch()).state is S.FAILED_TEMPORARY


def test_what_is_no_sms_is_not_offered(by_twilio: TwilioChannel, twilio: TwilioServer, dispatch: Any) -> None:
    for sent in (dispatch("13800000000"), dispatch(None), dispatch(content=Letter(subject="函", text="文"))):
        assert by_twilio.deliver(sent).state is S.FAILED_PERMANENT
    assert twilio.requests == []


def test_threads_do_not_take_one_anothers_answers(
    by_twilio: TwilioChannel, twilio: TwilioServer, dispatch: Any, hurried: None
) -> None:
    twilio.faults = [Fault.TOO_MANY, Fault.EMPTY_OBJECT] * 60
    dispatches = [dispatch() for _ in range(120)]
    with ThreadPoolExecutor(12) as pool:
        outcomes = list(pool.map(by_twilio.deliver, dispatches))
    assert [o.retry_after for o in outcomes if o.state is S.FAILED_TEMPORARY] == [timedelta(seconds=7)] * 60
    assert [o.retry_after for o in outcomes if o.state is S.UNKNOWN] == [None] * 60


@pytest.fixture
def hurried() -> Iterator[None]:
    """Threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


# Looking up


def test_a_lost_answer_is_found_again(
    by_twilio: TwilioChannel, twilio: TwilioServer, clock: Any, dispatch: Any
) -> None:
    twilio.faults = [Fault.LOST_ANSWER]
    sent = dispatch()
    assert by_twilio.deliver(sent).state is S.UNKNOWN
    clock.pass_time(minutes=1)
    # It is not sent yet, and so has no date of sending: a list by date would not have it.
    found = by_twilio.look_up(sent, None)
    assert found is not None
    assert (found.state, found.reference) == (S.ACCEPTED, twilio.messages[0].sid)


def test_by_its_number_a_message_is_asked_for_directly(
    by_twilio: TwilioChannel, twilio: TwilioServer, dispatch: Any
) -> None:
    sent = dispatch()
    reference = by_twilio.deliver(sent).reference
    twilio.messages[0].status, twilio.messages[0].error_code = "undelivered", 30005
    found = by_twilio.look_up(sent, reference)
    assert found is not None
    assert (found.state, found.stop) == (S.FAILED_PERMANENT, Stop.ADDRESS)
    assert by_twilio.look_up(sent, "SM" + "f" * 32) is None


def test_a_message_that_never_arrived_may_be_sent_again_when_that_is_sure(
    by_twilio: TwilioChannel, twilio: TwilioServer, clock: Any, dispatch: Any
) -> None:
    twilio.seed(ABROAD, dispatch().content.text, created=clock() - timedelta(hours=1))
    twilio.faults = [Fault.LOST_REQUEST]
    sent = dispatch()
    assert by_twilio.deliver(sent).state is S.UNKNOWN
    clock.pass_time(minutes=5)
    assert by_twilio.look_up(sent, None) is None
    clock.pass_time(minutes=10)
    found = by_twilio.look_up(sent, None)
    assert found is not None
    assert found.state is S.FAILED_TEMPORARY


def test_another_text_to_the_number_leaves_the_end_unknown(
    by_twilio: TwilioChannel, twilio: TwilioServer, clock: Any, dispatch: Any
) -> None:
    # Twilio may have put its registered signature before ours.
    twilio.faults = [Fault.LOST_ANSWER]
    sent = dispatch()
    by_twilio.deliver(sent)
    twilio.messages[0].body = "【另一签名】" + sent.content.text
    clock.pass_time(hours=1)
    assert by_twilio.look_up(sent, None) is None


def test_without_a_beginning_nothing_is_ever_absent(
    by_twilio: TwilioChannel, twilio: TwilioServer, clock: Any, dispatch: Any
) -> None:
    sent = dispatch(begun_at=None)
    clock.pass_time(days=1)
    assert by_twilio.look_up(sent, None) is None


def test_of_two_equal_texts_each_finds_its_own(
    twilio_settings: TwilioSettings, twilio: TwilioServer, clock: Any, dispatch: Any
) -> None:
    taken: set[str] = set()
    with channel_like(twilio_settings, clock, is_taken=taken.__contains__) as channel:
        first, second = dispatch(), dispatch()
        reference = channel.deliver(first).reference
        taken.add(reference)
        twilio.faults = [Fault.LOST_REQUEST]
        assert channel.deliver(second).state is S.UNKNOWN
        clock.pass_time(minutes=20)
        found = channel.look_up(second, None)
    assert found is not None
    assert found.state is S.FAILED_TEMPORARY


def test_what_the_phone_sent_to_us_is_not_ours(
    by_twilio: TwilioChannel, twilio: TwilioServer, clock: Any, dispatch: Any
) -> None:
    sent = dispatch()
    twilio.seed(ABROAD, sent.content.text, created=clock(), direction="inbound")
    clock.pass_time(minutes=20)
    found = by_twilio.look_up(sent, None)
    assert found is not None
    assert found.state is S.FAILED_TEMPORARY


def test_a_beginning_in_another_time_zone_is_the_same_beginning(
    by_twilio: TwilioChannel, twilio: TwilioServer, clock: Any, dispatch: Any
) -> None:
    sent = dispatch(begun_at=clock().astimezone(timezone(timedelta(hours=8))))
    by_twilio.deliver(sent)
    found = by_twilio.look_up(sent, None)
    assert found is not None
    assert found.state is S.ACCEPTED


def test_a_long_list_is_read_page_by_page(
    by_twilio: TwilioChannel, twilio: TwilioServer, clock: Any, dispatch: Any
) -> None:
    sent = dispatch()
    by_twilio.deliver(sent)
    for _ in range(5):
        twilio.seed(ABROAD, "别的短信", created=clock())
    twilio.page_size = 2
    found = by_twilio.look_up(sent, None)
    assert found is not None
    assert found.reference is not None


@pytest.mark.parametrize("fault", [Fault.HTML, Fault.ERROR_BEFORE, Fault.LOST_REQUEST, Fault.TOO_MANY])
def test_a_look_up_that_fails_knows_nothing(
    by_twilio: TwilioChannel, twilio: TwilioServer, clock: Any, dispatch: Any, fault: Fault
) -> None:
    sent = dispatch()
    clock.pass_time(hours=1)
    twilio.list_faults = [fault]
    assert by_twilio.look_up(sent, None) is None


def test_no_number_and_no_secret_is_in_a_log_or_an_outcome(
    by_twilio: TwilioChannel, twilio: TwilioServer, dispatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = []
    for fault in Fault:
        if fault is not Fault.LATE_ANSWER:
            twilio.faults = [fault]
            sent = dispatch()
            said += [by_twilio.deliver(sent), by_twilio.look_up(sent, None)]
    said.append(by_twilio.deliver(dispatch("+15005550001")))
    logged = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    for secret in (TOKEN, ACCOUNT, ABROAD, ABROAD[1:], "15005550001", "测试市"):
        assert secret not in logged
        assert all(outcome is None or secret not in outcome.detail for outcome in said)

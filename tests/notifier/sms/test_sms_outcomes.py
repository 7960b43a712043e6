"""What providers say, in the terms of the outbox: class by class, and never in the provider's own words."""

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.channels import Stop
from notifier.sms.outcomes import (
    aliyun_answer,
    aliyun_report,
    aliyun_status,
    read_retry_after,
    twilio_refusal,
    twilio_status,
)
from notifier.sms.routing import may_fail_over
from notifier.states import MessageState, may_move, move

S = MessageState
SID = "SM" + "0" * 32
SECRETS = "+8613800000000 LTAI secret 张三"


@pytest.mark.parametrize("code", [21211, 21614, 21610, 21408, 21612])
def test_twilio_says_that_the_number_will_never_do(code: int) -> None:
    verdict = twilio_refusal(400, code, None)
    assert (verdict.outcome.state, verdict.outcome.stop) == (S.FAILED_PERMANENT, Stop.ADDRESS)
    assert str(code) in verdict.outcome.detail
    assert not may_fail_over(verdict)


@pytest.mark.parametrize("code", [21602, 21604, 21617, 20404, 21608, 29999, None])
def test_twilio_says_that_the_message_will_never_do(code: int | None) -> None:
    verdict = twilio_refusal(400, code, None)
    assert (verdict.outcome.state, verdict.outcome.stop) == (S.FAILED_PERMANENT, Stop.NOTHING)
    assert not may_fail_over(verdict)


@pytest.mark.parametrize(
    ("status", "code"), [(401, 20003), (403, 20003), (400, 21603), (400, 21606), (401, 401), (407, 407)]
)
def test_what_is_wrong_with_the_account_stops_the_channel_and_loses_no_message(status: int, code: int) -> None:
    verdict = twilio_refusal(status, code, None)
    assert (verdict.outcome.state, verdict.outcome.stop) == (S.FAILED_TEMPORARY, Stop.CHANNEL)
    assert may_fail_over(verdict)


def test_too_many_requests_wait_as_long_as_they_are_told() -> None:
    verdict = twilio_refusal(429, 20429, timedelta(seconds=7))
    assert verdict.outcome.state is S.FAILED_TEMPORARY
    assert verdict.outcome.retry_after == timedelta(seconds=7)
    assert may_fail_over(verdict)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 302, 200, 0])
def test_what_may_have_been_carried_out_is_unknown_and_goes_nowhere_else(status: int) -> None:
    verdict = twilio_refusal(status, 20500, None)
    assert verdict.outcome.state is S.UNKNOWN
    assert not may_fail_over(verdict)


@pytest.mark.parametrize("status", ["accepted", "scheduled", "queued", "sending", "sent", "partially_delivered"])
def test_under_way_is_accepted(status: str) -> None:
    outcome = twilio_status(status, None, 1, SID)
    assert outcome is not None
    assert (outcome.state, outcome.reference) == (S.ACCEPTED, SID)


@pytest.mark.parametrize(
    ("status", "state"), [("delivered", S.DELIVERED), ("read", S.DELIVERED), ("canceled", S.FAILED_PERMANENT)]
)
def test_the_end_of_a_message(status: str, state: MessageState) -> None:
    outcome = twilio_status(status, None, 1, SID)
    assert outcome is not None
    assert outcome.state is state


@pytest.mark.parametrize("status", ["receiving", "received", "", "nonsense", None])
def test_what_is_no_status_of_a_sent_message_says_nothing(status: str | None) -> None:
    assert twilio_status(status, None, 1, SID) is None


@pytest.mark.parametrize("code", [30004, 30005, 30006, 21610])
def test_a_number_that_is_not_there_gets_nothing_more(code: int) -> None:
    outcome = twilio_status("undelivered", code, 1, SID)
    assert outcome is not None
    assert (outcome.state, outcome.stop, outcome.retry_after) == (S.FAILED_PERMANENT, Stop.ADDRESS, None)


@pytest.mark.parametrize("code", [30007, 30034])
def test_what_carriers_filter_is_over(code: int) -> None:
    outcome = twilio_status("undelivered", code, 1, SID)
    assert outcome is not None
    assert (outcome.state, outcome.stop) == (S.FAILED_PERMANENT, Stop.NOTHING)


@pytest.mark.parametrize(
    ("code", "attempts", "wait"),
    [
        (30001, 5, timedelta(minutes=15)),
        (30017, 5, timedelta(minutes=15)),
        (30003, 4, timedelta(hours=6)),
        (30008, 2, timedelta(hours=1)),
        # A code that nobody knows: a few times.
        (39999, 3, timedelta(hours=1)),
        (None, 3, timedelta(hours=1)),
    ],
)
def test_what_may_pass_is_tried_again_a_few_times(code: int | None, attempts: int, wait: timedelta) -> None:
    outcomes = [twilio_status("undelivered", code, number, SID) for number in range(1, attempts + 2)]
    assert [o.state for o in outcomes if o] == [S.FAILED_TEMPORARY] * (attempts - 1) + [S.FAILED_PERMANENT] * 2
    assert [o.retry_after for o in outcomes if o] == [wait] * (attempts - 1) + [None] * 2


def test_aliyun_accepts_with_a_number() -> None:
    outcome = aliyun_answer(200, "OK", "OK", "900^0").outcome
    assert (outcome.state, outcome.reference) == (S.ACCEPTED, "900^0")


@pytest.mark.parametrize(
    ("code", "state", "stop", "elsewhere"),
    [
        ("isv.MOBILE_NUMBER_ILLEGAL", S.FAILED_PERMANENT, Stop.ADDRESS, False),
        ("isv.SMS_TEMPLATE_ILLEGAL", S.FAILED_PERMANENT, Stop.NOTHING, False),
        ("isv.TEMPLATE_MISSING_PARAMETERS", S.FAILED_PERMANENT, Stop.NOTHING, False),
        ("isv.BLACK_KEY_CONTROL_LIMIT", S.FAILED_PERMANENT, Stop.NOTHING, False),
        ("isv.PARAM_NOT_SUPPORT_URL", S.FAILED_PERMANENT, Stop.NOTHING, False),
        ("isv.NOBODY_KNOWS", S.FAILED_PERMANENT, Stop.NOTHING, False),
        ("isv.SMS_SIGNATURE_ILLEGAL", S.FAILED_TEMPORARY, Stop.CHANNEL, True),
        ("isv.AMOUNT_NOT_ENOUGH", S.FAILED_TEMPORARY, Stop.CHANNEL, True),
        ("isv.OUT_OF_SERVICE", S.FAILED_TEMPORARY, Stop.CHANNEL, True),
        ("isv.ACCOUNT_ABNORMAL", S.FAILED_TEMPORARY, Stop.CHANNEL, True),
        ("isp.SYSTEM_ERROR", S.FAILED_TEMPORARY, Stop.NOTHING, True),
        ("Throttling.User", S.FAILED_TEMPORARY, Stop.NOTHING, True),
        # The number has had enough, from whomever.
        ("isv.BUSINESS_LIMIT_CONTROL", S.FAILED_TEMPORARY, Stop.NOTHING, False),
        ("SignatureNonceUsed", S.UNKNOWN, Stop.NOTHING, False),
    ],
)
def test_aliyun_says_no_with_http_200(code: str, state: MessageState, stop: Stop, elsewhere: bool) -> None:
    verdict = aliyun_answer(200, code, SECRETS, None)
    assert (verdict.outcome.state, verdict.outcome.stop, may_fail_over(verdict)) == (state, stop, elsewhere)


@pytest.mark.parametrize(
    ("status", "code", "reference"),
    [
        (200, None, None),
        (502, None, None),
        (500, "InternalError", None),
        (503, "Strange", None),
        (200, "isp.SYSTEM_ERROR", "900^0"),
    ],
)
def test_what_aliyun_may_have_carried_out_is_unknown(status: int, code: str | None, reference: str | None) -> None:
    verdict = aliyun_answer(status, code, "", reference)
    assert verdict.outcome.state is S.UNKNOWN
    assert not may_fail_over(verdict)


@pytest.mark.parametrize(
    ("message", "wait"),
    [
        ("触发分钟级流控Permits:1", timedelta(minutes=1)),
        ("触发小时级流控Permits:5", timedelta(hours=1)),
        ("触发天级流控Permits:10", timedelta(days=1)),
        ("something else", timedelta(hours=1)),
    ],
)
def test_a_limit_of_the_number_waits_until_it_is_over(message: str, wait: timedelta) -> None:
    assert aliyun_answer(200, "isv.BUSINESS_LIMIT_CONTROL", message, None).outcome.retry_after == wait


def test_aliyuns_reports_and_details_agree() -> None:
    assert aliyun_status(1, "", None).state is S.ACCEPTED  # type: ignore[union-attr]
    assert aliyun_status(2, "MK:0001", "9^0") == aliyun_report(success=False, code="MK:0001", reference="9^0")
    assert aliyun_status(3, "DELIVERED", "9^0") == aliyun_report(success=True, code="DELIVERED", reference="9^0")
    assert aliyun_status(7, "", None) is None
    assert aliyun_report(success=False, code="MOBILE_IN_BLACK", reference=None).stop is Stop.ADDRESS
    assert aliyun_report(success=False, code="MK:0001", reference=None).stop is Stop.NOTHING


@given(st.integers(0, 700), st.one_of(st.none(), st.text(max_size=40)), st.text(max_size=40))
def test_no_word_of_a_provider_reaches_the_desk(status: int, code: str | None, message: str) -> None:
    said = f"私{code}密"
    for outcome in (
        aliyun_answer(status, said, SECRETS + message, None).outcome,
        aliyun_report(success=False, code=said, reference=None),
    ):
        assert "私" not in outcome.detail
        assert "+86" not in outcome.detail


@given(st.integers(-(10**12), 10**12))
def test_a_code_is_shown_only_where_it_is_one(code: int) -> None:
    # A telephone number for a code is not shown.
    detail = twilio_refusal(400, code, None).outcome.detail
    assert str(code) not in detail or 10_000 <= code <= 99_999


@pytest.mark.parametrize("start", [S.SENDING, S.UNKNOWN, S.ACCEPTED])
@pytest.mark.parametrize("end", ["delivered", "undelivered", "failed", "canceled"])
def test_receipts_in_any_order_and_number_come_to_the_same(start: MessageState, end: str) -> None:
    reported = [twilio_status(status, 30005, 1, SID) for status in ("queued", "sending", "sent", end)]
    states = [outcome.state for outcome in reported if outcome is not None]
    for order in permutations([*states, states[-1]]):
        state = start
        for told in order:
            state = move(state, told) if may_move(state, told) else state
        assert state is states[-1]
        assert state.is_final


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), (" 7 ", 7), ("0", 0), ("999999", 86_400), ("9" * 40, 86_400)],
)
def test_retry_after_is_at_most_a_day(value: str, seconds: int) -> None:
    assert read_retry_after(value) == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", [None, "", "-1", "soon", "٧", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_another_retry_after_says_nothing(value: str | None) -> None:
    assert read_retry_after(value) is None

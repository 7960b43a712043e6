"""Aliyun, signed by hand, against a stand-in that recomputes every signature in its own way."""

import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr
from standins.aliyun_server import KEY_ID, KEY_SECRET, AliyunServer, Fault

from notifier.channels import Letter, Stop
from notifier.sms.aliyun_channel import AliyunChannel, sign
from notifier.sms.settings import AliyunSettings
from notifier.states import MessageState

MAINLAND = "+8613800000000"
S = MessageState


def channel_like(settings: AliyunSettings, clock: Any, nonces: Any, *, timeout: float = 2.0, **changes: Any) -> Any:
    return closing(AliyunChannel(settings.model_copy(update=changes), clock=clock, nonce=nonces, timeout=timeout))


def test_the_signature_is_that_of_the_published_example() -> None:
    # https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
    settings = AliyunSettings(
        access_key_id="YourAccessKeyId", access_key_secret=SecretStr("YourAccessKeySecret"), sign_name="", registered={}
    )
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    query = "&".join(
        f"{name}={quote(value, safe='')}"
        for name, value in (
            ("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"),
            ("RegionId", "cn-shanghai"),
        )
    )
    assert sign(settings, "/", query, headers) == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,"
        "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_a_message_is_accepted_with_its_number(by_aliyun: AliyunChannel, aliyun: AliyunServer, dispatch: Any) -> None:
    sent = dispatch(MAINLAND, id="d-~1*2 3".replace("~", "-").replace("*", "-").replace(" ", "-"))
    outcome = by_aliyun.deliver(sent)
    (record,) = aliyun.records
    assert (outcome.state, outcome.reference) == (S.ACCEPTED, record.biz_id)
    assert (record.phone, record.out_id, record.fields) == ("13800000000", sent.id, dict(sent.content.fields))
    assert by_aliyun.owns(record.biz_id)


def test_fields_with_every_kind_of_character_are_signed_right(
    by_aliyun: AliyunChannel, aliyun: AliyunServer, dispatch: Any
) -> None:
    content = dispatch(MAINLAND).content
    odd = {**content.fields, "court": "𠮷 +*~%&=?/#\"'\\（）;,"}
    sent = dispatch(MAINLAND, content=type(content)(text="", template=content.template, version=1, fields=odd))
    assert by_aliyun.deliver(sent).state is S.ACCEPTED
    assert aliyun.records[0].fields == odd


@pytest.mark.parametrize(
    ("changes", "stop"),
    [
        ({"access_key_secret": SecretStr("wrong")}, Stop.CHANNEL),
        ({"access_key_id": "LTAI-unknown"}, Stop.CHANNEL),
        ({"sign_name": "没有登记的签名"}, Stop.CHANNEL),
    ],
)
def test_what_is_wrong_with_the_account_loses_no_message(
    aliyun_settings: AliyunSettings, clock: Any, nonces: Any, dispatch: Any, changes: dict[str, Any], stop: Stop
) -> None:
    with channel_like(aliyun_settings, clock, nonces, **changes) as channel:
        outcome = channel.deliver(dispatch(MAINLAND))
    assert (outcome.state, outcome.stop) == (S.FAILED_TEMPORARY, stop)


def test_an_empty_balance_stops_the_channel_though_http_says_200(
    by_aliyun: AliyunChannel, aliyun: AliyunServer, dispatch: Any
) -> None:
    aliyun.balance = 0
    outcome = by_aliyun.deliver(dispatch(MAINLAND))
    assert (outcome.state, outcome.stop) == (S.FAILED_TEMPORARY, Stop.CHANNEL)


def test_a_clock_that_is_wrong_is_told(aliyun_settings: AliyunSettings, clock: Any, nonces: Any, dispatch: Any) -> None:
    with channel_like(aliyun_settings, lambda: clock() + timedelta(hours=1), nonces) as channel:
        outcome = channel.deliver(dispatch(MAINLAND))
    assert (outcome.state, outcome.stop) == (S.FAILED_TEMPORARY, Stop.CHANNEL)
    assert "时钟" in outcome.detail


def test_a_number_that_has_had_enough_waits(by_aliyun: AliyunChannel, aliyun: AliyunServer, dispatch: Any) -> None:
    aliyun.limit = 1
    assert by_aliyun.deliver(dispatch(MAINLAND)).state is S.ACCEPTED
    verdict = by_aliyun.attempt(dispatch(MAINLAND))
    assert (verdict.outcome.state, verdict.outcome.retry_after) == (S.FAILED_TEMPORARY, timedelta(days=1))
    assert not verdict.elsewhere


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.SYSTEM_ERROR, Fault.UNAVAILABLE])
def test_what_passes_is_temporary(by_aliyun: AliyunChannel, aliyun: AliyunServer, dispatch: Any, fault: Fault) -> None:
    aliyun.faults = [fault]
    verdict = by_aliyun.attempt(dispatch(MAINLAND))
    assert verdict.outcome.state is S.FAILED_TEMPORARY
    assert verdict.elsewhere
    assert aliyun.records == []


@pytest.mark.parametrize(
    "fault", [Fault.LOST_ANSWER, Fault.LOST_REQUEST, Fault.BAD_GATEWAY, Fault.HTML, Fault.TOO_LONG]
)
def test_what_may_have_been_carried_out_is_unknown(
    by_aliyun: AliyunChannel, aliyun: AliyunServer, dispatch: Any, fault: Fault
) -> None:
    aliyun.faults = [fault]
    verdict = by_aliyun.attempt(dispatch(MAINLAND))
    assert verdict.outcome.state is S.UNKNOWN
    assert not verdict.elsewhere
    assert aliyun.actions == ["SendSms"]


def test_a_late_answer_is_not_waited_for_for_ever(
    aliyun_settings: AliyunSettings, aliyun: AliyunServer, clock: Any, nonces: Any, dispatch: Any
) -> None:
    aliyun.faults = [Fault.LATE_ANSWER]
    with channel_like(aliyun_settings, clock, nonces, timeout=0.3) as channel, ThreadPoolExecutor() as pool:
        calling = pool.submit(channel.deliver, dispatch(MAINLAND))
        try:
            assert calling.result(5).state is S.UNKNOWN
        finally:
            aliyun.let_go.set()
    assert len(aliyun.records) == 1


def test_without_a_connection_nothing_was_sent(
    aliyun_settings: AliyunSettings, clock: Any, nonces: Any, dispatch: Any
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with channel_like(aliyun_settings, clock, nonces, base_url=f"http://127.0.0.1:{port}") as channel:
        verdict = channel.attempt(dispatch(MAINLAND))
    assert verdict.outcome.state is S.FAILED_TEMPORARY
    assert verdict.elsewhere


def test_a_connection_that_never_comes_about_sent_nothing(
    aliyun_settings: AliyunSettings, clock: Any, nonces: Any, dispatch: Any, silent_port: int
) -> None:
    base_url = f"http://127.0.0.1:{silent_port}"
    with channel_like(aliyun_settings, clock, nonces, base_url=base_url, timeout=0.3) as channel:
        assert channel.deliver(dispatch(MAINLAND)).state is S.FAILED_TEMPORARY


def test_nothing_is_sent_to_who_cannot_prove_to_be_aliyun(
    aliyun_settings: AliyunSettings, aliyun: AliyunServer, clock: Any, nonces: Any, dispatch: Any, impostor: str
) -> None:
    with channel_like(aliyun_settings, clock, nonces, base_url=impostor) as channel:
        verdict = channel.attempt(dispatch(MAINLAND))
    assert verdict.outcome.state is S.FAILED_TEMPORARY
    assert verdict.elsewhere
    assert aliyun.actions == []


def test_the_same_nonce_twice_leaves_the_end_unknown(
    aliyun_settings: AliyunSettings, clock: Any, dispatch: Any
) -> None:
    with channel_like(aliyun_settings, clock, lambda: "always-the-same") as channel:
        assert channel.deliver(dispatch(MAINLAND)).state is S.ACCEPTED
        assert channel.deliver(dispatch(MAINLAND)).state is S.UNKNOWN


def test_what_aliyun_would_refuse_is_not_offered(by_aliyun: AliyunChannel, aliyun: AliyunServer, dispatch: Any) -> None:
    content = dispatch(MAINLAND).content
    older = type(content)(text=content.text, template=content.template, version=2, fields=content.fields)
    for sent in (
        dispatch("+12025550123"),
        dispatch(MAINLAND, links=True),
        dispatch(MAINLAND, content=older),
        dispatch(MAINLAND, content=Letter(subject="函", text="文")),
    ):
        assert by_aliyun.deliver(sent).state is S.FAILED_PERMANENT
    assert aliyun.actions == []


def test_a_template_that_is_not_registered_there_is_refused(
    aliyun_settings: AliyunSettings, aliyun: AliyunServer, clock: Any, nonces: Any, dispatch: Any
) -> None:
    registered = {("debtor_departure_confirmed", 1): "SMS_9"}
    with channel_like(aliyun_settings, clock, nonces, registered=registered) as channel:
        assert channel.deliver(dispatch(MAINLAND)).state is S.FAILED_PERMANENT
    assert aliyun.records == []


# Looking up


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [(1, "", S.ACCEPTED), (2, "MK:0001", S.FAILED_PERMANENT), (3, "DELIVERED", S.DELIVERED)],
)
def test_a_lost_answer_is_found_again_by_our_own_id(
    by_aliyun: AliyunChannel, aliyun: AliyunServer, dispatch: Any, status: int, code: str, state: MessageState
) -> None:
    by_aliyun.deliver(dispatch(MAINLAND))
    aliyun.faults = [Fault.LOST_ANSWER]
    sent = dispatch(MAINLAND)
    assert by_aliyun.deliver(sent).state is S.UNKNOWN
    aliyun.records[1].send_status, aliyun.records[1].err_code = status, code
    found = by_aliyun.look_up(sent, None)
    assert found is not None
    assert found.state is state


def test_a_message_that_never_arrived_may_be_sent_again_when_that_is_sure(
    by_aliyun: AliyunChannel, aliyun: AliyunServer, clock: Any, dispatch: Any
) -> None:
    aliyun.faults = [Fault.LOST_REQUEST]
    sent = dispatch(MAINLAND)
    by_aliyun.deliver(sent)
    clock.pass_time(minutes=5)
    assert by_aliyun.look_up(sent, None) is None
    clock.pass_time(minutes=10)
    found = by_aliyun.look_up(sent, None)
    assert found is not None
    assert found.state is S.FAILED_TEMPORARY
    clock.pass_time(days=40)
    # By then the provider has forgotten what it had.
    assert by_aliyun.look_up(sent, None) is None


def test_the_day_is_that_of_beijing(by_aliyun: AliyunChannel, aliyun: AliyunServer, clock: Any, dispatch: Any) -> None:
    clock.now = datetime(2026, 10, 8, 15, 59, 50, tzinfo=UTC)
    sent = dispatch(MAINLAND)
    clock.pass_time(seconds=20)
    # Past midnight in Beijing, and still the eighth in Greenwich.
    by_aliyun.deliver(sent)
    found = by_aliyun.look_up(sent, None)
    assert found is not None
    assert found.state is S.ACCEPTED


@pytest.mark.long
def test_a_long_day_is_read_page_by_page(by_aliyun: AliyunChannel, aliyun: AliyunServer, dispatch: Any) -> None:
    aliyun.limit = 100
    for _ in range(50):
        by_aliyun.deliver(dispatch(MAINLAND))
    sent = dispatch(MAINLAND)
    reference = by_aliyun.deliver(sent).reference
    assert by_aliyun.look_up(sent, None).state is S.ACCEPTED  # type: ignore[union-attr]
    found = by_aliyun.look_up(sent, reference)
    assert found is not None
    assert found.reference == reference


@pytest.mark.parametrize("fault", [Fault.HTML, Fault.UNAVAILABLE, Fault.THROTTLED, Fault.LOST_REQUEST, Fault.TOO_LONG])
def test_a_look_up_that_fails_knows_nothing(
    by_aliyun: AliyunChannel, aliyun: AliyunServer, clock: Any, dispatch: Any, fault: Fault
) -> None:
    sent = dispatch(MAINLAND)
    clock.pass_time(hours=1)
    aliyun.faults = [fault]
    assert by_aliyun.look_up(sent, None) is None


def test_no_number_and_no_secret_is_in_a_log_or_an_outcome(
    by_aliyun: AliyunChannel, aliyun: AliyunServer, dispatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = []
    for fault in (None, *Fault):
        if fault is not Fault.LATE_ANSWER:
            aliyun.faults = [fault] if fault else []
            sent = dispatch(MAINLAND)
            said += [by_aliyun.deliver(sent), by_aliyun.look_up(sent, None)]
    logged = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    for secret in (KEY_ID, KEY_SECRET, "13800000000", "测试市", quote("测试市")):
        assert secret not in logged
        assert all(outcome is None or secret not in outcome.detail for outcome in said)

"""The SMS channel: by country, and to the second provider only when the first clearly did not accept."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from pydantic import SecretStr
from standins import aliyun_server, twilio_server
from standins.aliyun_server import AliyunServer
from standins.twilio_server import TwilioServer

from notifier.channels import Channel, Stop
from notifier.sms.channel import SmsChannel, open_sms
from notifier.sms.routing import NO_MAINLAND_ROUTE
from notifier.sms.settings import SmsSettings
from notifier.states import MessageState

ABROAD = "+12025550123"
MAINLAND = "+8613800000000"
S = MessageState


@pytest.fixture
def settings(twilio_settings: Any, aliyun_settings: Any) -> SmsSettings:
    return SmsSettings(
        twilio=twilio_settings,
        aliyun=aliyun_settings,
        gateway_url="https://gateway.example.invalid",
        mainland=("aliyun", "twilio"),
    )


@pytest.fixture
def opened(settings: SmsSettings, clock: Any, nonces: Any) -> Iterator[SmsChannel]:
    channel = open_sms(settings, clock=clock, nonce=nonces)
    assert channel is not None
    with closing(channel):
        yield channel


def reopened(settings: SmsSettings, clock: Any, nonces: Any, **changes: Any) -> Any:
    channel = open_sms(settings.model_copy(update=changes), clock=clock, nonce=nonces)
    assert channel is not None
    return closing(channel)


def test_each_number_goes_by_its_country(
    opened: SmsChannel, twilio: TwilioServer, aliyun: AliyunServer, dispatch: Any
) -> None:
    channel: Channel = opened
    assert channel.deliver(dispatch(MAINLAND)).state is S.ACCEPTED
    assert channel.deliver(dispatch(ABROAD)).state is S.ACCEPTED
    assert [record.phone for record in aliyun.records] == ["13800000000"]
    assert [message.to for message in twilio.messages] == [ABROAD]
    assert not channel.repeatable


def test_the_mainland_waits_with_a_reason_until_a_route_is_chosen(
    settings: SmsSettings, twilio: TwilioServer, aliyun: AliyunServer, clock: Any, nonces: Any, dispatch: Any
) -> None:
    with reopened(settings, clock, nonces, mainland=()) as channel:
        assert channel.waits_for(MAINLAND) == NO_MAINLAND_ROUTE.reason
        assert channel.waits_for(ABROAD) is None
        outcome = channel.deliver(dispatch(MAINLAND))
        assert (outcome.state, outcome.detail) == (S.FAILED_TEMPORARY, NO_MAINLAND_ROUTE.reason)
        # So the channel pauses with the reason, and no attempt is used up while it waits.
        assert outcome.stop is Stop.CHANNEL
        assert channel.look_up(dispatch(MAINLAND), None) is None
    assert (twilio.requests, aliyun.actions) == ([], [])


@pytest.mark.parametrize("address", [None, "", "13800000000", "whatsapp:+12025550123"])
def test_what_is_no_number_is_refused_and_stops_nothing(opened: SmsChannel, dispatch: Any, address: str | None) -> None:
    outcome = opened.deliver(dispatch(address))
    assert (outcome.state, outcome.stop) == (S.FAILED_PERMANENT, Stop.NOTHING)


def test_a_text_with_an_address_goes_abroad_only(
    opened: SmsChannel, twilio: TwilioServer, aliyun: AliyunServer, dispatch: Any
) -> None:
    outcome = opened.deliver(dispatch(MAINLAND, links=True))
    assert (outcome.state, outcome.stop) == (S.FAILED_PERMANENT, Stop.NOTHING)
    assert "网址" in outcome.detail
    assert (twilio.requests, aliyun.actions) == ([], [])
    assert opened.deliver(dispatch(ABROAD, links=True)).state is S.ACCEPTED


def test_nobody_is_set_up_and_there_is_no_channel(clock: Any, nonces: Any) -> None:
    assert open_sms(SmsSettings(), clock=clock, nonce=nonces) is None


@pytest.mark.parametrize("fault", [aliyun_server.Fault.THROTTLED, aliyun_server.Fault.SYSTEM_ERROR])
def test_what_was_clearly_not_accepted_goes_to_the_second(
    opened: SmsChannel, twilio: TwilioServer, aliyun: AliyunServer, dispatch: Any, fault: aliyun_server.Fault
) -> None:
    aliyun.faults = [fault]
    outcome = opened.deliver(dispatch(MAINLAND))
    assert (outcome.state, outcome.reference) == (S.ACCEPTED, twilio.messages[0].sid)
    assert aliyun.records == []


def test_an_empty_balance_goes_to_the_second(
    opened: SmsChannel, twilio: TwilioServer, aliyun: AliyunServer, dispatch: Any
) -> None:
    aliyun.balance = 0
    assert opened.deliver(dispatch(MAINLAND)).state is S.ACCEPTED
    assert len(twilio.messages) == 1


@pytest.mark.parametrize(
    "fault",
    [
        aliyun_server.Fault.LOST_ANSWER,
        aliyun_server.Fault.LOST_REQUEST,
        aliyun_server.Fault.BAD_GATEWAY,
        aliyun_server.Fault.HTML,
    ],
)
def test_what_may_have_been_accepted_goes_nowhere_else(
    opened: SmsChannel, twilio: TwilioServer, aliyun: AliyunServer, dispatch: Any, fault: aliyun_server.Fault
) -> None:
    aliyun.faults = [fault]
    assert opened.deliver(dispatch(MAINLAND)).state is S.UNKNOWN
    assert twilio.requests == []


def test_neither_does_what_the_number_or_the_words_are_refused_for(
    opened: SmsChannel, twilio: TwilioServer, aliyun: AliyunServer, dispatch: Any
) -> None:
    aliyun.limit = 0
    assert opened.deliver(dispatch(MAINLAND)).state is S.FAILED_TEMPORARY
    aliyun.black.add("13800000001")
    assert opened.deliver(dispatch("+8613800000001")).state is S.FAILED_PERMANENT
    assert twilio.requests == []


def test_a_single_route_fails_over_to_nobody(
    settings: SmsSettings, twilio: TwilioServer, aliyun: AliyunServer, clock: Any, nonces: Any, dispatch: Any
) -> None:
    aliyun.balance = 0
    with reopened(settings, clock, nonces, mainland=("aliyun",)) as channel:
        outcome = channel.deliver(dispatch(MAINLAND))
    assert (outcome.state, outcome.stop) == (S.FAILED_TEMPORARY, Stop.CHANNEL)
    assert twilio.requests == []


def test_a_reference_is_asked_of_whose_it_is(
    opened: SmsChannel, twilio: TwilioServer, aliyun: AliyunServer, dispatch: Any
) -> None:
    first, second = dispatch(MAINLAND), dispatch(MAINLAND)
    by_first = opened.deliver(first).reference
    aliyun.balance = 0
    by_second = opened.deliver(second).reference
    asked = len(aliyun.actions)
    found = opened.look_up(second, by_second)
    assert found is not None
    assert found.state is S.ACCEPTED
    assert len(aliyun.actions) == asked
    assert opened.look_up(first, by_first).state is S.ACCEPTED  # type: ignore[union-attr]
    assert opened.look_up(first, "nobody's") is None


def test_a_message_is_nowhere_only_when_every_provider_says_so(
    opened: SmsChannel, twilio: TwilioServer, aliyun: AliyunServer, clock: Any, dispatch: Any
) -> None:
    aliyun.balance, twilio.faults = 0, [twilio_server.Fault.LOST_ANSWER]
    sent = dispatch(MAINLAND)
    assert opened.deliver(sent).state is S.UNKNOWN
    clock.pass_time(minutes=20)
    # The first has never had it; the second has.
    assert opened.look_up(sent, None).reference == twilio.messages[0].sid  # type: ignore[union-attr]
    twilio.messages.clear()
    twilio.list_faults = [twilio_server.Fault.HTML]
    assert opened.look_up(sent, None) is None
    assert opened.look_up(sent, None).state is S.FAILED_TEMPORARY  # type: ignore[union-attr]


def test_a_wrong_secret_is_in_no_repr(settings: SmsSettings, opened: SmsChannel) -> None:
    assert settings.twilio is not None
    assert isinstance(settings.twilio.auth_token, SecretStr)
    assert twilio_server.TOKEN not in repr(opened) + repr(settings)
    assert aliyun_server.KEY_SECRET not in repr(opened) + repr(settings)

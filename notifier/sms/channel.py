"""The SMS channel that the outbox knows, under the two names of `routing.SMS_CHANNELS`: routes by country, and goes on to
the next provider only where the one before clearly did not accept the message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from notifier.channels import Dispatch, Outcome, ShortMessage, Stop
from notifier.sms.aliyun_channel import AliyunChannel
from notifier.sms.numbers import is_e164
from notifier.sms.outcomes import ALIYUN, TWILIO, Verdict
from notifier.sms.receipts import STATUS_PATH
from notifier.sms.routing import Routes, Waits, choose_route, find_unfit, may_fail_over
from notifier.sms.settings import SmsSettings
from notifier.sms.twilio_channel import TwilioChannel
from notifier.states import MessageState

_NO_NUMBER = Outcome(state=MessageState.FAILED_PERMANENT, detail="接收号码不是国际格式的手机号码")


class Provider(Protocol):
    """One provider of SMS: a channel that also says whether another may be tried, and which references are its own."""

    def attempt(self, dispatch: Dispatch) -> Verdict: ...

    def look_up(self, dispatch: Dispatch, reference: str | None) -> Outcome | None: ...

    def owns(self, reference: str) -> bool: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SmsChannel:
    """Sends by `providers`, by name, along `routes`."""

    routes: Routes
    providers: Mapping[str, Provider]
    repeatable: bool = False

    def waits_for(self, address: str) -> str | None:
        """Why messages to this E.164 number wait, in Chinese; None when they may be sent."""
        route = choose_route(address, self.routes)
        return route.reason if isinstance(route, Waits) else None

    def deliver(self, dispatch: Dispatch) -> Outcome:
        if dispatch.address is None or not is_e164(dispatch.address):
            return _NO_NUMBER
        text = dispatch.content.text if isinstance(dispatch.content, ShortMessage) else ""
        unfit = find_unfit(dispatch.address, text)
        if unfit is not None:
            return Outcome(state=MessageState.FAILED_PERMANENT, detail=unfit)
        route = choose_route(dispatch.address, self.routes)
        if isinstance(route, Waits):
            # The channel of this country pauses with the reason; its messages lose nothing by waiting.
            return Outcome(state=MessageState.FAILED_TEMPORARY, detail=route.reason, stop=Stop.CHANNEL)
        verdict = self.providers[route[0]].attempt(dispatch)
        for name in route[1:]:
            if not may_fail_over(verdict):
                break
            verdict = self.providers[name].attempt(dispatch)
        return verdict.outcome

    def look_up(self, dispatch: Dispatch, reference: str | None) -> Outcome | None:
        if reference is not None:
            owner = next((p for p in self.providers.values() if p.owns(reference)), None)
            return owner.look_up(dispatch, reference) if owner else None
        route = choose_route(dispatch.address or "", self.routes)
        return None if isinstance(route, Waits) else _agree([self.providers[n].look_up(dispatch, None) for n in route])

    def close(self) -> None:
        for provider in self.providers.values():
            provider.close()


def open_sms(
    settings: SmsSettings,
    *,
    clock: Callable[[], datetime],
    nonce: Callable[[], str],
    is_taken: Callable[[str], bool] = lambda reference: False,
) -> SmsChannel | None:
    """The channel of these settings; None when no provider is set up. For `nonce` and `is_taken` see the providers."""
    providers: dict[str, Provider] = {}
    if settings.twilio is not None:
        callback = settings.gateway_url + STATUS_PATH
        providers[TWILIO] = TwilioChannel(settings.twilio, callback, clock=clock, is_taken=is_taken)
    if settings.aliyun is not None:
        providers[ALIYUN] = AliyunChannel(settings.aliyun, clock=clock, nonce=nonce)
    return SmsChannel(settings.routes, providers) if providers else None


def _agree(found: list[Outcome | None]) -> Outcome | None:
    # What one provider has is what happened; that it has nowhere been is known only when all say so.
    there = next((o for o in found if o is not None and o.state is not MessageState.FAILED_TEMPORARY), None)
    if there is not None or None in found:
        return there
    return next(iter(found), None)

"""SMS by Twilio, with its official client.

A send to Messages is not idempotent and has no key that would make it so: what may have been carried out is UNKNOWN,
and is looked up before anything else. The status callback carries our own dispatch id, so a receipt finds its message
even when the answer to the send was lost.
"""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, SSLError

from notifier.channels import Dispatch, Outcome, ShortMessage
from notifier.sms.numbers import is_e164
from notifier.sms.outcomes import (
    TWILIO,
    Verdict,
    not_known_there,
    not_reached,
    read_retry_after,
    refused_here,
    twilio_refusal,
    twilio_status,
    unreadable,
)
from notifier.sms.settings import TwilioSettings

Clock = Callable[[], datetime]

TIMEOUT = 10.0
# Twilio tries a callback again when we cannot be reached or say 5xx. What follows # is not sent, nor signed.
_CALLBACK_RETRIES = "#rc=3&rp=ct,rt,5xx"
# Its clock and ours may differ by so much.
_SKEW = timedelta(minutes=2)
# From then on a message that Twilio has not got is not going to appear any more.
_SETTLED = timedelta(minutes=15)
# Without a beginning, how far back a message may lie.
_LOOK_BACK = timedelta(days=2)
_MOST_LISTED = 200
_CONNECTIONS = 64

# The client tells its log whom it writes to and asks about.
_SILENT = logging.getLogger(f"{__name__}.client")
_SILENT.disabled = True


class _WithoutNumbers(logging.Filter):
    """Keeps lines of the connection pool out of the log that name a number in the query of a list."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "/Messages" not in record.getMessage()


_POOL = logging.getLogger("urllib3.connectionpool")
_WITHOUT_NUMBERS = _WithoutNumbers()


class _Refusal(Exception):
    """An answer that is not 2xx. The client's own exceptions are of two families, drop Retry-After, and take the status
    from the body; the body itself may repeat the number, so nothing of it is kept but the code."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.status: int = response.status_code
        self.code = _read_code(response.text)
        self.retry_after = read_retry_after(response.headers.get("Retry-After"))


class _Line(TwilioHttpClient):  # type: ignore[misc]
    """The client's HTTP: to one address whatever the product, always with a timeout, and silent."""

    def __init__(self, base_url: str, timeout: float) -> None:
        super().__init__(timeout=timeout, logger=_SILENT)
        # The client keeps as many connections as there are processors, and opens one anew for every other sender.
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))
        self._base = urlsplit(base_url)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        asked = urlsplit(url)
        path = self._base.path.rstrip("/") + asked.path
        address = urlunsplit((self._base.scheme, self._base.netloc, path, asked.query, ""))
        response = super().request(method, address, *args, **kwargs)
        if not 200 <= response.status_code < 300:
            raise _Refusal(response)
        return response

    def close(self) -> None:
        self.session.close()


class TwilioChannel:
    """Sends by Twilio. `callback_url` is `/twilio/status` as Twilio sees it; `is_taken` says whether a message's SID is
    already known to be another dispatch's, so that of two equal texts each finds its own."""

    repeatable = False

    def __init__(
        self,
        settings: TwilioSettings,
        callback_url: str,
        *,
        clock: Clock,
        is_taken: Callable[[str], bool] = lambda reference: False,
        timeout: float = TIMEOUT,
    ) -> None:
        if _WITHOUT_NUMBERS not in _POOL.filters:
            _POOL.addFilter(_WITHOUT_NUMBERS)
        self._settings = settings
        self._callback_url = callback_url
        self._clock = clock
        self._is_taken = is_taken
        self._line = _Line(settings.base_url, timeout)
        self._client = Client(
            settings.account_sid, settings.auth_token.get_secret_value(), http_client=self._line, environment={"": ""}
        )

    def deliver(self, dispatch: Dispatch) -> Outcome:
        return self.attempt(dispatch).outcome

    def attempt(self, dispatch: Dispatch) -> Verdict:
        """Send once; also whether another provider may be tried."""
        content = dispatch.content
        if not isinstance(content, ShortMessage) or dispatch.address is None or not is_e164(dispatch.address):
            return refused_here(TWILIO, "不是发往手机号码的短信")
        try:
            message = self._client.messages.create(
                to=dispatch.address, body=content.text, status_callback=self._callback(dispatch), **self._sender()
            )
        except _Refusal as refusal:
            return twilio_refusal(refusal.status, refusal.code, refusal.retry_after)
        except requests.RequestException as error:
            return not_reached(TWILIO) if _never_left(error) else unreadable(TWILIO)
        except Exception:  # whatever the client makes of an answer it did not expect, the request went out
            return unreadable(TWILIO)
        return _read_accepted(message, dispatch.attempt)

    def look_up(self, dispatch: Dispatch, reference: str | None) -> Outcome | None:
        try:
            return self._fetch(dispatch, reference) if reference else self._find(dispatch)
        except Exception:  # not knowing is no failure, and the next look-up comes
            return None

    def owns(self, reference: str) -> bool:
        """Whether `reference` is one of Twilio's message SIDs."""
        return reference[:2] in ("SM", "MM") and len(reference) == 34

    def close(self) -> None:
        self._line.close()

    def _sender(self) -> dict[str, str]:
        if self._settings.messaging_service_sid:
            return {"messaging_service_sid": self._settings.messaging_service_sid}
        return {"from_": self._settings.sender}

    def _callback(self, dispatch: Dispatch) -> str:
        query = urlencode({"dispatch": dispatch.id, "attempt": dispatch.attempt})
        return f"{self._callback_url}?{query}{_CALLBACK_RETRIES}"

    def _fetch(self, dispatch: Dispatch, reference: str) -> Outcome | None:
        return _read(self._client.messages(reference).fetch(), dispatch.attempt)

    def _find(self, dispatch: Dispatch) -> Outcome | None:
        # By number alone: the filter by DateSent leaves out what is not sent yet.
        listed = self._client.messages.list(to=dispatch.address, limit=_MOST_LISTED)
        since = (dispatch.begun_at - _SKEW) if dispatch.begun_at else (self._clock() - _LOOK_BACK)
        candidates = [message for message in listed if self._may_be(message, since)]
        text = dispatch.content.text if isinstance(dispatch.content, ShortMessage) else None
        own = [message for message in candidates if message.body == text]
        if own:
            return _read(own[-1], dispatch.attempt)
        settled = dispatch.begun_at is not None and self._clock() - dispatch.begun_at >= _SETTLED
        # Another text to this number might be ours as the provider rewrote it.
        return not_known_there(TWILIO) if settled and not candidates else None

    def _may_be(self, message: Any, since: datetime) -> bool:
        if str(message.direction).startswith("inbound") or self._is_taken(str(message.sid)):
            return False
        created = message.date_created
        return not isinstance(created, datetime) or created.astimezone(UTC) >= since.astimezone(UTC)


def _read_accepted(message: Any, attempt: int) -> Verdict:
    outcome = _read(message, attempt)
    return Verdict(outcome=outcome) if outcome is not None else unreadable(TWILIO)


def _read(message: Any, attempt: int) -> Outcome | None:
    if not isinstance(message.sid, str) or not message.sid:
        return None
    status = message.status if isinstance(message.status, str) else None
    return twilio_status(status, _integer(message.error_code), attempt, message.sid)


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _read_code(text: str) -> int | None:
    try:
        body = json.loads(text)
    except ValueError:
        return None
    return _integer(body.get("code")) if isinstance(body, dict) else None


def _never_left(error: requests.RequestException) -> bool:
    # Only what failed while connecting: a connection that was lost later may have carried the request.
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, SSLError):
        return bool(reason.args) and isinstance(reason.args[0], ssl.SSLCertVerificationError)
    connecting = isinstance(reason, NewConnectionError | ConnectTimeoutError)
    return connecting or isinstance(error, requests.exceptions.ProxyError)

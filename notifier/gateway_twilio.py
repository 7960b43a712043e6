"""What Twilio calls: `/twilio/status` and `/twilio/inbound`. A blueprint without a sign-in: the signature is it.

Every answer comes within a few seconds, whatever the database does: Twilio waits fifteen, and calls again when it is
told 503. No body leads to a 500.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from threading import BoundedSemaphore

import structlog
from flask import Blueprint, Response, request

from notifier.sms.receipts import (
    INBOUND_PATH,
    LARGEST_BODY,
    STATUS_PATH,
    Event,
    Refused,
    TwilioRequest,
    read_twilio_inbound,
    read_twilio_status,
)
from notifier.sms.settings import SmsSettings

ANSWER_WITHIN = 5.0
_WORKERS = 4
_MOST_WAITING = 64
_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'

# Applies an event; one with a key that was applied before changes nothing.
Apply = Callable[[Event], None]
_Read = Callable[[TwilioRequest], tuple[Event, ...] | Refused]

_log = structlog.get_logger("notifier.gateway")


class Applier:
    """Applies events in threads of its own, so that a slow database does not keep the answer. The threads begin with the
    first event, so it may be made before a server forks."""

    def __init__(self, apply: Apply, within: float, name: str = "twilio") -> None:
        self._apply = apply
        self._within = within
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix=name)
        self._room = BoundedSemaphore(_MOST_WAITING)

    def apply(self, events: tuple[Event, ...]) -> bool:
        """Whether all were applied in time. What took longer may still be: events can be applied again."""
        if not self._room.acquire(blocking=False):
            return False
        try:
            running = self._pool.submit(self._run, events)
        except RuntimeError:  # the process is ending
            self._room.release()
            return False
        try:
            return running.result(self._within)
        except TookTooLong:
            return False

    def _run(self, events: tuple[Event, ...]) -> bool:
        try:
            for event in events:
                self._apply(event)
        except Exception as error:
            # The text of an error of the database may hold the values it was given.
            _log.error("receipt_not_applied", error=type(error).__name__)
            return False
        finally:
            self._room.release()
        return True


def twilio_gateway(
    settings: SmsSettings, apply: Apply, *, within: float = ANSWER_WITHIN, name: str = "twilio"
) -> Blueprint:
    """The two addresses; without settings for Twilio there is neither. Answers within `within` seconds."""
    pages = Blueprint(name, __name__)
    if settings.twilio is None:
        return pages
    url, token = settings.gateway_url, settings.twilio.auth_token.get_secret_value()
    applier = Applier(apply, within)

    @pages.post(STATUS_PATH)
    def status() -> Response:
        return _answer(applier, lambda r: read_twilio_status(r, gateway_url=url, token=token), "text/plain", "")

    @pages.post(INBOUND_PATH)
    def inbound() -> Response:
        return _answer(applier, lambda r: read_twilio_inbound(r, gateway_url=url, token=token), "text/xml", _TWIML)

    return pages


def _answer(applier: Applier, read: _Read, mimetype: str, text: str) -> Response:
    # A longer body is refused with 413 while it is read.
    request.max_content_length = LARGEST_BODY
    read_request = TwilioRequest(
        path=request.path,
        query=request.query_string,
        body=request.get_data(cache=False, parse_form_data=False),
        signature=request.headers.get("X-Twilio-Signature", ""),
    )
    events = read(read_request)
    if isinstance(events, Refused):
        return Response(status=events.status)
    if events and not applier.apply(events):
        return Response(status=503, headers={"Retry-After": "30"})
    return Response(text, mimetype=mimetype, headers={"Cache-Control": "no-store"})

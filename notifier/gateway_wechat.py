"""The address that WeChat calls. Every call is authenticated, answered within a second, and counts once.

What takes longer is answered `success`, which keeps WeChat from asking again, and goes on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from threading import BoundedSemaphore, Event, Lock

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from notifier.wechat import wording
from notifier.wechat.conversation import Answer, Conversation, Follow, Unfollow
from notifier.wechat.inbound import MOST_BYTES, Echo, Received, Refusal, read_echo, read_request
from notifier.wechat.messages import (
    Joined,
    Left,
    MassReported,
    Message,
    Pressed,
    Said,
    Scanned,
    SubscriptionAnswered,
    SubscriptionReported,
    TemplateReported,
    Unhandled,
)
from notifier.wechat.pace import Pace, PaceKeeper
from notifier.wechat.receipts import ReceiptArrived, read_receipt
from notifier.wechat.replies import SUCCESS, close_envelope, render_text
from notifier.wechat.settings import WeChatSettings
from search_index.register import RegisterUnavailable

# What the gateway finds out, for whoever writes it down. Each is safe to apply twice.
WeChatEvent = Follow | Unfollow | ReceiptArrived | SubscriptionAnswered

WITHIN = 0.8  # seconds
_WORKERS = 8
_WAITING = 64
_RETRIES = (0.2, 1.0, 5.0)  # seconds to wait before trying again to write down what arrived

_log = structlog.get_logger("notifier")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayHooks:
    """What the gateway calls. `seen_before` remembers a key, and says whether it knew it; `apply_events` writes events
    down, raising where it cannot; `answer_later` sends an openid what came too late for its request, composed at the
    moment of sending, or is None where the account has no right to."""

    seen_before: Callable[[str, datetime], bool]
    apply_events: Callable[[Sequence[WeChatEvent]], None]
    clock: Callable[[], datetime]
    answer_later: Callable[[str, Callable[[], str]], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """What a request comes to; an empty text is `success`. `again` says the text as the list is by then."""

    status: int
    text: str = ""
    again: Callable[[], str] | None = None


_DONE = _Reply(status=200)
# WeChat asks again, and finds us in a better state.
_AGAIN = _Reply(status=503)


def wechat_gateway(
    settings: WeChatSettings,
    conversation: Conversation,
    hooks: GatewayHooks,
    *,
    pace: Pace | None = None,
    within: float = WITHIN,
    name: str = "wechat_gateway",
) -> Blueprint:
    """The address `/wechat`. `within` is how long a request may take, in seconds."""
    pages = Blueprint(name, __name__)
    desk = _Desk(conversation, hooks, PaceKeeper(pace or Pace()))
    turns = _Turns(within, hooks.answer_later)

    @pages.get("/wechat")
    def echo() -> Response:
        read = read_echo(request.args, settings, hooks.clock())
        return Response(read.text, mimetype="text/plain") if isinstance(read, Echo) else _refuse(read)

    @pages.post("/wechat")
    def receive() -> Response:
        received = read_request(request.args, _read_body(), settings, hooks.clock())
        if isinstance(received, Refusal):
            return _refuse(received)
        reply = turns.take(received.messages, desk.handle)
        return _respond(received, reply, hooks.clock())

    @pages.after_request
    def keep_plain(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response

    return pages


def _read_body() -> bytes:
    """The body; nothing where it is too long, or does not come."""
    request.max_content_length = MOST_BYTES
    try:
        return request.get_data(cache=False)
    except (HTTPException, OSError):
        return b""


def _refuse(refusal: Refusal) -> Response:
    _log.info("wechat_refused", status=refusal.status, reason=refusal.reason)
    return Response(status=refusal.status)


def _respond(received: Received, reply: _Reply, now: datetime) -> Response:
    if reply.status != 200 or not reply.text:
        return Response(SUCCESS if reply.status == 200 else "", status=reply.status, mimetype="text/plain")
    xml = render_text(reply.text, received.messages[0], now)
    if received.envelope is not None:
        xml = close_envelope(xml, received.envelope, now)
    return Response(xml, mimetype="application/xml")


class _Desk:
    """Handles what arrived: reports and departures are written down, everything else is answered once."""

    def __init__(self, conversation: Conversation, hooks: GatewayHooks, paces: PaceKeeper) -> None:
        self._conversation = conversation
        self._hooks = hooks
        self._paces = paces

    def handle(self, messages: Sequence[Message]) -> _Reply:
        events = [event for message in messages if (event := _read_event(message))]
        if events:
            return self._write_down(events)
        return self._answer(messages[0])

    def _write_down(self, events: Sequence[WeChatEvent]) -> _Reply:
        # No memory of the key: applying is safe to repeat, and a key remembered before a failure would lose the event.
        try:
            self._hooks.apply_events(events)
        except Exception as error:
            _log.warning("wechat_event_not_applied", error=type(error).__name__)
            return _AGAIN
        return _DONE

    def _answer(self, message: Message) -> _Reply:
        if not isinstance(message, Said | Pressed | Scanned | Joined) and not _is_spoken(message):
            return _DONE
        try:
            if not self._paces.allows(message.follower, self._hooks.clock()):
                return _Reply(status=200, text=wording.TOO_FAST)
            if self._hooks.seen_before(message.key, self._hooks.clock()):
                return _DONE
            reply = self._carry_out(self._conversation.answer(message, self._hooks.clock()))
            return replace(reply, again=lambda: self._conversation.answer(message, self._hooks.clock()).text)
        except RegisterUnavailable as error:
            return _Reply(status=200, text=f"{error}。")
        except Exception as error:
            # Whatever it is, a follower is told; the error's own text could hold what was asked.
            _log.warning("wechat_not_answered", error=type(error).__name__)
            return _Reply(status=200, text=wording.NOT_DONE)

    def _carry_out(self, answer: Answer) -> _Reply:
        if answer.change is not None:
            self._hooks.apply_events([answer.change])
        return _Reply(status=200, text=answer.text)


def _is_spoken(message: Message) -> bool:
    return isinstance(message, Unhandled) and message.is_spoken


def _read_event(message: Message) -> WeChatEvent | None:
    match message:
        case Left():
            return Unfollow(follower=message.follower, at=message.at, has_left=True)
        case TemplateReported() | MassReported() | SubscriptionReported():
            return read_receipt(message)
        case SubscriptionAnswered():
            return message
        case _:
            return None


class _Turn:
    """One request at work. Whoever comes first decides: the answer, or the end of the time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ended = Event()
        self._reply: _Reply | None = None
        self._is_late = False

    def finish(self, reply: _Reply) -> bool:
        """Hand over the reply. False when nobody waits for it any more."""
        with self._lock:
            if self._is_late:
                return False
            self._reply = reply
        self._ended.set()
        return True

    def wait(self, seconds: float) -> _Reply | None:
        """The reply, or None when it did not come in time: then it is nobody's."""
        self._ended.wait(seconds)
        with self._lock:
            self._is_late = self._reply is None
            return self._reply


class _Turns:
    """Takes requests in turn on a few threads, and answers in time whatever they do."""

    def __init__(self, within: float, answer_later: Callable[[str, Callable[[], str]], None] | None) -> None:
        self._within = within
        self._answer_later = answer_later
        self._room = BoundedSemaphore(_WAITING)
        self._lock = Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0

    def take(self, messages: Sequence[Message], handle: Callable[[Sequence[Message]], _Reply]) -> _Reply:
        """What `handle` makes of `messages`, or `success` where that takes too long."""
        if not self._room.acquire(blocking=False):
            # Nothing of it was done. An event comes again, a person is told.
            return _AGAIN if _read_event(messages[0]) else _Reply(status=200, text=wording.BUSY)
        turn = _Turn()
        self._get_pool().submit(self._work, turn, messages, handle)
        return turn.wait(self._within) or _DONE

    def _work(self, turn: _Turn, messages: Sequence[Message], handle: Callable[[Sequence[Message]], _Reply]) -> None:
        try:
            reply = handle(messages)
            if not turn.finish(reply):
                self._finish_late(messages, handle, reply)
        finally:
            self._room.release()

    def _finish_late(
        self, messages: Sequence[Message], handle: Callable[[Sequence[Message]], _Reply], reply: _Reply
    ) -> None:
        # `success` was said, so WeChat does not ask again.
        for seconds in _RETRIES:
            if reply.status == 200:
                break
            Event().wait(seconds)
            reply = handle(messages)
        if reply.status != 200:
            _log.error("wechat_event_lost")
        elif reply.text and self._answer_later is not None:
            try:
                self._answer_later(messages[0].follower, reply.again or (lambda: reply.text))
            except Exception as error:
                _log.warning("wechat_late_answer_not_sent", error=type(error).__name__)

    def _get_pool(self) -> ThreadPoolExecutor:
        # Threads do not survive a fork, and servers fork after the application is made.
        with self._lock:
            if self._pool is None or self._process != os.getpid():
                self._pool, self._process = ThreadPoolExecutor(_WORKERS, thread_name_prefix="wechat"), os.getpid()
            return self._pool

"""The sandbox phone: a follower's WeChat and everybody's SMS, as they would be seen, in a home for training only.

What is typed goes through this home's own gateway (`PhoneLine`); what comes out of the outbox lies in the sandbox. Of the
conversation the last hundred bubbles are kept, and none once the account is no longer followed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from flask import Blueprint, abort, request, url_for
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from notifier.channels.sandbox import PHONE_OPENID, SandboxAccount, list_sandbox_messages, replace_file
from notifier.desk_base import Desk, act, show
from notifier.desk_forms import FormRefused, read_line
from notifier.desk_line import LineBroken
from notifier.recipients import SANDBOX
from notifier.sms.numbers import is_mainland
from notifier.stops import find_suppressed, open_digest
from notifier.wechat.conversation import build_menu
from search_index.database import for_reading

MOST_KEPT = 100
_LINK = re.compile(r"(https?://[^\s<>\"“”，。；、）]+)")
_MOST_TYPED = 300
# What Twilio itself takes for a wish: after it, it carries nothing more to the number (21610).
_CARRIER_STOPS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
_CARRIER_STARTS = frozenset({"START", "UNSTOP", "YES"})


class PhoneLine(Protocol):
    """What carries what the phone does, as notifier.desk_line.GatewayLine does. Everything raises LineBroken."""

    def say(self, openid: str, text: str) -> str | None:
        """Words of a follower, and what is answered."""

    def press(self, openid: str, button: str) -> str | None:
        """A button of the menu, and what is answered."""

    def follow(self, openid: str) -> str | None:
        """Somebody follows the account, and what is answered."""

    def leave(self, openid: str) -> None:
        """Somebody follows it no longer."""

    def text(self, number: str, body: str) -> None:
        """An SMS from a number to the court."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """One bubble: `mine` is what the holder of the phone wrote. `fields` are those of a template message, `url` is where a
    touch leads."""

    mine: bool
    text: str
    at: datetime
    fields: Mapping[str, str] | None = None
    url: str | None = None

    @property
    def pieces(self) -> list[tuple[str, bool]]:
        """The text cut at its addresses: each piece, and whether it is one."""
        return [(part, bool(_LINK.fullmatch(part))) for part in _LINK.split(self.text) if part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The SMS of one number, the oldest first; `id` names the thread in addresses, which must not hold a number."""

    id: str
    number: str
    bubbles: tuple[Bubble, ...]

    @property
    def mainland(self) -> bool:
        return is_mainland(self.number)


@dataclass(frozen=True, slots=True)
class Memory:
    """What was typed on the phone and answered at once, in `folder`: the latest hundred of each kind."""

    folder: Path

    def read(self, kind: str) -> list[dict[str, Any]]:
        try:
            kept: list[dict[str, Any]] = json.loads((self.folder / f"{kind}.json").read_bytes())
        except FileNotFoundError:
            return []
        return kept

    def add(self, kind: str, *new: Mapping[str, Any]) -> None:
        kept = [*self.read(kind), *new][-MOST_KEPT:]
        replace_file(self.folder / f"{kind}.json", json.dumps(kept, ensure_ascii=False).encode())

    def forget(self, kind: str) -> None:
        (self.folder / f"{kind}.json").unlink(missing_ok=True)


_CHAT, _REPLIES = "conversation", "replies"
BUTTONS = tuple(
    (button["key"], button["name"])
    for group in build_menu("")["button"]
    for button in group["sub_button"]
    if button["type"] == "click"
)


def add_phone(pages: Blueprint, desk: Desk, line: PhoneLine) -> None:
    """The pages under `/phone`."""
    sandbox = desk.notifier.folder / SANDBOX
    phone = _Phone(desk=desk, line=line, memory=Memory(sandbox / "phone"), account=SandboxAccount(sandbox))
    _add_chat(pages, phone)
    _add_sms(pages, phone)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phone:
    """What the pages of the phone work with."""

    desk: Desk
    line: PhoneLine
    memory: Memory
    account: SandboxAccount

    def show_chat(self, problem: str | None = None) -> str:
        since = self.account.followed_since(PHONE_OPENID)
        return show(
            "phone",
            problem,
            court=self.desk.notifier.register.profile(self.desk.now).court,
            follows=since is not None,
            bubbles=build_chat(self.memory.read(_CHAT), list_sandbox_messages(self.account.folder), since),
            buttons=BUTTONS,
        )

    def talk(self, mine: str | None, answer: str | None) -> str:
        """Keep what was said and answered; the address to go on to."""
        now = self.desk.now.isoformat()
        said = [{"mine": True, "text": mine, "at": now}] if mine else []
        answered = [{"mine": False, "text": answer, "at": now}] if answer else []
        self.memory.add(_CHAT, *said, *answered)
        return url_for(".phone")

    def say(self) -> str:
        typed = read_line(request.form, "text", "要发的内容", most=_MOST_TYPED)
        return self.talk(typed, _carry(lambda: self.line.say(PHONE_OPENID, typed)))

    def press(self) -> str:
        names, button = dict(BUTTONS), request.form.get("button", "")
        if button not in names:
            raise FormRefused("菜单中没有这个按钮")
        return self.talk(f"〔菜单〕{names[button]}", _carry(lambda: self.line.press(PHONE_OPENID, button)))

    def follow(self) -> str:
        self.account.follow(PHONE_OPENID, self.desk.now)
        return self.talk(None, _carry(lambda: self.line.follow(PHONE_OPENID)))

    def leave(self) -> str:
        _carry(lambda: self.line.leave(PHONE_OPENID))
        self.account.leave(PHONE_OPENID)
        self.memory.forget(_CHAT)
        return url_for(".phone")

    def list_threads(self) -> list[Thread]:
        return build_threads(list_sandbox_messages(self.account.folder), self.memory.read(_REPLIES))

    def find_thread(self, thread_id: str) -> Thread:
        found = (one for one in self.list_threads() if one.id == thread_id)
        return next(found, None) or abort(404, "没有这一组短信")

    def show_thread(self, thread_id: str, problem: str | None = None) -> str:
        thread = self.find_thread(thread_id)
        return show(
            "phone_sms",
            problem,
            thread=thread,
            blocked=self.account.blocks(thread.number),
            stopped=self._find_stop(thread.number),
        )

    def _find_stop(self, number: str) -> str | None:
        """Why the court itself sends nothing more to a number, if it does not."""
        engine = self.desk.notifier.engine
        digest = open_digest(engine)(number)
        with Session(for_reading(engine)) as session:
            return find_suppressed(session, [digest]).get(digest)

    def reply(self, thread_id: str) -> str:
        thread = self.find_thread(thread_id)
        typed = read_line(request.form, "text", "回复的内容", most=_MOST_TYPED)
        _carry(lambda: self.line.text(thread.number, typed))
        if typed.upper() in _CARRIER_STOPS:
            self.account.block(thread.number)
        elif typed.upper() in _CARRIER_STARTS:
            self.account.unblock(thread.number)
        self.memory.add(_REPLIES, {"number": thread.number, "text": typed, "at": self.desk.now.isoformat()})
        return url_for(".phone_sms", thread_id=thread_id)


def _add_chat(pages: Blueprint, phone: _Phone) -> None:
    @pages.get("/phone", endpoint="phone")
    def chat() -> str:
        return phone.show_chat()

    @pages.post("/phone/say")
    def phone_say() -> ResponseValue:
        return act(phone.desk, phone.show_chat, phone.say)

    @pages.post("/phone/press")
    def phone_press() -> ResponseValue:
        return act(phone.desk, phone.show_chat, phone.press)

    @pages.post("/phone/follow")
    def phone_follow() -> ResponseValue:
        return act(phone.desk, phone.show_chat, phone.follow)

    @pages.post("/phone/leave")
    def phone_leave() -> ResponseValue:
        return act(phone.desk, phone.show_chat, phone.leave)


def _add_sms(pages: Blueprint, phone: _Phone) -> None:
    @pages.get("/phone/sms")
    def phone_threads() -> str:
        return show("phone_threads", threads=phone.list_threads())

    @pages.get("/phone/sms/<thread_id>")
    def phone_sms(thread_id: str) -> str:
        return phone.show_thread(thread_id)

    @pages.post("/phone/sms/<thread_id>/reply")
    def phone_reply(thread_id: str) -> ResponseValue:
        return act(phone.desk, lambda problem: phone.show_thread(thread_id, problem), lambda: phone.reply(thread_id))


def build_chat(
    kept: Iterable[Mapping[str, Any]], arrived: Iterable[Mapping[str, Any]], since: datetime | None
) -> list[Bubble]:
    """The conversation, the oldest first: what was typed and answered, and what came by itself since the account is
    followed."""
    bubbles = [Bubble(mine=one["mine"], text=one["text"], at=datetime.fromisoformat(one["at"])) for one in kept]
    for one in arrived:
        if since is None or one["at"] < since:
            continue
        if one["kind"] == "chat" and one["address"] == PHONE_OPENID:
            bubbles.append(Bubble(mine=False, text="", at=one["at"], fields=one["fields"], url=one["url"]))
        elif one["kind"] == "mass":
            bubbles.append(Bubble(mine=False, text=one["text"], at=one["at"]))
    return sorted(bubbles, key=lambda bubble: bubble.at)[-MOST_KEPT:]


def build_threads(arrived: Sequence[Mapping[str, Any]], replies: Iterable[Mapping[str, Any]]) -> list[Thread]:
    """The SMS by number, the number that was written to last first."""
    numbers: dict[str, list[Mapping[str, Any]]] = {}
    for one in arrived:
        if one["kind"] == "short":
            numbers.setdefault(one["address"], []).append(one)
    answers: dict[str, list[Bubble]] = {}
    for one in replies:
        bubble = Bubble(mine=True, text=one["text"], at=datetime.fromisoformat(one["at"]))
        answers.setdefault(one["number"], []).append(bubble)
    return [
        Thread(
            id=sha256(f"thread/{number}".encode()).hexdigest()[:16],
            number=number,
            bubbles=tuple(
                sorted(
                    [
                        *(Bubble(mine=False, text=one["text"], at=one["at"]) for one in received),
                        *answers.get(number, ()),
                    ],
                    key=lambda bubble: bubble.at,
                )
            ),
        )
        for number, received in numbers.items()
    ]


def _carry(send: Callable[[], str | None]) -> str | None:
    """What the line answers; that it is broken is a sentence on the page."""
    try:
        return send()
    except LineBroken as error:
        raise FormRefused(str(error), 502) from None

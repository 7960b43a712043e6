"""The sandbox: what would have gone out stays in a folder of this home, where the desk shows it as it would have arrived.

It refuses what real providers refuse, so that training meets the same errors.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from notifier.channels import ChatMessage, Content, Dispatch, Letter, MassMessage, Outcome, Parcel, ShortMessage, Stop
from notifier.database import make_private_folder
from notifier.files import discard, put_in_place, write_aside
from notifier.sms.numbers import is_e164, is_mainland
from notifier.sms.routing import find_unfit
from notifier.sms.texts import TEMPLATES
from notifier.states import MessageState

MESSAGES = "messages"
LETTERS = "letters"
# The follower whose phone the desk shows. Nobody has it.
PHONE_OPENID = "oSANDBOXphone00000000000001"
_ACCOUNT = "phone/account.json"
_SIGNED = re.compile(r"【[\u4e00-\u9fffA-Za-z0-9]{2,20}】")
# Providers refuse a longer text (Twilio 21617), a longer `thing` of a template (WeChat 47003), a longer mass text.
_LONGEST_SHORT = 1600
_LONGEST_THING = 20
_LONGEST_MASS_BYTES = 2048
_SHOWN = 100
# The desk alone changes the account, in several threads.
_TURN = Lock()


@dataclass(frozen=True, slots=True)
class SandboxChannel:
    """Delivers into `folder`: parcels into <recipient>/<parcel>, letters into letters/<recipient>/<id>, messages into
    messages/<id>. What has arrived is left as it is. `templates` are those registered with the sandbox's WeChat account,
    the fields by the name; None: every one is."""

    folder: Path
    repeatable: bool = True
    templates: Mapping[str, Collection[str]] | None = None

    def deliver(self, dispatch: Dispatch) -> Outcome:
        if self._target(dispatch).is_dir():
            # Asked again for what has arrived, a provider does not think of it anew.
            return _DELIVERED
        try:
            if (refused := self._refuse(dispatch)) is not None:
                return refused
            self._keep(dispatch)
        except OSError as error:
            return Outcome(
                state=MessageState.FAILED_TEMPORARY, detail=f"写入演练收件箱失败：{error.strerror or '磁盘错误'}"
            )
        return _DELIVERED

    def look_up(self, dispatch: Dispatch, reference: str | None) -> Outcome | None:
        return _DELIVERED if self._target(dispatch).exists() else None

    def _keep(self, dispatch: Dispatch) -> None:
        target = self._target(dispatch)
        aside = write_aside(target.parent, _files(dispatch))
        try:
            put_in_place(aside, target)
        except OSError:
            discard(aside)
            # Somebody with an older lease was quicker; what arrived is the same.
            if not target.is_dir():
                raise

    def _target(self, dispatch: Dispatch) -> Path:
        match dispatch.content:
            case Parcel(name=name):
                return self.folder / dispatch.recipient / name
            case Letter():
                return self.folder / LETTERS / (dispatch.recipient or "_") / dispatch.id
            case _:
                return self.folder / MESSAGES / dispatch.id

    def _refuse(self, dispatch: Dispatch) -> Outcome | None:
        """What a real provider would not take."""
        match dispatch.content:
            case ShortMessage() as content:
                return _refuse_short(dispatch.address or "", content) or self._refuse_number(dispatch.address or "")
            case ChatMessage() as content:
                return self._refuse_chat(dispatch.address or "", content)
            case MassMessage(text=text) if not text or len(text.encode("utf-8")) > _LONGEST_MASS_BYTES:
                return _refused("群发内容为空或者过长")
            case _:
                return None

    def _refuse_number(self, number: str) -> Outcome | None:
        if SandboxAccount(self.folder).blocks(number):
            # Twilio 21610.
            return _refused("对方已回复退订，运营商不再转发", Stop.ADDRESS)
        return None

    def _refuse_chat(self, openid: str, content: ChatMessage) -> Outcome | None:
        if not openid:
            return _refused("没有关注者标识", Stop.ADDRESS)
        if SandboxAccount(self.folder).followed_since(openid) is None:
            # WeChat 43004.
            return _refused("对方没有关注公众号", Stop.ADDRESS)
        if self.templates is not None and content.template not in self.templates:
            # WeChat 40037.
            return _refused("微信模板没有登记到公众号")
        if self.templates is not None and set(self.templates[content.template]) != set(content.fields):
            return _refused("与登记的微信模板的字段不一致")
        if any(name.startswith("thing") and len(value) > _LONGEST_THING for name, value in content.fields.items()):
            return _refused("模板字段超过20个字")
        return None


@dataclass(frozen=True, slots=True)
class SandboxAccount:
    """What the sandbox's providers know of the people: who follows the account since when, and which numbers answered
    that they want no more. In the beginning the desk's phone follows, and nobody else."""

    folder: Path

    def followed_since(self, openid: str) -> datetime | None:
        """Since when somebody follows the account; None for who does not."""
        since = self._read()["followers"].get(openid)
        return datetime.fromisoformat(since) if since is not None else None

    def blocks(self, number: str) -> bool:
        """Whether nothing more is carried to this number (E.164)."""
        return number in self._read()["blocked"]

    def follow(self, openid: str, now: datetime) -> None:
        with self._changing() as state:
            state["followers"].setdefault(openid, now.isoformat())

    def leave(self, openid: str) -> None:
        """Somebody follows no longer: what came to them, and to them alone, is gone with them."""
        with self._changing() as state:
            state["followers"].pop(openid, None)
        for path in _list_folders(self.folder / MESSAGES):
            if json.loads((path / "message.json").read_bytes())["address"] == openid:
                shutil.rmtree(path)

    def block(self, number: str) -> None:
        with self._changing() as state:
            state["blocked"] = sorted({*state["blocked"], number})

    def unblock(self, number: str) -> None:
        with self._changing() as state:
            state["blocked"] = [known for known in state["blocked"] if known != number]

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        with _TURN:
            state = self._read()
            yield state
            replace_file(self.folder / _ACCOUNT, _to_json(state))

    def _read(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads((self.folder / _ACCOUNT).read_bytes())
        except FileNotFoundError:
            return {"followers": {PHONE_OPENID: _BEGINNING.isoformat()}, "blocked": []}
        return state


@dataclass(frozen=True, slots=True)
class TaskChannel:
    """Tasks of the court itself, such as taking a notice down: the desk lists them, and nothing leaves the house."""

    repeatable: bool = True

    def deliver(self, dispatch: Dispatch) -> Outcome:
        return _LISTED

    def look_up(self, dispatch: Dispatch, reference: str | None) -> Outcome | None:
        return _LISTED


def list_letters(folder: Path, recipient: str) -> list[Mapping[str, Any]]:
    """What a recipient received apart from parcels: {id, at, subject, text, files}; the latest first."""
    return _read_all(folder / LETTERS / recipient, "letter.json")


def list_sandbox_messages(folder: Path) -> list[Mapping[str, Any]]:
    """The short, chat and mass messages that arrived: {id, at, kind, address, …} as they were sent; the latest first."""
    return _read_all(folder / MESSAGES, "message.json")


def replace_file(path: Path, content: bytes) -> None:
    """Write a small file of the sandbox, for its owner alone; whoever reads it finds the old or the new whole."""
    make_private_folder(path.parent)
    descriptor, aside = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def _read_all(folder: Path, name: str) -> list[Mapping[str, Any]]:
    arrived = [(path.stat().st_mtime_ns, path) for path in _list_folders(folder)]
    arrived.sort(key=lambda one: (one[0], one[1].name), reverse=True)
    return [
        {"id": path.name, "at": datetime.fromtimestamp(moment / 1e9, UTC), **json.loads((path / name).read_bytes())}
        for moment, path in arrived[:_SHOWN]
    ]


def _list_folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_DELIVERED = Outcome(state=MessageState.DELIVERED, detail="已放入演练收件箱")
_LISTED = Outcome(state=MessageState.DELIVERED, detail="已列入内部待办")


def _files(dispatch: Dispatch) -> dict[str, bytes]:
    match dispatch.content:
        case Parcel(folder=folder):
            # Slides and other parts may lie in folders of their own; their names are flat in the inbox.
            return {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file()}
        case Letter(subject=subject, text=text, files=files):
            return {**files, "letter.json": _to_json({"subject": subject, "text": text, "files": sorted(files)})}
        case content:
            return {
                "message.json": _to_json(
                    {"kind": _KINDS[type(content)], "address": dispatch.address, **asdict(content)}
                )
            }


_KINDS: dict[type[Content], str] = {ShortMessage: "short", ChatMessage: "chat", MassMessage: "mass"}


def _to_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8")


def _refuse_short(number: str, content: ShortMessage) -> Outcome | None:
    text = content.text
    if not is_e164(number):
        return _refused("手机号码不正确", Stop.ADDRESS)
    if not text or len(text.encode("utf-16-le")) // 2 > _LONGEST_SHORT:
        return _refused("短信内容为空或者过长")
    if not _SIGNED.match(text):
        return _refused("短信没有以【签名】开头")
    if is_mainland(number) and (content.template, content.version) not in TEMPLATES:
        # Aliyun isv.SMS_TEMPLATE_ILLEGAL.
        return _refused("短信模板没有登记")
    if (unfit := find_unfit(number, text)) is not None:
        return _refused(unfit)
    return None


def _refused(detail: str, stop: Stop = Stop.NOTHING) -> Outcome:
    return Outcome(state=MessageState.FAILED_PERMANENT, detail=detail, stop=stop)

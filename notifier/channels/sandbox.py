"""The sandbox: what would have gone out stays in a folder of this home, where the desk shows it as it would have arrived.

It refuses what real providers refuse, so that training meets the same errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from notifier.channels import ChatMessage, Content, Dispatch, Letter, MassMessage, Outcome, Parcel, ShortMessage, Stop
from notifier.files import discard, put_in_place, write_aside
from notifier.states import MessageState

MESSAGES = "messages"
LETTERS = "letters"
_E164 = re.compile(r"\+[1-9]\d{6,14}")
# Providers refuse a longer text (Twilio 21617), a longer `thing` of a template (WeChat 47003), a longer mass text.
_LONGEST_SHORT = 1600
_LONGEST_THING = 20
_LONGEST_MASS_BYTES = 2048
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class SandboxChannel:
    """Delivers into `folder`: parcels into <recipient>/<parcel>, letters into letters/<recipient>/<id>, messages into
    messages/<id>.json. What has arrived is left as it is."""

    folder: Path
    repeatable: bool = True

    def deliver(self, dispatch: Dispatch) -> Outcome:
        if (refused := _refuse(dispatch)) is not None:
            return refused
        try:
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
        if target.is_dir():
            return
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


@dataclass(frozen=True, slots=True)
class TaskChannel:
    """Tasks of the court itself, such as taking a notice down: the desk lists them, and nothing leaves the house."""

    repeatable: bool = True

    def deliver(self, dispatch: Dispatch) -> Outcome:
        return _LISTED

    def look_up(self, dispatch: Dispatch, reference: str | None) -> Outcome | None:
        return _LISTED


def list_letters(folder: Path, recipient: str) -> list[Mapping[str, Any]]:
    """What a recipient received apart from parcels: {subject, text, files}; the latest first."""
    return _read_all(folder / LETTERS / recipient, "letter.json")


def list_sandbox_messages(folder: Path) -> list[Mapping[str, Any]]:
    """The short, chat and mass messages that arrived: {kind, address, …} as they were sent; the latest first."""
    return _read_all(folder / MESSAGES, "message.json")


def _read_all(folder: Path, name: str) -> list[Mapping[str, Any]]:
    if not folder.is_dir():
        return []
    arrived = [path for path in folder.iterdir() if not path.name.startswith(".")]
    arrived.sort(key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    return [json.loads((path / name).read_bytes()) for path in arrived[:_SHOWN]]


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


def _refuse(dispatch: Dispatch) -> Outcome | None:
    """What a real provider would not take."""
    match dispatch.content:
        case ShortMessage(text=text):
            return _refuse_short(dispatch.address or "", text)
        case ChatMessage(fields=fields):
            return _refuse_chat(dispatch.address or "", fields)
        case MassMessage(text=text) if not text or len(text.encode("utf-8")) > _LONGEST_MASS_BYTES:
            return _refused("群发内容为空或者过长")
        case _:
            return None


def _refuse_short(number: str, text: str) -> Outcome | None:
    if not _E164.fullmatch(number):
        return _refused("手机号码不正确", Stop.ADDRESS)
    if not text or len(text.encode("utf-16-le")) // 2 > _LONGEST_SHORT:
        return _refused("短信内容为空或者过长")
    return None


def _refuse_chat(follower: str, fields: Mapping[str, str]) -> Outcome | None:
    if not follower:
        return _refused("没有关注者标识", Stop.ADDRESS)
    if any(name.startswith("thing") and len(value) > _LONGEST_THING for name, value in fields.items()):
        return _refused("模板字段超过20个字")
    return None


def _refused(detail: str, stop: Stop = Stop.NOTHING) -> Outcome:
    return Outcome(state=MessageState.FAILED_PERMANENT, detail=detail, stop=stop)

"""The answers that a recipient puts into its own folder: `<name>.ack`, `<name>.ack.json` and `<name>.nak.json`. Pure.

An empty file says: received. Else it is a JSON object with any of `kind` (received, aired, taken_down), `by`, `at` (ISO 8601;
without an offset it is Beijing's) and `place`; in a `.nak.json`, `reason`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from search_index.day import SHANGHAI

LARGEST_ACK = 4096
_LONGEST_WORD = 200
_ENDINGS = (".ack.json", ".nak.json", ".ack", ".nak")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_KINDS = ("received", "aired", "taken_down")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAck:
    """An answer that a recipient wrote: of the parcel or the dispatch `name`. `kind` None says that it was received;
    `refused` is the reason why it was not taken. Who and when are None where the file does not say."""

    slug: str
    name: str
    kind: str | None = None
    given_by: str | None = None
    given_at: datetime | None = None
    place: str | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AckProblem:
    """What could not be read of a recipient's answers; a Chinese word on it, without what was in the file."""

    slug: str
    reason: str


def split_ack_name(file: str) -> tuple[str, bool] | None:
    """The name that an answer's file is about, and whether it refuses; None for any other file."""
    ending = next((ending for ending in _ENDINGS if file.endswith(ending)), None)
    if ending is None or not _NAME.fullmatch(file.removesuffix(ending)):
        return None
    return file.removesuffix(ending), ending.startswith(".nak")


def read_ack(slug: str, file: str, content: bytes, written_at: datetime | None) -> FileAck | AckProblem:
    """What an answer says. `written_at` counts where it does not say when."""
    found = split_ack_name(file)
    if found is None:
        return AckProblem(slug=slug, reason="回执文件的名称不正确")
    name, refused = found
    try:
        body = _read_object(content)
        kind = _word(body, "kind")
        if kind is not None and kind not in _KINDS:
            return _problem(slug, name, "种类（kind）应为 received、aired 或 taken_down")
        given_at = _read_time(body) or written_at
        reason = (_word(body, "reason") or "未说明原因") if refused else None
        return FileAck(
            slug=slug,
            name=name,
            kind=kind,
            given_by=_word(body, "by"),
            given_at=given_at,
            place=_word(body, "place"),
            refused=reason,
        )
    except ValueError as error:
        return _problem(slug, name, str(error))


def _problem(slug: str, name: str, reason: str) -> AckProblem:
    return AckProblem(slug=slug, reason=f"{name} 的回执不能读取：{reason}")


def _read_object(content: bytes) -> dict[str, Any]:
    if len(content) > LARGEST_ACK:
        raise ValueError("文件过大")
    try:
        text = content.decode("utf-8-sig").strip()
        body = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        raise ValueError("应为空文件或者 UTF-8 编码的 JSON") from None
    if not isinstance(body, dict):
        raise ValueError("应为一个 JSON 对象")
    return body


def _word(body: dict[str, Any], key: str) -> str | None:
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{key} 应为文字")
    line = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    return line[:_LONGEST_WORD] or None


def _read_time(body: dict[str, Any]) -> datetime | None:
    text = _word(body, "at")
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo is not None else at.replace(tzinfo=SHANGHAI)
    except ValueError:
        raise ValueError("时间（at）应为 2026-10-08T10:00:00+08:00 的形式") from None

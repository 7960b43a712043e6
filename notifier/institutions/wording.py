"""What is said to institutions, in words and to machines. Pure. Nothing here names a person: a package is told by its
period and hash, a letter says what it says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from notifier.channels import Dispatch, Letter
from notifier.institutions import Links
from notifier.institutions.contents import Contents
from notifier.package.edition import TRAINING_MARK, chinese_date
from search_index.day import SHANGHAI

# Receivers need not take a larger event (Standard Webhooks 1.0.0).
LARGEST_EVENT = 20_000
_ACK_HINT = "收到后请由下列地址回执；播出或者发布后，也由此报告时段或者位置："
_DONE_HINT = "办理完毕后，请由下列地址回执："
# What an event about a letter is called, by the type in its facts.
_EVENTS = {"gone": "list.recalled", "corrected": "list.corrected", "clarified": "list.clarified"}
PUBLISHED, NOTICE = "list.published", "notice.sent"
_ANSWERED = frozenset((*_EVENTS, "reminder"))
# The fact that holds the data (JSON) of an event for a unit's own system; its type is the event's.
UNIT_EVENT = "event"


def package_subject(contents: Contents) -> str:
    mark = TRAINING_MARK if contents.training else ""
    return f"{mark}{contents.court}失信被执行人名单（{contents.period.label}，第{contents.revision}次修订）"


def package_text(contents: Contents, *, attached: str | None, package: str | None, acknowledge: str | None) -> str:
    """The text that goes with a package. `attached` names the attachment, where there is one."""
    mark = TRAINING_MARK if contents.training else ""
    count = f"共{contents.entries}条" if contents.entries else "本期没有可以公布的条目"
    lines = [
        f"{mark}现推送{contents.court}{contents.period.label}失信被执行人名单（第{contents.revision}次修订，{count}）。",
        "",
        f"使用期限：本名单于{chinese_date(contents.last_day_of_use)}后不得使用。",
    ]
    if contents.commission_number:
        lines.insert(1, f"委托函号：{contents.commission_number}")
    if contents.newest_at:
        lines.append(f"最新名单：{contents.newest_at}")
    lines.append(f"清单 manifest.json 的 SHA-256：{contents.manifest_sha256}")
    if attached:
        lines += ["", f"名单包在附件 {attached} 中。"]
    if package:
        lines += [
            "",
            "名单包也可由下列地址领取，该处始终是最新修订：" if attached else "请由下列地址领取名单包：",
            package,
        ]
    if acknowledge:
        lines += ["", _ACK_HINT, acknowledge]
    return "\n".join(lines) + "\n"


def letter_text(letter: Letter, acknowledge: str | None) -> str:
    text = letter.text.rstrip("\n") + "\n"
    return f"{text}\n{_DONE_HINT}\n{acknowledge}\n" if acknowledge else text


def find_answer_link(dispatch: Dispatch, links: Links) -> str | None:
    """Where a dispatch is answered: packages, recalls, corrections, and reminders of these. None for other letters."""
    content = dispatch.content
    if isinstance(content, Letter) and content.facts.get("type") not in _ANSWERED:
        return None
    return links.acknowledge(dispatch.id)


def package_event(contents: Contents, dispatch: Dispatch, links: Links, at: datetime) -> bytes:
    """The event that a list is ready: where it lies and what its manifest's hash is, and nothing of the list."""
    data = {
        "dispatch": dispatch.id,
        "name": contents.name,
        "package": links.package(dispatch.id),
        "manifest_sha256": contents.manifest_sha256,
        "period": str(contents.period),
        "revision": contents.revision,
        "last_day_of_use": contents.last_day_of_use.isoformat(),
        "entries": contents.entries,
        "training": contents.training,
        "acknowledge": find_answer_link(dispatch, links),
    }
    return _to_event(PUBLISHED, data, at)


def letter_event(letter: Letter, dispatch: Dispatch, links: Links, at: datetime) -> bytes:
    """The event of a letter. A text that is too long for an event is cut at a line, and says so: `text_complete`."""
    if UNIT_EVENT in letter.facts:
        return _to_event(letter.facts["type"], json.loads(letter.facts[UNIT_EVENT]), at)
    kind = _EVENTS.get(letter.facts.get("type", ""), NOTICE)
    data = {
        "dispatch": dispatch.id,
        "subject": letter.subject,
        "facts": dict(letter.facts),
        "acknowledge": find_answer_link(dispatch, links),
        "text": letter.text,
        "text_complete": True,
    }
    event = _to_event(kind, data, at)
    if len(event) <= LARGEST_EVENT:
        return event
    data |= {"text": "", "text_complete": False}
    room = LARGEST_EVENT - len(_to_event(kind, data, at))
    data["text"] = _cut(letter.text, room)
    return _to_event(kind, data, at)


def letter_json(letter: Letter, dispatch: Dispatch, links: Links, sums: Mapping[str, str]) -> bytes:
    """What lies beside a letter in a recipient's folder. `sums` has the digests (hex) of the files that belong to it. The
    same for every attempt."""
    body = {
        "dispatch": dispatch.id,
        "subject": letter.subject,
        "facts": dict(letter.facts),
        "files": dict(sums),
        "acknowledge": find_answer_link(dispatch, links),
        "acknowledge_file": f"{dispatch.id}.ack",
    }
    return (json.dumps(body, ensure_ascii=False, indent=1) + "\n").encode()


def _to_event(kind: str, data: Mapping[str, Any], at: datetime) -> bytes:
    body = {"type": kind, "timestamp": at.astimezone(SHANGHAI).isoformat(timespec="seconds"), "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _cut(text: str, room: int) -> str:
    """As many whole lines of `text` as take no more than `room` bytes in JSON; of a single line that is longer, as many
    characters as surely do."""
    kept, size = "", 0
    for line in text.splitlines(keepends=True):
        size += len(json.dumps(line, ensure_ascii=False).encode()) - 2
        if size > room:
            return kept or text[: max(room, 0) // 6]
        kept += line
    return kept

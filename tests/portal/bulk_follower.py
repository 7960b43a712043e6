"""A client of the list in bulk, written from docs/open-data.md and from nothing else: it imports no module of the product."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

# Ask for a path; the status and the body. An answer that breaks off raises ConnectionError.
Ask = Callable[[str], tuple[int, bytes]]


@dataclass
class Saved:
    """What survives a restart: kept together, replaced at once."""

    since: int | None = None
    copy: Mapping[str, Any] = field(default_factory=dict)


class Incomplete(Exception):
    """A snapshot without its last line, or one that is not what that line says."""


def read_snapshot(content: bytes) -> tuple[int, dict[str, Any]]:
    body, _, last = content.removesuffix(b"\n").rpartition(b"\n")
    body += b"\n"
    try:
        end = json.loads(last)
    except ValueError:
        raise Incomplete from None
    lines = [json.loads(line) for line in body.splitlines()]
    entries = [line["entry"] for line in lines if line["type"] == "entry"]
    if end["type"] != "end" or end["sha256"] != sha256(body).hexdigest() or end["entries"] != len(entries):
        raise Incomplete
    return lines[0]["sequence"], {entry["record"]: entry for entry in entries}


def take_whole(ask: Ask) -> Saved:
    status, content = ask("/api/v1/snapshot")
    assert status == 200, content
    sequence, copy = read_snapshot(content)
    return Saved(sequence, copy)


def step(ask: Ask, saved: Saved, limit: int = 1000) -> tuple[Saved, bool]:
    """One request; what is to be saved after it, and whether the end was reached."""
    if saved.since is None:
        return take_whole(ask), False
    status, content = ask(f"/api/v1/changes?since={saved.since}&limit={limit}")
    if status == 410:
        assert json.loads(content)["snapshot"].endswith("/api/v1/snapshot")
        return Saved(), False
    assert status == 200, content
    body = json.loads(content)
    copy = dict(saved.copy)
    for change in body["changes"]:
        if change["entry"] is None:
            copy.pop(change["record"], None)
        else:
            copy[change["record"]] = change["entry"]
    meta = body["meta"]
    return Saved(meta["next"], copy), meta["next"] >= meta["head"]


def visible(saved: Saved, now: datetime) -> dict[str, Any]:
    """The copy without what has reached its end."""
    return {
        record: entry
        for record, entry in saved.copy.items()
        if entry["visible_until"] is None or datetime.fromisoformat(entry["visible_until"]) > now
    }

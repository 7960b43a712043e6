"""How long the list may be shown that nobody has brought up to date. Pure.

A portal that hears nothing from the registry cannot know who has left the list since. First it says so; later it shows nobody
at all: whoever should have been taken off is not kept there by a machine that stands still.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

SILENT_HOURS, HIDE_HOURS = "24", "72"
_HOURS = re.compile(r"[0-9]{1,3}", re.ASCII)
_LEAST, _MOST = 1, 720


@dataclass(frozen=True, slots=True)
class Limits:
    """After how long without a word from the registry the list is told to be `silent`, and is hidden (`hide`)."""

    silent: timedelta = timedelta(hours=int(SILENT_HOURS))
    hide: timedelta = timedelta(hours=int(HIDE_HOURS))


class Standing(StrEnum):
    """How the list may be shown."""

    FRESH = "fresh"
    SILENT = "silent"
    HIDDEN = "hidden"


class Cause(StrEnum):
    """Why it is hidden."""

    SILENCE = "silence"
    SHUT = "shut"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How the list may be shown, and when it was last known to be what the registry holds; None for an empty store.
    `cause` says why it is hidden, where it is."""

    standing: Standing = Standing.FRESH
    checked_at: datetime | None = None
    cause: Cause | None = None

    @property
    def is_silent(self) -> bool:
        return self.standing is Standing.SILENT

    @property
    def is_hidden(self) -> bool:
        return self.standing is Standing.HIDDEN


FRESH = Freshness()
USUAL = Limits()


def tell_freshness(found: Freshness) -> dict[str, Any]:
    """What every answer of the list says of it: when the list was last known to be what the registry holds, and, where that
    is long ago, that it may be out of date."""
    told: dict[str, Any] = {"checked_at": found.checked_at and found.checked_at.isoformat()}
    return {**told, "stale": True} if found.is_silent else told


def judge(
    pulse: datetime | None, updated_at: datetime | None, now: datetime, limits: Limits | None, *, is_shut: bool = False
) -> Freshness:
    """How the list may be shown at `now`. Where no pulse was ever noted, the time of the last change stands for it. A
    pulse that lies ahead of `now` counts like one as far behind: a clock is wrong, and whether the registry is silent could not
    be told before it has caught up. Without limits nothing is hidden: whoever takes names back must read on."""
    checked_at = pulse or updated_at
    if limits is None:
        return Freshness(checked_at=checked_at)
    if is_shut:
        return Freshness(standing=Standing.HIDDEN, checked_at=checked_at, cause=Cause.SHUT)
    silence = timedelta() if checked_at is None else abs(now - checked_at)
    if silence > limits.hide:
        return Freshness(standing=Standing.HIDDEN, checked_at=checked_at, cause=Cause.SILENCE)
    return Freshness(standing=Standing.SILENT if silence > limits.silent else Standing.FRESH, checked_at=checked_at)


def read_limits(silent: str, hide: str) -> Limits:
    """The limits that the settings name, in whole hours. Raises ValueError with one line in Chinese that names the
    setting."""
    read = {"GONGSHI_SILENT_HOURS": silent, "GONGSHI_HIDE_HOURS": hide}
    for name, text in read.items():
        if not _HOURS.fullmatch(text) or not _LEAST <= int(text) <= _MOST:
            raise ValueError(f"{name} 应为 {_LEAST} 到 {_MOST} 的整数（小时）")
    if int(hide) <= int(silent):
        raise ValueError("GONGSHI_HIDE_HOURS（多少小时没有核对即停止显示）应大于 GONGSHI_SILENT_HOURS（即提示）")
    return Limits(silent=timedelta(hours=int(silent)), hide=timedelta(hours=int(hide)))

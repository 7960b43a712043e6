"""What `doctor` finds: a matter, how grave it is, and in words what it is and what to do. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Literal

Grade = Literal["ok", "warn", "fail"]
GRADE_LABEL: Mapping[str, str] = {"ok": "正常", "warn": "提醒", "fail": "故障"}
_WEIGHT: Mapping[str, int] = {"ok": 0, "warn": 1, "fail": 2}
_VARYING = re.compile(r"[0-9０-９][0-9０-９,.:%\- +]*")


@dataclass(frozen=True, slots=True)
class Finding:
    """One matter of `doctor`. `text` says what it is, and what to do; it names no person and holds no secret."""

    matter: str
    grade: Grade
    text: str

    @property
    def digest(self) -> str:
        """What is the same for the same trouble tomorrow, though its counts and times have changed."""
        return sha256(_VARYING.sub("#", f"{self.grade}\0{self.text}").encode()).hexdigest()


def is_graver(one: str, other: str) -> bool:
    """Whether the grade `one` is worse than `other`."""
    return _WEIGHT[one] > _WEIGHT[other]


def find_worst(grades: Iterable[str]) -> str:
    """The worst of some grades; `ok` where there are none."""
    return max(grades, key=_WEIGHT.__getitem__, default="ok")


def grade_above(value: float, *, warn: float, fail: float) -> Grade:
    """The grade of something that is bad when there is much of it: an age, a lag."""
    return "fail" if value > fail else "warn" if value > warn else "ok"


def grade_below(value: float, *, warn: float, fail: float) -> Grade:
    """The grade of something that is bad when little of it is left: days, room, money."""
    return "fail" if value < fail else "warn" if value < warn else "ok"


def tell_age(age: timedelta) -> str:
    """How long something has lasted, in words, rounded down."""
    minutes = max(int(age.total_seconds()) // 60, 0)
    if minutes < 120:
        return f"{minutes} 分钟"
    return f"{minutes // 60} 小时" if minutes < 48 * 60 else f"{minutes // (24 * 60)} 天"

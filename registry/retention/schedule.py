"""The schedule of retention: classes of data, how long each is kept, and by which law (个人信息保护法 art. 19)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

_SCHEDULE = Path(__file__).with_name("schedule.toml")
OVERRIDES = "retention.toml"
"""The file in the private folder by which a court keeps a class for another time."""
_LONGEST = 36_525


class RetentionError(ValueError):
    """The court's own terms cannot be used. The message is one line for the administrator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """A class of data: what it is, from which event on it is kept, for how many days (not fewer than `least`), what becomes
    of it then, and on what basis."""

    key: str
    title: str
    since: str
    days: int
    least: int
    becomes: str
    basis: str

    def cutoff(self, today: date) -> date:
        """What happened on this day or before is over."""
        return today - timedelta(days=self.days)


def read_schedule(private: Path) -> Mapping[str, Class]:
    """The classes by key, with the terms of the court's own file in the folder `private`, where there is one.

    Raises RetentionError for a file that cannot be read, a class that there is not, or a term below the least.
    """
    known = {key: Class(key=key, **values) for key, values in tomllib.loads(_SCHEDULE.read_text("utf-8")).items()}
    path = private / OVERRIDES
    if not path.exists():
        return known
    try:
        body = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):
        raise RetentionError(
            f"保存期限文件 {path} 不能读取：应为 UTF-8 的 TOML，例如 [terms] 之下写 notices = 365"
        ) from None
    terms = body.get("terms", {})
    if body.keys() - {"terms"} or not isinstance(terms, dict):
        raise RetentionError(f"保存期限文件 {path} 只能有 [terms] 一节，每行写 类别 = 天数")
    return {**known, **{key: _with_term(known, key, days) for key, days in terms.items()}}


def _with_term(known: Mapping[str, Class], key: str, days: object) -> Class:
    if key not in known:
        raise RetentionError(f"保存期限文件中没有名为 {key} 的类别，可用：{'、'.join(known)}")
    one = known[key]
    if not isinstance(days, int) or isinstance(days, bool) or not one.least <= days <= _LONGEST:
        raise RetentionError(f"保存期限 {key}（{one.title}）应为 {one.least} 到 {_LONGEST} 天的整数：{one.basis}")
    return replace(one, days=days)

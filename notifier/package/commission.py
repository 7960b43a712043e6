"""委托函号: the number of the court's letter that goes with a package (联动机制 §3: media publish what the court commissions).

A setting gives it for every quarter: （{year}）测法推{quarter}号 is （2026）测法推3号 for 2026Q3. Where there is none the letter
leaves room for it, and takes effect once the court has written it in. Pure.
"""

from __future__ import annotations

import re

from notifier.calendar import Period
from notifier.package.edition import is_seen

_LONGEST = 60
_FIELD = re.compile(r"\{([^{}]*)\}")


def fill_number(pattern: str, period: Period) -> str:
    """The number for a period: `pattern` with its year (four digits) and quarter (1 to 4) in place of {year} and {quarter}."""
    values = {"year": str(period.year), "quarter": str(period.quarter)}
    return _FIELD.sub(lambda found: values.get(found[1], found[0]), pattern)


def check_pattern(pattern: str) -> str:
    """`pattern` without outer blanks. Raises ValueError (Chinese) for what could not stand in a letter."""
    pattern = pattern.strip()
    if len(pattern) > _LONGEST:
        raise ValueError(f"委托函号不应超过 {_LONGEST} 个字符")
    if not all(map(is_seen, pattern)):
        raise ValueError("委托函号中不应有换行或者看不见的字符")
    unknown = {name for name in _FIELD.findall(pattern) if name not in ("year", "quarter")}
    if unknown or re.search(r"[{}]", _FIELD.sub("", pattern)):
        raise ValueError("委托函号中只能使用 {year}（期次的年份）和 {quarter}（第几季度）")
    return pattern

"""The calendar day where the court is. Every date of the product is one; every time has an offset."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

# No daylight saving since 1991, and a fixed offset needs no time zone data on a small server.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")


def day_of(moment: datetime) -> date:
    """The day of an aware instant, in Asia/Shanghai."""
    return moment.astimezone(SHANGHAI).date()

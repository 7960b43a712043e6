"""`doctor --alarm`: what the timer runs every hour. It works with a dead worker, and tells by mail when the database is dead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from gongshi.commands.common import describe, make_court, report
from gongshi.court import Court
from gongshi.legal_clock import LegalClock
from gongshi.settings import BadSetting, Settings
from gongshi.watching.checks import CHECKS
from gongshi.watching.finding import GRADE_LABEL, Finding
from gongshi.watching.memory import read_memory
from gongshi.watching.rounds import Round, go_round
from gongshi.watching.telling import Post, Told, tell, tell_blind

# What takes long is done with the first round of a day.
_CLOSELY_AFTER = timedelta(hours=23)


def tell_alarms(machine: bool) -> int:
    """Look, tell, and print what was told. Returns 0 where there is nothing to tell, 1 where it was told, 2 where it could
    not be told. Raises BadSetting."""
    court = make_court()
    try:
        court.require_home()
        told = _tell(court)
    except BadSetting:
        raise
    except Exception as error:
        finding = Finding("登记库", "fail", f"不能检查，也不能登记发现的问题：{describe(error)}")
        told = tell_blind(_post(court.settings, court), court.settings.private, [finding])
    _print(machine, told)
    if told.problem or not told.is_told:
        return 2
    return 1 if told.open else 0


def _tell(court: Court) -> Told:
    held = list(_hold(court))
    memory = read_memory(court.private)
    closely = memory.daily_at is None or not timedelta() <= court.now - memory.daily_at < _CLOSELY_AFTER
    seen = go_round(Round(court, daily=closely, online=closely), CHECKS, describe)
    return tell(court, replace(seen, findings=(*held, *seen.findings)), daily=closely)


def _hold(court: Court) -> Iterator[Finding]:
    """Do what must not wait for a worker that is dead: hide what nobody has decided in time. Beside a living one there is
    nothing left to do."""
    try:
        LegalClock(court).hold()
    except Exception as error:
        yield Finding(
            "到期隐去",
            "fail",
            f"逾期没有决定的条目不能自动隐去：{describe(error)}；请立即用 gongshi hold 屏蔽；办不成的，打开网站的 /emergency，用信封中的代码停止显示",
        )


def _post(settings: Settings, court: Court) -> Post:
    return Post(settings=settings, clock=court.world.now, random=court.world.random)


def _print(machine: bool, told: Told) -> None:
    lines = [f"[{GRADE_LABEL[one.finding.grade]}] {one.finding.matter}：{one.finding.text}" for one in told.open]
    if told.problem:
        lines.append(f"告警邮件没有发出：{told.problem}")
    found = {
        "findings": [
            {"matter": one.finding.matter, "grade": one.finding.grade, "text": one.finding.text} for one in told.open
        ],
        "mailed": told.mailed,
        "problem": told.problem,
    }
    report(machine, found, "\n".join(lines) if lines else "没有发现问题")

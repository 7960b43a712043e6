"""Going through the checks of `doctor`, none of which keeps the others from being made.

A check that cannot be made because something is broken is itself a finding. What was not looked at is said, so that nobody
takes it for mended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from gongshi.channels import Providers, open_channels, read_providers
from gongshi.court import Court
from gongshi.office import open_office
from gongshi.watching.finding import Finding
from notifier.channels import Channel
from notifier.context import Notifier

# A list that is longer is compared with its index once a day, and not every hour.
LONG_LIST = 20_000
# A check waits half a minute for a database that another program does not let go of. Nobody waits so for all of them.
_MOST_WAITED = 2
_LOCKED = (
    "数据库一直被别的程序占用，其余各项没有检查：请查明是哪个程序没有结束（升级、恢复、整盘备份软件），结束它后再检查"
)
Explain = Callable[[BaseException], str]


class Round:
    """One look at a home. `daily`: also what takes long; `online`: also what is asked of others on the internet. What
    several checks need is opened once, when it is first asked for. Raises BadSetting there."""

    def __init__(self, court: Court, *, daily: bool = True, online: bool = False) -> None:
        self.court = court
        self.daily = daily
        self.online = online

    @cached_property
    def office(self) -> Notifier:
        return open_office(self.court)

    @cached_property
    def providers(self) -> Providers:
        return read_providers(self.court, self.office)

    @cached_property
    def channels(self) -> Mapping[str, Channel]:
        return open_channels(self.court, self.office, self.providers)


@dataclass(frozen=True, slots=True)
class Check:
    """A part of `doctor`: the matter it is about, and how it is made. Of what it finds each matter is this one, or begins
    with one of `covers`. It is left out where `is_due` says so."""

    matter: str
    work: Callable[[Round], Iterable[Finding]]
    covers: tuple[str, ...] = ()
    is_due: Callable[[Round], bool] = lambda _look: True

    def is_about(self, matter: str) -> bool:
        return matter.startswith((self.matter, *self.covers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a round found, and the checks that were left out or could not be made to their end: of these nothing is known."""

    findings: tuple[Finding, ...]
    unknown: tuple[Check, ...] = ()

    def is_unknown(self, matter: str) -> bool:
        return any(check.is_about(matter) for check in self.unknown)


def go_round(
    look: Round, checks: Sequence[Check], explain: Explain, *, refusals: tuple[type[Exception], ...] = ()
) -> Seen:
    """Make the checks that are due. What one raises becomes its finding, in the words of `explain`; what is one of
    `refusals` is raised."""
    findings: list[Finding] = []
    unknown: list[Check] = []
    waited = 0
    for check in checks:
        if waited == _MOST_WAITED:
            unknown.append(check)
            continue
        try:
            if check.is_due(look):
                findings.extend(check.work(look))
                continue
        except refusals:
            raise
        except Exception as error:
            findings.append(Finding(check.matter, "fail", f"不能检查：{explain(error)}"))
            waited += "database is locked" in str(getattr(error, "orig", ""))
        unknown.append(check)
    if waited == _MOST_WAITED:
        findings.append(Finding("检查", "fail", _LOCKED))
    return Seen(findings=tuple(findings), unknown=tuple(unknown))


def daily(look: Round) -> bool:
    return look.daily


def online(look: Round) -> bool:
    return look.online

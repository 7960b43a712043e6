"""What a comparison came to, and how it is said: to people in Chinese, to machines as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from registry.record import Conduct
from registry.units.compare_rows import WORDS, Fault
from registry.units.comparing import Applicant, Verdict, strongest
from registry.units.releases import Retained
from search_index.day import SHANGHAI, day_of
from search_index.document import Document
from search_index.freshness import FRESH, Freshness, tell_freshness
from search_index.profile import Profile

ADVISORY = (
    "比对结果仅供参考，不得仅凭自动比对作出对个人权益有重大影响的决定；当事人有权要求说明，并有权拒绝仅通过自动化决策的方式"
    "作出决定（个人信息保护法第二十四条）。采取措施前应当核对证件，并以最新名单为准。"
)
OBJECTION = "对纳入名单有异议的，单位应当告知其可以向执行法院申请纠正（法释〔2017〕7号第十一条）。"


class Status(StrEnum):
    """How the entry of a hit stands: on the list; with an objection that is being looked into, when measures are to be left
    undone; gone from it, as this unit was told, while it has measures to lift or keeps some."""

    LISTED = "LISTED"
    UNDER_VERIFICATION = "UNDER_VERIFICATION"
    RELEASED = "RELEASED"

    @property
    def label(self) -> str:
        return {"LISTED": "在名单上", "UNDER_VERIFICATION": "异议核实中", "RELEASED": "已退出名单"}[self.value]

    @property
    def counts(self) -> bool:
        """Whether it is a hit of the list: whoever left it is none."""
        return self is not Status.RELEASED


@dataclass(frozen=True, slots=True, kw_only=True)
class Restricted:
    """What an entitled unit is told of an entry that is not public by law (依法不宜公开)."""

    court: str
    case_number: str
    conduct: tuple[Conduct, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """That a unit was told of a departure, and what it keeps. `done`: it said that its other measures are lifted."""

    told_on: date
    due: date
    done: bool
    retained: tuple[Retained, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An entry that an applicant is on, or may be. `entry` tells entries apart inside and is shown to nobody."""

    entry: int
    verdict: Verdict
    status: Status
    record: str | None
    document: Document | None = None
    restricted: Restricted | None = None
    released: Released | None = None
    # The number is the same and the name is not.
    renamed: bool = False

    @property
    def court(self) -> str | None:
        """The court that enforces, to which an objection goes."""
        shown = self.document or self.restricted
        return shown.court if shown else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one row came to. `namesakes` is how many entries have the name and cannot be compared, where there is no more to
    say; `has_namesakes`: others have the name, and are somebody else."""

    row: int
    given: Applicant | Fault
    valid_until: datetime
    hits: tuple[Hit, ...] = ()
    namesakes: int = 0
    has_namesakes: bool = False

    @property
    def verdict(self) -> Verdict:
        if isinstance(self.given, Fault):
            return Verdict.ERROR
        if self.hits:
            return strongest(hit.verdict for hit in self.hits)
        return Verdict.NAME_ONLY if self.namesakes else Verdict.NONE

    @property
    def status(self) -> Status | None:
        return min((hit.status for hit in self.hits), key=list(Status).index, default=None)

    @property
    def is_hit(self) -> bool:
        """Whether it is a hit of the list."""
        return any(hit.status.counts for hit in self.hits)

    @property
    def reason(self) -> str:
        return explain(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer, of one moment of the list."""

    sequence: int
    made_at: datetime
    valid_until: datetime
    results: tuple[Result, ...]
    profile: Profile
    freshness: Freshness = FRESH

    @property
    def hits(self) -> int:
        """How many rows hit the list."""
        return sum(result.is_hit for result in self.results)


def explain_silence(answer: Answer) -> str:
    """That the list may be out of date, where it may."""
    at = answer.freshness.checked_at
    if not answer.freshness.is_silent or at is None:
        return ""
    checked = at.astimezone(SHANGHAI)
    return f"名单最近一次与法院核对是 {checked:%Y-%m-%d %H:%M}，此后的变动可能尚未显示，请以法院答复为准。"


def end_of_day(now: datetime) -> datetime:
    """Until when an answer holds at most: it is good for the day on which it was made, where the court is."""
    return datetime.combine(day_of(now) + timedelta(days=1), time(), SHANGHAI)


def explain(result: Result) -> str:
    """Why, in plain Chinese."""
    given, verdict = result.given, result.verdict
    if isinstance(given, Fault):
        return f"没有比对：{explain_fault(given)}"
    if verdict is Verdict.NONE:
        if result.has_namesakes:
            return "名单中有同名的条目，但证件号码不同，不是同一人"
        return "名单中没有相符的条目"
    if verdict is Verdict.NAME_ONLY:
        return _explain_namesakes(given, result.namesakes)
    said = _SAID[verdict]
    if verdict is Verdict.EXACT and all(hit.renamed for hit in result.hits if hit.verdict is verdict):
        said = "证件号码与名单所载完全相同，但姓名或者名称不同，请核对证件"
    kinds = sorted({hit.status for hit in result.hits}, key=list(Status).index)
    return "。".join([said, *(_explain_status(result, status) for status in kinds if status is not Status.LISTED)])


def explain_fault(fault: Fault) -> str:
    """Which field could not be read, and why. A number's reason names it by itself."""
    return f"{_FIELD.get(fault.field, '')}{fault.reason}"


def answer_json(answer: Answer) -> dict[str, Any]:
    """The object for machines."""
    profile = answer.profile
    return {
        "meta": {
            "sequence": answer.sequence,
            "made_at": _moment(answer.made_at),
            **tell_freshness(answer.freshness),
            "valid_until": _moment(answer.valid_until),
            "rows": len(answer.results),
            "hits": answer.hits,
            "advisory": ADVISORY,
            "objection": {"text": OBJECTION, "court": profile.court, "telephone": profile.telephone or None},
        },
        "results": [_result_json(result, profile) for result in answer.results],
        "applications": _applications_json(answer.results),
    }


def telephone_of(hit: Hit, profile: Profile) -> str | None:
    """The telephone of the court that enforces, where it is ours; another court's is not known here."""
    is_ours = hit.document.origin is None if hit.document else hit.court in (None, profile.court)
    return (profile.telephone or None) if is_ours else None


def list_entry(hit: Hit) -> str:
    """Where an entry is to be found: its public number, court and case number, as far as they may be told."""
    shown = hit.document or hit.restricted
    return "，".join(part for part in (hit.record, *((shown.court, shown.case_number) if shown else ())) if part)


_FIELD = {"name": "姓名或者名称", "id_number": "", "uscc": "", "ref": "序号", "role": "角色", "application": "业务编号"}
_SAID = {
    Verdict.EXACT: "证件号码与名单所载完全相同",
    Verdict.MASKED_AGREE: "姓名相同，号码中双方都能看到的各位也相同，但一方的号码有遮盖：核对完整号码后才能认定是同一人，可以向法院核实",
}


def _explain_namesakes(given: Applicant, count: int) -> str:
    if given.number is None:
        return f"名单中有{count}个同名的条目，只凭姓名或者名称不能认定是同一人：请补充证件号码后再比对"
    return f"名单中有{count}个同名或者同号的条目，但证件的种类、号码不能相互比对，不能认定是同一人：请向法院核实"


def _explain_status(result: Result, status: Status) -> str:
    if status is Status.UNDER_VERIFICATION:
        return "条目的异议正在核实，核实期间暂不执行联合惩戒措施，并应告知其可以向执行法院申请纠正"
    hits = [hit.released for hit in result.hits if hit.released is not None]
    told = "、".join(sorted({one.told_on.isoformat() for one in hits}))
    kept = [one for hit in hits for one in hit.retained]
    measures = "；".join(f"{one.measure}至{one.ends_on.isoformat()}，依据：{one.basis}" for one in kept)
    lift = "" if all(one.done for one in hits) else "，应当立即解除措施并登记"
    return f"条目已经退出名单（{told}通知本单位），不得再据此限制{lift}" + (
        f"；本单位登记继续保留的措施：{measures}" if kept else ""
    )


def _result_json(result: Result, profile: Profile) -> dict[str, Any]:
    given = result.given
    fault = given if isinstance(given, Fault) else None
    words = fault.words if fault else {name: getattr(given, name) for name in WORDS}
    return {
        "row": result.row,
        **{name: words.get(name) for name in WORDS},
        "verdict": result.verdict.value,
        "status": result.status.value if result.status else None,
        "reason": result.reason,
        "namesakes": result.namesakes if result.verdict is Verdict.NAME_ONLY else None,
        "hits": [_hit_json(hit, profile) for hit in result.hits],
        "error": {"field": fault.field, "reason": fault.reason} if fault else None,
        "valid_until": _moment(result.valid_until),
    }


def _hit_json(hit: Hit, profile: Profile) -> dict[str, Any]:
    entry, released = hit.restricted, hit.released
    return {
        "record": hit.record,
        "verdict": hit.verdict.value,
        "status": hit.status.value,
        "restricted": entry is not None,
        "document": hit.document.as_json() if hit.document else None,
        "entry": {
            "court": entry.court,
            "case_number": entry.case_number,
            "conduct": [{"code": one.value, "text": one.text} for one in entry.conduct],
        }
        if entry
        else None,
        "released": {
            "told_on": released.told_on.isoformat(),
            "due": released.due.isoformat(),
            "done": released.done,
            "retained": [
                {"measure": one.measure, "basis": one.basis, "ends_on": one.ends_on.isoformat()}
                for one in released.retained
            ],
        }
        if released
        else None,
        "objection": {"court": hit.court or profile.court, "telephone": telephone_of(hit, profile)},
    }


def _applications_json(results: Sequence[Result]) -> list[dict[str, Any]]:
    """The related persons of each application (policies A7, A9): the rows that carry its number, in order."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        given = result.given
        number = given.words.get("application") if isinstance(given, Fault) else given.application
        if number is not None:
            groups.setdefault(number, []).append(result)
    return [
        {
            "application": number,
            "rows": [one.row for one in group],
            "hits": [one.row for one in group if one.is_hit],
            "verdict": strongest(one.verdict for one in group).value,
        }
        for number, group in groups.items()
    ]


def _moment(moment: datetime) -> str:
    return moment.astimezone(SHANGHAI).isoformat()

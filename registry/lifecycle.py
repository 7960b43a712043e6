"""Where a record may go from where it stands, and what follows from it: law.md §1.1 as one pure table.

`registry/moving.py` carries out what is decided here; no other code changes a state. What §1.1 calls a state is here a
state, a stage, or a guard:

| §1.1                | here                                                                                          |
|---------------------|-----------------------------------------------------------------------------------------------|
| DRAFT               | `State.DRAFT`; stage `completing` while something that approval asks for is missing            |
| REVIEWED            | the guards of `registry/approval.py` and the resolved redactions: stage `approving`            |
| DECIDED             | the guard `decision_missing` (art. 5 ¶3): number and day of the decision are there             |
| SERVICE_PENDING     | stage `serving`: nothing is missing but service                                                |
| SERVED              | the guard `not_served`, at approval and at every publication by the gate                       |
| GRACE               | stage `grace`: approved, and `grace_until` is not over (法发〔2019〕35号); the gate withholds   |
| NATIONAL_SYNCED     | the guard `national_reference_missing`, where the policy requires it (art. 7 ¶1)               |
| PUBLISHED           | `State.PUBLISHED`; CORRECTED is an action that stays there                                     |
| EXIT 撤销           | `State.WITHDRAWN`                                                                              |
| EXIT 删除、提前删除   | `State.REMOVED`, the latter by the ground `early`                                              |
| EXIT 屏蔽           | `State.HELD`: out of sight, while it is decided                                                |
| EXIT 期满           | `State.EXPIRED`                                                                                |
| RECALLED            | known to the notifier alone: every past recipient has acknowledged the recall                  |
| ARCHIVED            | what has departed stays, sealed; nothing leads out of it but a later decision (art. 10 ¶3), or  |
|                     | that it was wrong from the start: then removed or expired becomes withdrawn (art. 9 ¶1)         |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from registry.deadlines import Rule
from registry.gate import Adulthood, find_adulthood
from registry.policy import Policy
from registry.record import Facts, State
from search_index.journal import ChangeType


class Action(StrEnum):
    """What is done to a record. The value is the word of the audit trail."""

    APPROVE = "approve"
    GRACE = "grace"
    PUBLISH = "publish"
    RESTRICT = "restrict"
    CORRECT = "correct"
    HOLD = "hold"
    CONFIRM = "hold_confirm"
    ASK = "lift_request"
    LIFT = "lift"
    WITHDRAW = "withdraw"
    REMOVE = "remove"
    EXPIRE = "expire"

    @property
    def ends(self) -> bool:
        """Whether the record has departed by it."""
        return self in (Action.WITHDRAW, Action.REMOVE, Action.EXPIRE)


_NEXT: dict[tuple[State, Action], State] = {
    (State.DRAFT, Action.APPROVE): State.APPROVED,
    (State.DRAFT, Action.GRACE): State.DRAFT,
    (State.DRAFT, Action.CORRECT): State.DRAFT,
    (State.DRAFT, Action.WITHDRAW): State.WITHDRAWN,
    # What was listed once, and goes back to the start by a correction: departing.take_down looks that it was.
    (State.DRAFT, Action.REMOVE): State.REMOVED,
    (State.APPROVED, Action.GRACE): State.APPROVED,
    (State.APPROVED, Action.PUBLISH): State.PUBLISHED,
    (State.APPROVED, Action.RESTRICT): State.RESTRICTED,
    # What two people have not both seen goes back to the start.
    (State.APPROVED, Action.CORRECT): State.DRAFT,
    (State.APPROVED, Action.HOLD): State.HELD,
    (State.APPROVED, Action.WITHDRAW): State.WITHDRAWN,
    (State.APPROVED, Action.REMOVE): State.REMOVED,
    (State.APPROVED, Action.EXPIRE): State.EXPIRED,
    (State.RESTRICTED, Action.CORRECT): State.DRAFT,
    (State.RESTRICTED, Action.HOLD): State.HELD,
    (State.RESTRICTED, Action.WITHDRAW): State.WITHDRAWN,
    (State.RESTRICTED, Action.REMOVE): State.REMOVED,
    # Whoever's term is over leaves, seen by the public or not.
    (State.RESTRICTED, Action.EXPIRE): State.EXPIRED,
    (State.PUBLISHED, Action.CORRECT): State.PUBLISHED,
    (State.PUBLISHED, Action.RESTRICT): State.RESTRICTED,
    (State.PUBLISHED, Action.HOLD): State.HELD,
    (State.PUBLISHED, Action.WITHDRAW): State.WITHDRAWN,
    (State.PUBLISHED, Action.REMOVE): State.REMOVED,
    (State.PUBLISHED, Action.EXPIRE): State.EXPIRED,
    (State.HELD, Action.CORRECT): State.HELD,
    (State.HELD, Action.CONFIRM): State.HELD,
    (State.HELD, Action.ASK): State.HELD,
    # Shown again only by way of `publish`, which asks the gate once more.
    (State.HELD, Action.LIFT): State.APPROVED,
    (State.HELD, Action.WITHDRAW): State.WITHDRAWN,
    (State.HELD, Action.REMOVE): State.REMOVED,
    (State.HELD, Action.EXPIRE): State.EXPIRED,
    # Whoever has left, and is found to have been listed wrongly afterwards (art. 9 ¶1).
    (State.REMOVED, Action.WITHDRAW): State.WITHDRAWN,
    (State.EXPIRED, Action.WITHDRAW): State.WITHDRAWN,
}

STATE_LABEL = {
    State.DRAFT: "待审核",
    State.APPROVED: "已审核、待公布",
    State.RESTRICTED: "依法不宜公开",
    State.PUBLISHED: "已公布",
    State.HELD: "已屏蔽",
    State.WITHDRAWN: "已撤销",
    State.REMOVED: "已删除",
    State.EXPIRED: "已期满",
}
ACTION_LABEL = {
    Action.APPROVE: "审核",
    Action.GRACE: "给予宽限期",
    Action.PUBLISH: "公布",
    Action.RESTRICT: "转为不公开",
    Action.CORRECT: "更正",
    Action.HOLD: "屏蔽",
    Action.CONFIRM: "确认屏蔽",
    Action.ASK: "提出解除屏蔽",
    Action.LIFT: "解除屏蔽",
    Action.WITHDRAW: "撤销",
    Action.REMOVE: "删除",
    Action.EXPIRE: "期满退出",
}
ARTICLE = {
    Action.APPROVE: "法释〔2017〕7号第五条第三款",
    Action.GRACE: "法发〔2019〕35号（宽限期一至三个月，期内暂不发布）",
    Action.PUBLISH: "法释〔2017〕7号第七条",
    Action.RESTRICT: "法释〔2017〕7号第六条第（六）项",
    Action.CORRECT: "法释〔2017〕7号第九条第二款",
    Action.HOLD: "法释〔2017〕7号第九条、第十条",
    Action.CONFIRM: "法释〔2017〕7号第九条、第十条、第十三条",
    Action.ASK: "法释〔2017〕7号第五条第三款、第十三条",
    Action.LIFT: "法释〔2017〕7号第五条第三款、第十三条",
    Action.WITHDRAW: "法释〔2017〕7号第九条第一款",
    Action.REMOVE: "法释〔2017〕7号第十条第一款",
    Action.EXPIRE: "法释〔2017〕7号第十条第二款",
}
"""By what rule each is done; a ground of departure names its own (departing.article_of)."""

# The periods that begin and end with an action. Whether one begins also depends on whether the public ever saw the entry.
_SETS: dict[Action, frozenset[Rule]] = {
    Action.GRACE: frozenset({Rule.GRACE}),
    Action.HOLD: frozenset({Rule.HOLD_CONFIRM}),
    Action.WITHDRAW: frozenset({Rule.UNITS_TOLD}),
    Action.REMOVE: frozenset({Rule.UNITS_TOLD}),
    # Set from the day the term ended, and ended by the same step: so the book shows whether it was in time.
    Action.EXPIRE: frozenset({Rule.TERM_END, Rule.UNITS_TOLD}),
}
_LEAVES = frozenset({Rule.EXIT, Rule.TERM_END, Rule.GRACE, Rule.HOLD_CONFIRM})
_ENDS: dict[Action, frozenset[Rule]] = {
    Action.PUBLISH: frozenset({Rule.GRACE}),
    Action.CONFIRM: frozenset({Rule.HOLD_CONFIRM}),
    Action.LIFT: frozenset({Rule.HOLD_CONFIRM}),
    Action.WITHDRAW: _LEAVES,
    Action.REMOVE: _LEAVES,
    Action.EXPIRE: _LEAVES,
}


class NotAllowed(Exception):
    """The action has no place in the state the record is in. The message is for the person who tried."""

    def __init__(self, state: State, action: Action) -> None:
        super().__init__(f"该记录{STATE_LABEL[state]}，不能{ACTION_LABEL[action]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """What follows from an action: the new state; where the public sees it, the kind of change; the word and the article
    of the audit line; the clocks that are set and ended; whether people are told in private, whether the exit is made
    known (退出公告), and whether the open grounds of departure are thereby settled."""

    state: State
    change: ChangeType | None
    audited: str
    article: str
    sets: frozenset[Rule] = frozenset()
    ends: frozenset[Rule] = frozenset()
    tells: bool = False
    exit_notice: bool = False
    settles_grounds: bool = False


def transition(state: State, action: Action) -> Transition:
    """Raises NotAllowed."""
    new = _NEXT.get((state, action))
    if new is None:
        raise NotAllowed(state, action)
    # Who has departed before was told then, and the units, too.
    leaves = action.ends and not state.has_departed
    return Transition(
        state=new,
        change=_change(state, new),
        audited=action.value,
        article=ARTICLE[action],
        sets=frozenset() if state.has_departed else _SETS.get(action, frozenset()),
        ends=_ENDS.get(action, frozenset()),
        tells=leaves,
        exit_notice=leaves,
        settles_grounds=action.ends,
    )


def allowed(state: State) -> frozenset[Action]:
    """What may be done to a record in this state; guards and roles may still stand against it."""
    return frozenset(action for known, action in _NEXT if known is state)


def _change(old: State, new: State) -> ChangeType | None:
    if old is new:
        return ChangeType.CORRECTED if new is State.PUBLISHED else None
    if new is State.PUBLISHED:
        return ChangeType.PUBLISHED
    return ChangeType.GONE if old is State.PUBLISHED else None


# Where a record waits ---------------------------------------------------------------------------------------------


class Stage(StrEnum):
    """The work list that a record is on."""

    COMPLETING = "completing"
    SERVING = "serving"
    APPROVING = "approving"
    APPROVED = "approved"
    GRACE = "grace"
    RESTRICTED = "restricted"
    PUBLISHED = "published"
    HELD = "held"
    DEPARTED = "departed"


STAGE_LABEL = {
    Stage.COMPLETING: "待补充",
    Stage.SERVING: "待送达",
    Stage.APPROVING: "待审核",
    Stage.APPROVED: "已审核、待公布",
    Stage.GRACE: "宽限期内",
    Stage.RESTRICTED: "依法不宜公开",
    Stage.PUBLISHED: "已公布",
    Stage.HELD: "已屏蔽",
    Stage.DEPARTED: "已退出",
}
_STAGE_OF = {
    State.APPROVED: Stage.APPROVED,
    State.RESTRICTED: Stage.RESTRICTED,
    State.PUBLISHED: Stage.PUBLISHED,
    State.HELD: Stage.HELD,
    State.WITHDRAWN: Stage.DEPARTED,
    State.REMOVED: Stage.DEPARTED,
    State.EXPIRED: Stage.DEPARTED,
}


def find_stage(
    state: State, facts: Facts, grace_until: date | None, policy: Policy, today: date, *, is_own: bool = True
) -> Stage:
    """The work list of a record on `today` (Asia/Shanghai). Only a draft's depends on its facts; `is_own` is False for what
    was taken over from another court."""
    if state is not State.DRAFT:
        return find_later_stage(state, grace_until, today)
    missing = find_missing(facts, policy, today, is_own=is_own)
    if missing == ("served_on",):
        return Stage.SERVING
    return Stage.COMPLETING if missing else Stage.APPROVING


def find_later_stage(state: State, grace_until: date | None, today: date) -> Stage:
    """The work list of a record that is a draft no more."""
    if state is State.APPROVED and in_grace(grace_until, today):
        return Stage.GRACE
    return _STAGE_OF[state]


def in_grace(grace_until: date | None, today: date) -> bool:
    """Whether the time of grace is not over: its last day belongs to it (法发〔2019〕35号; 民法典 203)."""
    return grace_until is not None and today <= grace_until


def find_missing(facts: Facts, policy: Policy, today: date, *, is_own: bool = True) -> tuple[str, ...]:
    """The fields that approval asks for and that are absent, in the order in which they are filled in. What is there and
    wrong is not missing: approval refuses it by name. What another court decided and served is not asked for here."""
    age = {"birth_date": find_adulthood(facts, today) is Adulthood.UNKNOWN and facts.birth_date is None}
    asked = (
        age
        if not is_own
        else age
        | {
            "decision_number": not (facts.decision_number or "").strip(),
            "decided_on": facts.decided_on is None,
            "term_ends_on": facts.term_ends_on is None and any(kind.has_term for kind in facts.conduct),
            "national_reference": policy.require_national_reference and not (facts.national_reference or "").strip(),
            "served_on": facts.served_on is None,
        }
    )
    return tuple(name for name, missing in asked.items() if missing)

"""Where a record may go from where it stands (law.md §1.1), as one table. No other code changes a state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from registry.record import State
from search_index.journal import ChangeType


class Action(StrEnum):
    APPROVE = "approve"
    PUBLISH = "publish"
    RESTRICT = "restrict"
    CORRECT = "correct"
    HOLD = "hold"
    LIFT = "lift"
    WITHDRAW = "withdraw"
    REMOVE = "remove"
    EXPIRE = "expire"


_NEXT: dict[tuple[State, Action], State] = {
    (State.DRAFT, Action.APPROVE): State.APPROVED,
    (State.DRAFT, Action.CORRECT): State.DRAFT,
    (State.DRAFT, Action.WITHDRAW): State.WITHDRAWN,
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
    (State.PUBLISHED, Action.CORRECT): State.PUBLISHED,
    (State.PUBLISHED, Action.RESTRICT): State.RESTRICTED,
    (State.PUBLISHED, Action.HOLD): State.HELD,
    (State.PUBLISHED, Action.WITHDRAW): State.WITHDRAWN,
    (State.PUBLISHED, Action.REMOVE): State.REMOVED,
    (State.PUBLISHED, Action.EXPIRE): State.EXPIRED,
    (State.HELD, Action.CORRECT): State.HELD,
    # Shown again only by way of `publish`, which asks the gate once more.
    (State.HELD, Action.LIFT): State.APPROVED,
    (State.HELD, Action.WITHDRAW): State.WITHDRAWN,
    (State.HELD, Action.REMOVE): State.REMOVED,
    (State.HELD, Action.EXPIRE): State.EXPIRED,
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
    Action.PUBLISH: "公布",
    Action.RESTRICT: "转为不公开",
    Action.CORRECT: "更正",
    Action.HOLD: "屏蔽",
    Action.LIFT: "解除屏蔽",
    Action.WITHDRAW: "撤销",
    Action.REMOVE: "删除",
    Action.EXPIRE: "期满退出",
}


class NotAllowed(Exception):
    """The action has no place in the state the record is in. The message is for the person who tried."""

    def __init__(self, state: State, action: Action) -> None:
        super().__init__(f"该记录{STATE_LABEL[state]}，不能{ACTION_LABEL[action]}")


@dataclass(frozen=True, slots=True)
class Transition:
    """What follows from an action: the new state and, where the public sees it, the kind of change."""

    state: State
    change: ChangeType | None


def transition(state: State, action: Action) -> Transition:
    """Raises NotAllowed."""
    new = _NEXT.get((state, action))
    if new is None:
        raise NotAllowed(state, action)
    return Transition(new, _change(state, new))


def _change(old: State, new: State) -> ChangeType | None:
    if new is State.PUBLISHED:
        return ChangeType.CORRECTED if old is State.PUBLISHED else ChangeType.PUBLISHED
    return ChangeType.GONE if old is State.PUBLISHED else None

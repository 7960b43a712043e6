"""Who did what on the desk, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from notifier.tables import DeskActionRow

_SHOWN = 200


class DeskAction(StrEnum):
    """What a person did on the desk."""

    SETTLE = "settle"
    RESUME = "resume"
    ALLOW = "allow"
    APPROVE = "approve"
    PUSH = "push"
    ACKNOWLEDGE = "acknowledge"
    PRINT = "print"
    TAKE_DOWN = "take_down"

    @property
    def label(self) -> str:
        return _LABEL[self]


_LABEL = {
    DeskAction.SETTLE: "核实发送结果",
    DeskAction.RESUME: "恢复通道",
    DeskAction.ALLOW: "恢复地址",
    DeskAction.APPROVE: "批准推送",
    DeskAction.PUSH: "发起推送",
    DeskAction.ACKNOWLEDGE: "登记回执",
    DeskAction.PRINT: "登记张贴",
    DeskAction.TAKE_DOWN: "登记撤下",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One thing that was done, to what, and by whom."""

    at: datetime
    action: DeskAction
    subject: str
    by: str


def note_action(engine: Engine, action: DeskAction, subject: str, *, by: str, now: datetime) -> None:
    """Put on record who did what. `subject` names no address in full and no debtor."""
    with Session(engine) as session, session.begin():
        session.add(DeskActionRow(at=now, action=action.value, subject=subject, done_by=by))


def list_actions(engine: Engine) -> list[Noted]:
    """What was done, the latest first."""
    query = select(DeskActionRow).order_by(DeskActionRow.at.desc(), DeskActionRow.id.desc()).limit(_SHOWN)
    with Session(engine) as session:
        return [
            Noted(at=row.at, action=DeskAction(row.action), subject=row.subject, by=row.done_by)
            for row in session.scalars(query)
        ]

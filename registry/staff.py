"""Staff accounts: what each role may do, who stands in for whom, and what an administrator changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from unicodedata import normalize

from argon2 import PasswordHasher
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import SYSTEM
from registry.tables import SessionRow, StaffRow

# How passwords are kept: Argon2id with the parameters of RFC 9106 for ordinary memory.
HASHER = PasswordHasher()
# With two, who prepared an entry and who approved it may be all who decide: nobody is left for an objection to it.
FEWEST_REVIEWERS = 3
MIN_PASSWORD = 8
MAX_PASSWORD = 256
# The sessions of the desk among those of SessionRow.
_DESK = "desk"
# The actor of whoever gave, at the sign-in, a name that nobody has.
NOBODY = "unknown"
# Actors of the audit trail that are no account of the staff: the product itself, nobody, units' accounts, the machine's.
_TAKEN = frozenset({SYSTEM, NOBODY})
_TAKEN_STARTS = ("unit:", "os:")
# What counts as printable and leaves nothing on the page: joiners, fillers and selectors of variants.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")


class Role(StrEnum):
    CLERK = "clerk"
    REVIEWER = "reviewer"
    AUDITOR = "auditor"
    ADMIN = "admin"


ROLE_LABEL = {Role.CLERK: "书记员", Role.REVIEWER: "审核人", Role.AUDITOR: "审计员", Role.ADMIN: "系统管理员"}


class StaffError(Exception):
    """An account is missing, exists already, or may not do this. The message is for the person at the keyboard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffLine:
    """An account as it is listed. `locked_until` is in the future, or None."""

    name: str
    role: Role
    active: bool
    deputy: str | None
    away_until: date | None
    locked_until: datetime | None
    has_second_factor: bool
    created_at: datetime

    @property
    def label(self) -> str:
        return ROLE_LABEL[self.role]


def add(session: Session, name: str, role: Role, password: str, now: datetime, actor: str) -> None:
    """Make an account. Its owner puts another password in the place of `password` before anything else. Raises
    StaffError."""
    if not name or name != name.strip() or len(name) > 64 or not name.isprintable() or _UNSEEN.search(name):
        raise StaffError("用户名应为 1 至 64 个可见字符，首尾不能有空格")
    _refuse_taken(name)
    _refuse_weak(name, password)
    _refuse_alike(session, name)
    session.add(StaffRow(name=name, role=role.value, password_hash=HASHER.hash(password), created_at=now))
    audit.note(session, now, actor, "user_add", detail={"name": name, "role": role.value})


def require(session: Session, name: str, *roles: Role) -> str:
    """The name, if that account exists, is in use and has one of the roles. Raises StaffError."""
    row = session.get(StaffRow, name)
    if row is None:
        raise StaffError(f"没有用户“{name}”：请先用 gongshi user add 建立账户")
    if not row.active:
        raise StaffError(f"用户“{name}”已停用，不能办理")
    if Role(row.role) not in roles:
        needed = "、".join(ROLE_LABEL[role] for role in roles)
        raise StaffError(f"用户“{name}”是{ROLE_LABEL[Role(row.role)]}，此操作需要{needed}")
    return name


def list_staff(session: Session, now: datetime) -> list[StaffLine]:
    """All accounts, those in use first, by name."""
    rows = session.scalars(select(StaffRow).order_by(StaffRow.active.desc(), StaffRow.name))
    return [
        StaffLine(
            name=row.name,
            role=Role(row.role),
            active=row.active,
            deputy=row.deputy,
            away_until=row.away_until,
            locked_until=row.locked_until if row.locked_until and row.locked_until > now else None,
            has_second_factor=row.totp is not None,
            created_at=row.created_at,
        )
        for row in rows
    ]


def set_password(session: Session, name: str, password: str, now: datetime, actor: str) -> None:
    """Give an account a new password and end its sessions. What anybody but the owner has set, the owner changes before
    anything else: two people who know it are no second pair of eyes. Raises StaffError."""
    row = _find(session, name)
    _refuse_weak(name, password)
    row.password_hash = HASHER.hash(password)
    row.password_changed_at = now if actor == name else None
    row.failures, row.locked_until = 0, None
    end_sessions(session, name)
    audit.note(session, now, actor, "user_password", detail={"name": name})


def reset_second_factor(session: Session, name: str, now: datetime, actor: str) -> None:
    """Forget the second factor of whoever has lost it, and end the sessions. Raises StaffError."""
    row = _find(session, name)
    row.totp, row.totp_step = None, 0
    end_sessions(session, name)
    audit.note(session, now, actor, "user_second_factor_reset", detail={"name": name})


def unlock(session: Session, name: str, now: datetime, actor: str) -> None:
    """Let somebody sign in again who failed too often. Raises StaffError."""
    row = _find(session, name)
    row.failures, row.locked_until = 0, None
    audit.note(session, now, actor, "user_unlock", detail={"name": name})


def set_role(session: Session, name: str, role: Role, now: datetime, actor: str) -> None:
    """Give an account another role and end its sessions. Raises StaffError."""
    row = _find(session, name)
    _refuse_oneself(name, actor, "角色")
    if role is not Role.ADMIN:
        _refuse_last_admin(session, row)
    before, row.role = row.role, role.value
    end_sessions(session, name)
    audit.note(session, now, actor, "user_role", detail={"name": name, "from": before, "to": role.value})


def disable(session: Session, name: str, now: datetime, actor: str) -> None:
    """Take an account out of use and end its sessions; what it did stays under its name. Raises StaffError."""
    row = _find(session, name)
    _refuse_oneself(name, actor, "账户")
    if not row.active:
        raise StaffError(f"用户“{name}”已经停用")
    _refuse_last_admin(session, row)
    row.active = False
    end_sessions(session, name)
    audit.note(session, now, actor, "user_disable", detail={"name": name})


def enable(session: Session, name: str, now: datetime, actor: str) -> None:
    """Put an account back into use. Raises StaffError."""
    row = _find(session, name)
    if row.active:
        raise StaffError(f"用户“{name}”没有停用")
    row.active, row.failures, row.locked_until = True, 0, None
    audit.note(session, now, actor, "user_enable", detail={"name": name})


def set_deputy(
    session: Session, name: str, deputy: str | None, away_until: date | None, now: datetime, actor: str
) -> None:
    """Say who stands in for somebody, and until when that person is away. The deputy sees the lists and alarms, with the
    rights of the own role. Raises StaffError."""
    row = _find(session, name)
    if deputy is not None:
        if deputy == name:
            raise StaffError("代理人不能是本人")
        if not _find(session, deputy).active:
            raise StaffError(f"用户“{deputy}”已停用，不能代理")
    if away_until is not None and deputy is None:
        raise StaffError("外出期间须有代理人：请先选择代理人")
    row.deputy, row.away_until = deputy, away_until
    detail = {"name": name, "deputy": deputy, "away_until": away_until.isoformat() if away_until else None}
    audit.note(session, now, actor, "user_deputy", detail=detail)


def find_gaps(session: Session, today: date) -> list[str]:
    """What is missing among the people who decide, in Chinese, each with what to do; empty where nothing is. By art. 5 ¶3
    and 13 two people list somebody, and neither of them says whether that was right (香格里拉市 四（二）2)."""
    rows = list(session.scalars(select(StaffRow).where(StaffRow.active).order_by(StaffRow.name)))
    reviewers = [row for row in rows if row.role == Role.REVIEWER.value]
    here = [row for row in reviewers if row.away_until is None or row.away_until < today]
    gaps = []
    if not reviewers:
        gaps.append("没有审核人：没有人能审核、更正、撤销、删除，也没有人能决定异议")
    elif len(reviewers) == 1:
        gaps.append(
            "审核人只有一名，没有第二名审核人：这名审核人审核过的信息，没有人能决定对它的异议；不在时没有人能撤下"
        )
    elif len(reviewers) < FEWEST_REVIEWERS:
        gaps.append("审核人只有两名：两人都录入、更正或者审核过的信息，没有人能决定对它的异议（应当回避）")
    if gaps:
        gaps = [f"{gaps[0]}。请系统管理员增设账户，审核人至少 {FEWEST_REVIEWERS} 名"]
    if reviewers and not here:
        gaps.append("审核人全部外出：退出事由没有人决定，到期由系统自行屏蔽。请安排一名审核人回来，或者增设账户")
    deciding = [row for row in rows if row.role in (Role.CLERK.value, Role.REVIEWER.value)]
    alone = sum(row.deputy is None for row in deciding)
    if alone:
        gaps.append(f"{alone} 名书记员或者审核人没有代理人：外出时没有人接替。请系统管理员在账户页指定代理人")
    return gaps


def list_represented(session: Session, name: str) -> tuple[str, ...]:
    """For whom somebody stands in."""
    query = select(StaffRow.name).where(StaffRow.deputy == name, StaffRow.active).order_by(StaffRow.name)
    return tuple(session.scalars(query))


def end_sessions(session: Session, name: str, *, but: str | None = None) -> None:
    """Sign an account out of the desk everywhere, except in the session with the id `but`."""
    found = delete(SessionRow).where(SessionRow.realm == _DESK, SessionRow.account == name)
    session.execute(found if but is None else found.where(SessionRow.token != but))


def _find(session: Session, name: str) -> StaffRow:
    row = session.get(StaffRow, name)
    if row is None:
        raise StaffError(f"没有用户“{name}”")
    return row


def _refuse_taken(name: str) -> None:
    folded = _fold(name)
    if folded in _TAKEN or folded.startswith(_TAKEN_STARTS):
        raise StaffError(
            f"用户名不能是“{SYSTEM}”“{NOBODY}”，也不能以“unit:”“os:”开头：审计记录用这些名称记录系统和单位的账户"
        )


def _refuse_alike(session: Session, name: str) -> None:
    known = {_fold(other): other for other in session.scalars(select(StaffRow.name))}
    other = known.get(_fold(name))
    if other == name:
        raise StaffError(f"用户“{name}”已存在")
    if other is not None:
        raise StaffError(f"用户名与已有的“{other}”只差大小写或者全角半角，容易混淆，请换一个")


def _fold(name: str) -> str:
    """A name as the eye takes it: whatever its width and case."""
    return normalize("NFKC", name).casefold()


def _refuse_weak(name: str, password: str) -> None:
    if len(password) < MIN_PASSWORD:
        raise StaffError(f"口令至少 {MIN_PASSWORD} 个字符")
    if len(password) > MAX_PASSWORD:
        raise StaffError(f"口令不能超过 {MAX_PASSWORD} 个字符")
    if password.casefold() == name.casefold():
        raise StaffError("口令不能与用户名相同")


def _refuse_oneself(name: str, actor: str, what: str) -> None:
    if name == actor:
        raise StaffError(f"不能更改或者停用自己的{what}：请由另一名系统管理员办理")


def _refuse_last_admin(session: Session, row: StaffRow) -> None:
    admin = Role.ADMIN.value
    if row.role != admin or not row.active:
        return
    others = select(func.count()).where(StaffRow.role == admin, StaffRow.active, StaffRow.name != row.name)
    if not session.scalar(others):
        raise StaffError("这是最后一名系统管理员：请先增加另一名")

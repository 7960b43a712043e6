"""Staff accounts and what each role may do."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from argon2 import PasswordHasher
from sqlalchemy.orm import Session

from registry import audit
from registry.tables import StaffRow

MIN_PASSWORD = 8


class Role(StrEnum):
    CLERK = "clerk"
    REVIEWER = "reviewer"
    AUDITOR = "auditor"
    ADMIN = "admin"


ROLE_LABEL = {Role.CLERK: "书记员", Role.REVIEWER: "审核人", Role.AUDITOR: "审计员", Role.ADMIN: "系统管理员"}


class StaffError(Exception):
    """An account is missing, exists already, or may not do this. The message is for the person at the keyboard."""


def add(session: Session, name: str, role: Role, password: str, now: datetime, actor: str) -> None:
    """Make an account. Raises StaffError."""
    if not name or name != name.strip() or len(name) > 64 or not name.isprintable():
        raise StaffError("用户名应为 1 至 64 个可见字符，首尾不能有空格")
    if len(password) < MIN_PASSWORD:
        raise StaffError(f"口令至少 {MIN_PASSWORD} 个字符")
    if session.get(StaffRow, name):
        raise StaffError(f"用户“{name}”已存在")
    session.add(StaffRow(name=name, role=role.value, password_hash=PasswordHasher().hash(password), created_at=now))
    audit.note(session, now, actor, "user_add", detail={"name": name, "role": role.value})


def require(session: Session, name: str, *roles: Role) -> str:
    """The name, if that account exists and has one of the roles. Raises StaffError."""
    row = session.get(StaffRow, name)
    if row is None:
        raise StaffError(f"没有用户“{name}”：请先用 gongshi user add 建立账户")
    if Role(row.role) not in roles:
        needed = "、".join(ROLE_LABEL[role] for role in roles)
        raise StaffError(f"用户“{name}”是{ROLE_LABEL[Role(row.role)]}，此操作需要{needed}")
    return name

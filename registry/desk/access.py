"""Which roles may use which pages of the desk. What is not said here is refused."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from registry.staff import Role


class Access(StrEnum):
    """What a page is for. `ANYONE` is the sign-in itself and nothing else."""

    ANYONE = "anyone"
    SIGNED_IN = "signed_in"
    READ = "read"
    WORK = "work"
    DECIDE = "decide"
    AUDIT = "audit"
    ADMIN = "admin"
    # The list of what was done: who audits, and who looks after the accounts, without what is in the records.
    TRAIL = "trail"
    # How the product itself runs: who looks after it, who answers for the list, and who audits.
    RUNNING = "running"


# An administrator never sees a private record; an auditor reads everything and changes nothing (法释〔2017〕7号 art. 13).
_ROLES: Mapping[Access, frozenset[Role]] = {
    Access.ANYONE: frozenset(Role),
    Access.SIGNED_IN: frozenset(Role),
    Access.READ: frozenset({Role.CLERK, Role.REVIEWER, Role.AUDITOR}),
    Access.WORK: frozenset({Role.CLERK, Role.REVIEWER}),
    Access.DECIDE: frozenset({Role.REVIEWER}),
    Access.AUDIT: frozenset({Role.AUDITOR}),
    Access.ADMIN: frozenset({Role.ADMIN}),
    Access.TRAIL: frozenset({Role.AUDITOR, Role.ADMIN}),
    Access.RUNNING: frozenset({Role.REVIEWER, Role.AUDITOR, Role.ADMIN}),
}


def may(role: Role, access: Access) -> bool:
    """Whether somebody with this role may use pages of this access."""
    return role in _ROLES[access]

"""The page 运行状况: who reads what is wrong with the system, who marks it as read, and the bar that an administrator sees."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from seats import Seat
from sqlalchemy import select

from gongshi.court import Court
from registry.tables import AuditRow, FindingRow

SignIn = Callable[[str], Seat]
BAR = "系统有 1 项故障"


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what these pages rest on is tested on both databases where it lives."""
    return {}


@pytest.fixture
def findings(court: Court) -> list[int]:
    """A fault and a reminder; their numbers."""
    with court.session() as session:
        rows = [
            FindingRow(matter=matter, grade=grade, text=text, text_digest=grade, since=court.now, seen_at=court.now)
            for matter, grade, text in (("人员", "warn", "审核人只有两名"), ("公示库", "fail", "落后日志 <3> 条"))
        ]
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


def test_faults_come_first_and_an_administrator_sees_a_bar_on_every_page(
    desk_client: SignIn, findings: list[int]
) -> None:
    for name in ("admin", "auditor", "reviewer"):
        words = desk_client(name).words("/running")
        assert words.index("故障 公示库") < words.index("提醒 人员")
        assert "落后日志 <3> 条" in words
        assert (BAR in words) == (name == "admin")
    admin = desk_client("admin")
    assert BAR in admin.words("/account")
    assert BAR in admin.words("/")
    clerk = desk_client("clerk")
    assert clerk.ask("/running").status_code == 403
    assert "运行状况" not in clerk.words("/")


def test_an_administrator_marks_as_read_with_the_name(desk_client: SignIn, court: Court, findings: list[int]) -> None:
    admin = desk_client("admin")
    assert "没有选择" in admin.refused("/running", "/running/read")
    assert "admin，2026年11月18日" in admin.done("/running", "/running/read", finding=findings[0])
    with court.reading() as session:
        read = {row.matter: row.read_by for row in session.scalars(select(FindingRow))}
        (line,) = session.execute(
            select(AuditRow.actor, AuditRow.detail).where(AuditRow.action == "finding_read")
        ).all()
    assert read == {"人员": "admin", "公示库": None}
    assert (line.actor, line.detail) == ("admin", {"finding": "人员"})
    assert "运行问题标为已读" in admin.words("/audit")
    auditor = desk_client("auditor")
    token = admin.read("/running").split('name="token" value="')[1].split('"')[0]
    assert auditor.post("/running/read", token=token, finding=findings[1]).status_code == 403
    admin.post("/running/read", token=token, finding="1" * 40)
    assert BAR in admin.words("/"), "what was read is not mended"

"""What a demonstration gives those who try the desk: people of each role who can sign in, and cases that are due."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from seats import Seat
from test_demo_and_serving import demo

from gongshi.clock import World
from gongshi.commands.demo_desk import STAFF, find_due_day
from gongshi.court import Court
from gongshi.desk import create_desk
from gongshi.settings import read_settings
from registry.staff import ROLE_LABEL
from registry.tables import UnitAccountRow, UnitRow
from registry.units.accounts import must_change_password, sign_in
from search_index.day import day_of


@pytest.mark.long
def test_each_role_signs_in_with_what_was_printed_and_finds_what_is_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = demo(tmp_path, "--entries", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    *printed, of_unit = re.findall(r"^  (\S+)  (\S+)  口令 (\S+)$", done.stdout, re.M)
    assert [(role, name) for role, name, _ in printed] == [(ROLE_LABEL[role], name) for name, role in STAFF.items()]
    monkeypatch.setenv("GONGSHI_HOME", str(tmp_path / "demo-home"))
    court = Court(read_settings(), World())
    try:
        app, due = create_desk(court), find_due_day(court)
        heading = "今天到期" if due == day_of(court.now) else "七日内到期"
        for role, name, password in printed:
            seat = Seat(app.test_client())
            assert seat.sign_in(name, password).status_code == 303
            words = seat.words("/")
            if role in ("书记员", "审核人"):
                assert heading in words
                assert "决定退出事由" in words
                assert "审查异议" in words
                assert seat.ask("/work").status_code == 200, (
                    "nobody who tries it is stopped by a password to be changed"
                )
            else:
                assert seat.ask("/import").status_code == (200 if role == "审计员" else 403)
        number = sign_in(court.session, *of_unit[1:], make_acting=lambda: court.acting(f"unit:{of_unit[1]}"))
        with court.reading() as session:
            account = session.get_one(UnitAccountRow, number)
            assert not must_change_password(account, court.now)
            assert session.get_one(UnitRow, account.unit_id).name == of_unit[0]
    finally:
        court.close()

"""What `doctor` says of the people: whether all that takes a second, or a third, person can still be decided."""

from __future__ import annotations

import pytest
from homes import Home

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


def gaps(home: Home) -> list[str]:
    found = [one for one in home.run("doctor", "--json").json["findings"] if one["matter"] == "人员"]
    assert {one["grade"] for one in found} <= {"warn"}
    return [one["text"] for one in found]


def test_doctor_says_where_nobody_would_be_left_to_decide(home: Home) -> None:
    (few, no_deputy) = gaps(home)
    assert "审核人只有两名" in few
    assert "至少 3 名" in few
    assert "3 名书记员或者审核人没有代理人" in no_deputy
    home.ask("user", "disable", "second")
    assert "没有第二名审核人" in gaps(home)[0]
    home.ask("user", "disable", "reviewer")
    assert gaps(home)[0].startswith("没有审核人：")


def test_doctor_says_nothing_of_a_court_with_three_reviewers_and_deputies(home: Home) -> None:
    assert home.run("user", "add", "third", "--role", "reviewer", typed="a-long-password\n").code == 0
    deputies = {"clerk": "third", "reviewer": "second", "second": "third", "third": "reviewer"}
    for name, deputy in deputies.items():
        home.ask("user", "deputy", name, deputy)
    assert gaps(home) == []
    for name in ("reviewer", "second", "third"):
        home.ask("user", "deputy", name, deputies[name], "--until", "2026-11-18")
    assert ["审核人全部外出" in gap for gap in gaps(home)] == [True]
    home.clock.advance(days=1)
    assert gaps(home) == []

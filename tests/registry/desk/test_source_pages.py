"""The desk's page of the lists of other courts, and what the desk offers of their entries."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from entries import a_person
from homes import Home
from seats import Seat, plain

COURT, BASIS = "云南省高级人民法院", "联合惩戒实施意见二（一）"


@pytest.fixture
def databases() -> dict[str, str]:
    return {}


@pytest.fixture
def reviewer(desk_client: Callable[[str], Seat]) -> Seat:
    return desk_client("reviewer")


def take_over(home: Home) -> int:
    """One entry of another court's list, waiting for approval."""
    entry = a_person(1, court="昆测市中级人民法院", decision_number=None, decided_on=None, served_on=None)
    path = home.write("list.jsonl", [entry])
    batch: int = home.ask("source", "import", "gaoyuan", path, "--as", "clerk", "--full")["batch"]
    return batch


def test_a_list_is_put_in_read_and_ended(reviewer: Seat, home: Home) -> None:
    refused = reviewer.submit("/sources", "/sources", slug="G A O", court=COURT, basis=BASIS)
    assert (refused.status_code, "代号" in refused.text) == (400, True)
    reviewer.submit("/sources", "/sources", slug="gaoyuan", court=COURT, basis=BASIS)
    batch = take_over(home)
    home.ask("approve", batch, "--as", "reviewer")
    home.ask("publish")
    words = reviewer.words("/sources")
    assert "公布 1条" in words
    assert "超过100天" not in words
    home.clock.advance(days=101)
    reviewer.sign_in("reviewer")
    assert "超过100天" in reviewer.words("/sources")
    ended = reviewer.submit("/sources", "/sources/gaoyuan/end", basis=BASIS)
    assert ended.status_code == 303
    assert "已停止转载" in reviewer.words("/sources")
    assert home.ask("source", "list")["sources"][0]["shown"] == 0


def test_an_objection_to_what_another_court_listed_ends_by_telling_where_to_go(reviewer: Seat, home: Home) -> None:
    home.ask("source", "add", "gaoyuan", "--court", COURT, "--basis", BASIS, "--as", "second")
    home.ask("approve", take_over(home), "--as", "second")
    home.ask("publish")
    page = reviewer.words("/records/1")
    assert f"转载自{COURT}公布的名单" in page
    for word in ("更正信息", "删除", "撤销"):
        assert f"/records/1/{word}" not in page
    for act in ("correct", "remove", "withdraw", "grace", "ground", "restrict", "serve", "notify"):
        assert f'href="/records/1/{act}"' not in reviewer.read("/records/1"), act
    assert 'href="/records/1/hold"' in reviewer.read("/records/1")
    register(reviewer)
    matter = reviewer.read("/matters/1")
    assert "/matters/1/decide/uphold" not in matter
    assert "/matters/1/decide/reject" not in matter
    answer = reviewer.submit("/matters/1", "/matters/1/steps/refer", on="2026-11-18")
    assert answer.status_code == 303, plain(answer.text)
    assert "已告知向公布该名单的法院申请" in reviewer.words("/matters/1")


def register(seat: Seat) -> None:
    """An objection on paper to the first record."""
    record = seat.words("/records/1")
    number = record[record.index("SX-") :][:11]
    answer = seat.submit(
        "/matters/new?kind=objection",
        "/matters/new",
        kind="objection",
        channel="paper",
        received_on="2026-11-17",
        claim="performed",
        who="乙申请",
        words="已经履行完毕",
        reference=number,
    )
    assert answer.status_code == 303, plain(answer.text)

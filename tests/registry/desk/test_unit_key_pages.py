"""Keys of units' machines on the desk: a reviewer gives, renews and ends them; nobody sees one twice."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from seats import Seat
from sqlalchemy import select

from gongshi.court import Court
from registry.tables import UnitKeyRow
from registry.units.keys import find_key

SignIn = Callable[[str], Seat]


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what these pages rest on is tested on both databases where it lives."""
    return {}


def test_a_reviewer_gives_renews_and_ends_a_key(court: Court, desk_client: SignIn) -> None:
    reviewer, clerk = desk_client("reviewer"), desk_client("clerk")
    page = reviewer.submit("/units/new", "/units/new", slug="housing", name="住房局").headers["Location"].split("?")[0]
    wanted = {"name": "office", "scope.compare": "yes", "scope.changes": "yes", "networks": "203.0.113.0/24"}
    answer = reviewer.submit(page, f"{page}/keys", **wanted)
    (key,) = re.findall(r"gsk_[a-z0-9]{40}", answer.text)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    with court.reading() as session:
        found = find_key(session, key, court.now)
        number = session.scalar(select(UnitKeyRow.id))
    assert found is not None
    assert (sorted(found.scopes), found.networks) == (["changes", "compare"], ("203.0.113.0/24",))
    shown = reviewer.read(page)
    assert "gsk_" not in shown
    assert "比对、名单和变更" in shown
    # A clerk reads, and gives none.
    assert f"{page}/keys" not in clerk.read(page)
    assert clerk.post(f"{page}/keys", name="mine").status_code == 403
    renewed = reviewer.submit(page, f"{page}/keys/{number}/renew")
    (second,) = re.findall(r"gsk_[a-z0-9]{40}", renewed.text)
    with court.reading() as session:
        assert find_key(session, key, court.now) is not None
        newest = session.scalar(select(UnitKeyRow.id).order_by(UnitKeyRow.id.desc()))
    # Once for each name: the one before goes with the newest.
    assert re.findall(r"/keys/(\d+)/end", reviewer.read(page)) == [str(newest)]
    assert "已经停用" in reviewer.done(page, f"{page}/keys/{newest}/end")
    with court.reading() as session:
        assert [find_key(session, one, court.now) for one in (key, second)] == [None, None]


def test_what_is_no_key_and_whose_it_is_not(court: Court, desk_client: SignIn) -> None:
    reviewer = desk_client("reviewer")
    pages = [
        reviewer.submit("/units/new", "/units/new", slug=slug, name=f"{slug}局").headers["Location"].split("?")[0]
        for slug in ("housing", "bank")
    ]
    assert "请写明密钥的权限" in reviewer.refused(pages[0], f"{pages[0]}/keys", name="office")
    assert "地址应为" in reviewer.refused(
        pages[0], f"{pages[0]}/keys", name="office", networks="<script>", **{"scope.ledger": "yes"}
    )
    reviewer.submit(pages[0], f"{pages[0]}/keys", name="office", **{"scope.ledger": "yes"})
    with court.reading() as session:
        number = session.scalar(select(UnitKeyRow.id))
    form = re.search(r'name="token" value="([^"]+)"', reviewer.read(pages[1]))
    assert form is not None
    assert reviewer.post(f"{pages[1]}/keys/{number}/end", token=form[1]).status_code in (400, 403)
    with court.reading() as session:
        assert session.scalars(select(UnitKeyRow.ended_at)).all() == [None]

"""Lists that have grown: each says how many there are in all, and the last of them can be reached."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from homes import Home
from seats import Seat, plain

from gongshi.court import Court
from registry.tables import ArticleRow, BatchRow
from registry.units.units import UnitFacts, add_unit

Client = Callable[[str], Seat]


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what these pages rest on is tested on both databases where it lives."""
    return {}


def go_through(seat: Seat, address: str, link: str) -> tuple[list[str], int]:
    """What the links of a list lead to, page by page, and how many pages there are."""
    found, pages, onward = [], 0, address
    while onward:
        page = seat.read(onward)
        found += re.findall(rf'<th scope="row"[^>]*><a class="govuk-link" href="({link})"', page)
        further = re.search(r'href="([^"]+)">下一页', page)
        onward, pages = (further[1].replace("&amp;", "&") if further else ""), pages + 1
    return found, pages


def test_every_batch_that_was_ever_imported_is_reached(home: Home, court: Court, desk_client: Client) -> None:
    with court.session() as session:
        session.add_all(
            BatchRow(
                format="jsonl", imported_at=court.now, imported_by="clerk", ready=number != 45, accepted=1,
                unchanged=0, quarantined=0,
            )
            for number in range(1, 46)
        )  # fmt: skip
    seat = desk_client("auditor")
    assert "共44批" in seat.words("/import"), "without the one that is still under way"
    found, pages = go_through(seat, "/import", "/batches/[0-9]+")
    assert found == [f"/batches/{number}" for number in range(44, 0, -1)]
    assert pages == 3
    assert seat.ask("/import?before=x").status_code == seat.ask("/import?before=99999999999").status_code == 200


def test_units_are_found_by_their_name_and_read_page_by_page(home: Home, court: Court, desk_client: Client) -> None:
    with court.session() as session:
        for number in range(120):
            name = f"测试市第{number}局" if number % 10 else f"测试市第{number}银行"
            facts = UnitFacts(name=name, department=None, leading=False, recipient=None)
            add_unit(session, f"unit-{number}", facts, court.acting("clerk"))
    seat = desk_client("auditor")
    assert "共120个" in seat.words("/units")
    found, pages = go_through(seat, "/units", "/units/[0-9]+")
    assert (len(set(found)), len(found), pages) == (120, 120, 3)
    page = seat.read("/units?name=%E9%93%B6%E8%A1%8C")
    assert "名称含有“银行”的12个" in plain(page)
    assert len(re.findall(r'<th scope="row"[^>]*><a class="govuk-link" href="/units/[0-9]+"', page)) == 12
    assert "没有这样的单位" in seat.words("/units?name=%3Cb%3E")


def test_articles_say_how_many_they_are(home: Home, court: Court, desk_client: Client) -> None:
    with court.session() as session:
        session.add_all(
            ArticleRow(
                kind="case", state="draft" if number % 3 else "withdrawn", title=f"典型案例{number}", body="案例",
                written_at=court.now, written_by="clerk",
            )
            for number in range(120)
        )  # fmt: skip
    seat = desk_client("auditor")
    for address, total in (("/articles", 120), ("/articles?state=draft", 80)):
        assert f"共{total}篇" in seat.words(address)
        assert len(set(go_through(seat, address, "/articles/[0-9]+")[0])) == total

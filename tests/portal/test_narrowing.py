"""The links that lead on from an answer: what is left of the question, and what changes."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from portal.addresses import SearchAddresses
from portal.narrowing import (
    FILTERS,
    build_chosen,
    build_groups,
    build_orders,
    build_page_links,
    build_suggestions,
    list_values,
)
from portal.parameters import CONDUCT, read_query
from search_index.page import Facet, Page, Query, Suggestion
from search_index.profile import Profile


def read(address: str) -> dict[str, str]:
    """The parameters that an address asks for."""
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query, strict_parsing=True).items()}


def a_page(**changes: Any) -> Page:
    values: dict[str, Any] = {"hits": (), "total": 0, "near": 0, "page": 1, "pages": 0, "reading": "", "sequence": 1}
    return Page(**{**values, "updated_at": None, "profile": Profile(), **changes})


def facets(**counts: dict[str, int]) -> tuple[Facet, ...]:
    return tuple(Facet(field=name, counts=tuple(values.items())) for name, values in counts.items())  # type: ignore[arg-type]


HERE = SearchAddresses("/search", {"q": "测试", "kind": "person", "page": "3", "mode": "elder"})


def test_an_address_keeps_the_question_and_begins_at_its_first_page() -> None:
    kept = {"q": "测试", "kind": "person", "mode": "elder"}
    assert read(HERE.change("court", "甲法院")) == {**kept, "court": "甲法院"}
    assert read(HERE.change("kind", "organisation")) == {**kept, "kind": "organisation"}
    assert read(HERE.turn_to(2)) == {**kept, "page": "2"}
    assert read(HERE.turn_to(1)) == kept
    assert read(HERE.leave_out(["kind"])) == {"q": "测试", "mode": "elder"}
    assert read(HERE.ask("别的", leave_out=FILTERS)) == {"q": "别的", "mode": "elder"}
    assert SearchAddresses("/search", {"q": ""}).turn_to(1) == "/search"


@given(q=st.text(max_size=20), court=st.text(min_size=1, max_size=20))
def test_whatever_was_typed_or_published_arrives_as_it_is(q: str, court: str) -> None:
    asked = parse_qs(urlsplit(SearchAddresses("/search", {"q": q}).change("court", court)).query)
    assert asked == {**({"q": [q]} if q else {}), "court": [court]}


def test_each_value_of_a_facet_narrows_and_says_how_many_it_leaves() -> None:
    page = a_page(
        total=9,
        facets=facets(court={"甲法院": 6, "乙法院": 3}, conduct={"breaks_settlement": 5, "evades_enforcement": 9}),
    )
    courts, conducts = build_groups(page, Query(text="测试"), HERE)
    assert (courts.title, courts.others) == ("执行法院", 0)
    assert [(one.words, one.total, read(one.address)["court"]) for one in courts.choices] == [
        ("甲法院", 6, "甲法院"),
        ("乙法院", 3, "乙法院"),
    ]
    assert conducts.choices[0].words == CONDUCT["breaks_settlement"]
    assert read(conducts.choices[0].address)["conduct"] == "breaks_settlement"


def test_what_would_leave_every_hit_or_is_chosen_already_is_not_offered() -> None:
    page = a_page(total=9, facets=facets(court={"甲法院": 9}, kind={"person": 9}, region={"甲": 4}))
    assert [group.title for group in build_groups(page, Query(kind="person"), HERE)] == ["地区"]
    assert build_groups(page, Query(kind="person", region="甲"), HERE) == []


def test_the_most_frequent_values_are_links_and_the_form_has_all() -> None:
    page = a_page(total=99, facets=facets(court={f"第{n}法院": 99 - n for n in range(20)}))
    (group,) = build_groups(page, Query(), HERE)
    assert (len(group.choices), group.others) == (8, 12)
    assert len(list_values(page, "court", None)) == 20
    assert list_values(page, "court", "别的法院")[0] == "别的法院"
    assert list_values(a_page(), "court", "别的法院") == ()


def test_each_filter_that_is_on_can_be_taken_off_alone() -> None:
    given = {"q": "测", "kind": "person", "court": "甲法院", "from": "2026-01-02", "to": "2026-03-04"}
    query = read_query({name: [value] for name, value in given.items()})
    chosen = build_chosen(query, SearchAddresses("/search", given))
    assert [(one.title, one.words) for one in chosen] == [
        ("对象", "自然人"),
        ("执行法院", "甲法院"),
        ("公布时间", "2026年1月2日起"),
        ("公布时间", "2026年3月4日止"),
    ]
    for one, name in zip(chosen, ("kind", "court", "from", "to"), strict=True):
        assert read(one.address) == {key: value for key, value in given.items() if key != name}


def test_suggestions_say_what_they_change() -> None:
    query = Query(text="甲 乙", court="甲法院", published_from=date(2026, 1, 1))
    here = SearchAddresses("/search", {"q": "甲 乙", "court": "甲法院", "from": "2026-01-01", "sort": "newest"})
    page = a_page(
        suggestions=(
            Suggestion(text="甲 乙", keeps_filters=False, total=3),
            Suggestion(text="甲", keeps_filters=True, total=2),
            Suggestion(text="乙", keeps_filters=False, total=1),
        )
    )
    found = build_suggestions(page, query, here)
    assert [one.words for one in found] == [
        "去掉筛选条件后有 3 条",
        "只查“甲”有 2 条",
        "只查“乙”，去掉筛选条件后有 1 条",
    ]
    assert [read(one.address) for one in found] == [
        {"q": "甲 乙", "sort": "newest"},
        {"q": "甲", "court": "甲法院", "from": "2026-01-01", "sort": "newest"},
        {"q": "乙", "sort": "newest"},
    ]


def test_the_present_order_is_no_link() -> None:
    relevance, newest = build_orders(Query(sort="newest"), HERE)
    assert (newest.words, newest.address) == ("按公布时间，新的在前", "")
    assert read(relevance.address)["sort"] == "relevance"


def test_pages_left_out_have_no_address() -> None:
    first, gap, last = build_page_links([1, None, 9], HERE)
    assert (first.number, gap, read(last.address)["page"]) == (1, (None, ""), "9")

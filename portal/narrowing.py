"""How an answer can be narrowed, widened and asked otherwise: each way a link, decided before any template. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from portal.addresses import SearchAddresses
from portal.parameters import CONDUCT, FILTERS, KINDS, PERFORMANCE, SORTS
from search_index.page import Page, Query, Suggestion

_SHOWN = 8  # values of one filter that are offered as links; the form offers all

_TITLES: Mapping[str, str] = {
    "court": "执行法院",
    "region": "地区",
    "kind": "对象",
    "performance": "履行情况",
    "conduct": "失信行为",
}
_TEXTS: Mapping[str, Mapping[str, str]] = {"kind": KINDS, "performance": PERFORMANCE, "conduct": CONDUCT}


class Choice(NamedTuple):
    """A value that narrows the answer, and how many exact hits it leaves."""

    words: str
    total: int
    address: str


class ChosenFilter(NamedTuple):
    """A filter that is on, and the address without it."""

    title: str
    words: str
    address: str


class Link(NamedTuple):
    """Words that lead somewhere."""

    words: str
    address: str


class PageLink(NamedTuple):
    """A page of the answer; no number where some are left out."""

    number: int | None
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The values of one filter, the most frequent first. `others` counts those that are not offered here."""

    title: str
    choices: tuple[Choice, ...]
    others: int


def build_groups(page: Page, query: Query, addresses: SearchAddresses) -> list[Group]:
    """What can still be chosen. A filter that is on, or would leave every hit, is left out."""
    chosen = {name for name, _ in read_filters(query)}
    counts: dict[str, tuple[tuple[str, int], ...]] = {
        facet.field: facet.counts for facet in page.facets if facet.field not in chosen
    }
    return [
        _build_group(field, title, counts[field], addresses)
        for field, title in _TITLES.items()
        if any(count < page.total for _, count in counts.get(field, ()))
    ]


def _build_group(field: str, title: str, counts: tuple[tuple[str, int], ...], addresses: SearchAddresses) -> Group:
    texts = _TEXTS.get(field, {})
    choices = (
        Choice(texts.get(value, value), count, addresses.change(field, value)) for value, count in counts[:_SHOWN]
    )
    return Group(title=title, choices=tuple(choices), others=max(0, len(counts) - _SHOWN))


def build_chosen(query: Query, addresses: SearchAddresses) -> list[ChosenFilter]:
    """The filters that are on, in the order of the form."""
    return [
        ChosenFilter(_TITLES.get(name, "公布时间"), words, addresses.leave_out([name]))
        for name, words in read_filters(query)
    ]


def read_filters(query: Query) -> list[tuple[str, str]]:
    """The filters that are on: the parameter, and its value in words."""
    values = (
        ("kind", query.kind and KINDS[query.kind]),
        ("performance", query.performance),
        ("conduct", query.conduct and CONDUCT[query.conduct]),
        ("court", query.court),
        ("region", query.region),
        ("from", query.published_from and f"{_write(query.published_from)}起"),
        ("to", query.published_to and f"{_write(query.published_to)}止"),
    )
    return [(name, words) for name, words in values if words]


def _write(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def list_values(page: Page, field: str, chosen: str | None) -> tuple[str, ...]:
    """The values that the form offers for `field`, the chosen one first; none where there is no hit to take them
    from."""
    found = next((facet.counts for facet in page.facets if facet.field == field), ())
    values = sorted(value for value, _ in found)
    return tuple(values if not values or chosen is None or chosen in values else [chosen, *values])


def build_orders(query: Query, addresses: SearchAddresses) -> list[Link]:
    """The orders to choose from; the present one has no address."""
    return [Link(words, "" if sort == query.sort else addresses.change("sort", sort)) for sort, words in SORTS.items()]


def build_suggestions(page: Page, query: Query, addresses: SearchAddresses) -> list[Link]:
    """Questions that have exact hits, where this one has none."""
    return [_build_suggestion(one, query, addresses) for one in page.suggestions]


def _build_suggestion(suggestion: Suggestion, query: Query, addresses: SearchAddresses) -> Link:
    ways = [] if suggestion.text == query.text else [f"只查“{suggestion.text}”"]
    if not suggestion.keeps_filters and read_filters(query):
        ways.append("去掉筛选条件后")
    left = () if suggestion.keeps_filters else FILTERS
    return Link(f"{'，'.join(ways)}有 {suggestion.total} 条", addresses.ask(suggestion.text, leave_out=left))


def build_page_links(numbers: list[int | None], addresses: SearchAddresses) -> list[PageLink]:
    """The addresses of the pages to offer."""
    return [PageLink(number, "" if number is None else addresses.turn_to(number)) for number in numbers]

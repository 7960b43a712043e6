"""Who is the same debtor, and what a line means beside what is known."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from entries import citizen_number
from hypothesis import given
from hypothesis import strategies as st

from gongshi.synthetic import build_citizen_number, build_uscc
from registry.deadlines import add_months
from registry.matching import (
    Conflict,
    Known,
    New,
    Proposal,
    Unchanged,
    identity_of,
    is_same_debtor,
    judge,
    likeness_of,
)
from registry.record import Conduct, Facts, Kind, Performance, State
from registry.values import CaseNumber, parse_id_number, parse_uscc

days = st.dates(date(1930, 1, 1), date(2008, 1, 1))
numbers = st.builds(build_citizen_number, st.just("990101"), days, st.integers(0, 999))


def facts(number: str | None = None, uscc: str | None = None, **changes: Any) -> Facts:
    return Facts(
        **{
            "kind": Kind.ORGANISATION if uscc else Kind.PERSON,
            "name": "甲测试",
            "id_number": parse_id_number(number) if number else None,
            "uscc": parse_uscc(uscc) if uscc else None,
            "court": "测试市人民法院",
            "case_number": CaseNumber.parse("（2025）测0101执1号"),
            "basis_number": "甲1号",
            "obligation": "支付。",
            "performance": Performance.NONE,
            "conduct": (Conduct.REFUSES_THOUGH_ABLE,),
            **changes,
        }
    )


def known(**changes: Any) -> Known:
    values: dict[str, Any] = {
        "id": 1,
        "state": State.PUBLISHED,
        "name": "甲测试",
        "listing": 0,
        "source_digest": "old",
        "in_this_file": False,
        "departed_on": None,
        "departed_ground": None,
        "was_public": True,
    }
    return Known(**{**values, **changes})


def masks(number: str) -> list[str]:
    return [
        f"{number[:10]}****{number[-4:]}",
        f"{number[:6]}********{number[-4:]}",
        f"{number[:6]}{'*' * 10}{number[-2:]}",
    ]


@given(numbers)
def test_every_mask_of_a_number_is_like_it_and_can_be_it(number: str) -> None:
    whole = facts(number)
    versions = [whole, *(facts(mask) for mask in masks(number))]
    assert len({likeness_of(version) for version in versions}) == 1
    assert all(is_same_debtor(one, other) for one in versions for other in versions)


@given(numbers, numbers)
def test_two_full_numbers_are_two_debtors(one: str, other: str) -> None:
    assert (identity_of(facts(one)) == identity_of(facts(other))) == (one == other)
    assert is_same_debtor(facts(one), facts(other)) == (one == other)


@given(numbers, numbers)
def test_a_mask_is_a_number_only_where_all_that_it_shows_agrees(one: str, other: str) -> None:
    for mask in masks(one):
        agrees = all(shown in ("*", digit) for shown, digit in zip(mask, other, strict=True))
        assert is_same_debtor(facts(mask), facts(other)) == agrees
        assert not is_same_debtor(facts(mask), facts(other, name="乙测试"))


@given(st.integers(1, 9999))
def test_an_organisation_is_known_by_its_organisation_code(serial: int) -> None:
    uscc = build_uscc("91", "990101", serial)
    old = f"{uscc[8:16]}-{uscc[16]}"
    assert identity_of(facts(uscc=uscc)) == identity_of(facts(uscc=old))
    assert identity_of(facts(uscc=uscc)) != identity_of(facts(uscc=build_uscc("91", "990101", serial + 1)))


def test_an_organisation_is_never_a_person() -> None:
    assert not is_same_debtor(facts(citizen_number(1)), facts(uscc=build_uscc("91", "990101", 1)))


@pytest.mark.parametrize(
    ("beside", "proposed", "verdict"),
    [
        (None, frozenset(), New(listing=0)),
        (known(source_digest="new"), frozenset(), Unchanged()),
        (known(source_digest="new", state=State.REMOVED), frozenset(), Unchanged()),
        (known(), frozenset(["new"]), Unchanged()),
        (known(), frozenset(), Proposal(1)),
        (known(state=State.HELD), frozenset(), Proposal(1)),
        (known(state=State.WITHDRAWN, was_public=False), frozenset(), New(listing=1)),
    ],
)
def test_what_a_line_means(beside: Known | None, proposed: frozenset[str], verdict: object) -> None:
    assert judge(facts(citizen_number(1)), "new", beside, proposed) == verdict


@pytest.mark.parametrize(
    ("beside", "field"),
    [
        (known(in_this_file=True), "case_number"),
        (known(name="乙测试"), "name"),
        (known(alike=2), "id_number"),
        (known(state=State.REMOVED, departed_on=date(2026, 1, 1)), "decided_on"),
        (known(state=State.EXPIRED), "decided_on"),
        (known(state=State.REMOVED, was_public=False, departed_on=date(2026, 1, 1)), "decided_on"),
    ],
)
def test_what_cannot_be_told_is_asked_about(beside: Known, field: str) -> None:
    verdict = judge(facts(citizen_number(1), decided_on=date(2026, 1, 1)), "new", beside, frozenset())
    assert isinstance(verdict, Conflict)
    assert verdict.field == field


@given(
    left=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    wait=st.integers(-400, 400),
    ground=st.sampled_from(["performed", "applicant_request", "expired", "wrongly_listed"]),
)
def test_nobody_is_listed_again_but_by_a_later_decision(left: date, wait: int, ground: str) -> None:
    decided = left + timedelta(days=wait)
    gone = known(state=State.REMOVED, departed_on=left, departed_ground=ground)
    verdict = judge(facts(citizen_number(1), decided_on=decided), "new", gone, frozenset())
    barred = wait <= 0 or (ground == "applicant_request" and decided <= add_months(left, 6))
    assert isinstance(verdict, Conflict) == barred
    assert barred or verdict == New(listing=1)


@given(st.dates(date(1990, 1, 1), date(2050, 12, 31)), st.integers(0, 60))
def test_months_end_on_the_same_day_or_the_last_of_the_month(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(days=1)).day == 1)

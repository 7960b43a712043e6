"""Routing: by country, and never silently."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.sms.routing import (
    NO_MAINLAND_ROUTE,
    NO_ROUTE_ABROAD,
    Routes,
    Waits,
    channel_for,
    choose_route,
    find_unfit,
    links_allowed,
)

PROVIDERS = st.lists(st.sampled_from(["aliyun", "twilio"]), unique=True).map(tuple)
NUMBERS = st.from_regex(r"\+(86|852|886|1)[0-9]{8,10}", fullmatch=True)


def test_the_mainland_waits_until_the_court_has_chosen() -> None:
    assert choose_route("+8613800000000", Routes(abroad=("twilio",))) == NO_MAINLAND_ROUTE
    assert "GONGSHI_SMS_ROUTE_CN" in NO_MAINLAND_ROUTE.reason
    assert choose_route("+12025550123", Routes(mainland=("aliyun",))) == NO_ROUTE_ABROAD


@given(NUMBERS, PROVIDERS, PROVIDERS)
def test_a_number_goes_by_what_was_chosen_for_its_country_and_nothing_else(
    number: str, mainland: tuple[str, ...], abroad: tuple[str, ...]
) -> None:
    chosen = choose_route(number, Routes(mainland=mainland, abroad=abroad))
    own = mainland if number.startswith("+86") else abroad
    assert chosen == own or (isinstance(chosen, Waits) and not own)
    assert links_allowed(number) is not number.startswith("+86")
    assert channel_for(number) == ("sms_cn" if number.startswith("+86") else "sms")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("见https://court.example.invalid", "网址"),
        ("见WWW.example.invalid", "网址"),
        ("法" * 501, "500"),
        ("法" * 500, None),
    ],
)
def test_what_the_mainland_does_not_take(text: str, reason: str | None) -> None:
    unfit = find_unfit("+8613800000000", text)
    assert (unfit is None) if reason is None else (unfit is not None and reason in unfit)
    assert find_unfit("+12025550123", text) is None

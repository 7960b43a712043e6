"""An address on the gateway is its own key: nobody can make one up, and one opens one door only."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from notifier.links import Door, LinkBook, open_links, read_link, sign_link
from notifier.tables import SettingRow

Town = Any

KEY = b"k" * 32
dispatches = st.text(alphabet="abcdefghijklmnopqrstuvwxyz234567-", min_size=1, max_size=32)


@settings(max_examples=40)
@given(dispatch=dispatches, door=st.sampled_from(Door))
def test_what_was_signed_is_read_and_opens_no_other_door(dispatch: str, door: Door) -> None:
    token = sign_link(KEY, door, dispatch)
    assert token.isascii()
    assert len(token) == len(dispatch) + 27
    assert read_link(KEY, door, token) == dispatch
    (other,) = set(Door) - {door}
    assert read_link(KEY, other, token) is None
    assert read_link(b"l" * 32, door, token) is None


@settings(max_examples=40)
@given(dispatch=dispatches, data=st.data())
def test_one_wrong_letter_opens_nothing(dispatch: str, data: st.DataObject) -> None:
    token = sign_link(KEY, Door.ACK, dispatch)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters(exclude_characters=token[place]))
    assert read_link(KEY, Door.ACK, token[:place] + letter + token[place + 1 :]) is None


@settings(max_examples=40)
@given(token=st.text())
def test_anything_at_all_is_no_address(token: str) -> None:
    assert read_link(KEY, Door.PACKAGE, token) is None


def test_every_process_of_a_home_makes_the_same_addresses(town: Town) -> None:
    one = open_links(town.notifier.engine, "https://gateway.example.invalid/")
    other = open_links(town.notifier.engine, "https://gateway.example.invalid")
    address = one.package("abc234")
    assert address == other.package("abc234")
    assert address is not None
    assert address.startswith("https://gateway.example.invalid/packages/abc234-")
    assert address.endswith("/")
    assert LinkBook(town.notifier.engine).read(Door.PACKAGE, address.split("/")[-2]) == "abc234"
    acknowledge = one.acknowledge("abc234")
    assert acknowledge is not None
    assert LinkBook(town.notifier.engine).read(Door.ACK, acknowledge.rpartition("/")[2]) == "abc234"


def test_without_an_address_of_the_gateway_there_are_no_links(town: Town) -> None:
    links = open_links(town.notifier.engine, "")
    assert links.package("abc234") is None
    assert links.acknowledge("abc234") is None


def test_reading_an_address_makes_no_key(town: Town) -> None:
    assert LinkBook(town.notifier.engine).read(Door.ACK, sign_link(KEY, Door.ACK, "abc234")) is None
    with Session(town.notifier.engine) as session:
        assert session.scalars(select(SettingRow.name)).all() == []

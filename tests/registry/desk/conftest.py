"""A desk, and somebody of each role who is signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from argon2 import PasswordHasher
from flask import Flask
from homes import Home
from seats import PASSWORD, Seat, plain
from sqlalchemy import update

from gongshi.court import Court
from gongshi.desk import create_desk
from registry import staff
from registry.tables import StaffRow

# The same calculation as everywhere, of a thousandth of the work: it would else take longer than all the rest.
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
KEPT = CHEAP.hash(PASSWORD)


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff, "HASHER", CHEAP)


@pytest.fixture
def court(home: Home) -> Iterator[Court]:
    made = home.court
    with made.session() as session:
        session.add(StaffRow(name="admin", role="admin", password_hash=KEPT, created_at=made.now))
        session.execute(update(StaffRow).values(password_hash=KEPT, password_changed_at=made.now))
    yield made
    made.close()


@pytest.fixture
def desk_app(court: Court) -> Flask:
    return create_desk(court)


@pytest.fixture
def seat(desk_app: Flask) -> Seat:
    """A browser in which nobody has signed in."""
    return Seat(desk_app.test_client())


@pytest.fixture
def desk_client(desk_app: Flask) -> Callable[[str], Seat]:
    """Somebody who is signed in: `clerk`, `reviewer`, `second` (a reviewer, too), `auditor` or `admin`."""

    def sign_in(name: str) -> Seat:
        seat = Seat(desk_app.test_client())
        answer = seat.sign_in(name)
        assert answer.status_code == 303, plain(answer.text)
        return seat

    return sign_in

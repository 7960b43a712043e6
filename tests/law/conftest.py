"""What the rules' tests start from: a home with three published entries, its public site, and people at the desk."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from entries import a_person, an_organisation
from flask.testing import FlaskClient
from homes import Home
from seats import Seat, plain

from gongshi.court import Court
from gongshi.desk import create_desk
from portal.app import create_app


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what each rule rests on is tested on both databases where it lives."""
    return {}


@pytest.fixture
def listed(home: Home) -> Home:
    """A home whose list has three entries: two persons and a company."""
    home.publish(a_person(1), a_person(2, name="买买提·测试"), an_organisation(3))
    return home


@pytest.fixture
def court(listed: Home) -> Iterator[Court]:
    made = listed.court
    yield made
    made.close()


@pytest.fixture
def public(listed: Home) -> Iterator[FlaskClient]:
    """The public site."""
    app = create_app(listed.public_settings, listed.clock)
    yield app.test_client()
    app.close()


@pytest.fixture
def sit(court: Court) -> Callable[[str], Seat]:
    """Somebody signed in at the desk."""
    app = create_desk(court)

    def sign_in(name: str) -> Seat:
        seat = Seat(app.test_client())
        answer = seat.sign_in(name)
        assert answer.status_code == 303, plain(answer.text)
        return seat

    return sign_in

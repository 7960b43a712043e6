"""A court with a record that the public sees, and one that it may not see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from builders_letters import RESTRICTED, Office
from entries import a_person
from homes import Home


@pytest.fixture
def office(home: Home) -> Iterator[Office]:
    """Record 1 is restricted (依法不宜公开), record 2 is public."""
    home.publish(a_person(1, **RESTRICTED), a_person(2, name="丁测试"))
    court = home.court
    yield Office(home, court)
    court.close()

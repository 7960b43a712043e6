"""What tests of the portal start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from flask.testing import FlaskClient
from portal_world import World


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """Log lines are read where a test asks for them, not printed."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "public")


@pytest.fixture
def client(world: World) -> FlaskClient:
    return world.client()


@pytest.fixture
def later(world: World) -> Callable[[float], None]:
    """Let seconds pass."""

    def pass_seconds(seconds: float) -> None:
        world.now += timedelta(seconds=seconds)

    return pass_seconds

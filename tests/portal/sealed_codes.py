"""Sealed codes of a world, drawn once for all tests that need some."""

from __future__ import annotations

from functools import cache
from random import Random

from portal_world import World

from search_index.emergency import CODES, SUBJECT, Codes, draw_codes


@cache
def draw() -> tuple[list[str], Codes]:
    return draw_codes(Random(7), Codes())


def give_codes(world: World) -> list[str]:
    """Let the world's portal know codes; what is printed for the envelopes."""
    printed, known = draw()
    world.tell(SUBJECT, CODES, known.as_json())
    return printed

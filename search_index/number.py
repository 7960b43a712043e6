"""Public record numbers: `SX-` and eight characters, the last of which checks the others.

Drawn at random, so a number says nothing of the person, of the case, or of how many entries there are.
"""

from __future__ import annotations

import re
from random import Random

# Crockford's base 32: no I, L, O or U, so that a number survives being read out or copied by hand.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BASE = len(ALPHABET)
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_MISREAD = str.maketrans({"I": "1", "L": "1", "O": "0"})
_SHAPE = re.compile(r"SX[-‐‑‒–—−－ ]?([0-9A-Z]{8})")
_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


def draw_number(random: Random) -> str:
    """A new number. `random` is the given source; in production it draws from the operating system."""
    payload = "".join(random.choice(ALPHABET) for _ in range(7))
    return f"SX-{payload}{check_character(payload)}"


def is_number(text: str) -> bool:
    """Whether `text` is a record number exactly as published."""
    return find_number(text) == text


def find_number(text: str) -> str | None:
    """The record number that a person typed (any width, case or dash; I, L and O as they are misread), or None."""
    match = _SHAPE.fullmatch(text.strip().translate(_WIDTH).upper())
    if match is None:
        return None
    characters = match[1].translate(_MISREAD)
    if any(c not in _VALUE for c in characters) or characters[7] != check_character(characters[:7]):
        return None
    return f"SX-{characters}"


def check_character(payload: str) -> str:
    """The eighth character of the number that begins with these seven."""
    # ISO 7064 hybrid system MOD 33,32: finds every single wrong character and every swap of neighbours but one pair.
    product = _BASE
    for character in payload:
        total = (product + _VALUE[character]) % _BASE or _BASE
        product = total * 2 % (_BASE + 1)
    return ALPHABET[(_BASE + 1 - product) % _BASE]

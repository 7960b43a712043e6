"""Record numbers typed on a telephone: a letter is typed by the key it stands on, so several numbers share their keys. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from search_index.number import ALPHABET, check_character

LENGTH = 8
_KEYS = {
    "2": "ABC",
    "3": "DEF",
    "4": "GHI",
    "5": "JKL",
    "6": "MNO",
    "7": "PQRS",
    "8": "TUV",
    "9": "WXYZ",
}
_KEY_OF = {letter: key for key, letters in _KEYS.items() for letter in letters} | {
    digit: digit for digit in "0123456789"
}
_ON_KEY = {
    key: "".join(character for character in ALPHABET if _KEY_OF[character] == key)
    for key in sorted(set(_KEY_OF.values()))
}


def keys_of(record: str) -> str:
    """The eight keys that type a record number (exactly as published), without its SX-."""
    return "".join(_KEY_OF[character] for character in record.removeprefix("SX-"))


def is_keys(typed: str) -> bool:
    """Whether what was typed can be the keys of a record number."""
    return len(typed) == LENGTH and typed.isascii() and typed.isdigit()


def list_candidates(keys: str) -> Iterator[str]:
    """The record numbers that `keys` may mean, in order: those whose last character checks the others. About 1,200 for a
    number as they are drawn, about 12,000 at the most; none for what `is_keys` refuses."""
    if not is_keys(keys):
        return
    last = _ON_KEY[keys[-1]]
    for characters in product(*(_ON_KEY[key] for key in keys[:-1])):
        payload = "".join(characters)
        check = check_character(payload)
        if check in last:
            yield f"SX-{payload}{check}"

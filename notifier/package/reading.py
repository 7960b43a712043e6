"""How a name is read aloud: pinyin with tones for characters that a newsreader need not know, and for surnames that
are read otherwise than the character elsewhere. Pure.

A character is common when it is in level 1 of 通用规范汉字表 (3,500 characters).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from notifier.package.tables import read_table

# GA/Z 02: what stands in a register for a character that has no code.
UNCODED = "\u2580"
_HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))


def annotate(name: str, *, person: bool) -> str:
    """`name` with readings in brackets behind what needs one: 曾（zēng）𠮷（jí）. Several readings: 乐（yuè或者lè）.

    A surname is looked for in a person's name only, and not where a dot parts it.
    """
    surname = _find_surname(name) if person else ""
    start = f"{surname}（{'或者'.join(_surnames()[surname])}）" if surname else ""
    return start + "".join(_annotate_character(character) for character in name[len(surname) :])


def find_readings(character: str) -> tuple[str, ...]:
    """The readings of a character outside level 1, the likeliest first; none where they are not known."""
    return _readings().get(character, ())


def is_han(character: str) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in _HAN)


def is_common(character: str) -> bool:
    """Whether the character is in level 1 of 通用规范汉字表."""
    return character in _levels()["1"]


def is_listed(character: str) -> bool:
    """Whether the character is in level 1 or 2 of 通用规范汉字表."""
    return is_common(character) or character in _levels()["2"]


def _annotate_character(character: str) -> str:
    if character == UNCODED:
        return f"{character}（此字无编码，请向法院核实）"
    if not is_han(character) or is_common(character):
        return character
    readings = find_readings(character)
    return f"{character}（{'或者'.join(readings) if readings else '读音请向法院核实'}）"


def _find_surname(name: str) -> str:
    if "·" in name:
        return ""
    return next((start for start in (name[:2], name[:1]) if start in _surnames()), "")


@cache
def _levels() -> Mapping[str, frozenset[str]]:
    return {level: frozenset(characters) for level, characters in read_table("levels.txt")}


@cache
def _readings() -> Mapping[str, tuple[str, ...]]:
    return {
        character: tuple(readings.split(","))
        for readings, characters in read_table("readings.txt")
        for character in characters
    }


@cache
def _surnames() -> Mapping[str, tuple[str, ...]]:
    return {
        surname: tuple(reading.replace("-", " ") for reading in readings.split())
        for surname, readings in read_table("surnames.txt")
    }

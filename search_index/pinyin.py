"""How names sound. Pure.

Syllables are written without tones, ü as v. A character has its common reading; everyday polyphones have all their
readings (乐 le, yue), and surnames have their own at the start of a name (曾 zeng; 尉迟 yu chi).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from search_index.tables import read_table

MOST_SEGMENTATIONS = 12
# The initials of a name are kept up to this length, and over this many combinations of readings.
MOST_INITIALS = 8
MOST_COMBINATIONS = 16
# No name is longer, and whoever types more is not typing a name.
_MOST_LETTERS = 120
_LONGEST_SYLLABLE = 6

# Other ways to type a syllable with ü; passports have lyu and nyu.
_SPELLINGS = {"lyu": "lv", "nyu": "nv", "lyue": "lve", "nyue": "nve", "lue": "lve", "nue": "nve"}
# Grave, acute, macron and caron are tones; a breve is how many a keyboard makes a caron.
_TONE_MARKS = re.compile("[\u0300\u0301\u0304\u0306\u030c]")
_SCHOOL_LETTERS = str.maketrans({"ɑ": "a", "ɡ": "g", "\u02bc": "'", "’": "'", "‘": "'", "`": "'"})
_PARTS = re.compile("[ '·•-]+")
# Letters are taken as far as they go and never given back: in tries of every way to share them a question would drown.
_PART = re.compile("(?:[a-z]++[0-5]?)+")
_LETTERS = re.compile("[a-z]+")


def list_sounds(name: str) -> frozenset[str]:
    """The syllables of a folded name, and the pairs of neighbours, in every reading that counts."""
    sounds: set[str] = set()
    before: tuple[str, ...] = ()
    for readings in _read(name):
        sounds.update(readings)
        sounds.update([f"{one} {other}" for one in before for other in readings])
        before = readings
    return frozenset(sounds)


def list_initials(name: str) -> frozenset[str]:
    """The beginnings, of two letters or more, of the initials of a folded name."""
    beginnings = [""]
    found: list[str] = []
    for character, readings in zip(name[:MOST_INITIALS], _read(name), strict=False):
        letters = {reading[0] for reading in readings} or _as_itself(character)
        if not letters:
            break
        beginnings = [before + letter for before in beginnings for letter in sorted(letters)][:MOST_COMBINATIONS]
        found += beginnings
    return frozenset(initials for initials in found if len(initials) > 1)


def is_run(syllables: tuple[str, ...], name: str, *, whole: bool = False) -> bool:
    """Whether the syllables are a run of the folded name's pinyin, or with `whole` all of it."""
    readings = _read(name)
    if not syllables or (whole and len(readings) != len(syllables)):
        return False
    return any(
        all(syllable in heard for syllable, heard in zip(syllables, readings[start:], strict=False))
        for start in range(len(readings) - len(syllables) + 1)
    )


def split_syllables(typed: str) -> tuple[tuple[str, ...], ...]:
    """Every way in which Latin letters, with or without spaces, are whole syllables; empty where there is none.

    Tones do not matter, as marks or as digits. At most twelve ways, the likeliest first: those of fewest syllables,
    and of these the ones with fewest syllables that begin with a vowel, for which an apostrophe is due.
    """
    ways: list[tuple[str, ...]] = [()]
    for part in _list_parts(typed):
        ways = _best([way + more for way in ways for more in _split_part(part)])
    return tuple(way for way in ways if way and not (len(way) == 1 and len(way[0]) == 1))


def _as_itself(character: str) -> set[str]:
    return {character} if character.isascii() and character.isalnum() else set()


def _list_parts(typed: str) -> list[str]:
    """The runs of letters between spaces, apostrophes and tone digits; one empty run where something else stands."""
    if len(typed) > _MOST_LETTERS:
        return [""]
    # Marks that are not seen (Cf) come with copied text.
    seen = typed if typed.isprintable() else "".join(c for c in typed if unicodedata.category(c) != "Cf")
    letters = unicodedata.normalize("NFKC", seen).casefold().translate(_SCHOOL_LETTERS)
    toneless = _TONE_MARKS.sub("", unicodedata.normalize("NFD", letters))
    parts = _PARTS.split(toneless.replace("u\u0308", "v").replace("u:", "v").strip(" '·•-"))
    if not all(map(_PART.fullmatch, parts)):
        return [""]
    return [run for part in parts for run in _LETTERS.findall(part)]


@lru_cache(maxsize=1024)
def _split_part(part: str) -> list[tuple[str, ...]]:
    """The likeliest ways to cut one run of letters, found for each of its beginnings in turn."""
    spellings = _spellings()
    ways: list[list[tuple[str, ...]]] = [[()]]
    for end in range(1, len(part) + 1):
        starts = range(max(0, end - _LONGEST_SYLLABLE), end)
        cuts = [(start, spellings.get(part[start:end])) for start in starts if ways[start]]
        ways.append(_best([(*way, syllable) for start, syllable in cuts if syllable for way in ways[start]]))
    return ways[-1] if part else []


def _best(ways: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    if len(ways) < 2:
        return ways
    return sorted(ways, key=lambda way: (len(way), sum(s[0] in "aeo" for s in way), way))[:MOST_SEGMENTATIONS]


@cache
def _spellings() -> dict[str, str]:
    heard = {syllable for readings in _tables()[0].values() for syllable in readings}
    return {syllable: syllable for syllable in sorted(heard)} | _SPELLINGS


@lru_cache(maxsize=4096)
def _read(name: str) -> tuple[tuple[str, ...], ...]:
    """The readings of each character; none for what has no pinyin."""
    common, surnames, compounds = _tables()
    readings = [common.get(character, ()) for character in name]
    if own := surnames.get(name[:1]):
        readings[0] = tuple(dict.fromkeys((*own, *readings[0])))
    for position, own in enumerate(compounds.get(name[:2], ())):
        readings[position] = tuple(dict.fromkeys((*own, *readings[position])))
    return tuple(readings)


@cache
def _tables() -> tuple[
    dict[str, tuple[str, ...]], dict[str, tuple[str, ...]], dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
]:
    """The readings of characters anywhere, of surnames of one character, and of surnames of two."""
    anywhere: dict[str, tuple[str, ...]] = {}
    for syllable, characters in read_table("pinyin.txt"):
        anywhere |= dict.fromkeys(characters, (syllable,))
    anywhere |= {line[0]: line[1:] for line in read_table("polyphones.txt")}
    lines = read_table("surnames.txt")
    compounds = {line[0]: _join(line[1:]) for line in lines if len(line[0]) == 2}
    return anywhere, {line[0]: line[1:] for line in lines if len(line[0]) == 1}, compounds


def _join(readings: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    cut = [reading.split("-") for reading in readings]
    return tuple(first for first, _ in cut), tuple(second for _, second in cut)

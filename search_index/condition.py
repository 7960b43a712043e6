"""What an entry must hold to answer: a small language between the question and the index. Pure.

A question is read into ways of answering it, each a condition (`query.py`). `meets` says whether an entry meets one;
the index finds the entries that do (`retrieval.py`), and both always agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from search_index.organisation import is_close
from search_index.pinyin import is_run


class Field(StrEnum):
    """The keys under which an entry is kept. Each key is looked up whole."""

    # An enum's own hash is written in Python, and a field is looked up many times in a search.
    __hash__ = str.__hash__

    NAME = "name_key"  # the folded name
    REPRESENTATIVE = "representative"  # the folded name of the legal representative
    CASE = "case_number"  # the key of the case number, and each of its parts
    CODE = "code"  # the organisation code within the credit code, or the code itself
    CORE = "core"  # an organisation's name without place, legal form and branch
    ALIAS = "alias"  # the words of the Latin spelling, and all of it without spaces
    SOUND = "sound"  # each syllable of the name in pinyin, and each pair of neighbours "zhang wei"
    INITIALS = "initials"  # each beginning, of two letters or more, of the initials of the name
    KIND = "kind"
    COURT = "court"
    REGION = "region"
    CONDUCT = "conduct"
    PERFORMANCE = "performance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A document as it is compared: every value folded. `text` has a line for each part of the obligation."""

    record: str
    kind: str
    name: str
    text: str
    code: str
    published_on: date
    keys: Mapping[Field, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Holds:
    """The entry is kept under the key."""

    field: Field
    key: str


@dataclass(frozen=True, slots=True)
class InName:
    """The folded name holds the word, or matches the pattern that a word with wildcards makes."""

    word: str
    pattern: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class WholeName:
    """The folded name as a whole matches the pattern that a word with wildcards makes."""

    word: str
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class InText:
    """A line of the folded text holds the word, of two characters or more."""

    word: str


@dataclass(frozen=True, slots=True)
class Sounds:
    """The syllables are a run of the name's pinyin; with `whole`, they are all of it."""

    syllables: tuple[str, ...]
    whole: bool = False


@dataclass(frozen=True, slots=True)
class SameCode:
    """The entry's code names the same organisation as the folded code."""

    code: str


@dataclass(frozen=True, slots=True)
class Close:
    """An organisation whose name holds the folded name but for one character (organisation.is_close)."""

    name: str


@dataclass(frozen=True, slots=True)
class All:
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Everything:
    """Every entry."""


Condition = Holds | InName | WholeName | InText | Sounds | SameCode | Close | All | AnyOf | Everything


def meets(condition: Condition, entry: Entry) -> bool:
    """Whether the entry meets the condition."""
    match condition:
        case All(conditions):
            return all(meets(one, entry) for one in conditions)
        case AnyOf(conditions):
            return any(meets(one, entry) for one in conditions)
        case InName() | WholeName() | Sounds():
            return is_in_name(condition, entry.name)
        case _:
            return _meets_one(condition, entry)


def _meets_one(condition: Holds | InText | SameCode | Close | Everything, entry: Entry) -> bool:
    match condition:
        case Holds(field, key):
            return key in entry.keys.get(field, ())
        case InText(word):
            return word in entry.text
        case SameCode(code):
            return is_same_organisation(code, entry.code)
        case Close(name):
            return entry.kind == "organisation" and is_close(name, entry.name)
        case Everything():
            return True


def is_in_name(condition: InName | WholeName | Sounds, name: str) -> bool:
    """Whether the folded name meets the condition."""
    match condition:
        case InName(word, None):
            return word in name
        case InName(_, pattern):
            return pattern is not None and pattern.search(name) is not None
        case WholeName(_, pattern):
            return pattern.fullmatch(name) is not None
        case Sounds(syllables, whole):
            return is_run(syllables, name, whole=whole)


def is_same_organisation(typed: str, published: str) -> bool:
    """Whether two folded codes name one organisation: a credit code holds the old organisation code in places 9–17."""
    if not published or len(typed) == len(published):
        return typed == published
    return get_organisation_part(typed) == get_organisation_part(published)


def get_organisation_part(code: str) -> str:
    """The organisation code within a folded unified social credit code (GB 32100); any other code as it is."""
    return code[8:17] if len(code) == 18 else code


def all_of(conditions: Sequence[Condition]) -> Condition:
    """That all of the conditions are met."""
    return conditions[0] if len(conditions) == 1 else All(tuple(conditions))


def any_of(conditions: Sequence[Condition]) -> Condition:
    """That one of the conditions is met."""
    return conditions[0] if len(conditions) == 1 else AnyOf(tuple(conditions))

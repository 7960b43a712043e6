"""How long a text is on its way, and how many segments are paid for it.

A text of the GSM 03.38 alphabet counts in septets, 160 in one segment or 153 in each of several; any other in UTF-16
units, 70 or 67. A segment never ends inside a surrogate pair nor behind the escape of an extended character.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import chain

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "\f^{}\\[~]|€"
_SEPTETS = dict(chain(((c, 1) for c in _BASIC), ((c, 2) for c in _EXTENDED)))


class Alphabet(StrEnum):
    GSM7 = "gsm7"
    UCS2 = "ucs2"


# Units that fit into a message of one segment, and into each segment of a longer one (the header takes the rest).
_ROOM = {Alphabet.GSM7: (160, 153), Alphabet.UCS2: (70, 67)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """`units` are septets or UTF-16 units by `alphabet`; `characters` is what a person counts; `segments` is what is
    paid for (0 for an empty text)."""

    alphabet: Alphabet
    characters: int
    units: int
    segments: int

    def cost(self, price: Decimal) -> Decimal:
        """What one message costs at `price` a segment, in the currency of the price."""
        return price * self.segments


def measure(text: str) -> Length:
    """The length of `text` as it goes out, signature and all."""
    parts = split(text)
    alphabet = alphabet_of(text)
    return Length(
        alphabet=alphabet,
        characters=len(text),
        units=sum(_weight(character, alphabet) for character in text),
        segments=len(parts),
    )


def split(text: str) -> tuple[str, ...]:
    """The segments of `text`, in order; together they are the text."""
    alphabet = alphabet_of(text)
    whole, part = _ROOM[alphabet]
    if sum(_weight(character, alphabet) for character in text) <= whole:
        return (text,) if text else ()
    return tuple(_fill(text, alphabet, part))


def alphabet_of(text: str) -> Alphabet:
    """GSM7 where every character belongs to it, else UCS2 for the whole text."""
    return Alphabet.GSM7 if all(character in _SEPTETS for character in text) else Alphabet.UCS2


def _fill(text: str, alphabet: Alphabet, room: int) -> Iterator[str]:
    start, used = 0, 0
    for position, character in enumerate(text):
        weight = _weight(character, alphabet)
        if used + weight > room:
            yield text[start:position]
            start, used = position, 0
        used += weight
    yield text[start:]


def _weight(character: str, alphabet: Alphabet) -> int:
    if alphabet is Alphabet.GSM7:
        return _SEPTETS[character]
    return 2 if ord(character) > 0xFFFF else 1

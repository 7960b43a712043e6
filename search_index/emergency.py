"""Hiding an entry, or the whole list, on the portal itself with a sealed code, when everything else is down.

A code is drawn once and printed for an envelope. What the portal knows of it (journal subject `emergency`, key `codes`) is the
public half of a key that is derived from the code, slowly: with it a mark can be checked, and none can be made. So a file that
somebody plants in the folder of marks means nothing, whoever may write there, and neither does an old mark under a new name.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from random import Random
from typing import Any

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

from search_index.number import ALPHABET, check_character, is_number

SUBJECT, CODES = "emergency", "codes"
HOW_MANY = 5
SUFFIX = ".mark"
LARGEST_MARK = 2_048  # bytes
_LENGTH = 16
_FORMER = 50
_MISREAD = str.maketrans({"I": "1", "L": "1", "O": "0"})
_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_NOISE = re.compile(r"[\s\-‐‑‒–—−]+")
_TYPED = re.compile(rf"([1-{HOW_MANY}])([{ALPHABET}]{{{_LENGTH}}})")
_NAME = re.compile(r"[0-9]{14}-[0-9a-f]{16}", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
# What no code can be, so that a wrong guess takes as long as a right one.
_NO_CODE = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """What the public side knows of the codes: their salt, the public halves in the order of their numbers, and those of
    earlier codes, whose marks go on counting and with which none is made any more."""

    salt: str = ""
    keys: tuple[str, ...] = ()
    former: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {"salt": self.salt, "keys": list(self.keys), "former": list(self.former)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """That somebody with the code of this number hid an entry, or the whole list (`record` is None)."""

    name: str
    record: str | None
    code: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Signed:
    """A mark with its signature (hex)."""

    mark: Mark
    signature: str


def draw_codes(random: Random, known: Codes) -> tuple[list[str], Codes]:
    """New codes, to be printed, and what the public side is to know of them."""
    payloads = ["".join(random.choice(ALPHABET) for _ in range(_LENGTH - 1)) for _ in range(HOW_MANY)]
    codes = [f"{number}{one}{check_character(f'{number}{one}')}" for number, one in enumerate(payloads, 1)]
    salt = f"{random.getrandbits(128):032x}"
    keys = tuple(_derive(code, salt).verify_key.encode().hex() for code in codes)
    former = (*known.former, *known.keys)[-_FORMER:]
    return [show_code(code) for code in codes], Codes(salt=salt, keys=keys, former=former)


def show_code(code: str) -> str:
    """A code as it is printed: its number, and four groups of four."""
    groups = [code[start : start + 4] for start in range(1, len(code), 4)]
    return "-".join([code[0], *groups])


def find_code(typed: str) -> str | None:
    """The code that a person typed (any width, case, blanks or dashes; I, L and O as they are misread); None where it is
    none or a character is wrong."""
    plain = _NOISE.sub("", typed.translate(_WIDTH)).upper().translate(_MISREAD)
    found = _TYPED.fullmatch(plain)
    return plain if found and check_character(plain[:-1]) == plain[-1] else None


def open_code(typed: str, codes: Codes) -> SigningKey | None:
    """The key of a code, where it is one of the present ones. What is wrong takes as long as what is right."""
    code = find_code(typed)
    key = _derive(code or _NO_CODE, codes.salt)
    number = int(code[0]) if code else 0
    known = codes.keys[number - 1] if 0 < number <= len(codes.keys) else ""
    return key if hashlib.sha256(key.verify_key.encode()).digest() == _digest(known) else None


def name_mark(at: datetime, random: Random) -> str:
    """The name of a mark made at `at`; nobody can foresee it."""
    return f"{at:%Y%m%d%H%M%S}-{random.getrandbits(64):016x}"


def is_name(text: str) -> bool:
    """Whether `text` is the name of a mark."""
    return _NAME.fullmatch(text) is not None


def write_mark(mark: Mark, key: SigningKey) -> bytes:
    """The file of a mark."""
    body = {"record": mark.record, "code": mark.code, "at": mark.at.isoformat()}
    signature = key.sign(_words(mark)).signature.hex()
    return json.dumps({**body, "signature": signature}).encode()


def read_mark(name: str, content: bytes) -> Signed | None:
    """What a file of this name says, not yet checked; None where it is no mark."""
    try:
        body = json.loads(content)
        record, at = body["record"], datetime.fromisoformat(body["at"])
        code, signature = int(body["code"]), str(body["signature"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    if (
        not is_name(name)
        or at.tzinfo is None
        or not (record is None or (isinstance(record, str) and is_number(record)))
    ):
        return None
    return Signed(Mark(name=name, record=record, code=code, at=at), signature)


def is_genuine(signed: Signed, codes: Codes) -> bool:
    """Whether a mark was made with one of these codes."""
    return _is_signed(signed, codes.keys + codes.former)


def read_codes(body: Mapping[str, Any] | None) -> Codes:
    """The codes as the journal tells of them; none where it does not, or in words that this version cannot read."""
    given = body or {}
    keys, former = (_read_keys(given.get(name)) for name in ("keys", "former"))
    salt = given.get("salt")
    return Codes(salt=salt if isinstance(salt, str) else "", keys=keys, former=former)


def read_told(key: str, body: Mapping[str, Any]) -> Mark | None:
    """A mark as the journal tells of it; None where this version cannot read it."""
    try:
        at, record = datetime.fromisoformat(str(body["at"])), body["record"]
        code = int(body["code"])
    except (ValueError, LookupError, TypeError):
        return None
    return Mark(name=key, record=None if record is None else str(record), code=code, at=at)


def tell(mark: Mark) -> dict[str, Any]:
    """A mark in the words of the journal: see `read_told`."""
    return {"record": mark.record, "code": mark.code, "at": mark.at.isoformat()}


def find_hidden(marks: Iterable[Mark]) -> tuple[bool, dict[str, datetime]]:
    """Whether the whole list is hidden, and which entries are, each with the time of its first mark."""
    hidden: dict[str, datetime] = {}
    everything = False
    for mark in marks:
        if mark.record is None:
            everything = True
        else:
            hidden[mark.record] = min(mark.at, hidden.get(mark.record, mark.at))
    return everything, hidden


@lru_cache(maxsize=1_024)
def _is_signed(signed: Signed, keys: tuple[str, ...]) -> bool:
    words = _words(signed.mark)
    return any(_verifies(key, words, signed.signature) for key in keys)


def _verifies(key: str, words: bytes, signature: str) -> bool:
    try:
        VerifyKey(bytes.fromhex(key)).verify(words, bytes.fromhex(signature))
    except (CryptoError, ValueError):
        return False
    return True


def _words(mark: Mark) -> bytes:
    return "\n".join(
        ["gongshi-emergency-1", mark.name, mark.record or "*", str(mark.code), mark.at.isoformat()]
    ).encode()


def _derive(code: str, salt: str) -> SigningKey:
    # 75 bits out of an envelope: what can be tried against the public half is tried slowly all the same.
    seed = hashlib.scrypt(code.encode(), salt=salt.encode(), n=1 << 14, r=8, p=1, maxmem=1 << 26, dklen=32)
    return SigningKey(seed)


def _digest(key: str) -> bytes:
    return hashlib.sha256(bytes.fromhex(key)).digest()


def _read_keys(given: object) -> tuple[str, ...]:
    return (
        tuple(one for one in given if isinstance(one, str) and _HEX.fullmatch(one)) if isinstance(given, list) else ()
    )

"""What a person sends in through the portal, before it is sealed and after it is opened; and the numbers it is known by.

The portal packs, the court unpacks, and neither imports the other. An envelope says little by its length: it is filled
up to one of a few sizes before it is sealed.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from random import Random
from typing import Any

from search_index.number import ALPHABET

# An acknowledgement of departures by a reader in bulk (readers.py): its fields are `reader`, the digest of the key, and
# `sequence`, up to which departures were carried out.
ACK = "ack"
KINDS = ("objection", "complaint", ACK)
MOST_ATTACHMENTS = 5
LARGEST_ATTACHMENT = 5 * 1024 * 1024
LARGEST_TOGETHER = 15 * 1024 * 1024
SUFFIX = ".sealed"
UNFINISHED = ".new-"
# What a sealed file begins with: the version of what follows.
MAGIC = b"GSS1"

_KIB = 1024
SIZES = tuple(size * _KIB for size in (16, 64, 256, 1024, 2048, 4096, 8192, 12288, 16384))
_VERSION = 1
_LENGTH = 4
_GROUP = 4
_GROUPS = 3
_PAYLOAD = _GROUP * _GROUPS - 1
_CODE = 10
_MISREAD = str.maketrans({"I": "1", "L": "1", "O": "0", "U": "V"})
_KEPT = re.compile(r"[^0-9A-Z]")
_TOKEN = re.compile(r"[0-9a-f]{64}", re.ASCII)


class BadSubmission(ValueError):
    """It is no submission of a version that is known. The message holds nothing of what was in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that was sent along: its name as the sender's machine had it, its media type as its bytes show it."""

    name: str
    media: str
    content: bytes

    def __repr__(self) -> str:
        return "Attachment()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What was sent in. `kind` is one of KINDS; `fields` holds what was filled in, by field; `receipt` is the
    number that the sender was given, `token` the digest by which the portal shows where it stands (`token_of`)."""

    kind: str
    receipt: str
    token: str
    received_at: datetime
    fields: Mapping[str, str]
    attachments: tuple[Attachment, ...] = ()

    def __repr__(self) -> str:
        return "Submission()"


def pack(submission: Submission) -> bytes:
    """A submission as bytes of one of `SIZES`. Raises BadSubmission for one that is too large."""
    head = {
        "version": _VERSION,
        "kind": submission.kind,
        "receipt": submission.receipt,
        "token": submission.token,
        "received_at": submission.received_at.isoformat(),
        "fields": dict(submission.fields),
        "attachments": [
            {"name": one.name, "media": one.media, "size": len(one.content)} for one in submission.attachments
        ],
    }
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    whole = b"".join((len(text).to_bytes(_LENGTH, "big"), text, *(one.content for one in submission.attachments)))
    size = next((size for size in SIZES if size >= len(whole)), None)
    if size is None:
        raise BadSubmission("a submission is too large")
    return whole.ljust(size, b"\0")


def unpack(content: bytes) -> Submission:
    """The submission that `pack` made bytes of. Raises BadSubmission for anything else."""
    try:
        end = _LENGTH + int.from_bytes(content[:_LENGTH], "big")
        head = json.loads(content[_LENGTH:end].decode())
        if not isinstance(head, dict) or head.get("version") != _VERSION or len(content) < end:
            raise BadSubmission("not a submission of a version that is known")
        return Submission(
            kind=_choice(head["kind"], KINDS),
            receipt=_receipt(head["receipt"]),
            token=_matching(head["token"], _TOKEN),
            received_at=_instant(head["received_at"]),
            fields={_text(name): _text(value) for name, value in head["fields"].items()},
            attachments=_read_attachments(head["attachments"], content, end),
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise BadSubmission("not a submission of a version that is known") from None


def draw_receipt(random: Random) -> str:
    """A new receipt number (`SL-XXXX-XXXX-XXXX`, the last character checks the others)."""
    return _draw("SL", random)


def find_receipt(typed: str) -> str | None:
    """The receipt number that a person typed, in any width, case or grouping; None where it can be none."""
    return _find("SL", typed)


def draw_verify(random: Random) -> str:
    """A new number by which a certificate of departure is checked (`ZM-XXXX-XXXX-XXXX`)."""
    return _draw("ZM", random)


def find_verify(typed: str) -> str | None:
    """The number of a certificate that a person typed; None where it can be none."""
    return _find("ZM", typed)


def draw_code(random: Random) -> str:
    """A new code that goes with a receipt number: what only the sender knows."""
    drawn = "".join(random.choice(ALPHABET) for _ in range(_CODE))
    return f"{drawn[: _CODE // 2]}-{drawn[_CODE // 2 :]}"


def find_code(typed: str) -> str | None:
    """The code that a person typed; None where it can be none."""
    code = _fold(typed)
    if len(code) != _CODE or any(character not in ALPHABET for character in code):
        return None
    return f"{code[: _CODE // 2]}-{code[_CODE // 2 :]}"


def token_of(receipt: str, code: str) -> str:
    """The digest by which the state of a submission is asked for: it tells neither the receipt number nor the code."""
    return sha256(f"{receipt}/{code}".encode()).hexdigest()


def certificate_key(verify: str) -> str:
    """The key under which a certificate is journalled. Raises ValueError where `verify` is no such number."""
    number = find_verify(verify)
    if number is None:
        raise ValueError("not the number of a certificate")
    return sha256(f"certificate/{number}".encode()).hexdigest()


def _draw(prefix: str, random: Random) -> str:
    payload = "".join(random.choice(ALPHABET) for _ in range(_PAYLOAD))
    return _group(prefix, payload + _check(payload))


def _find(prefix: str, typed: str) -> str | None:
    folded = _fold(typed, prefix)
    if len(folded) != _PAYLOAD + 1 or any(character not in ALPHABET for character in folded):
        return None
    return _group(prefix, folded) if _check(folded[:-1]) == folded[-1] else None


def _group(prefix: str, characters: str) -> str:
    bounds = range(0, len(characters) + 1, _GROUP)
    return "-".join((prefix, *(characters[start:end] for start, end in pairwise(bounds))))


def _fold(typed: str, prefix: str = "") -> str:
    text = _KEPT.sub("", unicodedata.normalize("NFKC", typed[:100]).upper())
    if len(text) > _PAYLOAD + 1:
        text = text.removeprefix(prefix)
    return text.translate(_MISREAD)


def _check(payload: str) -> str:
    # ISO 7064 hybrid system MOD 33,32, as for record numbers.
    base = len(ALPHABET)
    product = base
    for character in payload:
        total = (product + ALPHABET.index(character)) % base or base
        product = total * 2 % (base + 1)
    return ALPHABET[(base + 1 - product) % base]


def _read_attachments(listed: Any, content: bytes, start: int) -> tuple[Attachment, ...]:
    found = []
    if len(listed) > MOST_ATTACHMENTS:
        raise BadSubmission("too many attachments")
    for one in listed:
        size = one["size"]
        if not isinstance(size, int) or not 0 <= size <= min(LARGEST_ATTACHMENT, len(content) - start):
            raise BadSubmission("an attachment is cut short")
        end = start + size
        found.append(Attachment(name=_text(one["name"]), media=_text(one["media"]), content=content[start:end]))
        start = end
    return tuple(found)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadSubmission("text was expected")
    value.encode()  # half of a surrogate pair can be put neither in a database nor on a page
    return value


def _matching(value: Any, shape: re.Pattern[str]) -> str:
    if not shape.fullmatch(_text(value)):
        raise BadSubmission("a number is not of its shape")
    return str(value)


def _receipt(value: Any) -> str:
    if find_receipt(_text(value)) != value:
        raise BadSubmission("a number is not of its shape")
    return str(value)


def _choice(value: Any, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise BadSubmission("of no kind that is known")
    return str(value)


def _instant(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise BadSubmission("an instant needs an offset")
    return moment

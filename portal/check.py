"""是不是我: compares what a person typed with what is public of the entries of that name. Pure; keeps nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from portal.parameters import fold_digits, read_words
from search_index.document import Document

_LONGEST_NAME = 64
_TAIL = 4
_CITIZEN_LENGTH = 18
_MASKED = re.compile(r"(\d+)(\*+)(\d*[\dX])", re.ASCII)


class Field(StrEnum):
    NAME = "name"
    HEAD = "head"
    TAIL = "tail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """How many digits the court publishes at the front and at the end of a citizen number."""

    head: int
    tail: int = _TAIL


MASKS = {"national": Mask(head=10), "strict": Mask(head=6)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a person says of itself: a name, and the public digits of a number. Never printed."""

    name: str
    head: str
    tail: str

    def __repr__(self) -> str:
        return "Claim()"


class BadClaim(Exception):
    """The form cannot be used. `reasons` says why, by field, in Chinese, without anything that was typed."""

    def __init__(self, reasons: dict[Field, str]) -> None:
        super().__init__()
        self.reasons = reasons


class Verdict(StrEnum):
    """What one public entry of the same name says."""

    DIFFERS = "differs"
    AGREES = "agrees"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How many entries carry the name, those whose public digits agree, and those that cannot be excluded."""

    same_name: int
    agreeing: tuple[Document, ...]
    unknown: tuple[Document, ...]

    @property
    def differing(self) -> int:
        return self.same_name - len(self.agreeing) - len(self.unknown)


def get_mask(profile_mask: str) -> Mask:
    """The digits to ask for. A mask this version does not know asks for the fewest."""
    return MASKS.get(profile_mask, MASKS["strict"])


def read_claim(name: str, head: str, tail: str, mask: Mask) -> Claim:
    """The claim that the form makes. Raises BadClaim with a reason for each field that cannot be used."""
    claim = Claim(name=" ".join(name.split()), head=fold_digits(head), tail=fold_digits(tail))
    reasons = {
        Field.NAME: _refuse_name(claim.name),
        Field.HEAD: _refuse_digits(claim.head, rf"\d{{{mask.head}}}", f"前 {mask.head} 位数字"),
        Field.TAIL: _refuse_digits(claim.tail, rf"\d{{{mask.tail - 1}}}[\dX]", f"后 {mask.tail} 位"),
    }
    refused = {field: reason for field, reason in reasons.items() if reason}
    if refused:
        raise BadClaim(refused)
    return claim


def compare(claim: Claim, documents: Iterable[Document]) -> Finding:
    """Compare the claim with the people among `documents`, which all carry the name that was typed."""
    people = [document for document in documents if document.kind == "person"]
    verdicts = [(judge(claim, document.id_number), document) for document in people]
    return Finding(
        same_name=len(people),
        agreeing=_with(Verdict.AGREES, verdicts),
        unknown=_with(Verdict.UNKNOWN, verdicts),
    )


def judge(claim: Claim, published: str | None) -> Verdict:
    """What the published number says of the claim. Only digits that both sides show are compared."""
    match = _MASKED.fullmatch(published or "")
    if match is None or len(match[0]) != _CITIZEN_LENGTH:
        return Verdict.UNKNOWN
    head, tail = match[1], match[3]
    length = min(len(head), len(claim.head))
    ending = min(len(tail), len(claim.tail))
    if head[:length] != claim.head[:length] or tail[-ending:] != claim.tail[-ending:]:
        return Verdict.DIFFERS
    return Verdict.AGREES


def _with(verdict: Verdict, verdicts: Sequence[tuple[Verdict, Document]]) -> tuple[Document, ...]:
    return tuple(document for found, document in verdicts if found is verdict)


def _refuse_name(name: str) -> str | None:
    if not name:
        return "请填写姓名"
    if len(name) > _LONGEST_NAME:
        return f"姓名最多 {_LONGEST_NAME} 个字"
    if re.search(r"\d{6}", name):
        return "这里只填写姓名，不要填写号码"
    try:
        read_words(name)
    except ValueError as error:
        return str(error)
    return None


def _refuse_digits(digits: str, shape: str, words: str) -> str | None:
    if not digits:
        return f"请填写公民身份号码的{words}"
    if len(digits) >= 15:
        return f"请不要填写完整的公民身份号码，本网站只需要{words}；刚才填写的内容没有被保存"
    if not re.fullmatch(shape, digits, re.ASCII):
        return f"请填写公民身份号码的{words}，位数不多不少"
    return None

"""Codes of organisations, and numbers of citizens that must not be looked up. Pure."""

from __future__ import annotations

import re

from search_index.folding import fold_code


def has_citizen_number(text: str) -> bool:
    """Whether a typed text holds what looks like a whole citizen identity number; its check character need not be right
    where the number stands by itself, and must be where other digits or letters touch it."""
    if sum(map(str.isnumeric, text)) < _FEWEST_DIGITS:
        return False
    code = fold_code(text)
    # Typed alone it may be spread over groups of digits; among other words it stands by itself.
    if is_credit_code(code) and has_right_check(code) and not _is_citizen_number(code):
        return False
    words = [fold_code(word) for word in text.split()]
    if any(_CITIZEN.search(word) for word in (code, *words)):
        return True
    return any(_is_citizen_number(match[1]) for match in _CITIZEN_WITHIN.finditer(code))


def has_long_number(text: str) -> bool:
    """Whether a text holds a number as long as a telephone's, an account's or a citizen's, in one piece or in groups. Case
    and document numbers, amounts and days are shorter, or of shorter groups."""
    return _LONG_NUMBER.search(text) is not None


def is_credit_code(code: str) -> bool:
    """Whether a folded code has the shape of a unified social credit code (GB 32100)."""
    return _CREDIT_CODE.fullmatch(code) is not None


def has_right_check(code: str) -> bool:
    """GB 32100: whether the last character of a credit code checks the seventeen before it."""
    total = sum(_CREDIT_ALPHABET.index(c) * pow(3, place, 31) for place, c in enumerate(code[:17]))
    return _CREDIT_ALPHABET[-total % 31] == code[17]


def is_organisation_code(code: str) -> bool:
    """Whether a folded code is an old organisation code (GB 11714). Four digits at least, or a company's name in Latin
    letters could be one."""
    if not _ORGANISATION_CODE.fullmatch(code) or sum(c.isdigit() for c in code) < 4:
        return False
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(c, 36) * weight for c, weight in zip(code, weights, strict=False))
    return "0123456789X0"[-total % 11] == code[8]


# A citizen number with a day of birth that can be, or the fifteen digits of before 1999, standing alone.
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_CITIZEN = re.compile(rf"(?<![0-9A-Z])(?:\d{{6}}(?:18|19|20)\d\d{_DAY}\d{{3}}[\dX]|\d{{8}}{_DAY}\d{{3}})(?![0-9A-Z])")
_CITIZEN_WITHIN = re.compile(rf"(?=(\d{{6}}(?:18|19|20)\d\d{_DAY}\d{{3}}[\dX]))")
_FEWEST_DIGITS = 15
# Groups that end with 号 are the number of a document.
_LONG_NUMBER = re.compile(
    r"\d(?:[ \u3000]{0,2}\d){9}"
    r"|\d{3,8}(?:[ \u3000\-－—·./，、]{1,2}\d{3,8}){2,}(?![\d号])"
    r"|(?<!\d)0\d{2,3}[ \-－]?\d{7,8}(?!\d)"
)
_CREDIT_CODE = re.compile(r"[0-9A-HJ-NP-RTUWXY]{2}\d{6}[0-9A-HJ-NP-RTUWXY]{10}")
_ORGANISATION_CODE = re.compile(r"[0-9A-Z]{8}[0-9X]")
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _is_citizen_number(code: str) -> bool:
    """GB 11643: the last character checks the seventeen digits before it."""
    if not re.fullmatch(r"\d{17}[\dX]", code):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(code, _CITIZEN_WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == code[17]

"""Whether an applicant of a unit is somebody on the list: what a number or a name alone can prove, and what it cannot. Pure.

Only a whole number that is the same says that it is the same person (《河南省社会信用条例》第十六条: the identity number and the
credit code are what is compared by). A name alone says nothing of who it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from registry.masks import MaskProfile, mask_id
from registry.matching import identity_of_number
from registry.record import Kind
from registry.values import CitizenNumber, MaskedNumber, OrganisationCode, OtherNumber, Uscc
from search_index.folding import fold_name
from search_index.places import find_renamings

PersonNumber = CitizenNumber | MaskedNumber | OtherNumber
Number = PersonNumber | Uscc | OrganisationCode
# Fewer digits that both sides show prove less than the weakest mask of any list does (six and two).
FEWEST_COMPARED = 8
_OLD, _NEW = 15, 18


class Verdict(StrEnum):
    """How an applicant and an entry compare; ERROR: the row could not be read."""

    EXACT = "exact"
    MASKED_AGREE = "masked_agree"
    NAME_ONLY = "name_only"
    NONE = "none"
    ERROR = "error"

    @property
    def label(self) -> str:
        return _LABEL[self]

    @property
    def is_hit(self) -> bool:
        """Whether the entry is shown: it is the person's, or may be after what is hidden of a number was looked at."""
        return self in (Verdict.EXACT, Verdict.MASKED_AGREE)


_LABEL = {
    Verdict.EXACT: "完全相符",
    Verdict.MASKED_AGREE: "可见部分相符",
    Verdict.NAME_ONLY: "仅同名",
    Verdict.NONE: "未命中",
    Verdict.ERROR: "无法比对",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """Somebody a unit asks about. `key` is the folded name; `ref`, `role` and `application` are the unit's own words, given
    back as they came."""

    name: str
    key: str
    number: Number | None
    ref: str | None = None
    role: str | None = None
    application: str | None = None

    @property
    def identity(self) -> str | None:
        """What a record of the same whole number is found by, to be digested (matching.identity_of); None without one."""
        if self.number is None or isinstance(self.number, MaskedNumber):
            return None
        return identity_of_number(self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What a record says of who it is about. `latin_key` is the folded name in Latin letters, `name` the name as it is
    written there."""

    kind: Kind
    key: str
    number: Number | None
    latin_key: str | None = None
    name: str | None = None


def compare(applicant: Applicant, listed: Listed, mask: MaskProfile = MaskProfile.NATIONAL) -> Verdict:
    """EXACT only where two whole numbers are the same, and for a passport the names, too; MASKED_AGREE where one is masked,
    the folded names are the same and so is each of at least FEWEST_COMPARED digits that both show (a masked applicant is
    shown no more of a number than the public, by `mask`); NAME_ONLY where the name or a passport's number is the same and
    the rest cannot be compared; NONE otherwise."""
    ours, theirs = applicant.number, listed.number
    if ours is not None and _is_same(ours, theirs):
        # Two countries may give two people one number.
        alone = isinstance(ours, OtherNumber) and applicant.key not in (listed.key, listed.latin_key)
        return Verdict.NAME_ONLY if alone else Verdict.EXACT
    if applicant.key != listed.key or not _can_be_one_kind(ours, listed.kind):
        return Verdict.NONE
    if ours is None or theirs is None:
        return Verdict.NAME_ONLY
    if isinstance(ours, MaskedNumber) and isinstance(theirs, CitizenNumber | MaskedNumber):
        # Whoever may leave digits out could find the hidden ones one by one: beyond what is public nothing is said of them.
        theirs = MaskedNumber(mask_id(theirs, mask))
    return _compare_different(ours, theirs)


def is_guess(applicant: Applicant, tried: Sequence[Listed], mask: MaskProfile) -> bool:
    """Whether a row looks as if the hidden digits of an entry's number were being tried, where `tried` are those it may be
    about: the name is the entry's, and so is every digit that the public sees by `mask`, and yet it is another number (of
    honest applicants not one in a million, as the check character must be right, too); or the number is found under other
    names alone. Whoever names an entry and its whole number tries nothing, whatever else is on the list."""
    if any(one.number == applicant.number and one.name == applicant.name for one in tried):
        return False
    return any(_looks_tried(applicant, one, mask) for one in tried)


def strongest(verdicts: Iterable[Verdict]) -> Verdict:
    """The one that says most; NONE of nothing."""
    return min(verdicts, key=list(Verdict).index, default=Verdict.NONE)


def list_name_keys(applicant: Applicant) -> Sequence[str]:
    """The folded names under which entries of the applicant's name are: also those of places that were renamed since, where
    nothing but the name is known (香格里拉市 was 香格里拉县 until 2014)."""
    if applicant.number is not None:
        return (applicant.key,)
    renamed = {fold_name(applicant.key.replace(one.typed, one.other)) for one in find_renamings(applicant.key)}
    return (applicant.key, *sorted(renamed - {applicant.key}))


def _is_same(ours: Number, theirs: Number | None) -> bool:
    if theirs is None or isinstance(ours, MaskedNumber) or isinstance(theirs, MaskedNumber):
        return False
    if isinstance(ours, Uscc | OrganisationCode) and isinstance(theirs, Uscc | OrganisationCode):
        # Only an organisation code on one side: the unified code holds it (GB 32100 positions 9 to 17).
        return ours == theirs if type(ours) is type(theirs) else _code_of(ours) == _code_of(theirs)
    return type(ours) is type(theirs) and ours == theirs


def _looks_tried(applicant: Applicant, listed: Listed, mask: MaskProfile) -> bool:
    ours, theirs = applicant.number, listed.number
    if not isinstance(ours, CitizenNumber) or not isinstance(theirs, CitizenNumber):
        return False
    if ours == theirs:
        return True
    shown = zip(mask_id(theirs, mask), ours.text, strict=True)
    return applicant.key == listed.key and all(a in (b, "*") for a, b in shown)


def _can_be_one_kind(number: Number | None, kind: Kind) -> bool:
    """A person has no organisation's number, and the other way round."""
    return number is None or isinstance(number, Uscc | OrganisationCode) == (kind is Kind.ORGANISATION)


def _compare_different(ours: Number, theirs: Number) -> Verdict:
    """Two numbers of one kind that are not known to be the same, of one name."""
    numbers = (ours, theirs)
    if any(isinstance(number, OtherNumber) for number in numbers):
        # Passports and permits are renewed, and one may hold several: another number is not another person.
        return Verdict.NAME_ONLY
    if any(isinstance(number, MaskedNumber) for number in numbers):
        return _compare_masked(ours.text, theirs.text)
    if isinstance(ours, Uscc) and isinstance(theirs, Uscc) and _code_of(ours) == _code_of(theirs):
        # One organisation has one code for life: one of the two was written down wrongly.
        return Verdict.NAME_ONLY
    return Verdict.NONE


def _compare_masked(ours: str, theirs: str) -> Verdict:
    shown = [(a, b) for a, b in zip(_lengthen(ours), _lengthen(theirs), strict=True) if "*" not in (a, b)]
    if any(a != b for a, b in shown):
        return Verdict.NONE
    return Verdict.MASKED_AGREE if len(shown) >= FEWEST_COMPARED else Verdict.NAME_ONLY


def _lengthen(number: str) -> str:
    """An old number of 15 digits at the places of a new one; its check character is not known."""
    return number if len(number) == _NEW else f"{number[:6]}19{number[6:]}*"


def _code_of(number: Uscc | OrganisationCode) -> str:
    return number.text[8:17] if isinstance(number, Uscc) else number.text.replace("-", "")

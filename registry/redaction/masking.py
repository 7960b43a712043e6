"""What stands in the place of what goes: surname and 某, the kind of an organisation, crosses; one number for one bearer. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from registry.masks import mask_name, mask_organisation
from registry.redaction.name_parts import ALIAS, NICKNAME
from registry.redaction.sheet import Sheet, fold_width
from registry.redaction.vocabulary import HAN, Named
from registry.surnames import COMPOUND_SURNAMES, SURNAMES

_CROSS = "×"
_UNKNOWN_KIND = mask_organisation("")
_DOTTED = re.compile(r"[·•・‧∙⋅●.\s]+")
_HAN_ONLY = re.compile(rf"[{HAN}]+")
# Between a name and what else its bearer is called: 老杨杨保田, 小婷(吴婷婷), 徐文思(曾用名徐才鹏).
_SAME_BEARER = re.compile(
    rf"[(\[【][“\"]?(?:即|系|真名|本名)?(?:{ALIAS.pattern})?[“\"]?|(?:真名|本名|即|又名|别名)[“\"]?"
)
_NICK_HEADS = re.compile(r"(?:大个子|小个子|大胡子|胖子|瘸子|光头|秃子|麻子|[老小大阿])(?=.)")


@dataclass(slots=True)
class _Bearer:
    """Somebody under all names by which the text calls him."""

    mask: str
    person: bool
    names: list[str] = field(default_factory=list)


def write_replacements(
    sheet: Sheet, text: str, spans: Sequence[Named], identifiers: frozenset[str]
) -> Iterator[tuple[Named, str]]:
    """Each span with what stands in its place; `text` is the text as it was given."""
    masks = _number(sheet, text, spans)
    for span in spans:
        start, end = sheet.place(span)
        replacement = masks.get(_identity(sheet, span)) if _is_name(span) else None
        replacement = replacement or _cross_out(span.rule, text[start:end], identifiers)
        # 某公司1 before an amount would read as part of it.
        if replacement[-1].isdigit() and text[end : end + 1].isdigit():
            replacement += " "
        yield span, replacement


def core_of(name: str) -> str:
    """What distinguishes an organisation's name: 宏达 of 宏达公司 is found again in the full name."""
    return _KIND_OF_COMPANY.sub("", name) or name


_KIND_OF_COMPANY = re.compile(
    r"有限责任|股份|有限|集团|公司|专业|合作社|企业|银行|支行|分行|商贸|贸易|\(普通合伙\)|\(有限合伙\)"
)


def _is_name(span: Named) -> bool:
    return span.rule in ("person_name", "organisation_name")


def _cross_out(rule: str, words: str, identifiers: frozenset[str]) -> str:
    if rule in identifiers and rule not in ("email", "url"):
        return _CROSS * max(sum(c.isalnum() for c in words), 2)
    return _CROSS * 2


def _identity(sheet: Sheet, span: Named) -> str:
    return "".join(sheet.folded[span.start : span.end].split())


def _number(sheet: Sheet, text: str, spans: Sequence[Named]) -> dict[str, str]:
    """The mask of each name; where different bearers share one, 张某1 and 张某2 by first appearance."""
    bearers = _tell_apart(sheet, text, [span for span in spans if _is_name(span)])
    groups: dict[str, list[_Bearer]] = {}
    for bearer in bearers:
        groups.setdefault(bearer.mask, []).append(bearer)
    return {
        name: f"{mask}{index}" if len(group) > 1 else mask
        for mask, group in groups.items()
        for index, bearer in enumerate(group, start=1)
        for name in bearer.names
    }


def _tell_apart(sheet: Sheet, text: str, spans: Sequence[Named]) -> list[_Bearer]:
    bearers: list[_Bearer] = []
    by_name: dict[str, _Bearer] = {}
    full = {_identity(sheet, span) for span in spans if span.rule == "person_name"}
    before: Named | None = None
    for span in spans:
        name = _identity(sheet, span)
        bearer = by_name.get(name)
        if bearer is None:
            person = span.rule == "person_name"
            bearer = _find_bearer(bearers, name, person, full)
            if bearer is None and person and before is not None and before.rule == "person_name":
                between = sheet.folded[before.end : span.start]
                if _SAME_BEARER.fullmatch(between):
                    bearer = by_name[_identity(sheet, before)]
            if bearer is None:
                start, end = sheet.place(span)
                bearer = _Bearer(_mask(fold_width(text[start:end]), person), person)
                bearers.append(bearer)
            bearer.names.append(name)
            if bearer.mask == _UNKNOWN_KIND and not bearer.person:
                bearer.mask = mask_organisation(name)
            by_name[name] = bearer
        before = span
    return bearers


def _mask(name: str, person: bool) -> str:
    if not person:
        return mask_organisation(name)
    name = "".join(name.split()) if not name.isascii() else name
    head = _NICK_HEADS.match(name)
    if head and NICKNAME.fullmatch(name) and not name.endswith("氏"):
        name = name[head.end() :]
    return mask_name(name, "某")


def _find_bearer(bearers: Iterable[_Bearer], name: str, person: bool, full: set[str]) -> _Bearer | None:
    """Who of those is named by `name` in full or for short."""
    alike = _is_same_person if person else _is_same_organisation
    same = [b for b in bearers if b.person == person and any(alike(name, other) for other in b.names)]
    if same:
        return same[0] if person or len(same) == 1 else next((b for b in same if _contains(name, b)), None)
    return _find_by_surname(bearers, name, full) if person else None


def _find_by_surname(bearers: Iterable[_Bearer], name: str, full: set[str]) -> _Bearer | None:
    """老吴 and 吴珍有, where the text names nobody else of that surname."""
    mask = _mask(name, person=True)
    same = [b for b in bearers if b.person and b.mask == mask]
    if len(same) != 1 or _is_nickname(name) == all(_is_nickname(other) for other in same[0].names):
        return None
    others = [other for other in full if _mask(other, person=True) == mask and not _is_nickname(other)]
    return same[0] if len(others) == 1 else None


def _is_nickname(name: str) -> bool:
    return bool(NICKNAME.fullmatch(name) or (name[:2] in COMPOUND_SURNAMES and NICKNAME.fullmatch(name[1:])))


def _is_same_person(name: str, other: str) -> bool:
    return _is_short(name, other) or _is_short(other, name)


def _is_same_organisation(name: str, other: str) -> bool:
    if core_of(name) in other or core_of(other) in name:
        return True
    short, long = sorted((name, other), key=len)
    return len(short) > 2 and short != long and _is_subsequence(short, long)


def _is_subsequence(short: str, long: str) -> bool:
    """Whether the characters of `short` stand in `long` in their order: 宣威一高 of 宣威市第一高级中学."""
    rest = iter(long)
    return all(c in rest for c in short)


def _contains(name: str, bearer: _Bearer) -> bool:
    return any(core_of(name) in other or core_of(other) in name for other in bearer.names)


def _is_short(short: str, name: str) -> bool:
    """Whether `short` is the given name of `name`, or one of its parts."""
    if len(short) < 2 or len(short) >= len(name):
        return False
    parts = _DOTTED.split(name)
    if len(parts) > 1:
        return short in parts
    if not _HAN_ONLY.fullmatch(name):
        return False
    surname = 2 if name[:2] in COMPOUND_SURNAMES else 1
    return short == name[surname:] and (name[0] in SURNAMES or len(name) > 3)

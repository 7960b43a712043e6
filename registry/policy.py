"""What may be published, as versioned data: one TOML profile a rulebook, one rule a field, each with its article.

A profile can narrow what the law allows and can never widen it: a treatment that would show a raw identity
number, unredacted words or a restricted record in full does not load.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from registry.masks import MaskProfile
from registry.record import FREE_TEXTS, RestrictedGround
from search_index.document import Document

PACKAGED = Path(__file__).parent / "policies"


class Treatment(StrEnum):
    """What happens to one field on its way out."""

    SHOW = "show"
    MASK_ID = "mask_id"
    REDACT = "redact"
    AGE_AT_PUBLICATION = "age_at_publication"
    CONDUCT_TEXT = "conduct_text"
    WITHHOLD = "withhold"


class RestrictedTreatment(StrEnum):
    """What happens to a record that by law should not be published (依法不宜公开)."""

    WITHHOLD = "withhold"
    MASKED = "masked"


class PolicyError(ValueError):
    """A profile that cannot be used. The message is Chinese and names the file and the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """How one field of the public document is made, and the article that says so."""

    treatment: Treatment
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictedRule:
    """How records of one restricted ground are treated, and the article that says so."""

    treatment: RestrictedTreatment
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TermRule:
    """How long a listing with a term may last: `years`, and at most `extension_years` more (art. 2 ¶1)."""

    years: int
    extension_years: int
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayRule:
    """How many years an entry that has a term may be shown at most."""

    max_years: int
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One rulebook. A document field that `fields` does not name is withheld.

    `deadlines` names the legal clock's profile. `exit_notice_days` is how long the notice of an exit stays up.
    `display` is None where the rulebook sets no longest time. `restricted` that lacks a ground withholds it.
    """

    name: str
    version: str
    title: str
    id_mask: MaskProfile
    deadlines: str
    require_national_reference: bool
    exit_notice_days: int
    exit_notice_basis: str
    term: TermRule
    display: DisplayRule | None
    fields: Mapping[str, FieldRule]
    restricted: Mapping[RestrictedGround, RestrictedRule]

    def treatment_of(self, field: str) -> Treatment:
        """The treatment of a document field; withheld where no rule names it."""
        rule = self.fields.get(field)
        return rule.treatment if rule else Treatment.WITHHOLD

    def restricted_rule(self, ground: RestrictedGround | None) -> RestrictedRule:
        """The rule for a restricted record; withheld where the ground is missing or has no rule."""
        rule = self.restricted.get(ground) if ground else None
        return rule or _UNRULED


_UNRULED = RestrictedRule(
    treatment=RestrictedTreatment.WITHHOLD,
    basis="法释〔2017〕7号第六条第（六）项；未写明依法不宜公开的理由，或者政策没有相应规则",
)

_OWN_TREATMENT = {
    "id_number": Treatment.MASK_ID,
    "age": Treatment.AGE_AT_PUBLICATION,
    "conduct": Treatment.CONDUCT_TEXT,
    **dict.fromkeys(FREE_TEXTS, Treatment.REDACT),
}
_ALLOWED = {f.name: {_OWN_TREATMENT.get(f.name, Treatment.SHOW), Treatment.WITHHOLD} for f in fields(Document)}
_TOP = {
    "extends",
    "name",
    "version",
    "title",
    "id_mask",
    "deadlines",
    "require_national_reference",
    "exit_notice",
    "term",
    "display",
    "fields",
    "restricted",
}


def load_policy(name: str, folder: Path = PACKAGED) -> Policy:
    """The policy `name` from `folder`/`name`.toml, on top of what it extends (found in `folder`, else packaged).

    Raises PolicyError when the file is missing, unreadable, or says something a policy cannot say.
    """
    return _build_policy(_load_merged(name, folder, ()), _file_of(name, folder))


def packaged_policies() -> tuple[str, ...]:
    """The names of the profiles that come with the product."""
    return tuple(sorted(path.stem for path in PACKAGED.glob("*.toml")))


def _file_of(name: str, folder: Path) -> Path:
    if not name or not all(c.isascii() and (c.isalnum() or c in "-_") for c in name):
        raise PolicyError("政策名称只能由英文字母、数字、“-”和“_”组成，请改正后重试")
    own = folder / f"{name}.toml"
    return own if own.exists() else PACKAGED / f"{name}.toml"


def _load_merged(name: str, folder: Path, seen: tuple[str, ...]) -> dict[str, Any]:
    path = _file_of(name, folder)
    if name in seen:
        raise PolicyError(f"政策文件 {path.name} 的 extends：互相引用，形成循环（{' → '.join((*seen, name))}）")
    body = _read(path)
    if "extends" not in body:
        return body
    base = _text(body, "extends", path)
    return _merge(_load_merged(base, folder, (*seen, name)), body)


def _read(path: Path) -> dict[str, Any]:
    try:
        body = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = "、".join(packaged_policies())
        raise PolicyError(f"没有政策文件 {path.name}；随软件提供的政策有：{known}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"政策文件 {path.name} 无法读取（应为 UTF-8 文本）：{type(error).__name__}") from None
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"政策文件 {path.name} 不是有效的 TOML：{error}") from None
    unknown = sorted(body.keys() - _TOP)
    if unknown:
        raise PolicyError(f"政策文件 {path.name} 有不认识的键：{'、'.join(unknown)}")
    return body


def _merge(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """`own` over `base`: tables of rules are merged rule by rule, and a rule is replaced whole."""
    merged = {**base, **own}
    for table in ("fields", "restricted"):
        if isinstance(base.get(table), dict) and isinstance(own.get(table), dict):
            merged[table] = {**base[table], **own[table]}
    return merged


def _build_policy(body: Mapping[str, Any], path: Path) -> Policy:
    if body.get("name") != path.stem:
        raise _error(path, "name", f"应与文件名一致，写作 {path.stem}")
    notice = _table(body, "exit_notice", path, {"days", "basis"})
    return Policy(
        name=path.stem,
        version=_text(body, "version", path),
        title=_text(body, "title", path),
        id_mask=MaskProfile(_choice(body, "id_mask", path, set(MaskProfile))),
        deadlines=_text(body, "deadlines", path),
        require_national_reference=_flag(body, "require_national_reference", path),
        exit_notice_days=_number(notice, "days", path, "exit_notice."),
        exit_notice_basis=_text(notice, "basis", path, "exit_notice."),
        term=_build_term(body, path),
        display=_build_display(body, path),
        fields=MappingProxyType(_build_fields(body, path)),
        restricted=MappingProxyType(_build_restricted(body, path)),
    )


def _build_term(body: Mapping[str, Any], path: Path) -> TermRule:
    table = _table(body, "term", path, {"years", "extension_years", "basis"})
    rule = TermRule(
        years=_number(table, "years", path, "term."),
        extension_years=_number(table, "extension_years", path, "term."),
        basis=_text(table, "basis", path, "term."),
    )
    if rule.years > 2 or rule.extension_years > 3:
        raise _error(path, "term", "期限为二年，延长最多三年（法释〔2017〕7号第二条第一款），不得更长")
    return rule


def _build_display(body: Mapping[str, Any], path: Path) -> DisplayRule | None:
    if "display" not in body:
        return None
    table = _table(body, "display", path, {"max_years", "basis"})
    return DisplayRule(
        max_years=_number(table, "max_years", path, "display."), basis=_text(table, "basis", path, "display.")
    )


def _build_fields(body: Mapping[str, Any], path: Path) -> dict[str, FieldRule]:
    return {
        name: _build_field(name, _rule(rule, f"fields.{name}", path), path)
        for name, rule in _any_table(body, "fields", path).items()
    }


def _build_field(name: str, rule: Mapping[str, Any], path: Path) -> FieldRule:
    if name not in _ALLOWED:
        raise _error(path, f"fields.{name}", "公示信息没有这个字段")
    prefix = f"fields.{name}."
    return FieldRule(
        treatment=Treatment(_choice(rule, "treatment", path, _ALLOWED[name], prefix)),
        basis=_text(rule, "basis", path, prefix),
    )


def _build_restricted(body: Mapping[str, Any], path: Path) -> dict[RestrictedGround, RestrictedRule]:
    rules = {}
    for name, rule in _any_table(body, "restricted", path).items():
        key = f"restricted.{name}"
        if name not in set(RestrictedGround):
            raise _error(path, key, f"应为 {'、'.join(RestrictedGround)} 之一")
        found = _rule(rule, key, path)
        rules[RestrictedGround(name)] = RestrictedRule(
            treatment=RestrictedTreatment(_choice(found, "treatment", path, set(RestrictedTreatment), f"{key}.")),
            basis=_text(found, "basis", path, f"{key}."),
        )
    return rules


def _rule(value: Any, key: str, path: Path) -> Mapping[str, Any]:
    return _table({key: value}, key, path, {"treatment", "basis"})


def _any_table(body: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
    value = body.get(key)
    if not isinstance(value, dict):
        raise _error(path, key, "缺少，或者不是一张表")
    return value


def _table(body: Mapping[str, Any], key: str, path: Path, allowed: set[str]) -> Mapping[str, Any]:
    value = _any_table(body, key, path)
    unknown = sorted(value.keys() - allowed)
    if unknown:
        raise _error(path, f"{key}.{unknown[0]}", "不认识的键")
    return value


def _text(body: Mapping[str, Any], key: str, path: Path, prefix: str = "") -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value.strip():
        raise _error(path, prefix + key, "缺少，或者不是文字")
    return value


def _number(body: Mapping[str, Any], key: str, path: Path, prefix: str) -> int:
    value = body.get(key)
    if type(value) is not int or value < 0:
        raise _error(path, prefix + key, "缺少，或者不是零或正整数")
    return value


def _flag(body: Mapping[str, Any], key: str, path: Path) -> bool:
    value = body.get(key)
    if not isinstance(value, bool):
        raise _error(path, key, "缺少，或者不是 true、false")
    return value


def _choice(body: Mapping[str, Any], key: str, path: Path, choices: set[Any], prefix: str = "") -> str:
    value = _text(body, key, path, prefix)
    if value not in choices:
        raise _error(path, prefix + key, f"应为 {'、'.join(sorted(choices))} 之一")
    return value


def _error(path: Path, key: str, problem: str) -> PolicyError:
    return PolicyError(f"政策文件 {path.name} 的 {key}：{problem}")

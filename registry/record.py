"""The private record: everything the court knows of one listed debtor in one case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from registry.redaction import Finding
from registry.values import (
    CaseNumber,
    CitizenNumber,
    MaskedNumber,
    OrganisationCode,
    OtherNumber,
    Uscc,
)


class Kind(StrEnum):
    PERSON = "person"
    ORGANISATION = "organisation"


class Gender(StrEnum):
    MALE = "男"
    FEMALE = "女"


class Performance(StrEnum):
    NONE = "全部未履行"
    PART = "部分未履行"
    FULL = "全部已履行"


class Conduct(StrEnum):
    """法释〔2017〕7号 art. 1 (1)–(6). Codes of our own: the 2013 text numbers the same six otherwise."""

    REFUSES_THOUGH_ABLE = "refuses_though_able"
    OBSTRUCTS_ENFORCEMENT = "obstructs_enforcement"
    EVADES_ENFORCEMENT = "evades_enforcement"
    BREAKS_PROPERTY_REPORTING = "breaks_property_reporting"
    BREAKS_CONSUMPTION_LIMIT = "breaks_consumption_limit"
    BREAKS_SETTLEMENT = "breaks_settlement"

    @property
    def has_term(self) -> bool:
        """Art. 2: (2)–(6) are listed for a term; (1) is not."""
        return self is not Conduct.REFUSES_THOUGH_ABLE

    @property
    def text(self) -> str:
        return _CONDUCT_TEXT[self]


_CONDUCT_TEXT = {
    Conduct.REFUSES_THOUGH_ABLE: "有履行能力而拒不履行生效法律文书确定义务",
    Conduct.OBSTRUCTS_ENFORCEMENT: "以伪造证据、暴力、威胁等方法妨碍、抗拒执行",
    Conduct.EVADES_ENFORCEMENT: "以虚假诉讼、虚假仲裁或者以隐匿、转移财产等方法规避执行",
    Conduct.BREAKS_PROPERTY_REPORTING: "违反财产报告制度",
    Conduct.BREAKS_CONSUMPTION_LIMIT: "违反限制消费令",
    Conduct.BREAKS_SETTLEMENT: "无正当理由拒不履行执行和解协议",
}


class Disclosure(StrEnum):
    PUBLIC = "public"
    RESTRICTED = "restricted"


class RestrictedGround(StrEnum):
    STATE_SECRET = "state_secret"  # noqa: S105
    TRADE_SECRET = "trade_secret"  # noqa: S105
    PRIVACY = "privacy"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """申请执行人: private always."""

    name: str | None = None
    phone: str | None = None


FREE_TEXTS = ("obligation", "performed_part", "unperformed_part")
"""The facts that are written freely, and so may name people who are not listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What intake says of a debtor in a case; the keys of the import format, each value parsed.

    Dates are calendar days in Asia/Shanghai. None means absent; what approval asks for may still be absent here.
    """

    kind: Kind
    name: str
    latin_name: str | None = None
    id_number: CitizenNumber | MaskedNumber | OtherNumber | None = None
    uscc: Uscc | OrganisationCode | None = None
    gender: Gender | None = None
    birth_date: date | None = None
    legal_representative: str | None = None
    court: str
    region: str | None = None
    case_number: CaseNumber
    filed_on: date | None = None
    basis_number: str
    basis_issuer: str | None = None
    obligation: str
    performance: Performance
    performed_part: str | None = None
    unperformed_part: str | None = None
    conduct: tuple[Conduct, ...]
    decision_number: str | None = None
    decided_on: date | None = None
    served_on: date | None = None
    term_ends_on: date | None = None
    national_reference: str | None = None
    disclosure: Disclosure = Disclosure.PUBLIC
    restricted_ground: RestrictedGround | None = None
    employer: str | None = None
    phone: str | None = None
    address: str | None = None
    applicant: Applicant | None = None
    note: str | None = None

    @property
    def born_on(self) -> date | None:
        """The birth date, from the identity number before what was typed beside it."""
        if isinstance(self.id_number, CitizenNumber):
            return self.id_number.birth_date
        return self.birth_date


class State(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    RESTRICTED = "restricted"
    PUBLISHED = "published"
    HELD = "held"
    WITHDRAWN = "withdrawn"
    REMOVED = "removed"
    EXPIRED = "expired"

    @property
    def has_departed(self) -> bool:
        """Ended for good: nothing but a later decision lists this debtor again."""
        return self in (State.WITHDRAWN, State.REMOVED, State.EXPIRED)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a reviewer accepted to be redacted in the texts of one version, by field, and which detector proposed it."""

    detector: str
    fields: Mapping[str, tuple[Finding, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The court whose list an entry was taken over from, and whether that list is still taken over."""

    court: str
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A debtor in a case, with where it stands.

    `number` and `published_on` are set at first publication and kept through corrections and holds.
    `changed_at` is the time of the change that is being decided or was decided last.
    `imported_by` prepared it last; `prepared_by` are the others who did, filled in where an approval is decided.
    `redactions` are what a reviewer accepted for these texts; None where nobody has been asked yet.
    `grace_until` is the last day of the time of grace (宽限期), where one was granted.
    `origin` is where it was taken over from, read-only; None for the court's own.
    """

    id: int
    state: State
    facts: Facts
    batch: int
    line: int
    imported_by: str
    approved_by: str | None = None
    number: str | None = None
    published_on: date | None = None
    changed_at: datetime
    redactions: Accepted | None = None
    grace_until: date | None = None
    prepared_by: frozenset[str] = frozenset()
    origin: Origin | None = None

    def with_facts(self, facts: Facts, now: datetime) -> Record:
        """The record as it would be with other facts. What was hidden in the old words says nothing of where to look in
        the new ones: nobody has accepted anything of them."""
        return replace(self, facts=facts, redactions=None, changed_at=now)

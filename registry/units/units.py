"""Units: adding, changing and retiring them, and deciding what each receives and on what basis (policies B2, B6, B7, B28).

A clerk prepares, a reviewer decides, also whose lists a unit is sent (`recipient`) and whether it sees what all units
agreed to (`leading`). What is not public by law (依法不宜公开) goes to a unit only after a second person
agreed: nobody decides that on his own proposal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.clockbook import About, end_clocks
from registry.deadlines import Rule
from registry.tables import UnitRow
from registry.units.words import UnitError, check_basis, check_line, check_slug, join_labels

_ASKED = "asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receives:
    """What a unit gets and owes: the list (B6), notice of who left it (B22), restricted entries (B8), and whether it gives
    feedback each quarter (B7)."""

    push: bool = False
    releases: bool = False
    restricted: bool = False
    feedback: bool = False

    @property
    def words(self) -> str:
        """In Chinese, for pages and audit lines."""
        return join_labels(RECEIVES_LABEL[name] for name, value in asdict(self).items() if value)


RECEIVES_LABEL = {
    "push": "名单推送",
    "releases": "退出通知",
    "restricted": "依法不宜公开的信息",
    "feedback": "每季度反馈",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody proposed that a unit receives, and nobody has decided yet."""

    receives: Receives
    basis: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFacts:
    """What a unit is called and what it is. `recipient` is its slug at the notifier, None where nothing is sent to it."""

    name: str
    department: str | None = None
    leading: bool = False
    recipient: str | None = None

    def checked(self) -> UnitFacts:
        """With its lines tidied. Raises UnitError."""
        return UnitFacts(
            name=check_line(self.name, "单位名称"),
            department=check_line(self.department, "责任部门") if self.department and self.department.strip() else None,
            leading=self.leading,
            recipient=check_slug(self.recipient) if self.recipient and self.recipient.strip() else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit as pages and sheets show it."""

    id: int
    slug: str
    facts: UnitFacts
    basis: str
    receives: Receives
    asked: Asked | None
    active: bool
    created_at: datetime

    @property
    def name(self) -> str:
        return self.facts.name


def add_unit(session: Session, slug: str, facts: UnitFacts, acting: Acting, *, reviews: bool = False) -> UnitRow:
    """A new unit, which receives nothing until that is decided; `reviews`: a reviewer registers it. Raises UnitError."""
    slug, facts = check_slug(slug), facts.checked()
    if not reviews:
        _refuse_deciding(UnitFacts(name=facts.name), facts, Receives())
    if session.scalar(select(UnitRow.id).where(UnitRow.slug == slug)) is not None:
        raise UnitError(f"代号“{slug}”已经有单位使用，请换一个")
    _refuse_same_name(session, facts.name, besides=None)
    _refuse_same_recipient(session, facts.recipient, besides=None)
    row = UnitRow(
        slug=slug,
        name=facts.name,
        department=facts.department,
        leading=facts.leading,
        basis="",
        receives=asdict(Receives()),
        recipient=facts.recipient,
        active=True,
        created_at=acting.now,
    )
    session.add(row)
    session.flush()
    audit.note(session, acting.now, acting.actor, "unit_add", detail=_name_facts(slug, facts))
    return row


def change_unit(session: Session, row: UnitRow, facts: UnitFacts, acting: Acting, *, reviews: bool = False) -> None:
    """Change what a unit is called or what it is; `reviews`: a reviewer does. Raises UnitError."""
    facts, old = facts.checked(), to_unit(row)
    if not reviews:
        _refuse_deciding(old.facts, facts, old.receives)
    _refuse_same_name(session, facts.name, besides=row.id)
    _refuse_same_recipient(session, facts.recipient, besides=row.id)
    changed = sorted(name for name, value in asdict(facts).items() if getattr(row, name) != value)
    if not changed:
        return
    row.name, row.department = facts.name, facts.department
    row.leading, row.recipient = facts.leading, facts.recipient
    detail = {**_name_facts(row.slug, facts), "fields": changed}
    audit.note(session, acting.now, acting.actor, "unit_change", detail=detail)


def set_active(session: Session, row: UnitRow, active: bool, basis: str, acting: Acting) -> None:
    """Retire a unit, or take it back: a retired one gets no more lists, owes no more feedback and cannot sign in; of
    what leaves it is still told, as it may have it. Raises UnitError."""
    if row.active == active:
        raise UnitError("该单位已经停用" if not active else "该单位没有停用")
    detail = {"unit": row.slug, "basis": check_basis(basis, "停用或者恢复的依据")}
    row.active = active
    if not active:
        # It owes no feedback any more, and nobody is told that it is late.
        end_clocks(session, acting, [Rule.FEEDBACK], About(unit=row.id), void=True)
    audit.note(session, acting.now, acting.actor, "unit_restore" if active else "unit_retire", detail=detail)


def ask_receives(session: Session, row: UnitRow, wanted: Receives, basis: str, acting: Acting) -> None:
    """Propose what a unit receives, and on what basis. It replaces an earlier proposal. Raises UnitError."""
    basis = check_basis(basis)
    row.receives = {
        **asdict(_read_receives(row.receives)),
        _ASKED: {"receives": asdict(wanted), "basis": basis, "by": acting.actor, "at": acting.now.isoformat()},
    }
    detail = {"unit": row.slug, "receives": wanted.words, "basis": basis}
    audit.note(session, acting.now, acting.actor, "unit_ask", detail=detail)


def needs_second(row: UnitRow) -> bool:
    """Whether what is proposed takes a second person: it would give what is not public by law to a unit (B8)."""
    asked = _read_asked(row.receives)
    return asked is not None and asked.receives.restricted and not _read_receives(row.receives).restricted


def decide_receives(session: Session, row: UnitRow, agreed: bool, acting: Acting) -> None:
    """Agree to what is proposed, or turn it down; a reviewer does. Raises UnitError."""
    asked = _read_asked(row.receives)
    if asked is None:
        raise UnitError("没有等待决定的接收事项")
    if agreed and needs_second(row) and asked.by == acting.actor:
        raise UnitError("依法不宜公开的信息须由另一名审核人同意才能提供给单位，提出的人不能自己同意")
    row.receives = asdict(asked.receives if agreed else _read_receives(row.receives))
    if agreed:
        row.basis = asked.basis
    detail = {"unit": row.slug, "receives": asked.receives.words, "basis": asked.basis, "asked_by": asked.by}
    audit.note(session, acting.now, acting.actor, "unit_agree" if agreed else "unit_decline", detail=detail)


def list_units(session: Session, *, active_only: bool = False) -> list[Unit]:
    """Every unit, those in use first, by name."""
    query = select(UnitRow).order_by(UnitRow.active.desc(), UnitRow.name, UnitRow.id)
    if active_only:
        query = query.where(UnitRow.active)
    return [to_unit(row) for row in session.scalars(query)]


def get_unit(session: Session, unit: int | str, *, lock: bool = False) -> UnitRow:
    """The unit of an id or a slug. Raises UnitError."""
    which = UnitRow.id == unit if isinstance(unit, int) else UnitRow.slug == unit
    query = select(UnitRow).where(which)
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise UnitError("没有这个单位：请用 gongshi unit list 核对代号")
    return row


def to_unit(row: UnitRow) -> Unit:
    return Unit(
        id=row.id,
        slug=row.slug,
        facts=UnitFacts(name=row.name, department=row.department, leading=row.leading, recipient=row.recipient),
        basis=row.basis,
        receives=_read_receives(row.receives),
        asked=_read_asked(row.receives),
        active=row.active,
        created_at=row.created_at,
    )


def find_names(session: Session, ids: Sequence[int]) -> Mapping[int, str]:
    """The names of units by their ids."""
    return {row.id: row.name for row in session.scalars(select(UnitRow).where(UnitRow.id.in_(list(ids))))}


def _read_receives(body: Mapping[str, Any]) -> Receives:
    return Receives(**{field.name: bool(body.get(field.name)) for field in fields(Receives)})


def _read_asked(body: Mapping[str, Any]) -> Asked | None:
    asked = body.get(_ASKED)
    if not asked:
        return None
    return Asked(
        receives=_read_receives(asked["receives"]),
        basis=asked["basis"],
        by=asked["by"],
        at=datetime.fromisoformat(asked["at"]),
    )


def _refuse_deciding(old: UnitFacts, new: UnitFacts, receives: Receives) -> None:
    """Raises UnitError for what only a reviewer decides: what a unit comes to see follows from it."""
    if new.leading != old.leading:
        raise UnitError("领导小组成员能看到各单位“仍予以同意”的理由，须由审核人登记")
    if new.recipient != old.recipient:
        raise UnitError("接收代号决定向谁发送名单，须由审核人登记")
    if new.name != old.name and receives.restricted:
        raise UnitError("该单位接收依法不宜公开的信息，更名须由审核人登记")


def _name_facts(slug: str, facts: UnitFacts) -> dict[str, Any]:
    return {"unit": slug, "leading": facts.leading, "recipient": facts.recipient}


def _refuse_same_recipient(session: Session, recipient: str | None, besides: int | None) -> None:
    if recipient is None:
        return
    query = select(UnitRow).where(UnitRow.recipient == recipient).order_by(UnitRow.id)
    found = next((row for row in session.scalars(query) if row.id != besides), None)
    if found is not None:
        raise UnitError(f"接收代号“{recipient}”已经是“{found.name}”的：一个接收代号只能属于一个单位，请先清空原来的")


def _refuse_same_name(session: Session, name: str, besides: int | None) -> None:
    found = session.scalar(select(UnitRow.id).where(UnitRow.name == name, UnitRow.active).limit(1))
    if found is not None and found != besides:
        raise UnitError(f"已经有名称为“{name}”的单位")

"""What is sealed of a matter: who brought it, in which words, and what was noted at each step. The columns name nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any

from registry.matters.states import MatterRefused, Step
from registry.tables import MatterRow
from registry.vault import Vault
from search_index.codes import has_long_number


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What somebody brought. Every field may be empty but `words`; `reference` and `unit` are as they were typed."""

    words: str
    who: str = ""
    role: str = ""
    phone: str = ""
    email: str = ""
    address: str = ""
    reference: str = ""
    unit: str = ""
    about: str = ""

    @classmethod
    def from_fields(cls, values: Mapping[str, Any]) -> Content:
        """The known keys of a mapping; others are left."""
        known = {field.name for field in fields(cls)}
        texts = {key: value for key, value in values.items() if key in known and isinstance(value, str)}
        return cls(**{"words": "", **texts})


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What was done in one step: when it was put in and by whom, the day it truly happened, the words for it, and the
    document it rests on."""

    step: str
    at: datetime
    by: str
    on: date | None = None
    words: str = ""
    basis: str = ""


def matter_context(matter_id: int) -> str:
    """What the content of a matter is sealed to."""
    return f"matter {matter_id}"


def seal_content(row: MatterRow, vault: Vault, content: Content, notes: tuple[Note, ...] = ()) -> None:
    """Put content and notes into a row that has its id."""
    body = {"content": asdict(content), "notes": [_write_note(note) for note in notes]}
    row.sealed = vault.seal(body, matter_context(row.id))


def read_content(row: MatterRow, vault: Vault) -> Content:
    """What was brought. Raises VaultError."""
    return Content.from_fields(_open(row, vault).get("content") or {})


def read_notes(row: MatterRow, vault: Vault) -> tuple[Note, ...]:
    """What was noted of the steps, oldest first. Raises VaultError."""
    return tuple(_read_note(note) for note in _open(row, vault).get("notes") or ())


def is_decided_above(notes: Sequence[Note]) -> bool:
    """Whether the higher court has found right what this court had refused: then the decision is not this court's."""
    return any(note.step == Step.UPHOLD_ABOVE.value for note in notes)


def add_note(row: MatterRow, vault: Vault, note: Note) -> None:
    """Put one note behind those that are there; whatever else is sealed stays."""
    body = _open(row, vault)
    body["notes"] = [*(body.get("notes") or ()), _write_note(note)]
    row.sealed = vault.seal(body, matter_context(row.id))


def keep_faults(row: MatterRow, vault: Vault, faults: Mapping[str, Any]) -> None:
    """Keep which fields are to be corrected, each with what it said when that was decided, instead of those kept before."""
    body = _open(row, vault)
    body["faults"] = dict(faults)
    row.sealed = vault.seal(body, matter_context(row.id))


def read_faults(row: MatterRow, vault: Vault) -> Mapping[str, Any]:
    """The fields that are to be corrected, each with what it said when that was decided; empty where nothing is.
    Raises VaultError."""
    return dict(_open(row, vault).get("faults") or {})


def refuse_unfit_basis(basis: str) -> None:
    """A basis is kept in the clear and read by many: it names a document, and nobody's numbers. Raises MatterRefused."""
    if not basis.strip():
        raise MatterRefused("请填写依据：文书名称和文号，或者材料名称")
    if has_long_number(basis):
        raise MatterRefused("依据中有身份证、电话或者账户一类的号码：请改写为文书名称和文号（个人信息保护法第六条）")


def _open(row: MatterRow, vault: Vault) -> dict[str, Any]:
    return vault.open(row.sealed, matter_context(row.id)) if row.sealed else {}


def _write_note(note: Note) -> dict[str, Any]:
    body = {"step": note.step, "at": note.at.isoformat(), "by": note.by, "words": note.words, "basis": note.basis}
    return {**body, "on": note.on.isoformat() if note.on else None}


def _read_note(body: Mapping[str, Any]) -> Note:
    return Note(
        step=body["step"],
        at=datetime.fromisoformat(body["at"]),
        by=body["by"],
        on=date.fromisoformat(body["on"]) if body.get("on") else None,
        words=body.get("words") or "",
        basis=body.get("basis") or "",
    )

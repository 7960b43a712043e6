"""What a unit may see of a complaint that was routed to it, and how it answers (香格里拉市 四（二）8)."""

from __future__ import annotations

from sqlalchemy.orm import Session

from registry.acting import Acting
from registry.matters.book import get_matter, take_step
from registry.matters.checking import Given
from registry.matters.content import read_content
from registry.matters.states import MatterKind, MatterRefused, Step
from registry.tables import MatterRow
from registry.vault import Vault


def read_complaint(vault: Vault, row: MatterRow) -> str:
    """The words of a complaint, without who complained. Raises VaultError."""
    return read_content(row, vault).words


def answer_complaint(session: Session, vault: Vault, row: MatterRow, *, text: str, acting: Acting) -> None:
    """Note what the unit found and did. Raises MatterRefused."""
    take_step(session, vault, row, Step.ANSWER, acting, Given(words=text))


def take_unit_answer(session: Session, vault: Vault, matter_id: int, unit_id: int, words: str, acting: Acting) -> None:
    """The same on the unit's own word; a complaint that is not before this unit does not exist for it.
    Raises MatterRefused."""
    row = get_matter(session, matter_id)
    if row is None or row.kind != MatterKind.COMPLAINT.value or row.unit_id != unit_id:
        raise MatterRefused("没有转给本单位的这件投诉举报")
    answer_complaint(session, vault, row, text=words, acting=acting)

"""Letters of the court (法律文书和函件): numbered, agreed to by two where they tell of somebody, printed, delivered, answered.

`kinds`, `facts`, `wording`, `sheet` and `lines` decide and are pure; `book` keeps the letter book, `deciding` asks
the matter a letter belongs to; `word`, `typeface` and
`pdf` make files, and are loaded when one is made.
"""

from __future__ import annotations

from registry.letters.book import (
    LetterLine,
    LetterNotFound,
    check_certificate,
    confirm_letter,
    draft_letter,
    get_letter,
    list_letters,
    list_overdue,
    list_to_recall,
    note_answer,
    note_delivery,
    read_letter,
    recall_notice,
    refuse_to_print,
    void_letter,
)
from registry.letters.deciding import tell_decision
from registry.letters.kinds import KINDS, Letter, LetterKind, LetterRefused, LetterState, Outcome, Relation
from registry.letters.making import build_dossier, render_docx, render_pdf

__all__ = [
    "KINDS",
    "Letter",
    "LetterKind",
    "LetterLine",
    "LetterNotFound",
    "LetterRefused",
    "LetterState",
    "Outcome",
    "Relation",
    "build_dossier",
    "check_certificate",
    "confirm_letter",
    "draft_letter",
    "get_letter",
    "list_letters",
    "list_overdue",
    "list_to_recall",
    "note_answer",
    "note_delivery",
    "read_letter",
    "recall_notice",
    "refuse_to_print",
    "render_docx",
    "render_pdf",
    "tell_decision",
    "void_letter",
]

"""Reading what courts and platforms send: each line becomes the facts of a record, or is refused with its reason."""

from registry.intake.build import LABELS, build_facts, check_kind
from registry.intake.headers import IGNORED, SYNONYMS
from registry.intake.loose import parse_field
from registry.intake.model import (
    Accepted,
    Ended,
    FieldError,
    Format,
    Intake,
    Line,
    Refused,
    RowStatus,
    UnrecognisedFile,
)
from registry.intake.quarantine import Quarantine, write_quarantine
from registry.intake.reading import read_file

__all__ = [
    "IGNORED",
    "LABELS",
    "SYNONYMS",
    "Accepted",
    "Ended",
    "FieldError",
    "Format",
    "Intake",
    "Line",
    "Quarantine",
    "Refused",
    "RowStatus",
    "UnrecognisedFile",
    "build_facts",
    "check_kind",
    "parse_field",
    "read_file",
    "write_quarantine",
]

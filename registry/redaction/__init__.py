"""Who and what a free text gives away beside the listed debtor, and the text without it. Pure.

`find` proposes, `redact` applies. `numbers.py` knows identifiers and the figures that stay, `organisations.py`, `places.py`
and `people.py` know names, `detect.py` puts them in their order; `vocabulary.py` is what they share. `tagger.py` reads what the
rules have left, `combining.py` puts both together.

The patterns of the detector take more than a second to build, so it is loaded when something is looked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from registry.redaction.finding import Confidence, DetectorDamaged, Finding, redact

if TYPE_CHECKING:
    from registry.redaction.detect import find, find_in_fields
    from registry.redaction.numbers import IDENTIFIER_RULES
    from registry.redaction.sheet import fold

__all__ = [
    "IDENTIFIER_RULES",
    "VERSION",
    "Confidence",
    "DetectorDamaged",
    "Finding",
    "find",
    "find_in_fields",
    "fold",
    "redact",
]

VERSION = "4"
"""Raised whenever something else is found than before: what is public is then looked at again (`stamp_of`)."""

_LATER = {"find": "detect", "find_in_fields": "detect", "IDENTIFIER_RULES": "numbers", "fold": "sheet"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)

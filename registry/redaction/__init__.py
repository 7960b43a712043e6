"""Who and what a free text gives away beside the listed debtor, and the text without it. Pure.

`find` proposes, `redact` applies. `numbers.py` knows identifiers and the figures that stay, `organisations.py`, `places.py`
and `people.py` know names, `detect.py` puts them in their order; `vocabulary.py` is what they share.
"""

from registry.redaction.detect import Finding, find, find_in_fields, redact
from registry.redaction.numbers import IDENTIFIER_RULES
from registry.redaction.sheet import fold
from registry.redaction.vocabulary import Confidence

__all__ = ["IDENTIFIER_RULES", "VERSION", "Confidence", "Finding", "find", "find_in_fields", "fold", "redact"]

VERSION = "2"
"""Raised whenever something else is found than before: what is public is then looked at again (`stamp_of`)."""

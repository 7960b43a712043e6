"""Findings decided one by one, the checklist of art. 3, and the size of a sample: what is decided, without a page."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from builders_gate import a_person as a_record
from hypothesis import given
from hypothesis import strategies as st

from registry.checklists import QUESTIONS, Unanswered, bars, is_clear, read_answers
from registry.findings import find_redactions
from registry.record import FREE_TEXTS, Facts
from registry.redaction import Finding, redact
from registry.resolutions import (
    Resolution,
    ResolutionRefused,
    Verdict,
    build_accepted,
    find_open,
    has_open_high,
    place_of,
    refuse_unfit,
)
from registry.samples import FEWEST, MOST, SampleState, SampleVerdict, judge, size_of

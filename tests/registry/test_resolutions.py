"""Findings decided one by one, the checklist of art. 3, and the size of a sample: what is decided, without a page."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from builders_gate import NOW, person
from hypothesis import given
from hypothesis import strategies as st

from registry.checklists import QUESTIONS, Unanswered, bars, is_clear, read_answers
from registry.findings import find_redactions
from registry.record import Facts
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

TEXT = "支付王建国货款，李建军承担连带责任，联系电话13900001234。"


def facts(text: str = TEXT) -> Facts:
    return person(obligation=text)


def places(known: Facts) -> list[tuple[str, Finding]]:
    return [(name, finding) for name, found in find_redactions(known).items() for finding in found]


@pytest.mark.parametrize("verdicts", list(product([None, Verdict.REDACT, Verdict.SHOW], repeat=3)))
def test_nothing_is_shown_that_nobody_decided_to_show(verdicts: tuple[Verdict | None, ...]) -> None:
    known = facts()
    found = places(known)
    assert len(found) == 3
    decided = {
        place_of(name, finding): Resolution(verdict, "系当事人")
        for (name, finding), verdict in zip(found, verdicts, strict=True)
        if verdict is not None
    }
    accepted = build_accepted(known, decided)
    shown = redact(known.obligation, accepted.fields["obligation"])
    for (_, finding), verdict in zip(found, verdicts, strict=True):
        said = known.obligation[finding.start : finding.end]
        assert (said in shown) is (verdict is Verdict.SHOW)
    assert len(find_open(known, decided)) == verdicts.count(None)
    assert has_open_high(known, decided) is any(
        verdict is None and finding.confidence == "high" for (_, finding), verdict in zip(found, verdicts, strict=True)
    )


@pytest.mark.parametrize(
    ("rule", "confidence", "reason", "fits"),
    [
        ("person_name", "high", "", False),
        ("person_name", "high", "   ", False),
        ("person_name", "high", "系本案当事人", True),
        ("person_name", "high", "王建国是法人", False),
        ("person_name", "high", "电话13900001234", False),
        ("person_name", "high", "长" * 101, False),
        ("person_name", "low", "", True),
        ("person_name", "low", "王建国", False),
        ("mobile", "high", "系公开的办公电话", False),
        ("id_number", "low", "系公开的号码", False),
        ("social_account", "low", "系普通词语", True),
        ("social_account", "low", "", False),
        ("social_account", "high", "系普通词语", False),
        ("unpublishable_basis", "high", "系公开的文书", False),
    ],
)
def test_what_may_be_shown_and_for_which_reason(rule: str, confidence: str, reason: str, *, fits: bool) -> None:
    text = "王建国"
    finding = Finding(
        rule=rule, start=0, end=3, confidence="high" if confidence == "high" else "low", replacement="王某"
    )
    # To redact needs no reason, whatever it is.
    refuse_unfit(text, finding, Resolution(Verdict.REDACT))
    if fits:
        refuse_unfit(text, finding, Resolution(Verdict.SHOW, reason))
    else:
        with pytest.raises(ResolutionRefused):
            refuse_unfit(text, finding, Resolution(Verdict.SHOW, reason))


def test_law_art_3_is_answered_whole_and_any_yes_stands_against_a_listing() -> None:
    codes = [question.code for question in QUESTIONS]
    no = dict.fromkeys(codes, "no")
    assert is_clear(read_answers(no))
    assert not is_clear(None)
    assert not is_clear({})
    for code in codes:
        answers = read_answers({**no, code: "yes"})
        assert not is_clear(answers)
        assert [question.code for question in bars(answers)] == [code]
        for nothing in ("", "maybe", "True"):
            with pytest.raises(Unanswered):
                read_answers({**no, code: nothing})
    assert [question.article[-4:-1] for question in QUESTIONS] == ["（一）", "（二）", "（三）", "（四）"]


@given(st.integers(min_value=0, max_value=1_000_000))
def test_a_sample_is_five_in_a_hundred_between_five_and_thirty(total: int) -> None:
    size = size_of(total)
    assert size == min(total, max(FEWEST, min(MOST, -(-total // 20))))
    assert size <= total


@given(st.integers(min_value=-5, max_value=5), st.booleans(), st.sampled_from(list(SampleVerdict)))
def test_a_check_of_a_draft_is_worth_nothing_once_it_changed(
    minutes: int, is_draft: bool, verdict: SampleVerdict
) -> None:
    checked = NOW
    found = judge(checked, verdict.value, checked + timedelta(minutes=minutes), is_draft=is_draft)
    assert found is (None if is_draft and minutes > 0 else verdict)
    assert judge(None, None, checked, is_draft=is_draft) is None


def test_a_sample_that_is_not_drawn_was_not_passed() -> None:
    assert not SampleState(needed=0, drawn=()).has_passed
    assert not SampleState(needed=5, drawn=()).has_passed

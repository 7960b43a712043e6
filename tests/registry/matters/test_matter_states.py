"""The tables of what may become of a matter (law.md §1 P21, P22; §2 B19, B20, B23, B25), by property."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.deadlines import Rule
from registry.matters.checking import NEEDS_BASIS, NEEDS_DAY, NEEDS_WORDS
from registry.matters.states import (
    AUDIT_LABEL,
    CHANNEL_LABEL,
    CLAIM_LABEL,
    FIRST_ARTICLE,
    FIRST_CLOCK,
    KIND_LABEL,
    NO_CLOCK,
    REMEDY_LABEL,
    STATE_LABEL,
    STEP_LABEL,
    TABLES,
    Channel,
    Claim,
    MatterKind,
    MatterRefused,
    MatterState,
    PublicState,
    Remedy,
    Step,
    find_move,
    find_public_state,
    is_under_verification,
    list_steps,
)

# All that the portal may ever be told.
TOLD = {"received", "reviewing", "need_more", "upheld", "rejected", "routed", "answered", "closed"}
KINDS = st.sampled_from(list(TABLES))


@st.composite
def histories(draw: st.DrawFn) -> tuple[MatterKind, list[tuple[Step, MatterState, frozenset[Rule]]]]:
    """A random walk: after each step the state, and the clocks that run."""
    kind = draw(KINDS)
    state, first = MatterState.RECEIVED, FIRST_CLOCK[kind]
    running = {first} if first is not None else set()
    walk = []
    for _ in range(draw(st.integers(0, 12))):
        steps = list_steps(kind, state)
        if not steps:
            break
        step = draw(st.sampled_from(steps))
        move = find_move(kind, state, step)
        running -= set(move.ends)
        running |= {move.sets} if move.sets is not None else set()
        state = move.state
        walk.append((step, state, frozenset(running)))
    return kind, walk


@given(KINDS, st.sampled_from(list(MatterState)), st.sampled_from(list(Step)))
def test_closed_matters_stay_closed(kind: MatterKind, state: MatterState, step: Step) -> None:
    """But for a request for reconsideration that was posted in time (民诉法 85 ¶4)."""
    if state.is_closed and (kind, state, step) != (MatterKind.OBJECTION, MatterState.CLOSED, Step.ASK_ABOVE):
        assert step not in list_steps(kind, state)
        with pytest.raises(MatterRefused):
            find_move(kind, state, step)


@given(histories())
def test_every_open_state_has_a_clock_that_runs_or_a_reason(
    walked: tuple[MatterKind, list[tuple[Step, MatterState, frozenset[Rule]]]],
) -> None:
    kind, walk = walked
    for step, state, running in walk:
        if not state.is_closed:
            assert running or (kind, state) in NO_CLOCK, (kind, state, step)


@given(histories())
def test_nothing_runs_on_behind_a_matter_that_is_closed(
    walked: tuple[MatterKind, list[tuple[Step, MatterState, frozenset[Rule]]]],
) -> None:
    _, walk = walked
    for step, state, running in walk:
        if state.is_closed:
            assert not running, (step, running)


@given(histories())
def test_what_was_found_right_closes_only_by_being_carried_out(
    walked: tuple[MatterKind, list[tuple[Step, MatterState, frozenset[Rule]]]],
) -> None:
    _, walk = walked
    for (_, before, running), (step, _, _) in pairwise(walk):
        if before in (MatterState.UPHELD, MatterState.UPHELD_ABOVE):
            assert step in (Step.CARRY_OUT, Step.AMEND)
            assert Rule.CORRECTION_FIX in running


@given(histories())
def test_review_goes_on_while_more_is_asked_for(
    walked: tuple[MatterKind, list[tuple[Step, MatterState, frozenset[Rule]]]],
) -> None:
    _, walk = walked
    for _, state, running in walk:
        if state in (MatterState.REVIEWING, MatterState.NEED_MORE):
            assert Rule.CORRECTION_REVIEW in running


@given(st.sampled_from(list(MatterState)))
def test_the_portal_is_never_told_more_than_its_few_words(state: MatterState) -> None:
    assert find_public_state(state).value in TOLD
    assert {one.value for one in PublicState} == TOLD
    if state.is_closed:
        assert find_public_state(state) is PublicState.CLOSED


def test_the_person_may_withdraw_until_the_court_has_found_the_objection_right() -> None:
    for kind, table in TABLES.items():
        for state in {state for state, _ in table if not state.is_closed}:
            found_right = state in (MatterState.UPHELD, MatterState.UPHELD_ABOVE, MatterState.ALLOWED)
            assert (Step.DROP in list_steps(kind, state)) is not found_right, (kind, state)


def test_every_state_of_a_table_is_reached_and_every_reason_is_needed() -> None:
    for kind, table in TABLES.items():
        reached = {MatterState.RECEIVED} | {move.state for move in table.values()}
        assert {state for state, _ in table} <= reached
        assert all(state in reached for at, state in NO_CLOCK if at is kind)


def test_units_hold_back_measures_while_an_objection_is_looked_into() -> None:
    """B20; what came over the net counts from when a person of the court took it up."""
    objection, online, paper = MatterKind.OBJECTION, Channel.ONLINE, Channel.PAPER
    assert is_under_verification(objection, MatterState.RECEIVED, paper)
    assert not is_under_verification(objection, MatterState.RECEIVED, online)
    for channel in (online, paper):
        for state in (MatterState.REVIEWING, MatterState.NEED_MORE, MatterState.UPHELD, MatterState.UPHELD_ABOVE):
            assert is_under_verification(objection, state, channel)
        # 复议期间，不停止原决定的执行 (P22).
        for state in (MatterState.REJECTED, MatterState.SERVED, MatterState.ABOVE, MatterState.CLOSED):
            assert not is_under_verification(objection, state, channel)
    assert not is_under_verification(MatterKind.COMPLAINT, MatterState.RECEIVED, paper)


def test_every_word_has_its_chinese_and_every_move_its_article() -> None:
    for words, labels in (
        (MatterKind, KIND_LABEL),
        (MatterState, STATE_LABEL),
        (Step, STEP_LABEL),
        (Claim, CLAIM_LABEL),
        (Remedy, REMEDY_LABEL),
        (Channel, CHANNEL_LABEL),
    ):
        assert set(labels) == set(words)
    assert all(move.article for table in TABLES.values() for move in table.values())
    assert set(FIRST_ARTICLE) == set(FIRST_CLOCK) == set(TABLES)
    used = {step for table in TABLES.values() for _, step in table}
    assert used == set(Step)
    assert set(NEEDS_DAY) | set(NEEDS_WORDS) | NEEDS_BASIS <= used


def test_every_audit_line_of_a_matter_has_a_name() -> None:
    for kind, table in TABLES.items():
        assert {f"{kind.value}_{step.value}" for _, step in table} <= set(AUDIT_LABEL)
    assert max(map(len, AUDIT_LABEL)) <= 32  # the column of the audit trail

"""The table of states: what can never happen, whatever is tried in whatever order."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.lifecycle import ACTION_LABEL, STATE_LABEL, Action, NotAllowed, transition
from registry.record import State
from search_index.journal import ChangeType

PAIRS = list(product(State, Action))
tries = st.lists(st.sampled_from(Action), max_size=30)


def allowed(state: State, action: Action) -> bool:
    try:
        transition(state, action)
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize("state", [state for state in State if state.has_departed])
def test_nothing_follows_a_departure(state: State) -> None:
    assert not any(allowed(state, action) for action in Action)


@pytest.mark.parametrize("state", State)
def test_only_what_was_approved_is_published(state: State) -> None:
    assert allowed(state, Action.PUBLISH) == (state is State.APPROVED)
    into = {
        action for action in Action if allowed(state, action) and transition(state, action).state is State.PUBLISHED
    }
    assert into <= {Action.PUBLISH, Action.CORRECT}
    assert Action.CORRECT not in into or state is State.PUBLISHED


@pytest.mark.parametrize("state", State)
def test_whoever_is_on_the_list_can_be_taken_off_it(state: State) -> None:
    if not state.has_departed:
        assert allowed(state, Action.WITHDRAW)
    if state in (State.APPROVED, State.RESTRICTED, State.PUBLISHED, State.HELD):
        assert allowed(state, Action.REMOVE)
    assert allowed(state, Action.HOLD) == (state in (State.APPROVED, State.RESTRICTED, State.PUBLISHED))


@given(tries)
def test_the_public_is_told_of_every_coming_and_going_and_of_nothing_else(actions: list[Action]) -> None:
    state, seen, ever_approved = State.DRAFT, False, False
    for action in actions:
        try:
            step = transition(state, action)
        except NotAllowed:
            continue
        match step.change:
            case ChangeType.PUBLISHED:
                assert not seen
                seen = True
            case ChangeType.CORRECTED:
                assert seen
            case ChangeType.GONE:
                assert seen
                seen = False
            case None:
                assert not seen
        state = step.state
        ever_approved = ever_approved or action is Action.APPROVE
        assert seen == (state is State.PUBLISHED)
        assert ever_approved or not seen


@given(tries)
def test_what_two_people_have_not_seen_is_a_draft_again(actions: list[Action]) -> None:
    """Between a correction of what is not public and its publication there is an approval, or a hold that two lift."""
    state, unseen = State.DRAFT, True
    for action in actions:
        try:
            state, before = transition(state, action).state, state
        except NotAllowed:
            continue
        if action is Action.CORRECT and before is not State.PUBLISHED:
            unseen = True
        if action in (Action.APPROVE, Action.LIFT):
            unseen = False
        assert not (state in (State.APPROVED, State.PUBLISHED) and unseen)


@pytest.mark.parametrize(("state", "action"), PAIRS)
def test_a_refusal_says_in_chinese_where_the_record_stands_and_what_was_tried(state: State, action: Action) -> None:
    if not allowed(state, action):
        with pytest.raises(NotAllowed, match=f"{STATE_LABEL[state]}.*{ACTION_LABEL[action]}"):
            transition(state, action)

"""The life of a message as the table has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.states import SENDABLE, MessageState, MoveNotAllowed, may_move, move

STATES = st.sampled_from(MessageState)


@given(STATES, STATES)
def test_the_table_is_asked_for_every_move_and_final_states_stay(old: MessageState, new: MessageState) -> None:
    if may_move(old, new):
        assert move(old, new) is new
        assert not old.is_final
    else:
        with pytest.raises(MoveNotAllowed, match=old.label):
            move(old, new)


@given(STATES)
def test_nothing_is_delivered_that_was_given_up(old: MessageState) -> None:
    given_up = {state for state in MessageState if state.is_final}
    assert may_move(old, MessageState.DELIVERED) == (old not in given_up)


@given(STATES)
def test_no_state_leads_to_itself_and_every_state_can_be_left_for_an_end(old: MessageState) -> None:
    assert not may_move(old, old)
    assert old.is_final or any(new.is_final and may_move(old, new) for new in MessageState)


def test_the_final_states_are_these() -> None:
    assert {state for state in MessageState if state.is_final} == {
        MessageState.DELIVERED,
        MessageState.FAILED_PERMANENT,
        MessageState.CANCELLED,
        MessageState.SUPERSEDED,
        MessageState.EXPIRED,
    }


def test_what_is_unknown_is_never_sent_again_by_itself() -> None:
    assert {MessageState.QUEUED, MessageState.FAILED_TEMPORARY} == SENDABLE

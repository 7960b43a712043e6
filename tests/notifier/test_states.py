"""The life of a message as the table has it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.states import MOST_ATTEMPTS, SENDABLE, MessageState, MoveNotAllowed, move, wait_after

STATES = st.sampled_from(MessageState)


@given(STATES, STATES)
def test_only_what_was_sent_can_be_delivered_and_final_states_stay(old: MessageState, new: MessageState) -> None:
    if old.is_final:
        with pytest.raises(MoveNotAllowed, match=old.label):
            move(old, new)
    if new is MessageState.DELIVERED and old not in (
        MessageState.SENDING,
        MessageState.ACCEPTED,
        MessageState.UNKNOWN,
    ):
        with pytest.raises(MoveNotAllowed):
            move(old, new)


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


@given(st.integers(1, 40))
def test_waits_grow_and_end(attempt: int) -> None:
    wait = wait_after(attempt)
    if attempt >= MOST_ATTEMPTS:
        assert wait is None
    else:
        assert wait is not None
        assert timedelta(0) < (wait_after(max(1, attempt - 1)) or timedelta.max) <= wait

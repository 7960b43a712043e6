"""How the desk orders recalls, and how little of an address it shows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.desk_messages import find_changed, group_recalls, hide_address
from notifier.followups import AckKind, Acknowledgement, FollowUp
from notifier.recall import Recall, RecallKind
from notifier.recipients import Recipient, RecipientKind
from notifier.states import MessageState, Purpose
from search_index.journal import ChangeType, EntryChange

TODAY = date(2026, 10, 20)
NOW = datetime(2026, 10, 8, 2, 0, tzinfo=UTC)
TAKEN_DOWN = Acknowledgement(kind=AckKind.TAKEN_DOWN, given_by="编辑", given_at=NOW, noted_by="书记员甲", place="台")


def a_recall(sequence: int, due_on: date) -> Recall:
    return Recall(
        id=sequence,
        sequence=sequence,
        record=f"SX-{sequence:08d}",
        case_number=None,
        type=RecallKind.GONE,
        at=NOW,
        due_on=due_on,
    )


def a_follow_up(number: int, *recalls: Recall, closed: bool = False) -> FollowUp:
    return FollowUp(
        message_id=number,
        purpose=Purpose.RECALL,
        recipient=Recipient(
            id=number, slug=f"r{number}", name="台", kind=RecipientKind.TELEVISION, channel="mail", address=None
        ),
        state=MessageState.DELIVERED,
        recall=recalls[0],
        others=recalls[1:],
        period=None,
        sent_on=NOW.date(),
        acknowledgements=(TAKEN_DOWN,) if closed else (),
    )


FOLLOW_UPS = st.lists(
    st.tuples(st.integers(1, 12), st.integers(-5, 5), st.booleans()), max_size=30
)  # the recall's sequence, its last day from today, whether the answer has come


@given(FOLLOW_UPS)
def test_what_is_overdue_comes_first_and_then_what_is_open(given_: list[tuple[int, int, bool]]) -> None:
    due = {sequence: TODAY + timedelta(days=days) for sequence, days, _ in given_}
    follow_ups = [
        a_follow_up(number, a_recall(sequence, due[sequence]), closed=closed)
        for number, (sequence, _, closed) in enumerate(given_)
    ]
    cases = group_recalls(follow_ups, TODAY)
    assert sorted(one.message_id for case in cases for one in case.follow_ups) == list(range(len(given_)))
    ranks = [0 if case.overdue else 1 if case.open else 2 for case in cases]
    assert ranks == sorted(ranks)
    for case in cases:
        waiting = [one for one in case.follow_ups if not one.is_closed]
        assert case.open == len(waiting)
        assert case.overdue == (len(waiting) if case.recall.due_on < TODAY else 0)
        assert {one.recall.sequence for one in case.follow_ups if one.recall} == {case.recall.sequence}
    for rank in range(3):
        newest_first = [case.recall.sequence for case, own in zip(cases, ranks, strict=True) if own == rank]
        assert newest_first == sorted(newest_first, reverse=True)


def test_a_letter_about_several_entries_is_shown_with_each() -> None:
    first, second = a_recall(1, TODAY), a_recall(2, TODAY)
    cases = group_recalls([a_follow_up(7, first, second), a_follow_up(8, second)], TODAY)
    assert [(case.recall.sequence, [one.message_id for one in case.follow_ups]) for case in cases] == [
        (2, [7, 8]),
        (1, [7]),
    ]


KINDS = st.sampled_from([ChangeType.PUBLISHED, ChangeType.CORRECTED, ChangeType.GONE])


@given(st.lists(st.tuples(st.integers(1, 3), KINDS, st.integers(0, 3)), max_size=12), st.integers(-1, 20))
def test_a_paper_is_outdated_by_what_was_public_when_it_was_printed_and_changed_since(
    steps: list[tuple[int, ChangeType, int]], printed: int
) -> None:
    changes: list[EntryChange] = []
    minutes, public = 0, frozenset[int]()
    for sequence, (number, kind, wait) in enumerate(steps, 1):
        minutes += wait
        # What is not public cannot leave, and what is public is not published again.
        if (kind is ChangeType.PUBLISHED) is (number in public):
            continue
        public = public - {number} if kind is ChangeType.GONE else public | {number}
        at = NOW + timedelta(minutes=minutes)
        changes.append(
            EntryChange(position=sequence, at=at, sequence=sequence, type=kind, record=f"SX-{number:08d}", body=None)
        )
    printed_at = NOW + timedelta(minutes=printed)
    expected = set()
    for record in {change.record for change in changes}:
        own = [change for change in changes if change.record == record]
        before = [change for change in own if change.at <= printed_at]
        was_public = bool(before) and before[-1].type is not ChangeType.GONE
        later = [change for change in own if change.at > printed_at]
        if was_public and later:
            expected.add(record)
    found = find_changed(changes, printed_at)
    assert set(found) == expected
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("+8613800138000", "+86 138******00"),
        ("clerk@example.invalid", "c***@example.invalid"),
        ("oABCDEFGHIJKLMNOP", "oA…OP"),
        ("short", "****"),
        ("", None),
        (None, None),
    ],
)
def test_an_address_is_shown_so_that_it_can_be_told_from_another_and_not_used(
    address: str | None, shown: str | None
) -> None:
    assert hide_address(address) == shown

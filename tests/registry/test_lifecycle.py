"""The table of states: what can never happen, whatever is tried in whatever order."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import pytest
from builders_gate import TODAY, organisation, person, record
from hypothesis import given
from hypothesis import strategies as st

from registry.approval import check
from registry.deadlines import Rule
from registry.gate import Withheld, WithholdReason, disclose
from registry.lifecycle import (
    ACTION_LABEL,
    ARTICLE,
    STAGE_LABEL,
    STATE_LABEL,
    Action,
    NotAllowed,
    Stage,
    find_missing,
    find_stage,
    transition,
)
from registry.lifecycle import allowed as allowed_in
from registry.policy import load_policy
from registry.record import Conduct, Facts, State
from registry.values import MaskedNumber
from search_index.document import Document
from search_index.journal import ChangeType

NATIONAL = load_policy("national")
STRICT = replace(NATIONAL, require_national_reference=True)

PAIRS = list(product(State, Action))
tries = st.lists(st.sampled_from(Action), max_size=30)


def allowed(state: State, action: Action) -> bool:
    try:
        transition(state, action)
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize("state", [state for state in State if state.has_departed])
def test_nothing_follows_a_departure_but_that_it_was_wrong_from_the_start(state: State) -> None:
    """Art. 9 ¶1: who was removed, or whose term ended, may be found to have been listed wrongly."""
    assert allowed_in(state) == (set() if state is State.WITHDRAWN else {Action.WITHDRAW})


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


# What follows ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", State)
def test_what_is_allowed_is_what_can_be_done(state: State) -> None:
    assert allowed_in(state) == {action for action in Action if allowed(state, action)}


@pytest.mark.parametrize(("state", "action"), [pair for pair in PAIRS if allowed(*pair)])
def test_every_step_names_its_article_and_a_departure_all_that_follows(state: State, action: Action) -> None:
    step = transition(state, action)
    assert step.article == ARTICLE[action]
    assert step.audited == action.value
    departs = step.state.has_departed and not state.has_departed
    assert (step.tells, step.exit_notice, step.settles_grounds) == (departs, departs, step.state.has_departed)
    assert (Rule.UNITS_TOLD in step.sets) == departs
    assert (Rule.EXIT in step.ends) == step.state.has_departed
    assert (Rule.HOLD_CONFIRM in step.sets) == (action is Action.HOLD)
    if state is State.HELD and step.state is not State.HELD:
        assert Rule.HOLD_CONFIRM in step.ends


# Where a record waits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "missing"),
    [
        (person(), ()),
        (organisation(), ()),
        (person(served_on=None), ("served_on",)),
        (person(decision_number=" ", decided_on=None), ("decision_number", "decided_on")),
        (person(term_ends_on=None), ("term_ends_on",)),
        (person(term_ends_on=None, conduct=(Conduct.REFUSES_THOUGH_ABLE,)), ()),
        (person(id_number=None), ("birth_date",)),
        (person(id_number=MaskedNumber("9901011980****0017")), ()),
        (person(id_number=MaskedNumber("9901012008****0017")), ("birth_date",)),
        (organisation(served_on=None, decided_on=None), ("decided_on", "served_on")),
    ],
)
def test_what_is_missing_is_named_in_the_order_in_which_it_is_filled_in(facts: Facts, missing: tuple[str, ...]) -> None:
    assert find_missing(facts, NATIONAL, TODAY) == missing
    stage = find_stage(State.DRAFT, facts, None, NATIONAL, TODAY)
    assert stage is (Stage.SERVING if missing == ("served_on",) else Stage.COMPLETING if missing else Stage.APPROVING)


def test_the_national_reference_is_missing_where_the_policy_requires_it() -> None:
    assert find_missing(person(), STRICT, TODAY) == ("national_reference",)
    assert find_missing(person(national_reference="N1"), STRICT, TODAY) == ()


ASKED_BY = {
    "birth_date": "age_unknown",
    "decision_number": "decision_missing",
    "decided_on": "decision_missing",
    "term_ends_on": "term_missing",
    "national_reference": "national_reference_missing",
    "served_on": "not_served",
}


@given(st.sets(st.sampled_from(sorted(ASKED_BY))))
def test_approval_refuses_what_is_missing_and_nothing_is_missing_that_it_does_not_ask_for(taken: set[str]) -> None:
    facts = person(id_number=MaskedNumber("990101********0017"), birth_date=date(1980, 5, 6), national_reference="N1")
    facts = replace(facts, **dict.fromkeys(taken))
    missing = find_missing(facts, STRICT, TODAY)
    assert set(missing) == taken
    given = check(record(facts), approver="审核乙", today=TODAY, policy=STRICT, confirmed=frozenset(), opened=True)
    assert {refusal.rule for refusal in given} == {ASKED_BY[name] for name in missing}


@given(state=st.sampled_from(State), left=st.none() | st.integers(-3, 3))
def test_every_record_is_on_one_list(state: State, left: int | None) -> None:
    until = None if left is None else TODAY + timedelta(days=left)
    stage = find_stage(state, person(), until, NATIONAL, TODAY)
    assert STAGE_LABEL[stage]
    assert (stage is Stage.DEPARTED) == state.has_departed
    assert (stage is Stage.GRACE) == (state is State.APPROVED and left is not None and left >= 0)


@given(
    state=st.sampled_from([State.APPROVED, State.PUBLISHED, State.RESTRICTED]),
    until=st.dates(date(2026, 6, 1), date(2026, 11, 1)),
    today=st.dates(date(2026, 7, 9), date(2026, 10, 1)),
)
def test_the_gate_shows_nobody_in_their_time_of_grace(state: State, until: date, today: date) -> None:
    """法发〔2019〕35号: whatever the state of the record, and through the last day."""
    shown = disclose(replace(record(person()), state=state, grace_until=until), NATIONAL, today)
    if today <= until:
        assert isinstance(shown, Withheld)
        assert shown.reason is WithholdReason.IN_GRACE
        assert "法发〔2019〕35号" in shown.basis
    else:
        assert isinstance(shown, Document) == (state is not State.RESTRICTED)

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from builders_gate import TODAY, citizen, organisation, person, record
from hypothesis import given
from hypothesis import strategies as st

from registry.approval import REASONS, Refusal, check
from registry.policy import load_policy
from registry.record import Applicant, Conduct, Disclosure, Facts, Gender, Performance, RestrictedGround
from registry.values import MaskedNumber, OtherNumber

NATIONAL = load_policy("national")
REFUSES = Conduct.REFUSES_THOUGH_ABLE
OBSTRUCTS = Conduct.OBSTRUCTS_ENFORCEMENT
EVADES = Conduct.EVADES_ENFORCEMENT
DOUBTFUL = "支付怀孕期间的费用5000元"


def refusals(facts: Facts, **changes: Any) -> tuple[Refusal, ...]:
    asked = {"approver": "审核乙", "today": TODAY, "policy": NATIONAL, "confirmed": frozenset(), "opened": False}
    return check(record(facts), **{**asked, **changes})


def rules(facts: Facts, **changes: Any) -> list[str]:
    return [refusal.rule for refusal in refusals(facts, **changes)]


def test_a_complete_record_passes() -> None:
    assert rules(person()) == []
    assert rules(organisation()) == []


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        (person(id_number=citizen(date(2010, 1, 1))), "minor"),
        (person(id_number=citizen(date(2008, 8, 4))), "minor"),
        (person(id_number=MaskedNumber("990101********0017")), "age_unknown"),
        (person(id_number=MaskedNumber("9901012008****0017")), "age_unknown"),
        (person(id_number=MaskedNumber("9901012009****0017")), "minor"),
        (person(id_number=OtherNumber("E12345678")), "age_unknown"),
        (person(id_number=None), "age_unknown"),
        (person(gender=Gender.FEMALE), "id_mismatch"),
        (person(birth_date=date(1980, 5, 7)), "id_mismatch"),
        (person(id_number=MaskedNumber("9901011980****0027")), "id_mismatch"),
        (person(id_number=MaskedNumber("9901011980****0017"), birth_date=date(1981, 5, 6)), "id_mismatch"),
        (person(decision_number=None), "decision_missing"),
        (person(decision_number="  "), "decision_missing"),
        (person(decided_on=None), "decision_missing"),
        (person(served_on=None), "not_served"),
        (person(served_on=TODAY + timedelta(days=1)), "not_served"),
        (person(served_on=date(2026, 6, 30)), "not_served"),
        (person(decided_on=TODAY + timedelta(days=1)), "decided_in_future"),
        (person(term_ends_on=None), "term_missing"),
        (person(term_ends_on=None, conduct=(REFUSES, EVADES)), "term_missing"),
        (person(conduct=(REFUSES,)), "term_not_allowed"),
        (person(term_ends_on=date(2028, 7, 2)), "term_too_long"),
        (person(term_ends_on=date(2031, 7, 2), conduct=(OBSTRUCTS,)), "term_too_long"),
        (person(term_ends_on=TODAY - timedelta(days=1)), "term_over"),
        (person(conduct=(REFUSES,), term_ends_on=None), "art3_unconfirmed"),
        (person(performance=Performance.FULL), "fully_performed"),
        (person(name="测试甲13800000000"), "leak"),
        (person(basis_number="99010119800506001X号公证书"), "leak"),
        (
            organisation(legal_representative="钱样例（样例村1组）", address="样例村1组5号", note="钱样例（样例村"),
            "leak",
        ),
    ],
)
def test_each_guard_refuses_by_name(facts: Facts, rule: str) -> None:
    assert rule in rules(facts)


@pytest.mark.parametrize(
    "facts",
    [
        person(id_number=citizen(date(2008, 8, 3)), decided_on=TODAY, served_on=TODAY),
        person(id_number=MaskedNumber("9901012007****0017")),
        person(id_number=MaskedNumber("990101********0017"), birth_date=date(1980, 1, 1)),
        person(id_number=OtherNumber("E12345678"), birth_date=date(1980, 1, 1)),
        person(term_ends_on=date(2028, 7, 1)),
        person(term_ends_on=date(2031, 7, 1), conduct=(OBSTRUCTS,)),
        person(term_ends_on=date(2031, 7, 1), conduct=(EVADES, Conduct.BREAKS_SETTLEMENT)),
        person(term_ends_on=TODAY),
        person(served_on=TODAY),
        person(
            decided_on=date(2024, 2, 29),
            served_on=date(2024, 3, 1),
            term_ends_on=date(2029, 2, 28),
            conduct=(OBSTRUCTS,),
        ),
    ],
)
def test_what_is_just_within_the_law_passes(facts: Facts) -> None:
    assert rules(facts) == []


def test_the_importer_does_not_approve() -> None:
    assert rules(person(), approver="经办甲") == ["same_person"]


def test_confirmations_open_what_they_name_and_nothing_else() -> None:
    facts = person(conduct=(REFUSES,), term_ends_on=None, obligation="向原告王甲甲偿还50000元")
    assert rules(facts) == ["art3_unconfirmed", "redactions_unconfirmed"]
    assert rules(facts, confirmed=frozenset({"art3"})) == ["redactions_unconfirmed"]
    assert rules(facts, confirmed=frozenset({"art3", "redactions"})) == []


def test_a_doubtful_redaction_must_have_been_opened_by_who_approves() -> None:
    facts = person(obligation=DOUBTFUL)
    assert rules(facts, opened=True) == ["redactions_unconfirmed"]
    assert rules(facts, confirmed=frozenset({"redactions"})) == ["redactions_unopened"]
    assert rules(facts, confirmed=frozenset({"redactions"}), opened=True) == []


def test_the_national_reference_is_asked_for_only_where_the_policy_does() -> None:
    asking = replace(NATIONAL, require_national_reference=True)
    assert rules(person(), policy=asking) == ["national_reference_missing"]
    assert rules(person(national_reference="N-1"), policy=asking) == []


def test_a_minor_is_refused_whatever_is_confirmed() -> None:
    facts = person(id_number=citizen(date(2012, 1, 1)))
    assert "minor" in rules(facts, confirmed=frozenset({"art3", "redactions", "minor"}))


def test_refusals_come_in_the_order_of_the_table_and_say_why_in_chinese() -> None:
    facts = person(decision_number=None, served_on=None, term_ends_on=None, performance=Performance.FULL)
    found = refusals(facts, approver="经办甲")
    names = [refusal.rule for refusal in found]
    assert names == ["same_person", "decision_missing", "not_served", "term_missing", "fully_performed"]
    assert names == sorted(names, key=list(REASONS).index)
    assert all("第" in refusal.reason for refusal in found)


def test_a_leak_names_the_field_and_never_the_value() -> None:
    (refusal,) = refusals(person(region="测试省13800000000"))
    assert refusal.rule == "leak"
    assert refusal.reason.startswith("地域：")
    assert "138" not in refusal.reason


def test_a_restricted_record_is_not_asked_what_its_publication_would_leak() -> None:
    hidden = person(
        region="测试省13800000000", disclosure=Disclosure.RESTRICTED, restricted_ground=RestrictedGround.PRIVACY
    )
    assert rules(hidden) == []


def test_an_applicant_in_the_free_text_is_redacted_and_so_no_leak() -> None:
    facts = person(obligation="向样例乙偿还50000元", applicant=Applicant(name="样例乙", phone="13900000000"))
    assert rules(facts, confirmed=frozenset({"redactions"}), opened=True) == []


@given(born=st.dates(date(1990, 1, 1), date(2026, 8, 3)), today=st.dates(date(2026, 8, 3), date(2030, 1, 1)))
def test_nobody_passes_before_the_eighteenth_birthday(born: date, today: date) -> None:
    facts = person(id_number=citizen(born), decided_on=today, served_on=today, term_ends_on=None, conduct=(REFUSES,))
    found = rules(facts, today=today, confirmed=frozenset({"art3"}))
    turned = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    assert ("minor" in found) == (turned < 18)
    assert found in ([], ["minor"])


@given(year=st.integers(1990, 2026), today=st.dates(date(2026, 8, 3), date(2030, 1, 1)))
def test_a_visible_year_decides_only_what_it_proves(year: int, today: date) -> None:
    number = MaskedNumber(f"990101{year}****0017")
    facts = person(id_number=number, decided_on=today, served_on=today, term_ends_on=None, conduct=(REFUSES,))
    found = rules(facts, today=today, confirmed=frozenset({"art3"}))
    youngest, oldest = _age(date(year, 12, 31), today), _age(date(year, 1, 1), today)
    expected = [] if youngest >= 18 else ["minor"] if oldest < 18 else ["age_unknown"]
    assert found == expected


@given(decided=st.dates(date(2020, 1, 1), date(2026, 8, 3)), today=st.dates(date(2026, 8, 3), date(2044, 1, 1)))
def test_who_was_a_child_when_it_was_decided_never_passes(decided: date, today: date) -> None:
    born = date(2008, 8, 4)
    facts = person(
        id_number=citizen(born), decided_on=decided, served_on=decided, term_ends_on=None, conduct=(REFUSES,)
    )
    assert rules(facts, today=today, confirmed=frozenset({"art3"})) == ["minor"]


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))

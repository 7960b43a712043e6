"""What is to be corrected of an entry (P22, 法释〔2017〕7号 art. 9 ¶2), by property."""

from __future__ import annotations

from dataclasses import replace

import pytest
from entries import a_person, an_organisation
from hypothesis import given
from hypothesis import strategies as st

from registry.facts_json import facts_from_json, facts_to_json
from registry.intake import build_facts
from registry.matching import FIXED_FIELDS
from registry.matters.corrections import choose_faults, find_uncorrected, list_correctable, refuse_unfit_fields
from registry.matters.states import MatterRefused
from registry.record import Applicant, Conduct, Disclosure, Facts, Kind

PERSON, _ = build_facts(a_person(1))
# What each of these says when it is corrected, and what makes no difference to it.
CORRECTED = {
    "region": "测试省",
    "obligation": "支付五万元。",
    "basis_issuer": None,
    "performed_part": "已付一万元",
    "conduct": ["breaks_property_reporting"],
    "filed_on": "2025-03-02",
    "applicant": {"name": "丁申请", "phone": None},
}
FIELDS = st.sets(st.sampled_from(sorted(CORRECTED)), min_size=1)


def set_fields(facts: Facts, fields: set[str]) -> Facts:
    return facts_from_json({**facts_to_json(facts), **{field: CORRECTED[field] for field in fields}})


@given(FIELDS, FIELDS)
def test_what_is_left_is_what_was_named_and_says_what_it_said(named: set[str], corrected: set[str]) -> None:
    faults = choose_faults(tuple(named), PERSON, {})
    assert set(find_uncorrected(faults, PERSON)) == named
    after = set_fields(PERSON, corrected)
    assert set(find_uncorrected(faults, after)) == named - corrected
    # Said anew, what was named before is still measured by what it said then.
    again = choose_faults(tuple(named | corrected), after, faults)
    assert set(find_uncorrected(again, after)) == (named | corrected) - (named & corrected)


def test_blanks_and_order_correct_nothing() -> None:
    said = replace(
        PERSON,
        obligation="支付 五万元。",
        conduct=(Conduct.BREAKS_SETTLEMENT, Conduct.REFUSES_THOUGH_ABLE),
        applicant=Applicant(name="乙申请"),
    )
    faults = choose_faults(("obligation", "conduct", "applicant"), said, {})
    same = replace(
        said,
        obligation="支付五 万元。",
        conduct=(Conduct.REFUSES_THOUGH_ABLE, Conduct.BREAKS_SETTLEMENT),
        applicant=Applicant(name="乙 申请", phone=""),
    )
    assert set(find_uncorrected(faults, same)) == {"obligation", "conduct", "applicant"}


@given(st.sampled_from(Kind), st.sampled_from(Disclosure))
def test_name_number_and_case_are_never_corrected(kind: Kind, disclosure: Disclosure) -> None:
    fields = list_correctable(kind, disclosure)
    assert not FIXED_FIELDS & set(fields)
    assert ("disclosure" in fields) is (disclosure is Disclosure.PUBLIC)
    refuse_unfit_fields(fields, kind, disclosure)
    for field in FIXED_FIELDS:
        with pytest.raises(MatterRefused, match="列错人的请选择撤销"):
            refuse_unfit_fields((*fields, field), kind, disclosure)


def test_a_field_that_a_debtor_of_this_kind_does_not_have_is_not_offered() -> None:
    organisation, _ = build_facts(an_organisation(1))
    assert "gender" not in list_correctable(organisation.kind, organisation.disclosure)
    assert "legal_representative" not in list_correctable(PERSON.kind, PERSON.disclosure)
    assert "legal_representative" in list_correctable(organisation.kind, organisation.disclosure)

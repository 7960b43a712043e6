"""Facts survive storage exactly."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongshi.synthetic import build_citizen_number, build_uscc
from registry.facts_json import PRIVATE_KEYS, facts_from_json, facts_to_json
from registry.record import Applicant, Conduct, Disclosure, Facts, Gender, Kind, Performance, RestrictedGround
from registry.values import CaseNumber, CitizenNumber, MaskedNumber, OrganisationCode, OtherNumber, Uscc

days = st.dates(date(1900, 1, 1), date(2100, 1, 1))
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
full_numbers = st.builds(
    build_citizen_number, st.just("990101"), st.dates(date(1900, 1, 1), date(2020, 1, 1)), st.integers(0, 999)
)
numbers = st.one_of(
    full_numbers.map(CitizenNumber),
    full_numbers.map(lambda n: MaskedNumber.parse(f"{n[:10]}****{n[14:]}")),
    full_numbers.map(lambda n: MaskedNumber.parse(f"{n[:6]}{n[8:10]}****{n[14:17]}")),
    st.from_regex(r"[A-Z][0-9]{8}", fullmatch=True).map(OtherNumber),
)
usccs = st.builds(build_uscc, st.sampled_from(["91", "N2"]), st.just("990101"), st.integers(0, 10**8 - 1))
organisation_numbers = st.one_of(usccs.map(Uscc), usccs.map(lambda code: OrganisationCode.parse(code[8:17])))
cases = st.sampled_from(
    ["（2024）豫9901执12号", "(2013) 测执字第00123号", "〔2017〕测9901执恢3号之一", "（2017）某某5号"]
)


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


facts = st.builds(
    Facts,
    kind=st.sampled_from(Kind),
    name=texts,
    latin_name=maybe(texts),
    id_number=maybe(numbers),
    uscc=maybe(organisation_numbers),
    gender=maybe(st.sampled_from(Gender)),
    birth_date=maybe(days),
    legal_representative=maybe(texts),
    court=texts,
    region=maybe(texts),
    case_number=cases.map(CaseNumber.parse),
    filed_on=maybe(days),
    basis_number=texts,
    basis_issuer=maybe(texts),
    obligation=texts,
    performance=st.sampled_from(Performance),
    performed_part=maybe(texts),
    unperformed_part=maybe(texts),
    conduct=st.lists(st.sampled_from(Conduct), min_size=1, unique=True).map(tuple),
    decision_number=maybe(texts),
    decided_on=maybe(days),
    served_on=maybe(days),
    term_ends_on=maybe(days),
    national_reference=maybe(texts),
    disclosure=st.sampled_from(Disclosure),
    restricted_ground=maybe(st.sampled_from(RestrictedGround)),
    employer=maybe(texts),
    phone=maybe(texts),
    address=maybe(texts),
    applicant=maybe(st.builds(Applicant, name=maybe(texts), phone=maybe(texts))),
    note=maybe(texts),
)


@given(facts)
def test_facts_come_back_as_they_were(one: Facts) -> None:
    body = facts_to_json(one)
    back = facts_from_json(json.loads(json.dumps(body)))
    assert back == one
    assert back.case_number.original == one.case_number.original
    assert facts_to_json(back) == body


@given(facts)
def test_what_is_absent_may_be_left_out(one: Facts) -> None:
    body = {key: value for key, value in facts_to_json(one).items() if value is not None}
    assert facts_from_json(body) == one


def test_every_field_has_a_key_and_the_private_ones_exist() -> None:
    keys = {f.name for f in fields(Facts)}
    assert keys > PRIVATE_KEYS


@given(facts, st.sampled_from(["surprise", "ID_NUMBER", ""]))
def test_an_unknown_key_is_an_error(one: Facts, key: str) -> None:
    with pytest.raises(ValueError, match="not fields"):
        facts_from_json({**facts_to_json(one), key: "1"})


@given(facts)
def test_a_missing_name_is_an_error(one: Facts) -> None:
    body = facts_to_json(one)
    del body["name"]
    with pytest.raises(TypeError):
        facts_from_json(body)

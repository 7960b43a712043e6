"""Synthetic entries: what they promise to import and approval, and that nobody real is in them."""

import re
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gongshi.synthetic import DEFECTS, SpoiledMoreThanAll, build_citizen_number, build_uscc, generate
from registry.deadlines import add_months
from registry.findings import FREE_TEXTS
from registry.redaction import find_in_fields
from registry.values import (
    CitizenNumber,
    MaskedNumber,
    Uscc,
    parse_id_number,
    parse_latin_name,
    parse_name,
    parse_phone,
    parse_uscc,
)
from search_index.casenumber import CaseNumber

TODAY = date(2026, 11, 21)
ENTRIES = list(generate(3000, seed=7, today=TODAY))
KEYS = {
    *(
        "kind",
        "name",
        "latin_name",
        "id_number",
        "uscc",
        "gender",
        "birth_date",
        "legal_representative",
        "court",
        "region",
    ),
    *("case_number", "filed_on", "basis_number", "basis_issuer", "obligation", "performance", "performed_part"),
    *("unperformed_part", "conduct", "decision_number", "decided_on", "served_on", "term_ends_on"),
    *("national_reference", "disclosure", "restricted_ground", "employer", "phone", "address", "applicant", "note"),
}
ID_WEIGHTS = [2 ** (17 - n) % 11 for n in range(18)]
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def years_later(day: date, years: int) -> date:
    return add_months(day, 12 * years)


def has_valid_check_digit(number: str) -> bool:
    values = [10 if c == "X" else int(c) for c in number]
    return sum(v * w for v, w in zip(values, ID_WEIGHTS, strict=True)) % 11 == 1


@given(st.integers(0, 60), st.integers(0, 2**32), st.dates(date(2018, 1, 1), date(2040, 12, 31)))
@settings(max_examples=30, deadline=None)
def test_the_same_arguments_give_the_same_entries(count: int, seed: int, today: date) -> None:
    first = list(generate(count, seed, today))
    assert len(first) == count
    assert first == list(generate(count, seed, today))


def test_another_seed_gives_others() -> None:
    assert list(generate(50, 1, TODAY)) != list(generate(50, 2, TODAY))


def test_spoiling_leaves_the_other_entries_as_they_were() -> None:
    spoiled = list(generate(3000, seed=7, today=TODAY, spoiled=len(DEFECTS)))
    changed = [n for n, (a, b) in enumerate(zip(ENTRIES, spoiled, strict=True)) if a != b]
    assert len(changed) == len(DEFECTS)
    # The defects are different in kind: no two change an entry in the same way.
    ways = Counter(
        str(sorted((k, spoiled[n].get(k)) for k in KEYS | {"surprise"} if spoiled[n].get(k) != ENTRIES[n].get(k)))
        for n in changed
    )
    assert max(ways.values()) == 1


def test_more_defects_than_lines_is_refused() -> None:
    with pytest.raises(SpoiledMoreThanAll, match="错误行数4多于总行数3"):
        generate(3, 1, TODAY, spoiled=4)
    assert len(list(generate(3, 1, TODAY, spoiled=3))) == 3


def test_only_keys_of_the_import_format_and_no_empty_value() -> None:
    for entry in ENTRIES:
        assert entry.keys() <= KEYS
        assert all(value not in (None, "", []) for value in entry.values())


def test_every_full_number_is_valid_of_an_adult_and_of_no_real_area() -> None:
    people = [e for e in ENTRIES if e["kind"] == "person"]
    full = [e for e in people if "*" not in e["id_number"]]
    masked = [e for e in people if "*" in e["id_number"]]
    assert masked
    for entry in full:
        number = entry["id_number"]
        assert has_valid_check_digit(number)
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
        assert years_later(born, 18) <= date.fromisoformat(entry["decided_on"])
        assert entry.get("birth_date", born.isoformat()) == born.isoformat()
        assert (int(number[16]) % 2 == 1) == (entry["gender"] == "男")
    for entry in masked:
        assert re.fullmatch(r"99\d{8}\*{4}\d{3}[\dX]", entry["id_number"])
        assert int(entry["id_number"][6:10]) + 19 <= int(entry["decided_on"][:4])
    assert all(e["id_number"].startswith("99") for e in people)


def test_every_credit_code_is_valid_and_of_no_real_region() -> None:
    organisations = [e for e in ENTRIES if e["kind"] == "organisation"]
    for entry in organisations:
        code = entry["uscc"]
        assert code[2:4] == "99"
        values = [USCC_ALPHABET.index(c) for c in code]
        assert sum(v * 3**n for n, v in enumerate(values[:17])) % 31 == -values[17] % 31
        assert entry["legal_representative"]
    assert {e["uscc"][:2] for e in organisations} == {"91", "92", "93", "N2"}


def test_known_numbers_come_out_as_the_standards_say() -> None:
    # The worked examples of GB 11643 and of law.md §4.2, computed here for invented areas.
    assert has_valid_check_digit(build_citizen_number("990101", date(1980, 1, 1), 123))
    assert build_uscc("91", "990101", 12345678) == "919901011234567880"


def test_dates_stand_in_their_order_and_terms_still_run() -> None:
    for entry in ENTRIES:
        filed, decided, served = (date.fromisoformat(entry[k]) for k in ("filed_on", "decided_on", "served_on"))
        assert filed < decided <= served <= TODAY
        has_term = entry["conduct"] != ["refuses_though_able"]
        assert has_term == ("term_ends_on" in entry)
        if has_term:
            assert TODAY < date.fromisoformat(entry["term_ends_on"]) <= years_later(decided, 2)
    soon = (TODAY + timedelta(days=7)).isoformat()
    assert any(entry.get("term_ends_on", "9") <= soon for entry in ENTRIES)


def test_the_entries_are_as_varied_as_a_real_list() -> None:
    names = Counter(e["name"] for e in ENTRIES if e["kind"] == "person")
    assert 0.65 < names.total() / len(ENTRIES) < 0.75
    assert names.most_common(1)[0][1] >= 5
    assert any("·" in name for name in names)
    assert any("𠮷" in name for name in names)
    assert any(name[:2] in ("欧阳", "上官", "诸葛", "司马") for name in names)
    assert {code for e in ENTRIES for code in e["conduct"]} == {
        "refuses_though_able",
        "obstructs_enforcement",
        "evades_enforcement",
        "breaks_property_reporting",
        "breaks_consumption_limit",
        "breaks_settlement",
    }
    restricted = sum(e["disclosure"] == "restricted" for e in ENTRIES)
    assert 0.01 < restricted / len(ENTRIES) < 0.06
    assert any("national_reference" not in e for e in ENTRIES)
    assert all(40 <= len(e["obligation"]) <= 200 for e in ENTRIES)
    assert any(re.search(r"账户99\d{15}", e["obligation"]) for e in ENTRIES)
    assert any(re.search(r"电话154\d{8}", e["obligation"]) for e in ENTRIES)
    assert any(re.search(r"公民身份号码99\d{15}[\dX]", e["obligation"]) for e in ENTRIES)


def test_many_minority_names_come_with_their_latin_spelling_and_no_other_name_does() -> None:
    spelled = {(e["name"], e["latin_name"]) for e in ENTRIES if "latin_name" in e}
    assert {("卓玛·旺堆", "Dolma Wangdu"), ("买买提·依明", "Memet Imin")} <= spelled
    assert any("·" in name for name, _ in spelled)
    assert all(e["kind"] == "person" for e in ENTRIES if "latin_name" in e)
    assert all(len(name) >= 4 for name, _ in spelled)
    # A name is spelled in one way, and not every time.
    assert len(spelled) == len({name for name, _ in spelled})
    assert {e["name"] for e in ENTRIES if "latin_name" not in e} & {name for name, _ in spelled}


def test_a_debtor_is_listed_once_in_a_case_and_cases_can_have_several() -> None:
    pairs = Counter((e.get("id_number", e.get("uscc")), e["case_number"]) for e in ENTRIES)
    assert max(pairs.values()) == 1
    cases = Counter(e["case_number"] for e in ENTRIES)
    assert max(cases.values()) > 1
    debtors = Counter(e.get("id_number", e.get("uscc")) for e in ENTRIES)
    assert max(debtors.values()) > 1
    # Co-debtors stand under the same case, with the same facts of it.
    for one, other in pairwise(ENTRIES):
        if one["case_number"] == other["case_number"]:
            assert one["obligation"] == other["obligation"]


def test_intake_reads_every_value_as_what_it_is() -> None:
    for entry in ENTRIES:
        assert CaseNumber.parse(entry["case_number"]).text == entry["case_number"]
        assert parse_name(entry["name"]) == entry["name"]
        assert "latin_name" not in entry or parse_latin_name(entry["latin_name"]) == entry["latin_name"]
        assert parse_phone(entry["phone"])
        if entry["kind"] == "person":
            assert isinstance(parse_id_number(entry["id_number"]), CitizenNumber | MaskedNumber)
        else:
            assert isinstance(parse_uscc(entry["uscc"]), Uscc)


def test_case_numbers_have_the_shape_of_real_ones() -> None:
    for entry in ENTRIES:
        assert re.fullmatch(r"（20\d{2}）测01\d{2}执恢?\d{1,6}号", entry["case_number"])
        assert entry["case_number"][1:5] == entry["filed_on"][:4]


@pytest.mark.long
def test_the_words_of_a_demonstration_leave_no_doubt_to_a_reviewer() -> None:
    """Whoever tries the software approves in one step: nothing in the demonstration needs to be opened one by one."""
    for entry in ENTRIES:
        texts = {key: entry[key] for key in FREE_TEXTS if entry.get(key)}
        found = find_in_fields(texts, entry["name"], ())
        assert all(finding.confidence == "high" for findings in found.values() for finding in findings), texts

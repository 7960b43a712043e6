"""Ways around the rules of the private side, each tried as a person at the keyboard would try it."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from entries import a_person, an_organisation, citizen_number, with_term
from flask.testing import FlaskClient
from homes import Home
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gongshi.synthetic import build_uscc
from portal.app import create_app
from registry.importing import Importer
from registry.tables import AuditRow, RecordRow
from search_index.day import SHANGHAI

pytestmark = pytest.mark.long

BOTH = ("--confirm", "art3", "--confirm", "redactions")
CASE = "（2025）测0101执1号"


@pytest.fixture
def public(home: Home) -> Iterator[FlaskClient]:
    """The public site of the home."""
    app = create_app(home.public_settings, home.clock)
    yield app.test_client()
    app.close()


def listed(public: FlaskClient) -> list[dict[str, Any]]:
    answer = public.get("/api/v1/entries")
    assert answer.json is not None, answer.text
    entries: list[dict[str, Any]] = answer.json["entries"]
    return entries


def bring_in(home: Home, *entries: dict[str, Any], by: str = "clerk") -> dict[str, Any]:
    """What an import says, whether or not it refused a line."""
    said = home.run("import", home.write("more.jsonl", entries), "--as", by, "--json")
    assert said.code in (0, 1), said.err
    found: dict[str, Any] = said.json
    return found


def approve(home: Home, batch: int, by: str = "reviewer") -> dict[str, Any]:
    found: dict[str, Any] = home.run("approve", batch, "--as", by, *BOTH, "--json").json
    return found


def rules(answer: dict[str, Any]) -> list[str]:
    return [refusal["rule"] for refusal in answer["refused"]]


# Four eyes ---------------------------------------------------------------------------------------------------------


def test_who_brought_in_a_second_version_does_not_approve_it(home: Home, public: FlaskClient) -> None:
    home.publish(a_person(1))
    batch = bring_in(home, a_person(1, obligation="支付五万元。"), by="reviewer")["batch"]
    assert rules(approve(home, batch, "reviewer")) == ["same_person"]
    assert listed(public)[0]["obligation"] == a_person(1)["obligation"]
    assert rules(approve(home, batch, "second")) == []


def test_who_agreed_to_a_second_version_and_who_brought_it_in_are_on_record(home: Home) -> None:
    home.publish(a_person(1))
    batch = bring_in(home, a_person(1, obligation="支付五万元。"), by="clerk")["batch"]
    approve(home, batch, "second")
    court = home.court
    with court.reading() as session:
        row = session.scalars(select(RecordRow)).one()
        line = session.scalars(select(AuditRow).where(AuditRow.action == "correct")).one()
        assert (row.approved_by, row.imported_by) == ("second", "clerk")
        assert (line.actor, line.record_id, line.batch_id) == ("second", row.id, batch)
    court.close()


def test_who_corrected_what_is_not_public_yet_does_not_approve_it(home: Home) -> None:
    batch = bring_in(home, a_person(1))["batch"]
    assert rules(approve(home, batch, "reviewer")) == []
    home.ask("correct", CASE, "--set", "obligation=支付五万元。", *BOTH, "--as", "reviewer")
    assert home.ask("publish")["published"] == 0
    assert rules(approve(home, batch, "reviewer")) == ["same_person"]
    assert rules(approve(home, batch, "second")) == []
    assert home.ask("publish")["published"] == 1


def test_who_imported_does_not_approve_whatever_others_have_touched_since(home: Home) -> None:
    """Whoever touches one field of a draft does not make its importer a second person."""
    batch = bring_in(home, a_person(1), by="reviewer")["batch"]
    home.ask("correct", CASE, "--set", "region=测试省", "--as", "second")
    assert rules(approve(home, batch, "reviewer")) == ["same_person"]
    assert rules(approve(home, batch, "second")) == ["same_person"]
    assert home.ask("publish")["published"] == 0
    assert home.run("user", "add", "third", "--role", "reviewer", typed="a-long-password\n").code == 0
    assert rules(approve(home, batch, "third")) == []


def test_everybody_who_touched_a_draft_has_prepared_it_and_not_the_last_alone(home: Home) -> None:
    batch = bring_in(home, a_person(1))["batch"]
    home.ask("correct", CASE, "--set", "region=测试省", "--as", "reviewer")
    home.ask("correct", CASE, "--set", "region=测试市", "--as", "second")
    assert rules(approve(home, batch, "reviewer")) == ["same_person"]
    assert rules(approve(home, batch, "second")) == ["same_person"]
    (refusal,) = approve(home, batch, "second")["refused"]
    assert "请系统管理员增设账户" in refusal["reason"]
    assert home.run("user", "add", "third", "--role", "reviewer", typed="a-long-password\n").code == 0
    (refusal,) = approve(home, batch, "second")["refused"]
    assert "可以办理的有：third" in refusal["reason"]


def test_who_brought_in_a_second_version_of_a_draft_does_not_approve_the_draft(home: Home) -> None:
    """Nor who brought in the first: each has prepared some of it."""
    assert home.run("user", "add", "third", "--role", "reviewer", typed="a-long-password\n").code == 0
    first = bring_in(home, a_person(1), by="reviewer")["batch"]
    batch = bring_in(home, a_person(1, obligation="支付五万元。"), by="second")["batch"]
    assert rules(approve(home, batch, "reviewer")) == ["same_person"]
    assert rules(approve(home, batch, "second")) == ["same_person"]
    # Refused, it was not half applied: the second version still waits.
    assert rules(approve(home, first, "second")) == []
    assert rules(approve(home, batch, "third")) == []


def test_an_approval_ends_what_was_prepared_before_it(home: Home) -> None:
    """What was approved and goes back to a draft may be approved again by whoever approved it, and did not change it."""
    batch = bring_in(home, a_person(1))["batch"]
    home.ask("correct", CASE, "--set", "region=测试省", "--as", "second")
    assert rules(approve(home, batch, "reviewer")) == []
    home.ask("correct", CASE, "--set", "region=测试市", "--as", "reviewer")
    assert rules(approve(home, batch, "reviewer")) == ["same_person"]
    assert rules(approve(home, batch, "second")) == []


def test_showing_again_takes_a_reviewer_and_nobody_alone(home: Home, public: FlaskClient) -> None:
    assert home.run("user", "add", "clerk2", "--role", "clerk", typed="a-long-password\n").code == 0
    home.publish(a_person(1))
    home.ask("hold", CASE, "--basis", "来信", "--as", "clerk")
    home.ask("hold", CASE, "--lift", "--basis", "核实", "--as", "clerk")
    assert home.run("hold", CASE, "--lift", "--as", "clerk").code == 2
    assert home.run("hold", CASE, "--lift", "--as", "clerk2").code == 2
    assert listed(public) == []
    home.ask("hold", CASE, "--lift", "--as", "reviewer")
    assert len(listed(public)) == 1


def test_a_hold_is_confirmed_by_another_person_who_is_a_reviewer(home: Home) -> None:
    assert home.run("user", "add", "clerk2", "--role", "clerk", typed="a-long-password\n").code == 0
    home.publish(a_person(1))
    home.ask("hold", CASE, "--basis", "来信", "--as", "clerk")
    assert home.run("hold", CASE, "--confirm", "--as", "clerk").code == 2
    assert home.run("hold", CASE, "--confirm", "--as", "clerk2").code == 2
    home.ask("hold", CASE, "--confirm", "--as", "reviewer")
    assert home.run("hold", CASE, "--confirm", "--as", "second").code == 2


def test_a_consent_to_show_again_is_not_for_words_written_since(home: Home, public: FlaskClient) -> None:
    home.publish(a_person(1))
    home.ask("hold", CASE, "--basis", "来信", "--as", "clerk")
    home.ask("hold", CASE, "--lift", "--basis", "核实", "--as", "reviewer")
    home.clock.advance(minutes=1)
    home.ask("correct", CASE, "--set", "obligation=支付五万元。", *BOTH, "--as", "second")
    home.clock.advance(minutes=1)
    assert home.run("hold", CASE, "--lift", "--as", "second").code == 2
    home.ask("hold", CASE, "--lift", "--basis", "核实", "--as", "second")
    assert home.run("hold", CASE, "--lift", "--as", "second").code == 2
    assert listed(public) == []
    home.ask("hold", CASE, "--lift", "--as", "reviewer")
    assert listed(public)[0]["obligation"] == "支付五万元。"


def test_nobody_alone_shows_again_what_has_ended(home: Home, public: FlaskClient) -> None:
    home.publish(with_term(a_person(1), "2026-12-01"))
    home.clock.moment = datetime(2026, 12, 2, 9, tzinfo=SHANGHAI)
    assert home.run("correct", CASE, "--set", "term_ends_on=2027-06-01", *BOTH, "--as", "reviewer").code == 2
    batch = bring_in(home, with_term(a_person(1), "2027-06-01"))["batch"]
    assert approve(home, batch)["approved"] == 0
    assert listed(public) == []
    assert home.ask("publish")["expired"] == 1


def test_a_name_of_an_account_is_not_one_blank_away_from_another(home: Home) -> None:
    for name in ("reviewer ", " reviewer", "", "re\nviewer", "甲" * 65):
        assert home.run("user", "add", name, "--role", "reviewer", typed="a-long-password\n").code == 2


# Minors, terms, service --------------------------------------------------------------------------------------------


def test_the_eighteenth_birthday_is_the_first_day(home: Home) -> None:
    born = "2008-11-19"
    days = {"decided_on": "2026-11-19", "served_on": "2026-11-19"}
    batch = bring_in(home, a_person(1, id_number=citizen_number(1, born), **days))["batch"]
    home.clock.moment = datetime(2026, 11, 18, 23, 59, 59, tzinfo=SHANGHAI)
    assert "minor" in rules(approve(home, batch))
    home.clock.moment = datetime(2026, 11, 19, 0, 0, 0, tzinfo=SHANGHAI)
    assert rules(approve(home, batch)) == []


def test_what_was_decided_before_it_is_not_approved_after_it(home: Home) -> None:
    days = {"decided_on": "2026-11-18", "served_on": "2026-11-18"}
    batch = bring_in(home, a_person(1, id_number=citizen_number(1, "2008-11-19"), **days))["batch"]
    home.clock.moment = datetime(2028, 11, 19, 0, 0, 0, tzinfo=SHANGHAI)
    assert "minor" in rules(approve(home, batch))


def test_a_second_version_cannot_make_a_minor_of_a_listed_person_and_stay_up(home: Home, public: FlaskClient) -> None:
    masked = "9901011980****0015"
    home.publish(a_person(1, id_number=masked, birth_date="1980-01-02"))
    batch = bring_in(home, a_person(1, id_number=masked, birth_date="2010-01-02"))["batch"]
    assert "minor" in rules(approve(home, batch)) or "id_mismatch" in rules(approve(home, batch))
    for setting in ("birth_date=2010-01-02", "gender=女"):
        assert home.run("correct", CASE, "--set", setting, *BOTH, "--as", "reviewer").code == 2
    assert listed(public)[0]["age"] == 46


def test_a_correction_does_not_reach_beyond_the_longest_term(home: Home, public: FlaskClient) -> None:
    home.publish(with_term(a_person(1), "2027-06-02"))
    said = home.run("correct", CASE, "--set", "term_ends_on=2027-06-03", *BOTH, "--as", "reviewer", "--json")
    assert (said.code, said.json["rule"]) == (2, "term_too_long")
    assert listed(public)[0]["term_ends_on"] == "2027-06-02"


def test_a_correction_that_makes_the_service_impossible_is_refused(home: Home, public: FlaskClient) -> None:
    home.publish(a_person(1))
    assert home.run("correct", CASE, "--set", "decided_on=2026-11-18", *BOTH, "--as", "reviewer").code == 2
    assert len(listed(public)) == 1


@pytest.mark.parametrize("setting", ["served_on=2026-11-19", "served_on="])
def test_a_correction_that_shows_that_nobody_was_served_hides_the_entry(
    home: Home, public: FlaskClient, setting: str
) -> None:
    home.publish(a_person(1))
    said = home.run("correct", CASE, "--set", setting, *BOTH, "--as", "reviewer")
    assert "公众已查不到" in said.out
    assert listed(public) == []
    home.clock.advance(days=2)
    assert home.ask("publish")["published"] == 0


def test_a_draft_is_completed_field_by_field(home: Home, public: FlaskClient) -> None:
    bare = a_person(1, decision_number=None, decided_on=None, served_on=None)
    batch = bring_in(home, bare)["batch"]
    assert "decision_missing" in rules(approve(home, batch))
    for setting in ("decision_number=甲1号", "decided_on=2025-06-02", "served_on=2025-06-10"):
        home.ask("correct", CASE, "--set", setting, "--as", "second")
    assert rules(approve(home, batch, "second")) == ["same_person"]
    assert rules(approve(home, batch)) == []
    assert home.ask("publish")["published"] == 1
    assert len(listed(public)) == 1


# Taking down -------------------------------------------------------------------------------------------------------


def test_what_becomes_restricted_is_down_when_the_command_returns(home: Home, public: FlaskClient) -> None:
    home.publish(a_person(1), an_organisation(2))
    record = next(entry["record"] for entry in listed(public) if entry["kind"] == "person")
    settings = ("--set", "disclosure=restricted", "--set", "restricted_ground=privacy")
    with home.court.turns.feeding_store():  # somebody else is feeding the store and its index
        done = home.ask("correct", record, *settings, *BOTH, "--as", "reviewer")
        assert done["sequence"] == 3
        assert public.get(f"/entries/{record}").status_code == 410
        assert len(listed(public)) == 1
    assert home.ask("publish")["sequence"] == 3
    # Up again only through a draft and a second person.
    home.ask("correct", record, "--set", "disclosure=public", "--set", "restricted_ground=", *BOTH, "--as", "reviewer")
    assert home.ask("publish")["published"] == 0
    assert rules(approve(home, 1, "reviewer")) == ["same_person"]
    assert rules(approve(home, 1, "second")) == []
    assert home.ask("publish")["published"] == 1
    assert public.get(f"/entries/{record}").status_code == 200


def test_a_restricting_second_version_is_down_when_approval_returns(home: Home, public: FlaskClient) -> None:
    home.publish(a_person(1))
    changed = a_person(1, disclosure="restricted", restricted_ground="trade_secret")
    batch = bring_in(home, changed)["batch"]
    assert rules(approve(home, batch)) == []
    assert listed(public) == []


def test_a_case_number_that_names_several_is_refused_and_says_which(home: Home, public: FlaskClient) -> None:
    home.publish(a_person(1), an_organisation(2, case_number=CASE))
    said = home.run("withdraw", CASE, "--ground", "wrongly_listed", "--basis", "执异", "--as", "reviewer")
    assert said.code == 2
    assert len(set(re.findall(r"SX-[0-9A-Z]{8}", said.err))) == 2
    assert len(listed(public)) == 2


def test_a_half_imported_batch_can_be_neither_seen_nor_touched(home: Home) -> None:
    court = home.court
    folder = court.settings.private / "quarantine"
    importer = Importer(engine=court.engine, vault=court.vault, turns=court.turns, folder=folder, policy=court.policy())

    def stop(_done: int, _total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        importer.run(home.write("half.jsonl", [a_person(1)]), "clerk", home.clock(), stop)
    court.close()
    assert home.run("withdraw", CASE, "--ground", "wrongly_listed", "--basis", "执异", "--as", "reviewer").code == 2
    assert home.run("correct", CASE, "--set", "region=甲市", *BOTH, "--as", "reviewer").code == 2
    assert home.run("approve", 1, "--as", "reviewer").code == 2
    assert home.run("findings", 1).code == 2
    assert bring_in(home, a_person(1))["accepted"] == 1


@pytest.mark.parametrize(
    "basis", ["", "  ", f"身份证{citizen_number(1)}", "电话13900000001", f"证{citizen_number(2)}号"]
)
def test_a_basis_names_a_document_and_no_persons_numbers(home: Home, public: FlaskClient, basis: str) -> None:
    home.publish(a_person(1))
    said = home.run("withdraw", CASE, "--ground", "wrongly_listed", "--basis", basis, "--as", "reviewer")
    assert said.code == 2
    assert not re.search(r"\d{11}", said.err)
    assert home.run("hold", CASE, "--basis", basis, "--as", "clerk").code == 2
    assert len(listed(public)) == 1


# Who is who --------------------------------------------------------------------------------------------------------


def test_a_masked_entry_completed_with_its_number_stays_one_entry(home: Home, public: FlaskClient) -> None:
    full = citizen_number(1)
    home.publish(a_person(1, id_number=f"{full[:10]}****{full[-4:]}"))
    whole = home.write("whole.jsonl", [a_person(1)])
    batch = home.ask("import", whole, "--as", "clerk")["batch"]
    later = bring_in(home, a_person(1, obligation="支付五万元。"))["batch"]
    assert rules(approve(home, batch)) == []
    assert home.ask("import", whole, "--as", "clerk")["unchanged"] == 1
    assert rules(approve(home, later)) == []
    again = bring_in(home, a_person(1, obligation="支付六万元。"))
    assert (again["accepted"], again["proposed_corrections"]) == (1, 1)
    masked = bring_in(home, a_person(1, id_number=f"{full[:6]}********{full[-4:]}", obligation="支付七万元。"))
    assert masked["proposed_corrections"] == 1
    assert rules(approve(home, masked["batch"])) == []
    home.ask("publish")
    (entry,) = listed(public)
    assert (entry["id_number"], entry["obligation"]) == (f"{full[:10]}****{full[-4:]}", "支付七万元。")


def test_a_masked_number_that_fits_two_debtors_is_asked_about(home: Home) -> None:
    one, other = citizen_number(1, "1980-01-02"), twin_of(citizen_number(1, "1980-01-02"))
    home.publish(a_person(1), a_person(1, id_number=other, gender=None))
    said = bring_in(home, a_person(1, id_number=f"{one[:10]}****{one[-4:]}"))
    assert (said["accepted"], [q["field"] for q in said["quarantined"]]) == (0, ["id_number"])


def test_a_masked_number_that_disagrees_is_another_debtor(home: Home) -> None:
    home.publish(a_person(1))
    full = citizen_number(1)
    said = bring_in(home, a_person(1, id_number=f"{full[:6]}1981****{full[-4:]}"))
    assert (said["accepted"], said["proposed_corrections"]) == (1, 0)


def test_a_second_number_never_replaces_the_first(home: Home, public: FlaskClient) -> None:
    full, other = citizen_number(1), twin_of(citizen_number(1))
    home.publish(a_person(1, id_number=f"{full[:10]}****{full[-4:]}"))
    first = bring_in(home, a_person(1))["batch"]
    second = bring_in(home, a_person(1, id_number=other))["batch"]
    assert rules(approve(home, first)) == []
    assert rules(approve(home, second)) == ["number_changed"]
    assert len(listed(public)) == 1


def test_an_organisation_is_one_by_old_code_and_new(home: Home, public: FlaskClient) -> None:
    uscc = build_uscc("91", "990101", 1)
    old = f"{uscc[8:16]}-{uscc[16]}"
    home.publish(an_organisation(1, uscc=old))
    said = bring_in(home, an_organisation(1, uscc=uscc))
    assert said["proposed_corrections"] == 1
    assert rules(approve(home, said["batch"])) == []
    back = bring_in(home, an_organisation(1, uscc=old, obligation="支付五万元。"))
    assert rules(approve(home, back["batch"])) == []
    home.ask("publish")
    (entry,) = listed(public)
    assert (entry["uscc"], entry["obligation"]) == (uscc, "支付五万元。")


def test_the_versions_of_an_entry_may_go_back_and_forth(home: Home, public: FlaskClient) -> None:
    first, second = a_person(1), a_person(1, obligation="支付五万元。")
    home.publish(first)
    for version in (second, first, second):
        said = bring_in(home, version)
        assert said["proposed_corrections"] == 1
        assert rules(approve(home, said["batch"])) == []
        home.ask("publish")
        assert listed(public)[0]["obligation"] == version["obligation"]


def test_two_debtors_of_one_case_are_two_entries(home: Home, public: FlaskClient) -> None:
    home.publish(a_person(1), a_person(2, case_number=CASE), an_organisation(3, case_number=CASE))
    assert len(listed(public)) == 3


@pytest.mark.parametrize("name", ["阿卜杜拉·买买提", "𠮷田甲", "甲" * 64, "𠮷" * 64])
def test_names_are_kept_to_the_code_point(home: Home, public: FlaskClient, name: str) -> None:
    home.publish(a_person(1, name=name))
    assert listed(public)[0]["name"] == name
    answer = public.get("/api/v1/entries", query_string={"q": name})
    assert answer.json is not None
    assert answer.json["meta"]["total"] == 1


# Coming back -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("decided", "comes_back"), [("2027-05-18", False), ("2027-05-19", True)])
def test_six_months_after_a_removal_at_the_applicants_wish(
    home: Home, public: FlaskClient, decided: str, comes_back: bool
) -> None:
    home.publish(a_person(1))
    home.ask("remove", CASE, "--ground", "applicant_request", "--basis", "申请书", "--as", "reviewer")
    home.clock.moment = datetime(2027, 6, 1, tzinfo=SHANGHAI)
    said = bring_in(home, a_person(1, decided_on=decided, served_on="2027-05-20", decision_number="新1号"))
    assert said["accepted"] == comes_back


def test_a_draft_that_was_never_public_and_was_withdrawn_may_be_brought_in_anew(home: Home) -> None:
    bring_in(home, a_person(1, name="写错的名字"))
    home.ask("withdraw", CASE, "--ground", "wrongly_listed", "--basis", "录入有误", "--as", "reviewer")
    assert bring_in(home, a_person(1))["accepted"] == 1


def test_what_ended_before_it_was_published_may_be_listed_by_a_later_decision(home: Home) -> None:
    batch = bring_in(home, with_term(a_person(1), "2026-12-01"))["batch"]
    assert rules(approve(home, batch)) == []
    home.clock.moment = datetime(2027, 2, 1, tzinfo=SHANGHAI)
    assert home.ask("publish")["published"] == 0
    later = with_term(
        a_person(1, decided_on="2027-01-20", served_on="2027-01-22", decision_number="新1号"), "2028-01-01"
    )
    assert bring_in(home, later)["accepted"] == 1


def test_an_end_is_dated_by_the_law_and_not_by_when_the_machine_woke(home: Home) -> None:
    home.publish(with_term(a_person(1), "2026-12-01"))
    home.clock.moment = datetime(2027, 2, 1, tzinfo=SHANGHAI)
    assert home.ask("publish")["expired"] == 1
    later = with_term(
        a_person(1, decided_on="2027-01-20", served_on="2027-01-22", decision_number="新1号"), "2028-01-01"
    )
    assert bring_in(home, later)["accepted"] == 1


# Rules that change -------------------------------------------------------------------------------------------------


def test_another_mask_reaches_what_is_public_with_the_next_publication(home: Home, public: FlaskClient) -> None:
    home.publish(*(a_person(serial, name=f"甲测试{serial}") for serial in range(1, 4)), an_organisation(9))
    before = {entry["record"]: entry for entry in listed(public)}
    home.ask("profile", "--set", "id_mask=strict", "--as", "reviewer")
    home.clock.advance(minutes=1)
    assert home.ask("publish") == {"published": 0, "expired": 0, "sequence": 7}
    after = {entry["record"]: entry for entry in listed(public)}
    assert after.keys() == before.keys()
    for record, entry in after.items():
        if entry["kind"] == "person":
            assert re.fullmatch(r"990101\*{8}\d{3}[\dX]", entry["id_number"])
            assert entry["published_on"] == before[record]["published_on"]
        else:
            assert entry == before[record]
    assert home.ask("publish")["sequence"] == 7
    assert home.ask("index", "verify")["equal"]


def test_another_policy_ends_what_it_shows_no_longer(home: Home, public: FlaskClient) -> None:
    home.clock.moment = datetime(2021, 6, 10, 9, tzinfo=SHANGHAI)
    long = a_person(1, decided_on="2021-06-02", served_on="2021-06-03", conduct=["obstructs_enforcement"])
    home.publish({**long, "filed_on": "2021-01-01", "term_ends_on": "2026-06-02"})
    home.clock.moment = datetime(2026, 6, 1, 9, tzinfo=SHANGHAI)
    home.ask("profile", "--set", "policy=henan", "--as", "reviewer")
    home.ask("publish")
    assert len(listed(public)) == 1
    home.clock.moment = datetime(2026, 6, 3, 9, tzinfo=SHANGHAI)
    home.ask("publish")
    assert listed(public) == []


# Keys and secrets --------------------------------------------------------------------------------------------------


def test_a_lost_key_is_not_replaced_by_a_new_one(home: Home) -> None:
    home.publish(a_person(1))
    key = home.folder / "registry" / "keys" / "master.key"
    kept = key.read_bytes()
    key.unlink()
    for arguments in (("init",), ("publish",), ("import", home.folder.parent / "entries.jsonl", "--as", "clerk")):
        said = home.run(*arguments)
        assert (said.code, said.out) == (2, "")
        assert "密钥" in said.err
        assert not key.exists()
    key.write_bytes(kept)
    home.ask("init")


@pytest.mark.parametrize("key", [b"", b"zz", b"00" * 31, b"00" * 32, "钥".encode()])
def test_a_wrong_key_stops_before_anything_is_written(home: Home, key: bytes) -> None:
    home.publish(a_person(1))
    (home.folder / "registry" / "keys" / "master.key").write_bytes(key)
    said = home.run("import", home.write("b.jsonl", [a_person(1), a_person(2)]), "--as", "clerk")
    assert (said.code, said.out) == (2, "")
    assert len(said.err.strip().splitlines()) == 1


def test_no_number_telephone_or_address_is_anywhere_but_in_quarantine(home: Home) -> None:
    third = citizen_number(77)
    obligation = f"向原告李某某（身份证号{third}，电话13912345678）支付100000元。"
    said = [
        home.run("import", home.write("s.jsonl", [a_person(1, obligation=obligation), a_person(2)]), "--as", "clerk")
    ]
    spoiled = [a_person(3, id_number=citizen_number(3)[:-1] + "A"), a_person(4, phone=citizen_number(4)), "x"]
    said.append(home.run("import", home.write("t.jsonl", spoiled), "--as", "clerk", "--json"))  # type: ignore[arg-type]
    said += [home.run("findings", 1), home.run("approve", 1, "--as", "reviewer", *BOTH), home.run("publish")]
    said.append(home.run("correct", CASE, "--set", f"obligation={obligation}再付利息。", *BOTH, "--as", "reviewer"))
    said.append(home.run("correct", CASE, "--set", f"id_number={citizen_number(5)}", *BOTH, "--as", "reviewer"))
    said.append(home.run("withdraw", citizen_number(1), "--ground", "minor", "--basis", "x", "--as", "reviewer"))
    said.append(home.run("hold", CASE, "--basis", "执异1号", "--as", "clerk", "--json"))
    secrets = [third, "13912345678", *(citizen_number(n) for n in (1, 2, 3, 4, 5))]
    secrets += [citizen_number(3)[:-1], "秘密路", "秘密单位", "内部备注", "13900000001", "13800000002", "乙申请"]
    for secret in secrets:
        assert not [s for s in said if secret in s.out + s.err], secret
        assert holding(home.folder, secret) <= {"quarantine"}, secret


def holding(folder: Path, secret: str) -> set[str]:
    """The folders below `folder` with a file, or the name of one, that holds the words, as bytes or as JSON writes them."""
    forms = {secret.encode(), secret.encode("unicode_escape")}
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        path.parent.name
        for path in files
        if any(form in path.read_bytes() or form in os.fsencode(path.name) for form in forms)
    }


def twin_of(number: str) -> str:
    """Another valid number with the same first six and last two characters, and the same visible ones."""
    for day in range(1, 29):
        for month in range(1, 13):
            for order in range(10):
                body = f"{number[:10]}{month:02d}{day:02d}{order}{number[15:17]}"
                weights = [2 ** (17 - i) % 11 for i in range(17)]
                check = "10X98765432"[sum(int(c) * w for c, w in zip(body, weights, strict=True)) % 11]
                if body[-3:] == number[14:17] and check == number[17] and body != number[:17]:
                    return body + check
    raise AssertionError("there is always one")


def test_a_registry_from_a_backup_does_not_pass_for_the_one_that_fed_the_store(
    home: Home, public: FlaskClient, databases: dict[str, str]
) -> None:
    home.publish(a_person(1))
    with registry_of(home) as session:
        kept = session.execute(text("SELECT position, sequence FROM journal_head")).one()
    home.publish(a_person(2), name="b.jsonl")
    with registry_of(home) as session:
        session.execute(text("DELETE FROM journal WHERE position > :position"), kept._asdict())
        session.execute(text("UPDATE journal_head SET position = :position, sequence = :sequence"), kept._asdict())
    said = home.run("publish")
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert "rebuild --replay" in said.err
    # Taking a name down does not wait for that.
    record = next(entry["record"] for entry in listed(public) if "执1号" in entry["case_number"])
    home.ask("withdraw", record, "--ground", "wrongly_listed", "--basis", "执异1号", "--as", "reviewer")
    assert public.get(f"/entries/{record}").status_code == 410
    home.ask("index", "rebuild", "--replay")
    home.ask("publish")
    assert public.get(f"/entries/{record}").status_code == 410


@contextmanager
def registry_of(home: Home) -> Iterator[Session]:
    """One transaction on the registry of a home."""
    court = home.court
    try:
        with court.session() as session:
            yield session
    finally:
        court.close()


def test_what_was_typed_wrong_beside_the_number_can_be_mended(home: Home, public: FlaskClient) -> None:
    masked = "9901011980****00*5"
    home.publish(a_person(1, id_number=masked, birth_date="1980-01-02", gender="男"))
    home.ask("correct", CASE, "--set", "gender=女", "--set", "birth_date=1980-03-04", *BOTH, "--as", "reviewer")
    assert listed(public)[0]["gender"] == "女"


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_restored_registry_never_claims_a_departure_that_the_store_passed_over(
    home: Home, public: FlaskClient
) -> None:
    home.publish(a_person(1), an_organisation(2))
    record = next(entry["record"] for entry in listed(public) if entry["kind"] == "person")
    database = home.folder / "registry" / "registry.db"
    copy = home.folder.parent / "registry-of-yesterday.db"
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    # Two changes that the copy knows nothing of: the store is ahead of it, and of this very record.
    for amount in ("50000", "60000"):
        home.ask("correct", record, "--set", f"obligation=支付货款{amount}元。", *BOTH, "--as", "reviewer")
    for leftover in database.parent.glob("registry.db*"):
        leftover.unlink()
    copy.rename(database)
    home.ask("correct", record, "--set", "obligation=支付货款1元。", *BOTH, "--as", "reviewer")
    assert "支付货款1元" in public.get(f"/entries/{record}").text
    home.ask("withdraw", record, "--ground", "wrongly_listed", "--basis", "执异", "--as", "reviewer")
    for _ in range(2):
        assert public.get(f"/entries/{record}").status_code == 410
        assert [entry["kind"] for entry in listed(public)] == ["organisation"]
        home.ask("index", "rebuild", "--replay")

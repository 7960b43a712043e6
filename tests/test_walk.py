"""The life of entries as the people of a court lead it, through the command line and what the public is answered."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from entries import a_person, an_organisation, citizen_number, with_term
from flask.testing import FlaskClient
from homes import Home

from portal.app import create_app
from search_index.day import SHANGHAI
from search_index.number import draw_number


@pytest.fixture
def public(home: Home) -> Iterator[FlaskClient]:
    """The public site of the home."""
    app = create_app(home.public_settings, home.clock)
    yield app.test_client()
    app.close()


def listed(public: FlaskClient, words: str = "") -> list[dict[str, Any]]:
    answer = public.get("/api/v1/entries", query_string={"q": words} if words else {})
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    entries: list[dict[str, Any]] = answer.json["entries"]
    assert answer.json["meta"]["total"] == len(entries)
    return entries


def number_of(public: FlaskClient, name: str) -> str:
    (entry,) = listed(public, name)
    record: str = entry["record"]
    return record


def test_an_entry_is_imported_approved_published_and_found(home: Home, public: FlaskClient) -> None:
    imported = home.ask("import", home.write("a.jsonl", [a_person(1), an_organisation(2)]), "--as", "clerk")
    assert imported["accepted"] == 2
    assert imported["quarantined"] == []
    assert listed(public) == []
    batch = imported["batch"]
    approved = home.ask("approve", batch, "--as", "reviewer", "--confirm", "art3", "--confirm", "redactions")
    assert (approved["batch"], approved["approved"], approved["refused"]) == (batch, 2, [])
    assert listed(public) == []
    assert home.ask("publish") == {"published": 2, "expired": 0, "sequence": 2}
    (entry,) = listed(public, "甲测试")
    assert entry["id_number"] == citizen_number(1)[:10] + "****" + citizen_number(1)[-4:]
    assert entry["age"] == 46
    assert entry["published_on"] == "2026-11-18"
    assert entry["match"] == "exact"
    answer = public.get(f"/api/v1/entries/{entry['record']}")
    assert answer.json is not None
    assert answer.json["name"] == "甲测试"


def test_nobody_approves_what_they_imported(home: Home) -> None:
    batch = home.ask("import", home.write("a.jsonl", [a_person(1)]), "--as", "reviewer")["batch"]
    said = home.run("approve", batch, "--as", "reviewer", "--confirm", "art3", "--json")
    assert said.code == 1
    assert [refusal["rule"] for refusal in said.json["refused"]] == ["same_person"]
    assert home.ask("publish")["published"] == 0


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"id_number": citizen_number(1, "2010-01-02")}, "minor"),
        ({"decision_number": None}, "decision_missing"),
        ({"served_on": None}, "not_served"),
        ({"served_on": "2026-11-19"}, "not_served"),
        ({"conduct": ["breaks_settlement"]}, "term_missing"),
        ({"term_ends_on": "2027-01-01"}, "term_not_allowed"),
        ({"conduct": ["breaks_settlement"], "term_ends_on": "2031-01-01"}, "term_too_long"),
        ({"conduct": ["breaks_settlement"], "term_ends_on": "2026-11-17"}, "term_over"),
        ({"id_number": "9901012005****0015", "gender": "男"}, None),
        ({"id_number": "9901012007****0015", "gender": "男"}, "age_unknown"),
    ],
)
def test_approval_refuses_by_rule(home: Home, changes: dict[str, Any], rule: str | None) -> None:
    batch = home.ask("import", home.write("a.jsonl", [a_person(1, **changes)]), "--as", "clerk")["batch"]
    said = home.run("approve", batch, "--as", "reviewer", "--confirm", "art3", "--confirm", "redactions", "--json")
    assert [refusal["rule"] for refusal in said.json["refused"]] == ([rule] if rule else [])
    assert said.code == (1 if rule else 0)


def test_art_3_and_redactions_must_be_confirmed(home: Home) -> None:
    obligation = "向原告李某某（身份证号" + citizen_number(7) + "）支付100000元。"
    batch = home.ask("import", home.write("a.jsonl", [a_person(1, obligation=obligation)]), "--as", "clerk")["batch"]
    rules = [
        [
            refusal["rule"]
            for refusal in home.run("approve", batch, "--as", "reviewer", *given, "--json").json["refused"]
        ]
        for given in ((), ("--confirm", "art3"), ("--confirm", "art3", "--confirm", "redactions"))
    ]
    assert rules == [["art3_unconfirmed"], ["redactions_unconfirmed"], []]
    findings = home.ask("findings", batch)["findings"]
    assert findings
    assert citizen_number(7) not in json.dumps(findings, ensure_ascii=False)


def test_importing_the_same_file_twice_changes_nothing(home: Home, public: FlaskClient) -> None:
    home.publish(a_person(1), an_organisation(2))
    again = home.ask("import", home.folder.parent / "entries.jsonl", "--as", "clerk")
    assert (again["batch"], again["accepted"], again["unchanged"]) == (None, 0, 2)
    assert home.ask("publish") == {"published": 0, "expired": 0, "sequence": 2}


def test_a_differing_version_is_a_correction_once_a_second_person_agrees(home: Home, public: FlaskClient) -> None:
    home.publish(a_person(1))
    record = number_of(public, "甲测试")
    changed = a_person(1, performance="部分未履行", performed_part="已履行5000元", unperformed_part="其余")
    imported = home.ask("import", home.write("b.jsonl", [changed]), "--as", "clerk")
    assert imported["proposed_corrections"] == 1
    assert listed(public)[0]["performance"] == "全部未履行"
    home.ask("approve", imported["batch"], "--as", "reviewer", "--confirm", "art3", "--confirm", "redactions")
    home.ask("publish")
    (entry,) = listed(public)
    assert (entry["record"], entry["performance"]) == (record, "部分未履行")


def test_a_withdrawn_entry_is_gone_when_the_command_returns(home: Home, public: FlaskClient) -> None:
    home.publish(a_person(1), an_organisation(2))
    record = number_of(public, "甲测试")
    page = public.get(f"/entries/{record}")
    assert page.status_code == 200
    gone = home.ask("withdraw", record, "--ground", "wrongly_listed", "--basis", "执异1号", "--as", "reviewer")
    assert (gone["record"], gone["sequence"]) == (record, 3)
    assert public.get(f"/entries/{record}").status_code == 410
    assert public.get(f"/api/v1/entries/{record}").status_code == 410
    assert "甲测试" not in public.get(f"/entries/{record}").text
    assert listed(public, "甲测试") == []
    assert len(listed(public)) == 1
    assert public.get(f"/entries/{record}", headers={"If-None-Match": page.headers["ETag"]}).status_code == 410


def test_a_removed_entry_does_not_come_back_by_import(home: Home, public: FlaskClient) -> None:
    home.publish(a_person(1))
    home.ask("remove", "（2025）测0101执1号", "--ground", "applicant_request", "--basis", "申请书", "--as", "reviewer")
    again = home.ask("import", home.folder.parent / "entries.jsonl", "--as", "clerk")
    assert (again["accepted"], again["unchanged"]) == (0, 1)
    said = home.run("import", home.write("b.jsonl", [a_person(1, note="改动")]), "--as", "clerk", "--json")
    assert (said.code, said.json["accepted"], said.json["quarantined"][0]["field"]) == (1, 0, "decided_on")
    home.clock.advance(days=90)
    soon = a_person(1, decided_on="2027-01-10", served_on="2027-01-12", decision_number="新决定")
    assert home.run("import", home.write("c.jsonl", [soon]), "--as", "clerk").code == 1
    home.clock.advance(days=150)
    later = a_person(1, decided_on="2027-06-10", served_on="2027-06-12", decision_number="新决定")
    home.publish(later, name="d.jsonl")
    assert len(listed(public, "甲测试")) == 1


def test_an_entry_expires_with_every_process_stopped(home: Home, public: FlaskClient) -> None:
    home.publish(with_term(a_person(1), "2026-12-01"), an_organisation(2))
    record = number_of(public, "甲测试")
    home.clock.moment = datetime(2026, 12, 1, 23, 59, 59, tzinfo=SHANGHAI)
    assert public.get(f"/entries/{record}").status_code == 200
    home.clock.moment = datetime(2026, 12, 2, tzinfo=SHANGHAI)
    assert public.get(f"/entries/{record}").status_code == 410
    assert listed(public, "甲测试") == []
    assert len(listed(public)) == 1
    assert home.ask("publish") == {"published": 0, "expired": 1, "sequence": 3}
    assert public.get(f"/entries/{record}").status_code == 410


def test_one_clerk_holds_and_two_people_show_again(home: Home, public: FlaskClient) -> None:
    home.publish(a_person(1))
    record = number_of(public, "甲测试")
    home.ask("hold", record, "--basis", "来信反映非本人", "--as", "clerk")
    assert public.get(f"/entries/{record}").status_code == 410
    assert home.run("hold", record, "--confirm", "--as", "clerk").code == 2
    home.ask("hold", record, "--confirm", "--as", "reviewer")
    home.ask("hold", record, "--lift", "--basis", "核实无误", "--as", "reviewer")
    assert home.run("hold", record, "--lift", "--as", "reviewer").code == 2
    assert public.get(f"/entries/{record}").status_code == 410
    home.ask("hold", record, "--lift", "--as", "second")
    assert public.get(f"/entries/{record}").status_code == 200
    assert number_of(public, "甲测试") == record


def test_a_correction_is_public_when_the_command_returns(home: Home, public: FlaskClient) -> None:
    home.publish(a_person(1))
    record = number_of(public, "甲测试")
    both = ("--confirm", "art3", "--confirm", "redactions", "--as", "reviewer")
    home.ask("correct", record, "--set", "obligation=支付货款人民币50000元。", *both)
    assert listed(public)[0]["obligation"] == "支付货款人民币50000元。"
    assert len(listed(public, "50000元")) == 1
    assert listed(public, "100000元") == []
    for setting in ("name=乙", f"id_number={citizen_number(9)}", "nonsense=1", "performance=不知道"):
        assert home.run("correct", record, "--set", setting, *both).code == 2


def test_a_restricted_record_is_never_shown(home: Home, public: FlaskClient) -> None:
    home.publish(a_person(1, disclosure="restricted", restricted_ground="privacy"), an_organisation(2))
    assert [entry["kind"] for entry in listed(public)] == ["organisation"]
    assert home.ask("publish")["sequence"] == 1


def test_rebuilding_gives_the_same_list(home: Home, public: FlaskClient) -> None:
    home.publish(*(a_person(serial, name=f"甲测试{serial}") for serial in range(1, 30)), an_organisation(40))
    home.ask("withdraw", "（2025）测0101执3号", "--ground", "wrongly_listed", "--basis", "执异", "--as", "reviewer")
    before = public.get("/api/v1/entries").json
    home.ask("index", "rebuild", "--replay")
    assert public.get("/api/v1/entries").json == before
    assert home.ask("index", "verify") == {"equal": True, "differences": []}


def test_a_push_makes_one_run_and_repeating_it_shows_it(home: Home) -> None:
    home.publish(a_person(1), an_organisation(2))
    first = home.ask("push", "--period", "2026Q3")
    again = home.ask("push", "--period", "2026Q3")
    assert first["run"] == again["run"]
    assert len(first["recipients"]) == 2
    assert home.run("push", "--period", "2026Q5").code == 2


def test_what_is_missing_from_the_full_list_is_held(home: Home, public: FlaskClient) -> None:
    people = [a_person(serial, name=f"甲测试{serial}") for serial in range(1, 11)]
    home.publish(*people)
    whole = home.write("full.jsonl", people[1:])
    done = home.ask("reconcile", whole, "--as", "clerk")
    assert (done["compared"], done["rows"], len(done["held"])) == (10, 9, 1)
    assert len(listed(public)) == 9
    cut = home.folder.parent / "cut.jsonl"
    cut.write_bytes(whole.read_bytes()[:-40])
    assert home.run("reconcile", cut, "--as", "clerk").code == 2
    assert home.run("reconcile", home.write("few.jsonl", people[1:4]), "--as", "clerk").code == 2
    assert len(listed(public)) == 9


@pytest.mark.parametrize(
    "arguments",
    [
        ("approve", "99", "--as", "reviewer"),
        ("approve", "1", "--as", "nobody"),
        ("withdraw", "SX-00000000", "--ground", "wrongly_listed", "--basis", "x", "--as", "reviewer"),
        ("withdraw", "胡写", "--ground", "wrongly_listed", "--basis", "x", "--as", "reviewer"),
        ("withdraw", "（2025）测0101执1号", "--ground", "wrongly_listed", "--basis", "x", "--as", "clerk"),
        ("profile", "--set", "policy=nowhere", "--as", "reviewer"),
        ("push", "--period", "2099Q1"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(home: Home, arguments: tuple[str, ...]) -> None:
    said = home.run(*arguments)
    assert said.code == 2
    assert said.out == ""
    assert len(said.err.strip().splitlines()) == 1
    assert "Traceback" not in said.err


def test_what_stays_inside_leaves_no_trace_in_the_numbers_of_others(home: Home, public: FlaskClient) -> None:
    secret = a_person(5, name="丁秘密", disclosure="restricted", restricted_ground="privacy")
    home.publish(a_person(1), secret, an_organisation(2))
    with_secret = [entry["record"] for entry in listed(public)]
    alone = Random(7)
    assert sorted(with_secret) == sorted(draw_number(alone) for _ in range(2))


def test_whatever_the_umask_the_public_half_can_be_read_and_the_private_cannot(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = tmp_path / "strict"
    monkeypatch.setenv("GONGSHI_HOME", str(strict))
    before = os.umask(0o077)
    try:
        home.ask("init")
    finally:
        os.umask(before)
    drop = strict / "public" / "drop"
    # Where the portal's user puts things down, and sees nothing of what lies there.
    assert drop.stat().st_mode & 0o7777 == 0o1733
    public = [path for path in (strict / "public").rglob("*") if path.name != "lock" and path != drop]
    for path in (strict, strict / "public", *public):
        wanted = 0o005 if path.is_dir() else 0o004
        assert path.stat().st_mode & wanted == wanted, path
    for path in (strict / "registry", strict / "notifier"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_damaged_key_of_what_the_public_sends_in_is_one_clear_line(home: Home) -> None:
    (home.folder / "registry" / "keys" / "submissions.key").write_text("damaged")
    for said in (home.run("init"), home.run("profile", "--new-sealing-key", "--as", "reviewer")):
        assert said.code == 2
        assert len(said.err.strip().splitlines()) == 1
        assert "程序出错" not in said.err


def test_a_new_sealing_key_reaches_the_portal_and_the_old_one_cannot_be_set_by_hand(home: Home) -> None:
    before = home.ask("profile")["sealing_key"]
    after = home.ask("profile", "--new-sealing-key", "--as", "reviewer")["sealing_key"]
    assert before
    assert after != before
    with home.court.store.snapshot(home.clock()) as snapshot:
        assert snapshot.profile().sealing_key == after
    assert home.run("profile", "--set", f"sealing_key={before}", "--as", "reviewer").code == 2
    assert home.ask("profile")["sealing_key"] == after

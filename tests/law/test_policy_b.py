"""Policy B (云南 香格里拉市), rule by rule, as law.md §2B numbers them. Each test is named by its rule.

Rules that an open interface answers (B10, B11, B33) are marked open in docs/law.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from entries import a_person
from flask.testing import FlaskClient
from homes import Home
from ruled import (
    BASIS,
    CASE,
    add_unit,
    clocks,
    entries,
    ledger,
    matter_of,
    number_of,
    register,
    row_of,
    step,
    unit_of,
)
from seats import Seat
from sqlalchemy import select

from gongshi.court import Court
from gongshi.office import open_office
from gongshi.units import bring_over
from notifier.channels.sandbox import list_letters
from notifier.recipients import SANDBOX, list_recipients
from registry.article_review import ArticleKind
from registry.articles import Text, agree_article, write_article
from registry.departing import REMOVAL_GROUNDS
from registry.matters import MatterKind, Remedy, Step, take_unit_answer
from registry.tables import ArticleRow, AuditRow, ConsentRow, RecordRow
from registry.units.consents import report_consent
from registry.units.feedback import Entered, list_owed, open_quarter, submit_feedback
from registry.units.quarters import Quarter
from registry.units.releases import carry_out, list_releases, retain
from registry.units.units import get_unit
from registry.units.words import UnitError
from search_index.day import SHANGHAI

pytestmark = pytest.mark.long
Sit = Callable[[str], Seat]


def leave(home: Home, ground: str = "performed", case: str = CASE) -> None:
    home.ask("remove", case, "--ground", ground, "--basis", "结案通知书", "--as", "reviewer")


def test_b1_entries_of_higher_courts_are_shown_with_their_origin_and_leave_with_their_list(
    listed: Home, court: Court, public: FlaskClient
) -> None:
    higher = "云南省高级人民法院"
    listed.ask("source", "add", "gaoyuan", "--court", higher, "--basis", BASIS, "--as", "reviewer")
    taken = a_person(9, court="昆测市中级人民法院", decision_number=None, decided_on=None, served_on=None)
    order = ("source", "import", "gaoyuan")
    batch = listed.ask(*order, listed.write("higher.jsonl", [taken]), "--full", "--as", "clerk")["batch"]
    assert listed.ask("approve", batch, "--as", "reviewer", "--confirm", "redactions")["approved"] == 1
    listed.ask("publish")
    found = public.get("/api/v1/entries?q=（2025）测0101执9号").get_json()["entries"]
    assert [one["origin"] for one in found] == [higher]
    said = listed.run(
        "withdraw", found[0]["record"], "--ground", "wrongly_listed", "--basis", BASIS, "--as", "reviewer"
    )
    assert f"转载自{higher}" in said.err
    listed.ask(
        *order,
        listed.write("none.jsonl", [a_person(8, court="昆测市中级人民法院")]),
        "--full",
        "--force",
        "--as",
        "clerk",
    )
    assert public.get(f"/api/v1/entries/{found[0]['record']}").status_code == 410


def test_b2_each_unit_has_a_ledger_of_its_own(listed: Home, court: Court) -> None:
    add_unit(listed, "one", "--releases")
    add_unit(listed, "other", "--feedback")
    record = number_of(court)
    leave(listed)
    assert ledger(court, "one") == [("release", record)]
    assert ledger(court, "other") == []


def test_b3_information_is_managed_published_hidden_and_withdrawn_by_steps_of_record(
    listed: Home, court: Court, public: FlaskClient
) -> None:
    record = number_of(court)
    listed.ask("hold", CASE, "--basis", "书面异议", "--as", "clerk")
    assert public.get(f"/api/v1/entries/{record}").status_code == 410
    listed.ask("withdraw", CASE, "--ground", "wrongly_listed", "--basis", "执异裁定", "--as", "reviewer")
    with court.reading() as session:
        done = list(session.scalars(select(AuditRow.action).where(AuditRow.record_id == row_of(court).id)))
    assert [word for word in done if word in ("approve", "publish", "hold", "withdraw")] == [
        "approve",
        "publish",
        "hold",
        "withdraw",
    ]


def test_b4_the_list_goes_to_the_station_and_the_centre_each_quarter(listed: Home, court: Court) -> None:
    listed.ask("push", "--period", "2026Q3")
    assert listed.run("worker", "--once").code == 0
    office = open_office(court)
    kinds = {one.slug: one.kind for one in list_recipients(office.engine)}
    assert set(kinds.values()) == {"television", "e_government"}
    for slug in kinds:
        assert (office.folder / SANDBOX / slug / "2026Q3-r1" / "list.json").exists()


def test_b5_anyone_reads_the_list_free_of_charge_and_without_an_account(court: Court, public: FlaskClient) -> None:
    for page in ("/", "/search?q=甲测试", f"/entries/{number_of(court)}", "/api/v1/entries"):
        answer = public.get(page)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers


def test_b6_units_are_sent_the_list_and_their_ledger_says_so(listed: Home, court: Court) -> None:
    (slug, *_) = [one.slug for one in list_recipients(open_office(court).engine)]
    add_unit(listed, "housing", "--push", "--recipient", slug)
    listed.ask("push", "--period", "2026Q3")
    assert listed.run("worker", "--once").code == 0
    bring_over(court, open_office(court))
    assert [kind for kind, _ in ledger(court, "housing")].count("push") == 1


def test_b7_units_report_each_quarter_and_the_overdue_are_listed(listed: Home, court: Court) -> None:
    add_unit(listed, "late", "--feedback")
    add_unit(listed, "prompt", "--feedback")
    listed.clock.moment = datetime(2027, 1, 4, 9, tzinfo=SHANGHAI)
    quarter = Quarter(2026, 4)
    with court.session() as session:
        open_quarter(session, quarter, court.acting("reviewer"))
        submit_feedback(
            session, get_unit(session, "prompt"), quarter, Entered(measures={}, remarks="无"), court.acting("u")
        )
    listed.clock.moment = datetime(2027, 3, 1, 9, tzinfo=SHANGHAI)
    with court.reading() as session:
        owed = list_owed(session, court.acting("reviewer"))
    assert [(one.unit, one.is_overdue) for one in owed] == [("late单位", True)]


def test_b8_who_must_not_be_public_is_reported_to_the_employer_on_paper_and_nowhere_else(
    home: Home, listed: Home, court: Court, public: FlaskClient, sit: Sit
) -> None:
    listed.publish(a_person(9, name="隐某某", disclosure="restricted", restricted_ground="privacy"), name="r.jsonl")
    assert "隐某某" not in json.dumps(entries(public), ensure_ascii=False)
    row = row_of(court, a_person(9)["case_number"])
    clerk, reviewer = sit("clerk"), sit("reviewer")
    values = {"kind": "sealed_notice", "record": row.id, "addressee": "测试市样例局", "relation": "restricted"}
    answer = clerk.submit(f"/letters/new?kind=sealed_notice&record={row.id}", "/letters/new", **values)
    letter = str(answer.headers["Location"]).split("?")[0]
    assert clerk.ask(f"{letter}/docx").status_code == 400
    reviewer.done(letter, f"{letter}/confirm")
    assert clerk.ask(f"{letter}/docx").status_code == 200
    listed.run("worker", "--once")
    office = open_office(court)
    for path in office.folder.rglob("*"):
        assert not path.is_file() or "隐某某".encode() not in path.read_bytes()


def test_b9_what_was_done_is_published_in_figures_without_a_name(court: Court, public: FlaskClient) -> None:
    with court.session() as session:
        text = Text(
            kind=ArticleKind.SANCTIONS, title="联合惩戒情况", body="本季度各单位限制招标投标12件次，解除3件次。"
        )
        row = write_article(session, court.vault, text, court.acting("clerk"))
        agree_article(session, court.vault, row, court.acting("reviewer"), read=True)
    court.pump.feed()
    assert (
        "限制招标投标12件次" in public.get("/articles").text + public.get(f"/articles/{find_last_article(court)}").text
    )


def find_last_article(court: Court) -> int:
    with court.reading() as session:
        found = session.scalar(select(ArticleRow.id).order_by(ArticleRow.id.desc()).limit(1))
        assert found is not None
        return found


def test_b12_b31_platforms_get_the_public_list_and_every_departure(listed: Home, tmp_path: Path) -> None:
    for name, file in (("credit_platform", "名单.xlsx"), ("credit_bureau", "名单.csv"), ("social_file", "名单.xlsx")):
        told = ("export", name, "--as", "reviewer", "--out")
        assert listed.ask(*told, tmp_path / name)["entries"] == 3
        assert (tmp_path / name / file).exists()
        assert listed.ask("package", "verify", tmp_path / name)["valid"]
    leave(listed)
    for name in ("credit_platform", "credit_bureau", "social_file"):
        done = listed.ask("export", name, "--as", "reviewer", "--since", "last", "--out", tmp_path / f"{name}-2")
        assert (done["entries"], done["departures"]) == (0, 1)


def test_b14_two_queries_without_property_are_an_event_with_evidence(listed: Home, court: Court) -> None:
    queries = ("--query", "2026-05-10", "--query", "2026-11-12")
    listed.ask("remove", CASE, "--ground", "no_property_found", "--basis", "网络查控反馈", *queries, "--as", "reviewer")
    with court.reading() as session:
        (detail,) = session.scalars(select(AuditRow.detail).where(AuditRow.action == "remove"))
    assert "2026-05-10" in json.dumps(detail)
    assert "2026-11-12" in json.dumps(detail)


def test_b15_what_is_public_can_be_asked_by_message_site_and_interface(court: Court, public: FlaskClient) -> None:
    record = number_of(court)
    document = public.get(f"/api/v1/entries/{record}").json
    assert document is not None
    assert document["name"] == "甲测试"
    from notifier.sms.texts import TEMPLATES
    from notifier.wechat import wording

    assert TEMPLATES
    assert "姓名" in wording.HELP


def test_b16_nobody_is_listed_against_the_conditions(home: Home) -> None:
    minor = a_person(5, id_number=None, birth_date="2010-01-02")
    batch = home.ask("import", home.write("m.jsonl", [a_person(4, decided_on=None)]), "--as", "clerk")["batch"]
    said = home.run("approve", batch, "--as", "reviewer", "--confirm", "art3", "--confirm", "redactions", "--json")
    assert [one["rule"] for one in said.json["refused"]] == ["decision_missing"]
    assert home.run("import", home.write("n.jsonl", [minor]), "--as", "clerk", "--json").code in (1, 2)


def test_b17_four_eyes_and_a_way_to_correct_errors(home: Home) -> None:
    batch = home.ask("import", home.write("a.jsonl", [a_person(4)]), "--as", "reviewer")["batch"]
    said = home.run("approve", batch, "--as", "reviewer", "--confirm", "art3", "--confirm", "redactions", "--json")
    assert [one["rule"] for one in said.json["refused"]] == ["same_person"]
    home.ask("approve", batch, "--as", "second", "--confirm", "art3", "--confirm", "redactions")
    home.ask("publish")
    changed = home.ask(
        "correct",
        a_person(4)["case_number"],
        "--set",
        "basis_issuer=测试市中级人民法院",
        "--confirm",
        "art3",
        "--as",
        "second",
    )
    assert changed["sequence"] == 2


def test_b18_nothing_is_published_before_the_decision_is_served(home: Home) -> None:
    batch = home.ask("import", home.write("a.jsonl", [a_person(4, served_on=None)]), "--as", "clerk")["batch"]
    said = home.run("approve", batch, "--as", "reviewer", "--confirm", "art3", "--confirm", "redactions", "--json")
    assert [one["rule"] for one in said.json["refused"]] == ["not_served"]
    assert home.ask("publish")["published"] == 0


def test_b19_fifteen_days_to_review_three_to_withdraw_ten_to_ask_above_and_none_is_too_late(
    listed: Home, court: Court
) -> None:
    listed.run("profile", "--as", "reviewer", "--set", "policy=yunnan")
    right = register(court, MatterKind.OBJECTION, received_on=date(2026, 11, 16))
    assert clocks(court)["correction_review"] == date(2026, 12, 1)
    step(court, right, Step.REVIEW)
    step(court, right, Step.UPHOLD, basis="纠正决定书", words="已经付清", remedy=Remedy.WITHDRAW)
    assert clocks(court)["correction_fix"] == date(2026, 11, 23)
    wrong = register(court, MatterKind.OBJECTION, received_on=date(2026, 11, 16))
    step(court, wrong, Step.REVIEW)
    step(court, wrong, Step.REJECT, basis="驳回决定书", words="没有新的证据")
    step(court, wrong, Step.SERVE, on=court.today)
    assert clocks(court)["reconsideration_request"] == date(2026, 11, 30)
    # Years after the decision was served, and still taken.
    assert matter_of(court, register(court, MatterKind.OBJECTION)).state == "received"


def test_b20_units_are_told_that_it_is_being_verified_and_the_list_stays(
    listed: Home, court: Court, public: FlaskClient
) -> None:
    add_unit(listed, "one", "--releases")
    matter = register(court, MatterKind.OBJECTION)
    step(court, matter, Step.REVIEW)
    assert ("verification", number_of(court)) in [(kind, record) for kind, record in ledger(court, "one")]
    assert "甲测试" in [entry["name"] for entry in entries(public)]


@pytest.mark.parametrize("ground", [ground for ground in REMOVAL_GROUNDS if ground != "early"])
def test_b21_each_ground_takes_the_name_down_and_the_notice_tells_by_case_number(
    listed: Home, court: Court, public: FlaskClient, ground: str
) -> None:
    listed.run("profile", "--as", "reviewer", "--set", "policy=yunnan")
    listed.ask("publish")
    leave(listed, ground)
    listed.run("worker", "--once")
    assert "甲测试" not in [entry["name"] for entry in entries(public)]
    page = public.get("/notices").text
    assert CASE in page
    assert "甲测试" not in page


def test_b21_a_ground_left_undecided_hides_the_entry_on_its_last_day(
    listed: Home, court: Court, public: FlaskClient
) -> None:
    listed.run("profile", "--as", "reviewer", "--set", "policy=yunnan")
    listed.ask("publish")
    ground = ("--ground", "closed", "--basis", "终结执行裁定", "--arose", "2026-11-16", "--as", "clerk")
    added = listed.ask("ground", "add", CASE, *ground)
    assert added["due"] == "2026-11-19"
    listed.clock.moment = datetime(2026, 11, 19, 17, 59, tzinfo=SHANGHAI)
    listed.run("worker", "--once")
    assert "甲测试" in [entry["name"] for entry in entries(public)]
    listed.clock.moment = datetime(2026, 11, 19, 18, 0, 1, tzinfo=SHANGHAI)
    listed.run("worker", "--once")
    assert "甲测试" not in [entry["name"] for entry in entries(public)]


def test_b22_units_lift_at_once_and_what_is_kept_has_a_basis_and_an_end(listed: Home, court: Court) -> None:
    add_unit(listed, "one", "--releases")
    listed.run("profile", "--as", "reviewer", "--set", "policy=yunnan")
    path = listed.folder.parent / "measures.csv"
    path.write_text(f"代码,措施,责任单位,依据\nM-1,限制甲,one,{BASIS}\n", encoding="utf-8")
    listed.ask("unit", "measure", "import", path, "--as", "reviewer")
    leave(listed)
    assert clocks(court)["units_told"] <= court.today + timedelta(days=5)
    with court.session() as session:
        unit = get_unit(session, "one")
        ((release,), _) = list_releases(session, unit.id)
        with pytest.raises(UnitError):
            retain(
                session,
                unit,
                release.id,
                measure="M-1",
                basis="",
                ends_on=court.today + timedelta(days=30),
                acting=court.acting("u"),
            )
        retain(
            session,
            unit,
            release.id,
            measure="M-1",
            basis="行政处罚法",
            ends_on=court.today + timedelta(days=30),
            acting=court.acting("u"),
        )
        assert carry_out(session, unit, release.id, court.acting("u"))


def test_b23_repair_is_asked_by_who_has_left_and_decided_by_the_unit_after_consulting(
    listed: Home, court: Court
) -> None:
    add_unit(listed, "one", "--releases")
    leave(listed)
    matter = register(court, MatterKind.REPAIR, unit=None)
    with court.session() as session:
        unit = unit_of(court, "one")
        row = session.get(RecordRow, row_of(court).id)
        assert row is not None
        assert row.state == "removed"
    step(court, matter, Step.CONSULT, unit=unit, words="拟予修复，请法院说明履行情况")
    step(court, matter, Step.GIVE_VIEW, words="已全部履行，没有异议")
    step(court, matter, Step.ALLOW, words="同意修复", basis="信用修复决定")
    step(court, matter, Step.EXPORT, on=court.today)
    assert matter_of(court, matter).closed_at is not None


def test_b23_an_agreed_repair_goes_to_the_credit_platform_by_number_alone(
    listed: Home, court: Court, tmp_path: Path
) -> None:
    add_unit(listed, "one", "--releases")
    told = ("export", "credit_platform", "--format", "csv", "--as", "reviewer", "--out")
    listed.ask(*told, tmp_path / "1")
    leave(listed)
    matter = register(court, MatterKind.REPAIR, unit=None)
    step(court, matter, Step.CONSULT, unit=unit_of(court, "one"), words="拟予修复，请法院说明履行情况")
    step(court, matter, Step.GIVE_VIEW, words="已全部履行，没有异议")
    step(court, matter, Step.ALLOW, words="同意甲测试修复", basis="甲测试信用修复决定书测信修〔2026〕3号")
    done = listed.ask(*told, tmp_path / "2", "--since", "last")
    assert (done["repairs"], done["departures"]) == (1, 1)
    rows = (tmp_path / "2" / "信用修复.csv").read_text("utf-8-sig").splitlines()
    record, _day, number, _court = rows[1].split(",")
    assert (len(rows), record, number) == (2, row_of(court).number, "测信修〔2026〕3号")
    assert not any("甲测试" in file.read_text(errors="ignore") for file in (tmp_path / "2").iterdir())
    # Until it is noted that the platform was told, each increment tells it again.
    step(court, matter, Step.EXPORT, on=court.today)
    listed.clock.advance(minutes=1)
    listed.ask(*told, tmp_path / "3", "--since", "last")
    listed.clock.advance(minutes=1)
    assert listed.ask(*told, tmp_path / "4", "--since", "last")["repairs"] == 0


def test_b24_the_terms_forbid_use_for_profit(public: FlaskClient) -> None:
    assert "营利" in public.get("/about").text


def test_b25_a_complaint_is_routed_answered_and_told_with_a_day(listed: Home, court: Court) -> None:
    add_unit(listed, "one", "--push")
    matter = register(court, MatterKind.COMPLAINT)
    assert "complaint" in clocks(court)
    step(court, matter, Step.ROUTE, unit=unit_of(court, "one"))
    with court.session() as session:
        take_unit_answer(session, court.vault, matter, unit_of(court, "one"), "已经核查并处理", court.acting("one-1"))
    step(court, matter, Step.TELL, words="已告知", on=court.today)
    assert matter_of(court, matter).closed_at is not None
    assert "complaint" not in clocks(court)


def test_b26_what_is_agreed_to_all_the_same_is_reported_at_once_with_the_reason(listed: Home, court: Court) -> None:
    add_unit(listed, "one", "--feedback")
    path = listed.folder.parent / "measures.csv"
    path.write_text(f"代码,措施,责任单位,依据\nM-1,限制甲,one,{BASIS}\n", encoding="utf-8")
    listed.ask("unit", "measure", "import", path, "--as", "reviewer")
    record = number_of(court)
    with court.session() as session:
        unit = get_unit(session, "one")
        with pytest.raises(UnitError):
            report_consent(session, unit, record=record, measure="M-1", reason=" ", acting=court.acting("one-1"))
        report_consent(
            session, unit, record=record, measure="M-1", reason="涉及公共利益，经集体研究", acting=court.acting("one-1")
        )
    with court.reading() as session:
        kept = [(row.record, row.reason) for row in session.scalars(select(ConsentRow))]
    assert kept == [(record, "涉及公共利益，经集体研究")]


def test_b28_a_unit_names_its_department(listed: Home) -> None:
    listed.ask(
        "unit",
        "add",
        "one",
        "--name",
        "一单位",
        "--department",
        "法规科",
        "--feedback",
        "--basis",
        BASIS,
        "--as",
        "reviewer",
    )
    (unit,) = listed.ask("unit", "list")["units"]
    assert unit["department"] == "法规科"


def test_b29_media_get_only_what_is_public(listed: Home, court: Court) -> None:
    listed.ask("push", "--period", "2026Q3")
    folder = Path(open_office(court).folder) / "packages" / "2026Q3" / "r1"
    listing = json.loads((folder / "list.json").read_text(encoding="utf-8"))
    secret = a_person(1)
    whole = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for value in (secret["id_number"], secret["phone"], secret["employer"], secret["address"]):
        assert value.encode() not in whole
    assert len(listing["entries"]) == 3


def test_b30_the_media_publish_on_the_courts_commission(
    listed: Home, court: Court, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGSHI_COMMISSION_NUMBER", "（{year}）测委托{quarter}号")
    listed.ask("push", "--period", "2026Q3")
    folder = Path(court.settings.notifier) / "packages" / "2026Q3" / "r1"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert "（2026）测委托3号" in json.dumps(manifest, ensure_ascii=False)


def test_b34_each_unit_has_a_liaison_and_who_it_is_is_sealed(listed: Home, court: Court) -> None:
    add_unit(listed, "one", "--push")
    listed.ask("unit", "liaison", "one", "--name", "戊联络", "--phone", "0000-0000000", "--as", "reviewer")
    database = (court.settings.private / "registry.db").read_bytes()
    wal = court.settings.private / "registry.db-wal"
    assert "戊联络".encode() not in database + (wal.read_bytes() if wal.exists() else b"")


def test_b21_who_was_sent_the_entry_is_told(listed: Home, court: Court) -> None:
    listed.ask("push", "--period", "2026Q3")
    listed.run("worker", "--once")
    leave(listed)
    listed.run("worker", "--once")
    office = open_office(court)
    letters = [
        letter for one in list_recipients(office.engine) for letter in list_letters(office.folder / SANDBOX, one.slug)
    ]
    assert letters

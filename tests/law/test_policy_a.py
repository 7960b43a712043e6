"""Policy A (河南 漯河市召陵区), rule by rule, as law.md §2A numbers them. Each test is named by its rule.

Rules that an open interface or a display answers (A2's LED, A6–A9) are marked open in docs/law.md.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import fields

import pytest
from entries import a_person
from flask.testing import FlaskClient
from homes import Home
from openpyxl import load_workbook
from ruled import CASE, add_unit, entries, ledger, number_of, row_of
from seats import Seat

from gongshi.court import Court
from gongshi.office import open_office
from gongshi.units import bring_over
from notifier.recipients import list_recipients
from registry.article_review import ArticleKind
from registry.articles import ArticleRefused, Text, agree_article, write_article
from registry.record import Facts
from registry.units.quarters import Quarter
from registry.units.sheets import build_assessment, select_units

pytestmark = pytest.mark.long
Sit = Callable[[str], Seat]
CASE_TEXT = "被执行人有履行能力而拒不履行，被纳入名单后主动付清全部款项，法院当日删除其信息。"
# Art. 6 of the Provisions, and what the product adds of itself: its number, days, and the spelling of a name.
PUBLIC = {
    *(
        "record",
        "kind",
        "name",
        "latin_name",
        "gender",
        "age",
        "id_number",
        "uscc",
        "legal_representative",
        "court",
        "origin",
    ),
    *("region", "basis_number", "basis_issuer", "case_number", "filed_on", "obligation", "performance"),
    *("performed_part", "unperformed_part", "conduct", "published_on", "term_ends_on", "visible_until", "updated_at"),
    *("match", "found_in"),
}


def test_a1_units_are_told_of_what_changed_and_sent_the_whole_list(listed: Home, court: Court) -> None:
    (slug, *_) = [one.slug for one in list_recipients(open_office(court).engine)]
    add_unit(listed, "one", "--push", "--releases", "--recipient", slug)
    listed.ask("push", "--period", "2026Q3")
    listed.run("worker", "--once")
    listed.ask("remove", CASE, "--ground", "closed", "--basis", "终结执行裁定", "--as", "reviewer")
    bring_over(court, open_office(court))
    kinds = [kind for kind, _ in ledger(court, "one")]
    assert "push" in kinds
    assert "release" in kinds


def test_a2_a_typical_case_names_nobody_and_two_people_stand_for_it(court: Court, public: FlaskClient) -> None:
    clerk, reviewer = court.acting("clerk"), court.acting("reviewer")
    named = Text(
        kind=ArticleKind.CASE, title="典型案例", body="被执行人王小明拒不履行，身份证号码" + a_person(7)["id_number"]
    )
    with court.session() as session, pytest.raises(ArticleRefused):
        write_article(session, court.vault, named, clerk)
    with court.session() as session:
        row = write_article(session, court.vault, Text(kind=ArticleKind.CASE, title="典型案例", body=CASE_TEXT), clerk)
        with pytest.raises(ArticleRefused):
            agree_article(session, court.vault, row, clerk, read=True)
        agree_article(session, court.vault, row, reviewer, read=True)
    court.pump.feed()
    assert "典型案例" in public.get("/articles").text


def test_a3_the_media_get_one_package_with_a_proof_and_the_recall_of_who_left(listed: Home, court: Court) -> None:
    listed.ask("push", "--period", "2026Q3")
    folder = open_office(court).folder / "packages" / "2026Q3" / "r1"
    names = {path.name for path in folder.iterdir()}
    assert {"manifest.json", "list.json"} <= names
    assert listed.run("package", "verify", folder).code == 0


def test_a4_the_civilisation_office_gets_the_list_as_any_unit(listed: Home) -> None:
    add_unit(listed, "wenming", "--push")
    (unit,) = listed.ask("unit", "list")["units"]
    assert unit["receives"]["push"] is True


def test_a5_discipline_inspection_is_told_on_paper_and_the_system_knows_no_party_membership(
    listed: Home, court: Court, sit: Sit
) -> None:
    assert not {"party", "party_member", "membership"} & {field.name for field in fields(Facts)}
    clerk = sit("clerk")
    record = row_of(court).id
    page = f"/letters/new?kind=discipline_notice&record={record}"
    assert clerk.ask(page).status_code == 200
    assert "党员" not in clerk.words(page).replace("是否为党员，由该单位自行核对", "")


def test_a13_each_unit_names_a_person_and_signs_in_by_itself(listed: Home) -> None:
    add_unit(listed, "one", "--push")
    listed.ask("unit", "liaison", "one", "--name", "戊联络", "--phone", "0000-0000000", "--as", "reviewer")
    assert listed.ask("unit", "account", "one", "one-1", "--as", "reviewer")["secret"]


def test_a14_the_assessment_sheet_counts_by_unit(listed: Home, court: Court) -> None:
    add_unit(listed, "one", "--feedback")
    add_unit(listed, "two", "--feedback")
    with court.reading() as session:
        content = build_assessment(session, select_units(session), [Quarter(2026, 3)], court.acting("reviewer"))
    sheet = load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    cells = {str(cell) for row in sheet.iter_rows(values_only=True) for cell in row}
    assert {"one单位", "two单位"} <= cells


def test_a15_everybody_may_use_the_list(public: FlaskClient) -> None:
    assert {entry["name"] for entry in entries(public)} == {"甲测试", "买买提·测试", "测试市甲商贸有限公司"}


def test_a16_exposure_never_goes_beyond_article_6(court: Court, public: FlaskClient) -> None:
    for entry in entries(public):
        assert set(entry) <= PUBLIC
    page = public.get(f"/entries/{number_of(court)}").text + json.dumps(entries(public), ensure_ascii=False)
    secret = a_person(1)
    for value in (
        secret["id_number"],
        secret["phone"],
        secret["employer"],
        secret["address"],
        secret["note"],
        "乙申请",
    ):
        assert value not in page

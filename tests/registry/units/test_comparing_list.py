"""Comparing with a whole list, through the interface: what each unit is told of each entry, and what is written down."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog
from compare_town import MASKED, SECRETS, SLUGS, START, WHO, Town, case, furnish
from entries import a_person, citizen_number
from fresh import PARTS
from homes import Clock, Home
from jsonschema_rs import Draft202012Validator
from sqlalchemy import event, select, text
from unit_machine import Machine, faults, problem
from unit_world import open_units

from gongshi.synthetic import build_citizen_number, build_uscc
from registry.tables import AuditRow, LedgerRow, RecordRow, UnitUseRow
from registry.unit_api.openapi import build_openapi
from registry.units.candidates import find_candidates
from registry.units.compare_book import compare_rows
from registry.units.compare_rows import Fault, read_row
from registry.units.comparing import Applicant, Verdict, compare
from registry.units.ledger import LedgerKind
from registry.units.releases import carry_out, lift, list_releases, list_retained, retain
from registry.units.units import get_unit
from registry.units.uses import Given, User

pytestmark = pytest.mark.long


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone, but for the one test that asks both."""
    return {}


@pytest.fixture(scope="session")
def furnished_town(tmp_path_factory: pytest.TempPathFactory, founded: Path) -> tuple[Path, dict[str, str]]:
    """A home to be copied, and the keys."""
    folder = tmp_path_factory.mktemp("town") / "home"
    shutil.copytree(founded, folder, symlinks=True)
    out = StringIO()

    def capture() -> tuple[str, str]:
        said = out.getvalue()
        out.seek(0)
        out.truncate()
        return said, ""

    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(StringIO()):
        patch.setenv("GONGSHI_HOME", str(folder))
        for part in PARTS:
            patch.delenv(f"GONGSHI_{part.upper()}_URL", raising=False)
        keys = furnish(Home(folder, Clock(), capture))
    structlog.reset_defaults()
    return folder, keys


@pytest.fixture
def town(home: Home, furnished_town: tuple[Path, dict[str, str]]) -> Iterator[Town]:
    folder, keys = furnished_town
    shutil.rmtree(home.folder)
    shutil.copytree(folder, home.folder, symlinks=True)
    home.clock.moment = START + timedelta(hours=1)
    made = home.court
    yield Town(home, made, open_units(home), keys)
    made.close()


def test_the_hidden_digits_of_a_number_cannot_be_tried_out(town: Town) -> None:
    """The public sees ten digits and the last four; of the days of a year those with that check character are some thirty."""
    real = citizen_number(1)
    days = [date(int(real[6:10]), 1, 1) + timedelta(days=n) for n in range(365)]
    tried = [build_citizen_number(real[:6], day, int(real[14:17])) for day in days]
    agreeing = [number for number in tried if number[-1] == real[-1] and number[10:14] != real[10:14]][:30]
    assert len(agreeing) > 20

    def refused(*numbers: str, name: str = "甲测试") -> str:
        persons = [{"name": name, "id_number": number} for number in numbers]
        answer = town.machine().post("/compare", {**WHO, "persons": persons})
        assert answer.status_code == 409, answer.text
        return str(answer.text)

    said = refused(*agreeing, real)
    assert "疑似" in said
    assert real not in said
    # Neither one by one nor under another name, nor in another writing, the same day.
    refused(agreeing[0])
    refused(real, name="某某")
    refused(real, name="甲測試")
    assert town.one(name="甲测试", id_number=real)["verdict"] == "exact", "whoever knows the number is answered"
    assert town.one("tax", name="甲測試", id_number=real)["verdict"] == "exact", "once is no guessing"
    with town.court.reading() as session:
        lines = session.scalars(select(AuditRow).where(AuditRow.action == "unit_guess")).all()
        assert [line.detail["count"] for line in lines] == [
            len(agreeing),
            len(agreeing) + 1,
            *range(len(agreeing) + 2, len(agreeing) + 4),
            1,
        ]
        kept = session.scalars(select(UnitUseRow.hits).where(UnitUseRow.action == "guess")).all()
    assert sum(kept) == len(agreeing) + 4
    town.home.clock.moment += timedelta(days=1)
    assert town.one(name="甲測試", id_number=real)["verdict"] == "exact"


def test_a_name_in_two_writings_loses_no_masked_agreement(town: Town) -> None:
    masked = f"{citizen_number(1)[:10]}****{citizen_number(1)[-4:]}"
    other = f"{citizen_number(33)[:10]}****{citizen_number(33)[-4:]}"
    results = town.ask({"name": "甲测试", "id_number": other}, {"name": "甲測試", "id_number": masked})["results"]
    assert [one["verdict"] for one in results] == ["none", "masked_agree"]


def test_a_whole_number_finds_its_entry_and_the_document_the_public_sees(town: Town) -> None:
    result = town.one(name="甲测试", id_number=citizen_number(1).lower(), role="申请人", ref=1)
    (hit,) = result["hits"]
    assert (result["verdict"], result["status"], hit["status"]) == ("exact", "LISTED", "LISTED")
    assert hit["record"] == town.number(1)
    with town.court.store.snapshot(town.court.now) as snapshot:
        document = snapshot.document(hit["record"])
    assert document is not None
    assert hit["document"] == document.as_json()
    assert "****" in hit["document"]["id_number"]
    assert (result["ref"], result["role"]) == ("1", "申请人")
    assert hit["objection"]["court"] == "测试市人民法院"
    renamed = town.one(name="甲新名", id_number=citizen_number(1))
    assert renamed["verdict"] == "exact"
    assert "姓名或者名称不同" in renamed["reason"]


@pytest.mark.parametrize(
    ("person", "verdict", "says"),
    [
        ({"name": "甲测试", "id_number": citizen_number(33)}, "none", "号码不同，不是同一人"),
        ({"name": "丁测试", "id_number": citizen_number(33)}, "none", "没有相符"),
        ({"name": "甲测试"}, "name_only", "2个同名"),
        ({"name": "扎西次仁"}, "name_only", "1个同名"),
        ({"name": "扎西•次仁", "id_number": citizen_number(11)}, "exact", "完全相同"),
        ({"name": "乙测试", "id_number": citizen_number(3)}, "masked_agree", "核对完整号码"),
        ({"name": "丁测试", "id_number": citizen_number(3)}, "none", "没有相符"),
        ({"name": "乙测试", "id_number": build_citizen_number("990101", date(1981, 1, 2), 3)}, "none", "不是同一人"),
        (
            {"name": "甲测试", "id_number": f"{citizen_number(1)[:6]}********{citizen_number(1)[-4:]}"},
            "masked_agree",
            "",
        ),
        ({"name": "甲測試", "id_number": f"{citizen_number(1)[:10]}****{citizen_number(1)[-4:]}"}, "masked_agree", ""),
        ({"name": "甲测试", "id_number": f"{citizen_number(33)[:10]}****{citizen_number(33)[-4:]}"}, "none", ""),
        ({"name": "约翰", "id_number": "e12345678"}, "exact", ""),
        ({"name": "John Test", "id_number": "E12345678"}, "exact", ""),
        ({"name": "李约翰", "id_number": "E12345678"}, "name_only", "不能相互比对"),
        ({"name": "约翰", "id_number": citizen_number(33)}, "name_only", "不能相互比对"),
        ({"name": "约翰", "id_number": "G99999999"}, "name_only", "不能相互比对"),
        ({"name": "测试市甲商贸有限公司", "uscc": build_uscc("91", "990101", 5)}, "exact", ""),
        ({"name": "测试市甲商贸有限公司", "uscc": build_uscc("91", "990101", 6)}, "none", "不是同一人"),
        # 单位失信不牵连: who represents a company is not listed with it.
        ({"name": "丙代表"}, "none", "没有相符"),
        ({"name": "丙代表", "id_number": citizen_number(5)}, "none", "没有相符"),
        ({"name": "乙申请"}, "none", "没有相符"),
        # An applicant who is a minor is compared as anybody: nobody under age is listed.
        ({"name": "甲测试", "id_number": build_citizen_number("990101", date(2018, 5, 1), 1)}, "none", "不是同一人"),
    ],
)
def test_what_a_row_comes_to(town: Town, person: dict[str, Any], verdict: str, says: str) -> None:
    result = town.one(**person)
    assert result["verdict"] == verdict, result["reason"]
    assert says in result["reason"]
    assert bool(result["hits"]) == (verdict in ("exact", "masked_agree"))
    assert (result["namesakes"] or 0) > 0 or verdict != "name_only"
    if verdict in ("none", "name_only"):
        assert result["status"] is None


def test_what_is_not_on_the_list_is_as_if_it_had_never_been(town: Town) -> None:
    absent = town.one(slug="tax", name="丁测试", id_number=citizen_number(34))
    for serial, name in ((6, "戊测试"), (7, "己测试"), (8, "庚测试")):
        for number in (citizen_number(serial), f"{citizen_number(serial)[:10]}****{citizen_number(serial)[-4:]}", None):
            assert town.one(slug="tax", name=name, id_number=number) == absent
    town.withdraw(10)
    assert town.one(slug="tax", name="壬测试", id_number=citizen_number(10)) == absent


def test_as_much_work_is_done_for_the_hidden_as_for_the_absent(town: Town) -> None:
    opened: list[str] = []
    vault, asked = town.court.vault, list[str]()
    vault_open = vault.open
    town.court.__dict__["vault"] = vault
    vault.open = lambda sealed, context: opened.append(context) or vault_open(sealed, context)  # type: ignore[method-assign,func-returns-value]

    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    event.listen(town.court.engine, "before_cursor_execute", count)
    work = []
    for name, serial in (("丁测试", 34), ("戊测试", 6), ("己测试", 7), ("庚测试", 8)):
        asked.clear()
        opened.clear()
        town.one(slug="tax", name=name, id_number=citizen_number(serial))
        work.append((list(asked), list(opened)))
    event.remove(town.court.engine, "before_cursor_execute", count)
    assert all(one == work[0] for one in work)
    assert work[0][1] == []


def test_what_is_not_public_by_law_goes_to_the_entitled_unit_alone_without_a_document(town: Town) -> None:
    result = town.one(slug="discipline", name="戊测试", id_number=citizen_number(6))
    (hit,) = result["hits"]
    assert (result["verdict"], hit["restricted"], hit["document"], hit["record"]) == ("exact", True, None, None)
    assert hit["entry"]["case_number"] == case(6)
    assert hit["entry"]["conduct"] == [
        {"code": "refuses_though_able", "text": "有履行能力而拒不履行生效法律文书确定义务"}
    ]
    assert town.one(slug="housing", name="戊测试", id_number=citizen_number(6))["verdict"] == "none"
    # Not even the name alone tells that there is one.
    assert town.one(slug="discipline", name="戊测试")["verdict"] == "none"


def test_while_an_objection_is_looked_into_measures_are_left_undone(town: Town) -> None:
    town.object(1)
    result = town.one(name="甲测试", id_number=citizen_number(1))
    assert result["status"] == "UNDER_VERIFICATION"
    assert "暂不执行" in result["reason"]
    assert town.one(name="甲测试", id_number=citizen_number(2))["status"] == "LISTED"


def test_a_departure_is_told_until_the_unit_has_lifted_everything(town: Town) -> None:
    person = {"name": "壬测试", "id_number": citizen_number(10)}
    assert town.one(**person)["status"] == "LISTED"
    number = town.withdraw(10)
    result = town.one(**person)
    (hit,) = result["hits"]
    assert (result["verdict"], hit["status"], hit["document"], hit["record"]) == ("exact", "RELEASED", None, number)
    assert hit["released"]["told_on"] == "2026-10-08"
    assert "应当立即解除" in result["reason"]
    # Another unit was told nothing, and learns nothing.
    assert town.one(slug="tax", **person)["hits"] == []
    assert town.ask(person)["meta"]["hits"] == 0
    court = town.court
    with court.session() as session:
        unit, acting = get_unit(session, "housing"), court.acting("unit:housing1")
        (release,) = [one for one in list_releases(session, unit.id, open_only=True)[0] if one.record == number]
        retain(
            session,
            unit,
            release.id,
            measure="M-1",
            basis="不动产登记暂行条例",
            ends_on=date(2026, 12, 1),
            acting=acting,
        )
        carry_out(session, unit, release.id, acting)
    (hit,) = town.one(**person)["hits"]
    assert hit["released"]["done"]
    assert hit["released"]["retained"] == [{"measure": "M-1", "basis": "不动产登记暂行条例", "ends_on": "2026-12-01"}]
    with court.session() as session:
        unit = get_unit(session, "housing")
        (kept,) = list_retained(session, unit.id, court.today)
        lift(session, unit, kept.id, court.acting("unit:housing1"))
    assert town.one(**person) == town.one(name="丁测试", id_number=citizen_number(34))


def test_an_end_that_nobody_swept_ends_it_and_no_answer_outlives_it(town: Town) -> None:
    person = {"name": "辛测试", "id_number": citizen_number(9)}
    town.home.clock.moment = datetime.fromisoformat("2026-10-20T23:59:30+08:00")
    result = town.one(**person)
    assert (result["status"], result["valid_until"]) == ("LISTED", "2026-10-21T00:00:00+08:00")
    town.home.clock.moment = datetime.fromisoformat("2026-10-21T00:00:00+08:00")
    assert town.one(**person)["verdict"] == "none"
    # At the year's end as on any day: the answer is good for the day.
    town.home.clock.moment = datetime.fromisoformat("2026-12-31T23:59:59+08:00")
    assert town.one(name="甲测试")["valid_until"] == "2027-01-01T00:00:00+08:00"


def test_a_departure_is_not_a_hit_at_the_next_question(town: Town) -> None:
    person = {"name": "甲测试", "id_number": citizen_number(1)}
    before = town.ask(person)["meta"]["sequence"]
    town.withdraw(1)
    after = town.ask(person)
    assert after["meta"]["sequence"] > before
    assert after["results"][0]["status"] == "RELEASED"
    assert town.ask({"name": "甲测试"})["results"][0]["namesakes"] == 1


def test_rows_go_through_beside_rows_that_cannot_be_read(town: Town) -> None:
    wrong = citizen_number(1)[:-1] + ("1" if citizen_number(1)[-1] != "1" else "2")
    rows = [
        {"name": "甲测试", "id_number": wrong, "ref": "1"},
        {"name": "甲测试", "id_number": citizen_number(1), "ref": "2"},
        {"name": "甲测试", "id_number": citizen_number(1), "ref": "2"},
        {"ref": "3", "name": "\u0000"},
        "nobody",
    ]
    answer = town.ask(*rows)
    verdicts = [one["verdict"] for one in answer["results"]]
    assert verdicts == ["error", "exact", "exact", "error", "error"]
    assert answer["results"][0]["error"]["field"] == "id_number"
    assert "校验码" in answer["results"][0]["reason"]
    assert wrong not in json.dumps(answer)
    assert [one["row"] for one in answer["results"]] == [1, 2, 3, 4, 5]
    assert (answer["meta"]["rows"], answer["meta"]["hits"]) == (5, 2)


def test_the_related_persons_of_an_application_are_told_together(town: Town) -> None:
    answer = town.ask(
        {"name": "测试市甲商贸有限公司", "uscc": build_uscc("91", "990101", 5), "application": "A1", "role": "申请人"},
        {"name": "丙代表", "id_number": citizen_number(40), "application": "A1", "role": "法定代表人"},
        {"name": "丁测试", "id_number": citizen_number(41), "application": "A2"},
        {"name": "", "application": "A2"},
    )
    assert answer["applications"] == [
        {"application": "A1", "rows": [1, 2], "hits": [1], "verdict": "exact"},
        {"application": "A2", "rows": [3, 4], "hits": [], "verdict": "none"},
    ]


def test_what_is_written_down_names_nobody_who_was_asked_about(town: Town) -> None:
    person = {"name": "甲测试", "id_number": citizen_number(1), "role": "申请人"}
    town.ask(person, person, {"name": "丁未列", "id_number": citizen_number(44)}, reference="房-2026-77")
    with town.court.reading() as session:
        use = session.scalars(select(UnitUseRow)).one()
        lines = session.scalars(select(LedgerRow).where(LedgerRow.kind.in_(["compare", "hit"]))).all()
        noted = session.scalars(select(AuditRow).where(AuditRow.action == "unit_compare")).one()
        every = [
            str(row)
            for table in ("ledger", "unit_use", "audit", "unit_event", "notice")
            for row in session.execute(text(f"SELECT * FROM {table}"))
        ]
        assert (use.action, use.rows, use.hits, use.purpose, use.operator) == ("compare", 3, 2, *WHO.values())
        assert use.reference == "房-2026-77"
        assert [(line.kind, line.record, line.count) for line in lines] == [
            (LedgerKind.COMPARE, None, 3),
            (LedgerKind.HIT, town.number(1), None),
        ]
        assert noted.detail == {"unit": "housing", "rows": 3, "hits": 2, "purpose": WHO["purpose"]}
    said = "".join(every)
    for private in ("丁未列", citizen_number(44), *SECRETS):
        assert private not in said


def test_no_answer_holds_what_is_sealed(town: Town) -> None:
    said = town.machine().post(
        "/compare",
        {
            **WHO,
            "persons": [{"name": "甲测试", "id_number": citizen_number(1)}, {"name": "乙测试", "id_number": MASKED}],
        },
    )
    for private in SECRETS:
        assert private not in said.text


def test_a_unit_that_is_retired_gets_no_answer(town: Town) -> None:
    town.retire("housing")
    answer = town.machine().post("/compare", {**WHO, "persons": [{"name": "甲测试"}]})
    problem(answer, 401, "unknown-key")
    with town.court.reading() as session:
        assert session.scalars(select(UnitUseRow)).all() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"persons": [{"name": "甲测试"}]}, "purpose"),
        ({**WHO, "purpose": " ", "persons": [{"name": "甲测试"}]}, "purpose"),
        ({**WHO, "operator": "", "persons": [{"name": "甲测试"}]}, "operator"),
        ({**WHO, "purpose": citizen_number(1), "persons": [{"name": "甲测试"}]}, "purpose"),
        ({**WHO, "persons": []}, "persons"),
        ({**WHO, "persons": {"name": "甲测试"}}, "persons"),
        ({**WHO}, "persons"),
        ({**WHO, "persons": [{"name": "甲测试"}] * 1001}, "persons"),
        ({**WHO, "persons": [{"name": "甲测试"}], "reference": "9" * 65}, "reference"),
        ({**WHO, "persons": [{"name": "甲测试"}], "extra": 1}, "extra"),
    ],
)
def test_a_call_that_cannot_be_answered_is_refused_whole(town: Town, body: dict[str, Any], field: str) -> None:
    assert field in faults(town.machine().post("/compare", body))
    with town.court.reading() as session:
        assert session.scalars(select(UnitUseRow)).all() == []


def test_a_key_without_the_scope_may_not(town: Town) -> None:
    key = town.home.ask("unit", "key", "add", "housing", "other", "--scope", "changes", "--as", "reviewer")["secret"]
    answer = Machine(town.app, key).post("/compare", {**WHO, "persons": [{"name": "甲测试"}]})
    assert problem(answer, 403, "missing-scope")["scope"] == "compare"


def test_answers_are_as_described(town: Town) -> None:
    town.object(2)
    town.withdraw(10)
    described = build_openapi()
    schema = described["paths"]["/compare"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": described["components"]}, validate_formats=True)
    for slug in SLUGS:
        answer = town.ask(
            *(
                {"name": name, "id_number": citizen_number(n)}
                for n, name in ((1, "甲测试"), (2, "甲测试"), (6, "戊测试"))
            ),
            {"name": "壬测试", "id_number": citizen_number(10), "application": "A"},
            {"name": "甲测试"},
            {"name": 5},
            slug=slug,
        )
        validator.validate(answer)


def test_looking_up_in_bulk_says_what_comparing_one_by_one_says(town: Town) -> None:
    """Every applicant against every record that is public, by the pure comparison, beside what the database found."""
    court, names = town.court, ("甲测试", "乙测试", "约翰", "测试市甲商贸有限公司", "辛测试", "扎西次仁", "丁测试")
    numbers = [None, "E12345678", "G7654321", MASKED, f"{citizen_number(1)[:6]}{'*' * 10}{citizen_number(1)[-2:]}"]
    numbers += [citizen_number(n) for n in range(1, 12)]
    rows = [read_row({"name": name, "id_number": number}) for name in names for number in numbers]
    rows += [read_row({"name": name, "uscc": build_uscc("91", "990101", n)}) for name in names for n in (5, 6)]
    applicants = [row for row in rows if isinstance(row, Applicant)]
    assert not any(isinstance(row, Fault) for row in rows)
    with court.reading() as session:
        unit = get_unit(session, "tax").id
        bulk = find_candidates(session, court.vault, applicants, unit, restricted=False)
        public = set(session.scalars(select(RecordRow.number).where(RecordRow.state == "published")))
        wide = find_candidates(
            session,
            court.vault,
            [
                row
                for n in names
                if isinstance(row := read_row({"name": n, "id_number": "99010119800102****"}), Applicant)
            ],
            unit,
            restricted=False,
        )
    every = {one.id: one for one in (*wide.all(), *bulk.all())}
    assert {one.number for one in every.values()} == public
    for applicant in applicants:
        hits = {one.id for one in every.values() if compare(applicant, one.listed).is_hit}
        assert {one.id for one in bulk.of(applicant) if compare(applicant, one.listed).is_hit} == hits
        if applicant.number is not None and any(
            compare(applicant, one.listed) is Verdict.EXACT for one in every.values()
        ):
            assert any(compare(applicant, one.listed) is Verdict.EXACT for one in bulk.of(applicant))


def test_rows_from_before_the_kind_of_number_was_kept_are_compared_all_the_same(town: Town) -> None:
    with town.court.session() as session:
        session.execute(text("UPDATE record SET passport = NULL"))
    assert town.one(name="约翰", id_number=citizen_number(33))["verdict"] == "name_only"
    assert town.one(name="甲测试", id_number=citizen_number(33))["verdict"] == "none"
    town.home.ask("init")
    with town.court.reading() as session:
        kinds = dict(session.execute(select(RecordRow.name_key, RecordRow.passport)).all())
    assert kinds["约翰"] is True
    assert None not in kinds.values()


def test_an_answer_while_entries_are_published_is_of_one_moment(town: Town) -> None:
    town.home.publish(a_person(51, name="甲测试"), name="more.jsonl")
    assert town.one(name="甲测试")["namesakes"] == 3


def test_what_the_public_does_not_see_of_a_number_is_not_told_digit_by_digit(town: Town) -> None:
    (hit,) = town.one(name="甲测试", id_number=citizen_number(1))["hits"]
    shown = hit["document"]["id_number"]
    for place in [index for index, digit in enumerate(shown) if digit == "*"]:
        rows = [{"name": "甲测试", "id_number": f"{shown[:place]}{digit}{shown[place + 1 :]}"} for digit in range(10)]
        said = town.ask(*rows)["results"]
        told = {(one["verdict"], len(one["hits"])) for one in said if one["verdict"] != "error"}
        assert len(told) == 1, place


def test_a_unit_that_only_asks_is_told_when_what_it_found_leaves(town: Town) -> None:
    assert town.one(slug="tax", name="壬测试", id_number=citizen_number(10))["status"] == "LISTED"
    number = town.withdraw(10)
    found = town.one(slug="tax", name="壬测试", id_number=citizen_number(10))
    assert (found["status"], found["hits"][0]["record"]) == ("RELEASED", number)
    with town.court.session() as session:
        tax = get_unit(session, "tax")
        assert [one.record for one in list_releases(session, tax.id, open_only=True)[0]] == [number]


def test_what_is_published_while_an_answer_is_made_comes_after_its_sequence(town: Town) -> None:
    court = town.court

    class Slow:
        """The court, which publishes an entry as soon as it was asked."""

        def __getattr__(self, name: str) -> Any:
            return getattr(court, name)

        @contextmanager
        def reading(self) -> Iterator[Any]:
            with court.reading() as session:
                yield session
            town.home.publish(a_person(52, name="癸测试"), name="late.jsonl")

    with court.reading() as session:
        user = User(unit=get_unit(session, "tax").id, by="unit:key:tax-key")
    row = read_row({"name": "癸测试", "id_number": citizen_number(52)})
    answer = compare_rows(Slow(), court.store, [row], user, Given(purpose="审核", operator="1"), court.acting("tax"))
    with court.store.snapshot(court.now) as snapshot:
        came = snapshot.follow(answer.sequence, 10).changes
    assert answer.results[0].is_hit or [one.type for one in came] == ["published"]

"""Lists of other courts: taken over read-only, approved by a second person, and gone the moment those lists say so."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from entries import a_person, with_term
from homes import Home, Said
from sqlalchemy import select

from registry.departing import NotPermitted
from registry.importing import Importer
from registry.matching import Foreign
from registry.sources.book import get_source
from registry.sources.origin import SourceRefused
from registry.tables import ProposalRow, RecordRow
from search_index.document import Document

COURT, OTHER = "云南省高级人民法院", "迪庆州中级人民法院"
BASIS = "香格里拉市联合惩戒实施意见二（一）"
# What the other court answers for, and does not write into its list.
_ITS_OWN = ("decision_number", "decided_on", "served_on", "national_reference", "employer", "phone", "address")


@pytest.fixture
def mirror(home: Home) -> Home:
    """A court of its own name that takes over the list of a higher one."""
    home.ask("profile", "--set", "court=测试市人民法院", "--as", "reviewer")
    home.ask("source", "add", "gaoyuan", "--court", COURT, "--basis", BASIS, "--as", "reviewer")
    return home


def listed(serial: int, **changes: Any) -> dict[str, Any]:
    """An entry as another court's list has it."""
    entry = a_person(serial, court="昆测市中级人民法院", case_number=f"（2025）云测01执{serial}号")
    for key in (*_ITS_OWN, "applicant", "note"):
        del entry[key]
    return {**entry, **changes}


def take_over(home: Home, *entries: dict[str, Any], source: str = "gaoyuan", options: tuple[str, ...] = ()) -> Any:
    """Import entries of a source as a clerk; the whole list with --full among `options`."""
    said = home.run("source", "import", source, home.write("list.jsonl", entries), "--as", "clerk", *options, "--json")
    assert said.code in (0, 1), said.out + said.err
    return said.json


def mirrored(home: Home, *entries: dict[str, Any], source: str = "gaoyuan") -> Any:
    """The same, approved by another and published."""
    found = take_over(home, *entries, source=source, options=("--full",))
    if found["batch"]:
        home.ask("approve", found["batch"], "--as", "reviewer", "--confirm", "redactions")
    home.ask("publish")
    return found


def shown(home: Home) -> list[Document]:
    """What the public sees."""
    court = home.court
    with court.store.snapshot(court.now) as snapshot:
        return sorted(snapshot.all(), key=lambda document: document.case_number or "")


def cases(home: Home) -> list[str]:
    return [document.case_number or "" for document in shown(home)]


def rows(home: Home) -> list[RecordRow]:
    with home.court.reading() as session:
        found = list(session.scalars(select(RecordRow).order_by(RecordRow.id)))
        session.expunge_all()
        return found


def refusal(said: Said) -> str:
    assert said.code == 2, said.out
    return said.err


# Taking over ------------------------------------------------------------------------------------------------------


def test_an_entry_is_shown_with_its_origin_after_a_second_persons_approval(mirror: Home) -> None:
    found = take_over(mirror, listed(1), options=("--full",))
    assert (found["accepted"], found["gone"], found["warnings"]) == (1, 0, [])
    mirror.ask("publish")
    assert shown(mirror) == []
    approved = mirror.ask("approve", found["batch"], "--as", "reviewer")
    assert approved["approved"] == 1
    mirror.ask("publish")
    (document,) = shown(mirror)
    assert (document.origin, document.court) == (COURT, "昆测市中级人民法院")
    assert "*" in (document.id_number or "")


@pytest.mark.long
def test_what_the_other_court_answers_for_is_not_asked_and_what_protects_is(mirror: Home) -> None:
    """No decision, service, term or art. 3; but a child, a term that is over, full performance are refused."""
    lines = [
        listed(1, conduct=["breaks_property_reporting"]),
        listed(2, id_number="9901012015****0017", gender=None),
        with_term(listed(3), "2026-01-01"),
        listed(4, performance="全部已履行"),
        listed(5, obligation="向张三丰（身份证号码110101199003074477）支付货款，另由王小明承担连带责任。"),
    ]
    batch = take_over(mirror, *lines)["batch"]
    said = mirror.run("approve", batch, "--as", "reviewer", "--json")
    assert said.json["approved"] == 1
    assert {one["line"]: one["rule"] for one in said.json["refused"]} == {
        2: "minor",
        3: "term_over",
        4: "fully_performed",
        5: "redactions_unconfirmed",
    }


@pytest.mark.long
def test_a_third_party_in_a_list_is_redacted(mirror: Home) -> None:
    mirrored(mirror, listed(1, obligation="向申请执行人赵测试（身份证号码110101199003074477）支付货款人民币五万元。"))
    (document,) = shown(mirror)
    assert "赵测试" not in (document.obligation or "")
    assert "110101199003074477" not in (document.obligation or "")


@pytest.mark.long
def test_unapproved_entries_leave_no_trace(mirror: Home) -> None:
    mirrored(mirror, listed(1))
    before = (shown(mirror), mirror.court.sequence())
    take_over(mirror, listed(1), listed(2), listed(3))
    mirror.ask("publish")
    assert (shown(mirror), mirror.court.sequence()) == before


@pytest.mark.long
def test_a_changed_text_waits_and_an_older_proposal_is_dropped(mirror: Home) -> None:
    mirrored(mirror, listed(1))
    changed = take_over(mirror, listed(1, obligation="支付货款人民币200元。"), options=("--full",))
    assert changed["proposed_corrections"] == 1
    assert "200元" not in (shown(mirror)[0].obligation or "")
    # The next list says again what is shown: nobody may agree to the text in between any more.
    assert take_over(mirror, listed(1), options=("--full",))["unchanged"] == 1
    mirror.ask("approve", changed["batch"], "--as", "reviewer", "--confirm", "redactions")
    assert "200元" not in (shown(mirror)[0].obligation or "")
    anew = take_over(mirror, listed(1, obligation="支付货款人民币300元。"), options=("--full",))
    mirror.ask("approve", anew["batch"], "--as", "reviewer", "--confirm", "redactions")
    (document,) = shown(mirror)
    assert "300元" in (document.obligation or "")
    assert document.origin == COURT


# Leaving ----------------------------------------------------------------------------------------------------------


def test_what_a_whole_list_does_not_name_is_gone_when_the_command_returns(mirror: Home) -> None:
    everybody = [listed(serial) for serial in range(1, 9)]
    mirrored(mirror, *everybody)
    waiting = take_over(mirror, listed(9), listed(10))["batch"]
    found = take_over(mirror, *everybody[1:], listed(9), options=("--full",))
    assert found["gone"] == 2
    assert cases(mirror) == [f"（2025）云测01执{serial}号" for serial in range(2, 9)]
    # Also from the queue: the second draft is no more to be approved.
    assert mirror.ask("approve", waiting, "--as", "reviewer")["approved"] == 1
    gone = next(row for row in rows(mirror) if row.departed_on is not None)
    assert (gone.state, gone.departed_ground) == ("removed", "source_gone")
    assert take_over(mirror, *everybody[1:], listed(9), options=("--full",))["gone"] == 0


@pytest.mark.long
def test_a_list_that_cannot_be_whole_changes_nothing(mirror: Home) -> None:
    mirrored(mirror, *[listed(serial) for serial in range(1, 6)])
    part = mirror.write("part.jsonl", [listed(1), listed(2)])
    order = ("source", "import", "gaoyuan", part, "--as", "clerk", "--full")
    assert "超过两成" in refusal(mirror.run(*order))
    broken = mirror.write("broken.jsonl", [*[listed(serial) for serial in range(1, 6)], {"kind": "person"}])
    assert "读不出来" in refusal(mirror.run("source", "import", "gaoyuan", broken, "--as", "clerk", "--full"))
    assert len(shown(mirror)) == 5
    assert mirror.run(*order, "--force").code == 0
    assert len(shown(mirror)) == 2


@pytest.mark.long
def test_what_a_list_marks_as_held_or_withdrawn_leaves_also_by_a_part_of_it(mirror: Home) -> None:
    mirrored(mirror, listed(1), listed(2), listed(3))
    path = write_table(mirror, [listed(1), listed(2)], {2: "撤销"})
    assert mirror.ask("source", "import", "gaoyuan", path, "--as", "clerk")["gone"] == 1
    assert cases(mirror) == ["（2025）云测01执1号", "（2025）云测01执3号"]
    both = write_table(mirror, [listed(1), listed(1)], {2: "屏蔽"})
    assert "状态却不同" in refusal(mirror.run("source", "import", "gaoyuan", both, "--as", "clerk"))


def write_table(home: Home, entries: list[dict[str, Any]], states: dict[int, str]) -> Path:
    """A list as provincial platforms write it, with its 状态 column; `states` by row, 发布 where not said."""
    path = home.folder.parent / "list.csv"
    titles = {"name": "姓名", "id_number": "身份证号码", "gender": "性别", "court": "执行法院", "case_number": "案号"}
    titles |= {"basis_number": "执行依据文号", "obligation": "生效法律文书确定的义务", "performance": "履行情况"}
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        table = csv.writer(stream)
        table.writerow([*titles.values(), "失信行为情形", "状态"])
        for number, entry in enumerate(entries, start=1):
            conduct = "有履行能力而拒不履行生效法律文书确定义务"
            table.writerow([*(entry[key] for key in titles), conduct, states.get(number, "发布")])
    return path


@pytest.mark.long
def test_an_older_list_is_refused(mirror: Home) -> None:
    mirrored(mirror, listed(1))
    path = mirror.write("old.jsonl", [listed(1), listed(2)])
    order = ("source", "import", "gaoyuan", path, "--as", "clerk", "--full", "--dated")
    assert "不能再导入更早的" in refusal(mirror.run(*order, "2026-10-01"))
    assert "不能晚于今天" in refusal(mirror.run(*order, "2027-10-01"))


@pytest.mark.long
def test_a_source_that_ends_takes_its_entries_along_and_brings_them_back_when_it_is_added_again(mirror: Home) -> None:
    mirrored(mirror, listed(1), listed(2))
    waiting = take_over(mirror, listed(3))["batch"]
    mirror.publish(a_person(7))
    ended = mirror.ask("source", "end", "gaoyuan", "--basis", BASIS, "--as", "reviewer")
    assert ended["gone"] == 3
    assert [document.origin for document in shown(mirror)] == [None]
    assert mirror.ask("source", "end", "gaoyuan", "--basis", BASIS, "--as", "reviewer")["gone"] == 0
    path = mirror.write("list.jsonl", [listed(1)])
    assert "已停止转载" in refusal(mirror.run("source", "import", "gaoyuan", path, "--as", "clerk"))
    assert mirror.ask("approve", waiting, "--as", "reviewer")["approved"] == 0
    mirror.ask("source", "add", "gaoyuan", "--court", COURT, "--basis", BASIS, "--as", "reviewer")
    mirror.ask("publish")
    assert len(shown(mirror)) == 1
    found = mirrored(mirror, listed(1), listed(2))
    assert (found["accepted"], len(found["warnings"])) == (2, 2)
    assert sorted(document.origin or "" for document in shown(mirror)) == ["", COURT, COURT]


@pytest.mark.long
def test_whatever_is_left_of_an_ended_source_is_seen_by_nobody_after_the_next_look(mirror: Home) -> None:
    """Killed between the end and the departures: nothing more of it is published, and repeating the command goes on."""
    mirrored(mirror, listed(1))
    batch = take_over(mirror, listed(1), listed(2))["batch"]
    mirror.ask("approve", batch, "--as", "reviewer")
    with mirror.court.session() as session:
        get_source(session, "gaoyuan").active = False
    mirror.ask("publish")
    assert cases(mirror) == ["（2025）云测01执1号"]
    order = ("source", "add", "gaoyuan", "--court", COURT, "--basis", BASIS, "--as", "reviewer")
    assert "还有条目没有撤下" in refusal(mirror.run(*order))
    assert mirror.ask("source", "end", "gaoyuan", "--basis", BASIS, "--as", "reviewer")["gone"] == 2
    assert cases(mirror) == []


@pytest.mark.long
def test_an_import_during_which_the_source_ends_brings_nothing(mirror: Home) -> None:
    court = mirror.court
    importer = Importer(
        engine=court.engine,
        vault=court.vault,
        turns=court.turns,
        folder=court.private / "quarantine",
        policy=court.policy(),
        foreign=Foreign(source="gaoyuan", whole=False, own_court="测试市人民法院"),
    )

    def end_it(_done: int, _total: int | None) -> None:
        with court.session() as session:
            get_source(session, "gaoyuan").active = False

    with pytest.raises(SourceRefused):
        importer.run(mirror.write("list.jsonl", [listed(1)]), "clerk", court.now, end_it)
    with court.session() as session:
        get_source(session, "gaoyuan").active = True
    mirror.publish(a_person(7))
    assert [row.source for row in rows(mirror)] == [None]


# Read-only --------------------------------------------------------------------------------------------------------


def test_nothing_is_decided_here_but_a_hold(mirror: Home) -> None:
    mirrored(mirror, listed(1))
    batch = take_over(mirror, listed(1), listed(2))["batch"]
    number = shown(mirror)[0].record
    orders = [
        ("correct", number, "--set", "region=他市"),
        ("remove", number, "--ground", "performed", "--basis", BASIS),
        ("withdraw", number, "--ground", "wrongly_listed", "--basis", BASIS),
        ("grace", "（2025）云测01执2号", "--months", "1", "--basis", BASIS),
        ("ground", "add", number, "--ground", "performed", "--basis", BASIS),
        ("withdraw", "（2025）云测01执2号", "--ground", "wrongly_listed", "--basis", BASIS),
    ]
    for order in orders:
        assert f"转载自{COURT}" in refusal(mirror.run(*order, "--as", "reviewer")), order
    mirror.ask("hold", number, "--basis", BASIS, "--as", "clerk")
    assert shown(mirror) == []
    mirror.ask("hold", number, "--confirm", "--as", "reviewer")
    mirror.ask("hold", number, "--lift", "--basis", BASIS, "--as", "clerk")
    mirror.ask("hold", number, "--lift", "--as", "second")
    assert [document.record for document in shown(mirror)] == [number]
    assert mirror.ask("approve", batch, "--as", "reviewer")["approved"] == 1


@pytest.mark.long
def test_a_ground_of_a_list_is_not_for_the_courts_own(mirror: Home) -> None:
    from registry.departing import Grounds, take_down
    from registry.lifecycle import Action
    from registry.records import get_row

    mirror.publish(a_person(1))
    court, number = mirror.court, shown(mirror)[0].record
    grounds = Grounds(ground="source_gone", basis=BASIS, arose_on=court.today, known_on=court.today)
    with pytest.raises(NotPermitted), court.session() as session:
        take_down(session, get_row(session, number), Action.REMOVE, grounds, court.acting("reviewer"))


@pytest.mark.long
def test_a_comparison_with_the_courts_own_list_leaves_them_alone(mirror: Home) -> None:
    own = a_person(7)
    mirror.publish(own)
    mirrored(mirror, listed(1), listed(2))
    found = mirror.ask("reconcile", mirror.write("own.jsonl", [own]), "--as", "clerk")
    assert (found["compared"], found["held"]) == (1, [])
    assert len(shown(mirror)) == 3


# No entry twice ---------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_the_courts_own_record_wins_whichever_came_first(mirror: Home) -> None:
    own = a_person(1, court="测试市人民法院", case_number="（2025）云测01执1号")
    masked = listed(1, id_number=f"{own['id_number'][:10]}****{own['id_number'][14:]}")
    mirrored(mirror, masked)
    assert [document.origin for document in shown(mirror)] == [COURT]
    mirror.publish(own)
    (document,) = shown(mirror)
    assert document.origin is None
    # From now on the line is refused, also when the own record has left.
    mirror.ask("remove", document.record, "--ground", "closed", "--basis", BASIS, "--as", "reviewer")
    for line in (masked, listed(1)):
        found = take_over(mirror, line)
        assert [one["field"] for one in found["quarantined"]] == ["case_number"]
    assert take_over(mirror, listed(5, court="测试市人民法院"))["quarantined"][0]["field"] == "court"
    mirror.ask("publish")
    assert shown(mirror) == []


@pytest.mark.long
def test_two_lists_with_one_entry_show_it_once(mirror: Home) -> None:
    mirror.ask("source", "add", "zhongyuan", "--court", OTHER, "--basis", BASIS, "--as", "reviewer")
    mirrored(mirror, listed(1))
    found = take_over(mirror, listed(1), source="zhongyuan")
    assert "另一份名单" in found["quarantined"][0]["reason"]
    mirror.ask("source", "end", "gaoyuan", "--basis", BASIS, "--as", "reviewer")
    mirrored(mirror, listed(1), source="zhongyuan")
    assert [document.origin for document in shown(mirror)] == [OTHER]


@pytest.mark.long
def test_who_left_a_list_does_not_come_back_by_a_part_of_it_or_by_another(mirror: Home) -> None:
    mirror.ask("source", "add", "zhongyuan", "--court", OTHER, "--basis", BASIS, "--as", "reviewer")
    everybody = [listed(serial) for serial in range(1, 8)]
    mirrored(mirror, *everybody)
    mirrored(mirror, *everybody[1:])
    for source in ("gaoyuan", "zhongyuan"):
        assert take_over(mirror, listed(1), source=source)["quarantined"][0]["field"] == "decided_on"
    again = take_over(mirror, *everybody, options=("--full",))
    assert (again["accepted"], len(again["warnings"])) == (1, 1)


# What the courts' names and ages are worth -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slug", "court", "basis", "said"),
    [
        ("Gao", COURT, BASIS, "代号"),
        ("../x", COURT, BASIS, "代号"),
        ("gao", "<b>法院</b>", BASIS, "全称"),
        ("gao", "测试市人民法院", BASIS, "本院"),
        ("gao", COURT, BASIS, "别的代号"),
        ("gaoyuan", COURT, BASIS, "已登记"),
        ("gao", OTHER, "13912345678", "号码"),
        ("gao", OTHER, " ", "--basis"),
    ],
)
@pytest.mark.long
def test_a_source_that_cannot_be_is_refused(mirror: Home, slug: str, court: str, basis: str, said: str) -> None:
    order = ("source", "add", slug, "--court", court, "--basis", basis, "--as", "reviewer")
    assert said in refusal(mirror.run(*order))


@pytest.mark.long
def test_a_list_that_grows_old_is_a_warning(mirror: Home) -> None:
    mirrored(mirror, listed(1))
    assert warnings(mirror) == []
    mirror.clock.advance(days=101)
    (text,) = warnings(mirror)
    assert COURT in text
    assert "2026-11-18" in text


def warnings(home: Home) -> list[str]:
    said = home.run("doctor", "--json")
    found = json.loads(said.out)["findings"]
    return [one["text"] for one in found if one["matter"] == "转载的名单" and one["grade"] == "warn"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.long
def test_after_every_whole_list_each_visible_entry_is_in_it(mirror: Home, seed: int) -> None:
    random = Random(seed)
    for _ in range(8):
        entries = [listed(serial, **random.choice(_VERSIONS)) for serial in range(1, 9) if random.random() < 0.6]
        path = mirror.write("list.jsonl", entries)
        mirror.run("source", "import", "gaoyuan", path, "--as", "clerk", "--full", "--force", "--json")
        assert set(cases(mirror)) <= {entry["case_number"] for entry in entries}
        if random.random() < 0.8:
            approve_all(mirror)
            mirror.ask("publish")
            assert set(cases(mirror)) == {entry["case_number"] for entry in entries}
        court = mirror.court
        assert court.verify_audit().faults == ()


_VERSIONS: tuple[dict[str, Any], ...] = (
    {},
    {"region": "他市"},
    {"obligation": "支付货款人民币200元。"},
    {"name": "乙测试"},
)


def approve_all(home: Home) -> None:
    for batch in sorted({row.batch_id for row in rows(home)}):
        home.run("approve", batch, "--as", "reviewer", "--json")


@pytest.mark.long
def test_no_proposal_outlives_its_entry(mirror: Home) -> None:
    everybody = [listed(serial) for serial in range(1, 8)]
    mirrored(mirror, *everybody)
    take_over(mirror, listed(1, obligation="支付货款人民币200元。"))
    take_over(mirror, *everybody[1:], options=("--full",))
    with mirror.court.reading() as session:
        assert all(row.decided for row in session.scalars(select(ProposalRow)))


@pytest.mark.long
def test_what_is_not_public_by_law_here_is_shown_by_no_other_list(mirror: Home) -> None:
    mirrored(mirror, listed(1), listed(2))
    own = a_person(1, case_number="（2025）云测01执1号", disclosure="restricted", restricted_ground="privacy")
    batch = mirror.ask("import", mirror.write("own.jsonl", [own]), "--as", "clerk")["batch"]
    mirror.ask("approve", batch, "--as", "reviewer", "--confirm", "art3", "--confirm", "redactions")
    mirror.ask("publish")
    assert cases(mirror) == ["（2025）云测01执2号"]


@pytest.mark.long
def test_an_empty_list_changes_nothing(mirror: Home) -> None:
    mirrored(mirror, listed(1), listed(2))
    empty = mirror.write("empty.jsonl", [])
    said = mirror.run("source", "import", "gaoyuan", empty, "--full", "--force", "--as", "clerk", "--json")
    assert said.code == 2
    assert len(cases(mirror)) == 2

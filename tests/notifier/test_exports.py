"""Exports: the tables, what stands in them and what is refused, increments that follow on, and a folder whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring
from documents import AT, a_document, a_number
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import update
from sqlalchemy.orm import Session

from notifier.exports.checking import check_export, is_export
from notifier.exports.exporting import LAST, Done, ExportRefused, Wish, export_list, find_last, list_behind
from notifier.exports.fields import Departure, Entry, Repair
from notifier.exports.making import FORMAT, Selection, make_export
from notifier.exports.profile import FORMATS, Profile, list_profiles, open_profile
from notifier.package.names import MANIFEST
from notifier.signing import SigningKeyError, make_signing_key
from notifier.tables import ExportRow
from search_index.document import Document
from search_index.profile import Profile as Court
from search_index.register import Register

KEY = make_signing_key(b"k" * 32)
COURT = Court(court="测试市人民法院", telephone="0000-0000000")
NASTY = "=cmd|'/c calc'!A1 <b>&\"𠮷\"·\n第二行"
Town = Any
XS = "{http://www.w3.org/2001/XMLSchema}"


def select(*documents: Document, **changes: Any) -> Selection:
    values: dict[str, Any] = {
        "mode": "increment",
        "since": 3,
        "sequence": 9,
        "made_at": AT,
        "court": COURT,
        "entries": [Entry(document=one, operation="published", publisher=COURT.court) for one in documents],
        "departures": [Departure(record=a_number(8), at=AT, publisher=COURT.court)],
        "repairs": [Repair(record=a_number(9), decided_on=date(2026, 11, 2), document_number="测信修〔2026〕3号")],
    }
    return Selection(**{**values, **changes})


def rows_of(content: bytes, encoding: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(encoding), newline="")))


def read_by_schema(xml: bytes, xsd: bytes) -> list[dict[str, str]]:
    """The rows of a file that keeps to its schema: the elements, their order, and the attributes that it asks for."""
    top = fromstring(xsd).find(f"{XS}element")
    assert top is not None
    root = fromstring(xml)
    assert root.tag == top.get("name")
    assert sorted(root.attrib) == sorted(str(one.get("name")) for one in top.iter(f"{XS}attribute"))
    row = top.find(f"{XS}complexType/{XS}sequence/{XS}element")
    assert row is not None
    names = [one.get("name") for one in row.iter(f"{XS}element")][1:]
    for child in root:
        assert child.tag == row.get("name")
        assert [one.tag for one in child] == names
        assert not any(len(one) for one in child)
    return [{one.tag: one.text or "" for one in child} for child in root]


@pytest.mark.parametrize("name", list_profiles())
def test_each_profile_gives_the_same_rows_in_every_format(name: str) -> None:
    profile = open_profile(name)
    document = a_document(1, name="扎西·𠮷", obligation=NASTY)
    made = {form: make_export(profile, form, select(document), KEY) for form in FORMATS}
    (sheet,) = load_workbook(io.BytesIO(made["xlsx"].files["名单.xlsx"])).worksheets
    in_sheet = [[cell.value or "" for cell in row] for row in sheet.iter_rows()]
    in_csv = rows_of(made["csv"].files["名单.csv"], profile.encoding)
    in_xml = read_by_schema(made["xml"].files["名单.xml"], made["xml"].files["名单.xsd"])
    assert in_sheet[0] == in_csv[0] == [column.heading for column in profile.columns["entry"]]
    assert in_sheet[1] == list(in_xml[0].values())
    assert [cell.removeprefix("'") for cell in in_csv[1]] == in_sheet[1]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value} == {"s"}, "nothing is a formula"
    assert not any(cell.startswith("=") for cell in in_csv[1])
    assert "扎西·𠮷" in in_sheet[1]
    assert document.id_number in in_sheet[1], "as the public sees it"


def test_a_departure_and_a_repair_say_nothing_of_anybody() -> None:
    profile = open_profile("credit_platform")
    files = make_export(profile, "csv", select(a_document(1)), KEY).files
    assert rows_of(files["退出.csv"], "utf-8-sig")[1:] == [[a_number(8), "2026-11-18T10:00:00+08:00", "3", "撤下"]]
    assert rows_of(files["信用修复.csv"], "utf-8-sig")[1:] == [[a_number(9), "2026-11-02", "测信修〔2026〕3号", ""]]
    assert make_export(profile, "csv", select(mode="full", since=None), KEY).files.keys().isdisjoint({"退出.csv"})


def test_the_codes_and_days_of_the_credit_bureau() -> None:
    profile = open_profile("credit_bureau")
    corrected = Entry(document=a_document(2, kind="organisation"), operation="corrected", publisher="")
    content = make_export(profile, "csv", select(entries=[corrected]), KEY).files["名单.csv"]
    head, row = rows_of(content, "gb18030")
    told = dict(zip(head, row, strict=True))
    assert (told["操作类型"], told["信息主体类型"], told["立案日期"], told["履行情况"]) == ("M", "581", "20250301", "1")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("甲\x01", "控制字符"),
        ("甲\x85", "控制字符"),
        ("甲\udc80", "不成文字"),
        ("甲\ufffe", "不成文字"),
        ("甲" * 32768, "放不下"),
    ],
)
def test_what_cannot_stand_in_a_file_is_refused_by_row_and_taken_out_at_the_platform(text: str, why: str) -> None:
    profile = open_profile("social_file")
    bad, good = a_document(1, name=text), a_document(2)
    for form in FORMATS:
        made = make_export(profile, form, select(bad, good, departures=()), KEY)
        assert [(one.record, one.heading) for one in made.refused] == [(bad.record, "姓名或者名称")]
        assert why in made.refused[0].why
        assert dict(made.counts) == {"entries": 1, "departures": 1, "repairs": 0, "refused": 1}
        assert json.loads(made.files[MANIFEST])["refused"][0]["record"] == bad.record


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30))
@settings(max_examples=60)
def test_any_text_comes_back_as_it_was(text: str) -> None:
    profile = open_profile("social_file")
    made = make_export(profile, "xml", select(a_document(1, name=text)), KEY)
    rows = read_by_schema(made.files["名单.xml"], made.files["名单.xsd"])
    if not made.refused:
        assert rows[0]["name"] == text
    gb = replace(profile, encoding="gb18030")
    made = make_export(gb, "csv", select(a_document(1, name=text)), KEY)
    if not made.refused:
        found = rows_of(made.files["名单.csv"], "gb18030")[1][3]
        assert found in (text, f"'{text}")


def test_the_same_inputs_give_the_same_bytes_and_the_proof_holds() -> None:
    profile = open_profile("credit_platform")
    for form in FORMATS:
        files = make_export(profile, form, select(a_document(1)), KEY).files
        assert files == make_export(profile, form, select(a_document(1)), KEY).files
        assert is_export(files[MANIFEST])
        verdict = check_export(files, files.__getitem__, key=KEY.public, today=AT.date())
        assert (verdict.problems, verdict.trusted, verdict.since, verdict.entries) == ((), True, 3, 1)
        assert not verdict.expired
        name = next(name for name in files if name.startswith("名单."))
        changed = {**files, name: files[name] + b" "}
        assert check_export(changed, changed.__getitem__, key=KEY.public, today=AT.date()).problems
        manifest = json.loads(files[MANIFEST])
        assert (manifest["format"], manifest["court"]["court"], manifest["not_to_be_used_after"]) == (
            FORMAT,
            "测试市人民法院",
            "2026-12-19",
        )


# With a list that changes ------------------------------------------------------------------------------------------

Export = Callable[..., Done]


@pytest.fixture
def export(town: Town, tmp_path: Path) -> Export:
    """Makes the next export of the town's list, in a folder of its own."""
    notifier = replace(town.notifier, signing_key=KEY)
    made: list[int] = []

    def make(since: int | str | None = None, profile: Profile | None = None, **changes: Any) -> Done:
        made.append(1)
        wish = Wish(
            profile=profile or open_profile("credit_platform"),
            form="csv",
            since=since,  # type: ignore[arg-type]
            folder=changes.get("folder", tmp_path / "out" / str(len(made))),
        )
        return export_list(notifier, changes.get("register", notifier.register), wish, lambda since: (), town.clock)

    return make


def column(done: Done, file: str, heading: str) -> list[str]:
    head, *rows = rows_of((done.folder / file).read_bytes(), "utf-8-sig")
    return [row[head.index(heading)] for row in rows]


def test_a_platform_that_follows_has_the_list_and_nobody_who_left(town: Town, export: Export) -> None:
    """The steps of the read-me, carried out on what a random history gave."""
    chance, listed, held = Random(5), [town.publish()], {}
    done = export()
    for _ in range(12):
        assert not column(done, "名单.csv", "操作标识").count("")
        if done.since is None:
            held = dict.fromkeys(column(done, "名单.csv", "失信信息编号"))
        else:
            for record in column(done, "退出.csv", "失信信息编号"):
                held.pop(record, None)
            held.update(dict.fromkeys(column(done, "名单.csv", "失信信息编号")))
        assert set(held) == {one.record for one in listed}
        for _ in range(chance.randrange(4)):
            match chance.randrange(4):
                case 0 | 1:
                    listed.append(town.publish())
                case 2 if listed:
                    town.correct(chance.choice(listed), performance="全部已履行")
                case _ if listed:
                    leaving = listed.pop(chance.randrange(len(listed)))
                    town.depart(leaving)
                    if chance.random() < 0.3:
                        town.publish_again(leaving)
                        listed.append(leaving)
        done = export(LAST)


def test_an_increment_says_what_was_done_and_of_who_left_nothing_but_the_number(
    town: Town, export: Export, person: Document
) -> None:
    staying, leaving, corrected = town.publish(), town.publish(), town.publish()
    export()
    added = town.publish(name="王䶮")
    town.depart(leaving)
    town.correct(corrected, performance="全部已履行")
    ending = town.publish(visible_until=town.clock() + timedelta(hours=1))
    town.clock.pass_time(hours=2)
    done = export(LAST)
    assert dict(zip(*(column(done, "名单.csv", name) for name in ("失信信息编号", "操作标识")), strict=True)) == {
        added.record: "1",
        corrected.record: "2",
    }
    assert set(column(done, "退出.csv", "失信信息编号")) == {leaving.record, ending.record}
    assert staying.record not in (done.folder / "名单.csv").read_text("utf-8-sig")
    for file in done.folder.iterdir():
        if file.name != "名单.csv":
            assert person.name not in file.read_bytes().decode(errors="ignore")


def test_what_another_court_listed_goes_along_only_where_the_profile_says_so(town: Town, export: Export) -> None:
    own, other = town.publish(), town.publish(origin="某某中级人民法院")
    assert column(export(), "名单.csv", "失信信息编号") == [own.record]
    every = replace(open_profile("credit_platform"), other_courts=True)
    assert set(column(export(profile=every), "名单.csv", "失信信息编号")) == {own.record, other.record}


def test_an_increment_never_leaves_a_gap(town: Town, export: Export) -> None:
    town.publish()
    with pytest.raises(ExportRefused, match="还没有给公共信用信息平台导出过"):
        export(LAST)
    first = export()
    town.publish()
    with pytest.raises(ExportRefused, match="会漏掉"):
        export(first.sequence + 1)
    assert export(0).counts["entries"] == 2
    # A list that was restored from a backup does not know the sequence any more.
    made = find_last(town.notifier.engine, "credit_platform")
    assert made is not None
    assert made.sequence == 2


def test_a_list_that_was_restored_is_exported_whole_again(town: Town, export: Export) -> None:
    town.publish()
    export()
    # As if the export had been made of a list that had come to the same sequence before it was restored.
    with Session(town.notifier.engine) as session, session.begin():
        session.execute(update(ExportRow).values(made_at=town.clock() - timedelta(hours=2)))
    with pytest.raises(ExportRefused, match="从备份恢复过"):
        export(LAST)
    assert [one.owed for one in list_behind(town.notifier.engine, town.notifier.register, town.clock())] == [None]
    with Session(town.notifier.engine) as session, session.begin():
        session.execute(update(ExportRow).values(sequence=99))
    with pytest.raises(ExportRefused, match="还没有公开序号 99"):
        export(LAST)
    export()
    assert list_behind(town.notifier.engine, town.notifier.register, town.clock()) == []


def test_what_a_killed_export_left_goes_with_the_next(town: Town, export: Export, tmp_path: Path) -> None:
    left = tmp_path / "out" / ".making-killed"
    left.mkdir(parents=True)
    (left / "名单.csv").write_text("扎西·测试")
    long_ago = (town.clock() - timedelta(hours=2)).timestamp()
    os.utime(left, (long_ago, long_ago))
    export()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1"]


def test_what_is_made_for_training_says_so_in_the_name_of_every_table() -> None:
    selection = select(a_document(1), court=replace(COURT, training=True))
    made = make_export(open_profile("social_file"), "csv", selection, KEY)
    assert {"演练-名单.csv", "演练-退出.csv"} < made.files.keys()
    assert "演练" in made.files["说明.txt"].decode()


def test_a_folder_that_is_there_is_left_alone(town: Town, export: Export, tmp_path: Path) -> None:
    town.publish()
    for name in ("empty", "full", "a file"):
        folder = tmp_path / name
        if name == "a file":
            folder.write_text("x")
        else:
            folder.mkdir()
        with pytest.raises(ExportRefused, match="已经存在"):
            export(folder=folder)
    assert find_last(town.notifier.engine, "credit_platform") is None


class Restless:
    """A list in which something changes each time that it was read."""

    def __init__(self, town: Town, times: int) -> None:
        self._town, self._times = town, times

    def everything(self, now: datetime) -> Any:
        found = self._town.notifier.register.everything(now)
        if self._times:
            self._times -= 1
            self._town.depart(found[1][0])
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._town.notifier.register, name)


def test_who_leaves_while_the_files_are_made_is_not_in_them(town: Town, export: Export, tmp_path: Path) -> None:
    people = [town.publish() for _ in range(3)]
    done = export(register=Restless(town, 1))
    left = set(column(done, "名单.csv", "失信信息编号"))
    assert len(left) == 2
    assert left < {one.record for one in people}
    for _ in range(9):
        town.publish()
    with pytest.raises(ExportRefused, match="正在变动"):
        export(register=Restless(town, 9))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1"], "nothing half is left"


def test_a_departure_that_waits_too_long_is_told(town: Town, export: Export) -> None:
    register = town.notifier.register
    assert isinstance(register, Register)

    def behind() -> list[tuple[str, int, int]]:
        found = list_behind(town.notifier.engine, register, town.clock())
        return [(one.profile, one.owed.departed, one.owed.corrected) for one in found if one.owed]

    leaving, corrected = town.publish(), town.publish()
    export()
    passing = town.publish()
    town.depart(passing)
    town.clock.pass_time(days=5)
    assert behind() == [], "what was never exported needs no recall"
    town.depart(leaving)
    town.correct(corrected, performance="全部已履行")
    town.clock.pass_time(days=1)
    assert behind() == []
    town.clock.pass_time(days=1, hours=1)
    assert behind() == [("credit_platform", 1, 1)]
    export(LAST)
    assert behind() == []


def test_without_the_key_nothing_is_made(town: Town, tmp_path: Path) -> None:
    wish = Wish(profile=open_profile("social_file"), form=None, since=None, folder=tmp_path / "x")
    with pytest.raises(SigningKeyError):
        export_list(town.notifier, town.notifier.register, wish, lambda since: (), town.clock)
    assert not (tmp_path / "x").exists()

"""Intake reads four formats, refuses line by line with a reason, and writes what it refused so that it comes back."""

from __future__ import annotations

import csv
import json
import re
import stat
import zipfile
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from entries import a_person, an_organisation, citizen_number
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.facts_json import facts_from_json, facts_to_json
from registry.intake import (
    LABELS,
    SYNONYMS,
    Accepted,
    Ended,
    Format,
    Line,
    Refused,
    RowStatus,
    UnrecognisedFile,
    build_facts,
    parse_field,
    read_file,
    write_quarantine,
)
from registry.record import Conduct, Facts, Gender, Kind, Performance
from registry.values import InvalidValue, MaskedNumber, OrganisationCode, Uscc

FIXTURES = Path(__file__).parent.parent / "fixtures" / "intake"


def write_lines(path: Path, *lines: Any, encoding: str = "utf-8") -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    path.write_bytes("".join(f"{text}\n" for text in texts).encode(encoding, "surrogatepass"))
    return path


def write_csv(path: Path, *rows: Iterable[Any], encoding: str = "utf-8-sig", delimiter: str = ",") -> Path:
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows)
    return path


def write_xlsx(path: Path, *sheets: Sequence[Iterable[Any]]) -> Path:
    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd", "strings_to_formulas": False}) as book:
        book.set_properties({"created": datetime(2025, 1, 1)})
        for rows in sheets:
            sheet = book.add_worksheet()
            for number, row in enumerate(rows):
                for column, cell in enumerate(row):
                    sheet.write(number, column, cell)
    return path


def outcomes(path: Path) -> list[Line]:
    return list(read_file(path).lines)


def accepted(lines: Iterable[Line]) -> list[Facts]:
    return [line.facts for line in lines if isinstance(line, Accepted)]


def refused(lines: Iterable[Line]) -> list[Refused]:
    return [line for line in lines if isinstance(line, Refused)]


def refusal_of(entry: dict[str, Any], tmp_path: Path) -> Refused:
    (line,) = outcomes(write_lines(tmp_path / "one.jsonl", entry))
    assert isinstance(line, Refused)
    return line


def as_row(entry: dict[str, Any]) -> dict[str, str]:
    """An entry as a court would type it into a table."""
    words = {"person": "自然人", "organisation": "单位"}
    conduct = "；".join(Conduct(code).text for code in entry["conduct"])
    applicant = entry.get("applicant", {})
    row = {LABELS[key]: value for key, value in entry.items() if isinstance(value, str)}
    return {
        **row,
        LABELS["kind"]: words[entry["kind"]],
        LABELS["conduct"]: conduct,
        LABELS["applicant"]: applicant.get("name", ""),
        "申请执行人电话": applicant.get("phone", ""),
    }


def as_table(*entries: dict[str, Any]) -> list[list[str]]:
    rows = [as_row(entry) for entry in entries]
    titles = list(dict.fromkeys(title for row in rows for title in row))
    return [titles, *([row.get(title, "") for title in titles] for row in rows)]


# JSON Lines -------------------------------------------------------------------------------------------------------


def test_json_lines_are_read_one_by_one_with_their_line_in_the_file(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "list.jsonl", a_person(1), "", '{"kind": "person", ', an_organisation(3), a_person(4, court=None)
    )
    intake = read_file(path)
    lines = list(intake.lines)
    assert intake.format is Format.JSON_LINES
    assert [(type(line), line.line) for line in lines] == [(Accepted, 1), (Refused, 3), (Accepted, 4), (Refused, 5)]
    assert [facts.kind for facts in accepted(lines)] == [Kind.PERSON, Kind.ORGANISATION]
    assert refused(lines)[1].field == "court"


def test_every_key_of_the_import_format_is_read(tmp_path: Path) -> None:
    entry = a_person(
        1, latin_name="Jia Ceshi", birth_date="1980-01-02", performance="部分未履行", performed_part="5元", unperformed_part="7元",
        conduct=["breaks_settlement", "breaks_property_reporting"], term_ends_on="2027-06-02",
        disclosure="restricted", restricted_ground="privacy",
    )  # fmt: skip
    (facts,) = accepted(outcomes(write_lines(tmp_path / "one.jsonl", entry)))
    body = facts_to_json(facts)
    for key, value in entry.items():
        assert body[key] == (sorted(value) if key == "conduct" else value), key
    assert body.keys() - entry.keys() == {"uscc", "legal_representative"}


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"surprise": 1}, "surprise", "不认识的字段"),
        ({"kind": None}, "kind", "缺少"),
        ({"kind": "firm"}, "kind", "person"),
        ({"name": ""}, "name", "缺少"),
        ({"name": 5}, "name", "文字"),
        ({"name": "测" * 65}, "name", "64"),
        ({"id_number": None}, "id_number", "缺少"),
        ({"uscc": an_organisation(1)["uscc"]}, "uscc", "自然人"),
        ({"legal_representative": "丙代表"}, "legal_representative", "自然人"),
        ({"gender": "女"}, "gender", "不一致"),
        ({"gender": "男性"}, "gender", "男、女"),
        ({"birth_date": "1980-01-03"}, "birth_date", "不一致"),
        ({"filed_on": "2025-02-30"}, "filed_on", "日期"),
        ({"filed_on": 20250301}, "filed_on", "类型"),
        ({"court": "测试\n法院"}, "court", "换行"),
        ({"case_number": "12号"}, "case_number", "案号"),
        ({"case_number": None}, "case_number", "缺少"),
        ({"basis_number": None}, "basis_number", "缺少"),
        ({"obligation": None}, "obligation", "缺少"),
        ({"obligation": "字" * 20_001}, "obligation", "20000"),
        ({"performance": "其他"}, "performance", "全部未履行"),
        ({"performed_part": "5元"}, "performed_part", "全部未履行"),
        ({"performance": "全部已履行", "unperformed_part": "5元"}, "unperformed_part", "全部已履行"),
        ({"conduct": None}, "conduct", "缺少"),
        ({"conduct": []}, "conduct", "至少一个"),
        ({"conduct": "refuses_though_able"}, "conduct", "列表"),
        ({"conduct": ["refuses_though_able", "other"]}, "conduct", "第2项"),
        ({"conduct": [1]}, "conduct", "文字"),
        ({"served_on": "2025-06-01"}, "served_on", "早于"),
        ({"term_ends_on": "2025-06-02"}, "term_ends_on", "不晚于"),
        ({"disclosure": "restricted"}, "restricted_ground", "理由"),
        ({"restricted_ground": "privacy"}, "disclosure", "restricted"),
        ({"phone": "139"}, "phone", "电话"),
        ({"applicant": "乙申请"}, "applicant", "对象"),
        ({"applicant": {"name": "乙申请", "id_number": "1"}}, "applicant", "只能有"),
        ({"applicant": {"phone": "1"}}, "applicant", "电话"),
        ({"note": True}, "note", "类型"),
        ({"address": {"city": "测试市"}}, "address", "类型"),
    ],
)
def test_a_line_is_refused_for_its_first_failing_field(
    changes: dict[str, Any], field: str, says: str, tmp_path: Path
) -> None:
    line = refusal_of(a_person(1, **changes), tmp_path)
    assert (line.line, line.field) == (1, field)
    assert says in line.reason


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"id_number": citizen_number(1)}, "id_number"), ({"uscc": None}, "uscc"), ({"gender": "男"}, "gender"), ({"birth_date": "1980-01-02"}, "birth_date")],
)  # fmt: skip
def test_an_organisation_has_what_organisations_have(changes: dict[str, Any], field: str, tmp_path: Path) -> None:
    assert refusal_of(an_organisation(1, **changes), tmp_path).field == field


@pytest.mark.parametrize(
    ("line", "field", "says"),
    [
        ('{"name": "a", "name": "b"}', "name", "两次"),
        ('{"kind": "person", "applicant": {"name": "a", "name": "b"}}', "applicant", "两次"),
        ('{"kind": "person", "note": NaN}', "note", "NaN"),
        ('{"kind": "person", "note": ' + "9" * 5000 + "}", "", "位数过多"),
        ('["person"]', "", "不是一条记录"),
        ("null", "", "不是一条记录"),
        ("hello", "", "JSON"),
        ("[" * 100_000, "", "嵌套"),
        ('{"note": "' + "字" * 100_000 + '"}', "", "256KB"),
        ('{"kind": "person", "name": "\\ud800"}', "name", "乱码"),
    ],
    ids=range(10),
)
def test_a_line_that_is_no_good_json_is_refused_and_the_rest_goes_through(
    line: str, field: str, says: str, tmp_path: Path
) -> None:
    lines = outcomes(write_lines(tmp_path / "list.jsonl", a_person(1), line, a_person(3)))
    assert [(type(item), item.line) for item in lines] == [(Accepted, 1), (Refused, 2), (Accepted, 3)]
    (bad,) = refused(lines)
    assert bad.field == field
    assert says in bad.reason


def test_a_spoiled_first_line_does_not_hide_the_others(tmp_path: Path) -> None:
    for spoiled in ('{"kind": "person",', "nonsense"):
        lines = outcomes(write_lines(tmp_path / "list.jsonl", spoiled, a_person(2)))
        assert [type(line) for line in lines] == [Refused, Accepted]


def test_a_line_with_bytes_of_another_encoding_is_refused_alone(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "list.jsonl", *(a_person(n) for n in range(1, 21)))
    with path.open("ab") as stream:
        stream.write(json.dumps(a_person(21), ensure_ascii=False).encode("utf-8")[:-300] + b'\xff"}\n')
    lines = outcomes(path)
    assert [line.line for line in refused(lines)] == [21]
    assert len(accepted(lines)) == 20


def test_json_lines_in_gb18030_are_read(tmp_path: Path) -> None:
    entry = a_person(1, name="𠮷测试䶮")
    assert accepted(outcomes(write_lines(tmp_path / "list.jsonl", entry, encoding="gb18030")))[0].name == "𠮷测试䶮"


@settings(deadline=None, max_examples=60)
@given(key=st.sampled_from(sorted(LABELS)), value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))  # fmt: skip
def test_no_reason_ever_repeats_an_identity_number(key: str, value: Any) -> None:
    number = citizen_number(7)
    for spoiled in (value, number[:-1] + "?", number + "1", [number], {number: number}):
        lines = read_line({**a_person(7), key: spoiled, number: "x"})
        assert all(number[:14] not in line.reason + line.field for line in lines)


def read_line(entry: dict[str, Any]) -> list[Refused]:
    try:
        build_facts(entry)
    except ValueError as error:
        return [Refused(line=1, field=getattr(error, "field", ""), reason=str(error))]
    return []


def test_private_use_characters_and_visible_contradictions_are_warned_of(tmp_path: Path) -> None:
    masked = citizen_number(1)[:10] + "****" + citizen_number(1)[14:]
    entry = a_person(1, name="王\ue863", id_number=masked, gender="女", birth_date="1981-01-02")
    (line,) = outcomes(write_lines(tmp_path / "one.jsonl", entry))
    assert isinstance(line, Accepted)
    assert [bool(re.search(word, " ".join(line.warnings))) for word in ("自造字", "性别", "年份")] == [True] * 3
    assert line.facts.id_number == MaskedNumber(masked)


# The national platform --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["national-list.json", "national-lines.jsonl"])
def test_national_records_are_read_in_both_shapes_and_spellings(name: str) -> None:
    intake = read_file(FIXTURES / name)
    lines = list(intake.lines)
    person, organisation, old = accepted(lines)
    assert intake.format is Format.NATIONAL
    assert (person.kind, person.name, person.gender) == (Kind.PERSON, "扎西·测试", Gender.MALE)
    assert isinstance(person.id_number, MaskedNumber)
    assert person.id_number.text == "9901011990****" + person.id_number.text[14:]
    assert (person.filed_on, person.national_reference) == (date(2017, 3, 24), "799900001")
    assert person.obligation == "一、支付货款1000元；\n二、负担案件受理费。"
    assert (person.performed_part, person.unperformed_part, person.legal_representative) == (None, None, None)
    assert isinstance(organisation.uscc, Uscc)
    assert organisation.legal_representative == "李测试"
    assert organisation.obligation == "支付工程款\n负担受理费"
    assert organisation.performance is Performance.PART
    assert organisation.conduct == (Conduct.EVADES_ENFORCEMENT, Conduct.BREAKS_PROPERTY_REPORTING)
    assert (old.kind, old.uscc, old.filed_on) == (Kind.ORGANISATION, OrganisationCode("D2143569-X"), date(2014, 5, 14))
    assert old.conduct == (Conduct.BREAKS_CONSUMPTION_LIMIT,)
    (spoiled,) = refused(lines)
    assert spoiled.field == "id_number"


def test_a_record_of_a_document_is_named_by_the_line_where_it_starts() -> None:
    path = FIXTURES / "national-list.json"
    starts = [n for n, text in enumerate(path.read_text("utf-8").splitlines(), 1) if text == "   {"]
    intake = read_file(path)
    assert (intake.total, intake.declared) == (4, 4)
    assert [line.line for line in intake.lines] == starts


def test_one_record_with_its_wrapping_is_read() -> None:
    (facts,) = accepted(outcomes(FIXTURES / "national-detail.json"))
    assert facts.kind is Kind.ORGANISATION


def national(**changes: Any) -> dict[str, Any]:
    first = (FIXTURES / "national-lines.jsonl").read_text("utf-8").splitlines()[0]
    return {**json.loads(first), **changes}


@pytest.mark.parametrize(
    ("words", "conduct"),
    [
        ("有履行能力而拒不履行生效法律文书确定义务的", "refuses_though_able"),
        ("其他有履行能力而拒不履行生效法律文书确定义务", "refuses_though_able"),
        ("伪造证据、暴力、威胁等方法妨碍、抗拒执行", "obstructs_enforcement"),
        ("以伪造证据、暴力、威胁等方法妨碍、抗拒执行的", "obstructs_enforcement"),
        ("以虚假诉讼、虚假仲裁或者以隐匿、转移财产等方法规避执行的", "evades_enforcement"),
        ("虚假诉讼、虚假仲裁或者隐匿、转移财产等方法规避执行", "evades_enforcement"),
        ("其它规避执行", "evades_enforcement"),
        ("（三）违反财产报告制度", "breaks_property_reporting"),
        ("违反限制高消费令", "breaks_consumption_limit"),
        ("违反限制消费令的", "breaks_consumption_limit"),
        ("无正当理由拒不履行执行和解协议", "breaks_settlement"),
    ],
)
def test_conduct_in_the_words_of_both_texts(words: str, conduct: str, tmp_path: Path) -> None:
    (facts,) = accepted(outcomes(write_lines(tmp_path / "one.jsonl", national(disruptTypeName=words))))
    assert facts.conduct == (Conduct(conduct),)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"disruptTypeName": "欠债不还"}, "conduct"),
        ({"disruptTypeName": "违反财产报告制度,欠债"}, "conduct"),
        ({"performance": "其他"}, "performance"),
        ({"cardNum": "123"}, "id_number"),
        ({"cardNum": None}, "id_number"),
        ({"casecode": "（2018）测9921执1号"}, "case_number"),
        ({"partyTypeName": "581"}, "uscc"),
        ({"partyTypeName": None, "cardNum": "x1"}, "id_number"),
        ({"partyTypeName": "9"}, "kind"),
        ({"courtName": ["a", 1]}, "court"),
    ],
)
def test_a_national_record_is_refused_for_its_first_failing_field(
    changes: dict[str, Any], field: str, tmp_path: Path
) -> None:
    (line,) = refused(outcomes(write_lines(tmp_path / "one.jsonl", national(**changes))))
    assert line.field == field


def test_the_kind_follows_from_the_number_where_nothing_says_it(tmp_path: Path) -> None:
    uscc = an_organisation(1)["uscc"]
    path = write_lines(
        tmp_path / "list.jsonl", national(partyTypeName=None), national(partyTypeName="", cardNum=uscc, sexy=None)
    )
    assert [facts.kind for facts in accepted(outcomes(path))] == [Kind.PERSON, Kind.ORGANISATION]


def test_a_national_key_that_nobody_knows_is_warned_of(tmp_path: Path) -> None:
    (line,) = outcomes(write_lines(tmp_path / "one.jsonl", national(newKey="1")))
    assert isinstance(line, Accepted)
    assert any("newKey" in warning for warning in line.warnings)


def test_pages_one_a_line_are_read(tmp_path: Path) -> None:
    page = {"currentPage": 1, "totalSize": 2, "result": [national(), national(id=5)]}
    lines = outcomes(write_lines(tmp_path / "pages.jsonl", page, [page]))
    assert [line.line for line in lines] == [1, 1, 2, 2]
    assert len(accepted(lines)) == 4


@pytest.mark.parametrize("spaces", [None, 2])
def test_a_large_document_is_read_whole(spaces: int | None, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    records = [national(id=n, duty="义务" * 500) for n in range(2000)]
    path.write_text(json.dumps({"data": {"list": records}, "total": 2500}, ensure_ascii=False, indent=spaces), "utf-8")
    intake = read_file(path)
    assert (intake.total, intake.declared) == (2000, 2500)
    assert [facts.national_reference for facts in accepted(intake.lines)] == [str(n) for n in range(2000)]


def test_what_stands_between_the_records_of_a_document_is_refused_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    items = [national(), 5, {"foo": 1}, national(duty="长" * 300_000), national(id=7)]
    path.write_text(json.dumps({"columns": ["a", "b"], "state": {"ok": 1}, "data": items}, ensure_ascii=False), "utf-8")
    lines = outcomes(path)
    assert [type(line) for line in lines] == [Accepted, Refused, Refused, Refused, Accepted]
    assert "256KB" in refused(lines)[2].reason


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.99])
def test_a_document_that_was_cut_off_is_not_read_at_all(cut: float, tmp_path: Path) -> None:
    whole = (FIXTURES / "national-list.json").read_text("utf-8")
    path = tmp_path / "list.json"
    path.write_text(whole[: int(len(whole) * cut)], "utf-8")
    with pytest.raises(UnrecognisedFile, match=r"第\d+行.*整个文件没有导入"):
        read_file(path)


def test_a_document_of_the_import_format_is_read(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text(json.dumps([a_person(1), an_organisation(2), a_person(3, court=None)], indent=1), "utf-8")
    intake = read_file(path)
    assert intake.format is Format.JSON_LINES
    assert [type(line) for line in intake.lines] == [Accepted, Accepted, Refused]


# Spreadsheets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_says_the_same_as_json(encoding: str, delimiter: str, tmp_path: Path) -> None:
    entries = [a_person(1, name="𠮷·测试"), an_organisation(2), a_person(3, obligation='第一行，"引号"；\n第二行')]
    table = write_csv(tmp_path / "list.csv", *as_table(*entries), encoding=encoding, delimiter=delimiter)
    intake = read_file(table)
    assert intake.format is Format.CSV
    assert accepted(intake.lines) == accepted(outcomes(write_lines(tmp_path / "list.jsonl", *entries)))


def test_xlsx_says_the_same_as_json(tmp_path: Path) -> None:
    entries = [a_person(1, name="𠮷·测试"), an_organisation(2), a_person(3, obligation="第一行；\n第二行")]
    intake = read_file(write_xlsx(tmp_path / "list.xlsx", as_table(*entries), [["说明"], ["请勿修改"]]))
    assert intake.format is Format.XLSX
    assert accepted(intake.lines) == accepted(outcomes(write_lines(tmp_path / "list.jsonl", *entries)))


def test_every_title_of_the_table_is_read(tmp_path: Path) -> None:
    entry = as_row(a_person(1, latin_name="Jia Ceshi"))
    plain = accepted(outcomes(write_csv(tmp_path / "list.csv", entry.keys(), entry.values())))
    for key, titles in SYNONYMS.items():
        label = {"applicant.name": "申请执行人", "applicant.phone": "申请执行人电话"}.get(key, LABELS.get(key, ""))
        for title in titles:
            if label in entry:
                renamed = {title if name == label else name: cell for name, cell in entry.items()}
                path = write_csv(tmp_path / "list.csv", renamed.keys(), renamed.values())
                assert accepted(outcomes(path)) == plain, title


def test_a_provincial_list_in_gb18030_is_read_and_its_ended_rows_are_no_publications() -> None:
    intake = read_file(FIXTURES / "province-persons-gb18030.csv")
    lines = list(intake.lines)
    assert [line.line for line in lines] == [2, 4, 6, 8, 10]
    assert [facts.name for facts in accepted(lines)] == ["甲测试", "戊测试"]
    held, withdrawn, spoiled = refused(lines)
    assert isinstance(held, Ended)
    assert isinstance(withdrawn, Ended)
    assert (held.status, withdrawn.status) == (RowStatus.HELD, RowStatus.WITHDRAWN)
    assert held.facts is not None
    assert held.facts.name == "乙·测试"
    assert held.without_raw().facts is None
    assert (spoiled.field, type(spoiled)) == ("id_number", Refused)
    assert spoiled.reason.startswith("“身份证件号码”列：")


def test_kinds_of_number_in_one_column_are_told_apart(tmp_path: Path) -> None:
    organisation = an_organisation(2)
    titles = [
        "姓名/名称",
        "证件号/组织机构代码",
        "承办法院",
        "案号",
        "执行依据文号",
        "义务",
        "履行情况",
        "失信行为情形",
    ]
    rest = ["测试市人民法院", "（2024）测9901执1号", "（2023）测9901民初1号", "支付", "未履行", "违反限制高消费令"]
    path = write_csv(
        tmp_path / "list.csv", titles,
        ["甲测试", citizen_number(1), *rest], ["测试公司", organisation["uscc"], *rest], ["测试厂", "D2143569-X", *rest],
        ["乙测试", "12", *rest],
    )  # fmt: skip
    lines = outcomes(path)
    assert [facts.kind for facts in accepted(lines)] == [Kind.PERSON, Kind.ORGANISATION, Kind.ORGANISATION]
    assert [line.field for line in refused(lines)] == ["id_number"]


def test_an_organisation_code_serves_where_the_credit_code_is_blank(tmp_path: Path) -> None:
    row = as_row(an_organisation(1))
    uscc = row.pop("统一社会信用代码")
    path = write_csv(
        tmp_path / "list.csv", [*row, "统一社会信用代码", "组织机构代码"],
        [*row.values(), "", "D2143569X"], [*row.values(), uscc, "D2143569X"],
    )  # fmt: skip
    assert [facts.uscc for facts in accepted(outcomes(path))] == [OrganisationCode("D2143569-X"), Uscc(uscc)]


def test_cells_as_spreadsheet_programs_write_them(tmp_path: Path) -> None:
    row = as_row(a_person(1))
    number = row["身份证号码"]
    plain = accepted(outcomes(write_csv(tmp_path / "list.csv", row, row.values())))
    for written in (
        f"'{number}",
        f'="{number}"',
        f"\t{number}",
        f" {number} ",
        number.translate({code: code + 0xFEE0 for code in range(48, 58)}),
    ):
        changed = {**row, "身份证号码": written}
        assert accepted(outcomes(write_csv(tmp_path / "list.csv", changed, changed.values()))) == plain
    for damaged, says in (("9.90101E+17", "科学计数法"), ("#REF!", "公式错误")):
        changed = {**row, "身份证号码": damaged}
        (line,) = refused(outcomes(write_csv(tmp_path / "list.csv", changed, changed.values())))
        assert line.field == "id_number"
        assert says in line.reason


def test_dates_and_numbers_as_excel_keeps_them(tmp_path: Path) -> None:
    row: dict[str, Any] = {
        **as_row(a_person(1)),
        "立案时间": datetime(2025, 3, 1),
        "决定日期": date(2025, 6, 2),
        "送达日期": 45818,
    }
    lost: dict[str, Any] = {**row, "身份证号码": 990101198001020013}
    lines = outcomes(write_xlsx(tmp_path / "list.xlsx", [row, row.values(), [""] * len(row), lost.values()]))
    (facts,), (line,) = accepted(lines), refused(lines)
    assert (facts.filed_on, facts.decided_on, facts.served_on) == (
        date(2025, 3, 1),
        date(2025, 6, 2),
        date(2025, 6, 10),
    )
    assert (line.line, line.field) == (4, "id_number")
    assert "文本格式" in line.reason


def test_a_stray_quotation_mark_spoils_its_own_row_only(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "list.csv", *as_table(*(a_person(n) for n in range(1, 41))))
    lines = path.read_text("utf-8-sig").splitlines(keepends=True)
    for number in (5, 30):
        lines[number] = lines[number].replace("甲测试", '"甲测试', 1)
    path.write_text("".join(lines), "utf-8")
    found = outcomes(path)
    assert [line.line for line in refused(found)] == [6, 31]
    assert [line.line for line in found] == list(range(2, 42))


def test_a_stray_quotation_mark_in_a_long_file_does_not_swallow_it(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "list.csv", *as_table(*(a_person(n, note="备注" * 200) for n in range(1, 801))))
    text = path.read_text("utf-8-sig").replace("甲测试", '"甲测试', 1)
    path.write_text(text, "utf-8")
    found = outcomes(path)
    assert [line.line for line in refused(found)] == [2]
    assert len(accepted(found)) == 799


@pytest.mark.parametrize("count", [3, 700])
def test_the_total_counts_rows_not_lines(count: int, tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "list.csv", *as_table(*(a_person(n, obligation="一\n二\n三") for n in range(1, count + 1)))
    )
    assert read_file(path).total == count


def test_rows_that_do_not_fit_the_header(tmp_path: Path) -> None:
    titles, first = as_table(a_person(1))
    path = write_csv(tmp_path / "list.csv", titles, [*first, "", ""], [*first, "多"], first[:2], ["", " "])
    lines = outcomes(path)
    assert [(type(line), line.line) for line in lines] == [(Accepted, 2), (Refused, 3), (Refused, 4)]
    assert "列名" in refused(lines)[0].reason


@pytest.mark.parametrize("write", [write_csv, lambda path, *rows: write_xlsx(path, rows)], ids=["csv", "xlsx"])
def test_a_table_whose_columns_are_not_clear_is_refused_as_a_whole(write: Callable[..., Path], tmp_path: Path) -> None:
    titles, row = as_table(a_person(1))
    path = tmp_path / "list"
    with pytest.raises(UnrecognisedFile, match="“星座”"):
        read_file(write(path, [*titles, "星座"], row, [*row, "白羊"]))
    with pytest.raises(UnrecognisedFile, match=r"“执行法院”.*“承办法院”"):
        read_file(write(path, [*titles, "承办法院"], row))
    with pytest.raises(UnrecognisedFile, match="只有表头"):
        read_file(write(path, titles))
    with pytest.raises(UnrecognisedFile, match="表头") as caught:
        read_file(write(path, row, row))
    assert "990101" not in str(caught.value)
    assert len(accepted(outcomes(write(path, [*titles, "星座", "序号"], [*row, "", "1"])))) == 1


# Files that are nothing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", b"", "空的"),
        ("a.csv", b"\xef\xbb\xbf \r\n\r\n", "空的"),
        ("a.jsonl", b'{"foo": 1}\n{"bar": 2}\n', "不是可以识别的记录"),
        ("a.json", b"[]", "没有找到任何记录"),
        ("a.json", b"hello", "内容不是"),
        ("a.json", b'{"kind": ', "不完整"),
        ("a.csv", b"hello\nworld\n", "表头"),
        ("a.txt", bytes(range(256)), "不能识别"),
        ("a.pdf", b"%PDF-1.7 ...", "不能识别"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"),
        ("a.csv", "姓名,案号\n甲,1\n".encode("utf-16"), "UTF-16"),
        ("a.csv", b"\xff\xfe\xfd\x81\x20\x80" * 50, "UTF-16"),
        ("a.csv", b"\x81\x20\xff\x80" * 50, "编码"),
        ("a.html", b"<html><table></table></html>", "网页"),
        ("a.xlsx", b"PK\x03\x04 broken", "损坏"),
    ],
)
def test_a_file_that_is_nothing_is_refused_with_what_it_is(
    name: str, content: bytes, says: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnrecognisedFile, match=says):
        read_file(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_a_damaged_file_gives_lines_or_one_clear_reason(data: st.DataObject, tmp_path: Path) -> None:
    table = as_table(*(a_person(n) for n in range(1, 4)))
    whole = data.draw(
        st.sampled_from(
            [
                (FIXTURES / "national-list.json").read_bytes(),
                (FIXTURES / "national-lines.jsonl").read_bytes(),
                (FIXTURES / "province-persons-gb18030.csv").read_bytes(),
                write_xlsx(tmp_path / "whole.xlsx", table).read_bytes(),
            ]
        )
    )
    damaged = bytearray(whole)
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=8)):
        damaged[place] = data.draw(st.integers(0, 255))
    path = tmp_path / data.draw(st.sampled_from(["list.jsonl", "list.csv", "list.json", "list"]))
    path.write_bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    said = read_or_reason(path)
    if isinstance(said, str):
        assert re.search("[\u4e00-\u9fff]", said)
    else:
        assert all(isinstance(line, Accepted | Refused) and line.line >= 1 for line in said)


def read_or_reason(path: Path) -> list[Line] | str:
    try:
        return outcomes(path)
    except UnrecognisedFile as error:
        return str(error)


def make_zip(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def test_archives_that_are_no_workbook_or_would_burst_are_not_opened(tmp_path: Path) -> None:
    with pytest.raises(UnrecognisedFile, match="不是Excel"):
        read_file(make_zip(tmp_path / "a.zip", {"a.txt": b"hello"}))
    with pytest.raises(UnrecognisedFile, match="过大"):
        read_file(
            make_zip(tmp_path / "a.xlsx", {"xl/workbook.xml": b"<x/>", "xl/worksheets/sheet1.xml": b" " * (64 << 20)})
        )
    with pytest.raises(UnrecognisedFile, match="损坏"):
        read_file(make_zip(tmp_path / "a.xlsx", {"xl/workbook.xml": b"<x/>"}))


def test_a_workbook_with_entities_or_with_two_lists_is_refused(tmp_path: Path) -> None:
    table = as_table(a_person(1))
    with pytest.raises(UnrecognisedFile, match="2个工作表"):
        read_file(write_xlsx(tmp_path / "two.xlsx", table, table))
    whole = zipfile.ZipFile(write_xlsx(tmp_path / "one.xlsx", table))
    parts = {name: whole.read(name) for name in whole.namelist()}
    whole.close()
    sheet = parts["xl/worksheets/sheet1.xml"]
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>'
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b"?>\n", b"?>\n" + bomb, 1)
    assert parts["xl/worksheets/sheet1.xml"] != sheet
    with pytest.raises(UnrecognisedFile, match="损坏"):
        read_file(make_zip(tmp_path / "bomb.xlsx", parts))


# Quarantine -------------------------------------------------------------------------------------------------------


def quarantine(path: Path, name: str = "quarantine") -> Path:
    intake = read_file(path)
    written = write_quarantine(intake, refused(intake.lines), path.parent, name)
    assert written is not None
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    return written


def test_refused_json_lines_come_back_and_are_accepted_once_corrected(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "list.jsonl", a_person(1), a_person(2, court=""), '{"broken": ', a_person(4, phone="1"), '{"name": "a", "name": "b"}'
    )  # fmt: skip
    first = quarantine(path)
    assert [json.loads(text)["_quarantine"]["line"] for text in first.read_text("utf-8").splitlines()] == [2, 3, 4, 5]
    again = outcomes(first)
    assert [line.field for line in refused(again)] == ["court", "", "phone", ""]
    second = quarantine(first, "second")
    assert json.loads(second.read_text("utf-8").splitlines()[1])["_quarantine"]["text"] == '{"broken":'
    corrected = second.read_text("utf-8").replace('"court": ""', '"court": "测试市人民法院"')
    second.write_text(corrected, "utf-8")
    assert [facts.case_number.text for facts in accepted(outcomes(second))] == ["（2025）测0101执2号"]


def test_refused_national_records_come_back(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text(
        json.dumps([{"result": [national(), national(courtName="")]}], ensure_ascii=False, indent=1), "utf-8"
    )
    written = quarantine(path)
    (line,) = refused(outcomes(written))
    assert line.field == "court"
    written.write_text(written.read_text("utf-8").replace('"courtName": ""', '"courtName": "测试市人民法院"'), "utf-8")
    assert accepted(outcomes(written)) == accepted(outcomes(path))


@pytest.mark.parametrize("write", [write_csv, lambda path, *rows: write_xlsx(path, rows)], ids=["csv", "xlsx"])
def test_refused_rows_come_back_and_are_accepted_once_corrected(write: Callable[..., Path], tmp_path: Path) -> None:
    titles, *rows = as_table(a_person(1), a_person(2, court=""), a_person(3, phone="1", note="=1+1"))
    first = quarantine(write(tmp_path / "list", titles, *rows))
    header, *kept = csv.reader(first.read_text("utf-8-sig").splitlines())
    assert header[:3] == ["错误行号", "错误字段", "错误原因"]
    assert [(row[0], row[1]) for row in kept] == [("3", "court"), ("4", "phone")]
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in kept for cell in row)
    second = quarantine(first, "second")
    header, *kept = csv.reader(second.read_text("utf-8-sig").splitlines())
    assert header.count("错误行号") == 1
    kept[0][header.index("执行法院")] = "测试市人民法院"
    kept[1][header.index("联系电话")] = "13900000000"
    corrected = accepted(outcomes(write_csv(second, header, *kept)))
    assert [facts.note for facts in corrected] == ["内部备注2", "=1+1"]


def test_nothing_refused_makes_no_file(tmp_path: Path) -> None:
    intake = read_file(write_lines(tmp_path / "list.jsonl", a_person(1)))
    assert write_quarantine(intake, refused(intake.lines), tmp_path, "quarantine") is None
    assert [path.name for path in tmp_path.iterdir()] == ["list.jsonl"]


# One field typed by a person --------------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from([a_person(1), an_organisation(2)]), st.sampled_from(sorted(LABELS)))
def test_a_field_typed_again_changes_nothing(entry: dict[str, Any], key: str) -> None:
    body = facts_to_json(build_facts(entry)[0])
    value = body[key]
    typed = (
        "，".join(value)
        if key == "conduct"
        else f"{value['name']}，{value['phone']}"
        if key == "applicant"
        else value or ""
    )
    assert facts_from_json({**body, key: parse_field(key, typed)}) == facts_from_json(body)


def test_a_field_may_be_typed_in_the_words_of_spreadsheets() -> None:
    assert parse_field("performance", "未履行") == "全部未履行"
    assert parse_field("filed_on", "2025年3月1日") == "2025-03-01"
    assert parse_field("note", "") is None
    with pytest.raises(InvalidValue, match="日期"):
        parse_field("filed_on", "昨天")

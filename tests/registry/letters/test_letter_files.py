"""The files of letters and dossiers: they open, say what they should, and every character is in them."""

from __future__ import annotations

import io
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import docx
import pytest
from builders_letters import DECISION, NOTICE, Office
from entries import a_person
from hypothesis import given
from hypothesis import strategies as st
from pdf_text import read_pdf
from sqlalchemy import select

from registry.letters import Letter, LetterKind, LetterState, build_dossier, note_delivery, render_docx, render_pdf
from registry.letters.lines import break_lines
from registry.letters.pdf import build_pdf
from registry.letters.sheet import Paragraph, Sheet, Table, formal_day
from registry.letters.wording import write_letter
from registry.tables import AuditRow, RecordRow
from search_index.profile import Profile

PROFILE = Profile(
    court="测试市样例区人民法院", address="测试市公正路1号", telephone="0990-1234567", higher_court="测试中院"
)
FACTS = {
    "kind": "person",
    "name": "𠮷测试·㐂",
    "gender": "女",
    "id_number": "990101********0012",
    "case_number": "（2025）测0101执1号",
    "conduct": "违反财产报告制度",
    "performance": "全部未履行",
    "decision_number": "（2025）测0101执1号决定书",
    "decided_on": "2025-06-02",
    "restricted": "yes",
}


def a_letter(kind: LetterKind = LetterKind.SEALED_NOTICE, **changes: object) -> Letter:
    letter = Letter(
        id=1,
        kind=kind,
        state=LetterState.CONFIRMED,
        number="（2026）失信通字第1号",
        content={"addressee": "测试市样例集团", "relation": "restricted"},
        facts=FACTS,
        verify=None,
        drafted_at=datetime(2026, 11, 18, 2, tzinfo=UTC),
        drafted_by="clerk",
        confirmed_at=datetime(2026, 11, 18, 3, tzinfo=UTC),
        confirmed_by="reviewer",
        delivered_on=None,
        answered_on=None,
        outcome=None,
        answer=None,
    )
    return replace(letter, **changes)  # type: ignore[arg-type]


def squeeze(words: str) -> str:
    return "".join(words.split())


def test_a_pdf_can_be_read_and_searched_with_every_character_of_it() -> None:
    content = render_pdf(a_letter(), PROFILE)
    notice, slip = read_pdf(content)
    for words in (
        "𠮷测试·㐂，女",
        "990101********0012",
        "测试市样例集团：",
        "二〇二六年十一月十八日",
        "（2026）失信通字第1号",
    ):
        assert words in notice
    assert "回　执" in slip
    assert "𠮷" not in slip
    assert "第2页，共2页" in squeeze(slip)
    assert b"/Lang (zh-CN)" in content


def test_the_title_of_the_file_names_nobody() -> None:
    content = render_pdf(a_letter(), PROFILE)
    assert "𠮷".encode("utf-16-be").hex().encode() not in content
    assert "关于失信被执行人有关情况的通报函（2026）失信通字第1号".encode("utf-16-be").hex().encode() in content


def test_the_same_letter_is_the_same_file() -> None:
    assert render_pdf(a_letter(), PROFILE) == render_pdf(a_letter(), PROFILE)


def test_what_has_no_shape_can_still_be_copied() -> None:
    sheet = Sheet(title="t", court="c", made_on=date(2026, 11, 18), blocks=(Paragraph(text="名\U0010fffd\x00字"),))
    assert "名\U0010fffd字" in read_pdf(build_pdf(sheet))[0]


@pytest.mark.long
def test_a_long_table_goes_on_over_pages_without_losing_a_word() -> None:
    rows = tuple((f"第{row}行", "字" * (row * 7 % 400 + 1)) for row in range(120))
    sheet = Sheet(
        title="t", court="c", made_on=date(2026, 11, 18), points=11, blocks=(Table(widths=(1, 4), rows=rows),)
    )
    pages = read_pdf(build_pdf(sheet))
    assert len(pages) > 3
    assert sum(page.count("字") for page in pages) == sum(len(words) for _, words in rows)


def test_a_docx_reads_back_with_number_facts_and_slip() -> None:
    document = docx.Document(io.BytesIO(render_docx(a_letter(), PROFILE)))
    words = "\n".join(paragraph.text for paragraph in document.paragraphs)
    assert "（2026）失信通字第1号" in words
    assert "二〇二六年十一月十八日" in words
    assert "回　执" in words
    cells = [cell.text for row in document.tables[0].rows for cell in row.cells]
    assert "𠮷测试·㐂，女" in cells
    assert document.core_properties.title == "关于失信被执行人有关情况的通报函（2026）失信通字第1号"


def test_the_docx_holds_characters_of_markup_as_they_are() -> None:
    letter = a_letter(content={"addressee": "<b>甲&乙</b>", "relation": "restricted"})
    document = docx.Document(io.BytesIO(render_docx(letter, PROFILE)))
    assert "<b>甲&乙</b>：" in [paragraph.text for paragraph in document.paragraphs]


@pytest.mark.office
def test_poppler_and_libreoffice_read_the_files(tmp_path: Path) -> None:
    pdf = tmp_path / "letter.pdf"
    pdf.write_bytes(render_pdf(a_letter(), PROFILE))
    (tmp_path / "letter.docx").write_bytes(render_docx(a_letter(), PROFILE))
    home = f"-env:UserInstallation=file://{tmp_path}/office"
    converted = tmp_path / "converted"
    command = ["soffice", home, "--headless", "--convert-to", "pdf", "--outdir", str(converted)]
    subprocess.run([*command, str(tmp_path / "letter.docx")], check=True, capture_output=True)
    for file in (pdf, converted / "letter.pdf"):
        shown = subprocess.run(["pdftotext", "-layout", str(file), "-"], check=True, capture_output=True, text=True)
        words = squeeze(shown.stdout)
        for part in ("𠮷测试·㐂，女", "（2026）失信通字第1号", "二〇二六年十一月十八日", "回执"):
            assert part in words, file
        info = subprocess.run(["pdfinfo", str(file)], check=True, capture_output=True, text=True).stdout
        # The letter, and the slip.
        assert "Pages:           2" in info, file
    fonts = subprocess.run(["pdffonts", str(pdf)], check=True, capture_output=True, text=True).stdout.splitlines()[2:]
    assert all(line.split()[-5:-2] == ["yes", "yes", "yes"] for line in fonts), fonts


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 11, 18), "二〇二六年十一月十八日"),
        (date(2030, 10, 30), "二〇三〇年十月三十日"),
        (date(2027, 1, 20), "二〇二七年一月二十日"),
        (date(2026, 12, 1), "二〇二六年十二月一日"),
    ],
)
def test_days_are_written_as_documents_of_a_court_write_them(day: date, words: str) -> None:
    assert formal_day(day) == words


@given(st.text(st.sampled_from("一二三，。、（）《》“”AB1 2\n𠮷"), max_size=80), st.integers(2, 20), st.integers(0, 2))
def test_lines_lose_nothing_are_not_too_long_and_begin_with_no_mark(text: str, width: int, first: int) -> None:
    def measure(words: str) -> float:
        return float(len(words))

    lines = break_lines(text, width, measure, min(first, width - 1))
    assert squeeze("".join(lines)) == squeeze(text)
    # One mark may hang over the end.
    assert all(len(line) <= width + 1 for line in lines)


def test_a_mark_stays_with_what_it_closes() -> None:
    assert break_lines("甲乙丙丁，戊", 4, len) == ["甲乙丙丁，", "戊"]
    assert break_lines("甲乙丙（丁）", 4, len) == ["甲乙丙", "（丁）"]
    assert break_lines("甲乙 2026年", 4, len) == ["甲乙 ", "2026", "年"]


# The dossier


def test_the_dossier_holds_everything_and_its_making_is_written_down(office: Office) -> None:
    notice = office.draft(LetterKind.SEALED_NOTICE, {**NOTICE, "relation": "official"}, 2)
    office.confirm(notice)
    office.act(notice, note_delivery, delivered_on=date(2026, 11, 18))
    office.draft(LetterKind.OBJECTION_DECISION, DECISION, 2)
    office.remove(2)
    court = office.court
    with court.session() as session:
        row = session.get_one(RecordRow, office.record(2))
        content = build_dossier(
            session, court.vault, row, profile=court.profile(), policy=court.policy(), acting=court.acting("auditor")
        )
    pages = read_pdf(content)
    words = squeeze("".join(pages))
    entry = a_person(2)
    private = (entry["id_number"], entry["employer"], entry["phone"], entry["address"], entry["applicant"]["name"])
    for part in (*private, entry["obligation"], entry["decision_number"]):
        assert squeeze(part) in words
    for part in ("（2026）失信通字第1号", "（2025）测0101执1号结案通知书", "第十条第一款第一项", office.number(2)):
        assert part in words
    assert "法释〔2017〕7号第六条第（二）项" in words
    for position, page in enumerate(pages, start=1):
        assert f"第{position}页，共{len(pages)}页" in squeeze(page)
    with court.reading() as session:
        lines = session.scalars(select(AuditRow).where(AuditRow.action == "read", AuditRow.actor == "auditor"))
        assert [line.detail for line in lines] == [{"page": "dossier"}]


def test_a_preview_says_that_it_is_none_to_be_used() -> None:
    sheet = write_letter(a_letter(state=LetterState.DRAFTED, confirmed_at=None, confirmed_by=None), PROFILE)
    assert "未核发，不得使用" in sheet.head
    assert "二〇二六年十一月十八日" not in "\n".join(sheet.texts())

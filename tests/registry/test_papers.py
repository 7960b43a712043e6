"""Documents that are attached: known by their bytes, scanned, sealed, and read back as they were."""

from __future__ import annotations

import os
import stat
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from homes import Home
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from submissions import JPEG, PDF, PNG, WORD_TYPES, a_document, a_zip

from gongshi.court import Court
from registry.attachments import Media, PaperRefused, check_file, clean_name
from registry.papers import (
    FOLDER,
    UNKNOWN_FOLDER,
    Keeping,
    Offered,
    PaperKind,
    PaperLost,
    Prepared,
    ScanFailed,
    Verdict,
    add_paper,
    list_papers,
    open_paper,
    open_scanner,
    prepare_paper,
    sweep_papers,
)
from registry.tables import AuditRow, PaperRow

LIMIT = 1024 * 1024


@pytest.fixture
def court(home: Home) -> Iterator[Court]:
    made = home.court
    yield made
    made.close()


def keep(court: Court, name: str, content: bytes, *, verdict: Verdict = Verdict.CLEAN) -> Prepared:
    keeping = Keeping(folder=court.private / FOLDER, scan=lambda _content: verdict, limit=LIMIT)
    return prepare_paper(court.vault, Offered(kind=PaperKind.EVIDENCE, name=name, content=content), keeping)


@pytest.mark.parametrize(
    ("name", "content", "media"),
    [
        ("判决书.pdf", PDF, Media.PDF),
        ("照片.JPG", JPEG, Media.JPEG),
        ("照片.jpeg", JPEG, Media.JPEG),
        ("截图.png", PNG, Media.PNG),
        ("说明.docx", a_document(), Media.DOCX),
        ("没有后缀", PDF, Media.PDF),
    ],
)
def test_a_file_is_what_its_bytes_say(name: str, content: bytes, media: Media) -> None:
    assert check_file(name, content, limit=LIMIT) is media


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("空.pdf", b"", "空的"),
        ("大.pdf", PDF + b" " * LIMIT, "超过"),
        ("页面.pdf", b"<html><script>alert(1)</script>", "只能是"),
        ("图.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "只能是"),
        ("程序.exe", b"MZ\x90\x00", "只能是"),
        ("改名.png", PDF, "不符"),
        ("表格.docx", a_zip({"xl/workbook.xml": b"<x/>"}), "只能是"),
        ("伪装.docx", a_zip({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<x/>"}), "只能是"),
        ("宏.docx", a_document(word__vbaProject_dot_bin=b"x"), "宏"),
        ("嵌入.docx", a_document(word__embeddings__object_dot_xlsx=b"x"), "宏"),
        ("路径.docx", a_zip({"[Content_Types].xml": WORD_TYPES, "word/document.xml": b"", "../../x": b"x"}), "别处"),
        ("炸弹.docx", a_document(word__media__zeros=b"\0" * (20 * 1024 * 1024)), "过大"),
        ("坏.docx", a_document()[:-30], "损坏"),
        ("坏2.docx", b"PK\x03\x04" + b"x" * 100, "损坏"),
    ],
)
def test_what_is_not_such_a_file_is_refused(name: str, content: bytes, why: str) -> None:
    with pytest.raises(PaperRefused, match=why):
        check_file(name, content, limit=LIMIT)


def test_a_bomb_that_lies_about_its_size_is_counted_and_not_believed() -> None:
    """The directory of the archive says one byte; what comes out is more than any document has."""
    honest = bytearray(a_document(word__media__zeros=b"\0" * (20 * 1024 * 1024)))
    size = (20 * 1024 * 1024).to_bytes(4, "little")
    lying = bytes(honest).replace(size, (1).to_bytes(4, "little"))
    assert lying != bytes(honest)
    with zipfile.ZipFile(BytesIO(lying)) as archive:
        assert max(part.file_size for part in archive.infolist()) < 1000
    with pytest.raises(PaperRefused):
        check_file("炸弹.docx", lying, limit=LIMIT)


@given(st.binary(max_size=400), st.text(max_size=30))
def test_no_bytes_and_no_name_do_more_than_be_refused(content: bytes, name: str) -> None:
    for opening in (b"", b"%PDF-", b"PK\x03\x04", a_document()[:200]):
        try:
            media = check_file(name, opening + content, limit=LIMIT)
        except PaperRefused:
            continue
        assert media in set(Media)


@given(st.text(max_size=300))
def test_a_name_is_one_part_that_nothing_misreads(name: str) -> None:
    cleaned = clean_name(name, Media.PDF)
    assert cleaned.endswith(".pdf")
    assert 4 < len(cleaned) <= 90
    assert not set(cleaned) & set('\\/:*?"<>|%;\r\n\0\u202e\u2066')
    assert not cleaned.startswith(".")
    assert clean_name(cleaned, Media.PDF) == cleaned


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\材料\\判决书.PDF", "判决书.pdf"),
        ("照片\u202egpj.pdf", "照片gpj.pdf"),
        ("𠮷某.pdf", "𠮷某.pdf"),
        ("...", "附件.pdf"),
        ('"><img src=x onerror=alert(1)>.pdf', "img src=x onerror=alert(1)_.pdf"),
    ],
)
def test_names_are_cleaned(name: str, cleaned: str) -> None:
    assert clean_name(name, Media.PDF) == cleaned or clean_name(name, Media.PDF).endswith(cleaned)


def test_a_document_lies_sealed_and_comes_back_as_it_was(court: Court) -> None:
    prepared = keep(court, "秘密判决书.pdf", PDF)
    with court.session() as session:
        row = add_paper(session, court.vault, prepared, court.acting("clerk"), matter=None, record=None)
        paper, file = row.id, row.file
    folder = court.private / FOLDER
    lying = (folder / file).read_bytes()
    assert b"synthetic" not in lying
    assert stat.S_IMODE((folder / file).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "秘密" not in repr(prepared) + file
    with court.reading() as session:
        opened = open_paper(session, court.vault, folder, paper)
        assert opened is not None
        assert (opened.name, opened.media, opened.content) == ("秘密判决书.pdf", "application/pdf", PDF)
        assert open_paper(session, court.vault, folder, paper + 1) is None
        audited = [line.detail for line in session.query(AuditRow).filter(AuditRow.action == "paper_add")]
        assert "秘密" not in repr(audited)
        assert audited[0]["paper"] == paper


def test_documents_are_those_of_one_record_or_matter(home: Home, court: Court) -> None:
    from entries import a_person

    home.publish(a_person(1))
    with court.session() as session:
        add_paper(session, court.vault, keep(court, "一.pdf", PDF), court.acting("clerk"), record=1)
        add_paper(session, court.vault, keep(court, "二.png", PNG), court.acting("clerk"), record=1)
    with court.reading() as session:
        assert [line.name for line in list_papers(session, court.vault, record=1)] == ["一.pdf", "二.png"]
        assert list_papers(session, court.vault, matter=1) == []
        with pytest.raises(ValueError, match="record or of a matter"):
            list_papers(session, court.vault)


@pytest.mark.parametrize("harm", ["gone", "cut", "swapped"])
def test_a_lost_file_is_said_plainly(court: Court, harm: str) -> None:
    folder = court.private / FOLDER
    with court.session() as session:
        one = add_paper(session, court.vault, keep(court, "一.pdf", PDF), court.acting("clerk"))
        other = add_paper(session, court.vault, keep(court, "二.png", PNG), court.acting("clerk"))
        paper, files = one.id, (folder / one.file, folder / other.file)
    if harm == "gone":
        files[0].unlink()
    else:
        files[0].write_bytes(files[0].read_bytes()[:40] if harm == "cut" else files[1].read_bytes())
    with court.reading() as session, pytest.raises(PaperLost, match="备份"):
        open_paper(session, court.vault, folder, paper)


def test_what_the_scanner_finds_is_not_kept(court: Court) -> None:
    with pytest.raises(PaperRefused, match="病毒"):
        keep(court, "一.pdf", PDF, verdict=Verdict.INFECTED)
    with pytest.raises(ScanFailed):
        keep(court, "一.pdf", PDF, verdict=Verdict.UNKNOWN)
    assert not (court.private / FOLDER).exists()


@pytest.mark.parametrize(("code", "verdict"), [(0, Verdict.CLEAN), (1, Verdict.INFECTED), (2, Verdict.UNKNOWN)])
def test_a_scanner_is_a_command_that_gets_the_bytes(tmp_path: Path, code: int, verdict: Verdict) -> None:
    seen = tmp_path / "seen"
    program = f"import sys; open({str(seen)!r}, 'wb').write(sys.stdin.buffer.read()); sys.exit({code})"
    command = f'{sys.executable} -c "{program}"'
    assert open_scanner(command)(PDF) is verdict
    assert seen.read_bytes() == PDF


def test_no_scanner_lets_pass_and_a_missing_one_does_not() -> None:
    assert open_scanner("")(PDF) is Verdict.CLEAN
    assert open_scanner("/no/such/scanner --quiet")(PDF) is Verdict.UNKNOWN


def test_files_that_nothing_knows_are_put_aside_after_a_day_and_nothing_else(home: Home, court: Court) -> None:
    folder = court.private / FOLDER
    with court.session() as session:
        known = add_paper(session, court.vault, keep(court, "一.pdf", PDF), court.acting("clerk")).file
    orphan = keep(court, "二.png", PNG).file
    fresh = keep(court, "三.png", PNG).file
    old = (court.now.timestamp() - 2 * 86400,) * 2
    (folder / f"{'0' * 32}.new").write_bytes(b"cut short")
    for name in (known, orphan, f"{'0' * 32}.new"):
        os.utime(folder / name, old)
    os.utime(folder / fresh, (court.now.timestamp(),) * 2)
    with court.reading() as session:
        assert sweep_papers(session, folder, court.now) == 2
    assert {path.name for path in folder.iterdir()} == {known, fresh}
    assert [path.name for path in (court.private / UNKNOWN_FOLDER).iterdir()] == [orphan]
    with court.reading() as session:
        assert session.query(PaperRow).count() == 1


def test_papers_come_back_with_the_registry_that_knows_them(home: Home, court: Court) -> None:
    """A worker that was started once on a registry of last month destroys nothing."""
    folder = court.private / FOLDER
    with court.session() as session:
        row = add_paper(session, court.vault, keep(court, "一.pdf", PDF), court.acting("clerk"))
        paper, file = row.id, row.file
    os.utime(folder / file, (court.now.timestamp() - 2 * 86400,) * 2)
    with court.session() as session:
        session.execute(update(PaperRow).values(file="0" * 32))
    with court.session() as session:
        assert sweep_papers(session, folder, court.now) == 1
        assert sweep_papers(session, folder, court.now) == 0
    assert [one["grade"] for one in _ask_doctor(home)] == ["warn"]
    with court.session() as session:
        session.execute(update(PaperRow).values(file=file))
    with court.session() as session:
        assert sweep_papers(session, folder, court.now) == 0
        opened = open_paper(session, court.vault, folder, paper)
    assert opened is not None
    assert opened.content == PDF
    assert _ask_doctor(home) == []


def _ask_doctor(home: Home) -> list[dict[str, str]]:
    return [one for one in home.run("doctor", "--json").json["findings"] if one["matter"] == "来件材料"]

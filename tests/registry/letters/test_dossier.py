"""The dossier for the court above: in words, with each objection whole, long or empty."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from builders_letters import DECISION, Office
from pdf_text import read_pdf
from submissions import PDF

from registry.letters import LetterKind, note_delivery
from registry.letters.dossier import collect, write_dossier
from registry.letters.pdf import build_pdf
from registry.letters.sheet import Sheet, Table
from registry.matters import (
    Arrival,
    Channel,
    Claim,
    Content,
    Given,
    MatterKind,
    Remedy,
    Step,
    register_matter,
    take_step,
)
from registry.papers import FOLDER, Keeping, Offered, PaperKind, Verdict, add_paper, prepare_paper
from registry.tables import MatterRow, RecordRow

# A word of the programme: what is left of it when a code was not named.
_CODE = re.compile(r"(?<![A-Za-z0-9_./-])[a-z]{2,}(?:_[a-z]+)*(?![A-Za-z0-9./-])")
# Names of staff, and of the policy.
_NAMES = {"clerk", "reviewer", "second", "auditor", "admin", "gongshi", "national"}


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what is asked here is not asked of the database."""
    return {}


def write(office: Office, serial: int = 2) -> Sheet:
    court, acting = office.court, office.court.acting("second")
    with court.session() as session:
        row = session.get_one(RecordRow, office.record(serial))
        return write_dossier(collect(session, court.vault, row, court.policy(), acting), court.profile(), acting)


def find_codes(sheet: Sheet) -> set[str]:
    cells = (cell for block in sheet.blocks if isinstance(block, Table) for row in block.rows for cell in row)
    return {word for cell in cells for word in _CODE.findall(cell)} - _NAMES


def attach(office: Office, name: str, matter: int) -> None:
    court = office.court
    keeping = Keeping(folder=office.home.folder / "registry" / FOLDER, scan=lambda _: Verdict.CLEAN)
    prepared = prepare_paper(court.vault, Offered(kind=PaperKind.EVIDENCE, name=name, content=PDF), keeping)
    with court.session() as session:
        add_paper(session, court.vault, prepared, court.acting("clerk"), matter=matter)


def step(office: Office, matter: int, to: Step, actor: str = "second", **given: object) -> None:
    court = office.court
    with court.session() as session:
        row = session.get_one(MatterRow, matter)
        take_step(session, court.vault, row, to, court.acting(actor), Given(**given))  # type: ignore[arg-type]


def test_the_court_above_reads_objection_decision_papers_and_letters(office: Office) -> None:
    matter = office.objection(2)
    attach(office, "还款凭证.pdf", matter)
    letter = office.write(matter, {**DECISION, "reasons": "经查，款项并未到账。"}, serial=2)
    office.confirm(letter, "second")
    today = office.court.today
    office.act(letter, note_delivery, delivered_on=today)
    step(office, matter, Step.SERVE, "clerk", on=today)
    number = office.read(letter).number
    sheet = write(office)
    words = "\n".join(sheet.texts())
    day = f"{today.year}年{today.month}月{today.day}日"
    for part in (
        "异议第1号",
        "请求删除",
        "已履行义务",
        "2026年11月2日，书面",
        "当事人提交的材料",
        "还款凭证.pdf",
        "查明",
        "驳回决定已送达",
        number,
        "乙申请",
        "请求删除失信信息。",
        "理由不成立，驳回申请",
        "经查，款项并未到账。",
        "法释〔2017〕7号第十二条",
    ):
        assert part in words, part
    rows = [row for block in sheet.blocks if isinstance(block, Table) for row in block.rows]
    assert ("决定", "驳回") in rows
    assert ("决定的理由", "查明") in rows
    # Of the letter, and of the matter.
    assert rows.count(("送达", day)) == 2


def test_no_code_of_the_programme_is_printed(office: Office) -> None:
    office.objection(2)
    attach(office, "凭证.pdf", 1)
    office.objection(2, Remedy.CORRECT)
    office.draft(LetterKind.SEALED_NOTICE, {"addressee": "测试市样例局", "relation": "official"}, 2)
    case = "（2025）测0101执2号"
    add = ["ground", "add", case, "--ground", "performed", "--basis", "结案通知书", "--as", "clerk"]
    assert office.home.run(*add).code == 0
    office.remove(2)
    office.draft(LetterKind.CERTIFICATE, {}, 2)
    assert find_codes(write(office)) == set()
    assert find_codes(write(office, 1)) == set()


def test_who_complains_is_not_named_to_the_court_above(office: Office) -> None:
    court = office.court
    with court.session() as session:
        arrival = Arrival(
            kind=MatterKind.COMPLAINT,
            channel=Channel.PAPER,
            received_on=date(2026, 11, 2),
            content=Content(words="某局仍在使用", who="庚举报", phone="13900000009"),
            record=session.get_one(RecordRow, office.record(2)),
        )
        register_matter(session, court.vault, arrival, court.acting("clerk"))
    words = "\n".join(write(office).texts())
    assert "第1号投诉举报" in words
    assert "庚举报" not in words
    assert "13900000009" not in words


def test_of_nothing_it_says_that_there_is_nothing(office: Office) -> None:
    sheet = write(office)
    texts = list(sheet.texts())
    title = next(position for position, words in enumerate(texts) if words.startswith("六、异议和复议"))
    assert texts[title + 1] == "无"


def test_an_undecided_objection_says_so_and_shows_that_it_has_no_papers(office: Office) -> None:
    court = office.court
    with court.session() as session:
        arrival = Arrival(
            kind=MatterKind.OBJECTION,
            channel=Channel.TELEPHONE,
            received_on=court.today - timedelta(days=1),
            content=Content(words="不是本人"),
            ground=Claim.NOT_ME,
            record=session.get_one(RecordRow, office.record(2)),
        )
        register_matter(session, court.vault, arrival, court.acting("clerk"))
    words = list(write(office).texts())
    for part in ("尚未决定", "材料：无", "文书：无", "办理经过：无"):
        assert part in words, part


@pytest.mark.long
def test_the_longest_words_are_all_on_its_pages(office: Office) -> None:
    matter = office.objection(2)
    attach(office, "长" * 60 + ".pdf", matter)
    office.write(matter, {**DECISION, "claim": "请" * 600, "reasons": "由" * 3000}, serial=2)
    pages = read_pdf(build_pdf(write(office)))
    assert sum(page.count("由") for page in pages) >= 3000

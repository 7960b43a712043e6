"""The matters of a dossier: each in a line, and every objection whole, as the court above needs it for a reconsideration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.audit_values import GROUND_LABEL
from registry.intake import LABELS
from registry.letters.book import read_letter
from registry.letters.kinds import STATE_LABEL as LETTER_STATE
from registry.letters.kinds import Letter
from registry.letters.sheet import Block, Paragraph, Table, day_words, heading, moment_words
from registry.matters.content import Content, Note, read_content, read_faults, read_notes
from registry.matters.words import (
    CHANNEL_LABEL,
    CLAIM_LABEL,
    GROUND_STATE_LABEL,
    KIND_LABEL,
    OUTCOME_LABEL,
    STATE_LABEL,
    STEP_LABEL,
    Channel,
    Claim,
    MatterKind,
    MatterState,
    Step,
)
from registry.papers import PaperLine, list_papers
from registry.tables import LetterRow, MatterRow
from registry.vault import Vault

_NONE = "无"
_FILE = {"application/pdf": "PDF", "image/jpeg": "JPEG图片", "image/png": "PNG图片"}
_DECIDES = frozenset({Step.UPHOLD.value, Step.REJECT.value, Step.AMEND.value})
_ASKED, _TOLD = (3, 7), (3, 3, 2, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """An objection, opened: what was brought, what was done step by step, the fields that are wrong, its papers and letters."""

    row: MatterRow
    content: Content
    notes: Sequence[Note]
    faults: Sequence[str]
    papers: Sequence[PaperLine]
    letters: Sequence[Letter]


def collect_objections(session: Session, vault: Vault, matters: Sequence[MatterRow]) -> list[Objection]:
    """The objections among `matters`, opened. Who complains of a unit (投诉举报) is not named to the court above."""
    return [_open(session, vault, row) for row in matters if row.kind == MatterKind.OBJECTION.value]


def _open(session: Session, vault: Vault, row: MatterRow) -> Objection:
    faults = read_faults(row, vault)
    letters = session.scalars(select(LetterRow).where(LetterRow.matter_id == row.id).order_by(LetterRow.id))
    return Objection(
        row=row,
        content=read_content(row, vault),
        notes=read_notes(row, vault),
        faults=[label for field, label in LABELS.items() if field in faults],
        papers=list_papers(session, vault, matter=row.id),
        letters=[read_letter(one, vault) for one in letters],
    )


def write_matter(row: MatterRow) -> tuple[str, ...]:
    """A matter in a line: number and kind, receipt, how it stands, what it rests on."""
    stands = (_name_state(row), _name_outcome(row), "已办结" if row.closed_at else "")
    return (
        f"第{row.id}号{_name_kind(row)}",
        day_words(row.received_on),
        "；".join(dict.fromkeys(part for part in stands if part)),
        "；".join(part for part in (_name_ground(row), row.summary, row.basis) if part) or "—",
    )


def write_paper(line: PaperLine) -> tuple[str, ...]:
    """A document in a line: kind, name, format and size, who took it in and when."""
    return (
        line.label,
        line.name,
        f"{_FILE.get(line.media, 'Word文档')}，{line.size:,}字节",
        f"{line.added_by}，{moment_words(line.added_at)}",
    )


def write_objection(one: Objection) -> tuple[Block, ...]:
    """The objection, the decision with its reasons, every step, the papers and the letters."""
    return (
        heading(f"异议第{one.row.id}号"),
        Table(widths=_ASKED, rows=tuple(row for row in (*_asked(one), *_decided(one)) if row[1])),
        *_list("办理经过", ("步骤", "办理", "发生日期", "内容和依据"), [_step(one, note) for note in one.notes], _TOLD),
        *_list(
            "材料", ("种类", "名称", "格式和大小", "收录"), [write_paper(line) for line in one.papers], (3, 5, 3, 3)
        ),
        *(block for letter in one.letters for block in _letter(letter)),
        *(() if one.letters else _list("文书", (), [], ())),
    )


def _asked(one: Objection) -> tuple[tuple[str, str], ...]:
    row, content = one.row, one.content
    reached = "，".join(part for part in (content.phone, content.email, content.address) if part)
    return (
        ("收到", f"{day_words(row.received_on)}，{_name_channel(row)}"),
        ("登记", f"{row.registered_by}，{moment_words(row.registered_at)}"),
        ("申请人", "，".join(part for part in (content.who, content.role) if part) or "未写明"),
        ("联系方式", reached),
        ("异议的理由", _name_ground(row)),
        ("所写的案号或者编号", content.reference),
        ("异议的内容", content.words or "未写明"),
        ("现在的情况", _name_state(row)),
    )


def _decided(one: Objection) -> tuple[tuple[str, str], ...]:
    row, note = one.row, _find_deciding(one)
    if row.decided_at is None and note is None:
        return (("决定", "尚未决定"),)
    by = f"{row.decided_by}，{moment_words(row.decided_at)}" if row.decided_at else ""
    return (
        ("决定", _name_outcome(row)),
        ("应当更正的项目", "、".join(one.faults)),
        ("决定的理由", note.words if note else ""),
        ("决定的依据", (note.basis if note else "") or row.basis or ""),
        ("作出决定", by),
        ("送达", day_words(row.served_on) if row.served_on else "尚未登记送达"),
        ("办结", moment_words(row.closed_at) if row.closed_at else "尚未办结"),
    )


def _find_deciding(one: Objection) -> Note | None:
    """The last note that decided."""
    return next((note for note in reversed(one.notes) if note.step in _DECIDES), None)


def _step(one: Objection, note: Note) -> tuple[str, ...]:
    words = ("见“决定的理由”", "") if note is _find_deciding(one) else (note.words, note.basis)
    return (
        STEP_LABEL[Step(note.step)] if note.step in set(Step) else "附件",
        f"{note.by}，{moment_words(note.at)}",
        day_words(note.on) if note.on else "—",
        "；".join(part for part in words if part) or "—",
    )


def _letter(letter: Letter) -> tuple[Block, ...]:
    """A letter with its number, what it says, who wrote and agreed to it, and when it was delivered."""
    agreed = (
        f"{letter.confirmed_by or letter.drafted_by}，{moment_words(letter.confirmed_at)}"
        if letter.confirmed_at
        else ""
    )
    said = []
    for gap in letter.rule.gaps:
        value = letter.content.get(gap.name, "")
        said.append((gap.label, (gap.choices or {}).get(value, day_words(value) if gap.is_date and value else value)))
    rows = (
        ("文号", letter.number),
        ("情况", LETTER_STATE[letter.state]),
        *said,
        ("拟稿", f"{letter.drafted_by}，{moment_words(letter.drafted_at)}"),
        ("核发", agreed or "尚未核发"),
        ("送达", day_words(letter.delivered_on) if letter.delivered_on else "尚未登记送达"),
    )
    return heading(f"文书：{letter.rule.label}"), Table(widths=_ASKED, rows=tuple(row for row in rows if row[1]))


def _list(
    title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], widths: tuple[int, ...]
) -> tuple[Block, ...]:
    if not rows:
        return (Paragraph(text=f"{title}：{_NONE}"),)
    return heading(title), Table(widths=widths, rows=(columns, *rows), heading=True)


def _name_kind(row: MatterRow) -> str:
    return KIND_LABEL[MatterKind(row.kind)] if row.kind in set(MatterKind) else row.kind


def _name_state(row: MatterRow) -> str:
    if row.kind == MatterKind.GROUND.value:
        return GROUND_STATE_LABEL.get(row.state, row.state)
    return STATE_LABEL[MatterState(row.state)] if row.state in set(MatterState) else row.state


def _name_outcome(row: MatterRow) -> str:
    if row.kind == MatterKind.GROUND.value:
        return GROUND_LABEL.get(row.outcome or "", OUTCOME_LABEL.get(row.outcome or "", row.outcome or ""))
    return OUTCOME_LABEL.get(row.outcome or "", row.outcome or "")


def _name_ground(row: MatterRow) -> str:
    if row.kind == MatterKind.OBJECTION.value and row.ground in set(Claim):
        return CLAIM_LABEL[Claim(row.ground)]
    return GROUND_LABEL.get(row.ground or "", row.ground or "")


def _name_channel(row: MatterRow) -> str:
    return CHANNEL_LABEL[Channel(row.channel)] if row.channel in set(Channel) else "本院登记"

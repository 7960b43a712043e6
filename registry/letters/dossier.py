"""The dossier of a record (案卷): what the court above needs to judge the listing, in one paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import notices
from registry.acting import Acting
from registry.audit_values import GROUND_LABEL, say_detail
from registry.audit_words import name_action
from registry.deadlines import RULE_LABEL, Rule
from registry.findings import accept
from registry.letters.book import LetterLine, list_letters
from registry.letters.dossier_matters import Objection, collect_objections, write_matter, write_objection, write_paper
from registry.letters.kinds import KINDS, OUTCOME_LABEL, STATE_LABEL
from registry.letters.sheet import Block, PageBreak, Paragraph, Sheet, Table, day_words, heading, moment_words
from registry.lifecycle import ACTION_LABEL, Action
from registry.lifecycle import STATE_LABEL as RECORD_STATE_LABEL
from registry.papers import PaperLine, list_papers
from registry.policy import Policy
from registry.preview import HOW_LABEL, Preview, preview
from registry.record import Record
from registry.records import read_record
from registry.tables import AuditRow, ClockRow, DecisionRow, MatterRow, RecordRow
from registry.vault import Vault
from search_index.profile import Profile

_POINTS = 11
_NONE = "无"
_OBJECTIONS = "六、异议和复议（法释〔2017〕7号第十一条、第十二条）"
_ENDED = {"met": "按期办结", "missed": "逾期办结", "void": "不再需要", None: "尚未届满或者尚未办结"}
_OUTCOME = {"waiting": "待发送", "queued": "已交发送", "not_sent": "未能发送", "stopped": "已停发"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A record with everything that hangs on it, in the order in which it was written down."""

    record: Record
    row: RecordRow
    preview: Preview
    decisions: Sequence[DecisionRow]
    clocks: Sequence[ClockRow]
    matters: Sequence[MatterRow]
    objections: Sequence[Objection]
    letters: Sequence[LetterLine]
    papers: Sequence[PaperLine]
    notices: Sequence[notices.NoticeLine]
    audit: Sequence[AuditRow]


def collect(session: Session, vault: Vault, row: RecordRow, policy: Policy, acting: Acting) -> Dossier:
    """Read all that the dossier holds."""
    record, matters = read_record(row, vault), _of_record(session, MatterRow, row)
    return Dossier(
        record=record,
        row=row,
        preview=preview(record, record.redactions or accept(record.facts), policy, acting.today, shows_ground=True),
        decisions=_of_record(session, DecisionRow, row),
        clocks=_of_record(session, ClockRow, row),
        matters=matters,
        objections=collect_objections(session, vault, matters),
        letters=list_letters(session, record=row.id, limit=500)[::-1],
        papers=list_papers(session, vault, record=row.id),
        notices=notices.read_of_record(session, row.id),
        audit=_of_record(session, AuditRow, row),
    )


def _of_record(session: Session, table: Any, row: RecordRow) -> list[Any]:
    return list(session.scalars(select(table).where(table.record_id == row.id).order_by(table.id)))


def write_dossier(dossier: Dossier, profile: Profile, acting: Acting) -> Sheet:
    """The dossier as a paper: cover, facts, what is public and why, what was decided and done."""
    name = dossier.row.number or dossier.record.facts.case_number.canonical
    return Sheet(
        title=f"失信被执行人信息案卷 {name}",
        court=profile.court,
        made_on=acting.today,
        points=_POINTS,
        head=("演练文书，不具有法律效力　" if profile.training else "") + "内部案卷，含个人信息，不得公开",
        foot=f"{name}　{acting.actor}制作",
        blocks=(
            *_cover(dossier, profile, acting),
            *_section("一、失信信息（全部）", ("栏目", "内容"), _facts(dossier), (3, 7)),
            *_section("二、公布的内容和理由", ("栏目", "公布的内容", "处理", "依据"), _fields(dossier), (2, 4, 2, 4)),
            *_section(
                "三、决定", ("办理", "事由和依据", "发生、知悉", "决定", "确认"), _decisions(dossier), (2, 5, 3, 3, 3)
            ),
            *_section("四、期限", ("期限", "起算", "到期日", "结果", "依据"), _clocks(dossier), (3, 3, 3, 3, 4)),
            *_section(
                "五、办件",
                ("编号、种类", "收到", "情况", "事由和依据"),
                map(write_matter, dossier.matters),
                (3, 3, 4, 5),
            ),
            *_write_objections(dossier),
            *_section("七、短信告知", ("内容", "时间", "情况"), _notices(dossier), (4, 3, 4)),
            *_section("八、文书", ("文号", "种类", "情况", "核发", "送达、答复"), _letters(dossier), (4, 3, 3, 3, 4)),
            *_section(
                "九、附件", ("种类", "名称", "格式和大小", "收录"), map(write_paper, dossier.papers), (3, 5, 3, 3)
            ),
            *_section("十、审计记录", ("序号", "时间", "人员", "事项", "内容"), _audit(dossier), (1, 3, 2, 2, 5)),
        ),
    )


def _cover(dossier: Dossier, profile: Profile, acting: Acting) -> tuple[Block, ...]:
    facts, row = dossier.record.facts, dossier.row
    made = f"{moment_words(acting.now)}，{acting.actor}"
    rows = (
        ("执行法院", facts.court),
        ("执行案号", facts.case_number.canonical),
        ("公示编号", row.number or "未公布"),
        ("被执行人", facts.name),
        ("现在的状态", RECORD_STATE_LABEL[dossier.record.state]),
        ("首次公布", day_words(row.published_on) if row.published_on else "未公布"),
        ("退出名单", day_words(row.departed_on) if row.departed_on else _NONE),
        ("导入、审核", f"{row.imported_by}；{row.approved_by or '未审核'}"),
        ("制作", made),
    )
    return (
        Paragraph(text=profile.court, look="title", alignment="center", drop=4),
        Paragraph(text="失信被执行人信息案卷", look="title", alignment="center"),
        Paragraph(text="（供上一级人民法院审查，法释〔2017〕7号第十二条）", look="number", alignment="center"),
        Table(widths=(3, 7), rows=rows),
        Paragraph(text="本案卷由系统按登记内容生成，审计记录前后相连，可用“审计核验”核对。", look="small", drop=1),
        PageBreak(),
    )


def _section(
    title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]], widths: tuple[int, ...]
) -> tuple[Block, ...]:
    found = tuple(rows)
    if not found:
        return heading(title), Paragraph(text=_NONE)
    return heading(title), Table(widths=widths, rows=(columns, *found), heading=True)


def _facts(dossier: Dossier) -> list[tuple[str, ...]]:
    return [(line.label, line.inside) for line in dossier.preview.lines if line.inside]


def _fields(dossier: Dossier) -> list[tuple[str, ...]]:
    withheld = dossier.preview.withheld
    first: list[tuple[str, ...]] = [("整条", "不公布", "", withheld.basis)] if withheld else []
    return first + [(line.label, line.outside or "—", HOW_LABEL[line.how], line.why) for line in dossier.preview.lines]


def _decisions(dossier: Dossier) -> list[tuple[str, ...]]:
    return [
        (
            ACTION_LABEL[Action(row.action)],
            "；".join(part for part in (GROUND_LABEL.get(row.ground or "", ""), row.basis) if part),
            f"{day_words(row.arose_on)}、{day_words(row.known_on)}",
            f"{row.decided_by}，{moment_words(row.decided_at)}",
            f"{row.confirmed_by}，{moment_words(row.confirmed_at)}" if row.confirmed_at else "—",
        )
        for row in dossier.decisions
    ]


def _clocks(dossier: Dossier) -> list[tuple[str, ...]]:
    return [
        (
            RULE_LABEL.get(Rule(row.rule), row.rule),
            f"{day_words(row.started_on)}（{row.evidence}）",
            day_words(row.due) + ("（暂定）" if row.provisional else ""),
            _ENDED[row.ended] + (f"，{moment_words(row.ended_at)}" if row.ended_at else ""),
            row.article,
        )
        for row in dossier.clocks
    ]


def _notices(dossier: Dossier) -> list[tuple[str, ...]]:
    return [
        (
            line.kind.label,
            moment_words(line.created_at),
            _OUTCOME.get(line.outcome.value, line.outcome.value) + (f"（{line.reason}）" if line.reason else ""),
        )
        for line in dossier.notices
    ]


def _letters(dossier: Dossier) -> list[tuple[str, ...]]:
    return [
        (
            line.number,
            KINDS[line.kind].label,
            STATE_LABEL[line.state],
            moment_words(line.confirmed_at) if line.confirmed_at else "—",
            _say_delivery(line),
        )
        for line in dossier.letters
    ]


def _say_delivery(line: LetterLine) -> str:
    parts = (
        line.delivered_on and f"{day_words(line.delivered_on)}送达",
        line.answered_on and f"{day_words(line.answered_on)}答复",
        line.outcome and OUTCOME_LABEL[line.outcome],
    )
    return "；".join(part for part in parts if part) or "—"


def _write_objections(dossier: Dossier) -> tuple[Block, ...]:
    """Each objection whole: what the court above decides on (art. 12 ¶2)."""
    if not dossier.objections:
        return heading(_OBJECTIONS), Paragraph(text=_NONE)
    return heading(_OBJECTIONS), *(block for one in dossier.objections for block in write_objection(one))


def _audit(dossier: Dossier) -> list[tuple[str, ...]]:
    return [
        (
            str(row.id),
            moment_words(row.at),
            row.actor,
            name_action(row.action),
            say_detail(row.detail),
        )
        for row in dossier.audit
    ]

"""Whether a letter belongs to the matter it is written in, and whether it may still go out: the decision on an objection says
what was decided, nobody who is recused answers for it, and a notice goes out only while the listing stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.gate import WithholdReason
from registry.intake import LABELS
from registry.letters.kinds import KINDS, NOTICES, LetterKind, LetterRefused, LetterState, Result
from registry.lifecycle import Action
from registry.matters.book import find_recused, say_who_may_decide
from registry.matters.content import read_faults
from registry.matters.states import MatterKind, Remedy
from registry.record import State
from registry.tables import AuditRow, LetterRow, MatterRow, RecordRow, UnitRow
from registry.vault import Vault

_OF_OBJECTIONS = (LetterKind.OBJECTION_NOTICE, LetterKind.OBJECTION_DECISION)
_STANDS = (State.PUBLISHED.value, State.RESTRICTED.value)
_RESULT: Mapping[str, Result] = {
    Remedy.WITHDRAW.value: Result.WITHDRAWN,
    Remedy.CORRECT.value: Result.CORRECTED,
    Remedy.REMOVE.value: Result.REMOVED,
}
_WORD: Mapping[str, str] = {"outcome": "决定", "result": "纠正的方式", "fields": "应当更正的项目"}


def tell_decision(matter: MatterRow, vault: Vault) -> dict[str, str] | None:
    """What was decided on an objection, by the gaps of the letter; None as long as nothing is."""
    if matter.decided_at is None or matter.outcome is None:
        return None
    if matter.outcome not in _RESULT:
        return {"outcome": "rejected"}
    decided = {"outcome": "upheld", "result": _RESULT[matter.outcome].value}
    if faults := read_faults(matter, vault):
        decided["fields"] = "、".join(LABELS[field] for field in LABELS if field in faults)
    return decided


def refuse_unfit_matter(
    vault: Vault,
    kind: LetterKind,
    content: Mapping[str, str],
    record: RecordRow | None,
    matter: MatterRow | None,
) -> None:
    """Raises LetterRefused where the letter and its matter are not about the same, or do not say the same."""
    if matter is not None and (record.id if record is not None else None) != matter.record_id:
        raise LetterRefused("文书所写的失信信息不是该办件所涉的失信信息：请从该办件的页面拟稿")
    if kind not in _OF_OBJECTIONS:
        return
    if matter is None or matter.kind != MatterKind.OBJECTION.value:
        raise LetterRefused(f"{KINDS[kind].label}须就一件异议办理：请从该办件的页面拟稿")
    if content["received_on"] != matter.received_on.isoformat():
        raise LetterRefused(f"收到申请的日期与办件登记的{matter.received_on.isoformat()}不一致")
    if kind is LetterKind.OBJECTION_DECISION:
        _refuse_contradiction(tell_decision(matter, vault), content)


def _refuse_contradiction(decided: Mapping[str, str] | None, content: Mapping[str, str]) -> None:
    if decided is None:
        raise LetterRefused("该异议还没有决定，不能起草决定书：请先由审核人作出决定（法释〔2017〕7号第十二条第一款）")
    for name, word in _WORD.items():
        # Which fields are wrong was not always noted.
        if content.get(name) != decided.get(name) and (name != "fields" or name in decided):
            raise LetterRefused(f"决定书与办件中作出的决定不一致：请核对“{word}”")


def refuse_unfit_addressee(
    session: Session, kind: LetterKind, content: Mapping[str, str], record: RecordRow | None
) -> None:
    """Raises LetterRefused where what is not public by law would go to a registered unit for which two people have not agreed
    to that (B8). Whom the law itself names, the employer or superior unit, is told by the sealed notice all the same."""
    if kind is not LetterKind.DISCIPLINE_NOTICE or record is None or record.state != State.RESTRICTED.value:
        return
    named = select(UnitRow.receives).where(UnitRow.name == content["addressee"], UnitRow.active)
    receives = session.scalar(named.limit(1))
    if receives is not None and not receives.get("restricted"):
        raise LetterRefused(
            "该单位没有经另一名审核人同意接收依法不宜公开的信息：请先在单位页面申请“依法不宜公开的信息”，再拟稿"
        )


def refuse_recused(session: Session, kind: LetterKind, matter: MatterRow | None, actor: str) -> None:
    """Raises LetterRefused where somebody would answer for the decision on an objection to what they listed themselves
    (香格里拉市 四（二）2 审核纠错机制)."""
    if kind is LetterKind.OBJECTION_DECISION and matter is not None and find_recused(session, matter, actor):
        raise LetterRefused(
            f"“{actor}”是该失信信息的录入人或者审核人，不能核发对其异议的决定书，应当回避（联合惩戒实施意见四（二）2）；"
            f"{say_who_may_decide(session, matter)}"
        )


def refuse_never_listed(session: Session, kind: LetterKind, record: RecordRow | None) -> None:
    """Raises LetterRefused where a certificate would say that somebody left a list on which they never were: neither public,
    nor in force as not fit to be public. Such a paper would itself tell of a listing (法释〔2017〕7号 art. 9–10)."""
    if kind is not LetterKind.CERTIFICATE or record is None or record.number is not None:
        return
    # The gate withholds what is not fit to be public by the word of its own.
    kept_in = (AuditRow.record_id == record.id, AuditRow.action.in_((Action.RESTRICT.value, "withhold")))
    lines = session.execute(select(AuditRow.action, AuditRow.detail).where(*kept_in))
    if not any(
        action == Action.RESTRICT.value or detail.get("reason") == WithholdReason.RESTRICTED.value
        for action, detail in lines
    ):
        raise LetterRefused(
            "该信息从未纳入名单：没有公布过，也没有作为依法不宜公开的信息生效，不能出具退出证明（法释〔2017〕7号第九条、"
            "第十条）；当事人需要的，可以书面答复其未被纳入名单"
        )


def refuse_ended(session: Session, row: LetterRow, delivered_on: date) -> None:
    """Raises LetterRefused where a notice would be handed over after its listing was hidden or has ended. One that was on
    its way by then is noted once its recall is drafted: whoever was told of a listing is told of its end."""
    record = session.get(RecordRow, row.record_id) if row.record_id is not None else None
    if LetterKind(row.kind) not in NOTICES or record is None or record.state in _STANDS:
        return
    if record.departed_on is not None and delivered_on < record.departed_on:
        return
    recalled = select(LetterRow.id).where(
        LetterRow.record_id == record.id,
        LetterRow.kind == LetterKind.NOTICE_RECALL.value,
        LetterRow.state != LetterState.VOID.value,
        LetterRow.id > row.id,
    )
    if session.scalar(recalled.limit(1)) is None:
        raise LetterRefused(
            "该失信信息已经屏蔽或者退出，通报不得再送达（法释〔2017〕7号第九条、第十条）；"
            "已经交寄、不能追回的，请先拟撤回通报的函，再登记送达"
        )

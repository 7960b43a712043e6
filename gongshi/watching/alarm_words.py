"""The words of an alarm mail. Pure. It names no person, and of entries nothing but how many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gongshi.watching.alarms import Deadlines, Sheet, Trouble
from gongshi.watching.finding import GRADE_LABEL
from notifier.channels import Letter
from search_index.day import SHANGHAI

_MOST = 40


def write_mail(sheet: Sheet, *, court: str, desk: str | None, now: datetime, is_last: bool) -> Letter:
    """The letter of a sheet. `desk` is the address of the desk; `is_last`: there will be no other mail today."""
    parts = [f"{court}公示系统 {_show(now)}"]
    parts += _tell("新发现的问题", sheet.fresh)
    parts += _tell("仍未解决的问题", sheet.still)
    if sheet.mended:
        parts.append("\n".join(["已恢复", *(f"- {matter}" for matter in sheet.mended)]))
    if sheet.deadlines:
        parts.append(_tell_deadlines(sheet.deadlines, desk))
    parts.append(f"查看全部并标为已读：{desk}/running" if desk else "查看全部并标为已读：内部页面“运行状况”")
    if is_last:
        parts.append("今天的告警邮件已达上限，此后的问题只显示在内部页面，明天一并告知。")
    return Letter(subject=_write_subject(sheet), text="\n\n".join(parts) + "\n")


def _write_subject(sheet: Sheet) -> str:
    troubles = (*sheet.fresh, *sheet.still)
    counts = [(GRADE_LABEL[grade], sum(one.finding.grade == grade for one in troubles)) for grade in ("fail", "warn")]
    said = [f"{count} 项{label}" for label, count in counts if count]
    if sheet.deadlines:
        pressing = sheet.deadlines.over + sheet.deadlines.hidden
        said.append(f"{pressing} 项期限已到" if pressing else f"{sheet.deadlines.near} 项期限将到")
    if sheet.mended:
        said.append(f"{len(sheet.mended)} 项已恢复")
    return f"公示系统：{'，'.join(said)}"


def _tell(title: str, troubles: Sequence[Trouble]) -> list[str]:
    if not troubles:
        return []
    lines = [title]
    for number, one in enumerate(troubles[:_MOST], start=1):
        found = one.finding
        lines.append(f"{number}. [{GRADE_LABEL[found.grade]}] {found.matter}：{found.text}（{_show(one.since)}发现）")
    if len(troubles) > _MOST:
        lines.append(f"另有 {len(troubles) - _MOST} 项")
    return ["\n".join(lines)]


def _tell_deadlines(deadlines: Deadlines, desk: str | None) -> str:
    lines = ["法定期限"]
    for count, words in (
        (deadlines.over, "项已经逾期，还没有办理"),
        (deadlines.hidden, "项到期没有决定，条目已由系统自行屏蔽，等待决定"),
        (deadlines.near, "项即将到期"),
    ):
        if count:
            lines.append(f"- {count} {words}")
    lines.append(f"办理：{desk}/work/due" if desk else "办理：内部页面“工作清单”")
    return "\n".join(lines)


def _show(moment: datetime) -> str:
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"

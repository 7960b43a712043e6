"""What people are told of a restoration before they open the home: Chinese lines for the command and the page. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from search_index.day import SHANGHAI

_MOST = 50
_PURPOSES = {
    "package": "名单包",
    "recall": "撤回通知",
    "correction": "更正通知",
    "clarification": "澄清公告",
    "notice": "通知",
    "digest": "订阅摘要",
    "event": "系统事件",
}


def tell_restored(found: Mapping[str, Any]) -> str:
    """The whole of it, in lines."""
    if "backup" not in found:
        return "恢复还没有做完：请再次运行 gongshi restore，它会从中断处继续"
    return "\n".join(
        [f"{title}：" + ("" if len(lines) != 1 else lines[0]) + _listed(lines) for title, lines in sections(found)]
    )


def sections(found: Mapping[str, Any]) -> Sequence[tuple[str, Sequence[str]]]:
    """Title and lines of each part; none without a line."""
    parts = (
        ("备份", _tell_backup(found)),
        ("依据", _tell_sources(found)),
        ("备份以后退出、已补办", _numbers(found.get("departed"))),
        ("先行屏蔽、须逐条核对", _numbers(found.get("held"))),
        ("备份以后退出、本登记库没有的条目（不得再次公布）", _numbers(found.get("unknown"))),
        ("备份以后公布、须重新导入的条目", _numbers(found.get("lost"))),
        ("未公开的记录", _count(found.get("inside"), "条已按日志改为不公布")),
        ("消息", _tell_messages(found)),
        ("不能得知的", _tell_unknowable(found)),
        ("开放", _tell_opening(found)),
    )
    return [(title, lines) for title, lines in parts if lines]


def _tell_backup(found: Mapping[str, Any]) -> list[str]:
    return [f"{found['backup']}，制作于 {_time(found['made_at'])}；恢复开始于 {_time(found['begun_at'])}"]


def _tell_sources(found: Mapping[str, Any]) -> list[str]:
    lines = []
    if found.get("log_until"):
        whole = "完整" if found.get("log_complete") else "不完整"
        lines.append(f"退出日志（departures.log），最后一行 {_time(found['log_until'])}，{whole}")
    if found.get("store_until"):
        lines.append(f"原公示库，截至 {_time(found['store_until'])}")
    lines += [str(fault) for fault in found.get("faults", ())]
    if found.get("blind"):
        lines.append("没有完整的退出日志，也没有更新的公示库：备份以后有谁退出，无从得知")
    if not found.get("sent_log"):
        lines.append("没有发送日志（sent.log）：备份时等待发送的消息都改为“结果不明”，由人核实")
    return lines


def _tell_messages(found: Mapping[str, Any]) -> list[str]:
    messages = found.get("messages", {})
    lines = []
    if messages.get("ended"):
        lines.append(f"{messages['ended']} 件按日志记为已经发出")
    if found.get("maybe_sent"):
        lines.append(f"{found['maybe_sent']} 件结果不明，须在“消息”页核实，不会自动重发")
    if messages.get("lists"):
        lines.append(f"{messages['lists']} 份备份以后发出的名单已补记，名单上的人退出时照样撤回")
    fenced = found.get("fenced") or {}
    if fenced:
        named = "、".join(f"{_PURPOSES.get(purpose, purpose)} {count} 件" for purpose, count in sorted(fenced.items()))
        lines.append(f"备份以后发出而备份里没有的：{named}；再次生成时不会重发")
    if messages.get("strangers"):
        lines.append(f"备份以后登记的接收单位（须重新登记，并逐一告知退出的条目）：{'、'.join(messages['strangers'])}")
    return lines


def _tell_unknowable(found: Mapping[str, Any]) -> list[str]:
    lines = ["备份以后的导入、审批、回执、退订和线上提交没有保存：须重新办理，或者向对方核实"]
    if not found.get("store_until"):
        lines.append("备份以后公布过哪些条目：没有原公示库，无从列出，须按案卷重新导入")
    return lines


def _tell_opening(found: Mapping[str, Any]) -> list[str]:
    lines = [f"开放后公布 {found.get('shown', 0)} 条（期满和到期应屏蔽的在开放时另行退出）"]
    if found.get("blind"):
        batches = "，".join(f"{batch}（{count} 条）" for batch, count in found.get("batches", ()))
        lines.append(f"须两人写明 --show all、--show none 或者可以显示的批次；现有批次：{batches or '无'}")
    agreed = found.get("agreed")
    if agreed:
        lines.append(f"“{agreed['by']}”已同意（--show {agreed['show']}），还须另一人同意")
    else:
        lines.append("还没有人同意：gongshi restore open --as 姓名，或者在内部页面“恢复”办理")
    return lines


def _numbers(values: Sequence[str] | None) -> list[str]:
    if not values:
        return []
    more = f" 等 {len(values)} 条" if len(values) > _MOST else f"（{len(values)} 条）"
    return ["、".join(values[:_MOST]) + more]


def _count(number: int | None, what: str) -> list[str]:
    return [f"{number} {what}"] if number else []


def _listed(lines: Sequence[str]) -> str:
    return "".join(f"\n  {line}" for line in lines) if len(lines) > 1 else ""


def _time(text: str) -> str:
    moment = datetime.fromisoformat(text).astimezone(SHANGHAI)
    return f"{moment.year}年{moment.month}月{moment.day}日 {moment:%H:%M}"

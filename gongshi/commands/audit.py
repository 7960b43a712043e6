"""The audit trail: reading it, and finding out whether it is what was written."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

import click

from gongshi.commands.common import as_json, command, open_court, report, sign
from registry import audit as trail
from registry.audit import AuditLine
from registry.audit_chain import Head, Verdict
from registry.records import get_row
from registry.staff import Role
from search_index.day import SHANGHAI

MOST_LINES = 1000
_HEAD = re.compile(r"(?P<line>[0-9]{1,18}):(?P<link>[0-9a-fA-F]{64})")


@click.group(short_help="查看审计记录，核对有无改动。")
def audit() -> None:
    """查看审计记录，核对有无改动。"""


class _HeadType(click.ParamType[Head]):
    """An end of the chain as `audit verify` prints it: LINE:LINK."""

    name = "行号:链接"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Head:
        if isinstance(value, Head):
            return value
        found = _HEAD.fullmatch(str(value).strip())
        if found is None:
            self.fail("应当是核对时抄录的“行号:链接”（链接为 64 位十六进制），例如 1203:9f…", param, ctx)
        return Head(int(found["line"]), found["link"].lower())


@audit.command("verify", short_help="逐行核对审计记录有无改动。")
@click.option(
    "--expect",
    "expected",
    multiple=True,
    type=_HeadType(),
    metavar="行号:链接",
    help="以前抄录、另行保管的链尾，一并核对；可以写几次。",
)
@as_json
@command
def verify(expected: tuple[Head, ...], as_json: bool) -> int:
    """逐行核对审计记录：有没有被改动、删去、插入或者整体改写。没有问题的，留存当前的链尾，供以后核对。

    能改动数据库和 registry/ 目录的人，可以把两者一起退回到以前某一天；这只能用抄录在别处的链尾（--expect）查出。
    """
    court = open_court()
    verdict = court.verify_audit(expected)
    found = {
        "whole": not verdict.faults,
        "lines": verdict.lines,
        "linked": verdict.linked,
        "heads": verdict.heads,
        "head": asdict(verdict.head),
        "faults": [{"kind": fault.kind.value, "line": fault.line, "reason": fault.reason} for fault in verdict.faults],
    }
    report(as_json, found, _describe(verdict))
    return 1 if verdict.faults else 0


def _describe(verdict: Verdict) -> str:
    if verdict.faults:
        told = [fault.reason for fault in verdict.faults]
        return "\n".join(["审计记录与写入时不符（法释〔2017〕7号第十三条）：请保全现状并报告", *told])
    older = verdict.lines - verdict.linked
    text = f"审计记录 {verdict.lines} 行，逐行核对无误；与以前留存的 {verdict.heads} 个链尾相符"
    if older:
        text += f"（其中 {older} 行早于成链，由第一个链接一并核对）"
    head = f"{verdict.head.line}:{verdict.head.link}"
    return f"{text}\n链尾 {head}：请抄录并由审计员另行保管，以后用 gongshi audit verify --expect 行号:链接 核对"


@audit.command("list", short_help="列出审计记录。")
@click.option("--record", metavar="记录编号或案号", help="只列一条记录的。")
@click.option("--actor", metavar="姓名", help="只列一个人办理的。")
@click.option("--limit", type=click.IntRange(1, MOST_LINES), default=100, show_default=True, help="最多几行。")
@click.option("--as", "reader", required=True, metavar="姓名", help="查看人：审计员或者审核人。")
@as_json
@command
def list_(record: str | None, actor: str | None, limit: int, reader: str, as_json: bool) -> int:
    """列出审计记录，最新的在前：何时、何人、何事、哪一条记录、依据哪一条。查看本身也记入。"""
    court = open_court()
    sign(court, reader, Role.AUDITOR, Role.REVIEWER)
    with court.reading() as session:
        number = get_row(session, record, lock=False).id if record else None
        lines = trail.list_lines(session, record=number, actor=actor, limit=limit)
    report(as_json, {"lines": [_as_json(line) for line in lines]}, "\n".join(map(_to_text, lines)) or "没有审计记录")
    return 0


def _as_json(line: AuditLine) -> dict[str, object]:
    return {**asdict(line), "at": line.at.isoformat()}


def _to_text(line: AuditLine) -> str:
    about = f"记录 {line.record_id}" if line.record_id else f"第 {line.batch_id} 批" if line.batch_id else ""
    detail = json.dumps(line.detail, ensure_ascii=False) if line.detail else ""
    at = line.at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    return " ".join(part for part in (f"{line.id}", at, line.actor, line.action, about, detail) if part)

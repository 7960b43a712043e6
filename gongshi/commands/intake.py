"""Files in, and the second person's look at them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from gongshi.commands.common import acting, as_json, command, open_court, progress_bar, report, sign, world
from gongshi.court import Court
from registry.acting import Acting
from registry.approving import Approver, LineRefusal, open_findings
from registry.departing import Departure
from registry.importing import Importer, ImportReport
from registry.lifecycle import NotAllowed
from registry.reconciling import Reconciler, ToHold
from registry.staff import Role
from search_index.day import day_of

SHOWN = 20
BATCH = click.IntRange(1, 2**31 - 1)


def regular_file(_context: click.Context, _parameter: click.Parameter, path: Path) -> Path:
    # A file is read more than once, which a pipe or a device does not allow.
    if not path.is_file():
        raise click.BadParameter("只能是普通文件，不能是管道或者设备")
    return path


@click.command("import", short_help="导入文件。")
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), callback=regular_file, metavar="文件"
)
@acting
@as_json
@command
def import_(file: Path, actor: str, as_json: bool) -> int:
    """导入文件：JSON Lines、全国平台 JSON、XLSX 或 CSV（UTF-8、GB 18030）。

    不合格的行连同原因写入隔离文件，改正后可以再次导入。同一文件导入两次不会有任何变化。
    """
    court = open_court()
    sign(court, actor, Role.CLERK, Role.REVIEWER)
    folder = court.settings.private / "quarantine"
    importer = Importer(engine=court.engine, vault=court.vault, turns=court.turns, folder=folder, policy=court.policy())
    with progress_bar("导入") as progress:
        done = importer.run(file, actor, court.now, progress)
    report(as_json, describe_import(done), import_text(done))
    return 1 if done.quarantined else 0


@click.command(short_help="审核一批（须由导入人以外的审核人办理）。")
@click.argument("batch", type=BATCH, metavar="批次")
@acting
@click.option(
    "--confirm",
    multiple=True,
    type=click.Choice(["art3", "redactions", "own_liability"]),
    help="art3：已逐条核对第三条；redactions：已阅看并接受所提出的遮盖； own_liability：同案单位的法定代表人，已核对其本人负有义务。",
)
@as_json
@command
def approve(batch: int, actor: str, confirm: tuple[str, ...], as_json: bool) -> int:
    """审核一批。不合条件的记录逐条说明规则和原因，其余通过。审核即确认决定书已由院长签发（第五条第三款）。"""
    court = open_court()
    sign(court, actor, Role.REVIEWER)
    approver = Approver(
        engine=court.engine,
        vault=court.vault,
        turns=court.turns,
        policy=court.policy(),
        confirmed=frozenset(confirm),
    )
    with progress_bar("审核") as progress:
        done = approver.run(batch, court.acting(actor), progress)
    # A second version may have changed, or taken down, what is public.
    court.spread()
    found = {
        "batch": done.batch,
        "approved": done.approved,
        "refused": [asdict(refusal) for refusal in done.refused],
        "findings": done.findings,
    }
    total = sum(done.findings.values())
    lines = [f"第 {batch} 批：通过 {done.approved} 条，未通过 {len(done.refused)} 条，建议遮盖 {total} 处"]
    report(as_json, found, "\n".join(lines + _refusal_lines(done.refused)))
    return 1 if done.refused else 0


@click.command(short_help="列出一批中建议遮盖之处。")
@click.argument("batch", type=BATCH, metavar="批次")
@click.option(
    "--as", "reader", default=None, metavar="姓名", help="查看人；把握不高的建议，须由审核人本人查看后才能审核。"
)
@as_json
@command
def findings(batch: int, reader: str | None, as_json: bool) -> int:
    """列出一批中建议遮盖之处：行、字段、规则、把握程度和遮盖后的样子。"""
    court = open_court()
    if reader is not None:
        sign(court, reader, Role.CLERK, Role.REVIEWER, Role.AUDITOR)
    with court.session() as session:
        listed = open_findings(session, court.vault, batch, reader, court.now)
    rows = [
        {
            "line": line,
            "field": item.field,
            "rule": item.finding.rule,
            "confidence": item.finding.confidence,
            "start": item.finding.start,
            "end": item.finding.end,
            "replacement": item.finding.replacement,
            "excerpt": item.text,
        }
        for line, item in listed
    ]
    lines = [f"第 {r['line']} 行 {r['field']} {r['rule']}（{r['confidence']}）：{r['excerpt']}" for r in rows]
    report(as_json, {"batch": batch, "findings": rows}, "\n".join([f"第 {batch} 批建议遮盖 {len(rows)} 处", *lines]))
    return 0


@click.command(short_help="与案件系统或全国平台的全量名单核对。")
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), callback=regular_file, metavar="文件"
)
@acting
@click.option("--force", is_flag=True, help="缺失的条目超过两成时仍然执行。")
@as_json
@command
def reconcile(file: Path, actor: str, force: bool, as_json: bool) -> int:
    """与全量名单核对：名单中没有的、或者状态为屏蔽、撤销的条目，先行屏蔽，待人决定。文件不完整则不办理。"""
    court = open_court()
    sign(court, actor, Role.CLERK, Role.REVIEWER)
    reconciler = Reconciler(engine=court.engine, vault=court.vault)
    plan = reconciler.plan(file, force=force)
    act = court.acting(actor)
    held = [(item, departure) for item in plan.to_hold if (departure := _hold(court, reconciler, item, act))]
    found = {
        "compared": plan.compared,
        "rows": plan.rows,
        "held": [{"record": done.record, "case": item.case, "reason": item.reason} for item, done in held],
    }
    text = f"核对本地 {plan.compared} 条、名单 {plan.rows} 行：屏蔽 {len(held)} 条，待人决定"
    report(as_json, found, "\n".join([text, *(f"{item.case}：{item.reason}" for item, _ in held)]))
    return 0


def _hold(court: Court, reconciler: Reconciler, item: ToHold, act: Acting) -> Departure | None:
    """Hold an entry of the plan; None where somebody has taken it down since."""
    try:
        return court.take_down(lambda session: reconciler.hold(session, item, act))
    except NotAllowed:
        return None


@click.command(short_help="生成演示用的虚构数据。")
@click.argument("count", type=click.IntRange(min=1), metavar="条数")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="写到哪个文件。")
@click.option("--seed", type=int, default=None, help="随机种子；同一种子生成同样的数据。")
@as_json
@command
def generate(count: int, out: Path, seed: int | None, as_json: bool) -> int:
    """按导入格式生成虚构数据。证件号码使用不存在的地区代码，与任何真人无关。"""
    from gongshi.synthetic import generate as make

    given = world()
    seed = given.random.randrange(2**32) if seed is None else seed
    new = out.with_name(out.name + ".new")
    with new.open("w", encoding="utf-8") as file, progress_bar("生成") as progress:
        for done, entry in enumerate(make(count, seed, day_of(given.now())), start=1):
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            if done % 1000 == 0:
                progress(done, count)
    new.replace(out)
    report(
        as_json, {"file": str(out), "count": count, "seed": seed}, f"已生成 {count} 条虚构数据：{out}（种子 {seed}）"
    )
    return 0


def describe_import(done: ImportReport) -> dict[str, Any]:
    """What became of a file, for machines."""
    return {
        "batch": done.batch,
        "accepted": done.accepted,
        "unchanged": done.unchanged,
        "quarantined": [{"line": q.line, "field": q.field, "reason": q.reason} for q in done.quarantined],
        "proposed_corrections": done.proposed,
        "warnings": [{"line": w.line, "reason": w.reason} for w in done.warnings],
        "quarantine_file": done.quarantine_file and str(done.quarantine_file),
    }


def import_text(done: ImportReport) -> str:
    """The same for people."""
    if not done.accepted and not done.quarantined:
        return f"没有变化：文件中的 {done.unchanged} 条都已导入过"
    lines = [f"第 {done.batch} 批：接受 {done.accepted} 条" if done.batch else "没有可接受的新内容"]
    if done.proposed:
        lines.append(f"其中 {done.proposed} 条与已有记录不同，作为更正建议，待审核")
    if done.unchanged:
        lines.append(f"未变化 {done.unchanged} 条")
    if done.warnings:
        lines.append(f"提醒 {len(done.warnings)} 处：")
        lines += [f"  第 {warned.line} 行：{warned.reason}" for warned in done.warnings[:SHOWN]]
        if len(done.warnings) > SHOWN:
            lines.append(f"  …… 其余 {len(done.warnings) - SHOWN} 处请用 --json 查看")
    if done.quarantined:
        lines.append(f"不合格 {len(done.quarantined)} 条，已写入 {done.quarantine_file}，改正后可再次导入：")
        lines += [f"  第 {q.line} 行 {q.field}：{q.reason}" for q in done.quarantined[:SHOWN]]
        if len(done.quarantined) > SHOWN:
            lines.append(f"  …… 其余 {len(done.quarantined) - SHOWN} 条见隔离文件")
    return "\n".join(lines)


def _refusal_lines(refused: tuple[LineRefusal, ...]) -> list[str]:
    lines = [f"  第 {refusal.line} 行（{refusal.rule}）：{refusal.reason}" for refusal in refused[:SHOWN]]
    if len(refused) > SHOWN:
        lines.append(f"  …… 其余 {len(refused) - SHOWN} 条请用 --json 查看")
    return lines

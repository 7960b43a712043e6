"""The lists of other courts: taken over read-only, and left the moment those courts' lists say so."""

from __future__ import annotations

import hashlib
from datetime import datetime, time
from pathlib import Path

import click

from gongshi.commands.common import DAY, acting, as_json, command, day, open_court, progress_bar, report, sign
from gongshi.commands.intake import describe_import, import_text, regular_file
from registry.importing import Importer
from registry.matching import SOURCE_ENDED, SOURCE_GONE, Foreign
from registry.sources.book import (
    SourceLine,
    add_source,
    end_source,
    list_sources,
    lock_active,
    note_whole,
    refuse_older,
)
from registry.sources.leaving import plan_ending, plan_leaving, take_all_down
from registry.staff import Role
from search_index.day import SHANGHAI

slug_argument = click.argument("slug", metavar="代号")
basis_option = click.option("--basis", required=True, metavar="依据", help="依据的文书名称和文号，不写个人信息。")


@click.group(short_help="转载其他法院公布的名单。")
def source() -> None:
    """转载其他法院（例如上级法院）公布的名单：只读，随该院的名单进出，更正、撤销、删除由该院办理。"""


@source.command("add", short_help="登记一份要转载的名单。")
@slug_argument
@click.option("--court", required=True, metavar="法院", help="公布该名单的法院全称。")
@basis_option
@acting
@as_json
@command
def source_add(slug: str, court: str, basis: str, actor: str, as_json: bool) -> int:
    """登记一份要转载的名单；已停止转载的，以同一代号和法院恢复。"""
    home = open_court()
    sign(home, actor, Role.REVIEWER)
    own_court, act = home.profile().court, home.acting(actor)
    with home.turns.go_ahead(), home.session() as session:
        add_source(session, slug, court, basis, own_court, act)
    report(as_json, {"source": slug, "court": court}, f"已登记 {slug}：{court}公布的名单")
    return 0


@source.command("list", short_help="列出转载的名单。")
@as_json
@command
def source_list(as_json: bool) -> int:
    """列出转载的名单：最近一次完整名单的日期、已公布和等待审核的条数。"""
    home = open_court()
    with home.reading() as session:
        lines = list_sources(session)
    rows = [
        {
            "source": one.slug,
            "court": one.court,
            "basis": one.basis,
            "active": one.active,
            "listed_on": one.listed_on and one.listed_on.isoformat(),
            "rows": one.rows,
            "shown": one.shown,
            "waiting": one.waiting,
            "stale": one.is_stale(home.today),
        }
        for one in lines
    ]
    texts = [f"{one.slug}　{one.court}：{_describe(one)}" for one in lines]
    report(as_json, {"sources": rows}, "\n".join(texts or ["没有转载其他法院的名单"]))
    return 0


@source.command("end", short_help="停止转载一份名单，其条目立即全部撤下。")
@slug_argument
@basis_option
@acting
@as_json
@command
def source_end(slug: str, basis: str, actor: str, as_json: bool) -> int:
    """停止转载：命令返回时，该名单的条目公众都已查不到，未审核的也一并退出。中断后可以再次运行。"""
    home = open_court()
    sign(home, actor, Role.REVIEWER)
    act = home.acting(actor)
    with home.turns.go_ahead(), home.session() as session:
        end_source(session, slug, basis, act)
    gone = take_all_down(home.amend, plan_ending(home.engine, slug, basis), SOURCE_ENDED, act)
    report(as_json, {"source": slug, "gone": gone}, f"{slug}：已停止转载，撤下 {gone} 条")
    return 0


@source.command("import", short_help="导入一份名单的文件。")
@slug_argument
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), callback=regular_file, metavar="文件"
)
@click.option("--full", is_flag=True, help="文件是完整的名单：其中没有的条目立即撤下。")
@click.option("--dated", type=DAY, help="名单的日期，默认今天；早于已有完整名单的不办理。")
@click.option("--force", is_flag=True, help="没有的条目超过两成时仍然执行。")
@acting
@as_json
@command
def source_import(
    slug: str, file: Path, full: bool, dated: datetime | None, force: bool, actor: str, as_json: bool
) -> int:
    """导入一份名单的文件（格式同 gongshi import）：新增和变化的，由另一人用 gongshi approve 审核后公布。

    文件中状态为屏蔽、撤销的，以及完整名单（--full）中没有的，立即撤下，一人办理即可。
    """
    home = open_court()
    sign(home, actor, Role.CLERK, Role.REVIEWER)
    if force and not full:
        raise click.UsageError("--force 只与 --full 同用")
    act, listed_on = home.acting(actor), day(dated, home.today)
    with home.session() as session:
        row = lock_active(session, slug)
        refuse_older(row, listed_on, home.today)
        court = row.court
    digest = _digest(file)
    said = f"{court}的名单（{listed_on.year}年{listed_on.month}月{listed_on.day}日）"
    plan = plan_leaving(home.engine, home.vault, file, slug, whole=full, said=said, force=force)
    gone = take_all_down(home.amend, plan.leaving, SOURCE_GONE, act)
    importer = Importer(
        engine=home.engine,
        vault=home.vault,
        turns=home.turns,
        folder=home.settings.private / "quarantine",
        policy=home.policy(),
        foreign=Foreign(source=slug, whole=full, own_court=home.profile().court),
    )
    with progress_bar("导入") as progress:
        done = importer.run(file, actor, home.now, progress)
    if full:
        at = home.now if listed_on == home.today else datetime.combine(listed_on, time(), tzinfo=SHANGHAI)
        with home.turns.go_ahead(), home.session() as session:
            note_whole(session, slug, digest=digest, rows=plan.rows, dated=at, actor=actor, now=home.now)
    found = {"source": slug, "compared": plan.compared, "rows": plan.rows, "gone": gone, **describe_import(done)}
    text = f"已转载 {plan.compared} 条，文件 {plan.rows} 行：撤下 {gone} 条"
    report(
        as_json, found, "\n".join([text, *(f"  {one.case}：{one.reason}" for one in plan.leaving), import_text(done)])
    )
    return 1 if done.quarantined else 0


def _describe(one: SourceLine) -> str:
    listed = f"完整名单 {one.listed_on.isoformat()}，{one.rows} 行" if one.listed_on else "还没有完整名单"
    state = "" if one.active else "已停止转载；"
    return f"{state}{listed}；公布 {one.shown} 条，未公布 {one.waiting} 条"


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

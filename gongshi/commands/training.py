"""A home to practise in: invented entries, an account of each role, matters to work on, and marked for good."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

import click

from gongshi.cli import fail
from gongshi.commands.common import as_json, command, report
from gongshi.commands.demo import prepare_home

_PORT = 8000


@click.command(short_help="建立演练用的数据目录。")
@click.option("--entries", default=200, show_default=True, type=click.IntRange(20, 100_000), help="生成多少条。")
@click.option(
    "--home",
    default=Path("training-home"),
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="建在哪个文件夹；须不存在或者是空的。",
)
@as_json
@command
def training(entries: int, home: Path, as_json: bool) -> int:
    """建立一个单独的演练数据目录：虚构的名单、每种职责的账户和可供练习的办件。它永远是演练用的，不能改为正式使用。"""
    if home.is_symlink() or (home.exists() and any(home.iterdir())):
        return fail(f"{home} 不是空文件夹：请换一个，或者先把它移走", "not_empty", as_json, end="未建立")
    home.mkdir(parents=True, exist_ok=True)
    with redirect_stdout(sys.stderr if as_json else sys.stdout):
        _court, people, of_unit = prepare_home(home, entries, _PORT)
    place = os.environ["GONGSHI_HOME"]
    everybody = [*people, of_unit]
    accounts = "\n".join(f"  {one.role}  {one.name}  口令 {one.password}" for one in everybody)
    text = f"""
演练目录 {place} 已建立，全部是虚构数据。
账户（口令只显示这一次）：
{accounts}
启动：先运行 export GONGSHI_HOME={place}，并去掉正式使用的设置，再分别运行
  gongshi worker
  gongshi serve portal
  gongshi serve desk
  gongshi serve units"""
    told = [{"name": one.name, "role": one.role, "password": one.password} for one in everybody]
    report(as_json, {"home": place, "entries": entries, "accounts": told}, text)
    return 0

"""The list of measures of joint punishment (惩戒措施清单), which the court imports."""

from __future__ import annotations

from pathlib import Path

import click

from gongshi.commands.common import acting, as_json, command, open_court, report, sign
from registry.staff import Role
from registry.units.measures import LONGEST_FILE, import_measures, list_measures, read_measures

_EXAMPLE = Path(__file__).resolve().parents[2] / "registry" / "units" / "measures.example.toml"


@click.group("measure", short_help="管理惩戒措施清单。")
def measure() -> None:
    """管理惩戒措施清单：代码、内容、责任单位和依据。"""


@measure.command("import", short_help="导入惩戒措施清单。")
@click.argument("file", metavar="文件", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@acting
@as_json
@command
def measure_import(file: Path, actor: str, as_json: bool) -> int:
    """导入惩戒措施清单（CSV 或者 TOML）：相同代码的替换，其他的不变；有一项不对，全部不导入。"""
    court = open_court()
    with file.open("rb") as stream:
        content = stream.read(LONGEST_FILE + 1)
    measures = read_measures(content, is_toml=file.suffix.lower() == ".toml")
    sign(court, actor, Role.REVIEWER)
    with court.turns.go_ahead(), court.session() as session:
        found = import_measures(session, measures, court.acting(actor))
    text = f"惩戒措施：新增 {found.added} 项，更改 {found.changed} 项，未变 {found.unchanged} 项"
    report(as_json, {"added": found.added, "changed": found.changed, "unchanged": found.unchanged}, text)
    return 0


@measure.command("list", short_help="列出惩戒措施清单。")
@as_json
@command
def measure_list(as_json: bool) -> int:
    """列出惩戒措施清单。"""
    court = open_court()
    with court.reading() as session:
        measures = list_measures(session)
    rows = [
        {"code": one.code, "text": one.text, "unit": one.unit, "basis": one.basis, "active": one.active}
        for one in measures
    ]
    lines = [
        f"{one.code}　{one.text}（{one.unit or '各单位'}；{one.basis}）{'' if one.active else '；已停用'}"
        for one in measures
    ]
    report(as_json, {"measures": rows}, "\n".join(lines or ["没有登记惩戒措施：请用 gongshi unit measure import 导入"]))
    return 0


@measure.command("example", short_help="显示惩戒措施清单的写法。")
@command
def measure_example() -> int:
    """显示惩戒措施清单的写法（示例，不是现行有效的清单）。"""
    click.echo(_EXAMPLE.read_text(encoding="utf-8"), nl=False)
    return 0

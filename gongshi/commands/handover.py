"""Documents that the law asks of the court, filled in from this home."""

from __future__ import annotations

from pathlib import Path

import click

from gongshi.commands.common import as_json, command, open_court, report
from gongshi.office import open_office

_OUT = click.option(
    "--out", required=True, type=click.Path(dir_okay=False, writable=True, path_type=Path), help="写到哪个 DOCX 文件。"
)


@click.group(short_help="依法需要的文件：影响评估报告、隐私告知。")
def handover() -> None:
    """由本系统的设置和数据填好的文件；只有法院知道的，标为【由法院填写】。"""


@handover.command("assessment", short_help="个人信息保护影响评估报告。")
@_OUT
@as_json
@command
def assessment(out: Path, as_json: bool) -> int:
    """个人信息保护影响评估报告（个人信息保护法第五十五条、第五十六条），DOCX。公布名单之前、规则或者接收单位变动时各做一次。"""
    from gongshi.handover.assessment import write_assessment
    from gongshi.handover.facts import gather
    from registry.letters.word import build_docx

    _check(out)
    court = open_court()
    out.write_bytes(build_docx(write_assessment(gather(court, open_office(court)))))
    report(as_json, {"file": str(out)}, f"已写好 {out}：请补齐标有【由法院填写】的各项并签署，保存至少三年")
    return 0


@handover.command("privacy", short_help="法院网站的个人信息保护告知。")
@_OUT
@as_json
@command
def privacy(out: Path, as_json: bool) -> int:
    """法院网站的个人信息保护告知（个人信息保护法第十七条、第三十五条），DOCX，旁边另有同名的 Markdown 文件供放入网页。"""
    from gongshi.handover.facts import gather
    from gongshi.handover.privacy import write_markdown, write_privacy
    from registry.letters.word import build_docx

    _check(out)
    court = open_court()
    sheet = write_privacy(gather(court, open_office(court)))
    out.write_bytes(build_docx(sheet))
    beside = out.with_suffix(".md")
    beside.write_text(write_markdown(sheet), encoding="utf-8")
    report(as_json, {"file": str(out), "markdown": str(beside)}, f"已写好 {out} 和 {beside}")
    return 0


def _check(out: Path) -> None:
    if out.suffix.lower() != ".docx":
        raise click.UsageError("--out 应为 .docx 文件")

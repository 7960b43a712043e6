"""The demonstration: a home of its own, synthetic entries, everything published and running."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path

import click

from gongshi.clock import World
from gongshi.commands.common import command, make_court, world
from gongshi.commands.demo_desk import CLERK, REVIEWER, Person, enrol_staff, enrol_units, find_due_day, open_cases
from gongshi.court import Court
from gongshi.office import open_register
from gongshi.training import take_away_accounts
from notifier.calendar import Period
from search_index.day import day_of
from search_index.page import Query
from search_index.profile import Profile

MARKER = "这是演示数据目录-可随时删除.txt"
# The list was published so long ago: grounds that are due today arose after that.
_PUBLISHED_BEFORE = timedelta(days=40)
_PULLING = ("--name", "测试市融媒体中心", "--kind", "television", "--channel", "pull")
_READER = (
    "reader",
    "add",
    "--name",
    "（虚构）研究机构",
    "--contact",
    "（虚构）联系人",
    "--purpose",
    "统计研究（演示）",
)
PROFILE = Profile(
    court="测试市人民法院",
    region="测试市",
    address="测试市测试区公示路1号",
    postcode="000000",
    telephone="0000-0000000",
    higher_court="测试省第一中级人民法院",
    signature="测试市人民法院",
    privacy_contact="测试市人民法院执行局，0000-0000000",
    training=True,
)


@click.command(short_help="用虚构数据演示全部功能。")
@click.option("--entries", default=2000, show_default=True, type=click.IntRange(10, 100_000), help="生成多少条。")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(1, 65532),
    help="公示网站的端口；内部页面、对外接口和单位页面用其后三个。",
)
@click.option("--no-serve", is_flag=True, help="只准备数据，不启动网站。")
@command
def demo(entries: int, port: int, no_serve: bool) -> int:
    """建立全新的演示目录（默认 ./demo-home），导入虚构数据并公布、推送、撤回，然后启动公示网站、内部页面、单位页面、对外接口和后台进程。"""
    started = time.monotonic()
    home = Path(os.environ.get("GONGSHI_HOME", "demo-home"))
    _make_fresh(home)
    click.echo(f"演示目录 {home.absolute()}（虚构数据，与任何真人无关）")
    court, people, of_unit = prepare_home(home, entries, port)
    click.echo(f"\n已就绪，用时 {time.monotonic() - started:.0f} 秒。")
    _tell(court, port, people, of_unit)
    return 0 if no_serve else _run_all(port)


def _make_fresh(home: Path) -> None:
    """Remove the last demonstration, and nothing that is not one."""
    if home.exists() and any(home.iterdir()):
        if not (home / MARKER).exists():
            raise click.ClickException(f"{home} 不是演示目录，演示不会动它：请换一个目录，或不设置 GONGSHI_HOME")
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / MARKER).write_text("本目录由 gongshi demo 建立，全部是虚构数据，每次演示都会清空。\n", encoding="utf-8")


def prepare_home(home: Path, entries: int, port: int) -> tuple[Court, list[Person], Person]:
    """A home for training in an empty folder, with a published list, messages that were sent, and cases; with everybody who
    may sign in. The environment of this process, and of what it starts, is that home's: what is another's is taken out."""
    for name in take_away_accounts(os.environ):
        click.echo(f"虚构数据的目录不使用 {name}，已忽略")
    os.environ["GONGSHI_HOME"] = str(home.absolute())
    os.environ["GONGSHI_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
    os.environ["GONGSHI_GATEWAY_URL"] = f"http://127.0.0.1:{port + 2}"
    # Whoever looks at it at night or on a Sunday wants to see the messages, too.
    os.environ["GONGSHI_QUIET_HOURS"] = "off"
    given = world()
    court = make_court()
    court.init(PROFILE)
    earlier = replace(given, now=lambda: given.now() - _PUBLISHED_BEFORE)
    _step(["init"], given)
    people = enrol_staff(court, lambda arguments, typed: _step(arguments, given, typed))
    file = home / "虚构数据.jsonl"
    click.echo(f"\n（以下至 publish 各步，时钟拨回 {_PUBLISHED_BEFORE.days} 天）")
    _step(["generate", str(entries), "--out", str(file), "--seed", "2026"], earlier)
    _step(["import", str(file), "--as", CLERK], earlier)
    _step(["approve", "1", "--as", REVIEWER, "--confirm", "art3", "--confirm", "redactions"], earlier)
    _step(["publish"], earlier)
    _step(["publish"], given)
    _step(["recipient", "add", "media", *_PULLING, "--as", REVIEWER], given)
    of_unit = enrol_units(court, lambda arguments, typed: _step(arguments, given, typed))
    _step([*_READER, "--as", REVIEWER], given)
    _step(["push", "--period", str(_last_quarter(court))], given)
    # Sent before anybody leaves: so that there is something to take back.
    _step(["worker", "--once"], given)
    wrong, paid, changed, *others = (
        hit.document.record for hit in open_register(court).search(Query(), court.now).hits[:7]
    )
    _step(
        ["withdraw", wrong, "--ground", "wrongly_listed", "--basis", "（2026）测0101执异1号", "--as", REVIEWER], given
    )
    _step(["remove", paid, "--ground", "performed", "--basis", "结案通知书", "--as", REVIEWER], given)
    correction = [
        "--set",
        "performance=部分未履行",
        "--set",
        "performed_part=已履行5000元",
        "--set",
        "unperformed_part=其余未履行",
    ]
    _step(["correct", changed, *correction, "--confirm", "art3", "--confirm", "redactions", "--as", REVIEWER], given)
    open_cases(court, lambda arguments, typed: _step(arguments, given, typed), others, home)
    return court, people, of_unit


def _step(arguments: Sequence[str], given: World, typed: str = "") -> None:
    """Run a command as a person would, showing it."""
    from gongshi.cli import run

    click.echo(f"\n$ gongshi {shlex.join(arguments)}")
    keyboard, sys.stdin = sys.stdin, StringIO(typed + "\n")
    try:
        code = run(arguments, given)
    finally:
        sys.stdin = keyboard
    if code == 2:
        raise click.ClickException("没有完成：上面的命令未能办理")


def _last_quarter(court: Court) -> Period:
    """The newest quarter that has ended."""
    this = Period.of(court.today)
    return Period.of(day_of(court.now).fromordinal(this.start.toordinal() - 1))


def _tell(court: Court, port: int, people: Sequence[Person], of_unit: Person) -> None:
    register = open_register(court)
    due = find_due_day(court)
    accounts = "\n".join(f"  {one.role}  {one.name}  口令 {one.password}" for one in people)
    with court.store.snapshot(court.now) as snapshot:
        gone = [change.record for change in snapshot.changes(0, 1_000_000) if change.type.value == "gone"]
    shown = register.newest(court.now, 1)[0]
    site = f"http://127.0.0.1:{port}"
    click.echo(
        f"""
公示网站        {site}/
  一个条目      {site}/entries/{shown.record}
  已撤下的条目  {site}/entries/{gone[0]}   （410，不再显示任何个人信息）
  接口          {site}/api/v1/entries?q={shown.name[:2]}
  批量读取      curl -H 'Authorization: Bearer gsr_…' '{site}/api/v1/changes?since=0'   （用上面的密钥；说明见 {site}/api）
  订阅源        {site}/feed.atom
  统计          {site}/stats
  大厅屏幕      {site}/display/led   （撤下一条，五秒内从屏幕消失）
  张贴公告      {site}/display/notice
内部页面        http://127.0.0.1:{port + 1}/          （用下列账户登录）
{accounts}
  到期的办件    首页列出 {"今天" if due == court.today else f"{due.isoformat()}（今天是休息日或者已经下班，顺延到下一个工作日）"}到期的退出事由和异议
  季度推送      http://127.0.0.1:{port + 1}/runs      （名单包、每个接收单位的进展）
  接收单位收到  http://127.0.0.1:{port + 1}/inbox     （启动几秒后可见撤回和更正通知）
  撤回与回执    http://127.0.0.1:{port + 1}/recalls
  演练手机      http://127.0.0.1:{port + 1}/phone     （微信对话和短信：试发一个姓名，或者“订阅”）
  消息          http://127.0.0.1:{port + 1}/messages
对外接口        http://127.0.0.1:{port + 2}/   （微信、短信服务商和接收单位访问；用上面的令牌：
                curl -H 'Authorization: Bearer gsp_…' http://127.0.0.1:{port + 2}/pull）
单位页面        http://127.0.0.1:{port + 3}/          （联合惩戒单位，用下列账户登录）
  {of_unit.role}  {of_unit.name}  口令 {of_unit.password}
  比对申请人    http://127.0.0.1:{port + 3}/compare；机器用上面的密钥 gsk_… 访问 /units/v1/compare（说明见 docs/units.md）
"""
    )


def _run_all(port: int) -> int:
    commands = (
        ["serve", "portal", "--bind", f"127.0.0.1:{port}"],
        ["serve", "desk", "--bind", f"127.0.0.1:{port + 1}"],
        ["serve", "gateway", "--bind", f"127.0.0.1:{port + 2}"],
        ["serve", "units", "--bind", f"127.0.0.1:{port + 3}"],
        ["worker"],
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Path(os.environ["GONGSHI_HOME"], "日志.jsonl").open("ab") as log:
        processes = [
            subprocess.Popen([sys.executable, "-m", "gongshi", *arguments], stderr=log)  # noqa: S603
            for arguments in commands
        ]
        try:
            click.echo(f"日志写在 {log.name}。按 Ctrl-C 结束。")
            while all(process.poll() is None for process in processes):
                time.sleep(0.5)
            click.echo("有一个进程意外结束，其余一并结束。", err=True)
            return 2
        except KeyboardInterrupt:
            return 0
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()
            click.echo("已全部结束。")

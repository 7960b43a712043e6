"""The command line: which command is where. Each is loaded when it is called, so that `serve portal` never loads,
and does not need, a module of the private side."""

from __future__ import annotations

import gettext
import json
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import click

from gongshi.clock import World
from gongshi.safety.closed import HomeClosed, closes

COMMANDS = {
    "approve": "gongshi.commands.intake:approve",
    "audit": "gongshi.commands.audit:audit",
    "backup": "gongshi.commands.backup:backup",
    "calendar": "gongshi.commands.calendar:calendar",
    "correct": "gongshi.commands.departures:correct",
    "deadline": "gongshi.commands.law:deadline",
    "demo": "gongshi.commands.demo:demo",
    "doctor": "gongshi.commands.doctor:doctor",
    "emergency": "gongshi.commands.emergency:emergency",
    "export": "gongshi.commands.exports:export_",
    "findings": "gongshi.commands.intake:findings",
    "generate": "gongshi.commands.intake:generate",
    "grace": "gongshi.commands.departures:grace",
    "ground": "gongshi.commands.grounds:ground",
    "handover": "gongshi.commands.handover:handover",
    "hold": "gongshi.commands.departures:hold",
    "import": "gongshi.commands.intake:import_",
    "index": "gongshi.commands.publishing:index",
    "init": "gongshi.commands.home:init",
    "journal": "gongshi.commands.journal:journal",
    "notice": "gongshi.commands.notices:notice",
    "package": "gongshi.commands.packages:package",
    "profile": "gongshi.commands.home:profile",
    "publish": "gongshi.commands.publishing:publish",
    "push": "gongshi.commands.publishing:push",
    "reader": "gongshi.commands.readers:reader",
    "recipient": "gongshi.commands.recipients:recipient",
    "reconcile": "gongshi.commands.intake:reconcile",
    "recovery": "gongshi.commands.recovery:recovery",
    "remove": "gongshi.commands.departures:remove",
    "restore": "gongshi.commands.restore:restore",
    "retention": "gongshi.commands.retention:retention",
    "serve": "gongshi.commands.serving:serve",
    "setup": "gongshi.commands.setup:setup",
    "source": "gongshi.commands.sources:source",
    "training": "gongshi.commands.training:training",
    "unit": "gongshi.commands.units:unit",
    "upgrade": "gongshi.commands.upgrade:upgrade_",
    "user": "gongshi.commands.users:user",
    "wechat": "gongshi.commands.wechat:wechat",
    "withdraw": "gongshi.commands.departures:withdraw",
    "worker": "gongshi.commands.serving:worker",
}


class Commands(click.Group):
    """A group that imports a command's module when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name].split(":")
        return _in_chinese(getattr(import_module(module), attribute))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        found = super().resolve_command(ctx, args)
        if found[0] is not None and closes(found[0], found[2]):
            raise HomeClosed
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="gongshi", message="公示 %(version)s", help="显示版本后结束。")
def cli() -> None:
    """公示：失信被执行人名单的公布、查询、推送与撤回。

    数据目录由环境变量 GONGSHI_HOME 指定，默认为当前目录下的 var。
    """


def run(arguments: Sequence[str], world: World | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 some input was refused, 2 nothing could be done."""
    machine = "--json" in arguments
    try:
        _refuse_broken(arguments)
        result = cli.main(args=list(arguments), prog_name="gongshi", standalone_mode=False, obj=world or World())
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show(sys.stderr)
        return 2
    except (click.Abort, HomeClosed) as error:
        closed = isinstance(error, HomeClosed)
        return fail(str(error) if closed else "已中止", "closed" if closed else "aborted", machine)
    except click.ClickException as error:
        return fail(" ".join(error.format_message().split()) + _hint(error), "usage", machine)
    except BrokenPipeError:
        stop_talking()
        return 0
    return result if isinstance(result, int) else 0


def fail(reason: str, rule: str | None, machine: bool, *, end: str = "未办理") -> int:
    """Say in one line, and to a machine in one object, why nothing was done; exit code 2. `end`: how far it came."""
    told = _hide_numbers(reason)
    if machine:
        say(json.dumps({"error": told, "rule": rule}, ensure_ascii=False))
    try:
        click.echo(f"{end}：{told}", err=True)
    except OSError:
        pass  # There is nobody left to tell.
    return 2


def say(text: str) -> None:
    """Print a line. Where the reader has left (`| head`), the work was done all the same."""
    try:
        click.echo(text)
    except BrokenPipeError:
        stop_talking()
    except OSError:
        stop_talking()
        raise


def stop_talking() -> None:
    """Let what is still to be printed go nowhere, so that nothing fails when the process ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


_LOCALE = Path(__file__).with_name("locale")
# Where the private side cannot be loaded: `serve portal` may run without it.
_NUMBER = re.compile(r"(?<![\dA-Za-z])(?:1[3-9]\d{9}|\d{15,19}[Xx]?)(?![\dA-Za-z])")
_LONG = re.compile(r"(?:\d[^\w]{0,3}){7}|\d{7}")
_METAVAR = {
    "integer": "整数",
    "integer range": "整数",
    "text": "文字",
    "file": "文件",
    "path": "路径",
    "datetime": "日期",
}


def _hide_numbers(text: str) -> str:
    """`text` without what may be somebody's number, wherever it was typed."""
    parts: list[str] = []
    position = 0
    for start, end in _find_numbers(text) if _LONG.search(text) else ():
        parts += (text[position:start], f"（{sum(c.isalnum() for c in text[start:end])} 位号码）")
        position = end
    return "".join((*parts, text[position:]))


def _find_numbers(text: str) -> Sequence[tuple[int, int]]:
    try:
        from registry.redaction.numbers import find_sure_numbers
    except ImportError:
        return [found.span() for found in _NUMBER.finditer(text)]
    return find_sure_numbers(text)


def _speak_chinese() -> None:
    # Click takes its words from gettext, which goes by the environment; the product speaks one language everywhere.
    os.environ["LANGUAGE"] = "zh_CN"
    gettext.bindtextdomain("messages", str(_LOCALE))


def _in_chinese(command: click.Command) -> click.Command:
    """A command whose usage line has no English placeholders: gettext does not reach those."""
    command.options_metavar = "[选项]"
    for parameter in command.params:
        kind = parameter.type.name
        if parameter.metavar is None and kind in _METAVAR and not getattr(parameter, "is_flag", False):
            parameter.metavar = _METAVAR[kind]
    if isinstance(command, click.Group):
        command.subcommand_metavar = "命令 [参数]..."
        for part in command.commands.values():
            _in_chinese(part)
    return command


def _refuse_broken(arguments: Sequence[str]) -> None:
    for place, argument in enumerate(arguments, start=1):
        if not argument.isascii() and any("\ud800" <= character <= "\udfff" for character in argument):
            raise click.UsageError(f"第 {place} 个参数不是有效的 UTF-8 文字，请检查终端的编码")


def _hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"（用法见 {context.command_path} --help）" if context else ""


_in_chinese(cli)
# Before the commands are loaded: some words are taken when a parameter is made.
_speak_chinese()

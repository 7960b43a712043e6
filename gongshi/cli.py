"""The command line: which command is where. Each is loaded when it is called, so that `serve portal` never loads,
and does not need, a module of the private side."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from gongshi.clock import World

COMMANDS = {
    "approve": "gongshi.commands.intake:approve",
    "correct": "gongshi.commands.departures:correct",
    "deadline": "gongshi.commands.law:deadline",
    "demo": "gongshi.commands.demo:demo",
    "doctor": "gongshi.commands.doctor:doctor",
    "findings": "gongshi.commands.intake:findings",
    "generate": "gongshi.commands.intake:generate",
    "hold": "gongshi.commands.departures:hold",
    "import": "gongshi.commands.intake:import_",
    "index": "gongshi.commands.publishing:index",
    "init": "gongshi.commands.home:init",
    "profile": "gongshi.commands.home:profile",
    "publish": "gongshi.commands.publishing:publish",
    "push": "gongshi.commands.publishing:push",
    "reconcile": "gongshi.commands.intake:reconcile",
    "remove": "gongshi.commands.departures:remove",
    "serve": "gongshi.commands.serving:serve",
    "user": "gongshi.commands.home:user",
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
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="gongshi", message="公示 %(version)s")
def cli() -> None:
    """公示：失信被执行人名单的公布、查询、推送与撤回。

    数据目录由环境变量 GONGSHI_HOME 指定，默认为当前目录下的 var。
    """


def run(arguments: Sequence[str], world: World | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 some input was refused, 2 nothing could be done."""
    try:
        result = cli.main(args=list(arguments), prog_name="gongshi", standalone_mode=False, obj=world or World())
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        click.echo("已中止", err=True)
        return 2
    except click.ClickException as error:
        error.show(sys.stderr)
        return 2
    return result if isinstance(result, int) else 0

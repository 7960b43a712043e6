"""The official account: its menu."""

from __future__ import annotations

import json

import click

from gongshi.channels import read_providers
from gongshi.cli import fail, say
from gongshi.commands.common import as_json, command, open_court, report
from gongshi.office import open_office
from notifier.wechat.channel import open_wechat_channel
from notifier.wechat.client import WeChatError
from notifier.wechat.conversation import build_menu

_MOST_DISTRICTS = 5
_MOST_NAME = 20


@click.group(short_help="微信公众号的菜单。")
def wechat() -> None:
    """微信公众号的菜单。"""


@wechat.command("menu", short_help="把菜单写到公众号。")
@click.option("--district", "districts", multiple=True, metavar="地区", help="列为按钮的地区，可重复，至多五个。")
@click.option("--dry-run", is_flag=True, help="只显示菜单，不写到公众号。")
@as_json
@command
def menu(districts: tuple[str, ...], dry_run: bool, as_json: bool) -> int:
    """把查询、简报和（给出地区时）地区三组按钮写到公众号；以前的菜单被替换。"""
    _check_districts(districts)
    court = open_court()
    built = build_menu(court.settings.public_url, districts)
    if dry_run:
        say(json.dumps(built, ensure_ascii=False, indent=None if as_json else 2))
        return 0
    office = open_office(court)
    providers = read_providers(court, office)
    if providers.training:
        return fail("演练的数据目录不连接真实的公众号；可加 --dry-run 查看菜单", "training", as_json)
    if providers.wechat is None:
        return fail("没有设置微信公众号（GONGSHI_WECHAT_…）", "not_set", as_json)
    settings = providers.wechat.model_copy(update={"templates": None})
    try:
        open_wechat_channel(settings, office.engine, court.world.now).client.menu.create(built)
    except WeChatError as error:
        return fail(f"菜单没有写到公众号：{error}", "refused", as_json)
    names = [button["name"] for button in built["button"]]
    report(as_json, {"menu": built}, f"菜单已写到公众号：{'、'.join(names)}；关注者最迟在一天内看到")
    return 0


def _check_districts(districts: tuple[str, ...]) -> None:
    if len(districts) > _MOST_DISTRICTS:
        raise click.UsageError(f"一级菜单下至多 {_MOST_DISTRICTS} 个按钮，给出了 {len(districts)} 个地区")
    for name in districts:
        if not 0 < len(name.strip()) <= _MOST_NAME:
            raise click.UsageError(f"地区名应为 1 到 {_MOST_NAME} 个字")

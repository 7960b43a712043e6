"""The official account: its menu, and the QR codes that lead to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import click

from gongshi.channels import read_providers
from gongshi.cli import fail, say
from gongshi.commands.common import as_json, command, open_court, report
from gongshi.court import Court
from gongshi.office import open_office
from notifier.wechat.channel import open_wechat_channel
from notifier.wechat.client import HardenedClient, WeChatError
from notifier.wechat.conversation import build_menu, district_topic

_MOST_DISTRICTS = 5
_MOST_NAME = 20
_PICTURE = "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket="


@click.group(short_help="微信公众号的菜单和二维码。")
def wechat() -> None:
    """微信公众号的菜单和二维码。"""


@wechat.command("menu", short_help="把菜单写到公众号。")
@click.option("--district", "districts", multiple=True, metavar="地区", help="列为按钮的地区，可重复，至多五个。")
@click.option("--dry-run", is_flag=True, help="只显示菜单，不写到公众号。")
@as_json
@command
def menu(districts: tuple[str, ...], dry_run: bool, as_json: bool) -> int:
    """把查询、简报和（给出地区时）地区三组按钮写到公众号；以前的菜单被替换。"""
    if len(districts) > _MOST_DISTRICTS:
        raise click.UsageError(f"一级菜单下至多 {_MOST_DISTRICTS} 个按钮，给出了 {len(districts)} 个地区")
    built = build_menu_of(districts, court := open_court())
    if dry_run:
        say(json.dumps(built, ensure_ascii=False, indent=None if as_json else 2))
        return 0

    def put(client: HardenedClient) -> int:
        client.menu.create(built)
        names = "、".join(button["name"] for button in built["button"])
        report(as_json, {"menu": built}, f"菜单已写到公众号：{names}；关注者最迟在一天内看到")
        return 0

    return _call(court, put, "菜单没有写到公众号", as_json)


@wechat.command("qr", short_help="取得一个地区的二维码。")
@click.argument("district", metavar="地区")
@as_json
@command
def qr(district: str, as_json: bool) -> int:
    """取得一个地区的永久二维码：扫码关注或进入公众号的人，先看到这个地区最近公布的条目。"""
    topic = district_topic(_check_district(district))

    def draw(client: HardenedClient) -> int:
        scene = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": topic}}}
        made = client.qrcode.create(scene)
        picture = _PICTURE + quote(str(made.get("ticket", "")), safe="")
        found = {"district": district, "picture": picture, "content": str(made.get("url", ""))}
        report(as_json, found, f"二维码图片：{picture}\n二维码内容：{found['content']}")
        return 0

    return _call(open_court(), draw, "没有取得二维码", as_json)


def build_menu_of(districts: tuple[str, ...], court: Court) -> dict[str, Any]:
    """The menu of this home with buttons for these districts."""
    return build_menu(court.settings.public_url, tuple(_check_district(name) for name in districts))


def _check_district(name: str) -> str:
    if not 0 < len(name.strip()) <= _MOST_NAME:
        raise click.UsageError(f"地区名应为 1 到 {_MOST_NAME} 个字")
    return name.strip()


def _call(court: Court, work: Callable[[HardenedClient], int], undone: str, as_json: bool) -> int:
    """Do `work` with the account's client, if there is one; what WeChat refuses is one line."""
    office = open_office(court)
    providers = read_providers(court, office)
    if providers.training:
        return fail("演练的数据目录不连接真实的公众号", "training", as_json)
    if providers.wechat is None:
        return fail("没有设置微信公众号（GONGSHI_WECHAT_…）", "not_set", as_json)
    settings = providers.wechat.model_copy(update={"templates": None})
    try:
        return work(open_wechat_channel(settings, office.engine, court.world.now).client)
    except WeChatError as error:
        return fail(f"{undone}：{error}", "refused", as_json)

"""Who receives the list: registering, trying out, retiring, and the tokens and secrets they use."""

from __future__ import annotations

import sys
from base64 import b64encode
from typing import Any

import click

from gongshi.channels import read_providers
from gongshi.cli import fail
from gongshi.commands.common import acting, as_json, command, open_court, report, sign
from gongshi.court import Court
from gongshi.office import open_office
from gongshi.settings import BadSetting
from notifier.channels import Outcome
from notifier.context import Notifier
from notifier.enrolling import CHANNEL_LABEL, CHANNELS, BadRecipient, Enrolment, Liaison, check_enrolment
from notifier.institutions import MAIL, PULL, SFTP, WEBHOOK
from notifier.institutions.addresses import BadAddress
from notifier.institutions.opening import test_endpoint
from notifier.institutions.settings import BadInstitutionSetting, InstitutionSettings, read_institution_settings
from notifier.institutions.staying import check_staying
from notifier.recipients import (
    SANDBOX,
    RecipientKind,
    Registered,
    add_board,
    add_recipient,
    issue_token,
    list_all_recipients,
    list_boards,
    note_trial,
    open_endpoints,
    retire_recipient,
    rotate_secret,
)
from notifier.states import MessageState
from registry.staff import Role

_KINDS = [kind.value for kind in RecipientKind if kind is not RecipientKind.PRINTING]
_WELL = (MessageState.ACCEPTED, MessageState.DELIVERED)
_RULE = "recipient"
slug_argument = click.argument("slug", metavar="代号")


@click.group(short_help="管理名单的接收单位。")
def recipient() -> None:
    """管理名单的接收单位和张贴位置。"""


@recipient.command("add", short_help="登记接收单位。")
@slug_argument
@click.option("--name", required=True, metavar="名称", help="单位名称。")
@click.option("--kind", required=True, type=click.Choice(_KINDS), help="哪一类单位。")
@click.option("--channel", required=True, type=click.Choice(CHANNELS), help="用哪个通道发送；pull 由对方自行下载。")
@click.option("--address", metavar="地址", help="邮箱，sftp://用户名@主机:端口/目录，或者 https:// 网址。")
@click.option("--option", "options", multiple=True, metavar="项=值", help="通道的设置，可重复：host_key、private。")
@click.option("--ask-secret", is_flag=True, help="口令（sftp）或者签名密钥（webhook）从终端询问或由标准输入读取。")
@click.option("--liaison-name", metavar="姓名", help="联络员。")
@click.option("--liaison-phone", metavar="号码", help="联络员手机，回执逾期时发短信。")
@click.option("--liaison-mail", metavar="邮箱", help="联络员邮箱，没有手机时发邮件。")
@acting
@as_json
@command
def add(
    slug: str,
    name: str,
    kind: str,
    channel: str,
    address: str | None,
    options: tuple[str, ...],
    ask_secret: bool,
    liaison_name: str | None,
    liaison_phone: str | None,
    liaison_mail: str | None,
    actor: str,
    as_json: bool,
) -> int:
    """登记接收单位，从下一次推送起生效。webhook 的签名密钥和 pull 的领取令牌由系统生成，只显示这一次。

    登记第一个真实单位时，没有用过的演练单位自动停用；用过的照旧，需要时用 recipient retire 停用。演练的数据目录中
    一律照旧。
    """
    court = open_court()
    given = Enrolment(
        slug=slug,
        name=name,
        kind=kind,
        channel=channel,
        address=address,
        options=_read_options(options),
        secret=_choose_secret(court, channel, ask=ask_secret),
        liaison=Liaison(name=liaison_name, phone=liaison_phone, mail=liaison_mail),
    )
    training, engine = court.profile().training, open_office(court).engine
    try:
        checked = check_enrolment(given, loopback=_read_institutions().webhook_loopback, training=training)
        sign(court, actor, Role.ADMIN, Role.REVIEWER)
        # In training recipients of both kinds stand side by side.
        replace = channel != SANDBOX and not training
        sandbox = add_recipient(engine, checked, now=court.now, replace_sandbox=replace)
    except BadRecipient as error:
        return fail(str(error), _RULE, as_json, end="未登记")
    token = issue_token(engine, checked.slug, random=court.world.random) if channel == PULL else None
    secret = checked.secret if channel == WEBHOOK and not ask_secret else None
    found = {
        "slug": checked.slug,
        "channel": channel,
        "token": token,
        "secret": secret,
        "sandbox_retired": sandbox.retired,
    }
    lines = [f"已登记接收单位“{checked.name}”（{checked.slug}，{CHANNEL_LABEL[channel]}）"]
    lines += [f"签名密钥（只显示这一次，请当面或者加密交给对方）：{secret}"] if secret else []
    lines += [f"领取令牌（只显示这一次，请当面或者加密交给对方）：{token}"] if token else []
    lines += [f"演练单位 {sandbox.retired} 个没有用过，已停用"] if sandbox.retired else []
    lines += (
        [f"演练单位 {sandbox.left} 个发送过名单，没有停用；不再需要的，请用 gongshi recipient retire 停用"]
        if sandbox.left
        else []
    )
    lines.append(f"请运行 gongshi recipient test {checked.slug} 试发")
    report(as_json, found, "\n".join(lines))
    return 0


@recipient.command("list", short_help="列出接收单位，以及按现在的设置能不能发到。")
@as_json
@command
def list_(as_json: bool) -> int:
    """列出接收单位和张贴位置，以及按现在的设置能不能发到。不显示密钥和令牌。"""
    court = open_court()
    office, settings = open_office(court), _read_institutions()
    rows = [_describe(one, settings, court) for one in list_all_recipients(office.engine)]
    boards = [{"slug": board.slug, "name": board.name} for board in list_boards(office.engine)]
    lines = [_to_line(row) for row in rows] or ["没有登记接收单位"]
    lines += [f"{board['slug']}　{board['name']}（张贴位置）" for board in boards]
    report(as_json, {"recipients": rows, "boards": boards}, "\n".join(lines))
    return 0


@recipient.command("test", short_help="向接收单位试发，不含任何名单内容。")
@slug_argument
@as_json
@command
def test(slug: str, as_json: bool) -> int:
    """向接收单位试发一条写明是测试、不含名单内容的消息；SFTP 试写、改名、删除一个文件。"""
    court = open_court()
    office = open_office(court)
    found = next((one for one in list_all_recipients(office.engine) if one.recipient.slug == slug), None)
    if found is None:
        return fail("没有这个代号的接收单位", _RULE, as_json, end="未测试")
    outcome = _try_out(court, office, found)
    note_trial(office.engine, slug, outcome, now=court.now)
    well = outcome.state in _WELL
    text = f"{found.recipient.name}：{outcome.state.label if not well else '可以发到'}。{outcome.detail}"
    report(as_json, {"slug": slug, "state": outcome.state.value, "detail": outcome.detail}, text)
    return 0 if well else 1


@recipient.command("retire", short_help="停用接收单位：不再发送名单，撤回和更正仍然通知。")
@slug_argument
@acting
@as_json
@command
def retire(slug: str, actor: str, as_json: bool) -> int:
    """停用接收单位：不再发送名单；它收到过的条目退出或者更正时，仍然通知它。"""
    court = open_court()
    sign(court, actor, Role.ADMIN, Role.REVIEWER)
    try:
        changed = retire_recipient(open_office(court).engine, slug)
    except LookupError as error:
        return fail(str(error), _RULE, as_json, end="未停用")
    text = f"“{slug}”已停用，它收到过的条目变动时仍会通知它" if changed else f"“{slug}”此前已停用"
    report(as_json, {"slug": slug, "retired": changed}, text)
    return 0


@recipient.command("board", short_help="登记张贴位置或者电子屏。")
@slug_argument
@click.option("--name", required=True, metavar="名称", help="位置名称，例如：一楼大厅公告栏。")
@acting
@as_json
@command
def board(slug: str, name: str, actor: str, as_json: bool) -> int:
    """登记张贴位置或者电子屏：在工作台登记张贴了什么，条目退出或者更正时列入撤下待办。"""
    court = open_court()
    given = Enrolment(slug=slug, name=name, kind=RecipientKind.PRINTING, channel=SANDBOX)
    try:
        checked = check_enrolment(given)
        sign(court, actor, Role.ADMIN, Role.REVIEWER)
        add_board(open_office(court).engine, checked.slug, checked.name, now=court.now)
    except BadRecipient as error:
        return fail(str(error), _RULE, as_json, end="未登记")
    report(as_json, {"slug": checked.slug, "name": checked.name}, f"已登记张贴位置“{checked.name}”")
    return 0


@recipient.command("token", short_help="发放或者更换领取令牌。")
@slug_argument
@click.option("--rotate", is_flag=True, help="更换：旧令牌随即失效。")
@acting
@as_json
@command
def token(slug: str, rotate: bool, actor: str, as_json: bool) -> int:
    """发放领取令牌，只显示这一次；用它可以自行下载名单包、领取撤回通知和提交回执。"""
    court = open_court()
    sign(court, actor, Role.ADMIN, Role.REVIEWER)
    try:
        issued = issue_token(open_office(court).engine, slug, rotate=rotate, random=court.world.random)
    except (BadRecipient, LookupError) as error:
        return fail(str(error), _RULE, as_json, end="未发放")
    report(as_json, {"slug": slug, "token": issued}, f"“{slug}”的领取令牌（只显示这一次）：{issued}")
    return 0


@recipient.command("secret", short_help="更换 webhook 的签名密钥。")
@slug_argument
@click.option("--rotate", is_flag=True, help="换用新密钥，此后新旧两把同时签名。")
@click.option("--finish", is_flag=True, help="对方已换用新密钥，旧的不再使用。")
@acting
@as_json
@command
def secret(slug: str, rotate: bool, finish: bool, actor: str, as_json: bool) -> int:
    """更换 webhook 的签名密钥：先 --rotate，交给对方换好后再 --finish。"""
    if rotate == finish:
        raise click.UsageError("请在 --rotate 和 --finish 中选一个")
    court = open_court()
    sign(court, actor, Role.ADMIN, Role.REVIEWER)
    made = _make_secret(court) if rotate else None
    try:
        rotate_secret(open_office(court).engine, slug, made)
    except (BadRecipient, LookupError) as error:
        return fail(str(error), _RULE, as_json, end="未更换")
    text = f"“{slug}”的新签名密钥（只显示这一次）：{made}" if made else f"“{slug}”只用新密钥签名了"
    report(as_json, {"slug": slug, "secret": made}, text)
    return 0


def _read_options(options: tuple[str, ...]) -> dict[str, str]:
    values: dict[str, str] = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or not value.strip() or key.strip() in values:
            raise click.UsageError("--option 应为 项=值，每项只写一次")
        values[key.strip()] = value.strip()
    return values


def _choose_secret(court: Court, channel: str, *, ask: bool) -> str | None:
    if ask:
        return _read_secret()
    return _make_secret(court) if channel == WEBHOOK else None


def _make_secret(court: Court) -> str:
    return "whsec_" + b64encode(court.world.random.randbytes(32)).decode("ascii")


def _read_secret() -> str:
    if sys.stdin is None:
        return ""
    if sys.stdin.isatty():
        return str(click.prompt("口令或者密钥", hide_input=True))
    try:
        found = sys.stdin.readline().rstrip("\r\n")
        found.encode()
    except UnicodeError:
        raise click.UsageError("口令不是有效的 UTF-8 文字") from None
    return found


def _read_institutions() -> InstitutionSettings:
    try:
        return read_institution_settings()
    except BadInstitutionSetting as error:
        raise BadSetting(str(error)) from None


def _try_out(court: Court, office: Notifier, found: Registered) -> Outcome:
    if found.recipient.channel == SANDBOX:
        return Outcome(state=MessageState.DELIVERED, detail="演练收件箱在本机，不发给任何单位")
    unreachable = _find_obstacle(found, _read_institutions(), court.settings.gateway_url)
    if unreachable is not None:
        return Outcome(state=MessageState.FAILED_TEMPORARY, detail=unreachable)
    if found.recipient.channel == PULL:
        fetch = f'curl -H "Authorization: Bearer 领取令牌" {court.settings.gateway_url}/pull'
        return Outcome(state=MessageState.ACCEPTED, detail=f"由对方自行领取，请对方试取一次：{fetch}")
    endpoint = open_endpoints(office.engine)(found.recipient.slug)
    if endpoint is None:
        raise LookupError(found.recipient.slug)
    settings = _read_institutions()
    if court.profile().training:
        settings = read_providers(court, office).institutions
        try:
            check_staying(endpoint.address or "")
        except BadAddress as error:
            return Outcome(state=MessageState.FAILED_PERMANENT, detail=str(error))
    return test_endpoint(settings, endpoint, clock=court.world.now)


def _find_obstacle(found: Registered, settings: InstitutionSettings, gateway_url: str) -> str | None:
    """Why nothing reaches a recipient as things are set up; None where something may."""
    channel = found.recipient.channel
    obstacles = (
        (channel == MAIL and settings.mail is None, "没有设置 GONGSHI_SMTP_URL"),
        (
            channel == SFTP and settings.sftp_key is None and not found.has_secret,
            "没有设置 GONGSHI_SFTP_KEY，也没有登记口令",
        ),
        (channel == PULL and not found.has_token, "没有领取令牌，请用 gongshi recipient token 发放"),
        (channel in (PULL, WEBHOOK) and not gateway_url, "没有设置 GONGSHI_GATEWAY_URL，对方无处下载名单包"),
    )
    return next((reason for stands, reason in obstacles if stands), None)


def _describe(found: Registered, settings: InstitutionSettings, court: Court) -> dict[str, Any]:
    one, tried = found.recipient, found.tried
    obstacle = _find_obstacle(found, settings, court.settings.gateway_url)
    return {
        "slug": one.slug,
        "name": one.name,
        "kind": one.kind.value,
        "channel": one.channel,
        "address": one.address,
        "options": dict(found.options),
        "active": found.active,
        "has_secret": found.has_secret,
        "has_token": found.has_token,
        "liaison": found.liaison.name,
        "reachable": obstacle is None,
        "reason": obstacle,
        "tried": {"at": tried.at.isoformat(), "state": tried.state.value, "detail": tried.detail} if tried else None,
    }


def _to_line(row: dict[str, Any]) -> str:
    where = f"，{row['address']}" if row["address"] else ""
    state = "能发到" if row["reachable"] else f"发不到：{row['reason']}"
    retired = "" if row["active"] else "；已停用"
    return (
        f"{row['slug']}　{row['name']}（{CHANNEL_LABEL.get(row['channel'], row['channel'])}{where}）：{state}{retired}"
    )

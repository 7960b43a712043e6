"""The long-running processes. The portal's imports nothing of the private side."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from gongshi.cli import fail
from gongshi.clock import World
from gongshi.server import BadAddress, Server, is_loopback, is_private, log_to_stderr, read_bind

_GATEWAY_THREADS = 16
_DESK_THREADS = 4
Work = TypeVar("Work", bound=Callable[..., Any])


@click.group(short_help="运行网站：portal 公示网站，desk 内部页面，gateway 网关。")
def serve() -> None:
    """运行网站。按 Ctrl-C 结束。"""


def _bind(default: str, help_text: str = "监听的地址。") -> Callable[[Work], Work]:
    return click.option("--bind", default=default, show_default=True, metavar="地址:端口", help=help_text)


@serve.command("portal", short_help="公示网站。")
@_bind("127.0.0.1:8000", "监听的地址；也可写 unix:/路径，由前面的代理经套接字文件连接，不需要网络。")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="进程数。")
def portal(bind: str, workers: int) -> int:
    """公示网站：只读公示库，不需要也不加载内部的任何模块、密钥和设置。"""
    from portal.app import create_app
    from portal.settings import PortalSettings, SettingsError

    try:
        read_bind(bind)
        settings = PortalSettings.from_environment(os.environ)
    except (BadAddress, SettingsError) as error:
        return _refuse(str(error))
    world: World = click.get_current_context().find_root().obj
    Server(lambda: create_app(settings, world.now), bind, "公示网站", workers).run()
    return 0


@serve.command("desk", short_help="内部页面。")
@_bind("127.0.0.1:8001")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 16), help="进程数。")
def desk(bind: str, workers: int) -> int:
    """内部页面：工作清单、审批、办件、文书、单位、名单推送和审计，凭账户登录。

    不在本机的浏览器经前面的 TLS 代理访问，其主机名在 GONGSHI_DESK_HOSTS 中写明。
    """
    from gongshi.commands.common import command, open_court
    from gongshi.desk import create_desk

    @command
    def work() -> int:
        court = open_court()
        app = create_desk(court)
        notes = _check_open(bind, court.settings.desk_host_list, "GONGSHI_DESK_HOSTS")
        Server(lambda: app, bind, "内部页面", workers, threads=_DESK_THREADS, notes=notes).run()
        return 0

    return _checked(bind, work)


@serve.command("units", short_help="联合惩戒单位的页面和接口。")
@_bind("127.0.0.1:8003")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 16), help="进程数。")
def units(bind: str, workers: int) -> int:
    """联合惩戒单位的页面（比对、反馈、解除、台账和转办的投诉，凭账户或者令牌登录）和接口（/units/v1，凭密钥）。

    由前面的 TLS 代理对外提供，其主机名在 GONGSHI_UNITS_HOSTS 中写明。
    """
    from gongshi.commands.common import command, open_court
    from gongshi.units import create_units

    @command
    def work() -> int:
        court = open_court()
        app = create_units(court)
        notes = _check_open(bind, court.settings.units_host_list, "GONGSHI_UNITS_HOSTS")
        Server(lambda: app, bind, "单位页面", workers, threads=_DESK_THREADS, notes=notes).run()
        return 0

    return _checked(bind, work)


@serve.command("gateway", short_help="网关：微信、短信服务商和接收单位访问的地址。")
@_bind("127.0.0.1:8002")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="进程数。")
def gateway(bind: str, workers: int) -> int:
    """网关：微信、短信服务商和接收单位访问的地址。由前面的代理以加密方式对外提供。

    没有设置的服务商，其地址不存在，启动时说明一次。
    """
    from gongshi.channels import read_providers
    from gongshi.commands.common import command, open_notifier_side
    from gongshi.gateway import create_gateway, tell_what_is_off
    from gongshi.office import open_office
    from gongshi.safety.closed import wait_until_open

    @command
    def work() -> int:
        court = open_notifier_side()
        wait_until_open(court.settings.home, threading.Event(), click.echo)
        office = open_office(court)
        providers = read_providers(court, office)
        office.engine.dispose()
        # Before the server begins: a bad setting is one line.
        app = create_gateway(court, providers=providers)
        notes = tell_what_is_off(providers)
        # A request that waits for the database of a slow provider must not keep WeChat's out.
        Server(lambda: app, bind, "网关", workers, threads=_GATEWAY_THREADS, notes=notes).run()
        return 0

    return _checked(bind, work)


@serve.command("metrics", short_help="监控系统读取的数字（Prometheus）。")
@_bind("127.0.0.1:9464")
@click.option("--anywhere", is_flag=True, help="允许监听公网地址；须由防火墙限定只有监控系统能连接。")
def metrics(bind: str, anywhere: bool) -> int:
    """监控系统读取的数字（Prometheus 文本格式，地址为 /metrics），只有条数和时长，不含姓名、地址和编号。"""
    from gongshi.commands.common import command, open_court
    from gongshi.settings import BadSetting
    from gongshi.watching.metrics import create_metrics

    @command
    def work() -> int:
        host, _port = read_bind(bind)
        if not (anywhere or is_private(host)):
            raise BadSetting(f"{host} 不是内部网络的地址：请改用本机或者内网地址；确有防火墙限定的，加 --anywhere")
        app = create_metrics(open_court())
        Server(lambda: app, bind, "监控数字", workers=1).run()
        return 0

    return _checked(bind, work)


@click.command(short_help="后台工作进程。")
@click.option("--once", is_flag=True, help="只做一次到期的工作。")
def worker(once: bool) -> int:
    """后台工作进程：公布和撤下到期的条目，更新公示库和索引，推送到期的季度名单，发送消息和撤回通知，每日清理。"""
    from gongshi.commands.common import command, open_court
    from gongshi.duty import Duty
    from gongshi.errorlog import logged
    from gongshi.safety.closed import refuse_closed, wait_until_open
    from notifier.worker import run_worker, stop_on_signals

    @command
    def work() -> int:
        log_to_stderr()
        stop = threading.Event()
        court = open_court()
        if once:
            refuse_closed(court.settings.home)
        else:
            stop_on_signals(stop)
            if not wait_until_open(court.settings.home, stop, click.echo):
                return 0
        duty = Duty(court, stop.is_set)
        if once:
            duty.tick()
            click.echo("到期的工作已办理")
            return 0
        click.echo("后台工作进程已就绪")
        (first, every), *others = [(logged(part), seconds) for part, seconds in duty.beats]
        run_worker(first, stop, every, others)
        return 0

    return work()


def _checked(bind: str, work: Callable[[], int]) -> int:
    """Refuse an address that is none before anything is opened."""
    try:
        read_bind(bind)
    except BadAddress as error:
        return _refuse(str(error))
    return work()


def _check_open(bind: str, hosts: Sequence[str], setting: str) -> Sequence[str]:
    """What to say of an address that other machines reach. Raises BadSetting where nobody said under which name."""
    from gongshi.settings import BadSetting

    host, _port = read_bind(bind)
    if is_loopback(host) or host.startswith("unix:"):
        return ()
    if not hosts:
        raise BadSetting(
            f"{host} 不是本机地址：请在设置 {setting} 中写明浏览器使用的主机名（例如 desk.court.internal），"
            "并在前面设置 TLS 代理"
        )
    return (f"浏览器须经 TLS 代理（https://{hosts[0]}）访问；不经代理的明文连接不能登录",)


def _refuse(reason: str) -> int:
    return fail(reason, None, machine=False, end="未启动")

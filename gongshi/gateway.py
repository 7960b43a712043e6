"""The gateway's process: what WeChat, Twilio, Aliyun and recipients call. It opens the notifier and the disclosed list, and
nothing of the registry.

Every address authenticates its callers by itself. What a request held (path, query, body) is never written down.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import structlog
from flask import Flask, Response, g, request
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from gongshi.channels import Providers, read_providers, read_rules
from gongshi.closed_sites import close_site
from gongshi.court import Court
from gongshi.errorlog import log_error
from gongshi.office import open_office, open_register
from notifier.context import Notifier
from notifier.gateway_aliyun import aliyun_gateway
from notifier.gateway_events import EventBook
from notifier.gateway_recipients import recipient_gateway
from notifier.gateway_twilio import twilio_gateway
from notifier.gateway_voice import voice_gateway
from notifier.gateway_wechat import GatewayHooks, wechat_gateway
from notifier.sending import Given
from notifier.wechat.channel import open_wechat_channel
from notifier.wechat.conversation import Conversation
from notifier.wechat.followers import FollowerBook
from notifier.wechat.settings import WeChatSettings

STATIC = Path(__file__).resolve().parent.parent / "static"
_LARGEST_BODY = 128 * 1024  # bytes; each address allows less
_YEAR = 31_536_000
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, noarchive, nosnippet",
    "Cache-Control": "no-store",
}
_SAID = {404: "没有这个地址。", 405: "这个地址不这样使用。", 413: "内容过大。", 429: "请求过于频繁，请稍后再试。"}

_log = structlog.get_logger("gongshi.gateway")


class Gateway(Flask):
    """Flask, but an unforeseen error is written without anything the request held."""

    def log_exception(
        self,
        exc_info: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> None:
        if exc_info[1] is not None:
            log_error(exc_info[1])


def create_gateway(court: Court, *, providers: Providers | None = None) -> Gateway:
    """The application of `serve gateway`; `providers` are those of the environment where none are given. Made before the
    server forks, with no database of it left open. Raises BadSetting."""
    office = open_office(court)
    given = providers or read_providers(court, office)
    app = Gateway("gongshi.gateway", static_folder=str(STATIC), static_url_path="/static")
    app.config.update(MAX_CONTENT_LENGTH=_LARGEST_BODY, MAX_FORM_MEMORY_SIZE=_LARGEST_BODY, MAX_FORM_PARTS=50)
    app.jinja_env.undefined = StrictUndefined
    _register_providers(app, court, office, given)
    gateway_url = court.settings.gateway_url or None
    close_site(app, court.settings.home)
    app.register_blueprint(recipient_gateway(office, clock=court.world.now, gateway_url=gateway_url))
    app.add_url_rule("/healthz", "health", lambda: Response("ok\n", mimetype="text/plain"))
    _finish_answers(app, secure=court.settings.gateway_url.startswith("https://"))
    # A connection that two processes hold belongs to neither.
    office.engine.dispose()
    court.store.close()
    court.shown.close()
    return app


def tell_what_is_off(providers: Providers) -> list[str]:
    """Which addresses of providers there are not, and why: a Chinese line each, without any value."""
    if providers.training:
        return ["演练：微信和短信为沙盒账号，不连接任何真实的服务商"]
    lines = []
    if providers.wechat is None:
        lines.append("未启用 /wechat：没有设置微信公众号（GONGSHI_WECHAT_…）")
    if providers.sms.twilio is None:
        lines.append("未启用 /twilio/status、/twilio/inbound、/twilio/voice：没有设置 Twilio（GONGSHI_TWILIO_…）")
    if providers.sms.aliyun is None:
        lines.append("未启用 /aliyun/…：没有设置阿里云短信（GONGSHI_ALIYUN_…）")
    elif providers.sms.aliyun_report_path is None:
        lines.append("未启用 /aliyun/…：没有设置 GONGSHI_ALIYUN_REPORT_PATH，回执只能靠查询得知")
    return lines


def _register_providers(app: Flask, court: Court, office: Notifier, given: Providers) -> None:
    rules = read_rules(court.settings, training=given.training)
    book = EventBook(office, Given(rules=rules, random=court.world.random, store=court.store), court.world.now)
    app.register_blueprint(twilio_gateway(given.sms, book.apply_sms))
    app.register_blueprint(voice_gateway(given.sms, open_register(court), court.world.now))
    app.register_blueprint(aliyun_gateway(given.sms, book.apply_hint))
    if given.wechat is None:
        return
    conversation = Conversation(listing=open_register(court), public_url=court.settings.public_url)
    hooks = GatewayHooks(
        seen_before=FollowerBook(office.engine).seen_before,
        apply_events=book.apply_wechat,
        clock=court.world.now,
        answer_later=None if given.training else _answer_later(given.wechat, court, office),
    )
    app.register_blueprint(wechat_gateway(given.wechat, conversation, hooks))


def _answer_later(settings: WeChatSettings, court: Court, office: Notifier) -> Callable[[str, Callable[[], str]], None]:
    client = open_wechat_channel(settings.model_copy(update={"templates": None}), office.engine, court.world.now).client
    return client.post_answer


def _finish_answers(app: Flask, *, secure: bool) -> None:
    app.before_request(_start)
    app.register_error_handler(HTTPException, _tell)

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if secure:
            response.headers.setdefault("Strict-Transport-Security", f"max-age={_YEAR}")
        _write_down(response)
        return response


def _start() -> None:
    g.started = time.perf_counter()


def _write_down(response: Response) -> None:
    elapsed = time.perf_counter() - g.started if "started" in g else 0.0
    # The name of the view: addresses hold tokens.
    _log.info("request", view=request.endpoint or "-", status=response.status_code, ms=round(elapsed * 1000, 1))


def _tell(error: HTTPException) -> Response:
    """An error of HTTP in one Chinese line."""
    if error.response is not None or (error.code or 500) < 400:
        made: Response = error.get_response()  # type: ignore[assignment]  # werkzeug's, which Flask takes as well
        return made
    answer = Response(status=error.code or 500, headers=dict(error.get_headers()))
    answer.set_data(f"{_SAID.get(error.code or 500, '不能办理这一请求。')}\n")
    answer.content_type = "text/plain; charset=utf-8"
    return answer

"""Signed events to a recipient's own server (Standard Webhooks 1.0.0): where the package lies and what its hash is, or
what a letter says. Every attempt at a dispatch has the same `webhook-id`, so receiving twice comes to the same as once.

Addresses come from recipients, so where they lead is looked at: the host is resolved once, every address of it must be
allowed, and the connection goes to the address that was looked at, whatever the name service says a moment later.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from math import floor
from typing import Any

import httpx
from standardwebhooks import Webhook

from notifier.channels import Dispatch, Letter, Outcome, Parcel
from notifier.institutions import Endpoint, FindEndpoint, Links
from notifier.institutions.addresses import (
    BadAddress,
    WebhookAddress,
    check_webhook_secret,
    may_lead_to,
    parse_webhook,
)
from notifier.institutions.answers import failed_for_good, failed_for_now, http_outcome
from notifier.institutions.contents import BrokenPackage, open_contents
from notifier.institutions.watch import cut_off
from notifier.institutions.wording import letter_event, package_event

Clock = Callable[[], datetime]
# The numeric addresses of a host, for a port. Raises OSError.
Resolve = Callable[[str, int], Sequence[str]]

PRIVATE = "private"


class _NotCalled(Exception):
    """The receiver was not called, and why: one Chinese line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds that a receiver has: for one step, and for the whole call, however slowly the answer trickles."""

    step: float = 15.0
    total: float = 30.0


_PATIENCE = Patience()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An event to be posted to a checked address."""

    address: WebhookAddress
    ip: str
    headers: Mapping[str, str]
    body: bytes


def resolve_host(host: str, port: int) -> list[str]:
    """What the system's resolver knows. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class WebhookChannel:
    """Posts events. With `loopback`, addresses on this machine are allowed."""

    repeatable = True

    def __init__(
        self,
        find: FindEndpoint,
        links: Links,
        *,
        clock: Clock,
        loopback: bool = False,
        resolve: Resolve = resolve_host,
        tls: ssl.SSLContext | None = None,
        patience: Patience = _PATIENCE,
    ) -> None:
        self._find = find
        self._links = links
        self._clock = clock
        self._loopback = loopback
        self._resolve = resolve
        self._tls = tls or ssl.create_default_context()
        self._patience = patience

    def deliver(self, dispatch: Dispatch) -> Outcome:
        content = dispatch.content
        if not isinstance(content, Parcel | Letter):
            return failed_for_good("不是可以发往对方系统的内容")
        endpoint = self._find(dispatch.recipient)
        if endpoint is None or not endpoint.address:
            return failed_for_now("没有登记该接收人的回调地址")
        if isinstance(content, Parcel) and self._links.package(dispatch.id) is None:
            return failed_for_good("没有设置对外网址（GONGSHI_GATEWAY_URL），不能告知名单包的地址")
        try:
            call = self._prepare(endpoint, endpoint.address, dispatch, content)
        except (BadAddress, BrokenPackage, _NotCalled) as error:
            return failed_for_now(str(error))
        return self._post(call)

    def look_up(self, dispatch: Dispatch, reference: str | None) -> Outcome | None:
        """None: a repeated event does no harm, so there is nothing to ask."""
        return None

    def _prepare(self, endpoint: Endpoint, text: str, dispatch: Dispatch, content: Parcel | Letter) -> Call:
        address = parse_webhook(text, loopback=self._loopback)
        secrets = check_webhook_secret(endpoint.secret or "")
        at = self._clock()
        if isinstance(content, Parcel):
            body = package_event(open_contents(content), dispatch, self._links, at)
        else:
            body = letter_event(content, dispatch, self._links, at)
        ip = self._find_ip(address, private=endpoint.options.get(PRIVATE) == "yes")
        return Call(address=address, ip=ip, headers=sign_event(dispatch.id, at, body, secrets), body=body)

    def _find_ip(self, address: WebhookAddress, *, private: bool) -> str:
        try:
            found = self._resolve(address.host, address.port)
            allowed = [may_lead_to(ip_address(ip), private=private, loopback=self._loopback) for ip in found]
        except (OSError, ValueError):
            raise _NotCalled("对方系统的主机名不能解析") from None
        if not found:
            raise _NotCalled("对方系统的主机名不能解析")
        if not all(allowed):
            raise _NotCalled("回调地址指向内部网络，没有发送；确为对方内部网络的，登记时写明 private=yes")
        return found[0]

    def _post(self, call: Call) -> Outcome:
        try:
            status, retry_after = self._exchange(call)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                return failed_for_now("对方系统的 TLS 证书未通过验证，没有发送")
            return failed_for_now("未能连接对方系统")
        except Exception:  # whatever went wrong on the way: the same event once more does no harm
            return replace(failed_for_now("对方系统没有答复，将以同一编号再次发送"), may_have_arrived=True)
        return http_outcome(status, retry_after, self._clock())

    def _exchange(self, call: Call) -> tuple[int, str | None]:
        """The status and Retry-After of the answer. Its body is not read, and a redirect is not followed."""
        with ExitStack() as held:

            def trace(step: str, info: Mapping[str, Any]) -> None:
                if step == "connection.connect_tcp.complete":
                    # The handshake takes the socket over; its duplicate leads to the same connection.
                    line = held.enter_context(closing(info["return_value"].get_extra_info("socket").dup()))
                    held.enter_context(cut_off(line, self._patience.total))

            request = build_request(call)
            request.extensions |= {"timeout": httpx.Timeout(self._patience.step).as_dict(), "trace": trace}
            # Not httpx.Client, which writes every address it calls to the log, and would know of proxies and redirects.
            transport = held.enter_context(closing(httpx.HTTPTransport(verify=self._tls, trust_env=False)))
            response = transport.handle_request(request)
            held.callback(response.close)
            return response.status_code, response.headers.get("Retry-After")


def build_request(call: Call) -> httpx.Request:
    """The request of a call: to the number that was looked at, in the name that was registered."""
    address = call.address
    name = f"[{address.host}]" if ":" in address.host else address.host
    standard = 443 if address.secure else 80
    url = httpx.URL(
        scheme="https" if address.secure else "http",
        host=call.ip,
        port=address.port,
        raw_path=address.target.encode("ascii"),
    )
    return httpx.Request(
        "POST",
        url,
        headers={
            "host": name if address.port == standard else f"{name}:{address.port}",
            "content-type": "application/json",
            "user-agent": "gongshi",
            "connection": "close",
            **call.headers,
        },
        content=call.body,
        extensions={"sni_hostname": address.host},
    )


def sign_event(event_id: str, at: datetime, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The headers that prove an event, with a signature for each secret, so that a receiver may know the old or the new
    one. `event_id` has no full stop, `at` is aware."""
    # The library takes the clock face of whatever zone it is given for UTC.
    at = at.astimezone(UTC)
    signatures = [Webhook(secret).sign(event_id, at, body.decode()) for secret in secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(floor(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }

"""wechatpy's client, hardened: always a timeout, one retry with a new token, an answer that is not JSON is an error,
and no error or log line holds a token, a secret or an address of a call."""

from __future__ import annotations

import json
import logging
import re
import ssl
from collections.abc import Callable, Mapping
from datetime import timedelta
from threading import Lock
from typing import Any, NoReturn

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from wechatpy import WeChatClient  # type: ignore[import-untyped]

from notifier.wechat.outcomes import TOKEN_REFUSED
from notifier.wechat.settings import WeChatSettings
from notifier.wechat.tokens import FetchedToken, TokenBusy, TokenStore

TIMEOUT = 5.0  # seconds, to connect and between two bytes
_POOL = 32
_CUSTOM = "message/custom/send"


class WeChatError(Exception):
    """A call that did not go well. `str()` is Chinese and holds nothing of the call."""


class NotReached(WeChatError):
    """The call was not carried out: nobody took it, or it was turned away before WeChat looked at it."""


class NotKnown(WeChatError):
    """The call may have been carried out."""


class Refused(WeChatError):
    """WeChat answered with a code other than 0. `number` is the message number in that answer, if it has one."""

    def __init__(self, code: int, number: str | None = None) -> None:
        super().__init__(f"微信错误码 {code}")
        self.code = code
        self.number = number


class NoToken(WeChatError):
    """There is no access token; `code` is WeChat's, or None where it gave none. Nothing was called with it."""

    def __init__(self, code: int | None) -> None:
        super().__init__("未能取得微信的调用凭证" + ("" if code is None else f"（微信错误码 {code}）"))
        self.code = code


class HardenedClient(WeChatClient):  # type: ignore[misc]
    """The account's client. Safe to share between threads; `tokens` is shared between processes.

    Everything of wechatpy that stays below the base address works (message, menu, qrcode.create, user, tag); every
    method raises WeChatError. Calls to other addresses are refused.
    """

    def __init__(self, settings: WeChatSettings, tokens: TokenStore, *, timeout: float = TIMEOUT) -> None:
        super().__init__(settings.appid, settings.secret.get_secret_value(), timeout=timeout, auto_retry=False)
        self.API_BASE_URL = f"{settings.base_url}/cgi-bin/"
        self._tokens = tokens
        self._known: str | None = None
        self._lock = Lock()
        for scheme in ("http://", "https://"):
            self._http.mount(scheme, HTTPAdapter(pool_maxsize=_POOL, max_retries=0))

    # What is sent --------------------------------------------------------------------------------------------------

    def post_template(
        self, openid: str, template: str, data: Mapping[str, Any], *, url: str | None, client_msg_id: str
    ) -> str | None:
        """Send a template message; WeChat's number of it. The same `client_msg_id` is sent once in ten minutes."""
        body = {"touser": openid, "template_id": template, "client_msg_id": client_msg_id, "data": data}
        return _number(self.post("message/template/send", data=body | ({"url": url} if url else {})), "msgid")

    def post_subscription(self, openid: str, template: str, data: Mapping[str, Any], *, page: str | None) -> str | None:
        """Send a subscription message (订阅通知); WeChat's number of it, where it gives one."""
        body = {"touser": openid, "template_id": template, "data": data}
        return _number(self.post("message/subscribe/bizsend", data=body | ({"page": page} if page else {})), "msgid")

    def post_mass_text(self, text: str, *, tag: int | None, client_msg_id: str) -> str | None:
        """Send a text to all followers, or to those with a tag; WeChat's number of it."""
        whom: dict[str, Any] = {"is_to_all": True} if tag is None else {"is_to_all": False, "tag_id": tag}
        body = {"filter": whom, "text": {"content": text}, "msgtype": "text", "clientmsgid": client_msg_id}
        return _number(self.post("message/mass/sendall", data=body), "msg_id")

    def get_mass_status(self, number: str) -> str:
        """What became of a mass message: SEND_SUCCESS, SENDING, SEND_FAIL or DELETE."""
        return str(self.post("message/mass/get", data={"msg_id": int(number)}).get("msg_status", ""))

    def post_text(self, openid: str, text: str) -> None:
        """Send a text as customer service: only within 48 hours of the follower's last message."""
        self.post(_CUSTOM, data=_text_to(openid, text))

    def post_answer(self, openid: str, compose: Callable[[], str]) -> None:
        """Send what `compose` says as customer service. It is asked when the call is about to be made, and again where
        the call is made again: what it says may be about somebody who leaves the list in between."""
        token = self.access_token
        answer = self._call("post", _CUSTOM, token, data=_text_to(openid, compose()))
        if _code(answer) in TOKEN_REFUSED:
            answer = self._call("post", _CUSTOM, self._replace(token), data=_text_to(openid, compose()))
        if code := _code(answer):
            raise Refused(code, None)

    # How it is called ----------------------------------------------------------------------------------------------

    @property
    def access_token(self) -> str:
        """The token that was good last."""
        with self._lock:
            if self._known is None:
                self._known = self._get_token(stale=None)
            return self._known

    def fetch_access_token(self) -> NoReturn:
        # wechatpy's has the address of WeChat in it, and no timeout.
        raise NotImplementedError

    def _request(self, method: str, url_or_endpoint: str, **kwargs: Any) -> Any:
        process = kwargs.pop("result_processor", None)
        if url_or_endpoint.startswith(("http://", "https://")) or "api_base_url" in kwargs:
            raise NotReached("这一接口不在所设的微信地址上")
        token = self.access_token
        answer = self._call(method, url_or_endpoint, token, **kwargs)
        if _code(answer) in TOKEN_REFUSED:
            answer = self._call(method, url_or_endpoint, self._replace(token), **kwargs)
        if code := _code(answer):
            raise Refused(code, _number(answer, "msg_id"))
        return process(answer) if process else answer

    def _replace(self, refused: str) -> str:
        """A token in the place of one that WeChat refused."""
        with self._lock:
            if self._known is None or self._known == refused:
                self._known = self._get_token(stale=refused)
            return self._known

    def _get_token(self, stale: str | None) -> str:
        try:
            return self._tokens.get(self.appid, stale=stale, fetch=self._fetch)
        except TokenBusy:
            pass
        raise NoToken(None)

    def _fetch(self) -> FetchedToken:
        body = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
        try:
            answer = self._ask("post", "stable_token", data=_encode(body))
        except (NotReached, NotKnown):
            answer = {}
        if code := _code(answer):
            raise NoToken(code)
        token, lasts = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(lasts, int):
            raise NoToken(None)
        return FetchedToken(token=token, lasts=timedelta(seconds=lasts))

    def _call(self, method: str, endpoint: str, token: str, **kwargs: Any) -> dict[str, Any]:
        if isinstance(kwargs.get("data"), dict):
            kwargs["data"] = _encode(kwargs["data"])
        kwargs["params"] = {**(kwargs.get("params") or {}), "access_token": token}
        return self._ask(method, endpoint, **kwargs)

    def _ask(self, method: str, endpoint: str, **kwargs: Any) -> dict[str, Any]:
        """The JSON object of an answer. Raises NotReached or NotKnown."""
        # Errors of requests hold the address, and with it the token; so ours is raised where theirs is gone.
        problem: WeChatError | None = None
        try:
            response = self._http.request(
                method,
                self.API_BASE_URL + endpoint,
                **{**kwargs, "timeout": self.timeout, "allow_redirects": False},
            )
        except requests.RequestException as error:
            problem = NotKnown("没有得到微信的答复") if _may_have_arrived(error) else NotReached("连接不上微信接口")
        if problem is not None:
            raise problem
        if 300 <= response.status_code < 500:
            raise NotReached(f"微信接口拒绝连接（HTTP {response.status_code}）")
        if response.status_code != 200:
            raise NotKnown(f"微信接口出错（HTTP {response.status_code}）")
        return _read_answer(response.content)


def _read_answer(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content.decode("utf-8", "replace"), strict=False)
        if isinstance(answer, dict) and isinstance(answer.get("errcode", 0), int):
            return answer
    except (ValueError, RecursionError):
        pass
    raise NotKnown("微信的答复不能识别")


def _may_have_arrived(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return False
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, (NewConnectionError, ConnectTimeoutError)):
        return False
    # A certificate that is not believed is seen before anything is sent.
    causes = getattr(reason, "args", ())
    return not (causes and isinstance(causes[0], ssl.SSLCertVerificationError))


def _encode(body: Mapping[str, Any]) -> bytes:
    # WeChat takes no \u escapes (40033).
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def _code(answer: Mapping[str, Any]) -> int:
    return int(answer.get("errcode", 0))


def _number(answer: Mapping[str, Any], name: str) -> str | None:
    value = answer.get(name)
    return str(value) if isinstance(value, int | str) and str(value).isdigit() and int(value) else None


def _text_to(openid: str, text: str) -> dict[str, Any]:
    return {"touser": openid, "msgtype": "text", "text": {"content": text}}


class _Redacting(logging.Filter):
    """Takes tokens and secrets out of the addresses that urllib3 writes down when it is told to say everything."""

    _SECRET = re.compile(r"((?:access_token|secret)=)[^&\s\"']+")

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                self._SECRET.sub(r"\1***", value) if isinstance(value, str) else value for value in record.args
            )
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_Redacting())

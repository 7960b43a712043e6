"""A stand-in for WeChat's interface, on loopback. It refuses what WeChat refuses, with WeChat's codes.

Faults are ordered beforehand: the next call of a path gets the next fault.
"""

from __future__ import annotations

import base64
import json
import os
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from socket import SHUT_RDWR
from threading import Event, Lock, Thread
from typing import Any

from flask import Flask, Response, request
from werkzeug.serving import WSGIRequestHandler, make_server

from standins.wechat_phone import APPID, Heard, Phone, event_xml

SECRET = "0123456789abcdef0123456789abcdef"
_OVERLAP = timedelta(minutes=5)
_ONCE = timedelta(minutes=10)
_TYPED = {"thing": 20, "character_string": 32, "phrase": 5, "const": 20}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong with a call. `code`: refused with it; `status`: that HTTP status, with an HTML page; `loses`: the
    call is carried out and its answer never arrives; `drops`: the connection ends before anything is done; `until`: the
    call is carried out and answered when the event is set; `body`: this answer with status 200."""

    code: int | None = None
    status: int | None = None
    loses: bool = False
    drops: bool = False
    until: Event | None = None
    body: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A message that WeChat carried out: exactly one for each that a follower sees."""

    number: int
    kind: str
    openid: str | None
    body: Mapping[str, Any]


@dataclass
class WeChatServer:
    """The account's state at WeChat. `clock` is WeChat's."""

    clock: Callable[[], datetime]
    appid: str = APPID
    secret: str = SECRET
    token_lasts: timedelta = timedelta(hours=2)
    followers: set[str] = field(default_factory=set)
    # What WeChat says of a single follower: 43004, 43019, 43101, 48002, 45015, 45047, 50002.
    refusals: dict[str, int] = field(default_factory=dict)
    # Registered templates and their keywords.
    templates: dict[str, set[str]] = field(default_factory=dict)
    allowed_addresses: set[str] | None = None
    daily_quota: dict[str, int] = field(default_factory=dict)
    minute_quota: dict[str, int] = field(default_factory=dict)
    # The report of a template message says MsgID 0 where client_msg_id is not a number.
    forgets_number: bool = False
    sent: list[Sent] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    reports: list[str] = field(default_factory=list)
    menu: dict[str, Any] | None = None
    address: str = ""

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._tokens: dict[str, datetime] = {}
        self._stable = ""
        self._forced: deque[datetime] = deque()
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._times: defaultdict[str, list[datetime]] = defaultdict(list)
        self._once: dict[tuple[str, str], tuple[int, datetime]] = {}
        self._tried: dict[str, datetime] = {}
        self._numbers = count(200_000_001)

    # What a test orders --------------------------------------------------------------------------------------------

    def fail(self, path: str, *faults: Fault) -> None:
        """Let the next calls of `path` (below cgi-bin) go wrong, one after the other."""
        self._faults[path].extend(faults)

    def end_tokens(self) -> None:
        """Somebody else had a new token made: the ones that were given are worth nothing (40001)."""
        with self._lock:
            self._tokens.clear()
            self._stable = ""

    def of_kind(self, kind: str) -> list[Sent]:
        return [one for one in self.sent if one.kind == kind]

    def call_back(self, phone: Phone, *, times: int = 1, reverse: bool = False) -> list[Heard]:
        """Report to the gateway what became of the messages, each so many times, the newest first with `reverse`."""
        reports = list(reversed(self.reports)) if reverse else list(self.reports)
        return [phone.send(xml) for xml in reports * times]

    # The wire ------------------------------------------------------------------------------------------------------

    @contextmanager
    def running(self) -> Iterator[WeChatServer]:
        """Listen on loopback; `address` is then the base address."""
        app = Flask(__name__)
        app.add_url_rule("/cgi-bin/<path:path>", view_func=self._serve, methods=["GET", "POST"])
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
        self.address = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _serve(self, path: str) -> Response:
        raw = request.get_data()
        with self._lock:
            self.calls[path] += 1
            faults = self._faults[path]
            fault = faults.popleft() if faults else Fault()
        if fault.drops:
            return _hang_up()
        if fault.status is not None:
            elsewhere = {"Location": f"{self.address}/cgi-bin/elsewhere"}
            return Response("<html>Bad Gateway</html>", fault.status, elsewhere, mimetype="text/html")
        if fault.body is not None:
            return Response(fault.body, mimetype="text/html")
        answer = {"errcode": fault.code, "errmsg": _ERRMSG} if fault.code is not None else self._answer(path, raw)
        if fault.until is not None:
            fault.until.wait(30)
        if fault.loses:
            return _hang_up()
        return Response(json.dumps(answer), mimetype="application/json")

    def _answer(self, path: str, raw: bytes) -> dict[str, Any]:
        with self._lock:
            try:
                if path not in ("token", "stable_token"):
                    self._check_token(request.args.get("access_token", ""))
                self._count(path)
                return {"errcode": 0, "errmsg": "ok", **_PATHS[path](self, raw)} if path in _PATHS else _refusal(40066)
            except _Refused as error:
                return _refusal(error.args[0]) | error.more

    def _count(self, path: str) -> None:
        now = self.clock()
        self._times[path].append(now)
        if len(self._times[path]) > self.daily_quota.get(path, 10**9):
            raise _Refused(45009)
        recent = [one for one in self._times[path] if now - one < timedelta(minutes=1)]
        if len(recent) > self.minute_quota.get(path, 10**9):
            raise _Refused(45011)

    # Tokens --------------------------------------------------------------------------------------------------------

    def _check_token(self, token: str) -> None:
        if not token:
            raise _Refused(41001)
        if token not in self._tokens:
            raise _Refused(40001)
        if self.clock() >= self._tokens[token]:
            raise _Refused(42001)

    def _give_stable_token(self, raw: bytes) -> dict[str, Any]:
        body = _read_json(raw)
        self._check_account(body.get("appid"), body.get("secret"), body.get("grant_type"))
        now = self.clock()
        ends = self._tokens.get(self._stable, now)
        if body.get("force_refresh"):
            self._force(now)
        elif ends - now > _OVERLAP:
            return {"access_token": self._stable, "expires_in": int((ends - now).total_seconds())}
        # The old one is good for its last five minutes.
        return self._make_token(now)

    def _force(self, now: datetime) -> None:
        if len(self._forced) >= 20 or (self._forced and now - self._forced[-1] < timedelta(seconds=30)):
            raise _Refused(45009)
        self._forced.append(now)
        self._tokens.pop(self._stable, None)

    def _give_token(self, _raw: bytes) -> dict[str, Any]:
        args = request.args
        self._check_account(args.get("appid"), args.get("secret"), args.get("grant_type"))
        now = self.clock()
        self._tokens = {token: min(ends, now + _OVERLAP) for token, ends in self._tokens.items()}
        return self._make_token(now)

    def _make_token(self, now: datetime) -> dict[str, Any]:
        self._stable = base64.urlsafe_b64encode(os.urandom(90)).decode()
        self._tokens[self._stable] = now + self.token_lasts
        return {"access_token": self._stable, "expires_in": int(self.token_lasts.total_seconds())}

    def _check_account(self, appid: object, secret: object, grant: object) -> None:
        if self.allowed_addresses is not None and request.remote_addr not in self.allowed_addresses:
            raise _Refused(40164)
        if appid != self.appid:
            raise _Refused(40013)
        if secret != self.secret:
            raise _Refused(40125)
        if grant != "client_credential":
            raise _Refused(40002)

    # Messages ------------------------------------------------------------------------------------------------------

    def _send_template(self, raw: bytes) -> dict[str, Any]:
        body = _read_json(raw)
        _check_keys(body, {"touser", "template_id", "url", "miniprogram", "client_msg_id", "data"})
        openid = self._check_follower(body)
        self._check_data(body)
        once = (openid, str(body.get("client_msg_id", "")))
        number, at = self._once.get(once, (0, self.clock() - _ONCE))
        if once[1] and self.clock() - at < _ONCE:
            return {"msgid": number}
        number = self._carry_out("template", openid, body)
        self._once[once] = (number, self.clock())
        told = 0 if self.forgets_number and not once[1].isdigit() else number
        self.reports.append(event_xml(openid, self.clock(), "TEMPLATESENDJOBFINISH", MsgID=told, Status="success"))
        return {"msgid": number}

    def _send_subscription(self, raw: bytes) -> dict[str, Any]:
        body = _read_json(raw)
        _check_keys(body, {"touser", "template_id", "page", "miniprogram", "data"})
        openid = self._check_follower(body)
        self._check_data(body)
        number = self._carry_out("subscription", openid, body)
        inner = (
            f"<SubscribeMsgSentEvent><List><TemplateId><![CDATA[{body['template_id']}]]></TemplateId>"
            f"<MsgID>{number}</MsgID><ErrorCode>0</ErrorCode><ErrorStatus><![CDATA[success]]></ErrorStatus>"
            "</List></SubscribeMsgSentEvent>"
        )
        self.reports.append(event_xml(openid, self.clock(), "subscribe_msg_sent_event", inner))
        return {}

    def _send_custom(self, raw: bytes) -> dict[str, Any]:
        body = _read_json(raw)
        openid = self._check_follower(body)
        self._check_length(body["text"]["content"])
        self._carry_out("custom", openid, body)
        return {}

    def _send_mass(self, raw: bytes) -> dict[str, Any]:
        body = _read_json(raw)
        _check_keys(body, {"filter", "text", "msgtype", "clientmsgid", "send_ignore_reprint"})
        whom = body.get("filter", {})
        if whom.keys() - {"is_to_all", "tag_id"} or not isinstance(whom.get("is_to_all"), bool):
            raise _Refused(40130)
        if not whom["is_to_all"] and not isinstance(whom.get("tag_id"), int):
            raise _Refused(45152)
        key = str(body.get("clientmsgid", ""))
        if len(key) > 32:
            raise _Refused(45067)
        self._check_length(body["text"]["content"])
        self._check_once(key)
        number = self._carry_out("mass", None, body)
        self._once["mass", key] = (number, self.clock())
        counts = {"TotalCount": len(self.followers), "FilterCount": len(self.followers)}
        counts |= {"SentCount": len(self.followers), "ErrorCount": 0}
        event = event_xml(
            "oWeChatSystem", self.clock(), "MASSSENDJOBFINISH", MsgID=number, Status="send success", **counts
        )
        self.reports.append(event)
        return {"msg_id": number, "msg_data_id": number + 1}

    def _check_once(self, key: str) -> None:
        now = self.clock()
        last, self._tried[key] = self._tried.get(key), now
        if key and ("mass", key) in self._once:
            if last is not None and now - last < timedelta(minutes=1):
                raise _Refused(45066)
            raise _Refused(45065, msg_id=self._once["mass", key][0])

    def _get_mass(self, raw: bytes) -> dict[str, Any]:
        number = _read_json(raw).get("msg_id")
        known = any(one.number == number for one in self.of_kind("mass"))
        return {"msg_id": number, "msg_status": "SEND_SUCCESS" if known else "SEND_FAIL"}

    def _create_menu(self, raw: bytes) -> dict[str, Any]:
        menu = _read_json(raw)
        buttons = menu.get("button", [])
        if not 1 <= len(buttons) <= 3 or any(len(one.get("sub_button", ())) > 5 for one in buttons):
            raise _Refused(40016)
        self.menu = menu
        return {}

    def _get_menu(self, _raw: bytes) -> dict[str, Any]:
        if self.menu is None:
            raise _Refused(46003)
        return {"menu": self.menu}

    def _create_code(self, raw: bytes) -> dict[str, Any]:
        body = _read_json(raw)
        if body.get("action_name") not in ("QR_STR_SCENE", "QR_LIMIT_STR_SCENE"):
            raise _Refused(40053)
        scene = body["action_info"]["scene"]["scene_str"]
        return {
            "ticket": base64.b64encode(scene.encode()).decode(),
            "expire_seconds": 60,
            "url": "https://example.invalid",
        }

    def _carry_out(self, kind: str, openid: str | None, body: Mapping[str, Any]) -> int:
        number = next(self._numbers)
        self.sent.append(Sent(number=number, kind=kind, openid=openid, body=body))
        return number

    def _check_follower(self, body: Mapping[str, Any]) -> str:
        openid = body.get("touser")
        if not isinstance(openid, str) or not openid.startswith("o"):
            raise _Refused(40003)
        if openid not in self.followers:
            raise _Refused(43004)
        if openid in self.refusals:
            raise _Refused(self.refusals[openid])
        return openid

    def _check_data(self, body: Mapping[str, Any]) -> None:
        keywords = self.templates.get(str(body.get("template_id")))
        if keywords is None:
            raise _Refused(40037)
        data = body.get("data")
        if not isinstance(data, dict) or data.keys() != keywords:
            raise _Refused(47003)
        for keyword, cell in data.items():
            most = _TYPED.get(keyword.rstrip("0123456789"), 200)
            if not isinstance(cell.get("value"), str) or not 0 < len(cell["value"]) <= most or "\n" in cell["value"]:
                raise _Refused(47003)

    @staticmethod
    def _check_length(text: str) -> None:
        if len(text.encode()) >= 2048:
            raise _Refused(45002)


_PATHS: dict[str, Callable[[WeChatServer, bytes], dict[str, Any]]] = {
    "token": WeChatServer._give_token,
    "stable_token": WeChatServer._give_stable_token,
    "message/template/send": WeChatServer._send_template,
    "message/subscribe/bizsend": WeChatServer._send_subscription,
    "message/custom/send": WeChatServer._send_custom,
    "message/mass/sendall": WeChatServer._send_mass,
    "message/mass/get": WeChatServer._get_mass,
    "menu/create": WeChatServer._create_menu,
    "menu/get": WeChatServer._get_menu,
    "qrcode/create": WeChatServer._create_code,
}
_ERRMSG = "refused, hints: [ req_id: 0000 ]"


class _Refused(Exception):
    def __init__(self, code: int, **more: Any) -> None:
        super().__init__(code)
        self.more = more


class _Quiet(WSGIRequestHandler):
    # Connections stay open between calls, as WeChat's do.
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


def _refusal(code: int) -> dict[str, Any]:
    return {"errcode": code, "errmsg": _ERRMSG}


def _hang_up() -> Response:
    request.environ["werkzeug.socket"].shutdown(SHUT_RDWR)
    return Response()


def _read_json(raw: bytes) -> dict[str, Any]:
    if not raw:
        raise _Refused(44002)
    if b"\\u" in raw:
        raise _Refused(40033)
    try:
        body = json.loads(raw.decode())
    except ValueError:
        raise _Refused(47001) from None
    if not isinstance(body, dict):
        raise _Refused(47001)
    return body


def _check_keys(body: Mapping[str, Any], known: set[str]) -> None:
    # WeChat overlooks an unknown key; a test must not.
    assert not body.keys() - known, f"unknown keys: {body.keys() - known}"

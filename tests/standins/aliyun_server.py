"""Aliyun's SMS on loopback: recomputes every signature, refuses a nonce that it has seen, knows registered signatures
and templates only, and says no to business with HTTP 200."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from standins.twilio_server import Loopback, answer, hang_up

KEY_ID = "LTAI-stand-in"
KEY_SECRET = "secret-of-the-stand-in"
SIGN_NAME = "测试市人民法院"
_BEIJING = timezone(timedelta(hours=8))
_SEND = {"PhoneNumbers", "SignName", "TemplateCode", "TemplateParam", "OutId"}
_QUERY = {"PhoneNumber", "SendDate", "PageSize", "CurrentPage", "BizId"}
_ADDRESS = re.compile(r"(?:https?://|www\.)")


class Fault(Enum):
    LOST_ANSWER = auto()
    LATE_ANSWER = auto()
    LOST_REQUEST = auto()
    THROTTLED = auto()
    SYSTEM_ERROR = auto()
    UNAVAILABLE = auto()
    BAD_GATEWAY = auto()
    HTML = auto()
    TOO_LONG = auto()


@dataclass
class Record:
    biz_id: str
    out_id: str
    phone: str
    template: str
    fields: dict[str, str]
    sent: datetime
    send_status: int = 1
    err_code: str = ""


@dataclass
class _Refusal(Exception):
    status: int
    code: str
    message: str


class AliyunServer(Loopback):
    """`templates` has the names of the variables by code. `limit` is how many of one template a number may get."""

    def __init__(self, clock: Callable[[], datetime], templates: dict[str, set[str]]) -> None:
        self.clock = clock
        self.templates = templates
        self.records: list[Record] = []
        self.actions: list[str] = []
        self.faults: list[Fault] = []
        self.nonces: set[str] = set()
        self.limit = 50
        self.limit_message = "触发天级流控Permits:50"
        self.balance = 10_000
        self.black: set[str] = set()
        self.secret = KEY_SECRET
        super().__init__()

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        action = request.headers.get("x-acs-action") or ""
        try:
            params = self._check_signed(request, body)
            with self.lock:
                self.actions.append(action)
                fault = self.faults.pop(0) if self.faults else None
            if fault is not None and fault not in (Fault.LOST_ANSWER, Fault.LATE_ANSWER):
                self._fail(request, fault)
                return
            result = {"SendSms": self._send, "QuerySendDetails": self._query}[action](params)
            if fault is Fault.LATE_ANSWER:
                self.let_go.wait()
            if fault is not None:
                hang_up(request)
                return
            answer(request, 200, {"RequestId": "R-1", **result})
        except _Refusal as refusal:
            fault_body = {"RequestId": "R-1", "Code": refusal.code, "Message": refusal.message}
            answer(request, refusal.status, fault_body)

    def report(self, record: Record, *, success: bool, err_code: str = "DELIVERED") -> bytes:
        """The body that is pushed when the carrier has spoken."""
        record.send_status, record.err_code = (3 if success else 2), err_code
        entry = {
            "phone_number": record.phone,
            "send_time": "2026-10-08 10:00:00",
            "report_time": "2026-10-08 10:00:05",
            "success": success,
            "err_code": err_code,
            "err_msg": "",
            "sms_size": "1",
            "biz_id": record.biz_id,
            "out_id": record.out_id,
        }
        return json.dumps([entry]).encode()

    def _check_signed(self, request: BaseHTTPRequestHandler, body: bytes) -> dict[str, str]:
        url = urlsplit(request.path)
        params = parse_qsl(url.query, keep_blank_values=True)
        given = re.fullmatch(
            r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})",
            request.headers.get("Authorization") or "",
        )
        if given is None:
            raise _Refusal(400, "IncompleteSignature", "The request signature does not conform")
        if given[1] != KEY_ID:
            raise _Refusal(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        names = given[2].split(";")
        required = {n.lower() for n in request.headers if n.lower().startswith("x-acs-")} | {"host"}
        if not required <= set(names) or names != sorted(names):
            raise _Refusal(400, "IncompleteSignature", "Not all headers are signed")
        digest = hashlib.sha256(body).hexdigest()
        if request.headers.get("x-acs-content-sha256") != digest:
            raise _Refusal(400, "SignatureDoesNotMatch", "content")
        pairs = sorted((self._encode(n), self._encode(v)) for n, v in params)
        lines = [request.command, url.path, "&".join(f"{n}={v}" for n, v in pairs)]
        lines += [f"{name}:{(request.headers.get(name) or '').strip()}" for name in names]
        lines += ["", given[2], digest]
        hashed = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        expected = hmac.digest(self.secret.encode(), f"ACS3-HMAC-SHA256\n{hashed}".encode(), hashlib.sha256).hex()
        if expected != given[3]:
            raise _Refusal(400, "SignatureDoesNotMatch", "Specified signature is not matched")
        self._check_fresh(request)
        return dict(params)

    def _check_fresh(self, request: BaseHTTPRequestHandler) -> None:
        said = datetime.strptime(request.headers.get("x-acs-date") or "", "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if abs(said - self.clock()) > timedelta(minutes=15):
            raise _Refusal(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
        nonce = request.headers.get("x-acs-signature-nonce") or ""
        with self.lock:
            if not nonce or nonce in self.nonces:
                raise _Refusal(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
            self.nonces.add(nonce)
        if request.headers.get("x-acs-version") != "2017-05-25":
            raise _Refusal(404, "InvalidAction.NotFound", "Specified api is not found")

    @staticmethod
    def _encode(text: str) -> str:
        return quote(text, safe="").replace("%7E", "~")

    def _fail(self, request: BaseHTTPRequestHandler, fault: Fault) -> None:
        match fault:
            case Fault.LOST_REQUEST:
                hang_up(request)
            case Fault.THROTTLED:
                raise _Refusal(400, "Throttling.User", "Request was denied due to user flow control.")
            case Fault.SYSTEM_ERROR:
                raise _Refusal(200, "isp.SYSTEM_ERROR", "系统错误")
            case Fault.UNAVAILABLE:
                raise _Refusal(503, "ServiceUnavailable", "The request has failed due to a temporary failure")
            case Fault.BAD_GATEWAY:
                answer(request, 502, "<h1>502</h1>", raw=True)
            case Fault.TOO_LONG:
                padded = {
                    "Code": "OK",
                    "BizId": "9^0",
                    "SmsSendDetailDTOs": {"SmsSendDetailDTO": []},
                    "Pad": " " * 2_000_000,
                }
                answer(request, 200, padded)
            case _:
                answer(request, 200, "<html>请先登录网络</html>", raw=True)

    def _send(self, params: dict[str, str]) -> dict[str, Any]:
        if set(params) != _SEND:
            raise _Refusal(400, "InvalidParameter", f"{sorted(set(params) ^ _SEND)}")
        phone, template = params["PhoneNumbers"], params["TemplateCode"]
        self._check_business(phone, params["SignName"], template)
        fields = json.loads(params["TemplateParam"])
        if not self.templates[template] <= set(fields):
            raise _Refusal(200, "isv.TEMPLATE_MISSING_PARAMETERS", "模板变量缺少对应参数值")
        if any(_ADDRESS.search(value) for value in fields.values()):
            raise _Refusal(200, "isv.PARAM_NOT_SUPPORT_URL", "变量不支持传入URL")
        with self.lock:
            biz_id = f"90061974693649{len(self.records):04d}^0"
            self.records.append(Record(biz_id, params["OutId"], phone, template, fields, self.clock()))
        return {"Code": "OK", "Message": "OK", "BizId": biz_id}

    def _check_business(self, phone: str, sign_name: str, template: str) -> None:
        if not re.fullmatch(r"1[3-9]\d{9}", phone):
            raise _Refusal(200, "isv.MOBILE_NUMBER_ILLEGAL", "号码不正确")
        if sign_name != SIGN_NAME:
            raise _Refusal(200, "isv.SMS_SIGNATURE_ILLEGAL", "该账号下找不到对应签名")
        if template not in self.templates:
            raise _Refusal(200, "isv.SMS_TEMPLATE_ILLEGAL", "该账号下找不到对应模板")
        if phone in self.black:
            raise _Refusal(200, "isv.BLACK_KEY_CONTROL_LIMIT", "黑名单管控")
        if self.balance <= 0:
            raise _Refusal(200, "isv.AMOUNT_NOT_ENOUGH", "当前账户余额不足")
        if sum(r.phone == phone and r.template == template for r in self.records) >= self.limit:
            raise _Refusal(200, "isv.BUSINESS_LIMIT_CONTROL", self.limit_message)

    def _query(self, params: dict[str, str]) -> dict[str, Any]:
        if not {"PhoneNumber", "SendDate", "PageSize", "CurrentPage"} <= set(params) <= _QUERY:
            raise _Refusal(400, "MissingParameter", "")
        day = datetime.strptime(params["SendDate"], "%Y%m%d").replace(tzinfo=_BEIJING).date()
        matching = [
            record
            for record in self.records
            if record.phone == params["PhoneNumber"]
            and record.sent.astimezone(_BEIJING).date() == day
            and params.get("BizId") in (None, record.biz_id)
        ]
        size, page = int(params["PageSize"]), int(params["CurrentPage"])
        if not 1 <= size <= 50:
            raise _Refusal(200, "isv.PAGE_SIZE", "")
        shown = matching[(page - 1) * size : page * size]
        details = [
            {
                "PhoneNum": record.phone,
                "SendStatus": record.send_status,
                "ErrCode": record.err_code,
                "TemplateCode": record.template,
                "Content": "",
                "SendDate": f"{record.sent.astimezone(_BEIJING):%Y-%m-%d %H:%M:%S}",
                "OutId": record.out_id,
            }
            for record in shown
        ]
        return {
            "Code": "OK",
            "Message": "OK",
            "TotalCount": str(len(matching)),
            "SmsSendDetailDTOs": {"SmsSendDetailDTO": details},
        }

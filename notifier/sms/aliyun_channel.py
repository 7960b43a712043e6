"""SMS by Aliyun (dysmsapi 2017-05-25), signed by hand with ACS3-HMAC-SHA256.

Only texts registered with the provider go out: it is given a template's code and the fields, and writes the text and
the signature itself. A failure of business comes with HTTP 200. `OutId` is our dispatch id, and comes back in reports
and look-ups.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from notifier.channels import Dispatch, Outcome, ShortMessage
from notifier.sms.numbers import is_e164, is_mainland, national
from notifier.sms.outcomes import (
    ALIYUN,
    Verdict,
    aliyun_answer,
    aliyun_status,
    not_known_there,
    not_reached,
    read_retry_after,
    refused_here,
    unreadable,
)
from notifier.sms.settings import AliyunSettings
from search_index.day import day_of

Clock = Callable[[], datetime]
Nonce = Callable[[], str]

VERSION = "2017-05-25"
TIMEOUT = 10.0
_ALGORITHM = "ACS3-HMAC-SHA256"
_LARGEST_ANSWER = 1_000_000
_SETTLED = timedelta(minutes=15)
# Records can be queried for thirty days.
_KEPT = timedelta(days=29)
_PAGE = 50
_MOST_PAGES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One action with its parameters, and what makes its signature unique: an aware instant and a nonce."""

    action: str
    params: Mapping[str, str]
    at: datetime
    nonce: str


class _Unanswered(Exception):
    """A query had no answer that can be read."""


class AliyunChannel:
    """Sends by Aliyun to numbers of mainland China. `nonce` gives a string that was never given before."""

    repeatable = False

    def __init__(self, settings: AliyunSettings, *, clock: Clock, nonce: Nonce, timeout: float = TIMEOUT) -> None:
        self._settings = settings
        self._clock = clock
        self._nonce = nonce
        self._timeout = timeout
        # Not httpx.Client, which writes every address it calls, with the number in it, to the log.
        self._transport = httpx.HTTPTransport()

    def deliver(self, dispatch: Dispatch) -> Outcome:
        return self.attempt(dispatch).outcome

    def attempt(self, dispatch: Dispatch) -> Verdict:
        """Send once; also whether another provider may be tried."""
        content = dispatch.content
        if not isinstance(content, ShortMessage) or not _is_ours(dispatch.address):
            return refused_here(ALIYUN, "不是发往境内手机号码的短信")
        code = self._settings.registered.get((content.template, content.version))
        if code is None:
            return refused_here(ALIYUN, f"模板 {content.template} 第 {content.version} 版没有登记模板号")
        if any("://" in value for value in content.fields.values()):
            return refused_here(ALIYUN, "模板变量不得含网址")
        try:
            response = self._call("SendSms", self._send_params(dispatch, content, code))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            return not_reached(ALIYUN)
        except Exception:  # the request may have gone out
            return unreadable(ALIYUN)
        return read_answer(response)

    def look_up(self, dispatch: Dispatch, reference: str | None) -> Outcome | None:
        if not _is_ours(dispatch.address):
            return None
        try:
            return self._find(dispatch, reference)
        except (_Unanswered, httpx.HTTPError, ValueError):
            return None

    def owns(self, reference: str) -> bool:
        """Whether `reference` is one of Aliyun's BizIds."""
        return "^" in reference

    def close(self) -> None:
        self._transport.close()

    def _send_params(self, dispatch: Dispatch, content: ShortMessage, code: str) -> dict[str, str]:
        return {
            "PhoneNumbers": national(dispatch.address or ""),
            "SignName": self._settings.sign_name,
            "TemplateCode": code,
            "TemplateParam": json.dumps(dict(content.fields), ensure_ascii=False, separators=(",", ":")),
            "OutId": dispatch.id,
        }

    def _find(self, dispatch: Dispatch, reference: str | None) -> Outcome | None:
        now = self._clock()
        since = dispatch.begun_at or now - timedelta(days=1)
        for day in _days(since, now):
            for record in self._records(dispatch, reference, day):
                if record.get("OutId") == dispatch.id:
                    return aliyun_status(record["SendStatus"], str(record.get("ErrCode") or ""), reference)
        known_since = dispatch.begun_at is not None and not reference
        settled = known_since and _SETTLED <= now - since <= _KEPT
        return not_known_there(ALIYUN) if settled else None

    def _records(self, dispatch: Dispatch, reference: str | None, day: date) -> Iterator[dict[str, Any]]:
        for page in range(1, _MOST_PAGES + 1):
            params = {
                "PhoneNumber": national(dispatch.address or ""),
                "SendDate": f"{day:%Y%m%d}",
                "PageSize": str(_PAGE),
                "CurrentPage": str(page),
            }
            answer = read_object(self._call("QuerySendDetails", params | ({"BizId": reference} if reference else {})))
            records = _read_records(answer)
            yield from records
            if len(records) < _PAGE:
                return
        raise _Unanswered

    def _call(self, action: str, params: Mapping[str, str]) -> httpx.Response:
        call = Call(action=action, params=params, at=self._clock(), nonce=self._nonce())
        request = build_request(self._settings, call)
        request.extensions["timeout"] = httpx.Timeout(self._timeout).as_dict()
        response = self._transport.handle_request(request)
        try:
            return httpx.Response(response.status_code, headers=response.headers, content=_read_body(response))
        finally:
            response.close()


def build_request(settings: AliyunSettings, call: Call) -> httpx.Request:
    """The signed request of a call: pure."""
    query = "&".join(f"{_escape(name)}={_escape(value)}" for name, value in sorted(call.params.items()))
    base = urlsplit(settings.base_url)
    headers = {
        "host": base.netloc,
        "x-acs-action": call.action,
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-acs-date": f"{call.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "x-acs-signature-nonce": call.nonce,
        "x-acs-version": VERSION,
    }
    path = base.path.rstrip("/") + "/"
    authorization = sign(settings, path, query, headers)
    return httpx.Request(
        "POST",
        f"{base.scheme}://{base.netloc}{path}?{query}",
        headers={
            **headers,
            "authorization": authorization,
            "accept": "application/json",
            "accept-encoding": "identity",
        },
    )


def sign(settings: AliyunSettings, path: str, query: str, headers: Mapping[str, str]) -> str:
    """The Authorization header of a POST without a body: `headers` in lower case, `query` canonical."""
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    canonical = "\n".join(("POST", path, query, lines, names, headers["x-acs-content-sha256"]))
    to_sign = f"{_ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = settings.access_key_secret.get_secret_value().encode()
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{_ALGORITHM} Credential={settings.access_key_id},SignedHeaders={names},Signature={signature}"


def read_answer(response: httpx.Response) -> Verdict:
    """What an answer to SendSms says."""
    try:
        answer = read_object(response)
    except _Unanswered:
        # A gateway in between answers 429 and 503 in its own words; only the first surely asked nobody.
        code = "Throttling" if response.status_code == 429 else None
        return aliyun_answer(response.status_code, code, "", None, _wait(response))
    code, reference = answer.get("Code"), answer.get("BizId")
    return aliyun_answer(
        response.status_code,
        code if isinstance(code, str) else None,
        str(answer.get("Message") or ""),
        reference if isinstance(reference, str) and reference else None,
        _wait(response),
    )


def read_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer. Raises for anything else."""
    try:
        answer = json.loads(response.content)
    except ValueError:
        raise _Unanswered from None
    if not isinstance(answer, dict):
        raise _Unanswered
    return answer


def _read_records(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = answer.get("SmsSendDetailDTOs")
    records = found.get("SmsSendDetailDTO") if isinstance(found, dict) else None
    readable = isinstance(records, list) and all(isinstance(r, dict) and "SendStatus" in r for r in records)
    if answer.get("Code") != "OK" or not isinstance(records, list) or not readable:
        raise _Unanswered
    return records


def _read_body(response: httpx.Response) -> bytes:
    parts, size = [], 0
    for part in response.iter_raw():
        size += len(part)
        if size > _LARGEST_ANSWER:
            raise _Unanswered
        parts.append(part)
    return b"".join(parts)


def _wait(response: httpx.Response) -> timedelta | None:
    return read_retry_after(response.headers.get("Retry-After"))


def _days(since: datetime, now: datetime) -> Iterator[date]:
    # The provider's day is that of Beijing; its clock may be a little behind or ahead at midnight.
    day, last = day_of(since - timedelta(minutes=5)), day_of(now + timedelta(minutes=5))
    while day <= last:
        yield day
        day += timedelta(days=1)


def _is_ours(address: str | None) -> bool:
    return address is not None and is_e164(address) and is_mainland(address)


def _escape(text: str) -> str:
    return quote(text, safe="-_.~")

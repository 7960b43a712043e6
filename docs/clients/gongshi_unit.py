"""A client of the interface for joint-punishment units (联合惩戒单位接口, /units/v1), to be copied into a unit's own system.

Python 3.9 or later, standard library only. What it is for:

    gongshi = Gongshi("https://units.court.example", key)
    found = gongshi.compare("测甲", id_number="…", purpose="购房资格审查", operator="0017")   # 自动比对
    gongshi.supervise("since.txt", on_gone=lift_measures, operator="0017")                  # 自动监督
    gongshi.feedback("2026Q3", {"B10": {"checked": 5, "applied": 2, "lifted": 1}}, ...)     # 自动反馈
    event = verify_webhook(secret, headers, body)

A result is a hint for a person, and decides nothing by itself (个人信息保护法 art. 24): see `advisory` and `reason`.

Answers are kept for a while, and never outlive a departure: before a kept answer is given, the court is asked what changed,
and whatever may have changed with it is asked anew. Where the court cannot be reached, `Unreachable` is raised, and no kept
answer is given. Nothing is written to a disk, and no name or number is kept outside the answers themselves.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MOST_KEPT = 10_000
# An answer is kept for so long at most: what is not public changes without a public change, and a list that was restored from
# a backup counts on from a lower sequence.
_LASTS = timedelta(minutes=10)
# The Date of an answer is cut to whole seconds.
_SECOND = timedelta(seconds=1)
_TOLERANCE = 300  # seconds, by Standard Webhooks 1.0.0
_PAGE = 1000


class GongshiError(Exception):
    """Something was not done."""


class Unreachable(GongshiError):
    """The court could not be reached, or what came is no answer of it: nothing is known."""


class Refused(GongshiError):
    """The court refused. `status` and `slug` say what; `problem` is its document (RFC 9457), `errors` the fields."""

    def __init__(self, status: int, problem: Json, retry_after: int | None = None) -> None:
        super().__init__(f"{problem.get('title', '')}（{status}）：{problem.get('detail', '')}")
        self.status = status
        self.problem = problem
        self.slug = str(problem.get("type", "")).rpartition(":")[2]
        self.errors = problem.get("errors", [])
        self.retry_after = retry_after


class BadSignature(GongshiError):
    """An event that the court did not send, or that is too old."""


@dataclass(frozen=True)
class Batch:
    """Some changes. `under_verification`: entries whose measures are not to be carried out for the time being;
    `open_releases`: how many departures this unit has not confirmed."""

    changes: Sequence[Json]
    next: int
    head: int
    under_verification: Sequence[str]
    open_releases: int


@dataclass(frozen=True)
class _Kept:
    result: Json
    answer: Json
    records: tuple[str, ...]
    until: datetime


class Gongshi:
    """One court's interface. Safe to share between threads. `address` is the site of the units, `key` what the court gave;
    `keep=False` keeps no answers."""

    def __init__(
        self,
        address: str,
        key: str,
        *,
        timeout: float = 10.0,
        keep: bool = True,
        proxies: Mapping[str, str] | None = None,
    ) -> None:
        parts = urllib.parse.urlsplit(address)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError("the address must begin with https://")
        self._base = address.rstrip("/") + "/units/v1"
        self._key = key
        self._timeout = timeout
        self._keep = keep
        handlers = [urllib.request.ProxyHandler(dict(proxies or {})), _NoRedirect()]
        self._opener = urllib.request.build_opener(*handlers)
        self._lock = threading.Lock()
        self._salt = secrets.token_bytes(32)
        self._kept: dict[bytes, _Kept] = {}
        self._since: int | None = None

    # 自动比对 -------------------------------------------------------------------------------------------------------

    def compare(
        self,
        name: str,
        id_number: str | None = None,
        *,
        uscc: str | None = None,
        purpose: str,
        operator: str,
        reference: str | None = None,
    ) -> Json:
        """How one person or organisation stands: a row of the answer (`verdict`, `status`, `reason`, `hits`,
        `valid_until`), with `advisory`, `sequence` and `kept` (whether it was asked before). Raises GongshiError."""
        person = {"name": name, **_filled(id_number=id_number, uscc=uscc)}
        given = _filled(purpose=purpose, operator=operator, reference=reference)
        mark = hmac.new(self._salt, json.dumps(person, sort_keys=True).encode(), hashlib.sha256).digest()
        kept = self._find_kept(mark, given)
        if kept is not None:
            return _show(kept.result, kept.answer, kept=True)
        answer, now = self._compare([person], given)
        result = answer["results"][0]
        self._put(mark, result, answer, now)
        return _show(result, answer, kept=False)

    def compare_many(
        self, persons: Sequence[Mapping[str, str]], *, purpose: str, operator: str, reference: str | None = None
    ) -> Json:
        """The whole answer for up to 1,000 persons; nothing of it is kept. Raises GongshiError."""
        return self._compare(list(persons), _filled(purpose=purpose, operator=operator, reference=reference))[0]

    def _compare(self, persons: Sequence[Mapping[str, str]], given: Mapping[str, str]) -> tuple[Json, datetime]:
        answer, now = self._ask("POST", "/compare", body={"persons": list(persons), **given})
        if len(answer.get("results", ())) != len(persons):
            raise Unreachable("the answer has not as many rows as were asked")
        return answer, now

    def _find_kept(self, mark: bytes, given: Mapping[str, str]) -> _Kept | None:
        """What is kept of this question, if the court says that nothing of it has changed. Raises GongshiError."""
        with self._lock:
            if mark not in self._kept or self._since is None:
                return None
            since = self._since
        try:
            batch, now = self._changes(since, 0, given)
        except Refused:
            # The list begins anew, or this key may not follow it: what is kept cannot be trusted, and is asked anew.
            self._forget()
            return None
        except GongshiError:
            # What was missed meanwhile is not known: nothing that is kept can be trusted.
            self._forget()
            raise
        with self._lock:
            self._apply(batch, since)
            kept = self._kept.get(mark)
            if kept is None:
                return None
            if now + _SECOND >= kept.until or not _stands(kept.result, batch.under_verification):
                del self._kept[mark]
                return None
            return kept

    def _apply(self, batch: Batch, since: int) -> None:
        """Drop what changed. An entry that was published or corrected may belong to any answer."""
        if self._since != since:
            # Another thread was faster, or began anew: what it found out holds for what it kept.
            if self._since is None or self._since < batch.next:
                self._kept.clear()
                self._since = None
            return
        if batch.next < batch.head or any(one["type"] != "gone" for one in batch.changes):
            self._kept.clear()
            self._since = None
            return
        gone = {one["record"] for one in batch.changes}
        for mark in [mark for mark, kept in self._kept.items() if not gone.isdisjoint(kept.records)]:
            del self._kept[mark]
        self._since = batch.next

    def _put(self, mark: bytes, result: Json, answer: Json, now: datetime) -> None:
        hits = result.get("hits") or []
        is_public = all(hit.get("record") and not hit.get("restricted") for hit in hits)
        # What was released goes by what this unit reports, and what is not public changes unseen.
        if not self._keep or result.get("verdict") == "error" or result.get("status") == "RELEASED" or not is_public:
            return
        if any(hit.get("status") == "RELEASED" for hit in hits):
            return
        sequence = int(answer["meta"]["sequence"])
        until = datetime.fromisoformat(result.get("valid_until") or answer["meta"]["valid_until"])
        until = min(until, now + _LASTS)
        with self._lock:
            if not self._kept:
                self._since = sequence
            if self._since is None or sequence < self._since:
                return
            if len(self._kept) >= _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            records = tuple(str(hit["record"]) for hit in hits)
            self._kept[mark] = _Kept(result=result, answer=answer, records=records, until=until)

    def _forget(self) -> None:
        with self._lock:
            self._kept.clear()
            self._since = None

    # 自动监督 -------------------------------------------------------------------------------------------------------

    def changes(self, since: int, *, wait: int = 0, **given: str) -> Batch:
        """Changes after a sequence; where there is none, what comes within `wait` seconds (20 at most). Raises Refused
        with status 410 where the list is to be taken anew (`snapshot`)."""
        return self._changes(since, wait, _filled(**given))[0]

    def _changes(self, since: int, wait: int, given: Mapping[str, str]) -> tuple[Batch, datetime]:
        query = urllib.parse.urlencode({"since": since, "limit": _PAGE, "wait": wait})
        body, now = self._ask("GET", f"/changes?{query}", given=given, wait=wait)
        meta = body["meta"]
        batch = Batch(
            changes=body["changes"],
            next=int(meta["next"]),
            head=int(meta["head"]),
            under_verification=meta["under_verification"],
            open_releases=int(meta["open_releases"]),
        )
        return batch, now

    def supervise(  # noqa: PLR0913  # a call of its own each
        self,
        path: str | os.PathLike[str],
        on_gone: Callable[[str, int], None],
        *,
        on_change: Callable[[Json], None] = lambda _change: None,
        on_verification: Callable[[Sequence[str]], None] = lambda _records: None,
        operator: str = "",
        acknowledge: bool = True,
        wait: int = 20,
        rounds: int | None = None,
    ) -> int:
        """Follow the list and call `on_gone(record, sequence)` for each departure, `on_change` for every other change, and
        `on_verification` with what is being looked into. `path` keeps how far it is; it is written after the calls, so after
        a crash a call may come again, and none is lost. `rounds`: stop after so many answers, without waiting for the next
        change (None: never). Returns how far it is. Raises GongshiError; call it again."""
        since = _read_since(path)
        given = _filled(operator=operator)
        while rounds is None or rounds > 0:
            batch, _ = self._changes(since, wait if rounds is None else 0, given)
            for change in batch.changes:
                if change["type"] == "gone":
                    on_gone(change["record"], int(change["sequence"]))
                else:
                    on_change(change)
            on_verification(batch.under_verification)
            if batch.next != since:
                if acknowledge:
                    self.acknowledge(batch.next, operator=operator)
                _write_since(path, batch.next)
            since = batch.next
            rounds = rounds if rounds is None else rounds - 1
        return since

    def acknowledge(
        self, sequence: int, released: Sequence[str] = (), *, operator: str = "", purpose: str = ""
    ) -> Json:
        """Confirm how far the list was followed, and that the measures on `released` are lifted. Safe to repeat."""
        body = {"sequence": sequence, "released": list(released), **_filled(operator=operator, purpose=purpose)}
        return self._ask("POST", "/acks", body=body)[0]

    def entry(self, record: str, **given: str) -> Json | None:
        """An entry and how it stands; None where it left the list or never was on it."""
        try:
            return self._ask("GET", f"/entries/{urllib.parse.quote(record, safe='')}", given=_filled(**given))[0]
        except Refused as error:
            if error.status in (404, 410):
                return None
            raise

    def snapshot(self, **given: str) -> tuple[int, list[Json]]:
        """The whole list, and the sequence after which its changes are to be followed. Raises Unreachable where it was cut
        off on the way."""
        lines = self._read("GET", "/snapshot", given=_filled(**given), timeout=max(self._timeout, 300.0))[0].splitlines(
            True
        )
        try:
            first, last = json.loads(lines[0]), json.loads(lines[-1])
            digest, rows = last["sha256"], last["rows"]
        except (IndexError, KeyError, TypeError, ValueError):
            raise Unreachable("the list was cut off") from None
        entries = lines[1:-1]
        if rows != len(entries) or hashlib.sha256(b"".join(entries)).hexdigest() != digest:
            raise Unreachable("the list was cut off")
        return int(first["sequence"]), [json.loads(line) for line in entries]

    # 自动反馈 -------------------------------------------------------------------------------------------------------

    def feedback(
        self,
        quarter: str,
        measures: Mapping[str, Mapping[str, int]],
        *,
        purpose: str,
        operator: str,
        remarks: str = "",
        submit: bool = True,
    ) -> Json:
        """Report a quarter, or keep it as a draft; what has been submitted is corrected by submitting again. Safe to
        repeat."""
        body = {
            "quarter": quarter,
            "measures": {code: dict(counts) for code, counts in measures.items()},
            "remarks": remarks,
            "submit": submit,
            "purpose": purpose,
            "operator": operator,
        }
        return self._ask("POST", "/feedback", body=body)[0]

    def ledger(self, kind: str | None = None) -> Iterator[Json]:
        """The lines of the unit's own ledger, the newest first."""
        page = pages = 1
        while page <= pages:
            query = urllib.parse.urlencode({"page": page, **({"kind": kind} if kind else {})})
            body = self._ask("GET", f"/ledger?{query}")[0]
            yield from body["lines"]
            pages, page = int(body["meta"]["pages"]), page + 1

    # ----------------------------------------------------------------------------------------------------------------

    def _ask(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        given: Mapping[str, str] | None = None,
        wait: int = 0,
    ) -> tuple[Json, datetime]:
        """The JSON of an answer, and the court's time. Raises GongshiError."""
        text, now = self._read(method, path, body=body, given=given, timeout=self._timeout + wait)
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Unreachable("what came is no answer of the court")
        return found, now

    def _read(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        given: Mapping[str, str] | None = None,
        timeout: float,
    ) -> tuple[bytes, datetime]:
        headers = {"Authorization": f"Bearer {self._key}", "User-Agent": "gongshi-unit"}
        for name, value in (given or {}).items():
            headers[f"X-{name.capitalize()}"] = urllib.parse.quote(value)
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        # The address was looked at: https, or this machine.
        request = urllib.request.Request(  # noqa: S310
            self._base + path, data=data, headers=headers, method=method
        )
        try:
            with self._opener.open(request, timeout=timeout) as response:
                return response.read(), _read_time(response.headers.get("Date"))
        except urllib.error.HTTPError as error:
            raise _to_refused(error) from None
        except (OSError, HTTPException) as error:
            # Without the error's own words, which may hold what was asked.
            raise Unreachable(f"the court could not be reached ({type(error).__name__})") from None


def verify_webhook(
    secret: str | Sequence[str], headers: Mapping[str, str], body: bytes, *, now: float | None = None
) -> Json:
    """The event that the court sent (Standard Webhooks 1.0.0): `type` is list.changed, entry.gone, verification.began or
    verification.ended, `data` names a record. `secret` is `whsec_…`, or several while they are changed over; take an event with
    the same `webhook-id` once. Raises BadSignature."""
    found = {name.lower(): value for name, value in headers.items()}
    try:
        number, stamp = found["webhook-id"], found["webhook-timestamp"]
        signatures = [part[3:] for part in found["webhook-signature"].split() if part.startswith("v1,")]
        if not (stamp.isascii() and stamp.isdigit()) or "." in number:
            raise ValueError
        if abs((time.time() if now is None else now) - int(stamp)) > _TOLERANCE:
            raise BadSignature("the event is too old, or a clock is wrong")
        signed = b".".join((number.encode("latin-1"), stamp.encode("ascii"), body))
        given = [base64.b64decode(one, validate=True) for one in signatures]
        keys = [base64.b64decode(one[len("whsec_") :]) for one in ([secret] if isinstance(secret, str) else secret)]
    except (KeyError, ValueError, binascii.Error):
        raise BadSignature("this is no signed event") from None
    wanted = [hmac.new(key, signed, hashlib.sha256).digest() for key in keys]
    if not any(hmac.compare_digest(one, other) for one in given for other in wanted):
        raise BadSignature("the signature does not fit")
    try:
        event = json.loads(body)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise BadSignature("this is no event")
    return event


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The key goes to the court and nowhere else."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:
        return None


def _stands(result: Json, under_verification: Sequence[str]) -> bool:
    """Whether what an answer says of objections is what the court says now."""
    now = set(under_verification)
    return all(
        (hit.get("status") == "UNDER_VERIFICATION") == (hit.get("record") in now) for hit in result.get("hits") or []
    )


def _show(result: Json, answer: Json, *, kept: bool) -> Json:
    meta = answer["meta"]
    shown = {**result, "advisory": meta["advisory"], "sequence": meta["sequence"], "kept": kept}
    # Whoever changes what was given must not change what is kept.
    return json.loads(json.dumps(shown))  # type: ignore[no-any-return]


def _filled(**given: str | None) -> dict[str, str]:
    return {name: value for name, value in given.items() if value}


def _to_refused(error: urllib.error.HTTPError) -> GongshiError:
    try:
        problem = json.loads(error.read())
    except (ValueError, OSError, HTTPException):
        problem = None
    if not isinstance(problem, dict) or "type" not in problem:
        return Unreachable(f"what came is no answer of the court ({error.code})")
    after = error.headers.get("Retry-After", "")
    return Refused(error.code, problem, int(after) if after.isdigit() else None)


def _read_time(date: str | None) -> datetime:
    """The court's time: the clock of this machine need not be right."""
    try:
        return parsedate_to_datetime(date or "")
    except (TypeError, ValueError, IndexError):
        return datetime.now(timezone.utc)  # noqa: UP017  # Python 3.9 has no other name for it


def _read_since(path: str | os.PathLike[str]) -> int:
    try:
        return int(Path(path).read_text(encoding="ascii"))
    except FileNotFoundError:
        return 0


def _write_since(path: str | os.PathLike[str], since: int) -> None:
    new = Path(f"{os.fspath(path)}.new")
    with new.open("w", encoding="ascii") as file:
        file.write(str(since))
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)

"""Following the list: the changes after a sequence, one entry and how it stands, and the whole list to begin with.

Everything is read from the disclosed store at the moment of the answer. Units that are sent the list see the entries;
units that are only told of departures see the numbers of what was published or corrected, and nothing of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from threading import BoundedSemaphore
from typing import Any

from flask import Response
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from registry.unit_api.base import Api, Caller, Site, tell_training
from registry.unit_api.problems import ApiProblem
from registry.unit_api.reading import Faults, read_count, read_given, refuse_parameters
from registry.units.keys import Scope
from registry.units.ledger import LedgerKind, Line, append, list_under_verification
from registry.units.releases import list_releases
from registry.units.uses import Given, is_folded
from search_index.changes import Change, Changes, SinceTooOld, SinceUnknown
from search_index.freshness import tell_freshness
from search_index.number import is_number

MOST_CHANGES = 1000
LONGEST_WAIT = 20  # seconds
LARGEST_SEQUENCE = 2_147_483_647
_DEFAULT_CHANGES = 500
_ROWS_AT_ONCE = 1000
_SNAPSHOT = "/units/v1/snapshot"
# So many of a process's few threads may wait for the next change at a time; who comes then is answered at once.
_WAITING = BoundedSemaphore(2)


def add_endpoints(api: Api) -> None:
    """`/changes`, `/entries/<record>` and `/snapshot`."""

    @api.get("/changes", Scope.CHANGES)
    def changes(caller: Caller) -> Mapping[str, Any]:
        faults = Faults()
        refuse_parameters(("since", "limit", "wait"), faults)
        since = read_count("since", None, faults, most=LARGEST_SEQUENCE)
        limit = read_count("limit", _DEFAULT_CHANGES, faults, least=1, most=MOST_CHANGES)
        wait = read_count("wait", 0, faults, most=LONGEST_WAIT)
        given = read_given(faults)
        faults.refuse()
        return _tell_changes(caller, given, _follow(caller.site, since, limit, wait))

    @api.get("/entries/<record>", Scope.CHANGES)
    def entry(caller: Caller, record: str) -> Mapping[str, Any]:
        faults = Faults()
        refuse_parameters((), faults)
        given = read_given(faults)
        faults.refuse()
        return _tell_entry(caller, given, record)

    @api.get("/snapshot", Scope.CHANGES)
    def snapshot(caller: Caller) -> Response:
        faults = Faults()
        refuse_parameters((), faults)
        given = read_given(faults)
        faults.refuse()
        if not caller.receives.push:
            raise ApiProblem(
                403, "no-list", "不接收名单", "法院没有决定向本单位推送名单，不能取用整份名单；变更和退出仍可跟踪。"
            )
        with caller.site.store.snapshot(caller.site.now) as found:
            sequence, rows, told = found.sequence, found.count(), tell_freshness(found.freshness)
        with caller.site.court.session() as session:
            caller.write_use(session, "snapshot", given, rows=rows)
            _note_read(session, caller, sequence, rows, "取用整份名单")
        return Response(
            _stream(caller.site, sequence, told),
            content_type="application/x-ndjson",
            headers={"Content-Disposition": 'attachment; filename="list.jsonl"'},
        )


def show_change(change: Change, *, with_entry: bool) -> dict[str, Any]:
    """A change as it is told."""
    return {
        "sequence": change.sequence,
        "type": change.type,
        "record": change.record,
        "at": change.at.isoformat(),
        "entry": change.entry if with_entry else None,
    }


def _tell_changes(caller: Caller, given: Given, found: Changes) -> Mapping[str, Any]:
    with caller.site.court.reading() as session:
        under = list_under_verification(session, caller.unit)
        _, waiting = list_releases(session, caller.unit, open_only=True, limit=1)
        folded = not found.changes and is_folded(session, caller.user, "changes", given, caller.site.now)
    if not folded:
        shown = sum(one.entry is not None for one in found.changes) if caller.receives.push else 0
        with caller.site.court.session() as session:
            caller.write_use(session, "changes", given, rows=len(found.changes))
            if shown:
                _note_read(session, caller, found.next, shown, "跟踪变更")
    return {
        "meta": {
            "head": found.head,
            "next": found.next,
            **tell_freshness(found.freshness),
            "under_verification": sorted({line.record for line in under if line.record}),
            "open_releases": waiting,
        },
        "changes": [show_change(one, with_entry=caller.receives.push) for one in found.changes],
    }


def _note_read(session: Session, caller: Caller, sequence: int, rows: int, words: str) -> None:
    """Write into the unit's ledger that it has the list of a sequence: whoever has an entry is told when it leaves
    (香格里拉市 四（二）5 “通报原信息推送单位”)."""
    line = Line(
        unit_id=caller.unit,
        kind=LedgerKind.READ,
        at=caller.site.now,
        by=caller.actor,
        key=f"read/{caller.unit}/{sequence}",
        count=rows,
        detail={"sequence": sequence, "words": words},
    )
    append(session, [line])


def _follow(site: Site, since: int, limit: int, wait: int) -> Changes:
    """The changes after `since`; where there is none yet, those that come within `wait` seconds. Raises ApiProblem."""
    found = _read(site, since, limit)
    if found.changes or not wait or not _WAITING.acquire(blocking=False):
        return found
    try:
        for _ in range(wait):
            site.pause(1.0)
            found = _read(site, since, limit)
            if found.changes:
                break
        return found
    finally:
        _WAITING.release()


def _read(site: Site, since: int, limit: int) -> Changes:
    try:
        with site.store.snapshot(site.now) as snapshot:
            return snapshot.follow(since, limit)
    except SinceTooOld:
        raise _start_anew(410, "since-too-old", "序号过早", "该序号之后的变更已经不再提供") from None
    except SinceUnknown:
        raise _start_anew(410, "since-unknown", "没有这个序号", "名单还没有这个序号，或者名单曾经恢复") from None


def _start_anew(status: int, slug: str, title: str, words: str) -> ApiProblem:
    detail = f"{words}。请弃用已有的数据，从 {_SNAPSHOT} 重新取用整份名单；不接收名单的单位，从 since=0 或者最新序号重新开始。"
    return ApiProblem(status, slug, title, detail, more={"snapshot": _SNAPSHOT})


def _tell_entry(caller: Caller, given: Given, record: str) -> Mapping[str, Any]:
    if not is_number(record):
        raise NotFound
    site = caller.site
    with site.store.snapshot(site.now) as snapshot:
        document, departed, sequence = snapshot.document(record), snapshot.departed(record), snapshot.sequence
    with site.court.session() as session:
        under = {line.record for line in list_under_verification(session, caller.unit)}
        caller.write_use(session, "entry", given, rows=1, hits=int(document is not None))
        if document is not None:
            line = Line(
                unit_id=caller.unit,
                kind=LedgerKind.READ,
                at=site.now,
                by=caller.actor,
                key=f"read/{caller.unit}/{record}/{sequence}",
                record=record,
                detail={"words": "逐条读取"},
            )
            append(session, [line])
    if document is None:
        if departed is None:
            raise NotFound
        raise ApiProblem(
            410,
            "gone",
            "已不再公布",
            "该条目已依法退出名单：不得再据此采取措施，已经采取的应当立即解除，保存的内容应当删除。",
            more={"record": departed.record, "at": departed.at.isoformat()},
        )
    status = "UNDER_VERIFICATION" if record in under else "LISTED"
    return {"record": record, "status": status, "entry": document.as_json()}


def _stream(site: Site, sequence: int, told: Mapping[str, Any]) -> Iterator[bytes]:
    """The list as JSON Lines: what it is of, every entry, and at the end how many there were and the digest of their
    lines, without which it is cut off. Read in short turns, each at its own moment: no entry is given after it left. With
    the changes since the sequence, it is the list."""
    yield _line({"sequence": sequence, "at": site.now.isoformat(), **told, **tell_training(site)})
    digest, rows, after = sha256(), 0, ""
    while True:
        with site.store.snapshot(site.now) as snapshot:
            some = snapshot.rows(after, _ROWS_AT_ONCE)
        if not some:
            break
        chunk = b"".join(_line(json.loads(body)) for _, body in some)
        digest.update(chunk)
        rows, after = rows + len(some), some[-1][0]
        yield chunk
    yield _line({"rows": rows, "sha256": digest.hexdigest()})


def _line(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

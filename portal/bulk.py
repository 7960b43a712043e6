"""Reading the list in bulk, with a key: changes, snapshot, CSV, and acknowledging departures."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, request

from portal.bulk_csv import write_csv
from portal.bulk_files import WITHHELD, Rows, build_bulk_entry, write_snapshot
from portal.keys import Reader, require_reader, require_still
from portal.limits import ACK_DROP_RULE
from portal.parameters import BadParameters, Refusal, refuse_unknown
from portal.problems import Problem, ProblemRaised, build_problem
from portal.sealing import DropUnavailable, seal
from portal.site import get_freshness, get_now, get_profile, get_site
from portal.terms import TERMS, get_license, tell_training
from search_index.changes import Change, Changes, SinceTooOld, SinceUnknown
from search_index.day import SHANGHAI
from search_index.freshness import tell_freshness
from search_index.register import ListHidden
from search_index.submission import ACK, Submission, draw_code, draw_receipt, token_of

bulk = Blueprint("bulk", __name__, url_prefix="/api/v1")

MOST_CHANGES = 1_000
USUAL_CHANGES = 100
LONGEST_WAIT = 30  # seconds
LAST_SEQUENCE = 10**15 - 1
_LOOKS = 4  # a second
_RETRY_SECONDS = 30
_DROP_RETRY_SECONDS = 600
STALE = "此后的变动可能尚未显示"
_STUCK_SECONDS = 30  # a reader that does not take in a piece in so long loses its connection, and with it the turn
_PIECE = 64 * 1024
# What was read at once must be on its way within so long: the longer it lies, the more of it may have left the list.
_LONGEST_PIECES = timedelta(seconds=30)

Files = Callable[[Iterator[Rows]], Iterator[bytes]]


class SlowReader(Exception):
    """A reader takes in what it is sent more slowly than names may lie about; its connection is broken off."""


@bulk.get("/changes")
def changes() -> Response:
    reader = require_reader()
    asked = _read_numbers(
        {"since": (None, 0, LAST_SEQUENCE), "limit": (USUAL_CHANGES, 1, MOST_CHANGES), "wait": (0, 0, LONGEST_WAIT)}
    )
    try:
        found = _follow(asked["since"], asked["limit"], 0 if request.method == "HEAD" else asked["wait"])
    except (SinceTooOld, SinceUnknown):
        raise ProblemRaised(_start_again()) from None
    if asked["wait"]:
        require_still(reader)
    meta = {
        "head": found.head,
        "next": found.next,
        "updated_at": found.updated_at and found.updated_at.isoformat(),
        **tell_freshness(found.freshness),
        **_describe(reader),
    }
    if found.withheld:
        meta["withheld"] = [{"record": one, "at": at.isoformat()} for one, at in sorted(found.withheld.items())]
    return _answer({"meta": meta, "changes": [_build_change(one) for one in found.changes]})


@bulk.get("/snapshot")
def snapshot() -> Response:
    reader = require_reader()
    _read_numbers({})
    sequence, chunks = get_site().register.stream(get_site().clock)
    told = {**tell_freshness(get_freshness()), "entries_without": WITHHELD, **_describe(reader)}
    head = {"sequence": sequence, "at": _at(), **told}
    return _stream("application/x-ndjson", chunks, lambda rows: write_snapshot(head, rows))


@bulk.get("/entries.csv")
def entries_csv() -> Response:
    reader = require_reader()
    _read_numbers({})
    sequence, chunks = get_site().register.stream(get_site().clock)
    watermark = reader.standing.watermark
    tail = {
        "名单序号": str(sequence),
        "取得时间": _at(),
        "水印": watermark,
        "使用条款": get_license(),
        "核对时间": _checked(),
    }
    if tell_training():
        tail = {"性质": "演练数据，不得使用", **tail}
    response = _stream("text/csv; charset=utf-8; header=present", chunks, lambda rows: write_csv(tail, rows))
    name = f"training-entries-{sequence}.csv" if tell_training() else f"entries-{sequence}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@bulk.post("/acks")
def acks() -> Response:
    reader = require_reader(suspended=True)
    _read_numbers({})
    sequence = _read_ack()
    head = get_site().register.sequence(get_now())
    if sequence > head:
        raise ProblemRaised(build_problem(409, detail=f"名单的序号现在是 {head}，不能确认还没有的变更。"))
    is_done = not _find_open(reader, sequence)
    if not is_done:
        _drop(reader, sequence)
    meta = {"head": head, **_describe(reader)}
    body = {"meta": meta, "acknowledged": sequence, "counted": "already" if is_done else "within minutes"}
    response = _answer(body)
    response.status_code = 202
    return response


def _follow(since: int, limit: int, wait: int) -> Changes:
    """The changes after a sequence; where there are none, wait for the first, `wait` seconds at most."""
    site = get_site()
    found = site.register.follow(since, limit, site.clock())
    if found.changes or not wait:
        return found
    with site.slow.waiting() as mine:
        for _ in range(wait * _LOOKS if mine else 0):
            site.pause(1 / _LOOKS)
            found = site.register.follow(since, limit, site.clock())
            if found.changes or site.slow.is_wanted:
                break
    return found


def _stream(media: str, chunks: Iterator[Rows], write: Files) -> Response:
    """A file that is made while it is sent. An error on the way breaks the connection: nothing is written into the file."""
    if request.method == "HEAD":
        return Response(content_type=media)
    end = get_site().slow.begin_stream()
    if end is None:
        detail = "本网站正在向别的读者传送全部名单，请在半分钟后再试。"
        raise ProblemRaised(build_problem(503, detail=detail, headers={"Retry-After": str(_RETRY_SECONDS)}))
    if connection := request.environ.get("gunicorn.socket"):
        connection.settimeout(_STUCK_SECONDS)
    parts = _cut(write(chunks), get_site().clock)
    # Given back when the answer is closed, and whatever comes between, when nobody holds it any more.
    weakref.finalize(parts, end)
    response = Response(parts, content_type=media)
    response.call_on_close(end)
    return response


def _cut(parts: Iterator[bytes], clock: Callable[[], datetime]) -> Iterator[bytes]:
    """Small pieces of the parts, each of which was read a moment ago. Raises SlowReader."""
    for part in parts:
        read_at = clock()
        for start in range(0, len(part), _PIECE):
            if clock() - read_at > _LONGEST_PIECES:
                raise SlowReader
            yield part[start : start + _PIECE]


def _build_change(change: Change) -> dict[str, Any]:
    return {
        "sequence": change.sequence,
        "type": change.type,
        "record": change.record,
        "at": change.at.isoformat(),
        "entry": None if change.entry is None else build_bulk_entry(change.entry),
    }


def _describe(reader: Reader) -> dict[str, Any]:
    """What every answer in bulk says of the terms, and of whom it was given to."""
    standing = reader.standing
    told = {"license": get_license(), "terms": TERMS, "watermark": standing.watermark, "acked": standing.acked}
    return {**told, **tell_training()}


def _start_again() -> Problem:
    return build_problem(
        410,
        slug="start-again",
        title="须重新取得全部名单",
        detail="since 太早，或者不是本名单的序号。请删除已有的副本，从 snapshot 所指的地址重新取得全部名单，再从其序号继续。",
        more={"snapshot": f"{get_site().settings.public_url}/api/v1/snapshot"},
    )


def _find_open(reader: Reader, sequence: int) -> bool:
    """Whether there are departures up to `sequence` that the court does not yet know to be carried out."""
    try:
        first = get_site().register.departures(reader.standing.acked, 1, get_now())
    except ListHidden:
        # What readers have carried out is taken in also while nothing is shown: the court knows whether it was owed.
        return True
    return bool(first) and first[0].sequence <= sequence


def _drop(reader: Reader, sequence: int) -> None:
    """Tell the court, sealed. Raises ProblemRaised where nothing can be taken in now."""
    site = get_site()
    # The same acknowledgement twice is one file, until the court has collected it.
    chance = site.form_key.derive(ACK.encode(), reader.digest.encode(), str(sequence).encode())
    receipt = draw_receipt(chance)
    submission = Submission(
        kind=ACK,
        receipt=receipt,
        token=token_of(receipt, draw_code(chance)),
        received_at=get_now(),
        fields={"reader": reader.digest, "sequence": str(sequence)},
    )
    try:
        if site.drop is None:
            raise DropUnavailable("not set up")
        sealed = seal(submission, get_profile().sealing_key)
        if site.gatekeeper is not None and not site.gatekeeper.spend(ACK_DROP_RULE, 1):
            raise DropUnavailable("ceiling")
        site.drop.put(f"{chance.getrandbits(128):032x}", sealed)
    except DropUnavailable:
        headers = {"Retry-After": str(_DROP_RETRY_SECONDS)}
        detail = "确认没有收下，请稍后再向同一地址确认；一直不能确认的，请联系法院。"
        raise ProblemRaised(build_problem(503, title="现在不能确认", detail=detail, headers=headers)) from None


def _read_numbers(known: Mapping[str, tuple[int | None, int, int]]) -> dict[str, int]:
    """The parameters of the query, each a whole number: its value when absent (None: it must be there), its least and its
    most. Raises BadParameters naming every one that cannot be used."""
    values = dict(request.args.lists())
    refusals = refuse_unknown(values, set(known))
    found: dict[str, int] = {}
    for name, (usual, least, most) in known.items():
        text = values.get(name, [""])[0]
        number = usual if not text else _read_number(text)
        if number is None or not least <= number <= most:
            reason = f"必须填写，是 {least} 到 {most} 的整数" if usual is None else f"是 {least} 到 {most} 的整数"
            refusals.append(Refusal(parameter=name, reason=reason))
        else:
            found[name] = number
    if refusals:
        raise BadParameters(refusals)
    return found


def _read_number(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(LAST_SEQUENCE))
    return int(text) if is_number else None


def _read_ack() -> int:
    """The sequence in the body. Raises ProblemRaised or BadParameters."""
    if request.mimetype != "application/json":
        raise ProblemRaised(build_problem(415))
    try:
        body = json.loads(request.get_data(), object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        body = None
    # Only an object is read as a tuple, of its pairs: so a name that is given twice is seen.
    if isinstance(body, tuple) and len(body) == 1:
        name, number = body[0]
        if name == "sequence" and isinstance(number, int | float) and _is_sequence(number):
            return int(number)
    raise BadParameters([Refusal(parameter="sequence", reason='正文应为 {"sequence": 序号}，序号是不小于 1 的整数')])


def _is_sequence(number: float) -> bool:
    return not isinstance(number, bool) and 1 <= number <= LAST_SEQUENCE and number == int(number)


def _at() -> str:
    return get_now().astimezone(SHANGHAI).isoformat()


def _checked() -> str:
    """When the list was last known to be what the registry holds, and whether that is long ago."""
    found = get_freshness()
    at = found.checked_at.astimezone(SHANGHAI).isoformat() if found.checked_at else ""
    return f"{at} {STALE}" if found.is_silent else at


def _answer(body: dict[str, Any]) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), content_type="application/json")

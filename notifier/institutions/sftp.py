"""Files into a recipient's SFTP folder, so that whoever looks sees a package whole or not at all.

    <folder>/<parcel>/            the package, renamed to this name when every file of it is there
    <folder>/<parcel>.done        last of all: the SHA-256 of its manifest
    <folder>/notices/<id>.txt     a letter, and <id>.json, which comes last, with what it says to a machine

Until then a package lies in `<parcel>-<hash>.part`, each file under a `.part` name of its own until it is whole. What was
uploaded before a connection was lost is found again there, so delivering twice comes to the same as once. Nothing is
replaced or removed but what this channel itself put under such names.
"""

from __future__ import annotations

import posixpath
import re
import stat
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import paramiko  # type: ignore[import-untyped]

from notifier.channels import Dispatch, Letter, Outcome, Parcel
from notifier.institutions import Endpoint, FindEndpoint, Links
from notifier.institutions.acks import LARGEST_ACK, AckProblem, FileAck, read_ack, split_ack_name
from notifier.institutions.addresses import BadAddress, parse_sftp
from notifier.institutions.answers import failed_for_good, failed_for_now
from notifier.institutions.contents import BrokenPackage, Contents, File, open_contents, read_chunks
from notifier.institutions.folder import PART, discard, exists, make_folder, put, read, rename, sweep
from notifier.institutions.settings import InstitutionSettings
from notifier.institutions.ssh import BadKey, NotConnected, open_channel, open_session, read_private_key
from notifier.institutions.wording import find_answer_link, letter_json, letter_text
from notifier.package.names import MANIFEST
from notifier.states import MessageState

NOTICES = "notices"
DONE = ".done"
_ASIDE = re.compile(r"(20\d\dQ[1-4])-r(\d{1,6})-[0-9a-f]{12}\.part")
# Seconds for a whole package, and for looking for answers.
_DELIVERY = 1800.0
_COLLECTING = 120.0
_LARGEST_MANIFEST = 4 << 20
# Files are many and small: each costs a few journeys there and back, so several go at a time.
_LINES = 4
_FILES_A_LINE = 8
_MOST_ANSWERS = 500

_DELIVERED = Outcome(state=MessageState.DELIVERED, detail="已放入对方的 SFTP 文件夹")
_WAS_THERE = Outcome(state=MessageState.DELIVERED, detail="对方的 SFTP 文件夹中已有这一份")
_OTHER = failed_for_good("对方文件夹中已有同名而内容不同的名单包，没有覆盖，请与对方核实")

# What was seen of an answer's file: by recipient and path, its time and size.
Seen = MutableMapping[tuple[str, str], tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The answers found in the folders of recipients, and what could not be read."""

    acks: list[FileAck]
    problems: list[AckProblem]


@dataclass(slots=True)
class _Way:
    """How far a delivery got: whether anything of it may lie in the recipient's folder."""

    begun: bool = False


class _OtherContent(Exception):
    """What lies there under this name is not ours."""


class SftpChannel:
    """Delivers into the folders of recipients, with a recipient's password or else with our key."""

    repeatable = True

    def __init__(self, find: FindEndpoint, links: Links, *, key: Path | None = None, lines: int = _LINES) -> None:
        self._find = find
        self._links = links
        self._key = key
        self._lines = lines

    def deliver(self, dispatch: Dispatch) -> Outcome:
        endpoint = self._find(dispatch.recipient)
        if endpoint is None or not endpoint.address:
            return failed_for_now("没有登记该接收人的 SFTP 地址")
        match dispatch.content:
            case Parcel() as parcel:
                return _answer_for(lambda way: self._deliver_parcel(endpoint, parcel, dispatch, way))
            case Letter() as letter:
                return _answer_for(lambda way: self._deliver_letter(endpoint, letter, dispatch, way))
            case _:
                return failed_for_good("不是可以放入文件夹的内容")

    def look_up(self, dispatch: Dispatch, reference: str | None) -> Outcome | None:
        """None: delivering again finds what is there."""
        return None

    def try_out(self, endpoint: Endpoint, at: datetime) -> Outcome:
        """Write a file, rename it and remove it again; nothing stays there."""
        return _answer_for(lambda _: self._try_out(endpoint, f"gongshi-test-{at.astimezone(UTC):%Y%m%d%H%M%S}.txt"))

    def _deliver_parcel(self, endpoint: Endpoint, parcel: Parcel, dispatch: Dispatch, way: _Way) -> Outcome:
        contents = open_contents(parcel)
        with self._open(endpoint) as (client, sftp, folder):
            placing = _Placing(
                client=client,
                folder=folder,
                contents=contents,
                dispatch=dispatch.id,
                attempt=dispatch.attempt,
                lines=self._lines,
                way=way,
            )
            return placing.place(sftp)

    def _deliver_letter(self, endpoint: Endpoint, letter: Letter, dispatch: Dispatch, way: _Way) -> Outcome:
        text = letter_text(letter, find_answer_link(dispatch, self._links)).encode()
        files = {f"{dispatch.id}.txt": text}
        files |= {f"{dispatch.id}-{_plain(name)}": content for name, content in letter.files.items()}
        sums = {name: sha256(content).hexdigest() for name, content in files.items()}
        label = f"{dispatch.id}.json"
        description = letter_json(letter, dispatch, self._links, sums)
        with self._open(endpoint) as (_, sftp, folder):
            notices = posixpath.join(folder, NOTICES)
            if read(sftp, posixpath.join(notices, label), len(description)) == description:
                return _WAS_THERE
            make_folder(sftp, notices)
            if dispatch.attempt > 1:
                sweep(sftp, notices, dispatch.id)
            way.begun = True
            for name, content in [*sorted(files.items()), (label, description)]:
                put(sftp, posixpath.join(notices, name), [content], f"{dispatch.id}-{dispatch.attempt}")
        return _DELIVERED

    def _try_out(self, endpoint: Endpoint, name: str) -> Outcome:
        with self._open(endpoint) as (_, sftp, folder):
            path = posixpath.join(folder, name)
            put(sftp, path, ["连接测试，可以删除。\n".encode()], "test")
            sftp.remove(path)
        return Outcome(state=MessageState.DELIVERED, detail="已在对方的 SFTP 文件夹中写入、改名并删除一个测试文件")

    @contextmanager
    def _open(self, endpoint: Endpoint) -> Iterator[tuple[Any, Any, str]]:
        with open_folder(endpoint, self._key, _DELIVERY) as opened:
            yield opened


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placing:
    """A package on its way into a folder, by an attempt at a dispatch."""

    client: Any
    folder: str
    contents: Contents
    dispatch: str
    attempt: int
    lines: int
    way: _Way

    @property
    def token(self) -> str:
        return f"{self.dispatch}-{self.attempt}"

    def place(self, sftp: Any) -> Outcome:
        digest = f"{self.contents.manifest_sha256}\n".encode()
        final, done = self._path(self.contents.name), self._path(f"{self.contents.name}{DONE}")
        aside = self._path(f"{self.contents.name}-{self.contents.manifest_sha256[:12]}{PART}")
        marked = read(sftp, done, len(digest))
        if marked is not None and marked.split() != digest.split():
            return _OTHER
        self.way.begun = marked is None
        if marked is None:
            try:
                self._put_in_place(sftp, aside, final)
            except _OtherContent:
                return _OTHER
            put(sftp, done, [digest], self.token)
        if self.attempt > 1:
            # What an earlier attempt may have left, or made anew when the folder had its name already.
            sweep(sftp, self.folder, f"{self.contents.name}{DONE}.{self.dispatch}-")
            discard(sftp, aside)
        self._discard_earlier(sftp)
        return _DELIVERED if marked is None else _WAS_THERE

    def _put_in_place(self, sftp: Any, aside: str, final: str) -> None:
        if exists(sftp, final):
            self._require_ours(sftp, final)
            self._fill(sftp, final)
        else:
            make_folder(sftp, aside)
            self._fill(sftp, aside)
            try:
                rename(sftp, aside, final)
            except OSError:
                # Another attempt, taken for dead, was quicker.
                if not exists(sftp, final):
                    raise
                self._require_ours(sftp, final)
                discard(sftp, aside)
        # It may have been writing until the folder had its name.
        sweep(sftp, final)

    def _discard_earlier(self, sftp: Any) -> None:
        """Remove what lost deliveries of earlier revisions left: they may name who has gone since."""
        for name in sftp.listdir(self.folder):
            found = _ASIDE.fullmatch(name)
            if found and found[1] == str(self.contents.period) and int(found[2]) < self.contents.revision:
                discard(sftp, self._path(name))

    def _require_ours(self, sftp: Any, final: str) -> None:
        manifest = read(sftp, posixpath.join(final, MANIFEST), _LARGEST_MANIFEST)
        if manifest is None or sha256(manifest).hexdigest() != self.contents.manifest_sha256:
            raise _OtherContent

    def _fill(self, sftp: Any, folder: str) -> None:
        """Upload the files that are not in `folder` yet. What lies there under its own name is whole."""
        sweep(sftp, folder)
        there = {entry.filename: entry.st_size for entry in sftp.listdir_attr(folder)}
        missing = [file for file in self.contents.files if there.get(file.name) != file.size]
        waiting: SimpleQueue[File] = SimpleQueue()
        for file in missing:
            waiting.put(file)
        with ExitStack() as opened:
            lines = [sftp]
            # A server may allow fewer sessions than we would like.
            with suppress(paramiko.ChannelException):
                for _ in range(min(self.lines, len(missing) // _FILES_A_LINE) - 1):
                    lines.append(opened.enter_context(open_channel(self.client)))
            with ThreadPoolExecutor(len(lines)) as pool:
                for upload in [pool.submit(self._upload, line, folder, waiting) for line in lines]:
                    upload.result()

    def _upload(self, sftp: Any, folder: str, waiting: SimpleQueue[File]) -> None:
        try:
            while True:
                file = waiting.get_nowait()
                put(sftp, posixpath.join(folder, file.name), read_chunks(file), self.token)
        except Empty:
            return
        except BaseException:
            # The others need not go on.
            with suppress(Empty):
                while True:
                    waiting.get_nowait()
            raise

    def _path(self, name: str) -> str:
        return posixpath.join(self.folder, name)


def collect_acks(
    endpoints: Iterable[Endpoint], settings: InstitutionSettings, *, seen: Seen | None = None
) -> Collected:
    """The answers that recipients wrote into their folders, beside packages and below `notices`. A file that is as it
    was when `seen` got it is not read again. Whatever goes wrong with one recipient is a problem of its own."""
    known: Seen = {} if seen is None else seen
    collected = Collected(acks=[], problems=[])
    for endpoint in endpoints:
        try:
            with open_folder(endpoint, settings.sftp_key, _COLLECTING) as (_, sftp, folder):
                for path in (folder, posixpath.join(folder, NOTICES)):
                    _collect(endpoint.slug, sftp, path, known, collected)
        except (NotConnected, BadAddress, BadKey) as error:
            collected.problems.append(AckProblem(slug=endpoint.slug, reason=str(error)))
        except Exception as error:  # one recipient's server keeps nobody else's answers back
            reason = f"读取对方 SFTP 文件夹时中断（{type(error).__name__}）"
            collected.problems.append(AckProblem(slug=endpoint.slug, reason=reason))
    return collected


@contextmanager
def open_folder(endpoint: Endpoint, key: Path | None, seconds: float) -> Iterator[tuple[Any, Any, str]]:
    """A session, a channel of it, and the folder of the recipient. Raises NotConnected, BadAddress and BadKey."""
    address = parse_sftp(endpoint.address or "")
    private = read_private_key(key) if key is not None and not endpoint.secret else None
    with open_session(endpoint, address, private, seconds) as (client, sftp):
        yield client, sftp, address.folder


def _collect(slug: str, sftp: Any, folder: str, seen: Seen, collected: Collected) -> None:
    try:
        entries = [entry for entry in sftp.listdir_attr(folder) if _is_answer(entry)]
    except FileNotFoundError:
        return
    marks = {posixpath.join(folder, e.filename): (int(e.st_mtime or 0), int(e.st_size or 0)) for e in entries}
    new = [path for path, mark in sorted(marks.items()) if seen.get((slug, path)) != mark]
    for path in new[:_MOST_ANSWERS]:
        name = posixpath.basename(path)
        try:
            content = read(sftp, path, LARGEST_ACK)
        except OSError:
            if sftp.get_channel().closed:
                raise
            collected.problems.append(AckProblem(slug=slug, reason=f"{name} 不能读取，可能没有权限"))
            continue
        if content is None:
            continue
        written_at = datetime.fromtimestamp(marks[path][0], UTC) if marks[path][0] else None
        found = read_ack(slug, name, content, written_at)
        if isinstance(found, FileAck):
            collected.acks.append(found)
        else:
            collected.problems.append(found)
        seen[slug, path] = marks[path]


def _is_answer(entry: Any) -> bool:
    return split_ack_name(entry.filename) is not None and not stat.S_ISDIR(entry.st_mode or 0)


def _answer_for(delivery: Callable[[_Way], Outcome]) -> Outcome:
    """What became of a delivery; whatever was lost on the way is found again by the next attempt."""
    way = _Way()
    try:
        return delivery(way)
    except Exception as error:  # whatever the client makes of a server it did not expect: once more does no harm
        return replace(failed_for_now(_describe(error)), may_have_arrived=way.begun)


def _describe(error: Exception) -> str:
    """A Chinese line on what went wrong, without names."""
    match error:
        case NotConnected() | BrokenPackage() | BadAddress() | BadKey():
            return str(error)
        case PermissionError():
            return "没有对方 SFTP 文件夹的写入权限"
        case FileNotFoundError():
            return "对方 SFTP 服务器上没有登记的文件夹，或者传送中被移动"
        case paramiko.SSHException() | EOFError() | OSError():
            return "与对方 SFTP 服务器的连接中断或者写入失败，将从中断处继续"
        case _:
            return f"与对方 SFTP 服务器的会话出错（{type(error).__name__}）"


def _plain(name: str) -> str:
    return "".join(c if c.isprintable() and c not in "/\\" else "_" for c in name).lstrip(".")

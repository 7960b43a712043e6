"""The file of a backup: a header that anybody may read, and behind it a stream that the recovery key alone opens.

`GONGSHI-BACKUP 1`, a line; the length of the header, and the header (JSON); then frames, each with its length and its number.
The frames are a libsodium secretstream (XChaCha20-Poly1305) under a key drawn for this file, which the header holds sealed to
the recovery key; every frame is bound to the header and to the home's authentication key. In the frames is a compressed tar,
whose last member is the list of all others with sizes and digests. Nothing of it is believed before it is authentic.
"""

from __future__ import annotations

import hmac
import json
import struct
import tarfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from nacl import bindings as sodium
from nacl.exceptions import CryptoError
from nacl.public import PublicKey, SealedBox

from gongshi.safety.recovery_keys import RecoveryKey, fingerprint_of
from gongshi.safety.refusal import SafetyRefused

MAGIC = b"GONGSHI-BACKUP 1\n"
MANIFEST = "MANIFEST.json"
FORMAT = 1
_FRAME = struct.Struct(">IQ")
_LENGTH = struct.Struct(">I")
_CHUNK = 1 << 18
_MOST_FRAME = _CHUNK + 64
_MOST_HEADER = 1 << 20
_MOST_MANIFEST = 1 << 28
_FINAL = sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL
_MESSAGE = sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE


class BackupDamaged(SafetyRefused):
    """A file that is no whole, genuine backup, or that this key does not open. The message is for the administrator."""


class _Beginning(Exception):
    """The file ends too early."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a backup. Its bytes are read in order, once: `chunks` before the next member is asked for."""

    name: str
    size: int
    chunks: Iterator[bytes]

    def read(self) -> bytes:
        return b"".join(self.chunks)


@dataclass(frozen=True, slots=True)
class Opened:
    """A backup that is being read. `members` raises BackupDamaged where the rest is not as it was written; only when it
    has come to its end without is all of it genuine and complete."""

    header: Mapping[str, Any]
    members: Iterator[Member]


@dataclass(frozen=True, slots=True)
class StreamKey:
    """What opens one backup: kept for as long as it takes to read it again after it was written."""

    key: bytes
    authentication: bytes


class BackupWriter:
    """Writes a backup into an open file. `close` finishes it; until then it is none."""

    def __init__(self, file: IO[bytes], header: Mapping[str, Any], public: bytes, authentication: bytes) -> None:
        key = sodium.crypto_secretstream_xchacha20poly1305_keygen()
        self._state = sodium.crypto_secretstream_xchacha20poly1305_state()
        stream = sodium.crypto_secretstream_xchacha20poly1305_init_push(self._state, key)
        sealed = SealedBox(PublicKey(public)).encrypt(key)
        recipient = {"fingerprint": fingerprint_of(public), "key": b64encode(sealed).decode("ascii")}
        whole = {"format": FORMAT, **header, "recipients": [recipient], "stream": b64encode(stream).decode("ascii")}
        text = json.dumps(whole, ensure_ascii=False).encode()
        file.write(MAGIC + _LENGTH.pack(len(text)) + text)
        self._file, self._bound, self._number = file, _bind(authentication, text), 0
        self._zip, self._waiting = zlib.compressobj(1), bytearray()
        self._tar = tarfile.open(fileobj=cast("IO[bytes]", self), mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._listed: dict[str, dict[str, Any]] = {}
        self.stream_key = StreamKey(key, authentication)

    def add(self, name: str, source: IO[bytes], size: int) -> None:
        """Add a file of `size` bytes; what is written behind them meanwhile is left out. Raises OSError; BackupDamaged where
        the source is shorter."""
        measured = _Measured(source, size)
        found = tarfile.TarInfo(name)
        found.size = size
        try:
            self._tar.addfile(found, cast("IO[bytes]", measured))
        except OSError as error:
            if measured.left and error.errno is None:
                raise BackupDamaged(f"{name} 在备份时变短了：请再备份一次") from None
            raise
        self._listed[name] = {"size": size, "sha256": measured.digest.hexdigest()}

    def close(self) -> int:
        """Add the list of all members, and the end; how many there are."""
        listed = json.dumps(self._listed, ensure_ascii=False).encode()
        found = tarfile.TarInfo(MANIFEST)
        found.size = len(listed)
        self._tar.addfile(found, BytesIO(listed))
        self._tar.close()
        self._waiting += self._zip.flush()
        while len(self._waiting) > _CHUNK:
            self._push(_CHUNK, _MESSAGE)
        self._push(len(self._waiting), _FINAL)
        self._file.flush()
        return len(self._listed)

    def write(self, data: bytes) -> int:
        """For the tar alone."""
        self._waiting += self._zip.compress(data)
        while len(self._waiting) > _CHUNK:
            self._push(_CHUNK, _MESSAGE)
        return len(data)

    def _push(self, size: int, tag: int) -> None:
        chunk = bytes(self._waiting[:size])
        del self._waiting[:size]
        sealed = sodium.crypto_secretstream_xchacha20poly1305_push(self._state, chunk, self._bound, tag)
        self._file.write(_FRAME.pack(len(sealed), self._number) + sealed)
        self._number += 1


@contextmanager
def open_backup(path: Path, key: RecoveryKey | StreamKey) -> Iterator[Opened]:
    """Read a backup. Raises BackupDamaged, with its own line for a file that is none, is of a later version, is sealed to
    another key, was cut short, put in another order, altered or made up; OSError."""
    with path.open("rb") as file:
        header, text = _read_header(file)
        stream = key if isinstance(key, StreamKey) else _unseal(header, key)
        yield Opened(header, _members(_Stream(file, header, text, stream)))


def check_backup(
    path: Path, key: RecoveryKey | StreamKey, look: Callable[[Member], None] | None = None
) -> Mapping[str, Any]:
    """Read a backup to its end; the header of one that is whole and genuine. `look` is given every member, to read or leave.
    Raises BackupDamaged or OSError."""
    with open_backup(path, key) as opened:
        for member in opened.members:
            if look is not None:
                look(member)
    return opened.header


def _members(stream: _Stream) -> Iterator[Member]:
    listed: dict[str, dict[str, Any]] = {}
    manifest: Mapping[str, Any] | None = None
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|") as tar:
            for found in tar:
                if manifest is not None or not found.isfile() or found.name in listed:
                    raise BackupDamaged("备份内容的次序不对：不是完整的备份")
                if not _is_plain(found.name) or (source := tar.extractfile(found)) is None:
                    raise BackupDamaged("备份中有路径不合规的文件：不是完整的备份")
                if found.name == MANIFEST:
                    if found.size > _MOST_MANIFEST:
                        raise BackupDamaged("备份的清单过大：不是完整的备份")
                    manifest = json.loads(source.read())
                    continue
                digest = sha256()
                chunks = _chunks(source, digest)
                yield Member(found.name, found.size, chunks)
                # What was not asked for is read all the same: it must be genuine.
                for _ in chunks:
                    pass
                listed[found.name] = {"size": found.size, "sha256": digest.hexdigest()}
        stream.finish()
    except (tarfile.TarError, ValueError, EOFError):
        raise BackupDamaged("备份内容不成样子：不是完整的备份") from None
    if manifest != listed:
        raise BackupDamaged("备份内容与清单不符：不是完整的备份")


def _is_plain(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and str(path) == name


def _chunks(source: IO[bytes], digest: Any) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        yield chunk


class _Measured:
    """Exactly so many bytes of a file, and their digest."""

    def __init__(self, source: IO[bytes], size: int) -> None:
        self._source, self.left, self.digest = source, size, sha256()

    def read(self, size: int) -> bytes:
        found = self._source.read(min(size, self.left))
        self.left -= len(found)
        self.digest.update(found)
        return found


class _Stream:
    """The tar in a backup, as a file to be read from its beginning to its end."""

    def __init__(self, file: IO[bytes], header: Mapping[str, Any], text: bytes, key: StreamKey) -> None:
        self._file, self._bound, self._number = file, _bind(key.authentication, text), 0
        self._zip, self._plain, self._ended = zlib.decompressobj(), b"", False
        self._state = sodium.crypto_secretstream_xchacha20poly1305_state()
        try:
            stream = b64decode(header["stream"])
            sodium.crypto_secretstream_xchacha20poly1305_init_pull(self._state, stream, key.key)
        except (KeyError, TypeError, ValueError, CryptoError):
            raise BackupDamaged("备份文件的头部损坏") from None

    def read(self, size: int) -> bytes:
        while not self._plain and not self._ended:
            self._pull()
        found, self._plain = self._plain[:size], self._plain[size:]
        if not found and self._ended and self._zip.unconsumed_tail:
            self._plain = self._zip.decompress(self._zip.unconsumed_tail, _CHUNK * 4)
            return self.read(size)
        return found

    def finish(self) -> None:
        """Read what is left behind the tar, which must be nothing. Raises BackupDamaged."""
        while self.read(_CHUNK):
            pass
        if not self._zip.eof or self._file.read(1):
            raise BackupDamaged("备份文件的末尾多出内容：被改动过")

    def _pull(self) -> None:
        if self._zip.unconsumed_tail:
            self._plain = self._zip.decompress(self._zip.unconsumed_tail, _CHUNK * 4)
            return
        place = f"第 {self._number + 1} 块"
        try:
            length, number = _FRAME.unpack(_read(self._file, _FRAME.size))
            if length > _MOST_FRAME:
                raise BackupDamaged(f"备份文件的{place}损坏")
            sealed = _read(self._file, length)
        except _Beginning:
            raise BackupDamaged(f"备份文件不完整：到{place}就断了，可能没有写完或者没有复制完") from None
        if number != self._number:
            raise BackupDamaged(f"备份文件的{place}不在原来的位置：次序被改动，或者中间缺了一段")
        try:
            plain, tag = sodium.crypto_secretstream_xchacha20poly1305_pull(self._state, sealed, self._bound)
            self._plain = self._zip.decompress(plain, _CHUNK * 4)
        except (RuntimeError, CryptoError, ValueError, zlib.error):
            raise BackupDamaged(f"备份文件的{place}被改动、损坏，或者不是本系统用本院的钥匙写的") from None
        self._number += 1
        self._ended = tag == _FINAL


def _read_header(file: IO[bytes]) -> tuple[Mapping[str, Any], bytes]:
    try:
        magic = _read(file, len(MAGIC))
        if magic != MAGIC:
            newer = magic.startswith(MAGIC[:-2])
            raise BackupDamaged(
                "备份由更新的版本制作，本版本不能读取：请安装那个版本" if newer else "不是公示系统的备份文件"
            )
        length = _LENGTH.unpack(_read(file, _LENGTH.size))[0]
        if length > _MOST_HEADER:
            raise BackupDamaged("备份文件的头部损坏")
        text = _read(file, length)
        header = json.loads(text)
        if header["format"] != FORMAT:
            raise BackupDamaged("备份由更新的版本制作，本版本不能读取：请安装那个版本")
        header["recipients"]
    except _Beginning:
        raise BackupDamaged("备份文件不完整：头部就断了，或者不是公示系统的备份文件") from None
    except (ValueError, TypeError, KeyError):
        raise BackupDamaged("备份文件的头部损坏") from None
    return header, text


def _unseal(header: Mapping[str, Any], key: RecoveryKey) -> StreamKey:
    recipients = header["recipients"]
    try:
        mine = [one for one in recipients if one["fingerprint"] == key.fingerprint]
        if not mine:
            needed = "、".join(str(one["fingerprint"]) for one in recipients)
            raise BackupDamaged(f"这份备份要用指纹 {needed} 的恢复钥匙打开，输入的是 {key.fingerprint}")
        return StreamKey(SealedBox(key.private).decrypt(b64decode(mine[0]["key"])), key.authentication)
    except (CryptoError, ValueError, TypeError, KeyError):
        raise BackupDamaged("备份文件的头部被改动：其中的钥匙打不开") from None


def _bind(authentication: bytes, header: bytes) -> bytes:
    return hmac.new(authentication, b"gongshi backup 1\n" + header, sha256).digest()


def _read(file: IO[bytes], size: int) -> bytes:
    found = file.read(size)
    if len(found) != size:
        raise _Beginning
    return found

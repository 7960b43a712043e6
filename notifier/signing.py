"""The key with which a court signs what it sends: Ed25519 (RFC 8032), which gives the same signature for the same bytes.

Who receives a package checks it with the public key, with `gongshi package verify` or with OpenSSL alone. A key in a
package proves nothing by itself: its fingerprint is told by another way.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from search_index.modes import make_private, open_private

ALGORITHM = "Ed25519"
# What the key is called in the notifier's folder of a home.
KEY_FILE = "signing.pem"
_SEED_BYTES = 32


class SigningKeyError(Exception):
    """A key file that cannot be used. The message (Chinese) is for the administrator, and holds nothing of the key."""


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """The public half: PEM (SubjectPublicKeyInfo), as it lies in a package."""

    pem: bytes
    _key: Ed25519PublicKey = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER form, in upper case, by groups of four: to be read out on the telephone."""
        digest = sha256(self._key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest().upper()
        return " ".join(digest[start : start + 4] for start in range(0, len(digest), 4))

    def confirms(self, signature: bytes, content: bytes) -> bool:
        """Whether the signature (64 bytes) is this key's over `content`."""
        try:
            self._key.verify(signature, content)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private half. It is not shown and not written except to its file."""

    _key: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> VerifyKey:
        return _to_verify_key(self._key.public_key())

    def sign(self, content: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(content)


def make_signing_key(seed: bytes) -> SigningKey:
    """The key of a seed of 32 random bytes. Raises ValueError for any other length."""
    return SigningKey(Ed25519PrivateKey.from_private_bytes(seed))


def create_signing_key(path: Path, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
    """Write a new key file (PEM, PKCS 8), private; an existing one is left as it is."""
    if path.exists():
        return
    make_private(path.parent, parents=True)
    key = Ed25519PrivateKey.from_private_bytes(random_bytes(_SEED_BYTES))
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = open_private(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link, not a rename: of two that begin at once the first one's key stays.
        path.hardlink_to(new)
    except FileExistsError:
        pass
    new.unlink(missing_ok=True)


def open_signing_key(path: Path) -> SigningKey:
    """The key of a file that `create_signing_key` wrote. Raises SigningKeyError."""
    if not path.exists():
        raise SigningKeyError(f"没有签名密钥文件 {path}：请从备份恢复；从未有过的，请运行 gongshi init")
    content = _read(path)
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SigningKeyError(f"签名密钥文件 {path} 已损坏：请从备份恢复") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyError(f"签名密钥文件 {path} 不是 {ALGORITHM} 密钥：请从备份恢复")
    return SigningKey(key)


def read_verify_key(pem: bytes) -> VerifyKey:
    """The public key of a PEM file. Raises SigningKeyError."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise SigningKeyError("公钥文件不是 PEM 格式的公钥") from None
    if not isinstance(key, Ed25519PublicKey):
        raise SigningKeyError(f"公钥不是 {ALGORITHM} 公钥")
    return _to_verify_key(key)


def open_verify_key(path: Path) -> VerifyKey:
    """The public key of a file. Raises SigningKeyError."""
    return read_verify_key(_read(path))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise SigningKeyError(f"读不到密钥文件 {path}") from None


def _to_verify_key(key: Ed25519PublicKey) -> VerifyKey:
    return VerifyKey(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), key)

"""Sealing what identifies a person, and matching it without opening it. The key lives outside the database."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from search_index.durable import write_private
from search_index.modes import make_private

_KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = b"\x01"


class VaultError(Exception):
    """The key is missing, damaged, or not the one the data was sealed with. The message is for the administrator."""


class Vault:
    """AES-256-GCM for values, HMAC-SHA-256 for digests; both keys are derived from the one in the key file."""

    def __init__(self, master: bytes, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._cipher = AESGCM(_derive(master, b"gongshi seal 1"))
        self._digest_key = _derive(master, b"gongshi digest 1")
        self._random_bytes = random_bytes

    def seal(self, values: Mapping[str, Any], context: str) -> bytes:
        """Encrypt JSON-like values. `context` must be given again to open them, so a row cannot be moved to another."""
        nonce = self._random_bytes(_NONCE_BYTES)
        plain = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> dict[str, Any]:
        """Raises VaultError when the key or the context is not the one it was sealed with."""
        nonce = sealed[1 : 1 + _NONCE_BYTES]
        try:
            plain = self._cipher.decrypt(nonce, sealed[1 + _NONCE_BYTES :], context.encode())
        except (InvalidTag, ValueError):  # ValueError: it has been cut short
            raise VaultError("密文无法解开：密钥文件与数据库不是同一套，请恢复原来的密钥文件") from None
        values: dict[str, Any] = json.loads(plain)
        return values

    def digest(self, text: str) -> str:
        """A keyed digest, for comparing inside the registry only."""
        return hmac.new(self._digest_key, text.encode(), hashlib.sha256).hexdigest()


def create_key(path: Path, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
    """Write a new key file, private; an existing one is left as it is."""
    if path.exists():
        return
    make_private(path.parent, parents=True)
    write_private(path, random_bytes(_KEY_BYTES).hex() + "\n")


def open_vault(path: Path) -> Vault:
    """The vault of a key file. Raises VaultError with a line for the administrator."""
    try:
        master = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError:
        raise VaultError(f"读不到密钥文件 {path}：请先运行 gongshi init，或从备份恢复密钥") from None
    except ValueError:
        master = b""
    if len(master) != _KEY_BYTES:
        raise VaultError(f"密钥文件 {path} 已损坏：请从备份恢复，不要新建")
    return Vault(master)


def _derive(master: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose).derive(master)

"""Which recovery keys a home has had: their public halves, in `registry/keys/recovery.pub`; the private ones are on paper.

Beside it lies, for each key, what authenticates backups (`recovery-FINGERPRINT.auth`, private). The file of public halves is
replaced last and at once: a process that is killed leaves the key of before.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.public import PublicKey, SealedBox

from gongshi.safety.recovery_keys import SECRET_BYTES, RecoveryKey, RecoveryRefused, Shares
from search_index.durable import write_private

FILE = "recovery.pub"
_PROBE = b"gongshi recovery probe "


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """A recovery key as the home knows it. `confirmed_at` is when its words were last typed in and opened what is sealed to
    it; `probe` is what they open then."""

    fingerprint: str
    public: str
    probe: str
    shares: str
    made_at: str
    made_by: str
    confirmed_at: str | None = None

    @property
    def is_confirmed(self) -> bool:
        return self.confirmed_at is not None

    @property
    def last_confirmed(self) -> datetime | None:
        return datetime.fromisoformat(self.confirmed_at) if self.confirmed_at else None


class RecoveryBook:
    """The recovery keys of a home; `folder` is registry/keys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / FILE

    def list(self) -> Sequence[Recovery]:
        """All keys there have been, the present one last. Raises RecoveryRefused for a file that cannot be read."""
        try:
            return [Recovery(**one) for one in json.loads(self._path.read_text(encoding="utf-8"))["keys"]]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError, KeyError):
            raise RecoveryRefused(f"{self._path} 已损坏：请从备份恢复，或者重新运行 gongshi recovery make") from None

    def find(self) -> Recovery | None:
        """The present key."""
        return next(reversed(self.list()), None)

    def add(self, key: RecoveryKey, shares: Shares, *, by: str, now: datetime) -> Recovery:
        """Make `key` the present one. Nothing of its private half is kept. Raises OSError."""
        sealed = SealedBox(PublicKey(key.public)).encrypt(_PROBE + key.fingerprint.encode())
        made = Recovery(
            fingerprint=key.fingerprint,
            public=key.public.hex(),
            probe=sealed.hex(),
            shares=str(shares),
            made_at=now.isoformat(),
            made_by=by,
        )
        before = self.list()
        write_private(self._authentication_file(made), key.authentication.hex() + "\n")
        self._write([*before, made])
        return made

    def confirm(self, key: RecoveryKey, now: datetime) -> Recovery:
        """Note that `key` was typed in and opens what is sealed to it. Raises RecoveryRefused for one that this home never
        had, or OSError."""
        known = self.list()
        found = next((one for one in known if one.fingerprint == key.fingerprint), None)
        if found is None:
            had = "、".join(one.fingerprint for one in known) or "没有"
            raise RecoveryRefused(f"输入的钥匙指纹是 {key.fingerprint}，不是这个系统的；这个系统的：{had}")
        try:
            opened = SealedBox(key.private).decrypt(bytes.fromhex(found.probe))
        except (CryptoError, ValueError):
            opened = b""
        if opened != _PROBE + key.fingerprint.encode():
            raise RecoveryRefused("输入的钥匙打不开为它封存的内容：请重新运行 gongshi recovery make")
        confirmed = replace(found, confirmed_at=now.isoformat())
        self._write([confirmed if one is found else one for one in known])
        return confirmed

    def read_authentication(self, recovery: Recovery) -> bytes:
        """What authenticates backups under a key. Raises RecoveryRefused."""
        path = self._authentication_file(recovery)
        try:
            found = bytes.fromhex(path.read_text(encoding="ascii").strip())
        except (OSError, ValueError):
            found = b""
        if len(found) != SECRET_BYTES:
            raise RecoveryRefused(f"{path.name} 不见了或者已损坏：请重新运行 gongshi recovery make")
        return found

    def _authentication_file(self, recovery: Recovery) -> Path:
        return self._folder / f"recovery-{recovery.fingerprint}.auth"

    def _write(self, keys: Sequence[Recovery]) -> None:
        write_private(
            self._path, json.dumps({"keys": [asdict(one) for one in keys]}, ensure_ascii=False, indent=1) + "\n"
        )

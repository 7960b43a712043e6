"""The recovery key: what opens backups when the machine is gone. Its private half is on paper and nowhere else.

One secret of 32 bytes, written in words (SLIP-39: each word is unmistakable by its first four letters, and a wrong or missing
word is found), whole or as shares of which some suffice. From it come the pair to which backups are sealed, and the key that
tells that a backup was made by this home: that one also lies in the home, or anybody who reads the public half could make up
a backup.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.public import PrivateKey
from shamir_mnemonic import MnemonicError, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.share import Share

from gongshi.safety.refusal import SafetyRefused

SECRET_BYTES = 32
MOST_SHARES = 9
WORDS = 33
_WORD = re.compile(r"[a-z]{3,8}")


class RecoveryRefused(SafetyRefused):
    """A recovery key that cannot be used. The message is for the administrator (Chinese), and repeats no word of it."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How many shares there are, and how many of them open what is sealed."""

    needed: int = 1
    made: int = 1

    @classmethod
    def parse(cls, text: str) -> Shares:
        """From `2/3`. Raises RecoveryRefused."""
        found = re.fullmatch(r"\s*([1-9])\s*[/／]\s*([1-9])\s*", text)
        if found is None:
            raise RecoveryRefused("份数应写成 2/3 的样子：共 3 份，凭其中任意 2 份即可恢复；最多 9 份")
        needed, made = int(found[1]), int(found[2])
        if needed > made:
            raise RecoveryRefused("所需份数不能多于总份数，例如 2/3")
        if needed == 1 and made > 1:
            raise RecoveryRefused("每一份都能单独打开备份的，不必分份：请用 1/1 打印一份，复印后分别保管；或者用 2/3")
        return cls(needed, made)

    def __str__(self) -> str:
        return f"{self.needed}/{self.made}"


class RecoveryKey:
    """A recovery key with its secret, which is nowhere but in this process."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise RecoveryRefused("这不是备份的恢复钥匙")
        self._secret = secret

    @cached_property
    def private(self) -> PrivateKey:
        """What opens what was sealed to `public`."""
        return PrivateKey(_derive(self._secret, b"gongshi recovery box 1"))

    @property
    def public(self) -> bytes:
        return bytes(self.private.public_key)

    @property
    def authentication(self) -> bytes:
        """What a home authenticates its backups with."""
        return _derive(self._secret, b"gongshi recovery authentication 1")

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.public)

    def to_words(self, shares: Shares) -> list[str]:
        """The secret in words: one text of 33 words for each share."""
        return list(generate_mnemonics(1, [(shares.needed, shares.made)], self._secret)[0])


def fingerprint_of(public: bytes) -> str:
    """By which people tell one key from another: five groups of four digits and letters."""
    digest = Hash(SHA256())
    digest.update(public)
    text = digest.finalize().hex().upper()[:20]
    return "-".join(text[start : start + 4] for start in range(0, 20, 4))


def read_words(text: str) -> RecoveryKey:
    """The key from what was typed: the words of one share after the other, with or without their numbers, in as many lines
    as one likes. Raises RecoveryRefused."""
    words = _WORD.findall(text.lower())
    if not words:
        raise RecoveryRefused("没有读到恢复钥匙：请输入打印件上的英文单词，每份 33 个；输入完按 Ctrl-D")
    if len(words) % WORDS:
        raise RecoveryRefused(f"每份应有 {WORDS} 个单词，读到了 {len(words)} 个：请检查有无漏抄或者多抄")
    shares = [" ".join(words[start : start + WORDS]) for start in range(0, len(words), WORDS)]
    return RecoveryKey(_combine(list(dict.fromkeys(shares))))


def _combine(texts: Sequence[str]) -> bytes:
    shares = []
    for place, text in enumerate(texts, start=1):
        try:
            shares.append(Share.from_mnemonic(text))
        except MnemonicError:
            # What the library says holds words of the share.
            reason = "有单词抄错了或者不在词表中：请逐个核对；每份的最后三个单词用于校验"
            raise RecoveryRefused(f"第 {place} 份{reason}") from None
    first = shares[0]
    if any(share.identifier != first.identifier for share in shares):
        raise RecoveryRefused("这几份不是同一次制作的：请使用同一日期、同一指纹的")
    own = {share.index: text for share, text in zip(shares, texts, strict=True)}
    if len(own) < first.member_threshold:
        raise RecoveryRefused(f"份数不够：需要 {first.member_threshold} 份不同的，读到了 {len(own)} 份")
    try:
        return bytes(combine_mnemonics(list(own.values())[: first.member_threshold]))
    except MnemonicError:
        raise RecoveryRefused("这几份合起来不成一把钥匙：请核对是否同一次制作") from None


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret)

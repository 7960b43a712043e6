"""Checking a package that came from somewhere: its manifest, its signature, and every file of it. Pure, given a reader.

Nothing in the package is believed before it was checked; a name in the manifest is looked for among the files that are
there, never made into a path.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from notifier.package.names import CHECKSUMS, FORMAT, MANIFEST, PUBLIC_KEY, SIGNATURE, UNLISTED, format_sums
from notifier.signing import SigningKeyError, VerifyKey, read_verify_key


class NotAPackage(Exception):
    """There is no manifest, or none that can be read. The message (Chinese) says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a file."""

    file: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a check found. `fingerprint` is of the key that the signature was checked with, None where none confirmed it.
    `trusted` says that this key was given, and not taken from the package itself. `expired`: its last day is over."""

    period: str
    revision: int
    entries: int
    training: bool
    last_day_of_use: date
    expired: bool
    fingerprint: str | None
    trusted: bool
    problems: tuple[Problem, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "valid": not self.problems,
            "period": self.period,
            "revision": self.revision,
            "entries": self.entries,
            "training": self.training,
            "not_to_be_used_after": self.last_day_of_use.isoformat(),
            "expired": self.expired,
            "public_key_sha256": self.fingerprint,
            "trusted": self.trusted,
            "problems": [{"file": problem.file, "problem": problem.problem} for problem in self.problems],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What a manifest says of a file."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the signature and the checksums prove; `fingerprint` and `trusted` as in a Verdict."""

    fingerprint: str | None
    trusted: bool
    problems: tuple[Problem, ...]


def check_package(
    present: Collection[str], read: Callable[[str], bytes], *, key: VerifyKey | None, today: date
) -> Verdict:
    """Check the files `present`, which `read` gives one at a time; with the court's key where it is at hand, else with
    the one in the package. Raises NotAPackage."""
    if MANIFEST not in present:
        raise NotAPackage(f"没有{MANIFEST}，不是名单包")
    manifest = read(MANIFEST)
    body, listed = _parse(manifest)
    proof = check_proof(present, read, manifest, listed, key)
    last = date.fromisoformat(body["not_to_be_used_after"])
    return Verdict(
        period=body["period"],
        revision=body["revision"],
        entries=body["counts"]["total"],
        training=body["training"],
        last_day_of_use=last,
        expired=today > last,
        fingerprint=proof.fingerprint,
        trusted=proof.trusted,
        problems=proof.problems,
    )


def check_proof(
    present: Collection[str],
    read: Callable[[str], bytes],
    manifest: bytes,
    listed: Mapping[str, Listed],
    key: VerifyKey | None,
) -> Proof:
    """Check the signature over the manifest, every file that it lists, and the checksums."""
    problems: list[Problem] = []
    signer = _find_signer(present, read, key, problems)
    confirmed = _is_signed(present, read, signer, manifest, problems)
    for name in sorted(listed):
        problems += _check_file(name, listed[name], present, read)
    problems += [
        Problem(file=name, problem="清单中没有这个文件") for name in sorted(set(present) - set(listed) - UNLISTED)
    ]
    problems += _check_sums(present, read, manifest, listed)
    return Proof(
        fingerprint=signer.fingerprint if signer and confirmed else None,
        trusted=confirmed and key is not None,
        problems=tuple(problems),
    )


def _parse(manifest: bytes) -> tuple[dict[str, Any], Mapping[str, Listed]]:
    try:
        body = json.loads(manifest)
        _require(body, {"format": str, "period": str, "revision": int, "training": bool, "counts": dict, "files": list})
        _require(body["counts"], {"total": int})
        date.fromisoformat(body["not_to_be_used_after"])
        for file in body["files"]:
            _require(file, {"name": str, "bytes": int, "sha256": str})
    except (ValueError, TypeError, KeyError, RecursionError):
        raise NotAPackage(f"{MANIFEST}已损坏，不能读取") from None
    if body["format"] != FORMAT:
        raise NotAPackage(f"{MANIFEST}的格式不是{FORMAT}，请用相应版本的软件核对")
    return body, {file["name"]: Listed(bytes=file["bytes"], sha256=file["sha256"]) for file in body["files"]}


def _require(body: Any, types: Mapping[str, type]) -> None:
    if not isinstance(body, dict) or not all(type(body.get(name)) is kind for name, kind in types.items()):
        raise ValueError("not a manifest")


def _find_signer(
    present: Collection[str], read: Callable[[str], bytes], key: VerifyKey | None, problems: list[Problem]
) -> VerifyKey | None:
    """The key to check with: the one given, else the package's own."""
    if PUBLIC_KEY not in present:
        return key
    try:
        own = read_verify_key(read(PUBLIC_KEY))
    except SigningKeyError as error:
        problems.append(Problem(file=PUBLIC_KEY, problem=str(error)))
        return key
    if key is not None and own.fingerprint != key.fingerprint:
        problems.append(Problem(file=PUBLIC_KEY, problem="名单包中的公钥不是给定的公钥"))
    return key or own


def _is_signed(
    present: Collection[str],
    read: Callable[[str], bytes],
    signer: VerifyKey | None,
    manifest: bytes,
    problems: list[Problem],
) -> bool:
    if SIGNATURE not in present:
        problems.append(Problem(file=SIGNATURE, problem="没有签名，不能证明由法院发出"))
        return False
    if signer is None:
        problems.append(Problem(file=PUBLIC_KEY, problem="没有公钥，不能核对签名"))
        return False
    if signer.confirms(read(SIGNATURE), manifest):
        return True
    problems.append(Problem(file=SIGNATURE, problem="签名与清单不符：清单被改动过，或者不是用这把密钥签的"))
    return False


def _check_file(name: str, listed: Listed, present: Collection[str], read: Callable[[str], bytes]) -> Iterator[Problem]:
    if name not in present:
        yield Problem(file=name, problem="缺少这个文件")
        return
    content = read(name)
    if (len(content), sha256(content).hexdigest()) != (listed.bytes, listed.sha256):
        yield Problem(file=name, problem="内容与清单的校验值不符")


def _check_sums(
    present: Collection[str], read: Callable[[str], bytes], manifest: bytes, listed: Mapping[str, Listed]
) -> Iterator[Problem]:
    """The checksums must say what the manifest says: who has only coreutils goes by them."""
    if CHECKSUMS not in present:
        yield Problem(file=CHECKSUMS, problem="缺少这个文件")
        return
    sums = {name: file.sha256 for name, file in listed.items()} | {MANIFEST: sha256(manifest).hexdigest()}
    if SIGNATURE in present:
        sums[SIGNATURE] = sha256(read(SIGNATURE)).hexdigest()
    if read(CHECKSUMS) != format_sums(sums).encode(errors="replace"):
        yield Problem(file=CHECKSUMS, problem="与清单的校验值不符")

"""Checking an export that came from a court: its manifest, its signature, every file. Pure, given a reader."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from notifier.exports.making import FORMAT
from notifier.package.checking import Listed, NotAPackage, Problem, check_proof
from notifier.package.names import MANIFEST
from notifier.signing import VerifyKey

_TYPES = {"profile": str, "title": str, "version": int, "mode": str, "sequence": int, "training": bool, "counts": dict}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportVerdict:
    """What a check found; `fingerprint`, `trusted` and `expired` as in package.checking.Verdict."""

    profile: str
    title: str
    version: int
    mode: str
    since: int | None
    sequence: int
    entries: int
    departures: int
    training: bool
    last_day_of_use: date
    expired: bool
    fingerprint: str | None
    trusted: bool
    problems: tuple[Problem, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "valid": not self.problems,
            "profile": self.profile,
            "version": self.version,
            "mode": self.mode,
            "since": self.since,
            "sequence": self.sequence,
            "entries": self.entries,
            "departures": self.departures,
            "training": self.training,
            "not_to_be_used_after": self.last_day_of_use.isoformat(),
            "expired": self.expired,
            "public_key_sha256": self.fingerprint,
            "trusted": self.trusted,
            "problems": [{"file": problem.file, "problem": problem.problem} for problem in self.problems],
        }


def is_export(manifest: bytes) -> bool:
    """Whether a manifest says that it is one of an export, whatever else may be wrong with it."""
    try:
        body = json.loads(manifest)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and body.get("format") == FORMAT


def check_export(
    present: Collection[str], read: Callable[[str], bytes], *, key: VerifyKey | None, today: date
) -> ExportVerdict:
    """Check the files `present` of an export (`is_export`), which `read` gives one at a time. Raises NotAPackage."""
    manifest = read(MANIFEST)
    try:
        body = json.loads(manifest)
        last = date.fromisoformat(body["not_to_be_used_after"])
        since, counts = body["since"], body["counts"]
        numbers = (counts["entries"], counts["departures"], *(() if since is None else (since,)))
        if not all(type(body[name]) is kind for name, kind in _TYPES.items()) or {*map(type, numbers)} != {int}:
            raise TypeError
        listed = {one["name"]: Listed(bytes=one["bytes"], sha256=one["sha256"]) for one in body["files"]}
        if not all({type(name), type(one.sha256)} == {str} for name, one in listed.items()):
            raise TypeError
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise NotAPackage(f"{MANIFEST}已损坏，不能读取") from None
    proof = check_proof(present, read, manifest, listed, key)
    return ExportVerdict(
        profile=body["profile"],
        title=body["title"],
        version=body["version"],
        mode=body["mode"],
        since=since,
        sequence=body["sequence"],
        entries=counts["entries"],
        departures=counts["departures"],
        training=body["training"],
        last_day_of_use=last,
        expired=today > last,
        fingerprint=proof.fingerprint,
        trusted=proof.trusted,
        problems=proof.problems,
    )

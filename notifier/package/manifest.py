"""manifest.json, its signature, and SHA256SUMS: what proves a package. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from notifier.package.changes import Changes
from notifier.package.edition import Edition, count_kinds, usage_notice
from notifier.package.lists import describe_edition, to_bytes
from notifier.package.names import CHECKSUMS, MANIFEST, PUBLIC_KEY, SIGNATURE, format_sums, media_type
from notifier.package.rare import NOT_IN_FONT, RareCharacter, code_point
from notifier.signing import ALGORITHM, SigningKey
from search_index.document import Document
from search_index.profile import Profile


def build_manifest(
    edition: Edition,
    documents: Sequence[Document],
    changes: Changes,
    rare: Sequence[RareCharacter],
    files: Mapping[str, bytes],
    key: SigningKey | None,
) -> bytes:
    """The manifest of `files`, which are all but itself, its signature and the checksums."""
    body = {
        **describe_edition(edition),
        "notice": usage_notice(edition),
        "counts": count_kinds(documents),
        "changes": {
            "since": str(changes.since) if changes.since else None,
            "added": len(changes.added),
            "corrected": len(changes.corrected),
            "gone": len(changes.gone),
        },
        "rare_characters": [code_point(found.character) for found in rare],
        "not_in_font": [code_point(found.character) for found in rare if NOT_IN_FONT in found.reasons],
        "court": describe_court(edition.profile),
        "signature": _describe_signature(key),
        "files": [_describe_file(name, content) for name, content in sorted(files.items())],
    }
    return to_bytes(body)


def describe_court(profile: Profile) -> dict[str, str]:
    names = ("court", "region", "address", "postcode", "telephone", "telephone_hours", "email", "website", "signature")
    return {name: getattr(profile, name) for name in names}


def sign_and_sum(files: Mapping[str, bytes], key: SigningKey | None) -> dict[str, bytes]:
    """The signature over the manifest in `files`, where there is a key, and the checksums of all, for `sha256sum -c`."""
    proof = {SIGNATURE: key.sign(files[MANIFEST])} if key else {}
    everything = {**files, **proof}
    sums = {name: sha256(content).hexdigest() for name, content in everything.items()}
    return {**proof, CHECKSUMS: format_sums(sums).encode()}


def _describe_signature(key: SigningKey | None) -> dict[str, Any] | None:
    if key is None:
        return None
    return {
        "algorithm": ALGORITHM,
        "over": MANIFEST,
        "file": SIGNATURE,
        "public_key": PUBLIC_KEY,
        "public_key_sha256": key.public.fingerprint,
    }


def _describe_file(name: str, content: bytes) -> dict[str, Any]:
    return {
        "name": name,
        "bytes": len(content),
        "sha256": sha256(content).hexdigest(),
        "media_type": media_type(name),
    }

"""The files of a push run, made from documents and nothing else. Pure: the same inputs give the same bytes.

What each file is called and is for: `names.py`. Every file says its revision, until when it may be used and where the
newest is; of a court in training every file says that it is an exercise (演练).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from notifier.package import names
from notifier.package.captions import build_captions
from notifier.package.changes import NO_CHANGES, Changes, Departure, Recalled, build_changes_xlsx, compare, repeat
from notifier.package.commission import check_pattern, fill_number
from notifier.package.edition import Edition, Package, in_order, usage_notice
from notifier.package.letter import build_letter
from notifier.package.lists import build_csv, build_json, read_entries, to_bytes
from notifier.package.manifest import build_manifest, describe_court, sign_and_sum
from notifier.package.names import FORMAT, MANIFEST, UNLISTED, media_type
from notifier.package.rare import build_rare, find_rare
from notifier.package.script import build_script
from notifier.package.sheet import build_xlsx
from notifier.package.slides import build_slides
from notifier.package.typeface import open_typeface
from notifier.signing import SigningKey
from search_index.document import Document

__all__ = [
    "FORMAT",
    "MANIFEST",
    "NO_CHANGES",
    "UNLISTED",
    "Changes",
    "Departure",
    "Edition",
    "Package",
    "Recalled",
    "build_package",
    "check_pattern",
    "compare",
    "digest_content",
    "fill_number",
    "in_order",
    "media_type",
    "read_entries",
    "repeat",
    "usage_notice",
]


def build_package(
    edition: Edition,
    documents: Sequence[Document],
    *,
    changes: Changes = NO_CHANGES,
    key: SigningKey | None = None,
) -> Package:
    """The files for `documents`, newest publication first. An empty list makes a package that says so.

    Without a key the package has no signature, and says that too. Raises TypefaceMissing.
    """
    ordered = in_order(documents)
    typeface = open_typeface()
    rare = find_rare(ordered, typeface.covers)
    slides = list(build_slides(edition, ordered, typeface))
    captions = build_captions(edition, ordered)
    files = {
        names.LIST_SHEET: build_xlsx(edition, ordered),
        names.LIST_CSV: build_csv(edition, ordered),
        names.LIST_JSON: build_json(edition, ordered),
        names.SCRIPT: build_script(edition, ordered),
        names.CHANGES_SHEET: build_changes_xlsx(edition, changes),
        names.CAPTIONS: captions.encode(),
        names.CAPTIONS_GB18030: captions.encode("gb18030"),
        names.RARE_CHARACTERS: build_rare(edition, len(ordered), rare),
    }
    files |= {names.slide_name(number, len(slides)): slide for number, slide in enumerate(slides, start=1)}
    if key:
        files[names.PUBLIC_KEY] = key.public.pem
    fingerprint = key.public.fingerprint if key else None
    files[names.LETTER] = build_letter(edition, ordered, [*files, names.LETTER], len(slides), fingerprint)
    files[MANIFEST] = build_manifest(edition, ordered, changes, rare, files, key)
    return Package(files={**files, **sign_and_sum(files, key)}, records=tuple(d.record for d in ordered))


def digest_content(
    edition: Edition,
    documents: Sequence[Document],
    *,
    changes: Changes = NO_CHANGES,
    key: SigningKey | None = None,
) -> str:
    """SHA-256 (hex) of what a reader is told: entries, changes, period, last day of use, court, commission, who signs,
    and in which files; not revision or time."""
    content = {
        "format": FORMAT,
        "period": str(edition.period),
        "last_day_of_use": edition.last_day_of_use.isoformat(),
        "commission_number": edition.commission_number,
        "caption_limit": edition.caption_limit,
        "court": describe_court(edition.profile),
        "training": edition.profile.training,
        "signed_by": key.public.fingerprint if key else None,
        "changes": [str(changes.since), *(sorted(d.record for d in part) for part in _parts(changes))],
        "entries": [document.as_json() for document in in_order(documents)],
    }
    return sha256(to_bytes(content)).hexdigest()


def _parts(changes: Changes) -> tuple[Sequence[Document | Departure], ...]:
    return changes.added, changes.corrected, changes.gone

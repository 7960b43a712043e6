"""The wiring of exports for other platforms: the notifier makes them, the registry knows the credit repairs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from gongshi.court import Court
from gongshi.office import open_office, open_register
from notifier.exports.exporting import Done, Wish, export_list
from notifier.exports.fields import Repair
from notifier.exports.profile import Format, Profile
from registry import audit
from registry.matters.repairs import list_agreed_repairs


def export(
    court: Court, profile: Profile, form: Format | None, since: int | Literal["last"] | None, folder: Path, actor: str
) -> Done:
    """Make an export in the name of `actor`, with a line in the audit trail. Raises ExportRefused, SigningKeyError or
    RegisterUnavailable."""
    name = court.profile().court

    def list_repairs(after: datetime | None) -> Sequence[Repair]:
        with court.reading() as session:
            found = list_agreed_repairs(session, court.vault, after)
        return [
            Repair(record=one.record, decided_on=one.decided_on, document_number=one.document_number, publisher=name)
            for one in found
        ]

    wish = Wish(profile=profile, form=form, since=since, folder=folder)
    done = export_list(open_office(court), open_register(court), wish, list_repairs, court.world.now)
    with court.turns.go_ahead(), court.session() as session:
        detail = {
            "export": profile.name,
            "since": done.since,
            "sequence": done.sequence,
            "counts": dict(done.counts),
            "digest": done.manifest_sha256,
        }
        audit.note(session, court.now, actor, "export", detail=detail)
    return done

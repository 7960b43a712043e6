"""The numbered revisions of a run's package: made from the store as it is now, kept in folders."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from notifier.calendar import Period, last_day_of_use
from notifier.context import Notifier
from notifier.files import discard, put_in_place, write_aside
from notifier.package import MANIFEST, Edition, Package, build_package, digest_content
from notifier.tables import PackageEntryRow, PackageRow
from search_index.day import day_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A package that was made. `last_day_of_use` as its files say."""

    id: int
    run_id: int
    revision: int
    sequence: int
    content: str
    manifest_sha256: str
    entries: int
    last_day_of_use: date
    made_at: datetime


class FileRefused(Exception):
    """A file that is not served. The message (Chinese) says why."""


def ensure_package(notifier: Notifier, run_id: int, period: Period, now: datetime) -> Revision:
    """The revision of the run that says what the store says at `now`: the last one, or a new one.

    Whoever left the list since the last revision is not in it. Two callers at once get the same revision.
    """
    sequence, documents = notifier.register.everything(now)
    profile = notifier.register.profile(now)
    last_day = last_day_of_use(day_of(now), notifier.workdays)
    while True:
        latest = find_latest(notifier.engine, run_id)
        edition = Edition(
            period=period,
            revision=latest.revision + 1 if latest else 1,
            sequence=sequence,
            made_at=now,
            last_day_of_use=last_day,
            profile=profile,
        )
        content = digest_content(edition, documents)
        if latest and latest.content == content and package_folder(notifier.folder, period, latest).is_dir():
            return latest
        made = _keep(notifier, run_id, edition, content, build_package(edition, documents))
        if made is not None:
            return made


def find_latest(engine: Engine, run_id: int) -> Revision | None:
    query = select(PackageRow).where(PackageRow.run_id == run_id).order_by(PackageRow.revision.desc()).limit(1)
    with Session(engine) as session:
        row = session.scalars(query).first()
        return to_revision(row) if row else None


def to_revision(row: PackageRow) -> Revision:
    return Revision(
        id=row.id,
        run_id=row.run_id,
        revision=row.revision,
        sequence=row.sequence,
        content=row.content,
        manifest_sha256=row.manifest_sha256,
        entries=row.entries,
        last_day_of_use=row.last_day_of_use,
        made_at=row.made_at,
    )


def package_folder(folder: Path, period: Period, revision: Revision) -> Path:
    return folder / "packages" / str(period) / f"r{revision.revision}"


def read_package_file(folder: Path, name: str) -> bytes:
    """The bytes of `name` in a package's folder. Raises FileRefused for a name that its manifest does not give, and
    for bytes that are not those of the manifest."""
    try:
        manifest = (folder / MANIFEST).read_bytes()
        if name == MANIFEST:
            return manifest
        expected = {file["name"]: file["sha256"] for file in json.loads(manifest)["files"]}
        if name not in expected:
            raise FileRefused("名单包中没有这个文件")
        content = (folder / name).read_bytes()
    except FileNotFoundError as error:
        raise FileRefused("名单包的文件不在原处，请联系管理员") from error
    if sha256(content).hexdigest() != expected[name]:
        raise FileRefused("文件与清单的校验值不符，可能已损坏，请联系管理员")
    return content


def _keep(notifier: Notifier, run_id: int, edition: Edition, content: str, package: Package) -> Revision | None:
    """Keep row and folder of a new revision together; None when another process took the number first."""
    target = notifier.folder / "packages" / str(edition.period) / f"r{edition.revision}"
    aside = write_aside(target.parent, package.files)
    row = PackageRow(
        run_id=run_id,
        revision=edition.revision,
        sequence=edition.sequence,
        content=content,
        manifest_sha256=package.manifest_sha256,
        entries=len(package.records),
        last_day_of_use=edition.last_day_of_use,
        made_at=edition.made_at,
    )
    try:
        with Session(notifier.engine, expire_on_commit=False) as session, session.begin():
            session.add(row)
            session.flush()
            _keep_entries(session, row.id, package.records)
            # The row holds the number until the commit, so nobody else moves a folder to this name. Killed between
            # the two, the folder is an orphan that the next holder of the number replaces.
            put_in_place(aside, target)
    except IntegrityError:
        discard(aside)
        return None
    return to_revision(row)


def _keep_entries(session: Session, package_id: int, records: tuple[str, ...]) -> None:
    if records:
        rows = [{"package_id": package_id, "record": record} for record in records]
        session.execute(insert(PackageEntryRow), rows)

"""The numbered revisions of a run's package: made from the store as it is now, kept in folders."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Engine, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from notifier.calendar import Period, last_day_of_use
from notifier.context import Notifier
from notifier.files import discard, put_in_place, write_aside
from notifier.package import (
    MANIFEST,
    NO_CHANGES,
    UNLISTED,
    Changes,
    Edition,
    Package,
    Recalled,
    build_package,
    compare,
    digest_content,
    fill_number,
    read_entries,
    repeat,
)
from notifier.package.names import CHECKSUMS, LIST_JSON, PUBLIC_KEY, SIGNATURE, format_sums
from notifier.signing import SigningKey, open_signing_key, read_verify_key
from notifier.tables import PackageEntryRow, PackageRow, RecallRow, RunRow
from search_index.day import day_of
from search_index.document import Document
from search_index.journal import ChangeType
from search_index.profile import Profile


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


# What is kept of a revision that nobody may use any more: it proves what was sent, and names nobody.
PROOFS = frozenset((MANIFEST, SIGNATURE, CHECKSUMS, PUBLIC_KEY))


class FileRefused(Exception):
    """A file that is not served. The message (Chinese) says why."""


def ensure_package(notifier: Notifier, run_id: int, period: Period, now: datetime) -> Revision:
    """The revision of the run that says what the store says at `now`: the last one, or a new one.

    Whoever left the list since the last revision is not in it. Two callers at once get the same revision. Raises
    SigningKeyError where the key cannot be read.
    """
    told = _read_told(notifier, run_id, period, now)
    latest = find_latest(notifier.engine, run_id)
    if latest and notifier.marks.get(run_id) == (told.mark, latest.id) and _is_kept(notifier, period, latest):
        return latest
    sequence, documents = notifier.register.everything(now)
    changes = _find_changes(notifier, told, documents)
    while True:
        edition = Edition(
            period=period,
            revision=latest.revision + 1 if latest else 1,
            sequence=sequence,
            made_at=now,
            last_day_of_use=told.last_day,
            profile=told.profile,
            commission_number=told.commission_number,
        )
        content = digest_content(edition, documents, changes=changes, key=told.key)
        if not (latest and latest.content == content and _is_kept(notifier, period, latest)):
            package = build_package(edition, documents, changes=changes, key=told.key)
            made = _keep(notifier, run_id, edition, content, package)
            if made is None:
                latest = find_latest(notifier.engine, run_id)
                continue
            latest = made
        notifier.marks[run_id] = told.mark, latest.id
        return latest


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
    """The bytes of `name` in a package's folder: a file that its manifest gives, the manifest itself, its signature or
    the checksums. Raises FileRefused for any other name, and for bytes that are not those the manifest proves."""
    manifest, listed = _read_manifest(folder)
    if name == MANIFEST:
        return manifest
    if name not in listed and name not in UNLISTED:
        raise FileRefused("名单包中没有这个文件")
    if name not in PROOFS and not (folder / LIST_JSON).exists():
        raise FileRefused("这一次修订已被取代，内容已清除，只保留清单和签名备查")
    content = _read_bytes(folder / name)
    if name == SIGNATURE:
        whole = read_verify_key(read_package_file(folder, PUBLIC_KEY)).confirms(content, manifest)
    elif name == CHECKSUMS:
        whole = content == _sum_up(folder, manifest, listed)
    else:
        whole = sha256(content).hexdigest() == listed[name]
    if not whole:
        raise FileRefused("文件与清单的校验值不符，可能已损坏，请联系管理员")
    return content


def list_package_files(folder: Path) -> list[str]:
    """The names of all files of a package, in order. Raises FileRefused where it is not in its place."""
    _, listed = _read_manifest(folder)
    return sorted(listed.keys() | {name for name in UNLISTED if (folder / name).is_file()})


def _read_manifest(folder: Path) -> tuple[bytes, Mapping[str, str]]:
    """The bytes of the manifest, and the digests of the files that it gives, by name."""
    manifest = _read_bytes(folder / MANIFEST)
    try:
        return manifest, {file["name"]: file["sha256"] for file in json.loads(manifest)["files"]}
    except (ValueError, KeyError, TypeError):
        raise FileRefused("名单包的清单已损坏，请联系管理员") from None


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise FileRefused("名单包的文件不在原处，或者读不到，请联系管理员") from None


def _sum_up(folder: Path, manifest: bytes, listed: Mapping[str, str]) -> bytes:
    sums = {**listed, MANIFEST: sha256(manifest).hexdigest()}
    if json.loads(manifest)["signature"]:
        sums[SIGNATURE] = sha256(_read_bytes(folder / SIGNATURE)).hexdigest()
    return format_sums(sums).encode()


# --- what is said beside the entries -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """All that a package says beside the entries. `before` are the revisions of the last quarter's run, the newest first;
    `recalls` went out since the oldest. `mark` is equal where nothing of it, and no entry, can have changed."""

    profile: Profile
    last_day: date
    commission_number: str
    key: SigningKey | None
    before: tuple[_Earlier, ...]
    recalls: tuple[Recalled, ...]
    mark: Hashable


@dataclass(frozen=True, slots=True)
class _Earlier:
    """A revision of an earlier quarter's run."""

    period: Period
    revision: Revision


def _read_told(notifier: Notifier, run_id: int, period: Period, now: datetime) -> _Told:
    # Before the entries are read: what changes in between makes another mark the next time.
    state = notifier.register.mark(now)
    profile = notifier.register.profile(now)
    last_day = last_day_of_use(day_of(now), notifier.workdays)
    key = notifier.signing_key
    key = open_signing_key(key) if isinstance(key, Path) else key
    number = _find_number(notifier, run_id, period)
    before = _find_before(notifier, run_id, period)
    recalls = _find_recalls(notifier, before[-1].revision if before else None)
    signed_by = key.public.fingerprint if key else None
    newest = before[0].revision.id if before else None
    return _Told(
        profile=profile,
        last_day=last_day,
        commission_number=number,
        key=key,
        before=before,
        recalls=recalls,
        mark=(state, profile, last_day, number, signed_by, newest, recalls),
    )


def _find_number(notifier: Notifier, run_id: int, period: Period) -> str:
    """The commission number of a run: the one it has, else the one of the settings, which is its from then on."""
    number = fill_number(notifier.commission_number, period)
    with Session(notifier.engine) as session:
        known = session.scalar(select(RunRow.commission_number).where(RunRow.id == run_id))
    if known or not number:
        return known or ""
    unnumbered = update(RunRow).where(RunRow.id == run_id, RunRow.commission_number.is_(None))
    with Session(notifier.engine) as session, session.begin():
        session.execute(unnumbered.values(commission_number=number))
        return session.scalar(select(RunRow.commission_number).where(RunRow.id == run_id)) or ""


def _find_before(notifier: Notifier, run_id: int, period: Period) -> tuple[_Earlier, ...]:
    """The revisions of the newest earlier run of the same kind that has any, the newest first."""
    kind = select(RunRow.kind).where(RunRow.id == run_id).scalar_subquery()
    earlier = (
        select(func.max(RunRow.period))
        .join(PackageRow, PackageRow.run_id == RunRow.id)
        .where(RunRow.period < str(period), RunRow.kind == kind)
        .scalar_subquery()
    )
    query = (
        select(PackageRow, RunRow.period)
        .join(RunRow, RunRow.id == PackageRow.run_id)
        .where(RunRow.period == earlier, RunRow.kind == kind)
        .order_by(PackageRow.revision.desc())
    )
    with Session(notifier.engine) as session:
        return tuple(_Earlier(Period.parse(name), to_revision(row)) for row, name in session.execute(query))


def _find_recalls(notifier: Notifier, first: Revision | None) -> tuple[Recalled, ...]:
    """Those since a revision, in the order in which they were made; all where there is none."""
    # A clarification is no change of the list.
    query = select(RecallRow).where(RecallRow.type.in_(tuple(ChangeType))).order_by(RecallRow.id)
    if first is not None:
        # By time as well: a list that was restored from a backup counts its changes from a lower number on.
        query = query.where(or_(RecallRow.sequence > first.sequence, RecallRow.made_at >= first.made_at))
    with Session(notifier.engine) as session:
        return tuple(
            Recalled(record=row.record, case_number=row.case_number, gone=row.type == ChangeType.GONE)
            for row in session.scalars(query)
        )


def _find_changes(notifier: Notifier, told: _Told, documents: Sequence[Document]) -> Changes:
    """Against the newest list of the last quarter that is still there and whole."""
    for one in told.before:
        try:
            listed = read_entries(
                read_package_file(package_folder(notifier.folder, one.period, one.revision), LIST_JSON)
            )
        except (FileRefused, KeyError, TypeError, ValueError):
            continue
        return repeat(compare(one.period, listed, documents), documents, told.recalls)
    return repeat(NO_CHANGES, documents, told.recalls)


# --- keeping -----------------------------------------------------------------------------------------------------


def _is_kept(notifier: Notifier, period: Period, revision: Revision) -> bool:
    return (package_folder(notifier.folder, period, revision) / LIST_JSON).is_file()


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

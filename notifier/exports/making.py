"""What an export consists of: the files, what is said of them, and the proof. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import PurePath
from typing import Any

from notifier.exports.fields import Departure, Entry, Repair
from notifier.exports.profile import Format, Mode, Profile
from notifier.exports.sheets import SHEET_ROWS, RowRefused, Table, build_table, write_files
from notifier.package.edition import TRAINING_MARK, chinese_date
from notifier.package.lists import to_bytes
from notifier.package.manifest import describe_court, sign_and_sum
from notifier.package.names import MANIFEST, PUBLIC_KEY, SIGNATURE
from notifier.signing import ALGORITHM, SigningKey
from search_index.day import SHANGHAI, day_of
from search_index.profile import Profile as Court

FORMAT = "gongshi-export/1"
READ_ME = "说明.txt"
_MEDIA_TYPES = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".csv": "text/csv",
    ".xml": "application/xml",
    ".xsd": "application/xml",
    ".txt": "text/plain; charset=utf-8",
    ".pem": "application/x-pem-file",
}


class TooManyRows(Exception):
    """More rows than a sheet takes. The message (Chinese) says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What goes into an export: the state of the list at `sequence`, or what changed since `since`."""

    mode: Mode
    since: int | None
    sequence: int
    made_at: datetime
    court: Court
    entries: Sequence[Entry]
    departures: Sequence[Departure]
    repairs: Sequence[Repair]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """The files of an export by name, how many rows they have, and which were refused."""

    files: Mapping[str, bytes]
    counts: Mapping[str, int]
    refused: tuple[RowRefused, ...]

    @property
    def manifest_sha256(self) -> str:
        return sha256(self.files[MANIFEST]).hexdigest()


def make_export(profile: Profile, form: Format, selection: Selection, key: SigningKey) -> Export:
    """The export of a selection in one format. The same inputs give the same bytes. Raises TooManyRows."""
    tables = _build_tables(profile, selection)
    if form == "xlsx" and any(len(table.rows) > SHEET_ROWS for table in tables):
        raise TooManyRows(f"超过 {SHEET_ROWS} 行，XLSX 放不下：请改用 --format csv 或者 xml")
    about = _describe_root(profile, selection)
    files: dict[str, bytes] = {}
    for table in tables:
        files |= write_files(profile, table, form, about, is_training=selection.court.training)
    files[READ_ME] = _build_read_me(profile, selection).encode()
    files[PUBLIC_KEY] = key.public.pem
    refused = tuple(refusal for table in tables for refusal in table.refused)
    counts = _count(selection, tables)
    files[MANIFEST] = _build_manifest(profile, form, selection, counts, refused, files, key)
    return Export(files={**files, **sign_and_sum(files, key)}, counts=counts, refused=refused)


def last_day_of_use(profile: Profile, made_at: datetime) -> date:
    """The last day on which the platform may go by an export without a newer one."""
    return day_of(made_at) + timedelta(days=profile.use_days)


def _build_tables(profile: Profile, selection: Selection) -> list[Table]:
    entries = build_table(profile, "entry", selection.entries)
    tables = [entries]
    if selection.mode == "increment":
        # What cannot be told as it is now must not go on as it was.
        stale = [
            Departure(record=one.record, at=selection.made_at, publisher=selection.court.court)
            for one in entries.refused
        ]
        tables.append(build_table(profile, "departure", [*selection.departures, *stale]))
    if profile.has_repairs:
        tables.append(build_table(profile, "repair", selection.repairs))
    return tables


def _count(selection: Selection, tables: Sequence[Table]) -> dict[str, int]:
    rows = {table.part: len(table.rows) for table in tables}
    return {
        "entries": rows["entry"],
        "departures": rows.get("departure", 0),
        "repairs": rows.get("repair", 0),
        "refused": sum(len(table.refused) for table in tables),
    }


def _describe_root(profile: Profile, selection: Selection) -> dict[str, str]:
    return {
        "profile": profile.name,
        "version": str(profile.version),
        "mode": selection.mode,
        "since": "" if selection.since is None else str(selection.since),
        "sequence": str(selection.sequence),
        "madeAt": _write_time(selection.made_at),
        "notToBeUsedAfter": last_day_of_use(profile, selection.made_at).isoformat(),
        "training": "true" if selection.court.training else "false",
    }


def _build_manifest(
    profile: Profile,
    form: Format,
    selection: Selection,
    counts: Mapping[str, int],
    refused: Sequence[RowRefused],
    files: Mapping[str, bytes],
    key: SigningKey,
) -> bytes:
    body = {
        "format": FORMAT,
        "profile": profile.name,
        "title": profile.title,
        "version": profile.version,
        "mode": selection.mode,
        "file_format": form,
        "encoding": profile.encoding if form == "csv" else "utf-8",
        "since": selection.since,
        "sequence": selection.sequence,
        "made_at": _write_time(selection.made_at),
        "not_to_be_used_after": last_day_of_use(profile, selection.made_at).isoformat(),
        "training": selection.court.training,
        "counts": dict(counts),
        "refused": [{"record": one.record, "heading": one.heading, "reason": one.why} for one in refused],
        "court": describe_court(selection.court),
        "signature": {
            "algorithm": ALGORITHM,
            "over": MANIFEST,
            "file": SIGNATURE,
            "public_key": PUBLIC_KEY,
            "public_key_sha256": key.public.fingerprint,
        },
        "files": [_describe_file(name, content) for name, content in sorted(files.items())],
    }
    return to_bytes(body)


def _describe_file(name: str, content: bytes) -> dict[str, Any]:
    return {
        "name": name,
        "bytes": len(content),
        "sha256": sha256(content).hexdigest(),
        "media_type": _MEDIA_TYPES[PurePath(name).suffix],
    }


def _build_read_me(profile: Profile, selection: Selection) -> str:
    court, last = selection.court, chinese_date(last_day_of_use(profile, selection.made_at))
    mark = TRAINING_MARK if selection.court.training else ""
    if selection.mode == "full":
        which = f"全量：截至公开序号{selection.sequence}的全部失信信息。请以本名单整体替换此前的数据，名单中没有的一律删除。"
    else:
        which = (
            f"增量：公开序号{selection.since}之后、至{selection.sequence}的变动。请先按“退出”文件删除，再按公开编号新增或者覆盖"
            "“名单”文件中的条目；同一编号在两个文件中都有的，以名单为准；退出文件中没有收到过的编号，不必处理。"
        )
    lines = [
        f"{mark}{court.court}失信被执行人名单（供{profile.title}）",
        which,
        "条目退出的，请在收到后一个工作日内从本单位系统和各下级用户处删除，并停止据此采取的措施；退出文件不含个人信息。",
        "名单中注明停止使用时间的，到时即不得再使用该条，不必等待通知。",
        f"{last}后没有收到新的全量或者增量的，不得再使用，请向本院索取。本名单免费提供，不得用于营利。",
        f"核对：sha256sum -c SHA256SUMS；签名见{MANIFEST}和{SIGNATURE}，公钥指纹请与本院另行告知的核对。",
    ]
    if profile.has_repairs:
        lines.insert(3, "“信用修复”文件是有关单位已经同意修复的失信信息编号、决定日期和文号，不含姓名。")
    contact = f"联系：{court.court}" + (f"，电话{court.telephone}" if court.telephone else "")
    return "\r\n".join((*lines, contact, ""))


def _write_time(moment: datetime) -> str:
    return moment.astimezone(SHANGHAI).isoformat(timespec="seconds")

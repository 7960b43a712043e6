"""What was refused, in a file of the same format that can be corrected and imported again."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from registry.intake.build import QUARANTINE_KEY
from registry.intake.headers import IGNORED_TITLES, QUARANTINE_TITLES, fold_title
from registry.intake.jsontext import RepeatedKeys, check_object, decode, encode
from registry.intake.model import FieldError, Format, Intake, Raw, Refused
from search_index.modes import open_private

_OWN_TITLES = frozenset(fold_title(title) for title in QUARANTINE_TITLES) & IGNORED_TITLES
_LONG_NUMBER = 12


class Quarantine:
    """Writes refused lines as they come. The file is made with the first one, readable by its owner only (0600).

    `name` is the file's name without its ending, which follows the format. An existing file of that name is replaced.
    """

    def __init__(self, intake: Intake, folder: Path, name: str) -> None:
        self._is_table = intake.format in (Format.CSV, Format.XLSX)
        self._path = folder / f"{name}.{'csv' if self._is_table else 'jsonl'}"
        own = [i for i, title in enumerate(intake.header) if fold_title(title) in _OWN_TITLES]
        self._own_columns = frozenset(own)
        self._header = self._leave_out(intake.header)
        self._stream: TextIO | None = None

    def add(self, refused: Refused) -> None:
        """Write one line. Raises OSError when the folder cannot be written."""
        stream = self._stream or self._open()
        if self._is_table:
            cells = refused.raw if isinstance(refused.raw, tuple) else (refused.raw,)
            told = (str(refused.line), refused.field, refused.reason)
            csv.writer(stream).writerow([*told, *map(_guard, self._leave_out(cells))])
        else:
            stream.write(encode(_mark(refused)) + "\n")

    def close(self) -> Path | None:
        """Finish the file; its path, None when nothing was refused."""
        if self._stream is None:
            return None
        self._stream.close()
        return self._path

    def _open(self) -> TextIO:
        # Made anew, so that an old file's permissions, or a link in its place, decide nothing.
        self._path.unlink(missing_ok=True)
        descriptor = open_private(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW)
        encoding = "utf-8-sig" if self._is_table else "utf-8"
        self._stream = os.fdopen(descriptor, "w", encoding=encoding, errors="replace", newline="")
        if self._is_table:
            csv.writer(self._stream).writerow([*QUARANTINE_TITLES, *self._header])
        return self._stream

    def _leave_out(self, cells: Iterable[str]) -> tuple[str, ...]:
        return tuple(cell for index, cell in enumerate(cells) if index not in self._own_columns)


def write_quarantine(intake: Intake, refused: Iterable[Refused], folder: Path, name: str) -> Path | None:
    """Write all of `refused` to a file in `folder`; its path, None when there was nothing to write. Raises OSError."""
    quarantine = Quarantine(intake, folder, name)
    try:
        for item in refused:
            quarantine.add(item)
    finally:
        path = quarantine.close()
    return path


def _mark(refused: Refused) -> dict[str, Any]:
    told = {"line": refused.line, "field": refused.field, "reason": refused.reason}
    text = refused.raw if isinstance(refused.raw, str) else ",".join(refused.raw)
    body = _find_body(text)
    if body is None:
        return {QUARANTINE_KEY: {**told, "text": _find_text(text)}}
    return {**{key: value for key, value in body.items() if key != QUARANTINE_KEY}, QUARANTINE_KEY: told}


def _find_body(text: Raw) -> dict[str, Any] | None:
    """The object that a line holds, when writing it again loses nothing of it."""
    try:
        body = decode(str(text))
        if not isinstance(body, dict) or isinstance(body, RepeatedKeys) or body.keys() <= {QUARANTINE_KEY}:
            return None
        check_object(body)
    except FieldError:
        return None
    return body


def _find_text(text: str) -> str:
    """The text of a line that holds no record; that of its first quarantine when it comes through a second time."""
    try:
        body = decode(text)
    except FieldError:
        return text
    told = body.get(QUARANTINE_KEY) if isinstance(body, dict) else None
    kept = told.get("text") if isinstance(told, dict) else None
    return kept if isinstance(kept, str) else text


def _guard(cell: str) -> str:
    # Spreadsheets run what looks like a formula and cut what looks like a long number; the import takes this off again.
    if not cell.strip():
        return cell  # An apostrophe alone would come back as what the cell says.
    is_number = len(cell) >= _LONG_NUMBER and cell.isdigit()
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "'") or is_number else cell

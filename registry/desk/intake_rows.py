"""What an import refused, as rows whose fields can be put right, and the file that is imported again.

A quarantine file has the format of the file it came from. Only its first rows are edited at a time; the new file holds
them and every other row as it was, so that nothing of a file is lost on the way.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from registry.intake import LABELS, parse_field
from registry.intake.build import QUARANTINE_KEY
from registry.intake.headers import QUARANTINE_TITLES, TITLES, fold_title
from registry.record import Conduct
from registry.values import InvalidValue
from search_index.modes import open_private

ROWS = 20
_LONGEST_CELL = 20_000
_TEXT = "text"
_WHOLE_LINE = "整行内容"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A field of a refused row. `name` is what its input is called, `value` what the file says, `is_wrong` whether it is the
    one that was refused."""

    name: str
    label: str
    value: str
    is_wrong: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRow:
    """A refused row: its line in the file it came from, the field and the reason, and what it says."""

    index: int
    line: str
    field: str
    reason: str
    cells: tuple[Cell, ...]


def read_rows(path: Path, limit: int = ROWS) -> list[RefusedRow]:
    """The first rows of a quarantine file. Raises OSError."""
    with _open_to_read(path) as file:
        if path.suffix == ".csv":
            return list(islice(_table_rows(file), limit))
        return [_json_row(index, line) for index, line in enumerate(islice(file, limit))]


def write_corrected(source: Path, target: Path, typed: Mapping[str, str], limit: int = ROWS) -> int:
    """Write `source` again to `target`, its first rows as they were typed; how many rows it has. Rows whose `drop.<index>`
    is filled in are left out. Raises OSError."""
    with (
        _open_to_read(source) as file,
        _open_to_write(target, "utf-8-sig" if source.suffix == ".csv" else "utf-8") as new,
    ):
        if source.suffix == ".csv":
            return _copy_table(file, new, typed, limit)
        count = 0
        for index, line in enumerate(file):
            if index < limit and typed.get(f"drop.{index}"):
                continue
            new.write(_corrected_line(index, line, typed) if index < limit else line)
            count += 1
        return count


# JSON -------------------------------------------------------------------------------------------------------------


def _json_row(index: int, line: str) -> RefusedRow:
    body, told = _split(line)
    field = str(told.get("field", ""))
    if body is None:
        text = str(told.get(_TEXT, ""))
        cells: tuple[Cell, ...] = (Cell(name=f"{index}.{_TEXT}", label=_WHOLE_LINE, value=text, is_wrong=True),)
    else:
        keys = [*body, *([field] if field in LABELS and field not in body else [])]
        cells = tuple(
            Cell(
                name=f"{index}.{position}",
                label=LABELS.get(key, key),
                value=_write_json(key, body.get(key)),
                is_wrong=key == field,
            )
            for position, key in enumerate(keys)
        )
    return RefusedRow(
        index=index,
        line=str(told.get("line", "")),
        field=_label(field),
        reason=str(told.get("reason", "")),
        cells=cells,
    )


def _corrected_line(index: int, line: str, typed: Mapping[str, str]) -> str:
    body, told = _split(line)
    if body is None:
        text = typed.get(f"{index}.{_TEXT}")
        if text is None or text == told.get(_TEXT, ""):
            return line
        return " ".join(text.split("\n")) + "\n"
    field = str(told.get("field", ""))
    keys = [*body, *([field] if field in LABELS and field not in body else [])]
    corrected = {}
    for position, key in enumerate(keys):
        value = body.get(key)
        text = typed.get(f"{index}.{position}")
        if text is not None and text != _write_json(key, value):
            value = _read_json(key, text)
        if value is not None:
            corrected[key] = value
    return json.dumps(corrected, ensure_ascii=False) + "\n"


def _split(line: str) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The body of a quarantined line, None where it holds none, and what was told of it."""
    body = json.loads(line)
    told = body.pop(QUARANTINE_KEY, {})
    told = told if isinstance(told, dict) else {}
    return (None if _TEXT in told else body), told


def _write_json(key: str, value: Any) -> str:
    """A value of a line as a person types it; what is neither a text nor in a form of ours, as it stands there."""
    if value is None:
        return ""
    if isinstance(value, str):
        # A text box gives every line end as CR LF, and the page then gives it back as LF.
        return value.replace("\r\n", "\n")
    if key == "conduct" and isinstance(value, list) and all(one in set(Conduct) for one in value):
        return "；".join(Conduct(one).text for one in value)
    if key == "applicant" and isinstance(value, dict) and all(isinstance(one, str) for one in value.values()):
        return "，".join(value[part] for part in ("name", "phone") if value.get(part))
    return json.dumps(value, ensure_ascii=False)


def _read_json(key: str, text: str) -> Any:
    """What was typed for a key, as the format has it; the text itself where that cannot be, for the import to refuse."""
    if not text.strip():
        return None
    if text[:1] in "[{":
        try:
            return json.loads(text)
        except ValueError:
            return text
    if key not in LABELS:
        return text
    try:
        return parse_field(key, text)
    except (InvalidValue, ValueError):
        return [text] if key == "conduct" else text


# Tables -----------------------------------------------------------------------------------------------------------


def _table_rows(file: TextIO) -> Iterator[RefusedRow]:
    rows = csv.reader(file)
    header = next(rows, [])
    own = len(QUARANTINE_TITLES)
    titles = header[own:]
    for index, row in enumerate(rows):
        line, field, reason = (*row[:own], "", "", "")[:own]
        cells = [
            Cell(name=f"{index}.{place}", label=title, value=value, is_wrong=_is_title_of(title, field))
            for place, (title, value) in enumerate(
                zip(titles, map(_unguard, _pad(row[own:], len(titles))), strict=False)
            )
        ]
        if field in LABELS and not any(cell.is_wrong for cell in cells):
            cells.append(Cell(name=f"{index}.+{field}", label=LABELS[field], value="", is_wrong=True))
        yield RefusedRow(index=index, line=line, field=_label(field), reason=reason, cells=tuple(cells))


def _copy_table(file: TextIO, new: TextIO, typed: Mapping[str, str], limit: int) -> int:
    rows, writer = csv.reader(file), csv.writer(new)
    titles = next(rows, [])[len(QUARANTINE_TITLES) :]
    added = sorted({name.partition(".+")[2] for name in typed if ".+" in name} & LABELS.keys())
    writer.writerow([*titles, *(LABELS[key] for key in added)])
    count = 0
    for index, row in enumerate(rows):
        if index < limit and typed.get(f"drop.{index}"):
            continue
        cells = _pad(row[len(QUARANTINE_TITLES) :], len(titles))
        if index < limit:
            cells = [_typed_cell(typed, f"{index}.{place}", cell) for place, cell in enumerate(cells)]
        writer.writerow([*cells, *(_guard(typed.get(f"{index}.+{key}", "")) for key in added)])
        count += 1
    return count


def _typed_cell(typed: Mapping[str, str], name: str, kept: str) -> str:
    text = typed.get(name)
    return kept if text is None or text == _unguard(kept) else _guard(text)


def _pad(cells: Sequence[str], width: int) -> list[str]:
    return [*cells, *[""] * (width - len(cells))]


def _guard(cell: str) -> str:
    # The import takes an apostrophe off again; a cell that begins with one keeps it so.
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "'")) else cell


def _unguard(cell: str) -> str:
    return cell[1:] if len(cell) > 1 and cell.startswith("'") else cell


def _is_title_of(title: str, field: str) -> bool:
    key = TITLES.get(fold_title(title))
    return key is not None and (key == field or (key == "number" and field in ("id_number", "uscc")))


def _label(field: str) -> str:
    return LABELS.get(field, field)


def read_typed(form: Mapping[str, str]) -> dict[str, str]:
    """What a form says of cells, line ends as "\\n", each no longer than a field may be."""
    return {
        name: text.replace("\r\n", "\n").replace("\r", "\n")[:_LONGEST_CELL]
        for name, text in form.items()
        if name.partition(".")[0].isdigit() or name.startswith("drop.")
    }


@contextmanager
def _open_to_read(path: Path) -> Iterator[TextIO]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, encoding="utf-8-sig", newline="" if path.suffix == ".csv" else "\n") as file:
        yield file


@contextmanager
def _open_to_write(path: Path, encoding: str) -> Iterator[TextIO]:
    descriptor = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "w", encoding=encoding, newline="") as file:
        yield file

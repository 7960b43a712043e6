"""How long the way of a list takes: import in four formats, approval, publication, index; and what memory it needs.

    python benchmarks/intake.py [--lines 100000] [--keep FOLDER]

Every step runs in a process of its own, as a person would run it, so its peak memory is its own. Beside each import
stands the bare cost of reading the same file in the same run (json.loads a line, json.load, csv.reader, openpyxl): that
ratio, of processor seconds, survives a change of machine and a busy one; seconds do not. Nothing is asserted about time.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import openpyxl
import xlsxwriter

from gongshi.clock import World, system_now
from gongshi.court import Court
from gongshi.pump import Progress, Pump, quiet
from gongshi.settings import read_settings
from gongshi.synthetic import generate
from registry.intake import LABELS
from registry.record import Conduct, Kind

SEED = 2026
CLERK, REVIEWER = "clerk", "reviewer"
FILES = {"JSON Lines": "list.jsonl", "national JSON": "national.json", "CSV": "list.csv", "XLSX": "list.xlsx"}
_KIND_CODE = {Kind.PERSON.value: "580", Kind.ORGANISATION.value: "581"}
_NATIONAL = {
    "national_reference": "id",
    "name": "iname",
    "case_number": "caseCode",
    "gender": "sexy",
    "legal_representative": "businessEntity",
    "court": "courtName",
    "region": "areaName",
    "basis_number": "gistId",
    "filed_on": "regDate",
    "basis_issuer": "gistUnit",
    "obligation": "duty",
    "performance": "performance",
    "performed_part": "performedPart",
    "unperformed_part": "unperformPart",
}

Entry = dict[str, Any]


# --- the same list in four formats -------------------------------------------------------------------------------


def write_files(folder: Path, lines: int, today: date) -> None:
    """The synthetic list as JSON Lines, as a document of the national platform, as CSV and as XLSX."""
    with (folder / FILES["JSON Lines"]).open("w", encoding="utf-8") as file:
        for entry in generate(lines, SEED, today):
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
    _write_national(folder / FILES["national JSON"], generate(lines, SEED, today))
    _write_csv(folder / FILES["CSV"], generate(lines, SEED, today))
    _write_xlsx(folder / FILES["XLSX"], generate(lines, SEED, today))


def _write_national(path: Path, entries: Iterable[Entry]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write('{"status": "0", "data": [{"result": [\n')
        for number, entry in enumerate(entries):
            file.write(("" if number == 0 else ",\n") + json.dumps(_as_national(entry), ensure_ascii=False))
        file.write("\n]}]}\n")


def _as_national(entry: Entry) -> Entry:
    record = {name: entry[key] for key, name in _NATIONAL.items() if entry.get(key)}
    return {
        **record,
        "partyTypeName": _KIND_CODE[entry["kind"]],
        "cardNum": entry.get("id_number") or entry.get("uscc"),
        "disruptTypeName": ",".join(Conduct(code).text for code in entry["conduct"]),
    }


def _write_csv(path: Path, entries: Iterable[Entry]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(_as_table(entries))


def _write_xlsx(path: Path, entries: Iterable[Entry]) -> None:
    with xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(_as_table(entries)):
            for column, cell in enumerate(row):
                sheet.write_string(number, column, cell)


def _as_table(entries: Iterable[Entry]) -> Iterator[list[str]]:
    keys = [key for key in LABELS if key != "applicant"]
    yield [*(LABELS[key] for key in keys), "申请执行人", "申请执行人电话"]
    for entry in entries:
        applicant = entry.get("applicant", {})
        conduct = "；".join(Conduct(code).text for code in entry["conduct"])
        cells = {**entry, "conduct": conduct}
        yield [*(cells.get(key, "") for key in keys), applicant.get("name", ""), applicant.get("phone", "")]


# --- the bare cost of reading a file -----------------------------------------------------------------------------


def _read_lines(path: Path) -> int:
    with path.open(encoding="utf-8") as file:
        return sum(1 for line in file if json.loads(line))


def _read_document(path: Path) -> int:
    with path.open(encoding="utf-8") as file:
        return len(json.load(file)["data"][0]["result"])


def _read_csv(path: Path) -> int:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def _read_xlsx(path: Path) -> int:
    book = openpyxl.load_workbook(path, read_only=True)
    return sum(1 for _ in book.worksheets[0].iter_rows(values_only=True)) - 1


BARE: dict[str, Callable[[Path], int]] = {
    "JSON Lines": _read_lines,
    "national JSON": _read_document,
    "CSV": _read_csv,
    "XLSX": _read_xlsx,
}
BARE_NAME = {
    "JSON Lines": "json.loads",
    "national JSON": "json.load",
    "CSV": "csv.reader",
    "XLSX": "openpyxl",
}


# --- steps, each in a process of its own -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds by the clock on the wall, and of the processor."""

    wall: float = 0.0
    cpu: float = 0.0

    @classmethod
    def so_far(cls) -> Took:
        return cls(time.perf_counter(), time.process_time())

    def __add__(self, other: Took) -> Took:
        return Took(self.wall + other.wall, self.cpu + other.cpu)

    def __sub__(self, other: Took) -> Took:
        return Took(self.wall - other.wall, self.cpu - other.cpu)


class WatchedPump(Pump):
    """A pump that tells how long its steps took."""

    def __init__(self, court: Court) -> None:
        super().__init__(court)
        self.store_took = Took()
        self.index_took = Took()

    def feed_store(self) -> None:
        started = Took.so_far()
        super().feed_store()
        self.store_took += Took.so_far() - started

    def feed(self, progress: Progress = quiet) -> None:
        started = Took.so_far()
        super().feed(progress)
        self.index_took += Took.so_far() - started


class WatchedCourt(Court):
    """A court whose pump is watched."""

    def __init__(self) -> None:
        super().__init__(read_settings(), World())

    @cached_property
    def pump(self) -> WatchedPump:
        return WatchedPump(self)


def child(step: str, argument: str) -> None:
    """One measured step; prints what it found as one JSON object."""
    started = Took.so_far()
    if step == "publish":
        court = WatchedCourt()
        count, _, _ = court.publish()
        gate = Took.so_far() - started - court.pump.store_took - court.pump.index_took
        parts = {"gate": gate, "store": court.pump.store_took, "index": court.pump.index_took}
        court.close()
    else:
        count = BARE[step](Path(argument))
        parts = {"read": Took.so_far() - started}
    print(json.dumps({"count": count, **{name: asdict(took) for name, took in parts.items()}}))


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A process that ended well: what it took, its peak memory in MB, and the JSON object it printed."""

    took: Took
    peak: float
    found: Any


def run(arguments: list[str], home: Path, typed: str = "") -> Measured:
    """Run a Python process and wait for it. Raises CalledProcessError unless it did its work, if not on every line."""
    environment = {**os.environ, "GONGSHI_HOME": str(home)}
    for name in ("REGISTRY_URL", "DISCLOSED_URL", "NOTIFIER_URL"):
        environment.pop(f"GONGSHI_{name}", None)
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, *arguments], env=environment, stdin=subprocess.PIPE, stdout=output, cwd=_root()
        )
        assert process.stdin is not None
        process.stdin.write(typed.encode())
        process.stdin.close()
        _, status, usage = os.wait4(process.pid, 0)
        took = Took(time.perf_counter() - started, usage.ru_utime + usage.ru_stime)
        output.seek(0)
        text = output.read().decode()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1) or not text.strip():
        raise subprocess.CalledProcessError(process.returncode, arguments, text)
    peak = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)
    return Measured(took=took, peak=peak, found=json.loads(text.splitlines()[-1]))


def gongshi(home: Path, *arguments: str, typed: str = "") -> Measured:
    return run(["-m", "gongshi", *arguments, "--json"], home, typed)


def make_home(folder: Path) -> Path:
    gongshi(folder, "init")
    for name in (CLERK, REVIEWER):
        gongshi(folder, "user", "add", name, "--role", name, typed="only-for-this-benchmark\n")
    return folder


def _root() -> Path:
    return Path(__file__).resolve().parent.parent


# --- the table ---------------------------------------------------------------------------------------------------


def measure(folder: Path, lines: int) -> None:
    """Write the files, run every step and print its row."""
    write_files(folder, lines, system_now().date())
    print(f"{lines} lines · {system_now():%Y-%m-%d} · {platform.python_implementation()} {platform.python_version()}")
    print(f"{os.cpu_count()} cores · {platform.system()} {platform.machine()}\n")
    _row("step", "seconds", "processor seconds", "a second", "peak MB", "remark")
    _row("---", "---:", "---:", "---:", "---:", "---")
    homes = {name: make_home(folder / f"home-{number}") for number, name in enumerate(FILES)}
    for name, home in homes.items():
        _measure_import(name, folder / FILES[name], home, lines)
    home = homes["JSON Lines"]
    approved = gongshi(home, "approve", "1", "--as", REVIEWER, "--confirm", "art3", "--confirm", "redactions")
    refused = Counter(refusal["rule"] for refusal in approved.found["refused"])
    told = ", ".join(f"{count} refused: {rule}" for rule, count in refused.items())
    _result("approve", approved.took, approved.found["approved"], approved.peak, told)
    published = run([__file__, "--child", "publish", ""], home)
    for part, step in PARTS.items():
        _result(step, Took(**published.found[part]), published.found["count"], published.peak)
    rebuilt = gongshi(home, "index", "rebuild")
    _result("index rebuild", rebuilt.took, rebuilt.found["documents"], rebuilt.peak)
    replayed = gongshi(home, "index", "rebuild", "--replay")
    _result("index rebuild --replay", replayed.took, replayed.found["documents"], replayed.peak)


PARTS = {"gate": "publish: gate and journal", "store": "publish: store", "index": "publish: index"}


def _measure_import(name: str, path: Path, home: Path, lines: int) -> None:
    bare = run([__file__, "--child", name, str(path)], home)
    done = gongshi(home, "import", str(path), "--as", CLERK)
    if (bare.found["count"], done.found["accepted"]) != (lines, lines):
        raise SystemExit(f"{name}: {bare.found['count']} lines read, {done.found['accepted']} accepted, not {lines}")
    reading = Took(**bare.found["read"])
    beside = f"{done.took.cpu / reading.cpu:.0f} × {BARE_NAME[name]} ({reading.cpu:.1f} s)"
    _result(f"import {name}", done.took, lines, done.peak, beside)


def _result(step: str, took: Took, count: int, peak: float, beside: str = "") -> None:
    _row(step, f"{took.wall:.1f}", f"{took.cpu:.1f}", f"{count / took.wall:,.0f}", f"{peak:.0f}", beside)


def _row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="gongshi-benchmark-") as name:
            yield Path(name)
    else:
        keep.mkdir(parents=True)
        yield keep.absolute()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lines", type=int, default=100_000, help="lines in the list (default 100000)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="make the files and homes here, and leave them")
    parser.add_argument("--child", nargs=2, metavar=("STEP", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child)
        return
    with _folder(options.keep) as folder:
        measure(folder, options.lines)


if __name__ == "__main__":
    main()

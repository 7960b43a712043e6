"""How fast the list is read as data: CSV, snapshot, and a page of changes, beside Datasette's CSV of the same rows.

    python benchmarks/open_data.py [--entries 100000] [--rounds 5] [--parts csv,snapshot,changes] [--out FILE]
        [--datasette COMMAND]

The list is invented, and lies in a temporary folder. The site runs as `gongshi serve portal` runs it, one process, rate
limits off; Datasette as `datasette serve` runs it, on a SQLite file of the same documents without identity numbers, with its
limit on the size of a CSV taken off. All is asked over HTTP by one client of the standard library that reads to the end.
The parts take turns in every round, so that what else the machine does meets all alike. Where Datasette is not installed it
is left out, and the table says so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any

from public_list import publish
from servers import find_free_ports, read_peak, read_processor_seconds, running
from synthetic_documents import build_documents

from search_index.document import Document
from search_index.journal import SubjectChange
from search_index.readers import READER, Standing, digest_key, draw_key
from search_index.store import StoreWriter

SEED = 2026
PAGE = 1_000
_WITHHELD = "id_number"
_READY_SECONDS = 120
CSV, SNAPSHOT, CHANGES, DATASETTE = "CSV, ours", "snapshot, ours", f"changes, a page of {PAGE:,}", "CSV, Datasette"
PARTS = {"csv": CSV, "snapshot": SNAPSHOT, "changes": CHANGES}
# What the issue asks: seconds or milliseconds at most, and the most memory a process of the site may hold, in MB.
BARS = {CSV: 2.0, CHANGES: 0.050}
MOST_MEMORY = 150


# --- the list, twice -------------------------------------------------------------------------------------------------


def give_key(home: Path) -> str:
    """A reader's key, as the journal tells of it."""
    key = draw_key(Random(SEED))
    writer = StoreWriter(f"sqlite:///{home / 'public' / 'disclosed.db'}")
    body = Standing(watermark="R-BENCHMRK", acked=0).as_json()
    line = SubjectChange(
        position=writer.position() + 1, at=datetime.now(UTC), subject=READER, key=digest_key(key) or "", body=body
    )
    writer.apply([line])
    return key


def write_table(path: Path, documents: Iterable[Document]) -> None:
    """The same list as a table of SQLite, each field a column."""
    with sqlite3.connect(path) as database:
        columns: list[str] = []
        for document in documents:
            row = {name: value for name, value in document.as_json().items() if name != _WITHHELD}
            row["conduct"] = "；".join(one["text"] for one in row["conduct"])
            if not columns:
                columns = list(row)
                database.execute(f"CREATE TABLE entry ({', '.join(columns)}, PRIMARY KEY (record))")
            database.execute(f"INSERT INTO entry VALUES ({', '.join('?' * len(columns))})", list(row.values()))
    database.close()


# --- servers ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Target:
    """One of what is measured: what it asks for, of which process, and how long each answer took, in seconds."""

    name: str
    port: int
    process: int
    paths: Callable[[], Iterator[str]]
    check: Callable[[bytes], None]
    headers: dict[str, str] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)
    size: int = 0
    peak: float = 0.0
    processor: float = 0.0

    def measure(self) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=600)
        used = read_processor_seconds(self.process)
        for path in self.paths():
            started = time.perf_counter()
            connection.request("GET", path, headers=self.headers)
            answer = connection.getresponse()
            body = answer.read()
            self.took.append(time.perf_counter() - started)
            if answer.status != 200:
                raise SystemExit(f"{answer.status}: {self.name}")
            self.check(body)
            self.size = max(self.size, len(body))
        connection.close()
        self.processor += read_processor_seconds(self.process) - used
        self.peak = read_peak(self.process)


@contextmanager
def start(
    folder: Path, key: str, entries: int, parts: list[str], datasette: list[str] | None
) -> Iterator[list[Target]]:
    """Everything that is compared, ready to answer. Each of ours has a server of its own, so that its memory is its own."""
    headers = {"Authorization": f"Bearer {key}"}
    asked = {
        "csv": (lambda: iter(["/api/v1/entries.csv"]), lambda body: check_csv(body, entries)),
        "snapshot": (lambda: iter(["/api/v1/snapshot"]), lambda body: check_snapshot(body, entries)),
        "changes": (
            lambda: (f"/api/v1/changes?since={since}&limit={PAGE}" for since in range(0, entries, PAGE)),
            lambda body: None,
        ),
    }
    python = sys.executable
    with ExitStack() as stack:
        targets = []
        for part in parts:
            (port,) = find_free_ports(1)
            command = [python, "-m", "gongshi", "serve", "portal", "--bind", f"127.0.0.1:{port}", "--workers", "1"]
            process = stack.enter_context(running(command, folder / "home"))
            paths, check = asked[part]
            targets.append(
                Target(name=PARTS[part], port=port, process=process, paths=paths, check=check, headers=headers)
            )
        if datasette and "csv" in parts:
            (port,) = find_free_ports(1)
            command = [
                *datasette,
                "serve",
                str(folder / "list.db"),
                "--port",
                str(port),
                "--setting",
                "max_csv_mb",
                "0",
            ]
            process = stack.enter_context(running(command, folder / "home"))
            targets.append(
                Target(
                    name=DATASETTE,
                    port=port,
                    process=process,
                    paths=lambda: iter(["/list/entry.csv?_stream=on&_size=max"]),
                    check=lambda body: check_rows(body, entries),
                )
            )
        for target in targets:
            _wait_until_ready(target.port)
        yield targets


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return
        finally:
            connection.close()
    raise SystemExit("a server does not start")


# --- whether what came is whole --------------------------------------------------------------------------------------


def check_csv(body: bytes, entries: int) -> None:
    at = body.rindex(b"#END")
    _, rows, digest, *_ = body[at:].decode().split(",")
    _require(int(rows) == entries and digest == sha256(body[:at]).hexdigest())


def check_snapshot(body: bytes, entries: int) -> None:
    at = body.rindex(b"\n", 0, -1) + 1
    end = json.loads(body[at:])
    _require(end["entries"] == entries and end["sha256"] == sha256(body[:at]).hexdigest())


def check_rows(body: bytes, entries: int) -> None:
    # A text may have more than one line.
    _require(body.count(b"SX-") >= entries)


def _require(whole: bool) -> None:
    if not whole:
        raise SystemExit("an answer is not the whole list")


# --- the table -------------------------------------------------------------------------------------------------------


def compare(folder: Path, entries: int, rounds: int, parts: list[str], datasette: list[str] | None) -> dict[str, Any]:
    """Build and measure; returns the figures."""
    publish(folder / "home", build_documents(entries, SEED))
    key = give_key(folder / "home")
    if datasette:
        write_table(folder / "list.db", build_documents(entries, SEED))
    with start(folder, key, entries, parts, datasette) as targets:
        for turn in range(rounds):
            for target in targets[turn % len(targets) :] + targets[: turn % len(targets)]:
                target.measure()
    return {
        "entries": entries,
        "rounds": rounds,
        "on": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"{platform.python_implementation()} {platform.python_version()}",
        "datasette": bool(datasette),
        "parts": {target.name: sum_up(target) for target in targets},
    }


def sum_up(target: Target) -> dict[str, float]:
    cuts = quantiles(target.took, n=20, method="inclusive") if len(target.took) > 1 else target.took * 19
    return {
        "median_ms": round(median(target.took) * 1000, 1),
        "p95_ms": round(cuts[18] * 1000, 1),
        "best_ms": round(min(target.took) * 1000, 1),
        "processor_ms": round(target.processor / len(target.took) * 1000, 1),
        "answers": len(target.took),
        "megabytes": round(target.size / 1e6, 1),
        "peak_mb": round(target.peak),
    }


def show(found: dict[str, Any]) -> None:
    print(f"{found['entries']:,} entries · {found['rounds']} rounds · {found['on']} · {found['machine']}")
    if not found["datasette"]:
        print("Datasette was left out: it is not installed (--datasette COMMAND)")
    print("\n| | median | p95 | best | processor time of the server | size | most memory of the server | wanted |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, one in found["parts"].items():
        wanted = f"{BARS[name] * 1000:,.0f} ms" if name in BARS else ""
        times = " | ".join(f"{one[key]:,.1f} ms" for key in ("median_ms", "p95_ms", "best_ms", "processor_ms"))
        print(f"| {name} | {times} | {one['megabytes']:,.1f} MB | {one['peak_mb']:,} MB | {wanted} |")
    if DATASETTE in found["parts"] and CSV in found["parts"]:
        ratio = found["parts"][DATASETTE]["median_ms"] / found["parts"][CSV]["median_ms"]
        print(f"\nDatasette's CSV takes {ratio:.1f} times as long as ours. Memory wanted: below {MOST_MEMORY} MB.")


def find_datasette(command: str) -> list[str] | None:
    """How Datasette is run, where it can be."""
    words = shlex.split(command)
    try:
        done = subprocess.run([*words, "--version"], capture_output=True, check=False)
    except OSError:
        return None
    return words if done.returncode == 0 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--entries", type=int, default=100_000, help="entries in the list (default 100000)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (default 5)")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"which of {', '.join(PARTS)} (default all)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument(
        "--datasette", default=f"{sys.executable} -m datasette", metavar="COMMAND", help="how it is run"
    )
    options = parser.parse_args()
    parts = options.parts.split(",")
    if unknown := set(parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="gongshi-benchmark-") as name:
        found = compare(Path(name), options.entries, options.rounds, parts, find_datasette(options.datasette))
    show(found)
    if options.out:
        options.out.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

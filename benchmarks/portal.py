"""How fast the site answers: its search page and its JSON, beside Datasette on the same list and a bare Flask "hello".

    python benchmarks/portal.py [--entries 100000] [--seconds 5] [--rounds 5] [--out FILE] [--datasette COMMAND]

The list is invented, and lies in a temporary folder. The site runs as `gongshi serve portal` runs it (gunicorn, two
processes, rate limits off), "hello" under the same gunicorn, Datasette as `datasette serve` runs it (it has one process)
on a SQLite file of the same documents with FTS5 over pairs of characters, the treatment that suits Chinese best.
JSON: total on, facets off, on both. Pages: total on both; two facets there, five here.

Four clients, each a process, go through the same list of distinct queries: once with a new connection for each, as visitors
come one by one, and once with one kept connection, as a program would. The five take turns
in every round, and each is given as many passes as fill the time, so that what else the machine does meets all alike.
Compare ratios, not seconds: the clients need processors too, which slows the fastest most. Beside the answers a second
stands the processor time that the server itself used for one answer; that ratio a busy machine changes least.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import re
import shlex
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any
from urllib.parse import quote

from public_list import publish
from servers import find_free_ports, read_processor_seconds, running
from synthetic_documents import build_documents

from search_index.document import Document
from search_index.folding import fold_text

SEED = 2026
CLIENTS = 4
WORKERS = 2
# Whether a client keeps its connection.
MANNERS = {"a new connection for each question": False, "one kept connection": True}
PAGE = 20
LEAST_QUERIES = 300
_READY_SECONDS = 120

HELLO, PAGE_HERE, JSON_HERE, PAGE_THERE, JSON_THERE = (
    "Flask hello",
    "page, ours",
    "JSON, ours",
    "page, Datasette",
    "JSON, Datasette",
)
# What the issue asks of the median of the rounds: a ratio of answers a second, and the least it may be.
BARS = (
    ("page: ours to Datasette", PAGE_HERE, PAGE_THERE, 5.0),
    ("JSON: ours to Datasette", JSON_HERE, JSON_THERE, 2.0),
    ("page: ours to Flask hello", PAGE_HERE, HELLO, 0.25),
)
P95_BAR = 40.0  # milliseconds, of our page


# --- the list, twice -------------------------------------------------------------------------------------------------


def write_database(path: Path, documents: Iterator[Document]) -> None:
    """The same list as a table, each field a column, and FTS5 over the pairs of characters of names and obligations."""
    first = next(documents)
    columns = list(first.as_json())
    with sqlite3.connect(path) as database:
        database.execute(f"CREATE TABLE entry ({', '.join(columns)})")
        database.execute("CREATE VIRTUAL TABLE entry_pairs USING fts5(name, obligation, content='', columnsize=0)")
        for number, document in enumerate(_chain(first, documents), 1):
            values = [_as_cell(value) for value in document.as_json().values()]
            holes = ", ".join("?" * len(columns))
            database.execute(f"INSERT INTO entry (rowid, {', '.join(columns)}) VALUES (?, {holes})", [number, *values])
            pairs = [_join_pairs(text or "") for text in (document.name, document.obligation)]
            database.execute("INSERT INTO entry_pairs (rowid, name, obligation) VALUES (?, ?, ?)", [number, *pairs])
        database.execute("INSERT INTO entry_pairs (entry_pairs) VALUES ('optimize')")
        for column in ("court", "performance"):
            database.execute(f"CREATE INDEX entry_{column} ON entry ({column})")
    database.close()


def _chain(first: Document, others: Iterator[Document]) -> Iterator[Document]:
    yield first
    yield from others


def _as_cell(value: Any) -> Any:
    return ", ".join(item["code"] for item in value) if isinstance(value, list) else value


def _join_pairs(text: str) -> str:
    """The overlapping pairs of neighbouring letters and digits, each a word; a run of one character is a word itself."""
    runs = re.findall(r"\w+", fold_text(text))
    return " ".join(run[at : at + 2] for run in runs for at in range(max(1, len(run) - 1)))


# --- what is asked ---------------------------------------------------------------------------------------------------


def draw_queries(documents: Sequence[Document]) -> list[str]:
    """Distinct queries in the proportions that people ask in: names, parts of company names, words of obligations.

    Raises SystemExit where the list is too short for 300.
    """
    random = Random(SEED)
    people = [document.name for document in documents if document.kind == "person"]
    companies = [document.name for document in documents if document.kind == "organisation" and len(document.name) > 8]
    texts = [document.obligation for document in documents if document.obligation and len(document.obligation) > 40]
    drawn = [
        *(random.choice(people) for _ in range(200)),
        *(_cut(random.choice(companies), 4, random) for _ in range(120)),
        *(random.choice(companies) for _ in range(60)),
        *(_cut(random.choice(texts), 4, random) for _ in range(60)),
        *(_draw_two(random.choice(texts), random) for _ in range(60)),
    ]
    queries = list(dict.fromkeys(query for query in drawn if all(len(word) > 1 for word in query.split())))
    if len(queries) < LEAST_QUERIES:
        raise SystemExit(f"only {len(queries)} distinct queries: take more entries")
    random.shuffle(queries)
    return queries


def _cut(text: str, length: int, random: Random) -> str:
    """Neighbouring letters of the text: what has other signs in between is cut elsewhere, or shorter."""
    runs = [run for run in re.findall(r"[^\W\d_]+", text) if len(run) >= length] or [text]
    run = random.choice(runs)
    start = random.randrange(max(1, len(run) - length + 1))
    return run[start : start + length]


def _draw_two(text: str, random: Random) -> str:
    return f"{_cut(text[:30], 3, random)} {_cut(text[30:], 3, random)}"


def _as_match(query: str) -> str:
    """The query in the language of FTS5: every word a phrase of its pairs."""
    return " AND ".join(f'"{_join_pairs(word)}"' for word in query.split())


def _ours(path: str) -> Callable[[str], str]:
    return lambda query: f"{path}?q={quote(query)}"


def _theirs(path: str, options: str) -> Callable[[str], str]:
    return lambda query: f"{path}?_search={quote(_as_match(query))}&_searchmode=raw&_size={PAGE}&{options}"


# --- servers ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """One of what is compared: where it listens, its process, and the path that a query becomes."""

    name: str
    port: int
    process: int
    path: Callable[[str], str]


def serve_hello(port: int) -> None:
    """The least that Flask can answer, under the gunicorn of the site."""
    from flask import Flask

    from gongshi.server import Server

    app = Flask("hello")
    app.add_url_rule("/", view_func=lambda: "hello")
    Server(lambda: app, f"127.0.0.1:{port}", "hello", WORKERS).run()


@contextmanager
def start(folder: Path, datasette: list[str]) -> Iterator[list[Target]]:
    """Everything that is compared, ready to answer."""
    home, (site, hello, other) = folder / "home", find_free_ports(3)
    python = sys.executable
    commands = {
        site: [python, "-m", "gongshi", "serve", "portal", "--bind", f"127.0.0.1:{site}", "--workers", str(WORKERS)],
        hello: [python, __file__, "--hello", str(hello)],
        other: [*datasette, "serve", str(folder / "list.db"), "--port", str(other), *_settings(folder)],
    }
    with ExitStack() as stack:
        processes = {port: stack.enter_context(running(command, home)) for port, command in commands.items()}
        targets = [
            Target(HELLO, hello, processes[hello], lambda _query: "/"),
            Target(PAGE_HERE, site, processes[site], _ours("/search")),
            Target(JSON_HERE, site, processes[site], _ours("/api/v1/entries")),
            Target(
                PAGE_THERE,
                other,
                processes[other],
                _theirs("/list/entry", "_facet=court&_facet=performance&_nosuggest=1"),
            ),
            Target(JSON_THERE, other, processes[other], _theirs("/list/entry.json", "_shape=objects&_nosuggest=1")),
        ]
        for target in targets:
            _wait_until_ready(target)
        yield targets


def _settings(folder: Path) -> list[str]:
    """Datasette's settings: limits of time so wide that no count and no facet is left out."""
    metadata = folder / "metadata.json"
    table = {"fts_table": "entry_pairs", "fts_pk": "rowid"}
    metadata.write_text(json.dumps({"databases": {"list": {"tables": {"entry": table}}}}))
    settings = {"sql_time_limit_ms": 20_000, "facet_time_limit_ms": 20_000, "suggest_facets": "off"}
    parts = [part for name, value in settings.items() for part in ("--setting", name, str(value))]
    return ["--metadata", str(metadata), *parts]


def _wait_until_ready(target: Target) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        try:
            Client(target.port).get("/")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{target.name} does not start")


# --- clients ---------------------------------------------------------------------------------------------------------


class Client:
    """The standard library's client: a new connection for each question, or a kept one."""

    def __init__(self, port: int, *, keep: bool = True) -> None:
        self._keep = keep
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def get(self, path: str) -> tuple[int, bytes]:
        """The status and the body. A connection that the server has closed meanwhile is opened anew."""
        try:
            return self._ask(path)
        except ConnectionError:
            self._connection.close()
            return self._ask(path)

    def _ask(self, path: str) -> tuple[int, bytes]:
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        body = answer.read()
        if not self._keep:
            self._connection.close()
        return answer.status, body


def _ask_all(job: tuple[int, bool, list[str]]) -> list[float]:
    """Ask for every path; how long each answer took, in milliseconds."""
    port, keep, paths = job
    client, took = Client(port, keep=keep), []
    for path in paths:
        started = time.perf_counter()
        status, _ = client.get(path)
        took.append((time.perf_counter() - started) * 1000)
        if status != 200:
            raise SystemExit(f"{status}: {path}")
    return took


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One turn: answers a second, processor milliseconds of the server for each, and what each took."""

    rate: float
    processor: float
    took: list[float]


def measure(pool: Any, target: Target, queries: list[str], passes: int, *, keep: bool) -> Measured:
    """One turn of a target: the list of queries `passes` times, shared out among the clients."""
    paths = [target.path(query) for query in queries] * passes
    jobs = [(target.port, keep, paths[n::CLIENTS]) for n in range(CLIENTS)]
    used, started = read_processor_seconds(target.process), time.perf_counter()
    took = [one for part in pool.map(_ask_all, jobs, chunksize=1) for one in part]
    elapsed = time.perf_counter() - started
    used = read_processor_seconds(target.process) - used
    return Measured(rate=len(paths) / elapsed, processor=used / len(paths) * 1000, took=took)


# --- the table -------------------------------------------------------------------------------------------------------


def compare(folder: Path, entries: int, rounds: int, seconds: float, datasette: list[str]) -> dict[str, Any]:
    """Build, measure and print; returns the figures."""
    queries = draw_queries(list(build_documents(entries, SEED)))
    publish(folder / "home", build_documents(entries, SEED))
    write_database(folder / "list.db", build_documents(entries, SEED))
    # Clients are forked before any thread is started here.
    with multiprocessing.get_context("fork").Pool(CLIENTS) as pool, start(folder, datasette) as targets:
        same = _count_same_totals(targets, queries)
        manners = {
            manner: take_turns(pool, targets, queries, rounds, seconds, keep=keep) for manner, keep in MANNERS.items()
        }
    return {
        "entries": entries,
        "queries": len(queries),
        "same_totals": same,
        "rounds": rounds,
        "clients": CLIENTS,
        "workers": WORKERS,
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"{platform.python_implementation()} {platform.python_version()}",
        "on": datetime.now(UTC).date().isoformat(),
        "manners": {manner: _report(measured) for manner, measured in manners.items()},
        "p95_ms": {"of": PAGE_HERE, "at_most": P95_BAR},
    }


def take_turns(
    pool: Any, targets: list[Target], queries: list[str], rounds: int, seconds: float, *, keep: bool
) -> dict[str, list[Measured]]:
    """The turns of each target, with new connections or with kept ones."""
    measured: dict[str, list[Measured]] = {target.name: [] for target in targets}
    passes = {}
    for target in targets:
        measure(pool, target, queries, 1, keep=keep)  # cold: every process compiles its templates and opens the index
        pace = measure(pool, target, queries, 1, keep=keep).rate
        passes[target.name] = max(1, round(seconds * pace / len(queries)))
    for turn in range(rounds):
        for target in targets[turn % len(targets) :] + targets[: turn % len(targets)]:
            measured[target.name].append(measure(pool, target, queries, passes[target.name], keep=keep))
    return measured


def _report(measured: dict[str, list[Measured]]) -> dict[str, Any]:
    return {
        "targets": {name: _sum_up(turns) for name, turns in measured.items()},
        "ratios": [_build_ratio(measured, *bar) for bar in BARS],
    }


def _count_same_totals(targets: list[Target], queries: list[str]) -> int:
    """For how many queries both count the same: they read words alike, but ours also reads names of representatives."""
    here, there = (next(target for target in targets if target.name == name) for name in (JSON_HERE, JSON_THERE))
    ours, theirs = Client(here.port), Client(there.port)
    return sum(
        json.loads(ours.get(here.path(query))[1])["meta"]["total"]
        == json.loads(theirs.get(there.path(query))[1])["filtered_table_rows_count"]
        for query in queries
    )


def _sum_up(turns: list[Measured]) -> dict[str, float]:
    took = [one for turn in turns for one in turn.took]
    cuts = quantiles(took, n=100, method="inclusive")
    return {
        "answers_a_second": round(median(turn.rate for turn in turns), 1),
        "p50_ms": round(cuts[49], 2),
        "p95_ms": round(cuts[94], 2),
        "processor_ms": round(median(turn.processor for turn in turns), 3),
        "answers": len(took),
    }


def _build_ratio(
    measured: dict[str, list[Measured]], title: str, over: str, under: str, at_least: float
) -> dict[str, Any]:
    """The ratio of each round, in the middle and at its worst; and that of processor time, the other way about."""
    pairs = list(zip(measured[over], measured[under], strict=True))
    rates = [one.rate / other.rate for one, other in pairs]
    processor = median(other.processor / one.processor for one, other in pairs)
    return {
        "title": title,
        "ratio": round(median(rates), 3),
        "least": round(min(rates), 3),
        "of_processor_time": round(processor, 3),
        "at_least": at_least,
    }


def show(found: dict[str, Any]) -> None:
    print(
        f"{found['entries']} entries · {found['queries']} queries, {found['same_totals']} with the same total · ",
        end="",
    )
    print(f"{found['clients']} clients · {found['rounds']} rounds · {found['on']} · {found['machine']}")
    for manner, report in found["manners"].items():
        print(f"\n{manner}:\n")
        _row("", "answers a second", "p50 ms", "p95 ms", "processor ms an answer")
        _row("---", "---:", "---:", "---:", "---:")
        for name, one in report["targets"].items():
            cells = (one["answers_a_second"], one["p50_ms"], one["p95_ms"], one["processor_ms"])
            _row(name, *(f"{cell:,}" for cell in cells))
        print()
        _row("ratio of answers a second", "middle", "least", "of processor time", "wanted")
        _row("---", "---:", "---:", "---:", "---:")
        for ratio in report["ratios"]:
            cells = (ratio["ratio"], ratio["least"], ratio["of_processor_time"])
            _row(ratio["title"], *(f"{cell:.2f}" for cell in cells), f"{ratio['at_least']:g}")


def _row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--entries", type=int, default=100_000, help="entries in the list (default 100000)")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long a turn is to take (default 5)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (default 5)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument(
        "--datasette", default=f"{sys.executable} -m datasette", metavar="COMMAND", help="how it is run"
    )
    parser.add_argument("--hello", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.hello:
        serve_hello(options.hello)
        return
    with tempfile.TemporaryDirectory(prefix="gongshi-benchmark-") as name:
        found = compare(Path(name), options.entries, options.rounds, options.seconds, shlex.split(options.datasette))
    show(found)
    if options.out:
        options.out.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

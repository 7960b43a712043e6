"""Measure the search beside other engines: the same list, the same questions, every total checked in the run.

See benchmarks/README.md for what is asked, how each engine is asked, and what the figures mean.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from chart import draw_comparison, draw_growth
from engines import BORROWERS, ENGINES, TITLES
from engines.base import PAGE, Asked, Engine, Found, Kind
from questions import Truth, draw_questions, find_truth
from synthetic_documents import build_documents

from search_index.document import Document

SEED = 2026
# Stock Whoosh needs minutes where the others need seconds.
_WHOOSH_LIMIT = 10_000
_POSTGRES = "GONGSHI_BENCHMARK_POSTGRES"
_WRONG_SHOWN = 5


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


# --- steps, each in a process of its own -------------------------------------------------------------------------


class Metered(Iterator[Document]):
    """The list, with the time that making it took, which is not the engine's."""

    def __init__(self, size: int) -> None:
        self._documents = build_documents(size, SEED)
        self._size = size
        self._done = 0
        self.seconds = 0.0

    def __next__(self) -> Document:
        started = time.perf_counter()
        try:
            return next(self._documents)
        finally:
            self.seconds += time.perf_counter() - started
            self._done += 1
            if self._done % 50_000 == 0 and self._done < self._size:
                say(f"  {self._done:,} of {self._size:,}")


def build(engine: Engine, folder: Path, size: int) -> dict[str, Any]:
    documents = Metered(size)
    wall, cpu = time.perf_counter(), time.process_time()
    engine.build(folder, documents)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    seconds = wall - documents.seconds
    return {
        "seconds": seconds,
        "cpu_seconds": cpu - documents.seconds,
        "documents_per_second": size / seconds,
        "bytes": engine.measure_bytes(folder),
        "peak_mb": read_peak_mb(),
    }


def ask(engine: Engine, folder: Path, asked: Sequence[Asked]) -> dict[str, Any]:
    """Open, ask everything once (cold) and once more (warm); the totals are taken afterwards, out of the clock."""
    forget_cached(folder)
    started = time.perf_counter()
    engine.open(folder)
    opening = (time.perf_counter() - started) * 1000
    cold = measure_pass(engine, asked)
    gc.collect()
    warm = measure_pass(engine, asked)
    peak = read_peak_mb()
    found = [audit(engine, one) for one in asked]
    engine.close()
    return {"opening_ms": opening, "cold": cold, "warm": warm, "peak_mb": peak, "found": found}


def audit(engine: Engine, asked: Asked) -> dict[str, Any]:
    """What the timed question answers, and beside it the part of the answer that is compared."""
    answer, compared = engine.ask(asked), engine.audit(asked)
    if answer.total != compared.total or len(answer.records) != min(PAGE, answer.total + answer.near):
        raise SystemExit(f"{asked}: the first page does not fit the total")
    return asdict(replace(compared, records=answer.records))


def measure_pass(engine: Engine, asked: Sequence[Asked]) -> dict[str, list[float]]:
    took: dict[str, list[float]] = defaultdict(list)
    for one in asked:
        started = time.perf_counter()
        engine.ask(one)
        took[one.kind].append((time.perf_counter() - started) * 1000)
    return took


def change(engine: Engine, folder: Path, size: int, count: int) -> dict[str, Any]:
    """Change entries one by one, then take them out, each until the next question shows it."""
    engine.open(folder)
    chosen = list(islice(build_documents(size, SEED), 0, None, max(1, size // count)))[:count]
    updates, removals = [], []
    for number, document in enumerate(chosen):
        word = write_word(number)
        changed = replace(document, obligation=f"{document.obligation}另行支付{word}。")
        asked = Asked(kind=Kind.TWO_WORDS, text=word)
        updates.append(take_time(engine.update, changed, engine, asked, 1))
        removals.append(take_time(engine.remove, changed, engine, asked, 0))
    engine.close()
    return {"update": updates, "remove": removals}


def take_time(act: Callable[[Document], None], document: Document, engine: Engine, asked: Asked, wanted: int) -> float:
    """The milliseconds until the change is on the disk and the next answer shows it."""
    started = time.perf_counter()
    act(document)
    found: Found = engine.ask(asked)
    took = (time.perf_counter() - started) * 1000
    if found.total != wanted:
        raise SystemExit(f"after a change {found.total} entries answer instead of {wanted}")
    return took


def write_word(number: int) -> str:
    """Four characters that stand in no obligation."""
    return "龘" + "".join("甲乙丙丁戊己庚辛壬癸"[int(digit)] for digit in f"{number:03d}")


def read_peak_mb() -> float:
    """The most memory that this process ever had resident."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def forget_cached(folder: Path) -> None:
    """Ask the system to keep none of the files in memory, so that the first pass reads from the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def work(step: str, name: str, folder: Path, size: int, changes: int) -> None:
    """One step of one engine in this process; what it found goes to a file beside the engine's folder."""
    engine = ENGINES[name]()
    if step == "build":
        found = build(engine, folder, size)
    elif step == "ask":
        found = ask(engine, folder, read_questions(folder.parent))
    else:
        found = change(engine, folder, size, changes)
        engine.discard(folder)
    result_path(folder, step).write_text(json.dumps(found), encoding="utf-8")


def result_path(folder: Path, step: str) -> Path:
    return folder.parent / f"{folder.name}.{step}.json"


def read_questions(folder: Path) -> list[Asked]:
    body = json.loads((folder / "questions.json").read_text(encoding="utf-8"))
    return [Asked(kind=Kind(one["kind"]), text=one["text"], region=one["region"]) for one in body]


# --- the run -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Options:
    engines: tuple[str, ...]
    questions: int
    changes: int


def run_step(step: str, name: str, folder: Path, size: int, changes: int) -> dict[str, Any]:
    say(f"{name}: {step}")
    arguments = [step, name, str(folder), str(size), str(changes)]
    subprocess.run([sys.executable, __file__, "--child", *arguments], check=True)
    found: dict[str, Any] = json.loads(result_path(folder, step).read_text(encoding="utf-8"))
    return found


def measure_size(folder: Path, size: int, options: Options) -> dict[str, Any]:
    """Every engine at one size, with what it answered wrongly."""
    say(f"{size:,} entries: drawing questions")
    asked = draw_questions(build_documents(size, SEED), options.questions, SEED, size)
    (folder / "questions.json").write_text(json.dumps([asdict(one) for one in asked]), encoding="utf-8")
    truth = find_truth(build_documents(size, SEED), asked, say)
    measured = {}
    for name in options.engines:
        if name == "whoosh" and size > _WHOOSH_LIMIT:
            say(f"whoosh: left out above {_WHOOSH_LIMIT:,} entries")
            continue
        if name in BORROWERS.values():
            continue
        for one, figures in measure_engine(name, folder / name, size, options, asked, truth).items():
            measured[one] = figures
            print_wrong(one, figures["wrong"])
    hits = {kind: describe_totals(kind, asked, truth) for kind in Kind}
    return {"entries": size, "questions": options.questions, "hits": hits, "engines": measured}


def measure_engine(
    name: str, folder: Path, size: int, options: Options, asked: Sequence[Asked], truth: Sequence[Truth]
) -> dict[str, dict[str, Any]]:
    """The figures of an engine, and of the one that asks the same index, if it is wanted."""
    folder.mkdir()
    names = [name, *(one for one in [BORROWERS.get(name)] if one in options.engines)]
    built = run_step("build", name, folder, size, options.changes)
    answers = {one: run_step("ask", str(one), folder, size, options.changes) for one in names}
    changed = run_step("change", name, folder, size, options.changes)
    return {
        str(one): {
            "build": built,
            "opening_ms": answered["opening_ms"],
            "query_peak_mb": answered["peak_mb"],
            "cold": {kind: summarise(took) for kind, took in answered["cold"].items()},
            "warm": {kind: summarise(took) for kind, took in answered["warm"].items()},
            "update_ms": summarise(changed["update"]),
            "remove_ms": summarise(changed["remove"]),
            "wrong": list(find_wrong(asked, truth, answered["found"])),
        }
        for one, answered in answers.items()
    }


def find_wrong(asked: Sequence[Asked], truth: Sequence[Truth], found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What an engine answered otherwise than it is."""
    for one, true, answer in zip(asked, truth, found, strict=True):
        where = f"{one.kind} {one.text!r}{' in ' + one.region if one.region else ''}"
        if answer["total"] != true.total:
            yield f"{where}: total {answer['total']} instead of {true.total}"
        if one.kind is Kind.TYPO and answer["near"] != true.near:
            yield f"{where}: near {answer['near']} instead of {true.near}"
        if true.first is not None and tuple(answer["records"][: len(true.first)]) != true.first:
            yield f"{where}: not the newest first"


def summarise(took: Sequence[float]) -> dict[str, float]:
    ordered = sorted(took)
    return {name: ordered[min(len(ordered) - 1, int(len(ordered) * share))] for name, share in _PERCENTILES.items()}


_PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


def describe_totals(kind: Kind, asked: Sequence[Asked], truth: Sequence[Truth]) -> dict[str, int]:
    totals = sorted(true.total + true.near for one, true in zip(asked, truth, strict=True) if one.kind is kind)
    return {"median": totals[len(totals) // 2], "most": totals[-1], "none": totals.count(0)}


# --- what is printed ---------------------------------------------------------------------------------------------


def print_wrong(name: str, wrong: Sequence[str]) -> None:
    say(f"{name}: {len(wrong)} answers are wrong" if wrong else f"{name}: every total is right")
    for line in wrong[:_WRONG_SHOWN]:
        say(f"  {line}")


def print_size(result: dict[str, Any]) -> None:
    engines: dict[str, Any] = result["engines"]
    print(f"\n### {result['entries']:,} entries\n")
    _row(
        "engine",
        "build s",
        "documents/s",
        "MB",
        "build peak MB",
        "query peak MB",
        "opening ms",
        "update ms",
        "removal ms",
        "wrong",
    )
    _row("---", *["---:"] * 9)
    for name, one in engines.items():
        built = one["build"]
        _row(
            TITLES[name],
            f"{built['seconds']:.1f}",
            f"{built['documents_per_second']:,.0f}",
            f"{built['bytes'] / 1e6:.1f}",
            _memory(name, built["peak_mb"]),
            _memory(name, one["query_peak_mb"]),
            f"{one['opening_ms']:.1f}",
            _two(one["update_ms"]),
            _two(one["remove_ms"]),
            str(len(one["wrong"])),
        )
    for state, title in (("warm", "Second pass"), ("cold", "First pass after opening")):
        print(f"\n{title}, milliseconds, p50 / p95 / p99:\n")
        _row("engine", *Kind)
        _row("---", *["---:"] * len(Kind))
        for name, one in engines.items():
            _row(TITLES[name], *(_three(one[state][kind]) for kind in Kind))
    print("\nEntries that answer (median / most; questions that none answers):\n")
    _row(*Kind)
    _row(*["---:"] * len(Kind))
    _row(*(f"{hits['median']:,} / {hits['most']:,}; {hits['none']}" for hits in result["hits"].values()))


def _memory(name: str, megabytes: float) -> str:
    return "–" if name == "postgres" else f"{megabytes:.0f}"


def _two(summary: dict[str, float]) -> str:
    return f"{_short(summary['p50'])} / {_short(summary['p95'])}"


def _three(summary: dict[str, float]) -> str:
    return f"{_two(summary)} / {_short(summary['p99'])}"


def _short(milliseconds: float) -> str:
    return f"{milliseconds:.2f}" if milliseconds < 10 else f"{milliseconds:.0f}"


def _row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


# --- the command -------------------------------------------------------------------------------------------------


def write_results(out: Path, results: Sequence[dict[str, Any]]) -> None:
    """The figures as JSON, and the pictures of them."""
    out.mkdir(parents=True, exist_ok=True)
    body = {
        "date": datetime.now().astimezone().date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, CPython {platform.python_version()}",
        "sizes": list(results),
    }
    text = json.dumps(body, ensure_ascii=False, indent=1)
    (out / "search-benchmark.json").write_text(text + "\n", encoding="utf-8")
    draw_results(out, body)


def draw_results(out: Path, body: dict[str, Any]) -> None:
    sizes: list[dict[str, Any]] = body["sizes"]
    shown = next((size for size in sizes if size["entries"] == 100_000), sizes[-1])
    (out / "search-benchmark.svg").write_text(draw_comparison(shown, TITLES), encoding="utf-8")
    (out / "search-growth.svg").write_text(
        draw_growth([size for size in sizes if "ours" in size["engines"]]), encoding="utf-8"
    )


@contextmanager
def work_folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="gongshi-benchmark-") as name:
            yield Path(name)
    else:
        keep.mkdir(parents=True)
        yield keep.absolute()


def run(options: argparse.Namespace) -> int:
    engines = tuple(options.engines or (name for name in ENGINES if name != "postgres" or options.postgres))
    if options.postgres:
        os.environ[_POSTGRES] = options.postgres
    elif "postgres" in engines:
        raise SystemExit("postgres: give the address of a server with --postgres")
    chosen = Options(engines=engines, questions=options.questions, changes=options.changes)
    results = []
    with work_folder(options.folder) as folder:
        for size in options.sizes:
            (folder / str(size)).mkdir()
            results.append(measure_size(folder / str(size), size, chosen))
            print_size(results[-1])
            write_results(options.out, results)
    return 1 if any(one["wrong"] for size in results for one in size["engines"].values()) else 0


def _read_sizes(text: str) -> list[int]:
    return sorted(int(part) for part in text.split(","))


def _read_engines(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - ENGINES.keys():
        raise argparse.ArgumentTypeError(f"not one of {', '.join(ENGINES)}: {', '.join(sorted(unknown))}")
    return names


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=_read_sizes, default=[10_000, 100_000], help="entries, as 10000,100000,1000000")
    parser.add_argument(
        "--engines", type=_read_engines, help=f"some of {','.join(ENGINES)} (all; postgres if it is given)"
    )
    parser.add_argument("--questions", type=int, default=300, help="distinct questions of each kind (default 300)")
    parser.add_argument("--changes", type=int, default=50, help="entries to change and take out (default 50)")
    parser.add_argument(
        "--postgres", metavar="URL", help="a PostgreSQL database to use, with the right to make schemas"
    )
    parser.add_argument("--out", type=Path, default=Path("docs"), help="where figures and pictures go (default docs)")
    parser.add_argument(
        "--folder", type=Path, help="work here and leave what is small; otherwise in a temporary folder"
    )
    parser.add_argument("--draw", type=Path, metavar="JSON", help="only draw the pictures of an earlier run again")
    parser.add_argument("--child", nargs=5, metavar="X", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        step, name, folder, size, changes = options.child
        work(step, name, Path(folder), int(size), int(changes))
        return 0
    if options.draw:
        draw_results(options.out, json.loads(options.draw.read_text(encoding="utf-8")))
        return 0
    return run(options)


if __name__ == "__main__":
    raise SystemExit(main())

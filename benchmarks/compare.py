"""Comparing the applicants of a unit with the list (what `POST /units/v1/compare` does, without the network), beside
nomenklatura's matchers on the same pairs.

    .venv/bin/python benchmarks/compare.py [--entries 100000] [--rows 100000]

makes a home in a temporary folder with an invented list of that many entries, puts them into registry and store as they lie
there after publication, compares 1,000 rows several times and then `--rows` in calls of 1,000, a third of them on the list. Then
it compares the golden pairs of tests/registry/units/golden_compare.toml: what ours says, and what logic-v1 and logic-v2 say where
nomenklatura is installed (dependency group `bench`). It asserts nothing about time, and ends with 1 where one of our answers on
a golden pair is wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import count, islice
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, TypeVar

from sqlalchemy import insert

from gongshi.clock import World
from gongshi.court import Court
from gongshi.settings import read_settings
from gongshi.synthetic import build_citizen_number, generate
from registry.facts_json import facts_to_json
from registry.intake.build import build_facts
from registry.masks import mask_id
from registry.record import Facts, Kind
from registry.records import facts_columns, identity_columns
from registry.tables import BatchRow, RecordRow, UnitRow
from registry.units.compare_book import compare_rows
from registry.units.compare_rows import read_row, read_rows
from registry.units.compare_words import answer_json
from registry.units.comparing import Applicant, Listed, Verdict, compare, list_name_keys
from registry.units.uses import Given, User
from registry.values import parse_id_number, parse_uscc
from search_index.day import SHANGHAI
from search_index.document import Document
from search_index.folding import fold_name
from search_index.journal import ChangeType, EntryChange
from search_index.number import draw_number

NOW = datetime(2026, 11, 22, 10, tzinfo=SHANGHAI)
GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "registry" / "units" / "golden_compare.toml"
THRESHOLD = 0.7  # nomenklatura's own for a match
CALL = 1000
T = TypeVar("T")
MATCHES = (Verdict.EXACT, Verdict.MASKED_AGREE, Verdict.NAME_ONLY)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--entries", type=int, default=100_000)
    arguments.add_argument("--rows", type=int, default=100_000)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GONGSHI_HOME"] = folder
        court = Court(read_settings(), World(now=lambda: NOW, random=Random(7)))
        try:
            court.init()
            entries = fill(court, given.entries)
            measure(court, entries, given.rows)
        finally:
            court.close()
    return 0 if judge_golden() else 1


def batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """`values` in lists of `size`, the last may be shorter."""
    rest = iter(values)
    while some := list(islice(rest, size)):
        yield some


def fill(court: Court, entries: int) -> list[dict[str, Any]]:
    """Entries as they lie in registry and store after publication."""
    random, kept, started = Random(1), list[dict[str, Any]](), time.monotonic()
    with court.session() as session:
        counts = {"accepted": entries, "unchanged": 0, "quarantined": 0}
        batch = BatchRow(ready=True, format="jsonl", imported_by="clerk", imported_at=NOW, **counts)
        unit = UnitRow(slug="unit", name="测试单位", leading=False, basis="", receives={}, active=True, created_at=NOW)
        session.add_all([batch, unit])
        session.flush()
        number = batch.id
    position = court.store_writer.position()
    for some in batched(enumerate(generate(entries, 1, date(2026, 11, 22)), start=1), 2000):
        rows, changes = [], []
        for line, entry in some:
            facts, _ = build_facts(entry)
            record = draw_number(random)
            rows.append(to_row(court, facts, number, line, record))
            position += 1
            body = to_document(facts, record).as_json()
            changes.append(
                EntryChange(
                    position=position, at=NOW, sequence=line, type=ChangeType.PUBLISHED, record=record, body=body
                )
            )
            kept.append(entry)
        with court.session() as session:
            session.execute(insert(RecordRow), rows)
        court.store_writer.apply(changes)
    print(f"{entries:,} entries made in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return kept


def to_row(court: Court, facts: Facts, batch: int, line: int, record: str) -> dict[str, Any]:
    columns = identity_columns(facts, court.vault)
    return {
        **columns,
        **facts_columns(facts_to_json(facts), court.vault, columns["identity"]),
        "batch_id": batch,
        "line": line,
        "state": "published",
        "number": record,
        "listing": line,
        "source_digest": "",
        "imported_by": "clerk",
        "published_on": NOW.date(),
        "changed_at": NOW,
        "stage": "published",
    }


def to_document(facts: Facts, record: str) -> Document:
    return Document(
        record=record,
        kind=facts.kind.value,
        name=facts.name,
        gender=facts.gender.value if facts.gender else None,
        age=40,
        id_number=mask_id(facts.id_number, "national") if facts.id_number else None,
        uscc=facts.uscc.text if facts.uscc else None,
        legal_representative=facts.legal_representative,
        court=facts.court,
        region=facts.region,
        basis_number=facts.basis_number,
        basis_issuer=facts.basis_issuer,
        case_number=facts.case_number.original,
        filed_on=facts.filed_on,
        obligation=facts.obligation,
        performance=facts.performance.value,
        performed_part=None,
        unperformed_part=None,
        conduct=(),
        published_on=NOW.date(),
        term_ends_on=None,
        visible_until=None,
        updated_at=NOW,
    )


def applicants(entries: Sequence[dict[str, Any]], seed: int) -> Iterator[dict[str, Any]]:
    """Rows without end: a third are on the list, a third are namesakes with a number of their own, a third are strangers."""
    random = Random(seed)
    while True:
        entry = random.choice(entries)
        chance = random.random()
        born = date(random.randint(1950, 2005), random.randint(1, 12), random.randint(1, 28))
        # From elsewhere: thousands of namesakes of one place would be taken for attempts to guess numbers.
        number = build_citizen_number("990202", born, random.randrange(1000))
        if chance < 1 / 3:
            yield {key: entry[key] for key in ("name", "id_number", "uscc") if entry.get(key)}
        elif chance < 2 / 3 and entry["kind"] == "person":
            yield {"name": entry["name"], "id_number": number}
        else:
            yield {"name": make_stranger(random), "id_number": number}


def strangers(seed: int) -> Iterator[dict[str, Any]]:
    random = Random(seed)
    while True:
        yield {
            "name": make_stranger(random),
            "id_number": build_citizen_number("990101", date(1980, 1, 2), random.randrange(1000)),
        }


def make_stranger(random: Random) -> str:
    return f"{random.choice('赵钱孙李')}{random.choice('未列名单')}{random.choice('甲乙丙丁')}"


def masked(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The same with every citizen number masked."""
    for row in rows:
        number = row.get("id_number", "")
        yield {**row, "id_number": f"{number[:10]}****{number[-4:]}"} if len(number) == 18 else row


def measure(court: Court, entries: Sequence[dict[str, Any]], total: int) -> None:
    def ask(rows: Sequence[dict[str, Any]]) -> int:
        answer = compare_rows(
            court, court.store, read_rows(rows), User(unit=1, by="unit:key:bench"), Given(purpose="测", operator="测"),
            court.acting("unit:key:bench"),
        )  # fmt: skip
        answer_json(answer)
        return answer.hits

    print(
        f"\n| {len(entries):,} entries | milliseconds, median | worst | processor, median | hits |\n| --- | ---: | ---: | ---: | ---: |"
    )
    kinds: dict[str, Callable[[int], Iterator[dict[str, Any]]]] = {
        "1,000 rows, a third on the list": lambda seed: applicants(entries, seed),
        "1,000 rows, none on the list": strangers,
        "1,000 rows, all numbers masked": lambda seed: masked(applicants(entries, seed)),
        "1,000 names without a number": lambda seed: ({"name": row["name"]} for row in applicants(entries, seed)),
    }
    for name, make in kinds.items():
        times, used, hits = [], [], 0
        for seed in range(7):
            rows = list(islice(make(seed), CALL))
            started, before = time.perf_counter(), time.process_time()
            hits = ask(rows)
            used.append((time.process_time() - before) * 1000)
            times.append((time.perf_counter() - started) * 1000)
        print(f"| {name} | {median(times):.0f} | {max(times):.0f} | {median(used):.0f} | {hits} |", flush=True)
    rows = list(islice(applicants(entries, 99), total))
    started = time.perf_counter()
    hits = sum(ask(some) for some in batched(rows, CALL))
    print(f"\n{total:,} rows in calls of {CALL:,}: {time.perf_counter() - started:.1f} s, {hits:,} hits", flush=True)


def judge_golden() -> bool:
    pairs = tomllib.loads(GOLDEN.read_text(encoding="utf-8"))["pair"]
    print(f"\n| {len(pairs)} golden pairs | false exacts | matches found | others kept apart | microseconds a pair |")
    print("| --- | ---: | ---: | ---: | ---: |")
    started = time.perf_counter()
    ours = [judge(pair) for pair in pairs]
    tell("ours", pairs, [one in MATCHES for one in ours], [one is Verdict.EXACT for one in ours], started)
    for name, matcher in find_matchers().items():
        matcher(pairs[0])
        started = time.perf_counter()
        found = [matcher(pair) >= THRESHOLD for pair in pairs]
        tell(name, pairs, found, found, started)
    wrong = [pair["why"] for pair, verdict in zip(pairs, ours, strict=True) if verdict != pair["truth"]]
    print(f"\nours wrong: {wrong or 'none'}")
    return not wrong


def tell(
    name: str, pairs: Sequence[dict[str, str]], found: Sequence[bool], exact: Sequence[bool], started: float
) -> None:
    spent = (time.perf_counter() - started) / len(pairs) * 1e6
    same = [pair["truth"] != "none" for pair in pairs]
    false = sum(said and pair["truth"] != "exact" for said, pair in zip(exact, pairs, strict=True))
    if name != "ours":
        # It knows matches and no kinds of them: false is one of what is another person.
        false = sum(said and not true for said, true in zip(exact, same, strict=True))
    hits = sum(said and true for said, true in zip(found, same, strict=True))
    apart = sum(not said and not true for said, true in zip(found, same, strict=True))
    print(
        f"| {name} | {false} | {hits} of {sum(same)} | {apart} of {len(same) - sum(same)} | {spent:.0f} |", flush=True
    )


def judge(pair: dict[str, str]) -> Verdict:
    row = read_row({key: pair[key] for key in ("name", "id_number", "uscc") if key in pair})
    if not isinstance(row, Applicant):
        raise SystemExit(f"not readable: {pair['why']}")
    person, code = pair.get("listed_id_number"), pair.get("listed_uscc")
    number = parse_id_number(person) if person else parse_uscc(code) if code else None
    key = fold_name(pair["listed"])
    alike = row.number is None and key in list_name_keys(row)
    return compare(row, Listed(kind=Kind(pair["kind"]), key=row.key if alike else key, number=number))


def find_matchers() -> dict[str, Callable[[dict[str, str]], float]]:
    """nomenklatura's matchers by name; none where it is not installed."""
    try:
        from followthemoney.proxy import EntityProxy
        from nomenklatura.matching import get_algorithm
    except ImportError as error:
        print(f"nomenklatura is not installed ({error}): only ours is measured", file=sys.stderr)
        return {}

    def build(identity: str, pair: dict[str, str], prefix: str, name: str) -> Any:
        schema = "Person" if pair["kind"] == "person" else "Company"
        properties: dict[str, list[str]] = {"name": [name]}
        if number := pair.get(f"{prefix}id_number"):
            properties["idNumber"] = [number]
        if number := pair.get(f"{prefix}uscc"):
            properties["uscCode"] = [number]
        return EntityProxy.from_dict({"id": identity, "schema": schema, "properties": properties})

    found, serial = {}, count()
    for name in ("logic-v1", "logic-v2"):
        algorithm = get_algorithm(name)
        if algorithm is not None:
            config = algorithm.default_config()

            def score(pair: dict[str, str], algorithm: Any = algorithm, config: Any = config) -> float:
                # It remembers entities by their ids.
                one = next(serial)
                query = build(f"q{one}", pair, "", pair["name"])
                result = build(f"r{one}", pair, "listed_", pair["listed"])
                return float(algorithm.compare(query, result, config).score)

            found[name] = score
    return found


if __name__ == "__main__":
    sys.exit(main())

"""How much of the labelled texts is found, how much of what is found was meant, and what stays that must stay.

`python tests/corpus/measure.py` prints the open part by class; `--misses` lists what was missed in it; `--unseen` prints the
unseen part too, totals only, and counts as a look at it.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))

from corpus.labels import EITHER, FOLDER, GONE, IDENTIFIERS, KEPT, NAMES, STAYS, Label, Labelled, read

from registry.basis import find_basis_kind
from registry.redaction import Finding, find

Find = Callable[[str, str], Sequence[Finding]]

BARS = {"identifiers": 0.995, "address": 0.98, "names": 0.97, "precision": 0.95, "kept": 0.999}
"""What the unseen part must reach: recall of the first three, precision of all findings, survival of what must stay."""


@dataclass(slots=True)
class Tally:
    """Counts over a set of texts, and where something went wrong (id, class or rule, words)."""

    texts: int = 0
    meant: Counter[str] = field(default_factory=Counter)
    hit: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    bearers: int = 0
    consistent: int = 0
    bases: Counter[str] = field(default_factory=Counter)
    misses: list[tuple[str, str, str]] = field(default_factory=list)

    def share(self, classes: Iterable[str]) -> float:
        """The share of labels of `classes` that were treated as they must be; 1 where there are none."""
        names = set(classes)
        meant = sum(self.meant[name] for name in names)
        return sum(self.hit[name] for name in names) / meant if meant else 1.0

    @property
    def figures(self) -> dict[str, float]:
        """The figures that have a bar."""
        return {
            "identifiers": self.share(IDENTIFIERS),
            "address": self.share({"address"}),
            "names": self.share(NAMES),
            "precision": self.right.total() / self.found.total() if self.found else 1.0,
            "kept": self.share(KEPT),
        }


def measure(texts: Iterable[Labelled], detect: Find = find) -> Tally:
    """What `detect` does with `texts`, knowing nothing of a record but the debtor's name."""
    tally = Tally()
    for one in texts:
        tally.texts += 1
        findings = detect(one.text, one.debtor)
        covered = {position for finding in findings for position in range(finding.start, finding.end)}
        for label in one.labels:
            if label.name not in EITHER:
                _judge_label(tally, one, label, covered)
        for finding in findings:
            _judge_finding(tally, one, finding)
        _judge_bearers(tally, one, findings)
        kind = find_basis_kind([one.text])
        tally.bases[f"{one.basis or 'other'} as {kind or 'other'}"] += 1
        if (kind is None) != (one.basis is None):
            tally.misses.append((one.id, f"basis {one.basis} as {kind}", one.text[:60]))
    return tally


def _judge_label(tally: Tally, one: Labelled, label: Label, covered: set[int]) -> None:
    words = one.text[label.start : label.end]
    places = [label.start + index for index, c in enumerate(words) if c.isalnum()]
    right = covered.isdisjoint(places) if label.name in STAYS else covered.issuperset(places)
    tally.meant[label.name] += 1
    tally.hit[label.name] += right
    if not right:
        around = f"{one.text[max(0, label.start - 12) : label.start]}【{words}】{one.text[label.end : label.end + 10]}"
        tally.misses.append((one.id, label.name, around))


def _judge_finding(tally: Tally, one: Labelled, finding: Finding) -> None:
    right = any(
        label.start < finding.end and finding.start < label.end for label in one.labels if label.name in GONE | EITHER
    )
    tally.found[finding.rule] += 1
    tally.right[finding.rule] += right
    if not right:
        words = one.text[finding.start : finding.end]
        around = f"{one.text[max(0, finding.start - 12) : finding.start]}【{words}】{one.text[finding.end :][:10]}"
        tally.misses.append((one.id, f"false {finding.rule}", around))


def _judge_bearers(tally: Tally, one: Labelled, findings: Sequence[Finding]) -> None:
    """Whether everybody in the text has one mask, and nobody else's."""
    masks: dict[int, set[str]] = {}
    for label in one.labels:
        for finding in findings:
            if label.bearer and label.name in NAMES and (finding.start, finding.end) == (label.start, label.end):
                masks.setdefault(label.bearer, set()).add(finding.replacement.strip())
    for bearer, own in masks.items():
        others = {mask for other, theirs in masks.items() if other != bearer for mask in theirs}
        tally.bearers += 1
        tally.consistent += len(own) == 1 and own.isdisjoint(others)


def describe(name: str, tally: Tally) -> Iterator[str]:
    """The tally as lines of a Markdown table."""
    yield f"| {name}: {tally.texts} texts | labels | treated rightly | share |"
    yield "| --- | ---: | ---: | ---: |"
    for label in sorted(tally.meant, key=lambda label: (label in STAYS, label not in IDENTIFIERS, label)):
        kind = "stays" if label in STAYS else "goes"
        hit, meant = tally.hit[label], tally.meant[label]
        yield f"| {label} ({kind}) | {meant} | {hit} | {hit / meant:.4f} |"
    yield f"| findings that were meant | {tally.found.total()} | {tally.right.total()} | {tally.figures['precision']:.4f} |"
    yield f"| people and organisations with one mask of their own | {tally.bearers} | {tally.consistent} | {tally.consistent / max(tally.bearers, 1):.4f} |"
    missed = sum(n for what, n in tally.bases.items() if what.endswith("as other") and not what.startswith("other"))
    wrong = sum(n for what, n in tally.bases.items() if what.startswith("other as") and what != "other as other")
    meant = sum(n for what, n in tally.bases.items() if not what.startswith("other"))
    yield f"| unpublishable documents ({wrong} others taken for one) | {meant} | {meant - missed} | {(meant - missed) / max(meant, 1):.4f} |"
    for bar, figure in tally.figures.items():
        yield f"| **{bar}**, bar {BARS[bar]} | | | **{figure:.4f}** |"


def main() -> None:
    """Print the open part and, where it was asked for, the totals of the unseen one."""
    for part in ("open", "unseen") if "--unseen" in sys.argv else ("open",):
        for source in [*sorted({path.stem for path in (FOLDER / part).glob("*.jsonl")}), "*"]:
            texts = list(read(part, source))  # type: ignore[arg-type]
            started = time.perf_counter()
            tally = measure(texts)
            speed = len(texts) / (time.perf_counter() - started)
            label = "all" if source == "*" else source
            sys.stdout.write("\n".join(describe(f"{part}, {label}", tally)) + f"\n{speed:.0f} texts a second\n\n")
            if part == "open" and "--misses" in sys.argv and source != "*":
                sys.stdout.write("".join(f"{' · '.join(miss)}\n" for miss in tally.misses) + "\n")


if __name__ == "__main__":
    main()

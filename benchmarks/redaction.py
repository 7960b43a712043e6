"""What the detector finds with the network and the dictionary of ordinary words and without, and how fast.

`python benchmarks/redaction.py` prints it of the open texts; `--unseen` of the unseen ones too, which counts as a look at them.

Prints the bars of docs/redaction.md for both parts of the labelled corpus, totals only, and texts a second of one core.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from corpus.labels import Labelled, read
from corpus.measure import BARS, Find, measure

from registry.redaction import VERSION
from registry.redaction.detect import find
from registry.redaction.lexicon import CourtWords
from registry.redaction.tagger import Nobody

DETECTORS: dict[str, Find] = {
    "rules and network": find,
    "rules alone": partial(find, tagger=Nobody()),
    "rules without the dictionary": partial(find, tagger=Nobody(), lexicon=CourtWords()),
}
ROUNDS = 2


def time_of(detect: Find, texts: list[Labelled]) -> float:
    """Texts a second, the best of a few rounds, in seconds of this process."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for one in texts:
            detect(one.text, one.debtor)
        best = min(best, time.process_time() - started)
    return len(texts) / best


def main() -> None:
    """Print the table."""
    print(f"detector {VERSION}")
    print("| texts | " + " | ".join(f"{bar} ({least})" for bar, least in BARS.items()) + " | texts/s |")
    print("| --- |" + " ---: |" * (len(BARS) + 1))
    for part in ("open", "unseen") if "--unseen" in sys.argv else ("open",):
        texts = list(read(part))
        for name, detect in DETECTORS.items():
            detect(texts[0].text, texts[0].debtor)
            figures = measure(texts, detect).figures
            row = " | ".join(f"{figures[bar]:.4f}" for bar in BARS)
            print(f"| {part}, {len(texts)}, {name} | {row} | {time_of(detect, texts):.0f} |")


if __name__ == "__main__":
    main()

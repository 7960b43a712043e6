"""Teach the tagger, and put it where the detector finds it."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.pool import AsyncResult
from pathlib import Path
from typing import NamedTuple

import torch
from corpus.labels import Labelled
from torch import Tensor, nn

from registry.redaction.detect import DICTIONARY, read_by_rules
from registry.redaction.sheet import fold
from registry.redaction.tagger import load_model
from registry.redaction.tagger_input import SIZES, UNKNOWN, describe
from tools.tagger import ROOT
from tools.tagger.material import TAGS, Pool, choose, choose_known, hide, read_open, read_pool, tag, vary
from tools.tagger.network import Tagger
from tools.tagger.pretrained import read_characters

ROUNDS = 6
TOGETHER = 32
VARIED = 0.75
HIDDEN = 0.1
RECORDED = 0.2
# The rules were written with these at hand and are right about them nearly always: the tagger must not learn to trust that.
LEARNED_FROM = frozenset(
    {"hand", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "generated", "earlier_hand", "earlier_generated"}
)  # fmt: skip
_ROWS = read_characters()


class Lesson(NamedTuple):
    """A text as the network reads it."""

    characters: list[int]
    columns: list[list[int]]
    tags: list[int]


def prepare(one: Labelled, known: Sequence[str] = ()) -> Lesson:
    """`one` with what the rules say of it, without the blanks inside its words."""
    sheet = read_by_rules(one.text, one.debtor, known)
    tags = tag(one)
    if sheet.origins is not None:
        tags = [tags[place] for place in sheet.origins]
    rows = [_ROWS.get(c, _ROWS["OOV"]) for c in sheet.folded]
    return Lesson(rows, describe(sheet, one.debtor, DICTIONARY), tags)


_pool: Pool = {}


def _prepare_varied(task: tuple[Labelled, float, float]) -> Lesson:
    one, seed, blind = task
    rng = random.Random(seed)
    one = vary(one, _pool, rng) if rng.random() < VARIED else one
    known = choose_known(one, rng) if rng.random() < RECORDED else ()
    lesson = prepare(hide(one)) if rng.random() < HIDDEN else prepare(one, known)
    if rng.random() < blind:
        lesson.columns[-1] = [UNKNOWN] * len(lesson.characters)
    return lesson


def stack(lessons: Sequence[Lesson]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Characters, columns, tags and lengths of some texts beside one another."""
    longest = max(len(lesson.characters) for lesson in lessons)
    characters = torch.zeros(longest, len(lessons), dtype=torch.long)
    columns = torch.zeros(len(SIZES), longest, len(lessons), dtype=torch.long)
    tags = torch.full((longest, len(lessons)), -100)
    for index, lesson in enumerate(lessons):
        length = len(lesson.characters)
        characters[:length, index] = torch.tensor(lesson.characters)
        columns[:, :length, index] = torch.tensor(lesson.columns)
        tags[:length, index] = torch.tensor(lesson.tags)
    return characters, columns, tags, torch.tensor([len(lesson.characters) for lesson in lessons])


def _batches(lessons: list[Lesson], rng: random.Random) -> Iterator[list[Lesson]]:
    """Texts of like length together, in no order."""
    lessons.sort(key=lambda lesson: len(lesson.characters) + rng.random() * 20)
    batches = [lessons[k : k + TOGETHER] for k in range(0, len(lessons), TOGETHER)]
    rng.shuffle(batches)
    yield from batches


def teach(files: dict[str, list[Labelled]], rounds: int, seed: int) -> Tagger:
    """A network that has read the texts of `files` some times."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    network = Tagger(SIZES, len(TAGS))
    pretrained = list(network.pretrained.parameters())
    fresh = [p for name, p in network.named_parameters() if not name.startswith("pretrained")]
    optimizer = torch.optim.AdamW([{"params": pretrained}, {"params": fresh}], lr=1e-3, weight_decay=0.01)
    steps = rounds * (len(choose(files, rng)) // TOGETHER + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [1e-3, 2.5e-3], total_steps=steps, pct_start=0.1)
    blind = {one.id: 0.8 if name in LEARNED_FROM else 0.15 for name, texts in files.items() for one in texts}
    with get_context("fork").Pool(2) as workers:

        def prepare_round() -> AsyncResult[list[Lesson]]:
            tasks = [(one, rng.random(), blind[one.id]) for one in choose(files, rng)]
            return workers.map_async(_prepare_varied, tasks, chunksize=64)

        coming = prepare_round()
        network.train()
        for number in range(rounds):
            started, total, count = time.monotonic(), 0.0, 0
            lessons = coming.get()
            coming = prepare_round() if number + 1 < rounds else coming
            for batch in _batches(lessons, rng):
                characters, columns, tags, lengths = stack(batch)
                logits = network(characters, columns, lengths)
                loss = nn.functional.cross_entropy(logits.flatten(0, 1), tags.flatten(), ignore_index=-100)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                total, count = total + loss.item(), count + 1
            seconds = time.monotonic() - started
            sys.stdout.write(f"round {number + 1} of {rounds}: loss {total / count:.4f}, {seconds:.0f} s\n")
            sys.stdout.flush()
    return network


def main() -> None:
    """Read the arguments, teach, export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", default="", help="files of tests/corpus/open not to read, parted by commas")
    parser.add_argument("--keep", type=Path, default=ROOT / "registry" / "redaction", help="where the model goes")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    without = [name for name in given.without.split(",") if name]
    files = read_open(without)
    _pool.update(read_pool([one for texts in files.values() for one in texts], without))
    sys.stdout.write(f"{sum(map(len, files.values()))} texts of {len(files)} files\n")
    network = teach(files, given.rounds, given.seed)
    given.keep.mkdir(parents=True, exist_ok=True)
    from tools.tagger.export import export

    texts = [one for file in files.values() for one in file]
    read = {c for one in texts for c in fold(one.text)} | {c for words in _pool.values() for c in fold("".join(words))}
    export(network, read, given.keep / "tagger.onnx")
    sys.stdout.write(f"written; differs by {_compare(network, given.keep / 'tagger.onnx', texts[:20]):.4f} at most\n")


def _compare(network: Tagger, path: Path, texts: Sequence[Labelled]) -> float:
    """How far what was written is from what was taught, at the farthest."""
    farthest = 0.0
    network.eval()
    model = load_model(str(path))
    for one in texts:
        characters, columns, _, lengths = stack([prepare(one)])
        with torch.no_grad():
            taught = network(characters, columns, lengths).softmax(-1)[:, 0].numpy()
        sheet = read_by_rules(one.text, one.debtor)
        farthest = max(
            farthest, float(abs(taught - model.run(sheet.folded, describe(sheet, one.debtor, DICTIONARY))).max())
        )
    return farthest


if __name__ == "__main__":
    main()

"""Labelled texts as they are taught: with other names and numbers each time they come up."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from corpus.labels import CLASSES, FOLDER, GONE, IDENTIFIERS, Label, Labelled, read_file

from registry.masks import mask_organisation

TAGS = ("O", *(f"{place}-{name}" for name in sorted(CLASSES) for place in "BI"))
# Of what a program made from templates, so much is read in a round: it is the same over and over.
SHARE_OF_GENERATED = 0.25
_NAMED = frozenset({"person", "organisation"})
_RECORDED = _NAMED | {"address"}
_DEBTORS_LONGEST_REPLACED = 4
_EXCHANGED = _NAMED | {
    "address", "social", "email", "plate", "title_number", "id_number", "phone", "card", "account", "other_id", "health",
    "age", "birth_date", "vehicle", "region",
}  # fmt: skip
_WITH_FIGURES = frozenset(
    {"id_number", "phone", "card", "account", "other_id", "vehicle", "plate", "title_number", "amount", "case_number", "email", "social"}
)  # fmt: skip
_FIGURES = ("0123456789", "０１２３４５６７８９")

Pool = dict[str, list[str]]


def read_open(without: Sequence[str] = ()) -> dict[str, list[Labelled]]:
    """The open texts by file, but for the files named. Raises ValueError where there is no such file."""
    paths = {path.stem: path for path in sorted((FOLDER / "open").glob("*.jsonl"))}
    if unknown := set(without) - set(paths):
        raise ValueError(f"no such files: {unknown}")
    return {name: list(read_file(path)) for name, path in paths.items() if name not in without}


def read_pool(texts: Sequence[Labelled], without: Sequence[str] = ()) -> Pool:
    """What can stand in a label's place: the words of all labels of its class, and the word lists of their writers."""
    pool: dict[str, set[str]] = {}
    for one in texts:
        for label in one.labels:
            words = one.text[label.start : label.end]
            if label.name != "person" or len(words) > 1:
                pool.setdefault(label.name, set()).add(words)
    for path in sorted((FOLDER / "open").glob("*.words.json")):
        if path.name.partition(".")[0] not in without:
            for name, words in json.loads(path.read_text(encoding="utf-8")).items():
                pool.setdefault(name, set()).update(words)
    return {name: sorted(words) for name, words in pool.items()}


def choose(files: dict[str, list[Labelled]], rng: random.Random) -> list[Labelled]:
    """The texts of one round."""
    chosen: list[Labelled] = []
    for name, texts in files.items():
        chosen += rng.sample(texts, int(len(texts) * SHARE_OF_GENERATED)) if "generated" in name else texts
    return chosen


def vary(one: Labelled, pool: Pool, rng: random.Random, share: float = 0.5) -> Labelled:
    """`one` with other names and numbers. Who is named in several ways keeps them: the short must go on fitting the long."""
    forms: dict[int | None, set[str]] = {}
    for label in one.labels:
        forms.setdefault(label.bearer, set()).add(one.text[label.start : label.end])
    debtor = one.debtor
    if _can_be_renamed(one) and rng.random() < share:
        debtor = rng.choice(pool["person"])
    renamed: dict[str, str] = {}

    def change(label: Label, words: str) -> str:
        if label.name == "debtor":
            return debtor
        if label.name in _NAMED:
            if len(words) == 1 or (label.bearer is not None and len(forms[label.bearer]) > 1):
                return words
            other = rng.choice(pool[label.name]) if rng.random() < share else words
            return renamed.setdefault(words, other)
        if label.name in _EXCHANGED and rng.random() < share:
            words = rng.choice(pool[label.name])
        return _change_figures(words, rng) if label.name in _WITH_FIGURES and rng.random() < share else words

    changed = _rewrite(one, lambda label, words: (change(label, words), True))
    return replace(changed, debtor=debtor)


def _can_be_renamed(one: Labelled) -> bool:
    """Whether the debtor is named in one way only, and as the debtor only."""
    labelled = [one.text[label.start : label.end] for label in one.labels if label.name == "debtor"]
    short = len(one.debtor) <= _DEBTORS_LONGEST_REPLACED
    return short and set(labelled) == {one.debtor} and one.text.count(one.debtor) == len(labelled)


def choose_known(one: Labelled, rng: random.Random) -> tuple[str, ...]:
    """Some of what goes, as if the record knew it: the applicant, the employer, the address."""
    words = [one.text[label.start : label.end] for label in one.labels if label.name in _RECORDED]
    words = [word for word in words if len(word) > 1]
    return tuple(rng.sample(words, min(len(words), rng.randint(1, 2))))


def hide(one: Labelled) -> Labelled:
    """`one` as it is published: what was hidden must not be found again, nor what stands around it."""
    return _rewrite(one, lambda label, words: (_mask(label, words), False) if label.name in GONE else (words, True))


def _rewrite(one: Labelled, change: Callable[[Label, str], tuple[str, bool]]) -> Labelled:
    """`one` with other words for each label, and with or without the label."""
    parts: list[str] = []
    labels: list[Label] = []
    length = position = 0
    for label in sorted(one.labels, key=lambda label: label.start):
        before = one.text[position : label.start]
        words, stays = change(label, one.text[label.start : label.end])
        length += len(before)
        if stays:
            labels.append(Label(label.name, length, length + len(words), label.bearer))
        length += len(words)
        parts += (before, words)
        position = label.end
    return replace(one, text="".join((*parts, one.text[position:])), labels=tuple(labels))


def _mask(label: Label, words: str) -> str:
    if label.name == "person":
        return f"{words[0]}某"
    if label.name == "organisation":
        return mask_organisation(words)
    return "×" * (sum(c.isalnum() for c in words) if label.name in IDENTIFIERS else 2)


def _change_figures(words: str, rng: random.Random) -> str:
    return "".join(next((rng.choice(row) for row in _FIGURES if c in row), c) for c in words)


def tag(one: Labelled) -> list[int]:
    """The tag of each character, by its place in `TAGS`."""
    tags = [0] * len(one.text)
    for label in one.labels:
        first = TAGS.index(f"B-{label.name}")
        tags[label.start : label.end] = [first, *[first + 1] * (label.end - label.start - 1)]
    return tags

"""What the rules have overlooked, by a small network that was taught on labelled texts (`tools/tagger`). Pure but for its file.

Rules know forms; somebody called by an ordinary word, a nickname, a place told in words have none, and are known by what
stands around them. The network says of each character how likely it goes, and as what.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from registry.redaction.finding import DetectorDamaged
from registry.redaction.lexicon import Dictionary
from registry.redaction.sheet import Sheet
from registry.redaction.tagger_input import RULES as READ_RULES
from registry.redaction.tagger_input import SIZES, describe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

RULES = {
    "person": "person_name", "organisation": "organisation_name", "address": "address", "id_number": "id_number",
    "phone": "mobile", "card": "card", "account": "card", "plate": "plate", "title_number": "title_number",
    "email": "email", "social": "social_account", "other_id": "other_id", "vehicle": "vehicle_number",
    "birth_date": "birth_date", "age": "age", "health": "health",
}  # fmt: skip
"""The rule under which a class of the labelled texts is hidden; what has no rule stays."""
STAYS = frozenset({"amount", "date", "article", "case_number", "court", "debtor", "region"})
"""What a reader needs, or what is listed anyway."""
DIGEST = "5caf80f39526c9117cfbbad65867d0646000fbeff55d5d7c7e0b67efda30a643"
"""SHA-256 of `tagger.onnx`."""
# Characters read at once.
_LONGEST = 2000
_LOADING = Lock()
_DICTIONARY = Dictionary()


@dataclass(frozen=True, slots=True)
class Tags:
    """Of each character of a sheet: how likely it goes, how likely it is something that stays, by which rule it would go,
    and whether something begins there."""

    chances: tuple[float, ...]
    stays: tuple[float, ...]
    rules: tuple[str, ...]
    begins: tuple[bool, ...]


class Tagger(Protocol):
    """Who reads a text after the rules."""

    def tag(self, sheet: Sheet, debtor: str) -> Tags | None:
        """What of `sheet` goes, on which the rules have marked theirs. None says nothing."""


class Nobody:
    """No second reader: how much the network helps is measured against it."""

    def tag(self, sheet: Sheet, debtor: str) -> Tags | None:
        """Nothing."""
        del sheet, debtor
        return None


class Network:
    """The network of `tagger.onnx`, or of another file where a trial is measured."""

    def __init__(self, path: str = "") -> None:
        self.path = path

    def tag(self, sheet: Sheet, debtor: str) -> Tags | None:
        """How likely each character of `sheet` goes."""
        if not sheet.folded:
            return None
        return load_model(self.path).read(sheet.folded, describe(sheet, debtor, _DICTIONARY))


@dataclass(frozen=True, slots=True)
class Model:
    """A network that was loaded: the row of each character, which of its tags go, stay, begin something, and by which rule."""

    session: InferenceSession
    rows: dict[str, int]
    gone: tuple[int, ...]
    stays: tuple[int, ...]
    rules: tuple[str, ...]
    begins: tuple[bool, ...]

    def run(self, text: str, columns: list[list[int]]) -> NDArray[np.float32]:
        """Of each character of `text` how likely each tag is."""
        import numpy as np

        rows = np.array([self.rows.get(c, 0) for c in text], dtype=np.int64)
        known = np.array(columns, dtype=np.int64)
        parts = [
            self.session.run(None, {"characters": rows[start:end], "columns": known[:, start:end]})[0][:, 0]
            for start, end in _windows(text)
        ]
        return np.concatenate(parts)

    def read(self, text: str, columns: list[list[int]]) -> Tags:
        """Of each character of `text` how likely it goes, and as what."""
        found = self.run(text, columns)
        gone = found[:, self.gone]
        best = gone.argmax(axis=-1).tolist()
        # What the last places of a number say differs from one kind of processor to the next.
        return Tags(
            tuple(gone.sum(axis=-1).round(3).tolist()),
            tuple(found[:, self.stays].sum(axis=-1).round(3).tolist()),
            tuple(self.rules[index] for index in best),
            tuple(self.begins[index] for index in best),
        )


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """`text` in parts that bound what memory reading takes, cut at the end of a sentence where there is one."""
    start = 0
    while start < len(text):
        end = min(start + _LONGEST, len(text))
        if end < len(text):
            end = max(text.rfind("。", start, end), text.rfind("\n", start, end)) + 1 or end
        yield start, end
        start = end


def load_model(path: str = "") -> Model:
    """The model at `path`, or the product's own. Raises DetectorDamaged where it is not the one this version was made with."""
    with _LOADING:
        return _load(path)


@cache
def _load(path: str) -> Model:
    # Loading it takes longer than most commands.
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    # What a long text took is given back.
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    # Processes that read many texts do so side by side.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    source = Path(path).read_bytes() if path else (files(__package__) / "tagger.onnx").read_bytes()
    if not path and sha256(source).hexdigest() != DIGEST:
        raise DetectorDamaged("tagger.onnx")
    session = InferenceSession(source, options, providers=["CPUExecutionProvider"])
    told = session.get_modelmeta().custom_metadata_map
    if json.loads(told["reads"]) != [list(SIZES), list(READ_RULES)]:
        raise DetectorDamaged(f"{path or 'tagger.onnx'} reads other columns")
    tags = json.loads(told["tags"])
    gone = [(i, *tag.split("-")) for i, tag in enumerate(tags) if tag[2:] in RULES]
    return Model(
        session,
        {c: row for row, c in enumerate(told["characters"], start=1)},
        tuple(i for i, _, _ in gone),
        tuple(i for i, tag in enumerate(tags) if tag[2:] in STAYS),
        tuple(RULES[name] for _, _, name in gone),
        tuple(place == "B" for _, place, _ in gone),
    )

"""The lexical network that jieba carries, read from the files of its package without the framework that wrote them."""

from __future__ import annotations

import struct
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WIDTH = 128
"""Of a character's vector and of each direction of both layers."""


def _folder() -> Path:
    spec = find_spec("jieba")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("jieba: it is in requirements/training.txt")
    return Path(spec.origin).parent / "lac_small"


def read_parameter(name: str) -> NDArray[np.float32]:
    """One parameter: two version numbers around the levels of detail, its description, the numbers."""
    data = (_folder() / "model_baseline" / name).read_bytes()
    (levels,) = struct.unpack_from("<Q", data, 4)
    if levels:
        raise ValueError(f"{name} is not a parameter without levels of detail")
    (size,) = struct.unpack_from("<i", data, 16)
    return np.frombuffer(data[20 + size :], dtype="<f4").copy()


def read_characters() -> dict[str, int]:
    """The row of each character; `OOV` is the row of all others."""
    rows: dict[str, int] = {}
    for line in (_folder() / "word.dic").read_text(encoding="utf-8").splitlines():
        number, _, character = line.partition("\t")
        if character:
            rows.setdefault(character, int(number))
    return rows

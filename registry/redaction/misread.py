"""Letters that a scanner wrote where figures were: 99O1O1l98O for 990101198O. Pure."""

from __future__ import annotations

import re

_RUN = re.compile(r"(?<![A-Za-z])[OolI]*\d[\dOolI]*(?![a-km-np-zA-HJ-NP-Z])|(?<=[A-Za-z]\d)[\dOolI]+(?![A-Za-z])")
# What stands behind the comma of an amount or a blank of a card number, with no figure of its own.
_LETTERS = re.compile(r"(?<=\d[,.\-\s])[OolI]{2,4}(?![A-Za-z])")
_FIGURES = str.maketrans("OolI", "0011")
_HINT = re.compile(r"\d[OolI]|[OolI]\d")


def read_misread(text: str) -> str:
    """The same number of characters, with O, o, l and I read as 0 and 1 in runs of figures."""
    if not _HINT.search(text):
        return text
    text = _RUN.sub(lambda run: run[0].translate(_FIGURES), text)
    return _LETTERS.sub(lambda run: run[0].translate(_FIGURES), text)

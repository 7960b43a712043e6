"""Letters that a scanner wrote where figures were: 99O1O1l98O for 990101198O. Pure."""

from __future__ import annotations

import re

_RUN = re.compile(r"(?<![A-Za-z])[OolI]*\d[\dOolI]*(?![a-km-np-zA-HJ-NP-Z])|(?<=[A-Za-z]\d)[\dOolI]+(?![A-Za-z])")
# What stands behind the comma of an amount or a blank of a card number, with no figure of its own.
_LETTERS = re.compile(r"(?<=\d[,.\-\s])[OolI]{2,4}(?![A-Za-z])")
_FIGURES = str.maketrans("OolI", "0011")
_HINT = re.compile(r"\d[OolI]|[OolI]\d")


# Figures set high, low or in circles, as a scan or a phone writes them; one alone is a footnote or an item of a list.
_SET_APART = re.compile(r"[⁰¹²³⁴-⁹]{3,}|[₀-₉]{3,}|[①-⑨⓪]{4,}|(?<=\d)[⒈-⒐](?!\d?\d?\s?[一-龥])")
_PLAIN = {
    **{ord(c): str(i) for i, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{ord(c): str(i) for i, c in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **{ord(c): str(i) for i, c in enumerate("⓪①②③④⑤⑥⑦⑧⑨")},
    **{ord(c): str(i) for i, c in enumerate("⒈⒉⒊⒋⒌⒍⒎⒏⒐", start=1)},
}


def read_set_apart(text: str) -> str:
    """`text` with figures in their plain form, one for one."""
    return _SET_APART.sub(lambda m: m[0].translate(_PLAIN), text)


def read_misread(text: str) -> str:
    """The same number of characters, with O, o, l and I read as 0 and 1 in runs of figures."""
    if not _HINT.search(text):
        return text
    text = _RUN.sub(lambda run: run[0].translate(_FIGURES), text)
    return _LETTERS.sub(lambda run: run[0].translate(_FIGURES), text)

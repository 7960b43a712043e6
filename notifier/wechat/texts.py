"""Texts as WeChat takes them. Pure."""

from __future__ import annotations

import re

# WeChat takes less than 2,048 bytes of UTF-8.
MOST_BYTES = 2_047
_CUT = "…"
# What XML 1.0 cannot carry, and halves of characters.
_UNPRINTABLE = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def cut_text(text: str, most: int = MOST_BYTES) -> str:
    """`text` without what XML cannot carry, in at most `most` bytes of UTF-8, cut between two characters."""
    clean = _UNPRINTABLE.sub("", text)
    if measure(clean) <= most:
        return clean
    kept = clean.encode()[: most - measure(_CUT)].decode(errors="ignore")
    return kept + _CUT


def measure(text: str) -> int:
    """The bytes of a text in UTF-8."""
    return len(text.encode(errors="surrogatepass"))

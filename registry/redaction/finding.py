"""What the detector proposes, and a text without it. Pure.

It knows nothing of how anything is found, so that a command that only takes a name down starts without the detector.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Confidence = Literal["high", "low"]


class DetectorDamaged(Exception):
    """The network that the detector reads with is not the one this version was made with: nothing may be approved."""

    told = "脱敏所用的模型文件（registry/redaction/tagger.onnx）已损坏或者不属于本版本：没有审核，请重新安装本软件"
    """What people are told of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One proposed redaction: `text[start:end]` becomes `replacement`. Offsets count code points.

    `confidence` low must be opened by the reviewer; high blocks publication until the redaction is accepted.
    """

    rule: str
    start: int
    end: int
    confidence: Confidence
    replacement: str


def redact(text: str, findings: Iterable[Finding]) -> str:
    """`text` with every finding replaced. The findings are those of this very text, in order."""
    parts: list[str] = []
    position = 0
    for finding in findings:
        parts += (text[position : finding.start], finding.replacement)
        position = finding.end
    return "".join((*parts, text[position:]))

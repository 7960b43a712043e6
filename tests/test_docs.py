"""What the documents name is there: tests and files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^\s*(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
}
FILES = {path.name for path in (ROOT / "tests").rglob("test_*.py")}


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_test_that_a_document_names_is_there(document: Path) -> None:
    named = set(re.findall(r"(?<![\w/.])test_[\w*]+(?:\.py)?|(?<=::)test_[\w*]+", document.read_text("utf-8")))
    missing = [name for name in named if not _is_there(name)]
    assert not missing


def _is_there(name: str) -> bool:
    if name.endswith(".py"):
        return name in FILES
    if name.endswith("*"):
        return any(test.startswith(name.rstrip("*")) for test in TESTS)
    return name in TESTS or f"{name}.py" in FILES

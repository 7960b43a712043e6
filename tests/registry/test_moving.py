"""That a state is changed in one place, and what that place does along with it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import gongshi
import registry

ROOTS = (Path(registry.__file__).parent, Path(gongshi.__file__).parent)
_ROW = re.compile(r"\b([A-Z]\w*)Row\b")


def find_writers(source: str) -> list[int]:
    """The lines that change the state of a record, or of something that is not known to be anything else."""
    lines: set[int] = set()
    for scope in _split(ast.parse(source)):
        origins = _find_origins(scope)
        lines |= {line for line, held in _find_assignments(scope) if _may_be_record(held, origins)}
    return sorted(lines)


def _split(tree: ast.Module) -> list[ast.AST]:
    """The functions of a module, each with the names that it knows, and what stands outside of them."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    outside = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return [*functions, ast.Module(body=outside, type_ignores=[])]


def _find_assignments(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every line that sets `.state` of something, by whatever means, and of what."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets):
                yield from (found for target in targets for found in _names_in(target))
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
                yield from _names_in(target)
            case ast.Call(func=ast.Name(id="setattr"), args=[held, ast.Constant(value="state"), _]):
                yield node.lineno, ast.unparse(held)
            case ast.Call(func=ast.Attribute(attr="values"), keywords=keywords):
                whole = ast.unparse(node)
                yield from ((node.lineno, whole) for keyword in keywords if keyword.arg == "state")


def _names_in(target: ast.expr) -> Iterator[tuple[int, str]]:
    for node in ast.walk(target):
        if isinstance(node, ast.Attribute) and node.attr == "state":
            yield node.lineno, ast.unparse(node.value)


def _find_origins(tree: ast.AST) -> dict[str, str]:
    """What the names of a module are annotated with, or made from."""
    origins: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.arg(arg=name, annotation=ast.expr() as annotation):
                origins[name] = f"{origins.get(name, '')} {ast.unparse(annotation)}"
            case ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.For(target=ast.Name(id=name), iter=value):
                origins[name] = f"{origins.get(name, '')} {ast.unparse(value)}"
    return origins


def _may_be_record(held: str, origins: dict[str, str]) -> bool:
    origin = origins.get(held.split(".")[0], "")
    known = set(_ROW.findall(f"{held} {origin}"))
    return not known or "Record" in known


def test_no_other_code_changes_the_state_of_a_record() -> None:
    files = {path for root in ROOTS for path in root.rglob("*.py") if "migrations" not in path.parts}
    sources = {path: path.read_text(encoding="utf-8") for path in files}
    about_records = {path: source for path, source in sources.items() if "RecordRow" in source}
    writers = {path.name: lines for path, source in about_records.items() if (lines := find_writers(source))}
    assert {name: len(lines) for name, lines in writers.items()} == {"moving.py": 1}


@pytest.mark.parametrize(
    "way",
    [
        "row.state = 'published'",
        "row.state, row.changed_at = step.state.value, now",
        "def f(row: RecordRow) -> None:\n    row.state = 'held'",
        "def f(matter: MatterRow, row: RecordRow) -> None:\n    setattr(row, 'state', 'held')",
        "session.execute(update(RecordRow).where(RecordRow.id == 1).values(state='held'))",
        "for row in rows:\n    row.state = 'held'",
    ],
)
def test_whatever_way_a_state_is_changed_it_is_seen(way: str) -> None:
    assert find_writers(way)


def test_the_state_of_something_else_is_no_state_of_a_record() -> None:
    assert find_writers("def f(row: MatterRow) -> None:\n    row.state = 'closed'") == []
    assert find_writers("session.execute(update(RunRow).values(state='made'))\nprint(row.state == 'held')") == []

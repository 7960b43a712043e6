"""Whether one text contains another, in the words of either database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class _Contains(FunctionElement[bool]):
    type = Boolean()
    name = "contains"
    inherit_cache = True


def contains(text: ColumnElement[Any], part: ColumnElement[Any]) -> ColumnElement[bool]:
    """A condition: `text` contains `part`, as it is written."""
    return _Contains(text, part)


@compiles(_Contains, "sqlite")
def _on_sqlite(element: _Contains, compiler: SQLCompiler, **given: Any) -> str:
    return f"(instr({compiler.process(element.clauses, **given)}) > 0)"


@compiles(_Contains, "postgresql")
def _on_postgresql(element: _Contains, compiler: SQLCompiler, **given: Any) -> str:
    return f"(strpos({compiler.process(element.clauses, **given)}) > 0)"

"""The engines that benchmarks/search.py compares: an adapter each, all asked the same questions."""

from __future__ import annotations

from collections.abc import Callable

from engines.base import Engine


def _make_ours() -> Engine:
    from engines.ours import Ours

    return Ours()


def _make_box() -> Engine:
    from engines.ours import SearchBox

    return SearchBox()


def _make_register() -> Engine:
    from engines.ours import WholeRegister

    return WholeRegister()


def _make_fts5() -> Engine:
    from engines.fts5 import Fts5

    return Fts5()


def _make_tantivy() -> Engine:
    from engines.tantivy_pairs import TantivyPairs

    return TantivyPairs()


def _make_postgres() -> Engine:
    from engines.postgres import PostgresTrigrams

    return PostgresTrigrams()


def _make_whoosh() -> Engine:
    from engines.stock_whoosh import StockWhoosh

    return StockWhoosh()


# Each is imported only in the process that measures it: the memory of one must not count for another.
ENGINES: dict[str, Callable[[], Engine]] = {
    "ours": _make_ours,
    "box": _make_box,
    "register": _make_register,
    "fts5": _make_fts5,
    "tantivy": _make_tantivy,
    "postgres": _make_postgres,
    "whoosh": _make_whoosh,
}
TITLES = {
    "ours": "Gongshi, index",
    "box": "Gongshi, search box",
    "register": "Gongshi, register",
    "fts5": "SQLite FTS5",
    "tantivy": "Tantivy",
    "postgres": "PostgreSQL pg_trgm",
    "whoosh": "stock Whoosh",
}
# Asks the index that another engine built.
BORROWERS = {"ours": "box"}

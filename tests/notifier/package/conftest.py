"""A package of entries that ask something of every file, and what its files say."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import lru_cache
from types import MappingProxyType
from xml.etree import ElementTree

import openpyxl
import pytest

from notifier.calendar import Period
from notifier.package import Changes, Edition, Package, build_package, compare
from notifier.signing import SigningKey, make_signing_key
from search_index.document import Document


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return make_signing_key(bytes(range(32)))


@pytest.fixture
def entries(person: Document, company: Document) -> list[Document]:
    """Newest first: numbers 1 to 5 of every file."""
    return [
        replace(person, record="SX-00000005", name="曾𠮷", published_on=date(2026, 9, 25)),
        replace(company, record="SX-00000004", published_on=date(2026, 9, 20)),
        replace(person, record="SX-00000003", name="乐䶮", published_on=date(2026, 9, 19), visible_until=ENDS_EARLY),
        replace(person, record="SX-00000002", name="王\U0002b81f", published_on=date(2026, 9, 18)),
        replace(person, record="SX-00000001", latin_name="ZHAXI CESHI", published_on=date(2026, 9, 1)),
    ]


# Midnight in Beijing at the end of 30 November 2026.
ENDS_EARLY = datetime(2026, 11, 30, 16, tzinfo=UTC)


@pytest.fixture
def changes(entries: list[Document], person: Document) -> Changes:
    left = replace(person, record="SX-0000000G", name="离去人", case_number="（2025）测0101执7号")
    before = [left, replace(entries[4], performance="全部未履行"), *entries[2:4]]
    return compare(Period(2026, 2), before, entries)


@pytest.fixture
def commissioned(edition: Edition) -> Edition:
    return replace(edition, commission_number="（2026）测法推1号")


@pytest.fixture
def package(commissioned: Edition, entries: list[Document], changes: Changes, key: SigningKey) -> Package:
    return build_once(commissioned, tuple(entries), changes, key)


@lru_cache(maxsize=1)
def build_once(edition: Edition, entries: tuple[Document, ...], changes: Changes, key: SigningKey) -> Package:
    """The package that most tests look at: they get the same bytes, and none may change them."""
    made = build_package(edition, entries, changes=changes, key=key)
    return replace(made, files=MappingProxyType(dict(made.files)))


@pytest.fixture
def read_words() -> Callable[[str, bytes], str]:
    """All that a file says in words: of a document with head and foot, of a workbook every sheet with its foot."""
    return words_of


def words_of(name: str, content: bytes) -> str:
    if name.endswith(".docx"):
        return _document_words(content)
    if name.endswith(".xlsx"):
        book = openpyxl.load_workbook(io.BytesIO(content))
        cells = [str(cell.value or "") for sheet in book for row in sheet.iter_rows() for cell in row]
        return "\n".join([*book.sheetnames, *cells, *(sheet.oddFooter.left.text or "" for sheet in book)])
    return content.decode("gb18030" if "GB18030" in name else "utf-8-sig")


def _document_words(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = [name for name in archive.namelist() if name.startswith("word/") and name.endswith(".xml")]
        trees = [ElementTree.fromstring(archive.read(name)) for name in parts]
    return "\n".join("".join(tree.itertext()) for tree in trees)

"""Documents and journal entries, valid by default."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from random import Random
from typing import Any

from search_index.document import DisclosedConduct, Document
from search_index.journal import ChangeType, EntryChange
from search_index.number import draw_number

AT = datetime(2026, 11, 18, 10, 0, tzinfo=timezone(timedelta(hours=8)))


def a_number(serial: int) -> str:
    return draw_number(Random(serial))


def a_document(serial: int = 1, **changes: Any) -> Document:
    values: dict[str, Any] = {
        "record": a_number(serial),
        "kind": "person",
        "name": "甲测试",
        "latin_name": None,
        "gender": "男",
        "age": 46,
        "id_number": "9901011980****0015",
        "uscc": None,
        "legal_representative": None,
        "court": "测试市人民法院",
        "region": "测试市",
        "basis_number": f"（2024）测0101民初{serial}号",
        "basis_issuer": "测试市人民法院",
        "case_number": f"（2025）测0101执{serial}号",
        "filed_on": date(2025, 3, 1),
        "obligation": "支付货款人民币100000元。",
        "performance": "全部未履行",
        "performed_part": None,
        "unperformed_part": None,
        "conduct": (DisclosedConduct(code="breaks_consumption_limit", text="违反限制消费令"),),
        "published_on": date(2026, 11, 18),
        "term_ends_on": None,
        "visible_until": None,
        "updated_at": AT,
    }
    return Document(**{**values, **changes})


def shown(position: int, document: Document, *, corrected: bool = False, words: bool = True) -> EntryChange:
    """A published or corrected line; without `words` as the journal keeps it after the record departed."""
    kind = ChangeType.CORRECTED if corrected else ChangeType.PUBLISHED
    body = document.as_json() if words else None
    return EntryChange(position=position, at=AT, sequence=position, type=kind, record=document.record, body=body)


def gone(position: int, record: str) -> EntryChange:
    return EntryChange(position=position, at=AT, sequence=position, type=ChangeType.GONE, record=record, body=None)

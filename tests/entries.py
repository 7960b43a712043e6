"""Synthetic entries in the import format, valid by default."""

from __future__ import annotations

from typing import Any

from gongshi.synthetic import build_citizen_number, build_uscc


def a_person(serial: int = 1, **changes: Any) -> dict[str, Any]:
    """A person listed without a term; everything approval asks for is there."""
    entry: dict[str, Any] = {
        "kind": "person",
        "name": "甲测试",
        "id_number": citizen_number(serial),
        "gender": "男" if (serial % 1000) % 2 else "女",
        "court": "测试市人民法院",
        "region": "测试市",
        "case_number": f"（2025）测0101执{serial}号",
        "filed_on": "2025-03-01",
        "basis_number": f"（2024）测0101民初{serial}号",
        "basis_issuer": "测试市人民法院",
        "obligation": "支付货款人民币100000元及利息，于判决生效之日起十日内付清。",
        "performance": "全部未履行",
        "conduct": ["refuses_though_able"],
        "decision_number": f"（2025）测0101执{serial}号决定书",
        "decided_on": "2025-06-02",
        "served_on": "2025-06-10",
        "national_reference": f"N{serial}",
        "employer": f"秘密单位{serial}厂",
        "phone": f"139{serial:08d}",
        "address": f"测试市测试区秘密路{serial}号",
        "applicant": {"name": "乙申请", "phone": f"138{serial:08d}"},
        "note": f"内部备注{serial}",
    }
    return {**entry, **changes}


def an_organisation(serial: int = 1, **changes: Any) -> dict[str, Any]:
    entry = {
        **a_person(serial),
        "kind": "organisation",
        "name": "测试市甲商贸有限公司",
        "uscc": build_uscc("91", "990101", serial),
        "legal_representative": "丙代表",
    }
    for key in ("id_number", "gender"):
        del entry[key]
    return {**entry, **changes}


def with_term(entry: dict[str, Any], ends_on: str) -> dict[str, Any]:
    """The same listed for a term."""
    return {**entry, "conduct": ["breaks_property_reporting"], "term_ends_on": ends_on}


def citizen_number(serial: int, born: str = "1980-01-02") -> str:
    from datetime import date

    return build_citizen_number("990101", date.fromisoformat(born), serial % 1000)

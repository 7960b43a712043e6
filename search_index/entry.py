"""Documents as they are compared with what was asked. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from search_index.casenumber import find_case_number, list_case_keys
from search_index.condition import Entry, Field, get_organisation_part, meets
from search_index.document import Document
from search_index.folding import fold_code, fold_name, fold_text
from search_index.organisation import find_core
from search_index.page import Query
from search_index.pinyin import list_initials, list_sounds
from search_index.question import Question, Way
from search_index.transliteration import list_latin_keys


def build_entry(document: Document) -> Entry:
    """The document as it is compared."""
    name, code = fold_name(document.name), fold_code(document.uscc) if document.uscc else ""
    parts = (document.obligation, document.performed_part, document.unperformed_part)
    keys: tuple[tuple[Field, Collection[str]], ...] = (
        (Field.NAME, {name}),
        (Field.REPRESENTATIVE, {fold_name(document.legal_representative or "")}),
        (Field.CASE, _list_case_keys(document.case_number or "")),
        (Field.CODE, {get_organisation_part(code)}),
        (Field.CORE, {find_core(name)} if document.kind == "organisation" else ()),
        (Field.ALIAS, list_latin_keys(document.latin_name or "")),
        (Field.SOUND, list_sounds(name)),
        (Field.INITIALS, list_initials(name)),
        (Field.KIND, {document.kind}),
        (Field.COURT, {fold_name(document.court)}),
        (Field.REGION, {fold_name(document.region or "")}),
        (Field.CONDUCT, {item.code for item in document.conduct}),
        (Field.PERFORMANCE, {document.performance}),
    )
    return Entry(
        record=document.record,
        kind=document.kind,
        name=name,
        text="\n".join(fold_text(part) for part in parts if part),
        code=code,
        published_on=document.published_on,
        keys={field: frozenset(held) for field, held in keys if held and "" not in held},
    )


def find_way(question: Question, entry: Entry) -> Way | None:
    """The best way in which the entry answers the question, or None where it does not."""
    return next((way for way in question.ways if meets(way.condition, entry)), None)


def passes(query: Query, entry: Entry) -> bool:
    """Whether the entry passes the filters beside the box."""
    return is_between(query, entry.published_on) and all(
        key in entry.keys.get(field, ()) for field, key in list_filters(query)
    )


def list_filters(query: Query) -> list[tuple[Field, str]]:
    """The filters beside the box that are on, but for the period: the keys that an entry must be kept under."""
    filters = (
        (Field.KIND, query.kind),
        (Field.COURT, query.court and fold_name(query.court)),
        (Field.REGION, query.region and fold_name(query.region)),
        (Field.CONDUCT, query.conduct),
        (Field.PERFORMANCE, query.performance),
    )
    return [(field, key) for field, key in filters if key is not None]


def is_between(query: Query, published_on: date) -> bool:
    """Whether a day lies within the period asked for; both ends belong to it."""
    if query.published_from is not None and published_on < query.published_from:
        return False
    return query.published_to is None or published_on <= query.published_to


def _list_case_keys(case_number: str) -> frozenset[str]:
    case = find_case_number(case_number)
    if case is not None:
        return list_case_keys(case)
    return frozenset({f"={fold_name(case_number)}"} if case_number else ())

"""What a page shows of a document, decided before any template: rows, cards, excerpts, dates. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from search_index.day import SHANGHAI
from search_index.document import Document
from search_index.page import Hit, Span

_EXCERPT = 80  # characters shown of an obligation
_BEFORE = 24  # of which before the first mark
_PAGES_AROUND = 2
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of an entry: what it is called, and what it says."""

    label: str
    value: str


class Piece(NamedTuple):
    """Part of a text; `marked` when it is what was found."""

    text: str
    marked: bool


class Card(NamedTuple):
    """One hit of a result list. `namesakes` counts the entries of that name, for people only."""

    document: Document
    address: str
    name: tuple[Piece, ...]
    conduct: str
    published_on: str
    excerpt: tuple[Piece, ...]
    is_near: bool
    is_representative: bool
    reason: str | None
    namesakes: int | None


def build_rows(document: Document) -> list[Row]:
    """Every public field of an entry that has a value, in the order of 法释〔2017〕7号 art. 6."""
    rows = _person_rows(document) if document.kind == "person" else _organisation_rows(document)
    part = document.performance == "部分未履行"
    rows += [
        ("执行法院", document.court),
        ("来源", document.origin and f"转载自{document.origin}公布的名单"),
        ("地区", document.region),
        ("执行案号", document.case_number),
        ("立案时间", day(document.filed_on)),
        ("执行依据文号", document.basis_number),
        ("作出执行依据的单位", document.basis_issuer),
        ("生效法律文书确定的义务", document.obligation),
        ("被执行人的履行情况", document.performance),
        ("已履行部分", document.performed_part if part else None),
        ("未履行部分", document.unperformed_part if part else None),
        ("失信行为的具体情形", "；".join(item.text for item in document.conduct)),
        ("公布时间", day(document.published_on)),
        ("纳入期限届满日", day(document.term_ends_on)),
        ("本条信息更新时间", moment(document.updated_at)),
    ]
    return [Row(label=label, value=value) for label, value in rows if value]


def _person_rows(document: Document) -> list[tuple[str, str | None]]:
    return [
        ("姓名", document.name),
        ("拉丁字母写法", document.latin_name),
        ("性别", document.gender),
        ("年龄", None if document.age is None else f"{document.age} 岁（首次公布时）"),
        ("公民身份号码", document.id_number),
    ]


def _organisation_rows(document: Document) -> list[tuple[str, str | None]]:
    return [
        ("名称", document.name),
        ("统一社会信用代码（组织机构代码）", document.uscc),
        ("法定代表人或者负责人", document.legal_representative),
    ]


def build_cards(hits: Iterable[Hit], addresses: Mapping[str, str]) -> list[Card]:
    """The cards of hits. `addresses` are of the entries' pages, by record."""
    return [_build_card(hit, addresses[hit.document.record]) for hit in hits]


def _build_card(hit: Hit, address: str) -> Card:
    document = hit.document
    is_excerpted = hit.found_in == "obligation" and document.obligation
    return Card(
        document=document,
        address=address,
        name=cut(document.name, hit.name_marks),
        conduct="；".join([item.text for item in document.conduct]),
        published_on=day(document.published_on) or "",
        excerpt=build_excerpt(document.obligation or "", hit.obligation_marks) if is_excerpted else (),
        is_near=hit.match == "near",
        is_representative=hit.found_in == "legal_representative",
        reason=hit.reason,
        namesakes=hit.namesakes,
    )


def build_excerpt(text: str, marks: Sequence[Span]) -> tuple[Piece, ...]:
    """A short part of `text` around the first of its `marks`, with all that are in it; its beginning without any."""
    start = max(0, marks[0][0] - _BEFORE) if marks else 0
    end = min(len(text), start + _EXCERPT)
    # A line break of the text is no line break of the excerpt.
    pieces = [Piece(_SPACE.sub(" ", piece.text), piece.marked) for piece in cut(text, marks, start, end)]
    if start:
        pieces.insert(0, Piece("…", marked=False))
    if end < len(text):
        pieces.append(Piece("…", marked=False))
    return tuple(pieces)


def cut(text: str, marks: Sequence[Span], start: int = 0, end: int | None = None) -> tuple[Piece, ...]:
    """`text` from `start` to before `end`, cut where a mark begins or ends."""
    end = len(text) if end is None else end
    pieces = []
    for first, last in marks:
        first, last = max(first, start), min(last, end)
        if first >= last:
            continue
        if start < first:
            pieces.append(Piece(text[start:first], marked=False))
        pieces.append(Piece(text[first:last], marked=True))
        start = last
    if start < end:
        pieces.append(Piece(text[start:end], marked=False))
    return tuple(pieces)


def list_page_numbers(page: int, pages: int) -> list[int | None]:
    """The page numbers to offer, None where some are left out."""
    around = range(page - _PAGES_AROUND, page + _PAGES_AROUND + 1)
    shown = sorted({1, pages, *around} & set(range(1, pages + 1)))
    links: list[int | None] = []
    for number in shown:
        if links and links[-1] is not None and number > links[-1] + 1:
            links.append(None)
        links.append(number)
    return links


def day(value: date | None) -> str | None:
    """A calendar day as people write it."""
    return None if value is None else f"{value.year}年{value.month}月{value.day}日"


def moment(value: datetime | None) -> str | None:
    """An instant to the minute, on the court's clock."""
    if value is None:
        return None
    local = value.astimezone(SHANGHAI)
    return f"{day(local.date())} {local:%H:%M}"


def sentence(text: str) -> str:
    """The text with a full stop, where it has none."""
    return text if not text or text[-1] in "。！？" else f"{text}。"


def digits(text: str) -> str:
    """The digits of a filing number, which is how the filing office's page is asked."""
    return "".join(character for character in text if character.isascii() and character.isdigit())

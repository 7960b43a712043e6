"""What a page shows of a document, decided before any template: rows, cards, excerpts, dates. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from search_index.day import SHANGHAI
from search_index.document import Document
from search_index.page import Hit, Page

_EXCERPT = 80  # characters shown of an obligation
_BEFORE = 24  # of which before the first word found
_PAGES_AROUND = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of an entry: what it is called, and what it says."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Part of a text; `marked` when it is one of the words searched for."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One hit of a result list. `namesakes` counts the entries of that name, for people only."""

    document: Document
    is_near: bool
    is_representative: bool
    reason: str | None
    excerpt: tuple[Piece, ...]
    namesakes: int | None


def build_rows(document: Document) -> list[Row]:
    """Every public field of an entry that has a value, in the order of 法释〔2017〕7号 art. 6."""
    rows = _person_rows(document) if document.kind == "person" else _organisation_rows(document)
    part = document.performance == "部分未履行"
    rows += [
        ("执行法院", document.court),
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


def build_cards(page: Page, words: str, namesakes: Mapping[str, int]) -> list[Card]:
    """The cards of a page of hits. `namesakes` counts entries by name."""
    return [_build_card(hit, words, namesakes) for hit in page.hits]


def _build_card(hit: Hit, words: str, namesakes: Mapping[str, int]) -> Card:
    document = hit.document
    in_obligation = hit.found_in == "obligation" and document.obligation
    return Card(
        document=document,
        is_near=hit.match == "near",
        is_representative=hit.found_in == "legal_representative",
        reason=hit.reason,
        excerpt=build_excerpt(document.obligation or "", words) if in_obligation else (),
        namesakes=namesakes.get(document.name),
    )


def build_excerpt(text: str, words: str) -> tuple[Piece, ...]:
    """A short part of `text` around the first of the `words` found in it, every occurrence marked."""
    text = " ".join(text.split())
    pattern = _pattern(words)
    # Width is folded one character at a time, so that positions in the folded text are those of the text.
    folded = "".join(_fold(character) for character in text)
    spans = [match.span() for match in pattern.finditer(folded)] if pattern else []
    start = max(0, spans[0][0] - _BEFORE) if spans else 0
    end = min(len(text), start + _EXCERPT)
    pieces = [Piece(text="…", marked=False)] if start else []
    for first, last in spans:
        if first >= end:
            break
        pieces.append(Piece(text=text[start:first], marked=False))
        pieces.append(Piece(text=text[first : min(last, end)], marked=True))
        start = min(last, end)
    pieces.append(Piece(text=text[start:end] + ("…" if end < len(text) else ""), marked=False))
    return tuple(piece for piece in pieces if piece.text)


def _pattern(words: str) -> re.Pattern[str] | None:
    found = ["".join(_fold(c) for c in word) for word in re.split(r'[\s"“”「」]+', words) if word]
    if not found:
        return None
    return re.compile("|".join(re.escape(word) for word in sorted(found, key=len, reverse=True)))


def _fold(character: str) -> str:
    folded = unicodedata.normalize("NFKC", character).lower()
    return folded if len(folded) == 1 else character


def build_page_links(page: int, pages: int) -> list[int | None]:
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


def names_of(hits: Sequence[Hit]) -> list[str]:
    """The different names of the people among the hits: each is a name that others may bear."""
    return sorted({hit.document.name for hit in hits if hit.document.kind == "person"})

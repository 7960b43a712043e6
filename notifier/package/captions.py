"""滚动字幕.txt: a line an entry, no line longer than a caption machine takes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from notifier.package.edition import (
    Edition,
    chinese_date,
    describe_person,
    edition_line,
    flatten,
    last_day_of_entry,
    title,
    training_mark,
    usage_notice,
    width,
)
from search_index.document import Document

_NOT_SHOWN = "【以下为说明，不播出】"
_SHOWN = "【以下为字幕，一行一条，以全角空格起头的接上一行】"
_CONTINUED = "\u3000"
_TRAINING = "【演练】"
_EARLY_NAMED = 20
_FEWEST_CHARACTERS = 20


def build_captions(edition: Edition, documents: Sequence[Document]) -> str:
    """The text of both caption files, CRLF. Raises ValueError for a limit under 20 Han characters."""
    if edition.caption_limit < _FEWEST_CHARACTERS:
        raise ValueError(f"a caption line needs at least {_FEWEST_CHARACTERS} characters")
    limit = edition.caption_limit * 2
    lines = [
        *_cut(_NOT_SHOWN, limit),
        *_cut(title(edition), limit),
        *_cut(edition_line(edition, len(documents)), limit),
        *_cut(usage_notice(edition), limit),
        *(line for note in _note_early_ends(edition, documents) for line in _cut(note, limit)),
        *_cut(f"每行不超过{edition.caption_limit}个汉字，两个半角字符算一个。", limit),
        "",
        *_cut(_SHOWN, limit),
        *(line for document in documents for line in caption(edition, document)),
    ]
    return "".join(f"{line}\r\n" for line in lines)


def caption(edition: Edition, document: Document) -> list[str]:
    """The lines of one entry: one, unless what tells it from a namesake's does not fit. What does not is never cut off,
    what is less needed is left out."""
    mark = _TRAINING if edition.profile.training else ""
    needed = f"{mark}{flatten(document.name)}，{_identity(document)}"
    limit = edition.caption_limit * 2
    text = needed
    for part in _wanted(document):
        if width(f"{text}，{part}") <= limit:
            text = f"{text}，{part}"
    return _cut(text, limit)


def _identity(document: Document) -> str:
    return "，".join(flatten(part) for part in (document.id_number or document.uscc, document.case_number) if part)


def _wanted(document: Document) -> Iterator[str]:
    """What is told where there is room, the most needed first."""
    yield flatten(document.performance)
    if document.latin_name:
        yield flatten(document.latin_name)
    if sex_and_age := describe_person(document):
        yield sex_and_age
    for conduct in document.conduct:
        yield flatten(conduct.text)


def _note_early_ends(edition: Edition, documents: Sequence[Document]) -> list[str]:
    dated = [
        (number, last)
        for number, document in enumerate(documents, start=1)
        if (last := last_day_of_entry(document, edition)) is not None
    ]
    if not dated:
        return []
    told = "、".join(f"第{number}条{chinese_date(last)}" for number, last in dated[:_EARLY_NAMED])
    more = f"等{len(dated)}条，其余见list.xlsx" if len(dated) > _EARLY_NAMED else ""
    return [f"{training_mark(edition)}下列各条提前停止使用，最后使用日：{told}{more}。"]


# What reads as one: a number, a Latin word, a case number's year in brackets.
_PIECE = re.compile(r"[0-9A-Za-z*]+|.")


def _cut(text: str, limit: int) -> list[str]:
    """`text` in lines of at most `limit` half-width places; the second and later ones begin with a full-width blank."""
    if width(text) <= limit:
        return [text]
    lines: list[str] = []
    line = ""
    for piece in _pieces(text, limit - 2):
        if width(line) + width(piece) > limit:
            lines.append(line)
            line = _CONTINUED
        line += piece
    return [*lines, line]


def _pieces(text: str, most: int) -> Iterator[str]:
    for piece in _PIECE.findall(text):
        if width(piece) <= most:
            yield piece
        else:
            yield from piece

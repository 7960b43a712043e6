"""What the tagger adds to what the rules found, and what of theirs it doubts. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from registry.redaction.court_words import ORDINARY
from registry.redaction.numbers import IDENTIFIER_RULES
from registry.redaction.sheet import Sheet
from registry.redaction.short_names import is_short_for
from registry.redaction.tagger import Tags
from registry.redaction.vocabulary import Named

# Chosen on open texts that the tagger had not read (docs/redaction.md).
SEEDS = {"number": 0.15, "place": 0.15, "name": 0.3, "rest": 0.3}
"""A character that goes at least so likely starts a finding. A number or a house leads straight to somebody's door; of an
ordinary word nobody knows whom it names."""
GROW = 0.05
"""Its neighbours belong to it from here on."""
WIDE = 0.5
"""What stands beside a finding of the rules belongs to it, and a single character is a finding, from here on."""
SURE = 0.9
"""From here on a finding blocks publication until it is accepted; below, a reviewer must have opened it."""
DOUBTED = 0.08
"""A name the rules found goes out where nothing of it is likelier than this."""
_DOUBTABLE = frozenset({"person_name", "organisation_name", "address"})
_KINDS = {
    "person_name": "name", "organisation_name": "name", "address": "place", "health": "rest", "age": "rest",
    **dict.fromkeys(IDENTIFIER_RULES, "number"),
}  # fmt: skip
# The tagger knows no school that is not an organisation.
_AS_TAGGED = {"school": "organisation_name"}
# A number has a figure or a letter; a nickname and a day of birth need none.
_FIGURED = IDENTIFIER_RULES - {"social_account", "url", "birth_date"}
_DIGITS_ONLY = frozenset({"id_number", "card", "mobile", "landline"})
_DIGIT = re.compile(r"[0-9〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖幺]")
_FIGURE = re.compile(r"[0-9A-Za-z〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖幺]")
_REGION = re.compile(r"(?:[省市县旗盟州]|(?<![小社园景库矿厂])区)$")
# A full stop and a line's end close every name and number, and the fields of a record.
_FREE = re.compile(r"[^\0\1\n。]+")


def combine(sheet: Sheet, tags: Tags) -> None:
    """Mark on `sheet` what `tags` adds, and release what it doubts; never what the record knows to go."""
    _release_doubted(sheet, tags)
    by_start = {span.start: span for span in sheet.taken}
    by_end = {span.end: span for span in sheet.taken}
    found = []
    for piece in list(_Reading(sheet, tags).find_overlooked()):
        before = None if tags.begins[piece.start] else by_end.get(piece.start)
        behind = by_start.get(piece.end)
        behind = None if behind is None or tags.begins[behind.start] else behind
        own = next((span for span in (before, behind) if span and _is_same(span.rule, piece.rule)), None)
        if own is not None:
            wider = _widen(sheet, tags, own, piece)
            if wider != own:
                _put_everywhere(sheet, own, wider)
                by_start[wider.start] = by_end[wider.end] = wider
        elif _is_something(sheet, tags, piece, by_start.get(piece.end)):
            found.append(piece)
    sheet.take(found)


def _release_doubted(sheet: Sheet, tags: Tags) -> None:
    known = {sheet.folded[span.start : span.end] for span in sheet.known}
    for span in [s for s in sheet.taken if s.rule in _DOUBTABLE and s not in sheet.known]:
        if max(tags.chances[span.start : span.end]) < DOUBTED:
            words = sheet.folded[span.start : span.end]
            if not any(_is_of(words, name) for name in known):
                sheet.release(span)


def _is_of(words: str, name: str) -> bool:
    """Whether `words` may be somebody for short whom the record knows: 虚言 and 老张 of 张虚言."""
    return words in name or name in words or is_short_for(words, name) or (len(words) < 4 and words[-1] == name[0])


def _is_same(rule: str, tagged: str) -> bool:
    return _AS_TAGGED.get(rule, rule) == tagged or (rule in IDENTIFIER_RULES and tagged in IDENTIFIER_RULES)


def _widen(sheet: Sheet, tags: Tags, own: Named, piece: Named) -> Named:
    """`own`, which the rules found, with what of `piece` beside it belongs to it."""
    if own.rule in IDENTIFIER_RULES:
        # 号 behind a title's number and 字第 before it tell nothing.
        rest = _FIGURE.search(sheet.folded, piece.start, piece.end) or own.rule == "social_account"
        return replace(own, start=min(own.start, piece.start), end=max(own.end, piece.end)) if rest else own
    likely = [place for place in range(piece.start, piece.end) if tags.chances[place] >= WIDE]
    if not likely:
        return own
    start, end = min(own.start, likely[0]), max(own.end, likely[-1] + 1)
    if own.rule == "address" and start < own.start and max(tags.chances[start : own.start]) < SURE:
        # The county before it stays.
        start = next((p for p in range(own.start, start, -1) if _REGION.search(sheet.folded, max(0, p - 2), p)), start)
    return replace(own, start=start, end=end)


def _put_everywhere(sheet: Sheet, own: Named, wider: Named) -> None:
    """Widen `own`, and whoever else was taken by the same words and stands in the same wider ones."""
    words, whole = sheet.folded[own.start : own.end], sheet.folded[wider.start : wider.end]
    offset = own.start - wider.start
    for span in [s for s in sheet.taken if sheet.folded[s.start : s.end] == words]:
        start = span.start - offset
        end = start + len(whole)
        free = f"{sheet.text[max(start, 0) : span.start]}{sheet.text[span.end : end]}"
        if start >= 0 and sheet.folded[start:end] == whole and not set(free) & set("\0\1"):
            sheet.widen(span, replace(span, start=start, end=end))


def _is_something(sheet: Sheet, tags: Tags, piece: Named, behind: Named | None) -> bool:
    """Whether `piece` can be what the tagger takes it for."""
    words = sheet.folded[piece.start : piece.end]
    likeliest = max(tags.chances[piece.start : piece.end])
    if likeliest < SURE and words in ORDINARY:
        return False
    if len(words) < 2 and likeliest < WIDE:
        return False
    if piece.rule in _FIGURED and not (_DIGIT if piece.rule in _DIGITS_ONLY else _FIGURE).search(words):
        return False
    county = piece.rule == "address" and behind is not None and behind.rule == "address" and _REGION.search(words)
    return not county or likeliest >= SURE


class _Reading:
    """The tags beside what is decided of the sheet."""

    def __init__(self, sheet: Sheet, tags: Tags) -> None:
        self.text = sheet.text
        self.tags = tags
        self.seeds = [SEEDS[_KINDS[rule]] for rule in tags.rules]

    def find_overlooked(self) -> Iterator[Named]:
        """What goes of the text that nothing has decided yet."""
        for free in _FREE.finditer(self.text):
            for run in self._grow(free.start(), free.end()):
                for start, end in self._split(*run):
                    start, end = self._trim(start, end)
                    if start < end and self._is_likely(start, end):
                        yield self._name(start, end)

    def _grow(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Runs of likely characters."""
        first: int | None = None
        for place in range(start, end + 1):
            inside = place < end and self._goes_on(place)
            if first is not None and not inside:
                yield first, place
                first = None
            if inside and first is None:
                first = place

    def _goes_on(self, place: int) -> bool:
        return self.tags.chances[place] >= GROW if self.text[place].isalnum() else self._starts(place)

    def _starts(self, place: int) -> bool:
        return self.tags.chances[place] >= self.seeds[place]

    def _split(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """A run where another thing begins; no single characters, which are nobody's name."""
        for place in range(start + 2, end - 1):
            if self.tags.begins[place] and self._starts(place) and place - start > 1:
                yield start, place
                start = place
        yield start, end

    def _trim(self, start: int, end: int) -> tuple[int, int]:
        while start < end and not self.text[start].isalnum():
            start += 1
        while start < end and not self.text[end - 1].isalnum():
            end -= 1
        return start, end

    def _is_likely(self, start: int, end: int) -> bool:
        """Whether something of it goes, and the whole is not likelier an amount or a court than anything private."""
        if not any(map(self._starts, range(start, end))):
            return False
        return sum(self.tags.chances[start:end]) >= sum(self.tags.stays[start:end])

    def _name(self, start: int, end: int) -> Named:
        ((rule, _),) = Counter(self.tags.rules[start:end]).most_common(1)
        sure = max(self.tags.chances[start:end]) >= SURE
        return Named(rule, start, end, "high" if sure else "low")

"""Who and what a free text gives away beside the listed debtor, and the text without it. Pure.

法释〔2016〕19号 art. 8–11 by analogy: names of others keep the surname, identifiers and addresses below the county go,
and amounts, dates, articles, case numbers and courts stay. A machine proposes; a person confirms at approval.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from registry.masks import mask_name, mask_organisation
from registry.redaction.numbers import (
    CASE_NUMBERS,
    HAS_RUN,
    HEALTH_AND_AGE,
    IDENTIFIER_RULES,
    KEPT_FIGURES,
    KEYWORDED,
    LONG_RUNS,
    NAMED_FIGURES,
    PLATES,
    SHORTER_RUNS,
    Detector,
)
from registry.redaction.organisations import find_organisations
from registry.redaction.people import find_people, suspect_people
from registry.redaction.places import find_addresses
from registry.redaction.vocabulary import HAN, Confidence, Named
from registry.surnames import COMPOUND_SURNAMES

_KEPT = "\0"
_TAKEN = "\1"
_CROSS = "×"
# Nothing is found across it: a full stop ends every name and number.
_BETWEEN = "\n。\n"
_NAMES = ("person_name", "organisation_name")
_ORGANISATION = re.compile(
    r"(?:公司|企业|合作社|信用社|联社|银行|支行|分行|委员会|村委会|居委会|事务所|商行|经营部|厂|店|局|院|学校|中心|集团|政府|办事处|[^一-龥]所)$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One proposed redaction: `text[start:end]` becomes `replacement`. Offsets count code points.

    `confidence` low must be opened by the reviewer; high blocks publication until the redaction is accepted.
    """

    rule: str
    start: int
    end: int
    confidence: Confidence
    replacement: str


def find(text: str, debtor: str, known_names: Sequence[str] = ()) -> tuple[Finding, ...]:
    """What must go from `text`, in order and without overlap.

    `debtor` is the listed debtor's name, which stays. `known_names` are words that must go wherever they stand:
    the applicant, the employer, and whatever else of the record is private. A redacted text gives no findings.
    """
    sheet = _Sheet(text)
    if "某" in sheet.text:
        sheet.keep(m.span() for m in _MASKED.finditer(sheet.text))
    sheet.keep(_debtor_spans(sheet.text, debtor, known_names))
    sheet.take(_known_spans(sheet.text, known_names))
    if sheet.has_figures:
        _take_numbers(sheet)
    _keep_courts(sheet)
    _take_names(sheet, debtor)
    _take(sheet, HEALTH_AND_AGE)
    return _build_findings(sheet.folded, sorted(sheet.taken, key=lambda span: span.start))


def find_in_fields(
    texts: Mapping[str, str], debtor: str, known_names: Sequence[str] = ()
) -> dict[str, tuple[Finding, ...]]:
    """Findings of several texts of one record, read as one: a person named in one is known in all, by one number."""
    findings = find(_BETWEEN.join(texts.values()), debtor, known_names)
    found, start = {}, 0
    for name, text in texts.items():
        end = start + len(text)
        found[name] = tuple(
            replace(f, start=f.start - start, end=f.end - start) for f in findings if start <= f.start < end
        )
        start = end + len(_BETWEEN)
    return found


def redact(text: str, findings: Iterable[Finding]) -> str:
    """`text` with every finding replaced. The findings are those of this very text, in order."""
    parts: list[str] = []
    position = 0
    for finding in findings:
        parts += (text[position : finding.start], finding.replacement)
        position = finding.end
    return "".join((*parts, text[position:]))


class _Sheet:
    """The folded text, on which what was decided is blanked out so that nothing is decided twice."""

    def __init__(self, text: str) -> None:
        self.folded = fold(text)
        self.text = self.folded
        self.taken: list[Named] = []
        self.has_figures = bool(_FIGURE.search(self.text))

    def keep(self, spans: Iterable[tuple[int, int]]) -> None:
        for start, end in spans:
            self._blank(start, end, _KEPT)

    def take(self, spans: Iterable[Named]) -> None:
        for span in spans:
            if not _DECIDED.search(self.text, span.start, span.end) and span.start < span.end:
                self.taken.append(span)
                self._blank(span.start, span.end, _TAKEN)

    def _blank(self, start: int, end: int, mark: str) -> None:
        self.text = f"{self.text[:start]}{mark * (end - start)}{self.text[end:]}"


_FIGURE = re.compile(r"[0-9@]|[A-Za-z]{5}|[〇零○一二三四五六七八九壹贰叁肆伍陆柒捌玖幺]{7}|www")
_MASKED = re.compile(
    rf"(?:{'|'.join(sorted(COMPOUND_SURNAMES))}|[{HAN}])?某+(?:公司|银行|信用社|合作社|合伙企业|事务所|委员会|医院|学校|厂|店|单位)?"
    r"(?:\d{1,2}(?!\d)|[甲乙丙丁戊])?"
)
_DECIDED = re.compile(r"[\0\1]")
_FOLD = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code) not in "（），：；！？"},
    **dict.fromkeys(map(ord, "‐‑‒–—―−－"), "-"),
    **dict.fromkeys(map(ord, "\u3000\u00a0\u2002\u2003\u2009\u200b\u200c\u200d\u2060\ufeff\t\v\f"), " "),
    **dict.fromkeys(map(ord, "（"), "("),
    **dict.fromkeys(map(ord, "）"), ")"),
    **dict.fromkeys(map(ord, "\0\1"), " "),
}
_ODD_DIGIT = re.compile(r"[^\D0-9]")
_MISREAD = re.compile(r"(?<=\d)[OolI|](?=[\dOolI|])")
_MISREAD_AS = {"O": "0", "o": "0", "l": "1", "I": "1", "|": "1"}


def fold(text: str) -> str:
    """The same number of characters, half width, with one kind of dash, blank and digit."""
    folded = text.translate(_FOLD)
    folded = _ODD_DIGIT.sub(lambda m: str(unicodedata.decimal(m[0])), folded)
    return _MISREAD.sub(lambda m: _MISREAD_AS[m[0]], folded)


def _occurrences(text: str, words: Iterable[str]) -> list[tuple[int, int]]:
    """Where any of `words` stands, the longest first where several begin together; none of one character."""
    spans = sorted((span for word in set(words) if len(word) > 1 for span in _places(text, word)), key=_by_length)
    found, end = [], 0
    for span in spans:
        if span[0] >= end:
            found.append(span)
            end = span[1]
    return found


def _places(text: str, word: str) -> Iterator[tuple[int, int]]:
    start = text.find(word)
    while start >= 0:
        yield start, start + len(word)
        start = text.find(word, start + 1)


def _by_length(span: tuple[int, int]) -> tuple[int, int]:
    return span[0], -span[1]


def _debtor_spans(text: str, debtor: str, known_names: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where the debtor is named; not inside the longer name of somebody known."""
    name = fold(debtor.strip())
    longer = [fold(known) for known in known_names if name in fold(known) and name != fold(known)]
    for start, end in _occurrences(text, [name, *longer]):
        if text[start:end] == name and not _is_longer_name(text, start, end):
            yield start, end


def _is_longer_name(text: str, start: int, end: int) -> bool:
    """Whether a two-character debtor stands at the head of another person's three-character name."""
    if end - start != 2:
        return False
    person = next((p for p in find_people(f"原告{text[start : end + 12]}") if p.start == 2), None)
    return person is not None and person.end == 5 and person.confidence == "high"


def _known_spans(text: str, known_names: Sequence[str]) -> Iterator[Named]:
    for start, end in _occurrences(text, (fold(name.strip()) for name in known_names)):
        name = text[start:end]
        yield Named(_rule_of_known(name), start, end, "high")


def _rule_of_known(name: str) -> str:
    if _ORGANISATION.search(name):
        return "organisation_name"
    return "person_name" if len(name) <= 4 or "·" in name else "private_value"


def _take(sheet: _Sheet, detectors: Iterable[Detector]) -> None:
    for detector in detectors:
        spans = detector.spans(sheet.text)
        if spans:
            sheet.take([Named(detector.rule, *span, detector.confidence) for span in spans])


def _take_numbers(sheet: _Sheet) -> None:
    sheet.keep(m.span() for m in CASE_NUMBERS.finditer(sheet.text))
    _take(sheet, KEYWORDED)
    _take(sheet, NAMED_FIGURES)
    has_run = bool(HAS_RUN.search(sheet.text))
    if has_run:
        _take(sheet, LONG_RUNS)
    sheet.keep(m.span() for m in KEPT_FIGURES.finditer(sheet.text))
    if has_run:
        _take(sheet, SHORTER_RUNS)
    _take(sheet, PLATES)


_COURT = re.compile(
    r"(?:高级|中级|基层|最高)?人民(?:法院|法庭|检察院)|仲裁委员会|仲裁院|公证处|中国人民银行|贷款市场报价利率"
)


def _keep_courts(sheet: _Sheet) -> None:
    sheet.keep([m.span() for m in _COURT.finditer(sheet.text)])


def _take_names(sheet: _Sheet, debtor: str) -> None:
    """Until nothing new is found: what was blanked can free a name that another had hidden."""
    own = _core(fold(debtor)) if _ORGANISATION.search(debtor) else ""
    while True:
        before = len(sheet.taken)
        organisations = list(find_organisations(sheet.text))
        if own:
            sheet.keep((o.start, o.end) for o in organisations if _is_own(sheet.text, o, own))
        sheet.take(organisations)
        sheet.take(find_addresses(sheet.text))
        sheet.take(find_people(sheet.text))
        _take_repeats(sheet)
        sheet.take(suspect_people(sheet.text))
        _take_repeats(sheet)
        if len(sheet.taken) == before:
            return


_OPPOSED = re.compile(r"(?:原告|申请执行人|申请人|第三人|案外人|债权人|出借人|贷款人)[\s:：]{0,2}$")


def _is_own(text: str, organisation: Named, own: str) -> bool:
    """Whether this is the debtor for short, and not a party on the other side with a like name."""
    start = organisation.start
    return _core(text[start : organisation.end]) in own and not _OPPOSED.search(text[max(0, start - 8) : start])


def _take_repeats(sheet: _Sheet) -> None:
    original = {sheet.folded[s.start : s.end]: s for s in sheet.taken if s.rule in _NAMES and _is_sure(s)}
    for start, end in _occurrences(sheet.text, original):
        source = original[sheet.text[start:end]]
        sheet.take([Named(source.rule, start, end, source.confidence)])


def _is_sure(span: Named) -> bool:
    return span.confidence == "high" or span.end - span.start > 2


_KIND_OF_COMPANY = re.compile(
    r"有限责任|股份|有限|集团|公司|专业|合作社|企业|银行|支行|分行|商贸|贸易|\(普通合伙\)|\(有限合伙\)"
)


def _core(name: str) -> str:
    """What distinguishes an organisation's name: 宏达 of 宏达公司 is found again in the full name."""
    return _KIND_OF_COMPANY.sub("", name) or name


def _build_findings(text: str, spans: Sequence[Named]) -> tuple[Finding, ...]:
    masks = _number_masks(text, spans)
    findings = []
    for span in spans:
        replacement = masks.get(_identity(text, span)) or _cross_out(span.rule, text[span.start : span.end])
        # 某公司1 before an amount would read as part of it.
        if replacement[-1].isdigit() and text[span.end : span.end + 1].isdigit():
            replacement += " "
        findings.append(
            Finding(rule=span.rule, start=span.start, end=span.end, confidence=span.confidence, replacement=replacement)
        )
    return tuple(findings)


def _cross_out(rule: str, words: str) -> str:
    if rule in IDENTIFIER_RULES and rule not in ("email", "url"):
        return _CROSS * max(sum(c.isalnum() for c in words), 2)
    return _CROSS * 2


def _identity(text: str, span: Named) -> str:
    return "".join(text[span.start : span.end].split())


def _number_masks(text: str, spans: Sequence[Named]) -> dict[str, str]:
    """The mask of each name; where different names share one, 张某1 and 张某2 by first appearance."""
    groups: dict[str, list[list[str]]] = {}
    for span in spans:
        if span.rule in _NAMES:
            name = _identity(text, span)
            person = span.rule == "person_name"
            mask = mask_name(name, "某") if person else mask_organisation(name)
            _join_group(groups.setdefault(mask, []), name, person)
    return {
        name: f"{mask}{index}" if len(bearers) > 1 else mask
        for mask, bearers in groups.items()
        for index, names in enumerate(bearers, start=1)
        for name in names
    }


def _join_group(bearers: list[list[str]], name: str, person: bool) -> None:
    """Add `name` to the bearer it names already, in full or for short, or as a new one."""
    for names in bearers:
        if name in names:
            return
        if not person and any(_core(name) in other or _core(other) in name for other in names):
            names.append(name)
            return
    bearers.append([name])

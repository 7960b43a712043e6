"""Who and what a free text gives away beside the listed debtor, and the text without it. Pure.

法释〔2016〕19号 art. 8–11 by analogy: names of others keep the surname, identifiers and addresses below the county go,
and amounts, dates, articles, case numbers and courts stay. A machine proposes; a person confirms at approval.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from registry.redaction.combining import combine
from registry.redaction.courts import find_kept_names
from registry.redaction.facts import find_facts
from registry.redaction.finding import Finding
from registry.redaction.lexicon import Dictionary, Lexicon
from registry.redaction.masking import write_replacements
from registry.redaction.name_parts import DOT_OR_BLANK
from registry.redaction.numbers import IDENTIFIER_RULES, find_numbers
from registry.redaction.organisation_words import BANKS
from registry.redaction.organisations import find_organisations, is_organisation
from registry.redaction.people import find_people, is_longer_name, open_page
from registry.redaction.people_in_frames import find_called, find_framed, find_joined, find_listed, find_officers
from registry.redaction.places import find_addresses, is_part
from registry.redaction.sheet import MASKED, Sheet, fold
from registry.redaction.short_names import find_short, is_short_for
from registry.redaction.tagger import Network, Tagger
from registry.redaction.torn import find_torn, finish_numbers
from registry.redaction.vocabulary import Named, words
from registry.surnames import COMPOUND_SURNAMES, SURNAMES

# Nothing is found across it: a full stop ends every name and number.
_BETWEEN = "\n。\n"
_NAMES = ("person_name", "organisation_name")
_ORGANISATION = re.compile(
    r"(?:公司|企业|合作社|信用社|联社|银行|支行|分行|委员会|村委会|居委会|事务所|商行|经营部|厂|店|局|院|学校|中心|集团|政府|办事处|[^一-龥]所)$"
)
DICTIONARY = Dictionary()
TAGGER = Network()


def find(
    text: str,
    debtor: str,
    known_names: Sequence[str] = (),
    lexicon: Lexicon = DICTIONARY,
    tagger: Tagger = TAGGER,
) -> tuple[Finding, ...]:
    """What must go from `text`, in order and without overlap.

    `debtor` is the listed debtor's name, which stays. `known_names` are words that must go wherever they stand:
    the applicant, the employer, and whatever else of the record is private. A redacted text gives no findings.
    `lexicon` says what is an ordinary word, `tagger` what the rules have overlooked; only measuring asks for others.
    """
    sheet = read_by_rules(text, debtor, known_names, lexicon)
    tags = tagger.tag(sheet, debtor)
    if tags is not None:
        combine(sheet, tags)
    finish_numbers(sheet)
    _take_repeats(sheet, lexicon)
    return _build_findings(sheet, text)


def read_by_rules(text: str, debtor: str, known_names: Sequence[str] = (), lexicon: Lexicon = DICTIONARY) -> Sheet:
    """`text` with all marked that the rules know to go or to stay."""
    sheet = Sheet(text)
    torn = list(find_torn(sheet.text))
    if "某" in sheet.text:
        masked = (m.span() for m in MASKED.finditer(sheet.text))
        sheet.keep(span for span in masked if not any(t.start < span[1] and span[0] < t.end for t in torn))
    if known_names:
        own = list(_debtor_spans(sheet.text, debtor, known_names, lexicon))
        known = _known_spans(sheet.text, known_names)
        sheet.take([k for k in known if not any(start <= k.start and k.end <= end for start, end in own)])
        sheet.known = frozenset(sheet.taken)
    sheet.take(torn)
    sheet.keep(find_kept_names(sheet.text))
    sheet.keep(find_officers(sheet.text))
    numbers = find_numbers(sheet.text)
    sheet.keep(numbers.kept)
    # A mask is not masked again.
    sheet.take([n for n in numbers.taken if sheet.text[n.start : n.end].strip("×* ")])
    sheet.take(find_facts(sheet.text))
    _take_names(sheet, debtor, known_names, lexicon)
    return sheet


def find_in_fields(
    texts: Mapping[str, str], debtor: str, known_names: Sequence[str] = (), tagger: Tagger = TAGGER
) -> dict[str, tuple[Finding, ...]]:
    """Findings of several texts of one record, read as one: a person named in one is known in all, by one number."""
    findings = find(_BETWEEN.join(texts.values()), debtor, known_names, tagger=tagger)
    found, start = {}, 0
    for name, text in texts.items():
        end = start + len(text)
        found[name] = tuple(
            replace(f, start=f.start - start, end=f.end - start) for f in findings if start <= f.start < end
        )
        start = end + len(_BETWEEN)
    return found


def _build_findings(sheet: Sheet, text: str) -> tuple[Finding, ...]:
    spans = sorted(sheet.taken, key=lambda span: span.start)
    findings = []
    for span, replacement in write_replacements(sheet, text, spans, IDENTIFIER_RULES):
        start, end = sheet.place(span)
        findings.append(
            Finding(rule=span.rule, start=start, end=end, confidence=span.confidence, replacement=replacement)
        )
    return tuple(findings)


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


# 钱塘江 is a debtor's name, but not in 钱塘江畔 or 太尉镇杨树林村.
_OF_A_PLACE = re.compile(
    r"(?:自然|行政)?(?:村|镇|乡|路|街|巷|畔|小区|花园|社区|大道|公寓|广场|县|大街|南路|北路|东路|西路)(?![与和及])"
)


def _debtor_spans(text: str, debtor: str, known_names: Sequence[str], lexicon: Lexicon) -> Iterator[tuple[int, int]]:
    """Where the debtor is named; not inside the longer name of somebody known, nor in a place's."""
    whole = fold(debtor.strip())
    name = whole if whole.isascii() else "".join(whole.split())
    longer = [fold(known) for known in known_names if name in fold(known) and name != fold(known)]
    own = [part for part in DOT_OR_BLANK.split(whole) if len(part) > 1] if DOT_OR_BLANK.search(whole) else []
    for start, end in _occurrences(text, [name, whole, *own, *longer]):
        if text[start:end] in own and (DOT_OR_BLANK.match(text, end) or DOT_OR_BLANK.match(text, start - 1)):
            continue
        if text[start:end] in longer or _OF_A_PLACE.match(text, end):
            continue
        if not (
            end - start <= 2 + (name[:2] in COMPOUND_SURNAMES)
            and not _is_body(name)
            and is_longer_name(text, start, end, lexicon)
        ):
            yield start, end


def _is_body(name: str) -> bool:
    """Whether `name` is an organisation's."""
    return bool(_ORGANISATION.search(name)) or is_organisation(name)


def _known_spans(text: str, known_names: Sequence[str]) -> Iterator[Named]:
    for start, end in _occurrences(text, (fold(name.strip()) for name in known_names)):
        name = text[start:end]
        yield Named(_rule_of_known(name), start, end, "high")


def _rule_of_known(name: str) -> str:
    if _is_body(name):
        return "organisation_name"
    return "person_name" if len(name) <= 4 or "·" in name else "private_value"


def _take_names(sheet: Sheet, debtor: str, known_names: Sequence[str], lexicon: Lexicon) -> None:
    """The debtor is left in the text until organisations and places are found: 梁上君酒业有限公司 is not 梁上君."""
    own = list(_debtor_spans(sheet.text, debtor, known_names, lexicon))
    full = fold(debtor)
    is_body = _is_body(full)
    named = _outermost(find_organisations(sheet.text))
    if is_body:
        short = (Named("organisation_name", *span, "high") for span in find_short(sheet.text, [full]))
        own += [
            (s.start, s.end)
            for s in short
            if _is_own(sheet.text, s, full) and not any(_is_around(o, [(s.start, s.end)]) for o in named)
        ]
    organisations = []
    for organisation in (_behind_payer(sheet.text, o, own) for o in named):
        inside = [span for span in own if organisation.start < span[1] and span[0] < organisation.end]
        if is_body and _is_own(sheet.text, organisation, full):
            sheet.keep([(organisation.start, organisation.end)])
        elif not inside or (
            not is_body and _is_around(organisation, inside) and not _is_bare(sheet.text, organisation, inside)
        ):
            organisations.append(organisation)
    addresses = [
        address
        for address in find_addresses(sheet.text)
        if _is_around(address, [span for span in own if address.start < span[1] and span[0] < address.end])
    ]
    # 世贸中心B塔17层 is an address though 世贸中心 is somebody.
    organisations = [o for o in organisations if not any(a.start <= o.start and o.end < a.end for a in addresses)]
    names = [
        *organisations,
        *(part for address in addresses for part in _parts_outside(sheet.text, address, organisations)),
    ]
    sheet.keep(span for span in own if not any(n.start <= span[0] and span[1] <= n.end for n in names))
    sheet.take(names)
    _take_people(sheet, debtor, lexicon)
    _take_repeats(sheet, lexicon)


# 测试人甲赔样例公司: the debtor pays whom stands behind.
_PAYS = re.compile(r"(?:应|须|需|仍|尚|另|再|已|先)?(?:赔偿?|付给?|偿还?|欠付?|归还|返还|退还?|补偿?|给付?|支付)")


def _behind_payer(text: str, organisation: Named, own: Iterable[tuple[int, int]]) -> Named:
    """`organisation` without the debtor and what he does to it."""
    for start, end in own:
        pays = _PAYS.match(text, end) if organisation.start == start and end < organisation.end else None
        if pays and organisation.end - pays.end() > 2:
            return replace(organisation, start=pays.end())
    return organisation


def _outermost(spans: Iterable[Named]) -> list[Named]:
    """Without those that are but a part of another: 支行 of a bank's full name."""
    found: list[Named] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if not found or span.end > found[-1].end:
            found.append(span)
    return found


def _parts_outside(text: str, address: Named, organisations: Sequence[Named]) -> Iterator[Named]:
    """What of an address is in no organisation's name; a mere word behind one is no place."""
    start = address.start
    for other in sorted(organisations, key=lambda span: span.start):
        if other.start < address.end and start < other.end:
            if start < other.start:
                yield replace(address, start=start, end=other.start)
            start = max(start, other.end)
    if start == address.start or (start < address.end and is_part(text[start : address.end])):
        yield replace(address, start=start)


_BARE_KIND = re.compile(
    rf"(?:的|之)?(?:{words(' '.join(BANKS))}|银行|公司|支行|分行|医院|学校|厂|店|中心)?(?:卡|存款|存折|账户|帐户|账号)?"
)


def _is_bare(text: str, organisation: Named, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether nothing but a kind of organisation stands around the debtor: 张三银行卡 is no bank."""
    start, end = spans[0]
    return organisation.start == start and bool(_BARE_KIND.fullmatch(text, end, organisation.end))


def _is_around(name: Named, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether each of `spans` is but a part of `name`."""
    return all(name.start <= start and end <= name.end and end - start < name.end - name.start for start, end in spans)


def _take_people(sheet: Sheet, debtor: str, lexicon: Lexicon) -> None:
    name = fold(debtor)
    own = {name[1:], name[2:], *DOT_OR_BLANK.split(name)}
    page = open_page(sheet.text, sheet.folded, lexicon)
    for people in (find_framed(page), find_people(page), find_listed(page)):
        found = list(people)
        sheet.keep((p.start, p.end) for p in found if sheet.text[p.start : p.end] in own)
        sheet.take(found)
    sheet.take(list(find_called(page, sheet.taken)))
    sheet.take(list(find_joined(page, sheet.taken)))


_OPPOSED = re.compile(r"(?:原告|申请执行人|申请人|第三人|案外人|债权人|出借人|贷款人)[\s:：]{0,2}$")


def _is_own(text: str, organisation: Named, full: str) -> bool:
    """Whether this is the debtor for short, and not a party on the other side with a like name."""
    short = text[organisation.start : organisation.end]
    return (short == full or is_short_for(short, full)) and not _is_opposed(text, organisation.start)


def _is_opposed(text: str, start: int) -> bool:
    return bool(_OPPOSED.search(text, max(0, start - 8), start))


def _take_repeats(sheet: Sheet, lexicon: Lexicon) -> None:
    """Where somebody is named again, in full or by the given name; by an ordinary word only where it is one."""
    original = {
        sheet.folded[s.start : s.end]: s for s in sheet.taken if s.rule in _NAMES and _is_sure(s, sheet.folded, lexicon)
    }
    for name, source in list(original.items()):
        given = name[1:]
        if len(given) == 2 and source.rule == "person_name" and name[0] in SURNAMES and not lexicon.has(given):
            original.setdefault(given, replace(source, confidence="low"))
    ordinary = {name for name in original if len(name) == 2 and lexicon.has(name)}
    words = set(_word_spans(sheet.text, lexicon)) if ordinary else set()
    for start, end in _occurrences(sheet.text, original):
        name = sheet.text[start:end]
        source = original[name]
        if name not in ordinary or (start, end) in words:
            sheet.take([Named(source.rule, start, end, source.confidence)])


def _word_spans(text: str, lexicon: Lexicon) -> Iterator[tuple[int, int]]:
    start = 0
    for word in lexicon.cut(text):
        yield start, start + len(word)
        start += len(word)


def _is_sure(span: Named, text: str, lexicon: Lexicon) -> bool:
    """Whether the name is hidden wherever it stands: not where a word of two characters was only taken for one."""
    return span.confidence == "high" or span.end - span.start > 2 or not lexicon.has(text[span.start : span.end])

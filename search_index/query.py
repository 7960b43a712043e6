"""What was typed, understood; and whether a document answers it. Pure: the index only narrows what is judged here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from search_index.casenumber import find_case_number
from search_index.document import Document
from search_index.folding import WILDCARDS, fold_code, fold_name, fold_text
from search_index.number import find_number
from search_index.page import FoundIn, Query

MAX_LENGTH = 200


class Meaning(StrEnum):
    """What the words in the box are."""

    RECORD = "record"
    CASE_NUMBER = "case_number"
    CODE = "code"
    WORDS = "words"
    FILTERS = "filters"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word, or one quoted phrase, as it is looked for in names and in texts.

    `pattern` is set where the word has a wildcard. `text` is empty where the word is looked for in names only:
    one character alone stands in almost every text, and a wildcard stands for a character of a name.
    """

    name: str
    text: str
    pattern: re.Pattern[str] | None = None

    def is_in_name(self, name: str) -> bool:
        return self.pattern.search(name) is not None if self.pattern else self.name in name

    def is_in_text(self, text: str) -> bool:
        return bool(self.text) and self.text in text


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The typed text, understood. `value` is the record number, case key or code that was typed; `whole` is all
    of it as one name; `reading` says in Chinese how it was understood."""

    meaning: Meaning
    reading: str
    value: str = ""
    whole: str = ""
    words: tuple[Word, ...] = ()

    def is_whole_name(self, name: str) -> bool:
        if len(self.words) == 1 and (pattern := self.words[0].pattern):
            return pattern.fullmatch(name) is not None
        return name == self.whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A document as it is compared: every value folded."""

    record: str
    kind: str
    name: str
    representative: str
    text: str
    case_number: str
    code: str
    court: str
    region: str
    conduct: tuple[str, ...]
    performance: str
    published_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Where a document answers. A smaller `rank` is a better answer."""

    rank: int
    found_in: FoundIn


# In the order in which relevance puts them.
EQUAL = Answer(rank=0, found_in="name")
SAME_CASE = Answer(rank=0, found_in="case_number")
SAME_CODE = Answer(rank=0, found_in="uscc")
SAME_RECORD = Answer(rank=0, found_in="record")
LISTED = Answer(rank=0, found_in="filters")
IN_NAME = Answer(rank=1, found_in="name")
REPRESENTATIVE = Answer(rank=2, found_in="legal_representative")
IN_TEXT = Answer(rank=3, found_in="obligation")


def read_question(text: str) -> Question:
    """What the text in the box means: record number, then case number, then code, then words."""
    if not text.strip():
        return Question(meaning=Meaning.FILTERS, reading="未输入文字，列出符合所选条件的全部条目")
    if len(text) > MAX_LENGTH:
        return _refuse(f"输入的文字超过{MAX_LENGTH}个字，未作查询。请缩短后再查")
    return _read_number(text) or _read_words(text)


def build_entry(document: Document) -> Entry:
    """The document as it is compared."""
    parts = (document.obligation, document.performed_part, document.unperformed_part)
    return Entry(
        record=document.record,
        kind=document.kind,
        name=fold_name(document.name),
        representative=fold_name(document.legal_representative or ""),
        text="\n".join(fold_text(part) for part in parts if part),
        case_number=_case_key(document.case_number or ""),
        code=fold_code(document.uscc or ""),
        court=fold_name(document.court),
        region=fold_name(document.region or ""),
        conduct=tuple(item.code for item in document.conduct),
        performance=document.performance,
        published_on=document.published_on,
    )


def find_answer(question: Question, entry: Entry) -> Answer | None:
    """How the entry answers the question, or None where it does not."""
    match question.meaning:
        case Meaning.FILTERS:
            return LISTED
        case Meaning.RECORD:
            return SAME_RECORD if question.value == entry.record else None
        case Meaning.CASE_NUMBER:
            return SAME_CASE if question.value == entry.case_number else None
        case Meaning.CODE:
            return SAME_CODE if is_same_organisation(question.value, entry.code) else None
        case Meaning.WORDS:
            return _find_words(question, entry)
        case Meaning.REFUSED:
            return None


def passes(query: Query, entry: Entry) -> bool:
    """Whether the entry passes the filters beside the box."""
    return (
        query.kind in (None, entry.kind)
        and (query.court is None or fold_name(query.court) == entry.court)
        and (query.region is None or fold_name(query.region) == entry.region)
        and (query.conduct is None or query.conduct in entry.conduct)
        and query.performance in (None, entry.performance)
        and is_between(query, entry.published_on)
    )


def is_between(query: Query, published_on: date) -> bool:
    """Whether a day lies within the period asked for; both ends belong to it."""
    if query.published_from is not None and published_on < query.published_from:
        return False
    return query.published_to is None or published_on <= query.published_to


def is_same_organisation(typed: str, published: str) -> bool:
    """Whether two folded codes name one organisation: a credit code holds the old organisation code in places 9–17."""
    if not published or len(typed) == len(published):
        return typed == published
    return get_organisation_part(typed) == get_organisation_part(published)


def get_organisation_part(code: str) -> str:
    """The organisation code within a folded unified social credit code (GB 32100); any other code as it is."""
    return code[8:17] if len(code) == 18 else code


def _find_words(question: Question, entry: Entry) -> Answer | None:
    if question.is_whole_name(entry.name):
        return EQUAL
    if entry.case_number and question.whole == entry.case_number:
        return SAME_CASE
    if all(word.is_in_name(entry.name) for word in question.words):
        return IN_NAME
    if question.whole == entry.representative:
        return REPRESENTATIVE
    if all(word.is_in_text(entry.text) or word.is_in_name(entry.name) for word in question.words):
        return IN_TEXT
    return None


def _case_key(case_number: str) -> str:
    found = find_case_number(case_number)
    return found.key if found else fold_name(case_number)


# A citizen number with a day of birth that can be, or the fifteen digits of before 1999, standing alone.
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_CITIZEN = re.compile(rf"(?<![0-9A-Z])(?:\d{{6}}(?:18|19|20)\d\d{_DAY}\d{{3}}[\dX]|\d{{8}}{_DAY}\d{{3}})(?![0-9A-Z])")
_CREDIT_CODE = re.compile(r"[0-9A-HJ-NP-RTUWXY]{2}\d{6}[0-9A-HJ-NP-RTUWXY]{10}")
_ORGANISATION_CODE = re.compile(r"[0-9A-Z]{8}[0-9X]")
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

_CITIZEN_REFUSED = (
    "输入的内容像是完整的身份证号码。本站只公开部分号码，不能用完整号码查询，也不保存所输入的号码。"
    "请改用姓名或者案号查询，或者在“是不是我”中核对"
)


def _read_number(text: str) -> Question | None:
    if record := find_number(text):
        return Question(meaning=Meaning.RECORD, value=record, reading=f"按公示编号查询：{record}")
    code = fold_code(text)
    if _has_citizen_number(text, code):
        return _refuse(_CITIZEN_REFUSED)
    if case := find_case_number(text):
        return Question(meaning=Meaning.CASE_NUMBER, value=case.key, reading=f"按案号查询：{case.canonical}")
    return _read_code(code)


def _read_code(code: str) -> Question | None:
    if _CREDIT_CODE.fullmatch(code):
        doubt = "" if _is_credit_code(code) else "（校验码不符，请核对是否输错）"
        reading = f"按统一社会信用代码查询：{code}{doubt}"
        return Question(meaning=Meaning.CODE, value=code, reading=reading)
    if _is_organisation_code(code):
        reading = f"按组织机构代码查询：{code[:8]}-{code[8]}"
        return Question(meaning=Meaning.CODE, value=code, reading=reading)
    return None


def _has_citizen_number(text: str, code: str) -> bool:
    # Typed alone it may be spread over groups of digits; among other words it stands by itself.
    if _CREDIT_CODE.fullmatch(code) and _is_credit_code(code) and not _is_citizen_number(code):
        return False
    words = [fold_code(word) for word in text.split()]
    return any(_CITIZEN.search(word) for word in (code, *words))


def _is_citizen_number(code: str) -> bool:
    """GB 11643: the last character checks the seventeen digits before it."""
    if not re.fullmatch(r"\d{17}[\dX]", code):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(code, _CITIZEN_WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == code[17]


def _is_credit_code(code: str) -> bool:
    """GB 32100: the last character checks the seventeen before it."""
    total = sum(_CREDIT_ALPHABET.index(c) * pow(3, place, 31) for place, c in enumerate(code[:17]))
    return _CREDIT_ALPHABET[-total % 31] == code[17]


def _is_organisation_code(code: str) -> bool:
    """GB 11714. Four digits at least, or a company's name in Latin letters could be one."""
    if not _ORGANISATION_CODE.fullmatch(code) or sum(c.isdigit() for c in code) < 4:
        return False
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(c, 36) * weight for c, weight in zip(code, weights, strict=False))
    return "0123456789X0"[-total % 11] == code[8]


_PHRASE = re.compile(r"[\"“”＂]([^\"“”＂]+)[\"“”＂]|([^\s\"“”＂]+)")


def _read_words(text: str) -> Question:
    typed = [(quoted, plain) for quoted, plain in _PHRASE.findall(text)]
    words = tuple(word for quoted, plain in typed if (word := _find_word(quoted or plain)))
    whole = fold_name(text)
    if not words or not whole.strip(WILDCARDS):
        return _refuse("输入的内容里没有可以查询的文字，未作查询。请输入姓名、名称、案号或者义务内容中的词")
    return Question(meaning=Meaning.WORDS, reading=_describe(words), whole=whole, words=words)


def _find_word(typed: str) -> Word | None:
    name = fold_name(typed)
    if not name.strip(WILDCARDS):
        return None
    if any(wildcard in name for wildcard in WILDCARDS):
        parts = re.split(f"[{re.escape(WILDCARDS)}]", name)
        return Word(name=name, text="", pattern=re.compile(".".join(map(re.escape, parts)), re.DOTALL))
    text = fold_text(typed)
    return Word(name=name, text=text if len(text) > 1 else "")


def _describe(words: tuple[Word, ...]) -> str:
    where = "姓名、名称和义务内容" if any(word.text for word in words) else "姓名、名称"
    listed = "、".join(f"“{word.text or word.name}”" for word in words)
    together = "，须同时出现" if len(words) > 1 else ""
    single = "（单个字只在姓名、名称中查找）" if _has_single(words) else ""
    wildcard = "（“?”和“▀”代表名字中的任意一个字）" if any(word.pattern for word in words) else ""
    return f"按{where}查询{together}：{listed}{single}{wildcard}"


def _has_single(words: tuple[Word, ...]) -> bool:
    return len({bool(word.text) for word in words if not word.pattern}) > 1


def _refuse(reason: str) -> Question:
    return Question(meaning=Meaning.REFUSED, reading=reason)

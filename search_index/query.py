"""What was typed, understood: into ways of answering it, the best first. Pure: the index finds what meets a way."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cache
from itertools import permutations

from search_index.casenumber import (
    CaseNumber,
    CaseParts,
    CaseStyle,
    find_base_key,
    find_case_number,
    find_parts,
    find_whole,
    is_type,
    list_case_keys,
)
from search_index.codes import has_citizen_number, has_right_check, is_credit_code, is_organisation_code
from search_index.condition import (
    All,
    AnyOf,
    Close,
    Condition,
    Entry,
    Everything,
    Field,
    Holds,
    InName,
    InText,
    SameCode,
    Sounds,
    WholeName,
    get_organisation_part,
    meets,
)
from search_index.confusable import list_confusable
from search_index.document import Document
from search_index.folding import WILDCARDS, fold_code, fold_name, fold_text
from search_index.number import find_number
from search_index.organisation import find_core, find_difference, has_trade_name
from search_index.page import FoundIn, Match, Query
from search_index.pinyin import list_initials, list_sounds, split_syllables
from search_index.places import find_renamings
from search_index.transliteration import (
    fold_latin,
    list_latin_keys,
    list_latin_names,
    list_spellings,
    list_transliterations,
)

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
class Answer:
    """How an entry answers, and in what. A smaller `rank` is a better answer; near ranks follow all exact ones."""

    rank: int
    found_in: FoundIn
    match: Match


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of answering: what an entry must meet. `reason` (Chinese) is set where it is the same for every entry."""

    answer: Answer
    condition: Condition
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The typed text, understood. `reading` says in Chinese how.

    `value` is the record number, case key or code that was typed; `whole` is all of the text as one folded name,
    `words` are its folded words, `syllables` its readings as pinyin. An entry answers in the first of the `ways` that
    it meets.
    """

    meaning: Meaning
    reading: str
    value: str = ""
    whole: str = ""
    words: tuple[str, ...] = ()
    syllables: tuple[tuple[str, ...], ...] = ()
    ways: tuple[Way, ...] = ()


def read_question(text: str) -> Question:
    """What the text in the box means: record number, then case number, then code, then words.

    Labels and punctuation that were copied with it do not count.
    """
    if not text.strip():
        ways = (Way(answer=_exact(0, "filters"), condition=Everything()),)
        return Question(meaning=Meaning.FILTERS, reading="未输入文字，列出符合所选条件的全部条目", ways=ways)
    if len(text) > MAX_LENGTH:
        return _refuse(f"输入的文字超过{MAX_LENGTH}个字，未作查询。请缩短后再查")
    text = _clean(text)
    if record := find_number(text):
        return Question(meaning=Meaning.RECORD, value=record, reading=f"按公示编号查询：{record}")
    # What has no digit is neither a case number nor a code.
    if not any(map(str.isnumeric, text)):
        return _read_words(text)
    if has_citizen_number(text):
        return _refuse(_CITIZEN_REFUSED)
    return _read_case(text) or _read_code(fold_code(text)) or _read_words(text)


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
    filters = {
        Field.KIND: query.kind,
        Field.COURT: query.court and fold_name(query.court),
        Field.REGION: query.region and fold_name(query.region),
        Field.CONDUCT: query.conduct,
        Field.PERFORMANCE: query.performance,
    }
    return is_between(query, entry.published_on) and all(
        key in entry.keys.get(field, ()) for field, key in filters.items() if key is not None
    )


def is_between(query: Query, published_on: date) -> bool:
    """Whether a day lies within the period asked for; both ends belong to it."""
    if query.published_from is not None and published_on < query.published_from:
        return False
    return query.published_to is None or published_on <= query.published_to


def explain(way: Way, question: Question, name: str) -> str | None:
    """Why an entry with the published name is near in this way, in Chinese; None where it is exact."""
    if way.answer.match == "exact" or way.reason is not None:
        return way.reason
    folded = fold_name(name)
    match way.answer.rank:
        case 8:
            pairs = dict(list_confusable(question.whole)).get(folded, ())
            return f"{_name_pairs(pairs)}是不同的字"
        case 9:
            pairs = dict(list_transliterations(question.whole)).get(folded, ())
            return f"{_name_pairs(pairs)}是同一民族语人名的不同译写"
        case _:
            return _explain_difference(find_difference(question.whole, folded))


def split_words(text: str) -> tuple[str, ...]:
    """The words of the text as they were typed, each of which can be asked for by itself."""
    return tuple(f"“{quoted}”" if quoted else plain for quoted, plain in _PHRASE.findall(text))


def _refuse(reason: str) -> Question:
    return Question(meaning=Meaning.REFUSED, reading=reason)


_NOTHING_TYPED = "输入的内容里没有可以查询的文字，未作查询。请输入姓名、名称、案号或者义务内容中的词"
_CITIZEN_REFUSED = (
    "输入的内容像是完整的身份证号码。本站只公开部分号码，不能用完整号码查询，也不保存所输入的号码。"
    "请改用姓名或者案号查询，或者在“是不是我”中核对"
)


# What is copied along from a table, a message or a judgment.
_EDGES = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "，。；：、,;:｡､"
_LABELS = (
    "案号", "执行案号", "姓名", "名称", "姓名/名称", "姓名或名称", "姓名或者名称", "被执行人", "失信被执行人", "被执行人姓名",
    "被执行人名称", "被执行人姓名/名称", "被执行人姓名或名称", "公示编号", "编号", "统一社会信用代码", "社会信用代码", "信用代码",
    "组织机构代码", "法定代表人", "企业名称", "公司名称", "单位名称",
)  # fmt: skip
_LABEL = re.compile(
    rf"(?:{'|'.join(sorted(_LABELS, key=len, reverse=True))})\s*[:：]"
    r"|(?:案号|公示编号|统一社会信用代码|组织机构代码)(?=\s*[（(〔【［\[\dA-Za-z])"
    r"|编号(?=\s*[Ss][Xx])"
)


def _clean(text: str) -> str:
    """The text without marks that are not seen, and without labels and punctuation around it."""
    seen = text if text.isprintable() else "".join(c for c in text if unicodedata.category(c) != "Cf")
    rest = seen.strip(_EDGES)
    while label := _LABEL.match(rest):
        rest = rest[label.end() :].lstrip(_EDGES)
    return rest


# Every question has the same few answers.
@cache
def _exact(rank: int, found_in: FoundIn) -> Answer:
    return Answer(rank=rank, found_in=found_in, match="exact")


@cache
def _near(rank: int, found_in: FoundIn) -> Answer:
    return Answer(rank=rank, found_in=found_in, match="near")


# Numbers ------------------------------------------------------------------------------------------------------------


def _read_case(text: str) -> Question | None:
    # Every number, and every part of one, has a character in it.
    if text.isascii():
        return None
    # 张测 apart from 执12号 is a name, not the court of the number.
    if _GAP.search(text) and (beside := _read_beside(text)):
        return beside
    return _read_number(text) or _read_beside(text)


def _read_number(text: str) -> Question | None:
    plain = fold_text(text)
    case = find_case_number(text) or find_case_number(plain)
    if case is not None and case.style is not CaseStyle.OTHER:
        return _ask_for_case(case)
    parts = find_parts(plain)
    # （2017）执12号 says no court: it is a part of many numbers.
    if case is not None and (parts is None or parts.court):
        return _ask_for_case(case)
    if parts is None:
        return None
    whole = find_whole(parts)
    return _ask_for_case(whole) if whole is not None else _ask_for_parts(parts)


_GAP = re.compile(r"[\s，,、；;。：:]+")
# Without a gap: 张测（2017）云9901执12号张测.
_BOUNDARY = re.compile(r"(?=[（(〔【［\[]\s*\d{4}\s*[）)〕】］\]])|(?<=[号號])(?![之\-－—]|$)")
_MOST_NAME_WORDS = 4


def _read_beside(text: str) -> Question | None:
    """A case number, or a part of one, with a name before or after it."""
    apart = [part for part in _GAP.split(text) if part and part not in _LABELS]
    if len(apart) > 1:
        return next(filter(None, (_ask_for_both(name, number) for name, number in _list_besides(apart))), None)
    # Written in one, it can also be words of an obligation.
    joined = [part for part in _BOUNDARY.split(text) if part]
    both = next(filter(None, (_ask_for_both(name, number) for name, number in _list_besides(joined))), None)
    if both is None:
        return None
    same, *others = both.ways
    in_text = Way(answer=_exact(5, "obligation"), condition=InText(fold_text(text)))
    return replace(both, reading=f"{both.reading}；也在义务内容中查找输入的全文", ways=(same, in_text, *others))


def _list_besides(parts: Sequence[str]) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """The parts cut into a name and what is beside it, the longest names first, or 虚构 测试 执12号 had a court."""
    for size in range(min(len(parts) - 1, _MOST_NAME_WORDS), 0, -1):
        yield parts[:size], parts[size:]
        yield parts[-size:], parts[:-size]


def _ask_for_both(name: Sequence[str], number: Sequence[str]) -> Question | None:
    words = [word for part in name if (word := _find_word(part))]
    if not _is_name("".join(word.name for word in words)):
        return None
    asked = _read_number("".join(number))
    if asked is None:
        return None
    typed = " ".join(name)
    sounds = [Sounds(syllables) for syllables in split_syllables(typed)]
    named = _any([_in_name(words), *sounds])
    return replace(
        asked,
        reading=f"按姓名和案号查询：“{typed}”，{asked.reading.removeprefix(_BY_CASE_NUMBER)}",
        words=tuple(word.name for word in words),
        ways=tuple(replace(way, condition=All((way.condition, named))) for way in asked.ways),
    )


def _is_name(folded: str) -> bool:
    """Whether it can be a name beside a case number: no character alone, no number, no type or court of the number."""
    if len(folded) < 2 or any(map(str.isnumeric, folded)) or is_type(folded):
        return False
    return folded != "最高法" and not folded.endswith("字")


_BY_CASE_NUMBER = "按案号查询："


def _ask_for_case(case: CaseNumber) -> Question:
    same, base = Holds(Field.CASE, f"={case.key}"), Holds(Field.CASE, find_base_key(case))
    ways = _list_case_ways(same, base, case.suffix)
    reading = f"{_BY_CASE_NUMBER}{case.canonical}"
    return Question(meaning=Meaning.CASE_NUMBER, value=case.key, reading=reading, ways=ways)


def _ask_for_parts(parts: CaseParts) -> Question:
    held: list[Condition] = [Holds(Field.CASE, key) for key in sorted(parts.keys)]
    if parts.serial is None:
        ways: tuple[Way, ...] = (Way(answer=_exact(0, "case_number"), condition=_all(held)),)
    else:
        same = All((*held, Holds(Field.CASE, parts.suffix_key)))
        ways = _list_case_ways(same, _all(held), parts.suffix)
    return Question(meaning=Meaning.CASE_NUMBER, reading=f"{_BY_CASE_NUMBER}{parts}", ways=ways)


def _list_case_ways(same: Condition, base: Condition, suffix: str) -> tuple[Way, ...]:
    reason = "案号相同，只是“之一”一类的序号不同" if suffix else "案号相同，另有“之一”一类的序号"
    return (
        Way(answer=_exact(0, "case_number"), condition=same),
        Way(answer=_near(14, "case_number"), condition=base, reason=reason),
    )


def _list_case_keys(case_number: str) -> frozenset[str]:
    case = find_case_number(case_number)
    if case is not None:
        return list_case_keys(case)
    return frozenset({f"={fold_name(case_number)}"} if case_number else ())


def _read_code(code: str) -> Question | None:
    if is_credit_code(code):
        doubt = "" if has_right_check(code) else "（校验码不符，请核对是否输错）"
        reading = f"按统一社会信用代码查询：{code}{doubt}"
    elif is_organisation_code(code):
        reading = f"按组织机构代码查询：{code[:8]}-{code[8]}"
    else:
        return None
    ways = (Way(answer=_exact(0, "uscc"), condition=SameCode(code)),)
    return Question(meaning=Meaning.CODE, value=code, reading=reading, ways=ways)


# Words --------------------------------------------------------------------------------------------------------------

_WILDCARDS = frozenset(WILDCARDS)
_PHRASE = re.compile(r"[\"“”＂]([^\"“”＂]+)[\"“”＂]|([^\s\"“”＂]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """One word, or one quoted phrase, as it is looked for in names and in texts.

    `pattern` is set where the word has a wildcard. `text` is empty where the word is looked for in names only:
    one character alone stands in almost every text, and a wildcard stands for a character of a name.
    """

    name: str
    text: str
    pattern: re.Pattern[str] | None = None

    def in_name(self) -> Condition:
        return InName(self.name, self.pattern)

    def in_text(self) -> Condition:
        return AnyOf((InText(self.text), self.in_name())) if self.text else self.in_name()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    """The text in the box as words, and as pinyin and Latin words where it is in Latin letters."""

    text: str
    whole: str
    words: tuple[_Word, ...]
    syllables: tuple[tuple[str, ...], ...]
    latin: tuple[str, ...]
    has_han: bool
    has_text: bool
    has_wildcard: bool

    @property
    def is_quoted(self) -> bool:
        return _QUOTE.search(self.text) is not None


_QUOTE = re.compile('["“”＂]')
_HAN = re.compile("[〇㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]")


def _read_words(text: str) -> Question:
    text = _part_pinyin(text)
    words = tuple(word for quoted, plain in _PHRASE.findall(text) if (word := _find_word(quoted or plain)))
    whole = fold_name(text)
    if not words or not whole.strip(WILDCARDS):
        return _refuse(_NOTHING_TYPED)
    has_han = _HAN.search(whole) is not None
    is_latin = not has_han and _is_latin(text)
    typed = _Typed(
        text=text,
        whole=whole,
        words=words,
        syllables=split_syllables(text) if is_latin else (),
        latin=fold_latin(text) if is_latin else (),
        has_han=has_han,
        has_text=any(word.text for word in words),
        has_wildcard=any(word.pattern for word in words),
    )
    return Question(
        meaning=Meaning.WORDS,
        reading=_describe(typed),
        whole=whole,
        words=tuple(word.text or word.name for word in words),
        syllables=typed.syllables,
        ways=(*_list_exact(typed), *_list_near(typed)),
    )


_COMMAS = re.compile("[，,、;；]+")


def _part_pinyin(text: str) -> str:
    """“Zhang, Ce” as two words. Where that makes no pinyin, commas stay: those of Co., Ltd are a part of the name."""
    if not _COMMAS.search(text):
        return text
    parted = _COMMAS.sub(" ", text)
    return parted if _is_latin(parted) and split_syllables(parted) else text


def _find_word(typed: str) -> _Word | None:
    name = fold_name(typed)
    if not name.strip(WILDCARDS):
        return None
    if not _WILDCARDS.isdisjoint(name):
        parts = re.split(f"[{re.escape(WILDCARDS)}]", name)
        return _Word(name=name, text="", pattern=re.compile(".".join(map(re.escape, parts)), re.DOTALL))
    text = fold_text(typed)
    return _Word(name=name, text=text if len(text) > 1 else "")


def _is_latin(text: str) -> bool:
    """Whether the text has letters, and only Latin ones."""
    if _QUOTE.search(text):
        return False
    letters = [c for c in unicodedata.normalize("NFKC", text) if c.isalpha()]
    return bool(letters) and all(c.isascii() or unicodedata.name(c, "").startswith("LATIN") for c in letters)


def _describe(typed: _Typed) -> str:
    words = typed.words
    where = _name_fields(typed.has_text, _list_spellings(typed))
    if typed.latin:
        return f"按{where}查询：“{' '.join(typed.text.split())}”"
    listed = "、".join([f"“{word.text or word.name}”" for word in words])
    together = "，须同时出现" if len(words) > 1 else ""
    single = "（单个字只在姓名、名称中查找）" if _has_single(words) else ""
    wildcard = "（“?”和“▀”代表名字中的任意一个字）" if typed.has_wildcard else ""
    return f"按{where}查询{together}：{listed}{single}{wildcard}"


@cache
def _name_fields(has_text: bool, spellings: tuple[str, ...]) -> str:
    fields = ["姓名", "名称", *(["义务内容"] if has_text else []), *spellings]
    return "、".join(fields[:-1]) + ("和" if len(fields) > 2 else "、") + fields[-1]


def _list_spellings(typed: _Typed) -> tuple[str, ...]:
    """As what else Latin letters are looked for."""
    if typed.syllables:
        return ("拼音",)
    if not typed.latin or typed.has_wildcard:
        return ()
    initials = ("拼音首字母",) if _find_initials(typed) else ()
    return (*initials, "拉丁字母写法") if _can_be_alias(typed) else initials


def _has_single(words: tuple[_Word, ...]) -> bool:
    return len({bool(word.text) for word in words if not word.pattern}) > 1


# Exact ways ---------------------------------------------------------------------------------------------------------


def _list_exact(typed: _Typed) -> Iterator[Way]:
    yield from _list_whole(typed)
    yield Way(answer=_exact(1, "name"), condition=_in_name(typed.words))
    if typed.syllables:
        sounds = [Sounds(syllables, whole=True) for syllables in typed.syllables]
        yield Way(answer=_exact(2, "name"), condition=_any(sounds))
        yield Way(answer=_exact(3, "name"), condition=_any([Sounds(syllables) for syllables in typed.syllables]))
    if not typed.has_wildcard:
        yield Way(answer=_exact(4, "legal_representative"), condition=Holds(Field.REPRESENTATIVE, typed.whole))
    if typed.has_text:
        yield Way(answer=_exact(5, "obligation"), condition=_in_text(typed.words))


def _in_name(words: Sequence[_Word]) -> Condition:
    return _all([word.in_name() for word in words])


def _in_text(words: Sequence[_Word]) -> Condition:
    # Where one word alone is in the name, the entry has answered by its name already.
    return InText(words[0].text) if len(words) == 1 else _all([word.in_text() for word in words])


def _list_whole(typed: _Typed) -> Iterator[Way]:
    (word, *others) = typed.words
    if word.pattern and not others:
        yield Way(answer=_exact(0, "name"), condition=WholeName(word.name, word.pattern))
    if typed.has_wildcard:
        return
    yield Way(answer=_exact(0, "name"), condition=Holds(Field.NAME, typed.whole))
    if any(map(str.isdigit, typed.whole)):
        # A case number that follows no rule is known as it was published.
        yield Way(answer=_exact(0, "case_number"), condition=Holds(Field.CASE, f"={typed.whole}"))


# Near ways ----------------------------------------------------------------------------------------------------------

_PERSON = Holds(Field.KIND, "person")
_LONGEST_OWN_CORE = 2
_SHORTEST_REORDERED = 4
_LONGEST_REORDERED = 30
_SHORTEST_CLOSE = 6
_LONGEST_INITIALS = 8
_MOST_REORDERED = 16


def _list_near(typed: _Typed) -> Iterator[Way]:
    if typed.has_wildcard:
        return
    if typed.has_han:
        yield from _list_renamed(typed)
        # What is no longer than two characters is its own core, and names that hold it are exact.
        if len(typed.whole) > _LONGEST_OWN_CORE and len(core := find_core(typed.whole)) > 1:
            reason = "字号和行业相同，地名、组织形式或者分支机构不同，不一定是同一单位"
            yield Way(answer=_near(7, "name"), condition=Holds(Field.CORE, core), reason=reason)
        yield from _list_written_otherwise(typed)
        is_name = len(typed.words) == 1 and not typed.is_quoted and len(typed.whole) >= _SHORTEST_CLOSE
        # What every other company is called is close to very many, and says nothing of any.
        if is_name and has_trade_name(typed.whole):
            yield Way(answer=_near(11, "name"), condition=Close(typed.whole))
    if typed.latin:
        yield from _list_latin(typed)


def _list_renamed(typed: _Typed) -> Iterator[Way]:
    for renaming in find_renamings("\n".join(word.name for word in typed.words)):
        words = [
            _Word(
                name=word.name.replace(renaming.typed, renaming.other),
                text=word.text.replace(renaming.typed, renaming.other),
            )
            for word in typed.words
        ]
        yield Way(answer=_near(6, "name"), condition=_in_name(words), reason=renaming.reason)
        yield Way(answer=_near(6, "obligation"), condition=_in_text(words), reason=renaming.reason)


def _list_written_otherwise(typed: _Typed) -> Iterator[Way]:
    if confusable := [name for name, _ in list_confusable(typed.whole)]:
        yield Way(answer=_near(8, "name"), condition=_named(confusable))
    if _FORMS.search(typed.whole):
        return
    if variants := list_spellings(typed.whole):
        yield Way(answer=_near(9, "name"), condition=All((_PERSON, _named(variants))))
    if reordered := _reorder(typed):
        condition = All((_PERSON, _named(reordered)))
        yield Way(answer=_near(10, "name"), condition=condition, reason="字相同，次序不同")


def _reorder(typed: _Typed) -> tuple[str, ...]:
    """The typed name with its parts in another order: those around dots or spaces, or what one cut makes.

    The dot, which nobody needs to type, can stand at any place, but no part is one character alone.
    """
    whole = typed.whole
    if not _SHORTEST_REORDERED <= len(whole) <= _LONGEST_REORDERED or any(map(str.isdigit, whole)):
        return ()
    # Without a dot or a space the text folds to one part.
    parts = [part for part in map(fold_name, _DOTS.split(typed.text)) if part] if typed.text != whole else [whole]
    orders = permutations(parts) if 1 < len(parts) < 4 else ()
    cuts = (whole[cut:] + whole[:cut] for cut in range(2, len(whole) - 1))
    names = dict.fromkeys([*map("".join, orders), *cuts])
    return tuple(name for name in names if name != whole)[:_MOST_REORDERED]


# No person is called so.
_FORMS = re.compile("(?:公司|企业|集团|银行|商行|合作社|经营部|中心|厂)$")
_DOTS = re.compile("[·•・･．.‧∙⋅●\u0387\\s]+")


def _list_latin(typed: _Typed) -> Iterator[Way]:
    if reordered := _reorder_sounds(typed):
        reason = "拼音相同，次序不同"
        yield Way(answer=_near(10, "name"), condition=All((_PERSON, _any(reordered))), reason=reason)
    reason = f"拉丁字母写法“{' '.join(typed.text.split())}”"
    if _can_be_alias(typed):
        held = _all([Holds(Field.ALIAS, word) for word in dict.fromkeys(typed.latin)])
        yield Way(answer=_near(12, "latin_name"), condition=held, reason=reason)
    if names := list_latin_names(typed.latin):
        yield Way(answer=_near(12, "name"), condition=All((_PERSON, _named(names))), reason=reason)
    if initials := _find_initials(typed):
        reason = f"“{initials}”是姓名（名称）开头的拼音首字母"
        yield Way(answer=_near(13, "name"), condition=Holds(Field.INITIALS, initials), reason=reason)


def _reorder_sounds(typed: _Typed) -> list[Sounds]:
    words = typed.text.split()
    # What are no syllables in one order are none in another.
    if not typed.syllables or not 1 < len(words) < 4:
        return []
    orders = [order for order in permutations(words) if order != tuple(words)]
    runs = dict.fromkeys(syllables for order in orders for syllables in split_syllables(" ".join(order)))
    return [Sounds(run, whole=True) for run in runs if run not in typed.syllables][:_MOST_REORDERED]


def _can_be_alias(typed: _Typed) -> bool:
    return all(len(word) > 1 for word in typed.latin)


def _find_initials(typed: _Typed) -> str:
    """The text, if it can be the initials of a name; else nothing."""
    is_one = typed.latin == (typed.whole,) and typed.text.strip().isalpha() and typed.whole.isascii()
    return typed.whole if is_one and 1 < len(typed.whole) <= _LONGEST_INITIALS else ""


def _named(names: Iterable[str]) -> Condition:
    return _any([Holds(Field.NAME, name) for name in names])


def _all(conditions: Sequence[Condition]) -> Condition:
    return conditions[0] if len(conditions) == 1 else All(tuple(conditions))


def _any(conditions: Sequence[Condition]) -> Condition:
    return conditions[0] if len(conditions) == 1 else AnyOf(tuple(conditions))


def _name_pairs(pairs: tuple[tuple[str, str], ...]) -> str:
    return "，".join(f"“{typed}”与“{other}”" for typed, other in dict.fromkeys(pairs))


def _explain_difference(difference: tuple[str, str] | None) -> str:
    typed, other = difference or ("", "")
    if typed and other:
        return f"有一个字不同：输入“{typed}”，名称为“{other}”"
    return f"多输入一个字：“{typed}”" if typed else f"少输入一个字：名称中另有“{other}”"

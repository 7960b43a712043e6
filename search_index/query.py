"""What was typed, understood: into ways of answering it, the best first. Pure: the index finds what meets a way."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace

from search_index.casenumber import (
    CaseNumber,
    CaseParts,
    CaseStyle,
    find_base_key,
    find_case_number,
    find_parts,
    find_whole,
    is_type,
)
from search_index.codes import has_citizen_number, has_right_check, is_credit_code, is_organisation_code
from search_index.condition import (
    All,
    Condition,
    Everything,
    Field,
    Holds,
    InText,
    SameCode,
    Sounds,
    WholeName,
    all_of,
    any_of,
)
from search_index.folding import fold_code, fold_text
from search_index.near import list_near
from search_index.number import find_number
from search_index.pinyin import split_syllables
from search_index.question import Meaning, Question, Way, exact, near
from search_index.words import Typed, describe, in_name, in_text, read_typed, read_word

MAX_LENGTH = 200


def read_question(text: str) -> Question:
    """What the text in the box means: record number, then case number, then code, then words.

    Labels and punctuation that were copied with it do not count.
    """
    if not text.strip():
        ways = (Way(answer=exact(0, "filters"), condition=Everything()),)
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
    as_words = Way(answer=exact(5, "obligation"), condition=InText(fold_text(text)))
    return replace(both, reading=f"{both.reading}；也在义务内容中查找输入的全文", ways=(same, as_words, *others))


def _list_besides(parts: Sequence[str]) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """The parts cut into a name and what is beside it, the longest names first, or 虚构 测试 执12号 had a court."""
    for size in range(min(len(parts) - 1, _MOST_NAME_WORDS), 0, -1):
        yield parts[:size], parts[size:]
        yield parts[-size:], parts[:-size]


def _ask_for_both(name: Sequence[str], number: Sequence[str]) -> Question | None:
    words = [word for part in name if (word := read_word(part))]
    if not _is_name("".join(word.name for word in words)):
        return None
    asked = _read_number("".join(number))
    if asked is None:
        return None
    typed = " ".join(name)
    sounds = [Sounds(syllables) for syllables in split_syllables(typed)]
    named = any_of([in_name(words), *sounds])
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
        ways: tuple[Way, ...] = (Way(answer=exact(0, "case_number"), condition=all_of(held)),)
    else:
        same = All((*held, Holds(Field.CASE, parts.suffix_key)))
        ways = _list_case_ways(same, all_of(held), parts.suffix)
    return Question(meaning=Meaning.CASE_NUMBER, reading=f"{_BY_CASE_NUMBER}{parts}", ways=ways)


def _list_case_ways(same: Condition, base: Condition, suffix: str) -> tuple[Way, ...]:
    reason = "案号相同，只是“之一”一类的序号不同" if suffix else "案号相同，另有“之一”一类的序号"
    return (
        Way(answer=exact(0, "case_number"), condition=same),
        Way(answer=near(14, "case_number"), condition=base, reason=reason),
    )


def _read_code(code: str) -> Question | None:
    if is_credit_code(code):
        doubt = "" if has_right_check(code) else "（校验码不符，请核对是否输错）"
        reading = f"按统一社会信用代码查询：{code}{doubt}"
    elif is_organisation_code(code):
        reading = f"按组织机构代码查询：{code[:8]}-{code[8]}"
    else:
        return None
    ways = (Way(answer=exact(0, "uscc"), condition=SameCode(code)),)
    return Question(meaning=Meaning.CODE, value=code, reading=reading, ways=ways)


# Words --------------------------------------------------------------------------------------------------------------


def _read_words(text: str) -> Question:
    typed = read_typed(text)
    if typed is None:
        return _refuse(_NOTHING_TYPED)
    return Question(
        meaning=Meaning.WORDS,
        reading=describe(typed),
        whole=typed.whole,
        words=tuple(word.text or word.name for word in typed.words),
        syllables=typed.syllables,
        ways=(*_list_exact(typed), *list_near(typed)),
    )


def _list_exact(typed: Typed) -> Iterator[Way]:
    yield from _list_whole(typed)
    yield Way(answer=exact(1, "name"), condition=in_name(typed.words))
    if typed.syllables:
        sounds = [Sounds(syllables, whole=True) for syllables in typed.syllables]
        yield Way(answer=exact(2, "name"), condition=any_of(sounds))
        yield Way(answer=exact(3, "name"), condition=any_of([Sounds(syllables) for syllables in typed.syllables]))
    if not typed.has_wildcard:
        yield Way(answer=exact(4, "legal_representative"), condition=Holds(Field.REPRESENTATIVE, typed.whole))
    if typed.has_text:
        yield Way(answer=exact(5, "obligation"), condition=in_text(typed.words))


def _list_whole(typed: Typed) -> Iterator[Way]:
    (word, *others) = typed.words
    if word.pattern and not others:
        yield Way(answer=exact(0, "name"), condition=WholeName(word.name, word.pattern))
    if typed.has_wildcard:
        return
    yield Way(answer=exact(0, "name"), condition=Holds(Field.NAME, typed.whole))
    if any(map(str.isdigit, typed.whole)):
        # A case number that follows no rule is known as it was published.
        yield Way(answer=exact(0, "case_number"), condition=Holds(Field.CASE, f"={typed.whole}"))

"""The words that were typed: folded, in whatever letters, and as what they are looked for. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from search_index.condition import AnyOf, Condition, InName, InText, all_of
from search_index.folding import WILDCARDS, fold_name, fold_text
from search_index.pinyin import split_syllables
from search_index.transliteration import fold_latin

_WILDCARDS = frozenset(WILDCARDS)
_QUOTE = re.compile('["“”＂]')
_PHRASE = re.compile(r"[\"“”＂]([^\"“”＂]+)[\"“”＂]|([^\s\"“”＂]+)")
_HAN = re.compile("[〇㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]")
_COMMAS = re.compile("[，,、;；]+")
_LONGEST_INITIALS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
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
class Typed:
    """The text in the box as words, and as pinyin and Latin words where it is in Latin letters."""

    text: str
    whole: str
    words: tuple[Word, ...]
    syllables: tuple[tuple[str, ...], ...]
    latin: tuple[str, ...]
    has_han: bool
    has_text: bool
    has_wildcard: bool

    @property
    def is_quoted(self) -> bool:
        return _QUOTE.search(self.text) is not None


def read_typed(text: str) -> Typed | None:
    """The text as words, or None where nothing in it can be looked for."""
    text = _part_pinyin(text)
    words = tuple(word for quoted, plain in _PHRASE.findall(text) if (word := read_word(quoted or plain)))
    whole = fold_name(text)
    if not words or not whole.strip(WILDCARDS):
        return None
    has_han = _HAN.search(whole) is not None
    is_latin = not has_han and _is_latin(text)
    return Typed(
        text=text,
        whole=whole,
        words=words,
        syllables=split_syllables(text) if is_latin else (),
        latin=fold_latin(text) if is_latin else (),
        has_han=has_han,
        has_text=any(word.text for word in words),
        has_wildcard=any(word.pattern for word in words),
    )


def read_word(typed: str) -> Word | None:
    """One word or phrase, or None where nothing in it can be looked for."""
    name = fold_name(typed)
    if not name.strip(WILDCARDS):
        return None
    if not _WILDCARDS.isdisjoint(name):
        parts = re.split(f"[{re.escape(WILDCARDS)}]", name)
        return Word(name=name, text="", pattern=re.compile(".".join(map(re.escape, parts)), re.DOTALL))
    text = fold_text(typed)
    return Word(name=name, text=text if len(text) > 1 else "")


def split_words(text: str) -> tuple[str, ...]:
    """The words of the text as they were typed, each of which can be asked for by itself."""
    return tuple(f"“{quoted}”" if quoted else plain for quoted, plain in _PHRASE.findall(text))


def describe(typed: Typed) -> str:
    """In Chinese, in what the words are looked for, and which words they are."""
    words = typed.words
    where = _name_fields(typed.has_text, _list_spellings(typed))
    if typed.latin:
        return f"按{where}查询：“{' '.join(typed.text.split())}”"
    listed = "、".join([f"“{word.text or word.name}”" for word in words])
    together = "，须同时出现" if len(words) > 1 else ""
    single = "（单个字只在姓名、名称中查找）" if _has_single(words) else ""
    wildcard = "（“?”和“▀”代表名字中的任意一个字）" if typed.has_wildcard else ""
    return f"按{where}查询{together}：{listed}{single}{wildcard}"


def in_name(words: Sequence[Word]) -> Condition:
    """That all of the words are in the name."""
    return all_of([word.in_name() for word in words])


def in_text(words: Sequence[Word]) -> Condition:
    """That all of the words are in the obligation, or some of them in the name."""
    # Where one word alone is in the name, the entry has answered by its name already.
    return InText(words[0].text) if len(words) == 1 else all_of([word.in_text() for word in words])


def can_be_alias(typed: Typed) -> bool:
    """Whether what was typed in Latin letters can be the Latin spelling of a name."""
    return all(len(word) > 1 for word in typed.latin)


def find_initials(typed: Typed) -> str:
    """The text, if it can be the initials of a name; else nothing."""
    is_one = typed.latin == (typed.whole,) and typed.text.strip().isalpha() and typed.whole.isascii()
    return typed.whole if is_one and 1 < len(typed.whole) <= _LONGEST_INITIALS else ""


def _part_pinyin(text: str) -> str:
    """“Zhang, Ce” as two words. Where that makes no pinyin, commas stay: those of Co., Ltd are a part of the name."""
    if not _COMMAS.search(text):
        return text
    parted = _COMMAS.sub(" ", text)
    return parted if _is_latin(parted) and split_syllables(parted) else text


def _is_latin(text: str) -> bool:
    """Whether the text has letters, and only Latin ones."""
    if _QUOTE.search(text):
        return False
    letters = [c for c in unicodedata.normalize("NFKC", text) if c.isalpha()]
    return bool(letters) and all(c.isascii() or unicodedata.name(c, "").startswith("LATIN") for c in letters)


@cache
def _name_fields(has_text: bool, spellings: tuple[str, ...]) -> str:
    fields = ["姓名", "名称", *(["义务内容"] if has_text else []), *spellings]
    return "、".join(fields[:-1]) + ("和" if len(fields) > 2 else "、") + fields[-1]


def _list_spellings(typed: Typed) -> tuple[str, ...]:
    """As what else Latin letters are looked for."""
    if typed.syllables:
        return ("拼音",)
    if not typed.latin or typed.has_wildcard:
        return ()
    initials = ("拼音首字母",) if find_initials(typed) else ()
    return (*initials, "拉丁字母写法") if can_be_alias(typed) else initials


def _has_single(words: tuple[Word, ...]) -> bool:
    return len({bool(word.text) for word in words if not word.pattern}) > 1

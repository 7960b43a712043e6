"""One spelling for what people type in many ways. Only keys are folded: a name is shown as it was published.

What is folded, and why:

| typed or published                                  | folded to  | in   |
|-----------------------------------------------------|------------|------|
| full and half width, compatibility forms (Ａ ㈱ 樂)   | NFKC       | both |
| upper and lower case                                | casefold   | both |
| spaces, zero-width marks, variation selectors       | nothing    | both |
| private-use code points of GB 18030-2000 (U+E863)   | 䶮 (U+4DAE) | both |
| traditional and variant forms (貸 峯 產)              | 贷 峰 产     | both |
| （ 〔 【 ［ and their closing forms                    | ( and )    | text |
| brackets and quotation marks of every form          | nothing    | name |
| · • ・ ･ ． . ‧ ∙ ⋅ ● U+0387                          | nothing    | name |

Input methods and old case systems differ in the first four; 测试（集团）公司 is typed without its brackets, and
扎西·次仁 with any dot, a space or none.
Dots stay in text, where 5.5 is not 55. Traditional and variant forms fold by `tables/variants.txt`, one character to
one. What 通用规范汉字表 (2013) lists as a character of its own does not fold, whatever it once stood for: people are
registered under it (喆 is not 哲, 於 not 于, 著 not 着, 乾 not 干; 徵 not 征, as in 魏徵). For such pairs see
`confusable.py`.
"""

from __future__ import annotations

import re
import unicodedata

from search_index.tables import read_table

WILDCARDS = "▀?"

# GB 18030-2000 put these in the private use area; Unicode 4.1 gave them code points. The other sixty-six of the
# block U+E815–E864 had one from the start, and Python's codec knows it.
_LATER_STANDARD = {
    0xE816: 0x20087,
    0xE817: 0x20089,
    0xE818: 0x200CC,
    0xE81E: 0x9FB4,
    0xE826: 0x9FB5,
    0xE82B: 0x9FB6,
    0xE82C: 0x9FB7,
    0xE831: 0x215D7,
    0xE832: 0x9FB8,
    0xE83B: 0x2298F,
    0xE843: 0x9FB9,
    0xE854: 0x9FBA,
    0xE855: 0x241FE,
    0xE864: 0x9FBB,
}


def _private_to_standard() -> dict[int, int]:
    trails = [trail for trail in range(0x50, 0xA1) if trail != 0x7F]
    codes = (ord(bytes((0xFE, trail)).decode("gb18030")) for trail in trails)
    return dict(zip(range(0xE815, 0xE865), codes, strict=True)) | _LATER_STANDARD


_OPENING = "〔【［｛「『《〈〖﹝﹙([{"
_CLOSING = "〕】］｝」』》〉〗﹞﹚)]}"
_VARIANTS = {ord(form): standard for standard, forms in read_table("variants.txt") for form in forms}
_IN_TEXTS = _VARIANTS | dict.fromkeys(map(ord, "〔【[﹝〖"), "(") | dict.fromkeys(map(ord, "〕】]﹞〗"), ")")
_DOTS = "·•・･．.‧∙⋅●\u0387"
_QUOTES = "\"'“”‘’＂＇〝〞`´"
_IN_NAMES = _VARIANTS | dict.fromkeys(map(ord, _DOTS + _OPENING + _CLOSING + _QUOTES), "")
# White space, format characters (Cf) that are typed or pasted without being seen, variation selectors, and halves
# of surrogate pairs, which no published text can hold.
_UNSEEN = re.compile(
    "[\\s\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\ufe00-\ufe0f\U000e0001-\U000e01ef]+"
)
_PRIVATE = _private_to_standard()


def fold_name(text: str) -> str:
    """The key under which a name is compared: equal for every way of typing it that is listed above."""
    if _PLAIN.fullmatch(text):
        return text
    return _fold_everyday(text, _NAME_STEPS) if _EVERYDAY.fullmatch(text) else _fold_wholly(text, _IN_NAMES)


def fold_text(text: str) -> str:
    """The key under which words of a running text are compared; line breaks and spaces do not part words."""
    if _PLAIN.fullmatch(text):
        return text
    return _fold_everyday(text, _TEXT_STEPS) if _EVERYDAY.fullmatch(text) else _fold_wholly(text, _IN_TEXTS)


def fold_code(text: str) -> str:
    """A typed number as bare capitals and digits: width, spaces and dashes do not matter."""
    return re.sub(r"[-‐‑‒–—−]", "", _fold(text)).upper()


def _fold(text: str) -> str:
    # Marks that are not seen go first, or they would keep a base letter and its accent apart.
    seen = _UNSEEN.sub("", text.translate(_PRIVATE))
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())


def _fold_wholly(text: str, table: dict[int, str]) -> str:
    folded = _fold(text).translate(table)
    return folded if folded == text else _fold_wholly(folded, table)


def _fold_everyday(text: str, steps: dict[str, str]) -> str:
    # Few different characters of a text change, and to replace these takes a third of the time of str.translate.
    for character in set(_CHANGING.findall(text)):
        text = text.replace(character, steps[character])
    return text


def _list_steps(table: dict[int, str]) -> dict[str, str]:
    return {character: _fold_wholly(character, table) for character in _FORMS + _COMMON}


# Nearly every text is made of these characters, and each of them folds alike whatever stands beside it, so one table
# does for them what _fold_wholly does in many steps.
_COMMON = (
    "".join(map(chr, (*range(0x20, 0x7F), *range(0xFF01, 0xFF5F)))) + "\n\r\t\u3000、。《》〈〉「」〔〕【】“”‘’·•…—‰"
)
_FORMS = "".join(map(chr, filter((0x10000).__gt__, _VARIANTS)))
_UNPLAIN = f"{_FORMS}\x00-/:-`{{-㏿䷀-䷿ꀀ-\U0010ffff"
_PLAIN = re.compile(f"[^{_UNPLAIN}]*")
_CHANGING = re.compile(f"[{_UNPLAIN}]")
_EVERYDAY = re.compile(f"[㐀-䶿一-鿿{re.escape(_COMMON)}]*")
_NAME_STEPS = _list_steps(_IN_NAMES)
_TEXT_STEPS = _list_steps(_IN_TEXTS)

"""生僻字.txt: the characters that a caption machine may lack or a newsreader may not know, and where they stand. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from notifier.package.edition import Edition, edition_line, is_seen, title, usage_notice
from notifier.package.reading import UNCODED, find_readings, is_han, is_listed
from search_index.document import Document

_PLACES_NAMED = 20
NOT_IN_GBK = "不在GBK内，旧字幕机可能显示不出，请造字或者用画面文件"
NOT_IN_LEVELS = "在通用规范汉字表一、二级之外"
NOT_IN_FONT = "画面字体没有此字，画面上以〔码位〕代替"
_FIELDS: Mapping[str, Callable[[Document], str | None]] = {
    "姓名或者名称": lambda d: d.name,
    "拉丁字母写法": lambda d: d.latin_name,
    "法定代表人": lambda d: d.legal_representative,
    "执行法院": lambda d: d.court,
    "地区": lambda d: d.region,
    "执行依据文号": lambda d: d.basis_number,
    "作出执行依据单位": lambda d: d.basis_issuer,
    "执行案号": lambda d: d.case_number,
    "义务": lambda d: d.obligation,
    "履行情况": lambda d: d.performance,
    "已履行部分": lambda d: d.performed_part,
    "未履行部分": lambda d: d.unperformed_part,
    "失信行为": lambda d: "".join(conduct.text for conduct in d.conduct),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RareCharacter:
    """A character, why it is listed, and the places where it stands: number of the entry, record, field."""

    character: str
    reasons: tuple[str, ...]
    readings: tuple[str, ...]
    places: tuple[tuple[int, str, str], ...]


def find_rare(documents: Sequence[Document], drawable: Callable[[str], bool]) -> list[RareCharacter]:
    """What is rare in the entries, in the order in which they first meet it. `drawable` says whether the font of the
    slides has a character."""
    places: dict[str, list[tuple[int, str, str]]] = {}
    plain: set[str] = set()
    for number, document in enumerate(documents, start=1):
        for field, read in _FIELDS.items():
            text = read(document) or ""
            for character in dict.fromkeys(text) if not plain.issuperset(text) else ():
                if character in plain:
                    continue
                if not list_reasons(character) and drawable(character):
                    plain.add(character)
                else:
                    places.setdefault(character, []).append((number, document.record, field))
    return [
        RareCharacter(
            character=character,
            reasons=(*list_reasons(character), *(() if drawable(character) else (NOT_IN_FONT,))),
            readings=find_readings(character),
            places=tuple(found),
        )
        for character, found in places.items()
    ]


@lru_cache(maxsize=65536)
def list_reasons(character: str) -> tuple[str, ...]:
    """Why a character is listed; empty for one that every machine has and every newsreader knows."""
    reasons = [] if _is_in_gbk(character) else [NOT_IN_GBK]
    if is_han(character) and not is_listed(character):
        reasons.append(NOT_IN_LEVELS)
    return tuple(reasons)


def build_rare(edition: Edition, entries: int, found: Sequence[RareCharacter]) -> bytes:
    """UTF-8, CRLF, a character a line, parted by tabs."""
    lines = [
        f"{title(edition)}：生僻字",
        edition_line(edition, entries),
        usage_notice(edition),
        "列出不在GBK内、在通用规范汉字表（2013年）一、二级之外以及画面字体没有的字。序号是名单各文件中的序号。",
        "",
        "字\t码位\t读音\t原因\t出现在" if found else "本期没有生僻字。",
        *(_describe(rare) for rare in found),
    ]
    return "".join(f"{line}\r\n" for line in lines).encode()


def code_point(character: str) -> str:
    return f"U+{ord(character):04X}"


def _describe(rare: RareCharacter) -> str:
    named = "、".join(f"序号{number}（{record}）{field}" for number, record, field in rare.places[:_PLACES_NAMED])
    more = f"等{len(rare.places)}处" if len(rare.places) > _PLACES_NAMED else ""
    # A line break or a mark of direction must not become part of the table.
    shown = rare.character if is_seen(rare.character) else "（不可见）"
    cells = [shown, code_point(rare.character), _read_aloud(rare), "；".join(rare.reasons), named + more]
    return "\t".join(cells)


def _read_aloud(rare: RareCharacter) -> str:
    if rare.character == UNCODED:
        return "此字无编码，请向法院核实"
    if not is_han(rare.character):
        return "—"
    return "、".join(rare.readings) or "请向法院核实"


def _is_in_gbk(character: str) -> bool:
    try:
        character.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True

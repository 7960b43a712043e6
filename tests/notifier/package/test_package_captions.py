"""The crawl: a line an entry, as long as the machine takes, nothing of a name lost, in both encodings."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from documents import AT, a_document
from hypothesis import given
from hypothesis import strategies as st

from notifier.calendar import Period
from notifier.package import Edition, Package, build_package
from notifier.package.captions import build_captions, caption
from notifier.package.edition import flatten
from search_index.document import Document
from search_index.profile import Profile

EDITION = Edition(
    period=Period(2026, 3),
    revision=1,
    sequence=1,
    made_at=AT,
    last_day_of_use=AT.date(),
    profile=Profile(court="测试市人民法院", website="https://court.example.invalid"),
)
# Of what is not assigned unicodedata does not know the width.
NAMES = st.text(st.characters(exclude_categories=["Cs", "Co", "Cn"]), min_size=1, max_size=64).filter(flatten)


def count_places(line: str) -> int:
    """As Unicode has it (UAX 11): two for what is wide, one for the rest."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


def test_the_two_files_say_the_same(package: Package) -> None:
    told = package.files["滚动字幕.txt"].decode("utf-8")
    assert package.files["滚动字幕-GB18030.txt"].decode("gb18030") == told
    assert package.files["滚动字幕-GB18030.txt"] != package.files["滚动字幕.txt"]
    assert not told.startswith("\ufeff"), "a caption machine would show it"
    assert told.count("\n") == told.count("\r\n")


def test_an_entry_is_a_line_in_the_order_of_the_list(package: Package) -> None:
    told = package.files["滚动字幕.txt"].decode().split("\r\n")
    start = next(place for place, line in enumerate(told) if line.startswith("【以下为字幕"))
    assert told[start + 1 : -1] == [
        "曾𠮷，9901011980****0017，（2026）测0101执12号，部分未履行，男，公布时45岁，违反财产报告制度",
        "云杉（测试市）商贸有限公司，919901011234567880，（2026）测0101执12号，部分未履行",
        "乐䶮，9901011980****0017，（2026）测0101执12号，部分未履行，男，公布时45岁，违反财产报告制度",
        "王\U0002b81f，9901011980****0017，（2026）测0101执12号，部分未履行，男，公布时45岁，违反财产报告制度",
        "扎西·测试，9901011980****0017，（2026）测0101执12号，部分未履行，ZHAXI CESHI，男，公布时45岁，违反财产报告制度",
    ]
    assert "下列各条提前停止使用，最后使用日：第3条2026年11月30日。" in told


@given(name=NAMES, limit=st.integers(20, 80), training=st.booleans())
def test_no_line_is_longer_than_the_limit_and_no_name_is_cut(name: str, limit: int, training: bool) -> None:
    edition = replace(EDITION, caption_limit=limit, profile=replace(EDITION.profile, training=training))
    document = a_document(1, name=name)
    lines = caption(edition, document)
    together = lines[0] + "".join(line.removeprefix("\u3000") for line in lines[1:])
    assert together.startswith(("【演练】" if training else "") + flatten(name))
    assert document.id_number in together
    assert document.case_number in together
    for line in build_captions(edition, [document]).split("\r\n"):
        assert count_places(line) <= 2 * limit


def test_characters_of_a_later_unicode_than_this_python_are_kept() -> None:
    assert caption(EDITION, a_document(1, name="王\U000323af"))[0].startswith("王\U000323af，")


def test_what_is_less_needed_is_left_out_first(person: Document) -> None:
    needed = "扎西·测试，9901011980****0017，（2026）测0101执12号"
    told = [caption(replace(EDITION, caption_limit=limit), person) for limit in (28, 33, 41, 50)]
    assert told == [
        [needed],
        [f"{needed}，部分未履行"],
        [f"{needed}，部分未履行，男，公布时45岁"],
        [f"{needed}，部分未履行，男，公布时45岁，违反财产报告制度"],
    ]


def test_line_breaks_in_a_text_do_not_make_lines(person: Document) -> None:
    broken = replace(person, performance="部分\r\n未履行", name="甲\u2028乙\u200b丙")
    (line,) = caption(EDITION, broken)
    assert line.startswith("甲 乙丙，")
    assert "部分 未履行" in line


def test_in_training_every_line_says_so_because_lines_are_copied_out(edition: Edition, person: Document) -> None:
    training = replace(edition, profile=replace(edition.profile, training=True))
    files = build_package(training, [replace(person, record="SX-00000001")]).files
    assert files["滚动字幕.txt"].decode().split("\r\n")[-2].startswith("【演练】扎西·测试，")


def test_a_limit_that_no_name_fits_is_refused(edition: Edition) -> None:
    with pytest.raises(ValueError, match="at least 20"):
        build_captions(replace(edition, caption_limit=19), [])

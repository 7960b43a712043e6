"""The reading script: how names are read, how long it takes, what is said before and after; and the rare characters."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable
from dataclasses import replace

import docx
import pytest

from notifier.package import Edition, Package, build_package
from notifier.package.rare import find_rare
from notifier.package.reading import annotate, find_readings, is_common, is_listed
from notifier.package.tables import read_table as read_ours
from search_index.document import Document
from search_index.tables import read_table


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("王建国", "王建国"),
        ("曾国强", "曾（zēng）国强"),
        ("单伟", "单（shàn）伟"),
        ("乐平", "乐（yuè或者lè）平"),
        ("尉迟强", "尉迟（yù chí）强"),
        ("万俟芳", "万俟（mò qí）芳"),
        ("王𠮷", "王𠮷（jí）"),
        ("曾䶮", "曾（zēng）䶮（yǎn）"),
        ("张晟", "张晟（shèng或者chéng）"),
        ("区·次仁", "区·次仁"),
        ("王\U0002b81f", "王\U0002b81f（读音请向法院核实）"),
        ("王▀", "王▀（此字无编码，请向法院核实）"),
        ("李单", "李单"),
    ],
)
def test_a_newsreader_is_told_what_she_need_not_know(name: str, read: str) -> None:
    assert annotate(name, person=True) == read


def test_a_company_has_no_surname() -> None:
    assert annotate("单县曾氏商行", person=False) == "单县曾氏商行"
    assert annotate("曾𠮷商行", person=False) == "曾𠮷（jí）商行"


def _bare(reading: str) -> str:
    letters = "".join(c for c in unicodedata.normalize("NFD", reading) if c not in "\u0300\u0301\u0304\u030c")
    return letters.replace("u\u0308", "v")


def test_every_reading_agrees_with_the_table_that_names_are_searched_by() -> None:
    """Two tables made apart: every character that can be searched by a sound is read with that sound."""
    searched = {character: sound for sound, characters in read_table("pinyin.txt") for character in characters}
    apart = {"嗯", "呒"}
    for character, sound in searched.items():
        if not is_common(character) and character not in apart:
            assert sound in map(_bare, find_readings(character)), character


def test_every_surname_that_is_searched_by_a_sound_of_its_own_is_read_with_it() -> None:
    ours = {surname: {_bare(one) for one in readings.split()} for surname, readings in read_ours("surnames.txt")}
    for surname, *sounds in read_table("surnames.txt"):
        assert set(sounds) <= ours[surname], surname


def test_the_levels_are_those_of_the_table_of_2013() -> None:
    levels = dict(read_ours("levels.txt"))
    assert (len(levels["1"]), len(levels["2"])) == (3500, 3000)
    assert is_common("国")
    assert not is_common("昶")
    assert is_listed("昶")
    assert not is_listed("喆")


def test_what_is_rare_is_listed_with_reading_code_and_place(package: Package) -> None:
    lines = package.files["生僻字.txt"].decode().split("\r\n")
    table = [line.split("\t") for line in lines if "\t" in line]
    assert table[0] == ["字", "码位", "读音", "原因", "出现在"]
    found = {row[0]: row[1:] for row in table[1:]}
    assert set(found) == {"𠮷", "䶮", "\U0002b81f"}
    assert found["𠮷"][:2] == ["U+20BB7", "jí"]
    assert "不在GBK内" in found["𠮷"][2]
    assert found["𠮷"][3] == "序号1（SX-00000005）姓名或者名称、序号2（SX-00000004）法定代表人"
    assert found["\U0002b81f"][:2] == ["U+2B81F", "请向法院核实"]
    assert "画面字体没有此字" in found["\U0002b81f"][2]


def test_a_character_is_rare_for_what_it_is() -> None:
    def reasons(character: str, document: Document) -> str:
        (rare,) = find_rare([replace(document, obligation=character)], lambda _: True)
        return "；".join(rare.reasons)

    document = Document.from_json(PLAIN)
    assert not find_rare([replace(document, obligation="国昶·（）《》①Ａ%")], lambda _: True)
    assert "GBK" not in reasons("喆", document)
    assert "一、二级之外" in reasons("喆", document)
    assert "GBK" in reasons("ñ", document)
    assert "一、二级" not in reasons("ñ", document)
    assert "GBK" in reasons("▀", document)


PLAIN = {
    **dict.fromkeys(["gender", "age", "id_number", "uscc", "legal_representative", "region", "basis_number"]),
    **dict.fromkeys(["basis_issuer", "case_number", "filed_on", "obligation", "performed_part", "unperformed_part"]),
    **dict.fromkeys(["term_ends_on", "visible_until"]),
    "record": "SX-00000001",
    "kind": "person",
    "name": "甲",
    "court": "法院",
    "performance": "全部未履行",
    "conduct": [],
    "published_on": "2026-09-01",
    "updated_at": "2026-09-01T09:00:00+08:00",
}


def paragraphs(content: bytes) -> list[str]:
    return [paragraph.text for paragraph in docx.Document(io.BytesIO(content)).paragraphs]


def test_the_script_has_a_paragraph_an_entry_with_readings_and_seconds(package: Package) -> None:
    told = paragraphs(package.files["播报稿.docx"])
    entries = [line for line in told if line[:1].isdigit() and "．" in line]
    assert len(entries) == 5
    assert entries[0].startswith(
        "1．曾（zēng）𠮷（jí），男，公布时45岁，证件号码9901011980****0017。测试市人民法院执行，"
    )
    assert "法定代表人或者负责人李𠮷（jí）" in entries[1]
    assert "此条2026年11月30日后不得播出" in entries[2]
    assert not [entry for entry in entries if "后不得播出" in entry and not entry.startswith("3．")]
    assert "履行情况：部分未履行，已履行5000元，未履行115000元。失信行为：违反财产报告制度。" in entries[4]


def test_seconds_are_four_characters_each_without_readings_and_punctuation(package: Package) -> None:
    told = paragraphs(package.files["播报稿.docx"])
    spoken = (
        "乐䶮男公布时45岁证件号码99010119800017测试市人民法院执行案号2026测0101执12号"
        "生效法律文书确定的义务自判决生效之日起十日内偿还借款本金120000元及利息"
        "履行情况部分未履行已履行5000元未履行115000元失信行为违反财产报告制度"
    )
    assert next(line for line in told if line.startswith("3．")).count(f"约{-(-len(spoken) // 4)}秒]") == 1


def test_the_script_opens_and_closes_with_the_law(package: Package, edition: Edition) -> None:
    told = paragraphs(package.files["播报稿.docx"])
    opening = told[told.index("【开场】") + 1]
    assert opening.startswith("受测试市人民法院委托，现播报该院2026年第三季度失信被执行人名单。")
    assert "《最高人民法院关于公布失信被执行人名单信息的若干规定》第七条" in opening
    assert "本期共5名，其中自然人4名，法人或者其他组织1名。" in opening
    closing = told[told.index("【结束】") + 1]
    assert "第十一条，向执行法院书面申请纠正" in closing
    assert "同名不同人" in closing
    assert "联系电话0000-0000000。" in closing
    without = paragraphs(build_package(edition, []).files["播报稿.docx"])
    assert "委托" not in without[without.index("【开场】") + 1]


def test_the_letter_has_its_number_the_files_and_the_fingerprint(
    package: Package, read_words: Callable[[str, bytes], str], edition: Edition
) -> None:
    words = read_words("推送函.docx", package.files["推送函.docx"])
    assert "委托函号：（2026）测法推1号" in words
    assert "名单共5条，其中自然人4名，法人或者其他组织1名" in words
    for name in ("list.xlsx", "播报稿.docx", "滚动字幕-GB18030.txt", "画面-*.png（1张）"):
        assert name in words
    assert "公钥指纹（SHA-256）：" in words
    assert "2026年10月8日" in words


def test_what_a_word_processor_cannot_carry_does_not_break_the_script(edition: Edition, person: Document) -> None:
    odd = replace(person, record="SX-00000001", obligation="一\x0b二<w:p>&amp;\ufffe三", name="甲<乙")
    told = paragraphs(build_package(edition, [odd]).files["播报稿.docx"])
    assert next(line for line in told if line.startswith("1．甲<乙")).count("一 二<w:p>&amp;三。") == 1

"""What was typed, understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_list import build_document

from search_index.casenumber import find_parts
from search_index.condition import All, AnyOf, Condition, Entry
from search_index.entry import build_entry, find_way, passes
from search_index.near import explain
from search_index.number import draw_number
from search_index.page import Query
from search_index.query import MAX_LENGTH, read_question
from search_index.question import Meaning
from search_index.words import split_words

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def check_citizen(digits: str) -> str:
    return "10X98765432"[sum(int(d) * w for d, w in zip(digits, WEIGHTS, strict=True)) % 11]


@pytest.mark.parametrize(
    "typed",
    [
        "（2017）云9901执12号",
        "(2017)云9901执12号",
        "〔2017〕云9901执12号",
        "2017云9901执12",
        "( 2017 )云9901 执 012 号",
        "（2017）雲9901執12號",
    ],
)
def test_a_case_number_in_any_writing(typed: str) -> None:
    question = read_question(typed)
    assert question.meaning is Meaning.CASE_NUMBER
    assert question.reading == "按案号查询：（2017）云9901执12号"


@given(st.randoms(use_true_random=False))
def test_a_record_number_is_read_first(random: object) -> None:
    number = draw_number(random)  # type: ignore[arg-type]
    question = read_question(f" {number.lower()} ")
    assert (question.meaning, question.value) == (Meaning.RECORD, number)


@pytest.mark.parametrize(
    "typed", ["91999999MA00000079", "９１９９９９９９ＭＡ００００ ００７９", "91999999-ma0000 0079"]
)
def test_a_credit_code_in_any_writing(typed: str) -> None:
    question = read_question(typed)
    assert (question.meaning, question.value) == (Meaning.CODE, "91999999MA00000079")


def test_a_credit_code_with_a_wrong_check_character_is_searched_and_doubted() -> None:
    readings = [read_question(f"91999999MA0000007{last}").reading for last in "0123456789ABCDEFGHJKLMNPQRTUWXY"]
    assert sum("校验码不符" not in reading for reading in readings) == 1


@pytest.mark.parametrize("typed", ["00000000-0", "000000000", "００００００００－０"])
def test_an_old_organisation_code(typed: str) -> None:
    question = read_question(typed)
    assert (question.meaning, question.reading) == (Meaning.CODE, "按组织机构代码查询：00000000-0")


@given(
    st.dates().filter(lambda day: 1900 <= day.year < 2027),
    st.integers(0, 999),
    st.sampled_from(["{}", "张测试 {}", "身份证{}号", "{} 有限公司"]),
)
@pytest.mark.long
def test_a_whole_citizen_number_is_refused_and_not_repeated(day: object, serial: int, frame: str) -> None:
    digits = f"999999{day:%Y%m%d}{serial:03}"
    number = digits + check_citizen(digits)
    question = read_question(frame.format(number))
    assert question.meaning is Meaning.REFUSED
    assert "身份证号码" in question.reading
    assert digits not in question.reading
    assert not question.words
    assert not question.whole
    assert not question.ways


@pytest.mark.parametrize(
    "typed",
    [
        "999999 19900101 0017",
        "９９９９９９１９９００１０１００１７",
        "999999199001010010",
        "999999900101001",
        "999999-19900101-0017",
    ],
)
def test_a_citizen_number_in_any_writing_is_refused(typed: str) -> None:
    assert read_question(typed).meaning is Meaning.REFUSED


@pytest.mark.parametrize("typed", ["·", "“”", "？", "? ▀", "（）"])
def test_nothing_to_look_for(typed: str) -> None:
    question = read_question(typed)
    assert question.meaning is Meaning.REFUSED
    assert "没有可以查询的文字" in question.reading


def test_too_long() -> None:
    assert read_question("测" * MAX_LENGTH).meaning is Meaning.WORDS
    assert read_question("测" * (MAX_LENGTH + 1)).meaning is Meaning.REFUSED


@pytest.mark.parametrize("typed", ["", "  ", "　"])
def test_nothing_typed_lists_all(typed: str) -> None:
    assert read_question(typed).meaning is Meaning.FILTERS


@pytest.mark.parametrize(
    ("typed", "reading"),
    [
        ("扎西·次仁", "按姓名、名称和义务内容查询：“扎西·次仁”"),
        ("货款 受理费", "按姓名、名称和义务内容查询，须同时出现：“货款”、“受理费”"),
        ("“货款 受理费” 测试", "按姓名、名称和义务内容查询，须同时出现：“货款受理费”、“测试”"),
        ("张", "按姓名、名称查询：“张”"),
        ("货款 张", "按姓名、名称和义务内容查询，须同时出现：“货款”、“张”（单个字只在姓名、名称中查找）"),
        ("王?", "按姓名、名称查询：“王?”（“?”和“▀”代表名字中的任意一个字）"),
        ("zhang  wei", "按姓名、名称、义务内容和拼音查询：“zhang wei”"),
        ("zw", "按姓名、名称、义务内容、拼音首字母和拉丁字母写法查询：“zw”"),
        ("Sonam", "按姓名、名称、义务内容、拼音首字母和拉丁字母写法查询：“Sonam”"),
        ("Zhang, Wei", "按姓名、名称、义务内容和拼音查询：“Zhang Wei”"),
        ("Test Co., Ltd", "按姓名、名称、义务内容和拉丁字母写法查询：“Test Co., Ltd”"),
        ("货款、受理费", "按姓名、名称和义务内容查询：“货款、受理费”"),
        ("Tashi Tsering", "按姓名、名称、义务内容和拉丁字母写法查询：“Tashi Tsering”"),
        ("a", "按姓名、名称查询：“a”"),
        ("O'Neill", "按姓名、名称、义务内容和拉丁字母写法查询：“O'Neill”"),
        ("张 wei", "按姓名、名称和义务内容查询，须同时出现：“张”、“wei”（单个字只在姓名、名称中查找）"),
    ],
)
def test_the_reading_says_how_it_was_understood(typed: str, reading: str) -> None:
    assert read_question(typed).reading == reading


COMPANY = {
    "kind": "organisation",
    "name": "测试市甲商贸有限公司",
    "uscc": "91999999MA00000079",
    "legal_representative": "欧阳测",
    "obligation": "支付货款元",
    "performed_part": "暂无",
}


def answer(typed: str, entry: Entry) -> tuple[int, str, str] | None:
    """The rank, the match and the field in which the entry answers."""
    way = find_way(read_question(typed), entry)
    return (way.answer.rank, way.answer.match, way.answer.found_in) if way else None


@pytest.mark.parametrize(
    ("typed", "found_in"),
    [
        ("测试市甲商贸有限公司", "name"),
        ("甲商贸", "name"),
        ("欧阳测", "legal_representative"),
        ("欧阳", None),
        ("货款", "obligation"),
        ("“付货款”", "obligation"),
        ("货款 甲商贸", "obligation"),
        ("货款 乙商贸", None),
        ("款", None),
        ("?商贸", "name"),
        ("测试市?商贸有限公司", "name"),
        ("?欧阳测", None),
        ("测试市人民法院", None),
        ("91999999MA00000079", "uscc"),
        ("MA0000007", "uscc"),
        ("00000000-0", None),
        ("（2017）云9901执007号", "case_number"),
        ("（2016）云9901民初7号", None),
    ],
)
def test_where_a_document_answers(typed: str, found_in: str | None) -> None:
    found = answer(typed, build_entry(build_document(7, **COMPANY)))
    assert (found and found[2]) == found_in
    assert found is None or found[1] == "exact"


@pytest.mark.parametrize(
    ("typed", "name", "rank"),
    [
        ("扎西次仁", "扎西·次仁", 0),
        ("?西次仁", "扎西·次仁", 0),
        ("西次", "扎西·次仁", 1),
        ("zhaxi ciren", "扎西·次仁", 2),
        ("zhaxiciren", "扎西·次仁", 2),
        ("xici", "扎西·次仁", 3),
        ("ciren", "扎西·次仁", 3),
        ("泽仁扎西", "扎西·次仁", None),
        ("扎西泽仁", "扎西·次仁", 9),
        ("次仁扎西", "扎西·次仁", 10),
        ("次仁 扎西", "扎西·次仁", 1),
        ("ciren zhaxi", "扎西·次仁", 10),
        ("cirenzhaxi", "扎西·次仁", None),
        ("Tashi Tsering", "扎西·次仁", 12),
        ("Tsering Tashi", "扎西·次仁", None),
        ("zxcr", "扎西·次仁", 13),
        ("zx", "扎西·次仁", 13),
        ("xc", "扎西·次仁", None),
        ("闫测试", "阎测试", 8),
        ("颜测试", "阎测试", None),
        ("闫测", "阎测试", None),
        ("张测玮", "张测伟", None),
        ("虚构测试迪力木拉提", "迪力木拉提·虚构测试", 10),
        ("吐尔逊买买提", "买买提·吐尔逊", 10),
        ("测试虚构样", "虚构样测试", 10),
        ("试虚构测", "测试虚构", None),
        ("试虚构样测", "测试虚构样", None),
        ("zha\u200bxi ci\u00adren", "扎西·次仁", 2),
    ],
)
def test_the_rank_of_a_persons_answer(typed: str, name: str, rank: int | None) -> None:
    found = answer(typed, build_entry(build_document(7, name=name, obligation=None)))
    assert (found and found[0]) == rank
    assert found is None or found[1] == ("exact" if rank in range(6) else "near")


OTHER_FORM = "字号和行业相同，地名、组织形式或者分支机构不同，不一定是同一单位"


@pytest.mark.parametrize(
    ("typed", "name", "reason"),
    [
        ("香格里拉县测试商贸有限公司", "香格里拉市测试商贸有限公司", "“香格里拉县”现为“香格里拉市”"),
        ("香格里拉市测试商贸有限公司", "香格里拉县测试商贸有限公司", "“香格里拉县”现为“香格里拉市”"),
        ("测试商贸有限责任公司", "云南测试商贸有限公司", OTHER_FORM),
        ("云南恒秦商贸公司", "昆明恒秦商贸有限公司", OTHER_FORM),
        ("昆明甲商贸有限公司", "昆明乙商贸有限公司", None),
        ("测试闫商贸公司", "测试阎商贸公司", "“闫”与“阎”是不同的字"),
        ("云南恒秦商贸有限公司", "云南恒泰商贸有限公司", "有一个字不同：输入“秦”，名称为“泰”"),
        ("云南恒商贸有限公司", "云南恒泰商贸有限公司", None),
        ("云南恒泰兴商贸有限公司", "云南恒泰兴隆商贸有限公司", "少输入一个字：名称中另有“隆”"),
        ("云南恒泰泰商贸有限公司", "云南恒泰商贸有限公司", "多输入一个字：“泰”"),
        ("“云南恒秦商贸有限公司”", "云南恒泰商贸有限公司", None),
        ("云南 恒秦商贸有限公司", "云南恒泰商贸有限公司", None),
    ],
)
def test_the_reason_of_a_near_company(typed: str, name: str, reason: str | None) -> None:
    question = read_question(typed)
    way = find_way(question, build_entry(build_document(7, kind="organisation", name=name)))
    assert (way and explain(way, question, name)) == reason
    assert way is None or way.answer.match == "near"


@pytest.mark.parametrize(
    ("typed", "name", "reason"),
    [
        ("扎西泽仁", "扎西·次仁", "“泽仁”与“次仁”是同一民族语人名的不同译写"),
        ("次仁扎西", "扎西·次仁", "字相同，次序不同"),
        ("Tashi  Tsering", "扎西·次仁", "拉丁字母写法“Tashi Tsering”"),
        ("zx", "扎西·次仁", "“zx”是姓名（名称）开头的拼音首字母"),
        ("闫测", "阎测", "“闫”与“阎”是不同的字"),
    ],
)
def test_the_reason_of_a_near_person(typed: str, name: str, reason: str) -> None:
    question = read_question(typed)
    way = find_way(question, build_entry(build_document(7, name=name)))
    assert way is not None
    assert explain(way, question, name) == reason


def test_old_names_of_places_are_found_in_texts() -> None:
    entry = build_entry(build_document(7, obligation="返还位于中甸县的房屋。"))
    assert answer("香格里拉市 房屋", entry) == (6, "near", "obligation")
    assert answer("中甸县 房屋", entry) == (5, "exact", "obligation")


def test_a_typing_error_in_a_persons_name_finds_nobody() -> None:
    assert answer("迪丽测试阿不都测拭", build_entry(build_document(7, name="迪丽测试·阿不都测试"))) is None


def test_the_published_latin_spelling() -> None:
    entry = build_entry(build_document(7, name="虚构", latin_name="Xugou O'Neill-Tëst", obligation=None))
    for typed in ("xugou oneill test", "TEST", "O'Neill", "xugouoneilltest"):
        assert answer(typed, entry) == (12, "near", "latin_name")
    assert answer("oneil", entry) is None


# Case numbers -------------------------------------------------------------------------------------------------------

CASES = {
    "plain": "（2017）云9901执12号",
    "sequel": "（2017）云9901执12号之一",
    "resumed": "（2018）云9901执恢12号",
    "longer": "（2017）云9901执112号",
    "old": "（2013）召执字第00123号",
    "made_up": "（2025）测0101执12号",
    "odd": "2016津仲裁字第7号",
    "broken": "云9901执十二",
}


@pytest.mark.parametrize(
    ("typed", "exact", "near"),
    [
        ("（2017）云9901执12号", ["plain"], ["sequel"]),
        ("2017云9901执012", ["plain"], ["sequel"]),
        ("（2017）云9901执字第12号", ["plain"], ["sequel"]),
        ("云9901执字第12号", ["plain"], ["sequel"]),
        ("（2017）云9901执12号之1", ["sequel"], ["plain"]),
        ("云9901执12号", ["plain"], ["sequel"]),
        ("云9901执12", ["plain"], ["sequel"]),
        ("执12", ["plain", "made_up"], ["sequel"]),
        ("执12号之一", ["sequel"], ["plain", "made_up"]),
        ("执恢12号", ["resumed"], []),
        ("（2017）云9901执", ["plain", "sequel", "longer"], []),
        ("（2017）云9901", ["plain", "sequel", "longer"], []),
        ("（2017）执112号", ["longer"], []),
        ("执123号", ["old"], []),
        ("执字第123号", ["old"], []),
        ("召执字第123号", ["old"], []),
        ("召执123号", ["old"], []),
        ("（2013）召执字", ["old"], []),
        ("2013召执字第00123号", ["old"], []),
        ("（2025）测0101执12号", ["made_up"], []),
        ("2025测0101执12", ["made_up"], []),
        ("测0101执", ["made_up"], []),
        ("2016津仲裁字第007号", ["odd"], []),
        ("云9901执十二", ["broken"], []),
        ("云9902执12号", [], []),
    ],
)
def test_case_numbers_and_their_parts(typed: str, exact: list[str], near: list[str]) -> None:
    entries = {label: build_entry(build_document(7, case_number=number)) for label, number in CASES.items()}
    found = {label: answer(typed, entry) for label, entry in entries.items()}
    assert [label for label, one in found.items() if one == (0, "exact", "case_number")] == exact
    assert [label for label, one in found.items() if one == (14, "near", "case_number")] == near
    assert len(exact) + len(near) == sum(one is not None for one in found.values())


@pytest.mark.parametrize(
    "typed",
    ["执行", "执行12号", "2017年", "2017", "（2017）", "12号", "3421", "民生2017", "商行12号", "云3421", "张执", "执",
     "2017年3月执行", "破12", "云南12号", "文字第12号", "法律文字", "一行12号", "民12", "执0号", "（1900）云9901执", "召执字第"],
)  # fmt: skip
def test_ordinary_words_are_no_case_numbers(typed: str) -> None:
    assert find_parts(typed) is None
    assert read_question(typed).meaning is Meaning.WORDS


@pytest.mark.parametrize(
    ("typed", "reading"),
    [
        ("云3421执12号", "按案号查询：法院“云3421”、类型“执”、编号12"),
        ("（2017）云3421", "按案号查询：2017年度、法院“云3421”"),
        ("执12-1号", "按案号查询：类型“执”、编号12-1"),
        ("召执字第00123号之二", "按案号查询：法院“召”、类型“执”、编号123之二"),
    ],
)
def test_the_reading_names_the_parts(typed: str, reading: str) -> None:
    assert read_question(typed).reading == reading


@pytest.mark.parametrize("typed", ["2013测执123", "2013测试执恢123", "2013年测执123"])
def test_the_old_style_without_brackets_and_marks(typed: str) -> None:
    assert read_question(typed).meaning is Meaning.CASE_NUMBER


labels = st.sampled_from(
    ["", "案号：", "执行案号: ", "姓名：", "被执行人：", "编号：", "名称 : ", "被执行人姓名/名称："]
)
edges = st.text(st.sampled_from("，。；：、,;: \u3000\n\u200b\ufeff"), max_size=4)
questions = st.sampled_from(
    ["张测", "张测 虚构", "“张测，虚构”", "zhang ce", "（2017）云9901执12号", "执12号", "测试商贸", "00000000-0"]
)


@given(questions, labels, edges, edges)
def test_what_is_copied_along_changes_nothing(typed: str, label: str, before: str, after: str) -> None:
    plain, copied = read_question(typed), read_question(f"{before}{label}{typed}{after}")
    assert (copied.meaning, copied.reading, copied.ways) == (plain.meaning, plain.reading, plain.ways)


@pytest.mark.parametrize("typed", ["，。", "：", "\u200b", "、 ；"])
def test_punctuation_alone_is_nothing_to_look_for(typed: str) -> None:
    assert read_question(typed).meaning is Meaning.REFUSED


NUMBER = "（2017）云9901执12号"


@given(
    st.sampled_from(["张测", "张?", "测试商贸有限公司", "扎西·次仁", "虚构 测试", "zhang ce"]),
    st.sampled_from([NUMBER, "2017云9901执12", "云9901 执12号", "执12号"]),
    st.sampled_from([" ", "，", "、", "\u3000", " 案号："]),
    st.booleans(),
)
def test_a_name_and_a_case_number_must_both_hold(name: str, number: str, gap: str, is_first: bool) -> None:
    question = read_question(f"{name}{gap}{number}" if is_first else f"{number}{gap}{name}")
    assert question.meaning is Meaning.CASE_NUMBER
    assert question.reading.startswith(f"按姓名和案号查询：“{name}”，")
    shown = "测试虚构" if name == "虚构 测试" else "张测" if name in ("张?", "zhang ce") else name
    for published, case_number, found in ((shown, NUMBER, True), ("何样", NUMBER, False), (shown, "执12", False)):
        way = find_way(question, build_entry(build_document(7, name=published, case_number=case_number)))
        assert (way is not None and way.answer.match == "exact") is found


def test_a_name_and_a_case_number_in_one_may_stand_in_an_obligation() -> None:
    entry = build_entry(build_document(7, obligation=f"履行{NUMBER}确定的义务。"))
    assert answer(f"履行{NUMBER}", entry) == (5, "exact", "obligation")
    assert answer(f"张测{NUMBER}", build_entry(build_document(7, name="张测", case_number=NUMBER))) == (
        0,
        "exact",
        "case_number",
    )


@pytest.mark.parametrize(
    "typed", ["云 9901 执 12 号", "召 执字第123号", "（2017）云9901 执恢", "最高法 执 12号", "民初 12号"]
)
def test_parts_of_a_number_are_no_names_beside_it(typed: str) -> None:
    assert not read_question(typed).words


# Every question -----------------------------------------------------------------------------------------------------

typed_texts = st.text(
    st.sampled_from("扎西次仁张闫云南省香格里拉县测试商贸有限公司执12(2017)·?▀ “”zhangwei'üA"), max_size=24
)


def list_conditions(condition: Condition) -> list[Condition]:
    inner = condition.conditions if isinstance(condition, All | AnyOf) else ()
    return [condition, *(deep for one in inner for deep in list_conditions(one))]


@given(typed_texts)
def test_ways_are_in_order_and_few(typed: str) -> None:
    ways = read_question(typed).ways
    ranks = [(way.answer.match, way.answer.rank) for way in ways]
    assert ranks == sorted(ranks)
    assert len(set(ways)) == len(ways) <= 24
    assert all(len(list_conditions(way.condition)) <= 64 for way in ways)
    assert all(way.answer.match == "near" or way.reason is None for way in ways)


@given(st.text(st.sampled_from("扎西次仁·张闫云南测试（）商贸𠮷 "), min_size=2, max_size=12), st.data())
def test_a_part_of_a_name_is_found_exactly(name: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(name) - 2))
    typed = name[start : data.draw(st.integers(start + 2, len(name)))]
    question = read_question(typed)
    if question.meaning is Meaning.WORDS:
        way = find_way(question, build_entry(build_document(7, name=name, kind="organisation")))
        assert way is not None
        assert way.answer.match == "exact"


@given(typed_texts, st.sampled_from(["扎西·次仁", "闫测", "香格里拉市测试商贸有限公司", "张伟"]))
def test_a_near_answer_has_a_reason_and_an_exact_one_none(typed: str, name: str) -> None:
    kind = "organisation" if "公司" in name else "person"
    question = read_question(typed)
    way = find_way(question, build_entry(build_document(7, name=name, kind=kind)))
    assert way is None or (explain(way, question, name) is None) == (way.answer.match == "exact")


def test_an_entry_is_kept_under_nothing_empty() -> None:
    bare = build_document(7, region=None, case_number=None, uscc=None, conduct=(), obligation=None)
    assert all(keys and "" not in keys for keys in build_entry(bare).keys.values())


@pytest.mark.parametrize(
    ("query", "does"),
    [
        (Query(), True),
        (Query(kind="organisation"), True),
        (Query(kind="person"), False),
        (Query(court="测试市 人民法院"), True),
        (Query(court="虚构市人民法院"), False),
        (Query(region="云南"), True),
        (Query(region="虚构"), False),
        (Query(conduct="breaks_property_reporting"), True),
        (Query(conduct="refuses_though_able"), False),
        (Query(performance="全部未履行"), True),
        (Query(performance="部分未履行"), False),
    ],
)
def test_filters(query: Query, does: bool) -> None:
    assert passes(query, build_entry(build_document(7, **COMPANY))) is does


def test_words_can_be_asked_for_one_by_one() -> None:
    assert split_words("货款 “受理 费” 张") == ("货款", "“受理 费”", "张")

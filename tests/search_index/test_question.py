"""What was typed, understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_list import build_document

from search_index.number import draw_number
from search_index.query import MAX_LENGTH, Meaning, build_entry, find_answer, read_question

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
def test_a_whole_citizen_number_is_refused_and_not_repeated(day: object, serial: int, frame: str) -> None:
    digits = f"999999{day:%Y%m%d}{serial:03}"
    number = digits + check_citizen(digits)
    question = read_question(frame.format(number))
    assert question.meaning is Meaning.REFUSED
    assert "身份证号码" in question.reading
    assert digits not in question.reading
    assert not question.words
    assert not question.whole


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
    ],
)
def test_the_reading_says_how_it_was_understood(typed: str, reading: str) -> None:
    assert read_question(typed).reading == reading


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
    document = build_document(
        7,
        kind="organisation",
        name="测试市甲商贸有限公司",
        uscc="91999999MA00000079",
        legal_representative="欧阳测",
        obligation="支付货款元",
        performed_part="暂无",
    )
    answer = find_answer(read_question(typed), build_entry(document))
    assert (answer and answer.found_in) == found_in

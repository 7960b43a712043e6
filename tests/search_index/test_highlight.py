"""Where in the published words what was typed was found."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from search_index.folding import fold_name, fold_text
from search_index.highlight import Marker
from search_index.page import Span
from search_index.query import read_question
from search_index.question import Question

Spans = tuple[Span, ...]


def find_marks(question: Question, name: str, obligation: str) -> tuple[Spans, Spans]:
    marker = Marker(question)
    return marker.find_in_name(name), marker.find_in_text(obligation)


def mark(typed: str, name: str, obligation: str = "") -> tuple[list[str], list[str]]:
    in_name, in_text = find_marks(read_question(typed), name, obligation)
    return [name[a:b] for a, b in in_name], [obligation[a:b] for a, b in in_text]


@pytest.mark.parametrize(
    ("typed", "name", "marked"),
    [
        ("扎西次仁", "扎西·次仁", ["扎西·次仁"]),
        ("次仁", "扎西·次仁", ["次仁"]),
        ("西次", "扎西·次仁", ["西·次"]),
        ("zhaxi", "扎西·次仁", ["扎西"]),
        ("xi ci", "扎西·次仁", ["西·次"]),
        ("zhaxi ciren", "扎西·次仁", ["扎西·次仁"]),
        ("?西", "扎西·次仁", ["扎西"]),
        ("张伟", "張偉測試", ["張偉"]),
        ("𠮷田", "𠮷田测试", ["𠮷田"]),
        ("𠮷", "李𠮷\U000e0100测", ["𠮷\U000e0100"]),
        ("abc", "ＡＢＣ测试", ["ＡＢＣ"]),
        ("测 试", "云南测试", ["测试"]),
        ("云南 公司", "云南测试有限公司", ["云南", "公司"]),
        ("测测", "测测测试", ["测测测"]),
        ("株", "㈱测试", ["㈱"]),
        # A near answer: what agrees is elsewhere, or not simple.
        ("次仁扎西", "扎西次仁", []),
        ("闫测", "阎测", []),
        ("香格里拉县测试", "香格里拉市测试商贸有限公司", ["香格里拉市测试"]),
        ("测试商贸有限责任公司", "云南测试商贸有限公司", ["测试商贸"]),
        # Numbers name no words.
        ("（2017）云9901执12号", "云9901执12号商贸", []),
    ],
)
def test_marks_in_a_name(typed: str, name: str, marked: list[str]) -> None:
    assert mark(typed, name)[0] == marked


def test_marks_in_an_obligation() -> None:
    obligation = "支付貨款１２,０００元，并支付货\u200b款利息（5.5%）。"
    assert mark("货款 12,000", "甲测试", obligation)[1] == ["貨款１２,０００", "货\u200b款"]
    assert mark("(5.5%)", "甲测试", obligation)[1] == ["（5.5%）"]
    assert mark("款", "甲款", obligation) == (["款"], [])


@pytest.mark.parametrize("typed", ["Ａb", "ab", "b。1", "甲，aB", "１２‰", "12‰。（"])
def test_what_folds_one_to_one_is_marked_where_it_stands(typed: str) -> None:
    obligation = "甲，Ａb。１２‰。（乙）"
    place = fold_text(obligation).index(fold_text(typed))
    assert find_marks(read_question(typed), "", obligation)[1] == ((place, place + len(typed)),)


characters = st.sampled_from("扎西次仁·• 张伟張偉（）ＡａＢ㈱𠮷é\u0301\u200b\U000e0100,，。、‰…％测")


@given(st.text(characters, max_size=30), st.text(characters, min_size=1, max_size=4))
def test_marks_are_in_order_apart_and_hold_what_was_typed(published: str, typed: str) -> None:
    question = read_question(typed)
    assume(question.words and not question.syllables)
    for spans, fold in zip(find_marks(question, published, published), (fold_name, fold_text), strict=True):
        assert all(0 <= start < end <= len(published) for start, end in spans)
        assert all(end < start for (_, end), (start, _) in pairwise(spans))
        for start, end in spans:
            assert any(fold(word) in fold(published[start:end]) for word in question.words)
            assert published[end : end + 1] not in ("\u0301", "\U000e0100")


@given(st.text(st.sampled_from("扎西次仁张伟測試𠮷货款"), min_size=2, max_size=12), st.data())
def test_whatever_is_in_a_text_is_marked(published: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(published) - 2))
    end = data.draw(st.integers(start + 2, len(published)))
    for spans in find_marks(read_question(published[start:end]), published, published):
        assert any(a <= start and end <= b for a, b in spans)

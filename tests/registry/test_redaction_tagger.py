"""What the network adds to the rules, and what it can never undo."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gongshi.commands.telling import explain
from registry.article_review import ArticleKind, review
from registry.redaction import DetectorDamaged, tagger
from registry.redaction.combining import SEEDS
from registry.redaction.detect import DICTIONARY, find, find_in_fields, read_by_rules
from registry.redaction.finding import redact
from registry.redaction.numbers import IDENTIFIER_RULES
from registry.redaction.sheet import KEPT, Sheet
from registry.redaction.tagger import RULES, Nobody, Tags
from registry.redaction.tagger_input import RULES as READ
from registry.redaction.tagger_input import SIZES, describe

DEBTOR = "测试人甲"
TEXT = (
    "被告测试人甲于2020年1月1日前偿还原告张虚言借款5000元，电话13800000000，住样例县虚构镇假想路5号，"
    "案号（2020）豫9901民初1号，由虚构县人民法院审理，依据民法典第577条。"
)
WORDS = st.lists(
    st.sampled_from([*"张王李付向高兴还款元的在县村路5３〇一十aX·，。：（）　\n", "测试人甲", "13800000000", "某"]),
    max_size=60,
).map("".join)


@dataclass(frozen=True)
class Told:
    """A tagger that says what a test wants."""

    tags: Tags

    def tag(self, sheet: Sheet, debtor: str) -> Tags:
        del debtor
        assert len(sheet.folded) == len(self.tags.chances)
        return self.tags


def told(chances: list[float], rule: str = "person_name", begins: frozenset[int] = frozenset()) -> Told:
    size = len(chances)
    return Told(Tags(tuple(chances), (0.0,) * size, (rule,) * size, tuple(i in begins for i in range(size))))


def marked(text: str, words: str, chance: float, rest: float = 0.0) -> list[float]:
    start = text.index(words)
    return [chance if start <= i < start + len(words) else rest for i in range(len(text))]


def found(text: str, tagger: Told, known: tuple[str, ...] = ()) -> list[str]:
    return [text[f.start : f.end] for f in find(text, DEBTOR, known, tagger=tagger)]


def test_what_only_the_network_knows_is_found_and_masked() -> None:
    text = "摊位在豆腐西施旁边，付清为止。"
    findings = find(text, DEBTOR, tagger=told(marked(text, "豆腐西施", 0.99)))
    assert [(f.rule, text[f.start : f.end], f.confidence) for f in findings] == [("person_name", "豆腐西施", "high")]
    assert "豆腐西施" not in redact(text, findings)


def test_what_it_is_not_sure_of_a_person_must_look_at() -> None:
    text = "摊位在豆腐西施旁边，付清为止。"
    (finding,) = find(text, DEBTOR, tagger=told(marked(text, "豆腐西施", SEEDS["name"])))
    assert finding.confidence == "low"


def test_what_it_says_once_goes_everywhere() -> None:
    text = "摊位在豆腐西施旁边；那天豆腐西施没有来，付清为止。"
    assert found(text, told(marked(text, "豆腐西施", 0.99))) == ["豆腐西施", "豆腐西施"]


def test_two_beside_one_another_are_two() -> None:
    text = "摊位在豆腐西施叽里咕噜旁边，付清为止。"
    start = text.index("豆")
    assert found(text, told(marked(text, "豆腐西施叽里咕噜", 0.99), begins=frozenset({start, start + 4}))) == [
        "豆腐西施",
        "叽里咕噜",
    ]


def test_what_stays_by_rule_stays() -> None:
    everything = told([1.0] * len(TEXT))
    shown = redact(TEXT, find(TEXT, DEBTOR, tagger=everything))
    for stays in ("测试人甲", "2020年1月1日", "5000元", "（2020）豫9901民初1号", "第577条"):
        assert stays in shown


def test_what_the_record_knows_and_what_looks_like_a_number_is_never_doubted() -> None:
    nothing = told([0.0] * len(TEXT))
    assert found(TEXT, nothing, known=("张虚言",)) == ["张虚言", "13800000000"]


def test_without_it_the_rules_alone_decide() -> None:
    assert [TEXT[f.start : f.end] for f in find(TEXT, DEBTOR, tagger=Nobody())] == [
        "张虚言",
        "13800000000",
        "虚构镇假想路5号",
    ]


def test_a_name_of_two_characters_that_both_begin_something_is_one_name() -> None:
    text = "摊位在豆腐旁边，付清为止。"
    start = text.index("豆")
    assert found(text, told(marked(text, "豆腐", 0.95), begins=frozenset({start, start + 1}))) == ["豆腐"]


def test_a_single_character_goes_where_it_is_likely_and_no_number_without_a_figure() -> None:
    text = "摊主姓豆，付清为止。"
    assert found(text, told(marked(text, "豆", 0.9))) == ["豆"]
    assert found(text, told(marked(text, "豆", 0.4))) == []
    assert found(text, told(marked(text, "摊主", 0.9), rule="card")) == []


def both(text: str, *parts: tuple[str, float]) -> list[float]:
    return [max(column) for column in zip(*(marked(text, *part) for part in parts), strict=True)]


def test_the_county_before_an_address_stays_but_no_estate_and_nobody() -> None:
    text = "货在样例县虚构路5号交付。"
    assert found(text, told(both(text, ("样例县", 0.6), ("虚构路5号", 0.99)), rule="address")) == ["虚构路5号"]
    estate = "货在玉石区12排5号干果棚交付。"
    assert found(estate, told(marked(estate, "玉石区12排5号干果棚", 0.97), rule="address")) == ["玉石区12排5号干果棚"]
    nobody = "由豆腐旗3栋2单元401室交付。"
    assert "豆腐旗" in found(nobody, told(both(nobody, ("豆腐旗", 0.99), ("3栋2单元401室", 0.99))))


def test_who_is_short_for_somebody_known_is_not_doubted() -> None:
    text = "向张虚言支付货款，虚言认可，老张也认可。"
    by_rules = [text[f.start : f.end] for f in find(text, DEBTOR, ("张虚言",), tagger=Nobody())]
    assert found(text, told([0.0] * len(text)), known=("张虚言",)) == by_rules
    assert "虚言" in by_rules


def test_nothing_crosses_from_one_text_to_another() -> None:
    fields = {"a": "摊位在豆腐西施", "b": "叽里咕噜旁边，付清为止。"}
    length = sum(map(len, fields.values())) + 3
    findings = find_in_fields(fields, DEBTOR, tagger=told([1.0] * length))
    for name, text in fields.items():
        assert findings[name]
        assert all(0 <= f.start < f.end <= len(text) for f in findings[name])


def test_what_the_rules_began_is_finished_everywhere() -> None:
    text = "偿还原告张虚言字货款，另还张虚言字利息。"
    by_rules = [text[f.start : f.end] for f in find(text, DEBTOR, tagger=Nobody())]
    assert by_rules == ["张虚言", "张虚言"]
    chances = [0.9 if 4 <= i < 8 else 0.2 if 13 <= i < 17 else 0.0 for i in range(len(text))]
    findings = find(text, DEBTOR, tagger=told(chances, begins=frozenset({4})))
    assert [text[f.start : f.end] for f in findings] == ["张虚言字", "张虚言字"]
    assert len({f.replacement for f in findings}) == 1


def test_what_is_likelier_an_amount_stays() -> None:
    text = "交付豆腐七车，付清为止。"
    size = len(text)
    tags = Tags(tuple(marked(text, "七车", 0.4)), tuple(marked(text, "七车", 0.5)), ("card",) * size, (False,) * size)
    assert found(text, Told(tags)) == []


@settings(max_examples=200)
@given(st.data())
def test_whatever_it_says_findings_are_in_order_and_take_nothing_that_stays(data: st.DataObject) -> None:
    text = data.draw(WORDS)
    sheet = read_by_rules(text, DEBTOR)
    many = {"min_size": len(sheet.folded), "max_size": len(sheet.folded)}
    chances = data.draw(st.lists(st.floats(0, 1), **many))
    rules = data.draw(st.lists(st.sampled_from(sorted(RULES.values())), **many))
    begins = data.draw(st.lists(st.booleans(), **many))
    findings = find(text, DEBTOR, tagger=Told(Tags(tuple(chances), (0.0,) * len(chances), tuple(rules), tuple(begins))))
    end = 0
    for finding in findings:
        assert end <= finding.start < finding.end <= len(text)
        end = finding.end
    covered = {i for f in findings for i in range(f.start, f.end)}
    origins = range(len(text)) if sheet.origins is None else sheet.origins
    assert covered.isdisjoint(origins[place] for place, mark in enumerate(sheet.text) if mark == KEPT)
    numbers = {i for s in sheet.taken if s.rule in IDENTIFIER_RULES for i in range(*sheet.place(s))}
    assert numbers <= covered


@settings(max_examples=200)
@given(WORDS)
def test_every_character_of_any_text_is_described(text: str) -> None:
    sheet = read_by_rules(text, DEBTOR)
    columns = describe(sheet, DEBTOR, DICTIONARY)
    assert [len(column) for column in columns] == [len(sheet.folded)] * len(SIZES)
    for column, size in zip(columns, SIZES, strict=True):
        assert all(0 <= value < size for value in column)


@pytest.mark.parametrize("text", ["", " ", "\n", "\0\1", "𠮷", "a" * 5000])
def test_no_text_is_too_odd_for_the_network(text: str) -> None:
    find(text, DEBTOR)


def test_a_file_of_the_network_that_was_damaged_is_not_read_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagger, "DIGEST", "0" * 64)
    with pytest.raises(DetectorDamaged):
        tagger._load.__wrapped__("")
    assert "重新安装" in explain(DetectorDamaged())


def test_reading_leaves_nothing_on_the_machine(tmp_path: Path) -> None:
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    read = "from registry.redaction.tagger import load_model; load_model()"
    environ = {**os.environ, "HOME": str(home), "TMPDIR": str(temporary), "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", read], env=environ, check=True)
    assert not [*home.rglob("*"), *temporary.rglob("*")]


def test_every_rule_is_told_to_the_network() -> None:
    named = set(
        re.findall(r'Named\(\s*"([a-z_]+)"', "".join(p.read_text() for p in Path(tagger.__file__).parent.glob("*.py")))
    )
    assert named <= set(READ)
    assert set(READ) >= IDENTIFIER_RULES
    assert set(RULES.values()) <= set(READ)


@given(st.text("甲。\n", max_size=300), st.integers(1, 40))
def test_a_long_text_is_read_in_parts_that_are_together_the_whole(text: str, longest: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tagger, "_LONGEST", longest)
        parts = list(tagger._windows(text))
    assert "".join(text[start:end] for start, end in parts) == text
    assert all(0 < end - start <= longest for start, end in parts)


def test_articles_are_read_by_the_rules_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        tagger, "load_model", lambda path: pytest.fail("the network was taught on obligations, not on prose")
    )
    review(
        ArticleKind.CASE,
        {"title": "执行", "body": "高温天里，执行人员乘高铁前往。"},
        by_number={},
        by_case={},
        own_words=(),
    )

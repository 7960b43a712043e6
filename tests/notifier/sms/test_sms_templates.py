"""Templates: named gaps of few kinds, and nothing in them that an SMS must not tell a stranger."""

import hashlib
import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.calendar import Period
from notifier.sms.segments import measure
from notifier.sms.templates import (
    Audience,
    FieldKind,
    FieldValue,
    MissingField,
    RefusedField,
    Template,
    UnknownField,
    fill,
    gaps,
    preview,
    write_field,
)
from notifier.sms.texts import TEMPLATES, get_newest, get_template

ALL = list(TEMPLATES.values())
SIGNATURE = "测试市人民法院"
BOTH = pytest.mark.parametrize("links", [True, False])
EACH = pytest.mark.parametrize("template", ALL, ids=lambda t: f"{t.name}-{t.version}")
# What has gone out stays as it is: a word altered here is another version.
FROZEN = {
    ("debtor_risk_notice", 1): "97aeb08c8e328198",
    ("debtor_decision_served", 1): "bd37fb1557aa225b",
    ("debtor_departure_confirmed", 1): "a534a42ad7a35245",
    ("applicant_confirmation_asked", 1): "3f50e999bb48ebc0",
    ("applicant_done", 1): "a7dc31558b2c29ba",
    ("liaison_new_list", 1): "fdef4abc26434186",
    ("liaison_new_list", 2): "13d5dd8b4b1c51d7",
    ("liaison_feedback_due", 1): "2a669ba0bfcaa603",
    ("liaison_answer_overdue", 1): "aa440c5298494265",
    ("subscriber_digest", 1): "27f02941ddfb1d78",
}

HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)
NAMES = st.one_of(
    st.text(HAN, min_size=2, max_size=4),
    st.builds("{}·{}".format, st.text(HAN, min_size=2, max_size=4), st.text(HAN, min_size=2, max_size=4)),
    st.builds("{}有限公司".format, st.text(HAN, min_size=2, max_size=8)),
    st.just("John Smith"),
)
NUMBERS = st.one_of(
    st.from_regex(r"[1-9][0-9]{16}[0-9X]", fullmatch=True),
    st.from_regex(r"[0-9]{15,19}", fullmatch=True),
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
    st.from_regex(r"9[0-9A-Z]{17}", fullmatch=True),
)
AMOUNTS = st.builds(
    "{}{}".format, st.integers(1, 10**9), st.sampled_from(["元", "万元", "圆", ".50元", "RMB", "美元", "元整"])
)
PRIVATE = st.one_of(NAMES, NUMBERS, AMOUNTS)
TEXT_KINDS = st.sampled_from([FieldKind.COURT, FieldKind.CASE_NUMBER, FieldKind.PHONE, FieldKind.WEBSITE])


def examples(template: Template, **changes: FieldValue) -> dict[str, FieldValue]:
    return {**{name: kind.example for name, kind in template.fields.items()}, **changes}


def test_the_set_is_what_the_court_needs() -> None:
    by_audience = {audience: {t.name for t in ALL if t.audience is audience} for audience in Audience}
    assert by_audience == {
        Audience.DEBTOR: {"debtor_risk_notice", "debtor_decision_served", "debtor_departure_confirmed"},
        Audience.APPLICANT: {"applicant_confirmation_asked", "applicant_done"},
        Audience.LIAISON: {"liaison_new_list", "liaison_feedback_due", "liaison_answer_overdue"},
        Audience.SUBSCRIBER: {"subscriber_digest"},
    }
    assert all(template.purpose for template in ALL)


def test_versions_count_from_one_and_the_newest_is_taken() -> None:
    for name in {template.name for template in ALL}:
        versions = sorted(version for known, version in TEMPLATES if known == name)
        assert versions == list(range(1, len(versions) + 1))
        assert get_newest(name) is get_template(name, versions[-1])
    with pytest.raises(KeyError):
        get_newest("none")


@EACH
def test_a_text_that_may_have_gone_out_is_never_altered(template: Template) -> None:
    digest = hashlib.sha256(f"{template.linked}\n{template.plain}".encode()).hexdigest()[:16]
    assert FROZEN[template.name, template.version] == digest


@EACH
@BOTH
def test_it_says_court_case_or_quarter_where_to_look_and_whom_to_call(template: Template, links: bool) -> None:
    wanted = {"court", "phone"} | ({"website"} if links and "website" in template.fields else set())
    if template.audience in (Audience.DEBTOR, Audience.APPLICANT):
        wanted |= {"case_number"}
    elif template.name != "liaison_answer_overdue":
        wanted |= {"period"}
    wording = template.wording(links=links)
    assert wanted <= set(gaps(wording))
    assert set(gaps(wording)) <= set(template.fields)
    # Whoever has no papers of ours is told where to look; a recipient of the list has them.
    assert "website" in template.fields or template.audience is Audience.LIAISON
    assert links or "website" not in template.fields or "本院官方网站" in wording
    # The words themselves tell nothing either, and name no amount, person or account.
    assert not re.search(r"[0-9]|万元|金额|账号|身份证号|姓名|某", wording)


@EACH
def test_the_plain_wording_has_nothing_that_routes_in_the_mainland_refuse(template: Template) -> None:
    message = fill(template, examples(template), signature=SIGNATURE, links=False)
    assert "://" not in message.text
    assert "website" not in message.fields
    assert measure(message.text).segments <= 2
    assert len(message.text) <= 500


@EACH
@BOTH
def test_each_missing_field_is_named(template: Template, links: bool) -> None:
    for name in gaps(template.wording(links=links)):
        values = examples(template)
        del values[name]
        with pytest.raises(MissingField, match=f"字段“{name}”没有给出") as error:
            fill(template, values, signature=SIGNATURE, links=links)
        assert (error.value.template, error.value.field) == (template.name, name)


@EACH
def test_an_unknown_field_is_named(template: Template) -> None:
    with pytest.raises(UnknownField, match="字段“amount”不存在"):
        fill(template, examples(template, amount="120000元"), signature=SIGNATURE, links=False)


@EACH
@BOTH
def test_a_preview_is_what_goes_out_with_its_length_and_cost(template: Template, links: bool) -> None:
    shown = preview(template, signature=SIGNATURE, links=links, price=Decimal("0.05"))
    sent = fill(template, examples(template), signature=SIGNATURE, links=links)
    assert shown.text == sent.text
    assert shown.text.startswith(f"【{SIGNATURE}】")
    assert shown.length == measure(sent.text)
    assert shown.cost == Decimal("0.05") * shown.length.segments
    assert (sent.template, sent.version) == (template.name, template.version)
    assert all(value in sent.text for value in sent.fields.values())


@given(TEXT_KINDS, PRIVATE)
def test_no_gap_takes_a_name_a_number_or_an_amount(kind: FieldKind, private: str) -> None:
    assert write_field(kind, private) is None


@given(TEXT_KINDS, PRIVATE, st.sampled_from(["{}{}", "{1}{0}", "{1} {0}", "{1}（{0}）", "{1}/{0}", "{1}?q={0}"]))
def test_no_gap_takes_one_beside_what_it_holds(kind: FieldKind, private: str, shape: str) -> None:
    own = str(kind.example)
    written = write_field(kind, shape.format(private, own))
    # A court's name may begin with any words; it is still a court's name, and has no digits.
    if kind is FieldKind.COURT and written is not None:
        assert re.fullmatch(r"[\u4e00-\u9fff]+人民法院", written)
    else:
        assert written is None


@given(st.sampled_from(list(FieldKind)), st.one_of(st.text(max_size=60), PRIVATE, st.integers(), st.dates(), st.none()))
def test_whatever_a_gap_takes_has_no_long_number_but_a_telephone(kind: FieldKind, value: object) -> None:
    written = write_field(kind, value)  # type: ignore[arg-type]
    if written is not None and kind is not FieldKind.PHONE:
        assert not re.search(r"[0-9]{7}", written)


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        (FieldKind.CASE_NUMBER, "(2026)测0101执12号", "（2026）测0101执12号"),
        (FieldKind.CASE_NUMBER, "（2026）云0101执恢12号之一", "（2026）云0101执恢12号之一"),
        (FieldKind.CASE_NUMBER, "（2013）召执字第00123号", "（2013）召执字第00123号"),
        (FieldKind.CASE_NUMBER, "（2026）张三欠李四12号", None),
        (FieldKind.CASE_NUMBER, "（2026）云0101执1234567号", None),
        (FieldKind.PHONE, "0871-1234567", "0871-1234567"),
        (FieldKind.PHONE, "12368", "12368"),
        (FieldKind.PHONE, "0871-12368", "0871-12368"),
        (FieldKind.PHONE, "400-000-0000", "400-000-0000"),
        (FieldKind.PHONE, "13800000000", None),
        (FieldKind.WEBSITE, "https://court.example.invalid/", "https://court.example.invalid/"),
        (FieldKind.WEBSITE, "https://court.example.invalid/entries/SX-0000", None),
        (FieldKind.WEBSITE, "https://u:p@court.example.invalid", None),
        (FieldKind.WEBSITE, "https://zhang-san-110101198001010017.example.invalid", None),
        (FieldKind.COURT, "昆明铁路运输中级法院", "昆明铁路运输中级法院"),
        (FieldKind.COURT, "上海海事法院", "上海海事法院"),
        (FieldKind.COURT, "测试市人民法院某某人民法庭", "测试市人民法院某某人民法庭"),
        (FieldKind.COURT, "张三", None),
        (FieldKind.DATE, date(2026, 10, 8), "2026年10月8日"),
        (FieldKind.DATE, datetime(2026, 10, 8, 20, tzinfo=UTC), None),
        (FieldKind.DATE, "2026-10-08", None),
        (FieldKind.PERIOD, Period(2026, 3), "2026年第三季度"),
        (FieldKind.COUNT, 0, "0"),
        (FieldKind.COUNT, 99_999, "99999"),
        (FieldKind.COUNT, 100_000, None),
        (FieldKind.COUNT, -1, None),
        (FieldKind.COUNT, True, None),
        (FieldKind.COUNT, "12", None),
    ],
)
def test_what_each_kind_holds(kind: FieldKind, value: FieldValue, written: str | None) -> None:
    assert write_field(kind, value) == written


def test_a_refused_value_is_not_repeated() -> None:
    template = get_newest("debtor_risk_notice")
    with pytest.raises(RefusedField, match="字段“phone”应为法院电话") as error:
        fill(template, examples(template, phone="13812345678"), signature=SIGNATURE, links=False)
    assert "138" not in str(error.value)


@pytest.mark.parametrize("signature", ["", "法", "【测试市人民法院】", "测试 法院", "法" * 21])
def test_a_signature_is_a_plain_word(signature: str) -> None:
    template = get_newest("liaison_new_list")
    with pytest.raises(ValueError, match="短信签名"):
        fill(template, examples(template), signature=signature, links=False)

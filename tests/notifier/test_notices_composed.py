"""Private SMS: filled from the court's profile and the case, or a reason that names what to set and nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.calendar import Period
from notifier.channels import ShortMessage
from notifier.notices import NotSendable, Ready, Unset, compose, find_gaps
from notifier.sms.templates import FieldValue
from search_index.profile import Profile

PROFILE = Profile(
    court="测试市人民法院",
    telephone="0000-0000000",
    website="https://court.example.invalid",
    signature="测试市人民法院",
)
CASE: dict[str, FieldValue] = {"case_number": "（2026）测0101执12号", "gone_on": date(2026, 11, 18)}
GONE = "debtor_departure_confirmed"
# Invented: the second is of a range kept for examples.
HOME, ABROAD = "13900000000", "+1 201-555-0123"


def test_it_goes_by_the_route_of_its_country_and_says_court_case_and_whom_to_call() -> None:
    here, there = compose(GONE, HOME, CASE, PROFILE), compose(GONE, ABROAD, CASE, PROFILE)
    assert isinstance(here, Ready)
    assert isinstance(there, Ready)
    assert (here.address, here.channel) == ("+8613900000000", "sms_cn")
    assert (there.address, there.channel) == ("+12015550123", "sms")
    for ready in (here, there):
        assert ready.content.text.startswith("【测试市人民法院】测试市人民法院告知：（2026）测0101执12号案")
        assert "2026年11月18日" in ready.content.text
        assert "0000-0000000" in ready.content.text
        assert (ready.content.template, ready.content.version) == (GONE, 1)
    # Routes in the mainland refuse addresses.
    assert "https://" in there.content.text
    assert "https://" not in here.content.text


@pytest.mark.parametrize("key", ["court", "telephone", "signature"])
@pytest.mark.parametrize("value", ["", "x", "（尚未设置）"])
def test_what_the_court_has_not_set_is_named_and_the_notice_waits(key: str, value: str) -> None:
    composed = compose(GONE, HOME, CASE, replace(PROFILE, **{key: value}))
    assert isinstance(composed, Unset)
    assert f"gongshi profile --set {key}=" in composed.reason


def test_the_site_has_to_be_set_only_where_the_text_shows_it() -> None:
    bare = replace(PROFILE, website="")
    assert isinstance(compose(GONE, HOME, CASE, bare), Ready)
    composed = compose(GONE, ABROAD, CASE, bare)
    assert isinstance(composed, Unset)
    assert "gongshi profile --set website=" in composed.reason


def test_all_that_is_missing_is_told_at_once() -> None:
    assert find_gaps(PROFILE) == []
    lines = find_gaps(Profile())
    assert [key for key in ("court", "telephone", "website", "signature") if f"--set {key}=" in "".join(lines)] == [
        "court",
        "telephone",
        "website",
        "signature",
    ]
    assert len(lines) == 4


@pytest.mark.parametrize("phone", [None, "", "  "])
def test_without_a_number_nothing_can_go(phone: str | None) -> None:
    assert compose(GONE, phone, CASE, PROFILE) == NotSendable("没有登记电话号码")


@pytest.mark.parametrize("phone", ["1390000", "010-88888888", "13900000000转8", "电话见卷宗", "15400000001"])
def test_a_number_that_takes_no_sms_is_a_reason_that_does_not_repeat_it(phone: str) -> None:
    composed = compose(GONE, phone, CASE, PROFILE)
    assert isinstance(composed, NotSendable)
    assert composed.reason.startswith("登记的号码不能接收短信：")
    assert phone not in composed.reason


def test_invented_numbers_are_reached_in_training_alone() -> None:
    composed = compose(GONE, "15400000001", CASE, replace(PROFILE, training=True))
    assert isinstance(composed, Ready)
    assert composed.address == "+8615400000001"


def test_a_case_number_that_could_be_anything_stays_out_of_an_sms() -> None:
    composed = compose(GONE, HOME, {**CASE, "case_number": "甲测试欠款案"}, PROFILE)
    assert isinstance(composed, NotSendable)
    assert "案号" in composed.reason
    assert "甲测试" not in composed.reason


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_is_registered_as_a_number_or_a_case_it_is_never_a_traceback(phone: str, case: str) -> None:
    composed = compose(GONE, phone, {**CASE, "case_number": case}, PROFILE)
    if not isinstance(composed, Ready) and len(phone.strip()) > 3:
        assert phone.strip() not in composed.reason


def test_liaisons_are_told_of_a_list_and_of_overdue_answers_without_a_name() -> None:
    new = compose("liaison_new_list", HOME, {"period": Period(2026, 3)}, PROFILE)
    late = compose("liaison_answer_overdue", HOME, {}, PROFILE)
    assert isinstance(new, Ready)
    assert isinstance(late, Ready)
    assert isinstance(late.content, ShortMessage)
    assert "2026年第三季度" in new.content.text
    assert dict(late.content.fields) == {"court": "测试市人民法院", "phone": "0000-0000000"}

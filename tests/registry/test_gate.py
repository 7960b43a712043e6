from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from builders_gate import DEBTOR, NOW, TODAY, citizen, organisation, person, record
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.gate import Withheld, WithholdReason, disclose
from registry.masks import MaskProfile
from registry.policy import Policy, PolicyError, load_policy, packaged_policies
from registry.record import (
    Applicant,
    Conduct,
    Disclosure,
    Facts,
    Gender,
    Performance,
    Record,
    RestrictedGround,
    State,
)
from registry.values import MaskedNumber, OtherNumber
from search_index.document import DisclosedConduct, Document

NATIONAL = load_policy("national")
HENAN = load_policy("henan")
SHANGHAI = timezone(timedelta(hours=8))


def shown(own: Record, policy: Policy = NATIONAL, today: date = TODAY) -> Document:
    outcome = disclose(own, policy, today)
    assert isinstance(outcome, Document), outcome
    return outcome


def reason(own: Record, policy: Policy = NATIONAL, today: date = TODAY) -> WithholdReason:
    outcome = disclose(own, policy, today)
    assert isinstance(outcome, Withheld), outcome
    assert outcome.record_id == own.id
    assert outcome.basis
    return outcome.reason


# What is seen


def test_a_person_is_shown_with_the_fields_of_article_6_and_the_number_masked() -> None:
    own = record(person(obligation="偿还原告样例乙借款50000元，电话13800000000。"), number="SX-M9S346Q5")
    number = citizen().text
    assert shown(own) == Document(
        record="SX-M9S346Q5",
        kind="person",
        name=DEBTOR,
        latin_name=None,
        gender="男",
        age=46,
        id_number=f"{number[:10]}****{number[14:]}",
        uscc=None,
        legal_representative=None,
        court="测试市样例区人民法院",
        region="测试省",
        basis_number="（2025）云9901民初34号",
        basis_issuer="测试市样例区人民法院",
        case_number="（2026）云9901执12号",
        filed_on=date(2026, 1, 5),
        obligation="偿还原告样某借款50000元，电话×××××××××××。",
        performance="全部未履行",
        performed_part=None,
        unperformed_part=None,
        conduct=(DisclosedConduct(code="breaks_property_reporting", text="违反财产报告制度"),),
        published_on=TODAY,
        term_ends_on=date(2028, 6, 30),
        visible_until=datetime(2028, 7, 1, tzinfo=SHANGHAI),
        updated_at=NOW,
    )


def test_an_organisation_is_shown_with_its_code_and_representative_and_nothing_of_a_person() -> None:
    document = shown(record(organisation(id_number=citizen(), gender=Gender.MALE, birth_date=date(1980, 5, 6))))
    assert (document.uscc, document.legal_representative) == (organisation().uscc.text, "钱样例")  # type: ignore[union-attr]
    assert (document.gender, document.age, document.id_number) == (None, None, None)


def test_a_person_has_no_representative_and_no_organisation_code() -> None:
    document = shown(record(person(legal_representative="钱样例", uscc=organisation().uscc)))
    assert (document.legal_representative, document.uscc) == (None, None)


def test_the_latin_spelling_of_a_persons_name_is_shown_beside_it() -> None:
    document = shown(record(person(name="扎西次仁", latin_name="Tashi Tsering")))
    assert (document.name, document.latin_name) == ("扎西次仁", "Tashi Tsering")
    assert shown(record(organisation(latin_name="Tashi Tsering"))).latin_name is None


def test_the_age_is_that_of_first_publication() -> None:
    own = record(person(), published_on=date(2026, 5, 5), state=State.PUBLISHED, number="SX-M9S346Q5")
    document = shown(own, today=date(2027, 1, 1))
    assert (document.age, document.published_on) == (45, date(2026, 5, 5))


def test_an_age_that_is_not_known_is_not_shown() -> None:
    assert shown(record(person(id_number=MaskedNumber("9901011980****0017")))).age is None


def test_conduct_comes_in_the_order_and_with_the_words_of_the_article() -> None:
    given_order = (Conduct.BREAKS_SETTLEMENT, Conduct.REFUSES_THOUGH_ABLE, Conduct.BREAKS_SETTLEMENT)
    document = shown(record(person(conduct=given_order)))
    assert [(c.code, c.text) for c in document.conduct] == [
        ("refuses_though_able", "有履行能力而拒不履行生效法律文书确定义务"),
        ("breaks_settlement", "无正当理由拒不履行执行和解协议"),
    ]


def test_people_named_in_one_text_are_hidden_in_all_and_numbered_alike() -> None:
    document = shown(
        record(
            person(
                obligation="偿还原告样例乙、样例丙借款各5000元",
                performance=Performance.PART,
                performed_part="样例丙已收到3000元",
                unperformed_part="欠样例乙5000元",
            )
        )
    )
    assert document.obligation == "偿还原告样某1、样某2借款各5000元"
    assert document.performed_part == "样某2已收到3000元"
    assert document.unperformed_part == "欠样某1 5000元"


def test_the_strict_mask_is_a_setting() -> None:
    strict = replace(NATIONAL, id_mask=MaskProfile.STRICT)
    assert shown(record(), strict).id_number == f"990101********{citizen().text[-4:]}"


# When nothing is seen


@pytest.mark.parametrize("state", [State.DRAFT, State.HELD, State.WITHDRAWN, State.REMOVED, State.EXPIRED])
def test_only_what_was_approved_and_not_taken_back_is_seen(state: State) -> None:
    assert reason(record(state=state)) is WithholdReason.NOT_APPROVED


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (person(id_number=citizen(date(2008, 8, 4))), WithholdReason.MINOR),
        (person(birth_date=date(2010, 1, 1)), WithholdReason.MINOR),
        (person(id_number=MaskedNumber("9901012015****0017"), birth_date=date(1980, 1, 1)), WithholdReason.MINOR),
        (person(id_number=MaskedNumber("990101********0017")), WithholdReason.AGE_UNKNOWN),
        (person(id_number=OtherNumber("E12345678")), WithholdReason.AGE_UNKNOWN),
        (person(served_on=None), WithholdReason.UNSERVED),
        (person(served_on=TODAY + timedelta(days=1)), WithholdReason.UNSERVED),
        (person(term_ends_on=TODAY - timedelta(days=1)), WithholdReason.TERM_ENDED),
        (person(disclosure=Disclosure.RESTRICTED), WithholdReason.RESTRICTED),
        (person(restricted_ground=RestrictedGround.PRIVACY), WithholdReason.RESTRICTED),
    ],
)
def test_what_may_not_be_seen_is_withheld_with_its_reason(facts: Facts, expected: WithholdReason) -> None:
    assert reason(record(facts)) is expected


def test_a_minor_stays_withheld_when_published_before_and_under_every_policy() -> None:
    own = record(person(id_number=citizen(date(2010, 1, 1))), state=State.PUBLISHED, published_on=date(2026, 8, 1))
    for name in packaged_policies():
        assert reason(own, load_policy(name)) is WithholdReason.MINOR


def test_the_day_somebody_comes_of_age_is_the_first_day() -> None:
    own = record(person(id_number=citizen(date(2008, 8, 4)), decided_on=date(2026, 8, 4), served_on=date(2026, 8, 4)))
    assert reason(own, today=date(2026, 8, 3)) is WithholdReason.MINOR
    assert shown(own, today=date(2026, 8, 4)).age == 18


def test_a_decision_about_a_child_is_not_mended_by_its_birthday() -> None:
    own = record(person(id_number=citizen(date(2008, 8, 4)), decided_on=date(2026, 8, 3), served_on=date(2026, 8, 3)))
    assert reason(own, today=date(2030, 1, 1)) is WithholdReason.MINOR


@pytest.mark.parametrize("ground", RestrictedGround)
@pytest.mark.parametrize("name", packaged_policies())
def test_shipped_policies_withhold_every_restricted_ground(name: str, ground: RestrictedGround) -> None:
    facts = person(disclosure=Disclosure.RESTRICTED, restricted_ground=ground)
    for state in (State.APPROVED, State.RESTRICTED):
        assert reason(record(facts, state=state), load_policy(name)) is WithholdReason.RESTRICTED


# The masked form of a restricted record

MASKED_PROFILE = """
extends = "national"
name = "masked"
version = "test"
[restricted]
privacy = { treatment = "masked", basis = "试验" }
"""


@pytest.fixture
def masked_policy(tmp_path: Path) -> Policy:
    (tmp_path / "masked.toml").write_text(MASKED_PROFILE, encoding="utf-8")
    return load_policy("masked", tmp_path)


def restricted(facts: Facts) -> Record:
    return record(
        replace(facts, disclosure=Disclosure.RESTRICTED, restricted_ground=RestrictedGround.PRIVACY),
        state=State.RESTRICTED,
    )


def test_a_policy_may_show_a_restricted_record_masked(masked_policy: Policy) -> None:
    document = shown(restricted(person(name="张样例", latin_name="Zhang Yangli")), masked_policy)
    assert (document.name, document.court) == ("张某某", "测试市某基层人民法院")
    assert (document.gender, document.age, document.performance) == ("男", 46, "全部未履行")
    hidden: tuple[str, ...] = (
        "latin_name",
        "id_number",
        "uscc",
        "legal_representative",
        "region",
        "basis_number",
        "basis_issuer",
        "case_number",
    )
    hidden += ("filed_on", "obligation", "performed_part", "unperformed_part")
    assert {getattr(document, name) for name in hidden} == {None}
    text = json.dumps(document.as_json(), ensure_ascii=False)
    for private in ("张样例", "样例", "Zhang", citizen().text, "9901", "50000"):
        assert private not in text


def test_a_masked_organisation_keeps_only_its_kind(masked_policy: Policy) -> None:
    document = shown(restricted(organisation(court="测试市中级人民法院")), masked_policy)
    assert (document.name, document.court, document.uscc) == ("某公司", "测试市中级人民法院", None)


@pytest.mark.parametrize(
    ("court", "expected"),
    [
        ("虚构省测试自治州样例市人民法院", "虚构省测试自治州某基层人民法院"),
        ("虚构省样例市人民法院", "虚构省某基层人民法院"),
        ("样例区人民法院", "某基层人民法院"),
        ("虚构省高级人民法院", "虚构省高级人民法院"),
    ],
)
def test_the_masked_form_names_no_court_below_the_city(masked_policy: Policy, court: str, expected: str) -> None:
    assert shown(restricted(person(court=court)), masked_policy).court == expected


def test_only_the_ground_named_by_the_policy_is_shown_masked(masked_policy: Policy) -> None:
    secret = person(disclosure=Disclosure.RESTRICTED, restricted_ground=RestrictedGround.STATE_SECRET)
    assert reason(record(secret), masked_policy) is WithholdReason.RESTRICTED
    assert reason(record(person(disclosure=Disclosure.RESTRICTED)), masked_policy) is WithholdReason.RESTRICTED


def test_a_minor_is_not_even_shown_masked(masked_policy: Policy) -> None:
    young = person(id_number=citizen(date(2012, 1, 1)))
    assert reason(restricted(young), masked_policy) is WithholdReason.MINOR


# How long it is seen


@given(ends=st.dates(date(2026, 1, 1), date(2031, 12, 31)), today=st.dates(date(2026, 7, 8), date(2031, 12, 31)))
def test_an_entry_with_a_term_is_seen_through_its_last_day_and_no_longer(ends: date, today: date) -> None:
    outcome = disclose(record(person(term_ends_on=ends)), NATIONAL, today)
    if today > ends:
        assert isinstance(outcome, Withheld)
        assert outcome.reason is WithholdReason.TERM_ENDED
        return
    assert isinstance(outcome, Document)
    boundary = datetime(ends.year, ends.month, ends.day, tzinfo=SHANGHAI) + timedelta(days=1)
    assert outcome.visible_until == boundary
    assert outcome.is_visible(boundary - timedelta(microseconds=1))
    assert not outcome.is_visible(boundary)


def test_an_entry_without_a_term_has_no_known_end_not_even_in_henan() -> None:
    own = record(person(term_ends_on=None, conduct=(Conduct.REFUSES_THOUGH_ABLE,)))
    assert shown(own, NATIONAL).visible_until is None
    assert shown(own, HENAN).visible_until is None


def test_henan_ends_five_years_after_publication_at_the_latest() -> None:
    own = record(person(term_ends_on=date(2031, 12, 31)), published_on=date(2026, 8, 3))
    assert shown(own, HENAN).visible_until == datetime(2031, 8, 3, tzinfo=SHANGHAI)
    assert shown(own, NATIONAL).visible_until == datetime(2032, 1, 1, tzinfo=SHANGHAI)
    assert reason(own, HENAN, date(2031, 8, 3)) is WithholdReason.TERM_ENDED
    assert shown(own, HENAN, date(2031, 8, 2)).name == DEBTOR


def test_henan_leaves_an_earlier_term_alone() -> None:
    assert shown(record(), HENAN).visible_until == datetime(2028, 7, 1, tzinfo=SHANGHAI)


# The last look


@pytest.mark.parametrize(
    "facts",
    [
        person(name="测试甲13800000000"),
        person(name=f"测试甲{citizen().text}"),
        person(latin_name="Tashi Tsering 13800000000"),
        person(latin_name="Tashi 7"),
        person(latin_name="Tashi ７"),
        person(latin_name="John Example", applicant=Applicant(name="John Example")),
        person(region="测试省 138 0000 0000", phone="13800000000"),
        person(region="测试省９９０１０１８００５０６００１"),
        person(basis_issuer="样例村5组12号公证处", address="样例村5组12号"),
        person(basis_number="虚构厂职工调解书", employer="虚构厂"),
        person(basis_issuer="样例乙仲裁委", applicant=Applicant(name="样例乙")),
        person(obligation="按备注的内容履行：另案处理须保密", note="另案处理须保密"),
        organisation(legal_representative="钱样例13900000000"),
        organisation(name="测试市虚构商贸有限公司（另案处理须保密）", note="另案处理须保密"),
    ],
)
def test_what_would_still_give_something_away_is_withheld_whole(facts: Facts) -> None:
    assert reason(record(facts)) is WithholdReason.LEAK_GUARD


def test_the_reason_names_the_field_and_not_the_value() -> None:
    outcome = disclose(record(person(name="测试甲13800000000")), NATIONAL, TODAY)
    assert isinstance(outcome, Withheld)
    assert "姓名或名称" in outcome.basis
    assert "138" not in outcome.basis
    assert DEBTOR not in outcome.basis


@pytest.mark.parametrize(
    "facts",
    [
        person(applicant=Applicant(name=DEBTOR)),
        person(name="测试甲乙", applicant=Applicant(name="测试甲"), obligation="测试甲乙向测试甲还款"),
        person(employer="测试市样例区人民法院"),
        person(address="测试省"),
        person(employer="无业", note="无", obligation="无业期间借款，暂无财产"),
        organisation(applicant=Applicant(name="钱样例")),
        person(obligation="支付13812345678元"),
    ],
)
def test_a_name_that_is_public_in_its_own_right_stops_nothing(facts: Facts) -> None:
    assert shown(record(facts)).name == facts.name


def test_a_namesake_inside_the_debtors_name_is_hidden_and_the_debtor_is_not() -> None:
    facts = person(name="测试甲乙", applicant=Applicant(name="测试甲"), obligation="测试甲乙向测试甲还款1000元")
    assert shown(record(facts)).obligation == "测试甲乙向测某还款1000元"


CANARY = st.integers(10**7, 10**8 - 1)
TEXTS = st.sampled_from(
    [
        "偿还{applicant}借款本金50000元及利息，联系电话{phone}。",
        "测试甲于2026年5月1日前向申请执行人{applicant}付清12,345.67元，住{address}，身份证号{number}",
        "向{employer}支付货款3万元，账号{card}；{applicant}放弃其他请求。",
        "{applicant}、{employer}与测试甲达成和解。电话：{phone}\n身份证{number}\n{address}",
    ]
)


@st.composite
def records(draw: st.DrawFn) -> tuple[Record, list[str]]:
    """A record with a canary in every private field, and the canaries."""
    canary = draw(CANARY)
    number = citizen(draw(st.dates(date(1940, 1, 1), date(2000, 1, 1))), draw(st.integers(0, 999)))
    values = {
        "applicant": draw(st.sampled_from(["样例乙", "欧阳样例", "扎西·样例", "虚构乙贸易有限公司", "样例丙丁"])),
        "employer": draw(st.sampled_from(["虚构甲机械厂", "测试县虚构小学", "虚构丙有限责任公司"])),
        "phone": f"139{canary}",
        "address": f"测试市样例区虚构路{canary}号",
        "number": number.text,
        "card": f"62{canary}{canary}",
    }
    facts = person(
        latin_name=draw(st.none() | st.just("Ceshi Jia")),
        id_number=number,
        gender=Gender(number.gender),
        obligation=draw(TEXTS).format(**values),
        performed_part=draw(st.none() | TEXTS.map(lambda text: text.format(**values))),
        unperformed_part=draw(st.none() | TEXTS.map(lambda text: text.format(**values))),
        employer=values["employer"],
        phone=values["phone"],
        address=values["address"],
        applicant=Applicant(name=values["applicant"], phone=f"138{canary}"),
        note=f"内部备注{canary}",
        national_reference=f"N{canary}",
        decision_number=f"决{canary}",
    )
    own = record(facts, state=draw(st.sampled_from([State.APPROVED, State.PUBLISHED])))
    private = [*values.values(), f"138{canary}", f"内部备注{canary}", str(canary), facts.decision_number or ""]
    return own, private


@settings(max_examples=150, deadline=None)
@given(records(), st.sampled_from(packaged_policies()), st.sampled_from(MaskProfile))
def test_no_private_value_is_in_any_document(
    made: tuple[Record, list[str]], policy_name: str, mask: MaskProfile
) -> None:
    own, private = made
    policy = replace(load_policy(policy_name), id_mask=mask)
    document = shown(own, policy)
    text = json.dumps(document.as_json(), ensure_ascii=False)
    assert [value for value in private if value in text] == []
    assert disclose(own, policy, TODAY) == document


@settings(max_examples=100, deadline=None)
@given(records(), st.sets(st.sampled_from([f.name for f in fields(Document)])))
def test_a_field_without_a_rule_is_never_shown(made: tuple[Record, list[str]], ruled: set[str]) -> None:
    policy = replace(NATIONAL, fields={name: rule for name, rule in NATIONAL.fields.items() if name in ruled})
    outcome = disclose(made[0], policy, TODAY)
    required = {"record", "kind", "name", "court", "performance", "conduct", "published_on", "updated_at"}
    if not required | {"visible_until"} <= ruled:
        assert isinstance(outcome, Withheld)
        assert outcome.reason is WithholdReason.NO_RULE
        return
    assert isinstance(outcome, Document)
    assert {name for name, value in outcome.as_json().items() if value is not None} <= ruled


# Policies


def test_every_field_of_the_document_has_a_rule_with_its_article() -> None:
    for name in packaged_policies():
        policy = load_policy(name)
        assert set(policy.fields) == {f.name for f in fields(Document)}
        assert all("第" in rule.basis for rule in policy.fields.values())


def test_local_policies_stand_on_the_national_one() -> None:
    assert packaged_policies() == ("henan", "national", "yunnan")
    assert HENAN.fields == NATIONAL.fields
    assert HENAN.display is not None
    assert HENAN.display.max_years == 5
    assert NATIONAL.display is None
    assert [load_policy(name).deadlines for name in packaged_policies()] == ["henan", "national", "yunnan"]


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('[fields]\nid_number = { treatment = "show", basis = "x" }', "fields.id_number.treatment"),
        ('[fields]\nobligation = { treatment = "show", basis = "x" }', "fields.obligation.treatment"),
        ('[fields]\nphone = { treatment = "show", basis = "x" }', "fields.phone"),
        ('[fields]\nname = { treatment = "show" }', "fields.name.basis"),
        ('[fields]\nname = { treatment = "show", basis = "x", why = 1 }', "fields.name.why"),
        ('[fields]\nname = "show"', "fields.name"),
        ('[restricted]\nprivacy = { treatment = "show", basis = "x" }', "restricted.privacy.treatment"),
        ('[restricted]\nshame = { treatment = "withhold", basis = "x" }', "restricted.shame"),
        ('[term]\nyears = 5\nextension_years = 3\nbasis = "x"', "term"),
        ('[term]\nyears = true\nextension_years = 3\nbasis = "x"', "term.years"),
        ('[display]\nmax_years = -1\nbasis = "x"', "display.max_years"),
        ('id_mask = "none"', "id_mask"),
        ('require_national_reference = "no"', "require_national_reference"),
        ("colour = 1", "colour"),
        ('extends = "broken"', "extends"),
        ("extends", "TOML"),
    ],
)
def test_a_profile_that_is_wrong_is_refused_by_file_and_key(tmp_path: Path, line: str, key: str) -> None:
    extends = "" if "extends" in line else 'extends = "national"\n'
    text = f'{extends}name = "broken"\nversion = "1"\n{line}\n'
    (tmp_path / "broken.toml").write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        load_policy("broken", tmp_path)
    assert "broken.toml" in str(caught.value)
    assert key in str(caught.value)


def test_a_profile_whose_name_is_not_its_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('extends = "national"\nname = "yours"\nversion = "1"', encoding="utf-8")
    with pytest.raises(PolicyError, match=r"mine\.toml 的 name"):
        load_policy("mine", tmp_path)


@pytest.mark.parametrize("name", ["", "../national", "没有", "none"])
def test_a_profile_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(PolicyError):
        load_policy(name)


def test_a_profile_may_take_a_field_away(tmp_path: Path) -> None:
    text = (
        'extends = "national"\nname = "less"\nversion = "1"\n[fields]\ngender = { treatment = "withhold", basis = "x" }'
    )
    (tmp_path / "less.toml").write_text(text, encoding="utf-8")
    document = shown(record(), load_policy("less", tmp_path))
    assert (document.gender, document.name) == (None, DEBTOR)


@pytest.mark.parametrize("representative", ["王伟", "王伟国"])
def test_a_representative_may_share_the_name_of_the_applicant(representative: str) -> None:
    facts = organisation(legal_representative=representative, applicant=Applicant(name="王伟"))
    document = shown(record(facts))
    assert document.legal_representative == representative

"""是不是我: what is compared, what is answered, and that nothing typed comes back."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from portal_world import PERSON, PROFILE, World
from structlog.testing import capture_logs

from portal.check import MASKS, BadClaim, Claim, Verdict, judge, read_claim
from search_index.document import Document

FORM = {"name": "扎西·测试", "head": "9901011980", "tail": "0017"}


def ask(client: FlaskClient, **changes: str):
    return client.post("/check", data={**FORM, **changes})


def test_nobody_of_that_name(client: FlaskClient) -> None:
    assert "名单中没有这个姓名" in ask(client).text


def test_agreeing_digits_leave_the_answer_to_the_court(world: World, client: FlaskClient) -> None:
    (document,) = world.publish(PERSON)
    answer = ask(client)
    assert "公开的信息与您一致" in answer.text
    assert "只有法院能够答复" in answer.text
    assert f"/entries/{document.record}" in answer.text
    assert "/rights" in answer.text
    assert PROFILE.telephone in answer.text


@pytest.mark.parametrize("changes", [{"head": "9901011981"}, {"tail": "0018"}, {"tail": "001X"}])
def test_other_digits_exclude(world: World, client: FlaskClient, changes: dict[str, str]) -> None:
    (document,) = world.publish(PERSON)
    answer = ask(client, **changes)
    assert "可以排除是您" in answer.text
    assert document.record not in answer.text


@pytest.mark.parametrize("number", [None, "99010119****017", "E1****89", "**************0017"])
def test_a_number_that_is_not_shown_cannot_exclude(world: World, client: FlaskClient, number: str | None) -> None:
    world.publish(replace(PERSON, id_number=number))
    answer = ask(client)
    assert "不能排除" in answer.text
    assert "可以排除是您" not in answer.text


def test_each_entry_of_the_name_is_judged_for_itself(world: World, client: FlaskClient) -> None:
    same, other, hidden = world.publish(
        PERSON, replace(PERSON, id_number="9901011999****0017"), replace(PERSON, id_number=None)
    )
    text = ask(client).text
    assert "公开的信息与您一致" in text
    assert same.record in text
    assert hidden.record in text
    assert other.record not in text
    assert "其余 1 条同名信息的号码位与您填写的不同" in text


def test_more_entries_than_one_reading_are_all_compared(world: World, client: FlaskClient) -> None:
    others = [replace(PERSON, id_number=f"9901011980****{n:04d}") for n in range(1000, 1120)]
    last = replace(PERSON, published_on=PERSON.published_on.replace(year=2020))
    world.publish(*others, last)
    assert "公开的信息与您一致" in ask(client).text


def test_a_company_of_the_name_is_not_a_person(world: World, client: FlaskClient) -> None:
    world.publish(replace(PERSON, kind="organisation", id_number=None))
    assert "名单中没有这个姓名" in ask(client).text


def test_the_form_asks_for_the_digits_that_the_court_publishes(world: World, client: FlaskClient) -> None:
    assert "前 10 位" in client.get("/check").text
    world.set_profile(replace(PROFILE, id_mask="strict"))
    assert "前 6 位" in client.get("/check").text
    world.publish(replace(PERSON, id_number="990101********0017"))
    assert "公开的信息与您一致" in ask(client, head="990101").text
    assert ask(client).status_code == 400


def test_digits_in_other_forms_are_understood(world: World, client: FlaskClient) -> None:
    world.publish(replace(PERSON, id_number="9901011980****001X"))
    assert "公开的信息与您一致" in ask(client, head="９９０１０１ 1980", tail="001x").text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": ""}, "请填写姓名"),
        ({"name": "长" * 65}, "最多 64 个字"),
        ({"name": "扎西990101"}, "不要填写号码"),
        ({"head": ""}, "前 10 位"),
        ({"head": "990101198"}, "位数不多不少"),
        ({"head": "990101198A"}, "位数不多不少"),
        ({"head": "990101198001010014"}, "不要填写完整的公民身份号码"),
        ({"tail": "990101198001010014"}, "不要填写完整的公民身份号码"),
        ({"head": "990101800101001"}, "不要填写完整的公民身份号码"),
        ({"tail": "X017"}, "后 4 位"),
        ({"tail": "00"}, "后 4 位"),
    ],
)
def test_a_form_that_cannot_be_used_is_refused_by_field(
    client: FlaskClient, changes: dict[str, str], reason: str
) -> None:
    answer = ask(client, **changes)
    assert answer.status_code == 400
    assert reason in answer.text
    assert not [value for value in {**FORM, **changes}.values() if len(value) > 3 and value in answer.text]


@pytest.mark.parametrize("body", ["name=a&name=b&head=1&tail=2", "name=a&head=1&tail=2&secret=zzzz", "zzzz=1"])
def test_other_fields_are_refused_and_not_repeated(client: FlaskClient, body: str) -> None:
    answer = client.post("/check", data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400
    assert "zzzz" not in answer.text


def test_the_answer_is_kept_by_nobody(world: World, client: FlaskClient) -> None:
    world.publish(PERSON)
    answer = ask(client)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers


def test_a_body_beyond_every_form_is_refused(client: FlaskClient) -> None:
    assert ask(client, name="长" * 20_000).status_code == 413


HAN = st.characters(min_codepoint=0x3400, max_codepoint=0x9FFF)
RARE = st.characters(min_codepoint=0x20000, max_codepoint=0x2A6DF)
# The last character stands nowhere in the words of the page itself, as the name could by chance.
NAMES = st.text(st.one_of(HAN, RARE), max_size=12).map(lambda name: f"{name}𪚥")
HEADS = st.from_regex(r"9[0-9]{9}", fullmatch=True)
TAILS = st.from_regex(r"[0-9]{3}[0-9X]", fullmatch=True)


@settings(deadline=None, max_examples=60)
@given(name=NAMES, head=HEADS, tail=TAILS, published=st.sampled_from(["same", "other", "hidden", "nobody"]))
def test_nothing_typed_is_in_the_answer_or_the_log(
    shared_world: World, name: str, head: str, tail: str, published: str
) -> None:
    number = {"same": f"{head}****{tail}", "other": "1234567890****1234", "hidden": None}.get(published)
    documents: list[Document] = []
    if published != "nobody":
        documents = shared_world.publish(replace(PERSON, name=name, id_number=number))
    with capture_logs() as lines:
        answer = client_of(shared_world).post("/check", data={"name": name, "head": head, "tail": tail})
    for document in documents:
        shared_world.withdraw(document.record)
    # A tail alone may stand in a date or a record number; together with what goes before it, it may not.
    everything = answer.text + str(answer.headers) + str(lines)
    assert answer.status_code == 200
    assert name not in everything
    assert head not in everything
    assert f"****{tail}" not in everything
    assert all(set(line) <= {"method", "rule", "status", "ms", "event", "log_level"} for line in lines)


@pytest.fixture(scope="module")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("check") / "public", is_indexed=False)


@cache
def client_of(world: World) -> FlaskClient:
    return world.client()


@given(head=HEADS, tail=TAILS, middle=st.from_regex(r"[0-9]{4}", fullmatch=True))
def test_a_person_always_agrees_with_its_own_entry(head: str, tail: str, middle: str) -> None:
    for mask in MASKS.values():
        whole = f"{head}{middle}{tail}"
        claim = read_claim("测试", whole[: mask.head], whole[-mask.tail :], mask)
        for other in MASKS.values():
            stars = "*" * (18 - other.head - other.tail)
            assert judge(claim, whole[: other.head] + stars + whole[-other.tail :]) is Verdict.AGREES


@given(head=HEADS, tail=TAILS, at=st.integers(0, 13))
def test_any_public_digit_that_differs_excludes(head: str, tail: str, at: int) -> None:
    typed = f"{head}{tail}"
    other = "5" if typed[at] != "5" else "6"
    changed = typed[:at] + other + typed[at + 1 :]
    claim = Claim(name="测试", head=changed[:10], tail=changed[10:])
    assert judge(claim, f"{head}****{tail}") is Verdict.DIFFERS


@given(name=st.text(max_size=80), head=st.text(max_size=30), tail=st.text(max_size=30))
def test_a_refusal_never_repeats_what_was_typed(name: str, head: str, tail: str) -> None:
    typed = [value.strip() for value in (name, head, tail) if len(value.strip()) > 3]
    try:
        claim = read_claim(name, head, tail, MASKS["national"])
    except BadClaim as error:
        said = "".join(error.reasons.values())
        assert not [value for value in typed if value in said]
    else:
        assert repr(claim) == "Claim()"

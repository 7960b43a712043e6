"""Articles for the portal: two persons, nothing that is not public, and gone when an entry they name goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from builders_gate import organisation, person
from entries import a_person, an_organisation, with_term
from homes import Home
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from gongshi.court import Court
from registry.article_review import ArticleKind, Named, list_cases, list_numbers, review
from registry.articles import (
    ArticleRefused,
    ArticleState,
    Text,
    agree_article,
    edit_article,
    get_article,
    withdraw_article,
    write_article,
)
from registry.exit_notices import clarify
from registry.tables import ArticleRow, JournalRow, RecordRow
from search_index.profile import Profile

BASIS = ("--basis", "（2025）测0101执1号结案通知书", "--arose", "2026-11-18", "--known", "2026-11-18")
PLAIN = Text(kind=ArticleKind.CASE, title="隐匿财产被罚款", body="被执行人转移财产，被处以罚款，后履行完毕。")


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what is asked here is not asked of the database."""
    return {}


@pytest.fixture
def court(home: Home) -> Iterator[Court]:
    made = home.court
    yield made
    made.close()


def number_of(court: Court, serial: int) -> str:
    case = a_person(serial)["case_number"]
    with court.reading() as session:
        rows = session.scalars(select(RecordRow).where(RecordRow.number.is_not(None)))
        return next(row.number or "" for row in rows if row.facts["case_number"] == case)


def write(court: Court, text: Text, actor: str = "clerk") -> int:
    with court.session() as session:
        return write_article(session, court.vault, text, court.acting(actor)).id


def agree(court: Court, article: int, actor: str = "reviewer", *, read: bool = False) -> None:
    def decide(session):  # type: ignore[no-untyped-def]
        agree_article(session, court.vault, get_article(session, article), court.acting(actor), read=read)
        return ()

    court.amend(decide)


def shown(court: Court) -> dict[str, dict[str, object]]:
    """The articles that the portal has."""
    with court.store.snapshot(court.now) as snapshot:
        return {key: dict(body) for key, _, body in snapshot.subjects("article", limit=100)}


# Two persons, and what becomes public


def test_an_article_is_published_by_another_than_who_wrote_it(court: Court) -> None:
    article = write(court, PLAIN)
    assert shown(court) == {}
    with pytest.raises(ArticleRefused, match="须由另一人审核"):
        agree(court, article, "clerk")
    agree(court, article)
    body = shown(court)[str(article)]
    assert (body["kind"], body["title"], body["text"]) == ("case", PLAIN.title, PLAIN.body)
    assert (body["published_on"], body["visible_until"], body["records"]) == ("2026-11-18", None, [])


def test_whoever_changed_a_draft_last_is_its_writer(court: Court) -> None:
    article = write(court, PLAIN)
    with court.session() as session:
        row = get_article(session, article)
        edit_article(session, court.vault, row, replace(PLAIN, title="另一标题"), court.acting("reviewer"))
    with pytest.raises(ArticleRefused, match="须由另一人审核"):
        agree(court, article, "reviewer")
    agree(court, article, "second")
    with pytest.raises(ArticleRefused, match="已公布，不能修改"), court.session() as session:
        edit_article(session, court.vault, get_article(session, article), PLAIN, court.acting("clerk"))


@pytest.mark.parametrize("at_once", [True, False])
def test_whoever_wrote_any_of_a_draft_does_not_agree_to_it(court: Court, at_once: bool) -> None:
    """Also where somebody else has changed a sign of it since, and whether that was in one transaction or in two."""
    if at_once:
        with court.session() as session:
            row = write_article(session, court.vault, PLAIN, court.acting("reviewer"))
            edit_article(session, court.vault, row, replace(PLAIN, title="隐匿财产受罚"), court.acting("clerk"))
            with pytest.raises(ArticleRefused, match="须由另一人审核"):
                agree_article(session, court.vault, row, court.acting("reviewer"), read=True)
            article = row.id
    else:
        article = write(court, PLAIN, "reviewer")
        with court.session() as session:
            row = get_article(session, article)
            edit_article(session, court.vault, row, replace(PLAIN, title="隐匿财产受罚"), court.acting("clerk"))
    other = write(court, replace(PLAIN, title="拒不申报财产受罚"), "second")
    for writer in ("reviewer", "clerk"):
        with pytest.raises(ArticleRefused, match="须由另一人审核"):
            agree(court, article, writer)
    assert shown(court) == {}
    agree(court, article, "second")
    # What somebody wrote of another article does not count.
    agree(court, other, "reviewer")
    assert set(shown(court)) == {str(article), str(other)}


def test_one_person_takes_it_down_at_once_and_its_words_leave_the_journal(court: Court) -> None:
    article = write(court, PLAIN)
    agree(court, article)

    def decide(session):  # type: ignore[no-untyped-def]
        withdraw_article(session, get_article(session, article), "事实需要核对", court.acting("second"))
        return ()

    court.amend(decide)
    assert shown(court) == {}
    with court.reading() as session:
        bodies = session.scalars(select(JournalRow.body).where(JournalRow.subject == "article"))
        assert list(bodies) == [None, None]


def test_it_is_shown_to_the_end_of_its_last_day(home: Home, court: Court) -> None:
    article = write(court, replace(PLAIN, visible_until=date(2026, 11, 20)))
    agree(court, article)
    home.clock.advance(days=2, hours=13)
    assert str(article) in shown(court)
    home.clock.advance(hours=1)
    assert shown(court) == {}


# What may be written


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        (ArticleKind.CASE, "被执行人张三丰转移财产，被拘留。", "必须遮盖"),
        (ArticleKind.CASE, "举报人住测试市测试区秘密路1号。", "必须遮盖"),
        (ArticleKind.REWARD, "有线索请联系13912345678。", "必须遮盖"),
        (ArticleKind.CASE, "被执行人 SX-00000000 转移财产。", None),
        (ArticleKind.SANCTIONS, "（2025）测0101执1号一案被限制购票。", "只公布汇总数字"),
        (ArticleKind.EXIT, "已删除。", "由系统"),
        (ArticleKind.CASE, "  ", "请填写正文"),
        (ArticleKind.CASE, "字" * 5001, "不超过5000个字"),
        (ArticleKind.CASE, "罚款\x07", "不能识别"),
    ],
)
def test_what_must_not_be_shown_is_refused_and_not_even_kept(
    court: Court, kind: ArticleKind, body: str, said: str | None
) -> None:
    text = Text(kind=kind, title="标题", body=body)
    if said is None:
        assert list_numbers(body) == []
        write(court, text)
        return
    with pytest.raises(ArticleRefused, match=said):
        write(court, text)
    with court.reading() as session:
        assert list(session.scalars(select(ArticleRow))) == []


def test_what_was_found_can_be_redacted_and_is_then_kept(court: Court) -> None:
    text = Text(kind=ArticleKind.CASE, title="被执行人张三丰被拘留", body="张三丰住测试市测试区秘密路1号。")
    with pytest.raises(ArticleRefused) as refused:
        write(court, text)
    found = refused.value.review
    assert found is not None
    redacted = replace(text, title=found.redacted["title"], body=found.redacted["text"])
    assert "三丰" not in redacted.title + redacted.body
    assert "秘密路" not in redacted.body
    write(court, redacted)


def test_what_is_doubtful_must_have_been_read(court: Court) -> None:
    article = write(court, Text(kind=ArticleKind.SANCTIONS, title="第三季度", body="共限制12人购票、3家企业投标。"))
    with pytest.raises(ArticleRefused, match="逐条看过"):
        agree(court, article)
    agree(court, article, read=True)


def test_the_courts_own_telephone_may_be_named(home: Home, court: Court) -> None:
    court.set_profile(Profile(court="测试市人民法院", telephone="0990-1234567"), "gongshi")
    write(court, Text(kind=ArticleKind.REWARD, title="悬赏公告", body="请拨打测试市人民法院电话0990-1234567提供线索。"))


# Who may be named


def test_a_name_may_stand_only_beside_the_number_of_an_entry_that_is_public(home: Home, court: Court) -> None:
    home.publish(an_organisation(1))
    number = number_of(court, 1)
    with pytest.raises(ArticleRefused, match="必须遮盖"):
        write(court, replace(PLAIN, body="测试市甲商贸有限公司转移财产。"))
    article = write(court, replace(PLAIN, body=f"测试市甲商贸有限公司（{number}）转移财产。"))
    agree(court, article)
    assert shown(court)[str(article)]["records"] == [number]


def restricted(serial: int, name: str) -> dict[str, object]:
    return a_person(serial, name=name, disclosure="restricted", restricted_ground="privacy")


def test_nobody_who_is_not_public_is_named_whatever_stands_around_the_name(home: Home, court: Court) -> None:
    hidden = {"disclosure": "restricted", "restricted_ground": "privacy"}
    home.publish(
        restricted(1, "王测试"),
        restricted(2, "艾尔肯·买买提江·吐尔逊"),
        restricted(3, "诸葛测"),
        restricted(4, "John Smith"),
        an_organisation(5, name="测试市乙商贸有限公司", **hidden),
    )
    for words in (
        "王测试长期拒不履行，被列入名单。",
        "本院对王测试采取拘留措施，其后履行完毕。",
        "对老赖王 测·試予以曝光。",
        "对老赖王-测-试予以曝光。",
        "对老赖王、测、试予以曝光。",
        "测试市乙商贸(有限)公司被本院罚款。",
        "艾尔肯·买买提江·吐尔逊被本院罚款。",
        "被本院罚款的还有诸葛测。",
        "JOHN  Smith被本院罚款。",
    ):
        for text in (replace(PLAIN, body=words), replace(PLAIN, title=words)):
            with pytest.raises(ArticleRefused, match="必须遮盖") as refused:
                write(court, text)
            found = refused.value.review
            assert found is not None
            write(court, replace(text, title=found.redacted["title"], body=found.redacted["text"]))


@pytest.mark.parametrize("leaves", [False, True])
def test_a_draft_or_a_departed_name_is_refused_and_a_public_one_needs_its_number(
    home: Home, court: Court, leaves: bool
) -> None:
    home.publish(a_person(1, name="王测试"))
    number = number_of(court, 1)
    if leaves:
        home.run("remove", number, "--ground", "performed", *BASIS, "--as", "reviewer")
    else:
        write(court, replace(PLAIN, body=f"王测试（{number}）长期拒不履行。"))
    with pytest.raises(ArticleRefused, match="必须遮盖"):
        write(court, replace(PLAIN, body="王测试长期拒不履行。"))


def test_a_name_that_may_be_a_word_is_looked_at_by_the_second_person(home: Home, court: Court) -> None:
    home.publish(restricted(1, "高峰"), restricted(2, "于明"), restricted(3, "王测"), restricted(4, "LI"))
    article = write(court, replace(PLAIN, body="关于明确早高峰执行的public公告。"))
    with pytest.raises(ArticleRefused, match="逐条看过"):
        agree(court, article)
    agree(court, article, read=True)
    with pytest.raises(ArticleRefused, match="必须遮盖"):
        write(court, replace(PLAIN, body="本院决定，王测长期拒不履行。"))


def test_a_name_over_the_end_of_a_clause_is_only_doubtful(home: Home, court: Court) -> None:
    home.publish(restricted(1, "王测试"), restricted(2, "李明"))
    doubtful = write(court, replace(PLAIN, body="罚款、拘留，称王，测试合格。"))
    with pytest.raises(ArticleRefused, match="逐条看过"):
        agree(court, doubtful)
    agree(court, write(court, replace(PLAIN, body="桃李，明日公布。")))


def test_an_article_goes_with_whom_it_names_though_listed_later(home: Home, court: Court) -> None:
    first = write(court, replace(PLAIN, body="王测试长期拒不履行，被本院罚款。"))
    agree(court, first)
    home.publish(a_person(1, name="王测试"), a_person(2, name="王测试"))
    other = write(court, replace(PLAIN, body=f"王测试（{number_of(court, 2)}）长期拒不履行。"))
    agree(court, other)
    home.run("remove", number_of(court, 1), "--ground", "performed", *BASIS, "--as", "reviewer")
    assert set(shown(court)) == {str(other)}


@pytest.mark.parametrize("secret", ["秘密单位1厂", "乙申请", "13800000001", "秘密路1号"])
def test_a_private_value_of_the_entry_that_is_named_is_refused(home: Home, court: Court, secret: str) -> None:
    home.publish(an_organisation(1))
    with pytest.raises(ArticleRefused, match=r"不得公布的内容|必须遮盖"):
        write(court, replace(PLAIN, body=f"测试市甲商贸有限公司（{number_of(court, 1)}）与{secret}有关。"))


def test_a_case_whose_record_is_not_public_is_not_written_about(home: Home, court: Court) -> None:
    home.publish(a_person(1, disclosure="restricted", restricted_ground="privacy"), a_person(2))
    with pytest.raises(ArticleRefused, match="现在没有公布"):
        write(court, replace(PLAIN, body=f"{a_person(1)['case_number']}一案被执行人转移财产。"))
    write(court, replace(PLAIN, body=f"{a_person(2)['case_number']}一案被执行人转移财产。"))


@pytest.mark.parametrize(("action", "named"), [("hold", "number"), ("remove", "case"), ("withdraw", "number")])
def test_an_article_goes_with_the_entry_that_it_names(home: Home, court: Court, named: str, action: str) -> None:
    home.publish(a_person(1), a_person(2))
    number = number_of(court, 1)
    words = number if named == "number" else a_person(1)["case_number"]
    first = write(court, replace(PLAIN, body=f"被执行人（{words}）转移财产。"))
    other = write(court, replace(PLAIN, body=f"被执行人（{number_of(court, 2)}）转移财产。"))
    agree(court, first)
    agree(court, other)
    ground = {"hold": (), "remove": ("--ground", "performed"), "withdraw": ("--ground", "wrongly_listed")}[action]
    said = home.run(action, number, *ground, *BASIS, "--as", "reviewer")
    assert said.code == 0, said.out + said.err
    assert [key for key, body in shown(court).items() if body["kind"] == "case"] == [str(other)]
    with court.reading() as session:
        assert get_article(session, first).state == ArticleState.WITHDRAWN


def test_an_article_is_not_shown_longer_than_the_entry_that_it_names(home: Home, court: Court) -> None:
    home.publish(with_term(a_person(1), "2026-12-01"))
    article = write(court, replace(PLAIN, body=f"被执行人（{number_of(court, 1)}）。", visible_until=date(2027, 6, 1)))
    agree(court, article)
    assert str(shown(court)[str(article)]["visible_until"]).startswith("2026-12-02T00:00")


def test_an_entry_that_went_between_writing_and_agreeing_is_not_named(home: Home, court: Court) -> None:
    home.publish(a_person(1))
    article = write(court, replace(PLAIN, body=f"被执行人（{number_of(court, 1)}）转移财产。"))
    home.run("hold", number_of(court, 1), *BASIS, "--as", "reviewer")
    with pytest.raises(ArticleRefused, match="现在没有公布"):
        agree(court, article)


# Numbers in a text

_WRITTEN = st.sampled_from(
    ["SX-M9S346Q5", "sx-m9s346q5", "ＳＸ－Ｍ９Ｓ３４６Ｑ５", "SX M9S346Q5", "SX–M9S346Q5", "SXM9S346Q5"]
)


@given(
    _WRITTEN, st.text(st.sampled_from("甲乙，。（）\n"), max_size=9), st.text(st.sampled_from("甲乙，。）"), max_size=9)
)
def test_a_number_is_seen_however_it_is_written(number: str, before: str, after: str) -> None:
    assert list_numbers(before + number + after) == ["SX-M9S346Q5"]


def test_case_numbers_are_seen_in_every_bracket() -> None:
    words = "（2025）测0101执1号、(2025)测0101执2号和〔2013〕测执字第00123号"
    assert len(list_cases(words)) >= 2


@given(st.booleans(), st.sampled_from([person(), organisation()]))
def test_a_name_is_kept_exactly_where_its_entry_is_public(is_public: bool, facts) -> None:  # type: ignore[no-untyped-def]
    facts = replace(facts, name="张三丰" if facts.kind == "person" else facts.name)
    named = Named(facts=facts, number="SX-M9S346Q5", is_public=is_public, visible_until=None)
    texts = {"title": "案例", "text": f"被执行人{facts.name}（SX-M9S346Q5）转移财产，被法院罚款。"}
    found = review(ArticleKind.CASE, texts, by_number={"SX-M9S346Q5": named}, by_case={}, own_words=())
    assert bool(found.refusals) is not is_public
    assert (facts.name in found.redacted["text"]) is is_public


# Exit notices and clarifications


@pytest.fixture
def henan(court: Court) -> Court:
    court.set_profile(Profile(court="测试市人民法院", policy="henan"), "gongshi")
    return court


def leave(home: Home, serial: int, command: str, ground: str) -> None:
    said = home.run(command, a_person(serial)["case_number"], "--ground", ground, *BASIS, "--as", "reviewer")
    assert said.code == 0, said.out + said.err


def notices(court: Court) -> list[str]:
    return [str(body["text"]) for body in shown(court).values() if body["kind"] in ("exit", "clarification")]


def test_an_exit_is_told_by_case_and_masked_name_for_thirty_days(home: Home, henan: Court) -> None:
    shop = an_organisation(3, name="李测试小吃铺（个体工商户）")
    home.publish(a_person(1, name="张测试"), an_organisation(2), shop)
    for serial in (1, 2, 3):
        leave(home, serial, "remove", "performed")
    words = notices(henan)
    for serial, shown_as in ((1, "张某"), (2, "某公司"), (3, "某单位")):
        assert f"被执行人{shown_as}（{a_person(serial)['case_number']}）的失信信息" in "".join(words)
    for secret in ("张测试", "甲商贸", "李测试", "李", a_person(1)["id_number"], "SX-"):
        assert secret not in "".join(words)
    home.clock.advance(days=30)
    assert len(notices(henan)) == 3
    home.clock.advance(days=1)
    assert notices(henan) == []


@pytest.mark.parametrize(("command", "ground"), [("withdraw", "wrongly_listed"), ("withdraw", "deceased")])
def test_whom_a_notice_would_point_at_once_more_gets_none(home: Home, henan: Court, command: str, ground: str) -> None:
    home.publish(a_person(1))
    leave(home, 1, command, ground)
    assert notices(henan) == []


def test_who_was_never_public_gets_no_notice(home: Home, henan: Court) -> None:
    home.publish(a_person(1, disclosure="restricted", restricted_ground="privacy"))
    leave(home, 1, "remove", "performed")
    assert notices(henan) == []


def test_where_the_policy_asks_for_none_there_is_none(home: Home, court: Court) -> None:
    home.publish(a_person(1))
    leave(home, 1, "remove", "performed")
    assert notices(court) == []


def test_an_expiry_is_told_too(home: Home, henan: Court) -> None:
    home.publish(with_term(a_person(1), "2026-12-01"))
    home.clock.advance(days=20)
    home.ask("publish")
    assert ["因纳入期限届满删除" in one for one in notices(henan)] == [True]


def asked_to_clarify(court: Court, serial: int, basis: str = "2026年11月18日书面申请") -> None:
    def decide(session):  # type: ignore[no-untyped-def]
        case = a_person(serial)["case_number"]
        row = next(row for row in session.scalars(select(RecordRow)) if row.facts["case_number"] == case)
        clarify(session, row, basis, court.acting("reviewer"))
        return ()

    court.amend(decide)


def test_one_wrongly_listed_may_have_it_clarified_without_being_named(home: Home, court: Court) -> None:
    home.publish(a_person(1), a_person(2))
    leave(home, 1, "withdraw", "wrongly_listed")
    asked_to_clarify(court, 1)
    (words,) = notices(court)
    assert a_person(1)["case_number"] in words
    assert "不应纳入而纳入" in words
    assert a_person(1)["name"] not in words
    with pytest.raises(ArticleRefused, match="已经发布过"):
        asked_to_clarify(court, 1)
    with pytest.raises(ArticleRefused, match="只有曾经公布"):
        asked_to_clarify(court, 2)


def clarified_words(home: Home, court: Court, *others: dict[str, object]) -> str:
    """The clarification of the first record, published with `others`; each has its public number in place of `@`."""
    home.publish(a_person(1), *others)
    with court.reading() as session:
        number = session.scalars(select(RecordRow.number).order_by(RecordRow.id)).first()
    said = home.run("withdraw", str(number), "--ground", "wrongly_listed", *BASIS, "--as", "reviewer")
    assert said.code == 0, said.err
    asked_to_clarify(court, 1)
    (words,) = notices(court)
    return words.replace(str(number), "@")


def test_a_clarification_is_of_one_entry_and_of_nobody_else_in_the_case(home: Home, court: Court) -> None:
    case = a_person(1)["case_number"]
    words = clarified_words(home, court, a_person(2, name="乙测试", case_number=case))
    assert "编号为@的失信被执行人信息" in words
    assert words.endswith("本公告只涉及该编号的信息，该案其他被执行人的信息不受影响。")
    assert "乙测试" not in words


def test_a_clarification_says_nothing_of_others_whom_the_public_was_not_shown(home: Home, court: Court) -> None:
    hidden = {"disclosure": "restricted", "restricted_ground": "privacy"}
    case = a_person(1)["case_number"]
    words = clarified_words(home, court, a_person(2, case_number=case, **hidden))
    assert words.endswith("本公告只涉及该编号的信息。")


def test_a_clarification_needs_a_request_that_names_no_number(home: Home, court: Court) -> None:
    home.publish(a_person(1))
    leave(home, 1, "withdraw", "wrongly_listed")
    for basis in ("", "字" * 81, f"{a_person(1)['id_number']}申请"):
        with pytest.raises(ArticleRefused, match="请写明本人申请"):
            asked_to_clarify(court, 1, basis)


def test_the_journal_holds_an_article_only_while_it_is_shown(home: Home, henan: Court) -> None:
    home.publish(a_person(1, name="张测试"))
    leave(home, 1, "remove", "performed")
    home.clock.advance(**{"days": timedelta(days=32).days})
    home.ask("publish")
    with henan.reading() as session:
        bodies = [json.loads(body) for body in session.scalars(select(JournalRow.body)) if body]
    assert all("张某" not in json.dumps(body, ensure_ascii=False) for body in bodies)

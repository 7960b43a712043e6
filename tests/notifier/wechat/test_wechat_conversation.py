"""What a follower says and is answered, out of a real list."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wechat_world import NOW, SITE, PublishedList, a_company, a_document, a_list

from notifier.wechat import wording
from notifier.wechat.conversation import (
    DIGEST,
    Answer,
    Conversation,
    Follow,
    Unfollow,
    build_menu,
    district_topic,
)
from notifier.wechat.messages import Joined, Left, Pressed, Said, Scanned, Unhandled
from notifier.wechat.texts import MOST_BYTES, measure
from search_index.page import Query

FOLLOWER = "oT1"
HEAD = {"follower": FOLLOWER, "account": "gh_1", "key": "k", "at": NOW}


def ask(conversation: Conversation, text: str, *, is_voice: bool = False) -> Answer:
    return conversation.answer(Said(**HEAD, text=text, is_voice=is_voice), NOW)


def test_a_name_of_several_gives_five_the_total_and_the_warning(conversation: Conversation) -> None:
    text = ask(conversation, "张测").text
    assert text.startswith("“张测”：共 7 条。名单更新于2026年9月30日 09:05。")
    shown = sorted((d for d in a_list() if d.name == "张测"), key=lambda d: d.published_on, reverse=True)[:5]
    for document in shown:
        assert document.record in text
        assert f"{SITE}/entries/{document.record}" in text
        assert document.case_number in text
        assert (document.id_number or "") in text
    assert text.count(f"{SITE}/entries/") == 5
    assert "同名不同人" in text
    assert "名单中姓名“张测”的有 7 条" in text
    assert f"以上为前 5 条。加上案号或者法院名称可以缩小范围。全部结果：{SITE}/search?q=%E5%BC%A0%E6%B5%8B" in text


def test_a_case_number_gives_the_whole_entry(conversation: Conversation) -> None:
    document = a_document(3)
    for typed in ("（2026）测9901执3号", "(2026)测9901执3号", "案号：（2026）测9901执3号。"):
        text = ask(conversation, typed).text
        assert "共 1 条" in text
        for value in (
            "张测（男，公布时45岁）",
            document.id_number,
            document.court,
            document.obligation,
            document.region,
        ):
            assert str(value) in text
        for value in (
            "部分未履行",
            "已履行5000元",
            "未履行115000元",
            "违反财产报告制度",
            "2026年3月5日",
            "2028年8月31日",
        ):
            assert value in text
        assert document.record in text


def test_a_record_number_gives_its_entry(conversation: Conversation) -> None:
    record = a_document(21).record
    for typed in (record, record.lower(), f"公示编号：{record}"):
        assert "王䶮" in ask(conversation, typed).text


def test_voice_is_read_as_text(conversation: Conversation) -> None:
    assert ask(conversation, "张测。", is_voice=True).text.startswith("“张测”：共 7 条")
    assert ask(conversation, "", is_voice=True).text == wording.NOT_HEARD


def test_a_company_needs_no_warning_of_namesakes(conversation: Conversation) -> None:
    text = ask(conversation, "云杉11（测试市）商贸有限公司").text
    assert "919901011234567880" in text
    assert "李𠮷" in text
    assert "同名不同人" not in text


def test_nothing_found_says_so_with_the_date_of_the_list(conversation: Conversation) -> None:
    text = ask(conversation, "没有这个人").text
    assert "没有查到“没有这个人”。名单更新于2026年9月30日 09:05。" in text
    assert "不等于在其他法院没有" in text


def test_what_is_near_is_said_to_be_near(conversation: Conversation) -> None:
    text = ask(conversation, "云杉11（测试市）商贸有限公可").text
    assert "没有完全相符的，有相近的" in text
    assert "（相近：" in text


def test_a_whole_identity_number_is_not_looked_up(conversation: Conversation) -> None:
    text = ask(conversation, "99999919800101001X").text
    assert "身份证号码" in text
    assert "99999919800101001X" not in text
    assert text.endswith(f"是不是我：{SITE}/check")


def test_who_left_the_list_is_not_found(tmp_path: Path) -> None:
    listed = PublishedList(tmp_path, [a_document(1), a_document(2, name="李测")])
    conversation = Conversation(listing=listed.register, public_url=SITE)
    assert "共 1 条" in ask(conversation, "李测").text
    # The index has not been told yet: the store has the last word.
    listed.depart(a_document(2))
    assert "没有查到“李测”" in ask(conversation, "李测").text
    assert a_document(2).record not in ask(conversation, "最新").text


def test_the_newest_and_the_statistics(conversation: Conversation) -> None:
    newest = ask(conversation, "最新").text
    assert "最近公布的信息" in newest
    assert newest.index("王䶮") < newest.index("云杉13")
    assert newest.count("/entries/") == 5
    statistics = ask(conversation, "统计").text
    assert "名单共 11 条" in statistics
    assert "个人 8 条、单位 3 条" in statistics
    assert "地区：测试市 10 条、香格里拉市 1 条" in statistics


def test_the_digest_counts_and_names_nobody(conversation: Conversation) -> None:
    page = conversation.listing.search(Query(facets=True), NOW)
    text = wording.tell_digest("2026年第三季度", page, wording.Site(address=SITE))
    assert text.startswith("2026年第三季度失信被执行人名单已公布。")
    assert "名单共 11 条" in text
    assert f"名单：{SITE}" in text
    page = conversation.listing.search(Query(region="香格里拉市", facets=True), NOW)
    of_district = wording.tell_digest("2026年第三季度", page, wording.Site(address=SITE), "香格里拉市")
    assert "香格里拉市的失信被执行人名单" in of_district
    assert "名单共 1 条" in of_district
    for document in a_list():
        for value in (document.name, document.record, document.case_number, document.id_number or document.uscc):
            assert str(value) not in text + of_district


@pytest.mark.parametrize("word", ["帮助", "幫助", " 帮助。", "help", "HELP", "你好"])
def test_help(conversation: Conversation, word: str) -> None:
    assert ask(conversation, word) == Answer(text=wording.HELP)


@pytest.mark.parametrize("word", ["订阅", "訂閱", "订阅简报", "订阅 名单"])
def test_following_the_digest(conversation: Conversation, word: str) -> None:
    answer = ask(conversation, word)
    assert answer.change == Follow(follower=FOLLOWER, topic=DIGEST, at=NOW)
    assert "已订阅" in answer.text


@pytest.mark.parametrize("word", ["退订", "TD", "td", "取消订阅", "退订！"])
def test_wanting_nothing_more(conversation: Conversation, word: str) -> None:
    answer = ask(conversation, word)
    assert answer.change == Unfollow(follower=FOLLOWER, at=NOW)
    assert answer.text == wording.UNFOLLOWED


def test_following_a_district(conversation: Conversation) -> None:
    answer = ask(conversation, "订阅 香格里拉市")
    assert answer.change == Follow(follower=FOLLOWER, topic=district_topic("香格里拉市"), at=NOW)
    assert "已订阅“香格里拉市”" in answer.text


@pytest.mark.parametrize(
    "wanted", ["订阅 某某人", "关注某某人", "订阅SX-00000000", "关注 （2026）测9901执999号", "跟踪某某"]
)
def test_following_a_person_or_a_record_is_not_offered(conversation: Conversation, wanted: str) -> None:
    answer = ask(conversation, wanted)
    assert answer == Answer(text=wording.NOT_FOLLOWED)
    assert "不提供对某个人" in answer.text


def test_even_a_listed_person_is_not_followed(conversation: Conversation) -> None:
    assert ask(conversation, "关注张测").change is None
    assert ask(conversation, f"订阅 {a_document(1).record}").change is None


def test_a_name_can_begin_like_a_command(tmp_path: Path) -> None:
    listed = PublishedList(tmp_path, [a_company(1, name="关注（测试市）传媒有限公司")])
    answer = ask(Conversation(listing=listed.register, public_url=SITE), "关注（测试市）传媒有限公司")
    assert "共 1 条" in answer.text


def test_menu_and_codes_of_districts(conversation: Conversation) -> None:
    by_code = conversation.answer(Scanned(**HEAD, scene="district:香格里拉市"), NOW)
    assert "香格里拉市：共 1 条" in by_code.text
    assert "王䶮" in by_code.text
    assert by_code.change is None, "a QR code alone makes nobody follow"
    assert conversation.answer(Pressed(**HEAD, button="district:香格里拉市"), NOW) == by_code
    assert conversation.answer(Joined(**HEAD, scene="district:香格里拉市"), NOW) == by_code
    assert "没有公布的信息" in conversation.answer(Scanned(**HEAD, scene="district:别处"), NOW).text
    for scene in ("", "district:", "district:" + "长" * 21, "person:张测"):
        assert conversation.answer(Scanned(**HEAD, scene=scene), NOW).text == wording.HELP


def test_every_button_of_the_menu_is_answered(conversation: Conversation) -> None:
    menu = build_menu(SITE, ("测试市", "香格里拉市"))
    below = [one for button in menu["button"] for one in button["sub_button"]]
    assert len(menu["button"]) <= 3
    assert all(len(button["sub_button"]) <= 5 for button in menu["button"])
    pressed = [one["key"] for one in below if one["type"] == "click"]
    answers = {key: conversation.answer(Pressed(**HEAD, button=key), NOW) for key in pressed}
    assert all(answer.text for answer in answers.values())
    assert [key for key, answer in answers.items() if answer.text == wording.HELP] == ["help"]


def test_a_new_follower_is_welcomed(conversation: Conversation) -> None:
    answer = conversation.answer(Joined(**HEAD), NOW)
    assert answer.text.startswith("欢迎关注测试市人民法院失信被执行人名单公示")
    assert answer.change is None, "following the account is not asking for the digest"


def test_what_needs_no_answer_gets_none(conversation: Conversation) -> None:
    assert conversation.answer(Left(**HEAD), NOW).text == ""
    assert conversation.answer(Unhandled(**HEAD, kind="view", is_spoken=False), NOW).text == ""
    assert conversation.answer(Unhandled(**HEAD, kind="image", is_spoken=True), NOW).text == wording.NOT_READ


def test_parts_are_shown_only_of_what_was_partly_performed(tmp_path: Path) -> None:
    listed = PublishedList(tmp_path, [a_document(1, performance="全部未履行")])
    text = ask(Conversation(listing=listed.register, public_url=SITE), "张测").text
    assert "履行：全部未履行" in text
    assert "已履行5000元" not in text


def test_five_long_entries_still_fit_with_their_warning_and_totals(tmp_path: Path) -> None:
    long = {"name": "扎西·次仁·测试" * 3, "court": "测试市" * 8 + "人民法院"}
    conduct = tuple(replace(a_document(1).conduct[0], text="违反财产报告制度" * 5) for _ in range(6))
    listed = PublishedList(tmp_path, [a_document(number, **long, conduct=conduct) for number in range(1, 9)])
    text = ask(Conversation(listing=listed.register, public_url=SITE), long["name"]).text
    assert measure(text) <= MOST_BYTES
    assert "共 8 条" in text
    assert "同名不同人" in text
    assert text.count("/entries/") >= 3
    assert f"以上为前 {text.count('/entries/')} 条" in text


def test_where_five_do_not_fit_it_shows_fewer_and_says_how_many(tmp_path: Path) -> None:
    name = "测试市虚构商贸有限公司" * 15
    listed = PublishedList(tmp_path, [a_company(number, name=f"{name}{number}号店") for number in range(1, 9)])
    text = ask(Conversation(listing=listed.register, public_url=SITE), name).text
    shown = text.count("/entries/")
    assert measure(text) <= MOST_BYTES
    assert "共 8 条" in text
    assert 2 <= shown < 5
    assert f"以上为前 {shown} 条" in text


def test_one_very_long_entry_keeps_its_link_and_its_warning(tmp_path: Path) -> None:
    listed = PublishedList(tmp_path, [a_document(1, obligation="支付货款及利息" * 400)])
    text = ask(Conversation(listing=listed.register, public_url=SITE), "张测").text
    assert measure(text) <= MOST_BYTES
    assert "生效法律文书确定的义务：支付货款" in text
    assert f"{SITE}/entries/{a_document(1).record}" in text
    assert "同名不同人" in text


def test_without_a_site_the_number_stands_for_the_link(published: PublishedList) -> None:
    text = ask(Conversation(listing=published.register, public_url=""), "张测").text
    assert "http" not in text
    assert "公示编号：SX-" in text


@settings(max_examples=60)
@given(st.text(max_size=300))
def test_whatever_is_said_is_answered_in_few_enough_bytes(conversation: Conversation, text: str) -> None:
    answer = ask(conversation, text)
    assert 0 < measure(answer.text) <= MOST_BYTES
    assert answer.text.count("/entries/") <= 5

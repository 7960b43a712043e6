"""What a person does on the desk: it is done, it is said who did it, and nobody else's page can have it done."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import html5lib
import jinja2
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from posts import BUSY, UNKNOWN, Post, message, open_channels, queue, send
from werkzeug.test import TestResponse

from notifier.calendar import Period
from notifier.channels import Outcome, Stop
from notifier.desk import desk_pages
from notifier.desk_base import DeskSettings, Untold
from notifier.desk_forms import LIFETIME, FormRefused, build_token, read_token
from notifier.desk_log import list_actions
from notifier.followups import list_follow_ups
from notifier.policy import Rules
from notifier.recall import follow_changes
from notifier.recipients import add_board, list_printings
from notifier.runs import find_approvals, find_run, push
from notifier.sending import Given
from notifier.states import MessageState, Purpose
from notifier.stops import list_pauses, opt_out
from notifier.worker import notifier_tick
from search_index.document import Document

Town = Any
STATIC = Path(__file__).resolve().parents[2] / "static"
BY = "书记员甲"
NUMBER = "+8613800138000"
HANGS = {"board": "hall", "printed_at": "2026-10-08T10:00"}


@pytest.fixture
def desk(town: Town) -> Iterator[FlaskClient]:
    with build_app(town).test_client() as client:
        yield client


def build_app(town: Town, **changes: Any) -> Flask:
    app = Flask(__name__, static_folder=str(STATIC), static_url_path="/static")
    app.jinja_env.undefined = jinja2.StrictUndefined
    pages = desk_pages(town.notifier, clock=town.clock, random=Random(3), **changes)
    app.register_blueprint(pages, url_prefix="/push")
    return app


def read(desk: FlaskClient, address: str) -> str:
    response = desk.get(address)
    assert response.status_code == 200
    html5lib.HTMLParser(strict=True).parse(response.text)
    return response.text


def find_token(page: str, action: str) -> str:
    """The token of the form on `page` that is sent to `action`."""
    found = re.search(rf'action="{re.escape(action)}"[^>]*>\s*<input type="hidden" name="token" value="([^"]+)"', page)
    assert found is not None, f"no form for {action}"
    return found[1]


def submit(desk: FlaskClient, page: str, action: str, **fields: str) -> TestResponse:
    """Fill in the form on `page` that is sent to `action`, as a browser would."""
    token = find_token(read(desk, page), action)
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    answer = desk.post(action, data={"token": token, "by": BY, **fields}, headers=headers)
    html5lib.HTMLParser(strict=answer.status_code != 303).parse(answer.text)
    return answer


def done(desk: FlaskClient, answer: TestResponse, words: str) -> str:
    """The page that follows something done: it can be loaded again, and says what was done."""
    assert answer.status_code == 303, answer.text
    page = read(desk, answer.headers["Location"])
    assert words in page
    return page


def refused(answer: TestResponse, words: str, status: int = 400) -> None:
    assert answer.status_code == status
    assert words in html.unescape(answer.text)
    assert "没有办理" in answer.text


def send_unknown(town: Town) -> int:
    queue(town, NUMBER)
    send(town, {"post": Post(answers=[UNKNOWN])})
    row = message(town, NUMBER)
    assert row.state == MessageState.UNKNOWN
    return int(row.id)


# Messages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        ("arrived", MessageState.DELIVERED),
        ("send_again", MessageState.QUEUED),
        ("give_up", MessageState.CANCELLED),
    ],
)
def test_what_is_unknown_is_settled_by_a_person_once(
    desk: FlaskClient, town: Town, verdict: str, state: MessageState
) -> None:
    number = send_unknown(town)
    page, action = f"/push/messages/{number}", f"/push/messages/{number}/settle"
    token = find_token(read(desk, page), action)
    shown = done(desk, submit(desk, page, action, verdict=verdict), "核实结果已经登记")
    row = message(town, NUMBER)
    assert row.state == state
    assert BY in (row.reason or "")
    assert "请核实这条消息是否送达" not in shown
    refused(desk.post(action, data={"token": token, "by": "另一人", "verdict": "arrived"}), "不需要再核实", 409)
    assert message(town, NUMBER).state == state
    assert [(one.by, one.subject) for one in list_actions(town.notifier.engine)] == [(BY, f"消息{number}")]


def test_a_message_shows_its_way_and_hides_its_address(desk: FlaskClient, town: Town) -> None:
    number = send_unknown(town)
    assert f'href="/push/messages/{number}"' in read(desk, "/push/messages?state=unknown")
    found = desk.get(f"/push/messages?id={number}")
    assert found.headers["Location"] == f"/push/messages/{number}"
    page = read(desk, f"/push/messages/{number}")
    assert "+86 138****" in page
    assert "13800138000" not in page
    assert UNKNOWN.detail in page
    assert desk.get("/push/messages/999999").status_code == 404
    for nonsense in ("x", "-1", "1" * 20, "²"):
        answer = desk.get("/push/messages", query_string={"id": nonsense})
        assert answer.status_code == 400
        assert "编号应为数字" in answer.text


def test_a_channel_is_resumed_by_somebody(desk: FlaskClient, town: Town) -> None:
    queue(town, "a")
    broke = Outcome(state=MessageState.FAILED_PERMANENT, detail="账户余额不足", stop=Stop.CHANNEL)
    send(town, {"post": Post(answers=[broke])})
    done(desk, submit(desk, "/push/messages", "/push/channels/post/resume"), "通道已经恢复")
    assert list_pauses(town.notifier.engine) == []
    assert "恢复通道" in read(desk, "/push/actions")


def test_an_address_is_allowed_again_by_typing_it(desk: FlaskClient, town: Town) -> None:
    action = "/push/addresses/allow"
    for typed in (NUMBER, "13800138000", " 138 0013 8000 "):
        opt_out(town.notifier.engine, NUMBER, reason="退订", now=town.clock())
        done(desk, submit(desk, "/push/messages", action, address=typed, reason="本人来电"), "恢复发送")
        refused(submit(desk, "/push/messages", action, address=typed, reason="本人来电"), "没有停止发送", 404)
    queue(town, NUMBER, citizen=True)
    post = Post()
    send(town, {"post": post})
    assert len(post.dispatches) == 1
    page = read(desk, "/push/actions")
    assert "本人来电" in page
    assert "13800138000" not in page


def test_a_mail_address_is_allowed_as_it_is(desk: FlaskClient, town: Town) -> None:
    opt_out(town.notifier.engine, "clerk@example.invalid", reason="退信", now=town.clock())
    action = "/push/addresses/allow"
    done(desk, submit(desk, "/push/messages", action, address="clerk@example.invalid", reason="已改正"), "恢复发送")
    assert "c***@example.invalid" in read(desk, "/push/actions")


# Runs ---------------------------------------------------------------------------------------------------------------


def test_a_run_is_approved_by_somebody_before_its_day(town: Town, person: Document) -> None:
    town.clock.now = datetime(2026, 9, 29, 2, 0, tzinfo=UTC)
    town.publish(person)
    with build_app(town, settings=DeskSettings(rules=Rules(approval_required=True))).test_client() as desk:
        page, action = "/push/runs", "/push/runs/2026Q3/approve"
        token = find_token(read(desk, page), action)
        assert "已由书记员甲批准" in done(desk, submit(desk, page, action), "已经批准")
        assert find_approvals(town.notifier.engine) == {Period(2026, 3): BY}
        refused(desk.post(action, data={"token": token, "by": "另一人"}), "已经批准过", 409)
        other = "/push/runs/2027Q1/approve"
        forged = build_token_for(town, other)
        refused(desk.post(other, data={"token": forged, "by": BY}), "没有等待批准的推送", 409)
        preview = read(desk, "/push/runs/2026Q3/preview")
        assert person.name in preview
        assert desk.get("/push/runs/2026Q1/preview").status_code == 404


def test_a_late_run_is_pushed_by_somebody_and_once(desk: FlaskClient, town: Town, person: Document) -> None:
    notifier_tick(town.notifier, {}, clock=lambda: town.clock.now.replace(month=9))
    town.publish(person)
    town.clock.pass_time(days=20)
    action = "/push/runs/2026Q3/push"
    token = find_token(read(desk, "/push/runs"), action)
    page = done(desk, submit(desk, "/push/runs", action), "本期名单已经生成")
    assert "迟20天" in page
    run = find_run(town.notifier.engine, Period(2026, 3))
    assert run is not None
    assert (run.made_by, run.days_late) == (BY, 20)
    refused(desk.post(action, data={"token": token, "by": "另一人"}), "没有等待人工推送", 409)


# Answers ------------------------------------------------------------------------------------------------------------


def recall_one(town: Town, period: Period, person: Document) -> Document:
    leaves = town.publish(person)
    push(town.notifier, period, now=town.clock(), made_by=BY)
    notifier_tick(town.notifier, open_channels(town.notifier), clock=town.clock)
    town.depart(leaves)
    notifier_tick(town.notifier, open_channels(town.notifier), clock=town.clock, given=Given(store=town.store))
    return leaves


def test_an_answer_by_telephone_closes_a_recall(
    desk: FlaskClient, town: Town, period: Period, person: Document
) -> None:
    recall_one(town, period, person)
    follow_ups = list_follow_ups(town.notifier.engine)
    town.clock.pass_time(hours=1)
    for one in follow_ups:
        action = f"/push/messages/{one.message_id}/acknowledge"
        fields = {"kind": "taken_down", "given_by": "值班编辑", "given_at": "2026-10-08T10:20", "place": "新闻频道"}
        page = done(desk, submit(desk, "/push/recalls", action, **fields), "回执已经登记")
    assert "已办结" in page
    (first, *_) = list_follow_ups(town.notifier.engine)
    (given,) = first.acknowledgements
    assert (given.given_by, given.noted_by, given.place) == ("值班编辑", BY, "新闻频道")
    assert given.given_at == datetime(2026, 10, 8, 2, 20, tzinfo=UTC)
    assert action not in page


def test_an_answer_on_a_package_goes_to_the_run(
    desk: FlaskClient, town: Town, period: Period, person: Document
) -> None:
    recall_one(town, period, person)
    (one, *_) = list_follow_ups(town.notifier.engine, (Purpose.PACKAGE,))
    action = f"/push/messages/{one.message_id}/acknowledge"
    fields = {"kind": "received", "given_by": "值班编辑", "given_at": "2026-10-08T10:00"}
    page = done(desk, submit(desk, "/push/runs/2026Q3", action, **fields), "回执已经登记")
    assert "已收到" in page
    refused(submit(desk, "/push/runs/2026Q3", action, **fields), "先前已经登记", 409)


WRONG_ANSWERS = [
    ({"kind": "aired"}, "不能回执“已播出或者发布”", 409),
    ({"kind": "nonsense"}, "请选择回执的内容", 400),
    ({"given_by": " "}, "请填写对方的姓名或者岗位", 400),
    ({"given_by": "甲" * 31}, "不能超过30个字", 400),
    ({"given_by": "编辑\u202e"}, "含有不能识别的字符", 400),
    ({"given_at": "昨天"}, "请填写答复的时间", 400),
    ({"given_at": "2026-10-09T10:00"}, "答复的时间不能晚于现在", 400),
    ({"place": ""}, "请填写位置、时段或者网址", 400),
    ({"by": ""}, "请填写经办人", 400),
]


def test_what_is_filled_in_wrongly_is_said_and_nothing_is_noted(
    desk: FlaskClient, town: Town, period: Period, person: Document
) -> None:
    recall_one(town, period, person)
    (one, *_) = list_follow_ups(town.notifier.engine)
    right = {"kind": "taken_down", "given_by": "值班编辑", "given_at": "2026-10-08T10:00", "place": "新闻频道"}
    for wrong, words, status in WRONG_ANSWERS:
        answer = submit(desk, "/push/recalls", f"/push/messages/{one.message_id}/acknowledge", **{**right, **wrong})
        refused(answer, words, status)
        # What was typed rightly need not be typed again.
        assert wrong.get("by") == "" or f'value="{BY}"' in answer.text
    assert all(not one.acknowledgements for one in list_follow_ups(town.notifier.engine))
    assert list_actions(town.notifier.engine) == []


def test_the_report_of_recalls_can_be_taken_along(
    desk: FlaskClient, town: Town, period: Period, person: Document
) -> None:
    leaves = recall_one(town, period, person)
    table = desk.get("/push/recalls.csv")
    assert table.headers["Content-Disposition"] == "attachment; filename=recalls.csv"
    assert table.data.startswith(b"\xef\xbb\xbf")
    for report in (table.text, desk.get("/push/recalls.json").text):
        assert leaves.record in report
        assert leaves.name not in report


# Printings ----------------------------------------------------------------------------------------------------------


def test_what_hangs_is_registered_and_taken_down(desk: FlaskClient, town: Town, person: Document) -> None:
    assert "gongshi recipient board" in read(desk, "/push/printings")
    add_board(town.notifier.engine, "hall", "一楼大厅公告栏", now=town.clock())
    hangs, other = town.publish(person), town.publish(person)
    fields = {"place": "东侧，第三季度公告", "scope": "some", "records": f"{hangs.record.lower()}\n", **HANGS}
    page = done(desk, submit(desk, "/push/printings", "/push/printings", **fields), "张贴已经登记")
    assert "仍在张贴" in page
    (printing,) = list_printings(town.notifier.engine)
    assert (printing.entries, printing.put_up_by) == (1, BY)
    town.depart(other)
    town.depart(hangs)
    notifier_tick(town.notifier, open_channels(town.notifier), clock=town.clock, given=Given(store=town.store))
    (task,) = list_follow_ups(town.notifier.engine)
    assert task.recall is not None
    assert (task.recall.record, task.is_closed) == (hangs.record, False)
    action = f"/push/printings/{printing.id}/down"
    token = find_token(read(desk, "/push/printings"), action)
    done(desk, submit(desk, "/push/printings", action), "撤下已经登记")
    (task,) = list_follow_ups(town.notifier.engine)
    assert task.is_closed
    refused(desk.post(action, data={"token": token, "by": BY}), "已经登记撤下", 409)


def test_the_whole_list_hangs(desk: FlaskClient, town: Town, person: Document) -> None:
    add_board(town.notifier.engine, "hall", "一楼大厅公告栏", now=town.clock())
    for _ in range(3):
        town.publish(person)
    fields = {"place": "西侧", "scope": "all", **HANGS}
    done(desk, submit(desk, "/push/printings", "/push/printings", **fields), "3条")


@pytest.mark.parametrize("scope", ["all", "some"])
def test_a_paper_that_is_older_than_a_change_of_what_it_shows_is_not_registered(
    town: Town, person: Document, scope: str
) -> None:
    add_board(town.notifier.engine, "hall", "一楼大厅公告栏", now=town.clock())
    stays, corrected, leaves = (town.publish(person) for _ in range(3))
    town.clock.pass_time(minutes=10)
    came_and_went = town.publish(person)
    town.depart(came_and_went)
    town.depart(leaves)
    town.correct(corrected, performance="全部履行")
    records = {"all": "", "some": f"{corrected.record} {stays.record}"}[scope]
    fields = {"board": "hall", "place": "东侧", "scope": scope, "records": records}
    with build_app(town, settings=DeskSettings(store=town.store)).test_client() as desk:
        old = submit(desk, "/push/printings", "/push/printings", printed_at="2026-10-08T10:05", **fields)
        refused(old, "请重新打印张贴", 409)
        assert corrected.record in old.text
        assert came_and_went.record not in old.text
        assert (leaves.record in old.text) is (scope == "all")
        assert list_printings(town.notifier.engine) == []
        new = {**fields, "printed_at": "2026-10-08T10:10"}
        done(desk, submit(desk, "/push/printings", "/push/printings", **new), "张贴已经登记")
        if scope == "some":
            only = {**fields, "records": stays.record, "printed_at": "2026-10-08T10:05"}
            done(desk, submit(desk, "/push/printings", "/push/printings", **only), "张贴已经登记")


def test_what_is_followed_while_the_list_is_read_is_read_again(town: Town, person: Document) -> None:
    add_board(town.notifier.engine, "hall", "一楼大厅公告栏", now=town.clock())
    leaves, _ = town.publish(person), town.publish(person)
    register, readings = town.notifier.register, []

    class Moving:
        """A list that changes, and is followed, as soon as it was read once."""

        def everything(self, now: datetime) -> tuple[int, list[Document]]:
            read = register.everything(now)
            if not readings:
                town.depart(leaves)
                follow_changes(town.notifier.engine, town.store, town.notifier.workdays, now=now)
            readings.append(read)
            return read

        def __getattr__(self, name: str) -> Any:
            return getattr(register, name)

    app = Flask(__name__, static_folder=str(STATIC), static_url_path="/static")
    moving = replace(town.notifier, register=Moving())
    app.register_blueprint(desk_pages(moving, clock=town.clock, random=Random(3)), url_prefix="/push")
    with app.test_client() as desk:
        fields = {"place": "东侧", "scope": "all", **HANGS}
        done(desk, submit(desk, "/push/printings", "/push/printings", **fields), "张贴已经登记")
    (printing,) = list_printings(town.notifier.engine)
    assert (printing.entries, len(readings)) == (1, 2)


WRONG_PRINTINGS = [
    ({"printed_at": "早上"}, "请填写打印或者制作的时间"),
    ({"printed_at": "2026-10-08T10:30"}, "打印或者制作的时间不能晚于现在"),
    ({"board": "nowhere"}, "请选择张贴栏"),
    ({"scope": ""}, "请选择张贴的是"),
    ({"scope": "some", "records": " \n"}, "请填写张贴的公开编号"),
    ({"scope": "some", "records": "SX-00000000 <b>"}, "SX-00000000、<B>不在现在的名单中"),
    ({"place": ""}, "请填写位置和内容"),
]


def test_a_printing_that_is_filled_in_wrongly_is_not_registered(desk: FlaskClient, town: Town) -> None:
    add_board(town.notifier.engine, "hall", "一楼大厅公告栏", now=town.clock())
    for wrong, words in WRONG_PRINTINGS:
        fields = {"place": "东侧", "scope": "all", **HANGS, **wrong}
        answer = submit(desk, "/push/printings", "/push/printings", **fields)
        refused(answer, words)
        assert "<B>" not in answer.text
    assert list_printings(town.notifier.engine) == []


# Forms --------------------------------------------------------------------------------------------------------------


def build_token_for(town: Town, action: str) -> str:
    """A token such as a page of ours gives, for an address that no page has a form for now."""
    from notifier.desk_forms import open_forms

    return open_forms(town.notifier.engine, clock=town.clock, random=Random(9)).issue(action)


FOREIGN = [
    {"Origin": "https://evil.example.invalid"},
    {"Origin": "null"},
    {"Origin": "http://localhost:8443"},
    {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
]


def test_another_sites_form_is_refused_even_with_a_right_token(desk: FlaskClient, town: Town) -> None:
    number = send_unknown(town)
    action = f"/push/messages/{number}/settle"
    token = find_token(read(desk, f"/push/messages/{number}"), action)
    fields = {"token": token, "by": BY, "verdict": "arrived"}
    for headers in FOREIGN:
        refused(desk.post(action, data=fields, headers=headers), "其他网站", 403)
    assert message(town, NUMBER).state == MessageState.UNKNOWN
    assert desk.post(action, data=fields).status_code == 303  # the same without what gave it away


def test_without_a_token_of_ours_nothing_is_done(desk: FlaskClient, town: Town) -> None:
    number = send_unknown(town)
    for token in ("", "x", "..", "1.2.3", "é.中.é", "\udc80", "0." * 300):
        body = {"token": token.encode("utf-8", "surrogateescape"), "by": BY, "verdict": "arrived"}
        refused(desk.post(f"/push/messages/{number}/settle", data=body), "表单不完整", 403)
    assert message(town, NUMBER).state == MessageState.UNKNOWN


def test_a_token_is_for_one_form_and_once(desk: FlaskClient, town: Town) -> None:
    add_board(town.notifier.engine, "hall", "一楼大厅公告栏", now=town.clock())
    token = find_token(read(desk, "/push/printings"), "/push/printings")
    fields = {"token": token, "by": BY, "place": "东侧", "scope": "all", **HANGS}
    answers = [desk.post("/push/printings", data=fields) for _ in range(2)]
    assert answers[0].status_code == 303
    refused(answers[1], "已经提交过", 409)
    assert len(list_printings(town.notifier.engine)) == 1
    other = find_token(read(desk, "/push/printings"), "/push/printings")
    refused(desk.post("/push/printings/1/down", data={"token": other, "by": BY}), "表单不完整", 403)


def test_a_form_that_lay_open_for_a_day_is_refused(desk: FlaskClient, town: Town) -> None:
    number = send_unknown(town)
    action = f"/push/messages/{number}/settle"
    token = find_token(read(desk, f"/push/messages/{number}"), action)
    town.clock.pass_time(days=1)
    refused(desk.post(action, data={"token": token, "by": BY, "verdict": "arrived"}), "页面打开的时间太长")


def test_two_processes_of_one_home_give_and_take_the_same_tokens(town: Town) -> None:
    number = send_unknown(town)
    action = f"/push/messages/{number}/settle"
    with build_app(town).test_client() as one, build_app(town).test_client() as other:
        token = find_token(read(one, f"/push/messages/{number}"), action)
        assert other.post(action, data={"token": token, "by": BY, "verdict": "arrived"}).status_code == 303


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))


@given(
    key=st.binary(min_size=32, max_size=32), now=MOMENTS, later=st.timedeltas(timedelta(hours=-1), timedelta(days=2))
)
def test_a_token_holds_for_its_lifetime_and_no_longer(key: bytes, now: datetime, later: timedelta) -> None:
    token = build_token(key, "/a", now, "00ff")
    age = now + later - now.replace(microsecond=0)

    def takes(read: Callable[[], str]) -> bool:
        try:
            return read() == "00ff"
        except FormRefused:
            return False

    assert takes(lambda: read_token(key, "/a", token, now + later)) is (timedelta(minutes=-1) <= age <= LIFETIME)
    assert not takes(lambda: read_token(key, "/b", token, now))
    assert not takes(lambda: read_token(bytes(32) if key != bytes(32) else b"x" * 32, "/a", token, now))


@given(key=st.binary(min_size=32, max_size=32), token=st.text(max_size=250))
def test_no_text_is_taken_for_a_token_and_none_raises_anything_else(key: bytes, token: str) -> None:
    with pytest.raises(FormRefused):
        read_token(key, "/a", token, datetime(2026, 10, 8, tzinfo=UTC))


# Other pages --------------------------------------------------------------------------------------------------------


def test_recipients_are_shown_without_secrets(desk: FlaskClient, town: Town, period: Period, person: Document) -> None:
    recall_one(town, period, person)
    page = read(desk, "/push/recipients")
    for words in ("测试市广播电视台", "代号tv", "没有试过", "共2件需要回执"):
        assert words in page
    assert "whsec_" not in page


def test_every_text_is_shown_with_its_length_and_cost(desk: FlaskClient) -> None:
    page = read(desk, "/push/templates?price=0.1")
    for words in ("失信风险提示", "【测试市人民法院】", "计2条，0.2元", "季度摘要", "字节"):
        assert words in page
    for nonsense in ("x", "NaN", "-1", "1e9", "²", "Infinity"):
        assert "单价应为" in read(desk, f"/push/templates?price={nonsense}")


def test_what_is_temporary_is_listed_by_its_state(desk: FlaskClient, town: Town) -> None:
    queue(town, "a")
    send(town, {"post": Post(answers=[BUSY])})
    assert BUSY.detail in read(desk, "/push/messages?state=failed_temporary")
    assert BUSY.detail not in read(desk, "/push/messages?state=delivered")
    read(desk, "/push/messages?state=nonsense")


def test_a_rehearsal_and_a_trial_are_said_with_what_would_go(town: Town) -> None:
    queue(town, NUMBER)
    later = town.clock() + timedelta(days=1)
    queue(town, "later", not_before=later)
    rules = Rules(dry_run=True, trial=frozenset({NUMBER}))
    with build_app(town, settings=DeskSettings(rules=rules)).test_client() as desk:
        page = read(desk, "/push/messages")
    assert "会发出下列1条" in page
    assert "共1个" in page
    assert NUMBER not in page
    with build_app(town).test_client() as desk:
        page = read(desk, "/push/messages")
    assert "只演练" not in page
    assert "试运行" not in page


def test_a_disk_or_a_list_that_cannot_be_used_is_a_sentence(desk: FlaskClient, town: Town) -> None:
    notifier_tick(town.notifier, {}, clock=lambda: town.clock.now.replace(month=9))
    town.clock.pass_time(days=20)
    (town.settings.folder / "packages").write_text("where a folder should be")
    answer = submit(desk, "/push/runs", "/push/runs/2026Q3/push")
    refused(answer, "磁盘或者数据库暂时不能使用", 503)
    add_board(town.notifier.engine, "hall", "一楼大厅公告栏", now=town.clock())
    token = find_token(read(desk, "/push/printings"), "/push/printings")
    town.store.close()
    (town.settings.folder.parent / "public" / "disclosed.db").unlink()
    fields = {"token": token, "by": BY, "place": "东侧", "scope": "all", **HANGS}
    for broken in (desk.post("/push/printings", data=fields), desk.get("/push/templates")):
        assert broken.status_code == 503
        assert "Traceback" not in broken.text
        assert re.search(r"[\u4e00-\u9fff]{4}", broken.text)


def test_whom_no_sms_can_tell_is_listed_with_the_reason(town: Town) -> None:
    untold = Untold(what="移出名单告知（被执行人）", record="SX-00000000", since=town.clock(), reason="没有手机号码")
    settings = DeskSettings(list_untold=lambda: [untold])
    with build_app(town, settings=settings).test_client() as desk:
        page = read(desk, "/push/messages")
    for words in ("不能以短信告知的1件", "SX-00000000", "没有手机号码"):
        assert words in page
    with build_app(town).test_client() as desk:
        assert "不能以短信告知" not in read(desk, "/push/messages")


def test_an_address_with_nothing_to_show_is_a_chinese_page(desk: FlaskClient) -> None:
    beyond = f"/push/messages/{2**64}"
    for address, status in (
        ("/push/runs/2026Q3", 404),
        ("/push/phone", 404),
        ("/push/addresses/allow", 405),
        (beyond, 404),
    ):
        answer = desk.get(address)
        assert answer.status_code == status
    for address in (f"{beyond}/settle", f"{beyond}/acknowledge", f"/push/printings/{2**64}/down"):
        assert desk.post(address, data={"by": BY}).status_code == 404
    assert "这一期还没有推送" in desk.get("/push/runs/2026Q3").text

"""The notifier's pages: what staff see of a run, and nothing but the manifest's files."""

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import html5lib
import jinja2
import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from posts import Post, open_channels, queue, send

from notifier.calendar import Period
from notifier.channels import ChatMessage, MassMessage, Outcome, ShortMessage, Stop
from notifier.channels.sandbox import PHONE_OPENID
from notifier.desk import desk_pages
from notifier.desk_base import DeskSettings
from notifier.followups import AckKind, Acknowledgement, acknowledge, list_follow_ups
from notifier.policy import Rules
from notifier.runs import approve_run, push
from notifier.sending import Given
from notifier.states import MessageState
from notifier.worker import notifier_tick
from search_index.document import Document

Town = Any


@pytest.fixture
def desk(town: Town) -> Iterator[FlaskClient]:
    app = Flask(__name__)
    app.jinja_env.undefined = jinja2.StrictUndefined
    app.register_blueprint(desk_pages(town.notifier, clock=town.clock), url_prefix="/push")
    with app.test_client() as client:
        yield client


def read(desk: FlaskClient, address: str) -> str:
    response = desk.get(address)
    assert response.status_code == 200
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    html5lib.HTMLParser(strict=True).parse(response.text)
    return response.text


def deliver(town: Town, period: Period) -> None:
    push(town.notifier, period, now=town.clock(), made_by="审核员甲")
    notifier_tick(town.notifier, open_channels(town.notifier), clock=town.clock)


def test_an_empty_desk_says_when_the_first_run_comes(desk: FlaskClient, town: Town) -> None:
    town.clock.pass_time(days=60)
    assert "第一个工作日自动推送" in read(desk, "/push/runs")
    assert "还没有收到名单" in read(desk, "/push/inbox")
    assert desk.get("/push/").headers["Location"] == "/push/runs"


def test_a_run_shows_its_messages_files_and_revisions(
    desk: FlaskClient, town: Town, period: Period, person: Document
) -> None:
    leaves = town.publish(person)
    push(town.notifier, period, now=town.clock(), made_by="审核员甲")
    assert "待发送" in read(desk, "/push/runs/2026Q3")
    town.depart(leaves)
    notifier_tick(town.notifier, open_channels(town.notifier), clock=town.clock)
    listing = read(desk, "/push/runs")
    assert "2026年第三季度" in listing
    assert "2/2" in listing
    page = read(desk, "/push/runs/2026Q3")
    for words in ("测试市广播电视台", "已送达", "审核员甲", "第2次修订（最新）", "第1次修订（已有新修订", "list.xlsx"):
        assert words in page
    assert "扎西·测试" not in page


def test_a_period_that_waits_for_a_person_is_shown_with_what_to_do(desk: FlaskClient, town: Town) -> None:
    notifier_tick(town.notifier, {}, clock=lambda: town.clock.now.replace(month=9))
    town.clock.pass_time(days=20)
    page = read(desk, "/push/runs")
    assert "已迟20天" in page
    assert "gongshi push --period 2026Q3" in page


def test_the_inbox_shows_what_the_recipient_received(
    desk: FlaskClient, town: Town, period: Period, person: Document
) -> None:
    town.publish(person, name="<script>alert(1)</script>")
    deliver(town, period)
    assert "/push/inbox/tv/2026Q3-r1" in read(desk, "/push/inbox")
    page = read(desk, "/push/inbox/tv/2026Q3-r1")
    assert "本名单于2027年1月4日后不得使用" in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page


@pytest.mark.parametrize("folder", ["/push/runs/2026Q3/r1", "/push/inbox/egov/2026Q3-r1"])
def test_files_come_as_attachments_and_open(
    desk: FlaskClient, town: Town, period: Period, person: Document, folder: str
) -> None:
    town.publish(person)
    deliver(town, period)
    for name in ("list.xlsx", "list.csv", "list.json", "manifest.json"):
        response = desk.get(f"{folder}/{name}")
        assert response.status_code == 200
        assert response.headers["Content-Disposition"] == f"attachment; filename=2026Q3-r1-{name}"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert openpyxl.load_workbook(io.BytesIO(desk.get(f"{folder}/list.xlsx").data)).sheetnames == ["名单"]
    assert json.loads(desk.get(f"{folder}/manifest.json").data)["counts"]["total"] == 1


NOT_FILES = [
    "/push/runs/2026Q2",
    "/push/runs/nonsense",
    "/push/runs/2026Q3/r9/list.csv",
    "/push/runs/2026Q3/r1/other.txt",
    "/push/runs/2026Q3/r1/..%2fr1%2flist.csv",
    "/push/runs/2026Q3/r1/%2e%2e",
    "/push/inbox/nobody/2026Q3-r1",
    "/push/inbox/tv/2026Q3-r2",
    "/push/inbox/tv/..",
    "/push/inbox/tv/%2e%2e",
    "/push/inbox/tv/2026Q3-r1/%2e%2e%2f%2e%2e%2f%2e%2e%2fnotifier.db",
    "/push/inbox/%2e%2e/packages/list.csv",
]


def test_anything_else_is_not_found(desk: FlaskClient, town: Town, period: Period) -> None:
    deliver(town, period)
    assert {address: desk.get(address).status_code for address in NOT_FILES} == dict.fromkeys(NOT_FILES, 404)


def test_a_file_that_was_changed_on_the_disk_is_not_served(desk: FlaskClient, town: Town, period: Period) -> None:
    deliver(town, period)
    (town.settings.folder / "packages" / "2026Q3" / "r1" / "list.csv").write_bytes(b"changed")
    response = desk.get("/push/runs/2026Q3/r1/list.csv")
    assert response.status_code == 404
    assert "校验值不符" in response.text


def test_a_run_is_announced_with_a_preview_and_says_when_it_needs_a_yes(town: Town, person: Document) -> None:
    town.clock.now = datetime(2026, 9, 29, 2, 0, tzinfo=UTC)
    town.publish(person)
    app = Flask(__name__)
    app.register_blueprint(desk_pages(town.notifier, clock=town.clock), url_prefix="/push")
    strict = desk_pages(
        town.notifier, clock=town.clock, settings=DeskSettings(rules=Rules(approval_required=True)), name="strict"
    )
    app.register_blueprint(strict, url_prefix="/strict")
    with app.test_client() as client:
        page = read(client, "/push/runs")
        assert "2026年第三季度名单将于2026年10月8日自动推送" in page
        assert "共1条，发给测试市广播电视台、测试市电子政务中心" in page
        assert "须先由工作人员批准" in read(client, "/strict/runs")
        approve_run(town.notifier.engine, Period(2026, 3), by="审核员甲", now=town.clock())
        assert "已由审核员甲批准" in read(client, "/strict/runs")


def test_recalls_are_shown_with_who_has_not_answered(
    desk: FlaskClient, town: Town, period: Period, person: Document
) -> None:
    assert "没有需要撤回" in read(desk, "/push/recalls")
    leaves = town.publish(person)
    deliver(town, period)
    town.depart(leaves)
    given = Given(store=town.store)
    notifier_tick(town.notifier, open_channels(town.notifier), clock=town.clock, given=given)
    page = read(desk, "/push/recalls")
    for words in (leaves.record, leaves.case_number, "测试市广播电视台", "没有回执", "2026年10月12日"):
        assert words is not None
        assert words in page
    assert leaves.name not in page
    assert "已超期" not in page
    first = list_follow_ups(town.notifier.engine)[0]
    taken_down = Acknowledgement(
        kind=AckKind.TAKEN_DOWN, given_by="值班编辑", given_at=town.clock(), noted_by="书记员甲", place="新闻频道"
    )
    acknowledge(town.notifier.engine, first.message_id, taken_down, now=town.clock())
    town.clock.pass_time(days=10)
    page = read(desk, "/push/recalls")
    assert re.search(r"已撤下或者更正</strong> 值班编辑，.*新闻频道（书记员甲登记）", page)
    assert page.count("（已超期）") == 1
    letter = read(desk, "/push/inbox")
    assert f"撤回失信被执行人信息：公开编号{leaves.record}" in letter


def test_what_was_not_sent_is_shown_with_its_reason_and_without_addresses(desk: FlaskClient, town: Town) -> None:
    assert "还没有消息" in read(desk, "/push/messages")
    queue(town, "+8613800000000", "b", "c")
    unknown = Outcome(state=MessageState.UNKNOWN, detail="对方没有答复")
    broke = Outcome(state=MessageState.FAILED_PERMANENT, detail="账户余额不足", stop=Stop.CHANNEL)
    send(town, {"post": Post(answers=[unknown, broke])})
    page = read(desk, "/push/messages")
    for words in ("结果不明，需核实", "对方没有答复", "账户余额不足", "暂停", "待发送"):
        assert words in page
    assert "1380" not in page
    assert "+86" not in page


def test_what_the_sandbox_received_is_shown_as_it_was_sent(desk: FlaskClient, town: Town) -> None:
    words = ShortMessage(text="【测试法院】<b>您好", template="t", version=1, fields={})
    queue(town, "+15005550006", channel="sandbox", content=words)
    chat = ChatMessage(template="t", version=1, fields={"period": "2026年第三季度"})
    queue(town, PHONE_OPENID, channel="sandbox", content=chat)
    queue(town, "all", channel="sandbox", address=None, content=MassMessage(text="本季度名单已公布"))
    assert send(town, dict(open_channels(town.notifier))) == 3
    page = read(desk, "/push/inbox")
    for said in ("&lt;b&gt;您好", "期次：2026年第三季度", "本季度名单已公布", "+15005550006"):
        assert said in page

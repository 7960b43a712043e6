"""Articles on the desk: what the gate finds is shown in place, and another person publishes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from entries import a_person
from homes import Home
from seats import Seat, plain
from sqlalchemy import select

from gongshi.court import Court
from registry.tables import ArticleRow, RecordRow

Sit = Callable[[str], Seat]
NEW = "/articles/new?kind=case"
PLAIN = {"kind": "case", "title": "隐匿财产被罚款", "body": "被执行人转移财产，被处以罚款。", "visible_until": ""}


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what these pages rest on is tested on both databases where it lives."""
    return {}


def write(seat: Seat, **changes: object) -> str:
    answer = seat.submit(NEW, "/articles/new", **{**PLAIN, **changes})
    assert answer.status_code == 303, plain(answer.text)
    return str(answer.headers["Location"]).split("?")[0]


def shown(court: Court) -> list[str]:
    with court.store.snapshot(court.now) as snapshot:
        return [str(body["title"]) for _, _, body in snapshot.subjects("article", limit=100)]


def test_one_writes_another_publishes_and_one_takes_it_down(court: Court, desk_client: Sit) -> None:
    clerk, reviewer = desk_client("clerk"), desk_client("reviewer")
    article = write(clerk)
    assert f'action="{article}/agree"' not in clerk.read(article)
    assert shown(court) == []
    assert "已公布" in reviewer.done(article, f"{article}/agree")
    assert shown(court) == [PLAIN["title"]]
    assert f'action="{article}/withdraw"' not in clerk.read(article)
    assert "已撤下" in reviewer.done(article, f"{article}/withdraw", reason="事实需要核对")
    assert shown(court) == []


def test_a_reviewer_does_not_publish_an_own_article(court: Court, desk_client: Sit) -> None:
    reviewer = desk_client("reviewer")
    article = write(reviewer)
    assert f'action="{article}/agree"' not in reviewer.read(article)
    assert shown(court) == []


def test_what_the_gate_finds_is_shown_and_can_be_redacted(court: Court, desk_client: Sit) -> None:
    clerk = desk_client("clerk")
    body = "被执行人张三丰转移财产，电话13912345678。"
    answer = clerk.submit(NEW, "/articles/new", **{**PLAIN, "body": body})
    assert answer.status_code == 400
    assert "<mark>张三丰</mark>" in answer.text
    assert body in plain(answer.text)  # what was typed is still there
    with court.reading() as session:
        assert session.scalars(select(ArticleRow)).first() is None
    article = write(clerk, body=body, redact="yes")
    words = clerk.words(article)
    assert "张某" in words
    assert "13912345678" not in words


def test_a_draft_is_edited_and_then_agreed_to_by_who_did_not_edit_it(court: Court, desk_client: Sit) -> None:
    clerk, reviewer = desk_client("clerk"), desk_client("reviewer")
    article = write(clerk)
    assert "另一标题" in reviewer.done(f"{article}/edit", f"{article}/edit", **{**PLAIN, "title": "另一标题"})
    assert f'action="{article}/agree"' not in reviewer.read(article)
    assert f'action="{article}/agree"' in desk_client("second").read(article)


def test_markup_in_an_article_stays_text(desk_client: Sit) -> None:
    clerk = desk_client("clerk")
    evil = "<script>x</script>"
    article = write(clerk, title=evil, body=f"{evil}罚款。")
    for address in (article, "/articles", f"{article}/edit"):
        assert "<script" not in clerk.read(address)
    assert evil in clerk.words(article)


def test_who_only_looks_writes_nothing(court: Court, desk_client: Sit) -> None:
    for role in ("auditor", "admin"):
        seat = desk_client(role)
        assert seat.ask(NEW).status_code == 403
        assert seat.post("/articles/new", **PLAIN).status_code == 403
        assert seat.post("/articles/1/agree").status_code == 403


def test_what_is_not_there_is_not_there(desk_client: Sit) -> None:
    clerk = desk_client("clerk")
    for address in ("/articles/9", "/articles/new", "/articles/new?kind=exit", "/articles/9/edit"):
        assert clerk.ask(address).status_code == 404, address


def test_a_clarification_is_published_on_request(home: Home, court: Court, desk_client: Sit) -> None:
    home.publish(a_person(1))
    with court.reading() as session:
        record = session.scalars(select(RecordRow.id)).one()
    reviewer = desk_client("reviewer")
    page = f"/articles/clarification?record={record}"
    fields = {"record": record, "basis": "2026年11月18日书面申请"}
    assert "只有曾经公布" in reviewer.refused(page, "/articles/clarification", **fields)
    basis = ("--basis", "（2025）测0101执1号执行裁定书", "--arose", "2026-11-18", "--known", "2026-11-18")
    case = a_person(1)["case_number"]
    assert home.run("withdraw", case, "--ground", "wrongly_listed", *basis, "--as", "reviewer").code == 0
    assert "不应纳入而纳入" in reviewer.done(page, "/articles/clarification", **fields)
    assert shown(court) == ["澄清公告"]


@pytest.mark.long
def test_a_clarification_goes_to_whoever_was_sent_the_entry(home: Home, court: Court, desk_client: Sit) -> None:
    """The recipients of the training list stand for those of a court."""
    home.publish(a_person(1), a_person(2))
    home.ask("push", "--period", "2026Q3")
    assert home.run("worker", "--once").code == 0
    home.publish(a_person(3), name="later.jsonl")
    basis = ("--basis", "（2025）测0101执1号执行裁定书", "--arose", "2026-11-18", "--known", "2026-11-18")
    reviewer, clerk = desk_client("reviewer"), desk_client("clerk")
    for serial, where in ((1, "2家接收单位"), (3, "没有发给过接收单位")):
        case = a_person(serial)["case_number"]
        with court.reading() as session:
            rows = session.scalars(select(RecordRow))
            record = next(row.id for row in rows if row.facts["case_number"] == case)
        page = f"/articles/clarification?record={record}"
        assert page not in reviewer.read(f"/records/{record}")
        assert home.run("withdraw", case, "--ground", "wrongly_listed", *basis, "--as", "reviewer").code == 0
        assert page in reviewer.read(f"/records/{record}")
        assert page not in clerk.read(f"/records/{record}")
        assert where in reviewer.words(page)
        fields = {"record": record, "basis": "2026年11月18日书面申请"}
        done = reviewer.done(page, "/articles/clarification", **fields)
        assert ("收到过或者张贴过该信息的2家接收单位" if serial == 1 else "没有接收单位收到过该信息") in done
    # The recall goes first.
    for _ in range(2):
        home.clock.advance(minutes=2)
        assert home.run("worker", "--once").code == 0
    words = clerk.words("/recalls")
    assert words.count("澄清，") == 1
    assert words.count("通知2家") == 2
    assert "已公布，或者没有播出、发布过" in words
    assert "扎西" not in words

"""`doctor --alarm`: who is told of what, by a real mail server and on the desk; also when what tells is broken."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from entries import a_person
from homes import Home
from sqlalchemy import select
from standins.mail_server import Loss, MailServer

from gongshi.court import Court
from gongshi.duty import Duty
from gongshi.office import open_office
from gongshi.watching.memory import FILE
from notifier.watchdogs import note_beat
from registry.running import Open, list_open
from registry.tables import AuditRow
from search_index.day import SHANGHAI

CASE = "（2025）测0101执7号"
NAME = "麦麦提·图尔荪𠮷"
pytestmark = [pytest.mark.long, pytest.mark.parametrize("databases", ["sqlite"], indirect=True)]


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with MailServer() as server:
        monkeypatch.setenv("GONGSHI_SMTP_URL", server.url)
        monkeypatch.setenv("GONGSHI_ALARM_MAIL", "admin@court.example.invalid,head@court.example.invalid")
        monkeypatch.setenv("GONGSHI_DESK_HOSTS", "desk.court.example.invalid")
        yield server


@pytest.fixture
def court(home: Home, post: MailServer) -> Iterator[Court]:
    made = home.court
    note_beat(open_office(made).engine, home.clock(), ())
    yield made
    made.close()


def read_mails(post: MailServer) -> list[str]:
    """What came since the last look, one for each letter that went to both; subject and text."""
    mails = [f"{mail.message['Subject']}\n{mail.message.get_content()}" for mail in post.mails]
    assert sorted({mail.recipients[0] for mail in post.mails}) in (
        [],
        ["admin@court.example.invalid", "head@court.example.invalid"],
    )
    post.mails.clear()
    assert mails[::2] == mails[1::2]
    return mails[::2]


def list_rows(court: Court) -> dict[str, Open]:
    with court.reading() as session:
        return {row.matter: row for row in list_open(session)}


def test_a_dead_worker_is_told_of_once_then_every_morning_until_it_beats(
    home: Home, court: Court, post: MailServer
) -> None:
    assert home.run("doctor", "--alarm").code == 1
    (first,) = read_mails(post)
    assert "[提醒] 备份" in first
    assert "后台工作进程" not in first
    home.clock.advance(minutes=5)
    said = home.run("doctor", "--alarm")
    assert (said.code, read_mails(post)) == (1, [])
    assert "[故障] 后台工作进程" in said.out
    since = home.clock()
    home.clock.advance(minutes=6)
    home.run("doctor", "--alarm")
    (mail,) = read_mails(post)
    assert mail.startswith("公示系统：1 项故障\n")
    assert "[故障] 后台工作进程" in mail
    assert "重新启动 gongshi worker" in mail
    assert "https://desk.court.example.invalid/running" in mail
    assert "备份" not in mail
    home.clock.advance(hours=1)
    home.run("doctor", "--alarm")
    assert read_mails(post) == []
    row = list_rows(court)["后台工作进程"]
    assert (row.is_fault, row.since, row.seen_at) == (True, since, home.clock())
    home.clock.advance(hours=21)
    home.run("doctor", "--alarm")
    (mail,) = read_mails(post)
    assert "仍未解决的问题" in mail
    assert "新发现" not in mail
    home.clock.advance(hours=1)
    note_beat(open_office(court).engine, home.clock(), ())
    home.run("doctor", "--alarm")
    (mail,) = read_mails(post)
    assert mail.startswith("公示系统：1 项已恢复")
    assert "- 后台工作进程" in mail
    assert "后台工作进程" not in list_rows(court)
    with court.reading() as session:
        lines = session.execute(select(AuditRow.action, AuditRow.detail).where(AuditRow.action.like("finding%"))).all()
    about = [(action, detail["grade"]) for action, detail in lines if detail["finding"] == "后台工作进程"]
    assert about == [("finding", "fail"), ("finding_over", "fail")]


def test_what_is_over_while_the_worker_is_dead_is_hidden_by_the_round_of_the_hour(
    home: Home, court: Court, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.publish(a_person(7, name=NAME), a_person(8))
    home.ask("ground", "add", CASE, "--ground", "performed", "--basis", "结案通知书", "--as", "second")
    home.clock.beats.clear()
    home.clock.moment = datetime(2026, 11, 23, 17, 0, tzinfo=SHANGHAI)
    home.run("doctor", "--alarm")
    assert shown(court) == {7, 8}
    home.clock.advance(hours=1, minutes=1)
    with monkeypatch.context() as patch:
        patch.setattr("gongshi.legal_clock.list_due", lambda *_: 1 / 0)
        assert home.run("doctor", "--alarm").code == 1
    assert list_rows(court)["到期隐去"].is_fault
    assert shown(court) == {7, 8}
    home.clock.advance(minutes=1)
    assert home.run("doctor", "--alarm").code == 1
    assert shown(court) == {8}
    assert "到期隐去" not in list_rows(court)


def shown(court: Court) -> set[int]:
    """The serials of the entries that the store shows."""
    with court.store.snapshot(court.now) as snapshot:
        return {int(one.case_number.removesuffix("号").rsplit("执", 1)[1]) for one in snapshot.all()}


def test_mail_that_does_not_go_stands_on_the_desk_and_goes_when_it_can(
    home: Home, court: Court, post: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.replies["MAIL"] = "451 try again"
    said = home.run("doctor", "--alarm", "--json")
    assert said.code == 2
    assert said.json["problem"]
    assert not said.json["mailed"]
    assert list_rows(court)["告警邮件"].is_fault
    assert all(row.told_at is None for row in list_rows(court).values())
    del post.replies["MAIL"]
    home.clock.advance(minutes=1)
    assert home.run("doctor", "--alarm").code == 1
    (mail,) = read_mails(post)
    assert "[提醒] 备份" in mail
    assert "- 告警邮件" in mail
    post.replies["RCPT"] = "550 no such user"
    monkeypatch.setenv("GONGSHI_ALARM_MAIL", "")
    assert home.run("doctor", "--alarm").code == 1
    assert "GONGSHI_ALARM_MAIL" in list_rows(court)["告警邮件"].text
    monkeypatch.setenv("GONGSHI_ALARM_MAIL", "admin(at)court")
    said = home.run("doctor", "--alarm")
    assert said.code == 2
    assert "GONGSHI_ALARM_MAIL" in said.err


def test_an_answer_that_is_lost_lets_the_alarm_go_again(home: Home, court: Court, post: MailServer) -> None:
    post.losses += [Loss.AFTER_CONTENT, Loss.AFTER_CONTENT]
    assert home.run("doctor", "--alarm").code == 2
    home.clock.advance(hours=1)
    assert home.run("doctor", "--alarm").code == 1
    assert len(post.mails) == 4


@pytest.mark.parametrize("broken", ["registry/registry.db", "notifier/notifier.db", "public/disclosed.db"])
def test_a_broken_database_is_told_of_by_mail(home: Home, court: Court, post: MailServer, broken: str) -> None:
    court.close()
    (home.folder / broken).write_bytes(os.urandom(40_000))
    said = home.run("doctor", "--alarm")
    assert said.code == 1
    assert "Traceback" not in said.err
    (mail,) = read_mails(post)
    assert "数据库文件已损坏" in mail or "公示库已损坏" in mail
    home.clock.advance(hours=1)
    assert home.run("doctor", "--alarm").code == 1
    assert not any("已损坏" in again for again in read_mails(post))


def test_a_training_home_mails_nobody(home: Home, court: Court, post: MailServer) -> None:
    home.ask("profile", "--set", "training=true", "--as", "reviewer")
    assert home.run("doctor", "--alarm").code == 1
    assert read_mails(post) == []
    assert not list_rows(court)["备份"].is_fault


def test_what_the_product_hid_is_mailed_at_once_by_the_worker_and_names_nobody(
    home: Home, court: Court, post: MailServer, tmp_path: Path
) -> None:
    entry = a_person(7, name=NAME)
    home.publish(entry)
    performed = ("--ground", "performed", "--arose", "2026-11-18", "--known", "2026-11-18", "--basis", "申请人电话")
    home.ask("ground", "add", CASE, *performed, "--as", "clerk")
    home.clock.advance(days=6)
    duty = Duty(court)
    duty.beat()
    duty.alarm()
    (mail,) = read_mails(post)
    assert "1 项到期没有决定，条目已由系统自行屏蔽" in mail
    assert "https://desk.court.example.invalid/work/due" in mail
    home.run("doctor", "--alarm")
    home.clock.advance(minutes=30)
    home.run("doctor", "--alarm")
    mail += "".join(read_mails(post))
    assert "自行屏蔽" in mail
    for private in (NAME, "图尔荪", entry["id_number"], CASE, "clerk", "reviewer"):
        assert private not in mail
    before = (home.folder / "registry" / FILE).read_bytes()
    duty.alarm()
    home.clock.advance(minutes=30)
    duty.alarm()
    assert read_mails(post) == []
    assert (home.folder / "registry" / FILE).read_bytes() == before
    home.clock.advance(days=1)
    duty.alarm()
    assert "法定期限" in read_mails(post)[0]


def test_a_day_has_so_many_mails_and_no_more(
    home: Home, court: Court, post: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGSHI_ALARM_DAILY", "1")
    home.run("doctor", "--alarm")
    assert "今天的告警邮件已达上限" in read_mails(post)[0]
    home.clock.advance(minutes=30)
    assert home.run("doctor", "--alarm").code == 1
    assert read_mails(post) == []
    home.clock.moment = home.clock.moment.replace(hour=8) + timedelta(days=1)
    home.run("doctor", "--alarm")
    assert "[故障] 后台工作进程" in read_mails(post)[0]

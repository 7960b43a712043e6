"""What `doctor` says of sending: what is set up, and each way in which something could have come to a halt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from homes import Home
from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from gongshi.duty import Duty
from gongshi.office import open_office
from gongshi.watching.rounds import Round
from gongshi.watching.sending import SENDING
from notifier.calendar import Period
from notifier.channels import Letter
from notifier.context import Notifier
from notifier.outbox import Draft, enqueue
from notifier.recipients import SANDBOX
from notifier.states import MessageState, Purpose
from notifier.stops import open_digest, pause_channel
from notifier.tables import AttemptRow, MessageRow, RecallRow, RecipientRow
from notifier.watchdogs import check_totals, note_beat
from notifier.wechat.conversation import DIGEST, Follow
from notifier.wechat.followers import FollowerBook
from search_index.day import SHANGHAI

PERIOD = Period(2026, 3)
WECHAT = {
    "GONGSHI_WECHAT_APPID": "wx00000000000000aa",
    "GONGSHI_WECHAT_SECRET": "secretcanary0123456789",
    "GONGSHI_WECHAT_TOKEN": "tokencanary",
    "GONGSHI_WECHAT_AES_KEY": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
}
TWILIO = {
    "GONGSHI_TWILIO_ACCOUNT_SID": "AC" + "0123456789abcdef" * 2,
    "GONGSHI_TWILIO_AUTH_TOKEN": "secretcanary",
    "GONGSHI_TWILIO_FROM": "+15005550006",
    "GONGSHI_GATEWAY_URL": "https://gateway-canary.example.invalid",
}
ALIYUN = {
    "GONGSHI_ALIYUN_ACCESS_KEY_ID": "idcanary",
    "GONGSHI_ALIYUN_ACCESS_KEY_SECRET": "secretcanary",
    "GONGSHI_ALIYUN_SIGN_NAME": "测试市人民法院",
    "GONGSHI_ALIYUN_TEMPLATES": "debtor_risk_notice:1=SMS_1",
    "GONGSHI_SMS_ROUTE_CN": "aliyun",
}
pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
Ask = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def office(home: Home) -> Any:
    court = home.court
    yield open_office(court)
    court.close()


@pytest.fixture
def doctor(home: Home, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """The grade and text of every finding on a matter."""

    def ask(matter: str, **settings: str) -> list[tuple[str, str]]:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        court = home.court
        try:
            look = Round(court)
            findings = [finding for check in SENDING for finding in check.work(look)]
        finally:
            court.close()
        assert "canary" not in repr(findings)
        return [(one.grade, one.text) for one in findings if one.matter == matter]

    return ask


def add_message(office: Notifier, home: Home, state: MessageState, **changes: Any) -> int:
    """A message of the past hour, called once."""
    now, digest = home.clock(), open_digest(office.engine)
    draft = Draft(key="x", purpose=Purpose.NOTICE, channel=SANDBOX, content=Letter(subject="测试", text="测试"))
    with Session(office.engine) as session, session.begin():
        enqueue(session, [draft], now=now, digest=digest)
        session.execute(update(MessageRow).values(state=state, attempts=1, changed_at=now, **changes))
        (row,) = session.query(MessageRow).all()
        session.add(AttemptRow(message_id=row.id, number=1, worker="t", begun_at=now, called_at=now))
        return row.id


def test_a_new_home_has_nothing_to_complain_of(home: Home) -> None:
    said = home.run("doctor", "--json")
    assert said.code == 0
    grades = {one["matter"]: one["grade"] for one in said.json["findings"]}
    assert grades["后台工作进程"] == "warn"
    for matter in ("短信", "微信", "网关", "接收单位", "签名密钥", "画面字体", "季度推送", "消息总数", "撤回"):
        assert grades[matter] == "ok", matter


def test_a_fault_ends_with_1(home: Home, office: Notifier) -> None:
    note_beat(office.engine, home.clock(), ())
    home.clock.advance(hours=1)
    assert home.run("doctor").code == 1


def test_channels_say_what_is_set_and_what_is_missing(doctor: Ask) -> None:
    assert "GONGSHI_SMS_ROUTE_CN" in doctor("短信", **TWILIO)[0][1]
    assert [grade for grade, _ in doctor("境外短信")] == ["ok"]
    warned = [text for grade, text in doctor("境内短信", **ALIYUN) if grade == "warn"]
    assert [text.partition("：")[0] for text in warned] == ["没有设置 GONGSHI_ALIYUN_REPORT_PATH"]
    assert doctor("短信") == []
    grades = dict(doctor("短信", GONGSHI_SMS_ROUTE_CN="twilio"))
    assert list(grades) == ["warn"]
    assert "数据存放在境外" in grades["warn"]


def test_what_the_court_has_not_told_of_itself_keeps_sms_in(doctor: Ask, home: Home) -> None:
    assert doctor("短信通知") == []
    assert {grade for grade, _ in doctor("短信通知", **TWILIO)} == {"warn"}
    given = ("court=测试市人民法院", "telephone=0871-12345678", "signature=测试市人民法院", "website=https://a.example")
    changes = [part for one in given for part in ("--set", one)]
    home.ask("profile", *changes, "--as", "reviewer")
    assert doctor("短信通知") == []


def test_wechat_without_templates_or_with_plain_messages_is_warned_of(doctor: Ask, tmp_path: Path, home: Home) -> None:
    found = doctor("微信", **WECHAT)
    assert [grade for grade, _ in found] == ["warn", "warn"]
    assert "digest" in found[0][1]
    assert "安全模式" in found[1][1]
    templates = tmp_path / "templates.toml"
    fields = "".join(f'{name} = "thing{number}"\n' for number, name in enumerate(_digest_fields(), 1))
    templates.write_text(f'[digest]\nid = "T1"\nkind = "template"\n[digest.fields]\n{fields}')
    found = doctor("微信", GONGSHI_WECHAT_TEMPLATES=str(templates), GONGSHI_WECHAT_PLAIN="off")
    assert [grade for grade, _ in found] == ["ok"]


def _digest_fields() -> tuple[str, ...]:
    from notifier.digests import CHAT_TEMPLATES

    return tuple(CHAT_TEMPLATES["digest"])


def test_a_recipient_whose_channel_is_off_is_a_fault(doctor: Ask, home: Home, office: Notifier) -> None:
    row = RecipientRow(
        slug="post", name="测试报社", kind="newspaper", channel="mail", address="a@example.com", active=True,
        created_at=home.clock(),
    )  # fmt: skip
    with Session(office.engine) as session, session.begin():
        session.add(row)
    ((grade, text),) = doctor("接收单位")
    assert (grade, "测试报社" in text) == ("fail", True)
    ((grade, text),) = doctor("网关")
    assert (grade, "GONGSHI_GATEWAY_URL" in text) == ("warn", True)
    mail = "smtp://127.0.0.1:2525?from=court@example.com"
    assert doctor("接收单位", GONGSHI_SMTP_URL=mail) == [("ok", "3 个，通道均已启用")]


@pytest.mark.parametrize(
    ("matter", "settings"),
    [("发送方式", {"GONGSHI_SENDING": "dry_run"}), ("发送方式", {"GONGSHI_TRIAL": "tv"})],
)
def test_what_keeps_messages_in_is_warned_of(doctor: Ask, matter: str, settings: dict[str, str]) -> None:
    ((grade, text),) = doctor(matter, **settings)
    assert grade == "warn"
    assert next(iter(settings)) in text


def test_a_lost_key_is_a_fault(doctor: Ask, office: Notifier) -> None:
    assert isinstance(office.signing_key, Path)
    office.signing_key.unlink()
    assert [grade for grade, _ in doctor("签名密钥")] == ["fail"]


# Watchdogs (delivery §7) ----------------------------------------------------------------------------------------------


def test_1_a_worker_that_has_stopped_beating(doctor: Ask, home: Home, office: Notifier) -> None:
    note_beat(office.engine, home.clock(), ())
    home.clock.advance(minutes=3)
    assert [grade for grade, _ in doctor("后台工作进程")] == ["ok"]
    home.clock.advance(seconds=1)
    assert [grade for grade, _ in doctor("后台工作进程")] == ["fail"]
    note_beat(office.engine, home.clock(), ("publish",))
    ((grade, text),) = doctor("后台工作进程")
    assert (grade, "“公布”出错" in text) == ("fail", True)


def test_2_a_period_without_its_run(doctor: Ask, home: Home) -> None:
    court = home.court
    home.clock.moment = datetime(2026, 9, 28, 10, tzinfo=SHANGHAI)
    Duty(court).tick()
    court.close()
    home.clock.moment = datetime(2026, 10, 8, 0, 1, tzinfo=SHANGHAI)
    assert [grade for grade, _ in doctor("季度推送")] == ["ok"]
    home.clock.advance(days=2)
    ((grade, text),) = doctor("季度推送")
    assert (grade, "逾期 2 天" in text) == ("fail", True)
    home.clock.advance(days=10)
    ((grade, text),) = doctor("季度推送")
    assert (grade, "等待人工" in text) == ("warn", True)


def test_3_a_run_that_has_not_gone_out(doctor: Ask, home: Home) -> None:
    home.ask("push", "--period", str(PERIOD))
    home.clock.advance(hours=23)
    assert [grade for grade, _ in doctor("季度推送")] == ["ok"]
    home.clock.advance(hours=1)
    ((grade, text),) = doctor("季度推送")
    assert (grade, "2026Q3" in text, "2 个单位" in text) == ("fail", True, True)
    assert doctor("通道 演练收件箱") == [("warn", "2 条消息等待发送超过一天")]


def test_4_what_is_not_known_for_half_an_hour(doctor: Ask, home: Home, office: Notifier) -> None:
    add_message(office, home, MessageState.UNKNOWN)
    home.clock.advance(minutes=29)
    assert doctor("结果不明的消息") == []
    home.clock.advance(minutes=1)
    ((grade, text),) = doctor("结果不明的消息")
    assert (grade, text.startswith("1 条")) == ("fail", True)


def test_5_a_recall_without_an_answer(doctor: Ask, home: Home, office: Notifier) -> None:
    message_id, now = add_message(office, home, MessageState.DELIVERED, purpose=Purpose.RECALL), home.clock()
    recall = RecallRow(
        sequence=1, record="SX-AAAAAAAA", case_number=None, type="gone", at=now, due_on=now.date(), made_at=now
    )
    with Session(office.engine) as session, session.begin():
        session.add(recall)
        session.flush()
        row = session.get_one(MessageRow, message_id)
        row.recall_id, row.recipient_id, row.called_on = recall.id, 1, now.date()
    assert [grade for grade, _ in doctor("撤回")] == ["ok"]
    home.clock.advance(days=1)
    ((grade, text),) = doctor("撤回")
    assert (grade, text.startswith("1 份")) == ("fail", True)


def test_5_a_package_that_nobody_confirms_to_have_aired(doctor: Ask, home: Home) -> None:
    home.ask("push", "--period", str(PERIOD))
    court = home.court
    Duty(court).tick()
    court.close()
    home.clock.advance(days=14)
    assert doctor("播出回执") == []
    home.clock.advance(days=10)
    assert doctor("播出回执") == [("warn", "2 个单位催办期满仍未回执是否播出或发布")]


def test_6_totals_that_do_not_add_up(doctor: Ask, home: Home, office: Notifier) -> None:
    home.ask("push", "--period", str(PERIOD))
    court = home.court
    Duty(court).tick()
    court.close()
    assert [grade for grade, _ in doctor("消息总数")] == ["ok"]
    first = AttemptRow.message_id == 1
    never_called, unlike = update(AttemptRow).where(first).values(called_at=None), "1 条消息的状态与发送记录不符"
    for harm, told in (
        ([never_called], unlike),
        ([delete(AttemptRow).where(first)], f"1 条消息的发送次数与发送记录不符；{unlike}"),
        ([delete(MessageRow).where(MessageRow.id == 1)], "1 个接收单位在某次推送中没有消息"),
    ):
        with Session(office.engine) as session, session.begin():
            for statement in harm:
                session.execute(statement)
        assert doctor("消息总数") == [("fail", f"核对不符：{told}。请告知维护人员")]


def test_6_a_state_that_is_none_and_a_message_that_is_there_twice(home: Home, office: Notifier) -> None:
    home.ask("push", "--period", str(PERIOD))
    assert check_totals(office.engine) == []
    with Session(office.engine) as session, session.begin():
        session.execute(update(MessageRow).where(MessageRow.id == 1).values(state="sent"))
        row = session.get_one(MessageRow, 2)
        columns = {column.name: getattr(row, column.name) for column in MessageRow.__table__.columns}
        session.execute(insert(MessageRow).values({**columns, "id": 9, "key": "k", "dispatch": "d", "revision": 9}))
    assert check_totals(office.engine) == ["1 个接收单位在同一次推送中有两条消息", "1 条消息的状态与发送记录不符"]


def test_a_channel_that_pauses_says_why(doctor: Ask, home: Home, office: Notifier) -> None:
    with Session(office.engine) as session, session.begin():
        pause_channel(session, "sms", reason="余额不足", now=home.clock())
    ((grade, text),) = doctor("通道 境外短信")
    assert (grade, "余额不足" in text) == ("fail", True)


def test_followers_are_a_number(doctor: Ask, home: Home, office: Notifier) -> None:
    book = FollowerBook(office.engine)
    for number, topic in ((1, DIGEST), (2, DIGEST), (1, "district:测试市")):
        book.apply(Follow(follower=f"ocanary{number}", topic=topic, at=home.clock()))
    assert doctor("微信订阅") == [("ok", "订阅全部名单 2 人，订阅地区 1 人次")]

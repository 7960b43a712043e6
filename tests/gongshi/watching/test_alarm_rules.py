"""What is new, what is still so, and when somebody is told: the rules of alarms, without a database or a mail server."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from gongshi.watching.alarm_words import write_mail
from gongshi.watching.alarms import BETWEEN, Comparison, Deadlines, Memory, Sheet, Trouble, choose, compare, may_send
from gongshi.watching.finding import Finding, Grade
from gongshi.watching.memory import FILE, alone, read_memory, write_memory
from gongshi.watching.rounds import Check, Round, go_round
from search_index.day import SHANGHAI, day_of

NIGHT = datetime(2026, 12, 31, 23, 30, tzinfo=SHANGHAI)
NOON = datetime(2027, 1, 1, 12, 0, tzinfo=SHANGHAI)
QUIET = Deadlines()


def trouble(matter: str = "公示库", grade: Grade = "fail", text: str = "落后日志 3 条", **known: object) -> Trouble:
    return Trouble(finding=Finding(matter, grade, text), **{"since": NIGHT, "id": 1, **known})  # type: ignore[arg-type]


def look(known: list[Trouble], *findings: Finding, now: datetime = NOON) -> Comparison:
    return compare(findings, known, frozenset(), now)


def test_counts_and_times_that_change_make_no_other_trouble() -> None:
    known = trouble(text="落后日志 3 条，最近一次在 2026-12-31 23:30", told_at=NIGHT)
    after = look([known], Finding("公示库", "fail", "落后日志 1,204 条，最近一次在 2027-01-01 11:00"))
    (one,) = after.open
    assert (one.id, one.since, one.finding.text[-5:]) == (1, NIGHT, "11:00")
    assert not after.new and not after.mended  # noqa: PT018


def test_new_trouble_is_told_also_at_night_and_old_trouble_in_the_morning() -> None:
    new = look([], Finding("公示库", "fail", "x"), now=NIGHT)
    assert choose(new, QUIET, Memory(), NIGHT).fresh == new.open
    told = Comparison(open=(replace(new.open[0], id=1, told_at=NIGHT),))
    early = NOON.replace(hour=7, minute=59)
    assert not choose(told, QUIET, Memory(), early)
    assert choose(told, QUIET, Memory(), NOON).still == told.open


def test_a_reminder_that_was_read_is_not_repeated_and_a_fault_is() -> None:
    read = [trouble("人员", "warn", told_at=NIGHT, is_read=True, id=1), trouble(told_at=NIGHT, is_read=True, id=2)]
    assert [one.id for one in choose(Comparison(open=tuple(read)), QUIET, Memory(), NOON).still] == [2]


def test_what_gets_milder_is_no_news_and_what_gets_worse_is() -> None:
    milder = look([trouble(told_at=NIGHT)], Finding("公示库", "warn", "y"), now=NIGHT + timedelta(minutes=10))
    assert not choose(milder, QUIET, Memory(), NIGHT + timedelta(minutes=10))
    worse = look([trouble(grade="warn", told_at=NIGHT)], Finding("公示库", "fail", "y"))
    assert len(choose(worse, QUIET, Memory(), NOON).fresh) == 1
    assert not worse.mended, "it is not mended because it is worse"


def test_what_was_not_looked_at_is_not_mended() -> None:
    known = [trouble("检索索引"), trouble("公示库", id=2)]
    after = compare([], known, {"检索索引"}, NOON)
    assert [one.id for one in after.open] == [1]
    assert after.mended == ("公示库",)


def test_nobody_waits_for_a_locked_database_once_for_each_check() -> None:
    made = []

    def work(_look: Round) -> list[Finding]:
        made.append(1)
        raise OperationalError("SELECT", {}, sqlite3.OperationalError("database is locked"))

    seen = go_round(None, [Check(f"项{number}", work) for number in range(9)], lambda _error: "占用")  # type: ignore[arg-type]
    assert len(made) == 2
    assert [one.matter for one in seen.findings] == ["项0", "项1", "检查"]
    assert all(seen.is_unknown(f"项{number}") for number in range(9))


def test_deadlines_are_told_at_once_when_something_is_over_and_else_in_the_morning() -> None:
    empty = Comparison(open=())
    assert choose(empty, Deadlines(over=1, newest=7), Memory(alarm=6, sheet_at=NIGHT), NIGHT).deadlines
    assert not choose(empty, Deadlines(over=1, newest=7), Memory(alarm=7, sheet_at=NIGHT), NIGHT)
    assert choose(empty, Deadlines(near=1), Memory(sheet_at=NIGHT), NOON).deadlines
    assert not choose(empty, Deadlines(), Memory(), NOON)


grades = st.sampled_from(["ok", "warn", "fail"])
matters = st.sampled_from(["公示库", "时钟", "备份"])
findings = st.lists(st.builds(Finding, matters, grades, st.sampled_from(["甲 1", "甲 2", "乙", "丙"])), max_size=6)


@given(st.lists(st.tuples(findings, st.integers(1, 180), st.booleans()), min_size=1, max_size=40), st.integers(1, 5))
def test_no_trouble_is_kept_from_being_told_and_no_storm_breaks_out(
    rounds: list[tuple[list[Finding], int, bool]], daily: int
) -> None:
    """Whatever is found, at whatever times, with a mail server that fails at will: mails are at least ten minutes apart and
    few a day, and each goes out that may; what is told of is open or was; what is open is written down once."""
    now, memory, known = NIGHT, Memory(), list[Trouble]()
    for found, minutes, server_works in rounds:
        now += timedelta(minutes=minutes)
        after = compare(found, known, frozenset(), now)
        assert {(one.key) for one in after.open} == {(one.matter, one.digest) for one in found if one.grade != "ok"}
        sheet = choose(after, QUIET, memory, now)
        assert set(sheet.fresh) >= {one for one in after.open if one.told_at is None}
        memory = replace(memory, mended=sheet.mended)
        told = set[tuple[str, str]]()
        if sheet and may_send(memory.sent, now, daily) and server_works:
            assert all(now - at >= BETWEEN for at in memory.sent)
            memory = replace(memory, sent=(*memory.sent, now), mended=())
            told = {one.key for one in (*sheet.fresh, *sheet.still)}
        assert sum(day_of(at) == day_of(now) for at in memory.sent) <= daily
        assert not {one.finding.matter for one in after.open} & set(memory.mended), "nothing open is called mended"
        known = [
            replace(one, id=number, told_at=now if one.key in told else one.told_at)
            for number, one in enumerate(after.open, start=1)
        ]


def test_a_clock_that_was_set_back_keeps_no_mail_in() -> None:
    assert may_send([NOON], NOON - timedelta(hours=3), 20)
    assert not may_send([NOON], NOON + timedelta(minutes=9), 20)
    assert not may_send([NOON], NOON + timedelta(hours=1), 1)
    assert may_send([NOON], NOON + timedelta(days=1), 1)


def test_the_mail_says_what_since_when_and_what_to_do() -> None:
    sheet = Sheet(
        fresh=(trouble(text="落后日志 3 条：请运行 gongshi publish"),),
        still=(trouble("人员", "warn", "审核人只有两名"),),
        mended=("时钟",),
        deadlines=Deadlines(over=2, hidden=1, near=4, newest=9),
    )
    letter = write_mail(sheet, court="测试市·人民法院", desk="https://desk.test", now=NOON, is_last=True)
    assert letter.subject == "公示系统：1 项故障，1 项提醒，3 项期限已到，1 项已恢复"
    for words in (
        "1. [故障] 公示库：落后日志 3 条：请运行 gongshi publish（2026-12-31 23:30发现）",
        "仍未解决的问题\n1. [提醒] 人员",
        "已恢复\n- 时钟",
        "- 2 项已经逾期",
        "https://desk.test/work/due",
        "https://desk.test/running",
        "今天的告警邮件已达上限",
    ):
        assert words in letter.text
    many = Sheet(fresh=tuple(trouble(f"事项{number}") for number in range(50)))
    assert "另有 10 项" in write_mail(many, court="法院", desk=None, now=NOON, is_last=False).text


def test_a_memory_that_is_lost_or_forged_is_none_and_keeps_nothing_in(tmp_path: Path) -> None:
    kept = Memory(sent=(NIGHT, NOON), sheet_at=NIGHT, alarm=7, mended=("时钟",), daily_at=NOON, blind={"x": NOON})
    write_memory(tmp_path, kept, NOON)
    assert read_memory(tmp_path) == kept
    write_memory(tmp_path, kept, NOON + timedelta(days=30))
    assert read_memory(tmp_path).sent == ()
    for content in (b"", b"[]", b'{"sent": 7}', b'{"sent": ["x"], "sheet_at": null}', b"\xff", b"7", b'{"sent": null}'):
        (tmp_path / FILE).write_bytes(content)
        assert read_memory(tmp_path) == Memory()
    with alone(tmp_path / "missing"):
        pass

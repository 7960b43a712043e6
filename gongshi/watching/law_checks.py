"""What `doctor` says of the law's time: the clock, the calendar, what is due and overdue, what was hidden in an emergency."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from stat import S_IMODE

from sqlalchemy import func, select

from gongshi.calendar import load_calendar
from gongshi.watching.finding import Finding, Grade
from gongshi.watching.rounds import Check, Round
from registry.acting import SYSTEM
from registry.alarms import count_clocks
from registry.ending import count_over
from registry.tables import EmergencyRow, JournalRow
from registry.watch import list_due
from search_index.emergency import CODES, SUBJECT
from search_index.marks import FOLDER, FOLDER_MODE

# By then the State Council has announced the next year's holidays (usually in November).
_ANNOUNCED_BY = (12, 1)


def _clock(look: Round) -> Iterator[Finding]:
    court = look.court
    with court.reading() as session:
        newest = session.scalar(select(func.max(JournalRow.at)))
    if newest and court.now < newest:
        text = f"系统时间早于最近一次公布（{newest.astimezone(court.now.tzinfo):%Y-%m-%d %H:%M:%S}）：请校正时钟"
        yield Finding("时钟", "fail", text)
    else:
        yield Finding("时钟", "ok", f"{court.now:%Y-%m-%d %H:%M:%S %z}")


def grade_next_year(today: date) -> Grade:
    """How grave it is that the next year's working days are not known: by December somebody has overlooked the notice."""
    return "fail" if (today.month, today.day) >= _ANNOUNCED_BY else "warn"


def _calendar(look: Round) -> Iterator[Finding]:
    today = look.court.today
    calendar, year = load_calendar(look.court.settings.calendar_file), today.year
    if not calendar.is_known(year):
        yield Finding(
            "节假日",
            "fail",
            f"没有 {year} 年的节假日安排，期限均为暂定：请用 gongshi calendar import 导入国务院办公厅通知",
        )
    elif not calendar.is_known(year + 1):
        yield Finding(
            "节假日",
            grade_next_year(today),
            f"没有 {year + 1} 年的节假日安排，跨年的期限为暂定：通知公布后请用 gongshi calendar import 导入",
        )
    else:
        yield Finding("节假日", "ok", f"{year}、{year + 1} 年已知")


def _clocks(look: Round) -> Iterator[Finding]:
    acting = look.court.acting(SYSTEM)
    with look.court.reading() as session:
        tally, waiting = count_clocks(session, acting), list_due(session, acting)
    if waiting:
        text = "有到期未决定的事由，而条目还没有屏蔽：请确认后台工作进程在运行，或立即运行 gongshi publish"
        yield Finding("期限", "fail", text)
    if tally.hidden:
        yield Finding("期限", "warn", f"{tally.hidden} 项到期没有决定，条目已自行屏蔽：请尽快撤下，或者驳回事由")
    if tally.over:
        yield Finding("期限", "fail", f"{tally.over} 项已经逾期：请在内部页面查看并办理")
    if tally.unseen:
        yield Finding("期限", "warn", f"{tally.unseen} 项逾期或者自行屏蔽的提醒还没有人看")
    uncertain = f"，{tally.provisional} 项为暂定" if tally.provisional else ""
    yield Finding("期限", "ok", f"今天到期 {tally.today} 项{uncertain}")


def _ends(look: Round) -> Iterator[Finding]:
    """What has reached its end and has not left (art. 10 ¶2). What ended today the worker may just be about to end."""
    court = look.court
    policy = court.policy()
    with court.reading() as session:
        over, since_yesterday = (count_over(session, policy, at) for at in (court.now, court.now - timedelta(days=1)))
    if over:
        text = (
            f"{over} 条期限已经届满，还没有退出（法释〔2017〕7号第十条第二款：届满后三个工作日内删除；公众已经看不到）："
            "请确认后台工作进程在运行，或立即运行 gongshi publish"
        )
        yield Finding("届满", "fail" if since_yesterday else "warn", text)


def _emergencies(look: Round) -> Iterator[Finding]:
    """What somebody hid with a sealed code, and nobody has decided on since."""
    open_marks = select(EmergencyRow.record).where(EmergencyRow.lifted_at.is_(None))
    made = select(func.max(JournalRow.at)).where(JournalRow.subject == SUBJECT, JournalRow.key == CODES)
    with look.court.reading() as session:
        records, made_at = session.scalars(open_marks).all(), session.scalar(made)
        used_at = session.scalar(select(func.max(EmergencyRow.hidden_at)))
    if made_at is None:
        text = "没有制作应急代码，其他手段都不能用时无法屏蔽条目：请运行 gongshi emergency codes，打印后封存"
        yield Finding("应急代码", "warn", text)
    elif used_at is not None and used_at > made_at:
        text = "应急代码用过，看到的人还可以再用：请运行 gongshi emergency codes 换新的，打印后封存"
        yield Finding("应急代码", "warn", text)
    folder = look.court.settings.public / FOLDER
    if not folder.is_dir() or S_IMODE(folder.stat().st_mode) & FOLDER_MODE != FOLDER_MODE:
        yield Finding("应急代码", "fail", f"{folder} 不存在或者权限不对，应急屏蔽写不进去：请运行 gongshi init")
    if None in records:
        text = "全部名单已用应急代码屏蔽：请查明原因，由两人用 gongshi emergency lift 恢复"
        yield Finding("应急屏蔽", "fail", text)
    entries = len(set(records) - {None})
    if entries:
        text = f"{entries} 个条目已用应急代码屏蔽，等待决定：请撤下，或者由两人用 gongshi emergency lift 恢复"
        yield Finding("应急屏蔽", "warn", text)


LAW: tuple[Check, ...] = (
    Check("时钟", _clock),
    Check("节假日", _calendar),
    Check("期限", _clocks),
    Check("届满", _ends),
    Check("应急屏蔽", _emergencies, ("应急代码",)),
)

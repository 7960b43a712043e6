"""What `doctor` says of the databases, the disclosed store, its index, and what the public has sent in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, func, select, text

from gongshi.watching.finding import Finding, Grade, grade_above, tell_age
from gongshi.watching.rounds import LONG_LIST, Check, Round
from registry import journal
from registry.tables import JournalFileRow
from search_index.database import reading_engine
from search_index.freshness import Limits
from search_index.index import Index
from search_index.submission import SUFFIX
from search_index.sync import verify

# The worker notes the pulse every minute.
PULSE_WARN = timedelta(hours=1)

# The worker writes a file of the journal every ten minutes, and collects what was sent in every five.
FILE_WARN, FILE_FAIL = timedelta(minutes=30), timedelta(hours=6)
WAITING_WARN, WAITING_FAIL = timedelta(minutes=15), timedelta(hours=1)


def _store(look: Round) -> Iterator[Finding]:
    court = look.court
    with court.reading() as session:
        head = journal.head(session)[0]
    behind = head - court.store_writer.position()
    if behind:
        yield Finding("公示库", "warn", f"落后日志 {behind} 条：请确认后台工作进程在运行，或运行 gongshi publish")
    else:
        yield Finding("公示库", "ok", f"与日志一致，位置 {head}")


def _pulse(look: Round) -> Iterator[Finding]:
    link = look.court.store_writer.link()
    if link.is_shut:
        yield Finding("名单核对", "fail", "公示库已关闭，网站不显示名单：恢复完成后由两人用 gongshi restore open 开放")
    elif link.pulse_at is not None:
        yield judge_pulse(link.pulse_at, look.court.now, look.court.settings.limits)


def judge_pulse(pulse: datetime, now: datetime, limits: Limits) -> Finding:
    """How long ago the store was last known to hold all that the registry had told; grave before the site has to say so."""
    age = now - pulse
    fail = limits.silent / 2
    grade = grade_above(age / PULSE_WARN, warn=1, fail=fail / PULSE_WARN)
    said = f"名单最近一次与登记库核对在 {tell_age(age)}前"
    if grade == "ok":
        return Finding("名单核对", grade, said)
    hours = [limit // timedelta(hours=1) for limit in (limits.silent, limits.hide)]
    text = f"{said}：满 {hours[0]} 小时网站会声明，满 {hours[1]} 小时会隐去名单；请检查并重新启动 gongshi worker"
    return Finding("名单核对", grade, text)


def _index(look: Round) -> Iterator[Finding]:
    court = look.court
    differences = verify(court.store, Index(court.settings.index_folder), court.now)
    if differences:
        yield Finding("检索索引", "fail", f"与公示库有 {len(differences)} 处不一致：请运行 gongshi index rebuild")
    else:
        yield Finding("检索索引", "ok", "与公示库一致")


def _is_index_due(look: Round) -> bool:
    if look.daily:
        return True
    with look.court.store.snapshot(look.court.now) as snapshot:
        return snapshot.count() <= LONG_LIST


def _whole(look: Round) -> Iterator[Finding]:
    """SQLite's own look at each page of its files. Opened to read: to open one to write is to choose its journal mode."""
    court, broken = look.court, list[str]()
    urls = (court.settings.registry_database, court.settings.notifier_database, court.settings.disclosed_database)
    names = [name for name, url in zip(_DATABASES, urls, strict=True) if url.startswith("sqlite")]
    for name, url in zip(_DATABASES, urls, strict=True):
        if url.startswith("sqlite") and not _is_whole(reading_engine(url)):
            broken.append(name)
    if broken:
        yield Finding("数据库文件", "fail", f"{'、'.join(broken)}已损坏：请停止各服务，从备份恢复")
    elif names:
        yield Finding("数据库文件", "ok", f"{'、'.join(names)}完好")


_DATABASES = ("登记库", "发送库", "公示库")


def _is_whole(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            return bool(connection.execute(text("PRAGMA quick_check(1)")).scalar_one() == "ok")
    finally:
        engine.dispose()


def _files(look: Round) -> Iterator[Finding]:
    """The journal as files, where a portal that no network reaches is fed with them."""
    folder = look.court.settings.journal_export_folder
    if folder is None:
        return
    with look.court.reading() as session:
        made = session.scalar(select(func.max(JournalFileRow.made_at)))
    yield judge_file(made, look.court.now)


def judge_file(made: datetime | None, now: datetime) -> Finding:
    """How old the newest journal file is."""
    if made is None:
        return Finding("日志文件", "warn", "还没有写出日志文件：请检查 gongshi worker，或运行 gongshi journal export")
    grade = grade_above((now - made).total_seconds(), warn=FILE_WARN.total_seconds(), fail=FILE_FAIL.total_seconds())
    text = f"最近一份在 {tell_age(now - made)}前写出"
    return Finding("日志文件", grade, text if grade == "ok" else f"{text}：请检查 gongshi worker 和存放的目录")


def _submissions(look: Round) -> Iterator[Finding]:
    found = judge_waiting([path.stat().st_mtime for path in list_sent_in(look.court.drop)], look.court.now)
    if found is not None:
        yield found


def list_sent_in(drop: Path) -> Sequence[Path]:
    """The whole files that wait in the drop folder."""
    return [path for path in drop.iterdir() if path.name.endswith(SUFFIX)] if drop.is_dir() else []


def judge_waiting(times: Sequence[float], now: datetime) -> Finding | None:
    """What the public has sent in and nobody has collected, by the times of the files; None where nothing waits long."""
    ages = [now.timestamp() - moment for moment in times]
    late = [age for age in ages if age > WAITING_WARN.total_seconds()]
    if not late:
        return None
    grade: Grade = "fail" if max(late) > WAITING_FAIL.total_seconds() else "warn"
    text = f"{len(late)} 份公众提交的材料超过 15 分钟没有收取，最早的已等 {tell_age(timedelta(seconds=max(late)))}"
    return Finding("公众提交", grade, f"{text}：请检查并重新启动 gongshi worker")


STORES: tuple[Check, ...] = (
    Check("公示库", _store),
    Check("名单核对", _pulse),
    Check("检索索引", _index, is_due=_is_index_due),
    Check("数据库文件", _whole, is_due=lambda look: look.daily),
    Check("日志文件", _files),
    Check("公众提交", _submissions),
)

"""Import: a file comes in, runs beside the pages, and what was refused is put right in place and imported again.

The bytes of a file lie in the private folder while they are read and are gone afterwards; what was refused stays in the
quarantine file, which is private, too.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from flask import Blueprint, abort, request
from sqlalchemy import func, select
from werkzeug import Response as ResponseValue
from werkzeug.datastructures import FileStorage

from registry.desk.access import Access
from registry.desk.acts_forms import desk_words
from registry.desk.base import DONE, REFUSALS, Court, Desk, act, acts, after, current, note_read, reads, show
from registry.desk.forms import Refused
from registry.desk.intake_jobs import DONE as ENDED
from registry.desk.intake_jobs import FOLDER, MOST_LISTED, Job, JobBook, Work, open_job, start
from registry.desk.intake_rows import ROWS, read_rows, read_typed, write_corrected
from registry.desk.worklists import read_row
from registry.importing import Importer
from registry.intake import LABELS, UnrecognisedFile
from registry.lifecycle import NotAllowed
from registry.reconciling import Reconciler, ToHold
from registry.tables import BatchRow
from registry.worklists import ListLine, find_lines
from search_index.modes import open_private

_NEWEST = 20
_COPY = 1 << 20

DONE["intake-uploaded"] = "文件已经收到，正在办理。"


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """GET /import, /import/<job>, /import/<job>/rows; POST /import, /import/reconcile, /import/<job>/rows."""
    book = JobBook(desk.court.private / FOLDER)

    @reads(pages, "/import", Access.READ)
    def intake() -> str:
        return _show_intake(desk, book)

    @acts(pages, "/import", Access.WORK, largest=desk.upload_limit)
    def upload() -> ResponseValue:
        return act(lambda problem: _show_intake(desk, book, problem), lambda: _begin(desk, book, "import"))

    @acts(pages, "/import/reconcile", Access.WORK, largest=desk.upload_limit)
    def reconcile() -> ResponseValue:
        return act(lambda problem: _show_intake(desk, book, problem), lambda: _begin(desk, book, "reconcile"))

    @reads(pages, "/import/<name>", Access.READ)
    def intake_job(name: str) -> str:
        return _show_job(desk, book, _load(book, name))

    @reads(pages, "/import/<name>/rows", Access.WORK)
    def refused_rows(name: str) -> str:
        return _show_rows(desk, book, _load(book, name))

    @acts(pages, "/import/<name>/rows", Access.WORK)
    def correct_rows(name: str) -> ResponseValue:
        job = _load(book, name)
        return act(lambda problem: _show_rows(desk, book, job, problem), lambda: _begin_again(desk, book, job))


def _load(book: JobBook, name: str) -> Job:
    job = book.find(name)
    if job is None:
        abort(404, "没有这次导入，或者已经清理")
    return job


# Starting ---------------------------------------------------------------------------------------------------------


def _begin(desk: Desk, book: JobBook, kind: str) -> str:
    """Take in the file of the form and start; the address of the page that tells how far it is."""
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Refused("请选择要上传的文件")
    _refuse_busy(desk)
    job = open_job(book, kind, current().name, desk.now, desk.random)
    book.forget_old(job.name)
    path = book.upload_path(job.name, file.filename)
    _keep(file, path)
    if kind == "import":
        work = _import_work(desk.court, path)
    else:
        work = _reconcile_work(desk.court, path, force=request.form.get("force") == "yes")
    start(book, job, work, _explain)
    return after("desk.intake_job", "intake-uploaded", name=job.name)


def _begin_again(desk: Desk, book: JobBook, job: Job) -> str:
    """Import what was refused once more, the rows of the form as they were corrected."""
    source = _quarantine_path(desk, job)
    if source is None:
        raise Refused("没有可以改正的行", 409)
    if book.is_taken_up(job):
        raise Refused("这些行已经改正并重新导入过，请看后一次导入的结果", 409)
    _refuse_busy(desk)
    again = open_job(book, "import", current().name, desk.now, desk.random)
    path = book.upload_path(again.name, source.name)
    count = write_corrected(source, path, read_typed(request.form))
    if not count:
        path.unlink(missing_ok=True)
        raise Refused("没有留下任何一行：不再导入的，不必提交")
    book.save(replace(job, successor=again.name))
    start(book, again, _import_work(desk.court, path), _explain)
    return after("desk.intake_job", "intake-uploaded", name=again.name)


def _refuse_busy(desk: Desk) -> None:
    """Raises Busy while another import is under way."""
    with desk.court.turns.importing():
        pass


def _keep(file: FileStorage, path: Path) -> None:
    """Write an upload where only the private side reads it."""
    descriptor = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "wb") as target:
        file.save(target, buffer_size=_COPY)


def _import_work(court: Court, path: Path) -> Work:
    def work(job: Job, progress: Callable[[int, int | None], None]) -> Job:
        importer = Importer(
            engine=court.engine,
            vault=court.vault,
            turns=court.turns,
            folder=court.private / "quarantine",
            policy=court.policy(),
        )
        try:
            report = importer.run(path, job.actor, court.now, progress)
        finally:
            path.unlink(missing_ok=True)
        return replace(
            job,
            state=ENDED,
            batch=report.batch,
            accepted=report.accepted,
            proposed=report.proposed,
            unchanged=report.unchanged,
            quarantined=len(report.quarantined),
            refused=tuple((one.line, one.field, one.reason) for one in report.quarantined[:MOST_LISTED]),
            warned=tuple((one.line, one.reason) for one in report.warnings[:MOST_LISTED]),
            quarantine=report.quarantine_file.name if report.quarantine_file else None,
        )

    return work


def _reconcile_work(court: Court, path: Path, *, force: bool) -> Work:
    def work(job: Job, progress: Callable[[int, int | None], None]) -> Job:
        reconciler = Reconciler(engine=court.engine, vault=court.vault)
        try:
            plan = reconciler.plan(path, force=force)
        finally:
            path.unlink(missing_ok=True)
        held = []
        for count, item in enumerate(plan.to_hold, start=1):
            if _hold(court, reconciler, item, job.actor):
                held.append((item.record_id, item.reason))
            progress(count, len(plan.to_hold))
        return replace(job, state=ENDED, compared=plan.compared, done=plan.rows, held=tuple(held))

    return work


def _hold(court: Court, reconciler: Reconciler, item: ToHold, actor: str) -> bool:
    """Hold an entry of the plan; False where somebody has taken it down since."""
    try:
        court.take_down(lambda session: reconciler.hold(session, item, court.acting(actor)))
    except NotAllowed:
        return False
    return True


def _explain(error: Exception) -> str:
    """What went wrong with a job, for the person; of what was not foreseen nothing, as it may hold what was in the file."""
    if isinstance(error, (*REFUSALS, UnrecognisedFile)):
        return desk_words(str(error).replace("确属完整的，加 --force 再运行", "确属完整的，勾选“仍然执行”再上传"))
    return "磁盘、数据库或者程序出错，没有办完：请稍后再试，仍不行的告诉系统管理员"


# Showing ----------------------------------------------------------------------------------------------------------


def _show_intake(desk: Desk, book: JobBook, problem: str | None = None) -> str:
    before = read_row("before")
    older = [] if before is None else [BatchRow.id < before]
    with desk.court.reading() as session:
        query = select(BatchRow).where(BatchRow.ready, *older).order_by(BatchRow.id.desc()).limit(_NEWEST + 1)
        batches = list(session.scalars(query))
        total = session.scalar(select(func.count()).select_from(BatchRow).where(BatchRow.ready)) or 0
        return show(
            "intake",
            problem=problem,
            jobs=[(job, _moment(job)) for job in book.list_newest()[:_NEWEST]],
            batches=batches[:_NEWEST],
            before=before,
            total=total,
            more=batches[_NEWEST - 1].id if len(batches) > _NEWEST else None,
            megabytes=desk.upload_limit // (1024 * 1024),
        )


def _show_job(desk: Desk, book: JobBook, job: Job) -> str:
    taken_up = book.is_taken_up(job)
    held: list[tuple[ListLine, str]] = []
    with desk.court.session() as session:
        if job.held:
            known = find_lines(session, [record for record, _ in job.held[:MOST_LISTED]])
            held = [(known[record], reason) for record, reason in job.held if record in known]
            note_read(session, "import/reconcile")
    return show(
        "intake_job",
        job=job,
        began=_moment(job),
        held=held,
        taken_up=taken_up,
        labels=LABELS,
        can_correct=_quarantine_path(desk, job) is not None and not taken_up,
        listed=MOST_LISTED,
    )


def _show_rows(desk: Desk, book: JobBook, job: Job, problem: str | None = None) -> str:
    path = _quarantine_path(desk, job)
    rows = read_rows(path) if path is not None and not book.is_taken_up(job) else []
    with desk.court.session() as session:
        note_read(session, "import/rows")
    return show("intake_rows", problem=problem, job=job, rows=rows, shown=ROWS)


def _quarantine_path(desk: Desk, job: Job) -> Path | None:
    """The file with what a job refused, if it is still there. The name comes from our own file, and is a name only."""
    if job.quarantine is None or Path(job.quarantine).name != job.quarantine:
        return None
    path = desk.court.private / "quarantine" / job.quarantine
    return path if path.is_file() else None


def _moment(job: Job) -> datetime:
    return datetime.fromisoformat(job.started_at)

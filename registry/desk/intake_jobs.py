"""Imports and comparisons that run beside the pages: what a page can say of them, kept in files of the private folder.

A job tells how far it is in a small file that every process of the desk can read, so that a page that is loaded again, or
answered by another process, says the same. It holds counts, lines and reasons, and nothing of what a line says. While it
runs, a job holds a lock of the operating system; one whose lock is free and that never came to an end was interrupted.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import structlog

from search_index.modes import make_private, open_lock, open_private

_log = structlog.get_logger("registry")
_NAME = re.compile(r"[0-9a-f]{16}")
_KEPT = 30
# Lines with a reason that a page lists; the quarantine file has them all.
MOST_LISTED = 500
SUFFIXES = (".jsonl", ".ndjson", ".json", ".xlsx", ".csv", ".txt")

FOLDER = "intake"

RUNNING, DONE, FAILED, INTERRUPTED = "running", "done", "failed", "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An import (`import`), a comparison with the full list (`reconcile`), or the approval of a batch (`approve`), as far as
    it is.

    `done` of `total` lines were read (`total` None: nobody knows). `refused` are (line, field, reason), `warned` (line,
    reason), `held` (record row, reason). `successor` is the job that took up what this one refused.
    """

    name: str
    kind: str
    actor: str
    started_at: str
    state: str = RUNNING
    done: int = 0
    total: int | None = None
    problem: str | None = None
    batch: int | None = None
    accepted: int = 0
    proposed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    compared: int = 0
    refused: tuple[tuple[int, str, str], ...] = ()
    warned: tuple[tuple[int, str], ...] = ()
    held: tuple[tuple[int, str], ...] = ()
    quarantine: str | None = None
    successor: str | None = None

    @property
    def is_over(self) -> bool:
        return self.state != RUNNING

    @property
    def percent(self) -> int | None:
        """How much of it is done, as far as that can be told."""
        return min(99, self.done * 100 // self.total) if self.total else None


@dataclass(frozen=True, slots=True)
class JobBook:
    """The jobs of a desk, in `folder` (private)."""

    folder: Path
    _written: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def draw_name(self, random: Random) -> str:
        return f"{random.getrandbits(64):016x}"

    def upload_path(self, name: str, typed: str) -> Path:
        """Where the file of a job lies while it is read; of its name only the ending is kept, and only a known one."""
        suffix = Path(typed).suffix.lower()
        return self._prepare() / f"{name}{suffix if suffix in SUFFIXES else '.txt'}"

    def save(self, job: Job) -> None:
        """Put a job's file in place of the one before, whole."""
        path = self._prepare() / f"{job.name}.job"
        with self._written:
            new = path.with_suffix(".new")
            descriptor = open_private(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(asdict(job), file, ensure_ascii=False)
            new.replace(path)

    def find(self, name: str) -> Job | None:
        """A job by the name that an address gives; None where there is none."""
        if not _NAME.fullmatch(name):
            return None
        job = self._read(self.folder / f"{name}.job")
        if job is None or job.is_over or self._is_running(name):
            return job
        # It may have ended between the two looks.
        again = self._read(self.folder / f"{name}.job")
        if again is None or again.is_over:
            return again
        return replace(
            again,
            state=INTERRUPTED,
            problem="办理中断：导入中断的，没有导入任何内容，请重新上传；核对和审核中断的，已办的有效，请再办一次",
        )

    def is_taken_up(self, job: Job) -> bool:
        """Whether what a job refused was imported again, or is just being: what failed or broke off took up nothing."""
        if job.successor is None:
            return False
        again = self.find(job.successor)
        return again is None or again.state in (RUNNING, DONE)

    def list_newest(self) -> list[Job]:
        """The jobs there are, the newest first."""
        names = [path.stem for path in self.folder.glob("*.job")] if self.folder.is_dir() else []
        found = [job for name in names if (job := self.find(name))]
        return sorted(found, key=lambda job: job.started_at, reverse=True)[:_KEPT]

    def forget_old(self, keep: str) -> None:
        """Remove the files of the oldest jobs, and whatever an interrupted one left of what was uploaded."""
        for path in self._prepare().iterdir():
            if path.suffix in SUFFIXES and path.stem != keep and not self._is_running(path.stem):
                path.unlink(missing_ok=True)
        jobs = sorted(self.folder.glob("*.job"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in jobs[_KEPT:]:
            path.unlink(missing_ok=True)
            path.with_suffix(".lock").unlink(missing_ok=True)

    @contextmanager
    def running(self, name: str) -> Iterator[None]:
        """Hold while a job runs: the lock goes with the process, however it ends."""
        with open_lock(self._prepare() / f"{name}.lock") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _is_running(self, name: str) -> bool:
        try:
            with (self.folder / f"{name}.lock").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def _read(self, path: Path) -> Job | None:
        try:
            body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        known = {f.name for f in fields(Job)}
        values = {key: value for key, value in body.items() if key in known}
        for key in ("refused", "warned", "held"):
            values[key] = tuple(tuple(item) for item in values.get(key, ()))
        return Job(**values)

    def _prepare(self) -> Path:
        make_private(self.folder)
        return self.folder


Work = Callable[[Job, Callable[[int, int | None], None]], Job]
"""Does a job: given the job and a progress to tell, gives the job as it ended; what it raises is told by `explain`."""


def start(book: JobBook, job: Job, work: Work, explain: Callable[[Exception], str]) -> None:
    """Run a job in a thread of its own, which a page does not wait for."""
    book.save(job)
    begun = threading.Event()
    thread = threading.Thread(target=_run, args=(book, job, work, explain, begun), name=f"gongshi-job-{job.name}")
    thread.start()
    # The lock is held before the first page asks whether it is.
    begun.wait()


def _run(book: JobBook, job: Job, work: Work, explain: Callable[[Exception], str], begun: threading.Event) -> None:
    with book.running(job.name):
        begun.set()

        def progress(done: int, total: int | None) -> None:
            book.save(replace(job, done=done, total=total))

        try:
            ended = work(job, progress)
        except Exception as error:
            # The error's own words may hold what was in the file.
            _log.error("job_failed", kind=job.kind, error=type(error).__name__)
            ended = replace(job, state=FAILED, problem=explain(error))
        book.save(ended)


def open_job(book: JobBook, kind: str, actor: str, now: datetime, random: Random) -> Job:
    """A new job of `actor`."""
    return Job(name=book.draw_name(random), kind=kind, actor=actor, started_at=now.isoformat())

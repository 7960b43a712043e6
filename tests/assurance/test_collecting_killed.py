"""Collecting is killed (SIGKILL) before each of its lasting changes; what was sent in is there afterwards, once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from random import Random

import pytest
from dying import LASTING
from entries import a_person
from forking import FORKING
from homes import Home, settle
from sqlalchemy import select
from submissions import PDF, PNG, a_submission, drop, seal

from gongshi.court import Court
from registry import journal
from registry.acting import SYSTEM
from registry.collecting import REFUSED_FOLDER, collect_submissions
from registry.papers import FOLDER, open_scanner, sweep_papers
from registry.tables import AuditRow, MatterRow, PaperRow, ReaderRow, SubmissionRow
from search_index.readers import digest_key
from search_index.submission import ACK, Attachment

pytestmark = pytest.mark.long


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_killed_at_each_step_nothing_is_lost_and_nothing_comes_twice(home: Home) -> None:
    court = home.court
    papers = [
        Attachment(name="一.pdf", media="application/pdf", content=PDF),
        Attachment(name="二.png", media="image/png", content=PNG),
    ]
    submissions = [a_submission(court.now - timedelta(minutes=serial), serial, *papers) for serial in (1, 2)]
    files = [*(seal(court, submission) for submission in submissions), b"garbage"]
    for instant in count(1):
        for serial, content in enumerate(files, start=1):
            drop(court, content, court.now - timedelta(minutes=serial), serial)
        if not _dies(home, instant):
            break
    assert instant > 6
    collected = collect_submissions(court, court.acting(SYSTEM), scan=open_scanner(""))
    assert collected.taken == 0
    with court.reading() as session:
        matters = session.scalars(select(MatterRow).order_by(MatterRow.id)).all()
        assert sorted(str(row.receipt) for row in matters) == sorted(one.receipt for one in submissions)
        kept = session.scalars(select(PaperRow.file)).all()
        assert len(kept) == 4
        assert len(session.scalars(select(SubmissionRow)).all()) == 3
        refused = session.scalars(select(AuditRow).where(AuditRow.action == "submission_refused")).all()
        assert len(refused) == 1
        sweep_papers(session, court.private / FOLDER, court.now + timedelta(days=800))
    assert {path.name for path in (court.private / FOLDER).iterdir()} == set(kept)
    assert list(court.drop.iterdir()) == []
    assert [path.name for path in (court.private / REFUSED_FOLDER).iterdir()] == [f"{3:032x}.sealed"]
    court.close()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_killed_at_each_step_a_readers_confirmation_counts_once(home: Home) -> None:
    home.publish(a_person(1))
    given = home.ask("reader", "add", "--name=甲", "--contact=乙", "--purpose=丙", "--as=reviewer")
    case = ("（2025）测0101执1号", "--ground", "performed", "--basis", "结案通知书")
    sequence = home.ask("remove", *case, "--as", "reviewer")["sequence"]
    court, digest = home.court, digest_key(given["key"]) or ""
    fields = {"reader": digest, "sequence": str(sequence)}
    files = [seal(court, a_submission(court.now, serial, kind=ACK, **fields)) for serial in (1, 2)]
    with court.reading() as session:
        before = journal.head(session)[0]
    for instant in count(1):
        for serial, content in enumerate(files, start=1):
            drop(court, content, court.now - timedelta(minutes=serial), serial)
        if not _dies(home, instant):
            break
    assert instant > 3
    with court.reading() as session:
        assert session.scalars(select(ReaderRow.acked)).all() == [sequence]
        assert journal.head(session)[0] == before + 1
        assert sorted(session.scalars(select(SubmissionRow.outcome))) == ["confirmed", "repeated"]
        assert session.scalars(select(MatterRow)).all() == []
    assert list(court.drop.iterdir()) == []
    court.close()


def _dies(home: Home, instant: int) -> bool:
    env = {"GONGSHI_HOME": str(home.folder), **home.databases}
    process = FORKING.Process(target=_run, args=(instant, home.clock(), env))
    process.start()
    process.join(300)
    assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
    return process.exitcode == -signal.SIGKILL


def _run(instant: int, moment: datetime, env: Mapping[str, str]) -> None:
    from sqlalchemy import Engine, event

    from gongshi.clock import World
    from gongshi.settings import read_settings

    passed = count(1)

    def pass_one(*_: object) -> None:
        if next(passed) == instant:
            os.kill(os.getpid(), signal.SIGKILL)

    settle(env)
    court = Court(read_settings(), World(now=lambda: moment, random=Random(1)))
    _ = court.vault
    event.listen(Engine, "commit", pass_one)
    sys.addaudithook(lambda name, _: pass_one() if name in LASTING else None)
    collect_submissions(court, court.acting(SYSTEM), scan=open_scanner(""))
    os._exit(0)

"""The audit trail: nothing can be altered, taken out, put in or moved without being named, and no two writers break it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from entries import a_person
from homes import START, Home
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from registry import audit
from registry.audit_chain import Fault, Head, Tampering, Verdict, record_head, verify
from registry.database import migrate, open_engine
from registry.tables import AuditHeadRow, AuditRow
from registry.vault import Vault
from search_index.day import SHANGHAI

LINES = 9
VAULT = Vault(b"a key of this test alone, thirty2")
MOMENT = datetime(2026, 11, 18, 10, 0, 0, 120, tzinfo=SHANGHAI)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trail of nine lines, written in three transactions."""
    path = tmp_path_factory.mktemp("audit") / "registry.db"
    migrate(f"sqlite:///{path}")
    engine = open_engine(f"sqlite:///{path}")
    for start in range(0, LINES, 3):
        with Session(engine) as session, session.begin():
            for n in range(start, start + 3):
                write(session, n)
    engine.dispose()
    for left in path.parent.glob("registry.db-*"):
        left.unlink()
    return path


@pytest.fixture
def trail(written: Path, tmp_path: Path) -> Iterator[Trail]:
    """A copy of it that may be spoilt."""
    made = Trail(written, tmp_path)
    yield made
    made.engine.dispose()


class Trail:
    """A trail, and the file of heads beside it."""

    def __init__(self, written: Path, folder: Path) -> None:
        self.path, self.heads = folder / "registry.db", folder / "audit-heads.log"
        self.path.write_bytes(written.read_bytes())
        self.heads.touch(0o600)
        self.engine = open_engine(f"sqlite:///{self.path}")

    def spoil(self, *statements: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement), values)

    def verify(self, *expected: Head) -> Verdict:
        with Session(self.engine) as session:
            return verify(session, VAULT, self.heads, expected)

    def keep_head(self) -> Head:
        with Session(self.engine) as session, session.begin():
            return record_head(session, VAULT, self.heads, MOMENT)

    def set_back(self, last: int) -> None:
        """Take the lines behind `last` away, as somebody does who knows how the chain ends."""
        self.spoil(
            f"DELETE FROM audit WHERE id > {last}",
            f"UPDATE audit_head SET line = {last}, link = (SELECT link FROM audit WHERE id = {last})",
        )

    def first_fault(self) -> tuple[Tampering, int]:
        fault = self.verify().faults[0]
        assert str(fault.line) in fault.reason
        return fault.kind, fault.line


def write(session: Session, n: int) -> None:
    detail = {"field": f"值 {n}", "n": n, "nothing": None, "list": ["第九条", True]} if n % 3 else None
    record, batch = (n if n % 2 else None), (n if n % 4 == 0 else None)
    audit.note(session, MOMENT + timedelta(seconds=n), "reviewer", "correct", record=record, batch=batch, detail=detail)


def test_a_trail_that_nobody_touched_is_whole(trail: Trail) -> None:
    trail.keep_head()
    verdict = trail.verify()
    # One line more: that the head was kept.
    assert (verdict.lines, verdict.linked, verdict.heads, verdict.faults) == (LINES + 1, LINES + 1, 1, ())


COLUMNS = ("at", "actor", "action", "record_id", "batch_id", "detail", "link")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(line=st.integers(1, LINES), column=st.sampled_from(COLUMNS), place=st.integers(0, 200), bit=st.integers(0, 7))
def test_whatever_byte_of_a_line_is_altered_the_line_is_named(
    trail: Trail, line: int, column: str, place: int, bit: int
) -> None:
    """Of any column, also where it leaves no date, no JSON and no text."""
    with trail.engine.begin() as connection:
        stored = connection.execute(text(f"SELECT {column} FROM audit WHERE id = :line"), {"line": line}).scalar()
    if isinstance(stored, str) and stored:
        raw = bytearray(stored.encode())
        raw[place % len(raw)] ^= 1 << bit
        spoilt: Any = bytes(raw)
        trail.spoil(f"UPDATE audit SET {column} = CAST(:spoilt AS TEXT) WHERE id = :line", spoilt=spoilt, line=line)
    else:
        spoilt = (stored or 0) ^ (1 << bit)
        trail.spoil(f"UPDATE audit SET {column} = :spoilt WHERE id = :line", spoilt=spoilt, line=line)
    assert trail.first_fault() == (Tampering.ALTERED, line)
    trail.spoil(f"UPDATE audit SET {column} = :stored WHERE id = :line", stored=stored, line=line)
    assert trail.verify().faults == ()


@pytest.mark.parametrize("column", ["record_id", "batch_id"])
def test_what_was_of_nothing_is_not_made_to_be_of_something(trail: Trail, column: str) -> None:
    number = 1 if column == "record_id" else 2
    for value in ("NULL", "7", "''", "0"):
        trail.spoil(f"UPDATE audit SET {column} = {value} WHERE id = {number}")
        with trail.engine.begin() as connection:
            stored = connection.execute(text(f"SELECT {column} FROM audit WHERE id = {number}")).scalar()
        whole = stored is None
        assert (trail.verify().faults == ()) == whole, value


@pytest.mark.parametrize("line", range(1, LINES + 1))
def test_a_line_that_was_removed_is_named(trail: Trail, line: int) -> None:
    trail.spoil(f"DELETE FROM audit WHERE id = {line}")
    assert trail.first_fault() == (Tampering.REMOVED, line)


@pytest.mark.parametrize("line", range(2, LINES + 1))
def test_a_line_that_was_removed_is_missed_even_where_the_others_close_ranks(trail: Trail, line: int) -> None:
    trail.spoil(f"DELETE FROM audit WHERE id = {line}", f"UPDATE audit SET id = id - 1 WHERE id > {line}")
    assert trail.first_fault() == ((Tampering.ALTERED, line) if line < LINES else (Tampering.REMOVED, LINES))


@given(pair=st.sets(st.integers(1, LINES), min_size=2, max_size=2))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_lines_that_changed_places_are_named(trail: Trail, pair: set[int]) -> None:
    one, other = sorted(pair)
    swap = (
        f"UPDATE audit SET id = 0 WHERE id = {one}",
        f"UPDATE audit SET id = {one} WHERE id = {other}",
        f"UPDATE audit SET id = {other} WHERE id = 0",
    )
    trail.spoil(*swap)
    assert trail.first_fault() == (Tampering.ALTERED, one)
    trail.spoil(*swap)
    assert trail.verify().faults == ()


FORGED = "INSERT INTO audit (id, at, actor, action, detail, link) SELECT {}, at, actor, action, detail, {} FROM audit"


@pytest.mark.parametrize("link", ["NULL", "link"])
def test_a_line_that_was_added_is_named(trail: Trail, link: str) -> None:
    trail.spoil(FORGED.format(LINES + 1, link) + f" WHERE id = {LINES}")
    assert trail.first_fault() == (Tampering.INSERTED, LINES + 1)


def test_a_line_that_was_put_in_between_is_named(trail: Trail) -> None:
    trail.spoil(
        "UPDATE audit SET id = -id - 1 WHERE id > 4",
        "UPDATE audit SET id = -id WHERE id < 0",
        FORGED.format(5, "NULL") + " WHERE id = 4",
    )
    assert trail.first_fault() == (Tampering.INSERTED, 5)


def rewrite(trail: Trail) -> None:
    """Write the whole trail anew, with a line more, as only somebody can who knows how it is made."""
    trail.spoil("DELETE FROM audit", "UPDATE audit_head SET line = 0, link = ''")
    with Session(trail.engine) as session, session.begin():
        for n in range(LINES + 1):
            write(session, n + 1)


def test_a_history_that_was_written_anew_as_a_whole_is_found_by_the_heads(trail: Trail) -> None:
    trail.keep_head()
    rewrite(trail)
    assert trail.first_fault() == (Tampering.REWRITTEN, LINES)


def test_without_a_head_of_earlier_days_it_is_not(trail: Trail) -> None:
    rewrite(trail)
    assert trail.verify().faults == ()


def test_what_is_missing_at_the_end_is_found_by_the_heads(trail: Trail) -> None:
    trail.keep_head()
    trail.set_back(6)
    assert trail.first_fault() == (Tampering.REMOVED, 7)


def test_a_file_of_heads_that_vanished_is_missed_also_after_the_next_head(trail: Trail) -> None:
    for _ in range(2):
        trail.keep_head()
    trail.heads.unlink()
    assert trail.verify().faults == (Fault(Tampering.HEADS_MISSING, 0),)
    trail.keep_head()
    assert trail.first_fault() == (Tampering.HEADS_CUT, 1)


def test_a_file_of_heads_that_was_cut_short_is_found_by_the_trail(trail: Trail) -> None:
    for _ in range(3):
        trail.keep_head()
    whole = trail.heads.read_text().splitlines()
    trail.heads.write_text("\n".join(whole[:2]) + "\n")
    assert trail.first_fault() == (Tampering.HEADS_CUT, 3)
    trail.heads.write_text("")
    assert trail.first_fault() == (Tampering.HEADS_CUT, 1)


def test_a_head_that_was_kept_and_not_noted_is_no_fault(trail: Trail) -> None:
    """A process that died between the two leaves a head more than the trail knows of."""
    trail.keep_head()
    with Session(trail.engine) as session:
        record_head(session, VAULT, trail.heads, MOMENT)
        session.rollback()
    trail.keep_head()
    assert trail.verify().faults == ()


def test_a_line_about_a_head_that_was_made_up_is_named(trail: Trail) -> None:
    for n, detail in enumerate(({}, {"head": "x", "seal": ""}, {"head": -1, "seal": "0"}, {"head": 7, "seal": "0"})):
        with Session(trail.engine) as session, session.begin():
            audit.note(session, MOMENT, "gongshi", "audit_head", detail=detail)
        assert trail.verify().faults[0].kind in (Tampering.ALTERED, Tampering.HEADS_CUT), n
        trail.set_back(LINES)
        assert trail.verify().faults == ()


def test_what_was_set_back_together_with_its_file_is_found_by_a_head_kept_elsewhere_alone(trail: Trail) -> None:
    kept_elsewhere = trail.keep_head()
    trail.heads.write_text("")
    trail.set_back(LINES - 3)
    assert trail.verify().faults == ()
    assert trail.verify(kept_elsewhere).faults[0].kind is Tampering.REMOVED


def test_a_head_kept_elsewhere_must_be_of_this_trail(trail: Trail) -> None:
    kept = trail.keep_head()
    assert trail.verify(kept).faults == ()
    assert trail.verify(Head(kept.line, "0" * 64)).faults[0] == Fault(Tampering.UNEXPECTED, kept.line)
    trail.heads.write_text("")
    rewrite(trail)
    assert trail.verify().faults == ()
    assert [fault.kind for fault in trail.verify(kept).faults] == [Tampering.UNEXPECTED]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lines: [lines[0].replace(f'"line": {LINES}', '"line": 3'), *lines[1:]],
        lambda lines: lines[1:],
        lambda lines: [lines[0], lines[2]],
        lambda lines: [lines[1], lines[0], lines[2]],
        lambda lines: ["{}", *lines],
        lambda lines: ["no json", *lines],
    ],
    ids=["altered", "without the first", "without the second", "exchanged", "empty", "unreadable"],
)
def test_the_file_of_heads_itself_cannot_be_altered(trail: Trail, spoil: Callable[[list[str]], list[str]]) -> None:
    for _ in range(3):
        trail.keep_head()
    assert trail.verify().heads == 3
    trail.heads.write_text("\n".join(spoil(trail.heads.read_text().splitlines())) + "\n")
    assert trail.verify().faults[-1].kind is Tampering.HEADS


def test_a_head_that_was_cut_short_swallows_no_other(trail: Trail) -> None:
    trail.keep_head()
    with trail.heads.open("a") as file:
        file.write('{"at": "2026')
    trail.keep_head()
    assert len(trail.heads.read_text().splitlines()) == 3


def test_only_its_owner_reads_the_file_of_heads(trail: Trail) -> None:
    trail.heads.unlink()
    trail.keep_head()
    assert trail.heads.stat().st_mode & 0o777 == 0o600


def test_lines_from_before_the_chain_are_vouched_for_by_its_first_link(tmp_path: Path, written: Path) -> None:
    trail = Trail(written, tmp_path)
    trail.spoil("UPDATE audit SET link = NULL", "UPDATE audit_head SET line = 0, link = ''")
    assert trail.verify().linked == 0
    with Session(trail.engine) as session, session.begin():
        write(session, 20)
    verdict = trail.verify()
    assert (verdict.lines, verdict.linked, verdict.faults) == (LINES + 1, 1, ())
    trail.spoil("UPDATE audit SET actor = 'another' WHERE id = 4")
    assert trail.first_fault() == (Tampering.ALTERED, LINES + 1)
    trail.engine.dispose()


# Writing ----------------------------------------------------------------------------------------------------------


def count(engine: Engine) -> int:
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(AuditRow)) or 0


def test_what_is_undone_leaves_no_line(trail: Trail) -> None:
    with Session(trail.engine) as session:
        write(session, 30)
        session.rollback()
        write(session, 31)
        session.commit()
    assert count(trail.engine) == LINES + 1
    assert trail.verify().faults == ()


def test_what_is_undone_to_a_savepoint_leaves_no_line_and_the_rest_does(trail: Trail) -> None:
    with Session(trail.engine) as session, session.begin():
        write(session, 40)
        with suppress(IntegrityError), session.begin_nested():
            write(session, 41)
            session.add(AuditHeadRow(id=1, line=0, link=""))
        with session.begin_nested():
            write(session, 42)
            with session.begin_nested():
                write(session, 43)
        with suppress(ZeroDivisionError), session.begin_nested():
            with session.begin_nested():
                write(session, 44)
            raise ZeroDivisionError
        write(session, 45)
    with Session(trail.engine) as session:
        lines = session.scalars(select(AuditRow).where(AuditRow.id > LINES).order_by(AuditRow.id))
        seconds = [round((line.at - MOMENT).total_seconds()) for line in lines]
    assert seconds == [40, 42, 43, 45]
    assert trail.verify().faults == ()


def test_a_transaction_reads_what_it_has_written_itself(trail: Trail) -> None:
    with Session(trail.engine) as session, session.begin():
        assert audit.find_newest(session, 77, ("hold", "lift_request")) is None
        audit.note(session, MOMENT, "clerk", "hold", record=77)
        assert audit.find_newest(session, 77, ("hold", "lift_request")) == "hold"
        audit.note(session, MOMENT, "clerk", "lift_request", record=77)
        audit.note(session, MOMENT, "clerk", "hold", record=78)
        assert audit.find_newest(session, 77, ("hold", "lift_request")) == "lift_request"
    with Session(trail.engine) as session:
        assert audit.find_newest(session, 77, ("hold", "lift_request")) == "lift_request"


WRITERS, TURNS = 4, 12


def test_writers_at_the_same_time_leave_one_unbroken_chain(home: Home) -> None:
    """Each takes other locks before, in another order: none waits for another for ever."""
    court = home.court
    faults: list[BaseException] = []

    def work(writer: int) -> None:
        engine = open_engine(court.settings.registry_database)
        try:
            for turn in range(TURNS):
                with Session(engine) as session, session.begin():
                    audit.note(session, START, f"writer {writer}", "first", detail={"turn": turn})
                    session.execute(select(AuditRow.id).limit(5)).all()
                    audit.note(session, START, f"writer {writer}", "second", detail={"turn": turn})
        except BaseException as error:
            faults.append(error)
        finally:
            engine.dispose()

    # And the line that says that the end of these was kept.
    before = court.verify_audit().lines + 1
    threads = [Thread(target=work, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    verdict = court.verify_audit()
    assert verdict.faults == ()
    assert verdict.lines == before + WRITERS * TURNS * 2
    with court.reading() as session:
        lines = list(session.execute(select(AuditRow.actor, AuditRow.action).where(AuditRow.actor.like("writer %"))))
    # What one transaction wrote stands together.
    pairs = list(zip(lines[::2], lines[1::2], strict=True))
    assert all(one.actor == other.actor and (one.action, other.action) == ("first", "second") for one, other in pairs)
    court.close()


# By the command line ----------------------------------------------------------------------------------------------


def test_the_command_says_that_the_trail_is_whole_and_keeps_its_end(home: Home) -> None:
    home.publish(a_person(1))
    said = home.ask("audit", "verify")
    assert said["whole"]
    # The first was kept when the home was made.
    assert said["heads"] == 1
    assert home.ask("audit", "verify")["heads"] == 2
    assert "逐行核对无误" in home.run("audit", "verify").out


def test_the_command_prints_the_end_of_the_chain_and_takes_it_back(home: Home) -> None:
    home.publish(a_person(1))
    found = re.search(r"链尾 (\d+:[0-9a-f]{64})：", home.run("audit", "verify").out)
    assert found is not None
    home.ask("audit", "verify", "--expect", found[1])
    line = found[1].partition(":")[0]
    said = home.run("audit", "verify", "--expect", f"{line}:{'0' * 64}")
    assert said.code == 1
    assert f"第 {line} 行与另行抄录的链尾不符" in said.out
    for typed in ("nonsense", f"{line}:12", "12"):
        said = home.run("audit", "verify", "--expect", typed)
        assert said.code == 2
        assert "行号:链接" in said.err


def test_the_command_misses_the_file_of_heads_and_init_does_not_make_it_anew(home: Home) -> None:
    home.publish(a_person(1))
    home.ask("audit", "verify")
    heads = home.court.audit_heads
    heads.unlink()
    for _ in range(2):
        said = home.run("audit", "verify")
        assert said.code == 1
        assert "audit-heads.log 不见了" in said.out
        assert home.run("init").code == 0
    assert not heads.exists()


def test_the_end_of_a_trail_cannot_be_cut_off_with_the_file_of_heads(home: Home) -> None:
    """What a database alone, set back by five lines, and a file that is gone, leave behind."""
    home.publish(a_person(1))
    home.ask("audit", "verify")
    engine = create_engine(home.court.settings.registry_database)
    with engine.begin() as connection:
        last = connection.execute(text("SELECT max(id) FROM audit")).scalar() - 5
        connection.execute(text("DELETE FROM audit WHERE id > :last"), {"last": last})
        link = text("UPDATE audit_head SET line = :last, link = (SELECT link FROM audit WHERE id = :last)")
        connection.execute(link, {"last": last})
    engine.dispose()
    home.court.audit_heads.unlink()
    assert home.run("audit", "verify").code == 1


def test_the_command_names_the_line_and_keeps_no_head_of_what_was_altered(home: Home) -> None:
    home.publish(a_person(1))
    home.ask("audit", "verify")
    engine = create_engine(home.court.settings.registry_database)
    with engine.begin() as connection:
        line = connection.execute(text("SELECT max(id) FROM audit WHERE action = 'approve'")).scalar()
        connection.execute(text("UPDATE audit SET actor = 'second' WHERE id = :line"), {"line": line})
    engine.dispose()
    said = home.run("audit", "verify", "--json")
    assert said.code == 1
    assert [(fault["kind"], fault["line"]) for fault in said.json["faults"]] == [("altered", line)]
    assert home.run("audit", "verify", "--json").json["heads"] == 2


def test_the_lines_of_a_record_can_be_read_each_with_its_article(home: Home) -> None:
    home.publish(a_person(1, name="甲测试"))
    record = home.run("audit", "list", "--as", "auditor", "--record", "（2025）测0101执1号", "--json")
    lines = record.json["lines"]
    assert [line["action"] for line in lines] == ["publish", "approve"]
    assert [line["detail"]["article"] for line in lines] == ["法释〔2017〕7号第七条", "法释〔2017〕7号第五条第三款"]
    assert "甲测试" not in json.dumps(lines, ensure_ascii=False)
    assert "publish" in home.run("audit", "list", "--as", "auditor").out


@pytest.mark.parametrize("reader", ["clerk", "nobody"])
def test_not_everybody_reads_the_trail(home: Home, reader: str) -> None:
    assert home.run("audit", "list", "--as", reader).code == 2

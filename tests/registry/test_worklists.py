"""The questions of the work lists are answered from an index, however long the list is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from homes import Home
from sqlalchemy import insert, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from gongshi.court import Court
from registry.lifecycle import Stage
from registry.tables import BatchRow, RecordRow
from registry.worklists import LIST_LABEL, NoSuchList, count_lists, counting, list_stage, paging, search, searching

LONG = 100_000


@pytest.fixture
def court(home: Home) -> Iterator[Court]:
    made = home.court
    yield made
    made.close()


def fill(court: Court, count: int, *, ready: bool = True) -> int:
    """Rows as an import leaves them, on the lists in turn; the batch."""
    with court.session() as session:
        batch = BatchRow(
            ready=ready,
            format="jsonl",
            imported_by="clerk",
            imported_at=court.now,
            accepted=count,
            unchanged=0,
            quarantined=0,
        )
        session.add(batch)
        session.flush()
        stages = [stage.value for stage in Stage]
        session.execute(
            insert(RecordRow),
            [
                {
                    "batch_id": batch.id,
                    "line": line,
                    "state": "draft",
                    "case_key": f"case{line}",
                    "identity": f"{batch.id}-{line}",
                    "likeness": f"{line}",
                    "masked": False,
                    "listing": 1,
                    "facts": {
                        "name": f"甲{line}",
                        "case_number": f"（2025）测0101执{line}号",
                        "court": "测试市人民法院",
                    },
                    "sealed": b"",
                    "source_digest": "",
                    "imported_by": "clerk",
                    "changed_at": court.now,
                    "stage": stages[line % len(stages)],
                    "name_key": f"甲{line}",
                }
                for line in range(1, count + 1)
            ],
        )
        return batch.id


def plan_of(session: Session, query: object) -> list[str]:
    """How SQLite answers a question."""
    compiled = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined]
    return [row[3] for row in session.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_every_question_is_answered_from_an_index(court: Court) -> None:
    fill(court, 300)
    with court.session() as session:
        session.execute(text("ANALYZE"))
        for stage in LIST_LABEL:
            for after in (None, 150):
                plan = plan_of(session, paging(stage, after, 51))
                assert any("USING INDEX ix_record_stage" in line for line in plan), plan
                assert not any(line.startswith("SCAN record") or "TEMP B-TREE" in line for line in plan), plan
        plan = plan_of(session, counting())
        assert any("COVERING INDEX ix_record_stage" in line for line in plan), plan
        for typed in ("SX-1234567R", "（2025）测0101执7号", "甲7"):
            for query in searching(session, typed):
                plan = plan_of(session, query.limit(100))
                assert not any(line.startswith("SCAN record") for line in plan), (typed, plan)


def test_what_an_unfinished_import_has_staged_is_not_there(court: Court) -> None:
    fill(court, 18)
    with court.reading() as session:
        before = count_lists(session)
    fill(court, 18, ready=False)
    with court.reading() as session:
        assert count_lists(session) == before
        assert sum(before[stage] for stage in LIST_LABEL) == 18
        assert sum(len(list_stage(session, stage).lines) for stage in LIST_LABEL) == 18
        assert [line.batch for line in search(session, "甲7")] == [1]


def test_a_list_that_is_none_is_refused(court: Court) -> None:
    with court.reading() as session, pytest.raises(NoSuchList):
        list_stage(session, "'; DROP TABLE record; --")


@pytest.mark.long
def test_pages_of_many_thousand_records_touch_only_what_they_show(court: Court) -> None:
    fill(court, LONG)
    with court.reading() as session:
        counts = count_lists(session)
        assert sum(counts[stage] for stage in LIST_LABEL) == LONG
        page = list_stage(session, "published", limit=50)
        assert len(page.lines) == 50
        seen, after = set(), None
        while True:
            page = list_stage(session, "completing", after=after, limit=1000)
            seen |= {line.id for line in page.lines}
            after = page.after
            if after is None:
                break
        assert len(seen) == counts["completing"]
        assert len(search(session, "甲9999")) == 11

"""A batch on the desk: the second person's word, one by one or after a sample check, with every sure finding decided."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from desk_records import answers_no, await_jobs, bring_in, count_public, find_id, resolve_all
from entries import a_person, with_term
from homes import Home
from seats import Seat, find_token, plain
from sqlalchemy import select

from gongshi.court import Court
from registry.correcting import Corrector
from registry.desk.access import Access
from registry.desk.acts_table import ACTS
from registry.tables import AuditRow, RecordRow

Client = Callable[[str], Seat]
TEXT = "支付王建国货款人民币100000元。"


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what is asked here is not asked of the database."""
    return {}


def on_term(serial: int, **changes: object) -> dict[str, object]:
    """An entry that asks nothing of art. 3."""
    return with_term(a_person(serial, **changes), "2027-01-01")


def sampled(page: str) -> list[str]:
    """The records of the sample, by their addresses."""
    part = re.search(r"样本：(.*?)</p>", page, re.S)
    assert part is not None
    return re.findall(r'href="(/records/\d+)"', part[1])


def approve_all(seat: Seat) -> str:
    """Approve the batch and wait until it was dealt with; the words of the page that says so."""
    answer = seat.submit("/batches/1", "/batches/1/approve", signed="yes")
    assert answer.status_code == 303, plain(answer.text)
    await_jobs()
    return seat.words(answer.headers["Location"].partition("?")[0])


def states(court: Court) -> list[str]:
    with court.reading() as session:
        return list(session.scalars(select(RecordRow.state).order_by(RecordRow.id)))


def put_right(court: Court, record_id: int) -> None:
    with court.session() as session:
        row = session.get_one(RecordRow, record_id)
        corrector = Corrector(vault=court.vault, policy=court.policy(), confirmed=frozenset())
        corrector.correct(session, row, [("note", "改过")], court.acting("clerk"))


@pytest.mark.long
def test_a_batch_is_approved_only_after_the_whole_sample_was_found_in_order(
    home: Home, court: Court, desk_client: Client
) -> None:
    bring_in(home, *(on_term(serial) for serial in range(1, 9)))
    seat, page = desk_client("reviewer"), "/batches/1"
    assert 'action="/batches/1/approve"' not in seat.read(page)
    # What no page offers is refused all the same.
    token = re.search(
        r'action="/batches/1/sample"[^>]*><input type="hidden" name="token" value="([^"]+)"', seat.read(page)
    )
    assert token is not None
    assert seat.post("/batches/1/approve", token=token[1], signed="yes").status_code == 403
    seat.done(page, "/batches/1/sample")
    records = sampled(seat.read(page))
    assert len(records) == len(set(records)) == 5
    for record in records[:4]:
        assert "抽查结果已经登记" in seat.done(record, f"{record}/sample", verdict="passed")
    assert 'action="/batches/1/approve"' not in seat.read(page)
    seat.done(records[4], f"{records[4]}/sample", verdict="failed")
    assert 'action="/batches/1/approve"' not in seat.read(page)
    # What was found wanting does not pass as it was.
    assert "更正后重新抽查" in seat.refused(records[4], f"{records[4]}/sample", verdict="passed")
    home.clock.advance(minutes=5)
    put_right(court, int(records[4].rsplit("/", 1)[1]))
    seat.done(records[4], f"{records[4]}/sample", verdict="passed")
    assert "院长" in seat.refused(page, "/batches/1/approve")
    assert "通过8条，未通过0条" in approve_all(seat)
    assert states(court) == ["approved"] * 8


@pytest.mark.long
def test_a_sampled_record_that_changed_since_is_looked_at_again(home: Home, court: Court, desk_client: Client) -> None:
    bring_in(home, *(on_term(serial) for serial in range(1, 4)))
    seat, page = desk_client("reviewer"), "/batches/1"
    seat.done(page, "/batches/1/sample")
    records = sampled(seat.read(page))
    for record in records:
        seat.done(record, f"{record}/sample", verdict="passed")
    waiting = seat.read(page)
    assert 'action="/batches/1/approve"' in waiting
    token = find_token(waiting, "/batches/1/approve")
    home.clock.advance(minutes=5)
    put_right(home.court, int(records[0].rsplit("/", 1)[1]))
    answer = seat.post("/batches/1/approve", signed="yes", token=token)
    assert answer.status_code == 400
    assert "没有查看" in plain(answer.text)
    assert set(states(court)) == {"draft"}


@pytest.mark.long
def test_every_sure_finding_of_a_batch_is_decided_before_it_is_approved(
    home: Home, court: Court, desk_client: Client
) -> None:
    bring_in(home, *(on_term(serial) for serial in range(1, 7)), on_term(7, obligation=TEXT))
    seat, page = desk_client("reviewer"), "/batches/1"
    record = f"/records/{find_id(court, 7)}"
    seat.done(page, "/batches/1/sample")
    for one in sampled(seat.read(page)):
        if one == record:
            assert "遮盖建议没有决定" in seat.refused(one, f"{one}/sample", verdict="passed")
            resolve_all(seat, find_id(court, 7))
        seat.done(one, f"{one}/sample", verdict="passed")
    if "work-finding--open" in seat.read(f"{record}/findings"):
        assert "第7行" in approve_all(seat)
        assert set(states(court)) == {"draft"}
        assert resolve_all(seat, find_id(court, 7)) == 1
    approve_all(seat)
    assert states(court) == ["approved"] * 7


@pytest.mark.long
def test_what_a_guard_refuses_stays_behind_and_the_batch_says_why(
    home: Home, court: Court, desk_client: Client
) -> None:
    bring_in(home, on_term(1), on_term(2, served_on=None), a_person(3))
    seat, page = desk_client("reviewer"), "/batches/1"
    seat.done(page, "/batches/1/sample")
    for one in sampled(seat.read(page)):
        seat.done(one, f"{one}/sample", verdict="passed")
    approve_all(seat)
    assert states(court) == ["approved", "draft", "draft"]
    told = seat.words(page)
    assert "送达后才能公布（法释〔2017〕7号第五条第三款）" in told
    assert "第三条的四个问题" in told
    assert "--confirm" not in told


def test_the_importer_approves_neither_the_batch_nor_one_record_of_it(
    home: Home, court: Court, desk_client: Client
) -> None:
    home.ask("import", home.write("own.jsonl", [on_term(1)]), "--as", "reviewer")
    seat, page = desk_client("reviewer"), "/batches/1"
    shown = seat.read(page)
    assert "须由另一人办理" in shown
    assert 'action="/batches/1' not in shown
    record = f"/records/{find_id(court)}"
    assert "同一人" in seat.refused(f"{record}/approve", f"{record}/approve", signed="yes")
    for action in ("sample", "approve"):
        assert seat.post(f"{page}/{action}", token=find_token(shown, "/signout"), signed="yes").status_code == 403
    assert states(court) == ["draft"]


@pytest.mark.long
def test_a_clerk_and_an_auditor_approve_nothing(home: Home, court: Court, desk_client: Client) -> None:
    bring_in(home, on_term(1))
    for name in ("clerk", "auditor"):
        seat = desk_client(name)
        seat.read("/batches/1")
        for action in ("/batches/1/sample", "/batches/1/approve", f"/records/{find_id(court)}/sample"):
            assert seat.post(action, token="x").status_code == 403, (name, action)


def test_there_is_no_way_to_the_public_that_one_person_can_go_alone(
    home: Home, court: Court, desk_client: Client
) -> None:
    """Every act of the table, by one reviewer who also imported: nothing becomes visible, whatever the order."""
    home.ask("import", home.write("own.jsonl", [on_term(1)]), "--as", "reviewer")
    home.ask("import", home.write("held.jsonl", [on_term(2)]), "--as", "clerk")
    home.ask("approve", 2, "--as", "second", "--confirm", "redactions")
    home.ask("publish")
    seat = desk_client("reviewer")
    first, second = find_id(court, 1), find_id(court, 2)
    form = {"basis": "测试依据", "arose_on": "2026-11-17", "known_on": "2026-11-18", "signed": "yes", **answers_no()}
    page = f"/records/{second}"
    seat.done(f"{page}/hold", f"{page}/hold", **form)
    assert count_public(court) == 0
    for record in (first, second):
        for one in [*ACTS, *reversed(ACTS)]:
            if one.name in ("remove", "withdraw", "attach", "correct", "restrict", "ground"):
                continue
            page = f"/records/{record}/{one.name}"
            text = seat.read(page)
            if f'action="{page}"' in text:
                seat.submit(page, page, **form, served_on="2026-11-10", until="2026-12-01")
            assert count_public(court) == 0, one.name


def test_every_act_is_a_persons_who_works_here() -> None:
    assert {one.access for one in ACTS} <= {Access.WORK, Access.DECIDE}
    alone = {one.name for one in ACTS if one.access is Access.WORK and one.access_later is None}
    # What a clerk may do alone shows nothing to anybody.
    assert alone == {"serve", "hold", "lift", "ground", "attach", "notify"}


@pytest.mark.long
def test_what_was_found_and_decided_is_in_the_audit_trail(home: Home, court: Court, desk_client: Client) -> None:
    bring_in(home, a_person(1, obligation=TEXT))
    record, seat = find_id(court), desk_client("reviewer")
    resolve_all(seat, record)
    seat.done(f"/records/{record}", f"/records/{record}/checklist", **answers_no())
    seat.done("/batches/1", "/batches/1/sample")
    seat.done(f"/records/{record}", f"/records/{record}/sample", verdict="passed")
    approve_all(seat)
    with court.reading() as session:
        lines = session.scalars(select(AuditRow).where(AuditRow.actor == "reviewer").order_by(AuditRow.id)).all()
        about = [line for line in lines if line.record_id is not None or line.batch_id is not None]
        done = [line.action for line in about if line.action != "read"]
        assert done == [
            "resolve",
            "checklist",
            "sample",
            "sample_check",
            "approve",
        ]
        assert "王建国" not in str([line.detail for line in lines])
        approved = next(line for line in lines if line.action == "approve")
        assert approved.detail["confirmed"] == ["art3", "redactions"]

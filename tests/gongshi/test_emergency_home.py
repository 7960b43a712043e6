"""Hiding on the portal, from the envelope to the decision: the registry learns of it, and showing again takes two."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from entries import a_person
from flask.testing import FlaskClient
from homes import Home
from sqlalchemy import select

from gongshi.duty import Duty
from gongshi.emergency import collect_marks
from gongshi.office import open_register
from portal.app import create_app
from registry.tables import AuditRow, EmergencyRow
from search_index.document import Document
from search_index.register import ListHidden, Register
from search_index.snapshot import StoreHidden


@pytest.fixture
def codes(home: Home) -> list[str]:
    assert home.run("user", "add", "root", "--role", "admin", typed="a-long-password\n").code == 0
    home.publish(a_person(1), a_person(2, name="乙测试𠮷"))
    made: list[str] = home.ask("emergency", "codes", "--as", "root")["codes"]
    return made


@pytest.fixture
def client(home: Home) -> Iterator[FlaskClient]:
    app = create_app(home.public_settings, home.clock)
    yield app.test_client()
    app.close()


def list_public(client: FlaskClient) -> list[str]:
    found = client.get("/api/v1/entries")
    return sorted(one["record"] for one in (found.json or {}).get("entries", ()))


def hide(client: FlaskClient, code: str, record: str = "") -> None:
    data = {"code": code, "record": record} if record else {"code": code, "whole": "yes"}
    assert client.post("/emergency", data=data).status_code == 200


@pytest.mark.parametrize("databases", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_from_the_envelope_to_two_people(home: Home, client: FlaskClient, codes: list[str]) -> None:
    court = home.court
    first, second = list_public(client)
    hide(client, codes[2], first)
    assert list_public(client) == [second]
    # The units, the gateway and the packages read by the same rule; whoever takes names back reads on.
    with court.shown.snapshot(court.now) as shown, court.store.snapshot(court.now) as whole:
        assert (shown.count(), whole.count()) == (1, 2)
    assert collect_marks(court) == 1
    assert collect_marks(court) == 0
    (line,) = home.ask("emergency", "list", "--as", "auditor")["marks"]
    assert (line["record"], line["code"], line["lifted_at"]) == (first, 3, None)
    # Every portal hides it by now, also one that has no such folder.
    mark = court.settings.marks_folder / f"{line['mark']}.mark"
    content = mark.read_bytes()
    home.clock.advance(hours=2)
    collect_marks(court)
    assert not mark.exists()
    assert client.get(f"/entries/{first}").status_code == 410
    # New codes end the old ones, and nothing that was hidden with them.
    newer = home.ask("emergency", "codes", "--as", "root")["codes"]
    assert client.post("/emergency", data={"code": codes[2], "record": second}).status_code == 403
    assert list_public(client) == [second]
    assert home.run("emergency", "lift", line["mark"], "--as", "clerk").code == 2
    assert home.ask("emergency", "lift", line["mark"], "--as", "reviewer")["lifted_at"] is None
    again = home.run("emergency", "lift", line["mark"], "--as", "reviewer")
    assert (again.code, "另一人" in again.err) == (2, True)
    assert list_public(client) == [second]
    assert home.ask("emergency", "lift", line["mark"], "--as", "second")["lifted_by"] == "second"
    assert list_public(client) == [first, second]
    # A mark that comes back, from an isolated portal or by hand, counts no more.
    mark.write_bytes(content)
    assert list_public(client) == [first, second]
    assert collect_marks(court) == 0
    hide(client, newer[0], first)
    with court.reading() as session:
        told = session.scalars(select(AuditRow.action).where(AuditRow.action.startswith("emergency"))).all()
    assert told == ["emergency_codes", "emergency_hide", "emergency_codes", "emergency_ask", "emergency_lift"]
    assert not [code for code in (*codes, *newer) if code in home.run("audit", "list", "--as", "auditor").out]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_decision_ends_the_mark_and_the_worker_does_it_all(home: Home, client: FlaskClient, codes: list[str]) -> None:
    court = home.court
    duty = Duty(court)
    first, second = list_public(client)
    hide(client, codes[0], first)
    planted = court.settings.marks_folder / "20261118100000-00000000000000ff.mark"
    planted.write_text('{"record": null, "code": 1, "at": "2026-11-18T10:00:00+08:00", "signature": "00"}')
    duty.tick()
    home.ask("withdraw", first, "--ground", "wrongly_listed", "--basis", "测试", "--as", "reviewer")
    duty.tick()
    with court.reading() as session:
        (row,) = session.scalars(select(EmergencyRow))
        assert (row.record, row.lifted_by) == (first, "gongshi")
    assert client.get(f"/entries/{first}").status_code == 410
    assert list_public(client) == [second]
    # All of it: nothing is packed either, and the worker goes on with everything else.
    hide(client, codes[1])
    assert client.get("/api/v1/entries").status_code == 503
    with court.shown.snapshot(court.now) as shown, pytest.raises(StoreHidden):
        shown.count()
    assert home.run("push", "--period", "2026Q3").code == 2
    duty.prepare()
    with pytest.raises(ListHidden):  # the package waits, and everything else has been done
        duty.send()
    assert client.get("/api/v1/entries").status_code == 503


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_is_hidden_while_a_whole_list_is_read_is_not_in_it(
    home: Home, client: FlaskClient, codes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = list_public(client)
    read_all = Register._read_all

    def read_and_hide(register: Register, now: datetime) -> Iterator[Document]:
        yield from read_all(register, now)
        hide(client, codes[0], first)

    monkeypatch.setattr(Register, "_read_all", read_and_hide)
    _, documents = open_register(home.court).everything(home.clock())
    assert [document.record for document in documents] == [second]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_worker_is_the_pulse(home: Home, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    home.publish(a_person(1))
    court = home.court
    home.clock.beats.clear()
    home.clock.advance(hours=25)
    assert client.get("/api/v1/entries").json["meta"]["stale"] is True  # type: ignore[index]
    Duty(court).prepare()
    meta = client.get("/api/v1/entries").json["meta"]  # type: ignore[index]
    assert ("stale" in meta, meta["checked_at"]) == (False, home.clock.moment.isoformat())
    # At most once a minute, and a clock that was put back is followed.
    home.clock.advance(seconds=30)
    court.publish()
    assert court.store_writer.link().pulse_at == home.clock.moment - timedelta(seconds=30)
    home.clock.advance(hours=-2)
    court.publish()
    assert court.store_writer.link().pulse_at == home.clock.moment
    home.clock.advance(hours=73)
    assert client.get("/api/v1/entries").status_code == 503
    monkeypatch.setenv("GONGSHI_HIDE_HOURS", "80")
    monkeypatch.setenv("GONGSHI_SILENT_HOURS", "74")
    court = home.court
    with court.shown.snapshot(court.now) as shown:
        assert (shown.count(), shown.freshness.is_silent) == (1, False)
    monkeypatch.setenv("GONGSHI_HIDE_HOURS", "12")
    assert "GONGSHI_HIDE_HOURS" in home.run("publish").err

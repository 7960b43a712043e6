"""The client that units embed, against a real `gongshi serve units`: its answers never outlive a departure."""

from __future__ import annotations

import ast
import base64
import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from entries import a_person
from homes import Home
from sqlalchemy import select
from standardwebhooks import Webhook

from gongshi.court import Court
from registry.matters import register_matter
from registry.matters.checking import Arrival
from registry.matters.content import Content
from registry.matters.states import Channel, Claim, MatterKind
from registry.tables import RecordRow
from registry.units.ledger import UNDER_VERIFICATION, note_verification
from search_index.day import SHANGHAI

ROOT = Path(__file__).resolve().parent.parent
CLIENT = ROOT / "docs" / "clients" / "gongshi_unit.py"
BASIS = "联合惩戒实施意见第三条"
WHO = {"purpose": "购房资格审查", "operator": "𠮷科员"}


def load_client() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gongshi_unit", CLIENT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gongshi_unit"] = module
    spec.loader.exec_module(module)
    return module


gongshi_unit = load_client()


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone."""
    return {}


class Units:
    """A process of `gongshi serve units`, beside the home that it serves."""

    def __init__(self, home: Home) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.home = home
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.home.hear()
        clean = {key: value for key, value in os.environ.items() if not key.startswith("GONGSHI_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gongshi", "serve", "units", "--bind", f"127.0.0.1:{self.port}"],
            env={**clean, "PYTHONPATH": str(ROOT), "GONGSHI_HOME": str(self.home.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        assert "已就绪" in self._process.stdout.readline()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def client(self, slug: str = "housing", **options: Any) -> Any:
        key = self.home.ask("unit", "key", "add", slug, f"{slug}-{os.urandom(3).hex()}", "--as", "reviewer")["secret"]
        return gongshi_unit.Gongshi(self.url, key, **options)

    def withdraw(self, record: str) -> None:
        basis = "（2026）测0101执监1号"
        self.home.ask("withdraw", record, "--ground", "wrongly_listed", "--basis", basis, "--as", "reviewer")


@pytest.fixture
def units(home: Home) -> Iterator[Units]:
    # The process has the machine's clock.
    home.clock.moment = datetime.now(SHANGHAI)
    home.ask(
        "unit", "add", "housing", "--name", "住房局", "--push", "--releases", "--feedback", "--basis", BASIS,
        "--as", "reviewer",
    )  # fmt: skip
    home.publish(*(a_person(serial) for serial in (1, 2, 3)))
    made = Units(home)
    made.start()
    yield made
    made.stop()


def person(serial: int) -> dict[str, str]:
    entry = a_person(serial)
    return {"name": entry["name"], "id_number": entry["id_number"]}


@pytest.mark.long
def test_a_kept_answer_is_gone_with_the_entry(units: Units) -> None:
    client = units.client()
    first = client.compare(**person(1), **WHO)
    assert (first["verdict"], first["status"], first["kept"]) == ("exact", "LISTED", False)
    assert client.compare(**person(1), **WHO)["kept"] is True
    assert client.compare(**person(2), **WHO)["kept"] is False
    units.withdraw(first["hits"][0]["record"])
    after = client.compare(**person(1), **WHO)
    assert (after["kept"], after["status"]) == (False, "RELEASED")
    assert after["hits"][0]["document"] is None
    # Another's answer stays; and what was released is asked for anew each time.
    assert client.compare(**person(2), **WHO)["kept"] is True
    assert client.compare(**person(1), **WHO)["kept"] is False
    # Somebody who was not found is found as soon as it is published.
    assert client.compare(**person(4), **WHO)["verdict"] == "none"
    assert client.compare(**person(4), **WHO)["kept"] is True
    units.home.publish(a_person(4), name="more.jsonl")
    assert client.compare(**person(4), **WHO)["verdict"] == "exact"
    # What is looked into is known at once.
    listed = client.compare(**person(4), **WHO)
    assert listed["kept"] is True
    court = units.home.court
    with court.session() as session:
        note_verification(session, listed["hits"][0]["record"], UNDER_VERIFICATION, court.acting("reviewer"))
    assert client.compare(**person(4), **WHO)["kept"] is False


@pytest.mark.long
def test_without_the_court_nothing_is_answered_and_afterwards_nothing_old(units: Units) -> None:
    client = units.client(timeout=3.0)
    record = client.compare(**person(1), **WHO)["hits"][0]["record"]
    units.stop()
    with pytest.raises(gongshi_unit.Unreachable) as caught:
        client.compare(**person(1), **WHO)
    assert person(1)["id_number"] not in str(caught.value)
    units.withdraw(record)
    units.start()
    assert client.compare(**person(1), **WHO)["status"] == "RELEASED"
    # A key that was ended says so, also where an answer was kept.
    assert client.compare(**person(2), **WHO)["kept"] is False
    for key in {one["name"] for one in units.home.ask("unit", "key", "list", "housing")["keys"]}:
        units.home.ask("unit", "key", "end", "housing", key, "--as", "reviewer")
    with pytest.raises(gongshi_unit.Refused) as refused:
        client.compare(**person(2), **WHO)
    assert (refused.value.status, refused.value.slug) == (401, "unknown-key")


@pytest.mark.long
def test_supervising_tells_of_each_departure_and_goes_on_where_it_was(units: Units, tmp_path: Path) -> None:
    client = units.client()
    sequence, entries = client.snapshot(operator="𠮷科员")
    assert (sequence, len(entries)) == (3, 3)
    kept = tmp_path / "since.txt"
    gone: list[tuple[str, int]] = []
    seen: list[str] = []
    client.supervise(kept, lambda *one: gone.append(one), on_change=lambda one: seen.append(one["type"]), rounds=1)
    assert (gone, seen, kept.read_text()) == ([], ["published"] * 3, "3")
    record = entries[0]["record"]
    # One that waits is told while it waits.
    waiting: list[Any] = []
    thread = threading.Thread(target=lambda: waiting.append(client.changes(3, wait=15)))
    thread.start()
    units.withdraw(record)
    thread.join(15)
    assert [change["type"] for change in waiting[0].changes] == ["gone"]

    def fail(_record: str, _sequence: int) -> None:
        raise RuntimeError("the unit's own system is down")

    with pytest.raises(RuntimeError):
        client.supervise(kept, fail, rounds=1)
    assert client.supervise(kept, lambda *one: gone.append(one), operator="0017", rounds=2) == 4
    assert gone == [(record, 4)]
    assert client.acknowledge(4, [record], operator="0017")["released"] == [record]
    assert client.changes(4).open_releases == 0
    assert client.entry(record) is None
    assert client.entry(entries[1]["record"])["status"] == "LISTED"
    assert [line["kind"] for line in client.ledger("ack")] == ["ack", "ack"]
    with pytest.raises(gongshi_unit.Refused) as refused:
        client.feedback("2026Q9", {}, **WHO)
    assert [one["field"] for one in refused.value.errors] == ["quarter"]
    with pytest.raises(gongshi_unit.Refused) as refused:
        client.changes(9)
    assert refused.value.status == 410


def test_events_are_believed_only_where_the_signature_fits() -> None:
    secret, other = ("whsec_" + base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
    body = json.dumps({"type": "entry.gone", "data": {"record": "SX-00000000"}}).encode()
    at = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)
    headers = {
        "Webhook-Id": "msg1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": f"v1,AAAA {Webhook(secret).sign('msg1', at, body.decode())}",
    }
    verify = gongshi_unit.verify_webhook
    assert verify(secret, headers, body, now=at.timestamp())["type"] == "entry.gone"
    assert verify([other, secret], headers, body, now=at.timestamp() + 299)["type"] == "entry.gone"
    bad: list[tuple[str, dict[str, str], bytes, float]] = [
        (other, headers, body, 0),
        (secret, headers, body + b" ", 0),
        (secret, headers, body, 301),
        (secret, headers, body, -301),
        (secret, {**headers, "Webhook-Id": "msg2"}, body, 0),
        (secret, {**headers, "Webhook-Id": "msg1.x"}, body, 0),
        (secret, {**headers, "Webhook-Timestamp": "soon"}, body, 0),
        (secret, {**headers, "Webhook-Signature": "v1,é"}, body, 0),
        (secret, {**headers, "Webhook-Signature": ""}, body, 0),
        (secret, {}, body, 0),
    ]
    for key, given, text, later in bad:
        with pytest.raises(gongshi_unit.BadSignature):
            verify(key, given, text, now=at.timestamp() + later)


def test_the_client_is_one_file_for_an_old_python_without_other_libraries() -> None:
    tree = ast.parse(CLIENT.read_text(encoding="utf-8"), feature_version=(3, 9))
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name).partition(".")[0]  # type: ignore[union-attr]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported <= sys.stdlib_module_names | {"__future__"}


@pytest.mark.parametrize("address", ["http://units.court.example", "ftp://x", "units.court.example", ""])
def test_a_key_goes_over_no_open_line(address: str) -> None:
    with pytest.raises(ValueError, match="https"):
        gongshi_unit.Gongshi(address, "gsk_x")


@pytest.mark.long
def test_a_key_that_may_not_follow_changes_compares_all_the_same(units: Units) -> None:
    made = units.home.ask("unit", "key", "add", "housing", "compare-only", "--scope", "compare", "--as", "reviewer")
    client = gongshi_unit.Gongshi(units.url, made["secret"])
    for _ in range(3):
        found = client.compare(**person(1), **WHO)
        assert (found["status"], found["kept"]) == ("LISTED", False)


@pytest.mark.long
def test_a_unit_that_is_only_told_when_it_asks_learns_of_a_verification_at_once(units: Units) -> None:
    units.home.ask("unit", "add", "asking", "--name", "只查询局", "--basis", BASIS, "--as", "reviewer")
    client = units.client("asking")
    first = client.compare(**person(1), **WHO)
    assert first["status"] == "LISTED"
    object_to(units.home.court, first["hits"][0]["record"])
    after = client.compare(**person(1), **WHO)
    assert (after["status"], after["kept"]) == ("UNDER_VERIFICATION", False)


def object_to(court: Court, number: str) -> None:
    """An objection that suspends measures."""
    with court.session() as session:
        record = session.scalars(select(RecordRow).where(RecordRow.number == number)).one()
        arrival = Arrival(
            kind=MatterKind.OBJECTION,
            channel=Channel.PAPER,
            received_on=court.today,
            content=Content(words="已经履行"),
            record=record,
            ground=Claim.PERFORMED,
        )
        register_matter(session, court.vault, arrival, court.acting("clerk"))

"""`/metrics`: every figure is there and true, none tells of anybody, and the dashboard and the rules use what exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from entries import a_person
from homes import Home
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert
from sqlalchemy.orm import Session

from gongshi.court import Court
from gongshi.duty import Duty
from gongshi.office import open_office
from gongshi.server import is_private
from gongshi.watching.figures import FIGURES
from gongshi.watching.metrics import PREFIX, create_metrics
from notifier.channels import Letter
from notifier.outbox import Draft, enqueue
from notifier.recipients import SANDBOX
from notifier.states import Purpose
from notifier.stops import open_digest
from registry.tables import BackupRow
from search_index.submission import SUFFIX

DEPLOY = Path(__file__).parents[3] / "deploy"
NAMES = {f"{PREFIX}{one.name}{'_total' if one.is_counter else ''}" for one in FIGURES}
CASE = "（2025）测0101执2号"
pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture
def court(home: Home) -> Iterator[Court]:
    made = home.court
    yield made
    made.close()


def read(court: Court) -> dict[str, dict[tuple[str, ...], float]]:
    """Every sample: by name, then by the values of its labels."""
    answer = create_metrics(court).test_client().get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_every_figure_is_there_true_and_of_nobody(home: Home, court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates = Path("/etc/ssl/certs").glob("*.pem")
    monkeypatch.setenv("GONGSHI_CERTIFICATES", str(next(certificates)))
    home.publish(*(a_person(serial, name=f"甲·测试{serial}") for serial in (1, 2, 3)))
    home.ask("withdraw", CASE, "--ground", "wrongly_listed", "--basis", "执异1号", "--as", "reviewer")
    court = home.court
    duty = Duty(court)
    duty.beat()
    duty.follow()
    home.run("doctor", "--alarm")
    court.drop.joinpath(f"{'0' * 32}{SUFFIX}").write_bytes(b"sealed")
    draft = Draft(key="x", purpose=Purpose.NOTICE, channel=SANDBOX, content=Letter(subject="测试", text="测试"))
    office = open_office(court)
    with Session(office.engine) as session, session.begin():
        enqueue(session, [draft], now=court.now, digest=open_digest(office.engine))
    made = {
        "file": "x.gsb",
        "size": 1,
        "digest": "0" * 64,
        "position": 1,
        "made_at": home.clock(),
        "verified_at": home.clock(),
    }
    with court.session() as session:
        session.execute(insert(BackupRow).values(**made))
    home.clock.advance(minutes=2)
    found = read(court)
    assert set(found) == NAMES
    assert found["gongshi_entries_public"] == {(): 2}
    assert found["gongshi_departures_total"] == {(): 1}
    assert found["gongshi_backup_age_seconds"] == {(): 120}
    assert found["gongshi_worker_beat_age_seconds"] == {(): 120}
    assert found["gongshi_submissions_waiting"] == {(): 1}
    assert found["gongshi_store_behind"] == {(): 0}
    assert set(found["gongshi_up"].values()) == {1}
    assert sum(found["gongshi_messages"].values()) > 0
    assert sum(found["gongshi_findings"].values()) > 0
    labels = {value for samples in found.values() for values in samples for value in values}
    assert all(re.fullmatch(r"[a-z_]{2,20}|[0-9]{1,2}", value) for value in labels), labels


def test_a_broken_database_hides_its_own_figures_only(home: Home, court: Court) -> None:
    assert read(court)["gongshi_up"][("notifier",)] == 1
    (home.folder / "notifier" / "notifier.db").write_bytes(b"\x07" * 40_000)
    found = read(home.court)
    assert (found["gongshi_up"][("notifier",)], found["gongshi_up"][("registry",)]) == (0, 1)
    assert "gongshi_messages_unknown_overdue" not in found
    assert "gongshi_entries_public" in found


def test_only_private_addresses_are_listened_on(home: Home) -> None:
    said = home.run("serve", "metrics", "--bind", "0.0.0.0:9464")
    assert said.code == 2
    assert "--anywhere" in said.err
    private = ("127.0.0.1", "[::1]", "10.1.2.3", "192.168.7.1", "[fd00::1]", "unix:/run/x")
    public = ("8.8.8.8", "0.0.0.0", "[::]", "[2001:4860::1]", "metrics.example")  # refused
    assert [is_private(host) for host in (*private, *public)] == [True] * len(private) + [False] * len(public)


def list_expressions(part: Any) -> Iterator[str]:
    """Every expression of Prometheus in a dashboard."""
    if isinstance(part, dict):
        yield from (part["expr"],) if "expr" in part else ()
        for one in part.values():
            yield from list_expressions(one)
    elif isinstance(part, list):
        for one in part:
            yield from list_expressions(one)


def test_the_dashboard_and_the_rules_use_the_figures_that_exist(databases: object) -> None:
    board = json.loads((DEPLOY / "grafana-gongshi.json").read_text("utf-8"))
    shown = {name for text in list_expressions(board) for name in re.findall(r"gongshi_[a-z_]+", text)}
    assert shown == NAMES
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    (group,) = yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]:
        names = set(re.findall(r"gongshi_[a-z_]+", rule["expr"]))
        assert names <= NAMES, rule["alert"]
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert re.fullmatch(r"\d+[mh]", rule["for"])
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
    assert len({rule["alert"] for rule in group["rules"]}) == len(group["rules"]) == 20

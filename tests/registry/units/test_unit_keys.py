"""Keys of units: who may use which, from where, for how long."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from homes import Home
from sqlalchemy import select
from unit_machine import Machine, add_key, problem
from unit_world import add_unit, open_units

from gongshi.units import create_units
from registry.tables import AuditRow, UnitKeyRow
from registry.units.keys import CHANGE_OVER, KEY_LASTS, Found, Scope, digest_key


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone."""
    return {}


@pytest.fixture
def app(home: Home) -> Flask:
    add_unit(home, "housing", "--push", "--releases")
    add_unit(home, "bank", "--releases")
    return open_units(home)


def test_a_wrong_an_ended_and_a_retired_units_key_are_told_the_same(home: Home, app: Flask) -> None:
    key = add_key(home, "housing", "office")
    machine = Machine(app, key)
    assert machine.get("/changes?since=0").status_code == 200
    said = [problem(Machine(app, wrong).get("/changes?since=0"), 401, "unknown-key") for wrong in
            ("", "gsk_", key[:-1], key.upper(), key + "x", "gsk_" + "é" * 10, "gsu_" + key[4:])]  # fmt: skip
    home.ask("unit", "key", "end", "housing", "office", "--as", "reviewer")
    said.append(problem(machine.get("/changes?since=0"), 401, "unknown-key"))
    other = Machine(app, add_key(home, "housing", "second"))
    assert other.get("/ledger").status_code == 200
    home.ask("unit", "retire", "housing", "--basis", "单位撤并文件第一条", "--as", "reviewer")
    answer = other.get("/ledger")
    said.append(problem(answer, 401, "unknown-key"))
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    third = Machine(app, add_key(home, "bank", "till"))
    home.clock.moment += KEY_LASTS
    said.append(problem(third.get("/ledger"), 401, "unknown-key"))
    assert all(one == said[0] for one in said)


def test_renewing_leaves_the_old_key_a_week_and_ending_leaves_nothing(home: Home, app: Flask) -> None:
    old = Machine(app, add_key(home, "housing", "office", "--scope", "ledger", "--from", "203.0.113.0/24"))
    secret = home.ask("unit", "key", "renew", "housing", "office", "--as", "reviewer")["secret"]
    new = Machine(app, secret)
    assert old.get("/ledger").status_code == new.get("/ledger").status_code == 200
    # Neither the scopes nor the addresses grow with it.
    problem(new.get("/changes?since=0"), 403, "missing-scope")
    problem(Machine(app, secret, address="198.51.100.1").get("/ledger"), 403, "wrong-address")
    home.clock.moment += CHANGE_OVER
    problem(old.get("/ledger"), 401, "unknown-key")
    assert new.get("/ledger").status_code == 200
    home.clock.moment += KEY_LASTS - CHANGE_OVER
    problem(new.get("/ledger"), 401, "unknown-key")
    newest = Machine(app, home.ask("unit", "key", "renew", "housing", "office", "--as", "reviewer")["secret"])
    home.ask("unit", "key", "end", "housing", "office", "--as", "reviewer")
    problem(newest.get("/ledger"), 401, "unknown-key")
    assert home.run("unit", "key", "renew", "housing", "office", "--as", "reviewer").code == 2
    shown = home.ask("unit", "key", "list", "housing")["keys"]
    assert [one["good"] for one in shown] == [False] * 3
    assert "gsk_" not in str(shown)


def test_a_key_may_do_what_its_scopes_say_and_no_more(home: Home, app: Flask) -> None:
    asked: dict[str, Callable[[Machine], object]] = {
        "changes": lambda one: one.get("/changes?since=0"),
        "acks": lambda one: one.post("/acks", {"sequence": 0}),
        "feedback": lambda one: one.post("/feedback", {}),
        "ledger": lambda one: one.get("/ledger"),
    }
    for scope in asked:
        machine = Machine(app, add_key(home, "bank", f"only-{scope}", "--scope", scope))
        for name, ask in asked.items():
            answer = ask(machine)
            if name == scope:
                assert answer.status_code in (200, 400)  # type: ignore[attr-defined]
            else:
                assert problem(answer, 403, "missing-scope")["scope"] == name  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("networks", "address", "admitted"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.0/24", "::ffff:203.0.113.9", True),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::/32", "203.0.113.7", False),
        ("203.0.113.0/24", "", False),
        ("203.0.113.0/24", "unix", False),
        ("", "anything", True),
    ],
)
def test_addresses(networks: str, address: str, admitted: bool) -> None:
    found = Found(id=1, name="k", unit=1, scopes=frozenset(Scope), networks=tuple(filter(None, [networks])))
    assert found.admits(address) is admitted


def test_what_a_machine_says_of_its_address_counts_for_nothing_unless_a_proxy_is_trusted(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_unit(home, "housing", "--push")
    key = add_key(home, "housing", "office", "--from", "203.0.113.7")
    direct = Machine(open_units(home), key, address="127.0.0.1")
    spoofed = {"X-Forwarded-For": "203.0.113.7", "X-Real-Ip": "203.0.113.7", "Forwarded": "for=203.0.113.7"}
    said = problem(direct.ask("GET", "/ledger", spoofed), 403, "wrong-address")
    assert "203.0.113" not in str(said)
    monkeypatch.setenv("GONGSHI_UNITS_PROXIES", "1")
    behind = Machine(create_units(home.court), key, address="127.0.0.1")
    assert behind.ask("GET", "/ledger", spoofed).status_code == 200
    # The proxy writes the last one; what stands before it the machine wrote itself.
    forged = {"X-Forwarded-For": "203.0.113.7, 198.51.100.9"}
    problem(behind.ask("GET", "/ledger", forged), 403, "wrong-address")


def test_a_key_is_never_taken_from_an_address(home: Home, app: Flask) -> None:
    key = add_key(home, "housing", "office")
    for query in (f"key={key}", f"access_token={key}", key, f"since=0&x=Bearer+{key}"):
        said = problem(Machine(app, "").get(f"/changes?{query}"), 400, "key-in-address")
        assert key not in str(said)
        problem(Machine(app, key).get(f"/changes?{query}"), 400, "key-in-address")


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("有 空格", (), "密钥名称应为"),
        ("office", ("--scope", "everything"), "没有“everything”这一权限"),
        ("office", ("--from", "203.0.113.7/24"), "地址应为"),
        ("office", ("--from", "everywhere"), "地址应为"),
        ("TAKEN", (), "已经用过"),
    ],
)
def test_what_a_key_may_not_be(home: Home, app: Flask, name: str, options: tuple[str, ...], reason: str) -> None:
    add_key(home, "bank", "taken")
    said = home.run("unit", "key", "add", "housing", name, *options, "--as", "reviewer")
    assert said.code == 2
    assert reason in said.err


def test_only_the_digest_is_kept_and_each_step_is_in_the_trail(home: Home, app: Flask) -> None:
    key = add_key(home, "housing", "office")
    assert home.run("unit", "key", "add", "housing", "more", "--as", "clerk").code == 2
    court = home.court
    with court.reading() as session:
        (row,) = session.scalars(select(UnitKeyRow)).all()
        assert row.secret == digest_key(key)
        actions = {one.action: one.detail for one in session.scalars(select(AuditRow)) if one.action == "unit_key_add"}
    assert actions["unit_key_add"]["key"] == "office"
    assert key not in str(actions)

"""Signing in: who is let in, who is not and learns nothing, and how a session begins and ends."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pyotp
import pytest
from argon2 import PasswordHasher
from flask import Flask
from homes import Home
from hypothesis import given
from hypothesis import strategies as st
from seats import HOST, PASSWORD, PLACE, Seat, find_token, plain
from sqlalchemy import select
from sqlalchemy.orm import Session

from gongshi.court import Court
from gongshi.desk import create_desk
from registry import staff
from registry.desk.credentials import (
    ADDRESS_FAILURES,
    ADDRESS_WINDOW,
    FAILURES,
    FIRST_LOCK,
    LONGEST_LOCK,
    Attempt,
    find_step,
    lock_after,
    sign_in,
)
from registry.desk.sessions import IDLE, LONGEST
from registry.staff import Role
from registry.tables import AuditRow, SessionRow, StaffRow

COOKIE = "gongshi_desk"
WRONG = "用户名、口令或者验证码不对"


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what these pages rest on is tested on both databases where it lives."""
    return {}


def attempt(name: str, password: str = PASSWORD, code: str = "", address: str = "127.0.0.1") -> Attempt:
    return Attempt(name=name, password=password, code=code, address=address)


def cookie_of(seat: Seat) -> str | None:
    found = seat.client.get_cookie(COOKIE, domain="127.0.0.1")
    return found.value if found is not None else None


def actions(court: Court) -> list[tuple[str, str]]:
    with court.reading() as session:
        return [(row.actor, row.action) for row in session.scalars(select(AuditRow).order_by(AuditRow.id))]


def test_who_is_known_is_let_in_and_sees_who_they_are(seat: Seat, court: Court) -> None:
    assert seat.ask("/").headers["Location"] == "/signin?next=/"
    answer = seat.sign_in("clerk")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "clerk（书记员）" in seat.words("/")
    assert ("clerk", "sign_in") in actions(court)


def test_the_cookie_is_kept_from_scripts_and_other_sites_and_the_database_holds_no_cookie(
    seat: Seat, court: Court
) -> None:
    answer = seat.sign_in("clerk")
    header = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith(f"{COOKIE}="))
    assert "HttpOnly" in header
    assert "SameSite=Strict" in header
    assert "Path=/" in header
    assert "Secure" not in header, "a browser on this machine speaks plainly with it"
    with court.reading() as session:
        tokens = list(session.scalars(select(SessionRow.token)))
    assert cookie_of(seat) not in tokens


def test_under_another_name_than_loopback_the_cookie_is_for_encrypted_connections_only(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGSHI_DESK_HOSTS", "desk.court.internal")
    app = create_desk(home.court)
    client, base = app.test_client(), "https://desk.court.internal"
    page = client.get("/signin", base_url=base)
    token = find_token(page.text, "/signin")
    answer = client.post(
        "/signin", data={"token": token, "name": "clerk", "password": PASSWORD}, base_url=base, headers={"Origin": base}
    )
    assert answer.status_code == 303
    header = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith(f"__Host-{COOKIE}="))
    assert "Secure" in header
    assert "Domain" not in header
    assert client.get("/", base_url=base).status_code == 200
    # A cookie that was set for the plain name is not looked at here.
    client.set_cookie(COOKIE, cookie_value(header), domain="desk.court.internal")
    client.delete_cookie(f"__Host-{COOKIE}", domain="desk.court.internal")
    assert client.get("/", base_url=base).status_code == 302


def cookie_value(header: str) -> str:
    return header.split("=", 1)[1].split(";")[0]


def test_who_is_refused_learns_nothing_of_which_names_there_are(seat: Seat) -> None:
    pages = set()
    for name, password in (
        ("clerk", "a-wrong-password"), ("nobody", PASSWORD), ("", ""), ("clerk", ""), ("CLERK", PASSWORD), ("a\0b", PASSWORD)
    ):  # fmt: skip
        answer = seat.sign_in(name, password)
        assert (answer.status_code, WRONG in plain(answer.text)) == (400, True)
        assert not password or password not in answer.text
        pages.add(re.sub(r'value="[^"]*"', "", answer.text))
    assert len(pages) == 1, "one page for every reason"
    assert cookie_of(seat) is None


def test_what_was_typed_as_a_name_that_nobody_has_is_not_written_down(seat: Seat, court: Court) -> None:
    seat.sign_in("typed-my-password-here")
    with court.reading() as session:
        written = [(row.actor, row.action, row.detail) for row in session.scalars(select(AuditRow))]
    assert ("unknown", "sign_in_refused", {}) in written
    assert "typed-my-password-here" not in str(written)


class CountingHasher(PasswordHasher):
    """A hasher that is the one in use, and counts what it is asked."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.asked: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        self.asked.append(str(hash).rsplit("$", 2)[0])
        return super().verify(hash, password)


def test_a_name_that_nobody_has_and_one_that_is_locked_cost_the_same_work(court: Court) -> None:
    hasher = CountingHasher()
    assert sign_in(court, attempt("clerk"), Random(1), hasher) is not None
    for name in ("clerk", "nobody"):
        for n in range(FAILURES + 1):
            assert sign_in(court, attempt(name, "wrong-password", address=f"{name}{n}"), Random(n), hasher) is None
    # Each attempt was one calculation, with the same parameters.
    assert len(hasher.asked) == 1 + 2 * (FAILURES + 1)
    assert len(set(hasher.asked)) == 1


def test_after_five_failures_even_the_right_password_waits_and_others_are_not_kept_out(
    seat: Seat, court: Court, home: Home, desk_client: Callable[[str], Seat]
) -> None:
    inside = desk_client("reviewer")
    for _ in range(FAILURES):
        assert seat.sign_in("reviewer", "a-wrong-password").status_code == 400
    assert seat.sign_in("reviewer").status_code == 400
    # Whoever works goes on working, and another reviewer can sign in: no departure waits for this.
    assert inside.ask("/").status_code == 200
    assert seat.sign_in("second").status_code == 303
    home.clock.advance(seconds=FIRST_LOCK.total_seconds() + 1)
    fresh = Seat(seat.client.application.test_client())
    assert fresh.sign_in("reviewer").status_code == 303
    with court.reading() as session:
        row = session.get(StaffRow, "reviewer")
        assert row is not None
        assert (row.failures, row.locked_until) == (0, None)


def test_the_wait_doubles_as_long_as_nobody_gets_in(court: Court, home: Home) -> None:
    waits = []
    for round_ in range(3):
        for n in range(FAILURES):
            wrong = attempt("clerk", "wrong-password", address=f"{round_} {n}")
            assert sign_in(court, wrong, Random(n)) is None
        with court.reading() as session:
            until = session.scalar(select(StaffRow.locked_until).where(StaffRow.name == "clerk"))
        assert until is not None
        waits.append(until - home.clock())
        home.clock.moment = until + timedelta(seconds=1)
    assert waits == [FIRST_LOCK, FIRST_LOCK * 2, FIRST_LOCK * 4]


@given(st.integers(0, 10_000))
def test_the_wait_never_shrinks_and_has_an_end(failures: int) -> None:
    now = datetime(2026, 11, 18, tzinfo=UTC)
    until = lock_after(failures, now)
    assert (until is None) == (failures < FAILURES or failures % FAILURES != 0)
    if until is not None:
        assert FIRST_LOCK <= until - now <= LONGEST_LOCK
        later = lock_after(failures + FAILURES, now)
        assert later is not None
        assert later >= until


def test_many_processes_at_once_have_no_more_tries_than_one(court: Court, home: Home) -> None:
    """Each has its own connection, as a process has; only five of fifteen guesses may have been looked at."""
    courts = [home.court for _ in range(15)]
    gate, results = threading.Barrier(len(courts)), []

    def guess(own: Court, n: int) -> None:
        gate.wait()
        # The last to be counted knows the password.
        results.append(sign_in(own, attempt("clerk", f"wrong-{n}", address=str(n)), Random(n)))
        own.close()

    threads = [threading.Thread(target=guess, args=(own, n)) for n, own in enumerate(courts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [None] * len(courts)
    with court.reading() as session:
        row = session.get(StaffRow, "clerk")
        assert row is not None
        assert (row.failures, row.locked_until) == (FAILURES, home.clock() + FIRST_LOCK)


# A version of the product that took less trouble.
OLDER = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1)


def store_as_an_older_version(court: Court) -> None:
    """Keep the clerk's password as an older version would have."""
    with court.session() as session:
        row = session.get(StaffRow, "clerk")
        assert row is not None
        row.password_hash = OLDER.hash(PASSWORD)


def test_an_address_that_tries_many_names_is_kept_out_and_its_address_is_not_kept(court: Court, home: Home) -> None:
    for n in range(ADDRESS_FAILURES):
        assert sign_in(court, attempt(f"name{n}", address="10.9.8.7"), Random(n)) is None
    assert sign_in(court, attempt("clerk", address="10.9.8.7"), Random(99)) is None
    assert sign_in(court, attempt("clerk", address="10.9.8.8"), Random(99)) is not None
    home.clock.advance(seconds=ADDRESS_WINDOW.total_seconds() + 1)
    assert sign_in(court, attempt("clerk", address="10.9.8.7"), Random(100)) is not None
    if not home.databases:
        assert b"10.9.8.7" not in (home.folder / "registry" / "registry.db").read_bytes()


def test_who_signs_in_often_is_not_taken_for_one_who_guesses(court: Court) -> None:
    for n in range(ADDRESS_FAILURES + 2):
        assert sign_in(court, attempt("clerk"), Random(n)) is not None


def test_a_session_that_was_planted_before_signing_in_is_worth_nothing(seat: Seat, court: Court) -> None:
    planted = "f" * 64
    seat.client.set_cookie(COOKIE, planted, domain="127.0.0.1")
    assert seat.sign_in("clerk").status_code == 303
    assert cookie_of(seat) not in (None, planted)
    other = Seat(seat.client.application.test_client())
    other.client.set_cookie(COOKIE, planted, domain="127.0.0.1")
    assert other.ask("/").status_code == 302


def test_signing_in_anew_in_the_same_browser_ends_what_was_there(
    desk_client: Callable[[str], Seat], court: Court
) -> None:
    first = desk_client("clerk")
    before = cookie_of(first)
    assert before is not None
    # The form is open in the browser that is signed in: as after a change of shift.
    fresh = Seat(first.client.application.test_client())
    form = find_token(fresh.read("/signin"), "/signin")
    fresh.client.set_cookie(COOKIE, before, domain="127.0.0.1")
    assert fresh.post("/signin", token=form, name="second", password=PASSWORD).status_code == 303
    assert first.ask("/").status_code == 302


def test_a_session_ends_when_nobody_uses_it_and_at_the_latest_after_ten_hours(
    desk_client: Callable[[str], Seat], home: Home
) -> None:
    idle = desk_client("clerk")
    home.clock.advance(seconds=IDLE.total_seconds() - 61)
    assert idle.ask("/").status_code == 200
    home.clock.advance(seconds=IDLE.total_seconds() - 1)
    assert idle.ask("/").status_code == 200
    home.clock.advance(seconds=IDLE.total_seconds())
    assert idle.ask("/").status_code == 302
    busy, began = desk_client("clerk"), home.clock()
    while home.clock() < began + LONGEST - timedelta(minutes=20):
        home.clock.advance(minutes=20)
        assert busy.ask("/").status_code == 200
    home.clock.moment = began + LONGEST
    assert busy.ask("/").status_code == 302


def test_signing_out_ends_the_session_everywhere_it_is_known(desk_client: Callable[[str], Seat], court: Court) -> None:
    seat = desk_client("clerk")
    cookie = cookie_of(seat)
    assert cookie is not None
    assert "已经退出登录" in seat.done("/", "/signout")
    seat.client.set_cookie(COOKIE, cookie, domain="127.0.0.1")
    assert seat.ask("/").status_code == 302
    assert ("clerk", "sign_out") in actions(court)


def test_what_is_changed_of_an_account_ends_its_sessions(desk_client: Callable[[str], Seat], court: Court) -> None:
    changes: tuple[Callable[[Session], None], ...] = (
        lambda session: staff.reset_second_factor(session, "clerk", court.now, "admin"),
        lambda session: staff.set_role(session, "clerk", Role.AUDITOR, court.now, "admin"),
        lambda session: staff.set_password(session, "clerk", PASSWORD, court.now, "admin"),
        lambda session: staff.disable(session, "clerk", court.now, "admin"),
    )
    for change in changes:
        seat = desk_client("clerk")
        with court.session() as session:
            change(session)
        assert seat.ask("/").status_code == 302


def test_an_account_that_is_disabled_signs_in_no_more(seat: Seat, court: Court) -> None:
    with court.session() as session:
        staff.disable(session, "clerk", court.now, "admin")
    assert WRONG in plain(seat.sign_in("clerk").text)


def test_after_signing_in_one_is_led_nowhere_else(seat: Seat, desk_app: Flask) -> None:
    for wanted, lead in (
        ("/runs", "/runs"), ("//evil.example.invalid", "/"), ("/\\evil.example.invalid", "/"), ("/signin", "/"),
        ("https://evil.example.invalid", "/"), ("/" + "x" * 400, "/"), ("/\r\nSet-Cookie: a=b", "/"),
    ):  # fmt: skip
        fresh = Seat(desk_app.test_client())
        token = find_token(fresh.read("/signin"), "/signin")
        answer = fresh.post("/signin", token=token, name="clerk", password=PASSWORD, next=wanted)
        assert (answer.status_code, answer.headers["Location"]) == (303, lead)


def test_nobody_is_signed_in_by_somebody_elses_page(seat: Seat, desk_app: Flask) -> None:
    """The token of the form belongs to a cookie of this browser, and the browser says where a form comes from."""
    stranger = Seat(desk_app.test_client())
    token = find_token(stranger.read("/signin"), "/signin")
    seat.read("/signin")
    answer = seat.post("/signin", token=token, name="clerk", password=PASSWORD)
    assert answer.status_code == 403
    own = find_token(seat.read("/signin"), "/signin")
    for headers in ({"Origin": "http://evil.example.invalid"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = seat.client.post(
            "/signin", data={"token": own, "name": "clerk", "password": PASSWORD}, base_url=HOST, headers=headers
        )
        assert answer.status_code == 403
    assert cookie_of(seat) is None
    assert seat.client.post(
        "/signin", data={"token": own, "name": "clerk", "password": PASSWORD}, base_url=HOST, headers=PLACE
    ).status_code == 303  # fmt: skip


# The second factor ---------------------------------------------------------------------------------------------------


def enrol(seat: Seat, home: Home) -> str:
    """Go through enrolling as a person does; the secret."""
    raw = seat.read("/account/second-factor")
    secret = "".join(plain(raw).split("密钥： ")[1].split(" 口令")[0].split())
    token = find_token(raw, "/account/second-factor")
    code = pyotp.TOTP(secret).at(home.clock())
    answer = seat.post("/account/second-factor", token=token, kept=find_kept(raw), password=PASSWORD, code=code)
    assert answer.status_code == 303, plain(answer.text)
    return secret


def find_kept(page: str) -> str:
    return page.split('name="kept" value="')[1].split('"')[0]


def test_a_second_factor_is_asked_for_once_it_is_enrolled_and_a_code_works_once(
    desk_client: Callable[[str], Seat], desk_app: Flask, court: Court, home: Home
) -> None:
    seat = desk_client("reviewer")
    elsewhere = desk_client("reviewer")
    secret = enrol(seat, home)
    assert "已启用" in seat.words("/account")
    assert elsewhere.ask("/").status_code == 302, "what was signed in without it is signed in no more"
    with court.reading() as session:
        row = session.get(StaffRow, "reviewer")
        assert row is not None
        assert row.totp is not None
        assert secret.encode() not in row.totp
    used = pyotp.TOTP(secret).at(home.clock())
    assert Seat(desk_app.test_client()).sign_in("reviewer").status_code == 400
    assert Seat(desk_app.test_client()).sign_in("reviewer", code=used).status_code == 400
    home.clock.advance(seconds=30)
    code = pyotp.TOTP(secret).at(home.clock())
    assert Seat(desk_app.test_client()).sign_in("reviewer", "a-wrong-password", code).status_code == 400
    assert Seat(desk_app.test_client()).sign_in("reviewer", code=f"{code[:3]} {code[3:]}").status_code == 303
    assert Seat(desk_app.test_client()).sign_in("reviewer", code=code).status_code == 400


def test_guessing_codes_is_counted_like_guessing_passwords(
    desk_client: Callable[[str], Seat], court: Court, home: Home
) -> None:
    secret = enrol(desk_client("reviewer"), home)
    home.clock.advance(seconds=60)
    right = pyotp.TOTP(secret).at(home.clock())
    for n in range(FAILURES):
        wrong = f"{(int(right) + 1 + n) % 1_000_000:06d}"
        assert sign_in(court, attempt("reviewer", code=wrong, address=str(n)), Random(n)) is None
    assert sign_in(court, attempt("reviewer", code=right, address="x"), Random(9)) is None


def test_an_administrator_resets_what_was_lost(desk_client: Callable[[str], Seat], desk_app: Flask, home: Home) -> None:
    enrol(desk_client("reviewer"), home)
    admin = desk_client("admin")
    admin.done("/staff", "/staff/change", name="reviewer", what="second_factor")
    assert Seat(desk_app.test_client()).sign_in("reviewer").status_code == 303


def test_where_it_is_required_reviewers_and_administrators_enrol_before_anything_else(
    court: Court, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGSHI_DESK_SECOND_FACTOR", "required")
    app = create_desk(home.court)
    for name in ("reviewer", "admin"):
        seat = Seat(app.test_client())
        seat.sign_in(name)
        for address in ("/", "/runs", "/work", "/staff", "/audit"):
            answer = seat.ask(address)
            assert answer.status_code in (303, 403), address
            if answer.status_code == 303:
                assert answer.headers["Location"] == "/account/second-factor"
        enrol(seat, home)
        assert seat.ask("/").status_code == 200
    clerk = Seat(app.test_client())
    clerk.sign_in("clerk")
    assert clerk.ask("/").status_code == 200


def test_enrolling_asks_for_the_password_and_for_a_code_of_this_secret(
    desk_client: Callable[[str], Seat], home: Home
) -> None:
    seat = desk_client("reviewer")
    page = seat.read("/account/second-factor")
    secret = "".join(plain(page).split("密钥： ")[1].split(" 口令")[0].split())
    code = pyotp.TOTP(secret).at(home.clock())
    for changes in ({"password": "a-wrong-password"}, {"code": "000000"}, {"kept": "AAAA"}, {"kept": "密"}):
        fields = {"kept": find_kept(page), "password": PASSWORD, "code": code, **changes}
        token = find_token(seat.read("/account/second-factor"), "/account/second-factor")
        answer = seat.post("/account/second-factor", token=token, **fields)
        assert answer.status_code == 400
    assert "未启用" in seat.words("/account")


@given(st.integers(0, 2**31), st.integers(-3, 3), st.integers(-2, 2))
def test_a_code_is_good_for_its_own_time_and_the_neighbours_and_never_again(at: int, off: int, last_off: int) -> None:
    secret = pyotp.random_base32()
    now = datetime.fromtimestamp(at + 10**9, UTC)
    here = (at + 10**9) // 30
    code = pyotp.TOTP(secret).generate_otp(here + off)
    found = find_step(secret, code, here + last_off, now)
    if found is not None:
        assert abs(found - here) <= 1
        assert found > here + last_off
        assert pyotp.TOTP(secret).generate_otp(found) == code
    elif abs(off) <= 1:
        assert here + off <= here + last_off


def test_a_password_that_was_stored_with_weaker_parameters_is_stored_anew(court: Court) -> None:
    store_as_an_older_version(court)
    assert sign_in(court, attempt("clerk"), Random(1)) is not None
    with court.reading() as session:
        stored = session.scalar(select(StaffRow.password_hash).where(StaffRow.name == "clerk"))
    assert stored is not None
    assert not staff.HASHER.check_needs_rehash(stored)
    assert sign_in(court, replace(attempt("clerk")), Random(2)) is not None

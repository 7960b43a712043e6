"""Who may use what: every address of the desk, each role and nobody; and what a form must bring to be carried out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask, url_for
from homes import Home
from hypothesis import given
from hypothesis import strategies as st
from seats import HOST, PLACE, Seat, find_token, plain
from sqlalchemy import text
from werkzeug.routing import Rule

from gongshi.court import Court
from gongshi.desk import create_desk
from registry import staff
from registry.desk.access import Access, may
from registry.desk.forms import LIFETIME, Refused, Sent, build_token, is_foreign, read_token
from registry.staff import Role

ROLES = {"clerk": Role.CLERK, "reviewer": Role.REVIEWER, "auditor": Role.AUDITOR, "admin": Role.ADMIN}
NOT_YOURS = "您的角色不能使用这个页面"

# Whose each address is. Whoever adds one says here whose it is, by hand.
TABLE: dict[Access, str] = {
    Access.ANYONE: "GET /signin, POST /signin",
    Access.SIGNED_IN: """
        GET /, GET /account, POST /account/deputy, POST /account/password, GET /account/second-factor,
        POST /account/second-factor, POST /account/sessions, POST /signout,
        GET /restoring, POST /restoring, POST /restoring/take-back
    """,
    Access.READ: """
        POST /alarms/seen,
        GET /work, GET /work/<>, GET /work/due, POST /work/search, GET /records/<>, GET /records/<>/findings, GET /records/<>/dossier,
        GET /import, GET /import/<>, GET /batches/<>, GET /proposals/<>,
        GET /matters, GET /matters/<>, GET /papers/<>,
        GET /letters, GET /letters/<>, GET /letters/<>/<>, POST /letters/check, GET /articles, GET /articles/<>,
        GET /units, GET /units/<>, GET /units/<>/ledger.xlsx, GET /units/<>/sheet.xlsx, GET /units/assessment.xlsx,
        GET /units/consents, GET /measures, GET /sources, GET /readers,
        GET /runs, GET /runs/<>, GET /runs/<>/preview, GET /runs/<>/r<>/<>, GET /recalls, GET /recalls.csv,
        GET /recalls.json, GET /messages, GET /messages/<>, GET /recipients, GET /printings, GET /templates, GET /actions,
        GET /inbox, GET /inbox/<>/<>, GET /inbox/<>/<>/<>,
        GET /phone, POST /phone/say, POST /phone/press, POST /phone/follow, POST /phone/leave, GET /phone/sms,
        GET /phone/sms/<>, POST /phone/sms/<>/reply
    """,
    Access.WORK: """
        GET /work/completing/table, POST /work/completing/table, POST /import, GET /import/<>/rows, POST /import/<>/rows,
        POST /import/reconcile,
        GET /records/<>/attach, POST /records/<>/attach, GET /records/<>/correct, POST /records/<>/correct,
        GET /records/<>/ground, POST /records/<>/ground, GET /records/<>/hold, POST /records/<>/hold,
        GET /records/<>/lift, POST /records/<>/lift, GET /records/<>/restrict, POST /records/<>/restrict,
        GET /records/<>/serve, POST /records/<>/serve, GET /records/<>/notify, POST /records/<>/notify,
        GET /matters/new, POST /matters/new, POST /matters/collect, POST /matters/<>/ground, POST /matters/<>/letter,
        POST /matters/<>/link, POST /matters/<>/papers, POST /matters/<>/steps/<>,
        GET /letters/new, POST /letters/new, POST /letters/<>/answer, POST /letters/<>/delivery, POST /letters/<>/recall,
        POST /letters/<>/void, GET /articles/new, POST /articles/new, GET /articles/<>/edit, POST /articles/<>/edit,
        POST /articles/<>/withdraw,
        GET /units/new, POST /units/new, GET /units/<>/edit, POST /units/<>/edit, POST /units/<>/liaison,
        POST /units/<>/receives, POST /units/quarter, POST /units/consents/<>/reported,
        POST /messages/<>/settle, POST /channels/<>/resume, POST /addresses/allow, POST /messages/<>/acknowledge,
        POST /printings, POST /printings/<>/down
    """,
    Access.DECIDE: """
        POST /records/<>/findings, POST /records/<>/checklist, POST /records/<>/sample,
        GET /records/<>/agree, POST /records/<>/agree, GET /records/<>/approve, POST /records/<>/approve,
        GET /records/<>/confirm, POST /records/<>/confirm, GET /records/<>/dismiss, POST /records/<>/dismiss,
        GET /records/<>/grace, POST /records/<>/grace, GET /records/<>/publish, POST /records/<>/publish,
        GET /records/<>/remove, POST /records/<>/remove, GET /records/<>/withdraw, POST /records/<>/withdraw,
        POST /batches/<>/approve, POST /batches/<>/sample, POST /proposals/<>,
        POST /matters/<>/carry-out, POST /matters/<>/decide/<>,
        POST /letters/<>/confirm, POST /articles/<>/agree, GET /articles/clarification, POST /articles/clarification,
        POST /units/<>/accounts, POST /units/<>/accounts/<>/renew, POST /units/<>/accounts/<>/retire,
        POST /units/<>/keys, POST /units/<>/keys/<>/renew, POST /units/<>/keys/<>/end,
        POST /units/<>/active, POST /units/<>/decide, POST /measures,
        POST /sources, POST /sources/<>/end,
        GET /readers/new, POST /readers/new, POST /readers/<>/renew, POST /readers/<>/revoke,
        POST /runs/<>/approve, POST /runs/<>/push
    """,
    Access.AUDIT: "",
    Access.TRAIL: "GET /audit, POST /audit/verify",
    Access.RUNNING: "GET /running",
    Access.ADMIN: "POST /running/read, GET /staff, POST /staff/add, POST /staff/change, POST /staff/deputy",
}
DECLARED = {one: access for access, text in TABLE.items() for one in re.split(r"\s*,\s*", text.strip()) if one}


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what these pages rest on is tested on both databases where it lives."""
    return {}


def list_addresses(app: Flask) -> list[tuple[str, str, str]]:
    """Method, shape and endpoint of every address of the desk but its style sheets."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            found += [(method, re.sub(r"<[^>]*>", "<>", rule.rule), rule.endpoint) for method in methods]
    return sorted(found)


@pytest.fixture
def training_app(court: Court) -> Flask:
    """The desk of a home for training, which has a phone, too."""
    court.set_profile(replace(court.profile(), training=True), "reviewer")
    return create_desk(court)


def test_every_address_is_somebodys_as_it_is_declared(training_app: Flask) -> None:
    table = training_app.extensions["desk_access"]
    found = {f"{method} {shape}": table.get(endpoint) for method, shape, endpoint in list_addresses(training_app)}
    assert found == DECLARED


def fill(app: Flask, rule: Rule) -> str:
    """An address of this rule, of something that is not there."""
    values: dict[str, Any] = {}
    for name in rule.arguments:
        converter = type(rule._converters[name]).__name__
        anything = {"RowNumber": 4_000_000, "IntegerConverter": 4_000_000, "AnyConverter": "pdf"}
        values[name] = anything.get(converter, "nothing")
    with app.test_request_context(base_url=HOST):
        return url_for(rule.endpoint, **values)


@pytest.mark.parametrize("name", [None, *ROLES])
def test_each_address_answers_each_role_as_declared(
    training_app: Flask, name: str | None, court: Court, home: Home
) -> None:
    """Nobody is led to the sign-in and can send nothing; who may not use a page is told so; who may, is asked for the form."""
    seat = Seat(training_app.test_client())
    if name is not None:
        assert seat.sign_in(name).status_code == 303
    for rule in training_app.url_map.iter_rules():
        address = fill(training_app, rule) if rule.endpoint != "static" else None
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            if address is None or rule.endpoint == "desk.sign_out":
                continue
            access = DECLARED[f"{method} {re.sub(r'<[^>]*>', '<>', rule.rule)}"]
            answer = seat.client.open(address, method=method, base_url=HOST, headers=PLACE)
            judge(f"{name} {method} {address}", access, ROLES.get(name or ""), answer, method)


def judge(what: str, access: Access, role: Role | None, answer: Any, method: str) -> None:
    said = answer.get_data().decode("utf-8", "replace")
    refused = NOT_YOURS in said
    if access is Access.ANYONE:
        assert answer.status_code in (200, 302, 400, 403), what
    elif role is None and method == "GET":
        assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/signin"), what
    elif role is None:
        assert (answer.status_code, "登录已经结束" in said) == (403, True), what
    elif not may(role, access):
        assert (answer.status_code, refused) == (403, True), what
    elif method == "POST":
        assert (answer.status_code, "表单不完整" in said) == (403, True), what
    else:
        assert answer.status_code in (200, 302, 303, 400, 404), what
        assert not refused, what


def test_an_address_of_which_nobody_said_whose_it_is_is_nobodys(
    court: Court, desk_client: Callable[[str], Seat], desk_app: Flask
) -> None:
    app = create_desk(court)
    app.add_url_rule("/forgotten", "forgotten", lambda: "what is inside")
    for name in ROLES:
        seat = Seat(app.test_client())
        seat.sign_in(name)
        answer = seat.ask("/forgotten")
        assert (answer.status_code, "what is inside" in answer.text) == (403, False)
    assert Seat(app.test_client()).ask("/forgotten").status_code == 302


def test_an_administrator_sees_no_record_and_an_auditor_changes_nothing() -> None:
    assert not [access for access in (Access.READ, Access.WORK, Access.DECIDE, Access.AUDIT) if may(Role.ADMIN, access)]
    assert not [access for access in (Access.WORK, Access.DECIDE, Access.ADMIN) if may(Role.AUDITOR, access)]


# Forms ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def form(desk_client: Callable[[str], Seat]) -> tuple[Seat, str]:
    """Somebody with a form in front of them, and its token."""
    seat = desk_client("clerk")
    return seat, find_token(seat.read("/account"), "/account/deputy")


DEPUTY = "/account/deputy"


def deputy_of(court: Court) -> str | None:
    with court.reading() as session:
        return next(line.deputy for line in staff.list_staff(session, court.now) if line.name == "clerk")


def test_a_form_is_carried_out_once(form: tuple[Seat, str], court: Court) -> None:
    seat, token = form
    assert seat.post(DEPUTY, token=token, deputy="reviewer").status_code == 303
    again = seat.post(DEPUTY, token=token, deputy="second")
    assert (again.status_code, "已经提交过" in again.text) == (409, True)
    assert deputy_of(court) == "reviewer"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example.invalid"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_a_form_from_elsewhere_is_refused_even_with_a_right_token(
    form: tuple[Seat, str], court: Court, headers: dict[str, str]
) -> None:
    seat, token = form
    data = {"token": token, "deputy": "reviewer"}
    assert seat.client.post(DEPUTY, data=data, headers=headers, base_url=HOST).status_code == 403
    assert deputy_of(court) is None
    # Browsers that say nothing of where a form comes from are believed by the token alone.
    assert seat.client.post(DEPUTY, data=data, base_url=HOST).status_code == 303


def test_a_token_of_another_form_or_session_or_none_is_refused(
    form: tuple[Seat, str], desk_client: Callable[[str], Seat], court: Court
) -> None:
    seat, token = form
    other = find_token(seat.read("/account"), "/account/password")
    strangers = find_token(desk_client("reviewer").read("/account"), DEPUTY)
    own_elsewhere = find_token(desk_client("clerk").read("/account"), DEPUTY)
    for wrong in (other, strangers, own_elsewhere, "", "x", token[:-1], f"{token}0", "9.9.9", "密"):
        assert seat.post(DEPUTY, token=wrong, deputy="reviewer").status_code == 403
    assert deputy_of(court) is None


def test_a_form_is_not_sent_by_an_address(form: tuple[Seat, str], court: Court) -> None:
    seat, token = form
    assert seat.ask(f"{DEPUTY}?token={token}&deputy=reviewer").status_code == 405
    answer = seat.client.post(f"{DEPUTY}?token={token}&deputy=reviewer", base_url=HOST, headers=PLACE)
    assert answer.status_code == 403
    assert deputy_of(court) is None


def test_a_form_that_is_too_large_is_refused_before_it_is_read(form: tuple[Seat, str], court: Court) -> None:
    seat, token = form
    answer = seat.post(DEPUTY, token=token, deputy="x" * 600_000)
    assert (answer.status_code, "过大" in answer.text) == (413, True)
    assert deputy_of(court) is None


@given(
    key=st.binary(min_size=32, max_size=32), address=st.text(), number=st.integers(0, 2**96 - 1), late=st.integers(-90, 10**6)
)  # fmt: skip
def test_a_token_holds_for_its_address_key_and_lifetime(key: bytes, address: str, number: int, late: int) -> None:
    now = datetime(2026, 11, 18, tzinfo=UTC)
    token = build_token(key, address, now, f"{number:024x}")
    in_time = -60 <= late <= LIFETIME.total_seconds()
    then = now + timedelta(seconds=late)
    if in_time:
        assert read_token(key, address, token, then) == f"{number:024x}"
    else:
        with pytest.raises(Refused):
            read_token(key, address, token, then)
    for other_key, other_address in ((bytes(b ^ 1 for b in key), address), (key, f"{address}/")):
        with pytest.raises(Refused):
            read_token(other_key, other_address, token, now)


@given(key=st.binary(min_size=32, max_size=32), token=st.text())
def test_no_text_is_taken_for_a_token_and_none_raises_anything_else(key: bytes, token: str) -> None:
    with pytest.raises(Refused):
        read_token(key, "/x", token, datetime(2026, 11, 18, tzinfo=UTC))


@pytest.mark.parametrize(
    ("origin", "site", "foreign"),
    [
        (None, None, False),
        ("https://desk", "same-origin", False),
        ("https://desk", None, False),
        ("https://desk:8443", None, True),
        ("null", None, True),
        ("https://desk.evil", "same-origin", True),
        (None, "cross-site", True),
        (None, "", True),
    ],
)
def test_where_a_form_comes_from(origin: str | None, site: str | None, foreign: bool) -> None:
    assert is_foreign(Sent(address="/", host="desk", origin=origin, site=site, token="")) is foreign


# Around every page ---------------------------------------------------------------------------------------------------


def test_nothing_is_kept_by_a_browser_or_shown_within_another_page(desk_client: Callable[[str], Seat]) -> None:
    seat = desk_client("clerk")
    for address in ("/", "/account", "/signin", "/nowhere", "/runs", "/staff", "/account/deputy"):
        headers = seat.ask(address).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy


def test_another_name_is_refused_before_anything_is_said(desk_app: Flask, desk_client: Callable[[str], Seat]) -> None:
    seat = desk_client("clerk")
    for host in ("evil.example.invalid", "127.0.0.1.evil.example.invalid", "127.0.0.1@evil", "desk.court.internal", ""):
        answer = seat.client.get("/", base_url=HOST, headers={"Host": host})
        assert answer.status_code in (400, 404), host
        assert "clerk" not in answer.text


def test_the_names_of_the_setting_are_answered(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGSHI_DESK_HOSTS", "desk.court.internal, gongshi.court.internal")
    client = create_desk(home.court).test_client()
    for host, status in (("desk.court.internal", 200), ("gongshi.court.internal:8443", 200), ("other.internal", 400)):
        assert client.get("/signin", base_url=f"https://{host}").status_code == status


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/nowhere", 404, "没有这个页面"),
        ("/account/deputy", 405, "这个页面不能这样打开"),
        ("/runs/2026Q9", 404, "首页"),
    ],
)
def test_an_address_with_nothing_to_show_is_a_chinese_page(
    desk_client: Callable[[str], Seat], address: str, status: int, said: str
) -> None:
    answer = desk_client("clerk").ask(address)
    assert (answer.status_code, said in plain(answer.text)) == (status, True)
    assert "Traceback" not in answer.text


def test_what_is_unforeseen_is_a_chinese_page_without_what_was_held(court: Court) -> None:
    app = create_desk(court)

    def break_down() -> str:
        raise RuntimeError("the number 990101198801248055")

    app.add_url_rule("/broken", "broken", break_down)
    app.extensions["desk_access"]["broken"] = Access.READ
    seat = Seat(app.test_client())
    seat.sign_in("clerk")
    answer = seat.ask("/broken")
    assert (answer.status_code, "程序出错" in answer.text) == (500, True)
    assert "990101" not in answer.text


def test_where_the_database_cannot_be_used_it_is_said_and_nothing_else(
    desk_client: Callable[[str], Seat], court: Court, home: Home
) -> None:
    seat = desk_client("clerk")
    with court.session() as session:
        session.execute(text("ALTER TABLE session RENAME TO elsewhere"))
    answer = seat.ask("/")
    assert (answer.status_code, "暂时不能使用" in answer.text) == (503, True)
    assert "elsewhere" not in answer.text
    assert "SELECT" not in answer.text

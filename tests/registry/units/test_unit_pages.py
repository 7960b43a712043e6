"""The pages of the units: who may see what, what is done there, and what is refused."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pytest
import structlog
from entries import a_person
from flask import Flask
from fresh import PARTS
from homes import Clock, Home
from openpyxl import load_workbook
from sqlalchemy import func, select
from unit_world import (
    OURS,
    Seat,
    add_account,
    add_first_account,
    add_unit,
    import_measures,
    open_units,
    published,
    take_seat,
)

from gongshi.court import Court
from registry.desk.forms import build_token
from registry.desk.sessions import UNITS, start_session
from registry.matters import register_matter, take_step
from registry.matters.book import get_matter
from registry.matters.checking import Arrival, Given
from registry.matters.content import Content
from registry.matters.states import Channel, Claim, MatterKind, Step
from registry.tables import AuditRow, ConsentRow, FeedbackRow, LedgerRow, RecordRow, SessionRow, UnitAccountRow
from registry.units.ledger import LedgerKind, Line, append, note_release, note_verification
from registry.units.units import get_unit
from search_index.day import SHANGHAI

pytestmark = pytest.mark.long

NASTY = "<script>alert(1)</script>\"'>"
FORMULA = "=HYPERLINK(1)"


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what these pages rest on is tested on both databases where it lives."""
    return {}


@dataclass
class Pages:
    """Two units and the leading group, each with somebody signed in."""

    home: Home
    court: Court
    app: Flask
    secrets: dict[str, str]

    def seat(self, slug: str = "housing") -> Seat:
        """Somebody of a unit who has signed in."""
        seat = take_seat(self.app)
        with self.court.session() as session:
            cookie = start_session(
                session,
                realm=UNITS,
                account=f"{slug}1",
                second_factor=False,
                now=self.court.now,
                random=self.home.random,
            )
        seat.client.set_cookie("gongshi_units", cookie)
        return seat

    def leave(self, record: str) -> None:
        self.home.ask(
            "withdraw", record, "--ground", "wrongly_listed", "--basis", "（2026）测0101执监1号", "--as", "reviewer"
        )
        with self.court.session() as session:
            note_release(session, record, self.court.acting("reviewer"))

    def count(self, row: type) -> int:
        with self.court.reading() as session:
            return session.scalar(select(func.count()).select_from(row)) or 0


SLUGS = ("housing", "tax", "group")


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory, founded: Path) -> tuple[Path, dict[str, str], datetime]:
    """A home to be copied: its folder, the password of each unit's account, and its time."""
    folder = tmp_path_factory.mktemp("furnished") / "home"
    shutil.copytree(founded, folder, symlinks=True)
    out = io.StringIO()

    def capture() -> tuple[str, str]:
        said = out.getvalue()
        out.seek(0)
        out.truncate()
        return said, ""

    home = Home(folder, Clock(), capture)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(io.StringIO()):
        patch.setenv("GONGSHI_HOME", str(folder))
        for part in PARTS:
            patch.delenv(f"GONGSHI_{part.upper()}_URL", raising=False)
        secrets = furnish(home)
    structlog.reset_defaults()
    return folder, secrets, home.clock.moment


def furnish(home: Home) -> dict[str, str]:
    """Two units and the leading group with their accounts, two entries on the list, and a quarter to report on."""
    home.clock.moment = datetime(2026, 9, 1, 9, tzinfo=SHANGHAI)
    add_unit(home, "housing", "--push", "--releases", "--feedback", name="住房局")
    add_unit(home, "tax", "--releases", "--feedback", name="税务局")
    home.ask("unit", "add", "group", "--name", "领导小组办公室", "--leading", "--as", "reviewer")
    import_measures(home, "M-1,限制购置不动产,housing", "M-2,限制税收优惠,tax")
    home.clock.moment = datetime(2026, 10, 8, 9, tzinfo=SHANGHAI)
    secrets = {slug: add_account(home, slug, f"{slug}1") for slug in SLUGS}
    home.publish(a_person(1, name="甲测试"), a_person(2, name="乙测试"))
    home.ask("unit", "open-quarter", "--as", "clerk")
    return secrets


@pytest.fixture
def pages(home: Home, furnished: tuple[Path, dict[str, str], datetime]) -> Iterator[Pages]:
    folder, secrets, home.clock.moment = furnished
    if home.databases:
        secrets = furnish(home)
    else:
        shutil.rmtree(home.folder)
        shutil.copytree(folder, home.folder, symlinks=True)
    made = home.court
    yield Pages(home, made, open_units(home), secrets)
    made.close()


def test_nobody_sees_anything_without_signing_in(pages: Pages) -> None:
    seat = take_seat(pages.app)
    for rule in pages.app.url_map.iter_rules():
        if rule.endpoint in ("static", "units.sign_in", "units.carry_out_sign_in"):
            continue
        address = re.sub(r"<[^>]*period>", "2026Q3", rule.rule)
        address = re.sub(r"<[^>]*>", "1", address)
        if rule.endpoint.startswith("unit_api."):
            # Machines: a page is nothing to them. What describes the interface says nothing of anybody.
            wanted = 200 if rule.endpoint == "unit_api.describe" else 401
            asked = seat.post(address, {}) if "POST" in (rule.methods or ()) else seat.get(address)
            assert asked.status_code == wanted, address
            continue
        if "GET" in (rule.methods or ()):
            answer = seat.get(address)
            assert answer.status_code == 302, address
            assert answer.headers["Location"] == "/signin"
        if "POST" in (rule.methods or ()):
            assert seat.post(address, {}).status_code == 403, address


def test_every_page_is_private_and_says_so(pages: Pages) -> None:
    answer = pages.seat().get("/")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "script" not in answer.headers["Content-Security-Policy"]
    assert take_seat(pages.app).client.get("/signin", base_url="http://evil.example").status_code == 400


def test_signing_in_by_password_and_by_token(pages: Pages) -> None:
    token = pages.home.ask("unit", "token", "tax", "tax-t", "--as", "reviewer")["secret"]
    assert "税务局" in take_seat(pages.app, "", token).words("/")
    assert "住房局" in pages.seat().words("/")
    seat = take_seat(pages.app)
    wrong = [
        seat.sign_in(*typed) for typed in (("housing1", "wrong"), ("nobody", "x"), ("", token + "x"), ("tax-t", token))
    ]
    assert [answer.status_code for answer in wrong] == [400] * 4
    # Neither which names there are nor which part was wrong.
    assert "账户或者口令不正确" in wrong[0].text
    assert "账户或者口令不正确" in wrong[1].text


def test_a_password_with_blanks_at_its_ends_is_that_password(pages: Pages) -> None:
    own, seat = "  an own password ", pages.seat()
    assert (
        seat.send("/account", "/account/password", old=pages.secrets["housing"], new=own, again=own).status_code == 303
    )
    assert take_seat(pages.app).sign_in("housing1", own.strip()).status_code == 400
    assert take_seat(pages.app).sign_in(" housing1 ", own).status_code == 303
    token = pages.home.ask("unit", "token", "tax", "tax-t", "--as", "reviewer")["secret"]
    # What is copied brings blanks along.
    assert take_seat(pages.app).sign_in("", f" {token}\t").status_code == 303


def test_guessing_locks_the_account_whatever_comes_next(pages: Pages) -> None:
    seat = take_seat(pages.app)
    for _ in range(5):
        assert seat.sign_in("housing1", "guess").status_code == 400
    assert seat.sign_in("housing1", pages.secrets["housing"]).status_code == 400
    with pages.court.reading() as session:
        row = session.scalars(select(UnitAccountRow).where(UnitAccountRow.name == "housing1")).one()
        assert row.failures == 5
        assert session.scalars(select(AuditRow.action)).all().count("unit_locked") == 1
    pages.home.clock.advance(minutes=16)
    # One more wrong one locks again, the right one opens.
    assert seat.sign_in("housing1", "guess").status_code == 400
    assert seat.sign_in("housing1", pages.secrets["housing"]).status_code == 400
    pages.home.clock.advance(minutes=16)
    assert seat.sign_in("housing1", pages.secrets["housing"]).status_code == 303


def test_a_session_is_a_new_one_and_ends(pages: Pages) -> None:
    seat = take_seat(pages.app)
    seat.client.set_cookie("gongshi_units", "f" * 64)
    assert seat.sign_in("housing1", pages.secrets["housing"]).status_code == 303
    cookie = seat.client.get_cookie("gongshi_units")
    assert cookie is not None
    assert cookie.value != "f" * 64
    with pages.court.reading() as session:
        assert cookie.value not in session.scalars(select(SessionRow.token)).all()
    stolen = take_seat(pages.app)
    stolen.client.set_cookie("gongshi_units", cookie.value)
    assert stolen.get("/").status_code == 200
    seat.send("/", "/signout")
    assert stolen.get("/").status_code == 302
    idle = pages.seat()
    pages.home.clock.advance(minutes=31)
    assert idle.get("/").status_code == 302


@pytest.mark.parametrize("end", ["retire account", "renew account", "retire unit", "expire"])
def test_whoever_may_not_any_more_is_out_at_once(pages: Pages, end: str) -> None:
    seat = pages.seat()
    assert seat.get("/").status_code == 200
    if end == "retire account":
        pages.home.ask("unit", "account", "housing", "housing1", "--retire", "--as", "reviewer")
    elif end == "renew account":
        pages.home.ask("unit", "account", "housing", "housing1", "--renew", "--as", "reviewer")
    elif end == "retire unit":
        pages.home.ask("unit", "retire", "housing", "--basis", "机构改革方案", "--as", "reviewer")
    else:
        pages.home.clock.advance(days=181)
    assert seat.get("/").status_code == 302
    assert take_seat(pages.app).sign_in("housing1", pages.secrets["housing"]).status_code == 400


def test_a_password_that_the_court_has_given_is_changed_before_anything_else(pages: Pages) -> None:
    first = pages.home.ask("unit", "account", "housing", "housing1", "--renew", "--as", "reviewer")["secret"]
    seat = take_seat(pages.app, "housing1", first)
    for address in ("/", "/releases", "/feedback/2026Q3", "/ledger", "/complaints"):
        answer = seat.get(address)
        assert (answer.status_code, answer.headers.get("Location")) == (303, "/account"), address
    page = seat.page("/account")
    assert "先改成只有您自己知道的新口令" in page
    assert "主要栏目" not in page, "there is nowhere to go to"
    token = seat.tokens("/account")["/account/password"]
    for action in ("/feedback/2026Q3", "/releases/1/done"):
        answer = seat.post(action, {"token": token})
        assert (answer.status_code, answer.headers.get("Location")) == (303, "/account"), action
    for fields, said in (
        ({"old": first, "new": "short", "again": "short"}, "10"),
        ({"old": first, "new": "a-new-password", "again": "another"}, "不一样"),
        ({"old": "wrong", "new": "a-new-password", "again": "a-new-password"}, "不正确"),
        ({"old": first, "new": first, "again": first}, "不能和原口令"),
    ):
        assert said in seat.refused("/account", "/account/password", **fields)
    answer = seat.send("/account", "/account/password", old=first, new="a-new-password", again="a-new-password")
    assert answer.headers["Location"] == "/signin?done=changed"
    pages.home.clock.advance(days=30)
    assert take_seat(pages.app).sign_in("housing1", first).status_code == 400
    assert take_seat(pages.app, "housing1", "a-new-password").get("/").status_code == 200


def test_a_first_password_ends_and_an_own_one_is_renewed_before_it_does(pages: Pages) -> None:
    first = add_first_account(pages.home, "tax", "tax2")
    pages.home.clock.advance(days=14)
    assert "已经过期" in take_seat(pages.app).sign_in("tax2", first).text
    own = pages.secrets["housing"]
    pages.home.clock.advance(days=180 - 14 - 14 - 1)
    assert take_seat(pages.app, "housing1", own).get("/").status_code == 200
    pages.home.clock.advance(days=1)
    assert take_seat(pages.app, "housing1", own).get("/").headers["Location"] == "/account"


def test_forms_of_others_and_forms_sent_twice_are_refused(pages: Pages) -> None:
    seat, other = pages.seat(), pages.seat("tax")
    action = "/feedback/2026Q3"
    token = seat.tokens(action)[action]
    fields = {"do": "submit", "remarks": "甲", "token": token}
    assert other.post(action, fields).status_code == 403
    assert seat.post(action, {**fields, "token": ""}).status_code == 403
    assert seat.post(action, {**fields, "token": "é"}).status_code == 403
    assert seat.post("/consents/new", fields).status_code == 403
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert seat.post(action, fields, headers).status_code == 403
    assert pages.count(FeedbackRow) == 0
    assert seat.post(action, fields).status_code == 303
    assert seat.post(action, fields).status_code == 409
    assert pages.count(FeedbackRow) == 1
    # Somebody else's page cannot sign anybody in either.
    stranger = take_seat(pages.app)
    page_token = stranger.tokens("/signin")["/signin"]
    typed = {"name": "housing1", "secret": pages.secrets["housing"], "token": page_token}
    assert take_seat(pages.app).post("/signin", typed).status_code == 403
    assert stranger.post("/signin", typed, {"Origin": "http://evil.example"}).status_code == 403
    assert stranger.post("/signin", typed, OURS).status_code == 303


def test_feedback_is_saved_submitted_and_corrected(pages: Pages) -> None:
    seat, action = pages.seat(), "/feedback/2026Q3"
    assert "2026年第三季度" in seat.words("/")
    seat.done(action, action, do="save", **{"checked.M-1": "30"}, remarks="甲")
    assert 'value="30"' in seat.page(action)
    assert "待反馈" in seat.words("/feedback")
    assert "整数" in seat.refused(action, action, do="submit", **{"checked.M-1": "-1"})
    assert "整数" in seat.refused(action, action, do="submit", **{"checked.M-1": "三"})
    seat.done(action, action, do="submit", **{"checked.M-1": "30", "applied.M-1": "2"}, remarks="甲")
    assert "按时反馈" in seat.words("/feedback")
    assert "没有到期的反馈" in seat.words("/")
    seat.done(action, action, do="submit", **{"checked.M-1": "31"}, remarks="甲")
    assert "已更正1次" in seat.words("/feedback")
    assert seat.get("/feedback/2020Q1").status_code == 404
    assert seat.get("/feedback/x").status_code == 404


def test_a_departure_is_lifted_and_what_is_kept_is_written_down(pages: Pages) -> None:
    first, _ = published(pages.court)
    pages.leave(first)
    seat = pages.seat()
    assert f"{first}" in seat.words("/")
    page = seat.page("/releases")
    number = re.search(r"/releases/(\d+)/done", page)[1]  # type: ignore[index]
    retain = f"/releases/{number}/retain"
    assert "法律依据" in seat.refused("/releases", retain, measure="M-1", basis="", ends_on="2027-01-01")
    assert "例如 2026-10-08" in seat.refused("/releases", retain, measure="M-1", basis="某条", ends_on="x")
    assert "本单位负责" in seat.refused("/releases", retain, measure="M-2", basis="某条", ends_on="2027-01-01")
    assert "继续保留：限制购置不动产" in seat.done(
        "/releases", retain, measure="M-1", basis="不动产登记暂行条例某条", ends_on="2027-01-01"
    )
    assert "没有等待解除的条目" in seat.done("/releases", f"/releases/{number}/done")
    assert "限制购置不动产，保留至2027年1月1日" in seat.words("/releases")
    # When its end has come it is asked for, until it is lifted.
    pages.home.clock.moment = datetime(2027, 1, 4, 9, tzinfo=SHANGHAI)
    seat = pages.seat()
    assert "1 项继续保留的措施期限已经届满" in seat.words("/")
    assert "保留到期，应当解除（1）" in seat.words("/releases")
    (action,) = [one for one in seat.tokens("/releases") if one.startswith("/retained/")]
    # Nobody else lifts it.
    stranger = pages.seat("tax")
    assert stranger.post(action, {"token": forge(pages, stranger, action)}).status_code == 400
    assert "保留到期的措施已经解除" in seat.done("/releases", action)
    assert "保留到期，应当解除" not in seat.words("/releases") + seat.words("/")
    # The other unit has one of its own, and cannot touch this one.
    other = pages.seat("tax")
    tokens = other.tokens("/releases")
    assert f"/releases/{number}/done" not in tokens
    own = next(action for action in tokens if action.endswith("/done"))
    assert own != f"/releases/{number}/done"


def test_no_unit_sees_or_does_anything_of_another(pages: Pages) -> None:
    first, _ = published(pages.court)
    pages.leave(first)
    mine, other = pages.seat(), pages.seat("tax")
    mine.done("/refusals", "/refusals/new", record=first, measure="M-1", reason="理由只给本单位")
    mine.done("/consents", "/consents/new", record=first, measure="M-1", reason="涉及民生工程")
    mine.done("/feedback/2026Q3", "/feedback/2026Q3", do="submit", remarks="反馈只给法院")
    with pages.court.session() as session:
        unit = get_unit(session, "housing")
        line = Line(
            unit_id=unit.id,
            kind=LedgerKind.PUSH,
            at=pages.court.now,
            by="gongshi",
            key="push/x",
            period="2026Q3",
            count=2,
        )
        append(session, [line])
    (acknowledge,) = [action for action in mine.tokens("/") if action.startswith("/lists/")]
    for address in ("/", "/ledger", "/refusals", "/consents", "/feedback", "/feedback/2026Q3", "/releases", "/account"):
        words = other.page(address)
        for private in ("理由只给本单位", "涉及民生工程", "反馈只给法院", "住房局", "M-1"):
            assert private not in words, (address, private)
    # The number of a line or a release of another unit does nothing, though form and session are right.
    with pages.court.reading() as session:
        unit_id = get_unit(session, "housing").id
        release = session.scalars(
            select(LedgerRow.id).where(LedgerRow.unit_id == unit_id, LedgerRow.kind == LedgerKind.RELEASE.value)
        ).one()
    before = pages.count(LedgerRow)
    for action in (acknowledge, f"/releases/{release}/done"):
        answer = other.post(action, {"token": forge(pages, other, action)})
        assert answer.status_code == 400
    assert pages.count(LedgerRow) == before
    # The leading group sees what was agreed to, and nothing else of the unit.
    group = pages.seat("group")
    assert "涉及民生工程" in group.words("/consents")
    assert "住房局仍予以同意" in group.words("/")
    assert "理由只给本单位" not in group.page("/refusals")
    assert "反馈只给法院" not in group.page("/feedback")


def forge(pages: Pages, seat: Seat, action: str) -> str:
    """A right token for an action that no page of this session offers."""
    with pages.court.reading() as session:
        keys = session.execute(select(SessionRow.form_key, SessionRow.account)).all()
    key = next(key for key, account in keys if account == "tax1")
    assert seat.get("/").status_code == 200
    return build_token(bytes.fromhex(key), action, pages.court.now, sha256(action.encode()).hexdigest()[:24])


def test_what_is_typed_is_shown_as_text_and_is_no_formula_in_a_sheet(pages: Pages) -> None:
    first, _ = published(pages.court)
    seat = pages.seat()
    pages.home.ask("unit", "change", "tax", "--name", NASTY, "--as", "reviewer")
    import_measures(pages.home, f"M-1,{FORMULA},housing")
    seat.done("/consents", "/consents/new", record=first, measure="M-1", reason=NASTY)
    seat.done("/refusals", "/refusals/new", record=first, measure="M-1", reason=FORMULA)
    seat.done("/feedback/2026Q3", "/feedback/2026Q3", do="submit", remarks=NASTY)
    for address in ("/", "/consents", "/refusals", "/feedback/2026Q3", "/ledger", "/releases", "/account"):
        for who in (seat, pages.seat("tax"), pages.seat("group")):
            page = who.page(address)
            assert "<script" not in page, address
    refused = seat.send("/consents", "/consents/new", record=NASTY, measure=NASTY, reason=NASTY)
    assert refused.status_code == 400
    assert "<script" not in refused.text
    book = load_workbook(io.BytesIO(seat.get("/ledger.xlsx").data))
    cells = [cell for row in book.worksheets[0].iter_rows() for cell in row if cell.value is not None]
    assert len(cells) > 10
    assert {cell.data_type for cell in cells} <= {"s", "n"}


@pytest.mark.parametrize(
    "address", ["/ledger?page=0", "/ledger?page=x", "/ledger?page=999999", "/ledger?kind=%00", "/releases?page=²"]
)
def test_odd_questions_get_a_page(pages: Pages, address: str) -> None:
    assert pages.seat().get(address).status_code == 200


def test_odd_names_get_an_answer(pages: Pages) -> None:
    seat = take_seat(pages.app)
    for name in ("\0", "x" * 5000, "甲\ud7ff", "'; DROP TABLE unit; --", "\u202e"):
        assert seat.sign_in(name, "x\0").status_code == 400
    assert pages.seat().get("/complaints/99999999999").status_code == 404
    assert pages.seat().post("/feedback/2026Q3", {"remarks": "x" * 300_000}).status_code == 413


def test_an_objection_under_verification_is_shown_with_what_the_public_sees(pages: Pages) -> None:
    first, _ = published(pages.court)
    with pages.court.session() as session:
        note_verification(session, first, "UNDER_VERIFICATION", pages.court.acting("reviewer"))
    words = pages.seat().words("/")
    assert "暂不执行" in words
    assert first in words
    assert "测试" in words


def test_a_refusal_because_of_what_is_being_looked_into_is_told_so(pages: Pages) -> None:
    first, second = published(pages.court)
    with pages.court.session() as session:
        record = session.scalars(select(RecordRow).where(RecordRow.number == first)).one()
        arrival = Arrival(
            kind=MatterKind.OBJECTION,
            channel=Channel.PAPER,
            received_on=pages.court.today,
            content=Content(words="已经履行"),
            record=record,
            ground=Claim.PERFORMED,
        )
        register_matter(session, pages.court.vault, arrival, pages.court.acting("clerk"))
    seat = pages.seat()
    said = seat.done("/refusals", "/refusals/new", record=first, measure="M-1", reason="")
    assert "核实期间暂不执行联合惩戒措施：请暂不据此限制" in said
    assert "核实期间" not in seat.done("/refusals", "/refusals/new", record=second, measure="M-1", reason="")
    assert "该条目的异议正在核实" in seat.words("/ledger")


def test_nothing_that_is_sealed_is_on_any_page(pages: Pages) -> None:
    first, _ = published(pages.court)
    pages.leave(first)
    pages.home.ask("unit", "liaison", "housing", "--name", "甲联络", "--phone", "13900000009", "--as", "clerk")
    seat = pages.seat()
    said = "".join(
        seat.page(address) for address in ("/", "/releases", "/ledger", "/consents", "/refusals", "/account")
    )
    for private in ("990101", "1390000", "1380000", "秘密单位", "秘密路", "乙申请", "甲联络", "内部备注"):
        assert private not in said


def test_a_list_is_acknowledged_once(pages: Pages) -> None:
    with pages.court.session() as session:
        unit = get_unit(session, "housing")
        line = Line(
            unit_id=unit.id,
            kind=LedgerKind.PUSH,
            at=pages.court.now,
            by="gongshi",
            key="push/y",
            period="2026Q3",
            count=2,
        )
        append(session, [line])
    seat = pages.seat()
    (action,) = [action for action in seat.tokens("/") if action.startswith("/lists/")]
    assert "已经确认收到" in seat.done("/", action)
    assert seat.post(action, {"token": "x"}).status_code == 403
    assert [action for action in seat.tokens("/") if action.startswith("/lists/")] == []


def test_who_agrees_without_a_reason_is_told_so(pages: Pages) -> None:
    first, _ = published(pages.court)
    seat = pages.seat()
    assert "理由" in seat.refused("/consents", "/consents/new", record=first, measure="M-1", reason="")
    assert pages.count(ConsentRow) == 0


def test_a_complaint_goes_to_its_unit_alone_which_answers_without_learning_who_complained(pages: Pages) -> None:
    court = pages.court
    content = Content(words=f"住房局没有限制{NASTY}", who="己投诉", phone="13900000008")
    with court.session() as session:
        arrival = Arrival(kind=MatterKind.COMPLAINT, channel=Channel.PAPER, received_on=court.today, content=content)
        number = register_matter(session, court.vault, arrival, court.acting("clerk")).id
    with court.session() as session:
        row = get_matter(session, number)
        assert row is not None
        given = Given(unit=get_unit(session, "housing").id)
        take_step(session, court.vault, row, Step.ROUTE, court.acting("clerk"), given)
    mine, other, address = pages.seat(), pages.seat("tax"), f"/complaints/{number}"
    assert other.get(address).status_code == 404
    assert address not in other.page("/complaints")
    assert "1 件等待本单位调查答复" in mine.words("/")
    page = mine.page(address)
    assert "住房局没有限制" in page
    assert "<script" not in page
    for private in ("己投诉", "13900000008"):
        assert private not in page
    mine.refused(address, f"{address}/answer", answer=" ")
    stranger = other.post(f"{address}/answer", {"token": forge(pages, other, f"{address}/answer"), "answer": "甲"})
    assert stranger.status_code == 404
    assert "答复已经提交" in mine.done(address, f"{address}/answer", answer="已经调查，措施已经实施")
    assert f"{address}/answer" not in mine.page(address)
    with court.reading() as session:
        reads = session.scalars(select(AuditRow.actor).where(AuditRow.action == "read")).all()
    assert "unit:housing1" in reads

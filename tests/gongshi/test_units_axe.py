"""The pages of the units in a browser: by keyboard alone, and nothing that keeps anybody out."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from datetime import date, datetime

import pytest
from axe_playwright_python.sync_playwright import Axe
from entries import a_person
from homes import Home
from playwright.sync_api import Page, sync_playwright
from sqlalchemy import select
from werkzeug.serving import WSGIRequestHandler, make_server

from gongshi.court import Court
from gongshi.units import create_units
from registry.tables import UnitRow
from registry.units.ledger import LedgerKind, Line, append, note_release, note_verification
from search_index.day import SHANGHAI

pytestmark = pytest.mark.browser

# The words of the link or button that has the focus.
FOCUSED = "document.activeElement.matches('a, button') ? document.activeElement.innerText : ''"
BASIS = "联合惩戒实施意见第三条"
OWN = "own-password-1"


class Quiet(WSGIRequestHandler):
    """A server that does not tell of every request."""

    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def court(home: Home) -> Iterator[Court]:
    """A unit that owes feedback and a release, while an objection is looked into."""
    home.clock.moment = datetime(2026, 9, 1, 9, tzinfo=SHANGHAI)
    home.ask(
        "unit", "add", "housing", "--name", "住房局", "--releases", "--feedback", "--basis", BASIS, "--as", "reviewer"
    )
    path = home.folder.parent / "measures.csv"
    path.write_text(f"代码,措施,责任单位,依据\nM-1,限制购置不动产,housing,{BASIS}\n", encoding="utf-8")
    home.ask("unit", "measure", "import", path, "--as", "reviewer")
    home.clock.moment = datetime(2026, 10, 8, 9, tzinfo=SHANGHAI)
    home.publish(a_person(1, name="扎西测试"), a_person(2, name="卓玛测试"))
    home.ask("unit", "open-quarter", "--as", "clerk")
    made = home.court
    first, second = find_records(made)
    home.ask("withdraw", first, "--ground", "wrongly_listed", "--basis", "（2026）测0101执监1号", "--as", "reviewer")
    with made.session() as session:
        note_release(session, first, made.acting("reviewer"))
        note_verification(session, second, "UNDER_VERIFICATION", made.acting("reviewer"))
        unit = session.scalars(select(UnitRow.id)).one()
        kept = {
            "unit_id": unit,
            "at": made.now,
            "by": "unit:housing1",
            "record": first,
            "measure": "M-1",
            "basis": BASIS,
        }
        # One whose end has come, and one that may stay.
        for day in (date(2026, 10, 7), date(2027, 6, 1)):
            append(session, [Line(kind=LedgerKind.RETAINED, ends_on=day, **kept)])
    yield made
    made.close()


@pytest.fixture
def address(court: Court) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_units(court), threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()


@pytest.fixture
def page() -> Iterator[Page]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser.new_page()
        browser.close()


def find_records(court: Court) -> list[str]:
    with court.store.snapshot(court.now) as snapshot:
        return sorted(document.record for document in snapshot.all())


def check(page: Page) -> None:
    """Nothing for axe to find, and nothing wider than a phone."""
    violations = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in violations] == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 900})


def press_to(page: Page, words: str) -> None:
    """Go with the tabulator to what bears these words, and press it."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if words in page.evaluate(FOCUSED):
            with page.expect_navigation():
                page.keyboard.press("Enter")
            return
    raise AssertionError(f"cannot be reached with the keyboard: {words}")


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_units_day_by_keyboard_alone(home: Home, court: Court, address: str, page: Page) -> None:
    secret = home.ask("unit", "account", "housing", "housing1", "--as", "reviewer")["secret"]
    page.goto(address)
    check(page)
    page.focus("[name=name]")
    page.keyboard.type("housing1")
    page.keyboard.press("Tab")
    page.keyboard.type(secret)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/account")
    check(page)
    for name, typed in (("old", secret), ("new", OWN), ("again", OWN)):
        page.focus(f"[name={name}]")
        page.keyboard.type(typed)
    press_to(page, "更改口令")
    assert "请用新口令登录" in page.content()
    page.focus("[name=name]")
    page.keyboard.type("housing1")
    page.keyboard.press("Tab")
    page.keyboard.type(OWN)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/")
    check(page)
    assert "卓玛测试" in page.content() or "扎西测试" in page.content()
    press_to(page, "去登记解除")
    check(page)
    press_to(page, "登记已解除")
    assert "保留到期的措施已经解除" in page.content()
    press_to(page, "措施已经解除")
    assert "已经登记解除" in page.content()
    check(page)
    press_to(page, "季度反馈")
    check(page)
    press_to(page, "2026年第三季度")
    check(page)
    page.focus('[name="checked.M-1"]')
    page.keyboard.type("12")
    press_to(page, "提交反馈")
    assert "反馈已经提交" in page.content()
    for place in ("refusals", "consents", "ledger", "complaints", "account"):
        page.goto(f"{address}/{place}")
        check(page)

"""Every page in headless Chromium: axe-core finds nothing, and nothing is wider than the screen."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from portal_world import COMPANY, EMBLEM, PERSON, World
from werkzeug.serving import WSGIRequestHandler, make_server

from search_index.submission import certificate_key, draw_receipt, draw_verify, token_of

pytestmark = pytest.mark.browser

RECEIPT, CODE, VERIFY = draw_receipt(Random(1)), "01234-56789", draw_verify(Random(1))
SCREENS = {"phone": (390, 844), "desktop": (1280, 900)}


class SilentHandler(WSGIRequestHandler):
    """The development server writes addresses to its log; here nobody reads them."""

    def log(self, type: str, message: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("axe") / "public")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, world: World) -> Iterator[dict[str, str]]:
    """Addresses of every kind of page, of a portal that runs."""
    profile = replace(world.profile, training=True, emblem=EMBLEM, emblem_type="image/svg+xml", policy="yunnan")
    world.set_profile(profile)
    person, company, departed, *_ = world.publish(
        PERSON,
        COMPANY,
        replace(PERSON, name="已撤样"),
        replace(PERSON, name="阎样例", court="样例县人民法院", region="样例县"),
        *(replace(PERSON, case_number=f"（2026）测9901执{n}号") for n in range(100, 150)),
    )
    world.withdraw(departed.record)
    for key, kind in enumerate(("case", "reward", "sanctions", "exit", "clarification"), start=1):
        body = {"kind": kind, "title": f"样例文章 {key}", "text": "第一段。\n第二段。", "published_on": "2026-07-01"}
        world.tell("article", str(key), body)
    world.tell("submission", token_of(RECEIPT, CODE), {"state": "rejected", "on": "2026-08-01", "until": "2026-08-11"})
    world.tell("certificate", certificate_key(VERIFY), {"issued_on": "2026-08-01"})
    counts = {"departures": 12, "on_time": 11, "late": 1, "median_days": 1.5}
    world.tell("figures", "departures", {"from": "2026-04-01", "to": "2026-06-30", **counts})
    broken = World(tmp_path_factory.mktemp("axe-broken") / "public")
    broken_app, busy_app = broken.build_app(), world.build_app(rate_limit=True)
    (broken.folder / "disclosed.db").unlink()

    @broken_app.get("/breaks")
    def breaks() -> str:
        raise RuntimeError

    busy = busy_app.test_client()
    for _ in range(61):
        busy.get("/search")
    servers = [
        make_server("127.0.0.1", 0, app, threaded=True, request_handler=SilentHandler)
        for app in (world.build_app(), broken_app, busy_app)
    ]
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    good, bad, limited = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    yield {
        "home": f"{good}/",
        "results": f"{good}/search?q=扎西",
        "filtered": f"{good}/search?q=借款&kind=person&from=2026-01-01&page=2",
        "representative": f"{good}/search?q=李样例",
        "narrowed": f"{good}/search?performance=部分未履行&from=2026-01-01",
        "near": f"{good}/search?q=闫样例",
        "no hit": f"{good}/search?q=查无此名",
        "suggestions": f"{good}/search?q=李样例 查无此名&court=样例县人民法院",
        "past the end": f"{good}/search?page=99",
        "person": f"{good}/entries/{person.record}",
        "company": f"{good}/entries/{company.record}",
        "check": f"{good}/check",
        "rights": f"{good}/rights",
        "about": f"{good}/about",
        "privacy": f"{good}/privacy",
        "objection": f"{good}/objections/new?record={person.record}",
        "complaint": f"{good}/complaints/new",
        "state": f"{good}/objections/state",
        "articles": f"{good}/articles",
        "article": f"{good}/articles/1",
        "notices": f"{good}/notices",
        "certificates": f"{good}/certificates",
        "statistics": f"{good}/stats",
        "posts": f"{good}/stats/post",
        "interface": f"{good}/api",
        "no objection now": f"{bad}/objections/new",
        "400": f"{good}/search?kind=nobody&colour=red",
        "404": f"{good}/nothing",
        "410": f"{good}/entries/{departed.record}",
        "429": f"{limited}/search",
        "500": f"{bad}/breaks",
        "503": f"{bad}/",
    }
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(
    params=[
        ("phone", True),
        ("desktop", False),
        *(pytest.param(other, marks=pytest.mark.soak) for other in (("phone", False), ("desktop", True))),
    ],
    ids=str,
)
def screen(request: pytest.FixtureRequest, browser: Browser) -> Iterator[tuple[Page, bool]]:
    name, elder = request.param
    width, height = SCREENS[name]
    page = browser.new_page(viewport={"width": width, "height": height})
    yield page, elder
    page.close()


def test_no_page_has_a_fault(screen: tuple[Page, bool], site: dict[str, str]) -> None:
    page, elder = screen
    faults = {}
    for name, address in site.items():
        page.goto(in_mode(address, elder))
        faults[name] = find_faults(page)
    assert {name: found for name, found in faults.items() if found} == {}


@pytest.mark.parametrize(
    ("outcome", "head", "tail"),
    [
        ("公开的信息与您一致", "9901011980", "0017"),
        ("有同名的人，但号码与您不同", "9901011981", "0017"),
        ("填写有误", "99", ""),
    ],
)
def test_no_answer_of_the_check_has_a_fault(
    screen: tuple[Page, bool], site: dict[str, str], outcome: str, head: str, tail: str
) -> None:
    page, elder = screen
    page.goto(in_mode(site["check"], elder))
    page.fill("#name", PERSON.name)
    page.fill("#head", head)
    page.fill("#tail", tail)
    with page.expect_navigation():
        page.click("main button")
    assert outcome in page.title()
    assert ("mode=elder" in page.url) is elder
    assert find_faults(page) == []


@pytest.mark.parametrize(
    ("page_name", "typed", "told"),
    [
        ("state", {"receipt": RECEIPT, "code": CODE}, "已驳回"),
        ("state", {"receipt": RECEIPT, "code": "00000-00000"}, "没有查到"),
        ("state", {"receipt": "x", "code": "x"}, "受理号有误"),
        ("certificates", {"number": VERIFY}, "证明有效"),
        ("certificates", {"number": "x"}, "验证号有误"),
    ],
)
def test_no_answer_about_a_number_has_a_fault(
    screen: tuple[Page, bool], site: dict[str, str], page_name: str, typed: dict[str, str], told: str
) -> None:
    page, elder = screen
    page.goto(in_mode(site[page_name], elder))
    for name, value in typed.items():
        page.fill(f"#{name}", value)
    with page.expect_navigation():
        page.click("main button")
    assert told in page.inner_text("main")
    assert find_faults(page) == []


def test_an_objection_is_filled_in_by_keyboard_alone_and_no_page_on_the_way_has_a_fault(
    screen: tuple[Page, bool], site: dict[str, str], world: World
) -> None:
    page, elder = screen
    page.goto(in_mode(site["objection"], elder))
    press(page, "提交")
    assert "处需要改正" in page.inner_text("main")
    assert find_faults(page) == []
    page.focus("#claim")
    page.keyboard.press("Space")
    for key in ("Tab", "Tab"):
        page.keyboard.press(key)
    page.keyboard.type("已经付清。")
    page.focus("#role")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("扎西·测试")
    page.keyboard.press("Tab")
    page.keyboard.type("000-00000000")
    world.now += timedelta(seconds=60)
    press(page, "提交")
    assert "SL-" in page.inner_text("main")
    assert find_faults(page) == []


def press(page: Page, label: str) -> None:
    page.get_by_role("button", name=label, exact=True).focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_nothing_is_asked_of_another_host_and_no_policy_is_broken(browser: Browser, site: dict[str, str]) -> None:
    page = browser.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    for name in ("home", "results", "person", "check", "rights", "objection", "articles"):
        page.goto(site[name])
    page.close()
    assert all(Path(url).parts[1].startswith("127.0.0.1:") for url in asked)
    assert said == []


def test_an_entry_prints_on_one_page(browser: Browser, site: dict[str, str]) -> None:
    page = browser.new_page()
    page.goto(site["person"])
    page.emulate_media(media="print")
    assert page.is_visible("text=查询时间")
    assert not page.is_visible("nav")
    printed = page.pdf(prefer_css_page_size=True)
    page.close()
    assert printed.count(b"/Type /Page\n") == 1


def in_mode(address: str, elder: bool) -> str:
    if not elder:
        return address
    return f"{address}{'&' if '?' in address else '?'}mode=elder"


def find_faults(page: Page) -> list[str]:
    """What axe-core finds, of whatever weight, and whether the page must be scrolled sideways."""
    results = Axe().run(page)
    assert results.response["passes"], "axe-core did not look at the page"
    found = [
        f"{violation['id']}: {node['html']}"
        for violation in results.response["violations"]
        for node in violation["nodes"]
    ]
    root = "document.documentElement"
    if page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"):
        found.append("wider than the screen")
    return found

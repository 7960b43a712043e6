"""The screen of a hall in Chromium: a name that departs is gone in five seconds, and a screen that is alone names nobody."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import running_browser, serving
from entries import a_person
from homes import Home
from playwright.sync_api import Browser, Page, Route, expect
from portal_world import COMPANY, PERSON, World

from gongshi.clock import system_now
from portal.parameters import CONDUCT
from search_index.document import DisclosedConduct

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
SCREENS = {"wall": (1920, 1080), "upright": (1080, 1920), "phone": (390, 844)}
UNREACHED = "名单暂时无法更新"
LINES = ".led-lines .led-row"
CUT_OFF = """() => [...document.querySelectorAll('.led-lines .led-row, .led-head, .led-main, .led-foot')]
    .filter(one => one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1)
    .map(one => `${one.innerText} ${one.scrollHeight}/${one.clientHeight} ${one.scrollWidth}/${one.clientWidth}`)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as started:
        yield started


@pytest.fixture
def site(world: World) -> Iterator[str]:
    """A portal whose clock stands still."""
    with serving(world.build_app()) as address:
        yield address


@pytest.fixture(params=SCREENS)
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    width, height = SCREENS[request.param]
    opened = browser.new_page(viewport={"width": width, "height": height})
    yield opened
    opened.close()


@pytest.fixture
def wall(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1920, "height": 1080})
    yield opened
    opened.close()


def holds(page: Page, name: str) -> bool:
    """Whether the name is anywhere in the page, seen or not."""
    return name in page.content() or name in page.title()


def wait(page: Page, true: Callable[[], bool], seconds: float) -> float:
    """How long it takes until something is true; fails after `seconds`."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, page.inner_text("body")
        page.wait_for_timeout(50)
    return time.monotonic() - began


# A real court ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def served(home: Home) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A court with two entries, and its portal as a process of its own, with the limits that it has."""
    home.clock.moment = system_now()
    home.publish(a_person(1, name="甲测试"), a_person(2, name="乙测试"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GONGSHI_")}
    portal = subprocess.Popen(
        [sys.executable, "-m", "gongshi", "serve", "portal", "--bind", bind],
        env={**clean, "PYTHONPATH": str(ROOT), "GONGSHI_HOME": str(home.folder), **home.databases},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
    )  # fmt: skip
    assert portal.stdout is not None
    try:
        assert portal.stdout.readline() == f"公示网站已就绪：http://{bind}\n"
        yield f"http://{bind}", portal
    finally:
        kill(portal)
        portal.stdout.close()


def kill(portal: subprocess.Popen[str]) -> None:
    if portal.poll() is None:
        os.killpg(portal.pid, signal.SIGKILL)
        portal.wait()


@pytest.mark.long
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_withdrawn_name_is_gone_in_five_seconds_and_a_dead_server_leaves_no_name_after_sixty(
    home: Home, served: tuple[str, subprocess.Popen[str]], wall: Page
) -> None:
    address, portal = served
    wall.goto(f"{address}/display/led")
    wall.wait_for_selector(LINES)
    assert holds(wall, "甲测试")
    assert holds(wall, "乙测试")
    record = next(
        e["record"] for e in wall.request.get(f"{address}/api/v1/entries").json()["entries"] if e["name"] == "甲测试"
    )
    home.clock.moment = system_now()
    home.ask("withdraw", record, "--ground", "wrongly_listed", "--basis", "（2026）测0101执监1号", "--as", "reviewer")
    assert wait(wall, lambda: not holds(wall, "甲测试"), seconds=5) < 5
    assert holds(wall, "乙测试")
    kill(portal)
    began = time.monotonic()
    wall.wait_for_timeout(20_000)
    assert holds(wall, "乙测试"), "a screen that is alone for a moment goes on"
    wait(wall, lambda: not holds(wall, "乙测试"), seconds=60 - (time.monotonic() - began))
    assert time.monotonic() - began < 60
    assert UNREACHED in wall.inner_text("main")
    assert re.search(r"请到\s*http\S+\s*查询", wall.inner_text("main"))


# Everything that can go wrong -----------------------------------------------------------------------------------------


def open_screen(page: Page, site: str, *, longest: int = 3_000, **asked: str) -> None:
    """Open a screen that waits a shorter time for a server that is out of reach."""

    def hasten(route: Route) -> None:
        answer = route.fetch()
        body = answer.text().replace('data-longest="50000"', f'data-longest="{longest}"')
        route.fulfill(response=answer, body=body.replace('data-every="2000"', 'data-every="300"'))

    page.route("**/display/led?*", hasten)
    page.goto(f"{site}/display/led?{'&'.join(f'{name}={value}' for name, value in asked.items())}")
    page.wait_for_selector(LINES)


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 410}, {"status": 503}, {"status": 429}, {"status": 200, "body": "<html>"}, {"status": 200, "body": "{}"},
        {"status": 200, "body": "null"}, {"status": 302, "headers": {"Location": "/"}}, None,
    ],
    ids=str,
)  # fmt: skip
def test_whatever_the_server_answers_instead_of_the_list_no_name_stays(
    world: World, site: str, wall: Page, answer: dict[str, object] | None
) -> None:
    world.publish(PERSON)
    open_screen(wall, site)
    for path in ("**/led.json*", "**/mark.json*"):
        wall.route(path, lambda route: route.abort() if answer is None else route.fulfill(**answer))
    wait(wall, lambda: not holds(wall, PERSON.name), seconds=5)
    assert UNREACHED in wall.inner_text("main")
    wall.unroute_all()
    wait(wall, lambda: holds(wall, PERSON.name), seconds=3)


def test_a_list_that_is_known_to_have_changed_does_not_stand_until_the_last_moment(
    world: World, site: str, wall: Page
) -> None:
    person, *_ = world.publish(PERSON, COMPANY)
    open_screen(wall, site, longest=50_000)
    wall.route("**/led.json*", lambda route: route.abort())
    world.withdraw(person.record)
    assert wait(wall, lambda: not holds(wall, person.name), seconds=5) < 5
    assert not holds(wall, COMPANY.name)


def test_a_screen_that_slept_wakes_without_a_name(world: World, site: str, wall: Page) -> None:
    world.publish(PERSON)
    wall.clock.install()
    wall.goto(f"{site}/display/led")
    wall.clock.run_for(1_000)
    wall.wait_for_selector(LINES)
    wall.route("**/*.json*", lambda route: route.abort())
    # The machine sleeps: its clock goes on, and no timer runs until it wakes.
    wall.clock.fast_forward(3_600_000)
    assert not holds(wall, PERSON.name)


def test_an_entry_ends_on_the_screen_at_its_moment_between_two_looks(world: World, site: str, wall: Page) -> None:
    world.publish(replace(PERSON, name="将满样", visible_until=world.now + timedelta(seconds=3)), COMPANY)
    wall.goto(f"{site}/display/led")
    wall.wait_for_selector(LINES)
    assert holds(wall, "将满样")
    # The server is not asked any more: the screen counts by itself.
    wall.route("**/*.json*", lambda route: route.abort())
    wait(wall, lambda: not holds(wall, "将满样"), seconds=4)
    assert holds(wall, COMPANY.name)


def test_slides_turn_and_can_be_held(world: World, site: str, wall: Page) -> None:
    world.publish(*(replace(PERSON, case_number=f"（2026）测9901执{n}号") for n in range(7)))
    open_screen(wall, site, rows="3", seconds="4", longest=9_000)
    expect(wall.locator("#counts")).to_contain_text("第 1／3 屏")
    expect(wall.locator("#counts")).to_contain_text("第 2／3 屏", timeout=6_000)
    wall.keyboard.press("Tab")
    wall.keyboard.press("Enter")
    assert wall.get_attribute("#pause", "aria-pressed") == "true"
    wall.wait_for_timeout(5_000)
    expect(wall.locator("#counts")).to_contain_text("第 2／3 屏")


def test_a_page_that_is_put_aside_keeps_nobody(world: World, site: str, wall: Page) -> None:
    world.publish(PERSON)
    open_screen(wall, site)
    wall.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    assert wall.locator(LINES).count() == 0


def test_a_browser_without_scripts_goes_through_the_slides(world: World, site: str, browser: Browser) -> None:
    documents = world.publish(*(replace(PERSON, case_number=f"（2026）测9901执{n}号") for n in range(4)))
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/display/led?rows=3")
    page.wait_for_url("**/display/led/still?rows=3&page=1")
    page.wait_for_url("**/display/led/still?rows=3&page=2", timeout=8_000)
    for document in documents:
        world.withdraw(document.record)
    began = time.monotonic()
    page.wait_for_selector("text=现在没有公示的信息", timeout=6_000)
    assert time.monotonic() - began < 5
    context.close()


@pytest.mark.parametrize("rows", ["3", "8", "10"])
def test_nothing_of_an_entry_is_cut_off_and_nothing_keeps_anybody_out(
    world: World, site: str, page: Page, rows: str
) -> None:
    conduct = tuple(DisclosedConduct(code=code, text=text) for code, text in CONDUCT.items())
    world.set_profile(replace(world.profile, training=True))
    world.publish(
        *(PERSON for _ in range(10)),
        PERSON,
        replace(PERSON, name="阿卜杜热西提·吐尔逊·样例", conduct=conduct[:2]),
        replace(PERSON, conduct=conduct, court="样例自治区样例自治州样例哈萨克族自治县人民法院", case_number="（2026）样9901执恢12345号之一"),
        replace(COMPANY, name="测试市云山农业科技开发（集团）股份有限公司样例自治州样例县第二分公司", conduct=conduct[:3]),
    )  # fmt: skip
    for asked in (
        "",
        "&region=测试市&from=2020-01-01&to=2030-12-31&performance=部分未履行&conduct=refuses_though_able",
    ):
        page.goto(f"{site}/display/led?rows={rows}{asked}")
        page.wait_for_selector(LINES)
        assert page.evaluate(CUT_OFF) == []
    assert find_faults(page) == []


@pytest.mark.parametrize("size", ["a4", "a3"])
def test_a_notice_prints_on_its_paper_and_every_page_says_until_when(
    world: World, site: str, wall: Page, tmp_path: Path, size: str
) -> None:
    world.publish(*(replace(PERSON, case_number=f"（2026）测9901执{n}号") for n in range(60)))
    wall.goto(f"{site}/display/notice?size={size}")
    printed = wall.pdf(prefer_css_page_size=True)
    pages = printed.count(b"/Type /Page\n")
    assert 2 <= pages <= 4
    width = {"a4": 595, "a3": 842}[size]
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ", printed)
    assert {round(float(box)) for box in boxes} == {width}
    wall.emulate_media(media="print")
    assert not wall.is_visible(".tools")
    assert wall.evaluate("getComputedStyle(document.querySelector('thead')).display") == "table-header-group"


def test_notices_keep_nobody_out(world: World, site: str, page: Page) -> None:
    world.publish(PERSON, COMPANY)
    for address in ("/display/notice", "/display/notice?size=a3&from=2027-01-01", "/offline", "/offline?mode=elder"):
        page.goto(f"{site}{address}")
        assert find_faults(page) == [], address


def find_faults(page: Page) -> list[str]:
    found = Axe().run(page).response
    assert found["passes"]
    faults = [f"{one['id']}: {node['html']}" for one in found["violations"] for node in one["nodes"]]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        faults.append("wider than the screen")
    return faults

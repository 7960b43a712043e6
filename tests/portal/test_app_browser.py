"""The site as an app in Chromium: what its worker keeps, and what somebody sees who has no network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from browsing import running_browser, serving
from playwright.sync_api import Browser, BrowserContext, Page
from playwright.sync_api import Error as PlaywrightError
from portal_world import COMPANY, PERSON, World

pytestmark = pytest.mark.browser

READY = "navigator.serviceWorker.ready.then(() => new Promise(done => navigator.serviceWorker.controller ? done() : navigator.serviceWorker.addEventListener('controllerchange', done)))"
KEPT = """async () => {
    const found = {};
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) {
            found[`${name} ${request.url}`] = await (await cache.match(request)).text();
        }
    }
    return found;
}"""
# `wait_for_function` takes a promise for an answer.
REPLACED = """async first => {
    for (let turn = 0; turn < 400; turn++) {
        const names = await caches.keys();
        if (names.length === 1 && names[0] !== first) return;
        await new Promise(done => setTimeout(done, 50));
    }
    throw new Error('the old shell was never replaced');
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as started:
        yield started


@pytest.fixture
def site(world: World) -> Iterator[str]:
    with serving(world.build_app()) as address:
        yield address


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 390, "height": 844})
    yield made
    made.close()


def open_app(context: BrowserContext, site: str) -> Page:
    page = context.new_page()
    page.goto(f"{site}/")
    page.evaluate(READY)
    return page


def test_the_worker_keeps_the_shell_and_never_an_entry(world: World, site: str, context: BrowserContext) -> None:
    person, company = world.publish(PERSON, COMPANY)
    page = open_app(context, site)
    for path in (
        f"/entries/{person.record}", "/search?q=扎西", "/search?kind=organisation", "/display/notice", "/display/led/still",
        f"/api/v1/entries/{company.record}", "/api/v1/entries", "/",
    ):  # fmt: skip
        assert page.goto(f"{site}{path}").status == 200
    page.goto(f"{site}/display/led")
    page.wait_for_selector(".led-lines .led-row")
    page.goto(f"{site}/check")
    for field, value in {"name": PERSON.name, "head": "9901011980", "tail": "0017"}.items():
        page.fill(f"#{field}", value)
    with page.expect_navigation():
        page.click("main button")
    assert "公开的信息与您一致" in page.title()
    kept: dict[str, Any] = page.evaluate(KEPT)
    assert {address.split(site)[1].split("?v=")[0] for address in kept} == {
        "/offline", "/offline?mode=elder", "/static/govuk/govuk.css", "/static/site.css", "/static/icon.svg",
        "/static/icons/apple-touch-icon.png",
    }  # fmt: skip
    for secret in (person.name, company.name, person.record, company.record, person.case_number, person.id_number):
        assert not [address for address, body in kept.items() if str(secret) in address + body]


def test_without_a_network_nobody_is_shown(world: World, site: str, context: BrowserContext) -> None:
    (person,) = world.publish(PERSON)
    page = open_app(context, site)
    page.goto(f"{site}/entries/{person.record}")
    assert person.name in page.content()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    context.set_offline(True)
    for path in (f"/entries/{person.record}", "/search?q=扎西", "/", f"/entries/{person.record}?mode=elder"):
        page.goto(f"{site}{path}")
        assert "现在没有网络，名单不能显示" in page.inner_text("h1")
        assert person.name not in page.content()
        assert page.evaluate("getComputedStyle(document.querySelector('.site-header')).borderTopWidth") == "6px"
        assert ("elder" in page.get_attribute("html", "class")) is path.endswith("elder")
    assert not [line for line in said if "Content Security Policy" in line]
    context.set_offline(False)
    page.goto(f"{site}/entries/{person.record}")
    assert person.name in page.content()


def test_a_screen_without_a_network_is_left_to_the_browser_which_tries_again(
    site: str, context: BrowserContext
) -> None:
    page = open_app(context, site)
    context.set_offline(True)
    for path in ("/display/led?rows=6", "/display/led/still", "/display/notice"):
        with pytest.raises(PlaywrightError, match="ERR_INTERNET_DISCONNECTED"):
            page.goto(f"{site}{path}")


def test_another_version_of_the_shell_takes_the_place_of_the_old(
    world: World, site: str, context: BrowserContext
) -> None:
    page = open_app(context, site)
    (first,) = page.evaluate("caches.keys()")
    page.evaluate("caches.open('left-over').then(cache => cache.put('/x', new Response('x')))")
    world.set_profile(replace(world.profile, telephone="0000-1111111"))
    page.evaluate("navigator.serviceWorker.getRegistration().then(one => one.update())")
    page.evaluate(REPLACED, first)
    context.set_offline(True)
    page.goto(f"{site}/search")
    assert "0000-1111111" in page.inner_text("main")


def test_a_shell_that_cannot_be_had_whole_leaves_the_old_one_in_its_place(
    world: World, site: str, context: BrowserContext
) -> None:
    page = open_app(context, site)
    kept = page.evaluate(KEPT)
    (world.folder / "disclosed.db").unlink()
    with pytest.raises(PlaywrightError, match="ServiceWorker"):
        page.evaluate("navigator.serviceWorker.getRegistration().then(one => one.update())")
    assert page.evaluate(KEPT) == kept
    context.set_offline(True)
    page.goto(f"{site}/search")
    assert world.profile.telephone in page.inner_text("main")


def test_the_site_can_be_installed(site: str, context: BrowserContext) -> None:
    page = open_app(context, site)
    session = context.new_cdp_session(page)
    told = session.send("Page.getAppManifest")
    assert told["errors"] == []
    assert "测试市人民法院" in told["data"]
    told = session.send("Page.getInstallabilityErrors")
    # What a test opens is a private window, in which Chromium installs nothing; it finds no other reason.
    assert {error["errorId"] for error in told["installabilityErrors"]} <= {"in-incognito"}

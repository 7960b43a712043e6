"""Somebody at a browser with a keyboard and no mouse, and what every page that they pass must stand.

Nothing is clicked and nothing is given the focus by a script: an element is used once the tabulator has come to it.
"""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, ElementHandle, Locator, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
_GRAVE = ("serious", "critical")
_MOST_STEPS = 400  # a page on which more keys than this must be pressed is of no use to anybody
_HAS_FOCUS = "elements => document.activeElement === document.body ? -2 : elements.indexOf(document.activeElement)"
_NOWHERE = -2
# Whoever has no mouse must see where the keyboard is.
_IS_MARKED = """element => {
    const style = getComputedStyle(element);
    return style.boxShadow !== 'none' || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0);
}"""
# Backwards where what is wanted stands before what has the focus.
_IS_BEFORE = """element => document.activeElement !== document.body
    && Boolean(document.activeElement.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_PRECEDING)"""
_IS_TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
_FORMS = "[...document.forms].map(form => form.getAttribute('action') + ' ' + form.elements.length).join()"


class Quiet(WSGIRequestHandler):
    """A server that does not tell of every request."""

    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """An application that is served, under the address that is given back."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Headless Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody at a browser of their own. `passed` are the kinds of pages that were looked at, by anybody of the test."""

    page: Page
    passed: set[str] = field(default_factory=set)

    # Going about ------------------------------------------------------------------------------------------------------

    def open(self, address: str) -> None:
        """Type an address, as at the beginning of a day."""
        self.page.goto(address)
        self.look()

    def reload(self) -> None:
        """What F5 does."""
        self.page.reload()
        self.look()

    def follow(self, name: str, *, within: Locator | None = None) -> None:
        """Go to the link of this name and follow it."""
        self.reach(self._place(within).get_by_role("link", name=name, exact=True))
        self._enter()

    def follow_first(self, beginning: str, *, within: Locator | None = None) -> None:
        """Go to the first link that comes whose name begins so, and follow it."""
        self.reach(self._place(within).get_by_role("link", name=re.compile(f"^\\s*{re.escape(beginning)}")))
        self._enter()

    def press(self, name: str, *, within: Locator | None = None, key: str = "Enter") -> None:
        """Go to the button of this name and press it; it leads to another page."""
        self.reach(self._place(within).get_by_role("button", name=name, exact=True))
        self._enter(key)

    def unfold(self, words: str, *, within: Locator | None = None) -> None:
        """Open what is folded under these words."""
        self.reach(self._place(within).locator("summary").filter(has_text=words))
        self.page.keyboard.press("Enter")

    # Filling in -------------------------------------------------------------------------------------------------------

    def write(self, label: str, text: str, *, within: Locator | None = None) -> None:
        """Write into the field whose label begins so, in place of what is there."""
        self._fill(self._field(label, within), text)

    def write_into(self, wanted: Locator, text: str) -> None:
        """Write into this field, in place of what is there."""
        self._fill(wanted, text)

    def write_day(self, label: str, day: date, *, within: Locator | None = None) -> None:
        """Type a day into the field for days whose label begins so."""
        self.write_day_into(self._field(label, within), day)

    def write_day_into(self, wanted: Locator, day: date) -> None:
        """Type a day into this field for days, part by part, in the order that the browser shows them in."""
        element = self.reach(wanted)
        for order in ("%m%d%Y", "%Y%m%d"):
            # Whoever comes from behind comes to the last part.
            while self._find_focused([element]) == 0:
                self.page.keyboard.press("Shift+Tab")
            self.page.keyboard.press("Tab")
            self.page.keyboard.type(day.strftime(order))
            if element.input_value() == day.isoformat():
                return
        raise AssertionError(f"{wanted} does not take {day}: {element.input_value()!r}")

    def choose(self, label: str, option: str, *, within: Locator | None = None) -> None:
        """Go through a list with the arrows until it says this."""
        element = self.reach(self._field(label, within))
        self.page.keyboard.press("Home")
        for _ in range(element.evaluate("select => select.options.length")):
            if element.evaluate("select => select.selectedOptions[0].text") == option:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no such choice: {option}")

    def pick(self, name: str, *, within: Locator | None = None) -> None:
        """Pick one of several: the tabulator comes to one of them, the arrows go on from there."""
        (wanted,) = self._place(within).get_by_role("radio", name=name, exact=True).element_handles()
        group = wanted.evaluate_handle("one => [...one.form.elements[one.name]]")
        handles = [handle for one in group.get_properties().values() if (handle := one.as_element()) is not None]
        self._reach_any(handles, name)
        for _ in handles:
            if self._find_focused([wanted]) == 0:
                break
            self.page.keyboard.press("ArrowDown")
        self.page.keyboard.press("Space")
        assert wanted.is_checked(), name

    def tick(self, beginning: str, *, within: Locator | None = None) -> None:
        """Tick a box."""
        box = self._place(within).get_by_role("checkbox", name=re.compile(f"^\\s*{re.escape(beginning)}"))
        element = self.reach(box)
        self.page.keyboard.press("Space")
        assert element.is_checked(), beginning

    def attach(self, label: str, file: Path, *, within: Locator | None = None) -> None:
        """Go to a field for files. The window in which one is chosen is the operating system's, not the page's."""
        self.reach(self._field(label, within)).set_input_files(file)

    # Seeing -----------------------------------------------------------------------------------------------------------

    @property
    def words(self) -> str:
        """The words of the page that can be seen."""
        return self.page.inner_text("body")

    def expect(self, *words: str) -> None:
        """These words stand on the page."""
        shown = re.sub(r"\s+", "", self.words)
        for one in words:
            assert re.sub(r"\s+", "", one) in shown, f"{self.page.url} does not say {one!r}: {shown}"

    def look(self) -> None:
        """Nobody is kept out of the page that is shown, and it is no wider than the screen of a desk or of a phone.

        Of pages with the same forms under addresses that differ in numbers only, one is looked at.
        """
        shape = re.sub(r"[0-9a-f]{16}|SX-\w+|\d+", "#", f"{urlsplit(self.page.url).path} {self.page.evaluate(_FORMS)}")
        kind = f"{self.page.title()} {shape}"
        if kind in self.passed:
            return
        self.passed.add(kind)
        found = find_grave(self.page)
        for screen in (PHONE, DESKTOP):
            self.page.set_viewport_size(screen)  # type: ignore[arg-type]
            if self.page.evaluate(_IS_TOO_WIDE):
                found.append(f"wider than {screen['width']}: {find_wide(self.page)}")
        assert not found, f"{self.page.url}: {found}"

    # Keys -------------------------------------------------------------------------------------------------------------

    def reach(self, wanted: Locator) -> ElementHandle:
        """Press the tabulator until one of these has the focus; the element that has."""
        return self._reach_any(wanted.element_handles(), str(wanted))

    def _reach_any(self, elements: list[ElementHandle], said: str) -> ElementHandle:
        assert elements, f"{self.page.url} has no {said}"
        key = "Shift+Tab" if len(elements) == 1 and elements[0].evaluate(_IS_BEFORE) else "Tab"
        found, rounds = self._find_focused(elements), 0
        for _ in range(_MOST_STEPS):
            if found >= 0 or rounds > 1:
                break
            self.page.keyboard.press(key)
            found = self._find_focused(elements)
            rounds += found == _NOWHERE
        assert found >= 0, f"{self.page.url}: cannot be reached with the keyboard: {said}"
        assert elements[found].evaluate(_IS_MARKED), f"{self.page.url} does not show that it is reached: {said}"
        return elements[found]

    def _find_focused(self, elements: list[ElementHandle]) -> int:
        """Which of these has the focus; below 0 where none has."""
        index: int = self.page.evaluate(_HAS_FOCUS, elements)
        return index

    def _fill(self, wanted: Locator, text: str) -> None:
        element = self.reach(wanted)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Delete")
        self.page.keyboard.insert_text(text)
        assert element.input_value() == text

    def _enter(self, key: str = "Enter") -> None:
        with self.page.expect_navigation():
            self.page.keyboard.press(key)
        self.look()

    def _place(self, within: Locator | None) -> Page | Locator:
        return within if within is not None else self.page

    def _field(self, label: str, within: Locator | None) -> Locator:
        return self._place(within).get_by_label(re.compile(f"^\\s*{re.escape(label)}"))


def find_grave(page: Page) -> list[str]:
    """What axe-core finds that keeps somebody out."""
    results: dict[str, Any] = Axe().run(page).response
    assert results["passes"], "axe-core did not look at the page"
    return [
        f"{violation['id']}: {node['html']}"
        for violation in results["violations"]
        if violation["impact"] in _GRAVE
        for node in violation["nodes"]
    ]


def find_wide(page: Page) -> list[str]:
    """The innermost elements that stand out at the right of the screen."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
            .map(one => one.outerHTML.slice(0, 120)).slice(-5)"""
    )
    return found

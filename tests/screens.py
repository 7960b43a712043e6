"""Takes the pictures of docs/screens from a running demonstration: python tests/screens.py URL DESK_URL OUTDIR

Needs Chromium; LibreOffice (soffice) and Poppler (pdftoppm) for the printed page and the sheet; pngquant, where it is
installed, makes the files small.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, sync_playwright

SIZES = {"phone": (390, 1500, 2), "desktop": (1280, 1500, 1)}  # width, greatest height, pixels to a CSS pixel
WALLS = {"wall": (1920, 1080), "upright": (1080, 1920), "phone": (390, 844)}
NAME = "张伟"  # borne by several people of the demonstration
COMPANY = "有限公司"
DOTS_PER_INCH = 100


def main(site: str, desk: str, folder: Path) -> None:
    """Take every picture. `site` and `desk` are addresses without a path; `folder` is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        take_pages(browser, find_pages(site, desk), folder)
        take_check(browser, site, folder)
        take_desk(browser, desk, folder)
        take_print(browser, f"{site}/entries/{find_entries(site, q=NAME)[0]['record']}", folder / "entry-print.png")
        for size in ("a4", "a3"):
            take_print(browser, f"{site}/display/notice?size={size}", folder / f"notice-{size}.png")
        take_screens(browser, site, folder)
        browser.close()
    take_sheet(desk, folder)
    shrink(folder)


def find_pages(site: str, desk: str) -> dict[str, str]:
    """The addresses of the pictures that are taken in every size and mode."""
    companies = find_entries(site, q=COMPANY, kind="organisation")
    company = next(e for e in companies if e["legal_representative"])
    otherwise = company["name"].removesuffix(COMPANY) + "有限责任公司"
    return {
        "home": f"{site}/",
        "search": f"{site}/search?q={quote(NAME)}",
        "pinyin": f"{site}/search?q=zhangwei",
        "near": f"{site}/search?q={quote(otherwise)}",
        "none": f"{site}/search?q={quote('张伟 查无此词')}&performance={quote('部分未履行')}",
        "representative": f"{site}/search?q={quote(company['legal_representative'])}",
        "entry": f"{site}/entries/{find_entries(site, q=NAME)[0]['record']}",
        "gone": f"{site}/entries/{find_departed(site, desk)}",
    }


def find_entries(site: str, **asked: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = read_json(f"{site}/api/v1/entries?{urlencode(asked)}")["entries"]
    return entries


def find_departed(site: str, desk: str) -> str:
    """A record that the first revision of the quarter holds and that the site answers with 410."""
    for entry in read_json(f"{find_run(desk)}/r1/list.json")["entries"][:20]:
        try:
            read_json(f"{site}/api/v1/entries/{entry['record']}")
        except HTTPError as error:
            if error.code == 410:
                return str(entry["record"])
    raise SystemExit("没有找到已撤下的条目：请对 gongshi demo 刚建立的演示运行本脚本")


def find_run(desk: str) -> str:
    """The address of the newest run."""
    with urlopen(f"{desk}/runs") as answer:
        page = answer.read().decode()
    period = re.search(r'href="/runs/(20\d\dQ[1-4])"', page)
    if period is None:
        raise SystemExit("内部页面上还没有推送：请对 gongshi demo 刚建立的演示运行本脚本")
    return f"{desk}/runs/{period[1]}"


def read_json(address: str) -> Any:
    with urlopen(address) as answer:
        return json.load(answer)


def take_pages(browser: Browser, pages: dict[str, str], folder: Path) -> None:
    for size in SIZES:
        page = open_page(browser, size)
        for name, address in pages.items():
            page.goto(address)
            take(page, size, folder / f"{name}-{size}.png")
            if name in ("search", "entry"):
                page.goto(f"{address}{'&' if '?' in address else '?'}mode=elder")
                take(page, size, folder / f"{name}-{size}-elder.png")
        page.close()


def take_check(browser: Browser, site: str, folder: Path) -> None:
    page = open_page(browser, "phone")
    page.goto(f"{site}/check")
    take(page, "phone", folder / "check-phone.png")
    number = next(e["id_number"] for e in find_entries(site, q=NAME, kind="person") if e["name"] == NAME)
    for field, value in {"name": NAME, "head": number.split("*")[0], "tail": number.split("*")[-1]}.items():
        page.fill(f"#{field}", value)
    page.click("main button")
    take(page, "phone", folder / "check-answer-phone.png")
    page.close()


def take_desk(browser: Browser, desk: str, folder: Path) -> None:
    for size in SIZES:
        page = open_page(browser, size)
        page.goto(find_run(desk))
        take(page, size, folder / f"desk-run-{size}.png")
        page.close()


def take_screens(browser: Browser, site: str, folder: Path) -> None:
    """The screen of a hall, lying, upright and on a telephone, and what it shows when the server is out of reach."""
    for name, (width, height) in WALLS.items():
        page = browser.new_page(viewport={"width": width, "height": height}, locale="zh-CN")
        page.goto(f"{site}/display/led")
        page.wait_for_selector(".led-lines .led-row")
        page.screenshot(path=str(folder / f"led-{name}.png"))
        page.close()
    page = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="zh-CN")
    page.route("**/*.json*", lambda route: route.abort())
    page.goto(f"{site}/display/led")
    page.wait_for_selector("text=名单暂时无法更新")
    page.screenshot(path=str(folder / "led-unreached.png"))
    page.close()
    page = open_page(browser, "phone")
    page.goto(f"{site}/offline")
    take(page, "phone", folder / "offline-phone.png")
    page.close()


def take_print(browser: Browser, address: str, file: Path) -> None:
    with TemporaryDirectory() as aside:
        printed = Path(aside) / "page.pdf"
        page = browser.new_page(locale="zh-CN")
        page.goto(address)
        page.pdf(path=str(printed), prefer_css_page_size=True)
        page.close()
        picture_of(printed, file)


def take_sheet(desk: str, folder: Path) -> None:
    with TemporaryDirectory() as aside:
        sheet = Path(aside) / "list.xlsx"
        with urlopen(f"{find_run(desk)}/r1/list.xlsx") as answer:
            sheet.write_bytes(answer.read())
        run("soffice", "--headless", "--convert-to", "pdf", "--outdir", aside, str(sheet))
        picture_of(sheet.with_suffix(".pdf"), folder / "list-xlsx.png")


def open_page(browser: Browser, size: str) -> Page:
    width, _, scale = SIZES[size]
    return browser.new_page(
        viewport={"width": width, "height": 844}, device_scale_factor=scale, locale="zh-CN", reduced_motion="reduce"
    )


def take(page: Page, size: str, file: Path) -> None:
    width, most, _ = SIZES[size]
    height = min(most, page.evaluate("document.documentElement.scrollHeight"))
    page.screenshot(path=str(file), full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})


def picture_of(document: Path, file: Path) -> None:
    """The first page of a PDF as a PNG."""
    run("pdftoppm", "-png", "-singlefile", "-r", str(DOTS_PER_INCH), str(document), str(file.with_suffix("")))


def shrink(folder: Path) -> None:
    if shutil.which("pngquant"):
        files = [str(file) for file in sorted(folder.glob("*.png"))]
        run("pngquant", "--force", "--ext", ".png", "--strip", "32", *files)


def run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    main(sys.argv[1].rstrip("/"), sys.argv[2].rstrip("/"), Path(sys.argv[3]))

"""The site as an app: its manifest, its icons, and a worker that is told exactly what it may keep."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import html5lib
from flask.testing import FlaskClient
from PIL import Image
from portal_world import PERSON, World

from portal.app import STATIC


def read_shell(client: FlaskClient) -> tuple[str, list[str]]:
    script = client.get("/sw.js").text
    version, shell = re.search(r'"shell-(\w+)"', script), re.search(r"const SHELL = (\[.*?\]);", script)
    assert version is not None
    assert shell is not None
    return version[1], json.loads(shell[1])


def test_the_manifest_names_the_court_and_icons_that_are_what_it_says(client: FlaskClient) -> None:
    answer = client.get("/manifest.webmanifest")
    assert answer.mimetype == "application/manifest+json"
    body = answer.json
    assert "测试市人民法院" in body["name"]
    assert (body["start_url"], body["scope"], body["display"]) == ("/", "/", "standalone")
    assert {(icon["sizes"], icon["purpose"]) for icon in body["icons"]} >= {
        ("192x192", "any"), ("512x512", "any"), ("192x192", "maskable"), ("512x512", "maskable"),
    }  # fmt: skip
    for icon in body["icons"]:
        got = client.get(icon["src"])
        assert got.status_code == 200
        assert got.headers["Cache-Control"].endswith("immutable")
        if icon["type"] == "image/png":
            picture = Image.open(BytesIO(got.data))
            assert f"{picture.width}x{picture.height}" == icon["sizes"]
            corner = picture.convert("RGBA").getpixel((0, 0))
            assert (corner[3] == 255) is (icon["purpose"] == "maskable"), "a mask cuts what is not filled"
    for shortcut in body["shortcuts"]:
        assert client.get(shortcut["url"]).status_code == 200


def test_every_page_leads_to_the_manifest_and_only_the_first_has_a_script(world: World, client: FlaskClient) -> None:
    (person,) = world.publish(PERSON)
    for path in ("/", "/search", f"/entries/{person.record}", "/check", "/offline"):
        answer = client.get(path)
        tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(answer.text)
        assert tree.find(".//link[@rel='manifest']").get("href") == "/manifest.webmanifest"
        assert client.get(tree.find(".//link[@rel='apple-touch-icon']").get("href")).status_code == 200
        scripts = [script.get("src").split("?")[0] for script in tree.findall(".//script")]
        assert scripts == (["/static/app.js"] if path == "/" else [])
        assert ("script-src" in answer.headers["Content-Security-Policy"]) is (path == "/")


def test_a_page_that_is_not_changed_keeps_the_policy_of_its_script(client: FlaskClient) -> None:
    first = client.get("/")
    again = client.get("/", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.headers.getlist("Content-Security-Policy") == first.headers.getlist("Content-Security-Policy")
    wrong = client.get("/?x=1")
    assert wrong.status_code == 400
    assert "script-src" not in wrong.headers["Content-Security-Policy"]


def test_the_worker_may_keep_the_shell_and_nothing_that_changes_with_the_list(
    world: World, client: FlaskClient
) -> None:
    answer = client.get("/sw.js")
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Service-Worker-Allowed"] == "/"
    version, shell = read_shell(client)
    assert {address for address in shell if not address.startswith("/static/")} == {"/offline", "/offline?mode=elder"}
    before = [client.get(address).data for address in shell]
    (person,) = world.publish(PERSON)
    assert [client.get(address).data for address in shell] == before
    assert read_shell(client) == (version, shell)
    told = b"".join([*before, client.get("/sw.js").data])
    assert person.name.encode() not in told
    assert person.record.encode() not in told
    assert answer.text.count(".put(") == 0
    assert answer.text.count("addAll(") == 1


def test_another_shell_is_another_worker(world: World, client: FlaskClient) -> None:
    version, _ = read_shell(client)
    world.set_profile(replace(world.profile, telephone="0000-1111111"))
    assert read_shell(client)[0] != version


def test_the_shell_that_is_kept_is_of_no_moment(world: World, client: FlaskClient) -> None:
    version, shell = read_shell(client)
    kept = [client.get(address).data for address in shell]
    world.beats = False
    for hours in (25, 48):  # the list is silent, then hidden
        world.now += timedelta(hours=hours)
        assert "site-silent" in client.get("/terms").text
        assert read_shell(client) == (version, shell)
        assert [client.get(address).data for address in shell] == kept


def test_a_shell_that_cannot_name_the_court_is_not_given(world: World, client: FlaskClient) -> None:
    (world.folder / "disclosed.db").unlink()
    for address in ("/sw.js", "/offline", "/offline?mode=elder", "/manifest.webmanifest"):
        answer = client.get(address)
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers


def test_the_scripts_write_no_markup_and_ask_nobody_else() -> None:
    for path in STATIC.rglob("*.js"):
        script = path.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|https?:|localStorage", script)


def test_the_offline_page_names_nobody_and_says_that_it_says_nothing(world: World, client: FlaskClient) -> None:
    page = client.get("/offline").text
    assert "现在没有网络，名单不能显示" in page
    assert "不表示名单里有或者没有某个人" in page
    assert "长者模式" in page
    assert 'class="govuk-template elder"' in client.get("/offline?mode=elder").text

"""The pages, as a browser without scripts gets them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, quote, urlsplit

import html5lib
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from portal_world import COMPANY, EMBLEM, PERSON, PROFILE, World

from portal.presentation import build_excerpt, cut, list_page_numbers
from search_index.document import DisclosedConduct

PUBLIC_ROUTES = {
    "/": {"GET"},
    "/search": {"GET"},
    "/entries/<record>": {"GET"},
    "/check": {"GET", "POST"},
    "/emergency": {"GET", "POST"},
    "/rights": {"GET"},
    "/about": {"GET"},
    "/privacy": {"GET"},
    "/objections/new": {"GET", "POST"},
    "/objections/state": {"GET", "POST"},
    "/complaints/new": {"GET", "POST"},
    "/articles": {"GET"},
    "/articles/<key>": {"GET"},
    "/notices": {"GET"},
    "/certificates": {"GET", "POST"},
    "/display/led": {"GET"},
    "/display/led/still": {"GET"},
    "/display/led.json": {"GET"},
    "/display/mark.json": {"GET"},
    "/display/notice": {"GET"},
    "/stats": {"GET"},
    "/stats/<name>.svg": {"GET"},
    "/stats/post": {"GET"},
    "/feed.atom": {"GET"},
    "/feed.json": {"GET"},
    "/feed/archive/<block>.atom": {"GET"},
    "/opensearch.xml": {"GET"},
    "/manifest.webmanifest": {"GET"},
    "/offline": {"GET"},
    "/sw.js": {"GET"},
    "/robots.txt": {"GET"},
    "/emblem": {"GET"},
    "/api": {"GET"},
    "/api/v1/entries": {"GET"},
    "/api/v1/entries/<record>": {"GET"},
    "/api/v1/openapi.json": {"GET"},
    "/api/v1/stats": {"GET"},
    "/api/v1/changes": {"GET"},
    "/api/v1/snapshot": {"GET"},
    "/api/v1/entries.csv": {"GET"},
    "/api/v1/acks": {"POST"},
    "/healthz": {"GET"},
    "/readyz": {"GET"},
    "/static/<path:filename>": {"GET"},
}


def parse(html: str):
    """The page as a tree; markup that is not well formed raises."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)


def page_paths(record: str, gone: str) -> list[str]:
    return [
        "/",
        "/search",
        "/search?q=扎西&sort=newest",
        "/search?q=没有这个人",
        "/search?q=借款&kind=organisation&from=2026-01-01",
        "/search?page=99",
        f"/entries/{record}",
        f"/entries/{gone}",
        "/entries/SX-00000000",
        "/check",
        "/emergency",
        "/rights",
        "/about",
        "/privacy",
        "/objections/new",
        f"/objections/new?record={record}",
        "/objections/state",
        "/complaints/new",
        "/articles",
        "/articles/none",
        "/notices",
        "/certificates",
        "/offline",
        "/stats",
        "/stats/post",
        "/api",
        "/nothing-here",
        "/search?kind=nobody",
    ]


@pytest.fixture
def listed(world: World):
    """A person, a company, and a record that has departed."""
    person, company, departed = world.publish(PERSON, COMPANY, replace(PERSON, name="已撤样"))
    world.withdraw(departed.record)
    return person, company, departed


@pytest.fixture
def paths(listed) -> list[str]:
    return page_paths(listed[0].record, listed[2].record)


def test_every_route_is_a_known_public_one(world: World) -> None:
    found: dict[str, set[str]] = {}
    for rule in world.build_app().url_map.iter_rules():
        found.setdefault(rule.rule, set()).update((rule.methods or set()) - {"HEAD", "OPTIONS"})
    assert found == PUBLIC_ROUTES


def test_every_page_is_well_formed_in_both_modes(client: FlaskClient, paths: list[str]) -> None:
    for path in paths:
        joint = "&" if "?" in path else "?"
        for address in (path, f"{path}{joint}mode=elder"):
            tree = parse(client.get(address).text)
            assert len(tree.findall(".//h1")) == 1, address
            scripts = [script.get("src").split("?")[0] for script in tree.findall(".//script")]
            assert scripts == (["/static/app.js"] if path == "/" else []), address
            assert not tree.findall(".//*[@style]"), address
            assert tree.get("lang") == "zh-CN"


def test_elder_mode_is_kept_by_every_link_and_form(client: FlaskClient, paths: list[str]) -> None:
    for path in paths:
        joint = "&" if "?" in path else "?"
        tree = parse(client.get(f"{path}{joint}mode=elder").text)
        assert "elder" in tree.get("class")
        for element in tree.findall(".//a"):
            target = urlsplit(element.get("href"))
            leaves = target.netloc or not target.path or target.path.startswith("/static/")
            if leaves or element.text == "退出长者模式":
                continue
            assert parse_qs(target.query)["mode"] == ["elder"], (path, element.get("href"))
        for form in tree.findall(".//form"):
            in_address = "mode=elder" in (form.get("action") or "")
            hidden = [e.get("value") for e in form.findall(".//input[@name='mode']")]
            assert hidden == ["elder"] if form.get("method") == "get" else in_address


def test_the_way_out_of_elder_mode_leads_to_the_same_page(client: FlaskClient, listed) -> None:
    tree = parse(client.get("/search?q=扎西&page=1&mode=elder").text)
    (way,) = [a.get("href") for a in tree.findall(".//a") if a.text == "退出长者模式"]
    assert parse_qs(urlsplit(way).query) == {"q": ["扎西"], "page": ["1"]}


def test_every_template_compiles_and_no_undefined_value_passes(world: World) -> None:
    app = world.build_app()
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)
    with pytest.raises(Exception, match="undefined"):
        app.jinja_env.from_string("{{ nothing_of_that_name }}").render()


def test_an_entry_shows_every_public_field(client: FlaskClient, listed) -> None:
    person, company, _ = listed
    text = client.get(f"/entries/{person.record}").text
    shown = (
        person.name,
        "45 岁",
        "9901011980****0017",
        person.case_number,
        "2026年3月5日",
        "115000",
        "违反财产报告制度",
    )
    for value in shown:
        assert value in text
    text = client.get(f"/entries/{company.record}").text
    for value in (company.name, company.uscc, company.legal_representative, "本人不因这条信息被列入"):
        assert value in text


def test_what_is_performed_is_shown_only_of_a_partial_performance(world: World, client: FlaskClient) -> None:
    (document,) = world.publish(replace(PERSON, performance="全部未履行"))
    assert "已履行部分" not in client.get(f"/entries/{document.record}").text


@pytest.mark.parametrize("change", [str.lower, lambda n: n.replace("-", ""), lambda n: n.replace("-", " ")])
def test_a_number_in_another_form_leads_to_the_published_one(client: FlaskClient, listed, change) -> None:
    record = listed[0].record
    answer = client.get(f"/entries/{quote(change(record))}?mode=elder")
    assert answer.status_code == 308
    assert answer.location == f"/entries/{record}?mode=elder"


def test_a_departed_record_says_nothing_of_the_person(client: FlaskClient, listed) -> None:
    departed = listed[2]
    answer = client.get(f"/entries/{departed.record}")
    assert answer.status_code == 410
    assert departed.record in answer.text
    for value in (departed.name, departed.case_number, "9901011980", departed.obligation, "撤销", "45"):
        assert value not in answer.text
    assert client.get(f"/search?q={departed.name}").text.count(f"/entries/{departed.record}") == 0


def test_a_departure_is_gone_at_once_from_a_running_portal(world: World, client: FlaskClient) -> None:
    (document,) = world.publish(PERSON)
    before = client.get(f"/entries/{document.record}")
    world.withdraw(document.record)
    after = client.get(f"/entries/{document.record}", headers={"If-None-Match": before.headers["ETag"]})
    assert (before.status_code, after.status_code) == (200, 410)


def test_an_entry_ends_by_itself(world: World, client: FlaskClient) -> None:
    (document,) = world.publish(replace(PERSON, visible_until=world.now + timedelta(hours=1)))
    address = f"/entries/{document.record}"
    assert client.get(address).status_code == 200
    world.now += timedelta(hours=1)
    assert client.get(address).status_code == 410
    assert document.record not in client.get("/search").text


@pytest.mark.parametrize("number", ["SX-00000000", "SX-1", "x", "１２３"])
def test_an_unknown_number_is_not_found(client: FlaskClient, number: str) -> None:
    assert client.get(f"/entries/{number}").status_code == 404


def test_an_unreadable_store_is_told_in_plain_words(tmp_path) -> None:
    world = World(tmp_path / "broken")
    client = world.client()
    (world.folder / "disclosed.db").unlink()
    for path in ("/", "/search", "/entries/SX-00000000", "/about"):
        answer = client.get(path)
        if answer.status_code == 404:
            continue
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "暂时无法查询" in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        parse(answer.text)
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_a_result_counts_namesakes_and_says_how_to_tell(world: World, client: FlaskClient) -> None:
    world.publish(PERSON, replace(PERSON, case_number="（2026）测9901执77号"))
    text = client.get("/search?q=扎西·测试").text
    assert text.count("的共 2 条") == 2
    assert "姓名相同不等于同一个人" in text
    assert "/check" in text


def test_a_single_name_is_still_no_person(client: FlaskClient, listed) -> None:
    assert "仅此一条也不说明就是您要找的人" in client.get("/search?q=扎西·测试").text


def test_a_legal_representative_is_not_taken_for_a_debtor(client: FlaskClient, listed) -> None:
    text = client.get("/search?q=李样例").text
    assert "法定代表人，本人未被列入" in text


def test_words_of_the_obligation_are_marked_in_an_excerpt(client: FlaskClient, listed) -> None:
    tree = parse(client.get("/search?q=案件受理费").text)
    assert {mark.text for mark in tree.findall(".//mark")} == {"案件受理费"}


def test_filters_paging_and_order(world: World, client: FlaskClient) -> None:
    world.publish(*(replace(PERSON, case_number=f"（2026）测9901执{n}号") for n in range(45)), COMPANY)
    first = parse(client.get("/search?kind=person&sort=newest").text)
    assert len(first.findall(".//li[@class]/div/h3")) == 20
    following = [a.get("href") for a in first.findall(".//a[@rel='next']")]
    assert [parse_qs(urlsplit(a).query) for a in following] == [{"kind": ["person"], "sort": ["newest"], "page": ["2"]}]
    last = parse(client.get("/search?kind=person&page=3").text)
    assert len(last.findall(".//li[@class]/div/h3")) == 5
    assert not last.findall(".//a[@rel='next']")
    assert "没有第 4 页" in client.get("/search?kind=person&page=4").text


def test_nothing_found_says_what_that_means(client: FlaskClient, listed) -> None:
    text = client.get("/search?q=查无此名").text
    assert "没有找到相符的公示信息" in text
    assert "名单更新于" in text


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("kind=company", "只能是下列之一"),
        ("conduct=theft", "只能是下列之一"),
        ("performance=no", "只能是下列之一"),
        ("sort=oldest", "只能是下列之一"),
        ("page=0", "页码"),
        ("page=-1", "页码"),
        ("page=１", "页码"),
        ("page=9999999", "页码"),
        ("from=2026-02-30", "不是有效的日期"),
        ("to=20260101", "不是有效的日期"),
        ("from=2026-02-02&to=2026-02-01", "截止日期早于起始日期"),
        ("q=" + "长" * 101, "最多 100 个字"),
        ("q=%00", "无法识别的字符"),
        ("q=a&q=b", "只能填写一次"),
        ("colour=red", "没有这个参数"),
        ("mode=young", "长者模式"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused_with_a_reason(client: FlaskClient, query: str, reason: str) -> None:
    page = client.get(f"/search?{query}")
    assert page.status_code == 400
    assert reason in page.text
    problem = client.get(f"/api/v1/entries?{query}")
    assert problem.status_code == 400
    assert problem.json is not None
    assert reason in problem.json["errors"][0]["reason"]


@pytest.mark.parametrize("path", ["/", "/check", "/rights", "/about", "/privacy", "/robots.txt", "/emblem"])
def test_a_page_takes_no_parameter_that_it_does_not_know(client: FlaskClient, path: str) -> None:
    assert client.get(f"{path}?q=1").status_code == 400


def test_what_wechat_adds_to_a_link_is_taken_off(client: FlaskClient, listed) -> None:
    answer = client.get(f"/entries/{listed[0].record}?from=groupmessage&isappinstalled=0&mode=elder")
    assert answer.status_code == 302
    assert answer.location == f"/entries/{listed[0].record}?mode=elder"
    assert client.get("/search?q=a&from=2026-01-01").status_code == 200


@pytest.mark.parametrize(
    "number", ["990101198001010014", "990101198001010011", "990101 19800101 0014", "990101800101001"]
)
def test_a_whole_citizen_number_is_not_searched_nor_repeated(client: FlaskClient, number: str) -> None:
    answer = client.get(f"/search?q={number}")
    assert answer.status_code == 400
    assert "请不要输入完整的公民身份号码" in answer.text
    assert number not in answer.text


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;{{7*7}}"


def test_what_stands_in_a_document_is_text_and_nothing_else(world: World, client: FlaskClient) -> None:
    texts = ("name", "court", "region", "basis_number", "basis_issuer", "case_number", "obligation", "performed_part")
    hostile = {field: f"{field}{HOSTILE}" for field in texts}
    conduct = (DisclosedConduct(code="breaks_settlement", text=HOSTILE),)
    person, company = world.publish(
        replace(PERSON, **hostile, id_number=HOSTILE, conduct=conduct),
        replace(COMPANY, name=HOSTILE, uscc=HOSTILE, legal_representative=HOSTILE),
    )
    for path in (f"/entries/{person.record}", f"/entries/{company.record}", "/search", "/search?q=obligation"):
        answer = client.get(path)
        assert answer.status_code == 200
        tree = parse(answer.text)
        assert not tree.findall(".//script")
        assert not [e for e in tree.iter() if any(name.startswith("on") for name in e.keys())]  # noqa: SIM118
        assert "alert(1)" in "".join(tree.itertext())
        assert "{{7*7}}" in "".join(tree.itertext())


@pytest.mark.parametrize("words", [HOSTILE[:90], '"><b>x', "{{7*7}}", "javascript:alert(1)"])
def test_what_is_typed_is_text_and_nothing_else(client: FlaskClient, words: str) -> None:
    tree = parse(client.get("/search", query_string={"q": words}).text)
    assert [e.get("value") for e in tree.findall(".//input[@id='q']")] == [words]
    assert not tree.findall(".//script")
    assert not tree.findall(".//b")


def test_the_court_shows_itself_as_the_profile_says(world: World, client: FlaskClient) -> None:
    world.set_profile(replace(PROFILE, training=True, emblem=EMBLEM, emblem_type="image/svg+xml", policy="yunnan"))
    home = client.get("/").text
    assert "【演练】" in home
    assert "中华人民共和国国徽" in home
    assert "https://beian.miit.gov.cn/" in home
    assert "code=00000000000000" in home
    emblem = client.get("/emblem")
    assert (emblem.data, emblem.content_type) == (EMBLEM, "image/svg+xml")
    assert "超过十日提出的，本法院仍然受理" in client.get("/rights").text


def test_a_change_of_the_profile_shows_at_once_on_a_running_portal(world: World, client: FlaskClient) -> None:
    assert PROFILE.telephone in client.get("/").text
    world.set_profile(replace(PROFILE, court="改名市人民法院", telephone="0000-1111111"))
    text = client.get("/").text
    assert "主办：改名市人民法院" in text
    assert "0000-1111111" in text
    assert PROFILE.telephone not in text


def test_links_follow_the_place_where_the_site_is_mounted(client: FlaskClient, listed) -> None:
    for root in ("", "/list", ""):
        tree = parse(client.get("/search?q=扎西&kind=person", base_url=f"http://localhost{root}/").text)
        targets = [urlsplit(a.get("href")) for a in tree.findall(".//a")]
        paths = [target.path for target in targets if target.path and not target.netloc]
        assert all(path.startswith(f"{root}/") for path in paths)
        assert f"{root}/search" in paths
        assert f"{root}/entries/{listed[0].record}" in paths


def test_what_the_profile_does_not_set_is_not_shown(client: FlaskClient) -> None:
    home = client.get("/").text
    assert "【演练】" not in home
    assert "国徽" not in home
    assert client.get("/emblem").status_code == 404
    assert "超过十日" not in client.get("/rights").text


def test_a_filing_number_that_is_not_set_leaves_no_link(world: World, client: FlaskClient) -> None:
    world.set_profile(replace(PROFILE, icp_number="", police_number=""))
    assert "beian" not in client.get("/").text


@pytest.mark.parametrize("article", ["十五日内", "三个工作日内", "十日内", "第十一条", "第十二条", "第八十五条"])
def test_the_rights_page_names_terms_and_articles(client: FlaskClient, article: str) -> None:
    assert article in client.get("/rights").text


def test_the_privacy_page_answers_what_the_law_asks(client: FlaskClient) -> None:
    text = client.get("/privacy").text
    for words in ("第十三条第一款第三项", "保存多久", "立案庭 0000-0000001", *("第四十四条", "第四十七条", "第五十条")):
        assert words in text


def test_robots_may_read_entries_to_learn_that_they_are_not_to_be_kept(client: FlaskClient) -> None:
    lines = client.get("/robots.txt").text.splitlines()
    assert {"Disallow: /search", "Disallow: /check", "Disallow: /api/"} <= set(lines)
    assert "Disallow: /entries" not in lines


@st.composite
def marked_texts(draw: st.DrawFn) -> tuple[str, list[tuple[int, int]]]:
    """A text, and marks in it that are in order and apart."""
    text = draw(st.text(st.sampled_from("测试借款利息AaＡ1 \r\n\u3000𠮷（"), max_size=300))
    places = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    return text, list(zip(places[::2], places[1::2], strict=False))


@given(marked_texts())
def test_cutting_keeps_the_text_and_marks_what_is_marked(marked: tuple[str, list[tuple[int, int]]]) -> None:
    text, marks = marked
    pieces = cut(text, marks)
    assert "".join(piece.text for piece in pieces) == text
    assert [piece.text for piece in pieces if piece.marked] == [text[first:last] for first, last in marks]
    assert all(piece.text for piece in pieces)


@given(marked_texts())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_an_excerpt_is_a_run_of_the_text(marked: tuple[str, list[tuple[int, int]]]) -> None:
    text, marks = marked
    joined = "".join(piece.text for piece in build_excerpt(text, marks)).strip("…")
    assert "".join(joined.split()) in "".join(text.split())
    assert len(joined) <= 80
    assert "\n" not in joined


@given(before=st.text(st.sampled_from("甲乙丙丁"), max_size=200), word=st.sampled_from(["借款", "利息12", "ＡＢ"]))
def test_an_excerpt_shows_and_marks_the_first_place(before: str, word: str) -> None:
    pieces = build_excerpt(f"{before}{word}其余", [(len(before), len(before) + len(word))])
    assert [piece.text for piece in pieces if piece.marked] == [word]


@given(pages=st.integers(1, 5000), data=st.data())
def test_page_links_lead_to_the_ends_and_the_neighbours(pages: int, data: st.DataObject) -> None:
    page = data.draw(st.integers(1, pages))
    links = [number for number in list_page_numbers(page, pages) if number is not None]
    assert links == sorted(set(links))
    assert {1, pages, page, max(1, page - 1), min(pages, page + 1)} <= set(links) <= set(range(1, pages + 1))


def test_text_of_the_pages_uses_no_markdown_or_placeholder(client: FlaskClient, paths: list[str]) -> None:
    for path in paths:
        tree = parse(client.get(path).text)
        for example in tree.iter("pre"):
            # JSON, as it is answered.
            example.text = ""
        text = "".join(tree.itertext())
        assert not re.search(r"(?<!If-)\bNone\b|\{\{|\}\}|Undefined", text), path

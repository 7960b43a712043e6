"""The page of a search: what it says was asked, what it marks, and where it leads on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import html5lib
import pytest
from flask.testing import FlaskClient
from portal_world import COMPANY, PERSON, World

from search_index.document import Document

NARROWER = ".//details[@class='govuk-details narrower']"


def parse(html: str):
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)


def ask(client: FlaskClient, address: str):
    answer = client.get(address)
    assert answer.status_code == 200, address
    return parse(answer.text)


def text_of(element: Any) -> str:
    return "".join(element.itertext()).strip()


def links_in(tree: Any, place: str) -> dict[str, str]:
    return {text_of(a): a.get("href") for found in tree.findall(place) for a in found.findall(".//a")}


def names_in(tree: Any) -> list[str]:
    return [text_of(found) for found in tree.findall(".//h3")]


@pytest.fixture
def listed(world: World) -> list[Document]:
    """Three people and a company, before two courts."""
    return world.publish(
        PERSON,
        replace(PERSON, name="扎西样例", case_number="（2026）测9901执21号"),
        replace(PERSON, name="扎西虚构", court="样例县人民法院", region="样例县", case_number="（2026）测9902执22号"),
        COMPANY,
    )


def test_every_value_beside_the_hits_narrows_to_as_many_as_it_says(client: FlaskClient, listed: list[Document]) -> None:
    tree = ask(client, "/search?q=扎西")
    items = tree.findall(f"{NARROWER}//li")
    assert {text_of(item) for item in items} >= {"测试市人民法院 2 条", "样例县人民法院 1 条"}
    for item in items:
        address, count = item.find("a").get("href"), int(text_of(item).split()[-2])
        assert len(names_in(ask(client, address))) == count, address
        assert parse_qs(urlsplit(address).query)["q"] == ["扎西"]


def test_a_filter_that_is_on_is_shown_and_can_be_taken_off(client: FlaskClient, listed: list[Document]) -> None:
    tree = ask(client, "/search?q=扎西&court=样例县人民法院&kind=person")
    assert names_in(tree) == ["扎西虚构"]
    links = links_in(tree, ".//nav[@class='chosen']")
    assert list(links) == ["去掉条件：对象：自然人×", "去掉条件：执行法院：样例县人民法院×", "去掉全部条件"]
    assert len(names_in(ask(client, links["去掉条件：执行法院：样例县人民法院×"]))) == 3
    assert parse_qs(urlsplit(links["去掉全部条件"]).query) == {"q": ["扎西"]}


def test_court_and_region_are_chosen_from_what_there_is(client: FlaskClient, listed: list[Document]) -> None:
    tree = ask(client, "/search?q=扎西")
    options = [option.text for option in tree.findall(".//select[@id='court']/option")]
    assert options == ["全部", "样例县人民法院", "测试市人民法院"]
    chosen = ask(client, "/search?q=扎西&region=样例县").findall(".//select[@id='region']/option[@selected]")
    assert [option.text for option in chosen] == ["样例县"]


def test_without_a_hit_court_and_region_are_typed(client: FlaskClient, listed: list[Document]) -> None:
    tree = ask(client, "/search?q=查无此名&court=测试市")
    assert [field.get("value") for field in tree.findall(".//input[@id='court']")] == ["测试市"]
    assert tree.findall(".//input[@id='region']")
    assert not tree.findall(NARROWER)


def test_the_order_is_switched_by_a_link_and_kept_by_the_form(client: FlaskClient, listed: list[Document]) -> None:
    tree = ask(client, "/search?q=扎西&kind=person")
    (address,) = links_in(tree, ".//p[@class='orders']").values()
    asked = parse_qs(urlsplit(address).query)
    assert asked == {"q": ["扎西"], "kind": ["person"], "sort": ["newest"]}
    newest = ask(client, address)
    assert [field.get("value") for field in newest.findall(".//form//input[@name='sort']")] == ["newest"]
    assert text_of(newest.find(".//p[@class='orders']/strong")) == "按公布时间，新的在前"


def test_what_was_found_is_marked_in_the_name(client: FlaskClient, listed: list[Document]) -> None:
    tree = ask(client, "/search?q=扎西样")
    assert [text_of(mark) for mark in tree.findall(".//h3//mark")] == ["扎西样"]


def test_where_nothing_is_exact_other_questions_are_offered(client: FlaskClient, listed: list[Document]) -> None:
    tree = ask(client, "/search?q=扎西样例&court=样例县人民法院")
    assert "没有找到相符的公示信息" in text_of(tree)
    assert "名单更新于" in text_of(tree)
    links = links_in(tree, ".//ul[@aria-labelledby='suggestions']")
    assert names_in(ask(client, links["去掉筛选条件后有 1 条"])) == ["扎西样例"]


def test_each_of_several_words_is_offered_alone(client: FlaskClient, listed: list[Document]) -> None:
    links = links_in(ask(client, "/search?q=扎西样例 查无此词"), ".//ul[@aria-labelledby='suggestions']")
    assert names_in(ask(client, links["只查“扎西样例”有 1 条"])) == ["扎西样例"]


def test_a_near_hit_stands_apart_and_says_why(world: World, client: FlaskClient) -> None:
    world.publish(replace(PERSON, name="闫样例"), replace(PERSON, name="阎样例", case_number="（2026）测9901执31号"))
    tree = ask(client, "/search?q=闫样例")
    cards = tree.findall(".//ol[@class='cards']")
    assert [names_in(one) for one in cards] == [["闫样例"], ["阎样例"]]
    (reason,) = [text_of(found) for found in tree.findall(".//p[@class='card__reason']")]
    assert reason.startswith("相近之处：")
    assert "闫" in reason
    assert "阎" in reason
    assert "相符 1 条，相近 1 条" in text_of(tree)


def test_only_near_hits_are_no_finding(world: World, client: FlaskClient) -> None:
    world.publish(replace(PERSON, name="阎样例"))
    tree = ask(client, "/search?q=闫样例")
    assert "没有找到相符的公示信息" in text_of(tree)
    assert names_in(tree) == ["阎样例"]


def test_nothing_that_leads_on_shows_what_has_departed(world: World, client: FlaskClient) -> None:
    (departed,) = world.publish(replace(PERSON, name="已撤样", court="已撤县人民法院", region="已撤县"))
    world.publish(PERSON)
    world.withdraw(departed.record)
    for address in ("/search", "/search?q=测试", "/search?q=已撤样", "/search?q=已撤样 扎西&kind=organisation"):
        text = client.get(address).text.replace('value="已撤样', "").replace("“已撤样", "")
        assert "已撤县" not in text
        assert departed.record not in text


def test_the_way_on_keeps_elder_mode(client: FlaskClient, listed: list[Document]) -> None:
    tree = ask(client, "/search?q=扎西&kind=person&mode=elder")
    for place in (NARROWER, ".//nav[@class='chosen']", ".//p[@class='orders']"):
        addresses = links_in(tree, place).values()
        assert addresses
        assert all(parse_qs(urlsplit(address).query)["mode"] == ["elder"] for address in addresses)


def test_the_pages_of_a_search_take_no_parameter_of_the_api(client: FlaskClient) -> None:
    assert client.get("/search?facets=1").status_code == 400
    assert client.get("/api/v1/entries?facets=1").status_code == 200
    assert client.get("/api/v1/entries?facets=0").status_code == 400

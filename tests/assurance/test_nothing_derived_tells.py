"""Neither the size of an answer, nor the time it takes, nor any count in it tells a withheld debtor from none at all."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from entries import a_person, an_organisation, citizen_number
from two_homes import BOTH, HISTORY, Answers, OwnHome, build_home, read_sent_files

from gongshi.clock import system_now
from gongshi.units import create_units

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = 30
DRAFTS = 733
KINDS = ("restricted", "held", "unapproved", "unserved", "departed")
Ask = Callable[[str], object]


# Sizes and bytes -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pair:
    """A name that is withheld, and one of the same shape that no record has; each with what it sounds like."""

    withheld: str
    sounds: str
    absent: str
    sounds_absent: str


PEOPLE = {
    "restricted": Pair("秦隐瞒", "qin yin man", "秦舟帖", "qin zhou tie"),
    "held": Pair("尤屏蔽", "you ping bi", "尤灯盏", "you deng zhan"),
    "unapproved": Pair("褚待审", "chu dai shen", "褚棉袄", "chu mian ao"),
    "unserved": Pair("卫送达", "wei song da", "卫砖瓦", "wei zhuan wa"),
    "departed": Pair("蒋离去", "jiang li qu", "蒋窗帘", "jiang chuang lian"),
    "removed before": Pair("沈白鹭", "shen bai lu", "沈红枫", "shen hong feng"),
}
COMPANIES = {
    "restricted": ("测试市碧玺商贸有限公司", "测试市翡翠商贸有限公司"),
    "departed": ("测试市磐石物流有限公司", "测试市珊瑚物流有限公司"),
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnHome]:
    """A home with a few public entries, and withheld ones of each kind."""
    home = build_home(tmp_path_factory.mktemp("guarded") / "home", {}, HISTORY[0].at)
    with closing(home):
        home.publish(
            *(a_person(serial, name=f"甲测试{_han(serial)}") for serial in range(1, PUBLIC)), an_organisation(99)
        )
        for place, (kind, pair) in enumerate(PEOPLE.items()):
            withhold(home, kind, a_person(200 + place, name=pair.withheld))
        for place, (kind, (name, _)) in enumerate(COMPANIES.items()):
            withhold(home, kind, an_organisation(300 + place, name=name))
        yield home


@pytest.mark.parametrize("kind", PEOPLE)
def test_every_way_to_ask_for_a_withheld_person_is_answered_as_for_nobody(guarded: OwnHome, kind: str) -> None:
    pair = PEOPLE[kind]
    asked = list_ways(pair.withheld, pair.sounds), list_ways(pair.absent, pair.sounds_absent)
    for one, other in zip(*asked, strict=True):
        assert ask_for(guarded, one) == ask_instead(guarded, one, other), (one, other)


@pytest.mark.parametrize("kind", COMPANIES)
def test_every_way_to_ask_for_a_withheld_company_is_answered_as_for_none(guarded: OwnHome, kind: str) -> None:
    withheld, absent = COMPANIES[kind]
    for one, other in zip(list_company_ways(withheld), list_company_ways(absent), strict=True):
        assert ask_for(guarded, one) == ask_instead(guarded, one, other), (one, other)


@pytest.mark.parametrize("kind", PEOPLE)
def test_the_check_of_ones_own_digits_says_nothing_of_a_withheld_person(guarded: OwnHome, kind: str) -> None:
    true = citizen_number(200 + list(PEOPLE).index(kind))
    false = citizen_number(500)
    names = (PEOPLE[kind].withheld, PEOPLE[kind].absent)
    answers = {check(guarded, name, number) for name in names for number in (true, false)}
    assert len(answers) == 1
    assert check(guarded, "甲测试" + _han(1), citizen_number(1)) not in answers


def test_what_is_public_is_answered_otherwise(guarded: OwnHome) -> None:
    shown, absent = "甲测试" + _han(1), "甲测试" + _han(PUBLIC + 1)
    assert ask_for(guarded, shown) != ask_instead(guarded, shown, absent)


# What units compare --------------------------------------------------------------------------------------------------

UNLISTED: Mapping[str, dict[str, Any]] = {
    "a minor": {"id_number": citizen_number(401, "2012-03-04")},
    "undecided": {"decision_number": None},
    "of another court, unapproved": {"court": "昆测市中级人民法院"},
}


def test_a_unit_is_told_of_whoever_it_may_not_know_what_it_is_told_of_nobody(guarded: OwnHome) -> None:
    asked = {
        kind: {"name": pair.withheld, "id_number": citizen_number(200 + place)}
        for place, (kind, pair) in enumerate(PEOPLE.items())
    }
    guarded.ask("source", "add", "higher", "--court", "云测省高级人民法院", "--basis", "实施意见", "--as", "reviewer")
    for place, (kind, change) in enumerate(UNLISTED.items()):
        entry = a_person(401 + place, name="孔未列", **change)
        file = guarded.write(f"unlisted-{place}.jsonl", [entry])
        start = ("source", "import", "higher") if "another" in kind else ("import",)
        batch = guarded.ask(*start, file, "--as", "clerk")["batch"]
        if "another" not in kind:
            guarded.run("approve", batch, "--as", "reviewer", *BOTH)
        asked[kind] = {"name": "孔未列", "id_number": entry["id_number"]}
    guarded.ask("publish")
    with comparing(guarded) as compare_one:
        absent = compare_one(name="查无人", id_number=citizen_number(500))
        assert absent["results"][0]["verdict"] == "none"
        for kind, person in asked.items():
            number = person["id_number"]
            for typed in (number, f"{number[:10]}****{number[-4:]}", None):
                assert compare_one(name=person["name"], id_number=typed) == absent, kind
        assert compare_one(name="甲测试" + _han(1), id_number=citizen_number(1)) != absent


@contextmanager
def comparing(home: OwnHome) -> Iterator[Callable[..., Any]]:
    """A machine of a unit that receives the list, and compares one person at a time."""
    home.ask("unit", "add", "housing", "--name", "住房局", "--push", "--basis", "办法", "--as", "reviewer")
    key = home.ask("unit", "key", "add", "housing", "machine", "--as", "reviewer")["secret"]
    with home.named():
        court = home.court
    client = create_units(court).test_client()

    def compare_one(**person: Any) -> Any:
        body = {"purpose": "资格审核", "operator": "0017", "persons": [person]}
        answer = client.post("/units/v1/compare", json=body, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 200, answer.text
        return answer.json

    yield compare_one
    court.close()


# Counts --------------------------------------------------------------------------------------------------------------


def test_no_number_anywhere_counts_what_is_withheld(tmp_path: Path) -> None:
    with closing(build_home(tmp_path / "home", {}, HISTORY[0].at)) as home:
        home.publish(*(a_person(serial, name=f"甲测试{_han(serial)}") for serial in range(1, PUBLIC + 1)))
        drafts = [a_person(serial % 1000, name="秦隐瞒", case_number=f"（2026）测0102执{serial}号")
                  for serial in range(1, DRAFTS + 1)]  # fmt: skip
        assert home.ask("import", home.write("drafts.jsonl", drafts), "--as", "clerk")["accepted"] == DRAFTS
        told = home.ask("publish")
        pushed = home.ask("push", "--period", "2026Q3")
        assert home.run("worker", "--once").code == 0
        api, ready = read_json(home, "/api/v1/entries?facets=1"), read_json(home, "/readyz")
        sent = read_sent_files(home)
        assert told == {"published": 0, "expired": 0, "sequence": PUBLIC}
        assert (api["meta"]["total"], api["meta"]["near"], api["meta"]["pages"]) == (PUBLIC, 0, 2)
        counted = [sum(one["count"] for one in values) for values in api["meta"]["facets"].values()]
        assert counted == [PUBLIC] * len(counted)
        assert (api["meta"]["sequence"], ready["sequence"], pushed["entries"]) == (PUBLIC, PUBLIC, PUBLIC)
        manifest = json.loads(sent["sent packages/2026Q3/r1/manifest.json"])
        assert manifest["counts"] == {"total": PUBLIC, "person": PUBLIC, "organisation": 0}
        shown = {**ask_pages(home), **sent, "told": told, "pushed": {**pushed, "package": ""}}
        assert find_counts(shown) == []


def test_a_count_of_what_is_withheld_would_be_found() -> None:
    assert find_counts({"/": f"共 {DRAFTS + PUBLIC} 条", "b": f"a{DRAFTS}b".encode(), "c": {"n": DRAFTS}}) == ["/", "c"]


# Times ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Microseconds by which the answers for withheld names differ from those for absent ones, and by which two draws of
    as many absent names differ at most, but for one pair of draws in a thousand."""

    difference: float
    noise: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """`names`: of each kind. A difference is not seen that is less than `allowed` times the noise, or less than `floor`
    microseconds."""

    public: int
    names: int
    rounds: int
    allowed: float
    floor: float


SMALL = Size(public=40, names=6, rounds=6, allowed=3, floor=150)
LARGE = Size(public=3000, names=16, rounds=120, allowed=1.5, floor=0)
MEASUREMENTS = 3


@pytest.mark.parametrize("size", [SMALL, pytest.param(LARGE, marks=pytest.mark.soak)], ids=["small", "large"])
def test_a_withheld_name_takes_no_longer_to_be_answered_than_an_absent_one(tmp_path: Path, size: Size) -> None:
    groups = draw_names(size)
    with closing(build_home(tmp_path / "home", {}, system_now())) as home:
        home.publish(*(a_person(serial, name=f"甲测试{_han(serial)}") for serial in range(1, size.public + 1)))
        serials = iter(range(10_000, 20_000))
        for kind in KINDS:
            withhold(home, kind, *(a_person(next(serials), name=name) for name in groups[kind]))
        with serving(home) as ask:
            for way, build in WAYS.items():
                assert list_told(groups, ask, build, size) == [], way


WAYS: Mapping[str, Callable[[str], str]] = {
    "page": lambda name: f"/search?q={quote(name)}",
    "api": lambda name: f"/api/v1/entries?facets=1&q={quote(name)}",
    "a wrong character": lambda name: f"/search?q={quote(name[:-1] + '錯')}",
}


@pytest.mark.parametrize("size", [SMALL, pytest.param(LARGE, marks=pytest.mark.soak)], ids=["small", "large"])
def test_a_withheld_person_takes_no_longer_to_be_compared_than_an_absent_one(tmp_path: Path, size: Size) -> None:
    groups = draw_names(size)
    with closing(build_home(tmp_path / "home", {}, system_now())) as home:
        home.publish(*(a_person(serial, name=f"甲测试{_han(serial)}") for serial in range(1, size.public + 1)))
        everyone = {
            name: a_person(place, name=name, id_number=citizen_number(place, "1975-05-06"))
            for place, name in enumerate((name for names in groups.values() for name in names), start=5000)
        }
        for kind in KINDS:
            withhold(home, kind, *(everyone[name] for name in groups[kind]))
        with comparing(home) as compare_one:
            ask = lambda name: compare_one(name=name, id_number=everyone[name]["id_number"])  # noqa: E731
            assert list_told(groups, ask, str, size) == []


def test_a_name_that_took_longer_would_be_noticed() -> None:
    groups = draw_names(SMALL)
    slow = set(groups["held"])

    def ask(name: str) -> None:
        time.sleep(0.0008 if name in slow else 0.0003)

    assert list_told(groups, ask, str, SMALL) == ["held"]


def list_told(groups: Mapping[str, Sequence[str]], ask: Ask, build: Callable[[str], str], size: Size) -> list[str]:
    """The kinds whose names are told from absent ones by time, whenever it is measured: a busy machine is slow by chance,
    and somewhere else the next time."""
    told = set(KINDS)
    for _ in range(MEASUREMENTS):
        times = measure({build(name): name for names in groups.values() for name in names}, ask, size.rounds)
        absent = [times[name] for name in groups["absent"]]
        for kind in KINDS:
            verdict = compare([times[name] for name in groups[kind]], absent)
            seen = max(size.floor, size.allowed * verdict.noise)
            # `pytest -rP` shows it.
            sys.stdout.write(f"{build('名')} {kind}: {verdict.difference:.1f} µs; seen from {seen:.1f} µs\n")
            if verdict.difference <= seen:
                told.discard(kind)
        if not told:
            break
    return sorted(told)


def draw_names(size: Size) -> dict[str, list[str]]:
    """Names of one shape, and at random which of them are withheld, for which reason, and which nobody has."""
    random = Random(5)
    signs = [chr(code) for code in range(0x5200, 0x5200 + 18 * size.names)]
    names = ["秦" + "".join(signs[2 * n : 2 * n + 2]) for n in range(len(signs) // 2)]
    random.shuffle(names)
    drawn = iter(names)
    groups = {kind: [next(drawn) for _ in range(size.names)] for kind in KINDS}
    return {**groups, "absent": [next(drawn) for _ in range(4 * size.names)]}


def measure(addresses: Mapping[str, str], ask: Ask, rounds: int) -> dict[str, float]:
    """Microseconds that each name's answer takes, of the quicker quarter of the rounds the slowest: what else the machine
    does only adds. In each round all are asked, in another order."""
    random, taken = Random(3), {name: [] for name in addresses.values()}  # type: dict[str, list[float]]
    order = list(addresses)
    for turn in range(rounds + 1):
        random.shuffle(order)
        for address in order:
            began = time.perf_counter_ns()
            ask(address)
            if turn:  # in the first everything is read for the first time
                taken[addresses[address]].append((time.perf_counter_ns() - began) / 1000)
    return {name: sorted(values)[len(values) // 4] for name, values in taken.items()}


def compare(withheld: Sequence[float], absent: Sequence[float]) -> Verdict:
    """Which names are withheld was drawn: but for that, they differ as any other draw of as many does."""
    random, size, drawn = Random(1), len(withheld), []
    for _ in range(2000):
        pool = random.sample(absent, 2 * size)
        drawn.append(abs(fmean(pool[:size]) - fmean(pool[size:])))
    return Verdict(difference=abs(fmean(withheld) - fmean(absent)), noise=sorted(drawn)[-2])


@contextmanager
def serving(home: OwnHome) -> Iterator[Ask]:
    """The portal as a process of its own, asked over one connection that stays open."""
    home.hear()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GONGSHI_")}
    environ = {**clean, "GONGSHI_HOME": str(home.folder), "GONGSHI_RATE_LIMIT": "off", "PYTHONPATH": str(ROOT)}
    portal = subprocess.Popen(
        [sys.executable, "-m", "gongshi", "serve", "portal", "--bind", f"127.0.0.1:{port}", "--workers", "1"],
        env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert portal.stdout is not None
    try:
        assert portal.stdout.readline()
        with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:

            def ask(address: str) -> None:
                connection.request("GET", address)
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200

            yield ask
    finally:
        portal.terminate()
        portal.wait()
        portal.stdout.close()


# Helpers -------------------------------------------------------------------------------------------------------------


def withhold(home: OwnHome, kind: str, *entries: dict[str, Any]) -> None:
    """Bring entries and keep them from the public, each for the reason of that kind."""
    change: dict[str, Any] = {
        "restricted": {"disclosure": "restricted", "restricted_ground": "privacy"},
        "unserved": {"served_on": None},
    }.get(kind, {})
    brought = [{**entry, **change} for entry in entries]
    batch = home.ask("import", home.write(f"{kind}-{entries[0]['kind']}.jsonl", brought), "--as", "clerk")["batch"]
    if kind != "unapproved":
        home.run("approve", batch, "--as", "reviewer", *BOTH)
    before = {"held": ("hold",), "removed before": ("remove", "--ground", "performed")}.get(kind)
    for entry in brought if before else ():
        home.ask(before[0], entry["case_number"], *before[1:], "--basis", "来信", "--as", "reviewer")  # type: ignore[index]
    home.ask("publish")
    for entry in brought if kind == "departed" else ():
        home.ask("withdraw", entry["case_number"], "--ground", "wrongly_listed", "--basis", "执异", "--as", "reviewer")


def list_ways(name: str, sounds: str) -> list[str]:
    """Ways to ask for a person that may know no more than a part, a sound or a near thing of the name."""
    first, *rest = sounds.split()
    return [
        name, name[:2], name[1:], name[::-1], "·".join(name), " ".join(name), f"{name} 货款", f"{name} 甲测试",
        f"{name[0]}？{name[2]}", f"{name[0]}?", name[:2] + "錯", "錯" + name[1:], sounds, sounds.replace(" ", ""),
        f"{first} {rest[0]}", f"{first[0]}{rest[0][0]}{rest[1][0]}", f"{name}有限公司", f"测试市人民法院 {name}",
    ]  # fmt: skip


def list_company_ways(name: str) -> list[str]:
    trade = name[3:5]
    return [
        name, name.replace("有限公司", "有限责任公司"), name.removeprefix("测试市"), name[:5], trade, name[3:],
        name.replace(trade, trade[0] + "錯"), name.replace(trade, "錯" + trade[1]), f"{trade} 有限公司", f"{trade}（测试市）",
    ]  # fmt: skip


def ask_for(home: OwnHome, words: str) -> list[tuple[str, list[tuple[str, str]], str]]:
    """Every answer to the words, with its headers; an ETag is a digest of the rest."""
    found = []
    with home.browsed() as portal:
        client = portal.test_client()
        for path in ("/search", "/api/v1/entries"):
            for more in ({}, {"facets": "1"} if "api" in path else {"sort": "newest"}, {"kind": "person"}):
                answer = client.get(path, query_string={"q": words, **more})
                assert int(answer.headers["Content-Length"]) == len(answer.data)
                headers = [pair for pair in answer.headers if pair[0] not in ("ETag", "Content-Length")]
                found.append((answer.status, headers, answer.text))
    return found


def ask_instead(home: OwnHome, words: str, others: str) -> list[tuple[str, list[tuple[str, str]], str]]:
    """The answers to other words, with `words` put wherever they are repeated."""
    return [(status, headers, put(words, others, text)) for status, headers, text in ask_for(home, others)]


def put(words: str, others: str, text: str) -> str:
    """The text with the words instead of the others: sign by sign where they are Chinese, else word by word."""
    if others.isascii():
        for other, word in zip([others, *others.split()], [words, *words.split()], strict=True):
            text = re.sub(rf"(?<![a-z]){re.escape(quote_plus(other))}(?![a-z])", quote_plus(word), text)
            text = re.sub(rf"(?<![a-z]){re.escape(other)}(?![a-z])", word, text)
        return text
    for other, word in zip(others, words, strict=True):
        text = text.replace(other, word).replace(quote(other), quote(word))
    return text


def check(home: OwnHome, name: str, number: str) -> tuple[str, tuple[tuple[str, str], ...], bytes]:
    """The whole answer of 是不是我."""
    with home.browsed() as portal:
        form = {"name": name, "head": number[:10], "tail": number[-4:]}
        answer = portal.test_client().post("/check", data=form)
    return answer.status, tuple(sorted(answer.headers)), answer.data


def read_json(home: OwnHome, address: str) -> Any:
    with home.browsed() as portal:
        return portal.test_client().get(address).json


def ask_pages(home: OwnHome) -> Answers:
    """Every page and answer that may hold a count, with its headers."""
    addresses = (
        "/", "/search", "/search?q=%E6%B5%8B%E8%AF%95", "/search?page=999", "/about", "/rights", "/check", "/healthz",
        "/readyz", "/api/v1/entries?facets=1", "/api/v1/entries?page=999", "/api/v1/openapi.json", "/nowhere",
    )  # fmt: skip
    with home.browsed() as portal:
        client = portal.test_client()
        answers = {one: client.get(one) for one in addresses}
        return {one: f"{sorted(answer.headers)}{answer.text}" for one, answer in answers.items()}


def find_counts(shown: Answers) -> list[str]:
    """Where the number of withheld records stands, or of all records; digests are no numbers."""
    wanted = re.compile(rf"(?<![0-9A-Za-z])(?:{DRAFTS}|{DRAFTS + PUBLIC})(?![0-9A-Za-z])")
    texts = {
        key: value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for key, value in shown.items()
    }
    return [key for key, text in texts.items() if wanted.search(text)]


def _han(serial: int) -> str:
    return "".join(chr(0x4E00 + 40 * int(digit)) for digit in f"{serial:04d}")

"""No private value leaves: each is a canary that occurs nowhere else, and everything that leaves is looked through.

A court lives its whole life (canary_court.py), with a canary in every private field of entries of every fate. Then
every byte of the public folder, every answer of every route, the packages, what commands and processes say, and what
they leave behind are read for them (canary.py), however they were encoded, escaped, packed or cut.
"""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from urllib.parse import quote

import pytest
import structlog
from canary import REVIEWER, Canaries, Watch
from canary_court import CanaryCourt, add_keys, found_court, live, read_tables
from canary_opened import UNITS, ask_unit, open_units
from canary_units import WHO, Applicants, ask_as, build_sheet, list_everyone, send_form, sit
from canary_walk import ask, every_request, left_of, sample_of, wire
from flask import Flask
from fresh import PARTS, fresh_databases
from sqlalchemy import create_engine, make_url, text
from standins.twilio_server import TwilioServer

from gongshi.cli import COMMANDS
from gongshi.clock import system_now
from gongshi.gateway import create_gateway
from portal.app import Portal, create_app
from portal.settings import PortalSettings
from search_index.keypad import keys_of

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
# Nobody listens on this port.
NOBODY = 9
# What belongs to the secrets of the providers, and is none itself.
REACHED = {
    "GONGSHI_GATEWAY_URL": "https://gateway.court.invalid",
    "GONGSHI_TWILIO_ACCOUNT_SID": f"AC{'0' * 32}",
    "GONGSHI_TWILIO_FROM": "+15005550006",
    "GONGSHI_TWILIO_BASE_URL": f"http://127.0.0.1:{NOBODY}",
    "GONGSHI_WECHAT_APPID": "wx0000000000000000",
    "GONGSHI_WECHAT_BASE_URL": f"http://127.0.0.1:{NOBODY}",
    "GONGSHI_WEBHOOK_LOOPBACK": "yes",
}
SIZES = [
    pytest.param(("sqlite", 2), id="small"),
    pytest.param(("postgres", 2), id="small-postgres", marks=pytest.mark.postgres),
    pytest.param(("sqlite", 14), id="full", marks=pytest.mark.soak),
    pytest.param(("postgres", 14), id="full-postgres", marks=[pytest.mark.soak, pytest.mark.postgres]),
]


@pytest.fixture(scope="module", params=SIZES)
def court(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CanaryCourt]:
    """A court whose life is over, with canaries in its settings as well."""
    database, each = request.param
    folder = tmp_path_factory.mktemp("canary")
    make = Canaries(Random(99))
    password, mail = make.letters(20), make.letters(20)
    secrets = {
        "GONGSHI_TWILIO_AUTH_TOKEN": make.letters(20),
        "GONGSHI_WECHAT_SECRET": make.letters(20),
        "GONGSHI_WECHAT_TOKEN": make.letters(20),
        "GONGSHI_WECHAT_AES_KEY": make.letters(43),
    }
    temporary = folder / "tmp"
    temporary.mkdir()
    with pytest.MonkeyPatch.context() as patch, fresh_databases(database, password) as urls:
        for part in PARTS:
            patch.delenv(f"GONGSHI_{part.upper()}_URL", raising=False)
        for name, value in {**urls, **REACHED, **secrets, "TMPDIR": str(temporary)}.items():
            patch.setenv(name, value)
        patch.setenv("GONGSHI_SMTP_URL", f"smtp://list:{mail}@127.0.0.1:{NOBODY}?from=list@court.invalid")
        patch.setenv("GONGSHI_HOME", "")
        patch.setattr(tempfile, "tempdir", str(temporary))
        made = found_court(folder, urls, each)
        for value in (password, mail, *secrets.values()):
            made.hide_number(value, "a setting")
        live(made)
        add_keys(made)
        yield made


@pytest.fixture
def public(court: CanaryCourt) -> Iterator[Portal]:
    app = open_portal(court.home.folder)
    yield app
    app.close()


def open_portal(home: Path, limit: str = "off") -> Portal:
    given = {key: value for key, value in os.environ.items() if "DISCLOSED" in key}
    settings = PortalSettings.from_environment({"GONGSHI_HOME": str(home), "GONGSHI_RATE_LIMIT": limit, **given})
    return create_app(settings, system_now)


# The finder itself --------------------------------------------------------------------------------------------------

WRITINGS: dict[str, Callable[[str], bytes]] = {
    "utf-8": str.encode,
    "gb18030": lambda value: value.encode("gb18030"),
    "utf-16-le": lambda value: value.encode("utf-16-le"),
    "utf-16-be": lambda value: value.encode("utf-16-be"),
    "percent": lambda value: "".join(f"%{byte:02x}" for byte in value.encode()).encode(),
    "json": lambda value: "".join(rf"\u{ord_:04x}" for ord_ in _units(value)).encode(),
    "python": lambda value: ascii(value).encode(),
    "bytes": lambda value: repr(value.encode()).encode(),
    "html": lambda value: "".join(f"&#{ord(character)};" for character in value).encode(),
    "html-hex": lambda value: "".join(f"&#x{ord(character):X};" for character in value).encode(),
    "tags": lambda value: "<b></b>".join(value).encode(),
    "base64-0": lambda value: base64.b64encode(value.encode()),
    "base64-1": lambda value: base64.b64encode(b"!" + value.encode()),
    "base64-2": lambda value: base64.urlsafe_b64encode(b"!?" + value.encode() + b"!?"),
    "hex": lambda value: value.encode().hex().encode(),
    "hex-odd": lambda value: b"f" + value.encode().hex().upper().encode(),
    "base64 in json in percent": lambda value: quote(json.dumps({"a": base64.b64encode(value.encode()).decode()})).encode(),
    "html in json": lambda value: json.dumps(html.escape("".join(f"&#{ord(c)};" for c in value))).encode(),
}  # fmt: skip


def _units(value: str) -> list[int]:
    halves = value.encode("utf-16-be")
    return [int.from_bytes(halves[place : place + 2], "big") for place in range(0, len(halves), 2)]


def _zipped(content: bytes, name: str = "xl/sharedStrings.xml") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


CONTAINERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda content: content,
    "among others": lambda content: Random(2).randbytes(999) + content + Random(3).randbytes(999),
    "zip": _zipped,
    "zip in zip": lambda content: _zipped(_zipped(content), "a.docx"),
    "gzip": gzip.compress,
    "png text": lambda content: b"\x89PNG\r\n\x1a\n\0\0\0\0zTXtnote\0\0" + zlib.compress(content),
    "zlib in base64": lambda content: base64.b64encode(zlib.compress(content)),
}
VALUES = ("rare", "case", "citizen", "phone", "letters", "uscc")


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("value", VALUES)
def test_the_finder_knows_a_canary_however_it_is_written_and_packed(value: str, container: str) -> None:
    canaries, watch = Canaries(Random(1)), Watch()
    planted = watch.add(getattr(canaries, value)(), "planted")
    missed = [
        name
        for name, write in WRITINGS.items()
        if watch.find(CONTAINERS[container](b"x=" + write(f"，{planted}，"))) != {"planted"}
    ]
    assert missed == []
    assert watch.find(CONTAINERS[container](f"，{getattr(canaries, value)()}，".encode())) == set()


@pytest.mark.parametrize(
    "written", ["9901 0119 8001 0200 15", "990101-19800102-0015", "９９０１０１１９８００１０２００１５"]
)
def test_the_finder_knows_a_number_that_is_parted_or_wide(written: str) -> None:
    watch = Watch()
    watch.add("990101198001020015", "number")
    assert watch.find(f"号码：{written}。") == {"number"}
    assert watch.find("9901011980****0015") == set()


def test_the_finder_reads_databases_file_names_and_links(tmp_path: Path) -> None:
    canaries, watch = Canaries(Random(1)), Watch()
    in_table, in_name, in_link = (watch.add(canaries.rare(), what) for what in ("table", "name", "link"))
    with sqlite3.connect(tmp_path / "a.db") as database:
        database.execute("CREATE TABLE a (b)")
        database.execute("INSERT INTO a VALUES (?)", (in_table,))
    database.close()
    (tmp_path / in_name).mkdir()
    (tmp_path / "link").symlink_to(in_link)
    assert watch.find_in_folder(tmp_path) == {"a.db": {"table"}, in_name: {"name"}, "link": {"link"}}


# What lies there ----------------------------------------------------------------------------------------------------


def test_no_byte_of_the_public_folder_is_of_a_private_value(court: CanaryCourt) -> None:
    public = court.home.folder / "public"
    assert court.outside.find_in_folder(public) == {}
    # The same eyes see what is public, in the store and in the index.
    seen = {Path(path).suffix for path in court.shown.find_in_folder(public)}
    assert seen == ({".seg"} if court.home.databases else {".seg", ".db"})


def test_no_row_of_the_disclosed_store_holds_a_private_value(court: CanaryCourt) -> None:
    rows = list(read_tables(disclosed(court)))
    assert {table: found for table, row in rows if (found := court.outside.find(row))} == {}
    seen = {what for _, row in rows for what in court.shown.find(row)}
    assert seen == set(court.shown.known.values())


def disclosed(court: CanaryCourt) -> str:
    return court.home.databases.get("GONGSHI_DISCLOSED_URL") or f"sqlite:///{court.home.folder / 'public/disclosed.db'}"


def test_the_packages_hold_what_is_disclosed_and_nothing_else(court: CanaryCourt) -> None:
    notifier = court.home.folder / "notifier"
    inside = Watch({**court.secret.known, **court.private_side.known})
    assert inside.find_in_folder(notifier) == {}
    files = court.shown.find_in_folder(notifier)
    # What a recall names an entry by, and will name it by once its words are gone.
    letters = [path for path in files if path.startswith("notifier.db") or base(path) == "letter.json"]
    named = {what for path in letters for what in files.pop(path)}
    assert {what.rpartition(": ")[2] for what in named} <= {"case_number"}
    assert {path.split("/")[0] for path in files} == {"packages", "sandbox"}
    told = {name: [found for path, found in files.items() if base(path) == name] for name in map(base, files)}
    assert set(told) == {*LISTS, *WORDS}
    assert all(found == set(court.shown.known.values()) for name in LISTS for found in told[name])


def test_exports_hold_what_is_disclosed_and_nothing_of_who_left(court: CanaryCourt) -> None:
    exports = court.files / "exports"
    inside = Watch({**court.secret.known, **court.private_side.known})
    assert inside.find_in_folder(exports) == {}
    for name in ("increment", "after"):
        assert court.outside.find_in_folder(exports / name) == {}
    # The same eyes see what was public, and what is.
    assert court.recalled.find_in_folder(exports / "before")
    found = court.shown.find_in_folder(exports / "after")
    assert {base(path) for path in found} == {"名单.csv", "名单.xml", "名单.xlsx"}
    # What another court listed, that court tells of.
    assert found["credit_platform/名单.csv"] == {
        what for what in court.shown.known.values() if not what.startswith("of another court")
    }


def test_what_leaves_to_keep_running_holds_what_is_disclosed_or_nothing(court: CanaryCourt) -> None:
    """Files for an isolated portal and that portal hold the list; backups, bundles and papers for the law nothing of it."""
    everything = Watch({**court.outside.known, **court.shown.known})
    for folder in ("backups", "bundles", "papers", "root"):
        assert everything.find_in_folder(court.files / folder) == {}, folder
    for folder in ("journal", "isolated"):
        assert court.outside.find_in_folder(court.files / folder) == {}, folder
        assert court.shown.find_in_folder(court.files / folder)


LISTS = ("list.csv", "list.json", "list.xlsx")
# These tell less of an entry.
WORDS = ("播报稿.docx", "滚动字幕.txt", "滚动字幕-GB18030.txt")


def base(path: str) -> str:
    return Path(path).name


def test_days_that_stay_inside_are_not_public(court: CanaryCourt) -> None:
    entry = court.entries["published"][0]
    born = entry["id_number"][6:14]
    days = [entry["decided_on"], entry["served_on"], f"{born[:4]}-{born[4:6]}-{born[6:]}"]
    rows = "".join(row for _, row in read_tables(disclosed(court)))
    index = b"".join(path.read_bytes() for path in (court.home.folder / "public").rglob("*") if path.is_file())
    for day in days:
        for written in (day, day.replace("-", ""), "{}年{}月{}日".format(*day.split("-"))):
            assert written not in rows
            assert written.encode() not in index
    assert entry["filed_on"] in rows


def test_nothing_is_left_where_temporary_files_go(court: CanaryCourt) -> None:
    assert list(Path(os.environ["TMPDIR"]).iterdir()) == []


# What commands say --------------------------------------------------------------------------------------------------


def test_no_command_prints_a_full_number_a_password_or_a_setting(court: CanaryCourt) -> None:
    said = {ran.arguments: found for ran in court.ran if (found := court.numbers.find(ran.text))}
    assert said == {}


# The words around a finding (where there are any that are not hidden), the cases a list lacks, the key that is not known,
# the documents that a ground or an act rests on, who reads in bulk, the cases that left another court's list: what their
# readers must see to decide, or to answer for it.
TELLING = ("findings", "reconcile", "import", "ground", "audit", "reader", "source")


def test_no_command_prints_a_private_text_but_those_whose_reader_decides_on_it(court: CanaryCourt) -> None:
    said = {
        ran.arguments: found
        for ran in court.ran
        if ran.arguments[0] not in TELLING and (found := court.secret.without(*ran.arguments).find(ran.text))
    }
    assert said == {}
    telling = {ran.arguments[0] for ran in court.ran if court.secret.without(*ran.arguments).find(ran.text)}
    assert telling | {"findings"} == set(TELLING)


def test_an_import_tells_nothing_of_a_line_but_a_key_it_does_not_know(court: CanaryCourt) -> None:
    imports = [ran for ran in court.ran if ran.arguments[0] == "import"]
    said = {what for ran in imports for what in court.secret.without(*ran.arguments).find(ran.text)}
    assert said == {"strange key"}


def test_every_command_was_run_and_failed_as_well(court: CanaryCourt) -> None:
    done = {ran.arguments[0] for ran in court.ran if ran.said.code in (0, 1)}
    failed = {ran.arguments[0] for ran in court.ran if ran.said.code == 2}
    # These are run as processes of their own.
    assert COMMANDS.keys() - done == {"serve", "demo", "training"}
    assert COMMANDS.keys() - failed <= {"init", "demo", "training"}
    assert [ran for ran in court.ran if "Traceback" in ran.text] == []


# What the portal answers --------------------------------------------------------------------------------------------


FREE = {"HEAD", "OPTIONS"}
NOT_GIVEN = {
    ("/emblem", "GET"): "the court has none",
    ("/articles/<key>", "GET"): "the court has published none",
    ("/objections/new", "POST"): "whole forms are sent in by canary_court.py",
    ("/complaints/new", "POST"): "the same form under another name",
    ("/objections/state", "POST"): "its codes are seen by nobody but who sent it in",
    ("/certificates", "POST"): "the court has issued none",
    ("/emergency", "POST"): "a code that is right would hide the list; tests/portal/test_hidden.py asks it",
}
"""Routes that answer nothing here, and why; every other answered at least once with what was asked of it."""


def test_no_answer_of_any_route_holds_a_private_value(court: CanaryCourt, public: Portal) -> None:
    client, outside, clean = public.test_client(), court.outside, set()
    leaks, statuses, seen = {}, set(), set()
    unanswered = {(rule.rule, method) for rule in public.url_map.iter_rules() for method in rule.methods - FREE}
    places = public.url_map.bind("localhost")
    with structlog.testing.capture_logs() as lines:
        for asked in every_request(court, public):
            answer = ask(client, asked)
            contents = [wire(answer)]
            if "ETag" in answer.headers and not asked.query:
                again = replace(asked, headers={"If-None-Match": answer.headers["ETag"]})
                contents.append(wire(ask(client, again)))
            statuses.add(answer.status_code)
            for content in contents:
                # Most lines stand in every page; one in which nothing at all was found need not be read again.
                fresh = b"\n".join(line for line in content.split(b"\n") if line not in clean)
                if not outside.find(fresh):
                    clean.update(fresh.split(b"\n"))
                elif found := left_of(outside, asked, fresh):
                    leaks[asked.method, asked.path, *asked.query.items()] = found
            if 200 <= answer.status_code < 300 and asked.method not in FREE:
                unanswered.discard((str(places.match(asked.path, asked.method, return_rule=True)[0]), asked.method))
            if asked.path in ("/search", "/api/v1/entries") and not seen:
                seen |= court.shown.find(answer.data)
    assert leaks == {}
    assert unanswered == set(NOT_GIVEN)
    assert statuses >= {200, 202, 308, 400, 401, 403, 404, 405, 410, 413}
    assert seen
    assert outside.find(repr(lines)) == set()


# What units are told -------------------------------------------------------------------------------------------------

# Where a unit may read the words of the public list; wherever else, it reads of nobody at all.
PUBLIC_WORDS = {("pushed", route) for route in ("changes", "snapshot")} | {
    (unit, route) for unit in UNITS for route in ("compare", "entries")
}
GIVEN = {
    **{(unit, route): 200 for unit in UNITS for route in ("compare", "changes", "entries", "acks", "ledger")},
    **{(unit, "openapi.json"): 200 for unit in UNITS},
    **{(unit, "snapshot"): 200 if unit == "pushed" else 403 for unit in UNITS},
    **{(unit, "feedback"): 409 for unit in UNITS},
    **{(unit, "none"): 404 for unit in UNITS},
}
"""How the first question of each unit to each route is answered."""


def test_no_unit_is_told_anything_beyond_its_scope_and_nothing_of_an_applicant_is_kept(court: CanaryCourt) -> None:
    applicants = Applicants(Canaries(Random(77)))
    leaks, public, restricted, first = {}, set(), set(), {}
    with structlog.testing.capture_logs() as lines:
        app = open_units(court)
        for unit in UNITS:
            answers = list(ask_as(court, app, unit, applicants))
            nobody = Watch({**court.outside.known, **applicants.asked.known})
            for told in answers:
                place = (told.unit, told.route)
                first.setdefault(place, told.answer.status_code)
                found = nobody.find(told.bytes)
                if place == ("entitled", "compare"):
                    # The case, at its court, of who is not public by law, and nothing else of it.
                    entitled = {what for what in found if re.match("restricted.*: (case_number|court)$", what)}
                    restricted |= entitled
                    found -= entitled
                if found:
                    leaks[unit, told.method, told.route, told.answer.status_code] = found
                if court.shown.find(told.bytes):
                    public.add(place)
        assert leaks == {}
        assert public == PUBLIC_WORDS
        assert first == GIVEN
        assert {what.split(": ")[0] for what in restricted} >= {"restricted", "restricted company", "restricted later"}
        told_by_pages(court, app, applicants)
    assert (court.outside.find(repr(lines)), applicants.asked.find(repr(lines))) == (set(), set())
    # Whoever reads the file of a database that it has open lets go of its locks.
    court.home.close()
    assert applicants.asked.find_in_folder(court.home.folder) == {}
    for url in court.home.databases.values():
        assert {table for table, row in read_tables(url) if applicants.asked.find(row)} == set()
    assert list(Path(os.environ["TMPDIR"]).iterdir()) == []


# They are told the case, by which they know whose measures are to be lifted: of who was public, and of nobody else.
TOLD_OF_RELEASES = ("pushed", "released", "entitled")


def told_by_pages(court: CanaryCourt, app: Flask, applicants: Applicants) -> None:
    """The same by the pages: every one of them, one applicant by the form, and many by a sheet."""
    outside = court.outside
    for unit in ("pushed", "entitled"):
        client = sit(court, app, unit)
        for rule in app.url_map.iter_rules():
            if "GET" in (rule.methods or ()) and not rule.arguments and not rule.rule.startswith("/units/v1"):
                answer = client.get(rule.rule, buffered=True)
                assert answer.status_code == (302 if rule.rule == "/signin" else 200), (rule.rule, answer.text)
                found = outside.find(wire(answer))
                if rule.rule == "/releases" and unit in TOLD_OF_RELEASES:
                    assert {what.partition(": ")[0] for what in found} <= {*court.records, "restricted later"}
                    found = {what for what in found if not what.endswith(": case_number")}
                assert found == set(), (unit, rule.rule)
        known = [one for one in list_everyone(court) if "id_number" in one and "*" not in one["id_number"]]
        for person in known[::6]:
            answer = send_form(client, "/compare", "/compare", **person, **WHO)
            # What was quarantined has a number that is none.
            assert answer.status_code in (200, 400)
            # The form comes back with the name and the number that were typed, to who typed them.
            found = outside.without(*person.values()).find(wire(answer))
            assert not found or (unit == "entitled" and is_case(found)), (unit, found)
        rows = [applicants.person(), applicants.company(), applicants.wrong(), *known]
        file = (io.BytesIO(build_sheet(*rows)), f"{applicants.person()['name']}.xlsx")
        answer = send_form(client, "/compare", "/compare/sheet", **WHO, sheet=file)
        assert answer.status_code == 200, answer.text
        # The sheet comes back with what was in it, and with the results.
        typed = [value for row in rows for value in row.values()]
        found = outside.without(*typed).find(wire(answer))
        assert not found or (unit == "entitled" and is_case(found)), (unit, found)
        wrong = (io.BytesIO(applicants.person()["name"].encode()), f"{applicants.person()['name']}.xlsx")
        answer = send_form(client, "/compare", "/compare/sheet", **WHO, sheet=wrong)
        assert (answer.status_code, applicants.asked.find(wire(answer))) == (400, set())


def is_case(found: set[str]) -> bool:
    return all(re.match("restricted.*: (case_number|court)$", what) for what in found)


def test_a_key_gives_its_scope_and_one_that_ended_gives_nothing(court: CanaryCourt) -> None:
    app = open_units(court)
    asked = {
        "compare": ("POST", "/compare"), "changes": ("GET", "/changes?since=0"), "acks": ("POST", "/acks"),
        "feedback": ("POST", "/feedback"), "ledger": ("GET", "/ledger"),
    }  # fmt: skip
    for scope in asked:
        for route, (method, path) in asked.items():
            answer = ask_unit(app, court.keys[f"only-{scope}"], method, path)
            assert (answer.status_code == 403) == (route != scope), (scope, route)
    for key in (court.keys["ended"], court.keys["good"], "gsk_" + "x" * 40, ""):
        for method, path in (*asked.values(), ("GET", "/snapshot"), ("GET", "/entries/SX-00000000")):
            answer = ask_unit(app, key, method, path)
            assert answer.status_code == 401
            assert (court.outside.find(wire(answer)), court.shown.find(wire(answer))) == (set(), set())
    court.home.close()


def test_the_voice_line_says_nothing_of_a_person(court: CanaryCourt) -> None:
    app, url = create_gateway(court.home.court), f"{REACHED['GONGSHI_GATEWAY_URL']}/twilio/voice"
    signer = TwilioServer.__new__(TwilioServer)
    signer.token = os.environ["GONGSHI_TWILIO_AUTH_TOKEN"]
    said = set()
    with structlog.testing.capture_logs() as lines:
        for typed in (*(keys_of(some[0]) for some in court.records.values()), "00000000", *sample_of(court)):
            form = {"AccountSid": REACHED["GONGSHI_TWILIO_ACCOUNT_SID"], "CallSid": f"CA{'0' * 32}", "Digits": typed}
            headers = {"X-Twilio-Signature": signer.sign(f"{url}?try=1", form)}
            answer = app.test_client().post("/twilio/voice?try=1", data=form, headers=headers, buffered=True)
            content = wire(answer)
            assert answer.status_code == 200
            assert (court.outside.find(content), court.shown.find(content)) == (set(), set())
            said |= {words for words in ("正在公示", "已经不再公示", "没有这个编号") if words in content.decode()}
    court.home.close()
    assert said == {"正在公示", "已经不再公示", "没有这个编号"}
    assert court.outside.find(repr(lines)) == set()


# What somebody may type ----------------------------------------------------------------------------------------------


def test_a_search_for_what_stays_inside_finds_nothing(court: CanaryCourt, public: Portal) -> None:
    client = public.test_client()
    for value in sample_of(court):
        answer = client.get("/api/v1/entries", query_string={"q": value})
        if answer.status_code == 200:
            assert (answer.json["meta"]["total"], answer.json["entries"]) == (0, []), value


def test_on_the_form_of_the_check_nothing_that_was_typed_comes_back(court: CanaryCourt, public: Portal) -> None:
    client = public.test_client()
    for entry in (one for some in court.entries.values() for one in some[:1]):
        for name in (entry["name"], entry["phone"]):
            answer = client.post("/check", data={"name": name, "head": "9901011980", "tail": "0015"})
            assert court.outside.find(wire(answer)) == set()


def test_too_many_questions_are_refused_without_a_private_value(court: CanaryCourt) -> None:
    app = open_portal(court.home.folder, limit="on")
    answers = [app.test_client().get("/search?q=x", buffered=True) for _ in range(61)]
    app.close()
    assert answers[-1].status_code == 429
    assert court.outside.find(wire(answers[-1])) == set()


@pytest.mark.parametrize("spoil", ["junk", "empty", "truncated index", "no index", "no current"])
def test_a_spoilt_store_is_told_without_a_private_value(
    court: CanaryCourt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    home = tmp_path / court.home.folder.name
    shutil.copytree(court.home.folder / "public", home / "public")
    if court.home.databases and spoil in ("junk", "empty"):
        patch_disclosed(monkeypatch, court, spoil)
    else:
        spoil_store(home / "public", spoil)
    app = open_portal(home)
    typed = court.entries["draft"][0]["name"]
    with structlog.testing.capture_logs() as lines:
        answers = [
            app.test_client().get(path, buffered=True)
            for path in ("/", f"/search?q={typed}", "/api/v1/entries", "/readyz")
        ]
    app.close()
    assert {answer.status_code for answer in answers} & {500, 503}
    for answer in answers:
        assert court.outside.without(typed).find(wire(answer)) == set()
        assert "Traceback" not in answer.text
    assert court.outside.find(repr(lines)) == set()


def patch_disclosed(monkeypatch: pytest.MonkeyPatch, court: CanaryCourt, how: str) -> None:
    """A server without the database, or with one that has no tables of ours."""
    url = make_url(court.home.databases["GONGSHI_DISCLOSED_URL"])
    name = {"junk": "nowhere", "empty": "template1"}[how]
    monkeypatch.setenv("GONGSHI_DISCLOSED_URL", url.set(database=name).render_as_string(hide_password=False))


def spoil_store(public: Path, how: str) -> None:
    index = public / "index"
    segments = [path for path in index.rglob("*") if path.suffix == ".seg"]
    assert segments
    if how in ("junk", "empty"):
        (public / "disclosed.db").write_bytes(b"junk" * 999 if how == "junk" else b"")
    elif how == "truncated index":
        for path in segments:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif how == "no index":
        shutil.rmtree(index)
    else:
        (index / "current").write_text("nowhere")


# Processes ----------------------------------------------------------------------------------------------------------


@dataclass
class Running:
    """A real process of the product, what it wrote, and where."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def log(self) -> bytes:
        return (self.folder / "out").read_bytes() + (self.folder / "err").read_bytes()

    def wait_for(self, *words: bytes, seconds: float = 40) -> None:
        """Until it has said one of these."""
        deadline = time.monotonic() + seconds
        while not any(word in self.log for word in words):
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def end(self, sign: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(sign)
        return self.process.wait(30)


@contextmanager
def running(folder: Path, *arguments: str, largest: int = -1, **environ: str) -> Iterator[Running]:
    """`gongshi ARGUMENTS` in a folder of its own, where it might leave a crash file, and files no larger than `largest`."""
    folder.mkdir()

    def set_limits() -> None:
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))
        if largest >= 0:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))

    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "gongshi", *arguments],
            stdout=out, stderr=err, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
            preexec_fn=set_limits,
        )  # fmt: skip
        try:
            yield Running(process, folder)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def send(port: int, request: bytes) -> bytes:
    """Bytes as they are, and all that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        while some := connection.recv(65_536):
            answer += some
    return answer


def requests_of(value: str) -> list[bytes]:
    """A value in every part of a request, also of one that cannot be read."""
    plain, typed = value.encode(), quote(value).encode()
    close = b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    return [
        b"GET /search?q=" + typed + close + b"\r\n",
        b"GET /search?q=" + plain + close + b"\r\n",
        b"GET /search?q=" + plain + b" x" + close + b"\r\n",
        b"GET /search?q=" + plain + b" HTTP/" + plain + b"\r\n\r\n",
        plain + b" /search" + close + b"\r\n",
        b"SPY" + plain + b" /" + close + b"\r\n",
        b"GET /" + typed + close + b"\r\n",
        b"GET /search?q=" + plain * 400 + close + b"\r\n",
        b"GET /" + close + b"X-" + plain + b": x\r\n\r\n",
        b"GET /" + close + b"X-Name: " + plain + b"\r\n " + plain + b"\r\n\r\n",
        b"GET /" + close + plain + b"\r\n\r\n",
        b"GET /" + close + b"Transfer-Encoding: " + plain + b"\r\n\r\n",
        b"GET /" + close + b"Content-Length: " + plain + b"\r\n\r\n",
        b"GET /" + close + b"Expect: " + plain + b"\r\n\r\n",
        b"POST /check" + close + b"Transfer-Encoding: chunked\r\n\r\n" + plain + b"\r\n\r\n",
        b"POST /check" + close + b"Content-Length: 9999\r\n\r\nname=" + typed,
        b"PROXY TCP4 " + plain + b" 1 2 3\r\n\r\n",
    ]


def test_a_portal_process_writes_nothing_of_what_it_is_asked_however_badly(court: CanaryCourt, tmp_path: Path) -> None:
    port = free_port()
    entry = court.entries["draft"][0]
    values = [entry["name"], entry["phone"], entry["id_number"], entry["decision_number"]]
    with running(
        tmp_path / "portal", "serve", "portal", "--bind", f"127.0.0.1:{port}", GONGSHI_RATE_LIMIT="off"
    ) as portal:
        portal.wait_for("已就绪".encode())
        for value in values:
            for request in requests_of(value):
                with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                    connection.sendall(request)
                    connection.shutdown(socket.SHUT_WR)
                    answer = b"".join(iter(lambda: connection.recv(65_536), b""))
                assert court.outside.without(value).find(answer) == set(), request
        assert b"200 OK" in send(port, b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        portal.end()
        assert court.outside.find(portal.log) == set()
        assert b'"request"' in portal.log
        assert all(
            line.startswith(b"{")
            for line in portal.log.splitlines()
            if b"\xe5\xb7\xb2\xe5\xb0\xb1\xe7\xbb\xaa" not in line
        )


def test_a_desk_process_writes_nothing_of_what_it_shows(court: CanaryCourt, tmp_path: Path) -> None:
    port = free_port()
    recalled = court.entries["recalled"][0]["name"]
    with running(tmp_path / "desk", "serve", "desk", "--bind", f"127.0.0.1:{port}") as desk:
        desk.wait_for("已就绪".encode())
        for path in (
            "/runs",
            "/inbox",
            f"/runs/{quote(recalled)}",
            f"/inbox/tv/{quote(recalled)}",
            f"/{quote(recalled)}",
        ):
            send(port, f"GET {path}?q={quote(recalled)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        for request in requests_of(recalled)[:10]:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65_536):
                    pass
        desk.end()
        assert court.outside.find(desk.log) == set()


@pytest.fixture
def waiting(court: CanaryCourt) -> Iterator[Watch]:
    """Approved entries that the next pulse of a worker would publish, in the court itself: not public while it fails.

    They are thrown out at the end, for the other tests of the court have workers that do not fail.
    """
    entries = [court.person("waiting") for _ in range(court.each)]
    court.take_in(court.lines(*entries), "--confirm", "art3", "--confirm", "redactions")
    yield court.outside
    # A worker that can write no file may have published them all the same, on PostgreSQL: then units are told that they left.
    opened = court.home.court
    with opened.store.snapshot(court.home.clock()) as snapshot:
        public = {document.name: document.record for document in snapshot.all(limit=100_000)}
    opened.close()
    if published := [public[entry["name"]] for entry in entries if entry["name"] in public]:
        court.records.setdefault("waiting", []).extend(published)
    for entry in entries:
        court.do("withdraw", entry["case_number"], "--ground", "wrongly_listed", *court.reason(), "--as", REVIEWER)


def test_a_worker_whose_statement_fails_writes_nothing_of_what_it_was_to_store(
    court: CanaryCourt, tmp_path: Path, waiting: Watch
) -> None:
    url = court.home.databases.get("GONGSHI_REGISTRY_URL")
    with failing_journal(url or f"sqlite:///{court.home.folder / 'registry/registry.db'}"):
        with running(tmp_path / "worker", "worker") as worker:
            worker.wait_for(b"Error")
            worker.end()
            assert waiting.find(worker.log) == set()
            assert b"Traceback" not in worker.log
        with running(tmp_path / "once", "worker", "--once") as worker:
            assert worker.process.wait(40) == 2
            assert waiting.find(worker.log) == set()
            assert b"Traceback" not in worker.log


@contextmanager
def failing_journal(url: str) -> Iterator[None]:
    """No line can be added to the journal: the statement that tries carries a whole document."""
    fails = {
        "sqlite": ["CREATE TRIGGER fails BEFORE INSERT ON journal BEGIN SELECT RAISE(FAIL, 'no'); END"],
        "postgresql": ["ALTER TABLE journal ADD CONSTRAINT fails CHECK (position < 0) NOT VALID"],
    }
    mends = {"sqlite": "DROP TRIGGER fails", "postgresql": "ALTER TABLE journal DROP CONSTRAINT fails"}
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in fails[engine.dialect.name]:
            connection.execute(text(statement))
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(text(mends[engine.dialect.name]))
        engine.dispose()


def test_a_worker_whose_disk_is_full_writes_no_private_value(
    court: CanaryCourt, tmp_path: Path, waiting: Watch
) -> None:
    with running(tmp_path / "worker", "worker", largest=4096) as worker:
        # At a pulse, or before the first one.
        worker.wait_for(b"Error", "已满".encode())
        worker.end()
        assert waiting.find(worker.log) == set()


CRASHES = [signal.SIGABRT, *(pytest.param(sign, marks=pytest.mark.soak) for sign in (signal.SIGSEGV, signal.SIGQUIT))]


@pytest.mark.parametrize("sign", CRASHES)
def test_a_process_that_crashes_leaves_no_file_behind(court: CanaryCourt, tmp_path: Path, sign: signal.Signals) -> None:
    with running(tmp_path / "worker", "worker") as worker:
        worker.wait_for("已就绪".encode())
        assert read_core_limit(worker.process.pid) == 0
        worker.end(sign)
        assert {path.name for path in worker.folder.iterdir()} == {"out", "err"}
        assert court.outside.find(worker.log) == set()


def read_core_limit(process: int) -> int:
    """The largest crash file, in bytes, that the system would write of a process."""
    return resource.prlimit(process, resource.RLIMIT_CORE)[0]


ADDRESSES = ("p@ss:word{}@host", "{}@host:port", "{}")
PORTAL, WORKER, DESK, INIT = ("serve", "portal"), ("worker", "--once"), ("serve", "desk"), ("init",)
WRONG = [
    *((PORTAL, address) for address in ADDRESSES),
    (WORKER, ADDRESSES[0]),
    *(
        pytest.param(part, address, marks=pytest.mark.soak)
        for part in (WORKER, DESK, INIT)
        for address in ADDRESSES
        if (part, address) != (WORKER, ADDRESSES[0])
    ),
]


@pytest.mark.parametrize(("arguments", "shape"), WRONG)
def test_an_address_of_a_database_that_is_wrong_is_refused_without_its_password(
    tmp_path: Path, arguments: tuple[str, ...], shape: str
) -> None:
    watch = Watch()
    secret = watch.add(Canaries(Random(4)).letters(20), "password")
    url = f"postgresql+psycopg://gongshi:{shape.format(secret)}/disclosed"
    with running(
        tmp_path / "run", *arguments, GONGSHI_DISCLOSED_URL=url, GONGSHI_HOME=str(tmp_path / "home")
    ) as process:
        assert process.process.wait(40) != 0
        assert watch.find(process.log) == set()
        assert b"Traceback" not in process.log

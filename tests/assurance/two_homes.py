"""Two homes with one public history, one of them full of what the public must never know, and everything that the
public can see of a home."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

from entries import a_person, an_organisation, citizen_number, with_term
from fresh import PARTS
from homes import Clock, Home, Said
from sqlalchemy import create_engine, select, text
from werkzeug.test import TestResponse

from gongshi.cli import run
from gongshi.clock import World
from gongshi.court import Court
from gongshi.settings import read_settings
from gongshi.synthetic import build_citizen_number
from gongshi.units import create_units
from notifier.gateway_voice import answer
from notifier.signing import KEY_FILE, create_signing_key
from portal.app import Portal, create_app
from portal.site import KEY
from search_index.day import SHANGHAI
from search_index.keypad import keys_of
from search_index.number import ALPHABET, draw_number
from search_index.readers import draw_key
from search_index.store_tables import metadata as disclosed_tables
from search_index.store_tables import state_table
from search_index.subjects import subject_table
from search_index.submission import draw_receipt, draw_verify

STAFF = {"clerk": "clerk", "reviewer": "reviewer", "second": "reviewer", "auditor": "auditor"}
BOTH = ("--confirm", "art3", "--confirm", "redactions")
Entry = dict[str, Any]


# A home ------------------------------------------------------------------------------------------------------------


@dataclass
class OwnHome(Home):
    """A home that is worked with beside others: the environment names it only while one of its commands runs."""

    reader_key: str = ""
    unit_key: str = ""

    def run(self, *arguments: object, typed: str = "") -> Said:
        out, err = StringIO(), StringIO()
        keyboard, sys.stdin = sys.stdin, StringIO(typed)
        try:
            with self.named(), redirect_stdout(out), redirect_stderr(err):
                code = run([str(argument) for argument in arguments], self.world)
        finally:
            sys.stdin = keyboard
        return Said(code, out.getvalue(), err.getvalue())

    @contextmanager
    def named(self) -> Iterator[None]:
        """The environment as a command of this home finds it."""
        names = {"GONGSHI_HOME", *(f"GONGSHI_{part.upper()}_URL" for part in PARTS)}
        before = {name: os.environ.pop(name) for name in names if name in os.environ}
        os.environ.update({"GONGSHI_HOME": str(self.folder), **self.databases})
        try:
            yield
        finally:
            for name in names:
                os.environ.pop(name, None)
            os.environ.update(before)

    @cached_property
    def portal(self) -> Portal:
        """The public site of this home, which runs on while the home is worked with."""
        return create_app(self.public_settings, self.clock)

    def close(self) -> None:
        if "portal" in self.__dict__:
            self.portal.close()

    @contextmanager
    def browsed(self) -> Iterator[Portal]:
        """The public site; what it logs is not looked at here."""
        with redirect_stdout(StringIO()):
            yield self.portal


def build_home(folder: Path, databases: dict[str, str], moment: datetime) -> OwnHome:
    """A home with its own key, a clock that stands at `moment`, and the staff."""
    home = OwnHome(folder, Clock(moment), lambda: ("", ""), databases)
    home.ask("init")
    # Whose package it is shows in its signature: with one key for both, packages can be compared byte by byte.
    (folder / "notifier" / KEY_FILE).unlink()
    create_signing_key(folder / "notifier" / KEY_FILE, bytes)
    for name, role in STAFF.items():
        said = home.run("user", "add", name, "--role", role, typed="a-long-password\n")
        assert said.code == 0, said.err
    return home


def copy_home(template: OwnHome, folder: Path) -> OwnHome:
    """The same home somewhere else, its chance set back; for homes on SQLite."""
    shutil.copytree(template.folder, folder)
    return OwnHome(folder, Clock(template.clock()), template.capture)


# What is public of it, and what is not -------------------------------------------------------------------------------

PEOPLE: Mapping[int, Entry] = {
    1: a_person(1, name="张伟"),
    2: a_person(2, name="张伟"),
    3: with_term(a_person(3, name="扎西·测试"), "2026-12-20"),
    4: a_person(4, name="欧阳测"),
    5: a_person(5, name="李明远"),
    6: a_person(6, name="王䶮"),
    7: with_term(a_person(7, name="陈小红"), "2027-05-01"),
    8: an_organisation(8, name="测试市云杉商贸有限公司"),
    9: an_organisation(9, name="样例县清溪村种植专业合作社", region="样例县", court="样例县人民法院"),
    10: a_person(10, name="马测试"),
}
"""Every debtor that the public is told of in the public history, by serial."""


def with_other_secrets(entry: Entry, turn: int = 1) -> Entry:
    """The same entry to the public; everything of it that is private is another's."""
    serial = int(entry["national_reference"][1:])
    other = {
        "employer": f"别处单位{serial}厂{turn}",
        "phone": f"137{serial:04d}{turn:04d}",
        "address": f"别处市别处区暗巷{serial}号{turn}单元",
        "applicant": {"name": "戊债权", "phone": f"136{serial:04d}{turn:04d}"},
        "note": f"另一段内部备注{serial}之{turn}",
        "decision_number": f"（2025）测0101执{serial}号另一决定书",
        "served_on": "2025-06-11",
        "national_reference": f"N{serial}",
    }
    if entry["kind"] == "person":
        other["id_number"] = find_twin(entry["id_number"])
    return {**entry, **other}


def find_twin(number: str) -> str:
    """Another valid number that looks the same behind every mask: born on another day of the same year."""
    born = date(int(number[6:10]), 1, 1)
    for days in range(1, 280):
        twin = build_citizen_number(number[:6], born + timedelta(days=days), int(number[14:17]))
        if twin != number and twin[-4:] == number[-4:]:
            return twin
    raise AssertionError("there is always one")


# The one public history ----------------------------------------------------------------------------------------------


@dataclass
class Life:
    """A home as it is led through the public history. `is_laden`: it also holds what the public must never know."""

    home: OwnHome
    is_laden: bool
    batches: dict[str, int] = field(default_factory=dict)
    numbers: dict[int, str] = field(default_factory=dict)
    files: int = 0
    secrets: int = 100

    def entry(self, serial: int) -> Entry:
        return with_other_secrets(PEOPLE[serial]) if self.is_laden else PEOPLE[serial]

    def import_(self, entries: Sequence[Any], actor: str = "clerk") -> int:
        """The batch of a new file; 0 where nothing was accepted."""
        self.files += 1
        said = self.home.run("import", self.home.write(f"f{self.files}.jsonl", entries), "--as", actor, "--json")
        assert said.code in (0, 1), said.err
        return said.json["batch"] or 0

    def approve(self, batch: int, actor: str = "reviewer") -> Any:
        said = self.home.run("approve", batch, "--as", actor, *BOTH, "--json")
        assert said.code in (0, 1), said.err
        return said.json

    def bring(self, *serials: int) -> None:
        """Import and approve public entries, in one file; in the laden home, secrets stand between their lines."""
        lines: list[Entry] = []
        for serial in serials:
            lines += [self.entry(serial), *(secret_lines(self.take_serial) if self.is_laden else ())]
        self.approve(self.import_(lines))

    def take_serial(self) -> int:
        """A serial that no entry of this home has."""
        self.secrets += 1
        return self.secrets

    def publish(self) -> Any:
        told = self.home.ask("publish")
        self.numbers |= self.read_numbers()
        return told

    def read_numbers(self) -> dict[int, str]:
        """The record numbers of what is public now, by serial, as the public reads them."""
        cases = {entry["case_number"]: serial for serial, entry in PEOPLE.items()}
        return {cases[entry["case_number"]]: entry["record"] for entry in list_public(self.home)}

    def down(self, command: str, serial: int, actor: str = "reviewer") -> Any:
        ground = {"withdraw": ("--ground", "wrongly_listed"), "remove": ("--ground", "performed"), "hold": ()}[command]
        done = self.home.ask(
            command, self.numbers[serial], *ground, "--basis", f"执异{self.is_laden:d}号", "--as", actor
        )
        return {key: done[key] for key in ("record", "sequence", "at")}


def list_public(home: OwnHome) -> list[Entry]:
    with home.browsed() as portal:
        answer = portal.test_client().get("/api/v1/entries").json
    assert answer is not None
    assert answer["meta"]["pages"] <= 1
    entries: list[Entry] = answer["entries"]
    return entries


def secret_lines(take_serial: Callable[[], int]) -> list[Any]:
    """Lines that the public never hears of, each for a reason of its own; one shares case and name with who is public."""
    serial = take_serial()
    restricted = {"disclosure": "restricted", "restricted_ground": GROUNDS[serial % len(GROUNDS)]}
    minor = take_serial()
    return [
        a_person(serial, name="夏秘密", **restricted),
        a_person(take_serial(), name="张伟", case_number="（2025）测0101执1号", **restricted),
        a_person(minor, name="卜成年", id_number=citizen_number(minor, "2012-03-04")),
        a_person(take_serial(), name="卫送达", served_on=None),
        a_person(take_serial(), name="胡写错", id_number="990101198001020000"),
    ]


GROUNDS = ("state_secret", "trade_secret", "privacy", "other")
At = Callable[[Life], Any]


def _moment(month: int, day: int, hour: int, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)


def _set_profile(life: Life) -> Any:
    """Who the court is; a reader gets a key, a unit's machine another: the public is told of the first, as its digest."""
    told = ("court=测试市人民法院", "region=测试市", "telephone=0000-0000000", "website=https://court.example.invalid")
    life.home.ask("profile", *(part for one in told for part in ("--set", one)), "--as", "reviewer")
    who = ("--name", f"某某{life.is_laden:d}社", "--contact", f"000-000{life.is_laden:d}", "--purpose", "核对")
    given = life.home.ask("reader", "add", *who, "--as", "reviewer")
    life.home.reader_key = given["key"]
    receives = ("--push", "--releases", "--basis", "实施办法第九条")
    life.home.ask("unit", "add", "housing", "--name", "测试市住房局", *receives, "--as", "reviewer")
    life.home.unit_key = life.home.ask("unit", "key", "add", "housing", "machine", "--as", "reviewer")["secret"]
    return given, life.home.unit_key


def _lift(life: Life) -> Any:
    number = life.numbers[4]
    life.home.ask("hold", number, "--lift", "--basis", "核实", "--as", "reviewer")
    done = life.home.ask("hold", number, "--lift", "--as", "second")
    return done["sequence"]


def _propose(life: Life) -> None:
    changed = {"performance": "部分未履行", "performed_part": "已履行5000元", "unperformed_part": "其余未履行"}
    life.approve(life.import_([{**life.entry(5), **changed}]))


def _reconcile(life: Life) -> Any:
    """The full list lacks one debtor who is public; what it says of who is not public differs from home to home."""
    present = [life.entry(serial) for serial in (1, 3, 4, 8, 9)]
    changed = {"performance": "部分未履行", "performed_part": "已履行5000元", "unperformed_part": "其余未履行"}
    present.append({**life.entry(5), **changed})
    done = life.home.ask("reconcile", life.home.write("full.jsonl", present), "--as", "clerk", "--force")
    return [held["record"] for held in done["held"] if held["record"]]


def _correct(life: Life) -> Any:
    setting = ("--set", "obligation=支付货款人民币60000元。")
    return life.home.ask("correct", life.numbers[1], *setting, *BOTH, "--as", "reviewer")


def _rebuild(life: Life) -> Any:
    return life.home.ask("index", "rebuild", "--replay"), life.home.ask("index", "verify")


def _work(life: Life) -> Any:
    """What the worker does, once the reader has confirmed all that has left."""
    with life.home.browsed() as portal:
        client = portal.test_client()
        body = {"sequence": client.get("/readyz").json["sequence"]}  # type: ignore[index]
        headers = {"Authorization": f"Bearer {life.home.reader_key}"}
        assert client.post("/api/v1/acks", json=body, headers=headers).status_code == 202
    said = life.home.run("worker", "--once")
    return said.code, said.out, said.err


def _push(life: Life) -> Any:
    return {**life.home.ask("push", "--period", "2026Q4"), "package": ""}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the public hears of, and the moment at which it happens. What `do` gives is said to outsiders."""

    name: str
    at: datetime
    do: At


HISTORY = (
    Step("the court says who it is", _moment(11, 18, 9), _set_profile),
    Step("four entries are brought", _moment(11, 18, 10), lambda life: life.bring(1, 2, 3, 8)),
    Step("and published", _moment(11, 18, 10, 5), Life.publish),
    Step("four more are brought", _moment(11, 19, 10), lambda life: life.bring(4, 5, 6, 9)),
    Step("and published too", _moment(11, 19, 10, 30), Life.publish),
    Step("one is corrected", _moment(11, 19, 15), _correct),
    Step("one goes for good", _moment(11, 20, 9), lambda life: life.down(("withdraw", "remove")[life.is_laden], 2)),
    Step("one is held", _moment(11, 20, 11), lambda life: life.down("hold", 4)),
    Step("and is shown again", _moment(11, 21, 9), _lift),
    Step("a second version is agreed to", _moment(11, 23, 9), _propose),
    Step("the full list lacks one", _moment(11, 24, 9), _reconcile),
    Step(
        "another mask is chosen",
        _moment(11, 25, 9),
        lambda life: life.home.ask("profile", "--set", "id_mask=strict", "--as", "reviewer") and None,
    ),
    Step("under which all are issued anew", _moment(11, 25, 9, 30), Life.publish),
    Step("two more are brought", _moment(11, 26, 9), lambda life: life.bring(7, 10)),
    Step("and published as well", _moment(11, 26, 9, 30), Life.publish),
    Step("a term ends, a quarter begins", _moment(1, 5, 10, year=2027), _work),
    Step("the quarter's run is shown", _moment(1, 5, 10, 30, 2027), _push),
    Step("another goes", _moment(1, 6, 9, year=2027), lambda life: life.down(("remove", "hold")[life.is_laden], 8)),
    Step("the worker works again", _moment(1, 6, 10, year=2027), _work),
    Step("everything is made anew from the journal", _moment(1, 7, 9, year=2027), _rebuild),
)
"""Everything that the public is ever told in either home."""

LAST = HISTORY[-1].at


# What nobody outside may notice --------------------------------------------------------------------------------------

Secret = Callable[[Life], None]
CASE = "（2025）测0101执{}号"


def _alone(life: Life, *, approve: bool = True, born: str = "1980-01-02", **changes: Any) -> str:
    """A debtor of its own in a case of its own; the case number."""
    serial = life.take_serial()
    own = {"name": "秦隐瞒", "id_number": citizen_number(serial, born), **changes}
    batch = life.import_([a_person(serial, **own)])
    assert batch
    if approve:
        life.approve(batch)
    return CASE.format(serial)


def _do(life: Life, *arguments: object) -> None:
    life.home.ask(*arguments)


def _fail(life: Life, *arguments: object) -> None:
    assert life.home.run(*arguments).code != 0


def _shown(life: Life) -> list[str]:
    return sorted(life.read_numbers().values())


def _restrict(ground: str) -> Secret:
    def act(life: Life) -> None:
        _alone(life, disclosure="restricted", restricted_ground=ground)

    return act


def _hold_before(life: Life) -> None:
    _do(life, "hold", _alone(life), "--basis", "来信", "--as", "clerk")


def _hold_and_half_lift(life: Life) -> None:
    case = _alone(life)
    _do(life, "hold", case, "--basis", "来信", "--as", "clerk")
    _do(life, "hold", case, "--confirm", "--as", "reviewer")
    _do(life, "hold", case, "--lift", "--basis", "核实", "--as", "reviewer")


def _leave_before(life: Life) -> None:
    _do(life, "withdraw", _alone(life, approve=False), "--ground", "minor", "--basis", "户口簿", "--as", "reviewer")
    _do(life, "withdraw", _alone(life), "--ground", "deceased", "--basis", "证明", "--as", "reviewer")
    _do(life, "remove", _alone(life), "--ground", "performed", "--basis", "结案", "--as", "reviewer")


def _change_draft(life: Life) -> None:
    case = _alone(life, approve=False)
    for setting in ("note=改过的内部备注", "phone=13511112222", "obligation=支付货款人民币70000元。"):
        _do(life, "correct", case, "--set", setting, *BOTH, "--as", "reviewer")


def _return_to_draft(life: Life) -> None:
    _do(life, "correct", _alone(life), "--set", "address=别处市别处区改过的路7号", *BOTH, "--as", "reviewer")


def _refuse(life: Life, *confirmed: str, **changes: Any) -> None:
    serial = life.take_serial()
    entry = {**a_person(serial, name="秦隐瞒", id_number=citizen_number(serial)), **changes}
    batch = life.import_([entry])
    said = life.home.run("approve", batch, "--as", "reviewer", *confirmed, "--json")
    assert said.json["approved"] == 0


def _fail_approval(life: Life) -> None:
    _refuse(life)
    _refuse(life, *BOTH, decision_number=None)
    _refuse(life, *BOTH, served_on="2035-01-01")
    _refuse(life, *BOTH, conduct=["breaks_settlement"], term_ends_on="2026-11-01")
    _refuse(life, *BOTH, conduct=["breaks_settlement"])
    _refuse(life, *BOTH, id_number="9901012009****0015", gender="男")
    _refuse(life, *BOTH[:2], obligation="向原告支付100000元，联系电话13912345678。", phone="13912345678")


def _spoil(life: Life) -> None:
    serial = life.take_serial()
    life.import_([a_person(serial, id_number="1"), {"kind": "person"}, a_person(serial + 50, court="")])


def _change_private_fields(life: Life) -> None:
    settings = (
        "phone=13411112222", "address=别处市别处区改过的路8号", "employer=改过的单位", "note=改过的备注一段",
        "applicant=庚债权 13411113333", "decision_number=改过的决定书", "served_on=2025-06-12",
    )  # fmt: skip
    turn = life.take_serial()
    for record in _shown(life):
        chosen = [*settings, f"national_reference=R{turn}"]
        _do(life, "correct", record, *(part for one in chosen for part in ("--set", one)), *BOTH, "--as", "reviewer")


def _change_one_private_field(life: Life) -> None:
    people = [record for serial, record in life.read_numbers().items() if PEOPLE[serial]["kind"] == "person"]
    turn = life.take_serial()
    for record in people[turn % max(1, len(people)) :][:1]:
        _do(life, "correct", record, "--set", f"note=又一段备注{turn}", *BOTH, "--as", "reviewer")


def _import_private_changes(life: Life) -> None:
    turn = life.take_serial()
    now_public = {entry["case_number"]: entry for entry in list_public(life.home)}
    versions = []
    for serial in PEOPLE:
        entry = life.entry(serial)
        if shown := now_public.get(entry["case_number"]):
            same = {key: shown[key] for key in ("obligation", "performance", "performed_part", "unperformed_part")}
            other = with_other_secrets(entry, turn)
            versions.append({**other, **same, "id_number": entry.get("id_number")} if "id_number" in entry else other)
    if versions:
        life.approve(life.import_(versions))


def _propose_and_leave(life: Life) -> None:
    """A second version of what is public, with other public words, that nobody has agreed to."""
    for serial in life.read_numbers():
        life.import_([{**life.entry(serial), "obligation": f"支付货款人民币{life.take_serial()}元。"}])


def _touch_departed(life: Life) -> None:
    """What was public and is not: who confirms, asks or decides on it afterwards is nobody's business."""
    gone = life.numbers.keys() - life.read_numbers().keys()
    for serial in sorted(gone):
        number = life.numbers[serial]
        for arguments in (
            ("hold", number, "--confirm", "--as", "second"),
            ("correct", number, "--set", "note=撤下之后的备注", *BOTH, "--as", "reviewer"),
        ):
            life.home.run(*arguments)


def _err(life: Life) -> None:
    _fail(life, "withdraw", "SX-00000000", "--ground", "minor", "--basis", "x", "--as", "reviewer")
    _fail(life, "correct", CASE.format(999_999), "--set", "note=x", "--as", "reviewer")
    _fail(life, "approve", "99999", "--as", "reviewer")
    _fail(life, "push", "--period", "2099Q1")
    _fail(life, "hold", CASE.format(999_999), "--basis", "x", "--as", "nobody")


def _look(life: Life) -> None:
    case = _alone(life, approve=False)
    _fail(life, "withdraw", case, "--ground", "minor", "--basis", "x", "--as", "clerk")
    _do(life, "index", "verify")
    _do(life, "findings", "1")
    life.home.run("doctor")


def _list_namesakes(life: Life) -> None:
    restricted = {"disclosure": "restricted", "restricted_ground": "privacy"}
    entries = []
    for entry in PEOPLE.values():
        build = a_person if entry["kind"] == "person" else an_organisation
        entries.append(build(life.take_serial(), name=entry["name"], **restricted))
        entries.append(build(life.take_serial(), name=entry["name"], case_number=entry["case_number"], **restricted))
    life.approve(life.import_(entries))


def _import_again(life: Life) -> None:
    file = life.home.folder.parent / "f1.jsonl"
    if file.exists():
        life.home.run("import", file, "--as", "clerk")


def _compare(life: Life) -> None:
    """A unit's machine asks about who is hidden, follows the list and confirms it."""
    with life.home.named():
        # A process of its own draws from a source of its own.
        court = Court(read_settings(), World(now=life.home.clock, random=Random(3)))
        app = create_units(court)
        client, by = app.test_client(), {"Authorization": f"Bearer {life.home.unit_key}"}
        persons = [{"name": name, "id_number": citizen_number(n)} for n, name in ((101, "秦隐瞒"), (1, "张伟"))]
        asked = {"purpose": "资格审核", "operator": "0017", "persons": persons}
        with redirect_stdout(StringIO()):
            told = [client.post("/units/v1/compare", json=asked, headers=by)]
            told += [client.get(f"/units/v1/{path}", headers=by) for path in ("changes?since=0", "snapshot", "ledger")]
        assert [one.status_code for one in told] == [200] * 4, [one.text for one in told]
        court.close()


def _take_over(life: Life) -> None:
    """Another court's list is brought, and nobody has approved it yet."""
    slug, court = f"s{life.take_serial()}", f"昆{chr(0x5000 + life.take_serial())}市中级人民法院"
    _do(life, "source", "add", slug, "--court", court, "--basis", "实施意见二（一）", "--as", "reviewer")
    serial = life.take_serial()
    entry = a_person(serial, name="秦隐瞒", id_number=citizen_number(serial), court=court)
    path = life.home.write(f"{slug}.jsonl", [entry])
    _do(life, "source", "import", slug, path, "--full", "--as", "clerk")


def _export(life: Life) -> None:
    folder = life.home.folder.parent / f"export{life.take_serial()}"
    _do(life, "export", "social_file", "--out", folder, "--as", "reviewer")


SECRETS: Mapping[str, Secret] = {
    "a state secret": _restrict("state_secret"),
    "a trade secret": _restrict("trade_secret"),
    "private life": _restrict("privacy"),
    "another ground": _restrict("other"),
    "held before it was ever public": _hold_before,
    "held, and one of two asks to show it": _hold_and_half_lift,
    "a minor": lambda life: _alone(life, born="2011-01-02") and None,
    "not served": lambda life: _alone(life, served_on=None) and None,
    "nobody has approved it": lambda life: _alone(life, approve=False) and None,
    "refused for one reason or another": _fail_approval,
    "lines that were quarantined": _spoil,
    "a draft that was changed": _change_draft,
    "approved, then changed": _return_to_draft,
    "taken away before it was ever public": _leave_before,
    "the private fields of all that is public": _change_private_fields,
    "one private field of one that is public": _change_one_private_field,
    "second versions that differ in private fields": _import_private_changes,
    "a second version that nobody agreed to": _propose_and_leave,
    "what departed is confirmed and corrected": _touch_departed,
    "namesakes and co-debtors of who is public": _list_namesakes,
    "what could not be done": _err,
    "what was only looked at": _look,
    "the same file again": _import_again,
    "a unit's machine asks": _compare,
    "another court's list that nobody has approved": _take_over,
    "the list is exported": _export,
}
"""Everything that a court does of which the public must not learn, by what it is."""


def list_states(home: OwnHome) -> Counter[str]:
    """How many records the registry holds in each state."""
    private = home.databases.get("GONGSHI_REGISTRY_URL", f"sqlite:///{home.folder / 'registry' / 'registry.db'}")
    engine = create_engine(private)
    with engine.connect() as connection:
        found = Counter(connection.execute(text("SELECT state FROM record")).scalars())
    engine.dispose()
    return found


def live(life: Life, step: Step) -> Any:
    """Take a step at its moment; what an outsider is told of it."""
    life.home.clock.moment = step.at
    return step.do(life)


# Everything that the public can see ----------------------------------------------------------------------------------

Answers = dict[str, Any]
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")


def ask_everything(home: OwnHome) -> Answers:
    """Every answer of every route, by what was asked: status, headers and bytes."""
    with home.browsed() as portal:
        return {**_ask_everything(portal, home.reader_key), **_call(portal, home.clock())}


def _call(portal: Portal, now: datetime) -> Answers:
    """What the voice line says of each number that somebody may type."""
    register = portal.extensions[KEY].register
    return {f"called {record}": repr(answer(keys_of(record), 1, register, now)) for record in (*_DRAWN, "SX-00000000")}


def _ask_everything(portal: Portal, reader_key: str) -> Answers:
    client = portal.test_client()
    unknown = {rule.rule for rule in portal.url_map.iter_rules()} - QUESTIONS.keys()
    assert not unknown, f"nobody asks {unknown}"
    answers: Answers = {}
    for address in (address for addresses in QUESTIONS.values() for address in addresses):
        for method in METHODS if address in _EVERY_METHOD else ("GET",):
            answer = client.open(address, method=method)
            answers[f"{method} {address}"] = _read(answer)
            if method == "GET" and (tag := answer.headers.get("ETag")):
                again = client.get(address, headers={"If-None-Match": tag})
                answers[f"again {address}"] = _read(again)
    for address in KEYED if reader_key else ():
        answer = client.get(address, headers={"Authorization": f"Bearer {reader_key}"}, buffered=True)
        assert answer.status_code in (200, 410) or "archive" in address, (address, answer.text)
        answers[f"with a key {address}"] = _read(answer)
    for claim in CLAIMS:
        answer = client.post("/check", data=claim)
        answers[f"POST /check {claim}"] = _read(answer)
    for address, form in NUMBERS:
        answers[f"POST {address} {form}"] = _read(client.post(address, data=form))
    return answers


def _read(answer: TestResponse) -> tuple[str, list[tuple[str, str]], bytes]:
    """An answer as it arrives. Werkzeug puts the wall clock on some; this is the only header that is not compared."""
    data = _TOKEN.sub(b"0", answer.data)
    return answer.status, sorted(pair for pair in answer.headers if pair[0] != "Date"), data


# What a form is told by is drawn anew at every start, and of one length.
_TOKEN = re.compile(rb"(?<=name=\"token\" value=\")[0-9]+\.[0-9a-f]{32}\.[0-9a-f]{64}(?=\")")


def find_sealing_key(home: OwnHome) -> str:
    """The public key to which the portal of a home seals: each court draws its own."""
    engine = create_engine(home.public_settings.disclosed_url)
    with engine.connect() as connection:
        profile = connection.execute(select(state_table.c.profile)).scalar_one()
    engine.dispose()
    return str(json.loads(profile)["sealing_key"])


def read_tables(home: OwnHome) -> Answers:
    """Every row of the disclosed store."""
    engine = create_engine(home.public_settings.disclosed_url)
    key = find_sealing_key(home)
    tables = {**disclosed_tables.tables, "subject": subject_table}
    with engine.connect() as connection:
        rows = {
            name: sorted((_hide(tuple(row), key) for row in connection.execute(select(table))), key=repr)
            for name, table in tables.items()
        }
    engine.dispose()
    return {f"table {name}": found for name, found in rows.items()}


def _hide(row: tuple[Any, ...], key: str) -> tuple[Any, ...]:
    return tuple(value.replace(key, "0" * len(key)) if isinstance(value, str) else value for value in row)


def read_public_files(home: OwnHome) -> Answers:
    """The bytes of every file under public/. Whoosh draws the names of its segments: they are numbered instead."""
    folder = home.folder / "public"
    key = find_sealing_key(home).encode()
    drawn: dict[bytes, bytes] = {key: b"0" * len(key)}
    found: Answers = {}
    paths = sorted(
        (path for path in folder.rglob("*") if path.is_file()), key=lambda path: (path.stat().st_size, path.name)
    )
    for path in paths:
        if match := _SEGMENT.search(path.name.encode()):
            drawn.setdefault(match[1], b"%016d" % (len(drawn) - 1))
    for path in paths:
        name, content = str(path.relative_to(folder)).encode(), path.read_bytes()
        for word, number in drawn.items():
            name, content = name.replace(word, number), content.replace(word, number)
        found[f"file {name.decode()}"] = content
    return found


def read_sent_files(home: OwnHome) -> Answers:
    """Every package and every delivered message, byte for byte, with their names."""
    folder = home.folder / "notifier"
    return {
        f"sent {path.relative_to(folder)}": path.read_bytes()
        for part in ("packages", "sandbox")
        for path in sorted((folder / part).rglob("*"))
        if path.is_file()
    }


def see(home: OwnHome) -> Answers:
    """Everything at once."""
    return {**ask_everything(home), **read_tables(home), **read_public_files(home), **read_sent_files(home)}


def glance(home: OwnHome) -> Answers:
    """What is looked at after every step: the store with its changes, and a few answers that are made of all of it."""
    few = ("/", "/search", "/readyz", "/api/v1/entries?facets=1", "/search?q=%E5%BC%A0%E4%BC%9F")
    with home.browsed() as portal:
        client = portal.test_client()
        answers = {one: _read(client.get(one)) for one in few}
    return {**answers, **read_tables(home)}


def fingerprint(folder: Path) -> dict[str, Any]:
    """Each file and folder below, with what somebody who may only read it can tell of it, times of writing included."""
    found = {}
    for path in sorted(folder.rglob("*")):
        stat = path.stat()
        content = sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path.relative_to(folder))] = (
            content, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_mode,
        )  # fmt: skip
    return found


def list_differences(one: Answers, other: Answers) -> list[str]:
    """What differs, and where it begins to."""
    return [
        f"{key}: {_point_at(one.get(key), other.get(key))}"
        for key in sorted(one.keys() | other.keys())
        if one.get(key) != other.get(key)
    ]


def _point_at(one: Any, other: Any) -> str:
    if one is None or other is None:
        return "only in one"
    left, right = repr(one), repr(other)
    place = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), 0)
    start = max(0, place - 60)
    return f"…{left[start : place + 60]}… / …{right[start : place + 60]}…"


_SEGMENT = re.compile(rb"MAIN_([0-9a-z]{16})\.")

# Words that somebody may try: of who is public, of who never was, of who was, and their shapes.
_WORDS = (
    *dict.fromkeys(entry["name"] for entry in PEOPLE.values()),
    "夏秘密", "卜成年", "卫送达", "胡写错", "秦隐瞒", "夏秘", "秦隐", "秘密", "隐瞒", "xia mi mi", "xiamimi", "qin yin man",
    "zhang wei", "zhangwei", "ouyang ce", "秦隐満", "夏祕密", "张玮", "章伟", "欧阳侧", "夏？密", "张？",
    "测试市云山商贸有限公司", "测试市云杉商贸", "云杉", "有限公司", "清溪村种植", "样例县", "人民法院", "测试",
    "丙代表", "乙申请", "戊债权", "秘密单位", "别处单位", "秘密路", "暗巷", "内部备注", "改过的备注一段", "决定书",
    "13900000001", "13700010001", "9901011980", "990101198001020011", "N1", "R101", "货款", "60000元", "70000元", "101元",
    "（2025）测0101执1号", "（2025）测0101执101号", "（2025）测0101执150号", "（2025）测0101执301号", "(2025)测0101执", "测0101",
    "（2024）测0101民初101号", PEOPLE[8]["uscc"], an_organisation(101)["uscc"], "张伟 云杉", "秦隐瞒 货款", "批", "dfs0101",
)  # fmt: skip
_random = Random(7)
# The reader's watermark and key, and the key of the unit's machine, are drawn before any record number.
_BEFORE = "".join(_random.choice(ALPHABET) for _ in range(8)), draw_key(_random), draw_key(_random)
# What the source draws first: those that were drawn, and those that would be if a secret had drawn one.
_DRAWN = tuple(draw_number(_random) for _ in range(24))
_FILTERS = (
    {}, {"kind": "person"}, {"kind": "organisation"}, {"conduct": "breaks_property_reporting"},
    {"performance": "部分未履行"}, {"court": "测试市人民法院"}, {"court": "样例县人民法院"}, {"region": "测试市"},
    {"region": "别处市"}, {"from": "2026-11-19"}, {"to": "2026-11-18"}, {"from": "2026-11-18", "to": "2026-11-20"},
    {"sort": "newest"}, {"page": "2"}, {"page": "999999"}, {"mode": "elder"}, {"from": "2027-01-01", "to": "2026-01-01"},
    {"page": "0"}, {"kind": "nobody"}, {"nonsense": "1"}, {"q": "张伟", "kind": "organisation"},
    {"q": "秦隐瞒", "kind": "person", "sort": "newest"}, {"q": "张伟", "from": "2026-11-19", "mode": "elder"},
    {"q": "有限公司", "performance": "全部已履行"}, {"q": "x" * 101}, {"q": "\x00"}, {"q": "SX-"},
)  # fmt: skip


def _address(path: str, asked: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(asked)}" if asked else path


_SEARCHES = [*({"q": word} for word in (*_WORDS, *_DRAWN[:4])), *_FILTERS]
_API_SEARCHES = [*_SEARCHES, *({**asked, "facets": "1"} for asked in _SEARCHES[::3]), {"facets": "2"}]
_ENTRIES = [*_DRAWN, "SX-00000000", _DRAWN[0].lower(), _DRAWN[0][:-1] + "?", "1", "%2e%2e"]

QUESTIONS: Mapping[str, Sequence[str]] = {
    "/": ["/", "/?mode=elder", "/?x=1", "/?isappinstalled=1"],
    "/search": [_address("/search", asked) for asked in _SEARCHES],
    "/entries/<record>": [f"/entries/{record}" for record in _ENTRIES] + [f"/entries/{_DRAWN[0]}?mode=elder"],
    "/api/v1/changes": ["/api/v1/changes", "/api/v1/changes?since=0", "/api/v1/changes?since=x&wait=9"],
    "/api/v1/snapshot": ["/api/v1/snapshot"],
    "/api/v1/entries.csv": ["/api/v1/entries.csv"],
    "/api/v1/acks": ["/api/v1/acks"],
    "/check": ["/check", "/check?mode=elder", "/check?name=1"],
    "/emergency": ["/emergency", "/emergency?mode=elder"],
    "/rights": ["/rights"],
    "/about": ["/about"],
    "/api": ["/api", "/api?mode=elder", "/api?x=1"],
    "/privacy": ["/privacy"],
    "/objections/new": ["/objections/new", f"/objections/new?record={_DRAWN[0]}", "/objections/new?x=1"],
    "/objections/state": ["/objections/state"],
    "/complaints/new": ["/complaints/new"],
    "/articles": ["/articles"],
    "/articles/<key>": ["/articles/1", "/articles/none", "/articles/%2e%2e"],
    "/notices": ["/notices"],
    "/certificates": ["/certificates"],
    "/display/led": ["/display/led", "/display/led?rows=4&kind=person", "/display/led?rows=99"],
    "/display/led/still": [_address("/display/led/still", asked) for asked in _FILTERS],
    "/display/led.json": [_address("/display/led.json", asked) for asked in _FILTERS],
    "/display/mark.json": ["/display/mark.json", "/display/mark.json?x=1"],
    "/display/notice": [_address("/display/notice", asked) for asked in _FILTERS],
    "/stats": ["/stats", "/stats?mode=elder", "/stats?x=1"],
    "/stats/<name>.svg": [
        f"/stats/{name}.svg"
        for name in (
            "court",
            "region",
            "kind",
            "conduct",
            "performance",
            "years",
            "months",
            "departures",
            "pushes",
            "x",
        )
    ],
    "/stats/post": ["/stats/post", "/stats/post?format=text", "/stats/post?format=x"],
    "/api/v1/stats": ["/api/v1/stats", "/api/v1/stats?x=1"],
    "/feed.atom": ["/feed.atom"],
    "/feed.json": ["/feed.json"],
    "/feed/archive/<block>.atom": ["/feed/archive/1.atom", "/feed/archive/x.atom"],
    "/opensearch.xml": ["/opensearch.xml"],
    "/manifest.webmanifest": ["/manifest.webmanifest"],
    "/offline": ["/offline", "/offline?mode=elder"],
    "/sw.js": ["/sw.js"],
    "/robots.txt": ["/robots.txt"],
    "/emblem": ["/emblem"],
    "/static/<path:filename>": [
        "/static/nothing.css",
        "/static/../disclosed.db",
        "/nowhere",
        "/entries/",
        "/api/v1/nothing",
    ],
    "/api/v1/entries": [_address("/api/v1/entries", asked) for asked in _API_SEARCHES],
    "/api/v1/entries/<record>": [f"/api/v1/entries/{record}" for record in _ENTRIES],
    "/api/v1/openapi.json": ["/api/v1/openapi.json"],
    "/healthz": ["/healthz"],
    "/readyz": ["/readyz", "/readyz?x=1"],
}
"""What is asked of each route. A route that is not here stops the test until somebody says what to ask of it."""
KEYED = (
    *("/api/v1/changes?since=0&limit=1000", "/api/v1/changes?since=7&limit=3", "/api/v1/changes?since=99999"),
    *("/api/v1/snapshot", "/api/v1/entries.csv"),
    *(f"/feed/archive/{block}.atom" for block in (1, 2, 99)),
)
"""What is asked with a reader's key."""
_EVERY_METHOD = {addresses[0] for addresses in QUESTIONS.values()}


def _claim(name: str, number: str) -> dict[str, str]:
    return {"name": name, "head": number[:10], "tail": number[-4:]}


NUMBERS = [
    ("/objections/state", {"receipt": draw_receipt(Random(1)), "code": "00000-00000"}),
    ("/objections/state", {"receipt": "SL-1", "code": ""}),
    ("/certificates", {"number": draw_verify(Random(1))}),
    ("/certificates", {"number": "ZM-1"}),
]
CLAIMS = [
    form
    for name, serial in (
        ("张伟", 1),
        ("张伟", 2),
        ("张伟", 301),
        ("秦隐瞒", 101),
        ("夏秘密", 102),
        ("欧阳测", 4),
        ("查无人", 9),
    )
    for number in (citizen_number(serial), citizen_number(serial + 1))
    for form in (_claim(name, number), {**_claim(name, number), "head": number[:6]})
] + [
    {},
    {"name": "秦隐瞒"},
    {"name": "秦隐瞒", "head": "1", "tail": "2"},
    {"name": "秦隐瞒", "id_number": citizen_number(101)},
]

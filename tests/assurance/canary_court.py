"""A court in which every private value is a canary, and its whole life: every command, as it should go and as it fails."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import openpyxl
from canary import ADMIN, CLERK, REVIEWER, SECOND, Canaries, Watch, is_canary
from canary_opened import fail_to_open, open_to_others, take_over, use_what_is_open
from canary_running import fail_to_keep_running, keep_running
from homes import Clock, Home, Said
from sqlalchemy import create_engine, inspect, make_url, select, text

from gongshi.clock import system_now
from notifier.calendar import Period
from portal.app import create_app
from portal.settings import PortalSettings
from registry.tables import RecordRow
from search_index.day import day_of

Entry = dict[str, Any]
BOTH = ("--confirm", "art3", "--confirm", "redactions")
# Of a published entry these stay inside; of any other, everything does.
PRIVATE = ("id_number", "decision_number", "national_reference", "employer", "phone", "address", "applicant", "note")
CODES = ("kind", "gender", "performance", "disclosure", "restricted_ground")
TITLES = {
    "kind": "主体类型", "name": "姓名", "id_number": "身份证号码", "gender": "性别", "court": "执行法院", "region": "地域",
    "case_number": "执行案号", "filed_on": "立案时间", "basis_number": "执行依据文号", "basis_issuer": "执行依据作出单位",
    "obligation": "生效法律文书确定的义务", "performance": "履行情况", "conduct": "失信行为具体情形", "decision_number": "决定书文号",
    "decided_on": "决定日期", "served_on": "送达日期", "national_reference": "全国名单库编号", "employer": "所在单位",
    "phone": "联系电话", "address": "住址", "applicant.name": "申请执行人", "applicant.phone": "申请执行人电话", "note": "备注",
}  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """A command that was run: what was typed, and what it said."""

    arguments: tuple[str, ...]
    said: Said

    @property
    def text(self) -> str:
        return self.said.out + self.said.err


@dataclass
class CanaryCourt:
    """The court. `each` is how many entries of every fate there are.

    `secret` is what nobody outside may ever read; `numbers` are those of it that not even a command may print, where
    the people of the court would see them; `private_side` is what belongs to the machine (the path of its home, the
    names of the staff). `recalled` was public, and in a package, before it went. `shown` is public. `given` are the keys that
    were given to readers and units, each shown once; `keys` are some of them, by whose they are.
    """

    home: Home
    files: Path
    canaries: Canaries
    each: int
    secret: Watch = field(default_factory=Watch)
    numbers: Watch = field(default_factory=Watch)
    private_side: Watch = field(default_factory=Watch)
    recalled: Watch = field(default_factory=Watch)
    shown: Watch = field(default_factory=Watch)
    ran: list[Ran] = field(default_factory=list)
    records: dict[str, list[str]] = field(default_factory=dict)
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    watermarks: dict[str, str] = field(default_factory=dict)
    given: Watch = field(default_factory=Watch)

    # Values ---------------------------------------------------------------------------------------------------------

    @property
    def outside(self) -> Watch:
        """What may be in nothing that leaves the court."""
        return Watch({**self.secret.known, **self.private_side.known, **self.recalled.known, **self.given.known})

    def hide(self, value: str, what: str) -> str:
        return self.secret.add(value, what)

    def give(self, key: str) -> str:
        return self.given.add(key, "a key that was given")

    def hide_number(self, value: str, what: str) -> str:
        self.numbers.add(value, what)
        return self.hide(value, what)

    def person(self, fate: str, *, public: bool = False, **changes: Any) -> Entry:
        """An entry whose every text is a canary. `public`: what the gate discloses is no secret."""
        make, start = self.canaries, day_of(self.home.clock())
        third, phone, card = make.citizen(), make.phone(), make.card()
        applicant, employer, address = make.rare(3), f"{make.rare()}机械厂", f"测试市测试区{make.rare()}路{9}号"
        plain = f"支付{make.rare()}货款人民币100000元。"
        told = (
            f"向申请执行人{applicant}（身份证号码{third}，联系电话{phone}，住{address}，在{employer}工作）"
            f"支付人民币100000元，汇入账户{card}。"
        )
        entry = {
            "kind": "person",
            "name": make.rare(),
            "id_number": make.citizen(),
            "gender": "男",
            "court": "测试市人民法院" if public else f"测试市{make.rare(3)}人民法院",
            "region": "测试市" if public else f"{make.rare(3)}市",
            "case_number": make.case(),
            "filed_on": str(start - timedelta(days=500)),
            "basis_number": f"（2024）{make.rare(3)}民初1号",
            "basis_issuer": f"{make.rare(3)}仲裁委员会",
            "obligation": told if public else told + plain,
            "performance": "部分未履行",
            "performed_part": f"已交付{make.amount()}。",
            "unperformed_part": f"未交付{make.amount()}。",
            "conduct": ["refuses_though_able"],
            "decision_number": make.letters(),
            "decided_on": str(start - timedelta(days=401)),
            "served_on": str(start - timedelta(days=397)),
            "national_reference": make.letters(),
            "employer": employer,
            "phone": make.phone(),
            "address": address,
            "applicant": {"name": applicant, "phone": make.phone()},
            "note": f"{make.rare(6)}，{make.letters()}",
            **changes,
        }
        self._watch(fate, entry, public)
        for number in (third, phone, card):
            self.hide_number(number, f"{fate}: a third party in obligation")
        self.entries.setdefault(fate, []).append(entry)
        return entry

    def people(self, fate: str, **changes: Any) -> list[Entry]:
        return [self.person(fate, **changes) for _ in range(self.each)]

    def organisation(self, fate: str, *, public: bool = False, **changes: Any) -> Entry:
        made = {"kind": "organisation", "uscc": self.canaries.uscc(), "legal_representative": self.canaries.rare(3)}
        entry = self.person(fate, public=public, **{**made, "id_number": None, "gender": None, **changes})
        if not public:
            self.hide(entry["uscc"], f"{fate}: uscc")
        return entry

    def _watch(self, fate: str, entry: Entry, public: bool) -> None:
        for key, value in find_canaries(entry):
            is_number = key.endswith("phone") or key == "id_number"
            if not public or key.partition(".")[0] in PRIVATE:
                (self.hide_number if is_number else self.hide)(value, f"{fate}: {key}")
            elif key != "obligation":
                self.shown.add(value, f"{fate}: {key}")

    def depart(self, fate: str, into: Watch) -> None:
        """What was public of these entries is to be seen no more."""
        for entry in self.entries[fate]:
            for key, value in find_canaries(entry):
                self.shown.forget(value)
                into.add(value, f"{fate}: {key}")

    # Commands -------------------------------------------------------------------------------------------------------

    def run(self, *arguments: object, typed: str = "") -> Said:
        said = self.home.run(*arguments, typed=typed)
        self.ran.append(Ran(tuple(map(str, arguments)), said))
        return said

    def do(self, *arguments: object, typed: str = "") -> Any:
        """A command that must do something, with `--json`."""
        said = self.run(*arguments, "--json", typed=typed)
        assert said.code in (0, 1), (arguments, said)
        return said.json

    def fail(self, *arguments: object, typed: str = "") -> None:
        """A command that cannot do anything, told to a person and to a machine."""
        for machine in ((), ("--json",)):
            said = self.run(*arguments, *machine, typed=typed)
            assert said.code == 2, (arguments, said)

    def file(self, ending: str) -> Path:
        """A file to import, whose name is a canary as well."""
        return self.files / f"{self.hide(self.canaries.rare(), 'name of an imported file')}.{ending}"

    def lines(self, *entries: Entry) -> Path:
        path = self.file("jsonl")
        text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
        path.write_text(text, encoding="utf-8")
        return path

    def take_in(self, path: Path, *confirm: str) -> Any:
        """Import a file, look at its findings and, where something is confirmed, approve it."""
        done = self.do("import", path, "--as", CLERK)
        if confirm:
            self.do("findings", done["batch"], "--as", REVIEWER)
            self.do("approve", done["batch"], "--as", REVIEWER, *confirm)
        return done

    def numbers_of(self, fate: str) -> list[str]:
        """The record numbers of entries that are public now, in the order of the entries."""
        opened = self.home.court
        with opened.store.snapshot(self.home.clock()) as snapshot:
            named = {document.name: document.record for document in snapshot.all(limit=100_000)}
        opened.close()
        self.records[fate] = [named[entry["name"]] for entry in self.entries[fate]]
        return self.records[fate]

    def reason(self) -> tuple[str, str]:
        return "--basis", self.hide(f"{self.canaries.rare()}号裁定", "basis of a departure")


def find_canaries(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The texts of an entry that are canaries, by key. Those of a code are none, however long the code."""
    return ((key, value) for key, value in flatten(entry) if key not in CODES and is_canary(value))


def flatten(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The texts of an entry, by key."""
    for key, value in entry.items():
        for inner, said in value.items() if isinstance(value, dict) else (("", value),):
            if isinstance(said, str):
                yield f"{key}.{inner}" if inner else key, said


# The whole life -----------------------------------------------------------------------------------------------------


def found_court(folder: Path, databases: Mapping[str, str], each: int) -> CanaryCourt:
    """A court under a home whose very path is a canary; nothing is in it yet but its people."""
    canaries = Canaries(Random(2027))
    private_side = Watch()
    path = folder / f"home-{private_side.add(canaries.rare(), 'path of the home')}"
    files = folder / "files"
    files.mkdir()
    os.environ["GONGSHI_HOME"] = str(path)
    # Four days ago, so that the processes of the last act, which live by the real clock, come after it all.
    clock = Clock(system_now().replace(microsecond=0) - timedelta(days=4))
    out, err = io.StringIO(), io.StringIO()
    home = Home(path, clock, lambda: (out.getvalue(), err.getvalue()), dict(databases), Random(5))
    court = CanaryCourt(_Quiet(home), files, canaries, each, private_side=private_side)
    court.do("init")
    for name, role in ((CLERK, "clerk"), (REVIEWER, "reviewer"), (SECOND, "reviewer"), (ADMIN, "admin")):
        private_side.add(name, "name of one of the staff")
        password = court.hide_number(canaries.letters(20), f"password of {name}")
        court.do("user", "add", name, "--role", role, typed=password + "\n")
    return court


class _Quiet(Home):
    """A home whose commands are heard without pytest's help, so that it can outlive one test."""

    def __init__(self, home: Home) -> None:
        super().__init__(home.folder, home.clock, home.capture, home.databases, home.random)

    def run(self, *arguments: object, typed: str = "") -> Said:
        out, err = io.StringIO(), io.StringIO()
        self.capture = lambda: (out.getvalue(), err.getvalue())
        with redirect_stdout(out), redirect_stderr(err):
            return super().run(*arguments, typed=typed)


def live(court: CanaryCourt) -> None:
    """Everything that happens in the court, to its end."""
    _publish(court)
    open_to_others(court)
    _keep_inside(court)
    _refuse(court)
    _correct(court)
    _take_down(court)
    take_over(court)
    _send(court)
    court.home.clock.advance(days=3)
    court.do("publish")
    _export(court, "increment", "--since", "last")
    _export(court, "after")
    _look_after(court)
    use_what_is_open(court)
    _send_in(court)
    _tell_others(court)
    _fail(court)
    done = court.run("worker", "--once")
    assert done.code == 0, done


def _publish(court: CanaryCourt) -> None:
    """Entries of every fate that begins in public, from all the formats there are."""
    for fate in ("published", "corrected", "held", "lifted", "withdrawn", "removed", "reconciled", "recalled"):
        court.take_in(court.lines(*court.people(fate, public=True)), *BOTH)
    tomorrow = str(day_of(court.home.clock()) + timedelta(days=1))
    term = {"conduct": ["breaks_property_reporting"], "term_ends_on": tomorrow}
    court.take_in(court.lines(*court.people("expired", public=True, **term)), *BOTH)
    court.take_in(court.lines(*(court.organisation("company", public=True) for _ in range(court.each))), *BOTH)
    for ending, write in (("csv", write_csv), ("xlsx", write_xlsx)):
        path = court.file(ending)
        write(path, court.people(f"from {ending}", public=True, performed_part=None, unperformed_part=None))
        court.take_in(path, *BOTH)
    restricted_later = court.people("restricted later", public=True)
    court.take_in(court.lines(*restricted_later), *BOTH)
    published = court.do("publish")["published"]
    assert published == 13 * court.each, published
    ground = {"disclosure": "restricted", "restricted_ground": "privacy"}
    court.take_in(court.lines(*({**entry, **ground} for entry in restricted_later)), *BOTH)
    court.do("publish")
    court.depart("restricted later", court.secret)


def _keep_inside(court: CanaryCourt) -> None:
    """Entries that the public never sees, each for another reason."""
    court.take_in(court.lines(*court.people("draft"), court.organisation("draft company")))
    for ground in ("state_secret", "trade_secret", "privacy", "other"):
        secret = {"disclosure": "restricted", "restricted_ground": ground}
        court.take_in(court.lines(*court.people(f"restricted: {ground}", **secret)), *BOTH)
    latin = court.canaries.letters()
    court.take_in(court.lines(court.person("restricted with a spelling", latin_name=latin, **secret)), *BOTH)
    court.take_in(court.lines(court.organisation("restricted company", **secret)), *BOTH)
    young = str(day_of(court.home.clock()) - timedelta(days=15 * 365))
    for fate, changes in (
        ("minor", {"id_number": court.canaries.citizen(born=_day(young))}),
        ("unserved", {"served_on": None}),
        ("undecided", {"decision_number": None}),
        ("without its term", {"conduct": ["breaks_settlement"]}),
    ):
        court.take_in(court.lines(*court.people(fate, **changes)), *BOTH)
    court.take_in(court.lines(*court.people("unconfirmed")), "--confirm", "art3")
    held = court.people("held before it was published")
    court.take_in(court.lines(*held), *BOTH)
    for entry in held:
        court.do("hold", entry["case_number"], *court.reason(), "--as", CLERK)
    thrown = court.people("withdrawn before it was published")
    court.take_in(court.lines(*thrown))
    for entry in thrown:
        court.do("withdraw", entry["case_number"], "--ground", "wrongly_listed", *court.reason(), "--as", REVIEWER)
    national = court.file("json")
    national.write_text(json.dumps({"data": [as_national(one) for one in court.people("from national")]}), "utf-8")
    court.take_in(national)
    court.do("publish")


def _refuse(court: CanaryCourt) -> None:
    """Lines that are quarantined, for their values, their keys, or their form."""
    wrong = court.people("quarantined")
    for entry in wrong:
        entry["id_number"] = court.hide_number(spoil(entry["id_number"]), "quarantined: id_number")
    strange = court.person("with a strange key")
    strange[court.hide(court.canaries.rare(), "strange key")] = court.hide(court.canaries.rare(), "of a strange key")
    broken = json.dumps(court.person("broken line"), ensure_ascii=False)[:-9]
    path = court.lines(*wrong, strange)
    with path.open("a", encoding="utf-8") as file:
        file.write(broken + "\n")
    done = court.do("import", path, "--as", CLERK)
    assert len(done["quarantined"]) == court.each + 2, done
    # Each is told as it is to a person, too.
    court.run("import", path, "--as", CLERK)
    for ending, write in (("csv", write_csv), ("xlsx", write_xlsx)):
        table = court.file(ending)
        rows = court.people(f"quarantined {ending}")
        for entry in rows:
            entry["id_number"] = court.hide_number(spoil(entry["id_number"]), f"quarantined {ending}: id_number")
        write(table, rows)
        court.do("import", table, "--as", CLERK)
        court.run("import", table, "--as", CLERK)
    # Another name under the same case and number is a conflict, and no correction.
    known = court.entries["published"][0]
    other = {**known, "name": court.hide(court.canaries.rare(), "name in conflict")}
    court.do("import", court.lines(other), "--as", CLERK)
    # A version that nobody has agreed to.
    new = court.hide(f"支付{court.canaries.rare()}。", "obligation that is proposed")
    court.take_in(court.lines({**known, "obligation": new, "note": court.hide(court.canaries.rare(), "note proposed")}))


def _correct(court: CanaryCourt) -> None:
    for entry, record in zip(court.entries["corrected"], court.numbers_of("corrected"), strict=True):
        old = entry["performed_part"]
        new = court.shown.add(f"已归还{court.canaries.amount()}。", "corrected: performed_part")
        phone = court.hide_number(court.canaries.phone(), "corrected: phone")
        note = court.hide(court.canaries.rare(), "corrected: note")
        settings = (f"performed_part={new}", f"phone={phone}", f"note={note}")
        asked = [word for setting in settings for word in ("--set", setting)]
        court.do("correct", record, *asked, *BOTH, "--as", REVIEWER)
        court.shown.forget(old)
        court.hide(old, "corrected: what it said before")


def _take_down(court: CanaryCourt) -> None:
    for record in court.numbers_of("held"):
        court.do("hold", record, *court.reason(), "--as", CLERK)
        court.do("hold", record, "--confirm", "--as", REVIEWER)
    for record in court.numbers_of("lifted"):
        court.do("hold", record, *court.reason(), "--as", CLERK)
        court.do("hold", record, "--lift", *court.reason(), "--as", REVIEWER)
        court.do("hold", record, "--lift", "--as", SECOND)
    for record in court.numbers_of("withdrawn"):
        court.do("withdraw", record, "--ground", "wrongly_listed", *court.reason(), "--as", REVIEWER)
    for record in court.numbers_of("removed"):
        court.do("remove", record, "--ground", "performed", *court.reason(), "--as", REVIEWER)
    court.numbers_of("expired")
    court.numbers_of("recalled")
    court.numbers_of("published")
    _reconcile(court)
    for fate in ("held", "withdrawn", "removed", "reconciled"):
        court.depart(fate, court.secret)


def _reconcile(court: CanaryCourt) -> None:
    """A full list that lacks some entries, and has some that the court does not know."""
    court.numbers_of("reconciled")
    known = [entry for entries in court.entries.values() for entry in entries]
    gone = court.entries["reconciled"]
    listed = [entry for entry in known if entry not in gone and "_spoiled" not in entry]
    readable = [entry for entry in listed if not any(entry in court.entries.get(fate, ()) for fate in UNREADABLE)]
    court.do("reconcile", court.lines(*readable, court.person("unknown here")), "--as", CLERK, "--force")


UNREADABLE = ("quarantined", "with a strange key", "quarantined csv", "quarantined xlsx")


def _send(court: CanaryCourt) -> None:
    """The package goes out with what is public now; then some of it is taken down."""
    today = day_of(court.home.clock())
    period = Period.of(_day(str(Period.of(today).start - timedelta(days=1))))
    court.do("push", "--period", period, "--dry-run")
    court.do("push", "--period", period)
    court.run("worker", "--once")
    _export(court, "before")
    for record in court.records["recalled"]:
        court.do("withdraw", record, "--ground", "wrongly_listed", *court.reason(), "--as", REVIEWER)
    court.depart("recalled", court.recalled)
    court.depart("expired", court.recalled)


def _export(court: CanaryCourt, name: str, *more: str) -> None:
    for profile, form in (("credit_platform", "csv"), ("credit_bureau", "xml"), ("social_file", "xlsx")):
        folder = court.files / "exports" / name / profile
        court.do("export", profile, "--format", form, "--out", folder, *more, "--as", REVIEWER)


def _look_after(court: CanaryCourt) -> None:
    court.do("profile")
    court.do("profile", "--set", "court=测试市人民法院", "--set", "id_mask=strict", "--as", ADMIN)
    court.do("publish")
    court.do("profile", "--set", "id_mask=national", "--as", ADMIN)
    court.do("publish")
    court.do("index", "verify")
    court.do("index", "rebuild", "--replay")
    court.do("index", "rebuild")
    court.do("doctor")
    court.run("doctor")
    court.run("doctor", "--alarm")
    court.do("deadline", "exit", "--from", "2026-03-02")
    court.do("generate", "5", "--out", court.files / "generated.jsonl")
    for batch in (1, 2):
        court.run("findings", batch)
    court.do("init")
    keep_running(court, ADMIN)


def _send_in(court: CanaryCourt) -> None:
    """What somebody sends in through the portal: the one is collected, the other still lies in the drop folder."""
    given = {**os.environ, "GONGSHI_RATE_LIMIT": "off"}
    portal = create_app(PortalSettings.from_environment(given), court.home.clock)
    client, path = portal.test_client(), "/objections/new"
    for turn in ("collected", "not collected"):
        words = {
            name: court.hide(court.canaries.rare(), f"sent in, {turn}: {name}") for name in ("who", "address", "words")
        }
        token = re.search(r'name="token" value="([^"]+)"', client.get(path).text)
        assert token is not None
        court.home.clock.advance(seconds=30)
        fixed = {"claim": "other", "role": "self", "reference": court.records["published"][0], "homepage": ""}
        paper = io.BytesIO(b"%PDF-1.4 " + court.hide(court.canaries.rare(), f"sent in, {turn}: a file").encode())
        name = court.hide(court.canaries.rare(), f"sent in, {turn}: name of a file")
        phone = court.hide_number(court.canaries.phone(), f"sent in, {turn}: phone")
        form = {**fixed, **words, "phone": phone, "token": token[1], "papers": (paper, f"{name}.pdf")}
        assert client.post(path, data=form).status_code == 200
        drop = court.home.folder / "public" / "drop"
        assert len(list(drop.iterdir())) == 1
        if turn == "collected":
            court.run("worker", "--once")
            assert list(drop.iterdir()) == []
    portal.close()


def _tell_others(court: CanaryCourt) -> None:
    """Who receives the list, what they check it with, what people are told, and what followers see."""
    secret = "whsec_" + b64encode(court.home.random.randbytes(32)).decode()
    court.numbers.add(secret, "signing secret of a recipient")
    mail = court.numbers.add(f"{court.canaries.letters()}@egov.invalid", "address of a liaison")
    add = ("recipient", "add", "centre", "--name", "测试市政务中心", "--kind", "e_government", "--channel", "webhook")
    more = ("--address", "http://127.0.0.1:9/list", "--ask-secret", "--liaison-mail", mail, "--as", ADMIN)
    court.do(*add, *more, typed=secret + "\n")
    court.do(
        "recipient", "add", "radio", "--name", "测试电台", "--kind", "television", "--channel", "pull", "--as", ADMIN
    )
    court.do("recipient", "board", "hall", "--name", "一楼大厅", "--as", ADMIN)
    court.do("recipient", "list")
    court.run("recipient", "list")
    assert court.run("recipient", "test", "centre").code == 1, "nobody listens there"
    court.do("recipient", "retire", "centre", "--as", ADMIN)
    court.do("package", "key")
    made = sorted((court.home.folder / "notifier" / "packages").glob("*/r*"))[-1]
    court.do("package", "verify", made)
    court.do("notice", "list")
    court.do("notice", "list", court.records["published"][0])
    court.do("wechat", "menu", "--dry-run")
    _use_the_desk(court, mail)


def _use_the_desk(court: CanaryCourt, mail: str) -> None:
    """What is known of grounds, terms and units, and who did what."""
    phone = court.hide_number(court.canaries.phone(), "telephone of a unit's liaison")
    holidays = court.files / "holidays.csv"
    holidays.write_text("date,type\n2027-01-01,holiday\n", encoding="utf-8")
    court.do("calendar", "show", "2026")
    court.run("calendar", "import", holidays, "--as", ADMIN)
    record = court.records["published"][0]
    reason = court.hide(court.canaries.rare(), "why a ground is dismissed")
    court.do("ground", "add", record, "--ground", "performed", *court.reason(), "--as", CLERK)
    court.do("ground", "list", "--as", CLERK)
    court.do("ground", "dismiss", record, "--reason", reason, "--as", REVIEWER)
    court.do("grace", court.entries["draft"][0]["case_number"], "--months", "1", *court.reason(), "--as", REVIEWER)
    court.do(
        "unit", "add", "bureau", "--name", "测试市某某局", "--feedback", "--basis", "实施办法第九条", "--as", REVIEWER
    )
    court.do("unit", "liaison", "bureau", "--name", "联络员甲", "--phone", phone, "--mail", mail, "--as", REVIEWER)
    court.do("unit", "list")
    court.do("unit", "sheet", "--out", court.files / "sheet.xlsx", "--as", REVIEWER)
    court.do("profile", "--new-sealing-key", "--as", ADMIN)
    court.do("audit", "list", "--as", REVIEWER)
    court.do("audit", "verify")


def _fail(court: CanaryCourt) -> None:
    """Every command in ways in which it cannot go, with private values where something else belongs."""
    make = court.canaries
    number, phone = (
        court.hide_number(make.citizen(), "typed by mistake"),
        court.hide_number(make.phone(), "typed by mistake"),
    )
    password = court.hide_number(make.letters(20), "password of nobody")
    record = court.records["published"][0]
    why = ("--ground", "wrongly_listed", "--basis", "执异1号", "--as", REVIEWER)
    empty = court.files / f"{number}.jsonl"
    empty.write_text("")
    junk = court.files / f"{phone}.csv"
    junk.write_text(f"{court.hide(make.rare(), 'unknown title')},甲\n{number},{phone}\n", encoding="utf-8")
    half = court.files / "half.json"
    half.write_text(json.dumps([as_national(court.person("half a document"))], ensure_ascii=False)[:-5], "utf-8")
    for typed in (number, phone, f"{number}.jsonl"):
        court.fail("withdraw", typed, *why)
        court.fail("import", typed, "--as", CLERK)
    for path in (empty, junk, half):
        court.fail("import", path, "--as", CLERK)
        court.fail("reconcile", path, "--as", CLERK)
    court.fail("approve", phone, "--as", REVIEWER)
    court.fail("approve", "99", "--as", REVIEWER)
    court.fail("approve", "1", "--as", number)
    court.fail("findings", phone)
    court.fail("remove", record, "--ground", number, "--basis", "x", "--as", REVIEWER)
    court.fail("remove", record, "--ground", "performed", "--basis", f"来电{phone}", "--as", REVIEWER)
    court.fail("hold", record, "--basis", f"本人身份证{number}", "--as", CLERK)
    court.fail("hold", court.records["withdrawn"][0], "--basis", "执异1号", "--as", CLERK)
    court.fail("hold", court.records["held"][0], "--confirm", "--as", CLERK)
    for setting in (number, f"{number}=1", f"id_number={number}", f"phone={number}9", f"birth_date={phone}", "name=甲"):
        court.fail("correct", record, "--set", setting, *BOTH, "--as", REVIEWER)
    court.fail("profile", "--set", f"{phone}={number}", "--as", ADMIN)
    court.fail("profile", "--set", "policy=nowhere", "--as", ADMIN)
    court.fail("push", "--period", phone)
    court.fail("export", number, "--out", court.files / "x", "--as", REVIEWER)
    court.fail("export", "social_file", "--since", number, "--out", court.files / phone, "--as", REVIEWER)
    court.fail("export", "social_file", "--out", court.files / "x", "--as", number)
    court.fail("deadline", "exit", "--from", number)
    court.fail("deadline", number, "--from", "2026-01-01")
    court.fail("generate", f"{number}x", "--out", court.files / "x.jsonl")
    court.fail("index", number)
    court.fail("audit", "list", "--as", number)
    court.fail("audit", "list", "--actor", number, "--limit", phone, "--as", REVIEWER)
    court.fail("calendar", "show", number)
    court.fail("calendar", "import", junk, "--as", ADMIN)
    court.fail("ground", "add", record, "--ground", number, "--basis", "x", "--as", CLERK)
    court.fail("ground", "add", record, "--ground", "performed", "--basis", f"来电{phone}", "--as", CLERK)
    court.fail("ground", "dismiss", record, "--reason", f"本人身份证{number}", "--as", REVIEWER)
    court.fail("grace", record, "--until", phone, "--basis", "x", "--as", REVIEWER)
    court.fail("unit", "add", f"{number}甲", "--name", "某局", "--as", REVIEWER)
    court.fail("unit", "liaison", phone, "--name", "甲", "--phone", phone, "--as", REVIEWER)
    fail_to_open(court, number, phone)
    fail_to_keep_running(court, number, ADMIN)
    court.fail("user", "add", CLERK, "--role", "clerk", typed=password + "\n")
    court.fail("user", "add", "新人", "--role", number, typed=password + "\n")
    court.fail("user", "add", "新人", "--role", "clerk", typed=password[:3] + "\n")
    court.fail(number)
    court.fail("package", "verify", court.files / number)
    court.fail("wechat", "menu", "--district", f"{number}的地区")
    court.fail("notice", "list", number)
    court.fail("notice", "send", record, "--kind", "risk", "--as", CLERK)
    court.fail("recipient", "test", phone)
    to = ("--name", "甲", "--kind", "television", "--channel", "mail", "--as", ADMIN)
    court.fail("recipient", "add", "tv9", *to, "--address", phone)
    court.fail("recipient", "add", "tv9", *to, "--address", "a@b.invalid", "--liaison-phone", phone)
    for part in ("portal", "desk", "gateway", "metrics"):
        assert court.run("serve", part, "--bind", f"{phone}:{number}").code == 2
        assert court.run("serve", part, "--bind", number).code == 2
    assert court.run("worker", f"--{number}").code == 2
    for spoilt in ("registry", "disclosed"):
        _with_junk(court, spoilt)


def _with_junk(court: CanaryCourt, part: str) -> None:
    """Commands while a database of the home is no database, or, on a server, is not there."""
    record = court.records["published"][0]
    note = court.hide(court.canaries.rare(), "in a command that failed")
    with _spoilt(court, part):
        for arguments in (
            ("publish",),
            ("index", "verify"),
            ("doctor",),
            ("doctor", "--alarm"),
            ("withdraw", record, "--ground", "wrongly_listed", "--basis", note, "--as", REVIEWER),
            ("import", court.lines(court.person("imported in vain")), "--as", CLERK),
            ("correct", record, "--set", f"note={note}", *BOTH, "--as", REVIEWER),
        ):
            court.run(*arguments)
            court.run(*arguments, "--json")
        court.run("worker", "--once")


@contextmanager
def _spoilt(court: CanaryCourt, part: str) -> Iterator[None]:
    setting = f"GONGSHI_{part.upper()}_URL"
    if setting in court.home.databases:
        url = make_url(court.home.databases[setting])
        os.environ[setting] = url.set(database="nowhere").render_as_string(hide_password=False)
        yield
        os.environ[setting] = court.home.databases[setting]
        return
    path = court.home.folder / {"registry": "registry/registry.db", "disclosed": "public/disclosed.db"}[part]
    aside = path.with_name("aside")
    path.rename(aside)
    path.write_bytes(b"junk" * 4096)
    yield
    aside.rename(path)


def spoil(number: str) -> str:
    """The number with a check digit that is wrong."""
    return number[:-1] + ("0" if number[-1] != "0" else "1")


def _day(text: str) -> date:
    return date.fromisoformat(text)


def add_keys(court: CanaryCourt) -> None:
    """The key of what is sealed, and the digests by which debtors are matched: nobody outside has a use for them."""
    for path in (court.home.folder / "registry/keys").iterdir():
        if path.suffix == ".pub":
            continue
        # Of a key in PEM its end: the frame and the first words are those of any key.
        lines = [line for line in path.read_text().splitlines() if not line.startswith("-----")]
        court.secret.add("".join(lines).strip()[-40:], f"{path.stem}")
    opened = court.home.court
    with opened.reading() as session:
        for row in session.scalars(select(RecordRow)):
            for digest in (row.identity, row.likeness, row.source_digest):
                court.secret.add(digest, "digest of a record")
    opened.close()


# The formats ---------------------------------------------------------------------------------------------------------


def _cells(entry: Entry) -> list[str]:
    values = dict(flatten(entry)) | {"conduct": "有履行能力而拒不履行生效法律文书确定义务", "kind": "自然人"}
    return [values.get(key) or "" for key in TITLES]


def write_csv(path: Path, entries: list[Entry]) -> None:
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(TITLES.values())
        writer.writerows(_cells(entry) for entry in entries)


def write_xlsx(path: Path, entries: list[Entry]) -> None:
    book = openpyxl.Workbook()
    book.active.append(list(TITLES.values()))
    for entry in entries:
        book.active.append(_cells(entry))
    book.save(path)
    book.close()


def as_national(entry: Entry) -> dict[str, Any]:
    keys = {
        "iname": "name", "cardNum": "id_number", "courtName": "court", "areaName": "region", "caseCode": "case_number",
        "gistId": "basis_number", "gistUnit": "basis_issuer", "duty": "obligation", "performance": "performance",
        "performedPart": "performed_part", "unperformPart": "unperformed_part",
    }  # fmt: skip
    fixed = {"partyTypeName": "580", "sexy": "男性", "disruptTypeName": "有履行能力而拒不履行生效法律文书确定义务"}
    return {**{key: entry[field] for key, field in keys.items()}, **fixed, "regDate": "2015年03月02日"}


# What outsiders hold --------------------------------------------------------------------------------------------------


def read_tables(url: str) -> Iterator[tuple[str, str]]:
    """Every row of every table of a database, as text."""
    engine = create_engine(make_url(url))
    with engine.connect() as connection:
        for table in inspect(connection).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):
                yield table, repr(tuple(row))
    engine.dispose()

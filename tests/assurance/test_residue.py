"""After a departure no byte of its words is left in any file of the public half, without anybody lifting a hand."""

from __future__ import annotations

import gzip
import html
import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dying import dies
from entries import a_person, an_organisation, with_term
from homes import Home
from sqlalchemy import create_engine, text
from traces import Traces, read_folder, traces_of, with_unpacked

from gongshi.clock import system_now
from gongshi.duty import Duty
from portal.app import Portal, create_app
from search_index.document import Document

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
BOTH = ("--confirm", "art3", "--confirm", "redactions")
BY = ("--basis", "执异1号", "--as", "reviewer")
# Written so that neither a pair of their characters nor the sound of their names belongs to anybody else.
WORDS = {
    "withdrawn": ("龘靐齉𠮷", "返还𪚥𠔻纹鼎壹件及彘豕拾头"),
    "removed": ("饕餮貔貅囍嫐氼嘦有限公司", "返还龖龗纹瓿壹件及爨灶两座"),
    "expired": ("魑魅魍魉", "返还鼍鼓壹面及夔纹罍两件"),
    "held": ("纛旄旌旆", "返还氍毹拾张及氆氇叁匹"),
    "corrected": ("甲更正", "返还饾饤箧壹件及髹漆奁两件"),
}
PLAIN = "支付货款人民币1000元。"
LATIN = "Zuqov Xyvikmu"
SERIALS = dict(zip(WORDS, range(901, 999), strict=False))


@dataclass
class Ground:
    """A home in which neighbours and, later, those who are to depart are public."""

    home: Home
    documents: dict[str, Document] = field(default_factory=dict)
    traces: dict[str, Traces] = field(default_factory=dict)

    @property
    def public(self) -> Path:
        return self.home.folder / "public"

    def left(self) -> dict[str, dict[str, set[bytes]]]:
        """What is left under `public/`, by who departed and by what it is a piece of."""
        data = with_unpacked(read_folder(self.public))
        found = {who: traces.found(data) for who, traces in self.traces.items()}
        return {who: pieces for who, pieces in found.items() if pieces}

    def depart(self) -> None:
        """Let everybody go, each in another way."""
        home, record = self.home, {who: document.record for who, document in self.documents.items()}
        home.ask("withdraw", record["withdrawn"], "--ground", "wrongly_listed", *BY)
        home.ask("remove", record["removed"], "--ground", "performed", *BY)
        home.ask("hold", record["held"], "--basis", "执异2号", "--as", "clerk")
        correct(home, record["corrected"], PLAIN)


def neighbours(count: int) -> Iterator[dict[str, Any]]:
    for serial in range(1, count + 1):
        name = f"邻{chr(0x4E00 + serial % 600)}{chr(0x5200 + serial // 600)}"
        entry = a_person(serial, name=name, case_number=f"（2025）测0101执{serial}号")
        yield {**entry, "id_number": a_person(serial % 800)["id_number"]}


def leavers(home: Home) -> dict[str, dict[str, Any]]:
    made = {
        who: (an_organisation if "公司" in name else a_person)(
            SERIALS[who],
            name=name,
            obligation=f"{obligation}。",
            case_number=f"（2019）鲁7788执{SERIALS[who]}号",
            basis_number=f"（2018）鲁7788民初{SERIALS[who]}号",
            filed_on=f"2019-07-{SERIALS[who] % 28 + 1:02d}",
            court="齁齆县人民法院",
            basis_issuer="齁齆县人民法院",
            region="齁齆县",
        )
        for who, (name, obligation) in WORDS.items()
    }
    del made["corrected"]
    made["withdrawn"]["latin_name"] = LATIN
    made["removed"]["legal_representative"] = "麤龗𠔻"
    made["expired"] = with_term(made["expired"], home.clock().date().isoformat())
    return made


def listed(home: Home) -> dict[str, Document]:
    """What is public, by name."""
    court, found = home.court, {}
    with court.store.snapshot(home.clock()) as snapshot:
        after = ""
        while some := snapshot.all(after):
            found.update((document.name, document) for document in some)
            after = some[-1].record
    court.close()
    return found


def prepare(home: Home, size: int) -> Ground:
    """Neighbours are public, then also those who are to depart; their traces are what only they brought."""
    ground = Ground(home)
    stays = a_person(99_900, name=WORDS["corrected"][0], obligation=PLAIN)
    home.publish(*neighbours(size), stays, name="neighbours.jsonl")
    compact(home)
    before = with_unpacked(read_folder(home.folder / "public")) + read_rows(home)
    publish(home, *leavers(home).values())
    correct(home, "（2025）测0101执99900号", WORDS["corrected"][1])
    home.ask("index", "rebuild")  # one large part, which a departure does not rewrite
    shown = listed(home)
    ground.documents = {who: shown[name] for who, (name, _) in WORDS.items()}
    ground.traces = {who: traces_of(document).without(before) for who, document in ground.documents.items()}
    return ground


def publish(home: Home, *entries: dict[str, Any]) -> None:
    """As `home.publish`, but the reviewer opens what is proposed to be redacted: rare words may be taken for names."""
    batch = home.ask("import", home.write("leavers.jsonl", entries), "--as", "clerk")["batch"]
    home.run("findings", batch, "--as", "reviewer")
    home.ask("approve", batch, "--as", "reviewer", *BOTH)
    home.ask("publish")


def read_rows(home: Home) -> bytes:
    """What the rows of the store say, where it is no file."""
    url = home.databases.get("GONGSHI_DISCLOSED_URL")
    rows = asked(url, "SELECT body, name_key FROM document") if url else []
    return "\n".join(value for row in rows for value in row).encode()


def correct(home: Home, record: str, obligation: str) -> None:
    home.ask("correct", record, "--set", f"obligation={obligation}", *BOTH, "--as", "reviewer")


def compact(home: Home) -> None:
    court = home.court
    court.pump.compact()
    court.close()


def work_a_day(home: Home) -> None:
    """What the worker does by itself, once."""
    court = home.court
    Duty(court).tick()
    court.close()


SIZES = [60, pytest.param(3_000, marks=pytest.mark.soak)]
REBUILDS = pytest.mark.parametrize(
    "mode", [("--replay",), pytest.param((), marks=pytest.mark.soak)], ids=["replay", "index"]
)
ON_FILES = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@ON_FILES
@pytest.mark.parametrize("size", SIZES)
def test_a_day_after_a_departure_no_byte_of_it_is_left_in_any_public_file(home: Home, size: int) -> None:
    ground = prepare(home, size)
    assert_can_be_found(ground)
    court = home.court
    duty = Duty(court)  # the worker that runs all the time, whose daily work is done for today
    duty.tick()
    ground.depart()
    assert ground.left(), "nothing had to be cleared: nothing is proven"
    home.clock.advance(days=1)
    duty.tick()
    assert_cleared(ground)
    home.publish(a_person(899, name="丁后来"), name="later.jsonl")
    assert_cleared(ground)
    court.close()
    assert home.ask("index", "verify")["equal"]
    assert listed(home).keys() >= {"甲更正", "丁后来"}


def assert_cleared(ground: Ground) -> None:
    left = ground.left()
    assert not left, {who: {name: sorted(some)[:3] for name, some in found.items()} for who, found in left.items()}


def assert_can_be_found(ground: Ground) -> None:
    """Every kind of trace is there to be found: names, sounds, numbers, texts, as store and index write them."""
    left = ground.left()
    assert left.keys() == WORDS.keys()
    for who in ("withdrawn", "expired", "held"):
        assert left[who].keys() >= {
            f"{name} utf-8"
            for name in ("name", "name_key", "sound", "obligation", "case_number", "filed_on", "court", "row")
        }, who
    assert left["withdrawn"].keys() >= {"latin_name utf-8", "alias utf-8"}
    assert left["removed"].keys() >= {
        f"{name} utf-8" for name in ("uscc", "code", "legal_representative", "representative", "initials", "core")
    }
    assert left["corrected"].keys() >= {"obligation utf-8", "row utf-8"}


@ON_FILES
@REBUILDS
def test_a_rebuild_after_a_departure_leaves_no_byte_of_it_either(home: Home, mode: tuple[str, ...]) -> None:
    ground = prepare(home, 8)
    ground.depart()
    home.clock.advance(days=1)
    home.ask("publish")
    home.ask("index", "rebuild", *mode)
    assert_cleared(ground)


@ON_FILES
def test_the_worker_process_clears_what_departed_while_it_was_down(home: Home) -> None:
    home.clock.moment = system_now()
    ground = prepare(home, 8)
    ground.depart()
    # Its end is tomorrow, by the clock of the machine, and it shares some of the others' words.
    alive = traces_of(ground.documents["expired"]).pieces.values()
    shared = b"\x00".join(piece for some in alive for piece in some)
    ground.traces = {who: traces.without(shared) for who, traces in ground.traces.items()}
    assert ground.left()
    with process(home, "worker"):
        wait_until(lambda: not ground.left())


@contextmanager
def process(home: Home, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    home.hear()
    environ = {
        "PATH": os.environ["PATH"],
        "GONGSHI_HOME": str(home.folder),
        "GONGSHI_RATE_LIMIT": "off",
        **home.databases,
    }
    command = [sys.executable, "-m", "gongshi", *arguments]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)


def wait_until(is_so: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.2)


@ON_FILES
@pytest.mark.parametrize(
    "instants", [(2, 5, 9), pytest.param(range(1, 200), marks=pytest.mark.soak)], ids=["few", "all"]
)
def test_a_kill_in_the_daily_work_leaves_no_byte_once_it_is_done_again(home: Home, instants: Iterable[int]) -> None:
    ground = prepare(home, 8)
    ground.depart()
    home.clock.advance(days=1)
    for instant in instants:
        if not dies(home, instant, "worker", "--once"):
            break
        home.ask("publish")
    work_a_day(home)
    assert_cleared(ground)
    assert home.ask("index", "verify")["equal"]


@ON_FILES
@REBUILDS
def test_what_a_killed_rebuild_left_goes_with_those_who_depart_after_it(home: Home, mode: tuple[str, ...]) -> None:
    ground = prepare(home, 8)
    for instant in range(1, 40):
        assert dies(home, instant, "index", "rebuild", *mode), "no kill left anything behind: nothing is proven"
        if WORDS["withdrawn"][0].encode() in b"".join(path.read_bytes() for path in left_behind(ground.public)):
            break
    ground.depart()
    home.clock.advance(days=1)
    work_a_day(home)
    assert_cleared(ground)


def left_behind(public: Path) -> list[Path]:
    """The files that no reader uses."""
    used = (public / "disclosed.db", public / "index" / (public / "index" / "current").read_text())
    return [path for path in public.rglob("*") if path.is_file() and not any(map(path.is_relative_to, used))]


@ON_FILES
def test_a_portal_that_runs_on_keeps_no_file_of_what_departed(home: Home) -> None:
    home.clock.moment = system_now()
    ground = prepare(home, 8)
    with process(home, "serve", "portal", "--bind", f"unix:{home.folder}/portal.sock") as portal:
        assert portal.stdout is not None
        portal.stdout.readline()
        ask(home, "/search?q=a")
        name = (ground.public / "index" / "current").read_text()
        assert maps_of(portal.pid, name)
        home.ask("index", "rebuild")
        # What a process has open has no name any more, and goes when the process next looks.
        assert all(line.endswith("(deleted)") for line in maps_of(portal.pid, name))

        def is_let_go() -> bool:
            ask(home, "/search?q=a")
            return not maps_of(portal.pid, name)

        wait_until(is_let_go)


@ON_FILES
def test_a_portal_that_runs_on_answers_nothing_of_what_departed_in_any_way(home: Home) -> None:
    ground = prepare(home, 8)
    who = ("--name", "某某社", "--contact", "无", "--purpose", "核对")
    key = home.ask("reader", "add", *who, "--as", "reviewer")["key"]
    with closing(create_app(home.public_settings, home.clock)) as portal:
        records = [document.record for document in ground.documents.values()]
        answers = ask_every_way(portal, key, records, {})
        told = {path for path, (_, data, _) in answers.items() if names_in(data)}
        assert told >= {
            *(
                "/search",
                "/feed.atom",
                "/feed.json",
                "/feed/archive/1.atom",
                "/display/led.json",
                "/display/notice",
            ),
            *("/api/v1/entries", "/api/v1/snapshot", "/api/v1/entries.csv", "/api/v1/changes?since=0&limit=1000"),
        }
        assert not told & {"/sw.js", "/manifest.webmanifest", "/offline", "/stats", "/stats/post", "/api/v1/stats"}
        assert ground.traces["withdrawn"].found(answers["/stats/court.svg"][1])
        # What the site says of itself is nobody's.
        silent = {path for path in answers.keys() - told if path != "/" and "stats" not in path}
        own = b"\x00".join(answers[path][1] for path in silent)
        traces = {who: some.without(own) for who, some in ground.traces.items()}
        tags = {path: tag for path, (_, _, tag) in answers.items() if tag}
        ground.depart()
        at_once = ask_every_way(portal, key, records, tags)
        left = {path: names_in(data) for path, (_, data, _) in at_once.items()}
        assert {path: names - {"expired"} for path, names in left.items() if names - {"expired"}} == {}
        home.clock.advance(days=1)
        for given in (tags, {}):
            later = ask_every_way(portal, key, records, given)
            # What was kept outside is as old as it is told to be: none of it is confirmed.
            assert {path for path, (status, _, _) in later.items() if status == 304} & told == set()
            said = b"\x00".join(data for _, data, _ in later.values())
            assert {who: found for who, some in traces.items() if (found := some.found(said))} == {}


def names_in(data: bytes) -> set[str]:
    """Who of those that depart is named in an answer; of the one that is corrected, what it said."""
    text = html.unescape(data.decode("utf-8", "replace"))
    return {who for who, (name, obligation) in WORDS.items() if (obligation if who == "corrected" else name) in text}


def ask_every_way(
    portal: Portal, key: str, records: Iterable[str], tags: Mapping[str, str]
) -> dict[str, tuple[int, bytes, str | None]]:
    """Status, bytes and ETag of every address that can be read, with a reader's key, and with what was told before."""
    plain = [rule.rule for rule in portal.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments]
    pictures = [f"/stats/{name}.svg" for name in ("court", "region", "kind", "months", "departures")]
    entries = [f"{start}/{record}" for start in ("/entries", "/api/v1/entries") for record in records]
    more = ["/feed/archive/1.atom", "/api/v1/changes?since=0&limit=1000", "/api/v1/entries?facets=1", "/search?q=测试"]
    found = {}
    for path in (*plain, *pictures, *entries, *more):
        headers = {"Authorization": f"Bearer {key}"} | ({"If-None-Match": tags[path]} if path in tags else {})
        answer = portal.test_client().get(path, headers=headers, buffered=True)
        assert answer.status_code < 500, path
        found[path] = answer.status_code, answer.data, answer.headers.get("ETag")
    return found


def ask(home: Home, path: str) -> None:
    with socket.socket(socket.AF_UNIX) as portal:
        portal.connect(f"{home.folder}/portal.sock")
        portal.sendall(f"GET {path} HTTP/1.0\r\nHost: a\r\n\r\n".encode())
        assert portal.makefile("rb").readline().split()[1] == b"200"


def maps_of(pid: int, name: str) -> list[str]:
    """The lines of what a process and its children have mapped whose file is below a folder of that name."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    maps = [Path(f"/proc/{one}/maps").read_text() for one in (pid, *children)]
    return [line for lines in maps for line in lines.splitlines() if f"/{name}/" in line]


@ON_FILES
def test_the_daily_work_is_done_also_when_most_of_the_list_has_left(home: Home) -> None:
    today = home.clock().date().isoformat()
    home.publish(*neighbours(20), *(with_term(a_person(serial), today) for serial in range(100, 250)))
    file = home.folder / "public" / "disclosed.db"
    size = file.stat().st_size
    home.clock.advance(days=1)
    work_a_day(home)
    assert file.stat().st_size < 0.6 * size
    assert len(listed(home)) == 20
    assert home.ask("index", "verify")["equal"]


@ON_FILES
def test_the_private_database_keeps_no_copy_of_the_document_that_was_public(home: Home) -> None:
    ground = prepare(home, 8)
    record = ground.documents["withdrawn"].record
    # As a document begins; the number alone stays, in the journal and in the log of departures.
    copies = {f'"record":"{record}","kind"'.encode(), (ground.documents["withdrawn"].id_number or "").encode()}
    court = home.court
    duty = Duty(court)
    duty.tick()
    private = home.folder / "registry"
    assert all(copy in read_folder(private) for copy in copies)
    ground.depart()
    home.clock.advance(days=1)
    duty.tick()
    assert not [copy for copy in copies if copy in read_folder(private)]
    court.close()
    assert not [copy for copy in copies if copy in read_folder(private)]


@ON_FILES
def test_the_search_for_traces_finds_what_is_planted(home: Home) -> None:
    ground = prepare(home, 5)
    ground.depart()
    home.clock.advance(days=1)
    work_a_day(home)
    assert_cleared(ground)
    planted = ground.public / "index" / "left.tmp"
    pieces = (
        "龘靐".encode(),
        "饕餮貔".encode("gb18030"),
        "魑魅魍".encode("utf-16-le"),
        b"zuqovxyv",
        "执902号".encode(),
    )
    for piece in pieces:
        for kept in (piece, gzip.compress(piece), zlib.compress(piece)):
            planted.write_bytes(b"\x00\x01" + kept + b"\xff")
            assert ground.left(), piece
    planted.unlink()


@pytest.mark.postgres
@pytest.mark.parametrize("databases", [pytest.param("postgres")], indirect=True)
@pytest.mark.parametrize("size", [60, pytest.param(5_000, marks=pytest.mark.soak)])
def test_on_postgresql_no_row_version_of_what_departed_is_left_a_day_later(home: Home, size: int) -> None:
    ground = prepare(home, size)
    disclosed = home.databases["GONGSHI_DISCLOSED_URL"]
    look_at_values(disclosed)
    look_at_values(disclosed)
    ground.depart()
    home.clock.advance(days=1)
    home.ask("publish")
    assert told_by_statistics(disclosed, ground), "nothing had to be cleared: nothing is proven"
    work_a_day(home)
    assert [row_versions(disclosed, table) for table in TABLES] == [rows(disclosed, table) for table in TABLES]
    assert told_by_statistics(disclosed, ground) == {}
    assert_cleared(ground)  # the index folder
    asked(disclosed, "DELETE FROM document")
    assert row_versions(disclosed, "document"), "what is left of a row would not be noticed"


TABLES = ("document", "pg_statistic")


def look_at_values(url: str) -> None:
    """What the server does by itself now and then: note frequent and typical values, for planning."""
    asked(url, "ANALYZE document")


def rows(url: str, table: str) -> int:
    return int(asked(url, f"SELECT count(*) FROM {table}")[0][0])


def row_versions(url: str, table: str) -> int:
    """The rows of every age that the files of a table hold."""
    asked(url, "CREATE EXTENSION IF NOT EXISTS pageinspect")
    pages = f"generate_series(0, pg_relation_size('{table}') / current_setting('block_size')::int - 1)"
    items = f"heap_page_items(get_raw_page('{table}', page::int))"
    return int(asked(url, f"SELECT count(*) FROM {pages} AS page, {items} AS item WHERE item.lp_len > 0")[0][0])


def told_by_statistics(url: str, ground: Ground) -> dict[str, dict[str, set[bytes]]]:
    """What of those who departed may be read in the statistics of columns, which all who may read the table may read."""
    rows = asked(
        url, "SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats WHERE tablename = 'document'"
    )
    data = "\n".join(value or "" for row in rows for value in row).encode()
    found = {who: traces.found(data) for who, traces in ground.traces.items()}
    return {who: pieces for who, pieces in found.items() if pieces}


def asked(url: str, statement: str) -> list[Any]:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        answer = connection.execute(text(statement))
        rows = list(answer) if answer.returns_rows else []
    engine.dispose()
    return rows

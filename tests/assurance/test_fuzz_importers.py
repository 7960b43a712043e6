"""Files and words from outside, spoiled in every way that could be thought of: each gets an answer or a refusal in Chinese,
in bounded time and memory; never a traceback, and never half of an import."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import fuzz_importers
import pytest
import structlog
import xlsxwriter
from entries import a_person, an_organisation
from fuzz_importers import CHINESE, Finding
from homes import Home
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal.app import create_app
from registry.intake import Refused, UnrecognisedFile, read_file, write_quarantine
from registry.policy import PACKAGED
from registry.tables import BatchRow, ProposalRow, RecordRow

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
QUIET = {"deadline": None, "database": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}
READERS = fuzz_importers.load()
TITLES = {
    "被执行人姓名": "name",
    "身份证号码": "id_number",
    "执行法院": "court",
    "执行案号": "case_number",
    "执行依据文号": "basis_number",
    "生效法律文书确定的义务": "obligation",
    "被执行人的履行情况": "performance",
    "失信被执行人具体情形": "conduct",
    "送达日期": "served_on",
}
PEOPLE = [a_person(serial, name=f"甲测试{serial}") for serial in range(1, 4)]
ROWS = [list(TITLES)] + [
    ["违反财产报告制度" if key == "conduct" else str(person[key]) for key in TITLES.values()] for person in PEOPLE
]


def sized(small: int, full: int) -> pytest.MarkDecorator:
    """How many examples: a few in every run, many where there is time."""
    return pytest.mark.parametrize("examples", [small, pytest.param(full, marks=pytest.mark.soak)])


# Files as they should be ----------------------------------------------------------------------------------------------


def json_lines(entries: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries).encode()


def table(rows: Sequence[Sequence[str]], encoding: str) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode(encoding, "replace")


def workbook(rows: Sequence[Sequence[Any]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return out.getvalue()


FILES: Mapping[str, tuple[str, bytes]] = {
    "JSON Lines": ("jsonl", json_lines([*PEOPLE, an_organisation(9)])),
    "CSV, UTF-8": ("csv", table(ROWS, "utf-8-sig")),
    "CSV, GB 18030": ("csv", table(ROWS, "gb18030")),
    "XLSX": ("xlsx", workbook(ROWS)),
    **{
        name: ({"jsonl": "jsonl", "json": "json", "csv": "csv"}[name.rpartition(".")[2]], content)
        for name, content in fuzz_importers.seeds().items()
    },
}

# Files as they should not be ------------------------------------------------------------------------------------------

TOKENS = (
    *(
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\x81\x30\x81\x30",
        b"\xc4\xe3",
        "\u202e".encode(),
        b"\x1b[2J",
    ),
    *(b"\r", b"\n", b"\r\n", b"\t", b",", b'"', b"'", b"{", b"}", b"[", b"]", b":", b"\\", b"\\ud800", b"\\u0000"),
    *(b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"[" * 400, b'{"a":' * 60, b'"name":"x",', b"null", b"true"),
    *("9999-12-31", "1900-02-29", "1904-01-01", "2025-02-30", "0000-00-00", "二〇二五年十三月一日"),
    *(b'=cmd|"/c calc"!A1', b"+1", b"@SUM(1)", b"&xxe;", b"<!DOCTYPE a [", b"<![CDATA[", b"<c/>" * 50, b"</row>"),
)
BYTES = tuple(token.encode() if isinstance(token, str) else token for token in TOKENS)


@st.composite
def spoiled(draw: st.DrawFn, content: bytes) -> bytes:
    """`content` with a few bytes changed, lost, doubled, or with something put between them."""
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        after = draw(st.integers(place, min(len(content), place + 40)))
        middle = draw(
            st.one_of(
                st.sampled_from(BYTES),
                st.binary(max_size=6),
                st.just(b""),
                st.just(content[place:after] * 2),
            )
        )
        ends = draw(st.integers(0, 9)) == 0
        content = content[:place] + middle + (b"" if ends else content[after:])
    return content


@st.composite
def spoiled_workbook(draw: st.DrawFn, content: bytes) -> bytes:
    """A workbook with something wrong in one of its parts, in their names, or in the archive itself."""
    if draw(st.integers(0, 4)) == 0:
        return draw(spoiled(content))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = draw(st.sampled_from(sorted(parts)))
    match draw(st.sampled_from(["words", "words", "words", "name", "gone", "empty"])):
        case "words":
            parts[name] = draw(spoiled(parts[name]))
        case "name":
            odd = draw(st.sampled_from(["../../x.xml", "/etc/passwd", "xl\\sheet.xml", "xl/名.xml", "con", "a" * 300]))
            parts[odd] = parts.pop(name)
        case "gone":
            del parts[name]
        case _:
            parts[name] = b""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, body in parts.items():
            archive.writestr(part, body)
    return out.getvalue()


ODD_TEXT = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\0\u202e\u200b\ufeff\ufffd\ue000\ud800\U00020000·（）〔〕0123456789年月日号执"),
    ),
    max_size=60,
)
ODD_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.integers(10**300, 10**301), ODD_TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(ODD_TEXT, inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def odd_lines(draw: st.DrawFn) -> bytes:
    """JSON Lines with values of any type under the keys of the format, and keys that nobody knows or that come twice."""
    lines = []
    for person in PEOPLE:
        changes = draw(st.dictionaries(st.one_of(st.sampled_from(sorted(person)), ODD_TEXT), ODD_JSON, max_size=3))
        line = json.dumps({**person, **changes})
        if draw(st.integers(0, 5)) == 0:
            line = line[:-1] + ', "name": "两次"}'
        lines.append(line)
    return "\n".join(lines).encode("utf-8", "replace")


@st.composite
def odd_rows(draw: st.DrawFn) -> tuple[bytes, str]:
    """A table with odd cells, as CSV of either encoding or as a workbook with numbers and dates among its cells."""
    rows: list[list[Any]] = [list(row) for row in ROWS]
    for _ in range(draw(st.integers(1, 6))):
        row = draw(st.sampled_from(rows))
        place = draw(st.integers(0, len(row) - 1))
        row[place] = draw(
            st.one_of(
                ODD_TEXT.map(lambda text: text.encode("utf-8", "replace").decode()),
                st.sampled_from([token.decode("utf-8", "replace") for token in BYTES]),
            )
        )
        if draw(st.integers(0, 3)) == 0:
            row.append("多出来的")
    kind = draw(st.sampled_from(["utf-8", "gb18030", "xlsx"]))
    if kind != "xlsx":
        return table(rows, kind), "csv"
    number = draw(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**17), 10**17)))
    rows[-1][draw(st.integers(0, 8))] = number
    return workbook(rows), "xlsx"


# What reads files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(FILES))
@sized(40, 4000)
def test_a_spoiled_file_is_read_or_refused_and_what_was_refused_comes_back_refused(name: str, examples: int) -> None:
    suffix, content = FILES[name]
    make = spoiled_workbook if suffix == "xlsx" else spoiled

    @settings(max_examples=examples // 2 if suffix == "xlsx" else examples, **QUIET)
    @given(make(content))
    def read(data: bytes) -> None:
        READERS[suffix](data)

    read()


@sized(60, 6000)
def test_odd_values_in_whole_files_are_read_or_refused(examples: int) -> None:
    @settings(max_examples=examples, **QUIET)
    @given(st.one_of(odd_lines().map(lambda data: (data, "jsonl")), odd_rows()))
    def read(odd: tuple[bytes, str]) -> None:
        READERS[odd[1]](odd[0])

    read()


@pytest.mark.parametrize(
    "line",
    [
        '{"kind": "person", "name": "甲", "conduct": [[NaN]]}',
        '{"kind": "person", "name": "甲", "applicant": {"name": {"a": Infinity}}}',
        '{"kind": "person", "name": "甲", "applicant": {"name": {"a": 1, "a": 2}}}',
        '{"iname": "甲", "caseCode": "x", "qysler": [{"iname": [NaN]}]}',
    ],
)
def test_what_is_no_json_is_refused_however_deep_it_lies(line: str, tmp_path: Path) -> None:
    path = tmp_path / "deep.jsonl"
    path.write_text(f"{line}\n", encoding="utf-8")
    intake = read_file(path)
    refused = [line for line in intake.lines if isinstance(line, Refused)]
    assert refused[0].line == 1
    quarantine = write_quarantine(intake, refused, tmp_path, "quarantine")
    assert quarantine is not None
    assert all(isinstance(again, Refused) for again in read_file(quarantine).lines)


def test_what_stands_between_the_records_of_a_page_is_refused_even_where_it_is_no_json() -> None:
    record = fuzz_importers.seeds()["national-detail.json"].decode()
    READERS["json"](f"[{record}, NaN, -Infinity, {record}]".encode())


@sized(250, 40_000)
def test_every_reader_answers_or_refuses_in_chinese_whatever_it_is_given(examples: int) -> None:
    text = ODD_TEXT.map(lambda words: words.encode("utf-8", "surrogatepass"))

    @settings(max_examples=examples, **QUIET)
    @given(st.sampled_from(sorted(READERS)), st.one_of(st.binary(max_size=200), text, text))
    def read(name: str, data: bytes) -> None:
        READERS[name](data)

    read()


@sized(400, 40_000)
def test_nothing_that_is_typed_keeps_a_reader_busy(examples: int) -> None:
    """What repeats itself and then does not fit is what drowns a careless pattern."""
    words = [name for name in READERS if name not in {"jsonl", "json", "csv", "xlsx", "policy"}]
    unit = st.one_of(
        ODD_TEXT, st.sampled_from(["a", "J", "9", "a1", "(", "甲", "号", "执", " ", "·", "-", "（", "*", "0年", "之一"])
    )

    @settings(max_examples=examples, **QUIET)
    @given(st.sampled_from(words), ODD_TEXT, unit, st.sampled_from([1, 2]), ODD_TEXT)
    def read(name: str, before: str, repeated: str, size: int, after: str) -> None:
        text = before[:10] + repeated[: 3 * size] * 60 + (after[:10] or "!")
        began = time.process_time()
        READERS[name](text[:200].encode("utf-8", "surrogatepass"))
        assert time.process_time() - began < 1

    read()


def test_a_question_of_letters_that_are_no_pinyin_is_read_at_once() -> None:
    began = time.process_time()
    READERS["question"](b"n" + b"J" * 27 + b"u!")
    assert time.process_time() - began < 1


def test_the_property_notices_a_refusal_that_nobody_can_read(tmp_path: Path) -> None:
    @dataclass
    class Line:
        reason: str

    class Intake:
        lines = iter([Line("unexpected end of data")])

    with pytest.raises(Finding):
        fuzz_importers.read_through(tmp_path / "x", lambda _: Intake(), lambda *_: None)


@pytest.mark.soak
def test_what_the_fuzzer_finds_on_its_own(tmp_path: Path) -> None:
    """Needs atheris. GONGSHI_FUZZ_SECONDS says how long; what it found lies beside the test's own files."""
    seconds = os.environ.get("GONGSHI_FUZZ_SECONDS", "300")
    command = [sys.executable, str(Path(fuzz_importers.__file__)), f"-max_total_time={seconds}", "-max_len=40000"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=int(seconds) + 120)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done" in done.stderr


# What the command says ------------------------------------------------------------------------------------------------


def inside(home: Home) -> tuple[int, ...]:
    """How much there is in the registry."""
    court = home.court
    with court.reading() as session:
        counts = tuple(
            session.scalar(select(func.count()).select_from(row)) or 0 for row in (BatchRow, RecordRow, ProposalRow)
        )
    court.close()
    return counts


def bring_in(home: Home, path: Path) -> int:
    """Import a file as it is, and look at what became of it: all that was good, or nothing."""
    before = inside(home)
    said = home.run("import", path, "--as", "clerk", "--json")
    assert said.code in (0, 1, 2)
    assert "Traceback" not in said.err
    answer = said.json
    batches, records, proposals = inside(home)
    if said.code == 2:
        assert CHINESE.search(answer["error"])
        assert len(said.err.splitlines()) == 1
        assert (batches, records, proposals) == before
        return 0
    assert (said.code == 1) == bool(answer["quarantined"])
    assert all(CHINESE.search(line["reason"]) for line in answer["quarantined"])
    assert records + proposals - sum(before[1:]) == answer["accepted"]
    assert batches - before[0] == bool(answer["accepted"])
    return int(answer["accepted"])


@sized(25, 2000)
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_an_import_of_a_spoiled_file_brings_in_what_is_good_and_says_what_is_not(home: Home, examples: int) -> None:
    whole = st.sampled_from([name for name, (suffix, _) in FILES.items() if suffix != "xlsx"])
    good = 0

    @settings(max_examples=examples, **QUIET)
    @given(whole.flatmap(lambda name: st.tuples(st.just(FILES[name][0]), spoiled(FILES[name][1]))))
    def import_it(file: tuple[str, bytes]) -> None:
        nonlocal good
        path = home.folder.parent / f"spoiled.{file[0]}"
        path.write_bytes(file[1])
        good += bring_in(home, path)

    import_it()
    assert good > 0
    assert home.run("publish").code == 0


@sized(15, 1000)
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_spoiled_list_holds_nobody_who_is_on_it(home: Home, examples: int) -> None:
    people = [a_person(serial, name=f"甲测试{serial}") for serial in range(1, 4)]
    home.publish(*people)
    whole = json_lines(people)

    @settings(max_examples=examples, **QUIET)
    @given(spoiled(whole))
    def reconcile(data: bytes) -> None:
        path = home.folder.parent / "whole.jsonl"
        path.write_bytes(data)
        said = home.run("reconcile", path, "--as", "clerk", "--json")
        assert "Traceback" not in said.err
        assert said.code in (0, 2)
        # Three of three, two or one are more than a fifth: without --force nobody is held.
        assert said.code == 2 or said.json["held"] == []
        assert said.code == 0 or CHINESE.search(said.json["error"])

    reconcile()


@sized(30, 2000)
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_is_typed_into_a_command_is_answered_or_refused_in_one_line(home: Home, examples: int) -> None:
    rule = st.sampled_from(["exit", "correction_review", "reconsideration_request", "term_end", "grace", "nothing"])
    typed = st.one_of(
        ODD_TEXT, st.dates().map(str), st.sampled_from(["9999-12-31", "0001-01-01", "2025-02-30", "-1", ""])
    )

    @settings(max_examples=examples, **QUIET)
    @given(rule, typed, st.sampled_from(["national", "henan", "yunnan", "nowhere"]))
    def type_it(name: str, text: str, profile: str) -> None:
        for arguments in (
            ("deadline", name, "--from", text, "--profile", profile),
            ("hold", text, "--basis", text, "--as", "clerk"),
            ("correct", "（2025）测0101执1号", "--set", text, "--as", "reviewer"),
        ):
            said = home.run(*arguments)
            assert said.code in (0, 2), arguments
            assert "Traceback" not in said.err
            assert said.code == 0 or CHINESE.search(said.err), said.err

    type_it()


# What the public may ask ----------------------------------------------------------------------------------------------

PARAMETERS = (
    "q",
    "kind",
    "court",
    "region",
    "conduct",
    "performance",
    "from",
    "to",
    "sort",
    "page",
    "facets",
    "mode",
    "x",
)
PATHS = ("/", "/search", "/stats", "/check", "/rights", "/about", "/api/v1/entries", "/api/v1/openapi.json", "/healthz")


@sized(150, 10_000)
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_whatever_is_asked_of_the_portal_it_never_breaks(home: Home, examples: int) -> None:
    home.publish(a_person(1), an_organisation(2))
    portal = create_app(home.public_settings, home.clock)
    public = portal.test_client()
    value = st.one_of(
        ODD_TEXT.map(lambda text: text.encode("utf-8", "replace").decode()),
        st.sampled_from(
            ["甲测试", "person", "newest", "1", "99999999", "-1", "2026-01-01", "elder", "（2025）测0101执1号", "SX-"]
        ),
    )
    pairs = st.lists(st.tuples(st.sampled_from(PARAMETERS), value), max_size=4)
    raw = st.binary(max_size=40).map(lambda data: data.decode("latin-1"))
    path = st.one_of(
        st.sampled_from(PATHS), value.map(lambda text: f"/entries/{text}"), value.map("/api/v1/entries/{}".format)
    )

    @settings(max_examples=examples, **QUIET)
    @given(st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "PUT", "OPTIONS"]), path, pairs, raw)
    def ask(method: str, where: str, given_pairs: list[tuple[str, str]], header: str) -> None:
        names = list(dict.fromkeys(name for name, _ in given_pairs))
        query = {name: [text for key, text in given_pairs if key == name] for name in names}
        data = {name: texts[0] for name, texts in query.items()} if method == "POST" else None
        printable = "".join(character for character in header if character.isprintable())
        headers = {"Accept": printable, "If-None-Match": printable, "Accept-Language": printable}
        answer = public.open(where, method=method, query_string=query, data=data, headers=headers)
        assert answer.status_code < 500, (method, where, query, answer.status_code)
        assert "Traceback" not in answer.text

    with structlog.testing.capture_logs():
        ask()
    portal.close()


@sized(40, 3000)
def test_a_spoiled_policy_is_a_policy_or_a_refusal(examples: int) -> None:
    packaged = b"\n".join(path.read_bytes() for path in sorted(PACKAGED.glob("national.toml")))

    @settings(max_examples=examples, **QUIET)
    @given(spoiled(packaged.replace(b'name = "national"', b'name = "own"')))
    def read(data: bytes) -> None:
        READERS["policy"](data)

    read()


# Bombs ----------------------------------------------------------------------------------------------------------------

MEGABYTE = 1 << 20
MOST_MEMORY = 200 * MEGABYTE
MOST_SECONDS = 10


# The most memory that this very program held: what the kernel tells a parent counts the parent's own as well.
WRAPPED = """
import atexit, re, sys
from pathlib import Path
from gongshi.__main__ import main

peak = sys.argv[1]
sys.argv = ["gongshi", *sys.argv[2:]]
atexit.register(lambda: Path(peak).write_text(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]))
main()
"""


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    said: str
    peak: int
    seconds: float


def run_apart(home: Home, path: Path) -> Ran:
    """`gongshi import` in a process of its own, and the most memory it ever held."""
    env = {"PATH": os.environ["PATH"], "GONGSHI_HOME": str(home.folder), **home.databases}
    said, peak = home.folder.parent / "said.txt", home.folder.parent / "peak.txt"
    command = [sys.executable, "-c", WRAPPED, str(peak), "import", str(path), "--as", "clerk"]
    with said.open("wb") as out:
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=out, stderr=out)
        # Far above what is allowed: the machine outlives a bomb that goes off.
        resource.prlimit(process.pid, resource.RLIMIT_AS, (16 * MOST_MEMORY, 16 * MOST_MEMORY))
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (6 * MOST_SECONDS, 6 * MOST_SECONDS))
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    text = said.read_text(encoding="utf-8")
    assert peak.exists(), f"it was killed: {process.returncode}, {text[-2000:]}"
    return Ran(process.returncode, text, int(peak.read_text()) * 1024, used.ru_utime + used.ru_stime)


def xml_sheet(rows: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><worksheet '
        f'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>'
    ).encode()


def in_cells(row: Sequence[str]) -> str:
    cells = "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in row)
    return f"<row>{cells}</row>"


def with_parts(**changed: bytes) -> bytes:
    """The good workbook with parts replaced: `sheet`, `strings`, `styles`, `book`."""
    paths = {"sheet": "xl/worksheets/sheet1.xml", "strings": "xl/sharedStrings.xml", "styles": "xl/styles.xml"}
    paths["book"] = "xl/workbook.xml"
    bodies = {paths[name]: body for name, body in changed.items()}
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(FILES["XLSX"][1])) as good,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        for name in good.namelist():
            archive.writestr(name, bodies.get(name) or good.read(name))
        # Ballast that does not pack, as whoever knows that packing is looked at would add.
        if sum(map(len, bodies.values())) > 16 * MEGABYTE:
            archive.writestr("xl/media/image1.png", Random(1).randbytes(8 * MEGABYTE))
    return out.getvalue()


def part(name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(FILES["XLSX"][1])) as archive:
        return archive.read(name).decode()


def entities(levels: int, *, width: int = 10) -> str:
    lines = ['<!ENTITY e0 "ha">']
    lines += [f'<!ENTITY e{n} "{f"&e{n - 1};" * width}">' for n in range(1, levels)]
    return f"<!DOCTYPE worksheet [{''.join(lines)}]>"


def with_doctype(doctype: str, text: str) -> bytes:
    sheet = xml_sheet(in_cells(ROWS[0]) + in_cells([text, *ROWS[1][1:]])).decode()
    return with_parts(sheet=sheet.replace("?>", f"?>{doctype}", 1).encode())


def zeros(gigabytes: int, declared: int | None = None) -> bytes:
    """A workbook whose sheet unpacks to so many gigabytes of zeros, and says so, or says another size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(64 * MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = block * (16 * gigabytes) + b"\x03\x00"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/workbook.xml", part("xl/workbook.xml"))
        info = zipfile.ZipInfo("xl/worksheets/sheet1.xml")
        archive.writestr(info, packed)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.file_size = gigabytes << 30 if declared is None else declared
    return out.getvalue()


def overlapping(sheets: int) -> bytes:
    """Many sheets that are all the same bytes of the archive."""
    body = xml_sheet(in_cells(["x" * 1000]) * 4000)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", part("xl/workbook.xml"))
        archive.writestr("xl/worksheets/sheet1.xml", body)
        first = archive.getinfo("xl/worksheets/sheet1.xml")
        for number in range(2, sheets):
            same = zipfile.ZipInfo(f"xl/worksheets/sheet{number}.xml")
            for key in ("header_offset", "compress_size", "file_size", "CRC", "compress_type"):
                setattr(same, key, getattr(first, key))
            archive.filelist.append(same)
    return out.getvalue()


def nested() -> bytes:
    content = FILES["XLSX"][1]
    for level in range(6):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(10):
                archive.writestr(f"{level}-{number}.zip", content)
        content = out.getvalue()
    return content


def many_sheets(count: int) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        for number in range(count):
            book.add_worksheet(f"s{number}").write_row(0, 0, ROWS[0])
    return out.getvalue()


def short_strings(megabytes: int) -> bytes:
    items = "".join(f"<si><t>{n:x}</t></si>" for n in range(100_000))
    body = items * (megabytes * MEGABYTE // len(items) + 1)
    head = '<?xml version="1.0"?><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    return with_parts(strings=f"{head}{body}</sst>".encode())


def long_strings(megabytes: int) -> bytes:
    head = '<?xml version="1.0"?><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    return with_parts(strings=f"{head}<si><t>{'义' * (megabytes * MEGABYTE // 3)}</t></si></sst>".encode())


# Name: suffix, how it is made, and the exit codes it may end with.
BOMBS: Mapping[str, tuple[str, Callable[[], bytes], tuple[int, ...]]] = {
    "a billion laughs": ("xlsx", lambda: with_doctype(entities(10), "&e9;"), (2,)),
    "quadratic blow-up": (
        "xlsx",
        lambda: with_doctype(f'<!DOCTYPE w [<!ENTITY a "{"x" * 50_000}">]>', "&a;" * 50_000),
        (2,),
    ),
    "an entity that reads a file": (
        "xlsx",
        lambda: with_doctype('<!DOCTYPE w [<!ENTITY a SYSTEM "file:///etc/passwd">]>', "&a;"),
        (2,),
    ),
    "an entity that asks the network": (
        "xlsx",
        lambda: with_doctype(
            '<!DOCTYPE w SYSTEM "http://127.0.0.1:9/x.dtd" [<!ENTITY % p SYSTEM "http://127.0.0.1:9/">%p;]>', "x"
        ),
        (2,),
    ),
    "laughs among the strings": (
        "xlsx",
        lambda: with_parts(
            strings=part("xl/sharedStrings.xml")
            .replace("?>", f"?>{entities(10)}", 1)
            .replace("<t>", "<t>&e9;", 1)
            .encode()
        ),
        (2,),
    ),
    "ten gigabytes of zeros": ("xlsx", lambda: zeros(10, (1 << 32) - 2), (2,)),
    "zeros that say they are few": ("xlsx", lambda: zeros(4, 1000), (2,)),
    "sheets that overlap": ("xlsx", lambda: overlapping(500), (2,)),
    "archives within archives": ("xlsx", nested, (2,)),
    "a thousand sheets": ("xlsx", lambda: many_sheets(1000), (2,)),
    "a row of millions of cells": (
        "xlsx",
        lambda: with_parts(sheet=xml_sheet(f"<row>{'<c/>' * (40 * MEGABYTE)}</row>")),
        (2,),
    ),
    "a cell of a hundred megabytes": (
        "xlsx",
        lambda: with_parts(sheet=xml_sheet(in_cells(ROWS[0]) + in_cells(["甲" * (100 * MEGABYTE // 3), *ROWS[1][1:]]))),
        (1, 2),
    ),
    "millions of strings": ("xlsx", lambda: short_strings(200), (2,)),
    "one string of five hundred megabytes": ("xlsx", lambda: long_strings(500), (2,)),
    "styles without end": (
        "xlsx",
        lambda: with_parts(
            styles=part("xl/styles.xml").replace("<cellXfs", f"{'<a/>' * (40 * MEGABYTE)}<cellXfs", 1).encode()
        ),
        (2,),
    ),
    "a book without end": (
        "xlsx",
        lambda: with_parts(
            book=part("xl/workbook.xml").replace("<sheets>", f"{'<a/>' * (40 * MEGABYTE)}<sheets>", 1).encode()
        ),
        (2,),
    ),
    "a hundred thousand columns": ("xlsx", lambda: with_parts(sheet=xml_sheet(in_cells(["x"] * 100_000))), (2,)),
    "a hundred thousand columns of CSV": ("csv", lambda: table([["姓名"] + ["x"] * 100_000] * 20, "utf-8"), (2,)),
    "rows of a hundred thousand columns": ("csv", lambda: table([ROWS[0], *[["x"] * 100_000] * 50], "utf-8"), (1,)),
    "a line without end": ("jsonl", lambda: FILES["JSON Lines"][1] + b'{"name":"' + b"x" * (300 * MEGABYTE), (1,)),
    "a table without line ends": ("csv", lambda: table(ROWS, "utf-8") + b"x," * (100 * MEGABYTE), (1,)),
    "a quotation mark that never closes": (
        "csv",
        lambda: table(ROWS, "utf-8") + b'"' + b"x,y\n" * 100_000,
        (1,),
    ),
    "brackets without end": ("json", lambda: b"[" * (50 * MEGABYTE), (2,)),
    "objects without end": ("json", lambda: b'{"iname":' * (5 * MEGABYTE), (2,)),
    "a number without end": ("jsonl", lambda: FILES["JSON Lines"][1] + b'{"name":' + b"9" * 200_000 + b"}\n", (1,)),
    "a page of numbers": ("json", lambda: b'{"result":[' + b"1," * (2 * MEGABYTE) + b"1]}", (2,)),
}
IN_EVERY_RUN = (
    "a billion laughs",
    "an entity that reads a file",
    "ten gigabytes of zeros",
    "a row of millions of cells",
    "millions of strings",
    "brackets without end",
)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in IN_EVERY_RUN else pytest.mark.soak) for name in BOMBS]
)
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_bomb_is_refused_in_one_clear_line_within_200_mb_and_ten_seconds(home: Home, name: str) -> None:
    suffix, make, codes = BOMBS[name]
    path = home.folder.parent / f"bomb.{suffix}"
    path.write_bytes(make())
    before = inside(home)
    ran = run_apart(home, path)
    assert ran.code in codes, ran.said[:2000]
    assert "Traceback" not in ran.said
    assert CHINESE.search(ran.said)
    assert "程序出错" not in ran.said
    assert "root:" not in ran.said
    assert ran.peak < MOST_MEMORY, f"{ran.peak >> 20} MB"
    assert ran.seconds < MOST_SECONDS, f"{ran.seconds:.1f} s"
    if ran.code == 2:
        assert len(ran.said.splitlines()) == 1
        assert inside(home) == before


LONG_ROW = in_cells(ROWS[0]) + "<row>" + "<c/>" * (MEGABYTE) + "</row>"
HIDDEN_ROWS = {
    "within a comment": lambda: LONG_ROW.replace("<c/>" * 1000, "<c/>" * 1000 + "<!-- </row><row> -->"),
    "within CDATA": lambda: LONG_ROW.replace("<c/>" * 1000, "<c/>" * 1000 + "<c><![CDATA[</row><row>]]></c>"),
    "within one another": lambda: LONG_ROW.replace("<c/>" * 1000, "<c/>" * 1000 + "<row></row>"),
    "of another kind": lambda: LONG_ROW.replace("<c/>" * 1000, '<x:row xmlns:x="y"></x:row>' + "<c/>" * 1000),
    "that change their meaning": lambda: in_cells(ROWS[0]) + '<row xmlns="y"><c/></row>' * MEGABYTE,
    "after a change of meaning": lambda: f'{in_cells(ROWS[0])}<d xmlns="y">{"<row><c/></row>" * MEGABYTE}</d>',
    "that end within a value": lambda: LONG_ROW.replace("<c/>" * 1000, "<c/>" * 1000 + '<row a="/>"/>'),
}


@pytest.mark.parametrize("how", HIDDEN_ROWS)
def test_a_row_without_end_is_not_hidden_by_what_looks_like_the_end_of_one(how: str, tmp_path: Path) -> None:
    path = tmp_path / "hidden.xlsx"
    path.write_bytes(with_parts(sheet=xml_sheet(HIDDEN_ROWS[how]())))
    with pytest.raises(UnrecognisedFile, match="解压后过大"):
        read_file(path)


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("xl/workbook.xml", 'encoding="UTF-8"', 'encoding="nobody"'),
        ("xl/worksheets/sheet1.xml", 'encoding="UTF-8"', 'encoding="nobody"'),
        ("xl/_rels/workbook.xml.rels", "theme", "nothing"),
        ("xl/worksheets/sheet1.xml", "<sheetData>", '<dimension ref="A1"/><sheetData><row><c t="d"><v>9</v></c></row>'),
    ],
)
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_the_library_thinks_of_a_workbook_is_not_told_to_the_clerk(
    home: Home, path: str, old: str, new: str
) -> None:
    parts = {"xl/worksheets/sheet1.xml": part("xl/worksheets/sheet1.xml"), path: part(path)}
    file = home.folder.parent / "odd.xlsx"
    with zipfile.ZipFile(io.BytesIO(FILES["XLSX"][1])) as good, zipfile.ZipFile(file, "w") as archive:
        for name in good.namelist():
            body = parts.get(name)
            archive.writestr(
                name, good.read(name) if body is None else body.replace(old, new) if name == path else body
            )
    ran = run_apart(home, file)
    assert ran.code in (0, 1, 2)
    assert "arning" not in ran.said
    assert "Traceback" not in ran.said
    assert CHINESE.search(ran.said)
    assert "程序出错" not in ran.said


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_row_without_end_is_not_hidden_by_an_encoding(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "hidden.xlsx"
    sheet = xml_sheet(LONG_ROW).decode().replace("UTF-8", "UTF-16")
    path.write_bytes(with_parts(sheet=sheet.encode(encoding)))
    with pytest.raises(UnrecognisedFile, match="解压后过大"):
        read_file(path)


def test_a_large_list_is_no_bomb(tmp_path: Path) -> None:
    """Prefixes, blank rows and what follows the rows, as programs write them, in a sheet that is looked into."""
    path = tmp_path / "large.xlsx"
    rows = (in_cells(ROWS[0]) + in_cells(ROWS[1]) * 4000).replace("<", "<x:").replace("<x:/", "</x:")
    blank = '<x:row r="9" ht="15"/>' * 20_000
    sheet = xml_sheet(f"{rows}{blank}").decode().replace("<worksheet xmlns=", "<x:worksheet xmlns:x=")
    sheet = sheet.replace("sheetData", "x:sheetData").replace("</worksheet", '<x:ext xmlns:y="z"/></x:worksheet')
    path.write_bytes(with_parts(sheet=sheet.encode()))
    assert len(list(read_file(path).lines)) == 4000

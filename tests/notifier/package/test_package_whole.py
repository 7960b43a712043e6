"""What holds for a package as a whole: which files, what each of them says, and that the same gives the same."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from notifier.calendar import Period
from notifier.package import NO_CHANGES, Changes, Edition, Package, build_package, digest_content, media_type
from notifier.package.archive import build_archive
from notifier.package.slides import tell_edition
from notifier.signing import SigningKey, make_signing_key
from search_index.document import Document

WORDS = [
    *("list.xlsx", "list.csv", "list.json", "变动.xlsx", "播报稿.docx", "推送函.docx"),
    *("滚动字幕.txt", "滚动字幕-GB18030.txt", "生僻字.txt", "manifest.json"),
]
PROOF = ["public-key.pem", "manifest.json.sig", "SHA256SUMS"]


def test_a_package_holds_what_a_newsroom_and_a_machine_need(package: Package) -> None:
    assert set(package.files) == {*WORDS, *PROOF, "画面-001.png"}
    listed = {file["name"]: file for file in json.loads(package.files["manifest.json"])["files"]}
    assert set(listed) == set(package.files) - {"manifest.json", "manifest.json.sig", "SHA256SUMS"}
    assert {name: file["media_type"] for name, file in listed.items()} == {name: media_type(name) for name in listed}


def test_every_file_says_its_revision_until_when_it_may_be_used_and_where_the_newest_is(
    commissioned: Edition,
    entries: list[Document],
    changes: Changes,
    key: SigningKey,
    read_words: Callable[[str, bytes], str],
) -> None:
    files = build_package(replace(commissioned, revision=37), entries, changes=changes, key=key).files
    for name in WORDS:
        words = read_words(name, files[name]).replace("\r\n\u3000", "")
        assert "37" in words, name
        assert "2027年1月4日后不得使用" in words or "2027-01-04" in words, name
        assert "https://court.example.invalid" in words, name


def test_every_slide_says_it_too(commissioned: Edition) -> None:
    told = tell_edition(replace(commissioned, revision=37))
    assert told == ("第37次修订，2027年1月4日后不得使用", "最新名单见https://court.example.invalid")


def test_of_a_court_in_training_every_file_says_that_it_is_an_exercise(
    commissioned: Edition,
    entries: list[Document],
    changes: Changes,
    key: SigningKey,
    read_words: Callable[[str, bytes], str],
) -> None:
    training = replace(commissioned, profile=replace(commissioned.profile, training=True))
    real = build_package(commissioned, entries, changes=changes, key=key).files
    exercise = build_package(training, entries, changes=changes, key=key).files
    for name in WORDS:
        assert "演练" not in read_words(name, real[name]), name
        assert "演练" in read_words(name, exercise[name]), name
    for name, sheets in (("list.xlsx", 1), ("变动.xlsx", 3)):
        # Title, notice and foot of each sheet.
        assert read_words(name, exercise[name]).count("【演练数据，不得使用】") == 3 * sheets
    assert exercise["画面-001.png"] != real["画面-001.png"]
    assert tell_edition(training)[0].startswith("【演练数据，不得使用】")


def test_a_court_without_a_site_says_whom_to_ask(
    edition: Edition, entries: list[Document], read_words: Callable[[str, bytes], str]
) -> None:
    silent = replace(edition, profile=replace(edition.profile, website=""))
    files = build_package(silent, entries).files
    for name in ("list.xlsx", "list.csv", "播报稿.docx", "推送函.docx", "滚动字幕.txt", "生僻字.txt"):
        words = read_words(name, files[name]).replace("\r\n\u3000", "")
        assert "最新名单请向测试市人民法院索取（电话0000-0000000）" in words, name


def test_an_empty_list_makes_a_package_that_says_so(
    edition: Edition, key: SigningKey, read_words: Callable[[str, bytes], str]
) -> None:
    files = build_package(edition, [], key=key).files
    assert not [name for name in files if name.endswith(".png")]
    for name in ("list.xlsx", "播报稿.docx", "滚动字幕.txt"):
        assert "本期没有可以公布的条目" in read_words(name, files[name])
    assert "画面" not in read_words("推送函.docx", files["推送函.docx"])


def test_without_a_key_there_is_no_signature_and_the_letter_says_so(
    edition: Edition, entries: list[Document], read_words: Callable[[str, bytes], str]
) -> None:
    files = build_package(edition, entries).files
    assert not {"public-key.pem", "manifest.json.sig"} & set(files)
    assert json.loads(files["manifest.json"])["signature"] is None
    letter = read_words("推送函.docx", files["推送函.docx"])
    assert "没有签名" in letter
    assert "委托函号：　" in letter, "a letter without a number leaves room for it"


def test_two_builds_in_two_processes_are_byte_identical(tmp_path: Path) -> None:
    """Whatever the process is given by its surroundings: hash seed, zone, language, umask."""
    program = tmp_path / "build.py"
    program.write_text(BUILD, "utf-8")
    root = Path(__file__).parents[3]
    told = {
        subprocess.run(
            [sys.executable, str(program)],
            check=True,
            capture_output=True,
            text=True,
            encoding="utf-8",
            umask=umask,
            env={
                "PYTHONPATH": f"{root}:{root / 'tests'}",
                "PYTHONHASHSEED": seed,
                "TZ": zone,
                "LC_ALL": language,
                "LANGUAGE": language,
                "PYTHONIOENCODING": "utf-8",
                "PYTHONUTF8": utf8,
            },
        ).stdout
        for seed, zone, language, umask, utf8 in (
            ("1", "UTC", "C.UTF-8", 0o022, "1"),
            ("2", "America/New_York", "C", 0o077, "0"),
        )
    }
    assert len(told) == 1
    assert len(told.pop().splitlines()) == 14


BUILD = """
from datetime import date
from hashlib import sha256

from documents import AT, a_document
from notifier.calendar import Period
from notifier.package import Edition, build_package, compare
from notifier.signing import make_signing_key
from search_index.profile import Profile

documents = [a_document(serial, name=name) for serial, name in enumerate(("曾𠮷", "乐䶮", "扎西·测试"))]
edition = Edition(
    period=Period(2026, 4), revision=2, sequence=9, made_at=AT, last_day_of_use=date(2027, 4, 1),
    profile=Profile(court="测试市人民法院"),
)
changes = compare(Period(2026, 3), [a_document(9), a_document(0)], documents)
files = build_package(edition, documents[::-1], changes=changes, key=make_signing_key(b"k" * 32)).files
for name, content in sorted(files.items()):
    print(sha256(content).hexdigest(), name)
"""


def test_no_archive_keeps_the_time_at_which_it_was_written(package: Package) -> None:
    for name, content in package.files.items():
        if name.endswith((".docx", ".xlsx")):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}, name


def test_a_package_as_one_file_unpacks_with_common_tools_to_the_same_files(package: Package, tmp_path: Path) -> None:
    packed = build_archive("2026Q3-r1", package.files)
    assert packed == build_archive("2026Q3-r1", dict(reversed(package.files.items())))
    (tmp_path / "package.zip").write_bytes(packed)
    subprocess.run([sys.executable, "-m", "zipfile", "-e", "package.zip", "."], cwd=tmp_path, check=True)
    assert {file.name: file.read_bytes() for file in (tmp_path / "2026Q3-r1").iterdir()} == package.files
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        # Names that are not ASCII are marked as UTF-8: else old tools show rubbish.
        assert all(info.flag_bits & 0x800 for info in archive.infolist() if not info.filename.isascii())


def test_slides_are_pictures_of_television_size(package: Package) -> None:
    with Image.open(io.BytesIO(package.files["画面-001.png"])) as picture:
        picture.load()
        assert (picture.format, picture.size, picture.mode) == ("PNG", (1920, 1080), "P")


def test_content_is_new_when_a_reader_is_told_something_new(
    edition: Edition, entries: list[Document], changes: Changes, key: SigningKey
) -> None:
    content = digest_content(edition, entries, changes=changes, key=key)
    same = replace(edition, revision=9, sequence=99, made_at=edition.made_at + timedelta(hours=1))
    assert digest_content(same, entries[::-1], changes=changes, key=key) == content
    others = [
        digest_content(replace(edition, commission_number="（2026）测法推2号"), entries, changes=changes, key=key),
        digest_content(replace(edition, caption_limit=40), entries, changes=changes, key=key),
        digest_content(edition, entries, changes=replace(changes, gone=()), key=key),
        digest_content(edition, entries, changes=replace(changes, since=Period(2025, 4)), key=key),
        digest_content(edition, entries, changes=NO_CHANGES, key=key),
        digest_content(edition, entries, changes=changes, key=make_signing_key(bytes(32))),
        digest_content(edition, entries, changes=changes),
    ]
    assert len({content, *others}) == len(others) + 1


@pytest.mark.soak
def test_five_thousand_entries_make_a_package_that_can_be_handed_over(
    edition: Edition, person: Document, key: SigningKey, numbered: Callable[[Document, int], list[Document]]
) -> None:
    documents = [
        replace(document, name=f"甲{chr(0x4E00 + number)}", case_number=f"（2026）测0101执{number}号")
        for number, document in enumerate(numbered(person, 5000))
    ]
    package = build_package(edition, documents, key=key)
    assert len([name for name in package.files if name.endswith(".png")]) <= 5000 // 6 + 1
    assert sum(map(len, package.files.values())) < 80_000_000

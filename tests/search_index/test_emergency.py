"""Sealed codes and the marks that are made with them: what counts, and what means nothing."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_index import emergency
from search_index.emergency import Codes, Mark, draw_codes, find_code, is_genuine, open_code, read_mark, write_mark
from search_index.marks import MarkFolder, MarksUnreadable, prepare_folder

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PRINTED, KNOWN = draw_codes(Random(7), Codes())
NAME = "20261123020000-0123456789abcdef"
MARK = Mark(name=NAME, record=None, code=2, at=NOW)


def test_codes_are_typed_by_tired_people() -> None:
    assert [one[0] for one in PRINTED] == ["1", "2", "3", "4", "5"]
    for printed in PRINTED:
        plain = printed.replace("-", "")
        wide = "".join(chr(ord(c) + 0xFEE0) for c in plain)
        for typed in (
            printed,
            plain.lower(),
            f" {printed.replace('-', ' ')} ",
            wide,
            plain.replace("0", "O").replace("1", "l"),
        ):
            assert find_code(typed) == plain


@given(st.integers(0, 4), st.integers(1, 16), st.sampled_from(emergency.ALPHABET))
def test_a_wrong_character_is_seen(which: int, place: int, other: str) -> None:
    plain = PRINTED[which].replace("-", "")
    wrong = plain[:place] + other + plain[place + 1 :]
    assert find_code(wrong) == (plain if wrong == plain else None)


def test_only_the_present_codes_open() -> None:
    assert open_code(PRINTED[1], KNOWN) is not None
    assert open_code("", Codes()) is None
    # What was hidden with old ones stays hidden.
    newer = Codes(salt=KNOWN.salt, keys=KNOWN.keys[:1] * 5, former=KNOWN.keys)
    assert open_code(PRINTED[1], newer) is None
    key = open_code(PRINTED[1], KNOWN)
    assert key is not None
    signed = read_mark(NAME, write_mark(MARK, key))
    assert signed is not None
    assert is_genuine(signed, newer)
    assert not is_genuine(signed, replace(newer, former=()))


def test_what_is_planted_means_nothing() -> None:
    key = open_code(PRINTED[1], KNOWN)
    assert key is not None
    content = write_mark(MARK, key)
    body = json.loads(content)
    forged = [
        (NAME.replace("a", "b"), content),
        (NAME, json.dumps({**body, "record": "SX-00000000"}).encode()),
        (NAME, json.dumps({**body, "at": "2026-11-23T03:00:00+00:00"}).encode()),
        (NAME, json.dumps({**body, "code": 1}).encode()),
        (NAME, json.dumps({**body, "signature": "00" * 64}).encode()),
        (NAME, json.dumps({**body, "signature": "zz"}).encode()),
        ("../registry", content),
        *((NAME, part) for part in (b"", b"{}", b"[]", b"\xff", content[:-5], b"[" * 5000)),
    ]
    for name, planted in forged:
        signed = read_mark(name, planted)
        assert signed is None or not is_genuine(signed, KNOWN)
    genuine = read_mark(NAME, content)
    assert genuine is not None
    assert genuine.mark == MARK
    assert is_genuine(genuine, KNOWN)


def test_the_folder_is_looked_at_each_time_and_never_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "emergency"
    marks = MarkFolder(folder)
    assert marks.read() == []
    prepare_folder(folder)
    key = open_code(PRINTED[1], KNOWN)
    assert key is not None
    marks.put(MARK, write_mark(MARK, key))
    assert [one.mark for one in marks.read()] == [MARK]
    assert [path.name for path in folder.iterdir()] == [f"{NAME}.mark"]
    with pytest.raises(OSError, match="exists"):
        marks.put(MARK, b"{}")
    for number, plant in enumerate(
        (lambda p: os.mkfifo(p), lambda p: p.mkdir(), lambda p: p.symlink_to("/etc/passwd"))
    ):
        plant(folder / f"2026112302000{number + 1}-0123456789abcdef.mark")
    (folder / "something else").write_text("x")
    assert [one.mark for one in marks.read()] == [MARK]
    marks.remove([NAME, "20261123020009-0123456789abcdef"])
    assert marks.read() == []


def test_a_folder_that_cannot_be_looked_into_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0)
    user = os.geteuid()
    # Nothing is closed to root.
    if user == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(MarksUnreadable):
            MarkFolder(tmp_path).read()
    finally:
        os.seteuid(user)


def test_what_is_planted_as_a_folder_costs_no_descriptor(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"20261123020000-{number:016x}.mark").mkdir()
    open_files = Path("/proc/self/fd")
    before = len(list(open_files.iterdir()))
    assert MarkFolder(tmp_path).read() == []
    assert len(list(open_files.iterdir())) == before

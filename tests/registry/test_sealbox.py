"""The court's box: who can open what, and whatever lies in the drop folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from random import Random

import pytest
from homes import START
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import PrivateKey, PublicKey, SealedBox

from portal.sealing import seal
from registry.sealbox import (
    LARGEST_ENVELOPE,
    KeyLost,
    SealBroken,
    open_envelope,
    prepare_box,
    renew_key,
    sweep,
)
from search_index.number import ALPHABET
from search_index.submission import (
    MAGIC,
    SIZES,
    Submission,
    certificate_key,
    draw_code,
    draw_receipt,
    draw_verify,
    find_code,
    find_receipt,
    find_verify,
    token_of,
)

RECEIPT = draw_receipt(Random(1))
ONE = Submission(kind="complaint", receipt=RECEIPT, token="0" * 64, received_at=START, fields={"words": "甲"})


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "submissions.key"


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    return tmp_path / "drop"


def test_only_the_court_opens_what_was_sealed_to_it(key: Path, drop: Path, tmp_path: Path) -> None:
    public = prepare_box(key, drop)
    sealed = seal(ONE, public)
    assert open_envelope(sealed, key) == ONE
    assert b"words" not in sealed
    prepare_box(tmp_path / "other" / "submissions.key", tmp_path / "drop")
    with pytest.raises(SealBroken):
        open_envelope(sealed, tmp_path / "other" / "submissions.key")


def test_the_box_is_made_once_and_shut(key: Path, drop: Path) -> None:
    public = prepare_box(key, drop)
    assert prepare_box(key, drop) == public
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(drop.stat().st_mode) == 0o1733


def test_what_was_under_way_when_the_key_changed_still_opens(key: Path, drop: Path) -> None:
    first = prepare_box(key, drop)
    sealed = [seal(ONE, first)]
    for _ in range(2):
        sealed.append(seal(ONE, renew_key(key)))
    assert len({first, prepare_box(key, drop)}) == 2
    assert [open_envelope(one, key) for one in sealed] == [ONE] * 3
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in key.parent.iterdir())


@pytest.mark.parametrize("content", [None, b"", b"zz", b"\xff" * 32, b"00"])
def test_a_lost_key_is_told_apart_from_a_broken_seal(key: Path, drop: Path, content: bytes | None) -> None:
    sealed = seal(ONE, prepare_box(key, drop))
    key.unlink()
    if content is not None:
        key.write_bytes(content)
    with pytest.raises(KeyLost, match=r"submissions\.key"):
        open_envelope(sealed, key)


def sealed_to(public: str, content: bytes) -> bytes:
    return MAGIC + SealedBox(PublicKey(bytes.fromhex(public))).encrypt(content)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_whatever_was_dropped_never_gets_further_than_a_broken_seal(
    tmp_path_factory: pytest.TempPathFactory, outside: bytes, inside: bytes
) -> None:
    folder = tmp_path_factory.mktemp("box")
    key = folder / "submissions.key"
    public = prepare_box(key, folder / "drop")
    length = len(inside).to_bytes(4, "big")
    for content in (outside, MAGIC + outside, sealed_to(public, inside), sealed_to(public, length + inside)):
        with pytest.raises(SealBroken):
            open_envelope(content, key)


@pytest.mark.parametrize(
    "head",
    [
        b"[]",
        b"[" * 100_000,
        b'{"version":2}',
        b'{"version":1,"kind":"x"}',
        b'{"version":1,"kind":"complaint","receipt":"SL-1","token":"","received_at":"","fields":{},"attachments":[]}',
    ],
)
def test_an_envelope_that_is_no_submission_is_a_broken_seal(key: Path, drop: Path, head: bytes) -> None:
    content = len(head).to_bytes(4, "big") + head
    with pytest.raises(SealBroken):
        open_envelope(sealed_to(prepare_box(key, drop), content.ljust(SIZES[0], b"\0")), key)


def test_what_is_longer_than_an_envelope_is_not_even_tried(key: Path, drop: Path) -> None:
    prepare_box(key, drop)
    with pytest.raises(SealBroken, match="no sealed submission"):
        open_envelope(MAGIC + b"0" * LARGEST_ENVELOPE, key)


def test_what_was_begun_and_never_finished_is_swept_after_a_day(key: Path, drop: Path) -> None:
    prepare_box(key, drop)
    now = START.timestamp()
    for name, age in (("b" * 32 + ".sealed", 900_000), (".new-x", 90_000), (".new-y", 60), ("theirs", 900_000)):
        (drop / name).write_bytes(b"x")
        os.utime(drop / name, (now - age, now - age))
    assert sweep(drop, START) == 1
    assert sorted(path.name[:6] for path in drop.iterdir()) == [".new-y", "bbbbbb", "theirs"]
    assert sweep(drop / "none", START) == 0


# The numbers ---------------------------------------------------------------------------------------------------------


@given(st.integers(0, 1 << 32), st.integers(0, 11), st.integers(1, 31))
def test_a_wrong_character_of_a_number_is_noticed(seed: int, place: int, step: int) -> None:
    for draw, find in ((draw_receipt, find_receipt), (draw_verify, find_verify)):
        number = draw(Random(seed))
        plain = number.replace("-", "")
        assert find(number) == find(plain.lower()) == find(plain[2:]) == number
        assert find(f" {number} ".replace("-", "－").replace("0", "O").replace("1", "l")) == number
        at = 2 + place
        wrong = ALPHABET[(ALPHABET.index(plain[at]) + step) % 32]
        assert find(plain[:at] + wrong + plain[at + 1 :]) is None
    code = draw_code(Random(seed))
    assert find_code(code.lower().replace("-", "")) == code


@given(st.text(max_size=40))
def test_anything_may_be_typed_for_a_number(text: str) -> None:
    for find in (find_receipt, find_verify, find_code):
        found = find(text)
        assert found is None or find(found) == found


def test_a_token_and_the_key_of_a_certificate_tell_nothing_of_the_number() -> None:
    number = draw_verify(Random(2))
    assert certificate_key(number.lower()) == certificate_key(number)
    assert number not in certificate_key(number)
    assert token_of(RECEIPT, "AAAAA-AAAAA") != token_of(RECEIPT, "AAAAA-AAAAB")
    with pytest.raises(ValueError, match="certificate"):
        certificate_key(RECEIPT)
    assert PrivateKey.SIZE == 32

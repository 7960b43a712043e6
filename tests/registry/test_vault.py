"""Sealing: what cannot be read, moved or altered without the key, and what a missing key says."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.vault import Vault, VaultError, create_key, open_vault

VAULT, OTHER = Vault(b"k" * 32), Vault(b"o" * 32)
values = st.dictionaries(st.text(max_size=8), st.none() | st.text(max_size=40) | st.integers(), max_size=5)


@given(values, st.text(max_size=20))
def test_what_is_sealed_opens_and_nothing_of_it_can_be_seen(body: dict[str, object], context: str) -> None:
    sealed = VAULT.seal(body, context)
    assert VAULT.open(sealed, context) == body
    assert all(len(str(value)) < 4 or str(value).encode() not in sealed for value in body.values())


@given(values, st.text(max_size=20), st.text(max_size=20))
def test_it_opens_only_where_it_belongs(body: dict[str, object], context: str, elsewhere: str) -> None:
    sealed = VAULT.seal(body, context)
    for vault, place in ((OTHER, context), (VAULT, elsewhere)):
        if (vault, place) != (VAULT, context):
            with pytest.raises(VaultError):
                vault.open(sealed, place)


@given(values, st.data())
def test_one_altered_bit_is_noticed(body: dict[str, object], data: st.DataObject) -> None:
    sealed = bytearray(VAULT.seal(body, "here"))
    place = data.draw(st.integers(1, len(sealed) - 1))
    sealed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(VaultError):
        VAULT.open(bytes(sealed), "here")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" * 12, b"\x01" * 20])
def test_what_is_cut_short_is_noticed(sealed: bytes) -> None:
    with pytest.raises(VaultError):
        VAULT.open(sealed, "here")


@given(values)
def test_the_same_words_never_look_the_same_twice(body: dict[str, object]) -> None:
    assert VAULT.seal(body, "here") != VAULT.seal(body, "here")


@given(st.text(), st.text())
def test_a_digest_compares_and_needs_the_key(one: str, other: str) -> None:
    assert (VAULT.digest(one) == VAULT.digest(other)) == (one == other)
    assert VAULT.digest(one) != OTHER.digest(one)


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    create_key(path)
    first = path.read_bytes()
    create_key(path)
    assert path.read_bytes() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert open_vault(path).digest("x") == open_vault(path).digest("x")


def test_a_key_that_was_half_written_when_the_machine_stopped_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    (tmp_path / "master.key.new").write_text("half")
    create_key(path)
    open_vault(path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"\n", b"zz" * 32, b"00" * 31, b"00" * 33, "钥".encode(), b"\0" * 64])
def test_a_damaged_key_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "master.key").write_bytes(content)
    with pytest.raises(VaultError, match="已损坏"):
        open_vault(tmp_path / "master.key")


def test_a_missing_key_says_so(tmp_path: Path) -> None:
    for path in (tmp_path / "master.key", tmp_path):
        with pytest.raises(VaultError, match="读不到密钥文件"):
            open_vault(path)

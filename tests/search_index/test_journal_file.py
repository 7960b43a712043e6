"""Files of the journal: what was signed is read as it was written, and nothing else is read at all."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from documents import AT, a_document
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from search_index.journal import ChangeType, EntryChange, JournalEntry, ProfileChange, SubjectChange
from search_index.journal_file import (
    FileRefused,
    Header,
    JournalFile,
    extend_chain,
    find_number,
    name_file,
    read_file,
    read_keys,
    write_file,
)
from search_index.rows import utc

KEY, OTHER = SigningKey(b"k" * 32), SigningKey(b"o" * 32)
PUBLIC = KEY.verify_key.encode().hex()
EPOCH = utc(AT)


def some_lines(texts: list[str], first: int = 0) -> list[JournalEntry]:
    lines: list[JournalEntry] = [ProfileChange(position=first + 1, at=AT, body={"court": "测试·𠮷法院"})]
    for serial, text in enumerate(texts, start=1):
        document = a_document(serial, obligation=text)
        lines.append(_entry(first + 1 + serial, first + serial, document.record, document.as_json()))
    lines.append(SubjectChange(position=len(lines) + first + 1, at=AT, subject="article", key="a1", body=None))
    gone = a_document(1).record
    lines.append(_entry(len(lines) + first + 1, first + len(texts) + 1, gone, None, ChangeType.GONE))
    return lines


def _entry(
    position: int, sequence: int, record: str, body: dict[str, object] | None, kind: ChangeType = ChangeType.PUBLISHED
) -> EntryChange:
    return EntryChange(position=position, at=AT, sequence=sequence, type=kind, record=record, body=body)


def make(
    lines: list[JournalEntry], key: SigningKey = KEY, *, repeated: list[EntryChange] | None = None, chain: str = ""
) -> bytes:
    chain = chain or extend_chain(None, EPOCH, 1, lines)
    header = Header(
        epoch=EPOCH, begin=1, number=1, previous=None, chain=chain, first=0, last=len(lines), end=len(lines),
        sequence=len(lines), made_at=AT + timedelta(minutes=1), court="测试市人民法院",
    )  # fmt: skip
    public = key.verify_key.encode().hex()
    return write_file(header, lines, repeated or [], key=public, sign=lambda told: key.sign(told).signature)


@settings(max_examples=10)
@given(st.lists(st.text(max_size=40), max_size=4))
def test_what_was_written_is_read(texts: list[str]) -> None:
    lines = some_lines([text + "\u2028\x85\r𠮷·" for text in texts if text.isprintable()])
    read = read_file(make(lines), {PUBLIC})
    assert list(read.entries) == lines
    assert read.header.made_at == AT + timedelta(minutes=1)
    assert [one.record for one in read.departures] == [a_document(1).record]


def test_no_changed_byte_and_no_cut_is_read() -> None:
    whole, random = make(some_lines(["支付货款"])), Random(3)
    assert isinstance(read_file(whole, {PUBLIC}), JournalFile)
    places = {*random.sample(range(len(whole)), 300), *range(len(whole) - 40, len(whole))}
    for place in places:
        forged = bytearray(whole)
        forged[place] ^= 1 << random.randrange(8)
        with pytest.raises(FileRefused):
            read_file(bytes(forged), {PUBLIC})
    for length in (*random.sample(range(len(whole)), 100), 0, len(whole) - 1):
        with pytest.raises(FileRefused):
            read_file(whole[:length], {PUBLIC})
    with pytest.raises(FileRefused):
        read_file(whole + b"\n", {PUBLIC})
    with pytest.raises(FileRefused):
        read_file(whole + whole, {PUBLIC})


def test_another_courts_key_is_no_key() -> None:
    for forged in (make(some_lines(["甲"]), OTHER), make(some_lines(["甲"]), OTHER).replace(
        OTHER.verify_key.encode().hex().encode(), PUBLIC.encode()
    )):  # fmt: skip
        with pytest.raises(FileRefused) as refused:
            read_file(forged, {PUBLIC})
        assert "没有采用" in str(refused.value)
    assert read_file(make(some_lines(["甲"]), OTHER), {PUBLIC, OTHER.verify_key.encode().hex()}).entries


def test_a_file_made_anew_has_the_chain_of_the_first_and_another_history_has_not() -> None:
    lines = some_lines(["甲", "乙"])
    erased = [
        _entry(one.position, one.sequence, one.record, None, one.type) if isinstance(one, EntryChange) else one
        for one in lines
    ]
    assert extend_chain(None, EPOCH, 1, erased) == extend_chain(None, EPOCH, 1, lines)
    others = some_lines(["甲", "乙"])
    others[1] = _entry(2, 1, a_document(7).record, a_document(7).as_json())
    assert extend_chain(None, EPOCH, 1, others) != extend_chain(None, EPOCH, 1, lines)
    assert extend_chain("0" * 64, EPOCH, 1, lines) != extend_chain(None, EPOCH, 1, lines)


@pytest.mark.parametrize("spoil", ["gap", "order", "shown as repeated", "another's words", "chain"])
def test_what_is_signed_and_wrong_is_not_read(spoil: str) -> None:
    lines = some_lines(["甲", "乙"])
    repeated: list[EntryChange] = []
    if spoil == "gap":
        del lines[2]
    if spoil == "order":
        lines[1], lines[2] = lines[2], lines[1]
    if spoil == "shown as repeated":
        repeated = [_entry(9, 9, a_document(1).record, a_document(1).as_json())]
    if spoil == "another's words":
        lines[1] = _entry(2, 1, a_document(3).record, a_document(4).as_json())
    whole = make(lines, repeated=repeated)
    if spoil == "chain":
        whole = make(lines, chain="0" * 64)
    with pytest.raises(FileRefused):
        read_file(whole, {PUBLIC})


def test_keys_and_names_as_people_type_them() -> None:
    grouped = " ".join(PUBLIC[start : start + 8] for start in range(0, 64, 8)).upper()
    assert read_keys(f"{grouped}，{PUBLIC}") == (PUBLIC, PUBLIC)
    assert read_keys(" ") == ()
    with pytest.raises(ValueError, match="64"):
        read_keys(PUBLIC[:-1])
    assert find_number(name_file(7)) == 7
    for name in ("journal-7.gsj", "journal-00000007.gsj.new", "journal-０0000007.gsj", ".new-journal-00000007.gsj"):
        assert find_number(name) is None

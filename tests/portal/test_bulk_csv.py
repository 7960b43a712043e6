"""The CSV of the list, cell by cell: the quick way and the careful way give the same rows, and no cell runs."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

from hypothesis import example, given
from hypothesis import strategies as st
from portal_world import COMPANY, PERSON

from portal import bulk_csv
from portal.bulk_csv import write_csv
from search_index.document import DisclosedConduct, Document
from search_index.sheets import guard_formula

TAIL = {
    "名单序号": "7",
    "取得时间": "2026-11-23T10:00:00+08:00",
    "水印": "R-TEST0001",
    "使用条款": "https://x/about#terms",
}
TEXTS = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from(list('=+-@＝＋－＠ "\\,\n\r\t𠮷·{}[]:null'))), max_size=12
)
MAYBE = st.none() | TEXTS
DOCUMENTS = st.builds(
    lambda base, **changes: replace(base, record="SX-0A1B2C3D", **changes),
    st.sampled_from([PERSON, COMPANY]),
    name=TEXTS,
    latin_name=MAYBE,
    age=st.none() | st.integers(0, 150),
    id_number=MAYBE,
    origin=MAYBE,
    obligation=MAYBE,
    unperformed_part=MAYBE,
    conduct=st.lists(st.builds(DisclosedConduct, code=st.sampled_from(["a_b", 'x"']), text=TEXTS), max_size=3).map(
        tuple
    ),
    visible_until=st.none() | st.just(datetime(2027, 1, 1, tzinfo=UTC)),
)


def as_kept(document: Document) -> str:
    """As the store keeps it."""
    return json.dumps(document.as_json(), ensure_ascii=False, separators=(",", ":"))


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def expect(number: int, document: Document) -> list[str]:
    body = document.as_json()
    body["kind"] = {"person": "自然人", "organisation": "法人或者其他组织"}[document.kind]
    body["conduct"] = "；".join(one.text for one in document.conduct)
    del body["id_number"]
    return [
        str(number),
        *(guard_formula("" if value is None else str(value)) for value in body.values()),
        *TAIL.values(),
    ]


@given(documents=st.lists(DOCUMENTS, max_size=4))
@example(documents=[replace(PERSON, obligation=text) for text in ("=1", " =1", "＝1", "\t=1", "a=1", '"', "\\", "")])
def test_every_cell_is_the_text_of_its_field(documents: list[Document]) -> None:
    rows = [(one.record, as_kept(one)) for one in documents]
    content = b"".join(write_csv(TAIL, [rows[:2], rows[2:]]))
    heading, *found, end = read(content)
    assert found == [expect(number, one) for number, one in enumerate(documents, 1)]
    assert {len(row) for row in (heading, *found, end)} == {len(heading)}
    before = content[: content.rindex(b"#END")]
    assert end[:3] == ["#END", str(len(documents)), sha256(before).hexdigest()]


def test_most_documents_are_read_the_quick_way_and_older_ones_are_read(monkeypatch) -> None:
    older = json.loads(as_kept(PERSON))
    del older["latin_name"], older["origin"]
    (cells,) = read("".join(bulk_csv._write_row(json.dumps(older, ensure_ascii=False))).encode())
    assert cells[2] == PERSON.name
    monkeypatch.setattr(bulk_csv, "_read_cells", None)
    for document in (PERSON, COMPANY):
        assert bulk_csv._write_row(as_kept(replace(document, record="SX-0A1B2C3D")))

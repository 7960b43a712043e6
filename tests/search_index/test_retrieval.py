"""What the index finds is what reading every document finds, to the way in which each answers."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from synthetic_list import build_document

from benchmarks.synthetic_documents import build_documents
from search_index.condition import Entry
from search_index.document import Document
from search_index.entry import build_entry, find_way, passes
from search_index.folding import fold_text
from search_index.grams import RARE
from search_index.index import Generation, Index, IndexWriter
from search_index.page import Query
from search_index.query import read_question
from search_index.retrieval import find
from search_index.segment import TEXT_RUNS

COUNT = 2_400


class Listed(NamedTuple):
    documents: list[Document]
    entries: list[Entry]
    generation: Generation


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Listed:
    """A list in three parts, some of it deleted since; large enough that words have terms of their own."""
    documents = list(build_documents(COUNT, 7))
    writer = IndexWriter(tmp_path_factory.mktemp("retrieval"))
    writer.rebuild(documents[:1_500])
    writer.update(documents[1_500:2_300])
    writer.update(documents[2_300:])
    left, kept = documents[::9], [document for place, document in enumerate(documents) if place % 9]
    writer.update((), [document.record for document in left])
    return Listed(kept, [build_entry(document) for document in kept], Index(writer._folder).open())


def expect(listed: Listed, query: Query) -> dict[str, int]:
    question = read_question(query.text)
    found = ((entry, find_way(question, entry)) for entry in listed.entries if passes(query, entry))
    return {entry.record: question.ways.index(way) for entry, way in found if way is not None}


def answer(listed: Listed, query: Query) -> dict[str, int]:
    question = read_question(query.text)
    found = find(listed.generation, question, query)
    hits = found.select(0, COUNT)
    assert len(hits) == found.total + found.near
    assert len({record for record, _ in hits}) == len(hits)
    return {record: question.ways.index(way) for record, way in hits}


def ask(documents: list[Document], random: Random) -> Iterator[str]:
    """Something that somebody could type about one of the documents."""
    while True:
        document = random.choice(documents)
        name, text = document.name, fold_text(document.obligation or "")
        at, place = random.randrange(len(name)), random.randrange(len(text))
        yield name
        yield name[at : at + random.randint(1, 9)]
        yield text[place : place + random.randint(2, 14)]
        yield f"{text[place : place + random.randint(2, 5)]} {name[:2]}"
        yield f"{text[place : place + 4]} {text[place // 2 : place // 2 + 3]}"
        yield name[:at] + random.choice("龘测泰") + name[at + 1 :]
        yield name[:at] + name[at + 1 :]
        yield name[:at] + "?" + name[at + 1 :]
        yield document.case_number or ""
        yield (document.case_number or "")[6:-1]
        yield document.uscc or document.legal_representative or name[::-1]
        yield random.choice(
            ["zhang", "wangwei", "li na", "ce shi", "zw", "cs", "yxgs", "tashi", "有限公司", "判决生效", ""]
        )


@pytest.mark.parametrize("seed", range(4))
def test_the_index_finds_what_reading_everything_finds(listed: Listed, seed: int) -> None:
    random = Random(seed)
    questions = ask(listed.documents, random)
    for _ in range(90):
        document = random.choice(listed.documents)
        filters = random.choice(
            [
                {},
                {},
                {"kind": document.kind},
                {"region": document.region, "performance": document.performance},
                {"conduct": document.conduct[0].code, "court": document.court},
                {"published_from": document.published_on, "published_to": date(2026, 1, 1)},
                {"published_to": document.published_on, "sort": "newest"},
            ]
        )
        query = Query(text=next(questions), **filters)
        assert answer(listed, query) == expect(listed, query), query


@pytest.mark.parametrize("sort", ["relevance", "newest"])
@pytest.mark.parametrize("text", ["有限公司", "判决", "张", "wang"])
def test_answers_are_in_order_on_every_page(listed: Listed, text: str, sort: str) -> None:
    query = Query(text=text, sort=sort)
    question, days = read_question(text), {one.record: one.published_on for one in listed.documents}
    found = find(listed.generation, question, query)
    whole = found.select(0, COUNT)
    ranks = [("exact", "near").index(way.answer.match) if sort == "newest" else way.answer.rank for _, way in whole]
    keys = [(rank, -days[record].toordinal(), record) for rank, (record, _) in zip(ranks, whole, strict=True)]
    assert keys == sorted(keys)
    pages = [hit for start in range(0, len(whole) + 20, 20) for hit in found.select(start, start + 20)]
    assert pages == whole
    assert len(whole) > 40


def test_what_is_counted_by_value_is_what_is_found(listed: Listed) -> None:
    """Few answers are counted by reading each, many by what every value's holders share with them."""
    few, many = {one.name for one in listed.documents[:40]}, ("", "有限公司", "判决 生效")
    for text in (*few, *many):
        found = find(listed.generation, read_question(text), Query(text=text))
        expected = expect(listed, Query(text=text))
        exact = {place for place, way in enumerate(found.ways) if way.answer.match == "exact"}
        shown = [document for document in listed.documents if expected.get(document.record) in exact]
        counts = found.count_values()
        for facet in ("kind", "court", "region", "performance"):
            values = [getattr(document, facet) for document in shown]
            assert counts[facet] == {value: values.count(value) for value in set(values) if value}
        held = [item.code for document in shown for item in document.conduct]
        assert counts["conduct"] == {code: held.count(code) for code in set(held)}
        assert sum(counts["kind"].values()) == found.total > 0


def test_a_word_that_many_documents_hold_is_a_term(tmp_path: Path) -> None:
    """However long a boilerplate is, it costs no more to find than it takes to read a few documents."""
    often = "加倍支付迟延履行期间的债务利息"
    documents = [
        replace(build_document(number), obligation=f"{often}第{number}项。" if number % 2 else f"返还{number}元。")
        for number in range(3 * RARE)
    ]
    writer = IndexWriter(tmp_path)
    writer.rebuild(documents)
    generation = Index(tmp_path).open()
    (part,) = generation.slices
    for length in range(2, 7):
        for place in range(len(often) - length + 1):
            assert len(part.segment.numbers(TEXT_RUNS, often[place : place + length])) == 3 * RARE // 2
    assert part.segment.numbers(TEXT_RUNS, often[:7]) == ()
    assert find(generation, read_question(often), Query(text=often)).total == 3 * RARE // 2
    assert find(generation, read_question(often[::-1]), Query(text=often[::-1])).total == 0

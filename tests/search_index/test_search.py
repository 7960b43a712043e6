"""Search through the register: found exactly, counted exactly, in order, and never what has departed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from synthetic_list import NAMES, NOW, PublishedList, build_document, find_records, read_pages

from search_index.document import Document
from search_index.folding import fold_name, fold_text
from search_index.page import PAGE_SIZE, Departed, Query
from search_index.query import read_question
from search_index.question import Meaning
from search_index.register import Register, RegisterUnavailable
from search_index.snapshot import Snapshot
from search_index.store import Store

DOCUMENTS = [build_document(number) for number in range(48)]
PARTS = ["扎西", "次", "西次", "·", "次仁", "𠮷", "张", "测试", "（", "）", "有限公司", "甲", "乙", "商贸", "䶮", "A"]
NAME = st.lists(st.sampled_from(PARTS), min_size=1, max_size=5).map("".join).filter(lambda n: fold_name(n))
TEXT = st.lists(st.sampled_from(["支付", "货款", "付货", "款支", "测试", "5.5", "元", "，", "张"]), max_size=6).map(
    "".join
)


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> PublishedList:
    """Never changed by a test."""
    return PublishedList(tmp_path_factory.mktemp("listed"), DOCUMENTS)


@pytest.fixture
def own(tmp_path: Path) -> PublishedList:
    return PublishedList(tmp_path, DOCUMENTS)


@given(st.sampled_from(DOCUMENTS), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_part_of_a_published_name_finds_it(listed: PublishedList, document: Document, data: st.DataObject) -> None:
    name = document.name
    start = data.draw(st.integers(0, len(name) - 2))
    part = name[start : data.draw(st.integers(start + 2, len(name)))]
    assert document.record in find_records(listed.register, part)


CHARACTERS = st.one_of(
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF),
    st.characters(min_codepoint=0x20000, max_codepoint=0x2FFFF, categories=["Lo"]),
    st.sampled_from("·•（）「」〔〕ＡＢａｂ０１ \ue863龍龙偉伟闫阎𠮷吉▀?—-&'“”\u200bÅﬁ㈱Ⅷ"),
)
ANY_NAME = st.text(CHARACTERS, min_size=2, max_size=12)


@given(st.lists(ANY_NAME, min_size=1, max_size=6), st.data())
@settings(max_examples=30, deadline=None)
@pytest.mark.long
def test_any_part_of_any_name_whatever_finds_it(names: list[str], data: st.DataObject) -> None:
    documents = [build_document(number, name=name) for number, name in enumerate(names)]
    with TemporaryDirectory() as folder:
        register = PublishedList(Path(folder), documents).register
        for document in documents:
            start = data.draw(st.integers(0, len(document.name) - 2))
            part = document.name[start : data.draw(st.integers(start + 2, len(document.name)))]
            if fold_name(part).strip("▀?") and read_question(part).meaning is Meaning.WORDS:
                assert document.record in find_records(register, part), (document.name, part)


@st.composite
def lists(draw: st.DrawFn) -> list[Document]:
    documents = []
    for number in range(draw(st.integers(0, 12))):
        changes = draw(
            st.fixed_dictionaries(
                {
                    "name": NAME,
                    "obligation": st.none() | TEXT,
                    "unperformed_part": st.none() | TEXT,
                    "legal_representative": st.none() | st.sampled_from(["扎西次仁", "张测"]),
                    "region": st.sampled_from(["云南", "四川", None]),
                    "published_on": st.dates(date(2026, 1, 1), date(2026, 1, 3)),
                }
            )
        )
        documents.append(build_document(number, **changes))
    return documents


def scan(documents: list[Document], query: Query) -> list[str]:
    """The answer by reading every document, in the order of relevance."""
    words = query.text.split()
    found = []
    for document in documents:
        rank = rank_by_scanning(document, query.text, words)
        if rank is not None and query.region in (None, document.region):
            found.append((rank, -document.published_on.toordinal(), document.record))
    return [record for _, _, record in sorted(found)]


def rank_by_scanning(document: Document, text: str, words: list[str]) -> int | None:
    name = fold_name(document.name)
    fields = [fold_text(part or "") for part in (document.obligation, document.unperformed_part)]
    in_name = [fold_name(word) in name for word in words]
    in_text = [len(fold_text(word)) > 1 and any(fold_text(word) in field for field in fields) for word in words]
    if name == fold_name(text):
        return 0
    if all(in_name):
        return 1
    if fold_name(document.legal_representative or "") == fold_name(text):
        return 2
    return 3 if all(map(max, in_name, in_text)) else None


@given(
    lists(),
    st.lists(st.sampled_from([*PARTS, "张测", "货款", "支付货款", "扎西次仁"]), min_size=1, max_size=3)
    .filter(lambda parts: all(map(fold_name, parts)))
    .flatmap(lambda parts: st.sampled_from([" ".join(parts), "".join(parts)])),
    st.sampled_from([None, "云南"]),
)
@settings(max_examples=25, deadline=None)
@pytest.mark.long
def test_the_answer_is_what_a_scan_finds(documents: list[Document], text: str, region: str | None) -> None:
    query = Query(text=text, region=region)
    with TemporaryDirectory() as folder:
        published = PublishedList(Path(folder), documents[::2])
        published.publish(documents[1::2])
        half_indexed = [hit.document.record for hit in read_pages(published.register, query)]
        published.sync()
        indexed = [hit.document.record for hit in read_pages(published.register, query)]
    assert half_indexed == indexed == scan(documents, query)


@given(st.sets(st.sampled_from(DOCUMENTS), max_size=10), st.sampled_from(["测试", "张", "", "货款", "有限公司"]))
@settings(max_examples=20, deadline=None)
@pytest.mark.long
def test_what_departed_is_not_found_whatever_the_index_holds(departed: set[Document], text: str) -> None:
    with TemporaryDirectory() as folder:
        published = PublishedList(Path(folder), DOCUMENTS)
        before = find_records(published.register, text)
        published.depart(*departed)
        gone = {document.record for document in departed}
        after = [record for record in before if record not in gone]
        assert find_records(published.register, text) == after
        published.sync()
        assert find_records(published.register, text) == after


def test_an_end_needs_nobody_to_be_awake(own: PublishedList) -> None:
    document = build_document(100, name="到期测试", visible_until=NOW + timedelta(hours=1))
    own.publish([document])
    own.sync()
    assert find_records(own.register, "到期测试") == [document.record]
    later = NOW + timedelta(hours=1)
    assert find_records(own.register, "到期测试", later) == []
    assert len(find_records(own.register, "", later)) == len(DOCUMENTS)
    assert own.register.find(document.record, later) == Departed(record=document.record, at=later)


def test_a_correction_is_found_by_its_new_words_only(own: PublishedList) -> None:
    corrected = replace(DOCUMENTS[5], obligation="腾退虚构路的房屋。", published_on=date(2026, 5, 1))
    own.correct(corrected)
    for _ in range(2):
        assert find_records(own.register, "腾退 虚构路") == [corrected.record]
        assert corrected.record not in find_records(own.register, "货款")
        assert find_records(own.register, "", sort="newest")[0] == corrected.record
        own.sync()


def test_shown_again_after_it_departed(own: PublishedList) -> None:
    own.depart(DOCUMENTS[3])
    own.sync()
    own.publish([DOCUMENTS[3]])
    assert DOCUMENTS[3].record in find_records(own.register, DOCUMENTS[3].name)
    own.sync()
    assert DOCUMENTS[3].record in find_records(own.register, DOCUMENTS[3].name)


def test_the_store_has_the_last_word_over_an_index_that_is_wrong(own: PublishedList) -> None:
    own.index.update([build_document(200, name="只在索引里")])
    page = own.register.search(Query(text="只在索引里"), NOW)
    assert (page.total, page.hits) == (0, ())


@pytest.mark.parametrize("text", ["甲乙丙", "货款支付货"])
def test_all_pairs_of_a_word_are_not_yet_the_word(own: PublishedList, text: str) -> None:
    own.publish([build_document(100, name="乙丙甲乙", obligation="款支付货款支\n货款支付")])
    own.sync()
    assert find_records(own.register, text) == []
    assert len(find_records(own.register, text[1:])) == 1


class MovingStore(Store):
    """A replica that still shows the past the first time, when the list and the index have moved on."""

    def __init__(self, past: str, present: str, move_on: Callable[[], object]) -> None:
        super().__init__(present)
        self._past: Store | None = Store(past)
        self._move_on = move_on

    @contextmanager
    def snapshot(self, now: datetime) -> Iterator[Snapshot]:
        past, self._past = self._past, None
        if past is None:
            with super().snapshot(now) as snapshot:
                yield snapshot
            return
        with past.snapshot(now) as snapshot:
            self._move_on()
            yield snapshot


def test_an_index_ahead_of_the_snapshot_is_not_mixed_with_it(own: PublishedList) -> None:
    corrected = replace(DOCUMENTS[5], obligation="腾退虚构路的房屋。")
    present = own.folder.parent / "disclosed.sqlite"
    past = present.with_name("past.sqlite")
    past.write_bytes(present.read_bytes())

    def move_on() -> None:
        own.correct(corrected)
        own.sync()

    store = MovingStore(f"sqlite:///{past}", f"sqlite:///{present}", move_on)
    page = Register(store, own.folder).search(Query(text="腾退"), NOW)
    assert [hit.document for hit in page.hits] == [corrected]


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_name_comes_first(listed: PublishedList, name: str) -> None:
    hits = [hit for hit in read_pages(listed.register, Query(text=name)) if hit.match == "exact"]
    equal = [hit.document.name == name for hit in hits]
    assert equal == sorted(equal, reverse=True)
    assert equal[0]
    assert all(hit.found_in == "name" for hit in hits)


def test_newest_first_and_each_once(listed: PublishedList) -> None:
    hits = list(read_pages(listed.register, Query(sort="newest")))
    keys = [(-hit.document.published_on.toordinal(), hit.document.record) for hit in hits]
    assert keys == sorted(set(keys))
    assert len(keys) == len(DOCUMENTS)
    assert {hit.found_in for hit in hits} == {"filters"}


def test_pages(listed: PublishedList) -> None:
    first = listed.register.search(Query(), NOW)
    assert (len(first.hits), first.total, first.pages, first.near) == (PAGE_SIZE, 48, 3, 0)
    beyond = listed.register.search(Query(page=4), NOW)
    assert (beyond.hits, beyond.total, beyond.pages, beyond.page) == ((), 48, 3, 4)
    nothing = listed.register.search(Query(text="没有这样的名字"), NOW)
    assert (nothing.hits, nothing.total, nothing.pages) == ((), 0, 0)


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublishedList]:
    changes: list[dict[str, Any]] = [
        {"kind": "organisation", "uscc": "91999999MA00000079"},
        {"court": "虚构县人民法院"},
        {"region": "四川"},
        {"conduct": ()},
        {"performance": "部分未履行"},
        {"uscc": "MA0000007"},
        {"case_number": "无号测试7"},
    ]
    documents = [build_document(number, **change) for number, change in enumerate(changes)]
    return PublishedList(tmp_path_factory.mktemp("varied"), documents)


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({"kind": "organisation"}, [0]),
        ({"court": "虚构县人民法院"}, [1]),
        ({"region": "四川"}, [2]),
        ({"conduct": "breaks_property_reporting"}, [0, 1, 2, 4, 5, 6]),
        ({"conduct": "breaks_settlement"}, []),
        ({"performance": "部分未履行"}, [4]),
        ({"published_from": date(2020, 1, 4)}, [3, 4, 5, 6]),
        ({"published_to": date(2020, 1, 4)}, [0, 1, 2, 3]),
        ({"published_from": date(2020, 1, 2), "published_to": date(2020, 1, 3), "region": "云南"}, [1]),
        ({"text": "91999999MA00000079"}, [0, 5]),
        ({"text": "MA000000-7"}, [0, 5]),
        ({"text": "（2017）云9901执3号"}, [3]),
        ({"text": "2017云9901执003号", "region": "四川"}, []),
        ({"text": "无号测试7"}, [6]),
        ({"text": "?西次仁"}, [0]),
        ({"text": "迪丽▀▀·阿不都测试"}, [1]),
    ],
)
def test_filters_and_numbers(varied: PublishedList, filters: dict[str, Any], numbers: list[int]) -> None:
    expected = {build_document(number).record for number in numbers}
    assert set(find_records(varied.register, **{"text": "", **filters})) == expected


def test_a_record_number_is_answered_by_the_store(own: PublishedList) -> None:
    record = DOCUMENTS[7].record
    page = own.register.search(Query(text=record.lower()), NOW)
    assert [(hit.document.record, hit.found_in) for hit in page.hits] == [(record, "record")]
    assert own.register.search(Query(text=record, region="四川"), NOW).total == 0
    own.depart(DOCUMENTS[7])
    assert own.register.search(Query(text=record), NOW).total == 0
    assert own.register.find(record, NOW) == Departed(record=record, at=NOW)
    assert own.register.find("SX-00000000", NOW) is None


@given(st.text(st.characters(), max_size=30), st.text(st.characters(), max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_typed_is_answered(listed: PublishedList, text: str, region: str) -> None:
    page = listed.register.search(Query(text=text, region=region), NOW)
    assert page.reading
    assert page.total == len(page.hits) == 0


def test_a_citizen_number_finds_nothing(listed: PublishedList) -> None:
    page = listed.register.search(Query(text="999999199001010017"), NOW)
    assert (page.total, page.hits) == (0, ())
    assert "不能用完整号码查询" in page.reading


def test_the_other_answers(own: PublishedList) -> None:
    register = own.register
    assert register.count_named("扎西 • 次仁", NOW) == len(register.named("扎西次仁", NOW)) == 3
    assert register.named("·", NOW) == []
    assert register.newest(NOW, 2) == [DOCUMENTS[47], DOCUMENTS[46]]
    assert (register.head(NOW).entries, register.head(NOW).sequence) == (48, 48)
    assert register.profile(NOW).policy == "national"
    own.depart(DOCUMENTS[0])
    assert register.everything(NOW) == (49, DOCUMENTS[:0:-1])


def test_namesakes_are_everybody_of_the_name(listed: PublishedList) -> None:
    for text in {one.name[0] for one in DOCUMENTS}:
        for hit in listed.register.search(Query(text=text, namesakes=True), NOW).hits:
            name = hit.document.name
            expected = listed.register.count_named(name, NOW) if hit.document.kind == "person" else None
            assert hit.namesakes == expected != 0


def test_threads_get_exact_answers_while_the_index_is_written(own: PublishedList) -> None:
    totals: list[int] = []

    def read() -> None:
        totals.extend(own.register.search(Query(text="测试"), NOW).total for _ in range(40))

    expected = len(find_records(own.register, "测试"))
    readers = [Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(8):
        own.correct(replace(DOCUMENTS[number], age=41))
        own.sync()
    own.index.compact()
    for reader in readers:
        reader.join()
    assert totals == [expected] * 120


def test_a_missing_store_or_index_is_said_in_chinese(own: PublishedList) -> None:
    (own.folder / "current").unlink()
    with pytest.raises(RegisterUnavailable, match="请稍后再试"):
        own.register.search(Query(text="测试"), NOW)
    (own.folder.parent / "disclosed.sqlite").unlink()
    for ask in (own.register.head, own.register.everything, lambda now: own.register.search(Query(), now)):
        with pytest.raises(RegisterUnavailable, match="名单暂时不能读取"):
            ask(NOW)


@pytest.mark.parametrize("pattern", ["*.toc", "*.seg"])
@pytest.mark.parametrize("content", [b"", b"not an index", b"\x00" * 400])
def test_a_spoiled_index_is_said_in_chinese(own: PublishedList, pattern: str, content: bytes) -> None:
    for path in own.folder.glob(f"*/{pattern}"):
        path.write_bytes(content)
    with pytest.raises(RegisterUnavailable, match="请稍后再试"):
        own.register.search(Query(text="测试"), NOW)


def test_an_index_of_another_release_is_not_read_and_is_made_anew(own: PublishedList) -> None:
    (own.folder / "current").write_text("v0-1")
    with pytest.raises(RegisterUnavailable, match="请稍后再试"):
        own.register.search(Query(text="测试"), NOW)
    own.sync()
    assert own.verify() == []
    assert len(find_records(own.register, "")) == 48

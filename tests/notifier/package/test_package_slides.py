"""The slides: nothing outside the middle of the picture, nothing cut, nothing an empty box."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from documents import AT, a_document
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFont

from notifier.calendar import Period
from notifier.package import Edition
from notifier.package.edition import flatten
from notifier.package.reading import is_han
from notifier.package.slides import SAFE, build_slides, lay_out, paginate
from notifier.package.tables import read_table
from notifier.package.typeface import Style, Typeface, TypefaceMissing, open_typeface
from search_index.document import DisclosedConduct, Document
from search_index.profile import Profile

EDITION = Edition(
    period=Period(2026, 3),
    revision=1,
    sequence=1,
    made_at=AT,
    last_day_of_use=AT.date(),
    profile=Profile(court="测试市人民法院", website="https://court.example.invalid"),
)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Co"]), min_size=1, max_size=64).filter(flatten)


@pytest.fixture(scope="module")
def typeface() -> Typeface:
    return open_typeface()


def open_picture(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content)) as picture:
        return picture.convert("RGB")


def is_plain(picture: Image.Image, box: tuple[int, int, int, int], *, rows: bool) -> bool:
    """Whether every row (or column) of the box has one colour."""
    part = picture.crop(box)
    part = part if rows else part.transpose(Image.Transpose.ROTATE_90)
    narrow = part.crop((0, 0, 1, part.height)).resize(part.size, Image.Resampling.NEAREST)
    return part.tobytes() == narrow.tobytes()


def assert_title_safe(picture: Image.Image) -> None:
    left, top, right, bottom = SAFE
    assert (left, top, right, bottom) == (96, 54, 1920 - 96, 1080 - 54), "the middle 90 %"
    assert is_plain(picture, (0, 0, left, 1080), rows=True)
    assert is_plain(picture, (right, 0, 1920, 1080), rows=True)
    assert is_plain(picture, (0, 0, 1920, top), rows=False)
    assert is_plain(picture, (0, bottom, 1920, 1080), rows=False)


@settings(max_examples=12, deadline=None)
@given(name=WORDS, court=WORDS, website=st.text(st.characters(codec="ascii"), max_size=300), training=st.booleans())
def test_whatever_the_words_nothing_stands_outside_the_middle(
    typeface: Typeface, name: str, court: str, website: str, training: bool
) -> None:
    profile = Profile(court=court, website=website, training=training)
    for slide in build_slides(replace(EDITION, profile=profile), [a_document(1, name=name)], typeface):
        assert_title_safe(open_picture(slide))


def test_the_longest_title_and_address_are_made_to_fit(typeface: Typeface) -> None:
    profile = Profile(court="测" * 60, website=f"https://{'w' * 240}.example.invalid", training=True)
    (slide,) = build_slides(replace(EDITION, profile=profile), [a_document(1)], typeface)
    assert_title_safe(open_picture(slide))


def test_the_test_for_the_middle_can_fail(typeface: Typeface) -> None:
    (slide,) = build_slides(EDITION, [a_document(1)], typeface)
    picture = open_picture(slide)
    picture.putpixel((95, 700), (255, 255, 255))
    with pytest.raises(AssertionError):
        assert_title_safe(picture)


def words_of(document: Document, typeface: Typeface) -> str:
    rows = lay_out(EDITION, 1, document, typeface)
    return "\n".join(piece.words for row in rows for line in row.lines for piece in line.pieces)


@settings(max_examples=60, deadline=None)
@given(name=WORDS, issue=st.lists(WORDS, max_size=6))
def test_no_word_of_an_entry_is_cut(typeface: Typeface, name: str, issue: list[str]) -> None:
    conduct = tuple(DisclosedConduct(code=str(place), text=text) for place, text in enumerate(issue))
    document = a_document(1, name=name, conduct=conduct)
    told = "".join(words_of(document, typeface).split())
    for part in (name, document.id_number, document.case_number, document.performance, *issue):
        assert "".join(typeface.display(flatten(str(part))).split()) in told


@settings(max_examples=40, deadline=None)
@given(names=st.lists(WORDS, min_size=1, max_size=30))
def test_every_row_fits_its_line_and_its_slide(typeface: Typeface, names: list[str]) -> None:
    documents = [a_document(serial, name=name) for serial, name in enumerate(names)]
    rows = [
        row
        for number, document in enumerate(documents, start=1)
        for row in lay_out(EDITION, number, document, typeface)
    ]
    slides = paginate(rows)
    assert [row for slide in slides for row in slide] == rows
    for slide in slides:
        assert len(slide) <= 8
        assert sum(row.height for row in slide) <= 758
    for piece in (piece for row in rows for line in row.lines for piece in line.pieces):
        # A blank that ends a line may hang over.
        assert (
            188 + piece.left + typeface.measure(piece.words.rstrip("　 "), piece.style) <= SAFE[2] - 8
            or len(piece.words) == 1
        )


def test_ordinary_entries_stand_seven_on_a_slide(typeface: Typeface, edition: Edition, person: Document) -> None:
    documents = [replace(person, record=f"SX-{number:08}") for number in range(20)]
    assert [len(slide) for slide in paginate([r for d in documents for r in lay_out(edition, 1, d, typeface)])] == [
        7,
        7,
        6,
    ]


def test_a_long_name_is_set_smaller_then_over_lines(typeface: Typeface) -> None:
    def sizes(name: str) -> set[int]:
        (row,) = lay_out(EDITION, 1, a_document(1, name=name), typeface)
        return {piece.style.size for line in row.lines for piece in line.pieces if piece.words[0] == "甲"}

    assert sizes("甲") == {42}
    assert sizes("甲" * 27) == {36}
    assert sizes("甲" * 60) == {30}


def test_an_entry_higher_than_a_slide_goes_on_on_the_next(typeface: Typeface) -> None:
    rows = lay_out(EDITION, 1, a_document(1, name="甲" * 1500), typeface)
    assert len(rows) > 1
    assert all(row.height <= 758 for row in rows)
    assert "".join(p.words for row in rows for line in row.lines for p in line.pieces).count("甲") == 1500


def test_an_entry_that_ends_early_says_so(typeface: Typeface, edition: Edition, entries: list[Document]) -> None:
    told = [
        "\n".join(p.words for row in lay_out(edition, 1, d, typeface) for line in row.lines for p in line.pieces)
        for d in entries
    ]
    assert ["2026年11月30日后停止使用该条" in words for words in told] == [False, False, True, False, False]


def test_what_the_font_lacks_is_shown_by_its_code_point(typeface: Typeface) -> None:
    assert typeface.display("王\U0002b81f▀𠮷") == "王〔U+2B81F〕〔U+2580〕𠮷"
    assert words_of(a_document(1, name="王\U0002b81f"), typeface).startswith("王〔U+2B81F〕")


def test_no_character_that_the_font_is_said_to_have_is_an_empty_box(typeface: Typeface) -> None:
    """Asked of the font itself: the shape it gives for a character that cannot be is its empty box."""
    font = ImageFont.truetype(typeface._path, 16, index=2, layout_engine=ImageFont.Layout.BASIC)
    box = font.getmask("\U0010ffff")
    empty = (box.size, bytes(box))
    levels = "".join(characters for _, characters in read_table("levels.txt"))
    rare = "".join(characters for _, characters in read_table("readings.txt"))
    for character in (*levels[::7], *rare[::11], *"〔〕U+0123456789ABCDEF·（）"):
        mask = font.getmask(character)
        assert typeface.covers(character) == ((mask.size, bytes(mask)) != empty), hex(ord(character))
    assert all(map(typeface.covers, levels)), "all of levels 1 and 2"


def test_a_slide_shows_the_shapes_of_the_name(typeface: Typeface) -> None:
    (slide,) = build_slides(EDITION, [a_document(1, name="国")], typeface)
    style = Style(42, 600)
    glyph = typeface.glyphs(style)["国"]
    assert glyph.picture is not None
    # The pen stands where the text begins, on the first line of the body.
    left, top = 196 + glyph.left, 196 + 54 - 14 + glyph.top
    shown = open_picture(slide).convert("L").crop((left, top, left + glyph.picture.width, top + glyph.picture.height))
    for have, want in zip(shown.tobytes(), glyph.picture.tobytes(), strict=True):
        assert (have > 150) == (want >= 128)


def test_the_foot_of_every_slide_says_revision_last_day_and_where_the_newest_is(typeface: Typeface) -> None:
    documents = [a_document(serial) for serial in range(20)]

    def feet(**changes: object) -> list[bytes]:
        edition = replace(EDITION, **changes)  # type: ignore[arg-type]
        # All of it but the number of the slide, which stands at the right.
        return [
            open_picture(s).crop((96, 957, 1600, 1026)).tobytes() for s in build_slides(edition, documents, typeface)
        ]

    usual = feet()
    assert len(usual) == 3
    assert len(set(usual)) == 1, "the same on every slide"
    others = (
        feet(revision=2),
        feet(last_day_of_use=AT.date() + timedelta(days=1)),
        feet(profile=replace(EDITION.profile, website="https://other.example.invalid")),
        feet(profile=replace(EDITION.profile, training=True)),
    )
    assert len({usual[0], *(foot for other in others for foot in other)}) == 1 + len(others)


def test_a_font_that_is_not_there_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifier.package.typeface._PACKAGE", "no_such_package")
    with pytest.raises(TypefaceMissing, match="重新安装"):
        open_typeface()


def test_han_is_han() -> None:
    assert is_han("国")
    assert is_han("𠮷")
    assert not is_han("·")

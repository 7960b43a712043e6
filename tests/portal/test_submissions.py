"""What people send in: taken, sealed, told of; and everything that must not get in or out."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import SpooledTemporaryFile
from typing import Any

import html5lib
import pytest
import structlog
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from limits import parse
from portal_world import PERSON, PROFILE, START, World
from sent_forms import COMPLAINT, JPG, OBJECTION, PDF, PNG, a_document, open_form, post, receipt_in, send, token_in

from portal import limits, sending
from portal.formtokens import LATEST, FormKey, NotOurs
from portal.sealing import Drop
from portal.submitting import COMPLAINT as COMPLAINT_FORM
from portal.submitting import OBJECTION as OBJECTION_FORM
from portal.uploads import DOCX, clean_name
from registry.sealbox import open_envelope
from search_index.submission import SIZES, Attachment, Submission, draw_receipt, find_receipt, pack, token_of, unpack

OBJECT, COMPLAIN, STATE = "/objections/new", "/complaints/new", "/objections/state"
CANARY = "绝密理由𠮷𠮷"


def test_an_objection_reaches_the_court_as_it_was_filled_in(client: FlaskClient, world: World) -> None:
    files = [("凭证.pdf", PDF, "application/pdf"), ("照片.JPG", JPG, "image/jpeg")]
    answer = send(client, world, OBJECT, OBJECTION, files)
    assert answer.status_code == 200
    receipt, code = receipt_in(answer.text)
    (found,) = world.collect()
    assert found == Submission(
        kind="objection",
        receipt=receipt,
        token=token_of(receipt, code),
        received_at=world.now,
        fields=OBJECTION,
        attachments=(
            Attachment(name="凭证.pdf", media="application/pdf", content=PDF),
            Attachment(name="照片.jpg", media="image/jpeg", content=JPG),
        ),
    )
    assert find_receipt(receipt.lower().replace("-", " ")) == receipt


def test_a_complaint_may_leave_out_who_complains(client: FlaskClient, world: World) -> None:
    answer = send(client, world, COMPLAIN, COMPLAINT, [("函.docx", a_document(), DOCX)])
    assert answer.status_code == 200, answer.text
    (found,) = world.collect()
    assert (found.kind, found.fields, [one.media for one in found.attachments]) == ("complaint", COMPLAINT, [DOCX])


def test_what_is_missing_is_said_by_field_and_what_was_typed_stays(client: FlaskClient, world: World) -> None:
    typed = {**OBJECTION, "claim": "", "phone": "电话", "reference": "SX-AAAAAAAA", "who": "<b>扎西</b>"}
    answer = send(client, world, OBJECT, typed, [("凭证.pdf", PDF, "application/pdf")])
    assert answer.status_code == 400
    page = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(answer.text)
    assert {link.get("href") for link in page.iter("a") if link.get("href", "").startswith("#")} >= {
        "#claim",
        "#phone",
        "#reference",
    }
    values = {field.get("name"): field.get("value") for field in page.iter("input") if field.get("type") == "text"}
    assert (values["who"], values["address"], values["phone"]) == ("<b>扎西</b>", OBJECTION["address"], "电话")
    (words,) = page.iter("textarea")
    assert "".join(words.itertext()).strip() == OBJECTION["words"]
    assert "<b>" not in answer.text
    assert "请重新选择" in answer.text
    assert world.collect() == []
    # Put right, the same form is taken.
    world.now += timedelta(seconds=30)
    right = post(client, OBJECT, {**OBJECTION, "token": token_in(answer.text), "homepage": ""})
    assert right.status_code == 200
    assert len(world.collect()) == 1


def test_an_entry_leads_to_an_objection_to_it(client: FlaskClient, world: World) -> None:
    (entry,) = world.publish(PERSON)
    page = client.get(f"/entries/{entry.record}").text
    assert f'href="/objections/new?record={entry.record}"' in page
    assert f'value="{entry.record}"' in client.get(f"/objections/new?record={entry.record}").text
    assert "记录" not in client.get("/objections/new?record=<script>").text
    assert client.get("/objections/new?words=x").status_code == 400


def test_the_same_form_sent_twice_is_one_submission_with_one_receipt(client: FlaskClient, world: World) -> None:
    token = open_form(client, OBJECT)
    world.now += timedelta(seconds=30)
    fields = {**OBJECTION, "token": token, "homepage": ""}
    first, second = post(client, OBJECT, fields), post(client, OBJECT, fields)
    other = post(client, OBJECT, {**fields, "words": "补充一句。"})
    assert receipt_in(first.text) == receipt_in(second.text) != receipt_in(other.text)
    assert [one.fields["words"] for one in world.collect()].count(OBJECTION["words"]) == 1
    assert len(world.collect()) == 2


# Where one stands ----------------------------------------------------------------------------------------------------


def ask_state(client: FlaskClient, receipt: str, code: str) -> Any:
    return client.post(STATE, data={"receipt": receipt, "code": code})


def test_receipt_and_code_tell_where_it_stands_and_nothing_else_does(client: FlaskClient, world: World) -> None:
    receipt, code = receipt_in(send(client, world, OBJECT, OBJECTION).text)
    other, wrong = "SL-0000-0000-0000", "00000-00000"
    assert find_receipt(other) is None
    before = ask_state(client, receipt, code)
    assert "没有查到" in before.text
    world.tell("submission", token_of(receipt, code), {"state": "reviewing", "on": "2026-08-04", "until": "2026-08-18"})
    known = ask_state(client, receipt.lower(), code.replace("-", ""))
    assert "审查中" in known.text
    assert "2026年8月18日" in known.text
    unknown = ask_state(client, receipt, wrong)
    assert (unknown.status_code, unknown.text) == (before.status_code, before.text)
    never = draw_other(receipt)
    assert ask_state(client, never, code).text == before.text
    assert ask_state(client, other, code).status_code == 400
    world.tell("submission", token_of(receipt, code), {"state": "a word of tomorrow", "on": "2026-08-05"})
    assert "办理中" in ask_state(client, receipt, code).text
    world.tell("submission", token_of(receipt, code), None)
    assert ask_state(client, receipt, code).text == before.text
    for answer in (before, known, unknown):
        assert answer.headers["Cache-Control"] == "no-store"


def draw_other(receipt: str) -> str:
    """A receipt number that could be one and is not this."""
    other = draw_receipt(Random(1))
    assert other != receipt
    return other


@pytest.mark.parametrize(
    ("path", "fields"),
    [(STATE, {"receipt": "SL-1", "code": ""}), ("/certificates", {"number": "ZM-1"}), ("/certificates", {})],
)
def test_a_number_that_can_be_none_is_said_to_be_wrong(client: FlaskClient, path: str, fields: dict[str, str]) -> None:
    answer = client.post(path, data=fields)
    assert answer.status_code == 400
    assert "有误" in answer.text


# What does not get in ------------------------------------------------------------------------------------------------

BOMB = a_document(word__media=b"\0" * 210_000_000)
UNWANTED = {
    "a program": ("a.exe", b"MZ\x90\x00", "application/octet-stream"),
    "a page": ("a.html", b"<html><script>alert(1)</script>", "text/html"),
    "a page that is called a document": ("a.pdf", b"<html><script>alert(1)</script>", "application/pdf"),
    "a picture with lines": ("a.svg", b"<svg onload='alert(1)'/>", "image/svg+xml"),
    "an archive": ("a.docx", b"PK\x03\x04" + b"\x00" * 40, DOCX),
    "a document with macros": ("a.docx", a_document(word__vbaProject_bin=b"x").replace(b"_bin", b".bin"), DOCX),
    "a document that unpacks to more than there is room": ("a.docx", BOMB, DOCX),
    "a picture wider than a wall": ("a.png", PNG[:16] + b"\x7f\xff\xff\xff" * 2 + PNG[24:], "image/png"),
    "a picture that is called a document": ("a.pdf", JPG, "application/pdf"),
    "a document of a declared other type": ("a.pdf", PDF, "text/html"),
    "nothing": ("a.pdf", b"", "application/pdf"),
    "one that is too large": ("a.pdf", PDF + b"0" * 5_300_000, "application/pdf"),
}


@pytest.mark.parametrize("name", UNWANTED)
def test_a_file_of_another_kind_is_refused_and_the_form_stays(client: FlaskClient, world: World, name: str) -> None:
    answer = send(client, world, OBJECT, OBJECTION, [("凭证.pdf", PDF, "application/pdf"), UNWANTED[name]])
    assert answer.status_code == 400
    assert "第 2 个附件" in answer.text
    assert OBJECTION["address"] in answer.text
    assert world.collect() == []


def test_too_many_files_or_too_much_in_all_is_refused(client: FlaskClient, world: World) -> None:
    six = [(f"{n}.pdf", PDF, "application/pdf") for n in range(6)]
    assert "最多 5 个" in send(client, world, OBJECT, OBJECTION, six).text
    large = [(f"{n}.pdf", PDF + b"0" * 5_100_000, "application/pdf") for n in range(3)]
    assert send(client, world, OBJECT, OBJECTION, large).status_code == 200
    four = [(f"{n}.pdf", PDF + b"0" * 4_100_000, "application/pdf") for n in range(4)]
    answer = send(client, world, OBJECT, OBJECTION, four)
    assert (answer.status_code, "15 MB" in answer.text) in ((400, True), (413, True))
    assert len(world.collect()) == 1


@pytest.mark.parametrize("length", [True, False])
def test_a_body_without_end_is_cut_off_in_chinese(client: FlaskClient, world: World, length: bool) -> None:
    token = open_form(client, OBJECT)
    world.now += timedelta(seconds=30)
    head = f'--x\r\nContent-Disposition: form-data; name="token"\r\n\r\n{token}\r\n--x\r\n'
    head += 'Content-Disposition: form-data; name="papers"; filename="a.pdf"\r\n\r\n'
    body = head.encode() + b"0" * 17_500_000 + b"\r\n--x--\r\n"
    given: dict[str, Any] = {"data": body, "content_type": "multipart/form-data; boundary=x"}
    if not length:
        given["environ_overrides"] = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    answer = client.post(OBJECT, **given)
    assert answer.status_code == 413
    assert "附件合计不能超过 15 MB" in answer.text


def test_the_other_forms_take_no_large_body(client: FlaskClient) -> None:
    assert client.post(STATE, data={"receipt": "0" * 20_000, "code": ""}).status_code == 413
    assert client.post("/check", data={"name": "0" * 20_000}).status_code == 413


@pytest.mark.parametrize("extra", [{"more": "1"}, {"claim": ["performed", "other"]}])
def test_a_form_with_more_than_its_fields_is_refused_and_not_repeated(
    client: FlaskClient, world: World, extra: dict[str, Any]
) -> None:
    answer = send(client, world, OBJECT, {**OBJECTION, **extra})
    assert answer.status_code == 400
    assert OBJECTION["who"] not in answer.text
    assert world.collect() == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"token": ""}, "打开太久"),
        ({"token": "1.00000000000000000000000000000000." + "0" * 64}, "打开太久"),
        ({"homepage": "http://example.invalid"}, "不用填写"),
    ],
)
def test_what_no_page_of_this_site_sent_is_not_taken(
    client: FlaskClient, world: World, change: dict[str, str], word: str
) -> None:
    answer = send(client, world, OBJECT, {**OBJECTION, **change})
    assert answer.status_code == 400
    assert word in answer.text
    assert OBJECTION["address"] in answer.text
    assert world.collect() == []


@pytest.mark.parametrize(("seconds", "word"), [(1, "太快"), (LATEST + 60, "打开太久"), (-60, "打开太久")])
def test_a_form_is_neither_sent_at_once_nor_kept_for_days(
    client: FlaskClient, world: World, seconds: int, word: str
) -> None:
    answer = send(client, world, OBJECT, OBJECTION, wait=seconds)
    assert (answer.status_code, word in answer.text) == (400, True)
    world.now += timedelta(seconds=10)
    again = post(client, OBJECT, {**OBJECTION, "token": token_in(answer.text), "homepage": ""})
    assert again.status_code == 200


def test_the_token_of_one_form_opens_no_other(client: FlaskClient, world: World) -> None:
    token = open_form(client, OBJECT)
    world.now += timedelta(seconds=30)
    assert post(client, COMPLAIN, {**COMPLAINT, "token": token, "homepage": ""}).status_code == 400
    assert world.collect() == []


@given(st.text(max_size=60), st.binary(min_size=32, max_size=32))
def test_no_token_can_be_made_up(token: str, secret: bytes) -> None:
    with pytest.raises(NotOurs):
        FormKey(secret=secret).check("objection", token, START)


def test_one_address_may_not_send_without_end(world: World) -> None:
    client = world.client(rate_limit=True)
    statuses = [send(client, world, OBJECT, OBJECTION, wait=4).status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    answer = send(client, world, OBJECT, OBJECTION, wait=4)
    assert PROFILE.telephone in answer.text
    assert "Retry-After" in answer.headers
    assert OBJECTION["who"] not in answer.text
    assert len(world.collect()) == 20


def test_all_together_may_not_fill_the_folder(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "DROP_RULE", replace(limits.DROP_RULE, limit=parse("2/day")))
    client = world.client(rate_limit=True)
    assert [send(client, world, OBJECT, OBJECTION).status_code for _ in range(3)] == [200, 200, 503]
    assert len(world.collect()) == 2


def test_states_are_not_guessed_by_trying(world: World) -> None:
    client = world.client(rate_limit=True)
    statuses = [ask_state(client, draw_other(""), "00000-00000").status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]


# Where nothing can be taken in ---------------------------------------------------------------------------------------


def take_key(world: World) -> None:
    world.set_profile(replace(world.profile, sealing_key=""))


def break_key(world: World) -> None:
    world.set_profile(replace(world.profile, sealing_key="zz"))


def take_folder(world: World) -> None:
    world.drop.rename(world.folder / "elsewhere")


@pytest.mark.parametrize("fault", [take_key, break_key, take_folder])
def test_where_nothing_can_be_taken_in_the_page_says_so_and_whom_to_call(
    client: FlaskClient, world: World, fault: Any
) -> None:
    token = open_form(client, OBJECT)
    world.now += timedelta(seconds=30)
    fault(world)
    answer = post(client, OBJECT, {**OBJECTION, "token": token, "homepage": ""})
    assert answer.status_code == 503
    assert "没有收下" in answer.text
    assert PROFILE.telephone in answer.text
    assert PROFILE.address in answer.text
    assert "Retry-After" in answer.headers
    if fault is not break_key:
        assert client.get(OBJECT).status_code == 503


def test_a_disk_without_room_takes_nothing_in(client: FlaskClient, world: World) -> None:
    app: Any = client.application
    site = app.extensions["gongshi-portal"]
    app.extensions["gongshi-portal"] = replace(site, drop=Drop(world.drop, least_free=1 << 62))
    assert client.get(OBJECT).status_code == 503


def test_what_was_begun_and_not_finished_is_not_left_in_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    drop = Drop(folder, least_free=0)
    drop.put("0" * 32, b"first")
    drop.put("0" * 32, b"second")
    assert [path.name for path in folder.iterdir()] == ["0" * 32 + ".sealed"]
    assert (folder / ("0" * 32 + ".sealed")).read_bytes() == b"first"


# What does not get out -----------------------------------------------------------------------------------------------


def test_nothing_of_it_lies_open_on_the_disk_or_in_a_log(client: FlaskClient, world: World, tmp_path: Path) -> None:
    fields = {**OBJECTION, "words": CANARY * 40, "who": CANARY, "address": CANARY}
    big = PDF + CANARY.encode() * 180_000
    with structlog.testing.capture_logs() as lines, opened_files() as opened:
        answer = send(client, world, OBJECT, fields, [(f"{CANARY}.pdf", big, "application/pdf")])
        refused = send(client, world, OBJECT, {**fields, "phone": CANARY}, [(f"{CANARY}.exe", big, "text/plain")])
    assert (answer.status_code, refused.status_code) == (200, 400)
    assert [one.attachments[0].content for one in world.collect()] == [big]
    assert lines
    assert CANARY not in repr(lines)
    held = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert len([path for path in held if path.parent == world.drop]) == 1
    for path, content in held.items():
        assert CANARY.encode() not in content, path
    (written,) = {Path(os.fsdecode(name)).parent for name, flags in opened if flags & (os.O_WRONLY | os.O_RDWR)}
    assert written == world.drop
    assert not any(CANARY in os.fsdecode(name) for name, _ in opened)


@contextmanager
def opened_files() -> Iterator[list[tuple[Any, int]]]:
    """Every file that this process opens meanwhile, with how; temporary ones too."""
    found: list[tuple[Any, int]] = []
    watching = [True]

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if watching[0] and event == "open" and isinstance(arguments[0], str | bytes):
            found.append((arguments[0], arguments[2]))

    sys.addaudithook(hear)
    yield found
    watching[0] = False


def test_the_spy_sees_a_spooled_file() -> None:
    with opened_files() as opened, SpooledTemporaryFile(max_size=1) as file:
        file.write(b"ab")
    assert any(flags & os.O_RDWR for _, flags in opened)


def test_the_receipt_is_shown_once_and_kept_by_nobody(client: FlaskClient, world: World) -> None:
    answer = send(client, world, OBJECT, OBJECTION)
    receipt, code = receipt_in(answer.text)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    (path,) = world.list_sealed()
    assert re.fullmatch(r"[0-9a-f]{32}\.sealed", path.name)
    assert receipt.encode() not in path.read_bytes()
    assert code.encode() not in pack(open_envelope(path.read_bytes(), world.key))


def test_lengths_say_little(client: FlaskClient, world: World) -> None:
    send(client, world, OBJECT, {**OBJECTION, "words": "短。"})
    send(client, world, OBJECT, {**OBJECTION, "words": "长" * 4000})
    assert len({path.stat().st_size for path in world.list_sealed()}) == 1


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=50)


@given(
    st.dictionaries(TEXTS, TEXTS, max_size=5),
    st.lists(st.builds(Attachment, name=TEXTS, media=TEXTS, content=st.binary(max_size=20_000)), max_size=5),
)
def test_what_is_packed_is_unpacked_and_is_of_one_of_a_few_sizes(
    fields: dict[str, str], attachments: list[Attachment]
) -> None:
    one = Submission(
        kind="complaint",
        receipt=draw_other(""),
        token="0" * 64,
        received_at=START,
        fields=fields,
        attachments=tuple(attachments),
    )
    packed = pack(one)
    assert len(packed) in SIZES
    assert unpack(packed) == one


@given(TEXTS)
def test_the_name_of_a_file_is_no_path_and_no_line(name: str) -> None:
    cleaned = clean_name(f"{name}.pdf")
    assert cleaned.endswith(".pdf")
    assert len(cleaned) <= 84
    assert not set(cleaned) & set("/\\\r\n\0\u202e")


def test_the_words_of_a_form_are_text_wherever_they_come_back(client: FlaskClient, world: World) -> None:
    attack = "\"><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}'"
    for path, form in ((OBJECT, OBJECTION_FORM), (COMPLAIN, COMPLAINT_FORM)):
        fields = {question.name: attack for question in form.questions}
        answer = send(client, world, path, fields)
        assert answer.status_code == 400
        page = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(answer.text)
        assert [one.tag for one in page.iter() if one.tag in ("script", "img")] == []
        assert not any("onerror" in one.attrib for one in page.iter() if isinstance(one.tag, str))
        assert attack.encode() not in answer.data
    answer = client.post(STATE, data={"receipt": attack, "code": attack})
    assert "<script>" not in answer.text


def test_no_header_can_be_put_in_by_what_is_sent(client: FlaskClient, world: World) -> None:
    files = [("a\r\nX-Evil: 1.pdf", PDF, "application/pdf")]
    answer = send(client, world, OBJECT, {**OBJECTION, "who": "扎西\r\nX-Evil: 1"}, files)
    assert "X-Evil" not in answer.headers
    assert answer.status_code in (200, 400)
    for one in world.collect():
        assert "\n" not in one.fields["who"]
        assert all("\n" not in paper.name for paper in one.attachments)

"""Who may be registered, with what, and what is kept and shown of it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from posts import Post, send
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from notifier.calendar import Period
from notifier.channels import Outcome
from notifier.enrolling import CHANNELS, BadRecipient, Enrolment, Liaison, check_enrolment
from notifier.recipients import (
    RecipientKind,
    SandboxReplaced,
    add_board,
    add_recipient,
    ensure_sandbox_recipients,
    find_by_token,
    issue_token,
    list_all_recipients,
    list_boards,
    list_endpoints,
    list_recipients,
    note_trial,
    open_endpoints,
    retire_recipient,
    rotate_secret,
)
from notifier.runs import push
from notifier.states import MessageState
from notifier.tables import RecipientRow
from search_index.document import Document

Town = Any
HOST_KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519" + b"\0\0\0 " + b"k" * 32).decode()
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
MAIL = Enrolment(slug="station", name="测试广播电视台", kind="television", channel="mail", address="news@tv.example")
SFTP = replace(
    MAIL, channel="sftp", address="sftp://court@files.example:2222/in", options={"host_key": HOST_KEY}, secret=None
)
HOOK = replace(MAIL, channel="webhook", address="https://hooks.example/court", secret=SECRET)
PULL = replace(MAIL, channel="pull", address=None)


@pytest.mark.parametrize("right", [MAIL, SFTP, replace(SFTP, secret="口令 with blank"), HOOK, PULL])
def test_each_channel_takes_what_it_needs(right: Enrolment) -> None:
    checked = check_enrolment(right)
    assert (checked.channel, checked.address) == (right.channel, right.address)
    assert check_enrolment(checked) == checked


def test_what_is_kept_is_in_one_writing() -> None:
    given = replace(MAIL, slug=" station ", name=" 测试台 ", address=" news@Bücher.example ")
    liaison = Liaison(name=" 王 ", phone="138 0013 8000", mail="w@tv.example")
    checked = check_enrolment(replace(given, liaison=liaison))
    assert (checked.slug, checked.name, checked.address) == ("station", "测试台", "news@xn--bcher-kva.example")
    assert checked.liaison == Liaison(name="王", phone="+8613800138000", mail="w@tv.example")
    # The comment behind a host's key may name a machine or a person.
    commented = replace(SFTP, options={"host_key": f"{HOST_KEY} admin@inside"})
    assert check_enrolment(commented).options == {"host_key": HOST_KEY}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (replace(MAIL, slug="TV"), "代号"),
        (replace(MAIL, slug="letters"), "代号"),
        (replace(MAIL, slug="../x"), "代号"),
        (replace(MAIL, name=""), "名称"),
        (replace(MAIL, name="台\n"), None),
        (replace(MAIL, name="台\x00台"), "名称"),
        (replace(MAIL, channel="fax"), "通道"),
        (replace(MAIL, address=None), "--address"),
        (replace(MAIL, address="a@b@c.example"), "--address"),
        (replace(MAIL, address="a@tv.example\nBcc: x@y.example"), "--address"),
        (replace(MAIL, secret="x"), "不用密钥"),
        (replace(MAIL, options={"host_key": HOST_KEY}), "--option"),
        (replace(SFTP, options={}), "host_key"),
        (replace(SFTP, options={"host_key": "ssh-ed25519 AAAA"}), "host_key"),
        (replace(SFTP, options={"host_key": HOST_KEY.replace("ssh-ed25519", "ssh-rsa")}), "host_key"),
        (replace(SFTP, address="sftp://court:word@files.example/in"), "--address"),
        (replace(SFTP, address="sftp://files.example/in"), "--address"),
        (replace(SFTP, address="sftp://court@files.example/../in"), "--address"),
        (replace(SFTP, secret="two\nlines"), "口令"),
        (replace(HOOK, address="http://hooks.example/court"), "--address"),
        (replace(HOOK, address="http://127.0.0.1/court"), "--address"),
        (replace(HOOK, address="https://user:word@hooks.example/"), "--address"),
        (replace(HOOK, secret=None), "签名密钥"),
        (replace(HOOK, secret="whsec_c2hvcnQ="), "签名密钥"),
        (replace(HOOK, options={"private": "maybe"}), "private"),
        (replace(PULL, address="https://x.example"), "--address"),
        (replace(MAIL, liaison=Liaison(phone="010-12345678")), "--liaison-phone"),
        (replace(MAIL, liaison=Liaison(mail="nobody")), "--liaison-mail"),
        (replace(MAIL, liaison=Liaison(name="王\u202e")), "--liaison-name"),
    ],
)
def test_what_is_not_right_is_one_line_that_names_it(wrong: Enrolment, words: str | None) -> None:
    if words is None:
        assert check_enrolment(wrong).name == "台"
        return
    with pytest.raises(BadRecipient) as refused:
        check_enrolment(wrong)
    said = str(refused.value)
    assert words in said
    assert "\n" not in said
    for secret in ("word", "c2hvcnQ", "12345678"):
        assert secret not in said


def test_a_webhook_of_this_machine_is_for_those_who_set_it() -> None:
    near = replace(HOOK, address="http://127.0.0.1:8123/hook")
    assert check_enrolment(near, loopback=True).address == near.address


def test_made_up_numbers_are_for_training() -> None:
    made_up = replace(MAIL, liaison=Liaison(phone="15400000001"))
    assert check_enrolment(made_up, training=True).liaison.phone == "+8615400000001"
    with pytest.raises(BadRecipient):
        check_enrolment(made_up)


texts = st.one_of(
    st.none(), st.text(max_size=30), st.sampled_from(["sftp://a@b/c", "https://a", "a@b.cn", SECRET, HOST_KEY])
)


@settings(max_examples=60)
@given(
    slug=st.text(max_size=40),
    name=st.text(max_size=70),
    channel=st.sampled_from([*CHANNELS, "x"]),
    address=texts,
    secret=texts,
    options=st.dictionaries(st.sampled_from(["host_key", "private", "x"]), st.text(max_size=20)),
    phone=texts,
    mail=texts,
)
def test_nothing_typed_ends_in_anything_but_a_refusal(
    slug: str,
    name: str,
    channel: str,
    address: str | None,
    secret: str | None,
    options: dict[str, str],
    phone: str | None,
    mail: str | None,
) -> None:
    given_ = Enrolment(
        slug=slug, name=name, kind="other", channel=channel, address=address, options=options, secret=secret,
        liaison=Liaison(phone=phone, mail=mail),
    )  # fmt: skip
    try:
        checked = check_enrolment(given_)
    except BadRecipient:
        return
    assert check_enrolment(checked) == checked


def test_an_endpoint_is_what_is_registered_at_the_moment(town: Town) -> None:
    engine = town.notifier.engine
    find = open_endpoints(engine)
    assert find("station") is None
    add_recipient(engine, check_enrolment(HOOK), now=town.clock())
    found = find("station")
    assert found is not None
    assert (found.address, found.secret, found.name) == (HOOK.address, SECRET, HOOK.name)
    new = "whsec_" + base64.b64encode(b"n" * 32).decode()
    rotate_secret(engine, "station", new)
    found = find("station")
    assert found is not None
    assert found.secret == f"{new} {SECRET}"
    newer = "whsec_" + base64.b64encode(b"o" * 32).decode()
    rotate_secret(engine, "station", newer)
    found = find("station")
    assert found is not None
    assert found.secret == f"{newer} {SECRET}", "what the recipient uses stays until it has another"
    rotate_secret(engine, "station", None)
    found = find("station")
    assert found is not None
    assert found.secret == newer
    with pytest.raises(BadRecipient):
        rotate_secret(engine, "egov", new)


def test_one_who_is_retired_gets_no_list_and_can_still_be_found(town: Town) -> None:
    engine = town.notifier.engine
    add_recipient(engine, check_enrolment(SFTP), now=town.clock())
    assert retire_recipient(engine, "station")
    assert not retire_recipient(engine, "station")
    assert "station" not in [one.slug for one in list_recipients(engine)]
    assert [one.slug for one in list_endpoints(engine, "sftp")] == ["station"]
    (station,) = [one for one in list_all_recipients(engine) if one.recipient.slug == "station"]
    assert not station.active
    with pytest.raises(LookupError):
        retire_recipient(engine, "nobody")
    with pytest.raises(BadRecipient):
        add_recipient(engine, check_enrolment(MAIL), now=town.clock())


def test_of_a_token_only_its_digest_is_kept_and_a_new_one_ends_the_old(town: Town) -> None:
    engine = town.notifier.engine
    add_recipient(engine, check_enrolment(PULL), now=town.clock())
    token = issue_token(engine, "station", random=town.random)
    assert token.startswith("gsp_")
    found = find_by_token(engine, token)
    assert found is not None
    assert found.slug == "station"
    for wrong in ("", "gsp_", token[:-1], token + "a", token.upper(), hashlib.sha256(token.encode()).hexdigest()):
        assert find_by_token(engine, wrong) is None
    with Session(engine) as session:
        rows = [str(row) for row in session.execute(text("SELECT * FROM recipient"))]
        assert not any(token in row for row in rows)
        assert session.scalar(select(RecipientRow.token_hash).where(RecipientRow.slug == "station")) is not None
    with pytest.raises(BadRecipient):
        issue_token(engine, "station", random=town.random)
    other = issue_token(engine, "station", rotate=True, random=town.random)
    assert find_by_token(engine, token) is None
    assert find_by_token(engine, other) is not None


def test_what_staff_see_of_a_recipient_holds_no_secret(town: Town) -> None:
    engine = town.notifier.engine
    add_recipient(engine, check_enrolment(HOOK), now=town.clock())
    token = issue_token(engine, "station", random=town.random)
    note_trial(engine, "station", Outcome(state=MessageState.DELIVERED, detail="好"), now=town.clock())
    note_trial(engine, "station", Outcome(state=MessageState.UNKNOWN, detail="超时"), now=town.clock())
    (seen,) = [one for one in list_all_recipients(engine) if one.recipient.slug == "station"]
    assert seen.has_secret
    assert seen.has_token
    assert seen.tried is not None
    assert (seen.tried.at, seen.tried.state, seen.tried.detail) == (town.clock(), MessageState.UNKNOWN, "超时")
    for secret in (SECRET, token):
        assert secret not in repr(seen)
    assert SECRET not in repr(check_enrolment(HOOK))


def test_boards_are_no_recipients_of_lists(town: Town) -> None:
    engine = town.notifier.engine
    add_board(engine, "lobby", "一楼大厅", now=town.clock())
    assert [one.slug for one in list_boards(engine)] == ["lobby"]
    assert "lobby" not in [one.slug for one in list_recipients(engine)]
    assert "lobby" not in [one.recipient.slug for one in list_all_recipients(engine)]
    with pytest.raises(BadRecipient):
        add_board(engine, "tv", "与单位同名", now=town.clock())


def test_of_the_sandbox_only_who_was_never_sent_anything_is_retired(
    town: Town, period: Period, person: Document
) -> None:
    engine = town.notifier.engine
    town.publish(person)
    retire_recipient(engine, "egov")
    push(town.notifier, period, now=town.clock(), made_by="甲")
    send(town, {"sandbox": Post()})
    replaced = add_recipient(engine, check_enrolment(MAIL), now=town.clock(), replace_sandbox=True)
    assert replaced == SandboxReplaced(retired=0, left=1)
    assert [one.slug for one in list_recipients(engine)] == ["tv", "station"]


def test_the_first_real_recipient_replaces_the_sandbox_and_may_have_its_slug(town: Town) -> None:
    engine = town.notifier.engine
    tv, pull = check_enrolment(replace(MAIL, slug="tv")), check_enrolment(PULL)
    with pytest.raises(BadRecipient):
        add_recipient(engine, tv, now=town.clock())
    assert add_recipient(engine, tv, now=town.clock(), replace_sandbox=True) == SandboxReplaced(retired=2)
    assert add_recipient(engine, pull, now=town.clock(), replace_sandbox=True) == SandboxReplaced()
    assert [(one.slug, one.channel) for one in list_recipients(engine)] == [("tv", "mail"), ("station", "pull")]
    # A home that is brought to a new version does not get them back.
    ensure_sandbox_recipients(engine, town.clock())
    assert len(list_all_recipients(engine)) == 4


def test_a_slug_that_is_taken_leaves_the_sandbox_as_it_was(town: Town) -> None:
    engine = town.notifier.engine
    add_board(engine, "station", "一楼大厅", now=town.clock())
    with pytest.raises(BadRecipient):
        add_recipient(engine, check_enrolment(MAIL), now=town.clock(), replace_sandbox=True)
    assert [one.slug for one in list_recipients(engine)] == ["tv", "egov"]


def test_every_kind_has_a_name() -> None:
    assert all(kind.label for kind in RecipientKind)

"""The sandbox keeps what would have gone out, once, and refuses what real providers refuse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from notifier.channels import ChatMessage, Content, Dispatch, Letter, MassMessage, ShortMessage, Stop
from notifier.channels.sandbox import (
    PHONE_OPENID,
    SandboxAccount,
    SandboxChannel,
    TaskChannel,
    list_letters,
    list_sandbox_messages,
)
from notifier.sms.templates import Template, fill
from notifier.sms.texts import TEMPLATES
from notifier.states import MessageState

NOW = datetime(2026, 10, 8, 2, 0, tzinfo=UTC)
ABROAD, MAINLAND = "+15005550006", "+8615400000000"
SIGNED = "【测试法院】"


def dispatch(content: Content, address: str | None = ABROAD, name: str = "a") -> Dispatch:
    return Dispatch(id=name, attempt=1, recipient="tv", address=address, content=content)


def short(text: str = f"{SIGNED}您好", template: str = "t") -> ShortMessage:
    return ShortMessage(text=text, template=template, version=1, fields={})


def chat(named: str = "t", /, **fields: str) -> ChatMessage:
    return ChatMessage(template=named, version=1, fields=fields)


def test_what_arrives_is_kept_once_and_read_back(tmp_path: Path) -> None:
    channel = SandboxChannel(tmp_path)
    for _ in range(2):
        for name, address, content in (
            ("a", ABROAD, short()),
            ("b", PHONE_OPENID, chat(thing1="新名单")),
            ("c", None, MassMessage(text="已公布")),
        ):
            assert channel.deliver(dispatch(content, address, name)).state is MessageState.DELIVERED
        letter = Letter(subject="撤回", text="请停止使用", files={"notice.txt": b"x"})
        assert channel.deliver(dispatch(letter)).state is MessageState.DELIVERED
    kept = {message["kind"]: message for message in list_sandbox_messages(tmp_path)}
    assert len(list_sandbox_messages(tmp_path)) == 3
    arrived_at = kept["short"]["at"]
    assert arrived_at.tzinfo is not None
    assert kept["short"] == {
        "id": "a", "at": arrived_at, "kind": "short", "address": ABROAD, "text": f"{SIGNED}您好", "template": "t",
        "version": 1, "fields": {},
    }  # fmt: skip
    assert kept["chat"]["fields"] == {"thing1": "新名单"}
    (read,) = list_letters(tmp_path, "tv")
    assert (read["subject"], read["text"], read["files"]) == ("撤回", "请停止使用", ["notice.txt"])
    assert list_letters(tmp_path, "nobody") == []
    assert (tmp_path / "letters" / "tv" / "a" / "notice.txt").read_bytes() == b"x"


REFUSED: list[tuple[Content, str | None, Stop]] = [
    (short(), "15005550006", Stop.ADDRESS),
    (short(), None, Stop.ADDRESS),
    (short(""), ABROAD, Stop.NOTHING),
    (short(SIGNED + "𠮷" * 798), ABROAD, Stop.NOTHING),
    (short("您好"), ABROAD, Stop.NOTHING),
    (short("您好【测试法院】"), ABROAD, Stop.NOTHING),
    (short("【测】您好"), ABROAD, Stop.NOTHING),
    (short(), MAINLAND, Stop.NOTHING),
    (short(f"{SIGNED}见 https://court.example.invalid", "liaison_new_list"), MAINLAND, Stop.NOTHING),
    (chat(thing1="字" * 21), PHONE_OPENID, Stop.NOTHING),
    (chat(thing1="字"), None, Stop.ADDRESS),
    (chat(thing1="字"), "oNOBODY", Stop.ADDRESS),
    (MassMessage(text="字" * 683), None, Stop.NOTHING),
    (MassMessage(text=""), None, Stop.NOTHING),
]


@pytest.mark.parametrize(("content", "address", "stop"), REFUSED)
def test_what_a_real_provider_refuses_is_refused(
    tmp_path: Path, content: Content, address: str | None, stop: Stop
) -> None:
    outcome = SandboxChannel(tmp_path).deliver(dispatch(content, address))
    assert (outcome.state, outcome.stop) == (MessageState.FAILED_PERMANENT, stop)
    assert outcome.detail
    assert address is None or address not in outcome.detail
    assert list(tmp_path.iterdir()) == []


def test_what_is_just_short_enough_is_taken(tmp_path: Path) -> None:
    channel = SandboxChannel(tmp_path)
    for name, address, content in (
        ("a", ABROAD, short(SIGNED + "𠮷" * 797)),
        ("b", PHONE_OPENID, chat(thing1="字" * 20, phrase1="字" * 30)),
        ("c", None, MassMessage(text="字" * 682)),
    ):
        assert channel.deliver(dispatch(content, address, name)).state is MessageState.DELIVERED


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=lambda one: one.name)
def test_every_text_of_ours_is_taken_on_the_mainland(tmp_path: Path, template: Template) -> None:
    examples = {name: kind.example for name, kind in template.fields.items()}
    message = fill(template, examples, signature="测试法院", links=False)
    assert SandboxChannel(tmp_path).deliver(dispatch(message, MAINLAND)).state is MessageState.DELIVERED


@pytest.mark.parametrize(
    ("message", "state"),
    [
        (chat("digest", court="测试市人民法院", total="12"), MessageState.DELIVERED),
        (chat("other", court="测试市人民法院"), MessageState.FAILED_PERMANENT),
        (chat("digest", court="测试市人民法院"), MessageState.FAILED_PERMANENT),
        (chat("digest", court="测试市人民法院", total="12", name="x"), MessageState.FAILED_PERMANENT),
    ],
)
def test_a_template_must_be_registered_with_these_fields(
    tmp_path: Path, message: ChatMessage, state: MessageState
) -> None:
    channel = SandboxChannel(tmp_path, templates={"digest": ("court", "total")})
    assert channel.deliver(dispatch(message, PHONE_OPENID)).state is state


def test_who_answered_stop_gets_nothing_more_until_they_start_again(tmp_path: Path) -> None:
    channel, account = SandboxChannel(tmp_path), SandboxAccount(tmp_path)
    steps: list[tuple[Callable[[str], None], MessageState]] = [
        (account.block, MessageState.FAILED_PERMANENT),
        (account.unblock, MessageState.DELIVERED),
    ]
    for number, (step, state) in enumerate(steps):
        step(ABROAD)
        outcome = channel.deliver(dispatch(short(), name=str(number)))
        assert outcome.state is state
    account.block("+15005550007")
    assert channel.deliver(dispatch(short(), name="another")).state is MessageState.DELIVERED


def test_who_leaves_the_account_takes_what_came_to_them_along(tmp_path: Path) -> None:
    channel, account = SandboxChannel(tmp_path), SandboxAccount(tmp_path)
    account.follow("oFRIEND", NOW)
    account.follow("oFRIEND", NOW.replace(year=2027))
    assert account.followed_since("oFRIEND") == NOW
    for name, address in (("a", "oFRIEND"), ("b", PHONE_OPENID)):
        assert channel.deliver(dispatch(chat(thing1="摘要"), address, name)).state is MessageState.DELIVERED
    account.leave("oFRIEND")
    assert [kept["address"] for kept in list_sandbox_messages(tmp_path)] == [PHONE_OPENID]
    assert "oFRIEND" not in "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    refused = channel.deliver(dispatch(chat(thing1="摘要"), "oFRIEND", "c"))
    assert (refused.state, refused.stop) == (MessageState.FAILED_PERMANENT, Stop.ADDRESS)


def test_it_can_be_asked_what_arrived(tmp_path: Path) -> None:
    channel = SandboxChannel(tmp_path)
    assert channel.look_up(dispatch(short()), None) is None
    channel.deliver(dispatch(short()))
    found = channel.look_up(dispatch(short()), None)
    assert found is not None
    assert found.state is MessageState.DELIVERED


def test_a_task_is_listed_and_goes_nowhere() -> None:
    tasks = TaskChannel()
    letter = Letter(subject="撤下", text="请撤下")
    assert tasks.deliver(dispatch(letter)) == tasks.look_up(dispatch(letter), None)
    assert tasks.deliver(dispatch(letter)).state is MessageState.DELIVERED

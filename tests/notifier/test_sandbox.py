"""The sandbox keeps what would have gone out, once, and refuses what real providers refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from notifier.channels import ChatMessage, Content, Dispatch, Letter, MassMessage, ShortMessage, Stop
from notifier.channels.sandbox import SandboxChannel, TaskChannel, list_letters, list_sandbox_messages
from notifier.states import MessageState


def dispatch(content: Content, address: str | None = "+8613800000000", name: str = "a") -> Dispatch:
    return Dispatch(id=name, attempt=1, recipient="tv", address=address, content=content)


def short(text: str = "您好") -> ShortMessage:
    return ShortMessage(text=text, template="t", version=1, fields={})


def chat(**fields: str) -> ChatMessage:
    return ChatMessage(template="t", version=1, fields=fields)


def test_what_arrives_is_kept_once_and_read_back(tmp_path: Path) -> None:
    channel = SandboxChannel(tmp_path)
    for _ in range(2):
        for name, content in (("a", short()), ("b", chat(thing1="新名单")), ("c", MassMessage(text="已公布"))):
            assert channel.deliver(dispatch(content, name=name)).state is MessageState.DELIVERED
        letter = Letter(subject="撤回", text="请停止使用", files={"notice.txt": b"x"})
        assert channel.deliver(dispatch(letter)).state is MessageState.DELIVERED
    kept = {message["kind"]: message for message in list_sandbox_messages(tmp_path)}
    assert len(list_sandbox_messages(tmp_path)) == 3
    assert kept["short"] == {
        "kind": "short", "address": "+8613800000000", "text": "您好", "template": "t", "version": 1, "fields": {},
    }  # fmt: skip
    assert kept["chat"]["fields"] == {"thing1": "新名单"}
    assert list_letters(tmp_path, "tv") == [{"subject": "撤回", "text": "请停止使用", "files": ["notice.txt"]}]
    assert list_letters(tmp_path, "nobody") == []
    assert (tmp_path / "letters" / "tv" / "a" / "notice.txt").read_bytes() == b"x"


REFUSED: list[tuple[Content, str | None, Stop]] = [
    (short(), "13800000000", Stop.ADDRESS),
    (short(), None, Stop.ADDRESS),
    (short(""), "+8613800000000", Stop.NOTHING),
    (short("𠮷" * 801), "+8613800000000", Stop.NOTHING),
    (chat(thing1="字" * 21), "openid", Stop.NOTHING),
    (chat(thing1="字"), None, Stop.ADDRESS),
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
    assert "138" not in outcome.detail
    assert list(tmp_path.iterdir()) == []


def test_what_is_just_short_enough_is_taken(tmp_path: Path) -> None:
    channel = SandboxChannel(tmp_path)
    for name, content in (
        ("a", short("𠮷" * 800)),
        ("b", chat(thing1="字" * 20, phrase1="字" * 30)),
        ("c", MassMessage(text="字" * 682)),
    ):
        assert channel.deliver(dispatch(content, name=name)).state is MessageState.DELIVERED


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

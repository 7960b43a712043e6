"""Signed events over real HTTPS to a receiver that knows the specification and not our code."""

import base64
import json
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from standins.hook_server import SECRET, HookServer, Mishap

from notifier.channels import Letter, MassMessage, Outcome, Parcel, Stop
from notifier.institutions import Endpoint, Links
from notifier.institutions.webhook import Patience, WebhookChannel, sign_event
from notifier.states import MessageState

S = MessageState
OLD = "whsec_" + base64.b64encode(b"the-secret-before-this-one!!").decode()


class Names:
    """A name service whose answers are given, one after the other; the last one stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def channel_to(clock: Any, trust: ssl.SSLContext, links: Links) -> Callable[..., WebhookChannel]:
    def build(endpoint: Endpoint | None, **changes: Any) -> WebhookChannel:
        known = {
            "clock": clock,
            "loopback": True,
            "resolve": Names(["127.0.0.1"]),
            "tls": trust,
            "patience": Patience(step=10.0, total=20.0),
        }
        return WebhookChannel(lambda _: endpoint, changes.pop("links", links), **{**known, **changes})

    return build


def test_the_signature_is_that_of_the_published_example() -> None:
    # https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = sign_event(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_an_instant_is_signed_the_same_wherever_it_is_read() -> None:
    at = datetime(2026, 10, 8, 2, 0, 0, 700_000, tzinfo=UTC)
    there = at.astimezone(timezone(timedelta(hours=8)))
    assert sign_event("d-1", there, b"{}", [SECRET]) == sign_event("d-1", at, b"{}", [SECRET])


def test_a_package_is_announced_by_address_and_hash(
    channel_to: Any, hook_server: HookServer, hook_endpoint: Endpoint, dispatch: Any, parcel: Parcel
) -> None:
    sent = dispatch(parcel)
    outcome = channel_to(hook_endpoint).deliver(sent)
    assert (outcome.state, hook_server.refused) == (S.DELIVERED, [])
    event = hook_server.events[sent.id]
    assert event["type"] == "list.published"
    assert event["timestamp"] == "2026-10-08T10:00:00+08:00"
    assert event["data"] == {
        "dispatch": sent.id,
        "name": "2026Q3-r1",
        "package": f"https://gateway.example.invalid/packages/{sent.id}-mac/",
        "manifest_sha256": sha256((parcel.folder / "manifest.json").read_bytes()).hexdigest(),
        "period": "2026Q3",
        "revision": 1,
        "last_day_of_use": "2027-01-04",
        "entries": 3,
        "training": False,
        "acknowledge": f"https://gateway.example.invalid/acks/{sent.id}-mac",
    }
    ((path, headers),) = hook_server.seen
    assert (path, headers["host"]) == ("/in", f"hook.example.com:{hook_server.port}")


@pytest.mark.parametrize(
    ("kind", "event"), [("gone", "list.recalled"), ("corrected", "list.corrected"), ("test", "notice.sent")]
)
def test_a_letter_says_the_same_to_a_machine(
    channel_to: Any,
    hook_server: HookServer,
    hook_endpoint: Endpoint,
    dispatch: Any,
    recall: Letter,
    kind: str,
    event: str,
) -> None:
    letter = replace(recall, facts={**recall.facts, "type": kind})
    sent = dispatch(letter)
    assert channel_to(hook_endpoint).deliver(sent).state is S.DELIVERED
    said = hook_server.events[sent.id]
    assert said["type"] == event
    assert said["data"]["facts"] == dict(letter.facts)
    assert (said["data"]["text"], said["data"]["text_complete"]) == (letter.text, True)
    assert (said["data"]["acknowledge"] is None) == (kind == "test")


def test_a_long_letter_is_cut_at_a_line_and_says_so(
    channel_to: Any, hook_server: HookServer, hook_endpoint: Endpoint, dispatch: Any
) -> None:
    lines = [f"第{number}条：（2026）测0101执{number}号。“\\”\n" for number in range(1000)]
    sent = dispatch(Letter(subject="【重申】", text="".join(lines)))
    assert channel_to(hook_endpoint).deliver(sent).state is S.DELIVERED
    data = hook_server.events[sent.id]["data"]
    assert data["text_complete"] is False
    assert data["text"].endswith("\n")
    assert "".join(lines).startswith(data["text"])
    assert len(data["text"].encode()) > 15_000


def test_a_receiver_may_know_the_old_or_the_new_secret(
    channel_to: Any, hook_server: HookServer, hook_endpoint: Endpoint, dispatch: Any, recall: Letter
) -> None:
    both = replace(hook_endpoint, secret=f"{SECRET} {OLD}")
    for known in (SECRET, OLD):
        hook_server.secret = known
        assert channel_to(both).deliver(dispatch(recall)).state is S.DELIVERED
    assert channel_to(hook_endpoint).deliver(dispatch(recall)).state is S.FAILED_TEMPORARY
    assert hook_server.refused == ["signature"]


def test_every_attempt_has_the_same_id_and_a_time_of_its_own(
    channel_to: Any, hook_server: HookServer, hook_endpoint: Endpoint, dispatch: Any, recall: Letter, clock: Any
) -> None:
    sent, channel = dispatch(recall), channel_to(hook_endpoint)
    hook_server.statuses = [503]
    assert channel.deliver(sent).state is S.FAILED_TEMPORARY
    clock.pass_time(hours=5)
    assert channel.deliver(replace(sent, attempt=2)).state is S.DELIVERED
    first, second = (headers for _, headers in hook_server.seen)
    assert first["webhook-id"] == second["webhook-id"] == sent.id
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 5 * 3600
    assert channel.repeatable


@pytest.mark.parametrize("mishap", [Mishap.LOST_ANSWER, Mishap.LATE_ANSWER, Mishap.TRICKLE])
def test_an_answer_that_does_not_come_is_asked_for_again_under_the_same_id(
    channel_to: Any, hook_server: HookServer, hook_endpoint: Endpoint, dispatch: Any, recall: Letter, mishap: Mishap
) -> None:
    """Also one that comes letter by letter, each in time."""
    sent = dispatch(recall)
    channel = channel_to(hook_endpoint, patience=Patience(step=0.4, total=0.8))
    hook_server.mishaps = [mishap]
    outcome = channel.deliver(sent)
    assert (outcome.state, outcome.may_have_arrived) == (S.FAILED_TEMPORARY, True)
    assert channel_to(hook_endpoint).deliver(replace(sent, attempt=2)).state is S.DELIVERED
    assert list(hook_server.events) == [sent.id]
    assert len(hook_server.seen) == 2


def test_a_body_without_end_is_not_read(
    channel_to: Any, hook_server: HookServer, hook_endpoint: Endpoint, dispatch: Any, recall: Letter
) -> None:
    hook_server.mishaps = [Mishap.ENDLESS]
    assert channel_to(hook_endpoint).deliver(dispatch(recall)).state is S.DELIVERED


@pytest.mark.parametrize(
    ("status", "state", "stop"),
    [
        (200, S.DELIVERED, Stop.NOTHING),
        (202, S.DELIVERED, Stop.NOTHING),
        (301, S.FAILED_TEMPORARY, Stop.NOTHING),
        (307, S.FAILED_TEMPORARY, Stop.NOTHING),
        (400, S.FAILED_TEMPORARY, Stop.NOTHING),
        (404, S.FAILED_TEMPORARY, Stop.NOTHING),
        (410, S.FAILED_PERMANENT, Stop.ADDRESS),
        (429, S.FAILED_TEMPORARY, Stop.NOTHING),
        (500, S.FAILED_TEMPORARY, Stop.NOTHING),
        (503, S.FAILED_TEMPORARY, Stop.NOTHING),
    ],
)
def test_what_a_status_means(
    channel_to: Any,
    hook_server: HookServer,
    hook_endpoint: Endpoint,
    dispatch: Any,
    recall: Letter,
    status: int,
    state: MessageState,
    stop: Stop,
) -> None:
    hook_server.statuses = [status]
    # Whoever followed it would be answered 204 there.
    hook_server.headers = [("Location", f"{hook_server.url}/elsewhere")]
    outcome = channel_to(hook_endpoint).deliver(dispatch(recall))
    assert (outcome.state, outcome.stop) == (state, stop)
    assert [path for path, _ in hook_server.seen] == ["/in"]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_receiver_is_left_alone_as_long_as_it_asks(
    channel_to: Any, hook_server: HookServer, hook_endpoint: Endpoint, dispatch: Any, recall: Letter, status: int
) -> None:
    hook_server.statuses = [status, status]
    hook_server.headers = [("Retry-After", "120")]
    assert channel_to(hook_endpoint).deliver(dispatch(recall)).retry_after == timedelta(seconds=120)
    hook_server.headers = [("Retry-After", "Thu, 08 Oct 2026 02:05:00 GMT")]
    assert channel_to(hook_endpoint).deliver(dispatch(recall)).retry_after == timedelta(minutes=5)


# Where it leads ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["10.0.0.5"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["93.184.215.14", "192.168.1.1"],
        ["0.0.0.0"],
    ],
)
def test_a_name_that_leads_inside_is_not_called(
    channel_to: Any,
    hook_server: HookServer,
    hook_endpoint: Endpoint,
    dispatch: Any,
    recall: Letter,
    found: list[str],
) -> None:
    outcome = channel_to(hook_endpoint, loopback=False, resolve=Names(found)).deliver(dispatch(recall))
    assert outcome.state is S.FAILED_TEMPORARY
    assert "内部网络" in outcome.detail
    assert hook_server.seen == []


def test_the_address_that_was_looked_at_is_the_one_that_is_called(
    channel_to: Any, hook_server: HookServer, hook_endpoint: Endpoint, dispatch: Any, recall: Letter
) -> None:
    """The name service gives another address to whoever asks a second time."""
    names = Names(["127.0.0.1"], ["10.255.255.1"])
    assert channel_to(hook_endpoint, resolve=names).deliver(dispatch(recall)).state is S.DELIVERED
    assert names.asked == ["hook.example.com"]
    assert len(hook_server.seen) == 1


def test_a_certificate_must_be_of_the_name_and_not_of_the_number(
    channel_to: Any, hook_server: HookServer, hook_endpoint: Endpoint, dispatch: Any, recall: Letter
) -> None:
    other = replace(hook_endpoint, address=f"https://other.example.com:{hook_server.port}/in")
    outcome = channel_to(other).deliver(dispatch(recall))
    assert outcome.state is S.FAILED_TEMPORARY
    assert "证书" in outcome.detail
    assert (
        channel_to(hook_endpoint, tls=ssl.create_default_context()).deliver(dispatch(recall)).state is not S.DELIVERED
    )
    assert hook_server.seen == []


@pytest.mark.parametrize(
    "address",
    [
        "http://hook.example.com/in",
        "ftp://hook.example.com/",
        "https://user:pass@hook.example.com/",
        "https:///in",
        "x",
    ],
)
def test_what_is_no_https_address_is_not_called(
    channel_to: Any, hook_endpoint: Endpoint, dispatch: Any, recall: Letter, address: str
) -> None:
    names = Names(["127.0.0.1"])
    outcome = channel_to(replace(hook_endpoint, address=address), resolve=names).deliver(dispatch(recall))
    assert outcome.state is S.FAILED_TEMPORARY
    assert names.asked == []


def test_http_leads_to_this_machine_only_where_that_is_set(
    channel_to: Any, clock: Any, dispatch: Any, recall: Letter
) -> None:
    with HookServer(clock) as server:
        endpoint = Endpoint(slug="tv", name="", address=f"{server.url}/in", secret=SECRET)
        assert channel_to(endpoint, loopback=False).deliver(dispatch(recall)).state is S.FAILED_TEMPORARY
        assert server.seen == []
        assert channel_to(endpoint).deliver(dispatch(recall)).state is S.DELIVERED


@pytest.mark.parametrize("secret", [None, "", "whsec_", "whsec_!!!!", "whsec_" + "QUJD", f"{SECRET} {OLD} {OLD}"])
def test_without_a_secret_nothing_is_sent(
    channel_to: Any, hook_server: HookServer, hook_endpoint: Endpoint, dispatch: Any, recall: Letter, secret: str | None
) -> None:
    outcome = channel_to(replace(hook_endpoint, secret=secret)).deliver(dispatch(recall))
    assert outcome.state is S.FAILED_TEMPORARY
    assert "签名密钥" in outcome.detail
    assert hook_server.seen == []


def test_nobody_there_and_nothing_to_say(
    channel_to: Any, hook_endpoint: Endpoint, dispatch: Any, recall: Letter, parcel: Parcel, tmp_path: Path
) -> None:
    def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror("unknown")

    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        nowhere = replace(hook_endpoint, address=f"https://hook.example.com:{free.getsockname()[1]}/")
        outcome = channel_to(nowhere).deliver(dispatch(recall))
        assert (outcome.state, outcome.may_have_arrived) == (S.FAILED_TEMPORARY, False)
    outcomes: list[Outcome] = [
        channel_to(hook_endpoint, resolve=unknown).deliver(dispatch(recall)),
        channel_to(hook_endpoint, resolve=Names([])).deliver(dispatch(recall)),
        channel_to(None).deliver(dispatch(recall)),
        channel_to(hook_endpoint).deliver(dispatch(Parcel(name="2026Q3-r1", folder=tmp_path))),
    ]
    assert {outcome.state for outcome in outcomes} == {S.FAILED_TEMPORARY}
    assert channel_to(hook_endpoint).deliver(dispatch(MassMessage(text="x"))).state is S.FAILED_PERMANENT
    no_gateway = channel_to(hook_endpoint, links=Links()).deliver(dispatch(parcel))
    assert no_gateway.state is S.FAILED_PERMANENT
    assert "GONGSHI_GATEWAY_URL" in no_gateway.detail


def test_neither_secret_nor_address_reaches_a_log(
    channel_to: Any,
    hook_server: HookServer,
    hook_endpoint: Endpoint,
    dispatch: Any,
    recall: Letter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint = replace(hook_endpoint, address=f"{hook_endpoint.address}?token=nobody-may-see-this")
    assert channel_to(endpoint).deliver(dispatch(recall)).state is S.DELIVERED
    said = json.dumps([record.getMessage() for record in caplog.records])
    assert "nobody-may-see-this" not in said
    assert SECRET not in said

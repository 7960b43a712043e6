"""What is read of addresses, answers and letters: pure."""

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notifier.channels import Stop
from notifier.institutions.acks import AckProblem, FileAck, read_ack, split_ack_name
from notifier.institutions.addresses import (
    BadAddress,
    SftpAddress,
    WebhookAddress,
    check_host_key,
    check_webhook_secret,
    may_lead_to,
    parse_mail,
    parse_sftp,
    parse_webhook,
)
from notifier.institutions.answers import Phase, http_outcome, read_retry_after, smtp_refusal
from notifier.states import MessageState

NOW = datetime(2026, 10, 8, 2, 0, tzinfo=UTC)
S = MessageState


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sftp://tv@ftp.example.cn/in", SftpAddress(user="tv", host="ftp.example.cn", port=22, folder="/in")),
        ("sftp://tv@ftp.example.cn:2222", SftpAddress(user="tv", host="ftp.example.cn", port=2222, folder="/")),
        ("sftp://tv@10.0.0.1/~/in/new/", SftpAddress(user="tv", host="10.0.0.1", port=22, folder="in/new")),
        ("sftp://t%40v@[fd00::1]/~", SftpAddress(user="t@v", host="fd00::1", port=22, folder=".")),
        ("sftp://tv@电视台.example/入", SftpAddress(user="tv", host="xn--kpr178ek9n.example", port=22, folder="/入")),
    ],
)
def test_an_sftp_address(text: str, address: SftpAddress) -> None:
    assert parse_sftp(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://tv@host/in",
        "sftp://host/in",
        "sftp://tv:password@host/in",
        "sftp://tv@/in",
        "sftp://tv@host/../in",
        "sftp://tv@host/%2e%2e/in",
        "sftp://tv@host/in?x=1",
        "sftp://tv@host/in#x",
        "sftp://tv@host:0/in",
        "sftp://tv@host:70000/in",
        "sftp://tv@ho st/in",
        "sftp://tv@host/in\n",
        "sftp://tv@host/%0a",
        "sftp://tv@host/%ff",
    ],
)
def test_what_is_no_sftp_address(text: str) -> None:
    with pytest.raises(BadAddress) as error:
        parse_sftp(text)
    assert "password" not in str(error.value)


def test_a_webhook_address() -> None:
    assert parse_webhook("https://Hook.example.cn/in?a=1") == WebhookAddress(
        secure=True, host="hook.example.cn", port=443, target="/in?a=1"
    )
    assert parse_webhook("http://127.0.0.1:81", loopback=True) == WebhookAddress(
        secure=False, host="127.0.0.1", port=81, target="/"
    )


@pytest.mark.parametrize("text", ["http://127.0.0.1/", "http://localhost/"])
def test_http_is_for_this_machine_and_for_those_who_said_so(text: str) -> None:
    with pytest.raises(BadAddress):
        parse_webhook(text)
    with pytest.raises(BadAddress):
        parse_webhook("http://10.0.0.1/", loopback=True)


@given(st.text(max_size=60))
@example("sftp://[::1")
@example("a@\x00b")
@example("sftp://u@h:١/")
def test_no_text_does_anything_but_be_read_or_refused(text: str) -> None:
    for read in (parse_mail, parse_sftp, parse_webhook, check_host_key, check_webhook_secret):
        with suppress(BadAddress):
            read(text)


@given(st.from_regex(r"[a-z0-9.+_-]{1,20}@[a-z0-9.-]{1,20}", fullmatch=True))
def test_a_mail_address_that_is_read_is_what_was_written(text: str) -> None:
    try:
        address = parse_mail(text)
    except BadAddress:
        return
    assert str(address) == text
    assert not set(str(address)) & set(' \r\n<>,;:"')


@given(st.ip_addresses())
@example(ip_address("169.254.169.254"))
@example(ip_address("100.64.0.1"))
@example(ip_address("224.0.0.1"))
@example(ip_address("255.255.255.255"))
@example(ip_address("::"))
@example(ip_address("fe80::1"))
@example(ip_address("fec0::1"))
@example(ip_address("ff02::1"))
@example(ip_address("2002:7f00:1::"))
@example(ip_address("64:ff9b::10.0.0.1"))
@example(ip_address("::ffff:10.0.0.1"))
@example(ip_address("8.8.8.8"))
def test_where_a_webhook_may_lead(address: IPv4Address) -> None:
    plain, inside = address, [address]
    if address.version == 6:
        mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
        inside = [mapped] if mapped else inside
    bad = any(
        one.is_private or one.is_loopback or one.is_link_local or one.is_multicast or one.is_unspecified
        for one in inside
    )
    allowed = may_lead_to(plain, private=False, loopback=False)
    assert not (allowed and bad)
    # Opening an office's network opens no more than that.
    wider = may_lead_to(plain, private=True, loopback=False)
    assert wider or not allowed
    if wider and not allowed:
        assert not any(one.is_link_local or one.is_loopback or one.is_multicast for one in inside)


@pytest.mark.parametrize(
    ("text", "public", "private", "loopback"),
    [
        ("8.8.8.8", True, True, True),
        ("2400:3200::1", True, True, True),
        ("10.1.2.3", False, True, False),
        ("172.31.0.1", False, True, False),
        ("192.168.0.1", False, True, False),
        ("100.64.3.2", False, True, False),
        ("fd12::1", False, True, False),
        ("::ffff:192.168.0.1", False, True, False),
        ("127.0.0.1", False, False, True),
        ("::1", False, False, True),
        ("169.254.169.254", False, False, False),
        ("fe80::1", False, False, False),
        ("0.0.0.0", False, False, False),
        ("64:ff9b::169.254.169.254", False, False, False),
        ("2002:a9fe:a9fe::", False, False, False),
    ],
)
def test_networks(text: str, public: bool, private: bool, loopback: bool) -> None:
    address = ip_address(text)
    assert may_lead_to(address, private=False, loopback=False) is public
    assert may_lead_to(address, private=True, loopback=False) is private
    assert may_lead_to(address, private=False, loopback=True) is loopback


def test_a_secret_is_long_enough_and_there_are_at_most_two() -> None:
    short, good = ("whsec_" + base64.b64encode(bytes(size)).decode() for size in (23, 24))
    assert check_webhook_secret(good) == (good,)
    assert check_webhook_secret(f" {good}  {good} ") == (good, good)
    for bad in (short, good[6:], f"{good} {good} {good}", "whsec_" + base64.b64encode(bytes(65)).decode()):
        with pytest.raises(BadAddress) as error:
            check_webhook_secret(bad)
        assert bad not in str(error.value)


# Answers -------------------------------------------------------------------------------------------------------------


@given(st.sampled_from(Phase), st.integers(400, 599), st.binary(max_size=40))
def test_a_refusal_by_mail_is_temporary_or_final_and_loses_nothing_for_the_account(
    phase: Phase, code: int, reply: bytes
) -> None:
    outcome = smtp_refusal(phase, code, reply)
    assert outcome.state in (S.FAILED_TEMPORARY, S.FAILED_PERMANENT)
    if code < 500 or outcome.stop is Stop.CHANNEL:
        assert outcome.state is S.FAILED_TEMPORARY
    if outcome.stop is Stop.ADDRESS:
        assert phase is Phase.RECIPIENT
    assert str(code) in outcome.detail


@given(st.integers(100, 599), st.text(max_size=20))
@example(429, "Thu, 08 Oct 2026 02:05:00 GMT")
@example(503, "99999999999999999999")
def test_whatever_a_receiver_answers_has_a_meaning(status: int, retry_after: str) -> None:
    outcome = http_outcome(status, retry_after, NOW)
    assert (outcome.state is S.DELIVERED) == (200 <= status < 300)
    assert (outcome.state is S.FAILED_PERMANENT) == (status == 410)
    assert outcome.retry_after is None or timedelta() <= outcome.retry_after <= timedelta(days=1)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("٣", None),
        ("0", timedelta()),
        ("90", timedelta(seconds=90)),
        ("1000000", timedelta(days=1)),
        ("Thu, 08 Oct 2026 02:05:00 GMT", timedelta(minutes=5)),
        ("Thu, 08 Oct 2026 02:05:00 -0000", timedelta(minutes=5)),
        ("Thu, 08 Oct 2026 01:00:00 GMT", timedelta()),
        ("Thu, 08 Oct 2099 01:00:00 GMT", timedelta(days=1)),
        ("Thu, 99 Oct 2026 01:00:00 GMT", None),
    ],
)
def test_how_long_to_wait(value: str | None, wait: timedelta | None) -> None:
    assert read_retry_after(value, NOW) == wait


# Files of answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("2026Q3-r1.ack", ("2026Q3-r1", False)),
        ("2026Q3-r1.ack.json", ("2026Q3-r1", False)),
        ("d-1.nak.json", ("d-1", True)),
        ("d-1.nak", ("d-1", True)),
        ("d-1.done", None),
        (".ack", None),
        ("../d-1.ack", None),
        ("d 1.ack", None),
        ("d-1.ack.part", None),
    ],
)
def test_the_name_of_an_answer(file: str, name: tuple[str, bool] | None) -> None:
    assert split_ack_name(file) == name


@given(st.binary(max_size=200))
@example(b"[" * 190)
@example(b'{"at": "0001-01-01T00:00:00+23:59"}')
@example(b'{"kind": 1}')
@example(b'{"by": "\\ud800"}')
@example(b'{"by": NaN}')
def test_no_file_does_anything_but_be_read_or_be_a_problem(content: bytes) -> None:
    found = read_ack("tv", "d-1.ack", content, NOW)
    assert isinstance(found, FileAck | AckProblem)
    if isinstance(found, FileAck):
        assert found.given_at is not None
        assert found.given_at.tzinfo is not None


def test_what_an_answer_says_is_on_one_line() -> None:
    body = {"kind": "aired", "by": "值班\n编辑\u202e", "place": "x" * 500, "at": "2026-10-08T10:00:00Z"}
    found = read_ack("tv", "d-1.ack.json", json.dumps(body).encode(), None)
    assert isinstance(found, FileAck)
    assert (found.given_by, found.given_at, len(found.place or "")) == ("值班 编辑", NOW + timedelta(hours=8), 200)

"""The voice line: a record number typed on a telephone's keys, answered with the state and nothing else."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest
from defusedxml.ElementTree import fromstring
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from standins.twilio_server import ACCOUNT, SENDER, TOKEN, TwilioServer

from notifier.gateway_voice import VOICE_PATH, voice_gateway
from notifier.sms.settings import SmsSettings, TwilioSettings
from search_index.freshness import FRESH, Freshness
from search_index.keypad import is_keys, keys_of, list_candidates
from search_index.number import draw_number
from search_index.profile import Profile
from search_index.register import Register, RegisterUnavailable

GATEWAY = "https://gateway.example.invalid/court"
NOW = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)
CALL = "CA" + "0" * 32
CALLER = "+8613900000000"
TWILIO = TwilioSettings(account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), sender=SENDER)
Town = Any


class Line:
    """A telephone in Twilio's hands: calls, types, and hears what is said."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.next: str | None = f"{GATEWAY}{VOICE_PATH}"

    def hear(self, **more: str) -> str:
        assert self.next is not None
        status, text = self.post(self.next, {"AccountSid": ACCOUNT, "CallSid": CALL, "From": CALLER, **more})
        assert status == 200
        root = fromstring(text)
        assert [say.get("language") for say in root.iter("Say")] == ["zh-CN"]
        gather = root.find("Gather")
        self.next = None if gather is None else gather.get("action")
        assert (self.next is None) == (root.find("Hangup") is not None)
        return "".join(root.itertext())

    def post(self, url: str, form: Mapping[str, str], token: str = TOKEN) -> tuple[int, str]:
        signer = TwilioServer.__new__(TwilioServer)
        signer.token = token
        split = urlsplit(url)
        # The proxy takes the gateway's own path away.
        path = split.path.removeprefix("/court") + (f"?{split.query}" if split.query else "")
        headers = {"X-Twilio-Signature": signer.sign(url, dict(form))}
        answer = self.client.post(path, data=dict(form), headers=headers)
        return answer.status_code, answer.text


class Kept:
    """A list of a few numbers, under the keys that type them."""

    def __init__(self, **states: bool) -> None:
        self.states = {name.replace("_", "-"): state for name, state in states.items()}
        self.is_down = False

    def find_by_keys(self, keys: str, now: datetime) -> dict[str, bool]:
        if self.is_down:
            raise RegisterUnavailable
        return {record: state for record, state in self.states.items() if keys_of(record) == keys}

    def frame(self, now: datetime) -> tuple[Profile, Freshness]:
        return Profile(court="测试市人民法院"), FRESH


def open_line(listing: Register | Kept) -> Line:
    app = Flask("gateway")
    # The path below which the gateway lies belongs to the address that is signed, not to the path that arrives.
    app.register_blueprint(voice_gateway(SmsSettings(twilio=TWILIO, gateway_url=GATEWAY), listing, lambda: NOW))
    return Line(app.test_client())


def numbers_under_the_same_keys() -> tuple[str, str]:
    first = draw_number(Random(1))
    return first, next(record for record in list_candidates(keys_of(first)) if record != first)


@given(st.integers(0, 2**32))
@settings(max_examples=40)
def test_a_number_is_among_those_that_its_keys_mean(seed: int) -> None:
    record = draw_number(Random(seed))
    keys = keys_of(record)
    assert is_keys(keys)
    found = list(list_candidates(keys))
    assert record in found
    assert found == sorted(set(found))
    assert {keys_of(one) for one in found} == {keys}


@given(st.text(max_size=9).filter(lambda typed: not re.fullmatch("[0-9]{8}", typed)))
@settings(max_examples=40)
def test_anything_else_means_no_number(typed: str) -> None:
    assert not is_keys(typed)
    assert list(list_candidates(typed)) == []


def test_a_number_in_and_its_state_out() -> None:
    first = draw_number(Random(1))
    for state, words in ((True, "正在公示"), (False, "已经不再公示")):
        line = open_line(Kept(**{first: state}))
        welcome = line.hear()
        assert welcome.startswith("您好，这里是测试市人民法院失信被执行人名单电话查询。")
        said = line.hear(Digits=keys_of(first))
        assert f"{'、'.join(first.replace('-', ''))}，{words}" in said
        assert line.next is None


def test_three_tries_then_goodbye() -> None:
    line = open_line(Kept())
    line.hear()
    assert "没有这个编号" in line.hear(Digits="22222222")
    assert "应当输入8位" in line.hear(Digits="123")
    assert line.next is not None
    said = line.hear()
    assert "再见" in said
    assert line.next is None


def test_keys_of_several_numbers_are_sent_to_the_site() -> None:
    first, second = numbers_under_the_same_keys()
    line = open_line(Kept(**{first: True, second: False}))
    line.hear()
    said = line.hear(Digits=keys_of(first))
    assert "不能区分" in said
    assert "公示。" not in said
    assert line.next is None


def test_a_call_that_comes_twice_hears_the_same() -> None:
    first = draw_number(Random(1))
    line = open_line(Kept(**{first: True}))
    line.hear()
    ask = line.next
    once = line.hear(Digits=keys_of(first))
    line.next = ask
    assert line.hear(Digits=keys_of(first)) == once


def test_who_is_not_twilio_hears_nothing() -> None:
    line = open_line(Kept())
    form = {"AccountSid": ACCOUNT, "CallSid": CALL, "From": CALLER, "Digits": "22222222"}
    url = f"{GATEWAY}{VOICE_PATH}"
    assert line.post(url, form, token="another") == (403, "")
    assert line.client.post(VOICE_PATH, data=form).status_code == 403
    # The number of the try is signed with the address.
    assert line.client.post(f"{VOICE_PATH}?try=1", data=form, headers=sign(url, form)).status_code == 403
    assert line.post(url, {**form, "CallSid": "x"})[0] == 400
    assert line.client.get(VOICE_PATH).status_code == 405
    assert line.client.post(VOICE_PATH, data=b"a" * 100_000).status_code == 413


def sign(url: str, form: Mapping[str, str]) -> dict[str, str]:
    signer = TwilioServer.__new__(TwilioServer)
    signer.token = TOKEN
    return {"X-Twilio-Signature": signer.sign(url, dict(form))}


def test_without_an_account_there_is_no_line() -> None:
    app = Flask("gateway")
    app.register_blueprint(voice_gateway(SmsSettings(), Kept(), lambda: NOW))
    assert app.test_client().post(VOICE_PATH).status_code == 404


def test_a_list_that_cannot_be_read_is_said_to_be_so() -> None:
    kept = Kept()
    line = open_line(kept)
    line.hear()
    kept.is_down = True
    assert "稍后再拨" in line.hear(Digits="22222222")
    assert line.next is None


def test_neither_the_caller_nor_what_was_typed_is_logged(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    first = draw_number(Random(1))
    line = open_line(Kept(**{first: True}))
    line.hear()
    line.hear(Digits=keys_of(first))
    said = capsys.readouterr()
    for log in (caplog.text, said.out, said.err):
        assert CALLER[3:] not in log
        assert keys_of(first) not in log


def test_the_list_itself_answers(town: Town) -> None:
    public, leaving = town.publish(), town.publish()
    ending = town.publish(visible_until=town.clock() + timedelta(hours=1))
    town.depart(leaving)
    register, later = town.notifier.register, town.clock() + timedelta(hours=2)
    assert isinstance(register, Register)
    for record, now, expected in (
        (public.record, later, True),
        (leaving.record, later, False),
        (ending.record, town.clock(), True),
        (ending.record, later, False),
    ):
        assert register.find_by_keys(keys_of(record), now) == {record: expected}
    assert register.find_by_keys("22222222", later) == {}
    assert [one.record for one in register.ended(later)] == [ending.record]


@pytest.mark.long
def test_the_most_numbers_that_keys_can_mean_are_looked_up_in_time(town: Town) -> None:
    town.publish()
    register = town.notifier.register
    assert isinstance(register, Register)
    begun = time.perf_counter()
    assert register.find_by_keys("77777777", town.clock()) == {}
    assert time.perf_counter() - begun < 5, "Twilio waits fifteen seconds"

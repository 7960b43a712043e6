"""The whole gateway, attacked with bodies of every kind: never a 500, and nothing is changed by who has proved nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from attacked import AES_KEY, FORM, REPORT_PATH, Gateway, open_gateway


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def gateway(
    request: pytest.FixtureRequest, founded: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    with open_gateway(founded, tmp_path_factory.mktemp("attacked") / "home", request.param) as opened:
        yield opened


@pytest.fixture(autouse=True)
def later(gateway: Gateway) -> None:
    """What one test has guessed is forgotten by the next."""
    gateway.home.clock.advance(minutes=2)


# Bodies of every kind -----------------------------------------------------------------------------------------------

_NASTY = [
    b"", b"\x00", b"\xff\xfe", b"{", b"[" * 4000, b"null", b'"x"', b"1e999", b"{}", b"[]", b"[{}]", b"NaN",
    b'{"dispatch": "\\ud800"}', b'{"dispatch": "\\u0000", "kind": "received"}', b'{"a": ' * 2000,
    b"<xml></xml>", b"<xml><MsgType>text</MsgType></xml>", b"<xml>" * 3000, b"]]>", b"<![CDATA[", b"<xml><Encrypt>x</Encrypt></xml>",
    b'<!DOCTYPE l [<!ENTITY a "ha">]><xml><MsgType>&a;</MsgType></xml>', b"a=b&a=c&=&%ff=%00", b"&" * 3000,
    b"MessageSid=SM&MessageStatus=\x00", b'--x\r\nContent-Disposition: form-data; name="by"\r\n\r\n', b"9" * 5000,
    b'[{"biz_id": 1, "success": "x"}]', b'{"dispatch":' + b"9" * 4400 + b"}",
]  # fmt: skip
_KINDS = (FORM, "application/json", "text/xml", "multipart/form-data; boundary=x", "text/plain; charset=\x7f", "")


def bodies(number: int = 100) -> list[tuple[bytes, str]]:
    """So many bodies with the kind that they say they are; the same every time."""
    random = Random(number)
    found = [(body, random.choice(_KINDS)) for body in _NASTY]
    while len(found) < number:
        body = bytearray(random.choice(_NASTY) or b"x")[:400]
        for _ in range(random.randint(1, 6)):
            body.insert(random.randint(0, len(body)), random.randrange(256))
        found.append((bytes(body), random.choice(_KINDS)))
    return found


FACES = (
    "/wechat", "/twilio/status", "/twilio/inbound", "/twilio/status?dispatch=%ff&attempt=1", "/aliyun/wrong", "/acks",
    "/acks/wrong", "/acks/%ff%00-aaaaaaaaaaaaaaaaaaaaaaaaaa", "/pull/acks", "/packages/wrong/", "/healthz",
)  # fmt: skip


@pytest.mark.parametrize("face", FACES)
def test_who_has_proved_nothing_changes_nothing_with_any_body(gateway: Gateway, face: str) -> None:
    before = gateway.written()
    statuses = {gateway.client.post(face, data=body, content_type=kind).status_code for body, kind in bodies()}
    assert statuses <= {400, 401, 403, 404, 405, 413, 429}, statuses
    assert gateway.written() == before


def test_a_secret_address_takes_any_body_and_believes_none(gateway: Gateway) -> None:
    """Aliyun signs nothing: whoever knows the address still cannot settle a message with it."""
    before = gateway.written()
    for body, kind in bodies():
        assert gateway.client.post(f"/aliyun/{REPORT_PATH}", data=body, content_type=kind).status_code in (200, 400)
    report = {"biz_id": "1^0", "out_id": gateway.dispatch("pull-a"), "success": True, "err_code": "DELIVERED"}
    assert gateway.client.post(f"/aliyun/{REPORT_PATH}", json=[report]).status_code == 200
    assert gateway.written() == before


def test_no_body_under_a_right_token_or_link_is_an_error(gateway: Gateway) -> None:
    _, acknowledge = gateway.links("hook-b")
    token = {"Authorization": f"Bearer {gateway.tokens['pull-b']}"}
    before = gateway.written()
    for body, kind in bodies():
        page = gateway.client.post(acknowledge, data=body, content_type=kind)
        assert page.status_code in (400, 413, 422), page.status_code
        pulled = gateway.client.post("/pull/acks", data=body, content_type=kind, headers=token)
        assert pulled.status_code in (400, 404, 422), pulled.status_code
        signed = gateway.client.post("/acks", data=body, content_type=kind, headers=gateway.sign(body))
        assert signed.status_code in (400, 401, 422), signed.status_code
    assert gateway.written() == before


_ODD: tuple[Any, ...] = (
    None, True, -1, 1e308, [], {}, "", " ", "\x00", "\ud800", "\u202e", "]]>", "<script>alert(1)</script>", "=1+1", "x" * 9000,
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-11-18T10:00:00", "2026-02-30", "received\n", "𠮷" * 60,
)  # fmt: skip


@pytest.mark.parametrize("face", ["/acks", "/pull/acks"])
def test_no_odd_value_in_an_answer_that_is_proved_is_an_error(gateway: Gateway, face: str) -> None:
    slug = "hook-a" if face == "/acks" else "pull-a"
    right = {"dispatch": gateway.dispatch(slug), "kind": "received", "by": "值班员", "at": None, "place": None}
    for key in (*right, "unknown"):
        for odd in _ODD:
            body = json.dumps({**right, key: odd}).encode()
            proof = gateway.sign(body) if face == "/acks" else {"Authorization": f"Bearer {gateway.tokens[slug]}"}
            answer = gateway.client.post(face, data=body, headers=proof, content_type="application/json")
            assert answer.status_code in (200, 400, 401, 404, 422), (key, odd)
            assert "\x00" not in answer.text
    assert set(gateway.acknowledged(slug)) <= {"received"}
    page = gateway.client.get(gateway.links(slug)[1])
    assert page.status_code == 200
    assert "<script>alert" not in page.text


def test_no_odd_value_in_a_form_is_an_error_and_it_comes_back_as_text(gateway: Gateway) -> None:
    _, acknowledge = gateway.links("hook-b")
    right = {"kind": "aired", "by": "", "day": "2026-11-18", "time": "", "place": "新闻频道"}
    for key in right:
        for odd in (str(one) for one in _ODD if one is not None):
            answer = gateway.client.post(acknowledge, data={**right, key: odd.encode("utf-8", "replace")})
            assert answer.status_code in (303, 422), (key, odd)
            assert "<script>alert" not in answer.text


def test_no_text_said_to_the_account_is_an_error_or_breaks_out(gateway: Gateway) -> None:
    random = Random(5)
    said = [str(one) for one in _ODD if isinstance(one, str) and "\x00" not in one and "\ud800" not in one]
    said += ["]]]]><![CDATA[></Content><MsgType><![CDATA[news]]></MsgType>", "SX-]]>", "&lt;", "%s{0}"]
    said += ["".join(chr(random.choice((random.randrange(32, 127), random.randrange(0x4E00, 0x9FA5)))) for _ in range(30))
             for _ in range(60)]  # fmt: skip
    for aes_key in (None, AES_KEY):
        for words in said:
            # The phone reads what comes back as WeChat does, and finds one text in it, or raises.
            heard = gateway.phone(aes_key).say(words.replace("]]>", "]]]]><![CDATA[>"))
            assert heard.status == 200, words
            assert heard.text or not words.strip(), words


def test_no_form_that_twilio_signs_is_an_error(gateway: Gateway) -> None:
    right = {"MessageSid": "SM" + "c" * 32, "MessageStatus": "delivered", "To": "+12025550100", "From": "+12025550100"}
    for path in ("/twilio/status", "/twilio/inbound"):
        for key in (*right, "ErrorCode", "Body", "OptOutType"):
            for odd in (str(one) for one in _ODD if one is not None and "\ud800" not in str(one)):
                status = gateway.call_twilio(path, {**right, key: odd}, "dispatch=nobody&attempt=1")
                assert status in (200, 400, 403), (path, key, odd)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD"])
def test_no_other_way_of_asking_is_an_error(gateway: Gateway, method: str) -> None:
    package, acknowledge = gateway.links("hook-a")
    for path in (
        *FACES,
        package,
        acknowledge,
        "/pull",
        "/",
        "/static/../gateway.py",
        f"{package}r1/..%2f..%2fnotifier.db",
    ):
        status = gateway.client.open(path, method=method).status_code
        assert status < 500, (method, path)


_FAR = "9" * 30


@pytest.mark.parametrize(
    "end",
    [
        f"r{_FAR}/list.json", "r0/list.json", "r-1/list.json", "r1/", "r1/..%2f..%2fnotifier.db", "r1/%00", "r1/%ff.json",
        "r1/list.json%00.png", "r1/.hidden", "r1//etc/passwd", "r1/" + "a" * 5000, "../", "r1/manifest.json/x", "%2e%2e/",
    ],
)  # fmt: skip
def test_who_may_fetch_a_package_may_fetch_nothing_else(gateway: Gateway, end: str) -> None:
    before = gateway.written()
    package, _ = gateway.links("pull-b")
    token = {"Authorization": f"Bearer {gateway.tokens['pull-b']}"}
    for path in (f"{package}{end}", f"/pull/2026Q3/{end}", f"/pull/{_FAR}Q3/{end}", f"/pull/2026Q9/{end}"):
        assert gateway.client.get(path, headers=token).status_code in (404, 405, 410), path
    assert gateway.written() == before

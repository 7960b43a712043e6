"""The demonstration, and the portal as a process that knows nothing of the private side."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import httpx
import pytest
from standins.twilio_server import ACCOUNT, SENDER, TwilioServer
from standins.twilio_server import TOKEN as TWILIO_TOKEN
from standins.wechat_phone import APPID, Phone
from standins.wechat_server import SECRET

from gongshi.clock import system_now
from notifier.wechat.wording import FOLLOWED
from search_index.store import StoreWriter

ROOT = Path(__file__).resolve().parents[2]
# A portal on another machine: the private packages are not there, and neither is their half of the home.
PORTAL_ALONE = """
import sys
for private in ("registry", "notifier"):
    sys.modules[private] = None
from gongshi.cli import run
sys.exit(run(["serve", "portal", "--bind", sys.argv[1]]))
"""


def environ(**changes: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GONGSHI_")}
    return {**clean, "PYTHONPATH": str(ROOT), **changes}


def demo(folder: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gongshi", "demo", "--no-serve", *arguments]
    return subprocess.run(command, cwd=folder, env=environ(**changes), capture_output=True, text=True, timeout=120)


def get(address: str) -> tuple[int, str]:
    try:
        with urlopen(address, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.long
def test_the_demonstration_is_what_it_says_and_the_portal_serves_it_alone(tmp_path: Path) -> None:
    done = demo(tmp_path, "--entries", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    shown, gone = re.findall(r"/entries/(SX-\w{8})", done.stdout)[:2]
    home = tmp_path / "demo-home"
    (home / "registry").rename(tmp_path / "registry")
    (home / "notifier").rename(tmp_path / "notifier")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    portal = subprocess.Popen(
        [sys.executable, "-c", PORTAL_ALONE, bind],
        env=environ(GONGSHI_HOME=str(home)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert portal.stdout is not None
        assert portal.stdout.readline() == f"公示网站已就绪：http://{bind}\n"
        status, page = get(f"http://{bind}/entries/{shown}")
        assert status == 200
        assert "演练" in page
        assert get(f"http://{bind}/entries/{gone}")[0] == 410
        assert get(f"http://{bind}/api/v1/entries?q=%E6%9D%8E")[0] == 200
    finally:
        portal.terminate()
        portal.wait()
        portal.stdout.close()


def test_the_demonstration_touches_no_home_but_its_own(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    precious = tmp_path / "real" / "registry.db"
    precious.write_text("x")
    done = demo(tmp_path, GONGSHI_HOME=str(tmp_path / "real"))
    assert done.returncode == 2
    assert precious.read_text() == "x"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("bind", ["127.0.0.1", "127.0.0.1:99999", ":80", "nonsense"])
def test_an_address_that_is_none_is_one_line(tmp_path: Path, bind: str) -> None:
    command = [sys.executable, "-m", "gongshi", "serve", "portal", "--bind", bind]
    done = subprocess.run(command, cwd=tmp_path, env=environ(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.long
def test_a_port_that_is_taken_ends_the_portal_and_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "gongshi", "serve", "portal", "--bind", bind]
        done = subprocess.run(command, cwd=tmp_path, env=environ(), capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert bind.split(":")[1] in done.stderr


# The gateway ----------------------------------------------------------------------------------------------------------

WECHAT_TOKEN, AES_KEY = "CurrentToken01", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


@pytest.fixture
def served(founded: Path, tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """A gateway in processes of its own, with WeChat and Twilio set up: its address, and what it printed."""
    shutil.copytree(founded, tmp_path / "home")
    # The list was checked with the court, by the clock that the processes go by.
    StoreWriter(f"sqlite:///{tmp_path / 'home' / 'public' / 'disclosed.db'}").note_pulse(system_now())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    settings = {
        "GONGSHI_HOME": str(tmp_path / "home"),
        "GONGSHI_GATEWAY_URL": f"http://{bind}",
        "GONGSHI_TWILIO_ACCOUNT_SID": ACCOUNT,
        "GONGSHI_TWILIO_AUTH_TOKEN": TWILIO_TOKEN,
        "GONGSHI_TWILIO_FROM": SENDER,
        "GONGSHI_WECHAT_APPID": APPID,
        "GONGSHI_WECHAT_SECRET": SECRET,
        "GONGSHI_WECHAT_TOKEN": WECHAT_TOKEN,
        "GONGSHI_WECHAT_AES_KEY": AES_KEY,
        "GONGSHI_WECHAT_BASE_URL": "http://127.0.0.1:9",
    }
    with (tmp_path / "log").open("wb") as log:
        gateway = subprocess.Popen(
            [sys.executable, "-m", "gongshi", "serve", "gateway", "--bind", bind],
            env=environ(**settings), stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
    try:
        assert gateway.stdout is not None
        printed = [gateway.stdout.readline(), gateway.stdout.readline()]
        yield f"http://{bind}", [*printed, str(tmp_path / "log")]
    finally:
        gateway.terminate()
        assert gateway.wait(timeout=60) == 0
        gateway.stdout.close()


@pytest.mark.long
def test_the_gateway_answers_wechat_and_twilio_and_says_what_is_off(served: tuple[str, list[str]]) -> None:
    address, (ready, off, log) = served
    assert ready == f"网关已就绪：{address}\n"
    assert off.startswith("未启用 /aliyun/")
    assert get(f"{address}/healthz") == (200, "ok\n")

    def post(query: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        answer = httpx.post(f"{address}/wechat", params=dict(query), content=body)
        return answer.status_code, answer.content

    phone = Phone(post=post, clock=system_now, token=WECHAT_TOKEN, aes_key=AES_KEY)
    # Every process of the server has its turn: what one has answered, the others know.
    message = phone.message("text", "<Content><![CDATA[张测试甲]]></Content>", 7)
    heard = [phone.send(message).text for _ in range(6)]
    assert [text is not None for text in heard] == [True] + 5 * [False]
    assert "没有查到" in str(heard[0])
    # Few enough for the pace of one follower, also when one process answers them all.
    assert [phone.say("订阅").text == FOLLOWED for _ in range(4)] == 4 * [True]
    assert phone.leave().status == 200
    forged = Phone(post=post, clock=system_now, token="AnotherToken", aes_key=AES_KEY)
    assert forged.say("张测试甲").status == 403

    with TwilioServer(system_now) as twilio:
        inbound = f"{address}/twilio/inbound"
        assert [twilio.text_in(inbound, "+12025550123", "退订").status for _ in range(4)] == 4 * [200]
        assert twilio.text_in(f"{address}/twilio/status", "+12025550123", "退订").status in (200, 400)
        twilio.token = "another"
        assert twilio.text_in(inbound, "+12025550123", "START").status == 403
    written = Path(log).read_text()
    assert written.count('"event": "request"') >= 12
    assert not [secret for secret in ("张测试甲", "2025550123", "signature=", WECHAT_TOKEN) if secret in written]


@pytest.mark.long
def test_a_gateway_without_an_address_or_a_home_is_one_line(tmp_path: Path) -> None:
    for address in ("nonsense", "127.0.0.1:0"):
        command = [sys.executable, "-m", "gongshi", "serve", "gateway", "--bind", address]
        done = subprocess.run(command, cwd=tmp_path, env=environ(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1

"""How long a follower waits for the WeChat gateway while many ask.

    python benchmarks/gateway.py [--entries 100000] [--rate 300] [--seconds 30] [--workers 2] [--out FILE]

The gateway runs as `gongshi serve gateway` runs it (gunicorn) over an invented list in a temporary folder. A process of its
own plays WeChat: every request is signed and encrypted (AES) beforehand, and sent at its own moment, `--rate` a second,
whether or not those before it were answered; the wait counts from that moment. Connections are kept, as many as are needed.
Each follower asks a few times, well within what one is allowed.

Of ten questions four are names, three case numbers, two record numbers, and one finds nothing. Afterwards every answer is
decrypted and read, out of the measured time: it must be of the right follower, found where something was to be found, and
not be `success` without words, which says that the answer took too long. Ends with 1 where one was not right.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests"))

from public_list import publish  # noqa: E402
from standins.wechat_phone import APPID, Phone  # noqa: E402
from synthetic_documents import build_documents  # noqa: E402

from search_index.document import Document  # noqa: E402

SEED = 2026
TOKEN = "benchmark"
AES_KEY = b64encode(bytes(range(32))).decode().rstrip("=")
P95_BAR = 50.0  # milliseconds
_EACH = 3  # questions of a follower
_SAMPLE = 3_000
_READY_SECONDS = 120
_WARM = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and words that its answer must hold."""

    kind: str
    text: str
    expected: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it goes over the wire, and whose it is."""

    asked: Asked
    openid: str
    wire: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and after how many milliseconds from the moment at which it was to be sent."""

    took: float
    status: int
    body: bytes


# --- what is asked ---------------------------------------------------------------------------------------------------


def draw_questions(documents: Sequence[Document], count: int, random: Random) -> list[Asked]:
    asked = []
    for serial in range(count):
        one = random.choice(documents)
        match serial % 10:
            case 0 | 1 | 2 | 3:
                asked.append(Asked("name", one.name, one.name))
            case 4 | 5 | 6:
                asked.append(Asked("case number", one.case_number, one.record))
            case 7 | 8:
                asked.append(Asked("record number", one.record, one.record))
            case _:
                asked.append(Asked("nothing", f"查无此人{serial}", "没有"))
    random.shuffle(asked)
    return asked


def close_requests(questions: Sequence[Asked]) -> list[Request]:
    """Signed and encrypted now; they are good for five minutes."""
    return [_close(question, serial) for serial, question in enumerate(questions)]


def _close(question: Asked, serial: int) -> Request:
    openid = f"oBENCH{serial // _EACH:022}"
    phone = _phone(openid)
    xml = phone.message("text", f"<Content><![CDATA[{question.text}]]></Content>", 23_000_000_000_000_000 + serial)
    query, body = phone.close(xml)
    head = (
        f"POST /wechat?{urlencode(query)} HTTP/1.1\r\nHost: gateway.example.invalid\r\nContent-Type: text/xml\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return Request(question, openid, head.encode("ascii") + body)


def _phone(openid: str) -> Phone:
    def post(query: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        raise NotImplementedError

    return Phone(post, lambda: datetime.now(UTC), TOKEN, openid, AES_KEY)


# --- asking ----------------------------------------------------------------------------------------------------------


def ask_all(port: int, wires: Sequence[bytes], rate: float) -> list[Answer]:
    return asyncio.run(_ask_all(port, wires, rate))


async def _ask_all(port: int, wires: Sequence[bytes], rate: float) -> list[Answer]:
    kept: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    answers: list[Answer | None] = [None] * len(wires)
    began = time.perf_counter()

    async def ask(place: int) -> None:
        due = began + place / rate
        while True:
            reused = bool(kept)
            reader, writer = kept.pop() if kept else await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(wires[place])
                status, body, keeps = await _read(reader)
                break
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                if not reused:
                    raise
                # The server closes what was idle for a while; a proxy in front of it would open another.
        answers[place] = Answer((time.perf_counter() - due) * 1000, status, body)
        if keeps:
            kept.append((reader, writer))
        else:
            writer.close()

    running = []
    for place in range(len(wires)):
        if (left := began + place / rate - time.perf_counter()) > 0:
            await asyncio.sleep(left)
        running.append(asyncio.create_task(ask(place)))
    await asyncio.gather(*running)
    for _, writer in kept:
        writer.close()
    return [answer for answer in answers if answer is not None]


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:"))
    return int(head.split(" ")[1]), await reader.readexactly(length), "connection: close" not in head


def check(request: Request, answer: Answer) -> str | None:
    """What is wrong with an answer; None: nothing."""
    if answer.status != 200:
        return f"status {answer.status}"
    text = _phone(request.openid).read(answer.body)
    if text is None:
        return "no answer in time"
    return None if request.asked.expected in text else f"a {request.asked.kind} was not answered"


# --- the gateway -----------------------------------------------------------------------------------------------------


@contextmanager
def gateway(home: Path, port: int, workers: int) -> Iterator[subprocess.Popen[bytes]]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("GONGSHI_")}
    environ = own | {
        "GONGSHI_HOME": str(home),
        "GONGSHI_WECHAT_APPID": APPID,
        "GONGSHI_WECHAT_SECRET": "not-used-by-the-gateway",
        "GONGSHI_WECHAT_TOKEN": TOKEN,
        "GONGSHI_WECHAT_AES_KEY": AES_KEY,
        "GONGSHI_WECHAT_BASE_URL": "http://127.0.0.1:9",
        "GONGSHI_PUBLIC_URL": "https://public.example.invalid",
        "GONGSHI_GATEWAY_URL": "https://gateway.example.invalid",
    }
    command = [sys.executable, "-m", "gongshi", "serve", "gateway", "--bind", f"127.0.0.1:{port}"]
    log = (home.parent / "gateway.log").open("wb")
    with (
        log,
        subprocess.Popen(
            [*command, "--workers", str(workers)], env=environ, cwd=ROOT, stdout=log, stderr=log
        ) as process,
    ):
        try:
            _wait_until_ready(port, process)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return
        finally:
            connection.close()
    raise SystemExit("the gateway does not start: see gateway.log")


def _free_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _processor_seconds(pid: int) -> float:
    """What a process and its children have used of a processor."""
    ticks = 0
    for one in [pid, *_children(pid)]:
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


# --- the run ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Waits in milliseconds; `processor_ms` is the gateway's for one answer; `reached` is answers a second."""

    entries: int
    asked: int
    rate: float
    reached: float
    p50: float
    p95: float
    p99: float
    longest: float
    by_kind_p95: dict[str, float]
    processor_ms: float
    wrong: dict[str, int]


def run(folder: Path, entries: int, rate: float, seconds: float, workers: int) -> Found:
    say(f"{entries} entries are published")
    home, random = folder / "home", Random(SEED)
    environ = os.environ | {"GONGSHI_HOME": str(home)}
    subprocess.run([sys.executable, "-m", "gongshi", "init"], env=environ, cwd=ROOT, check=True, capture_output=True)
    _remove(home / "public")
    publish(home, build_documents(entries, SEED), training=False)
    chosen = set(random.sample(range(entries), min(entries, _SAMPLE)))
    sample = [one for place, one in enumerate(build_documents(entries, SEED)) if place in chosen]
    questions = draw_questions(sample, _WARM + int(rate * seconds), random)
    port = _free_port()
    with gateway(home, port, workers) as process, multiprocessing.get_context("spawn").Pool(1) as pool:
        requests = close_requests(questions)
        wires = [request.wire for request in requests]
        say("the first questions are not counted")
        pool.apply(ask_all, (port, wires[:_WARM], rate / 4))
        say(f"{rate:g} questions a second for {seconds:g} seconds")
        used, began = _processor_seconds(process.pid), time.perf_counter()
        answers = pool.apply(ask_all, (port, wires[_WARM:], rate))
        took, used = time.perf_counter() - began, _processor_seconds(process.pid) - used
    say("")
    return sum_up(entries, rate, took, used, requests[_WARM:], answers)


def sum_up(
    entries: int, rate: float, took: float, used: float, requests: Sequence[Request], answers: Sequence[Answer]
) -> Found:
    pairs = list(zip(requests, answers, strict=True))
    wrong = Counter(problem for request, answer in pairs if (problem := check(request, answer)))
    kinds: dict[str, list[float]] = {}
    for request, answer in pairs:
        kinds.setdefault(request.asked.kind, []).append(answer.took)
    cuts = quantiles([answer.took for answer in answers], n=100, method="inclusive")
    return Found(
        entries=entries,
        asked=len(answers),
        rate=rate,
        reached=round(len(answers) / took, 1),
        p50=round(cuts[49], 1),
        p95=round(cuts[94], 1),
        p99=round(cuts[98], 1),
        longest=round(max(answer.took for answer in answers), 1),
        by_kind_p95={kind: round(quantiles(waits, n=100)[94], 1) for kind, waits in sorted(kinds.items())},
        processor_ms=round(1000 * used / len(answers), 2),
        wrong=dict(wrong),
    )


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def say(words: str) -> None:
    """Where it is, on one line of standard error."""
    sys.stderr.write(f"\r\x1b[K{words}")
    sys.stderr.flush()


def show(found: Found) -> None:
    print(
        f"{found.asked} questions, {found.rate:g} a second, {found.entries} entries ({found.reached:g} a second answered)"
    )
    print()
    print("| p50 ms | p95 ms | p99 ms | longest ms | processor ms an answer | not right |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    cells = (found.p50, found.p95, found.p99, found.longest, found.processor_ms, sum(found.wrong.values()))
    print(f"| {' | '.join(f'{cell:g}' for cell in cells)} |")
    print()
    print("p95 by kind: " + ", ".join(f"{kind} {wait:g} ms" for kind, wait in found.by_kind_p95.items()))
    print(f"Bar: p95 below {P95_BAR:g} ms: {'held' if found.p95 < P95_BAR else 'not held'}.")
    for problem, times in found.wrong.items():
        print(f"{times} × {problem}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=300.0, help="questions a second")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--workers", type=int, default=2, help="processes of the gateway")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the figures here, as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gongshi-gateway-") as folder:
        found = run(Path(folder), options.entries, options.rate, options.seconds, options.workers)
    show(found)
    if options.out:
        machine: dict[str, Any] = {
            "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            "on": datetime.now(UTC).date().isoformat(),
        }
        options.out.write_text(json.dumps(machine | asdict(found), ensure_ascii=False, indent=1) + "\n")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())

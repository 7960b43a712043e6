"""Runs a command on a machine of its own that has no network but its own loopback and a server of names that knows nobody.
Prints, as JSON, whom it tried to reach.

Started as root in new namespaces of network and mounts. The name server lies on an address of the loopback that is not 127.0.0.1:
without such an address the resolver of the C library asks nobody, and nothing could be heard.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

NAMES = "192.0.2.1"
_NO_SUCH_NAME = 0x8183
_SECONDS = 120


def main(folder: Path, arguments: list[str], ports: list[int]) -> None:
    subprocess.run(["/bin/sh", "-ec", f"ip link set lo up; ip addr add {NAMES}/32 dev lo"], check=True)
    resolver = folder / "resolv.conf"
    resolver.write_text(f"nameserver {NAMES}\noptions timeout:1 attempts:1\n", encoding="utf-8")
    subprocess.run(["/bin/mount", "--bind", str(resolver), os.path.realpath("/etc/resolv.conf")], check=True)
    asked: list[str] = []
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((NAMES, 53))
    threading.Thread(target=refuse, args=(server, asked), daemon=True).start()
    before = count_unroutable()
    code, answers = run(arguments, ports)
    print(json.dumps({"code": code, "answers": answers, "asked": asked, "unroutable": count_unroutable() - before}))  # noqa: T201


def run(arguments: list[str], ports: list[int]) -> tuple[int, list[int]]:
    """How the command ended, and what each port answered before it was told to end."""
    process = subprocess.Popen(arguments, stdout=sys.stderr)
    answers = [ask(port, process) for port in ports]
    if ports:
        # What talks in the background does so some time after it was started.
        time.sleep(5)
        process.send_signal(signal.SIGINT)
    return process.wait(_SECONDS), answers


def ask(port: int, process: subprocess.Popen[bytes]) -> int:
    """What the first page that can be had there is answered with; 0 where none ever comes."""
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            time.sleep(0.2)
    return 0


def refuse(server: socket.socket, asked: list[str]) -> None:
    """Say to whoever asks for a name that there is none of this name."""
    while True:
        question, whom = server.recvfrom(4096)
        asked.append(read_name(question))
        server.sendto(question[:2] + _NO_SUCH_NAME.to_bytes(2, "big") + question[4:], whom)


def read_name(question: bytes) -> str:
    """The name that is asked for."""
    labels, place = [], 12
    while size := question[place]:
        labels.append(question[place + 1 : place + 1 + size].decode("ascii", "replace"))
        place += 1 + size
    return ".".join(labels)


def count_unroutable() -> int:
    """How often this machine was told to send to an address to which no way leads."""
    lines = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Ip: ")]
    fourth = int(dict(zip(*lines, strict=True))["OutNoRoutes"])
    sixth = re.search(r"Ip6OutNoRoutes\s+(\d+)", Path("/proc/net/snmp6").read_text())
    return fourth + (int(sixth[1]) if sixth else 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3]))

"""Certificates, disks, services, logs, backups: each threshold, and that what cannot be read is said and breaks nothing."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from homes import Home
from pydantic import SecretStr
from standins.twilio_server import ACCOUNT, TOKEN, TwilioServer

from gongshi.watching.finding import grade_above, tell_age
from gongshi.watching.law_checks import grade_next_year
from gongshi.watching.machine import (
    Room,
    Service,
    Unreadable,
    days_left,
    is_clock_kept,
    measure_room,
    read_certificate,
    read_options,
    read_span,
)
from gongshi.watching.machine_checks import (
    judge_balance,
    judge_certificate,
    judge_logs,
    judge_room,
    judge_service,
)
from gongshi.watching.safety_checks import judge_backup, judge_trial
from gongshi.watching.store_checks import judge_pulse, judge_waiting
from notifier.sms.balance import Balance, BalanceUnknown, read_balance
from notifier.sms.settings import TwilioSettings
from search_index.freshness import Limits

NOW = datetime(2027, 1, 5, 10, 0, tzinfo=UTC)


def make_certificate(path: Path, ends: datetime) -> Path:
    """A self-signed certificate with its key behind it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "list.test")])
    made = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key(), serial_number=7)
        .not_valid_before(ends - timedelta(days=90))
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@contextmanager
def served(certificate: Path) -> Iterator[str]:
    """A TLS server that shows `certificate`; its host:port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            try:
                connection, _ = listening.accept()
                with context.wrap_socket(connection, server_side=True) as secure:
                    secure.recv(1)
            except OSError:
                pass

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    thread.join(5)


def test_a_certificate_is_read_from_its_file_and_from_its_server(tmp_path: Path) -> None:
    path = make_certificate(tmp_path / "fullchain.pem", NOW + timedelta(days=20, hours=1))
    assert int(days_left(read_certificate(str(path)), NOW)) == 20
    with served(path) as place:
        assert int(days_left(read_certificate(place), NOW)) == 20
    (tmp_path / "junk.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    for place in (str(tmp_path / "none.pem"), str(tmp_path / "junk.pem"), "127.0.0.1:1", "127.0.0.1:99999"):
        with pytest.raises(Unreadable):
            read_certificate(place)


@pytest.mark.parametrize(
    ("days", "grade"), [(30.1, "ok"), (29.9, "warn"), (7.1, "warn"), (6.9, "fail"), (-1.5, "fail")]
)
def test_a_certificate_is_warned_of_in_time(days: float, grade: str) -> None:
    found = judge_certificate("证书", days)
    assert found.grade == grade
    assert ("到期，浏览器会拒绝" in found.text) == (days < 0)


GB = 10**9


@pytest.mark.parametrize(
    ("room", "grade"),
    [
        (Room(free=50 * GB, share=0.5, files=0.9), "ok"),
        (Room(free=50 * GB, share=0.149, files=0.9), "warn"),
        (Room(free=50 * GB, share=0.049, files=0.9), "fail"),
        (Room(free=GB - 1, share=0.9, files=0.9), "fail"),
        (Room(free=50 * GB, share=0.5, files=0.01), "fail"),
    ],
)
def test_a_disk_is_warned_of_before_it_is_full(room: Room, grade: str) -> None:
    assert judge_room("磁盘", room).grade == grade


def test_the_machine_answers(tmp_path: Path) -> None:
    device, room = measure_room(tmp_path)
    assert device == tmp_path.stat().st_dev
    assert room.free > 0
    assert is_clock_kept() in (True, False, None)


def test_services_logs_and_the_next_year() -> None:
    assert judge_service(Service(name="gongshi-portal.service", active="active")) is None
    found = judge_service(Service(name="gongshi-worker.service", active="failed"))
    assert found is not None
    assert "systemctl restart gongshi-worker" in found.text
    for text, grade in (
        ("MaxRetentionSec=6month", "warn"),
        ("MaxRetentionSec=26w 2d", "ok"),
        ("MaxRetentionSec=184day", "ok"),
        ("#MaxRetentionSec=1day\nStorage=auto", "ok"),
        ("Storage=volatile", "warn"),
        ("[Journal]\nMaxRetentionSec=1y\nMaxRetentionSec=30d", "warn"),
    ):
        assert judge_logs(read_options([text])).grade == grade, text
    assert read_span("infinity") is None
    assert [grade_next_year(datetime(2026, month, 30).date()) for month in (11, 12)] == ["warn", "fail"]


def test_backups_pulse_and_what_the_public_sent_in() -> None:
    def backup(hours: float, *, made: bool = True) -> str:
        moment = NOW - timedelta(hours=hours)
        return judge_backup(moment if made else None, moment, NOW, is_set=True).grade

    assert [backup(hours) for hours in (25.9, 26.1, 50.1)] == ["ok", "warn", "fail"]
    assert [backup(hours, made=False) for hours in (1, 51)] == ["warn", "fail"]
    assert judge_backup(None, NOW - timedelta(days=9), NOW, is_set=False).grade == "warn"
    assert [judge_trial(NOW - timedelta(days=days), NOW).grade for days in (99, 101)] == ["ok", "warn"]
    assert [judge_pulse(NOW - timedelta(hours=hours), NOW, Limits()).grade for hours in (0.5, 2, 13)] == [
        "ok",
        "warn",
        "fail",
    ]
    at = NOW.timestamp()
    assert judge_waiting([at - 800, at + 50], NOW) is None
    found = [judge_waiting([at - age], NOW) for age in (1000, 4000)]
    assert [one.grade for one in found if one] == ["warn", "fail"]
    assert [tell_age(timedelta(**{unit: 50})) for unit in ("minutes", "hours", "days")] == ["50 分钟", "2 天", "50 天"]
    assert grade_above(1, warn=1, fail=2) == "ok"


def test_twilio_tells_what_is_left() -> None:
    with TwilioServer(lambda: NOW) as server:
        settings = TwilioSettings(account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), base_url=server.url)
        server.balance = "4.90"
        assert read_balance(settings) == Balance(amount=4.9, currency="USD")
        server.balance = "viel"
        with pytest.raises(BalanceUnknown):
            read_balance(settings)
        with pytest.raises(BalanceUnknown, match="401"):
            read_balance(settings.model_copy(update={"auth_token": SecretStr("another")}))
    with pytest.raises(BalanceUnknown, match="连接不上"):
        read_balance(settings)
    grades = [judge_balance(Balance(amount=amount, currency="USD")).grade for amount in (20, 19.99, 4.9)]
    assert grades == ["ok", "warn", "fail"]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_doctor_names_the_certificate_and_the_disk_that_is_away(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make_certificate(tmp_path / "old.pem", home.clock() - timedelta(days=2))
    monkeypatch.setenv("GONGSHI_CERTIFICATES", f"{old},{tmp_path}/none.pem")
    monkeypatch.setenv("GONGSHI_WITNESS_FOLDER", str(tmp_path / "away"))
    store = home.folder / "public" / "disclosed.db"
    header = store.read_bytes()[:100]
    said = home.run("doctor", "--json")
    assert store.read_bytes()[:100] == header, "a look changes nothing of the store"
    found = {one["matter"]: one["grade"] for one in said.json["findings"]}
    assert said.code == 1
    assert (found["证书 old.pem"], found["证书 none.pem"], found["磁盘 见证记录"]) == ("fail", "warn", "fail")
    monkeypatch.setenv("GONGSHI_CERTIFICATES", "relative.pem")
    assert "GONGSHI_CERTIFICATES" in home.run("doctor").err

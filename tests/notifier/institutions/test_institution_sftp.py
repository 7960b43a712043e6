"""Packages and letters over SFTP with paramiko, into a server that is not paramiko's: whole or not at all, whatever is lost
and when."""

import json
import logging
import os
import shutil
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import asyncssh
import pytest
from standins.sftp_server import SftpServer

from notifier.channels import Letter, MassMessage, Outcome, Parcel, Stop
from notifier.institutions import Endpoint, Links
from notifier.institutions.acks import FileAck
from notifier.institutions.settings import InstitutionSettings
from notifier.institutions.sftp import SftpChannel, collect_acks
from notifier.states import MessageState

S = MessageState
NAME = "2026Q3-r1"


@pytest.fixture
def channel_to(links: Links) -> Callable[..., SftpChannel]:
    def build(endpoint: Endpoint | None, **changes: Any) -> SftpChannel:
        return SftpChannel(lambda slug: endpoint if endpoint and slug == endpoint.slug else None, links, **changes)

    return build


@pytest.fixture
def small(tmp_path: Path, parcel: Parcel) -> Parcel:
    """A package with the fewest files that one can have, so that every step of it can be tried."""
    folder = tmp_path / "small"
    folder.mkdir()
    manifest = json.loads((parcel.folder / "manifest.json").read_bytes())
    contents = {"a.png": Random(3).randbytes(70_000), "b.csv": b"x", "empty.txt": b""}
    manifest["files"] = [
        {"name": name, "bytes": len(content), "sha256": sha256(content).hexdigest()}
        for name, content in contents.items()
    ]
    contents["manifest.json"] = json.dumps(manifest).encode()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return Parcel(name=NAME, folder=folder)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def expected(parcel: Parcel) -> dict[str, bytes]:
    manifest = (parcel.folder / "manifest.json").read_bytes()
    return {
        **{f"{NAME}/{name}": content for name, content in files_of(parcel.folder).items()},
        f"{NAME}.done": f"{sha256(manifest).hexdigest()}\n".encode(),
    }


def assert_honest(root: Path, parcel: Parcel) -> None:
    """Whoever looks now sees the whole package or none, and `.done` only with all of it."""
    seen = files_of(root)
    if (root / NAME).exists():
        whole = {name: content for name, content in expected(parcel).items() if not name.endswith(".done")}
        assert {name: content for name, content in seen.items() if name.startswith(f"{NAME}/")} == whole
    if f"{NAME}.done" in seen:
        assert (root / NAME).exists()
        assert seen[f"{NAME}.done"] == expected(parcel)[f"{NAME}.done"]


def test_a_package_arrives_whole_and_is_marked(
    channel_to: Any, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, parcel: Parcel
) -> None:
    outcome = channel_to(sftp_endpoint).deliver(dispatch(parcel))
    assert (outcome.state, outcome.stop) == (S.DELIVERED, Stop.NOTHING)
    assert files_of(sftp_root) == expected(parcel)


def test_whoever_watches_never_sees_a_part_of_it(
    channel_to: Any,
    sftp_server: SftpServer,
    sftp_endpoint: Endpoint,
    sftp_root: Path,
    dispatch: Any,
    small: Parcel,
) -> None:
    sftp_server.happenings.on_step = lambda name, path: assert_honest(sftp_root, small)
    assert channel_to(sftp_endpoint).deliver(dispatch(small)).state is S.DELIVERED
    assert sftp_server.happenings.steps[-1] == ("rename", f"/{NAME}.done")


def test_delivered_twice_is_delivered_once(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, small: Parcel
) -> None:
    channel = channel_to(sftp_endpoint)
    sent = dispatch(small)
    channel.deliver(sent)
    steps = len(sftp_server.happenings.steps)
    assert channel.deliver(replace(sent, attempt=2)).state is S.DELIVERED
    assert len(sftp_server.happenings.steps) == steps
    assert files_of(sftp_root) == expected(small)
    assert channel.repeatable


def test_lost_at_every_step_and_delivered_again(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, small: Parcel
) -> None:
    happenings = sftp_server.happenings
    happenings.on_step = lambda name, path: assert_honest(sftp_root, small)
    channel, step = channel_to(sftp_endpoint), 0
    outcome: Outcome | None = None
    while outcome is None or outcome.state is not S.DELIVERED:
        step += 1
        for path in sftp_root.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        sent = dispatch(small)
        happenings.steps.clear()
        happenings.lose_at = step
        outcome = channel.deliver(sent)
        # Also when all that was lost is the answer.
        assert outcome.state is S.DELIVERED or outcome.may_have_arrived
        assert_honest(sftp_root, small)
        happenings.lose_at = None
        assert channel.deliver(replace(sent, attempt=2)).state is S.DELIVERED
        assert files_of(sftp_root) == expected(small)
    # The folder, two steps for each of four files, the name, and two for the mark.
    assert step == 1 + 8 + 1 + 2 + 1


@pytest.mark.parametrize("at", [0, 1, 32_768, 40_000, 70_000, 70_001, 70_900])
def test_lost_at_a_byte_and_delivered_again(
    channel_to: Any,
    sftp_server: SftpServer,
    sftp_endpoint: Endpoint,
    sftp_root: Path,
    dispatch: Any,
    small: Parcel,
    at: int,
) -> None:
    sent = dispatch(small)
    sftp_server.happenings.lose_after = at
    assert channel_to(sftp_endpoint).deliver(sent).state is S.FAILED_TEMPORARY
    assert not (sftp_root / NAME).exists()
    sftp_server.happenings.lose_after = None
    sftp_server.happenings.written = 0
    assert channel_to(sftp_endpoint).deliver(replace(sent, attempt=2)).state is S.DELIVERED
    assert files_of(sftp_root) == expected(small)
    # What was whole by then is not sent again.
    assert at <= 70_000 or sftp_server.happenings.written < 70_000


@pytest.mark.soak
def test_lost_at_any_byte_of_a_real_package(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, parcel: Parcel
) -> None:
    size, random = sum(len(content) for content in files_of(parcel.folder).values()), Random(7)
    for _ in range(60):
        sent = dispatch(parcel)
        for attempt in range(1, 4):
            sftp_server.happenings.written = 0
            sftp_server.happenings.lose_after = random.randrange(size)
            channel_to(sftp_endpoint).deliver(replace(sent, attempt=attempt))
            assert_honest(sftp_root, parcel)
        sftp_server.happenings.lose_after = None
        assert channel_to(sftp_endpoint).deliver(replace(sent, attempt=9)).state is S.DELIVERED
        assert files_of(sftp_root) == expected(parcel)
        shutil.rmtree(sftp_root / NAME)
        (sftp_root / f"{NAME}.done").unlink()


def test_a_full_disk_is_noticed_though_writes_are_pipelined(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, small: Parcel
) -> None:
    sftp_server.happenings.full = True
    assert channel_to(sftp_endpoint).deliver(dispatch(small)).state is S.FAILED_TEMPORARY
    assert not (sftp_root / NAME).exists()
    sftp_server.happenings.full = False
    assert channel_to(sftp_endpoint).deliver(dispatch(small)).state is S.DELIVERED
    assert files_of(sftp_root) == expected(small)


def test_a_write_refused_in_the_middle_is_noticed(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, small: Parcel
) -> None:
    """Of three writes in a row the second is refused, so the file has its full size and a hole in it."""
    sftp_server.happenings.refuse_write = 2
    assert channel_to(sftp_endpoint).deliver(dispatch(small)).state is S.FAILED_TEMPORARY
    assert not (sftp_root / NAME).exists()
    assert channel_to(sftp_endpoint).deliver(dispatch(small)).state is S.DELIVERED
    assert files_of(sftp_root) == expected(small)


def test_a_server_without_posix_rename(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, small: Parcel
) -> None:
    sftp_server.happenings.plain = True
    assert channel_to(sftp_endpoint).deliver(dispatch(small)).state is S.DELIVERED
    assert files_of(sftp_root) == expected(small)


def test_a_server_whose_rename_replaces_nothing(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, recall: Letter
) -> None:
    sftp_server.happenings.plain = True
    sent = dispatch(recall)
    assert channel_to(sftp_endpoint).deliver(sent).state is S.DELIVERED
    (sftp_root / "notices" / f"{sent.id}.json").unlink()
    assert channel_to(sftp_endpoint).deliver(replace(sent, attempt=2)).state is S.DELIVERED
    assert {path.name for path in (sftp_root / "notices").iterdir()} == {f"{sent.id}.txt", f"{sent.id}.json"}


def test_a_server_that_writes_in_gbk(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, small: Parcel
) -> None:
    """Names of others in the folder, and what it says of a file that is not there."""
    theirs = os.fsencode(sftp_root) + "/节目单.txt".encode("gbk")
    Path(os.fsdecode(theirs)).write_bytes(b"theirs")
    (sftp_root / f"{NAME}.ack").write_bytes(b"")
    sftp_server.happenings.gbk = True
    assert channel_to(sftp_endpoint).deliver(dispatch(small, attempt=2)).state is S.DELIVERED
    assert set(expected(small)) <= set(files_of(sftp_root))
    found = collect_acks([sftp_endpoint], InstitutionSettings())
    assert ([ack.name for ack in found.acks], found.problems) == ([NAME], [])


def test_many_files_go_over_several_lines(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, parcel: Parcel
) -> None:
    large = many(parcel, sftp_root.parent / "many", 40)
    assert channel_to(sftp_endpoint).deliver(dispatch(large)).state is S.DELIVERED
    assert files_of(sftp_root) == expected(large)
    assert sftp_server.happenings.channels == 4
    assert sftp_server.happenings.connections == 1


def test_many_files_lost_in_the_middle(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, parcel: Parcel
) -> None:
    large = many(parcel, sftp_root.parent / "many", 40)
    sent = dispatch(large)
    sftp_server.happenings.lose_at = 50
    assert channel_to(sftp_endpoint).deliver(sent).state is S.FAILED_TEMPORARY
    assert_honest(sftp_root, large)
    sftp_server.happenings.lose_at = None
    assert channel_to(sftp_endpoint).deliver(replace(sent, attempt=2)).state is S.DELIVERED
    assert files_of(sftp_root) == expected(large)


@pytest.mark.parametrize("at", ["mkdir", "a.png", "manifest.json", f"/{NAME}", f"{NAME}.done"])
@pytest.mark.parametrize("late", [False, True])
def test_an_attempt_taken_for_dead_comes_back(
    links: Links,
    sftp_server: SftpServer,
    sftp_endpoint: Endpoint,
    sftp_root: Path,
    dispatch: Any,
    small: Parcel,
    at: str,
    late: bool,
) -> None:
    """The first attempt stands still at some step; the second one runs to its end, or fails because of it."""
    sent, happenings, outcomes = dispatch(small), sftp_server.happenings, []
    held = threading.Event()
    resumed: list[str] = []

    def on_step(name: str, path: str) -> None:
        if not resumed and (name == at or (name == "rename" and path.endswith(at))):
            resumed.append(path)
            held.set()

    happenings.on_step = on_step

    def deliver(attempt: int) -> None:
        channel = SftpChannel(lambda _: sftp_endpoint, links)
        outcomes.append(channel.deliver(replace(sent, attempt=attempt)).state)

    first = threading.Thread(target=deliver, args=(1,))
    first.start()
    held.wait()
    if late:
        first.join()
    deliver(2)
    first.join()
    assert set(outcomes) <= {S.DELIVERED, S.FAILED_TEMPORARY}
    if outcomes[-1] is not S.DELIVERED or set(files_of(sftp_root)) != set(expected(small)):
        # Whichever of the two was last knew only a part; the next one puts it right.
        deliver(3)
        assert outcomes[-1] is S.DELIVERED
    assert files_of(sftp_root) == expected(small)


def test_a_folder_that_got_its_name_meanwhile(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, small: Parcel
) -> None:
    """Another attempt renames its folder just before this one does."""

    def on_step(name: str, path: str) -> None:
        if name == "rename" and path == f"/{NAME}":
            shutil.copytree(small.folder, sftp_root / NAME)

    sftp_server.happenings.on_step = on_step
    assert channel_to(sftp_endpoint).deliver(dispatch(small)).state is S.DELIVERED
    assert files_of(sftp_root) == expected(small)
    assert {path.name for path in sftp_root.iterdir()} == {NAME, f"{NAME}.done"}


def test_what_a_lost_delivery_of_an_earlier_revision_left_is_removed(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, small: Parcel
) -> None:
    """It may name somebody who has left the list since."""
    sftp_server.happenings.lose_at = 5
    assert channel_to(sftp_endpoint).deliver(dispatch(small)).may_have_arrived
    sftp_server.happenings.lose_at = None
    (aside,) = sftp_root.iterdir()
    theirs = ["2026Q2-r1-0123456789ab.part", "2026Q3-r9-0123456789ab.part", "2026Q3-r1-other.part"]
    for name in theirs:
        (sftp_root / name).mkdir()
    manifest = json.loads((small.folder / "manifest.json").read_bytes()) | {"revision": 2}
    (small.folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    newer = Parcel(name="2026Q3-r2", folder=small.folder)
    assert channel_to(sftp_endpoint).deliver(dispatch(newer)).state is S.DELIVERED
    assert not aside.exists()
    assert {path.name for path in sftp_root.iterdir()} == {"2026Q3-r2", "2026Q3-r2.done", *theirs}


def test_what_others_have_there_is_left_alone(
    channel_to: Any, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, small: Parcel
) -> None:
    (sftp_root / "other.part").write_bytes(b"theirs")
    (sftp_root / NAME).mkdir()
    (sftp_root / NAME / "manifest.json").write_bytes(b"{}")
    (sftp_root / NAME / "x.part").write_bytes(b"theirs")
    before = files_of(sftp_root)
    outcome = channel_to(sftp_endpoint).deliver(dispatch(small))
    assert outcome.state is S.FAILED_PERMANENT
    assert "同名而内容不同" in outcome.detail
    assert files_of(sftp_root) == before


def test_a_mark_of_another_package_is_left_alone(
    channel_to: Any, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, small: Parcel
) -> None:
    (sftp_root / f"{NAME}.done").write_bytes(b"0" * 64)
    assert channel_to(sftp_endpoint).deliver(dispatch(small)).state is S.FAILED_PERMANENT
    assert files_of(sftp_root) == {f"{NAME}.done": b"0" * 64}


def test_a_damaged_package_stays_here(
    channel_to: Any, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, small: Parcel
) -> None:
    (small.folder / "b.csv").write_bytes(b"y")
    outcome = channel_to(sftp_endpoint).deliver(dispatch(small))
    assert outcome.state is S.FAILED_TEMPORARY
    assert "校验值不符" in outcome.detail
    assert not (sftp_root / NAME).exists()


# Letters -------------------------------------------------------------------------------------------------------------


def test_a_letter_and_what_it_says_to_a_machine(
    channel_to: Any, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, recall: Letter
) -> None:
    sent = dispatch(replace(recall, files={"../附件.txt": b"x"}))
    assert channel_to(sftp_endpoint).deliver(sent).state is S.DELIVERED
    notices = files_of(sftp_root / "notices")
    assert set(notices) == {f"{sent.id}.txt", f"{sent.id}.json", f"{sent.id}-_附件.txt"}
    assert notices[f"{sent.id}.txt"].decode().startswith(recall.text)
    said = json.loads(notices[f"{sent.id}.json"])
    assert said["facts"] == dict(recall.facts)
    assert said["acknowledge"] == f"https://gateway.example.invalid/acks/{sent.id}-mac"
    assert said["files"][f"{sent.id}.txt"] == sha256(notices[f"{sent.id}.txt"]).hexdigest()


def test_a_letter_lost_at_every_step(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, recall: Letter
) -> None:
    happenings, channel = sftp_server.happenings, channel_to(sftp_endpoint)
    for step in range(1, 6):
        sent = dispatch(recall)
        happenings.steps.clear()
        happenings.lose_at = step
        assert channel.deliver(sent).state is S.FAILED_TEMPORARY or step > 5
        assert not (sftp_root / "notices" / f"{sent.id}.json").exists()
        happenings.lose_at = None
        assert channel.deliver(replace(sent, attempt=2)).state is S.DELIVERED
        assert {p.suffix for p in (sftp_root / "notices").iterdir()} == {".txt", ".json"}
        shutil.rmtree(sftp_root / "notices")


def test_a_letter_that_is_there_is_left(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, dispatch: Any, recall: Letter
) -> None:
    sent = dispatch(recall)
    channel_to(sftp_endpoint).deliver(sent)
    steps = len(sftp_server.happenings.steps)
    assert channel_to(sftp_endpoint).deliver(replace(sent, attempt=2)).state is S.DELIVERED
    assert len(sftp_server.happenings.steps) == steps


def test_a_folder_below_the_users_own(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, sftp_root: Path, dispatch: Any, small: Parcel
) -> None:
    (sftp_root / "入站").mkdir()
    endpoint = replace(sftp_endpoint, address=f"{sftp_server.url}~/%E5%85%A5%E7%AB%99/")
    assert channel_to(endpoint).deliver(dispatch(small)).state is S.DELIVERED
    assert files_of(sftp_root / "入站") == expected(small)


# Doors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key_type", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
def test_signing_in_with_our_key(
    links: Links, sftp_root: Path, private_key: Path, dispatch: Any, recall: Letter, key_type: str
) -> None:
    with SftpServer(sftp_root, key_type=key_type) as server:
        server.admit(private_key.with_suffix(".pub").read_text())
        endpoint = Endpoint(slug="tv", name="", address=server.url, options={"host_key": server.host_key})
        channel = SftpChannel(lambda _: endpoint, links, key=private_key)
        assert channel.deliver(dispatch(recall)).state is S.DELIVERED


def test_a_server_with_another_key_is_told_nothing(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, dispatch: Any, recall: Letter
) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    sftp_server.password = "another"
    outcome = channel_to(replace(sftp_endpoint, options={"host_key": other})).deliver(dispatch(recall))
    assert (outcome.state, outcome.stop) == (S.FAILED_TEMPORARY, Stop.NOTHING)
    assert "主机公钥与登记的不符" in outcome.detail
    assert sftp_server.happenings.signed_in == 0


def test_a_server_that_has_no_key_of_the_registered_kind(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, dispatch: Any, recall: Letter
) -> None:
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode()
    outcome = channel_to(replace(sftp_endpoint, options={"host_key": other})).deliver(dispatch(recall))
    assert outcome.state is S.FAILED_TEMPORARY
    assert sftp_server.happenings.signed_in == 0


@pytest.mark.parametrize("host_key", ["", "ssh-ed25519", "ssh-ed25519 AAAA", "not a key"])
def test_without_a_host_key_nobody_is_called(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, dispatch: Any, recall: Letter, host_key: str
) -> None:
    outcome = channel_to(replace(sftp_endpoint, options={"host_key": host_key})).deliver(dispatch(recall))
    assert outcome.state is S.FAILED_TEMPORARY
    assert "主机公钥" in outcome.detail
    assert sftp_server.happenings.connections == 0


def test_a_wrong_password(channel_to: Any, sftp_endpoint: Endpoint, dispatch: Any, recall: Letter) -> None:
    outcome = channel_to(replace(sftp_endpoint, secret="wrong-password")).deliver(dispatch(recall))
    assert (outcome.state, outcome.stop) == (S.FAILED_TEMPORARY, Stop.NOTHING)
    assert "没有接受" in outcome.detail
    assert "wrong-password" not in outcome.detail


def test_neither_key_nor_password(channel_to: Any, sftp_endpoint: Endpoint, dispatch: Any, recall: Letter) -> None:
    outcome = channel_to(replace(sftp_endpoint, secret=None)).deliver(dispatch(recall))
    assert "GONGSHI_SFTP_KEY" in outcome.detail


def test_nobody_there_and_nobody_registered(
    channel_to: Any, sftp_endpoint: Endpoint, dispatch: Any, recall: Letter
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = replace(sftp_endpoint, address=f"sftp://court@127.0.0.1:{free.getsockname()[1]}/")
        outcome = channel_to(nowhere).deliver(dispatch(recall))
        assert (outcome.state, outcome.may_have_arrived) == (S.FAILED_TEMPORARY, False)
    assert channel_to(None).deliver(dispatch(recall)).state is S.FAILED_TEMPORARY
    assert channel_to(sftp_endpoint).deliver(dispatch(MassMessage(text="x"))).state is S.FAILED_PERMANENT


def test_a_server_that_falls_silent_after_the_login_is_left(
    channel_to: Any,
    sftp_server: SftpServer,
    sftp_endpoint: Endpoint,
    dispatch: Any,
    recall: Letter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The client waits for the answer to its question for a channel without any bound of its own."""
    monkeypatch.setattr("notifier.institutions.ssh._OPENING", 1.0)
    let_go = threading.Event()
    sftp_server.happenings.on_session = let_go.wait
    try:
        assert channel_to(sftp_endpoint).deliver(dispatch(recall)).state is S.FAILED_TEMPORARY
        assert sftp_server.happenings.signed_in == 1
    finally:
        let_go.set()


def test_a_folder_that_is_not_there(
    channel_to: Any, sftp_server: SftpServer, sftp_endpoint: Endpoint, dispatch: Any, small: Parcel
) -> None:
    endpoint = replace(sftp_endpoint, address=f"{sftp_server.url}nowhere")
    outcome = channel_to(endpoint).deliver(dispatch(small))
    assert outcome.state is S.FAILED_TEMPORARY
    assert "文件夹" in outcome.detail


def test_neither_user_nor_path_nor_password_reaches_a_log(
    channel_to: Any, sftp_endpoint: Endpoint, dispatch: Any, small: Parcel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert channel_to(sftp_endpoint).deliver(dispatch(small)).state is S.DELIVERED
    assert channel_to(replace(sftp_endpoint, secret="wrong")).deliver(dispatch(small)).state is S.FAILED_TEMPORARY
    said = " ".join(f"{record.name} {record.getMessage()}" for record in caplog.records)
    assert not any(word in said for word in ("court", NAME, sftp_endpoint.secret or "", "wrong", "paramiko"))


# Answers -------------------------------------------------------------------------------------------------------------


def test_answers_are_found_where_they_were_written(sftp_endpoint: Endpoint, sftp_root: Path) -> None:
    (sftp_root / "notices").mkdir()
    (sftp_root / f"{NAME}.ack").write_bytes(b"")
    os.utime(sftp_root / f"{NAME}.ack", (1_790_000_000, 1_790_000_000))
    (sftp_root / "notices" / "d-1.ack").write_text(
        '{"kind": "taken_down", "by": "值班编辑", "at": "2026-10-08T15:00:00", "place": "官网首页"}', "utf-8"
    )
    (sftp_root / "notices" / "d-2.nak.json").write_text('{"reason": "文件不能打开"}', "utf-8-sig")
    (sftp_root / "readme.txt").write_text("no answer")
    found = collect_acks([sftp_endpoint], InstitutionSettings())
    assert found.problems == []
    assert found.acks == [
        FileAck(slug="tv", name=NAME, given_at=datetime.fromtimestamp(1_790_000_000, UTC)),
        FileAck(
            slug="tv",
            name="d-1",
            kind="taken_down",
            given_by="值班编辑",
            given_at=datetime.fromisoformat("2026-10-08T15:00:00+08:00"),
            place="官网首页",
        ),
        replace(found.acks[2], name="d-2", refused="文件不能打开"),
    ]


def test_an_answer_is_read_again_only_when_it_changed(sftp_endpoint: Endpoint, sftp_root: Path) -> None:
    seen: dict[tuple[str, str], tuple[int, int]] = {}
    file = sftp_root / f"{NAME}.ack"
    file.write_bytes(b"")
    assert [ack.kind for ack in collect_acks([sftp_endpoint], InstitutionSettings(), seen=seen).acks] == [None]
    assert collect_acks([sftp_endpoint], InstitutionSettings(), seen=seen).acks == []
    file.write_text('{"kind": "aired"}')
    assert [ack.kind for ack in collect_acks([sftp_endpoint], InstitutionSettings(), seen=seen).acks] == ["aired"]


def test_junk_is_a_problem_and_the_rest_is_read(
    sftp_server: SftpServer, sftp_endpoint: Endpoint, sftp_root: Path
) -> None:
    (sftp_root / "a-locked.ack").write_bytes(b"")
    sftp_server.happenings.locked = {"a-locked.ack"}
    for number, junk in enumerate(
        [b"[]", b"{", b"\xff\xfe", b'{"by": "' + b"x" * 5000 + b'"}', b'{"kind": "eaten"}', b'{"at": "gestern"}']
    ):
        (sftp_root / f"junk-{number}.ack").write_bytes(junk)
    (sftp_root / "good.ack").write_bytes(b"{}")
    (sftp_root / "folder.ack").mkdir()
    found = collect_acks([replace(sftp_endpoint, slug="away", secret="wrong"), sftp_endpoint], InstitutionSettings())
    assert [ack.name for ack in found.acks] == ["good"]
    assert [problem.slug for problem in found.problems] == ["away"] + ["tv"] * 7


def many(parcel: Parcel, folder: Path, slides: int) -> Parcel:
    """The package with so many slides more."""
    shutil.copytree(parcel.folder, folder)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for number in range(slides):
        content = Random(number).randbytes(3_000)
        (folder / f"slide-{number}.png").write_bytes(content)
        manifest["files"].append(
            {"name": f"slide-{number}.png", "bytes": len(content), "sha256": sha256(content).hexdigest()}
        )
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return Parcel(name=NAME, folder=folder)

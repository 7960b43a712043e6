"""What proves a package: checksums and signature, with coreutils and OpenSSL alone, and with our own command."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from gongshi.cli import run
from gongshi.clock import World
from notifier.package import Edition, Package, build_package
from notifier.package.checking import NotAPackage, Verdict, check_package
from notifier.signing import (
    SigningKey,
    SigningKeyError,
    VerifyKey,
    create_signing_key,
    make_signing_key,
    open_signing_key,
    open_verify_key,
    read_verify_key,
)
from search_index.document import Document

TODAY = date(2026, 11, 1)


@pytest.fixture
def folder(tmp_path: Path, package: Package) -> Path:
    made = tmp_path / "2026Q3-r1"
    made.mkdir()
    for name, content in package.files.items():
        (made / name).write_bytes(content)
    return made


def check(files: dict[str, bytes], key: VerifyKey | None = None, today: date = TODAY) -> Verdict:
    return check_package(files.keys(), files.__getitem__, key=key, today=today)


def problems(verdict: Verdict) -> dict[str, str]:
    return {problem.file: problem.problem for problem in verdict.problems}


# --- with what every Linux has -----------------------------------------------------------------------------------


def tell(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})


OPENSSL = [
    *("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "public-key.pem"),
    *("-rawin", "-in", "manifest.json", "-sigfile", "manifest.json.sig"),
]


@pytest.mark.office
def test_coreutils_and_openssl_alone_confirm_a_package(folder: Path, package: Package) -> None:
    summed = tell(["sha256sum", "--strict", "-c", "SHA256SUMS"], folder)
    assert summed.returncode == 0, summed.stderr
    assert len(summed.stdout.splitlines()) == len(package.files) - 1
    assert tell(OPENSSL, folder).returncode == 0


@pytest.mark.office
def test_coreutils_and_openssl_alone_find_a_change(folder: Path) -> None:
    manifest = folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"2027-01-04", b"2029-01-04"))
    assert tell(["sha256sum", "-c", "SHA256SUMS"], folder).returncode != 0
    assert tell(OPENSSL, folder).returncode != 0


@pytest.mark.office
def test_openssl_reads_the_fingerprint_that_the_letter_tells(
    folder: Path, key: SigningKey, read_words: Callable[[str, bytes], str]
) -> None:
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", "public-key.pem", "-outform", "DER"],
        cwd=folder,
        check=True,
        capture_output=True,
    ).stdout
    digest = subprocess.run(["sha256sum"], input=der, check=True, capture_output=True).stdout.decode()[:64]
    assert key.public.fingerprint.replace(" ", "").lower() == digest
    assert key.public.fingerprint in read_words("推送函.docx", (folder / "推送函.docx").read_bytes())


# --- with our own ------------------------------------------------------------------------------------------------


def test_a_package_as_made_is_confirmed(package: Package, key: SigningKey) -> None:
    own = check(dict(package.files))
    assert (own.problems, own.trusted, own.fingerprint) == ((), False, key.public.fingerprint)
    given_key = check(dict(package.files), key.public)
    assert (given_key.problems, given_key.trusted) == ((), True)
    assert (own.period, own.revision, own.entries, own.training) == ("2026Q3", 1, 5, False)
    assert (own.last_day_of_use, own.expired) == (date(2027, 1, 4), False)
    assert not check(dict(package.files), today=date(2027, 1, 4)).expired
    assert check(dict(package.files), today=date(2027, 1, 5)).expired


@settings(max_examples=40)
@given(data=st.data())
def test_whatever_byte_is_changed_it_is_found(made: Package, data: st.DataObject) -> None:
    files = dict(made.files)
    name = data.draw(st.sampled_from(sorted(files)))
    place = data.draw(st.integers(0, len(files[name]) - 1))
    flip = data.draw(st.integers(1, 255))
    content = bytearray(files[name])
    content[place] ^= flip
    files[name] = bytes(content)
    key = make_signing_key(bytes(range(32))).public
    try:
        verdict = check(files, key)
    except NotAPackage:
        assert name == "manifest.json"
        return
    assert verdict.problems
    assert verdict.trusted == (name not in ("manifest.json", "manifest.json.sig"))


@pytest.fixture(scope="module")
def made() -> Package:
    from documents import AT, a_document

    from notifier.calendar import Period
    from search_index.profile import Profile

    edition = Edition(
        period=Period(2026, 3),
        revision=1,
        sequence=1,
        made_at=AT,
        last_day_of_use=TODAY,
        profile=Profile(court="测试市人民法院"),
    )
    return build_package(edition, [a_document(1)], key=make_signing_key(bytes(range(32))))


@pytest.mark.parametrize("name", ["list.csv", "画面-001.png", "public-key.pem", "SHA256SUMS", "manifest.json.sig"])
def test_a_file_that_is_missing_is_found(package: Package, name: str) -> None:
    files = {**package.files}
    del files[name]
    assert name in problems(check(files))


def test_a_file_too_many_is_found(package: Package) -> None:
    assert problems(check({**package.files, "补充名单.xlsx": b"x"})) == {"补充名单.xlsx": "清单中没有这个文件"}


def test_a_package_signed_by_another_is_found_with_the_courts_key_only(
    edition: Edition, entries: list[Document], key: SigningKey
) -> None:
    forged = dict(build_package(edition, entries, key=make_signing_key(b"f" * 32)).files)
    assert check(forged).problems == ()
    assert not check(forged).trusted
    verdict = check(forged, key.public)
    assert set(problems(verdict)) == {"public-key.pem", "manifest.json.sig"}
    assert (verdict.trusted, verdict.fingerprint) == (False, None)


def test_checksums_made_anew_do_not_help_a_forger(package: Package, key: SigningKey) -> None:
    from hashlib import sha256

    files = {**package.files, "list.csv": b"\xef\xbb\xbfforged"}
    manifest = json.loads(files["manifest.json"])
    for file in manifest["files"]:
        if file["name"] == "list.csv":
            file |= {"bytes": len(files["list.csv"]), "sha256": sha256(files["list.csv"]).hexdigest()}
    files["manifest.json"] = json.dumps(manifest, ensure_ascii=False).encode()
    sums = sorted((name, sha256(content).hexdigest()) for name, content in files.items() if name != "SHA256SUMS")
    files["SHA256SUMS"] = "".join(f"{digest}  {name}\n" for name, digest in sums).encode()
    assert set(problems(check(files))) == {"manifest.json.sig"}


def test_a_package_without_a_signature_proves_nothing(edition: Edition, entries: list[Document]) -> None:
    verdict = check(dict(build_package(edition, entries).files))
    assert set(problems(verdict)) == {"manifest.json.sig"}
    assert verdict.fingerprint is None


MANIFEST: dict[str, Any] = {
    "format": "gongshi-package/2",
    "period": "2026Q3",
    "revision": 1,
    "training": False,
    "counts": {"total": 0},
    "not_to_be_used_after": "2027-01-04",
    "files": [],
}


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"[" * 100_000,
        json.dumps({**MANIFEST, "format": "gongshi-package/9"}).encode(),
        json.dumps({**MANIFEST, "files": [{"name": "a"}]}).encode(),
        json.dumps({**MANIFEST, "files": ["a"]}).encode(),
        json.dumps({**MANIFEST, "files": [{"name": 1, "bytes": 1, "sha256": ""}]}).encode(),
        json.dumps({**MANIFEST, "counts": None}).encode(),
        json.dumps({**MANIFEST, "revision": True}).encode(),
        json.dumps({**MANIFEST, "not_to_be_used_after": "morgen"}).encode(),
        json.dumps({**MANIFEST, "not_to_be_used_after": 3}).encode(),
    ],
)
def test_what_is_no_manifest_is_refused_with_a_line(broken: bytes) -> None:
    with pytest.raises(NotAPackage, match=r"manifest\.json"):
        check({"manifest.json": broken})


def test_a_name_in_a_manifest_leads_nowhere(package: Package) -> None:
    asked: list[str] = []
    body = {**MANIFEST, "files": [{"name": "../../etc/passwd", "bytes": 1, "sha256": "\ud800"}]}
    files = {"manifest.json": json.dumps(body).encode(), "SHA256SUMS": b""}

    def read(name: str) -> bytes:
        asked.append(name)
        return files[name]

    verdict = check_package(files.keys(), read, key=None, today=TODAY)
    assert problems(verdict)["../../etc/passwd"] == "缺少这个文件"
    assert set(asked) <= set(files)


# --- the key -----------------------------------------------------------------------------------------------------


def test_a_key_file_is_for_its_owner_and_made_once(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "signing.pem"
    create_signing_key(path, Random(1).randbytes)
    create_signing_key(path, Random(2).randbytes)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["signing.pem"]
    assert open_signing_key(path).public.pem == make_signing_key(Random(1).randbytes(32)).public.pem


@pytest.mark.office
def test_openssl_reads_the_key_file(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    create_signing_key(path)
    told = subprocess.run(["openssl", "pkey", "-in", str(path), "-pubout"], check=True, capture_output=True).stdout
    assert read_verify_key(told).fingerprint == open_signing_key(path).public.fingerprint


def test_a_key_is_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    create_signing_key(path, lambda count: b"\x41" * count)
    key = open_signing_key(path)
    assert repr(key) == "SigningKey()"
    path.write_text(path.read_text()[:-40])
    with pytest.raises(SigningKeyError, match="从备份恢复") as damaged:
        open_signing_key(path)
    assert "QUFB" not in str(damaged.value)
    assert damaged.value.__cause__ is None


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    path, public = tmp_path / "p256.pem", tmp_path / "p256.pub"
    other = ec.generate_private_key(ec.SECP256R1())
    pkcs8, bare = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(other.private_bytes(serialization.Encoding.PEM, pkcs8, bare))
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(other.public_key().public_bytes(serialization.Encoding.PEM, spki))
    with pytest.raises(SigningKeyError, match="不是 Ed25519"):
        open_signing_key(path)
    with pytest.raises(SigningKeyError, match="不是 Ed25519"):
        open_verify_key(public)
    with pytest.raises(SigningKeyError, match="读不到"):
        open_verify_key(tmp_path / "nothing.pem")
    with pytest.raises(SigningKeyError, match="PEM"):
        open_verify_key(path)


# --- the command -------------------------------------------------------------------------------------------------


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """`gongshi package verify …`: exit code, what it printed, and what it complained of."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["package", "verify", *arguments], World(now=lambda: datetime(2026, 11, 1, tzinfo=UTC)))
        out, err = capfd.readouterr()
        return code, out, err

    return call


def test_verify_needs_no_home_and_tells_the_fingerprint(
    command: Callable[..., tuple[int, str, str]], folder: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGSHI_HOME", str(folder / "nowhere"))
    code, out, _ = command(str(folder))
    assert code == 0
    assert "签名和全部文件的校验值相符" in out
    assert key.public.fingerprint in out
    assert "公钥取自名单包本身" in out


def test_verify_with_the_courts_key_says_so_to_a_machine(
    command: Callable[..., tuple[int, str, str]], folder: Path, key: SigningKey, tmp_path: Path
) -> None:
    (tmp_path / "court.pem").write_bytes(key.public.pem)
    code, out, _ = command(str(folder), "--key", str(tmp_path / "court.pem"), "--json")
    assert code == 0
    assert json.loads(out) == {
        "valid": True,
        "period": "2026Q3",
        "revision": 1,
        "entries": 5,
        "training": False,
        "not_to_be_used_after": "2027-01-04",
        "expired": False,
        "public_key_sha256": key.public.fingerprint,
        "trusted": True,
        "problems": [],
    }


def test_verify_answers_one_for_a_changed_package_and_names_the_file(
    command: Callable[..., tuple[int, str, str]], folder: Path
) -> None:
    (folder / "list.csv").write_bytes(b"changed")
    code, out, _ = command(str(folder))
    assert code == 1
    assert "有问题：list.csv：内容与清单的校验值不符" in out
    assert "校验值相符" not in out


def test_verify_does_not_follow_links_or_go_into_folders(
    command: Callable[..., tuple[int, str, str]], folder: Path
) -> None:
    real = folder.parent / "list.csv"
    (folder / "list.csv").rename(real)
    (folder / "list.csv").symlink_to(real)
    (folder / "more\x1b[31m").mkdir()
    code, out, _ = command(str(folder))
    assert code == 1
    assert "list.csv：内容与清单的校验值不符" in out
    assert "more[31m：清单中没有这个文件" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("what", ["nothing", "empty", "key"])
def test_verify_answers_two_where_nothing_can_be_checked(
    command: Callable[..., tuple[int, str, str]], folder: Path, tmp_path: Path, what: str
) -> None:
    (tmp_path / "empty").mkdir()
    arguments = {
        "nothing": [str(tmp_path / "nothing")],
        "empty": [str(tmp_path / "empty")],
        "key": [str(folder), "--key", str(tmp_path / "nothing.pem")],
    }[what]
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("未核对：")
    assert len(err.splitlines()) == 1


def test_verify_says_that_a_package_is_too_old_or_an_exercise(
    command: Callable[..., tuple[int, str, str]], edition: Edition, key: SigningKey, tmp_path: Path
) -> None:
    past = replace(edition, last_day_of_use=date(2026, 10, 1), profile=replace(edition.profile, training=True))
    for name, content in build_package(past, [], key=key).files.items():
        (tmp_path / name).write_bytes(content)
    code, out, _ = command(str(tmp_path))
    assert code == 0
    assert "已过最后使用日2026年10月1日，不得再使用" in out
    assert "演练数据，不得使用" in out

"""What the command line does when its surroundings are not as they should be: one line, an exit code, no traceback."""

from __future__ import annotations

import gettext
import json
import os
import pwd
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import click
import pytest
from entries import a_person
from homes import Home
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gongshi.cli import COMMANDS, cli, run
from gongshi.settings import BadSetting, read_settings
from registry.departing import WITHDRAWAL_GROUNDS
from registry.tables import AuditRow

ROOT = Path(__file__).parents[2]


def gongshi(*arguments: str, env: Mapping[str, str] = {}, **how: object) -> subprocess.CompletedProcess[str]:
    """`gongshi ARGUMENTS` as a process of its own."""
    given = {"PATH": os.environ["PATH"], "GONGSHI_HOME": "nowhere", **env}
    command = [sys.executable, "-m", "gongshi", *arguments]
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        command, env=given, capture_output=True, text=True, timeout=60, cwd=how.pop("cwd", ROOT), **how
    )


def one_line(said: subprocess.CompletedProcess[str]) -> str:
    assert said.returncode == 2, said.stdout + said.stderr
    (line,) = said.stderr.splitlines()
    assert line.startswith("未办理：")
    return line


# What is said ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number",
    [
        *("13800000000", "138-0000-1111", "138 0000 1111", "１３８００００００００", "0999-2000001", "(0999)2000001"),
        *("990101198005060019", "990101 19800506 0019", "6217 0000 0000 0000 001", "E12345678", "护照号EA1234567"),
    ],
)
def test_a_number_typed_in_the_wrong_place_is_not_repeated(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["import", f"{number}.jsonl", "--as", "clerk"], [number]):
        assert run(arguments) == 2
        said = capsys.readouterr().err
        assert "位号码" in said
        assert number[-4:] not in said


@pytest.mark.parametrize("word", ["2019-03-01", "（2019）测01民初123号", "20190301.jsonl", "1,350,000.00"])
def test_what_leads_to_nobody_is_repeated(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([word]) == 2
    assert word in capsys.readouterr().err


# Settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REGISTRY_URL", "nonsense"),
        ("REGISTRY_URL", "mysql://host/base"),
        ("REGISTRY_URL", "postgresql://host/base"),
        ("REGISTRY_URL", "postgresql+psycopg://host:port/base"),
        ("REGISTRY_URL", "postgresql+psycopg://user:secret@host"),
        ("DISCLOSED_URL", "sqlite://"),
        ("DISCLOSED_URL", "sqlite:///:memory:"),
        ("NOTIFIER_URL", "sqlite+aiosqlite:///x.db"),
        ("SEARCH_ENGINE", "opensearch"),
        ("SEARCH_ENGINE", "other"),
        ("PUBLIC_URL", "ftp://host"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "host"),
    ],
)
def test_a_bad_setting_is_named_in_one_line_without_its_value(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"GONGSHI_{name}", value)
    with pytest.raises(BadSetting, match=rf"^设置 GONGSHI_{name} 无效：[^\n]*[\u4e00-\u9fff]+"):
        read_settings()
    said = home.run("publish", "--json")
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert said.json.keys() == {"error", "rule"}
    assert "secret" not in said.err + said.out


def test_an_empty_setting_is_as_if_it_were_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "REGISTRY_URL", "SEARCH_ENGINE", "PUBLIC_URL"):
        monkeypatch.setenv(f"GONGSHI_{name}", "")
    settings = read_settings()
    assert (settings.home, settings.search_engine, settings.public_url) == (Path("var"), "whoosh", "")


# The words ---------------------------------------------------------------------------------------------------------


def commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name in group.commands if group is not cli else COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_help_is_in_chinese(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*path, "--help"]) == 0
    said = capsys.readouterr().out
    assert "用法" in said
    assert no_english(said), said


@pytest.mark.parametrize(
    "arguments",
    [
        ("import",),
        ("import", "/nonexistent", "--as", "x"),
        ("import", "/", "--as", "x"),
        ("import", "/dev/null", "extra", "--as", "x"),
        ("approve", "x", "--as", "x"),
        ("approve", "99999999999999999999", "--as", "x"),
        ("approve", "0", "--as", "x"),
        ("approve", "1", "--as"),
        ("approve", "1", "--as", "x", "--confirm", "y"),
        ("withdraw", "SX", "--as", "x", "--basis", "y"),
        ("remove", "SX", "--ground", "z", "--as", "x", "--basis", "y"),
        ("hold", "SX", "--as", "x", "--arose", "yesterday"),
        ("deadline", "exit", "--from", "2026-02-30"),
        ("publish", "--no-such"),
        ("publish", "--json=1"),
        ("generate", "0", "--out", "x"),
        ("generate", "1", "--out", "/"),
        ("nosuch",),
        ("index", "nosuch"),
        ("withdraw", "\udcff", "--ground", "minor", "--as", "x", "--basis", "y"),
        ("correct", "SX", "--set", "990101198001020015", "--as", "x"),
    ],
)
def test_a_slip_at_the_keyboard_is_one_chinese_line_and_one_object(home: Home, arguments: tuple[str, ...]) -> None:
    said = home.run(*arguments)
    assert (said.code, said.out) == (2, "")
    (line,) = said.err.splitlines()
    assert line.startswith("未办理：")
    assert no_english(line), line
    assert "990101198001020015" not in line
    said = home.run(arguments[0], "--json", *arguments[1:])
    assert said.code == 2
    assert said.json.keys() == {"error", "rule"}


def no_english(said: str) -> bool:
    """Whether there is no English word but the names of commands, options, values and formats."""
    plain = re.sub(
        r"--?[a-z][\w-]*|gongshi( [a-z]+)*|'[^']*'|“[^”]*”|\[[^\]]*\]|[a-z0-9]+(?:[_|+.:/-][\w.]*)+", " ", said
    )
    names = {name for path in commands() for name in path}
    return not set(re.findall(r"[A-Za-z]{2,}", plain)) - ALLOWED - names - WITHDRAWAL_GROUNDS.keys()


ALLOWED = {
    "Prometheus",
    "JSON",
    "Lines",
    "XLSX",
    "DOCX",
    "Markdown",
    "CSV",
    "UTF",
    "GB",
    "SVG",
    "PNG",
    "KB",
    "GONGSHI",
    "HOME",
    "YYYY",
    "MM",
    "DD",
    "Ctrl",
    "PEM",
    "SFTP",
    "TLS",
    "TOML",
    # Names of settings and of columns.
    "DESK",
    "UNITS",
    "HOSTS",
    "BACKUP",
    "FOLDER",
    "date",
    "type",
}
ALLOWED |= {"var", "home", "art", "redactions", "SX", "usage", "id"}
# Values of options.
ALLOWED |= {"sftp", "webhook", "pull", "private", "risk", "served", "confirm"}


def test_the_catalogue_is_compiled_from_its_source(tmp_path: Path) -> None:
    folder = ROOT / "gongshi" / "locale" / "zh_CN" / "LC_MESSAGES"
    compiled = gettext.GNUTranslations(BytesIO((folder / "messages.mo").read_bytes()))  # type: ignore[arg-type]
    entries = re.findall(
        r'^msgid (".*")\n(?:msgid_plural (".*")\n)?msgstr(?:\[0\])? (".*")$', (folder / "messages.po").read_text(), re.M
    )
    assert len(entries) > 50
    for single, plural, told in entries:
        one, many, wanted = (json.loads(text) if text else "" for text in (single, plural, told))
        if one:
            assert (compiled.ngettext(one, many, 1) if many else compiled.gettext(one)) == wanted


# Who, and in what surroundings -------------------------------------------------------------------------------------


def test_the_audit_line_names_the_account_of_the_system_and_not_of_the_environment(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    home.ask("import", home.write("a.jsonl", [a_person(1)]), "--as", "clerk")
    with registry_of(home) as session:
        (detail,) = session.scalars(select(AuditRow.detail).where(AuditRow.action == "command"))
    assert detail["os_account"] == pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.long
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_bare_environment_and_a_plain_terminal(home: Home) -> None:
    home.publish(a_person(1, name="测试𠮷"))
    env = {"GONGSHI_HOME": str(home.folder), **home.databases}
    for plain in ({"LANG": "C"}, {"LC_ALL": "POSIX"}, {"PYTHONIOENCODING": "latin-1"}, {"PYTHONIOENCODING": "ascii"}):
        said = gongshi("doctor", "--json", env={**env, **plain})
        # By the clock of this machine the home has been silent for some time, which is a fault.
        assert said.returncode in (0, 1), said.stderr
        assert json.loads(said.stdout)["findings"]


@pytest.mark.long
def test_taking_a_name_down_does_not_wait_for_the_detector(home: Home) -> None:
    home.publish(a_person(1))
    asked = ["hold", a_person(1)["case_number"], "--basis", "来信", "--as", "clerk"]
    code = f"import sys; from gongshi.cli import run; print(run({asked!r}), {{'registry.redaction.detect', 'onnxruntime', 'numpy'}} & set(sys.modules))"
    environ = {"GONGSHI_HOME": str(home.folder), **home.databases, "PATH": os.environ["PATH"]}
    said = subprocess.run([sys.executable, "-c", code], env=environ, cwd=ROOT, capture_output=True, text=True)
    assert said.stdout.splitlines()[-1] == "0 set()", said.stderr


@pytest.mark.long
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_reader_who_leaves_and_an_output_that_is_shut(home: Home) -> None:
    env = {"GONGSHI_HOME": str(home.folder), **home.databases, "PATH": os.environ["PATH"]}
    command = f"{sys.executable} -m gongshi doctor"
    for line, code in ((f"{command} | head -c 1", 0), (f"{command} >&-", 0), (f"{command} > /dev/full", 2)):
        said = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line], env=env, cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert said.returncode == code, (line, said.stderr)
        assert len(said.stderr.splitlines()) == (code != 0), (line, said.stderr)


@pytest.mark.long
def test_ctrl_c_is_one_line_and_the_work_can_be_repeated(home: Home) -> None:
    many = home.write("many.jsonl", [a_person(serial) for serial in range(1, 5001)])
    env = {"GONGSHI_HOME": str(home.folder), **home.databases, "PATH": os.environ["PATH"]}
    command = [sys.executable, "-m", "gongshi", "import", str(many), "--as", "clerk", "--json"]
    with subprocess.Popen(
        command,
        env=env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background has it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        while not staged(home) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    assert json.loads(out)["rule"] == "aborted"
    assert err.split() == ["未办理：已中止"]
    assert home.ask("import", many, "--as", "clerk")["accepted"] == 5000


def staged(home: Home) -> bool:
    court = home.court
    with court.reading() as session:
        found = session.scalar(text("SELECT count(*) FROM record"))
    court.close()
    return bool(found)


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"\0\1\2" * 99, b"{", b"[]", b"\xff\xfe\0\0", b"PK\x03\x04 broken", b"x"]
)
def test_a_file_that_holds_nothing_is_refused(home: Home, content: bytes) -> None:
    file = home.folder.parent / "file.jsonl"
    file.write_bytes(content)
    said = home.run("import", file, "--as", "clerk", "--json")
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert said.json.keys() == {"error", "rule"}


def test_a_pipe_is_not_a_file(home: Home) -> None:
    os.mkfifo(home.folder.parent / "pipe")
    assert home.run("import", home.folder.parent / "pipe", "--as", "clerk").code == 2


def break_registry(home: Home) -> None:
    (home.folder / "registry" / "registry.db").write_bytes(b"not a database" * 999)


def lose_registry(home: Home) -> None:
    (home.folder / "registry" / "registry.db").unlink()


def lose_tables(home: Home) -> None:
    with registry_of(home) as session:
        session.execute(text("DROP TABLE record"))


def lose_store(home: Home) -> None:
    (home.folder / "public" / "disclosed.db").unlink()


def lose_index(home: Home) -> None:
    shutil.rmtree(home.folder / "public" / "index")


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("damage", "command"),
    [
        (break_registry, ("publish",)),
        (lose_registry, ("publish",)),
        (lose_tables, ("publish",)),
        (lose_store, ("publish",)),
        (lose_store, ("index", "verify")),
        (lose_index, ("index", "verify")),
    ],
)
def test_a_damaged_home_is_one_line(home: Home, damage: Callable[[Home], None], command: tuple[str, ...]) -> None:
    home.publish(a_person(1))
    damage(home)
    said = home.run(*command, "--json")
    assert (said.code, len(said.err.splitlines())) == (2, 1), said.err
    assert said.json.keys() == {"error", "rule"}


@pytest.mark.postgres
@pytest.mark.parametrize("databases", ["postgres"], indirect=True)
def test_lost_tables_of_a_server_are_one_line(home: Home) -> None:
    with registry_of(home) as session:
        session.execute(text("DROP TABLE record CASCADE"))
    said = home.run("publish")
    assert (said.code, len(said.err.splitlines())) == (2, 1), said.err


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.long
def test_a_full_disk_is_one_line_and_spoils_nothing(home: Home) -> None:
    many = home.write("many.jsonl", [a_person(serial) for serial in range(1, 3001)])

    def shrink() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))

    line = one_line(gongshi("import", str(many), "--as", "clerk", env=env_of(home), preexec_fn=shrink))
    assert "磁盘" in line or "大小" in line
    assert home.ask("import", many, "--as", "clerk")["accepted"] == 3000


# The modules are loaded first: that user may not be able to read the checkout.
AS_NOBODY = """
import os, sys
import gongshi.commands.departures, gongshi.commands.home, gongshi.commands.publishing, sqlalchemy.dialects.sqlite
import psycopg
from gongshi.cli import run
os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.separation
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_home_of_somebody_else_is_one_line(home: Home) -> None:
    for folder in (home.folder, *home.folder.parents):
        if folder.stat().st_uid == os.getuid() and folder.is_relative_to("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    for command in (
        ("publish",),
        ("withdraw", "SX-00000000", "--ground", "minor", "--basis", "x", "--as", "y"),
        ("init",),
    ):
        said = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, *command],
            env=env_of(home),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "没有权限" in one_line(said)


@pytest.mark.long
def test_a_home_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for home in (tmp_path / "file", tmp_path / "file" / "below"):
        one_line(gongshi("init", env={"GONGSHI_HOME": str(home)}))


def env_of(home: Home) -> dict[str, str]:
    return {"GONGSHI_HOME": str(home.folder), **home.databases}


@contextmanager
def registry_of(home: Home) -> Iterator[Session]:
    """One transaction on the registry of a home."""
    court = home.court
    try:
        with court.session() as session:
            yield session
    finally:
        court.close()

"""Make a home with the code of a release, by its own commands, and write down what it holds: see README.md.

    cd RELEASE && .venv/bin/python /…/tests/kept/make.py NAME FOLDER

It imports nothing of today's code: it runs beside that of any release.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import sys
import tarfile
from contextlib import closing, redirect_stderr, redirect_stdout, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).parent
SHANGHAI = timezone(timedelta(hours=8))
BOTH = ("--confirm", "art3", "--confirm", "redactions")
CLERK, REVIEWER, ADMIN = "书记员", "审核人", "管理员"


def tell(*words: object) -> None:
    sys.stderr.write(" ".join(str(word) for word in words) + "\n")


class Maker:
    """The commands of the release beside this file, at a time that is told."""

    def __init__(self, home: Path) -> None:
        sys.path.insert(0, str(Path.cwd()))
        import gongshi.cli
        from gongshi.clock import World

        self.home, self.moment = home, datetime(2026, 10, 9, 10, 0, tzinfo=SHANGHAI)
        self.commands = gongshi.cli.COMMANDS
        self._run, self.world = gongshi.cli.run, World(now=lambda: self.moment, random=Random(11))
        assert Path(gongshi.cli.__file__).is_relative_to(Path.cwd()), "another release's code"

    def run(self, *arguments: object, typed: str = "") -> tuple[int, str]:
        out, err, keyboard = io.StringIO(), io.StringIO(), sys.stdin
        sys.stdin = io.StringIO(typed)
        try:
            with redirect_stdout(out), redirect_stderr(err):
                code = self._run([str(one) for one in arguments], self.world)
        finally:
            sys.stdin = keyboard
        tell(self.moment.strftime("%m-%d %H:%M"), "gongshi", *arguments, "→", code, err.getvalue().strip()[:200])
        return code, out.getvalue()

    def ask(self, *arguments: object) -> dict[str, Any]:
        code, out = self.run(*arguments, "--json")
        assert code in (0, 1), out
        found: dict[str, Any] = json.loads(out)
        return found

    def go(self, day: int, hour: int = 10, month: int = 10) -> None:
        self.moment = datetime(2026, month, day, hour, 0, tzinfo=SHANGHAI)

    def bring_in(self, lines: list[str], *, approve: bool = True) -> None:
        file = self.home.parent / "lines.jsonl"
        file.write_text("".join(lines), encoding="utf-8")
        batch = self.ask("import", file, "--as", CLERK)["batch"]
        if approve:
            for _ in range(2):  # what was to be looked at first is looked at in between
                self.run("approve", batch, "--as", REVIEWER, *BOTH)
                self.run("findings", batch, "--as", REVIEWER)
        file.unlink()

    def number(self, case: int) -> str:
        """The public number of the entry of a case."""
        for body in documents(self.home):
            if body["case_number"] == f"（2025）测0101执{case}号":
                return str(body["record"])
        raise LookupError(case)


def live(maker: Maker) -> None:
    """Three months of a small court."""
    lines = (HERE / "entries.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    maker.run("init")
    for name, role in ((CLERK, "clerk"), (REVIEWER, "reviewer"), (ADMIN, "admin")):
        maker.run("user", "add", name, "--role", role, typed="kouling-2026-ceshi\n")
    maker.run("profile", "--set", "court=测试市人民法院", "--as", ADMIN)
    maker.bring_in(lines[:24])
    maker.run("publish")
    partners(maker)
    maker.go(12)
    maker.run("push", "--period", "2026Q3")
    work(maker)
    maker.go(13)
    departures(maker)
    work(maker)
    maker.go(14)
    cases(maker)
    maker.bring_in(lines[24:28])
    maker.bring_in(lines[28:], approve=False)
    maker.run("publish")
    work(maker)
    maker.go(3, month=11)  # by now two terms are over
    maker.run("publish")
    work(maker)


def work(maker: Maker) -> None:
    """What the worker does, until nothing of it is left for now."""
    for _ in range(4):
        maker.run("worker", "--once")
        maker.moment += timedelta(minutes=20)


def partners(maker: Maker) -> None:
    """Whoever is told: recipients, units, readers, where the release has them."""
    common = ("--kind", "television", "--channel", "sandbox", "--as", REVIEWER)
    if "recipient" in maker.commands:
        maker.run("recipient", "add", "board", "--name", "测试报社", *common)
    if "unit" in maker.commands:
        basis = ("--push", "--releases", "--feedback", "--basis", "测试办法第三条", "--as", REVIEWER)
        maker.run("unit", "add", "zrzy", "--name", "测试市自然资源局", *basis)
    if "reader" in maker.commands:
        purpose = ("--contact", "测试", "--purpose", "征信核对")
        maker.run("reader", "add", "--name", "测试平台", *purpose, "--as", REVIEWER)


def departures(maker: Maker) -> None:
    """Every fate that an entry can have."""
    by = ("--basis", "结案通知书", "--as", REVIEWER)
    maker.run("withdraw", maker.number(1), "--ground", "wrongly_listed", *by)
    for case, ground in ((2, "performed"), (3, "settled"), (4, "applicant_request"), (5, "no_property_found")):
        maker.run("remove", maker.number(case), "--ground", ground, *by)
    maker.run("hold", maker.number(6), "--basis", "提出异议", "--as", REVIEWER)
    parts = (
        "--set",
        "performance=部分未履行",
        "--set",
        "performed_part=已履行5000元",
        "--set",
        "unperformed_part=其余",
    )
    maker.run("correct", maker.number(7), *parts, *BOTH, "--as", REVIEWER)


def cases(maker: Maker) -> None:
    """What people sent in and what is due, where the release has a desk."""
    with suppress(ImportError):
        from gongshi.commands.demo_desk import CLERK as DEMO_CLERK
        from gongshi.commands.demo_desk import open_cases
        from gongshi.court import Court
        from gongshi.settings import read_settings

        maker.run("user", "add", DEMO_CLERK, "--role", "clerk", typed="kouling-2026-ceshi\n")
        court = Court(read_settings(), maker.world)
        numbers = [maker.number(case) for case in (8, 9, 10, 11)]
        open_cases(court, lambda arguments, typed: tell(maker.run(*arguments, typed=typed)[0]), numbers, maker.home)
        court.close()
        for file in maker.home.glob("*.jsonl"):
            file.unlink()


# What it holds ------------------------------------------------------------------------------------------------------


def read(file: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def documents(home: Path) -> list[dict[str, Any]]:
    rows = read(home / "public" / "disclosed.db", "SELECT body FROM document ORDER BY record")
    return [json.loads(body) for (body,) in rows]


def counts(file: Path) -> dict[str, int]:
    """How many rows each table has."""
    names = [name for (name,) in read(file, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return {name: read(file, f'SELECT count(*) FROM "{name}"')[0][0] for name in names if not name.startswith("sqlite")}


def holdings(home: Path) -> dict[str, Any]:
    """All that must be the same after an upgrade."""
    registry, notifier, store = (
        home / "registry/registry.db",
        home / "notifier/notifier.db",
        home / "public/disclosed.db",
    )
    states = "SELECT id, state, number FROM record ORDER BY id"
    outbox = "message" if "message" in counts(notifier) else None
    return {
        "heads": {
            "registry": read(registry, "SELECT version_num FROM alembic_version")[0][0],
            "notifier": read(notifier, "SELECT version_num FROM notifier_version")[0][0],
        },
        "documents": documents(home),
        "gone": [row[0] for row in read(store, "SELECT record FROM tombstone ORDER BY record")],
        "sequence": read(store, "SELECT sequence FROM state")[0][0],
        "states": read(registry, states),
        "messages": read(notifier, f"SELECT id, state FROM {outbox} ORDER BY id") if outbox else [],
        "rows": {"registry": counts(registry), "notifier": counts(notifier)},
        "inbox": sum(1 for file in (home / "notifier").rglob("*") if file.is_file() and "sandbox" in file.parts),
    }


def main(name: str, folder: Path) -> None:
    home = folder / name
    shutil.rmtree(home, ignore_errors=True)
    os.environ["GONGSHI_HOME"] = str(home)
    os.umask(0o022)
    maker = Maker(home)
    live(maker)
    for file in (home / "registry/registry.db", home / "notifier/notifier.db"):
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    failing = sorted({one["matter"] for one in maker.ask("doctor")["findings"] if one["grade"] == "fail"})
    # Pictures are most of the bytes, and no upgrade looks into them.
    for picture in (home / "notifier").rglob("*.png"):
        picture.unlink()
    found = {"release": name, "at": maker.moment.isoformat(), "failing": failing, **holdings(home)}
    (HERE / f"{name}.json").write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    with tarfile.open(HERE / f"{name}.tar.xz", "w:xz", preset=9) as archive:
        archive.add(home, name, filter=plain)
    tell(name, (HERE / f"{name}.tar.xz").stat().st_size, "bytes;", len(found["documents"]), "public")


def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nobody's name and no hour of the day in the archive."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

"""What keeps a court running, done to the court of the canaries: keys, backups, files for an isolated portal, papers for the
law. What it leaves outside the home is looked through like everything else that leaves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from search_index.day import day_of

if TYPE_CHECKING:
    from canary_court import CanaryCourt

# What an installation is told, at the least.
ANSWERS = """
court = "测试市人民法院"
public_name = "list.example"
tls = "none"
"""


def keep_running(court: CanaryCourt, admin: str) -> None:
    """Recovery keys, a backup, a trial of it, codes, what is over, papers for the law, files for an isolated portal."""
    words = court.do("recovery", "make", "--as", admin)
    typed = "\n".join(words["words"]) + "\n"
    court.do("recovery", "show")
    court.do("recovery", "confirm", typed=typed)
    for name in ("backups", "journal", "bundles", "papers"):
        (court.files / name).mkdir(mode=0o700)
    backup = court.do("backup", "--to", court.files / "backups")["file"]
    court.do("backup", "list")
    court.do("restore", "--trial", backup, typed=typed)
    court.do("emergency", "codes", "--as", admin)
    court.do("emergency", "list", "--as", admin)
    court.do("retention", "--run", "--today", day_of(court.home.clock()))
    papers = court.files / "papers"
    court.do("handover", "assessment", "--out", papers / "a.docx")
    court.do("handover", "privacy", "--out", papers / "p.docx")
    key = court.do("journal", "key")
    court.do("journal", "export", "--to", court.files / "journal")
    with _elsewhere(court.files / "isolated", str(key["key"])):
        court.do("journal", "init")
        court.run("journal", "apply", court.files / "journal", "--keep", "--json")
        court.do("journal", "submissions", "--out", court.files / "bundles")
    court.do("journal", "receive", court.files / "bundles")
    answers = court.files / "answers.toml"
    answers.write_text(ANSWERS, encoding="utf-8")
    court.run("setup", "--answers", answers, "--root", court.files / "root", "--check")
    court.run("upgrade", "--check")


def fail_to_keep_running(court: CanaryCourt, number: str, admin: str) -> None:
    """The same with what cannot be."""
    court.fail("recovery", "make", "--shares", f"{number}/2", "--as", admin)
    court.fail("recovery", "confirm", typed=f"{number}\n")
    court.fail("backup", "--to", court.home.folder / "public" / number)
    court.fail("restore", "--trial", court.files / number, typed=f"{number}\n")
    court.fail("emergency", "codes", "--as", number)
    court.fail("emergency", "lift", number, "--as", admin)
    court.fail("handover", "privacy", "--out", court.files / f"{number}.pdf")
    court.fail("journal", "export", "--to", court.home.folder / "public" / number)
    court.fail("setup", "--answers", court.files / number)
    court.fail("upgrade", f"--{number}")
    own = court.home.folder / "registry" / "retention.toml"
    own.write_text(f"[terms]\n{number} = 1\n", encoding="utf-8")
    court.fail("retention")
    own.unlink()


@contextmanager
def _elsewhere(home: Path, key: str) -> Iterator[None]:
    """A portal's machine, which has nothing of the court's but the key that it trusts."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("GONGSHI_")]:
        del os.environ[name]
    os.environ |= {"GONGSHI_HOME": str(home), "GONGSHI_JOURNAL_KEY": key}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)

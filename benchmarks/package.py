"""How long a quarter's package takes, from the list in the store to the files on the disk, and how much memory.

    python benchmarks/package.py [--entries 5000] [--folder FOLDER]

makes an invented list (`synthetic_documents.py`), an older one that a tenth of it was not in, and measures, each in a
process of its own: the package of the quarter (every file, slides included, signed, safe on the disk), the same asked for
again while nothing has changed, one revision more after a departure, and `gongshi package verify`. It asserts nothing
about time. Seconds are by the clock on the wall; peak MB is the most memory that the process ever held (`ru_maxrss`).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlalchemy import select
from sqlalchemy.orm import Session
from synthetic_documents import build_documents

from gongshi.calendar import StateCouncilCalendar
from gongshi.cli import run
from notifier.calendar import Period
from notifier.context import Notifier, open_notifier
from notifier.database import migrate
from notifier.packages import ensure_package
from notifier.runs import push
from notifier.settings import NotifierSettings
from notifier.signing import KEY_FILE, create_signing_key
from notifier.tables import RunRow
from search_index.document import Document
from search_index.journal import ChangeType, EntryChange, JournalEntry, ProfileChange
from search_index.profile import Profile
from search_index.register import Register
from search_index.store import Store, StoreWriter

SEED = 5
BEFORE, PERIOD = Period(2026, 2), Period(2026, 3)
BEGUN = datetime(2026, 7, 1, 2, tzinfo=UTC)
NOW = datetime(2026, 10, 8, 2, tzinfo=UTC)
_AT_ONCE = 500


def open_home(folder: Path) -> Notifier:
    settings = NotifierSettings(url=f"sqlite:///{folder}/notifier/notifier.db", folder=folder / "notifier")
    migrate(settings)
    create_signing_key(settings.folder / KEY_FILE)
    register = Register(Store(_store(folder)), folder / "index")
    return open_notifier(
        settings,
        register,
        StateCouncilCalendar(),
        signing_key=settings.folder / KEY_FILE,
        commission_number="（{year}）测法推{quarter}号",
    )


def _store(folder: Path) -> str:
    return f"sqlite:///{folder}/disclosed.db"


def publish(folder: Path, documents: list[Document], position: int) -> int:
    """Add documents to the store behind `position`; where it stands then."""
    writer = StoreWriter(_store(folder))
    writer.create()
    lines: list[JournalEntry] = []
    if position == 0:
        profile = Profile(court="测试市人民法院", telephone="0000-0000000", website="https://court.example.invalid")
        lines.append(ProfileChange(position=1, at=BEGUN, body=profile.as_json()))
    for place, document in enumerate(documents, start=position + len(lines) + 1):
        lines.append(_line(place, ChangeType.PUBLISHED, document.record, document))
    for start in range(0, len(lines), _AT_ONCE):
        writer.apply(lines[start : start + _AT_ONCE])
    writer.close()
    return position + len(lines)


def _line(position: int, kind: ChangeType, record: str, document: Document | None = None) -> EntryChange:
    body = document and document.as_json()
    return EntryChange(position=position, at=BEGUN, sequence=position, type=kind, record=record, body=body)


# --- what is measured --------------------------------------------------------------------------------------------


def make_package(folder: Path) -> str:
    """The package of the quarter, with the run that it is of."""
    made = push(open_home(folder), PERIOD, now=NOW, made_by="测量")
    assert made.package is not None
    sizes = [path.stat().st_size for path in made.package.iterdir()]
    return f"{made.entries} entries, {len(sizes)} files, {sum(sizes) / 1e6:.0f} MB"


def ask_again(folder: Path) -> str:
    """The same when nothing has changed: first in a process that knows nothing of it, then ten times more."""
    notifier = open_home(folder)
    run_id = find_run(notifier)
    begun = time.perf_counter()
    ensure_package(notifier, run_id, PERIOD, NOW)
    first = time.perf_counter() - begun
    begun = time.perf_counter()
    for _ in range(10):
        ensure_package(notifier, run_id, PERIOD, NOW)
    return f"first {first:.2f} s, then {(time.perf_counter() - begun) * 100:.1f} ms each"


def revise(folder: Path) -> str:
    """One more revision, after an entry has left."""
    notifier = open_home(folder)
    _, documents = notifier.register.everything(NOW)
    writer = StoreWriter(_store(folder))
    writer.apply([_line(writer.position() + 1, ChangeType.GONE, documents[0].record)])
    writer.close()
    made = ensure_package(notifier, find_run(notifier), PERIOD, NOW)
    return f"revision {made.revision}, {made.entries} entries"


def verify(folder: Path) -> str:
    """`gongshi package verify` of the last revision."""
    made = folder / "notifier" / "packages" / str(PERIOD) / "r2"
    if run(["package", "verify", str(made)]):
        raise SystemExit("the package is not as it was made")
    return ""


def find_run(notifier: Notifier) -> int:
    with Session(notifier.engine) as session:
        return session.scalars(select(RunRow.id).where(RunRow.period == str(PERIOD))).one()


STEPS: dict[str, Callable[[Path], str]] = {
    "package of the quarter": make_package,
    "asked for again": ask_again,
    "next revision": revise,
    "package verify": verify,
}


def prepare(folder: Path, entries: int) -> None:
    """The list, and the package of the quarter before, without the last tenth of it."""
    documents = list(build_documents(entries, SEED))
    old = len(documents) - len(documents) // 10
    position = publish(folder, documents[:old], 0)
    push(open_home(folder), BEFORE, now=BEGUN, made_by="测量")
    publish(folder, documents[old:], position)


def measure(step: str, folder: Path) -> None:
    """Do one step and print what it took as JSON."""
    begun = time.perf_counter()
    remark = STEPS[step](folder)
    seconds = time.perf_counter() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "processor": time.process_time(), "memory": memory, "remark": remark}))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=5000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--step", choices=["prepare", *STEPS], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step == "prepare":
        prepare(given.folder, given.entries)
        return
    if given.step:
        measure(given.step, given.folder)
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        # This process stays small: what it holds would count as the peak of those that it starts.
        subprocess.run(
            [sys.executable, __file__, "--step", "prepare", "--folder", name, "--entries", str(given.entries)],
            check=True,
        )
        print("| step | seconds | processor seconds | peak MB | remark |")
        print("| --- | ---: | ---: | ---: | --- |")
        for step in STEPS:
            command = [sys.executable, __file__, "--step", step, "--folder", name]
            told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
            found = json.loads(told)
            print(
                f"| {step} | {found['seconds']:.1f} | {found['processor']:.1f} | {found['memory']:.0f} | {found['remark']} |"
            )


if __name__ == "__main__":
    main()

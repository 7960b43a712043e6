"""Which release this is, which one a home was last brought to, and whether the two belong together."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Literal

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gongshi.settings import Settings
from search_index.database import for_reading, sqlite_file, writing_engine
from search_index.durable import write_private

NOTE = "version.json"
_REVISION = re.compile(r"(\d{4})_\w+\.py")
# The notifier may share a database with the registry, so its table has a name of its own.
_TABLES = {"registry": "alembic_version", "notifier": "notifier_version"}

Side = Literal["registry", "notifier"]
Order = Literal["older", "same", "newer"]


class UpgradeRefused(Exception):
    """The home is not brought to this version, or does not belong to it. The message is for the administrator."""

    rule = "upgrade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A version of the product, and the newest revisions of its tables; none where there are no tables."""

    version: str
    registry: str | None
    notifier: str | None

    def compare(self, other: Release) -> Order:
        """How this one stands to `other`: by the tables first, since those cannot go back."""
        mine, theirs = self._tables(), other._tables()
        if any(own > its for own, its in zip(mine, theirs, strict=True)):
            return "newer"
        if mine != theirs:
            return "older"
        own, its = _numbers(self.version), _numbers(other.version)
        return "same" if own == its else "newer" if own > its else "older"

    def _tables(self) -> tuple[str, str]:
        return self.registry or "", self.notifier or ""


def this_release() -> Release:
    """The release that runs."""
    try:
        number = version("gongshi")
    except PackageNotFoundError:
        number = "0"
    return Release(version=number, registry=_newest("registry"), notifier=_newest("notifier"))


def read_release(settings: Settings) -> Release:
    """The release that a home was last brought to: what is noted, and what its tables say, which has the last word. One of
    before releases were noted has the version 0."""
    try:
        noted = str(json.loads((settings.private / NOTE).read_text(encoding="utf-8"))["version"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        noted = "0"
    return Release(
        version=noted,
        registry=read_head(settings.registry_database, "registry"),
        notifier=read_head(settings.notifier_database, "notifier"),
    )


def note_release(settings: Settings) -> None:
    """Write down that a home has been brought to this release."""
    write_private(settings.private / NOTE, json.dumps(asdict(this_release())) + "\n")


def read_head(url: str, side: Side) -> str | None:
    """The revision of a database; None where it has no tables yet."""
    path = sqlite_file(url)
    if path is not None and not path.exists():
        return None
    engine = writing_engine(url, journal_mode="WAL")
    try:
        with for_reading(engine).connect() as connection:
            # S608: one of two names of our own.
            found = connection.execute(text(f"SELECT version_num FROM {_TABLES[side]}")).scalar()  # noqa: S608
            return None if found is None else str(found)
    except DBAPIError as error:
        if any(words in str(error.orig) for words in ("no such table", "does not exist")):
            return None
        raise
    finally:
        engine.dispose()


def require_release(settings: Settings) -> None:
    """Raises UpgradeRefused where a home is not of this release."""
    order = this_release().compare(_find_quickly(settings))
    if order == "newer":
        raise UpgradeRefused("数据目录还是旧版本的：请先备份，再以系统管理员身份运行 gongshi upgrade")
    if order == "older":
        raise UpgradeRefused("数据目录已由更新的版本升级，本版本不能使用：请运行那个版本，或从备份恢复")


def require_notifier_release(settings: Settings) -> None:
    """The same by the notifier alone, for those who may see nothing of the registry. Raises UpgradeRefused."""
    found, ours = read_head(settings.notifier_database, "notifier"), _newest("notifier")
    if found is not None and found < ours:
        raise UpgradeRefused("数据目录还是旧版本的：请先运行 gongshi upgrade")
    if found is not None and found > ours:
        raise UpgradeRefused("数据目录已由更新的版本升级，本版本不能使用")


def refuse_older_home(settings: Settings) -> None:
    """Raises UpgradeRefused where a home that somebody works with is of an older release: `init` would change what is in use."""
    if not settings.key_file.exists():
        return
    if this_release().compare(_find_quickly(settings)) == "newer":
        raise UpgradeRefused("这是旧版本的数据目录，请用 gongshi upgrade 升级（先备份；不通过检查的自动退回）")


def _find_quickly(settings: Settings) -> Release:
    # The note is written when everything else was done, so what it says of the tables is so; without one they are asked.
    try:
        noted = Release(**json.loads((settings.private / NOTE).read_text(encoding="utf-8")))
        if not all(isinstance(one, str) for one in (noted.version, *noted._tables())):
            raise TypeError("the note is not of this form")
        return noted
    except (FileNotFoundError, ValueError, TypeError):
        found, ours = read_release(settings), this_release()
        # A home may be made without a notifier, and get one later.
        return Release(version=ours.version, registry=found.registry, notifier=found.notifier or ours.notifier)


def _newest(side: Side) -> str:
    names = (entry.name for entry in files(f"{side}.migrations.versions").iterdir())
    return max(found[1] for name in names if (found := _REVISION.fullmatch(name)))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0]))


def find_layout(prefix: Path) -> tuple[Path, Path] | None:
    """The link /opt/gongshi/current and the folder of the release that `prefix` (a venv) belongs to; None where the product
    is not installed in releases."""
    for folder in prefix.absolute().parents:
        if folder.parent.name == "releases":
            return folder.parent.parent / "current", folder
    return None

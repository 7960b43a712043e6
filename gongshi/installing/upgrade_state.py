"""How far an upgrade has come, on the disk before each step: what a killed one is taken up by.

    staging ──▶ committed ──▶ checked ──▶ (no state)
       │            └──▶ returning ──▶ (no state)
       └──▶ (no state)

Until `committed` everything is as it was and what was prepared is thrown away; from there on the new files go into use.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from gongshi.installing.parts import Part, Print, take_print
from gongshi.installing.release import UpgradeRefused
from search_index.durable import sync_folder, write_private

STATE = "upgrade.json"


class Phase(StrEnum):
    STAGING = "staging"
    COMMITTED = "committed"
    CHECKED = "checked"
    RETURNING = "returning"


class Next(StrEnum):
    """What a killed upgrade is taken up with."""

    DISCARD = "discard"
    FORWARD = "forward"
    FINISH = "finish"
    BACK = "back"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """An upgrade under way: to which version, how the files in use looked when they were copied, where the link to the release
    led before, and which units were stopped for it."""

    version: str
    phase: Phase
    prints: Mapping[str, Print] = field(default_factory=dict)
    link: str | None = None
    link_before: str | None = None
    link_after: str | None = None
    units: Sequence[str] = ()


def read_state(private: Path) -> State | None:
    """The upgrade that is under way in a home. Raises OSError, or UpgradeRefused where what is known of it cannot be read."""
    try:
        found = json.loads((private / STATE).read_text(encoding="utf-8"))
        prints = {path: tuple(numbers) for path, numbers in found.pop("prints").items()}
        return State(**{**found, "phase": Phase(found["phase"]), "prints": prints, "units": tuple(found["units"])})
    except FileNotFoundError:
        return None
    except (ValueError, LookupError, TypeError, AttributeError):
        # Nobody can tell any more which of the files are the ones in use: whoever guessed could lose a departure.
        raise UpgradeRefused(
            f"升级进度文件 {private / STATE} 已损坏，不能确定升级做到哪一步：请不要删改数据目录，"
            "把它整个另存后，从升级之前的备份恢复（gongshi restore）"
        ) from None


def has_state(private: Path) -> bool:
    """Whether an upgrade of a home is under way, or was interrupted."""
    return (private / STATE).exists()


def write_state(private: Path, state: State) -> None:
    """Raises OSError."""
    write_private(private / STATE, json.dumps(asdict(state), ensure_ascii=False) + "\n")


def end_state(private: Path) -> None:
    """There is no upgrade under way any more. Raises OSError."""
    (private / STATE).unlink(missing_ok=True)
    sync_folder(private)


def decide(state: State, parts: Sequence[Part]) -> Next:
    """What an upgrade that nobody works at is taken up with.

    A committed one whose files are all still in place, one of them written by somebody since, is thrown away: what was
    written after the copy was made is not in it.
    """
    if state.phase is Phase.STAGING:
        return Next.DISCARD
    if state.phase is Phase.RETURNING:
        return Next.BACK
    if state.phase is Phase.CHECKED:
        return Next.FINISH
    untouched = all(part.new.exists() and not part.old.exists() for part in parts)
    if untouched and any(take_print(Path(path)) != known for path, known in state.prints.items()):
        return Next.DISCARD
    return Next.FORWARD

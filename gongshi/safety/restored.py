"""What is known of a restoration while it goes on: one small file in the registry's folder, which is also what keeps the home
closed. It is written whole or not at all, so that a restoration that was killed goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from gongshi.safety.closed import MARK, NOTIFIER_MARK, RestoringRefused
from search_index.durable import sync_folder, write_private


class Step(StrEnum):
    """How far a restoration has come; each step is safe to repeat."""

    PLACED = "placed"
    REPLAYED = "replayed"
    RECONCILED = "reconciled"
    WAITING = "waiting"
    OPENING = "opening"


class StateUnreadable(RestoringRefused):
    """The file that says how far a restoration came cannot be read. The message is for the administrator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One person's word that the home may be opened: `choice` is what is to become of what could not be settled."""

    by: str
    at: str
    choice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A restoration. `id` names it; `backup` is the file's name, `made_at` when it was made, `position` and `sequence` the end
    of the journal in it; `departures`, `sent`, `public` whether there was such a witness. `found` holds figures and lists for
    the page: public numbers and nothing else of anybody."""

    id: str
    step: Step
    backup: str
    made_at: str
    begun_at: str
    position: int
    sequence: int
    departures: bool = False
    sent: bool = False
    public: bool = False
    found: Mapping[str, Any] = field(default_factory=dict)
    agreed: Agreement | None = None

    @property
    def is_blind(self) -> bool:
        """Nothing tells what left the list after the backup: then whatever was public needs two people's word."""
        return not self.departures and not self.public

    def at(self, step: Step, **found: Any) -> Restored:
        """The same, come as far as `step`."""
        return replace(self, step=step, found={**self.found, **found})


def read_state(private: Path) -> Restored | None:
    """The restoration of this home that is under way, or None. Raises StateUnreadable."""
    try:
        found = json.loads((private / MARK).read_text("utf-8"))
        agreed = found.pop("agreed", None)
        known = {one.name for one in fields(Restored)}
        if set(found) - known:
            raise ValueError("unknown keys")
        state = Restored(**{**found, "step": Step(found["step"])}, agreed=Agreement(**agreed) if agreed else None)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise StateUnreadable(
            f"{private / MARK} 不能读取：请用 gongshi restore --aside 重新恢复，不要删除这个文件"
        ) from None
    return state


def write_state(private: Path, state: Restored) -> None:
    """Put down how far it came; on the disk when this returns. Raises OSError."""
    write_private(private / MARK, json.dumps(asdict(state), ensure_ascii=False, indent=1) + "\n")


def remove_marks(private: Path, notifier: Path) -> None:
    """Open the home: the registry's mark goes last, for it is what a killed opening goes on from."""
    (notifier / NOTIFIER_MARK).unlink(missing_ok=True)
    sync_folder(notifier)
    (private / MARK).unlink(missing_ok=True)
    sync_folder(private)

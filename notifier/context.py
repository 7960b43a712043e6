"""What every step of the notifier works with."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Engine

from notifier.calendar import Workdays
from notifier.database import open_engine
from notifier.settings import NotifierSettings
from notifier.signing import SigningKey
from search_index.document import Document
from search_index.profile import Profile

if TYPE_CHECKING:
    from notifier.witness import SendingWitness


class PublicList(Protocol):
    """The disclosed list, as search_index.register.Register reads it."""

    def everything(self, now: datetime) -> tuple[int, list[Document]]:
        """The sequence and every visible document of one moment."""

    def mark(self, now: datetime) -> Hashable:
        """Equal marks mean that `everything` would answer the same."""

    def profile(self, now: datetime) -> Profile:
        """The court's profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifier:
    """The notifier's database and folder, the list it reads, and the working days it counts.

    `signing_key` signs packages: a key, or the file it is in, which is read when a package is made; without one packages
    are not signed and say so. `commission_number` is a pattern for 委托函号 (package/commission.py), empty for none.
    `witness` is told, outside the database, of what leaves the house (witness.py).
    `marks` is what this process remembers of the revisions it made, by run: what the list was like then, and which one.
    """

    engine: Engine
    folder: Path
    register: PublicList
    workdays: Workdays
    signing_key: SigningKey | Path | None = None
    commission_number: str = ""
    witness: SendingWitness | None = None
    marks: dict[int, tuple[Hashable, int]] = field(default_factory=dict, repr=False, compare=False)


def open_notifier(
    settings: NotifierSettings,
    register: PublicList,
    workdays: Workdays,
    *,
    signing_key: SigningKey | Path | None = None,
    commission_number: str = "",
    witness: SendingWitness | None = None,
) -> Notifier:
    """The notifier of a home whose database was migrated before."""
    return Notifier(
        engine=open_engine(settings.url),
        folder=settings.folder,
        register=register,
        workdays=workdays,
        signing_key=signing_key,
        commission_number=commission_number,
        witness=witness,
    )

"""What every step of the notifier works with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine

from notifier.calendar import Workdays
from notifier.database import open_engine
from notifier.settings import NotifierSettings
from search_index.document import Document
from search_index.profile import Profile


class PublicList(Protocol):
    """The disclosed list, as search_index.register.Register reads it."""

    def everything(self, now: datetime) -> tuple[int, list[Document]]:
        """The sequence and every visible document of one moment."""

    def profile(self, now: datetime) -> Profile:
        """The court's profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifier:
    """The notifier's database and folder, the list it reads, and the working days it counts."""

    engine: Engine
    folder: Path
    register: PublicList
    workdays: Workdays


def open_notifier(settings: NotifierSettings, register: PublicList, workdays: Workdays) -> Notifier:
    """The notifier of a home whose database was migrated before."""
    return Notifier(engine=open_engine(settings.url), folder=settings.folder, register=register, workdays=workdays)

"""The public half of a home, filled with invented entries: what the benchmarks of servers ask."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from search_index.document import Document
from search_index.index import IndexWriter
from search_index.journal import ChangeType, EntryChange, ProfileChange
from search_index.profile import Profile
from search_index.store import Store, StoreWriter
from search_index.sync import sync

_CHUNK = 2_000


def publish(home: Path, documents: Iterator[Document], *, training: bool = True) -> None:
    """Store and index of `home`, fed as the journal feeds them. In a `training` home no provider's account is used."""
    public = home / "public"
    public.mkdir(parents=True)
    writer = StoreWriter(f"sqlite:///{public / 'disclosed.db'}")
    writer.create()
    now = datetime.now(UTC)
    profile = Profile(court="测试市人民法院", training=training)
    writer.apply([ProfileChange(position=1, at=now, body=profile.as_json())])
    position = 1
    while chunk := list(islice(documents, _CHUNK)):
        writer.apply([_as_change(position + n, document, now) for n, document in enumerate(chunk, 1)])
        position += len(chunk)
    sync(writer, Store(writer.url), IndexWriter(public / "index"), now)


def _as_change(position: int, document: Document, now: datetime) -> EntryChange:
    body = document.as_json()
    return EntryChange(
        position=position, at=now, sequence=position - 1, type=ChangeType.PUBLISHED, record=document.record, body=body
    )

"""Records on the desk as tests bring them in and find them."""

from __future__ import annotations

import re
import threading
from typing import Any

from homes import Home
from seats import PASSWORD, Seat
from sqlalchemy import select

from gongshi.court import Court
from registry import staff
from registry.staff import Role
from registry.tables import RecordRow


def bring_in(home: Home, *entries: dict[str, Any], name: str = "entries.jsonl") -> int:
    """Import entries as the clerk; the batch."""
    batch: int = home.ask("import", home.write(name, list(entries)), "--as", "clerk")["batch"]
    return batch


def hire(court: Court, name: str, role: Role = Role.CLERK) -> None:
    """Somebody new, who has chosen their own password already."""
    with court.session() as session:
        staff.add(session, name, role, PASSWORD, court.now, "admin")
        staff.set_password(session, name, PASSWORD, court.now, name)


def find_id(court: Court, serial: int = 1) -> int:
    """The row of the entry with this serial number."""
    with court.reading() as session:
        rows = session.scalars(select(RecordRow).order_by(RecordRow.id))
        return next(row.id for row in rows if row.facts["basis_number"] == f"（2024）测0101民初{serial}号")


def answers_no() -> dict[str, str]:
    """The checklist of art. 3, nothing against a listing."""
    return dict.fromkeys(("guaranteed", "seized", "later_in_order", "otherwise"), "no")


def resolve_all(seat: Seat, record: int) -> int:
    """Accept every redaction that is proposed, one by one, each from the page that the one before led to; how many."""
    page, count = f"/records/{record}/findings", 0
    while numbers := re.findall(r'work-finding--open" id="finding-(\d+)"', text := seat.read(page)):
        version = re.search(r'name="version" value="([^"]+)"', text)
        assert version is not None
        seat.done(page, page, version=version[1], number=numbers[0], verdict="redact")
        count += 1
    return count


def await_jobs() -> None:
    """Until what runs beside the pages has come to an end."""
    for thread in threading.enumerate():
        if thread.name.startswith("gongshi-job-"):
            thread.join()


def count_public(court: Court) -> int:
    """How many entries anybody can see."""
    with court.store.snapshot(court.now) as snapshot:
        return snapshot.count()

"""The units of joint punishment: what the notifier sent them and heard of them is brought over into their ledgers, and the
process of their pages (`gongshi serve units`)."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import IO

from flask import Flask, Request
from jinja2 import StrictUndefined
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.middleware.proxy_fix import ProxyFix

from gongshi.closed_sites import close_site
from gongshi.court import Court
from gongshi.errorlog import log_error
from gongshi.training import refuse_real
from gongshi.unit_limits import KeyLimits
from notifier.acknowledging import name_answer
from notifier.answers import AckKind
from notifier.context import Notifier
from notifier.institutions.settings import InstitutionSettings
from notifier.states import MessageState, Purpose
from notifier.tables import (
    AcknowledgementRow,
    AttemptRow,
    MessageRecallRow,
    MessageRow,
    PackageRow,
    RecallRow,
    RecipientRow,
    RunRow,
)
from registry.acting import SYSTEM
from registry.matters.verifying import tell_missed
from registry.tables import LedgerRow, UnitRow
from registry.unit_api import unit_api
from registry.unit_api.base import Site
from registry.unit_pages import unit_site
from registry.units.ledger import CATCH_UP, LedgerKind, Line, append, catch_up_releases, find_keys
from registry.units.lists import ack_key
from registry.units.releases import released_line
from search_index.database import for_reading

STATIC = Path(__file__).resolve().parent.parent / "static"
_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_LARGEST_FORM = 256 * 1024  # bytes
_CHUNK = 500
# A package may lie with the recipient after these.
_ARRIVED = (MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """How many lines are new in the ledgers."""

    pushes: int = 0
    answers: int = 0
    releases: int = 0


class UnitsRequest(Request):
    """Flask's, but what is uploaded stays in memory: names and numbers of applicants touch no disk."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        return BytesIO()


class UnitsApp(Flask):
    """Flask, but an unforeseen error is written without anything the request held."""

    request_class = UnitsRequest

    def log_exception(
        self,
        exc_info: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> None:
        if exc_info[1] is not None:
            log_error(exc_info[1])


def create_units(court: Court) -> UnitsApp:
    """The application of `serve units`. Made before the server forks, with no database left open. Raises BadSetting where
    a home for training is given real accounts."""
    app = UnitsApp("gongshi.units", static_folder=str(STATIC), static_url_path="/static")
    app.config.update(
        TRUSTED_HOSTS=[*_HOSTS, *court.settings.units_host_list],
        MAX_CONTENT_LENGTH=_LARGEST_FORM,
        MAX_FORM_MEMORY_SIZE=_LARGEST_FORM,
        MAX_FORM_PARTS=5000,
    )
    app.jinja_env.undefined = StrictUndefined
    close_site(app, court.settings.home)
    app.register_blueprint(unit_site(court, court.shown, random=court.world.random))
    limits = KeyLimits(lambda: court.now, court.world.random.randbytes(16))
    count = limits.count if court.settings.rate_limit == "on" else lambda _key: None
    machines = Site(court=court, store=court.shown, random=court.world.random, count=count, pause=time.sleep)
    app.register_blueprint(unit_api(machines))
    if court.settings.units_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # how Flask documents middleware
            app.wsgi_app, x_for=court.settings.units_proxies, x_proto=0
        )
    # A wrong key is told before anybody signs in.
    _ = court.vault
    if court.profile().training:
        refuse_real(os.environ, InstitutionSettings())
    # A connection that two processes hold belongs to neither.
    court.engine.dispose()
    court.store.close()
    court.shown.close()
    return app


def bring_over(court: Court, office: Notifier) -> Brought:
    """Write into the ledgers what the notifier sent to the units' recipients and what they answered, and tell the units of
    departures and of verifications that they were not told of. Every line has a key: repeated, or killed anywhere, it
    comes once."""
    with court.reading() as session:
        recipients = _find_recipients(session)
    pushes = _find_pushes(office, recipients)
    answers = _find_answers(court, office, recipients)
    with court.reading() as session:
        known = find_keys(session, [line.key for line in (*pushes, *answers) if line.key])
    new = [line for line in (*pushes, *answers) if line.key not in known]
    added = 0
    for start in range(0, len(new), _CHUNK):
        # Bulk work: a departure goes ahead.
        court.turns.step_aside()
        with court.session() as session:
            added += append(session, new[start : start + _CHUNK])
    sent = [line.at for line in new if line.kind is LedgerKind.PUSH]
    court.turns.step_aside()
    with court.session() as session:
        acting = court.acting(SYSTEM)
        releases = catch_up_releases(session, acting, since=min([*sent, acting.now - CATCH_UP]))
        tell_missed(session, acting)
    fresh = {line.key for line in new}
    pushed = sum(line.key in fresh for line in pushes)
    return Brought(pushes=pushed, answers=max(added - pushed, 0), releases=releases)


def _find_recipients(session: Session) -> Mapping[str, int]:
    """The unit of each recipient's slug."""
    query = select(UnitRow.recipient, UnitRow.id).where(UnitRow.recipient.is_not(None)).order_by(UnitRow.id.desc())
    return {slug: unit_id for slug, unit_id in session.execute(query) if slug is not None}


def _find_pushes(office: Notifier, recipients: Mapping[str, int]) -> list[Line]:
    query = (
        select(RecipientRow.slug, MessageRow.dispatch, AttemptRow.called_at, PackageRow, RunRow.period)
        .join(MessageRow, MessageRow.id == AttemptRow.message_id)
        .join(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
        .join(PackageRow, PackageRow.id == AttemptRow.package_id)
        .join(RunRow, RunRow.id == PackageRow.run_id)
        .where(RecipientRow.slug.in_(list(recipients)), MessageRow.purpose == Purpose.PACKAGE)
        .where(AttemptRow.called_at.is_not(None), AttemptRow.outcome.in_(_ARRIVED))
        .order_by(AttemptRow.id)
    )
    with Session(for_reading(office.engine)) as session:
        found = session.execute(query).all()
    return [
        Line(
            unit_id=recipients[slug],
            kind=LedgerKind.PUSH,
            at=called_at,
            by=SYSTEM,
            key=f"push/{dispatch}/{package.revision}",
            period=period[:6],
            count=package.entries,
            detail={
                "sequence": package.sequence,
                "revision": package.revision,
                "dispatch": dispatch,
                "words": f"第{package.revision}次修订，公开序号{package.sequence}",
            },
        )
        for slug, dispatch, called_at, package, period in found
        if called_at is not None
    ]


def _find_answers(court: Court, office: Notifier, recipients: Mapping[str, int]) -> list[Line]:
    """The lines of what the recipients answered. Who answered there is a person, and stays with the notifier."""
    query = (
        select(RecipientRow.slug, MessageRow, AcknowledgementRow, RunRow.period)
        .join(MessageRow, MessageRow.id == AcknowledgementRow.message_id)
        .join(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
        .outerjoin(RunRow, RunRow.id == MessageRow.run_id)
        .where(RecipientRow.slug.in_(list(recipients)))
        .order_by(AcknowledgementRow.id)
    )
    lines: list[Line] = []
    lifted: list[tuple[int, int, AcknowledgementRow]] = []
    with Session(for_reading(office.engine)) as session:
        for slug, message, given, period in session.execute(query):
            lines.append(_to_answer(recipients[slug], message, given, period))
            if given.kind == AckKind.TAKEN_DOWN and message.purpose == Purpose.RECALL:
                lifted += [(recipients[slug], number, given) for number in _find_sequences(session, message)]
    with court.reading() as registry:
        releases = _find_releases(registry, {unit for unit, _, _ in lifted})
    for unit_id, sequence, given in lifted:
        release = releases.get((unit_id, sequence))
        if release is not None:
            lines.append(released_line(unit_id, release[0], release[1], at=given.given_at, by=given.noted_by))
    return lines


def _to_answer(unit_id: int, message: MessageRow, given: AcknowledgementRow, period: str | None) -> Line:
    return Line(
        unit_id=unit_id,
        kind=LedgerKind.ACK,
        at=given.given_at,
        by=given.noted_by,
        key=ack_key(message.dispatch, given.kind),
        period=period[:6] if period else None,
        detail={
            "words": f"{Purpose(message.purpose).label}：{name_answer(Purpose(message.purpose), AckKind(given.kind))}"
        },
    )


def _find_sequences(session: Session, message: MessageRow) -> Sequence[int]:
    """The public changes that a recall letter is about."""
    others = select(MessageRecallRow.recall_id).where(MessageRecallRow.message_id == message.id)
    query = select(RecallRow.sequence).where((RecallRow.id == message.recall_id) | RecallRow.id.in_(others))
    return session.scalars(query).all()


def _find_releases(session: Session, units: Collection[int]) -> Mapping[tuple[int, int], tuple[int, str | None]]:
    """The releases that units were told of, by the unit and the public change."""
    query = select(LedgerRow.id, LedgerRow.unit_id, LedgerRow.record, LedgerRow.detail)
    query = query.where(LedgerRow.kind == LedgerKind.RELEASE.value, LedgerRow.unit_id.in_(sorted(units)))
    return {
        (unit_id, int(detail.get("sequence", -1))): (number, record)
        for number, unit_id, record, detail in session.execute(query)
    }

"""The wiring of the private side: one court's registry, its disclosed store and index, and what is decided on them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from gongshi.calendar import StateCouncilCalendar, load_calendar
from gongshi.clock import World
from gongshi.founding import found_home, require_home
from gongshi.installing.holding import hold_open
from gongshi.installing.release import require_release
from gongshi.installing.upgrade_state import has_state
from gongshi.legal_clock import hold_what_is_due
from gongshi.pump import Progress, Pump, quiet
from gongshi.safety.closed import refuse_closed
from gongshi.safety.witness import WitnessLogs
from gongshi.settings import Settings
from gongshi.training import refuse_other_kind
from registry import audit, deadlines, journal
from registry.acting import SYSTEM, Acting
from registry.audit_chain import Head, Verdict, found_heads, record_head, verify
from registry.clockwork import Clockwork
from registry.database import open_engine
from registry.departing import Departure
from registry.ending import expire_some
from registry.masks import MaskProfile
from registry.policy import Policy, PolicyError, load_policy
from registry.publishing import Publisher, reissue_some
from registry.tables import RecordRow
from registry.turns import Turns
from registry.vault import Vault, open_vault
from registry.witnessing import attach
from search_index.database import for_reading
from search_index.day import day_of
from search_index.index import IndexUnavailable, IndexWriter
from search_index.journal import EntryChange
from search_index.marks import MarkFolder
from search_index.profile import Profile
from search_index.snapshot import Guard, StoreUnavailable
from search_index.store import Store, StoreDamaged, StoreWriter

_PULSE_EVERY = timedelta(minutes=1)
_FEEDING_FAILS = (DBAPIError, OSError, StoreDamaged, StoreUnavailable, IndexUnavailable)


def unheard(_error: Exception) -> None:
    """A warning that nobody hears."""


class Court:
    """One home, opened for work. `world` gives the time and chance.

    `warn` is told what failed after the public already saw what was decided.
    """

    def __init__(self, settings: Settings, world: World, warn: Callable[[Exception], None] = unheard) -> None:
        self.settings = settings
        self.world = world
        self._warn = warn
        # Set by who carries out a restoration: for everybody else a closed home has no store to write.
        self.reopening = False
        self.turns = Turns(settings.private)
        self._open = ExitStack()

    @property
    def now(self) -> datetime:
        return self.world.now()

    @property
    def today(self) -> date:
        return day_of(self.now)

    @property
    def private(self) -> Path:
        """The folder registry/, which nobody but the private side may read."""
        return self.settings.private

    @property
    def drop(self) -> Path:
        """Where the portal leaves what the public sends in, sealed."""
        return self.settings.public / "drop"

    @property
    def calendar(self) -> StateCouncilCalendar:
        """The working days as the court knows them now: a notice of the State Council may have been put in meanwhile.
        Raises CalendarFileError."""
        return load_calendar(self.settings.calendar_file)

    @property
    def clockwork(self) -> Clockwork:
        """What periods are counted by. Raises CalendarFileError or PolicyError."""
        return Clockwork(calendar=self.calendar, profile=deadlines.Profile(self.policy().deadlines))

    def acting(self, actor: str) -> Acting:
        """`actor` at this moment, by this court's clock. Raises CalendarFileError or PolicyError."""
        return Acting(actor=actor, now=self.now, clockwork=self.clockwork)

    @cached_property
    def engine(self) -> Engine:
        engine = open_engine(self.settings.registry_database)
        attach(engine, self.witness.tell)
        self.at_close(engine.dispose)
        return engine

    @cached_property
    def witness(self) -> WitnessLogs:
        """The logs that are told, outside the databases, what leaves the list and what is sent."""
        return WitnessLogs(self)

    @cached_property
    def pump(self) -> Pump:
        """What brings the store and the index to the end of the journal."""
        return Pump(self)

    @cached_property
    def vault(self) -> Vault:
        """The vault of this home, tried on one record: a key that is another home's must not seal a line.
        Raises VaultError."""
        vault = open_vault(self.settings.key_file)
        with self.reading() as session:
            row = session.execute(select(RecordRow.sealed, RecordRow.identity).limit(1)).first()
        if row is not None:
            vault.open(row.sealed, row.identity)
        return vault

    @cached_property
    def store_writer(self) -> StoreWriter:
        """What the public is told through. Raises HomeClosed."""
        if not self.reopening:
            refuse_closed(self.settings.home)
        writer = StoreWriter(self.settings.disclosed_database)
        self.at_close(writer.close)
        return writer

    @cached_property
    def store(self) -> Store:
        """The disclosed store as it is, for whoever follows departures: also while nothing may be shown."""
        store = Store(self.settings.disclosed_database)
        self.at_close(store.close)
        return store

    @cached_property
    def shown(self) -> Store:
        """The disclosed store for whoever shows entries or sends them: nothing that is too old, or hidden in an emergency."""
        guard = Guard(limits=self.settings.limits, marks=MarkFolder(self.settings.marks_folder))
        store = Store(self.settings.disclosed_database, guard)
        self.at_close(store.close)
        return store

    @cached_property
    def index_writer(self) -> IndexWriter:
        return IndexWriter(self.settings.index_folder)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction on the registry."""
        with Session(self.engine) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One transaction on the registry that only reads, and waits for no writer."""
        with Session(for_reading(self.engine)) as session, session.begin():
            yield session

    def at_close(self, release: Callable[[], None]) -> None:
        """Have something released when the court is closed."""
        self._open.callback(release)

    def close(self) -> None:
        """Release the databases."""
        self._open.close()

    def require_home(self) -> None:
        """Be at work in this home until the court is closed. Raises NotInitialised where `init` has not been run, or where
        the registry is lost, and UpgradeRefused where the home is not of this version."""
        if has_state(self.private):
            # It is built on a court itself, and hardly ever needed.
            from gongshi.installing.upgrading import settle

            settle(self.settings, self.world)
        require_home(self.settings)
        self.at_close(hold_open(self.settings))
        require_release(self.settings)

    def init(self, profile: Profile | None = None) -> bool:
        """Make the home and its databases, or bring them to this version. True when it was new."""
        new = found_home(self, profile or Profile())
        self.pump.feed()
        return new

    def begin_logs(self) -> None:
        """Begin what is kept outside the databases, where it is not there: heads of the audit trail, and the witness logs."""
        with self.session() as session:
            found_heads(session, self.vault, self.audit_heads, self.now)
        self.witness.begin()

    def profile(self) -> Profile:
        with self.reading() as session:
            return journal.newest_profile(session)

    def policy(self) -> Policy:
        """The rules in force: the profile's policy with the profile's mask for identity numbers."""
        return rules_of(self.profile())

    def set_profile(self, profile: Profile, actor: str) -> None:
        """Put a new version of the profile in the journal, and tell the public. Raises KindFixed."""
        with self.session() as session:
            refuse_other_kind(session, self.private, profile)
            journal.append_profile(session, self.now, profile)
            audit.note(session, self.now, actor, "profile")
        self.pump.feed()

    def publish(self, progress: Progress = quiet) -> tuple[int, int, int]:
        """Publish what is due, end what has ended, issue anew what was public under other rules, feed the store.

        Returns published, expired, sequence.
        """
        acting = self.acting(SYSTEM)
        hold_what_is_due(self, acting)
        expired = self._expire(acting)
        self._reissue(acting)
        self._end_subjects()
        publisher = self.publisher()
        published, after = 0, 0
        while True:
            self.turns.step_aside()
            with self.session() as session:
                step = publisher.publish_some(session, after, acting)
            published += step.published
            self.pump.feed_store()
            progress(published, None)
            if step.last is None:
                break
            after = step.last
        heard_at = self.now
        self.pump.feed(progress)
        self._note_pulse(heard_at)
        return published, expired, self.sequence()

    def _note_pulse(self, at: datetime) -> None:
        """Tell the readers that the store holds all that was decided until `at`; once a minute is enough."""
        known = self.store_writer.link().pulse_at
        if known is None or not timedelta() <= at - known < _PULSE_EVERY:
            self.store_writer.note_pulse(at)

    def take_down(self, decide: Callable[[Session], Departure]) -> Departure:
        """Carry out a departure: when this returns, no reader of the store sees the entry.

        Bulk work stands aside meanwhile; the index follows later and is not believed before.
        """
        with self.turns.go_ahead():
            # First what a killed command decided and could not carry out: repeated, it is refused as already done.
            self.pump.forget_departed()
            with self.session() as session:
                departure = decide(session)
            if departure.change is not None:
                self.pump.apply_ahead([departure.change])
        self._follow_up()
        return departure

    def amend(self, decide: Callable[[Session], Sequence[EntryChange]]) -> Sequence[EntryChange]:
        """Carry out what changes or takes down an entry: when this returns, every reader sees it so."""
        try:
            with self.turns.go_ahead():
                self.pump.forget_departed()
                with self.session() as session:
                    changes = decide(session)
                if changes:
                    self.pump.apply_ahead(changes)
        except Exception:
            # Refused, perhaps because a killed command had decided it already: then that is carried out now.
            with suppress(*_FEEDING_FAILS):
                self.pump.feed_if_idle()
            raise
        self._follow_up()
        return changes

    def _follow_up(self) -> None:
        """Feed if idle. What was decided is public by now, and stands whatever becomes of the index."""
        try:
            self.pump.feed_if_idle()
        except _FEEDING_FAILS as error:
            self._warn(error)

    def spread(self) -> None:
        """Take what has departed out of the store at once, and feed it unless other work holds it."""
        with self.turns.go_ahead():
            self.pump.forget_departed()
        self.pump.feed_if_idle()

    def sequence(self) -> int:
        """The last public sequence."""
        with self.reading() as session:
            return journal.head(session)[1]

    def _reissue(self, acting: Acting) -> None:
        policy = self.policy()
        while True:
            self.turns.step_aside()
            with self.session() as session:
                looked_at, changes = reissue_some(session, self.vault, policy, acting)
            if not looked_at:
                return
            self.pump.forget(changes)
            self.pump.feed_store()

    def _expire(self, acting: Acting) -> int:
        expired, policy = 0, self.policy()
        while True:
            self.turns.step_aside()
            with self.session() as session:
                looked_at, numbers = expire_some(session, policy, acting)
            if not looked_at:
                return expired
            expired += len(numbers)
            self.pump.forget_departed()

    def _end_subjects(self) -> None:
        """Take the words of notices whose time is over out of the journal."""
        self.turns.step_aside()
        with self.session() as session:
            journal.end_subjects(session, self.now)

    def verify_audit(self, expected: Collection[Head] = ()) -> Verdict:
        """Walk the audit trail, and keep where it ended, unless it is not what was written; `expected` are ends of earlier
        days that were kept elsewhere."""
        with self.reading() as session:
            verdict = verify(session, self.vault, self.audit_heads, expected)
        if not verdict.faults:
            self.record_audit_head()
        return verdict

    def record_audit_head(self) -> Head:
        """Keep where the audit trail ends now, so that it cannot be written anew. Raises OSError."""
        with self.session() as session:
            return record_head(session, self.vault, self.audit_heads, self.now)

    @property
    def audit_heads(self) -> Path:
        """The file that keeps where the audit trail ended on earlier days."""
        return self.settings.private / "audit-heads.log"

    def publisher(self) -> Publisher:
        """What passes records through the gate, under the rules in force."""
        return Publisher(vault=self.vault, policy=self.policy(), random=self.world.random)


def rules_of(profile: Profile) -> Policy:
    """The policy a profile names, with the mask it names. Raises PolicyError."""
    if profile.id_mask not in set(MaskProfile):
        raise PolicyError(f"没有名为“{profile.id_mask}”的号码掩码，可用：{'、'.join(MaskProfile)}")
    return replace(load_policy(profile.policy), id_mask=MaskProfile(profile.id_mask))

"""What the threads of a sender do: call a channel, or ask it what became of a call; and make the package that is called with.

No transaction is open during a call. Each brings back what it learnt; nothing that goes wrong on the way stays in a thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from queue import SimpleQueue
from threading import Lock

from sqlalchemy.orm import Session

from notifier.calendar import Period
from notifier.channels import Channel, Content, Dispatch, Outcome, Parcel
from notifier.claiming import Begun, Claim, begin_package, drop_claim, release_claim
from notifier.context import Notifier
from notifier.lanes import Lane, Returned
from notifier.outbox import decode_content
from notifier.packages import Revision, ensure_package, package_folder
from notifier.policy import Rules
from notifier.recall import keep_cases_of_package, read_watermark
from notifier.settling import Question
from notifier.states import MessageState
from notifier.witness import describe_calls
from search_index.database import for_reading

# How soon what could not be begun is looked at again.
SOON = timedelta(minutes=1)
# How often a package is made again because the list changed under it, before it waits for a quieter moment.
_MOST_MAKINGS = 5


class Caller:
    """Calls channels for a sender. What comes back goes into `returned`; `packages` has a word for each package that was
    put on record; `failed` is the first thing that went wrong apart from the channels."""

    def __init__(self, notifier: Notifier, rules: Rules, clock: Callable[[], datetime]) -> None:
        self._notifier, self._rules, self._clock = notifier, rules, clock
        self._making = Lock()
        self.returned: SimpleQueue[Returned] = SimpleQueue()
        self.packages: SimpleQueue[int] = SimpleQueue()
        self.failed: Exception | None = None

    def call(self, lane: Lane, claim: Claim) -> None:
        """Deliver a message whose call is on record, or a package, which is put on record here."""
        outcome: Outcome | None = None
        try:
            if claim.content is None:
                outcome = self._send_package(lane, claim)
            else:
                outcome = _deliver(lane.channel, _to_dispatch(claim, decode_content(claim.content)))
        except Exception as error:
            # Before the call: what is called answers for itself.
            self.failed = self.failed or error
            self._release(claim, "名单包暂时不能制作")
        finally:
            self.returned.put(Returned(lane, claim, outcome))

    def ask(self, lane: Lane, question: Question) -> None:
        """Ask the provider what became of a message."""
        outcome: Outcome | None = None
        try:
            claim = question.claim
            content = decode_content(claim.content) if claim.content is not None else self._to_parcel(claim)
            outcome = lane.channel.look_up(_to_dispatch(claim, content), question.reference)
        except Exception as error:
            self.failed = self.failed or error
        finally:
            self.returned.put(Returned(lane, question.claim, outcome, question))

    def _send_package(self, lane: Lane, claim: Claim) -> Outcome | None:
        """Deliver the list as it is now; None when no call was made."""
        engine = self._notifier.engine
        for _ in range(_MOST_MAKINGS):
            followed = read_watermark(engine)
            revision = self._make(claim)
            now = self._clock()
            begun = begin_package(engine, claim, revision, followed=followed, rules=self._rules, now=now)
            if begun is Begun.YES:
                self.packages.put(claim.message_id)
                sent = replace(claim, revision=revision.revision, called_at=now)
                self._tell(sent, revision, now)
                return _deliver(lane.channel, _to_dispatch(sent, self._to_parcel(sent)))
            if begun is not Begun.OUTDATED:
                if begun is Begun.REPEATED:
                    self._supersede(claim)
                return None
        self._release(claim, "名单正在变动")
        return None

    def _tell(self, claim: Claim, revision: Revision, now: datetime) -> None:
        witness = self._notifier.witness
        if witness is not None:
            with Session(for_reading(self._notifier.engine)) as session:
                (call,) = describe_calls(session, [claim], now)
            witness.note([replace(call, sequence=revision.sequence)], [])

    def _make(self, claim: Claim) -> Revision:
        run_id, period = _run_of(claim)
        # Others wait for the package that is being made: it will be theirs.
        with self._making:
            revision = ensure_package(self._notifier, run_id, period, self._clock())
            keep_cases_of_package(
                self._notifier.engine, revision.id, package_folder(self._notifier.folder, period, revision)
            )
            return revision

    def _to_parcel(self, claim: Claim) -> Parcel:
        _, period = _run_of(claim)
        name = f"{period}-r{claim.revision}"
        return Parcel(name=name, folder=self._notifier.folder / "packages" / str(period) / f"r{claim.revision}")

    def _supersede(self, claim: Claim) -> None:
        with Session(self._notifier.engine) as session, session.begin():
            drop_claim(session, claim, MessageState.SUPERSEDED, "这一次修订已经发送过", self._clock())

    def _release(self, claim: Claim, reason: str) -> None:
        now = self._clock()
        with Session(self._notifier.engine) as session, session.begin():
            release_claim(session, claim, reason, now, now + SOON)


def _deliver(channel: Channel, dispatch: Dispatch) -> Outcome:
    try:
        return channel.deliver(dispatch)
    except Exception as error:
        # A channel that fails has failed on the way, for all that is known.
        return Outcome(state=MessageState.UNKNOWN, detail=f"发送通道出错（{type(error).__name__}），结果不明")


def _to_dispatch(claim: Claim, content: Content) -> Dispatch:
    return Dispatch(
        id=claim.dispatch,
        attempt=claim.number,
        recipient=claim.recipient,
        address=claim.address,
        content=content,
        begun_at=claim.called_at,
    )


def _run_of(claim: Claim) -> tuple[int, Period]:
    if claim.run_id is None or claim.period is None:
        raise ValueError("a message without content that is of no run")
    return claim.run_id, claim.period

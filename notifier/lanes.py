"""A channel at work in one sender: what is claimed for it, what is being called, and how fast it may go on."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from notifier.channels import Channel, Outcome
from notifier.claiming import Claim
from notifier.policy import ChannelLimits
from notifier.settling import Question

# What is urgent waits behind what was claimed before it: where calls are slow, no more than these seconds of them.
_AHEAD_SECONDS = 2.0


@dataclass(slots=True)
class Lane:
    """A channel, the claims that are ready to be called, and those whose calls go on."""

    name: str
    channel: Channel
    limits: ChannelLimits
    ready: deque[Claim] = field(default_factory=deque)
    calling: dict[int, Claim] = field(default_factory=dict)
    asking: int = 0

    @property
    def free(self) -> int:
        """How many more calls the channel bears at this moment."""
        return self.limits.concurrency - len(self.calling) - self.asking

    @property
    def room(self) -> int:
        """How many more to claim, so that nobody waits for the database between two calls."""
        return self._most_ready - len(self.ready)

    @property
    def is_low(self) -> bool:
        return len(self.ready) <= self._most_ready // 4

    @property
    def is_busy(self) -> bool:
        return bool(self.ready or self.calling or self.asking)

    @property
    def wanted(self) -> int:
        """How many calls could begin."""
        return min(self.free, len(self.ready))

    @property
    def _most_ready(self) -> int:
        most = 2 * self.limits.concurrency
        if self.limits.per_second is None:
            return most
        return min(most, max(1, math.ceil(self.limits.per_second * _AHEAD_SECONDS)))


@dataclass(frozen=True, slots=True)
class Returned:
    """What a thread brings back: the outcome of a call or the answer to a question, or None where there was none."""

    lane: Lane
    claim: Claim
    outcome: Outcome | None
    question: Question | None = None

"""Recipients that fetch for themselves: nothing leaves the house until they come with their token.

That a package was fetched, and in which revision, is noted by the gateway that hands it over.
"""

from __future__ import annotations

from dataclasses import dataclass

from notifier.channels import Dispatch, Letter, Outcome, Parcel
from notifier.institutions.answers import failed_for_good
from notifier.states import MessageState


@dataclass(frozen=True, slots=True)
class PullChannel:
    """Says that what is for the recipient lies ready."""

    repeatable: bool = True

    def deliver(self, dispatch: Dispatch) -> Outcome:
        if not isinstance(dispatch.content, Parcel | Letter):
            return failed_for_good("不是可以由对方领取的内容")
        return Outcome(state=MessageState.ACCEPTED, detail="已备好，等待对方领取")

    def look_up(self, dispatch: Dispatch, reference: str | None) -> Outcome | None:
        return None

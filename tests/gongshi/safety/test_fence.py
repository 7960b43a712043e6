"""The fence of a restored notifier: what was sent before goes no second time, and takes over what is known of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from homes import Home
from sqlalchemy import select
from sqlalchemy.orm import Session

from gongshi.office import open_office
from notifier.channels import Outcome, ShortMessage
from notifier.fencing import add_sent, fence_blindly, join_meanings
from notifier.outbox import Draft, enqueue
from notifier.reconciling import hold_unsure
from notifier.sending import Given, send_due
from notifier.states import MessageState, Purpose
from notifier.stops import open_digest
from notifier.tables import AttemptRow, MessageRow, SentBeforeRow
from notifier.witness import digest_content

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
WORDS = ShortMessage(text="【测试市法院】您的申请已经办结。", template="t", version=1, fields={})
NUMBER = "+8613800000000"


class Counting:
    """A provider that counts."""

    repeatable = False

    def __init__(self) -> None:
        self.sent: list[str] = []

    def deliver(self, dispatch: object) -> object:
        self.sent.append(getattr(dispatch, "id", ""))
        return Outcome(state=MessageState.DELIVERED, detail="")

    def look_up(self, _dispatch: object, _reference: str | None) -> None:
        return None


def test_the_same_words_to_the_same_person_go_once(home: Home) -> None:
    court = home.court
    office, provider = open_office(court), Counting()
    now, digest = home.clock(), open_digest(office.engine)

    def queue(key: str, address: str = NUMBER) -> None:
        draft = Draft(key=key, purpose=Purpose.NOTICE, channel="post", content=WORDS, address=address)
        with Session(office.engine) as session, session.begin():
            enqueue(session, [draft], now=home.clock(), digest=digest)

    def send() -> int:
        return send_due(office, {"post": provider}, clock=home.clock, worker="w", given=Given())  # type: ignore[dict-item]

    queue("notice/1")
    assert send() == 1
    with Session(office.engine) as session, session.begin():
        content = session.scalars(select(MessageRow.content)).one()
        meaning = join_meanings([f"notice/{digest(NUMBER)}/post/{digest_content(content)}"])
        before = {"meaning": meaning, "purpose": "notice", "channel": "post", "recipient": "", "called_at": now}
        lines = [
            SentBeforeRow(**before, dispatch="lost-1", outcome="accepted", reference="SM1"),
            SentBeforeRow(**before, dispatch="lost-2", outcome=None, reference=None),
        ]
        assert add_sent(session, lines) == 2
    for number in (2, 3, 4):
        queue(f"notice/{number}")
    queue("notice/5", "+8613900000000")
    home.clock.advance(minutes=1)
    send()
    with Session(office.engine) as session:
        rows = list(session.scalars(select(MessageRow).order_by(MessageRow.id)))
        assert [(row.dispatch, row.state) for row in rows[1:3]] == [("lost-1", "accepted"), ("lost-2", "unknown")]
        assert rows[2].reason == "恢复前可能已经发出，请核实"
        assert session.scalars(select(AttemptRow.reference).where(AttemptRow.message_id == rows[1].id)).one() == "SM1"
        # Two were sent before; a third, and one to somebody else, are news.
        assert [row.state for row in rows[3:]] == ["delivered", "delivered"]
    assert len(provider.sent) == 3
    with Session(office.engine) as session, session.begin():
        fence_blindly(session, home.clock(), home.clock() + timedelta(hours=1))
    queue("notice/6", "+8613700000000")
    send()
    home.clock.advance(hours=2)
    queue("notice/7", "+8613600000000")
    send()
    assert len(provider.sent) == 4
    court.close()


class Forgetful(Counting):
    """A provider that knows of nothing that it is asked for."""

    def look_up(self, _dispatch: object, _reference: str | None) -> object:  # type: ignore[override]
        return Outcome(state=MessageState.FAILED_TEMPORARY, detail="")


@pytest.mark.parametrize("story", ["queued in the backup", "under another's name", "under its own name"])
def test_only_what_went_under_a_name_that_the_provider_knows_is_sent_again_on_its_word(home: Home, story: str) -> None:
    court = home.court
    office, provider = open_office(court), Forgetful()
    digest = open_digest(office.engine)

    def queue(key: str) -> None:
        draft = Draft(key=key, purpose=Purpose.NOTICE, channel="post", content=WORDS, address=NUMBER)
        with Session(office.engine) as session, session.begin():
            enqueue(session, [draft], now=home.clock(), digest=digest)

    def send_for_hours() -> int:
        for minutes in (0, 1, 5, 20, 60, 120):
            home.clock.advance(minutes=minutes)
            send_due(office, {"post": provider}, clock=home.clock, worker="w", given=Given())  # type: ignore[dict-item]
        return len(provider.sent)

    queue("notice/1")
    if story == "queued in the backup":
        with Session(office.engine) as session, session.begin():
            assert hold_unsure(session, home.clock()) == 1
        assert send_for_hours() == 0
        court.close()
        return
    assert send_for_hours() == 1
    with Session(office.engine) as session, session.begin():
        row = session.scalars(select(MessageRow)).one()
        meaning = join_meanings([f"notice/{digest(NUMBER)}/post/{digest_content(row.content)}"])
        before = SentBeforeRow(
            meaning=meaning,
            purpose="notice",
            channel="post",
            recipient="",
            called_at=home.clock(),
            dispatch=row.dispatch if story == "under another's name" else "lost-1",
        )
        assert add_sent(session, [before]) == 1
    queue("notice/2")
    assert send_for_hours() == (1 if story == "under another's name" else 2)
    court.close()

"""SMS through the outbox: whatever the network loses, every message is accepted once, and every receipt finds its own."""

from collections import Counter
from contextlib import closing
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from standins.twilio_server import Fault, TwilioServer

from notifier.claiming import Terms
from notifier.outbox import Draft, enqueue
from notifier.policy import Rules
from notifier.sending import Given, send_due
from notifier.settling import Receipt, apply_receipt
from notifier.sms.channel import open_sms
from notifier.sms.receipts import Event, ReceiptArrived
from notifier.sms.routing import SMS_CHANNELS, channel_for
from notifier.sms.settings import SmsSettings
from notifier.states import MessageState, Purpose
from notifier.stops import open_digest
from notifier.tables import AttemptRow, MessageRow

MESSAGES, NUMBERS, MOST_ROUNDS = 40, 20, 60
FAULTS = [
    None,
    None,
    Fault.LOST_ANSWER,
    Fault.LOST_REQUEST,
    Fault.ERROR_AFTER,
    Fault.ERROR_BEFORE,
    Fault.TOO_MANY,
    Fault.HTML,
]


def states(engine: Any) -> Counter[str]:
    with Session(engine) as session:
        return Counter(session.scalars(select(MessageRow.state)))


def to_receipt(event: Event) -> Receipt:
    assert isinstance(event, ReceiptArrived)
    return Receipt(
        channel=event.channel,
        state=event.outcome.state,
        detail=event.outcome.detail,
        dispatch=event.dispatch_id,
        reference=event.reference,
        stop=event.outcome.stop,
    )


@pytest.mark.long
def test_every_message_is_accepted_once_whatever_is_lost(
    town: Any, twilio: TwilioServer, twilio_settings: Any, gateway: Any, clock: Any, nonces: Any, dispatch: Any
) -> None:
    random, engine = Random(7), town.notifier.engine
    digest = open_digest(engine)
    # Two equal texts to each number: what is not known of the one may be the other's.
    numbers = [f"+1202555{number:04d}" for number in range(100, 100 + NUMBERS)] * 2
    drafts = [
        Draft(
            key=f"notice/{position}",
            purpose=Purpose.NOTICE,
            channel=channel_for(number),
            content=replace(dispatch().content, text=f"【测试市人民法院】{number[-4:]}"),
            address=number,
        )
        for position, number in enumerate(numbers)
    ]
    with Session(engine) as session, session.begin():
        enqueue(session, drafts, now=clock(), digest=digest, random=random)

    def is_taken(reference: str) -> bool:
        with Session(engine) as session:
            return session.scalar(select(AttemptRow.id).where(AttemptRow.reference == reference)) is not None

    settings = SmsSettings(twilio=twilio_settings, gateway_url=gateway.url)
    channel = open_sms(settings, clock=clock, nonce=nonces, is_taken=is_taken)
    assert channel is not None
    given, channels = Given(random=random), dict.fromkeys(SMS_CHANNELS, channel)
    with closing(channel):
        for _ in range(MOST_ROUNDS):
            twilio.faults = [random.choice(FAULTS) for _ in range(2 * MESSAGES)]
            send_due(town.notifier, channels, clock=clock, worker="甲", given=given)
            clock.pass_time(minutes=16)
            if set(states(engine)) == {MessageState.ACCEPTED}:
                break
    assert states(engine) == {MessageState.ACCEPTED: MESSAGES}
    assert len(twilio.messages) == MESSAGES
    assert Counter(message.to for message in twilio.messages) == dict.fromkeys(numbers, 2)

    terms = Terms(rules=Rules(), workdays=town.notifier.workdays, digest=digest, random=random, worker="甲")
    for message in twilio.messages:
        for status in ("delivered", "sent", "delivered"):
            assert twilio.call_back(message, status).status == 200
    for event in gateway.applied.events:
        apply_receipt(engine, to_receipt(event), terms, clock())
    assert states(engine) == {MessageState.DELIVERED: MESSAGES}

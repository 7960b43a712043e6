"""Alarm mail, straight to the court's mail server: it goes out also when the outbox, the worker or a database does not work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random

from notifier.channels import Dispatch, Letter
from notifier.institutions import Links
from notifier.institutions.mail import MailChannel
from notifier.institutions.settings import BadInstitutionSetting, read_institution_settings
from notifier.states import MessageState

# An alarm must not keep a worker or a timer waiting for long.
_TIMEOUT, _CONTENT_TIMEOUT = 15.0, 30.0


class NotMailed(Exception):
    """Nobody was reached. The message says why, in Chinese, and names no address."""


def send_mail(
    addresses: Sequence[str],
    letter: Letter,
    *,
    environ: Mapping[str, str],
    clock: Callable[[], datetime],
    random: Random,
) -> int:
    """Send `letter` to each address by itself; to how many of them it did not go. Raises NotMailed where it went to none."""
    try:
        settings = read_institution_settings(environ).mail
    except BadInstitutionSetting as error:
        raise NotMailed(str(error)) from None
    if settings is None:
        raise NotMailed("没有设置邮件服务器（GONGSHI_SMTP_URL）")
    channel = MailChannel(
        settings, lambda _slug: None, Links(), clock=clock, timeout=_TIMEOUT, content_timeout=_CONTENT_TIMEOUT
    )
    reasons = []
    for address in addresses:
        dispatch = Dispatch(
            id=f"{random.getrandbits(96):024x}", attempt=1, recipient="alarm", address=address, content=letter
        )
        outcome = channel.deliver(dispatch)
        if outcome.state is not MessageState.ACCEPTED:
            reasons.append(outcome.detail)
    if len(reasons) == len(addresses):
        raise NotMailed(reasons[0])
    return len(reasons)

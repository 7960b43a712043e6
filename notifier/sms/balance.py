"""What is left on the account of the provider of SMS, where its API tells.

Twilio tells. Aliyun sells packages of messages whose rest no API tells, and the money of the account says nothing of them: an
empty one is known by the first refusal, which stops the channel.
"""

from __future__ import annotations

from dataclasses import dataclass

import requests

from notifier.sms.settings import TwilioSettings

_TIMEOUT = 10.0
_LARGEST = 100_000


class BalanceUnknown(Exception):
    """It could not be found out. The message says why, in Chinese, and names nothing of the account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """An amount in the account's own currency."""

    amount: float
    currency: str


def read_balance(settings: TwilioSettings) -> Balance:
    """What Twilio says. Raises BalanceUnknown."""
    sid = settings.account_sid
    address = f"{settings.base_url}/2010-04-01/Accounts/{sid}/Balance.json"
    try:
        answer = requests.get(
            address, auth=(sid, settings.auth_token.get_secret_value()), timeout=_TIMEOUT, allow_redirects=False
        )
    except requests.RequestException:
        raise BalanceUnknown("连接不上") from None
    if answer.status_code != 200 or len(answer.content) > _LARGEST:
        raise BalanceUnknown(f"对方答复 {answer.status_code}")
    try:
        body = answer.json()
        return Balance(amount=float(body["balance"]), currency=str(body["currency"])[:8])
    except (ValueError, KeyError, TypeError):
        raise BalanceUnknown("答复不能读懂") from None

"""What a home for training may reach: this machine, and names that nobody can have. Pure but for the channel in front."""

from __future__ import annotations

from notifier.channels import Channel, Dispatch, Outcome
from notifier.institutions import FindEndpoint
from notifier.institutions.addresses import BadAddress, is_loopback_name, parse_mail, parse_sftp, parse_webhook
from notifier.institutions.answers import failed_for_good

_AWAY = "演练的数据目录只能发往本机：SFTP 和回调须为 127.0.0.1 或 localhost，邮件须为 localhost 或 .example、.test、.invalid 的地址"
# No such name is ever given to anybody (RFC 2606, RFC 6761).
_RESERVED = ("localhost", "example", "test", "invalid", "example.com", "example.net", "example.org")


def check_staying(address: str) -> None:
    """Raises BadAddress where mail, files or events for `address` would leave this machine or reach somebody."""
    if "://" not in address:
        domain = parse_mail(address).domain.removesuffix(".")
        stays = any(domain == name or domain.endswith(f".{name}") for name in _RESERVED)
    elif address.lower().startswith("sftp://"):
        stays = is_loopback_name(parse_sftp(address).host)
    else:
        stays = is_loopback_name(parse_webhook(address, loopback=True).host)
    if not stays:
        raise BadAddress(_AWAY)


class StayingChannel:
    """The channel of a home for training: what would leave this machine fails for good, and nothing is called."""

    def __init__(self, channel: Channel, find: FindEndpoint) -> None:
        self._channel = channel
        self._find = find
        self.repeatable = channel.repeatable

    def deliver(self, dispatch: Dispatch) -> Outcome:
        endpoint = self._find(dispatch.recipient)
        try:
            for address in (dispatch.address, endpoint.address if endpoint else None):
                if address:
                    check_staying(address)
        except BadAddress as error:
            return failed_for_good(str(error))
        return self._channel.deliver(dispatch)

    def look_up(self, dispatch: Dispatch, reference: str | None) -> Outcome | None:
        """What the channel behind it knows."""
        return self._channel.look_up(dispatch, reference)

"""The ways to institutions, as the settings have them; and trying one of them out."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from notifier.channels import Channel, Dispatch, Letter, Outcome
from notifier.institutions import MAIL, PULL, SFTP, WEBHOOK, Endpoint, FindEndpoint, Links
from notifier.institutions.answers import failed_for_now
from notifier.institutions.mail import MailChannel
from notifier.institutions.pull import PullChannel
from notifier.institutions.settings import SMTP_URL, InstitutionSettings
from notifier.institutions.sftp import SftpChannel
from notifier.institutions.webhook import WebhookChannel
from notifier.states import MessageState

Clock = Callable[[], datetime]

_TEST = Letter(
    subject="【连接测试】失信被执行人名单推送",
    text="这是一次连接测试，不含任何名单内容，无需办理，也无需回执。",
    facts={"type": "test"},
)


def open_institutions(
    settings: InstitutionSettings,
    find: FindEndpoint,
    links: Links,
    *,
    clock: Clock,
    tls: ssl.SSLContext | None = None,
) -> Mapping[str, Channel]:
    """The channels by name. Mail is absent where no mail server is set. `tls` says whom to trust (None: whom the
    system trusts)."""
    channels: dict[str, Channel] = {
        SFTP: SftpChannel(find, links, key=settings.sftp_key),
        WEBHOOK: WebhookChannel(find, links, clock=clock, loopback=settings.webhook_loopback, tls=tls),
        PULL: PullChannel(),
    }
    if settings.mail is not None:
        channels[MAIL] = MailChannel(settings.mail, find, links, clock=clock, tls=tls)
    return channels


def test_endpoint(settings: InstitutionSettings, endpoint: Endpoint, *, clock: Clock) -> Outcome:
    """Try out the way to a recipient with a message that says it is a test and holds no entry; over SFTP, with a file
    that is written, renamed and removed. The way is told from the address: without one, the recipient pulls."""
    at = clock()
    channels = open_institutions(settings, lambda _: endpoint, Links(), clock=clock)
    way = way_of(endpoint)
    channel = channels.get(way)
    if isinstance(channel, SftpChannel):
        return channel.try_out(endpoint, at)
    if isinstance(channel, PullChannel):
        return Outcome(state=MessageState.ACCEPTED, detail="由对方凭令牌自行领取，请对方试取一次")
    if channel is None:
        return failed_for_now(f"邮件未设置（{SMTP_URL}）")
    test = Dispatch(
        id=f"test-{at.astimezone(UTC):%Y%m%d%H%M%S}",
        attempt=1,
        recipient=endpoint.slug,
        address=endpoint.address,
        content=_TEST,
    )
    return channel.deliver(test)


def way_of(endpoint: Endpoint) -> str:
    """The channel that an address is of."""
    if not endpoint.address:
        return PULL
    if endpoint.address.lower().startswith("sftp://"):
        return SFTP
    return WEBHOOK if "://" in endpoint.address else MAIL

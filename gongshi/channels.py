"""The ways out of this home: which providers are set up, how fast each may be used, and the channels that use them.

In a training home no real provider is ever called: the sandbox stands behind SMS and WeChat, and their accounts are made
up, the same in every process of the home; mail, SFTP and webhooks stay on this machine. Real accounts among the settings of
such a home are refused.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from hmac import digest as hmac

from pydantic import SecretStr
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from gongshi.court import Court
from gongshi.settings import BadSetting, Settings
from gongshi.training import refuse_real
from notifier.channels import Channel
from notifier.channels.sandbox import SandboxChannel, TaskChannel
from notifier.context import Notifier
from notifier.digests import CHAT_TEMPLATES
from notifier.institutions import MAIL, PULL, SFTP, WEBHOOK
from notifier.institutions.opening import open_institutions
from notifier.institutions.settings import BadInstitutionSetting, InstitutionSettings, read_institution_settings
from notifier.institutions.staying import StayingChannel
from notifier.lasting import keep_secret
from notifier.links import open_links
from notifier.policy import ChannelLimits, Rules
from notifier.recipients import SANDBOX, TASKS, open_endpoints
from notifier.sending import Clock
from notifier.sms.channel import open_sms
from notifier.sms.outcomes import TWILIO
from notifier.sms.routing import ABROAD_CHANNEL, MAINLAND_CHANNEL, NO_MAINLAND_ROUTE, NO_ROUTE_ABROAD, SMS_CHANNELS
from notifier.sms.settings import BadSmsSetting, SmsSettings, TwilioSettings, read_sms_settings
from notifier.stops import resume_if
from notifier.tables import AttemptRow
from notifier.wechat import CHANNEL as WECHAT
from notifier.wechat.channel import open_wechat_channel
from notifier.wechat.settings import BadWeChatSetting, WeChatSettings, read_wechat_settings
from notifier.wechat.templates import BadTemplates

# What providers bear, with room to spare; one that wants less says so, and is left alone for a while.
# WeChat: 100,000 template messages a day and account. Twilio queues what a number may not send at once.
LIMITS: Mapping[str, ChannelLimits] = {
    MAINLAND_CHANNEL: ChannelLimits(concurrency=8, per_second=20),
    ABROAD_CHANNEL: ChannelLimits(concurrency=8, per_second=10),
    WECHAT: ChannelLimits(concurrency=8, per_second=30, per_day=100_000),
    MAIL: ChannelLimits(concurrency=2, per_second=2),
    # Each recipient has a server of its own: one that does not answer must not hold up the others.
    SFTP: ChannelLimits(concurrency=4),
    WEBHOOK: ChannelLimits(concurrency=4),
    PULL: ChannelLimits(concurrency=4),
    SANDBOX: ChannelLimits(concurrency=4),
    TASKS: ChannelLimits(concurrency=4),
}
_SANDBOX_KEY = "sandbox_key"
_NOWHERE = "http://127.0.0.1:8002"


@dataclass(frozen=True, slots=True, kw_only=True)
class Providers:
    """Which providers this home has. In `training` those of SMS and WeChat are made up."""

    sms: SmsSettings
    wechat: WeChatSettings | None
    institutions: InstitutionSettings
    training: bool


def read_providers(court: Court, office: Notifier, environ: Mapping[str, str] | None = None) -> Providers:
    """The providers in the environment, or those of the sandbox in a training home. Raises BadSetting, too where a home
    for training is given real ones."""
    environ = os.environ if environ is None else environ
    training = office.register.profile(court.now).training
    problem = ""
    try:
        institutions = read_institution_settings(environ)
        if training:
            refuse_real(environ, institutions)
        sms, wechat = (
            _make_up(office.engine, court.settings)
            if training
            else (read_sms_settings(), read_wechat_settings(environ))
        )
        return Providers(sms=sms, wechat=wechat, institutions=institutions, training=training)
    except (BadInstitutionSetting, BadSmsSetting, BadWeChatSetting) as error:
        problem = str(error)
    raise BadSetting(problem)


def read_rules(settings: Settings, *, training: bool) -> Rules:
    """How messages are sent here. Raises BadSetting."""
    if settings.quiet_hours == "off" and not training:
        raise BadSetting("设置 GONGSHI_QUIET_HOURS 无效：off 只能用于演练的数据目录，夜间和休息日不得打扰公民")
    return Rules(
        channels=LIMITS,
        opens=settings.quiet_opens,
        closes=settings.quiet_closes,
        quiet=settings.quiet_hours == "on",
        citizen_cap=settings.citizen_daily,
        trial=settings.trial_list,
        dry_run=settings.sending == "dry_run",
        approval_required=settings.push_approval == "required",
    )


def open_channels(court: Court, office: Notifier, providers: Providers | None = None) -> Mapping[str, Channel]:
    """The channels of this home, by name; what has no provider is absent, and its messages wait. Raises BadSetting."""
    given = providers or read_providers(court, office)
    clock = court.world.now
    links = open_links(office.engine, court.settings.gateway_url or None)
    find = open_endpoints(office.engine)
    ways = open_institutions(given.institutions, find, links, clock=clock)
    channels: dict[str, Channel] = {
        SANDBOX: SandboxChannel(office.folder / "sandbox", templates=CHAT_TEMPLATES),
        TASKS: TaskChannel(),
        **ways,
    }
    if given.training:
        # Also a recipient that was registered while the home was not yet one for training.
        channels |= {name: StayingChannel(channel, find) for name, channel in ways.items()}
        return channels | dict.fromkeys((*SMS_CHANNELS, WECHAT), channels[SANDBOX])
    sms = open_sms(
        given.sms, clock=clock, nonce=lambda: _draw(court), is_taken=lambda sid: _is_taken(office.engine, sid)
    )
    if sms is not None:
        channels |= dict.fromkeys(SMS_CHANNELS, sms)
    if given.wechat is not None:
        channels[WECHAT] = _open_wechat(given.wechat, office.engine, clock)
    return channels


def resume_what_is_set(office: Notifier, providers: Providers) -> None:
    """Let go on what waited for a setting that is there now: the route of SMS in mainland China."""
    if providers.sms.mainland:
        resume_if(office.engine, MAINLAND_CHANNEL, NO_MAINLAND_ROUTE.reason)
    if providers.sms.twilio is not None:
        resume_if(office.engine, ABROAD_CHANNEL, NO_ROUTE_ABROAD.reason)


def _open_wechat(settings: WeChatSettings, engine: Engine, clock: Clock) -> Channel:
    try:
        return open_wechat_channel(settings, engine, clock)
    except BadTemplates as error:
        raise BadSetting(f"设置 GONGSHI_WECHAT_TEMPLATES 无效：{error}") from None


def _draw(court: Court) -> str:
    return f"{court.world.random.getrandbits(128):032x}"


def _is_taken(engine: Engine, reference: str) -> bool:
    """Whether the provider's number is known to be that of another message."""
    with Session(engine) as session:
        return session.scalar(select(AttemptRow.id).where(AttemptRow.reference == reference).limit(1)) is not None


def _make_up(engine: Engine, settings: Settings) -> tuple[SmsSettings, WeChatSettings | None]:
    """Accounts that no provider has given, with secrets of this home."""
    key = bytes.fromhex(keep_secret(engine, _SANDBOX_KEY))

    def derive(what: str) -> bytes:
        return hmac(key, what.encode(), sha256)

    twilio = TwilioSettings(
        account_sid=f"AC{derive('account').hex()[:32]}",
        auth_token=SecretStr(derive("twilio").hex()[:32]),
        sender="+15005550006",
        base_url=_NOWHERE,
    )
    sms = SmsSettings(twilio=twilio, gateway_url=settings.gateway_url or _NOWHERE, mainland=(TWILIO,))
    wechat = WeChatSettings(
        appid=f"wx{derive('appid').hex()[:16]}",
        secret=SecretStr(derive("secret").hex()[:32]),
        token=SecretStr(derive("token").hex()[:32]),
        aes_key=SecretStr(b64encode(derive("aes")).decode().rstrip("=")),
        base_url=_NOWHERE,
    )
    return sms, wechat

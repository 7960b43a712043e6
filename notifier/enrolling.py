"""What must be known of a recipient before anything is sent to it, by channel. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from notifier.institutions import MAIL, PULL, SFTP, WEBHOOK
from notifier.institutions.addresses import (
    BadAddress,
    check_host_key,
    check_webhook_secret,
    parse_mail,
    parse_sftp,
    parse_webhook,
)
from notifier.institutions.staying import check_staying
from notifier.sms.numbers import InvalidNumber, to_e164

SANDBOX = "sandbox"
CHANNELS = (MAIL, SFTP, WEBHOOK, PULL, SANDBOX)
CHANNEL_LABEL = {MAIL: "电子邮件", SFTP: "SFTP", WEBHOOK: "HTTPS 推送", PULL: "自行下载", SANDBOX: "演练收件箱"}
# What is no secret: it may be typed on a command line, and is shown.
OPTIONS: Mapping[str, frozenset[str]] = {SFTP: frozenset({"host_key"}), WEBHOOK: frozenset({"private"})}
_SLUG = re.compile(r"[a-z][a-z0-9-]{0,31}")
# Folders of the sandbox beside those of its recipients.
_TAKEN = frozenset({"letters", "messages", "phone"})
_LONGEST = 60


class BadRecipient(ValueError):
    """What was given is not enough, or not right. One Chinese line that says which option, and never a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Liaison:
    """Who at the recipient's is told when an answer is overdue. `phone` is E.164."""

    name: str | None = None
    phone: str | None = None
    mail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A recipient to be registered. `kind` is a value of RecipientKind; `secret` is a signing secret or a password."""

    slug: str
    name: str
    kind: str
    channel: str
    address: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    secret: str | None = field(default=None, repr=False)
    liaison: Liaison = field(default_factory=Liaison)


def check_enrolment(given: Enrolment, *, loopback: bool = False, training: bool = False) -> Enrolment:
    """`given` as it is kept: addresses and numbers in one writing. `loopback`: webhooks of this machine are permitted;
    `training`: made-up telephone numbers are, and only addresses that do not leave this machine. Raises BadRecipient.
    """
    slug, name = given.slug.strip(), given.name.strip()
    if not _SLUG.fullmatch(slug) or slug in _TAKEN:
        raise BadRecipient("代号应为小写字母开头的字母、数字和连字符，最多 32 个，且不是 letters、messages、phone")
    if not is_line(name):
        raise BadRecipient(f"名称应为 1 至 {_LONGEST} 个可见字符")
    if given.channel not in CHANNELS:
        raise BadRecipient(f"没有这个通道，可用：{'、'.join(CHANNELS)}")
    _check_options(given)
    return replace(
        given,
        slug=slug,
        name=name,
        address=_check_address(given, loopback, training),
        options=_keep_options(given),
        secret=_check_secret(given),
        liaison=_check_liaison(given.liaison, training),
    )


def is_line(text: str, longest: int = _LONGEST) -> bool:
    """Whether `text` is one line of something to be read."""
    return 0 < len(text) <= longest and text.isprintable() and not text.isspace()


def _check_options(given: Enrolment) -> None:
    known = OPTIONS.get(given.channel, frozenset())
    if not given.options.keys() <= known:
        allowed = "、".join(sorted(known)) or "没有"
        raise BadRecipient(f"--option 中有此通道没有的项，{CHANNEL_LABEL[given.channel]}可用的项：{allowed}")
    if given.options.get("private", "yes") not in ("yes", "no"):
        raise BadRecipient("--option private 只能是 yes（接收地址在内网）或者 no")


def _check_address(given: Enrolment, loopback: bool, training: bool) -> str | None:
    address, channel = (given.address or "").strip(), given.channel
    if channel in (PULL, SANDBOX):
        if address:
            raise BadRecipient(f"{CHANNEL_LABEL[channel]}不需要 --address")
        return None
    if not address:
        raise BadRecipient(f"{CHANNEL_LABEL[channel]}须用 --address 给出接收地址")
    try:
        if training:
            check_staying(address)
        if channel == MAIL:
            return str(parse_mail(address))
        if channel == SFTP:
            parse_sftp(address)
        else:
            parse_webhook(address, loopback=loopback)
    except BadAddress as error:
        raise BadRecipient(f"--address：{error}") from None
    return address


def _keep_options(given: Enrolment) -> dict[str, str]:
    if given.channel != SFTP:
        return dict(given.options)
    line = given.options.get("host_key", "")
    if not line.strip():
        raise BadRecipient(
            "SFTP 须用 --option 'host_key=ssh-ed25519 AAAA…' 给出对方的主机公钥（指纹须当面或者电话向对方核对）"
        )
    try:
        check_host_key(line)
    except BadAddress as error:
        raise BadRecipient(f"--option host_key：{error}") from None
    # The comment behind the key may name a person or a machine.
    return {**given.options, "host_key": " ".join(line.split()[:2])}


def _check_secret(given: Enrolment) -> str | None:
    if given.channel == WEBHOOK:
        try:
            check_webhook_secret(given.secret or "")
        except BadAddress as error:
            raise BadRecipient(str(error)) from None
    elif given.secret is not None and given.channel != SFTP:
        raise BadRecipient(f"{CHANNEL_LABEL[given.channel]}不用密钥或者口令")
    elif given.secret is not None and not is_line(given.secret, 256):
        raise BadRecipient("口令应为一行可见字符，最多 256 个")
    return given.secret


def _check_liaison(liaison: Liaison, training: bool) -> Liaison:
    name = (liaison.name or "").strip() or None
    if name is not None and not is_line(name):
        raise BadRecipient(f"--liaison-name 应为 1 至 {_LONGEST} 个可见字符")
    try:
        phone = to_e164(liaison.phone, training=training) if liaison.phone else None
    except InvalidNumber as error:
        raise BadRecipient(f"--liaison-phone：{error}") from None
    try:
        mail = str(parse_mail(liaison.mail.strip())) if liaison.mail else None
        if training and mail:
            check_staying(mail)
    except BadAddress as error:
        raise BadRecipient(f"--liaison-mail：{error}") from None
    return Liaison(name=name, phone=phone, mail=mail)

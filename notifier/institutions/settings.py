"""The settings of the ways to institutions, read once from the environment.

`GONGSHI_SMTP_URL`: `smtp://user:password@host:587` (STARTTLS is required; without TLS only to this machine) or
`smtps://host:465`, user and password percent-encoded. `GONGSHI_MAIL_FROM`, or `?from=` of the former: the sender,
`name@court.cn` or `名称 <name@court.cn>`. `GONGSHI_SFTP_KEY`: the file of the private key (OpenSSH or PEM, without a passphrase)
with which we sign in where a recipient has no password. `GONGSHI_WEBHOOK_LOOPBACK=yes`: webhooks may lead to this machine,
for tests and training. Authorities of one's own are trusted through `SSL_CERT_FILE`, as OpenSSL has it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from email.utils import parseaddr
from enum import Enum
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr

from notifier.institutions.addresses import BadAddress, MailAddress, is_loopback_name, parse_mail
from notifier.institutions.ssh import BadKey, read_private_key

SMTP_URL = "GONGSHI_SMTP_URL"
MAIL_FROM = "GONGSHI_MAIL_FROM"
SFTP_KEY = "GONGSHI_SFTP_KEY"
WEBHOOK_LOOPBACK = "GONGSHI_WEBHOOK_LOOPBACK"
_SHAPE = "应为 smtp://用户名:口令@主机:587 或 smtps://用户名:口令@主机:465，用户名和口令中的特殊字符写成百分号编码"
_PORTS = {"smtp": 587, "smtps": 465}
_LONGEST_NAME = 100


class BadInstitutionSetting(Exception):
    """A setting that cannot be used: one Chinese line that names it and never shows its value."""


class Security(Enum):
    """How the connection to the mail server is protected."""

    TLS = "tls"
    STARTTLS = "starttls"
    # To this machine only.
    NONE = "none"


class MailSettings(BaseModel):
    """The mail server that takes our mail, and whom it is from."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int
    security: Security
    user: str = ""
    password: SecretStr = SecretStr("")
    sender: MailAddress
    sender_name: str = ""


class InstitutionSettings(BaseModel):
    """What the ways to institutions need. Mail is off where `mail` is None."""

    model_config = ConfigDict(frozen=True)

    mail: MailSettings | None = None
    sftp_key: Path | None = None
    webhook_loopback: bool = False


def read_institution_settings(environ: Mapping[str, str] | None = None) -> InstitutionSettings:
    """The settings in `environ` (None: that of this process). Raises BadInstitutionSetting."""
    given = os.environ if environ is None else environ
    values = {name: given.get(name, "").strip() for name in (SMTP_URL, MAIL_FROM, SFTP_KEY, WEBHOOK_LOOPBACK)}
    return InstitutionSettings(
        mail=_read_mail(values[SMTP_URL], values[MAIL_FROM]),
        sftp_key=_read_key(values[SFTP_KEY]),
        webhook_loopback=_read_switch(WEBHOOK_LOOPBACK, values[WEBHOOK_LOOPBACK]),
    )


def remarks(settings: InstitutionSettings) -> list[str]:
    """What a doctor has to say of these settings, a Chinese line each."""
    lines = []
    if settings.mail is None:
        lines.append(f"邮件未设置（{SMTP_URL}）：不发送邮件")
    if settings.sftp_key is None:
        lines.append(f"SFTP 私钥未设置（{SFTP_KEY}）：只能向登记了口令的接收人推送")
    if settings.webhook_loopback:
        lines.append(f"回调允许发往本机（{WEBHOOK_LOOPBACK}）：只用于测试和演练")
    return lines


def _read_mail(address: str, sender: str) -> MailSettings | None:
    if not address:
        _require(not sender, MAIL_FROM, f"设置了发件地址，但没有设置 {SMTP_URL}；要么全部设置，要么全部不设置")
        return None
    url = _split(address)
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    _require(set(query) <= {"from"}, SMTP_URL, "地址中只能有 from 一个参数")
    _require(not (sender and "from" in query), MAIL_FROM, f"与 {SMTP_URL} 中的 from 重复，请只写一处")
    user, password = unquote(url.username or ""), unquote(url.password or "")
    _require(bool(user) == bool(password), SMTP_URL, "用户名和口令要么都写，要么都不写")
    plain = all(text.isascii() and text.isprintable() for text in (user, password))
    _require(plain, SMTP_URL, "用户名和口令只能用 ASCII 字符")
    host = (url.hostname or "").encode("idna").decode("ascii")
    from_name, from_address = _read_sender(sender or query.get("from") or (user if "@" in user else ""))
    return MailSettings(
        host=host,
        port=url.port or _PORTS[url.scheme],
        security=_secure(url.scheme, host),
        user=user,
        password=SecretStr(password),
        sender=from_address,
        sender_name=from_name,
    )


def _split(address: str) -> SplitResult:
    try:
        if not address.isprintable() or " " in address:
            raise ValueError
        url = urlsplit(address)
        usable = url.scheme in _PORTS and url.hostname and url.port != 0 and url.path in ("", "/")
        (url.hostname or "").encode("idna")
    except ValueError:
        usable = False
    _require(usable and not url.fragment, SMTP_URL, _SHAPE)
    return url


def _secure(scheme: str, host: str) -> Security:
    if scheme == "smtps":
        return Security.TLS
    return Security.NONE if is_loopback_name(host) else Security.STARTTLS


def _read_sender(text: str) -> tuple[str, MailAddress]:
    _require(text, MAIL_FROM, "没有发件地址，请设置为 name@court.cn 或者 名称 <name@court.cn>")
    name, address = parseaddr(text) if "<" in text else ("", text)
    try:
        found = parse_mail(address)
    except BadAddress:
        found = None
    usable = found is not None and found.is_ascii and name.isprintable() and len(name) <= _LONGEST_NAME
    if found is None or not usable:
        raise BadInstitutionSetting(f"设置 {MAIL_FROM} 无效：应为 name@court.cn 或者 名称 <name@court.cn>")
    return name, found


def _read_key(text: str) -> Path | None:
    if not text:
        return None
    try:
        read_private_key(Path(text))
    except BadKey as error:
        raise BadInstitutionSetting(f"设置 {SFTP_KEY} 无效：{error}") from None
    return Path(text)


def _read_switch(name: str, text: str) -> bool:
    _require(text in ("", "yes", "no"), name, "只能是 yes 或 no")
    return text == "yes"


def _require(condition: object, name: str, reason: str) -> None:
    if not condition:
        raise BadInstitutionSetting(f"设置 {name} 无效：{reason}")

"""Where an institution says it is reached, read strictly; and which hosts a webhook may lead to. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, unquote, urlsplit

Address = IPv4Address | IPv6Address

_LONGEST = 500
# The local part as RFC 5321 has it without quotes; letters beyond ASCII are for servers that speak SMTPUTF8.
_MAIL = re.compile(r"[^\s\x00-\x20\x7f\"(),:;<>@\[\\\]]{1,64}@[^\s\x00-\x20\x7f\"(),:;<>@\[\\\]]{1,253}")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_KEY_TYPE = re.compile(r"ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)")
_PREFIX = "whsec_"
_SECRET_BYTES = range(24, 65)
# What `private` opens: the networks of an office, and nothing that is only this machine or this cable.
_OFFICE = tuple(
    ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
_NAT64 = ip_network("64:ff9b::/96")


class BadAddress(ValueError):
    """An address or a key that cannot be used: one Chinese line that does not repeat it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailAddress:
    """A mail address. `domain` is in ASCII; `is_ascii` says whether the part before it is too."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def is_ascii(self) -> bool:
        return self.local.isascii()


@dataclass(frozen=True, slots=True, kw_only=True)
class SftpAddress:
    """A folder on an SFTP server; a folder without a leading slash is below the user's own."""

    user: str
    host: str
    port: int
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAddress:
    """Where events go. `host` is in ASCII, `target` the path with its query."""

    secure: bool
    host: str
    port: int
    target: str


def parse_mail(text: str) -> MailAddress:
    """Raises BadAddress. A domain beyond ASCII is turned into its ASCII form (IDNA)."""
    if len(text) > _LONGEST or not _MAIL.fullmatch(text):
        raise BadAddress("邮件地址不正确，应为 name@example.cn 的形式")
    local, _, domain = text.rpartition("@")
    if local.startswith(".") or local.endswith(".") or ".." in local or not local.isprintable():
        raise BadAddress("邮件地址不正确，应为 name@example.cn 的形式")
    return MailAddress(local=local, domain=_to_ascii_host(domain))


def parse_sftp(text: str) -> SftpAddress:
    """`sftp://user@host:port/folder`; `/~/folder` is below the user's own. Raises BadAddress."""
    url = _split(text)
    if url.scheme != "sftp" or not url.username or url.password is not None or url.query or url.fragment:
        raise BadAddress("SFTP 地址不正确，应为 sftp://用户名@主机:端口/文件夹 的形式，口令不写在地址里")
    try:
        folder, user = unquote(url.path, errors="strict"), unquote(url.username, errors="strict")
    except UnicodeDecodeError:
        raise BadAddress("SFTP 地址中的百分号编码应为 UTF-8") from None
    if ".." in folder.split("/") or not (folder + user).isprintable():
        raise BadAddress("SFTP 地址中的文件夹或者用户名不正确")
    own = folder == "/~" or folder.startswith("/~/")
    folder = folder[2:].strip("/") if own else "/" + folder.strip("/")
    return SftpAddress(user=user, host=_to_ascii_host(url.hostname), port=url.port or 22, folder=folder or ".")


def parse_webhook(text: str, *, loopback: bool = False) -> WebhookAddress:
    """An https address; http only to this machine, where `loopback` is allowed. Raises BadAddress."""
    url = _split(text)
    host = _to_ascii_host(url.hostname)
    plain = url.scheme == "http" and loopback and is_loopback_name(host)
    if not (plain or url.scheme == "https") or "@" in url.netloc or url.fragment or not text.isascii():
        raise BadAddress("回调地址不正确，应为 https:// 开头、不含用户名的网址")
    secure = url.scheme == "https"
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return WebhookAddress(secure=secure, host=host, port=url.port or (443 if secure else 80), target=target)


def check_host_key(line: str) -> tuple[str, bytes]:
    """The type and the bytes of an OpenSSH public key line. Raises BadAddress."""
    parts = line.split()
    try:
        if len(parts) >= 2 and _KEY_TYPE.fullmatch(parts[0]):
            key = base64.b64decode(parts[1], validate=True)
            # The bytes say their type once more, behind its length.
            if key[4 : 4 + len(parts[0])] == parts[0].encode() and key[:4] == len(parts[0]).to_bytes(4, "big"):
                return parts[0], key
    except binascii.Error:
        pass
    raise BadAddress("主机公钥不正确，应为 ssh-keyscan 给出的公钥，例如 ssh-ed25519 AAAA…")


def check_webhook_secret(text: str) -> tuple[str, ...]:
    """The signing secrets, `whsec_` and Base64 of 24 to 64 bytes: one, or two separated by a blank while the old one is
    being replaced. Raises BadAddress."""
    secrets = tuple(text.split())
    if not 1 <= len(secrets) <= 2 or not all(_is_secret(secret) for secret in secrets):
        raise BadAddress("签名密钥不正确，应为 whsec_ 加 24 至 64 字节的 Base64，更换期间可写新旧两个，以空格分隔")
    return secrets


def is_loopback_name(host: str) -> bool:
    """Whether this is a name or a number of this machine, known without asking anybody."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def may_lead_to(address: Address, *, private: bool, loopback: bool) -> bool:
    """Whether a webhook may be delivered to this address: public ones; with `private` also those of office networks,
    with `loopback` also this machine. Never a link-local one, where clouds keep their secrets."""
    for inner in _unwrap(address):
        office = any(inner in network for network in _OFFICE if network.version == inner.version)
        if inner.is_loopback:
            allowed = loopback
        elif office:
            allowed = private
        else:
            allowed = inner.is_global and not inner.is_multicast
        if not allowed:
            return False
    return True


def _unwrap(address: Address) -> tuple[Address, ...]:
    """The IPv4 addresses that an IPv6 address stands for, else the address itself."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    return (address,)


def _is_secret(secret: str) -> bool:
    if not secret.startswith(_PREFIX):
        return False
    try:
        return len(base64.b64decode(secret.removeprefix(_PREFIX), validate=True)) in _SECRET_BYTES
    except binascii.Error:
        return False


def _split(text: str) -> SplitResult:
    try:
        # urlsplit drops tabs and line breaks, and strips what is not seen.
        if len(text) > _LONGEST or not text.isprintable() or " " in text:
            raise ValueError
        url = urlsplit(text)
        if url.port == 0:
            raise ValueError
    except ValueError:
        raise BadAddress("地址不正确") from None
    return url


def _to_ascii_host(host: str | None) -> str:
    """A host's name in ASCII and lower case, or its number. Raises BadAddress."""
    try:
        if not host:
            raise ValueError
        if ":" in host:
            return str(IPv6Address(host))
        name = host.encode("idna").decode("ascii").lower()
    except (ValueError, UnicodeError):
        raise BadAddress("地址中的主机名不正确") from None
    labels = name.removesuffix(".").split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadAddress("地址中的主机名不正确")
    return name

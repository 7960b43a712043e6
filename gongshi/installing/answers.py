"""What an administrator answers when Gongshi is installed. Pure: no file and no question is here."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from ipaddress import ip_network
from typing import Any

LARGEST_SLUG = 40
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
_PATH = re.compile(r"/[^\s'\"\\;{}$@%]*[^\s'\"\\;{}$@%/]")
_MAIL = re.compile(r"[^\s@,;'\"<>\\]+@[^\s@,;'\"<>\\]+\.[^\s@,;'\"<>\\]+")
# Folders that setup gives to one user are nobody else's: not the system's, nor those that many share. What the sandbox of the
# units hides from them, or empties when the machine starts, is of no use either.
_FOREIGN = re.compile(
    r"/(?:(?:bin|boot|dev|etc|home|lib\w*|proc|root|run|sbin|sys|tmp|usr)(?:/.*)?|var/(?:run|tmp)(?:/.*)?"
    r"|(?:media|mnt|opt|srv|var)|var/(?:backups|cache|lib|lock|log|mail|opt|spool|www)|opt/gongshi/.*)"
)
_FOLDERS = ("backup_folder", "witness_folder", "journal_export_folder")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
INNER = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7,127.0.0.1,::1"


class BadAnswer(ValueError):
    """An answer that cannot be used: one Chinese line that names it and says what to write."""


class Tls(StrEnum):
    """Where the certificate of the public names comes from."""

    OWN = "own"
    ACME = "acme"
    # For a trial on one's own machine.
    NONE = "none"


class Side(StrEnum):
    """What of the product this machine has."""

    WHOLE = "whole"
    # The portal alone, fed by files: it stands where no network of the court reaches.
    PUBLIC = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Somebody who is sent the list, to begin with."""

    slug: str
    name: str
    kind: str
    channel: str
    address: str = ""
    liaison_name: str = ""
    liaison_mail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Everything that `gongshi setup` asks. An empty name of a site: it is not offered through nginx.

    `inner_certificate` is for the desk and the units, whose names an authority of the internet cannot check; without one
    setup makes one itself. `inner_networks` may reach the desk. `administrator_password` is never kept. A portal that
    is fed by files trusts `journal_key`, and sends nothing back where it is `one_way`; the court's side writes them into
    `journal_export_folder`.
    """

    side: Side = Side.WHOLE
    court: str = ""
    telephone: str = ""
    address: str = ""
    privacy_contact: str = ""
    policy: str = "national"
    public_name: str
    desk_name: str = ""
    units_name: str = ""
    gateway_name: str = ""
    inner_networks: str = INNER
    tls: Tls = Tls.OWN
    certificate: str = ""
    certificate_key: str = ""
    inner_certificate: str = ""
    inner_certificate_key: str = ""
    acme_mail: str = ""
    smtp_url: str = field(default="", repr=False)
    mail_from: str = ""
    alarm_mail: str = ""
    backup_folder: str = "/var/backups/gongshi"
    witness_folder: str = ""
    commission_number: str = ""
    journal_export_folder: str = ""
    journal_key: str = ""
    one_way: str = "no"
    administrator: str = "系统管理员"
    administrator_password: str = field(default="", repr=False)
    recipients: tuple[Recipient, ...] = ()

    @property
    def scheme(self) -> str:
        return "http" if self.tls is Tls.NONE else "https"

    @property
    def inner_names(self) -> tuple[str, ...]:
        """The names under which only the inner network comes."""
        return tuple(name for name in (self.desk_name, self.units_name) if name)

    @property
    def outer_names(self) -> tuple[str, ...]:
        return tuple(name for name in (self.public_name, self.gateway_name) if name)

    @property
    def makes_inner_certificate(self) -> bool:
        return self.tls is not Tls.NONE and bool(self.inner_names) and not self.inner_certificate


LABELS: Mapping[str, str] = {
    "side": "这台服务器（whole 全部，public 只有公示网站，凭文件更新）",
    "journal_export_folder": "公布日志文件写到的目录",
    "journal_key": "法院一侧 gongshi journal key 显示的公钥",
    "one_way": "只能单向传送（yes 是，no 否）",
    "court": "法院名称",
    "telephone": "对外公布的联系电话",
    "address": "法院地址",
    "privacy_contact": "个人信息保护联系方式",
    "policy": "适用的规则（national 全国，henan 河南，yunnan 云南）",
    "public_name": "公示网站的域名",
    "desk_name": "内部页面的主机名",
    "units_name": "联合惩戒单位页面的主机名",
    "gateway_name": "网关的域名（微信、短信服务商和接收单位访问）",
    "inner_networks": "可以访问内部页面的网段",
    "tls": "证书（own 自有证书，acme 自动申请，none 不加密，仅限试用）",
    "certificate": "证书文件（含中间证书）",
    "certificate_key": "证书的私钥文件",
    "inner_certificate": "内部主机名的证书文件",
    "inner_certificate_key": "内部主机名的私钥文件",
    "acme_mail": "证书机构联系邮箱",
    "smtp_url": "发信服务器",
    "mail_from": "发件人地址",
    "alarm_mail": "报警发到的邮箱",
    "backup_folder": "备份目录",
    "witness_folder": "退出记录的第二份所在目录（另一块磁盘）",
    "commission_number": "委托函号",
    "administrator": "第一位系统管理员的姓名",
    "administrator_password": "系统管理员的初始口令",
    "recipients": "接收单位",
}


def read_answers(given: Mapping[str, Any]) -> Answers:
    """The answers of a TOML file or of the questions. Raises BadAnswer for the first that cannot be used."""
    known = {one.name for one in fields(Answers)}
    for key, value in given.items():
        if key not in known:
            raise BadAnswer(f"没有“{key}”这一项：可以写 {'、'.join(sorted(known))}")
        if key != "recipients":
            _check_text(key, value)
    public = given.get("side") == Side.PUBLIC
    for key in ("public_name", "journal_key" if public else "court"):
        if not given.get(key, "").strip():
            raise _bad(key, "必须填写")
    values = {key: value.strip() for key, value in given.items() if key != "recipients"}
    if values.get("tls", Tls.OWN) not in set(Tls):
        raise _bad("tls", "只能写 own、acme 或 none")
    if values.get("side", Side.WHOLE) not in set(Side):
        raise _bad("side", "只能写 whole 或 public")
    if values.get("one_way", "no") not in ("yes", "no"):
        raise _bad("one_way", "只能写 yes 或 no")
    values["tls"], values["side"] = Tls(values.get("tls", Tls.OWN)), Side(values.get("side", Side.WHOLE))
    answers = Answers(**values, recipients=_read_recipients(given.get("recipients", [])))
    if not answers.administrator:
        raise _bad("administrator", "必须填写")
    _check(answers)
    return answers


def write_answers(answers: Answers) -> str:
    """The answers as TOML, without what is secret: what the next `gongshi setup` begins with."""
    lines = ["# gongshi setup 的回答；口令不在其中。"]
    for one in fields(answers):
        value = getattr(answers, one.name)
        if one.name not in ("recipients", "administrator_password", "smtp_url") and value:
            lines.append(f"{one.name} = {_quote(str(value))}")
    for recipient in answers.recipients:
        lines += ["", "[[recipients]]"]
        pairs = ((one.name, getattr(recipient, one.name)) for one in fields(recipient))
        lines += [f"{name} = {_quote(value)}" for name, value in pairs if value]
    return "\n".join(lines) + "\n"


def _quote(text: str) -> str:
    # A string of JSON is one of TOML, but for the one control character that it leaves as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _bad(key: str, reason: str) -> BadAnswer:
    return BadAnswer(f"“{LABELS[key]}”（{key}）{reason}")


def _check_text(key: str, value: Any) -> None:
    if not isinstance(value, str):
        raise _bad(key, "应为文字，写在引号里")
    # They come into files that a shell and systemd read, between single quotes.
    if "'" in value or any(unicodedata.category(character) in _UNSEEN for character in value):
        raise _bad(key, "不能含换行、看不见的字符和英文单引号；显示为乱码的，请把终端或者文件的编码改为 UTF-8")


def _read_recipients(given: Any) -> tuple[Recipient, ...]:
    known = {one.name for one in fields(Recipient)}
    found: list[Recipient] = []
    for number, one in enumerate(given if isinstance(given, list) else [None], start=1):
        if not isinstance(one, dict) or not all(isinstance(value, str) for value in one.values()):
            raise BadAnswer(f"第 {number} 个接收单位应写成 [[recipients]] 一节，各项为文字")
        if unknown := one.keys() - known:
            raise BadAnswer(f"第 {number} 个接收单位没有“{min(unknown)}”这一项：可以写 {'、'.join(sorted(known))}")
        if missing := {"slug", "name", "kind", "channel"} - one.keys():
            raise BadAnswer(f"第 {number} 个接收单位缺少 {'、'.join(sorted(missing))}")
        if one["slug"] in {known.slug for known in found}:
            raise BadAnswer(f"第 {number} 个接收单位的简称“{one['slug']}”和前面的相同")
        found.append(Recipient(**one))
    return tuple(found)


def _check(answers: Answers) -> None:
    names = [(key, getattr(answers, key)) for key in ("public_name", "desk_name", "units_name", "gateway_name")]
    for key, name in names:
        if name and not _NAME.fullmatch(name):
            raise _bad(
                key, "应为小写的主机名，例如 list.example.cn，不带 https:// 和路径；中文域名写成 xn-- 开头的形式"
            )
    used = [name for _, name in names if name]
    if len(set(used)) < len(used):
        raise BadAnswer("各网站的主机名不能相同：内部页面不能和公示网站同名")
    for network in answers.inner_networks.split(","):
        try:
            ip_network(network.strip(), strict=False)
        except ValueError:
            raise _bad("inner_networks", "应为网段，以逗号分隔，例如 10.0.0.0/8,fc00::/7") from None
    for key in ("alarm_mail", "acme_mail"):
        for mail in filter(None, (part.strip() for part in getattr(answers, key).split(","))):
            if not _MAIL.fullmatch(mail):
                raise _bad(key, "应为邮箱地址，有几个的以逗号分隔")
    _check_certificates(answers)
    _check_folders(answers)


def _check_certificates(answers: Answers) -> None:
    if answers.tls is Tls.OWN:
        for key in ("certificate", "certificate_key"):
            if not getattr(answers, key):
                raise _bad(key, "使用自有证书的，必须填写")
    if answers.tls is Tls.ACME and not answers.acme_mail:
        raise _bad("acme_mail", "自动申请证书的，必须填写")
    if bool(answers.inner_certificate) != bool(answers.inner_certificate_key):
        raise _bad("inner_certificate", "和私钥文件须一并填写，或者都不填")
    for key in ("certificate", "certificate_key", "inner_certificate", "inner_certificate_key"):
        if (path := getattr(answers, key)) and not _PATH.fullmatch(path):
            raise _bad(key, "应为以 / 开头的文件路径，不含空格和特殊字符")


def _check_folders(answers: Answers) -> None:
    chosen = [(key, path) for key in _FOLDERS if (path := getattr(answers, key)) or key == "backup_folder"]
    for key, path in chosen:
        if not _PATH.fullmatch(path) or {"", ".", ".."} & set(path.split("/")[1:]):
            raise _bad(key, "应为以 / 开头的目录，不含空格和特殊字符")
        if f"{path}/".startswith("/var/lib/gongshi/"):
            raise _bad(key, "不能在数据目录 /var/lib/gongshi 之内：数据目录坏了，它也就没有了")
        if path.startswith("/var/lib/gongshi-") or _FOREIGN.fullmatch(path):
            raise _bad(
                key, "是系统的或者别的程序共用的目录，各服务也可能看不到：请另给一个专用的，例如 /srv/gongshi-backup"
            )
    for key, path in chosen:
        for other, outer in chosen:
            if key != other and f"{path}/".startswith(f"{outer}/"):
                raise _bad(key, f"不能和“{LABELS[other]}”相同，也不能在它之内")

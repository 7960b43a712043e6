"""The settings of the private side, read once from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from search_index import marks
from search_index.freshness import HIDE_HOURS, SILENT_HOURS, Limits, read_limits

PREFIX = "GONGSHI_"
CALENDAR = "calendar.csv"
_POSTGRESQL = "postgresql+psycopg"
_ADDRESS = re.compile(r"https?://[^\s/?#]+")
_CLOCK = re.compile(r"([01]?\d|2[0-3])[:：]([0-5]\d)")
_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]")
_SERVER = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class BadSetting(Exception):
    """A setting that cannot be used: one line that names it and says what to do."""


class Settings(BaseSettings):
    """Where things are. `home` holds registry/ and notifier/ (private) and public/ (all that the portal may read).

    `gateway_url` is the address at which providers and recipients reach the gateway. How messages are sent:
    `push_approval` required: a quarter's run waits for a person; `sending` dry_run: nothing leaves the house; `trial`:
    only to these recipients and addresses; citizens get nothing before `quiet_opens`, from `quiet_closes` on and on days
    off (`quiet_hours` off is for demonstrations), and `citizen_daily` messages a day at most. `wechat_digest` everyone: the
    quarter's digest goes to all who follow the account as one mass message, and not to each who asked for it.
    After `silent_hours` without a word from the registry readers are told so, after `hide_hours` nobody is shown.
    The desk: `desk_hosts` and `units_hosts` are the names, beside loopback, under which staff and units reach their pages;
    `units_proxies` is how many proxies in front of the units' site set X-Forwarded-For: with 0 the peer's address is taken as
    it is, and what the header says counts for nothing. `rate_limit` off is for benchmarks.
    `desk_second_factor` required: reviewers and administrators need a second factor; `desk_upload_mb` is the largest file to
    import in megabytes; `scan_command` is run on every attachment that comes from outside, and ends with 0 where it is clean.
    `journal_export_folder` is where the worker writes the journal as files, for a portal that no network reaches.
    Watching: `alarm_mail` are the addresses that alarms go to, `alarm_daily` the most mails of them a day; `certificates` are
    files, or host:port, of the TLS certificates whose end is watched.
    Safety: `witness_folder`, on another disk or machine, gets a second copy of the witness logs; `backup_folder` is where
    backups go.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    home: Path = Path("var")
    registry_url: str = ""
    disclosed_url: str = ""
    notifier_url: str = ""
    silent_hours: str = SILENT_HOURS
    hide_hours: str = HIDE_HOURS
    search_engine: Literal["whoosh"] = "whoosh"
    public_url: str = ""
    gateway_url: str = ""
    commission_number: str = ""
    push_approval: Literal["", "required"] = ""
    sending: Literal["", "dry_run"] = ""
    trial: str = ""
    wechat_digest: Literal["followers", "everyone"] = "followers"
    quiet_hours: Literal["on", "off"] = "on"
    quiet_opens: time = time(8)
    quiet_closes: time = time(20)
    citizen_daily: int = Field(default=3, ge=1, le=20)
    desk_hosts: str = ""
    desk_second_factor: Literal["required", "optional"] = "optional"
    desk_upload_mb: int = Field(default=50, ge=1, le=500)
    units_hosts: str = ""
    units_proxies: int = Field(default=0, ge=0, le=8)
    rate_limit: Literal["on", "off"] = "on"
    scan_command: str = ""
    journal_export_folder: Path | None = None
    alarm_mail: str = ""
    alarm_daily: int = Field(default=20, ge=1, le=200)
    certificates: str = ""
    witness_folder: Path | None = None
    backup_folder: Path | None = None

    @field_validator("registry_url", "disclosed_url", "notifier_url")
    @classmethod
    def _is_database(cls, value: str) -> str:
        if not value:
            return value
        try:
            url = make_url(value)
        except (ArgumentError, ValueError):
            url = None
        if url is None or url.drivername not in ("sqlite", _POSTGRESQL) or url.database in (None, "", ":memory:"):
            raise ValueError(f"应为 sqlite:////文件 或 {_POSTGRESQL}://主机/库名 形式的数据库地址")
        if url.drivername == _POSTGRESQL and find_spec("psycopg") is None:
            raise ValueError("使用 PostgreSQL 须先安装 psycopg：pip install 'gongshi[postgres]'")
        return value

    @field_validator("public_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value and not _ADDRESS.match(value):
            raise ValueError("应为 http:// 或 https:// 开头的网址")
        return value.rstrip("/")

    @field_validator("gateway_url")
    @classmethod
    def _is_gateway(cls, value: str) -> str:
        # Links that are their own key, and answers about people, go by it.
        if value and not _is_safe_address(value):
            raise ValueError("应为 https:// 开头、不带路径和参数的网址（本机可用 http://）")
        return value.rstrip("/")

    @field_validator("desk_hosts", "units_hosts")
    @classmethod
    def _are_names(cls, value: str) -> str:
        for name in _read_names(value):
            if not _HOST.fullmatch(name):
                raise ValueError("应为主机名，以逗号分隔，例如 desk.court.internal，不带 http:// 和路径")
        return value

    @field_validator("alarm_mail")
    @classmethod
    def _are_mailboxes(cls, value: str) -> str:
        if not value.strip():
            return ""
        # What sends mail takes long to load, and few commands send any.
        from notifier.institutions.addresses import BadAddress, parse_mail

        for address in _read_names(value):
            try:
                parse_mail(address)
            except BadAddress:
                raise ValueError("应为邮箱地址，以逗号分隔，例如 admin@court.cn") from None
        return value

    @field_validator("certificates")
    @classmethod
    def _are_certificates(cls, value: str) -> str:
        for place in _read_names(value):
            if not place.startswith("/") and not _SERVER.fullmatch(place):
                raise ValueError("应为证书文件的绝对路径或者 主机:端口，以逗号分隔")
        return value

    @field_validator("commission_number")
    @classmethod
    def _is_commission_number(cls, value: str) -> str:
        if not value:
            return value
        # What makes packages takes long to load, and few commands make any.
        from notifier.package.commission import check_pattern

        return check_pattern(value)

    @field_validator("quiet_opens", "quiet_closes", mode="before")
    @classmethod
    def _is_time(cls, value: Any) -> Any:
        if isinstance(value, time):
            return value
        found = _CLOCK.fullmatch(str(value).strip())
        if found is None:
            raise ValueError("应写成 08:00 的形式")
        return time(int(found[1]), int(found[2]))

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Settings:
        if self.quiet_opens >= self.quiet_closes:
            raise ValueError("GONGSHI_QUIET_OPENS（开始）应早于 GONGSHI_QUIET_CLOSES（结束）")
        return self

    @model_validator(mode="after")
    def _hides_after_it_tells(self) -> Settings:
        read_limits(self.silent_hours, self.hide_hours)
        return self

    @property
    def limits(self) -> Limits:
        """After how long without a word from the registry the list is told to be silent, and is hidden."""
        return read_limits(self.silent_hours, self.hide_hours)

    @property
    def marks_folder(self) -> Path:
        """Where the portal leaves marks of what was hidden in an emergency."""
        return self.public / marks.FOLDER

    @property
    def trial_list(self) -> frozenset[str] | None:
        """Whom a trial may reach: names of recipients and addresses; None where there is no trial."""
        names = frozenset(part.strip() for part in re.split("[,，]", self.trial) if part.strip())
        return names if self.trial.strip() else None

    @property
    def desk_host_list(self) -> tuple[str, ...]:
        return _read_names(self.desk_hosts)

    @property
    def units_host_list(self) -> tuple[str, ...]:
        return _read_names(self.units_hosts)

    @property
    def alarm_addresses(self) -> tuple[str, ...]:
        """Whom alarms are mailed to."""
        return _read_names(self.alarm_mail)

    @property
    def certificate_places(self) -> tuple[str, ...]:
        """Files, or host:port, of the certificates that are watched."""
        return _read_names(self.certificates)

    @property
    def private(self) -> Path:
        return self.home / "registry"

    @property
    def notifier(self) -> Path:
        return self.home / "notifier"

    @property
    def public(self) -> Path:
        return self.home / "public"

    @property
    def index_folder(self) -> Path:
        return self.public / "index"

    @property
    def key_file(self) -> Path:
        return self.private / "keys" / "master.key"

    @property
    def calendar_file(self) -> Path | None:
        """The State Council's notice for a year the product does not know yet, where the court has put one."""
        for path in (self.private / CALENDAR, self.notifier / CALENDAR):
            try:
                return path if path.exists() else None
            except PermissionError:
                # The gateway's user sees nothing of the registry: its copy lies beside the notifier.
                continue
        return None

    @property
    def registry_database(self) -> str:
        return self.registry_url or f"sqlite:///{(self.private / 'registry.db').absolute()}"

    @property
    def disclosed_database(self) -> str:
        return self.disclosed_url or f"sqlite:///{(self.public / 'disclosed.db').absolute()}"

    @property
    def notifier_database(self) -> str:
        return self.notifier_url or f"sqlite:///{(self.notifier / 'notifier.db').absolute()}"


def read_settings(**overrides: Any) -> Settings:
    """The settings in the environment. Raises BadSetting with one line."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:
            raise BadSetting(f"设置无效：{_reason(first)}") from None
        name = PREFIX + str(first["loc"][0]).upper()
        raise BadSetting(f"设置 {name} 无效：{_reason(first)}") from None


def _reason(error: Mapping[str, Any]) -> str:
    if error["loc"] == ("search_engine",):
        if error.get("input") == "opensearch":
            return "opensearch 尚未提供，请改为 whoosh 或不设置"
        return "只能是 whoosh"
    if error["loc"] and (known := _ONLY.get(str(error["loc"][0]))):
        return known
    return str(error["msg"]).removeprefix("Value error, ")


# What pydantic says of these in English.
_ONLY = {
    "push_approval": "只能是 required（每次推送须经批准），或者不设置",
    "sending": "只能是 dry_run（演练：什么都不发出），或者不设置",
    "wechat_digest": "只能是 followers（发给每个订阅的人）或 everyone（向全部关注者群发一次）",
    "quiet_hours": "只能是 on 或 off",
    "citizen_daily": "应为 1 到 20 的整数",
    "desk_second_factor": "只能是 required（审核人和系统管理员登录须两步验证）或 optional",
    "alarm_daily": "应为 1 到 200 的整数（每天最多几封告警邮件）",
    "desk_upload_mb": "应为 1 到 500 的整数（导入文件的最大兆字节数）",
}


def _read_names(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in re.split("[,，]", value) if part.strip())


def _is_safe_address(value: str) -> bool:
    try:
        url = urlsplit(value)
        host, _ = url.hostname, url.port
    except ValueError:
        return False
    # The gateway's own pages lead to one another from the root of its name.
    plain = url.path in ("", "/") and not (url.query or url.fragment or url.username or url.password)
    safe = url.scheme == "https" or (url.scheme == "http" and host in _LOOPBACK)
    return bool(host) and plain and safe and not re.search(r"\s", value)

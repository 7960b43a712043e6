"""The portal's settings: public addresses and switches. No field here could name anything private."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from search_index import marks
from search_index.freshness import HIDE_HOURS, SILENT_HOURS, USUAL, Limits, read_limits

_MOST_PROXIES = 8
_HERE = "http://127.0.0.1:8000"


class SettingsError(ValueError):
    """A setting cannot be used; the message is one line in Chinese that names it and says what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalSettings:
    """What the portal must know to run: where the public list is, and how the site is reached.

    `disclosed_url` is a database address (SQLite or PostgreSQL) of the disclosed store, opened read-only.
    `drop_folder` is where what people send in is dropped, sealed: the portal may create there and look at nothing.
    `emergency_folder` is where marks of entries lie that were hidden in an emergency: the portal may create there, and read.
    `limits`: after how long without a word from the registry the list is told to be silent, and is hidden.
    `trusted_proxies` is how many proxies in front set X-Forwarded-For; 0 takes the peer's address as it is.
    """

    disclosed_url: str = field(repr=False)
    index_folder: Path
    drop_folder: Path | None = None
    emergency_folder: Path | None = None
    limits: Limits = USUAL
    public_url: str = _HERE
    rate_limit: bool = True
    trusted_proxies: int = 0

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> PortalSettings:
        """Read the settings from `environ`; names that are not the portal's are not looked at.

        Raises SettingsError with one line in Chinese for a value that cannot be used.
        """
        public = Path(environ.get("GONGSHI_HOME") or "./var").absolute() / "public"
        return cls(
            disclosed_url=_database(environ.get("GONGSHI_DISCLOSED_URL") or f"sqlite:///{public / 'disclosed.db'}"),
            index_folder=public / "index",
            drop_folder=public / "drop",
            emergency_folder=public / marks.FOLDER,
            limits=_limits(environ),
            public_url=_site(environ.get("GONGSHI_PUBLIC_URL") or _HERE),
            rate_limit=_switch("GONGSHI_RATE_LIMIT", environ.get("GONGSHI_RATE_LIMIT") or "on"),
            trusted_proxies=_proxies(environ.get("GONGSHI_TRUSTED_PROXIES") or "0"),
        )


def _database(text: str) -> str:
    problem = SettingsError(
        "GONGSHI_DISCLOSED_URL 不是可用的数据库地址：请写 sqlite:///文件路径 或 postgresql+psycopg://主机/库名"
    )
    try:
        backend = make_url(text).get_backend_name()
    except (ArgumentError, ValueError):
        # ValueError: a port that is none, such as the end of a password with an @ in it.
        raise problem from None
    if backend not in ("sqlite", "postgresql"):
        raise problem
    return text


def _site(text: str) -> str:
    problem = SettingsError("GONGSHI_PUBLIC_URL 不是可用的网站地址：请写以 http:// 或 https:// 开头、不带参数的地址")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise problem from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise problem
    if parts.query or parts.fragment or parts.username:
        raise problem
    return text.rstrip("/")


def _limits(environ: Mapping[str, str]) -> Limits:
    silent, hide = environ.get("GONGSHI_SILENT_HOURS"), environ.get("GONGSHI_HIDE_HOURS")
    try:
        return read_limits(silent or SILENT_HOURS, hide or HIDE_HOURS)
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _switch(name: str, text: str) -> bool:
    if text not in ("on", "off"):
        raise SettingsError(f"{name} 只能写 on 或 off")
    return text == "on"


def _proxies(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _MOST_PROXIES):
        raise SettingsError(f"GONGSHI_TRUSTED_PROXIES 只能写 0 到 {_MOST_PROXIES} 的整数（前面可信代理的层数）")
    return int(text)

"""The settings of the private side, read once from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

PREFIX = "GONGSHI_"
_POSTGRESQL = "postgresql+psycopg"
_ADDRESS = re.compile(r"https?://[^\s/?#]+")


class BadSetting(Exception):
    """A setting that cannot be used: one line that names it and says what to do."""


class Settings(BaseSettings):
    """Where things are. `home` holds registry/ and notifier/ (private) and public/ (all that the portal may read)."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    home: Path = Path("var")
    registry_url: str = ""
    disclosed_url: str = ""
    notifier_url: str = ""
    search_engine: Literal["whoosh"] = "whoosh"
    public_url: str = ""

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
        path = self.private / "calendar.csv"
        return path if path.exists() else None

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
        name = PREFIX + str(first["loc"][0]).upper()
        raise BadSetting(f"设置 {name} 无效：{_reason(first)}") from None


def _reason(error: Mapping[str, Any]) -> str:
    if error["loc"] == ("search_engine",):
        if error.get("input") == "opensearch":
            return "opensearch 尚未提供，请改为 whoosh 或不设置"
        return "只能是 whoosh"
    return str(error["msg"]).removeprefix("Value error, ")

"""The settings of the official account: all of them, or none and the channel is off."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, field_validator

PREFIX = "GONGSHI_WECHAT_"
PROVIDER = "https://api.weixin.qq.com"
_REQUIRED = ("APPID", "SECRET", "TOKEN", "AES_KEY")
_OPTIONAL = ("PREVIOUS_TOKEN", "PREVIOUS_AES_KEY", "BASE_URL", "PLAIN", "TEMPLATES")
_APPID = re.compile(r"[A-Za-z0-9_-]{4,64}")
_SECRET = re.compile(r"[!-~]{8,128}")
_TOKEN = re.compile(r"[A-Za-z0-9]{3,32}")


class BadWeChatSetting(ValueError):
    """A setting that cannot be used: one Chinese line that names it, says what to write, and never repeats a value."""


class WeChatSettings(BaseModel):
    """What the gateway and the channel must know of the account.

    `token` and `aes_key` are those of the callback as configured on the platform; the previous ones stay valid while
    the platform changes over. With `plain` off, messages that are not encrypted are refused. `templates` is the TOML
    file of the registered templates (see `notifier.wechat.templates`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    appid: str
    secret: SecretStr
    token: SecretStr
    aes_key: SecretStr
    previous_token: SecretStr | None = None
    previous_aes_key: SecretStr | None = None
    base_url: str = PROVIDER
    plain: bool = True
    templates: Path | None = None

    @field_validator("appid")
    @classmethod
    def _is_appid(cls, value: str) -> str:
        return _check(value, _APPID, "应为公众平台给出的开发者ID（AppID）")

    @field_validator("secret")
    @classmethod
    def _is_secret(cls, value: SecretStr) -> SecretStr:
        _check(value.get_secret_value(), _SECRET, "应为公众平台给出的开发者密码（AppSecret）")
        return value

    @field_validator("token", "previous_token")
    @classmethod
    def _is_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _check(value.get_secret_value(), _TOKEN, "应为 3 到 32 个字母或者数字，与公众平台上的令牌（Token）一致")
        return value

    @field_validator("aes_key", "previous_aes_key")
    @classmethod
    def _is_aes_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_key(value.get_secret_value()):
            raise ValueError("应为公众平台上的消息加解密密钥（EncodingAESKey），共 43 个字符")
        return value

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if not _is_safe_address(value):
            raise ValueError("应为 https:// 开头、不带参数的网址（http:// 只能用于本机）")
        return value.rstrip("/")

    @field_validator("plain", mode="before")
    @classmethod
    def _is_switch(cls, value: object) -> object:
        if value in (True, False):
            return value
        if value not in ("on", "off"):
            raise ValueError("只能写 on 或 off")
        return value == "on"

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens a callback may be signed with, the current one first."""
        return _reveal(self.token, self.previous_token)

    @property
    def aes_keys(self) -> tuple[str, ...]:
        """The keys a message may be encrypted with, the current one first."""
        return _reveal(self.aes_key, self.previous_aes_key)


def read_wechat_settings(environ: Mapping[str, str]) -> WeChatSettings | None:
    """The account in `environ`; None where there is none, and the channel is off. Raises BadWeChatSetting."""
    given = {name: environ[PREFIX + name] for name in (*_REQUIRED, *_OPTIONAL) if environ.get(PREFIX + name)}
    if not given:
        return None
    if missing := [PREFIX + name for name in _REQUIRED if name not in given]:
        raise BadWeChatSetting(f"微信的设置不全，还缺 {'、'.join(missing)}；要么全部写上，要么全部不写")
    values: dict[str, Any] = {name.lower(): value for name, value in given.items()}
    problem = None
    try:
        return WeChatSettings(**values)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
    # Raised outside of the handler: the error of pydantic holds what was given.
    name = PREFIX + str(problem["loc"][0]).upper()
    raise BadWeChatSetting(f"设置 {name} 无效：{str(problem['msg']).removeprefix('Value error, ')}")


def _check(value: str, shape: re.Pattern[str], problem: str) -> str:
    if not shape.fullmatch(value):
        raise ValueError(problem)
    return value


def _is_key(value: str) -> bool:
    if not re.fullmatch(r"[A-Za-z0-9+/]{43}", value):
        return False
    try:
        return len(base64.b64decode(value + "=")) == 32
    except binascii.Error:
        return False


def _is_safe_address(value: str) -> bool:
    # Secrets travel to this address, so without encryption only to this machine itself.
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
        is_plain_part = not (parts.query or parts.fragment or parts.username or parts.password)
    except ValueError:
        return False
    if not host or not is_plain_part:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(host))


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _reveal(*secrets: SecretStr | None) -> tuple[str, ...]:
    return tuple(secret.get_secret_value() for secret in secrets if secret is not None)

"""The settings of SMS: each provider's all or none, read once from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr, StringConstraints, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from notifier.sms.numbers import is_e164
from notifier.sms.outcomes import ALIYUN, TWILIO
from notifier.sms.routing import Routes

PREFIX = "GONGSHI_"
TWILIO_URL = "https://api.twilio.com"
ALIYUN_URL = "https://dysmsapi.aliyuncs.com"
_Stripped = Annotated[str, StringConstraints(strip_whitespace=True)]
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_ACCOUNT = re.compile(r"AC[0-9a-f]{32}")
_SERVICE = re.compile(r"MG[0-9a-f]{32}")
_SENDER = re.compile(r"[0-9]{3,8}|[A-Za-z0-9 ]{1,11}")
_REPORT_PATH = re.compile(r"[A-Za-z0-9_-]{20,64}")
_REGISTERED = re.compile(r"([a-z_]{1,64}):([1-9][0-9]{0,3})=([A-Za-z0-9_]{1,64})")


class BadSmsSetting(Exception):
    """A setting that cannot be used: one Chinese line that names it and never shows its value."""


class TwilioSettings(BaseModel):
    """`sender` is a number, a short code or a name; `messaging_service_sid` goes before it where both are set."""

    model_config = ConfigDict(frozen=True)

    account_sid: str
    auth_token: SecretStr
    sender: str = ""
    messaging_service_sid: str = ""
    base_url: str = TWILIO_URL


class AliyunSettings(BaseModel):
    """`registered` has the provider's template code by our (name, version)."""

    model_config = ConfigDict(frozen=True)

    access_key_id: str
    access_key_secret: SecretStr
    sign_name: str
    registered: Mapping[tuple[str, int], str]
    base_url: str = ALIYUN_URL


class SmsSettings(BaseModel):
    """What SMS can do here. A provider that is None is off; `gateway_url` is the address that providers see."""

    model_config = ConfigDict(frozen=True)

    twilio: TwilioSettings | None = None
    aliyun: AliyunSettings | None = None
    gateway_url: str = ""
    mainland: tuple[str, ...] = ()
    # Aliyun signs no report: that it comes to an address nobody else knows is all there is.
    aliyun_report_path: SecretStr | None = None

    @property
    def routes(self) -> Routes:
        return Routes(mainland=self.mainland, abroad=(TWILIO,) if self.twilio else ())


class _Environment(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    twilio_account_sid: _Stripped = ""
    twilio_auth_token: SecretStr = SecretStr("")
    twilio_from: _Stripped = ""
    twilio_messaging_service_sid: _Stripped = ""
    twilio_base_url: _Stripped = ""
    aliyun_access_key_id: _Stripped = ""
    aliyun_access_key_secret: SecretStr = SecretStr("")
    aliyun_sign_name: _Stripped = ""
    aliyun_templates: _Stripped = ""
    aliyun_base_url: _Stripped = ""
    aliyun_report_path: SecretStr = SecretStr("")
    sms_route_cn: _Stripped = ""
    gateway_url: _Stripped = ""

    @field_validator("twilio_base_url", "aliyun_base_url", "gateway_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value:
            _require(_is_safe_address(value), "应为 https:// 开头、不带参数的网址（本机可用 http://）")
        return value.rstrip("/")

    @field_validator("twilio_account_sid")
    @classmethod
    def _is_account(cls, value: str) -> str:
        _require(not value or _ACCOUNT.fullmatch(value), "应为 AC 加 32 位十六进制小写字符")
        return value

    @field_validator("twilio_messaging_service_sid")
    @classmethod
    def _is_service(cls, value: str) -> str:
        _require(not value or _SERVICE.fullmatch(value), "应为 MG 加 32 位十六进制小写字符")
        return value

    @field_validator("twilio_from")
    @classmethod
    def _is_sender(cls, value: str) -> str:
        known = not value or is_e164(value) or _SENDER.fullmatch(value)
        _require(known, "应为 + 开头的国际格式号码、短号码，或不超过 11 个字母数字的名称")
        return value

    @field_validator("aliyun_templates")
    @classmethod
    def _is_registered(cls, value: str) -> str:
        wrong = [part for part in _parts(value) if not _REGISTERED.fullmatch(part)]
        _require(not wrong, "应为“模板名:版本=模板号”，以逗号分隔，例如 debtor_risk_notice:1=SMS_123456789")
        return value

    @field_validator("aliyun_report_path")
    @classmethod
    def _is_report_path(cls, value: SecretStr) -> SecretStr:
        given = value.get_secret_value()
        _require(not given or _REPORT_PATH.fullmatch(given), "应为 20 到 64 个随机的字母、数字、- 或 _，不要让别人知道")
        return value

    @field_validator("sms_route_cn")
    @classmethod
    def _is_route(cls, value: str) -> str:
        names = _parts(value)
        known = all(name in (TWILIO, ALIYUN) for name in names) and len(set(names)) == len(names)
        _require(known, "只能是 twilio 或 aliyun；写“aliyun,twilio”表示前者明确未受理时改走后者")
        return value


@dataclass(frozen=True, slots=True)
class _Part:
    """A setting's name without prefix, and whether it is set."""

    name: str
    present: bool


def read_sms_settings(**overrides: Any) -> SmsSettings:
    """The settings of SMS in the environment. Raises BadSmsSetting."""
    try:
        found = _Environment(**overrides)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise BadSmsSetting(f"设置 {name} 无效：{str(first['msg']).removeprefix('Value error, ')}") from None
    settings = SmsSettings(
        twilio=_read_twilio(found),
        aliyun=_read_aliyun(found),
        gateway_url=found.gateway_url,
        mainland=_parts(found.sms_route_cn),
        aliyun_report_path=found.aliyun_report_path if found.aliyun_report_path.get_secret_value() else None,
    )
    _check_route(settings)
    return settings


def remarks(settings: SmsSettings) -> list[str]:
    """What a doctor has to say of these settings, a Chinese line each."""
    lines = []
    if settings.twilio is None and settings.aliyun is None:
        lines.append("短信未设置：不发送短信")
    elif not settings.mainland:
        lines.append("境内号码没有选择短信路由（GONGSHI_SMS_ROUTE_CN）：发往境内的短信将一直等待")
    if TWILIO in settings.mainland:
        lines.append("境内短信选择了 Twilio：只能单向发送，收不到退订回复，且数据存放在境外，请先完成合规评估")
    return lines


def _read_twilio(found: _Environment) -> TwilioSettings | None:
    sender = _Part(
        "TWILIO_FROM 或 GONGSHI_TWILIO_MESSAGING_SERVICE_SID",
        bool(found.twilio_from or found.twilio_messaging_service_sid),
    )
    own = [
        _Part("TWILIO_ACCOUNT_SID", bool(found.twilio_account_sid)),
        _Part("TWILIO_AUTH_TOKEN", bool(found.twilio_auth_token.get_secret_value())),
        sender,
    ]
    if not _is_used("Twilio", own, [_Part("GATEWAY_URL", bool(found.gateway_url))], bool(found.twilio_base_url)):
        return None
    return TwilioSettings(
        account_sid=found.twilio_account_sid,
        auth_token=found.twilio_auth_token,
        sender=found.twilio_from,
        messaging_service_sid=found.twilio_messaging_service_sid,
        base_url=found.twilio_base_url or TWILIO_URL,
    )


def _read_aliyun(found: _Environment) -> AliyunSettings | None:
    own = [
        _Part("ALIYUN_ACCESS_KEY_ID", bool(found.aliyun_access_key_id)),
        _Part("ALIYUN_ACCESS_KEY_SECRET", bool(found.aliyun_access_key_secret.get_secret_value())),
        _Part("ALIYUN_SIGN_NAME", bool(found.aliyun_sign_name)),
        _Part("ALIYUN_TEMPLATES", bool(found.aliyun_templates)),
    ]
    more = bool(found.aliyun_base_url or found.aliyun_report_path.get_secret_value())
    if not _is_used("阿里云短信", own, [], more):
        return None
    return AliyunSettings(
        access_key_id=found.aliyun_access_key_id,
        access_key_secret=found.aliyun_access_key_secret,
        sign_name=found.aliyun_sign_name,
        registered=_read_registered(found.aliyun_templates),
        base_url=found.aliyun_base_url or ALIYUN_URL,
    )


def _is_used(provider: str, own: list[_Part], shared: list[_Part], more: bool) -> bool:
    """Whether the provider is set up. `shared` settings are needed, but do not ask for it by themselves."""
    if not more and not any(part.present for part in own):
        return False
    missing = [PREFIX + part.name for part in (*own, *shared) if not part.present]
    if missing:
        raise BadSmsSetting(f"{provider} 的设置不全，缺少 {'、'.join(missing)}；要么全部设置，要么全部不设置")
    return True


def _read_registered(value: str) -> dict[tuple[str, int], str]:
    matches = (_REGISTERED.fullmatch(part) for part in _parts(value))
    return {(match[1], int(match[2])): match[3] for match in matches if match}


def _check_route(settings: SmsSettings) -> None:
    off = {TWILIO: settings.twilio is None, ALIYUN: settings.aliyun is None}
    missing = next((name for name in settings.mainland if off[name]), None)
    if missing:
        raise BadSmsSetting(f"设置 GONGSHI_SMS_ROUTE_CN 无效：选择了 {missing}，但没有设置 {missing} 的账号")


def _parts(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _is_safe_address(value: str) -> bool:
    try:
        url = urlsplit(value)
        host, _ = url.hostname, url.port
    except ValueError:
        return False
    plain = not (url.query or url.fragment or url.username or url.password)
    return bool(host) and plain and (url.scheme == "https" or (url.scheme == "http" and host in _LOOPBACK))


def _require(condition: object, reason: str) -> None:
    if not condition:
        raise ValueError(reason)

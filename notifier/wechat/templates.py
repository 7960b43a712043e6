"""The templates that the account has registered with WeChat, by our names. A TOML file of the home says which:

[departure_confirmed]
id = "the template's number on the platform"
kind = "template"            # or "subscription" (订阅通知)
[departure_confirmed.fields]
court = "thing1"             # our field = WeChat's keyword
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class BadTemplates(ValueError):
    """The file cannot be used: one Chinese line that says where."""


class MissingField(ValueError):
    """A field that the template wants was not given, or the other way round. `str()` is Chinese and names the fields."""


class RegisteredTemplate(BaseModel):
    """One template on the platform. `fields` leads from our field to WeChat's keyword."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    kind: Literal["template", "subscription"]
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Limit:
    keyword: re.Pattern[str]
    most: int


# Longer values are refused with 47003; what each kind of keyword takes, in characters.
_LIMITS = (
    _Limit(re.compile(r"thing\d*"), 20),
    _Limit(re.compile(r"const\d*"), 20),
    _Limit(re.compile(r"character_string\d*"), 32),
    _Limit(re.compile(r"phrase\d*"), 5),
)


def read_templates(text: str) -> dict[str, RegisteredTemplate]:
    """The templates in a TOML text, by our names. Raises BadTemplates."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadTemplates(f"微信模板文件不是 TOML 格式：{error}") from None
    templates = {}
    for name, table in tables.items():
        try:
            templates[name] = RegisteredTemplate.model_validate(table)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise BadTemplates(f"微信模板文件中“{name}”的 {where or '内容'} 有误") from None
    return templates


def load_templates(path: Path | None) -> dict[str, RegisteredTemplate]:
    """The templates in a file; none where there is no file. Raises BadTemplates."""
    if path is None:
        return {}
    try:
        return read_templates(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        raise BadTemplates(f"微信模板文件不能读取：{path}") from None


def fill_in(template: RegisteredTemplate, fields: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The `data` of a request. Raises MissingField where the names are not those of the template."""
    if missing := sorted(template.fields.keys() - fields.keys()):
        raise MissingField(f"模板缺少：{'、'.join(missing)}")
    if unknown := sorted(fields.keys() - template.fields.keys()):
        raise MissingField(f"模板没有登记：{'、'.join(unknown)}")
    return {keyword: {"value": _fit(keyword, fields[name])} for name, keyword in template.fields.items()}


def _fit(keyword: str, value: str) -> str:
    line = " ".join(value.split())
    most = next((limit.most for limit in _LIMITS if limit.keyword.fullmatch(keyword)), None)
    return line if most is None or len(line) <= most else f"{line[: most - 1]}…"

"""The questions of `gongshi setup`, with what was answered the last time as defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from gongshi.installing.answers import LABELS, BadAnswer, Side, Tls, read_answers

# In the order in which they are asked; what stands in brackets explains an empty answer.
_QUESTIONS = (
    ("side", ""),
    ("court", ""),
    ("telephone", ""),
    ("address", ""),
    ("privacy_contact", ""),
    ("policy", ""),
    ("public_name", ""),
    ("desk_name", "留空：只能在本机打开"),
    ("inner_networks", ""),
    ("units_name", "留空：不开"),
    ("gateway_name", "留空：不开"),
    ("tls", ""),
    ("certificate", ""),
    ("certificate_key", ""),
    ("acme_mail", ""),
    ("inner_certificate", "留空：自行生成，浏览器首次访问时须核对指纹"),
    ("inner_certificate_key", ""),
    ("smtp_url", "例如 smtps://用户名:口令@mail.example.cn:465；留空：不发邮件"),
    ("mail_from", ""),
    ("alarm_mail", "有几个的以逗号分隔；留空：只在内部页面上报警"),
    ("backup_folder", ""),
    ("witness_folder", "最好在另一块磁盘上；留空：没有第二份"),
    ("commission_number", "例如 {year}委函第{quarter}号；留空：在函件上手填"),
    ("journal_export_folder", "公示网站在另一台机器上、凭文件更新的才填；留空：不写"),
    ("journal_key", ""),
    ("one_way", ""),
    ("administrator", ""),
)
_NEEDED: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "certificate": lambda given: given["tls"] == Tls.OWN,
    "certificate_key": lambda given: given["tls"] == Tls.OWN,
    "acme_mail": lambda given: given["tls"] == Tls.ACME,
    "inner_certificate": lambda given: given["tls"] != Tls.NONE and bool(given["desk_name"] or given["units_name"]),
    "inner_certificate_key": lambda given: bool(given.get("inner_certificate")),
    "inner_networks": lambda given: bool(given["desk_name"]),
    "mail_from": lambda given: bool(given["smtp_url"]),
}
_OF_PUBLIC = frozenset({"journal_key", "one_way"})
_OF_BOTH = frozenset({"side", "public_name", "tls", "certificate", "certificate_key", "acme_mail"})
_SECRET = frozenset({"smtp_url"})
_RECIPIENT = (
    ("name", "名称"),
    ("kind", "种类（television 电视台，e_government 电子政务中心，见 gongshi recipient add --help）"),
    ("channel", "方式（mail 邮件，sftp，webhook，pull 自行领取）"),
    ("address", "地址"),
    ("liaison_name", "联络员姓名"),
    ("liaison_mail", "联络员邮箱"),
)


def ask(known: Mapping[str, Any]) -> dict[str, Any]:
    """Ask everything; `known` are the defaults. An answer that cannot be used is asked for again."""
    click.echo("按回车采用方括号里的值；输入 - 清空。")
    given: dict[str, Any] = {}
    for key, hint in _QUESTIONS:
        if not _is_of(key, given) or (key in _NEEDED and not _NEEDED[key](given)):
            continue
        given[key] = _ask_one(key, hint, known, given)
    if given["side"] != Side.PUBLIC:
        given["recipients"] = list(known.get("recipients", [])) or list(_ask_recipients())
    return given


def _is_of(key: str, given: Mapping[str, Any]) -> bool:
    """Whether the machine that is being installed has a use for the answer."""
    if key in _OF_BOTH:
        return True
    return (key in _OF_PUBLIC) == bool(given["side"] == Side.PUBLIC)


def _ask_one(key: str, hint: str, known: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    text = LABELS[key] + (f"（{hint}）" if hint else "")
    default = known.get(key, "")
    while True:
        typed = str(click.prompt(text, default=default, show_default=key not in _SECRET)).strip()
        answer = "" if typed == "-" else typed
        try:
            _try({**given, key: answer}, key)
        except BadAnswer as error:
            click.echo(str(error), err=True)
            continue
        return answer


def _try(given: Mapping[str, Any], key: str) -> None:
    """Raises BadAnswer where the newest answer alone cannot be used; what is not asked yet is made up."""
    stand_in = {"court": "-", "public_name": "list.invalid", "tls": "none", "journal_key": "-"}
    alone = {**stand_in, **{name: value for name, value in given.items() if name == key or name.endswith("_name")}}
    if key == "tls":
        made_up = {"certificate": "/c", "certificate_key": "/k", "acme_mail": "a@list.invalid"}
        alone |= {f"{name}": value for name, value in made_up.items()}
    if key.startswith("inner_certificate"):
        alone |= {
            "inner_certificate": given[key] and "/c",
            "inner_certificate_key": given[key] and "/k",
            key: given[key],
        }
    read_answers(alone)


def _ask_recipients() -> Iterator[dict[str, str]]:
    while slug := str(
        click.prompt("登记一个接收单位？写其简称（字母、数字，如 tv；留空：以后再登记）", default="")
    ).strip():
        one = {key: str(click.prompt(f"　{label}", default="")).strip() for key, label in _RECIPIENT}
        yield {"slug": slug, **{key: value for key, value in one.items() if value}}

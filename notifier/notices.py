"""Private SMS: a template, filled with what the court may say to a number, or why it cannot go. Pure.

What is given here is all that the notifier ever knows of a notice: whose case it is stays in the registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from notifier.channels import ShortMessage
from notifier.sms.numbers import InvalidNumber, to_e164
from notifier.sms.routing import channel_for, find_unfit, links_allowed
from notifier.sms.templates import FieldError, FieldKind, FieldValue, Template, fill, gaps, preview, write_field
from notifier.sms.texts import get_newest
from search_index.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What may go: to an E.164 number, by the channel of its country."""

    address: str
    channel: str
    content: ShortMessage


@dataclass(frozen=True, slots=True)
class NotSendable:
    """It can never go like this. The reason is Chinese and repeats nothing of what was given."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unset:
    """It waits until somebody has set what it names."""

    reason: str


def compose(
    template_name: str, phone: str | None, values: Mapping[str, FieldValue], profile: Profile
) -> Ready | NotSendable | Unset:
    """The newest version of a template for the number that `phone` writes. `values` are the gaps that the court's profile
    does not fill; those that the wording has no use for are left out."""
    address = _reach(phone, training=profile.training)
    if isinstance(address, NotSendable):
        return address
    content = _write(get_newest(template_name), values, profile, links=links_allowed(address))
    if not isinstance(content, ShortMessage):
        return content
    unfit = find_unfit(address, content.text)
    return NotSendable(unfit) if unfit else Ready(address=address, channel=channel_for(address), content=content)


def _reach(phone: str | None, *, training: bool) -> str | NotSendable:
    if phone is None or not phone.strip():
        return NotSendable("没有登记电话号码")
    try:
        return to_e164(phone, training=training)
    except InvalidNumber as error:
        return NotSendable(f"登记的号码不能接收短信：{error}")


def _write(
    template: Template, values: Mapping[str, FieldValue], profile: Profile, *, links: bool
) -> ShortMessage | NotSendable | Unset:
    missing = find_unset(template, profile, links=links)
    if missing is not None:
        return Unset(missing)
    wanted = gaps(template.wording(links=links))
    given = {name: value for name, value in {**_of_profile(profile), **values}.items() if name in wanted}
    try:
        return fill(template, given, signature=profile.signature, links=links)
    except FieldError as error:
        return NotSendable(str(error))


def find_gaps(profile: Profile) -> list[str]:
    """What of the court's profile has to be set before every SMS can go, one Chinese line each."""
    found = [_tell_gap(key, kind) for _, key, kind in _FROM_PROFILE if _is_gap(profile, key, kind)]
    return found if _is_signature(profile.signature) else [*found, _NO_SIGNATURE]


def find_unset(template: Template, profile: Profile, *, links: bool) -> str | None:
    """What of the court's profile has to be set before this template can be sent, and how; None where nothing is missing."""
    wanted = gaps(template.wording(links=links))
    missing = (
        _tell_gap(key, kind) for name, key, kind in _FROM_PROFILE if name in wanted and _is_gap(profile, key, kind)
    )
    return next(missing, None) or (None if _is_signature(profile.signature) else _NO_SIGNATURE)


_FROM_PROFILE = (
    ("court", "court", FieldKind.COURT),
    ("phone", "telephone", FieldKind.PHONE),
    ("website", "website", FieldKind.WEBSITE),
)
_NO_SIGNATURE = (
    "法院信息的 signature（短信签名）没有设置或者不合要求，应为 2 到 20 个汉字、字母或数字："
    "请用 gongshi profile --set signature=… 设置"
)


def _is_signature(text: str) -> bool:
    try:
        preview(get_newest("debtor_risk_notice"), signature=text, links=False)
    except ValueError:
        return False
    return True


def _is_gap(profile: Profile, key: str, kind: FieldKind) -> bool:
    return write_field(kind, getattr(profile, key)) is None


def _tell_gap(key: str, kind: FieldKind) -> str:
    return f"法院信息的 {key} 没有设置或者不能放进短信，应为{kind.label}：请用 gongshi profile --set {key}=… 设置"


def _of_profile(profile: Profile) -> dict[str, FieldValue]:
    return {name: getattr(profile, key) for name, key, _ in _FROM_PROFILE}

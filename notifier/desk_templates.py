"""The page of the texts: what every template says, how long it is, and what it costs. Nothing is sent from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from flask import request

from notifier.desk_base import Desk, show
from notifier.digests import CHAT_TEMPLATES
from notifier.sms.templates import Audience, FieldKind, FieldValue, Preview, Template, preview, write_field
from notifier.sms.texts import TEMPLATES
from notifier.wechat import wording
from notifier.wechat.texts import MOST_BYTES, measure
from search_index.profile import Profile

AUDIENCE_LABEL = {
    Audience.DEBTOR: "被执行人",
    Audience.APPLICANT: "申请执行人",
    Audience.LIAISON: "联络员",
    Audience.SUBSCRIBER: "订阅人",
}
_HIGHEST_PRICE = Decimal(10)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTemplate:
    """A template of SMS with what goes out by each way: inside mainland China without addresses, elsewhere with them."""

    template: Template
    audience: str
    fields: Mapping[str, str]
    plain: Preview
    linked: Preview


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownReply:
    """A fixed answer of the WeChat account, and its length in bytes of UTF-8."""

    title: str
    text: str
    size: int


def show_templates(desk: Desk) -> str:
    profile = desk.notifier.register.profile(desk.now)
    typed = request.args.get("price", "").strip()
    price = read_price(typed) if typed else desk.settings.price
    problem = None if price is not None else "单价应为 0 到 10 之间的数，单位为元，例如 0.045"
    signature = profile.signature or profile.court
    try:
        shown = [describe(one, profile, signature, price or Decimal(0)) for one in TEMPLATES.values()]
    except ValueError as error:
        # The signature of the profile is none that a provider takes.
        problem, shown = f"{error}：请用 gongshi profile 设置短信签名", []
    return show(
        "templates",
        problem,
        templates=shown,
        signature=signature,
        price=desk.settings.price if price is None else price,
        chat_templates=CHAT_TEMPLATES,
        registered=desk.settings.wechat_templates,
        replies=list_replies(profile),
        most_bytes=MOST_BYTES,
    )


def read_price(typed: str) -> Decimal | None:
    """The price of a segment in yuan, as it was typed; None for what is no price."""
    try:
        price = Decimal(typed)
    except InvalidOperation:
        return None
    return price if price.is_finite() and 0 <= price <= _HIGHEST_PRICE else None


def describe(template: Template, profile: Profile, signature: str, price: Decimal) -> ShownTemplate:
    """A template filled with the court's own values and examples. Raises ValueError for a signature that is none."""
    values = {name: _example(kind, profile) for name, kind in template.fields.items()}
    plain = preview(template, values, signature=signature, links=False, price=price)
    linked = preview(template, values, signature=signature, links=True, price=price)
    return ShownTemplate(
        template=template,
        audience=AUDIENCE_LABEL[template.audience],
        fields={name: kind.label for name, kind in template.fields.items()},
        plain=plain,
        linked=linked,
    )


def list_replies(profile: Profile) -> list[ShownReply]:
    """What the WeChat account answers whatever is asked."""
    texts = {
        "有人关注公众号时": wording.tell_welcome(profile.court),
        "帮助": wording.HELP,
        "订阅": wording.FOLLOWED,
        "退订": wording.UNFOLLOWED,
        "要求关注某个人或者某条信息时": wording.NOT_FOLLOWED,
        "发得太快时": wording.TOO_FAST,
    }
    return [ShownReply(title=title, text=text, size=measure(text)) for title, text in texts.items()]


def _example(kind: FieldKind, profile: Profile) -> FieldValue:
    """The court's own value where it has one that fits, else an example."""
    own = {
        FieldKind.COURT: profile.court,
        FieldKind.PHONE: profile.telephone,
        FieldKind.WEBSITE: profile.website,
    }.get(kind)
    return own if own and write_field(kind, own) is not None else kind.example

"""Gathers from a home's settings and databases what its documents for the law say."""

from __future__ import annotations

from collections.abc import Mapping

from gongshi.channels import Providers, read_providers
from gongshi.court import Court
from gongshi.handover.model import Facts, Field
from notifier.context import Notifier
from notifier.recipients import list_recipients
from registry.intake import LABELS
from registry.masks import MaskProfile, count_possible
from registry.policy import Policy, Treatment
from registry.retention.schedule import read_schedule
from registry.units.units import list_units

# A made-up number with the right check digit; how many numbers a mask leaves possible depends little on which it is.
SAMPLE = {MaskProfile.NATIONAL: "9901011980****0015", MaskProfile.STRICT: "990101********0015"}
TREATMENT_LABEL: Mapping[Treatment, str] = {
    Treatment.SHOW: "公布",
    Treatment.MASK_ID: "遮盖部分数字后公布",
    Treatment.REDACT: "遮盖第三人的信息后公布",
    Treatment.AGE_AT_PUBLICATION: "换算为公布时的年龄后公布",
    Treatment.CONDUCT_TEXT: "公布情形的条文",
    Treatment.WITHHOLD: "不公布",
}
_MADE = {
    "record": "公示编号",
    "kind": "类别（自然人或者单位）",
    "age": "年龄（公布时）",
    "published_on": "公布时间",
    "visible_until": "公示截止时间",
    "updated_at": "更新时间",
    "origin": "转载自哪个法院",
    "conduct": "失信行为的情形",
    "id_number": "公民身份号码",
    "uscc": "统一社会信用代码",
}


def gather(court: Court, office: Notifier) -> Facts:
    """The facts of a home now. Raises RetentionError, BadSetting."""
    policy, profile = court.policy(), court.profile()
    with court.reading() as session:
        units = [one.name for one in list_units(session, active_only=True)]
    with court.store.snapshot(court.now) as snapshot:
        entries = snapshot.count()
    entrusted, abroad = _name_providers(read_providers(court, office))
    shown = {name for name, rule in policy.fields.items() if rule.treatment is not Treatment.WITHHOLD}
    return Facts(
        profile=profile,
        day=court.today,
        rules=policy.title,
        fields=_describe(policy),
        inside=[label for key, label in LABELS.items() if key not in shown],
        masked=SAMPLE[policy.id_mask],
        possible=count_possible(SAMPLE[policy.id_mask]),
        entries=entries,
        receivers=[f"{one.name}（{one.kind.label}）" for one in list_recipients(office.engine)],
        units=units,
        entrusted=entrusted,
        abroad=abroad,
        retention=list(read_schedule(court.private).values()),
    )


def _describe(policy: Policy) -> list[Field]:
    names = {**LABELS, **_MADE}
    return [
        Field(label=names.get(key, key), treatment=TREATMENT_LABEL[rule.treatment], basis=rule.basis)
        for key, rule in policy.fields.items()
    ]


def _name_providers(providers: Providers) -> tuple[list[str], list[str]]:
    if providers.training:
        return [], []
    abroad = ["Twilio（短信，数据在境外）"] if providers.sms.twilio is not None else []
    home = ["阿里云（短信）"] if providers.sms.aliyun is not None else []
    chat = ["腾讯（微信公众号消息）"] if providers.wechat is not None else []
    return home + chat + abroad, abroad

"""The words of every SMS, versioned. Pure data; `templates` says what may stand in the gaps.

A text that has gone out is never altered: other words are another version, and providers register them anew. `linked`
may show the site's address; `plain` is for routes that refuse addresses (mainland China, whichever provider). Nothing
here tells whom a case is about or what is owed: numbers change hands (民法典 1033(1)), and no SMS is service of a
decision (民诉法 90).
"""

from __future__ import annotations

from notifier.sms.templates import Audience, FieldKind, Template

_CASE = {"court": FieldKind.COURT, "case_number": FieldKind.CASE_NUMBER, "phone": FieldKind.PHONE}
_LIST = {"court": FieldKind.COURT, "period": FieldKind.PERIOD, "phone": FieldKind.PHONE}
_SITE = {"website": FieldKind.WEBSITE}

_TEXTS = (
    # 2017 Provisions art. 5¶1: the warning belongs into the execution notice; this only points to it.
    Template(
        name="debtor_risk_notice",
        version=1,
        audience=Audience.DEBTOR,
        purpose="失信风险提示",
        linked="{court}提示：{case_number}案已进入执行程序。逾期不履行生效法律文书确定的义务并有法定失信情形的，将依法纳入失信被执行人名单。规定及权利救济见 {website} ，请与本院联系{phone}。如与您无关，请来电告知。",
        plain="{court}提示：{case_number}案已进入执行程序。逾期不履行生效法律文书确定的义务并有法定失信情形的，将依法纳入失信被执行人名单。规定及权利救济见本院官方网站，请与本院联系{phone}。如与您无关，请来电告知。",
        fields={**_CASE, **_SITE},
    ),
    # Arts. 11 and 12: correction is applied for in writing, at the court of execution.
    Template(
        name="debtor_decision_served",
        version=1,
        audience=Audience.DEBTOR,
        purpose="决定书送达告知",
        linked="{court}告知：{case_number}案的有关决定书已于{served_on}送达，以送达的决定书为准。认为有误的，可依法向本院书面申请纠正。办理方法见 {website} ，咨询电话{phone}。如与您无关，请来电告知。",
        plain="{court}告知：{case_number}案的有关决定书已于{served_on}送达，以送达的决定书为准。认为有误的，可依法向本院书面申请纠正。办理方法见本院官方网站，咨询电话{phone}。如与您无关，请来电告知。",
        fields={**_CASE, **_SITE, "served_on": FieldKind.DATE},
    ),
    Template(
        name="debtor_departure_confirmed",
        version=1,
        audience=Audience.DEBTOR,
        purpose="移出名单告知",
        linked="{court}告知：{case_number}案的失信信息已于{gone_on}停止公布，接收过名单的单位将收到撤下通知。可在 {website} 核实；如仍见有关信息，请致电{phone}。如与您无关，请来电告知。",
        plain="{court}告知：{case_number}案的失信信息已于{gone_on}停止公布，接收过名单的单位将收到撤下通知。可在本院官方网站核实；如仍见有关信息，请致电{phone}。如与您无关，请来电告知。",
        fields={**_CASE, **_SITE, "gone_on": FieldKind.DATE},
    ),
    Template(
        name="applicant_confirmation_asked",
        version=1,
        audience=Audience.APPLICANT,
        purpose="请申请执行人确认履行情况",
        linked="{court}：请您于{due_on}前确认{case_number}案的履行情况，可来院或致电{phone}办理，来院前请携带身份证件。办理方法见 {website} 。如与您无关，请来电告知。",
        plain="{court}：请您于{due_on}前确认{case_number}案的履行情况，可来院或致电{phone}办理，来院前请携带身份证件。办理方法见本院官方网站。如与您无关，请来电告知。",
        fields={**_CASE, **_SITE, "due_on": FieldKind.DATE},
    ),
    Template(
        name="applicant_done",
        version=1,
        audience=Audience.APPLICANT,
        purpose="告知申请执行人已办理",
        linked="{court}：您就{case_number}案提出的事项已于{done_on}办理完毕。结果可致电{phone}查询，公布情况见 {website} 。如与您无关，请来电告知。",
        plain="{court}：您就{case_number}案提出的事项已于{done_on}办理完毕。结果可致电{phone}查询，公布情况见本院官方网站。如与您无关，请来电告知。",
        fields={**_CASE, **_SITE, "done_on": FieldKind.DATE},
    ),
    Template(
        name="liaison_new_list",
        version=1,
        audience=Audience.LIAISON,
        purpose="名单更新，请接收",
        linked="{court}：{period}失信被执行人名单已更新，请登录 {website} 的单位专区接收、比对。联系电话{phone}。",
        plain="{court}：{period}失信被执行人名单已更新，请登录本院官方网站的单位专区接收、比对。联系电话{phone}。",
        fields={**_LIST, **_SITE},
    ),
    # A recipient of packages gets them in its own way, and has nothing to log in to.
    Template(
        name="liaison_new_list",
        version=2,
        audience=Audience.LIAISON,
        purpose="名单已发送，请接收",
        linked="{court}：{period}失信被执行人名单已按约定方式发送贵单位，请及时接收并回执。未收到的，请致电{phone}。",
        plain="{court}：{period}失信被执行人名单已按约定方式发送贵单位，请及时接收并回执。未收到的，请致电{phone}。",
        fields=_LIST,
    ),
    Template(
        name="liaison_feedback_due",
        version=1,
        audience=Audience.LIAISON,
        purpose="催报惩戒情况反馈",
        linked="{court}：请于{due_on}前登录 {website} 的单位专区，报送{period}联合惩戒情况反馈。联系电话{phone}。",
        plain="{court}：请于{due_on}前登录本院官方网站的单位专区，报送{period}联合惩戒情况反馈。联系电话{phone}。",
        fields={**_LIST, **_SITE, "due_on": FieldKind.DATE},
    ),
    # It goes where a recall, a correction or a receipt of broadcasting is overdue, and says neither which nor of whom.
    Template(
        name="liaison_answer_overdue",
        version=1,
        audience=Audience.LIAISON,
        purpose="催办逾期回执",
        linked="{court}：贵单位有失信被执行人名单的撤回、更正或者播出、发布回执逾期未报，请尽快办理并回执。联系电话{phone}。",
        plain="{court}：贵单位有失信被执行人名单的撤回、更正或者播出、发布回执逾期未报，请尽快办理并回执。联系电话{phone}。",
        fields={"court": FieldKind.COURT, "phone": FieldKind.PHONE},
    ),
    # Order 31 of 2015: whoever refuses is sent nothing more, and is told how to refuse. No reply reaches us from the
    # mainland by Twilio, so the way out is the telephone.
    Template(
        name="subscriber_digest",
        version=1,
        audience=Audience.SUBSCRIBER,
        purpose="季度摘要",
        linked="{court}{period}失信被执行人名单：新增{published}条，更正{corrected}条，停止公布{gone}条。全文见 {website} ，咨询电话{phone}。退订请回复STOP。",
        plain="{court}{period}失信被执行人名单：新增{published}条，更正{corrected}条，停止公布{gone}条。全文见本院官方网站。咨询或退订请致电{phone}。",
        fields={
            **_LIST,
            **_SITE,
            "published": FieldKind.COUNT,
            "corrected": FieldKind.COUNT,
            "gone": FieldKind.COUNT,
        },
    ),
)
TEMPLATES: dict[tuple[str, int], Template] = {(template.name, template.version): template for template in _TEXTS}


def get_template(name: str, version: int) -> Template:
    """The template of that name and version. Raises KeyError."""
    return TEMPLATES[name, version]


def get_newest(name: str) -> Template:
    """The version of a template that new messages use. Raises KeyError for a name that there is not."""
    versions = [version for known, version in TEMPLATES if known == name]
    if not versions:
        raise KeyError(name)
    return TEMPLATES[name, max(versions)]

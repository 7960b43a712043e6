"""What codes in decisions and audit details are called: for the record's page, the audit trail, and the dossier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.audit_words import describe, name_value
from registry.departing import REMOVAL_GROUNDS, SOURCE_GROUNDS, WITHDRAWAL_GROUNDS
from registry.gate import WithholdReason
from registry.intake import LABELS
from registry.letters.kinds import KINDS
from registry.letters.kinds import OUTCOME_LABEL as LETTER_OUTCOME
from registry.matters.words import KIND_LABEL
from registry.papers import PAPER_LABEL

GROUND_LABEL: Mapping[str, str] = {
    **REMOVAL_GROUNDS,
    **SOURCE_GROUNDS,
    **WITHDRAWAL_GROUNDS,
    "reconciled": "与全量名单核对不一致",
    "term_ended": "纳入期限届满（第十条第二款）",
    "expired": "纳入期限届满（第十条第二款）",
}
RULE_NAME: Mapping[str, str] = {
    "unpublishable_basis": "所依据的文书不得公布",
    "person_name": "人名",
    "organisation_name": "单位名称",
    "id_number": "身份证号码",
    "card": "银行账户",
    "mobile": "手机号码",
    "landline": "电话号码",
    "address": "住址",
    "plate": "车牌号码",
    "title_number": "权证号码",
    "email": "电子邮箱",
    "url": "网址",
    "birth_date": "出生日期",
    "number": "号码",
}
"""What a rule of the detector looks for."""

ACT_NAMES: Mapping[str, str] = {
    "serve": "登记送达",
    "correct": "更正、补充",
    "approve": "审核",
    "grace": "给予宽限期",
    "publish": "现在公布",
    "ground": "登记退出事由",
    "dismiss": "驳回退出事由",
    "hold": "先行屏蔽",
    "confirm": "确认屏蔽",
    "lift": "提出解除屏蔽",
    "agree": "同意解除屏蔽",
    "remove": "删除",
    "withdraw": "撤销",
    "restrict": "转为依法不宜公开",
    "attach": "附上文件",
    "notify": "短信告知",
}
"""The acts on a record, by the last part of their addresses."""
_WITHHELD: Mapping[WithholdReason, str] = {
    WithholdReason.NOT_APPROVED: "尚未审核",
    WithholdReason.SOURCE_ENDED: "所转载的名单已停止转载",
    WithholdReason.MINOR: "被执行人未满十八周岁",
    WithholdReason.AGE_UNKNOWN: "不能确定已满十八周岁",
    WithholdReason.RESTRICTED: "依法不宜公开",
    WithholdReason.UNSERVED: "决定书尚未送达",
    WithholdReason.IN_GRACE: "宽限期内",
    WithholdReason.UNRESOLVED: "遮盖建议尚未处理",
    WithholdReason.TERM_ENDED: "纳入期限届满（第十条第二款）",
    WithholdReason.NO_RULE: "政策没有规定公布",
    WithholdReason.LEAK_GUARD: "公布前核对未通过",
}
# What the values of audit details are called on a page.
_VALUE: Mapping[str, str] = {
    **{reason.value: label for reason, label in _WITHHELD.items()},
    **GROUND_LABEL,
    "record": "记录",
    "findings": "遮盖建议",
    "dossier": "案卷",
    "readers": "批量读取",
    "redact": "遮盖",
    "show": "显示",
    "passed": "合格",
    "failed": "不合格",
    "art3": "第三条",
    "redactions": "遮盖建议",
    **{f"act/{name}": f"办理页面（{label}）" for name, label in ACT_NAMES.items()},
    **LABELS,
    **RULE_NAME,
    **{kind.value: label for kind, label in PAPER_LABEL.items()},
    **{kind.value: rule.label for kind, rule in KINDS.items()},
    **{outcome.value: label for outcome, label in LETTER_OUTCOME.items()},
    **{kind.value: label for kind, label in KIND_LABEL.items() if kind.value != "ground"},
}


def say_value(value: Any) -> Any:
    """A value of an audit detail as a page says it: known codes in Chinese."""
    if isinstance(value, str):
        return _VALUE.get(value, value)
    return [say_value(one) for one in value] if isinstance(value, list) else value


def say_detail(detail: Mapping[str, Any], hidden: tuple[str, ...] = ()) -> str:
    """The details of an audit line in words, without the keys in `hidden`."""
    shown = {key: name_value(key, value) or say_value(value) for key, value in detail.items() if key not in hidden}
    return "；".join(f"{label}：{value}" for label, value in describe(shown))

"""What the audit trail's words are called on the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.lifecycle import ACTION_LABEL

_LABEL: Mapping[str, str] = {
    **{action.value: label for action, label in ACTION_LABEL.items()},
    "audit_verify": "校验审计记录",
    "checklist": "回答第三条清单",
    "clock_moved": "期限重新计算",
    "command": "命令行",
    "consent": "仍予以同意",
    "consent_reported": "报告仍予以同意",
    "feedback": "提交反馈",
    "feedback_correct": "更正反馈",
    "ground_closed": "事由办结",
    "ground_dismiss": "事由不成立",
    "ground_record": "登记事由",
    "import": "导入",
    "notice": "告知",
    "paper_add": "附加文件",
    "profile": "更改法院信息",
    "quarter_open": "开始季度反馈",
    "read": "查看",
    "resolve": "处理遮盖建议",
    "sample": "抽取样本",
    "sample_check": "检查样本",
    "second_factor": "启用两步验证",
    "sign_in": "登录",
    "sign_in_refused": "登录失败",
    "sign_out": "退出登录",
    "unit_add": "登记单位",
    "unit_agree": "同意提供范围",
    "unit_ask": "申请更改提供范围",
    "unit_change": "更改单位",
    "unit_decline": "不同意提供范围",
    "unit_liaison": "更改联络员",
    "unit_released": "单位解除惩戒",
    "unit_restore": "恢复单位",
    "unit_retained": "单位保留措施",
    "unit_retire": "停用单位",
    "user_add": "增加账户",
    "user_deputy": "登记代理人",
    "user_disable": "停用账户",
    "user_enable": "恢复账户",
    "user_password": "更改口令",
    "user_role": "更改角色",
    "user_second_factor_reset": "重置两步验证",
    "user_unlock": "恢复登录",
}
_KEY_LABEL: Mapping[str, str] = {
    "away_until": "外出至",
    "basis": "依据",
    "command": "命令",
    "count": "数量",
    "deputy": "代理人",
    "from": "原为",
    "ground": "事由",
    "kind": "种类",
    "lines": "行数",
    "matter": "办件",
    "name": "用户名",
    "os_account": "操作系统账户",
    "page": "页面",
    "records": "记录",
    "role": "角色",
    "rule": "规则",
    "second_factor": "两步验证",
    "to": "改为",
    "unit": "单位",
    "until": "至",
}
# What can be looked for.
ACTIONS = tuple(sorted(_LABEL, key=lambda action: _LABEL[action]))
# What is about accounts and the product itself: all that an administrator sees.
_ACCOUNTS = ("user_", "sign_", "second_factor", "audit_verify", "profile")


def name_action(action: str) -> str:
    return _LABEL.get(action, action)


def is_about_accounts(action: str) -> bool:
    """Whether a line is about accounts, and nothing of a record."""
    return action.startswith(_ACCOUNTS)


def describe(detail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The details of a line in words: label and value."""
    return [(_KEY_LABEL.get(key, key), _say(value)) for key, value in detail.items() if value not in (None, "", [], {})]


def _say(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(_say(one) for one in value)
    if isinstance(value, dict):
        return "；".join(f"{_KEY_LABEL.get(key, key)} {_say(one)}" for key, one in value.items())
    return str(value)

"""What the audit trail's words are called on the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.lifecycle import ACTION_LABEL
from registry.matters.states import (
    AUDIT_LABEL,
    CHANNEL_LABEL,
    CLAIM_LABEL,
    GROUND_STATE_LABEL,
    OUTCOME_LABEL,
    STATE_LABEL,
)

_LABEL: Mapping[str, str] = {
    **{action.value: label for action, label in ACTION_LABEL.items()},
    "article_agree": "审核文章",
    "article_clarification": "发布澄清公告",
    "article_down": "文章随记录撤下",
    "article_edit": "修改文章",
    "article_exit": "发布退出公告",
    "article_withdraw": "撤下文章",
    "article_write": "撰写文章",
    "audit_head": "留存审计链尾",
    "audit_verify": "校验审计记录",
    "backup": "备份",
    "calendar_import": "导入放假安排",
    "checklist": "核对第三条",
    "clock_moved": "期限随放假安排变动",
    "command": "命令行",
    "consent_reported": "报告仍予以同意",
    "emergency_ask": "同意恢复紧急停止显示的信息",
    "emergency_codes": "制作紧急停止显示代码",
    "emergency_hide": "凭代码紧急停止显示",
    "emergency_lift": "解除紧急停止显示",
    "emergency_settled": "紧急停止显示随退出办结",
    "erase": "抹除到期的数据",
    "export": "导出名单",
    "feedback": "单位提交反馈",
    "feedback_correct": "单位更正反馈",
    "finding": "发现运行问题",
    "finding_over": "运行问题已排除",
    "finding_read": "运行问题标为已读",
    "ground_closed": "退出事由随退出办结",
    "ground_dismiss": "驳回退出事由",
    "ground_record": "登记退出事由",
    "import": "导入",
    "letter_answer": "登记文书答复",
    "letter_confirm": "核发文书",
    "letter_deliver": "登记文书送达",
    "letter_draft": "拟制文书",
    "letter_void": "作废文书",
    "measure_added": "登记惩戒措施",
    "measure_changed": "更改惩戒措施",
    "notice": "告知",
    "paper_add": "附上文件",
    "profile": "更改法院信息",
    "proposal_reject": "不采纳更正建议",
    "quarter_open": "开始季度反馈",
    "read": "查看",
    "journal_leap": "从备份恢复后跳过已用的公开序号",
    "reader_add": "发给批量读取密钥",
    "reader_renew": "更换批量读取密钥",
    "reader_resume": "恢复批量读取",
    "reader_revoke": "停用批量读取密钥",
    "reader_suspend": "暂停批量读取",
    "recovery_confirm": "核对恢复钥匙",
    "recovery_make": "制作恢复钥匙",
    "replayed": "从备份恢复后补办备份以后的退出",
    "resolve": "决定遮盖建议",
    "restore_agree": "同意恢复后重新开放",
    "restore_open": "恢复后重新开放",
    "restore_trial": "试恢复备份",
    "restored": "从备份恢复",
    "sample": "抽取样本",
    "source_add": "登记转载的名单",
    "source_end": "停止转载名单",
    "source_list": "转载完整的名单",
    "sample_check": "抽查",
    "second_factor": "启用两步验证",
    "sign_in": "登录",
    "sign_in_refused": "登录失败",
    "sign_out": "退出登录",
    "submission_refused": "线上提交不能打开",
    "unit_account_add": "增加单位账户",
    "unit_account_renew": "重置单位账户",
    "unit_account_retire": "停用单位账户",
    "unit_add": "登记单位",
    "unit_agree": "同意提供范围",
    "unit_ask": "申请更改提供范围",
    "unit_change": "更改单位",
    "unit_decline": "不同意提供范围",
    "unit_liaison": "更改联络员",
    "unit_lifted": "单位解除保留的措施",
    "unit_locked": "单位账户暂停登录",
    "unit_password": "单位更改口令",
    "unit_compare": "单位比对",
    "unit_guess": "单位疑似试探号码",
    "unit_released": "单位解除惩戒",
    "unit_restore": "恢复单位",
    "unit_retained": "单位保留措施",
    "unit_key_add": "发放单位密钥",
    "unit_key_end": "停用单位密钥",
    "unit_key_renew": "更换单位密钥",
    "unit_retire": "停用单位",
    "unit_sign_in": "单位登录",
    "unit_sign_out": "单位退出登录",
    "user_add": "增加账户",
    "user_deputy": "登记代理人",
    "user_disable": "停用账户",
    "user_enable": "恢复账户",
    "user_password": "更改口令",
    "user_role": "更改角色",
    "user_second_factor_reset": "重置两步验证",
    "user_unlock": "恢复登录",
    "withhold": "不予公布",
    **AUDIT_LABEL,
}
_KEY_LABEL: Mapping[str, str] = {
    "accepted": "接受",
    "account": "账户",
    "active": "有效",
    "added": "新增",
    "answered_on": "答复日",
    "answers": "回答",
    "arose_on": "发生日",
    "article": "条款",
    "asked_by": "申请人员",
    "away_until": "外出至",
    "basis": "依据",
    "channel": "来件方式",
    "changed": "更改",
    "claim": "异议理由",
    "clock": "期限编号",
    "command": "命令",
    "confirmed": "已确认",
    "class": "类别",
    "consent": "仍予以同意",
    "count": "数量",
    "days": "天数",
    "decided_on": "决定日期",
    "decision_number": "决定书文号",
    "decision_signed": "经签发",
    "delivered_on": "送达日",
    "deputy": "代理人",
    "digest": "文件摘要",
    "counts": "条数",
    "due": "届满日",
    "entered_on": "登记日期",
    "entry": "公开编号",
    "export": "导出方案",
    "faults": "不符之处",
    "field": "项目",
    "fields": "项目",
    "file": "文件",
    "finding": "运行问题",
    "fingerprint": "指纹",
    "grade": "程度",
    "from": "原为",
    "ground": "事由",
    "guaranteed": "充分有效担保",
    "head": "链尾序号",
    "held": "屏蔽条数",
    "id": "序号",
    "key": "密钥",
    "kind": "种类",
    "known_on": "知悉日",
    "later_in_order": "履行顺序在后",
    "leading": "领导小组成员",
    "letter": "文书",
    "line": "行",
    "lines": "行数",
    "made_at": "制作时间",
    "mark": "标记",
    "matter": "办件",
    "measure": "措施",
    "name": "用户名",
    "new": "新届满日",
    "notice": "告知",
    "number": "编号",
    "old": "原届满日",
    "on": "日期",
    "os_account": "操作系统账户",
    "otherwise": "其他情形",
    "outcome": "结果",
    "page": "页面",
    "paper": "文件",
    "period": "季度",
    "policy": "规则版本",
    "position": "公布日志行号",
    "profile": "法院信息",
    "provisional": "暂定",
    "quarantined": "隔离",
    "reason": "理由",
    "receives": "提供",
    "received_on": "收到日期",
    "records": "记录",
    "recovery": "恢复钥匙",
    "removed": "清理份数",
    "role": "角色",
    "rule": "期限",
    "second_factor": "两步验证",
    "scopes": "权限",
    "seal": "校验值",
    "seized": "查封财产足以清偿",
    "sequence": "公开序号",
    "shares": "份数",
    "show": "显示范围",
    "since": "起始序号",
    "size": "大小",
    "state": "状态",
    "taken_back": "已收回",
    "terms": "条款版本",
    "to": "改为",
    "unchanged": "没有变化",
    "unit": "单位",
    "units": "单位数",
    "until": "至",
    "verdict": "结论",
    "watermark": "水印",
    "whole": "完整",
    "years": "年份",
}
# What can be looked for.
ACTIONS = tuple(sorted(_LABEL, key=lambda action: _LABEL[action]))
# What is about accounts and the product itself, and nothing of a record: all that an administrator sees.
ACCOUNT_STARTS = ("user_", "sign_", "finding")
ACCOUNT_ACTIONS = (
    "second_factor",
    "audit_head",
    "audit_verify",
    "backup",
    "profile",
    "recovery_confirm",
    "recovery_make",
)


def name_action(action: str) -> str:
    return _LABEL.get(action, action)


def is_about_accounts(action: str) -> bool:
    """Whether a line is about accounts, and nothing of a record."""
    return action in ACCOUNT_ACTIONS or action.startswith(ACCOUNT_STARTS)


def describe(detail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The details of a line in words: label and value."""
    return [
        (_name_key(key, value), name_value(key, value) or _say(value))
        for key, value in detail.items()
        if value not in (None, "", [], {})
    ]


def name_value(key: str, value: Any) -> str | None:
    """What a code of a matter is called, where `key` says that it is one; None where it does not. The same code may be
    another word elsewhere: `closed` is a ground of departure, too."""
    return _OF_MATTERS[key].get(value) if key in _OF_MATTERS and isinstance(value, str) else None


def _by_code(*labels: Mapping[Any, str]) -> Mapping[str, str]:
    return {str(code): word for words in labels for code, word in words.items()}


_STATES = _by_code(GROUND_STATE_LABEL, STATE_LABEL)
_OF_MATTERS: Mapping[str, Mapping[str, str]] = {
    "grade": {"warn": "提醒", "fail": "故障"},
    "from": _STATES,
    "to": _STATES,
    "outcome": OUTCOME_LABEL,
    "channel": _by_code(CHANNEL_LABEL),
    "claim": _by_code(CLAIM_LABEL),
}


def _name_key(key: str, value: Any) -> str:
    # An article of the law is named by its words, one of the portal by its number.
    return "文章" if key == "article" and isinstance(value, int) else _KEY_LABEL.get(key, key)


def _say(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(_say(one) for one in value)
    if isinstance(value, dict):
        return "；".join(f"{_KEY_LABEL.get(key, key)} {_say(one)}" for key, one in value.items())
    return str(value)

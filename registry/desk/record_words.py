"""What codes are called on the page of a record."""

from __future__ import annotations

from collections.abc import Mapping

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

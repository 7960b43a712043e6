"""The terms (条款) on which a reader gets the list in bulk, as they are shown, accepted and remembered by version."""

from __future__ import annotations

VERSION = "2026.1"
# What somebody else may rely on is not changed in place: other words are another version.
TERMS = (
    "数据免费提供，不得用于营利活动，不得违反法律法规和社会公共道德，不得骚扰被执行人及其家人。",
    "只用于申请时写明的用途。密钥由申请人自己保管，不得转借；不得把取得的名单整体转交他人。",
    "持续跟踪名单的变更。信息不再公示的，一个工作日内停止使用，从自己的系统、页面和副本中全部删去，并向本院确认；"
    "写有停止使用时间（visible_until）的，到时自行停止使用并删去，不等通知。超过一个工作日没有跟上变更的，跟上以前不得使用已有的数据。",
    "逾期没有确认的，暂停读取名单，只提供应当删去的信息的编号；补办确认后自动恢复。",
    "不得推断、还原被遮盖的号码和其他没有公示的个人信息，不得用来查找名单以外的人。",
    "每份数据带有水印，据此可以知道是谁取得的。",
    "名单随时变化，以本院网站当时的公示为准；使用时注明来源和取得的时间。",
    "密钥一年有效，可以续期。到期不续、停用，或者因违反本条款被停用的，删去取得的全部数据。",
)

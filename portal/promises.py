"""What the open API promises to those who build on it: the page, the description and the guide say it in these words."""

from __future__ import annotations

PROMISES = (
    "地址中的 v1 不变，下面各项就不变；要改变的，另起 v2。",
    "对象可能增加成员，可能增加新的地址和新的可选参数；已有的成员不会去掉，不会改名，类型和含义不变。请忽略不认识的成员。",
    "列出的代码（例如 conduct、type、found_in）可能增加新的，已有的含义不变。不认识的代码，请按文字说明对待，不要当作出错。",
    "没有内容的成员是 null，不会省略；写明“仅在”某种情形才有的除外。",
    "公开编号（record）和序号（sequence）不重新使用。序号只比较先后；meta.next 原样用作下一次的 since，不要自行推算。",
    "日期是 2026-11-23 的形式；时刻按 RFC 3339，带有时区。",
    "错误一律是 RFC 9457 的 application/problem+json，按 status 和 type 的末尾处理；title 和 detail 是给人看的，文字可能改进。"
    "订阅、大厅屏幕等浏览器也会打开的地址，错误是网页。",
    "没有列出的参数、重复的参数和不合规则的值，一律答以 400，不会被忽略。",
    "信息不再公示的，从那一刻起任何地址都不再给出它；已经给出的，由 410、changes 中的 gone 和 visible_until 告诉您。",
)

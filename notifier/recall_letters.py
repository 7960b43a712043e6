"""The letters of recalls: what recipients are told of what left the list or was corrected.

A record is named by its number and its case number, and never by what has left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from notifier.channels import Letter
from search_index.day import SHANGHAI
from search_index.journal import ChangeType
from search_index.profile import Profile

HOW_TO_ANSWER = "回执请用本通知所附的回执网址；没有网址的，按约定的方式或者致电本院。\n"
_NAMED = "公开编号"
_CORRECT = (
    "请办理：\n"
    "一、停止播出、显示旧内容；\n"
    "二、需要继续发布的，以公示网站现在公布的内容或者下一次名单包为准；\n"
    "三、更正或者撤下各处已发布的旧内容。\n\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """A departure or correction that recipients are told of."""

    id: int
    sequence: int
    record: str
    case_number: str | None
    type: ChangeType
    at: datetime
    due_on: date


def compose_recall(recall: Recall, profile: Profile) -> Letter:
    """What a recipient is told: which entry, what to do, and by when."""
    named = name_entry(recall)
    if recall.type is ChangeType.GONE:
        subject = f"【立即办理】撤回失信被执行人信息：{named}"
        text = (
            f"失信被执行人名单中的下列条目已于{_when(recall.at)}退出公布，请立即停止使用：\n\n{named}\n\n"
            "请办理：\n"
            "一、立即停止播出、重播和滚动字幕，停止电子屏显示；\n"
            "二、撤下网站、客户端、公众号、短视频等各处已发布的内容，以及张贴的公告；\n"
            "三、今后不再使用含有该条目的旧名单包。\n\n" + _until(recall.due_on)
        )
    else:
        subject = f"【请办理】更正失信被执行人信息：{named}"
        text = (
            f"失信被执行人名单中的下列条目已于{_when(recall.at)}更正，此前发送的内容不得再使用：\n\n{named}\n\n"
            + _CORRECT
            + _until(recall.due_on)
        )
    facts = {"type": recall.type.value, "record": recall.record, "due_on": recall.due_on.isoformat()}
    if recall.case_number:
        facts["case_number"] = recall.case_number
    return Letter(subject=subject, text=text + sign(profile), facts=facts)


def compose_corrections(recalls: Sequence[Recall], profile: Profile) -> Letter:
    """The same for many corrections at once, to be done by the same day: each named on a line of its own."""
    text = (
        "失信被执行人名单中的下列条目已经更正，此前发送的内容不得再使用：\n\n"
        + "".join(f"{name_entry(recall)}\n" for recall in recalls)
        + f"\n{_CORRECT}{_until(recalls[0].due_on)}"
    )
    facts = {"type": ChangeType.CORRECTED.value, "due_on": recalls[0].due_on.isoformat()}
    return _count(Letter(subject="", text=text + sign(profile), facts=facts), [recall.record for recall in recalls])


def keep_in_letter(letter: Letter, records: Sequence[str]) -> Letter:
    """What `compose_corrections` made, for these of its records only."""
    lines = letter.text.split("\n")
    kept = [line for line in lines if not line.startswith(_NAMED) or line[len(_NAMED) :].partition("，")[0] in records]
    return _count(replace(letter, text="\n".join(kept)), records)


def _count(letter: Letter, records: Sequence[str]) -> Letter:
    subject = f"【请办理】更正失信被执行人信息，共{len(records)}条"
    return replace(letter, subject=subject, facts={**letter.facts, "records": ",".join(records)})


def name_entry(recall: Recall) -> str:
    """A record by its number and case number, which say nothing of a person."""
    return f"{_NAMED}{recall.record}" + (f"，案号{recall.case_number}" if recall.case_number else "")


def sign(profile: Profile) -> str:
    """The court and how to reach it, for the end of a letter."""
    contact = f"\n联系电话：{profile.telephone}" if profile.telephone else ""
    training = "\n（演练数据，不得使用）" if profile.training else ""
    return f"\n{profile.court}{contact}{training}\n"


def _until(day: date) -> str:
    deadline = f"{day.year}年{day.month}月{day.day}日（含当日）"
    return f"请于{deadline}前办理完毕，并回执说明办理时间和位置。{HOW_TO_ANSWER}"


def _when(moment: datetime) -> str:
    local = moment.astimezone(SHANGHAI)
    return f"{local.year}年{local.month}月{local.day}日{local:%H:%M}"

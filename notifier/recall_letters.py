"""The letters of recalls: what recipients are told of what left the list or was corrected, and the clarification of what
should never have been on it.

A record is named by its number and its case number, and never by what has left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from notifier.channels import Letter
from search_index.day import SHANGHAI
from search_index.profile import Profile

HOW_TO_ANSWER = "回执请用本通知所附的回执网址；没有网址的，按约定的方式或者致电本院。\n"
_NAMED = "公开编号"
_CORRECT = (
    "请办理：\n"
    "一、停止播出、显示旧内容；\n"
    "二、需要继续发布的，以公示网站现在公布的内容或者下一次名单包为准；\n"
    "三、更正或者撤下各处已发布的旧内容。\n\n"
)


class RecallKind(StrEnum):
    """What recipients are told of: a change of the list (ChangeType), or a clarification (澄清公告), which the court may
    take back."""

    GONE = "gone"
    CORRECTED = "corrected"
    CLARIFIED = "clarified"
    RETRACTED = "retracted"

    @property
    def label(self) -> str:
        return _KIND_LABEL[self]


_KIND_LABEL = {
    RecallKind.GONE: "退出公布",
    RecallKind.CORRECTED: "更正",
    RecallKind.CLARIFIED: "澄清",
    RecallKind.RETRACTED: "澄清（本院已撤下）",
}


NO_CHANGE = 0
"""The sequence of what is no public change of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """A departure, correction or clarification that recipients are told of. `sequence` is that of the public change, and
    NO_CHANGE for a clarification."""

    id: int
    sequence: int
    record: str
    case_number: str | None
    type: RecallKind
    at: datetime
    due_on: date


def compose_recall(recall: Recall, profile: Profile) -> Letter:
    """What a recipient is told: which entry, what to do, and by when."""
    named = name_entry(recall)
    if recall.type is RecallKind.GONE:
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


def compose_clarification(recall: Recall, words: tuple[str, str], profile: Profile, facts: Mapping[str, str]) -> Letter:
    """The court's clarification, to be told where the entry was told. `words` are its title and text, as they stand on the
    portal: which name the entry by its number, so that nobody takes down another entry of the same case. `facts`
    say to machines which article it is."""
    named, (title, text) = name_entry(recall), words
    # A text that the court wrote decides what is said; its lines are not taken for those of the letter.
    quoted = "".join(f"    {line.strip()}\n" for line in (title, *text.splitlines()) if line.strip())
    known = {"type": recall.type.value, "record": recall.record, "due_on": recall.due_on.isoformat()}
    if recall.case_number:
        known["case_number"] = recall.case_number
    return Letter(
        subject=f"【请公布】澄清公告：{named}",
        text=(
            f"下列条目系不应纳入而纳入，已经撤销（法释〔2017〕7号第九条）：\n\n{named}\n\n"
            f"经本人申请，本院发布下列公告：\n\n{quoted}\n"
            "请办理：\n"
            "一、曾经播出、发布、张贴该条目的，在原来的栏目、网页、账号或者位置，播出、发布或者张贴本公告；\n"
            "二、只用公告原文，不写姓名、名称和证件号码；\n"
            f"三、再次核对编号为{recall.record}的条目已经在各处停止使用并删除；同一案件其他编号的条目不受影响。\n"
            "没有播出、发布过该条目的，不用公布，请回执说明。\n\n" + _until(recall.due_on) + sign(profile)
        ),
        facts={**known, **facts},
    )


def compose_corrections(recalls: Sequence[Recall], profile: Profile) -> Letter:
    """The same for many corrections at once, to be done by the same day: each named on a line of its own."""
    text = (
        "失信被执行人名单中的下列条目已经更正，此前发送的内容不得再使用：\n\n"
        + "".join(f"{name_entry(recall)}\n" for recall in recalls)
        + f"\n{_CORRECT}{_until(recalls[0].due_on)}"
    )
    facts = {"type": RecallKind.CORRECTED.value, "due_on": recalls[0].due_on.isoformat()}
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

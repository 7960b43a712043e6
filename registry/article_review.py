"""What an article for the portal may say: short texts about the list, through the gate like everything public. Pure.

A name in an article stays there long after the entry has gone, unless the two are tied together: so nobody is named but
in an entry that is public now, with its number beside the name (个人信息保护法 art. 25, 47; 法释〔2016〕19号 art. 8–11).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from registry import redaction
from registry.article_names import find_named, mask_hit
from registry.lastlook import find_leaking
from registry.record import Facts
from registry.redaction import Finding, redact
from registry.redaction.tagger import Nobody
from search_index.casenumber import CaseNumber, find_case_number
from search_index.number import find_number


class ArticleKind(StrEnum):
    CASE = "case"
    REWARD = "reward"
    SANCTIONS = "sanctions"
    EXIT = "exit"
    CLARIFICATION = "clarification"


KIND_LABEL: Mapping[ArticleKind, str] = {
    ArticleKind.CASE: "典型案例",
    ArticleKind.REWARD: "悬赏公告",
    ArticleKind.SANCTIONS: "受惩戒情况",
    ArticleKind.EXIT: "退出公告",
    ArticleKind.CLARIFICATION: "澄清公告",
}
WRITTEN = (ArticleKind.CASE, ArticleKind.REWARD, ArticleKind.SANCTIONS)
"""What people write. The others are made from a departure."""

MOST_TITLE = 60
MOST_TEXT = 5000
FIELD_LABEL: Mapping[str, str] = {"title": "标题", "text": "正文"}

_NUMBER = re.compile(r"SX\s?[-–—‐‑−]?\s?[0-9A-Z]{8}(?![0-9A-Z])", re.IGNORECASE)
_CASE = re.compile(r"[（(〔\[]\s*\d{4}\s*[）)〕\]][^（）()，。；、\s]{1,30}?号(?:之[一二三四五六七八九十]+)?")
_NOBODY: Mapping[str, bool] = {}
# What a reader sees of a finding: its neighbours.
_AROUND = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A record that an article names by its number or its case, as it is now. `number` is None for one that was never
    public; `visible_until` its end where one is known."""

    facts: Facts
    number: str | None
    is_public: bool
    visible_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something the gate found: where, in which words, and what would stand there instead."""

    field: str
    before: str
    found: str
    after: str
    replacement: str
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What the gate says of an article. `refusals` are sentences; `remarks` what it found; `redacted` the article with what
    is sure left out; `records` the entries it depends on, `ends` when the first of them ends."""

    refusals: tuple[str, ...]
    remarks: tuple[Remark, ...]
    redacted: Mapping[str, str]
    records: tuple[str, ...]
    ends: datetime | None

    @property
    def doubtful(self) -> bool:
        """Whether somebody must look at what was found before it is published."""
        return any(not remark.sure for remark in self.remarks)


def list_numbers(words: str) -> list[str]:
    """The record numbers in a text, each once."""
    plain = unicodedata.normalize("NFKC", words)
    found = (find_number(match[0].replace(" ", "")) for match in _NUMBER.finditer(plain))
    return list(dict.fromkeys(number for number in found if number))


def list_cases(words: str) -> list[CaseNumber]:
    """The case numbers in a text, each once."""
    found = (find_case_number(match[0]) for match in _CASE.finditer(words))
    return list({case.key: case for case in found if case}.values())


def review(
    kind: ArticleKind,
    texts: Mapping[str, str],
    *,
    by_number: Mapping[str, Named | None],
    by_case: Mapping[str, Sequence[Named]],
    own_words: Sequence[str],
    on_file: Mapping[str, bool] = _NOBODY,
) -> Review:
    """Judge an article. `texts` are its title and text; `by_number` and `by_case` say what is known of the records it
    names; `own_words` are the court's own name, address and telephone, which may stand in it. `on_file` are the folded
    names of all records that stand in it, public or not, and whether each is an organisation's."""
    named = [*(one for one in by_number.values() if one), *(one for many in by_case.values() for one in many)]
    public = [one for one in named if one.is_public]
    kept = (*own_words, *(one.facts.name for one in public), *by_number)
    findings = {}
    # The network was taught on obligations; in prose for the press it takes 高温 and 高铁 for somebody.
    for field, found in redaction.find_in_fields(texts, "", tagger=Nobody()).items():
        names = [mask_hit(hit, on_file) for hit in find_named(texts[field], on_file, kept)]
        others = (f for f in found if not _is_kept(texts[field][f.start : f.end], kept))
        findings[field] = _merge((*names, *others))
    remarks = tuple(_remark(field, texts[field], f) for field, found in findings.items() for f in found)
    sure = {field: tuple(f for f in found if f.confidence == "high") for field, found in findings.items()}
    return Review(
        refusals=tuple(_refuse(kind, texts, by_number, by_case, remarks)),
        remarks=remarks,
        redacted={field: redact(text, sure[field]) for field, text in texts.items()},
        records=tuple(dict.fromkeys(one.number for one in public if one.number)),
        ends=min((one.visible_until for one in public if one.visible_until), default=None),
    )


def _refuse(
    kind: ArticleKind,
    texts: Mapping[str, str],
    by_number: Mapping[str, Named | None],
    by_case: Mapping[str, Sequence[Named]],
    remarks: Sequence[Remark],
) -> Iterator[str]:
    for number, one in by_number.items():
        if one is None:
            yield f"没有编号为{number}的记录，请核对"
        elif not one.is_public:
            yield f"{number}现在没有公布（未公布、已屏蔽或者已退出），不得写入文章（个人信息保护法第四十七条）"
    for case, many in by_case.items():
        if many and not any(one.is_public for one in many):
            yield f"{case}案件的记录现在没有公布，不得写入文章（法释〔2017〕7号第六条、个人信息保护法第二十五条）"
    if kind is ArticleKind.SANCTIONS and (by_number or by_case):
        yield "受惩戒情况只公布汇总数字，不得写入记录编号和案号（法释〔2017〕7号第七条第二款）"
    everybody = [one for one in by_number.values() if one] + [one for many in by_case.values() for one in many]
    leaking = dict.fromkeys(field for one in everybody for field in find_leaking(one.facts, texts))
    for field in leaking:
        yield f"{FIELD_LABEL[field]}含有该记录中不得公布的内容，请删去（个人信息保护法第六条、民法典第一千零三十九条）"
    if any(remark.sure for remark in remarks):
        yield (
            "文中有必须遮盖的姓名、名称、号码或者地址：请改写，或者按建议遮盖；被执行人的姓名只在写明其公示编号（SX-）时保留"
            "（法释〔2016〕19号第八条至第十一条）"
        )


def _merge(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """In order and without overlap: what is sure before what is not, the longer before the shorter."""
    taken: list[Finding] = []
    for one in sorted(findings, key=lambda f: (f.confidence != "high", f.start - f.end)):
        if all(one.end <= other.start or other.end <= one.start for other in taken):
            taken.append(one)
    return tuple(sorted(taken, key=lambda f: f.start))


def _is_kept(words: str, kept: Sequence[str]) -> bool:
    plain = _fold(words)
    return any(plain in _fold(one) for one in kept if one)


def _fold(words: str) -> str:
    return unicodedata.normalize("NFKC", words).upper()


def _remark(field: str, text: str, finding: Finding) -> Remark:
    return Remark(
        field=field,
        before=text[max(0, finding.start - _AROUND) : finding.start],
        found=text[finding.start : finding.end],
        after=text[finding.end : finding.end + _AROUND],
        replacement=finding.replacement,
        sure=finding.confidence == "high",
    )

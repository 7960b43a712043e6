"""What a package says of itself, and the words that all its files share. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

from notifier.calendar import Period
from notifier.package.names import MANIFEST
from search_index.day import SHANGHAI, day_of
from search_index.document import Document
from search_index.profile import Profile

KIND_LABEL = {"person": "自然人", "organisation": "法人或者其他组织"}
TRAINING_MARK = "【演练数据，不得使用】"
# What a newsroom's crawl shows of one item, in Han characters; two half-width characters count as one.
CAPTION_LIMIT = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What a package says of itself, beside the entries. `made_at` is aware; `last_day_of_use` is the last day on
    which any entry of it may be shown. `commission_number` is the number of the court's letter (委托函号), empty where
    none was given yet. `caption_limit` is the longest line of the captions, in Han characters."""

    period: Period
    revision: int
    sequence: int
    made_at: datetime
    last_day_of_use: date
    profile: Profile
    commission_number: str = ""
    caption_limit: int = CAPTION_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """The files by name, the manifest among them, and the records they hold."""

    files: Mapping[str, bytes]
    records: tuple[str, ...]

    @property
    def manifest_sha256(self) -> str:
        return sha256(self.files[MANIFEST]).hexdigest()


def in_order(documents: Sequence[Document]) -> list[Document]:
    """Newest publication first: the order of every file, so that a number names the same entry in all of them."""
    by_record = sorted(documents, key=lambda d: d.record)
    return sorted(by_record, key=lambda d: d.published_on, reverse=True)


def title(edition: Edition) -> str:
    return f"{training_mark(edition)}{edition.profile.court}失信被执行人名单（{edition.period.label}）"


def training_mark(edition: Edition) -> str:
    return TRAINING_MARK if edition.profile.training else ""


def usage_notice(edition: Edition) -> str:
    """The sentence every file carries: until when it may be used, and where the newest is."""
    return (
        f"{training_mark(edition)}本名单于{chinese_date(edition.last_day_of_use)}后不得使用；其中注明“停止使用时间”的，"
        f"到时即不得再使用该条，{where_the_newest_is(edition)}。"
    )


def where_the_newest_is(edition: Edition) -> str:
    """Half a sentence, without a full stop."""
    profile = edition.profile
    if profile.website:
        return f"最新名单见{profile.website}"
    return f"最新名单请向{profile.court}索取" + (f"（电话{profile.telephone}）" if profile.telephone else "")


def edition_line(edition: Edition, entries: int) -> str:
    """Which edition of the list this is, how long it is, and when it was made."""
    made_at = edition.made_at.astimezone(SHANGHAI)
    count = f"共{entries}条" if entries else "本期没有可以公布的条目"
    return f"第{edition.revision}次修订，{count}，制作时间：{chinese_date(made_at)} {made_at:%H:%M}（北京时间）"


def count_kinds(documents: Sequence[Document]) -> dict[str, int]:
    kinds = [document.kind for document in documents]
    return {"total": len(kinds), "person": kinds.count("person"), "organisation": kinds.count("organisation")}


def last_day_of_entry(document: Document, edition: Edition) -> date | None:
    """The last whole day on which this entry may be shown, where that is before the last day of the list."""
    if document.visible_until is None:
        return None
    last = day_of(document.visible_until) - timedelta(days=1)
    return last if last < edition.last_day_of_use else None


def describe_person(document: Document) -> str:
    """Sex, and age at publication, where they are published."""
    age = None if document.age is None else f"公布时{document.age}岁"
    return "，".join(part for part in (document.gender, age) if part)


def flatten(text: str) -> str:
    """`text` on one line, without characters that are not seen."""
    line = " ".join(text.split())
    return line if line.isprintable() else "".join(character for character in line if is_seen(character))


def is_seen(character: str) -> bool:
    # Not str.isprintable: characters that came after this Python's Unicode are not printable to it, and are names.
    return unicodedata.category(character) not in ("Cc", "Cf", "Zl", "Zp")


def chinese_date(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def to_text(value: object) -> str:
    """A value of a document as a table shows it: ISO dates, times in Beijing, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    return value.isoformat() if isinstance(value, date) else str(value)


def width(text: str) -> int:
    """How many half-width places a text takes at most: nothing wide comes before U+1100."""
    return len(text) + sum(map("\u1100".__le__, text))

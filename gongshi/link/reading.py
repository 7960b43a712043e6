"""What the files of a folder come to, before anything is applied: which belong to the history that counts, which come next,
which are missing. Pure: it is given headers, and where the store stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search_index.journal_file import Header
from search_index.store import Link

FORKED = (
    "与已经采用的文件不是同一段历史：法院一侧像是从备份恢复的，没有采用（其中的退出已经执行）；"
    "请法院运行 gongshi journal export --whole，把全部文件送来"
)
OUT_OF_PLACE = "接不上已经采用的最后一个文件：没有采用（其中的退出已经执行）；请法院运行 gongshi journal export --whole，把全部文件送来"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What to do with the files of a folder, as places in the list that was given.

    `past`: applied before, or of a history that another has replaced. `refused`: what is wrong with it. `ahead`: not applied
    yet, in order. `next`: those of `ahead` that can be applied now. `missing`: numbers without which nothing goes on.
    `is_new`: they begin another history, which takes the place of the store's.
    """

    past: Sequence[int]
    refused: Sequence[tuple[int, str]]
    ahead: Sequence[int]
    next: Sequence[int]
    missing: Sequence[int]
    is_new: bool


def plan_course(headers: Sequence[Header], link: Link) -> Course:
    """What to do with files of these headers, whose signatures hold, where a store stands at `link`."""
    known = link.file_epoch or ""
    epoch = max([known, *(header.epoch for header in headers)])
    is_new = epoch != known
    past = [place for place, header in enumerate(headers) if header.epoch < epoch]
    refused: list[tuple[int, str]] = []
    ahead: list[int] = []
    for place, header in enumerate(headers):
        if header.epoch != epoch:
            continue
        if is_new or header.number > link.file_number:
            ahead.append(place)
        elif _contradicts(header, link):
            refused.append((place, FORKED))
        else:
            past.append(place)
    ahead.sort(key=lambda place: headers[place].number)
    following, missing = _follow(headers, ahead, link, is_new=is_new)
    if following is None:
        refused.append((ahead[0], OUT_OF_PLACE))
        following = []
    return Course(past=past, refused=refused, ahead=ahead, next=following, missing=missing, is_new=is_new)


def _contradicts(header: Header, link: Link) -> bool:
    """Whether a file under a number that was applied is another than that one. A file that is made anew has the chain of the
    first one, and its instant."""
    if header.number == link.file_number:
        return header.chain != link.file_digest
    return link.pulse_at is not None and header.made_at > link.pulse_at


def _follow(
    headers: Sequence[Header], ahead: Sequence[int], link: Link, *, is_new: bool
) -> tuple[list[int] | None, list[int]]:
    """Those that follow on without a gap, and the numbers that are missing up to the last; None where the first contradicts
    what was applied. A new history is taken over once all of it is there that there was when it was begun."""
    if not ahead:
        return [], []
    number = headers[ahead[0]].begin if is_new else link.file_number + 1
    chain = None if is_new else link.file_digest
    following: list[int] = []
    for place in ahead:
        header = headers[place]
        if header.number != number:
            break
        if header.previous != chain:
            return (following, []) if following else (None, [])
        following.append(place)
        number, chain = number + 1, header.chain
    last = headers[ahead[-1]].number
    there = {headers[place].number for place in ahead}
    missing = [one for one in range(number, last) if one not in there]
    if is_new:
        begun = headers[following[0]].end if following else None
        if begun is None or headers[following[-1]].last < begun:
            return [], missing or [last + 1]
    return following, missing


def name_numbers(numbers: Sequence[int]) -> str:
    """`5、7-9`: what is missing, as `gongshi journal export --again` takes it, one by one."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return "、".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)

"""The public side of an isolated network: taking over the files of the journal that somebody brought.

A departure never waits: those of every file that can be believed are carried out before anything else, whatever is missing
between. Publications wait for their turn. What was taken over is remembered in the store, so a killed run is repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from gongshi.link.folder import LinkRefused, alone, read_bounded, require_folder
from gongshi.link.public_side import PublicSide
from gongshi.link.reading import Course, name_numbers, plan_course
from search_index.journal import JournalEntry
from search_index.journal_file import LARGEST, FileRefused, Header, JournalFile, find_number, read_file
from search_index.lost_history import hide_lost, read_known
from search_index.store_applying import JournalGap
from search_index.sync import rebuild

_CHUNK = 500
_MOST_NAMED = 20
# A departure is dated when it is decided, and told a moment later.
_OVERLAP = timedelta(hours=1)


@dataclass(kw_only=True)
class Applied:
    """What a run did: the numbers of the files taken over, what was refused (file, reason), the numbers that are missing, how many
    departures were carried out ahead, and the records that a new history would have shown again."""

    numbers: list[int] = field(default_factory=list)
    passed: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    missing: Sequence[int] = ()
    ahead: int = 0
    hidden: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        """What somebody has to see to, one line each."""
        lines = [f"{name}：{reason}" for name, reason in self.refused]
        if self.missing:
            numbers = name_numbers(self.missing)
            lines.append(
                f"缺少第 {numbers} 号文件，公布停在它们之前（已经送到的退出都已执行）：请法院对每一段运行 "
                f"gongshi journal export --again 编号 --to 目录，再把文件送来"
            )
        if self.hidden:
            named = "、".join(self.hidden[:_MOST_NAMED]) + (" 等" if len(self.hidden) > _MOST_NAMED else "")
            lines.append(
                f"法院送来的新历史仍在公布、而本站知道其后又有变动的 {len(self.hidden)} 条没有显示：{named}；请法院核对，确应公布的重新公布"
            )
        return lines


def apply_folder(side: PublicSide, folder: Path, *, keep: bool = False) -> Applied:
    """Take over what a folder holds. Files that were taken over are removed, unless they are to be kept. Raises LinkRefused, and
    what the store raises."""
    side.require()
    side.require_keys()
    require_folder(folder)
    with alone(side.lock):
        done = Applied()
        found = _read_all(side, folder, done)
        names, files = list(found), list(found.values())
        headers = [file.header for file in files]
        course = plan_course(headers, side.writer.link())
        done.refused += [(names[place], reason) for place, reason in course.refused]
        done.missing = course.missing
        done.ahead = _carry_out_ahead(side, files, course)
        if course.is_new and course.next:
            _take_place(side, {folder / names[place]: headers[place] for place in course.next}, done)
        else:
            for place in course.next:
                _take_over(side, _read_again(side, folder / names[place], headers[place]))
        done.numbers = [headers[place].number for place in course.next]
        done.passed = len(course.past)
        if not keep:
            for place in (*course.past, *course.next):
                (folder / names[place]).unlink(missing_ok=True)
        side.bring_up()
        return done


def _read_all(side: PublicSide, folder: Path, done: Applied) -> dict[str, JournalFile]:
    """The files that can be believed, without the words in them: of these there may be more than fit into memory."""
    found = {}
    for path in sorted(folder.iterdir()):
        if find_number(path.name) is None:
            continue
        try:
            file = _read(side, path)
        except FileRefused as error:
            done.refused.append((path.name, str(error)))
        else:
            found[path.name] = JournalFile(header=file.header, entries=(), repeated=tuple(file.departures))
    return found


def _read(side: PublicSide, path: Path) -> JournalFile:
    content = read_bounded(path, LARGEST)
    if content is None:
        raise FileRefused("不是普通文件或者过大：没有采用")
    file = read_file(content, side.keys)
    if file.header.number != find_number(path.name):
        raise FileRefused(f"文件名与其中的编号（{file.header.number}）不符，被改过名：没有采用；请恢复原来的文件名")
    return file


def _read_again(side: PublicSide, path: Path, header: Header) -> JournalFile:
    """A file to be applied now: it is believed as it is now, and must be the one that was looked at."""
    try:
        file = _read(side, path)
    except FileRefused:
        file = None
    if file is None or file.header != header:
        raise LinkRefused(f"{path.name} 在读取期间被改动：没有采用；请查明是谁在改动目录，再重新运行")
    return file


def _carry_out_ahead(side: PublicSide, files: Sequence[JournalFile], course: Course) -> int:
    """Carry out the departures of every file that the store may not know. Returns how many there were."""
    position, pulse = side.writer.position(), side.writer.link().pulse_at
    waiting = [one for place in course.ahead for one in files[place].repeated]
    if course.is_new:
        # Its positions are not the store's; what departed before the last pulse the store knows.
        waiting = [one for one in waiting if pulse is not None and one.at > pulse - _OVERLAP]
    else:
        waiting = [one for one in waiting if one.position > position]
    # Of another history under the numbers of this one: what was decided since holds, whatever the store knows of the record.
    others = [one for place, _reason in course.refused for one in files[place].repeated]
    others = [one for one in others if pulse is None or one.at > pulse]
    for changes, last_word in ((waiting, False), (others, True)):
        known = sorted({one.sequence: one for one in changes}.values(), key=lambda one: one.sequence)
        for start in range(0, len(known), _CHUNK):
            side.writer.apply_ahead(known[start : start + _CHUNK], last_word=last_word)
    return len({one.record for one in (*waiting, *others)})


def _take_over(side: PublicSide, file: JournalFile) -> None:
    """Apply the next file. Raises LinkRefused where the store is not where its last file left it."""
    try:
        for start in range(0, len(file.entries), _CHUNK):
            side.writer.apply(file.entries[start : start + _CHUNK])
    except JournalGap:
        raise LinkRefused(
            "公示库不在上一个文件结束的地方，像是被换过或者损坏：请法院运行 gongshi journal export --whole，把全部文件送来"
        ) from None
    _note(side, file.header)


def _take_place(side: PublicSide, files: Mapping[Path, Header], done: Applied) -> None:
    """Make the store anew from another history. Readers see the old one until it is complete."""
    known = read_known(side.settings.disclosed_url)

    def read() -> Iterator[Sequence[JournalEntry]]:
        for path, header in files.items():
            entries = _read_again(side, path, header).entries
            for start in range(0, len(entries), _CHUNK):
                yield entries[start : start + _CHUNK]

    side.writer.replay(read(), lambda connection: done.hidden.extend(hide_lost(connection, known)))
    _note(side, list(files.values())[-1])
    rebuild(side.writer, side.store, side.index, side.now)


def _note(side: PublicSide, header: Header) -> None:
    """Remember the file. Where it held everything that was told when it was made, that is the store's pulse; a clock of the
    court's that is ahead makes no pulse of what is still to come."""
    pulse, known = min(header.made_at, side.now), side.writer.link().pulse_at
    is_later = header.is_whole and (known is None or pulse > known)
    side.writer.note_file(header.number, header.chain, header.epoch, pulse if is_later else None)

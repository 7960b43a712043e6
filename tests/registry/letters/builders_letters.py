"""Records that letters are written about, in a home of their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from entries import a_person
from homes import Home
from sqlalchemy import select

from gongshi.court import Court
from registry.letters import LetterKind, confirm_letter, draft_letter, get_letter, read_letter
from registry.letters.kinds import Letter
from registry.matters import (
    Arrival,
    Channel,
    Claim,
    Content,
    Given,
    MatterKind,
    Remedy,
    Step,
    register_matter,
    take_step,
)
from registry.tables import LetterRow, MatterRow, RecordRow

RESTRICTED = {"disclosure": "restricted", "restricted_ground": "privacy"}
NOTICE = {"addressee": "测试市样例局", "relation": "restricted"}
DECISION = {
    "addressee": "乙申请",
    "received_on": "2026-11-02",
    "claim": "请求删除失信信息。",
    "outcome": "rejected",
    "reasons": "经查，义务尚未履行。",
}


@dataclass
class Office:
    """A court at work in a home."""

    home: Home
    court: Court

    def record(self, serial: int = 1) -> int:
        """The row of the record whose case has this number."""
        with self.court.reading() as session:
            case = a_person(serial)["case_number"]
            rows = session.scalars(select(RecordRow))
            return next(row.id for row in rows if row.facts["case_number"] == case)

    def number(self, serial: int = 1) -> str:
        with self.court.reading() as session:
            number = session.get_one(RecordRow, self.record(serial)).number
        assert number is not None
        return number

    def draft(self, kind: LetterKind, content: dict[str, str], serial: int | None = 1, actor: str = "clerk") -> int:
        """A letter about the record of `serial`, in an objection that was decided so where it is about one; its row."""
        number = None
        if kind in (LetterKind.OBJECTION_DECISION, LetterKind.OBJECTION_NOTICE):
            number = self.objection(serial, Remedy.WITHDRAW if content.get("outcome") == "upheld" else None)
        with self.court.session() as session:
            matter = session.get_one(MatterRow, number) if number is not None else None
            record = session.get_one(RecordRow, self.record(serial)) if serial is not None else None
            given = {"acting": self.court.acting(actor), "record": record, "matter": matter}
            return draft_letter(session, self.court.vault, kind=kind, content=content, **given).id

    def objection(self, serial: int | None = 1, remedy: Remedy | None = None) -> int:
        """An objection about the record of `serial`, refused by `second` or found right; its row."""
        with self.court.session() as session:
            vault, second = self.court.vault, self.court.acting("second")
            arrival = Arrival(
                kind=MatterKind.OBJECTION,
                channel=Channel.PAPER,
                received_on=date.fromisoformat(DECISION["received_on"]),
                content=Content(words="请求删除"),
                record=session.get_one(RecordRow, self.record(serial)) if serial is not None else None,
                ground=Claim.PERFORMED,
            )
            row = register_matter(session, vault, arrival, self.court.acting("clerk"))
            take_step(session, vault, row, Step.REVIEW, second)
            basis = "（2026）测0101执异1号决定书" if remedy else ""
            fields = ("region",) if remedy is Remedy.CORRECT else ()
            given = Given(words="查明", basis=basis, remedy=remedy, fields=fields)
            take_step(session, vault, row, Step.UPHOLD if remedy else Step.REJECT, second, given)
            return row.id

    def write(self, matter: int, content: dict[str, str] | None = None, actor: str = "clerk", serial: int = 1) -> int:
        """A decision in a matter; its row."""
        with self.court.session() as session:
            made = draft_letter(
                session,
                self.court.vault,
                kind=LetterKind.OBJECTION_DECISION,
                content=DECISION if content is None else content,
                acting=self.court.acting(actor),
                record=session.get_one(RecordRow, self.record(serial)),
                matter=session.get_one(MatterRow, matter),
            )
            return made.id

    def confirm(self, letter: int, actor: str = "reviewer") -> None:
        with self.court.session() as session:
            confirm_letter(session, self.court.vault, get_letter(session, letter, lock=True), self.court.acting(actor))

    def act(self, letter: int, do: Any, actor: str = "clerk", **values: Any) -> None:
        """Something of the letter book that is done with one letter."""
        with self.court.session() as session:
            do(session, get_letter(session, letter, lock=True), acting=self.court.acting(actor), **values)

    def read(self, letter: int) -> Letter:
        with self.court.reading() as session:
            return read_letter(session.get_one(LetterRow, letter), self.court.vault)

    def remove(self, serial: int = 1, ground: str = "performed") -> None:
        today = str(date(2026, 11, 18))
        command = ["withdraw"] if ground == "wrongly_listed" else ["remove"]
        basis = "（2025）测0101执1号结案通知书"
        more = ["--arose", today, "--known", today, "--as", "reviewer"]
        said = self.home.run(*command, a_person(serial)["case_number"], "--ground", ground, "--basis", basis, *more)
        assert said.code == 0, said.out + said.err

"""A court whose list holds one of every case that comparing meets, and units that may know more or less of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entries import a_person, an_organisation, citizen_number, with_term
from flask import Flask
from homes import Home
from sqlalchemy import select
from unit_machine import Machine, add_key
from unit_world import BASIS, add_unit, import_measures

from gongshi.court import Court
from registry.matters import register_matter
from registry.matters.checking import Arrival
from registry.matters.content import Content
from registry.matters.states import Channel, Claim, MatterKind
from registry.tables import RecordRow, UnitRow
from registry.units.ledger import note_release
from search_index.day import SHANGHAI

START = datetime(2026, 10, 8, 9, tzinfo=SHANGHAI)
WHO = {"purpose": "住房保障资格审核", "operator": "𠮷工号0017"}
MASKED = f"{citizen_number(3)[:10]}****{citizen_number(3)[-4:]}"
SLUGS = ("housing", "tax", "discipline")
SECRETS = (citizen_number(1), citizen_number(3), "990101198001", "秘密单位", "秘密路", "1390000", "乙申请", "内部备注")


def furnish(home: Home) -> dict[str, str]:
    """The list and the units with a key each; the keys."""
    home.clock.moment = START
    add_unit(home, "housing", "--push", "--releases", name="住房局")
    add_unit(home, "tax", "--push", name="税务局")
    add_unit(home, "discipline", "--restricted", "--releases", name="纪检")
    home.ask("unit", "decide", "discipline", "--agree", "--as", "second")
    import_measures(home, "M-1,限制购置不动产,housing")
    home.publish(
        a_person(1, name="甲测试"),
        a_person(2, name="甲测试"),
        a_person(3, name="乙测试", id_number=MASKED, birth_date="1980-01-02"),
        a_person(4, name="约翰", id_number="E12345678", birth_date="1980-01-02", latin_name="John Test"),
        an_organisation(5),
        a_person(6, name="戊测试", disclosure="restricted", restricted_ground="privacy"),
        a_person(7, name="己测试"),
        with_term(a_person(9, name="辛测试"), "2026-10-20"),
        a_person(10, name="壬测试"),
        a_person(11, name="扎西·次仁"),
    )
    home.ask("import", home.write("draft.jsonl", [a_person(8, name="庚测试")]), "--as", "clerk")
    home.ask("hold", case(7), "--basis", BASIS, "--as", "reviewer")
    return {slug: add_key(home, slug, f"{slug}-key", "--scope", "compare") for slug in SLUGS}


def case(serial: int) -> str:
    """The case number of an entry of `a_person`."""
    return f"（2025）测0101执{serial}号"


@dataclass
class Town:
    """The court, and a machine of each unit."""

    home: Home
    court: Court
    app: Flask
    keys: dict[str, str]

    def machine(self, slug: str = "housing") -> Machine:
        return Machine(self.app, self.keys[slug])

    def ask(self, *persons: dict[str, Any], slug: str = "housing", **more: Any) -> Any:
        """The answer to a call."""
        return self.machine(slug).good(self.machine(slug).post("/compare", {**WHO, "persons": list(persons), **more}))

    def one(self, slug: str = "housing", **person: Any) -> Any:
        """What one row came to."""
        (result,) = self.ask(person, slug=slug)["results"]
        return result

    def number(self, serial: int) -> str:
        """The public number of an entry."""
        with self.court.reading() as session:
            query = select(RecordRow.number, RecordRow.facts)
            return next(number for number, facts in session.execute(query) if facts["case_number"] == case(serial))

    def object(self, serial: int) -> None:
        """An objection that suspends measures."""
        with self.court.session() as session:
            record = session.scalars(select(RecordRow).where(RecordRow.number == self.number(serial))).one()
            arrival = Arrival(
                kind=MatterKind.OBJECTION,
                channel=Channel.PAPER,
                received_on=self.court.today,
                content=Content(words="已经履行"),
                record=record,
                ground=Claim.PERFORMED,
            )
            register_matter(session, self.court.vault, arrival, self.court.acting("clerk"))

    def withdraw(self, serial: int) -> str:
        """Take an entry off the list; its number."""
        number = self.number(serial)
        basis = "（2026）测0101执监1号"
        self.home.ask("withdraw", number, "--ground", "wrongly_listed", "--basis", basis, "--as", "reviewer")
        with self.court.session() as session:
            note_release(session, number, self.court.acting("reviewer"))
        return number

    def retire(self, slug: str) -> None:
        with self.court.session() as session:
            session.scalars(select(UnitRow).where(UnitRow.slug == slug)).one().active = False

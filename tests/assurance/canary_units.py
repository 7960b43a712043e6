"""What the units of the court of the canaries may be told by their machines, and everything that they ask."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any
from urllib.parse import quote

from canary import Canaries, Watch
from canary_court import CanaryCourt
from canary_opened import ask_unit
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import Workbook
from sqlalchemy import select
from werkzeug.test import TestResponse

from gongshi.synthetic import build_citizen_number
from registry.desk.sessions import UNITS as REALM
from registry.desk.sessions import start_session
from registry.tables import UnitAccountRow
from registry.units.compare_sheets import COLUMNS

WHO = {"purpose": "资格审核", "operator": "工号0017"}


@dataclass
class Applicants:
    """People whom units ask about and whom no list holds: their names and numbers are to be kept nowhere."""

    make: Canaries
    asked: Watch = field(default_factory=Watch)

    def person(self) -> dict[str, str]:
        name = self.asked.add(self.make.rare(), "name of an applicant")
        # Of another area than the court's canaries, which share the years of birth with these.
        random = self.make.random
        number = build_citizen_number("990277", date(random.randrange(1960, 1990), 5, 6), random.randrange(1000))
        return {"name": name, "id_number": self.asked.add(number, "number of an applicant")}

    def company(self) -> dict[str, str]:
        name = self.asked.add(f"{self.make.rare()}有限公司", "name of a company that applies")
        return {"name": name, "uscc": self.asked.add(self.make.uscc(), "code of a company that applies")}

    def wrong(self) -> dict[str, str]:
        person = self.person()
        number = person["id_number"]
        spoilt = number[:-1] + ("0" if number[-1] != "0" else "1")
        return {**person, "id_number": self.asked.add(spoilt, "number that is wrong")}

    def masked(self) -> dict[str, str]:
        person = self.person()
        return {**person, "id_number": f"{person['id_number'][:10]}****{person['id_number'][-4:]}"}


@dataclass(frozen=True)
class Told:
    """A question of a unit's machine, and what came back."""

    unit: str
    route: str
    method: str
    answer: TestResponse

    @property
    def bytes(self) -> bytes:
        return f"{self.answer.status}\n{self.answer.headers}".encode() + self.answer.data


def list_everyone(court: CanaryCourt) -> list[dict[str, Any]]:
    """One of every fate, by the whole number, by the masked one and by the name alone."""
    persons = []
    for entries in court.entries.values():
        entry = entries[0]
        if entry.get("uscc"):
            persons.append({"name": entry["name"], "uscc": entry["uscc"]})
        elif entry["id_number"]:
            number = entry["id_number"]
            persons += [
                {"name": entry["name"], "id_number": one} for one in (number, f"{number[:10]}****{number[-4:]}")
            ]
        persons.append({"name": entry["name"]})
    return persons


def ask_as(court: CanaryCourt, app: Flask, unit: str, applicants: Applicants) -> Iterator[Told]:
    """Everything that a machine of a unit may ask, as it should and as it should not."""
    key = court.keys[unit]
    number = applicants.person()["id_number"]
    some = [applicants.person(), applicants.company(), applicants.wrong(), applicants.masked(), {"name": 1}]

    def ask(route: str, method: str, path: str, **more: Any) -> Told:
        return Told(unit, route, method, ask_unit(app, key, method, path, **more))

    everyone = list_everyone(court)
    for persons in (everyone, some, [{**one, "ref": "1", "application": "A"} for one in some]):
        yield ask("compare", "POST", "/compare", json={**WHO, "persons": persons})
    for body in (
        {**WHO, "purpose": number, "persons": some[:1]},
        {**WHO, "operator": number, "persons": some[:1]},
        {**WHO, "reference": number, "persons": some[:1]},
        {**WHO, number: 1, "persons": some[:1]},
        {**WHO, "persons": [{**some[0], number: number}]},
        {**WHO, "persons": number},
        [number],
    ):
        yield ask("compare", "POST", "/compare", json=body)
    yield ask("compare", "POST", "/compare", data=f'{{"persons": "{number}', content_type="application/json")
    yield ask("changes", "GET", "/changes?since=0&limit=1000")
    head = ask_unit(app, court.keys["pushed"], "GET", "/changes?since=0").json["meta"]["head"]  # type: ignore[index]
    for path in (
        f"/changes?since={head}",
        "/changes?since=2000000000",
        f"/changes?since={number}",
        f"/changes?{number}",
    ):
        yield ask("changes", "GET", path)
    for name in ("X-Purpose", "X-Operator", "X-Reference"):
        yield ask("changes", "GET", "/changes?since=0", headers={name: quote(number)})
    yield ask("snapshot", "GET", "/snapshot")
    for records in list(court.records.values())[::3]:
        yield ask("entries", "GET", f"/entries/{records[0]}")
    for record in ("SX-00000000", number, quote(applicants.person()["name"])):
        yield ask("entries", "GET", f"/entries/{record}")
    gone = [some[0] for fate, some in court.records.items() if fate in ("withdrawn", "removed", "recalled")]
    for body in (
        {"sequence": head},
        {"sequence": head, "released": gone},
        {"sequence": number},
        {"released": [number]},
    ):
        yield ask("acks", "POST", "/acks", json=body)
    quarter = {"quarter": "2026Q3", "measures": {}, "remarks": "", "submit": False, **WHO}
    for body in (quarter, {**quarter, "quarter": number}, {**quarter, "remarks": f"某人{number}"}):
        yield ask("feedback", "POST", "/feedback", json=body)
    for path in ("/ledger", "/ledger?kind=hit", f"/ledger?kind={number}", "/ledger?page=2"):
        yield ask("ledger", "GET", path)
    yield ask("openapi.json", "GET", "/openapi.json")
    yield ask("none", "GET", f"/{number}")


def build_sheet(*rows: dict[str, str]) -> bytes:
    """An XLSX of applicants as a unit's people fill it in."""
    book, out = Workbook(), io.BytesIO()
    sheet = book.worksheets[0]
    sheet.append(list(COLUMNS))
    fields = list(COLUMNS.values())
    for row in rows:
        known = {**row, "number": row.get("id_number") or row.get("uscc", "")}
        sheet.append([known.get(field, "") for field in fields])
    book.save(out)
    return out.getvalue()


def sit(court: CanaryCourt, app: Flask, unit: str) -> FlaskClient:
    """A browser in which somebody of a unit has signed in with a password of their own."""
    opened, client = court.home.court, app.test_client()
    with opened.session() as session:
        row = session.scalars(select(UnitAccountRow).where(UnitAccountRow.name == f"{unit}-clerk")).one()
        row.expires_at = None
        cookie = start_session(
            session, realm=REALM, account=row.name, second_factor=False, now=opened.now, random=Random(unit)
        )
    opened.close()
    client.set_cookie("gongshi_units", cookie)
    return client


def send_form(client: FlaskClient, page: str, action: str, **fields: Any) -> TestResponse:
    """Fill in a form of a page and send it."""
    start = f'action="{re.escape(action)}"[^>]*>\\s*<input type="hidden" name="token" value="([^"]*)"'
    token = re.search(start, client.get(page).text)
    assert token is not None, (page, action)
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    return client.post(action, data={**fields, "token": token[1]}, headers=headers, buffered=True)

"""What comes in with a file is shown as text wherever it stands, and addresses and forms lead nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO

import html5lib
import pytest
from desk_records import await_jobs, bring_in, find_id
from entries import a_person, an_organisation
from homes import Home
from seats import Seat, find_token
from sqlalchemy import select

from gongshi.court import Court
from registry.tables import RecordRow

Client = Callable[[str], Seat]
MARK = "<script>alert(1)</script>"
BROKEN = "\"'><img src=x onerror=alert(1)>"


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what these pages rest on is tested on both databases where it lives."""
    return {}


def scripts(page: str) -> list[str]:
    """Elements that could run something, and attributes that would."""
    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    found = []
    for element in tree.iter():
        if element.tag in ("script", "iframe", "object", "embed") or (
            element.tag == "img" and element.get("src") == "x"
        ):
            found.append(str(element.tag))
        found += [name for name in element if str(name).startswith("on")]
        found += [value for name, value in element.items() if str(value).lower().startswith("javascript:")]
    return found


def hostile(serial: int) -> dict[str, object]:
    text = f"{MARK}{BROKEN}"
    return an_organisation(
        serial,
        name=f"测试{BROKEN}公司",
        court=f"测试{MARK}法院",
        region=text[:30],
        legal_representative=MARK,
        basis_number=text,
        basis_issuer=text,
        obligation=f"支付货款{text}",
        performance="部分未履行",
        performed_part=text,
        unperformed_part=text,
        decision_number=text,
        national_reference=text,
        employer=text,
        address=text,
        applicant={"name": text[:60], "phone": "13800000001"},
        note=text,
    )


def test_no_field_of_a_file_runs_on_any_page(home: Home, court: Court, desk_client: Client) -> None:
    bring_in(home, hostile(1), {**hostile(2), "decision_number": None})
    bring_in(home, {**hostile(1), "note": f"{BROKEN} again"}, name="second.jsonl")
    seat = desk_client("reviewer")
    with court.reading() as session:
        records = list(session.scalars(select(RecordRow.id)))
    pages = [
        "/work", "/work/approving", "/work/completing", "/work/completing/table", "/work/proposals", "/proposals/1",
        "/import", "/batches/1", "/batches/2",
    ]  # fmt: skip
    for record in records:
        pages += [f"/records/{record}{part}" for part in ("", "/findings", "/correct", "/approve", "/hold", "/attach")]
    seen = 0
    for page in pages:
        text = seat.read(page)
        assert scripts(text) == [], page
        assert MARK not in text
        seen += "alert(1)" in text
    assert seen > len(pages) // 2
    answer = seat.submit("/work", "/work/search", q=f"测试{BROKEN}公司")
    assert scripts(answer.text) == []


@pytest.mark.long
def test_no_field_of_a_refused_row_runs(home: Home, court: Court, desk_client: Client) -> None:
    seat = desk_client("clerk")
    bad = {**hostile(1), "performance": MARK, BROKEN: "unknown"}
    file = (
        BytesIO((json.dumps(bad, ensure_ascii=False) + "\n" + MARK + "\n").encode()),
        "<img src=x onerror=alert(1)>.jsonl",
    )
    answer = seat.submit("/import", "/import", file=file)
    await_jobs()
    page = answer.headers["Location"].partition("?")[0]
    for address in (page, f"{page}/rows"):
        text = seat.read(address)
        assert scripts(text) == []
        assert MARK not in text
    assert "alert(1)" in seat.read(f"{page}/rows")


@pytest.mark.long
def test_what_was_typed_and_refused_is_shown_as_text(home: Home, court: Court, desk_client: Client) -> None:
    bring_in(home, a_person(1))
    record, seat = find_id(court), desk_client("reviewer")
    page = f"/records/{record}/hold"
    with_form = seat.read(f"/records/{record}/ground")
    address = f"/records/{record}/ground"
    answer = seat.post(
        address, token=find_token(with_form, address), ground=MARK, basis=BROKEN, arose_on=MARK, known_on="2026-11-18"
    )
    assert answer.status_code == 400
    assert scripts(answer.text) == []
    assert "onerror" in answer.text
    assert seat.ask(f"{page}?done={MARK}").status_code == 200


def test_forms_of_others_change_nothing(home: Home, court: Court, desk_client: Client) -> None:
    home.publish(a_person(1))
    record = find_id(court)
    seat, other = desk_client("reviewer"), desk_client("second")
    page = f"/records/{record}/hold"
    form = {"basis": "（2026）测0101执异1号", "arose_on": "2026-11-17", "known_on": "2026-11-18"}
    # Another session's form, another address's form, and one that was sent already.
    assert other.post(page, token=find_token(seat.read(page), page), **form).status_code == 403
    withdraw = f"/records/{record}/withdraw"
    assert seat.post(page, token=find_token(seat.read(withdraw), withdraw), **form).status_code == 403
    token = find_token(seat.read(page), page)
    assert seat.post(page, token=token, **form).status_code == 303
    assert seat.post(page, token=token, **form).status_code == 409

"""What of a restricted record only those see who have to do with it (法释〔2017〕7号 art. 6 item 6)."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from desk_records import find_id, hire
from entries import a_person
from homes import Home
from seats import Seat
from sqlalchemy import select
from submissions import PDF

from gongshi.court import Court
from registry.letters import draft_letter
from registry.letters.kinds import LetterKind
from registry.staff import Role
from registry.tables import MatterRow, PaperRow, RecordRow


@pytest.fixture
def databases() -> dict[str, str]:
    """Pages rest on what is tested on both kinds."""
    return {}


@pytest.mark.long
def test_papers_and_notices_that_state_the_ground_are_for_those_who_have_to_do_with_it(
    home: Home, court: Court, desk_client: Callable[[str], Seat]
) -> None:
    home.publish(a_person(1, disclosure="restricted", restricted_ground="trade_secret"))
    record = find_id(court, 1)
    attached = desk_client("reviewer").submit(
        f"/records/{record}/attach",
        f"/records/{record}/attach",
        kind="basis",
        file=(io.BytesIO(PDF), "定密文件.pdf"),
    )
    assert attached.status_code == 303
    with court.session() as session:
        paper = session.scalars(select(PaperRow.id)).one()
        letter = draft_letter(
            session,
            court.vault,
            kind=LetterKind.SEALED_NOTICE,
            content={"addressee": "测试市某研究所", "relation": "restricted"},
            acting=court.acting("reviewer"),
            record=session.get_one(RecordRow, record),
        ).id
    hire(court, "stranger", Role.CLERK)
    stranger = desk_client("stranger")
    assert "定密文件" not in stranger.ask(f"/records/{record}").text
    for page in (f"/papers/{paper}", f"/letters/{letter}", f"/letters/{letter}.pdf", f"/letters/{letter}.docx"):
        answer = stranger.ask(page)
        assert answer.status_code in (403, 404)
        assert "测试市某研究所" not in answer.text
    for who in ("clerk", "reviewer", "second", "auditor"):
        seat = desk_client(who)
        assert "定密文件" in seat.ask(f"/records/{record}").text
        assert seat.ask(f"/papers/{paper}").data == PDF
        assert "测试市某研究所" in seat.ask(f"/letters/{letter}").text


def test_the_basis_of_a_ground_is_for_them_too(home: Home, court: Court, desk_client: Callable[[str], Seat]) -> None:
    home.publish(a_person(1, disclosure="restricted", restricted_ground="state_secret"))
    case = a_person(1)["case_number"]
    home.ask("ground", "add", case, "--ground", "performed", "--basis", "某局第七号函", "--as", "reviewer")
    with court.reading() as session:
        matter = session.scalars(select(MatterRow.id)).one()
    hire(court, "stranger", Role.CLERK)
    stranger = desk_client("stranger")
    pages = ("/", "/work/due", "/work/departures", "/matters", f"/matters/{matter}", f"/records/{find_id(court, 1)}")
    for page in pages:
        assert "某局第七号函" not in stranger.ask(page).text, page
    assert stranger.ask(f"/matters/{matter}").status_code == 403
    assert "某局第七号函" in desk_client("second").ask(f"/matters/{matter}").text

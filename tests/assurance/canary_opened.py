"""What the court of the canaries opens to others: the list in bulk, lists of other courts, units with their machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from canary import ADMIN, CLERK, REVIEWER, SECOND
from flask import Flask
from werkzeug.test import TestResponse

from gongshi.units import create_units
from portal.app import create_app
from registry.readers import get_row, tell
from registry.units.keys import Scope

if TYPE_CHECKING:
    from canary_court import CanaryCourt

BASIS = "实施办法第九条"
COURT, OTHER = "源测市中级人民法院", "北测市中级人民法院"
READERS = ("good", "late", "revoked")
UNITS: dict[str, tuple[str, ...]] = {
    "pushed": ("--push", "--releases"),
    "released": ("--releases",),
    "entitled": ("--restricted", "--releases"),
    "leading": ("--leading",),
    "bare": (),
}
"""Units by what they receive."""


def open_to_others(court: CanaryCourt) -> None:
    """Before anything departs: who may read in bulk, and which units are told of what."""
    for name in READERS:
        who = court.hide(court.canaries.rare(), f"reader {name}: who it is")
        contact = court.hide(court.canaries.phone(), f"reader {name}: contact")
        given = court.do("reader", "add", "--name", who, "--contact", contact, "--purpose", "核对商户", "--as", ADMIN)
        court.keys[name], court.watermarks[name] = court.give(given["key"]), given["watermark"]
    court.do("reader", "revoke", court.watermarks["revoked"], "--as", REVIEWER)
    court.do("reader", "terms")
    for slug, receives in UNITS.items():
        basis = ("--basis", BASIS) if receives else ()
        court.do("unit", "add", slug, "--name", f"测试市{slug}局", *receives, *basis, "--as", REVIEWER)
    court.do("unit", "decide", "entitled", "--agree", "--as", SECOND)
    for slug in UNITS:
        key = court.do("unit", "key", "add", slug, f"{slug}-all", "--as", REVIEWER)["secret"]
        court.keys[slug] = court.give(key)
        court.do("unit", "account", slug, f"{slug}-clerk", "--as", REVIEWER)
    for scope in Scope:
        key = court.do("unit", "key", "add", "pushed", f"only-{scope.value}", "--scope", scope, "--as", REVIEWER)[
            "secret"
        ]
        court.keys[f"only-{scope.value}"] = court.give(key)
    ended = court.do("unit", "key", "add", "bare", "ended", "--as", REVIEWER)["secret"]
    court.keys["ended"] = court.give(ended)
    court.do("unit", "key", "end", "bare", "ended", "--as", REVIEWER)


def find_secrets(told: Any) -> list[str]:
    """What a command shows once."""
    return [value for key, value in told.items() if key in ("secret", "token") and value]


def take_over(court: CanaryCourt) -> None:
    """Entries of other courts' lists: public, waiting, gone with their list, and of a list that was ended."""
    for slug in ("higher", "over"):
        name = COURT if slug == "higher" else OTHER
        court.do("source", "add", slug, "--court", name, "--basis", BASIS, "--as", REVIEWER)
    shown = [court.person("of another court", public=True, court=COURT) for _ in range(court.each)]
    dropped = [court.person("dropped by another court", public=True, court=COURT)]
    ended = [court.person("of an ended list", public=True, court=OTHER)]
    for slug, entries in (("higher", [*shown, *dropped]), ("over", ended)):
        done = court.do("source", "import", slug, court.lines(*entries), "--full", "--as", CLERK)
        court.do("findings", done["batch"], "--as", REVIEWER)
        court.do("approve", done["batch"], "--confirm", "redactions", "--confirm", "art3", "--as", REVIEWER)
    court.do("publish")
    for fate in ("of another court", "dropped by another court", "of an ended list"):
        court.numbers_of(fate)
    waiting = [court.person("of another court, unapproved", court=COURT)]
    full = ("--full", "--force", "--as", CLERK)
    court.run("source", "import", "higher", court.lines(*shown, *waiting), *full)
    court.do("source", "end", "over", "--basis", BASIS, "--as", REVIEWER)
    court.do("source", "list")
    court.run("source", "list")
    for fate in ("dropped by another court", "of an ended list"):
        court.depart(fate, court.secret)


def use_what_is_open(court: CanaryCourt) -> None:
    """After everything departed: one reader has confirmed it, one has not and is suspended."""
    portal = create_app(court.home.public_settings, court.home.clock)
    client = portal.test_client()
    head = client.get("/readyz").json["sequence"]  # type: ignore[index]
    answer = client.post("/api/v1/acks", json={"sequence": head}, headers=bearer(court.keys["good"]))
    assert answer.status_code == 202, answer.text
    secret = court.do("recipient", "add", "machines", "--name", "测试平台", "--kind", "e_government",
                      "--channel", "webhook", "--address", "http://127.0.0.1:9/events", "--as", ADMIN)  # fmt: skip
    for value in find_secrets(secret):
        court.give(value)
    court.do("unit", "change", "pushed", "--recipient", "machines", "--as", REVIEWER)
    # Of this one, the unit's own system is told.
    court.take_in(
        court.lines(court.person("last to leave", public=True)), "--confirm", "art3", "--confirm", "redactions"
    )
    court.do("publish")
    (record,) = court.numbers_of("last to leave")
    court.do("withdraw", record, "--ground", "wrongly_listed", *court.reason(), "--as", REVIEWER)
    court.depart("last to leave", court.secret)
    answer = client.post("/api/v1/acks", json={"sequence": head + 2}, headers=bearer(court.keys["good"]))
    assert answer.status_code == 202, answer.text
    portal.close()
    court.run("worker", "--once")
    opened = court.home.court
    with opened.session() as session:
        row = get_row(session, court.watermarks["late"], lock=True)
        row.suspended_at = opened.now
        tell(session, row, opened.now)
    opened.pump.feed()
    opened.close()
    court.do("reader", "list", "--as", ADMIN)
    court.run("reader", "list")
    court.give(court.do("unit", "key", "renew", "bare", "bare-all", "--as", REVIEWER)["secret"])
    court.do("unit", "key", "list", "bare")


def fail_to_open(court: CanaryCourt, number: str, phone: str) -> None:
    """The same commands with private values where something else belongs."""
    by = ("--as", REVIEWER)
    court.fail("reader", "add", "--name", "甲", "--contact", "乙", "--purpose", f"核对{number}", *by)
    court.fail("reader", "add", "--name", "甲", "--contact", "乙", "--purpose", "核对", "--as", number)
    court.fail("reader", "revoke", number, *by)
    court.fail("reader", "renew", phone, *by)
    court.fail("source", "add", number, "--court", "甲法院", "--basis", "x", *by)
    court.fail("source", "add", "none", "--court", "甲法院", "--basis", f"本人{number}", *by)
    court.fail("source", "import", number, court.files / number, "--as", CLERK)
    court.fail("source", "end", phone, "--basis", number, *by)
    court.fail("unit", "key", "add", "bare", number, *by)
    court.fail("unit", "key", "add", "bare", "k9", "--from", number, *by)
    court.fail("unit", "key", "add", "bare", "k9", "--scope", phone, *by)
    court.fail("unit", "key", "renew", number, phone, *by)
    court.fail("unit", "key", "end", "bare", number, *by)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


# The units' process --------------------------------------------------------------------------------------------------


def open_units(court: CanaryCourt) -> Flask:
    """The application of `serve units`."""
    return create_units(court.home.court)


def ask_unit(app: Flask, key: str, method: str, path: str, **more: Any) -> TestResponse:
    headers = {**bearer(key), **more.pop("headers", {})}
    return app.test_client(use_cookies=False).open(
        f"/units/v1{path}", method=method, headers=headers, buffered=True, **more
    )

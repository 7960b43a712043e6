"""Units of a home, and their people at their pages."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Flask
from flask.testing import FlaskClient
from homes import Home
from werkzeug.test import TestResponse

from gongshi.court import Court
from gongshi.units import create_units
from registry.units.accounts import change_password

OURS = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
BASIS = "联合惩戒实施意见第三条"
_TOKEN = re.compile(r'<form method="post" action="([^"]*)"[^>]*>\s*<input type="hidden" name="token" value="([^"]*)"')
_TAG = re.compile(r"<[^>]+>")


@dataclass
class Seat:
    """Somebody at the pages of the units."""

    client: FlaskClient

    def get(self, address: str) -> TestResponse:
        return self.client.get(address)

    def page(self, address: str) -> str:
        found = self.get(address)
        assert found.status_code == 200, found.status
        return found.text

    def words(self, address: str) -> str:
        """What a page says."""
        return " ".join(html.unescape(_TAG.sub(" ", self.page(address))).split())

    def tokens(self, address: str) -> dict[str, str]:
        """The tokens of the forms of a page, by where they are sent."""
        return dict(_TOKEN.findall(self.page(address)))

    def post(self, action: str, fields: Mapping[str, str], headers: Mapping[str, str] = OURS) -> TestResponse:
        return self.client.post(action, data=dict(fields), headers=dict(headers))

    def send(self, page: str, action: str, **fields: str) -> TestResponse:
        """Fill in a form of a page and send it."""
        return self.post(action, {**fields, "token": self.tokens(page)[action]})

    def done(self, page: str, action: str, **fields: str) -> str:
        """What the next page says after a form that must be carried out."""
        answer = self.send(page, action, **fields)
        assert answer.status_code == 303, answer.text
        return self.words(answer.headers["Location"])

    def refused(self, page: str, action: str, **fields: str) -> str:
        """What the page says of a form that must be refused."""
        answer = self.send(page, action, **fields)
        assert answer.status_code == 400, answer.status
        return " ".join(html.unescape(_TAG.sub(" ", answer.text)).split())

    def sign_in(self, name: str, secret: str) -> TestResponse:
        return self.send("/signin", "/signin", name=name, secret=secret)


def open_units(home: Home) -> Flask:
    """The application of `serve units`."""
    return create_units(home.court)


def take_seat(app: Flask, name: str = "", secret: str = "") -> Seat:
    """A browser of its own, signed in where a secret is given."""
    seat = Seat(app.test_client())
    if secret:
        answer = seat.sign_in(name, secret)
        assert answer.status_code == 303, answer.text
    return seat


def add_unit(home: Home, slug: str, *options: str, name: str | None = None) -> None:
    """A unit that receives what `options` say."""
    wanted = [*options, "--basis", BASIS] if options else []
    home.ask("unit", "add", slug, "--name", name or f"{slug}单位", *wanted, "--as", "reviewer")


def add_account(home: Home, slug: str, name: str) -> str:
    """An account whose owner has put a password of their own in the place of the first; that password."""
    first, own = add_first_account(home, slug, name), f"own-password-{name}"
    court = home.court
    change_password(court.session, name, first, own, make_acting=lambda: court.acting(f"unit:{name}"))
    court.close()
    return own


def add_first_account(home: Home, slug: str, name: str) -> str:
    """An account that nobody has used; its first password."""
    secret: str = home.ask("unit", "account", slug, name, "--as", "reviewer")["secret"]
    return secret


def import_measures(home: Home, *lines: str) -> None:
    """Measures, each as `code,text,unit`."""
    path = home.folder.parent / "measures.csv"
    rows = "".join(f"{line},{BASIS}\n" for line in lines)
    path.write_text(f"代码,措施,责任单位,依据\n{rows}", encoding="utf-8")
    home.ask("unit", "measure", "import", path, "--as", "reviewer")


def published(court: Court) -> list[str]:
    """The public numbers of what is on the list."""
    with court.store.snapshot(court.now) as snapshot:
        return sorted(document.record for document in snapshot.all())

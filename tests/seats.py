"""Somebody who sits at the desk, and fills in forms as a browser does."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

import html5lib
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASSWORD = "a-long-password"
PLACE = {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}
HOST = "http://127.0.0.1"


@dataclass
class Seat:
    """A browser in which somebody sits at the desk."""

    client: FlaskClient

    def ask(self, address: str) -> TestResponse:
        """What an address answers."""
        answer = self.client.get(address, base_url=HOST)
        if answer.mimetype == "text/html" and answer.status_code == 200:
            html5lib.HTMLParser(strict=True).parse(answer.text)
        return answer

    def read(self, address: str) -> str:
        """The page of an address, which must be shown."""
        answer = self.ask(address)
        assert answer.status_code == 200, f"{address}: {answer.status_code} {answer.text}"
        return answer.text

    def words(self, address: str) -> str:
        """What stands on a page, without markup."""
        return plain(self.read(address))

    def submit(self, page: str, action: str, **fields: object) -> TestResponse:
        """Fill in the form on `page` that is sent to `action`. A value may be a file: (stream, name)."""
        return self.post(action, token=find_token(self.read(page), action), **fields)

    def post(self, action: str, **fields: object) -> TestResponse:
        """Send a form as it is."""
        multipart = any(isinstance(value, tuple) for value in fields.values())
        kind = {"content_type": "multipart/form-data"} if multipart else {}
        return self.client.post(action, data=fields, headers=PLACE, base_url=HOST, **kind)  # type: ignore[arg-type]

    def done(self, page: str, action: str, **fields: object) -> str:
        """Fill in a form that must be carried out; the words of the page that it leads to."""
        answer = self.submit(page, action, **fields)
        assert answer.status_code == 303, plain(answer.text)
        return self.words(answer.headers["Location"])

    def refused(self, page: str, action: str, **fields: object) -> str:
        """Fill in a form that must be refused; the words of the page that says why."""
        answer = self.submit(page, action, **fields)
        assert 400 <= answer.status_code < 500, answer.status_code
        return plain(answer.text)

    def sign_in(self, name: str, password: str = PASSWORD, code: str = "") -> TestResponse:
        return self.submit("/signin", "/signin", name=name, password=password, code=code)


def find_token(page: str, action: str) -> str:
    """The token of the form on `page` that is sent to `action`."""
    found = re.search(
        rf'action="{re.escape(html.escape(action))}"[^>]*>\s*<input type="hidden" name="token" value="([^"]+)"', page
    )
    assert found is not None, f"no form for {action}"
    return found[1]


def plain(page: str) -> str:
    """The words of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())

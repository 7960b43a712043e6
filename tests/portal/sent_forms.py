"""Filled-in forms and files to send along, as a browser sends them. All invented."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

from flask.testing import FlaskClient
from portal_world import World
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
JPG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"\x00" * 40 + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x10\x00\x00\x00\x10\x08\x02\x00\x00\x00" + b"\x00" * 20
OBJECTION = {
    "claim": "performed",
    "reference": "（2026）测9901执12号",
    "words": "已于二〇二六年七月二日付清。\n请求删除。",
    "role": "self",
    "who": "扎西·测试",
    "phone": "000-00000000",
    "address": "测试市样例路 9 号",
    "email": "someone@example.invalid",
}
COMPLAINT = {"about": "still_punished", "unit": "测试市某某局", "words": "退出以后仍然限制。"}

File = tuple[str, bytes, str]


def a_document(**parts: bytes) -> bytes:
    """A DOCX as far as its parts go; `parts` are added to it."""
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b"<Types/>")
        archive.writestr("word/document.xml", b"<w:document/>")
        for name, data in parts.items():
            archive.writestr(name.replace("__", "/"), data)
    return content.getvalue()


def open_form(client: FlaskClient, path: str) -> str:
    """The token of a form that is opened."""
    return token_in(client.get(path).text)


def token_in(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found, page
    return found[1]


def send(
    client: FlaskClient,
    world: World,
    path: str,
    fields: Mapping[str, str],
    files: Sequence[File] = (),
    wait: float = 30,
) -> TestResponse:
    """Open the form, take some time to fill it in, and send it."""
    token = open_form(client, path)
    world.now += timedelta(seconds=wait)
    return post(client, path, {"token": token, "homepage": "", **fields}, files)


def post(client: FlaskClient, path: str, fields: Mapping[str, str], files: Sequence[File] = ()) -> TestResponse:
    papers = [FileStorage(BytesIO(content), name, "papers", media) for name, content, media in files]
    # Made here: the client would put a large body into a temporary file of its own.
    boundary, body = encode_multipart(
        MultiDict([*MultiDict(fields).items(multi=True), *(("papers", one) for one in papers)])
    )
    return client.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def receipt_in(page: str) -> tuple[str, str]:
    """The receipt number and the code on the page that is shown once."""
    found = re.findall(r'<dd class="number">([^<]+)</dd>', page)
    assert len(found) == 2, page
    return html.unescape(found[0]), html.unescape(found[1])

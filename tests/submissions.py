"""What the public sends in, sealed as the portal seals it and dropped where the portal drops it."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from random import Random

from nacl.public import PublicKey, SealedBox

from gongshi.court import Court
from search_index.submission import MAGIC, Attachment, Submission, draw_code, draw_receipt, pack, token_of

PDF = b"%PDF-1.7\n%synthetic\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"synthetic"
JPEG = b"\xff\xd8\xff\xe0synthetic"
WORD_TYPES = (
    b'<?xml version="1.0"?><Types><Override PartName="/word/document.xml" ContentType='
    b'"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)


def a_submission(moment: datetime, serial: int = 1, *attachments: Attachment, **fields: str) -> Submission:
    """An objection over the net, or whatever `kind` says."""
    chance = Random(serial)
    receipt, code = draw_receipt(chance), draw_code(chance)
    kind = fields.pop("kind", "objection")
    filled = {"claim": "performed", "who": "甲测试", "phone": "13900000001", "words": f"已经履行完毕{serial}", **fields}
    return Submission(
        kind=kind,
        receipt=receipt,
        token=token_of(receipt, code),
        received_at=moment,
        fields=filled,
        attachments=attachments,
    )


def seal(court: Court, submission: Submission) -> bytes:
    """What the portal writes of a submission."""
    key = PublicKey(bytes.fromhex(court.profile().sealing_key))
    return MAGIC + SealedBox(key).encrypt(pack(submission))


def drop(court: Court, content: bytes, moment: datetime, serial: int = 1) -> Path:
    """A finished file in the drop folder."""
    path = court.drop / f"{serial:032x}.sealed"
    path.write_bytes(content)
    os.utime(path, (moment.timestamp(), moment.timestamp()))
    return path


def send(court: Court, submission: Submission, serial: int = 1) -> Path:
    """Seal and drop a submission."""
    return drop(court, seal(court, submission), submission.received_at, serial)


def a_document(**parts: bytes) -> bytes:
    """A Word document with these parts beside those that it must have; `name__rest` stands for `name/rest`."""
    return a_zip({"[Content_Types].xml": WORD_TYPES, "word/document.xml": b"<w:document/>"} | _named(parts))


def a_zip(parts: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def _named(parts: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name.replace("__", "/").replace("_dot_", "."): content for name, content in parts.items()}

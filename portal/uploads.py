"""Files that are sent along: told by their bytes, bounded in number and size, named without a path. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from zipfile import BadZipFile, LargeZipFile, ZipFile

from search_index.submission import LARGEST_ATTACHMENT, LARGEST_TOGETHER, MOST_ATTACHMENTS, Attachment

PDF = "application/pdf"
JPEG = "image/jpeg"
PNG = "image/png"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

_EXTENSIONS = {"pdf": PDF, "jpg": JPEG, "jpeg": JPEG, "png": PNG, "docx": DOCX}
# What browsers and phones call them; a file without a declared type is judged by its bytes and its name.
_DECLARED = {
    PDF: {PDF, "application/x-pdf"},
    JPEG: {JPEG, "image/jpg", "image/pjpeg"},
    PNG: {PNG, "image/x-png"},
    DOCX: {DOCX, "application/zip", "application/x-zip-compressed"},
}
_UNDECLARED = {"", "application/octet-stream", "binary/octet-stream"}
_LONGEST_NAME = 80
_MOST_PARTS = 2_000
_LARGEST_UNPACKED = 200 * 1024 * 1024  # bytes; a document of the size that may be sent unpacks to far less
_WIDEST = 20_000  # pixels; a scanned A3 page has a tenth of the area
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A file as it was sent: the name and the media type that were declared, and its bytes."""

    name: str
    declared: str
    content: bytes

    def __repr__(self) -> str:
        return "Sent()"


class BadFiles(Exception):
    """The files cannot be taken. `reasons` says why (Chinese), by the place of the file among them, never by its name."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__()
        self.reasons = tuple(reasons)


def read_files(sent: Iterable[Sent]) -> tuple[Attachment, ...]:
    """The files as attachments. Raises BadFiles with a reason for each that cannot be taken."""
    files = list(sent)
    reasons: list[str] = []
    found: list[Attachment] = []
    if len(files) > MOST_ATTACHMENTS:
        raise BadFiles([f"附件最多 {MOST_ATTACHMENTS} 个，现有 {len(files)} 个，请合并或者删减"])
    for place, file in enumerate(files, start=1):
        try:
            found.append(read_file(file))
        except ValueError as error:
            reasons.append(f"第 {place} 个附件{error}")
    if sum(len(file.content) for file in files) > LARGEST_TOGETHER:
        reasons.append(f"附件合计不能超过 {LARGEST_TOGETHER // _MIB} MB")
    if reasons:
        raise BadFiles(reasons)
    return tuple(found)


def read_file(sent: Sent) -> Attachment:
    """One file as an attachment. Raises ValueError with the rest of a sentence (Chinese) for one that cannot be taken."""
    if not sent.content:
        raise ValueError("是空的，请重新选择")
    if len(sent.content) > LARGEST_ATTACHMENT:
        raise ValueError(f"超过 {LARGEST_ATTACHMENT // _MIB} MB，请压缩或者分开")
    media = find_media(sent.content)
    _, _, extension = sent.name.rpartition(".")
    if media is None or _EXTENSIONS.get(extension.lower()) != media:
        raise ValueError("不是可以接收的文件：只收 PDF、JPG、PNG、DOCX，文件名的后缀要与内容相符")
    declared = sent.declared.partition(";")[0].strip().lower()
    if declared not in _DECLARED[media] | _UNDECLARED:
        raise ValueError("的类型与内容不符：只收 PDF、JPG、PNG、DOCX")
    return Attachment(name=clean_name(sent.name), media=media, content=sent.content)


def find_media(content: bytes) -> str | None:
    """The media type that the bytes show; None for any other than those that are taken, and for a bomb."""
    if content.startswith(b"%PDF-"):
        return PDF
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"):
        sides = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
        return PNG if all(0 < side <= _WIDEST for side in sides) else None
    if content.startswith(b"PK\x03\x04"):
        return DOCX if _is_document(content) else None
    return None


def clean_name(name: str) -> str:
    """A file name without path, control and direction characters, of a length that fits a line; its ending is kept."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    plain = "".join(one for one in last if unicodedata.category(one)[0] != "C").strip(" .")
    stem, _, extension = plain.rpartition(".")
    return f"{stem[:_LONGEST_NAME].rstrip(' .') or '附件'}.{extension.lower()}"


def _is_document(content: bytes) -> bool:
    """Whether a ZIP holds a text document without macros, and unpacks to a size that a document has. Unpacks nothing."""
    try:
        with ZipFile(BytesIO(content)) as archive:
            parts = archive.infolist()
    except (BadZipFile, LargeZipFile, ValueError, NotImplementedError, OSError):
        return False
    names = {part.filename for part in parts}
    if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > _LARGEST_UNPACKED:
        return False
    is_encrypted = any(part.flag_bits & 1 for part in parts)
    has_macros = any(name.lower().endswith("vbaproject.bin") for name in names)
    return {"[Content_Types].xml", "word/document.xml"} <= names and not (is_encrypted or has_macros)

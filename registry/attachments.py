"""What a file that comes from outside is, by its bytes and not by its name, and whether it may be kept. Pure."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Mapping
from enum import StrEnum

MEGABYTE = 1024 * 1024
# Of a document, once it is unpacked: bytes in all, parts, and how much larger than it was packed.
_LARGEST_UNPACKED = 60 * MEGABYTE
_MOST_PARTS = 2000
_MOST_RATIO = 200
_CHUNK = 256 * 1024
_LONGEST_NAME = 80

_DOCUMENT_PART = "word/document.xml"
_CONTENT_TYPES = "[Content_Types].xml"
_WORD_TYPE = b"wordprocessingml.document.main+xml"
# What runs when it is opened, or carries another file.
_HARMFUL_PART = re.compile(r"vbaproject|vbadata|activex|embeddings/|\.bin$|\.exe$|\.dll$|\.js$|\.vbs$", re.IGNORECASE)
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_UNSAFE = re.compile(r"""[\\/:*?"<>|%;]""")


class Media(StrEnum):
    """The kinds of file that are taken."""

    PDF = "application/pdf"
    JPEG = "image/jpeg"
    PNG = "image/png"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

    @property
    def suffix(self) -> str:
        return _SUFFIX[self]


_SUFFIX: Mapping[Media, str] = {Media.PDF: ".pdf", Media.JPEG: ".jpg", Media.PNG: ".png", Media.DOCX: ".docx"}
_SAME_SUFFIX = {".jpeg": ".jpg", ".jpe": ".jpg"}


class PaperRefused(ValueError):
    """The file is not kept. The message is a sentence for whoever sent it and holds nothing of it."""


def check_file(name: str, content: bytes, *, limit: int) -> Media:
    """The kind of a file that may be kept. `limit` is the most bytes. Raises PaperRefused."""
    if not content:
        raise PaperRefused("附件是空的")
    if len(content) > limit:
        raise PaperRefused(f"附件超过{limit // MEGABYTE}兆字节：请压缩图片或者分成几个文件")
    media = _find_media(content)
    if media is None:
        raise PaperRefused("附件只能是 PDF、JPG、PNG 或者 DOCX 文件，不能改名冒充")
    suffix = _suffix_of(name)
    if suffix and suffix != media.suffix:
        raise PaperRefused(f"附件的内容是{media.suffix[1:].upper()}，与文件名不符：请改正文件名后再提交")
    return media


def clean_name(name: str, media: Media) -> str:
    """A name to show and to download under: the last part of any path, without what a screen or a disk could misread."""
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    # Cf: marks that turn the direction of writing can make an end look like another.
    shown = "".join(
        c for c in last if unicodedata.category(c)[0] != "C" and unicodedata.category(c) not in ("Zl", "Zp")
    )
    stem = _UNSAFE.sub("_", shown).strip(" .")
    if _suffix_of(stem) == media.suffix:
        stem = stem[: stem.rindex(".")]
    stem = stem.strip(" .")[:_LONGEST_NAME]
    return f"{stem or '附件'}{media.suffix}"


def _suffix_of(name: str) -> str:
    found = re.search(r"\.[A-Za-z0-9]{1,5}$", name.strip())
    suffix = found[0].lower() if found else ""
    return _SAME_SUFFIX.get(suffix, suffix)


def _find_media(content: bytes) -> Media | None:
    if content.startswith(b"%PDF-"):
        return Media.PDF
    if content.startswith(b"\xff\xd8\xff"):
        return Media.JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return Media.PNG
    if content.startswith(b"PK\x03\x04"):
        _refuse_harmful_document(content)
        return Media.DOCX
    return None


def _refuse_harmful_document(content: bytes) -> None:
    """Raises PaperRefused unless the archive is a Word document of bounded size without programs in it."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_archive(archive, len(content))
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        if isinstance(error, PaperRefused):
            raise
        raise PaperRefused("附件是损坏的或者不能识别的压缩文件：请另存为 DOCX 或者 PDF") from None


def _check_archive(archive: zipfile.ZipFile, packed: int) -> None:
    parts = archive.infolist()
    names = [part.filename for part in parts]
    if len(parts) > _MOST_PARTS or len(set(names)) != len(names):
        raise PaperRefused("附件里的部分太多或者重复：请另存为 DOCX 或者 PDF")
    if any(name.startswith(("/", "\\")) or ".." in re.split(r"[\\/]", name) for name in names):
        raise PaperRefused("附件里有指向别处的路径，没有收下")
    if any(part.flag_bits & 1 for part in parts):
        raise PaperRefused("附件有密码，不能检查：请去掉密码后再提交")
    if any(_HARMFUL_PART.search(name) for name in names):
        raise PaperRefused("附件含有宏、程序或者嵌入的文件，没有收下：请另存为 PDF")
    if _DOCUMENT_PART not in names or _CONTENT_TYPES not in names:
        raise PaperRefused("附件只能是 PDF、JPG、PNG 或者 DOCX 文件，不能改名冒充")
    _unpack_bounded(archive, parts, packed)


def _unpack_bounded(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo], packed: int) -> None:
    """What a part says of its size is not believed: it is unpacked, piece by piece, and counted."""
    most = min(_LARGEST_UNPACKED, packed * _MOST_RATIO)
    total = 0
    for part in parts:
        with archive.open(part) as stream:
            opening = b""
            while piece := stream.read(_CHUNK):
                opening = opening or piece
                total += len(piece)
                if total > most:
                    raise PaperRefused("附件解开后过大，没有收下：请另存为 PDF")
            if part.filename == _CONTENT_TYPES and _WORD_TYPE not in opening:
                raise PaperRefused("附件只能是 PDF、JPG、PNG 或者 DOCX 文件，不能改名冒充")

"""The files of a package, by name. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

FORMAT = "gongshi-package/2"

LIST_SHEET = "list.xlsx"
LIST_CSV = "list.csv"
LIST_JSON = "list.json"
SCRIPT = "播报稿.docx"
LETTER = "推送函.docx"
CHANGES_SHEET = "变动.xlsx"
CAPTIONS = "滚动字幕.txt"
CAPTIONS_GB18030 = "滚动字幕-GB18030.txt"
RARE_CHARACTERS = "生僻字.txt"
PUBLIC_KEY = "public-key.pem"
MANIFEST = "manifest.json"
SIGNATURE = "manifest.json.sig"
CHECKSUMS = "SHA256SUMS"

# What the manifest cannot name: itself, and what is made from it.
UNLISTED = frozenset((MANIFEST, SIGNATURE, CHECKSUMS))

USE = {
    LIST_SHEET: "供阅读、筛选和打印的名单",
    LIST_CSV: "供导入其他系统的名单",
    LIST_JSON: "供程序读取的名单",
    SCRIPT: "口播稿，附生僻字和多音姓氏的读音、估计时长",
    LETTER: "推送函",
    CHANGES_SHEET: "与上一季度相比新增、更正、退出的条目",
    CAPTIONS: "滚动字幕，一行一条（UTF-8）",
    CAPTIONS_GB18030: "滚动字幕，一行一条（GB 18030，供旧字幕机）",
    RARE_CHARACTERS: "生僻字表：读音、码位、出现在哪一条",
    PUBLIC_KEY: "核对签名用的公钥",
}
SLIDE_USE = "电视画面（1920×1080）"

_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TEXT = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_MEDIA_TYPES = {
    LIST_SHEET: _SHEET,
    LIST_CSV: "text/csv; charset=utf-8",
    LIST_JSON: "application/json",
    SCRIPT: _TEXT,
    LETTER: _TEXT,
    CHANGES_SHEET: _SHEET,
    CAPTIONS: "text/plain; charset=utf-8",
    CAPTIONS_GB18030: "text/plain; charset=gb18030",
    RARE_CHARACTERS: "text/plain; charset=utf-8",
    PUBLIC_KEY: "application/x-pem-file",
    MANIFEST: "application/json",
    SIGNATURE: "application/octet-stream",
    CHECKSUMS: "text/plain; charset=utf-8",
}
_SLIDE_PREFIX = "画面-"


def slide_name(number: int, last: int) -> str:
    """The name of a slide, counted from 1, with as many digits as the last one needs (three at least)."""
    return f"{_SLIDE_PREFIX}{number:0{max(3, len(str(last)))}}.png"


def is_slide(name: str) -> bool:
    path = PurePath(name)
    return path.suffix == ".png" and path.stem.startswith(_SLIDE_PREFIX) and path.stem[3:].isdecimal()


def format_sums(sums: Mapping[str, str]) -> str:
    """SHA256SUMS as coreutils read it, from the digests (hex) by name."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))


def media_type(name: str) -> str:
    """The media type of a file of a package. Raises KeyError for any other name."""
    return "image/png" if is_slide(name) else _MEDIA_TYPES[name]

"""A package as one file, for those who are sent an attachment or a link. Pure: the same files give the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_EPOCH = (1980, 1, 1, 0, 0, 0)
# What is compressed already would only take time.
_PACKED = (".png", ".docx", ".xlsx")


def build_archive(folder: str, files: Mapping[str, bytes]) -> bytes:
    """A ZIP of the files, in the order of their names, within a folder of the given name."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, file in sorted(files.items()):
            archive.writestr(_describe(f"{folder}/{name}"), file)
    return content.getvalue()


def _describe(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date_time=_EPOCH)
    info.create_system = 3
    info.external_attr = 0o644 << 16
    info.compress_type = zipfile.ZIP_STORED if name.endswith(_PACKED) else zipfile.ZIP_DEFLATED
    return info

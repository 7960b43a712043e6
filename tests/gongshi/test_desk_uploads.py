"""What is uploaded to the desk, while it is being read: nowhere but in memory and in the private folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import request
from homes import Home

from gongshi.desk import create_desk

MEGABYTE = 1024 * 1024


@pytest.mark.parametrize(("size", "on_disk"), [(1024, False), (3 * MEGABYTE, True)])
def test_a_large_upload_lies_in_the_private_folder_alone(home: Home, size: int, on_disk: bool) -> None:
    court = home.court
    app = create_desk(court)
    content = b"x" * size
    head = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="entries.jsonl"\r\n\r\n'
    body, kind = head + content + b"\r\n--cut--\r\n", "multipart/form-data; boundary=cut"
    with app.test_request_context("/import", method="POST", data=body, content_type=kind):
        request.max_content_length = 10 * MEGABYTE
        before = _open_files()
        stream = request.files["file"].stream
        opened = [path for path in _open_files() - before if path.suffix != ".db"]
        assert [path.parent for path in opened] == ([court.private] if on_disk else [])
        # Without a name: whoever lists the folder does not find it, and a killed process leaves nothing.
        assert not any(path.exists() for path in opened)
        assert stream.read() == content
    court.close()


def _open_files() -> set[Path]:
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except FileNotFoundError:  # that of the listing itself
            continue
        if target.endswith(" (deleted)"):
            found.add(Path(target.removesuffix(" (deleted)")))
    return found

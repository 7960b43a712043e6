"""Every line that a process writes is one JSON object with `event`, `level` and `at`, and holds nothing that was worked on."""

from __future__ import annotations

import io
import json
import logging
from contextlib import redirect_stderr

import structlog
from gunicorn.config import Config

from gongshi.errorlog import OneLine, ServerLog, log_error
from gongshi.server import log_to_stderr

SECRET = "甲·测试𠮷 990101198001010015"


def fail(secret: str) -> None:
    raise ValueError(secret)


def test_all_lines_have_one_shape_and_none_a_private_word() -> None:
    written = io.StringIO()
    library = logging.getLogger("some.library")
    library.propagate = False  # pytest listens above
    formatter = logging.lastResort.formatter if logging.lastResort else None
    try:
        with redirect_stderr(written):
            log_to_stderr()
            structlog.get_logger("portal").info("request", status=200)
            library.error("could not store %s", SECRET)
            server = ServerLog(Config())
            server.error("Worker (pid:%s) was sent SIGKILL!", 7)
            try:
                fail(SECRET)
            except ValueError as error:
                log_error(error)
                library.exception(SECRET)
                server.exception("Error handling request /search?q=%s", SECRET)
                server.warning("Invalid request from %s", SECRET)
    finally:
        library.propagate = True
        if logging.lastResort is not None:
            logging.lastResort.setFormatter(formatter)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["event"] for line in lines] == [
        "request", "library", "Worker (pid:7) was sent SIGKILL!", "error", "library", "error", "refused"
    ]  # fmt: skip
    for line in lines:
        assert {"event", "level", "at"} <= line.keys()
        assert line["level"] in ("info", "warning", "error")
        assert isinstance(line["at"], str)
    assert "测试" not in written.getvalue()
    assert "9901" not in written.getvalue()
    assert lines[3]["where"][-1].startswith("test_log_lines.py:")


def test_a_line_with_a_break_stays_one_line() -> None:
    record = logging.LogRecord("gunicorn.error", logging.WARNING, "x.py", 3, "one\ntwo", (), None)
    assert json.loads(OneLine().format(record))["event"] == "one\ntwo"

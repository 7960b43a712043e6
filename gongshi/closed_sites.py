"""What the gateway and the units' site answer while the home is closed: one plain line."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, request

from gongshi.safety.closed import SHORT, is_closed

_RETRY = "600"  # seconds


def close_site(app: Flask, home: Path) -> None:
    """Let a site answer nothing but its sign of life while the home is closed."""

    @app.before_request
    def refuse_while_closed() -> Response | None:
        if not is_closed(home) or request.endpoint == "health":
            return None
        answer = Response(f"{SHORT}\n", 503, content_type="text/plain; charset=utf-8")
        answer.headers["Retry-After"] = _RETRY
        return answer

"""The desk's process. Until the desk is built it shows what the notifier has sent, to this machine only."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response
from jinja2 import StrictUndefined

from gongshi.court import Court
from gongshi.office import open_office
from notifier.desk import desk_pages

STATIC = Path(__file__).resolve().parent.parent / "static"


def create_desk(court: Court) -> Flask:
    """The application of `serve desk`."""
    app = Flask("gongshi.desk", static_folder=str(STATIC), static_url_path="/static")
    app.jinja_env.undefined = StrictUndefined
    app.register_blueprint(desk_pages(open_office(court), clock=court.world.now))

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers.setdefault(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'",
        )
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return app

"""Reading the list in bulk, with a key: changes, snapshot, CSV, and acknowledging departures."""

from __future__ import annotations

from flask import Blueprint

bulk = Blueprint("bulk", __name__, url_prefix="/api/v1")

"""Statistics of the list: how many there are, of what kind, and how fast departures were carried out."""

from __future__ import annotations

from flask import Blueprint

statistics = Blueprint("statistics", __name__)

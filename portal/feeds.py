"""Feeds of the newest publications and departures (Atom, JSON Feed), and the description of the search (OpenSearch)."""

from __future__ import annotations

from flask import Blueprint

feeds = Blueprint("feeds", __name__)

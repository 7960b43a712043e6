"""The site as an app: its manifest and the service worker, which keeps the shell and never an entry."""

from __future__ import annotations

from flask import Blueprint

installing = Blueprint("installing", __name__)

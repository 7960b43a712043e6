"""The page that describes the interfaces, made from their description."""

from __future__ import annotations

from flask import Blueprint

describing = Blueprint("describing", __name__)

"""What is shown on screens and notice boards: the rolling list of a hall (LED) and the printed notice."""

from __future__ import annotations

from flask import Blueprint

displays = Blueprint("displays", __name__)

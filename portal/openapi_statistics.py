"""The part of the description of the open API that tells of statistics."""

from __future__ import annotations

from portal.schema import Json

PATHS: Json = {}
SCHEMAS: Json = {}

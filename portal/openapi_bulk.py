"""The part of the description of the open API that tells of reading the list in bulk, with a key."""

from __future__ import annotations

from portal.schema import Json

PATHS: Json = {}
SCHEMAS: Json = {}

"""The interface for machines of the units (`/units/v1`): behind keys, each with its scopes; every use is written down."""

from __future__ import annotations

from flask import Blueprint

from registry.unit_api import acks, changes, compare, feedback, ledger, openapi
from registry.unit_api.base import Api, Site

_PARTS = (compare, changes, acks, feedback, ledger)


def unit_api(site: Site) -> Blueprint:
    """The interface. What goes wrong outside its endpoints is told by the application's own handlers (unit_pages.base)."""
    api = Api(site)
    for part in _PARTS:
        part.add_endpoints(api)
    openapi.add_endpoint(api.blueprint, site)
    return api.blueprint

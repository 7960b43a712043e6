"""What the frame of every page shows: where one can go, by role, who is signed in, and what templates may call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app, request, url_for
from werkzeug.exceptions import HTTPException

from registry.desk.access import Access
from registry.desk.base import (
    BROKEN,
    SignedIn,
    find_current,
    form_start,
    form_token,
    local_day,
    local_time,
    the_desk,
    token_field,
)
from registry.running import count_faults
from registry.staff import ROLE_LABEL


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation. `within` are beginnings of the addresses that belong to it."""

    endpoint: str
    label: str
    access: Access
    within: tuple[str, ...]


_PLACES = (
    Place("desk.home", "首页", Access.SIGNED_IN, ()),
    Place("desk.worklists", "工作清单", Access.READ, ("/work", "/records")),
    Place("desk.intake", "导入和审批", Access.READ, ("/import", "/batches")),
    Place("desk.matters", "办件", Access.READ, ("/matters", "/papers")),
    Place("desk.letters", "文书", Access.READ, ("/letters",)),
    Place("desk.articles", "公示文章", Access.READ, ("/articles",)),
    Place("desk.units", "联合惩戒单位", Access.READ, ("/units", "/measures")),
    Place("desk.sources", "转载的名单", Access.READ, ("/sources",)),
    Place("desk.readers", "批量读取", Access.READ, ("/readers",)),
    Place("notifier_desk.runs", "名单推送", Access.READ, ("/runs", "/recalls", "/messages", "/recipients")),
    Place("desk.trail", "审计记录", Access.TRAIL, ("/audit",)),
    Place("desk.running", "运行状况", Access.RUNNING, ("/running",)),
    Place("desk.staff", "工作人员", Access.ADMIN, ("/staff",)),
)
_PUSHING = ("/printings", "/templates", "/actions", "/inbox", "/phone")


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as it is shown."""

    address: str
    label: str
    is_here: bool


def list_places(signed_in: SignedIn) -> list[Link]:
    """The entries for somebody. Parts that this application does not have are left out."""
    known = current_app.view_functions
    return [
        Link(url_for(place.endpoint), place.label, _is_here(place))
        for place in _PLACES
        if place.endpoint in known and signed_in.may(place.access)
    ]


def _is_here(place: Place) -> bool:
    within = place.within + (_PUSHING if place.endpoint == "notifier_desk.runs" else ())
    return request.endpoint == place.endpoint or request.path.startswith(within)


def template_values() -> dict[str, Any]:
    """What every template of the application may call."""
    signed_in = find_current()
    return {
        "signed_in": signed_in,
        "role_label": ROLE_LABEL.get,
        "Access": Access,
        "places": list_places(signed_in) if signed_in is not None and signed_in.owns_password else [],
        "form_start": form_start,
        "token_field": token_field,
        "form_token": form_token,
        "local_time": local_time,
        "local_day": local_day,
        "typed": _read_typed(),
        "today": the_desk().today,
        "is_training": _is_training,
        "count_faults": _count_faults,
    }


def _read_typed() -> Mapping[str, str]:
    """What was filled in, to be shown again; nothing where it was too large to be read."""
    try:
        return request.form if request.method == "POST" else {}
    except HTTPException:
        return {}


def _count_faults() -> int:
    """How many faults an administrator is told of on every page; none for others, and where it cannot be known now."""
    signed_in = find_current()
    if signed_in is None or not signed_in.may(Access.ADMIN) or not signed_in.owns_password:
        return 0
    try:
        with the_desk().court.reading() as session:
            return count_faults(session)
    except BROKEN:
        return 0


def _is_training() -> bool:
    try:
        return bool(the_desk().court.profile().training)
    except BROKEN:
        # The page that says so must be shown all the same.
        return False

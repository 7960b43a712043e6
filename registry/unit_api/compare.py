"""`POST /compare`: applicants of a unit beside the list, a thousand a call (自动比对, policies A6, A7, A9, B10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.unit_api.base import Api, Caller
from registry.unit_api.reading import GIVEN_FIELDS, Faults, read_body, read_given, refuse_parameters
from registry.units.compare_book import compare_rows
from registry.units.compare_rows import MOST_ROWS, read_rows
from registry.units.compare_words import answer_json
from registry.units.keys import Scope

LARGEST = 2 * 1024 * 1024  # bytes


def add_endpoints(api: Api) -> None:
    """`/compare`."""

    @api.post("/compare", Scope.COMPARE, largest=LARGEST)
    def compare(caller: Caller) -> Mapping[str, Any]:
        faults = Faults()
        refuse_parameters((), faults)
        body = read_body({"persons", *GIVEN_FIELDS}, faults)
        given = read_given(faults, body, required=True)
        persons = body.get("persons")
        if not isinstance(persons, list) or not 1 <= len(persons) <= MOST_ROWS:
            faults.add("persons", f"应为 1 到 {MOST_ROWS} 行的数组，每行一个对象")
            persons = []
        faults.refuse()
        site = caller.site
        answer = compare_rows(site.court, site.store, read_rows(persons), caller.user, given, caller.acting)
        return answer_json(answer)

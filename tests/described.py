"""Whether an application does what its description says: Schemathesis asks it what the description allows and what it does
not, over a real connection, and checks every answer."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from flask import Flask
from schemathesis.config import PositiveDataAcceptanceConfig, SchemathesisConfig
from schemathesis.engine import events, from_schema
from werkzeug.serving import WSGIRequestHandler, make_server

# What is well formed may be told that the entry left, or that the state is another one by now.
ACCEPTED = ("2xx", "3xx", "401", "403", "404", "409", "410", "429")
CHECKS = {
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
}

# Whether a refusal is for what no schema can say; told what was asked and what was answered.
Excuse = Callable[[schemathesis.Case, schemathesis.Response], bool]


@dataclass
class Looked:
    """What was found: faults, which statuses each operation answered with, and the names of the checks that were made."""

    faults: list[str] = field(default_factory=list)
    statuses: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    checks: set[str] = field(default_factory=set)
    phases: set[str] = field(default_factory=set)


class Handler(WSGIRequestHandler):
    """Keeps connections, and writes no log."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:
        pass


def look(
    app: Flask,
    description: dict[str, Any],
    base: str,
    headers: Mapping[str, str],
    examples: int,
    excuse: Excuse = lambda case, response: False,
) -> Looked:
    """Ask everything that is described, with `headers`, `examples` times and more. `base` goes before the paths."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        config = SchemathesisConfig(seed=7)
        project = config.projects.default
        project.base_url = f"http://127.0.0.1:{server.server_port}{base}"
        project.headers = dict(headers)
        project.checks.positive_data_acceptance = PositiveDataAcceptanceConfig(expected_statuses=ACCEPTED)
        project.generation.update(max_examples=examples, deterministic=True, database="none")
        found = Looked()
        for event in from_schema(schemathesis.openapi.from_dict(description, config=config)).execute():
            _note(event, found, excuse)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    return found


def _note(event: events.EngineEvent, found: Looked, excuse: Excuse) -> None:
    if isinstance(event, events.NonFatalError | events.FatalError):
        found.faults.append(f"{getattr(event, 'label', '')}: {getattr(event, 'value', event)!r}")
    if not isinstance(event, events.ScenarioFinished):
        return
    found.phases.add(event.phase.value)
    recorder = event.recorder
    for number, checks in recorder.checks.items():
        case, response = recorder.cases[number].value, recorder.interactions[number].response
        found.checks |= {check.name for check in checks}
        if response is not None and case.method == case.operation.method.upper():
            found.statuses[case.operation.label].add(response.status_code)
        for check in checks:
            if check.failure_info is None:
                continue
            excused = check.name == "positive_data_acceptance" and response is not None
            if not (excused and excuse(case, response)):
                told = f"{response.status_code} {response.text[:300]}" if response is not None else "no answer"
                failure = check.failure_info.failure
                found.faults.append(
                    f"{case.operation.label} {check.name}: {failure.message}\n{check.failure_info.code_sample}\n{told}"
                )


def operations_of(description: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What is described, by method and path."""
    return {
        f"{method.upper()} {path}": operation
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
    }


def routes_of(app: Flask, wanted: Callable[[str], bool], base: str = "") -> set[str]:
    """What an application answers, by method and path without `base`, of the paths that are `wanted`."""
    return {
        f"{method} {rule.rule.removeprefix(base).replace('<', '{').replace('>', '}')}"
        for rule in app.url_map.iter_rules()
        if wanted(rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

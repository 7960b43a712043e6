"""How the tests are spread over the workers of pytest-xdist.

A worker takes a module at a time: what its tests set up together is set up once. The marks `xdist_group` would say it,
but pytest 9.2 keeps the number of a test where pytest-xdist 3.8 does not write the group any more, and says nothing:
each test went its own way, and each worker set up everything again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

# The modules that take the longest, the longest first: whoever comes last is waited for.
LONGEST = tuple(
    f"test_{name}"
    for name in (
        "install",
        "days_browser",
        "canary",
        "desk_served",
        "noninterference",
        "lawful_histories",
        "two_years",
        "residue",
        "registry_machine",
        "consumers",
        "pages_axe",
        "recall",
        "kill",
        "traps_kill",
        "sending",
        "separation",
        "settings",
        "claiming",
        "gateway_recipients",
        "departure_under_load",
        "nothing_derived_tells",
        "settling",
        "traps_gateway",
        "policy_b",
        "fuzz_importers",
        "broken_disk",
        "package_office",
        "clarifying",
        "notices_pumped",
        "unit_ledger",
        "book",
        "court_articles",
        "retrieval",
        "walk",
        "redaction_corpus",
        "ending",
        "moving_clocks",
        "demo_and_serving",
    )
)


def name_unit(test: str) -> str:
    """What a test is done together with: its module, and on PostgreSQL apart, for each database has its own set-up."""
    module, _, name = test.partition("::")
    return f"{module}-postgres" if "postgres" in name.partition("[")[2] else module


def put_longest_first(items: list[pytest.Item]) -> None:
    """Reorder tests by module; what takes no time worth telling stays as it came."""
    rank = {module: number for number, module in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


def make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """What hands the modules out to the workers."""
    from xdist.scheduler import LoadScopeScheduling

    class ByModule(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return name_unit(nodeid)

    # In the order in which they are collected, and not by the number of their tests.
    config.option.loadscopereorder = False
    return ByModule(config, log)

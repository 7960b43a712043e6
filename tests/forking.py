"""Processes that tests start in their hundreds, forked from one that has imported the product already.

There is one such server for each worker of pytest, whoever asks for it first: so what it imports is said here, for all.
"""

from __future__ import annotations

import multiprocessing

FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(
    [
        "gongshi.duty",
        *(
            f"gongshi.commands.{name}"
            for name in (
                "backup",
                "departures",
                "doctor",
                "grounds",
                "intake",
                "journal",
                "notices",
                "packages",
                "publishing",
                "recipients",
                "restore",
                "serving",
                "upgrade",
                "users",
            )
        ),
        "gongshi.installing.upgrading",
        "search_index.register",
        "search_index.sync",
    ]
)

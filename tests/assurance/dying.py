"""A command that dies by SIGKILL before one of its lasting changes."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Mapping
from datetime import datetime
from itertools import count

from forking import FORKING
from homes import Home, settle

# What makes a change last: the end of a transaction, a file put in place, taken away or cut short.
LASTING = frozenset({"os.rename", "os.remove", "os.truncate", "shutil.rmtree"})


def dies(home: Home, instant: int, *arguments: str, refuses: bool = False, typed: str = "") -> bool:
    """Run a command that is to die before its `instant`-th lasting change; False where it ended by itself, which it may do
    with something refused. `typed` is what it reads from standard input."""
    env = {"GONGSHI_HOME": str(home.folder), **home.databases}
    process = FORKING.Process(target=_run, args=(instant, home.clock(), arguments, env, typed))
    process.start()
    process.join(300)
    assert process.exitcode in (0, int(refuses), -signal.SIGKILL), (arguments, process.exitcode)
    return process.exitcode == -signal.SIGKILL


def _run(instant: int, moment: datetime, arguments: tuple[str, ...], env: Mapping[str, str], typed: str) -> None:
    from sqlalchemy import Engine, event

    from gongshi.cli import run
    from gongshi.clock import World

    passed = count(1)

    def pass_one(*_: object) -> None:
        if next(passed) == instant:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "commit", pass_one)
    sys.addaudithook(lambda name, _: pass_one() if name in LASTING else None)
    settle(env)
    sys.stdin, sys.stdout = io.StringIO(typed), io.StringIO()
    sys.stderr = sys.stdout
    os._exit(run(arguments, World(now=lambda: moment)))

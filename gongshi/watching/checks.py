"""All that `doctor` looks at, in the order in which it tells it."""

from __future__ import annotations

from gongshi.watching.court_checks import COURT
from gongshi.watching.law_checks import LAW
from gongshi.watching.machine_checks import MACHINE
from gongshi.watching.rounds import Check
from gongshi.watching.safety_checks import SAFETY
from gongshi.watching.sending import SENDING
from gongshi.watching.store_checks import STORES

CHECKS: tuple[Check, ...] = (*COURT, *SAFETY, *LAW, *STORES, *MACHINE, *SENDING)

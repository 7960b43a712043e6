"""The other processes under their units and the real systemd: what the sandbox forbids none of them needs.

The home of a test is root's, so they run as root without any capability: whose they are on a court's machine is tried in
test_install.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from entries import a_person
from homes import Home
from service_manager import service_manager, wait_until

from gongshi.clock import system_now

ROOT = Path(__file__).parents[2]
RUNNING = ("worker", "desk", "units", "gateway")

pytestmark = [pytest.mark.separation, pytest.mark.long]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_each_process_comes_up_in_its_sandbox_and_works(home: Home) -> None:
    home.clock.moment = system_now()
    home.publish(a_person(1, name="甲测试"))
    units = {f"gongshi-{name}.service": shut_in(name) for name in (*RUNNING, "doctor")}
    with service_manager(home.folder, units) as manager:
        said = manager.base / "run/said"
        for name in RUNNING:
            manager.control("start", f"gongshi-{name}.service")
        try:
            wait_until(lambda: said.read_text().count("已就绪") == len(RUNNING), 60)
            # It ends with 1 where something is found, which the unit takes for a success.
            manager.control("start", "gongshi-doctor.service")
        except AssertionError:
            raise AssertionError(said.read_text()[-3000:]) from None
        assert {manager.control("show", "-P", "NRestarts", f"gongshi-{name}.service").strip() for name in RUNNING} == {
            "0"
        }
        assert "Traceback" not in said.read_text()
        assert '"level": "error"' not in said.read_text()


def shut_in(name: str) -> str:
    """A unit as it is shipped, but for its user."""
    text = (ROOT / f"deploy/gongshi-{name}.service").read_text()
    text = re.sub(r"^(User|Group|SupplementaryGroups)=.*\n", "", text, flags=re.M)
    # There are no settings and no backups in a test; the unit says that they may be missing, but for what is backed up.
    return text.replace("[Service]\n", "[Service]\nStandardOutput=append:/run/said\n")

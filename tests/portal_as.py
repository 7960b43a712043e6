"""Serve the portal of GONGSHI_HOME as another Unix user: `python portal_as.py UID`. Prints the port when ready.

The modules are loaded before the user changes, because that user may not be able to read the checkout; what is
tested is what the running portal can open.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from werkzeug.serving import make_server

from gongshi.clock import system_now
from gongshi.server import log_to_stderr
from portal.app import create_app
from portal.settings import PortalSettings


def main(user: int) -> None:
    log_to_stderr()
    home = Path(os.environ["GONGSHI_HOME"])
    app = create_app(PortalSettings.from_environment(os.environ), system_now)
    for page in ("/", "/search?q=甲", "/api/v1/entries"):  # loads what is loaded late
        assert app.test_client().get(page).status_code == 200
    if user:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
        for private in ("registry", "registry/keys/master.key", "notifier"):
            try:
                (home / private).stat() if "/" in private else list((home / private).iterdir())
            except PermissionError:
                continue
            raise SystemExit(f"{private} can be read by user {user}")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))

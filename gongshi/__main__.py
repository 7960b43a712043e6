"""`gongshi …`"""

from __future__ import annotations

import resource
import sys
from io import TextIOWrapper


def main() -> None:
    """Run the command that was typed, and end with its exit code."""
    # A crash file would hold the whole memory: the key, and records in the clear. Children inherit this.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character is no reason to stop.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        from gongshi.cli import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 2
    sys.exit(code)


if __name__ == "__main__":
    main()

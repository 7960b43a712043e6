"""What is refused when a home is kept safe or brought back."""

from __future__ import annotations


class SafetyRefused(Exception):
    """It cannot be done, and nothing was. The message is one line for the administrator (Chinese)."""

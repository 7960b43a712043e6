"""How packages and letters reach institutions: e-mail, SFTP, signed webhooks, and pulling over HTTPS.

Each channel is handed a `Dispatch` whose `recipient` is a slug, and asks for the endpoint of that recipient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

MAIL, SFTP, WEBHOOK, PULL = "mail", "sftp", "webhook", "pull"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a recipient is reached: a mail address, `sftp://user@host:port/folder`, an https address, or none where it
    pulls. `options` may be shown, `secret` may not (a signing secret `whsec_…`, a password)."""

    slug: str
    name: str
    address: str | None
    options: Mapping[str, str] = field(default_factory=dict)
    secret: str | None = None


# The endpoint of the recipient with this slug; None where there is none.
FindEndpoint = Callable[[str], Endpoint | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Addresses on the gateway for a dispatch id: where its package is fetched, and where its receipt is confirmed with
    one button. None where no gateway address is set."""

    package: Callable[[str], str | None] = lambda _dispatch: None
    acknowledge: Callable[[str], str | None] = lambda _dispatch: None

"""Who reads the list in bulk: the key that a request carries, and how its holder stands.

A key travels in the header Authorization and nowhere else; what is not good is answered in one way, whether it was never
given, has ended or was taken back. The portal keeps no key: it asks the store for the digest.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from flask import g, request

from portal.limits import KEY_RULES
from portal.problems import Problem, ProblemRaised, TooManyRequests, build_problem
from portal.site import get_now, get_profile, get_site
from search_index.readers import READER, Standing, digest_key

# So many departures are told of at once to a reader that has not confirmed them.
MOST_DEPARTURES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who asks: the digest of the key, and how its holder stands."""

    digest: str
    standing: Standing


def require_reader(*, basic: bool = False, suspended: bool = False) -> Reader:
    """The reader whose key the present request carries, counted against the limits of that key.

    `basic`: the key may also be the password of HTTP Basic, which is what feed readers know. `suspended`: a suspended
    reader may do this, too. Raises ProblemRaised (401, 403) or TooManyRequests.
    """
    # What follows is meant for one reader: headers.py keeps it out of caches and from other sites' pages.
    g.keyed = True
    key = _read_key(request.headers.get("Authorization", ""), basic=basic)
    # What can be no key is looked up like one.
    digest = digest_key(key) or sha256(key.encode("utf-8", "replace")).hexdigest()
    standing = _find_standing(digest, get_now())
    if standing is None or digest_key(key) is None:
        raise ProblemRaised(_refuse(basic=basic))
    reader = Reader(digest=digest, standing=standing)
    _count(reader)
    if reader.standing.suspended and not suspended:
        raise ProblemRaised(_suspend(reader.standing))
    return reader


def require_still(reader: Reader) -> None:
    """A reader that has waited may have been stopped meanwhile. Raises ProblemRaised (401, 403)."""
    standing = _find_standing(reader.digest, get_site().clock())
    if standing is None:
        raise ProblemRaised(_refuse(basic=False))
    if standing.suspended:
        raise ProblemRaised(_suspend(standing))


def _read_key(header: str, *, basic: bool) -> str:
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip(" ")
    if basic and scheme.lower() == "basic":
        try:
            return base64.b64decode(rest.strip(" "), validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            return ""
    return ""


def _find_standing(digest: str, now: datetime) -> Standing | None:
    """How the holder of a key stands; None where nobody holds it, and where it is told in a way to come."""
    body = get_site().register.subject(READER, digest, now)
    try:
        return None if body is None else Standing.from_json(body)
    except (LookupError, TypeError, ValueError):
        return None


def _count(reader: Reader) -> None:
    gatekeeper = get_site().gatekeeper
    rules = KEY_RULES.get(request.endpoint or "", ())
    if gatekeeper is None or not rules:
        return
    g.allowance = gatekeeper.admit(rules, reader.digest)
    if g.allowance is not None and g.allowance.refused:
        raise TooManyRequests(g.allowance)


def _refuse(*, basic: bool) -> Problem:
    profile = get_profile()
    ways = [f"电话 {profile.telephone}" if profile.telephone else "", profile.email and f"邮箱 {profile.email}"]
    contact = "，".join(way for way in ways if way) or "见网站“关于名单”页"
    detail = (
        f"请在 Authorization 请求头中写“Bearer ”和密钥。没有密钥，或者密钥已到期、已停用的，可以向{profile.court}免费申请"
        f"（{contact}）。逐条查询不需要密钥。"
    )
    schemes = 'Bearer realm="gongshi", Basic realm="gongshi", charset="UTF-8"' if basic else 'Bearer realm="gongshi"'
    return build_problem(401, detail=detail, headers={"WWW-Authenticate": schemes})


def _suspend(standing: Standing) -> Problem:
    """What a suspended reader is told: the departures that it has to carry out, and where to confirm them."""
    site = get_site()
    found = site.register.departures(standing.acked, MOST_DEPARTURES, get_now())
    listed = [{"sequence": one.sequence, "record": one.record, "at": one.at.isoformat()} for one in found]
    more = {
        "acked": standing.acked,
        "departures": listed,
        "acks": f"{site.settings.public_url}/api/v1/acks",
    }
    return build_problem(403, more=more)

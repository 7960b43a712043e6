"""The random secrets that a home keeps as long as it lasts.

What was made with one, a digest of a number or the address of a package, means nothing to a home that has another. So the
secrets that outlive a day are made with the home, and every backup holds them: a home that comes back from one that did not
would not know again to whom it has written, and write a second time.
"""

from __future__ import annotations

import secrets

from sqlalchemy import Engine, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from notifier.tables import SettingRow
from search_index.database import for_reading

ADDRESS_KEY, LINK_KEY = "address_key", "link_key"


def found_secrets(engine: Engine) -> None:
    """Make the secrets that every backup must hold, where they are missing."""
    for name in (ADDRESS_KEY, LINK_KEY):
        keep_secret(engine, name)


def keep_secret(engine: Engine, name: str) -> str:
    """The random secret (64 hexadecimal digits) that this home keeps under a name; made when it is first asked for. Not
    within a transaction of the notifier's database."""
    with Session(for_reading(engine)) as session:
        row = session.get(SettingRow, name)
        if row is not None:
            return row.value
    try:
        with Session(engine) as session, session.begin():
            session.execute(insert(SettingRow).values(name=name, value=secrets.token_hex(32)))
    except IntegrityError:
        pass
    return keep_secret(engine, name)

"""Loading a dump of a PostgreSQL database: all of it, or nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import create_engine, inspect, make_url

from gongshi.safety.closed import RestoringRefused


class DumpNotLoaded(RestoringRefused):
    """The dump could not be put into the database. The message is for the administrator."""


def is_empty_database(url: str) -> bool:
    """Whether a database holds no table. Raises DBAPIError."""
    engine = create_engine(url)
    try:
        return not inspect(engine).get_table_names()
    finally:
        engine.dispose()


def load_dump(url: str, dump: Path) -> None:
    """Put a dump (pg_dump -Fc) into a database, in one transaction; what it holds of the same names goes. Raises
    DumpNotLoaded."""
    program = shutil.which("pg_restore")
    if program is None:
        raise DumpNotLoaded("没有 pg_restore：请安装 postgresql-client，版本不低于数据库服务器")
    conninfo, environment = describe_connection(url)
    options = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--clean", "--if-exists")
    done = subprocess.run(  # noqa: S603  # a fixed program, and no shell
        [program, *options, "--dbname", conninfo, str(dump)], env=environment, capture_output=True, check=False
    )
    if done.returncode:
        # Its words may hold what was to be stored.
        raise DumpNotLoaded(
            f"备份没有装入数据库（pg_restore 以 {done.returncode} 结束），数据库没有变动：请检查数据库服务器和账号权限"
        )


def _one(value: str | tuple[str, ...] | None) -> str | None:
    return value if isinstance(value, str) else None


def describe_connection(url: str) -> tuple[str, dict[str, str]]:
    """What the programs of PostgreSQL are told of a database, and the environment that keeps its password."""
    from psycopg.conninfo import make_conninfo

    found = make_url(url)
    named: dict[str, str | int | None] = {
        **{key: value for key, value in found.query.items() if isinstance(value, str)},
        **{"host": found.host or _one(found.query.get("host")), "port": found.port or _one(found.query.get("port"))},
        **{"user": found.username, "dbname": found.database},
    }
    environment = dict(os.environ)
    if found.password:
        environment["PGPASSWORD"] = str(found.password)
    return make_conninfo("", **{key: value for key, value in named.items() if value}), environment
